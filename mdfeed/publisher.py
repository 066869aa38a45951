"""Engine events in, feed messages out: the pure function that the feed is.

Invariant: message n is a function of the engine's events alone, so every publisher that ever runs gives the same
bytes for the same sequence. Messages of one engine command part are one transaction: the last one is flagged, and
none leaves before the part is complete.
"""

from __future__ import annotations

import hashlib

from engine.wire import messages as wire
from mdfeed.book import LAST_IN_TRANSACTION, FeedMessage
from mdfeed.schema.messages import (
    EndOfDay,
    InstrumentDefinition,
    OrderAdd,
    OrderDelete,
    OrderExecute,
    OrderModify,
    SessionStart,
    SettlementUpdate,
    Side,
    Trade,
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
    | wire.Credited
    | wire.CommandRefused
    | wire.TradingStateChanged
    | wire.DayEnded
    | wire.CheckpointBalance
    | wire.CheckpointEnded
    | wire.SettlementStatusChanged
)


def session_id(channel: int, first_event: bytes, salt: int) -> int:
    """Names one history of the engine on one channel: 64 bits of SHA-256 over channel, salt and the bytes of event 1.

    Event 1 holds the venue, the configuration's digest and the moment the engine first started, so another history
    has another id.
    `salt` counts how often a publisher had to disown what it published (mdfeed.continuity).
    """
    seed = b"venue feed" + channel.to_bytes(2, "big") + salt.to_bytes(4, "big") + first_event
    return int.from_bytes(hashlib.sha256(seed).digest()[:8], "big") or 1


class FeedState:
    """Where the feed stands: the messages so far are 1..sequence, made from events 1..event_sequence."""

    def __init__(self) -> None:
        self.sequence = 0
        self.event_sequence = 0
        self._venue_state: int = TradingState.OPEN
        self._day = 0
        self._assets: dict[int, bytes] = {}
        self._instrument_states: dict[int, int] = {}
        self._events: list[Event] = []

    def apply(self, event: Event) -> list[FeedMessage]:
        """The next event; gives the messages of a whole transaction when it was its last event, else nothing."""
        assert event.sequence == self.event_sequence + 1, "events come without gap"
        self.event_sequence = event.sequence
        self._events.append(event)
        if not event.last_in_command:
            return []
        events, self._events = self._events, []
        messages = self._transaction(events)
        self.sequence += len(messages)
        return messages

    def _transaction(self, events: list[Event]) -> list[FeedMessage]:
        """What the command did to resting orders, then what it put into the book: nothing on the way crosses it."""
        messages: list[FeedMessage] = []
        rested: list[FeedMessage] = []
        for event in events:
            if isinstance(event, wire.OrderAccepted):
                if event.rested_lots:
                    rested.append(_add(event))
            elif isinstance(event, wire.Trade):
                messages += [_execute(event), _trade(event)]
            elif isinstance(event, wire.OrderCanceled):
                if event.was_resting:
                    messages.append(_delete(event))
            elif isinstance(event, wire.OrderReplaced):
                messages.append(_modify(event) if event.priority_kept and event.leaves_lots else _delete(event))
                if not event.priority_kept and event.rested_lots:
                    rested.append(_add(event))
            else:
                messages += self._status(event)
        messages += rested
        if messages:
            messages[-1] = messages[-1]._replace(flags=LAST_IN_TRANSACTION)
        return messages

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
        return []  # accounts, sessions, balances and refusals are nobody else's business

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
        )


def _add(event: wire.OrderAccepted | wire.OrderReplaced) -> OrderAdd:
    return OrderAdd(
        instrument=event.instrument,
        flags=0,
        side=event.side,
        event_sequence=event.sequence,
        time_ns=event.time_ns,
        order_id=event.order_id,
        priority=event.command_sequence,
        price_ticks=event.price_ticks,
        quantity_lots=event.rested_lots,
    )


def _modify(event: wire.OrderReplaced) -> OrderModify:
    return OrderModify(
        event.instrument, 0, event.side, event.sequence, event.time_ns, event.order_id, event.leaves_lots
    )


def _delete(event: wire.OrderReplaced | wire.OrderCanceled) -> OrderDelete:
    return OrderDelete(event.instrument, 0, event.side, event.sequence, event.time_ns, event.order_id)


def _execute(event: wire.Trade) -> OrderExecute:
    return OrderExecute(
        instrument=event.instrument,
        flags=0,
        side=Side.SELL if event.taker_side == Side.BUY else Side.BUY,
        event_sequence=event.sequence,
        time_ns=event.time_ns,
        order_id=event.maker_order_id,
        trade_id=event.trade_id,
        price_ticks=event.price_ticks,
        executed_lots=event.quantity_lots,
        leaves_lots=event.maker_leaves_lots,
    )


def _trade(event: wire.Trade) -> Trade:
    return Trade(
        instrument=event.instrument,
        flags=0,
        aggressor_side=event.taker_side,
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
