"""Snapshots: a market written as messages, and read back by a subscriber.

Invariant: a loaded snapshot is complete and consistent (every announced instrument, detail and order is there, no book
is crossed that may not be) or refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from mdfeed.book import Book, BookError, Latest, Market, Order
from mdfeed.schema.messages import (
    AnyMessage,
    InstrumentDefinition,
    SnapshotBegin,
    SnapshotEnd,
    SnapshotOrder,
    SnapshotStatistics,
    SnapshotVenue,
    TickBand,
)

WORD = 2**64
Detail = Latest | TickBand | SnapshotStatistics


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
    details = [*_details(book)]
    yield SnapshotBegin(instrument, len(book), as_of_sequence, book.last_trade_id, len(details)).encode()
    yield book.definition._replace(flags=0, state=book.state, phase=book.phase).encode()
    for detail in details:
        yield detail.encode()
    for order in book.orders():
        yield SnapshotOrder(
            instrument, order.side, order.order_id, order.priority, order.price_ticks, order.quantity_lots
        ).encode()
    yield SnapshotEnd(instrument, len(book), as_of_sequence).encode()


def _details(book: Book) -> Iterator[Detail]:
    """What a subscriber must know of the instrument beside definition and orders, as it was published."""
    for message in (*book.latest(), *book.tick_bands.values()):
        yield message._replace(flags=0)
    day = book.statistics
    yield SnapshotStatistics(
        instrument=book.definition.instrument,
        open_ticks=day.open_ticks,
        high_ticks=day.high_ticks,
        low_ticks=day.low_ticks,
        last_ticks=day.last_ticks,
        volume_lots=day.volume_lots,
        turnover_low=day.turnover % WORD,
        turnover_high=day.turnover // WORD,
        trades=day.trades,
    )


class Loader:
    """Builds a market from the messages of one snapshot, in order; BookError at the first that does not fit."""

    def __init__(self) -> None:
        self._market = Market()
        self._venue: SnapshotVenue | None = None
        self._begin: SnapshotBegin | None = None
        self._book: Book | None = None
        self._details = 0

    def take(self, message: AnyMessage | None) -> None:
        """The next message; None is one of a template unknown to us."""
        if message is None:
            return
        if isinstance(message, SnapshotOrder) and self._book is not None:
            if message.instrument != self._book.definition.instrument:
                raise BookError("order of another instrument in a snapshot")
            order = Order(message.order_id, message.side, message.priority, message.price_ticks, message.quantity_lots)
            self._book.add(order)
        elif isinstance(message, Detail) and self._book is not None and not len(self._book):
            self._detail(message, self._book)
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
        self._details = 0

    def _detail(self, message: Detail, book: Book) -> None:
        if message.instrument != book.definition.instrument:
            raise BookError("detail of another instrument in a snapshot")
        book.restore(message)
        self._details += 1

    def _close(self, end: SnapshotEnd, begin: SnapshotBegin, book: Book) -> None:
        whole = end.instrument == begin.instrument and end.orders == begin.orders == len(book)
        complete = whole and self._details == begin.details and end.as_of_sequence == self._market.sequence
        if not complete or (book.crossed and not book.may_be_crossed):
            raise BookError(f"snapshot of {book.symbol} is not whole")
        self._begin = self._book = None

    def market(self) -> Market:
        """The market once all messages were taken; BookError when some are missing."""
        if self._venue is None or self._begin is not None or len(self._market.books) != self._venue.instruments:
            raise BookError("snapshot is not whole")
        return self._market
