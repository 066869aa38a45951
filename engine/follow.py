"""The follower: applies the journal as it becomes durable, compares every state hash, writes snapshots.

It reads only below the durable watermark, so what it has applied is never cut; it writes only into the directory of
snapshots, and only right after a state hash of the leader was its own. Once one was not, it ends and stays down: its
state lies beside the snapshots until an operator has looked and removed it.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfg.daemon import EXIT_DIVERGED, Ended, Life
from cfg.model import VenueConfig
from engine import snapshot as snapshots
from engine._native import ffi, lib
from engine.inspect import capacity, events_directory, journal_directory
from engine.journal import EVENT_SUFFIX, RULES_VERSION, Damaged, EventJournal, map_segment, segments
from engine.recovery import divergence, load_newest, require_beginning, require_our_venue
from engine.snapshot import Position, Snapshot
from engine.wire.counters import Counters
from engine.wire.endpoints import counters_path
from engine.wire.messages import StateHash, decode

COUNTERS = (
    *("turns", "followed_sequence", "durable_sequence", "epoch", "lag_commands", "lag_bytes", "lag_ms"),
    *("hashes_compared", "hash_sequence", "divergences", "snapshots", "snapshot_sequence", "snapshot_bytes"),
    *("snapshot_ms_max", "snapshots_failed"),
)
#: Records per call into C; between two calls a stop is seen.
RECORDS_PER_CALL = 65_536
#: How often the journal's end is looked for: for the counters, and to leave out snapshots while far behind.
LAG_EVERY_S = 0.5
PAUSE_LEAST_S = 0.001
#: After a snapshot comes at least this many times as long without one: the disk is the engine's before it is ours.
REST = 10
#: How long a snapshot waits for the engine to store the events up to it; then it is left for a later state hash.
EVENTS_PATIENCE_S = 2.0
DIVERGED = "diverged-"
NS_PER_MS = 1_000_000
ALL = 2**64 - 1


class Diverged(Ended):
    """The leader's state, or what the journal says of it, is not what its own commands lead to."""

    exit_code = EXIT_DIVERGED


class FollowError(Exception):
    """The journal can't be followed; the text says why and where."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """What lies beyond what has been applied: the watermark, the last command's time, and bytes, none proved yet."""

    durable: int
    time_ns: int
    size: int


class Tail:
    """The place in the journal where the follower is; goes from segment to segment as they appear."""

    def __init__(self, directory: Path, cursor: Any, segment: Path | None) -> None:
        self.cursor = cursor
        self.segment: Path | None = None
        self._directory = directory
        self._data: Any = b""
        if segment is not None:
            self._enter(segment, cursor.offset)

    def durable(self, enough: int) -> int:
        """The watermark that COMMITs beyond the cursor prove, found by a walk that ends where it is `enough`."""
        cursor = self.cursor
        ahead = ffi.new("struct record_ahead *", (cursor.durable, cursor.sequence, 0, 0))
        path, data, offset = self.segment, self._data, int(cursor.offset)
        while path is not None:
            lib.record_look_ahead(ffi.from_buffer(data), len(data), offset, cursor.nonce, enough, ahead)
            path = self._named(ahead.sequence + 1, path) if ahead.durable < enough else None
            data, offset = map_segment(path) if path else b"", 0
        cursor.durable = ahead.durable
        return int(ahead.durable)

    def end(self) -> Ahead:
        """The journal's end: a walk over its last segment, from the cursor on if that is in it."""
        cursor, size = self.cursor, 0
        ahead = ffi.new("struct record_ahead *", (cursor.durable, cursor.sequence, cursor.time_ns, 0))
        paths = [path for path in segments(self._directory) if self.segment and path >= self.segment]
        if paths:
            here = paths[-1] == self.segment
            data, offset = (self._data, int(cursor.offset)) if here else (map_segment(paths[-1]), 0)
            lib.record_look_ahead(ffi.from_buffer(data), len(data), offset, cursor.nonce, ALL, ahead)
            size = sum(path.stat().st_size for path in paths[:-1]) + ahead.offset - cursor.offset
        return Ahead(ahead.durable, ahead.time_ns, size)

    def begin(self, venue: str) -> bool:
        """Whether there is a segment to be in; enters the first one when there was none."""
        if self.segment is None and (paths := segments(self._directory)):
            require_beginning(self._directory, paths, [])
            require_our_venue(paths[:1], venue)
            self._enter(paths[0], 0)
        return self.segment is not None

    def advance(self) -> bool:
        """Enters the segment that goes on behind the cursor; False when there is none."""
        following = self._named(self.cursor.sequence + 1, self.segment)
        if following is None:
            return False
        self._enter(following, 0)
        return True

    def state_hash(self) -> StateHash:
        """The StateHash that the cursor's last record is."""
        end = int(self.cursor.offset)
        message = decode(bytes(self._data[end - STATE_HASH_SIZE : end]))
        assert isinstance(message, StateHash), "asked for right after one"
        return message

    def _named(self, first: int, than: Path | None) -> Path | None:
        path = self._directory / f"{first:020d}.vj"
        return path if path != than and path.exists() else None

    def _enter(self, path: Path, offset: int) -> None:
        self.segment, self._data = path, map_segment(path)
        self.cursor.data, self.cursor.size = ffi.from_buffer(self._data), len(self._data)
        self.cursor.offset = offset


