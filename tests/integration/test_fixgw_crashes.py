"""Gateway and engine killed, stopped and restarted under live FIX sessions: nothing lost, nothing answered twice."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable

import pytest

from engine.wire.messages import OrderAccepted, SessionAttach
from fixgw.store import DELIVERED, RECORD
from ops.fix_client import FixClientError, LogonRefused, text
from ops.toml_edit import Edit, apply
from tests.fixtures.fix_engine import EngineClient, wait_for
from tests.fixtures.fix_gateway import Trader, Venue

ROUNDS = 4
ORDERS_PER_ROUND = 150


def accepted(venue: Venue) -> Counter[str]:
    """ClOrdIDs the engine accepted, with how often, as a newcomer reads them."""
    auditor = EngineClient(venue.engine, "auditor")
    try:
        auditor.caught_up()
        return Counter(event.clordid.decode() for event in auditor.decoded() if isinstance(event, OrderAccepted))
    finally:
        auditor.close()


def collect(trader: Trader, wanted: set[str], timeout_s: float = 60.0) -> dict[str, list[str]]:
    """ExecIDs of New and Rejected reports by ClOrdID, once every wanted one has at least one."""
    seen: dict[str, list[str]] = {}

    def take() -> bool:
        for message in trader.reports:
            if text(message, 35) == "8" and text(message, 150) in "08":
                seen.setdefault(text(message, 11), []).append(text(message, 17))
        trader.reports.clear()
        if wanted <= seen.keys():
            return True
        trader.reports += trader.fix.poll(0.05)
        return False

    wait_for(take, f"answers, {len(wanted)} wanted", timeout_s)
    return seen


def test_kill_9_of_the_gateway_under_load_loses_and_doubles_nothing(fix_venue: Venue) -> None:
    """Killed in the middle of a stream, four times: every order is in the engine once and answered under one ExecID."""
    alpha = fix_venue.trader("ALPHA").logon()
    wanted: set[str] = set()
    for round_number in range(ROUNDS):
        for number in range(ORDERS_PER_ROUND):
            clordid = f"k{round_number}-{number}"
            wanted.add(clordid)
            try:
                alpha.new(clordid, "1", "0.01", "50")
            except FixClientError:
                pass  # the line is down: the client keeps the order and sends it again when asked
            if number == ORDERS_PER_ROUND // 2:
                fix_venue.gateway.kill9()
        fix_venue.gateway.start()
        alpha.fix.close()
        alpha.relogon()
    answers = collect(alpha, wanted)
    alpha.settle()
    assert {clordid: len(set(ids)) for clordid, ids in answers.items()} == dict.fromkeys(wanted, 1)
    assert accepted(fix_venue) == Counter(wanted)


def test_fills_while_the_gateway_is_down_are_reported_after_it_returns(fix_venue: Venue) -> None:
    """Day orders expire while no gateway runs: each client learns it from its next session, once."""
    alpha = fix_venue.trader("ALPHA").logon()
    for number in range(20):
        alpha.new(f"d{number}", "1", "0.01", "50")
    for number in range(20):
        alpha.expect(t11=f"d{number}", t150="0")
    fix_venue.gateway.kill9()
    alpha.fix.close()
    fix_venue.end_of_day(20260102)
    fix_venue.operator.poll_until(
        lambda: any(type(event).__name__ == "DayEnded" for event in fix_venue.operator.decoded()), "the end of the day"
    )
    for _ in range(2):
        fix_venue.gateway.start()
        fix_venue.gateway.kill9()
    fix_venue.gateway.start()
    alpha.relogon()
    for number in range(20):
        assert text(alpha.expect(t11=f"d{number}", t150="C"), 39) == "C"
    alpha.settle()
    assert [str(message) for message in alpha.reports if text(message, 150) == "C"] == []


def test_a_report_stored_but_not_counted_when_the_gateway_died_is_not_lost(fix_venue: Venue) -> None:
    """Killed between the two writes of quickfix's store: the message has its place, its number goes to the next one."""
    alpha = fix_venue.trader("ALPHA").logon()
    alpha.new("w", "1", "0.01", "50")
    alpha.expect(t11="w", t150="0")
    alpha.fix.close()
    wait_for(lambda: fix_venue.gateway.counter("logged_on") == 0, "the gateway to miss the client")
    fix_venue.end_of_day(20260102)
    wait_for(lambda: fix_venue.gateway.counter("reports") == 2, "the report of the expiry")
    fix_venue.gateway.kill9()
    numbers = fix_venue.gateway.state_dir / "store" / "FIX.4.4-VENUE-ALPHA.seqnums"
    outgoing, incoming = (int(number) for number in numbers.read_text().split(" : "))
    numbers.write_text(f"{outgoing - 1:010} : {incoming:010}")
    delivered = fix_venue.gateway.state_dir / "delivered-1"
    delivered.write_bytes(delivered.read_bytes()[: -RECORD.size - DELIVERED.size])
    fix_venue.gateway.start()
    alpha.relogon()
    assert text(alpha.expect(t11="w", t150="C"), 39) == "C"
    alpha.settle()
    assert [str(message) for message in alpha.reports if text(message, 150) == "C"] == []


