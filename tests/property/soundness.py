"""What must hold in every state of the reference core, computed without its own methods where that is possible."""

from __future__ import annotations

from collections import Counter

from engine.book import ReferenceCore
from engine.wire.messages import OrderType, Side, TimeInForce


def assert_sound(core: ReferenceCore, credited: Counter[int]) -> None:
    """`credited`: what Credited events said was put in, by asset."""
    owned: Counter[int] = Counter()
    for (_, asset), balance in core.balances.items():
        assert balance.available_units >= 0 and balance.reserved_units >= 0
        owned[asset] += balance.available_units + balance.reserved_units
    assert +owned == +credited, "money is neither made nor lost"
    _assert_reservations(core)
    _assert_books(core)


def _assert_reservations(core: ReferenceCore) -> None:
    reserved: Counter[tuple[int, int]] = Counter()
    for order in core.orders.values():
        definition = core.instruments[order.instrument].definition
        asset = definition.quote if order.side == Side.BUY else definition.base
        reserved[order.account, asset] += order.reserved_units
    held = Counter({pair: balance.reserved_units for pair, balance in core.balances.items()})
    assert +held == +reserved, "what is reserved is what open orders reserve"


def _assert_books(core: ReferenceCore) -> None:
    resting = set()
    for instrument in core.instruments:
        bids, asks = core.book(instrument, Side.BUY), core.book(instrument, Side.SELL)
        assert not bids or not asks or bids[0].price_ticks < asks[0].price_ticks, "a book at rest is not crossed"
        assert [(-order.price_ticks, order.priority) for order in bids] == sorted(
            (-order.price_ticks, order.priority) for order in bids
        )
        assert [(order.price_ticks, order.priority) for order in asks] == sorted(
            (order.price_ticks, order.priority) for order in asks
        )
        resting |= {order.order_id for order in (*bids, *asks)}
    for order in core.orders.values():
        assert order.leaves_lots >= 1 and order.cum_lots + order.leaves_lots == order.quantity_lots
        assert order.order_type == OrderType.LIMIT
        assert order.time_in_force in (TimeInForce.DAY, TimeInForce.GOOD_TILL_CANCEL)
    assert resting == {order.order_id for order in core.orders.values()}, "an open order rests, and nothing else does"
    names = Counter((order.session, order.clordid) for order in core.orders.values())
    assert not names or max(names.values()) == 1, "a ClOrdID names at most one open order of its session"
