"""The matching core against orderly-chaos on the neutral workloads, and what a command costs at worst.

Both engines run in turns within one run, on one CPU, on the same files; each proves by the file's trade_hash that it
did the work. Ours does more per command: risk, balances, fees, full events, invariants, the state hash.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import orjson

from engine.native.build import FLAGS
from tests.perf.report import OUT, ROOT, Row, machine, publish, row

SOURCES = ROOT / "tests" / "perf" / "matching"
BUILT = ROOT / "build" / "matching"
WORKLOADS = OUT / "mewl"
YARDSTICK = OUT / "orderly_chaos"
YARDSTICK_NAME, YARDSTICK_VERSION = "orderly-chaos", "0.2.0"
YARDSTICK_SHA256 = "1be36c35cad840ad7fcde7ea21b97a7c319e8af9e9a23d9277c9661b32795ba9"
SEED = 42
MEWL_MAGIC = 0x31304C57454D454D
MEWL_HEADER = struct.Struct("<QIIQQIIiiQ")
ROUNDS, LATENCY_ROUNDS = 5, 3
QUICK = 20  # a quick run does one in so many of the commands

ABOUT = (
    "Files: A exchange-core's mix, 1,000 resting; B like ITCH, 100 instruments, 1 M resting; C sparse and deep, "
    "500 k resting; D sweeps of 600 orders. Command: processor time, message bytes in memory to events in a ring "
    "of 8 MB; our core with check, risk, balances, maker and taker fees, full events, invariants and the state "
    "hash asked for every 4,096 commands, as the loop does. Baseline: orderly-chaos on the same file in the same run, "
    "in turns; it "
    "matches and reports trades, nothing else. Both have touched their memory before. Every run ends in the "
    "trade_hash of its file. Latency: time stamp counter around one command, with the messages ahead looked at as "
    "the loop can with what it has drained (alone: not); outside sweeps: commands with at most 2 fills; samples "
    "of a run of 64 commands in which the kernel took the CPU away are set aside; the state hash, asked for "
    "between two commands, is told apart. Worst single command: the slowest when for each the best of the "
    "repetitions counts, so that what the machine did meanwhile does not. Excluded: transport, journal, "
    "publishing."
)


@dataclass(frozen=True)
class Workload:
    """One file: how many commands are timed, and how many times faster than the yardstick we must be."""

    name: str
    commands: int
    target: int


FILES = (
    Workload("A", 3_000_000, 3),
    Workload("B", 8_000_000, 8),
    Workload("C", 3_000_000, 15),
    Workload("D", 2_000_000, 3),
)
P999_TARGET_NS, FILL_TARGET_NS, ORDER_TARGET_BYTES, GROWTH_TARGET = 2_000, 60, 160, 2
RESTING = (1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True)
class Hostile:
    """A shape that looks for the worst command: its name in shapes.c, and its two sizes."""

    name: str
    count: int
    resting: int


HOSTILE = (
    Hostile("level_flood", 400_000, 0),
    Hostile("flicker", 400_000, 1_000),
    Hostile("cancel_storm", 500_000, 0),
    Hostile("id_patterns", 500_000, 100_000),
    Hostile("longest_sweep", 400_000, 0),
    Hostile("iceberg_refills", 400_000, 64),
    Hostile("stop_cascade", 200_000, 2_000),
    Hostile("mass_cancel", 0, 200_000),
)


Answer = dict[str, float]


class Driver:
    """A program that plays one workload each time it is asked to, and answers in JSON."""

    def __init__(self, *command: str) -> None:
        self._command = command
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._answer()

    def ask(self, what: str) -> Answer:
        """The numbers of one run; a run that could not prove itself ends the benchmark."""
        assert self._process.stdin
        self._process.stdin.write(f"{what}\n".encode())
        return self._answer()

    def close(self) -> None:
        """Ends the program."""
        self._process.kill()
        self._process.wait()

    def _answer(self) -> Answer:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(self._command)}: ended with {self._process.wait()}")
        answer: Answer = orjson.loads(line)
        return answer


@contextmanager
def drivers(commands: Mapping[str, Sequence[str]]) -> Iterator[dict[str, Driver]]:
    """Drivers by name, ended whatever happens."""
    with ExitStack() as stack:
        started = {}
        for name, command in commands.items():
            started[name] = Driver(*command)
            stack.callback(started[name].close)
        yield started


def per_command(answer: Mapping[str, float]) -> float:
    """Nanoseconds."""
    return answer["ns"] / answer["commands"]


def in_turns(asked: Mapping[str, tuple[Driver, str]], rounds: int) -> dict[str, list[float]]:
    """Nanoseconds per command of every round; the order is turned round every time."""
    found: dict[str, list[float]] = {name: [] for name in asked}
    for number in range(rounds):
        for name in list(asked) if number % 2 == 0 else list(asked)[::-1]:
            driver, what = asked[name]
            found[name].append(per_command(driver.ask(what)))
    return found


# ---- what is needed first ----


def fetch_yardstick() -> None:
    """The headers of the sdist, once."""
    if (YARDSTICK / "include").is_dir():
        return
    with tempfile.TemporaryDirectory() as name:
        download = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
        ]
        source = ["--no-build-isolation", "--no-binary", ":all:", "--dest", name]
        subprocess.run([*download, *source, f"{YARDSTICK_NAME}=={YARDSTICK_VERSION}"], check=True)
        (archive,) = Path(name).glob("*.tar.gz")
        if hashlib.sha256(archive.read_bytes()).hexdigest() != YARDSTICK_SHA256:
            raise RuntimeError(f"{archive.name} is not the {YARDSTICK_NAME} {YARDSTICK_VERSION} that is compared with")
        with tarfile.open(archive) as members:
            members.extractall(name, filter="data")
        shutil.rmtree(YARDSTICK, ignore_errors=True)
        shutil.move(archive.with_name(archive.name.removesuffix(".tar.gz")), YARDSTICK)


def build() -> str:
    """Makes the programs; returns the flags that the core is compiled with, which are production's."""
    flags = " ".join(flag for flag in FLAGS if not flag.startswith(("-isystem", "-W")))
    make = ["make", "--no-print-directory", "--silent", "-C", str(SOURCES)]
    subprocess.run([*make, f"CORE_FLAGS={flags}", f"YARDSTICK={YARDSTICK}"], check=True)
    return flags


