"""Each order type of the reference core by itself: icebergs, stops, MinQty, post-only, market-to-limit, dates."""

from __future__ import annotations

import pytest

from engine.wire.messages import (
    CancelRejected,
    OrderAccepted,
    OrderCanceled,
    OrderRefilled,
    OrderRejected,
    OrderReplaced,
    OrderTriggered,
    OrderType,
    Phase,
    Reason,
    Side,
    StopTrigger,
    TickBandSet,
    TimeInForce,
    Trade,
)
from tests.fixtures.fix_core import LIMITS, SMALL_PARTS, Venue, kinds, only, trades
from tests.property.commands import INSTRUMENTS

IOC, GTD = TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.GOOD_TILL_DATE
FOK, CLOSE = TimeInForce.FILL_OR_KILL, TimeInForce.AT_THE_CLOSE


def shown(venue: Venue, side: int) -> list[tuple[int, int]]:
    """(leaves, visible) of the resting orders."""
    return [(order.leaves_lots, order.visible_lots) for order in venue.core.book(1, side)]


# Icebergs.


def test_iceberg_shows_a_part_and_refills_at_the_back_of_its_level(venue: Venue) -> None:
    """5 lots showing 2, then 3 plain: a taker of 4 gets 2 of it, the refill is behind the plain order."""
    iceberg = only(OrderAccepted, venue.sell(5, 63, display_lots=2))
    assert (iceberg.rested_lots, iceberg.displayed_lots, iceberg.display_lots) == (5, 2, 2)
    plain = only(OrderAccepted, venue.sell(3, 63))
    events = venue.buy(4, 63)
    assert kinds(events) == [OrderAccepted, Trade, OrderRefilled, Trade]
    first, second = trades(events)
    assert (first.maker_order_id, first.quantity_lots, first.maker_displayed_lots) == (iceberg.order_id, 2, 0)
    assert (second.maker_order_id, second.quantity_lots) == (plain.order_id, 2)
    refilled = only(OrderRefilled, events)
    assert (refilled.displayed_lots, refilled.leaves_lots) == (2, 3)
    assert shown(venue, Side.SELL) == [(1, 1), (3, 2)]


def test_last_part_of_an_iceberg_may_be_smaller(venue: Venue) -> None:
    """5 lots showing 2 trade as 2, 2 and 1, all within one command when nobody else is there."""
    venue.sell(5, 63, display_lots=2)
    events = venue.buy(5, 63)
    assert [trade.quantity_lots for trade in trades(events)] == [2, 2, 1]
    assert [e.displayed_lots for e in events if isinstance(e, OrderRefilled)] == [2, 1]


def test_taker_iceberg_shows_its_part_only_when_it_rests(venue: Venue) -> None:
    """The rest of a partly filled iceberg comes to the book with no more visible than it asked for."""
    venue.sell(2, 63)
    accepted = only(OrderAccepted, venue.buy(8, 63, display_lots=3))
    assert (accepted.rested_lots, accepted.displayed_lots) == (6, 3)


def test_display_of_all_is_no_iceberg(venue: Venue) -> None:
    """Display at or above the quantity shows everything."""
    accepted = only(OrderAccepted, venue.sell(3, 63, display_lots=3))
    assert (accepted.display_lots, accepted.displayed_lots) == (3, 3)
    assert not trades(venue.buy(1, 62)) and only(Trade, venue.buy(1, 63)).maker_displayed_lots == 2
    assert venue.core.book(1, Side.SELL)[0].display_lots == 0


def test_hidden_lots_count_for_fill_or_kill_step_by_step(venue: Venue) -> None:
    """5 lots showing 1 are five fills: more than one command may do (4), so FOK for 5 fails and for 4 succeeds."""
    venue.sell(5, 63, display_lots=1)
    assert only(OrderCanceled, venue.buy(5, 63, time_in_force=FOK)).reason == Reason.CANCELED_FILL_OR_KILL
    assert len(trades(venue.buy(4, 63, time_in_force=FOK))) == 4


def test_reduced_iceberg_keeps_its_place_and_its_display(venue: Venue) -> None:
    """Less in total at the same price and display stays in place; another display goes to the back."""
    mine = only(OrderAccepted, venue.buy(5, 62, display_lots=2))
    replaced = only(
        OrderReplaced, venue.do(venue.source.replace_order(1, order_id=mine.order_id, price_ticks=62, quantity_lots=4))
    )
    assert (replaced.priority_kept, replaced.displayed_lots, replaced.old_displayed_lots) == (1, 2, 2)
    replace = venue.source.replace_order(1, order_id=mine.order_id, price_ticks=62, quantity_lots=4, display_lots=1)
    replaced = only(OrderReplaced, venue.do(replace))
    assert (replaced.priority_kept, replaced.displayed_lots, replaced.display_lots) == (0, 1, 1)


