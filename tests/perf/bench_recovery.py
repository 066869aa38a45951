"""How long the engine takes to come back: from its whole journal, behind a snapshot, and without its event journal.

Usage: python -m tests.perf.bench_recovery [--commands N] [--depth N]. The journals are made by
tests/native/make_journal.c; everything measured is the real daemon and the real follower.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from cfg.load import load
from engine import snapshot
from ops.toml_edit import Value
from tests.fixtures.fix_engine import EngineDaemon
from tests.fixtures.fix_follower import FollowerDaemon
from tests.fixtures.made_journal import make_journal
from tests.perf.report import machine, publish, row

COMMANDS = 10_000_000
DEPTH = 100_000
REPETITIONS = 3
SNAPSHOT_EVERY = 1_000_000
#: The shipped pools, but for what so many orders of one day need.
VALUES: dict[str, Value] = {
    "segment_bytes": 64 << 20,
    "max_clordids": 1 << 23,
    "max_open_orders_per_session": 262_144,
}
ABOUT = (
    "{commands:,} commands around {depth:,} open orders: half rest, a quarter cancel, a quarter trade, a state hash "
    "every 4,096. recovery: what engine.recovered says; start: from spawning the process to READY, which adds Python, "
    "sockets, a new epoch and the reference data. Every record's CRC is checked; without a snapshot every stored event "
    "is compared with the one that the commands yield. Files are in the page cache, as after a crash of the process."
)


@dataclass
class Start:
    """Starts of one kind: milliseconds of each, the snapshot they began behind, and what was left to replay."""

    recovery_ms: list[float] = field(default_factory=list)
    ready_ms: list[float] = field(default_factory=list)
    snapshot: int = 0
    tail: int = 0

    def measure(self, engine: EngineDaemon) -> None:
        """One start and a clean stop."""
        begun = time.monotonic()
        engine.start()
        self.ready_ms.append((time.monotonic() - begun) * 1000)
        line = [each for each in engine.log.splitlines() if '"engine.recovered"' in each][-1]
        values = dict(part.split(":", 1) for part in line.strip("{}").split(","))
        self.recovery_ms.append(float(values['"spent_ms"']))
        self.snapshot = int(values['"snapshot"'])
        self.tail = int(values['"sequence"']) - self.snapshot
        assert engine.stop() == 0


def follow(follower: FollowerDaemon) -> float:
    """Milliseconds from spawning the follower until it has caught up."""
    begun = time.monotonic()
    follower.start()
    spent_ms = (time.monotonic() - begun) * 1000
    assert follower.stop() == 0
    return spent_ms


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=COMMANDS)
    parser.add_argument("--depth", type=int, default=DEPTH)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="venue-recovery-") as name:
        directory = Path(name)
        facts = machine(directory)
        engine = EngineDaemon(directory, VALUES)
        follower = FollowerDaemon(engine, {"snapshot_every_commands": SNAPSHOT_EVERY})
        begun = time.monotonic()
        made = make_journal(load(engine.cfg_dir), engine.state_dir / "engine", options.commands, options.depth)
        print(
            f"{made.commands:,} commands, {made.events:,} events made in {time.monotonic() - begun:.0f} s", flush=True
        )
        whole, rebuilt, tail, short = Start(), Start(), Start(), Start()
        for _ in range(REPETITIONS):
            whole.measure(engine)
        for _ in range(REPETITIONS):
            shutil.rmtree(engine.events_dir)
            rebuilt.measure(engine)
        caught_up_ms = follow(follower)
        for _ in range(REPETITIONS):
            tail.measure(engine)
        size = snapshot.newest_first(follower.snapshots_dir)[0].stat().st_size
        written_ms = follower.counter("snapshot_ms_max")
        follower.configure({"snapshot_every_s": 1})
        follow(follower)
        for _ in range(REPETITIONS):
            short.measure(engine)
        follower.close()
        engine.close()
    rows = []
    for case, start in (
        ("whole journal", whole),
        ("whole journal, events written anew", rebuilt),
        (f"snapshot and {tail.tail:,} commands", tail),
        (f"snapshot and {short.tail:,} commands", short),
    ):
        rows.append(row(case, "recovery", "ms", start.recovery_ms))
        rows.append(row(case, "start to READY", "ms", start.ready_ms))
    rows.append(row("follower", "start to caught up", "ms", [caught_up_ms]))
    rows.append(row("snapshot", "size", "MB", [size / 1e6]))
    rows.append(row("snapshot", "written and synced in", "ms", [float(written_ms)]))
    publish("recovery", ABOUT.format(commands=options.commands, depth=options.depth), facts, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
