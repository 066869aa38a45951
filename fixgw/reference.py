"""Instruments, assets and accounts as the gateway names them: scales and self-trade keys from the engine's events,
account names from the configuration.

What decides about an order comes from the engine, not from this host's files: a gateway with an outdated file must not
misprice one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cfg.model import Account
from engine.wire.messages import AccountDefined, AssetDefined, InstrumentDefined


@dataclass(frozen=True, slots=True)
class Listing:
    """An instrument: its symbol, the price and quantity steps, and the quote asset that fees are in."""

    instrument: int
    symbol: str
    tick_mantissa: int
    tick_exponent: int
    lot_mantissa: int
    lot_exponent: int
    quote: int


@dataclass(frozen=True, slots=True)
class AssetScale:
    """An asset's ticker and how many decimals its engine units have."""

    symbol: str
    decimals: int


class Reference:
    """Lookup tables, grown by events; rows are immutable, so other threads may read while one applies."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self.by_symbol: dict[str, Listing] = {}
        self.listings: dict[int, Listing] = {}
        self.assets: dict[int, AssetScale] = {}
        self.account_names = {account.id: account.name for account in accounts}
        self.stp_keys: dict[int, int] = {}  # by account; 0: nobody shares a key with it

    def apply(self, event: InstrumentDefined | AssetDefined | AccountDefined) -> None:
        """Learn or update one row."""
        if isinstance(event, AccountDefined):
            self.stp_keys[event.account] = event.stp_key
            return
        if isinstance(event, AssetDefined):
            self.assets[event.asset] = AssetScale(event.symbol.decode(), event.decimals)
            return
        listing = Listing(
            event.instrument,
            event.symbol.decode(),
            event.tick_mantissa,
            event.tick_exponent,
            event.lot_mantissa,
            event.lot_exponent,
            event.quote,
        )
        self.listings[event.instrument] = listing
        self.by_symbol[listing.symbol] = listing
