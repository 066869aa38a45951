"""Requests of clients in the reference core: new, cancel and replace, each with its reasons in order (section 6).

A request that is refused changes nothing but the session's sequence and, where it names one, the used ClOrdIDs.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.book_matching import enter, within
from engine.book_state import (
    CALL_PHASES,
    LASTING,
    MILLION,
    PRICES_PER_PAGE_SHIFT,
    Exposure,
    Instrument,
    Order,
    Page,
    Standing,
    State,
    clordid_key,
)
from engine.wire.messages import (
    AccountKind,
    CancelOrder,
    CancelRejected,
    NewOrder,
    OrderAccepted,
    OrderRejected,
    OrderReplaced,
    OrderStatus,
    OrderType,
    Phase,
    Reason,
    ReplaceOrder,
    RequestKind,
    SelfTradePrevention,
    Side,
    StopTrigger,
    TimeInForce,
)

IOC, FOK = TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.FILL_OR_KILL
OPENING, CLOSING = TimeInForce.AT_THE_OPENING, TimeInForce.AT_THE_CLOSE
STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)
CONTINUOUS_ONLY = frozenset((Phase.CONTINUOUS,))
COLLECTING = CALL_PHASES | {Phase.PRE_OPEN}
EVERY_PHASE = COLLECTING | CONTINUOUS_ONLY
BEFORE_OPENING = frozenset((Phase.PRE_OPEN, Phase.OPENING_AUCTION))
#: Which times in force an order type may have, and the phases in which that is accepted.
PHASES_OF: dict[tuple[int, int], frozenset[Phase]] = {
    **{(OrderType.LIMIT, lasting): EVERY_PHASE for lasting in LASTING},
    **{(OrderType.LIMIT, at_once): CONTINUOUS_ONLY for at_once in (IOC, FOK)},
    **{(kind, OPENING): BEFORE_OPENING for kind in (OrderType.LIMIT, OrderType.MARKET)},
    **{(kind, CLOSING): EVERY_PHASE for kind in (OrderType.LIMIT, OrderType.MARKET)},
    **{(OrderType.MARKET, at_once): CONTINUOUS_ONLY for at_once in (TimeInForce.DAY, IOC, FOK)},
    **{(OrderType.MARKET_TO_LIMIT, time): CONTINUOUS_ONLY for time in (*LASTING, IOC, FOK)},
    **{(stop, lasting): EVERY_PHASE for stop in STOPS for lasting in LASTING},
}
MAY_SHOW_LESS = frozenset((OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.MARKET_TO_LIMIT))


# New orders.


def new_order(state: State, command: NewOrder) -> None:
    state.take_client_seq(command.session, command.client_seq)
    order = _judge_new(state, command)
    if isinstance(order, Reason):
        _reject_order(state, command, order)
        return
    state.take_slot(order)
    state.keep_reserved(order)
    place = len(state.events)
    phase = state.instruments[order.instrument].phase
    dormant = order.is_stop or _is_to_be_parked(order, phase)
    accepted = OrderAccepted(
        *state.head(),
        session=order.session,
        session_epoch=command.session_epoch,
        client_seq=command.client_seq,
        order_id=order.order_id,
        price_ticks=order.price_ticks,
        quantity_lots=order.leaves_lots,
        rested_lots=0,
        account=order.account,
        instrument=order.instrument,
        side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        poss_resend=command.poss_resend,
        clordid=order.clordid,
        stop_price_ticks=command.stop_price_ticks,
        display_lots=command.display_lots,
        min_lots=command.min_lots,
        expire_ns=command.expire_ns,
        trigger=command.trigger,
        stp_mode=command.stp_mode,
        post_only=command.post_only,
        working=int(not dormant),
        echo=command.echo,
    )
    state.emit(accepted)
    if order.is_stop:
        state.wait(order)
    elif dormant:
        state.park(order)
    elif phase == Phase.CONTINUOUS:
        enter(state, order, command.min_lots)
    else:
        state.rest(order)
    if order.standing == Standing.BOOK:
        state.events[place] = accepted._replace(rested_lots=order.leaves_lots, displayed_lots=order.visible_lots)


def _is_to_be_parked(order: Order, phase: int) -> bool:
    """At-the-close orders wait outside the book until their auction."""
    return order.time_in_force == CLOSING and phase != Phase.CLOSING_AUCTION


def _judge_new(state: State, command: NewOrder) -> Order | Reason:
    """The order as it would be accepted, or the first reason against it; takes up the ClOrdID either way."""
    fault = _take_clordid(state, command.session, command.clordid)
    if fault == Reason.DUPLICATE_CL_ORD_ID and command.poss_resend:
        return Reason.POSS_RESEND_DUPLICATE
    if fault:
        return fault
    instrument = state.instruments.get(command.instrument)
    if instrument is None:
        return Reason.UNKNOWN_INSTRUMENT
    fault = _who_and_when(state, command, instrument) or _terms_fault(state, command, instrument)
    if fault:
        return fault
    price_ticks, fault = _new_price(command, instrument)
    if fault:
        return fault
    account = state.accounts[command.account].definition
    maker_ppm, taker_ppm = instrument.rates(account.fee_tier)
    order = Order(
        session=command.session,
        account=command.account,
        instrument=command.instrument,
        side=command.side,
        order_type=command.order_type,
        time_in_force=command.time_in_force,
        price_ticks=price_ticks,
        leaves_lots=command.quantity_lots,
        maker_ppm=maker_ppm,
        taker_ppm=taker_ppm,
        clordid=command.clordid,
        display_lots=command.display_lots if command.display_lots < command.quantity_lots else 0,
        stop_price_ticks=command.stop_price_ticks,
        by_reference=command.trigger == StopTrigger.REFERENCE_PRICE,
        expire_ns=command.expire_ns,
        stp_mode=command.stp_mode,
        post_only=command.post_only != 0,
    )
    return _size_fault(command, instrument, price_ticks) or _room_fault(state, order, instrument) or order


def _who_and_when(state: State, command: NewOrder, instrument: Instrument) -> Reason:
    """Whether this session may trade for this account now, and in this way."""
    account = state.accounts.get(command.account)
    if account is None:
        return Reason.UNKNOWN_ACCOUNT
    other_participant = account.definition.participant != state.sessions[command.session].definition.participant
    if other_participant or account.definition.kind == AccountKind.SUSPENSE:
        return Reason.ACCOUNT_NOT_PERMITTED
    if not account.definition.enabled:
        return Reason.ACCOUNT_DISABLED
    if state.blocked(command.session, command.account):
        return Reason.KILL_SWITCH
    if not state.market_open(instrument):
        return Reason.MARKET_NOT_OPEN
    if command.side not in (Side.BUY, Side.SELL):
        return Reason.INVALID_SIDE
    if not OrderType.MARKET <= command.order_type <= OrderType.MARKET_TO_LIMIT:
        return Reason.INVALID_ORDER_TYPE
    phases = PHASES_OF.get((command.order_type, command.time_in_force))
    if phases is None or (command.post_only and not _may_be_post_only(command)):
        return Reason.INVALID_TIME_IN_FORCE
    if command.stp_mode > SelfTradePrevention.DECREMENT:
        return Reason.INVALID_SELF_TRADE_PREVENTION
    if command.time_in_force == TimeInForce.GOOD_TILL_DATE:
        if command.expire_ns <= state.stamp.time_ns:
            return Reason.INVALID_EXPIRY
    elif command.expire_ns:
        return Reason.INVALID_EXPIRY
    if instrument.phase not in phases:
        return Reason.PHASE_NOT_ALLOWED
    if state.protection_tripped(command.account, command.instrument):
        return Reason.MARKET_MAKER_PROTECTION
    return Reason.NONE


def _may_be_post_only(command: NewOrder) -> bool:
    return command.order_type == OrderType.LIMIT and command.time_in_force in LASTING and command.min_lots == 0


def _terms_fault(state: State, command: NewOrder, instrument: Instrument) -> Reason:
    """Quantity and stop price: what can be judged before there is a price."""
    definition = instrument.definition
    if not 1 <= command.quantity_lots <= definition.quantity_max_lots:
        return Reason.INVALID_QUANTITY
    if command.quantity_lots < definition.quantity_min_lots:
        return Reason.QUANTITY_TOO_SMALL
    if command.order_type not in STOPS:
        return Reason.INVALID_STOP_PRICE if command.stop_price_ticks or command.trigger else Reason.NONE
    by_reference = command.trigger == StopTrigger.REFERENCE_PRICE
    if (
        command.trigger > StopTrigger.REFERENCE_PRICE
        or not definition.price_min_ticks <= command.stop_price_ticks <= definition.price_max_ticks
        or not instrument.on_tick(command.stop_price_ticks)
        or _would_trigger(instrument, command.side, command.stop_price_ticks, by_reference)
    ):
        return Reason.INVALID_STOP_PRICE
    return Reason.NONE


def _would_trigger(instrument: Instrument, side: int, stop_price_ticks: int, by_reference: bool) -> bool:
    """Whether the stop price is reached already: such an order is no stop."""
    watched_ticks = instrument.reference_ticks if by_reference else instrument.last_ticks
    return watched_ticks != 0 and within(side, stop_price_ticks, watched_ticks)


def _new_price(command: NewOrder, instrument: Instrument) -> tuple[int, Reason]:
    """The price as sent, or the one the core gives an order without one; and what is wrong with it."""
    side = command.side
    if command.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
        return command.price_ticks, _price_fault(instrument, command.price_ticks)
    if command.order_type == OrderType.STOP:
        return instrument.protection_price(command.stop_price_ticks, side), Reason.NONE
    if command.order_type == OrderType.MARKET and command.time_in_force in (OPENING, CLOSING):
        if not instrument.guide_ticks:
            return 0, Reason.NO_REFERENCE_PRICE
        price_ticks = instrument.protection_price(instrument.guide_ticks, side)
        return instrument.nearer_tick(price_ticks, side), Reason.NONE
    best_ticks = instrument.opposite(side).best_ticks()
    if best_ticks is None:
        return 0, Reason.NO_LIQUIDITY
    if command.order_type == OrderType.MARKET_TO_LIMIT:
        return best_ticks, Reason.NONE
    return instrument.protection_price(best_ticks, side), Reason.NONE


def _price_fault(instrument: Instrument, price_ticks: int) -> Reason:
    if not instrument.definition.price_min_ticks <= price_ticks <= instrument.definition.price_max_ticks:
        return Reason.PRICE_OUT_OF_RANGE
    return Reason.NONE if instrument.on_tick(price_ticks) else Reason.PRICE_NOT_ON_TICK


def _size_fault(command: NewOrder, instrument: Instrument, price_ticks: int) -> Reason:
    """Lots and notional at the price."""
    definition = instrument.definition
    if not instrument.on_lot(command.quantity_lots, price_ticks):
        return Reason.QUANTITY_NOT_ON_LOT
    if command.display_lots and not _display_is_good(
        instrument, command.display_lots, price_ticks, command.order_type, command.time_in_force
    ):
        return Reason.INVALID_DISPLAY_QUANTITY
    if command.min_lots and not _min_quantity_is_good(command, instrument):
        return Reason.INVALID_MIN_QUANTITY
    notional_units = price_ticks * command.quantity_lots * definition.tick_units
    if notional_units > definition.notional_max_units:
        return Reason.NOTIONAL_TOO_LARGE
    if notional_units < definition.notional_min_units:
        return Reason.NOTIONAL_TOO_SMALL
    return Reason.NONE


def _display_is_good(
    instrument: Instrument, display_lots: int, price_ticks: int, order_type: int, time_in_force: int
) -> bool:
    fits = order_type in MAY_SHOW_LESS and time_in_force in LASTING
    return display_lots > 0 and instrument.on_lot(display_lots, price_ticks) and fits


def _min_quantity_is_good(command: NewOrder, instrument: Instrument) -> bool:
    """Only an order that trades at its entry, and may do so in part, can ask for a least part."""
    trades_at_entry = instrument.phase == Phase.CONTINUOUS and command.order_type not in STOPS
    partly = command.time_in_force in LASTING or command.time_in_force == IOC
    return 0 < command.min_lots <= command.quantity_lots and trades_at_entry and partly


def _room_fault(state: State, order: Order, instrument: Instrument) -> Reason:
    """The account's limits, the book, the pools and the money, last of all."""
    fault = _risk_fault(state, order, instrument, order.price_ticks, order.leaves_lots, order.leaves_lots)
    if not fault:
        fault = _position_fault(state, order, order.leaves_lots)
    if fault:
        return fault
    if order.post_only and _would_take(instrument, order.side, order.price_ticks):
        return Reason.POST_ONLY_WOULD_TRADE
    if state.sessions[order.session].open_orders >= state.limits.max_open_orders_per_session:
        return Reason.TOO_MANY_OPEN_ORDERS
    if 0 < state.limits.max_open_orders_per_account <= len(state.accounts[order.account].orders):
        return Reason.TOO_MANY_OPEN_ORDERS_OF_ACCOUNT
    if len(state.orders) >= state.limits.max_orders or not state.free_slots:
        return Reason.ORDER_POOL_FULL
    page = _page_needed(order, instrument.phase)
    if page is not None and state.page_missing(page):
        return Reason.BOOK_FULL
    units = state.reservation_units(order, order.price_ticks, order.leaves_lots)
    if state.balance(order.account, state.reserved_asset(order))[0] < units:
        return Reason.INSUFFICIENT_FUNDS
    return Reason.NONE


