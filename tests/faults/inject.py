"""The faults, by name: each hurts a venue under load and leaves every daemon running again.

What a real world cannot do is not done here either: a chain never forgets a final block, and bytes that the engine
called durable are damaged only where it must notice.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import zmq
from engine._native import lib

from engine.journal import CommandJournal, Damaged, Record, segments
from engine.snapshot import directory_of, newest_first
from engine.snapshot import read as read_snapshot
from engine.wire.client import CommandChannel, EngineEvents, template_of
from engine.wire.endpoints import EngineEndpoints
from engine.wire.messages import Role, SessionAttach, SessionAttached, decode
from ops.local import ROOT, START_ORDER, VenueError
from settlement.child import log_tail, spawn
from tests.faults.power_cut import Loss, restore_durable
from tests.faults.shim import Call, disk_full, power_cut, slow_sync, sync_error, write_error
from tests.faults.shim import Fault as ShimFault
from tests.faults.venue import FaultVenue

Fault = Callable[[FaultVenue, Random], None]
SERVERS = ("postgres", "chain")
DAEMONS = (*START_ORDER, "follower")
RIVAL_GATEWAY = 99
PEER_TIMEOUT_S = 15.0
CUT_TIMEOUT_S = 10.0
#: Blocks that the development chain calls final: this many behind the newest.
FINAL_BLOCKS = 4


# ---- death ----


def kill(venue: FaultVenue, name: str) -> None:
    """kill -9 of a daemon or server."""
    if name == "postgres":
        venue.venue.postgres.kill9()
    elif name == "chain":
        _kill_chain(venue)
    else:
        venue.venue.kill9(name)


def _kill_chain(venue: FaultVenue) -> None:
    """When what survives the kill reaches beyond the last final block."""
    chain = venue.venue.chain

    def survives() -> bool:
        newest = int(chain.request("eth_blockNumber"), 16)
        os.kill(chain.pid, signal.SIGSTOP)
        if _dumped_block(chain.directory) > newest + 1 - FINAL_BLOCKS:
            return True
        os.kill(chain.pid, signal.SIGCONT)
        return False

    venue.until(survives, PEER_TIMEOUT_S, "a dump of the chain's final blocks")
    chain.kill9()


def _dumped_block(directory: Path) -> int:
    """The block that a restart of the chain would begin with, 0 when no dump is whole."""
    for name in ("state.json", "state.whole.json"):
        try:
            return int(json.loads((directory / name).read_bytes())["best_block_number"])
        except (OSError, ValueError):  # not there, or just being written
            continue
    return 0


def start(venue: FaultVenue, *names: str) -> None:
    """All of them at once, servers first; returns when they serve."""
    if "postgres" in names:
        venue.venue.postgres.start()
    if "chain" in names:
        venue.venue.chain.start()
    daemons = [name for name in DAEMONS if name in names]
    for name in daemons:
        venue.venue.start_daemon(name)
    for name in daemons:
        venue.venue.await_ready(name)


def _kill_one(name: str) -> Fault:
    def fault(venue: FaultVenue, random: Random) -> None:
        kill(venue, name)
        venue.pause(random.choice((0.0, 0.0, 0.3)))
        start(venue, name)

    return fault


def _kill_two(venue: FaultVenue, random: Random) -> None:
    names = random.sample((*DAEMONS, *SERVERS), 2)
    for name in names:
        kill(venue, name)
    start(venue, *names)


def _kill_while_starting(venue: FaultVenue, random: Random) -> None:
    """A daemon dies again before it has recovered."""
    name = random.choice(DAEMONS)
    kill(venue, name)
    venue.venue.start_daemon(name)
    venue.pause(random.uniform(0.1, 1.0))
    kill(venue, name)
    start(venue, name)


def _clean_restart(venue: FaultVenue, random: Random) -> None:
    """The engine stops in order and starts again: what the follower snapshots then is where later starts begin."""
    os.kill(venue.pid("engine"), signal.SIGTERM)
    if not venue.ended("engine", PEER_TIMEOUT_S):
        raise VenueError("the engine did not end when asked to")
    code = venue.venue.daemons["engine"].process.returncode
    kill(venue, "engine")
    if code != 0:
        raise VenueError(f"the engine ended with {code} when asked to")
    venue.pause(random.choice((0.0, 0.6)))
    start(venue, "engine")


# ---- silence ----


def _stall(name: str) -> Fault:
    def fault(venue: FaultVenue, random: Random) -> None:
        pid = venue.pid(name)
        os.kill(pid, signal.SIGSTOP)
        venue.pause(random.uniform(0.3, 2.5))
        os.kill(pid, signal.SIGCONT)

    return fault


def _frames_lost(venue: FaultVenue, random: Random) -> None:
    """Commands queue in the transport of an engine that does not read, and are lost when it dies."""
    os.kill(venue.pid("engine"), signal.SIGSTOP)
    venue.pause(random.uniform(0.2, 0.9))
    kill(venue, "engine")
    start(venue, "engine")


def _reports_lost(venue: FaultVenue, random: Random) -> None:
    """Events queue for a gateway that does not read, and are lost when it dies."""
    os.kill(venue.pid("fixgw"), signal.SIGSTOP)
    venue.pause(random.uniform(0.2, 0.9))
    kill(venue, "fixgw")
    start(venue, "fixgw")


def _line_drop(venue: FaultVenue, random: Random) -> None:
    """A client's line breaks, now and then together with the gateway's engine."""
    names = random.sample(sorted(venue.clients), random.choice((1, 2)))
    for name in names:
        venue.clients[name].say("drop")
    if random.random() < 0.3:
        kill(venue, "engine")
        start(venue, "engine")


# ---- rivals and rude peers ----


def _stale_gateway(venue: FaultVenue, random: Random) -> None:
    """A gateway sleeps while another one attaches its sessions: what it sends when it wakes up is stale."""
    gateway = venue.pid("fixgw")
    venue.pause(random.uniform(0.0, 0.2))
    os.kill(gateway, signal.SIGSTOP)
    try:
        _attach_elsewhere(venue)
    finally:
        os.kill(gateway, signal.SIGCONT)


def _attach_elsewhere(venue: FaultVenue) -> None:
    """Another gateway attaches every session; returns when the engine has said so."""
    endpoints = EngineEndpoints(venue.config.paths.run_dir)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    commands = CommandChannel(context, endpoints.gateway, f"fixgw-{RIVAL_GATEWAY}")
    events = EngineEvents(context, endpoints, Role.GATEWAY, f"fixgw-{RIVAL_GATEWAY}", next_sequence=0)
    wanted = {session.id for session in venue.config.sessions}
    attaches = [
        SessionAttach(session, RIVAL_GATEWAY, 1, secrets.randbits(63) | 1, 0).encode() for session in sorted(wanted)
    ]

    def attached() -> bool:
        for item in events.poll(20):
            if isinstance(item, memoryview) and template_of(item) == SessionAttached.TEMPLATE_ID:
                event = decode(item)
                assert isinstance(event, SessionAttached)
                if event.gateway == RIVAL_GATEWAY:
                    wanted.discard(event.session)
        if events.caught_up and attaches and commands.send(attaches):
            attaches.clear()
        return not wanted

    try:
        venue.until(attached, PEER_TIMEOUT_S, "a rival gateway to attach the sessions")
    finally:
        events.close()
        commands.close()
        context.term()


def _second_engine(venue: FaultVenue, _random: Random) -> None:
    """Another engine on the same directories is refused, and the one that serves never notices."""
    log = venue.venue.log_dir / "second-engine.log"
    command = [sys.executable, "-m", "engine.daemon", "--cfg", str(venue.venue.cfg_dir)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = spawn(command, log, "KILL", environment=environment)
    try:
        code = process.wait(PEER_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise VenueError(f"a second engine on the same directories ran on:\n{log_tail(log)}") from None
    if code == 0:
        raise VenueError(f"a second engine on the same directories ended as if all was well:\n{log_tail(log)}")


def _rude_peers(manner: str) -> Fault:
    def fault(venue: FaultVenue, random: Random) -> None:
        log = venue.venue.log_dir / "peers.log"
        arguments = [
            *(sys.executable, "-m", "tests.faults.peers", manner, "--run-dir", str(venue.config.paths.run_dir)),
            *("--publish", venue.config.mdfeed.publish[0], "--snapshot", venue.config.mdfeed.snapshot),
            *("--seed", str(random.getrandbits(32))),
        ]
        process = spawn(arguments, log, "KILL", environment={**os.environ, "PYTHONPATH": str(ROOT)})
        venue.pause(random.uniform(0.7, 1.5))
        process.kill()
        process.wait()

    return fault


# ---- damaged files ----


def _torn_tail(venue: FaultVenue, random: Random) -> None:
    """What was never durable is cut short or garbled: a write that was under way."""
    kill(venue, "engine")
    durable, path, end = _tail(venue)
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(durable)
        undecided = file.read(end - durable)
        manner = random.choice(("cut", "garble", "append"))
        if manner == "cut" and undecided:
            keep = random.randrange(len(undecided))
            file.seek(durable + keep)
            file.write(bytes(end - durable - keep))
        elif manner == "garble" and undecided:
            file.seek(durable + random.randrange(len(undecided)))
            file.write(random.randbytes(1))
        else:
            file.seek(end)
            file.write(random.randbytes(min(random.randint(1, 5_000), size - end)))
    venue.rewritten()
    start(venue, "engine")


def _tail(venue: FaultVenue) -> tuple[int, Path, int]:
    """Of a dead engine's last segment: where its durable bytes end, its file, and where its records end.

    Durable is what the engine may have told anybody: its own counter, which it moves before it tells.
    """
    watermark = venue.counter("engine", "durable_sequence")
    last: Record | None = None
    durable = end = 0
    for record in CommandJournal(venue.state_dir / "journal"):
        if last is None or record.path != last.path:
            durable = 0
        end = _end_of(record)
        if record.kind != lib.RECORD_COMMAND or record.sequence <= watermark:
            durable = end
        last = record
    assert last is not None, "the engine journaled its own start"
    return durable, last.path, end


def _end_of(record: Record) -> int:
    """Offset behind a record: its length is the first field of its header."""
    with record.path.open("rb") as file:
        file.seek(record.offset)
        return record.offset + int.from_bytes(file.read(4), "little")


def _corrupt_journal(venue: FaultVenue, random: Random) -> None:
    """A flipped bit below the watermark: the engine refuses to start and names the place; repaired, it starts.

    What lies before the newest snapshot is not read at a start: there it is the proof of the journal that names it.
    """
    kill(venue, "engine")
    watermark = venue.counter("engine", "durable_sequence")
    snapshot = max((int(path.stem) for path in newest_first(directory_of(venue.config.paths.state_dir))), default=0)
    commands = [
        record
        for record in CommandJournal(venue.state_dir / "journal")
        if record.kind == lib.RECORD_COMMAND and record.sequence <= watermark - 2
    ]
    record = random.choice([record for record in commands if record.sequence > snapshot] or commands)
    at, flip = random.randrange(record.offset, _end_of(record)), 1 << random.randrange(8)
    _flip(record.path, at, flip)
    said = _refused_start(venue) if record.sequence > snapshot else _disproved(venue)
    if record.path.name not in said or "offset" not in said:
        raise VenueError(f"a damaged journal ({record.path.name} offset {at}) was not named:\n{said}")
    _flip(record.path, at, flip)
    start(venue, "engine")


def _disproved(venue: FaultVenue) -> str:
    """What a walk over the whole journal says of the damage in it."""
    try:
        for _ in CommandJournal(venue.state_dir / "journal"):
            pass
    except Damaged as error:
        return str(error)
    return "every record was whole"


def _flip(path: Path, at: int, bits: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes((byte ^ bits,)))


def _refused_start(venue: FaultVenue) -> str:
    """The engine's last words when it must not start; VenueError when it does."""
    log = venue.venue.log_dir / "engine.log"
    before = log.stat().st_size
    daemon = venue.venue.start_daemon("engine")
    try:
        code = daemon.process.wait(PEER_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise VenueError("the engine started on a damaged journal") from None
    venue.venue.kill9("engine")
    said = log.read_bytes()[before:].decode(errors="replace")
    if code == 0:
        raise VenueError(f"the engine ended with 0 on a damaged journal:\n{said}")
    return said


def _events_lost(venue: FaultVenue, random: Random) -> None:
    """The event journal is short, damaged or gone: the command journal gives it again.

    Damage strikes behind the newest snapshot: what lies before it a start does not read.
    """
    kill(venue, "engine")
    directory = venue.state_dir / "events"
    files = segments(directory, ".ve")
    manner = random.choice(("gone", "short", "garbled", "no index"))
    if manner == "gone":
        for path in directory.iterdir():
            path.unlink()
    elif manner == "no index":
        files[-1].with_suffix(".idx").unlink()
    elif manner == "short":
        os.truncate(files[-1], random.randrange(files[-1].stat().st_size + 1))
    else:
        offsets = files[-1].with_suffix(".idx").read_bytes()[8 * _covered(venue, int(files[-1].stem)) :]
        first = int.from_bytes(offsets[:8], "little") if offsets else files[-1].stat().st_size
        if first < files[-1].stat().st_size:
            _flip(files[-1], random.randrange(first, files[-1].stat().st_size), 1 << random.randrange(8))
    venue.rewritten()
    start(venue, "engine")


def _covered(venue: FaultVenue, first_event: int) -> int:
    """How many events of the segment that begins with `first_event` the newest snapshot stands for."""
    newest = newest_first(directory_of(venue.config.paths.state_dir))[:1]
    return sum(max(read_snapshot(path).event_sequence + 1 - first_event, 0) for path in newest)


# ---- disk and clock, by the shim ----


def power_cut_at(venue: FaultVenue, random: Random, after_calls: int) -> Loss:
    """The engine dies at one of its calls to the disk, which then holds what was synced and a choice of the rest."""
    calls = random.choice((Call.WRITE, Call.WRITE | Call.SYNC | Call.CREATE | Call.RENAME))
    venue.shim.inject(power_cut(calls, random.choice(("*", "journal/*", "events/*")), after_calls=after_calls))
    if not venue.ended("engine", CUT_TIMEOUT_S):
        raise VenueError("the power never went: the engine made no such call")
    kill(venue, "engine")
    venue.shim.clear()
    return _lose_unsynced(venue, random)


def _lose_unsynced(venue: FaultVenue, random: Random) -> Loss:
    """What the power takes with it. The follower, which is not under the shim, dies too and keeps what it wrote."""
    kill(venue, "follower")
    snapshots, aside = directory_of(venue.config.paths.state_dir), venue.directory / "snapshots.aside"
    if snapshots.exists():
        snapshots.rename(aside)
    loss = restore_durable(venue.shim.log, venue.state_dir, random.getrandbits(32))
    if aside.exists():
        shutil.rmtree(snapshots, ignore_errors=True)
        aside.rename(snapshots)
    venue.rewritten()
    return loss


def _power_cut(venue: FaultVenue, random: Random) -> None:
    power_cut_at(venue, random, random.randrange(40))
    start(venue, "engine", "follower")


def _strikes(venue: FaultVenue, fault: ShimFault) -> None:
    """Arms a fault; returns once it has struck."""
    slot = venue.shim.inject(fault)
    venue.until(lambda: venue.shim.hits(slot) > 0, CUT_TIMEOUT_S, f"{fault} to strike")


def _disk_full(venue: FaultVenue, random: Random) -> None:
    """No room for a while: nothing is acknowledged that is not on the disk, and all goes on once there is room."""
    pattern = random.choice(("*", "journal/*", "events/*"))
    _strikes(venue, disk_full(pattern, after_bytes=random.randrange(20_000)))
    venue.pause(random.uniform(0.3, 1.2))
    venue.shim.clear()
    start_if_ended(venue, random.uniform(0.2, 0.6))


def _disk_error(venue: FaultVenue, random: Random) -> None:
    """A write or a sync fails; now and then the power goes right after it, and takes what Linux then calls clean."""
    after_calls = random.randrange(20)
    _strikes(venue, random.choice((write_error, sync_error))("journal/*", after_calls=after_calls))
    venue.ended("engine", 2.0)
    cut = random.random() < 0.5
    if cut and venue.venue.dead() != "engine":
        os.kill(venue.pid("engine"), signal.SIGKILL)
        venue.ended("engine", CUT_TIMEOUT_S)
    venue.shim.clear()
    if cut:
        kill(venue, "engine")
        _lose_unsynced(venue, random)
        start(venue, "engine", "follower")
    else:
        start_if_ended(venue, 0.3)


def _slow_disk(venue: FaultVenue, random: Random) -> None:
    """Every sync takes long."""
    _strikes(venue, slow_sync(random.randint(20_000, 900_000)))
    venue.pause(random.uniform(0.3, 1.8))
    venue.shim.clear()


def _clock_step(venue: FaultVenue, random: Random) -> None:
    """Small steps either way go unnoticed; a leap ahead stops the engine until the clock is right again."""
    leap = random.random() < 0.3
    step_s = random.uniform(8, 3_600) if leap else random.uniform(-4, 4)
    venue.shim.step_clock(int(step_s * 1e9))
    venue.pause(random.uniform(0.3, 1.0))
    if leap:
        venue.ended("engine", CUT_TIMEOUT_S)
    venue.shim.step_clock(0)
    start_if_ended(venue, 0.1)


def start_if_ended(venue: FaultVenue, patience_s: float) -> None:
    """An engine that gave up is started again, as systemd would."""
    if venue.ended("engine", patience_s):
        kill(venue, "engine")
        start(venue, "engine")


KINDS: dict[str, Fault] = {
    **{f"kill-{name}": _kill_one(name) for name in (*DAEMONS, *SERVERS)},
    "kill-two": _kill_two,
    "kill-while-starting": _kill_while_starting,
    **{f"stall-{name}": _stall(name) for name in DAEMONS},
    "clean-restart": _clean_restart,
    "frames-lost": _frames_lost,
    "reports-lost": _reports_lost,
    "line-drop": _line_drop,
    "stale-gateway": _stale_gateway,
    "second-engine": _second_engine,
    "vanishing-peers": _rude_peers("vanish"),
    "garbage-frames": _rude_peers("garbage"),
    "torn-tail": _torn_tail,
    "corrupt-journal": _corrupt_journal,
    "events-lost": _events_lost,
    "power-cut": _power_cut,
    "disk-full": _disk_full,
    "disk-error": _disk_error,
    "slow-disk": _slow_disk,
    "clock-step": _clock_step,
}
#: After any other fault every client still has the line it had.
BREAKS_LINES = frozenset(
    ("kill-fixgw", "kill-two", "kill-while-starting", "reports-lost", "line-drop", "stale-gateway", "garbage-frames")
)