def workload_file(workload: Workload, commands: int) -> Path:
    """The file, generated unless it is there with the right header."""
    path = WORKLOADS / f"{workload.name}-{commands}.mewl"
    if path.exists() and _is_workload(path, commands):
        return path
    WORKLOADS.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    generate = [
        str(BUILT / "generate"),
        workload.name,
        str(fresh),
        str(commands),
        str(SEED),
    ]
    subprocess.run(generate, check=True, stdout=subprocess.DEVNULL)
    fresh.replace(path)
    return path


def _is_workload(path: Path, commands: int) -> bool:
    with path.open("rb") as file:
        header = file.read(MEWL_HEADER.size)
    if len(header) < MEWL_HEADER.size:
        return False
    magic, _, record_size, total, prefill, *_, seed = MEWL_HEADER.unpack(header)
    whole = path.stat().st_size == 128 + total * record_size
    return whole and (magic, total - prefill, seed) == (MEWL_MAGIC, commands, SEED)


# ---- the tables ----


def file_rows(workload: Workload, quick: bool, rounds: int) -> list[Row]:
    """Our core and the yardstick in turns on one file, with the cost of our extras as differences."""
    commands = workload.commands // QUICK if quick else workload.commands
    path = str(workload_file(workload, commands))
    programs = {
        "ours": "core_driver",
        "unchecked": "core_driver_unchecked",
        "yardstick": "yardstick",
    }
    case = workload.name
    commands_of: dict[str, tuple[str, ...]] = {
        name: (str(BUILT / program), "file", path) for name, program in programs.items()
    }
    commands_of["unlimited"] = (str(BUILT / "core_driver"), "file", path, "unlimited")
    with drivers(commands_of) as started:
        ours = started["ours"]
        found = in_turns(
            {
                "ours": (ours, "throughput"),
                "yardstick": (started["yardstick"], "throughput"),
                "alone": (ours, "throughput alone"),
                "nohash": (ours, "throughput nohash"),
                "unchecked": (started["unchecked"], "throughput"),
                "unlimited": (started["unlimited"], "throughput"),
            },
            rounds,
        )
        rows = [
            row(case, "command", "ns", found["ours"], found["yardstick"]),
            *faster_rows(case, workload, found),
        ]
        rows += extra_rows(case, found)
        return rows + latency_rows(case, ours)


