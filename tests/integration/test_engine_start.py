"""What an engine must find before it serves: its own whole journal, pools as large as its past, the operator's word."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from engine._native import lib

from engine.journal import CommandJournal, EventJournal, segments
from engine.wire.messages import (
    AccountDefined,
    EpochStart,
    FeeScheduleDefined,
    MarketMakerProtectionDefined,
    RiskLimitsDefined,
    ScheduleDefined,
    Side,
    TickBandDefined,
    TradingState,
    TradingStateChanged,
    TradingStateSet,
)
from ops import venuectl
from ops.toml_edit import Edit, apply
from tests.fixtures.fix_engine import ALPHA_ACCOUNT, ETH_USD, USD, EngineClient, EngineDaemon
from tests.unit.test_journal import COMMAND, Writer, store

MakeEngine = Callable[..., EngineDaemon]
MakeClient = Callable[..., EngineClient]


def traded(client: EngineClient, orders: int) -> None:
    """Money, a session, and so many orders with their verdicts."""
    client.credit(ALPHA_ACCOUNT, USD, 10**15, 1)
    client.attach()
    expected = client.events.next_sequence + orders
    for _ in range(orders // 50):
        client.send(client.gateway, [client.order(Side.BUY, 100, 1, echo=bytes(300)) for _ in range(50)])
    client.poll_until(lambda: client.events.next_sequence >= expected, "the verdicts")


def set_state(client: EngineClient, state: TradingState) -> None:
    """The operator sets the whole venue's state; returns when it is."""
    client.send(client.admin, [TradingStateSet(0, state, b"operator", b"test").encode()])
    client.poll_until(
        lambda: any(isinstance(e, TradingStateChanged) and e.state == state for e in client.decoded()), "the state"
    )


def refused(daemon: EngineDaemon, reason: str) -> None:
    """A start ends with exit code 1 and this reason."""
    daemon.spawn()
    assert daemon.wait_exit() == 1
    assert reason in daemon.log


@pytest.mark.parametrize("state", [TradingState.HALTED, TradingState.CANCEL_ONLY])
def test_recovery_does_not_reopen_what_the_operator_closed(
    engine_daemon: EngineDaemon, engine_client: MakeClient, state: TradingState
) -> None:
    """resume_after_recovery = automatic undoes what recovery did and nothing else, however often it is killed."""
    client = engine_client(engine_daemon)
    set_state(client, state)
    for epoch in (2, 3):
        engine_daemon.kill9()
        engine_daemon.start()
        client.resumed(epoch)
        assert engine_daemon.counter("venue_state") == state
    set_state(client, TradingState.OPEN)
    engine_daemon.kill9()
    engine_daemon.start()
    assert engine_daemon.counter("venue_state") == TradingState.OPEN


@pytest.mark.parametrize("events", ["kept", "deleted"])
def test_smaller_pools_than_the_journal_needs_are_refused(
    engine_daemon: EngineDaemon, engine_client: MakeClient, events: str
) -> None:
    """A limit that was journaled must fit the pools at replay: refused by name, and nothing is written."""
    traded(engine_client(engine_daemon), 50)
    engine_daemon.kill9()
    if events == "deleted":
        shutil.rmtree(engine_daemon.events_dir)
    before = [path.read_bytes() for path in segments(engine_daemon.journal_dir)]
    engine_daemon.configure({"max_orders": 100_000})
    refused(engine_daemon, "max_orders")
    assert [path.read_bytes() for path in segments(engine_daemon.journal_dir)] == before


def test_a_journal_without_its_beginning_is_refused(make_engine: MakeEngine, engine_client: MakeClient) -> None:
    """There is no snapshot to start from instead: the engine says which command comes first."""
    daemon = make_engine()
    traded(engine_client(daemon), 5_000)
    assert daemon.stop() == 0
    first, second, *_ = segments(daemon.journal_dir)
    first.unlink()
    refused(daemon, f"{second}: the journal begins with command {int(second.stem)}")