def _page_needed(order: Order, phase: int) -> Page | None:
    """The page on which the order may come to stand."""
    if order.is_stop:
        return order.stop_page
    if _is_to_be_parked(order, phase) or not order.may_rest:
        return None
    return order.book_page


def _risk_fault(
    state: State, order: Order, instrument: Instrument, price_ticks: int, quantity_lots: int, leaves_lots: int
) -> Reason:
    """The account's own limits on price, quantity and notional of one order."""
    limits = state.risk_limits.get((order.account, order.instrument))
    if limits is None:
        return Reason.NONE
    guide_ticks = instrument.guide_ticks
    distance = abs(price_ticks - guide_ticks) * MILLION
    if limits.max_distance_ppm and guide_ticks and distance > guide_ticks * limits.max_distance_ppm:
        return Reason.PRICE_TOO_FAR
    if 0 < limits.max_order_lots < quantity_lots:
        return Reason.ORDER_QUANTITY_LIMIT
    if 0 < limits.max_order_notional_units < price_ticks * leaves_lots * instrument.definition.tick_units:
        return Reason.ORDER_NOTIONAL_LIMIT
    return Reason.NONE


def _position_fault(state: State, order: Order, more_lots: int) -> Reason:
    """Whether the position could pass its limit if all open orders of this side and `more_lots` were filled."""
    limits = state.risk_limits.get((order.account, order.instrument))
    if limits is None or not limits.max_position_lots:
        return Reason.NONE
    exposure = state.exposures.get((order.account, order.instrument), Exposure())
    if order.side == Side.BUY:
        reached_lots = exposure.position_lots + exposure.open_buy_lots + more_lots
    else:
        reached_lots = exposure.open_sell_lots + more_lots - exposure.position_lots
    return Reason.POSITION_LIMIT if reached_lots > limits.max_position_lots else Reason.NONE


