"""The engine's ZeroMQ sockets: bound here, checked at the door, and then handed to C.

Only processes of the engine's own user, or of a user the configuration names for that socket, get past the handshake
(ZAP, RFC 27).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path

import zmq
from structlog.typing import FilteringBoundLogger

from engine._native import ffi, lib
from engine.wire.frame import FRAME_MAX

ZAP_ENDPOINT = "inproc://zeromq.zap.01"
ZAP_VERSION = b"1.0"
HANDSHAKE_MS = 5_000
#: Frames queued for one peer before it counts as slow.
SEND_HIGH_WATER = 1_000
#: Frames queued from one peer before it has to wait: intake is bounded here and then by the peer's own queue.
RECEIVE_HIGH_WATER = 1_000

Socket = zmq.Socket[bytes]
Context = zmq.Context[Socket]


class SocketError(Exception):
    """ZeroMQ here is not what the engine needs."""


def load_libzmq() -> None:
    """Fills C's function table from the libzmq that pyzmq runs on; SocketError if that cannot be found."""
    path = loaded_libzmq()
    problem = lib.zmq_table_load(path.encode())
    if problem != ffi.NULL:
        raise SocketError(f"{path}: {ffi.string(problem).decode()}")


def loaded_libzmq() -> str:
    """Path of the libzmq that pyzmq has loaded; SocketError if it is not the only one."""
    maps = Path("/proc/self/maps").read_text()
    found = {fields[5] for line in maps.splitlines() if len(fields := line.split(None, 5)) == 6}
    libraries = sorted(path for path in found if Path(path).name.startswith("libzmq") and ".so" in path)
    if len(libraries) != 1:
        raise SocketError(f"exactly one libzmq must be loaded, found {libraries or 'none'}")
    return libraries[0]


def make_context(housekeeping_cpu: int) -> Context:
    """A context of our own, its I/O thread on housekeeping_cpu unless -1; a CPU we may not use would abort libzmq."""
    context: Context = zmq.Context()
    if housekeeping_cpu >= 0:
        context.set(zmq.THREAD_AFFINITY_CPU_ADD, housekeeping_cpu)
    return context


def bind_router(context: Context, endpoint: str, name: str) -> Socket:
    """A ROUTER bound to an ipc endpoint that only peers admitted to `name` can use. The caller holds the pid file's
    lock.
    """
    socket = context.socket(zmq.ROUTER)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    # A peer that was killed and comes back must not be refused because its old connection is still being buried.
    socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
    socket.setsockopt(zmq.MAXMSGSIZE, FRAME_MAX)
    socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
    socket.setsockopt(zmq.SNDHWM, SEND_HIGH_WATER)
    socket.setsockopt(zmq.RCVHWM, RECEIVE_HIGH_WATER)
    socket.setsockopt(zmq.ZAP_DOMAIN, name.encode())
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        socket.close(0)  # left open, it would keep the context from ending
        raise SocketError(f"{endpoint}: {error.strerror}") from error
    return socket


class Doorkeeper:
    """Answers libzmq's ZAP requests on a thread of its own until closed; `admitted`: uids by the name of the socket."""

    def __init__(self, context: Context, admitted: Mapping[str, frozenset[int]], log: FilteringBoundLogger) -> None:
        self._admitted = {name.encode(): uids | {os.getuid()} for name, uids in admitted.items()}
        self._log = log
        self._socket = context.socket(zmq.REP)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.bind(ZAP_ENDPOINT)
        self._thread = threading.Thread(target=self._run, name="zap", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for the end, which the context's end brings."""
        self._thread.join()

    def _run(self) -> None:
        try:
            while True:
                self._answer(self._socket.recv_multipart())
        except zmq.ContextTerminated:
            self._socket.close(0)

    def _answer(self, request: list[bytes]) -> None:
        version, request_id, domain, address = request[0], request[1], request[2], request[3].decode(errors="replace")
        uid = peer_uid(address)
        good = version == ZAP_VERSION and uid in self._admitted.get(domain, frozenset())
        if not good:
            self._log.warning("engine.peer_refused", socket=domain.decode(errors="replace"), address=address)
        code, text, user = (b"200", b"", str(uid).encode()) if good else (b"400", b"not admitted", b"")
        self._socket.send_multipart([ZAP_VERSION, request_id, code, text, user, b""])


def peer_uid(address: str) -> int | None:
    """The uid in an ipc peer's address, "PATH:UID:GID:PID" from SO_PEERCRED; None if it has none."""
    fields = address.rsplit(":", 3)
    return int(fields[1]) if len(fields) == 4 and all(field.isdigit() for field in fields[1:]) else None
