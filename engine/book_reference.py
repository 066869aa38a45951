"""Reference data of the reference core (section 3): each record is set as a whole or refused as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from engine.book_matching import forget_old_trades
from engine.book_messages import ReferenceData
from engine.book_phases import next_scheduled_ns
from engine.book_state import MILLION, NO_LIMITS, Account, Instrument, Protection, Session, State
from engine.wire.messages import (
    AccountDefined,
    AccountKind,
    AccountSet,
    AssetDefined,
    AssetSet,
    FeeScheduleDefined,
    FeeScheduleSet,
    InstrumentDefined,
    InstrumentSet,
    LimitsDefined,
    LimitsSet,
    MarketMakerProtectionDefined,
    MarketMakerProtectionSet,
    Phase,
    Reason,
    RiskLimitsDefined,
    RiskLimitsSet,
    Role,
    ScheduleDefined,
    ScheduleSet,
    SelfTradePrevention,
    SessionDefined,
    SessionSet,
    TickBandDefined,
    TickBandSet,
)

EVENTS_PER_PART_MAX = 65_536
EVENTS_PER_STEP = 3  # a trade, the protection it trips, the refill
EVENTS_BESIDES_STEPS = 16
PRICE_MAX_TICKS = 2**24 - 1
DISTANCE_MAX_PPM = 10_000_000
ROWS_MAX = 8  # of a tick table, of a schedule
TIERS_MAX = 7
SECONDS_PER_DAY = 86_400
VOLATILITY_AUCTION_MAX_MS = 86_400_000
PROTECTION_MAX_FILLS = 64
PROTECTION_MAX_WINDOW_MS = 3_600_000
PROTECTED_PAIRS_MAX = 1_024


def set_reference_data(state: State, command: ReferenceData) -> None:
    """Sets it if it is sound and fits what is there; CommandRefused otherwise."""
    setter: Callable[[State, Any], Reason] = SETTERS[type(command)]
    fault = setter(state, command)
    if fault:
        reference = 0 if isinstance(command, LimitsSet) else command[0]
        state.refuse(command, reference, fault, Role.INTERNAL)
        return
    for held in (state.settings, *state.instruments.values(), *state.accounts.values(), *state.sessions.values()):
        held.mix = None
    defined = DEFINED[type(command)]
    state.emit(defined(*state.head(), *command))


def is_set(state: State, command: ReferenceData) -> bool:
    """Whether the core already holds exactly this; reference data is sent again at every start."""
    match command:
        case LimitsSet():
            return command == state.limits != NO_LIMITS
        case AssetSet():
            return state.assets.get(command.asset) == command
        case InstrumentSet():
            instrument = state.instruments.get(command.instrument)
            return instrument is not None and instrument.definition == command
        case AccountSet():
            account = state.accounts.get(command.account)
            return account is not None and account.definition == command
        case SessionSet():
            session = state.sessions.get(command.session)
            return session is not None and session.definition == command
        case RiskLimitsSet():
            return _is_set_for_pair(state, command, state.risk_limits, removes=not any(command[2:]))
        case MarketMakerProtectionSet():
            held = {pair: protection.definition for pair, protection in state.protections.items()}
            return _is_set_for_pair(state, command, held, removes=command.max_fills == 0)
    return _is_row_set(state, command)


def _is_set_for_pair(
    state: State,
    command: RiskLimitsSet | MarketMakerProtectionSet,
    held: dict[tuple[int, int], Any],
    removes: bool,
) -> bool:
    if command.account not in state.accounts or command.instrument not in state.instruments:
        return False
    present = held.get((command.account, command.instrument))
    return present is None if removes else present == command


def _is_row_set(state: State, command: ScheduleSet | TickBandSet | FeeScheduleSet) -> bool:
    """Rows of an instrument's tables."""
    instrument = state.instruments.get(command.instrument)
    if instrument is None:
        return False
    match command:
        case FeeScheduleSet():
            return instrument.fee_tiers.get(command.tier) == command
        case ScheduleSet():
            entry = instrument.schedule.get(command.entry)
            good = 1 <= command.entry <= ROWS_MAX
            return entry is None and good if command.phase == 0 else entry == command
        case TickBandSet():
            band = instrument.tick_bands.get(command.band)
            good = 1 <= command.band <= ROWS_MAX
            return band is None and good if command.from_ticks == 0 else band == command


def _set_limits(state: State, command: LimitsSet) -> Reason:
    pools = (
        (command.max_orders, state.capacity.orders),
        (command.max_price_pages, state.capacity.price_pages),
        (command.max_clordids, state.capacity.clordids),
    )
    if any(not 1 <= limit <= pool for limit, pool in pools) or command.max_bustable_trades > state.capacity.trades:
        return Reason.CAPACITY_EXCEEDED
    least_events = EVENTS_PER_STEP * command.max_fills_per_command + EVENTS_BESIDES_STEPS
    if command.max_fills_per_command < 1 or not least_events <= command.max_events_per_part <= EVENTS_PER_PART_MAX:
        return Reason.INVALID_REFERENCE
    state.limits = command
    forget_old_trades(state)
    return Reason.NONE


