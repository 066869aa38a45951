"""The whole feed against the reference core: whatever the network does, a subscriber's books end up equal to the
core's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any, get_args

import pytest
import zmq

from engine.core import Core
from engine.wire.messages import Side, decode
from mdfeed.book import LAST_IN_TRANSACTION, FeedMessage
from mdfeed.daemon import Feed
from mdfeed.packets import PACKET_MAX
from mdfeed.publisher import Event
from mdfeed.receiver import Resynchronized, Status, Transaction
from tests.fixtures.fix_mdfeed import (
    CHANNEL,
    Subscriber,
    Venue,
    books_of_market,
    details_of_core,
    details_of_market,
    everything_of,
    heartbeat,
    messages_of,
    packet,
    publish,
    shuffled,
)
from tests.property.commands import CAPACITY

STEPS = 2_500
EVENT_SEEDS = range(20, 26)
SEEDS = (11, 12, 13)


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    """Sockets of one test."""
    with zmq.Context[Any]() as context:
        yield context


@pytest.mark.parametrize("seed", SEEDS)
def test_books_equal_the_cores_after_every_transaction(context: zmq.Context[Any], seed: int) -> None:
    """A subscriber from message 1 has the core's books and states after every command, each as one transaction."""
    venue, feed = Venue(seed), Feed(CHANNEL, 10_000)
    subscriber = Subscriber(context, feed)
    kinds = set()
    for events in venue.steps(STEPS):
        bodies = publish(feed, events)
        seen = subscriber.deliver(*(packet(feed, body) for body in bodies))
        seen += subscriber.recover() if subscriber.receiver.status is Status.JOINING and bodies else []
        transactions = [event for event in seen if isinstance(event, Transaction)]
        assert len(transactions) <= 1, "one command, one transaction"
        for transaction in transactions:
            kinds |= {type(message).__name__ for message in transaction.messages}
            flags = [message.flags for message in transaction.messages]
            assert flags == [0] * (len(flags) - 1) + [LAST_IN_TRANSACTION]
        if subscriber.receiver.session_id is not None:
            market = subscriber.receiver.market
            assert books_of_market(market) == venue.books()
            assert details_of_market(market, venue.tick_units) == details_of_core(venue.core)
            assert market.state == venue.core.venue_state
            assert market.day == venue.core.day or venue.core.pending, "a day is over with the last part of its end"
            assert market.epoch == venue.core.epoch
            assert everything_of(market) == everything_of(feed.market)
    subscriber.close()
    print(sorted(venue.reached.items()))
    assert kinds >= {"OrderAdd", "OrderModify", "OrderExecute", "OrderDelete", "Trade", "TradingStatus"}
    assert kinds >= {"InstrumentPhase", "AuctionUncrossed", "ReferencePrice"}


@pytest.mark.parametrize("seed", SEEDS)
def test_books_equal_the_c_cores_visible_books(seed: int) -> None:
    """Made from the C core's events, the books hold what the C core shows: same orders, places and visible lots."""
    venue, feed, core = Venue(seed), Feed(CHANNEL, 100), Core(CAPACITY)
    for _ in venue.steps(STEPS):
        events = [decode(message) for message in core.apply(*venue.applied)]
        publish(feed, events)  # type: ignore[arg-type]
        for number, book in feed.market.books.items():
            shown = [
                (venue.public_ids.get(order.order_id, order.order_id), order.price_ticks, order.displayed_lots)
                for side in (Side.BUY, Side.SELL)
                for order in core.book(number, side)
            ]
            assert [(o.order_id, o.price_ticks, o.quantity_lots) for o in book.orders()] == shown
    assert books_of_market(feed.market) == venue.books()


def test_every_kind_of_event_is_reached() -> None:
    """The random commands bring about every event of the engine and every message of the sequence."""
    reached: Counter[str] = Counter()
    made: Counter[str] = Counter()
    for seed in EVENT_SEEDS:
        venue, feed = Venue(seed), Feed(CHANNEL, 100)
        for events in venue.steps(STEPS):
            for body in publish(feed, events):
                made.update(type(message).__name__ for message in messages_of(body))
        reached += venue.reached
    print(sorted(reached.items()), sorted(made.items()))
    assert {kind.__name__ for kind in get_args(Event)} == set(reached)
    assert {kind.__name__ for kind in get_args(FeedMessage)} == set(made)


