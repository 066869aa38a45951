"""Generated from mdfeed/schema/feed.xml by engine/wire/generate.py: one NamedTuple per SBE message. Do not edit.

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

SCHEMA_ID = 72
SCHEMA_VERSION = 2
DATA_MAX = 0
HEADER = Struct("<HHHH")
DATA_LENGTH = Struct("<H")


class PacketType(IntEnum):
    """What a packet holds; third byte of its header."""

    INCREMENTAL = 1  # messages in sequence, published as they happen
    HEARTBEAT = 2  # no messages; first_sequence is the next one to come
    END_OF_SESSION = 3  # no messages; the publisher stops after first_sequence - 1
    SNAPSHOT = 4  # answer to a SnapshotRequest; first_sequence is the sequence the snapshot is as of
    REPLAY = 5  # answer to a ReplayRequest: the same messages as published
    ANSWER = 6  # RequestCompleted or RequestRejected


class Side(IntEnum):
    """FIX tag 54; 0 is no side."""

    NONE = 0
    BUY = 1
    SELL = 2


class TradingState(IntEnum):
    """Ordered by severity: the stricter of venue and instrument applies."""

    OPEN = 1
    CANCEL_ONLY = 2
    HALTED = 3
    CLOSED = 4


class Phase(IntEnum):
    """Market phase of one instrument; in Continuous orders trade as they come, in the auctions they are collected and traded at one price."""

    PRE_OPEN = 1  # orders are collected, no indicative price
    OPENING_AUCTION = 2
    CONTINUOUS = 3
    HALT = 4  # no orders, cancels only
    CLOSING_AUCTION = 5
    CLOSED = 6  # no orders, cancels only
    VOLATILITY_AUCTION = 7  # a price band stopped trading, which starts again by this auction


class PhaseCause(IntEnum):
    """Why the phase changed."""

    OPERATOR = 1
    SCHEDULE = 2
    PRICE_BAND = 3
    AUCTION_END = 4


class SettlementState(IntEnum):
    """Life of a settlement batch on chain."""

    CUT = 1
    SENT = 2
    MINED = 3
    FINAL = 4


class RejectReason(IntEnum):
    """Why a request was not served."""

    MALFORMED = 1  # not one whole request message of this schema
    WRONG_SESSION = 2  # the session id is not the present one: take a snapshot
    UNKNOWN_INSTRUMENT = 3  # no such instrument
    INVALID_RANGE = 4  # from_sequence is 0, above to_sequence, or not yet published
    USE_SNAPSHOT = 5  # older than available_from: take a snapshot
    RATE_LIMITED = 6  # too many requests: ask again after a pause
    BUSY = 7  # an earlier request of this client is still being answered, or too many answers are under way


class _SessionStartFields(NamedTuple):
    instrument: int
    flags: int
    unclean: int
    event_sequence: int
    time_ns: int
    epoch: int
    rules_version: int
    venue: bytes
    day: int
    state: int


class SessionStart(_SessionStartFields):
    """Template 1, block of 56 bytes: the engine started; number 1 of every feed session, and again at every start of the engine within it."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 1
    BLOCK_LENGTH: ClassVar[int] = 56

    def encode(self) -> bytes:
        """The SBE message."""
        return _SESSION_START.pack(56, 1, 72, 2, self.instrument, self.flags, self.unclean, self.event_sequence, self.time_ns, self.epoch, self.rules_version, self.venue, self.day, self.state)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> SessionStart:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, flags, unclean, event_sequence, time_ns, epoch, rules_version, venue, day, state) = _SESSION_START.unpack_from(buffer, offset)
        return cls(instrument, flags, unclean, event_sequence, time_ns, epoch, rules_version, venue.rstrip(b"\0"), day, state)


_SESSION_START = Struct("<HHHHIBB2xQQII16sIB3x")


