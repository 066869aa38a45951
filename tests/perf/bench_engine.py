"""The engine daemon through its ZeroMQ sockets: round trip of one command, and commands per second in batches.

Beside each number that of a plain Python echo over such sockets with the same frame sizes, measured in turns.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.perf.report import latency_rows, machine, publish, row
from tests.perf.round_trip import Echo, EngineUnderTest

REPETITIONS = 5
WARM_UP = 300
PING_PONGS = 1_500
BATCH = 64  # commands in one frame
BATCHES = 200
WINDOW = 4  # frames without an answer
ABOUT = (
    "Half the orders rest, half fill one. Included: ZeroMQ ipc both ways, check, journal (sync: fdatasync before the "
    "answer; none: no fdatasync), matching, event journal, publishing. Excluded: encoding and decoding at the client, "
    f"FIX, network. Batched: {BATCH} commands a frame, {WINDOW} frames in flight. Baseline: a Python "
    "echo of the same bytes."
)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="venue-bench-") as name:
        directory = Path(name)
        facts = machine(directory)
        for part in ("sync", "none", "echo"):
            (directory / part).mkdir()
        engines = {mode: EngineUnderTest(directory / mode, mode) for mode in ("sync", "none")}
        sizes = []
        for engine in engines.values():
            engine.peer.ping_pong(*engine.frames(WARM_UP, 1))
            sizes.append(engine.peer.bytes_received // WARM_UP)
        echo = Echo(directory / "echo", sizes[0])
        single, many = (engines["none"].sample(commands) for commands in (1, BATCH))
        latencies: dict[str, list[list[int]]] = {name: [] for name in (*engines, "echo")}
        rates: dict[str, list[float]] = {name: [] for name in (*engines, "echo")}
        for _ in range(REPETITIONS):
            for mode, engine in engines.items():
                latencies[mode].append(engine.peer.ping_pong(*engine.frames(PING_PONGS, 1)))
                frames, events = engine.frames(BATCHES, BATCH)
                rates[mode].append(BATCH * BATCHES * 1e9 / engine.peer.batched(frames, events, WINDOW))
            latencies["echo"].append(echo.peer.ping_pong([single] * PING_PONGS, [1] * PING_PONGS))
            rates["echo"].append(BATCH * BATCHES * 1e9 / echo.peer.batched([many] * BATCHES, [BATCH] * BATCHES, WINDOW))
        for engine in engines.values():
            engine.close()
        echo.close()
    rows = []
    for mode in engines:
        rows += latency_rows(f"round trip, {mode}", latencies[mode], latencies["echo"])
        rows.append(row(f"batched, {mode}", "throughput", "commands/s", rates[mode], rates["echo"]))
    publish("engine", ABOUT, facts, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