def test_kill_9_of_the_engine_behind_a_live_session(fix_venue: Venue) -> None:
    """The client stays logged in; orders that were on their way get their verdict after the engine's restart, once."""
    alpha = fix_venue.trader("ALPHA").logon()
    alpha.new("before", "1", "0.01", "50")
    alpha.expect(t11="before", t150="0")
    clordids = {f"e{number}" for number in range(50)}
    fix_venue.engine.kill9()
    for clordid in sorted(clordids):
        alpha.new(clordid, "1", "0.01", "50")
    fix_venue.engine.start()
    answers = collect(alpha, clordids)
    assert all(len(set(ids)) == 1 for ids in answers.values())
    assert alpha.fix.logged_on
    assert text(alpha.canceled("before"), 39) == "4"
    assert fix_venue.gateway.counter("logons") == 1
    assert max(accepted(fix_venue).values()) == 1


def test_without_an_engine_orders_and_logons_are_refused_in_clear_words(fix_venue: Venue) -> None:
    """Once the engine is known to be away: 8, 9 and Logout say so; those verdicts stand after everything is back."""
    alpha = fix_venue.trader("ALPHA").logon()
    alpha.new("held", "1", "0.01", "50")
    alpha.expect(t11="held", t150="0")
    fix_venue.engine.stop()
    wait_for(lambda: fix_venue.gateway.counter("engine_available") == 0, "the gateway to miss the engine")
    with pytest.raises(LogonRefused, match="venue not available"):
        fix_venue.trader("BRAVO").logon()
    alpha.new("away", "1", "0.01", "50")
    assert "venue not available" in text(alpha.expect(t11="away", t150="8"), 58)
    alpha.cancel("away-f", "held", "1")
    assert "venue not available" in text(alpha.expect(t35="9", t11="away-f"), 58)
    fix_venue.gateway.kill9()
    alpha.fix.close()
    fix_venue.engine.start()
    fix_venue.gateway.start()
    alpha.relogon()
    alpha.settle()
    assert [str(message) for message in alpha.reports if text(message, 11).startswith("away")] == []
    assert "away" not in accepted(fix_venue)
    alpha.new("back", "1", "0.01", "50")
    alpha.expect(t11="back", t150="0")


def test_a_stopped_engine_fills_the_pending_table_and_no_more(make_fix_venue: Callable[..., Venue]) -> None:
    """max_pending_commands commands wait, the next gets 35=j 380=4; all the waiting ones are answered later."""
    venue = make_fix_venue(max_pending_commands=5)
    alpha = venue.trader("ALPHA").logon()
    assert venue.engine.process is not None
    venue.engine.process.send_signal(signal.SIGSTOP)
    try:
        for number in range(6):
            alpha.new(f"p{number}", "1", "0.01", "50")
        reject = alpha.expect(t35="j", t379="p5")
        assert (text(reject, 380), text(reject, 372)) == ("4", "D")
        assert "max_pending_commands 5" in text(reject, 58)
    finally:
        venue.engine.process.send_signal(signal.SIGCONT)
    for number in range(5):
        alpha.expect(t11=f"p{number}", t150="0")
    assert "p5" not in accepted(venue)


