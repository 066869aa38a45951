"""Rounds of disk and clock faults against the real engine daemon: `python -m tests.faults.disk_rounds --seed S`.

A round is one schedule drawn from its seed: which fault, where in the engine's calls, how many lives. It passes when
every check of disk_checks holds; whatever keeps it from being finished is a breach too.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from engine._native import lib

from cfg.daemon import EXIT_DISK, EXIT_FAILED
from engine.wire.messages import TradingState
from tests.faults import disk_checks as checks
from tests.faults.disk_damage import Damage, damage_below_watermark, damage_events, tear_tail
from tests.faults.disk_engine import FaultyEngine, Load, Record
from tests.faults.power_cut import restore_durable
from tests.faults.shim import Call, Fault, Kind, disk_full, power_cut, slow_sync, sync_error, write_error

COMMANDS_PER_LIFE_MAX = 12_000
LOG_TAIL = 3_000
SEGMENT = "engine/journal/[0-9]*.vj"
SPARE = "engine/journal/next.tmp"
EVENTS = "engine/events/*"
#: Where a cut may come while orders flow: the call, the file, and the most calls of its kind before it.
CUTS_UNDER_LOAD = (
    (Call.WRITE, SEGMENT, 60),
    (Call.SYNC, SEGMENT, 60),
    (Call.WRITE, SPARE, 3),
    (Call.SYNC, SPARE, 5),
    (Call.ALLOCATE, SPARE, 2),
    (Call.RENAME, "*", 2),
    (Call.SYNC, "engine/journal", 2),
    (Call.WRITE, EVENTS, 100),
    (Call.CREATE, EVENTS, 1),
)
#: And while the engine starts.
CUTS_AT_START = (
    (Call.SYNC, "*", 12),
    (Call.WRITE, "*", 12),
    (Call.CREATE, "*", 5),
    (Call.UNLINK | Call.TRUNCATE | Call.RENAME, "*", 3),
)


@dataclass(slots=True)
class Result:
    """What one round did and what did not hold."""

    seed: int
    kind: str
    breaches: list[str] = field(default_factory=list)
    facts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def line(self) -> str:
        """One line for the terminal."""
        verdict = "ok" if not self.breaches else "BREACH " + " | ".join(self.breaches)
        facts = " ".join(f"{name}={number}" for name, number in sorted(self.facts.items()))
        return f"seed {self.seed} {self.kind} {verdict} {facts} {self.seconds:.1f} s"


class Round:
    """One engine, its load and the chance that the seed gives; what a schedule is made of."""

    def __init__(self, seed: int, kind: str, durability: str = "sync", commit_interval_us: int = 1000) -> None:
        self.chance = random.Random(seed)
        self.result = Result(seed, kind)
        self.sync = durability == "sync"
        self.commit_interval_us = commit_interval_us
        self.engine = FaultyEngine({"durability": durability, "commit_interval_us": commit_interval_us})
        self.shim = self.engine.shim
        self.load = Load(self.engine, self.chance.getrandbits(32))

    def close(self) -> None:
        """Everything ended and removed."""
        self.load.close()
        self.engine.remove()

    def breach(self, found: Sequence[str]) -> None:
        """Notes what a check found."""
        self.result.breaches += found

    def begin(self) -> None:
        """The engine serves and has a durable beginning."""
        self.engine.start()
        self.load.begin()

    def trade(self, commands: int) -> None:
        """So many commands more, each with its verdict."""
        goal = self.load.commands + commands
        while self.load.commands < goal:
            self.load.step()
        self.load.settle()

    def trade_until_struck(self, slot: int, condition: Callable[[], bool] | None = None) -> bool:
        """Commands flow until the fault has struck and the condition, if there is one, holds or the engine has ended.

        False when the fault's place was not reached within COMMANDS_PER_LIFE_MAX.
        """
        goal = self.load.commands + COMMANDS_PER_LIFE_MAX
        deadline = time.monotonic() + 90.0
        while self.engine.running:
            if self.shim.hits(slot) and (condition is None or condition()):
                break
            assert time.monotonic() < deadline, "the fault struck, but the engine neither ended nor said so"
            if self.load.commands < goal:
                self.load.step()
            elif not self.shim.hits(slot):
                return False
            else:
                self.load.poll(5)
        return True

    def cut(self, fault: Fault) -> None:
        """Trades until the power goes at the fault's place, and leaves the disk as the cut left it."""
        slot = self.shim.inject(fault)
        if not self.trade_until_struck(slot):
            self.result.facts["cut places not reached"] += 1
            self.engine.kill9()
        else:
            self.engine.ended()
        self.after_cut()

    def after_cut(self) -> int:
        """Judges every answer of the life that ended, leaves the disk as the cut left it; returns when the cut was."""
        self.shim.clear()
        self.answers_were_durable()
        loss = restore_durable(self.engine.shim.log, self.engine.state_dir, self.chance.getrandbits(32))
        for name in ("pages_lost", "pages_torn", "pages_kept", "names_lost"):
            self.result.facts[name] += getattr(loss, name)
        self.result.facts["cuts"] += 1
        return loss.cut_ns

    def answers_were_durable(self) -> None:
        """What came since the log was begun came after it was durable, or as early as the mode allows."""
        allowed_ns = 0 if self.sync else checks.interval_bound_ns(self.shim.log, self.commit_interval_us)
        record = Record(self.load.seen, self.load.seen_ns)
        self.breach(checks.answered_early(self.shim.log, record, allowed_ns))

    def start_through_cuts(self) -> None:
        """Starts; with some chance the power goes again while the engine starts, up to three times."""
        for _ in range(3):
            if self.chance.random() < 0.6:
                break
            call, pattern, calls = self.chance.choice(CUTS_AT_START)
            slot = self.shim.inject(power_cut(call, pattern, after_calls=self.chance.randint(0, calls)))
            if self.engine.try_start():
                self.shim.clear()
                self.result.facts["start cuts not reached"] += 1
                return
            assert self.shim.hits(slot), f"the engine ended while starting, but no cut was due:\n{self.log_tail()}"
            self.result.facts["cuts at start"] += 1
            self.after_cut()
        self.engine.start()

    def nothing_lost(self) -> None:
        """The engine serves again: all that was seen is there, and what has no verdict gets one."""
        before = self.load.rejoin()
        self.breach(checks.nothing_lost(before, self.load.seen))
        self.load.settle()

    def finish(self) -> None:
        """A clean stop, and the whole record against what is stored and against the reference core."""
        self.load.settle()
        code = self.engine.stop()
        self.breach([f"exit code {code} at a clean stop"] if code else [])
        self.answers_were_durable()
        self.breach(checks.every_command_once(self.load))
        self.breach(checks.unasked_answers(self.load))
        self.breach(checks.journal_holds_what_was_sent(self.engine, self.load))
        self.breach(checks.stored_events_are_those_seen(self.engine, self.load))
        self.breach(checks.reference_agrees(self.engine))
        self.result.facts["commands"] += self.load.commands
        self.result.facts["events"] += len(self.load.seen)
        self.result.facts["trades"] += self.load.trades
        assert self.load.trades, "a load that does not trade proves little"

    def log_tail(self) -> str:
        """The end of the daemon's log."""
        return self.engine.log[-LOG_TAIL:]


