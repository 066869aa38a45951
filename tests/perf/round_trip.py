"""Command frames out, event frames back: the one load that measures the engine and the echo alike.

The load is C (transport/load.c), so that it is not what is measured; Python makes the sockets and hands them over.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path
from typing import Any

import zmq
from cffi import FFI

from engine.sockets import loaded_libzmq
from engine.wire.endpoints import EngineEndpoints
from engine.wire.frame import FrameKind, encode_frame
from engine.wire.messages import Hello, Role
from ops.toml_edit import Value
from tests.fixtures.fix_engine import ALPHA_ACCOUNT, ETH, ETH_USD, USD, EngineClient, EngineDaemon
from tests.perf.report import ROOT

RECEIVE_TIMEOUT_MS = 20_000
PRICE_TICKS = 200_000
FUNDS_UNITS = 10**15
MAX_CLORDIDS = 1 << 23  # one bench is one trading day
SPIN_US = 30  # as the engine's default
SOURCES = Path(__file__).with_name("transport")
NATIVE = ROOT / "engine" / "native"
PARTS = ("ring.c", "doorbell.c", "frame.c", "zmq_table.c")


def _built() -> Path:
    """The compiled transport; made again when a source is newer, and renamed into place: others may have it mapped."""
    built = ROOT / "build" / "transport" / f"transport{sysconfig.get_config_var('SHLIB_SUFFIX')}"
    sources = [SOURCES / "load.c", SOURCES / "echo.c", *(NATIVE / part for part in PARTS)]
    newest = max(path.stat().st_mtime for folder in (SOURCES, NATIVE) for path in folder.glob("*.[ch]"))
    if not built.exists() or built.stat().st_mtime < newest:
        built.parent.mkdir(parents=True, exist_ok=True)
        fresh = built.with_suffix(f".{os.getpid()}")
        warnings = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]
        options = ["-std=c11", "-O3", "-march=native", "-shared", "-fPIC", f"-I{NATIVE}", f"-I{SOURCES}"]
        subprocess.run(["gcc", *options, *warnings, *sources, "-o", fresh, "-ldl"], check=True)
        fresh.replace(built)
    return built


@cache
def transport() -> tuple[Any, Any]:
    """The load and the echo as (ffi, library)."""
    ffi = FFI()
    header = (SOURCES / "transport.h").read_text(encoding="utf-8")
    ffi.cdef("".join(re.findall(r"/\* cffi-begin \*/(.*?)/\* cffi-end \*/", header, re.DOTALL)))
    library = ffi.dlopen(str(_built()))
    problem = library.transport_load_zmq(loaded_libzmq().encode())
    if problem != ffi.NULL:
        raise RuntimeError(ffi.string(problem).decode())
    return ffi, library


class Peer:
    """A DEALER on the command socket and one on the events socket, under one routing id, driven by C."""

    def __init__(self, gateway: str, events: str, session: dict[str, int]) -> None:
        self._ffi, self._library = transport()
        #: Nanoseconds of each order of the last ping-pong: in, inside, out.
        self.stages: list[list[int]] = []
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.commands = self._socket(gateway)
        self.events = self._socket(events)
        self.load = self._ffi.new(
            "struct load *",
            {
                "commands": self._ffi.cast("void *", self.commands.underlying),
                "events": self._ffi.cast("void *", self.events.underlying),
                "price_ticks": PRICE_TICKS,
                **session,
            },
        )

    def _socket(self, endpoint: str) -> zmq.Socket[bytes]:
        socket = self.context.socket(zmq.DEALER)
        socket.setsockopt(zmq.ROUTING_ID, b"bench")
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVTIMEO, RECEIVE_TIMEOUT_MS)
        socket.setsockopt(zmq.SNDTIMEO, RECEIVE_TIMEOUT_MS)
        socket.setsockopt(zmq.RCVHWM, 100_000)
        socket.connect(endpoint)
        return socket

    def hello(self) -> None:
        """Asks the engine for what comes from now on; returns once it agreed."""
        self.events.send(encode_frame(FrameKind.CONTROL, [Hello(Role.GATEWAY, 0, 0, 0, b"bench").encode()]))
        self.events.recv()

    def ping_pong(self, count: int) -> list[int]:
        """Nanoseconds of each order until its events are here; one at a time. `stages` says where they went."""
        taken, stages = self._ffi.new("uint64_t[]", count), self._ffi.new("uint64_t[]", 3 * count)
        if not self._library.load_ping_pong(self.load, count, taken, stages):
            raise TimeoutError("an order has had no answer")
        self.stages = [list(stages)[position::3] for position in range(3)]
        return list(taken)

    def rate(self, commands: int, batch: int, window: int) -> float:
        """Commands per second until all events are here, `batch` a frame, at most `window` frames unanswered."""
        frames = commands // batch
        taken_ns = self._library.load_run(self.load, frames, batch, window)
        if taken_ns == 0:
            raise TimeoutError("some orders have had no answer")
        return frames * batch * 1e9 / float(taken_ns)

    def event_bytes(self) -> int:
        """Mean size of an event's entry so far, in bytes."""
        return int(self.load.bytes_received) // int(self.load.events_received)

    def close(self) -> None:
        """Closes both sockets."""
        self.commands.close(0)
        self.events.close(0)
        self.context.term()


class EngineUnderTest:
    """A real engine with a funded session and a load for it; with a follower beside it if asked for."""

    def __init__(self, directory: Path, durability: str, *, follower: bool = False) -> None:
        directory.mkdir(exist_ok=True)
        values: dict[str, Value] = {
            "durability": durability,
            "segment_bytes": 64 << 20,
            "spin_us": SPIN_US,
            "max_clordids": MAX_CLORDIDS,
        }
        self.daemon = EngineDaemon(directory, values)
        self.daemon.start()
        self.client = EngineClient(self.daemon, "setup")
        self.client.attach()
        for number, asset in enumerate((USD, ETH), 1):
            self.client.credit(ALPHA_ACCOUNT, asset, FUNDS_UNITS, number)
        self.client.caught_up()
        session = {
            "session": self.client.session,
            "session_epoch": self.client.session_epoch,
            "generation": self.client.generation,
            "gateway": 1,
            "account": ALPHA_ACCOUNT,
            "instrument": ETH_USD,
        }
        self.peer = Peer(self.daemon.endpoints.gateway, self.daemon.endpoints.events, session)
        self.peer.hello()
        self.follower = self._follower(directory) if follower else None
        self.client.close()

    def _follower(self, directory: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "engine.daemon", "--follow", "--cfg", str(self.daemon.cfg_dir)]
        with (directory / "follower.log").open("wb") as log:
            return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def close(self) -> None:
        """The load, the follower, then the engine."""
        self.peer.close()
        if self.follower is not None:
            self.follower.terminate()
            self.follower.wait()
        self.daemon.close()


class Echo:
    """The echo process and a load for it."""

    def __init__(self, directory: Path, event_bytes: int) -> None:
        endpoints = EngineEndpoints(directory)
        (directory / "engine").mkdir(parents=True)
        command = [sys.executable, "-m", "tests.perf.echo", endpoints.gateway, endpoints.events]
        self.process = subprocess.Popen([*command, "--event-bytes", str(event_bytes)], cwd=ROOT)
        self.peer = Peer(endpoints.gateway, endpoints.events, {})
        self.peer.hello()

    def close(self) -> None:
        """The load, then the process."""
        self.peer.close()
        self.process.kill()
        self.process.wait()