class _InstrumentDefinitionFields(NamedTuple):
    instrument: int
    flags: int
    state: int
    tick_exponent: int
    lot_exponent: int
    event_sequence: int
    time_ns: int
    tick_mantissa: int
    lot_mantissa: int
    price_min_ticks: int
    price_max_ticks: int
    quantity_max_lots: int
    protection_ticks: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    symbol: bytes
    base: bytes
    quote: bytes
    notional_max_units: int
    quantity_min_lots: int = 0
    notional_min_units: int = 0
    static_band_ppm: int = 0
    dynamic_band_ppm: int = 0
    volatility_auction_ms: int = 0
    phase: int = 0


class InstrumentDefinition(_InstrumentDefinitionFields):
    """Template 2, block of 152 bytes: price = price_ticks x tick_mantissa x 10^-tick_exponent of quote for one unit of base; quantity = quantity_lots x lot_mantissa x 10^-lot_exponent of base."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 2
    BLOCK_LENGTH: ClassVar[int] = 152

    def encode(self) -> bytes:
        """The SBE message."""
        return _INSTRUMENT_DEFINITION.pack(152, 2, 72, 2, self.instrument, self.flags, self.state, self.tick_exponent, self.lot_exponent, self.event_sequence, self.time_ns, self.tick_mantissa, self.lot_mantissa, self.price_min_ticks, self.price_max_ticks, self.quantity_max_lots, self.protection_ticks, self.maker_fee_ppm, self.taker_fee_ppm, self.symbol, self.base, self.quote, self.notional_max_units, self.quantity_min_lots, self.notional_min_units, self.static_band_ppm, self.dynamic_band_ppm, self.volatility_auction_ms, self.phase)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> InstrumentDefinition:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, flags, state, tick_exponent, lot_exponent, event_sequence, time_ns, tick_mantissa, lot_mantissa, price_min_ticks, price_max_ticks, quantity_max_lots, protection_ticks, maker_fee_ppm, taker_fee_ppm, symbol, base, quote, notional_max_units, quantity_min_lots, notional_min_units, static_band_ppm, dynamic_band_ppm, volatility_auction_ms, phase) = _INSTRUMENT_DEFINITION.unpack_from(buffer, offset)
        return cls(instrument, flags, state, tick_exponent, lot_exponent, event_sequence, time_ns, tick_mantissa, lot_mantissa, price_min_ticks, price_max_ticks, quantity_max_lots, protection_ticks, maker_fee_ppm, taker_fee_ppm, symbol.rstrip(b"\0"), base.rstrip(b"\0"), quote.rstrip(b"\0"), notional_max_units, quantity_min_lots, notional_min_units, static_band_ppm, dynamic_band_ppm, volatility_auction_ms, phase)


_INSTRUMENT_DEFINITION = Struct("<HHHHIBBBBQQqqqqqqii16s8s8sqqqIIIB3x")


class _TradingStatusFields(NamedTuple):
    instrument: int
    flags: int
    state: int
    event_sequence: int
    time_ns: int
    previous_state: int


class TradingStatus(_TradingStatusFields):
    """Template 3, block of 32 bytes: instrument 0 is the whole venue."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 3
    BLOCK_LENGTH: ClassVar[int] = 32

    def encode(self) -> bytes:
        """The SBE message."""
        return _TRADING_STATUS.pack(32, 3, 72, 2, self.instrument, self.flags, self.state, self.event_sequence, self.time_ns, self.previous_state)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> TradingStatus:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, flags, state, event_sequence, time_ns, previous_state) = _TRADING_STATUS.unpack_from(buffer, offset)
        return cls(instrument, flags, state, event_sequence, time_ns, previous_state)


_TRADING_STATUS = Struct("<HHHHIBB2xQQB7x")


class _EndOfDayFields(NamedTuple):
    instrument: int
    flags: int
    event_sequence: int
    time_ns: int
    day: int
    expired_orders: int


