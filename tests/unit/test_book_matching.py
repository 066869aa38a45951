"""Orders in the reference core: priority, order types, replace, and the reasons a request is refused for."""

from __future__ import annotations

import pytest

from engine.wire.messages import (
    CancelRejected,
    LimitsSet,
    OrderAccepted,
    OrderCanceled,
    OrderRejected,
    OrderReplaced,
    OrderStatus,
    OrderType,
    Reason,
    RequestKind,
    Role,
    Side,
    TimeInForce,
    Trade,
    TradingState,
)
from tests.fixtures.fix_core import LIMITS, Venue, only
from tests.property.commands import ACCOUNTS, CAPACITY, INSTRUMENTS

IOC, FOK = TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.FILL_OR_KILL


def trades(events: list[object]) -> list[Trade]:
    return [event for event in events if isinstance(event, Trade)]


def test_better_price_first_then_older_order(venue: Venue) -> None:
    """A taker meets the best price first and, at one price, who came first; always at the maker's price."""
    late_best = venue.sell(1, 63)
    first = venue.sell(2, 64)
    second = venue.sell(2, 64)
    best = venue.sell(1, 62)
    expected = [only(OrderAccepted, events).order_id for events in (best, late_best, first, second)]
    fills = trades([*venue.buy(5, 65)])
    assert [fill.maker_order_id for fill in fills] == expected
    assert [(fill.price_ticks, fill.quantity_lots) for fill in fills] == [(62, 1), (63, 1), (64, 2), (64, 1)]
    assert venue.levels(Side.SELL) == [(64, 1)]


def test_limit_remainder_rests_and_is_announced(venue: Venue) -> None:
    """What does not trade rests; OrderAccepted comes first and already says how much."""
    venue.sell(2, 63)
    accepted, trade = venue.buy(5, 63)
    assert isinstance(accepted, OrderAccepted) and accepted.rested_lots == 3
    assert isinstance(trade, Trade) and (trade.maker_leaves_lots, trade.taker_leaves_lots) == (0, 3)
    assert (accepted.last_in_command, trade.last_in_command) == (0, 1)
    assert venue.levels(Side.BUY) == [(63, 3)]


def test_prices_that_do_not_cross_do_not_trade(venue: Venue) -> None:
    """A bid below the ask rests beside it."""
    venue.sell(1, 64)
    assert not trades([*venue.buy(1, 63)])
    assert (venue.levels(Side.BUY), venue.levels(Side.SELL)) == ([(63, 1)], [(64, 1)])


def test_market_order_stops_at_its_protection_price(venue: Venue) -> None:
    """Instrument 1 protects by 2 ticks: best ask 63 gives 65, the ask at 66 is out of reach, the rest is canceled."""
    for price in (63, 65, 66):
        venue.sell(1, price)
    events = venue.buy(3, 0, order_type=OrderType.MARKET)
    assert only(OrderAccepted, events).price_ticks == 65
    assert [fill.price_ticks for fill in trades([*events])] == [63, 65]
    canceled = only(OrderCanceled, events)
    assert (canceled.reason, canceled.canceled_lots, canceled.cum_lots) == (Reason.CANCELED_IMMEDIATE_OR_CANCEL, 1, 2)
    assert (canceled.client_seq, canceled.clordid, canceled.was_resting) == (0, b"", 0)
    assert venue.levels(Side.BUY) == []


def test_market_order_needs_an_opposite_side(venue: Venue) -> None:
    """Without a price to protect it with, a market order is refused."""
    venue.buy(1, 62)
    rejected = only(OrderRejected, venue.buy(1, 0, order_type=OrderType.MARKET))
    assert rejected.reason == Reason.NO_LIQUIDITY


def test_market_sell_is_protected_downwards_but_not_below_the_minimum(venue: Venue) -> None:
    """Best bid 3 less 2 ticks is 1, but the instrument's lowest price is 2."""
    venue.buy(1, 3)
    events = venue.sell(1, 0, order_type=OrderType.MARKET)
    assert only(OrderAccepted, events).price_ticks == 2


def test_immediate_or_cancel_never_rests(venue: Venue) -> None:
    """An IOC takes what is there and cancels the rest; OrderAccepted says nothing rests."""
    venue.sell(1, 63)
    events = venue.buy(3, 63, time_in_force=IOC)
    assert only(OrderAccepted, events).rested_lots == 0
    assert only(OrderCanceled, events).canceled_lots == 2
    assert venue.levels(Side.BUY) == []


def test_fill_or_kill_fills_in_full_or_not_at_all(venue: Venue) -> None:
    """One lot short: no trade at all. Exactly enough: all of it."""
    venue.sell(2, 63)
    venue.sell(1, 64)
    killed = venue.buy(4, 64, time_in_force=FOK)
    assert only(OrderCanceled, killed).reason == Reason.CANCELED_FILL_OR_KILL and not trades([*killed])
    filled = venue.buy(3, 64, time_in_force=FOK)
    assert sum(fill.quantity_lots for fill in trades([*filled])) == 3


