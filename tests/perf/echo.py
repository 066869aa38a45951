"""What the engine is measured against: a plain Python process that answers each command frame with so many bytes.

The same kinds of sockets as the engine's, and nothing between them: no check, no journal, no book.
"""

from __future__ import annotations

import argparse

import zmq

from engine.wire.frame import FRAME_HEADER, MAGIC, FrameKind


def main() -> None:
    """Echoes until killed: a request on the gateway socket, the answer on the events socket, to the same routing id."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gateway")
    parser.add_argument("events")
    parser.add_argument("--bytes-per-command", type=int, required=True)
    options = parser.parse_args()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    gateway, events = context.socket(zmq.ROUTER), context.socket(zmq.ROUTER)
    gateway.bind(options.gateway)
    events.bind(options.events)
    while True:
        peer, frame = gateway.recv_multipart()
        commands = FRAME_HEADER.unpack_from(frame)[3]
        body = bytes(commands * options.bytes_per_command)
        length = FRAME_HEADER.size + len(body)
        header = FRAME_HEADER.pack(MAGIC, FrameKind.EVENTS, 0, commands, length, 0, 0, 0)
        events.send_multipart([peer, header + body])


if __name__ == "__main__":
    main()