def power_cut_in_sync(seed: int) -> Round:
    """Power cuts anywhere, one to three lives: nothing acknowledged is lost, every command has one verdict."""
    round_ = Round(seed, "power_cut_sync")
    return _played(round_, _cuts_in_sync)


def _cuts_in_sync(round_: Round) -> None:
    round_.start_through_cuts()
    round_.load.begin()
    for _ in range(round_.chance.randint(1, 3)):
        round_.cut(_cut_under_load(round_.chance))
        round_.start_through_cuts()
        round_.nothing_lost()
        round_.trade(round_.chance.randint(50, 500))
    round_.finish()


def _cut_under_load(chance: random.Random) -> Fault:
    call, pattern, calls = chance.choice(CUTS_UNDER_LOAD)
    if call == Call.WRITE and pattern == SEGMENT and chance.random() < 0.5:
        return power_cut(call, pattern, after_bytes=chance.randint(1, 1_500_000))
    return power_cut(call, pattern, after_calls=chance.randint(0, calls))


def power_cut_in_interval(seed: int) -> Round:
    """Commits every so often: what a cut takes is an end of the stream no older than interval and one commit."""
    interval_us = random.Random(seed).choice((1_000, 20_000, 200_000))
    return _played(Round(seed, "power_cut_interval", "interval", interval_us), _cuts_in_interval)


def _cuts_in_interval(round_: Round) -> None:
    round_.begin()
    for _ in range(round_.chance.randint(1, 3)):
        slot = round_.shim.inject(power_cut(Call.WRITE, SEGMENT, after_calls=round_.chance.randint(20, 400)))
        if round_.trade_until_struck(slot):
            round_.engine.ended()
        else:
            round_.engine.kill9()
        bound_ns = checks.interval_bound_ns(round_.shim.log, round_.commit_interval_us)
        cut_ns = round_.after_cut()
        round_.engine.start()
        before = round_.load.rejoin()
        round_.breach(checks.loss_is_bounded(before, round_.load.seen, cut_ns, bound_ns))
        round_.result.facts["events lost within the bound"] += len(before.events) - checks.in_common(
            before.events, round_.load.seen
        )
        round_.load.settle()
    round_.finish()


