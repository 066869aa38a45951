"""The reference core: the rules of the venue in plain Python, made to be read; docs/ENGINE.md in executable form.

It holds no clock, no I/O and nothing clever: whatever can be computed from orders and balances is computed anew each
time. The C core (engine/native) must give the same events and the same state hash for the same commands;
tests/property holds both to that.

Where to start: ReferenceCore._dispatch lists the commands; a new order goes the way _new_order, _judge_new_order,
_match_and_rest, _trade.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from struct import iter_unpack
from typing import NamedTuple, cast

from sortedcontainers import SortedDict

from engine.wire.endpoints import ALLOWED
from engine.wire.messages import (
    DATA_LENGTH,
    DATA_MAX,
    HEADER,
    SCHEMA_ID,
    AccountDefined,
    AccountKind,
    AccountSet,
    AssetDefined,
    AssetSet,
    CancelOrder,
    CancelRejected,
    Checkpoint,
    CheckpointBalance,
    CheckpointEnded,
    CommandRefused,
    Continue,
    Credit,
    Credited,
    DayEnded,
    EndOfDay,
    EpochStart,
    EpochStarted,
    InstrumentDefined,
    InstrumentSet,
    LimitsDefined,
    LimitsSet,
    NewOrder,
    OrderAccepted,
    OrderCanceled,
    OrderRejected,
    OrderReplaced,
    OrderStatus,
    OrderType,
    Reason,
    ReplaceOrder,
    RequestKind,
    Role,
    SessionAttach,
    SessionAttached,
    SessionDefined,
    SessionSet,
    SettlementState,
    SettlementStatus,
    SettlementStatusChanged,
    Side,
    StateHash,
    TimeInForce,
    Trade,
    TradingState,
    TradingStateChanged,
    TradingStateSet,
)

RULES_VERSION = 1
MILLION = 1_000_000  # rates are parts per million
INT64_MAX = 2**63 - 1
PRICE_MAX_TICKS = 2**24 - 1
PRICES_PER_PAGE_SHIFT = 6
EVENTS_PER_PART_MAX = 65_536
LAST_GENERATION = 2**32 - 1
CLORDID_BYTES = 40  # 36 on the wire, padded to whole words for hashing

ReferenceData = LimitsSet | AssetSet | InstrumentSet | AccountSet | SessionSet
ClientCommand = NewOrder | CancelOrder | ReplaceOrder
Command = (
    ReferenceData
    | ClientCommand
    | EpochStart
    | Credit
    | TradingStateSet
    | EndOfDay
    | Continue
    | Checkpoint
    | SettlementStatus
    | SessionAttach
    | StateHash
)
Event = (
    EpochStarted
    | LimitsDefined
    | AssetDefined
    | InstrumentDefined
    | AccountDefined
    | SessionDefined
    | SessionAttached
    | OrderAccepted
    | OrderRejected
    | OrderReplaced
    | OrderCanceled
    | CancelRejected
    | Trade
    | Credited
    | CommandRefused
    | TradingStateChanged
    | DayEnded
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
        Credit,
        TradingStateSet,
        EndOfDay,
        Continue,
        Checkpoint,
        SettlementStatus,
        SessionAttach,
        NewOrder,
        CancelOrder,
        ReplaceOrder,
        StateHash,
    )
}
NO_LIMITS = LimitsSet(0, 0, 0, 0, 0, 0)


class Divergence(Exception):
    """A StateHash command names another hash than this core has: one of the two went wrong, and neither may go on."""


class Verdict(IntEnum):
    """What the loop must do with a message: apply it, drop it, answer Gap, or answer Refused."""

    APPLY = 0
    DUPLICATE = 1
    GAP = 2
    REFUSED = 3


@dataclass(frozen=True, slots=True)
class Check:
    """struct core_check of engine/native/api.h."""

    verdict: Verdict
    reason: int = Reason.NONE
    template_id: int = 0
    session: int = 0
    session_epoch: int = 0
    client_seq: int = 0
    last_client_seq: int = 0


@dataclass(frozen=True, slots=True)
class Capacity:
    """Pool sizes of a host (struct core_capacity of engine/native/api.h); limits set by LimitsSet must fit them."""

    orders: int
    price_pages: int
    clordids: int
    accounts: int
    assets: int
    instruments: int
    sessions: int


@dataclass(slots=True)
class Balance:
    """What an account owns of one asset: free to use, and set aside for its open orders. Neither is ever negative."""

    available_units: int = 0
    reserved_units: int = 0


@dataclass(slots=True)
class Instrument:
    definition: InstrumentSet
    state: int = TradingState.OPEN


@dataclass(slots=True)
class Session:
    """A FIX session as the core sees it: who may send now (gateway, generation) and which command came last."""

    definition: SessionSet
    session_epoch: int = 1
    generation: int = 0
    gateway: int = 0
    gateway_instance: int = 0
    token: int = 0
    last_client_seq: int = 0


@dataclass(slots=True)
class Order:
    """An open order. `accrued` is the fee so far in ppm of quote units: the sum of rate x notional over the fills."""

    order_id: int
    session: int
    account: int
    instrument: int
    side: int
    order_type: int
    time_in_force: int
    price_ticks: int
    quantity_lots: int
    leaves_lots: int
    maker_ppm: int
    taker_ppm: int
    clordid: bytes
    priority: int = 0
    cum_lots: int = 0
    reserved_units: int = 0
    accrued: int = 0

    @property
    def slot(self) -> int:
        return self.order_id & 0xFFFF_FFFF

    @property
    def can_rest(self) -> bool:
        """Only a limit order that lives beyond its own command ever stands in the book."""
        lasting = self.time_in_force in (TimeInForce.DAY, TimeInForce.GOOD_TILL_CANCEL)
        return lasting and self.order_type == OrderType.LIMIT

    @property
    def page(self) -> tuple[int, int, int]:
        """The run of 64 prices whose levels share one block of memory in C: a bounded resource, hence a rule."""
        return self.instrument, self.side, self.price_ticks >> PRICES_PER_PAGE_SHIFT

    @property
    def book_key(self) -> tuple[int, int]:
        """Price-time priority: the best price first, within a price the oldest first."""
        return (-self.price_ticks if self.side == Side.BUY else self.price_ticks), self.priority

    def crosses(self, maker: Order) -> bool:
        """Whether this order, as the taker, may trade at the maker's price."""
        if self.side == Side.BUY:
            return maker.price_ticks <= self.price_ticks
        return maker.price_ticks >= self.price_ticks


class PendingKind(IntEnum):
    NONE = 0
    END_OF_DAY = 1
    CHECKPOINT = 2


