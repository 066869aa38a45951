"""Looks into a venue through its journals alone: what is durable, which records there are, where a command stands.

Reads files only and nothing above the durable watermark, so it works beside a running engine and after one died; it
never writes. Segments that were archived and pruned are read from the archive.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cfg.model import VenueConfig
from engine._native import ffi, lib
from engine.book import Capacity
from engine.core import Core
from engine.journal import (
    CommandJournal,
    Damaged,
    EventJournal,
    Record,
    Torn,
    map_segment,
    require_our_rules,
    segment_head,
    segments,
    segments_from,
    torn_tail,
)
from engine.snapshot import Snapshot, Unusable, directory_of, newest_first, require_fit, verify
from engine.wire.client import event_sequence
from engine.wire.counters import read_counters
from engine.wire.endpoints import counters_path
from engine.wire.frame import ENTRY_HEADER

RECORDS_PER_CALL = 65_536
#: A record that the engine is just writing is whole a moment later; one that is not by then never will be.
WRITE_PATIENCE_S = 0.5
POLL_S = 0.02
ENTRIES_BYTES = 1 << 20


def journal_directory(config: VenueConfig) -> Path:
    """Where the engine keeps its commands."""
    return config.paths.state_dir / "engine" / "journal"


def events_directory(config: VenueConfig) -> Path:
    """Where the engine keeps its events."""
    return config.paths.state_dir / "engine" / "events"


def archives(config: VenueConfig) -> tuple[Path, ...]:
    """Where segments may be that have left the journal."""
    return (Path(config.paths.archive_dir),) if config.paths.archive_dir else ()


def command_segments(config: VenueConfig, first: int = 1) -> list[Path]:
    """The command segments from the one that holds command `first` on, archived ones among them."""
    return segments_from(first, journal_directory(config), *archives(config))


def engine_counters(config: VenueConfig) -> dict[str, int]:
    """The counters of the engine if it runs, else none."""
    try:
        counters = read_counters(counters_path(config.paths.run_dir, "engine"))
    except (OSError, ValueError):
        return {}
    try:
        os.kill(counters.pid, 0)
    except ProcessLookupError:
        return {}
    except PermissionError:
        pass  # it is there, and another user's
    return counters.values


def engine_alive(config: VenueConfig) -> bool:
    """Whether the engine that last wrote here still runs."""
    return bool(engine_counters(config))


def capacity(config: VenueConfig) -> Capacity:
    """The pools this configuration gives an engine."""
    engine = config.engine
    return Capacity(
        orders=engine.max_orders,
        price_pages=engine.max_price_pages,
        clordids=engine.max_clordids,
        accounts=engine.max_accounts,
        assets=engine.max_assets,
        instruments=engine.max_instruments,
        sessions=engine.max_sessions,
        trades=engine.max_bustable_trades,
    )


def durable_sequence(config: VenueConfig) -> int:
    """The last command that is durable, as the engine says while it runs, or as the journal itself says.

    Raises Damaged where a record below the journal's watermark cannot be proved in the newest segments.
    """
    return max(engine_counters(config).get("durable_sequence", 0), _journaled_watermark(config))


def _journaled_watermark(config: VenueConfig) -> int:
    """The greatest watermark of any COMMIT."""
    for path in reversed(command_segments(config)):
        durable = _proved_watermark(path)
        if durable is not None:
            return durable
    return 0


def _proved_watermark(path: Path) -> int | None:
    """The greatest watermark in a segment, None when it has no COMMIT yet."""
    data = map_segment(path)
    cursor = ffi.new("struct record_cursor *")
    cursor.data, cursor.size = ffi.from_buffer(data), len(data)
    deadline = time.monotonic() + WRITE_PATIENCE_S
    while True:
        while (status := lib.retrace_prove(cursor, RECORDS_PER_CALL)) == lib.RETRACE_MORE:
            continue
        if status == lib.RETRACE_NO_RECORD:
            try:
                torn_tail(cursor, [path])
            except Damaged:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_S)
                continue
        return int(cursor.durable) if cursor.offset and (cursor.durable or int(path.stem) == 1) else None


def commands(config: VenueConfig, first: int = 1, last: int = 0) -> Iterator[Record]:
    """The durable commands from `first` to `last` (0: all there are), in order. Raises Damaged, OtherRules."""
    durable = durable_sequence(config)
    last = min(last or durable, durable)
    if first > last:
        return
    journal = CommandJournal(journal_directory(config), *archives(config), first=first)
    for record in journal:
        if record.kind != lib.RECORD_COMMAND:
            continue
        require_our_rules(record.path, record.message)
        if record.sequence >= first:
            yield record
        if record.sequence >= last:
            return
    # What is durable must be readable: the walk ended in bytes that no COMMIT of these segments proves to be damage.
    torn = journal.torn or Torn(command_segments(config, first)[-1], 0)
    raise Damaged(torn.path, torn.offset, f"no valid record after command {journal.sequence}, {durable} is durable")


def snapshot_files(config: VenueConfig) -> list[Path]:
    """The files that bear a snapshot's name, newest first."""
    return newest_first(directory_of(config.paths.state_dir))


