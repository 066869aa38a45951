"""What must hold in every state of the reference core, computed without its own methods where that is possible."""

from __future__ import annotations

from collections import Counter

from engine.book import Order, ReferenceCore
from engine.wire.messages import Phase, Side


def assert_sound(core: ReferenceCore, credited: Counter[int]) -> None:
    """`credited`: what Credited events said was put in, by asset."""
    owned: Counter[int] = Counter()
    for (_, asset), balance in core.balances.items():
        assert balance.available_units >= 0 and balance.reserved_units >= 0
        owned[asset] += balance.available_units + balance.reserved_units
    assert +owned == +credited, "money is neither made nor lost"
    _assert_positions(core)
    for instrument in core.instruments:
        _assert_book(core, instrument)
    core.audit()


def _assert_positions(core: ReferenceCore) -> None:
    """What one has bought another has sold."""
    positions: Counter[int] = Counter()
    for (_, instrument), exposure in core.exposures.items():
        positions[instrument] += exposure.position_lots
    assert not any(positions.values()), "positions of all accounts are zero together"


def _assert_book(core: ReferenceCore, instrument: int) -> None:
    bids, asks = core.book(instrument, Side.BUY), core.book(instrument, Side.SELL)
    phase = core.instruments[instrument].phase
    if phase == Phase.CONTINUOUS and not core.pending and bids and asks:
        assert bids[0].price_ticks < asks[0].price_ticks, "a book that trades is not crossed"
    for side, orders in ((-1, bids), (1, asks)):
        ranks = [(side * order.price_ticks, order.priority) for order in orders]
        assert ranks == sorted(ranks), "best price first, then who came first"
        assert all(_is_visible(order) for order in orders)
    names = Counter((order.session, order.clordid) for order in core.orders.values())
    assert not names or max(names.values()) == 1, "a ClOrdID names at most one open order of its session"


def _is_visible(order: Order) -> bool:
    """Everything that stands in the book shows something, an iceberg at most its part."""
    if order.display_lots == 0:
        return order.visible_lots == order.leaves_lots >= 1
    return 1 <= order.visible_lots <= min(order.display_lots, order.leaves_lots)
