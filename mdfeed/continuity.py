"""What this publisher already told the world, kept across restarts: so that a session id never names two different
histories.

The position (session, message sequence, checksum chained over all messages so far) is written before messages leave,
into a mapped file that survives kill -9. A restarted publisher regenerates every message; where the regenerated
chain differs from the position, or the engine's history ends before it, what was published is disowned: the salt
grows, and with it the session id changes.
"""

from __future__ import annotations

import mmap
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from struct import Struct

# magic u64, salt u32, chain u32, session_id u64, sequence u64, generation u64; then crc32 of these.
_RECORD = Struct("<QIIQQQ")
_CRC = Struct("<I4x")
_SLOT_SIZE = _RECORD.size + _CRC.size
_MAGIC = 0x31544E43_444D5600  # "\0VMDCNT1"


def chained(chain: int, messages: Iterable[bytes]) -> int:
    """CRC-32 over all messages of the feed, one after the other."""
    for message in messages:
        chain = zlib.crc32(message, chain)
    return chain


@dataclass(frozen=True, slots=True)
class Position:
    """The feed after message `sequence` of a session; `salt` went into the session id."""

    salt: int
    session_id: int
    sequence: int
    chain: int


class Continuity:
    """The position on disk: two slots written in turn, so that a torn write leaves the one before."""

    def __init__(self, path: Path) -> None:
        """Opens or creates the file; a file of another size or content counts as none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            file.truncate(2 * _SLOT_SIZE)
            self._map = mmap.mmap(file.fileno(), 2 * _SLOT_SIZE)
        self._generation = 0
        self.published: Position | None = None
        for slot in range(2):
            self._load(slot)

    def _load(self, slot: int) -> None:
        record = self._map[slot * _SLOT_SIZE : (slot + 1) * _SLOT_SIZE]
        magic, salt, chain, session_id, sequence, generation = _RECORD.unpack_from(record)
        (crc,) = _CRC.unpack_from(record, _RECORD.size)
        if magic != _MAGIC or crc != zlib.crc32(record[: _RECORD.size]) or generation <= self._generation:
            return
        self._generation = generation
        self.published = Position(salt, session_id, sequence, chain)

    def record(self, position: Position) -> None:
        """Says what is about to be published; call it before."""
        self._generation += 1
        record = _RECORD.pack(
            _MAGIC, position.salt, position.chain, position.session_id, position.sequence, self._generation
        )
        start = self._generation % 2 * _SLOT_SIZE
        self._map[start : start + _SLOT_SIZE] = record + _CRC.pack(zlib.crc32(record))
        self.published = position

    def close(self) -> None:
        self._map.close()
