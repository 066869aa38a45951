"""Soak: the C core and the reference in lock-step over many more random commands than a test has time for.

Usage: python -m tests.perf.soak_core [--seeds N] [--commands N] [--seed S]. Every seed is printed; a difference names
the command.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--commands", type=int, default=100_000)
    parser.add_argument("--examples", type=int, default=1_000, help="Hypothesis examples of the last run")
    options = parser.parse_args()
    test = ["tests/property/test_core_equals_book.py", "--timeout", "3600", "-q", "-x"]
    bad = 0
    started = time.monotonic()
    for seed in range(options.seed, options.seed + options.seeds):
        environment = {
            **os.environ,
            "VENUE_BULK_COMMANDS": str(options.commands),
            "VENUE_BULK_SEED": str(seed),
            "VENUE_PROPERTY_EXAMPLES": str(options.examples if seed == options.seed else 1),
        }
        result = subprocess.run(
            [sys.executable, "-m", "pytest", *test],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        bad += result.returncode != 0
        print(f"seed {seed}: {options.commands:,} commands: {result.stdout.strip().splitlines()[-1]}", flush=True)
        if result.returncode:
            print(result.stdout[-4000:], flush=True)
    print(f"{options.seeds} seeds, {bad} with differences, {time.monotonic() - started:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
