"""Phases and auctions of the reference core: what each phase takes, the auction price, bands, schedule and clock."""

from __future__ import annotations

import pytest

from engine.wire.messages import (
    AuctionIndicative,
    AuctionUncrossed,
    CommandRefused,
    OrderAccepted,
    OrderCanceled,
    OrderRejected,
    OrderTriggered,
    OrderType,
    Phase,
    PhaseCause,
    PhaseChanged,
    Reason,
    ReferencePriceChanged,
    ScheduleSet,
    Side,
    TickBandSet,
    TimeInForce,
    Trade,
    TradingState,
)
from tests.fixtures.fix_core import SMALL_PARTS, Venue, kinds, only, trades
from tests.property.commands import INSTRUMENTS

OPEN, CLOSE = TimeInForce.AT_THE_OPENING, TimeInForce.AT_THE_CLOSE
GTC, IOC = TimeInForce.GOOD_TILL_CANCEL, TimeInForce.IMMEDIATE_OR_CANCEL
SECOND_NS = 10**9
QUARTER_NS = 250_000_000


def enter(venue: Venue, phase: int, end_ns: int = 0) -> list[object]:
    """The operator's phase and all it brings."""
    return [*venue.all(venue.source.set_phase(1, phase, end_ns))]


# What a phase takes.

#: (order type, time in force) and the phases 1..7 in which it is accepted; halt (4) and closed (6) take nothing.
TAKEN: list[tuple[int, int, set[int]]] = [
    (OrderType.LIMIT, TimeInForce.DAY, {1, 2, 3, 5, 7}),
    (OrderType.LIMIT, IOC, {3}),
    (OrderType.LIMIT, TimeInForce.FILL_OR_KILL, {3}),
    (OrderType.LIMIT, OPEN, {1, 2}),
    (OrderType.LIMIT, CLOSE, {1, 2, 3, 5, 7}),
    (OrderType.MARKET, OPEN, {1, 2}),
    (OrderType.MARKET, CLOSE, {1, 2, 3, 5, 7}),
    (OrderType.MARKET, TimeInForce.DAY, {3}),
    (OrderType.MARKET_TO_LIMIT, GTC, {3}),
]


@pytest.mark.parametrize(("order_type", "time_in_force", "phases"), TAKEN)
def test_each_phase_takes_its_order_types(venue: Venue, order_type: int, time_in_force: int, phases: set[int]) -> None:
    """The table of the rules, row by row."""
    venue.do(venue.source.set_reference_price(1, 63))
    venue.sell(1, 63, time_in_force=GTC)
    for phase in Phase:
        enter(venue, phase)
        (answer, *_) = venue.all(
            venue.source.new_order(1, price_ticks=60, order_type=order_type, time_in_force=time_in_force)
        )
        assert isinstance(answer, OrderAccepted) == (phase in phases), phase
        if isinstance(answer, OrderRejected):
            closed = phase in (Phase.HALT, Phase.CLOSED)
            assert answer.reason == (Reason.MARKET_NOT_OPEN if closed else Reason.PHASE_NOT_ALLOWED)
        venue.all(venue.source.operator_cancel(session=1))


def test_orders_only_rest_while_they_are_collected(venue: Venue) -> None:
    """In a call phase the book may be crossed; nothing trades until the uncross."""
    enter(venue, Phase.OPENING_AUCTION)
    venue.sell(1, 62)
    assert kinds(venue.buy(1, 65)) == [OrderAccepted]
    assert (venue.levels(Side.BUY), venue.levels(Side.SELL)) == ([(65, 1)], [(62, 1)])


# The auction price. Bids and asks as (price, lots); the guide price; what the uncross must say.