def test_fill_or_kill_counts_only_makers_it_may_reach(venue: Venue) -> None:
    """Five makers of one lot, four fills per command: five lots can't be filled in full."""
    for _ in range(5):
        venue.sell(1, 63)
    killed = venue.buy(5, 63, time_in_force=FOK)
    assert only(OrderCanceled, killed).reason == Reason.CANCELED_FILL_OR_KILL and not trades([*killed])


def test_order_that_meets_too_many_makers_is_canceled(venue: Venue) -> None:
    """After four fills the rest is canceled while makers still cross, but rests when none does."""
    for _ in range(5):
        venue.sell(1, 63)
    events = venue.buy(6, 63)
    assert len(trades([*events])) == 4
    assert only(OrderCanceled, events).reason == Reason.CANCELED_MAX_FILLS
    for _ in range(3):
        venue.sell(1, 63)
    assert only(OrderAccepted, venue.buy(6, 63)).rested_lots == 2


@pytest.mark.parametrize("quantity_lots", [2, 3])
def test_replace_that_is_not_larger_keeps_priority(venue: Venue, quantity_lots: int) -> None:
    """Same price and no more lots: the order stays where it is in the queue."""
    first = only(OrderAccepted, venue.sell(3, 63))
    venue.sell(1, 63)
    replace = venue.source.replace_order(
        3, side=Side.SELL, order_id=first.order_id, price_ticks=63, quantity_lots=quantity_lots, clordid=b"smaller"
    )
    replaced = only(OrderReplaced, venue.do(replace))
    assert (replaced.priority_kept, replaced.leaves_lots, replaced.rested_lots) == (1, quantity_lots, quantity_lots)
    assert (replaced.old_leaves_lots, replaced.orig_clordid, replaced.clordid) == (3, first.clordid, b"smaller")
    assert venue.levels(Side.SELL) == [(63, quantity_lots), (63, 1)]


@pytest.mark.parametrize(("price_ticks", "quantity_lots"), [(63, 4), (62, 3), (64, 3)])
def test_larger_or_repriced_replace_loses_priority(venue: Venue, price_ticks: int, quantity_lots: int) -> None:
    """More lots or another price: to the back of the new level's queue."""
    first = only(OrderAccepted, venue.sell(3, 63))
    for price in (62, 63, 64):
        venue.sell(1, price)
    fields: dict[str, int | bytes] = {"side": Side.SELL, "orig_clordid": first.clordid}
    fields |= {"price_ticks": price_ticks, "quantity_lots": quantity_lots}
    replace = venue.source.replace_order(3, **fields)
    assert only(OrderReplaced, venue.do(replace)).priority_kept == 0
    level = [leaves for price, leaves in venue.levels(Side.SELL) if price == price_ticks]
    assert level == [1, quantity_lots]


def test_replace_can_trade(venue: Venue) -> None:
    """A replace to a crossing price trades as a taker, and OrderReplaced says what rests afterwards."""
    mine = only(OrderAccepted, venue.buy(3, 62))
    venue.sell(2, 64)
    events = venue.do(venue.source.replace_order(1, order_id=mine.order_id, price_ticks=64, quantity_lots=3))
    replaced, fill = only(OrderReplaced, events), only(Trade, events)
    assert (replaced.leaves_lots, replaced.rested_lots) == (3, 1)
    assert (fill.taker_order_id, fill.quantity_lots) == (mine.order_id, 2)


def test_replace_to_no_more_than_filled_ends_the_order(venue: Venue) -> None:
    """New OrderQty at or below CumQty: the order leaves the book as filled with what it has."""
    mine = only(OrderAccepted, venue.buy(3, 63))
    venue.sell(2, 63)
    events = venue.do(venue.source.replace_order(1, order_id=mine.order_id, price_ticks=63, quantity_lots=1))
    replaced = only(OrderReplaced, events)
    assert (replaced.quantity_lots, replaced.cum_lots, replaced.leaves_lots) == (2, 2, 0)
    assert venue.levels(Side.BUY) == []
    assert venue.core.balance(2, 3)[1] == 0


def test_cancel_by_either_id_works_while_halted(venue: Venue) -> None:
    """A client may always leave: by OrderID or by OrigClOrdID, in every trading state."""
    one, two = only(OrderAccepted, venue.buy(1, 62)), only(OrderAccepted, venue.buy(2, 61))
    venue.do(venue.source.trading_state(0, TradingState.CLOSED))
    canceled = only(OrderCanceled, venue.do(venue.source.cancel_order(1, order_id=one.order_id, clordid=b"bye")))
    assert (canceled.reason, canceled.was_resting, canceled.clordid) == (Reason.CANCELED_BY_CLIENT, 1, b"bye")
    assert canceled.orig_clordid == one.clordid
    canceled = only(OrderCanceled, venue.do(venue.source.cancel_order(1, orig_clordid=two.clordid)))
    assert canceled.canceled_lots == 2
    assert venue.core.orders == {}


