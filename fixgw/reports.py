"""Application messages to clients as text: reports derived from engine events, and the gateway's own refusals.

A report is a pure function of events: written again after a crash it is the same text under the same ReportID.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from engine.wire.messages import (
    AnyMessage,
    CancelOrder,
    CancelRejected,
    MassCancel,
    MassCanceled,
    NewOrder,
    OrderAccepted,
    OrderCanceled,
    OrderReduced,
    OrderRejected,
    OrderReplaced,
    OrderTriggered,
    OrderType,
    Reason,
    ReplaceOrder,
    RequestKind,
    SelfTradePrevention,
    Side,
    StopTrigger,
    TimeInForce,
    Trade,
    TradeBusted,
    TradingState,
)
from fixgw import decimals
from fixgw.orders import Leg, Order, OrderView, Status
from fixgw.reasons import UNSOLICITED, FixReason, reason_of
from fixgw.reference import Listing, Reference
from fixgw.tagvalue import body, utc_timestamp

#: User-defined tags. ReportID, ours: on 9, r and j what ExecID(17) is on 8. StopTrigger, ours: which price triggers a
#: stop. SelfTradePrevention: the number and the first two values are CME's.
REPORT_ID, STOP_TRIGGER, SELF_TRADE_PREVENTION = 20001, 20002, 8000
NONE = "NONE"  # OrderID(37) is required even where no order exists

NEW, TRADE, CANCELED, REPLACED, REJECTED, EXPIRED, ORDER_STATUS = "0", "F", "4", "5", "8", "C", "I"
RESTATED, TRADE_CANCEL = "D", "H"
# ExecRestatementReason(378)
PARTIAL_DECLINE, EXCHANGE_OPTION, RESTATED_OTHER = "5", "8", "99"
ORDER_TYPE: dict[int, str] = {
    OrderType.MARKET: "1",
    OrderType.LIMIT: "2",
    OrderType.STOP: "3",
    OrderType.STOP_LIMIT: "4",
    OrderType.MARKET_TO_LIMIT: "K",
}
TIME_IN_FORCE: dict[int, str] = {
    TimeInForce.DAY: "0",
    TimeInForce.GOOD_TILL_CANCEL: "1",
    TimeInForce.AT_THE_OPENING: "2",
    TimeInForce.IMMEDIATE_OR_CANCEL: "3",
    TimeInForce.FILL_OR_KILL: "4",
    TimeInForce.GOOD_TILL_DATE: "6",
    TimeInForce.AT_THE_CLOSE: "7",
}
PARTICIPATE_DO_NOT_INITIATE = "6"  # ExecInst(18)
STOP_TRIGGERS: dict[int, str] = {StopTrigger.LAST_TRADE: "1", StopTrigger.REFERENCE_PRICE: "2"}
STP_MODES: dict[int, str] = {
    SelfTradePrevention.CANCEL_NEWEST: "N",
    SelfTradePrevention.CANCEL_OLDEST: "O",
    SelfTradePrevention.CANCEL_BOTH: "B",
    SelfTradePrevention.DECREMENT: "D",
}
PRICED_BY_CLIENT = frozenset((OrderType.LIMIT, OrderType.STOP_LIMIT))
PRICED = PRICED_BY_CLIENT | {OrderType.MARKET_TO_LIMIT}  # the last gets its limit from the best opposite price
MASS_CANCEL_SECURITY, MASS_CANCEL_ALL, MASS_CANCEL_REJECTED = "1", "7", "0"  # 530, 531
# What a refusal by the gateway repeats
ORDER_TAGS = (11, 1, 55, 54, 38, 40, 44, 59, 18, 99, 110, 111, 126, 432, STOP_TRIGGER, SELF_TRADE_PREVENTION)
MASS_CANCEL_TAGS = (11, 530, 1, 55, 54)
ADDED_LIQUIDITY, REMOVED_LIQUIDITY = "1", "2"
EXCHANGE_FEE = "4"  # MiscFeeType(139)

TRADING_SESSION = "VENUE"  # TradingSessionID(336): there is one
#: TradSesStatus(340) and, where it is not open, what still works. FIX 4.4 has no value for cancel-only.
TRADING_STATES: dict[int, tuple[str, str]] = {
    TradingState.OPEN: ("2", ""),
    TradingState.CANCEL_ONLY: ("1", "cancel only: orders and replaces are rejected, cancels and status requests work"),
    TradingState.HALTED: ("1", "halted: orders and replaces are rejected, cancels and status requests work"),
    TradingState.CLOSED: ("3", "closed: orders and replaces are rejected, cancels and status requests work"),
}

Fields = Iterator[tuple[int, str]]


class ReportKey(NamedTuple):
    """Identity of a report: of an event (engine epoch, event sequence, leg), of a refusal (session epoch, MsgSeqNum),
    or of a correction that takes back the report of an event which the engine lost.
    """

    refusal: bool
    epoch: int
    number: int
    leg: str = ""
    correction: bool = False

    @property
    def ordered(self) -> bool:
        """Reports of events come in their order; refusals and corrections have none."""
        return not (self.refusal or self.correction)

    def text(self) -> str:
        """As ExecID(17) or ReportID(20001): 3-1234, 3-1234M, R2-17, X3-1234M."""
        return f"{'R' if self.refusal else 'X' if self.correction else ''}{self.epoch}-{self.number}{self.leg}"

    @classmethod
    def parse(cls, text: str) -> ReportKey | None:
        """The key a text names, None when it is not one of ours."""
        refusal, correction = text.startswith("R"), text.startswith("X")
        epoch, separator, number = text[refusal or correction :].partition("-")
        leg = number[-1:] if number[-1:] in ("M", "T") else ""
        number = number.removesuffix(leg)
        if not (separator and epoch.isdecimal() and number.isdecimal()):
            return None
        return cls(refusal, int(epoch), int(number), leg, correction)


def text_of(value: bytes) -> str:
    """Journaled bytes as FIX text."""
    return value.decode("utf-8", "surrogateescape")


Changed = OrderAccepted | OrderReplaced | OrderCanceled | OrderTriggered | OrderReduced
Reported = Changed | Trade | TradeBusted | OrderRejected | CancelRejected | MassCanceled
Terms = Order | OrderRejected | NewOrder


def key_of(event: AnyMessage, leg: Leg) -> ReportKey:
    """The key of an event's report; asserts on an event that has none."""
    assert isinstance(event, Reported), f"no report of {event!r}"
    return ReportKey(False, event.epoch, event.sequence, leg.value)


