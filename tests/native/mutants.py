"""Seeded faults in the C core, each of which the property tests must catch: a test that lets one live proves nothing.

Usage: python -m tests.native.mutants [NAME ...]. Every mutant is the core with one or two places of its source
replaced, built in a directory of its own (build/mutants) and run against the reference. The table says how each was
caught; the exit status is 1 if one survives, or if its place is no longer found in the source.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import NamedTuple

from engine.native.build import FLAGS, builder

ROOT = Path(__file__).resolve().parents[2]
NATIVE = ROOT / "engine" / "native"
SCRATCH = ROOT / "build" / "mutants"
MODULE = f"_native{sysconfig.get_config_var('EXT_SUFFIX')}"
EPISODES, COMMANDS = 40, 25_000  # what one CI run has
SEED = 20260101
SECONDS_MAX = 900
#: A mutant may leave variables unused; what counts is what it does.
COMPILE = ["gcc", "-fPIC", *(flag for flag in FLAGS if flag != "-Werror"), "-w", "-O1"]


class Mutant(NamedTuple):
    """One fault: in each of the named files, text that occurs exactly once becomes another."""

    name: str
    file: str
    changes: tuple[tuple[str, str], ...]


MUTANTS = (
    Mutant(
        "a taker looks for makers on its own side",
        "match.c",
        (
            (
                "book_side(&core->books, taker->instrument, opposite(taker->side))",
                "book_side(&core->books, taker->instrument, taker->side)",
            ),
        ),
    ),
    Mutant(
        "a price band is one tick too wide",
        "match.c",
        (
            (
                "return middle_ticks + width < limit_ticks ? middle_ticks + width : limit_ticks;",
                "return middle_ticks + width < limit_ticks ? middle_ticks + width + 1 : limit_ticks;",
            ),
        ),
    ),
    Mutant(
        "a refilled iceberg keeps its place",
        "match.c",
        (
            (
                "    queue_leave(books, ladder, maker->price_ticks, index);\n"
                "    maker->priority = core->command_sequence;\n"
                "    queue_join(books, ladder, maker->price_ticks, index);\n"
                "    emit_refilled",
                "    emit_refilled",
            ),
        ),
    ),
    Mutant(
        "a selling maker gets its fee",
        "match.c",
        (
            (
                "fill->notional_units - fill->maker_fee_units, 0);",
                "fill->notional_units + fill->maker_fee_units, 0);",
            ),
        ),
    ),
    Mutant(
        "self-trade prevention cancels newest for oldest",
        "match.c",
        (
            (
                "    case WIRE_SELF_TRADE_PREVENTION_CANCEL_NEWEST:\n        cancel_taker",
                "    case WIRE_SELF_TRADE_PREVENTION_CANCEL_OLDEST:\n        cancel_taker",
            ),
            (
                "    case WIRE_SELF_TRADE_PREVENTION_CANCEL_OLDEST:\n        cancel_open_order",
                "    case WIRE_SELF_TRADE_PREVENTION_CANCEL_NEWEST:\n        cancel_open_order",
            ),
        ),
    ),
    Mutant(
        "a decremented order keeps money that it no longer needs",
        "match.c",
        (
            (
                "    balance_move(&core->accounts, order->account, reserved_asset(listing, order->side), "
                "less_units, -less_units);\n",
                "",
            ),
        ),
    ),
    Mutant(
        "a fill does not reduce what is open",
        "match.c",
        (
            (
                "    *open -= open_lots;\n",
                "",
            ),
        ),
    ),
    Mutant(
        "a fee is rounded down",
        "money.h",
        (
            (
                ".units = whole + (left != 0) - (remainder != 0)",
                ".units = whole",
            ),
        ),
    ),
    Mutant(
        "one more fill than allowed",
        "match.c",
        (
            (
                "if (taking->steps == core->limits.max_fills_per_command) {",
                "if (taking->steps == core->limits.max_fills_per_command + 1) {",
            ),
        ),
    ),
    Mutant(
        "an auction without pressure takes the lower of two near prices",
        "clearing.c",
        (
            (
                "return below < low || above - guide <= guide - below ? above : below;",
                "return below < low || above - guide < guide - below ? above : below;",
            ),
        ),
    ),
    Mutant(
        "an auction with equal volumes does not look at the surplus",
        "clearing.c",
        (
            (
                "(lower_volume == upper_volume && lower_surplus < -upper_surplus)",
                "(lower_volume == upper_volume)",
            ),
        ),
    ),
    Mutant(
        "a buy stop waits one tick longer",
        "stop.c",
        (
            (
                "ladder->best_tick != 0 && ladder->best_tick <= high_ticks ?",
                "ladder->best_tick != 0 && ladder->best_tick < high_ticks ?",
            ),
        ),
    ),
    Mutant(
        "a bust leaves the buyer with its position",
        "bust.c",
        (
            (
                "trade->buyer_account, trade->instrument)->position_lots -= trade->quantity_lots;",
                "trade->buyer_account, trade->instrument)->position_lots += trade->quantity_lots;",
            ),
        ),
    ),
    Mutant(
        "a smaller order at the same price loses its place",
        "order.c",
        (
            (
                "replacement->leaves_lots <= order->leaves_lots &&\n        same_display",
                "replacement->leaves_lots < order->leaves_lots &&\n        same_display",
            ),
        ),
    ),
    Mutant(
        "a participant's kill switch is not looked at",
        "order.c",
        (
            (
                " | core->accounts.killed[account->participant]) != 0;",
                ") != 0;",
            ),
        ),
    ),
    Mutant(
        "the short way of a replace keeps the order's priority",
        "plain.c",
        (
            (
                "    order->priority = core->command_sequence;\n    order_changed",
                "    order_changed",
            ),
        ),
    ),
    Mutant(
        "the short way does not look at a participant's kill switch",
        "plain.c",
        (
            (
                " | core->accounts.killed[account->participant] |",
                " |",
            ),
        ),
    ),
    Mutant(
        "a protection trips a nanosecond too late",
        "risk.c",
        (
            (
                "protection->time_ns[protection->oldest] <= window_ns",
                "protection->time_ns[protection->oldest] < window_ns",
            ),
        ),
    ),
    Mutant(
        "an order expires after its instant",
        "timer.c",
        (
            (
                "core->books.terms[core->timers.heap[1]].expire_ns <= core->time_ns",
                "core->books.terms[core->timers.heap[1]].expire_ns < core->time_ns",
            ),
        ),
    ),
    Mutant(
        "a protection that fills up is not hashed again",
        "risk.c",
        (
            (
                "    dirty_mark(&core->protections.dirty, number);\n    const uint64_t window_ns",
                "    const uint64_t window_ns",
            ),
        ),
    ),
)


def main(names: list[str]) -> int:
    """Builds and runs the mutants asked for, or all of them."""
    chosen = [mutant for mutant in MUTANTS if not names or any(name in mutant.name for name in names)]
    objects = _prepare()
    survivors = 0
    for mutant in chosen:
        started = time.monotonic()
        outcome, caught = _try(mutant, objects)
        survivors += not caught
        print(
            f"{'caught  ' if caught else 'SURVIVED'} {mutant.name}: {outcome} ({time.monotonic() - started:.0f} s)",
            flush=True,
        )
    outcome, caught = _run(_linked(objects, {}), 1)
    survivors += caught
    print(f"{'BROKEN  ' if caught else 'clean   '} the core as it is: {outcome}")
    print(f"{len(chosen)} mutants, {survivors} not as they must be")
    return 1 if survivors else 0


def _prepare() -> dict[str, Path]:
    """A tree to run in, and the objects of the core as it is, by source file."""
    shutil.rmtree(SCRATCH, ignore_errors=True)
    tree = SCRATCH / "tree"
    shutil.copytree(
        ROOT / "engine", tree / "engine", ignore=shutil.ignore_patterns("_native*", "__pycache__", "native")
    )
    (tree / "engine" / "native").mkdir()
    for directory in ("tests", "cfg"):
        (tree / directory).symlink_to(ROOT / directory)
    glue = SCRATCH / "_native.c"
    builder(ROOT).emit_c_code(str(glue))
    sources = [glue, *sorted(path for path in NATIVE.glob("*.c") if path.name != "_native.c")]
    return {source.name: _compiled(source, SCRATCH / f"{source.stem}.o", NATIVE) for source in sources}


def _compiled(source: Path, target: Path, headers: Path) -> Path:
    subprocess.run([*COMPILE, f"-I{headers}", f"-I{NATIVE}", "-c", str(source), "-o", str(target)], check=True)
    return target


def _try(mutant: Mutant, objects: dict[str, Path]) -> tuple[str, bool]:
    """How the mutant was caught, if it was."""
    text = (NATIVE / mutant.file).read_text(encoding="utf-8")
    for old, new in mutant.changes:
        if text.count(old) != 1:
            return f"its place in {mutant.file} is not found (or not once): {old!r}", False
        text = text.replace(old, new)
    place = SCRATCH / "mutated"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    (place / mutant.file).write_text(text, encoding="utf-8")
    changed = {}
    if mutant.file.endswith(".h"):
        for other in NATIVE.glob("*.[ch]"):  # a header is looked for beside the file that includes it
            if other.name not in {mutant.file, "_native.c"}:
                shutil.copy2(other, place / other.name)
        for source in place.glob("*.c"):
            changed[source.name] = _compiled(source, source.with_suffix(".o"), place)
    else:
        changed[mutant.file] = _compiled(place / mutant.file, place / "mutated.o", NATIVE)
    return _run(_linked(objects, changed), EPISODES)


def _linked(objects: dict[str, Path], changed: dict[str, Path]) -> Path:
    """The extension module with some objects replaced, in the tree."""
    tree = SCRATCH / "tree"
    module = tree / "engine" / MODULE
    module.unlink(missing_ok=True)
    linked = [str(changed.get(name, path)) for name, path in objects.items()]
    subprocess.run(["gcc", "-shared", *linked, "-o", str(module), "-lpthread", "-ldl"], check=True)
    return tree


def _run(tree: Path, episodes: int) -> tuple[str, bool]:
    """The property tests' driver against this build: what it says of a difference, and whether there was one."""
    command = [sys.executable, "-m", "tests.property.bulk", "--seed", str(SEED), "--episodes", str(episodes)]
    command += ["--commands", str(COMMANDS), "--shrink-s", "0"]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        run = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        return f"still running after {SECONDS_MAX} s", False
    if run.returncode == 0:
        return f"{episodes * COMMANDS:,} commands without a difference", False
    if run.returncode < 0:
        return f"stopped itself: {(run.stderr.strip().splitlines() or ['no word'])[-1][:110]}", True
    return _difference(run.stderr), True


def _difference(said: str) -> str:
    """The line that names the difference, and after how many commands it showed."""
    lines = said.splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith("seed ")), 0)
    about = next((line for line in lines[first + 1 :] if ": reference " in line), lines[first].partition(": ")[2])
    return about.strip()[:120]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
