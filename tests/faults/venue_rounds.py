"""Rounds of the whole venue: load, one fault, rest, and everybody's records compared; over and over, by a seed.

    python -m tests.faults --seed 1 --rounds 20 --kinds kill-engine,stall-fixgw

A venue lives through many rounds. One in which anything is violated is kept below var/faults with its logs, named in
the result, and a fresh one takes its place. Exit 1 on any violation.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import orjson

from ops.local import ROOT, VenueError
from settlement.child import ChildError
from tests.faults.checker import check
from tests.faults.collect import NotReadable
from tests.faults.inject import BREAKS_LINES, KINDS
from tests.faults.power_cut import Disk, restore_durable
from tests.faults.schedule import Round, rounds
from tests.faults.venue import FaultVenue, NotAtRest

RESULTS = ROOT / "var" / "faults"
#: Violations of one round that are shown; the result file has all.
SHOWN_MAX = 6
RETIRE = "retire"  # the last look at a venue, in the result beside the kinds
MUST_FAIL_COMMANDS = 150
MUST_FAIL_CUTS = 16  # of the choices that a cut has, the one that loses most is taken


@dataclass
class Tally:
    """What all rounds of one kind came to."""

    rounds: int = 0
    violated: int = 0
    seconds: float = 0.0


@dataclass
class Result:
    """What a run came to."""

    seed: int
    tallies: dict[str, Tally] = field(default_factory=dict)
    violations: list[dict[str, object]] = field(default_factory=list)
    seconds: float = 0.0
    venues: int = 0
    requests: int = 0
    trades: int = 0
    engine_starts: int = 0

    @property
    def rounds(self) -> int:
        """All of them, without the last look at each venue."""
        return sum(tally.rounds for kind, tally in self.tallies.items() if kind != RETIRE)

    def add(self, plan: Round, seconds: float, violations: list[str], kept: Path | None) -> None:
        """One round more."""
        tally = self.tallies.setdefault(plan.kind, Tally())
        tally.rounds += 1
        tally.seconds += seconds
        if violations:
            tally.violated += 1
            where = "" if kept is None else str(kept.relative_to(ROOT))
            self.violations.append({"round": plan.number, "kind": plan.kind, "kept": where, "violations": violations})

    def as_json(self) -> bytes:
        """For programs."""
        return orjson.dumps(
            {
                "seed": self.seed,
                "rounds": self.rounds,
                "seconds": round(self.seconds, 1),
                "venues": self.venues,
                "requests": self.requests,
                "trades": self.trades,
                "engine_starts": self.engine_starts,
                "kinds": {
                    kind: {"rounds": tally.rounds, "violated": tally.violated}
                    for kind, tally in sorted(self.tallies.items())
                },
                "violations": self.violations,
            },
            option=orjson.OPT_INDENT_2,
        )

    def as_table(self) -> str:
        """For people, in Markdown."""
        lines = ["| fault | rounds | with violations | seconds each |", "|---|---:|---:|---:|"]
        for kind, tally in sorted(self.tallies.items()):
            lines.append(f"| {kind} | {tally.rounds} | {tally.violated} | {tally.seconds / tally.rounds:.1f} |")
        violated = sum(tally.violated for tally in self.tallies.values())
        lines.append(f"| **all** | **{self.rounds}** | **{violated}** | {self.seconds / max(self.rounds, 1):.1f} |")
        lines += [
            "",
            f"Seed {self.seed}, {self.seconds:.0f} s, {self.venues} venues one after the other, {self.requests:,} FIX "
            f"requests, {self.trades:,} trades, {self.engine_starts} starts of an engine.",
        ]
        return "\n".join(lines) + "\n"


class Runner:
    """Plays a schedule on one venue after the other."""

    def __init__(self, seed: int, kinds: Sequence[str], say: Callable[[str], None]) -> None:
        self.result = Result(seed)
        self._schedule = rounds(seed, kinds)
        self._say = say
        self._venue: FaultVenue | None = None
        self._directory: Path | None = None
        self._number = -1

    def run(self, at_least: int, seconds: float) -> Result:
        """`at_least` rounds, and more as long as they begin within `seconds`; everything it started is stopped."""
        started = time.monotonic()
        try:
            for plan in self._schedule:
                if plan.number >= at_least and time.monotonic() - started >= seconds:
                    break
                self._play(plan)
                self.result.seconds = time.monotonic() - started
            self._retire()
        finally:
            self._drop()
            self.result.seconds = time.monotonic() - started
        return self.result

    def _play(self, plan: Round) -> None:
        begun = time.monotonic()
        try:
            venue = self._present(plan)
            begun = time.monotonic()
            violations = play(venue, plan)
        except (VenueError, ChildError, NotAtRest, NotReadable, OSError, AssertionError) as error:
            violations = [f"{type(error).__name__}: {error}", *_where(error)]
        seconds = time.monotonic() - begun
        kept = self._keep(plan, violations) if violations else None
        self.result.add(plan, seconds, violations, kept)
        self._say(f"round {plan.number:4} {plan.kind:20} {seconds:5.1f} s  {'VIOLATED' if violations else 'ok'}")
        for line in violations[:SHOWN_MAX]:
            self._say(f"      {line}")
        if kept:
            self._say(f"      kept in {kept.relative_to(ROOT)}")

    def _present(self, plan: Round) -> FaultVenue:
        """The venue of this round, a fresh one when its time has come."""
        if plan.venue != self._number:
            self._retire()
        if self._venue is None:
            self._number = plan.venue
            self._directory = Path(tempfile.mkdtemp(prefix="faults-"))
            self._venue = FaultVenue(self._directory, self.result.seed * 1000 + plan.number, lambda _: None, {})
            self._venue.start()
            self.result.venues += 1
        return self._venue

    def _retire(self) -> None:
        """The present venue's last check: everything from scratch and through the reference, then a clean stop."""
        if self._venue is None:
            return
        plan = Round(self._number, self._number, RETIRE, 0.0, 0.0, 0)
        begun = time.monotonic()
        try:
            violations = retire(self._venue)
        except (VenueError, ChildError, NotAtRest, NotReadable, OSError, AssertionError) as error:
            violations = [f"{type(error).__name__}: {error}", *_where(error)]
        kept = self._keep(plan, violations) if violations else None
        self.result.add(plan, time.monotonic() - begun, violations, kept)
        self._say(f"venue {self._number} retired: {'VIOLATED' if violations else 'ok'}")
        for line in violations[:SHOWN_MAX]:
            self._say(f"      {line}")
        self._drop()

    def _keep(self, plan: Round, violations: list[str]) -> Path:
        """Stops the venue and moves all it left to var/faults."""
        place = RESULTS / f"{self.result.seed}-{plan.number}"
        directory = self._directory
        self._directory = None
        self._drop()
        shutil.rmtree(place, ignore_errors=True)
        RESULTS.mkdir(parents=True, exist_ok=True)
        if directory is not None:
            (directory / "violations").write_text("\n".join([plan.kind, *violations]) + "\n")
            shutil.move(directory, place)
        return place

    def _drop(self) -> None:
        """Ends the present venue; its directory goes unless it was taken away to be kept."""
        venue, self._venue = self._venue, None
        directory, self._directory = self._directory, None
        try:
            if venue is not None:
                self._count(venue)
                venue.stop()
        finally:
            if directory is not None:
                shutil.rmtree(directory, ignore_errors=True)

    def _count(self, venue: FaultVenue) -> None:
        load = venue.load()
        self.result.requests += load.requests
        self.result.trades += load.trades
        self.result.engine_starts += load.engine_starts


