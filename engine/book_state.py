"""What the reference core holds, and the small steps all rules are made of: slots, places in the book, events.

State is a function of the applied commands alone: no clock, no I/O, no randomness. An open order stands in exactly one
place (a book, a stop ladder, the parked list) or is the taker at work.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from sortedcontainers import SortedDict

from engine.book_hash import MASK_64, mix128, mix_sum, text_words, used_clordid_mix
from engine.book_messages import Command, Event
from engine.wire.messages import (
    AccountSet,
    AssetSet,
    CommandRefused,
    FeeScheduleSet,
    InstrumentSet,
    LimitsSet,
    MarketMakerProtectionSet,
    OrderCanceled,
    OrderType,
    Phase,
    PhaseCause,
    PhaseChanged,
    Reason,
    RiskLimitsSet,
    Role,
    ScheduleSet,
    SessionSet,
    Side,
    TickBandSet,
    TimeInForce,
    TradingState,
)

RULES_VERSION = 2
MILLION = 1_000_000  # rates and bands are parts per million
INT64_MAX = 2**63 - 1
MILLISECOND_NS = 1_000_000
SECOND_NS = 1_000_000_000
PRICES_PER_PAGE_SHIFT = 6
LAST_GENERATION = 2**32 - 1
CLORDID_BYTES = 40  # 36 on the wire, padded to whole words for hashing
EVENTS_PER_PART_BEFORE_LIMITS = 9
CLOSING_EVENTS = 8  # kept free in every slice for what ends it
INDICATIVE_DELAY_NS = 250_000_000
CALL_PHASES = frozenset((Phase.OPENING_AUCTION, Phase.CLOSING_AUCTION, Phase.VOLATILITY_AUCTION))
LASTING = frozenset((TimeInForce.DAY, TimeInForce.GOOD_TILL_CANCEL, TimeInForce.GOOD_TILL_DATE))
AUCTION_ONLY = frozenset((TimeInForce.AT_THE_OPENING, TimeInForce.AT_THE_CLOSE))
NO_LIMITS = LimitsSet(0, 0, 0, 0, 0, 0)

Page = tuple[int, int, int]  # instrument, ladder, ticks >> 6


class Divergence(Exception):
    """A StateHash command names another hash than this core has: one of the two went wrong, and neither may go on."""


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
    trades: int = 1_024  # remembered for a bust


@dataclass(slots=True)
class Mixed:
    """Has records in the state hash; their mix is kept until `mix` is set to None, as whoever changes them must."""

    mix: int | None = field(default=None, init=False, repr=False, compare=False)


@dataclass(slots=True)
class Balance(Mixed):
    """What an account owns of one asset: free to use, and set aside for its open orders. Neither is ever negative."""

    available_units: int = 0
    reserved_units: int = 0


NOTHING = Balance()


@dataclass(slots=True)
class Exposure(Mixed):
    """What an account has bought less what it has sold of one instrument, and the leaves of its open orders."""

    position_lots: int = 0
    open_buy_lots: int = 0
    open_sell_lots: int = 0


@dataclass(slots=True)
class Protection:
    """Market-maker protection of an account on one instrument; `times` of the fills that still count, oldest first."""

    definition: MarketMakerProtectionSet
    tripped: bool = False
    times: deque[int] = field(default_factory=deque)


@dataclass(slots=True)
class Statistics:
    """Of one instrument and trading day. Turnover, in quote units, may pass 64 bits."""

    open_ticks: int = 0
    high_ticks: int = 0
    low_ticks: int = 0
    volume_lots: int = 0
    turnover_units: int = 0
    trades: int = 0


@dataclass(slots=True)
class RememberedTrade(Mixed):
    """A trade that can still be busted: all that the reversal needs."""

    trade_id: int
    instrument: int
    price_ticks: int
    quantity_lots: int
    notional_units: int
    buyer_fee_units: int
    seller_fee_units: int
    buyer_account: int
    seller_account: int
    buyer_order_id: int
    seller_order_id: int
    buyer_session: int
    seller_session: int
    taker_side: int
    busted: bool = False


class Standing(IntEnum):
    """Where an open order is."""

    NOWHERE = 0  # the taker at work
    BOOK = 1  # working
    STOPS = 2  # dormant until its stop price is reached
    PARKED = 3  # dormant until the closing auction


@dataclass(slots=True, eq=False)
class Order(Mixed):
    """An open order. `remainder` is the part of its fees below one unit, in millionths (R in docs/ENGINE.md).

    Its mix needs no thought outside State: whatever changes also changes where it stands or what it reserves.
    """

    session: int
    account: int
    instrument: int
    side: int
    order_type: int
    time_in_force: int
    price_ticks: int
    leaves_lots: int
    maker_ppm: int
    taker_ppm: int
    clordid: bytes
    display_lots: int = 0  # what an iceberg shows at a time; 0 shows all
    stop_price_ticks: int = 0
    by_reference: bool = False  # a stop looks at the reference price, not at the last trade
    expire_ns: int = 0
    stp_mode: int = 0
    post_only: bool = False
    order_id: int = 0  # until it takes a slot
    priority: int = 0
    cum_lots: int = 0
    remainder: int = 0
    displayed_lots: int = 0  # of an iceberg in the book
    standing: Standing = Standing.NOWHERE
    reserved_units: int = 0  # what its account has set aside for it
    counted_lots: int = 0  # what its account's exposure holds for it

    @property
    def slot(self) -> int:
        return self.order_id & 0xFFFF_FFFF

    @property
    def is_stop(self) -> bool:
        return self.order_type in (OrderType.STOP, OrderType.STOP_LIMIT)

    @property
    def dormant(self) -> bool:
        return self.standing in (Standing.STOPS, Standing.PARKED)

    @property
    def may_rest(self) -> bool:
        """Whether what does not trade at once may stand in the book. A triggered Stop trades at once or not at all."""
        if self.time_in_force in (TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.FILL_OR_KILL):
            return False
        if self.order_type == OrderType.MARKET:
            return self.time_in_force in AUCTION_ONLY
        return self.order_type != OrderType.STOP

    @property
    def visible_lots(self) -> int:
        """What the market sees of it."""
        if self.standing != Standing.BOOK:
            return 0
        return self.displayed_lots if self.display_lots else self.leaves_lots

    @property
    def book_ladder(self) -> int:
        return self.side - 1

    @property
    def stop_ladder(self) -> int:
        return self.side + (3 if self.by_reference else 1)

    @property
    def book_page(self) -> Page:
        """The run of 64 prices whose levels share one block of memory in C: a bounded resource, hence a rule."""
        return self.instrument, self.book_ladder, self.price_ticks >> PRICES_PER_PAGE_SHIFT

    @property
    def stop_page(self) -> Page:
        return self.instrument, self.stop_ladder, self.stop_price_ticks >> PRICES_PER_PAGE_SHIFT


#: The orders of one price by order_id, in order of priority.
Level = OrderedDict[int, Order]


class Ladder:
    """Orders by price: the price whose turn it is first, and within a price who came to its back first.

    Six of them per instrument: bids, asks, then the stops (buys, sells by last trade; buys, sells by reference price).
    """

    HIGHEST_FIRST = (True, False, False, True, False, True)

    def __init__(self, number: int) -> None:
        self._sign = -1 if self.HIGHEST_FIRST[number] else 1
        self._levels: SortedDict[int, Level] = SortedDict()

    def add(self, ticks: int, order: Order) -> None:
        level = self._levels.get(self._sign * ticks)
        if level is None:
            level = self._levels[self._sign * ticks] = OrderedDict()
        level[order.order_id] = order

    def remove(self, ticks: int, order: Order) -> None:
        level = self._levels[self._sign * ticks]
        del level[order.order_id]
        if not level:
            del self._levels[self._sign * ticks]

    def to_back(self, ticks: int, order: Order) -> None:
        self._levels[self._sign * ticks].move_to_end(order.order_id)

    def first(self) -> Order | None:
        """The order whose turn it is."""
        if not self._levels:
            return None
        level: Level = self._levels.peekitem(0)[1]
        return next(iter(level.values()))

    def best_ticks(self) -> int | None:
        return self._sign * int(self._levels.peekitem(0)[0]) if self._levels else None

    def levels(self) -> Iterator[tuple[int, Level]]:
        """(price_ticks, orders) in turn."""
        for key, level in self._levels.items():
            yield self._sign * key, level

    def __iter__(self) -> Iterator[Order]:
        for level in self._levels.values():
            yield from level.values()


@dataclass(slots=True)
class Instrument(Mixed):
    """An instrument's definition, its tables, and the present state of its market (0 ticks or ns: there is none)."""

    definition: InstrumentSet
    phase: int
    state: int = TradingState.OPEN
    last_ticks: int = 0
    reference_ticks: int = 0
    trigger_high_ticks: int = 0  # of the trades whose stops have not been looked at yet
    trigger_low_ticks: int = 0
    end_ns: int = 0
    next_schedule_ns: int = 0
    indicative_ns: int = 0
    indicative: tuple[int, int, int] = (0, 0, 0)  # price, volume, surplus as last announced
    statistics: Statistics = field(default_factory=Statistics)
    tick_bands: dict[int, TickBandSet] = field(default_factory=dict)
    fee_tiers: dict[int, FeeScheduleSet] = field(default_factory=dict)
    schedule: dict[int, ScheduleSet] = field(default_factory=dict)
    ladders: tuple[Ladder, ...] = field(default_factory=lambda: tuple(Ladder(number) for number in range(6)))
    parked: Level = field(default_factory=OrderedDict)
    market: tuple[object, ...] = ()  # what its record in the state hash was made of, and
    market_mix: int = 0

    @property
    def guide_ticks(self) -> int:
        """The price others are compared with: the reference price, else the last trade's; 0 when there is none."""
        return self.reference_ticks or self.last_ticks

    def opposite(self, side: int) -> Ladder:
        """The book an order of this side trades with."""
        return self.ladders[2 - side]

    def rates(self, tier: int) -> tuple[int, int]:
        """(maker_ppm, taker_ppm) of an account's fee tier."""
        rates = self.fee_tiers.get(tier, self.definition)
        return rates.maker_fee_ppm, rates.taker_fee_ppm

    def tick_band(self, price_ticks: int) -> TickBandSet | None:
        """The row of the tick and lot table that governs a price."""
        if not self.tick_bands:
            return None
        reached = [band for band in self.tick_bands.values() if band.from_ticks <= price_ticks]
        return max(reached, key=lambda band: (band.from_ticks, band.band), default=None)

    def on_tick(self, price_ticks: int) -> bool:
        band = self.tick_band(price_ticks)
        return band is None or price_ticks % band.tick_step == 0

    def on_lot(self, quantity_lots: int, price_ticks: int) -> bool:
        band = self.tick_band(price_ticks)
        return band is None or quantity_lots % band.lot_step == 0

    def protection_price(self, ticks: int, side: int) -> int:
        """The worst price an order without a limit of its own accepts, seen from `ticks`."""
        if side == Side.BUY:
            return min(ticks + self.definition.protection_ticks, self.definition.price_max_ticks)
        return max(ticks - self.definition.protection_ticks, self.definition.price_min_ticks)

    def nearer_tick(self, ticks: int, side: int) -> int:
        """The nearest price on tick down (a buy) or up (a sell); `ticks` itself when there is none within the range."""
        found = ticks
        while self.definition.price_min_ticks <= found <= self.definition.price_max_ticks:
            band = self.tick_band(found)
            if band is None or found % band.tick_step == 0:
                return found
            if side == Side.BUY:
                found = max(found - found % band.tick_step, band.from_ticks - 1)
            else:
                above = (band.from_ticks for band in self.tick_bands.values() if band.from_ticks > found)
                found = min([found - found % band.tick_step + band.tick_step, *above])
        return ticks