class EndOfDay(_EndOfDayFields):
    """Template 4, block of 32 bytes: the trading day is over; its DAY orders were deleted before."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 4
    BLOCK_LENGTH: ClassVar[int] = 32

    def encode(self) -> bytes:
        """The SBE message."""
        return _END_OF_DAY.pack(32, 4, 72, 2, self.instrument, self.flags, self.event_sequence, self.time_ns, self.day, self.expired_orders)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> EndOfDay:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, flags, event_sequence, time_ns, day, expired_orders) = _END_OF_DAY.unpack_from(buffer, offset)
        return cls(instrument, flags, event_sequence, time_ns, day, expired_orders)


_END_OF_DAY = Struct("<HHHHIB3xQQII")


class _SettlementUpdateFields(NamedTuple):
    instrument: int
    flags: int
    state: int
    event_sequence: int
    time_ns: int
    batch: int
    first_trade_id: int
    last_trade_id: int
    block_number: int
    transaction_hash: bytes


class SettlementUpdate(_SettlementUpdateFields):
    """Template 5, block of 88 bytes: trades whose trade_id is in first_trade_id..last_trade_id reached this state in this batch."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 5
    BLOCK_LENGTH: ClassVar[int] = 88

    def encode(self) -> bytes:
        """The SBE message."""
        return _SETTLEMENT_UPDATE.pack(88, 5, 72, 2, self.instrument, self.flags, self.state, self.event_sequence, self.time_ns, self.batch, self.first_trade_id, self.last_trade_id, self.block_number, self.transaction_hash)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> SettlementUpdate:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, flags, state, event_sequence, time_ns, batch, first_trade_id, last_trade_id, block_number, transaction_hash) = _SETTLEMENT_UPDATE.unpack_from(buffer, offset)
        return cls(instrument, flags, state, event_sequence, time_ns, batch, first_trade_id, last_trade_id, block_number, transaction_hash)


_SETTLEMENT_UPDATE = Struct("<HHHHIBB2xQQQQQQ32s")


class _InstrumentPhaseFields(NamedTuple):
    instrument: int
    flags: int
    phase: int
    previous: int
    cause: int
    event_sequence: int
    time_ns: int
    end_ns: int


class InstrumentPhase(_InstrumentPhaseFields):
    """Template 6, block of 32 bytes: the market phase changed, or began anew; end_ns is when an auction ends by itself, 0 if it does not. After a change to Continuous the book may stay crossed until AuctionUncrossed."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 6
    BLOCK_LENGTH: ClassVar[int] = 32

    def encode(self) -> bytes:
        """The SBE message."""
        return _INSTRUMENT_PHASE.pack(32, 6, 72, 2, self.instrument, self.flags, self.phase, self.previous, self.cause, self.event_sequence, self.time_ns, self.end_ns)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> InstrumentPhase:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, flags, phase, previous, cause, event_sequence, time_ns, end_ns) = _INSTRUMENT_PHASE.unpack_from(buffer, offset)
        return cls(instrument, flags, phase, previous, cause, event_sequence, time_ns, end_ns)


_INSTRUMENT_PHASE = Struct("<HHHHIBBBBQQQ")


class _TickBandFields(NamedTuple):
    instrument: int
    flags: int
    band: int
    event_sequence: int
    time_ns: int
    from_ticks: int
    tick_step: int
    lot_step: int


class TickBand(_TickBandFields):
    """Template 7, block of 48 bytes: from this price on prices are multiples of tick_step and quantities of lot_step, up to the next band; from_ticks 0 takes the band away."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 7
    BLOCK_LENGTH: ClassVar[int] = 48

    def encode(self) -> bytes:
        """The SBE message."""
        return _TICK_BAND.pack(48, 7, 72, 2, self.instrument, self.flags, self.band, self.event_sequence, self.time_ns, self.from_ticks, self.tick_step, self.lot_step)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> TickBand:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, flags, band, event_sequence, time_ns, from_ticks, tick_step, lot_step) = _TICK_BAND.unpack_from(buffer, offset)
        return cls(instrument, flags, band, event_sequence, time_ns, from_ticks, tick_step, lot_step)


_TICK_BAND = Struct("<HHHHIBB2xQQqqq")


class _ReferencePriceFields(NamedTuple):
    instrument: int
    flags: int
    event_sequence: int
    time_ns: int
    price_ticks: int
    low_ticks: int
    high_ticks: int


