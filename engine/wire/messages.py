"""Generated from engine/wire/core.xml by engine/wire/generate.py: one NamedTuple per SBE message. Do not edit.

encode() gives the SBE header, the block and the varData, unpadded; decode() skips by blockLength, so a newer
writer's longer block still reads.
Text fields are bytes without their NUL padding; enums arrive as plain ints."""

# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from struct import error as StructError
from typing import ClassVar, NamedTuple

SCHEMA_ID = 71
SCHEMA_VERSION = 2
DATA_MAX = 512
HEADER = Struct("<HHHH")
DATA_LENGTH = Struct("<H")


class Role(IntEnum):
    """The endpoint a command came in by; the engine accepts only that role's templates there."""

    INTERNAL = 0
    GATEWAY = 1
    SETTLEMENT = 2
    ADMIN = 3
    READER = 4
    FEED = 5


class Side(IntEnum):
    """FIX tag 54."""

    BUY = 1
    SELL = 2


class OrderType(IntEnum):
    """FIX tag 40."""

    MARKET = 1
    LIMIT = 2
    STOP = 3  # becomes an IOC order at its protection price when triggered
    STOP_LIMIT = 4
    MARKET_TO_LIMIT = 5  # takes the best opposite price as its limit (FIX 40=K)


class TimeInForce(IntEnum):
    """FIX tag 59 (Day is 0 there)."""

    DAY = 1
    GOOD_TILL_CANCEL = 2
    IMMEDIATE_OR_CANCEL = 3
    FILL_OR_KILL = 4
    GOOD_TILL_DATE = 5
    AT_THE_OPENING = 6  # takes part in the opening auction only
    AT_THE_CLOSE = 7  # takes part in the closing auction only


class AccountKind(IntEnum):
    """What an account is for; exactly one is Fee."""

    CLIENT = 1
    FEE = 2
    SUSPENSE = 3
    LENDER = 4


class TradingState(IntEnum):
    """Ordered by severity: the stricter of venue and instrument applies."""

    OPEN = 1
    CANCEL_ONLY = 2
    HALTED = 3
    CLOSED = 4


class SettlementState(IntEnum):
    """Life of a settlement batch on chain."""

    CUT = 1
    SENT = 2
    MINED = 3
    FINAL = 4


class OrderStatus(IntEnum):
    """Status of the order a request named, as the engine knows it."""

    UNKNOWN = 0
    OPEN = 1
    CLOSED = 2


class RequestKind(IntEnum):
    """Which request a CancelRejected answers (FIX tag 434)."""

    CANCEL = 1
    REPLACE = 2
    MASS_CANCEL = 3


class Phase(IntEnum):
    """Market phase of one instrument."""

    PRE_OPEN = 1
    OPENING_AUCTION = 2
    CONTINUOUS = 3
    HALT = 4
    CLOSING_AUCTION = 5
    CLOSED = 6
    VOLATILITY_AUCTION = 7


class PhaseCause(IntEnum):
    """Why the phase changed."""

    OPERATOR = 1
    SCHEDULE = 2
    PRICE_BAND = 3
    AUCTION_END = 4


class SelfTradePrevention(IntEnum):
    """What happens when two orders of one stp_key would trade; the taker's mode wins."""

    NONE = 0
    CANCEL_NEWEST = 1
    CANCEL_OLDEST = 2
    CANCEL_BOTH = 3
    DECREMENT = 4


class StopTrigger(IntEnum):
    """Which price triggers a stop order."""

    LAST_TRADE = 1
    REFERENCE_PRICE = 2


class KillScope(IntEnum):
    """Whom a kill switch blocks."""

    ACCOUNT = 1
    SESSION = 2
    PARTICIPANT = 3
    VENUE = 4


class Reason(IntEnum):
    """Why something was refused, canceled or expired; fixgw maps it to FIX, one table."""

    NONE = 0
    DUPLICATE_CL_ORD_ID = 1  # this session used the ClOrdID earlier in the trading day
    POSS_RESEND_DUPLICATE = 2  # PossResend order whose ClOrdID was already taken: the earlier verdict stands
    CL_ORD_ID_TABLE_FULL = 3  # max_clordids of the trading day reached
    UNKNOWN_INSTRUMENT = 4
    UNKNOWN_ACCOUNT = 5
    ACCOUNT_NOT_PERMITTED = 6  # the account belongs to another participant than the session
    ACCOUNT_DISABLED = 7
    MARKET_NOT_OPEN = 8  # venue or instrument is not Open; cancels still work
    INVALID_SIDE = 9
    INVALID_ORDER_TYPE = 10
    INVALID_TIME_IN_FORCE = 11
    INVALID_QUANTITY = 12  # quantity below 1 lot or above quantity_max_lots
    PRICE_OUT_OF_RANGE = 13  # price outside price_min_ticks..price_max_ticks
    NO_LIQUIDITY = 14  # market order with an empty opposite side: no price to protect it with
    NOTIONAL_TOO_LARGE = 15  # price x quantity above notional_max_units
    TOO_MANY_OPEN_ORDERS = 16  # max_open_orders_per_session reached
    ORDER_POOL_FULL = 17  # max_orders reached
    BOOK_FULL = 18  # max_price_pages reached
    INSUFFICIENT_FUNDS = 19  # available balance does not cover the reservation
    UNKNOWN_ORDER = 20  # no order of this session has that OrderID or OrigClOrdID
    TOO_LATE_TO_CANCEL = 21  # the order is already filled, canceled or expired
    ORDER_MISMATCH = 22  # instrument or side differs from the order's
    INVALID_CL_ORD_ID = 23  # empty, or holds bytes outside printable ASCII
    CANCELED_BY_CLIENT = 40  # the client asked
    CANCELED_IMMEDIATE_OR_CANCEL = 41  # remainder of an IOC or market order
    CANCELED_FILL_OR_KILL = 42  # FOK could not be filled in full
    CANCELED_MAX_FILLS = 43  # max_fills_per_command reached: the remainder is canceled
    EXPIRED_END_OF_DAY = 44  # DAY order at the end of the trading day
    MALFORMED = 60  # frame or message cut short, wrong schema, size or field value
    WRONG_ROLE = 61  # template not allowed on this endpoint
    UNKNOWN_SESSION = 62
    SESSION_DISABLED = 63
    NOT_ATTACHED = 64  # no SessionAttach for this session yet
    STALE_GENERATION = 65  # a newer SessionAttach exists: this gateway is fenced off
    WRONG_EPOCH = 66  # session epoch differs from the current one
    OUT_OF_SEQUENCE = 67  # settlement or admin sequence is not last + 1
    UNKNOWN_ASSET = 68
    INVALID_AMOUNT = 69  # amount not positive, or the asset total would not fit 63 bits
    INVALID_REFERENCE = 70  # reference data inconsistent (id out of range, changed scale, missing asset, ...)
    CAPACITY_EXCEEDED = 71  # a limit asks for more than this host's pools hold
    INVALID_STATE = 72
    OVERLOADED = 73  # intake refused: ring full
    KILL_SWITCH = 24  # a kill switch is engaged for session, account, participant or venue
    MARKET_MAKER_PROTECTION = 25  # the protection of account and instrument has tripped and is not reset yet
    PHASE_NOT_ALLOWED = 26  # the order type or time in force has no place in the present phase
    PRICE_NOT_ON_TICK = 27  # not a multiple of the tick at that price
    QUANTITY_NOT_ON_LOT = 28  # not a multiple of the lot at that price
    QUANTITY_TOO_SMALL = 29  # below quantity_min_lots
    NOTIONAL_TOO_SMALL = 30  # price x quantity below notional_min_units
    PRICE_TOO_FAR = 31  # further from the reference price than the account may go
    ORDER_QUANTITY_LIMIT = 32  # above the max_order_lots of account and instrument
    ORDER_NOTIONAL_LIMIT = 33  # above the max_order_notional_units of account and instrument
    POSITION_LIMIT = 34  # position with all open orders would pass max_position_lots
    TOO_MANY_OPEN_ORDERS_OF_ACCOUNT = 35  # max_open_orders_per_account reached
    POST_ONLY_WOULD_TRADE = 36
    INVALID_STOP_PRICE = 37  # missing, off tick, out of range, or would trigger at once
    INVALID_DISPLAY_QUANTITY = 38  # negative, not on the lot, or on an order that can not rest
    INVALID_MIN_QUANTITY = 39  # negative, above the quantity, or on an order that does not trade at entry
    EXPIRED_GOOD_TILL_DATE = 45  # GTD order at its expire time
    CANCELED_MIN_QUANTITY = 46  # less than MinQty could trade at entry
    CANCELED_SELF_TRADE = 47  # self-trade prevention
    CANCELED_MARKET_MAKER_PROTECTION = 48  # the protection tripped
    CANCELED_KILL_SWITCH = 49
    CANCELED_MASS_CANCEL = 50  # the client asked for a mass cancel
    CANCELED_AUCTION_ONLY = 51  # at-the-open or at-the-close order after its auction
    CANCELED_PRICE_BAND = 52  # a price band stopped trading and the order can not rest
    INVALID_EXPIRY = 53  # GTD without a future expire time, or an expire time without GTD
    NO_REFERENCE_PRICE = 54  # a market order in an auction needs a reference price
    CANCELED_BY_OPERATOR = 55
    INVALID_SELF_TRADE_PREVENTION = 56  # mode out of range
    UNKNOWN_TRADE = 74  # no such trade, or it is too old to be busted
    ALREADY_BUSTED = 75
    CANNOT_COVER = 76  # a side or the fee account can not give back what it got, and no guarantor can


class _HelloFields(NamedTuple):
    role: int
    diverged: int
    last_epoch: int
    from_sequence: int
    consumer: bytes


class Hello(_HelloFields):
    """Template 1, block of 32 bytes: consumer to events socket: send me live events; last_epoch is the epoch of event from_sequence - 1 as the consumer saw it (0: none). In durability interval and none Gateway and Feed get events before they are durable, all others never do."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 1
    BLOCK_LENGTH: ClassVar[int] = 32

    def encode(self) -> bytes:
        """The SBE message."""
        return _HELLO.pack(32, 1, 71, 2, self.role, self.diverged, self.last_epoch, self.from_sequence, self.consumer)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> Hello:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, role, diverged, last_epoch, from_sequence, consumer) = _HELLO.unpack_from(buffer, offset)
        return cls(role, diverged, last_epoch, from_sequence, consumer.rstrip(b"\0"))


_HELLO = Struct("<HHHHBB2xIQ16s")


class _HelloAckFields(NamedTuple):
    epoch: int
    diverged: int
    live_sequence: int
    first_sequence: int


class HelloAck(_HelloAckFields):
    """Template 2, block of 24 bytes: live events start at live_sequence; fetch [from_sequence, live_sequence) by ReplayRequest. diverged: the consumer saw events this engine never made durable; it must drop its state."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 2
    BLOCK_LENGTH: ClassVar[int] = 24

    def encode(self) -> bytes:
        """The SBE message."""
        return _HELLO_ACK.pack(24, 2, 71, 2, self.epoch, self.diverged, self.live_sequence, self.first_sequence)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> HelloAck:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, epoch, diverged, live_sequence, first_sequence) = _HELLO_ACK.unpack_from(buffer, offset)
        return cls(epoch, diverged, live_sequence, first_sequence)


_HELLO_ACK = Struct("<HHHHIB3xQQ")


class _HeartbeatFields(NamedTuple):
    epoch: int
    next_sequence: int
    time_ns: int


