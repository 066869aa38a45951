"""Snapshots: the engine's whole state right after a journaled state hash, in one file that proves itself.

A file bears its name only once it is whole and on the disk; the one before it is kept. Nobody believes a snapshot for
its checksums alone: whoever loads it compares the state hash, computed anew from every record, with the journal's.
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Any

from engine._native import ffi, lib
from engine.journal import RULES_VERSION

SUFFIX = ".vs"
KEPT = 2
MAGIC = b"VENUESNP"
VERSION = 1
#: magic, version, bytes of the whole header, rules_version, flags, layout, eight capacities, venue, epoch, count of
#: epoch ranges, sequence, time_ns, event_sequence, state hash low and high, then where the StateHash stands in the
#: journal: first sequence of its segment, its offset, the offset behind it, the CRCs before and after it; the durable
#: watermark; at last the CRC-32C of the whole header with this field 0, and zeros.
HEADER = Struct("<8s4IQ8I16s2I5Q3Q2IQ2I")
CRC_AT = HEADER.size - 8
RANGE = Struct("<QII")  # first event, its epoch, 0
RANGES_MAX = 1 << 20
RECOVERY_CLOSED = 1
CAPACITIES = ("orders", "price_pages", "clordids", "accounts", "assets", "instruments", "sessions", "trades")


class Unusable(Exception):
    """A snapshot that can't be started from; the text says why, without its name."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a StateHash stands in the command journal, and the chain around it."""

    segment: int  # first sequence of the segment
    record_offset: int
    offset: int  # behind it
    previous_crc: int
    crc: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a snapshot says of itself; `layout` and `capacity` decide which cores it is for."""

    rules_version: int
    layout: int
    capacity: tuple[int, ...]
    venue: str
    epoch: int
    sequence: int
    time_ns: int
    event_sequence: int
    state_hash: int
    position: Position
    durable: int
    recovery_closed: bool
    epochs: tuple[tuple[int, int], ...]  # (first event, epoch)

    @property
    def name(self) -> str:
        """Name of its file."""
        return f"{self.sequence:020d}{SUFFIX}"


def directory_of(state_dir: Path) -> Path:
    """Where the venue with this state_dir keeps its snapshots."""
    return state_dir / "engine" / "snapshots"


def newest_first(directory: Path) -> list[Path]:
    """Every file that bears a snapshot's name, whole or not, the latest command first."""
    found = [path for path in directory.glob(f"*{SUFFIX}") if len(path.stem) == 20 and path.stem.isdigit()]
    return sorted(found, reverse=True)


def write(directory: Path, name: str, snapshot: Snapshot, core: Any) -> Path:
    """The core (struct core *) as file `name`; OSError when the disk won't, and then there is no such file."""
    header = _encode(snapshot)
    unfinished = directory / f"{name}.tmp"
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    try:
        if os.write(file, header) != len(header):
            raise OSError(f"{unfinished}: cut short")
        if lib.image_write(core, file, lib.crc32c(0, header, len(header))) < 0:
            raise OSError(ffi.errno, os.strerror(ffi.errno), str(unfinished))
        os.fsync(file)
        unfinished.rename(directory / name)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    finally:
        os.close(file)
    sync_directory(directory)
    return directory / name


def tidy(directory: Path) -> None:
    """Removes what a kill left half written, and all but the KEPT latest."""
    for path in (*directory.glob(f"*{SUFFIX}.tmp"), *newest_first(directory)[KEPT:]):
        path.unlink(missing_ok=True)
    sync_directory(directory)


def read(path: Path) -> Snapshot:
    """The header, proved by its own checksum; Unusable when it is none, or of another venue's format."""
    try:
        with path.open("rb") as file:
            return _decode(file.read(HEADER.size), file)
    except OSError as error:
        raise Unusable(str(error.strerror)) from error


def verify(path: Path) -> Snapshot:
    """Header and every checksum of the file; Unusable at the first that is wrong."""
    snapshot = read(path)
    data = _map(path)
    header = len(_encode(snapshot))
    image = memoryview(data)[header:]
    crc = lib.crc32c(0, ffi.from_buffer(data), header)
    damage = lib.image_damage(ffi.from_buffer(image), len(image), crc)
    if damage >= 0:
        raise Unusable(f"damaged at offset {header + damage}")
    return snapshot


