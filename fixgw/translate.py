"""Inbound application messages into wire commands, or into the answer that refuses them; pure, no I/O.

Everything that would have to be rounded, guessed or silently ignored is refused. Session, epoch and chain fields of a
command are filled when it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.wire.messages import (
    DATA_MAX,
    CancelOrder,
    MassCancel,
    NewOrder,
    OrderType,
    Reason,
    ReplaceOrder,
    RequestKind,
    Side,
)
from fixgw import reports
from fixgw.decimals import NotOnGrid, to_steps
from fixgw.policy import Client
from fixgw.reasons import (
    CXL_EXCHANGE_OPTION,
    INCORRECT_QUANTITY,
    MASS_NOT_SUPPORTED,
    MASS_UNKNOWN_SECURITY,
    OTHER,
    REASONS,
    UNKNOWN_ACCOUNT,
    UNKNOWN_SYMBOL,
    UNSUPPORTED_CHARACTERISTIC,
    FixReason,
)
from fixgw.reference import Listing, Reference
from fixgw.reports import ReportKey
from fixgw.tagvalue import end_of_date_ns, fields_of, parties_of, timestamp_ns

CLORDID_BYTES = 36
ORDER_ID_MAX = 2**64 - 1
SIDES = {"1": Side.BUY, "2": Side.SELL}
ORDER_TYPES = {text: order_type for order_type, text in reports.ORDER_TYPE.items()}
TIMES_IN_FORCE = {text: time_in_force for time_in_force, text in reports.TIME_IN_FORCE.items()}
STOP_TRIGGERS = {text: trigger for trigger, text in reports.STOP_TRIGGERS.items()}
STP_MODES = {text: mode for mode, text in reports.STP_MODES.items()}
STOPS = frozenset((OrderType.STOP, OrderType.STOP_LIMIT))
STOP_TRIGGER, SELF_TRADE_PREVENTION = str(reports.STOP_TRIGGER), str(reports.SELF_TRADE_PREVENTION)
EXPIRE_NS_MAX = 2**63 - 1
PRICE, STOP_PX, ORDER_QTY, MIN_QTY, MAX_FLOOR = (
    "Price(44)",
    "StopPx(99)",
    "OrderQty(38)",
    "MinQty(110)",
    "MaxFloor(111)",
)
UNSUPPORTED_MESSAGE_TYPE, NOT_AVAILABLE, CONDITIONALLY_REQUIRED = 3, 4, 5  # BusinessRejectReason(380)

Command = NewOrder | CancelOrder | ReplaceOrder | MassCancel


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
        if message_type == "q":
            return _mass_cancel(fields, client, reference, received_ns)
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
    """The answer that refuses this message: 8 for D, 9 for F and G, r for q, j for everything else."""
    message_type = fields["35"]
    if message_type == "D":
        return reports.refused_text(fields, parties_of(text), key, reason, time_ns)
    if message_type in ("F", "G"):
        request = RequestKind.CANCEL if message_type == "F" else RequestKind.REPLACE
        return reports.cancel_reject(key, request, None, fields.get("11", ""), fields.get("41", ""), reason, time_ns)
    if message_type == "q":
        return reports.refused_mass_cancel(fields, key, reason, time_ns)
    return reports.business_reject(fields, key, 0, reason.text)


def _new_order(
    fields: dict[str, str], parties: str, client: Client, reference: Reference, received_ns: int
) -> NewOrder:
    listing = _listing(fields, reference)
    account = _account(fields, client)
    order_type = _one_of(ORDER_TYPES, fields["40"], "OrdType(40)")
    time_in_force = _one_of(TIMES_IN_FORCE, fields.get("59", "0"), "TimeInForce(59)")
    return NewOrder(
        session=client.session,
        session_epoch=0,
        generation=0,
        gateway=0,
        client_seq=int(fields["34"]),
        prev_client_seq=0,
        price_ticks=_price(fields, listing, order_type, reports.PRICED_BY_CLIENT),
        quantity_lots=_lots(fields, "38", listing, ORDER_QTY),
        account=account,
        instrument=listing.instrument,
        side=_side(fields),
        order_type=order_type,
        time_in_force=time_in_force,
        poss_resend=int(fields.get("97") == "Y"),
        clordid=_clordid(fields["11"]),
        received_ns=received_ns,
        stop_price_ticks=_stop_price(fields, listing, order_type, required=True),
        display_lots=_display(fields, listing),
        min_lots=_lots(fields, "110", listing, MIN_QTY),
        expire_ns=_expiry(fields, required=fields.get("59") == "6"),
        trigger=_trigger(fields, order_type),
        stp_mode=_stp_mode(fields, account, reference),
        post_only=_post_only(fields),
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
    order_type = _one_of(ORDER_TYPES, fields["40"], "OrdType(40)", CXL_EXCHANGE_OPTION)
    return ReplaceOrder(
        session=client.session,
        session_epoch=0,
        generation=0,
        gateway=0,
        client_seq=int(fields["34"]),
        prev_client_seq=0,
        order_id=_order_id(fields.get("37", "")),
        price_ticks=_price(fields, listing, order_type, reports.PRICED),
        quantity_lots=_lots(fields, "38", listing, ORDER_QTY),
        instrument=listing.instrument,
        side=_side(fields),
        clordid=_clordid(fields["11"]),
        orig_clordid=_clordid(fields["41"]),
        received_ns=received_ns,
        stop_price_ticks=_stop_price(fields, listing, order_type, required=False),
        display_lots=_display(fields, listing),
        expire_ns=_expiry(fields, required=False),
        order_type=order_type,
        echo=_echo(parties),
    )


def _mass_cancel(fields: dict[str, str], client: Client, reference: Reference, received_ns: int) -> MassCancel:
    """All orders of the session, or those of one security; Account and Side narrow it further."""
    request = fields["530"]
    if request not in (reports.MASS_CANCEL_SECURITY, reports.MASS_CANCEL_ALL):
        text = "unsupported MassCancelRequestType(530): 1 and 7 are taken"
        raise _Refused(FixReason(OTHER, OTHER, text, MASS_NOT_SUPPORTED))
    if request == reports.MASS_CANCEL_ALL and "55" in fields:
        raise _Refused(FixReason(OTHER, OTHER, "Symbol(55) is not allowed with MassCancelRequestType(530) 7"))
    if request == reports.MASS_CANCEL_SECURITY and "55" not in fields:
        raise _FieldMissing("Symbol(55) is required with MassCancelRequestType(530) 1")
    return MassCancel(
        session=client.session,
        session_epoch=0,
        generation=0,
        gateway=0,
        client_seq=int(fields["34"]),
        prev_client_seq=0,
        account=_account(fields, client) if "1" in fields else 0,
        instrument=_listing(fields, reference).instrument if "55" in fields else 0,
        side=_side(fields) if "54" in fields else 0,
        clordid=_clordid(fields["11"]),
        received_ns=received_ns,
    )


def _listing(fields: dict[str, str], reference: Reference) -> Listing:
    listing = reference.by_symbol.get(fields["55"])
    if listing is None:
        raise _Refused(FixReason(UNKNOWN_SYMBOL, OTHER, f"unknown symbol {fields['55']}", MASS_UNKNOWN_SECURITY))
    return listing


def _side(fields: dict[str, str]) -> int:
    return _one_of(SIDES, fields["54"], "Side(54)")


def _one_of(values: Mapping[str, int], text: str, what: str, cxl_rej_reason: int = OTHER) -> int:
    """The wire's value for a FIX value; refused by name if the venue does not take it."""
    value = values.get(text)
    if value is None:
        taken = f"unsupported {what}: {', '.join(values)} are taken"
        raise _Refused(FixReason(UNSUPPORTED_CHARACTERISTIC, cxl_rej_reason, taken))
    return value


