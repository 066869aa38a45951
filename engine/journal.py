"""Reads both journals of the engine: the commands that are its truth, and the events that follow from them.

Every record is proved (chained CRC, dense sequence) before it is shown; the first that cannot be ends the reading with
Damaged. Works on a stopped engine's directory and on a running one's; `venuectl journal` is what people type.
"""

from __future__ import annotations

import mmap
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine._native import ffi, lib
from engine.wire.frame import ENTRY_HEADER
from engine.wire.messages import EpochStart, EpochStarted, decode

#: The layout of records that this program reads and writes (record.h).
RECORD_VERSION = int(lib.RECORD_VERSION)
#: Enough of a segment to read its first record.
HEAD_BYTES = 4096
#: What an operator does about damage that nobody can repair here.
RESTORE = (
    "restore this segment and those after it from the archive or a backup; `venuectl journal verify` says whether a "
    "copy is whole"
)
#: The rules of docs/ENGINE.md that this program has; a journal of others means something else than we would make of it.
RULES_VERSION = 2
COMMAND_SUFFIX, EVENT_SUFFIX, INDEX_SUFFIX = ".vj", ".ve", ".idx"


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the command journal; `message` is the SBE message of a COMMAND and empty otherwise."""

    path: Path
    offset: int
    kind: int
    sequence: int
    time_ns: int
    epoch: int
    role: int
    message: bytes


@dataclass(frozen=True, slots=True)
class Torn:
    """Where a journal ends in bytes that are no record and were never durable: a write that was under way."""

    path: Path
    offset: int


class Damaged(Exception):
    """A journal holds something that is no record where one must be."""

    def __init__(self, path: Path, offset: int, reason: str) -> None:
        super().__init__(f"{path}: offset {offset}: {reason}")
        self.path = path
        self.offset = offset


class OtherRules(Exception):
    """A journal was written under other rules than this program has."""


class OtherFormat(OtherRules):
    """A journal's records are laid out in another way than this program knows."""


@dataclass(frozen=True, slots=True)
class SegmentHead:
    """What a segment's first record says about all of it; `epoch` is that of the first command."""

    first_sequence: int
    epoch: int
    nonce: int
    venue: str
    cfg_sha256: bytes


def segment_head(path: Path) -> SegmentHead | None:
    """The head of a segment, None when its first record was never whole; raises OtherFormat."""
    with path.open("rb") as file:
        data = file.read(HEAD_BYTES)
    head = ffi.new("struct record_head *")
    version = lib.record_read_head(ffi.from_buffer(data), len(data), head)
    if version == 0:
        return None
    if version != RECORD_VERSION:
        raise OtherFormat(
            f"{path}: record format {version}, this program has format {RECORD_VERSION}: read it with the release that "
            "wrote it, or start with an empty state_dir"
        )
    venue = bytes(ffi.buffer(head.venue)).rstrip(b"\0").decode(errors="replace")
    return SegmentHead(head.first_sequence, head.epoch, head.nonce, venue, bytes(ffi.buffer(head.cfg_sha256)))


def journal_nonce(directory: Path) -> int:
    """What every SEGMENT and COMMIT of this journal bears, 0 when there is no segment to read it from."""
    heads = (segment_head(path) for path in segments(directory))
    return next((head.nonce for head in heads if head is not None), 0)


def require_our_rules(path: Path, message: bytes) -> None:
    """OtherRules when `message`, found in `path`, begins an epoch under rules that are not ours."""
    if int.from_bytes(message[2:4], "little") not in (EpochStart.TEMPLATE_ID, EpochStarted.TEMPLATE_ID):
        return
    start = decode(message)
    assert isinstance(start, EpochStart | EpochStarted), "its template says so"
    if start.rules_version != RULES_VERSION:
        raise OtherRules(
            f"{path}: this journal was written under rules_version {start.rules_version}, this program has "
            f"rules_version {RULES_VERSION}: read it with the release that wrote it, or start with an empty state_dir"
        )


def segments(directory: Path, suffix: str = COMMAND_SUFFIX) -> list[Path]:
    """The segments of a journal in order; their names are the sequence they begin with."""
    return sorted(path for path in directory.glob(f"*{suffix}") if len(path.stem) == 20 and path.stem.isdigit())


def segments_from(first: int, directory: Path, *archives: Path) -> list[Path]:
    """The command segments from the one that holds command `first` on; a copy in an archive stands in for one that is
    gone.
    """
    found = {path.name: path for place in (*archives, directory) for path in segments(place)}
    paths = [found[name] for name in sorted(found)]
    while len(paths) > 1 and int(paths[1].stem) <= first:
        paths.pop(0)
    return paths