STATE_HASH_SIZE = len(StateHash(0, 0).encode())


class Follower:
    """A core of its own behind the journal's durable end."""

    def __init__(self, config: VenueConfig, life: Life, counters: Counters) -> None:
        self._config = config
        self._life = life
        self._counters = counters
        self._directory = snapshots.directory_of(config.paths.state_dir)
        self._journal = journal_directory(config)
        self._events = events_directory(config)
        self._core: Any = ffi.NULL
        self._replay: Any = ffi.NULL
        self._matched = 0  # command of the last state hash that was ours
        self._saved = 0  # command and event of the last snapshot
        self._saved_event = 0
        self._saved_s = time.monotonic()
        self._spent_s = 0.0
        self._looked_s = 0.0

    def open(self) -> None:
        """The newest snapshot that holds, or nothing yet; raises Diverged while a divergence waits to be looked at."""
        self._directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        # What is synced inside a directory is lost with the directory's own entry, and segments are pruned for it.
        snapshots.sync_directory(self._directory.parent)
        self._lock = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FollowError(f"{self._directory}: another follower writes its snapshots there") from None
        if found := sorted(self._directory.glob(f"{DIVERGED}*{snapshots.SUFFIX}")):
            raise Diverged(f"{found[0]} is the state of a divergence: remove it once it has been looked at")
        snapshots.tidy(self._directory)
        pools = capacity(self._config)
        fields = {name: getattr(pools, name) for name in snapshots.CAPACITIES}
        self._core = lib.core_new(ffi.new("struct core_capacity *", fields))
        self._replay = lib.replay_new(self._core) if self._core != ffi.NULL else ffi.NULL
        if self._replay == ffi.NULL:
            raise FollowError("not enough memory for the pools that [engine] asks for")
        self._replay.stop_at_hash = True
        self._place(self._load())

    def close(self) -> None:
        """Gives memory and lock back."""
        if self._replay != ffi.NULL:
            lib.replay_free(self._replay)
        if self._core != ffi.NULL:
            lib.core_free(self._core)
        self._replay = self._core = ffi.NULL
        with suppress(AttributeError):
            os.close(self._lock)

    def _load(self) -> tuple[Snapshot, Any] | None:
        passed_over: list[str] = []
        status = self._life.status
        found = load_newest(
            self._replay, self._journal, self._directory, self._config.venue.id, passed_over, on_progress=status
        )
        for reason in passed_over:
            self._life.log.warning("follower.snapshot_passed_over", reason=reason)
        if found is None and (paths := segments(self._journal)):
            require_beginning(self._journal, paths, passed_over)
        return found

    def _place(self, found: tuple[Snapshot, Any] | None) -> None:
        if found is None:
            self._tail = Tail(self._journal, ffi.new("struct record_cursor *"), None)
            return
        loaded, cursor = found
        segment = self._journal / f"{loaded.position.segment:020d}.vj"
        self._tail = Tail(self._journal, cursor, segment)
        self._matched = self._saved = loaded.sequence
        self._saved_event = loaded.event_sequence
        self._counters.set("snapshot_sequence", loaded.sequence)
        self._life.log.info("follower.snapshot_loaded", sequence=loaded.sequence)

    def turn(self) -> bool:
        """Applies some of what has become durable; False when there was nothing. Raises Diverged, Damaged."""
        self._counters.add("turns")
        if not self._tail.begin(self._config.venue.id):
            return False
        cursor = self._tail.cursor
        if time.monotonic() - self._looked_s >= LAG_EVERY_S:
            self._measure()
        if cursor.durable <= cursor.sequence:
            self._tail.durable(cursor.sequence + RECORDS_PER_CALL)
        behind = bool(cursor.durable > cursor.sequence)
        if behind:
            self._apply(int(cursor.durable))
        self._counters.set("followed_sequence", cursor.sequence)
        self._counters.set("epoch", cursor.epoch)
        return behind

    def _measure(self) -> None:
        """How far we are behind, to the journal's very end."""
        self._looked_s = time.monotonic()
        cursor, ahead = self._tail.cursor, self._tail.end()
        self._counters.set("durable_sequence", ahead.durable)
        behind = max(0, ahead.durable - int(cursor.sequence))
        self._counters.set("lag_commands", behind)
        self._counters.set("lag_bytes", ahead.size if behind else 0)
        self._counters.set("lag_ms", max(0, ahead.time_ns - int(cursor.time_ns)) // NS_PER_MS if behind else 0)

    def _apply(self, through: int) -> None:
        """One call into C, and what its end asks for."""
        cursor = self._tail.cursor
        status = lib.replay_run(self._replay, cursor, through, RECORDS_PER_CALL)
        match status:
            case lib.REPLAY_HASHED:
                self._on_hash()
            case lib.REPLAY_END if self._tail.advance():
                pass
            case lib.REPLAY_END | lib.REPLAY_DAMAGED:
                reason = f"no valid record after command {cursor.sequence}, but command {through} was durable"
                raise Damaged(self._tail.segment or self._journal, int(cursor.offset), reason)
            case lib.REPLAY_STATE_DIVERGED:
                self._on_divergence()
            case lib.REPLAY_MORE | lib.REPLAY_REACHED:
                pass
            case _:
                raise FollowError(divergence(status, cursor, self._tail.segment or self._journal))

    def _on_hash(self) -> None:
        self._matched = int(self._tail.cursor.sequence)
        self._counters.add("hashes_compared")
        self._counters.set("hash_sequence", self._matched)
        follower = self._config.follower
        commands = self._matched - self._saved
        aged = time.monotonic() - self._saved_s >= follower.snapshot_every_s
        rested = time.monotonic() - self._saved_s >= REST * self._spent_s
        near = self._counters.get("durable_sequence") - self._matched < follower.snapshot_every_commands
        if near and rested and (commands >= follower.snapshot_every_commands or aged):
            self._save()

    def _save(self) -> None:
        """A snapshot of now, unless the events up to it are not stored yet or the disk refuses: then a later one."""
        taken = self._snapshot()
        if not self._events_stored(taken.event_sequence):
            self._life.log.info("follower.snapshot_put_off", sequence=taken.sequence, awaits=taken.event_sequence)
            return
        begun_s = time.monotonic()
        try:
            self._sync_events(self._saved_event, taken.event_sequence)
            path = snapshots.write(self._directory, taken.name, taken, self._core)
            snapshots.tidy(self._directory)
            size = path.stat().st_size
        except OSError as error:
            self._counters.add("snapshots_failed")
            self._life.log.error("follower.snapshot_failed", sequence=taken.sequence, reason=str(error))
            return
        finally:
            self._saved_s = time.monotonic()
            self._spent_s = self._saved_s - begun_s
        self._saved, self._saved_event = taken.sequence, taken.event_sequence
        spent_ms = round(self._spent_s * 1000)
        self._counters.add("snapshots")
        self._counters.set("snapshot_sequence", taken.sequence)
        self._counters.set("snapshot_bytes", size)
        self._counters.set("snapshot_ms_max", max(spent_ms, self._counters.get("snapshot_ms_max")))
        self._life.log.info("follower.snapshot", sequence=taken.sequence, bytes=size, ms=spent_ms)

    def _snapshot(self) -> Snapshot:
        """What a snapshot of the core, right after a state hash, says of itself."""
        cursor, replay, segment = self._tail.cursor, self._replay, self._tail.segment
        assert segment is not None, "a state hash stands in a segment"
        halves = ffi.new("uint64_t[2]")
        lib.core_hash(self._core, halves)
        ranges = replay.epochs.ranges[0 : replay.epochs.count]
        position = (int(segment.stem), replay.hash_offset, cursor.offset, replay.hash_previous_crc, cursor.crc)
        return Snapshot(
            rules_version=RULES_VERSION,
            layout=lib.core_layout(self._core),
            capacity=snapshots.capacity_of(self._core),
            venue=self._config.venue.id,
            epoch=cursor.epoch,
            sequence=cursor.sequence,
            time_ns=cursor.time_ns,
            event_sequence=lib.core_event_sequence(self._core),
            state_hash=int(halves[1]) << 64 | int(halves[0]),
            position=Position(*position),
            durable=max(cursor.durable, cursor.sequence),
            recovery_closed=bool(replay.recovery_closed),
            epochs=tuple((int(each.first_sequence), int(each.epoch)) for each in ranges),
        )

    def _events_stored(self, last: int) -> bool:
        """Whether the event journal holds this event; it may be just about to."""
        deadline = time.monotonic() + EVENTS_PATIENCE_S
        pause = threading.Event()
        while True:
            with suppress(Damaged, OSError):
                if EventJournal(self._events).entries(last, last, 1 << 16)[1] == 1:
                    return True
            if time.monotonic() > deadline or self._life.stop_requested:
                return False
            pause.wait(0.01)

    def _sync_events(self, first: int, last: int) -> None:
        """What was stored since the last snapshot: a start from this one does not look at it again."""
        paths = [path for path in segments(self._events, EVENT_SUFFIX) if int(path.stem) <= last]
        old = [path for path in paths if int(path.stem) <= first]
        for path in (*old[-1:], *paths[len(old) :]):
            for part in (path, path.with_suffix(".idx")):
                _sync_file(part)
        snapshots.sync_directory(self._events)

    def _on_divergence(self) -> None:
        """Leaves our state for inspection; the leader's is that of its journal, snapshots and process."""
        taken, journaled = self._snapshot(), self._tail.state_hash()
        self._counters.add("divergences")
        where = f"commands {self._matched + 1} to {taken.sequence}"
        path: Path | str = self._directory / f"{DIVERGED}{taken.name}"
        try:
            snapshots.write(self._directory, f"{DIVERGED}{taken.name}", taken, self._core)
        except OSError as error:
            path = f"not kept: {error}"
        self._life.log.error(
            "follower.diverged",
            first=self._matched + 1,
            last=taken.sequence,
            journaled=f"{journaled.high:016x}{journaled.low:016x}",
            ours=f"{taken.state_hash:032x}",
            segment=str(self._tail.segment),
            state=str(path),
        )
        raise Diverged(f"{where} lead to another state than the journal says; ours: {path}")


def _sync_file(path: Path) -> None:
    """All of it on the disk, little by little: the engine syncs its journal there too."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if lib.pace_sync(descriptor) != 0:
            raise OSError(ffi.errno, os.strerror(ffi.errno), str(path))
    finally:
        os.close(descriptor)


class FollowerService:
    """The follower as cfg.daemon runs it: ready once it has caught up with what was durable when it started."""

    def __init__(self, config: VenueConfig, life: Life) -> None:
        self._config = config
        self._life = life
        self._follower: Follower | None = None
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._ended = threading.Event()
        self._error: Exception | None = None

    def start(self) -> None:
        """Loads, then catches up; raises what keeps it from following."""
        os.umask(0o007)
        cpu = self._config.follower.cpu
        if cpu >= 0:
            os.sched_setaffinity(0, {cpu})
        self._counters = Counters(counters_path(self._config.paths.run_dir, self._life.name), COUNTERS)
        self._follower = Follower(self._config, self._life, self._counters)
        self._follower.open()
        while self._follower.turn():
            self._life.status(f"catching up: command {self._counters.get('followed_sequence')}")
            if self._life.stop_requested:
                raise FollowError("asked to stop while starting")
        self._thread = threading.Thread(target=self._run, name="follow", daemon=True)
        self._thread.start()

    def progress(self) -> int:
        """Turns of the following thread."""
        return self._counters.get("turns")

    def drain(self) -> None:
        """What it has applied is in the journal: there is nothing to finish."""
        self._ending.set()

    def wait(self, timeout_s: float) -> bool:
        """Whether the following thread has ended; raises what ended it."""
        if not self._ended.wait(timeout_s):
            return False
        if self._error is not None:
            raise self._error
        return True

    def stop(self) -> None:
        """Ends the thread and gives everything back."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
        if self._follower is not None:
            self._follower.close()

    def _run(self) -> None:
        assert self._follower is not None
        pause_s = PAUSE_LEAST_S
        try:
            while not self._ending.is_set():
                if self._follower.turn():
                    pause_s = PAUSE_LEAST_S
                else:
                    self._ending.wait(pause_s)
                    pause_s = min(2 * pause_s, self._config.follower.poll_ms / 1000)
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            self._error = error
        self._ended.set()


def build(config: VenueConfig, life: Life) -> FollowerService:
    """The follower, ready to be started by cfg.daemon."""
    return FollowerService(config, life)
