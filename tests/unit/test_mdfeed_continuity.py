"""What a publisher remembers across kills, and how it notices that its past is not the engine's."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from mdfeed.continuity import Continuity, Position, chained
from mdfeed.history import History
from mdfeed.packets import Body


def reopened(path: Path) -> Position | None:
    """The position that another process finds."""
    continuity = Continuity(path)
    try:
        return continuity.published
    finally:
        continuity.close()


def test_the_position_survives_kill_9(tmp_path: Path) -> None:
    """What was recorded before a SIGKILL is found after it."""
    path = tmp_path / "continuity"
    child = os.fork()
    if child == 0:
        continuity = Continuity(path)
        for sequence in range(1, 6):
            continuity.record(Position(2, 77, sequence, 1000 + sequence))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert reopened(path) == Position(2, 77, 5, 1005)


@pytest.mark.parametrize("keep", range(0, 44, 4))
def test_a_torn_write_leaves_the_position_before(tmp_path: Path, keep: int) -> None:
    """With only a part of the last record on disk, the one before it counts."""
    path = tmp_path / "continuity"
    continuity = Continuity(path)
    continuity.record(Position(0, 77, 1, 11))
    before = path.read_bytes()
    continuity.record(Position(0, 77, 2, 22))
    after = path.read_bytes()
    continuity.close()
    changed = [i for i in range(len(after)) if before[i] != after[i]]
    start = changed[0] // 48 * 48
    path.write_bytes(after[: start + keep] + before[start + keep :])
    assert reopened(path) == Position(0, 77, 1, 11)


def test_a_strange_file_counts_as_none(tmp_path: Path) -> None:
    """Garbage, or a file cut short, is no position, and a new one can be recorded over it."""
    for content in (b"", b"\xff" * 96, b"x" * 5, bytes(500)):
        path = tmp_path / "continuity"
        path.write_bytes(content)
        assert reopened(path) is None
        continuity = Continuity(path)
        continuity.record(Position(1, 2, 3, 4))
        continuity.close()
        assert reopened(path) == Position(1, 2, 3, 4)


def test_the_chain_depends_on_every_message_and_their_order() -> None:
    """Two histories with one differing or exchanged message have different chains."""
    messages = [b"one", b"two", b"three"]
    assert chained(chained(0, messages[:2]), messages[2:]) == chained(0, messages)
    assert chained(0, [b"two", b"one", b"three"]) != chained(0, messages)
    assert chained(0, [b"one", b"two", b"thrEe"]) != chained(0, messages)


def test_history_keeps_the_newest_packets_and_finds_each() -> None:
    """Of many packets the last N are held; every range inside is found by its sequences."""
    history = History(10)
    first = 1
    for number in range(25):
        count = number % 4 + 1
        history.append(Body(first, count, b"%d" % number))
        first += count
    assert history.next_sequence == first
    held = history.packets(history.available_from, first - 1, 100)
    assert [body.entries for body in held] == [b"%d" % number for number in range(15, 25)]
    for sequence in range(history.available_from, first):
        (body,) = history.packets(sequence, sequence, 1)
        assert body.first_sequence <= sequence < body.next_sequence