def test_cancel_says_what_became_of_the_order(venue: Venue) -> None:
    """Unknown, another session's, already over, or of another side: each has its own answer."""
    mine, over = only(OrderAccepted, venue.buy(1, 62)), only(OrderAccepted, venue.buy(1, 61))
    venue.do(venue.source.cancel_order(1, order_id=over.order_id))

    def reason(session: int = 1, **fields: int | bytes) -> tuple[int, int]:
        event = only(CancelRejected, venue.do(venue.source.cancel_order(session, **fields)))
        assert event.request == RequestKind.CANCEL
        return event.reason, event.order_status

    assert reason(order_id=9 << 32) == (Reason.UNKNOWN_ORDER, OrderStatus.UNKNOWN)
    assert reason(orig_clordid=b"never") == (Reason.UNKNOWN_ORDER, OrderStatus.UNKNOWN)
    assert reason(2, order_id=mine.order_id) == (Reason.UNKNOWN_ORDER, OrderStatus.UNKNOWN)
    assert reason(order_id=over.order_id) == (Reason.TOO_LATE_TO_CANCEL, OrderStatus.CLOSED)
    assert reason(orig_clordid=over.clordid) == (Reason.TOO_LATE_TO_CANCEL, OrderStatus.CLOSED)
    assert reason(order_id=mine.order_id, side=Side.SELL) == (Reason.ORDER_MISMATCH, OrderStatus.OPEN)
    assert reason(order_id=mine.order_id, instrument=2) == (Reason.ORDER_MISMATCH, OrderStatus.OPEN)
    assert reason(order_id=mine.order_id, clordid=b"") == (Reason.INVALID_CL_ORD_ID, OrderStatus.UNKNOWN)
    assert venue.levels(Side.BUY) == [(62, 1)]


def test_order_ids_name_slot_and_generation(venue: Venue) -> None:
    """The first order is generation 1 of slot 0; a freed slot is taken again next, one generation on."""
    first, second = only(OrderAccepted, venue.buy(1, 62)), only(OrderAccepted, venue.buy(1, 62))
    assert (first.order_id, second.order_id) == (1 << 32, 1 << 32 | 1)
    venue.do(venue.source.cancel_order(1, order_id=first.order_id))
    assert only(OrderAccepted, venue.buy(1, 62)).order_id == 2 << 32


REFUSED_ORDERS: list[tuple[Reason, dict[str, int | bytes]]] = [
    (Reason.INVALID_CL_ORD_ID, {"clordid": b""}),
    (Reason.INVALID_CL_ORD_ID, {"clordid": b"a b"}),
    (Reason.INVALID_CL_ORD_ID, {"clordid": b"a\0b"}),
    (Reason.DUPLICATE_CL_ORD_ID, {"clordid": b"taken"}),
    (Reason.POSS_RESEND_DUPLICATE, {"clordid": b"taken", "poss_resend": 1}),
    (Reason.UNKNOWN_INSTRUMENT, {"instrument": 3}),
    (Reason.UNKNOWN_INSTRUMENT, {"instrument": 0}),
    (Reason.UNKNOWN_ACCOUNT, {"account": 5}),
    (Reason.ACCOUNT_NOT_PERMITTED, {"account": 4}),
    (Reason.INVALID_SIDE, {"side": 3}),
    (Reason.INVALID_ORDER_TYPE, {"order_type": 0}),
    (Reason.INVALID_TIME_IN_FORCE, {"time_in_force": 8}),
    (Reason.INVALID_TIME_IN_FORCE, {"order_type": OrderType.MARKET, "time_in_force": TimeInForce.GOOD_TILL_CANCEL}),
    (Reason.INVALID_QUANTITY, {"quantity_lots": 0}),
    (Reason.INVALID_QUANTITY, {"quantity_lots": 21}),
    (Reason.PRICE_OUT_OF_RANGE, {"price_ticks": 1}),
    (Reason.PRICE_OUT_OF_RANGE, {"price_ticks": 301}),
    (Reason.NO_LIQUIDITY, {"order_type": OrderType.MARKET}),
    (Reason.NOTIONAL_TOO_LARGE, {"quantity_lots": 15, "price_ticks": 61}),
    (Reason.INSUFFICIENT_FUNDS, {"quantity_lots": 14, "price_ticks": 64}),
]


