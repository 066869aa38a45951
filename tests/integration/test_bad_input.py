"""Bad input at every door of the running venue: each gets a clear error, changes nothing and stops nobody."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random

import pytest
import zmq

from engine.wire.client import Answer, CommandChannel, EngineEvents
from engine.wire.frame import FrameKind, decode_frame, encode_frame
from engine.wire.messages import (
    HEADER,
    CancelOrder,
    Credit,
    EndOfDay,
    Gap,
    LimitsSet,
    NewOrder,
    OrderType,
    Reason,
    Refused,
    ReplayRequest,
    Role,
    SessionAttach,
    Side,
    TimeInForce,
    TradingState,
    TradingStateSet,
    decode,
)
from mdfeed.packets import read, read_message
from mdfeed.schema.messages import RejectReason, RequestRejected, SnapshotRequest
from ops.fix_client import FixClientError, LogonRefused, text, utc_timestamp
from ops.local import MODULES, ROOT, START_ORDER
from tests.fixtures.fix_engine import ALPHA, ALPHA_ACCOUNT, ETH_USD, USD, wait_for
from tests.fixtures.fix_gateway import Trader
from tests.fixtures.fix_venue import RunningVenue

ORDER = NewOrder(
    session=ALPHA,
    session_epoch=1,
    generation=1,
    gateway=1,
    client_seq=1_000_000,
    prev_client_seq=999_999,
    price_ticks=300_000,
    quantity_lots=1,
    account=ALPHA_ACCOUNT,
    instrument=ETH_USD,
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    time_in_force=TimeInForce.DAY,
    poss_resend=0,
    clordid=b"nobody",
    received_ns=0,
    echo=b"",
)
#: One command of each role, that would be applied on the socket of that role.
CREDIT = Credit(ALPHA_ACCOUNT, USD, 10**12, 10**6, 1, bytes(32))
HALT = TradingStateSet(0, TradingState.HALTED, b"nobody", b"no right to")
LIMITS = LimitsSet(1, 1, 1, 1, 1, 16)


class Intruder:
    """A peer with a routing id of its own on the engine's sockets; `answers` are what it was told."""

    def __init__(self, venue: RunningVenue, role: str) -> None:
        name = f"intruder-{role}"
        endpoint: str = getattr(venue.endpoints, role)
        self.events = EngineEvents(venue.context, venue.endpoints, Role.READER, name, next_sequence=0)
        self.channel = CommandChannel(venue.context, endpoint, name)
        self.raw = venue.context.socket(zmq.DEALER)
        self.raw.setsockopt(zmq.ROUTING_ID, name.encode())
        self.raw.setsockopt(zmq.LINGER, 0)
        self.answers: list[Gap | Refused] = []
        self._endpoint = endpoint
        wait_for(self._caught_up, "the intruder's Hello")

    def open_raw(self) -> None:
        """From now on `raw` takes bytes as they are, in place of the channel."""
        self.channel.close()
        self.raw.connect(self._endpoint)

    def send(self, messages: list[bytes]) -> None:
        """A whole frame."""
        wait_for(lambda: self.channel.send(messages), "the engine to take a frame")

    def answered(self, count: int) -> bool:
        """Whether that many answers have come."""
        self._poll()
        return len(self.answers) >= count

    def _caught_up(self) -> bool:
        self._poll()
        return self.events.caught_up

    def _poll(self) -> None:
        self.answers += [item.message for item in self.events.poll(10) if isinstance(item, Answer)]

    def close(self) -> None:
        """Closes every socket."""
        self.events.close()
        self.channel.close()
        self.raw.close(0)


@contextmanager
def intruder(venue: RunningVenue, role: str) -> Iterator[Intruder]:
    """A peer on the socket of `role`, closed at the end."""
    peer = Intruder(venue, role)
    try:
        yield peer
    finally:
        peer.close()


