"""The gateway's view of orders, rebuilt from engine events alone: what a report or an order status needs to know.

It decides nothing. Given the same events it is the same view, so every report can be written again, word for word,
after any crash.
Closed orders are kept until the end of the trading day, so that a status request and a late cancel still find them;
by OrderID also while one of their trades can still be busted.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum

from engine.wire.messages import (
    AnyMessage,
    CancelRejected,
    DayEnded,
    EpochStarted,
    LimitsDefined,
    MassCanceled,
    OrderAccepted,
    OrderCanceled,
    OrderReduced,
    OrderRejected,
    OrderReplaced,
    OrderTriggered,
    Trade,
    TradeBusted,
)
from fixgw.reasons import EXPIRIES


class Status(StrEnum):
    """OrdStatus(39); in FIX 4.4 a replaced order is New or Partially filled again."""

    NEW = "0"
    PARTIALLY_FILLED = "1"
    FILLED = "2"
    CANCELED = "4"
    REJECTED = "8"
    EXPIRED = "C"


OPEN = (Status.NEW, Status.PARTIALLY_FILLED)


class Leg(StrEnum):
    """Which side of an event a report is for; the letter ends the ExecID of a trade."""

    ONLY = ""
    MAKER = "M"
    TAKER = "T"


@dataclass(slots=True)
class Order:
    """One order as its client sees it, in ticks and lots.

    `notional_steps` is the sum of price_ticks x quantity_lots over its fills that were not busted. A busted fill is
    neither executed nor open again: quantity_lots = cum_lots + leaves_lots + busted_lots while the order is open.
    """

    order_id: int
    session: int
    clordid: bytes
    account: int
    instrument: int
    side: int
    order_type: int
    time_in_force: int
    price_ticks: int
    quantity_lots: int
    leaves_lots: int
    echo: bytes
    stop_price_ticks: int = 0
    display_lots: int = 0
    min_lots: int = 0
    expire_ns: int = 0
    trigger: int = 0
    stp_mode: int = 0
    post_only: int = 0
    working: bool = True  # False: a stop that waits for its price, or an at-the-close order for its auction
    contingent: bool = False  # was not working at entry
    cum_lots: int = 0
    notional_steps: int = 0
    busted_lots: int = 0
    epoch: int = 0  # the engine's when the order was accepted: OrderIDs are unique within one
    last_trade: int = 0  # which trade of the view its latest fill was, counted from 1
    status: Status = Status.NEW

    def fill(self, price_ticks: int, quantity_lots: int, leaves_lots: int) -> None:
        """One execution; the engine's leaves are the truth."""
        self.cum_lots += quantity_lots
        self.notional_steps += price_ticks * quantity_lots
        self.leaves_lots = leaves_lots
        self._settle()

    def replace(self, event: OrderReplaced) -> None:
        """The order as it is after a replace; OrderQty not above CumQty leaves it filled (FIX 4.4 Appendix D, C.3)."""
        self.clordid = event.clordid
        self.price_ticks = event.price_ticks
        self.quantity_lots = event.quantity_lots
        self.leaves_lots = event.leaves_lots
        self.stop_price_ticks = event.stop_price_ticks or self.stop_price_ticks
        self.display_lots = event.display_lots
        self.expire_ns = event.expire_ns
        self.working = bool(event.working) or event.leaves_lots == 0
        self.echo = event.echo or self.echo
        self._settle()

    def start_working(self, event: OrderTriggered) -> None:
        """A stop reached its price, or the closing auction began."""
        self.working = True
        self.price_ticks = event.price_ticks

    def reduce(self, event: OrderReduced) -> None:
        """Self-trade prevention took lots away: they are no part of the order any more."""
        self.quantity_lots -= event.reduced_lots
        self.leaves_lots = event.leaves_lots

    def bust(self, price_ticks: int, quantity_lots: int) -> None:
        """One of its fills is taken back; nothing of it is open again, so an order that was filled is canceled now."""
        self.cum_lots -= quantity_lots
        self.notional_steps -= price_ticks * quantity_lots
        self.busted_lots += quantity_lots
        if self.status in (Status.NEW, Status.PARTIALLY_FILLED, Status.FILLED):
            self._settle()

    def close(self, status: Status) -> None:
        """Canceled or expired: nothing is left to execute."""
        self.leaves_lots = 0
        self.status = status

    def _settle(self) -> None:
        if self.leaves_lots == 0:
            self.status = Status.CANCELED if self.busted_lots else Status.FILLED
        else:
            self.status = Status.PARTIALLY_FILLED if self.cum_lots else Status.NEW


