"""Matching of the reference core: a taker against the book in Continuous (section 6), and what every trade brings.

A trade moves base one way and quote the other and pays both fees; whatever an order reserved covers its part.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain

from engine.book_state import (
    MILLION,
    MILLISECOND_NS,
    Instrument,
    Level,
    Order,
    RememberedTrade,
    Standing,
    State,
    fee_units,
)
from engine.wire.messages import (
    MarketMakerProtectionChanged,
    OrderReduced,
    OrderRefilled,
    Phase,
    PhaseCause,
    Reason,
    SelfTradePrevention,
    Side,
    TimeInForce,
    Trade,
)

UNLIMITED_TICKS = 2**62


def enter(state: State, taker: Order, min_lots: int = 0) -> None:
    """A new or replaced order in Continuous: it trades, and what is left rests or is canceled."""
    _enter(state, taker, min_lots, page_is_sure=True)


def enter_triggered(state: State, taker: Order) -> None:
    """A triggered stop likewise; nobody has looked yet whether there is a page for it to rest on."""
    _enter(state, taker, 0, page_is_sure=False)


def _enter(state: State, taker: Order, min_lots: int, page_is_sure: bool) -> None:
    instrument = state.instruments[taker.instrument]
    limit_ticks = band_limit(instrument, taker)
    fill_or_kill = taker.time_in_force == TimeInForce.FILL_OR_KILL
    wanted_lots = taker.leaves_lots if fill_or_kill else min_lots
    if wanted_lots and not _can_get(state, taker, limit_ticks, wanted_lots):
        state.cancel(taker, Reason.CANCELED_FILL_OR_KILL if fill_or_kill else Reason.CANCELED_MIN_QUANTITY)
        return
    stopped = _take(state, taker, limit_ticks)
    if taker.leaves_lots == 0:
        state.close(taker)
        return
    if stopped:
        state.cancel(taker, stopped)
        return
    tripped = _stopped_by_band(instrument, taker)
    auction_ms = instrument.definition.volatility_auction_ms
    if tripped and not (auction_ms and taker.may_rest):
        state.cancel(taker, Reason.CANCELED_PRICE_BAND)
    elif not taker.may_rest:
        state.cancel(taker, Reason.CANCELED_IMMEDIATE_OR_CANCEL)
    elif not page_is_sure and state.page_missing(taker.book_page):
        state.cancel(taker, Reason.BOOK_FULL)
    else:
        state.rest(taker)
    if tripped and auction_ms:
        end_ns = state.stamp.time_ns + auction_ms * MILLISECOND_NS
        state.change_phase(instrument, Phase.VOLATILITY_AUCTION, PhaseCause.PRICE_BAND, end_ns)


def within(side: int, price_ticks: int, limit_ticks: int) -> bool:
    """Whether an order of this side with this limit accepts the price."""
    return price_ticks <= limit_ticks if side == Side.BUY else price_ticks >= limit_ticks


def band_limit(instrument: Instrument, taker: Order) -> int:
    """The taker's price, or the nearest bound of a price band if that is tighter.

    A price beyond the other bound is better than the taker asks for, but no price to trade at either: as long as the
    best one is there, none will do.
    """
    low_ticks, high_ticks = -UNLIMITED_TICKS, UNLIMITED_TICKS
    for ppm, around_ticks in (
        (instrument.definition.static_band_ppm, instrument.reference_ticks),
        (instrument.definition.dynamic_band_ppm, instrument.last_ticks),
    ):
        if ppm and around_ticks:
            width_ticks = around_ticks * ppm // MILLION
            low_ticks, high_ticks = (
                max(low_ticks, around_ticks - width_ticks),
                min(high_ticks, around_ticks + width_ticks),
            )
    best_ticks = instrument.opposite(taker.side).best_ticks() or 0
    if taker.side == Side.BUY:
        return min(taker.price_ticks, high_ticks) if best_ticks >= low_ticks else -UNLIMITED_TICKS
    return max(taker.price_ticks, low_ticks) if best_ticks <= high_ticks else UNLIMITED_TICKS


def _stopped_by_band(instrument: Instrument, taker: Order) -> bool:
    """Matching is over with lots left: if the taker's own price would have gone on, it was a band that stopped it."""
    best_ticks = instrument.opposite(taker.side).best_ticks()
    return best_ticks is not None and within(taker.side, best_ticks, taker.price_ticks)


