"""Inbound application messages into wire commands, or into the answer that refuses them; pure, no I/O.

Everything that would have to be rounded, guessed or silently ignored is refused. Session, epoch and chain fields of a
command are filled when it is sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.wire.messages import (
    DATA_MAX,
    CancelOrder,
    NewOrder,
    OrderType,
    Reason,
    ReplaceOrder,
    RequestKind,
    Side,
    TimeInForce,
)
from fixgw import reports
from fixgw.decimals import NotOnGrid, to_steps
from fixgw.policy import Client
from fixgw.reasons import (
    CXL_EXCHANGE_OPTION,
    INCORRECT_QUANTITY,
    OTHER,
    REASONS,
    UNKNOWN_ACCOUNT,
    UNKNOWN_SYMBOL,
    UNSUPPORTED_CHARACTERISTIC,
    FixReason,
)
from fixgw.reference import Listing, Reference
from fixgw.reports import ReportKey
from fixgw.tagvalue import fields_of, parties_of

CLORDID_BYTES = 36
ORDER_ID_MAX = 2**64 - 1
SIDES = {"1": Side.BUY, "2": Side.SELL}
ORDER_TYPES = {"1": OrderType.MARKET, "2": OrderType.LIMIT}
TIMES_IN_FORCE = {
    "0": TimeInForce.DAY,
    "1": TimeInForce.GOOD_TILL_CANCEL,
    "3": TimeInForce.IMMEDIATE_OR_CANCEL,
    "4": TimeInForce.FILL_OR_KILL,
}
UNSUPPORTED_MESSAGE_TYPE, NOT_AVAILABLE, CONDITIONALLY_REQUIRED = 3, 4, 5  # BusinessRejectReason(380)

Command = NewOrder | CancelOrder | ReplaceOrder


@dataclass(frozen=True, slots=True)
class Refusal:
    """The gateway's own verdict: `text` is the whole answer."""

    text: str


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """An OrderStatusRequest(H), to be answered once everything before it has its verdict."""

    msg_seq_num: int
    order_id: int
    clordid: bytes
    fields: dict[str, str]


class _Refused(Exception):
    """Why the message in hand cannot become a command."""

    def __init__(self, reason: FixReason) -> None:
        super().__init__(reason.text)
        self.reason = reason


class _FieldMissing(Exception):
    """A field that this combination of fields requires is not there."""


def message(
    text: str, client: Client, reference: Reference, key: ReportKey, received_ns: int
) -> Command | Refusal | StatusRequest:
    """What one inbound application message asks for; `key` names the refusal, if it comes to that."""
    fields = fields_of(text)
    message_type = fields["35"]
    try:
        if message_type == "D":
            return _new_order(fields, parties_of(text), client, reference, received_ns)
        if message_type == "F":
            return _cancel(fields, client, reference, received_ns)
        if message_type == "G":
            return _replace(fields, parties_of(text), client, reference, received_ns)
        if message_type == "H":
            return StatusRequest(
                int(fields["34"]), _order_id(fields.get("37", "")), _clordid(fields.get("11", "")), fields
            )
    except _FieldMissing as missing:
        return Refusal(reports.business_reject(fields, key, CONDITIONALLY_REQUIRED, str(missing)))
    except _Refused as refused:
        return Refusal(refusal_of(text, fields, key, refused.reason, received_ns))
    return Refusal(reports.business_reject(fields, key, UNSUPPORTED_MESSAGE_TYPE, "unsupported message type"))


def refusal_of(text: str, fields: dict[str, str], key: ReportKey, reason: FixReason, time_ns: int) -> str:
    """The answer that refuses this message: 8 for D, 9 for F and G, j for everything else."""
    message_type = fields["35"]
    if message_type == "D":
        return reports.refused_text(fields, parties_of(text), key, reason, time_ns)
    if message_type in ("F", "G"):
        request = RequestKind.CANCEL if message_type == "F" else RequestKind.REPLACE
        return reports.cancel_reject(key, request, None, fields.get("11", ""), fields.get("41", ""), reason, time_ns)
    return reports.business_reject(fields, key, 0, reason.text)