class Heartbeat(_HeartbeatFields):
    """Template 3, block of 24 bytes: publisher to consumer when idle; next_sequence is the next event to come."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 3
    BLOCK_LENGTH: ClassVar[int] = 24

    def encode(self) -> bytes:
        """The SBE message."""
        return _HEARTBEAT.pack(24, 3, 71, 2, self.epoch, self.next_sequence, self.time_ns)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> Heartbeat:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, epoch, next_sequence, time_ns) = _HEARTBEAT.unpack_from(buffer, offset)
        return cls(epoch, next_sequence, time_ns)


_HEARTBEAT = Struct("<HHHHI4xQQ")


class _GapFields(NamedTuple):
    session: int
    session_epoch: int
    client_seq: int
    last_client_seq: int


class Gap(_GapFields):
    """Template 4, block of 24 bytes: command not applied: its prev_client_seq is not the last applied one."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 4
    BLOCK_LENGTH: ClassVar[int] = 24

    def encode(self) -> bytes:
        """The SBE message."""
        return _GAP.pack(24, 4, 71, 2, self.session, self.session_epoch, self.client_seq, self.last_client_seq)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> Gap:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, session, session_epoch, client_seq, last_client_seq) = _GAP.unpack_from(buffer, offset)
        return cls(session, session_epoch, client_seq, last_client_seq)


_GAP = Struct("<HHHHIIQQ")


class _RefusedFields(NamedTuple):
    reason: int
    template_id: int
    session: int
    client_seq: int


class Refused(_RefusedFields):
    """Template 5, block of 16 bytes: command not applied and not journaled."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 5
    BLOCK_LENGTH: ClassVar[int] = 16

    def encode(self) -> bytes:
        """The SBE message."""
        return _REFUSED.pack(16, 5, 71, 2, self.reason, self.template_id, self.session, self.client_seq)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> Refused:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, reason, template_id, session, client_seq) = _REFUSED.unpack_from(buffer, offset)
        return cls(reason, template_id, session, client_seq)


_REFUSED = Struct("<HHHHHHIQ")


class _CutOffFields(NamedTuple):
    epoch: int
    next_sequence: int


class CutOff(_CutOffFields):
    """Template 6, block of 16 bytes: publisher to slow consumer: you are cut off; catch up from the replay socket and send Hello again."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 6
    BLOCK_LENGTH: ClassVar[int] = 16

    def encode(self) -> bytes:
        """The SBE message."""
        return _CUT_OFF.pack(16, 6, 71, 2, self.epoch, self.next_sequence)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> CutOff:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, epoch, next_sequence) = _CUT_OFF.unpack_from(buffer, offset)
        return cls(epoch, next_sequence)


_CUT_OFF = Struct("<HHHHI4xQ")


class _ReplayRequestFields(NamedTuple):
    from_sequence: int
    last_epoch: int
    max_bytes: int


class ReplayRequest(_ReplayRequestFields):
    """Template 7, block of 16 bytes: answered by one Replay frame (possibly empty) whose first event is from_sequence, or by a HelloAck with diverged = 1 when event from_sequence - 1 is not of last_epoch (0: not checked)."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 7
    BLOCK_LENGTH: ClassVar[int] = 16

    def encode(self) -> bytes:
        """The SBE message."""
        return _REPLAY_REQUEST.pack(16, 7, 71, 2, self.from_sequence, self.last_epoch, self.max_bytes)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> ReplayRequest:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, from_sequence, last_epoch, max_bytes) = _REPLAY_REQUEST.unpack_from(buffer, offset)
        return cls(from_sequence, last_epoch, max_bytes)


_REPLAY_REQUEST = Struct("<HHHHQII")


class _EpochStartFields(NamedTuple):
    epoch: int
    rules_version: int
    unclean: int
    venue: bytes
    cfg_sha256: bytes


class EpochStart(_EpochStartFields):
    """Template 10, block of 64 bytes: first command of every engine start; unclean makes the venue CancelOnly until an operator resumes it."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 10
    BLOCK_LENGTH: ClassVar[int] = 64

    def encode(self) -> bytes:
        """The SBE message."""
        return _EPOCH_START.pack(64, 10, 71, 2, self.epoch, self.rules_version, self.unclean, self.venue, self.cfg_sha256)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> EpochStart:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, epoch, rules_version, unclean, venue, cfg_sha256) = _EPOCH_START.unpack_from(buffer, offset)
        return cls(epoch, rules_version, unclean, venue.rstrip(b"\0"), cfg_sha256)


_EPOCH_START = Struct("<HHHHIIB7x16s32s")


class _LimitsSetFields(NamedTuple):
    max_orders: int
    max_price_pages: int
    max_open_orders_per_session: int
    max_clordids: int
    max_fills_per_command: int
    max_events_per_part: int
    max_open_orders_per_account: int = 0
    max_bustable_trades: int = 0


class LimitsSet(_LimitsSetFields):
    """Template 11, block of 32 bytes: limits that can cause a reject."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 11
    BLOCK_LENGTH: ClassVar[int] = 32

    def encode(self) -> bytes:
        """The SBE message."""
        return _LIMITS_SET.pack(32, 11, 71, 2, self.max_orders, self.max_price_pages, self.max_open_orders_per_session, self.max_clordids, self.max_fills_per_command, self.max_events_per_part, self.max_open_orders_per_account, self.max_bustable_trades)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> LimitsSet:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, max_orders, max_price_pages, max_open_orders_per_session, max_clordids, max_fills_per_command, max_events_per_part, max_open_orders_per_account, max_bustable_trades) = _LIMITS_SET.unpack_from(buffer, offset)
        return cls(max_orders, max_price_pages, max_open_orders_per_session, max_clordids, max_fills_per_command, max_events_per_part, max_open_orders_per_account, max_bustable_trades)


_LIMITS_SET = Struct("<HHHHIIIIIIII")


class _AssetSetFields(NamedTuple):
    asset: int
    decimals: int
    symbol: bytes


class AssetSet(_AssetSetFields):
    """Template 12, block of 16 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 12
    BLOCK_LENGTH: ClassVar[int] = 16

    def encode(self) -> bytes:
        """The SBE message."""
        return _ASSET_SET.pack(16, 12, 71, 2, self.asset, self.decimals, self.symbol)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> AssetSet:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, asset, decimals, symbol) = _ASSET_SET.unpack_from(buffer, offset)
        return cls(asset, decimals, symbol.rstrip(b"\0"))


_ASSET_SET = Struct("<HHHHIB3x8s")


class _InstrumentSetFields(NamedTuple):
    instrument: int
    base: int
    quote: int
    tick_units: int
    lot_units: int
    price_min_ticks: int
    price_max_ticks: int
    quantity_max_lots: int
    notional_max_units: int
    protection_ticks: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    tick_exponent: int
    lot_exponent: int
    tick_mantissa: int
    lot_mantissa: int
    symbol: bytes
    quantity_min_lots: int = 0
    notional_min_units: int = 0
    static_band_ppm: int = 0
    dynamic_band_ppm: int = 0
    volatility_auction_ms: int = 0
    initial_phase: int = 0


class InstrumentSet(_InstrumentSetFields):
    """Template 13, block of 152 bytes: notional_units = price_ticks x quantity_lots x tick_units; base units = lots x lot_units; tick size = tick_mantissa x 10^-tick_exponent."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 13
    BLOCK_LENGTH: ClassVar[int] = 152

    def encode(self) -> bytes:
        """The SBE message."""
        return _INSTRUMENT_SET.pack(152, 13, 71, 2, self.instrument, self.base, self.quote, self.tick_units, self.lot_units, self.price_min_ticks, self.price_max_ticks, self.quantity_max_lots, self.notional_max_units, self.protection_ticks, self.maker_fee_ppm, self.taker_fee_ppm, self.tick_exponent, self.lot_exponent, self.tick_mantissa, self.lot_mantissa, self.symbol, self.quantity_min_lots, self.notional_min_units, self.static_band_ppm, self.dynamic_band_ppm, self.volatility_auction_ms, self.initial_phase)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> InstrumentSet:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, base, quote, tick_units, lot_units, price_min_ticks, price_max_ticks, quantity_max_lots, notional_max_units, protection_ticks, maker_fee_ppm, taker_fee_ppm, tick_exponent, lot_exponent, tick_mantissa, lot_mantissa, symbol, quantity_min_lots, notional_min_units, static_band_ppm, dynamic_band_ppm, volatility_auction_ms, initial_phase) = _INSTRUMENT_SET.unpack_from(buffer, offset)
        return cls(instrument, base, quote, tick_units, lot_units, price_min_ticks, price_max_ticks, quantity_max_lots, notional_max_units, protection_ticks, maker_fee_ppm, taker_fee_ppm, tick_exponent, lot_exponent, tick_mantissa, lot_mantissa, symbol.rstrip(b"\0"), quantity_min_lots, notional_min_units, static_band_ppm, dynamic_band_ppm, volatility_auction_ms, initial_phase)


_INSTRUMENT_SET = Struct("<HHHHIII4xqqqqqqqiiBB6xqq16sqqIIIB3x")


class _AccountSetFields(NamedTuple):
    account: int
    participant: int
    kind: int
    enabled: int
    name: bytes
    stp_key: int = 0
    stp_mode: int = 0
    fee_tier: int = 0


class AccountSet(_AccountSetFields):
    """Template 14, block of 40 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 14
    BLOCK_LENGTH: ClassVar[int] = 40

    def encode(self) -> bytes:
        """The SBE message."""
        return _ACCOUNT_SET.pack(40, 14, 71, 2, self.account, self.participant, self.kind, self.enabled, self.name, self.stp_key, self.stp_mode, self.fee_tier)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> AccountSet:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, account, participant, kind, enabled, name, stp_key, stp_mode, fee_tier) = _ACCOUNT_SET.unpack_from(buffer, offset)
        return cls(account, participant, kind, enabled, name.rstrip(b"\0"), stp_key, stp_mode, fee_tier)


_ACCOUNT_SET = Struct("<HHHHIIBB6x16sIBB2x")


class _SessionSetFields(NamedTuple):
    session: int
    participant: int
    enabled: int
    comp_id: bytes


class SessionSet(_SessionSetFields):
    """Template 15, block of 48 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 15
    BLOCK_LENGTH: ClassVar[int] = 48

    def encode(self) -> bytes:
        """The SBE message."""
        return _SESSION_SET.pack(48, 15, 71, 2, self.session, self.participant, self.enabled, self.comp_id)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> SessionSet:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, session, participant, enabled, comp_id) = _SESSION_SET.unpack_from(buffer, offset)
        return cls(session, participant, enabled, comp_id.rstrip(b"\0"))


_SESSION_SET = Struct("<HHHHIIB7x32s")


class _CreditFields(NamedTuple):
    account: int
    asset: int
    amount_units: int
    deposit_seq: int
    block_number: int
    transaction_hash: bytes


class Credit(_CreditFields):
    """Template 16, block of 64 bytes: settlement: a final deposit; deposit_seq must be last + 1."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 16
    BLOCK_LENGTH: ClassVar[int] = 64

    def encode(self) -> bytes:
        """The SBE message."""
        return _CREDIT.pack(64, 16, 71, 2, self.account, self.asset, self.amount_units, self.deposit_seq, self.block_number, self.transaction_hash)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> Credit:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, account, asset, amount_units, deposit_seq, block_number, transaction_hash) = _CREDIT.unpack_from(buffer, offset)
        return cls(account, asset, amount_units, deposit_seq, block_number, transaction_hash)


_CREDIT = Struct("<HHHHIIqQQ32s")


class _TradingStateSetFields(NamedTuple):
    instrument: int
    state: int
    operator: bytes
    reason_text: bytes


class TradingStateSet(_TradingStateSetFields):
    """Template 17, block of 72 bytes: admin: instrument 0 is the whole venue."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 17
    BLOCK_LENGTH: ClassVar[int] = 72

    def encode(self) -> bytes:
        """The SBE message."""
        return _TRADING_STATE_SET.pack(72, 17, 71, 2, self.instrument, self.state, self.operator, self.reason_text)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> TradingStateSet:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, state, operator, reason_text) = _TRADING_STATE_SET.unpack_from(buffer, offset)
        return cls(instrument, state, operator.rstrip(b"\0"), reason_text.rstrip(b"\0"))


_TRADING_STATE_SET = Struct("<HHHHIB3x16s48s")


class _EndOfDayFields(NamedTuple):
    day: int
    operator: bytes


class EndOfDay(_EndOfDayFields):
    """Template 18, block of 24 bytes: admin: DAY orders expire, ClOrdIDs may be used again; day is yyyymmdd and must grow."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 18
    BLOCK_LENGTH: ClassVar[int] = 24

    def encode(self) -> bytes:
        """The SBE message."""
        return _END_OF_DAY.pack(24, 18, 71, 2, self.day, self.operator)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> EndOfDay:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, day, operator) = _END_OF_DAY.unpack_from(buffer, offset)
        return cls(day, operator.rstrip(b"\0"))