# MinQty, post-only, market-to-limit, dates.


def test_min_quantity_trades_enough_or_nothing(venue: Venue) -> None:
    """2 lots for sale: an order that wants at least 3 gets none; at least 2 takes them and rests the remainder."""
    venue.sell(2, 63)
    killed = venue.buy(5, 63, min_lots=3)
    assert only(OrderCanceled, killed).reason == Reason.CANCELED_MIN_QUANTITY and not trades(killed)
    accepted, trade = venue.buy(5, 63, min_lots=2)
    assert isinstance(accepted, OrderAccepted) and isinstance(trade, Trade)
    assert (accepted.rested_lots, trade.quantity_lots) == (3, 2)


def test_post_only_never_takes(venue: Venue) -> None:
    """At the best ask it is rejected, one tick below it rests; a replace up to the ask is refused as well."""
    venue.sell(1, 63)
    assert only(OrderRejected, venue.buy(1, 63, post_only=1)).reason == Reason.POST_ONLY_WOULD_TRADE
    mine = only(OrderAccepted, venue.buy(1, 62, post_only=1))
    replace = venue.source.replace_order(1, order_id=mine.order_id, price_ticks=63)
    assert only(CancelRejected, venue.do(replace)).reason == Reason.POST_ONLY_WOULD_TRADE


def test_market_to_limit_takes_the_best_price_and_rests_there(venue: Venue) -> None:
    """Its limit is the best ask; what is left rests at it and does not go on to the next price."""
    venue.sell(1, 63)
    venue.sell(1, 64)
    accepted, trade = venue.buy(3, 0, order_type=OrderType.MARKET_TO_LIMIT)
    assert isinstance(accepted, OrderAccepted) and isinstance(trade, Trade)
    assert (accepted.price_ticks, accepted.rested_lots, trade.price_ticks) == (63, 2, 63)
    assert venue.levels(Side.BUY) == [(63, 2)]


def test_good_till_date_expires_with_the_clock_tick_in_order_of_time(venue: Venue) -> None:
    """The next timer is the first expiry; a tick at it cancels what is due and nothing else."""
    late, early, _ = (
        only(OrderAccepted, venue.buy(1, 60, time_in_force=GTD, expire_ns=expire_ns))
        for expire_ns in (80_000, 50_000, 90_000)
    )
    assert venue.core.next_timer_ns() == 50_000
    assert venue.tick(49_999) == []
    canceled = [event for event in venue.tick(80_000) if isinstance(event, OrderCanceled)]
    assert [event.order_id for event in canceled] == [early.order_id, late.order_id]
    assert {event.reason for event in canceled} == {Reason.EXPIRED_GOOD_TILL_DATE}
    assert venue.core.next_timer_ns() == 90_000


def test_one_tick_expires_no_more_than_a_slice(venue: Venue) -> None:
    """The timer stays due for the others."""
    venue.set(SMALL_PARTS._replace(max_open_orders_per_session=16))
    for _ in range(12):
        venue.buy(1, 60, time_in_force=GTD, expire_ns=90_000)
    assert len(venue.tick(90_000)) == 11
    assert venue.core.next_timer_ns() == 90_000
    assert len(venue.tick(90_001)) == 1


def test_replaced_expiry_counts_from_then_on(venue: Venue) -> None:
    """A later date replaces the earlier one; without one it stays."""
    mine = only(OrderAccepted, venue.buy(2, 60, time_in_force=GTD, expire_ns=80_000))
    for expire_ns, quantity in ((95_000, 2), (0, 1)):
        replace = venue.source.replace_order(
            1, order_id=mine.order_id, price_ticks=60, quantity_lots=quantity, expire_ns=expire_ns
        )
        assert only(OrderReplaced, venue.do(replace)).expire_ns == 95_000
    assert venue.core.next_timer_ns() == 95_000


# Stops.


def trade_at(venue: Venue, price_ticks: int) -> list[object]:
    """Bob and alan trade one lot; what that sets off too."""
    venue.sell(1, price_ticks)
    return [*venue.all(venue.source.new_order(2, account=3, price_ticks=price_ticks, time_in_force=IOC))]