def _new_order(
    fields: dict[str, str], parties: str, client: Client, reference: Reference, received_ns: int
) -> NewOrder:
    listing = _listing(fields, reference)
    order_type = ORDER_TYPES.get(fields["40"])
    if order_type is None:
        raise _Refused(FixReason(UNSUPPORTED_CHARACTERISTIC, OTHER, "unsupported OrdType: 1 and 2 are taken"))
    time_in_force = TIMES_IN_FORCE.get(fields.get("59", "0"))
    if time_in_force is None:
        raise _Refused(FixReason(UNSUPPORTED_CHARACTERISTIC, OTHER, "unsupported TimeInForce: 0, 1, 3 and 4 are taken"))
    if order_type is OrderType.MARKET and "44" in fields:
        raise _Refused(FixReason(UNSUPPORTED_CHARACTERISTIC, OTHER, "a market order has no Price"))
    return NewOrder(
        session=client.session,
        session_epoch=0,
        generation=0,
        gateway=0,
        client_seq=int(fields["34"]),
        prev_client_seq=0,
        price_ticks=_price(fields, listing) if order_type is OrderType.LIMIT else 0,
        quantity_lots=_quantity(fields, listing),
        account=_account(fields, client),
        instrument=listing.instrument,
        side=_side(fields),
        order_type=order_type,
        time_in_force=time_in_force,
        poss_resend=int(fields.get("97") == "Y"),
        clordid=_clordid(fields["11"]),
        received_ns=received_ns,
        echo=_echo(parties),
    )


def _cancel(fields: dict[str, str], client: Client, reference: Reference, received_ns: int) -> CancelOrder:
    _account(fields, client)
    return CancelOrder(
        session=client.session,
        session_epoch=0,
        generation=0,
        gateway=0,
        client_seq=int(fields["34"]),
        prev_client_seq=0,
        order_id=_order_id(fields.get("37", "")),
        instrument=_listing(fields, reference).instrument,
        side=_side(fields),
        clordid=_clordid(fields["11"]),
        orig_clordid=_clordid(fields["41"]),
        received_ns=received_ns,
    )


def _replace(
    fields: dict[str, str], parties: str, client: Client, reference: Reference, received_ns: int
) -> ReplaceOrder:
    listing = _listing(fields, reference)
    _account(fields, client)
    if ORDER_TYPES.get(fields["40"]) is not OrderType.LIMIT:
        raise _Refused(
            FixReason(UNSUPPORTED_CHARACTERISTIC, CXL_EXCHANGE_OPTION, "OrdType of an open order is 2 and stays so")
        )
    return ReplaceOrder(
        session=client.session,
        session_epoch=0,
        generation=0,
        gateway=0,
        client_seq=int(fields["34"]),
        prev_client_seq=0,
        order_id=_order_id(fields.get("37", "")),
        price_ticks=_price(fields, listing),
        quantity_lots=_quantity(fields, listing),
        instrument=listing.instrument,
        side=_side(fields),
        clordid=_clordid(fields["11"]),
        orig_clordid=_clordid(fields["41"]),
        received_ns=received_ns,
        echo=_echo(parties),
    )


def _listing(fields: dict[str, str], reference: Reference) -> Listing:
    listing = reference.by_symbol.get(fields["55"])
    if listing is None:
        raise _Refused(FixReason(UNKNOWN_SYMBOL, OTHER, f"unknown symbol {fields['55']}"))
    return listing


def _side(fields: dict[str, str]) -> int:
    side = SIDES.get(fields["54"])
    if side is None:
        raise _Refused(FixReason(UNSUPPORTED_CHARACTERISTIC, OTHER, "unsupported Side: 1 and 2 are taken"))
    return side


def _account(fields: dict[str, str], client: Client) -> int:
    name = fields.get("1")
    if name is None:
        return client.default_account
    account = client.accounts.get(name)
    if account is None:
        raise _Refused(FixReason(UNKNOWN_ACCOUNT, OTHER, f"account {name} is not one of this session"))
    return account


def _price(fields: dict[str, str], listing: Listing) -> int:
    if "44" not in fields:
        raise _FieldMissing("Price(44) is required for a limit order")
    try:
        return to_steps(fields["44"], listing.tick_mantissa, listing.tick_exponent, "Price")
    except NotOnGrid as error:
        raise _Refused(FixReason(OTHER, OTHER, str(error))) from None


def _quantity(fields: dict[str, str], listing: Listing) -> int:
    try:
        return to_steps(fields["38"], listing.lot_mantissa, listing.lot_exponent, "OrderQty")
    except NotOnGrid as error:
        raise _Refused(FixReason(INCORRECT_QUANTITY, OTHER, str(error))) from None


def _clordid(text: str) -> bytes:
    value = text.encode("utf-8", "surrogateescape")
    if not 1 <= len(value) <= CLORDID_BYTES or not all(0x21 <= byte <= 0x7E for byte in value):
        raise _Refused(REASONS[Reason.INVALID_CL_ORD_ID])
    return value


def _order_id(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= 20 and 0 < int(text) <= ORDER_ID_MAX):
        raise _Refused(FixReason(OTHER, 1, f"unknown OrderID {text[:40]}"))
    return int(text)


def _echo(parties: str) -> bytes:
    value = parties.encode("utf-8", "surrogateescape")
    if len(value) > DATA_MAX:
        raise _Refused(FixReason(OTHER, OTHER, f"Parties are longer than {DATA_MAX} bytes"))
    return value
