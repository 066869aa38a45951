"""The life of one order from FIX to final block, put together from what each daemon wrote down for itself.

Nothing is kept for tracing's sake: the command journal, the event journal, the gateway's message store, the feed (a
pure function of the
events), the ledger. So a trace works after any restart, and shows a hop only if it happened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, cast

from cfg.model import VenueConfig
from engine import inspect
from engine.wire.messages import (
    AnyMessage,
    NewOrder,
    OrderAccepted,
    OrderCanceled,
    OrderReduced,
    OrderRefilled,
    OrderRejected,
    OrderReplaced,
    OrderTriggered,
    Reason,
    Trade,
    TradeBusted,
    decode,
)
from mdfeed.published import read_published, times_of
from mdfeed.publisher import Event, FeedState
from settlement.database import NoLedger, connect, find_url
from settlement.trace import trace_fill

#: What every filled order must have gone through once the venue is at rest.
REQUIRED = (
    "FIX in",
    "command",
    "durable",
    "accepted",
    "report out",
    "feed",
    "trade",
    "posted",
    "cut",
    "sent",
    "mined",
    "final",
)
SHOWN_TRADES = 3
BEGIN_STRING = b"8=FIX.4.4\x01"

OfOneOrder = OrderAccepted | OrderReplaced | OrderCanceled | OrderTriggered | OrderRefilled | OrderReduced
OfTwoOrders = Trade | TradeBusted
OrderEvent = OfOneOrder | OfTwoOrders | OrderRejected


class TraceError(Exception):
    """There is no such order, or its journals can't be read; the text is for the operator."""


class Hop(NamedTuple):
    """One step of the order's life; `time_ns` since the epoch UTC, 0 where nobody took the time."""

    name: str
    time_ns: int
    detail: str