@pytest.mark.parametrize("seed", SEEDS)
def test_loss_repetition_reordering_and_damage_heal(context: zmq.Context[Any], seed: int) -> None:
    """With a tenth of packets lost and many late, twice or damaged, the books equal the core's again after recovery."""
    venue, feed, random = Venue(seed), Feed(CHANNEL, 30), Random(seed)
    subscriber = Subscriber(context, feed)
    packets: list[bytes] = []
    trades = 0
    for number, events in enumerate(venue.steps(STEPS), 1):
        packets += [packet(feed, body) for body in publish(feed, events)]
        if number % 97 == 0:
            seen = subscriber.deliver(*shuffled(random, packets, loss=0.1), heartbeat(feed))
            seen += subscriber.recover()
            trades += sum(isinstance(event, Transaction) for event in seen)
            packets = []
            assert subscriber.receiver.status is Status.LIVE
            assert books_of_market(subscriber.receiver.market) == venue.books()
            assert everything_of(subscriber.receiver.market) == everything_of(feed.market)
            assert subscriber.receiver.market.sequence == feed.state.sequence
    subscriber.close()
    statistics = subscriber.receiver.statistics
    print(statistics)
    assert min(statistics.gaps, statistics.duplicates, statistics.corrupt, statistics.replays) > 0
    assert statistics.snapshots > 1, "a hole older than the publisher's history needs a snapshot"
    assert statistics.book_errors == 0 and trades > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_restarted_publisher_gives_the_same_bytes_per_sequence(seed: int) -> None:
    """Another publisher, reading the same events in other portions, has the same session and message bytes."""
    random = Random(seed)
    steps = list(Venue(seed).steps(STEPS))
    first, second = Feed(CHANNEL, 100_000), Feed(CHANNEL, 100_000)
    events = [event for step in steps for event in step]
    bodies = [body for step in steps for body in publish(first, step)]
    again = []
    while events:
        size = random.randrange(1, 400)
        again += publish(second, events[:size])
        events = events[size:]
    assert first.line == second.line
    assert first.chain == second.chain != 0
    assert b"".join(body.entries for body in bodies) == b"".join(body.entries for body in again)
    assert len(again) < len(bodies), "larger portions make fuller packets"
    assert all(len(packet(second, body)) <= PACKET_MAX for body in again)


def test_a_late_joiner_starts_from_a_snapshot(context: zmq.Context[Any]) -> None:
    """Joining in the middle takes one snapshot, applies what was buffered behind it, and goes on live."""
    venue, feed = Venue(5), Feed(CHANNEL, 10)
    for events in venue.steps(1_500):
        publish(feed, events)
    subscriber = Subscriber(context, feed)
    assert subscriber.deliver(heartbeat(feed)) == []
    snapshot_at = feed.state.sequence
    seen = subscriber.recover()
    assert Resynchronized(subscriber.receiver.session_id or 0, snapshot_at) in seen
    for events in venue.steps(500):
        subscriber.deliver(*(packet(feed, body) for body in publish(feed, events)))
        assert books_of_market(subscriber.receiver.market) == venue.books()
    subscriber.close()
    assert subscriber.receiver.statistics.snapshots == 1
    assert subscriber.receiver.statistics.replays == 0


def test_another_history_is_another_session_and_gets_a_snapshot(context: zmq.Context[Any]) -> None:
    """When the session id changes, the subscriber drops everything and takes a snapshot of the new session."""
    old, new = Venue(1), Venue(2)
    feed = Feed(CHANNEL, 100)
    for events in old.steps(800):
        publish(feed, events)
    subscriber = Subscriber(context, feed)
    subscriber.deliver(heartbeat(feed))
    subscriber.recover()
    replaced = Feed(CHANNEL, 100)
    for events in new.steps(300):
        publish(replaced, events, salt=1)
    subscriber.move(replaced)
    subscriber.deliver(heartbeat(replaced))
    assert subscriber.receiver.status is Status.JOINING
    subscriber.recover()
    assert books_of_market(subscriber.receiver.market) == new.books()
    assert subscriber.receiver.statistics.sessions == 1
    subscriber.close()