@dataclass(slots=True)
class Pending:
    """Work that did not fit one part: where the next Continue goes on, and how many events it has given so far."""

    kind: PendingKind
    position: int = 0
    count: int = 0


class Stamp(NamedTuple):
    """What the loop gives every command besides its bytes."""

    sequence: int
    epoch: int
    time_ns: int


class ReferenceCore:
    """The venue's state and the two things one can do with it: check a message, apply a command.

    Single-threaded, deterministic: state is a function of the applied commands alone.
    """

    def __init__(self, capacity: Capacity) -> None:
        self.capacity = capacity
        self.epoch = 0
        self.event_sequence = 0
        self.day = 0
        self.venue_state: int = TradingState.OPEN
        self.last_deposit_seq = 0
        self.last_checkpoint = 0
        self.last_batch = 0
        self.final_batch = 0
        self.limits = NO_LIMITS
        self.assets: dict[int, AssetSet] = {}
        self.instruments: dict[int, Instrument] = {}
        self.accounts: dict[int, AccountSet] = {}
        self.sessions: dict[int, Session] = {}
        self.balances: dict[tuple[int, int], Balance] = {}
        self.orders: SortedDict[int, Order] = SortedDict()  # by slot
        self.generations: dict[int, int] = {}  # of every slot taken at least once
        self.used_clordids: set[int] = set()
        self._free_slots = list(range(capacity.orders - 1, -1, -1))
        self._sides: dict[tuple[int, int], SortedDict[tuple[int, int], Order]] = {}
        self._pending: Pending | None = None
        self._stamp = Stamp(0, 0, 0)
        self._events: list[Event] = []

    # What can be asked. Nothing here changes state.

    @property
    def pending(self) -> bool:
        """True while Continue must be the next command."""
        return self._pending is not None

    def balance(self, account: int, asset: int) -> tuple[int, int]:
        """(available_units, reserved_units); zeros when there is none."""
        balance = self.balances.get((account, asset), Balance())
        return balance.available_units, balance.reserved_units

    def total(self, asset: int) -> int:
        """All there is of an asset in the venue; only Credit changes it."""
        return sum(b.available_units + b.reserved_units for (_, owned), b in self.balances.items() if owned == asset)

    def book(self, instrument: int, side: int) -> list[Order]:
        """The resting orders of one side in priority order."""
        return list(self._side(instrument, side).values())

    def pages_in_use(self) -> set[tuple[int, int, int]]:
        """The price pages that hold at least one resting order."""
        return {order.page for side in self._sides.values() for order in side.values()}

    def open_orders(self, session: int) -> int:
        return sum(order.session == session for order in self.orders.values())

    # Check: what the loop must do with a message (section 1 of docs/ENGINE.md).

    def check(self, role: int, message: bytes) -> Check:
        """Judges a message that came in by `role` before it is sequenced; changes nothing."""
        template_id = HEADER.unpack_from(message)[1] if len(message) >= HEADER.size else 0
        command = parse(message)
        if command is None:
            return Check(Verdict.REFUSED, Reason.MALFORMED, template_id)
        if role != Role.INTERNAL and template_id not in ALLOWED.get(cast(Role, role), ()):
            return _refused(command, Reason.WRONG_ROLE)
        return self._check_client(command) if isinstance(command, ClientCommand) else self._check_other(command)

    def _check_client(self, command: ClientCommand) -> Check:
        session = self.sessions.get(command.session)
        if session is None:
            return _refused(command, Reason.UNKNOWN_SESSION)
        if not session.definition.enabled:
            return _refused(command, Reason.SESSION_DISABLED)
        if session.generation == 0:
            return _refused(command, Reason.NOT_ATTACHED)
        if command.session_epoch != session.session_epoch:
            return _refused(command, Reason.WRONG_EPOCH)
        if command.generation != session.generation or command.gateway != session.gateway:
            return _refused(command, Reason.STALE_GENERATION)
        if command.client_seq <= session.last_client_seq:
            return _verdict(command, Verdict.DUPLICATE, session.last_client_seq)
        if command.prev_client_seq != session.last_client_seq:
            return _verdict(command, Verdict.GAP, session.last_client_seq)
        return _verdict(command, Verdict.APPLY, session.last_client_seq)

    def _check_other(self, command: Command) -> Check:
        match command:
            case SessionAttach():
                return self._check_attach(command)
            case Credit():
                return _dense(command, command.deposit_seq, self.last_deposit_seq)
            case Checkpoint():
                return _dense(command, command.checkpoint, self.last_checkpoint)
            case SettlementStatus():
                return self._check_settlement(command)
            case EndOfDay() if command.day <= self.day:
                return _refused(command, Reason.INVALID_STATE)
            case LimitsSet() | AssetSet() | InstrumentSet() | AccountSet() | SessionSet() if self._is_set(command):
                return _verdict(command, Verdict.DUPLICATE)
        return _verdict(command, Verdict.APPLY)

    def _check_attach(self, command: SessionAttach) -> Check:
        session = self.sessions.get(command.session)
        if session is None:
            return _refused(command, Reason.UNKNOWN_SESSION)
        if not session.definition.enabled:
            return _refused(command, Reason.SESSION_DISABLED)
        asked = (command.token, command.gateway, command.gateway_instance)
        if session.generation and asked == (session.token, session.gateway, session.gateway_instance):
            return _verdict(command, Verdict.DUPLICATE)
        return _verdict(command, Verdict.APPLY)

    def _check_settlement(self, command: SettlementStatus) -> Check:
        """Batches are cut in sequence and become final in sequence; in between Sent and Mined may repeat."""
        batch = command.batch
        if not _is_member(command.state, SettlementState):
            return _verdict(command, Verdict.APPLY)  # apply refuses it, so that the refusal is on record
        if batch <= self.final_batch or (command.state == SettlementState.CUT and batch <= self.last_batch):
            return _verdict(command, Verdict.DUPLICATE)
        if command.state == SettlementState.CUT:
            in_sequence = batch == self.last_batch + 1
        elif command.state == SettlementState.FINAL:
            in_sequence = batch == self.final_batch + 1 and batch <= self.last_batch
        else:
            in_sequence = batch <= self.last_batch
        return _verdict(command, Verdict.APPLY) if in_sequence else _refused(command, Reason.OUT_OF_SEQUENCE)

    def _is_set(self, command: ReferenceData) -> bool:
        """Whether the core already holds exactly this; reference data is sent again at every start."""
        match command:
            case LimitsSet():
                return command == self.limits != NO_LIMITS
            case AssetSet():
                return self.assets.get(command.asset) == command
            case InstrumentSet():
                instrument = self.instruments.get(command.instrument)
                return instrument is not None and instrument.definition == command
            case AccountSet():
                return self.accounts.get(command.account) == command
            case SessionSet():
                session = self.sessions.get(command.session)
                return session is not None and session.definition == command

    # Apply: the only thing that changes state.

    def apply(self, sequence: int, epoch: int, time_ns: int, message: bytes) -> list[Event]:
        """Applies a checked message; returns its events in order, the last one flagged.

        Raises Divergence for a StateHash that differs.
        """
        command = parse(message)
        assert command is not None, "apply takes only what check let pass"
        assert self._pending is None or isinstance(command, Continue), "unfinished work must be continued first"
        self._stamp = Stamp(sequence, epoch, time_ns)
        self._events = []
        self._dispatch(command)
        if self._events:
            self._events[-1] = self._events[-1]._replace(last_in_command=1)
        return self._events

    def _dispatch(self, command: Command) -> None:
        match command:
            case NewOrder():
                self._new_order(command)
            case CancelOrder():
                self._cancel_order(command)
            case ReplaceOrder():
                self._replace_order(command)
            case SessionAttach():
                self._attach(command)
            case Credit():
                self._credit(command)
            case EndOfDay():
                self._begin_end_of_day(command)
            case Checkpoint():
                self._begin_checkpoint(command)
            case Continue():
                self._continue()
            case TradingStateSet():
                self._set_trading_state(command)
            case SettlementStatus():
                self._settlement_status(command)
            case EpochStart():
                self._start_epoch(command)
            case StateHash():
                self._compare_hash(command)
            case LimitsSet():
                self._set_limits(command)
            case AssetSet():
                self._set_asset(command)
            case InstrumentSet():
                self._set_instrument(command)
            case AccountSet():
                self._set_account(command)
            case SessionSet():
                self._set_session(command)

    def _head(self) -> tuple[int, int, int, int, int]:
        """The five fields every event starts with; takes the next event sequence."""
        self.event_sequence += 1
        return self.event_sequence, self._stamp.sequence, self._stamp.time_ns, self._stamp.epoch, 0

    def _emit(self, event: Event) -> None:
        self._events.append(event)

    def _refuse(self, command: Command, reference: int, reason: Reason, role: Role) -> None:
        self._emit(CommandRefused(*self._head(), reference, command.TEMPLATE_ID, reason, role))

    # New orders.

    def _new_order(self, command: NewOrder) -> None:
        self.sessions[command.session].last_client_seq = command.client_seq
        order = self._judge_new_order(command)
        if isinstance(order, Reason):
            self._reject_order(command, order)
            return
        self._take_slot(order)
        self._reserve(order)
        place = len(self._events)
        accepted = OrderAccepted(
            *self._head(),
            session=order.session,
            session_epoch=command.session_epoch,
            client_seq=command.client_seq,
            order_id=order.order_id,
            price_ticks=order.price_ticks,
            quantity_lots=order.quantity_lots,
            rested_lots=0,
            account=order.account,
            instrument=order.instrument,
            side=order.side,
            order_type=order.order_type,
            time_in_force=order.time_in_force,
            poss_resend=command.poss_resend,
            clordid=order.clordid,
            echo=command.echo,
        )
        self._emit(accepted)
        if order.time_in_force == TimeInForce.FILL_OR_KILL and self._fillable_lots(order) < order.quantity_lots:
            self._cancel(order, Reason.CANCELED_FILL_OR_KILL)
            return
        self._events[place] = accepted._replace(rested_lots=self._match_and_rest(order))

    def _judge_new_order(self, command: NewOrder) -> Order | Reason:
        """The order as it would be accepted, or the first reason against it; takes up the ClOrdID either way."""
        clordid_fault = self._take_clordid(command.session, command.clordid)
        if clordid_fault == Reason.DUPLICATE_CL_ORD_ID and command.poss_resend:
            return Reason.POSS_RESEND_DUPLICATE
        if clordid_fault:
            return clordid_fault
        instrument = self.instruments.get(command.instrument)
        if instrument is None:
            return Reason.UNKNOWN_INSTRUMENT
        account = self.accounts.get(command.account)
        if account is None:
            return Reason.UNKNOWN_ACCOUNT
        if account.participant != self.sessions[command.session].definition.participant:
            return Reason.ACCOUNT_NOT_PERMITTED
        if not account.enabled:
            return Reason.ACCOUNT_DISABLED
        if not self._market_open(instrument):
            return Reason.MARKET_NOT_OPEN
        if not _is_member(command.side, Side):
            return Reason.INVALID_SIDE
        if not _is_member(command.order_type, OrderType):
            return Reason.INVALID_ORDER_TYPE
        if not _valid_time_in_force(command):
            return Reason.INVALID_TIME_IN_FORCE
        definition = instrument.definition
        if not 1 <= command.quantity_lots <= definition.quantity_max_lots:
            return Reason.INVALID_QUANTITY
        price_ticks = self._price_of(command, definition)
        if isinstance(price_ticks, Reason):
            return price_ticks
        if price_ticks * command.quantity_lots * definition.tick_units > definition.notional_max_units:
            return Reason.NOTIONAL_TOO_LARGE
        order = Order(
            order_id=0,  # until it takes a slot
            session=command.session,
            account=command.account,
            instrument=command.instrument,
            side=command.side,
            order_type=command.order_type,
            time_in_force=command.time_in_force,
            price_ticks=price_ticks,
            quantity_lots=command.quantity_lots,
            leaves_lots=command.quantity_lots,
            maker_ppm=definition.maker_fee_ppm,
            taker_ppm=definition.taker_fee_ppm,
            clordid=command.clordid,
            priority=self._stamp.sequence,
        )
        return self._room_for(order) or order

    def _room_for(self, order: Order) -> Reason:
        """The limits and the money, last of all; Reason.NONE when the order may come in."""
        if self.open_orders(order.session) >= self.limits.max_open_orders_per_session:
            return Reason.TOO_MANY_OPEN_ORDERS
        if len(self.orders) >= self.limits.max_orders or not self._free_slots:
            return Reason.ORDER_POOL_FULL
        if order.can_rest and self._needs_page_beyond_limit(order.page):
            return Reason.BOOK_FULL
        if self.balance(order.account, self._reserved_asset(order))[0] < self._reservation_units(order):
            return Reason.INSUFFICIENT_FUNDS
        return Reason.NONE

    def _price_of(self, command: NewOrder, definition: InstrumentSet) -> int | Reason:
        """The limit price, or for a market order the worst price its protection allows."""
        if command.order_type == OrderType.LIMIT:
            in_range = definition.price_min_ticks <= command.price_ticks <= definition.price_max_ticks
            return command.price_ticks if in_range else Reason.PRICE_OUT_OF_RANGE
        makers = self._side(command.instrument, _opposite(command.side))
        if not makers:
            return Reason.NO_LIQUIDITY
        best_ticks: int = makers.peekitem(0)[1].price_ticks
        if command.side == Side.BUY:
            return min(best_ticks + definition.protection_ticks, definition.price_max_ticks)
        return max(best_ticks - definition.protection_ticks, definition.price_min_ticks)

    def _take_clordid(self, session: int, clordid: bytes) -> Reason:
        """Notes the ClOrdID as used until the end of the day; Reason.NONE when it was fit and free."""
        if not _valid_clordid(clordid):
            return Reason.INVALID_CL_ORD_ID
        key = clordid_key(session, clordid)
        if key in self.used_clordids or self._order_by_clordid(session, clordid):
            return Reason.DUPLICATE_CL_ORD_ID
        if len(self.used_clordids) >= self.limits.max_clordids:
            return Reason.CL_ORD_ID_TABLE_FULL
        self.used_clordids.add(key)
        return Reason.NONE

    def _reject_order(self, command: NewOrder, reason: Reason) -> None:
        self._emit(
            OrderRejected(
                *self._head(),
                session=command.session,
                session_epoch=command.session_epoch,
                client_seq=command.client_seq,
                price_ticks=command.price_ticks,
                quantity_lots=command.quantity_lots,
                account=command.account,
                instrument=command.instrument,
                side=command.side,
                order_type=command.order_type,
                time_in_force=command.time_in_force,
                poss_resend=command.poss_resend,
                reason=reason,
                clordid=command.clordid,
                echo=command.echo,
            )
        )

    # Matching.

    def _fillable_lots(self, taker: Order) -> int:
        """What the makers one command may reach hold for this order at prices it accepts."""
        reachable = islice(self._makers(taker).values(), self.limits.max_fills_per_command)
        return sum(maker.leaves_lots for maker in reachable if taker.crosses(maker))

    def _match_and_rest(self, order: Order) -> int:
        """Trades, then rests what is left or cancels it; returns the lots that rest."""
        stopped = self._match(order)
        if order.leaves_lots == 0:
            self._close(order)
            return 0
        if stopped or not order.can_rest:
            self._cancel(order, stopped or Reason.CANCELED_IMMEDIATE_OR_CANCEL)
            return 0
        self._side(order.instrument, order.side)[order.book_key] = order
        return order.leaves_lots

    def _match(self, taker: Order) -> Reason:
        """Trades while the best maker's price is acceptable; CANCELED_MAX_FILLS when the limit stopped it."""
        makers = self._makers(taker)
        trades = 0
        while taker.leaves_lots and makers:
            maker = makers.peekitem(0)[1]
            if not taker.crosses(maker):
                break
            if trades == self.limits.max_fills_per_command:
                return Reason.CANCELED_MAX_FILLS
            self._trade(maker, taker)
            trades += 1
        return Reason.NONE

    def _trade(self, maker: Order, taker: Order) -> None:
        """One fill at the maker's price: base one way, quote the other, both fees to the fee account."""
        definition = self.instruments[maker.instrument].definition
        quantity_lots = min(maker.leaves_lots, taker.leaves_lots)
        notional_units = maker.price_ticks * quantity_lots * definition.tick_units
        maker_fee_units = self._fill(maker, quantity_lots, notional_units, maker.maker_ppm)
        taker_fee_units = self._fill(taker, quantity_lots, notional_units, taker.taker_ppm)
        fee_account = self._fee_account()
        assert fee_account is not None, "a market without a fee account is not open"
        self._add_available(fee_account, definition.quote, maker_fee_units + taker_fee_units)
        head = self._head()
        self._emit(
            Trade(
                *head,
                trade_id=head[0],
                price_ticks=maker.price_ticks,
                quantity_lots=quantity_lots,
                notional_units=notional_units,
                maker_fee_units=maker_fee_units,
                taker_fee_units=taker_fee_units,
                maker_order_id=maker.order_id,
                taker_order_id=taker.order_id,
                maker_leaves_lots=maker.leaves_lots,
                taker_leaves_lots=taker.leaves_lots,
                maker_account=maker.account,
                taker_account=taker.account,
                maker_session=maker.session,
                taker_session=taker.session,
                instrument=maker.instrument,
                taker_side=taker.side,
            )
        )
        if maker.leaves_lots == 0:
            self._leave_book(maker)
            self._close(maker)

    def _fill(self, order: Order, quantity_lots: int, notional_units: int, rate_ppm: int) -> int:
        """One side of a fill: returns its fee, after freeing the reservation and paying out of what was freed."""
        definition = self.instruments[order.instrument].definition
        fee_before = _ceil_ppm(order.accrued)
        order.accrued += rate_ppm * notional_units
        fee_units = _ceil_ppm(order.accrued) - fee_before
        order.leaves_lots -= quantity_lots
        order.cum_lots += quantity_lots
        self._reserve(order)
        base_units = quantity_lots * definition.lot_units
        if order.side == Side.BUY:
            self._add_available(order.account, definition.base, base_units)
            self._add_available(order.account, definition.quote, -(notional_units + fee_units))
        else:
            self._add_available(order.account, definition.base, -base_units)
            self._add_available(order.account, definition.quote, notional_units - fee_units)
        return fee_units

    # Cancel and replace.

    def _cancel_order(self, command: CancelOrder) -> None:
        self.sessions[command.session].last_client_seq = command.client_seq
        if not _valid_clordid(command.clordid):
            self._reject_cancel(command, Reason.INVALID_CL_ORD_ID)
            return
        order = self._find(command)
        if isinstance(order, Reason):
            self._reject_cancel(command, order)
            return
        mismatch = self._mismatch(command, order)
        if mismatch:
            self._reject_cancel(command, mismatch, order)
            return
        self._leave_book(order)
        self._cancel(order, Reason.CANCELED_BY_CLIENT, command)

    def _replace_order(self, command: ReplaceOrder) -> None:
        self.sessions[command.session].last_client_seq = command.client_seq
        clordid_fault = self._take_clordid(command.session, command.clordid)
        if clordid_fault:
            self._reject_cancel(command, clordid_fault)
            return
        order = self._find(command)
        if isinstance(order, Reason):
            self._reject_cancel(command, order)
            return
        fault = self._mismatch(command, order) or self._replace_fault(command, order)
        if fault:
            self._reject_cancel(command, fault, order)
            return
        self._replace(command, order)

    def _replace_fault(self, command: ReplaceOrder, order: Order) -> Reason:
        instrument = self.instruments[order.instrument]
        definition = instrument.definition
        new_leaves = command.quantity_lots - order.cum_lots
        if not self._market_open(instrument):
            return Reason.MARKET_NOT_OPEN
        if not 1 <= command.quantity_lots <= definition.quantity_max_lots:
            return Reason.INVALID_QUANTITY
        if not definition.price_min_ticks <= command.price_ticks <= definition.price_max_ticks:
            return Reason.PRICE_OUT_OF_RANGE
        if command.price_ticks * max(new_leaves, 0) * definition.tick_units > definition.notional_max_units:
            return Reason.NOTIONAL_TOO_LARGE
        if new_leaves <= 0:
            return Reason.NONE
        new_page = order.instrument, order.side, command.price_ticks >> PRICES_PER_PAGE_SHIFT
        if new_page != order.page and self._needs_page_beyond_limit(new_page):
            return Reason.BOOK_FULL
        more_units = self._reservation_units(order, command.price_ticks, new_leaves) - order.reserved_units
        if more_units > self.balance(order.account, self._reserved_asset(order))[0]:
            return Reason.INSUFFICIENT_FUNDS
        return Reason.NONE

    def _replace(self, command: ReplaceOrder, order: Order) -> None:
        """Carries out a good replace: smaller at the same price stays in place, all else comes in as a taker."""
        old_price_ticks, old_leaves_lots, old_clordid = order.price_ticks, order.leaves_lots, order.clordid
        new_leaves = max(command.quantity_lots - order.cum_lots, 0)
        same_price = command.price_ticks == order.price_ticks
        priority_kept = new_leaves == 0 or (same_price and new_leaves <= order.leaves_lots)
        if new_leaves == 0 or not priority_kept:
            self._leave_book(order)
        order.clordid = command.clordid
        order.price_ticks = command.price_ticks
        order.quantity_lots = order.cum_lots + new_leaves
        order.leaves_lots = new_leaves
        self._reserve(order)
        place = len(self._events)
        replaced = OrderReplaced(
            *self._head(),
            session=order.session,
            session_epoch=command.session_epoch,
            client_seq=command.client_seq,
            order_id=order.order_id,
            price_ticks=order.price_ticks,
            quantity_lots=order.quantity_lots,
            cum_lots=order.cum_lots,
            leaves_lots=new_leaves,
            rested_lots=new_leaves,
            old_price_ticks=old_price_ticks,
            old_leaves_lots=old_leaves_lots,
            account=order.account,
            instrument=order.instrument,
            side=order.side,
            priority_kept=int(priority_kept),
            clordid=order.clordid,
            orig_clordid=old_clordid,
            echo=command.echo,
        )
        self._emit(replaced)
        if new_leaves == 0:
            self._close(order)
        elif not priority_kept:
            order.priority = self._stamp.sequence
            self._events[place] = replaced._replace(rested_lots=self._match_and_rest(order))

    def _find(self, command: CancelOrder | ReplaceOrder) -> Order | Reason:
        """The open order a request names, or why there is none."""
        if command.order_id:
            return self._find_by_id(command.session, command.order_id)
        order = self._order_by_clordid(command.session, command.orig_clordid)
        if order:
            return order
        was_used = clordid_key(command.session, command.orig_clordid) in self.used_clordids
        return Reason.TOO_LATE_TO_CANCEL if was_used else Reason.UNKNOWN_ORDER

    def _find_by_id(self, session: int, order_id: int) -> Order | Reason:
        generation, slot = order_id >> 32, order_id & 0xFFFF_FFFF
        latest = self.generations.get(slot, 0)
        if generation == 0 or generation > latest:
            return Reason.UNKNOWN_ORDER
        order = self.orders.get(slot)
        if generation < latest or order is None:
            return Reason.TOO_LATE_TO_CANCEL
        return order if order.session == session else Reason.UNKNOWN_ORDER

    def _mismatch(self, command: CancelOrder | ReplaceOrder, order: Order) -> Reason:
        if command.instrument not in (0, order.instrument) or command.side != order.side:
            return Reason.ORDER_MISMATCH
        return Reason.NONE

    def _reject_cancel(self, command: CancelOrder | ReplaceOrder, reason: Reason, order: Order | None = None) -> None:
        if reason == Reason.TOO_LATE_TO_CANCEL:
            status = OrderStatus.CLOSED
        else:
            status = OrderStatus.OPEN if order else OrderStatus.UNKNOWN
        self._emit(
            CancelRejected(
                *self._head(),
                session=command.session,
                session_epoch=command.session_epoch,
                client_seq=command.client_seq,
                order_id=order.order_id if order else command.order_id,
                reason=reason,
                request=RequestKind.REPLACE if isinstance(command, ReplaceOrder) else RequestKind.CANCEL,
                order_status=status,
                clordid=command.clordid,
                orig_clordid=command.orig_clordid,
            )
        )

    # An order's life: slot, place in the book, end.

    def _take_slot(self, order: Order) -> None:
        """Gives the order its OrderID: the slot last freed, and how often that slot has been taken."""
        slot = self._free_slots.pop()
        generation = self.generations.get(slot, 0) + 1
        self.generations[slot] = generation
        order.order_id = generation << 32 | slot
        self.orders[slot] = order

    def _close(self, order: Order) -> None:
        """The order is over: what it still reserved is free again, and so is its slot."""
        order.leaves_lots = 0
        self._reserve(order)
        del self.orders[order.slot]
        if self.generations[order.slot] < LAST_GENERATION:
            self._free_slots.append(order.slot)

    def _cancel(self, order: Order, reason: Reason, command: CancelOrder | None = None) -> None:
        """Ends an order that is not in the book (any more) with lots left."""
        self._emit(
            OrderCanceled(
                *self._head(),
                session=order.session,
                session_epoch=self.sessions[order.session].session_epoch,
                client_seq=command.client_seq if command else 0,
                order_id=order.order_id,
                price_ticks=order.price_ticks,
                canceled_lots=order.leaves_lots,
                cum_lots=order.cum_lots,
                account=order.account,
                instrument=order.instrument,
                side=order.side,
                was_resting=int(reason in (Reason.CANCELED_BY_CLIENT, Reason.EXPIRED_END_OF_DAY)),
                reason=reason,
                clordid=command.clordid if command else b"",
                orig_clordid=order.clordid,
            )
        )
        self._close(order)

    def _leave_book(self, order: Order) -> None:
        del self._side(order.instrument, order.side)[order.book_key]

    def _side(self, instrument: int, side: int) -> SortedDict[tuple[int, int], Order]:
        return self._sides.setdefault((instrument, side), SortedDict())

    def _makers(self, taker: Order) -> SortedDict[tuple[int, int], Order]:
        return self._side(taker.instrument, _opposite(taker.side))

    def _order_by_clordid(self, session: int, clordid: bytes) -> Order | None:
        for order in self.orders.values():
            if order.session == session and order.clordid == clordid:
                return cast(Order, order)
        return None

    def _needs_page_beyond_limit(self, page: tuple[int, int, int]) -> bool:
        pages = self.pages_in_use()
        return page not in pages and len(pages) >= self.limits.max_price_pages

    def _market_open(self, instrument: Instrument) -> bool:
        """Whether the stricter of the venue's and the instrument's state is Open, and fees have somewhere to go."""
        return max(self.venue_state, instrument.state) == TradingState.OPEN and self._fee_account() is not None

    # Money.

    def _reserved_asset(self, order: Order) -> int:
        definition = self.instruments[order.instrument].definition
        return definition.quote if order.side == Side.BUY else definition.base

    def _reservation_units(self, order: Order, price_ticks: int | None = None, leaves_lots: int | None = None) -> int:
        """The most the rest of the order can still cost: a buyer's notional and fee at its limit, a seller's base.

        With a price and leaves given: what it would be with those, for a replace.
        """
        definition = self.instruments[order.instrument].definition
        price_ticks = order.price_ticks if price_ticks is None else price_ticks
        leaves_lots = order.leaves_lots if leaves_lots is None else leaves_lots
        if order.side == Side.SELL:
            return leaves_lots * definition.lot_units
        notional_units = price_ticks * leaves_lots * definition.tick_units
        rate_ppm = max(order.maker_ppm, order.taker_ppm)
        fee_units = _ceil_ppm(order.accrued + rate_ppm * notional_units) - _ceil_ppm(order.accrued)
        return notional_units + fee_units

    def _reserve(self, order: Order) -> None:
        """Makes the order's reservation what it must be now, from or to the account's available balance."""
        asset = self._reserved_asset(order)
        more_units = self._reservation_units(order) - order.reserved_units
        order.reserved_units += more_units
        self._add_available(order.account, asset, -more_units)
        self.balances[order.account, asset].reserved_units += more_units

    def _add_available(self, account: int, asset: int, amount_units: int) -> None:
        if amount_units == 0 and (account, asset) not in self.balances:
            return
        balance = self.balances.setdefault((account, asset), Balance())
        balance.available_units += amount_units
        assert balance.available_units >= 0, "a reservation covers whatever its order can cost"

    def _fee_account(self) -> int | None:
        return next((id_ for id_, account in self.accounts.items() if account.kind == AccountKind.FEE), None)

    def _credit(self, command: Credit) -> None:
        if command.account not in self.accounts:
            fault = Reason.UNKNOWN_ACCOUNT
        elif command.asset not in self.assets:
            fault = Reason.UNKNOWN_ASSET
        elif command.amount_units < 1 or self.total(command.asset) + command.amount_units > INT64_MAX:
            fault = Reason.INVALID_AMOUNT
        else:
            fault = Reason.NONE
        if fault:
            self._refuse(command, command.deposit_seq, fault, Role.SETTLEMENT)
            return
        self._add_available(command.account, command.asset, command.amount_units)
        self.last_deposit_seq = command.deposit_seq
        self._emit(
            Credited(
                *self._head(),
                account=command.account,
                asset=command.asset,
                amount_units=command.amount_units,
                available_units=self.balance(command.account, command.asset)[0],
                deposit_seq=command.deposit_seq,
                block_number=command.block_number,
                transaction_hash=command.transaction_hash,
            )
        )

    # Work in parts: end of day, checkpoint.

    def _begin_end_of_day(self, command: EndOfDay) -> None:
        self.day = command.day
        self.used_clordids.clear()
        self._pending = Pending(PendingKind.END_OF_DAY)
        self._continue()

    def _begin_checkpoint(self, command: Checkpoint) -> None:
        self.last_checkpoint = command.checkpoint
        self._pending = Pending(PendingKind.CHECKPOINT)
        self._continue()

    def _continue(self) -> None:
        """One part of the pending work; a part that fills up leaves the rest to the next Continue."""
        if self._pending is None:
            return
        expiring = self._pending.kind == PendingKind.END_OF_DAY
        finished = self._expire_part(self._pending) if expiring else self._checkpoint_part(self._pending)
        if finished:
            self._pending = None

    def _expire_part(self, pending: Pending) -> bool:
        """Expires DAY orders by slot; True when none is left and the day is over."""
        for slot in list(self.orders.irange(minimum=pending.position)):
            order = self.orders[slot]
            if order.time_in_force != TimeInForce.DAY:
                continue
            self._leave_book(order)
            self._cancel(order, Reason.EXPIRED_END_OF_DAY)
            pending.count += 1
            pending.position = slot + 1
            if self._part_is_full():
                return False
        self._emit(DayEnded(*self._head(), day=self.day, expired_orders=pending.count))
        return True

    def _checkpoint_part(self, pending: Pending) -> bool:
        """Emits balances by account, then asset; True when all are out."""
        for account, asset in sorted(self.balances):
            available_units, reserved_units = self.balance(account, asset)
            if account << 32 | asset < pending.position or available_units == reserved_units == 0:
                continue
            self._emit(
                CheckpointBalance(
                    *self._head(),
                    checkpoint=self.last_checkpoint,
                    available_units=available_units,
                    reserved_units=reserved_units,
                    account=account,
                    asset=asset,
                )
            )
            pending.count += 1
            pending.position = (account << 32 | asset) + 1
            if self._part_is_full():
                return False
        self._emit(CheckpointEnded(*self._head(), checkpoint=self.last_checkpoint, balances=pending.count))
        return True

    def _part_is_full(self) -> bool:
        """One event is always left for the one that ends the work."""
        return len(self._events) == max(self.limits.max_events_per_part - 1, 1)

    # Sessions, trading states, settlement, epochs.

    def _attach(self, command: SessionAttach) -> None:
        """A new generation: whoever held the session before can do nothing any more."""
        session = self.sessions[command.session]
        session.generation += 1
        session.gateway = command.gateway
        session.gateway_instance = command.gateway_instance
        session.token = command.token
        if command.reset:
            session.session_epoch += 1
            session.last_client_seq = 0
        self._emit(
            SessionAttached(
                *self._head(),
                session=command.session,
                session_epoch=session.session_epoch,
                generation=session.generation,
                gateway=session.gateway,
                gateway_instance=session.gateway_instance,
                token=session.token,
                last_client_seq=session.last_client_seq,
            )
        )

    def _set_trading_state(self, command: TradingStateSet) -> None:
        instrument = self.instruments.get(command.instrument)
        if not _is_member(command.state, TradingState):
            self._refuse(command, command.instrument, Reason.INVALID_STATE, Role.ADMIN)
            return
        if command.instrument == 0:
            self.venue_state = command.state
        elif instrument:
            instrument.state = command.state
        else:
            self._refuse(command, command.instrument, Reason.UNKNOWN_INSTRUMENT, Role.ADMIN)
            return
        self._emit(TradingStateChanged(*self._head(), *command))

    def _settlement_status(self, command: SettlementStatus) -> None:
        if not _is_member(command.state, SettlementState) or command.first_sequence > command.last_sequence:
            self._refuse(command, command.batch, Reason.INVALID_STATE, Role.SETTLEMENT)
            return
        self.last_batch = max(self.last_batch, command.batch)
        if command.state == SettlementState.FINAL:
            self.final_batch = command.batch
        self._emit(SettlementStatusChanged(*self._head(), *command[:5], command.transaction_hash))

    def _start_epoch(self, command: EpochStart) -> None:
        assert command.rules_version == RULES_VERSION, "a journal of other rules must not be applied"
        self.epoch = command.epoch
        if command.unclean and self.venue_state == TradingState.OPEN:
            self.venue_state = TradingState.CANCEL_ONLY
        self._emit(EpochStarted(*self._head(), *command))

    def _compare_hash(self, command: StateHash) -> None:
        ours, theirs = self.state_hash(), command.high << 64 | command.low
        if ours != theirs:
            raise Divergence(f"command {self._stamp.sequence}: state hash {ours:032x}, the journal says {theirs:032x}")

    # Reference data (section 3). Each is set as a whole or refused as a whole.

    def _set_limits(self, command: LimitsSet) -> None:
        pools = (
            (command.max_orders, self.capacity.orders),
            (command.max_price_pages, self.capacity.price_pages),
            (command.max_clordids, self.capacity.clordids),
        )
        if any(not 1 <= limit <= pool for limit, pool in pools):
            self._refuse(command, 0, Reason.CAPACITY_EXCEEDED, Role.INTERNAL)
            return
        few_enough = 1 <= command.max_fills_per_command <= command.max_events_per_part - 4
        if not few_enough or command.max_events_per_part > EVENTS_PER_PART_MAX:
            self._refuse(command, 0, Reason.INVALID_REFERENCE, Role.INTERNAL)
            return
        self.limits = command
        self._emit(LimitsDefined(*self._head(), *command))

    def _set_asset(self, command: AssetSet) -> None:
        old = self.assets.get(command.asset)
        good = (
            1 <= command.asset <= self.capacity.assets
            and command.decimals <= 9
            and (old is None or old.decimals == command.decimals)
        )
        if not good:
            self._refuse(command, command.asset, Reason.INVALID_REFERENCE, Role.INTERNAL)
            return
        self.assets[command.asset] = command
        self._emit(AssetDefined(*self._head(), *command))

    def _set_instrument(self, command: InstrumentSet) -> None:
        old = self.instruments.get(command.instrument)
        good = (
            1 <= command.instrument <= self.capacity.instruments
            and command.base in self.assets
            and command.quote in self.assets
            and _sound_instrument(command)
            and (old is None or _compatible_instrument(old.definition, command))
        )
        if not good:
            self._refuse(command, command.instrument, Reason.INVALID_REFERENCE, Role.INTERNAL)
            return
        if old:
            old.definition = command
        else:
            self.instruments[command.instrument] = Instrument(command)
        self._emit(InstrumentDefined(*self._head(), *command[:-1], command.symbol))

    def _set_account(self, command: AccountSet) -> None:
        old = self.accounts.get(command.account)
        fee_accounts = {id_ for id_, account in self.accounts.items() if account.kind == AccountKind.FEE}
        good = (
            1 <= command.account <= self.capacity.accounts
            and _is_member(command.kind, AccountKind)
            and command.participant >= 1
            and command.enabled in (0, 1)
            and (old is None or (old.kind, old.participant) == (command.kind, command.participant))
            and (command.kind != AccountKind.FEE or fee_accounts <= {command.account})
        )
        if not good:
            self._refuse(command, command.account, Reason.INVALID_REFERENCE, Role.INTERNAL)
            return
        self.accounts[command.account] = command
        self._emit(AccountDefined(*self._head(), *command))

    def _set_session(self, command: SessionSet) -> None:
        old = self.sessions.get(command.session)
        good = (
            1 <= command.session <= self.capacity.sessions
            and command.participant >= 1
            and command.enabled in (0, 1)
            and (old is None or old.definition[:2] + old.definition[3:] == command[:2] + command[3:])
        )
        if not good:
            self._refuse(command, command.session, Reason.INVALID_REFERENCE, Role.INTERNAL)
            return
        if old:
            old.definition = command
        else:
            self.sessions[command.session] = Session(command)
        self._emit(SessionDefined(*self._head(), *command))

    # State hash (section 7).

    def state_hash(self) -> int:
        """128 bits over all of the state: the sum of a mix of every record, so that their order does not matter."""
        return sum(mix128(words) for words in self._records()) % 2**128

    def _records(self) -> Iterator[list[int]]:
        """Every record of the state as 64-bit words, its type first."""
        yield from (self._order_record(order) for order in self.orders.values())
        for (account, asset), balance in self.balances.items():
            if balance.available_units or balance.reserved_units:
                yield [2, account, asset, balance.available_units, balance.reserved_units]
        for id_, session in self.sessions.items():
            yield [
                3,
                id_,
                session.definition.participant,
                session.definition.enabled,
                session.session_epoch,
                session.generation,
                session.gateway,
                session.gateway_instance,
                session.token,
                session.last_client_seq,
                self.open_orders(id_),
                *text_words(session.definition.comp_id, 32),
            ]
        for id_, asset_set in self.assets.items():
            yield [4, id_, asset_set.decimals, self.total(id_), *text_words(asset_set.symbol, 8)]
        for instrument in self.instruments.values():
            *numbers, symbol = instrument.definition
            yield [5, *numbers[:3], instrument.state, *numbers[3:], *text_words(symbol, 16)]
        for account_set in self.accounts.values():
            id_, participant, kind, enabled, name = account_set
            yield [6, id_, participant, kind, enabled, *text_words(name, 16)]
        for key in self.used_clordids:
            yield [7, key % 2**64, key >> 64]
        if self.limits != NO_LIMITS:
            yield [8, *self.limits]
        pending = self._pending or Pending(PendingKind.NONE)
        yield [
            9,
            self.epoch,
            self.event_sequence,
            self.day,
            self.venue_state,
            self.last_deposit_seq,
            self.last_checkpoint,
            self.last_batch,
            self.final_batch,
            len(self.orders),
            len(self.pages_in_use()),
            pending.kind,
            pending.position,
            pending.count,
        ]
        for slot, generation in self.generations.items():
            yield [10, slot, generation]

    def _order_record(self, order: Order) -> list[int]:
        return [
            1,
            order.order_id,
            order.session,
            order.account,
            order.instrument,
            order.side,
            order.order_type,
            order.time_in_force,
            order.price_ticks,
            order.quantity_lots,
            order.leaves_lots,
            order.cum_lots,
            order.priority,
            order.reserved_units,
            order.maker_ppm,
            order.taker_ppm,
            order.accrued % 2**64,
            order.accrued >> 64,
            *text_words(order.clordid, CLORDID_BYTES),
        ]