_END_OF_DAY = Struct("<HHHHI4x16s")


class _ContinueFields(NamedTuple):
    pass


class Continue(_ContinueFields):
    """Template 19, block of 0 bytes: loop: next part of the work a command left unfinished."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 19
    BLOCK_LENGTH: ClassVar[int] = 0

    def encode(self) -> bytes:
        """The SBE message."""
        return _CONTINUE.pack(0, 19, 71, 2)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> Continue:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        return cls()


_CONTINUE = Struct("<HHHH")


class _CheckpointFields(NamedTuple):
    checkpoint: int


class Checkpoint(_CheckpointFields):
    """Template 20, block of 8 bytes: settlement: emit every balance; checkpoint must be last + 1."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 20
    BLOCK_LENGTH: ClassVar[int] = 8

    def encode(self) -> bytes:
        """The SBE message."""
        return _CHECKPOINT.pack(8, 20, 71, 2, self.checkpoint)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> Checkpoint:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, checkpoint) = _CHECKPOINT.unpack_from(buffer, offset)
        return cls(checkpoint)


_CHECKPOINT = Struct("<HHHHQ")


class _SettlementStatusFields(NamedTuple):
    batch: int
    first_sequence: int
    last_sequence: int
    block_number: int
    state: int
    transaction_hash: bytes


class SettlementStatus(_SettlementStatusFields):
    """Template 21, block of 72 bytes: settlement: progress of a batch."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 21
    BLOCK_LENGTH: ClassVar[int] = 72

    def encode(self) -> bytes:
        """The SBE message."""
        return _SETTLEMENT_STATUS.pack(72, 21, 71, 2, self.batch, self.first_sequence, self.last_sequence, self.block_number, self.state, self.transaction_hash)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> SettlementStatus:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, batch, first_sequence, last_sequence, block_number, state, transaction_hash) = _SETTLEMENT_STATUS.unpack_from(buffer, offset)
        return cls(batch, first_sequence, last_sequence, block_number, state, transaction_hash)


_SETTLEMENT_STATUS = Struct("<HHHHQQQQB7x32s")


class _SessionAttachFields(NamedTuple):
    session: int
    gateway: int
    gateway_instance: int
    token: int
    reset: int


class SessionAttach(_SessionAttachFields):
    """Template 22, block of 32 bytes: gateway: fence older generations; reset starts a new session epoch; same token again is a duplicate."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 22
    BLOCK_LENGTH: ClassVar[int] = 32

    def encode(self) -> bytes:
        """The SBE message."""
        return _SESSION_ATTACH.pack(32, 22, 71, 2, self.session, self.gateway, self.gateway_instance, self.token, self.reset)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> SessionAttach:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, session, gateway, gateway_instance, token, reset) = _SESSION_ATTACH.unpack_from(buffer, offset)
        return cls(session, gateway, gateway_instance, token, reset)


_SESSION_ATTACH = Struct("<HHHHIIQQB7x")


class _NewOrderFields(NamedTuple):
    session: int
    session_epoch: int
    generation: int
    gateway: int
    client_seq: int
    prev_client_seq: int
    price_ticks: int
    quantity_lots: int
    account: int
    instrument: int
    side: int
    order_type: int
    time_in_force: int
    poss_resend: int
    clordid: bytes
    received_ns: int
    stop_price_ticks: int = 0
    display_lots: int = 0
    min_lots: int = 0
    expire_ns: int = 0
    trigger: int = 0
    stp_mode: int = 0
    post_only: int = 0
    echo: bytes = b""


class NewOrder(_NewOrderFields):
    """Template 23, block of 144 bytes: price_ticks is ignored for Market, Stop and MarketToLimit; 0 in stop_price_ticks, display_lots, min_lots, expire_ns, stp_mode: not given; received_ns: when the gateway read the message off its socket, opaque to the core."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 23
    BLOCK_LENGTH: ClassVar[int] = 144

    def encode(self) -> bytes:
        """The SBE message; ValueError if the data is too long."""
        if len(self.echo) > DATA_MAX:
            raise ValueError("NewOrder.echo longer than DATA_MAX")
        return _NEW_ORDER.pack(144, 23, 71, 2, self.session, self.session_epoch, self.generation, self.gateway, self.client_seq, self.prev_client_seq, self.price_ticks, self.quantity_lots, self.account, self.instrument, self.side, self.order_type, self.time_in_force, self.poss_resend, self.clordid, self.received_ns, self.stop_price_ticks, self.display_lots, self.min_lots, self.expire_ns, self.trigger, self.stp_mode, self.post_only) + DATA_LENGTH.pack(len(self.echo)) + self.echo

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> NewOrder:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (block_length, _, _, _, session, session_epoch, generation, gateway, client_seq, prev_client_seq, price_ticks, quantity_lots, account, instrument, side, order_type, time_in_force, poss_resend, clordid, received_ns, stop_price_ticks, display_lots, min_lots, expire_ns, trigger, stp_mode, post_only) = _NEW_ORDER.unpack_from(buffer, offset)
        start = offset + HEADER.size + block_length
        (length,) = DATA_LENGTH.unpack_from(buffer, start)
        start += DATA_LENGTH.size
        if len(buffer) < start + length:
            raise ValueError("NewOrder.echo cut short")
        return cls(session, session_epoch, generation, gateway, client_seq, prev_client_seq, price_ticks, quantity_lots, account, instrument, side, order_type, time_in_force, poss_resend, clordid.rstrip(b"\0"), received_ns, stop_price_ticks, display_lots, min_lots, expire_ns, trigger, stp_mode, post_only, bytes(buffer[start : start + length]))


_NEW_ORDER = Struct("<HHHHIIIIQQqqIIBBBB36sQqqqQBBB5x")


class _CancelOrderFields(NamedTuple):
    session: int
    session_epoch: int
    generation: int
    gateway: int
    client_seq: int
    prev_client_seq: int
    order_id: int
    instrument: int
    side: int
    clordid: bytes
    orig_clordid: bytes
    received_ns: int


class CancelOrder(_CancelOrderFields):
    """Template 24, block of 128 bytes: by order_id if not 0, else by orig_clordid; instrument 0 = not given."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 24
    BLOCK_LENGTH: ClassVar[int] = 128

    def encode(self) -> bytes:
        """The SBE message."""
        return _CANCEL_ORDER.pack(128, 24, 71, 2, self.session, self.session_epoch, self.generation, self.gateway, self.client_seq, self.prev_client_seq, self.order_id, self.instrument, self.side, self.clordid, self.orig_clordid, self.received_ns)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> CancelOrder:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, session, session_epoch, generation, gateway, client_seq, prev_client_seq, order_id, instrument, side, clordid, orig_clordid, received_ns) = _CANCEL_ORDER.unpack_from(buffer, offset)
        return cls(session, session_epoch, generation, gateway, client_seq, prev_client_seq, order_id, instrument, side, clordid.rstrip(b"\0"), orig_clordid.rstrip(b"\0"), received_ns)


_CANCEL_ORDER = Struct("<HHHHIIIIQQQIB3x36s36sQ")


class _ReplaceOrderFields(NamedTuple):
    session: int
    session_epoch: int
    generation: int
    gateway: int
    client_seq: int
    prev_client_seq: int
    order_id: int
    price_ticks: int
    quantity_lots: int
    instrument: int
    side: int
    clordid: bytes
    orig_clordid: bytes
    received_ns: int
    stop_price_ticks: int = 0
    display_lots: int = 0
    expire_ns: int = 0
    order_type: int = 0
    echo: bytes = b""


class ReplaceOrder(_ReplaceOrderFields):
    """Template 25, block of 176 bytes: quantity_lots is the new OrderQty including what is already filled; 0 in stop_price_ticks, display_lots, expire_ns: unchanged; order_type: 0 = not given, otherwise it must be the order's."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 25
    BLOCK_LENGTH: ClassVar[int] = 176

    def encode(self) -> bytes:
        """The SBE message; ValueError if the data is too long."""
        if len(self.echo) > DATA_MAX:
            raise ValueError("ReplaceOrder.echo longer than DATA_MAX")
        return _REPLACE_ORDER.pack(176, 25, 71, 2, self.session, self.session_epoch, self.generation, self.gateway, self.client_seq, self.prev_client_seq, self.order_id, self.price_ticks, self.quantity_lots, self.instrument, self.side, self.clordid, self.orig_clordid, self.received_ns, self.stop_price_ticks, self.display_lots, self.expire_ns, self.order_type) + DATA_LENGTH.pack(len(self.echo)) + self.echo

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> ReplaceOrder:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (block_length, _, _, _, session, session_epoch, generation, gateway, client_seq, prev_client_seq, order_id, price_ticks, quantity_lots, instrument, side, clordid, orig_clordid, received_ns, stop_price_ticks, display_lots, expire_ns, order_type) = _REPLACE_ORDER.unpack_from(buffer, offset)
        start = offset + HEADER.size + block_length
        (length,) = DATA_LENGTH.unpack_from(buffer, start)
        start += DATA_LENGTH.size
        if len(buffer) < start + length:
            raise ValueError("ReplaceOrder.echo cut short")
        return cls(session, session_epoch, generation, gateway, client_seq, prev_client_seq, order_id, price_ticks, quantity_lots, instrument, side, clordid.rstrip(b"\0"), orig_clordid.rstrip(b"\0"), received_ns, stop_price_ticks, display_lots, expire_ns, order_type, bytes(buffer[start : start + length]))


_REPLACE_ORDER = Struct("<HHHHIIIIQQQqqIB3x36s36sQqqQB7x")


class _StateHashFields(NamedTuple):
    low: int
    high: int


class StateHash(_StateHashFields):
    """Template 26, block of 16 bytes: loop: state hash of the leader before this command; replay refuses to go on when its own differs."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 26
    BLOCK_LENGTH: ClassVar[int] = 16

    def encode(self) -> bytes:
        """The SBE message."""
        return _STATE_HASH.pack(16, 26, 71, 2, self.low, self.high)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> StateHash:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, low, high) = _STATE_HASH.unpack_from(buffer, offset)
        return cls(low, high)


_STATE_HASH = Struct("<HHHHQQ")


class _MassCancelFields(NamedTuple):
    session: int
    session_epoch: int
    generation: int
    gateway: int
    client_seq: int
    prev_client_seq: int
    account: int
    instrument: int
    side: int
    clordid: bytes
    received_ns: int


class MassCancel(_MassCancelFields):
    """Template 27, block of 88 bytes: client: cancels the open orders of this session that match; 0 in account, instrument or side matches all."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 27
    BLOCK_LENGTH: ClassVar[int] = 88

    def encode(self) -> bytes:
        """The SBE message."""
        return _MASS_CANCEL.pack(88, 27, 71, 2, self.session, self.session_epoch, self.generation, self.gateway, self.client_seq, self.prev_client_seq, self.account, self.instrument, self.side, self.clordid, self.received_ns)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> MassCancel:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, session, session_epoch, generation, gateway, client_seq, prev_client_seq, account, instrument, side, clordid, received_ns) = _MASS_CANCEL.unpack_from(buffer, offset)
        return cls(session, session_epoch, generation, gateway, client_seq, prev_client_seq, account, instrument, side, clordid.rstrip(b"\0"), received_ns)


_MASS_CANCEL = Struct("<HHHHIIIIQQIIB3x36sQ")


class _PhaseSetFields(NamedTuple):
    instrument: int
    phase: int
    end_ns: int
    operator: bytes
    reason_text: bytes


class PhaseSet(_PhaseSetFields):
    """Template 28, block of 80 bytes: admin: end_ns other than 0 ends an auction by itself at that time."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 28
    BLOCK_LENGTH: ClassVar[int] = 80

    def encode(self) -> bytes:
        """The SBE message."""
        return _PHASE_SET.pack(80, 28, 71, 2, self.instrument, self.phase, self.end_ns, self.operator, self.reason_text)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> PhaseSet:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, phase, end_ns, operator, reason_text) = _PHASE_SET.unpack_from(buffer, offset)
        return cls(instrument, phase, end_ns, operator.rstrip(b"\0"), reason_text.rstrip(b"\0"))


