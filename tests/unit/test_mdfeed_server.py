"""The request server over real sockets: every bound holds and every refusal says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import zmq

from mdfeed import server
from mdfeed.daemon import Feed
from mdfeed.packets import Packet, read, read_message
from mdfeed.schema.messages import (
    PacketType,
    RejectReason,
    ReplayRequest,
    RequestCompleted,
    RequestRejected,
    SnapshotRequest,
)
from tests.fixtures.fix_mdfeed import CHANNEL, Venue, publish


class Desk:
    """A server with a feed of real events behind it, and a client."""

    def __init__(self, context: zmq.Context[Any], packets_max: int = 1_000, rate_per_s: int = 10_000) -> None:
        self.feed = Feed(CHANNEL, packets_max)
        for events in Venue(21).steps(900):
            publish(self.feed, events)
        assert self.feed.line is not None
        self.counts: dict[str, int] = {}
        self.router = context.socket(zmq.ROUTER)
        self.router.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self.router.setsockopt(zmq.SNDHWM, 10)
        self.router.bind(f"inproc://desk-{id(self)}")
        self.client = self.connect(context)
        self.server = server.RequestServer(
            self.router, self.feed.line, self.feed.market, self.feed.history, rate_per_s, self._count
        )

    def connect(self, context: zmq.Context[Any]) -> zmq.Socket[bytes]:
        client: zmq.Socket[bytes] = context.socket(zmq.DEALER)
        client.setsockopt(zmq.RCVHWM, 10)
        client.connect(f"inproc://desk-{id(self)}")
        return client

    def _count(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1

    def ask(self, request: bytes) -> list[Packet]:
        """Sends a request and takes the whole answer."""
        self.client.send(request)
        self.router.poll(5_000)
        packets: list[Packet] = []
        while not packets or packets[-1].type != PacketType.ANSWER:
            self.server.turn()
            while self.client.poll(0):
                packets.append(read(self.client.recv_multipart()[1]))
        return packets

    def refusal(self, request: bytes) -> RequestRejected:
        """The only packet of a refusal."""
        (packet,) = self.ask(request)
        message = read_message(packet.messages[0])
        assert isinstance(message, RequestRejected)
        return message

    def replay(self, first: int, last: int, session_id: int | None = None) -> bytes:
        assert self.feed.line is not None
        return ReplayRequest(5, session_id or self.feed.line.session_id, first, last).encode()

    def close(self) -> None:
        self.router.close(0)
        self.client.close(0)


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    """Sockets of one test."""
    with zmq.Context[Any]() as context:
        yield context


@pytest.fixture
def desk(context: zmq.Context[Any]) -> Iterator[Desk]:
    """A server that holds all of the feed."""
    desk = Desk(context)
    yield desk
    desk.close()


def test_a_replay_gives_the_asked_messages_and_says_which(desk: Desk) -> None:
    """The answer covers the range with the history's own messages and ends with what was served."""
    packets = desk.ask(desk.replay(10, 40))
    assert [packet.type for packet in packets[:-1]] == [PacketType.REPLAY] * (len(packets) - 1)
    sequences = [n for p in packets[:-1] for n in range(p.first_sequence, p.first_sequence + len(p.messages))]
    assert sequences == list(range(sequences[0], sequences[-1] + 1))
    assert sequences[0] <= 10 and sequences[-1] >= 40
    completed = read_message(packets[-1].messages[0])
    assert completed == RequestCompleted(5, sequences[0], sequences[-1], len(packets) - 1)


