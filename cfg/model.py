"""The whole configuration as frozen models, one class per TOML table.

A value that exists as a model is valid by itself; what spans tables and files is judged by `cfg/rules.py`.
Prices and quantities are decimal text in TOML and whole ticks, lots and engine units for everyone else; no float.
"""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal, Self

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from cfg.constants import (
    BATCH_LEGS_MAX,
    ENGINE_DECIMALS_MAX,
    EVENTS_AROUND_FILLS,
    EVENTS_PER_FILL,
    FEE_PPM_MAX,
    FEE_TIER_MAX,
    INT64_MAX,
    SCHEDULE_ENTRIES_MAX,
    TICK_BANDS_MAX,
)


def _amount(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,18}(\.\d{1,12})?", value):
        raise ValueError('a decimal in quotes is expected, like "0.01"')
    return Decimal(value)


def _decimal(value: object) -> Decimal:
    number = _amount(value)
    if number <= 0:
        raise ValueError("must be greater than 0")
    return number


def _time_of_day(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d", value):
        raise ValueError('a time of day in quotes is expected, like "08:30:00"')
    return value


def _integer_text(value: object) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,19}", value):
        raise ValueError('a whole number in quotes is expected, like "1000000"')
    number = int(value)
    if not 0 < number <= INT64_MAX:
        raise ValueError(f"must be between 1 and {INT64_MAX}")
    return number


def _path(value: object) -> Path:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("a path in quotes is expected")
    return Path(value)


DecimalText = Annotated[Decimal, BeforeValidator(_decimal), PlainSerializer(str)]
#: Like DecimalText, but "0" stands for "none".
AmountText = Annotated[Decimal, BeforeValidator(_amount), PlainSerializer(str)]
TimeOfDay = Annotated[str, BeforeValidator(_time_of_day)]
IntegerText = Annotated[int, BeforeValidator(_integer_text), PlainSerializer(str)]
HostPath = Annotated[Path, BeforeValidator(_path)]
Name = Annotated[str, Field(min_length=1, max_length=64)]
#: What the wire's Name holds: Account(1) must come through whole.
AccountName = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,16}$")]
CompID = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,32}$")]
Ticker = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,8}$")]
ChainAddress = Annotated[str, Field(pattern=r"^(0x[0-9a-fA-F]{40})?$")]
Endpoint = Annotated[str, Field(pattern=r"^(tcp://\S+:\d{1,5}|ipc:///\S+)$")]
HttpURL = Annotated[str, Field(pattern=r"^(https?|wss?)://\S+$")]
#: The engine indexes its tables by id, so ids stay small; 0 means "none" on the wire.
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]
CPU = Annotated[int, Field(ge=-1, le=1023)]
UserIds = tuple[Annotated[int, Field(ge=0, le=2**32 - 2)], ...]
Port = Annotated[int, Field(ge=1, le=65_535)]
FeePPM = Annotated[int, Field(ge=0, le=FEE_PPM_MAX)]
#: Below 0 it is a rebate.
MakerFeePPM = Annotated[int, Field(ge=-FEE_PPM_MAX, le=FEE_PPM_MAX)]
BandPPM = Annotated[int, Field(ge=0, le=FEE_PPM_MAX)]
#: A volatility auction is never asked for: a price band starts it.
MarketPhase = Literal["pre-open", "opening-auction", "continuous", "halt", "closing-auction", "closed"]
UnitsLimit = Annotated[int, Field(ge=0, le=INT64_MAX)]


