"""The follower beside the real engine: snapshots to start behind, and a divergence that it must not let pass."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from random import Random

import pytest

from cfg.daemon import EXIT_DIVERGED, EXIT_FAILED
from cfg.load import load
from engine import snapshot
from engine.journal import segments
from engine.wire.messages import OrderAccepted, OrderRejected, Side
from tests.fixtures.fix_engine import ALPHA_ACCOUNT, SEGMENT_BYTES, USD, EngineClient, EngineDaemon, wait_for
from tests.fixtures.fix_follower import DEPTH, FollowerDaemon, check_by_replay, forge_state_hash
from tests.fixtures.made_journal import make_journal

MakeEngine = Callable[..., EngineDaemon]
MakeClient = Callable[..., EngineClient]
MakeFollower = Callable[..., FollowerDaemon]
COMMANDS = 20_000


def started_behind(daemon: EngineDaemon) -> int:
    """Command of the snapshot that the engine said it last started behind."""
    recovered = [line for line in daemon.log.splitlines() if '"engine.recovered"' in line][-1]
    return int(recovered.split('"snapshot":')[1].split(",")[0])


def followed(follower: FollowerDaemon) -> None:
    """Starts it, lets it catch up, stops it."""
    follower.start()
    assert follower.stop() == 0


def test_a_start_goes_on_behind_the_newest_snapshot(past_engine: MakeEngine, make_follower: MakeFollower) -> None:
    """The engine replays the tail only, and goes on to the very hashes and events of a replay from the beginning."""
    engine = past_engine(COMMANDS)
    follower = make_follower(engine)
    followed(follower)
    (newest,) = follower.snapshots()
    assert int(newest.stem) == snapshot.verify(newest).sequence > COMMANDS - 2 * 4_096
    assert follower.counter("hashes_compared") == COMMANDS // 4_096 + 1
    engine.start()
    assert started_behind(engine) == int(newest.stem)
    orders = engine.counter("orders")
    assert engine.stop() == 0
    follower.start()
    assert follower.counter("followed_sequence") > COMMANDS
    assert follower.stop() == 0
    assert check_by_replay(engine) == COMMANDS // 4_096 + 2
    shutil.rmtree(follower.snapshots_dir)
    engine.start()
    assert started_behind(engine) == 0
    assert engine.counter("orders") == orders > 0


def flip(follower: FollowerDaemon, offset: int) -> None:
    """One bit of the newest snapshot."""
    path = follower.snapshots()[0]
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def test_what_cannot_be_believed_is_passed_over(past_engine: MakeEngine, make_follower: MakeFollower) -> None:
    """A damaged snapshot, or none whose events are there: the one before or the whole journal says the same."""
    engine = past_engine(COMMANDS)
    follower = make_follower(engine)
    followed(follower)
    first = int(follower.snapshots()[0].stem)
    engine.start()
    engine.stop()
    whole = follower.snapshots()[0].read_bytes()
    shutil.rmtree(engine.events_dir)
    engine.start()
    assert started_behind(engine) == 0
    assert "the event journal does not hold event" in engine.log
    engine.stop()
    engine.start()
    assert started_behind(engine) == first
    engine.stop()
    for offset in (20, 5_000, -10):
        flip(follower, offset)
        engine.start()
        assert started_behind(engine) == 0
        engine.stop()
        follower.snapshots()[0].write_bytes(whole)
    assert engine.log.count("engine.snapshot_passed_over") == 4
    check_by_replay(engine)


def test_the_older_snapshot_serves_when_the_newest_is_damaged(
    past_engine: MakeEngine, make_follower: MakeFollower
) -> None:
    """Two are kept; with the newest one damaged the engine starts behind the other."""
    engine = past_engine(12_000)
    follower = make_follower(engine)
    followed(follower)
    for commands in (COMMANDS, 28_000):  # a longer journal begins with the same bytes
        shutil.rmtree(engine.journal_dir)
        shutil.rmtree(engine.events_dir)
        make_journal(load(engine.cfg_dir), engine.state_dir / "engine", commands, DEPTH, SEGMENT_BYTES)
        followed(follower)
    assert [int(path.stem) for path in follower.snapshots()] == [24_576, 16_384]
    assert "follower.snapshot_loaded" in follower.log
    flip(follower, 10_000)
    engine.start()
    assert started_behind(engine) == 16_384


def test_a_journal_without_its_beginning_needs_a_snapshot(past_engine: MakeEngine, make_follower: MakeFollower) -> None:
    """Segments below the snapshot may be gone; without it the engine refuses and says what to restore."""
    engine = past_engine(COMMANDS)
    follower = make_follower(engine)
    followed(follower)
    needed = snapshot.read(follower.snapshots()[0]).position.segment
    paths = segments(engine.journal_dir)
    gone = [path for path in paths if int(path.stem) < needed]
    assert gone and paths[-1] not in gone
    for path in gone:
        path.unlink()
    engine.start()
    assert started_behind(engine) == int(follower.snapshots()[0].stem)
    engine.stop()
    followed(follower)
    for path in follower.snapshots():
        path.rename(path.with_suffix(".aside"))
    engine.spawn()
    assert engine.wait_exit() == EXIT_FAILED
    assert "no snapshot covers what came before" in engine.log
    follower.spawn()
    assert follower.wait_exit() == EXIT_FAILED
    assert "no snapshot covers what came before" in follower.log


def test_a_snapshot_beyond_the_journal_proves_a_loss(past_engine: MakeEngine, make_follower: MakeFollower) -> None:
    """A journal that ends before a snapshot has lost durable commands: refused, as long as the snapshot is there."""
    engine = past_engine(COMMANDS)
    follower = make_follower(engine)
    followed(follower)
    needed = snapshot.read(follower.snapshots()[0]).position.segment
    for path in segments(engine.journal_dir):
        if int(path.stem) >= needed:
            path.unlink()
    shutil.rmtree(engine.events_dir)
    engine.spawn()
    assert engine.wait_exit() == EXIT_FAILED
    assert "acknowledged commands are missing" in engine.log


def test_a_divergence_ends_the_follower_for_good(past_engine: MakeEngine, make_follower: MakeFollower) -> None:
    """A state hash that is not ours: its own exit code, our state kept, no snapshot after, no start until looked at."""
    engine = past_engine(COMMANDS)
    wrong = forge_state_hash(engine.journal_dir, 3)
    follower = make_follower(engine, snapshot_every_s=1)
    for _ in range(2):
        follower.spawn()
        assert follower.wait_exit() == EXIT_DIVERGED
    assert follower.log.count("follower.diverged") == 1
    assert f'"last":{wrong}' in follower.log and '"first":8193' in follower.log
    kept = follower.snapshots_dir / f"diverged-{wrong:020d}.vs"
    assert snapshot.verify(kept).sequence == wrong
    assert all(int(path.stem) < wrong for path in follower.snapshots())
    kept.unlink()
    follower.spawn()
    assert follower.wait_exit() == EXIT_DIVERGED
    assert follower.counter("divergences") == 1
    engine.spawn()
    assert engine.wait_exit() == EXIT_FAILED
    assert "the state hash journaled there is not the one the replay arrives at" in engine.log


def verdicts(client: EngineClient) -> list[int]:
    """client_seq of every order verdict, in event order."""
    return [event.client_seq for event in client.decoded() if isinstance(event, OrderAccepted | OrderRejected)]


def has_verdicts(client: EngineClient, count: int) -> bool:
    """Whether at least so many order verdicts have arrived."""
    return len(verdicts(client)) >= count


@pytest.mark.parametrize("seed", [1, 2])
def test_engine_and_follower_are_killed_at_any_time(
    make_engine: MakeEngine, engine_client: MakeClient, make_follower: MakeFollower, seed: int
) -> None:
    """Under load, over several segments: no order lost or doubled, no divergence, later starts go on from snapshots."""
    dice = Random(seed)
    engine = make_engine()
    follower = make_follower(engine, snapshot_every_s=1)
    follower.start()
    client = engine_client(engine)
    client.credit(ALPHA_ACCOUNT, USD, 10**15, 1)
    client.attach()
    sent: list[bytes] = []
    for epoch in range(2, 5):
        target = len(client.raw) + dice.randrange(2_000, 6_000)
        while len(client.raw) < target:
            batch = [client.order(Side.BUY, 100 + len(sent) % 7, 1) for _ in range(50)]
            sent += batch
            client.send(client.gateway, batch)
            client.poll(1)
        follower_too = dice.random() < 0.5
        if follower_too:
            follower.kill9()
        engine.kill9()
        engine.start()
        client.resumed(epoch)
        if follower_too:
            follower.start()
        first = verdicts(client)[-1]
        for at in range(first, len(sent), 500):
            client.send(client.gateway, sent[at : at + 500])
        client.poll_until(partial(has_verdicts, client, len(sent)), "a verdict for every order")
        assert verdicts(client) == list(range(1, len(sent) + 1))
    assert engine.stop() == 0
    wait_for(lambda: follower.counter("followed_sequence") == engine.counter("sequence"), "the follower")
    wait_for(lambda: follower.counter("lag_commands") == 0, "a look at the lag")
    assert follower.counter("hash_sequence") == engine.counter("sequence")
    assert follower.counter("divergences") == 0
    assert follower.stop() == 0
    assert follower.snapshots()
    assert list(follower.snapshots_dir.glob("*.tmp")) == []
    assert len(segments(engine.journal_dir)) > 1
    check_by_replay(engine)
    engine.start()
    assert started_behind(engine) > 0