def test_a_segment_that_lost_all_its_records_is_not_written_under_its_old_name(
    make_engine: MakeEngine, engine_client: MakeClient
) -> None:
    """A segment was named and none of its records reached the disk: names still follow the commands."""
    daemon = make_engine(durability="none")
    traded(engine_client(daemon), 5_000)
    daemon.kill9()
    shutil.rmtree(daemon.events_dir)
    last = segments(daemon.journal_dir)[-1]
    last.write_bytes(bytes(last.stat().st_size))
    daemon.start()
    assert daemon.stop() == 0
    for path in segments(daemon.journal_dir):
        sequences = [
            r.sequence for r in CommandJournal(daemon.journal_dir) if r.path == path and r.kind == lib.RECORD_SEGMENT
        ]
        assert sequences == [int(path.stem)]


def test_a_journal_of_another_venue_is_refused(engine_daemon: EngineDaemon) -> None:
    """The state directory of one venue under the configuration of another: nothing is journaled there."""
    assert engine_daemon.stop() == 0
    before = [path.read_bytes() for path in segments(engine_daemon.journal_dir)]
    path = engine_daemon.cfg_dir / "venue.toml"
    path.write_text(apply(path.read_text(), [Edit("venue", {"id": "OTHER"})]))
    refused(engine_daemon, "is the journal of venue VENUE")
    assert [path.read_bytes() for path in segments(engine_daemon.journal_dir)] == before


def test_a_socket_that_can_not_be_bound_ends_the_start(engine_daemon: EngineDaemon) -> None:
    """The process ends with the reason instead of waiting for a socket that nobody closes."""
    assert engine_daemon.stop() == 0
    obstacle = Path(engine_daemon.endpoints.replay.removeprefix("ipc://"))
    obstacle.unlink(missing_ok=True)
    obstacle.mkdir()
    refused(engine_daemon, "replay.sock")


def test_replay_outlives_the_loss_of_the_event_journal(engine_daemon: EngineDaemon, engine_client: MakeClient) -> None:
    """Its index deleted under a running engine: who asks gets nothing, one line says so, the next start heals it."""
    traded(engine_client(engine_daemon), 50)
    events = list(EventJournal(engine_daemon.events_dir))
    first_late = engine_client(engine_daemon, "first")
    first_late.caught_up()
    for path in engine_daemon.events_dir.glob("*.idx"):
        path.unlink()
    late = engine_client(engine_daemon, "late")
    replays = engine_daemon.counter("replays")
    late.poll_until(lambda: engine_daemon.counter("replays") > replays + 2, "requests in vain")
    assert engine_daemon.log.count("engine.replay_failed") == 1
    engine_daemon.kill9()
    engine_daemon.start()
    late.resumed(epoch=2)
    assert late.raw[: len(events)] == events


OF_AN_INSTRUMENT = """
[[instrument.tick_band]]
from_price = "5000.00"
tick = "0.05"
lot = "0.001"
[[instrument.fee_tier]]
tier = 1
maker_fee_ppm = -100
taker_fee_ppm = 300
[[instrument.schedule]]
time = "03:00:00"
phase = "pre-open"

[[instrument]]
"""
OF_A_PAIR = """
[[risk_limit]]
account = 11
instrument = "ETH-USD"
max_order_quantity = "10"
max_order_notional = "5000"
max_position = "20"
max_distance_ppm = 100000
[[market_maker_protection]]
account = 11
instrument = "ETH-USD"
max_fills = 20
window_ms = 1000
"""
DEFINED = (
    *(AccountDefined, FeeScheduleDefined, MarketMakerProtectionDefined, RiskLimitsDefined),
    *(ScheduleDefined, TickBandDefined),
)


def defined(client: EngineClient, epoch: int) -> list[tuple[object, ...]]:
    """What the reference data of an epoch's start defined: kind and values of each event."""
    return sorted(
        (type(event).__name__, *event[5:])
        for event in client.decoded()
        if isinstance(event, DEFINED) and event.epoch == epoch
    )