def test_no_python_exception_reaches_the_library(make_fix_venue: Callable[..., Venue]) -> None:
    """A bug while handling a message, even SystemExit: 35=j for that message; process, session and the others live."""
    venue = make_fix_venue("tests.fixtures.faulty_gateway")
    alpha = venue.trader("ALPHA").logon()
    bravo = venue.trader("BRAVO").logon()
    for clordid in ("raise-1", "raise-exit", "raise-2"):
        number = alpha.new(clordid, "1", "0.01", "50")
        reject = alpha.expect(t35="j", t379=clordid)
        assert [text(reject, tag) for tag in (380, 45, 372)] == ["4", str(number), "D"]
    alpha.new("sane", "1", "0.01", "50")
    alpha.expect(t11="sane", t150="0")
    bravo.settle()
    assert venue.gateway.alive
    assert venue.gateway.counter("callback_errors") == 3
    assert venue.gateway.log.count("fix.callback.failed") == 2  # one line for each kind of error
    assert set(accepted(venue)) == {"sane"}


def test_a_message_that_cannot_even_be_refused_ends_the_process_and_is_asked_for_again(
    make_fix_venue: Callable[..., Venue],
) -> None:
    """No verdict can be made durable: the message does not count as received, and the next life gives its verdict."""
    venue = make_fix_venue("tests.fixtures.faulty_gateway")
    alpha = venue.trader("ALPHA").logon()
    alpha.new("raise-mute", "1", "0.01", "50")
    assert venue.gateway.process is not None
    assert venue.gateway.process.wait(30) == 1
    venue.gateway.module = "fixgw.daemon"
    venue.gateway.start()
    alpha.fix.close()
    alpha.relogon()
    alpha.expect(t11="raise-mute", t150="0")
    alpha.settle()
    assert accepted(venue) == Counter(["raise-mute"])


def test_sigterm_logs_clients_out_and_ends_clean(fix_venue: Venue) -> None:
    """Logout to the client, exit code 0, and the next life goes on with the same numbers."""
    alpha = fix_venue.trader("ALPHA").logon()
    alpha.new("stay", "1", "0.01", "50")
    alpha.expect(t11="stay", t150="0")
    assert fix_venue.gateway.process is not None
    fix_venue.gateway.process.send_signal(signal.SIGTERM)
    with pytest.raises(FixClientError, match="Logout"):
        while True:
            alpha.fix.poll(1.0)
    assert fix_venue.gateway.stop() == 0
    fix_venue.gateway.start()
    alpha.relogon()
    assert text(alpha.canceled("stay"), 39) == "4"


def test_a_session_taken_over_by_another_gateway_is_logged_out(fix_venue: Venue) -> None:
    """Fenced: the newer generation wins, and a new Logon wins it back with nothing lost."""
    alpha = fix_venue.trader("ALPHA").logon()
    alpha.new("mine", "1", "0.01", "50")
    alpha.expect(t11="mine", t150="0")
    attach = SessionAttach(1, 2, 99, 12345, 0)
    fix_venue.operator.send(fix_venue.operator.gateway, [attach.encode()])
    with pytest.raises(FixClientError, match="another gateway"):
        while True:
            alpha.fix.poll(1.0)
    alpha.relogon()
    assert text(alpha.canceled("mine"), 39) == "4"


def test_a_bind_address_that_the_library_cannot_hold_is_refused(fix_venue: Venue) -> None:
    """The daemon ends with an error that names the key instead of listening where it was not told to."""
    fix_venue.gateway.stop()
    path = fix_venue.engine.cfg_dir / "venue.toml"
    path.write_text(apply(path.read_text(), [Edit("fixgw", {"bind": "192.0.2.1"})]))
    fix_venue.gateway.spawn()
    assert fix_venue.gateway.process is not None
    assert fix_venue.gateway.process.wait(30) == 1
    assert "fixgw.bind '192.0.2.1'" in fix_venue.gateway.log