def play(venue: FaultVenue, plan: Round) -> list[str]:
    """One round: load, fault, more load, rest; returns what is wrong then."""
    lines_lost, requests = venue.lines_lost(), venue.load().requests
    venue.trade()
    venue.pause(plan.before_s)
    KINDS[plan.kind](venue, Random(plan.luck))
    venue.pause(plan.after_s)
    violations = [f"{name} ended unasked" for name in venue.venue.daemons if venue.venue.dead() == name]
    if violations:
        return violations
    stuck = ""
    try:
        venue.rest()
    except NotAtRest as error:
        stuck = str(error)
    try:
        violations = check(venue.evidence())
    except (NotReadable, NotAtRest) as error:
        violations = [str(error)]
    if venue.load().requests == requests:
        violations.append("no client sent anything: nothing was compared")
    if plan.kind not in BREAKS_LINES and (lost := venue.lines_lost()[len(lines_lost) :]):
        violations.append(f"clients lost their lines: {'; '.join(lost)}")
    if venue.counter("follower", "divergences"):
        violations.append("the follower's state is not the engine's")
    return [f"not at rest: {stuck}", *violations] if stuck else violations


def retire(venue: FaultVenue) -> list[str]:
    """Both journals read anew, also through the reference, and every daemon's clean stop."""
    venue.rest()
    violations = check(venue.evidence(from_scratch=True))
    return violations + [f"{name} did not stop cleanly" for name in venue.stop()]


