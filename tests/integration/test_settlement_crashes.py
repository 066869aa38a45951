"""Settlement dies at every named point of its work, and is exact afterwards.

Every point at its first pass in each run of the tests; VENUE_SOAK=1 adds the second pass, where more is under way.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import pytest

from settlement.crash import POINTS
from tests.fixtures.fix_settlement import USD, SettlementVenue

PASSES = (1, 2) if os.environ.get("VENUE_SOAK") == "1" else (1,)
TRADES = 6
HIGH_BASE_FEE_WEI = 50 * 10**9


@pytest.mark.parametrize("group", range(4))
def test_death_at_a_crash_point_loses_and_doubles_nothing(
    make_venue: Callable[..., SettlementVenue], group: int
) -> None:
    """For each point: the daemon dies there by os._exit; restarted, it ends with three equal records."""
    venue = make_venue()
    venue.start()
    venue.fund()
    venue.wait(lambda: venue.count("SELECT count(*) FROM credit") == 4, "the deposits to be credited")
    venue.kill9()
    fills = 0
    for point in POINTS[group::4]:
        for passes in PASSES:
            venue.start(f"{point}:{passes}")
            fills = _work_until_death(venue, fills, bumps=point.startswith("bump."))
            venue.start()
            venue.wait_exact(fills)
            assert venue.count("SELECT count(*) FROM nonce_slot") == venue.count("SELECT count(*) FROM batch"), point
            venue.kill9()


def _work_until_death(venue: SettlementVenue, fills: int, bumps: bool) -> int:
    """Work, brought to rest each time, until the daemon dies at its point; returns the fills there are."""
    while not venue.ended():
        fills += _work(venue, fills, bumps)
        venue.wait(partial(_over, venue, fills), "a death or the end of the work")
    venue.wait_death()
    return fills


def _over(venue: SettlementVenue, fills: int) -> bool:
    return venue.ended() or venue.at_rest(fills)


def _work(venue: SettlementVenue, seed: int, bumps: bool) -> int:
    """Something for every part of settlement to do; returns the fills it makes."""
    venue.deposit(venue.alpha_key, USD, 1_000)
    if not bumps:
        venue.trade(TRADES, seed)
        return TRADES
    venue.chain.request("evm_setAutomine", False)
    venue.trade(TRADES, seed)
    sent = "SELECT count(*) FROM batch WHERE state = 'sent'"
    venue.wait(lambda: venue.ended() or venue.count(sent) > 0, "a batch to be sent", mine=False)
    venue.chain.request("anvil_setNextBlockBaseFeePerGas", hex(HIGH_BASE_FEE_WEI))
    venue.chain.request("evm_mine")
    unsettled = "SELECT count(*) FROM batch WHERE state <> 'final'"
    venue.wait(lambda: venue.ended() or venue.count(unsettled) == 0, "the batch to be outbid")
    venue.chain.request("evm_setAutomine", True)
    return TRADES
