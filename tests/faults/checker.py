"""Judges what a fault round left behind: everybody's records must tell the same story, to the message and to the unit.

`check` gives one line per violation, with the ids to look for; none means that nothing was lost, doubled or changed.
It knows the rules of docs/FIX.md and docs/ENGINE.md and uses nothing of the gateway, the feed or settlement.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TypeVar

from engine.wire.messages import (
    AnyMessage,
    AssetDefined,
    CancelOrder,
    CancelRejected,
    CheckpointBalance,
    CheckpointEnded,
    Credited,
    InstrumentDefined,
    MassCancel,
    MassCanceled,
    NewOrder,
    OrderAccepted,
    OrderCanceled,
    OrderReduced,
    OrderRejected,
    OrderReplaced,
    OrderTriggered,
    ReplaceOrder,
    SessionAttached,
    Side,
    Trade,
    TradeBusted,
    Transferred,
)
from tests.faults.evidence import TRANSPORT_TAGS, Client, Evidence, Fill, Fix, Pair, units

Kind = TypeVar("Kind", bound=AnyMessage)
ClientCommand = NewOrder | CancelOrder | ReplaceOrder | MassCancel
Changed = OrderReplaced | OrderCanceled | OrderTriggered | OrderReduced
Reported = Changed | OrderAccepted | OrderRejected | CancelRejected | MassCanceled
#: ExecTypes(150) that answer a request; an Order Cancel Reject answers F and G, a mass cancel report q.
VERDICTS = {"D": {"0", "8"}, "F": {"4"}, "G": {"5"}, "q": set[str]()}
COMMANDS: dict[str, type[ClientCommand]] = {"D": NewOrder, "F": CancelOrder, "G": ReplaceOrder, "q": MassCancel}
#: MsgType and ExecTypes of the report that tells a client of an event.
TOLD_AS: dict[type[AnyMessage], tuple[str, tuple[str, ...]]] = {
    Trade: ("8", ("F",)),
    OrderAccepted: ("8", ("0",)),
    OrderRejected: ("8", ("8",)),
    OrderReplaced: ("8", ("5",)),
    OrderCanceled: ("8", ("4", "C")),
    OrderTriggered: ("8", ("D",)),
    OrderReduced: ("8", ("D",)),
    CancelRejected: ("9", ("",)),
    MassCanceled: ("r", ("",)),
}
OPEN = ("0", "1")
SHOWN_MAX = 8  # ids in one line


def check(evidence: Evidence) -> list[str]:
    """Every violation of what the venue promises."""
    violations: list[str] = []
    for judge in (_stream, _journal, _reports, _both_sides, _books, _feed_trades, _money, _fills_of_the_ledger):
        violations += judge(evidence)
    for client in evidence.clients:
        for judge_client in (_verdicts, _repeats, _arithmetic, _statuses):
            violations += [f"{client.name}: {line}" for line in judge_client(client)]
    return violations


# ---- the engine's own records ----


def _stream(evidence: Evidence) -> Iterator[str]:
    """Event journal, replay of the command journal and live stream are the same bytes; state hashes agree."""
    for number, event in enumerate(evidence.events, 1):
        sequence = event.sequence  # type: ignore[union-attr]
        if sequence != number:
            yield f"event journal: event {sequence} where {number} belongs"
            break
    yield from _same_bytes("replay of the command journal", evidence.replayed_bytes, evidence.event_bytes)
    yield from _same_bytes("live stream", evidence.tapped_bytes, evidence.event_bytes)
    if evidence.reference_bytes is not None:
        yield from _same_bytes("replay by the reference", evidence.reference_bytes, evidence.event_bytes)
    if evidence.reference_hash not in (None, evidence.state_hash):
        yield f"state hash: core {evidence.state_hash:032x}, reference {evidence.reference_hash:032x}"
    for sequence, journaled, replayed in evidence.journaled_hashes:
        if journaled != replayed:
            yield f"state hash after command {sequence}: journaled {journaled:032x}, replayed {replayed:032x}"


def _same_bytes(what: str, found: list[bytes], journal: list[bytes]) -> Iterator[str]:
    for number, (one, other) in enumerate(zip(found, journal, strict=False), 1):
        if one != other:
            yield f"{what}: event {number} is not the event journal's"
            return
    if len(found) != len(journal):
        yield f"{what}: {len(found)} events, {len(journal)} in the event journal"


def _journal(evidence: Evidence) -> Iterator[str]:
    """Each request of a client is journaled once at most, as it was sent, under the session's present generation."""
    attached = {event.command_sequence: event for event in _of(SessionAttached, evidence.events)}
    present: dict[int, SessionAttached] = {}
    journaled: dict[tuple[int, int, int], int] = {}
    sent = {
        (client.session, int(request["34"])): (client.name, request)
        for client in evidence.clients
        for request in client.requests
    }
    for command in evidence.commands:
        if command.sequence in attached:
            event = attached[command.sequence]
            present[event.session] = event
        message = command.message
        if not isinstance(message, ClientCommand):
            continue
        place = message.session, message.session_epoch, message.client_seq
        if place in journaled:
            yield f"command {command.sequence} repeats command {journaled[place]} of session, epoch, number {place}"
        journaled[place] = command.sequence
        now = present.get(message.session)
        if now is None or (message.generation, message.session_epoch) != (now.generation, now.session_epoch):
            yield f"command {command.sequence} of session {message.session} is generation {message.generation}: stale"
        name, request = sent.get((message.session, message.client_seq), ("", {}))
        if not request:
            yield f"command {command.sequence} of session {message.session}: no client sent {message.clordid.decode()}"
        elif request["11"] != message.clordid.decode() or not isinstance(message, COMMANDS[request["35"]]):
            yield f"command {command.sequence} is not the {request['35']} {request['11']} that {name} sent"
        elif isinstance(message, NewOrder):
            yield from _as_ordered(command.sequence, message, request, evidence)
    yield from _once("ClOrdID accepted", ((e.session, e.clordid.decode()) for e in _of(OrderAccepted, evidence.events)))


