"""The engine daemon through its ZeroMQ sockets, in each durability mode, with and without a follower beside it.

Beside each number that of a plain C echo (transport/echo.c) on such sockets with the same frames, bytes and hand-offs,
measured in turns within one run; and what one commit of this disk costs by itself.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.perf.report import Row, latency_rows, machine, publish, row
from tests.perf.round_trip import Echo, EngineUnderTest, Peer

MODES = ("sync", "interval", "none")
STAGES = (
    "in: client to receiving thread",
    "inside: until the frame of events is made",
    "out: frame to client",
)
WARM_UP = 2_000
BATCH = 64  # commands in one frame
WINDOW = 64  # frames without an answer
COMMIT_BYTES = 4_096
COMMIT_FILE_BYTES = 16 << 20
TARGET_RATE, TARGET_SHARE, TARGET_OVER_ECHO_US = 700_000, 0.5, 15.0
ABOUT = (
    "Half the orders rest, half fill one: three events for two commands. Included: ZeroMQ ipc both ways, check, "
    "journal (sync: events leave after the commit; interval: a commit every commit_interval_us; none: no commit), "
    "matching with everything on, event journal, publishing. Excluded: encoding and decoding at the client, FIX, "
    f"network. Batched: {BATCH} commands a frame, {WINDOW} frames in flight; ping-pong: one command at a time. "
    "Before each run all that earlier ones wrote is put on the disk. Baseline: a plain C echo with the same sockets, "
    "frames, bytes and hand-offs between three threads, in turns. "
    "One commit: 4 KiB written and fdatasync'ed in a zero-filled file of the same directory."
)


def commit_ns(directory: Path, count: int) -> list[int]:
    """Nanoseconds of single commits as the journal makes them, without a journal."""
    taken = []
    path = directory / "commit"
    with path.open("wb", buffering=0) as file:
        file.write(bytes(COMMIT_FILE_BYTES))
        os.fsync(file.fileno())
        for position in range(count):
            block = os.urandom(COMMIT_BYTES)
            begun_ns = time.perf_counter_ns()
            os.pwrite(file.fileno(), block, position * COMMIT_BYTES % COMMIT_FILE_BYTES)
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter_ns() - begun_ns)
    path.unlink()
    return taken


def judged(case: str, metric: str, unit: str, values: Sequence[float], target: float, *, at_least: bool) -> Row:
    """A row that says whether its median reaches the target."""
    found = row(case, metric, unit, values)
    reached = found.value >= target if at_least else found.value <= target
    bound = f"at {'least' if at_least else 'most'} {target:,g}: {'reached' if reached else 'MISSED'}"
    return row(case, f"{metric} ({bound})", unit, values)


def measure(peers: dict[str, Peer], rounds: int, ping_pongs: int, commands: int, directory: Path) -> list[Row]:
    """Every peer in turn, `rounds` times; then the rows."""
    latencies: dict[str, list[list[int]]] = {name: [] for name in (*peers, "commit")}
    stages: dict[str, list[list[float]]] = {name: [[], [], []] for name in peers}
    rates: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(rounds):
        for name, peer in peers.items():
            latencies[name].append(peer.ping_pong(ping_pongs))
            for medians, stage in zip(stages[name], peer.stages, strict=True):
                medians.append(sorted(stage)[ping_pongs // 2] / 1000)
        latencies["commit"].append(commit_ns(directory, ping_pongs))
        for name, peer in peers.items():
            os.sync()  # what the others have written is on the disk: nobody pays for another's pages
            rates[name].append(peer.rate(commands, BATCH, WINDOW))
    rows = latency_rows("one commit of this disk", latencies["commit"])
    rows += latency_rows("ping-pong, echo", latencies["echo"])
    rows.append(row("batched, echo", "throughput", "commands/s", rates["echo"]))
    middle = {name: [sorted(run)[len(run) // 2] / 1000 for run in runs] for name, runs in latencies.items()}
    for name in peers:
        if name == "echo":
            continue
        rows += latency_rows(f"ping-pong, {name}", latencies[name], latencies["echo"])
        over = [ours - theirs for ours, theirs in zip(middle[name], middle["echo"], strict=True)]
        if name.startswith("sync"):
            over = [each - commit for each, commit in zip(over, middle["commit"], strict=True)]
        what = "p50 over echo and one commit" if name.startswith("sync") else "p50 over echo"
        rows.append(judged(f"ping-pong, {name}", what, "us", over, TARGET_OVER_ECHO_US, at_least=False))
        rows.append(row(f"batched, {name}", "throughput", "commands/s", rates[name], rates["echo"]))
        if name == "sync":
            shares = [ours / theirs for ours, theirs in zip(rates[name], rates["echo"], strict=True)]
            rows.append(judged("batched, sync", "throughput", "commands/s", rates[name], TARGET_RATE, at_least=True))
            rows.append(judged("batched, sync", "of the echo", "x", shares, TARGET_SHARE, at_least=True))
    for name in MODES:
        for what, ours, theirs in zip(STAGES, stages[name], stages["echo"], strict=True):
            rows.append(row(f"ping-pong, {name}", f"p50 {what}", "us", ours, theirs))
    for mode in MODES:
        beside = [on / off for on, off in zip(rates[f"{mode}, follower"], rates[mode], strict=True)]
        rows.append(row(f"batched, {mode}", "with a follower / without", "x", beside))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few seconds instead of minutes")
    quick = parser.parse_args().quick
    rounds, ping_pongs, commands = (2, 500, 64_000) if quick else (7, 2_000, 320_000)
    with tempfile.TemporaryDirectory(prefix="venue-bench-") as name, ExitStack() as running:
        directory = Path(name)
        facts = machine(directory)
        peers: dict[str, Peer] = {}
        for mode in MODES:
            for follower in (False, True):
                engine = EngineUnderTest(directory / f"{mode}{int(follower)}", mode, follower=follower)
                running.callback(engine.close)
                engine.peer.rate(WARM_UP, BATCH, WINDOW)
                peers[f"{mode}, follower" if follower else mode] = engine.peer
        echo = Echo(directory / "echo", -(-peers["none"].event_bytes() // 8) * 8)
        running.callback(echo.close)
        echo.peer.rate(WARM_UP, BATCH, WINDOW)
        peers["echo"] = echo.peer
        rows = measure(peers, rounds, ping_pongs, commands, directory)
        facts["rounds"] = rounds
    publish("engine", ABOUT, facts, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