def power_cut_without_sync(seed: int) -> Round:
    """durability = "none": the same checks MUST find loss here, or they could not find any."""
    return _played(Round(seed, "power_cut_none", "none"), _cut_without_sync)


def _cut_without_sync(round_: Round) -> None:
    round_.engine.start()
    round_.load.unsynced_begin()
    round_.shim.inject(slow_sync(3_600_000_000, SEGMENT))  # or the sync of every second could come before the cut
    deadline = time.monotonic() + 60.0
    while checks.command_of(round_.load.seen[-1]) <= round_.engine.counter("durable_sequence"):
        assert time.monotonic() < deadline, "nothing was answered that was not durable"
        round_.load.step()
    round_.engine.kill9()
    round_.shim.clear()
    restore_durable(round_.shim.log, round_.engine.state_dir, None)
    round_.engine.start()
    before = round_.load.rejoin()
    round_.breach(checks.nothing_lost(before, round_.load.seen))


def disk_full_while_preparing(seed: int) -> Round:
    """No room for the next segment: intake waits, nothing is answered falsely, and goes on once there is room."""
    return _played(Round(seed, "disk_full_prepare"), _full_while_preparing)


def _full_while_preparing(round_: Round) -> None:
    round_.begin()
    calls = round_.chance.choice((Call.ALLOCATE, Call.CREATE, Call.WRITE, Call.CREATE | Call.WRITE | Call.ALLOCATE))
    slot = round_.shim.inject(disk_full(SPARE, calls=calls))
    _await_state(round_, slot, lib.JOURNAL_DISK_FULL)
    _goes_on(round_)
    round_.finish()


def _goes_on(round_: Round) -> None:
    """Intake is paused, nothing is answered that is not durable; once the disk is well the engine goes on by itself."""
    assert round_.engine.running, f"a disk that recovers must not end the engine:\n{round_.log_tail()}"
    released = round_.engine.counter("released_sequence")
    durable = round_.engine.counter("durable_sequence")
    round_.breach([f"released {released}, durable {durable}"] if released > durable else [])
    round_.shim.clear()
    round_.load.until(lambda: not _state_shown(round_), "the journal to catch up")
    round_.load.settle()
    if round_.chance.random() < 0.5:
        _cut_afterwards(round_)


def _ends(round_: Round) -> None:
    """An error of the disk ends the process with its own code; the next start believes only what is on the disk."""
    code = round_.engine.ended()
    round_.breach([] if code == EXIT_DISK else [f"exit code {code} instead of {EXIT_DISK}"])
    round_.shim.clear()
    round_.engine.start()
    round_.nothing_lost()
    _cut_afterwards(round_)


def _cut_afterwards(round_: Round) -> None:
    """Whatever the failed disk made of the pages before, what has been said since survives a power cut."""
    round_.trade(round_.chance.randint(10, 200))
    round_.cut(_cut_under_load(round_.chance))
    round_.start_through_cuts()
    round_.nothing_lost()


def disk_full_while_writing(seed: int) -> Round:
    """ENOSPC for the event journal or a command segment, at once or after some bytes."""
    return _played(Round(seed, "disk_full_write"), _full_while_writing)


def _full_while_writing(round_: Round) -> None:
    round_.begin()
    pattern = round_.chance.choice((EVENTS, EVENTS, SEGMENT))
    slot = round_.shim.inject(disk_full(pattern, after_bytes=round_.chance.randint(0, 600_000)))
    _await_state(round_, slot, lib.JOURNAL_DISK_FULL)
    _goes_on(round_)
    round_.finish()


def _await_state(round_: Round, slot: int, state: int) -> None:
    """Trades until the fault has struck and the engine says so in its counters."""
    struck = round_.trade_until_struck(slot, lambda: round_.engine.counter("journal_state") == state)
    assert struck, "the fault's place was not reached"


def _state_shown(round_: Round) -> bool:
    """Whether the engine says by its counter that its journal is not well."""
    return round_.engine.counter("journal_state") != int(lib.JOURNAL_RUNNING)


def _await_end(round_: Round, fault: Fault) -> None:
    """Trades until the fault has ended the process."""
    struck = round_.trade_until_struck(round_.shim.inject(fault), lambda: False)
    assert struck, "the fault's place was not reached"


