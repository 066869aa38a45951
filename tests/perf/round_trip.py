"""Command frames out, event frames back: the one client that measures the engine and the echo alike.

Frames are encoded before the clock starts; what comes back is counted, not decoded.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import zmq

from engine.wire.endpoints import EngineEndpoints
from engine.wire.frame import FRAME_HEADER, FrameKind, encode_frame
from engine.wire.messages import Hello, Role, Side
from tests.fixtures.fix_engine import ALPHA_ACCOUNT, ETH, USD, EngineClient, EngineDaemon

RECEIVE_TIMEOUT_MS = 20_000
PRICE_TICKS = 200_000
FUNDS_UNITS = 10**15


class Peer:
    """A DEALER on the command socket and one on the events socket, under one routing id."""

    def __init__(self, gateway: str, events: str, name: str) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.commands = self._socket(gateway, name)
        self.events = self._socket(events, name)
        self.bytes_received = 0

    def _socket(self, endpoint: str, name: str) -> zmq.Socket[bytes]:
        socket = self.context.socket(zmq.DEALER)
        socket.setsockopt(zmq.ROUTING_ID, name.encode())
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVTIMEO, RECEIVE_TIMEOUT_MS)
        socket.setsockopt(zmq.RCVHWM, 100_000)
        socket.connect(endpoint)
        return socket

    def hello(self) -> None:
        """Asks the engine for what comes from now on; returns once it agreed."""
        self.events.send(encode_frame(FrameKind.CONTROL, [Hello(Role.GATEWAY, 0, 0, 0, b"bench").encode()]))
        self.events.recv()

    def receive(self) -> int:
        """Events of the next event frame; heartbeats are passed over."""
        while True:
            data = self.events.recv()
            if data[4] == FrameKind.EVENTS:
                self.bytes_received += len(data) - FRAME_HEADER.size
                return int.from_bytes(data[6:8], "little")

    def ping_pong(self, frames: Sequence[bytes], events: Sequence[int]) -> list[int]:
        """Nanoseconds of each frame until its events are here; one at a time."""
        taken = []
        for frame, expected in zip(frames, events, strict=True):
            begun_ns = time.perf_counter_ns()
            self.commands.send(frame)
            while expected > 0:
                expected -= self.receive()
            taken.append(time.perf_counter_ns() - begun_ns)
        return taken

    def batched(self, frames: Sequence[bytes], events: Sequence[int], window: int) -> int:
        """Nanoseconds until all events are here, with at most `window` frames unanswered."""
        begun_ns = time.perf_counter_ns()
        sent = received = due = 0
        while sent < len(frames) or received < due:
            while sent < len(frames) and due - received <= window * events[0] - events[0]:
                self.commands.send(frames[sent])
                due += events[sent]
                sent += 1
            received += self.receive()
        return time.perf_counter_ns() - begun_ns

    def close(self) -> None:
        """Closes both sockets."""
        self.commands.close(0)
        self.events.close(0)
        self.context.term()


class EngineUnderTest:
    """A real engine with a funded session, and the frames to send it."""

    def __init__(self, directory: Path, durability: str) -> None:
        self.daemon = EngineDaemon(directory, {"durability": durability, "segment_bytes": 64 << 20})
        self.daemon.start()
        self.client = EngineClient(self.daemon, "setup")
        self.client.attach()
        for number, asset in enumerate((USD, ETH), 1):
            self.client.credit(ALPHA_ACCOUNT, asset, FUNDS_UNITS, number)
        self.client.caught_up()
        self.peer = Peer(self.daemon.endpoints.gateway, self.daemon.endpoints.events, "bench")
        self.peer.hello()

    def frames(self, count: int, commands_per_frame: int) -> tuple[list[bytes], list[int]]:
        """Orders that rest and orders that fill them, in turn; and the events each frame will bring."""
        frames, events = [], []
        position = 0
        for _ in range(count):
            messages = []
            expected = 0
            for _ in range(commands_per_frame):
                rests = position % 2 == 0
                messages.append(self.client.order(Side.BUY if rests else Side.SELL, PRICE_TICKS, 1))
                expected += 1 if rests else 2  # OrderAccepted, and the Trade of the second
                position += 1
            frames.append(encode_frame(FrameKind.COMMANDS, messages))
            events.append(expected)
        return frames, events

    def sample(self, commands: int) -> bytes:
        """A frame like those of `frames`, for others than the engine; the session's sequence stays as it is."""
        client_seq = self.client.client_seq
        frames, _ = self.frames(1, commands)
        self.client.client_seq = client_seq
        return frames[0]

    def close(self) -> None:
        """The clients, then the engine."""
        self.peer.close()
        self.client.close()
        self.daemon.close()


class Echo:
    """The echo process and a peer of it."""

    def __init__(self, directory: Path, bytes_per_command: int) -> None:
        endpoints = EngineEndpoints(directory)
        (directory / "engine").mkdir()
        command = [sys.executable, "-m", "tests.perf.echo", endpoints.gateway, endpoints.events]
        self.process = subprocess.Popen([*command, "--bytes-per-command", str(bytes_per_command)])
        self.peer = Peer(endpoints.gateway, endpoints.events, "bench")

    def close(self) -> None:
        """The peer, then the process."""
        self.peer.close()
        self.process.kill()
        self.process.wait()