_PHASE_SET = Struct("<HHHHIB3xQ16s48s")


class _ScheduleSetFields(NamedTuple):
    instrument: int
    entry: int
    second_of_day: int
    phase: int


class ScheduleSet(_ScheduleSetFields):
    """Template 29, block of 16 bytes: reference data: entry 1..8 of the daily schedule in seconds after midnight UTC; phase 0 removes it."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 29
    BLOCK_LENGTH: ClassVar[int] = 16

    def encode(self) -> bytes:
        """The SBE message."""
        return _SCHEDULE_SET.pack(16, 29, 71, 2, self.instrument, self.entry, self.second_of_day, self.phase)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> ScheduleSet:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, entry, second_of_day, phase) = _SCHEDULE_SET.unpack_from(buffer, offset)
        return cls(instrument, entry, second_of_day, phase)


_SCHEDULE_SET = Struct("<HHHHIIIB3x")


class _ReferencePriceSetFields(NamedTuple):
    instrument: int
    price_ticks: int
    operator: bytes
    reason_text: bytes


class ReferencePriceSet(_ReferencePriceSetFields):
    """Template 30, block of 80 bytes: admin: the price that bands, fat-finger limits and reference stops look at."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 30
    BLOCK_LENGTH: ClassVar[int] = 80

    def encode(self) -> bytes:
        """The SBE message."""
        return _REFERENCE_PRICE_SET.pack(80, 30, 71, 2, self.instrument, self.price_ticks, self.operator, self.reason_text)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> ReferencePriceSet:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, price_ticks, operator, reason_text) = _REFERENCE_PRICE_SET.unpack_from(buffer, offset)
        return cls(instrument, price_ticks, operator.rstrip(b"\0"), reason_text.rstrip(b"\0"))


_REFERENCE_PRICE_SET = Struct("<HHHHI4xq16s48s")


class _TickBandSetFields(NamedTuple):
    instrument: int
    band: int
    from_ticks: int
    tick_step: int
    lot_step: int


class TickBandSet(_TickBandSetFields):
    """Template 31, block of 32 bytes: reference data: band 1..8 of the tick and lot table; from_ticks 0 removes it."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 31
    BLOCK_LENGTH: ClassVar[int] = 32

    def encode(self) -> bytes:
        """The SBE message."""
        return _TICK_BAND_SET.pack(32, 31, 71, 2, self.instrument, self.band, self.from_ticks, self.tick_step, self.lot_step)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> TickBandSet:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, band, from_ticks, tick_step, lot_step) = _TICK_BAND_SET.unpack_from(buffer, offset)
        return cls(instrument, band, from_ticks, tick_step, lot_step)


_TICK_BAND_SET = Struct("<HHHHIIqqq")


class _FeeScheduleSetFields(NamedTuple):
    instrument: int
    tier: int
    maker_fee_ppm: int
    taker_fee_ppm: int


class FeeScheduleSet(_FeeScheduleSetFields):
    """Template 32, block of 16 bytes: reference data: rates of a fee tier 1..7 on one instrument; tier 0 is the instrument itself."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 32
    BLOCK_LENGTH: ClassVar[int] = 16

    def encode(self) -> bytes:
        """The SBE message."""
        return _FEE_SCHEDULE_SET.pack(16, 32, 71, 2, self.instrument, self.tier, self.maker_fee_ppm, self.taker_fee_ppm)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> FeeScheduleSet:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, tier, maker_fee_ppm, taker_fee_ppm) = _FEE_SCHEDULE_SET.unpack_from(buffer, offset)
        return cls(instrument, tier, maker_fee_ppm, taker_fee_ppm)


_FEE_SCHEDULE_SET = Struct("<HHHHIIii")


class _RiskLimitsSetFields(NamedTuple):
    account: int
    instrument: int
    max_order_lots: int
    max_order_notional_units: int
    max_position_lots: int
    max_distance_ppm: int


class RiskLimitsSet(_RiskLimitsSetFields):
    """Template 33, block of 40 bytes: reference data: limits of an account on one instrument; 0 is no limit."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 33
    BLOCK_LENGTH: ClassVar[int] = 40

    def encode(self) -> bytes:
        """The SBE message."""
        return _RISK_LIMITS_SET.pack(40, 33, 71, 2, self.account, self.instrument, self.max_order_lots, self.max_order_notional_units, self.max_position_lots, self.max_distance_ppm)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> RiskLimitsSet:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, account, instrument, max_order_lots, max_order_notional_units, max_position_lots, max_distance_ppm) = _RISK_LIMITS_SET.unpack_from(buffer, offset)
        return cls(account, instrument, max_order_lots, max_order_notional_units, max_position_lots, max_distance_ppm)


_RISK_LIMITS_SET = Struct("<HHHHIIqqqI4x")


class _MarketMakerProtectionSetFields(NamedTuple):
    account: int
    instrument: int
    max_fills: int
    window_ms: int


class MarketMakerProtectionSet(_MarketMakerProtectionSetFields):
    """Template 34, block of 16 bytes: reference data: trips at max_fills fills as maker within window_ms; max_fills 0 is none."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 34
    BLOCK_LENGTH: ClassVar[int] = 16

    def encode(self) -> bytes:
        """The SBE message."""
        return _MARKET_MAKER_PROTECTION_SET.pack(16, 34, 71, 2, self.account, self.instrument, self.max_fills, self.window_ms)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> MarketMakerProtectionSet:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, account, instrument, max_fills, window_ms) = _MARKET_MAKER_PROTECTION_SET.unpack_from(buffer, offset)
        return cls(account, instrument, max_fills, window_ms)


_MARKET_MAKER_PROTECTION_SET = Struct("<HHHHIIII")


class _MarketMakerProtectionResetFields(NamedTuple):
    account: int
    instrument: int
    operator: bytes
    reason_text: bytes


class MarketMakerProtectionReset(_MarketMakerProtectionResetFields):
    """Template 35, block of 72 bytes: admin: the account may quote again."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 35
    BLOCK_LENGTH: ClassVar[int] = 72

    def encode(self) -> bytes:
        """The SBE message."""
        return _MARKET_MAKER_PROTECTION_RESET.pack(72, 35, 71, 2, self.account, self.instrument, self.operator, self.reason_text)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> MarketMakerProtectionReset:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, account, instrument, operator, reason_text) = _MARKET_MAKER_PROTECTION_RESET.unpack_from(buffer, offset)
        return cls(account, instrument, operator.rstrip(b"\0"), reason_text.rstrip(b"\0"))


_MARKET_MAKER_PROTECTION_RESET = Struct("<HHHHII16s48s")


class _KillSwitchSetFields(NamedTuple):
    id: int
    scope: int
    engaged: int
    operator: bytes
    reason_text: bytes


class KillSwitchSet(_KillSwitchSetFields):
    """Template 36, block of 72 bytes: admin: blocks new orders and cancels all open ones of the scope; id 0 for the venue."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 36
    BLOCK_LENGTH: ClassVar[int] = 72

    def encode(self) -> bytes:
        """The SBE message."""
        return _KILL_SWITCH_SET.pack(72, 36, 71, 2, self.id, self.scope, self.engaged, self.operator, self.reason_text)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> KillSwitchSet:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, id, scope, engaged, operator, reason_text) = _KILL_SWITCH_SET.unpack_from(buffer, offset)
        return cls(id, scope, engaged, operator.rstrip(b"\0"), reason_text.rstrip(b"\0"))


_KILL_SWITCH_SET = Struct("<HHHHIBB2x16s48s")


class _OperatorCancelFields(NamedTuple):
    account: int
    session: int
    instrument: int
    side: int
    operator: bytes
    reason_text: bytes


class OperatorCancel(_OperatorCancelFields):
    """Template 37, block of 80 bytes: admin: cancels the open orders that match; 0 matches all."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 37
    BLOCK_LENGTH: ClassVar[int] = 80

    def encode(self) -> bytes:
        """The SBE message."""
        return _OPERATOR_CANCEL.pack(80, 37, 71, 2, self.account, self.session, self.instrument, self.side, self.operator, self.reason_text)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> OperatorCancel:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, account, session, instrument, side, operator, reason_text) = _OPERATOR_CANCEL.unpack_from(buffer, offset)
        return cls(account, session, instrument, side, operator.rstrip(b"\0"), reason_text.rstrip(b"\0"))


_OPERATOR_CANCEL = Struct("<HHHHIIIB3x16s48s")


class _TransferFields(NamedTuple):
    transfer_seq: int
    from_account: int
    to_account: int
    asset: int
    amount_units: int
    operator: bytes
    reason_text: bytes


class Transfer(_TransferFields):
    """Template 38, block of 96 bytes: admin: credit line drawn or paid back; one side is a Lender account; transfer_seq must be last + 1."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 38
    BLOCK_LENGTH: ClassVar[int] = 96

    def encode(self) -> bytes:
        """The SBE message."""
        return _TRANSFER.pack(96, 38, 71, 2, self.transfer_seq, self.from_account, self.to_account, self.asset, self.amount_units, self.operator, self.reason_text)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> Transfer:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, transfer_seq, from_account, to_account, asset, amount_units, operator, reason_text) = _TRANSFER.unpack_from(buffer, offset)
        return cls(transfer_seq, from_account, to_account, asset, amount_units, operator.rstrip(b"\0"), reason_text.rstrip(b"\0"))


_TRANSFER = Struct("<HHHHQIII4xq16s48s")


class _TradeBustFields(NamedTuple):
    trade_id: int
    guarantor: int
    operator: bytes
    reason_text: bytes


class TradeBust(_TradeBustFields):
    """Template 39, block of 80 bytes: admin: reverses the economics of a trade; guarantor 0: none."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 39
    BLOCK_LENGTH: ClassVar[int] = 80

    def encode(self) -> bytes:
        """The SBE message."""
        return _TRADE_BUST.pack(80, 39, 71, 2, self.trade_id, self.guarantor, self.operator, self.reason_text)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> TradeBust:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, trade_id, guarantor, operator, reason_text) = _TRADE_BUST.unpack_from(buffer, offset)
        return cls(trade_id, guarantor, operator.rstrip(b"\0"), reason_text.rstrip(b"\0"))


_TRADE_BUST = Struct("<HHHHQI4x16s48s")


class _ClockTickFields(NamedTuple):
    pass


class ClockTick(_ClockTickFields):
    """Template 40, block of 0 bytes: loop: time has reached what core_next_timer asked for."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 40
    BLOCK_LENGTH: ClassVar[int] = 0

    def encode(self) -> bytes:
        """The SBE message."""
        return _CLOCK_TICK.pack(0, 40, 71, 2)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> ClockTick:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        return cls()


_CLOCK_TICK = Struct("<HHHH")


class _EpochStartedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    started_epoch: int
    rules_version: int
    unclean: int
    venue: bytes
    cfg_sha256: bytes