def _set_asset(state: State, command: AssetSet) -> Reason:
    old = state.assets.get(command.asset)
    good = (
        1 <= command.asset <= state.capacity.assets
        and command.decimals <= 9
        and (old is None or old.decimals == command.decimals)
    )
    if not good:
        return Reason.INVALID_REFERENCE
    state.assets[command.asset] = command
    return Reason.NONE


def _set_instrument(state: State, command: InstrumentSet) -> Reason:
    old = state.instruments.get(command.instrument)
    tiers = old.fee_tiers.values() if old else ()
    good = (
        1 <= command.instrument <= state.capacity.instruments
        and command.base in state.assets
        and command.quote in state.assets
        and _sound_instrument(command)
        and _sound_rates((command, *tiers))
        and (old is None or _compatible_instrument(old.definition, command))
    )
    if not good:
        return Reason.INVALID_REFERENCE
    if old:
        old.definition = command
    else:
        state.instruments[command.instrument] = Instrument(command, command.initial_phase or Phase.CONTINUOUS)
    return Reason.NONE


def _sound_instrument(new: InstrumentSet) -> bool:
    """Every product the core computes for this instrument fits, and no quantity or price is meaningless."""
    return (
        new.base != new.quote
        and min(new.tick_units, new.lot_units, new.tick_mantissa, new.lot_mantissa) >= 1
        and 1 <= new.price_min_ticks <= new.price_max_ticks <= PRICE_MAX_TICKS
        and new.quantity_max_lots >= 1
        and new.quantity_max_lots * new.lot_units <= 2**62
        and new.price_max_ticks * new.quantity_max_lots * new.tick_units <= 2**61
        and 1 <= new.notional_max_units <= 2**61
        and new.protection_ticks >= 0
        and max(new.tick_exponent, new.lot_exponent) <= 18
        and 0 <= new.quantity_min_lots <= new.quantity_max_lots
        and 0 <= new.notional_min_units <= new.notional_max_units
        and max(new.static_band_ppm, new.dynamic_band_ppm) < MILLION
        and new.volatility_auction_ms <= VOLATILITY_AUCTION_MAX_MS
        and _may_be_set(new.initial_phase)
    )


def _may_be_set(phase: int) -> bool:
    """A volatility auction comes from a band (or an operator), never from reference data; 0 stands for none."""
    return phase <= Phase.CLOSED


def _sound_rates(tiers: Iterable[InstrumentSet | FeeScheduleSet]) -> bool:
    """No rate is out of range, and no pair of tiers makes the venue pay for a trade."""
    rates = [(tier.maker_fee_ppm, tier.taker_fee_ppm) for tier in tiers]
    in_range = all(-MILLION < maker < MILLION and 0 <= taker < MILLION for maker, taker in rates)
    return in_range and min(maker for maker, _ in rates) + min(taker for _, taker in rates) >= 0


def _compatible_instrument(old: InstrumentSet, new: InstrumentSet) -> bool:
    """Open orders keep their meaning: the scales stay and no price falls out of range."""
    return (
        _scales(old) == _scales(new)
        and new.price_min_ticks <= old.price_min_ticks
        and new.price_max_ticks >= old.price_max_ticks
    )


def _scales(definition: InstrumentSet) -> tuple[int, ...]:
    return (
        definition.base,
        definition.quote,
        definition.tick_units,
        definition.lot_units,
        definition.tick_exponent,
        definition.lot_exponent,
        definition.tick_mantissa,
        definition.lot_mantissa,
    )


def _set_account(state: State, command: AccountSet) -> Reason:
    old = state.accounts.get(command.account)
    good = (
        1 <= command.account <= state.capacity.accounts
        and AccountKind.CLIENT <= command.kind <= AccountKind.LENDER
        and 1 <= command.participant <= state.capacity.accounts
        and command.enabled in (0, 1)
        and command.stp_mode <= SelfTradePrevention.DECREMENT
        and command.fee_tier <= TIERS_MAX
        and (old is None or old.definition[1:3] == command[1:3])
        and (command.kind != AccountKind.FEE or state.fee_account in (None, command.account))
    )
    if not good:
        return Reason.INVALID_REFERENCE
    if old:
        old.definition = command
    else:
        state.accounts[command.account] = Account(command)
    if command.kind == AccountKind.FEE:
        state.fee_account = command.account
    return Reason.NONE


