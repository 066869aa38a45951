"""The state as records of 64-bit words: the table of section 8 of docs/ENGINE.md, line by line.

The state hash is the sum of their mixes, so that neither order nor memory layout matters. What records() yields is
the state; state_hash() only spares itself mixing again what has not changed.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterable, Iterator
from itertools import starmap

from engine.book_hash import mix128, pair, text_words, used_clordid_mix
from engine.book_state import (
    CLORDID_BYTES,
    NO_LIMITS,
    Account,
    Balance,
    Exposure,
    Instrument,
    Job,
    JobKind,
    Mixed,
    Order,
    Protection,
    RememberedTrade,
    Session,
    Standing,
    State,
)

Record = tuple[int, ...]
#: A long run may put something quicker and equal in its place (tests/property/quick.py); from scratch it is mix128.
mix: Callable[[Record], int] = mix128


def state_hash_from_scratch(state: State) -> int:
    """128 bits over all of the state."""
    used = sum(starmap(used_clordid_mix, state.used_clordids))
    return (used + sum(map(mix128, records(state)))) % 2**128


def records(state: State) -> Iterator[Record]:
    """Every record but the used ClOrdIDs, which have a mix of their own. The first word is the type."""
    for order in state.orders.values():
        yield from _order(order)
    for (account, asset), balance in state.balances.items():
        yield from _balance(account, asset, balance)
    for id_, session in state.sessions.items():
        yield from _session(id_, session)
    for id_, instrument in state.instruments.items():
        yield from _instrument(id_, instrument)
        yield from _market(id_, instrument)
    for id_, holder in state.accounts.items():
        yield from _account(id_, holder)
    for (account, id_), exposure in state.exposures.items():
        yield from _exposure(account, id_, exposure)
    for trade in state.trades.values():
        yield from _trade(trade)
    for slot, generation in enumerate(state.generations):
        yield 10, slot | generation << 32
    yield from _settings(state)
    yield from _others(state)


def state_hash(state: State) -> int:
    """The same hash, kept up: only what has changed is mixed again."""
    total = state.used_clordids_mix + state.generations_mix
    for order in state.orders.values():
        total += _again(order, _order(order)) if order.mix is None else order.mix
    balances: ItemsView[tuple[int, int], Balance] = dict.items(state.balances)  # in no order, which is quicker
    for (account, asset), balance in balances:
        total += _again(balance, _balance(account, asset, balance)) if balance.mix is None else balance.mix
    for id_, session in state.sessions.items():
        total += _again(session, _session(id_, session)) if session.mix is None else session.mix
    for id_, instrument in state.instruments.items():
        total += _again(instrument, _instrument(id_, instrument)) if instrument.mix is None else instrument.mix
        total += _market_mix(id_, instrument)
    for id_, holder in state.accounts.items():
        total += _again(holder, _account(id_, holder)) if holder.mix is None else holder.mix
    for (account, id_), exposure in state.exposures.items():
        total += _again(exposure, _exposure(account, id_, exposure)) if exposure.mix is None else exposure.mix
    for trade in state.trades.values():
        total += _again(trade, _trade(trade)) if trade.mix is None else trade.mix
    settings = state.settings
    total += _again(settings, _settings(state)) if settings.mix is None else settings.mix
    return (total + _mix(_others(state))) % 2**128


def _mix(some: Iterable[Record]) -> int:
    return sum(map(mix, some))


def _again(holder: Mixed, some: Iterable[Record]) -> int:
    """Mixes the holder's records and keeps the mix."""
    holder.mix = total = _mix(some)
    return total


def _market_mix(id_: int, instrument: Instrument) -> int:
    """The market changes all over the rules: here the values are compared."""
    day = instrument.statistics
    market = (
        instrument.state,
        instrument.phase,
        instrument.last_ticks,
        instrument.reference_ticks,
        instrument.trigger_high_ticks,
        instrument.trigger_low_ticks,
        instrument.end_ns,
        instrument.next_schedule_ns,
        instrument.indicative_ns,
        instrument.indicative,
        day.trades,
        day.open_ticks,
        day.high_ticks,
        day.low_ticks,
        day.volume_lots,
        day.turnover_units,
    )
    if market != instrument.market:
        instrument.market, instrument.market_mix = market, _mix(_market(id_, instrument))
    return instrument.market_mix


# The records one by one.


def _order(order: Order) -> Iterator[Record]:
    flags = order.dormant | order.post_only << 1 | order.by_reference << 2 | order.stp_mode << 3
    kinds = order.side | order.order_type << 8 | order.time_in_force << 16 | flags << 24
    yield (
        1,
        order.order_id,
        pair(order.session, order.account),
        pair(order.instrument, kinds),
        pair(order.price_ticks, order.remainder),
        order.leaves_lots,
        order.cum_lots,
        order.priority,
        pair(order.maker_ppm, order.taker_ppm),
        *text_words(order.clordid, CLORDID_BYTES),
    )
    if order.display_lots or order.stop_price_ticks or order.expire_ns:
        stays = order.displayed_lots if order.standing == Standing.BOOK else 0
        yield 11, order.order_id, order.display_lots, stays, order.stop_price_ticks, order.expire_ns


def _balance(account: int, asset: int, balance: Balance) -> Iterator[Record]:
    if balance.available_units or balance.reserved_units:
        yield 2, pair(account, asset), balance.available_units, balance.reserved_units