class EpochStarted(_EpochStartedFields):
    """Template 100, block of 96 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 100
    BLOCK_LENGTH: ClassVar[int] = 96

    def encode(self) -> bytes:
        """The SBE message."""
        return _EPOCH_STARTED.pack(96, 100, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.started_epoch, self.rules_version, self.unclean, self.venue, self.cfg_sha256)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> EpochStarted:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, started_epoch, rules_version, unclean, venue, cfg_sha256) = _EPOCH_STARTED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, started_epoch, rules_version, unclean, venue.rstrip(b"\0"), cfg_sha256)


_EPOCH_STARTED = Struct("<HHHHQQQIB3xIIB7x16s32s")


class _LimitsDefinedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    max_orders: int
    max_price_pages: int
    max_open_orders_per_session: int
    max_clordids: int
    max_fills_per_command: int
    max_events_per_part: int
    max_open_orders_per_account: int = 0
    max_bustable_trades: int = 0


class LimitsDefined(_LimitsDefinedFields):
    """Template 101, block of 64 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 101
    BLOCK_LENGTH: ClassVar[int] = 64

    def encode(self) -> bytes:
        """The SBE message."""
        return _LIMITS_DEFINED.pack(64, 101, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.max_orders, self.max_price_pages, self.max_open_orders_per_session, self.max_clordids, self.max_fills_per_command, self.max_events_per_part, self.max_open_orders_per_account, self.max_bustable_trades)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> LimitsDefined:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, max_orders, max_price_pages, max_open_orders_per_session, max_clordids, max_fills_per_command, max_events_per_part, max_open_orders_per_account, max_bustable_trades) = _LIMITS_DEFINED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, max_orders, max_price_pages, max_open_orders_per_session, max_clordids, max_fills_per_command, max_events_per_part, max_open_orders_per_account, max_bustable_trades)


_LIMITS_DEFINED = Struct("<HHHHQQQIB3xIIIIIIII")


class _AssetDefinedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    asset: int
    decimals: int
    symbol: bytes


class AssetDefined(_AssetDefinedFields):
    """Template 102, block of 48 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 102
    BLOCK_LENGTH: ClassVar[int] = 48

    def encode(self) -> bytes:
        """The SBE message."""
        return _ASSET_DEFINED.pack(48, 102, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.asset, self.decimals, self.symbol)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> AssetDefined:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, asset, decimals, symbol) = _ASSET_DEFINED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, asset, decimals, symbol.rstrip(b"\0"))


_ASSET_DEFINED = Struct("<HHHHQQQIB3xIB3x8s")


class _InstrumentDefinedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    instrument: int
    base: int
    quote: int
    tick_units: int
    lot_units: int
    price_min_ticks: int
    price_max_ticks: int
    quantity_max_lots: int
    notional_max_units: int
    protection_ticks: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    tick_exponent: int
    lot_exponent: int
    tick_mantissa: int
    lot_mantissa: int
    symbol: bytes
    quantity_min_lots: int = 0
    notional_min_units: int = 0
    static_band_ppm: int = 0
    dynamic_band_ppm: int = 0
    volatility_auction_ms: int = 0
    initial_phase: int = 0


class InstrumentDefined(_InstrumentDefinedFields):
    """Template 103, block of 184 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 103
    BLOCK_LENGTH: ClassVar[int] = 184

    def encode(self) -> bytes:
        """The SBE message."""
        return _INSTRUMENT_DEFINED.pack(184, 103, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.instrument, self.base, self.quote, self.tick_units, self.lot_units, self.price_min_ticks, self.price_max_ticks, self.quantity_max_lots, self.notional_max_units, self.protection_ticks, self.maker_fee_ppm, self.taker_fee_ppm, self.tick_exponent, self.lot_exponent, self.tick_mantissa, self.lot_mantissa, self.symbol, self.quantity_min_lots, self.notional_min_units, self.static_band_ppm, self.dynamic_band_ppm, self.volatility_auction_ms, self.initial_phase)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> InstrumentDefined:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, instrument, base, quote, tick_units, lot_units, price_min_ticks, price_max_ticks, quantity_max_lots, notional_max_units, protection_ticks, maker_fee_ppm, taker_fee_ppm, tick_exponent, lot_exponent, tick_mantissa, lot_mantissa, symbol, quantity_min_lots, notional_min_units, static_band_ppm, dynamic_band_ppm, volatility_auction_ms, initial_phase) = _INSTRUMENT_DEFINED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, instrument, base, quote, tick_units, lot_units, price_min_ticks, price_max_ticks, quantity_max_lots, notional_max_units, protection_ticks, maker_fee_ppm, taker_fee_ppm, tick_exponent, lot_exponent, tick_mantissa, lot_mantissa, symbol.rstrip(b"\0"), quantity_min_lots, notional_min_units, static_band_ppm, dynamic_band_ppm, volatility_auction_ms, initial_phase)


_INSTRUMENT_DEFINED = Struct("<HHHHQQQIB3xIII4xqqqqqqqiiBB6xqq16sqqIIIB3x")


class _AccountDefinedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    account: int
    participant: int
    kind: int
    enabled: int
    name: bytes
    stp_key: int = 0
    stp_mode: int = 0
    fee_tier: int = 0


class AccountDefined(_AccountDefinedFields):
    """Template 104, block of 72 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 104
    BLOCK_LENGTH: ClassVar[int] = 72

    def encode(self) -> bytes:
        """The SBE message."""
        return _ACCOUNT_DEFINED.pack(72, 104, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.account, self.participant, self.kind, self.enabled, self.name, self.stp_key, self.stp_mode, self.fee_tier)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> AccountDefined:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, account, participant, kind, enabled, name, stp_key, stp_mode, fee_tier) = _ACCOUNT_DEFINED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, account, participant, kind, enabled, name.rstrip(b"\0"), stp_key, stp_mode, fee_tier)


_ACCOUNT_DEFINED = Struct("<HHHHQQQIB3xIIBB6x16sIBB2x")


class _SessionDefinedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    session: int
    participant: int
    enabled: int
    comp_id: bytes


class SessionDefined(_SessionDefinedFields):
    """Template 105, block of 80 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 105
    BLOCK_LENGTH: ClassVar[int] = 80

    def encode(self) -> bytes:
        """The SBE message."""
        return _SESSION_DEFINED.pack(80, 105, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.session, self.participant, self.enabled, self.comp_id)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> SessionDefined:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, session, participant, enabled, comp_id) = _SESSION_DEFINED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, session, participant, enabled, comp_id.rstrip(b"\0"))


_SESSION_DEFINED = Struct("<HHHHQQQIB3xIIB7x32s")


class _SessionAttachedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    session: int
    session_epoch: int
    generation: int
    gateway: int
    gateway_instance: int
    token: int
    last_client_seq: int


class SessionAttached(_SessionAttachedFields):
    """Template 106, block of 72 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 106
    BLOCK_LENGTH: ClassVar[int] = 72

    def encode(self) -> bytes:
        """The SBE message."""
        return _SESSION_ATTACHED.pack(72, 106, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.session, self.session_epoch, self.generation, self.gateway, self.gateway_instance, self.token, self.last_client_seq)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> SessionAttached:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, session, session_epoch, generation, gateway, gateway_instance, token, last_client_seq) = _SESSION_ATTACHED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, session, session_epoch, generation, gateway, gateway_instance, token, last_client_seq)


_SESSION_ATTACHED = Struct("<HHHHQQQIB3xIIIIQQQ")


class _OrderAcceptedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    session: int
    session_epoch: int
    client_seq: int
    order_id: int
    price_ticks: int
    quantity_lots: int
    rested_lots: int
    account: int
    instrument: int
    side: int
    order_type: int
    time_in_force: int
    poss_resend: int
    clordid: bytes
    stop_price_ticks: int = 0
    display_lots: int = 0
    min_lots: int = 0
    expire_ns: int = 0
    trigger: int = 0
    stp_mode: int = 0
    post_only: int = 0
    working: int = 0
    displayed_lots: int = 0
    echo: bytes = b""


class OrderAccepted(_OrderAcceptedFields):
    """Template 110, block of 176 bytes: precedes the trades of the same command; rested_lots is what is in the book once the command is over, displayed_lots what of it is visible; working 0: dormant (a stop, or at the close before its auction); price_ticks of Market, Stop and MarketToLimit is the limit the core gave it."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 110
    BLOCK_LENGTH: ClassVar[int] = 176

    def encode(self) -> bytes:
        """The SBE message; ValueError if the data is too long."""
        if len(self.echo) > DATA_MAX:
            raise ValueError("OrderAccepted.echo longer than DATA_MAX")
        return _ORDER_ACCEPTED.pack(176, 110, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.session, self.session_epoch, self.client_seq, self.order_id, self.price_ticks, self.quantity_lots, self.rested_lots, self.account, self.instrument, self.side, self.order_type, self.time_in_force, self.poss_resend, self.clordid, self.stop_price_ticks, self.display_lots, self.min_lots, self.expire_ns, self.trigger, self.stp_mode, self.post_only, self.working, self.displayed_lots) + DATA_LENGTH.pack(len(self.echo)) + self.echo

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> OrderAccepted:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (block_length, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, session, session_epoch, client_seq, order_id, price_ticks, quantity_lots, rested_lots, account, instrument, side, order_type, time_in_force, poss_resend, clordid, stop_price_ticks, display_lots, min_lots, expire_ns, trigger, stp_mode, post_only, working, displayed_lots) = _ORDER_ACCEPTED.unpack_from(buffer, offset)
        start = offset + HEADER.size + block_length
        (length,) = DATA_LENGTH.unpack_from(buffer, start)
        start += DATA_LENGTH.size
        if len(buffer) < start + length:
            raise ValueError("OrderAccepted.echo cut short")
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, session, session_epoch, client_seq, order_id, price_ticks, quantity_lots, rested_lots, account, instrument, side, order_type, time_in_force, poss_resend, clordid.rstrip(b"\0"), stop_price_ticks, display_lots, min_lots, expire_ns, trigger, stp_mode, post_only, working, displayed_lots, bytes(buffer[start : start + length]))


_ORDER_ACCEPTED = Struct("<HHHHQQQIB3xIIQQqqqIIBBBB36sqqqQBBBB4xq")


class _OrderRejectedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    session: int
    session_epoch: int
    client_seq: int
    price_ticks: int
    quantity_lots: int
    account: int
    instrument: int
    side: int
    order_type: int
    time_in_force: int
    poss_resend: int
    reason: int
    clordid: bytes
    stop_price_ticks: int = 0
    display_lots: int = 0
    min_lots: int = 0
    expire_ns: int = 0
    trigger: int = 0
    stp_mode: int = 0
    post_only: int = 0
    echo: bytes = b""


