"""The counters file: what its writer sets is what readers see, and it has its room before anybody writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.wire.counters import Counters, read_counters


def test_a_reader_sees_what_was_set(tmp_path: Path) -> None:
    """Values by name, and the process that wrote them."""
    path = tmp_path / "run" / "engine"
    counters = Counters(path, ("commands", "events"))
    counters.set("events", 2**64 - 1)
    counters.add("commands", 3)
    assert read_counters(path).values == {"commands": 3, "events": 2**64 - 1}


def test_no_hole_is_left_to_be_filled_on_a_full_disk(tmp_path: Path) -> None:
    """Every block is allocated at the start: a store into a hole of a full disk would be a SIGBUS."""
    path = tmp_path / "engine"
    Counters(path, [f"counter_{number}" for number in range(1_000)])
    found = path.stat()
    assert found.st_blocks * 512 >= found.st_size


@pytest.mark.parametrize("names", [("one", "one"), ("n" * 40,)])
def test_names_that_readers_could_not_tell_apart_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    """Nothing is made."""
    with pytest.raises(ValueError, match="unique"):
        Counters(tmp_path / "engine", names)
    assert not list(tmp_path.iterdir())
