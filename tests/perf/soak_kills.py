"""Soak: whole venues traded under random kill -9, one after the other; every one must end with all accounts equal.

Usage: python -m tests.perf.soak_kills [--rounds N] [--seed S]. A round is a fresh venue; which daemon dies after how
many orders follows from its
seed, which is printed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from random import Random

from ops.audit import Audit
from ops.demo import BLOCK_TIME_S, EDITS, Demo
from ops.local import START_ORDER, LocalVenue, Ports, VenueError

KILLS = 6
ORDERS = 500
RATE_PER_S = 40


def accepted(audit: Audit, goal: int) -> bool:
    return audit.counts["OrderAccepted"] >= goal


def kill_at_random(random: Random, killed: list[str], demo: Demo, audit: Audit) -> None:
    """KILLS deaths, each after some more orders; two may die together."""
    for _ in range(KILLS):
        goal = audit.counts["OrderAccepted"] + random.randint(5, 60)
        demo.until(audit, partial(accepted, audit, goal), 60, "orders before a kill")
        names = random.sample(START_ORDER, random.choice((1, 1, 2)))
        for name in names:
            demo.venue.kill9(name)
        for name in names:
            demo.venue.start_daemon(name)
        for name in names:
            demo.venue.await_ready(name)
        killed.append("+".join(names))


def round_of(seed: int) -> tuple[list[str], list[str]]:
    """Runs one venue; returns who died and what differed."""
    killed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="soak") as directory:
        try:
            with LocalVenue(Path(directory), Ports.free(), lambda _: None, EDITS, BLOCK_TIME_S) as venue:
                demo = Demo(venue, ORDERS, seed, lambda _: None, rate_per_s=RATE_PER_S)
                outcome = demo.run(partial(kill_at_random, Random(seed), killed))
        except VenueError as error:
            return killed, [str(error)]
    return killed, outcome.differences


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    bad = 0
    deaths = 0
    started = time.monotonic()
    for seed in range(options.seed, options.seed + options.rounds):
        killed, differences = round_of(seed)
        deaths += sum(len(names.split("+")) for names in killed)
        bad += bool(differences)
        print(f"seed {seed}: killed {' '.join(killed)}: {'; '.join(differences) or 'all equal'}", flush=True)
    seconds = time.monotonic() - started
    print(f"{options.rounds} rounds, {deaths} deaths, {bad} with differences, {seconds:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