def snapshots(config: VenueConfig) -> list[Snapshot]:
    """The snapshots that this program can start from, newest first: each whole, for these pools and this build."""
    core = Core(capacity(config))
    found = []
    for path in snapshot_files(config):
        try:
            snapshot = verify(path)
            require_fit(snapshot, config.venue.id, core.handle)
        except Unusable:
            continue
        found.append(snapshot)
    return found


def first_command(config: VenueConfig) -> int:
    """The first command that is still in journal or archive, 0 when there is none."""
    paths = command_segments(config)
    return int(paths[0].stem) if paths else 0


@dataclass(frozen=True, slots=True)
class Segment:
    """A command segment of which every record is proved: commands first..last, then nothing but zeros from `end` on.

    `last` is first - 1 when it holds no command. `crc` and `nonce` bind the next segment to it, `durable` is the
    greatest watermark so far, `clean` says that its last record is that of a clean stop.
    """

    path: Path
    first: int
    last: int
    end: int
    crc: int
    nonce: int
    durable: int
    clean: bool


def prove_segment(path: Path, before: Segment | None = None) -> Segment:
    """Proves a segment, and that it follows the one before; Damaged when it holds anything else."""
    data = map_segment(path)
    cursor = ffi.new("struct record_cursor *")
    cursor.data, cursor.size = ffi.from_buffer(data), len(data)
    if before is not None:
        cursor.sequence, cursor.crc, cursor.nonce = before.last, before.crc, before.nonce
        cursor.durable, cursor.started = before.durable, 1
    while (status := lib.retrace_prove(cursor, RECORDS_PER_CALL)) == lib.RETRACE_MORE:
        continue
    if status == lib.RETRACE_NO_RECORD or not cursor.offset:
        raise Damaged(path, int(cursor.offset), "no valid record")
    head = segment_head(path)
    assert head is not None, "its first record was just proved"
    return Segment(
        *(path, head.first_sequence, cursor.sequence, cursor.offset),
        *(cursor.crc, cursor.nonce, cursor.durable, bool(cursor.clean)),
    )


def end_of_command(path: Path, sequence: int) -> int:
    """Offset behind the last record of a segment that is not of a command after `sequence`.

    What lies before it is a whole journal that ends with that command.
    """
    data = map_segment(path)
    cursor, view = ffi.new("struct record_cursor *"), ffi.new("struct record_view *")
    cursor.data, cursor.size = ffi.from_buffer(data), len(data)
    end = 0
    while lib.record_next(cursor, view) == lib.RECORD_FOUND:
        if view.kind == lib.RECORD_COMMAND and view.sequence > sequence:
            break
        end = int(cursor.offset)
    return end


