"""What each durability mode lets out before a sync, and what the engine does when its disk is full, slow or shared.

Disks fail through the shim of the fault rounds; the limit on file sizes is the kernel's own.
"""

from __future__ import annotations

import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
import zmq
from click.testing import CliRunner
from engine._native import lib

from cfg.daemon import EXIT_DISK, EXIT_RUNNING
from engine.journal import EventJournal
from engine.wire.client import Diverged, EngineEvents
from engine.wire.frame import FrameKind, decode_frame, encode_frame
from engine.wire.messages import (
    HelloAck,
    ReplayRequest,
    Role,
    Side,
    TradingState,
    TradingStateChanged,
    TradingStateSet,
    decode,
)
from ops import venuectl
from ops.toml_edit import Edit, apply
from tests.faults.disk_checks import command_of
from tests.faults.disk_engine import FaultyEngine
from tests.faults.power_cut import restore_durable
from tests.faults.shim import Call, power_cut, slow_sync, sync_error
from tests.fixtures.fix_engine import (
    ALPHA_ACCOUNT,
    SEGMENT_BYTES,
    USD,
    EngineClient,
    EngineDaemon,
    wait_for,
)

MakeEngine = Callable[..., EngineDaemon]
MakeFaulty = Callable[..., FaultyEngine]
MakeClient = Callable[..., EngineClient]
SEGMENT = "engine/journal/[0-9]*.vj"
FOR_EVER_US = 3_600_000_000


@pytest.fixture
def make_faulty() -> Iterator[MakeFaulty]:
    """Makes engines that are READY, with their disk in the hands of the test; values are keys of [engine]."""
    made: list[FaultyEngine] = []

    def make(**values: str | int) -> FaultyEngine:
        made.append(FaultyEngine(dict(values)))
        made[-1].start()
        return made[-1]

    yield make
    for engine in made:
        engine.shim.clear()
        engine.remove()


def begun(client: EngineClient) -> EngineClient:
    """The client with money and its session attached."""
    client.credit(ALPHA_ACCOUNT, USD, 10**15, 1)
    client.attach()
    return client


def has_verdict(client: EngineClient, client_seq: int) -> bool:
    """Whether the order with this number has been accepted."""
    return any(getattr(event, "client_seq", 0) == client_seq for event in client.decoded())


class Reader:
    """A consumer of some role; keeps only how far it has got."""

    def __init__(self, client: EngineClient, daemon: EngineDaemon, role: Role) -> None:
        self.events = EngineEvents(client.context, daemon.endpoints, role, role.name.lower())

    @property
    def position(self) -> int:
        """The last event there is for this reader, as far as it has been told."""
        self.events.poll(5)
        return self.events.next_sequence - 1


@pytest.mark.parametrize("durability", ["interval", "none"])
def test_only_gateways_and_the_feed_run_ahead_of_the_disk(
    make_faulty: MakeFaulty, engine_client: MakeClient, durability: str
) -> None:
    """With the disk held, acknowledgements leave; settlement, readers, operators, replay and event journal wait."""
    engine = make_faulty(durability=durability, max_commit_age_ms=60_000)
    client = begun(engine_client(engine))
    client.poll_until(lambda: engine.counter("durable_sequence") == engine.counter("sequence"), "a durable beginning")
    readers = [Reader(client, engine, role) for role in (Role.FEED, Role.SETTLEMENT, Role.READER, Role.ADMIN)]
    feed, *others = readers
    client.poll_until(lambda: all(r.position == client.events.next_sequence - 1 for r in readers), "all at the end")
    durable = engine.counter("published_sequence")
    held = engine.shim.inject(slow_sync(FOR_EVER_US, SEGMENT))
    for number in range(1, 4):
        client.send(client.gateway, [client.order(Side.BUY, 100, 1)])
        client.poll_until(lambda n=number: has_verdict(client, n), "the acknowledgement")  # type: ignore[misc]
    client.poll_until(lambda: engine.shim.hits(held) > 0, "a sync under way")
    client.poll_until(lambda: feed.position == client.events.next_sequence - 1, "the feed")
    assert [reader.position for reader in others] == [durable] * 3
    assert engine.counter("published_sequence") == durable
    engine.shim.clear()
    client.poll_until(lambda: all(r.position == client.events.next_sequence - 1 for r in others), "the others")
    for reader in readers:
        reader.events.close()


