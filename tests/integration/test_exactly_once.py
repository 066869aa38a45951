"""Engine, gateway and feed lose each other, their state or their last moments: one verdict each, no false report."""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
import simplefix

from engine.wire.messages import OrderAccepted, SessionAttach, SessionAttached, TradingState
from ops.fix_client import FixClientError, LogonRefused, text
from ops.toml_edit import Edit, apply
from tests.fixtures.fix_engine import ALPHA, EngineClient, wait_for
from tests.fixtures.fix_gateway import Trader, Venue


def accepted(venue: Venue) -> Counter[str]:
    """ClOrdIDs the engine accepted, with how often, as a newcomer reads them."""
    auditor = EngineClient(venue.engine, "auditor")
    try:
        auditor.caught_up()
        return Counter(event.clordid.decode() for event in auditor.decoded() if isinstance(event, OrderAccepted))
    finally:
        auditor.close()


def told(trader: Trader, exec_type: str) -> list[tuple[str, str]]:
    """(ClOrdID, ExecID) of the reports of this type that are not taken yet."""
    return [(text(m, 11), text(m, 17)) for m in trader.reports if text(m, 150) == exec_type]


def quantities(message: simplefix.FixMessage, *tags: int) -> list[Decimal]:
    """Decimal fields of a report."""
    return [Decimal(text(message, tag)) for tag in tags]


def cut_off(trader: Trader, why: str) -> None:
    """Returns when the gateway has logged the client out for this reason."""
    with pytest.raises(FixClientError, match=why):
        while True:
            trader.reports += trader.fix.poll(1.0)


def attachments(venue: Venue) -> list[SessionAttached]:
    """Of ALPHA's session, as far as the operator has seen the engine's events."""
    return [e for e in venue.operator.decoded() if isinstance(e, SessionAttached) and e.session == ALPHA]


def take_over(venue: Venue) -> None:
    """Gateway 99 attaches ALPHA's session."""
    venue.operator.send(venue.operator.gateway, [SessionAttach(ALPHA, 99, 99, 12345, 0).encode()])
    venue.operator.poll_until(lambda: any(e.gateway == 99 for e in attachments(venue)), "the takeover")


def test_a_gateway_without_any_state_asks_for_a_new_numbering_and_tells_the_day_again(fix_venue: Venue) -> None:
    """State directory deleted: a Logon without a reset is refused in clear words; then every report of the day comes
    under its own ExecID, marked, once, and orders work on.
    """
    alpha = fix_venue.trader("ALPHA").logon()
    bravo = fix_venue.trader("BRAVO").logon()
    alpha.new("yesterday", "1", "0.01", "50")
    first = text(alpha.expect(t11="yesterday", t150="0"), 17)
    fix_venue.end_of_day(20260102)
    alpha.expect(t11="yesterday", t150="C")
    alpha.new("rest", "1", "0.02", "50")
    bravo.new("hit", "2", "0.01", "50")
    before = {text(alpha.expect(t11="rest", t150=kind), 17) for kind in "0F"}
    alpha.settle()
    fix_venue.gateway.kill9()
    shutil.rmtree(fix_venue.gateway.state_dir)
    fix_venue.gateway.start()
    alpha.fix.close()
    with pytest.raises(LogonRefused, match="ResetSeqNumFlag=Y"):
        alpha.logon()
    alpha.logon(reset=True)
    again = [alpha.expect(t11="rest", t150=kind) for kind in "0F"]
    assert {text(message, 17) for message in again} == before
    assert [text(message, 97) for message in again] == ["Y", "Y"]
    assert text(alpha.canceled("rest"), 39) == "4"
    alpha.settle()
    assert first not in {text(message, 17) for message in alpha.reports}
    assert told(alpha, "0") + told(alpha, "F") == []
    fix_venue.gateway.kill9()
    fix_venue.gateway.start()
    alpha.fix.close()
    alpha.relogon()
    alpha.settle()
    assert told(alpha, "0") + told(alpha, "F") + told(alpha, "4") == []


def test_what_happens_while_another_gateway_has_the_session_is_told_when_it_comes_back(fix_venue: Venue) -> None:
    """Taken over by gateway 99, filled, then back: the fill comes once, marked PossResend for 99 may have told it."""
    alpha = fix_venue.trader("ALPHA").logon()
    bravo = fix_venue.trader("BRAVO").logon()
    alpha.new("rest", "1", "0.02", "50")
    alpha.expect(t11="rest", t150="0")
    take_over(fix_venue)
    cut_off(alpha, "another gateway")
    bravo.new("hit", "2", "0.01", "50")
    bravo.expect(t11="hit", t150="F")
    for _ in range(2):
        alpha.relogon()
        alpha.settle()
        alpha.fix.close()
    assert [text(m, 97) for m in alpha.reports if text(m, 150) == "F"] == ["Y"]