def _as_ordered(sequence: int, message: NewOrder, request: Fix, evidence: Evidence) -> Iterator[str]:
    """Side, quantity and price of a journaled order are what the client wrote."""
    listing = evidence.listings[message.instrument]
    if (str(message.side), Decimal(request["38"])) != (request["54"], _quantity(message.quantity_lots, listing)):
        yield f"command {sequence}: order {request['11']} has another side or quantity than its client sent"
    if "44" in request and Decimal(request["44"]) != _price(message.price_ticks, listing):
        yield f"command {sequence}: order {request['11']} has another price than its client sent"


# ---- reports ----


def report_ids(events: Iterable[AnyMessage]) -> dict[int, dict[str, AnyMessage]]:
    """By session: the report that each event owes it, by ExecID or ReportID, in order."""
    owed: dict[int, dict[str, AnyMessage]] = defaultdict(dict)
    for event in events:
        if isinstance(event, Trade):
            owed[event.maker_session][f"{event.epoch}-{event.sequence}M"] = event
            owed[event.taker_session][f"{event.epoch}-{event.sequence}T"] = event
        elif isinstance(event, Reported):
            owed[event.session][f"{event.epoch}-{event.sequence}"] = event
    return owed


def report_id(message: Fix) -> str:
    """ExecID of an Execution Report, ReportID of anything else; empty when there is none."""
    return message.get("17", "") if message["35"] == "8" else message.get("20001", "")


def _own(identity: str) -> bool:
    """Whether the gateway itself made it: a refusal (R) or the answer to a status request (S)."""
    return identity[:1] in ("", "R", "S")


def acknowledged_and_lost(clients: Iterable[Client], events: Iterable[AnyMessage]) -> list[str]:
    """What clients were told that no event of the engine says, now that this is all the engine has."""
    owed = report_ids(events)
    return [line for client in clients for line in _unknown(client, owed[client.session])]


def _unknown(client: Client, owed: dict[str, AnyMessage]) -> Iterator[str]:
    for identity in dict.fromkeys(map(report_id, client.received)):
        if not _own(identity) and identity not in owed:
            yield f"{client.name}: got {identity}, which no event of the engine is"


