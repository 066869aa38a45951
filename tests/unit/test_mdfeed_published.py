"""The ring of sends: what left when, across restarts and once the ring is full."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdfeed import published
from mdfeed.published import PublishedLog, Sent, read_published, times_of


def test_sends_are_read_back_in_order_after_a_restart(tmp_path: Path) -> None:
    """A new writer goes on where the last one, which never closed the file, stopped."""
    first = PublishedLog(tmp_path / "published")
    first.add(Sent(7, 1, 100))
    second = PublishedLog(tmp_path / "published")
    second.add(Sent(7, 4, 200))
    assert read_published(tmp_path / "published") == [Sent(7, 1, 100), Sent(7, 4, 200)]


def test_a_full_ring_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest entries go; the file does not grow."""
    monkeypatch.setattr(published, "ENTRIES", 4)
    log = PublishedLog(tmp_path / "published")
    for i in range(1, 7):
        log.add(Sent(7, i, 100 * i))
    assert [sent.first_sequence for sent in read_published(tmp_path / "published")] == [3, 4, 5, 6]
    assert (tmp_path / "published").stat().st_size == 4 * 24


def test_the_time_of_a_message_is_that_of_the_send_it_was_in() -> None:
    """Messages between two entries belong to the earlier one; another session's sends do not count."""
    sends = [Sent(7, 2, 100), Sent(8, 1, 150), Sent(7, 5, 200)]
    assert list(times_of(sends, 7, [1, 2, 4, 5, 9])) == [0, 100, 100, 200, 200]
