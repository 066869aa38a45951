"""The FIX session layer as docs/FIX.md states it, seen by an independent client over TCP against the real gateway."""

from __future__ import annotations

import pytest
import simplefix

from ops.fix_client import FixClientError, LogonRefused, text, utc_timestamp
from tests.fixtures.fix_engine import wait_for
from tests.fixtures.fix_gateway import Trader, Venue

ORDER = [(55, "ETH-USD"), (54, "1"), (38, "1"), (40, "2"), (44, "100")]


def order_fields(clordid: str) -> list[tuple[int, str]]:
    """A limit order that rests far below the market."""
    return [(11, clordid), (60, utc_timestamp()), *ORDER]


def refuse(message: simplefix.FixMessage) -> bool:
    """A client that never was logged on takes a Logout whatever its number."""
    raise LogonRefused(text(message, 58))


def test_logon_is_answered_with_the_clients_heartbeat(standing_venue: Venue) -> None:
    """35=A back, MsgSeqNum 1 on both sides after a reset."""
    trader = standing_venue.trader("ALPHA").logon(reset=True)
    assert trader.fix.logged_on
    assert trader.fix.next_in == 2


@pytest.mark.parametrize("reset", [False, True])
def test_a_wrong_password_is_refused_and_changes_nothing(standing_venue: Venue, reset: bool) -> None:
    """Logout with a Text; with ResetSeqNumFlag=Y the line is closed. Numbers and stored messages stay."""
    honest = standing_venue.trader("ALPHA").logon(reset=True)
    honest.new("kept-" + str(reset), "1", "1", "100")
    honest.expect(t11="kept-" + str(reset), t150="0")
    honest.fix.close()
    thief = standing_venue.trader("ALPHA", password="guess")
    failures = standing_venue.gateway.counter("logon_failures")
    thief.fix.next_in, thief.fix.next_out = honest.fix.next_in, 1 if reset else honest.fix.next_out
    with pytest.raises(FixClientError, match="closed the line" if reset else "Username or Password is wrong"):
        thief.fix.connect()
        thief.fix._send("A", [(98, "0"), (108, "10"), (553, "ALPHA"), (554, "guess"), *([(141, "Y")] if reset else [])])
        while True:
            thief.fix.poll(1.0)
    assert standing_venue.gateway.counter("logon_failures") == failures + 1
    honest.logon()
    honest.cancel("cancel-" + str(reset), "kept-" + str(reset), "1")
    assert text(honest.expect(t11="cancel-" + str(reset)), 150) == "4"


def test_a_second_logon_of_a_live_session_is_dropped_without_a_message(standing_venue: Venue, alpha: Trader) -> None:
    """FIX test case 1S.b: the newcomer is closed, the session that was there goes on and loses no number."""
    newcomer = Trader(standing_venue.gateway.port, "ALPHA")
    with pytest.raises(LogonRefused, match="closed the line"):
        newcomer.logon()
    alpha.settle()


def test_an_unknown_comp_id_is_dropped_and_counted(standing_venue: Venue) -> None:
    """No answer that would tell which CompIDs exist; a log line and a counter for the operator."""
    before = standing_venue.gateway.counter("unknown_peers")
    with pytest.raises(FixClientError):
        standing_venue.trader("NOBODY").logon()
    wait_for(lambda: standing_venue.gateway.counter("unknown_peers") == before + 1, "the counter")


@pytest.mark.parametrize("heartbeat_s", [-10, 0, 121, 86400])
def test_a_heartbeat_interval_outside_the_bounds_is_refused(standing_venue: Venue, heartbeat_s: int) -> None:
    """HeartBtInt(108) below 1 or above 120 s: Logout that names the bounds."""
    trader = standing_venue.trader("BRAVO", heartbeat_s=heartbeat_s)
    trader.fix._accept = refuse  # type: ignore[method-assign]
    with pytest.raises(LogonRefused, match=r"HeartBtInt must be between 1 and 120"):
        trader.fix.logon()


def test_a_test_request_is_answered(alpha: Trader) -> None:
    """Heartbeat with our TestReqID."""
    seen: list[str] = []
    accept = alpha.fix._accept

    def spy(message: simplefix.FixMessage) -> bool:
        seen.append(str(message))
        return accept(message)

    alpha.fix._accept = spy  # type: ignore[method-assign]
    alpha.fix._send("1", [(112, "are-you-there")])
    alpha.settle()
    assert any("35=0" in one and "112=are-you-there" in one for one in seen)


