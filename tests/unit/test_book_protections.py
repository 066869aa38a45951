"""Protections of the reference core: self-trades, market makers, risk limits, kill switches, cancels by the many."""

from __future__ import annotations

import pytest

from engine.wire.messages import (
    CancelRejected,
    CommandRefused,
    KillScope,
    KillSwitchChanged,
    LimitsSet,
    MarketMakerProtectionChanged,
    MarketMakerProtectionSet,
    MassCanceled,
    OrderAccepted,
    OrderCanceled,
    OrderReduced,
    OrderRefilled,
    OrderRejected,
    Reason,
    RequestKind,
    RiskLimitsSet,
    SelfTradePrevention,
    Side,
    TimeInForce,
    Trade,
)
from tests.fixtures.fix_core import LIMITS, SMALL_PARTS, Venue, kinds, only, trades
from tests.property.commands import ACCOUNTS

ALICE, ALAN, BOB = 2, 3, 4
MILLISECOND_NS = 10**6


# Self-trade prevention: alice and alan share a key; alan's order rests, alice's is the taker.


def of_one_hand(venue: Venue, stp_mode: int = 0) -> None:
    venue.set(*(account._replace(stp_key=7, stp_mode=stp_mode) for account in ACCOUNTS[1:3]))


def alan_sells(venue: Venue, lots: int, price_ticks: int = 63, **fields: int) -> int:
    return only(OrderAccepted, venue.sell(lots, price_ticks, session=2, account=ALAN, **fields)).order_id


def test_cancel_newest_ends_the_taker(venue: Venue) -> None:
    """The resting order stays; what the taker got from others before it keeps."""
    of_one_hand(venue)
    venue.sell(1, 62)
    alan_sells(venue, 2)
    events = venue.buy(3, 63, stp_mode=SelfTradePrevention.CANCEL_NEWEST)
    assert kinds(events) == [OrderAccepted, Trade, OrderCanceled]
    canceled = only(OrderCanceled, events)
    assert (canceled.reason, canceled.canceled_lots, canceled.was_resting) == (Reason.CANCELED_SELF_TRADE, 2, 0)
    assert venue.levels(Side.SELL) == [(63, 2)]


def test_cancel_oldest_ends_the_makers_and_goes_on(venue: Venue) -> None:
    """The taker then trades with whoever is next."""
    of_one_hand(venue)
    own = alan_sells(venue, 2)
    venue.sell(1, 63)
    events = venue.buy(3, 63, stp_mode=SelfTradePrevention.CANCEL_OLDEST)
    assert kinds(events) == [OrderAccepted, OrderCanceled, Trade]
    canceled = only(OrderCanceled, events)
    assert (canceled.order_id, canceled.was_resting, canceled.displayed_lots) == (own, 1, 2)
    assert (venue.levels(Side.SELL), venue.levels(Side.BUY)) == ([], [(63, 2)])


def test_cancel_both_ends_maker_then_taker(venue: Venue) -> None:
    """Neither trades."""
    of_one_hand(venue)
    own = alan_sells(venue, 2)
    events = venue.buy(3, 63, stp_mode=SelfTradePrevention.CANCEL_BOTH)
    canceled = [event for event in events if isinstance(event, OrderCanceled)]
    assert canceled[0].order_id == own and len(canceled) == 2
    assert venue.core.orders == {}


@pytest.mark.parametrize(("resting", "taking", "left"), [(5, 2, (3, 0)), (2, 5, (0, 3)), (2, 2, (0, 0))])
def test_decrement_takes_the_lesser_from_both(venue: Venue, resting: int, taking: int, left: tuple[int, int]) -> None:
    """Who has more is reduced and stays, who has less (or as much) is canceled; no money moves."""
    of_one_hand(venue)
    alan_sells(venue, resting)
    events = venue.buy(taking, 63, stp_mode=SelfTradePrevention.DECREMENT)
    reduced = [event for event in events if isinstance(event, OrderReduced)]
    assert [(event.reduced_lots, event.leaves_lots) for event in reduced] == [(2, 3)] * (resting != taking)
    assert not trades(events)
    assert venue.levels(Side.SELL) == ([(63, left[0])] if left[0] else [])
    assert venue.levels(Side.BUY) == ([(63, left[1])] if left[1] else [])


def test_decrement_counts_hidden_lots(venue: Venue) -> None:
    """An iceberg of 5 showing 2 less 4 has 1 left, which is what it shows."""
    of_one_hand(venue)
    alan_sells(venue, 5, display_lots=2)
    reduced = only(OrderReduced, venue.buy(4, 63, stp_mode=SelfTradePrevention.DECREMENT))
    assert (reduced.leaves_lots, reduced.displayed_lots, reduced.was_resting) == (1, 1, 1)