def _would_take(instrument: Instrument, side: int, price_ticks: int) -> bool:
    """Whether an order at this price would meet the other side, bands aside."""
    best_ticks = instrument.opposite(side).best_ticks()
    return instrument.phase == Phase.CONTINUOUS and best_ticks is not None and within(side, best_ticks, price_ticks)


def _take_clordid(state: State, session: int, clordid: bytes) -> Reason:
    """Notes the ClOrdID as used until the end of the day; Reason.NONE when it was fit and free."""
    if not valid_clordid(clordid):
        return Reason.INVALID_CL_ORD_ID
    key = clordid_key(session, clordid)
    if (session, key) in state.used_clordids:
        return Reason.DUPLICATE_CL_ORD_ID
    if len(state.used_clordids) >= state.limits.max_clordids:
        return Reason.CL_ORD_ID_TABLE_FULL
    state.use_clordid(session, key)
    return Reason.NONE


def valid_clordid(clordid: bytes) -> bool:
    """Printable ASCII without spaces, at least one character; padding was stripped when it was decoded."""
    return bool(clordid) and min(clordid) >= 0x21 and max(clordid) <= 0x7E


def _reject_order(state: State, command: NewOrder, reason: Reason) -> None:
    state.emit(
        OrderRejected(
            *state.head(),
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
            stop_price_ticks=command.stop_price_ticks,
            display_lots=command.display_lots,
            min_lots=command.min_lots,
            expire_ns=command.expire_ns,
            trigger=command.trigger,
            stp_mode=command.stp_mode,
            post_only=command.post_only,
            echo=command.echo,
        )
    )


