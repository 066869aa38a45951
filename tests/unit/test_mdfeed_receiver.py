"""The receiver by itself: silence, damage, refusals and lost answers, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest

from engine.wire.messages import BY_TEMPLATE
from mdfeed.book import BookError
from mdfeed.daemon import Feed
from mdfeed.packets import SOURCE_LOST, Body, Line, entry, pack, read_message
from mdfeed.publisher import Event
from mdfeed.receiver import REPLAYS_BEFORE_SNAPSHOT, REQUEST_TIMEOUT_NS, Receiver, Status, StatusChanged
from mdfeed.schema.messages import (
    OrderDelete,
    PacketType,
    RejectReason,
    ReplayRequest,
    RequestCompleted,
    RequestRejected,
    SnapshotRequest,
)
from mdfeed.snapshot import Loader, dump
from tests.fixtures.fix_mdfeed import CHANNEL, STALE_AFTER_NS, Venue, heartbeat, packet, publish

SECOND = 10**9


def some_feed(steps: int = 700) -> Feed:
    """A feed of random events."""
    feed = Feed(CHANNEL, 10_000)
    for events in Venue(33).steps(steps):
        publish(feed, events)
    return feed


def answer_snapshot(receiver: Receiver, feed: Feed, request_id: int, now_ns: int, lose: int | None = None) -> None:
    """The whole answer to a SnapshotRequest, or all but one of its packets."""
    bodies = [Body(feed.market.sequence, b.count, b.entries) for b in pack(0, dump(feed.market))]
    for number, body in enumerate(bodies):
        if number != lose:
            receiver.answer(request_id, packet(feed, body, PacketType.SNAPSHOT), now_ns)
    completed = RequestCompleted(request_id, feed.market.sequence, feed.market.sequence, len(bodies))
    receiver.answer(request_id, answer_packet(feed, completed), now_ns)


def answer_packet(feed: Feed, message: RequestCompleted | RequestRejected) -> bytes:
    return packet(feed, Body(0, 1, entry(message.encode())), PacketType.ANSWER)


def status_of(receiver: Receiver) -> Status:
    """The status now, read anew each time."""
    return receiver.status


def joined(feed: Feed) -> Receiver:
    """A receiver that has just loaded a snapshot."""
    receiver = Receiver(CHANNEL, STALE_AFTER_NS, 0)
    receiver.packet(heartbeat(feed), 0)
    request = receiver.request(0)
    assert request == SnapshotRequest(1, 0).encode()
    answer_snapshot(receiver, feed, 1, 0)
    assert len(list(receiver.events(0))) == 2
    assert status_of(receiver) is Status.LIVE
    return receiver


def test_silence_makes_stale_and_a_heartbeat_ends_it() -> None:
    """Without packets the status is stale after the set time; the next packet makes it live again."""
    feed = some_feed()
    receiver = joined(feed)
    assert list(receiver.events(STALE_AFTER_NS)) == []
    assert list(receiver.events(STALE_AFTER_NS + 1)) == [StatusChanged(Status.STALE)]
    assert status_of(receiver) is Status.STALE
    receiver.packet(heartbeat(feed), STALE_AFTER_NS + 2)
    assert status_of(receiver) is Status.LIVE
    receiver.packet(heartbeat(feed, flags=SOURCE_LOST), STALE_AFTER_NS + 3)
    assert status_of(receiver) is Status.SOURCE_LOST
    receiver.packet(heartbeat(feed, PacketType.END_OF_SESSION), STALE_AFTER_NS + 4)
    assert status_of(receiver) is Status.ENDED


def test_a_heartbeat_reveals_a_lost_last_packet() -> None:
    """A hole at the very end is asked for as soon as a heartbeat shows it."""
    feed = some_feed()
    receiver = joined(feed)
    first = feed.state.sequence + 1
    for events in Venue(33).steps(760):
        if events and events[0].sequence > feed.state.event_sequence:
            publish(feed, events)
    receiver.packet(heartbeat(feed), 1)
    assert status_of(receiver) is Status.RECOVERING
    assert feed.line is not None
    request = receiver.request(1)
    assert request == ReplayRequest(2, feed.line.session_id, first, feed.state.sequence).encode()
    assert receiver.request(2) is None, "one request at a time"


def test_packets_of_others_change_nothing() -> None:
    """Another channel, an answer on the packet line and noise are counted and ignored."""
    feed = some_feed()
    receiver = joined(feed)
    assert feed.line is not None
    (body,) = pack(feed.history.next_sequence, [OrderDelete(1, 1, 1, 1, 1, 1).encode()])
    receiver.packet(Line(CHANNEL + 1, feed.line.session_id).packet(PacketType.INCREMENTAL, body, 0), 1)
    receiver.packet(packet(feed, body, PacketType.REPLAY), 1)
    receiver.packet(b"noise", 1)
    assert receiver.statistics.corrupt == 3
    assert status_of(receiver) is Status.LIVE
    assert receiver.request(1) is None


def test_a_lost_packet_of_a_snapshot_is_noticed_and_asked_again() -> None:
    """A snapshot with a packet missing is refused as a whole; after a pause the receiver asks again and joins."""
    feed = some_feed()
    receiver = Receiver(CHANNEL, STALE_AFTER_NS, 0)
    receiver.request(0)
    answer_snapshot(receiver, feed, 1, 0, lose=0)
    assert status_of(receiver) is Status.JOINING
    assert receiver.request(0) is None, "not at once"
    assert receiver.request(SECOND) == SnapshotRequest(2, 0).encode()
    answer_snapshot(receiver, feed, 1, SECOND)
    assert status_of(receiver) is Status.JOINING, "an answer to a request given up is ignored"
    answer_snapshot(receiver, feed, 2, SECOND)
    assert status_of(receiver) is Status.LIVE


def test_refusals_lead_to_a_pause_or_to_a_snapshot() -> None:
    """RateLimited waits and asks the same again; UseSnapshot asks for a snapshot."""
    feed = some_feed()
    receiver = joined(feed)
    ahead = heartbeat(feed)[:16] + (feed.state.sequence + 5).to_bytes(8, "little") + heartbeat(feed)[24:]
    receiver.packet(ahead, 1)
    first = receiver.request(1)
    assert first is not None
    receiver.answer(2, answer_packet(feed, RequestRejected(2, 1, 1, RejectReason.RATE_LIMITED)), 1)
    assert receiver.request(2) is None
    again = receiver.request(SECOND)
    assert again is not None and again[16:] == first[16:]
    receiver.answer(3, answer_packet(feed, RequestRejected(3, 1, 1, RejectReason.USE_SNAPSHOT)), SECOND)
    assert receiver.request(3 * SECOND) == SnapshotRequest(4, 0).encode()


def test_unanswered_replays_end_in_a_snapshot() -> None:
    """When replay after replay is lost, the receiver stops hoping and takes a snapshot."""
    feed = some_feed()
    receiver = joined(feed)
    ahead = heartbeat(feed)[:16] + (feed.state.sequence + 5).to_bytes(8, "little") + heartbeat(feed)[24:]
    now_ns = 1
    receiver.packet(ahead, now_ns)
    templates = []
    for _ in range(200):
        request = receiver.request(now_ns)
        if request is not None:
            templates.append(int.from_bytes(request[2:4], "little"))
        now_ns += REQUEST_TIMEOUT_NS // 4
    replay, snapshot = ReplayRequest.TEMPLATE_ID, SnapshotRequest.TEMPLATE_ID
    assert templates[: REPLAYS_BEFORE_SNAPSHOT + 1] == [replay] * REPLAYS_BEFORE_SNAPSHOT + [snapshot]
    assert set(templates[REPLAYS_BEFORE_SNAPSHOT:]) == {snapshot}


def test_a_message_that_contradicts_the_book_brings_a_snapshot() -> None:
    """A transaction that does not fit is not shown; the receiver drops the market and asks for a snapshot."""
    feed = some_feed()
    receiver = joined(feed)
    (body,) = pack(feed.history.next_sequence, [OrderDelete(1, 1, 1, 1, 1, 2**60).encode()])
    receiver.packet(packet(feed, body), 1)
    events = list(receiver.events(1))
    assert [type(event).__name__ for event in events] == ["StatusChanged"]
    assert receiver.statistics.book_errors == 1
    assert receiver.request(1) == SnapshotRequest(2, 0).encode()


@pytest.mark.parametrize("damage", ["drop", "swap", "repeat"])
def test_a_snapshot_that_is_not_whole_is_refused(damage: str) -> None:
    """Any one message missing, out of place or repeated in a snapshot is an error, never a silently wrong book."""
    messages = list(dump(some_feed().market))
    assert len(messages) > 12
    harm: dict[str, Callable[[int], list[bytes]]] = {
        "drop": lambda i: messages[:i] + messages[i + 1 :],
        "swap": lambda i: [*messages[:i], messages[i + 1], messages[i], *messages[i + 2 :]],
        "repeat": lambda i: messages[: i + 1] + messages[i:],
    }
    refused = 0
    for place in range(len(messages) - 1):
        loader = Loader()
        try:
            for message in harm[damage](place):
                loader.take(read_message(message))
            loader.market()
        except BookError:
            refused += 1
    neighbours_may_swap = {"swap": len(messages)}.get(damage, 0)
    assert refused >= len(messages) - 1 - neighbours_may_swap and refused > 5


def test_the_engine_has_no_event_that_the_feed_does_not_know() -> None:
    """Every event template of the internal schema is in the publisher's union: a new one is a decision."""
    assert {kind for template, kind in BY_TEMPLATE.items() if template >= 100} == set(get_args(Event))