class ReferencePrice(_ReferencePriceFields):
    """Template 8, block of 48 bytes: price_ticks 0: none; trading stays within low_ticks..high_ticks, both 0: no static band."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 8
    BLOCK_LENGTH: ClassVar[int] = 48

    def encode(self) -> bytes:
        """The SBE message."""
        return _REFERENCE_PRICE.pack(48, 8, 72, 2, self.instrument, self.flags, self.event_sequence, self.time_ns, self.price_ticks, self.low_ticks, self.high_ticks)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> ReferencePrice:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, flags, event_sequence, time_ns, price_ticks, low_ticks, high_ticks) = _REFERENCE_PRICE.unpack_from(buffer, offset)
        return cls(instrument, flags, event_sequence, time_ns, price_ticks, low_ticks, high_ticks)


_REFERENCE_PRICE = Struct("<HHHHIB3xQQqqq")


class _DayStatisticsFields(NamedTuple):
    instrument: int
    flags: int
    event_sequence: int
    time_ns: int
    day: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    last_ticks: int
    volume_lots: int
    turnover_low: int
    turnover_high: int
    trades: int


class DayStatistics(_DayStatisticsFields):
    """Template 9, block of 96 bytes: the trades of the day that ends, busted ones too; turnover is the sum of price_ticks x quantity_lots, 128 bits in two words."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 9
    BLOCK_LENGTH: ClassVar[int] = 96

    def encode(self) -> bytes:
        """The SBE message."""
        return _DAY_STATISTICS.pack(96, 9, 72, 2, self.instrument, self.flags, self.event_sequence, self.time_ns, self.day, self.open_ticks, self.high_ticks, self.low_ticks, self.last_ticks, self.volume_lots, self.turnover_low, self.turnover_high, self.trades)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> DayStatistics:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, flags, event_sequence, time_ns, day, open_ticks, high_ticks, low_ticks, last_ticks, volume_lots, turnover_low, turnover_high, trades) = _DAY_STATISTICS.unpack_from(buffer, offset)
        return cls(instrument, flags, event_sequence, time_ns, day, open_ticks, high_ticks, low_ticks, last_ticks, volume_lots, turnover_low, turnover_high, trades)


_DAY_STATISTICS = Struct("<HHHHIB3xQQI4xqqqqQQQQ")


class _OrderAddFields(NamedTuple):
    instrument: int
    flags: int
    side: int
    event_sequence: int
    time_ns: int
    order_id: int
    priority: int
    price_ticks: int
    quantity_lots: int


class OrderAdd(_OrderAddFields):
    """Template 20, block of 56 bytes: goes to the back of its price level; a higher priority number stands further back; quantity_lots is what is shown of the order."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 20
    BLOCK_LENGTH: ClassVar[int] = 56

    def encode(self) -> bytes:
        """The SBE message."""
        return _ORDER_ADD.pack(56, 20, 72, 2, self.instrument, self.flags, self.side, self.event_sequence, self.time_ns, self.order_id, self.priority, self.price_ticks, self.quantity_lots)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> OrderAdd:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, flags, side, event_sequence, time_ns, order_id, priority, price_ticks, quantity_lots) = _ORDER_ADD.unpack_from(buffer, offset)
        return cls(instrument, flags, side, event_sequence, time_ns, order_id, priority, price_ticks, quantity_lots)


_ORDER_ADD = Struct("<HHHHIBB2xQQQQqq")


class _OrderModifyFields(NamedTuple):
    instrument: int
    flags: int
    side: int
    event_sequence: int
    time_ns: int
    order_id: int
    quantity_lots: int


class OrderModify(_OrderModifyFields):
    """Template 21, block of 40 bytes: the shown quantity goes down to quantity_lots, price and priority stay."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 21
    BLOCK_LENGTH: ClassVar[int] = 40

    def encode(self) -> bytes:
        """The SBE message."""
        return _ORDER_MODIFY.pack(40, 21, 72, 2, self.instrument, self.flags, self.side, self.event_sequence, self.time_ns, self.order_id, self.quantity_lots)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> OrderModify:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, flags, side, event_sequence, time_ns, order_id, quantity_lots) = _ORDER_MODIFY.unpack_from(buffer, offset)
        return cls(instrument, flags, side, event_sequence, time_ns, order_id, quantity_lots)


