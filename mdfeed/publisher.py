"""Engine events in, feed messages out: the pure function that the feed is.

Invariant: message n is a function of the engine's events alone, so every publisher that ever runs gives the same
bytes for the same sequence. Messages of one engine command part are one transaction: the last one is flagged, and
none leaves before the part is complete. Public is what the book shows: no dormant order, no hidden part of an iceberg,
no owner; and what each event says of an order before it must be what the events before made of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from engine.wire import messages as wire
from mdfeed.book import LAST_IN_TRANSACTION, FeedMessage
from mdfeed.schema.messages import (
    AuctionIndicative,
    AuctionUncrossed,
    DayStatistics,
    EndOfDay,
    InstrumentDefinition,
    InstrumentPhase,
    OrderAdd,
    OrderDelete,
    OrderExecute,
    OrderModify,
    Phase,
    ReferencePrice,
    SessionStart,
    SettlementUpdate,
    Side,
    TickBand,
    Trade,
    TradeBust,
    TradingState,
    TradingStatus,
)

Event = (
    wire.EpochStarted
    | wire.LimitsDefined
    | wire.AssetDefined
    | wire.InstrumentDefined
    | wire.AccountDefined
    | wire.SessionDefined
    | wire.SessionAttached
    | wire.OrderAccepted
    | wire.OrderRejected
    | wire.OrderReplaced
    | wire.OrderCanceled
    | wire.CancelRejected
    | wire.Trade
    | wire.OrderTriggered
    | wire.OrderRefilled
    | wire.OrderReduced
    | wire.MassCanceled
    | wire.Credited
    | wire.CommandRefused
    | wire.TradingStateChanged
    | wire.DayEnded
    | wire.CheckpointBalance
    | wire.CheckpointEnded
    | wire.SettlementStatusChanged
    | wire.PhaseChanged
    | wire.AuctionIndicative
    | wire.AuctionUncrossed
    | wire.ReferencePriceChanged
    | wire.ScheduleDefined
    | wire.TickBandDefined
    | wire.FeeScheduleDefined
    | wire.RiskLimitsDefined
    | wire.MarketMakerProtectionDefined
    | wire.MarketMakerProtectionChanged
    | wire.KillSwitchChanged
    | wire.Transferred
    | wire.TradeBusted
    | wire.StatisticsRecorded
)
Entrance = wire.OrderAccepted | wire.OrderReplaced | wire.OrderTriggered  # of an order that may rest afterwards

REFILL_SLOT = 1 << 31  # OrderIDs hold a slot below this in their low 32 bits
WORD = 2**64


def session_id(channel: int, first_event: bytes, salt: int) -> int:
    """Names one history of the engine on one channel: 64 bits of SHA-256 over channel, salt and the bytes of event 1.

    Event 1 holds the venue, the configuration's digest and the moment the engine first started, so another history
    has another id.
    `salt` counts how often a publisher had to disown what it published (mdfeed.continuity).
    """
    seed = b"venue feed" + channel.to_bytes(2, "big") + salt.to_bytes(4, "big") + first_event
    return int.from_bytes(hashlib.sha256(seed).digest()[:8], "big") or 1


def refill_id(event_sequence: int) -> int:
    """The public id of what an iceberg shows next: the refill's own, and never an OrderID."""
    return event_sequence // REFILL_SLOT << 32 | REFILL_SLOT | event_sequence % REFILL_SLOT


@dataclass(slots=True)
class _Shown:
    """What the public sees of one order in the book."""

    public_id: int
    displayed_lots: int


