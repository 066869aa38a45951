"""Auctions of the reference core (section 7): the one price at which most trades, and the jobs around an uncross.

Every slice takes the job at work and returns what is at work after it: the same job, the one that follows, or None.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from engine.book_matching import trade
from engine.book_state import MILLION, Instrument, Job, JobKind, Order, Standing, State
from engine.wire.messages import (
    AuctionUncrossed,
    OrderTriggered,
    Phase,
    Reason,
    ReferencePriceChanged,
    Side,
)

VISITS_PER_SLICE = 4_096  # what a slice may look at where looking is not free


class AuctionResult(NamedTuple):
    """Volume and unmatched buys (sells below 0) at the auction price; all 0 when nothing would trade."""

    price_ticks: int
    volume_lots: int
    surplus_lots: int


class Run(NamedTuple):
    """Neighbouring prices low..high, at all of which the same lots would trade and the same would be left over."""

    volume_lots: int
    surplus_lots: int
    candidates: list[int]  # the lowest, the highest and those nearest to the guide price


def auction_result(instrument: Instrument) -> AuctionResult:
    """The price with the highest volume, then the least surplus, then by market pressure or the guide price."""
    runs = [run for run in _runs(instrument) if run.candidates and run.volume_lots > 0]
    if not runs:
        return AuctionResult(0, 0, 0)
    most_lots = max(run.volume_lots for run in runs)
    runs = [run for run in runs if run.volume_lots == most_lots]
    least_lots = min(abs(run.surplus_lots) for run in runs)
    runs = [run for run in runs if abs(run.surplus_lots) == least_lots]
    surplus_at = {ticks: run.surplus_lots for run in runs for ticks in run.candidates}
    guide_ticks = instrument.guide_ticks
    if all(surplus > 0 for surplus in surplus_at.values()):
        price_ticks = max(surplus_at)
    elif all(surplus < 0 for surplus in surplus_at.values()) or not guide_ticks:
        price_ticks = min(surplus_at)
    else:
        price_ticks = min(surplus_at, key=lambda ticks: (abs(ticks - guide_ticks), -ticks))
    return AuctionResult(price_ticks, most_lots, surplus_at[price_ticks])


def _runs(instrument: Instrument) -> Iterator[Run]:
    """All prices from the lowest to the highest in runs: a new one begins after each bid's and at each ask's price."""
    bids = _lots_by_price(instrument, Side.BUY)
    asks = _lots_by_price(instrument, Side.SELL)
    named = sorted({*bids, *asks})
    low, high = instrument.definition.price_min_ticks, instrument.definition.price_max_ticks
    starts = sorted({low, *(ticks + 1 for ticks in bids if ticks < high), *asks})
    buy_lots, sell_lots = sum(bids.values()), 0
    for start, end in zip(starts, [*(start - 1 for start in starts[1:]), high], strict=True):
        buy_lots -= bids.get(start - 1, 0)
        sell_lots += asks.get(start, 0)
        candidates = _candidates(instrument, start, end, named)
        yield Run(min(buy_lots, sell_lots), buy_lots - sell_lots, candidates)


def _lots_by_price(instrument: Instrument, side: int) -> dict[int, int]:
    levels = instrument.ladders[side - 1].levels()
    return {ticks: sum(order.leaves_lots for order in level.values()) for ticks, level in levels}


def _candidates(instrument: Instrument, low: int, high: int, named: list[int]) -> list[int]:
    """Of the prices in low..high that are on tick or somebody's: the ends and the neighbours of the guide price."""
    guide_ticks = min(max(instrument.guide_ticks, low), high)
    of_orders = named[bisect_left(named, low) : bisect_right(named, high)]
    wanted = (
        _on_tick_from(instrument, low, high),
        _on_tick_to(instrument, high, low),
        _on_tick_from(instrument, guide_ticks, high),
        _on_tick_to(instrument, guide_ticks, low),
    )
    return [*of_orders, *(ticks for ticks in wanted if ticks is not None)]