def _reports(evidence: Evidence) -> Iterator[str]:
    """Every report that the events owe a client reached it, says what the event says, and nothing else did."""
    owed = report_ids(evidence.events)
    refused = {(c.session, identity) for c in evidence.clients for identity in map(report_id, c.received)}
    for client in evidence.clients:
        got: dict[str, Fix] = {}
        for message in client.received:
            if not _own(report_id(message)):
                got.setdefault(report_id(message), message)
        mine = owed.get(client.session, {})
        for missing in mine.keys() - got.keys():
            yield f"{client.name}: never got {type(mine[missing]).__name__} {missing}"
        yield from _unknown(client, mine)
        order = [identity for identity in got if identity in mine]
        if order != sorted(order, key=lambda identity: int(identity.split("-")[1].rstrip("MT"))):
            yield f"{client.name}: reports came in another order than their events"
        for identity in order:
            yield from (
                f"{client.name}: {line}" for line in _content(identity, got[identity], mine[identity], evidence)
            )
    for command in evidence.commands:
        applied = command.message
        if isinstance(applied, ClientCommand):
            refusal = f"R{applied.session_epoch}-{applied.client_seq}"
            if (applied.session, refusal) in refused:
                yield f"command {command.sequence} was applied, and {refusal} refused it to session {applied.session}"


def _content(identity: str, message: Fix, event: AnyMessage, evidence: Evidence) -> Iterator[str]:
    """What a report says against its event."""
    kind, exec_types = TOLD_AS[type(event)]
    if message["35"] != kind or message.get("150", "") not in exec_types:
        told = f"{message['35']} {message.get('150', '')}".strip()
        yield f"report {identity} is told as {told}, its event is {type(event).__name__}"
        return
    if isinstance(event, Trade):
        listing = evidence.listings[event.instrument]
        maker = identity.endswith("M")
        order_id = event.maker_order_id if maker else event.taker_order_id
        leaves = event.maker_leaves_lots if maker else event.taker_leaves_lots
        said = message["37"], Decimal(message["32"]), Decimal(message["31"]), Decimal(message["151"])
        is_so = (
            str(order_id),
            _quantity(event.quantity_lots, listing),
            _price(event.price_ticks, listing),
            _quantity(leaves, listing),
        )
        if said != is_so:
            yield f"fill {identity} says {said}, the event {is_so}"
    elif isinstance(event, Reported):
        # A report of what the venue did to an order bears the order's present ClOrdID, which the event may not name.
        if message.get("11", "") != event.clordid.decode() and event.clordid:
            yield f"report {identity} is about {message.get('11')}, the event about {event.clordid.decode()}"
        if isinstance(event, Changed) and message["37"] != str(event.order_id):
            yield f"report {identity} is of order {message['37']}, its event of {event.order_id}"
        if isinstance(event, OrderAccepted):
            listing = evidence.listings[event.instrument]
            if (message["37"], Decimal(message["38"])) != (
                str(event.order_id),
                _quantity(event.quantity_lots, listing),
            ):
                yield f"report {identity} is of another order or quantity than its event"


def _verdicts(client: Client) -> Iterator[str]:
    """Every request has exactly one verdict, and every verdict a request."""
    asked = {request["11"]: request for request in client.requests}
    numbers = {request["34"]: request["11"] for request in client.requests}
    verdicts: dict[str, set[str]] = {clordid: set() for clordid in asked}
    for message in client.received:
        clordid = _verdict_on(message, asked, numbers)
        if clordid is None:
            continue
        if clordid not in verdicts:
            yield f"verdict {report_id(message)} on {clordid}, which it never sent"
            continue
        verdicts[clordid].add(report_id(message) or f"reject {message.get('34')}")
    silent = [clordid for clordid, ids in verdicts.items() if not ids]
    if silent:
        yield f"no verdict on {len(silent)}: {', '.join(silent[:SHOWN_MAX])}"
    for clordid, ids in verdicts.items():
        if len(ids) > 1:
            yield f"{len(ids)} verdicts on {clordid}: {', '.join(sorted(ids))}"


def _verdict_on(message: Fix, asked: dict[str, Fix], numbers: dict[str, str]) -> str | None:
    """ClOrdID of the request that a message is the verdict on."""
    kind = message["35"]
    if kind in ("9", "r"):
        return message["11"]
    if kind == "j":
        return message.get("379") or numbers.get(message.get("45", ""))
    if kind == "3":
        return numbers.get(message.get("45", ""))
    if kind != "8" or message["150"] in ("F", "I"):
        return None
    clordid = message.get("11", "")
    request = asked.get(clordid)
    if request is None:
        return clordid if message["150"] in ("0", "8") else None
    return clordid if message["150"] in VERDICTS[request["35"]] else None