def test_a_replay_is_bounded_and_the_rest_can_be_asked_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request for everything gets the first packets only; asking on from there ends with everything."""
    monkeypatch.setattr(server, "REPLAY_PACKETS_PER_REQUEST", 7)
    last = desk.feed.state.sequence
    next_sequence, answers = 1, 0
    while next_sequence <= last:
        packets = desk.ask(desk.replay(next_sequence, last))
        assert 1 < len(packets) <= 8
        completed = read_message(packets[-1].messages[0])
        assert isinstance(completed, RequestCompleted) and completed.last_sequence >= next_sequence
        next_sequence = completed.last_sequence + 1
        answers += 1
    assert answers > 3


def test_wrong_requests_are_refused_with_the_reason(desk: Desk, context: zmq.Context[Any]) -> None:
    """Each kind of wrong request has its reason; the refusal says what could be had."""
    last = desk.feed.state.sequence
    assert desk.refusal(b"").reason == RejectReason.MALFORMED
    assert desk.refusal(desk.replay(1, 2)[:-1]).reason == RejectReason.MALFORMED
    assert desk.refusal(desk.replay(1, 2) + b"\0").reason == RejectReason.MALFORMED
    assert desk.refusal(RequestCompleted(1, 1, 1, 1).encode()).reason == RejectReason.MALFORMED
    assert desk.refusal(desk.replay(1, 2, session_id=99)).reason == RejectReason.WRONG_SESSION
    assert desk.refusal(desk.replay(0, 2)).reason == RejectReason.INVALID_RANGE
    assert desk.refusal(desk.replay(3, 2)).reason == RejectReason.INVALID_RANGE
    assert desk.refusal(desk.replay(1, last + 1)).reason == RejectReason.INVALID_RANGE
    assert desk.refusal(desk.replay(1, 2**64 - 1)).reason == RejectReason.INVALID_RANGE
    assert desk.refusal(SnapshotRequest(1, 77).encode()).reason == RejectReason.UNKNOWN_INSTRUMENT
    assert desk.counts["requests_malformed"] == 4
    short = Desk(context, packets_max=5)
    refused = short.refusal(short.replay(1, 2))
    assert refused.reason == RejectReason.USE_SNAPSHOT
    assert refused.available_from == short.feed.history.available_from > 1
    assert refused.next_sequence == last + 1
    short.close()


def test_one_client_cannot_take_the_whole_rate(context: zmq.Context[Any]) -> None:
    """A client that floods is refused beyond its share, and the refusals are counted; another one is still served."""
    desk = Desk(context, rate_per_s=40)
    reasons = []
    for _ in range(30):
        message = read_message(desk.ask(desk.replay(1, 2))[-1].messages[0])
        reasons.append(message.reason if isinstance(message, RequestRejected) else None)
    assert RejectReason.RATE_LIMITED in reasons and None in reasons
    assert desk.counts["requests_rate_limited"] == reasons.count(RejectReason.RATE_LIMITED)
    flooder, desk.client = desk.client, desk.connect(context)
    assert isinstance(read_message(desk.ask(desk.replay(1, 2))[-1].messages[0]), RequestCompleted)
    flooder.close(0)
    desk.close()


def test_one_answer_at_a_time_and_a_stuck_reader_is_given_up(
    desk: Desk, context: zmq.Context[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While an answer waits for its reader another request is Busy; one who never reads is forgotten."""
    desk.client.send(desk.replay(1, desk.feed.state.sequence))
    desk.client.send(desk.replay(1, 2))
    desk.router.poll(5_000)
    desk.server.turn()
    held = desk.server.busy
    assert held and desk.counts["requests_rejected"] == 1
    monkeypatch.setattr(server, "UNREAD_NS_MAX", -1)
    desk.server.turn()
    assert not desk.server.busy
    assert desk.counts["answers_abandoned"] == 1


def test_answers_under_way_are_bounded_in_bytes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is promised than memory allows."""
    monkeypatch.setattr(server, "ANSWER_BYTES_MAX", 100)
    assert desk.refusal(desk.replay(1, desk.feed.state.sequence)).reason == RejectReason.BUSY
    assert not desk.server.busy


def test_the_rate_is_per_second_with_bursts_of_one_second() -> None:
    """A bucket gives its rate at once, then one token per interval, and never saves up more than a second."""
    bucket = server.TokenBucket(4, 0)
    assert [bucket.take(0) for _ in range(5)] == [True, True, True, True, False]
    assert [bucket.take(250_000_000), bucket.take(250_000_001)] == [True, False]
    assert [bucket.take(10**12) for _ in range(5)].count(True) == 4