def _session(id_: int, session: Session) -> Iterator[Record]:
    yield (
        3,
        pair(id_, session.definition.participant),
        pair(session.definition.enabled, session.killed),
        pair(session.session_epoch, session.generation),
        pair(session.gateway, session.open_orders),
        session.gateway_instance,
        session.token,
        session.last_client_seq,
        *text_words(session.definition.comp_id, 32),
    )


def _instrument(id_: int, instrument: Instrument) -> Iterator[Record]:
    definition = instrument.definition
    yield (
        5,
        pair(id_, definition.base),
        pair(definition.quote, definition.initial_phase),
        definition.tick_units,
        definition.lot_units,
        definition.price_min_ticks,
        definition.price_max_ticks,
        definition.quantity_max_lots,
        definition.notional_max_units,
        definition.protection_ticks,
        pair(definition.maker_fee_ppm, definition.taker_fee_ppm),
        pair(definition.tick_exponent, definition.lot_exponent),
        definition.tick_mantissa,
        definition.lot_mantissa,
        *text_words(definition.symbol, 16),
        definition.quantity_min_lots,
        definition.notional_min_units,
        pair(definition.static_band_ppm, definition.dynamic_band_ppm),
        pair(definition.volatility_auction_ms, 0),
    )
    for band in instrument.tick_bands.values():
        yield 16, pair(id_, band.band), band.from_ticks, band.tick_step, band.lot_step
    for tier in instrument.fee_tiers.values():
        yield 17, pair(id_, tier.tier), pair(tier.maker_fee_ppm, tier.taker_fee_ppm)
    for entry in instrument.schedule.values():
        yield 18, pair(id_, entry.entry), pair(entry.second_of_day, entry.phase)


def _market(id_: int, instrument: Instrument) -> Iterator[Record]:
    day = instrument.statistics
    yield (
        12,
        pair(id_, instrument.state),
        pair(instrument.phase, day.trades),
        pair(instrument.last_ticks, instrument.reference_ticks),
        pair(instrument.trigger_high_ticks, instrument.trigger_low_ticks),
        instrument.end_ns,
        instrument.next_schedule_ns,
        instrument.indicative_ns,
        *instrument.indicative,
        pair(day.open_ticks, day.high_ticks),
        pair(day.low_ticks, 0),
        day.volume_lots,
        day.turnover_units % 2**64,
        day.turnover_units >> 64,
    )


def _account(id_: int, account: Account) -> Iterator[Record]:
    definition = account.definition
    yield (
        6,
        pair(id_, definition.participant),
        pair(definition.kind, definition.enabled),
        pair(definition.stp_key, definition.stp_mode),
        pair(definition.fee_tier, account.killed),
        len(account.orders),
        *text_words(definition.name, 16),
    )


def _exposure(account: int, instrument: int, exposure: Exposure) -> Iterator[Record]:
    lots = exposure.position_lots, exposure.open_buy_lots, exposure.open_sell_lots
    if any(lots):
        yield 13, pair(account, instrument), *lots


def _trade(trade: RememberedTrade) -> Iterator[Record]:
    yield (
        20,
        trade.trade_id,
        pair(trade.price_ticks, trade.instrument),
        trade.quantity_lots,
        trade.notional_units,
        trade.buyer_fee_units,
        trade.seller_fee_units,
        pair(trade.buyer_account, trade.seller_account),
        trade.buyer_order_id,
        trade.seller_order_id,
        pair(trade.buyer_session, trade.seller_session),
        pair(trade.taker_side, trade.busted),
    )


def _settings(state: State) -> Iterator[Record]:
    if state.limits != NO_LIMITS:
        limits = iter(state.limits)
        yield 8, *(pair(a, b) for a, b in zip(limits, limits, strict=True))
    for id_, definition in state.assets.items():
        total = state.totals.get(id_, 0)
        yield 4, pair(id_, definition.decimals), total, *text_words(definition.symbol, 8)
    for (account, instrument), limit in state.risk_limits.items():
        yield 14, pair(account, instrument), *limit[2:5], pair(limit.max_distance_ppm, 0)


def _others(state: State) -> Iterator[Record]:
    """What changes with every command, and what there is little of."""
    yield _globals(state)
    for (account, instrument), protection in state.protections.items():
        yield _protection(account, instrument, protection)
    for participant in state.killed_participants:
        yield 19, participant
    for place, (account, instrument) in enumerate(state.tripped):
        yield 21, pair(place, 0), pair(account, instrument)


def _protection(account: int, instrument: int, protection: Protection) -> Record:
    definition = protection.definition
    return (
        15,
        pair(account, instrument),
        pair(definition.max_fills, definition.window_ms),
        pair(protection.tripped, len(protection.times)),
        *protection.times,
    )


def _globals(state: State) -> Record:
    return (
        9,
        pair(state.epoch, state.day),
        state.event_sequence,
        pair(state.venue_state, state.venue_killed),
        state.last_deposit_seq,
        state.last_checkpoint,
        state.last_transfer_seq,
        state.last_batch,
        state.final_batch,
        pair(len(state.orders), len(state.pages)),
        pair(len(state.generations), len(state.used_clordids)),
        pair(state.job.kind if state.job else 0, state.election),
        *_pending(state.job),
    )


def _pending(job: Job | None) -> Record:
    """position, count, a, b, c."""
    if job is None:
        return 0, 0, 0, 0, 0
    if job.kind == JobKind.CANCEL and job.filter:
        following = job.walk[-1] if job.walk else 0
        wanted = pair(job.filter.account, job.filter.instrument), pair(job.filter.session, job.filter.participant)
        return job.position, job.count, following, *wanted
    return job.position, job.count, job.price_ticks, job.volume_left_lots, job.surplus_lots
