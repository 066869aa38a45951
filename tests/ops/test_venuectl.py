"""venuectl against the running venue: what operators type does what it says, and says clearly why it cannot."""

from __future__ import annotations

import itertools
import subprocess
import sys

import orjson
import pytest
from click.testing import CliRunner, Result

from engine.book import ReferenceCore
from engine.inspect import capacity, events
from engine.journal import CommandJournal
from engine.wire.messages import (
    DayEnded,
    StateHash,
    Trade,
    TradeBusted,
    TradingState,
    TradingStateChanged,
    TradingStateSet,
    Transferred,
    decode,
)
from ops import admin, venuectl
from ops.fix_client import text
from ops.local import ROOT, START_ORDER
from ops.markets import markets
from ops.trace import REQUIRED
from settlement.batches import EMPTY_LEAF, bust_preimage, merkle_proof, preimage, transfer_preimage
from settlement.database import connect, find_url
from settlement.transfers import position
from settlement.vault import VaultClient
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
    said = orjson.loads(good(running_venue, "status", "--json"))
    report = said["daemons"]
    assert set(report) == set(START_ORDER)
    assert {symbol: row["phase"] for symbol, row in said["instruments"].items()} == {
        "ETH-USD": "continuous",
        "BTC-USD": "continuous",
    }
    for name, pid in running_venue.pids().items():
        assert name in table
        assert (report[name]["state"], report[name]["pid"]) == ("up", pid)
    assert report["engine"]["counters"]["sequence"] > 0


def test_the_instruments_are_seen_whatever_the_feed_is_bound_to(running_venue: RunningVenue) -> None:
    """What [mdfeed] binds may be a wildcard or nothing: the operator on this host reads the feed all the same."""
    feed = running_venue.config.mdfeed
    for publish in ((), ("tcp://*:9900",)):
        bound = feed.model_copy(update={"publish": publish, "snapshot": "tcp://*:9901"})
        found = markets(running_venue.config.model_copy(update={"mdfeed": bound}))
        assert [market.symbol for market in found] == ["ETH-USD", "BTC-USD"]


def test_status_of_a_venue_that_is_down_exits_1(running_venue: RunningVenue) -> None:
    """A counters file whose process is gone reads as down; none at all as never started."""
    running_venue.trader("ALPHA").fix.logout()
    running_venue.venue.kill9("fixgw")
    try:
        result = ctl(running_venue, "status", "--json")
        assert result.exit_code == 1
        states = {name: row["state"] for name, row in orjson.loads(result.stdout)["daemons"].items()}
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


def test_book_shows_what_an_iceberg_hides(running_venue: RunningVenue) -> None:
    """The operator sees the whole order and what the market sees of it."""
    bravo = running_venue.trader("BRAVO")
    clordid = f"iceberg-{next(NUMBERS)}"
    bravo.new(clordid, "2", "3", "2600.00", extra=[(111, "0.5")])
    order_id = text(bravo.expect(t11=clordid, t150="0"), 37)
    assert f"sell        2600.00 x 3.0000       order {order_id}, shows 0.5000" in good(
        running_venue, "book", "ETH-USD"
    )


def test_state_hash_is_that_of_the_reference_implementation(running_venue: RunningVenue, filled: str) -> None:
    """The hash after command N is the one that the plain Python book reaches with the same N commands."""
    line = good(running_venue, "state-hash").split()
    command, event, state_hash = int(line[1]), int(line[3]), line[5]
    reference = ReferenceCore(capacity(running_venue.config))
    for record in CommandJournal(running_venue.config.paths.state_dir / "engine" / "journal"):
        if record.message and record.sequence <= command:
            reference.apply(record.sequence, record.epoch, record.time_ns, record.message)
    assert f"{reference.state_hash():032x}" == state_hash
    assert good(running_venue, "state-hash", "--at", str(command)).split()[5] == state_hash
    assert good(running_venue, "state-hash", "--at-event", str(event)).split()[3] == str(event)
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
    assert f" {DayEnded.__name__} day={day} " in good(running_venue, "journal", "print", "--events")
    assert refused(running_venue, "end-of-day", str(day)) == "refused: INVALID_STATE\n"