class CommandTail:
    """The commands that become durable from now on, or from command `first`, as they do."""

    def __init__(self, config: VenueConfig, first: int = 0) -> None:
        self._config = config
        self._next = first or durable_sequence(config) + 1
        self._waiting: deque[Record] = deque()
        self._cursor = ffi.new("struct record_cursor *")
        self._view = ffi.new("struct record_view *")
        self._path: Path | None = None
        self._buffer = ffi.NULL

    @property
    def durable(self) -> int:
        """The last command known to be durable."""
        return int(self._cursor.durable)

    def poll(self) -> Iterator[Record]:
        """What is durable now and was not yet given."""
        while self._read() or self._following_segment():
            continue
        while self._waiting and self._waiting[0].sequence <= self._cursor.durable:
            yield self._waiting.popleft()

    def _read(self) -> bool:
        """Takes in the records there are; a record that is just being written is left for the next poll."""
        if self._path is None:
            return False
        some = False
        while lib.record_next(self._cursor, self._view) == lib.RECORD_FOUND:
            some, view = True, self._view
            if view.kind != lib.RECORD_COMMAND or view.sequence < self._next:
                continue
            message = bytes(ffi.buffer(view.body, view.size))
            self._next = view.sequence + 1
            self._waiting.append(
                Record(self._path, view.offset, view.kind, view.sequence, view.time_ns, view.epoch, view.role, message)
            )
        return some

    def _following_segment(self) -> bool:
        """Opens the segment that goes on after the last record, if there is one."""
        wanted = self._next if self._path is None else self._cursor.sequence + 1
        paths = command_segments(self._config, wanted)
        if not paths or paths[0] == self._path or (self._path is not None and int(paths[0].stem) != wanted):
            return False
        self._path = paths[0]
        data = map_segment(self._path)
        self._buffer = ffi.from_buffer(data)
        self._cursor.data, self._cursor.size, self._cursor.offset = self._buffer, len(data), 0
        return True


def events(config: VenueConfig) -> EventJournal:
    """The engine's event journal."""
    return EventJournal(events_directory(config))


def event_segments(config: VenueConfig) -> list[Path]:
    """The event segments in order."""
    return segments(events_directory(config), ".ve")


def events_from(config: VenueConfig, first: int, last: int = 2**63) -> Iterator[bytes]:
    """The events from number `first` to `last` or the journal's present end, in order, each one checked.

    Raises Damaged where an event is damaged, or missing before a later segment.
    """
    journal = events(config)
    while first <= last:
        data, count = journal.entries(first, last, ENTRIES_BYTES)
        if count == 0:
            require_no_later_events(config, first)
            return
        offset = 0
        for _ in range(count):
            size, _checksum = ENTRY_HEADER.unpack_from(data, offset)
            start = offset + ENTRY_HEADER.size
            message = data[start : start + size]
            if event_sequence(message) != first:
                place = journal.place(first)
                assert place is not None, "it was just read there"
                raise Damaged(*place, f"event {event_sequence(message)} is where event {first} must be")
            yield message
            first += 1
            offset = start + size + -size % 8


def require_no_later_events(config: VenueConfig, sequence: int) -> None:
    """Damaged when event `sequence` is not stored but later ones are."""
    later = [path for path in event_segments(config) if int(path.stem) > sequence]
    if later and events(config).place(sequence) is None:
        raise Damaged(later[0], 0, f"event {sequence} is not stored, but later ones are")


def event(config: VenueConfig, sequence: int) -> bytes | None:
    """One event by its sequence, None when the journal doesn't hold it."""
    return next(events_from(config, sequence, sequence), None)


@dataclass(frozen=True)
class Journaled:
    """A command's record, and when the journal said that it was durable (0: not yet)."""

    record: Record
    durable_ns: int


def command(config: VenueConfig, sequence: int) -> Journaled | None:
    """The record of one command and the time of the first COMMIT whose watermark covers it."""
    found: Record | None = None
    for record in CommandJournal(journal_directory(config), *archives(config), first=sequence):
        if record.kind == lib.RECORD_COMMAND and record.sequence == sequence:
            found = record
        elif found and record.kind == lib.RECORD_COMMIT and record.sequence >= sequence:
            return Journaled(found, record.time_ns)
    return None if found is None else Journaled(found, 0)