class Table(BaseModel):
    """A TOML table: unknown keys are refused, types are not coerced, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)


class Venue(Table):
    """[venue] Who we are."""

    id: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,16}$")
    name: Name


class Paths(Table):
    """[paths] Where this host keeps its files; `load` makes them absolute."""

    state_dir: HostPath
    run_dir: HostPath
    archive_dir: str = ""


class Log(Table):
    """[log] What the daemons say on stdout."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Engine(Table):
    """[engine] CPUs, durability and the sizes of every pool."""

    hot_cpu: CPU = -1
    housekeeping_cpu: CPU = -1
    durability: Literal["sync", "interval", "none"] = "sync"
    commit_interval_us: int = Field(default=1_000, ge=50, le=1_000_000)
    max_commit_age_ms: int = Field(default=1_000, ge=10, le=60_000)
    segment_bytes: int = Field(default=67_108_864, ge=1_048_576, le=4_294_967_296, multiple_of=4096)
    spin_us: int = Field(default=30, ge=20, le=50)
    resume_after_recovery: Literal["manual", "automatic"] = "manual"
    max_orders: int = Field(default=262_144, ge=16, le=16_777_216)
    max_accounts: int = Field(default=4_096, ge=4, le=1_048_576)
    max_assets: int = Field(default=64, ge=3, le=4_096)
    max_instruments: int = Field(default=256, ge=2, le=65_535)
    max_sessions: int = Field(default=256, ge=2, le=65_535)
    max_price_pages: int = Field(default=65_536, ge=16, le=4_194_304)
    max_clordids: int = Field(default=1_048_576, ge=16, le=67_108_864)
    max_open_orders_per_session: int = Field(default=10_000, ge=1, le=16_777_216)
    max_open_orders_per_account: int = Field(default=0, ge=0, le=16_777_216)
    max_bustable_trades: int = Field(default=65_536, ge=1, le=16_777_216)
    max_fills_per_command: int = Field(default=256, ge=1, le=4_096)
    max_events_per_part: int = Field(default=1_024, ge=19, le=16_384)
    max_clock_jump_ms: int = Field(default=5_000, ge=100, le=3_600_000)
    peer_uids: UserIds = Field(default=(), strict=False)
    gateway_uids: UserIds = Field(default=(), strict=False)
    settlement_uids: UserIds = Field(default=(), strict=False)
    admin_uids: UserIds = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _relations(self) -> Self:
        if self.durability == "interval" and self.max_commit_age_ms * 1_000 < 2 * self.commit_interval_us:
            raise ValueError("max_commit_age_ms must be at least twice commit_interval_us")
        if self.hot_cpu >= 0 and self.hot_cpu == self.housekeeping_cpu:
            raise ValueError("housekeeping_cpu must differ from hot_cpu: the hot thread shares its core with nobody")
        events = EVENTS_PER_FILL * self.max_fills_per_command + EVENTS_AROUND_FILLS
        if self.max_events_per_part < events:
            raise ValueError(f"max_events_per_part must be at least {events} for this max_fills_per_command")
        if self.max_open_orders_per_session > self.max_orders:
            raise ValueError("max_open_orders_per_session is greater than max_orders")
        if self.max_open_orders_per_account > self.max_orders:
            raise ValueError("max_open_orders_per_account is greater than max_orders")
        if self.max_price_pages > 2 * self.max_orders:
            raise ValueError("max_price_pages is more than two per order: no book can use them")
        return self


class Follower(Table):
    """[follower] The engine's journal verified live, and snapshots of it."""

    cpu: CPU = -1
    poll_ms: int = Field(default=20, ge=1, le=1_000)
    snapshot_every_commands: int = Field(default=1_000_000, ge=4_096, le=INT64_MAX)
    snapshot_every_s: int = Field(default=900, ge=1, le=86_400)


class FixGateway(Table):
    """[fixgw] The FIX door."""

    id: Annotated[int, Field(ge=1, le=255)] = 1
    bind: str = Field(default="127.0.0.1", pattern=r"^[0-9a-zA-Z.:_-]{1,253}$")
    port: Port = 9878
    comp_id: CompID = "VENUE"
    session_engine: Literal["quickfix"] = "quickfix"
    heartbeat_min_s: int = Field(default=1, ge=1, le=3_600)
    heartbeat_max_s: int = Field(default=120, ge=1, le=3_600)
    max_pending_commands: int = Field(default=4_096, ge=1, le=1_048_576)
    engine_timeout_ms: int = Field(default=3_000, ge=100, le=60_000)

    @model_validator(mode="after")
    def _relations(self) -> Self:
        if self.heartbeat_min_s > self.heartbeat_max_s:
            raise ValueError("heartbeat_min_s is greater than heartbeat_max_s")
        return self


class MarketData(Table):
    """[mdfeed] The public feed."""

    channel_id: Annotated[int, Field(ge=1, le=65_535)] = 1
    publish: tuple[Endpoint, ...] = Field(default=("tcp://127.0.0.1:9900",), strict=False)
    snapshot: Endpoint = "tcp://127.0.0.1:9901"
    heartbeat_ms: int = Field(default=1_000, ge=10, le=60_000)
    snapshot_rate_per_s: int = Field(default=50, ge=1, le=100_000)
    replay_max_packets: int = Field(default=10_000, ge=1, le=1_000_000)


