"""What the configuration says, as the commands that bring the engine's reference data to it.

The engine answers Duplicate for what it already knows, so at every start only differences are journaled.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from cfg.model import Engine, Instrument, VenueConfig
from engine.journal import RULES_VERSION
from engine.wire.messages import (
    AccountKind,
    AccountSet,
    AssetSet,
    EpochStart,
    InstrumentSet,
    LimitsSet,
    SessionSet,
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


def reference_data(config: VenueConfig) -> Iterator[bytes]:
    """Limits, assets, instruments, accounts and sessions, each before what refers to it."""
    yield _limits(config.engine).encode()
    for asset in config.assets:
        yield AssetSet(asset.id, asset.decimals, asset.symbol.encode()).encode()
    for instrument in config.instruments:
        yield _instrument(instrument).encode()
    for account in config.accounts:
        name = account.name.encode()
        yield AccountSet(account.id, account.participant, _KINDS[account.kind], 1, name).encode()
    for session in config.sessions:
        yield SessionSet(session.id, session.participant, 1, session.comp_id.encode()).encode()


def _limits(engine: Engine) -> LimitsSet:
    return LimitsSet(
        engine.max_orders,
        engine.max_price_pages,
        engine.max_open_orders_per_session,
        engine.max_clordids,
        engine.max_fills_per_command,
        engine.max_events_per_part,
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
    )


def _scaled(size: Decimal) -> tuple[int, int]:
    """(mantissa, exponent) with size = mantissa x 10^-exponent, exponent >= 0 and as small as can be."""
    _, digits, exponent = size.normalize().as_tuple()
    assert isinstance(exponent, int), "cfg admits finite decimals only"
    mantissa = int("".join(map(str, digits)))
    return (mantissa * 10**exponent, 0) if exponent > 0 else (mantissa, -exponent)
