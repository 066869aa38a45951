"""Books built from the feed's messages, the same code for publisher and subscribers: L3, L2, best bid and offer.

Invariant: after every transaction every level's quantity is the sum of its orders', orders stand by priority, and no
book is crossed unless its orders are being collected for an auction or wait for one to end. A message that contradicts
the book (unknown order, wrong leaves, other statistics than its own) raises BookError and means that the receiver
missed something.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mdfeed.schema.messages import (
    AuctionIndicative,
    AuctionUncrossed,
    DayStatistics,
    EndOfDay,
    InstrumentDefinition,
    InstrumentPhase,
    OrderAdd,
    OrderDelete,
    OrderExecute,
    OrderModify,
    Phase,
    ReferencePrice,
    SessionStart,
    SettlementUpdate,
    Side,
    SnapshotStatistics,
    TickBand,
    Trade,
    TradeBust,
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
    | InstrumentPhase
    | TickBand
    | ReferencePrice
    | DayStatistics
    | AuctionIndicative
    | AuctionUncrossed
    | TradeBust
)

#: Messages of which a book keeps the last one, and a snapshot repeats it.
Latest = InstrumentPhase | ReferencePrice | AuctionIndicative | AuctionUncrossed | Trade | TradeBust | DayStatistics

LAST_IN_TRANSACTION = 1


class BookError(Exception):
    """A message does not fit the book it is for."""


class Level(NamedTuple):
    """One price of the L2 view."""

    price_ticks: int
    quantity_lots: int
    orders: int


@dataclass(slots=True)
class TradeStatistics:
    """The trades of the day so far, busted ones too; turnover is the sum of price_ticks x quantity_lots."""

    open_ticks: int = 0
    high_ticks: int = 0
    low_ticks: int = 0
    last_ticks: int = 0  # stays when a new day begins
    volume_lots: int = 0
    turnover: int = 0
    trades: int = 0

    def add(self, price_ticks: int, quantity_lots: int) -> None:
        """One more trade."""
        if not self.trades:
            self.open_ticks = self.high_ticks = self.low_ticks = price_ticks
        self.high_ticks = max(self.high_ticks, price_ticks)
        self.low_ticks = min(self.low_ticks, price_ticks)
        self.last_ticks = price_ticks
        self.volume_lots += quantity_lots
        self.turnover += price_ticks * quantity_lots
        self.trades += 1

    @staticmethod
    def of_message(message: DayStatistics | SnapshotStatistics) -> TradeStatistics:
        """What a message says."""
        return TradeStatistics(
            message.open_ticks,
            message.high_ticks,
            message.low_ticks,
            message.last_ticks,
            message.volume_lots,
            message.turnover_high << 64 | message.turnover_low,
            message.trades,
        )


@dataclass(slots=True)
class Order:
    """One resting order, as far as it is shown."""

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
        assert queue.quantity_lots >= order.quantity_lots >= 0, "a level holds at least each of its orders"
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
    """The book of one instrument, with its phase, auction, reference price and statistics.

    The last message of a kind is None while none came since the instrument was defined.
    """

    def __init__(self, definition: InstrumentDefinition) -> None:
        self.definition = definition
        self.state = definition.state
        self.phase: int = definition.phase
        self.phase_change: InstrumentPhase | None = None
        self.reference: ReferencePrice | None = None
        self.indicative: AuctionIndicative | None = None  # of the auction under way only
        self.auction: AuctionUncrossed | None = None
        self.last_trade: Trade | None = None
        self.last_trade_id = 0
        self.bust: TradeBust | None = None
        self.day: DayStatistics | None = None  # of the last day that had trades and is over
        self.statistics = TradeStatistics()
        self.tick_bands: dict[int, TickBand] = {}
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
        """Best bid at or above best ask; at the end of a transaction only where `may_be_crossed`."""
        bid, ask = self.best_bid, self.best_ask
        return bid is not None and ask is not None and bid.price_ticks >= ask.price_ticks

    @property
    def uncrossing(self) -> bool:
        """Continuous trading was announced, but the trades of the auction before it are not all made."""
        change, auction = self.phase_change, self.auction
        if self.phase != Phase.CONTINUOUS or change is None:
            return False
        return auction is None or auction.event_sequence < change.event_sequence

    @property
    def may_be_crossed(self) -> bool:
        """Orders are collected, not matched: best bid and ask are no prices to trade at."""
        return self.phase != Phase.CONTINUOUS or self.uncrossing

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
        """Remembers and counts the last trade; changes no order."""
        self.last_trade = trade
        self.last_trade_id = trade.trade_id
        self.statistics.add(trade.price_ticks, trade.quantity_lots)

    def change_phase(self, change: InstrumentPhase) -> None:
        """Another phase, or the same begun anew."""
        if change.previous != self.phase:
            raise BookError(f"{self.symbol}: phase {change.previous} is over, but {self.phase} was on")
        if change.phase != change.previous:
            self.indicative = None
        self.phase = change.phase
        self.phase_change = change

    def end_day(self, day: DayStatistics) -> None:
        """Compares the day's statistics with our own and starts the next day's; the last price stays."""
        if TradeStatistics.of_message(day) != self.statistics:
            raise BookError(f"{self.symbol}: the day had {day.trades} trades, we saw {self.statistics}")
        self.day = day
        self.statistics = TradeStatistics(last_ticks=day.last_ticks)

    def set_tick_band(self, band: TickBand) -> None:
        """A new or changed band of the tick table, or one that goes."""
        if band.from_ticks:
            self.tick_bands[band.band] = band
        else:
            self.tick_bands.pop(band.band, None)

    def latest(self) -> list[Latest]:
        """The last message of each kind that there was."""
        kinds = (
            self.phase_change,
            self.reference,
            self.indicative,
            self.auction,
            self.last_trade,
            self.bust,
            self.day,
        )
        return [message for message in kinds if message is not None]

    def restore(self, message: Latest | TickBand | SnapshotStatistics) -> None:
        """Takes from a snapshot what is known of the instrument beside its definition and its orders."""
        if isinstance(message, InstrumentPhase):
            self.phase_change = message
        elif isinstance(message, ReferencePrice):
            self.reference = message
        elif isinstance(message, AuctionIndicative):
            self.indicative = message
        elif isinstance(message, AuctionUncrossed):
            self.auction = message
        elif isinstance(message, Trade):
            self.last_trade = message
        elif isinstance(message, TradeBust):
            self.bust = message
        elif isinstance(message, DayStatistics):
            self.day = message
        elif isinstance(message, TickBand):
            self.set_tick_band(message)
        else:
            self.statistics = TradeStatistics.of_message(message)

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
            book = self.books[instrument]
            if book.crossed and not book.may_be_crossed:
                raise BookError(f"{book.symbol} is crossed")

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
        elif isinstance(message, SessionStart | InstrumentDefinition | TradingStatus | EndOfDay | SettlementUpdate):
            self._apply_status(message)
        else:
            _apply_market(self._book(message.instrument), message)

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
        book.state, book.phase = definition.state, definition.phase

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


def _apply_market(
    book: Book,
    message: InstrumentPhase
    | TickBand
    | ReferencePrice
    | DayStatistics
    | AuctionIndicative
    | AuctionUncrossed
    | TradeBust,
) -> None:
    if isinstance(message, InstrumentPhase):
        book.change_phase(message)
    elif isinstance(message, DayStatistics):
        book.end_day(message)
    else:
        book.restore(message)