def report(event: AnyMessage, leg: Leg, orders: OrderView, reference: Reference) -> tuple[ReportKey, str]:
    """The report of an event that `orders` has just applied; asserts on an event that has none."""
    key = key_of(event, leg)
    order = orders.order_of(event, leg)
    if isinstance(event, CancelRejected):
        return key, _cancel_rejected(event, order, key)
    if isinstance(event, MassCanceled):
        return key, _mass_canceled(event, reference, key)
    if isinstance(event, OrderRejected):
        if order is not None and event.reason == Reason.POSS_RESEND_DUPLICATE:
            return key, execution(order, reference, key.text(), ORDER_STATUS, event.time_ns)
        return key, _order_rejected(event, reference, key)
    assert order is not None, f"no order for {event!r}"
    if isinstance(event, Trade):
        fields, group = _trade(event, leg, reference)
        return key, execution(order, reference, key.text(), TRADE, event.time_ns, fields, group)
    if isinstance(event, TradeBusted):
        fields, group = _trade_cancel(event, leg, orders, reference)
        return key, execution(order, reference, key.text(), TRADE_CANCEL, event.time_ns, fields, group)
    assert isinstance(event, Changed), f"no report of {event!r}"
    exec_type, fields = _change(event, order)
    return key, execution(order, reference, key.text(), exec_type, event.time_ns, fields)


def _change(event: Changed, order: Order) -> tuple[str, list[tuple[int, str]]]:
    """ExecType and the fields that tell what became of an order without a trade."""
    if isinstance(event, OrderReplaced):
        return REPLACED, [(41, text_of(event.orig_clordid))]
    if isinstance(event, OrderTriggered):
        # FIX 4.4 has no ExecType for it (L came with 5.0): Restated, with WorkingIndicator(636)=Y as 4.4 defines that.
        why = "stop price reached" if event.stop_price_ticks else "the closing auction has begun"
        return RESTATED, [(378, RESTATED_OTHER), (58, f"{why}: the order is working")]
    if isinstance(event, OrderReduced):
        return RESTATED, [(378, PARTIAL_DECLINE), (58, reason_of(event.reason).text)]
    if isinstance(event, OrderCanceled):
        if event.client_seq:
            return CANCELED, [(11, text_of(event.clordid)), (41, text_of(event.orig_clordid))]
        exec_type = EXPIRED if order.status is Status.EXPIRED else CANCELED
        restated = EXCHANGE_OPTION if event.reason in UNSOLICITED else ""
        return exec_type, [(378, restated), (58, reason_of(event.reason).text)]
    return NEW, []


