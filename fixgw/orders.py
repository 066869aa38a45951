"""The gateway's view of orders, rebuilt from engine events alone: what a report or an order status needs to know.

It decides nothing. Given the same events it is the same view, so every report can be written again, word for word,
after any crash.
Closed orders are kept until the end of the trading day, so that a status request and a late cancel still find them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.wire.messages import (
    AnyMessage,
    CancelRejected,
    DayEnded,
    OrderAccepted,
    OrderCanceled,
    OrderRejected,
    OrderReplaced,
    Reason,
    Trade,
)


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

    `notional_steps` is the sum of price_ticks x quantity_lots over its fills.
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
    cum_lots: int = 0
    notional_steps: int = 0
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
        self.echo = event.echo or self.echo
        self._settle()

    def close(self, status: Status) -> None:
        """Canceled or expired: nothing is left to execute."""
        self.leaves_lots = 0
        self.status = status

    def _settle(self) -> None:
        if self.leaves_lots == 0:
            self.status = Status.FILLED
        else:
            self.status = Status.PARTIALLY_FILLED if self.cum_lots else Status.NEW


class OrderView:
    """All orders of the trading day, by OrderID and by any ClOrdID of their replace chain."""

    def __init__(self) -> None:
        self._by_id: dict[int, Order] = {}
        self._by_clordid: dict[tuple[int, bytes], Order] = {}

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
            self._by_id[event.maker_order_id].fill(event.price_ticks, event.quantity_lots, event.maker_leaves_lots)
            self._by_id[event.taker_order_id].fill(event.price_ticks, event.quantity_lots, event.taker_leaves_lots)
            return [(event.maker_session, Leg.MAKER), (event.taker_session, Leg.TAKER)]
        if isinstance(event, OrderAccepted):
            self._accept(event)
        elif isinstance(event, OrderReplaced):
            order = self._by_id[event.order_id]
            order.replace(event)
            self._by_clordid[order.session, order.clordid] = order
        elif isinstance(event, OrderCanceled):
            expired = event.reason == Reason.EXPIRED_END_OF_DAY
            self._by_id[event.order_id].close(Status.EXPIRED if expired else Status.CANCELED)
        elif isinstance(event, DayEnded):
            self._forget_closed()
            return []
        elif not isinstance(event, OrderRejected | CancelRejected):
            return []
        return [(event.session, Leg.ONLY)]

    def order_of(self, event: AnyMessage, leg: Leg) -> Order | None:
        """The order a report of this event is about; None when there is none or nobody knows it."""
        if isinstance(event, Trade):
            return self._by_id.get(event.maker_order_id if leg is Leg.MAKER else event.taker_order_id)
        if isinstance(event, OrderAccepted | OrderReplaced | OrderCanceled):
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
        )
        self._by_id[order.order_id] = order
        self._by_clordid[order.session, order.clordid] = order

    def _forget_closed(self) -> None:
        self._by_id = {key: order for key, order in self._by_id.items() if order.status in OPEN}
        self._by_clordid = {key: order for key, order in self._by_clordid.items() if order.status in OPEN}
