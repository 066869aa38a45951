"""When each packet of the feed left: a ring of the last sends on disk, for whoever asks afterwards.

One send of messages is one 24-byte entry: session id, first sequence, time. The file has a fixed size, so the oldest
entries are overwritten; a mapped file
survives kill -9.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import NamedTuple

ENTRIES = 1 << 18  # 6 MiB of disk
_ENTRY = Struct("<QQQ")


class Sent(NamedTuple):
    """Messages from `first_sequence` on, up to the next entry's, left at `time_ns` (since the epoch, UTC)."""

    session_id: int
    first_sequence: int
    time_ns: int


class PublishedLog:
    """The writer's side; one publisher owns the file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            file.truncate(ENTRIES * _ENTRY.size)
            self._map = mmap.mmap(file.fileno(), ENTRIES * _ENTRY.size)
        newest = max(range(ENTRIES), key=self._time_at)
        self._next = (newest + 1) % ENTRIES if self._time_at(newest) else 0

    def _time_at(self, position: int) -> int:
        return int.from_bytes(self._map[position * _ENTRY.size + 16 : (position + 1) * _ENTRY.size], "little")

    def add(self, sent: Sent) -> None:
        """Notes one send."""
        _ENTRY.pack_into(self._map, self._next * _ENTRY.size, *sent)
        self._next = (self._next + 1) % ENTRIES

    def close(self) -> None:
        self._map.close()


def read_published(path: Path) -> list[Sent]:
    """All entries still held, oldest first; empty when nothing was ever published."""
    if not path.exists():
        return []
    entries = (Sent(*fields) for fields in _ENTRY.iter_unpack(path.read_bytes()))
    return sorted((entry for entry in entries if entry.time_ns), key=lambda entry: entry.time_ns)


def times_of(sends: list[Sent], session_id: int, sequences: list[int]) -> Iterator[int]:
    """When each message left, for ascending sequences of one session; 0 where the ring no longer knows."""
    own = [sent for sent in sends if sent.session_id == session_id]
    position = -1
    for sequence in sequences:
        while position + 1 < len(own) and own[position + 1].first_sequence <= sequence:
            position += 1
        yield own[position].time_ns if position >= 0 else 0