class Settlement(Table):
    """[settlement] Ledger, batches and the chain."""

    database_url: str = ""
    rpc_urls: tuple[HttpURL, ...] = Field(default=("http://127.0.0.1:8545",), strict=False, min_length=1)
    chain_id: int = Field(default=31_337, ge=1, le=INT64_MAX)
    vault_address: ChainAddress = ""
    operator_key_file: str = ""
    finality: Literal["finalized", "depth"] = "finalized"
    finality_depth: int = Field(default=12, ge=1, le=10_000)
    batch_max_legs: int = Field(default=500, ge=4, le=BATCH_LEGS_MAX)
    batch_max_age_ms: int = Field(default=2_000, ge=10, le=3_600_000)
    batch_max_notional: UnitsLimit = 0
    poll_ms: int = Field(default=250, ge=10, le=60_000)
    max_fee_per_gas_gwei: int = Field(default=200, ge=1, le=1_000_000)
    priority_fee_gwei: int = Field(default=1, ge=0, le=1_000_000)
    fee_bump_percent: int = Field(default=25, ge=10, le=1_000)
    checkpoint_interval_ms: int = Field(default=10_000, ge=100, le=3_600_000)

    @model_validator(mode="after")
    def _relations(self) -> Self:
        if self.priority_fee_gwei > self.max_fee_per_gas_gwei:
            raise ValueError("priority_fee_gwei is greater than max_fee_per_gas_gwei")
        return self


class Asset(Table):
    """[[asset]] What accounts hold; the engine counts it in units of 10^-decimals."""

    id: Id
    symbol: Ticker
    decimals: int = Field(ge=0, le=ENGINE_DECIMALS_MAX)
    token_address: ChainAddress = ""
    token_decimals: int = Field(ge=0, le=36)
    batch_gross_limit: IntegerText

    @model_validator(mode="after")
    def _relations(self) -> Self:
        if self.token_decimals < self.decimals:
            raise ValueError(f"token_decimals must be at least decimals ({self.decimals}): the token cannot be coarser")
        return self

    @property
    def token_scale(self) -> int:
        """Token units per engine unit: the exact factor between the engine's ledger and the chain."""
        return int(10 ** (self.token_decimals - self.decimals))


class TickBand(Table):
    """[[instrument.tick_band]] Coarser steps from a price upwards."""

    from_price: DecimalText
    tick: DecimalText
    lot: DecimalText


class FeeTier(Table):
    """[[instrument.fee_tier]] Rates of the accounts of one tier."""

    tier: int = Field(ge=1, le=FEE_TIER_MAX)
    maker_fee_ppm: MakerFeePPM
    taker_fee_ppm: FeePPM


class ScheduleEntry(Table):
    """[[instrument.schedule]] A phase that begins by itself every day."""

    time: TimeOfDay
    phase: MarketPhase

    @property
    def second_of_day(self) -> int:
        """Seconds after midnight UTC."""
        hours, minutes, seconds = (int(part) for part in self.time.split(":"))
        return (hours * 60 + minutes) * 60 + seconds


class InstrumentTable(Table):
    """[[instrument]] as written, before its assets are known."""

    id: Id
    symbol: str = Field(pattern=r"^[A-Z0-9][A-Z0-9./-]{0,15}$")
    base: Ticker
    quote: Ticker
    tick_size: DecimalText
    lot_size: DecimalText
    price_min: DecimalText
    price_max: DecimalText
    quantity_max: DecimalText
    notional_max: DecimalText
    quantity_min: AmountText = Decimal(0)
    notional_min: AmountText = Decimal(0)
    protection_ticks: int = Field(ge=1, le=INT64_MAX)
    maker_fee_ppm: MakerFeePPM
    taker_fee_ppm: FeePPM
    static_band_ppm: BandPPM = 0
    dynamic_band_ppm: BandPPM = 0
    volatility_auction_ms: int = Field(default=0, ge=0, le=86_400_000)
    initial_phase: MarketPhase = "continuous"
    tick_band: tuple[TickBand, ...] = Field(default=(), strict=False, max_length=TICK_BANDS_MAX)
    fee_tier: tuple[FeeTier, ...] = Field(default=(), strict=False, max_length=FEE_TIER_MAX)
    schedule: tuple[ScheduleEntry, ...] = Field(default=(), strict=False, max_length=SCHEDULE_ENTRIES_MAX)


def _whole(value: Fraction) -> int:
    assert value.denominator == 1, f"{value} is not whole: cfg/rules.py let it pass"
    return int(value)