@dataclass
class Life:
    """All hops of one order, in time order."""

    clordid: str
    order_id: int = 0
    hops: list[Hop] = field(default_factory=list)

    @property
    def missing(self) -> list[str]:
        """Hops that a filled order must have and this one lacks."""
        seen = {hop.name for hop in self.hops}
        return [name for name in REQUIRED if name not in seen]

    def as_text(self) -> str:
        """A table for a terminal; the second column is the time since the first hop."""
        lines = [f"order {self.clordid} (OrderID {self.order_id})"]
        start = next((hop.time_ns for hop in self.hops if hop.time_ns), 0)
        for hop in self.hops:
            at = datetime.fromtimestamp(hop.time_ns / 1e9, UTC).strftime("%H:%M:%S.%f") if hop.time_ns else "-"
            since = f"+{(hop.time_ns - start) / 1e6:.3f} ms" if hop.time_ns else ""
            lines.append(f"  {at:15}  {since:>14}  {hop.name:10}  {hop.detail}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        return {"clordid": self.clordid, "order_id": self.order_id, "hops": [hop._asdict() for hop in self.hops]}


def trace(config: VenueConfig, clordid: str) -> Life:
    """Follows the order whose ClOrdID, at first or after a replace, is `clordid`; TraceError if there is none."""
    events = [decode(message) for message in inspect.events(config)]
    first = _first_event(events, clordid.encode())
    life = Life(clordid, first.order_id if not isinstance(first, OrderRejected) else 0)
    life.hops += _command_hops(config, first.command_sequence)
    own: list[OrderEvent] = [first] if isinstance(first, OrderRejected) else list(_events_of(events, life.order_id))
    trades = [event for event in own if isinstance(event, Trade)]
    busted = {event.trade_id for event in own if isinstance(event, TradeBusted)}
    shown = [trade for number, trade in enumerate(trades) if number < SHOWN_TRADES or trade.trade_id in busted]
    hidden = len(trades) - len(shown)
    life.hops += [
        Hop(*_described(event, life.order_id)) for event in own if not isinstance(event, Trade) or event in shown
    ]
    life.hops += _report_hops(config, own, life.order_id)
    life.hops += _feed_hops(config, events, {event.sequence for event in own})
    life.hops += _settlement_hops(config, shown)
    life.hops.sort(key=lambda hop: hop.time_ns)  # what has the same time stays in the order it was put together
    if hidden:
        life.hops.append(Hop("trade", 0, f"and {hidden} more trades"))
    return life


def _first_event(events: list[AnyMessage], clordid: bytes) -> OrderAccepted | OrderRejected:
    """The verdict on the NewOrder that started the order which at some time had this ClOrdID."""
    order_id = 0
    for event in events:
        if isinstance(event, OrderAccepted | OrderRejected) and event.clordid == clordid:
            return event
        if isinstance(event, OrderReplaced) and event.clordid == clordid:
            order_id = event.order_id
            break
    for event in events:
        if isinstance(event, OrderAccepted) and event.order_id == order_id:
            return event
    raise TraceError(f"no order ever had ClOrdID {clordid.decode()}")


def _events_of(events: list[AnyMessage], order_id: int) -> Iterator[OrderEvent]:
    for event in events:
        if isinstance(event, OfTwoOrders):
            if order_id in (event.maker_order_id, event.taker_order_id):
                yield event
        elif isinstance(event, OfOneOrder) and event.order_id == order_id:
            yield event


def _command_hops(config: VenueConfig, sequence: int) -> Iterator[Hop]:
    journaled = inspect.command(config, sequence)
    if journaled is None:
        raise TraceError(f"command {sequence} is not in the journal")
    command = decode(journaled.record.message)
    assert isinstance(command, NewOrder), "an order starts with a NewOrder"
    session = next((s.comp_id for s in config.sessions if s.id == command.session), str(command.session))
    yield Hop("FIX in", command.received_ns, f"session {session}, MsgSeqNum {command.client_seq}")
    yield Hop("command", journaled.record.time_ns, f"sequence {sequence}, epoch {journaled.record.epoch}")
    if journaled.durable_ns:
        yield Hop("durable", journaled.durable_ns, "synced before this commit record")


def _described(event: OrderEvent, order_id: int) -> tuple[str, int, str]:
    """Name, time and what happened, in ticks and lots."""
    if isinstance(event, OrderAccepted):
        text = f"{event.quantity_lots} lots at {event.price_ticks} ticks, "
        text += f"{event.rested_lots} rest in the book" if event.working else "waits outside the book"
        return "accepted", event.time_ns, f"event {event.sequence}: {text}"
    if isinstance(event, OrderRejected):
        return "rejected", event.time_ns, f"event {event.sequence}: {Reason(event.reason).name}"
    if isinstance(event, OrderReplaced):
        text = f"{event.quantity_lots} lots at {event.price_ticks} ticks, now {event.clordid.decode()}"
        return "replaced", event.time_ns, f"event {event.sequence}: {text}"
    if isinstance(event, OrderCanceled):
        text = f"{event.canceled_lots} lots, {Reason(event.reason).name}"
        return "canceled", event.time_ns, f"event {event.sequence}: {text}"
    if isinstance(event, OrderTriggered):
        text = f"stop price {event.stop_price_ticks}, {event.rested_lots} of {event.leaves_lots} lots rest in the book"
        return "triggered", event.time_ns, f"event {event.sequence}: {text}"
    if isinstance(event, OrderRefilled):
        text = f"shows {event.displayed_lots} of {event.leaves_lots} lots again"
        return "refilled", event.time_ns, f"event {event.sequence}: {text}"
    if isinstance(event, OrderReduced):
        text = f"by {event.reduced_lots} lots, {Reason(event.reason).name}, {event.leaves_lots} left"
        return "reduced", event.time_ns, f"event {event.sequence}: {text}"
    if isinstance(event, TradeBusted):
        text = f"trade {event.trade_id}, {event.quantity_lots} lots at {event.price_ticks} ticks"
        return "busted", event.time_ns, f"event {event.sequence}: {text}"
    side, fee = (
        ("maker", event.maker_fee_units) if event.maker_order_id == order_id else ("taker", event.taker_fee_units)
    )
    text = f"{side} of {event.quantity_lots} lots at {event.price_ticks} ticks"
    text += f", notional {event.notional_units}, fee {fee} units"
    return "trade", event.time_ns, f"event {event.sequence}: {text}"


def _report_hops(config: VenueConfig, own: list[OrderEvent], order_id: int) -> Iterator[Hop]:
    """What the gateway's message store holds for these events: the reports as they went out."""
    wanted = set()
    for event in own:
        suffix = ("M" if event.maker_order_id == order_id else "T") if isinstance(event, OfTwoOrders) else ""
        wanted.add(f"{event.epoch}-{event.sequence}{suffix}")
    for path in sorted(config.paths.state_dir.glob("fixgw*/**/*.body")):
        # A parser for streams looks through all that is left of the store for each message; we have whole messages.
        for raw in path.read_bytes().split(BEGIN_STRING)[1:]:
            fields = dict(pair.partition(b"=")[::2] for pair in raw.split(b"\x01"))
            exec_id = fields.get(b"17", b"").decode()
            if fields.get(b"35") == b"8" and exec_id in wanted:
                text = "/".join(fields.get(tag, b"").decode() for tag in (b"150", b"39"))
                detail = f"ExecutionReport 150/39={text}, ExecID {exec_id}, MsgSeqNum {fields.get(b'34', b'').decode()}"
                yield Hop("report out", _utc_ns(fields.get(b"52", b"").decode()), detail)


def _utc_ns(text: str) -> int:
    """UTCTimestamp (FIX 4.4 vol. 1) with up to microseconds."""
    stamp = datetime.strptime(text, "%Y%m%d-%H:%M:%S.%f" if "." in text else "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
    return int(stamp.timestamp()) * 10**9 + stamp.microsecond * 1000


def _feed_hops(config: VenueConfig, events: list[AnyMessage], sequences: set[int]) -> Iterator[Hop]:
    """Feed messages that came of these events, derived again (the feed is a function of them), and when they left."""
    state = FeedState()
    found = []
    next_message = 1
    for event in events:
        for message in state.apply(cast(Event, event)):
            if message.event_sequence in sequences:
                found.append((next_message, type(message).__name__))
            next_message += 1
    sends = read_published(config.paths.state_dir / "mdfeed" / "published")
    session = sends[-1].session_id if sends else 0
    times = times_of(sends, session, [number for number, _ in found])
    for (number, name), time_ns in zip(found, times, strict=True):
        yield Hop("feed", time_ns, f"message {number}: {name}")


def _settlement_hops(config: VenueConfig, trades: list[Trade]) -> Iterator[Hop]:
    if not trades:
        return
    try:
        with connect(find_url(config), "venuectl-trace") as connection:
            hops = {hop: None for trade in trades for hop in trace_fill(connection, trade.trade_id)}
    except NoLedger as error:
        raise TraceError(f"ledger: {error}") from error
    for hop in hops:
        if hop.name not in ("matched", "busted"):  # the events say it
            yield Hop(hop.name, hop.time_ns, hop.detail)