def _repeats(client: Client) -> Iterator[str]:
    """What comes again under the same id says the same, and says that it may be a repetition."""
    first: dict[str, Fix] = {}
    for message in client.received:
        identity = report_id(message)
        if not identity or identity.startswith("S"):
            continue
        earlier = first.setdefault(identity, message)
        if earlier is message:
            continue
        if "Y" not in (message.get("43"), message.get("97")):
            yield f"{identity} came twice, as {earlier['34']} and {message['34']}, without PossDup or PossResend"
        if _body(earlier) != _body(message):
            yield f"{identity} came with two contents, as {earlier['34']} and {message['34']}"


def _body(message: Fix) -> Fix:
    return {tag: value for tag, value in message.items() if tag not in TRANSPORT_TAGS}


def _arithmetic(client: Client) -> Iterator[str]:
    """CumQty is the sum of the fills told so far, and OrderQty = CumQty + LeavesQty while an order is open."""
    cum: defaultdict[str, Decimal] = defaultdict(Decimal)
    seen: set[str] = set()
    for message in client.received:
        identity = report_id(message)
        if message["35"] != "8" or message["37"] == "NONE" or _own(identity) or identity in seen:
            continue
        seen.add(identity)
        order = message["37"]
        if message["150"] == "F":
            cum[order] += Decimal(message["32"])
        told, leaves, quantity = (Decimal(message[tag]) for tag in ("14", "151", "38"))
        if told != cum[order]:
            yield f"{identity}: CumQty {told} of order {order}, its fills sum to {cum[order]}"
            cum[order] = told
        if message["39"] in OPEN and quantity != told + leaves:
            yield f"{identity}: OrderQty {quantity} is not CumQty {told} + LeavesQty {leaves}"
        if message["39"] not in OPEN and leaves:
            yield f"{identity}: order {order} ended as {message['39']} with LeavesQty {leaves}"


def _statuses(client: Client) -> Iterator[str]:
    """The answer to a status request is the order as the reports before it left it."""
    known: dict[str, Fix] = {}
    newest: dict[str, str] = {}  # ClOrdID to OrderID
    seen: set[str] = set()
    for message in client.received:
        identity = report_id(message)
        if message["35"] != "8":
            continue
        if message["150"] != "I":
            if identity in seen:
                continue
            seen.add(identity)
            if message["37"] != "NONE":
                known[message["37"]] = message
                newest[message["11"]] = message["37"]
            continue
        if message["37"] == "NONE":
            if message["11"] in newest and message["103"] == "5" and known[newest[message["11"]]]["39"] in OPEN:
                yield f"status of {message['11']}: unknown, but its last report says it is open"
            continue
        last = known.get(message["37"])
        if last is None:
            yield f"status of {message['11']}: order {message['37']} was never reported"
        elif any(Decimal(last[tag]) != Decimal(message[tag]) for tag in ("14", "151")) or last["39"] != message["39"]:
            said, reported = ([one[tag] for tag in ("39", "14", "151")] for one in (message, last))
            yield f"status of {message['11']} is {said}, its last report {report_id(last)} says {reported}"


def _both_sides(evidence: Evidence) -> Iterator[str]:
    """By the clients' records alone: both sides were told of each trade, with the same instrument, price, quantity."""
    legs: defaultdict[str, dict[str, tuple[str, Fix]]] = defaultdict(dict)
    for client in evidence.clients:
        for message in client.received:
            if message["35"] == "8" and message["150"] == "F":
                identity = message["17"]
                legs[identity[:-1]][identity[-1]] = client.name, message
    for trade, sides in legs.items():
        if set(sides) != {"M", "T"}:
            yield f"trade {trade}: only {', '.join(f'{name} ({leg})' for leg, (name, _) in sides.items())} was told"
            continue
        (_, maker), (_, taker) = sides["M"], sides["T"]
        if any(maker[tag] != taker[tag] for tag in ("31", "32", "55")) or maker["54"] == taker["54"]:
            yield f"trade {trade}: maker and taker were told different things"


# ---- books ----