_ORDER_MODIFY = Struct("<HHHHIBB2xQQQq")


class _OrderExecuteFields(NamedTuple):
    instrument: int
    flags: int
    side: int
    event_sequence: int
    time_ns: int
    order_id: int
    trade_id: int
    price_ticks: int
    executed_lots: int
    leaves_lots: int


class OrderExecute(_OrderExecuteFields):
    """Template 22, block of 64 bytes: executed_lots of what a resting order showed were traded; at leaves_lots 0 nothing is shown of it and it is out of the book. The trade itself follows as Trade with the same trade_id."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 22
    BLOCK_LENGTH: ClassVar[int] = 64

    def encode(self) -> bytes:
        """The SBE message."""
        return _ORDER_EXECUTE.pack(64, 22, 72, 2, self.instrument, self.flags, self.side, self.event_sequence, self.time_ns, self.order_id, self.trade_id, self.price_ticks, self.executed_lots, self.leaves_lots)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> OrderExecute:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, flags, side, event_sequence, time_ns, order_id, trade_id, price_ticks, executed_lots, leaves_lots) = _ORDER_EXECUTE.unpack_from(buffer, offset)
        return cls(instrument, flags, side, event_sequence, time_ns, order_id, trade_id, price_ticks, executed_lots, leaves_lots)


_ORDER_EXECUTE = Struct("<HHHHIBB2xQQQQqqq")


class _OrderDeleteFields(NamedTuple):
    instrument: int
    flags: int
    side: int
    event_sequence: int
    time_ns: int
    order_id: int


class OrderDelete(_OrderDeleteFields):
    """Template 23, block of 32 bytes: a resting order left the book without trading."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 23
    BLOCK_LENGTH: ClassVar[int] = 32

    def encode(self) -> bytes:
        """The SBE message."""
        return _ORDER_DELETE.pack(32, 23, 72, 2, self.instrument, self.flags, self.side, self.event_sequence, self.time_ns, self.order_id)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> OrderDelete:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, flags, side, event_sequence, time_ns, order_id) = _ORDER_DELETE.unpack_from(buffer, offset)
        return cls(instrument, flags, side, event_sequence, time_ns, order_id)


_ORDER_DELETE = Struct("<HHHHIBB2xQQQ")


class _TradeFields(NamedTuple):
    instrument: int
    flags: int
    aggressor_side: int
    event_sequence: int
    time_ns: int
    trade_id: int
    price_ticks: int
    quantity_lots: int


class Trade(_TradeFields):
    """Template 24, block of 48 bytes: count volume from these alone; aggressor_side is the taker's, None in an auction; changes no book."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 24
    BLOCK_LENGTH: ClassVar[int] = 48

    def encode(self) -> bytes:
        """The SBE message."""
        return _TRADE.pack(48, 24, 72, 2, self.instrument, self.flags, self.aggressor_side, self.event_sequence, self.time_ns, self.trade_id, self.price_ticks, self.quantity_lots)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> Trade:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, flags, aggressor_side, event_sequence, time_ns, trade_id, price_ticks, quantity_lots) = _TRADE.unpack_from(buffer, offset)
        return cls(instrument, flags, aggressor_side, event_sequence, time_ns, trade_id, price_ticks, quantity_lots)


_TRADE = Struct("<HHHHIBB2xQQQqq")


class _AuctionIndicativeFields(NamedTuple):
    instrument: int
    flags: int
    event_sequence: int
    time_ns: int
    price_ticks: int
    volume_lots: int
    surplus_lots: int


class AuctionIndicative(_AuctionIndicativeFields):
    """Template 25, block of 48 bytes: what the auction would give now; price_ticks 0: nothing; surplus_lots above 0: buy interest left over at that price, below 0: sell interest."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 25
    BLOCK_LENGTH: ClassVar[int] = 48

    def encode(self) -> bytes:
        """The SBE message."""
        return _AUCTION_INDICATIVE.pack(48, 25, 72, 2, self.instrument, self.flags, self.event_sequence, self.time_ns, self.price_ticks, self.volume_lots, self.surplus_lots)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> AuctionIndicative:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, flags, event_sequence, time_ns, price_ticks, volume_lots, surplus_lots) = _AUCTION_INDICATIVE.unpack_from(buffer, offset)
        return cls(instrument, flags, event_sequence, time_ns, price_ticks, volume_lots, surplus_lots)


