"""What the configuration says, as the commands that bring the engine's reference data to it.

The engine answers Duplicate for what it already knows, so at every start only differences are journaled.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from cfg.constants import SCHEDULE_ENTRIES_MAX, TICK_BANDS_MAX
from cfg.model import Account, Engine, Instrument, MarketPhase, RiskLimit, VenueConfig
from engine.journal import RULES_VERSION
from engine.wire.messages import (
    BY_TEMPLATE,
    AccountKind,
    AccountSet,
    AssetSet,
    CommandRefused,
    EpochStart,
    FeeScheduleSet,
    InstrumentSet,
    LimitsSet,
    MarketMakerProtectionSet,
    Phase,
    Reason,
    RiskLimitsSet,
    ScheduleSet,
    SelfTradePrevention,
    SessionSet,
    TickBandSet,
    TradingState,
    TradingStateSet,
)

_KINDS = {
    "client": AccountKind.CLIENT,
    "fee": AccountKind.FEE,
    "suspense": AccountKind.SUSPENSE,
    "lender": AccountKind.LENDER,
}


def epoch_start(config: VenueConfig, epoch: int, *, unclean: bool) -> bytes:
    """The first command of a start; `unclean` makes an open market cancel-only."""
    digest = bytes.fromhex(config.sha256)
    return EpochStart(epoch, RULES_VERSION, int(unclean), config.venue.id.encode(), digest).encode()


def resume() -> bytes:
    """Opens the market after a recovery that proved itself, in the name of nobody but the recovery."""
    return TradingStateSet(0, TradingState.OPEN, b"recovery", b"resume_after_recovery is automatic").encode()


def phase_of(name: MarketPhase) -> Phase:
    """The wire's name of a phase in the configuration."""
    return Phase[name.upper().replace("-", "_")]


def reference_data(config: VenueConfig) -> Iterator[bytes]:
    """All of it, each before what refers to it; what cfg does not hold (any more) is removed by its own command."""
    yield _limits(config.engine).encode()
    for asset in config.assets:
        yield AssetSet(asset.id, asset.decimals, asset.symbol.encode()).encode()
    tiers_used = {account.fee_tier for account in config.accounts} - {0}
    for instrument in config.instruments:
        yield _instrument(instrument).encode()
        yield from (command.encode() for command in _tick_bands(instrument))
        yield from (command.encode() for command in _fee_tiers(instrument, tiers_used))
        yield from (command.encode() for command in _schedule(instrument))
    for account in config.accounts:
        yield _account(account).encode()
    for session in config.sessions:
        yield SessionSet(session.id, session.participant, 1, session.comp_id.encode()).encode()
    yield from (command.encode() for command in _risk_limits(config))
    yield from (command.encode() for command in _protections(config))


#: File and table that a refused command came from, and what the journal's past may have against it.
_ORIGINS = {
    LimitsSet.TEMPLATE_ID: ("venue.toml", "engine", ""),
    AssetSet.TEMPLATE_ID: ("instruments.toml", "asset", "decimals are fixed for ever"),
    InstrumentSet.TEMPLATE_ID: (
        "instruments.toml",
        "instrument",
        "base, quote, tick_size and lot_size are fixed for ever, price_min .. price_max may only widen, and the "
        "greatest rebate may not pass the lowest taker fee, those of tiers that left cfg included: list them again",
    ),
    FeeScheduleSet.TEMPLATE_ID: (
        "instruments.toml",
        "instrument.fee_tier",
        "the greatest rebate may not pass the lowest taker fee at any step, those of tiers that left cfg included",
    ),
    AccountSet.TEMPLATE_ID: ("participants.toml", "account", "kind and participant are fixed for ever"),
    SessionSet.TEMPLATE_ID: ("participants.toml", "session", "comp_id and participant are fixed for ever"),
}


def refusal_text(refused: CommandRefused) -> str:
    """Where in cfg the operator finds what the core refused at a start, and what may be wrong with it."""
    unlisted = "cfg", BY_TEMPLATE[refused.template_id].__name__, ""
    file, table, hint = _ORIGINS.get(refused.template_id, unlisted)
    whose = f" with id {refused.reference}" if refused.reference else ""
    text = f"cfg differs from what the journal has fixed: {file}: {table}{whose}: {Reason(refused.reason).name}"
    return f"{text}: {hint}" if hint else text


def _tick_bands(instrument: Instrument) -> Iterator[TickBandSet]:
    bands = instrument.tick_band
    for number in range(1, TICK_BANDS_MAX + 1):
        if number > len(bands):
            yield TickBandSet(instrument.id, number, 0, 0, 0)
            continue
        band = bands[number - 1]
        steps = instrument.ticks(band.tick), instrument.lots(band.lot)
        yield TickBandSet(instrument.id, number, instrument.ticks(band.from_price), *steps)


