"""Peers nobody wants, as a process to be killed: some ask for everything and never read, some send garbage.

They use raw sockets and know the venue's endpoints; no consumer and no command may suffer from them.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from random import Random

import zmq

from engine.wire.endpoints import EngineEndpoints
from engine.wire.frame import ENTRY_HEADER, FRAME_HEADER, FrameKind, encode_frame
from engine.wire.messages import (
    BY_TEMPLATE,
    HEADER,
    SCHEMA_ID,
    SCHEMA_VERSION,
    Hello,
    ReplayRequest,
    Role,
)
from mdfeed.schema.messages import SnapshotRequest

PEERS = 8
PAUSE_S = 0.005
LIFE_S = 60.0  # whoever started us kills us long before


def vanish(endpoints: EngineEndpoints, publish: str, snapshot: str, random: Random) -> None:
    """Hello, replay from the first event, snapshots without end, and never a recv."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    consumers: list[zmq.Socket[bytes]] = []
    askers: list[zmq.Socket[bytes]] = []
    snappers: list[zmq.Socket[bytes]] = []
    listeners: list[zmq.Socket[bytes]] = []
    for number in range(PEERS):
        name = f"rude-{number}".encode()
        for kind, endpoint, made in (
            (zmq.DEALER, endpoints.events, consumers),
            (zmq.DEALER, endpoints.replay, askers),
            (zmq.DEALER, snapshot, snappers),
            (zmq.SUB, publish, listeners),
        ):
            socket = context.socket(kind)
            socket.setsockopt(zmq.RCVHWM, 1)
            socket.setsockopt(zmq.SNDTIMEO, 0)
            if kind == zmq.SUB:
                socket.setsockopt(zmq.SUBSCRIBE, b"")
            else:
                socket.setsockopt(zmq.ROUTING_ID, name)
            socket.connect(endpoint)
            made.append(socket)
    hello = encode_frame(FrameKind.CONTROL, [Hello(Role.READER, 0, 0, 1, b"rude").encode()])
    replay = encode_frame(FrameKind.CONTROL, [ReplayRequest(1, 0, 1 << 18).encode()])
    ends_s = time.monotonic() + LIFE_S
    while time.monotonic() < ends_s:
        socket, frame = random.choice(
            (
                (random.choice(consumers), hello),
                (random.choice(askers), replay),
                (random.choice(snappers), SnapshotRequest(random.getrandbits(32), 0).encode()),
            )
        )
        _send(socket, frame)
        time.sleep(PAUSE_S)


def garbage(endpoints: EngineEndpoints, snapshot: str, random: Random) -> None:
    """Bytes that are no frame, frames that hold no message, messages that no such peer may send."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    trusted = (endpoints.settlement, endpoints.admin)  # whoever is let in there and speaks properly is obeyed
    sockets = []
    for endpoint in (*trusted, endpoints.gateway, endpoints.events, endpoints.replay, snapshot):
        socket = context.socket(zmq.DEALER)
        socket.setsockopt(zmq.SNDTIMEO, 0)
        socket.connect(endpoint)
        sockets.append((socket, _noise if endpoint in trusted else _nonsense))
    ends_s = time.monotonic() + LIFE_S
    while time.monotonic() < ends_s:
        socket, make = random.choice(sockets)
        _send(socket, *make(random))
        time.sleep(PAUSE_S)


def _noise(random: Random) -> list[bytes]:
    noise = random.randbytes(random.choice((0, 1, 7, 40, 300, 5_000)))
    return [noise, noise, b""] if random.random() < 0.3 else [noise]


def _nonsense(random: Random) -> list[bytes]:
    """A header that names a message of ours before a block of zeros: no session, no generation, no account."""
    template = random.choice(sorted(BY_TEMPLATE))
    block = bytes(random.choice((0, 8, 64, BY_TEMPLATE[template].BLOCK_LENGTH)))
    message = HEADER.pack(len(block), template, SCHEMA_ID, SCHEMA_VERSION) + block
    frame = bytearray(encode_frame(random.choice(list(FrameKind)), [message]))
    manner = random.randrange(4)
    if manner == 0:
        return _noise(random)
    if manner == 1:
        headers = FRAME_HEADER.size + ENTRY_HEADER.size + HEADER.size
        frame[random.randrange(headers)] ^= 1 << random.randrange(8)
    elif manner == 2:
        del frame[random.randrange(len(frame)) :]
    return [bytes(frame)]


def _send(socket: zmq.Socket[bytes], *parts: bytes) -> None:
    try:
        socket.send_multipart(parts, zmq.DONTWAIT)
    except zmq.Again:
        return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manner", choices=("vanish", "garbage"))
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--publish", required=True)
    parser.add_argument("--snapshot", required=True)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    endpoints, random = EngineEndpoints(options.run_dir), Random(options.seed)
    if options.manner == "vanish":
        vanish(endpoints, options.publish, options.snapshot, random)
    else:
        garbage(endpoints, options.snapshot, random)


if __name__ == "__main__":
    main()