class Instrument(InstrumentTable):
    """[[instrument]] with its assets: every derived value is a whole number, asserted when it is read."""

    base_asset: Asset = Field(exclude=True, repr=False)
    quote_asset: Asset = Field(exclude=True, repr=False)

    @property
    def tick_units(self) -> int:
        """Quote engine units of one tick times one lot: notional_units = price_ticks * quantity_lots * tick_units."""
        return _whole(Fraction(self.tick_size) * Fraction(self.lot_size) * 10**self.quote_asset.decimals)

    @property
    def lot_units(self) -> int:
        """Base engine units of one lot."""
        return _whole(Fraction(self.lot_size) * 10**self.base_asset.decimals)

    def ticks(self, price: Decimal) -> int:
        """A price of the configuration in ticks."""
        return _whole(Fraction(price) / Fraction(self.tick_size))

    def lots(self, quantity: Decimal) -> int:
        """A quantity of the configuration in lots."""
        return _whole(Fraction(quantity) / Fraction(self.lot_size))

    def quote_units(self, amount: Decimal) -> int:
        """An amount of the configuration, in the quote asset, in engine units."""
        return _whole(Fraction(amount) * 10**self.quote_asset.decimals)

    @property
    def price_min_ticks(self) -> int:
        """Lowest price an order may carry."""
        return self.ticks(self.price_min)

    @property
    def price_max_ticks(self) -> int:
        """Highest price an order may carry."""
        return self.ticks(self.price_max)

    @property
    def quantity_max_lots(self) -> int:
        """Largest quantity of one order."""
        return self.lots(self.quantity_max)

    @property
    def quantity_min_lots(self) -> int:
        """Smallest quantity of one order; 0 is none."""
        return self.lots(self.quantity_min)

    @property
    def notional_max_units(self) -> int:
        """Largest notional of one order, in quote engine units."""
        return self.quote_units(self.notional_max)

    @property
    def notional_min_units(self) -> int:
        """Smallest notional of one order, in quote engine units; 0 is none."""
        return self.quote_units(self.notional_min)


class Participant(Table):
    """[[participant]] An institution."""

    id: Id
    name: Name


class Account(Table):
    """[[account]] Whose balances the engine keeps."""

    id: Id
    participant: Id
    name: AccountName
    kind: Literal["client", "fee", "suspense", "lender"]
    chain_address: ChainAddress = ""
    stp_key: int = Field(default=0, ge=0, le=2**32 - 1)
    stp_mode: Literal["none", "cancel-newest", "cancel-oldest", "cancel-both", "decrement"] = "none"
    fee_tier: int = Field(default=0, ge=0, le=FEE_TIER_MAX)

    @model_validator(mode="after")
    def _relations(self) -> Self:
        if self.stp_mode != "none" and self.stp_key == 0:
            raise ValueError("stp_mode has no effect without an stp_key")
        return self


class Session(Table):
    """[[session]] A FIX login; the first of its accounts is the default."""

    id: Id
    comp_id: CompID
    participant: Id
    accounts: tuple[Id, ...] = Field(strict=False, min_length=1)
    password_hash: str = Field(
        pattern=r"^\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+$", repr=False
    )


class RiskLimit(Table):
    """[[risk_limit]] What one account may do in one instrument; 0 is no limit."""

    account: Id
    instrument: str
    max_order_quantity: AmountText = Decimal(0)
    max_order_notional: AmountText = Decimal(0)
    max_position: AmountText = Decimal(0)
    max_distance_ppm: int = Field(default=0, ge=0, le=10_000_000)

    @model_validator(mode="after")
    def _relations(self) -> Self:
        if not (self.max_order_quantity or self.max_order_notional or self.max_position or self.max_distance_ppm):
            raise ValueError("limits nothing: give at least one limit, or remove the table")
        return self


class MarketMakerProtection(Table):
    """[[market_maker_protection]] When an account's quotes in one instrument are pulled."""

    account: Id
    instrument: str
    max_fills: int = Field(ge=1, le=64)
    window_ms: int = Field(ge=1, le=3_600_000)


class VenueConfig(Table):
    """Everything in the three files; built by `cfg.load.load` only."""

    venue: Venue
    paths: Paths = Field(exclude=True)
    log: Log
    engine: Engine
    follower: Follower
    fixgw: FixGateway
    mdfeed: MarketData
    settlement: Settlement
    assets: tuple[Asset, ...]
    instruments: tuple[Instrument, ...]
    participants: tuple[Participant, ...]
    accounts: tuple[Account, ...]
    sessions: tuple[Session, ...]
    risk_limits: tuple[RiskLimit, ...]
    protections: tuple[MarketMakerProtection, ...]

    @property
    def sha256(self) -> str:
        """Digest of what the venue is: every value but [paths] and operator_key_file, which are the host's affair."""
        values = self.model_dump(mode="json", exclude={"settlement": {"operator_key_file"}})
        return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()

    @property
    def fee_account(self) -> Account:
        """The account that collects fees; the rules guarantee exactly one."""
        return next(account for account in self.accounts if account.kind == "fee")

    @property
    def suspense_account(self) -> Account:
        """The account that holds deposits of unknown depositors; the rules guarantee exactly one."""
        return next(account for account in self.accounts if account.kind == "suspense")

    def asset(self, symbol: str) -> Asset:
        """The asset of that symbol; KeyError if there is none."""
        for asset in self.assets:
            if asset.symbol == symbol:
                return asset
        raise KeyError(symbol)

    def instrument(self, symbol: str) -> Instrument:
        """The instrument of that symbol; KeyError if there is none."""
        for instrument in self.instruments:
            if instrument.symbol == symbol:
                return instrument
        raise KeyError(symbol)