def _fee_tiers(instrument: Instrument, tiers_used: set[int]) -> Iterator[FeeScheduleSet]:
    """The tiers listed; one that accounts have and the instrument does not list (any more) gets its own rates."""
    listed = {tier.tier: (tier.maker_fee_ppm, tier.taker_fee_ppm) for tier in instrument.fee_tier}
    own = instrument.maker_fee_ppm, instrument.taker_fee_ppm
    for tier in sorted(listed.keys() | tiers_used):
        yield FeeScheduleSet(instrument.id, tier, *listed.get(tier, own))


def _schedule(instrument: Instrument) -> Iterator[ScheduleSet]:
    entries = instrument.schedule
    for number in range(1, SCHEDULE_ENTRIES_MAX + 1):
        if number > len(entries):
            yield ScheduleSet(instrument.id, number, 0, 0)
        else:
            entry = entries[number - 1]
            yield ScheduleSet(instrument.id, number, entry.second_of_day, phase_of(entry.phase))


def _account(account: Account) -> AccountSet:
    return AccountSet(
        account=account.id,
        participant=account.participant,
        kind=_KINDS[account.kind],
        enabled=1,
        name=account.name.encode(),
        stp_key=account.stp_key,
        stp_mode=SelfTradePrevention[account.stp_mode.upper().replace("-", "_")],
        fee_tier=account.fee_tier,
    )


def _pairs(config: VenueConfig) -> Iterator[tuple[Account, Instrument]]:
    """Every pair that can have limits."""
    return ((account, instrument) for account in config.accounts for instrument in config.instruments)


def _risk_limits(config: VenueConfig) -> Iterator[RiskLimitsSet]:
    limits = {(limit.account, limit.instrument): limit for limit in config.risk_limits}
    for account, instrument in _pairs(config):
        limit = limits.get((account.id, instrument.symbol))
        values = (0, 0, 0, 0) if limit is None else _limit_values(limit, instrument)
        yield RiskLimitsSet(account.id, instrument.id, *values)


def _limit_values(limit: RiskLimit, instrument: Instrument) -> tuple[int, int, int, int]:
    return (
        instrument.lots(limit.max_order_quantity),
        instrument.quote_units(limit.max_order_notional),
        instrument.lots(limit.max_position),
        limit.max_distance_ppm,
    )


def _protections(config: VenueConfig) -> Iterator[MarketMakerProtectionSet]:
    """Removals first: the engine watches only so many pairs."""
    wanted = {(row.account, row.instrument): (row.max_fills, row.window_ms) for row in config.protections}
    pairs = [(account.id, instrument) for account, instrument in _pairs(config)]
    for account, instrument in pairs:
        if (account, instrument.symbol) not in wanted:
            yield MarketMakerProtectionSet(account, instrument.id, 0, 0)
    for account, instrument in pairs:
        if (account, instrument.symbol) in wanted:
            yield MarketMakerProtectionSet(account, instrument.id, *wanted[account, instrument.symbol])


def _limits(engine: Engine) -> LimitsSet:
    return LimitsSet(
        engine.max_orders,
        engine.max_price_pages,
        engine.max_open_orders_per_session,
        engine.max_clordids,
        engine.max_fills_per_command,
        engine.max_events_per_part,
        engine.max_open_orders_per_account,
        engine.max_bustable_trades,
    )


def _instrument(instrument: Instrument) -> InstrumentSet:
    tick_mantissa, tick_exponent = _scaled(instrument.tick_size)
    lot_mantissa, lot_exponent = _scaled(instrument.lot_size)
    return InstrumentSet(
        instrument=instrument.id,
        base=instrument.base_asset.id,
        quote=instrument.quote_asset.id,
        tick_units=instrument.tick_units,
        lot_units=instrument.lot_units,
        price_min_ticks=instrument.price_min_ticks,
        price_max_ticks=instrument.price_max_ticks,
        quantity_max_lots=instrument.quantity_max_lots,
        notional_max_units=instrument.notional_max_units,
        protection_ticks=instrument.protection_ticks,
        maker_fee_ppm=instrument.maker_fee_ppm,
        taker_fee_ppm=instrument.taker_fee_ppm,
        tick_exponent=tick_exponent,
        lot_exponent=lot_exponent,
        tick_mantissa=tick_mantissa,
        lot_mantissa=lot_mantissa,
        symbol=instrument.symbol.encode(),
        quantity_min_lots=instrument.quantity_min_lots,
        notional_min_units=instrument.notional_min_units,
        static_band_ppm=instrument.static_band_ppm,
        dynamic_band_ppm=instrument.dynamic_band_ppm,
        volatility_auction_ms=instrument.volatility_auction_ms,
        initial_phase=phase_of(instrument.initial_phase),
    )


def _scaled(size: Decimal) -> tuple[int, int]:
    """(mantissa, exponent) with size = mantissa x 10^-exponent, exponent >= 0 and as small as can be."""
    _, digits, exponent = size.normalize().as_tuple()
    assert isinstance(exponent, int), "cfg admits finite decimals only"
    mantissa = int("".join(map(str, digits)))
    return (mantissa * 10**exponent, 0) if exponent > 0 else (mantissa, -exponent)