@contextmanager
def peer_of(venue: RunningVenue, endpoint: str) -> Iterator[zmq.Socket[bytes]]:
    """A bare DEALER connected to `endpoint`."""
    with venue.context.socket(zmq.DEALER) as dealer:
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.setsockopt(zmq.RCVTIMEO, 10_000)
        dealer.connect(endpoint)
        yield dealer


# ---- configuration


@pytest.mark.parametrize("daemon", START_ORDER)
def test_a_malformed_configuration_is_refused_with_everything_wrong_in_it(
    running_venue: RunningVenue, tmp_path: Path, daemon: str
) -> None:
    """Each daemon, started beside the running one with a mistake in each file, exits 2 and names all three."""
    shutil.copytree(running_venue.venue.cfg_dir, tmp_path, dirs_exist_ok=True)
    for file, right, wrong in (
        ("venue.toml", "spin_us = 30", "spin_us = 51"),
        ("instruments.toml", 'base = "ETH"', 'base = "DOGE"'),
        ("participants.toml", "accounts = [11]", "accounts = [77]"),
    ):
        before = (tmp_path / file).read_text()
        assert right in before
        (tmp_path / file).write_text(before.replace(right, wrong, 1))
    with running_venue.unharmed():
        result = subprocess.run(
            [sys.executable, "-m", MODULES[daemon], "--cfg", str(tmp_path)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert result.returncode == 2
    assert result.stdout == ""
    found = [line.split(": ")[:2] for line in result.stderr.splitlines()]
    assert found == [
        ["venue.toml", "engine.spin_us"],
        ["instruments.toml", "instrument[0].base"],
        ["participants.toml", "session[0].accounts"],
    ], result.stderr


# ---- FIX


def order_fields(clordid: str, **changes: str) -> list[tuple[int, str]]:
    """A good NewOrderSingle; changes by tag: t44="abc" replaces, t54="" leaves out."""
    fields = {11: clordid, 55: "ETH-USD", 54: "1", 60: utc_timestamp(), 38: "1", 40: "2", 44: "2000.00", 59: "0"}
    fields |= {int(name.removeprefix("t")): value for name, value in changes.items()}
    return [(tag, value) for tag, value in fields.items() if value]


@pytest.mark.parametrize(
    ("changes", "message_type", "expected"),
    [
        ({"t54": ""}, "D", {35: "3", 371: "54", 373: "1"}),
        ({"t44": "abc"}, "D", {35: "3", 371: "44", 373: "6"}),
        ({"t54": "Z"}, "D", {35: "3", 371: "54", 373: "5"}),
        ({"t9999": "x"}, "D", {35: "3", 371: "9999"}),
        ({}, "E", {35: "j", 380: "3", 58: "unsupported message type"}),
        ({}, "zz", {35: "3", 373: "11"}),
    ],
    ids=["no Side", "Price is no number", "unknown Side", "unknown tag", "unsupported type", "unknown type"],
)
def test_a_bad_fix_message_is_rejected_by_tag_and_reason(
    running_venue: RunningVenue, changes: dict[str, str], message_type: str, expected: dict[int, str]
) -> None:
    """Reject or Business Message Reject, naming message, tag and reason; the engine never hears of it."""
    alpha = running_venue.trader("ALPHA")
    with running_venue.unharmed():
        seq = alpha.fix.send(message_type, order_fields(f"bad-{alpha.fix.next_out}", **changes))
        answer = alpha.expect(t45=str(seq))
        alpha.settle()
    assert {tag: text(answer, tag) for tag in expected} == expected
    assert text(answer, 58), "a Text that a person can read"


@pytest.mark.parametrize(
    ("changes", "reason", "says", "sequenced"),
    [
        ({"t38": "1000"}, "3", "available balance does not cover the order", ["NewOrder"]),
        ({"t44": "99999999.00"}, "99", "Price is outside the allowed range", ["NewOrder"]),
        ({"t55": "DOGE-USD"}, "1", "unknown symbol", []),
        ({"t1": "NOBODY"}, "15", "account", []),
        ({"t44": "2000.001"}, "99", "Price", []),
        ({"t38": "0.00001"}, "13", "OrderQty", []),
    ],
    ids=["unfunded", "beyond the price range", "unknown instrument", "unknown account", "off tick", "off lot"],
)
def test_an_order_that_cannot_be_taken_is_rejected_with_its_reason(
    running_venue: RunningVenue, changes: dict[str, str], reason: str, says: str, sequenced: list[str]
) -> None:
    """150=8 with OrdRejReason and Text; nothing is reserved, nothing rests, nothing trades.

    What has no form in ticks, lots and ids is refused by the gateway; the engine sequences and refuses the rest.
    """
    alpha = running_venue.trader("ALPHA")
    clordid = f"refused-{alpha.fix.next_out}"
    with running_venue.unharmed(*sequenced):
        alpha.fix.send("D", order_fields(clordid, **changes))
        report = alpha.expect(t35="8", t11=clordid)
    assert (text(report, 150), text(report, 39), text(report, 103)) == ("8", "8", reason), text(report, 58)
    assert says in text(report, 58)


def test_a_wrong_password_is_refused_and_costs_the_client_nothing(running_venue: RunningVenue) -> None:
    """Refused with its reason, also when it asks for a reset or guesses the MsgSeqNum; the client's session goes on."""
    alpha = running_venue.trader("ALPHA")
    alpha.settle()
    alpha.fix.logout()
    numbers = (alpha.fix.next_out, alpha.fix.next_in)
    thief = Trader(running_venue.config.fixgw.port, "ALPHA", password="guess")
    failures = running_venue.counter("fixgw", "logon_failures")
    with running_venue.unharmed():
        thief.fix.next_out, thief.fix.next_in = numbers
        with pytest.raises(LogonRefused, match="Username or Password is wrong"):
            thief.logon()
        with pytest.raises(LogonRefused):
            thief.logon(reset=True)
        with pytest.raises(LogonRefused):
            thief.logon()
    assert running_venue.counter("fixgw", "logon_failures") >= failures + 2
    assert running_venue.counter("fixgw", "logged_on") <= 1
    assert (alpha.fix.next_out, alpha.fix.next_in) == numbers
    alpha.logon().settle()  # with the numbers it had: a session that was reset would refuse them


def test_garbage_on_the_fix_port_disturbs_nobody(running_venue: RunningVenue) -> None:
    """Noise, half a message, a wrong checksum and an unknown CompID: no answer or a closed line; clients trade on."""
    alpha = running_venue.trader("ALPHA")
    port = running_venue.config.fixgw.port
    noise = Random(5)
    unknown = running_venue.counter("fixgw", "unknown_peers")
    logon = Trader(port, "NOBODY").fix.encode("A", [(98, "0"), (108, "30"), (553, "NOBODY"), (554, "x")], seq=1)
    with running_venue.unharmed():
        lines = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(4)]
        for line, data in zip(
            lines, (noise.randbytes(5_000), b"GET / HTTP/1.1\r\n\r\n", logon[:40], logon), strict=True
        ):
            line.sendall(data)
        wait_for(lambda: running_venue.counter("fixgw", "unknown_peers") == unknown + 1, "the refusal")
        assert lines[3].recv(4096) == b"", "the line of an unknown CompID is closed"
        good = alpha.fix.encode("D", order_fields("garbled"), seq=alpha.fix.next_out)
        alpha.fix.send_raw(good[:-4] + b"%03d\x01" % ((int(good[-4:-1]) + 1) % 256))  # FIX 4.4: ignored, not answered
        alpha.settle()
        for line in lines:
            line.close()
    assert alpha.fix.logged_on


# ---- the engine's sockets


@pytest.mark.parametrize(
    ("role", "command"),
    [
        ("gateway", CREDIT),
        ("gateway", HALT),
        ("gateway", LIMITS),
        ("settlement", ORDER),
        ("settlement", HALT),
        ("settlement", LIMITS),
        ("admin", CREDIT),
        ("admin", ORDER),
        ("admin", LIMITS),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_command_on_the_wrong_roles_socket_is_refused(
    running_venue: RunningVenue, role: str, command: Credit | TradingStateSet | LimitsSet | NewOrder
) -> None:
    """Refused(WrongRole) for the template; it is not journaled."""
    with running_venue.unharmed(), intruder(running_venue, role) as peer:
        peer.send([command.encode()])
        wait_for(partial(peer.answered, 1), "the refusal")
        (answer,) = peer.answers
        assert isinstance(answer, Refused)
        assert (answer.reason, answer.template_id) == (Reason.WRONG_ROLE, command.TEMPLATE_ID)


@pytest.mark.parametrize("role", ["gateway", "settlement", "admin"])
def test_a_truncated_frame_is_refused_whole(running_venue: RunningVenue, role: str) -> None:
    """Cut anywhere: Refused(Malformed), and not even the whole messages in front of the cut are applied."""
    mine = {
        "gateway": SessionAttach(ALPHA, 9, 9, 9, 0).encode(),
        "settlement": CREDIT.encode(),
        "admin": HALT.encode(),
    }[role]
    frame = encode_frame(FrameKind.COMMANDS, [mine, mine])
    cuts = (len(frame) - 1, len(frame) // 2 + 16, 31, 1)
    with running_venue.unharmed(), intruder(running_venue, role) as peer:
        peer.open_raw()
        for number, cut in enumerate(cuts, 1):
            peer.raw.send(frame[:cut])
            wait_for(partial(peer.answered, number), f"the refusal of {cut} of {len(frame)} bytes")
        assert [getattr(answer, "reason", None) for answer in peer.answers] == [Reason.MALFORMED] * len(cuts)


@pytest.mark.parametrize("role", ["gateway", "settlement", "admin"])
def test_a_message_of_another_schema_is_refused(running_venue: RunningVenue, role: str) -> None:
    """A whole frame with a message of the public feed's schema: Refused(Malformed)."""
    foreign = SnapshotRequest(1, 0).encode()
    assert HEADER.unpack_from(foreign)[2] != HEADER.unpack_from(HALT.encode())[2]
    with running_venue.unharmed(), intruder(running_venue, role) as peer:
        peer.send([foreign])
        wait_for(partial(peer.answered, 1), "the refusal")
        assert [getattr(answer, "reason", None) for answer in peer.answers] == [Reason.MALFORMED]


@pytest.mark.parametrize("command", [ORDER, CancelOrder], ids=["order", "cancel"])
def test_a_gateway_without_the_session_cannot_trade_for_it(
    running_venue: RunningVenue, command: NewOrder | type[CancelOrder]
) -> None:
    """A well-formed command under a generation that is not the session's is refused."""
    running_venue.trader("ALPHA").settle()
    message = ORDER if isinstance(command, NewOrder) else _cancel()
    stale = message._replace(generation=10**6)
    with running_venue.unharmed(), intruder(running_venue, "gateway") as peer:
        peer.send([stale.encode()])
        wait_for(partial(peer.answered, 1), "the refusal")
        (answer,) = peer.answers
        assert isinstance(answer, Refused)
        assert answer.reason in (Reason.STALE_GENERATION, Reason.WRONG_EPOCH)
        assert answer.session == ALPHA


def _cancel() -> CancelOrder:
    return CancelOrder(
        session=ALPHA,
        session_epoch=1,
        generation=1,
        gateway=1,
        client_seq=1_000_000,
        prev_client_seq=999_999,
        order_id=1 << 32,
        instrument=ETH_USD,
        side=Side.BUY,
        clordid=b"nobody",
        orig_clordid=b"nobody",
        received_ns=0,
    )


def test_a_day_that_has_ended_is_not_ended_again(running_venue: RunningVenue) -> None:
    """EndOfDay of day 0 on the operators' own socket: Refused(InvalidState)."""
    with running_venue.unharmed(), intruder(running_venue, "admin") as peer:
        peer.send([EndOfDay(0, b"operator").encode()])
        wait_for(partial(peer.answered, 1), "the refusal")
        (answer,) = peer.answers
        assert isinstance(answer, Refused)
        assert answer.reason == Reason.INVALID_STATE


@pytest.mark.parametrize("socket_name", ["events", "replay"])
def test_garbage_on_the_sockets_of_followers_is_refused(running_venue: RunningVenue, socket_name: str) -> None:
    """Noise, a command and another schema: each Refused(Malformed); the real followers notice nothing."""
    noise = Random(7).randbytes(300)
    command = encode_frame(FrameKind.CONTROL, [HALT.encode()])
    foreign = encode_frame(FrameKind.CONTROL, [SnapshotRequest(1, 0).encode()])
    cut = encode_frame(FrameKind.CONTROL, [ReplayRequest(1, 0, 0).encode()])[:-3]
    gaps = running_venue.counter("mdfeed", "engine_gaps")
    endpoint: str = getattr(running_venue.endpoints, socket_name)
    with running_venue.unharmed(), peer_of(running_venue, endpoint) as peer:
        for bad in (noise, b"", command, foreign, cut):
            peer.send(bad)
            (message,) = decode_frame(peer.recv()).messages
            answer = decode(message)
            assert isinstance(answer, Refused)
            assert answer.reason == Reason.MALFORMED
    assert running_venue.counter("mdfeed", "engine_gaps") == gaps


# ---- the feed


def test_garbage_on_the_snapshot_socket_is_rejected(running_venue: RunningVenue) -> None:
    """Noise, a cut request, a command of the engine and an unknown instrument: RequestRejected says why."""
    request = SnapshotRequest(1, 0).encode()
    bad = [
        (Random(3).randbytes(100), RejectReason.MALFORMED),
        (b"", RejectReason.MALFORMED),
        (request[:-1], RejectReason.MALFORMED),
        (HALT.encode(), RejectReason.MALFORMED),
        (SnapshotRequest(2, 999).encode(), RejectReason.UNKNOWN_INSTRUMENT),
    ]
    with running_venue.unharmed(), peer_of(running_venue, running_venue.config.mdfeed.snapshot) as peer:
        for data, reason in bad:
            peer.send(data)
            (message,) = read(peer.recv_multipart()[1]).messages
            answer = read_message(message)
            assert isinstance(answer, RequestRejected)
            assert answer.reason == reason


def test_raw_bytes_on_the_ports_of_the_feed_disturb_nobody(running_venue: RunningVenue) -> None:
    """Bytes that are not ZeroMQ: the line is closed, the feed goes on publishing."""
    ports = [
        int(e.rsplit(":", 1)[1]) for e in (running_venue.config.mdfeed.publish[0], running_venue.config.mdfeed.snapshot)
    ]
    with running_venue.unharmed():
        for port in ports:
            with socket.create_connection(("127.0.0.1", port), 10) as line:
                line.sendall(Random(port).randbytes(3_000))
        beats = running_venue.counter("mdfeed", "heartbeats")
        wait_for(lambda: running_venue.counter("mdfeed", "heartbeats") > beats, "the next heartbeat")


# ---- afterwards


def test_after_all_this_the_venue_trades(running_venue: RunningVenue) -> None:
    """The clients whose messages were refused fill an order against each other."""
    alpha, bravo = running_venue.trader("ALPHA"), running_venue.trader("BRAVO")
    try:
        bravo.new("after-s", "2", "1", "2000.00")
        bravo.expect(t11="after-s", t150="0")
        alpha.new("after-b", "1", "1", "2000.00")
        alpha.expect(t11="after-b", t150="F", t39="2")
        bravo.expect(t11="after-s", t150="F", t39="2")
    except FixClientError as error:
        pytest.fail(str(error))