def test_stop_waits_reserved_and_triggers_at_its_price(venue: Venue) -> None:
    """A buy stop at 65 has reserved money at 65 + 2 ticks of protection, and takes when 65 has traded."""
    accepted = only(OrderAccepted, venue.buy(2, 0, order_type=OrderType.STOP, stop_price_ticks=65))
    assert (accepted.working, accepted.rested_lots, accepted.price_ticks) == (0, 0, 67)
    assert venue.core.balance(2, 3)[1] == 67 * 2 * 10 + 3
    assert venue.levels(Side.BUY) == []
    assert OrderTriggered not in kinds(trade_at(venue, 64))
    venue.sell(1, 67)
    events = trade_at(venue, 65)
    triggered = only(OrderTriggered, events)
    assert (triggered.order_id, triggered.stop_price_ticks, triggered.rested_lots) == (accepted.order_id, 65, 0)
    assert [trade.price_ticks for trade in trades(events)] == [65, 67]
    assert only(OrderCanceled, events).reason == Reason.CANCELED_IMMEDIATE_OR_CANCEL


def test_stop_limit_rests_once_triggered(venue: Venue) -> None:
    """A sell stop-limit at 60 with limit 59 comes into the book when 60 trades."""
    accepted = only(
        OrderAccepted, venue.sell(2, 59, order_type=OrderType.STOP_LIMIT, stop_price_ticks=60, display_lots=1)
    )
    assert accepted.working == 0
    triggered = only(OrderTriggered, trade_at(venue, 60))
    assert (triggered.rested_lots, triggered.displayed_lots, triggered.price_ticks) == (2, 1, 59)
    assert venue.levels(Side.SELL) == [(59, 2)]


def test_stops_cascade_lowest_buy_first(venue: Venue) -> None:
    """A trade at 64 triggers the stop at 64; its own trade at 66 triggers the one at 66, which was accepted earlier."""
    for price in (66, 68):
        venue.sell(1, price)
    second = only(OrderAccepted, venue.buy(1, 0, order_type=OrderType.STOP, stop_price_ticks=66))
    first = only(OrderAccepted, venue.buy(1, 0, order_type=OrderType.STOP, stop_price_ticks=64))
    events = trade_at(venue, 64)
    triggered = [event.order_id for event in events if isinstance(event, OrderTriggered)]
    assert triggered == [first.order_id, second.order_id]
    assert [trade.price_ticks for trade in trades(events)] == [64, 66, 68]


def test_stops_go_on_with_continue_when_the_part_is_full(venue: Venue) -> None:
    """A part keeps room for a whole command and eight events more: ten stops need more parts than one."""
    venue.set(SMALL_PARTS._replace(max_open_orders_per_session=16, max_price_pages=20))
    for _ in range(10):
        venue.buy(1, 64, order_type=OrderType.STOP_LIMIT, stop_price_ticks=63)
    venue.sell(1, 63)
    first = venue.do(venue.source.new_order(2, account=3, price_ticks=63, time_in_force=IOC))
    assert kinds(first) == [OrderAccepted, Trade]
    assert [len(venue.proceed()) for _ in range(2)] == [9, 1]
    assert not venue.core.pending
    assert len(venue.levels(Side.BUY)) == 10


def test_reference_stop_looks_at_the_reference_price_alone(venue: Venue) -> None:
    """Trades at its price leave it alone, the operator's reference price wakes it up."""
    venue.buy(1, 66, order_type=OrderType.STOP_LIMIT, stop_price_ticks=65, trigger=StopTrigger.REFERENCE_PRICE)
    assert OrderTriggered not in kinds(trade_at(venue, 65))
    events = venue.all(venue.source.set_reference_price(1, 65))
    assert only(OrderTriggered, events).rested_lots == 1


def test_stop_that_would_trigger_at_once_is_no_stop(venue: Venue) -> None:
    """Last trade at 63: a buy stop at 63 and a sell stop at 63 are refused, 64 and 62 are good."""
    trade_at(venue, 63)
    fields = {"order_type": OrderType.STOP}
    assert only(OrderRejected, venue.buy(1, 0, stop_price_ticks=63, **fields)).reason == Reason.INVALID_STOP_PRICE
    assert only(OrderRejected, venue.sell(1, 0, stop_price_ticks=63, **fields)).reason == Reason.INVALID_STOP_PRICE
    assert only(OrderAccepted, venue.buy(1, 0, stop_price_ticks=64, **fields))
    assert only(OrderAccepted, venue.sell(1, 0, stop_price_ticks=62, **fields))