def test_a_gap_is_asked_for_and_nothing_is_applied_twice_or_out_of_order(alpha: Trader) -> None:
    """MsgSeqNum too high: ResendRequest; both orders are then taken in their order, once."""
    first = ("D", utc_timestamp(), order_fields("gap-1"))
    alpha.fix.sent[alpha.fix.next_out] = first
    alpha.fix.next_out += 1  # the line swallowed it
    alpha.new("gap-2", "1", "1", "100")
    ids = [int(text(alpha.expect(t11=f"gap-{n}", t150="0"), 37)) for n in (1, 2)]
    orders = [text(alpha.canceled(f"gap-{n}"), 39) for n in (1, 2)]
    assert len(set(ids)) == 2
    assert orders == ["4", "4"]


def test_reports_are_sent_again_on_request(alpha: Trader) -> None:
    """A client that lost what came asks for it and gets the same report, marked PossDup."""
    alpha.new("again", "1", "1", "100")
    report = alpha.expect(t11="again", t150="0")
    alpha.fix.next_in = int(text(report, 34))
    alpha.fix._send("2", [(7, text(report, 34)), (16, "0")])
    again = alpha.expect(t11="again", t150="0")
    assert text(again, 43) == "Y"
    assert text(again, 17) == text(report, 17)
    assert text(alpha.canceled("again"), 39) == "4"


def test_a_duplicate_message_number_with_poss_dup_is_ignored(alpha: Trader) -> None:
    """PossDupFlag=Y and a number already seen: nothing happens, the session goes on."""
    number = alpha.new("dup", "1", "1", "100")
    alpha.expect(t11="dup", t150="0")
    kind, sent_at, fields = alpha.fix.sent[number]
    alpha.fix.send_raw(alpha.fix.encode(kind, fields, seq=number, poss_dup=sent_at))
    assert text(alpha.canceled("dup"), 39) == "4"
    assert [message for message in alpha.reports if text(message, 11) == "dup"] == []


def test_a_message_number_too_low_ends_the_session(standing_venue: Venue, alpha: Trader) -> None:
    """Without PossDupFlag it is a serious error: Logout that says what was expected."""
    alpha.fix.send_raw(alpha.fix.encode("D", order_fields("low"), seq=1))
    with pytest.raises(FixClientError, match="MsgSeqNum too low, expecting"):
        alpha.settle()


def test_a_garbled_message_is_ignored_and_asked_for(alpha: Trader) -> None:
    """A wrong CheckSum is as if nothing had come: the number stays open, the original is taken when sent again."""
    alpha.fix.sent[alpha.fix.next_out] = ("D", utc_timestamp(), order_fields("garbled"))
    good = alpha.fix.encode("D", order_fields("garbled"), seq=alpha.fix.next_out)
    alpha.fix.next_out += 1
    alpha.fix.send_raw(good[:-4] + (b"000\x01" if good[-4:] != b"000\x01" else b"001\x01"))
    alpha.settle()
    assert text(alpha.expect(t11="garbled", t150="0"), 39) == "0"
    assert text(alpha.canceled("garbled"), 39) == "4"


@pytest.mark.parametrize(
    ("message_type", "fields", "answer"),
    [
        (
            "D",
            [(55, "ETH-USD"), (54, "1"), (60, utc_timestamp()), (38, "1"), (40, "2"), (44, "1")],
            {35: "3", 373: "1", 371: "11"},
        ),
        ("D", [(11, "t"), *ORDER, (60, "yesterday")], {35: "3", 373: "6", 371: "60"}),
        ("D", [(11, "t"), *ORDER, (60, utc_timestamp()), (1138, "5")], {35: "3", 371: "1138"}),
        ("D", [(11, "t"), *ORDER, (60, utc_timestamp()), (111, "ten")], {35: "3", 373: "6", 371: "111"}),
        ("D", [(11, "t"), *ORDER, (60, utc_timestamp()), (126, "tomorrow")], {35: "3", 373: "6", 371: "126"}),
        ("D", [(11, "t"), *ORDER, (60, utc_timestamp()), (8000, "X")], {35: "3", 373: "5", 371: "8000"}),
        (
            "D",
            [(11, "t"), (60, utc_timestamp()), (55, "ETH-USD"), (54, "Z"), (38, "1"), (40, "2")],
            {35: "3", 373: "5", 371: "54"},
        ),
        ("D", [(11, ""), (60, utc_timestamp()), *ORDER], {35: "3", 373: "4", 371: "11"}),
        ("V", [(262, "x")], {35: "j", 380: "3", 372: "V"}),
        ("q", [(11, "x"), (60, utc_timestamp())], {35: "3", 373: "1", 371: "530"}),
        ("s", [(11, "x")], {35: "j", 380: "3", 372: "s"}),
        ("ZZ", [(11, "x")], {35: "3", 373: "11"}),
    ],
)
def test_what_breaks_the_dialect_is_rejected(
    alpha: Trader, message_type: str, fields: list[tuple[int, str]], answer: dict[int, str]
) -> None:
    """3 with RefSeqNum, RefTagID and reason; j for a FIX 4.4 type that the venue does not take; the session lives"""
    number = alpha.fix.send(message_type, fields)
    reject = alpha.expect(t35=answer[35], t45=str(number))
    assert {tag: text(reject, tag) for tag in answer} == answer
    assert text(reject, 58)
    alpha.settle()


