"""What nobody may get around in the reference core: halts, bands, disabled accounts, pulled quotes, operators."""

from __future__ import annotations

from engine.wire.messages import (
    CancelRejected,
    MarketMakerProtectionChanged,
    MarketMakerProtectionSet,
    MassCanceled,
    OrderAccepted,
    OrderCanceled,
    OrderTriggered,
    OrderType,
    Phase,
    PhaseCause,
    PhaseChanged,
    Reason,
    ScheduleSet,
    Side,
    StopTrigger,
    TickBandSet,
    TimeInForce,
    TradingState,
)
from tests.fixtures.fix_core import Venue, kinds, only, trades
from tests.property.commands import ACCOUNTS, INSTRUMENTS

ALICE, ALAN, BOB = 2, 3, 4
IOC = TimeInForce.IMMEDIATE_OR_CANCEL
SECOND_NS = 10**9


def test_reference_price_triggers_nothing_while_the_market_is_not_open(venue: Venue) -> None:
    """A stop by reference price that would trade in a halted market waits for the first trade after it."""
    venue.sell(1, 63)
    venue.buy(1, 63, order_type=OrderType.STOP, stop_price_ticks=62, trigger=StopTrigger.REFERENCE_PRICE)
    venue.do(venue.source.trading_state(0, TradingState.CANCEL_ONLY))
    events = venue.all(venue.source.set_reference_price(1, 62))
    assert not trades(events) and OrderTriggered not in kinds(events)
    venue.do(venue.source.trading_state(0, TradingState.OPEN))
    venue.sell(1, 60)
    events = venue.all(venue.source.new_order(2, account=ALAN, price_ticks=60, time_in_force=IOC))
    assert [trade.price_ticks for trade in trades(events)] == [60, 63]


def banded(venue: Venue, volatility_auction_ms: int) -> None:
    """A band of 57 to 63 around a reference price of 60."""
    venue.set(INSTRUMENTS[0]._replace(static_band_ppm=50_000, volatility_auction_ms=volatility_auction_ms))
    venue.do(venue.source.set_reference_price(1, 60))


def test_nothing_trades_above_the_band_at_the_price_of_a_resting_bid(venue: Venue) -> None:
    """A bid at 70 may rest while nobody offers; a seller who would trade there calls the auction instead."""
    banded(venue, volatility_auction_ms=1_000)
    venue.buy(1, 70)
    events = venue.sell(1, 58)
    assert not trades(events)
    changed = only(PhaseChanged, events)
    assert (changed.phase, changed.cause) == (Phase.VOLATILITY_AUCTION, PhaseCause.PRICE_BAND)
    reopened = venue.tick(changed.end_ns)
    assert [trade.price_ticks for trade in trades(reopened)] == [60]


def test_nothing_trades_below_the_band_at_the_price_of_a_resting_offer(venue: Venue) -> None:
    """Without an auction the buyer is canceled; a fill-or-kill order finds nothing it may have."""
    banded(venue, volatility_auction_ms=0)
    venue.sell(1, 50)
    events = venue.buy(1, 60)
    assert not trades(events) and only(OrderCanceled, events).reason == Reason.CANCELED_PRICE_BAND
    events = venue.buy(1, 60, time_in_force=TimeInForce.FILL_OR_KILL)
    assert only(OrderCanceled, events).reason == Reason.CANCELED_FILL_OR_KILL
    assert venue.levels(Side.SELL) == [(50, 1)]


def test_disabled_account_can_not_replace_but_can_cancel(venue: Venue) -> None:
    """An order may not grow, nor move into the market, once its account is disabled."""
    accepted = only(OrderAccepted, venue.buy(1, 60))
    venue.set(ACCOUNTS[1]._replace(enabled=0))
    order = {"order_id": accepted.order_id, "side": Side.BUY}
    events = venue.do(venue.source.replace_order(1, quantity_lots=2, price_ticks=63, **order))
    rejected = only(CancelRejected, events)
    assert rejected.reason == Reason.ACCOUNT_DISABLED
    assert only(OrderCanceled, venue.do(venue.source.cancel_order(1, **order)))


