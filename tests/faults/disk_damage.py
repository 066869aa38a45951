"""Seeded damage to an engine's journals at rest: torn tails, rotten sectors, lost index files."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from engine._native import lib

from engine.journal import CommandJournal, Record, segments

SECTOR_BYTES = 512
RECORD_HEADER_BYTES = 32


@dataclass(frozen=True, slots=True)
class Damage:
    """What was done to a segment: `record_offset` is that of the first record that cannot be proved any more."""

    path: Path
    record_offset: int
    at: int
    before: bytes
    after: bytes

    def repair(self) -> None:
        """The bytes as they were."""
        _put(self.path, self.at, self.before)


@dataclass(frozen=True, slots=True)
class Tail:
    """Where the torn bytes begin."""

    path: Path
    offset: int


def tear_tail(directory: Path, chance: random.Random) -> Tail:
    """Writes behind the last record what a batch cut short leaves: the begin of a record, sectors of it, or noise."""
    records = list(CommandJournal(directory))
    last = records[-1]
    end = _end(last)
    room = last.path.stat().st_size - end
    commands = [record for record in records if record.kind == lib.RECORD_COMMAND]
    stale = b"".join(_bytes_of(record) for record in chance.choices(commands, k=8))
    shapes = (
        stale[: chance.randint(1, len(stale) - 1)],
        bytes(SECTOR_BYTES) + stale,
        chance.randbytes(chance.randint(1, 3_000)),
        stale[:RECORD_HEADER_BYTES],
    )
    torn = chance.choice(shapes)[:room].rstrip(b"\0") or b"\x01"[:room]
    assert torn, "the last segment is full to its last byte"
    _put(last.path, end, torn)
    return Tail(last.path, end)


def damage_below_watermark(directory: Path, chance: random.Random) -> Damage:
    """A bit, a few bytes or a sector of a record that a later COMMIT calls durable."""
    journal = CommandJournal(directory)
    records = list(journal)
    # The COMMIT that bears the watermark must itself stay readable: it is what tells damage from a torn tail.
    commits = [r for r in records if r.kind == lib.RECORD_COMMIT and r.sequence == journal.durable]
    witness = commits[0]
    durable = [
        record
        for record in records
        if record.kind == lib.RECORD_COMMAND
        and record.sequence <= journal.durable
        and (record.path, record.offset) < (witness.path, witness.offset)
    ]
    victim = chance.choice(durable)
    size = _size(victim)
    at = victim.offset + chance.randrange(size)
    count = min(victim.offset + size - at, chance.choice((1, 1, 7, SECTOR_BYTES)))
    before = _get(victim.path, at, count)
    after = bytes(count) if count > 1 and any(before) else bytes([before[0] ^ (1 << chance.randrange(8))]) + before[1:]
    _put(victim.path, at, after)
    return Damage(victim.path, victim.offset, at, before, after)


def damage_events(directory: Path, chance: random.Random) -> None:
    """One of: a flipped byte, a zeroed sector, a file cut short, an index gone, a segment gone, all of it gone."""
    files = [*segments(directory, ".ve"), *segments(directory, ".idx")]
    path = chance.choice([file for file in files if file.stat().st_size])
    size = path.stat().st_size
    at = chance.randrange(size)
    match chance.randrange(6):
        case 0:
            _put(path, at, bytes([_get(path, at, 1)[0] ^ (1 << chance.randrange(8))]))
        case 1:
            _put(path, at, bytes(min(SECTOR_BYTES, size - at)))
        case 2:
            with path.open("r+b") as file:
                file.truncate(at)
        case 3:
            chance.choice(segments(directory, ".idx")).unlink()
        case 4:
            chance.choice(segments(directory, ".ve")).unlink()
        case _:
            for file_path in files:
                file_path.unlink()


def _size(record: Record) -> int:
    """Header, body and padding: the next record begins behind it."""
    return int.from_bytes(_get(record.path, record.offset, 4), "little")


def _end(record: Record) -> int:
    return record.offset + _size(record)


def _bytes_of(record: Record) -> bytes:
    return _get(record.path, record.offset, _size(record))


def _get(path: Path, at: int, count: int) -> bytes:
    with path.open("rb") as file:
        file.seek(at)
        return file.read(count)


def _put(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)
