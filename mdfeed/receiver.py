"""What a subscriber does with packets, without any I/O: sequence, buffer, ask for what is missing, apply whole
transactions.

Invariant: the market is always the publisher's market after message `market.sequence`; whatever was lost, repeated,
reordered or damaged on the way is replayed, or replaced by a snapshot, before anything later is applied. All buffers
are bounded.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from mdfeed.book import LAST_IN_TRANSACTION, BookError, FeedMessage, Market
from mdfeed.packets import SOURCE_LOST, Packet, PacketError, read, read_message
from mdfeed.schema.messages import (
    HEADER,
    PacketType,
    RejectReason,
    ReplayRequest,
    RequestCompleted,
    RequestRejected,
    SnapshotRequest,
)
from mdfeed.snapshot import Loader

FLAGS_OFFSET = HEADER.size + 4  # of every message that carries a sequence, also of ones newer than we are
BUFFERED_PACKETS_MAX = 20_000
REQUEST_TIMEOUT_NS = 2 * 10**9
BACKOFF_NS = 50 * 10**6
BACKOFF_NS_MAX = 2 * 10**9
REPLAYS_BEFORE_SNAPSHOT = 3


class Status(Enum):
    """How far the market can be trusted."""

    JOINING = "joining"  # no market yet, or it had to be dropped: waiting for a snapshot
    LIVE = "live"
    RECOVERING = "recovering"  # messages are missing: the market is right, but late
    STALE = "stale"  # neither message nor heartbeat for too long
    SOURCE_LOST = "source_lost"  # the publisher is there, but has lost the engine
    ENDED = "ended"  # the publisher said goodbye; the same session may go on later


@dataclass(frozen=True, slots=True)
class Transaction:
    """One step of the engine, applied whole: messages first_sequence..last_sequence."""

    first_sequence: int
    last_sequence: int
    messages: tuple[FeedMessage, ...]


@dataclass(frozen=True, slots=True)
class Resynchronized:
    """The market was replaced by a snapshot; trades between are not delivered."""

    session_id: int
    sequence: int


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The status is another than at the last event."""

    status: Status


FeedEvent = Transaction | Resynchronized | StatusChanged


@dataclass(slots=True)
class Statistics:
    """What has happened so far."""

    packets: int = 0
    messages: int = 0
    duplicates: int = 0  # messages that arrived again
    corrupt: int = 0  # packets that were not whole packets of the channel
    gaps: int = 0
    replays: int = 0  # requests sent
    snapshots: int = 0  # requests sent
    timeouts: int = 0
    rejections: int = 0
    sessions: int = 0  # changes of the session id
    book_errors: int = 0


@dataclass(slots=True)
class _Item:
    """One message of the sequence; `message` is None for a template newer than we are."""

    message: FeedMessage | None
    last: bool


@dataclass(slots=True)
class _Request:
    request_id: int
    deadline_ns: int
    loader: Loader | None
    packets: int = 0
    session_id: int = 0


@dataclass(order=True, slots=True)
class _Run:
    first_sequence: int
    arrival: int
    items: list[_Item] = field(compare=False)


