"""The disk and clock of a daemon in the hands of a test: a preloaded library that fails, delays and logs its calls.

The test arms faults in a shared control file while the daemon runs; every change below one directory goes into a log
from which tests.faults.power_cut knows what a power cut would have left. The library is built on first use.
"""

from __future__ import annotations

import enum
import errno
import mmap
import os
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.faults.shim.oplog import write_base

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parents[2] / "build" / "faults" / "libvenuefault.so"
FLAGS = ("-std=c11", "-O2", "-fPIC", "-shared", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror")


class Call(enum.IntFlag):
    """Kinds of calls a fault may hit; values as in control.h."""

    CREATE = 1
    WRITE = 2
    SYNC = 4
    ALLOCATE = 8
    TRUNCATE = 16
    RENAME = 32
    UNLINK = 64


class Kind(enum.IntEnum):
    """What a fault does to the call it hits; values as in control.h."""

    FAIL = 1
    SHORT = 2
    DELAY = 3
    CUT = 4


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: the calls it is meant for, when it begins, how often it strikes and what it does.

    `pattern` is a shell pattern for the path below the directory. The first `after_calls` matching calls and the first
    `after_bytes` bytes of matching writes pass (a write that crosses the border is cut short, as on a disk that fills);
    then `times` calls are hit, 0 = every one. `amount`: bytes a SHORT write may have, microseconds a DELAY lasts at
    most (it ends with the fault). CUT kills the process before the call.
    """

    kind: Kind
    calls: Call
    pattern: str = "*"
    error: int = 0
    after_calls: int = 0
    after_bytes: int = 0
    times: int = 0
    amount: int = 0


def disk_full(pattern: str = "*", *, after_bytes: int = 0, calls: Call | None = None) -> Fault:
    """ENOSPC for all that needs room, once after_bytes have been written."""
    needing = Call.CREATE | Call.WRITE | Call.ALLOCATE if calls is None else calls
    return Fault(Kind.FAIL, needing, pattern, errno.ENOSPC, after_bytes=after_bytes)


def write_error(pattern: str = "*", *, after_calls: int = 0) -> Fault:
    """EIO for every write after the first after_calls."""
    return Fault(Kind.FAIL, Call.WRITE, pattern, errno.EIO, after_calls=after_calls)


def sync_error(pattern: str = "*", *, after_calls: int = 0) -> Fault:
    """EIO for one sync, as Linux does it: the pages count as written afterwards and the next sync is silent."""
    return Fault(Kind.FAIL, Call.SYNC, pattern, errno.EIO, after_calls=after_calls, times=1)


def slow_sync(delay_us: int, pattern: str = "*", *, after_calls: int = 0, times: int = 0) -> Fault:
    """Every sync takes delay_us longer, until the fault is cleared."""
    return Fault(Kind.DELAY, Call.SYNC, pattern, after_calls=after_calls, times=times, amount=delay_us)


def power_cut(calls: Call, pattern: str = "*", *, after_calls: int = 0, after_bytes: int = 0) -> Fault:
    """The process dies at this call; tests.faults.power_cut then makes the disk what it would have been."""
    return Fault(Kind.CUT, calls, pattern, after_calls=after_calls, after_bytes=after_bytes)


class Shim:
    """The control file of one run and the environment that puts a daemon under it.

    `directory`: faults and log concern what lies below it, nothing else; it must exist, and what is in it counts as
    durable when the log is begun. `log` is begun anew unless it exists.
    """

    VERSION = 1
    SLOTS = 16
    PATTERN_MAX = 64
    _HEADER = struct.Struct("<IIq")
    _FAULT = struct.Struct(f"<IIIiQQQQQQQ{PATTERN_MAX}s")
    _COUNTS = struct.Struct("<QQQ")

    def __init__(self, directory: Path, control: Path, log: Path) -> None:
        self.directory = directory.resolve(strict=True)
        self.control = control
        self.log = log
        if not log.exists():
            write_base(log, self.directory)
        with control.open("w+b") as file:
            file.truncate(self._HEADER.size + self.SLOTS * self._FAULT.size)
            self._map = mmap.mmap(file.fileno(), 0)
        self._next = 0
        self._HEADER.pack_into(self._map, 0, self.VERSION, 0, 0)

    def environment(self) -> dict[str, str]:
        """What a daemon's environment must have on top to run under the shim."""
        return {
            "LD_PRELOAD": str(build()),
            "VENUE_FAULT_DIR": str(self.directory),
            "VENUE_FAULT_CONTROL": str(self.control),
            "VENUE_FAULT_LOG": str(self.log),
        }

    def inject(self, fault: Fault) -> int:
        """Arm a fault now; returns its number for `hits`. At most SLOTS between two clears."""
        assert self._next < self.SLOTS, "more faults than the control file has room for"
        pattern = fault.pattern.encode()
        assert len(pattern) < self.PATTERN_MAX, "pattern too long for the control file"
        slot, self._next = self._next, self._next + 1
        words = (fault.kind, fault.calls, fault.error, fault.after_calls, fault.after_bytes, fault.times, fault.amount)
        self._FAULT.pack_into(self._map, self._at(slot), 0, *words, 0, 0, 0, pattern)
        # Last, for the daemon looks at a slot only when it is armed.
        struct.pack_into("<I", self._map, self._at(slot), 1)
        return slot

    def hits(self, slot: int) -> int:
        """How many calls the fault has hit so far."""
        hits: int = self._FAULT.unpack_from(self._map, self._at(slot))[10]
        return hits

    def clear(self) -> None:
        """End every fault; calls under a DELAY return at once. The clock keeps its step."""
        for slot in range(self.SLOTS):
            struct.pack_into("<I", self._map, self._at(slot), 0)
        self._next = 0

    def step_clock(self, offset_ns: int) -> None:
        """From now on the daemon's wall clock is this far from the host's."""
        struct.pack_into("<q", self._map, 8, offset_ns)

    def _at(self, slot: int) -> int:
        return self._HEADER.size + slot * self._FAULT.size


def build() -> Path:
    """The library, compiled if a source is newer than it."""
    sources = sorted(HERE.glob("*.c"))
    inputs = [*sources, *HERE.glob("*.h")]
    if LIBRARY.exists() and LIBRARY.stat().st_mtime >= max(path.stat().st_mtime for path in inputs):
        return LIBRARY
    LIBRARY.parent.mkdir(parents=True, exist_ok=True)
    # Renamed into place: a daemon that runs has the old one mapped.
    fresh = LIBRARY.with_suffix(f".{os.getpid()}")
    subprocess.run(["gcc", *FLAGS, "-o", str(fresh), *map(str, sources), "-ldl", "-lpthread"], check=True)
    fresh.replace(LIBRARY)
    return LIBRARY
