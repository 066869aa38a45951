"""An order over FIX and its report back, through the real gateway and engine; beside it the engine's own round trip.

Messages are encoded before the clock starts and reports are counted, not parsed: what is measured is the venue.
"""

from __future__ import annotations

import select
import socket
import sys
import tempfile
import time
from pathlib import Path

from ops.fix_client import FixClient, utc_timestamp
from tests.fixtures.fix_engine import EngineDaemon
from tests.fixtures.fix_gateway import PASSWORDS, GatewayDaemon, Venue
from tests.perf.report import latency_rows, machine, publish, row
from tests.perf.round_trip import EngineUnderTest

REPETITIONS = 4
WARM_UP = 100
PING_PONGS = 400
PIPELINED = 600  # orders of each client
WINDOW = 32  # orders of one client without a report
REPORT, LOGON, REJECTED = b"\x0135=8\x01", b"\x0135=A\x01", b"\x01150=8\x01"
TIMEOUT_S = 20.0
ABOUT = (
    "Limit orders that rest, one report each; TCP loopback. Included: FIX session with its message store, translation, "
    "engine with durability sync. Excluded: encoding and parsing at the client, network, matching against others. "
    f"Pipelined: two clients in one process, {WINDOW} orders in flight each. Baseline: one command through the ZeroMQ "
    "sockets of a second engine with the same configuration, in the same run, in turns."
)


class FixLine:
    """One logged-on session as a bare socket."""

    def __init__(self, port: int, comp_id: str) -> None:
        self._encoder = FixClient("127.0.0.1", port, comp_id, "VENUE", PASSWORDS[comp_id])
        self._next_seq = 2
        self._tail = b""
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        fields = [(98, "0"), (108, "120"), (553, comp_id), (554, PASSWORDS[comp_id])]
        self.socket.sendall(self._encoder.encode("A", fields, seq=1))
        while self.received(LOGON) == 0:
            pass

    def orders(self, count: int) -> list[bytes]:
        """Encoded orders that will rest: all buy at one price that nobody sells at."""
        made = []
        for _ in range(count):
            seq, self._next_seq = self._next_seq, self._next_seq + 1
            fields = [(11, f"b{seq}"), (55, "ETH-USD"), (54, "1"), (60, utc_timestamp()), (38, "0.0001"), (40, "2")]
            made.append(self._encoder.encode("D", [*fields, (44, "2000.00"), (59, "0")], seq=seq))
        return made

    def received(self, mark: bytes = REPORT) -> int:
        """Messages with the mark in what comes next; waits for something to come."""
        data = self.socket.recv(1 << 16)
        assert data, "the gateway closed the line"
        data = self._tail + data
        assert REJECTED not in data, "an order was rejected: its report would be counted for nothing"
        self._tail = data[-(len(mark) - 1) :]
        return data.count(mark)

    def ping_pong(self, orders: list[bytes]) -> list[int]:
        """Nanoseconds of each order until its report is here; one at a time."""
        taken = []
        for order in orders:
            begun_ns = time.perf_counter_ns()
            self.socket.sendall(order)
            while self.received() == 0:
                pass
            taken.append(time.perf_counter_ns() - begun_ns)
        return taken


def pipelined(lines: list[FixLine], orders: list[list[bytes]]) -> int:
    """Nanoseconds until every order of every line has its report."""
    begun_ns = time.perf_counter_ns()
    sent, received = [0] * len(lines), [0] * len(lines)
    while any(r < len(o) for r, o in zip(received, orders, strict=True)):
        for i, line in enumerate(lines):
            room = min(WINDOW - (sent[i] - received[i]), len(orders[i]) - sent[i])
            if room > 0:
                line.socket.sendall(b"".join(orders[i][sent[i] : sent[i] + room]))
                sent[i] += room
        readable = select.select([line.socket for line in lines], [], [], TIMEOUT_S)[0]
        assert readable, "no report in time"
        for i, line in enumerate(lines):
            if line.socket in readable:
                received[i] += line.received()
    return time.perf_counter_ns() - begun_ns


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="venue-bench-") as name:
        directory = Path(name)
        facts = machine(directory)
        for part in ("venue", "engine"):
            (directory / part).mkdir()
        engine = EngineDaemon(directory / "venue", {"segment_bytes": 64 << 20})
        engine.start()
        venue = Venue(engine, GatewayDaemon(engine, {}))
        venue.fund()
        venue.gateway.start()
        alone = EngineUnderTest(directory / "engine", "sync")
        lines = [FixLine(venue.gateway.port, comp_id) for comp_id in PASSWORDS]
        lines[0].ping_pong(lines[0].orders(WARM_UP))
        alone.peer.ping_pong(WARM_UP)
        fix: list[list[int]] = []
        direct: list[list[int]] = []
        rates: list[float] = []
        for _ in range(REPETITIONS):
            fix.append(lines[0].ping_pong(lines[0].orders(PING_PONGS)))
            direct.append(alone.peer.ping_pong(PING_PONGS))
            orders = [line.orders(PIPELINED) for line in lines]
            rates.append(PIPELINED * len(lines) * 1e9 / pipelined(lines, orders))
        for line in lines:
            line.socket.close()
        alone.close()
        venue.close()
        engine.close()
    rows = latency_rows("order to report", fix, direct)
    rows.append(row("2 clients, pipelined", "throughput", "orders/s", rates))
    publish("fix", ABOUT, facts, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