def execution(
    order: Order,
    reference: Reference,
    exec_id: str,
    exec_type: str,
    time_ns: int,
    extra: list[tuple[int, str]] | None = None,
    group: str = "",
) -> str:
    """An Execution Report on an order as it now is; `extra` fields win over the order's own."""
    listing = reference.listings[order.instrument]
    fields = {
        37: str(order.order_id),
        11: text_of(order.clordid),
        17: exec_id,
        150: exec_type,
        39: order.status.value,
        1: reference.account_names.get(order.account, str(order.account)),
        55: listing.symbol,
        54: str(order.side),
        **dict(_terms(order, listing)),
        44: _price(order.price_ticks, listing) if order.order_type in PRICED else "",
        151: _quantity(order.leaves_lots, listing),
        14: _quantity(order.cum_lots, listing),
        6: _average_price(order, listing),
        60: utc_timestamp(time_ns),
    }
    if order.contingent and order.status is Status.NEW:
        fields[636] = "Y" if order.working else "N"
    fields.update(extra or ())
    return body("8", fields.items(), group=group + ("\x01" if group and order.echo else "") + text_of(order.echo))


def _terms(order: Terms, listing: Listing | None) -> Fields:
    """What the client ordered, in its words, without the Price, which for some types the engine sets.

    A value that FIX has no word for can only stand in a rejection of it, and is left out.
    """
    yield 40, ORDER_TYPE.get(order.order_type, "")
    yield 59, TIME_IN_FORCE.get(order.time_in_force, "")
    if order.post_only:
        yield 18, PARTICIPATE_DO_NOT_INITIATE
    if order.expire_ns:
        yield 126, utc_timestamp(order.expire_ns)
    if order.trigger:
        yield STOP_TRIGGER, STOP_TRIGGERS.get(order.trigger, "")
    if order.stp_mode:
        yield SELF_TRADE_PREVENTION, STP_MODES.get(order.stp_mode, "")
    if listing is None:
        return
    yield 38, _quantity(order.quantity_lots, listing)
    if order.stop_price_ticks:
        yield 99, _price(order.stop_price_ticks, listing)
    if order.min_lots:
        yield 110, _quantity(order.min_lots, listing)
    if order.display_lots:
        yield 111, _quantity(order.display_lots, listing)


def _price(ticks: int, listing: Listing) -> str:
    return decimals.to_text(ticks * listing.tick_mantissa, listing.tick_exponent)


def _quantity(lots: int, listing: Listing) -> str:
    return decimals.to_text(lots * listing.lot_mantissa, listing.lot_exponent)


def _average_price(order: Order, listing: Listing) -> str:
    if not order.cum_lots:
        return "0"
    return decimals.quotient_text(order.notional_steps * listing.tick_mantissa, order.cum_lots, listing.tick_exponent)


def _trade(event: Trade, leg: Leg, reference: Reference) -> tuple[list[tuple[int, str]], str]:
    listing = reference.listings[event.instrument]
    fields = [(31, _price(event.price_ticks, listing)), (32, _quantity(event.quantity_lots, listing))]
    if not event.auction:  # in an auction nobody takes what another one offers, and FIX 4.4 has no value for that
        fields.append((851, ADDED_LIQUIDITY if leg is Leg.MAKER else REMOVED_LIQUIDITY))
    fee_units = event.maker_fee_units if leg is Leg.MAKER else event.taker_fee_units
    return fields, _fee_group(fee_units, listing, reference)