def _account(fields: dict[str, str], client: Client) -> int:
    name = fields.get("1")
    if name is None:
        return client.default_account
    account = client.accounts.get(name)
    if account is None:
        raise _Refused(FixReason(UNKNOWN_ACCOUNT, OTHER, f"account {name} is not one of this session"))
    return account


def _price(fields: dict[str, str], listing: Listing, order_type: int, priced: frozenset[OrderType]) -> int:
    """0 for a type without one. It is required where it has a meaning and refused where it has none."""
    if order_type not in priced:
        if "44" in fields:
            raise _excluded(f"{PRICE} is not allowed with OrdType(40) {fields['40']}")
        return 0
    if "44" not in fields:
        raise _FieldMissing(f"{PRICE} is required with OrdType(40) {fields['40']}")
    return _ticks(fields["44"], listing, PRICE)


def _stop_price(fields: dict[str, str], listing: Listing, order_type: int, *, required: bool) -> int:
    if "99" in fields and order_type not in STOPS:
        raise _excluded(f"{STOP_PX} is allowed with OrdType(40) 3 and 4 only")
    if "99" not in fields:
        if required and order_type in STOPS:
            raise _FieldMissing(f"{STOP_PX} is required with OrdType(40) {fields['40']}")
        return 0
    ticks = _ticks(fields["99"], listing, STOP_PX)
    if ticks == 0:  # to the engine 0 is "not given"
        raise _Refused(FixReason(OTHER, OTHER, f"{STOP_PX} must be above 0"))
    return ticks