def test_reference_data_that_leaves_the_configuration_leaves_the_engine(
    engine_daemon: EngineDaemon, engine_client: MakeClient
) -> None:
    """Bands, tiers, schedules, limits and protections are journaled once, their removal too; equal cfg is silent."""
    client = engine_client(engine_daemon)
    client.caught_up()
    assert {kind for kind, *_ in defined(client, 1)} == {"AccountDefined"}
    instruments, participants = (engine_daemon.cfg_dir / f"{name}.toml" for name in ("instruments", "participants"))
    shipped = instruments.read_text(), participants.read_text()
    first, second = shipped[0].rsplit("\n[[instrument]]\n", 1)
    tiered = shipped[1].replace("fee_tier = 0", "fee_tier = 1", 1)
    instruments.write_text(first + OF_AN_INSTRUMENT + second)
    participants.write_text(tiered + OF_A_PAIR)
    engine_daemon.restart()
    client.resumed(2)
    assert defined(client, 2) == [
        ("AccountDefined", 11, 1, 1, 1, b"ALPHA-1", 0, 0, 1),
        ("FeeScheduleDefined", ETH_USD, 1, -100, 300),
        ("FeeScheduleDefined", 2, 1, 200, 500),
        ("MarketMakerProtectionDefined", 11, ETH_USD, 20, 1_000),
        ("RiskLimitsDefined", 11, ETH_USD, 100_000, 5_000_000_000, 200_000, 100_000),
        ("ScheduleDefined", ETH_USD, 1, 3 * 3_600, 1),
        ("TickBandDefined", ETH_USD, 1, 500_000, 5, 10),
    ]
    engine_daemon.restart()
    client.resumed(3)
    assert defined(client, 3) == []
    instruments.write_text(shipped[0])
    participants.write_text(shipped[1].replace("fee_tier = 0", "fee_tier = 1", 1))
    engine_daemon.restart()
    client.resumed(4)
    assert defined(client, 4) == [
        ("FeeScheduleDefined", ETH_USD, 1, 200, 500),
        ("MarketMakerProtectionDefined", 11, ETH_USD, 0, 0),
        ("RiskLimitsDefined", 11, ETH_USD, 0, 0, 0, 0),
        ("ScheduleDefined", ETH_USD, 1, 0, 0),
        ("TickBandDefined", ETH_USD, 1, 0, 0, 0),
    ]


def test_a_rebate_that_left_cfg_still_counts_and_the_refusal_says_so(engine_daemon: EngineDaemon) -> None:
    """The engine keeps a tier that is listed no more, which cfg cannot know. Listed with other rates, it starts."""
    path = engine_daemon.cfg_dir / "instruments.toml"
    shipped = path.read_text()
    lower = shipped.replace("maker_fee_ppm = 200", "maker_fee_ppm = 50", 1)
    lower = lower.replace("taker_fee_ppm = 500", "taker_fee_ppm = 90", 1)

    def with_tier(text: str, maker: int, taker: int) -> str:
        first, second = text.rsplit("\n[[instrument]]\n", 1)
        tier = f"[[instrument.fee_tier]]\ntier = 1\nmaker_fee_ppm = {maker}\ntaker_fee_ppm = {taker}\n"
        return f"{first}\n{tier}\n[[instrument]]\n{second}"

    path.write_text(with_tier(shipped, -100, 300))
    engine_daemon.restart()
    path.write_text(lower)
    assert engine_daemon.stop() == 0
    refused(engine_daemon, "instruments.toml: instrument with id 1: INVALID_REFERENCE: ")
    refused(engine_daemon, "those of tiers that left cfg included: list them again")
    path.write_text(with_tier(shipped, 90, 300))
    engine_daemon.restart()
    path.write_text(with_tier(lower, 50, 300))
    engine_daemon.restart()


def test_a_journal_of_other_rules_is_refused(engine_daemon: EngineDaemon) -> None:
    """The file, its rules_version and what to do are named, nothing is written, and nothing aborts."""
    assert engine_daemon.stop() == 0
    for directory in (engine_daemon.journal_dir, engine_daemon.events_dir):
        for path in directory.iterdir():
            path.unlink()
    writer = Writer()
    writer.segment()
    writer.commit(0)
    writer.sequence = 1
    message = EpochStart(1, 1, 0, b"VENUE", bytes(32)).encode()
    writer.record(COMMAND, 1, message, len(message))
    writer.commit(1)
    path = store(engine_daemon.journal_dir, writer.data)
    before = path.read_bytes()
    refused(engine_daemon, f"{path}: this journal was written under rules_version 1, this program has rules_version 2")
    assert "start with an empty state_dir" in engine_daemon.log
    looked = CliRunner().invoke(venuectl.main, ["--cfg", str(engine_daemon.cfg_dir), "state-hash"])
    assert (looked.exit_code, looked.stdout) == (1, "")
    assert looked.stderr.startswith(f"{path}: this journal was written under rules_version 1")
    assert [found.read_bytes() for found in segments(engine_daemon.journal_dir)] == [before]