def test_the_journal_is_printed_and_verified(running_venue: RunningVenue, filled: str) -> None:
    """Both journals verify; the printed commands hold the order."""
    assert f" clordid={filled} " in good(running_venue, "journal", "print")
    assert "every record proved" in good(running_venue, "journal", "verify")
    assert "every one whole" in good(running_venue, "journal", "verify", "--events")


def balance(venue: RunningVenue, account: int, asset: int) -> int:
    """What the engine holds for the account, available and reserved."""
    return sum(venue.state().balances[account, asset])


def test_an_auction_is_opened_and_ended_by_the_operator(running_venue: RunningVenue) -> None:
    """Orders cross without trading until the operator says so; then all trade at one price; the operator is told."""
    alpha, bravo = running_venue.trader("ALPHA"), running_venue.trader("BRAVO")
    why = ("--reason", "a drill")
    assert good(running_venue, "phase", "ETH-USD", "opening-auction", *why) == (
        "ETH-USD is opening-auction, was continuous\n"
    )
    buy, sell = rest(alpha, "1", "2100.00"), rest(bravo, "2", "2090.00")
    found = orjson.loads(good(running_venue, "status", "--json"))["instruments"]["ETH-USD"]
    assert found["phase"] == "opening-auction"
    said = good(running_venue, "phase", "ETH-USD", "continuous", *why).splitlines()
    assert said[0] == "ETH-USD is continuous, was opening-auction"
    assert said[1].startswith("the auction traded 1.0000 at 20")
    for trader, clordid in ((alpha, buy), (bravo, sell)):
        trader.expect(t11=clordid, t150="F", t39="2")
    found = orjson.loads(good(running_venue, "status", "--json"))["instruments"]["ETH-USD"]
    assert (found["phase"], found["reference"]) == ("continuous", found["last"])


def test_an_auction_ends_at_the_time_it_was_given(running_venue: RunningVenue) -> None:
    """--for says how long; nobody has to end it."""
    said = good(running_venue, "phase", "BTC-USD", "opening-auction", "--for", "1", "--reason", "a drill")
    assert said.startswith("BTC-USD is opening-auction until ")

    def over() -> bool:
        status = orjson.loads(good(running_venue, "status", "--json"))
        return bool(status["instruments"]["BTC-USD"]["phase"] == "continuous")

    wait_for(over, "the auction's end", 20)


def test_the_reference_price_is_set_and_taken_away(running_venue: RunningVenue) -> None:
    """As decimal text on a tick within the instrument's range."""
    why = ("--reason", "a drill")
    assert good(running_venue, "reference-price", "BTC-USD", "60000.5", *why) == (
        "reference price of BTC-USD is 60000.5\n"
    )
    assert refused(running_venue, "reference-price", "BTC-USD", "60000.55", *why) == (
        "60000.55 is not a multiple of BTC-USD's tick_size\n"
    )
    assert refused(running_venue, "reference-price", "BTC-USD", "99999999.9", *why) == "refused: PRICE_OUT_OF_RANGE\n"
    assert good(running_venue, "reference-price", "BTC-USD", "none", *why) == "reference price of BTC-USD is none\n"


@pytest.mark.parametrize(
    "scope", [("--account", "ALPHA-1"), ("--session", "ALPHA"), ("--participant", "ALPHA"), ("--venue",)]
)
def test_a_kill_switch_cancels_and_blocks_until_released(running_venue: RunningVenue, scope: tuple[str, ...]) -> None:
    """The open orders in its reach are cancelled and counted, new ones are rejected, until it is released."""
    alpha = running_venue.trader("ALPHA")
    good(running_venue, "cancel", "--all", "--reason", "a clean book")
    resting = rest(alpha, "1", "1400.00")
    said = good(running_venue, "kill", "engage", *scope, "--reason", "a drill")
    assert said.endswith("is engaged, 1 orders cancelled\n")
    alpha.expect(t11=resting, t150="4")
    clordid = f"killed-{next(NUMBERS)}"
    alpha.new(clordid, "1", "1", "1400.00")
    alpha.expect(t11=clordid, t150="8")
    assert good(running_venue, "kill", "release", *scope, "--reason", "over").endswith("is released\n")
    rest(alpha, "1", "1400.00")