_AUCTION_INDICATIVE = Struct("<HHHHIB3xQQqqq")


class _AuctionUncrossedFields(NamedTuple):
    instrument: int
    flags: int
    event_sequence: int
    time_ns: int
    price_ticks: int
    volume_lots: int
    surplus_lots: int
    trades: int


class AuctionUncrossed(_AuctionUncrossedFields):
    """Template 26, block of 56 bytes: the auction is over, its trades came before; price_ticks 0: nothing traded."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 26
    BLOCK_LENGTH: ClassVar[int] = 56

    def encode(self) -> bytes:
        """The SBE message."""
        return _AUCTION_UNCROSSED.pack(56, 26, 72, 2, self.instrument, self.flags, self.event_sequence, self.time_ns, self.price_ticks, self.volume_lots, self.surplus_lots, self.trades)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> AuctionUncrossed:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, flags, event_sequence, time_ns, price_ticks, volume_lots, surplus_lots, trades) = _AUCTION_UNCROSSED.unpack_from(buffer, offset)
        return cls(instrument, flags, event_sequence, time_ns, price_ticks, volume_lots, surplus_lots, trades)


_AUCTION_UNCROSSED = Struct("<HHHHIB3xQQqqqQ")


class _TradeBustFields(NamedTuple):
    instrument: int
    flags: int
    event_sequence: int
    time_ns: int
    trade_id: int
    price_ticks: int
    quantity_lots: int


class TradeBust(_TradeBustFields):
    """Template 27, block of 48 bytes: that trade is undone; no book and no statistics change."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 27
    BLOCK_LENGTH: ClassVar[int] = 48

    def encode(self) -> bytes:
        """The SBE message."""
        return _TRADE_BUST.pack(48, 27, 72, 2, self.instrument, self.flags, self.event_sequence, self.time_ns, self.trade_id, self.price_ticks, self.quantity_lots)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> TradeBust:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, flags, event_sequence, time_ns, trade_id, price_ticks, quantity_lots) = _TRADE_BUST.unpack_from(buffer, offset)
        return cls(instrument, flags, event_sequence, time_ns, trade_id, price_ticks, quantity_lots)


_TRADE_BUST = Struct("<HHHHIB3xQQQqq")


class _SnapshotVenueFields(NamedTuple):
    as_of_sequence: int
    event_sequence: int
    time_ns: int
    epoch: int
    day: int
    instruments: int
    state: int
    venue: bytes


class SnapshotVenue(_SnapshotVenueFields):
    """Template 40, block of 56 bytes: first message of every snapshot: state of the whole venue after message as_of_sequence."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 40
    BLOCK_LENGTH: ClassVar[int] = 56

    def encode(self) -> bytes:
        """The SBE message."""
        return _SNAPSHOT_VENUE.pack(56, 40, 72, 2, self.as_of_sequence, self.event_sequence, self.time_ns, self.epoch, self.day, self.instruments, self.state, self.venue)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> SnapshotVenue:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, as_of_sequence, event_sequence, time_ns, epoch, day, instruments, state, venue) = _SNAPSHOT_VENUE.unpack_from(buffer, offset)
        return cls(as_of_sequence, event_sequence, time_ns, epoch, day, instruments, state, venue.rstrip(b"\0"))


_SNAPSHOT_VENUE = Struct("<HHHHQQQIIIB3x16s")


class _SnapshotBeginFields(NamedTuple):
    instrument: int
    orders: int
    as_of_sequence: int
    last_trade_id: int
    details: int = 0


class SnapshotBegin(_SnapshotBeginFields):
    """Template 41, block of 32 bytes: one instrument: its InstrumentDefinition, `details` messages on its state and `orders` SnapshotOrder follow."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 41
    BLOCK_LENGTH: ClassVar[int] = 32

    def encode(self) -> bytes:
        """The SBE message."""
        return _SNAPSHOT_BEGIN.pack(32, 41, 72, 2, self.instrument, self.orders, self.as_of_sequence, self.last_trade_id, self.details)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> SnapshotBegin:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, orders, as_of_sequence, last_trade_id, details) = _SNAPSHOT_BEGIN.unpack_from(buffer, offset)
        return cls(instrument, orders, as_of_sequence, last_trade_id, details)


