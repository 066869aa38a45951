"""venuectl against the running venue: what operators type does what it says, and says clearly why it cannot."""

from __future__ import annotations

import itertools

import orjson
import pytest
from click.testing import CliRunner, Result

from engine.book import ReferenceCore
from engine.inspect import capacity
from engine.journal import CommandJournal
from engine.wire.messages import DayEnded, StateHash, TradingStateChanged, decode
from ops import venuectl
from ops.fix_client import text
from ops.local import START_ORDER
from ops.trace import REQUIRED
from tests.fixtures.fix_engine import wait_for
from tests.fixtures.fix_gateway import Trader
from tests.fixtures.fix_venue import RunningVenue

DAYS = itertools.count(20261124)
NUMBERS = itertools.count(1)


def ctl(venue: RunningVenue, *arguments: str) -> Result:
    """Runs one command as an operator would."""
    result = CliRunner().invoke(venuectl.main, ["--cfg", str(venue.venue.cfg_dir), *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def good(venue: RunningVenue, *arguments: str) -> str:
    """The output of a command that must succeed."""
    result = ctl(venue, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(venue: RunningVenue, *arguments: str) -> str:
    """The error of a command that must end with exit code 1 and one clear line."""
    result = ctl(venue, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1, result.stderr
    return result.stderr


def rest(trader: Trader, side: str, price: str) -> str:
    """A resting DAY order of one coin; its ClOrdID."""
    clordid = f"{trader.fix.sender}-{next(NUMBERS)}"
    trader.new(clordid, side, "1", price)
    trader.expect(t11=clordid, t150="0")
    return clordid


@pytest.fixture
def filled(running_venue: RunningVenue) -> str:
    """ClOrdID of an order of ALPHA that BRAVO filled."""
    alpha, bravo = running_venue.trader("ALPHA"), running_venue.trader("BRAVO")
    clordid = rest(alpha, "1", "1900.00")
    bravo.new(f"{clordid}-other", "2", "1", "1900.00")
    alpha.expect(t11=clordid, t150="F", t39="2")
    bravo.expect(t11=f"{clordid}-other", t150="F", t39="2")
    return clordid


def test_status_shows_every_daemon_up(running_venue: RunningVenue) -> None:
    """Exit code 0; as a table and as JSON with the pids and counters that the daemons themselves tell."""
    table = good(running_venue, "status")
    report = orjson.loads(good(running_venue, "status", "--json"))
    assert set(report) == set(START_ORDER)
    for name, pid in running_venue.pids().items():
        assert name in table
        assert (report[name]["state"], report[name]["pid"]) == ("up", pid)
    assert report["engine"]["counters"]["sequence"] > 0


def test_status_of_a_venue_that_is_down_exits_1(running_venue: RunningVenue) -> None:
    """A counters file whose process is gone reads as down; none at all as never started."""
    running_venue.trader("ALPHA").fix.logout()
    running_venue.venue.kill9("fixgw")
    try:
        result = ctl(running_venue, "status", "--json")
        assert result.exit_code == 1
        states = {name: row["state"] for name, row in orjson.loads(result.stdout).items()}
        assert states == {name: "down" if name == "fixgw" else "up" for name in START_ORDER}
    finally:
        running_venue.venue.start_daemon("fixgw")
        running_venue.venue.await_ready("fixgw")
    good(running_venue, "status")


def test_trace_shows_every_hop_of_a_filled_order(running_venue: RunningVenue, filled: str) -> None:
    """From FIX in to the final block, in order of time."""
    traced: list[str] = []

    def final() -> bool:
        traced[:] = [hop["name"] for hop in orjson.loads(good(running_venue, "trace", filled, "--json"))["hops"]]
        return "final" in traced

    wait_for(final, "the trade's final block", 60)
    assert set(REQUIRED) <= set(traced)
    assert [name for name in traced if name in ("FIX in", "command", "posted", "sent", "mined", "final")] == [
        "FIX in",
        "command",
        "posted",
        "sent",
        "mined",
        "final",
    ]
    assert filled in good(running_venue, "trace", filled)


def test_trace_of_an_unknown_order_says_so(running_venue: RunningVenue) -> None:
    """Exit code 1 and the ClOrdID that nobody used."""
    assert refused(running_venue, "trace", "nobody-1") == "no order ever had ClOrdID nobody-1\n"


def test_book_shows_resting_orders_in_priority(running_venue: RunningVenue) -> None:
    """Best price first at the middle, with decimal price, quantity and the OrderID that the client was told."""
    alpha = running_venue.trader("ALPHA")
    order_ids = {}
    for side, price in (("1", "1800.00"), ("1", "1801.50"), ("2", "2500.00")):
        clordid = f"book-{next(NUMBERS)}"
        alpha.new(clordid, side, "0.25", price)
        order_ids[price] = text(alpha.expect(t11=clordid, t150="0"), 37)
    lines = good(running_venue, "book", "ETH-USD").splitlines()[1:]
    shown = [(word, price, quantity, order) for word, price, _, quantity, _, order in (line.split() for line in lines)]
    mine = [row for row in shown if row[3] in order_ids.values()]
    assert mine == [
        ("sell", "2500.00", "0.2500", order_ids["2500.00"]),
        ("buy", "1801.50", "0.2500", order_ids["1801.50"]),
        ("buy", "1800.00", "0.2500", order_ids["1800.00"]),
    ]


def test_state_hash_is_that_of_the_reference_implementation(running_venue: RunningVenue, filled: str) -> None:
    """The hash after command N is the one that the plain Python book reaches with the same N commands."""
    line = good(running_venue, "state-hash").split()
    command, event, state_hash = int(line[1]), int(line[3]), line[5]
    reference = ReferenceCore(capacity(running_venue.config))
    for record in CommandJournal(running_venue.config.paths.state_dir / "engine" / "journal"):
        if record.message and record.sequence <= command:
            reference.apply(record.sequence, record.epoch, record.time_ns, record.message)
    assert f"{reference.state_hash():032x}" == state_hash
    assert good(running_venue, "state-hash", "--at", str(event)).split()[5] == state_hash
    assert good(running_venue, "state-hash", "--at", "1").split()[5] != state_hash


def test_a_halted_venue_takes_cancels_only(running_venue: RunningVenue) -> None:
    """New orders get OrdRejReason 2 until it is open again, cancels work; operator and reason are in the journal."""
    alpha = running_venue.trader("ALPHA")
    resting = rest(alpha, "1", "1700.00")
    assert good(running_venue, "state", "halted", "--reason", "a drill") == "venue is halted\n"
    alpha.new("while-halted", "1", "1", "1700.00")
    report = alpha.expect(t11="while-halted", t150="8")
    assert (text(report, 103), text(report, 58)) == ("2", "market is not open: only cancels are taken")
    alpha.cancel(f"{resting}-c", resting, "1")
    alpha.expect(t11=f"{resting}-c", t150="4")
    assert good(running_venue, "state", "open", "--reason", "drill over") == "venue is open\n"
    rest(alpha, "1", "1700.00")
    printed = good(running_venue, "journal", "print", "--events")
    assert "a drill" in printed
    assert printed.count(TradingStateChanged.__name__) == 2


def test_one_instrument_can_be_halted_alone(running_venue: RunningVenue) -> None:
    """Orders in the other instrument are taken."""
    alpha = running_venue.trader("ALPHA")
    good(running_venue, "state", "halted", "--instrument", "BTC-USD", "--reason", "a drill")
    alpha.new("btc-halted", "1", "0.001", "50000.0", symbol="BTC-USD")
    alpha.expect(t11="btc-halted", t150="8", t103="2")
    rest(alpha, "1", "1600.00")
    good(running_venue, "state", "open", "--instrument", "BTC-USD", "--reason", "drill over")
    alpha.new("btc-open", "1", "0.001", "50000.0", symbol="BTC-USD")
    alpha.expect(t11="btc-open", t150="0")


def test_the_end_of_day_expires_day_orders(running_venue: RunningVenue) -> None:
    """The client gets 150=C for its DAY order and keeps the good-till-cancel one; a day ends once."""
    alpha = running_venue.trader("ALPHA")
    resting = rest(alpha, "1", "1500.00")
    kept = f"{resting}-gtc"
    alpha.new(kept, "1", "1", "1499.00", time_in_force="1")
    order_id = text(alpha.expect(t11=kept, t150="0"), 37)
    day = next(DAYS)
    said = good(running_venue, "end-of-day", str(day))
    assert said.startswith(f"day {day} ended, ")
    alpha.expect(t11=resting, t150="C", t39="C")
    assert order_id in good(running_venue, "book", "ETH-USD")
    assert f"{DayEnded.__name__}(" in good(running_venue, "journal", "print", "--events")
    assert refused(running_venue, "end-of-day", str(day)) == "refused: INVALID_STATE\n"


def test_the_journal_is_printed_and_verified(running_venue: RunningVenue, filled: str) -> None:
    """Both journals verify; the printed commands hold the order."""
    assert f"clordid=b'{filled}'" in good(running_venue, "journal", "print")
    assert "commands up to" in good(running_venue, "journal", "verify")
    assert "every one whole" in good(running_venue, "journal", "verify", "--events")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("book", "DOGE-USD"), "no instrument DOGE-USD in the configuration"),
        (("state", "halted", "--instrument", "DOGE-USD", "--reason", "r"), "no instrument DOGE-USD"),
        (("state", "halted", "--reason", "r" * 49), "--reason is longer than 48 bytes"),
        (("end-of-day", "20261399"), "20261399 is no date like 20261123"),
        (("end-of-day", "20991231"), "20991231 is more than 7 days ahead"),
        (("state-hash", "--at", "1000000000"), "the journal ends at event"),
    ],
    ids=["book", "instrument", "reason", "date", "far ahead", "event"],
)
def test_what_cannot_be_done_is_refused_with_one_line(
    running_venue: RunningVenue, arguments: tuple[str, ...], says: str
) -> None:
    """Exit code 1, the reason on stderr, and the venue is as before."""
    with running_venue.unharmed():
        assert says in refused(running_venue, *arguments)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("status", "--colour"), "No such option '--colour'"),
        (("state", "closed-for-lunch", "--reason", "r"), "is not one of 'open'"),
        (("state", "halted"), "Missing option '--reason'"),
        (("end-of-day", "tomorrow"), "'tomorrow' is not a valid integer"),
        (("book", "ETH-USD", "--at", "0"), "0 is not in the range"),
        (("frobnicate",), "No such command 'frobnicate'"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_wrong_command_line_exits_2(running_venue: RunningVenue, arguments: tuple[str, ...], says: str) -> None:
    """Unknown options, states and commands are named."""
    result = ctl(running_venue, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr


def test_a_clean_stop_journals_the_hash_that_venuectl_shows(running_venue: RunningVenue) -> None:
    """The engine's own last word is the state that its journal leads to. Last in this module: it stops the venue."""
    running_venue.close()
    state_hash = int(good(running_venue, "state-hash").split()[5], 16)
    records = CommandJournal(running_venue.config.paths.state_dir / "engine" / "journal")
    last = decode([record.message for record in records if record.message][-1])
    assert isinstance(last, StateHash)
    assert (last.high << 64 | last.low) == state_hash
    assert "stopped cleanly" in good(running_venue, "journal", "verify")
    assert ctl(running_venue, "status").exit_code == 1