def parse(message: bytes) -> Command | None:
    """The command in a message, None when malformed. A newer, longer block is fine; trailing bytes are not."""
    if len(message) < HEADER.size:
        return None
    block_length, template_id, schema_id, _ = HEADER.unpack_from(message)
    kind = COMMANDS.get(template_id)
    if schema_id != SCHEMA_ID or kind is None or block_length < kind.BLOCK_LENGTH:
        return None
    end = HEADER.size + block_length
    if kind in (NewOrder, ReplaceOrder):
        if len(message) < end + DATA_LENGTH.size:
            return None
        (data_length,) = DATA_LENGTH.unpack_from(message, end)
        if data_length > DATA_MAX:
            return None
        end += DATA_LENGTH.size + data_length
    return kind.decode(message) if len(message) == end else None


def _refused(command: Command, reason: Reason) -> Check:
    return _verdict(command, Verdict.REFUSED, reason=reason)


def _verdict(command: Command, verdict: Verdict, last_client_seq: int = 0, reason: Reason = Reason.NONE) -> Check:
    """A Check that says which command it is about, so that the loop can answer its sender."""
    if isinstance(command, SessionAttach):
        return Check(verdict, reason, command.TEMPLATE_ID, command.session)
    if not isinstance(command, ClientCommand):
        return Check(verdict, reason, command.TEMPLATE_ID)
    where = command.session, command.session_epoch, command.client_seq
    return Check(verdict, reason, command.TEMPLATE_ID, *where, last_client_seq)


