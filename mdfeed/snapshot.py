"""Snapshots: a market written as messages, and read back by a subscriber.

Invariant: a loaded snapshot is complete and consistent (every announced instrument and order is there, no book is
crossed) or refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from mdfeed.book import Book, BookError, Market, Order
from mdfeed.schema.messages import (
    AnyMessage,
    InstrumentDefinition,
    SnapshotBegin,
    SnapshotEnd,
    SnapshotOrder,
    SnapshotVenue,
)


def dump(market: Market, instrument: int = 0) -> Iterator[bytes]:
    """The encoded messages of a snapshot of one instrument, or of all with 0; KeyError for an unknown one."""
    books = [market.books[instrument]] if instrument else list(market.books.values())
    yield SnapshotVenue(
        as_of_sequence=market.sequence,
        event_sequence=market.event_sequence,
        time_ns=market.time_ns,
        epoch=market.epoch,
        day=market.day,
        instruments=len(books),
        state=market.state,
        venue=market.venue,
    ).encode()
    for book in books:
        yield from _dump_book(market.sequence, book)


def _dump_book(as_of_sequence: int, book: Book) -> Iterator[bytes]:
    instrument = book.definition.instrument
    yield SnapshotBegin(instrument, len(book), as_of_sequence, book.last_trade_id).encode()
    yield book.definition._replace(flags=0, state=book.state).encode()
    for order in book.orders():
        yield SnapshotOrder(
            instrument, order.side, order.order_id, order.priority, order.price_ticks, order.quantity_lots
        ).encode()
    yield SnapshotEnd(instrument, len(book), as_of_sequence).encode()


class Loader:
    """Builds a market from the messages of one snapshot, in order; BookError at the first that does not fit."""

    def __init__(self) -> None:
        self._market = Market()
        self._venue: SnapshotVenue | None = None
        self._begin: SnapshotBegin | None = None
        self._book: Book | None = None

    def take(self, message: AnyMessage | None) -> None:
        """The next message; None is one of a template unknown to us."""
        if message is None:
            return
        if isinstance(message, SnapshotOrder) and self._book is not None:
            if message.instrument != self._book.definition.instrument:
                raise BookError("order of another instrument in a snapshot")
            order = Order(message.order_id, message.side, message.priority, message.price_ticks, message.quantity_lots)
            self._book.add(order)
        elif isinstance(message, SnapshotVenue) and self._venue is None:
            self._start(message)
        elif isinstance(message, SnapshotBegin) and self._venue is not None and self._begin is None:
            self._begin = message
        elif isinstance(message, InstrumentDefinition) and self._begin is not None and self._book is None:
            self._open(message, self._begin)
        elif isinstance(message, SnapshotEnd) and self._begin is not None and self._book is not None:
            self._close(message, self._begin, self._book)
        else:
            raise BookError(f"{type(message).__name__} out of place in a snapshot")

    def _start(self, venue: SnapshotVenue) -> None:
        self._venue = venue
        self._market.sequence = venue.as_of_sequence
        self._market.event_sequence = venue.event_sequence
        self._market.time_ns = venue.time_ns
        self._market.epoch, self._market.day = venue.epoch, venue.day
        self._market.state, self._market.venue = venue.state, venue.venue

    def _open(self, definition: InstrumentDefinition, begin: SnapshotBegin) -> None:
        if definition.instrument != begin.instrument or definition.instrument in self._market.books:
            raise BookError("definition of another instrument in a snapshot")
        self._market.define(definition)
        self._book = self._market.books[definition.instrument]
        self._book.last_trade_id = begin.last_trade_id

    def _close(self, end: SnapshotEnd, begin: SnapshotBegin, book: Book) -> None:
        whole = end.instrument == begin.instrument and end.orders == begin.orders == len(book)
        if not whole or end.as_of_sequence != self._market.sequence or book.crossed:
            raise BookError(f"snapshot of {book.symbol} is not whole")
        self._begin = self._book = None

    def market(self) -> Market:
        """The market once all messages were taken; BookError when some are missing."""
        if self._venue is None or self._begin is not None or len(self._market.books) != self._venue.instruments:
            raise BookError("snapshot is not whole")
        return self._market