def write_errors(seed: int) -> Round:
    """EIO for writes of segments, the spare or the event journal."""
    return _played(Round(seed, "eio_write"), _fail_writes)


def _fail_writes(round_: Round) -> None:
    round_.begin()
    pattern, calls = round_.chance.choice(((SEGMENT, 60), (EVENTS, 100)))
    _await_end(round_, write_error(pattern, after_calls=round_.chance.randint(0, calls)))
    _ends(round_)
    round_.finish()


def sync_errors(seed: int) -> Round:
    """EIO for one sync, after which the kernel calls the pages clean: the engine ends, and believes none of them."""
    return _played(Round(seed, "eio_sync"), _fail_syncs)


def _fail_syncs(round_: Round) -> None:
    round_.begin()
    pattern, calls = round_.chance.choice(((SEGMENT, 60), (SEGMENT, 60), ("engine/journal", 1)))
    _await_end(round_, sync_error(pattern, after_calls=round_.chance.randint(0, calls)))
    _ends(round_)
    round_.finish()


def slow_syncs(seed: int) -> Round:
    """Syncs that take seconds: nothing unsynced is answered meanwhile, and nothing is lost when it is over."""
    return _played(Round(seed, "slow_sync"), _slow_down)


def _slow_down(round_: Round) -> None:
    round_.begin()
    round_.trade(100)
    fault = slow_sync(3_600_000_000, SEGMENT, after_calls=round_.chance.randint(0, 30))
    slot = round_.shim.inject(fault)
    assert round_.trade_until_struck(slot), "no sync came"
    durable = round_.engine.counter("durable_sequence")
    _await_state(round_, slot, lib.JOURNAL_SLOW_DISK)
    for _ in range(100):
        round_.load.step()
    round_.load.until(lambda: '"state":"slow_disk"' in round_.engine.log, "a word in the log on the slow disk")
    seen = checks.command_of(round_.load.seen[-1])
    round_.breach([f"command {seen} answered, {durable} is durable"] if seen > durable else [])
    _goes_on(round_)
    round_.finish()


def short_writes(seed: int) -> Round:
    """The kernel takes a part of each write: nothing is any different."""
    return _played(Round(seed, "short_writes"), _shorten)


def _shorten(round_: Round) -> None:
    round_.begin()
    for pattern in (SEGMENT, EVENTS):
        round_.shim.inject(Fault(Kind.SHORT, Call.WRITE, pattern, amount=round_.chance.choice((1_000, 4_096, 33_333))))
    round_.trade(round_.chance.randint(500, 2_000))
    round_.cut(_cut_under_load(round_.chance))
    round_.start_through_cuts()
    round_.nothing_lost()
    round_.finish()


def clock_steps(seed: int) -> Round:
    """A step of more than max_clock_jump_ms under load: halted for the operator, nothing lost, stamps never go back."""
    return _played(Round(seed, "clock_step"), _step_clock)


def _step_clock(round_: Round) -> None:
    round_.begin()
    round_.trade(round_.chance.randint(10, 300))
    size_ns = round_.chance.choice((6, 60, 86_400)) * 10**9 + round_.chance.randint(0, 10**9)
    forward = round_.chance.random() < 0.5
    round_.shim.step_clock(size_ns if forward else -size_ns)
    round_.load.until(lambda: not round_.engine.running, "the engine to halt after a step of the clock")
    code = round_.engine.ended()
    round_.breach([] if code == EXIT_FAILED else [f"exit code {code} instead of {EXIT_FAILED}"])
    round_.breach([] if "max_clock_jump_ms" in round_.engine.log else ["the log does not name the clock's step"])
    if not forward:
        refusal = round_.engine.start_refused()
        round_.breach([] if "the clock is behind" in refusal else [f"refused for another reason: {refusal}"])
        round_.shim.step_clock(0)
    round_.engine.start()
    round_.nothing_lost()
    state = round_.engine.counter("venue_state")
    round_.breach([] if state == TradingState.CANCEL_ONLY else [f"the market is {state}, not waiting for the operator"])
    round_.load.resume()
    round_.trade(50)
    round_.finish()
    round_.breach(checks.stamps_never_go_back(round_.engine))


def torn_tails(seed: int) -> Round:
    """Half a batch behind the last record, as a kill in the middle of a write leaves it: cut with a message."""
    return _played(Round(seed, "torn_tail"), _tear)


