"""Application messages to clients as text: reports derived from engine events, and the gateway's own refusals.

A report is a pure function of events: written again after a crash it is the same text under the same ReportID.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from engine.wire.messages import (
    AnyMessage,
    CancelOrder,
    CancelRejected,
    NewOrder,
    OrderAccepted,
    OrderCanceled,
    OrderRejected,
    OrderReplaced,
    OrderType,
    Reason,
    ReplaceOrder,
    RequestKind,
    TimeInForce,
    Trade,
)
from fixgw import decimals
from fixgw.orders import Leg, Order, OrderView, Status
from fixgw.reasons import FixReason, reason_of
from fixgw.reference import Listing, Reference
from fixgw.tagvalue import body, utc_timestamp

#: ReportID(20001), ours: on 9 and j what ExecID(17) is on 8.
REPORT_ID = 20001
NONE = "NONE"  # OrderID(37) is required even where no order exists

NEW, TRADE, CANCELED, REPLACED, REJECTED, EXPIRED, ORDER_STATUS = "0", "F", "4", "5", "8", "C", "I"
TIME_IN_FORCE = {
    TimeInForce.DAY: "0",
    TimeInForce.GOOD_TILL_CANCEL: "1",
    TimeInForce.IMMEDIATE_OR_CANCEL: "3",
    TimeInForce.FILL_OR_KILL: "4",
}
ADDED_LIQUIDITY, REMOVED_LIQUIDITY = "1", "2"
EXCHANGE_FEE = "4"  # MiscFeeType(139)

Fields = Iterator[tuple[int, str]]


class ReportKey(NamedTuple):
    """Identity of a report: of an event (engine epoch, event sequence, leg) or of a refusal (session epoch,
    MsgSeqNum).
    """

    refusal: bool
    epoch: int
    number: int
    leg: str = ""

    def text(self) -> str:
        """As ExecID(17) or ReportID(20001): 3-1234, 3-1234M, R2-17."""
        return f"{'R' if self.refusal else ''}{self.epoch}-{self.number}{self.leg}"

    @classmethod
    def parse(cls, text: str) -> ReportKey | None:
        """The key a text names, None when it is not one of ours."""
        refusal = text.startswith("R")
        epoch, separator, number = text.removeprefix("R").partition("-")
        leg = number[-1:] if number[-1:] in ("M", "T") else ""
        number = number.removesuffix(leg)
        if not (separator and epoch.isdecimal() and number.isdecimal()):
            return None
        return cls(refusal, int(epoch), int(number), leg)


def text_of(value: bytes) -> str:
    """Journaled bytes as FIX text."""
    return value.decode("utf-8", "surrogateescape")


Reported = OrderAccepted | OrderRejected | OrderReplaced | OrderCanceled | CancelRejected | Trade


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
    if isinstance(event, OrderRejected):
        if order is not None and event.reason == Reason.POSS_RESEND_DUPLICATE:
            return key, execution(order, reference, key.text(), ORDER_STATUS, event.time_ns)
        return key, _order_rejected(event, reference, key)
    assert order is not None, f"no order for {event!r}"
    assert isinstance(event, OrderAccepted | OrderReplaced | OrderCanceled | Trade)
    if isinstance(event, Trade):
        fields, group = _trade(event, leg, reference)
        return key, execution(order, reference, key.text(), TRADE, event.time_ns, fields, group)
    if isinstance(event, OrderReplaced):
        replaced = [(41, text_of(event.orig_clordid))]
        return key, execution(order, reference, key.text(), REPLACED, event.time_ns, replaced)
    if isinstance(event, OrderCanceled):
        exec_type = EXPIRED if order.status is Status.EXPIRED else CANCELED
        fields = [(58, reason_of(event.reason).text)]
        if event.client_seq:
            fields = [(11, text_of(event.clordid)), (41, text_of(event.orig_clordid))]
        return key, execution(order, reference, key.text(), exec_type, event.time_ns, fields)
    return key, execution(order, reference, key.text(), NEW, event.time_ns)


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
        38: decimals.to_text(order.quantity_lots * listing.lot_mantissa, listing.lot_exponent),
        40: str(order.order_type),
        44: _price(order.price_ticks, listing) if order.order_type == OrderType.LIMIT else "",
        59: TIME_IN_FORCE[TimeInForce(order.time_in_force)],
        151: decimals.to_text(order.leaves_lots * listing.lot_mantissa, listing.lot_exponent),
        14: decimals.to_text(order.cum_lots * listing.lot_mantissa, listing.lot_exponent),
        6: _average_price(order, listing),
        60: utc_timestamp(time_ns),
    }
    fields.update(extra or ())
    return body("8", fields.items(), group=group + ("\x01" if group and order.echo else "") + text_of(order.echo))


def _price(ticks: int, listing: Listing) -> str:
    return decimals.to_text(ticks * listing.tick_mantissa, listing.tick_exponent)


def _average_price(order: Order, listing: Listing) -> str:
    if not order.cum_lots:
        return "0"
    return decimals.quotient_text(order.notional_steps * listing.tick_mantissa, order.cum_lots, listing.tick_exponent)


def _trade(event: Trade, leg: Leg, reference: Reference) -> tuple[list[tuple[int, str]], str]:
    listing = reference.listings[event.instrument]
    fields = [
        (31, _price(event.price_ticks, listing)),
        (32, decimals.to_text(event.quantity_lots * listing.lot_mantissa, listing.lot_exponent)),
        (851, ADDED_LIQUIDITY if leg is Leg.MAKER else REMOVED_LIQUIDITY),
    ]
    fee_units = event.maker_fee_units if leg is Leg.MAKER else event.taker_fee_units
    if not fee_units:
        return fields, ""
    quote = reference.assets[listing.quote]
    amount = decimals.to_text(fee_units, quote.decimals)
    return fields, f"136=1\x01137={amount}\x01138={quote.symbol}\x01139={EXCHANGE_FEE}"


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
    yield 40, str(order.order_type)
    yield 59, TIME_IN_FORCE[TimeInForce(order.time_in_force)]
    if listing is not None:
        yield 55, listing.symbol
        yield 38, decimals.to_text(order.quantity_lots * listing.lot_mantissa, listing.lot_exponent)
        yield 44, _price(order.price_ticks, listing) if order.order_type == OrderType.LIMIT else ""


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
    return cancel_reject(
        key,
        event.request,
        order,
        text_of(event.clordid),
        text_of(event.orig_clordid),
        reason_of(event.reason),
        event.time_ns,
    )


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
    echoed = ((tag, fields.get(str(tag), "")) for tag in (11, 1, 55, 54, 38, 40, 44, 59))
    return _rejection(key, reason, time_ns, echoed, parties)


def refused_command(
    command: NewOrder | CancelOrder | ReplaceOrder,
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