def _dense(command: Credit | Checkpoint, number: int, last: int) -> Check:
    """Settlement numbers its commands without holes; seen before is no fault, a hole is."""
    if number <= last:
        return _verdict(command, Verdict.DUPLICATE)
    if number != last + 1:
        return _refused(command, Reason.OUT_OF_SEQUENCE)
    return _verdict(command, Verdict.APPLY)


def _valid_clordid(clordid: bytes) -> bool:
    """Printable ASCII without spaces, at least one character; padding was stripped when it was decoded."""
    return bool(clordid) and all(0x21 <= byte <= 0x7E for byte in clordid)


def _valid_time_in_force(command: NewOrder) -> bool:
    """A market order never rests: Day and ImmediateOrCancel mean the same for it, GoodTillCancel nothing at all."""
    if command.order_type == OrderType.MARKET and command.time_in_force == TimeInForce.GOOD_TILL_CANCEL:
        return False
    return _is_member(command.time_in_force, TimeInForce)


def _sound_instrument(new: InstrumentSet) -> bool:
    """Every product the core computes for this instrument fits, and no quantity or price is meaningless."""
    return (
        new.base != new.quote
        and min(new.tick_units, new.lot_units, new.tick_mantissa, new.lot_mantissa) >= 1
        and 1 <= new.price_min_ticks <= new.price_max_ticks <= PRICE_MAX_TICKS
        and new.quantity_max_lots >= 1
        and new.quantity_max_lots * new.lot_units <= 2**62
        and new.price_max_ticks * new.quantity_max_lots * new.tick_units <= 2**61
        and 1 <= new.notional_max_units <= 2**61
        and new.protection_ticks >= 0
        and max(new.maker_fee_ppm, new.taker_fee_ppm) < MILLION
        and max(new.tick_exponent, new.lot_exponent) <= 18
    )