def _take(state: State, taker: Order, limit_ticks: int) -> Reason:
    """Meets maker after maker. The reason why the taker must be canceled now, NONE if it just found no more."""
    book = state.instruments[taker.instrument].opposite(taker.side)
    steps = 0
    while taker.leaves_lots:
        maker = book.first()
        if maker is None or not within(taker.side, maker.price_ticks, limit_ticks):
            break
        if steps == state.limits.max_fills_per_command:
            return Reason.CANCELED_MAX_FILLS
        steps += 1
        mode = self_trade_mode(state, taker, maker)
        if mode == SelfTradePrevention.NONE:
            _trade_with_maker(state, maker, taker)
        elif mode == SelfTradePrevention.CANCEL_NEWEST:
            return Reason.CANCELED_SELF_TRADE
        elif mode == SelfTradePrevention.CANCEL_OLDEST:
            state.cancel(maker, Reason.CANCELED_SELF_TRADE)
        elif mode == SelfTradePrevention.CANCEL_BOTH:
            state.cancel(maker, Reason.CANCELED_SELF_TRADE)
            return Reason.CANCELED_SELF_TRADE
        elif _decrement(state, maker, taker):
            return Reason.CANCELED_SELF_TRADE
    return Reason.NONE


def _can_get(state: State, taker: Order, limit_ticks: int, wanted_lots: int) -> bool:
    """Whether matching would fill so many lots: the same walk without touching anything."""
    lots = 0
    for steps, (maker, shown_lots) in enumerate(_coming_makers(state, taker, limit_ticks)):
        if lots >= wanted_lots:
            return True
        if steps == state.limits.max_fills_per_command:
            return False
        mode = self_trade_mode(state, taker, maker)
        if mode == SelfTradePrevention.NONE:
            lots += shown_lots
        elif mode != SelfTradePrevention.CANCEL_OLDEST:
            return False
    return lots >= wanted_lots


def _coming_makers(state: State, taker: Order, limit_ticks: int) -> Iterator[tuple[Order, int]]:
    """(maker, lots it shows) in the order the taker would meet them, an iceberg once for each part it shows."""
    for price_ticks, level in state.instruments[taker.instrument].opposite(taker.side).levels():
        if not within(taker.side, price_ticks, limit_ticks):
            return
        yield from _coming_makers_of_level(state, taker, level)


def _coming_makers_of_level(state: State, taker: Order, level: Level) -> Iterator[tuple[Order, int]]:
    again: deque[tuple[Order, int, int]] = deque()  # icebergs that have gone to the back: leaves, what they show

    def from_the_back() -> Iterator[tuple[Order, int, int]]:
        while again:
            yield again.popleft()

    def shown_at_once(maker: Order) -> int:
        is_self = self_trade_mode(state, taker, maker) != SelfTradePrevention.NONE
        return maker.leaves_lots if is_self else maker.visible_lots  # its own iceberg goes with all that it hides

    waiting = ((maker, maker.leaves_lots, shown_at_once(maker)) for maker in level.values())
    for maker, leaves_lots, shown_lots in chain(waiting, from_the_back()):
        yield maker, shown_lots
        hidden_lots = leaves_lots - shown_lots
        if hidden_lots:
            again.append((maker, hidden_lots, min(maker.display_lots, hidden_lots)))


def self_trade_mode(state: State, taker: Order, maker: Order) -> int:
    """What must happen instead of a trade; NONE when the two are not of one hand or the taker does not mind."""
    taker_account = state.accounts[taker.account].definition
    if taker_account.stp_key == 0 or taker_account.stp_key != state.accounts[maker.account].definition.stp_key:
        return SelfTradePrevention.NONE
    return taker.stp_mode or taker_account.stp_mode


def _decrement(state: State, maker: Order, taker: Order) -> bool:
    """Takes the lesser leaves from both without a trade; True when nothing of the taker would be left."""
    lots = min(maker.leaves_lots, taker.leaves_lots)
    if maker.leaves_lots == lots:
        state.cancel(maker, Reason.CANCELED_SELF_TRADE)
    else:
        _reduce(state, maker, lots)
    if taker.leaves_lots == lots:
        return True
    _reduce(state, taker, lots)
    return False


