"""What a client is told when the engine came back without events that the client already knew of; pure functions.

An engine that does not sync every batch may lose its last moments in a power failure (docs/DURABILITY.md). Then a fill
that is gone is taken back by a Trade Cancel, an order that is gone is canceled, and an order that stands as the engine
knows it is restated. Nothing is ever reported filled here. What is taken back is read from the session's own message
store: that is what the client was told, whatever anybody else remembers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fixgw import reports
from fixgw.orders import Order, OrderView, Status
from fixgw.reference import Reference
from fixgw.reports import ReportKey
from fixgw.tagvalue import body, fields_of, parties_of, utc_timestamp

LOST = "lost in a crash of the venue"
#: ExecTypes after which the client knows something of the order that is not so.
CHANGES = frozenset(
    (
        reports.NEW,
        reports.TRADE,
        reports.CANCELED,
        reports.REPLACED,
        reports.EXPIRED,
        reports.RESTATED,
        reports.TRADE_CANCEL,
    )
)
#: Of the order, as they stood in its last report.
REPEATED_TAGS = (37, 11, 1, 55, 54, 38, 40, 59, 44, 99, 126, 110, 111, 18, reports.SELF_TRADE_PREVENTION)


@dataclass(frozen=True, slots=True)
class LostReport:
    """A report in the message store whose event is not in the engine's history any more."""

    key: ReportKey
    fields: dict[str, str]
    parties: str

    @property
    def order_id(self) -> int:
        """0 when it is about no order."""
        text = self.fields.get("37", "")
        return int(text) if text.isdecimal() else 0


def lost_reports(stored: Iterable[str], has_event: Callable[[int, int], bool]) -> list[LostReport]:
    """Reports of lost events among stored messages, oldest first, each once; not those that were taken back before."""
    found: dict[ReportKey, LostReport] = {}
    for text in stored:
        fields = fields_of(text)
        key = ReportKey.parse(fields.get("17") or fields.get(str(reports.REPORT_ID)) or "")
        if key is None or key.refusal:
            continue
        if key.correction:
            _take_out(found, key._replace(correction=False))
        elif not has_event(key.epoch, key.number):
            found.setdefault(key, LostReport(key, fields, parties_of(text)))
    return list(found.values())


def _take_out(found: dict[ReportKey, LostReport], corrected: ReportKey) -> None:
    """Corrections go out oldest first: with one, all that the order was told before it is taken back."""
    if corrected not in found:
        return
    order_id = found[corrected].order_id
    keys = list(found)
    for key in keys[: keys.index(corrected) + 1]:
        if found[key].order_id == order_id:
            del found[key]


def corrections(
    session: int, lost: Iterable[LostReport], orders: OrderView, reference: Reference, time_ns: int
) -> list[tuple[ReportKey, str]]:
    """What takes the lost reports back, in their order: every fill by itself, then the order as it now is."""
    changes = [one for one in lost if one.fields.get("35") == "8" and one.fields.get("150") in CHANGES]
    last = {one.order_id: one for one in changes}
    found = []
    for one in changes:
        is_last = last[one.order_id] is one
        if one.fields["150"] == reports.TRADE or is_last:
            key = one.key._replace(correction=True)
            order = orders.find(session, one.order_id, b"")
            if order is not None and order.epoch > one.key.epoch:
                order = None  # another order: the lost one's OrderID was given again
            found.append((key, _correction(one, key, order, reference, time_ns)))
    return found


def _correction(one: LostReport, key: ReportKey, order: Order | None, reference: Reference, time_ns: int) -> str:
    """A fill is canceled; anything else is restated if the order stands, and canceled if it does not."""
    extra: list[tuple[int, str]] = [(58, f"{LOST}: the order stands as reported here" if order else f"order {LOST}")]
    exec_type = reports.RESTATED if order else reports.CANCELED
    if one.fields["150"] == reports.TRADE:
        exec_type = reports.TRADE_CANCEL
        extra = [(19, one.key.text()), (31, one.fields["31"]), (32, one.fields["32"]), (58, f"fill {LOST}")]
    else:
        extra.append((378, reports.RESTATED_OTHER if order else reports.EXCHANGE_OPTION))
    if order is not None:
        return reports.execution(order, reference, key.text(), exec_type, time_ns, extra)
    state = [(17, key.text()), (150, exec_type), (39, Status.CANCELED.value), (151, "0"), (14, "0"), (6, "0")]
    repeated = [(tag, one.fields.get(str(tag), "")) for tag in REPEATED_TAGS]
    return body("8", [*repeated, *state, (60, utc_timestamp(time_ns)), *extra], group=one.parties)