AUCTIONS: dict[str, tuple[list[tuple[int, int]], list[tuple[int, int]], int, tuple[int, int, int]]] = {
    "the most lots trade at 63": ([(64, 2), (63, 3), (62, 4)], [(62, 2), (63, 3), (64, 4)], 0, (63, 5, 0)),
    "of equal volumes the least surplus": ([(65, 5), (64, 1)], [(63, 5), (65, 3)], 0, (64, 5, 1)),
    "buyers press: the highest": ([(66, 5)], [(62, 3)], 0, (66, 3, 2)),
    "sellers press: the lowest": ([(66, 3)], [(62, 5)], 0, (62, 3, -2)),
    "no pressure: nearest to the guide price": ([(66, 3)], [(62, 3)], 64, (64, 3, 0)),
    "guide price below the range": ([(66, 3)], [(62, 3)], 50, (62, 3, 0)),
    "guide price above the range": ([(66, 3)], [(62, 3)], 90, (66, 3, 0)),
    "no guide price: the lowest": ([(66, 3)], [(62, 3)], 0, (62, 3, 0)),
    "nothing crosses": ([(61, 3)], [(62, 3)], 62, (0, 0, 0)),
    "one side only": ([(61, 3)], [], 62, (0, 0, 0)),
}


@pytest.mark.parametrize(("bids", "asks", "guide", "expected"), AUCTIONS.values(), ids=AUCTIONS)
def test_auction_price(
    venue: Venue,
    bids: list[tuple[int, int]],
    asks: list[tuple[int, int]],
    guide: int,
    expected: tuple[int, int, int],
) -> None:
    """Most volume, least surplus, pressure, then the guide price; and that is what trades, both at the taker rate."""
    enter(venue, Phase.OPENING_AUCTION)
    venue.do(venue.source.set_reference_price(1, guide))
    for price, lots in bids:
        venue.buy(lots, price)
    for price, lots in asks:
        venue.sell(lots, price)
    events = enter(venue, Phase.CONTINUOUS)
    uncrossed = only(AuctionUncrossed, events)
    assert (uncrossed.price_ticks, uncrossed.volume_lots, uncrossed.surplus_lots) == expected
    done = trades(events)
    assert (len(done), sum(trade.quantity_lots for trade in done)) == (uncrossed.trades, expected[1])
    assert {trade.price_ticks for trade in done} == ({expected[0]} if done else set())
    assert all(trade.auction == 1 for trade in done)
    book = venue.core.instruments[1].ladders
    best_bid, best_ask = book[0].best_ticks(), book[1].best_ticks()
    assert best_bid is None or best_ask is None or best_bid < best_ask


def test_equally_near_candidates_give_the_higher(venue: Venue) -> None:
    """Even prices only: 62 and 64 are as far from the guide 63."""
    enter(venue, Phase.OPENING_AUCTION)
    venue.set(TickBandSet(1, 1, 1, 2, 1))
    venue.do(venue.source.set_reference_price(1, 63))
    venue.buy(1, 70)
    venue.sell(1, 50)
    assert only(AuctionUncrossed, enter(venue, Phase.CONTINUOUS)).price_ticks == 64


def test_prices_of_orders_are_candidates_even_off_tick(venue: Venue) -> None:
    """Orders at 63 were good before the table asked for even prices; the book must not stay crossed."""
    enter(venue, Phase.OPENING_AUCTION)
    venue.buy(1, 63)
    venue.sell(1, 63)
    venue.set(TickBandSet(1, 1, 1, 2, 1))
    assert only(AuctionUncrossed, enter(venue, Phase.CONTINUOUS)).price_ticks == 63
    assert (venue.levels(Side.BUY), venue.levels(Side.SELL)) == ([], [])


def test_uncross_makes_the_older_order_the_maker_and_sets_the_reference_price(venue: Venue) -> None:
    """Both pay 1,500 ppm of 63 x 10 = 0.945, so 1 each; the price becomes the reference price."""
    enter(venue, Phase.OPENING_AUCTION)
    sell, buy = only(OrderAccepted, venue.sell(1, 63)), only(OrderAccepted, venue.buy(1, 63))
    events = enter(venue, Phase.CONTINUOUS)
    assert kinds(events) == [PhaseChanged, Trade, AuctionUncrossed, ReferencePriceChanged]
    trade = only(Trade, events)
    assert (trade.maker_order_id, trade.taker_order_id, trade.taker_side) == (sell.order_id, buy.order_id, Side.BUY)
    assert (trade.maker_fee_units, trade.taker_fee_units) == (1, 1)
    assert only(ReferencePriceChanged, events).price_ticks == 63
    assert only(AuctionUncrossed, events).phase == Phase.CONTINUOUS