# Cancel.


def cancel_order(state: State, command: CancelOrder) -> None:
    state.take_client_seq(command.session, command.client_seq)
    if not valid_clordid(command.clordid):
        _reject_cancel(state, command, Reason.INVALID_CL_ORD_ID)
        return
    order = _find(state, command)
    if isinstance(order, Reason):
        _reject_cancel(state, command, order)
    elif _mismatch(command, order):
        _reject_cancel(state, command, Reason.ORDER_MISMATCH, order)
    else:
        state.cancel(order, Reason.CANCELED_BY_CLIENT, command.client_seq, command.clordid)


def _find(state: State, command: CancelOrder | ReplaceOrder) -> Order | Reason:
    """The open order a request names, or why there is none."""
    if command.order_id:
        return _find_by_id(state, command.session, command.order_id)
    order = state.by_clordid.get((command.session, command.orig_clordid))
    if order:
        return order
    was_used = (command.session, clordid_key(command.session, command.orig_clordid)) in state.used_clordids
    return Reason.TOO_LATE_TO_CANCEL if was_used else Reason.UNKNOWN_ORDER


def _find_by_id(state: State, session: int, order_id: int) -> Order | Reason:
    generation, slot = order_id >> 32, order_id & 0xFFFF_FFFF
    latest = state.generations[slot] if slot < len(state.generations) else 0
    if generation == 0 or generation > latest:
        return Reason.UNKNOWN_ORDER
    order = state.orders.get(slot)
    if generation < latest or order is None:
        return Reason.TOO_LATE_TO_CANCEL
    return order if order.session == session else Reason.UNKNOWN_ORDER


