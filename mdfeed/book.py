"""Books built from the feed's messages, the same code for publisher and subscribers: L3, L2, best bid and offer.

Invariant: after every transaction no book is crossed, every level's quantity is the sum of its orders' and orders
stand by priority. A message that contradicts the book (unknown order, wrong leaves) raises BookError and means that
the receiver missed something.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mdfeed.schema.messages import (
    EndOfDay,
    InstrumentDefinition,
    OrderAdd,
    OrderDelete,
    OrderExecute,
    OrderModify,
    SessionStart,
    SettlementUpdate,
    Side,
    Trade,
    TradingState,
    TradingStatus,
)

FeedMessage = (
    SessionStart
    | InstrumentDefinition
    | TradingStatus
    | EndOfDay
    | SettlementUpdate
    | OrderAdd
    | OrderModify
    | OrderExecute
    | OrderDelete
    | Trade
)

LAST_IN_TRANSACTION = 1


class BookError(Exception):
    """A message does not fit the book it is for."""


class Level(NamedTuple):
    """One price of the L2 view."""

    price_ticks: int
    quantity_lots: int
    orders: int


@dataclass(slots=True)
class Order:
    """One resting order."""

    order_id: int
    side: int
    priority: int
    price_ticks: int
    quantity_lots: int


@dataclass(slots=True)
class _Queue:
    """The orders of one price, oldest first."""

    quantity_lots: int = 0
    orders: dict[int, Order] = field(default_factory=dict)


class _BookSide:
    """One side: prices ascending for both; the best buy is the last, the best sell the first."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._prices: list[int] = []
        self._queues: dict[int, _Queue] = {}

    def add(self, order: Order) -> None:
        queue = self._queues.get(order.price_ticks)
        if queue is None:
            queue = self._queues[order.price_ticks] = _Queue()
            insort(self._prices, order.price_ticks)
        elif next(reversed(queue.orders.values())).priority > order.priority:
            raise BookError(f"order {order.order_id} would stand behind a younger one")
        queue.orders[order.order_id] = order
        queue.quantity_lots += order.quantity_lots

    def reduce(self, order: Order, lots: int) -> None:
        queue = self._queues[order.price_ticks]
        queue.quantity_lots -= lots
        order.quantity_lots -= lots
        if order.quantity_lots:
            return
        del queue.orders[order.order_id]
        if not queue.orders:
            assert queue.quantity_lots == 0, "a level holds what its orders hold"
            del self._queues[order.price_ticks]
            del self._prices[bisect_left(self._prices, order.price_ticks)]

    def best(self) -> Level | None:
        if not self._prices:
            return None
        return self._level(self._prices[-1 if self._side is Side.BUY else 0])

    def _level(self, price_ticks: int) -> Level:
        queue = self._queues[price_ticks]
        return Level(price_ticks, queue.quantity_lots, len(queue.orders))

    def from_best(self) -> Iterator[int]:
        return reversed(self._prices) if self._side is Side.BUY else iter(self._prices)

    def levels(self, depth: int | None) -> list[Level]:
        prices = self._prices if depth is None else self._slice(depth)
        levels = [self._level(price) for price in prices]
        return levels[::-1] if self._side is Side.BUY else levels

    def _slice(self, depth: int) -> list[int]:
        if depth <= 0:
            return []
        return self._prices[-depth:] if self._side is Side.BUY else self._prices[:depth]

    def orders(self) -> Iterator[Order]:
        for price in self.from_best():
            yield from self._queues[price].orders.values()