def test_uncross_takes_hidden_lots_and_leaves_icebergs_in_place(venue: Venue) -> None:
    """An iceberg of 5 showing 2 sells 4 of them in one trade and shows the last; there is no refill."""
    enter(venue, Phase.OPENING_AUCTION)
    venue.sell(5, 63, display_lots=2)
    venue.buy(4, 63)
    trade = only(Trade, enter(venue, Phase.CONTINUOUS))
    assert (trade.quantity_lots, trade.maker_displayed_lots, trade.maker_leaves_lots) == (4, 1, 1)


def test_uncross_goes_on_with_continue_at_the_price_of_its_first_slice(venue: Venue) -> None:
    """Two trades per slice of 11 events: five buyers need three parts, and the end comes with the last trade."""
    venue.set(SMALL_PARTS)
    enter(venue, Phase.OPENING_AUCTION)
    for _ in range(5):
        venue.buy(1, 63)
    venue.sell(5, 63)
    parts = [kinds(venue.do(venue.source.set_phase(1, Phase.CONTINUOUS)))]
    while venue.core.pending:
        parts.append(kinds(venue.proceed()))
    assert parts == [[PhaseChanged, Trade, Trade], [Trade, Trade], [Trade, AuctionUncrossed, ReferencePriceChanged]]


def test_stops_are_looked_at_once_the_uncross_is_over(venue: Venue) -> None:
    """The auction price triggers as any trade does, after the purge of what was for the opening only."""
    enter(venue, Phase.OPENING_AUCTION)
    venue.buy(1, 70, order_type=OrderType.STOP_LIMIT, stop_price_ticks=63)
    venue.buy(1, 10, time_in_force=OPEN)
    venue.sell(1, 63)
    venue.buy(1, 63, session=2, account=3)
    events = enter(venue, Phase.CONTINUOUS)
    expected = [PhaseChanged, Trade, AuctionUncrossed, ReferencePriceChanged, OrderCanceled, OrderTriggered]
    assert kinds(events) == expected
    assert only(OrderCanceled, events).reason == Reason.CANCELED_AUCTION_ONLY


# At the opening, at the close.


def test_parked_orders_enter_the_closing_auction_in_order(venue: Venue) -> None:
    """Five activations per slice: seven come in two parts, each visible from then on, the older first."""
    venue.set(SMALL_PARTS)
    ids = [only(OrderAccepted, venue.buy(1, 62, time_in_force=CLOSE)).order_id for _ in range(7)]
    first = venue.do(venue.source.set_phase(1, Phase.CLOSING_AUCTION))
    assert kinds(first) == [PhaseChanged, *[OrderTriggered] * 5]
    events = [*first, *venue.proceed()]
    assert not venue.core.pending
    triggered = [event for event in events if isinstance(event, OrderTriggered)]
    assert [event.order_id for event in triggered] == ids
    assert {(event.stop_price_ticks, event.rested_lots) for event in triggered} == {(0, 1)}
    assert [order.order_id for order in venue.core.book(1, Side.BUY)] == ids


def test_closing_uncrosses_and_cancels_what_was_for_the_auction(venue: Venue) -> None:
    """From a call phase to closed: trades first, then at-the-close orders go, Day orders stay until the day ends."""
    venue.do(venue.source.set_reference_price(1, 63))
    venue.buy(2, 0, order_type=OrderType.MARKET, time_in_force=CLOSE)
    day = only(OrderAccepted, venue.buy(1, 60))
    enter(venue, Phase.CLOSING_AUCTION)
    venue.sell(1, 63)
    events = enter(venue, Phase.CLOSED)
    assert kinds(events) == [PhaseChanged, Trade, AuctionUncrossed, ReferencePriceChanged, OrderCanceled]
    assert only(OrderCanceled, events).reason == Reason.CANCELED_AUCTION_ONLY
    assert [order.order_id for order in venue.core.book(1, Side.BUY)] == [day.order_id]