def test_mode_is_the_orders_or_else_its_accounts_and_the_key_decides(venue: Venue) -> None:
    """Without a mode on the order the account's holds; accounts of different keys, or of none, trade."""
    of_one_hand(venue, SelfTradePrevention.CANCEL_NEWEST)
    alan_sells(venue, 1)
    assert only(OrderCanceled, venue.buy(1, 63)).reason == Reason.CANCELED_SELF_TRADE
    venue.set(ACCOUNTS[2]._replace(stp_key=8))
    assert only(Trade, venue.buy(1, 63, stp_mode=SelfTradePrevention.CANCEL_BOTH))


def test_fill_or_kill_knows_of_self_trades(venue: Venue) -> None:
    """Behind an own order: out of reach with cancel-newest, within reach with cancel-oldest."""
    of_one_hand(venue)
    alan_sells(venue, 1)
    venue.sell(2, 63)
    fields = {"time_in_force": TimeInForce.FILL_OR_KILL}
    killed = venue.buy(2, 63, stp_mode=SelfTradePrevention.CANCEL_NEWEST, **fields)
    assert only(OrderCanceled, killed).reason == Reason.CANCELED_FILL_OR_KILL
    assert only(Trade, venue.buy(2, 63, stp_mode=SelfTradePrevention.CANCEL_OLDEST, **fields)).quantity_lots == 2


def test_self_trades_count_as_steps(venue: Venue) -> None:
    """Four canceled makers are all that one command may do."""
    of_one_hand(venue)
    for _ in range(5):
        alan_sells(venue, 1)
    events = venue.buy(1, 63, stp_mode=SelfTradePrevention.CANCEL_OLDEST)
    reasons = [event.reason for event in events if isinstance(event, OrderCanceled)]
    assert reasons == [Reason.CANCELED_SELF_TRADE] * 4 + [Reason.CANCELED_MAX_FILLS]


# Market-maker protection.


def quoting(venue: Venue, max_fills: int, window_ms: int) -> None:
    venue.set(MarketMakerProtectionSet(BOB, 1, max_fills, window_ms))


def test_protection_trips_at_so_many_fills_and_cancels_the_quotes(venue: Venue) -> None:
    """The second fill in the window trips it: both sides of bob's quotes go, new ones are refused until a reset."""
    quoting(venue, 2, 5)
    venue.buy(3, 60, session=3)
    venue.sell(4, 63, display_lots=1)
    events = venue.do(venue.source.new_order(1, quantity_lots=3))
    assert kinds(events) == [
        *(OrderAccepted, Trade, OrderRefilled),
        *(Trade, MarketMakerProtectionChanged, OrderRefilled, Trade, OrderRefilled),
    ]
    assert venue.core.pending
    canceled = venue.proceed()
    assert kinds(canceled) == [OrderCanceled, OrderCanceled, MassCanceled]
    done = only(MassCanceled, canceled)
    assert (done.account, done.instrument, done.canceled_orders) == (BOB, 1, 2)
    assert done.reason == Reason.CANCELED_MARKET_MAKER_PROTECTION
    assert only(OrderRejected, venue.sell(1, 63)).reason == Reason.MARKET_MAKER_PROTECTION
    assert only(OrderAccepted, venue.sell(1, 63, instrument=2))
    changed = only(MarketMakerProtectionChanged, venue.do(venue.source.reset_protection(BOB, 1)))
    assert (changed.tripped, changed.operator) == (0, b"operator")
    assert only(OrderAccepted, venue.sell(1, 63))


def test_fills_outside_the_window_do_not_count(venue: Venue) -> None:
    """One fill, then another just after the window: nothing trips; a third within it does."""
    quoting(venue, 2, 5)
    venue.sell(5, 63)
    venue.buy(1, 63)
    venue.time_ns += 5 * MILLISECOND_NS
    assert kinds(venue.buy(1, 63)) == [OrderAccepted, Trade]
    assert MarketMakerProtectionChanged in kinds(venue.buy(1, 63))


def test_fills_as_a_taker_do_not_count(venue: Venue) -> None:
    """Only who was in the book is protected."""
    quoting(venue, 1, 5)
    venue.buy(1, 63)
    assert MarketMakerProtectionChanged not in kinds(venue.sell(1, 63))


def test_protection_that_is_removed_is_not_tripped_any_more(venue: Venue) -> None:
    """Another setting keeps it tripped, none ends it; a reset of what is not tripped is refused."""
    quoting(venue, 1, 5)
    venue.sell(1, 63)
    venue.all(venue.source.new_order(1))
    quoting(venue, 3, 5)
    assert only(OrderRejected, venue.sell(1, 63)).reason == Reason.MARKET_MAKER_PROTECTION
    quoting(venue, 0, 0)
    assert only(OrderAccepted, venue.sell(1, 63))
    assert only(CommandRefused, venue.do(venue.source.reset_protection(BOB, 1))).reason == Reason.INVALID_STATE


