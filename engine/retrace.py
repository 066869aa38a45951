"""The state of the venue after any durable command, rebuilt in a core of its own from snapshots and journal.

Reads files only, in bounded memory, beside a running engine or without one. What it gives is proved: every record by
its chained CRC, the state at every StateHash on the way, and, when asked for, every event against the stored one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfg.model import VenueConfig
from engine import inspect
from engine import snapshot as snapshots
from engine._native import ffi, lib
from engine.core import Core
from engine.journal import CommandJournal, Damaged, map_segment, require_our_rules
from engine.recovery import stand_behind
from engine.snapshot import Snapshot, Unusable
from engine.wire.frame import ENTRY_HEADER

#: The most that one command's events take (core_output_max).
OUTPUT_BYTES_MAX = 16 << 20


class RetraceError(Exception):
    """The state that was asked for cannot be had from the files there are; the text says why and what to do."""


class StateDiverged(RetraceError):
    """The same commands lead this program to another state, or to other events, than they led the engine to."""


@dataclass(frozen=True, slots=True)
class State:
    """A core after command `command_sequence`, stamped `time_ns` in `epoch`, and event `event_sequence`.

    `began_at` is the command of the snapshot it was built from, 0: none. `hashes` StateHash records were on the way and
    equal. `events_equal` events were found as stored, up to `stored_through`; both 0 when none were compared.
    """

    core: Core
    command_sequence: int
    event_sequence: int
    time_ns: int
    epoch: int
    began_at: int
    hashes: int
    events_equal: int
    stored_through: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a replay is: after command `sequence` of `last`, right after a StateHash that was `state_hash`, if one."""

    sequence: int
    last: int
    state_hash: int | None


