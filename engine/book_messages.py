"""The commands and events of the reference core, and how a message is read: None unless it is whole and well-formed."""

from __future__ import annotations

from functools import lru_cache

from engine.wire.messages import (
    DATA_LENGTH,
    DATA_MAX,
    HEADER,
    SCHEMA_ID,
    AccountDefined,
    AccountSet,
    AssetDefined,
    AssetSet,
    AuctionIndicative,
    AuctionUncrossed,
    CancelOrder,
    CancelRejected,
    Checkpoint,
    CheckpointBalance,
    CheckpointEnded,
    ClockTick,
    CommandRefused,
    Continue,
    Credit,
    Credited,
    DayEnded,
    EndOfDay,
    EpochStart,
    EpochStarted,
    FeeScheduleDefined,
    FeeScheduleSet,
    InstrumentDefined,
    InstrumentSet,
    KillSwitchChanged,
    KillSwitchSet,
    LimitsDefined,
    LimitsSet,
    MarketMakerProtectionChanged,
    MarketMakerProtectionDefined,
    MarketMakerProtectionReset,
    MarketMakerProtectionSet,
    MassCancel,
    MassCanceled,
    NewOrder,
    OperatorCancel,
    OrderAccepted,
    OrderCanceled,
    OrderReduced,
    OrderRefilled,
    OrderRejected,
    OrderReplaced,
    OrderTriggered,
    PhaseChanged,
    PhaseSet,
    ReferencePriceChanged,
    ReferencePriceSet,
    ReplaceOrder,
    RiskLimitsDefined,
    RiskLimitsSet,
    ScheduleDefined,
    ScheduleSet,
    SessionAttach,
    SessionAttached,
    SessionDefined,
    SessionSet,
    SettlementStatus,
    SettlementStatusChanged,
    StateHash,
    StatisticsRecorded,
    TickBandDefined,
    TickBandSet,
    Trade,
    TradeBust,
    TradeBusted,
    TradingStateChanged,
    TradingStateSet,
    Transfer,
    Transferred,
)

ReferenceData = (
    LimitsSet
    | AssetSet
    | InstrumentSet
    | AccountSet
    | SessionSet
    | ScheduleSet
    | TickBandSet
    | FeeScheduleSet
    | RiskLimitsSet
    | MarketMakerProtectionSet
)
ClientCommand = NewOrder | CancelOrder | ReplaceOrder | MassCancel
AdminCommand = (
    TradingStateSet
    | EndOfDay
    | PhaseSet
    | ReferencePriceSet
    | MarketMakerProtectionReset
    | KillSwitchSet
    | OperatorCancel
    | Transfer
    | TradeBust
)
SettlementCommand = Credit | Checkpoint | SettlementStatus
LoopCommand = EpochStart | Continue | StateHash | ClockTick
Command = ReferenceData | ClientCommand | AdminCommand | SettlementCommand | LoopCommand | SessionAttach
Event = (
    EpochStarted
    | LimitsDefined
    | AssetDefined
    | InstrumentDefined
    | AccountDefined
    | SessionDefined
    | ScheduleDefined
    | TickBandDefined
    | FeeScheduleDefined
    | RiskLimitsDefined
    | MarketMakerProtectionDefined
    | SessionAttached
    | OrderAccepted
    | OrderRejected
    | OrderReplaced
    | OrderCanceled
    | CancelRejected
    | Trade
    | OrderTriggered
    | OrderRefilled
    | OrderReduced
    | MassCanceled
    | MarketMakerProtectionChanged
    | KillSwitchChanged
    | Credited
    | Transferred
    | TradeBusted
    | CommandRefused
    | TradingStateChanged
    | PhaseChanged
    | AuctionIndicative
    | AuctionUncrossed
    | ReferencePriceChanged
    | DayEnded
    | StatisticsRecorded
    | CheckpointBalance
    | CheckpointEnded
    | SettlementStatusChanged
)
COMMANDS: dict[int, type[Command]] = {
    kind.TEMPLATE_ID: kind
    for kind in (
        EpochStart,
        LimitsSet,
        AssetSet,
        InstrumentSet,
        AccountSet,
        SessionSet,
        ScheduleSet,
        TickBandSet,
        FeeScheduleSet,
        RiskLimitsSet,
        MarketMakerProtectionSet,
        Credit,
        Checkpoint,
        SettlementStatus,
        TradingStateSet,
        EndOfDay,
        PhaseSet,
        ReferencePriceSet,
        MarketMakerProtectionReset,
        KillSwitchSet,
        OperatorCancel,
        Transfer,
        TradeBust,
        Continue,
        ClockTick,
        StateHash,
        SessionAttach,
        NewOrder,
        CancelOrder,
        ReplaceOrder,
        MassCancel,
    )
}


@lru_cache(maxsize=1)  # checked and then applied
def parse(message: bytes) -> Command | None:
    """The command in a message, None when malformed. A newer, longer block is fine; trailing bytes are not."""
    if len(message) < HEADER.size:
        return None
    block_length, template_id, schema_id, _ = HEADER.unpack_from(message)
    kind = COMMANDS.get(template_id)
    if schema_id != SCHEMA_ID or kind is None or block_length < kind.BLOCK_LENGTH:
        return None
    end = HEADER.size + block_length
    if kind is NewOrder or kind is ReplaceOrder:
        if len(message) < end + DATA_LENGTH.size:
            return None
        (data_length,) = DATA_LENGTH.unpack_from(message, end)
        if data_length > DATA_MAX:
            return None
        end += DATA_LENGTH.size + data_length
    return kind.decode(message) if len(message) == end else None