class OrderRejected(_OrderRejectedFields):
    """Template 111, block of 160 bytes: fields as the client sent them."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 111
    BLOCK_LENGTH: ClassVar[int] = 160

    def encode(self) -> bytes:
        """The SBE message; ValueError if the data is too long."""
        if len(self.echo) > DATA_MAX:
            raise ValueError("OrderRejected.echo longer than DATA_MAX")
        return _ORDER_REJECTED.pack(160, 111, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.session, self.session_epoch, self.client_seq, self.price_ticks, self.quantity_lots, self.account, self.instrument, self.side, self.order_type, self.time_in_force, self.poss_resend, self.reason, self.clordid, self.stop_price_ticks, self.display_lots, self.min_lots, self.expire_ns, self.trigger, self.stp_mode, self.post_only) + DATA_LENGTH.pack(len(self.echo)) + self.echo

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> OrderRejected:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (block_length, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, session, session_epoch, client_seq, price_ticks, quantity_lots, account, instrument, side, order_type, time_in_force, poss_resend, reason, clordid, stop_price_ticks, display_lots, min_lots, expire_ns, trigger, stp_mode, post_only) = _ORDER_REJECTED.unpack_from(buffer, offset)
        start = offset + HEADER.size + block_length
        (length,) = DATA_LENGTH.unpack_from(buffer, start)
        start += DATA_LENGTH.size
        if len(buffer) < start + length:
            raise ValueError("OrderRejected.echo cut short")
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, session, session_epoch, client_seq, price_ticks, quantity_lots, account, instrument, side, order_type, time_in_force, poss_resend, reason, clordid.rstrip(b"\0"), stop_price_ticks, display_lots, min_lots, expire_ns, trigger, stp_mode, post_only, bytes(buffer[start : start + length]))


_ORDER_REJECTED = Struct("<HHHHQQQIB3xIIQqqIIBBBBH2x36s4xqqqQBBB5x")


class _OrderReplacedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    session: int
    session_epoch: int
    client_seq: int
    order_id: int
    price_ticks: int
    quantity_lots: int
    cum_lots: int
    leaves_lots: int
    rested_lots: int
    old_price_ticks: int
    old_leaves_lots: int
    account: int
    instrument: int
    side: int
    priority_kept: int
    clordid: bytes
    orig_clordid: bytes
    stop_price_ticks: int = 0
    display_lots: int = 0
    expire_ns: int = 0
    displayed_lots: int = 0
    old_displayed_lots: int = 0
    working: int = 0
    echo: bytes = b""


class OrderReplaced(_OrderReplacedFields):
    """Template 112, block of 248 bytes: leaves_lots before the trades of the same command; rested_lots after them."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 112
    BLOCK_LENGTH: ClassVar[int] = 248

    def encode(self) -> bytes:
        """The SBE message; ValueError if the data is too long."""
        if len(self.echo) > DATA_MAX:
            raise ValueError("OrderReplaced.echo longer than DATA_MAX")
        return _ORDER_REPLACED.pack(248, 112, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.session, self.session_epoch, self.client_seq, self.order_id, self.price_ticks, self.quantity_lots, self.cum_lots, self.leaves_lots, self.rested_lots, self.old_price_ticks, self.old_leaves_lots, self.account, self.instrument, self.side, self.priority_kept, self.clordid, self.orig_clordid, self.stop_price_ticks, self.display_lots, self.expire_ns, self.displayed_lots, self.old_displayed_lots, self.working) + DATA_LENGTH.pack(len(self.echo)) + self.echo

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> OrderReplaced:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (block_length, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, session, session_epoch, client_seq, order_id, price_ticks, quantity_lots, cum_lots, leaves_lots, rested_lots, old_price_ticks, old_leaves_lots, account, instrument, side, priority_kept, clordid, orig_clordid, stop_price_ticks, display_lots, expire_ns, displayed_lots, old_displayed_lots, working) = _ORDER_REPLACED.unpack_from(buffer, offset)
        start = offset + HEADER.size + block_length
        (length,) = DATA_LENGTH.unpack_from(buffer, start)
        start += DATA_LENGTH.size
        if len(buffer) < start + length:
            raise ValueError("OrderReplaced.echo cut short")
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, session, session_epoch, client_seq, order_id, price_ticks, quantity_lots, cum_lots, leaves_lots, rested_lots, old_price_ticks, old_leaves_lots, account, instrument, side, priority_kept, clordid.rstrip(b"\0"), orig_clordid.rstrip(b"\0"), stop_price_ticks, display_lots, expire_ns, displayed_lots, old_displayed_lots, working, bytes(buffer[start : start + length]))


_ORDER_REPLACED = Struct("<HHHHQQQIB3xIIQQqqqqqqqIIBB2x36s36s4xqqQqqB7x")


class _OrderCanceledFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    session: int
    session_epoch: int
    client_seq: int
    order_id: int
    price_ticks: int
    canceled_lots: int
    cum_lots: int
    account: int
    instrument: int
    side: int
    was_resting: int
    reason: int
    clordid: bytes
    orig_clordid: bytes
    displayed_lots: int = 0
    order_type: int = 0
    time_in_force: int = 0


class OrderCanceled(_OrderCanceledFields):
    """Template 113, block of 184 bytes: client_seq 0 and clordid empty when nobody asked for this very order; orig_clordid is always the order's ClOrdID; was_resting 1 only if it was in the book, displayed_lots what was visible of it there."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 113
    BLOCK_LENGTH: ClassVar[int] = 184

    def encode(self) -> bytes:
        """The SBE message."""
        return _ORDER_CANCELED.pack(184, 113, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.session, self.session_epoch, self.client_seq, self.order_id, self.price_ticks, self.canceled_lots, self.cum_lots, self.account, self.instrument, self.side, self.was_resting, self.reason, self.clordid, self.orig_clordid, self.displayed_lots, self.order_type, self.time_in_force)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> OrderCanceled:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, session, session_epoch, client_seq, order_id, price_ticks, canceled_lots, cum_lots, account, instrument, side, was_resting, reason, clordid, orig_clordid, displayed_lots, order_type, time_in_force) = _ORDER_CANCELED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, session, session_epoch, client_seq, order_id, price_ticks, canceled_lots, cum_lots, account, instrument, side, was_resting, reason, clordid.rstrip(b"\0"), orig_clordid.rstrip(b"\0"), displayed_lots, order_type, time_in_force)


_ORDER_CANCELED = Struct("<HHHHQQQIB3xIIQQqqqIIBBH36s36s4xqBB6x")


class _CancelRejectedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    session: int
    session_epoch: int
    client_seq: int
    order_id: int
    reason: int
    request: int
    order_status: int
    clordid: bytes
    orig_clordid: bytes


class CancelRejected(_CancelRejectedFields):
    """Template 114, block of 136 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 114
    BLOCK_LENGTH: ClassVar[int] = 136

    def encode(self) -> bytes:
        """The SBE message."""
        return _CANCEL_REJECTED.pack(136, 114, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.session, self.session_epoch, self.client_seq, self.order_id, self.reason, self.request, self.order_status, self.clordid, self.orig_clordid)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> CancelRejected:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, session, session_epoch, client_seq, order_id, reason, request, order_status, clordid, orig_clordid) = _CANCEL_REJECTED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, session, session_epoch, client_seq, order_id, reason, request, order_status, clordid.rstrip(b"\0"), orig_clordid.rstrip(b"\0"))


_CANCEL_REJECTED = Struct("<HHHHQQQIB3xIIQQHBB36s36s4x")


class _TradeFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    trade_id: int
    price_ticks: int
    quantity_lots: int
    notional_units: int
    maker_fee_units: int
    taker_fee_units: int
    maker_order_id: int
    taker_order_id: int
    maker_leaves_lots: int
    taker_leaves_lots: int
    maker_account: int
    taker_account: int
    maker_session: int
    taker_session: int
    instrument: int
    taker_side: int
    maker_displayed_lots: int = 0
    taker_displayed_lots: int = 0
    auction: int = 0


class Trade(_TradeFields):
    """Template 115, block of 160 bytes: trade_id = sequence; fees in quote units, paid by each side to the fee account, negative when received; in an auction both orders were in the book and maker is the older one; displayed_lots what is visible of each order in the book after the trade and before a refill."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 115
    BLOCK_LENGTH: ClassVar[int] = 160

    def encode(self) -> bytes:
        """The SBE message."""
        return _TRADE.pack(160, 115, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.trade_id, self.price_ticks, self.quantity_lots, self.notional_units, self.maker_fee_units, self.taker_fee_units, self.maker_order_id, self.taker_order_id, self.maker_leaves_lots, self.taker_leaves_lots, self.maker_account, self.taker_account, self.maker_session, self.taker_session, self.instrument, self.taker_side, self.maker_displayed_lots, self.taker_displayed_lots, self.auction)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> Trade:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, trade_id, price_ticks, quantity_lots, notional_units, maker_fee_units, taker_fee_units, maker_order_id, taker_order_id, maker_leaves_lots, taker_leaves_lots, maker_account, taker_account, maker_session, taker_session, instrument, taker_side, maker_displayed_lots, taker_displayed_lots, auction) = _TRADE.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, trade_id, price_ticks, quantity_lots, notional_units, maker_fee_units, taker_fee_units, maker_order_id, taker_order_id, maker_leaves_lots, taker_leaves_lots, maker_account, taker_account, maker_session, taker_session, instrument, taker_side, maker_displayed_lots, taker_displayed_lots, auction)


_TRADE = Struct("<HHHHQQQIB3xQqqqqqQQqqIIIIIB3xqqB7x")


class _OrderTriggeredFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    session: int
    session_epoch: int
    order_id: int
    price_ticks: int
    leaves_lots: int
    cum_lots: int
    rested_lots: int
    displayed_lots: int
    stop_price_ticks: int
    account: int
    instrument: int
    side: int
    order_type: int
    time_in_force: int
    clordid: bytes


class OrderTriggered(_OrderTriggeredFields):
    """Template 116, block of 144 bytes: a stop is triggered or an at-the-close order enters its auction; precedes its trades; rested_lots and displayed_lots are what its own matching left in the book."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 116
    BLOCK_LENGTH: ClassVar[int] = 144

    def encode(self) -> bytes:
        """The SBE message."""
        return _ORDER_TRIGGERED.pack(144, 116, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.session, self.session_epoch, self.order_id, self.price_ticks, self.leaves_lots, self.cum_lots, self.rested_lots, self.displayed_lots, self.stop_price_ticks, self.account, self.instrument, self.side, self.order_type, self.time_in_force, self.clordid)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> OrderTriggered:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, session, session_epoch, order_id, price_ticks, leaves_lots, cum_lots, rested_lots, displayed_lots, stop_price_ticks, account, instrument, side, order_type, time_in_force, clordid) = _ORDER_TRIGGERED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, session, session_epoch, order_id, price_ticks, leaves_lots, cum_lots, rested_lots, displayed_lots, stop_price_ticks, account, instrument, side, order_type, time_in_force, clordid.rstrip(b"\0"))


_ORDER_TRIGGERED = Struct("<HHHHQQQIB3xIIQqqqqqqIIBBB1x36s")


class _OrderRefilledFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    order_id: int
    price_ticks: int
    displayed_lots: int
    leaves_lots: int
    session: int
    account: int
    instrument: int
    side: int


class OrderRefilled(_OrderRefilledFields):
    """Template 117, block of 80 bytes: an iceberg shows its next part, at the back of its level."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 117
    BLOCK_LENGTH: ClassVar[int] = 80

    def encode(self) -> bytes:
        """The SBE message."""
        return _ORDER_REFILLED.pack(80, 117, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.order_id, self.price_ticks, self.displayed_lots, self.leaves_lots, self.session, self.account, self.instrument, self.side)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> OrderRefilled:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, order_id, price_ticks, displayed_lots, leaves_lots, session, account, instrument, side) = _ORDER_REFILLED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, order_id, price_ticks, displayed_lots, leaves_lots, session, account, instrument, side)


_ORDER_REFILLED = Struct("<HHHHQQQIB3xQqqqIIIB3x")


class _OrderReducedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    session: int
    session_epoch: int
    order_id: int
    price_ticks: int
    reduced_lots: int
    leaves_lots: int
    cum_lots: int
    displayed_lots: int
    account: int
    instrument: int
    side: int
    was_resting: int
    reason: int
    clordid: bytes


class OrderReduced(_OrderReducedFields):
    """Template 118, block of 136 bytes: self-trade prevention took lots away without a trade."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 118
    BLOCK_LENGTH: ClassVar[int] = 136

    def encode(self) -> bytes:
        """The SBE message."""
        return _ORDER_REDUCED.pack(136, 118, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.session, self.session_epoch, self.order_id, self.price_ticks, self.reduced_lots, self.leaves_lots, self.cum_lots, self.displayed_lots, self.account, self.instrument, self.side, self.was_resting, self.reason, self.clordid)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> OrderReduced:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, session, session_epoch, order_id, price_ticks, reduced_lots, leaves_lots, cum_lots, displayed_lots, account, instrument, side, was_resting, reason, clordid) = _ORDER_REDUCED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, session, session_epoch, order_id, price_ticks, reduced_lots, leaves_lots, cum_lots, displayed_lots, account, instrument, side, was_resting, reason, clordid.rstrip(b"\0"))


_ORDER_REDUCED = Struct("<HHHHQQQIB3xIIQqqqqqIIBBH36s")


class _MassCanceledFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    session: int
    session_epoch: int
    client_seq: int
    canceled_orders: int
    account: int
    instrument: int
    side: int
    reason: int
    clordid: bytes