def test_a_gateway_that_wakes_up_after_its_sessions_went_elsewhere_can_do_nothing(fix_venue: Venue) -> None:
    """Stopped with a client's orders in its socket; gateway 99 attaches, then it wakes: nothing of it is applied, its
    client is cut off, and the orders get one verdict each once the session is its own again.
    """
    alpha = fix_venue.trader("ALPHA").logon()
    alpha.new("before", "1", "0.01", "50")
    alpha.expect(t11="before", t150="0")
    assert fix_venue.gateway.process is not None
    fix_venue.gateway.process.send_signal(signal.SIGSTOP)
    try:
        for number in range(20):
            alpha.new(f"stale-{number}", "1", "0.01", "50")
        take_over(fix_venue)
    finally:
        fix_venue.gateway.process.send_signal(signal.SIGCONT)
    cut_off(alpha, "another gateway")
    assert set(accepted(fix_venue)) == {"before"}
    alpha.relogon()
    for number in range(20):
        alpha.expect(t11=f"stale-{number}", t150="0")
    alpha.settle()
    assert told(alpha, "0") == []
    assert max(accepted(fix_venue).values()) == 1


def test_an_engine_that_comes_back_cancel_only_says_so_and_takes_cancels(fix_venue: Venue) -> None:
    """resume_after_recovery manual: D and G refused with a reason, F, q and H work, the client stays logged in."""
    path = fix_venue.engine.cfg_dir / "venue.toml"
    path.write_text(apply(path.read_text(), [Edit("engine", {"resume_after_recovery": "manual"})]))
    alpha = fix_venue.trader("ALPHA").logon()
    for clordid in ("keep", "cancel", "mass-1", "mass-2"):
        alpha.new(clordid, "1", "0.01", "50")
        alpha.expect(t11=clordid, t150="0")
    fix_venue.engine.kill9()
    alpha.new("on-the-way", "1", "0.01", "50")
    fix_venue.engine.start()
    assert "cancel only" in text(alpha.expect(t35="h", t340="1", t325="Y"), 58)
    assert "only cancels" in text(alpha.expect(t11="on-the-way", t150="8"), 58)
    alpha.new("late", "1", "0.01", "50")
    assert "only cancels" in text(alpha.expect(t11="late", t150="8"), 58)
    alpha.replace("replace", "keep", "1", "0.02", "50")
    assert "only cancels" in text(alpha.expect(t35="9", t11="replace"), 58)
    assert text(alpha.canceled("cancel"), 39) == "4"
    alpha.mass_cancel("all", "7")
    assert text(alpha.expect(t35="r", t11="all"), 533) == "3"
    bravo = fix_venue.trader("BRAVO").logon()
    bravo.expect(t35="h", t340="1")
    fix_venue.trading_state(TradingState.OPEN)
    for trader in (alpha, bravo):
        trader.expect(t35="h", t340="2")
    alpha.new("open", "1", "0.01", "50")
    alpha.expect(t11="open", t150="0")
    assert fix_venue.gateway.counter("logons") == 2


def test_a_delayed_reset_of_the_session_does_no_harm(fix_venue: Venue) -> None:
    """A SessionAttach with a reset that nobody waits for: the client is logged out, and goes on after its Logon."""
    alpha = fix_venue.trader("ALPHA").logon()
    alpha.new("mine", "1", "0.01", "50")
    alpha.expect(t11="mine", t150="0")
    fix_venue.operator.poll_until(lambda: bool(attachments(fix_venue)), "the session's attachment")
    attached = attachments(fix_venue)[-1]
    late = SessionAttach(1, attached.gateway, attached.gateway_instance, attached.token + 1, 1)
    fix_venue.operator.send(fix_venue.operator.gateway, [late.encode()])
    cut_off(alpha, "reset")
    alpha.relogon()
    alpha.new("next", "1", "0.01", "50")
    alpha.expect(t11="next", t150="0")
    assert text(alpha.canceled("mine"), 39) == "4"


def lose_what_follows(venue: Venue, directory: Path) -> None:
    """Keeps the engine's state as it is now: idle, so that its files hold all of it."""
    shutil.copytree(venue.engine.state_dir / "engine", directory)