def test_in_sync_nobody_runs_ahead_of_the_disk(make_faulty: MakeFaulty, engine_client: MakeClient) -> None:
    """With the disk held no acknowledgement leaves; with the disk back it does."""
    engine = make_faulty(max_commit_age_ms=60_000)
    client = begun(engine_client(engine))
    held = engine.shim.inject(slow_sync(FOR_EVER_US, SEGMENT))
    sequence = engine.counter("sequence")
    client.send(client.gateway, [client.order(Side.BUY, 100, 1)])
    client.poll_until(lambda: engine.counter("sequence") > sequence and engine.shim.hits(held) > 0, "the sync")
    assert engine.counter("released_sequence") == sequence
    assert not has_verdict(client, 1)
    engine.shim.clear()
    client.poll_until(lambda: has_verdict(client, 1), "the acknowledgement")


def test_a_start_syncs_the_journal_before_it_stores_the_events_of_it(
    make_faulty: MakeFaulty, engine_client: MakeClient
) -> None:
    """A kill left commands in memory only: were their events stored first, a cut could leave those without them."""
    engine = make_faulty(max_commit_age_ms=60_000)
    client = begun(engine_client(engine))
    client.poll_until(lambda: engine.counter("durable_sequence") == engine.counter("sequence"), "a durable beginning")
    durable = engine.counter("durable_sequence")
    held = engine.shim.inject(slow_sync(FOR_EVER_US, SEGMENT))
    client.send(client.gateway, [client.order(Side.BUY, 100, 1)])
    client.poll_until(lambda: engine.shim.hits(held) > 0, "the sync of the order")
    engine.kill9()
    engine.shim.clear()
    engine.shim.inject(power_cut(Call.SYNC, SEGMENT))
    assert not engine.try_start()
    stored = list(EventJournal(engine.state_dir / "engine" / "events"))
    assert command_of(stored[-1]) <= durable
    engine.shim.clear()
    restore_durable(engine.shim.log, engine.state_dir, None)
    engine.start()


def test_who_ran_ahead_of_a_power_cut_is_told_so(make_faulty: MakeFaulty, engine_client: MakeClient) -> None:
    """Events that a cut took are disowned to whoever saw them, by number and by epoch; a fresh start gets the rest."""
    engine = make_faulty(durability="interval", max_commit_age_ms=60_000)
    client = begun(engine_client(engine))
    client.poll_until(lambda: engine.counter("durable_sequence") == engine.counter("sequence"), "a durable beginning")
    engine.shim.inject(slow_sync(FOR_EVER_US, SEGMENT))
    for _ in range(40):
        client.send(client.gateway, [client.order(Side.BUY, 100, 1)])
    client.poll_until(lambda: has_verdict(client, 40), "the acknowledgements")
    seen = client.events.next_sequence
    engine.kill9()
    engine.shim.clear()
    restore_durable(engine.shim.log, engine.state_dir, seed=1)
    engine.start()
    assert engine.counter("published_sequence") > 0
    with pytest.raises(Diverged):
        client.poll_until(lambda: client.events.engine_epoch == 2 and client.events.next_sequence > seen, "a reset")
    late = engine_client(engine, "late")
    late.resumed(epoch=2)
    assert late.raw != client.raw[: len(late.raw)]