class Receiver:
    """One subscriber of one channel. Times are a monotonic clock of the caller's, in ns."""

    def __init__(self, channel: int, stale_after_ns: int, now_ns: int) -> None:
        self.market = Market()
        self.session_id: int | None = None
        self.statistics = Statistics()
        self._channel = channel
        self._stale_after_ns = stale_after_ns
        self._heard_ns = now_ns
        self._stale = False
        self._source_lost = False
        self._ended = False
        self._status = Status.JOINING
        self._joined = False
        self._next = 1  # sequence to receive next
        self._known_end = 1  # first sequence that nobody has spoken of yet
        self._behind = False
        self._buffer: list[_Run] = []
        self._arrivals = 0
        self._ready: deque[_Item | Market] = deque()
        self._open: list[_Item] = []  # messages of a transaction whose end is still to come
        self._request: _Request | None = None
        self._request_id = 0
        self._not_before_ns = 0
        self._failures = 0

    @property
    def status(self) -> Status:
        if self._stale:
            return Status.STALE
        if not self._joined:
            return Status.JOINING
        if self._missing:
            return Status.RECOVERING
        if self._ended:
            return Status.ENDED
        return Status.SOURCE_LOST if self._source_lost else Status.LIVE

    @property
    def _missing(self) -> bool:
        return self._next < self._known_end

    def packet(self, data: bytes, now_ns: int) -> None:
        """Takes one packet from the publisher; bad ones are counted and otherwise as if they had never come."""
        try:
            packet = read(data)
            items = _items(packet)
        except PacketError:
            self.statistics.corrupt += 1
            return
        if packet.channel != self._channel or packet.type > PacketType.END_OF_SESSION:
            self.statistics.corrupt += 1
            return
        self.statistics.packets += 1
        self._heard_ns = now_ns
        self._stale = False
        if packet.session_id != self.session_id:
            self._change_session(packet.session_id)
        self._ended = packet.type == PacketType.END_OF_SESSION
        self._source_lost = bool(packet.flags & SOURCE_LOST)
        self._insert(packet.first_sequence, items)

    def answer(self, request_id: int, data: bytes, now_ns: int) -> None:
        """Takes one packet of an answer; answers to requests that we have given up are ignored."""
        request = self._request
        if request is None or request_id != request.request_id:
            return
        try:
            packet = read(data)
            self._take_answer(request, packet, now_ns)
        except (PacketError, BookError):
            self.statistics.corrupt += 1
            self._fail(now_ns)

    def request(self, now_ns: int) -> bytes | None:
        """The request to send now, if any; it counts as sent."""
        if self._request is not None:
            if now_ns < self._request.deadline_ns:
                return None
            self.statistics.timeouts += 1
            self._fail(now_ns)
        if now_ns < self._not_before_ns:
            return None
        if self._joined and self._missing and self._failures >= REPLAYS_BEFORE_SNAPSHOT:
            self._joined = False
        if not self._joined:
            return self._ask_snapshot(now_ns)
        if not self._missing:
            return None
        return self._ask_replay(now_ns)

    def events(self, now_ns: int) -> Iterator[FeedEvent]:
        """Applies what is ready, one transaction at a time: at each event, `market` is the market right after it."""
        self._stale = self._stale or now_ns - self._heard_ns > self._stale_after_ns
        while self._ready:
            item = self._ready.popleft()
            if isinstance(item, Market):
                self.market = item
                self._open.clear()
                assert self.session_id is not None
                yield Resynchronized(self.session_id, item.sequence)
                continue
            self._open.append(item)
            if not item.last:
                continue
            transaction = self._apply()
            if transaction is None:
                break
            yield transaction
        if self.status is not self._status:
            self._status = self.status
            yield StatusChanged(self._status)

    def _apply(self) -> Transaction | None:
        first = self.market.sequence + 1
        messages = [item.message for item in self._open]
        self._open.clear()
        try:
            self.market.apply_transaction(messages)
        except BookError:
            self.statistics.book_errors += 1
            self._drop()
            return None
        self.statistics.messages += len(messages)
        return Transaction(first, self.market.sequence, tuple(m for m in messages if m is not None))

    def _drop(self) -> None:
        """What we have cannot be built upon: start over with a snapshot."""
        self._joined = False
        self._ready.clear()
        self._open.clear()

    def _change_session(self, session_id: int) -> None:
        joining = self.session_id is None
        self.session_id = session_id
        if joining:
            return
        self.statistics.sessions += 1
        self._buffer.clear()
        self._known_end = 1
        self._request = None
        self._drop()

    def _insert(self, first_sequence: int, items: list[_Item]) -> None:
        self._known_end = max(self._known_end, first_sequence + len(items))
        if items:
            if len(self._buffer) >= BUFFERED_PACKETS_MAX:
                self._buffer.clear()  # replay brings it again, or a snapshot makes it needless
            self._arrivals += 1
            heapq.heappush(self._buffer, _Run(first_sequence, self._arrivals, items))
        if self._joined:
            self._advance()

    def _advance(self) -> None:
        """Moves what is next in sequence from the buffer to the ready queue."""
        while self._buffer and self._buffer[0].first_sequence <= self._next:
            run = heapq.heappop(self._buffer)
            fresh = run.items[self._next - run.first_sequence :]
            self.statistics.duplicates += len(run.items) - len(fresh)
            self._ready.extend(fresh)
            self._next += len(fresh)
        if self._missing and not self._behind:
            self.statistics.gaps += 1
        self._behind = self._missing

    def _ask_snapshot(self, now_ns: int) -> bytes:
        self.statistics.snapshots += 1
        request_id = self._open_request(now_ns, Loader())
        return SnapshotRequest(request_id, 0).encode()

    def _ask_replay(self, now_ns: int) -> bytes:
        """The first hole: up to what is buffered behind it, or to the known end."""
        assert self.session_id is not None
        self.statistics.replays += 1
        end = self._buffer[0].first_sequence if self._buffer else self._known_end
        request_id = self._open_request(now_ns, None)
        return ReplayRequest(request_id, self.session_id, self._next, end - 1).encode()

    def _open_request(self, now_ns: int, loader: Loader | None) -> int:
        self._request_id += 1
        self._request = _Request(self._request_id, now_ns + REQUEST_TIMEOUT_NS, loader)
        return self._request_id

    def _take_answer(self, request: _Request, packet: Packet, now_ns: int) -> None:
        request.deadline_ns = now_ns + REQUEST_TIMEOUT_NS
        if packet.channel != self._channel:
            raise PacketError("answer for another channel")
        if packet.type == PacketType.ANSWER:
            self._finish(request, packet, now_ns)
            return
        request.packets += 1
        if packet.type == PacketType.REPLAY and request.loader is None:
            if packet.session_id == self.session_id:
                self._insert(packet.first_sequence, _items(packet))
        elif packet.type == PacketType.SNAPSHOT and request.loader is not None:
            request.session_id = packet.session_id
            for message in packet.messages:
                request.loader.take(read_message(message))
        else:
            raise PacketError(f"{packet.type.name} is not what was asked for")

    def _finish(self, request: _Request, packet: Packet, now_ns: int) -> None:
        message = read_message(packet.messages[0]) if packet.messages else None
        if isinstance(message, RequestRejected):
            self._rejected(message.reason, now_ns)
        elif not isinstance(message, RequestCompleted) or message.packets != request.packets:
            raise PacketError("answer is not whole")
        elif request.loader is not None:
            self._load(request.loader.market(), request.session_id)
        else:
            self._request = None
            self._failures = 0 if message.first_sequence <= self._next else self._failures + 1

    def _rejected(self, reason: int, now_ns: int) -> None:
        self.statistics.rejections += 1
        self._fail(now_ns)
        if reason not in (RejectReason.RATE_LIMITED, RejectReason.BUSY):
            self._joined = False

    def _fail(self, now_ns: int) -> None:
        """The request came to nothing: the next one waits a little, each time longer."""
        self._request = None
        self._not_before_ns = now_ns + min(BACKOFF_NS_MAX, BACKOFF_NS << min(self._failures, 10))
        self._failures += 1

    def _load(self, market: Market, session_id: int) -> None:
        """Goes on from a snapshot; it is younger than any packet of another session (see _change_session)."""
        if session_id != self.session_id:
            self._change_session(session_id)
        self._request = None
        self._failures = 0
        self._ready.clear()
        self._open.clear()
        self._ready.append(market)
        self._next = market.sequence + 1
        self._known_end = max(self._known_end, self._next)
        self._joined = True
        self._behind = False
        self._advance()


def _items(packet: Packet) -> list[_Item]:
    items = []
    for raw in packet.messages:
        message = read_message(raw)
        if len(raw) <= FLAGS_OFFSET or not (message is None or isinstance(message, FeedMessage)):
            raise PacketError("message without a sequence in the sequence")
        items.append(_Item(message, bool(raw[FLAGS_OFFSET] & LAST_IN_TRANSACTION)))
    return items