def require_fit(snapshot: Snapshot, venue: str, core: Any) -> None:
    """Unusable unless the snapshot is for this venue, these rules and a core of these pools and this build."""
    if snapshot.venue != venue:
        raise Unusable(f"is of venue {snapshot.venue}")
    if snapshot.rules_version != RULES_VERSION:
        raise Unusable(f"is of rules_version {snapshot.rules_version}, this program has {RULES_VERSION}")
    pools = lib.core_capacity(core)
    other = [
        f"max_{'bustable_trades' if name == 'trades' else name} was {theirs}"
        for name, theirs in zip(CAPACITIES, snapshot.capacity, strict=True)
        if theirs != getattr(pools, name)
    ]
    if other:
        raise Unusable(f"is of other pools: {', '.join(other)}")
    if snapshot.layout != lib.core_layout(core):
        raise Unusable("is of a build with another layout of records")


def load(path: Path, snapshot: Snapshot, core: Any) -> None:
    """The core becomes what the snapshot holds, and has proved it: hash and invariants anew, from every record.

    Unusable when it isn't so; the core must be made anew then.
    """
    data = _map(path)
    header = len(_encode(snapshot))
    image = memoryview(data)[header:]
    crc = lib.crc32c(0, ffi.from_buffer(data), header)
    if not lib.image_read(core, ffi.from_buffer(image), len(image), crc):
        raise Unusable("is damaged")
    halves = ffi.new("uint64_t[2]")
    lib.core_hash(core, halves)
    if halves[1] << 64 | halves[0] != snapshot.state_hash:
        raise Unusable("holds another state than its hash says")
    if lib.core_event_sequence(core) != snapshot.event_sequence:
        raise Unusable("holds another event sequence than it says")
    if line := lib.core_audit(core):
        raise Unusable(f"breaks an invariant of the core: audit.c line {line}")


def capacity_of(core: Any) -> tuple[int, ...]:
    """The pools of a core in the order of CAPACITIES."""
    pools = lib.core_capacity(core)
    return tuple(int(getattr(pools, name)) for name in CAPACITIES)


def sync_directory(directory: Path) -> None:
    """The names in it on the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _encode(snapshot: Snapshot) -> bytes:
    position = snapshot.position
    ranges = b"".join(RANGE.pack(first, epoch, 0) for first, epoch in snapshot.epochs)
    fields = (
        *(MAGIC, VERSION, HEADER.size + len(ranges), snapshot.rules_version),
        *(RECOVERY_CLOSED if snapshot.recovery_closed else 0, snapshot.layout, *snapshot.capacity),
        *(snapshot.venue.encode(), snapshot.epoch, len(snapshot.epochs), snapshot.sequence, snapshot.time_ns),
        *(snapshot.event_sequence, snapshot.state_hash & (1 << 64) - 1, snapshot.state_hash >> 64),
        *(position.segment, position.record_offset, position.offset, position.previous_crc, position.crc),
        snapshot.durable,
    )
    whole = HEADER.pack(*fields, 0, 0) + ranges
    return HEADER.pack(*fields, lib.crc32c(0, whole, len(whole)), 0) + ranges


def _decode(head: bytes, file: Any) -> Snapshot:
    if len(head) < HEADER.size or not head.startswith(MAGIC):
        raise Unusable("is no snapshot")
    (_, version, size, rules_version, flags, layout, *rest) = HEADER.unpack(head)
    if version != VERSION:
        raise Unusable(f"is a snapshot of format {version}, this program reads format {VERSION}")
    (*capacity, venue, epoch, count) = rest[:11]
    (sequence, time_ns, event_sequence, low, high) = rest[11:16]
    (segment, record_offset, offset, previous_crc, crc, durable, checksum, _) = rest[16:]
    if count > RANGES_MAX or size != HEADER.size + count * RANGE.size:
        raise Unusable("has a damaged header")
    ranges = file.read(count * RANGE.size)
    bare = head[:CRC_AT] + bytes(4) + head[CRC_AT + 4 :] + ranges
    if len(bare) != size or lib.crc32c(0, bare, size) != checksum:
        raise Unusable("has a damaged header")
    return Snapshot(
        rules_version,
        layout,
        tuple(capacity),
        venue.rstrip(b"\0").decode(),
        epoch,
        sequence,
        time_ns,
        event_sequence,
        high << 64 | low,
        Position(segment, record_offset, offset, previous_crc, crc),
        durable,
        bool(flags & RECOVERY_CLOSED),
        tuple((first, number) for first, number, _ in RANGE.iter_unpack(ranges)),
    )


def _map(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise Unusable(str(error)) from error