class MassCanceled(_MassCanceledFields):
    """Template 119, block of 104 bytes: after the last cancel of a mass cancel, kill switch, protection or operator cancel; client_seq 0 and session_epoch 0 unless a client asked."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 119
    BLOCK_LENGTH: ClassVar[int] = 104

    def encode(self) -> bytes:
        """The SBE message."""
        return _MASS_CANCELED.pack(104, 119, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.session, self.session_epoch, self.client_seq, self.canceled_orders, self.account, self.instrument, self.side, self.reason, self.clordid)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> MassCanceled:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, session, session_epoch, client_seq, canceled_orders, account, instrument, side, reason, clordid) = _MASS_CANCELED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, session, session_epoch, client_seq, canceled_orders, account, instrument, side, reason, clordid.rstrip(b"\0"))


_MASS_CANCELED = Struct("<HHHHQQQIB3xIIQQIIB1xH36s")


class _CreditedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    account: int
    asset: int
    amount_units: int
    available_units: int
    deposit_seq: int
    block_number: int
    transaction_hash: bytes


class Credited(_CreditedFields):
    """Template 120, block of 104 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 120
    BLOCK_LENGTH: ClassVar[int] = 104

    def encode(self) -> bytes:
        """The SBE message."""
        return _CREDITED.pack(104, 120, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.account, self.asset, self.amount_units, self.available_units, self.deposit_seq, self.block_number, self.transaction_hash)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> Credited:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, account, asset, amount_units, available_units, deposit_seq, block_number, transaction_hash) = _CREDITED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, account, asset, amount_units, available_units, deposit_seq, block_number, transaction_hash)


_CREDITED = Struct("<HHHHQQQIB3xIIqqQQ32s")


class _CommandRefusedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    reference: int
    template_id: int
    reason: int
    role: int


class CommandRefused(_CommandRefusedFields):
    """Template 121, block of 48 bytes: sequenced negative verdict on a command that is not an order; reference is its deposit_seq, checkpoint, id or day."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 121
    BLOCK_LENGTH: ClassVar[int] = 48

    def encode(self) -> bytes:
        """The SBE message."""
        return _COMMAND_REFUSED.pack(48, 121, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.reference, self.template_id, self.reason, self.role)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> CommandRefused:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, reference, template_id, reason, role) = _COMMAND_REFUSED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, reference, template_id, reason, role)


_COMMAND_REFUSED = Struct("<HHHHQQQIB3xQHHB3x")


class _TradingStateChangedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    instrument: int
    state: int
    operator: bytes
    reason_text: bytes


class TradingStateChanged(_TradingStateChangedFields):
    """Template 122, block of 104 bytes: instrument 0 is the whole venue."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 122
    BLOCK_LENGTH: ClassVar[int] = 104

    def encode(self) -> bytes:
        """The SBE message."""
        return _TRADING_STATE_CHANGED.pack(104, 122, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.instrument, self.state, self.operator, self.reason_text)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> TradingStateChanged:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, instrument, state, operator, reason_text) = _TRADING_STATE_CHANGED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, instrument, state, operator.rstrip(b"\0"), reason_text.rstrip(b"\0"))


_TRADING_STATE_CHANGED = Struct("<HHHHQQQIB3xIB3x16s48s")


class _DayEndedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    day: int
    expired_orders: int


class DayEnded(_DayEndedFields):
    """Template 123, block of 40 bytes: after the last expiry."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 123
    BLOCK_LENGTH: ClassVar[int] = 40

    def encode(self) -> bytes:
        """The SBE message."""
        return _DAY_ENDED.pack(40, 123, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.day, self.expired_orders)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> DayEnded:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, day, expired_orders) = _DAY_ENDED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, day, expired_orders)


_DAY_ENDED = Struct("<HHHHQQQIB3xII")


class _CheckpointBalanceFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    checkpoint: int
    available_units: int
    reserved_units: int
    account: int
    asset: int


class CheckpointBalance(_CheckpointBalanceFields):
    """Template 124, block of 64 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 124
    BLOCK_LENGTH: ClassVar[int] = 64

    def encode(self) -> bytes:
        """The SBE message."""
        return _CHECKPOINT_BALANCE.pack(64, 124, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.checkpoint, self.available_units, self.reserved_units, self.account, self.asset)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> CheckpointBalance:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, checkpoint, available_units, reserved_units, account, asset) = _CHECKPOINT_BALANCE.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, checkpoint, available_units, reserved_units, account, asset)


_CHECKPOINT_BALANCE = Struct("<HHHHQQQIB3xQqqII")


class _CheckpointEndedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    checkpoint: int
    balances: int


class CheckpointEnded(_CheckpointEndedFields):
    """Template 125, block of 48 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 125
    BLOCK_LENGTH: ClassVar[int] = 48

    def encode(self) -> bytes:
        """The SBE message."""
        return _CHECKPOINT_ENDED.pack(48, 125, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.checkpoint, self.balances)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> CheckpointEnded:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, checkpoint, balances) = _CHECKPOINT_ENDED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, checkpoint, balances)


_CHECKPOINT_ENDED = Struct("<HHHHQQQIB3xQQ")


class _SettlementStatusChangedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    batch: int
    first_sequence: int
    last_sequence: int
    block_number: int
    state: int
    transaction_hash: bytes


class SettlementStatusChanged(_SettlementStatusChangedFields):
    """Template 126, block of 104 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 126
    BLOCK_LENGTH: ClassVar[int] = 104

    def encode(self) -> bytes:
        """The SBE message."""
        return _SETTLEMENT_STATUS_CHANGED.pack(104, 126, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.batch, self.first_sequence, self.last_sequence, self.block_number, self.state, self.transaction_hash)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> SettlementStatusChanged:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, batch, first_sequence, last_sequence, block_number, state, transaction_hash) = _SETTLEMENT_STATUS_CHANGED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, batch, first_sequence, last_sequence, block_number, state, transaction_hash)


_SETTLEMENT_STATUS_CHANGED = Struct("<HHHHQQQIB3xQQQQB7x32s")


class _PhaseChangedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    instrument: int
    phase: int
    previous: int
    cause: int
    end_ns: int
    operator: bytes
    reason_text: bytes


class PhaseChanged(_PhaseChangedFields):
    """Template 127, block of 112 bytes: end_ns 0: no end of its own."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 127
    BLOCK_LENGTH: ClassVar[int] = 112

    def encode(self) -> bytes:
        """The SBE message."""
        return _PHASE_CHANGED.pack(112, 127, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.instrument, self.phase, self.previous, self.cause, self.end_ns, self.operator, self.reason_text)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> PhaseChanged:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, instrument, phase, previous, cause, end_ns, operator, reason_text) = _PHASE_CHANGED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, instrument, phase, previous, cause, end_ns, operator.rstrip(b"\0"), reason_text.rstrip(b"\0"))


_PHASE_CHANGED = Struct("<HHHHQQQIB3xIBBB1xQ16s48s")


class _AuctionIndicativeFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    instrument: int
    phase: int
    price_ticks: int
    volume_lots: int
    surplus_lots: int


class AuctionIndicative(_AuctionIndicativeFields):
    """Template 128, block of 64 bytes: price_ticks 0: nothing would trade; surplus_lots above 0: unfilled buy interest at that price."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 128
    BLOCK_LENGTH: ClassVar[int] = 64

    def encode(self) -> bytes:
        """The SBE message."""
        return _AUCTION_INDICATIVE.pack(64, 128, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.instrument, self.phase, self.price_ticks, self.volume_lots, self.surplus_lots)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> AuctionIndicative:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, instrument, phase, price_ticks, volume_lots, surplus_lots) = _AUCTION_INDICATIVE.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, instrument, phase, price_ticks, volume_lots, surplus_lots)


_AUCTION_INDICATIVE = Struct("<HHHHQQQIB3xIB3xqqq")


class _AuctionUncrossedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    instrument: int
    phase: int
    price_ticks: int
    volume_lots: int
    surplus_lots: int
    trades: int


class AuctionUncrossed(_AuctionUncrossedFields):
    """Template 129, block of 72 bytes: after the last trade of the auction; price_ticks 0: nothing traded."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 129
    BLOCK_LENGTH: ClassVar[int] = 72

    def encode(self) -> bytes:
        """The SBE message."""
        return _AUCTION_UNCROSSED.pack(72, 129, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.instrument, self.phase, self.price_ticks, self.volume_lots, self.surplus_lots, self.trades)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> AuctionUncrossed:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, instrument, phase, price_ticks, volume_lots, surplus_lots, trades) = _AUCTION_UNCROSSED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, instrument, phase, price_ticks, volume_lots, surplus_lots, trades)


_AUCTION_UNCROSSED = Struct("<HHHHQQQIB3xIB3xqqqQ")


class _ReferencePriceChangedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    instrument: int
    price_ticks: int
    low_ticks: int
    high_ticks: int
    operator: bytes


class ReferencePriceChanged(_ReferencePriceChangedFields):
    """Template 130, block of 80 bytes: bounds are 0 when there is no static band."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 130
    BLOCK_LENGTH: ClassVar[int] = 80

    def encode(self) -> bytes:
        """The SBE message."""
        return _REFERENCE_PRICE_CHANGED.pack(80, 130, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.instrument, self.price_ticks, self.low_ticks, self.high_ticks, self.operator)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> ReferencePriceChanged:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, instrument, price_ticks, low_ticks, high_ticks, operator) = _REFERENCE_PRICE_CHANGED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, instrument, price_ticks, low_ticks, high_ticks, operator.rstrip(b"\0"))


_REFERENCE_PRICE_CHANGED = Struct("<HHHHQQQIB3xI4xqqq16s")


class _ScheduleDefinedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    instrument: int
    entry: int
    second_of_day: int
    phase: int


class ScheduleDefined(_ScheduleDefinedFields):
    """Template 131, block of 48 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 131
    BLOCK_LENGTH: ClassVar[int] = 48

    def encode(self) -> bytes:
        """The SBE message."""
        return _SCHEDULE_DEFINED.pack(48, 131, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.instrument, self.entry, self.second_of_day, self.phase)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> ScheduleDefined:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, instrument, entry, second_of_day, phase) = _SCHEDULE_DEFINED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, instrument, entry, second_of_day, phase)


_SCHEDULE_DEFINED = Struct("<HHHHQQQIB3xIIIB3x")


class _TickBandDefinedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    instrument: int
    band: int
    from_ticks: int
    tick_step: int
    lot_step: int


class TickBandDefined(_TickBandDefinedFields):
    """Template 132, block of 64 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 132
    BLOCK_LENGTH: ClassVar[int] = 64

    def encode(self) -> bytes:
        """The SBE message."""
        return _TICK_BAND_DEFINED.pack(64, 132, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.instrument, self.band, self.from_ticks, self.tick_step, self.lot_step)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> TickBandDefined:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, instrument, band, from_ticks, tick_step, lot_step) = _TICK_BAND_DEFINED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, instrument, band, from_ticks, tick_step, lot_step)


_TICK_BAND_DEFINED = Struct("<HHHHQQQIB3xIIqqq")


class _FeeScheduleDefinedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    instrument: int
    tier: int
    maker_fee_ppm: int
    taker_fee_ppm: int


class FeeScheduleDefined(_FeeScheduleDefinedFields):
    """Template 133, block of 48 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 133
    BLOCK_LENGTH: ClassVar[int] = 48

    def encode(self) -> bytes:
        """The SBE message."""
        return _FEE_SCHEDULE_DEFINED.pack(48, 133, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.instrument, self.tier, self.maker_fee_ppm, self.taker_fee_ppm)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> FeeScheduleDefined:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, instrument, tier, maker_fee_ppm, taker_fee_ppm) = _FEE_SCHEDULE_DEFINED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, instrument, tier, maker_fee_ppm, taker_fee_ppm)


_FEE_SCHEDULE_DEFINED = Struct("<HHHHQQQIB3xIIii")


class _RiskLimitsDefinedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    account: int
    instrument: int
    max_order_lots: int
    max_order_notional_units: int
    max_position_lots: int
    max_distance_ppm: int


class RiskLimitsDefined(_RiskLimitsDefinedFields):
    """Template 134, block of 72 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 134
    BLOCK_LENGTH: ClassVar[int] = 72

    def encode(self) -> bytes:
        """The SBE message."""
        return _RISK_LIMITS_DEFINED.pack(72, 134, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.account, self.instrument, self.max_order_lots, self.max_order_notional_units, self.max_position_lots, self.max_distance_ppm)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> RiskLimitsDefined:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, account, instrument, max_order_lots, max_order_notional_units, max_position_lots, max_distance_ppm) = _RISK_LIMITS_DEFINED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, account, instrument, max_order_lots, max_order_notional_units, max_position_lots, max_distance_ppm)