def _mismatch(command: CancelOrder | ReplaceOrder, order: Order) -> bool:
    if isinstance(command, ReplaceOrder) and command.order_type not in (0, order.order_type):
        return True
    return command.instrument not in (0, order.instrument) or command.side != order.side


def _reject_cancel(
    state: State, command: CancelOrder | ReplaceOrder, reason: Reason, order: Order | None = None
) -> None:
    if reason == Reason.TOO_LATE_TO_CANCEL:
        status = OrderStatus.CLOSED
    else:
        status = OrderStatus.OPEN if order else OrderStatus.UNKNOWN
    state.emit(
        CancelRejected(
            *state.head(),
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


# Replace.


class NewTerms(NamedTuple):
    """What a good replace makes of its order. leaves_lots of 0: no more than it has already got, so it is filled."""

    price_ticks: int
    stop_price_ticks: int
    quantity_lots: int
    leaves_lots: int
    display_lots: int
    expire_ns: int


def replace_order(state: State, command: ReplaceOrder) -> None:
    state.take_client_seq(command.session, command.client_seq)
    fault = _take_clordid(state, command.session, command.clordid)
    if fault:
        _reject_cancel(state, command, fault)
        return
    order = _find(state, command)
    if isinstance(order, Reason):
        _reject_cancel(state, command, order)
        return
    terms = Reason.ORDER_MISMATCH if _mismatch(command, order) else _judge_replace(state, command, order)
    if isinstance(terms, Reason):
        _reject_cancel(state, command, terms, order)
    elif terms.leaves_lots == 0:
        _replace_to_filled(state, command, order, terms)
    elif order.dormant:
        _replace_dormant(state, command, order, terms)
    elif _keeps_priority(order, terms):
        _replace_in_place(state, command, order, terms)
    else:
        _replace_as_taker(state, command, order, terms)


def _judge_replace(state: State, command: ReplaceOrder, order: Order) -> NewTerms | Reason:
    """The order's new terms, or the first reason against them."""
    instrument = state.instruments[order.instrument]
    definition = instrument.definition
    if not state.accounts[order.account].definition.enabled:
        return Reason.ACCOUNT_DISABLED
    if state.blocked(order.session, order.account):
        return Reason.KILL_SWITCH
    if not state.market_open(instrument):
        return Reason.MARKET_NOT_OPEN
    is_good_till_date = order.time_in_force == TimeInForce.GOOD_TILL_DATE
    if command.expire_ns and not (is_good_till_date and command.expire_ns > state.stamp.time_ns):
        return Reason.INVALID_EXPIRY
    if state.protection_tripped(order.account, order.instrument):
        return Reason.MARKET_MAKER_PROTECTION
    if not 1 <= command.quantity_lots <= definition.quantity_max_lots:
        return Reason.INVALID_QUANTITY
    if command.quantity_lots < definition.quantity_min_lots:
        return Reason.QUANTITY_TOO_SMALL
    if command.stop_price_ticks and not _new_stop_price_is_good(command, order, instrument):
        return Reason.INVALID_STOP_PRICE
    stop_price_ticks = command.stop_price_ticks or order.stop_price_ticks
    price_ticks, fault = _replaced_price(command, order, instrument, stop_price_ticks)
    if fault:
        return fault
    if not instrument.on_lot(command.quantity_lots, price_ticks):
        return Reason.QUANTITY_NOT_ON_LOT
    if command.display_lots and not _display_is_good(
        instrument, command.display_lots, price_ticks, order.order_type, order.time_in_force
    ):
        return Reason.INVALID_DISPLAY_QUANTITY
    terms = NewTerms(
        price_ticks,
        stop_price_ticks,
        command.quantity_lots,
        max(command.quantity_lots - order.cum_lots, 0),
        command.display_lots or order.display_lots,
        command.expire_ns or order.expire_ns,
    )
    if price_ticks * terms.leaves_lots * definition.tick_units > definition.notional_max_units:
        return Reason.NOTIONAL_TOO_LARGE
    if price_ticks * terms.quantity_lots * definition.tick_units < definition.notional_min_units:
        return Reason.NOTIONAL_TOO_SMALL
    if terms.leaves_lots == 0:
        return terms
    return _replaced_room_fault(state, order, instrument, terms) or terms


def _new_stop_price_is_good(command: ReplaceOrder, order: Order, instrument: Instrument) -> bool:
    definition = instrument.definition
    return (
        order.standing == Standing.STOPS
        and definition.price_min_ticks <= command.stop_price_ticks <= definition.price_max_ticks
        and instrument.on_tick(command.stop_price_ticks)
        and (
            command.stop_price_ticks == order.stop_price_ticks
            or not _would_trigger(instrument, order.side, command.stop_price_ticks, order.by_reference)
        )
    )


def _replaced_price(
    command: ReplaceOrder, order: Order, instrument: Instrument, stop_price_ticks: int
) -> tuple[int, Reason]:
    if order.order_type == OrderType.MARKET:
        return order.price_ticks, Reason.NONE
    if order.order_type == OrderType.STOP:
        return instrument.protection_price(stop_price_ticks, order.side), Reason.NONE
    return command.price_ticks, _price_fault(instrument, command.price_ticks)


def _replaced_room_fault(state: State, order: Order, instrument: Instrument, terms: NewTerms) -> Reason:
    """As for a new order, but only what the replace adds counts."""
    fault = _risk_fault(state, order, instrument, terms.price_ticks, terms.quantity_lots, terms.leaves_lots)
    if not fault and terms.leaves_lots > order.leaves_lots:
        fault = _position_fault(state, order, terms.leaves_lots - order.leaves_lots)
    if fault:
        return fault
    if order.post_only and _would_take(instrument, order.side, terms.price_ticks):
        return Reason.POST_ONLY_WOULD_TRADE
    if _new_page_missing(state, order, terms):
        return Reason.BOOK_FULL
    more_units = state.reservation_units(order, terms.price_ticks, terms.leaves_lots) - order.reserved_units
    if more_units > state.balance(order.account, state.reserved_asset(order))[0]:
        return Reason.INSUFFICIENT_FUNDS
    return Reason.NONE


def _new_page_missing(state: State, order: Order, terms: NewTerms) -> bool:
    if order.standing == Standing.PARKED:
        return False
    if order.standing == Standing.STOPS:
        present, ticks = order.stop_page, terms.stop_price_ticks
    else:
        present, ticks = order.book_page, terms.price_ticks
    new = present[0], present[1], ticks >> PRICES_PER_PAGE_SHIFT
    return new != present and state.page_missing(new)


def _keeps_priority(order: Order, terms: NewTerms) -> bool:
    """Less, at the same price and shown in the same way, is no harm to those behind."""
    same = terms.price_ticks == order.price_ticks and terms.display_lots == order.display_lots
    return same and terms.leaves_lots <= order.leaves_lots


def _replace_to_filled(state: State, command: ReplaceOrder, order: Order, terms: NewTerms) -> None:
    replaced = _replaced_event(state, command, order, priority_kept=1)
    state.rename(order, command.clordid)
    state.emit(replaced._replace(price_ticks=terms.price_ticks, quantity_lots=order.cum_lots, leaves_lots=0, working=1))
    state.close(order)


def _replace_in_place(state: State, command: ReplaceOrder, order: Order, terms: NewTerms) -> None:
    replaced = _replaced_event(state, command, order, priority_kept=1)
    _apply_terms(state, command, order, terms)
    order.displayed_lots = min(order.displayed_lots, order.leaves_lots)
    state.book_changed(state.instruments[order.instrument])
    state.emit(_with_terms(replaced, order)._replace(rested_lots=order.leaves_lots, displayed_lots=order.visible_lots))


def _replace_as_taker(state: State, command: ReplaceOrder, order: Order, terms: NewTerms) -> None:
    """Out of the book, and in again like a new order."""
    replaced = _replaced_event(state, command, order, priority_kept=0)
    state.leave(order)
    _apply_terms(state, command, order, terms)
    replaced = _with_terms(replaced, order)
    place = len(state.events)
    state.emit(replaced)
    if state.instruments[order.instrument].phase == Phase.CONTINUOUS:
        enter(state, order)
    else:
        state.rest(order)
    if order.standing == Standing.BOOK:
        state.events[place] = replaced._replace(rested_lots=order.leaves_lots, displayed_lots=order.visible_lots)


def _replace_dormant(state: State, command: ReplaceOrder, order: Order, terms: NewTerms) -> None:
    if order.standing == Standing.STOPS:
        same_place = terms.stop_price_ticks == order.stop_price_ticks
    else:
        same_place = terms.price_ticks == order.price_ticks
    kept = same_place and terms.leaves_lots <= order.leaves_lots
    replaced = _replaced_event(state, command, order, priority_kept=int(kept))
    if kept:
        _apply_terms(state, command, order, terms)
    else:
        put_back = state.wait if order.standing == Standing.STOPS else state.park
        state.leave(order)
        _apply_terms(state, command, order, terms)
        put_back(order)
    state.emit(_with_terms(replaced, order)._replace(working=0))


def _apply_terms(state: State, command: ReplaceOrder, order: Order, terms: NewTerms) -> None:
    state.rename(order, command.clordid)
    state.set_expiry(order, terms.expire_ns)
    order.price_ticks = terms.price_ticks
    order.stop_price_ticks = terms.stop_price_ticks
    order.leaves_lots = terms.leaves_lots
    order.display_lots = terms.display_lots
    state.keep_reserved(order)


def _replaced_event(state: State, command: ReplaceOrder, order: Order, priority_kept: int) -> OrderReplaced:
    """The event with the values before the change; what the replace changes is put in afterwards."""
    return OrderReplaced(
        *state.head(),
        session=order.session,
        session_epoch=command.session_epoch,
        client_seq=command.client_seq,
        order_id=order.order_id,
        price_ticks=order.price_ticks,
        quantity_lots=command.quantity_lots,
        cum_lots=order.cum_lots,
        leaves_lots=order.leaves_lots,
        rested_lots=0,
        old_price_ticks=order.price_ticks,
        old_leaves_lots=order.leaves_lots,
        account=order.account,
        instrument=order.instrument,
        side=order.side,
        priority_kept=priority_kept,
        clordid=command.clordid,
        orig_clordid=order.clordid,
        stop_price_ticks=order.stop_price_ticks,
        display_lots=order.display_lots,
        expire_ns=order.expire_ns,
        displayed_lots=0,
        old_displayed_lots=order.visible_lots,
        working=1,
        echo=command.echo,
    )


def _with_terms(replaced: OrderReplaced, order: Order) -> OrderReplaced:
    return replaced._replace(
        price_ticks=order.price_ticks,
        leaves_lots=order.leaves_lots,
        stop_price_ticks=order.stop_price_ticks,
        display_lots=order.display_lots,
        expire_ns=order.expire_ns,
    )
