"""Operators' commands in flight when the engine is killed: carried out once at most, and what was told holds."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Callable

import pytest

from cfg.load import load
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
    TradingState,
    TradingStateChanged,
    TradingStateSet,
    Transfer,
    Transferred,
)
from ops import admin
from tests.fixtures.fix_engine import ALPHA_ACCOUNT, ETH_USD, USD, EngineClient, EngineDaemon, wait_for

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


def test_an_engine_that_lost_its_past_leaves_the_operator_with_a_clear_line(
    engine_daemon: EngineDaemon, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """While a command waits for its answer the engine comes back without the events that were seen."""
    monkeypatch.setattr(admin, "ANSWER_TIMEOUT_S", 60.0)
    seen = threading.Event()
    codes: list[object] = []

    def is_done(event: object) -> bool:
        if isinstance(event, TradingStateChanged):
            seen.set()
        return False

    def operate() -> None:
        command = TradingStateSet(0, TradingState.OPEN, b"test", b"diverged").encode()
        try:
            admin.send_admin(load(engine_daemon.cfg_dir), command, is_done, lambda refused: False)
        except SystemExit as ended:
            codes.append(ended.code)

    operator = threading.Thread(target=operate)
    operator.start()
    wait_for(seen.is_set, "the command's event")
    engine_daemon.kill9()
    shutil.rmtree(engine_daemon.state_dir)
    engine_daemon.start()
    operator.join(60)
    assert codes == [1]
    said = capsys.readouterr().err
    assert said.startswith(admin.UNANSWERED) and "not" in said.removeprefix(admin.UNANSWERED)