def _compatible_instrument(old: InstrumentSet, new: InstrumentSet) -> bool:
    """Open orders keep their meaning: the scales stay and no price falls out of range."""
    return (
        _scales(old) == _scales(new)
        and new.price_min_ticks <= old.price_min_ticks
        and new.price_max_ticks >= old.price_max_ticks
    )


def _scales(definition: InstrumentSet) -> tuple[int, ...]:
    return (
        definition.base,
        definition.quote,
        definition.tick_units,
        definition.lot_units,
        definition.tick_exponent,
        definition.lot_exponent,
        definition.tick_mantissa,
        definition.lot_mantissa,
    )


def _is_member(value: int, kind: type[IntEnum]) -> bool:
    return value in list(kind)


def _opposite(side: int) -> Side:
    return Side.SELL if side == Side.BUY else Side.BUY


def _ceil_ppm(accrued: int) -> int:
    """Whole units of a fee kept in millionths, rounded up: the venue never gives a fraction away."""
    return -(-accrued // MILLION)


def clordid_key(session: int, clordid: bytes) -> int:
    """128 bits that stand for a session's ClOrdID in the set of used ones."""
    return mix128([session, *text_words(clordid, CLORDID_BYTES)])


def text_words(text: bytes, size: int) -> list[int]:
    """Text as little-endian 64-bit words, NUL-padded to `size` bytes."""
    return [word for (word,) in iter_unpack("<Q", text.ljust(size, b"\0"))]


def mix128(words: list[int]) -> int:
    """Two 64-bit lanes of multiply and xor-shift over the words; negative words count as two's complement."""
    mask = 2**64 - 1
    a = 0x9E3779B97F4A7C15 ^ len(words)
    b = 0xC2B2AE3D27D4EB4F ^ len(words)
    for word in words:
        a = (a ^ word & mask) * 0xBF58476D1CE4E5B9 & mask
        a ^= a >> 32
        b = (b ^ word & mask) * 0x94D049BB133111EB & mask
        b ^= b >> 29
    return _finish_lane(a) | _finish_lane(b) << 64


def _finish_lane(x: int) -> int:
    mask = 2**64 - 1
    x ^= x >> 30
    x = x * 0xBF58476D1CE4E5B9 & mask
    x ^= x >> 27
    x = x * 0x94D049BB133111EB & mask
    return x ^ x >> 31
