"""A source of commands for the core: mostly right, aimed at the few prices, ids and limits where things collide.

It learns the venue's state from events alone (observe), as a gateway would, so it can drive any core or a running
engine. The same seed and the same events give the same commands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from engine.book import Capacity, Event
from engine.wire.messages import (
    HEADER,
    AccountDefined,
    AccountKind,
    AccountSet,
    AnyMessage,
    AssetSet,
    CancelOrder,
    Checkpoint,
    CheckpointEnded,
    Continue,
    Credit,
    Credited,
    DayEnded,
    EndOfDay,
    EpochStart,
    EpochStarted,
    InstrumentSet,
    LimitsSet,
    NewOrder,
    OrderAccepted,
    OrderCanceled,
    OrderRejected,
    OrderReplaced,
    OrderType,
    ReplaceOrder,
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

T = TypeVar("T")
CAPACITY = Capacity(orders=16, price_pages=8, clordids=64, accounts=5, assets=4, instruments=3, sessions=4)
TINY_LIMITS = LimitsSet(
    max_orders=8,
    max_price_pages=3,
    max_open_orders_per_session=5,
    max_clordids=40,
    max_fills_per_command=3,
    max_events_per_part=8,
)
ASSETS = (AssetSet(1, 8, b"BTC"), AssetSet(2, 6, b"ETH"), AssetSet(3, 2, b"USD"))
FEE_ACCOUNT = 1
ACCOUNTS = (
    AccountSet(FEE_ACCOUNT, 9, AccountKind.FEE, 1, b"fees"),
    AccountSet(2, 1, AccountKind.CLIENT, 1, b"alice"),
    AccountSet(3, 1, AccountKind.CLIENT, 1, b"alan"),
    AccountSet(4, 2, AccountKind.CLIENT, 1, b"bob"),
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
# Most prices fall in two neighbouring ticks; the page borders at 64 and 128 and a third page let max_price_pages bite.
PRICES = (62, 63, 63, 63, 64, 64, 64, 65, 66, 127, 128, 10)
PATIENT_PRICES: dict[int, tuple[int, ...]] = {Side.BUY: (62, 62, 63, 10), Side.SELL: (64, 65, 65, 128)}
ODD_PRICES = (0, 1, 2, 300, 301, -1, 2**40, -(2**63), 2**63 - 1)
QUANTITIES = (1, 1, 2, 2, 3, 4, 5, 8, 10)
ODD_QUANTITIES = (0, -1, 13, 20, 21, 50, 51, 2**62, 2**63 - 1, -(2**63))
ODD_CLORDIDS = (b"", b"with space", b"\x7f", b"caf\xc3\xa9", b"a\0b", b"x" * 36)
AMOUNTS = (1, 500, 3_000, 9_000)
ODD_AMOUNTS = (0, -1, 2**63 - 1, -(2**63))
GATEWAY = 7


@dataclass(slots=True)
class SessionChain:
    """What the next command of a session must carry."""

    session_epoch: int = 1
    generation: int = 0
    gateway: int = GATEWAY
    last_client_seq: int = 0


@dataclass(slots=True)
class OpenOrder:
    """An order that rests as far as events tell."""

    order_id: int
    session: int
    instrument: int
    side: int
    clordid: bytes


class CommandSource:
    """Commands by explicit choice (new_order ...) or drawn from the seed (draw); observe takes what comes back."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.chains = {session: SessionChain() for session in range(6)}
        self.open: dict[int, OpenOrder] = {}
        self.repairs: dict[tuple[str, int], tuple[Role, bytes]] = {}
        self.order_ids: list[int] = [0]
        self.clordids: list[bytes] = [b"C0"]
        self.deposit_seq = 0
        self.checkpoint = 0
        self.batch = 0
        self.final_batch = 0
        self.epoch = 1
        self.day = 20260101
        self._clordid_count = 0
        self._token = 0
        self._last: tuple[Role, bytes] = (Role.INTERNAL, Continue().encode())

    def setup(self, limits: LimitsSet = TINY_LIMITS) -> list[tuple[Role, bytes]]:
        """Reference data, sessions attached, everybody funded: the state in which trading starts."""
        start = EpochStart(epoch=1, rules_version=1, unclean=0, venue=b"TEST", cfg_sha256=bytes(range(32)))
        commands: list[AnyMessage] = [start, limits, *ASSETS, *INSTRUMENTS, *ACCOUNTS, *SESSIONS]
        numbered = [(Role.INTERNAL, command.encode()) for command in commands]
        numbered += [self.attach(session.session) for session in SESSIONS]
        deposits = [(account.account, asset.asset) for account in ACCOUNTS[1:] for asset in ASSETS]
        for seq, (account, asset) in enumerate(deposits, 1):
            numbered.append(self.credit(account, asset, 12_000 if asset == 3 else 2_500, deposit_seq=seq))
        return numbered

    def observe(self, events: Iterable[Event]) -> None:
        """Learns from events what the next commands must carry."""
        for event in events:
            match event:
                case SessionAttached():
                    chain = self.chains[event.session]
                    chain.session_epoch, chain.generation = event.session_epoch, event.generation
                    chain.gateway, chain.last_client_seq = event.gateway, event.last_client_seq
                case OrderAccepted():
                    self.order_ids = [*self.order_ids[-11:], event.order_id]
                    if event.rested_lots:
                        self._note_open(event)
                case OrderReplaced():
                    self.open.pop(event.order_id, None)
                    if event.rested_lots:
                        self._note_open(event)
                case OrderCanceled():
                    self.open.pop(event.order_id, None)
                case Trade() if event.maker_leaves_lots == 0:
                    self.open.pop(event.maker_order_id, None)
                case Credited():
                    self.deposit_seq = event.deposit_seq
                case CheckpointEnded():
                    self.checkpoint = event.checkpoint
                case DayEnded():
                    self.day = event.day
                case EpochStarted():
                    self.epoch = event.started_epoch
                    if event.unclean:
                        self.repairs["state", 0] = self.trading_state(0, TradingState.OPEN)
                case TradingStateChanged():
                    resume = self.trading_state(event.instrument, TradingState.OPEN)
                    self._note_repair("state", event.instrument, event.state == TradingState.OPEN, resume)
                case SessionDefined():
                    session = SessionSet(event.session, event.participant, 1, event.comp_id)
                    self._note_repair("session", event.session, event.enabled == 1, (Role.INTERNAL, session.encode()))
                case AccountDefined():
                    account = AccountSet(event.account, event.participant, event.kind, 1, event.name)
                    self._note_repair("account", event.account, event.enabled == 1, (Role.INTERNAL, account.encode()))
                case SettlementStatusChanged():
                    self.batch = max(self.batch, event.batch)
                    if event.state == SettlementState.FINAL:
                        self.final_batch = event.batch
                case _:
                    pass
            client_seq = getattr(event, "client_seq", 0)
            if client_seq:
                self.chains[event.session].last_client_seq = client_seq  # type: ignore[union-attr]
            if isinstance(event, OrderAccepted | OrderRejected | OrderReplaced | OrderCanceled) and event.clordid:
                self.clordids = [*self.clordids[-15:], event.clordid]

    def _note_open(self, event: OrderAccepted | OrderReplaced) -> None:
        self.open[event.order_id] = OpenOrder(
            event.order_id, event.session, event.instrument, event.side, event.clordid
        )

    def _note_repair(self, kind: str, id_: int, is_good: bool, repair: tuple[Role, bytes]) -> None:
        """Remembers how to open again what was closed, so that trading is the rule and not the exception."""
        if is_good:
            self.repairs.pop((kind, id_), None)
        else:
            self.repairs[kind, id_] = repair

    # One command each. Defaults continue the session's chain; what is passed replaces a field.

    def new_order(self, session: int, skip: int = 0, /, **fields: int | bytes) -> tuple[Role, bytes]:
        """`skip` commands are left out of the chain before this one, as if they had been lost."""
        order = NewOrder(
            **self._chain(session, skip),
            price_ticks=63,
            quantity_lots=1,
            account=4 if session == 3 else 2,
            instrument=1,
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.DAY,
            poss_resend=0,
            clordid=self.fresh_clordid(),
            received_ns=0,
            echo=b"",
        )
        return Role.GATEWAY, order._replace(**fields).encode()  # type: ignore[arg-type]

    def cancel_order(self, session: int, skip: int = 0, /, **fields: int | bytes) -> tuple[Role, bytes]:
        order = CancelOrder(
            **self._chain(session, skip),
            order_id=0,
            instrument=0,
            side=Side.BUY,
            clordid=self.fresh_clordid(),
            orig_clordid=b"",
            received_ns=0,
        )
        return Role.GATEWAY, order._replace(**fields).encode()  # type: ignore[arg-type]

    def replace_order(self, session: int, skip: int = 0, /, **fields: int | bytes) -> tuple[Role, bytes]:
        order = ReplaceOrder(
            **self._chain(session, skip),
            order_id=0,
            price_ticks=63,
            quantity_lots=1,
            instrument=0,
            side=Side.BUY,
            clordid=self.fresh_clordid(),
            orig_clordid=b"",
            received_ns=0,
            echo=b"",
        )
        return Role.GATEWAY, order._replace(**fields).encode()  # type: ignore[arg-type]

    def attach(
        self, session: int, reset: int = 0, token: int | None = None, gateway: int = GATEWAY
    ) -> tuple[Role, bytes]:
        """A new token each time unless one is given."""
        self._token += 1
        attach = SessionAttach(session, gateway, 70_000 + gateway, self._token if token is None else token, reset)
        return Role.GATEWAY, attach.encode()

    def credit(self, account: int, asset: int, amount_units: int, deposit_seq: int | None = None) -> tuple[Role, bytes]:
        number = self.deposit_seq + 1 if deposit_seq is None else deposit_seq
        credit = Credit(account, asset, amount_units, number, block_number=number * 3, transaction_hash=b"\xee" * 32)
        return Role.SETTLEMENT, credit.encode()

    def settlement_status(self, batch: int, state: int, first: int = 1, last: int = 2) -> tuple[Role, bytes]:
        return Role.SETTLEMENT, SettlementStatus(batch, first, last, 99, state, b"\xcd" * 32).encode()

    def trading_state(self, instrument: int, state: int) -> tuple[Role, bytes]:
        return Role.ADMIN, TradingStateSet(instrument, state, b"operator", b"because").encode()

    def end_of_day(self, ahead: int = 1) -> tuple[Role, bytes]:
        return Role.ADMIN, EndOfDay(self.day + ahead, b"operator").encode()

    def checkpoint_after(self, ahead: int = 1) -> tuple[Role, bytes]:
        return Role.SETTLEMENT, Checkpoint(self.checkpoint + ahead).encode()

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

    # Drawn from the seed.

    def draw(self) -> tuple[Role, bytes]:
        """The next command: mostly orders, now and then anything the core takes, and sometimes nonsense."""
        kinds: Sequence[tuple[int, Callable[[], tuple[Role, bytes]]]] = (
            (500, self._draw_new_order),
            (120, self._draw_cancel),
            (160, self._draw_replace),
            (10, self._draw_attach),
            (20, self._draw_credit),
            (12, self._draw_trading_state),
            (55, self._draw_end_of_day),
            (10, lambda: self.checkpoint_after(self._mostly((1,), (0, 2)))),
            (12, self._draw_settlement),
            (40, self.draw_reference_data),
            (3, self._draw_epoch_start),
            (3, lambda: (Role.INTERNAL, Continue().encode())),
            (60 if self.repairs else 0, lambda: self.random.choice(list(self.repairs.values()))),
            (15, lambda: self._last),
            (20, self.draw_damaged),
        )
        (draw,) = self.random.choices([kind for _, kind in kinds], [weight for weight, _ in kinds])
        self._last = draw()
        return self._last

    def _mostly(self, usual: Sequence[T], odd: Sequence[T], odds: float = 0.04) -> T:
        return self.random.choice(odd if self.random.random() < odds else usual)

    def _draw_session(self) -> int:
        return self._mostly((1, 2, 3), (0, 4, 5), 0.02)

    def _draw_chain_faults(self) -> dict[str, int]:
        """Rarely, one field of the chain is not what it must be."""
        if self.random.random() > 0.03:
            return {}
        name = self.random.choice(("session_epoch", "generation", "gateway", "client_seq", "prev_client_seq"))
        return {name: self.random.choice((0, 1, 2, 3, 8, 2**32 - 1))}

    def _draw_clordid(self) -> bytes:
        odd = (*ODD_CLORDIDS, *self.clordids)
        return odd[self.random.randrange(len(odd))] if self.random.random() < 0.06 else self.fresh_clordid()

    def _draw_new_order(self) -> tuple[Role, bytes]:
        session = self._draw_session()
        side = self._mostly((1, 2), (0, 3, 255), 0.02)
        patient = PATIENT_PRICES.get(side, PRICES) if self.random.random() < 0.5 else PRICES
        return self.new_order(
            session,
            self._mostly((0,), (1,), 0.01),
            price_ticks=self._mostly(patient, ODD_PRICES),
            quantity_lots=self._mostly(QUANTITIES, ODD_QUANTITIES),
            account=self._mostly((4,) if session == 3 else (2, 3), (0, 1, 2, 4, 5, 9)),
            instrument=self._mostly((1, 1, 2), (0, 3, 4, 2**32 - 1), 0.02),
            side=side,
            order_type=self._mostly((2, 2, 2, 2, 2, 1), (0, 3, 255), 0.02),
            time_in_force=self._mostly((1, 2, 2, 2, 1, 3, 4), (0, 5, 255), 0.02),
            poss_resend=self._mostly((0, 0, 0, 1), (2, 255)),
            clordid=self._draw_clordid(),
            received_ns=self.random.randrange(2**64),
            echo=self._mostly((b"", b"desk=5"), (bytes(512), b"\xff" * 9)),
            **self._draw_chain_faults(),
        )

    def _draw_target(self) -> tuple[int, dict[str, int | bytes]]:
        """A session and which order it names: mostly one that rests, by OrderID or by ClOrdID."""
        if self.open and self.random.random() < 0.7:
            order = self.random.choice(list(self.open.values()))
            fields: dict[str, int | bytes] = {"side": self._mostly((order.side,), (0, 1, 2, 3))}
            fields["instrument"] = self._mostly((order.instrument, 0), (1, 2, 3))
            fields["orig_clordid"] = order.clordid
            fields["order_id"] = self.random.choice((0, order.order_id))
            return self._mostly((order.session,), (1, 2, 3)), fields
        order_id = self.random.choice(self.order_ids)
        odd_ids = (1, 16, order_id + (1 << 32), 1 << 63 | 3, 2 << 32 | 200)
        return self._draw_session(), {
            "side": self.random.choice((1, 2)),
            "instrument": 0,
            "order_id": self._mostly((0, order_id), odd_ids, 0.2),
            "orig_clordid": self._mostly(self.clordids[-8:], (*ODD_CLORDIDS, b"never"), 0.2),
        }

    def _draw_cancel(self) -> tuple[Role, bytes]:
        session, target = self._draw_target()
        skip = self._mostly((0,), (1,), 0.01)
        return self.cancel_order(session, skip, clordid=self._draw_clordid(), **target, **self._draw_chain_faults())

    def _draw_replace(self) -> tuple[Role, bytes]:
        session, target = self._draw_target()
        return self.replace_order(
            session,
            self._mostly((0,), (1,), 0.01),
            price_ticks=self._mostly(PRICES, ODD_PRICES),
            quantity_lots=self._mostly(QUANTITIES, ODD_QUANTITIES),
            clordid=self._draw_clordid(),
            echo=self._mostly((b"", b"desk=6"), (bytes(512),)),
            **target,
            **self._draw_chain_faults(),
        )

    def _draw_attach(self) -> tuple[Role, bytes]:
        token = self._mostly((None,), (0, 1, self._token))
        return self.attach(self._draw_session(), self._mostly((0,), (1, 2), 0.3), token, self._mostly((7, 8), (0,)))

    def _draw_credit(self) -> tuple[Role, bytes]:
        number = self.deposit_seq + self._mostly((1,), (0, 2, 5, -self.deposit_seq))
        account = self._mostly((2, 3, 4), (0, 1, 5, 6))
        return self.credit(account, self._mostly((1, 2, 3), (0, 4, 5)), self._mostly(AMOUNTS, ODD_AMOUNTS), number)

    def _draw_trading_state(self) -> tuple[Role, bytes]:
        return self.trading_state(self._mostly((0, 1, 2), (3, 4)), self._mostly((1, 2, 3, 4), (0, 5, 255)))

    def _draw_end_of_day(self) -> tuple[Role, bytes]:
        return self.end_of_day(self._mostly((1, 3), (0, -1), 0.1))

    def _draw_settlement(self) -> tuple[Role, bytes]:
        state = self._mostly((1, 2, 3, 4, 4), (0, 5))
        usual = self.batch + 1 if state == SettlementState.CUT else self.final_batch + 1
        batch = self._mostly((usual,), (0, self.final_batch, self.batch, self.batch + 2, self.final_batch + 2), 0.3)
        return self.settlement_status(batch, state, *self._mostly(((1, 2), (3, 3)), ((4, 3),)))

    def _draw_epoch_start(self) -> tuple[Role, bytes]:
        unclean = self._mostly((0,), (1, 2), 0.2)
        return Role.INTERNAL, EpochStart(self.epoch + 1, 1, unclean, b"TEST", b"\x11" * 32).encode()

    def draw_reference_data(self) -> tuple[Role, bytes]:
        draw = self.random.choice(
            (
                self._draw_limits,
                self._draw_asset,
                self._draw_instrument,
                self._draw_instrument,
                self._draw_account,
                self._draw_session_set,
            )
        )
        return Role.INTERNAL, draw().encode()

    def _draw_limits(self) -> LimitsSet:
        if self.random.random() < 0.3:
            return TINY_LIMITS
        return LimitsSet(
            max_orders=self._mostly((8, 4, 16), (0, 17, 2**32 - 1), 0.1),
            max_price_pages=self._mostly((3, 2, 8), (0, 9), 0.1),
            max_open_orders_per_session=self._mostly((5, 3, 16), (0,)),
            max_clordids=self._mostly((40, 30, 64), (0, 65), 0.1),
            max_fills_per_command=self._mostly((3, 1, 1, 4), (0, 2**32 - 1)),
            max_events_per_part=self._mostly((8, 8, 7, 12), (0, 4, 2**32 - 1)),
        )

    def _draw_asset(self) -> AssetSet:
        asset = self.random.choice((*ASSETS, AssetSet(4, 9, b"NEW"), AssetSet(4, 10, b"BAD"), AssetSet(5, 1, b"FIVE")))
        changes: tuple[dict[str, int | bytes], ...] = (
            {},
            {"symbol": b"OTHER"},
            {"decimals": 3},
            {"asset": 0},
            {"symbol": b"EIGHTBYT"},
        )
        return asset._replace(**self.random.choice(changes))  # type: ignore[arg-type]

    def _draw_instrument(self) -> InstrumentSet:
        instrument = self.random.choice(INSTRUMENTS)
        good: tuple[dict[str, int], ...] = (
            {},
            {"maker_fee_ppm": 999_999, "taker_fee_ppm": 1},
            {"maker_fee_ppm": 0, "taker_fee_ppm": 0},
            {"taker_fee_ppm": 250_001},
            {"notional_max_units": 2_000},
            {"protection_ticks": 0},
            {"protection_ticks": 2**63 - 1},
            {"quantity_max_lots": 4},
            {"quantity_max_lots": 2**61 // (instrument.price_max_ticks * instrument.tick_units)},
            {"price_min_ticks": 1},
            {"instrument": 3, "base": 1, "quote": 2, "price_max_ticks": 2**24 - 1},
        )
        bad: tuple[dict[str, int], ...] = (
            {"instrument": 0},
            {"instrument": 4},
            {"base": 4},
            {"base": 0},
            {"quote": instrument.base},
            {"quote": 9},
            {"tick_units": 0},
            {"tick_units": 11},
            {"tick_units": 2**63 - 1},
            {"lot_units": -1},
            {"lot_units": 2**62},
            {"price_min_ticks": 0},
            {"price_min_ticks": 62},
            {"price_max_ticks": 100},
            {"price_max_ticks": 2**24},
            {"quantity_max_lots": 0},
            {"quantity_max_lots": 2**63 - 1},
            {"notional_max_units": 0},
            {"notional_max_units": 2**61 + 1},
            {"protection_ticks": -1},
            {"maker_fee_ppm": 1_000_000},
            {"taker_fee_ppm": 2**32 - 1},
            {"tick_exponent": 19},
            {"lot_exponent": 7},
            {"tick_mantissa": 0},
            {"lot_mantissa": 3},
        )
        return instrument._replace(**self._mostly(good, bad, 0.4))  # type: ignore[arg-type]

    def _draw_account(self) -> AccountSet:
        account = self.random.choice((*ACCOUNTS, AccountSet(5, 2, AccountKind.SUSPENSE, 1, b"suspense")))
        usual: tuple[dict[str, int | bytes], ...] = ({}, {"enabled": 0}, {"enabled": 0}, {"name": b"renamed"})
        odd: tuple[dict[str, int | bytes], ...] = (
            {"account": 0},
            {"account": 6},
            {"account": 5, "kind": AccountKind.FEE},
            {"kind": 0},
            {"kind": 5},
            {"kind": AccountKind.LENDER},
            {"participant": 0},
            {"participant": 3},
            {"enabled": 2},
        )
        return account._replace(**self._mostly(usual, odd, 0.4))  # type: ignore[arg-type]

    def _draw_session_set(self) -> SessionSet:
        usual: tuple[dict[str, int | bytes], ...] = ({}, {}, {}, {}, {}, {"enabled": 0})
        odd: tuple[dict[str, int | bytes], ...] = (
            {"session": 0},
            {"session": 5},
            {"session": 4, "comp_id": b"LATE", "participant": 7},
            {"participant": 0},
            {"participant": 5},
            {"comp_id": b"OTHER"},
            {"enabled": 9},
        )
        return self.random.choice(SESSIONS)._replace(**self._mostly(usual, odd, 0.4))  # type: ignore[arg-type]

    def draw_damaged(self) -> tuple[Role, bytes]:
        """A right message with wrong bytes, or one that came in by another role's endpoint."""
        role, message = self.random.choice(
            (self._draw_new_order, self._draw_cancel, self._draw_replace, self._draw_credit)
        )()
        block_length, template_id, schema_id, version = HEADER.unpack_from(message)
        body = message[HEADER.size :]
        damage = self.random.randrange(8)
        if damage == 0:
            return role, message[: self.random.randrange(len(message))]
        if damage == 1:
            return role, message + b"\0" * self.random.randrange(1, 9)
        if damage == 2:
            return self.random.choice(list(Role)), message
        if damage == 3:
            # Not EpochStart or StateHash: wrong contents of those are a programmer's error and stop the core.
            others = [id_ for id_ in range(130) if id_ not in (EpochStart.TEMPLATE_ID, StateHash.TEMPLATE_ID)]
            return Role.INTERNAL, HEADER.pack(block_length, self.random.choice(others), schema_id, version) + body
        if damage == 4:
            return role, HEADER.pack(block_length, template_id, schema_id + 1, version) + body
        if damage == 5:
            return role, HEADER.pack(block_length - 8, template_id, schema_id, version) + body
        if damage == 6:
            longer = HEADER.pack(block_length + 8, template_id, schema_id, version + 1)
            return role, longer + body[:block_length] + b"\xaa" * 8 + body[block_length:]
        return role, HEADER.pack(block_length, template_id, schema_id, version) + body[:-1] + b"\xff"
