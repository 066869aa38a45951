"""Soak: one journal of ten million commands replayed by the core of every build to the same state, event for event.

Usage: python -m tests.perf.soak_builds [--commands N].
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from cfg.load import load
from engine.inspect import capacity
from tests.fixtures.fix_engine import EngineDaemon
from tests.fixtures.made_journal import make_journal
from tests.native.journal_builds import replayed_by_each
from tests.perf.bench_recovery import COMMANDS, DEPTH, VALUES


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=COMMANDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="venue-builds-") as name:
        directory = Path(name)
        engine = EngineDaemon(directory, VALUES)
        config = load(engine.cfg_dir)
        made = make_journal(config, engine.state_dir / "engine", options.commands, DEPTH)
        print(f"made: {made.commands} commands {made.events} events, hash {made.state_hash}", flush=True)
        said = set()
        begun = time.monotonic()
        for build, text in replayed_by_each(engine.journal_dir, capacity(config), directory):
            print(f"{build}: {text} ({time.monotonic() - begun:.0f} s)", flush=True)
            said.add(text)
            begun = time.monotonic()
        engine.close()
    same = len(said) == 1 and all(f"hash {made.state_hash} " in text for text in said)
    print("the same state and events from every build" if same else "DIFFERENT: the core is not deterministic")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