def test_stop_price_may_be_replaced_while_dormant(venue: Venue) -> None:
    """Another stop price goes to the back of its level and gives a Stop another protection price."""
    mine = only(OrderAccepted, venue.buy(2, 0, order_type=OrderType.STOP, stop_price_ticks=65))

    def replace(quantity_lots: int, stop_price_ticks: int) -> OrderReplaced:
        fields = {"quantity_lots": quantity_lots, "stop_price_ticks": stop_price_ticks, "price_ticks": 0}
        return only(OrderReplaced, venue.do(venue.source.replace_order(1, order_id=mine.order_id, **fields)))

    replaced = replace(2, 70)
    assert (replaced.priority_kept, replaced.price_ticks, replaced.stop_price_ticks) == (0, 72, 70)
    assert (replaced.working, replaced.rested_lots, replaced.old_displayed_lots) == (0, 0, 0)
    replaced = replace(1, 0)
    assert (replaced.priority_kept, replaced.stop_price_ticks, replaced.leaves_lots) == (1, 70, 1)


def test_canceled_stop_was_not_resting(venue: Venue) -> None:
    """Nothing of it was in the book, and its money comes back."""
    mine = only(OrderAccepted, venue.buy(2, 0, order_type=OrderType.STOP, stop_price_ticks=65))
    canceled = only(OrderCanceled, venue.do(venue.source.cancel_order(1, order_id=mine.order_id)))
    assert (canceled.was_resting, canceled.displayed_lots, canceled.canceled_lots) == (0, 0, 2)
    assert venue.core.balance(2, 3) == (12_000, 0)


def test_triggered_order_without_a_page_is_canceled(venue: Venue) -> None:
    """Its stop page is free again when it triggers, but a lowered limit leaves no page to rest on."""
    venue.sell(1, 130)
    venue.buy(1, 10)
    venue.buy(1, 70, order_type=OrderType.STOP_LIMIT, stop_price_ticks=63)
    venue.sell(1, 63)
    venue.set(LIMITS._replace(max_price_pages=1))
    events = venue.all(venue.source.new_order(2, account=3, price_ticks=63, time_in_force=IOC))
    assert only(OrderCanceled, events).reason == Reason.BOOK_FULL


# Tick and lot tables, least sizes.


def test_tick_and_lot_table_holds_by_price(venue: Venue) -> None:
    """From 100 on prices are even and quantities multiples of 3; below nothing is asked."""
    venue.set(TickBandSet(1, 1, 100, 2, 3))
    assert only(OrderAccepted, venue.buy(1, 63))
    assert only(OrderRejected, venue.sell(3, 101)).reason == Reason.PRICE_NOT_ON_TICK
    assert only(OrderRejected, venue.sell(2, 102)).reason == Reason.QUANTITY_NOT_ON_LOT
    assert only(OrderRejected, venue.sell(6, 102, display_lots=2)).reason == Reason.INVALID_DISPLAY_QUANTITY
    assert only(OrderAccepted, venue.sell(3, 102))
    venue.set(TickBandSet(1, 1, 0, 0, 0))
    assert only(OrderAccepted, venue.sell(2, 101))


def test_highest_band_reached_governs(venue: Venue) -> None:
    """Of several bands the one with the highest from_ticks at or below the price; of equals the higher number."""
    venue.set(TickBandSet(1, 1, 50, 5, 1), TickBandSet(1, 3, 60, 3, 1), TickBandSet(1, 2, 60, 7, 1))
    assert only(OrderRejected, venue.buy(1, 56)).reason == Reason.PRICE_NOT_ON_TICK
    assert only(OrderAccepted, venue.buy(1, 55))
    assert only(OrderAccepted, venue.buy(1, 63))
    assert only(OrderRejected, venue.buy(1, 62)).reason == Reason.PRICE_NOT_ON_TICK


