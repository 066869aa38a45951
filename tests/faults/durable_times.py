"""When each command became durable, from the shim's log alone; with it every answer of a run can be judged.

A power cut shows only what was wrong at its own moment. This shows an answer that left too early at any moment.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine._native import lib

from engine.journal import COMMAND_SUFFIX, CommandJournal, Damaged
from tests.faults.power_cut import Disk
from tests.faults.shim.oplog import Entry, Op, read

HEADER_BYTES = 32


@dataclass(slots=True)
class _Durable:
    """How far a file that is written from begin to end is on the disk, and since when: ends and times both rise."""

    waiting: list[int] = field(default_factory=list)  # ends of unsynced writes
    settled: int = 0
    ends: list[tuple[int, int]] = field(default_factory=list)

    def wrote(self, offset: int, data: bytes) -> None:
        self.waiting.append(offset + len(data.rstrip(b"\0")))

    def zeroed(self, offset: int) -> None:
        """What lay behind is void, and with it what was known of it."""
        self.waiting = [min(end, offset) for end in self.waiting]
        while self.ends and self.ends[-1][0] > offset:
            self.ends.pop()

    def mark(self) -> int:
        return self.settled + len(self.waiting)

    def synced(self, mark: int, time_ns: int, good: bool) -> None:
        count = max(0, mark - self.settled)
        end = max(self.waiting[:count], default=0)
        del self.waiting[:count]
        self.settled += count
        if good and end > (self.ends[-1][0] if self.ends else 0):
            self.ends.append((end, time_ns))


def durable_times(log: Path) -> dict[int, int | None]:
    """For every command in the journal that the log tells: since when (CLOCK_MONOTONIC) it is durable, None: never."""
    files: dict[int, _Durable] = {}
    marks: dict[tuple[int, int], int] = {}
    paths: dict[str, int] = {}
    for entry in read(log):
        _take(entry, files, marks, paths)
    with tempfile.TemporaryDirectory(prefix="venue-seen-") as name:
        directory = Path(name)
        for path, content in Disk(log).seen().items():
            if path.endswith(COMMAND_SUFFIX):
                (directory / Path(path).name).write_bytes(content)
        by_name = {Path(path).name: number for path, number in paths.items()}
        return dict(_times(directory, {name: files[number] for name, number in by_name.items() if number in files}))


def _times(directory: Path, files: dict[str, _Durable]) -> Iterator[tuple[int, int | None]]:
    frontiers = {name: iter(file.ends) for name, file in files.items()}
    reached: dict[str, tuple[int, int] | None] = {name: next(ends, None) for name, ends in frontiers.items()}
    try:
        for record in CommandJournal(directory):
            if record.kind != lib.RECORD_COMMAND:
                continue
            name = record.path.name
            # A record's last bytes may be zeros, its header's are not; a batch is one write.
            while (end := reached[name]) is not None and end[0] < record.offset + HEADER_BYTES:
                reached[name] = next(frontiers[name], None)
            yield record.sequence, None if end is None else end[1]
    except Damaged:
        return  # the start to come will judge that


def _take(entry: Entry, files: dict[int, _Durable], marks: dict[tuple[int, int], int], paths: dict[str, int]) -> None:
    file = files.get(entry.file)
    key = entry.thread, entry.file
    if entry.op == Op.CREATE:
        files[entry.file] = _Durable()
        paths[entry.path] = entry.file
    elif entry.op == Op.RENAME:
        paths[entry.data.decode()] = paths.pop(entry.path)
    elif file is None:
        return
    elif entry.op == Op.WRITE:
        file.wrote(entry.offset, entry.data)
    elif entry.op == Op.ZEROS:
        file.zeroed(entry.offset)
    elif entry.op == Op.TRUNCATE:
        file.zeroed(entry.size)
    elif entry.op == Op.SYNC_BEGIN:
        marks[key] = file.mark()
    elif entry.op == Op.SYNC_END and key in marks:
        file.synced(marks.pop(key), entry.time_ns, entry.result == 0)
