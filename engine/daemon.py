"""The engine daemon: recovery first, then C threads that receive, journal and publish, while Python only watches.

Nobody is served before replay, state hash, a new epoch and the reference data of cfg are durable.
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cfg.daemon import Life, Service, run
from cfg.model import Engine, VenueConfig
from engine import follow, snapshot, start
from engine._native import ffi, lib
from engine.journal import EventJournal, journal_nonce, segments
from engine.recovery import Recovered, RecoveryError, begins_whole, mark_events_damaged, recover
from engine.replay import ReplayServer
from engine.sockets import Context, Doorkeeper, Socket, bind_router, load_libzmq, make_context
from engine.wire.counters import Counters
from engine.wire.endpoints import EngineEndpoints, counters_path
from engine.wire.frame import ENTRY_HEADER
from engine.wire.messages import CommandRefused, TradingState, decode

#: Refused reference data of one start is looked for in the events of that start, this many bytes at a time.
SCAN_BYTES = 1 << 20
FOLLOW = "--follow"
START_POLL_S = 0.002
#: What enum journal_state means to an operator.
STATES = {
    lib.JOURNAL_RUNNING: ("running", "serving"),
    lib.JOURNAL_DISK_FULL: ("disk_full", "disk full: intake is paused until there is room below state_dir"),
    lib.JOURNAL_SLOW_DISK: ("slow_disk", "slow disk: intake is paused until the journal has caught up"),
}
_DURABILITY = {"sync": lib.JOURNAL_SYNC, "interval": lib.JOURNAL_INTERVAL, "none": lib.JOURNAL_NONE}


class StartError(Exception):
    """The engine cannot serve on this host with this configuration; the text says why."""


class StoppedFull(Exception):
    """The engine was stopped while its disk had no room for what it had taken in; none of that was acknowledged."""


class EventsDamaged(Exception):
    """A published event is not whole any more. The next start derives all events from the command journal again."""


class ClockJumped(Exception):
    """The host's clock made a step larger than max_clock_jump_ms: the market is halted for the operator."""


def counter_names() -> list[str]:
    """Names of the counters file's slots, in the order of C's enum counter."""
    elements: dict[int, str] = ffi.typeof("enum counter").elements
    return [elements[slot].removeprefix("COUNTER_").lower() for slot in sorted(elements)]


def new_nonce() -> int:
    """For a journal that is begun: bytes that a client has had journaled must not pass for a COMMIT."""
    return secrets.randbits(64) or 1


class Worker:
    """A thread that runs one C function to its end and keeps what it returned."""

    def __init__(self, name: str, work: Callable[[], Any], cpu: int) -> None:
        self.result: Any = None
        self.ended = threading.Event()
        self._work = work
        self._cpu = cpu
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        if self._cpu >= 0:
            os.sched_setaffinity(0, {self._cpu})
        self.result = self._work()
        self.ended.set()

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join()