def _trigger(fields: dict[str, str], order_type: int) -> int:
    if STOP_TRIGGER not in fields:
        return 0
    if order_type not in STOPS:
        raise _excluded(f"StopTrigger({STOP_TRIGGER}) is allowed with OrdType(40) 3 and 4 only")
    return _one_of(STOP_TRIGGERS, fields[STOP_TRIGGER], f"StopTrigger({STOP_TRIGGER})")


def _stp_mode(fields: dict[str, str], account: int, reference: Reference) -> int:
    """Without a key the account's orders trade with each other whatever is asked: that is refused, not taken."""
    if SELF_TRADE_PREVENTION not in fields:
        return 0
    what = f"SelfTradePrevention({SELF_TRADE_PREVENTION})"
    mode = _one_of(STP_MODES, fields[SELF_TRADE_PREVENTION], what)
    if not reference.stp_keys.get(account):
        raise _excluded(f"{what} has no effect: the venue gave the account no self-trade key")
    return mode


def _post_only(fields: dict[str, str]) -> int:
    """ExecInst is a list of values; one that is taken and not obeyed would be worse than one refused."""
    if "18" not in fields:
        return 0
    if fields["18"] != reports.PARTICIPATE_DO_NOT_INITIATE:
        raise _excluded("unsupported ExecInst(18): only 6 is taken")
    return 1


def _expiry(fields: dict[str, str], *, required: bool) -> int:
    """ExpireTime, or the end of ExpireDate, in ns since the epoch; 0 when neither is given."""
    if "126" not in fields and "432" not in fields:
        if required:
            raise _FieldMissing("ExpireTime(126) or ExpireDate(432) is required with TimeInForce(59) 6")
        return 0
    if "126" in fields and "432" in fields:
        raise _excluded("ExpireTime(126) and ExpireDate(432) exclude each other")
    what, text = ("ExpireTime(126)", fields["126"]) if "126" in fields else ("ExpireDate(432)", fields["432"])
    try:
        expire_ns = timestamp_ns(text) if "126" in fields else end_of_date_ns(text)
    except ValueError as error:
        raise _excluded(f"{what}: {error}") from None
    if not 0 < expire_ns <= EXPIRE_NS_MAX:
        raise _excluded(f"{what} {text} is not between 1970 and 2262")
    return expire_ns


def _excluded(text: str) -> _Refused:
    """A characteristic of the order that the venue does not take, or not together with its others."""
    return _Refused(FixReason(UNSUPPORTED_CHARACTERISTIC, OTHER, text))


def _ticks(text: str, listing: Listing, what: str) -> int:
    try:
        return to_steps(text, listing.tick_mantissa, listing.tick_exponent, what)
    except NotOnGrid as error:
        raise _Refused(FixReason(OTHER, OTHER, str(error))) from None


def _display(fields: dict[str, str], listing: Listing) -> int:
    """MaxFloor 0 would hide the order entirely, which the venue does not do; to the engine 0 is "not given"."""
    lots = _lots(fields, "111", listing, MAX_FLOOR)
    if "111" in fields and lots == 0:
        raise _Refused(
            FixReason(INCORRECT_QUANTITY, OTHER, f"{MAX_FLOOR} must be above 0: no order is hidden entirely")
        )
    return lots


def _lots(fields: dict[str, str], tag: str, listing: Listing, what: str) -> int:
    """0 when the field is not there."""
    if tag not in fields:
        return 0
    try:
        return to_steps(fields[tag], listing.lot_mantissa, listing.lot_exponent, what)
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