_SNAPSHOT_BEGIN = Struct("<HHHHIIQQI4x")


class _SnapshotOrderFields(NamedTuple):
    instrument: int
    side: int
    order_id: int
    priority: int
    price_ticks: int
    quantity_lots: int


class SnapshotOrder(_SnapshotOrderFields):
    """Template 42, block of 40 bytes: buys from the best price, then sells from the best price; within a price by priority."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 42
    BLOCK_LENGTH: ClassVar[int] = 40

    def encode(self) -> bytes:
        """The SBE message."""
        return _SNAPSHOT_ORDER.pack(40, 42, 72, 2, self.instrument, self.side, self.order_id, self.priority, self.price_ticks, self.quantity_lots)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> SnapshotOrder:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, side, order_id, priority, price_ticks, quantity_lots) = _SNAPSHOT_ORDER.unpack_from(buffer, offset)
        return cls(instrument, side, order_id, priority, price_ticks, quantity_lots)


_SNAPSHOT_ORDER = Struct("<HHHHIB3xQQqq")


class _SnapshotEndFields(NamedTuple):
    instrument: int
    orders: int
    as_of_sequence: int


class SnapshotEnd(_SnapshotEndFields):
    """Template 43, block of 16 bytes: the instrument is complete."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 43
    BLOCK_LENGTH: ClassVar[int] = 16

    def encode(self) -> bytes:
        """The SBE message."""
        return _SNAPSHOT_END.pack(16, 43, 72, 2, self.instrument, self.orders, self.as_of_sequence)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> SnapshotEnd:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, orders, as_of_sequence) = _SNAPSHOT_END.unpack_from(buffer, offset)
        return cls(instrument, orders, as_of_sequence)


_SNAPSHOT_END = Struct("<HHHHIIQ")


class _SnapshotStatisticsFields(NamedTuple):
    instrument: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    last_ticks: int
    volume_lots: int
    turnover_low: int
    turnover_high: int
    trades: int


class SnapshotStatistics(_SnapshotStatisticsFields):
    """Template 44, block of 72 bytes: one of the details: the trades of the day so far, as in DayStatistics; last_ticks also of earlier days."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 44
    BLOCK_LENGTH: ClassVar[int] = 72

    def encode(self) -> bytes:
        """The SBE message."""
        return _SNAPSHOT_STATISTICS.pack(72, 44, 72, 2, self.instrument, self.open_ticks, self.high_ticks, self.low_ticks, self.last_ticks, self.volume_lots, self.turnover_low, self.turnover_high, self.trades)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> SnapshotStatistics:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, instrument, open_ticks, high_ticks, low_ticks, last_ticks, volume_lots, turnover_low, turnover_high, trades) = _SNAPSHOT_STATISTICS.unpack_from(buffer, offset)
        return cls(instrument, open_ticks, high_ticks, low_ticks, last_ticks, volume_lots, turnover_low, turnover_high, trades)


_SNAPSHOT_STATISTICS = Struct("<HHHHI4xqqqqQQQQ")


class _SnapshotRequestFields(NamedTuple):
    request_id: int
    instrument: int


class SnapshotRequest(_SnapshotRequestFields):
    """Template 50, block of 16 bytes: instrument 0: all of them, as of one sequence."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 50
    BLOCK_LENGTH: ClassVar[int] = 16

    def encode(self) -> bytes:
        """The SBE message."""
        return _SNAPSHOT_REQUEST.pack(16, 50, 72, 2, self.request_id, self.instrument)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> SnapshotRequest:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, request_id, instrument) = _SNAPSHOT_REQUEST.unpack_from(buffer, offset)
        return cls(request_id, instrument)