@dataclass(slots=True)
class Account(Mixed):
    definition: AccountSet
    killed: bool = False
    orders: dict[int, Order] = field(default_factory=dict)  # the open ones by order_id, in order of acceptance


@dataclass(slots=True)
class Session(Mixed):
    """A FIX session as the core sees it: who may send now (gateway, generation) and which command came last."""

    definition: SessionSet
    killed: bool = False
    session_epoch: int = 1
    generation: int = 0
    gateway: int = 0
    gateway_instance: int = 0
    token: int = 0
    last_client_seq: int = 0
    open_orders: int = 0


class JobKind(IntEnum):
    END_OF_DAY = 1
    CHECKPOINT = 2
    CANCEL = 3
    UNCROSS = 4
    PURGE = 5
    ACTIVATE = 6
    STOPS = 7
    STATISTICS = 8


@dataclass(frozen=True, slots=True)
class CancelFilter:
    """Which orders a cancel job takes, 0 matching any, and what its events say."""

    reason: Reason
    account: int = 0
    session: int = 0
    participant: int = 0
    instrument: int = 0
    side: int = 0
    session_epoch: int = 0
    client_seq: int = 0
    clordid: bytes = b""

    def takes(self, order: Order) -> bool:
        return (
            self.session in (0, order.session)
            and self.instrument in (0, order.instrument)
            and self.side in (0, order.side)
        )