class OrderView:
    """All orders of the trading day, by OrderID and by any ClOrdID of their replace chain."""

    def __init__(self) -> None:
        self._by_id: dict[int, Order] = {}
        self._by_clordid: dict[tuple[int, bytes], Order] = {}
        self._trades = 0
        self._max_bustable_trades = 0
        self._epoch_starts: list[tuple[int, int]] = []  # (sequence of EpochStarted, the epoch it began), ascending

    def __len__(self) -> int:
        return len(self._by_id)

    def find(self, session: int, order_id: int, clordid: bytes) -> Order | None:
        """The session's order by OrderID if given, else by ClOrdID."""
        if order_id:
            order = self._by_id.get(order_id)
            return order if order is not None and order.session == session else None
        return self._by_clordid.get((session, clordid))

    def apply(self, event: AnyMessage) -> list[tuple[int, Leg]]:
        """Follow one event; returns who gets a report of it, as (session, leg) in order."""
        if isinstance(event, Trade):
            return self._trade(event)
        if isinstance(event, OrderAccepted):
            self._accept(event)
        elif isinstance(event, OrderReplaced):
            order = self._by_id[event.order_id]
            order.replace(event)
            self._by_clordid[order.session, order.clordid] = order
        elif isinstance(event, OrderCanceled):
            expired = event.reason in EXPIRIES
            self._by_id[event.order_id].close(Status.EXPIRED if expired else Status.CANCELED)
        elif isinstance(event, OrderTriggered):
            self._by_id[event.order_id].start_working(event)
        elif isinstance(event, OrderReduced):
            self._by_id[event.order_id].reduce(event)
        elif isinstance(event, TradeBusted):
            return self._bust(event)
        elif isinstance(event, MassCanceled):
            return [(event.session, Leg.ONLY)] if event.client_seq else []  # nobody asked for the others
        elif not isinstance(event, OrderRejected | CancelRejected):
            self._follow_venue(event)
            return []
        return [(event.session, Leg.ONLY)]

    def _follow_venue(self, event: AnyMessage) -> None:
        """What changes the view itself, and nothing that a client is told."""
        if isinstance(event, DayEnded):
            self._forget_closed()
        elif isinstance(event, EpochStarted):
            self._epoch_starts.append((event.sequence, event.started_epoch))
        elif isinstance(event, LimitsDefined):
            self._max_bustable_trades = event.max_bustable_trades

    def _trade(self, event: Trade) -> list[tuple[int, Leg]]:
        self._trades += 1
        for order_id, leaves_lots in (
            (event.maker_order_id, event.maker_leaves_lots),
            (event.taker_order_id, event.taker_leaves_lots),
        ):
            order = self._by_id[order_id]
            order.fill(event.price_ticks, event.quantity_lots, leaves_lots)
            order.last_trade = self._trades
        return [(event.maker_session, Leg.MAKER), (event.taker_session, Leg.TAKER)]

    def _bust(self, event: TradeBusted) -> list[tuple[int, Leg]]:
        for order_id in (event.maker_order_id, event.taker_order_id):
            self._by_id[order_id].bust(event.price_ticks, event.quantity_lots)
        return [(event.maker_session, Leg.MAKER), (event.taker_session, Leg.TAKER)]

    def epoch_at(self, sequence: int) -> int:
        """The engine's epoch when it gave this event number: what the ExecID of an older event began with."""
        place = bisect_right(self._epoch_starts, sequence, key=lambda start: start[0])
        assert place, f"no EpochStarted before event {sequence}"
        return self._epoch_starts[place - 1][1]

    def order_of(self, event: AnyMessage, leg: Leg) -> Order | None:
        """The order a report of this event is about; None when there is none or nobody knows it."""
        if isinstance(event, Trade | TradeBusted):
            return self._by_id.get(event.maker_order_id if leg is Leg.MAKER else event.taker_order_id)
        if isinstance(event, OrderAccepted | OrderReplaced | OrderCanceled | OrderTriggered | OrderReduced):
            return self._by_id.get(event.order_id)
        if isinstance(event, CancelRejected):
            return self.find(event.session, event.order_id, event.orig_clordid)
        if isinstance(event, OrderRejected):
            return self.find(event.session, 0, event.clordid)
        return None

    def _accept(self, event: OrderAccepted) -> None:
        order = Order(
            event.order_id,
            event.session,
            event.clordid,
            event.account,
            event.instrument,
            event.side,
            event.order_type,
            event.time_in_force,
            event.price_ticks,
            event.quantity_lots,
            event.quantity_lots,
            event.echo,
            event.stop_price_ticks,
            event.display_lots if event.display_lots < event.quantity_lots else 0,  # all of it is shown: no iceberg
            event.min_lots,
            event.expire_ns,
            event.trigger,
            event.stp_mode,
            event.post_only,
            working=bool(event.working),
            contingent=not event.working,
            epoch=event.epoch,
        )
        self._by_id[order.order_id] = order
        self._by_clordid[order.session, order.clordid] = order

    def _forget_closed(self) -> None:
        """Closed orders go, but for those that a bust can still name."""
        oldest = self._trades - self._max_bustable_trades  # trades are counted from 1: all above can be busted
        self._by_id = {
            key: order
            for key, order in self._by_id.items()
            if order.status in OPEN or order.last_trade > max(oldest, 0)
        }
        self._by_clordid = {key: order for key, order in self._by_clordid.items() if order.status in OPEN}
