"""The reference core: the rules of the venue in plain Python, made to be read; docs/ENGINE.md in executable form.

It holds no clock and no I/O. The C core (engine/native) must give the same events and the same state hash for the same
commands; tests/property holds both to that.

Where to start: HANDLERS lists the commands; a new order goes the way book_orders.new_order, book_matching.enter. The
parts: book_state (what is held), book_check (verdicts), book_orders, book_matching, book_auction, book_phases,
book_jobs (work in slices), book_operations (money and mass cancels), book_reference, book_records (the state hash).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from engine.book_check import Check, Verdict, check
from engine.book_hash import mix128
from engine.book_jobs import continue_work, end_part
from engine.book_messages import Command, Event, parse
from engine.book_operations import (
    begin_checkpoint,
    begin_end_of_day,
    bust_trade,
    credit,
    mass_cancel,
    operator_cancel,
    reset_protection,
    set_kill_switch,
    settlement_status,
    transfer,
)
from engine.book_orders import cancel_order, new_order, replace_order
from engine.book_phases import clock_tick, next_timer_ns, set_operator_reference_price, set_phase, set_trading_state
from engine.book_records import state_hash, state_hash_from_scratch
from engine.book_reference import SETTERS, set_reference_data
from engine.book_state import (
    RULES_VERSION,
    Capacity,
    Divergence,
    Exposure,
    Order,
    Page,
    Stamp,
    Standing,
    State,
    clordid_key,
)
from engine.wire.messages import (
    CancelOrder,
    Checkpoint,
    ClockTick,
    Continue,
    Credit,
    EndOfDay,
    EpochStart,
    EpochStarted,
    KillSwitchSet,
    MarketMakerProtectionReset,
    MassCancel,
    NewOrder,
    OperatorCancel,
    PhaseSet,
    ReferencePriceSet,
    ReplaceOrder,
    SessionAttach,
    SessionAttached,
    SettlementStatus,
    Side,
    StateHash,
    TradeBust,
    TradingState,
    TradingStateSet,
    Transfer,
)

__all__ = [
    "RULES_VERSION",
    "Capacity",
    "Check",
    "Command",
    "Divergence",
    "Event",
    "Order",
    "ReferenceCore",
    "Verdict",
    "clordid_key",
    "mix128",
    "parse",
]


class ReferenceCore(State):
    """The venue's state and the two things one can do with it: check a message, apply a command.

    Single-threaded, deterministic: state is a function of the applied commands alone.
    """

    def check(self, role: int, message: bytes) -> Check:
        """Judges a message that came in by `role` before it is sequenced; changes nothing."""
        return check(self, role, message)

    def apply(self, sequence: int, epoch: int, time_ns: int, message: bytes) -> list[Event]:
        """Applies a checked message; returns its events in order, the last one flagged.

        Raises Divergence for a StateHash that differs.
        """
        command = parse(message)
        assert command is not None, "apply takes only what check let pass"
        assert not self.pending or isinstance(command, Continue), "unfinished work must be continued first"
        self.stamp = Stamp(sequence, epoch, time_ns)
        self.events = []
        self.look_for_stops = 0
        HANDLERS[type(command)](self, command)
        end_part(self)
        assert len(self.events) <= self.events_per_part, "a part yields no more than its limit"
        if self.events:
            self.events[-1] = self.events[-1]._replace(last_in_command=1)
        return self.events

    # What can be asked. Nothing here changes state.

    @property
    def pending(self) -> bool:
        """True while Continue must be the next command."""
        return self.job is not None or bool(self.tripped) or self.election != 0

    def next_timer_ns(self) -> int:
        """When the loop must apply the next ClockTick; 0 when nothing is due ever."""
        return next_timer_ns(self)

    def total(self, asset: int) -> int:
        """All there is of an asset in the venue; only Credit changes it."""
        return self.totals.get(asset, 0)

    def book(self, instrument: int, side: int) -> list[Order]:
        """The working orders of one side in priority order; visible_lots of each is what the market sees."""
        held = self.instruments.get(instrument)
        return list(held.ladders[side - 1]) if held and side in (Side.BUY, Side.SELL) else []

    def pages_in_use(self) -> set[Page]:
        """The price pages that hold at least one order."""
        return set(self.pages)

    @property
    def orders_in_use(self) -> int:
        """How many orders are open."""
        return len(self.orders)

    def state_hash(self) -> int:
        """128 bits over all of the state."""
        return state_hash(self)

    def audit(self) -> None:
        """Computes from orders and balances alone whatever is kept beside them; AssertionError if it differs."""
        assert state_hash(self) == state_hash_from_scratch(self)
        reserved: Counter[tuple[int, int]] = Counter()
        exposures: dict[tuple[int, int], list[int]] = {}
        for order in self.orders.values():
            units = self.reservation_units(order, order.price_ticks, order.leaves_lots)
            assert units == order.reserved_units and order.leaves_lots == order.counted_lots > 0
            assert self.by_clordid[order.session, order.clordid] is order
            assert order.standing != Standing.NOWHERE and order.visible_lots <= order.leaves_lots
            reserved[order.account, self.reserved_asset(order)] += units
            open_lots = exposures.setdefault((order.account, order.instrument), [0, 0])
            open_lots[order.side - 1] += order.leaves_lots
        for pair, exposure in self.exposures.items():
            assert [exposure.open_buy_lots, exposure.open_sell_lots] == exposures.get(pair, [0, 0])
        totals: Counter[int] = Counter()
        for (account, asset), balance in self.balances.items():
            assert balance.available_units >= 0 and balance.reserved_units == reserved[account, asset]
            totals[asset] += balance.available_units + balance.reserved_units
        assert all(self.total(asset) == totals[asset] for asset in self.assets), "money is neither made nor lost"
        assert self.pages == Counter(self._pages_of_orders())
        assert len(self.by_clordid) == len(self.orders) == sum(len(a.orders) for a in self.accounts.values())
        assert len(self.orders) == sum(session.open_orders for session in self.sessions.values())
        standing = sum(1 for i in self.instruments.values() for ladder in i.ladders for _ in ladder)
        assert standing + sum(len(i.parked) for i in self.instruments.values()) == len(self.orders)

    def _pages_of_orders(self) -> Iterator[Page]:
        for order in self.orders.values():
            if order.standing == Standing.BOOK:
                yield order.book_page
            elif order.standing == Standing.STOPS:
                yield order.stop_page

    def exposure(self, account: int, instrument: int) -> Exposure:
        """Position and open lots of a pair; zeros when there is none."""
        return self.exposures.get((account, instrument), Exposure())


def _attach(core: State, command: SessionAttach) -> None:
    """A new generation: whoever held the session before can do nothing any more."""
    session = core.sessions[command.session]
    session.mix = None
    session.generation += 1
    session.gateway = command.gateway
    session.gateway_instance = command.gateway_instance
    session.token = command.token
    if command.reset:
        session.session_epoch += 1
        session.last_client_seq = 0
    core.emit(
        SessionAttached(
            *core.head(),
            session=command.session,
            session_epoch=session.session_epoch,
            generation=session.generation,
            gateway=session.gateway,
            gateway_instance=session.gateway_instance,
            token=session.token,
            last_client_seq=session.last_client_seq,
        )
    )


def _start_epoch(core: State, command: EpochStart) -> None:
    assert command.rules_version == RULES_VERSION, "a journal of other rules must not be applied"
    core.epoch = command.epoch
    if command.unclean and core.venue_state == TradingState.OPEN:
        core.venue_state = TradingState.CANCEL_ONLY
    core.emit(EpochStarted(*core.head(), *command))


def _compare_hash(core: State, command: StateHash) -> None:
    ours, theirs = state_hash(core), command.high << 64 | command.low
    if ours != theirs:
        raise Divergence(f"command {core.stamp.sequence}: state hash {ours:032x}, the journal says {theirs:032x}")


def _continue(core: State, command: Continue) -> None:
    continue_work(core)


def _clock_tick(core: State, command: ClockTick) -> None:
    clock_tick(core)


HANDLERS: dict[type[Command], Callable[[State, Any], None]] = {
    NewOrder: new_order,
    CancelOrder: cancel_order,
    ReplaceOrder: replace_order,
    MassCancel: mass_cancel,
    SessionAttach: _attach,
    Credit: credit,
    Transfer: transfer,
    TradeBust: bust_trade,
    EndOfDay: begin_end_of_day,
    Checkpoint: begin_checkpoint,
    Continue: _continue,
    ClockTick: _clock_tick,
    TradingStateSet: set_trading_state,
    PhaseSet: set_phase,
    ReferencePriceSet: set_operator_reference_price,
    OperatorCancel: operator_cancel,
    KillSwitchSet: set_kill_switch,
    MarketMakerProtectionReset: reset_protection,
    SettlementStatus: settlement_status,
    EpochStart: _start_epoch,
    StateHash: _compare_hash,
    **dict.fromkeys(SETTERS, set_reference_data),
}