def test_closing_without_an_auction_purges_at_once(venue: Venue) -> None:
    """From Continuous nothing is uncrossed; even parked orders go."""
    venue.buy(2, 62, time_in_force=CLOSE)
    assert kinds(enter(venue, Phase.CLOSED)) == [PhaseChanged, OrderCanceled]


def test_at_the_close_orders_stay_parked_when_the_market_opens(venue: Venue) -> None:
    """Continuous purges the opening's orders, not those that still wait for the close."""
    enter(venue, Phase.PRE_OPEN)
    opening = only(OrderAccepted, venue.buy(1, 62, time_in_force=OPEN))
    closing = only(OrderAccepted, venue.buy(1, 62, time_in_force=CLOSE))
    assert only(OrderCanceled, enter(venue, Phase.CONTINUOUS)).order_id == opening.order_id
    assert list(venue.core.instruments[1].parked) == [closing.order_id]


def test_market_order_in_an_auction_needs_a_guide_price(venue: Venue) -> None:
    """Without one it is refused; with a reference price it rests at its protection price."""
    enter(venue, Phase.OPENING_AUCTION)
    fields = {"order_type": OrderType.MARKET, "time_in_force": OPEN}
    assert only(OrderRejected, venue.buy(1, 0, **fields)).reason == Reason.NO_REFERENCE_PRICE
    venue.do(venue.source.set_reference_price(1, 63))
    assert only(OrderAccepted, venue.buy(1, 0, **fields)).price_ticks == 65


# Clock: indicatives, ends, schedule.


def test_indicative_price_is_announced_a_quarter_second_after_a_change(venue: Venue) -> None:
    """Set off by entering the phase, then by each change after a tick; told only when it is news."""
    enter(venue, Phase.OPENING_AUCTION)
    entered_ns = venue.time_ns
    assert venue.core.next_timer_ns() == entered_ns + QUARTER_NS
    assert venue.tick(entered_ns + QUARTER_NS) == []
    assert venue.core.next_timer_ns() == 0
    venue.buy(3, 64)
    rested_ns = venue.time_ns
    venue.sell(1, 62)
    assert venue.core.next_timer_ns() == rested_ns + QUARTER_NS
    indicative = only(AuctionIndicative, venue.tick(rested_ns + QUARTER_NS))
    assert (indicative.price_ticks, indicative.volume_lots, indicative.surplus_lots) == (64, 1, 2)
    mine = venue.core.book(1, Side.BUY)[0]
    venue.do(venue.source.cancel_order(1, order_id=mine.order_id))
    assert only(AuctionIndicative, venue.tick(venue.time_ns + QUARTER_NS)).price_ticks == 0
    venue.buy(1, 10)
    assert venue.tick(venue.time_ns + QUARTER_NS) == []


def test_auction_with_an_end_ends_by_itself(venue: Venue) -> None:
    """An opening auction ends in Continuous, a closing auction in Closed."""
    enter(venue, Phase.OPENING_AUCTION, end_ns=SECOND_NS)
    events = venue.tick(SECOND_NS)
    changed = only(PhaseChanged, events)
    assert (changed.phase, changed.previous, changed.cause) == (3, 2, PhaseCause.AUCTION_END)
    assert only(AuctionUncrossed, events).trades == 0
    enter(venue, Phase.CLOSING_AUCTION, end_ns=2 * SECOND_NS)
    assert only(PhaseChanged, venue.tick(2 * SECOND_NS)).phase == Phase.CLOSED


