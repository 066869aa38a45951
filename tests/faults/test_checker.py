"""The checker of the fault rounds is known to be able to fail: each corruption of a good record is reported.

The good record is a real one: the whole venue traded for a moment and came to rest.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random

import pytest

from engine.wire.messages import CheckpointBalance, NewOrder, OrderAccepted, Trade
from tests.faults.checker import check, report_id
from tests.faults.evidence import Client, Evidence, FeedBook, Fix
from tests.faults.venue import FaultVenue

TRADES_MIN = 12
SEEDS = range(3)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """What all parties know of a venue that nothing has happened to."""
    with FaultVenue(tmp_path_factory.mktemp("good"), 1, print, {}) as venue:
        venue.start()
        venue.trade(40)

        def traded() -> bool:
            venue.records.read()
            return sum(isinstance(event, Trade) for event in venue.records.events) >= TRADES_MIN

        venue.until(traded, 60, "trades")
        venue.rest()
        return venue.evidence()


def copy_of(evidence: Evidence) -> Evidence:
    """One that can be spoiled: messages are values, what holds them is copied."""
    fresh = copy.copy(evidence)
    for name, value in vars(evidence).items():
        if name == "clients":
            value = copy.deepcopy(value)
        elif isinstance(value, list | dict):
            value = value.copy()
        setattr(fresh, name, value)
    return fresh


Spoil = Callable[[Evidence, Random], str]
SPOILED: dict[str, Spoil] = {}


def spoils(what: str) -> Callable[[Spoil], Spoil]:
    """Registers a corruption, which returns what the checker must say of it."""

    def register(spoil: Spoil) -> Spoil:
        SPOILED[what] = spoil
        return spoil

    return register


def some(evidence: Evidence, random: Random, wanted: Callable[[Fix], bool]) -> tuple[Client, Fix]:
    """A message that a client received, and the client."""
    found = [(client, message) for client in evidence.clients for message in client.received if wanted(message)]
    assert found, "the good record has such a message"
    return random.choice(found)


def is_fill(message: Fix) -> bool:
    return message.get("150") == "F"


def is_accepted(message: Fix) -> bool:
    return message.get("150") == "0"


@spoils("a fill that one side never heard of")
def _lost_fill(evidence: Evidence, random: Random) -> str:
    client, fill = some(evidence, random, is_fill)
    client.received.remove(fill)
    return f"{client.name}: never got Trade {fill['17']}"


@spoils("a fill that only one side has, by the clients' records alone")
def _one_sided_fill(evidence: Evidence, random: Random) -> str:
    client, fill = some(evidence, random, is_fill)
    client.received.remove(fill)
    return f"trade {fill['17'][:-1]}: only "


@spoils("a fill told twice as if it were two")
def _doubled_fill(evidence: Evidence, random: Random) -> str:
    client, fill = some(evidence, random, is_fill)
    client.received.append(fill | {"34": "99999"})
    return f"{fill['17']} came twice"


@spoils("a fill told again with other contents")
def _changed_repetition(evidence: Evidence, random: Random) -> str:
    client, fill = some(evidence, random, is_fill)
    client.received.append(fill | {"34": "99999", "43": "Y", "58": "other"})
    return f"{fill['17']} came with two contents"


@spoils("a fill at another price")
def _changed_price(evidence: Evidence, random: Random) -> str:
    _, fill = some(evidence, random, is_fill)
    fill["31"] += "1"
    return f"fill {fill['17']} says"


@spoils("a fill of another quantity")
def _changed_quantity(evidence: Evidence, random: Random) -> str:
    _, fill = some(evidence, random, is_fill)
    fill["32"] = "0.0001" if fill["32"] != "0.0001" else "0.0002"
    return f"{fill['17']}: CumQty"


@spoils("leaves that do not add up")
def _changed_leaves(evidence: Evidence, random: Random) -> str:
    _, report = some(evidence, random, lambda message: is_accepted(message) and message["39"] == "0")
    report["151"] += "1"
    return f"{report['17']}: OrderQty"


@spoils("a verdict that never came")
def _lost_verdict(evidence: Evidence, random: Random) -> str:
    client, report = some(evidence, random, is_accepted)
    client.received.remove(report)
    return f"{client.name}: no verdict on 1: {report['11']}"


@spoils("a second verdict on the same request")
def _second_verdict(evidence: Evidence, random: Random) -> str:
    client, report = some(evidence, random, is_accepted)
    client.received.append(report | {"17": "R1-1", "150": "8", "34": "99999"})
    return f"{client.name}: 2 verdicts on {report['11']}"


@spoils("a verdict on what nobody asked")
def _unasked_verdict(evidence: Evidence, random: Random) -> str:
    client, report = some(evidence, random, is_accepted)
    client.requests[:] = [request for request in client.requests if request["11"] != report["11"]]
    return f"on {report['11']}, which it never sent"


@spoils("a report that no event is behind")
def _invented_report(evidence: Evidence, random: Random) -> str:
    client, report = some(evidence, random, is_accepted)
    client.received.append(report | {"17": "1-999999", "34": "99999"})
    return "got 1-999999, which no event of the engine is"


@spoils("reports in another order than their events")
def _reordered(evidence: Evidence, random: Random) -> str:
    client = random.choice(evidence.clients)
    reports = [n for n, m in enumerate(client.received) if report_id(m)[:1] not in ("", "R", "S")]
    first, second = sorted(random.sample(reports, 2))
    client.received[first], client.received[second] = client.received[second], client.received[first]
    return f"{client.name}: reports came in another order"


@spoils("a cancel that did not happen")
def _invented_cancel(evidence: Evidence, random: Random) -> str:
    _, report = some(evidence, random, is_accepted)
    report |= {"150": "4", "39": "4", "151": "0"}
    return f"report {report['17']} is told as 8 4, its event is OrderAccepted"


@spoils("a change told of another order")
def _changed_order_id(evidence: Evidence, random: Random) -> str:
    _, report = some(evidence, random, lambda message: message.get("150") in ("4", "5"))
    order_id = report["37"]
    report["37"] = str(int(order_id) + 1)
    return f"report {report['17']} is of order {report['37']}, its event of {order_id}"


@spoils("an order status that contradicts the reports")
def _changed_status(evidence: Evidence, random: Random) -> str:
    client, report = some(evidence, random, is_accepted)
    last = [m for m in client.received if m.get("37") == report["37"]][-1]
    cum = str(float(last["14"]) + 1)
    client.received.append(last | {"17": "S1-9", "150": "I", "14": cum, "34": "99999"})
    return f"status of {last['11']} is"


@spoils("an order journaled twice")
def _doubled_order(evidence: Evidence, random: Random) -> str:
    orders = [command for command in evidence.commands if isinstance(command.message, NewOrder)]
    again = random.choice(orders)
    evidence.commands.append(again._replace(sequence=evidence.commands[-1].sequence + 1))
    return f"repeats command {again.sequence}"


@spoils("a ClOrdID accepted twice")
def _accepted_twice(evidence: Evidence, random: Random) -> str:
    accepted = random.choice([event for event in evidence.events if isinstance(event, OrderAccepted)])
    evidence.events.append(accepted._replace(sequence=len(evidence.events) + 1))
    return f"ClOrdID accepted 2 times: ({accepted.session}, '{accepted.clordid.decode()}')"


def _change_order(evidence: Evidence, random: Random, **values: int | bytes) -> int:
    """Changes a journaled order; returns its place."""
    places = [n for n, command in enumerate(evidence.commands) if isinstance(command.message, NewOrder)]
    place = random.choice(places)
    order = evidence.commands[place].message
    assert isinstance(order, NewOrder)
    changed = order._replace(**values)  # type: ignore[arg-type]
    evidence.commands[place] = evidence.commands[place]._replace(message=changed)
    return evidence.commands[place].sequence


@spoils("an order of a stale generation")
def _stale(evidence: Evidence, random: Random) -> str:
    sequence = _change_order(evidence, random, generation=999)
    return f"command {sequence} of session "


@spoils("an order that no client sent")
def _invented_order(evidence: Evidence, random: Random) -> str:
    sequence = _change_order(evidence, random, client_seq=99_999)
    return f"command {sequence} of session "


@spoils("an order journaled under another name")
def _renamed_order(evidence: Evidence, random: Random) -> str:
    return f"command {_change_order(evidence, random, clordid=b'other')} is not the D "


@spoils("an order journaled with another quantity")
def _changed_order(evidence: Evidence, random: Random) -> str:
    return f"command {_change_order(evidence, random, quantity_lots=77_777_777)}: order "


@spoils("an order that was refused and applied")
def _refused_and_applied(evidence: Evidence, random: Random) -> str:
    client, report = some(evidence, random, is_accepted)
    request = next(request for request in client.requests if request["11"] == report["11"])
    client.received.append(report | {"17": f"R1-{request['34']}", "150": "8", "34": "99999"})
    return f"was applied, and R1-{request['34']} refused it"


@spoils("an event that a live reader never saw")
def _lost_event(evidence: Evidence, random: Random) -> str:
    del evidence.tapped_bytes[random.randrange(len(evidence.tapped_bytes))]
    return "live stream: "


@spoils("an event that the journal holds otherwise than it follows from the commands")
def _changed_event(evidence: Evidence, random: Random) -> str:
    place = random.randrange(len(evidence.replayed_bytes))
    evidence.replayed_bytes[place] = evidence.replayed_bytes[place][:-1] + b"\xa5"
    return f"replay of the command journal: event {place + 1} "


@spoils("an event left out of the journal")
def _gap(evidence: Evidence, random: Random) -> str:
    place = random.randrange(len(evidence.events) - 1)
    del evidence.events[place]
    return f"event journal: event {place + 2} where {place + 1} belongs"


@spoils("another state hash by the reference")
def _changed_hash(evidence: Evidence, _random: Random) -> str:
    evidence.reference_hash = evidence.state_hash ^ 1
    return "state hash: core "


@spoils("another state hash in the journal")
def _journaled_hash(evidence: Evidence, _random: Random) -> str:
    evidence.journaled_hashes.append((7, 1, 2))
    return "state hash after command 7"


def _some_book(evidence: Evidence, random: Random) -> tuple[int, FeedBook]:
    return random.choice([(instrument, book) for instrument, book in evidence.feed.items() if book.orders])


@spoils("a level of the feed with another quantity")
def _changed_level(evidence: Evidence, random: Random) -> str:
    instrument, book = _some_book(evidence, random)
    place = random.randrange(len(book.orders))
    side, price, lots, order_id = book.orders[place]
    orders = [*book.orders[:place], (side, price, lots + 1, order_id), *book.orders[place + 1 :]]
    evidence.feed[instrument] = book._replace(orders=orders)
    return f"at {price}: feed "


@spoils("an order that the feed lacks")
def _lost_from_feed(evidence: Evidence, random: Random) -> str:
    instrument, book = _some_book(evidence, random)
    gone = random.choice(book.orders)
    evidence.feed[instrument] = book._replace(orders=[order for order in book.orders if order != gone])
    return f"at {gone[1]}: feed "


@spoils("an order that the feed calls otherwise")
def _renamed_in_feed(evidence: Evidence, random: Random) -> str:
    instrument, book = _some_book(evidence, random)
    side, price, lots, order_id = book.orders[0]
    evidence.feed[instrument] = book._replace(orders=[(side, price, lots, order_id + 1), *book.orders[1:]])
    return f"at {price}: other orders or priority in the feed"


@spoils("a day's volume that the feed counts otherwise")
def _changed_volume(evidence: Evidence, random: Random) -> str:
    instrument, book = random.choice(sorted(evidence.feed.items()))
    evidence.feed[instrument] = book._replace(volume_lots=book.volume_lots + 1)
    return f"instrument {instrument}: feed "


@spoils("a crossed book")
def _crossed(evidence: Evidence, random: Random) -> str:
    instrument = random.choice(sorted(evidence.books))
    evidence.books[instrument] = [(1, 500, 1, 1), (2, 400, 1, 2)]
    return f"instrument {instrument}: the engine's book is crossed"


@spoils("a trade told twice on the feed")
def _doubled_public_trade(evidence: Evidence, random: Random) -> str:
    again = random.choice(evidence.feed_trades)
    evidence.feed_trades.append(again)
    return f"trade on the feed 2 times: {again[0]}"


@spoils("a trade at another price on the feed")
def _changed_public_trade(evidence: Evidence, random: Random) -> str:
    place = random.randrange(len(evidence.feed_trades))
    trade_id, instrument, price, lots = evidence.feed_trades[place]
    evidence.feed_trades[place] = (trade_id, instrument, price + 1, lots)
    return f"trade {trade_id} on the feed as "


@spoils("a trade that the feed never told")
def _lost_public_trade(evidence: Evidence, random: Random) -> str:
    gone = evidence.feed_trades.pop(random.randrange(1, len(evidence.feed_trades)))
    return f"1 trades never came on the feed: [{gone[0]}]"


def _more(money: dict[tuple[int, int], int], random: Random) -> str:
    account, asset = random.choice(sorted(money))
    money[account, asset] += 1
    return f"account {account}, asset {asset}: "


@spoils("a unit too much in the engine")
def _engine_balance(evidence: Evidence, random: Random) -> str:
    return _more(evidence.engine, random)


@spoils("a unit too much in the ledger")
def _ledger_balance(evidence: Evidence, random: Random) -> str:
    return _more(evidence.ledger, random)


@spoils("a unit too much in the vault")
def _vault_balance(evidence: Evidence, random: Random) -> str:
    return _more(evidence.vault, random)


@spoils("a unit from nowhere that engine, ledger and vault agree on")
def _created(evidence: Evidence, random: Random) -> str:
    pair = random.choice(sorted(evidence.deposits))
    for money in (evidence.engine, evidence.ledger, evidence.vault):
        money[pair] += 1
    return f"asset {pair[1]}: +1 units beside what was deposited"


@spoils("a deposit that was never credited")
def _lost_deposit(evidence: Evidence, random: Random) -> str:
    return _more(evidence.deposits, random)


@spoils("a fee that a client was charged beside what the engine took")
def _changed_fee(evidence: Evidence, random: Random) -> str:
    client, fill = some(evidence, random, lambda message: is_fill(message) and "137" in message)
    fill["137"] = str(float(fill["137"]) + 1)
    return f"units by {client.name}'s own fills"


@spoils("a checkpoint that differs")
def _changed_checkpoint(evidence: Evidence, random: Random) -> str:
    places = [n for n, event in enumerate(evidence.events) if isinstance(event, CheckpointBalance)]
    place = random.choice(places)
    balance = evidence.events[place]
    assert isinstance(balance, CheckpointBalance)
    evidence.events[place] = balance._replace(available_units=balance.available_units + 1)
    return f"account {balance.account}, asset {balance.asset}: "


@spoils("a trade that the ledger lacks")
def _lost_posting(evidence: Evidence, random: Random) -> str:
    gone = evidence.ledger_fills.pop(random.randrange(len(evidence.ledger_fills)))
    return f"trade {gone.sequence}: engine "


@spoils("a trade that the ledger has twice")
def _doubled_posting(evidence: Evidence, random: Random) -> str:
    again = random.choice(evidence.ledger_fills)
    evidence.ledger_fills.append(again)
    return f"fill in the ledger 2 times: {again.sequence}"


def test_a_venue_that_nothing_has_happened_to_has_no_violation(good: Evidence) -> None:
    """The real record is good, and holds what the corruptions below need."""
    assert check(copy_of(good)) == []
    assert sum(isinstance(event, Trade) for event in good.events) >= TRADES_MIN
    assert all(client.requests and client.received for client in good.clients)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("what", SPOILED)
def test_the_checker_reports_each_corruption_of_a_good_record(good: Evidence, what: str, seed: int) -> None:
    """A record with one thing wrong is never called good, and what is wrong is named."""
    spoiled = copy_of(good)
    expected = SPOILED[what](spoiled, Random(f"{what} {seed}"))
    violations = check(spoiled)
    assert any(expected in line for line in violations), f"{what}: expected {expected!r} in {violations}"