def test_a_full_disk_pauses_intake_and_goes_on_by_itself(make_engine: MakeEngine, engine_client: MakeClient) -> None:
    """No room: the state is told, nothing is acknowledged falsely; with room again every order gets its verdict."""
    engine = make_engine()
    client = begun(engine_client(engine))
    assert engine.process is not None
    limit = resource.prlimit(engine.process.pid, resource.RLIMIT_FSIZE, (SEGMENT_BYTES // 2, resource.RLIM_INFINITY))
    while engine.counter("journal_state") == lib.JOURNAL_RUNNING:
        client.send(client.gateway, [client.order(Side.BUY, 100, 1, echo=b"e" * 300) for _ in range(50)])
        client.poll(1)
    assert engine.counter("journal_state") == lib.JOURNAL_DISK_FULL
    wait_for(lambda: '"state":"disk_full"' in engine.log, "the log's word")
    status = CliRunner().invoke(venuectl.main, ["--cfg", str(engine.cfg_dir), "status", "--json"])
    assert orjson.loads(status.stdout)["daemons"]["engine"]["intake"] == "disk_full"
    sequence = engine.counter("sequence")
    for _ in range(5):
        client.gateway.send([client.order(Side.BUY, 100, 1)])
    turns = engine.counter("loop_turns")
    client.poll_until(lambda: engine.counter("loop_turns") > turns + 100, "a hundred turns of the loop")
    assert engine.counter("sequence") == sequence
    assert engine.counter("released_sequence") <= engine.counter("durable_sequence")
    resource.prlimit(engine.process.pid, resource.RLIMIT_FSIZE, limit)
    client.poll_until(lambda: has_verdict(client, client.client_seq), "the last verdict", timeout_s=60)
    wait_for(lambda: engine.counter("journal_state") == lib.JOURNAL_RUNNING, "the end of the pause")
    assert engine.counter("journal_state_changes") >= 2
    assert engine.counter("intake_paused_ns") > 0
    assert engine.stop() == 0


def test_a_slow_disk_pauses_intake_until_it_has_caught_up(make_faulty: MakeFaulty, engine_client: MakeClient) -> None:
    """A command has waited longer than max_commit_age_ms: nothing more is taken in, and the log says why."""
    engine = make_faulty(max_commit_age_ms=100)
    client = begun(engine_client(engine))
    engine.shim.inject(slow_sync(FOR_EVER_US, SEGMENT))
    client.send(client.gateway, [client.order(Side.BUY, 100, 1)])
    client.poll_until(lambda: engine.counter("journal_state") == lib.JOURNAL_SLOW_DISK, "the state")
    sequence = engine.counter("sequence")
    client.send(client.gateway, [client.order(Side.BUY, 100, 1)])
    turns = engine.counter("loop_turns")
    client.poll_until(lambda: engine.counter("loop_turns") > turns + 100, "a hundred turns of the loop")
    assert engine.counter("sequence") == sequence
    wait_for(lambda: '"state":"slow_disk"' in engine.log, "the log's word")
    assert not has_verdict(client, 1)
    engine.shim.clear()
    client.poll_until(lambda: has_verdict(client, 2), "both verdicts")
    wait_for(lambda: engine.counter("journal_state") == lib.JOURNAL_RUNNING, "the end of the pause")
    assert engine.stop() == 0


def test_a_failed_sync_ends_the_engine_with_an_exit_code_of_its_own(
    make_faulty: MakeFaulty, engine_client: MakeClient
) -> None:
    """File and errno are logged, the order is never acknowledged by that life; the next start recovers."""
    engine = make_faulty()
    client = begun(engine_client(engine))
    engine.shim.inject(sync_error(SEGMENT))
    client.send(client.gateway, [client.order(Side.BUY, 100, 1)])
    assert engine.ended() == EXIT_DISK
    assert '"event": "engine.journal_sync_failed"' in engine.log
    assert f'"file": "{engine.journal_dir / "00000000000000000001.vj"}", "errno": 5' in engine.log
    assert not has_verdict(client, 1)
    engine.shim.clear()
    engine.start()
    client.resumed(epoch=2)


def refused_elsewhere(**paths: str) -> None:
    """A second engine with these paths ends with the exit code of one that is running already."""
    other = EngineDaemon(Path(tempfile.mkdtemp(prefix="venue-engine-")), {})
    venue = other.cfg_dir / "venue.toml"
    venue.write_text(apply(venue.read_text(), [Edit("paths", dict(paths))]))
    other.spawn()
    assert other.wait_exit() == EXIT_RUNNING
    assert "daemon.already_running" in other.log
    other.close()
    shutil.rmtree(other.directory)


def test_a_second_engine_on_one_state_directory_is_refused(
    engine_daemon: EngineDaemon, engine_client: MakeClient
) -> None:
    """With a run_dir of its own it meets no socket of the first: the lock in state_dir stops it; the first goes on."""
    other = Path(tempfile.mkdtemp(prefix="venue-engine-"))
    before = engine_daemon.counter("sequence")
    refused_elsewhere(state_dir=str(engine_daemon.state_dir), run_dir=str(other))
    shutil.rmtree(other)
    assert engine_daemon.counter("sequence") == before
    begun(engine_client(engine_daemon))


def test_a_second_engine_on_one_run_directory_does_not_steal_the_sockets(
    engine_daemon: EngineDaemon, engine_client: MakeClient
) -> None:
    """libzmq would bind an ipc path a second time: the lock in run_dir comes first, and clients stay with the first."""
    client = begun(engine_client(engine_daemon))
    other = Path(tempfile.mkdtemp(prefix="venue-engine-"))
    refused_elsewhere(state_dir=str(other), run_dir=str(engine_daemon.run_dir))
    shutil.rmtree(other)
    client.send(client.gateway, [client.order(Side.BUY, 100, 1)])
    client.poll_until(lambda: has_verdict(client, 1), "the acknowledgement")
    late = engine_client(engine_daemon, "late")
    late.caught_up()
    assert late.raw == client.raw


def ask_replay(client: EngineClient, daemon: EngineDaemon, request: ReplayRequest) -> tuple[FrameKind, list[bytes]]:
    """What the replay socket answers."""
    socket = client.context.socket(zmq.DEALER)
    socket.setsockopt(zmq.LINGER, 0)
    socket.connect(daemon.endpoints.replay)
    try:
        socket.send(encode_frame(FrameKind.CONTROL, [request.encode()]))
        assert socket.poll(30_000)
        frame = decode_frame(socket.recv())
        return frame.kind, [bytes(message) for message in frame.messages]
    finally:
        socket.close()


def test_a_replay_behind_another_past_is_refused_with_a_reset(
    engine_daemon: EngineDaemon, engine_client: MakeClient
) -> None:
    """last_epoch is that of the event before: another one gets HelloAck(diverged), the true one or 0 gets events."""
    client = begun(engine_client(engine_daemon))
    client.caught_up()
    kind, messages = ask_replay(client, engine_daemon, ReplayRequest(5, 7, 1 << 16))
    assert kind is FrameKind.CONTROL
    (reset,) = (decode(message) for message in messages)
    assert isinstance(reset, HelloAck)
    assert reset.diverged == 1
    for epoch in (0, 1):
        kind, messages = ask_replay(client, engine_daemon, ReplayRequest(5, epoch, 1 << 16))
        assert kind is FrameKind.REPLAY
        assert messages == client.raw[4 : 4 + len(messages)]
        assert messages


def test_an_operator_opens_the_market_that_a_clock_jump_closed(
    make_faulty: MakeFaulty, engine_client: MakeClient
) -> None:
    """resume_after_recovery = automatic does not: the journal says why the market is closed until somebody resumes."""
    engine = make_faulty(resume_after_recovery="automatic")
    client = begun(engine_client(engine))
    engine.shim.step_clock(6 * 10**9)
    assert engine.ended() == 1
    for _ in range(2):
        engine.start()
        assert engine.counter("venue_state") == TradingState.CANCEL_ONLY
        engine.kill9()
    engine.start()
    client.resumed(epoch=4)
    client.send(client.admin, [TradingStateSet(0, TradingState.OPEN, b"op", b"the clock was looked at").encode()])
    client.poll_until(
        lambda: _last_state(client) == TradingState.OPEN, "an open market as an event: it is durable then"
    )
    engine.kill9()
    engine.start()
    assert engine.counter("venue_state") == TradingState.OPEN


def _last_state(client: EngineClient) -> int | None:
    """The venue's state as the events say so far."""
    changes = (event.state for event in reversed(client.decoded()) if isinstance(event, TradingStateChanged))
    return next(changes, None)