def _books(evidence: Evidence) -> Iterator[str]:
    """A subscriber's books are the engine's, order by order and price by price; none is crossed."""
    day = Counter[int]()
    lots = Counter[int]()
    for trade in _of(Trade, evidence.events):
        day[trade.instrument] += 1
        lots[trade.instrument] += trade.quantity_lots
    for instrument, engine in evidence.books.items():
        feed = evidence.feed.get(instrument)
        if feed is None:
            yield f"instrument {instrument}: the feed has no book"
            continue
        for side, price in sorted({(o[0], o[1]) for o in (*engine, *feed.orders)}):
            theirs, ours = ([o for o in orders if o[:2] == (side, price)] for orders in (feed.orders, engine))
            if sum(o[2] for o in theirs) != sum(o[2] for o in ours):
                yield (
                    f"instrument {instrument} {Side(side).name} at {price}: feed {sum(o[2] for o in theirs)} lots, "
                    f"engine {sum(o[2] for o in ours)}"
                )
            elif theirs != ours:
                yield f"instrument {instrument} {Side(side).name} at {price}: other orders or priority in the feed"
        if (feed.trades, feed.volume_lots) != (day[instrument], lots[instrument]):
            told = f"{feed.trades} trades of {feed.volume_lots} lots"
            yield f"instrument {instrument}: feed {told}, engine {day[instrument]} of {lots[instrument]}"
        bids, asks = ([o[1] for o in engine if o[0] == side] for side in (Side.BUY, Side.SELL))
        if bids and asks and max(bids) >= min(asks):
            yield f"instrument {instrument}: the engine's book is crossed"
    if evidence.feed_crossed:
        yield f"the feed's books were crossed {evidence.feed_crossed} times"


def _feed_trades(evidence: Evidence) -> Iterator[str]:
    """The public tape has each trade once, as it was; all of them unless the subscriber took another snapshot."""
    yield from _once("trade on the feed", (trade[0] for trade in evidence.feed_trades))
    made = {
        trade.trade_id: (trade.instrument, trade.price_ticks, trade.quantity_lots)
        for trade in _of(Trade, evidence.events)
    }
    told = {trade[0]: trade[1:] for trade in evidence.feed_trades}
    for trade_id, terms in told.items():
        if made.get(trade_id) != terms:
            yield f"trade {trade_id} on the feed as {terms}, in the engine {made.get(trade_id)}"
    missing = sorted(made.keys() - told.keys())
    if missing and not evidence.feed_resynchronized:
        yield f"{len(missing)} trades never came on the feed: {missing[:SHOWN_MAX]}"


# ---- money ----


def _money(evidence: Evidence) -> Iterator[str]:
    """Deposits and trades give the balances; engine, ledger and vault hold them, and no unit more in all."""
    expected: defaultdict[Pair, int] = defaultdict(int)
    credited: Counter[Pair] = Counter()
    for event in evidence.events:
        if isinstance(event, Credited):
            credited[event.account, event.asset] += event.amount_units
            expected[event.account, event.asset] += event.amount_units
        elif isinstance(event, Trade):
            _add_trade(event, evidence.listings[event.instrument], expected, evidence.fee_account)
        elif isinstance(event, TradeBusted | Transferred):
            yield f"event {event.sequence}: the load neither busts nor transfers"
    yield from _same_money("credits", dict(credited), "deposits on chain", evidence.deposits)
    yield from _same_money("engine", evidence.engine, "deposits and trades", expected)
    yield from _same_money("ledger", evidence.ledger, "engine", evidence.engine)
    yield from _same_money("vault", evidence.vault, "ledger", evidence.ledger)
    totals: Counter[int] = Counter()
    for (_, asset), amount in evidence.engine.items():
        totals[asset] += amount
    for (_, asset), amount in evidence.deposits.items():
        totals[asset] -= amount
    for asset, surplus in totals.items():
        if surplus:
            yield f"asset {asset}: {surplus:+} units beside what was deposited"
    yield from _positions(evidence)
    yield from _checkpoints(evidence)


def _same_money(what: str, left: dict[Pair, int], other: str, right: dict[Pair, int]) -> Iterator[str]:
    for pair in sorted(left.keys() | right.keys()):
        if left.get(pair, 0) != right.get(pair, 0):
            account, asset = pair
            amounts = f"{left.get(pair, 0)} units by {what}, {right.get(pair, 0)} by {other}"
            yield f"account {account}, asset {asset}: {amounts}"