def must_fail(seed: int) -> list[str]:
    """What clients lose when durability is `none` and the power goes: nothing would mean that we cannot see a loss."""
    directory = Path(tempfile.mkdtemp(prefix="faults-"))
    try:
        with FaultVenue(directory, seed, lambda _: None, {"durability": "none"}) as venue:
            venue.start()
            venue.trade()
            venue.until(lambda: venue.counter("engine", "sequence") >= MUST_FAIL_COMMANDS, 60, "some commands")
            os.kill(venue.pid("engine"), signal.SIGKILL)
            venue.ended("engine", 10)
            disk = Disk(venue.shim.log)
            worst = max(range(seed, seed + MUST_FAIL_CUTS), key=lambda luck: disk.cut(luck)[1].pages_lost)
            restore_durable(venue.shim.log, venue.state_dir, worst)
            return venue.acknowledged_and_lost()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _where(error: BaseException) -> Iterator[str]:
    """The places in our own code that an error came through."""
    for frame in traceback.extract_tb(error.__traceback__):
        if "/tests/faults/" in frame.filename:
            yield f"at {Path(frame.filename).name}:{frame.lineno} in {frame.name}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; 1 on any violation."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Hurt the venue, then compare.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, help="how many rounds at least; default: one of each kind")
    parser.add_argument("--seconds", type=float, default=0, help="begin more rounds for so long")
    parser.add_argument("--must-fail", action="store_true", help="durability none and a power cut: exit 0 if seen")
    parser.add_argument("--kinds", default=",".join(KINDS), help=f"comma-separated, of: {', '.join(KINDS)}")
    options = parser.parse_args(arguments)
    kinds = options.kinds.split(",")
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        parser.error(f"unknown kinds: {', '.join(unknown)}")
    at_least = len(kinds) if options.rounds is None else options.rounds
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    if options.must_fail:
        lost = must_fail(options.seed)
        print(f"durability none, power cut: {len(lost)} acknowledged reports lost", *lost[:SHOWN_MAX], sep="\n  ")
        return 0 if lost else 1
    runner = Runner(options.seed, kinds, lambda text: print(text, flush=True))
    interrupted = False
    try:
        runner.run(at_least, options.seconds)
    except KeyboardInterrupt:
        interrupted = True
        print("interrupted: everything is stopped", file=sys.stderr)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "result.json").write_bytes(runner.result.as_json())
    (RESULTS / "result.md").write_text(runner.result.as_table())
    print("\n" + runner.result.as_table())
    if interrupted:
        return 130
    return 1 if runner.result.violations else 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
