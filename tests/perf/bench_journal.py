"""How long a commit of the journal thread takes: pwritev + fdatasync, as it is, beside pwritev2 with RWF_DSYNC.

Usage: python -m tests.perf.bench_journal [--commits N]. The program is tests/native/bench_journal.c, the thread is the
engine's own, the segments are prepared; the two ways take turns on the same disk.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fixtures.made_journal import native_program
from tests.perf.report import machine, publish, row

COMMITS = 300
REPETITIONS = 5
#: Commands of 240 bytes in one commit.
RECORDS = (1, 16, 256)
ABOUT = (
    "From the hand-over of the first command to the release of the last; baseline: RWF_DSYNC. Quantiles of a run, "
    "medians of the runs."
)


def run(way: str, commits: int, records: int) -> list[float]:
    """p50, p99 and the maximum of one run in microseconds."""
    with tempfile.TemporaryDirectory(prefix="venue-bench-") as directory:
        command = [str(native_program("bench_journal")), way, str(commits), str(records)]
        said = subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout
    return [float(word) for word in said.split()]


def main() -> int:
    """Both ways in turn, for each size of a commit."""
    parser = argparse.ArgumentParser(prog="bench_journal")
    parser.add_argument("--commits", type=int, default=COMMITS)
    options = parser.parse_args()
    rows = []
    for records in RECORDS:
        runs: dict[str, list[list[float]]] = {"fdatasync": [], "dsync": []}
        for _ in range(REPETITIONS):
            for way, results in runs.items():
                results.append(run(way, options.commits, records))
        for part, metric in enumerate(("p50", "p99", "max")):
            ours, theirs = ([result[part] for result in runs[way]] for way in ("fdatasync", "dsync"))
            rows.append(row(f"{records} commands a commit", metric, "us", ours, theirs))
    publish("journal", ABOUT, machine(Path(tempfile.gettempdir())), rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