class EngineService:
    """The engine as cfg.daemon runs it. It starts so: recover, bind, publish, new epoch, reference data, intake."""

    def __init__(self, config: VenueConfig, life: Life) -> None:
        self._config = config
        self._life = life
        self._core: Any = ffi.NULL
        self._engine: Any = ffi.NULL
        self._context: Context | None = None
        self._sockets: list[Socket] = []
        self._doorkeeper: Doorkeeper | None = None
        self._replay: ReplayServer | None = None
        self._events_damaged = ""
        self._loop: Worker | None = None
        self._journal: Worker | None = None
        self._publisher: Worker | None = None
        self._preparer: Worker | None = None
        self._syncer: Worker | None = None
        self._turns = (0, 0, 0)
        self._state = int(lib.JOURNAL_RUNNING)
        self._progress = 0

    def start(self) -> None:
        """Recover, prove, open; raises what keeps the engine from serving."""
        os.umask(0o007)
        engine = self._config.engine
        check_cpus(engine)
        if engine.housekeeping_cpu >= 0:
            os.sched_setaffinity(0, {engine.housekeeping_cpu})
        load_libzmq()
        self._counters = Counters(counters_path(self._config.paths.run_dir, self._life.name), counter_names())
        journal_directory, events_directory = self._directories()
        self._make_engine(events_directory)
        begun_s = time.monotonic()
        recovered = recover(
            lib.engine_replay(self._engine),
            journal_directory,
            events_directory,
            snapshot.directory_of(self._config.paths.state_dir),
            venue=self._config.venue.id,
            on_progress=self._on_progress,
        )
        self._tell(recovered, time.monotonic() - begun_s)
        self._bind()
        self._open(recovered, journal_directory)
        self._start_workers(events_directory)
        self._begin_epoch(recovered, EventJournal(events_directory))
        self._loop = Worker("loop", lambda: lib.engine_loop(self._engine), engine.hot_cpu)

    def progress(self) -> int:
        """Rises only when loop, journal and publisher have all turned: one of them stuck is the engine stuck.

        But a slow disk is no fault of this process, and ending it would not mend the disk.
        """
        self._tell_state()
        names = ("loop_turns", "journal_turns", "publisher_turns")
        turns = (self._counters.get(names[0]), self._counters.get(names[1]), self._counters.get(names[2]))
        moved = [now != then for now, then in zip(turns, self._turns, strict=True)]
        if moved[0] and (all(moved) or self._state == lib.JOURNAL_SLOW_DISK):
            self._turns = turns
            self._progress += 1
        return self._progress

    def _tell_state(self) -> None:
        """Log and service manager learn when intake is paused, why, and when it goes on."""
        state = self._counters.get("journal_state")
        if state == self._state:
            return
        self._state = state
        name, text = STATES[state]
        log = self._life.log.info if state == lib.JOURNAL_RUNNING else self._life.log.error
        paused_ms = self._counters.get("intake_paused_ns") // 1_000_000
        log("engine.journal_state", state=name, paused_ms=paused_ms, durable=self._counters.get("durable_sequence"))
        self._life.say(text)

    def drain(self) -> None:
        """Intake ends; what was accepted becomes durable and is published."""
        lib.engine_drain(self._engine)

    def wait(self, timeout_s: float) -> bool:
        """Whether the loop has ended; then everything behind it is brought to its end.

        Raises ClockJumped and EventsDamaged.
        """
        assert self._loop is not None
        if not self._loop.ended.wait(timeout_s):
            return False
        clean = self._loop.result == lib.LOOP_DRAINED
        self._end_workers(lib.JOURNAL_CLOSE_CLEAN if clean else lib.JOURNAL_CLOSE_UNCLEAN)
        self._require_all_durable()
        if self._loop.result == lib.LOOP_CLOCK_JUMPED:
            raise ClockJumped(f"clock step above max_clock_jump_ms = {self._config.engine.max_clock_jump_ms}")
        if self._events_damaged:
            raise EventsDamaged(f"{self._events_damaged}: start again, all events are then derived anew")
        return True

    def stop(self) -> None:
        """End every thread and release everything; also after a failed start."""
        if self._engine != ffi.NULL:
            lib.engine_stop(self._engine)
        if self._loop is not None:
            self._loop.join()
        self._end_workers(lib.JOURNAL_CLOSE_UNCLEAN)
        if self._replay is not None:
            self._replay.close()
        for socket in self._sockets:
            socket.close(0)
        if self._context is not None:
            self._context.term()
        if self._doorkeeper is not None:
            self._doorkeeper.join()
        if self._engine != ffi.NULL:
            lib.engine_free(self._engine)
            self._engine = ffi.NULL
        if self._core != ffi.NULL:
            lib.core_free(self._core)
            self._core = ffi.NULL

    def _require_all_durable(self) -> None:
        durable, sequence = int(lib.engine_durable(self._engine)), int(lib.engine_sequence(self._engine))
        if durable < sequence:
            raise StoppedFull(f"no room for commands {durable + 1} to {sequence}: dropped, none was acknowledged")

    def _end_workers(self, how: int) -> None:
        if self._journal is not None:
            lib.engine_close_journal(self._engine, how)
            self._journal.join()
        if self._syncer is not None:
            self._syncer.join()
        if self._publisher is not None and self._preparer is not None:
            lib.engine_close_publisher(self._engine)
            self._publisher.join()
            self._preparer.join()
        self._journal = self._syncer = self._publisher = self._preparer = None

    def _directories(self) -> tuple[Path, Path]:
        directories = self._life.state_dir / "journal", self._life.state_dir / "events"
        for directory in directories:
            directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        # What is synced inside a directory is lost with the directory's own entry.
        for directory in (self._life.state_dir, self._life.state_dir.parent):
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            os.fsync(descriptor)
            os.close(descriptor)
        return directories

    def _make_engine(self, events_directory: Path) -> None:
        engine = self._config.engine
        capacity = ffi.new(
            "struct core_capacity *",
            {
                "orders": engine.max_orders,
                "price_pages": engine.max_price_pages,
                "clordids": engine.max_clordids,
                "accounts": engine.max_accounts,
                "assets": engine.max_assets,
                "instruments": engine.max_instruments,
                "sessions": engine.max_sessions,
                "trades": engine.max_bustable_trades,
            },
        )
        self._core = lib.core_new(capacity)
        if self._core == ffi.NULL:
            raise StartError("not enough memory for the pools that [engine] asks for")
        # The mapping lives as long as Counters does; the directory stays open until the process ends.
        slots = ffi.from_buffer("uint64_t[]", self._counters.values, require_writable=True)
        directory = os.open(events_directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._engine = lib.engine_new(self._core, slots, directory, engine.segment_bytes)
        if self._engine == ffi.NULL:
            raise StartError("not enough memory for the event ring")

    def _on_progress(self, text: str) -> None:
        self._life.status(text)
        if self._life.stop_requested:
            raise StartError("asked to stop while starting")

    def _tell(self, recovered: Recovered, spent_s: float) -> None:
        cursor = recovered.cursor
        if recovered.cut is not None:
            self._life.log.warning(
                "engine.torn_tail_cut", file=str(recovered.cut.path), offset=recovered.cut.offset, end=cursor.sequence
            )
        if recovered.events_rewritten_from:
            self._life.log.warning("engine.event_journal_damaged", rewritten_from=recovered.events_rewritten_from)
        for reason in recovered.passed_over:
            self._life.log.warning("engine.snapshot_passed_over", reason=reason)
        self._life.log.info(
            "engine.recovered",
            sequence=cursor.sequence,
            epoch=cursor.epoch,
            clean=recovered.clean,
            snapshot=recovered.snapshot,
            spent_ms=round(spent_s * 1000),
        )

    def _bind(self) -> None:
        endpoints = EngineEndpoints(self._config.paths.run_dir)
        self._context = make_context(self._config.engine.housekeeping_cpu)
        self._doorkeeper = Doorkeeper(self._context, admitted(self._config.engine), self._life.log)
        for name in ("gateway", "settlement", "admin", "events"):
            self._sockets.append(bind_router(self._context, getattr(endpoints, name), name))
        self._replay_socket = bind_router(self._context, endpoints.replay, "replay")
        self._sockets.append(self._replay_socket)

    def _open(self, recovered: Recovered, journal_directory: Path) -> None:
        engine, cursor = self._config.engine, recovered.cursor
        segment = -1 if recovered.segment is None else os.open(recovered.segment, os.O_RDWR | os.O_CLOEXEC)
        options = ffi.new("struct journal_options *")
        options.directory = os.open(journal_directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        options.segment = segment
        options.offset = cursor.offset
        options.sequence = cursor.sequence
        options.segment_size = 0 if segment < 0 else os.fstat(segment).st_size
        options.segment_bytes = engine.segment_bytes
        options.nonce = journal_nonce(journal_directory) or new_nonce()
        options.age_max_ns = engine.max_commit_age_ms * 1_000_000
        options.crc = cursor.crc
        options.epoch = cursor.epoch
        options.commit_interval_us = engine.commit_interval_us
        options.durability = _DURABILITY[engine.durability]
        options.venue = self._config.venue.id.encode()
        options.cfg_sha256 = bytes.fromhex(self._config.sha256)
        gateway, settlement, admin, events = (ffi.cast("void *", socket.underlying) for socket in self._sockets[:4])
        sockets = ffi.new("struct engine_sockets *", (gateway, settlement, admin, events))
        clock_good = ffi.new("uint8_t *")
        jump_max_ns = engine.max_clock_jump_ms * 1_000_000
        if not lib.engine_open(self._engine, options, cursor, sockets, jump_max_ns, engine.spin_us, clock_good):
            raise StartError(f"no memory for the journal's ring: {os.strerror(ffi.errno)}")
        if not clock_good[0]:
            raise ClockJumped(f"the clock is behind the journal's last command, stamped {cursor.time_ns}")

    def _start_workers(self, events_directory: Path) -> None:
        cpu = self._config.engine.housekeeping_cpu
        self._preparer = Worker("preparer", lambda: lib.engine_prepare(self._engine), cpu)
        self._syncer = Worker("syncer", lambda: lib.engine_sync(self._engine), cpu)
        self._journal = Worker("journal", lambda: lib.engine_journal(self._engine), cpu)
        self._publisher = Worker("publisher", lambda: lib.engine_publish(self._engine), cpu)
        self._replay = ReplayServer(
            self._replay_socket,
            EventJournal(events_directory),
            lambda: int(lib.engine_published(self._engine)),
            lambda: self._counters.add("replays"),
            self._on_events_damaged,
            self._life.log,
        )

    def _on_events_damaged(self, reason: str) -> None:
        """Nobody who needs that event can go on: better a start that mends it than a venue without a gateway."""
        journal_directory, events_directory = self._directories()
        if not self._events_damaged and begins_whole(segments(journal_directory)):
            mark_events_damaged(events_directory, reason)
            self._events_damaged = reason
            lib.engine_drain(self._engine)

    def _begin_epoch(self, recovered: Recovered, events: EventJournal) -> None:
        """A new epoch, what cfg changed, and the market open again if that is for us to say; returns once published."""
        first_event = int(lib.engine_published(self._engine)) + 1
        epoch = recovered.cursor.epoch + 1
        commands = [start.epoch_start(self._config, epoch, unclean=not recovered.clean)]
        commands += start.reference_data(self._config)
        if not recovered.clean and self._may_resume():
            commands.append(start.resume())
        for command in commands:
            verdict = lib.engine_submit(self._engine, epoch, command, len(command))
            if verdict not in (lib.CORE_APPLY, lib.CORE_DUPLICATE):
                raise StartError(f"the engine refused its own start: {decode(command)}")
        self._await_published()
        self._refuse_refusals(events, first_event)

    def _may_resume(self) -> bool:
        """Whether the market, made cancel-only by recovery, was open before; what an operator closed stays closed."""
        by_recovery = lib.engine_replay(self._engine).recovery_closed
        was_open = lib.core_venue_state(self._core) == TradingState.OPEN or by_recovery
        return was_open and self._config.engine.resume_after_recovery == "automatic"

    def _await_published(self) -> None:
        sequence, last = lib.engine_sequence(self._engine), lib.core_event_sequence(self._core)
        pause = threading.Event()
        while lib.engine_released(self._engine) < sequence or lib.engine_published(self._engine) < last:
            full = bool(lib.engine_disk_full(self._engine))
            self._on_progress(STATES[lib.JOURNAL_DISK_FULL][1] if full else "journaling the reference data")
            pause.wait(START_POLL_S)

    def _refuse_refusals(self, events: EventJournal, first: int) -> None:
        """Reference data that the core refused is a configuration the journal's past does not allow."""
        last = int(lib.engine_published(self._engine))
        while first <= last:
            entries, count = events.entries(first, last, SCAN_BYTES)
            if count == 0:
                raise RecoveryError(f"event {first} was published but is not in the event journal")
            view = memoryview(entries)
            offset = 0
            for _ in range(count):
                size, _checksum = ENTRY_HEADER.unpack_from(view, offset)
                event = decode(view, offset + ENTRY_HEADER.size)
                if isinstance(event, CommandRefused):
                    raise StartError(start.refusal_text(event))
                offset += ENTRY_HEADER.size + size + -size % 8
            first += count


def admitted(engine: Engine) -> dict[str, frozenset[int]]:
    """Who besides the engine's own user may connect to each socket; events and replay are for all who have a role."""
    everywhere = frozenset(engine.peer_uids)
    roles = {
        "gateway": everywhere | frozenset(engine.gateway_uids),
        "settlement": everywhere | frozenset(engine.settlement_uids),
        "admin": everywhere | frozenset(engine.admin_uids),
    }
    readers = frozenset().union(*roles.values())
    return roles | {"events": readers, "replay": readers}


def check_cpus(engine: Engine) -> None:
    """StartError for a CPU that this process may not run on: libzmq would abort on it."""
    allowed = os.sched_getaffinity(0)
    for key, cpu in (("hot_cpu", engine.hot_cpu), ("housekeeping_cpu", engine.housekeeping_cpu)):
        if cpu >= 0 and cpu not in allowed:
            raise StartError(f"[engine] {key} = {cpu}: this process may use CPUs {sorted(allowed)} only")


def build(config: VenueConfig, life: Life) -> Service:
    """The engine, ready to be started by cfg.daemon."""
    return EngineService(config, life)


def main() -> int:
    """Entry point of venue-engine; with --follow, of its follower."""
    arguments = sys.argv[1:]
    if FOLLOW in arguments:
        return run("follower", follow.build, [argument for argument in arguments if argument != FOLLOW])
    return run("engine", build, arguments)


if __name__ == "__main__":
    sys.exit(main())
