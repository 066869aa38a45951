"""Soak: fifty times what a test run asks of the core: random commands in lock-step, Hypothesis steps, and fuzzing.

Usage: python -m tests.perf.soak_core [--commands N] [--seed S] [--examples N] [--fuzz-s N] [--processes N]. Seeds are
printed; a difference is cut down to the few commands it needs and printed (tests/property/bulk.py).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.property.bulk import COMMANDS_PER_EPISODE

ROOT = Path(__file__).resolve().parents[2]
EPISODES_PER_RUN = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=50_000_000)
    parser.add_argument("--seed", type=int, default=1_000_000)
    parser.add_argument("--examples", type=int, default=25_000, help="Hypothesis examples of 60 steps")
    parser.add_argument("--fuzz-s", type=int, default=1_800)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    started = time.monotonic()
    bad = _bulk(options.commands, options.seed, options.processes)
    bad += _hypothesis(options.examples)
    bad += _fuzz(options.fuzz_s, options.seed)
    print(f"{bad} runs with differences, {time.monotonic() - started:.0f} s")
    return 1 if bad else 0


def _bulk(commands: int, seed: int, processes: int) -> int:
    """How many of the runs that make up so many commands found a difference."""
    episodes = max(commands // COMMANDS_PER_EPISODE, 1)
    share = min(EPISODES_PER_RUN, episodes)
    waiting = list(range(seed, seed + episodes, share))
    running: dict[subprocess.Popen[str], int] = {}
    bad = 0
    while waiting or running:
        while waiting and len(running) < processes:
            first = waiting.pop(0)
            command = [sys.executable, "-m", "tests.property.bulk", "--seed", str(first)]
            command += ["--episodes", str(share), "--shrink-s", "600"]
            run = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            running[run] = first
        run, first = next(iter(running.items()))
        _, said = run.communicate()
        del running[run]
        bad += run.returncode != 0
        print(f"seeds {first} to {first + share - 1}: {said.strip().splitlines()[-1]}", flush=True)
        if run.returncode != 0:
            print(said, flush=True)
    return bad


def _hypothesis(examples: int) -> int:
    environment = {**os.environ, "VENUE_PROPERTY_EXAMPLES": str(examples)}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--timeout", "86400", "-k", "TestCoresAgree"]
    command.append("tests/property/test_core_equals_book.py")
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    print(f"{examples * 60:,} Hypothesis steps: {run.stdout.strip().splitlines()[-1]}", flush=True)
    if run.returncode != 0:
        print(run.stdout[-8000:], flush=True)
    return run.returncode != 0


def _fuzz(seconds: int, seed: int) -> int:
    command = ["make", "-s", "-C", "tests/native", "fuzz", f"SECONDS={seconds}", f"SEED={seed}"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode != 0


if __name__ == "__main__":
    sys.exit(main())
