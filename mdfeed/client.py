"""The reference client of the feed: join at any moment, keep books that equal the engine's, recover by itself.

Twenty lines to a live book:

    with FeedClient("tcp://127.0.0.1:9900", "tcp://127.0.0.1:9901") as client:
        for event in client:
            if isinstance(event, Transaction) and client.status is Status.LIVE:
                book = client.book("BTC-USD")
                print(book.best_bid, book.best_ask, book.last_trade)

It imports nothing of the venue outside this package. It subscribes first and asks for a snapshot then, so nothing
falls between the two. Not thread-safe: one thread (or one event loop) owns one client.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Any, Self

import zmq
import zmq.asyncio

from mdfeed.book import Book, BookError, FeedMessage, Latest, Level, Market, Order, TradeStatistics
from mdfeed.packets import CHANNEL
from mdfeed.receiver import FeedEvent, Receiver, Resynchronized, Statistics, Status, StatusChanged, Transaction

__all__ = [
    "FeedClient",
    "FeedEvent",
    "FeedMessage",
    "Transaction",
    "Resynchronized",
    "StatusChanged",
    "Status",
    "Statistics",
    "Market",
    "Book",
    "BookError",
    "Latest",
    "Level",
    "Order",
    "TradeStatistics",
]

RECEIVE_HIGH_WATER = 20_000  # packets; what does not fit is lost and recovered
DRAIN_MAX = 2_000  # packets per poll, so that applying keeps up with receiving
TURN_MS = 50  # how often requests and staleness are looked at while nothing arrives
REQUEST_ID_SIZE = 8


class FeedClient:
    """A live market. Iterate it (plainly or with `async for`), or call `poll` from a loop of your own."""

    def __init__(
        self,
        publish_endpoint: str,
        snapshot_endpoint: str,
        channel: int = 1,
        *,
        stale_after_ms: int = 3_000,
        context: zmq.Context[Any] | None = None,
    ) -> None:
        """`stale_after_ms`: silence that makes the feed stale; a few of the publisher's heartbeats."""
        self._own_context = zmq.Context[Any]() if context is None else None
        self._context = self._own_context or context
        assert self._context is not None
        self._receiver = Receiver(channel, stale_after_ms * 1_000_000, time.monotonic_ns())
        self._packets = self._connect(zmq.SUB, publish_endpoint)
        self._packets.setsockopt(zmq.SUBSCRIBE, CHANNEL.pack(channel))
        self._requests = self._connect(zmq.DEALER, snapshot_endpoint)

    def _connect(self, kind: int, endpoint: str) -> zmq.Socket[bytes]:
        assert self._context is not None
        socket: zmq.Socket[bytes] = self._context.socket(kind)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVHWM, RECEIVE_HIGH_WATER)
        if kind == zmq.DEALER:
            # No request may wait for a server that is gone. (Not for SUB: at a disconnect IMMEDIATE also drops what
            # has arrived and is not read yet, such as the goodbye.)
            socket.setsockopt(zmq.IMMEDIATE, 1)
        socket.setsockopt(zmq.RECONNECT_IVL, 20)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1_000)
        socket.connect(endpoint)
        return socket

    @property
    def market(self) -> Market:
        """Everything known, after message `market.sequence`."""
        return self._receiver.market

    @property
    def status(self) -> Status:
        return self._receiver.status

    @property
    def session_id(self) -> int | None:
        return self._receiver.session_id

    @property
    def statistics(self) -> Statistics:
        return self._receiver.statistics

    def book(self, symbol: str) -> Book:
        """The book of one instrument, KeyError while unknown. A snapshot replaces it: do not keep it across events."""
        return self.market.book(symbol)

    def poll(self, timeout_ms: int) -> Iterator[FeedEvent]:
        """Waits up to timeout_ms for packets; iterate the result to its end, it applies as it goes."""
        self._send_request()
        ready = zmq.select([self._packets, self._requests], [], [], timeout_ms / 1000)[0]
        if ready:
            self._drain()
            self._send_request()
        return self._receiver.events(time.monotonic_ns())

    def _drain(self) -> None:
        now_ns = time.monotonic_ns()
        for _ in range(DRAIN_MAX):
            try:
                self._receiver.packet(self._packets.recv(zmq.DONTWAIT), now_ns)
            except zmq.Again:
                break
        for _ in range(DRAIN_MAX):
            try:
                parts = self._requests.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                break
            if len(parts) == 2 and len(parts[0]) == REQUEST_ID_SIZE:
                self._receiver.answer(int.from_bytes(parts[0], "little"), parts[1], now_ns)

    def _send_request(self) -> None:
        if not self._requests.poll(0, zmq.POLLOUT):
            return
        request = self._receiver.request(time.monotonic_ns())
        if request is not None:
            self._requests.send(request, zmq.DONTWAIT)

    def __iter__(self) -> Iterator[FeedEvent]:
        """Events for as long as you take them."""
        while True:
            yield from self.poll(TURN_MS)

    async def __aiter__(self) -> AsyncIterator[FeedEvent]:
        """The same for asyncio: waits without blocking the event loop."""
        poller = zmq.asyncio.Poller()
        poller.register(self._packets, zmq.POLLIN)
        poller.register(self._requests, zmq.POLLIN)
        while True:
            await poller.poll(TURN_MS)
            for event in self.poll(0):
                yield event

    def close(self) -> None:
        """Closes the sockets; the market stays readable."""
        self._packets.close(0)
        self._requests.close(0)
        if self._own_context is not None:
            self._own_context.term()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()
