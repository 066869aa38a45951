"""One journal through the core of every build: each journaled state hash, the last state and every event the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cfg.load import load
from engine.inspect import capacity
from tests.fixtures.fix_engine import EngineDaemon
from tests.native.journal_builds import replayed_by_each

COMMANDS = 200_000


@pytest.mark.timeout(600)
def test_every_build_replays_a_journal_to_the_same_state(
    past_engine: Callable[..., EngineDaemon], tmp_path: Path
) -> None:
    """200,000 commands in the engine's own format; tests/perf/soak_builds.py does the same with 10 million."""
    engine = past_engine(COMMANDS, max_clordids=262_144, max_open_orders_per_session=200_000)
    said = dict(replayed_by_each(engine.journal_dir, capacity(load(engine.cfg_dir)), tmp_path))
    print("\n".join(f"{name}: {text}" for name, text in said.items()))
    assert len(said) >= 2
    assert len(set(said.values())) == 1, said
    text = next(iter(said.values()))
    assert text.startswith(f"{COMMANDS} commands ") and text.endswith(" audit 0")
