"""The rules that span tables and files: references, uniqueness, exact units, limits that must contain one another.

Each rule yields (file, key, message) for every breach and never stops at the first, so that one check shows all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Generic, TypeVar

from cfg.constants import (
    BASE_UNITS_MAX,
    INT64_MAX,
    IPC_PATH_BYTES_MAX,
    NOTIONAL_UNITS_MAX,
    PPM,
    PRICE_TICKS_MAX,
    PROTECTIONS_MAX,
    RUN_DIR_BYTES_MAX,
)
from cfg.model import (
    Account,
    Asset,
    Engine,
    Follower,
    InstrumentTable,
    MarketData,
    MarketMakerProtection,
    Participant,
    Paths,
    RiskLimit,
    Session,
    Settlement,
)

VENUE_FILE = "venue.toml"
INSTRUMENTS_FILE = "instruments.toml"
PARTICIPANTS_FILE = "participants.toml"

Breach = tuple[str, str, str]
T = TypeVar("T")


@dataclass(frozen=True)
class Row(Generic[T]):
    """A table of an array that is valid by itself, and where it stands in its file ("asset[2]")."""

    key: str
    table: T


Identified = Row[Asset] | Row[InstrumentTable] | Row[Participant] | Row[Account] | Row[Session]


def unique(file: str, field: str, rows: Sequence[Row[T]], value_of: Callable[[T], object]) -> Iterator[Breach]:
    """No two rows carry the same value in `field`; empty text and None stand for "no value"."""
    first: dict[object, str] = {}
    for row in rows:
        value = value_of(row.table)
        if value in ("", None):
            continue
        if value in first:
            yield file, f"{row.key}.{field}", f"{value!r} is already used by {first[value]}"
        else:
            first[value] = row.key


def pools(
    engine: Engine,
    assets: Sequence[Row[Asset]],
    instruments: Sequence[Row[InstrumentTable]],
    participants: Sequence[Row[Participant]],
    accounts: Sequence[Row[Account]],
    sessions: Sequence[Row[Session]],
) -> Iterator[Breach]:
    """The engine indexes its tables by id, so every id lies below the size of its pool."""
    tables: tuple[tuple[str, str, int, Sequence[Identified]], ...] = (
        (INSTRUMENTS_FILE, "max_assets", engine.max_assets, assets),
        (INSTRUMENTS_FILE, "max_instruments", engine.max_instruments, instruments),
        (PARTICIPANTS_FILE, "max_accounts", engine.max_accounts, participants),
        (PARTICIPANTS_FILE, "max_accounts", engine.max_accounts, accounts),
        (PARTICIPANTS_FILE, "max_sessions", engine.max_sessions, sessions),
    )
    for file, limit_name, limit, rows in tables:
        for row in rows:
            if row.table.id >= limit:
                yield file, f"{row.key}.id", f"{row.table.id} must be less than engine.{limit_name} ({limit})"


def run_directory(run_dir: Path) -> Iterator[Breach]:
    """Every socket under run_dir has a path that the kernel and ZeroMQ accept."""
    length = len(bytes(run_dir))
    if length > RUN_DIR_BYTES_MAX:
        yield (
            VENUE_FILE,
            "paths.run_dir",
            f"{run_dir} is {length} bytes long; sockets under it need it to be at most {RUN_DIR_BYTES_MAX}",
        )


def archive_directory(paths: Paths) -> Iterator[Breach]:
    """The archive outlives state_dir, so it does not lie within it."""
    if paths.archive_dir and Path(paths.archive_dir).is_relative_to(paths.state_dir):
        yield VENUE_FILE, "paths.archive_dir", f"{paths.archive_dir} lies within state_dir"


def follower_cpu(engine: Engine, follower: Follower) -> Iterator[Breach]:
    """The hot thread shares its core with nobody."""
    if follower.cpu >= 0 and follower.cpu == engine.hot_cpu:
        yield VENUE_FILE, "follower.cpu", f"must differ from engine.hot_cpu (got {follower.cpu})"


def feed_endpoints(feed: MarketData) -> Iterator[Breach]:
    """Endpoints have real ports, fit a socket path and are not bound twice."""
    endpoints = [(f"mdfeed.publish[{index}]", endpoint) for index, endpoint in enumerate(feed.publish)]
    endpoints.append(("mdfeed.snapshot", feed.snapshot))
    first: dict[str, str] = {}
    for key, endpoint in endpoints:
        if endpoint in first:
            yield VENUE_FILE, key, f"{endpoint} is already used by {first[endpoint]}"
        first.setdefault(endpoint, key)
        if endpoint.startswith("tcp://") and not 1 <= int(endpoint.rpartition(":")[2]) <= 65_535:
            yield VENUE_FILE, key, f"{endpoint} has no port between 1 and 65535"
        if endpoint.startswith("ipc://") and len(endpoint.removeprefix("ipc://").encode()) > IPC_PATH_BYTES_MAX:
            yield VENUE_FILE, key, f"the path of {endpoint} is longer than {IPC_PATH_BYTES_MAX} bytes"


def listing(row: Row[InstrumentTable], base: Asset, quote: Asset) -> Iterator[Breach]:
    """An instrument counts exactly: whole ticks, whole lots, whole units, and nothing it allows overflows an int64."""
    instrument = row.table
    tick, lot = Fraction(instrument.tick_size), Fraction(instrument.lot_size)
    tick_units = tick * lot * 10**quote.decimals
    lot_units = lot * 10**base.decimals
    price_min_ticks, price_max_ticks = Fraction(instrument.price_min) / tick, Fraction(instrument.price_max) / tick
    quantity_max_lots = Fraction(instrument.quantity_max) / lot
    quantity_min_lots = Fraction(instrument.quantity_min) / lot
    notional_max_units = Fraction(instrument.notional_max) * 10**quote.decimals
    notional_min_units = Fraction(instrument.notional_min) * 10**quote.decimals

    def breach(field: str, message: str) -> Breach:
        return INSTRUMENTS_FILE, f"{row.key}.{field}", message

    if tick_units.denominator != 1:
        yield breach(
            "tick_size", f"tick_size x lot_size must be a whole number of {quote.symbol} units (10^-{quote.decimals})"
        )
    if lot_units.denominator != 1:
        yield breach("lot_size", f"must be a whole number of {base.symbol} units (10^-{base.decimals})")
    if price_min_ticks.denominator != 1:
        yield breach("price_min", "must be a multiple of tick_size")
    if price_max_ticks.denominator != 1:
        yield breach("price_max", "must be a multiple of tick_size")
    if quantity_max_lots.denominator != 1:
        yield breach("quantity_max", "must be a multiple of lot_size")
    if quantity_min_lots.denominator != 1:
        yield breach("quantity_min", "must be a multiple of lot_size")
    for field, units in (("notional_max", notional_max_units), ("notional_min", notional_min_units)):
        if units.denominator != 1:
            yield breach(field, f"must be a whole number of {quote.symbol} units (10^-{quote.decimals})")
    if quantity_min_lots > quantity_max_lots:
        yield breach("quantity_min", "is greater than quantity_max")
    if notional_min_units > notional_max_units:
        yield breach("notional_min", "is greater than notional_max")
    if price_max_ticks > PRICE_TICKS_MAX:
        yield breach("price_max", f"is more than {PRICE_TICKS_MAX} ticks: take a coarser tick_size")
    if price_min_ticks > price_max_ticks:
        yield breach("price_min", "is greater than price_max")
    if instrument.protection_ticks > price_max_ticks:
        yield breach("protection_ticks", "is wider than price_max")
    yield from tick_bands(row)
    yield from fees(row)
    yield from schedule(row)

    tiers = instrument.fee_tier
    fee_rate = Fraction(max(instrument.taker_fee_ppm, *(tier.taker_fee_ppm for tier in tiers), 0), PPM)
    largest_units = price_max_ticks * quantity_max_lots * tick_units
    if largest_units * (1 + fee_rate) > INT64_MAX:
        yield breach("quantity_max", f"price_max x quantity_max with its fee overflows int64 in {quote.symbol} units")
    elif largest_units > NOTIONAL_UNITS_MAX:
        yield breach("quantity_max", f"price_max x quantity_max is more than 2^61 {quote.symbol} units")
    if quantity_max_lots * lot_units > BASE_UNITS_MAX:
        yield breach("quantity_max", f"is more than 2^62 {base.symbol} units")
    if notional_max_units * (1 + fee_rate) > INT64_MAX:
        yield breach("notional_max", f"with its fee overflows int64 in {quote.symbol} units")
    elif notional_max_units > NOTIONAL_UNITS_MAX:
        yield breach("notional_max", f"is more than 2^61 {quote.symbol} units")
    # Each side's fee is rounded up by itself, so a fill can debit up to two units more than its exact cost.
    if notional_max_units * (1 + fee_rate) + 2 >= quote.batch_gross_limit:
        yield breach("notional_max", f"with its fee must be less than {quote.symbol}'s batch_gross_limit")
    if quantity_max_lots * lot_units >= base.batch_gross_limit:
        yield breach("quantity_max", f"must be less than {base.symbol}'s batch_gross_limit")


def tick_bands(row: Row[InstrumentTable]) -> Iterator[Breach]:
    """Bands begin at different prices on a tick; their steps are whole ticks and lots that an order can have."""
    instrument = row.table
    first: dict[Fraction, int] = {}
    for index, band in enumerate(instrument.tick_band):
        key = f"{row.key}.tick_band[{index}]"
        for field, value, step, of in (
            ("from_price", band.from_price, instrument.tick_size, "tick_size"),
            ("tick", band.tick, instrument.tick_size, "tick_size"),
            ("lot", band.lot, instrument.lot_size, "lot_size"),
        ):
            if (Fraction(value) / Fraction(step)).denominator != 1:
                yield INSTRUMENTS_FILE, f"{key}.{field}", f"must be a multiple of {of}"
        if band.from_price > instrument.price_max:
            yield INSTRUMENTS_FILE, f"{key}.from_price", "is greater than price_max"
        if band.tick > instrument.price_max:
            yield INSTRUMENTS_FILE, f"{key}.tick", "is greater than price_max"
        if band.lot > instrument.quantity_max:
            yield INSTRUMENTS_FILE, f"{key}.lot", "is greater than quantity_max"
        earlier = first.setdefault(Fraction(band.from_price), index)
        if earlier != index:
            message = f"{band.from_price} is already used by tick_band[{earlier}]"
            yield INSTRUMENTS_FILE, f"{key}.from_price", message


def fees(row: Row[InstrumentTable]) -> Iterator[Breach]:
    """Each tier is given once, no maker pays more than a taker of its tier, and no two sides together cost us money."""
    instrument = row.table
    rates = [(row.key, instrument.maker_fee_ppm, instrument.taker_fee_ppm)]
    first: dict[int, str] = {}
    for index, tier in enumerate(instrument.fee_tier):
        key = f"{row.key}.fee_tier[{index}]"
        rates.append((key, tier.maker_fee_ppm, tier.taker_fee_ppm))
        earlier = first.setdefault(tier.tier, key)
        if earlier != key:
            yield INSTRUMENTS_FILE, f"{key}.tier", f"{tier.tier} is already used by {earlier}"
    for key, maker, taker in rates:
        if maker > taker:
            yield INSTRUMENTS_FILE, f"{key}.maker_fee_ppm", "is greater than taker_fee_ppm"
    maker, taker = min(maker for _, maker, _ in rates), min(taker for _, _, taker in rates)
    if maker + taker < 0:
        message = (
            f"the greatest rebate ({-maker}) is more than the lowest taker fee ({taker}) of the instrument's tiers"
        )
        yield INSTRUMENTS_FILE, f"{row.key}.maker_fee_ppm", message


def schedule(row: Row[InstrumentTable]) -> Iterator[Breach]:
    """No two phases begin at the same time."""
    first: dict[str, int] = {}
    for index, entry in enumerate(row.table.schedule):
        earlier = first.setdefault(entry.time, index)
        if earlier != index:
            message = f"{entry.time} is already used by schedule[{earlier}]"
            yield INSTRUMENTS_FILE, f"{row.key}.schedule[{index}].time", message


def listings(
    rows: Sequence[Row[InstrumentTable]], assets: Sequence[Row[Asset]], declared_symbols: Collection[object]
) -> Iterator[Breach]:
    """Every instrument trades two different, known assets, and counts exactly in them."""
    by_symbol = {row.table.symbol: row.table for row in assets}
    for row in rows:
        instrument = row.table
        for field, symbol in (("base", instrument.base), ("quote", instrument.quote)):
            if symbol not in declared_symbols:
                yield INSTRUMENTS_FILE, f"{row.key}.{field}", f"there is no [[asset]] with symbol {symbol!r}"
        if instrument.base == instrument.quote:
            yield INSTRUMENTS_FILE, f"{row.key}.quote", "base and quote are the same asset"
        base, quote = by_symbol.get(instrument.base), by_symbol.get(instrument.quote)
        if base is not None and quote is not None:
            yield from listing(row, base, quote)


def batches(
    settlement: Settlement, instruments: Sequence[Row[InstrumentTable]], assets: Sequence[Row[Asset]]
) -> Iterator[Breach]:
    """A batch that is cut by notional still holds the largest single order."""
    if settlement.batch_max_notional == 0:
        return
    by_symbol = {row.table.symbol: row.table for row in assets}
    for row in instruments:
        quote = by_symbol.get(row.table.quote)
        if quote is None:
            continue
        if Fraction(row.table.notional_max) * 10**quote.decimals >= settlement.batch_max_notional:
            message = f"must be less than settlement.batch_max_notional ({settlement.batch_max_notional} units)"
            yield INSTRUMENTS_FILE, f"{row.key}.notional_max", message


def accounts(
    rows: Sequence[Row[Account]], declared_participants: Collection[object], complete: bool
) -> Iterator[Breach]:
    """Every account has an owner; one chain address stands for one account; one fee and one suspense account exist.

    `complete` is false when some account was unreadable: then a missing fee account proves nothing.
    """
    for row in rows:
        if row.table.participant not in declared_participants:
            message = f"there is no [[participant]] with id {row.table.participant}"
            yield PARTICIPANTS_FILE, f"{row.key}.participant", message
    yield from unique(PARTICIPANTS_FILE, "chain_address", rows, lambda account: account.chain_address.lower())
    for kind in ("fee", "suspense"):
        found = [row.key for row in rows if row.table.kind == kind]
        if len(found) > 1 or (complete and not found):
            message = f"exactly one account of kind {kind!r} is needed, found {', '.join(found) or 'none'}"
            yield PARTICIPANTS_FILE, "account", message


def account_bindings(rows: Sequence[Row[Account]]) -> Iterator[Breach]:
    """An account id that appears twice with different addresses is bound to two: say so, beyond "already used"."""
    bound: dict[int, tuple[str, str]] = {}
    for row in rows:
        address = row.table.chain_address.lower()
        key, earlier = bound.setdefault(row.table.id, (row.key, address))
        if earlier != address:
            both = f"{earlier or 'none'} in {key}, {address or 'none'} here"
            message = f"account {row.table.id} is bound to two addresses: {both}"
            yield PARTICIPANTS_FILE, f"{row.key}.chain_address", message


def sessions(
    rows: Sequence[Row[Session]],
    account_rows: Sequence[Row[Account]],
    declared_accounts: Collection[object],
    declared_participants: Collection[object],
) -> Iterator[Breach]:
    """A session trades client accounts of its own participant, each named once."""
    by_id = {row.table.id: row.table for row in account_rows}
    for row in rows:
        session = row.table
        if session.participant not in declared_participants:
            message = f"there is no [[participant]] with id {session.participant}"
            yield PARTICIPANTS_FILE, f"{row.key}.participant", message
        if len(set(session.accounts)) != len(session.accounts):
            yield PARTICIPANTS_FILE, f"{row.key}.accounts", "names an account twice"
        for account_id in session.accounts:
            account = by_id.get(account_id)
            if account_id not in declared_accounts:
                yield PARTICIPANTS_FILE, f"{row.key}.accounts", f"there is no [[account]] with id {account_id}"
            elif account is not None and account.participant != session.participant:
                message = (
                    f"account {account_id} belongs to participant {account.participant}, not {session.participant}"
                )
                yield PARTICIPANTS_FILE, f"{row.key}.accounts", message
            elif account is not None and account.kind != "client":
                message = f"account {account_id} is of kind {account.kind!r}; only client accounts trade"
                yield PARTICIPANTS_FILE, f"{row.key}.accounts", message


def participants(rows: Sequence[Row[Participant]]) -> Iterator[Breach]:
    """Participants are told apart by id and by name."""
    yield from unique(PARTICIPANTS_FILE, "id", rows, lambda participant: participant.id)
    yield from unique(PARTICIPANTS_FILE, "name", rows, lambda participant: participant.name)


def pairs(
    rows: Sequence[Row[RiskLimit]] | Sequence[Row[MarketMakerProtection]],
    declared_accounts: Collection[object],
    declared_instruments: Collection[object],
) -> Iterator[Breach]:
    """A table for an account in an instrument names both rightly, and there is one for each pair."""
    first: dict[tuple[int, str], str] = {}
    for row in rows:
        account, instrument = row.table.account, row.table.instrument
        if account not in declared_accounts:
            yield PARTICIPANTS_FILE, f"{row.key}.account", f"there is no [[account]] with id {account}"
        if instrument not in declared_instruments:
            message = f"there is no [[instrument]] with symbol {instrument!r}"
            yield PARTICIPANTS_FILE, f"{row.key}.instrument", message
        earlier = first.setdefault((account, instrument), row.key)
        if earlier != row.key:
            yield PARTICIPANTS_FILE, row.key, f"account {account} and {instrument!r} already have {earlier}"


def protections(rows: Sequence[Row[MarketMakerProtection]]) -> Iterator[Breach]:
    """The engine keeps the times of fills for so many pairs and no more."""
    if len(rows) > PROTECTIONS_MAX:
        message = f"{len(rows)} are more than the engine watches ({PROTECTIONS_MAX})"
        yield PARTICIPANTS_FILE, "market_maker_protection", message


def risk_limits(
    rows: Sequence[Row[RiskLimit]], instruments: Sequence[Row[InstrumentTable]], assets: Sequence[Row[Asset]]
) -> Iterator[Breach]:
    """Limits are whole lots and whole quote units of their instrument, and fit an int64."""
    by_symbol = {row.table.symbol: row.table for row in instruments}
    decimals = {row.table.symbol: row.table.decimals for row in assets}
    for row in rows:
        limit, instrument = row.table, by_symbol.get(row.table.instrument)
        if instrument is None:
            continue
        for field, value in (("max_order_quantity", limit.max_order_quantity), ("max_position", limit.max_position)):
            lots = Fraction(value) / Fraction(instrument.lot_size)
            if lots.denominator != 1:
                yield PARTICIPANTS_FILE, f"{row.key}.{field}", f"must be a multiple of lot_size of {instrument.symbol}"
            elif lots > INT64_MAX:
                yield PARTICIPANTS_FILE, f"{row.key}.{field}", "overflows int64 in lots"
        if instrument.quote not in decimals:
            continue
        units = Fraction(limit.max_order_notional) * 10 ** decimals[instrument.quote]
        if units.denominator != 1:
            message = f"must be a whole number of {instrument.quote} units (10^-{decimals[instrument.quote]})"
            yield PARTICIPANTS_FILE, f"{row.key}.max_order_notional", message
        elif units > INT64_MAX:
            yield PARTICIPANTS_FILE, f"{row.key}.max_order_notional", "overflows int64"