def _reduce(state: State, order: Order, lots: int) -> None:
    order.leaves_lots -= lots
    order.displayed_lots = min(order.displayed_lots, order.leaves_lots)
    state.keep_reserved(order)
    state.emit(
        OrderReduced(
            *state.head(),
            session=order.session,
            session_epoch=state.sessions[order.session].session_epoch,
            order_id=order.order_id,
            price_ticks=order.price_ticks,
            reduced_lots=lots,
            leaves_lots=order.leaves_lots,
            cum_lots=order.cum_lots,
            displayed_lots=order.visible_lots,
            account=order.account,
            instrument=order.instrument,
            side=order.side,
            was_resting=int(order.standing == Standing.BOOK),
            reason=Reason.CANCELED_SELF_TRADE,
            clordid=order.clordid,
        )
    )


def _trade_with_maker(state: State, maker: Order, taker: Order) -> None:
    """One trade at the maker's price with what the maker shows."""
    lots = min(taker.leaves_lots, maker.visible_lots)
    maker.displayed_lots -= lots if maker.display_lots else 0
    trade(state, maker, taker, maker.price_ticks, lots, maker.maker_ppm, auction=0)
    _count_fill(state, maker)
    if maker.leaves_lots == 0:
        state.close(maker)
    elif maker.visible_lots == 0:
        _refill(state, maker)


def _refill(state: State, maker: Order) -> None:
    """An iceberg shows its next part, and goes to the back of its level for it."""
    maker.displayed_lots = min(maker.display_lots, maker.leaves_lots)
    maker.priority = state.stamp.sequence
    state.instruments[maker.instrument].ladders[maker.book_ladder].to_back(maker.price_ticks, maker)
    state.emit(
        OrderRefilled(
            *state.head(),
            order_id=maker.order_id,
            price_ticks=maker.price_ticks,
            displayed_lots=maker.displayed_lots,
            leaves_lots=maker.leaves_lots,
            session=maker.session,
            account=maker.account,
            instrument=maker.instrument,
            side=maker.side,
        )
    )


def trade(
    state: State, maker: Order, taker: Order, price_ticks: int, quantity_lots: int, maker_ppm: int, auction: int
) -> None:
    """One fill of both orders; who is filled stays where it stands for the caller to close."""
    instrument = state.instruments[maker.instrument]
    notional_units = price_ticks * quantity_lots * instrument.definition.tick_units
    maker_fee_units, taker_fee_units = _pay(state, maker, taker, quantity_lots, notional_units, maker_ppm)
    head = state.head()
    event = Trade(
        *head,
        trade_id=head[0],
        price_ticks=price_ticks,
        quantity_lots=quantity_lots,
        notional_units=notional_units,
        maker_fee_units=maker_fee_units,
        taker_fee_units=taker_fee_units,
        maker_order_id=maker.order_id,
        taker_order_id=taker.order_id,
        maker_leaves_lots=maker.leaves_lots,
        taker_leaves_lots=taker.leaves_lots,
        maker_account=maker.account,
        taker_account=taker.account,
        maker_session=maker.session,
        taker_session=taker.session,
        instrument=maker.instrument,
        taker_side=taker.side,
        maker_displayed_lots=maker.visible_lots,
        taker_displayed_lots=taker.visible_lots,
        auction=auction,
    )
    state.emit(event)
    _note_price(instrument, price_ticks, quantity_lots, notional_units)
    state.look_for_stops = maker.instrument
    if state.limits.max_bustable_trades:
        _remember(state, event, maker, taker)


def _remember(state: State, event: Trade, maker: Order, taker: Order) -> None:
    """For a bust."""
    maker_buys = maker.side == Side.BUY
    buyer, seller = (maker, taker) if maker_buys else (taker, maker)
    state.trades[event.trade_id] = RememberedTrade(
        trade_id=event.trade_id,
        instrument=event.instrument,
        price_ticks=event.price_ticks,
        quantity_lots=event.quantity_lots,
        notional_units=event.notional_units,
        buyer_fee_units=event.maker_fee_units if maker_buys else event.taker_fee_units,
        seller_fee_units=event.taker_fee_units if maker_buys else event.maker_fee_units,
        buyer_account=buyer.account,
        seller_account=seller.account,
        buyer_order_id=buyer.order_id,
        seller_order_id=seller.order_id,
        buyer_session=buyer.session,
        seller_session=seller.session,
        taker_side=event.taker_side,
    )
    forget_old_trades(state)