def state_at(
    config: VenueConfig,
    *,
    command: int = 0,
    event: int = 0,
    known_durable: int = 0,
    compare_events: bool = False,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> State:
    """The state after that command, or after the command that yields that event; by default the last durable one.

    `known_durable` is a command that is on disk though no COMMIT says so yet. `compare_events` compares every event
    with the stored one: from the first, or from the oldest snapshot's on once command 1 is gone. Raises Damaged,
    OtherRules, StateDiverged; RetraceError when the command or event is not durable yet, or when the journal begins
    later and no snapshot reaches back to it.
    """
    durable = max(inspect.durable_sequence(config), known_durable)
    if command > durable:
        raise RetraceError(f"command {command} is not in the journal: its last durable command is {durable}")
    walk = _Walk(config, command or durable, event, compare_events, on_progress)
    state = walk.run()
    if event > state.event_sequence:
        raise RetraceError(f"event {event} is not in the journal: its last durable event is {state.event_sequence}")
    return state


class _Walk:
    """One replay from its start to its end."""

    def __init__(
        self,
        config: VenueConfig,
        last: int,
        event: int,
        compare_events: bool,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._config = config
        self._last = last
        self._on_progress = on_progress
        tried = _for_all_events(config) if compare_events else inspect.snapshot_files(config)
        self._core, begun = _begin(config, tried, last, event)
        self._began_at = 0 if begun is None else begun.sequence
        self._first_event = 1 if begun is None else begun.event_sequence + 1
        self._hashes = 0
        self._stored: Any = None
        self._stored_through = 0
        self._out = ffi.new("uint64_t[]", OUTPUT_BYTES_MAX // 8)
        self._retrace = ffi.new("struct retrace *")
        self._retrace.core = self._core.handle
        if begun is not None:
            self._retrace.sequence, self._retrace.time_ns = begun.sequence, begun.time_ns
            self._retrace.epoch = begun.epoch
        self._retrace.through_command = last
        self._retrace.through_event = event
        self._retrace.out = ffi.cast("uint8_t *", self._out)
        self._retrace.out_size = OUTPUT_BYTES_MAX
        if compare_events:
            self._open_stored()

    def run(self) -> State:
        """To the end, or the exception that says why not."""
        if self._last:
            first = self._began_at + 1
            paths = inspect.command_segments(self._config, first)
            if not paths or int(paths[0].stem) > first:
                begin = inspect.first_command(self._config)
                raise RetraceError(
                    f"journal and archive begin with command {begin}, and no snapshot reaches back to command "
                    f"{self._last}: set archive_dir to where the earlier segments are"
                )
            _require_our_rules(paths[0])
            self._replay(paths)
        retrace = self._retrace
        compared_to = self._stored_through if retrace.stored == ffi.NULL else self._core.event_sequence
        return State(
            core=self._core,
            command_sequence=retrace.sequence,
            event_sequence=self._core.event_sequence,
            time_ns=retrace.time_ns,
            epoch=retrace.epoch,
            began_at=self._began_at,
            hashes=self._hashes,
            events_equal=retrace.events_equal,
            stored_through=compared_to,
        )

    def _replay(self, paths: list[Path]) -> None:
        cursor = ffi.new("struct record_cursor *")
        for path in paths:
            data = map_segment(path)
            buffer = ffi.from_buffer(data)
            cursor.data, cursor.size, cursor.offset = buffer, len(data), 0
            while (status := lib.retrace_run(self._retrace, cursor, inspect.RECORDS_PER_CALL)) != lib.RETRACE_END:
                if status == lib.RETRACE_REACHED:
                    self._tell()
                    return
                self._continue_after(status, path, cursor)
        raise Damaged(paths[-1], cursor.offset, f"no record after command {cursor.sequence}, {self._last} is durable")

    def _continue_after(self, status: int, path: Path, cursor: Any) -> None:
        """Does what lets the replay go on, or raises."""
        at = f"{path}: command {cursor.sequence}"
        if status == lib.RETRACE_MORE:
            self._tell()
        elif status == lib.RETRACE_HASH:
            self._hashes += 1
            self._tell(self._core.state_hash())
        elif status == lib.RETRACE_STORED_END:
            self._open_stored()
        elif status == lib.RETRACE_NO_RECORD:
            reason = f"no valid record after command {cursor.sequence}, but command {self._last} was durable"
            raise Damaged(path, cursor.offset, reason)
        elif status == lib.RETRACE_STORED_BAD:
            raise Damaged(*self._stored_place(), "no valid event")
        elif status == lib.RETRACE_EVENT_OTHER:
            raise StateDiverged(
                f"{at}: gives another event {self._next_event()} than the one stored in "
                f"{self._stored_place()[0]}: this program and the one that wrote it differ"
            )
        elif status == lib.RETRACE_STATE_OTHER:
            ours = f"{self._core.state_hash():032x}"
            raise StateDiverged(
                f"{at}: the state hash journaled there is not the one the replay arrives at, {ours}: this program and "
                "the one that wrote it differ"
            )
        else:
            assert status == lib.RETRACE_POOLS, status
            raise RetraceError(
                f"{at}: was accepted with larger pools than [engine] now has in max_orders, max_price_pages, "
                "max_clordids, max_accounts, max_assets, max_instruments, max_sessions or max_bustable_trades"
            )

    def _tell(self, state_hash: int | None = None) -> None:
        self._on_progress(Progress(int(self._retrace.sequence), self._last, state_hash))

    def _next_event(self) -> int:
        """The next event to compare."""
        return self._first_event + int(self._retrace.events_equal)

    def _open_stored(self) -> None:
        """Gives the comparison the stored entries from the next event on; ends it where no more are stored."""
        retrace, sequence = self._retrace, self._next_event()
        place = inspect.events(self._config).place(sequence)
        data = b"" if place is None else map_segment(place[0])
        if place is None or place[1] >= len(data):
            inspect.require_no_later_events(self._config, sequence)
            self._stored_through = sequence - 1
            self._stored, retrace.stored = None, ffi.NULL
            return
        size, _checksum = ENTRY_HEADER.unpack_from(data[place[1] : place[1] + ENTRY_HEADER.size].ljust(8, b"\0"))
        if place[1] + ENTRY_HEADER.size + size > len(data):
            raise Damaged(*place, "no whole event")
        self._stored = ffi.from_buffer(data)
        retrace.stored, retrace.stored_size, retrace.stored_offset = self._stored, len(data), place[1]

    def _stored_place(self) -> tuple[Path, int]:
        place = inspect.events(self._config).place(self._next_event())
        assert place is not None, "it was just read there"
        return place


def _for_all_events(config: VenueConfig) -> list[Path]:
    """Where to begin to compare as many events as can be: at no snapshot while command 1 is there."""
    return [] if inspect.first_command(config) == 1 else list(reversed(inspect.snapshot_files(config)))


def _begin(config: VenueConfig, tried: list[Path], last: int, event: int) -> tuple[Core, Snapshot | None]:
    """A core as the first usable one of these snapshots has it, none beyond the command or event; or a new core."""
    for path in tried:
        core = Core(inspect.capacity(config))
        try:
            snapshot = snapshots.read(path)
            if snapshot.sequence > last or (event and snapshot.event_sequence > event):
                continue
            snapshots.require_fit(snapshot, config.venue.id, core.handle)
            segment = inspect.command_segments(config, snapshot.position.segment)[0]
            stand_behind(snapshot, segment.parent)
            snapshots.load(path, snapshot, core.handle)
        except (Unusable, IndexError):
            continue  # the journal says the same, only later
        return core, snapshot
    return Core(inspect.capacity(config)), None


def _require_our_rules(path: Path) -> None:
    """OtherRules unless the first epoch there is ours; no later one is of other rules, for none would begin here."""
    for record in CommandJournal(path.parent, first=int(path.stem)):
        if record.kind == lib.RECORD_COMMAND:
            require_our_rules(record.path, record.message)
            return