@pytest.mark.parametrize(("reason", "fields"), REFUSED_ORDERS)
def test_new_order_is_refused_with_its_reason_and_reserves_nothing(
    venue: Venue, reason: Reason, fields: dict[str, int | bytes]
) -> None:
    """The first fault decides; the fields come back as sent, and balances and book stay as they were."""
    venue.buy(5, 62, clordid=b"taken")
    before = dict(venue.core.orders), venue.core.balance(2, 3)
    events = venue.do(venue.source.new_order(1, echo=b"mine", **fields))
    rejected = only(OrderRejected, events)
    assert (rejected.reason, rejected.echo, rejected.last_in_command) == (reason, b"mine", 1)
    for name, value in fields.items():
        assert getattr(rejected, name) == value
    assert (dict(venue.core.orders), venue.core.balance(2, 3)) == before


def test_closed_market_and_disabled_account_take_no_orders(venue: Venue) -> None:
    """The stricter of venue and instrument counts; an account may be disabled by itself."""
    mine = only(OrderAccepted, venue.buy(1, 62))
    venue.do(venue.source.trading_state(1, TradingState.HALTED))
    assert only(OrderRejected, venue.buy(1, 62)).reason == Reason.MARKET_NOT_OPEN
    replace = venue.source.replace_order(1, order_id=mine.order_id, price_ticks=62)
    assert only(CancelRejected, venue.do(replace)).reason == Reason.MARKET_NOT_OPEN
    assert only(OrderAccepted, venue.buy(1, 62, instrument=2))
    venue.do(venue.source.trading_state(1, TradingState.OPEN))
    venue.do((Role.INTERNAL, ACCOUNTS[1]._replace(enabled=0).encode()))
    assert only(OrderRejected, venue.buy(1, 62)).reason == Reason.ACCOUNT_DISABLED


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (LIMITS._replace(max_open_orders_per_session=1), Reason.TOO_MANY_OPEN_ORDERS),
        (LIMITS._replace(max_orders=1), Reason.ORDER_POOL_FULL),
        (LIMITS._replace(max_price_pages=1), Reason.BOOK_FULL),
        (LIMITS._replace(max_clordids=1), Reason.CL_ORD_ID_TABLE_FULL),
    ],
)
def test_full_is_a_clear_refusal_of_new_use_only(venue: Venue, limits: LimitsSet, reason: Reason) -> None:
    """A limit lowered to what is in use refuses what comes next and leaves alone what is there."""
    venue.buy(1, 62)
    venue.do((Role.INTERNAL, limits.encode()))
    assert only(OrderRejected, venue.buy(1, 130)).reason == reason
    assert venue.levels(Side.BUY) == [(62, 1)]


def test_replace_is_refused_with_its_reason_and_changes_nothing(venue: Venue) -> None:
    """Every fault of a replace leaves the order as it was, and says it is still open."""
    mine = only(OrderAccepted, venue.buy(2, 62))
    venue.do((Role.INTERNAL, LIMITS._replace(max_price_pages=1).encode()))

    def reason(**fields: int | bytes) -> int:
        wanted: dict[str, int | bytes] = {"price_ticks": 62, "quantity_lots": 2, **fields}
        event = only(CancelRejected, venue.do(venue.source.replace_order(1, order_id=mine.order_id, **wanted)))
        assert (event.request, event.order_id) == (RequestKind.REPLACE, mine.order_id)
        return event.reason

    assert reason(quantity_lots=0) == Reason.INVALID_QUANTITY
    assert reason(quantity_lots=21) == Reason.INVALID_QUANTITY
    assert reason(price_ticks=301) == Reason.PRICE_OUT_OF_RANGE
    assert reason(quantity_lots=15, price_ticks=61) == Reason.NOTIONAL_TOO_LARGE
    assert reason(price_ticks=130) == Reason.BOOK_FULL
    assert reason(side=Side.SELL) == Reason.ORDER_MISMATCH
    assert reason(clordid=mine.clordid) == Reason.DUPLICATE_CL_ORD_ID
    assert venue.levels(Side.BUY) == [(62, 2)]


def test_clordid_is_used_up_even_by_a_refused_order(venue: Venue) -> None:
    """A ClOrdID is taken for the day whatever became of its order; another session may use the same."""
    assert only(OrderRejected, venue.buy(1, 301, clordid=b"once")).reason == Reason.PRICE_OUT_OF_RANGE
    assert only(OrderRejected, venue.buy(1, 62, clordid=b"once")).reason == Reason.DUPLICATE_CL_ORD_ID
    assert only(OrderAccepted, venue.buy(1, 62, session=2, account=3, clordid=b"once"))


def test_setup_matches_the_numbers_in_these_tests() -> None:
    """The worked examples assume this instrument and this capacity."""
    first = INSTRUMENTS[0]
    assert (first.tick_units, first.lot_units, first.protection_ticks, first.price_min_ticks) == (10, 100, 2, 2)
    assert CAPACITY.orders >= LIMITS.max_orders