def forget_old_trades(state: State) -> None:
    """Only the newest can be busted."""
    while len(state.trades) > state.limits.max_bustable_trades:
        state.trades.popitem(last=False)


def _note_price(instrument: Instrument, price_ticks: int, quantity_lots: int, notional_units: int) -> None:
    """Last price, the day's statistics, and the range in which stops are to be looked for."""
    instrument.last_ticks = price_ticks
    day = instrument.statistics
    if day.trades == 0:
        day.open_ticks = day.high_ticks = day.low_ticks = price_ticks
    day.high_ticks = max(day.high_ticks, price_ticks)
    day.low_ticks = min(day.low_ticks, price_ticks)
    day.volume_lots += quantity_lots
    day.turnover_units += notional_units
    day.trades += 1
    instrument.trigger_high_ticks = max(instrument.trigger_high_ticks, price_ticks)
    instrument.trigger_low_ticks = min(instrument.trigger_low_ticks or price_ticks, price_ticks)


def _pay(
    state: State, maker: Order, taker: Order, quantity_lots: int, notional_units: int, maker_ppm: int
) -> tuple[int, int]:
    """Moves the money of a fill; (maker_fee_units, taker_fee_units), a rebate being negative.

    A rebate that the fee account can't pay is cut, and the maker's remainder then stays what it was: kept as if paid,
    the maker's reservation could need a unit that nobody has.
    """
    assert state.fee_account is not None, "a market without a fee account is not open"
    quote = state.instruments[maker.instrument].definition.quote
    maker_millionths, taker_millionths = maker_ppm * notional_units, taker.taker_ppm * notional_units
    maker_fee_units = fee_units(maker.remainder, maker_millionths)
    taker_fee_units = fee_units(taker.remainder, taker_millionths)
    missing_units = -(state.balance_of(state.fee_account, quote).available_units + maker_fee_units + taker_fee_units)
    if missing_units > 0:
        maker_fee_units += missing_units
    else:
        maker.remainder = (maker.remainder + maker_millionths) % MILLION
    taker.remainder = (taker.remainder + taker_millionths) % MILLION
    _settle(state, maker, quantity_lots, notional_units, maker_fee_units)
    _settle(state, taker, quantity_lots, notional_units, taker_fee_units)
    state.move(state.fee_account, quote, maker_fee_units + taker_fee_units)
    return maker_fee_units, taker_fee_units


def _settle(state: State, order: Order, quantity_lots: int, notional_units: int, order_fee_units: int) -> None:
    """One side of a fill: frees its reservation, and pays out of what was freed."""
    definition = state.instruments[order.instrument].definition
    order.leaves_lots -= quantity_lots
    order.cum_lots += quantity_lots
    order.displayed_lots = min(order.displayed_lots, order.leaves_lots)
    state.keep_reserved(order)
    base_units = quantity_lots * definition.lot_units
    exposure = state.exposure_of(order.account, order.instrument)
    if order.side == Side.BUY:
        exposure.position_lots += quantity_lots
        state.move(order.account, definition.base, base_units)
        state.move(order.account, definition.quote, -(notional_units + order_fee_units))
    else:
        exposure.position_lots -= quantity_lots
        state.move(order.account, definition.base, -base_units)
        state.move(order.account, definition.quote, notional_units - order_fee_units)


def _count_fill(state: State, maker: Order) -> None:
    """Market-maker protection: too many fills in too short a time, and the maker's orders go."""
    protection = state.protections.get((maker.account, maker.instrument))
    if protection is None or protection.tripped:
        return
    max_fills, window_ns = protection.definition.max_fills, protection.definition.window_ms * MILLISECOND_NS
    protection.times.append(state.stamp.time_ns)
    if len(protection.times) > max_fills:
        protection.times.popleft()
    if len(protection.times) < max_fills or state.stamp.time_ns - protection.times[0] > window_ns:
        return
    protection.tripped = True
    protection.times.clear()
    state.tripped.append((maker.account, maker.instrument))
    state.emit(MarketMakerProtectionChanged(*state.head(), maker.account, maker.instrument, tripped=1, operator=b""))