def faster_rows(case: str, workload: Workload, found: Mapping[str, Sequence[float]]) -> list[Row]:
    """How many times faster than the yardstick, round by round."""
    faster = [theirs / ours for ours, theirs in zip(found["ours"], found["yardstick"], strict=True)]
    verdict = "reached" if median(faster) >= workload.target else "MISSED"
    return [row(case, f"times faster (at least {workload.target}: {verdict})", "x", faster)]


def bounded_row(case: str, metric: str, unit: str, values: Sequence[float], most: float) -> Row:
    """A row that says whether the median stays within its target."""
    verdict = "reached" if median(values) <= most else "MISSED"
    return row(case, f"{metric} (at most {most:,}: {verdict})", unit, values)


def extra_rows(case: str, found: Mapping[str, Sequence[float]]) -> list[Row]:
    """What hash, invariants and looking ahead cost or save, each as the difference within a round."""

    def difference(metric: str, more: str, less: str) -> Row:
        return row(
            case,
            metric,
            "ns",
            [a - b for a, b in zip(found[more], found[less], strict=True)],
        )

    return [
        difference("state hash asked for, per command", "ours", "nohash"),
        difference("invariants, per command", "ours", "unchecked"),
        difference("risk limits and price band, per command", "ours", "unlimited"),
        difference("saved by looking ahead, per command", "alone", "ours"),
    ]


def latency_rows(case: str, driver: Driver) -> list[Row]:
    """One command at a time: quantiles outside sweeps, the worst of all, cost per fill of a sweep."""
    rows = []
    for mode, what in (("", "latency"), (" alone", "latency alone")):
        answers = [driver.ask(what) for _ in range(LATENCY_ROUNDS)]
        for name in ("p50", "p99", "max"):
            rows.append(
                row(
                    case,
                    f"{name}{mode} outside sweeps",
                    "ns",
                    [answer[name] for answer in answers],
                )
            )
        p999 = [answer["p99.9"] for answer in answers]
        rows.append(bounded_row(case, f"p99.9{mode} outside sweeps", "ns", p999, P999_TARGET_NS))
        rows.append(worst_row(case, f"worst single command{mode}", answers))
        rows.append(
            row(
                case,
                f"state hash{mode}, once",
                "ns",
                [answer["hash"] for answer in answers],
            )
        )
        rows.append(
            row(
                case,
                f"samples set aside{mode}",
                "count",
                [answer["aside"] for answer in answers],
            )
        )
        if answers[0]["sweep_fills"]:
            per_fill = [answer["sweep_ns"] / answer["sweep_fills"] for answer in answers]
            rows.append(
                bounded_row(
                    case,
                    f"sweep{mode}, all told per fill",
                    "ns",
                    per_fill,
                    FILL_TARGET_NS,
                )
            )
    return rows


def worst_row(case: str, metric: str, answers: Sequence[Mapping[str, float]]) -> Row:
    """The driver keeps the best of all repetitions per command, so its last answer is the one that counts."""
    last = answers[-1]
    return row(case, f"{metric} ({last['worst_fills']:.0f} fills)", "ns", [last["worst"]])


