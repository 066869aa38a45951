"""Damage of the event journal that a start behind a snapshot does not read: found when somebody asks, mended then."""

from __future__ import annotations

from collections.abc import Callable

from engine.recovery import EVENTS_DAMAGED
from tests.fixtures.fix_engine import EngineClient, EngineDaemon
from tests.fixtures.fix_follower import FollowerDaemon, check_by_replay

COMMANDS = 20_000


def started_behind(daemon: EngineDaemon) -> int:
    """Command of the snapshot that the engine said it last started behind."""
    recovered = [line for line in daemon.log.splitlines() if '"engine.recovered"' in line][-1]
    return int(recovered.split('"snapshot":')[1].split(",")[0])


def test_a_damaged_event_before_the_snapshot_ends_the_engine_once_asked_for_and_the_next_start_mends_it(
    past_engine: Callable[..., EngineDaemon],
    make_follower: Callable[..., FollowerDaemon],
    engine_client: Callable[..., EngineClient],
) -> None:
    """No consumer waits for ever for an event that is not whole: the command journal gives it again."""
    engine = past_engine(COMMANDS)
    follower = make_follower(engine)
    follower.start()
    assert follower.stop() == 0
    stored = min(engine.events_dir.glob("*.ve"))
    with stored.open("r+b") as file:
        file.seek(2_000)
        byte = file.read(1)[0]
        file.seek(2_000)
        file.write(bytes((byte ^ 4,)))
    engine.start()
    assert started_behind(engine) > 0
    client = engine_client(engine)
    client.poll_until(lambda: engine.process is not None and engine.process.poll() is not None, "the engine to end")
    assert engine.wait_exit() == 1
    assert f"{stored}: offset" in engine.log
    assert (engine.events_dir / EVENTS_DAMAGED).exists()
    engine.start()
    assert started_behind(engine) == 0
    assert '"engine.event_journal_damaged"' in engine.log
    assert not (engine.events_dir / EVENTS_DAMAGED).exists()
    client.caught_up()
    assert len(client.raw) == engine.counter("published_sequence")
    assert engine.stop() == 0
    check_by_replay(engine)