def map_segment(path: Path) -> mmap.mmap | bytes:
    """The bytes of a segment; an empty file cannot be mapped."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""


class CommandJournal:
    """A walk over the command journal; after it, what was proved: `sequence`, `durable`, `clean`.

    It begins with the segment that holds command `first`, or the one after it. What has left the journal's directory is
    read from the others given: archives. `torn` says where a tail that was never durable has been left out.
    """

    def __init__(self, directory: Path, *archives: Path, first: int = 1) -> None:
        self._paths = segments_from(first, directory, *archives)
        self.torn: Torn | None = None
        self._cursor = ffi.new("struct record_cursor *")

    @property
    def sequence(self) -> int:
        """Sequence of the last command read."""
        return int(self._cursor.sequence)

    @property
    def durable(self) -> int:
        """Greatest durable watermark read."""
        return int(self._cursor.durable)

    @property
    def clean(self) -> bool:
        """Whether the last record is the COMMIT of a clean stop."""
        return bool(self._cursor.clean) and self.torn is None

    def __iter__(self) -> Iterator[Record]:
        """Every record in order; raises Damaged at the first that cannot be proved but was durable."""
        for position, path in enumerate(self._paths):
            whole = yield from self._records(path)
            if not whole:
                self.torn = torn_tail(self._cursor, self._paths[position:])
                return

    def _records(self, path: Path) -> Generator[Record, None, bool]:
        """The proved records of one segment; returns whether nothing but zeros follows them."""
        segment_head(path)  # a segment of another format is not a torn one
        data = map_segment(path)
        buffer = ffi.from_buffer(data)
        cursor, view = self._cursor, ffi.new("struct record_view *")
        cursor.data, cursor.size, cursor.offset = buffer, len(data), 0
        while (status := lib.record_next(cursor, view)) == lib.RECORD_FOUND:
            size = view.size if view.kind == lib.RECORD_COMMAND else 0
            message = bytes(ffi.buffer(view.body, size))
            yield Record(path, view.offset, view.kind, view.sequence, view.time_ns, view.epoch, view.role, message)
        return bool(status == lib.RECORD_END)


def torn_tail(cursor: Any, paths: Sequence[Path]) -> Torn:
    """Judges bytes that are no record behind the cursor's last one in paths[0]; the later segments follow in `paths`.

    Returns where they begin if nobody ever called them durable. Raises Damaged when a COMMIT further on calls a command
    durable that cannot be read any more.
    """
    watermark, offset = 0, int(cursor.offset)
    nonce = int(cursor.nonce) or journal_nonce(paths[0].parent)
    for path in paths:
        data = map_segment(path)
        watermark = max(watermark, lib.record_watermark(ffi.from_buffer(data), len(data), offset, nonce))
        offset = 0
    if watermark > cursor.sequence:
        reason = f"no valid record after command {cursor.sequence}, but command {watermark} was durable: {RESTORE}"
        raise Damaged(paths[0], cursor.offset, reason)
    return Torn(paths[0], int(cursor.offset))


class EventJournal:
    """Random access to stored events by sequence; sees segments that appear while it is open."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._firsts: list[int] = []

    def entries(self, first: int, last: int, bytes_max: int) -> tuple[bytes, int]:
        """Whole entries of events first, first + 1, ... up to `last` and bytes_max; and how many.

        Nothing if `first` is not stored, else at least one; all of one segment. Damaged when file and index disagree.
        """
        found = self.place(first)
        if found is None or last < first:
            return b"", 0
        data_path, base = found
        with data_path.open("rb") as data_file:
            data_file.seek(base)
            data = data_file.read(max(bytes_max, ENTRY_HEADER.size))
            if len(data) >= ENTRY_HEADER.size:
                size, _ = ENTRY_HEADER.unpack_from(data)
                data += data_file.read(max(0, ENTRY_HEADER.size + size + -size % 8 - len(data)))
        return _whole_entries(data, data_path, base, last - first + 1, bytes_max)

    def place(self, sequence: int) -> tuple[Path, int] | None:
        """File and offset of a stored event, None if it is not stored."""
        segment = self._segment_of(sequence)
        if segment is None:
            return None
        data_path, index_path = self._paths(segment)
        with index_path.open("rb") as index_file:
            index_file.seek(8 * (sequence - segment))
            offset = index_file.read(8)
        return (data_path, int.from_bytes(offset, "little")) if len(offset) == 8 else None

    def __iter__(self) -> Iterator[bytes]:
        """Every stored event in order, its CRC checked; raises Damaged."""
        for path in segments(self._directory, EVENT_SUFFIX):
            data = memoryview(path.read_bytes())
            offset = 0
            while offset < len(data):
                message = _checked_message(data, offset, path)
                yield message
                offset += ENTRY_HEADER.size + len(message) + -len(message) % 8

    def _segment_of(self, sequence: int) -> int | None:
        found = [first for first in self._firsts if first <= sequence]
        if not found or found[-1] == self._firsts[-1]:
            self._firsts = [int(path.stem) for path in segments(self._directory, EVENT_SUFFIX)]
            found = [first for first in self._firsts if first <= sequence]
        return found[-1] if found else None

    def _paths(self, first: int) -> tuple[Path, Path]:
        stem = f"{first:020d}"
        return self._directory / (stem + EVENT_SUFFIX), self._directory / (stem + INDEX_SUFFIX)


def _checked_message(data: memoryview, offset: int, path: Path) -> bytes:
    if len(data) - offset >= ENTRY_HEADER.size:
        size, checksum = ENTRY_HEADER.unpack_from(data, offset)
        message = bytes(data[offset + ENTRY_HEADER.size : offset + ENTRY_HEADER.size + size])
        if len(message) == size and size >= 40 and lib.crc32c(0, message, size) == checksum:
            return message
    raise Damaged(path, offset, "no valid event")


def _whole_entries(data: bytes, path: Path, base: int, count_max: int, bytes_max: int) -> tuple[bytes, int]:
    view = memoryview(data)
    end = count = 0
    while count < count_max and len(view) - end >= ENTRY_HEADER.size:
        size, _ = ENTRY_HEADER.unpack_from(view, end)
        following = end + ENTRY_HEADER.size + size + -size % 8
        if following > len(view) or (count and following > bytes_max):
            break
        _checked_message(view, end, path)
        end, count = following, count + 1
    if count == 0 and data:
        raise Damaged(path, base, "no whole event")
    return data[:end], count