def lost(venue: Venue, directory: Path) -> None:
    """The engine dies, and its disk is what it was when it was kept."""
    venue.engine.kill9()
    shutil.rmtree(venue.engine.state_dir / "engine")
    shutil.copytree(directory, venue.engine.state_dir / "engine")


@pytest.mark.parametrize("gateway_dies", [False, True])
def test_what_the_engine_lost_is_taken_back_and_no_fill_invented(
    fix_venue: Venue, tmp_path: Path, gateway_dies: bool
) -> None:
    """The engine comes back without its last events, as `interval` may after a power failure: the fill is canceled, the
    vanished order canceled, the canceled one restated, once each; then trading goes on, under new ExecIDs.
    """
    alpha = fix_venue.trader("ALPHA").logon()
    bravo = fix_venue.trader("BRAVO").logon()
    for clordid in ("filled", "canceled"):
        alpha.new(clordid, "1", "0.02", "50")
        alpha.expect(t11=clordid, t150="0")
    alpha.settle()
    lose_what_follows(fix_venue, tmp_path / "kept")
    alpha.new("gone", "1", "0.03", "40")
    alpha.expect(t11="gone", t150="0")
    alpha.canceled("canceled", "cancel")
    bravo.new("hit", "2", "0.01", "50")
    bravo.expect(t11="hit", t150="0")
    fill = text(alpha.expect(t11="filled", t150="F"), 17)
    bravo_fill = text(bravo.expect(t11="hit", t150="F"), 17)
    lost(fix_venue, tmp_path / "kept")
    if gateway_dies:
        fix_venue.gateway.kill9()
        alpha.fix.close()
        bravo.fix.close()
    fix_venue.engine.start()
    if gateway_dies:
        fix_venue.gateway.start()
        alpha.relogon()
        bravo.relogon()
    bust = alpha.expect(t11="filled", t150="H")
    assert [text(bust, tag) for tag in (17, 19, 39)] == [f"X{fill}", fill, "0"]
    assert quantities(bust, 14, 151, 32) == [0, Decimal("0.02"), Decimal("0.01")]
    gone = alpha.expect(t11="gone", t150="4")
    assert [text(gone, tag) for tag in (39, 14, 151, 58)] == ["4", "0", "0", "order lost in a crash of the venue"]
    restated = alpha.expect(t150="D")
    assert [text(restated, tag) for tag in (11, 39)] == ["canceled", "0"]
    assert quantities(restated, 151) == [Decimal("0.02")]
    bust = bravo.expect(t11="hit", t150="H")
    assert [text(bust, tag) for tag in (19, 39, 14, 151)] == [bravo_fill, "4", "0", "0"]
    wait_for(lambda: fix_venue.gateway.counter("engine_available") == 1, "the gateway to take orders again")
    alpha.new("gone", "1", "0.01", "45")
    bravo.new("again", "2", "0.01", "50")
    second = text(alpha.expect(t11="filled", t150="F"), 17)
    assert second != fill
    alpha.expect(t11="gone", t150="0")
    fix_venue.gateway.kill9()
    fix_venue.gateway.start()
    alpha.fix.close()
    alpha.relogon()
    alpha.settle()
    assert [str(message) for message in alpha.reports if text(message, 150) != "I"] == []
    assert quantities(alpha.canceled("filled"), 14) == [Decimal("0.01")]
    assert fix_venue.gateway.counter("logons") == 1


def test_commands_without_a_verdict_survive_an_engine_that_lost_its_last_events(
    fix_venue: Venue, tmp_path: Path
) -> None:
    """On their way when the engine died and came back with an older past: applied once, in order, under one verdict."""
    alpha = fix_venue.trader("ALPHA").logon()
    alpha.new("kept", "1", "0.01", "50")
    alpha.expect(t11="kept", t150="0")
    alpha.settle()
    lose_what_follows(fix_venue, tmp_path / "kept")
    alpha.new("lost", "1", "0.01", "50")
    alpha.expect(t11="lost", t150="0")
    alpha.settle()
    lost(fix_venue, tmp_path / "kept")
    for number in range(10):
        alpha.new(f"n{number}", "1", "0.01", "50")
    wait_for(lambda: fix_venue.gateway.counter("pending") == 10, "the orders to be pending")
    fix_venue.engine.start()
    for number in range(10):
        alpha.expect(t11=f"n{number}", t150="0")
    assert text(alpha.expect(t11="lost", t150="4"), 58) == "order lost in a crash of the venue"
    alpha.settle()
    assert told(alpha, "0") + told(alpha, "4") == []
    assert accepted(fix_venue) == Counter(["kept", *(f"n{number}" for number in range(10))])
    assert fix_venue.gateway.counter("logons") == 1