def _add_trade(trade: Trade, listing: InstrumentDefined, money: defaultdict[Pair, int], fee_account: int) -> None:
    base_units = trade.quantity_lots * listing.lot_units
    notional = trade.price_ticks * trade.quantity_lots * listing.tick_units
    maker_sign = -1 if trade.taker_side == Side.BUY else 1
    for account, sign, fee in (
        (trade.maker_account, maker_sign, trade.maker_fee_units),
        (trade.taker_account, -maker_sign, trade.taker_fee_units),
    ):
        money[account, listing.base] += sign * base_units
        money[account, listing.quote] -= sign * notional + fee
        money[fee_account, listing.quote] += fee


def _positions(evidence: Evidence) -> Iterator[str]:
    """What a client's own fills make of its deposits is what the engine says it has."""
    listings = {listing.symbol.decode(): listing for listing in evidence.listings.values()}
    decimals = {asset.asset: asset.decimals for asset in _of(AssetDefined, evidence.events)}
    for client in evidence.clients:
        mine = defaultdict(int, {pair: n for pair, n in evidence.deposits.items() if pair[0] == client.account})
        fills = {m["17"]: m for m in client.received if m["35"] == "8" and m["150"] == "F"}
        for identity, fill in fills.items():
            listing = listings[fill["55"]]
            sign = 1 if fill["54"] == "1" else -1
            base = units(Decimal(fill["32"]), decimals[listing.base])
            quote = units(Decimal(fill["32"]) * Decimal(fill["31"]), decimals[listing.quote])
            fee = units(Decimal(fill.get("137", "0")), decimals[listing.quote])
            if base is None or quote is None or fee is None:
                yield f"{client.name}: fill {identity} is finer than a unit"
                continue
            mine[client.account, listing.base] += sign * base
            mine[client.account, listing.quote] -= sign * quote + fee
        theirs = {pair: amount for pair, amount in evidence.engine.items() if pair[0] == client.account}
        yield from _same_money(f"{client.name}'s own fills", dict(mine), "engine", theirs)


def _checkpoints(evidence: Evidence) -> Iterator[str]:
    """At each checkpoint the engine said what deposits and trades until then give."""
    money: defaultdict[Pair, int] = defaultdict(int)
    said: dict[Pair, int] = {}
    for event in evidence.events:
        if isinstance(event, Credited):
            money[event.account, event.asset] += event.amount_units
        elif isinstance(event, Trade):
            _add_trade(event, evidence.listings[event.instrument], money, evidence.fee_account)
        elif isinstance(event, CheckpointBalance):
            said[event.account, event.asset] = event.available_units + event.reserved_units
        elif isinstance(event, CheckpointEnded):
            yield from _same_money(f"checkpoint {event.checkpoint}", said, "deposits and trades", money)
            said = {}


def _fills_of_the_ledger(evidence: Evidence) -> Iterator[str]:
    """The ledger has each trade once, as it was made."""
    made = {
        trade.sequence: Fill(
            trade.sequence,
            trade.instrument,
            trade.maker_account,
            trade.taker_account,
            trade.price_ticks,
            trade.quantity_lots,
        )
        for trade in _of(Trade, evidence.events)
    }
    yield from _once("fill in the ledger", (fill.sequence for fill in evidence.ledger_fills))
    booked = {fill.sequence: fill for fill in evidence.ledger_fills}
    for sequence in sorted(made.keys() | booked.keys()):
        if made.get(sequence) != booked.get(sequence):
            yield f"trade {sequence}: engine {made.get(sequence)}, ledger {booked.get(sequence)}"


# ---- what several of them need ----


def _of(kind: type[Kind], events: Iterable[AnyMessage]) -> Iterator[Kind]:
    return (event for event in events if isinstance(event, kind))


def _once(what: str, ids: Iterable[object]) -> Iterator[str]:
    for identity, count in Counter(ids).items():
        if count > 1:
            yield f"{what} {count} times: {identity}"


def _price(ticks: int, listing: InstrumentDefined) -> Decimal:
    return Decimal(ticks * listing.tick_mantissa).scaleb(-listing.tick_exponent)


def _quantity(lots: int, listing: InstrumentDefined) -> Decimal:
    return Decimal(lots * listing.lot_mantissa).scaleb(-listing.lot_exponent)
