"""The ROUTER that answers snapshot and replay requests: anything may arrive here, nothing of it may hurt the feed.

A request is one SBE message; an answer is a run of two-part messages (request_id u64, packet) that ends with
RequestCompleted or is one RequestRejected. Bounds: requests and packets per turn, requests per second for all and
per client, one answer per client at a time, packets per replay, bytes of all answers under way, and the time a
client may take to read.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from struct import Struct

import zmq

from mdfeed.book import Market
from mdfeed.history import History
from mdfeed.packets import Body, Line, PacketError, entry, pack, read_message
from mdfeed.schema.messages import (
    HEADER,
    SCHEMA_ID,
    PacketType,
    RejectReason,
    ReplayRequest,
    RequestCompleted,
    RequestRejected,
    SnapshotRequest,
)
from mdfeed.snapshot import dump

REQUEST_BYTES_MAX = 256
REQUESTS_PER_TURN = 64
PACKETS_PER_TURN = 256
REPLAY_PACKETS_PER_REQUEST = 1_000
ANSWER_BYTES_MAX = 256 << 20  # of all answers under way
UNREAD_NS_MAX = 10 * 10**9
CLIENTS_MAX = 4_096
CLIENT_SHARE = 4  # one client gets at most this part of the rate

REQUEST_ID = Struct("<Q")
COUNTERS = (
    "snapshots_served",
    "replays_served",
    "requests_rejected",
    "requests_malformed",
    "requests_rate_limited",
    "answers_abandoned",
)


class TokenBucket:
    """At most `rate_per_s` in any second, in bursts of at most that many; integers only."""

    def __init__(self, rate_per_s: int, now_ns: int) -> None:
        self._cost_ns = 10**9 // rate_per_s
        self._saved_ns = 10**9
        self._seen_ns = now_ns

    def take(self, now_ns: int) -> bool:
        """One token, if there is one."""
        self._saved_ns = min(10**9, self._saved_ns + now_ns - self._seen_ns)
        self._seen_ns = now_ns
        if self._saved_ns < self._cost_ns:
            return False
        self._saved_ns -= self._cost_ns
        return True


@dataclass(slots=True)
class _Answer:
    """Packets on their way to one client."""

    request_id: int
    type: PacketType
    bodies: list[Body]
    completed: RequestCompleted
    moved_ns: int
    size: int
    sent: int = field(default=0)


class RequestServer:
    """Serves from a market and a history that the caller keeps current, on the thread that owns the socket."""

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        line: Line,
        market: Market,
        history: History,
        rate_per_s: int,
        count: Callable[[str], None],
    ) -> None:
        self._socket = socket
        self._line = line
        self._market = market
        self._history = history
        self._rate_per_s = rate_per_s
        self._count = count
        self._all = TokenBucket(rate_per_s, time.monotonic_ns())
        self._clients: OrderedDict[bytes, TokenBucket] = OrderedDict()
        self._answers: dict[bytes, _Answer] = {}
        self._answer_bytes = 0
        self._snapshots: tuple[int, dict[int, list[Body]]] = (0, {})

    @property
    def busy(self) -> bool:
        """Answers are under way: call `turn` again soon even if nothing arrives."""
        return bool(self._answers)

    def turn(self) -> None:
        """Takes what requests have arrived and sends what can be sent; never waits."""
        for _ in range(REQUESTS_PER_TURN):
            try:
                parts = self._socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                break
            self._on_request(parts[0], parts[1:])
        share = max(1, PACKETS_PER_TURN // max(1, len(self._answers)))
        for client in list(self._answers):
            self._send_some(client, share)

    def _on_request(self, client: bytes, parts: list[bytes]) -> None:
        now_ns = time.monotonic_ns()
        request = _read_request(parts)
        if request is None:
            self._count("requests_malformed")
            self._reject(client, 0, RejectReason.MALFORMED)
        elif not self._client(client, now_ns).take(now_ns) or not self._all.take(now_ns):
            self._count("requests_rate_limited")
            self._reject(client, request.request_id, RejectReason.RATE_LIMITED)
        elif client in self._answers:
            self._reject(client, request.request_id, RejectReason.BUSY)
        elif isinstance(request, SnapshotRequest):
            self._snapshot(client, request, now_ns)
        else:
            self._replay(client, request, now_ns)

    def _client(self, client: bytes, now_ns: int) -> TokenBucket:
        bucket = self._clients.get(client)
        if bucket is None:
            bucket = self._clients[client] = TokenBucket(max(1, self._rate_per_s // CLIENT_SHARE), now_ns)
            if len(self._clients) > CLIENTS_MAX:
                self._clients.popitem(last=False)
        self._clients.move_to_end(client)
        return bucket

    def _snapshot(self, client: bytes, request: SnapshotRequest, now_ns: int) -> None:
        if request.instrument and request.instrument not in self._market.books:
            self._reject(client, request.request_id, RejectReason.UNKNOWN_INSTRUMENT)
            return
        bodies = self._snapshot_bodies(request.instrument)
        as_of = self._market.sequence
        if self._answer(client, request.request_id, PacketType.SNAPSHOT, bodies, (as_of, as_of), now_ns):
            self._count("snapshots_served")

    def _snapshot_bodies(self, instrument: int) -> list[Body]:
        """Built once per sequence: subscribers that join together share it."""
        if self._snapshots[0] != self._market.sequence:
            self._snapshots = (self._market.sequence, {})
        made = self._snapshots[1]
        if instrument not in made:
            as_of = self._market.sequence
            made[instrument] = [Body(as_of, b.count, b.entries) for b in pack(0, dump(self._market, instrument))]
        return made[instrument]

    def _replay(self, client: bytes, request: ReplayRequest, now_ns: int) -> None:
        reason = self._refusal(request)
        if reason is not None:
            self._reject(client, request.request_id, reason)
            return
        bodies = self._history.packets(request.from_sequence, request.to_sequence, REPLAY_PACKETS_PER_REQUEST)
        served = (bodies[0].first_sequence, bodies[-1].next_sequence - 1)
        if self._answer(client, request.request_id, PacketType.REPLAY, bodies, served, now_ns):
            self._count("replays_served")

    def _refusal(self, request: ReplayRequest) -> RejectReason | None:
        if request.session_id != self._line.session_id:
            return RejectReason.WRONG_SESSION
        if not 1 <= request.from_sequence <= request.to_sequence < self._history.next_sequence:
            return RejectReason.INVALID_RANGE
        if request.from_sequence < self._history.available_from:
            return RejectReason.USE_SNAPSHOT
        return None

    def _answer(
        self,
        client: bytes,
        request_id: int,
        type_: PacketType,
        bodies: list[Body],
        served: tuple[int, int],
        now_ns: int,
    ) -> bool:
        size = sum(len(body.entries) for body in bodies)
        if self._answer_bytes + size > ANSWER_BYTES_MAX:
            self._reject(client, request_id, RejectReason.BUSY)
            return False
        completed = RequestCompleted(request_id, *served, len(bodies))
        self._answers[client] = _Answer(request_id, type_, bodies, completed, now_ns, size)
        self._answer_bytes += size
        return True

    def _reject(self, client: bytes, request_id: int, reason: RejectReason) -> None:
        self._count("requests_rejected")
        history = self._history
        message = RequestRejected(request_id, history.available_from, history.next_sequence, reason)
        self._send(client, request_id, PacketType.ANSWER, _single(message))

    def _send_some(self, client: bytes, limit: int) -> None:
        answer = self._answers[client]
        for body in answer.bodies[answer.sent : answer.sent + limit]:
            sent = self._send(client, answer.request_id, answer.type, body)
            if sent is not True:
                self._stuck(client, answer, gone=sent is None)
                return
            answer.sent += 1
            answer.moved_ns = time.monotonic_ns()
        if answer.sent < len(answer.bodies):
            return
        sent = self._send(client, answer.request_id, PacketType.ANSWER, _single(answer.completed))
        if sent is True:
            self._forget(client)
        else:
            self._stuck(client, answer, gone=sent is None)

    def _stuck(self, client: bytes, answer: _Answer, *, gone: bool) -> None:
        if gone or time.monotonic_ns() - answer.moved_ns > UNREAD_NS_MAX:
            self._count("answers_abandoned")
            self._forget(client)

    def _forget(self, client: bytes) -> None:
        self._answer_bytes -= self._answers.pop(client).size

    def _send(self, client: bytes, request_id: int, type_: PacketType, body: Body) -> bool | None:
        """True when sent, False when the client's pipe is full, None when the client is gone."""
        packet = self._line.packet(type_, body, time.time_ns())
        try:
            self._socket.send_multipart([client, REQUEST_ID.pack(request_id), packet], zmq.DONTWAIT)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno == zmq.EHOSTUNREACH:
                return None
            raise
        return True


def _single(message: RequestCompleted | RequestRejected) -> Body:
    return Body(0, 1, entry(message.encode()))


def _read_request(parts: list[bytes]) -> SnapshotRequest | ReplayRequest | None:
    """The request, or None for anything that is not exactly one."""
    if len(parts) != 1 or not HEADER.size <= len(parts[0]) <= REQUEST_BYTES_MAX:
        return None
    block_length, _, schema_id, _ = HEADER.unpack_from(parts[0])
    if schema_id != SCHEMA_ID or len(parts[0]) != HEADER.size + block_length:
        return None
    try:
        message = read_message(parts[0])
    except PacketError:
        return None
    return message if isinstance(message, SnapshotRequest | ReplayRequest) else None