@dataclass(slots=True)
class Job:
    """Work that may not fit one part: where its next slice goes on, and how much it has done (section 8)."""

    kind: JobKind
    position: int = 0
    count: int = 0
    price_ticks: int = 0  # of an uncross
    volume_lots: int = 0
    volume_left_lots: int = 0
    surplus_lots: int = 0
    filter: CancelFilter | None = None  # of a cancel job
    walk: list[int] = field(default_factory=list)  # order_ids of the account at work yet to be looked at, next one last


class Stamp(NamedTuple):
    """What the loop gives every command besides its bytes."""

    sequence: int
    epoch: int
    time_ns: int


class State:
    """All that the core remembers, and the steps that keep its indexes true."""

    def __init__(self, capacity: Capacity) -> None:
        self.capacity = capacity
        self.epoch = 0
        self.event_sequence = 0
        self.day = 0
        self.venue_state: int = TradingState.OPEN
        self.venue_killed = False
        self.killed_participants: set[int] = set()
        self.last_deposit_seq = 0
        self.last_checkpoint = 0
        self.last_transfer_seq = 0
        self.last_batch = 0
        self.final_batch = 0
        self.fee_account: int | None = None
        self.limits = NO_LIMITS
        self.assets: dict[int, AssetSet] = {}
        self.instruments: dict[int, Instrument] = {}
        self.accounts: dict[int, Account] = {}
        self.sessions: dict[int, Session] = {}
        self.balances: SortedDict[tuple[int, int], Balance] = SortedDict()  # by account, asset
        self.totals: dict[int, int] = {}  # by asset
        self.exposures: dict[tuple[int, int], Exposure] = {}  # by account, instrument
        self.risk_limits: dict[tuple[int, int], RiskLimitsSet] = {}
        self.protections: dict[tuple[int, int], Protection] = {}
        self.trades: OrderedDict[int, RememberedTrade] = OrderedDict()  # oldest first
        self.orders: dict[int, Order] = {}  # by slot
        self.auction_only: SortedDict[int, Order] = SortedDict()  # at the opening, at the close; by slot
        self.expiries: SortedDict[tuple[int, int], Order] = SortedDict()  # by expire_ns, order_id
        self.by_clordid: dict[tuple[int, bytes], Order] = {}
        self.used_clordids: set[tuple[int, int]] = set()  # session, key
        self.used_clordids_mix = 0  # their part of the state hash
        self.settings = Mixed()  # limits, assets and risk limits
        self.generations: list[int] = []  # by slot, of those taken at least once
        self.generations_mix = 0  # their part of the state hash
        self.free_slots = list(range(capacity.orders - 1, -1, -1))
        self.pages: dict[Page, int] = {}  # how many orders each holds, of those that hold any
        self.job: Job | None = None
        self.tripped: deque[tuple[int, int]] = deque()  # account, instrument
        self.election = 0
        self.stamp = Stamp(0, 0, 0)
        self.events: list[Event] = []
        self.look_for_stops = 0  # the instrument that traded in this part, or whose phase jobs ended in it

    # Events.

    def head(self) -> tuple[int, int, int, int, int]:
        """The five fields every event starts with; takes the next event sequence."""
        self.event_sequence += 1
        return self.event_sequence, self.stamp.sequence, self.stamp.time_ns, self.stamp.epoch, 0

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def refuse(self, command: Command, reference: int, reason: Reason, role: Role) -> None:
        """The sequenced negative verdict on a command that is not an order."""
        self.emit(CommandRefused(*self.head(), reference, command.TEMPLATE_ID, reason, role))

    # Bounds of a part.

    @property
    def events_per_part(self) -> int:
        return self.limits.max_events_per_part or EVENTS_PER_PART_BEFORE_LIMITS

    @property
    def events_per_slice(self) -> int:
        return self.events_per_part - CLOSING_EVENTS

    # What is allowed.

    def blocked(self, session: int, account: int) -> bool:
        """Whether a kill switch stops new business of this session and account."""
        return (
            self.venue_killed
            or self.accounts[account].killed
            or self.sessions[session].killed
            or self.accounts[account].definition.participant in self.killed_participants
        )

    def tradable(self, instrument: Instrument) -> bool:
        """Whether venue and instrument are Open and fees have somewhere to go; phases come on top of this."""
        return (
            self.venue_state == TradingState.OPEN
            and instrument.state == TradingState.OPEN
            and self.fee_account is not None
        )

    def market_open(self, instrument: Instrument) -> bool:
        """Whether orders may come in or be replaced at all."""
        return self.tradable(instrument) and instrument.phase not in (Phase.HALT, Phase.CLOSED)

    def protection_tripped(self, account: int, instrument: int) -> bool:
        protection = self.protections.get((account, instrument))
        return protection is not None and protection.tripped

    def page_missing(self, page: Page) -> bool:
        """Whether an order would need a page beyond the limit."""
        return page not in self.pages and len(self.pages) >= self.limits.max_price_pages

    # What a session sent.

    def take_client_seq(self, session: int, client_seq: int) -> None:
        """The session's command has its verdict, whatever that is."""
        sender = self.sessions[session]
        sender.mix = None
        sender.last_client_seq = client_seq

    def use_clordid(self, session: int, key: int) -> None:
        """None can be used again before forget_clordids."""
        if (session, key) not in self.used_clordids:
            self.used_clordids.add((session, key))
            self.used_clordids_mix += used_clordid_mix(session, key)

    def forget_clordids(self) -> None:
        self.used_clordids.clear()
        self.used_clordids_mix = 0

    # An order's life: slot, places, end.

    def take_slot(self, order: Order) -> None:
        """Gives the order its OrderID: the slot last freed, and how often that slot has been taken."""
        slot = self.free_slots.pop()
        if slot == len(self.generations):
            self.generations.append(0)
        previous = self.generations[slot]
        self.generations[slot] = previous + 1
        order.order_id = previous + 1 << 32 | slot
        self.generations_mix += mix128((10, order.order_id))
        if previous:
            self.generations_mix -= mix128((10, previous << 32 | slot))
        self.orders[slot] = order
        self.accounts[order.account].orders[order.order_id] = order
        self.sessions[order.session].open_orders += 1
        self.accounts[order.account].mix = self.sessions[order.session].mix = None
        self.by_clordid[order.session, order.clordid] = order
        if order.time_in_force in AUCTION_ONLY:
            self.auction_only[slot] = order
        if order.expire_ns:
            self.expiries[order.expire_ns, order.order_id] = order

    def rename(self, order: Order, clordid: bytes) -> None:
        """An order answers to its last accepted ClOrdID only."""
        del self.by_clordid[order.session, order.clordid]
        order.mix = None
        order.clordid = clordid
        self.by_clordid[order.session, clordid] = order

    def set_expiry(self, order: Order, expire_ns: int) -> None:
        if order.expire_ns:
            del self.expiries[order.expire_ns, order.order_id]
        order.mix = None
        order.expire_ns = expire_ns
        if expire_ns:
            self.expiries[expire_ns, order.order_id] = order

    def rest(self, order: Order) -> None:
        """To the back of its price level in the book."""
        instrument = self.instruments[order.instrument]
        order.mix = None
        order.standing = Standing.BOOK
        order.priority = self.stamp.sequence
        order.displayed_lots = min(order.display_lots, order.leaves_lots)
        instrument.ladders[order.book_ladder].add(order.price_ticks, order)
        self._use_page(order.book_page)
        self.book_changed(instrument)

    def wait(self, order: Order) -> None:
        """To the back of its stop level."""
        order.mix = None
        order.standing = Standing.STOPS
        order.priority = self.stamp.sequence
        self.instruments[order.instrument].ladders[order.stop_ladder].add(order.stop_price_ticks, order)
        self._use_page(order.stop_page)

    def park(self, order: Order) -> None:
        """To the back of the orders that wait for the closing auction."""
        order.mix = None
        order.standing = Standing.PARKED
        order.priority = self.stamp.sequence
        self.instruments[order.instrument].parked[order.order_id] = order

    def leave(self, order: Order) -> None:
        """Takes the order from where it stands."""
        instrument = self.instruments[order.instrument]
        if order.standing == Standing.BOOK:
            instrument.ladders[order.book_ladder].remove(order.price_ticks, order)
            self._free_page(order.book_page)
            self.book_changed(instrument)
        elif order.standing == Standing.STOPS:
            instrument.ladders[order.stop_ladder].remove(order.stop_price_ticks, order)
            self._free_page(order.stop_page)
        elif order.standing == Standing.PARKED:
            del instrument.parked[order.order_id]
        order.mix = None
        order.standing = Standing.NOWHERE
        order.displayed_lots = 0

    def book_changed(self, instrument: Instrument) -> None:
        """While orders are collected for an auction, what it would give now is announced a little later."""
        if instrument.phase in CALL_PHASES and not instrument.indicative_ns:
            instrument.indicative_ns = self.stamp.time_ns + INDICATIVE_DELAY_NS

    def _use_page(self, page: Page) -> None:
        self.pages[page] = self.pages.get(page, 0) + 1

    def _free_page(self, page: Page) -> None:
        self.pages[page] -= 1
        if not self.pages[page]:
            del self.pages[page]

    def close(self, order: Order) -> None:
        """The order is over: what it still reserved is free again, and so is its slot."""
        self.leave(order)
        order.leaves_lots = 0
        self.keep_reserved(order)
        del self.orders[order.slot]
        del self.accounts[order.account].orders[order.order_id]
        self.sessions[order.session].open_orders -= 1
        self.accounts[order.account].mix = self.sessions[order.session].mix = None
        del self.by_clordid[order.session, order.clordid]
        self.auction_only.pop(order.slot, None)
        if order.expire_ns:
            del self.expiries[order.expire_ns, order.order_id]
        if self.generations[order.slot] < LAST_GENERATION:
            self.free_slots.append(order.slot)

    def cancel(self, order: Order, reason: Reason, client_seq: int = 0, clordid: bytes = b"") -> None:
        """Ends an order with lots left; client_seq and clordid name the request when a client asked for this one."""
        self.emit(
            OrderCanceled(
                *self.head(),
                session=order.session,
                session_epoch=self.sessions[order.session].session_epoch,
                client_seq=client_seq,
                order_id=order.order_id,
                price_ticks=order.price_ticks,
                canceled_lots=order.leaves_lots,
                cum_lots=order.cum_lots,
                account=order.account,
                instrument=order.instrument,
                side=order.side,
                was_resting=int(order.standing == Standing.BOOK),
                reason=reason,
                clordid=clordid,
                orig_clordid=order.clordid,
                displayed_lots=order.visible_lots,
                order_type=order.order_type,
                time_in_force=order.time_in_force,
            )
        )
        self.close(order)

    def change_phase(
        self,
        instrument: Instrument,
        phase: int,
        cause: PhaseCause,
        end_ns: int = 0,
        operator: bytes = b"",
        reason_text: bytes = b"",
    ) -> None:
        """The phase itself; what a phase brings with it is engine.book_phases' part."""
        previous = instrument.phase
        instrument.phase = phase
        instrument.end_ns = end_ns
        if phase not in CALL_PHASES:
            instrument.indicative_ns = 0
        elif phase != previous:
            instrument.indicative = (0, 0, 0)
            instrument.indicative_ns = self.stamp.time_ns + INDICATIVE_DELAY_NS
        id_ = instrument.definition.instrument
        self.emit(PhaseChanged(*self.head(), id_, phase, previous, cause, end_ns, operator, reason_text))

    # Money: section 5. A reservation is a function of the order; the steps keep the account's sums equal to them.

    def balance(self, account: int, asset: int) -> tuple[int, int]:
        """(available_units, reserved_units); zeros when there is none."""
        balance = self.balances.get((account, asset), NOTHING)
        return balance.available_units, balance.reserved_units

    def balance_of(self, account: int, asset: int) -> Balance:
        """For a change."""
        balance: Balance | None = self.balances.get((account, asset))
        if balance is None:
            balance = self.balances[account, asset] = Balance()
        balance.mix = None
        return balance

    def exposure_of(self, account: int, instrument: int) -> Exposure:
        """For a change."""
        exposure = self.exposures.get((account, instrument))
        if exposure is None:
            exposure = self.exposures[account, instrument] = Exposure()
        exposure.mix = None
        return exposure

    def move(self, account: int, asset: int, amount_units: int) -> None:
        """Into (or out of) what an account has available."""
        balance = self.balance_of(account, asset)
        balance.available_units += amount_units
        assert balance.available_units >= 0, "a reservation covers whatever its order can cost"

    def reserved_asset(self, order: Order) -> int:
        definition = self.instruments[order.instrument].definition
        return definition.quote if order.side == Side.BUY else definition.base

    def reservation_units(self, order: Order, price_ticks: int, leaves_lots: int) -> int:
        """The most the rest of the order can cost: a buyer's notional and fee at its limit, a seller's base."""
        definition = self.instruments[order.instrument].definition
        if order.side == Side.SELL:
            return leaves_lots * definition.lot_units
        notional_units = price_ticks * leaves_lots * definition.tick_units
        return notional_units + fee_units(order.remainder, max(order.maker_ppm, order.taker_ppm) * notional_units)

    def keep_reserved(self, order: Order) -> None:
        """Makes what is set aside for the order, and counted as its account's open lots, what it must be now."""
        units = self.reservation_units(order, order.price_ticks, order.leaves_lots)
        balance = self.balance_of(order.account, self.reserved_asset(order))
        balance.available_units -= units - order.reserved_units
        balance.reserved_units += units - order.reserved_units
        order.mix = None
        order.reserved_units = units
        assert balance.available_units >= 0 and balance.reserved_units >= 0, "no order costs more than it reserved"
        exposure = self.exposure_of(order.account, order.instrument)
        if order.side == Side.BUY:
            exposure.open_buy_lots += order.leaves_lots - order.counted_lots
        else:
            exposure.open_sell_lots += order.leaves_lots - order.counted_lots
        order.counted_lots = order.leaves_lots


def fee_units(remainder: int, millionths: int) -> int:
    """What a fee of so many millionths adds to the whole units paid, `remainder` having been rounded up before.

    Rounded up once per order, not per fill: the venue never gives a fraction away and never takes it twice.
    """
    return ceil_millionths(remainder + millionths) - ceil_millionths(remainder)


def ceil_millionths(amount: int) -> int:
    return -(-amount // MILLION)


def clordid_key(session: int, clordid: bytes) -> int:
    """64 bits that stand for a ClOrdID among those its session has used."""
    total = mix_sum((session, *text_words(clordid, CLORDID_BYTES)))
    return total >> 64 ^ total & MASK_64


def opposite_side(side: int) -> Side:
    return Side.SELL if side == Side.BUY else Side.BUY
