"""Long seeded runs of both cores in lock-step, in episodes; a difference is cut down to the few commands it needs.

Usage: python -m tests.property.bulk [--seed S] [--episodes N] [--commands N] [--out FILE]. Every episode starts from
nothing with its own seed, S, S + 1 ...; the counts of what was reached are printed, or written to FILE as JSON. The
commands of the episode at work, and of one that differed, are in ./build/differential, so that an abort of the C core
can be replayed too.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from struct import Struct
from typing import NamedTuple

from engine.wire.messages import (
    HEADER,
    CancelOrder,
    Checkpoint,
    Credit,
    MassCancel,
    NewOrder,
    ReplaceOrder,
    Role,
    Transfer,
    decode,
)
from tests.property.commands import CAPACITY, CommandSource
from tests.property.drawn import RandomSource
from tests.property.pair import Pair, Recorder
from tests.property.quick import make_quick

RECORDS = Path("build", "differential")
COMMANDS_PER_EPISODE = 25_000
AUDIT_EVERY = 250
JOURNAL_HASH_EVERY = 1_000
CHAIN = Struct("<IIIIQQ")  # session, session_epoch, generation, gateway, client_seq, prev_client_seq
CLIENT_TEMPLATES = {message.TEMPLATE_ID for message in (NewOrder, CancelOrder, ReplaceOrder, MassCancel)}


class Step(NamedTuple):
    """One message as it was sent; `applied`: it passed the check then, so it must be made to pass in any replay."""

    time_ns: int
    role: Role
    message: bytes
    applied: bool


class Difference(Exception):
    """The two cores differ: the steps that lead there, and how they differ."""

    def __init__(self, steps: list[Step], text: str) -> None:
        super().__init__(text)
        self.steps = steps
        self.text = text


def run_episode(seed: int, commands: int, hash_every: int = 1) -> Counter[str]:
    """Both cores through one episode; what it reached. Raises Difference."""
    source = RandomSource(seed)
    recorder = Recorder(RECORDS / f"{seed}.commands", CAPACITY)
    pair = Pair(CAPACITY, source, hash_every=hash_every, audit_every=AUDIT_EVERY, recorder=recorder)
    steps: list[Step] = []
    queue = source.everything()
    try:
        for number in range(commands):
            role, message = queue.pop(0) if queue else source.draw()
            before = pair.sequence
            steps.append(Step(source.time_ns, role, message, True))
            pair.send(role, message)
            if pair.sequence == before:
                steps[-1] = steps[-1]._replace(applied=False)
            if number % JOURNAL_HASH_EVERY == 0:
                pair.journal_hash()
        pair.audit()
    except Exception as error:
        raise Difference(steps, _why(error)) from error
    finally:
        recorder.close()
    return pair.reached


def _why(error: BaseException) -> str:
    """How the cores differ; where it happened if one of them failed instead."""
    if type(error) is AssertionError and str(error):
        return str(error)
    return f"{error!r} in\n{traceback.format_exc(limit=-4)}"


def replay(steps: list[Step]) -> None:
    """Sends the steps to two fresh cores; what was applied then is numbered anew, so that steps can be left out."""
    source = CommandSource()
    pair = Pair(CAPACITY, source)
    for step in steps:
        source.time_ns = step.time_ns
        message = _renumbered(step.message, source) if step.applied else step.message
        pair.send(step.role, message)


def _renumbered(message: bytes, source: CommandSource) -> bytes:
    """The message with the sequence numbers that it needs now."""
    template_id = HEADER.unpack_from(message)[1]
    if template_id in CLIENT_TEMPLATES:
        (session, *_) = CHAIN.unpack_from(message, HEADER.size)
        chain = source.chains.get(session)
        if chain is None:
            return message
        last = chain.last_client_seq
        fields = CHAIN.pack(session, chain.session_epoch, chain.generation, chain.gateway, last + 1, last)
        return message[: HEADER.size] + fields + message[HEADER.size + CHAIN.size :]
    sequences = {
        Credit.TEMPLATE_ID: ("deposit_seq", source.deposit_seq),
        Transfer.TEMPLATE_ID: ("transfer_seq", source.transfer_seq),
        Checkpoint.TEMPLATE_ID: ("checkpoint", source.checkpoint),
    }
    if template_id in sequences:
        name, last = sequences[template_id]
        return decode(message)._replace(**{name: last + 1}).encode()  # type: ignore[arg-type]
    return message


def _fails(steps: list[Step]) -> bool:
    """Whether the cores differ on these steps; asked of a child process, which an abort may end."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            replay(steps)
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return status != 0


def shrink(steps: list[Step], budget_s: float, fails: Callable[[list[Step]], bool] = _fails) -> list[Step]:
    """The shortest failing steps that leaving out runs of steps, ever smaller ones, finds within the budget."""
    if not fails(steps):
        return steps
    deadline = time.monotonic() + budget_s
    size = max(len(steps) // 2, 1)
    while True:
        start = 0
        removed = False
        while start < len(steps):
            if time.monotonic() > deadline:
                return steps
            fewer = steps[:start] + steps[start + size :]
            if fails(fewer):
                steps, removed = fewer, True
            else:
                start += size
        if size == 1 and not removed:
            return steps
        size = max(size // 2, 1)


def described(steps: list[Step]) -> str:
    """The steps in words, one line each."""
    lines = []
    for step in steps:
        try:
            text = str(decode(step.message))
        except Exception:
            text = step.message.hex()
        lines.append(f"{step.time_ns} {step.role.name}{'' if step.applied else ' (not applied)'}: {text}")
    return "\n".join(lines)


def explain(steps: list[Step]) -> str:
    """What replaying the steps says, in a child of its own because the C core may abort."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writer, 2)
        try:
            replay(steps)
        except BaseException as error:
            os.write(writer, _why(error).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    os.waitpid(child, 0)
    return said


def report(seed: int, difference: Difference, budget_s: float) -> str:
    """The difference cut down, written beside the record of the episode, and as text."""
    short = shrink(difference.steps, budget_s)
    text = f"seed {seed}: {difference.text}\n\ncut down to {len(short)} steps:\n{described(short)}\n\n{explain(short)}"
    RECORDS.mkdir(parents=True, exist_ok=True)
    (RECORDS / f"{seed}.txt").write_text(text, encoding="utf-8")
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--episodes", type=int, default=4)
    parser.add_argument("--commands", type=int, default=COMMANDS_PER_EPISODE, help="per episode")
    parser.add_argument("--hash-every", type=int, default=1)
    parser.add_argument("--shrink-s", type=float, default=60, help="how long a difference may be cut down")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    make_quick()
    reached: Counter[str] = Counter()
    started = time.monotonic()
    for seed in range(options.seed, options.seed + options.episodes):
        print(f"episode of seed {seed}", file=sys.stderr, flush=True)
        try:
            reached += run_episode(seed, options.commands, options.hash_every)
        except Difference as difference:
            print(report(seed, difference, options.shrink_s), file=sys.stderr, flush=True)
            return 1
        (RECORDS / f"{seed}.commands").unlink()
    spent = time.monotonic() - started
    total = options.episodes * options.commands
    print(f"{total:,} commands in {spent:.1f} s, {spent / total * 1e6:.0f} us each", file=sys.stderr)
    if options.out:
        options.out.write_text(json.dumps(reached), encoding="utf-8")
    else:
        for name, count in sorted(reached.items()):
            print(f"{count:9,} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