class Book:
    """The book of one instrument."""

    def __init__(self, definition: InstrumentDefinition) -> None:
        self.definition = definition
        self.state = definition.state
        self.last_trade: Trade | None = None
        self.last_trade_id = 0
        self._orders: dict[int, Order] = {}
        self._sides = {Side.BUY.value: _BookSide(Side.BUY), Side.SELL.value: _BookSide(Side.SELL)}

    def __len__(self) -> int:
        return len(self._orders)

    @property
    def symbol(self) -> str:
        return self.definition.symbol.decode("ascii", "replace")

    @property
    def best_bid(self) -> Level | None:
        return self._sides[Side.BUY].best()

    @property
    def best_ask(self) -> Level | None:
        return self._sides[Side.SELL].best()

    def bids(self, depth: int | None = None) -> list[Level]:
        """L2 buys, best first."""
        return self._sides[Side.BUY].levels(depth)

    def asks(self, depth: int | None = None) -> list[Level]:
        """L2 sells, best first."""
        return self._sides[Side.SELL].levels(depth)

    def orders(self) -> Iterator[Order]:
        """L3: buys from the best price, then sells from the best price; within a price by priority."""
        yield from self._sides[Side.BUY].orders()
        yield from self._sides[Side.SELL].orders()

    @property
    def crossed(self) -> bool:
        """Best bid at or above best ask: never so at the end of a transaction."""
        bid, ask = self.best_bid, self.best_ask
        return bid is not None and ask is not None and bid.price_ticks >= ask.price_ticks

    def add(self, order: Order) -> None:
        """Puts an order at the back of its level."""
        if order.side not in self._sides or order.quantity_lots <= 0 or order.order_id in self._orders:
            raise BookError(f"{self.symbol}: order {order.order_id} cannot be added")
        self._sides[order.side].add(order)
        self._orders[order.order_id] = order

    def modify(self, order_id: int, quantity_lots: int) -> None:
        """Lowers an order's quantity where it stands."""
        order = self._find(order_id)
        if not 0 < quantity_lots <= order.quantity_lots:
            raise BookError(f"{self.symbol}: order {order_id} of {order.quantity_lots} cannot become {quantity_lots}")
        self._sides[order.side].reduce(order, order.quantity_lots - quantity_lots)

    def execute(self, order_id: int, executed_lots: int, leaves_lots: int) -> None:
        """Takes an execution off an order; the order leaves the book at 0."""
        order = self._find(order_id)
        if executed_lots <= 0 or leaves_lots < 0 or order.quantity_lots - executed_lots != leaves_lots:
            raise BookError(f"{self.symbol}: order {order_id} of {order.quantity_lots} cannot trade {executed_lots}")
        self._sides[order.side].reduce(order, executed_lots)
        if leaves_lots == 0:
            del self._orders[order_id]

    def delete(self, order_id: int) -> None:
        """Takes an order out."""
        order = self._find(order_id)
        self._sides[order.side].reduce(order, order.quantity_lots)
        del self._orders[order_id]

    def traded(self, trade: Trade) -> None:
        """Remembers the last trade; changes no order."""
        self.last_trade = trade
        self.last_trade_id = trade.trade_id

    def _find(self, order_id: int) -> Order:
        order = self._orders.get(order_id)
        if order is None:
            raise BookError(f"{self.symbol}: no order {order_id}")
        return order


class Market:
    """Everything a subscriber knows: the venue's state, the instruments and their books, after message `sequence`."""

    def __init__(self) -> None:
        self.sequence = 0
        self.event_sequence = 0
        self.time_ns = 0
        self.venue = b""
        self.epoch = 0
        self.day = 0
        self.state: int = TradingState.OPEN
        self.books: dict[int, Book] = {}

    def apply_transaction(self, messages: Sequence[FeedMessage | None]) -> None:
        """Applies one whole transaction; BookError when it does not fit, and then the market is of no more use."""
        for message in messages:
            self.apply(message)
        for instrument in {message.instrument for message in messages if message is not None and message.instrument}:
            if self.books[instrument].crossed:
                raise BookError(f"{self.books[instrument].symbol} is crossed")

    def apply(self, message: FeedMessage | None) -> None:
        """Applies the next message (None: of a template unknown to us); BookError when it does not fit."""
        self.sequence += 1
        if message is None:
            return
        self.event_sequence = max(self.event_sequence, message.event_sequence)
        self.time_ns = message.time_ns
        if isinstance(message, OrderAdd):
            order = Order(message.order_id, message.side, message.priority, message.price_ticks, message.quantity_lots)
            self._book(message.instrument).add(order)
        elif isinstance(message, OrderDelete):
            self._book(message.instrument).delete(message.order_id)
        elif isinstance(message, OrderExecute):
            book = self._book(message.instrument)
            book.execute(message.order_id, message.executed_lots, message.leaves_lots)
        elif isinstance(message, Trade):
            self._book(message.instrument).traded(message)
        elif isinstance(message, OrderModify):
            self._book(message.instrument).modify(message.order_id, message.quantity_lots)
        else:
            self._apply_status(message)

    def _apply_status(
        self, message: SessionStart | InstrumentDefinition | TradingStatus | EndOfDay | SettlementUpdate
    ) -> None:
        if isinstance(message, InstrumentDefinition):
            self.define(message)
        elif isinstance(message, TradingStatus):
            if message.instrument:
                self._book(message.instrument).state = message.state
            else:
                self.state = message.state
        elif isinstance(message, SessionStart):
            self.venue, self.epoch = message.venue, message.epoch
            self.state, self.day = message.state, message.day
        elif isinstance(message, EndOfDay):
            self.day = message.day

    def define(self, definition: InstrumentDefinition) -> None:
        """A new instrument, or new values of one whose orders stay."""
        book = self.books.get(definition.instrument)
        if book is None:
            self.books[definition.instrument] = Book(definition)
            return
        book.definition = definition
        book.state = definition.state

    def book(self, symbol: str) -> Book:
        """The book of that symbol; KeyError if there is none."""
        for book in self.books.values():
            if book.symbol == symbol:
                return book
        raise KeyError(symbol)

    def _book(self, instrument: int) -> Book:
        book = self.books.get(instrument)
        if book is None:
            raise BookError(f"no instrument {instrument}")
        return book