class FeedState:
    """Where the feed stands: the messages so far are 1..sequence, made from events 1..event_sequence."""

    def __init__(self) -> None:
        self.sequence = 0
        self.event_sequence = 0
        self._venue_state: int = TradingState.OPEN
        self._day = 0
        self._assets: dict[int, bytes] = {}
        self._instrument_states: dict[int, int] = {}
        self._phases: dict[int, int] = {}
        self._tick_units: dict[int, int] = {}
        self._shown: dict[int, _Shown] = {}
        self._to_refill: set[int] = set()  # icebergs whose visible part is traded away and not yet followed by the next
        self._entering: tuple[Entrance, int] | None = None  # with the public id it will have
        self._events: list[Event] = []

    def apply(self, event: Event) -> list[FeedMessage]:
        """The next event; gives the messages of a whole transaction when it was its last event, else nothing."""
        assert event.sequence == self.event_sequence + 1, "events come without gap"
        self.event_sequence = event.sequence
        self._events.append(event)
        if not event.last_in_command:
            return []
        events, self._events = self._events, []
        messages = [message for event in events for message in self._made_of(event)]
        messages += self._enter()
        assert not self._to_refill, "an iceberg shows its next part before its command is over"
        if messages:
            messages[-1] = messages[-1]._replace(flags=LAST_IN_TRANSACTION)
        self.sequence += len(messages)
        return messages

    def _made_of(self, event: Event) -> list[FeedMessage]:
        """Messages of one event; what an order leaves in the book comes after what it did there, so it crosses none."""
        if isinstance(event, wire.OrderAccepted):
            return self._begin_entering(event, event.order_id)
        if isinstance(event, wire.Trade):
            return self._traded(event)
        if isinstance(event, wire.OrderCanceled):
            return self._canceled(event) if event.was_resting else []
        if isinstance(event, wire.OrderReplaced):
            return self._replaced(event)
        if isinstance(event, wire.OrderRefilled):
            return [self._refilled(event)]
        if isinstance(event, wire.OrderTriggered):
            return self._begin_entering(event, event.order_id)
        if isinstance(event, wire.OrderReduced):
            return self._lowered(event, event.displayed_lots) if event.was_resting else []
        return self._status(event)

    def _begin_entering(self, event: Entrance, public_id: int) -> list[FeedMessage]:
        """What the order leaves in the book is told once it has traded: at the end, or when the next one starts."""
        entered = self._enter()
        if event.displayed_lots:
            self._entering = event, public_id
        return entered

    def _enter(self) -> list[FeedMessage]:
        if self._entering is None:
            return []
        (event, public_id), self._entering = self._entering, None
        return [self._show(event, public_id)]

    def _show(self, event: Entrance | wire.OrderRefilled, public_id: int) -> OrderAdd:
        """A visible part at the back of its level."""
        assert event.order_id not in self._shown, "an order is in the book once"
        assert event.displayed_lots > 0
        self._shown[event.order_id] = _Shown(public_id, event.displayed_lots)
        return OrderAdd(
            instrument=event.instrument,
            flags=0,
            side=event.side,
            event_sequence=event.sequence,
            time_ns=event.time_ns,
            order_id=public_id,
            priority=event.command_sequence,
            price_ticks=event.price_ticks,
            quantity_lots=event.displayed_lots,
        )

    def _refilled(self, event: wire.OrderRefilled) -> OrderAdd:
        self._to_refill.remove(event.order_id)
        return self._show(event, refill_id(event.sequence))

    def _replaced(self, event: wire.OrderReplaced) -> list[FeedMessage]:
        shown = self._shown.get(event.order_id)
        assert event.old_displayed_lots == (shown.displayed_lots if shown else 0)
        if shown is None:
            return []  # a dormant order stays one
        if event.priority_kept and event.displayed_lots:
            return self._lowered(event, event.displayed_lots)
        del self._shown[event.order_id]
        return [_delete(event, shown.public_id), *self._begin_entering(event, shown.public_id)]

    def _lowered(self, event: wire.OrderReplaced | wire.OrderReduced, displayed_lots: int) -> list[FeedMessage]:
        """The visible part shrinks in place; a change of the hidden part alone is nobody else's business."""
        shown = self._shown[event.order_id]
        assert 0 < displayed_lots <= shown.displayed_lots
        if displayed_lots == shown.displayed_lots:
            return []
        shown.displayed_lots = displayed_lots
        return [
            OrderModify(event.instrument, 0, event.side, event.sequence, event.time_ns, shown.public_id, displayed_lots)
        ]

    def _canceled(self, event: wire.OrderCanceled) -> list[FeedMessage]:
        shown = self._shown.pop(event.order_id)
        assert shown.displayed_lots == event.displayed_lots
        return [_delete(event, shown.public_id)]

    def _traded(self, event: wire.Trade) -> list[FeedMessage]:
        """In an auction both orders were in the book, and what traded of either may have been hidden."""
        maker_side = Side.SELL if event.taker_side == Side.BUY else Side.BUY
        maker = event.maker_order_id, event.maker_displayed_lots, event.maker_leaves_lots
        messages = self._executed(event, maker_side, *maker)
        if event.auction:
            taker = event.taker_order_id, event.taker_displayed_lots, event.taker_leaves_lots
            messages += self._executed(event, event.taker_side, *taker)
        return [*messages, _trade(event)]

    def _executed(
        self, event: wire.Trade, side: int, order_id: int, displayed_lots: int, leaves_lots: int
    ) -> list[FeedMessage]:
        shown = self._shown[order_id]
        executed_lots = shown.displayed_lots - displayed_lots
        assert 0 <= executed_lots <= event.quantity_lots and 0 <= displayed_lots <= leaves_lots
        assert event.auction or executed_lots == event.quantity_lots, "outside auctions only what is visible trades"
        shown.displayed_lots = displayed_lots
        if displayed_lots == 0:
            del self._shown[order_id]
            if leaves_lots:
                assert not event.auction, "in an auction the hidden part goes first"
                self._to_refill.add(order_id)
        if executed_lots == 0:
            return []
        return [
            OrderExecute(
                instrument=event.instrument,
                flags=0,
                side=side,
                event_sequence=event.sequence,
                time_ns=event.time_ns,
                order_id=shown.public_id,
                trade_id=event.trade_id,
                price_ticks=event.price_ticks,
                executed_lots=executed_lots,
                leaves_lots=displayed_lots,
            )
        ]

    def _status(self, event: Event) -> list[FeedMessage]:
        if isinstance(event, wire.EpochStarted):
            return self._started(event)
        if isinstance(event, wire.AssetDefined):
            self._assets[event.asset] = event.symbol
            return []
        if isinstance(event, wire.InstrumentDefined):
            return [self._definition(event)]
        if isinstance(event, wire.TradingStateChanged):
            return [self._changed(event.instrument, event.state, event)]
        if isinstance(event, wire.DayEnded):
            self._day = event.day
            return [EndOfDay(0, 0, event.sequence, event.time_ns, event.day, event.expired_orders)]
        if isinstance(event, wire.SettlementStatusChanged):
            return [_settlement(event)]
        return self._market(event)

    def _market(self, event: Event) -> list[FeedMessage]:
        """Phases, auctions, reference prices, busts and statistics of one instrument."""
        if isinstance(event, wire.PhaseChanged):
            return [self._phase(event)]
        if isinstance(event, wire.AuctionIndicative):
            return [AuctionIndicative(*_head(event), event.price_ticks, event.volume_lots, event.surplus_lots)]
        if isinstance(event, wire.AuctionUncrossed):
            result = event.price_ticks, event.volume_lots, event.surplus_lots, event.trades
            return [AuctionUncrossed(*_head(event), *result)]
        if isinstance(event, wire.ReferencePriceChanged):
            return [ReferencePrice(*_head(event), event.price_ticks, event.low_ticks, event.high_ticks)]
        if isinstance(event, wire.TradeBusted):
            return [TradeBust(*_head(event), event.trade_id, event.price_ticks, event.quantity_lots)]
        if isinstance(event, wire.StatisticsRecorded):
            return [self._statistics(event)]
        if isinstance(event, wire.TickBandDefined):
            return [_tick_band(event)]
        return []  # accounts, sessions, balances, limits, fees and refusals are nobody else's business

    def _phase(self, event: wire.PhaseChanged) -> InstrumentPhase:
        assert event.previous == self._phases[event.instrument]
        self._phases[event.instrument] = event.phase
        return InstrumentPhase(
            instrument=event.instrument,
            flags=0,
            phase=event.phase,
            previous=event.previous,
            cause=event.cause,
            event_sequence=event.sequence,
            time_ns=event.time_ns,
            end_ns=event.end_ns,
        )

    def _statistics(self, event: wire.StatisticsRecorded) -> DayStatistics:
        """The turnover in ticks x lots: what a tick and a lot are worth is in the definition."""
        units = event.turnover_high << 64 | event.turnover_low
        turnover, rest = divmod(units, self._tick_units[event.instrument])
        assert rest == 0, "every notional is a multiple of tick_units"
        return DayStatistics(
            instrument=event.instrument,
            flags=0,
            event_sequence=event.sequence,
            time_ns=event.time_ns,
            day=event.day,
            open_ticks=event.open_ticks,
            high_ticks=event.high_ticks,
            low_ticks=event.low_ticks,
            last_ticks=event.last_ticks,
            volume_lots=event.volume_lots,
            turnover_low=turnover % WORD,
            turnover_high=turnover // WORD,
            trades=event.trades,
        )

    def _started(self, event: wire.EpochStarted) -> list[FeedMessage]:
        """An unclean start makes an open venue cancel-only without an event of its own (docs/ENGINE.md section 3)."""
        changed: list[FeedMessage] = []
        if event.unclean and self._venue_state == TradingState.OPEN:
            changed.append(self._changed(0, TradingState.CANCEL_ONLY, event))
        start = SessionStart(
            instrument=0,
            flags=0,
            unclean=event.unclean,
            event_sequence=event.sequence,
            time_ns=event.time_ns,
            epoch=event.started_epoch,
            rules_version=event.rules_version,
            venue=event.venue,
            day=self._day,
            state=self._venue_state,
        )
        return [start, *changed]

    def _changed(
        self, instrument: int, state: int, event: wire.TradingStateChanged | wire.EpochStarted
    ) -> TradingStatus:
        previous = self._instrument_states[instrument] if instrument else self._venue_state
        if instrument:
            self._instrument_states[instrument] = state
        else:
            self._venue_state = state
        return TradingStatus(instrument, 0, state, event.sequence, event.time_ns, previous)

    def _definition(self, event: wire.InstrumentDefined) -> InstrumentDefinition:
        self._tick_units[event.instrument] = event.tick_units
        return InstrumentDefinition(
            instrument=event.instrument,
            flags=0,
            state=self._instrument_states.setdefault(event.instrument, TradingState.OPEN),
            tick_exponent=event.tick_exponent,
            lot_exponent=event.lot_exponent,
            event_sequence=event.sequence,
            time_ns=event.time_ns,
            tick_mantissa=event.tick_mantissa,
            lot_mantissa=event.lot_mantissa,
            price_min_ticks=event.price_min_ticks,
            price_max_ticks=event.price_max_ticks,
            quantity_max_lots=event.quantity_max_lots,
            protection_ticks=event.protection_ticks,
            maker_fee_ppm=event.maker_fee_ppm,
            taker_fee_ppm=event.taker_fee_ppm,
            symbol=event.symbol,
            base=self._assets[event.base],
            quote=self._assets[event.quote],
            notional_max_units=event.notional_max_units,
            quantity_min_lots=event.quantity_min_lots,
            notional_min_units=event.notional_min_units,
            static_band_ppm=event.static_band_ppm,
            dynamic_band_ppm=event.dynamic_band_ppm,
            volatility_auction_ms=event.volatility_auction_ms,
            phase=self._phases.setdefault(event.instrument, event.initial_phase or Phase.CONTINUOUS),
        )