def test_bytes_that_are_no_fix_close_only_their_own_connection(standing_venue: Venue, alpha: Trader) -> None:
    """Garbage and half messages before a Logon leave other sessions and the daemon alone."""
    for garbage in (
        b"\0" * 1000,
        b"GET / HTTP/1.1\r\n\r\n",
        b"8=FIX.4.4\x019=5\x0135=A",
        b"8=FIX.4.4\x019=-1\x01" * 50,
    ):
        stranger = standing_venue.trader("BRAVO")
        stranger.fix.connect()
        stranger.fix.send_raw(garbage)
        stranger.fix.close()
    alpha.settle()


def test_a_logout_is_answered_and_numbers_go_on(standing_venue: Venue) -> None:
    """Logout both ways; the next Logon continues the sequence without a gap."""
    trader = standing_venue.trader("ALPHA").logon(reset=True)
    trader.settle()  # reports that the reset made the gateway send again have come
    trader.fix.logout()
    before = trader.fix.next_out
    trader.logon()
    assert trader.fix.next_out > before
    assert trader.fix.resends == 0, "neither side missed a message"
    trader.settle()


def test_reports_made_while_logged_out_arrive_after_the_next_logon(standing_venue: Venue, bravo: Trader) -> None:
    """The message store queues them; the client sees the gap and asks."""
    alpha = standing_venue.trader("ALPHA").logon(reset=True)
    alpha.new("absent", "2", "1", "3000")
    alpha.expect(t11="absent", t150="0")
    alpha.fix.logout()
    bravo.new("present", "1", "1", "3000")
    bravo.expect(t11="present", t150="F")
    alpha.logon()
    assert text(alpha.expect(t11="absent", t150="F"), 39) == "2"


def test_a_reset_logon_brings_unread_reports_again_marked(standing_venue: Venue, bravo: Trader) -> None:
    """ResetSeqNumFlag wipes the store, not the fills: they come with PossResend and their ExecID."""
    alpha = standing_venue.trader("ALPHA").logon(reset=True)
    alpha.new("unread", "2", "1", "3000")
    alpha.expect(t11="unread", t150="0")
    alpha.fix.logout()
    bravo.new("reader", "1", "1", "3000")
    fill = bravo.expect(t11="reader", t150="F")
    alpha.logon(reset=True)
    again = alpha.expect(t11="unread", t150="F")
    assert text(again, 97) == "Y"
    assert text(again, 17) == text(fill, 17).replace("T", "M")


def test_a_silent_client_is_asked_and_then_dropped(standing_venue: Venue) -> None:
    """Nothing for more than HeartBtInt: TestRequest; still nothing: the connection is closed."""
    trader = standing_venue.trader("BRAVO", heartbeat_s=1).logon(reset=True)
    trader.fix._keep_alive = lambda: None  # type: ignore[method-assign]
    accept = trader.fix._accept
    kinds: list[str] = []

    def deaf(message: simplefix.FixMessage) -> bool:
        kinds.append(text(message, 35))
        return False if kinds[-1] == "1" else accept(message)

    trader.fix._accept = deaf  # type: ignore[method-assign]
    with pytest.raises(FixClientError):
        while True:
            trader.fix.poll(1.0)
    assert "1" in kinds