REFUSED_TERMS: list[tuple[Reason, dict[str, int]]] = [
    (Reason.INVALID_TIME_IN_FORCE, {"order_type": OrderType.LIMIT, "time_in_force": 0}),
    (Reason.INVALID_TIME_IN_FORCE, {"order_type": OrderType.MARKET, "time_in_force": GTD}),
    (Reason.INVALID_TIME_IN_FORCE, {"order_type": OrderType.STOP, "time_in_force": IOC}),
    (Reason.INVALID_TIME_IN_FORCE, {"order_type": OrderType.MARKET_TO_LIMIT, "time_in_force": CLOSE}),
    (Reason.INVALID_TIME_IN_FORCE, {"post_only": 1, "time_in_force": IOC}),
    (Reason.INVALID_TIME_IN_FORCE, {"post_only": 1, "min_lots": 1}),
    (Reason.INVALID_SELF_TRADE_PREVENTION, {"stp_mode": 5}),
    (Reason.INVALID_EXPIRY, {"time_in_force": GTD}),
    (Reason.INVALID_EXPIRY, {"time_in_force": GTD, "expire_ns": 5}),
    (Reason.INVALID_EXPIRY, {"expire_ns": 2**62}),
    (Reason.PHASE_NOT_ALLOWED, {"time_in_force": TimeInForce.AT_THE_OPENING}),
    (Reason.QUANTITY_TOO_SMALL, {"instrument": 2}),
    (Reason.INVALID_STOP_PRICE, {"stop_price_ticks": 64}),
    (Reason.INVALID_STOP_PRICE, {"trigger": 1}),
    (Reason.INVALID_STOP_PRICE, {"order_type": OrderType.STOP}),
    (Reason.INVALID_STOP_PRICE, {"order_type": OrderType.STOP, "stop_price_ticks": 64, "trigger": 3}),
    (Reason.INVALID_STOP_PRICE, {"order_type": OrderType.STOP_LIMIT, "stop_price_ticks": 301}),
    (Reason.INVALID_DISPLAY_QUANTITY, {"display_lots": -1}),
    (Reason.INVALID_DISPLAY_QUANTITY, {"display_lots": 1, "time_in_force": IOC}),
    (Reason.INVALID_DISPLAY_QUANTITY, {"display_lots": 1, "order_type": OrderType.STOP, "stop_price_ticks": 64}),
    (Reason.INVALID_MIN_QUANTITY, {"min_lots": -1}),
    (Reason.INVALID_MIN_QUANTITY, {"min_lots": 4}),
    (Reason.INVALID_MIN_QUANTITY, {"min_lots": 1, "time_in_force": FOK}),
    (Reason.INVALID_MIN_QUANTITY, {"min_lots": 1, "order_type": OrderType.STOP_LIMIT, "stop_price_ticks": 64}),
    (Reason.NO_LIQUIDITY, {"order_type": OrderType.MARKET_TO_LIMIT}),
    (Reason.NOTIONAL_TOO_SMALL, {"price_ticks": 3}),
]


@pytest.mark.parametrize(("reason", "fields"), REFUSED_TERMS)
def test_terms_that_do_not_fit_are_refused(venue: Venue, reason: Reason, fields: dict[str, int]) -> None:
    """Type, time in force and the new terms of rules 2, each with its own reason; all come back as sent."""
    venue.set(INSTRUMENTS[0]._replace(notional_min_units=100), INSTRUMENTS[1]._replace(quantity_min_lots=4))
    rejected = only(OrderRejected, venue.do(venue.source.new_order(1, quantity_lots=3, **fields)))
    assert rejected.reason == reason
    for name, value in fields.items():
        assert getattr(rejected, name) == value


def test_replace_must_name_the_type_it_has(venue: Venue) -> None:
    """A given order type other than the order's is a mismatch; none given, or the right one, is good."""
    mine = only(OrderAccepted, venue.buy(3, 62))

    def replace(order_type: int, quantity_lots: int) -> list[object]:
        fields = {"price_ticks": 62, "quantity_lots": quantity_lots, "order_type": order_type}
        return [*venue.do(venue.source.replace_order(1, order_id=mine.order_id, **fields))]

    assert only(CancelRejected, replace(OrderType.STOP, 2)).reason == Reason.ORDER_MISMATCH
    assert only(OrderReplaced, replace(OrderType.LIMIT, 2)).leaves_lots == 2
    assert only(OrderReplaced, replace(0, 1)).leaves_lots == 1


def test_at_the_close_order_waits_outside_the_book(venue: Venue) -> None:
    """Parked in Continuous: reserved, dormant, cancelable, no part of the book."""
    mine = only(OrderAccepted, venue.buy(2, 62, time_in_force=CLOSE))
    assert (mine.working, mine.rested_lots) == (0, 0)
    assert venue.levels(Side.BUY) == [] and venue.core.pages_in_use() == set()
    assert venue.core.instruments[1].phase == Phase.CONTINUOUS
    assert only(OrderCanceled, venue.do(venue.source.cancel_order(1, order_id=mine.order_id))).was_resting == 0