# Risk limits of an account on an instrument.


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_order_lots": 2}, Reason.ORDER_QUANTITY_LIMIT),
        ({"max_order_notional_units": 1_889}, Reason.ORDER_NOTIONAL_LIMIT),
        ({"max_position_lots": 2}, Reason.POSITION_LIMIT),
        ({"max_distance_ppm": 49_999}, Reason.PRICE_TOO_FAR),
    ],
)
def test_order_beyond_a_limit_is_refused(venue: Venue, limits: dict[str, int], reason: Reason) -> None:
    """3 lots at 63 with the reference at 60: 1,890 units of notional, 50,000 ppm away. At the limit it is good."""
    venue.do(venue.source.set_reference_price(1, 60))
    none = RiskLimitsSet(ALICE, 1, 0, 0, 0, 0)
    venue.set(none._replace(**limits))
    assert only(OrderRejected, venue.buy(3, 63)).reason == reason
    ((name, limit),) = limits.items()
    venue.set(none._replace(**{name: limit + 1}))
    assert only(OrderAccepted, venue.buy(3, 63))
    venue.set(none)
    assert only(OrderAccepted, venue.buy(3, 80))


def test_position_limit_counts_position_and_open_orders(venue: Venue) -> None:
    """Limit 5: bought 2, 2 more open: 1 may be bought, 7 sold. Replaces count by what they add."""
    venue.set(RiskLimitsSet(ALICE, 1, 0, 0, 5, 0))
    venue.sell(2, 63)
    venue.buy(2, 63)
    mine = only(OrderAccepted, venue.buy(2, 60))
    assert only(OrderRejected, venue.buy(2, 60)).reason == Reason.POSITION_LIMIT
    replace = venue.source.replace_order(1, order_id=mine.order_id, price_ticks=60, quantity_lots=4)
    assert only(CancelRejected, venue.do(replace)).reason == Reason.POSITION_LIMIT
    assert only(OrderRejected, venue.sell(8, 70, session=1)).reason == Reason.POSITION_LIMIT
    assert only(OrderAccepted, venue.sell(7, 70, session=1))


def test_open_orders_of_an_account_are_limited(venue: Venue) -> None:
    """Whatever session they came by."""
    venue.set(LIMITS._replace(max_open_orders_per_account=2))
    venue.buy(1, 60)
    venue.buy(1, 60, session=2)
    assert only(OrderRejected, venue.buy(1, 60)).reason == Reason.TOO_MANY_OPEN_ORDERS_OF_ACCOUNT


# Kill switches.


@pytest.mark.parametrize(
    ("scope", "id_", "blocked"),
    [
        (KillScope.ACCOUNT, ALICE, {(1, ALICE), (2, ALICE)}),
        (KillScope.SESSION, 1, {(1, ALICE), (1, ALAN)}),
        (KillScope.PARTICIPANT, 1, {(1, ALICE), (1, ALAN), (2, ALICE), (2, ALAN)}),
        (KillScope.VENUE, 0, {(1, ALICE), (1, ALAN), (2, ALICE), (2, ALAN), (3, BOB)}),
    ],
)
def test_kill_switch_cancels_and_blocks_its_scope(
    venue: Venue, scope: int, id_: int, blocked: set[tuple[int, int]]
) -> None:
    """Every order of the scope goes, new ones are refused, others stay; released, all may trade again."""
    pairs = [(1, ALICE), (1, ALAN), (2, ALICE), (2, ALAN), (3, BOB)]
    for session, account in pairs:
        venue.buy(1, 60, session=session, account=account)
    events = venue.all(venue.source.kill_switch(scope, id_))
    assert only(KillSwitchChanged, events).engaged == 1
    assert only(MassCanceled, events).canceled_orders == len(blocked)
    assert {(order.session, order.account) for order in venue.core.orders.values()} == set(pairs) - blocked
    for session, account in pairs:
        (answer,) = venue.buy(1, 60, session=session, account=account)
        assert isinstance(answer, OrderRejected) == ((session, account) in blocked)
    assert kinds(venue.all(venue.source.kill_switch(scope, id_, engaged=0))) == [KillSwitchChanged]
    assert only(OrderAccepted, venue.buy(1, 60))


