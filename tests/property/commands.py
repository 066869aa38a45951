"""Commands for the core, each by one call: right by default, any field replaced by what is passed.

It learns the venue's state from events alone (observe), as a gateway would, so it can drive any core or a running
engine. What draws commands at random builds on it (tests.property.drawn).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from engine.book import Capacity, Event
from engine.wire.messages import (
    AccountDefined,
    AccountKind,
    AccountSet,
    AnyMessage,
    AssetSet,
    CancelOrder,
    Checkpoint,
    CheckpointEnded,
    ClockTick,
    Credit,
    Credited,
    DayEnded,
    EndOfDay,
    EpochStart,
    EpochStarted,
    InstrumentDefined,
    InstrumentSet,
    KillSwitchChanged,
    KillSwitchSet,
    LimitsSet,
    MarketMakerProtectionChanged,
    MarketMakerProtectionDefined,
    MarketMakerProtectionReset,
    MarketMakerProtectionSet,
    MassCancel,
    NewOrder,
    OperatorCancel,
    OrderAccepted,
    OrderCanceled,
    OrderRejected,
    OrderReplaced,
    OrderType,
    Phase,
    PhaseChanged,
    PhaseSet,
    ReferencePriceChanged,
    ReferencePriceSet,
    ReplaceOrder,
    RiskLimitsDefined,
    RiskLimitsSet,
    Role,
    ScheduleDefined,
    ScheduleSet,
    SessionAttach,
    SessionAttached,
    SessionDefined,
    SessionSet,
    SettlementState,
    SettlementStatus,
    SettlementStatusChanged,
    Side,
    TickBandDefined,
    TickBandSet,
    TimeInForce,
    Trade,
    TradeBust,
    TradeBusted,
    TradingState,
    TradingStateChanged,
    TradingStateSet,
    Transfer,
    Transferred,
)

Command = tuple[Role, bytes]

CAPACITY = Capacity(orders=48, price_pages=24, clordids=256, accounts=7, assets=4, instruments=3, sessions=4)
TINY_LIMITS = LimitsSet(
    max_orders=40,
    max_price_pages=9,
    max_open_orders_per_session=16,
    max_clordids=160,
    max_fills_per_command=3,
    max_events_per_part=25,
    max_open_orders_per_account=12,
    max_bustable_trades=16,
)
ASSETS = (AssetSet(1, 8, b"BTC"), AssetSet(2, 6, b"ETH"), AssetSet(3, 2, b"USD"))
FEE_ACCOUNT = 1
LENDER = 7
ACCOUNTS = (
    AccountSet(FEE_ACCOUNT, 5, AccountKind.FEE, 1, b"fees"),
    AccountSet(2, 1, AccountKind.CLIENT, 1, b"alice"),
    AccountSet(3, 1, AccountKind.CLIENT, 1, b"alan"),
    AccountSet(4, 2, AccountKind.CLIENT, 1, b"bob"),
)
#: Only in the random runs: a second account of bob's participant, and one that gives credit.
MORE_ACCOUNTS = (
    AccountSet(6, 2, AccountKind.CLIENT, 1, b"bill"),
    AccountSet(LENDER, 3, AccountKind.LENDER, 1, b"lender"),
)
SESSIONS = (SessionSet(1, 1, 1, b"ALICE"), SessionSet(2, 1, 1, b"ALAN"), SessionSet(3, 2, 1, b"BOB"))
INSTRUMENTS = (
    InstrumentSet(
        instrument=1,
        base=1,
        quote=3,
        tick_units=10,
        lot_units=100,
        price_min_ticks=2,
        price_max_ticks=300,
        quantity_max_lots=20,
        notional_max_units=9_000,
        protection_ticks=2,
        maker_fee_ppm=700,
        taker_fee_ppm=1_500,
        tick_exponent=1,
        lot_exponent=6,
        tick_mantissa=1,
        lot_mantissa=1,
        symbol=b"BTC/USD",
    ),
    InstrumentSet(
        instrument=2,
        base=2,
        quote=3,
        tick_units=1,
        lot_units=7,
        price_min_ticks=1,
        price_max_ticks=200,
        quantity_max_lots=50,
        notional_max_units=5_000,
        protection_ticks=1,
        maker_fee_ppm=333_333,
        taker_fee_ppm=0,
        tick_exponent=2,
        lot_exponent=6,
        tick_mantissa=1,
        lot_mantissa=7,
        symbol=b"ETH/USD",
    ),
)
GATEWAY = 7
#: 2026-01-01T00:00:00Z
DAWN_NS = 1_767_225_600 * 10**9


@dataclass(slots=True)
class SessionChain:
    """What the next command of a session must carry."""

    session_epoch: int = 1
    generation: int = 0
    gateway: int = GATEWAY
    last_client_seq: int = 0


@dataclass(slots=True)
class OpenOrder:
    """An order that is open as far as events tell."""

    order_id: int
    session: int
    account: int
    instrument: int
    side: int
    order_type: int
    time_in_force: int
    price_ticks: int
    stop_price_ticks: int
    clordid: bytes


class CommandSource:
    """Commands by explicit choice (new_order ...); observe takes what comes back."""

    def __init__(self) -> None:
        self.chains = {session: SessionChain() for session in range(6)}
        self.open: dict[int, OpenOrder] = {}
        #: How to undo what keeps orders from being accepted, by what it is about.
        self.repairs: dict[tuple[Any, ...], Command] = {}
        self.order_ids: list[int] = [0]
        self.clordids: list[bytes] = [b"C0"]
        self.trades: list[int] = [0]
        self.last_price = dict.fromkeys(range(6), 0)
        self.reference_price = dict.fromkeys(range(6), 0)
        self.phase: dict[int, int] = dict.fromkeys(range(6), Phase.CONTINUOUS)
        self.fees_available = dict.fromkeys(range(10), 0)
        self.time_ns = DAWN_NS
        self.next_timer_ns = 0
        self.deposit_seq = 0
        self.transfer_seq = 0
        self.checkpoint = 0
        self.batch = 0
        self.final_batch = 0
        self.epoch = 1
        self.day = 20260101
        self._clordid_count = 0
        self._token = 0
        self._instruments = {instrument.instrument: instrument for instrument in INSTRUMENTS}
        self._observers: dict[type[Any], Callable[[Any], None]] = {
            SessionAttached: self._attached,
            OrderAccepted: self._accepted,
            OrderRejected: self._answered,
            OrderReplaced: self._replaced,
            OrderCanceled: self._canceled,
            Trade: self._traded,
            TradeBusted: self._busted,
            Credited: self._credited,
            Transferred: self._transferred,
            CheckpointEnded: self._checkpoint_ended,
            DayEnded: self._day_ended,
            EpochStarted: self._epoch_started,
            TradingStateChanged: self._trading_state_changed,
            SessionDefined: self._session_defined,
            AccountDefined: self._account_defined,
            InstrumentDefined: self._instrument_defined,
            PhaseChanged: self._phase_changed,
            ReferencePriceChanged: self._reference_price_changed,
            ScheduleDefined: self._schedule_defined,
            TickBandDefined: self._tick_band_defined,
            RiskLimitsDefined: self._risk_limits_defined,
            MarketMakerProtectionDefined: self._protection_defined,
            MarketMakerProtectionChanged: self._protection_changed,
            KillSwitchChanged: self._kill_switch_changed,
            SettlementStatusChanged: self._settlement_changed,
        }

    def setup(self, limits: LimitsSet = TINY_LIMITS) -> list[Command]:
        """Reference data, sessions attached, everybody funded: the state in which trading starts."""
        start = EpochStart(epoch=1, rules_version=2, unclean=0, venue=b"TEST", cfg_sha256=bytes(range(32)))
        commands: list[AnyMessage] = [start, limits, *ASSETS, *INSTRUMENTS, *ACCOUNTS, *SESSIONS]
        numbered = [(Role.INTERNAL, command.encode()) for command in commands]
        numbered += [self.attach(session.session) for session in SESSIONS]
        deposits = [(account.account, asset.asset) for account in ACCOUNTS[1:] for asset in ASSETS]
        for seq, (account, asset) in enumerate(deposits, 1):
            numbered.append(self.credit(account, asset, 12_000 if asset == 3 else 2_500, deposit_seq=seq))
        return numbered

    def observe(self, events: Iterable[Event]) -> None:
        """Learns from events what the next commands must carry."""
        observers = self._observers
        for event in events:
            observer = observers.get(type(event))
            if observer is not None:
                observer(event)
            client_seq = getattr(event, "client_seq", 0)
            if client_seq:
                self.chains[event.session].last_client_seq = client_seq  # type: ignore[union-attr]

    # What events tell.

    def _attached(self, event: SessionAttached) -> None:
        chain = self.chains[event.session]
        chain.session_epoch, chain.generation = event.session_epoch, event.generation
        chain.gateway, chain.last_client_seq = event.gateway, event.last_client_seq

    def _answered(self, event: OrderAccepted | OrderRejected | OrderReplaced | OrderCanceled) -> None:
        if event.clordid:
            self.clordids = [*self.clordids[-15:], event.clordid]

    def _accepted(self, event: OrderAccepted) -> None:
        self._answered(event)
        self.order_ids = [*self.order_ids[-11:], event.order_id]
        if event.rested_lots or not event.working:
            self.open[event.order_id] = OpenOrder(
                event.order_id,
                event.session,
                event.account,
                event.instrument,
                event.side,
                event.order_type,
                event.time_in_force,
                event.price_ticks,
                event.stop_price_ticks,
                event.clordid,
            )

    def _replaced(self, event: OrderReplaced) -> None:
        self._answered(event)
        order = self.open.get(event.order_id)
        if order is None:
            return
        if event.leaves_lots == 0 or (event.working and event.rested_lots == 0):
            del self.open[event.order_id]
            return
        order.clordid, order.price_ticks = event.clordid, event.price_ticks
        order.stop_price_ticks = event.stop_price_ticks

    def _canceled(self, event: OrderCanceled) -> None:
        self._answered(event)
        self.open.pop(event.order_id, None)

    def _traded(self, event: Trade) -> None:
        if event.maker_leaves_lots == 0:
            self.open.pop(event.maker_order_id, None)
        if event.taker_leaves_lots == 0:
            self.open.pop(event.taker_order_id, None)
        self.last_price[event.instrument] = event.price_ticks
        self.trades = [*self.trades[-39:], event.trade_id]
        quote = self._instruments[event.instrument].quote
        self.fees_available[quote] += event.maker_fee_units + event.taker_fee_units

    def _busted(self, event: TradeBusted) -> None:
        quote = self._instruments[event.instrument].quote
        self.fees_available[quote] -= event.buyer_fee_units + event.seller_fee_units

    def _credited(self, event: Credited) -> None:
        self.deposit_seq = event.deposit_seq
        if event.account == FEE_ACCOUNT:
            self.fees_available[event.asset] = event.available_units

    def _transferred(self, event: Transferred) -> None:
        self.transfer_seq = event.transfer_seq
        if event.from_account == FEE_ACCOUNT:
            self.fees_available[event.asset] = event.from_available_units
        if event.to_account == FEE_ACCOUNT:
            self.fees_available[event.asset] = event.to_available_units

    def _checkpoint_ended(self, event: CheckpointEnded) -> None:
        self.checkpoint = event.checkpoint

    def _day_ended(self, event: DayEnded) -> None:
        self.day = event.day

    def _epoch_started(self, event: EpochStarted) -> None:
        self.epoch = event.started_epoch
        if event.unclean:
            self.repairs["state", 0] = self.trading_state(0, TradingState.OPEN)

    def _trading_state_changed(self, event: TradingStateChanged) -> None:
        resume = self.trading_state(event.instrument, TradingState.OPEN)
        self._note_repair(("state", event.instrument), event.state == TradingState.OPEN, resume)

    def _session_defined(self, event: SessionDefined) -> None:
        session = SessionSet(event.session, event.participant, 1, event.comp_id)
        self._note_repair(("session", event.session), event.enabled == 1, (Role.INTERNAL, session.encode()))

    def _account_defined(self, event: AccountDefined) -> None:
        account = AccountSet(event.account, event.participant, event.kind, 1, event.name, 0, 0, 0)
        self._note_repair(("account", event.account), event.enabled == 1, (Role.INTERNAL, account.encode()))

    def _instrument_defined(self, event: InstrumentDefined) -> None:
        self._instruments[event.instrument] = InstrumentSet(*event[5:])
        for usual in INSTRUMENTS:
            if usual.instrument == event.instrument:
                wider = usual._replace(price_min_ticks=event.price_min_ticks, price_max_ticks=event.price_max_ticks)
                is_usual = wider == self._instruments[event.instrument]
                self._note_repair(("instrument", event.instrument), is_usual, (Role.INTERNAL, wider.encode()))

    def _phase_changed(self, event: PhaseChanged) -> None:
        self.phase[event.instrument] = event.phase
        resume = self.set_phase(event.instrument, Phase.CONTINUOUS)
        self._note_repair(("phase", event.instrument), event.phase == Phase.CONTINUOUS, resume)

    def _reference_price_changed(self, event: ReferencePriceChanged) -> None:
        self.reference_price[event.instrument] = event.price_ticks

    def _schedule_defined(self, event: ScheduleDefined) -> None:
        undo = Role.INTERNAL, ScheduleSet(event.instrument, event.entry, 0, 0).encode()
        self._note_repair(("schedule", event.instrument, event.entry), event.phase == 0, undo)

    def _tick_band_defined(self, event: TickBandDefined) -> None:
        undo = Role.INTERNAL, TickBandSet(event.instrument, event.band, 0, 0, 0).encode()
        self._note_repair(("band", event.instrument, event.band), event.from_ticks == 0, undo)

    def _risk_limits_defined(self, event: RiskLimitsDefined) -> None:
        undo = Role.INTERNAL, RiskLimitsSet(event.account, event.instrument, 0, 0, 0, 0).encode()
        self._note_repair(("risk", event.account, event.instrument), not any(event[7:]), undo)

    def _protection_defined(self, event: MarketMakerProtectionDefined) -> None:
        undo = Role.INTERNAL, MarketMakerProtectionSet(event.account, event.instrument, 0, 0).encode()
        self._note_repair(("protection", event.account, event.instrument), event.max_fills == 0, undo)

    def _protection_changed(self, event: MarketMakerProtectionChanged) -> None:
        undo = self.reset_protection(event.account, event.instrument)
        self._note_repair(("tripped", event.account, event.instrument), event.tripped == 0, undo)

    def _kill_switch_changed(self, event: KillSwitchChanged) -> None:
        undo = self.kill_switch(event.scope, event.id, 0)
        self._note_repair(("kill", event.scope, event.id), event.engaged == 0, undo)

    def _settlement_changed(self, event: SettlementStatusChanged) -> None:
        self.batch = max(self.batch, event.batch)
        if event.state == SettlementState.FINAL:
            self.final_batch = event.batch

    def _note_repair(self, key: tuple[Any, ...], is_good: bool, repair: Command) -> None:
        """Remembers how to open again what was closed, so that trading is the rule and not the exception."""
        if is_good:
            self.repairs.pop(key, None)
        else:
            self.repairs[key] = repair

    # One command each. Defaults continue the session's chain; what is passed replaces a field.

    def new_order(self, session: int, skip: int = 0, /, **fields: int | bytes) -> Command:
        """`skip` commands are left out of the chain before this one, as if they had been lost."""
        defaults: dict[str, Any] = {
            "price_ticks": 63,
            "quantity_lots": 1,
            "account": 4 if session == 3 else 2,
            "instrument": 1,
            "side": Side.BUY,
            "order_type": OrderType.LIMIT,
            "time_in_force": TimeInForce.DAY,
            "poss_resend": 0,
            "received_ns": 0,
        }
        if "clordid" not in fields:
            defaults["clordid"] = self.fresh_clordid()
        return Role.GATEWAY, NewOrder(**{**self._chain(session, skip), **defaults, **fields}).encode()

    def cancel_order(self, session: int, skip: int = 0, /, **fields: int | bytes) -> Command:
        defaults: dict[str, Any] = {
            "order_id": 0,
            "instrument": 0,
            "side": Side.BUY,
            "orig_clordid": b"",
            "received_ns": 0,
        }
        if "clordid" not in fields:
            defaults["clordid"] = self.fresh_clordid()
        return Role.GATEWAY, CancelOrder(**{**self._chain(session, skip), **defaults, **fields}).encode()

    def replace_order(self, session: int, skip: int = 0, /, **fields: int | bytes) -> Command:
        defaults: dict[str, Any] = {
            "order_id": 0,
            "price_ticks": 63,
            "quantity_lots": 1,
            "instrument": 0,
            "side": Side.BUY,
            "orig_clordid": b"",
            "received_ns": 0,
        }
        if "clordid" not in fields:
            defaults["clordid"] = self.fresh_clordid()
        return Role.GATEWAY, ReplaceOrder(**{**self._chain(session, skip), **defaults, **fields}).encode()

    def mass_cancel(self, session: int, skip: int = 0, /, **fields: int | bytes) -> Command:
        """Everything of the session unless account, instrument or side say less."""
        defaults: dict[str, Any] = {"account": 0, "instrument": 0, "side": 0, "received_ns": 0}
        if "clordid" not in fields:
            defaults["clordid"] = self.fresh_clordid()
        return Role.GATEWAY, MassCancel(**{**self._chain(session, skip), **defaults, **fields}).encode()

    def attach(self, session: int, reset: int = 0, token: int | None = None, gateway: int = GATEWAY) -> Command:
        """A new token each time unless one is given."""
        self._token += 1
        attach = SessionAttach(session, gateway, 70_000 + gateway, self._token if token is None else token, reset)
        return Role.GATEWAY, attach.encode()

    def credit(self, account: int, asset: int, amount_units: int, deposit_seq: int | None = None) -> Command:
        number = self.deposit_seq + 1 if deposit_seq is None else deposit_seq
        credit = Credit(account, asset, amount_units, number, block_number=number * 3, transaction_hash=b"\xee" * 32)
        return Role.SETTLEMENT, credit.encode()

    def transfer(self, source: int, target: int, asset: int, amount_units: int, ahead: int = 1) -> Command:
        number = self.transfer_seq + ahead
        return Role.ADMIN, Transfer(number, source, target, asset, amount_units, b"operator", b"credit line").encode()

    def settlement_status(self, batch: int, state: int, first: int = 1, last: int = 2) -> Command:
        return Role.SETTLEMENT, SettlementStatus(batch, first, last, 99, state, b"\xcd" * 32).encode()

    def trading_state(self, instrument: int, state: int) -> Command:
        return Role.ADMIN, TradingStateSet(instrument, state, b"operator", b"because").encode()

    def set_phase(self, instrument: int, phase: int, end_ns: int = 0) -> Command:
        return Role.ADMIN, PhaseSet(instrument, phase, end_ns, b"operator", b"because").encode()

    def set_reference_price(self, instrument: int, price_ticks: int) -> Command:
        return Role.ADMIN, ReferencePriceSet(instrument, price_ticks, b"operator", b"because").encode()

    def kill_switch(self, scope: int, id_: int, engaged: int = 1) -> Command:
        return Role.ADMIN, KillSwitchSet(id_, scope, engaged, b"operator", b"because").encode()

    def reset_protection(self, account: int, instrument: int) -> Command:
        return Role.ADMIN, MarketMakerProtectionReset(account, instrument, b"operator", b"calm again").encode()

    def operator_cancel(self, account: int = 0, session: int = 0, instrument: int = 0, side: int = 0) -> Command:
        return Role.ADMIN, OperatorCancel(account, session, instrument, side, b"operator", b"because").encode()

    def bust(self, trade_id: int, guarantor: int = 0) -> Command:
        return Role.ADMIN, TradeBust(trade_id, guarantor, b"operator", b"clearly wrong").encode()

    def end_of_day(self, ahead: int = 1) -> Command:
        return Role.ADMIN, EndOfDay(self.day + ahead, b"operator").encode()

    def checkpoint_after(self, ahead: int = 1) -> Command:
        return Role.SETTLEMENT, Checkpoint(self.checkpoint + ahead).encode()

    def clock_tick(self) -> Command:
        return Role.INTERNAL, ClockTick().encode()

    def fresh_clordid(self) -> bytes:
        self._clordid_count += 1
        return b"C%d" % self._clordid_count

    def _chain(self, session: int, skip: int) -> dict[str, int]:
        chain = self.chains[session]
        return {
            "session": session,
            "session_epoch": chain.session_epoch,
            "generation": chain.generation,
            "gateway": chain.gateway,
            "client_seq": chain.last_client_seq + 1 + skip,
            "prev_client_seq": chain.last_client_seq + skip,
        }