def test_auction_waits_while_trading_is_halted(venue: Venue) -> None:
    """The end is tried again every second until the market may trade."""
    enter(venue, Phase.OPENING_AUCTION, end_ns=SECOND_NS)
    venue.do(venue.source.trading_state(0, TradingState.HALTED))
    assert venue.tick(SECOND_NS) == []
    assert venue.core.instruments[1].end_ns == 2 * SECOND_NS
    venue.do(venue.source.trading_state(0, TradingState.OPEN))
    assert only(PhaseChanged, venue.tick(2 * SECOND_NS)).phase == Phase.CONTINUOUS


def test_schedule_follows_the_clock_every_day(venue: Venue) -> None:
    """Pre-open at 08:00, auction at 09:00; each is due again a day later."""
    day_ns, hour_ns = 86_400 * SECOND_NS, 3_600 * SECOND_NS
    venue.set(
        ScheduleSet(1, 1, 8 * 3_600, Phase.PRE_OPEN),
        ScheduleSet(1, 2, 9 * 3_600, Phase.OPENING_AUCTION),
    )
    assert venue.core.next_timer_ns() == 8 * hour_ns
    changed = only(PhaseChanged, venue.tick(8 * hour_ns))
    assert (changed.phase, changed.cause) == (Phase.PRE_OPEN, PhaseCause.SCHEDULE)
    assert venue.core.next_timer_ns() == 9 * hour_ns
    venue.tick(9 * hour_ns)
    assert venue.core.instruments[1].next_schedule_ns == day_ns + 8 * hour_ns
    venue.set(ScheduleSet(1, 1, 0, 0))
    assert venue.core.instruments[1].next_schedule_ns == day_ns + 9 * hour_ns


def test_missed_schedule_entries_count_as_the_last_of_them(venue: Venue) -> None:
    """After a night without a clock only the entry that was due last is followed; of one second the higher number."""
    venue.set(
        ScheduleSet(1, 1, 3_600, Phase.PRE_OPEN),
        ScheduleSet(1, 3, 7_200, Phase.HALT),
        ScheduleSet(1, 2, 7_200, Phase.CLOSED),
    )
    assert only(PhaseChanged, venue.tick(9_000 * SECOND_NS)).phase == Phase.HALT


def test_scheduled_opening_is_tried_again_until_it_can_happen(venue: Venue) -> None:
    """While the venue is halted Continuous is put off by a second at a time."""
    venue.set(ScheduleSet(1, 1, 60, Phase.CONTINUOUS))
    venue.do(venue.source.trading_state(1, TradingState.HALTED))
    assert venue.tick(60 * SECOND_NS) == []
    assert venue.core.next_timer_ns() == 61 * SECOND_NS
    venue.do(venue.source.trading_state(1, TradingState.OPEN))
    assert only(PhaseChanged, venue.tick(61 * SECOND_NS)).phase == Phase.CONTINUOUS


def test_phase_commands_that_make_no_sense_are_refused(venue: Venue) -> None:
    """Unknown instrument or phase, an end where there is none or in the past, Continuous while halted."""

    def reason(instrument: int, phase: int, end_ns: int = 0) -> int:
        refused = only(CommandRefused, venue.do(venue.source.set_phase(instrument, phase, end_ns)))
        assert refused.reference == instrument
        return refused.reason

    assert reason(3, Phase.HALT) == Reason.UNKNOWN_INSTRUMENT
    assert reason(1, 0) == Reason.INVALID_STATE
    assert reason(1, 8) == Reason.INVALID_STATE
    assert reason(1, Phase.HALT, 2**60) == Reason.INVALID_STATE
    assert reason(1, Phase.OPENING_AUCTION, 5) == Reason.INVALID_STATE
    venue.do(venue.source.trading_state(0, TradingState.CANCEL_ONLY))
    assert reason(1, Phase.CONTINUOUS) == Reason.INVALID_STATE


def test_new_instrument_starts_in_its_initial_phase(venue: Venue) -> None:
    """Continuous when none is named."""
    venue.set(INSTRUMENTS[0]._replace(instrument=3, initial_phase=Phase.PRE_OPEN))
    phases = {id_: instrument.phase for id_, instrument in venue.core.instruments.items()}
    assert phases == {1: Phase.CONTINUOUS, 2: Phase.CONTINUOUS, 3: Phase.PRE_OPEN}