def test_kill_switch_of_nobody_is_refused(venue: Venue) -> None:
    """Scope, then id, then what is asked for."""

    def reason(scope: int, id_: int, engaged: int = 1) -> int:
        return only(CommandRefused, venue.do(venue.source.kill_switch(scope, id_, engaged))).reason

    assert reason(0, 1) == reason(5, 1) == Reason.INVALID_STATE
    assert reason(KillScope.ACCOUNT, 5) == reason(KillScope.SESSION, 4) == Reason.INVALID_REFERENCE
    assert reason(KillScope.PARTICIPANT, 3) == reason(KillScope.VENUE, 1) == Reason.INVALID_REFERENCE
    assert reason(KillScope.ACCOUNT, ALICE, 2) == Reason.INVALID_STATE


# Mass cancels.


def test_mass_cancel_takes_the_matching_orders_of_its_session_latest_first(venue: Venue) -> None:
    """Of two accounts, two instruments and both sides only what the filter names, and only the session's own."""
    first = only(OrderAccepted, venue.buy(1, 60)).order_id
    venue.buy(1, 60, session=2)
    venue.buy(1, 60, instrument=2)
    venue.sell(1, 70, session=1)
    second = only(OrderAccepted, venue.buy(1, 61)).order_id
    third = only(OrderAccepted, venue.buy(1, 61, account=ALAN)).order_id
    events = venue.do(venue.source.mass_cancel(1, instrument=1, side=Side.BUY, clordid=b"all"))
    canceled = [event for event in events if isinstance(event, OrderCanceled)]
    assert [event.order_id for event in canceled] == [second, first, third]
    assert {(event.reason, event.client_seq, event.clordid) for event in canceled} == {
        (Reason.CANCELED_MASS_CANCEL, 0, b"")
    }
    done = only(MassCanceled, events)
    assert (done.canceled_orders, done.session, done.instrument, done.side, done.clordid) == (3, 1, 1, 1, b"all")
    assert done.client_seq == venue.source.chains[1].last_client_seq
    assert len(venue.core.orders) == 3


def test_mass_cancel_reaches_dormant_orders_and_works_while_closed(venue: Venue) -> None:
    """Stops and parked orders are open orders too; a client may always leave."""
    venue.buy(1, 0, order_type=3, stop_price_ticks=65)
    venue.buy(1, 60, time_in_force=TimeInForce.AT_THE_CLOSE)
    venue.all(venue.source.trading_state(0, 4))
    assert only(MassCanceled, venue.do(venue.source.mass_cancel(1))).canceled_orders == 2


def test_mass_cancel_with_a_bad_filter_is_rejected(venue: Venue) -> None:
    """As a cancel is, and nothing is canceled."""
    venue.buy(1, 60)

    def reason(**fields: int | bytes) -> int:
        rejected = only(CancelRejected, venue.do(venue.source.mass_cancel(1, **fields)))
        assert (rejected.request, rejected.order_id) == (RequestKind.MASS_CANCEL, 0)
        return rejected.reason

    assert reason(clordid=b"") == Reason.INVALID_CL_ORD_ID
    assert reason(instrument=3) == Reason.UNKNOWN_INSTRUMENT
    assert reason(account=5) == Reason.UNKNOWN_ACCOUNT
    assert reason(account=BOB) == Reason.ACCOUNT_NOT_PERMITTED
    assert reason(side=3) == Reason.INVALID_SIDE
    assert len(venue.core.orders) == 1


def test_cancel_job_goes_on_with_continue(venue: Venue) -> None:
    """Eleven cancels fill a slice; the walk goes on where it stopped, and its end is in the slice that reaches it."""
    venue.set(LimitsSet(*SMALL_PARTS)._replace(max_open_orders_per_session=16, max_orders=40))
    for session in (1, 3):
        for _ in range(11):
            venue.buy(1, 60, session=session)
    parts = [kinds(venue.do(venue.source.operator_cancel()))]
    while venue.core.pending:
        parts.append(kinds(venue.proceed()))
    assert parts == [[OrderCanceled] * 11, [OrderCanceled] * 11, [MassCanceled]]


def test_operator_cancel_says_why_it_can_not(venue: Venue) -> None:
    """Unknown session, account or instrument, wrong side; each refused with its id."""

    def refused(**fields: int) -> tuple[int, int]:
        event = only(CommandRefused, venue.do(venue.source.operator_cancel(**fields)))
        return event.reason, event.reference

    assert refused(session=4) == (Reason.UNKNOWN_SESSION, 4)
    assert refused(account=5) == (Reason.UNKNOWN_ACCOUNT, 5)
    assert refused(instrument=3) == (Reason.UNKNOWN_INSTRUMENT, 3)
    assert refused(side=3) == (Reason.INVALID_SIDE, 3)
    venue.buy(1, 60)
    assert only(OrderCanceled, venue.do(venue.source.operator_cancel(account=ALICE))).reason == (
        Reason.CANCELED_BY_OPERATOR
    )