def _trade_cancel(
    event: TradeBusted, leg: Leg, orders: OrderView, reference: Reference
) -> tuple[list[tuple[int, str]], str]:
    """What is taken back: the trade by its ExecID, its price and quantity, and the fee as a negative amount."""
    listing = reference.listings[event.instrument]
    busted = ReportKey(False, orders.epoch_at(event.trade_id), event.trade_id, leg.value)
    fields = [
        (19, busted.text()),
        (31, _price(event.price_ticks, listing)),
        (32, _quantity(event.quantity_lots, listing)),
        (58, f"trade busted: {_one_line(event.reason_text)}"),
    ]
    is_buyer = (leg is Leg.TAKER) == (event.taker_side == Side.BUY)
    fee_units = event.buyer_fee_units if is_buyer else event.seller_fee_units
    return fields, _fee_group(-fee_units, listing, reference)


def _one_line(operator_text: bytes) -> str:
    """An operator's words: whatever they hold, they stay one FIX field."""
    return "".join(letter if letter.isprintable() else " " for letter in operator_text.decode("utf-8", "replace"))


def _fee_group(fee_units: int, listing: Listing, reference: Reference) -> str:
    if not fee_units:
        return ""
    quote = reference.assets[listing.quote]
    amount = decimals.to_text(fee_units, quote.decimals)
    return f"136=1\x01137={amount}\x01138={quote.symbol}\x01139={EXCHANGE_FEE}"


def _order_rejected(event: OrderRejected, reference: Reference, key: ReportKey) -> str:
    listing = reference.listings.get(event.instrument)
    return _rejection(
        key,
        reason_of(event.reason),
        event.time_ns,
        _order_fields(event, listing, reference),
        text_of(event.echo),
    )


def _order_fields(order: OrderRejected | NewOrder, listing: Listing | None, reference: Reference) -> Fields:
    """What the client sent, put back into its words."""
    yield 11, text_of(order.clordid)
    yield 1, reference.account_names.get(order.account, "")
    yield 54, str(order.side)
    yield from _terms(order, listing)
    if listing is not None:
        yield 55, listing.symbol
        yield 44, _price(order.price_ticks, listing) if order.order_type in PRICED_BY_CLIENT else ""


def _rejection(key: ReportKey, reason: FixReason, time_ns: int, order_fields: Fields, parties: str) -> str:
    fields = [
        (37, NONE),
        (17, key.text()),
        (150, REJECTED),
        (39, Status.REJECTED.value),
        (103, str(reason.ord_rej_reason)),
        (58, reason.text),
        (151, "0"),
        (14, "0"),
        (6, "0"),
        (60, utc_timestamp(time_ns)),
        *order_fields,
    ]
    return body("8", fields, group=parties)


def _cancel_rejected(event: CancelRejected, order: Order | None, key: ReportKey) -> str:
    reason = reason_of(event.reason)
    clordid = text_of(event.clordid)
    if event.request == RequestKind.MASS_CANCEL:  # the event does not say what the request was about but by its reason
        asked = MASS_CANCEL_SECURITY if event.reason == Reason.UNKNOWN_INSTRUMENT else MASS_CANCEL_ALL
        return mass_cancel_reject([(11, clordid), (530, asked)], key, reason, event.time_ns)
    return cancel_reject(key, event.request, order, clordid, text_of(event.orig_clordid), reason, event.time_ns)


def _mass_canceled(event: MassCanceled, reference: Reference, key: ReportKey) -> str:
    filters = list(_mass_cancel_filters(event, reference))
    return _mass_cancel_report(filters, key, dict(filters)[530], event.time_ns, [(533, str(event.canceled_orders))])


def _mass_cancel_filters(request: MassCanceled | MassCancel, reference: Reference) -> Fields:
    """What an Order Mass Cancel Request asked for, back in its words."""
    yield 11, text_of(request.clordid)
    yield 530, MASS_CANCEL_SECURITY if request.instrument else MASS_CANCEL_ALL
    yield 1, reference.account_names.get(request.account, "")
    listing = reference.listings.get(request.instrument)
    yield 55, listing.symbol if listing else ""
    yield 54, str(request.side) if request.side else ""


def mass_cancel_reject(filters: Iterable[tuple[int, str]], key: ReportKey, reason: FixReason, time_ns: int) -> str:
    """An Order Mass Cancel Report that refuses."""
    why = [(532, str(reason.mass_cancel_rej_reason)), (58, reason.text)]
    return _mass_cancel_report(filters, key, MASS_CANCEL_REJECTED, time_ns, why)