def _head(
    event: wire.AuctionIndicative | wire.AuctionUncrossed | wire.ReferencePriceChanged | wire.TradeBusted,
) -> tuple[int, int, int, int]:
    """Instrument, flags, event sequence and time, with which most messages begin."""
    return event.instrument, 0, event.sequence, event.time_ns


def _delete(event: wire.OrderReplaced | wire.OrderCanceled, public_id: int) -> OrderDelete:
    return OrderDelete(event.instrument, 0, event.side, event.sequence, event.time_ns, public_id)


def _tick_band(event: wire.TickBandDefined) -> TickBand:
    steps = event.from_ticks, event.tick_step, event.lot_step
    return TickBand(event.instrument, 0, event.band, event.sequence, event.time_ns, *steps)


def _trade(event: wire.Trade) -> Trade:
    return Trade(
        instrument=event.instrument,
        flags=0,
        aggressor_side=Side.NONE if event.auction else event.taker_side,
        event_sequence=event.sequence,
        time_ns=event.time_ns,
        trade_id=event.trade_id,
        price_ticks=event.price_ticks,
        quantity_lots=event.quantity_lots,
    )


def _settlement(event: wire.SettlementStatusChanged) -> SettlementUpdate:
    return SettlementUpdate(
        instrument=0,
        flags=0,
        state=event.state,
        event_sequence=event.sequence,
        time_ns=event.time_ns,
        batch=event.batch,
        first_trade_id=event.first_sequence,
        last_trade_id=event.last_sequence,
        block_number=event.block_number,
        transaction_hash=event.transaction_hash,
    )
