"""The whole venue under kill -9: whoever dies while institutions trade, the accounts agree afterwards."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from ops.audit import Audit
from ops.demo import BLOCK_TIME_S, EDITS, Demo
from ops.local import START_ORDER, LocalVenue, Ports

ORDERS = 500
RATE_PER_S = 40  # so that trading goes on through all the restarts


def accepted(audit: Audit, goal: int) -> bool:
    return audit.counts["OrderAccepted"] >= goal


@pytest.mark.timeout(400)
def test_kill_9_of_each_daemon_in_turn_while_trading_ends_with_the_same_reconciliation(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Every daemon is killed once during trading and started again; clients' records, engine, feed, ledger and chain
    agree.
    """
    killed: list[str] = []

    def kill_each(demo: Demo, audit: Audit) -> None:
        for name in START_ORDER:
            goal = audit.counts["OrderAccepted"] + 25
            demo.until(audit, partial(accepted, audit, goal), 60, f"orders before the kill of {name}")
            demo.venue.kill9(name)
            killed.append(name)
            demo.venue.start_daemon(name)
            demo.venue.await_ready(name)

    directory: Path = tmp_path_factory.mktemp("kill")
    with LocalVenue(directory, Ports.free(), print, EDITS, BLOCK_TIME_S) as venue:
        demo = Demo(venue, ORDERS, seed=7, say=print, rate_per_s=RATE_PER_S)
        outcome = demo.run(kill_each)
    print(outcome.reconciliation, outcome.facts)
    assert killed == list(START_ORDER)
    assert outcome.differences == []
    assert outcome.facts["engine epochs"] == 2, "the engine was restarted once"
    assert outcome.facts["reconnects"], "the gateway's death cut the institutions' lines"