def resting_rows(quick: bool, rounds: int) -> list[Row]:
    """The same traffic near the touch in front of ever more resting orders."""
    count = 2_000_000 // QUICK if quick else 2_000_000
    program = str(BUILT / "core_driver")
    commands = {str(resting): (program, "shape", "steady", str(count), str(resting)) for resting in RESTING}
    with drivers(commands) as started:
        found = in_turns({name: (driver, "throughput") for name, driver in started.items()}, rounds)
    fewest = found[str(RESTING[0])]
    rows = [row("steady", f"command, {int(name):,} resting", "ns", values, fewest) for name, values in found.items()]
    growth = [most / least for most, least in zip(found[str(RESTING[-1])], fewest, strict=True)]
    return [
        *rows,
        bounded_row("steady", "growth to 1,000,000 resting", "x", growth, GROWTH_TARGET),
    ]


def hostile_rows(hostile: Hostile, quick: bool, rounds: int) -> list[Row]:
    """Mean and worst of a hostile shape."""
    count = hostile.count // QUICK if quick else hostile.count
    command = (
        str(BUILT / "core_driver"),
        "shape",
        hostile.name,
        str(count),
        str(hostile.resting),
    )
    with drivers({"ours": command}) as started:
        found = in_turns({"ours": (started["ours"], "throughput")}, rounds)
        answers = [started["ours"].ask("latency") for _ in range(LATENCY_ROUNDS)]
    case = hostile.name
    return [
        row(case, "command", "ns", found["ours"]),
        worst_row(case, "worst single command", answers),
    ]


def memory_rows(quick: bool) -> list[Row]:
    """What a resting order takes, all told: its share of everything that the core has more than an empty one."""
    program = str(BUILT / "core_driver")
    resting = 1_000_000 // QUICK if quick else 1_000_000
    commands: dict[str, tuple[str, ...]] = {"dense": (program, "shape", "dense", "1000", str(resting))}
    for workload in FILES[1:3]:
        path = workload_file(workload, workload.commands // QUICK)  # the starting book is the same in a short file
        commands[workload.name] = (program, "file", str(path))
    rows = []
    for case, command in commands.items():
        with drivers({"ours": command}) as started:
            answer = started["ours"].ask("memory")
        size = answer["bytes"] / answer["resting"]
        rows.append(bounded_row(case, "memory per resting order", "bytes", [size], ORDER_TARGET_BYTES))
    return rows


def compiler(name: str) -> str:
    """The compiler's own first line."""
    return subprocess.run([name, "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0]


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="a twentieth of the commands")
    arguments.add_argument("--rounds", type=int, default=ROUNDS)
    arguments.add_argument("--files", default="ABCD", help="which of the workload files")
    arguments.add_argument("--only-files", action="store_true", help="no growth, hostile and memory rows")
    arguments.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)))
    chosen = arguments.parse_args()
    fetch_yardstick()
    flags = build()
    os.sched_setaffinity(0, {chosen.cpu})
    facts = machine(OUT) | {
        "pinned to CPU": chosen.cpu,
        "compiler": compiler("gcc"),
        "flags of our core": flags,
        "yardstick": f"{YARDSTICK_NAME} {YARDSTICK_VERSION}, -O3 -march=native",
        "rounds": chosen.rounds,
        "commands": "a twentieth: a quick run" if chosen.quick else "all",
    }
    rows = []
    for workload in FILES:
        if workload.name in chosen.files:
            rows += file_rows(workload, chosen.quick, chosen.rounds)
    if not chosen.only_files:
        rows += resting_rows(chosen.quick, chosen.rounds)
        for hostile in HOSTILE:
            rows += hostile_rows(hostile, chosen.quick, chosen.rounds)
        rows += memory_rows(chosen.quick)
    publish("matching", ABOUT, facts, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
