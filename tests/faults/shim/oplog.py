"""The shim's log: every change of files below one directory, in order, as oplog.h lays it out.

A log is whole by itself: it begins with what the directory held, so that the disk of any moment follows from it alone.
"""

from __future__ import annotations

import enum
import os
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: length, kind, path size, file, offset, size, time, thread, result; then path and data (oplog.h).
HEADER = struct.Struct("<IHHQQQQIi")
CHUNK_BYTES = 1 << 20


class Op(enum.IntEnum):
    """What happened; values as in oplog.h."""

    CREATE = 1
    MKDIR = 2
    WRITE = 3
    ZEROS = 4
    TRUNCATE = 5
    EXTEND = 6
    SYNC_BEGIN = 7
    SYNC_END = 8
    RENAME = 9
    UNLINK = 10
    LINK = 11
    UNTRACKED = 12
    CUT = 13


@dataclass(frozen=True, slots=True)
class Entry:
    """One logged change: `path` is relative to the directory; `data` what was written, or the other path."""

    op: Op
    path: str
    file: int
    offset: int
    size: int
    time_ns: int
    thread: int
    result: int
    data: bytes


def read(log: Path) -> Iterator[Entry]:
    """Every whole entry; the last may have been cut short by the end of the process."""
    with log.open("rb") as file:
        while len(head := file.read(HEADER.size)) == HEADER.size:
            length, op, path_size, *rest, result = HEADER.unpack(head)
            body = file.read(length - HEADER.size)
            if len(body) < length - HEADER.size:
                return
            number, offset, size, time_ns, thread = rest
            path, data = body[:path_size].decode(), body[path_size:]
            yield Entry(Op(op), path, number, offset, size, time_ns, thread, result, data)


def write_base(log: Path, directory: Path) -> None:
    """Begin a log anew: what the directory holds now is durable."""
    fresh = log.with_name(log.name + ".new")
    with fresh.open("wb") as file:
        for path in sorted(directory.rglob("*")):
            name, status = path.relative_to(directory).as_posix(), path.lstat()
            if path.is_dir():
                file.write(_entry(Op.MKDIR, name, status.st_ino))
            elif path.is_file():
                file.write(_entry(Op.CREATE, name, status.st_ino))
                file.write(_entry(Op.TRUNCATE, "", status.st_ino, size=status.st_size))
                for offset, data in _chunks(path):
                    file.write(_entry(Op.WRITE, "", status.st_ino, offset, len(data), data))
                file.write(_entry(Op.SYNC_BEGIN, name, status.st_ino))
                file.write(_entry(Op.SYNC_END, name, status.st_ino))
        for path in (directory, *(path for path in sorted(directory.rglob("*")) if path.is_dir())):
            name = "" if path == directory else path.relative_to(directory).as_posix()
            file.write(_entry(Op.SYNC_BEGIN, name, path.stat().st_ino))
            file.write(_entry(Op.SYNC_END, name, path.stat().st_ino))
    fresh.replace(log)


def _entry(op: Op, path: str, number: int, offset: int = 0, size: int = 0, data: bytes = b"") -> bytes:
    name = path.encode()
    length = HEADER.size + len(name) + len(data)
    return HEADER.pack(length, op, len(name), number, offset, size, time.monotonic_ns(), os.getpid(), 0) + name + data


def _chunks(path: Path) -> Iterator[tuple[int, bytes]]:
    """The parts of a file that are not zeros."""
    with path.open("rb") as file:
        offset = 0
        while data := file.read(CHUNK_BYTES):
            if data.count(0) != len(data):
                yield offset, data
            offset += len(data)