# Price bands.


def banded(venue: Venue, static_band_ppm: int = 0, dynamic_band_ppm: int = 0, volatility_auction_ms: int = 0) -> None:
    venue.set(
        INSTRUMENTS[0]._replace(
            static_band_ppm=static_band_ppm,
            dynamic_band_ppm=dynamic_band_ppm,
            volatility_auction_ms=volatility_auction_ms,
        )
    )


def test_static_band_stops_an_order_and_cancels_its_rest(venue: Venue) -> None:
    """50,000 ppm around 60 is 57..63: without a volatility auction the rest that would go on is canceled."""
    banded(venue, static_band_ppm=50_000)
    changed = only(ReferencePriceChanged, venue.do(venue.source.set_reference_price(1, 60)))
    assert (changed.low_ticks, changed.high_ticks) == (57, 63)
    for price in (62, 63, 64):
        venue.sell(1, price)
    events = venue.buy(3, 65)
    assert [trade.price_ticks for trade in trades(events)] == [62, 63]
    assert only(OrderCanceled, events).reason == Reason.CANCELED_PRICE_BAND
    assert venue.core.instruments[1].phase == Phase.CONTINUOUS


def test_dynamic_band_is_around_the_last_trade_before_the_order(venue: Venue) -> None:
    """20,000 ppm around 100 is 98..102, and stays so while the order itself trades at 102."""
    banded(venue, dynamic_band_ppm=20_000, volatility_auction_ms=1_000)
    venue.sell(1, 100)
    venue.buy(1, 100)
    for price in (102, 103):
        venue.sell(1, price)
    events = venue.buy(2, 103)
    assert [trade.price_ticks for trade in trades(events)] == [102]
    accepted = only(OrderAccepted, events)
    changed = only(PhaseChanged, events)
    assert (accepted.rested_lots, changed.phase, changed.cause) == (1, Phase.VOLATILITY_AUCTION, PhaseCause.PRICE_BAND)
    assert changed.end_ns == venue.time_ns + SECOND_NS
    reopened = venue.tick(changed.end_ns)
    assert only(PhaseChanged, reopened).phase == Phase.CONTINUOUS
    assert only(Trade, reopened).price_ticks == 103


def test_band_cancels_what_can_not_rest_and_still_calls_the_auction(venue: Venue) -> None:
    """An IOC is canceled with the band's own reason."""
    banded(venue, static_band_ppm=50_000, volatility_auction_ms=1_000)
    venue.do(venue.source.set_reference_price(1, 60))
    venue.sell(1, 64)
    events = venue.buy(1, 65, time_in_force=IOC)
    assert kinds(events) == [OrderAccepted, OrderCanceled, PhaseChanged]
    assert only(OrderCanceled, events).reason == Reason.CANCELED_PRICE_BAND


def test_fill_or_kill_counts_within_the_band_only(venue: Venue) -> None:
    """What is beyond the band does not count, and a killed order trips nothing."""
    banded(venue, static_band_ppm=50_000, volatility_auction_ms=1_000)
    venue.do(venue.source.set_reference_price(1, 60))
    venue.sell(1, 63)
    venue.sell(1, 64)
    events = venue.buy(2, 65, time_in_force=TimeInForce.FILL_OR_KILL)
    assert kinds(events) == [OrderAccepted, OrderCanceled]
    assert venue.core.instruments[1].phase == Phase.CONTINUOUS


def test_post_only_is_judged_by_its_price_whatever_the_band(venue: Venue) -> None:
    """It never trips a band: it is refused although the band would keep it from trading."""
    banded(venue, static_band_ppm=50_000, volatility_auction_ms=1_000)
    venue.do(venue.source.set_reference_price(1, 60))
    venue.sell(1, 64)
    assert only(OrderRejected, venue.buy(1, 65, post_only=1)).reason == Reason.POST_ONLY_WOULD_TRADE