def _on_tick_from(instrument: Instrument, low: int, high: int) -> int | None:
    """The lowest price on tick in low..high."""
    found = [-(-start // step) * step for start, end, step in _stretches(instrument, low, high)]
    ends = [end for _, end, _ in _stretches(instrument, low, high)]
    return next((ticks for ticks, end in zip(found, ends, strict=True) if ticks <= end), None)


def _on_tick_to(instrument: Instrument, high: int, low: int) -> int | None:
    """The highest price on tick in low..high."""
    stretches = reversed(list(_stretches(instrument, low, high)))
    return next((end // step * step for start, end, step in stretches if end // step * step >= start), None)


def _stretches(instrument: Instrument, low: int, high: int) -> Iterator[tuple[int, int, int]]:
    """(first, last, tick_step) of the stretches of low..high in each of which one step holds."""
    starts = sorted(
        {low, *(band.from_ticks for band in instrument.tick_bands.values() if low < band.from_ticks <= high)}
    )
    for start, end in zip(starts, [*(start - 1 for start in starts[1:]), high], strict=True):
        band = instrument.tick_band(start)
        yield start, end, band.tick_step if band else 1


# Uncross, purge, activate.


def uncross_slice(state: State, job: Job) -> Job | None:
    """Trades at the one price, fixed by the first slice, until its volume is done."""
    instrument = state.instruments[job.position]
    if job.price_ticks == 0:
        job.price_ticks, job.volume_lots, job.surplus_lots = auction_result(instrument)
        job.volume_left_lots = job.volume_lots
    trades_at_most = job.count + state.events_per_slice // 4
    while job.volume_left_lots:
        if job.count == trades_at_most:
            return job
        job.volume_left_lots -= _trade_once(state, instrument, job.price_ticks)
        job.count += 1
    result = job.price_ticks, job.volume_lots, job.surplus_lots
    state.emit(AuctionUncrossed(*state.head(), job.position, instrument.phase, *result, trades=job.count))
    if job.volume_lots:
        set_reference_price(state, instrument, job.price_ticks, b"")
    return after_uncross(state, job.position)


def _trade_once(state: State, instrument: Instrument, price_ticks: int) -> int:
    """The first buyer and the first seller trade what the smaller of the two has; the older one is the maker."""
    buyer, seller = instrument.ladders[0].first(), instrument.ladders[1].first()
    assert buyer is not None and seller is not None, "the volume is there on both sides"
    maker, taker = (buyer, seller) if buyer.priority <= seller.priority else (seller, buyer)
    lots = min(maker.leaves_lots, taker.leaves_lots)
    trade(state, maker, taker, price_ticks, lots, maker.taker_ppm, auction=1)
    for order in (maker, taker):
        if order.leaves_lots == 0:
            state.close(order)
    return lots


def after_uncross(state: State, instrument: int) -> Job | None:
    """The purge that a new phase brings, if there is anything to purge; else stops are looked for again."""
    if any(_is_to_be_purged(state, instrument, order) for order in state.auction_only.values()):
        return Job(JobKind.PURGE, position=instrument)
    _look_for_stops(state, instrument)
    return None


def _look_for_stops(state: State, id_: int) -> None:
    """As if the last trade were one of this part: no stop that lapsed lies dormant beyond the last price."""
    state.look_for_stops = id_
    instrument = state.instruments[id_]
    if instrument.last_ticks:
        instrument.trigger_high_ticks = max(instrument.trigger_high_ticks, instrument.last_ticks)
        instrument.trigger_low_ticks = min(instrument.trigger_low_ticks or instrument.last_ticks, instrument.last_ticks)


def _is_to_be_purged(state: State, instrument: int, order: Order) -> bool:
    """At-the-close orders outlive the day's trading until the market is closed."""
    if order.instrument != instrument:
        return False
    return order.standing == Standing.BOOK or state.instruments[instrument].phase == Phase.CLOSED


def purge_slice(state: State, job: Job) -> Job | None:
    """Cancels orders that were meant for an auction that is over, by slot."""
    canceled = 0
    for visits, slot in enumerate(list(state.auction_only.irange(minimum=job.count)), 1):
        job.count = slot + 1
        if _is_to_be_purged(state, job.position, state.auction_only[slot]):
            state.cancel(state.auction_only[slot], Reason.CANCELED_AUCTION_ONLY)
            canceled += 1
        if canceled == state.events_per_slice or visits == VISITS_PER_SLICE:
            return job
    _look_for_stops(state, job.position)
    return None


def activate_slice(state: State, job: Job) -> Job | None:
    """Parked at-the-close orders come into the book in order of priority."""
    parked = state.instruments[job.position].parked
    for _ in range(state.events_per_slice // 2):
        _activate(state, next(iter(parked.values())))
        if not parked:
            return None
    return job


def _activate(state: State, order: Order) -> None:
    state.leave(order)
    place = len(state.events)
    emit_triggered(state, order, stop_price_ticks=0)
    if state.page_missing(order.book_page):
        state.cancel(order, Reason.BOOK_FULL)
        return
    state.rest(order)
    patch_triggered(state, place, order)


def emit_triggered(state: State, order: Order, stop_price_ticks: int) -> None:
    """A dormant order wakes up."""
    state.emit(
        OrderTriggered(
            *state.head(),
            session=order.session,
            session_epoch=state.sessions[order.session].session_epoch,
            order_id=order.order_id,
            price_ticks=order.price_ticks,
            leaves_lots=order.leaves_lots,
            cum_lots=order.cum_lots,
            rested_lots=0,
            displayed_lots=0,
            stop_price_ticks=stop_price_ticks,
            account=order.account,
            instrument=order.instrument,
            side=order.side,
            order_type=order.order_type,
            time_in_force=order.time_in_force,
            clordid=order.clordid,
        )
    )


def patch_triggered(state: State, place: int, order: Order) -> None:
    """Puts into the OrderTriggered at `place` what came to rest."""
    event = state.events[place]
    assert isinstance(event, OrderTriggered)
    if order.standing == Standing.BOOK:
        state.events[place] = event._replace(rested_lots=order.leaves_lots, displayed_lots=order.visible_lots)


def set_reference_price(state: State, instrument: Instrument, price_ticks: int, operator: bytes) -> None:
    instrument.reference_ticks = price_ticks
    low_ticks = high_ticks = 0
    if instrument.definition.static_band_ppm and price_ticks:
        width_ticks = price_ticks * instrument.definition.static_band_ppm // MILLION
        low_ticks, high_ticks = price_ticks - width_ticks, price_ticks + width_ticks
    id_ = instrument.definition.instrument
    state.emit(ReferencePriceChanged(*state.head(), id_, price_ticks, low_ticks, high_ticks, operator))