def _tear(round_: Round) -> None:
    round_.begin()
    for _ in range(2):
        round_.trade(round_.chance.randint(10, 1_500))
        round_.engine.kill9()
        where = tear_tail(round_.engine.journal_dir, round_.chance)
        begun = len(round_.engine.log)
        round_.engine.start()
        said = round_.engine.log[begun:]
        round_.breach(
            [] if f'"offset":{where.offset},' in said and "torn_tail_cut" in said else [f"no word of {where}"]
        )
        round_.nothing_lost()
    round_.finish()


def damaged_journals(seed: int) -> Round:
    """Damage below the watermark: refused with file and offset, nothing changed; repaired, all is there."""
    return _played(Round(seed, "damaged_journal"), _damage)


def _damage(round_: Round) -> None:
    round_.begin()
    round_.trade(round_.chance.randint(200, 6_000))
    if round_.chance.random() < 0.5:
        round_.engine.kill9()
    else:
        round_.engine.stop()
    damage = damage_below_watermark(round_.engine.journal_dir, round_.chance)
    without_events = round_.chance.random() < 0.3
    if without_events:
        shutil.rmtree(round_.engine.events_dir)
    before = _files(round_.engine.journal_dir)
    refusal = round_.engine.start_refused()
    round_.breach(_told(refusal, damage))
    round_.breach([] if _files(round_.engine.journal_dir) == before else ["a refused start changed the journal"])
    damage.repair()
    round_.engine.start()
    round_.nothing_lost()
    round_.finish()


def _told(refusal: str, damage: Damage) -> list[str]:
    """Whether a refusal names the file, the offset of the first record that cannot be read, and what to do."""
    wanted = (damage.path.name, f"offset {damage.record_offset}:", "from the archive")
    unsaid = [word for word in wanted if word not in refusal]
    return [f"the refusal of {damage} does not say {unsaid}: {refusal[-LOG_TAIL:]}"] if unsaid else []


def _files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.glob("*.vj")}


def damaged_event_journals(seed: int) -> Round:
    """Any damage to the event journal: rebuilt from the commands, byte for byte."""
    return _played(Round(seed, "damaged_events"), _damage_events)


def _damage_events(round_: Round) -> None:
    round_.begin()
    for _ in range(2):
        round_.trade(round_.chance.randint(100, 3_000))
        if round_.chance.random() < 0.5:
            round_.engine.kill9()
        else:
            round_.engine.stop()
        damage_events(round_.engine.events_dir, round_.chance)
        round_.engine.start()
        round_.nothing_lost()
    round_.finish()


KINDS: dict[str, Callable[[int], Round]] = {
    "power_cut_sync": power_cut_in_sync,
    "power_cut_interval": power_cut_in_interval,
    "disk_full_prepare": disk_full_while_preparing,
    "disk_full_write": disk_full_while_writing,
    "eio_write": write_errors,
    "eio_sync": sync_errors,
    "slow_sync": slow_syncs,
    "short_writes": short_writes,
    "clock_step": clock_steps,
    "torn_tail": torn_tails,
    "damaged_journal": damaged_journals,
    "damaged_events": damaged_event_journals,
}


def _played(round_: Round, schedule: Callable[[Round], None]) -> Round:
    """The round after its schedule; what went wrong on the way is a breach with the end of the daemon's log."""
    begun_s = time.monotonic()
    try:
        schedule(round_)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        round_.breach([f"{type(error).__name__} at {where.name}: {error} -- log: {round_.log_tail()}"])
    finally:
        round_.result.seconds = time.monotonic() - begun_s
        round_.close()
    return round_


def run_round(seed: int, kind: str | None = None) -> Result:
    """One round; its kind follows from the seed unless given."""
    name = kind or list(KINDS)[seed % len(KINDS)]
    return KINDS[name](seed).result


def main(arguments: Sequence[str] | None = None) -> int:
    """Rounds with seeds S, S + 1, ...; 1 when something did not hold."""
    parser = argparse.ArgumentParser(prog="tests.faults.disk_rounds", description="Disk faults against the engine.")
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    parser.add_argument("--rounds", type=int, default=len(KINDS))
    parser.add_argument("--kind", choices=sorted(KINDS), help="only rounds of this kind")
    parser.add_argument("--json", type=Path, help="where to write the results")
    options = parser.parse_args(arguments)
    results = []
    for seed in range(options.seed, options.seed + options.rounds):
        results.append(run_round(seed, options.kind))
        print(results[-1].line, flush=True)
    failed = [result for result in results if result.breaches]
    kinds = Counter(result.kind for result in results)
    print(f"{len(results)} rounds, {len(failed)} with breaches; {dict(kinds)}")
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
