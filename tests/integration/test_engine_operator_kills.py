"""Operators' commands in flight when the engine is killed: carried out once at most, and what was told holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from engine.wire.messages import (
    AuctionUncrossed,
    CommandRefused,
    Phase,
    PhaseChanged,
    PhaseSet,
    Reason,
    Side,
    Trade,
    TradeBust,
    TradeBusted,
    Transfer,
    Transferred,
)
from tests.fixtures.fix_engine import ALPHA_ACCOUNT, ETH_USD, USD, EngineClient, EngineDaemon

LENDER, ETH = 3, 2
AMOUNT = 1_000
VERDICTS = (PhaseChanged, Transferred, TradeBusted)


def told(client: EngineClient) -> Counter[str]:
    """How often each of the operator's commands was carried out."""
    return Counter(type(event).__name__ for event in client.decoded() if isinstance(event, VERDICTS))


@pytest.mark.parametrize("verdicts", range(4))
def test_a_kill_carries_nothing_out_twice_and_forgets_nothing_told(
    engine_daemon: EngineDaemon, engine_client: Callable[..., EngineClient], verdicts: int
) -> None:
    """Killed after so many verdicts; sent again, only the transfer needs its number for that, the bust its trade."""
    client = engine_client(engine_daemon)
    for number, (account, asset) in enumerate(((ALPHA_ACCOUNT, USD), (ALPHA_ACCOUNT, ETH), (LENDER, USD)), 1):
        client.credit(account, asset, 10**12, number)
    client.attach()
    client.send(client.gateway, [client.order(Side.SELL, 100, 1), client.order(Side.BUY, 100, 1)])
    client.poll_until(lambda: any(isinstance(event, Trade) for event in client.decoded()), "the trade")
    trade = next(event for event in client.decoded() if isinstance(event, Trade))
    commands = [
        PhaseSet(ETH_USD, Phase.CONTINUOUS, 0, b"test", b"kill").encode(),
        Transfer(1, LENDER, ALPHA_ACCOUNT, USD, AMOUNT, b"test", b"kill").encode(),
        TradeBust(trade.trade_id, 0, b"test", b"kill").encode(),
    ]
    client.send(client.admin, commands)
    client.poll_until(lambda: told(client).total() >= verdicts, f"{verdicts} verdicts")
    engine_daemon.kill9()
    before = told(client)
    engine_daemon.start()
    client.resumed(2)
    after = told(client)
    assert before <= after
    client.send(client.admin, commands[1:])
    client.poll_until(lambda: told(client)["TradeBusted"] == 1, "the bust")
    client.send(client.admin, commands[2:])

    def refused_again() -> bool:
        refusals = [event for event in client.decoded() if isinstance(event, CommandRefused)]
        return len(refusals) == 1 + (after["TradeBusted"] == 1)

    client.poll_until(refused_again, "the second bust's refusal")
    refusals = [event.reason for event in client.decoded() if isinstance(event, CommandRefused)]
    assert set(refusals) == {Reason.ALREADY_BUSTED}
    assert told(client) == Counter(PhaseChanged=after["PhaseChanged"], Transferred=1, TradeBusted=1)
    uncrossed = [event for event in client.decoded() if isinstance(event, AuctionUncrossed)]
    assert len(uncrossed) == after["PhaseChanged"] <= 1
    transferred = next(event for event in client.decoded() if isinstance(event, Transferred))
    assert transferred.from_available_units == 10**12 - AMOUNT