def _set_session(state: State, command: SessionSet) -> Reason:
    old = state.sessions.get(command.session)
    good = (
        1 <= command.session <= state.capacity.sessions
        and 1 <= command.participant <= state.capacity.accounts
        and command.enabled in (0, 1)
        and (old is None or old.definition[:2] + old.definition[3:] == command[:2] + command[3:])
    )
    if not good:
        return Reason.INVALID_REFERENCE
    if old:
        old.definition = command
    else:
        state.sessions[command.session] = Session(command)
    return Reason.NONE


def _set_schedule(state: State, command: ScheduleSet) -> Reason:
    instrument = state.instruments.get(command.instrument)
    good = 1 <= command.entry <= ROWS_MAX and command.second_of_day < SECONDS_PER_DAY and _may_be_set(command.phase)
    if instrument is None or not good:
        return Reason.INVALID_REFERENCE
    if command.phase:
        instrument.schedule[command.entry] = command
    else:
        instrument.schedule.pop(command.entry, None)
    instrument.next_schedule_ns = next_scheduled_ns(instrument, state.stamp.time_ns)
    return Reason.NONE


def _set_tick_band(state: State, command: TickBandSet) -> Reason:
    instrument = state.instruments.get(command.instrument)
    if instrument is None or not (1 <= command.band <= ROWS_MAX and 0 <= command.from_ticks <= PRICE_MAX_TICKS):
        return Reason.INVALID_REFERENCE
    if command.from_ticks == 0:
        instrument.tick_bands.pop(command.band, None)
        return Reason.NONE
    most_lots = instrument.definition.quantity_max_lots
    if not (1 <= command.tick_step <= PRICE_MAX_TICKS and 1 <= command.lot_step <= most_lots):
        return Reason.INVALID_REFERENCE
    instrument.tick_bands[command.band] = command
    return Reason.NONE


def _set_fee_schedule(state: State, command: FeeScheduleSet) -> Reason:
    instrument = state.instruments.get(command.instrument)
    if instrument is None or not 1 <= command.tier <= TIERS_MAX:
        return Reason.INVALID_REFERENCE
    tiers = {**instrument.fee_tiers, command.tier: command}
    if not _sound_rates((instrument.definition, *tiers.values())):
        return Reason.INVALID_REFERENCE
    instrument.fee_tiers = tiers
    return Reason.NONE


def _set_risk_limits(state: State, command: RiskLimitsSet) -> Reason:
    known = command.account in state.accounts and command.instrument in state.instruments
    if not known or min(command[2:]) < 0 or command.max_distance_ppm > DISTANCE_MAX_PPM:
        return Reason.INVALID_REFERENCE
    if any(command[2:]):
        state.risk_limits[command.account, command.instrument] = command
    else:
        state.risk_limits.pop((command.account, command.instrument), None)
    return Reason.NONE


def _set_protection(state: State, command: MarketMakerProtectionSet) -> Reason:
    """Any change forgets the fills seen so far; what has tripped stays so until it is reset, or the protection ends."""
    pair = command.account, command.instrument
    if command.account not in state.accounts or command.instrument not in state.instruments:
        return Reason.INVALID_REFERENCE
    if command.max_fills == 0:
        state.protections.pop(pair, None)
        return Reason.NONE
    if command.max_fills > PROTECTION_MAX_FILLS or not 1 <= command.window_ms <= PROTECTION_MAX_WINDOW_MS:
        return Reason.INVALID_REFERENCE
    if pair not in state.protections and len(state.protections) >= PROTECTED_PAIRS_MAX:
        return Reason.CAPACITY_EXCEEDED
    state.protections[pair] = Protection(command, tripped=state.protection_tripped(*pair))
    return Reason.NONE


SETTERS: dict[type[ReferenceData], Callable[[State, Any], Reason]] = {
    LimitsSet: _set_limits,
    AssetSet: _set_asset,
    InstrumentSet: _set_instrument,
    AccountSet: _set_account,
    SessionSet: _set_session,
    ScheduleSet: _set_schedule,
    TickBandSet: _set_tick_band,
    FeeScheduleSet: _set_fee_schedule,
    RiskLimitsSet: _set_risk_limits,
    MarketMakerProtectionSet: _set_protection,
}
DEFINED: dict[type[ReferenceData], Callable[..., Any]] = {
    LimitsSet: LimitsDefined,
    AssetSet: AssetDefined,
    InstrumentSet: InstrumentDefined,
    AccountSet: AccountDefined,
    SessionSet: SessionDefined,
    ScheduleSet: ScheduleDefined,
    TickBandSet: TickBandDefined,
    FeeScheduleSet: FeeScheduleDefined,
    RiskLimitsSet: RiskLimitsDefined,
    MarketMakerProtectionSet: MarketMakerProtectionDefined,
}
