"""What the engine is measured against: a plain C echo on the same sockets, frames, bytes and hand-offs.

No check, no journal, no book: what is left is what the transport costs anybody (transport/echo.c).
"""

from __future__ import annotations

import argparse
import threading

import zmq

from tests.perf.round_trip import SPIN_US, transport


def main() -> None:
    """Echoes until killed: a request on the gateway socket, the answer on the events socket, to the same routing id."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gateway")
    parser.add_argument("events")
    parser.add_argument("--event-bytes", type=int, required=True)
    options = parser.parse_args()
    ffi, library = transport()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    gateway, events = context.socket(zmq.ROUTER), context.socket(zmq.ROUTER)
    gateway.bind(options.gateway)
    events.bind(options.events)
    pointers = (ffi.cast("void *", socket.underlying) for socket in (gateway, events))
    echo = library.echo_new(*pointers, options.event_bytes, SPIN_US)
    if echo == ffi.NULL:
        raise MemoryError("no memory for the echo's rings")
    for work in (library.echo_hand_over, library.echo_send):
        threading.Thread(target=work, args=(echo,), daemon=True).start()
    library.echo_receive(echo)


if __name__ == "__main__":
    main()