def test_the_operator_cancels_what_fits_every_filter(running_venue: RunningVenue) -> None:
    """Of two accounts' orders only those of the one, on the one side; then all the rest."""
    alpha, bravo = running_venue.trader("ALPHA"), running_venue.trader("BRAVO")
    good(running_venue, "cancel", "--all", "--reason", "a clean book")
    mine, other_side, theirs = rest(alpha, "1", "1300.00"), rest(alpha, "2", "2900.00"), rest(bravo, "1", "1301.00")
    why = ("--reason", "a drill")
    filters = ("--account", "ALPHA-1", "--side", "buy", "--instrument", "ETH-USD")
    assert good(running_venue, "cancel", *filters, *why) == "1 orders cancelled\n"
    alpha.expect(t11=mine, t150="4")
    assert good(running_venue, "cancel", "--session", "BRAVO", *why) == "1 orders cancelled\n"
    bravo.expect(t11=theirs, t150="4")
    assert good(running_venue, "cancel", "--all", *why) == "1 orders cancelled\n"
    alpha.expect(t11=other_side, t150="4")


def test_what_got_no_answer_may_have_been_carried_out(
    running_venue: RunningVenue, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The operator is told so, for here it was: only its verdict was not recognised."""
    monkeypatch.setattr(admin, "ANSWER_TIMEOUT_S", 5.0)
    command = TradingStateSet(0, TradingState.OPEN, b"test", b"r").encode()
    with running_venue.unharmed("TradingStateSet"), pytest.raises(SystemExit):
        admin.send_admin(running_venue.config, command, lambda event: False, lambda refused: False)
    assert "it may have carried this out or may still" in capsys.readouterr().err


def test_only_a_tripped_protection_is_reset(running_venue: RunningVenue) -> None:
    """The engine refuses, and that is the operator's answer."""
    with running_venue.unharmed("MarketMakerProtectionReset"):
        said = refused(running_venue, "protection", "reset", "ALPHA-1", "ETH-USD", "--reason", "r")
        assert said == "refused: INVALID_STATE\n"


def test_a_credit_line_is_drawn_and_paid_back(running_venue: RunningVenue) -> None:
    """Money moves between lender and client, once for each number; both sides are told, and the ledger follows."""
    before = balance(running_venue, 21, 1)
    why = ("--reason", "credit line", "--operator", "clerk")
    said = good(running_venue, "transfer", "LENDER", "BRAVO-1", "USD", "1000.5", *why)
    assert said.startswith("transfer 1: 1000.5 USD; available to LENDER now ")
    assert balance(running_venue, 21, 1) == before + 1_000_500_000
    made = "1000.500000 USD from LENDER to BRAVO-1 by clerk\n"
    again = (*("transfer", "LENDER", "BRAVO-1", "USD"), *why, "--seq", "1")
    assert refused(running_venue, *again, "1000.5") == f"transfer 1 has been made: {made}"
    assert refused(running_venue, *again, "1") == f"transfer 1 was another one, yours is not made: {made}"
    wait_for(lambda: position(running_venue.config, 21).transfer_seq == 1, "the transfer in the ledger")
    assert refused(running_venue, *again, "1000.5") == f"transfer 1 has been made: {made}"
    assert not position(running_venue.config, 999).has_vault_account
    assert refused(running_venue, *again, "1000.5", "--operator", "another") == (
        f"transfer 1 was another one, yours is not made: {made}"
    )
    assert refused(running_venue, "transfer", "LENDER", "BRAVO-1", "USD", "1", "--seq", "3", *why) == (
        "refused: OUT_OF_SEQUENCE\n"
    )
    said = good(running_venue, "transfer", "BRAVO-1", "LENDER", "USD", "1000.5", "--seq", "2", *why)
    assert said.startswith("transfer 2: ")
    assert balance(running_venue, 21, 1) == before
    assert refused(running_venue, "transfer", "LENDER", "ALPHA-1", "ETH", "99999", *why) == (
        "refused: INSUFFICIENT_FUNDS\n"
    )


def test_a_trade_is_busted_once(running_venue: RunningVenue, filled: str) -> None:
    """Both sides are told and have what they had; trace shows it; the trade can't be busted again."""
    trade = [event for event in map(decode, events(running_venue.config)) if isinstance(event, Trade)][-1]
    before = {pair: balance(running_venue, *pair) for pair in ((11, 1), (11, 2), (21, 1), (21, 2))}
    said = good(running_venue, "bust", str(trade.trade_id), "--reason", "a clear error")
    assert said == f"trade {trade.trade_id} is busted: 1.0000 ETH-USD at 1900.00\n"
    after = {pair: balance(running_venue, *pair) for pair in before}
    assert after[11, 2] == before[11, 2] - 10**8 and after[21, 2] == before[21, 2] + 10**8
    assert after[11, 1] == before[11, 1] + trade.notional_units + trade.maker_fee_units
    assert after[21, 1] == before[21, 1] - trade.notional_units + trade.taker_fee_units
    for comp_id in ("ALPHA", "BRAVO"):
        running_venue.trader(comp_id).expect(t150="H")
    assert refused(running_venue, "bust", str(trade.trade_id), "--reason", "again") == "refused: ALREADY_BUSTED\n"
    assert refused(running_venue, "bust", "999999999", "--reason", "none") == "refused: UNKNOWN_TRADE\n"

    def settled() -> bool:
        hops = orjson.loads(good(running_venue, "trace", filled, "--json"))["hops"]
        return "busted" in (names := {hop["name"] for hop in hops}) and "bust final" in names

    wait_for(settled, "the bust's final block", 60)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("book", "DOGE-USD"), "no instrument DOGE-USD in the configuration"),
        (("kill", "engage", "--reason", "r"), "name exactly one of --account, --session"),
        (("kill", "engage", "--venue", "--session", "ALPHA", "--reason", "r"), "name exactly one of --account"),
        (("kill", "engage", "--account", "NOBODY", "--reason", "r"), "no account NOBODY in the configuration"),
        (("cancel", "--reason", "r"), "name what to cancel by --account"),
        (("cancel", "--all", "--side", "buy", "--reason", "r"), "name what to cancel by --account"),
        (("cancel", "--session", "NOBODY", "--reason", "r"), "no session NOBODY in the configuration"),
        (("phase", "ETH-USD", "halt", "--for", "5", "--reason", "r"), "--for is for auctions"),
        (
            ("transfer", "ALPHA-1", "BRAVO-1", "USD", "1", "--reason", "r"),
            "neither ALPHA-1 nor BRAVO-1 is an account of",
        ),
        (("transfer", "LENDER", "BRAVO-1", "USD", "0.0000001", "--reason", "r"), "is not a multiple of USD's unit"),
        (("transfer", "LENDER", "BRAVO-1", "USD", "1000000000", "--reason", "r"), "is more than one settlement batch"),
        (("transfer", "LENDER", "SUSPENSE", "USD", "1", "--reason", "r"), "SUSPENSE holds money of unknown depositors"),
        (("transfer", "SUSPENSE", "LENDER", "USD", "1", "--reason", "r"), "SUSPENSE holds money of unknown depositors"),
        (("bust", "1", "--guarantor", "SUSPENSE", "--reason", "r"), "SUSPENSE holds money of unknown depositors"),
        (("bust", "1", "--reason", "r" * 48, "--operator", "o" * 17), "--operator is longer than 16 bytes"),
        (("state", "halted", "--instrument", "DOGE-USD", "--reason", "r"), "no instrument DOGE-USD"),
        (("state", "halted", "--reason", "r" * 49), "--reason is longer than 48 bytes"),
        (("state", "halted", "--reason", " "), "--reason must be text that can be read"),
        (("state", "halted", "--reason", "\udcff"), "--reason must be text that can be read"),
        (("end-of-day", "20261399"), "20261399 is no date like 20261123"),
        (("end-of-day", "20991231"), "20991231 is more than 7 days ahead"),
        (("state-hash", "--at", "1000000000"), "its last durable command is"),
        (("state-hash", "--at-event", "1000000000"), "its last durable event is"),
        (("book", "ETH-USD", "--at", "1", "--at-event", "1"), "give one of them"),
        (("journal", "grep", "--account", "NOBODY"), "no account NOBODY in the configuration"),
        (("journal", "grep", "--template", "NewOrders"), "no command or event is called NewOrders"),
    ],
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
        (("journal", "grep", "--since", "noon"), "noon is no time like 2026-11-23T08:30:00"),
        (("phase", "ETH-USD", "volatility-auction", "--reason", "r"), "is not one of 'pre-open'"),
        (("bust", "0", "--reason", "r"), "0 is not in the range"),
        (("frobnicate",), "No such command 'frobnicate'"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_wrong_command_line_exits_2(running_venue: RunningVenue, arguments: tuple[str, ...], says: str) -> None:
    """Unknown options, states and commands are named."""
    result = ctl(running_venue, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr


def test_engine_ledger_and_vault_agree_after_all_of_it(running_venue: RunningVenue) -> None:
    """Auctions, transfers and busts are settled to the unit."""
    command = [sys.executable, "-m", "settlement.reconcile", "--cfg", str(running_venue.venue.cfg_dir), "--wait", "90"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "engine = ledger = vault" in done.stdout


def test_the_vault_confirms_the_leaf_of_every_kind(running_venue: RunningVenue) -> None:
    """A trade, its bust and a transfer, each packed from its event alone, are where the batch's root says."""
    config = running_venue.config
    chain_id, vault = config.settlement.chain_id, bytes.fromhex(config.settlement.vault_address[2:])
    client = VaultClient(config.settlement.rpc_urls[0], config.settlement.vault_address)

    def packed(event: Trade | TradeBusted | Transferred, before: bytes) -> bytes:
        if isinstance(event, Trade):
            return preimage(chain_id, vault, event, before)
        if isinstance(event, TradeBusted):
            return bust_preimage(chain_id, vault, event, before)
        return transfer_preimage(chain_id, vault, event, before)

    moved = [event for event in map(decode, events(config)) if isinstance(event, Trade | TradeBusted | Transferred)]
    with connect(find_url(config), "test") as connection:
        rows = connection.execute(
            "SELECT settleable.sequence, leaf, id, first_seq, root FROM settleable "
            "JOIN batch ON sequence BETWEEN first_seq AND last_seq ORDER BY sequence"
        ).fetchall()
    assert [row[0] for row in rows] == [event.sequence for event in moved]
    before = EMPTY_LEAF
    seen = set()
    for event, (_, leaf, batch, _, root) in zip(moved, rows, strict=True):
        leaves = [bytes(row[1]) for row in rows if row[2] == batch]
        index = leaves.index(bytes(leaf))
        assert client.root_of(batch) == bytes(root)
        assert client.verify(bytes(root), packed(event, before), index, merkle_proof(leaves, index))
        assert not client.verify(bytes(root), packed(event, b"\1" * 32), index, merkle_proof(leaves, index))
        before = bytes(leaf)
        seen.add(type(event).__name__)
    assert seen == {"Trade", "TradeBusted", "Transferred"}


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