_SNAPSHOT_REQUEST = Struct("<HHHHQI4x")


class _ReplayRequestFields(NamedTuple):
    request_id: int
    session_id: int
    from_sequence: int
    to_sequence: int


class ReplayRequest(_ReplayRequestFields):
    """Template 51, block of 32 bytes: messages from_sequence..to_sequence, both included."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 51
    BLOCK_LENGTH: ClassVar[int] = 32

    def encode(self) -> bytes:
        """The SBE message."""
        return _REPLAY_REQUEST.pack(32, 51, 72, 2, self.request_id, self.session_id, self.from_sequence, self.to_sequence)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> ReplayRequest:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, request_id, session_id, from_sequence, to_sequence) = _REPLAY_REQUEST.unpack_from(buffer, offset)
        return cls(request_id, session_id, from_sequence, to_sequence)


_REPLAY_REQUEST = Struct("<HHHHQQQQ")


class _RequestCompletedFields(NamedTuple):
    request_id: int
    first_sequence: int
    last_sequence: int
    packets: int


class RequestCompleted(_RequestCompletedFields):
    """Template 52, block of 32 bytes: ends an answer of `packets` packets; a replay may stop before to_sequence: ask for the rest."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 52
    BLOCK_LENGTH: ClassVar[int] = 32

    def encode(self) -> bytes:
        """The SBE message."""
        return _REQUEST_COMPLETED.pack(32, 52, 72, 2, self.request_id, self.first_sequence, self.last_sequence, self.packets)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> RequestCompleted:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, request_id, first_sequence, last_sequence, packets) = _REQUEST_COMPLETED.unpack_from(buffer, offset)
        return cls(request_id, first_sequence, last_sequence, packets)


_REQUEST_COMPLETED = Struct("<HHHHQQQI4x")


class _RequestRejectedFields(NamedTuple):
    request_id: int
    available_from: int
    next_sequence: int
    reason: int


class RequestRejected(_RequestRejectedFields):
    """Template 53, block of 32 bytes: nothing was served; available_from is the oldest message that replay still has."""

    __slots__ = ()
    TEMPLATE_ID: ClassVar[int] = 53
    BLOCK_LENGTH: ClassVar[int] = 32

    def encode(self) -> bytes:
        """The SBE message."""
        return _REQUEST_REJECTED.pack(32, 53, 72, 2, self.request_id, self.available_from, self.next_sequence, self.reason)

    @classmethod
    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> RequestRejected:
        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""
        (_, _, _, _, request_id, available_from, next_sequence, reason) = _REQUEST_REJECTED.unpack_from(buffer, offset)
        return cls(request_id, available_from, next_sequence, reason)


_REQUEST_REJECTED = Struct("<HHHHQQQB7x")


AnyMessage = SessionStart | InstrumentDefinition | TradingStatus | EndOfDay | SettlementUpdate | InstrumentPhase | TickBand | ReferencePrice | DayStatistics | OrderAdd | OrderModify | OrderExecute | OrderDelete | Trade | AuctionIndicative | AuctionUncrossed | TradeBust | SnapshotVenue | SnapshotBegin | SnapshotOrder | SnapshotEnd | SnapshotStatistics | SnapshotRequest | ReplayRequest | RequestCompleted | RequestRejected
BY_TEMPLATE: dict[int, type[AnyMessage]] = {1: SessionStart, 2: InstrumentDefinition, 3: TradingStatus, 4: EndOfDay, 5: SettlementUpdate, 6: InstrumentPhase, 7: TickBand, 8: ReferencePrice, 9: DayStatistics, 20: OrderAdd, 21: OrderModify, 22: OrderExecute, 23: OrderDelete, 24: Trade, 25: AuctionIndicative, 26: AuctionUncrossed, 27: TradeBust, 40: SnapshotVenue, 41: SnapshotBegin, 42: SnapshotOrder, 43: SnapshotEnd, 44: SnapshotStatistics, 50: SnapshotRequest, 51: ReplayRequest, 52: RequestCompleted, 53: RequestRejected}


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
