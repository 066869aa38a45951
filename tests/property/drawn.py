"""Commands drawn from a seed: mostly right, aimed at the few prices, ids and limits where things collide.

Single draws are mixed with scenes, short scripts that lead where single draws seldom get: an auction with many ties, a
cascade of stops, a protection that trips. The same seed and the same events give the same commands.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from random import Random
from typing import Any, TypeVar

from engine.wire.messages import (
    HEADER,
    AccountKind,
    AccountSet,
    AnyMessage,
    AssetSet,
    CancelOrder,
    Continue,
    EndOfDay,
    EpochStart,
    FeeScheduleSet,
    InstrumentSet,
    KillScope,
    LimitsSet,
    MarketMakerProtectionSet,
    MassCancel,
    NewOrder,
    OrderRejected,
    OrderType,
    Phase,
    Reason,
    ReplaceOrder,
    RiskLimitsSet,
    Role,
    ScheduleSet,
    SessionSet,
    SettlementState,
    Side,
    StateHash,
    TickBandSet,
    TimeInForce,
)
from tests.property.commands import (
    ACCOUNTS,
    ASSETS,
    FEE_ACCOUNT,
    INSTRUMENTS,
    LENDER,
    MORE_ACCOUNTS,
    SESSIONS,
    TINY_LIMITS,
    Command,
    CommandSource,
)

T = TypeVar("T")
Fields = dict[str, Any]
Scene = Iterator[Command]

ODD_PRICES = (0, 1, 2, 300, 301, -1, 2**40, -(2**63), 2**63 - 1)
QUANTITIES = (1, 1, 2, 2, 3, 4, 5, 8, 10)
ODD_QUANTITIES = (0, -1, 13, 20, 21, 50, 51, 2**62, 2**63 - 1, -(2**63))
ODD_CLORDIDS = (b"", b"with space", b"\x7f", b"caf\xc3\xa9", b"a\0b", b"x" * 36)
ODD_AMOUNTS = (0, -1, 2**63 - 1, -(2**63))
#: Pages of prices are 64 ticks wide: most orders stand around the border at 64, some on pages of their own.
CENTER_TICKS = 64
FAR_TICKS = (10, 127, 128, 192, 20)
LASTING = (TimeInForce.DAY, TimeInForce.GOOD_TILL_CANCEL, TimeInForce.GOOD_TILL_DATE)
CALLS = (Phase.OPENING_AUCTION, Phase.CLOSING_AUCTION, Phase.VOLATILITY_AUCTION)
#: Repairs by what keeps orders out altogether; after these no scene would show anything.
BLOCKING = ("state", "session", "account", "phase", "kill", "tripped")
MILLISECOND_NS = 10**6
SECOND_NS = 10**9
DAY_SECONDS = 86_400
#: Not drawn by damage: wrong contents of these are a programmer's or a disk's error and stop the core.
TRUSTED_TEMPLATES = (EpochStart.TEMPLATE_ID, StateHash.TEMPLATE_ID)
LAST_TEMPLATE = 140
CLIENT_TEMPLATES = {message.TEMPLATE_ID for message in (NewOrder, CancelOrder, ReplaceOrder, MassCancel)}
CLIENT_SEQ_OFFSET = HEADER.size + 16
#: Where the instrument parameters of rules 2 are tried; every one is a valid change of either instrument.
INSTRUMENT_VARIANTS: tuple[Fields, ...] = (
    {},
    {"maker_fee_ppm": -400, "taker_fee_ppm": 1_500},
    {"maker_fee_ppm": -333_333, "taker_fee_ppm": 333_333},
    {"maker_fee_ppm": 999_999, "taker_fee_ppm": 1},
    {"maker_fee_ppm": 0, "taker_fee_ppm": 0},
    {"maker_fee_ppm": 250_001, "taker_fee_ppm": -250_001},
    {"notional_max_units": 2_000},
    {"notional_min_units": 700},
    {"quantity_min_lots": 2},
    {"protection_ticks": 0},
    {"protection_ticks": 2**63 - 1},
    {"quantity_max_lots": 4},
    {"static_band_ppm": 32_000, "volatility_auction_ms": 100},
    {"static_band_ppm": 20_000, "dynamic_band_ppm": 40_000, "volatility_auction_ms": 1_000},
    {"dynamic_band_ppm": 16_000, "volatility_auction_ms": 5},
    {"static_band_ppm": 32_000},
    {"dynamic_band_ppm": 48_000},
    {"static_band_ppm": 999_999, "dynamic_band_ppm": 999_999},
)
BAD_INSTRUMENT_FIELDS: tuple[Fields, ...] = (
    {"instrument": 0},
    {"instrument": 4},
    {"base": 4},
    {"base": 0},
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
    {"maker_fee_ppm": -1_600},
    {"maker_fee_ppm": -1_000_000},
    {"taker_fee_ppm": 2**31 - 1},
    {"taker_fee_ppm": -1},
    {"tick_exponent": 19},
    {"lot_exponent": 7},
    {"tick_mantissa": 0},
    {"lot_mantissa": 3},
    {"quantity_min_lots": -1},
    {"quantity_min_lots": 51},
    {"notional_min_units": -1},
    {"notional_min_units": 2**61},
    {"static_band_ppm": 1_000_000},
    {"dynamic_band_ppm": 1_000_000},
    {"volatility_auction_ms": 86_400_001},
    {"initial_phase": 7},
    {"initial_phase": 8},
)


class RandomSource(CommandSource):
    """Commands drawn from the seed (draw)."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = Random(seed)
        self._scene: Scene | None = None
        self._wishes: list[Command] = []
        self._last: Command = (Role.INTERNAL, Continue().encode())
        self._observers[OrderRejected] = self._rejected
        self._center = CENTER_TICKS
        single: tuple[tuple[int, Callable[[], Command]], ...] = (
            (560, self.draw_order),
            (100, self.draw_cancel),
            (150, self.draw_replace),
            (12, self.draw_mass_cancel),
            (10, self.draw_attach),
            (12, self.draw_credit),
            (8, self.draw_transfer),
            (16, self.draw_bust),
            (5, self.draw_trading_state),
            (4, self.draw_end_of_day),
            (6, lambda: self.checkpoint_after(self._mostly((1,), (0, 2)))),
            (8, self.draw_settlement),
            (16, self.draw_phase),
            (8, self.draw_reference_price),
            (5, self.draw_kill_switch),
            (6, self.draw_operator_cancel),
            (4, self.draw_protection_reset),
            (60, self.draw_reference_data),
            (2, self._draw_epoch_start),
            (3, lambda: (Role.INTERNAL, Continue().encode())),
            (30, self.clock_tick),
            (12, lambda: self._last),
            (20, self.draw_damaged),
            (30, self.draw_corrupted),
        )
        self._draws = [draw for _, draw in single]
        self._draw_bounds = list(accumulate(weight for weight, _ in single))
        self._scenes: tuple[Callable[[], Scene], ...] = (
            self._opening_auction,
            self._opening_auction,
            self._closing_auction,
            self._wide_auction,
            self._wide_auction,
            self._balanced_auction,
            self._crossed_pre_open,
            self._stop_cascade,
            self._stop_cascade,
            self._icebergs,
            self._self_trades,
            self._self_trades,
            self._protected_maker,
            self._protection_window,
            self._many_orders_canceled,
            self._price_band_trip,
            self._price_band_trip,
            self._good_till_date,
            self._busts,
            self._empty_fee_account,
            self._full_and_fill_or_kill,
            self._amendments,
            self._limits_of_risk,
            self._schedule,
        )

    def everything(self, limits: LimitsSet = TINY_LIMITS) -> list[Command]:
        """setup, and what only random runs use: more accounts, one with money to lend."""
        commands = self.setup(limits)
        commands += [(Role.INTERNAL, account.encode()) for account in MORE_ACCOUNTS]
        if self.random.random() < 0.5:
            self._scene = self._opening_without_reference()
        seq = len(ACCOUNTS[1:]) * len(ASSETS)
        for account in MORE_ACCOUNTS:
            for asset in ASSETS:
                seq += 1
                commands.append(self.credit(account.account, asset.asset, 12_000, deposit_seq=seq))
        return commands

    def draw(self) -> Command:
        """The next command, and time_ns moved on to when it comes."""
        self._pass_time()
        self._last = self._next()
        return self._last

    def _next(self) -> Command:
        chance = self.random.random()
        if self.next_timer_ns:
            if self.next_timer_ns <= self.time_ns:
                if chance < 0.8:
                    return self.clock_tick()
            elif chance < 0.03:
                self._wait_for_timer(self.random.choice((0, 0, 0, 1)))
                return self.clock_tick()
        if self._wishes and chance < 0.5:
            return self._wishes.pop(0)
        if self.repairs and self.random.random() < 0.06:
            return self._repair()
        if self._scene is not None and self.random.random() < 0.85:
            command = next(self._scene, None)
            if command is not None:
                return command
            self._scene = None
        elif self._scene is None and self.random.random() < 0.12:
            self._scene = self._played(self.random.choice(self._scenes))
        return self._single()

    def _repair(self) -> Command:
        """Mostly of what stops trading altogether, as far as anything does."""
        blocking = [repair for key, repair in self.repairs.items() if key[0] in BLOCKING]
        if blocking and self.random.random() < 0.7:
            return self.random.choice(blocking)
        return self.random.choice(list(self.repairs.values()))

    def _played(self, scene: Callable[[], Scene]) -> Scene:
        """The scene, mostly in a market that is open for it."""
        if self.random.random() < 0.8:
            yield from [repair for key, repair in self.repairs.items() if key[0] in BLOCKING]
        yield from scene()

    def _single(self) -> Command:
        bounds = self._draw_bounds
        return self._draws[bisect_left(bounds, self.random.random() * bounds[-1])]()

    def _wait_for_timer(self, short_ns: int = 0) -> None:
        """Until what is due next, or just short of it, is due; not for a date that is years away."""
        if self.next_timer_ns < self.time_ns + 2 * DAY_SECONDS * SECOND_NS:
            self.time_ns = max(self.time_ns, self.next_timer_ns - short_ns)

    def _pass_time(self) -> None:
        chance = self.random.random()
        if chance < 0.85:
            self.time_ns += 1_000
        elif chance < 0.96:
            self.time_ns += self.random.randrange(1, 4) * MILLISECOND_NS
        elif chance < 0.99:
            self.time_ns += self.random.choice((100, 250, 300)) * MILLISECOND_NS
        elif chance < 0.995:
            self.time_ns += self.random.randrange(1, 6) * SECOND_NS

    def _rejected(self, event: OrderRejected) -> None:
        """What stands in the way of all further orders is wished away, mostly."""
        self._answered(event)
        if self.random.random() < 0.3 or len(self._wishes) > 6:
            return
        amount = self.random.choice((3_000, 9_000, 40_000))
        match event.reason:
            case Reason.INSUFFICIENT_FUNDS:
                self._wishes.append(self._credit_wish(event.account, 3 if event.side == Side.BUY else 1, amount))
            case Reason.CL_ORD_ID_TABLE_FULL:
                self._wishes.append(self.end_of_day())
            case Reason.ORDER_POOL_FULL | Reason.BOOK_FULL:
                self._wishes.append(self.operator_cancel(instrument=self.random.choice((0, 1, 2))))
            case Reason.TOO_MANY_OPEN_ORDERS | Reason.TOO_MANY_OPEN_ORDERS_OF_ACCOUNT:
                if event.session in self.chains:
                    self._wishes.append(self.operator_cancel(session=event.session))
            case _:
                pass

    def _credit_wish(self, account: int, asset: int, amount: int) -> Command:
        """Half of them by the lender, who may be short himself."""
        if self.random.random() < 0.3:
            return self.transfer(LENDER, account, asset, min(amount, 4_000))
        return self.credit(account, asset, amount)

    def _mostly(self, usual: Sequence[T], odd: Sequence[T], odds: float = 0.03) -> T:
        return self.random.choice(odd if self.random.random() < odds else usual)

    # Client commands.

    def _draw_session(self) -> int:
        return self._mostly((1, 2, 3), (0, 4, 4, 5), 0.015)

    def _account_of(self, session: int) -> int:
        return self._mostly((4, 4, 6) if session == 3 else (2, 3), (0, 1, 2, 4, 5, 9), 0.015)

    def _draw_chain_faults(self) -> Fields:
        """Rarely, one field of the chain is not what it must be."""
        if self.random.random() > 0.02:
            return {}
        name = self.random.choice(("session_epoch", "generation", "gateway", "client_seq", "prev_client_seq"))
        return {name: self.random.choice((0, 1, 2, 3, 8, 2**32 - 1))}

    def _draw_clordid(self) -> bytes:
        if self.random.random() < 0.04:
            return self.random.choice((*ODD_CLORDIDS, *self.clordids))
        return self.fresh_clordid()

    def _price(self, instrument: int, side: int) -> int:
        """Around the last price: half of them passive, half to trade; some far away or senseless."""
        chance = self.random.random()
        if chance < 0.02:
            return self.random.choice(ODD_PRICES)
        if chance < 0.05:
            return self.random.choice(FAR_TICKS)
        last = self.last_price.get(instrument, 0)
        center = last if abs(last - CENTER_TICKS) <= 5 else CENTER_TICKS
        away = self.random.choice((0, 1, 1, 2, 3)) if chance < 0.52 else -self.random.choice((0, 0, 1, 2, 3))
        return center - away if side == Side.BUY else center + away

    def draw_order(self, **given: Any) -> Command:
        """A new order of any kind; what is given stays."""
        choose = self.random.choice
        chance = self.random.random
        session = given.pop("session") if "session" in given else self._draw_session()
        instrument = given.get("instrument") or self._mostly((1, 1, 2), (0, 3, 4, 2**32 - 1), 0.02)
        side = given.get("side") or self._mostly((1, 2), (0, 3, 255), 0.01)
        phase = self.phase.get(instrument, Phase.CONTINUOUS)
        order_type = given.get("order_type") or self._order_type(phase)
        tif = given.get("time_in_force") or self._time_in_force(order_type, phase)
        fields: Fields = {
            "account": self._account_of(session),
            "instrument": instrument,
            "side": side,
            "order_type": order_type,
            "time_in_force": tif,
            "price_ticks": self._price(instrument, side),
            "quantity_lots": self._mostly(QUANTITIES, ODD_QUANTITIES, 0.02),
            "clordid": self._draw_clordid(),
        }
        lasting = tif in LASTING
        if order_type in (OrderType.STOP, OrderType.STOP_LIMIT):
            fields |= self._stop_fields(instrument, side)
        elif chance() < 0.01:
            fields["stop_price_ticks"] = choose((1, 64, -1))
        if tif == TimeInForce.GOOD_TILL_DATE:
            fields["expire_ns"] = self._expiry()
        elif chance() < 0.01:
            fields["expire_ns"] = choose((1, self.time_ns + SECOND_NS))
        if chance() < (0.2 if lasting and order_type in (2, 4, 5) else 0.01):
            fields["display_lots"] = self._mostly((1, 1, 2, 3), (-1, 20, 2**62), 0.05)
        if chance() < (0.1 if order_type in (2, 5) and phase == Phase.CONTINUOUS else 0.01):
            fields["min_lots"] = self._mostly((1, 2, 3, 5), (-1, 11, 2**62), 0.05)
        if chance() < (0.08 if order_type == 2 and lasting and "min_lots" not in fields else 0.005):
            fields["post_only"] = self._mostly((1,), (2, 255))
        if chance() < 0.12:
            fields["stp_mode"] = self._mostly((1, 2, 3, 4), (5, 255))
        if chance() < 0.05:
            fields["poss_resend"] = choose((1, 1, 2))
        if chance() < 0.1:
            fields["echo"] = self._mostly((b"desk=5",), (bytes(512), b"\xff" * 9))
        fields |= self._draw_chain_faults()
        return self.new_order(session, self._mostly((0,), (1,), 0.005), **{**fields, **given})

    def _order_type(self, phase: int) -> int:
        chance = self.random.random()
        if phase != Phase.CONTINUOUS and chance < 0.75:
            return OrderType.LIMIT if chance < 0.6 else OrderType.MARKET
        if chance < 0.62:
            return OrderType.LIMIT
        if chance < 0.71:
            return OrderType.MARKET
        if chance < 0.77:
            return OrderType.MARKET_TO_LIMIT
        if chance < 0.87:
            return OrderType.STOP
        return OrderType.STOP_LIMIT if chance < 0.985 else self.random.choice((0, 6, 255))

    def _time_in_force(self, order_type: int, phase: int) -> int:
        chance = self.random.random()
        if chance < 0.02:
            return self.random.choice((0, 8, 255, 1, 2, 3, 4, 5, 6, 7))
        if order_type in (OrderType.STOP, OrderType.STOP_LIMIT):
            return self.random.choice(LASTING)
        if phase in (Phase.PRE_OPEN, Phase.OPENING_AUCTION):
            if order_type == OrderType.MARKET or chance < 0.25:
                return TimeInForce.AT_THE_OPENING
            return self.random.choice(LASTING) if chance < 0.92 else TimeInForce.AT_THE_CLOSE
        if phase in (Phase.CLOSING_AUCTION, Phase.VOLATILITY_AUCTION):
            if order_type == OrderType.MARKET or chance < 0.2:
                return TimeInForce.AT_THE_CLOSE
            return self.random.choice(LASTING) if chance < 0.95 else TimeInForce.IMMEDIATE_OR_CANCEL
        if chance < 0.06:
            return TimeInForce.AT_THE_CLOSE
        if order_type == OrderType.MARKET:
            return self.random.choice((1, 3, 3, 4))
        return self.random.choice((1, 1, 2, 2, 2, 5, 3, 4))

    def _stop_fields(self, instrument: int, side: int) -> Fields:
        """A stop a little beyond what triggers it, so that the next trades elect it."""
        trigger = self.random.choice((0, 1, 1, 2))
        watched = self.reference_price if trigger == 2 else self.last_price
        base = watched.get(instrument, 0) or CENTER_TICKS
        away = self.random.choice((1, 1, 2, 3)) if self.random.random() < 0.93 else self.random.choice((0, -1))
        stop = base + away if side == Side.BUY else base - away
        limit = stop + self.random.choice((-1, 0, 1, 2))
        if self.random.random() < 0.02:
            trigger, stop = self._mostly((trigger,), (3, 255), 0.5), self._mostly((stop,), ODD_PRICES, 0.5)
        return {"trigger": trigger, "stop_price_ticks": stop, "price_ticks": limit}

    def _expiry(self) -> int:
        """From the next nanosecond to the next day; often the same instant for many orders."""
        later = self.random.choice((1, 2_000, MILLISECOND_NS, SECOND_NS, 10 * SECOND_NS, DAY_SECONDS * SECOND_NS))
        at = self.time_ns + later
        return self._mostly((at, (at // SECOND_NS + 1) * SECOND_NS), (self.time_ns, 1, 0, 2**64 - 1))

    def _draw_target(self) -> tuple[int, Fields]:
        """A session and which order it names: mostly one that is open, by OrderID or by ClOrdID."""
        if self.open and self.random.random() < 0.8:
            order = self.random.choice(list(self.open.values()))
            fields: Fields = {"side": self._mostly((order.side,), (0, 1, 2, 3))}
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

    def draw_cancel(self) -> Command:
        session, target = self._draw_target()
        skip = self._mostly((0,), (1,), 0.005)
        return self.cancel_order(session, skip, clordid=self._draw_clordid(), **target, **self._draw_chain_faults())

    def draw_replace(self) -> Command:
        session, target = self._draw_target()
        order = self.open.get(target["order_id"]) or next(
            (order for order in self.open.values() if order.clordid == target["orig_clordid"]), None
        )
        fields: Fields = {"price_ticks": self._price(target["instrument"] or 1, target["side"])}
        if order is not None:
            fields |= self._amended(order.price_ticks, order.stop_price_ticks, order.time_in_force)
            fields["order_type"] = self._mostly((0, order.order_type), (1, 2, 3, 4, 5, 6, 255))
        fields["quantity_lots"] = self._mostly(QUANTITIES, ODD_QUANTITIES, 0.02)
        fields["clordid"] = self._draw_clordid()
        if self.random.random() < 0.1:
            fields["echo"] = self._mostly((b"desk=6",), (bytes(512),))
        fields |= target | self._draw_chain_faults()
        return self.replace_order(session, self._mostly((0,), (1,), 0.005), **fields)

    def _amended(self, price_ticks: int, stop_price_ticks: int, time_in_force: int) -> Fields:
        """Half of the amendments keep the price; stop price, display and expiry only where they mean something."""
        fields: Fields = {}
        if self.random.random() < 0.5:
            fields["price_ticks"] = price_ticks
        if stop_price_ticks and self.random.random() < 0.5:
            fields["stop_price_ticks"] = stop_price_ticks + self.random.choice((0, 0, 1, -1, 3, -3))
        elif self.random.random() < 0.01:
            fields["stop_price_ticks"] = self.random.choice((64, -1))
        if self.random.random() < 0.12:
            fields["display_lots"] = self._mostly((1, 2, 3, 30), (-1, 2**62))
        if time_in_force == TimeInForce.GOOD_TILL_DATE:
            fields["expire_ns"] = self._expiry() if self.random.random() < 0.6 else 0
        elif self.random.random() < 0.01:
            fields["expire_ns"] = self._expiry()
        return fields

    def draw_mass_cancel(self) -> Command:
        session = self._draw_session()
        return self.mass_cancel(
            session,
            account=self._mostly((0, 0, 2, 4), (1, 3, 6, 9, 5)),
            instrument=self._mostly((0, 0, 1, 2), (3, 4)),
            side=self._mostly((0, 0, 1, 2), (3, 255)),
            clordid=self._draw_clordid(),
            **self._draw_chain_faults(),
        )

    def draw_attach(self) -> Command:
        token = self._mostly((None,), (0, 1, self._token))
        return self.attach(self._draw_session(), self._mostly((0,), (1, 2), 0.3), token, self._mostly((7, 8), (0,)))

    # Money.

    def draw_credit(self) -> Command:
        number = self.deposit_seq + self._mostly((1,), (0, 2, 5, -self.deposit_seq))
        account = self._mostly((2, 3, 4, 6, LENDER), (0, 1, 5, 8))
        amount = self._mostly((1, 500, 3_000, 9_000), ODD_AMOUNTS, 0.06)
        return self.credit(account, self._mostly((1, 2, 3), (0, 4, 5)), amount, number)

    def draw_transfer(self) -> Command:
        client = self._mostly((2, 3, 4, 6, FEE_ACCOUNT), (0, 5, 8, LENDER))
        pair = (LENDER, client) if self.random.random() < 0.5 else (client, LENDER)
        source, target = self._mostly((pair,), ((2, 3), (client, client), (0, LENDER)))
        asset = self._mostly((1, 2, 3), (0, 4, 5))
        ahead = self._mostly((1,), (0, 2, -min(1, self.transfer_seq)))
        return self.transfer(source, target, asset, self._mostly((1, 100, 2_000), ODD_AMOUNTS, 0.1), ahead)

    def draw_bust(self) -> Command:
        odd = (1, 0, self.trades[-1] + 1, 2**64 - 1)
        guarantor = self._mostly((0, 0, LENDER, 6), (1, 5, 9, 2), 0.1)
        return self.bust(self._mostly(self.trades[-20:], odd, 0.1), guarantor)

    # Operators, settlement, the clock.

    def draw_trading_state(self) -> Command:
        return self.trading_state(self._mostly((0, 1, 2), (3, 4)), self._mostly((1, 2, 3, 4), (0, 5, 255)))

    def draw_end_of_day(self) -> Command:
        return self.end_of_day(self._mostly((1, 3), (0, -1), 0.1))

    def draw_settlement(self) -> Command:
        state = self._mostly((1, 2, 3, 4, 4), (0, 5))
        usual = self.batch + 1 if state == SettlementState.CUT else self.final_batch + 1
        batch = self._mostly((usual,), (0, self.final_batch, self.batch, self.batch + 2, self.final_batch + 2), 0.3)
        return self.settlement_status(batch, state, *self._mostly(((1, 2), (3, 3)), ((4, 3),)))

    def draw_phase(self) -> Command:
        phase = self._mostly((1, 2, 3, 3, 3, 4, 5, 6, 7), (0, 8, 255))
        later = self.random.choice((1, MILLISECOND_NS, 300 * MILLISECOND_NS, 2 * SECOND_NS))
        end_ns = self.time_ns + later if phase in CALLS and self.random.random() < 0.7 else 0
        return self.set_phase(
            self._mostly((1, 1, 2), (0, 3, 4)), phase, self._mostly((end_ns,), (self.time_ns, 1, self.time_ns + 1))
        )

    def draw_reference_price(self) -> Command:
        price = self._mostly((62, 63, 64, 65, 66, 0), ODD_PRICES, 0.1)
        return self.set_reference_price(self._mostly((1, 1, 2), (0, 3, 4)), price)

    def draw_kill_switch(self) -> Command:
        scope = self._mostly((1, 2, 3, 4), (0, 5), 0.05)
        usual: dict[int, tuple[int, ...]] = {1: (2, 3, 4, 6), 2: (1, 2, 3), 3: (1, 2), 4: (0,)}
        id_ = self._mostly(usual.get(scope, (0,)), (0, 1, 4, 5, 9), 0.1)
        return self.kill_switch(scope, id_, self._mostly((0, 1, 1), (2, 255)))

    def draw_operator_cancel(self) -> Command:
        return self.operator_cancel(
            account=self._mostly((0, 0, 2, 4), (5, 9, 1)),
            session=self._mostly((0, 0, 1, 3), (4, 5)),
            instrument=self._mostly((0, 1, 2), (3, 4)),
            side=self._mostly((0, 0, 1, 2), (3,)),
        )

    def draw_protection_reset(self) -> Command:
        return self.reset_protection(self._mostly((2, 3, 4, 6), (0, 5, 9)), self._mostly((1, 2), (0, 4)))

    def _draw_epoch_start(self) -> Command:
        unclean = self._mostly((0,), (1, 2), 0.2)
        return Role.INTERNAL, EpochStart(self.epoch + 1, 2, unclean, b"TEST", b"\x11" * 32).encode()

    # Reference data.

    def draw_reference_data(self) -> Command:
        draw: Callable[[], AnyMessage] = self.random.choice(
            (
                self._draw_limits,
                self._draw_asset,
                self._draw_instrument,
                self._draw_instrument,
                self._draw_instrument,
                self._draw_account,
                self._draw_account,
                self._draw_session_set,
                self._draw_tick_band,
                self._draw_fee_schedule,
                self._draw_schedule,
                self._draw_risk_limits,
                self._draw_risk_limits,
                self._draw_protection,
            )
        )
        return Role.INTERNAL, draw().encode()

    def _draw_limits(self) -> LimitsSet:
        if self.random.random() < 0.3:
            return TINY_LIMITS
        max_fills, max_events = self._mostly(
            ((1, 19), (1, 19), (1, 25), (2, 22), (3, 25), (4, 28), (3, 60)),
            ((0, 25), (2**32 - 1, 25), (3, 24), (3, 0), (3, 65_537), (3, 2**32 - 1), (1, 65_536)),
        )
        return LimitsSet(
            max_orders=self._mostly((40, 48, 30, 20, 10), (0, 49, 2**32 - 1), 0.06),
            max_price_pages=self._mostly((9, 24, 6, 4), (0, 25), 0.06),
            max_open_orders_per_session=self._mostly((16, 14, 40, 6), (0,)),
            max_clordids=self._mostly((160, 256, 120), (0, 257, 30), 0.06),
            max_fills_per_command=max_fills,
            max_events_per_part=max_events,
            max_open_orders_per_account=self._mostly((12, 0, 20, 5), (1,)),
            max_bustable_trades=self._mostly((16, 24, 3, 0), (25,)),
        )

    def _draw_asset(self) -> AssetSet:
        asset = self.random.choice((*ASSETS, AssetSet(4, 9, b"NEW"), AssetSet(4, 10, b"BAD"), AssetSet(5, 1, b"FIVE")))
        changes: tuple[Fields, ...] = (
            {},
            {"symbol": b"OTHER"},
            {"decimals": 3},
            {"asset": 0},
            {"symbol": b"EIGHTBYT"},
        )
        return asset._replace(**self.random.choice(changes))

    def _draw_instrument(self) -> InstrumentSet:
        """From what is defined now, so that ranges that were widened stay as wide."""
        chance = self.random.random()
        usual = self._instruments[self.random.choice(INSTRUMENTS).instrument]
        if chance < 0.25:
            return usual._replace(**self.random.choice(BAD_INSTRUMENT_FIELDS))
        if chance < 0.28:
            return usual._replace(quote=usual.base)
        if chance < 0.31:
            wider: tuple[Fields, ...] = ({"price_min_ticks": 1}, {"price_max_ticks": 310})
            return usual._replace(**self.random.choice(wider))
        if chance < 0.33:
            most = 2**61 // (usual.price_max_ticks * usual.tick_units)
            return usual._replace(quantity_max_lots=most + self.random.choice((0, 1)))
        if chance < 0.37:
            phase = self.random.choice((0, 1, 2, 3))
            return usual._replace(instrument=3, base=1, quote=2, price_max_ticks=2**24 - 1, initial_phase=phase)
        plain = next(known for known in INSTRUMENTS if known.instrument == usual.instrument)
        plain = plain._replace(price_min_ticks=usual.price_min_ticks, price_max_ticks=usual.price_max_ticks)
        return plain._replace(**self.random.choice(INSTRUMENT_VARIANTS))

    def _draw_account(self) -> AccountSet:
        account = self.random.choice((*ACCOUNTS, *MORE_ACCOUNTS, AccountSet(5, 2, AccountKind.SUSPENSE, 1, b"late")))
        usual: tuple[Fields, ...] = (
            {},
            {"enabled": 0},
            {"name": b"renamed"},
            {"stp_key": 5, "stp_mode": 1},
            {"stp_key": 5, "stp_mode": 4},
            {"stp_key": 5, "stp_mode": 2},
            {"stp_key": 5},
            {"fee_tier": 1},
            {"fee_tier": 2},
            {"fee_tier": 7},
        )
        odd: tuple[Fields, ...] = (
            {"account": 0},
            {"account": 8},
            {"account": 5, "kind": AccountKind.FEE},
            {"kind": 0},
            {"kind": 5},
            {"kind": AccountKind.SUSPENSE},
            {"participant": 0},
            {"participant": 3},
            {"participant": 8},
            {"enabled": 2},
            {"stp_mode": 5},
            {"fee_tier": 8},
        )
        return account._replace(**self._mostly(usual, odd, 0.25))

    def _draw_session_set(self) -> SessionSet:
        usual: tuple[Fields, ...] = ({}, {}, {}, {}, {}, {"enabled": 0})
        odd: tuple[Fields, ...] = (
            {"session": 0},
            {"session": 5},
            {"session": 4, "comp_id": b"LATE", "participant": 2},
            {"session": 4, "comp_id": b"LATE", "participant": 2, "enabled": 0},
            {"participant": 0},
            {"participant": 5},
            {"comp_id": b"OTHER"},
            {"enabled": 9},
        )
        return self.random.choice(SESSIONS)._replace(**self._mostly(usual, odd, 0.3))

    def _draw_tick_band(self) -> TickBandSet:
        instrument = self._mostly((1, 2), (0, 3, 4))
        band = self._mostly((1, 2, 8), (0, 9))
        from_ticks = self._mostly((1, 60, 63, 65, 100, 0, 0), (2**24 - 1, 2**24, -1))
        return TickBandSet(
            instrument,
            band,
            from_ticks,
            self._mostly((1, 2, 2, 5), (0, -1, 2**24 - 1, 2**24)),
            self._mostly((1, 1, 2, 3), (0, -1, 21, 51)),
        )

    def _draw_fee_schedule(self) -> FeeScheduleSet:
        rates = ((-300, 900), (0, 1_500), (500, 500), (-333_333, 400_000), (0, 0), (999_999, 0), (1_000, 2_000))
        odd = ((-2_000, 100), (1_000_000, 0), (0, 1_000_000), (0, -1), (-1_000_000, 999_999))
        maker, taker = self._mostly(rates, odd, 0.1)
        return FeeScheduleSet(self._mostly((1, 2), (0, 3, 4)), self._mostly((1, 2, 7), (0, 8)), maker, taker)

    def _draw_schedule(self) -> ScheduleSet:
        now = self.time_ns // SECOND_NS % DAY_SECONDS
        second = (now + self.random.choice((0, 1, 2, 3, 60, 3_600))) % DAY_SECONDS
        return ScheduleSet(
            self._mostly((1, 2), (0, 3, 4)),
            self._mostly((1, 2, 3, 8), (0, 9)),
            self._mostly((second,), (0, DAY_SECONDS - 1, DAY_SECONDS, 2**32 - 1), 0.1),
            self._mostly((1, 2, 3, 3, 4, 5, 6, 0), (7, 8)),
        )

    def _draw_risk_limits(self) -> RiskLimitsSet:
        limits = self._mostly(
            (
                (0, 0, 0, 0),
                (4, 0, 0, 0),
                (0, 300, 0, 0),
                (0, 0, 6, 0),
                (0, 0, 12, 0),
                (0, 0, 0, 20_000),
                (9, 5_000, 40, 10**7),
            ),
            ((-1, 0, 0, 0), (0, -1, 0, 0), (0, 0, -1, 0), (0, 0, 0, 10**7 + 1), (2**63 - 1, 2**63 - 1, 2**63 - 1, 1)),
            0.1,
        )
        return RiskLimitsSet(self._mostly((2, 3, 4, 6), (0, 5, 8)), self._mostly((1, 2), (0, 3, 4)), *limits)

    def _draw_protection(self) -> MarketMakerProtectionSet:
        fills, window = self._mostly(
            ((1, 1), (2, 5), (3, 1_000), (2, 60_000), (0, 0)), ((65, 1), (64, 3_600_000), (1, 0), (1, 3_600_001)), 0.1
        )
        account = self._mostly((2, 3, 4, 6), (0, 5, 8))
        return MarketMakerProtectionSet(account, self._mostly((1, 2), (0, 3, 4)), fills, window)

    # Nonsense.

    def draw_damaged(self) -> Command:
        """A right message with wrong bytes, or one that came in by another role's endpoint."""
        role, message = self._any_but_trusted()
        block_length, template_id, schema_id, version = HEADER.unpack_from(message)
        body = message[HEADER.size :]
        damage = self.random.randrange(9)
        if damage == 0:
            return role, message[: self.random.randrange(len(message))]
        if damage == 1:
            return role, message + b"\0" * self.random.randrange(1, 9)
        if damage == 2:
            return self.random.choice(list(Role)), message
        if damage == 3:
            others = [id_ for id_ in range(LAST_TEMPLATE + 2) if id_ not in TRUSTED_TEMPLATES]
            return Role.INTERNAL, HEADER.pack(block_length, self.random.choice(others), schema_id, version) + body
        if damage == 4:
            return role, HEADER.pack(block_length, template_id, schema_id + 1, version) + body
        if damage == 5:
            return role, HEADER.pack(max(block_length - 8, 0), template_id, schema_id, version) + body
        if damage == 8:
            zeros = bytes(self.random.randrange(0, 17))
            return self.random.choice((Role.INTERNAL, role)), zeros + self.random.choice((b"", b"\x80"))
        if damage == 6:
            longer = HEADER.pack(block_length + 8, template_id, schema_id, version + 1)
            return role, longer + body[:block_length] + b"\xaa" * 8 + body[block_length:]
        return role, HEADER.pack(block_length, template_id, schema_id, version) + body[:-1] + b"\xff"

    def draw_corrupted(self) -> Command:
        """A right message in which one field, or a part of it, holds something else."""
        role, message = self._any_but_trusted()
        block_length, template_id, _, _ = HEADER.unpack_from(message)
        if block_length == 0 or template_id == EndOfDay.TEMPLATE_ID:  # a day far ahead would be the last one for good
            return role, message
        width = self.random.choice((1, 1, 4, 8))
        offset = HEADER.size + self.random.randrange(max(block_length // width, 1)) * width
        old = int.from_bytes(message[offset : offset + width], "little")
        top = 1 << 8 * width
        value = self.random.choice(
            (0, 1, 2, old + 1, old - 1, top - 1, top // 2, top // 2 - 1, self.random.randrange(top))
        )
        if template_id in CLIENT_TEMPLATES and offset // 8 * 8 == CLIENT_SEQ_OFFSET:
            value = old + 1  # so would a number far ahead be for the session
        return role, message[:offset] + (value % top).to_bytes(width, "little") + message[offset + width :]

    def _any_but_trusted(self) -> Command:
        while True:
            role, message = self._draws[self.random.randrange(len(self._draws) - 3)]()
            if HEADER.unpack_from(message)[1] not in TRUSTED_TEMPLATES:
                return role, message

    # Scenes.

    def _limit(self, instrument: int, side: int, price: int, lots: int, **fields: Any) -> Command:
        """A plain order of some client, meant to be accepted."""
        session = fields.pop("session", 0) or self.random.choice((1, 2, 3))
        account = fields.pop("account", 0) or self.random.choice((4, 6) if session == 3 else (2, 3))
        given = {"order_type": OrderType.LIMIT, "time_in_force": TimeInForce.GOOD_TILL_CANCEL, **fields}
        return self.new_order(
            session, account=account, instrument=instrument, side=side, price_ticks=price, quantity_lots=lots, **given
        )

    def _opening_auction(self) -> Scene:
        """Orders of all kinds crossed on few prices, then the uncross, by an operator or by the clock."""
        instrument = self.random.choice((1, 1, 2))
        if self.random.random() < 0.4:
            yield self.set_reference_price(instrument, self.random.choice((62, 63, 64, 66, 0)))
        first = self.random.choice((Phase.PRE_OPEN, Phase.OPENING_AUCTION, Phase.VOLATILITY_AUCTION))
        yield self.set_phase(instrument, first)
        yield from self._crossed_orders(instrument)
        if first == Phase.PRE_OPEN and self.random.random() < 0.7:
            yield self.set_phase(instrument, Phase.OPENING_AUCTION, self.time_ns + SECOND_NS)
            yield from self._crossed_orders(instrument)
        if self.random.random() < 0.4:
            yield self.set_phase(instrument, Phase.OPENING_AUCTION, self.time_ns + self.random.choice((1, SECOND_NS)))
            self._wait_for_timer()
            yield self.clock_tick()
            yield self.clock_tick()
        yield self.set_phase(instrument, Phase.CONTINUOUS)

    def _opening_without_reference(self) -> Scene:
        """The first auction of all, when there is no price yet to guide a market order."""
        yield self.set_phase(1, Phase.PRE_OPEN)
        for side in (1, 2, 1):
            yield self._limit(1, side, 0, 1, order_type=OrderType.MARKET, time_in_force=TimeInForce.AT_THE_OPENING)
        yield from self._crossed_orders(1)
        yield self.set_phase(1, Phase.CONTINUOUS)

    def _wide_auction(self) -> Scene:
        """A crossed book over many pages and few lots, asked for its price again and again, with and without bands."""
        instrument = self.random.choice((1, 2))
        if self.random.random() < 0.3:
            band = TickBandSet(instrument, 1, self.random.choice((1, 50, 100)), self.random.choice((2, 5, 7)), 1)
            yield Role.INTERNAL, band.encode()
        if self.random.random() < 0.6:
            yield self.set_reference_price(instrument, self.random.randrange(2, 201))
        yield self.set_phase(instrument, Phase.OPENING_AUCTION)
        middle, width = self.random.randrange(20, 180), self.random.choice((3, 10, 70, 190))
        for _ in range(self.random.randrange(2, 16)):
            side = self.random.choice((1, 2))
            shift = self.random.choice((0, 0, width // 2)) * (1 if side == Side.BUY else -1)
            price = middle + shift + self.random.randrange(-width, width + 1)
            lots = self.random.choice((1, 1, 1, 2, 3))
            yield self._limit(instrument, side, min(max(price, 2), 200), lots, display_lots=self.random.choice((0, 1)))
            if self.random.random() < 0.4:
                self.time_ns += 250 * MILLISECOND_NS
                yield self.clock_tick()
        if self.random.random() < 0.3:
            yield Role.INTERNAL, TickBandSet(instrument, 1, 0, 0, 0).encode()
        yield self.set_phase(instrument, Phase.CONTINUOUS)

    def _balanced_auction(self) -> Scene:
        """As much to buy as to sell over a range of prices, and a guide price somewhere in it, off tick or not."""
        instrument = self.random.choice((1, 2))
        yield self.operator_cancel(instrument=instrument)
        yield Role.INTERNAL, TickBandSet(instrument, 1, 1, self.random.choice((1, 2, 4)), 1).encode()
        yield self.set_reference_price(instrument, self.random.randrange(56, 73))
        yield self.set_phase(instrument, Phase.OPENING_AUCTION)
        lots = self.random.choice((1, 2))
        yield self._limit(instrument, Side.BUY, self.random.choice((68, 72, 64)), lots)
        yield self._limit(instrument, Side.SELL, self.random.choice((56, 60, 64)), lots)
        if self.random.random() < 0.3:
            yield self._limit(instrument, self.random.choice((1, 2)), self.random.choice((60, 64, 68)), 1)
        yield self.set_phase(instrument, Phase.CONTINUOUS)
        yield Role.INTERNAL, TickBandSet(instrument, 1, 0, 0, 0).encode()

    def _crossed_orders(self, instrument: int) -> Scene:
        only_passive = self.random.random() < 0.2
        for _ in range(self.random.randrange(2, 22)):
            side = self.random.choice((1, 2))
            away = self.random.choice((-2, -1, -1, 0, 0, 0, 1, 1, 2))
            if only_passive:
                away = -abs(away) if side == Side.BUY else abs(away) + 1
            chance = self.random.random()
            price = CENTER_TICKS + away
            lots = self.random.choice((1, 1, 2, 2, 3, 4))
            if chance < 0.55:
                display = self.random.choice((0, 0, 0, 1, 2))
                yield self._limit(instrument, side, price, lots, display_lots=display)
            elif chance < 0.7:
                tif = self.random.choice((TimeInForce.AT_THE_OPENING, TimeInForce.AT_THE_CLOSE))
                yield self._limit(instrument, side, price, lots, time_in_force=tif)
            elif chance < 0.8:
                tif = self.random.choice((TimeInForce.AT_THE_OPENING, TimeInForce.AT_THE_CLOSE))
                yield self._limit(instrument, side, 0, lots, order_type=OrderType.MARKET, time_in_force=tif)
            elif chance < 0.9:
                yield self.draw_order(instrument=instrument, side=side)
            elif chance < 0.95:
                yield self.draw_replace()
            else:
                self.time_ns += 260 * MILLISECOND_NS
                yield self.clock_tick()

    def _closing_auction(self) -> Scene:
        """Orders wait for the close, come into its auction and are purged after it."""
        instrument = self.random.choice((1, 2))
        for _ in range(self.random.randrange(1, 14)):
            order_type = self.random.choice((OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET))
            price = 0 if order_type == OrderType.MARKET else CENTER_TICKS + self.random.choice((-1, 0, 1, 64))
            side, lots = self.random.choice((1, 2)), self.random.choice((1, 2, 3))
            tif = TimeInForce.AT_THE_CLOSE
            yield self._limit(instrument, side, price, lots, order_type=order_type, time_in_force=tif)
        if self.random.random() < 0.3:
            yield self.draw_replace()
        end_ns = self.time_ns + SECOND_NS if self.random.random() < 0.5 else 0
        yield self.set_phase(instrument, Phase.CLOSING_AUCTION, end_ns)
        yield from self._crossed_orders(instrument)
        if end_ns:
            self.time_ns = max(self.time_ns, end_ns)
            yield self.clock_tick()
            yield self.clock_tick()
        yield self.set_phase(instrument, self.random.choice((Phase.CLOSED, Phase.CLOSED, Phase.CONTINUOUS)))
        if self.random.random() < 0.5:
            yield self.draw_end_of_day()
        yield self.set_phase(instrument, self.random.choice((Phase.PRE_OPEN, Phase.CONTINUOUS)))

    def _crossed_pre_open(self) -> Scene:
        """A crossed book that is closed, halted and opened without a call phase in between."""
        instrument = self.random.choice((1, 2))
        yield self.set_phase(instrument, Phase.PRE_OPEN)
        yield from self._crossed_orders(instrument)
        for _ in range(3):
            yield self.set_phase(instrument, self.random.choice((1, 3, 4, 5, 6)))
        yield self.set_phase(instrument, Phase.CONTINUOUS)

    def _stop_cascade(self) -> Scene:
        """Stops on both sides of the last price, then trades that run through them."""
        instrument = self.random.choice((1, 1, 2))
        yield self._limit(instrument, Side.SELL, CENTER_TICKS, 1, session=3)
        yield self._limit(instrument, Side.BUY, CENTER_TICKS, 1, session=1)
        last = self.last_price[instrument] or CENTER_TICKS
        trigger = self.random.choice((1, 1, 2))
        if trigger == 2:
            yield self.set_reference_price(instrument, last)
        up = self.random.random() < 0.5
        for number in range(self.random.randrange(2, 14)):
            side = self.random.choice((1, 2)) if self.random.random() < 0.2 else (Side.BUY if up else Side.SELL)
            away = self.random.choice((1, 1, 1, 2, 3))
            stop = last + away if side == Side.BUY else last - away
            order_type = self.random.choice((OrderType.STOP, OrderType.STOP_LIMIT))
            limit = stop + self.random.choice((0, 1, 2, -1))
            display = 1 if order_type == OrderType.STOP_LIMIT and number % 3 == 0 else 0
            yield self._limit(
                instrument,
                side,
                limit,
                self.random.choice((1, 1, 2, 3)),
                order_type=order_type,
                stop_price_ticks=stop,
                trigger=trigger,
                display_lots=display,
            )
        against = Side.SELL if up else Side.BUY
        for away in (1, 1, 2, 3):
            yield self._limit(instrument, against, last + away if up else last - away, self.random.choice((1, 2, 3)))
        if trigger == 2:
            yield self.set_reference_price(instrument, last + 2 if up else last - 2)
        yield self._limit(instrument, 3 - against, last + 1 if up else last - 1, 2)
        yield self._limit(instrument, 3 - against, last + 3 if up else last - 3, 4, time_in_force=3)

    def _icebergs(self) -> Scene:
        """Icebergs and plain orders in one level, hit again and again."""
        instrument = self.random.choice((1, 2))
        side = self.random.choice((1, 2))
        price = CENTER_TICKS
        for _ in range(self.random.randrange(1, 5)):
            display = self.random.choice((0, 1, 1, 2, 3))
            yield self._limit(instrument, side, price, self.random.choice((2, 3, 5, 8)), display_lots=display)
        for _ in range(self.random.randrange(2, 8)):
            tif = self.random.choice((1, 3, 3, 4))
            yield self._limit(instrument, 3 - side, price, self.random.choice((1, 2, 3, 4)), time_in_force=tif)
            if self.random.random() < 0.2:
                yield self.draw_replace()

    def _self_trades(self) -> Scene:
        """Accounts that share a key meet themselves in every mode."""
        instrument = self.random.choice((1, 2))
        key, mode = self.random.choice((5, 5, 9)), self.random.choice((0, 1, 2, 3, 4))
        for account in (*ACCOUNTS[1:], *MORE_ACCOUNTS[:1]):
            if account.account in (2, 3) or self.random.random() < 0.3:
                shared = account._replace(stp_key=key, stp_mode=mode)
                yield Role.INTERNAL, shared.encode()
        side = self.random.choice((1, 2))
        for _ in range(self.random.randrange(1, 4)):
            for _ in range(self.random.randrange(1, 4)):
                display = self.random.choice((0, 0, 1))
                price = CENTER_TICKS + self.random.choice((0, 0, 1, -1))
                yield self._limit(instrument, side, price, self.random.choice((1, 2, 3, 4)), display_lots=display)
            taker = self.random.choice((0, 1, 2, 3, 4, 4))
            tif = self.random.choice((1, 2, 3, 4))
            least = self.random.choice((0, 0, 2)) if tif != TimeInForce.FILL_OR_KILL else 0
            price = CENTER_TICKS + (1 if side == Side.SELL else -1)
            lots = self.random.choice((1, 2, 3, 4, 6))
            least = min(least, lots)
            yield self._limit(
                instrument, 3 - side, price, lots, session=1, stp_mode=taker, time_in_force=tif, min_lots=least
            )

    def _protected_maker(self) -> Scene:
        """A maker whose fills come too fast."""
        instrument = self.random.choice((1, 2))
        session, account = self.random.choice(((1, 2), (3, 4)))
        fills = self.random.choice((1, 2, 3))
        protection = MarketMakerProtectionSet(account, instrument, fills, self.random.choice((1, 100, 60_000)))
        yield Role.INTERNAL, protection.encode()
        for away in (0, 0, 1, 2, 64):
            display = self.random.choice((0, 1))
            yield self._limit(
                instrument, Side.SELL, CENTER_TICKS + away, 3, session=session, account=account, display_lots=display
            )
        for _ in range(fills + 2):
            yield self._limit(instrument, Side.BUY, CENTER_TICKS + 1, self.random.choice((1, 2, 4)), session=2)
        yield self._limit(instrument, Side.SELL, CENTER_TICKS, 1, session=session, account=account)
        yield self.draw_replace()
        yield self.reset_protection(account, instrument)

    def _protection_window(self) -> Scene:
        """Two fills of a protected maker exactly as far apart as its window is long, or a nanosecond more."""
        instrument = self.random.choice((1, 2))
        session, account = self.random.choice(((1, 2), (3, 4)))
        window_ms = self.random.choice((1, 7, 1_000))
        yield self.operator_cancel(instrument=instrument)
        yield Role.INTERNAL, MarketMakerProtectionSet(account, instrument, 2, window_ms).encode()
        yield self._limit(instrument, Side.SELL, CENTER_TICKS, 3, session=session, account=account)
        first_ns = self.time_ns
        yield self._limit(instrument, Side.BUY, CENTER_TICKS, 1, session=2)
        self.time_ns = max(self.time_ns, first_ns + window_ms * MILLISECOND_NS + self.random.choice((0, 0, 1, -1)))
        yield self._limit(instrument, Side.BUY, CENTER_TICKS, 1, session=2)

    def _many_orders_canceled(self) -> Scene:
        """As many open orders as the limits allow, then one of the ways to be rid of them all."""
        yield (
            Role.INTERNAL,
            TINY_LIMITS._replace(
                max_open_orders_per_session=30,
                max_open_orders_per_account=self.random.choice((0, 20)),
                max_fills_per_command=1,
                max_events_per_part=self.random.choice((19, 20)),
            ).encode(),
        )
        session = self.random.choice((1, 3))
        lives = self.random.choice(((TimeInForce.DAY,), (1, 1, 2, 7)))
        for number in range(self.random.randrange(8, 26)):
            side = self.random.choice((1, 2))
            price = CENTER_TICKS + (-5 if side == Side.BUY else 5) + number % 3
            tif = self.random.choice(lives)
            yield self._limit(self.random.choice((1, 2)), side, price, 1, session=session, time_in_force=tif)
        account, participant = (2, 1) if session == 1 else (4, 2)
        yield self.random.choice(
            (
                self.mass_cancel(session),
                self.mass_cancel(session, side=1),
                self.mass_cancel(session, account=account, instrument=1),
                self.operator_cancel(),
                self.operator_cancel(session=session),
                self.operator_cancel(account=account, side=2),
                self.kill_switch(KillScope.SESSION, session),
                self.kill_switch(KillScope.ACCOUNT, account),
                self.kill_switch(KillScope.PARTICIPANT, participant),
                self.kill_switch(KillScope.VENUE, 0),
                self.end_of_day(),
                self.end_of_day(),
                self.set_phase(1, Phase.CLOSED),
            )
        )
        yield self._limit(1, 1, CENTER_TICKS, 1, session=session)

    def _price_band_trip(self) -> Scene:
        """An order that would trade beyond a band, with and without a volatility auction after it."""
        instrument = self.random.choice((1, 2))
        banded: Fields = {"static_band_ppm": 16_000} if self.random.random() < 0.6 else {"dynamic_band_ppm": 16_000}
        banded["volatility_auction_ms"] = self.random.choice((0, 1, 100, 1_000))
        plain = next(known for known in INSTRUMENTS if known.instrument == instrument)
        now = self._instruments[instrument]
        plain = plain._replace(price_min_ticks=now.price_min_ticks, price_max_ticks=now.price_max_ticks, **banded)
        yield Role.INTERNAL, plain.encode()
        yield self.set_reference_price(instrument, CENTER_TICKS)
        side = self.random.choice((1, 2))
        step = 1 if side == Side.BUY else -1
        for away in (1, 2, 3):
            yield self._limit(instrument, 3 - side, CENTER_TICKS + step * away, self.random.choice((1, 2)))
        tif = self.random.choice((1, 2, 3, 4, 5))
        expire_ns = self.time_ns + SECOND_NS if tif == TimeInForce.GOOD_TILL_DATE else 0
        order_type = self.random.choice((2, 2, 2, 1)) if tif in (1, 3, 4) else 2
        lots = self.random.choice((2, 4, 8))
        price = CENTER_TICKS + 3 * step
        yield self._limit(instrument, side, price, lots, order_type=order_type, time_in_force=tif, expire_ns=expire_ns)
        yield from self._crossed_orders(instrument)
        self._wait_for_timer()
        yield self.clock_tick()

    def _good_till_date(self) -> Scene:
        """More orders that expire in the same instant than one part may expire."""
        at = self.time_ns + self.random.choice((MILLISECOND_NS, SECOND_NS))
        for _ in range(self.random.randrange(2, 20)):
            side = self.random.choice((1, 2))
            price = CENTER_TICKS + (-4 if side == Side.BUY else 4)
            order_type = self.random.choice((2, 2, 4))
            stop = {"stop_price_ticks": price} if order_type == OrderType.STOP_LIMIT else {}
            if order_type == OrderType.STOP_LIMIT:
                stop = {"stop_price_ticks": CENTER_TICKS + (8 if side == Side.BUY else -8)}
            yield self._limit(
                1,
                side,
                price,
                1,
                order_type=order_type,
                time_in_force=TimeInForce.GOOD_TILL_DATE,
                expire_ns=at + self.random.choice((0, 0, 0, 1)),
                **stop,
            )
        yield self.draw_replace()
        self.time_ns = max(self.time_ns, at)
        yield self.clock_tick()
        yield self.clock_tick()

    def _busts(self) -> Scene:
        """The last trades busted, some of them twice, when the money may be gone."""
        yield from self._icebergs()
        if self.random.random() < 0.5:
            for account in (2, 4):
                yield self.transfer(account, LENDER, 3, self.random.choice((500, 2_000)))
        for _ in range(self.random.randrange(2, 6)):
            yield self.bust(self.random.choice(self.trades[-6:]), self.random.choice((0, 0, LENDER, 6)))

    def _empty_fee_account(self) -> Scene:
        """Rebates when the fee account has nothing left to pay them from."""
        instrument = self.random.choice((1, 2))
        plain = next(known for known in INSTRUMENTS if known.instrument == instrument)
        now = self._instruments[instrument]
        yield (
            Role.INTERNAL,
            plain._replace(
                price_min_ticks=now.price_min_ticks,
                price_max_ticks=now.price_max_ticks,
                maker_fee_ppm=-333_333,
                taker_fee_ppm=333_333,
            ).encode(),
        )
        for _ in range(self.random.randrange(2, 5)):
            amount = self.fees_available[3]
            if amount > 0:
                yield self.transfer(FEE_ACCOUNT, LENDER, 3, amount)
            for _ in range(self.random.randrange(1, 3)):
                price = CENTER_TICKS + self.random.choice((0, 1, 3))
                yield self._limit(instrument, Side.SELL, price, self.random.choice((1, 2)), session=3)
            yield self._limit(instrument, Side.BUY, CENTER_TICKS + 3, self.random.choice((1, 2, 3)), session=1)
        if self.trades:
            yield self.bust(self.trades[-1])

    def _full_and_fill_or_kill(self) -> Scene:
        """All or nothing, at least so much, and more makers than one command may fill."""
        instrument = self.random.choice((1, 2))
        side = self.random.choice((1, 2))
        for _ in range(self.random.randrange(2, 8)):
            away = self.random.choice((0, 0, 1))
            price = CENTER_TICKS + (away if side == Side.SELL else -away)
            display = self.random.choice((0, 0, 1))
            yield self._limit(instrument, side, price, self.random.choice((1, 1, 2)), display_lots=display)
        price = CENTER_TICKS + (1 if side == Side.SELL else -1)
        for _ in range(self.random.randrange(1, 4)):
            lots = self.random.choice((1, 3, 5, 8))
            least = self.random.choice((1, 2, lots))
            tif = self.random.choice((3, 3, 4, 1))
            least = 0 if tif == TimeInForce.FILL_OR_KILL else min(least, lots)
            yield self._limit(instrument, 3 - side, price, lots, time_in_force=tif, min_lots=least)

    def _amendments(self) -> Scene:
        """One order amended many ways among others of its level."""
        instrument = self.random.choice((1, 2))
        side = self.random.choice((1, 2))
        price = CENTER_TICKS + (-1 if side == Side.BUY else 1)
        for _ in range(self.random.randrange(2, 5)):
            yield self._limit(instrument, side, price, self.random.choice((2, 4, 6)), display_lots=0)
        for _ in range(self.random.randrange(2, 8)):
            orders = [order for order in self.open.values() if order.instrument == instrument]
            if not orders:
                return
            order = self.random.choice(orders)
            yield self.replace_order(
                order.session,
                order_id=order.order_id,
                orig_clordid=order.clordid,
                side=order.side,
                price_ticks=order.price_ticks + self.random.choice((0, 0, 0, 1, -1, 64)),
                quantity_lots=self.random.choice((1, 2, 3, 4, 6, 8)),
                display_lots=self.random.choice((0, 0, 0, 1, 2, 10)),
            )
            if self.random.random() < 0.3:
                yield self._limit(instrument, 3 - side, price, 1, time_in_force=3)

    def _limits_of_risk(self) -> Scene:
        """Orders and amendments around a pre-trade limit."""
        instrument = self.random.choice((1, 2))
        session, account = self.random.choice(((1, 2), (2, 3), (3, 4)))
        limits = self.random.choice(((3, 0, 0, 0), (0, 500, 0, 0), (0, 0, 5, 0), (0, 0, 0, 20_000)))
        yield Role.INTERNAL, RiskLimitsSet(account, instrument, *limits).encode()
        for _ in range(self.random.randrange(4, 12)):
            price = CENTER_TICKS + self.random.choice((-3, -2, -1, 0, 1, 2, 3))
            lots = self.random.choice((1, 1, 2, 3, 4))
            side = self.random.choice((1, 2))
            yield self._limit(instrument, side, price, lots, session=session, account=account)
            if self.random.random() < 0.3:
                yield self.draw_replace()

    def _schedule(self) -> Scene:
        """A day's phases within seconds, gone through by the clock."""
        instrument = self.random.choice((1, 2))
        now = self.time_ns // SECOND_NS % DAY_SECONDS
        phases = self.random.choice(((1, 2, 3), (2, 3, 5), (3, 5, 6), (4, 3, 3), (5, 6, 1), (3, 4, 3)))
        for entry, phase in enumerate(phases, 1):
            second = (now + entry + self.random.choice((0, 0, 1))) % DAY_SECONDS
            yield Role.INTERNAL, ScheduleSet(instrument, entry, second, phase).encode()
        if self.random.random() < 0.2:
            yield self.trading_state(0, 2)
        for _ in range(5):
            for _ in range(self.random.randrange(0, 4)):
                yield self.draw_order(instrument=instrument)
            self.time_ns += self.random.choice((SECOND_NS, SECOND_NS // 2, 3 * SECOND_NS))
            yield self.clock_tick()
        for entry in range(1, 4):
            yield Role.INTERNAL, ScheduleSet(instrument, entry, 0, 0).encode()