_RISK_LIMITS_DEFINED = Struct("<HHHHQQQIB3xIIqqqI4x")


class _MarketMakerProtectionDefinedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    account: int
    instrument: int
    max_fills: int
    window_ms: int


class MarketMakerProtectionDefined(_MarketMakerProtectionDefinedFields):
    """Template 135, block of 48 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 135
    BLOCK_LENGTH: ClassVar[int] = 48

    def encode(self) -> bytes:
        """The SBE message."""
        return _MARKET_MAKER_PROTECTION_DEFINED.pack(48, 135, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.account, self.instrument, self.max_fills, self.window_ms)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> MarketMakerProtectionDefined:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, account, instrument, max_fills, window_ms) = _MARKET_MAKER_PROTECTION_DEFINED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, account, instrument, max_fills, window_ms)


_MARKET_MAKER_PROTECTION_DEFINED = Struct("<HHHHQQQIB3xIIII")


class _MarketMakerProtectionChangedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    account: int
    instrument: int
    tripped: int
    operator: bytes


class MarketMakerProtectionChanged(_MarketMakerProtectionChangedFields):
    """Template 136, block of 64 bytes: tripped 1: quoting is blocked and the orders are cancelled; 0: reset."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 136
    BLOCK_LENGTH: ClassVar[int] = 64

    def encode(self) -> bytes:
        """The SBE message."""
        return _MARKET_MAKER_PROTECTION_CHANGED.pack(64, 136, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.account, self.instrument, self.tripped, self.operator)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> MarketMakerProtectionChanged:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, account, instrument, tripped, operator) = _MARKET_MAKER_PROTECTION_CHANGED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, account, instrument, tripped, operator.rstrip(b"\0"))


_MARKET_MAKER_PROTECTION_CHANGED = Struct("<HHHHQQQIB3xIIB7x16s")


class _KillSwitchChangedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    id: int
    scope: int
    engaged: int
    operator: bytes
    reason_text: bytes


class KillSwitchChanged(_KillSwitchChangedFields):
    """Template 137, block of 104 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 137
    BLOCK_LENGTH: ClassVar[int] = 104

    def encode(self) -> bytes:
        """The SBE message."""
        return _KILL_SWITCH_CHANGED.pack(104, 137, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.id, self.scope, self.engaged, self.operator, self.reason_text)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> KillSwitchChanged:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, id, scope, engaged, operator, reason_text) = _KILL_SWITCH_CHANGED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, id, scope, engaged, operator.rstrip(b"\0"), reason_text.rstrip(b"\0"))


_KILL_SWITCH_CHANGED = Struct("<HHHHQQQIB3xIBB2x16s48s")


class _TransferredFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    transfer_seq: int
    from_account: int
    to_account: int
    asset: int
    amount_units: int
    from_available_units: int
    to_available_units: int
    operator: bytes


class Transferred(_TransferredFields):
    """Template 138, block of 96 bytes."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 138
    BLOCK_LENGTH: ClassVar[int] = 96

    def encode(self) -> bytes:
        """The SBE message."""
        return _TRANSFERRED.pack(96, 138, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.transfer_seq, self.from_account, self.to_account, self.asset, self.amount_units, self.from_available_units, self.to_available_units, self.operator)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> Transferred:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, transfer_seq, from_account, to_account, asset, amount_units, from_available_units, to_available_units, operator) = _TRANSFERRED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, transfer_seq, from_account, to_account, asset, amount_units, from_available_units, to_available_units, operator.rstrip(b"\0"))


_TRANSFERRED = Struct("<HHHHQQQIB3xQIII4xqqq16s")


class _TradeBustedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    trade_id: int
    price_ticks: int
    quantity_lots: int
    notional_units: int
    buyer_fee_units: int
    seller_fee_units: int
    buyer_account: int
    seller_account: int
    buyer_side_account: int
    seller_side_account: int
    maker_order_id: int
    taker_order_id: int
    maker_session: int
    taker_session: int
    instrument: int
    taker_side: int
    operator: bytes
    reason_text: bytes


class TradeBusted(_TradeBustedFields):
    """Template 139, block of 192 bytes: moves of the bust: the buyer side gives base back and gets notional + its fee, the seller side gives notional - its fee and gets base back, the fee account gives both fees back; each side is its own account or the guarantor."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 139
    BLOCK_LENGTH: ClassVar[int] = 192

    def encode(self) -> bytes:
        """The SBE message."""
        return _TRADE_BUSTED.pack(192, 139, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.trade_id, self.price_ticks, self.quantity_lots, self.notional_units, self.buyer_fee_units, self.seller_fee_units, self.buyer_account, self.seller_account, self.buyer_side_account, self.seller_side_account, self.maker_order_id, self.taker_order_id, self.maker_session, self.taker_session, self.instrument, self.taker_side, self.operator, self.reason_text)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> TradeBusted:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, trade_id, price_ticks, quantity_lots, notional_units, buyer_fee_units, seller_fee_units, buyer_account, seller_account, buyer_side_account, seller_side_account, maker_order_id, taker_order_id, maker_session, taker_session, instrument, taker_side, operator, reason_text) = _TRADE_BUSTED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, trade_id, price_ticks, quantity_lots, notional_units, buyer_fee_units, seller_fee_units, buyer_account, seller_account, buyer_side_account, seller_side_account, maker_order_id, taker_order_id, maker_session, taker_session, instrument, taker_side, operator.rstrip(b"\0"), reason_text.rstrip(b"\0"))


_TRADE_BUSTED = Struct("<HHHHQQQIB3xQqqqqqIIIIQQIIIB3x16s48s")


class _StatisticsRecordedFields(NamedTuple):
    sequence: int
    command_sequence: int
    time_ns: int
    epoch: int
    last_in_command: int
    instrument: int
    day: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    last_ticks: int
    volume_lots: int
    turnover_low: int
    turnover_high: int
    trades: int


class StatisticsRecorded(_StatisticsRecordedFields):
    """Template 140, block of 104 bytes: of the trading day that ends; 0 trades: all 0."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 140
    BLOCK_LENGTH: ClassVar[int] = 104

    def encode(self) -> bytes:
        """The SBE message."""
        return _STATISTICS_RECORDED.pack(104, 140, 71, 2, self.sequence, self.command_sequence, self.time_ns, self.epoch, self.last_in_command, self.instrument, self.day, self.open_ticks, self.high_ticks, self.low_ticks, self.last_ticks, self.volume_lots, self.turnover_low, self.turnover_high, self.trades)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> StatisticsRecorded:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, sequence, command_sequence, time_ns, epoch, last_in_command, instrument, day, open_ticks, high_ticks, low_ticks, last_ticks, volume_lots, turnover_low, turnover_high, trades) = _STATISTICS_RECORDED.unpack_from(buffer, offset)
        return cls(sequence, command_sequence, time_ns, epoch, last_in_command, instrument, day, open_ticks, high_ticks, low_ticks, last_ticks, volume_lots, turnover_low, turnover_high, trades)


_STATISTICS_RECORDED = Struct("<HHHHQQQIB3xIIqqqqQQQQ")


AnyMessage = Hello | HelloAck | Heartbeat | Gap | Refused | CutOff | ReplayRequest | EpochStart | LimitsSet | AssetSet | InstrumentSet | AccountSet | SessionSet | Credit | TradingStateSet | EndOfDay | Continue | Checkpoint | SettlementStatus | SessionAttach | NewOrder | CancelOrder | ReplaceOrder | StateHash | MassCancel | PhaseSet | ScheduleSet | ReferencePriceSet | TickBandSet | FeeScheduleSet | RiskLimitsSet | MarketMakerProtectionSet | MarketMakerProtectionReset | KillSwitchSet | OperatorCancel | Transfer | TradeBust | ClockTick | EpochStarted | LimitsDefined | AssetDefined | InstrumentDefined | AccountDefined | SessionDefined | SessionAttached | OrderAccepted | OrderRejected | OrderReplaced | OrderCanceled | CancelRejected | Trade | OrderTriggered | OrderRefilled | OrderReduced | MassCanceled | Credited | CommandRefused | TradingStateChanged | DayEnded | CheckpointBalance | CheckpointEnded | SettlementStatusChanged | PhaseChanged | AuctionIndicative | AuctionUncrossed | ReferencePriceChanged | ScheduleDefined | TickBandDefined | FeeScheduleDefined | RiskLimitsDefined | MarketMakerProtectionDefined | MarketMakerProtectionChanged | KillSwitchChanged | Transferred | TradeBusted | StatisticsRecorded
BY_TEMPLATE: dict[int, type[AnyMessage]] = {1: Hello, 2: HelloAck, 3: Heartbeat, 4: Gap, 5: Refused, 6: CutOff, 7: ReplayRequest, 10: EpochStart, 11: LimitsSet, 12: AssetSet, 13: InstrumentSet, 14: AccountSet, 15: SessionSet, 16: Credit, 17: TradingStateSet, 18: EndOfDay, 19: Continue, 20: Checkpoint, 21: SettlementStatus, 22: SessionAttach, 23: NewOrder, 24: CancelOrder, 25: ReplaceOrder, 26: StateHash, 27: MassCancel, 28: PhaseSet, 29: ScheduleSet, 30: ReferencePriceSet, 31: TickBandSet, 32: FeeScheduleSet, 33: RiskLimitsSet, 34: MarketMakerProtectionSet, 35: MarketMakerProtectionReset, 36: KillSwitchSet, 37: OperatorCancel, 38: Transfer, 39: TradeBust, 40: ClockTick, 100: EpochStarted, 101: LimitsDefined, 102: AssetDefined, 103: InstrumentDefined, 104: AccountDefined, 105: SessionDefined, 106: SessionAttached, 110: OrderAccepted, 111: OrderRejected, 112: OrderReplaced, 113: OrderCanceled, 114: CancelRejected, 115: Trade, 116: OrderTriggered, 117: OrderRefilled, 118: OrderReduced, 119: MassCanceled, 120: Credited, 121: CommandRefused, 122: TradingStateChanged, 123: DayEnded, 124: CheckpointBalance, 125: CheckpointEnded, 126: SettlementStatusChanged, 127: PhaseChanged, 128: AuctionIndicative, 129: AuctionUncrossed, 130: ReferencePriceChanged, 131: ScheduleDefined, 132: TickBandDefined, 133: FeeScheduleDefined, 134: RiskLimitsDefined, 135: MarketMakerProtectionDefined, 136: MarketMakerProtectionChanged, 137: KillSwitchChanged, 138: Transferred, 139: TradeBusted, 140: StatisticsRecorded}


def decode(buffer: bytes | memoryview, offset: int = 0) -> AnyMessage:
    """Decodes the message at `offset` by its templateId; ValueError if unknown or bytes are missing."""
    if len(buffer) - offset < HEADER.size:
        raise ValueError("message cut short")
    block_length, template_id, schema_id, _ = HEADER.unpack_from(buffer, offset)
    if schema_id != SCHEMA_ID or template_id not in BY_TEMPLATE:
        raise ValueError(f"unknown schema {schema_id} or template {template_id}")
    message = BY_TEMPLATE[template_id]
    if block_length < message.BLOCK_LENGTH or len(buffer) - offset < HEADER.size + block_length:
        raise ValueError(f"{message.__name__} cut short")
    try:
        return message.decode(buffer, offset)
    except StructError as error:  # a length of varData without its bytes, or none
        raise ValueError(f"{message.__name__} cut short") from error
