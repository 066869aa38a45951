"""Time alone moves the market: expiries, schedules and auction ends come with nobody sending; replay repeats them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from cfg.load import load
from engine.book import ReferenceCore
from engine.inspect import capacity
from engine.journal import CommandJournal
from engine.wire.messages import (
    AuctionUncrossed,
    ClockTick,
    NewOrder,
    OrderCanceled,
    Phase,
    PhaseCause,
    PhaseChanged,
    PhaseSet,
    Reason,
    Side,
    StateHash,
    TimeInForce,
    Trade,
    decode,
)
from tests.fixtures.fix_engine import ALPHA_ACCOUNT, ETH, ETH_USD, USD, EngineClient, EngineDaemon

MakeEngine = Callable[..., EngineDaemon]
MakeClient = Callable[..., EngineClient]
SOON_NS = 300_000_000


@pytest.fixture
def client(engine_daemon: EngineDaemon, engine_client: MakeClient) -> EngineClient:
    """Attached and funded in both assets."""
    made = engine_client(engine_daemon)
    made.credit(ALPHA_ACCOUNT, USD, 10**12, 1)
    made.credit(ALPHA_ACCOUNT, ETH, 10**12, 2)
    made.attach()
    return made


def changed(message: bytes, **fields: int) -> bytes:
    """An order with other fields."""
    order = decode(message)
    assert isinstance(order, NewOrder)
    return NewOrder(**{**order._asdict(), **fields}).encode()


def set_phase(client: EngineClient, phase: Phase, end_ns: int = 0) -> None:
    """The operator's word; returns once it is an event."""
    client.send(client.admin, [PhaseSet(ETH_USD, phase, end_ns, b"op", b"test").encode()])
    client.poll_until(lambda: phases(client)[-1:] == [(phase, PhaseCause.OPERATOR)], "the phase")


def phases(client: EngineClient) -> list[tuple[int, int]]:
    """Every phase so far, and why it came."""
    return [(event.phase, event.cause) for event in client.decoded() if isinstance(event, PhaseChanged)]


def canceled(client: EngineClient) -> list[OrderCanceled]:
    """Every cancel so far."""
    return [event for event in client.decoded() if isinstance(event, OrderCanceled)]


def replays_to_the_same_state(daemon: EngineDaemon) -> None:
    """The clean stop's own hash, and the reference's hash after the same commands."""
    assert daemon.stop() == 0
    core = ReferenceCore(capacity(load(daemon.cfg_dir)))
    last = None
    for record in CommandJournal(daemon.journal_dir):
        if record.message:
            last = decode(record.message)
            core.apply(record.sequence, record.epoch, record.time_ns, record.message)
    assert isinstance(last, StateHash)
    daemon.start()
    assert daemon.stop() == 0


def ticks(daemon: EngineDaemon) -> int:
    """Clock ticks in the journal."""
    template = ClockTick.TEMPLATE_ID.to_bytes(2, "little")
    return sum(record.message[2:4] == template for record in CommandJournal(daemon.journal_dir))


def test_a_good_till_date_order_expires_by_itself(engine_daemon: EngineDaemon, client: EngineClient) -> None:
    """No message comes after the order, and it is cancelled at its time and not before."""
    expire_ns = time.time_ns() + SOON_NS
    order = client.order(Side.BUY, 100, 1)
    client.send(client.gateway, [changed(order, time_in_force=TimeInForce.GOOD_TILL_DATE, expire_ns=expire_ns)])
    client.poll_until(lambda: bool(canceled(client)), "the expiry")
    (expiry,) = canceled(client)
    assert (expiry.reason, expiry.client_seq) == (Reason.EXPIRED_GOOD_TILL_DATE, 0)
    assert expiry.time_ns >= expire_ns
    assert engine_daemon.counter("orders") == 0
    replays_to_the_same_state(engine_daemon)
    assert ticks(engine_daemon) == 1


def test_what_expired_while_the_engine_was_down_expires_at_its_start(
    engine_daemon: EngineDaemon, client: EngineClient, engine_client: MakeClient
) -> None:
    """The order's time passes between stop and start; the new epoch begins with the start, not with the expiry."""
    expire_ns = time.time_ns() + SOON_NS
    order = client.order(Side.BUY, 100, 1)
    client.send(client.gateway, [changed(order, time_in_force=TimeInForce.GOOD_TILL_DATE, expire_ns=expire_ns)])
    client.poll_until(lambda: engine_daemon.counter("orders") == 1, "the order")
    assert engine_daemon.stop() == 0
    client.poll_until(lambda: time.time_ns() > expire_ns, "the order's time")
    engine_daemon.start()
    client.resumed(2)
    client.poll_until(lambda: bool(canceled(client)), "the expiry")
    assert canceled(client)[0].epoch == 2
    replays_to_the_same_state(engine_daemon)


def test_an_auction_ends_and_trades_by_itself(engine_daemon: EngineDaemon, client: EngineClient) -> None:
    """At its end time the crossed book trades at one price and the market goes on continuously."""
    set_phase(client, Phase.OPENING_AUCTION, time.time_ns() + 3 * SOON_NS)
    orders = [client.order(Side.BUY, 102, 5), client.order(Side.SELL, 100, 3)]
    client.send(client.gateway, orders)
    client.poll_until(
        lambda: any(isinstance(event, AuctionUncrossed) for event in client.decoded()), "the end of the auction"
    )
    client.poll_until(lambda: engine_daemon.counter("orders") == 1, "the rest of the larger order")
    assert phases(client)[-1] == (Phase.CONTINUOUS, PhaseCause.AUCTION_END)
    (trade,) = (event for event in client.decoded() if isinstance(event, Trade))
    assert (trade.quantity_lots, trade.auction) == (3, 1)
    replays_to_the_same_state(engine_daemon)


def test_the_schedule_changes_the_phase_by_itself(engine_daemon: EngineDaemon, engine_client: MakeClient) -> None:
    """An entry two seconds from now begins its phase then; removed from cfg, it is gone at the next start."""
    assert engine_daemon.stop() == 0
    path = engine_daemon.cfg_dir / "instruments.toml"
    shipped = path.read_text()
    at = datetime.now(UTC) + timedelta(seconds=3)
    row = f'[[instrument.schedule]]\ntime = "{at:%H:%M:%S}"\nphase = "pre-open"\n'
    first, second = shipped.rsplit("[[instrument]]\n", 1)
    path.write_text(f"{first}{row}[[instrument]]\n{second}")
    engine_daemon.start()
    client = engine_client(engine_daemon)
    client.poll_until(lambda: bool(phases(client)), "the scheduled phase")
    assert phases(client) == [(Phase.PRE_OPEN, PhaseCause.SCHEDULE)]
    assert engine_daemon.stop() == 0
    path.write_text(shipped)
    engine_daemon.start()
    client.resumed(3)
    assert "SCHEDULE_SET" not in engine_daemon.log
    replays_to_the_same_state(engine_daemon)