def _mass_cancel_report(
    filters: Iterable[tuple[int, str]], key: ReportKey, response: str, time_ns: int, outcome: list[tuple[int, str]]
) -> str:
    """Its OrderID(37) is the venue's name for the request: the report's own id."""
    own = [(37, key.text()), (531, response), *outcome, (60, utc_timestamp(time_ns)), (REPORT_ID, key.text())]
    return body("r", [*filters, *own])


def cancel_reject(
    key: ReportKey, request: int, order: Order | None, clordid: str, orig_clordid: str, reason: FixReason, time_ns: int
) -> str:
    """An Order Cancel Reject; OrdStatus is the order's, or Rejected when it is not known (FIX 4.4 volume 4)."""
    return body(
        "9",
        [
            (37, str(order.order_id) if order else NONE),
            (11, clordid),
            (41, orig_clordid or (text_of(order.clordid) if order else NONE)),
            (39, order.status.value if order else Status.REJECTED.value),
            (434, str(request)),
            (102, str(reason.cxl_rej_reason)),
            (58, reason.text),
            (60, utc_timestamp(time_ns)),
            (REPORT_ID, key.text()),
        ],
    )


def refused_text(fields: dict[str, str], parties: str, key: ReportKey, reason: FixReason, time_ns: int) -> str:
    """The gateway's own Execution Report that rejects a NewOrderSingle: its words come back as they were sent."""
    return _rejection(key, reason, time_ns, _echoed(fields, ORDER_TAGS), parties)


def refused_mass_cancel(fields: dict[str, str], key: ReportKey, reason: FixReason, time_ns: int) -> str:
    """The gateway's own Order Mass Cancel Report that refuses, likewise."""
    return mass_cancel_reject(_echoed(fields, MASS_CANCEL_TAGS), key, reason, time_ns)


def _echoed(fields: dict[str, str], tags: tuple[int, ...]) -> Fields:
    return ((tag, fields.get(str(tag), "")) for tag in tags)


def refused_command(
    command: NewOrder | CancelOrder | ReplaceOrder | MassCancel,
    key: ReportKey,
    reason: FixReason,
    time_ns: int,
    orders: OrderView,
    reference: Reference,
) -> str:
    """The gateway's own refusal of a command that the engine never applied."""
    if isinstance(command, NewOrder):
        listing = reference.listings.get(command.instrument)
        echoed = _order_fields(command, listing, reference)
        return _rejection(key, reason, time_ns, echoed, text_of(command.echo))
    if isinstance(command, MassCancel):
        return mass_cancel_reject(_mass_cancel_filters(command, reference), key, reason, time_ns)
    order = orders.find(command.session, command.order_id, command.orig_clordid)
    request = RequestKind.CANCEL if isinstance(command, CancelOrder) else RequestKind.REPLACE
    return cancel_reject(key, request, order, text_of(command.clordid), text_of(command.orig_clordid), reason, time_ns)


def business_reject(fields: dict[str, str], key: ReportKey | None, reason: int, text: str) -> str:
    """A Business Message Reject; BusinessRejectRefID is the message's ClOrdID."""
    return body(
        "j",
        [
            (45, fields.get("34", "")),
            (372, fields.get("35", "")),
            (379, fields.get("11", "")),
            (380, str(reason)),
            (58, text),
            (REPORT_ID, key.text() if key else ""),
        ],
    )


def trading_status(state: int) -> str:
    """The venue's state, told without being asked for; not kept: whoever logs on later is told the state of then."""
    status, what_works = TRADING_STATES[state]
    return body("h", [(336, TRADING_SESSION), (325, "Y"), (340, status), (58, what_works)])


def unknown_order_status(fields: dict[str, str], exec_id: str, time_ns: int) -> str:
    """The answer to a status request that names no order of the session."""
    return body(
        "8",
        [
            (37, NONE),
            (11, fields.get("11", "")),
            (17, exec_id),
            (150, ORDER_STATUS),
            (39, Status.REJECTED.value),
            (103, "5"),
            (58, "unknown order"),
            (55, fields.get("55", "")),
            (54, fields.get("54", "")),
            (790, fields.get("790", "")),
            (151, "0"),
            (14, "0"),
            (6, "0"),
            (60, utc_timestamp(time_ns)),
        ],
    )
