"""The counters file of a daemon: named u64 slots in a small mmap that any process can read, even while the daemon
hangs.

Layout (little-endian): 64-byte header (magic u64, layout u32, count u32, pid u64, start_ns u64, zeros), then `count`
names of 40 bytes, NUL-padded,
then `count` u64 values. Aeron's CnC file is the model. Counters are written by one thread each; readers may see a
value one update old.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import Struct

MAGIC = 0x31544E43_4E455600  # "\0VENCNT1"
LAYOUT = 1
HEADER = Struct("<QIIQQ32x")
NAME_SIZE = 40
VALUE = Struct("<Q")


@dataclass(frozen=True)
class CountersSnapshot:
    """What a counters file said at one moment."""

    pid: int
    start_ns: int
    values: dict[str, int]


class Counters:
    """Writer's side: creates the file anew and holds it mapped; `values` is a writable view of the u64 slots (C may
    take its address).
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        """Names must be unique and fit 39 bytes; raises ValueError otherwise, OSError when the file can't be made."""
        if len(set(names)) != len(names) or any(len(n.encode()) >= NAME_SIZE for n in names):
            raise ValueError("counter names must be unique and shorter than 40 bytes")
        self._index = {name: i for i, name in enumerate(names)}
        start = HEADER.size + NAME_SIZE * len(names)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        with fresh.open("wb+") as file:
            # Blocks too: where there is no room a start says so, while a write into a hole would end the process.
            os.posix_fallocate(file.fileno(), 0, start + VALUE.size * len(names))
            self._map = mmap.mmap(file.fileno(), 0)
        for name, i in self._index.items():
            encoded = name.encode()
            offset = HEADER.size + NAME_SIZE * i
            self._map[offset : offset + len(encoded)] = encoded
        HEADER.pack_into(self._map, 0, MAGIC, LAYOUT, len(names), os.getpid(), time.time_ns())
        self.values: memoryview[int] = memoryview(self._map)[start:].cast("Q")
        fresh.replace(path)

    def add(self, name: str, amount: int = 1) -> None:
        """Adds to a counter; KeyError for an unknown name."""
        self.values[self._index[name]] += amount

    def set(self, name: str, value: int) -> None:
        """Sets a gauge."""
        self.values[self._index[name]] = value

    def get(self, name: str) -> int:
        return self.values[self._index[name]]


def read_counters(path: Path) -> CountersSnapshot:
    """Reads another daemon's file; OSError when there is none, ValueError when it isn't a counters file."""
    data = path.read_bytes()
    if len(data) < HEADER.size:
        raise ValueError(f"{path}: too short for a counters file")
    magic, layout, count, pid, start_ns = HEADER.unpack_from(data)
    start = HEADER.size + NAME_SIZE * count
    if magic != MAGIC or layout != LAYOUT or len(data) < start + VALUE.size * count:
        raise ValueError(f"{path}: not a counters file of layout {LAYOUT}")
    values = {}
    for i in range(count):
        offset = HEADER.size + NAME_SIZE * i
        name = data[offset : offset + NAME_SIZE].rstrip(b"\0").decode()
        (values[name],) = VALUE.unpack_from(data, start + VALUE.size * i)
    return CountersSnapshot(pid, start_ns, values)
