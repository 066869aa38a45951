"""Follows the engine's events from the first one and adds them up, independently of every daemon: what the demo holds
the others against.

Keeps its own sums of balances from Credited, Trade, TradeBusted and Transferred alone, and requires every checkpoint of
the engine to agree with them to the unit.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import cast

import zmq

from engine.wire.client import EngineEvents, event_epoch, event_sequence
from engine.wire.endpoints import EngineEndpoints
from engine.wire.messages import (
    CheckpointBalance,
    CheckpointEnded,
    Credited,
    InstrumentDefined,
    OrderRefilled,
    Role,
    SettlementState,
    SettlementStatusChanged,
    Side,
    Trade,
    TradeBusted,
    Transferred,
    decode,
)
from mdfeed.publisher import Event, FeedState, refill_id

Pair = tuple[int, int]  # account, asset


@dataclass
class Audit:
    """Sums over the event stream up to `sequence`. Balances are in engine units, available and reserved together."""

    context: zmq.Context[zmq.Socket[bytes]]
    endpoints: EngineEndpoints
    fee_account: int
    sequence: int = 0
    epoch: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    balances: defaultdict[Pair, int] = field(default_factory=lambda: defaultdict(int))
    trades: list[Trade] = field(default_factory=list)
    credits: list[Credited] = field(default_factory=list)
    final_through: int = 0
    batches_final: int = 0
    checkpoints: int = 0
    public_ids: dict[int, int] = field(default_factory=dict)  # of icebergs that were refilled, by OrderID
    last_public_event: int = 0  # the last event that a subscriber of the feed hears of
    differences: list[str] = field(default_factory=list)
    _instruments: dict[int, InstrumentDefined] = field(default_factory=dict)
    _checkpoint: dict[Pair, int] = field(default_factory=dict)
    _feed: FeedState = field(default_factory=FeedState)

    def __post_init__(self) -> None:
        self._events = EngineEvents(self.context, self.endpoints, Role.READER, "audit")

    def close(self) -> None:
        self._events.close()

    def poll(self, timeout_ms: int) -> None:
        """Takes in what has come, waiting up to timeout_ms for something."""
        for item in self._events.poll(timeout_ms):
            if isinstance(item, memoryview):
                self.take(item)

    @property
    def caught_up(self) -> bool:
        return self._events.caught_up

    @property
    def unsettled_trades(self) -> int:
        """Trades that no final batch covers yet."""
        return sum(1 for trade in self.trades if trade.sequence > self.final_through)

    def take(self, view: memoryview) -> None:
        """The next event."""
        sequence = event_sequence(view)
        if sequence != self.sequence + 1:
            self.differences.append(f"event {sequence} follows {self.sequence}")
        self.sequence, self.epoch = sequence, event_epoch(view)
        event = decode(view)
        self.counts[type(event).__name__] += 1
        messages = self._feed.apply(cast(Event, event))
        self.last_public_event = max([self.last_public_event, *(message.event_sequence for message in messages)])
        if isinstance(event, InstrumentDefined):
            self._instruments[event.instrument] = event
        elif isinstance(event, Credited):
            self.credits.append(event)
            self.balances[event.account, event.asset] += event.amount_units
        elif isinstance(event, Trade):
            self._add_trade(event)
        elif isinstance(event, TradeBusted):
            self._add_bust(event)
        elif isinstance(event, Transferred):
            self.balances[event.from_account, event.asset] -= event.amount_units
            self.balances[event.to_account, event.asset] += event.amount_units
        elif isinstance(event, OrderRefilled):
            self.public_ids[event.order_id] = refill_id(sequence)
        elif isinstance(event, CheckpointBalance):
            self._checkpoint[event.account, event.asset] = event.available_units + event.reserved_units
        elif isinstance(event, CheckpointEnded):
            self._compare_checkpoint(event)
        elif isinstance(event, SettlementStatusChanged) and event.state == SettlementState.FINAL:
            self.final_through = event.last_sequence
            self.batches_final += 1

    def _add_trade(self, trade: Trade) -> None:
        instrument = self._instruments[trade.instrument]
        taker_buys = trade.taker_side == Side.BUY
        buyer, buyer_fee, seller, seller_fee = (
            (trade.taker_account, trade.taker_fee_units, trade.maker_account, trade.maker_fee_units)
            if taker_buys
            else (trade.maker_account, trade.maker_fee_units, trade.taker_account, trade.taker_fee_units)
        )
        base_units = trade.quantity_lots * instrument.lot_units
        notional = trade.price_ticks * trade.quantity_lots * instrument.tick_units
        if notional != trade.notional_units:
            self.differences.append(f"trade {trade.trade_id}: notional {trade.notional_units}, expected {notional}")
        self.balances[buyer, instrument.base] += base_units
        self.balances[seller, instrument.base] -= base_units
        self.balances[buyer, instrument.quote] -= notional + buyer_fee
        self.balances[seller, instrument.quote] += notional - seller_fee
        self.balances[self.fee_account, instrument.quote] += buyer_fee + seller_fee
        self.trades.append(trade)

    def _add_bust(self, bust: TradeBusted) -> None:
        """The trade backwards, each side by whoever stands for it."""
        instrument = self._instruments[bust.instrument]
        base_units = bust.quantity_lots * instrument.lot_units
        self.balances[bust.buyer_side_account, instrument.base] -= base_units
        self.balances[bust.seller_side_account, instrument.base] += base_units
        self.balances[bust.buyer_side_account, instrument.quote] += bust.notional_units + bust.buyer_fee_units
        self.balances[bust.seller_side_account, instrument.quote] -= bust.notional_units - bust.seller_fee_units
        self.balances[self.fee_account, instrument.quote] -= bust.buyer_fee_units + bust.seller_fee_units

    def _compare_checkpoint(self, event: CheckpointEnded) -> None:
        self.checkpoints += 1
        ours = {pair: units for pair, units in self.balances.items() if units}
        if ours != self._checkpoint:
            pairs = sorted(set(ours) | set(self._checkpoint))
            wrong = [
                f"{p}: {ours.get(p, 0)} / {self._checkpoint.get(p, 0)}"
                for p in pairs
                if ours.get(p) != self._checkpoint.get(p)
            ]
            self.differences.append(f"checkpoint {event.checkpoint} (audit / engine): {'; '.join(wrong)}")
        self._checkpoint = {}