def test_quotes_are_pulled_before_the_next_stop_of_a_cascade(venue: Venue) -> None:
    """The first stop's trade trips bob's protection: his quotes go, and the second stop finds nobody."""
    venue.set(MarketMakerProtectionSet(BOB, 1, 1, 1_000))
    for _ in range(2):
        venue.buy(1, 0, order_type=OrderType.STOP, stop_price_ticks=63)
    venue.sell(1, 63, session=2, account=ALAN)
    venue.sell(2, 64)
    events = venue.all(venue.source.new_order(1, account=ALICE, price_ticks=63, time_in_force=IOC))
    assert [trade.price_ticks for trade in trades(events)] == [63, 64]
    after = kinds(events)
    assert after[after.index(MarketMakerProtectionChanged) :] == [
        *(MarketMakerProtectionChanged, OrderCanceled, MassCanceled),
        *(OrderTriggered, OrderCanceled),
    ]


def test_stop_that_lapsed_when_a_band_tripped_is_triggered_as_trading_goes_on(venue: Venue) -> None:
    """60 trades and trips the band in one command; the auction trades nothing, the last price is still 60."""
    banded(venue, volatility_auction_ms=1_000)
    stop = only(OrderAccepted, venue.sell(1, 59, order_type=OrderType.STOP_LIMIT, stop_price_ticks=60))
    venue.buy(1, 60)
    venue.buy(1, 50)
    events = venue.all(
        venue.source.new_order(2, account=ALAN, side=Side.SELL, quantity_lots=2, price_ticks=50, time_in_force=IOC)
    )
    assert [trade.price_ticks for trade in trades(events)] == [60]
    assert OrderTriggered not in kinds(events)
    reopened = venue.tick(only(PhaseChanged, events).end_ns)
    assert not trades(reopened)
    assert only(OrderTriggered, reopened).order_id == stop.order_id
    assert venue.levels(Side.SELL) == [(59, 1)]


def test_market_order_for_an_auction_does_not_take_its_price_off_tick(venue: Venue) -> None:
    """Protection of 2 ticks from 60 is 62 for a buy, 58 for a sell; in steps of 5 they stand at 60 and 60."""
    venue.set(TickBandSet(1, 1, 20, 5, 1))
    venue.do(venue.source.set_reference_price(1, 60))
    venue.all(venue.source.set_phase(1, Phase.OPENING_AUCTION))
    fields = {"order_type": OrderType.MARKET, "time_in_force": TimeInForce.AT_THE_OPENING}
    assert only(OrderAccepted, venue.buy(2, 0, **fields)).price_ticks == 60
    assert only(OrderAccepted, venue.sell(1, 0, **fields)).price_ticks == 60
    venue.do(venue.source.set_reference_price(1, 63))
    assert only(OrderAccepted, venue.buy(1, 0, **fields)).price_ticks == 65
    uncross = venue.all(venue.source.set_phase(1, Phase.CONTINUOUS))
    assert [trade.price_ticks for trade in trades(uncross)] == [65]


def test_operators_phase_outlives_a_scheduled_opening_that_is_tried_again(venue: Venue) -> None:
    """Who halts an instrument by hand must not find it open as soon as the venue may trade."""
    venue.set(ScheduleSet(1, 1, 60, Phase.CONTINUOUS))
    venue.do(venue.source.trading_state(0, TradingState.CANCEL_ONLY))
    venue.tick(60 * SECOND_NS)
    venue.do(venue.source.set_phase(1, Phase.HALT))
    venue.do(venue.source.trading_state(0, TradingState.OPEN))
    assert venue.core.next_timer_ns() == (86_400 + 60) * SECOND_NS
    assert venue.tick(61 * SECOND_NS) == []
    assert venue.core.instruments[1].phase == Phase.HALT
