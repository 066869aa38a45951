"""The engine's journal against kills and damage: what was acknowledged is there again, what is damaged is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from engine._native import lib

from engine.book import Capacity, ReferenceCore
from engine.journal import CommandJournal, EventJournal, segments
from engine.wire.client import event_epoch
from engine.wire.messages import (
    EpochStarted,
    OrderAccepted,
    OrderRejected,
    Side,
    StateHash,
    TradingState,
    TradingStateChanged,
    decode,
)
from tests.fixtures.fix_engine import ALPHA_ACCOUNT, USD, EngineClient, EngineDaemon, wait_for

MakeEngine = Callable[..., EngineDaemon]
MakeClient = Callable[..., EngineClient]
#: Pools of the shipped configuration, as far as an empty reference core needs them.
CAPACITY = Capacity(
    orders=262_144,
    price_pages=65_536,
    clordids=1_048_576,
    accounts=4_096,
    assets=64,
    instruments=256,
    sessions=256,
    trades=65_536,
)


def begun(daemon: EngineDaemon, client: EngineClient) -> EngineClient:
    """The client with money on its account and its session attached."""
    client.credit(ALPHA_ACCOUNT, USD, 10**15, 1)
    client.attach()
    return client


def trade_some(client: EngineClient, orders: int) -> list[bytes]:
    """Sends orders, waits for every verdict and returns the orders."""
    sent = [client.order(Side.BUY, 100 + number % 50, 1, echo=b"e" * (number % 300)) for number in range(orders)]
    for at in range(0, orders, 50):
        client.send(client.gateway, sent[at : at + 50])
    wanted = client.client_seq
    client.poll_until(lambda: verdicts(client)[-1:] == [wanted], "the last verdict")
    return sent


def verdicts(client: EngineClient) -> list[int]:
    """client_seq of every order verdict, in event order."""
    return [event.client_seq for event in client.decoded() if isinstance(event, OrderAccepted | OrderRejected)]


def has_verdicts(client: EngineClient, count: int) -> bool:
    """Whether at least so many order verdicts have arrived."""
    return len(verdicts(client)) >= count


def stored_events(daemon: EngineDaemon) -> list[bytes]:
    """Every event in the event journal, CRCs checked."""
    return list(EventJournal(daemon.events_dir))


def check_against_reference(daemon: EngineDaemon) -> None:
    """The journaled commands, given to the reference core, yield the stored events and every journaled state hash."""
    core = ReferenceCore(CAPACITY)
    events: list[bytes] = []
    hashes = 0
    for record in CommandJournal(daemon.journal_dir):
        if record.kind == lib.RECORD_COMMAND:
            hashes += isinstance(decode(record.message), StateHash)
            applied = core.apply(record.sequence, record.epoch, record.time_ns, record.message)
            events += [event.encode() for event in applied]
    assert events == stored_events(daemon)
    assert hashes > 0


@pytest.mark.parametrize("durability", ["sync", "interval"])
def test_kill_9_under_load_loses_and_doubles_nothing(
    make_engine: MakeEngine, engine_client: MakeClient, durability: str
) -> None:
    """Killed three times while orders flow: what was seen before is there, same bytes; each order has one verdict."""
    daemon = make_engine(durability=durability)
    client = begun(daemon, engine_client(daemon))
    sent: list[bytes] = []
    for round_number in range(1, 4):
        seen_before = len(client.raw)
        while len(client.raw) < seen_before + 500 * round_number:
            batch = [client.order(Side.BUY, 100 + len(sent) % 7, 1) for _ in range(20)]
            sent += batch
            client.send(client.gateway, batch)
            client.poll(1)
        daemon.kill9()
        daemon.start()
        client.resumed(epoch=round_number + 1)
        assert client.raw == stored_events(daemon)[: len(client.raw)]
        for at in range(0, len(sent), 500):
            client.send(client.gateway, sent[at : at + 500])
        client.poll_until(partial(has_verdicts, client, len(sent)), "a verdict for every order")
        assert verdicts(client) == list(range(1, len(sent) + 1))
    assert [event_epoch(event) for event in client.raw][-1] == 4
    assert daemon.stop() == 0
    assert client.raw == stored_events(daemon)[: len(client.raw)]
    check_against_reference(daemon)


def test_a_clean_stop_is_known_as_clean(engine_daemon: EngineDaemon, engine_client: MakeClient) -> None:
    """SIGTERM ends with exit code 0, a state hash and the clean mark; the next epoch is not unclean, orders rest on."""
    client = begun(engine_daemon, engine_client(engine_daemon))
    trade_some(client, 10)
    assert engine_daemon.stop() == 0
    journal = CommandJournal(engine_daemon.journal_dir)
    last = [record for record in journal if record.kind == lib.RECORD_COMMAND][-1]
    assert isinstance(decode(last.message), StateHash)
    assert journal.clean
    assert journal.durable == last.sequence
    engine_daemon.start()
    client.resumed(epoch=2)
    started = [event for event in client.decoded() if isinstance(event, EpochStarted)]
    assert [(event.started_epoch, event.unclean) for event in started] == [(1, 0), (2, 0)]
    assert not any(isinstance(event, TradingStateChanged) for event in client.decoded())
    assert engine_daemon.counter("orders") == 10


def test_after_an_unclean_stop_the_market_waits_for_the_operator(
    make_engine: MakeEngine, engine_client: MakeClient
) -> None:
    """resume_after_recovery = manual: killed, the engine comes back cancel-only and says so in its epoch."""
    daemon = make_engine(resume_after_recovery="manual")
    client = begun(daemon, engine_client(daemon))
    daemon.kill9()
    daemon.start()
    assert daemon.counter("venue_state") == TradingState.CANCEL_ONLY
    client.resumed(epoch=2)
    assert [event.unclean for event in client.decoded() if isinstance(event, EpochStarted)][-1] == 1


def test_reference_data_is_journaled_only_where_it_changed(
    engine_daemon: EngineDaemon, engine_client: MakeClient
) -> None:
    """A restart with the same cfg journals the epoch and nothing else; a changed limit is one more command."""
    engine_daemon.restart()
    sequence = engine_daemon.counter("sequence")
    engine_daemon.configure({"max_open_orders_per_session": 7})
    engine_daemon.restart()
    # The clean stop's StateHash, EpochStart and LimitsSet.
    assert engine_daemon.counter("sequence") == sequence + 3


def test_cfg_that_the_journal_forbids_is_refused(engine_daemon: EngineDaemon) -> None:
    """An instrument's lot size can't change once it was journaled: the engine says so and does not serve."""
    engine_daemon.stop()
    path = engine_daemon.cfg_dir / "instruments.toml"
    path.write_text(path.read_text().replace('lot_size = "0.0001"', 'lot_size = "0.001"'))
    engine_daemon.spawn()
    assert engine_daemon.wait_exit() == 1
    said = "cfg differs from what the journal has fixed: instruments.toml: instrument with id 1: INVALID_REFERENCE: "
    assert said in engine_daemon.log


def end_of_records(path: Path) -> int:
    """Offset behind the last record of a segment."""
    return len(path.read_bytes().rstrip(b"\0")) + 7 & ~7


def watermark(daemon: EngineDaemon) -> int:
    """The greatest command that a COMMIT in the journal calls durable."""
    journal = CommandJournal(daemon.journal_dir)
    for _ in journal:
        continue
    return journal.durable


def flip(path: Path, offset: int) -> None:
    """Turns one byte of a file into another."""
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x40]))


def test_a_torn_tail_is_cut_and_its_place_zeroed(engine_daemon: EngineDaemon, engine_client: MakeClient) -> None:
    """Half a record and garbage behind the end: cut with a warning, nothing acknowledged is lost, the place is zero."""
    client = begun(engine_daemon, engine_client(engine_daemon))
    trade_some(client, 20)
    engine_daemon.kill9()
    (segment,) = segments(engine_daemon.journal_dir)
    end = end_of_records(segment)
    records = list(CommandJournal(engine_daemon.journal_dir))
    half = segment.read_bytes()[records[-2].offset :][:40]
    with segment.open("r+b") as file:
        file.seek(end)
        file.write(half)
        file.seek(end + 5000)
        file.write(b"\x5a" * 300)
    engine_daemon.start()
    client.resumed(epoch=2)
    assert "engine.torn_tail_cut" in engine_daemon.log
    assert client.raw == stored_events(engine_daemon)[: len(client.raw)]
    assert verdicts(client) == list(range(1, 21))
    assert segment.read_bytes()[end + 5000 : end + 5300] == bytes(300)
    assert engine_daemon.stop() == 0
    check_against_reference(engine_daemon)


@pytest.mark.parametrize("which", ["first", "middle", "last"])
def test_damage_to_what_was_durable_is_refused(
    engine_daemon: EngineDaemon, engine_client: MakeClient, which: str
) -> None:
    """One bit of a command below the watermark, the last acknowledged one included: refused with file and offset."""
    client = begun(engine_daemon, engine_client(engine_daemon))
    trade_some(client, 50)
    wait_for(lambda: watermark(engine_daemon) == engine_daemon.counter("sequence"), "the watermark of the last batch")
    engine_daemon.stop() if which != "last" else engine_daemon.kill9()
    commands = [record for record in CommandJournal(engine_daemon.journal_dir) if record.kind == lib.RECORD_COMMAND]
    record = {"first": commands[0], "middle": commands[len(commands) // 2], "last": commands[-1]}[which]
    flip(record.path, record.offset + 40)
    contents = record.path.read_bytes()

    engine_daemon.spawn()
    assert engine_daemon.wait_exit() == 1
    assert f"{record.path}: offset {record.offset}: " in engine_daemon.log
    assert record.path.read_bytes() == contents


def test_a_lost_journal_tail_is_told_by_the_event_journal(
    engine_daemon: EngineDaemon, engine_client: MakeClient
) -> None:
    """Acknowledged commands vanish without a trace (a disk that lied): the events that went out prove it; refused."""
    client = begun(engine_daemon, engine_client(engine_daemon))
    trade_some(client, 20)
    engine_daemon.kill9()
    commands = [record for record in CommandJournal(engine_daemon.journal_dir) if record.kind == lib.RECORD_COMMAND]
    with commands[-5].path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(commands[-5].offset)
        file.write(bytes(size - commands[-5].offset))
    for _ in range(2):
        engine_daemon.spawn()
        assert engine_daemon.wait_exit() == 1
        assert "durable commands are missing" in engine_daemon.log
    shutil.rmtree(engine_daemon.events_dir)
    engine_daemon.start()


def test_a_deleted_event_journal_is_rebuilt(engine_daemon: EngineDaemon, engine_client: MakeClient) -> None:
    """Without its event journal the engine writes the same bytes again from the commands."""
    client = begun(engine_daemon, engine_client(engine_daemon))
    trade_some(client, 4000)
    engine_daemon.stop()
    assert len(segments(engine_daemon.events_dir, ".ve")) > 1
    shutil.rmtree(engine_daemon.events_dir)
    engine_daemon.start()
    engine_daemon.stop()
    events = stored_events(engine_daemon)
    assert events[: len(client.raw)] == client.raw
    check_against_reference(engine_daemon)


def flip_an_event(events: Path) -> None:
    """One bit of a stored event."""
    flip(segments(events, ".ve")[0], 5000)


def tear_the_end(events: Path) -> None:
    """An entry that was only begun."""
    with segments(events, ".ve")[-1].open("ab") as file:
        file.write(b"torn")


def shorten_the_index(events: Path) -> None:
    """An index that ends within an offset, long before the data does."""
    with segments(events, ".idx")[0].open("r+b") as file:
        file.truncate(100)


def test_a_damaged_event_journal_is_written_again(engine_daemon: EngineDaemon, engine_client: MakeClient) -> None:
    """A flipped byte, a torn end or a short index is cut off and regenerated; replay then gives the true bytes."""
    client = begun(engine_daemon, engine_client(engine_daemon))
    trade_some(client, 100)
    for epoch, damage in enumerate((flip_an_event, tear_the_end, shorten_the_index), 2):
        engine_daemon.kill9()
        damage(engine_daemon.events_dir)
        engine_daemon.start()
        client.resumed(epoch)
        assert stored_events(engine_daemon)[: len(client.raw)] == client.raw
    assert "engine.event_journal_damaged" in engine_daemon.log
    late = engine_client(engine_daemon, "late")
    late.caught_up()
    assert late.raw[: len(client.raw)] == client.raw


def test_an_event_journal_of_other_events_is_refused(make_engine: MakeEngine, engine_client: MakeClient) -> None:
    """Whole events that the commands do not yield mean that somebody saw something else: the engine does not start."""
    one, other = make_engine(), make_engine()
    for daemon in (one, other):
        trade_some(begun(daemon, engine_client(daemon)), 10)
        daemon.stop()
    shutil.rmtree(one.events_dir)
    shutil.copytree(other.events_dir, one.events_dir)
    one.spawn()
    assert one.wait_exit() == 1
    assert "the event journal holds other events than the replay gives" in one.log


def test_segments_follow_one_another(make_engine: MakeEngine, engine_client: MakeClient) -> None:
    """Over several segments the chain holds, a restart appends to the last one, and a missing segment is refused."""
    daemon = make_engine()
    client = begun(daemon, engine_client(daemon))
    for _ in range(3):
        trade_some(client, 2500)
    daemon.restart()
    trade_some(client, 10)
    assert daemon.stop() == 0
    paths = segments(daemon.journal_dir)
    assert len(paths) > 2
    check_against_reference(daemon)
    paths[1].unlink()
    daemon.spawn()
    assert daemon.wait_exit() == 1
    assert f"{paths[2]}: offset 0: " in daemon.log


@pytest.mark.parametrize("durability", ["interval", "none"])
def test_a_full_segment_is_durable_in_every_mode(
    make_engine: MakeEngine, engine_client: MakeClient, durability: str
) -> None:
    """Damage in a segment that has a successor is refused and changes nothing: it was synced before that one began."""
    daemon = make_engine(durability=durability)
    client = begun(daemon, engine_client(daemon))
    for _ in range(2):
        trade_some(client, 2500)
    daemon.kill9()
    paths = segments(daemon.journal_dir)
    assert len(paths) > 1
    hit = [record for record in CommandJournal(daemon.journal_dir) if record.path == paths[0]][-3]
    flip(hit.path, hit.offset + 50)
    before = [path.read_bytes() for path in paths]
    daemon.spawn()
    assert daemon.wait_exit() == 1
    assert f"{hit.path}: offset {hit.offset}: no valid record" in daemon.log
    assert "restore this segment and those after it from the archive or a backup" in daemon.log
    assert [path.read_bytes() for path in paths] == before
