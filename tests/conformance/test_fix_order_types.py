"""Every order type, time in force and market phase over FIX as docs/FIX.md states them: client, gateway, real engine.

Tests keep apart by ClOrdID; `quiet_market` makes each begin with an empty book in the continuous phase.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import simplefix

from engine.wire.messages import (
    KillScope,
    KillSwitchChanged,
    KillSwitchSet,
    MarketMakerProtectionChanged,
    MarketMakerProtectionReset,
    MassCanceled,
    OperatorCancel,
    Phase,
    PhaseChanged,
    PhaseSet,
    ReferencePriceChanged,
    ReferencePriceSet,
    TradeBust,
    TradeBusted,
)
from ops.fix_client import text
from ops.toml_edit import Edit, apply
from tests.fixtures.fix_engine import ALPHA, ALPHA_ACCOUNT, BRAVO_ACCOUNT, ETH_USD
from tests.fixtures.fix_gateway import Trader, Venue, running_venue

BTC, BTC_USD = 3, 2
TEN_BTC = 10 * 10**8
BUY, SELL = "1", "2"
TICKS = 100  # of ETH-USD in a dollar


def configure(cfg_dir: Path) -> None:
    """ALPHA-1 has a self-trade key; BTC-USD has a price band, a market maker's protection and a risk limit."""
    participants = cfg_dir / "participants.toml"
    edited = apply(participants.read_text(), [Edit("account", {"stp_key": 7}, ("id", 11))])
    protection = '[[market_maker_protection]]\naccount = 21\ninstrument = "BTC-USD"\nmax_fills = 2\nwindow_ms = 60000\n'
    limit = '[[risk_limit]]\naccount = 11\ninstrument = "BTC-USD"\nmax_order_quantity = "5"\n'
    participants.write_text(f"{edited}\n{protection}\n{limit}")
    instruments = cfg_dir / "instruments.toml"
    head, second = instruments.read_text().rsplit("[[instrument]]", 1)
    instruments.write_text(f"{head}[[instrument]]\nstatic_band_ppm = 100000\n{second}")


@pytest.fixture(scope="module")
def standing_venue() -> Iterator[Venue]:
    """In place of the shared one: with the protections that these tests meet."""
    with running_venue(configure) as venue:
        venue.operator.credit(ALPHA_ACCOUNT, BTC, TEN_BTC, 5)
        venue.operator.poll_until(lambda: len(venue.credited()) == 5, "ALPHA's BTC")
        yield venue


@pytest.fixture(autouse=True)
def quiet_market(standing_venue: Venue) -> Iterator[None]:
    """No order, no reference price and continuous trading before and after each test."""
    yield
    standing_venue.operate(OperatorCancel(0, 0, 0, 0, b"test", b"tidy"), MassCanceled)
    phase(standing_venue, Phase.CONTINUOUS)
    reference_price(standing_venue, 0)


def phase(venue: Venue, to: Phase) -> None:
    """The operator moves ETH-USD into a phase."""
    venue.operate(PhaseSet(ETH_USD, to, 0, b"test", b""), PhaseChanged)


def reference_price(venue: Venue, dollars: int, instrument: int = ETH_USD, ticks: int = TICKS) -> None:
    """The operator sets the reference price; 0 takes it away."""
    venue.operate(ReferencePriceSet(instrument, dollars * ticks, b"test", b""), ReferencePriceChanged)


def state(message: simplefix.FixMessage) -> tuple[str, ...]:
    """ExecType, OrdStatus, CumQty, LeavesQty of an Execution Report."""
    return tuple(text(message, tag) for tag in (150, 39, 14, 151))


def values(message: simplefix.FixMessage, *tags: int) -> list[str]:
    """The values of these tags, "" where there is none."""
    return [text(message, tag) for tag in tags]


def trade(seller: Trader, buyer: Trader, price: str, name: str, quantity: str = "0.5") -> str:
    """Makes a trade, and so the last price; returns the number in both ExecIDs."""
    seller.new(f"{name}-s", SELL, quantity, price)
    seller.expect(t11=f"{name}-s", t150="0")
    buyer.new(f"{name}-b", BUY, quantity, price)
    buyer.expect(t11=f"{name}-b", t150="0")
    seller.expect(t11=f"{name}-s", t150="F", t39="2")
    return text(buyer.expect(t11=f"{name}-b", t150="F", t39="2"), 17).removesuffix("T")


def test_a_stop_waits_until_its_price_trades(alpha: Trader, bravo: Trader) -> None:
    """New and not working; Restated and working once the last trade reaches StopPx; then it takes what is there."""
    trade(bravo, alpha, "2000", "before")
    bravo.new("offer", SELL, "2", "2012")
    bravo.expect(t11="offer", t150="0")
    alpha.new("stop", BUY, "1.5", order_type="3", extra=[(99, "2010")])
    waiting = alpha.expect(t11="stop", t150="0")
    assert values(waiting, 39, 40, 99, 636, 44, 151) == ["0", "3", "2010.00", "N", "", "1.5000"]
    alpha.status("stop", BUY)
    assert values(alpha.expect(t11="stop", t150="I"), 39, 99, 636) == ["0", "2010.00", "N"]
    trade(bravo, alpha, "2010", "reach")
    triggered = alpha.expect(t11="stop", t150="D")
    assert values(triggered, 39, 636, 378, 99) == ["0", "Y", "99", "2010.00"]
    assert "stop price reached" in text(triggered, 58)
    fill = alpha.expect(t11="stop", t150="F")
    assert (*state(fill), text(fill, 31)) == ("F", "2", "1.5000", "0.0000", "2012.00")


def test_a_stop_that_would_trigger_at_once_is_rejected(alpha: Trader, bravo: Trader) -> None:
    """The last price is beyond StopPx already: 150=8, and the reason names StopPx."""
    trade(bravo, alpha, "2000", "at-once")
    alpha.new("late-stop", BUY, "1", order_type="3", extra=[(99, "1990")])
    rejected = alpha.expect(t11="late-stop", t150="8")
    assert (text(rejected, 103), text(rejected, 99)) == ("99", "1990.00")
    assert "StopPx" in text(rejected, 58)


def test_a_stop_limit_on_the_reference_price(standing_venue: Venue, alpha: Trader) -> None:
    """StopTrigger 2: a trade does not matter, the reference price does; the rest is a limit order at its Price."""
    reference_price(standing_venue, 2000)
    alpha.new("sl", SELL, "1", "1940", order_type="4", extra=[(99, "1950"), (20002, "2")])
    assert values(alpha.expect(t11="sl", t150="0"), 44, 99, 20002, 636) == [*("1940.00", "1950.00", "2", "N")]
    alpha.replace("sl-2", "sl", SELL, "2", "1930", order_type="4", extra=[(99, "1960")])
    replaced = alpha.expect(t11="sl-2", t150="5")
    assert values(replaced, 41, 38, 44, 99, 636) == ["sl", "2.0000", "1930.00", "1960.00", "N"]
    alpha.replace("sl-3", "sl-2", SELL, "2", "1930", order_type="2")
    mistaken = alpha.expect(t35="9", t11="sl-3")
    assert (text(mistaken, 434), text(mistaken, 102), text(mistaken, 39)) == ("2", "99", "0")
    assert "OrdType differs" in text(mistaken, 58)
    reference_price(standing_venue, 1955)
    assert values(alpha.expect(t11="sl-2", t150="D"), 39, 636) == ["0", "Y"]
    alpha.replace("sl-4", "sl-2", SELL, "2", "1925", order_type="4", extra=[(99, "1900")])
    assert "no waiting stop" in text(alpha.expect(t35="9", t11="sl-4"), 58)
    assert state(alpha.canceled("sl-2")) == ("4", "4", "0.0000", "0.0000")


def test_an_iceberg_shows_its_max_floor_and_trades_all(alpha: Trader, bravo: Trader) -> None:
    """111 comes back in every report; a refill has no report; a replace changes what is shown."""
    alpha.new("ice", SELL, "2", "2000", extra=[(111, "0.5")])
    assert text(alpha.expect(t11="ice", t150="0"), 111) == "0.5000"
    bravo.new("eat", BUY, "1.2", "2000")
    fills = [alpha.expect(t11="ice", t150="F") for _ in range(3)]
    assert [text(fill, 32) for fill in fills] == ["0.5000", "0.5000", "0.2000"]
    assert state(fills[-1]) == ("F", "1", "1.2000", "0.8000")
    alpha.replace("ice-2", "ice", SELL, "2", "2000", extra=[(111, "0.3")])
    assert values(alpha.expect(t11="ice-2", t150="5"), 111, 151) == ["0.3000", "0.8000"]
    assert not [report for report in alpha.reports if text(report, 11) == "ice"]


def test_minimum_quantity_or_nothing(alpha: Trader, bravo: Trader) -> None:
    """Less than MinQty at entry: Canceled and why; enough: it trades and the rest stays."""
    alpha.new("min-offer", SELL, "1", "2000")
    alpha.expect(t11="min-offer", t150="0")
    bravo.new("too-much", BUY, "3", "2000", extra=[(110, "1.5")])
    assert text(bravo.expect(t11="too-much", t150="0"), 110) == "1.5000"
    missed = bravo.expect(t11="too-much", t150="4")
    assert (state(missed), text(missed, 378)) == (("4", "4", "0.0000", "0.0000"), "")
    assert "MinQty" in text(missed, 58)
    bravo.new("enough", BUY, "3", "2000", extra=[(110, "1")])
    assert state(bravo.expect(t11="enough", t150="F")) == ("F", "1", "1.0000", "2.0000")


def test_post_only_rests_or_is_rejected(alpha: Trader, bravo: Trader) -> None:
    """ExecInst 6 comes back; what would trade at entry is rejected; another ExecInst is refused by name."""
    alpha.new("quote", SELL, "1", "2000", extra=[(18, "6")])
    assert text(alpha.expect(t11="quote", t150="0"), 18) == "6"
    bravo.new("would-trade", BUY, "1", "2000", extra=[(18, "6")])
    rejected = bravo.expect(t11="would-trade", t150="8")
    assert "would have traded" in text(rejected, 58)
    bravo.new("all-or-none", BUY, "1", "1999", extra=[(18, "G")])
    refused = bravo.expect(t11="all-or-none", t150="8")
    assert (text(refused, 103), text(refused, 18)) == ("11", "G")
    assert "ExecInst(18)" in text(refused, 58)


def test_market_with_left_over_as_limit(alpha: Trader, bravo: Trader) -> None:
    """40=K takes the best opposite price as its limit, trades there and rests with the remainder."""
    alpha.new("best", SELL, "1", "2000")
    alpha.new("worse", SELL, "1", "2001")
    alpha.expect(t11="worse", t150="0")
    bravo.new("k", BUY, "1.5", order_type="K")
    assert values(bravo.expect(t11="k", t150="0"), 40, 44) == ["K", "2000.00"]
    assert state(bravo.expect(t11="k", t150="F")) == ("F", "1", "1.0000", "0.5000")
    bravo.replace("k-2", "k", BUY, "1.2", "1999", order_type="K")
    replaced = bravo.expect(t11="k-2", t150="5")
    assert (*state(replaced), text(replaced, 44)) == ("5", "1", "1.0000", "0.2000", "1999.00")


def test_good_till_date_expires_at_its_time(alpha: Trader) -> None:
    """126 comes back; at that time Expired without anybody's asking; a replace can move it; the past is rejected."""
    now = time.time()
    soon, later = (time.strftime("%Y%m%d-%H:%M:%S", time.gmtime(now + ahead)) for ahead in (3, 86_400))
    alpha.new("gtd", BUY, "1", "100", time_in_force="6", extra=[(126, later)])
    assert text(alpha.expect(t11="gtd", t150="0"), 126) == f"{later}.000000"
    alpha.replace("gtd-2", "gtd", BUY, "1", "100", extra=[(126, soon)])
    assert text(alpha.expect(t11="gtd-2", t150="5"), 126) == f"{soon}.000000"
    expired = alpha.expect(t11="gtd-2", t150="C")
    assert (state(expired), text(expired, 59)) == (("C", "C", "0.0000", "0.0000"), "6")
    assert text(expired, 60) >= f"{soon}.000000"
    alpha.new("gone-by", BUY, "1", "100", time_in_force="6", extra=[(432, "20260101")])
    assert "ExpireTime" in text(alpha.expect(t11="gone-by", t150="8"), 58)


def test_a_date_is_the_end_of_that_day(alpha: Trader) -> None:
    """ExpireDate becomes the midnight UTC after it."""
    alpha.new("date", BUY, "1", "100", time_in_force="6", extra=[(432, "20991231")])
    assert text(alpha.expect(t11="date", t150="0"), 126) == "21000101-00:00:00.000000"


def test_the_opening_auction(standing_venue: Venue, alpha: Trader, bravo: Trader) -> None:
    """Orders are collected, trade at one price without a liquidity indicator, and at-the-open orders then expire."""
    phase(standing_venue, Phase.OPENING_AUCTION)
    alpha.new("o-sell", SELL, "1", "1990")
    alpha.new("o-open", SELL, "1", "2005", time_in_force="2")
    assert text(alpha.expect(t11="o-open", t150="0"), 59) == "2"
    bravo.new("o-buy", BUY, "1", "2000")
    bravo.expect(t11="o-buy", t150="0")
    bravo.new("o-ioc", BUY, "1", "2000", time_in_force="3")
    refused = bravo.expect(t11="o-ioc", t150="8")
    assert text(refused, 103) == "11"
    assert "market phase" in text(refused, 58)
    phase(standing_venue, Phase.CONTINUOUS)
    sold, bought = alpha.expect(t11="o-sell", t150="F"), bravo.expect(t11="o-buy", t150="F")
    assert values(sold, 39, 32, 851) == ["2", "1.0000", ""]
    assert text(sold, 31) == text(bought, 31)
    assert text(sold, 17)[:-1] == text(bought, 17)[:-1]
    assert text(sold, 17)[-1] + text(bought, 17)[-1] in ("MT", "TM")
    expired = alpha.expect(t11="o-open", t150="C")
    assert (state(expired), text(expired, 59)) == (("C", "C", "0.0000", "0.0000"), "2")


def test_the_closing_auction(standing_venue: Venue, alpha: Trader, bravo: Trader) -> None:
    """At-the-close orders wait, work when their auction begins, and end with it; closed means cancels only."""
    alpha.new("c-sell", SELL, "1", "2000", time_in_force="7")
    assert values(alpha.expect(t11="c-sell", t150="0"), 39, 59, 636) == ["0", "7", "N"]
    bravo.new("c-buy", BUY, "0.4", "2000", time_in_force="7")
    bravo.expect(t11="c-buy", t150="0")
    phase(standing_venue, Phase.CLOSING_AUCTION)
    working = alpha.expect(t11="c-sell", t150="D")
    assert values(working, 39, 636) == ["0", "Y"]
    assert "closing auction" in text(working, 58)
    phase(standing_venue, Phase.CLOSED)
    assert state(bravo.expect(t11="c-buy", t150="F")) == ("F", "2", "0.4000", "0.0000")
    assert state(alpha.expect(t11="c-sell", t150="F")) == ("F", "1", "0.4000", "0.6000")
    assert state(alpha.expect(t11="c-sell", t150="C")) == ("C", "C", "0.4000", "0.0000")
    bravo.new("c-late", BUY, "1", "2000")
    assert text(bravo.expect(t11="c-late", t150="8"), 103) == "2"


@pytest.mark.parametrize(
    ("mode", "maker", "taker"),
    [
        ("N", None, ("4", "4", "0.0000", "0.0000")),
        ("O", ("4", "4", "0.0000", "0.0000"), None),
        ("B", ("4", "4", "0.0000", "0.0000"), ("4", "4", "0.0000", "0.0000")),
        ("D", ("D", "0", "0.0000", "0.5000"), ("4", "4", "0.0000", "0.0000")),
    ],
)
def test_self_trade_prevention(
    alpha: Trader, mode: str, maker: tuple[str, ...] | None, taker: tuple[str, ...] | None
) -> None:
    """8000: newest, oldest, both are Canceled with 378=8; decrement takes the smaller quantity off both sides."""
    alpha.new(f"m-{mode}", SELL, "1.5", "2000")
    alpha.expect(t11=f"m-{mode}", t150="0")
    alpha.new(f"t-{mode}", BUY, "1", "2000", extra=[(8000, mode)])
    assert text(alpha.expect(t11=f"t-{mode}", t150="0"), 8000) == mode
    alpha.settle()
    told = {text(report, 11): report for report in alpha.reports if text(report, 11) in (f"m-{mode}", f"t-{mode}")}
    for name, wanted in ((f"m-{mode}", maker), (f"t-{mode}", taker)):
        assert (state(told[name]) if name in told else None) == wanted
        if wanted is not None:
            assert text(told[name], 378) == ("5" if wanted[0] == "D" else "8")
            assert "self-trade" in text(told[name], 58)
    if mode == "D":
        assert text(told["m-D"], 38) == "0.5000"


def test_mass_cancel(alpha: Trader, bravo: Trader) -> None:
    """The reports of the orders come first, then r with their number; side, symbol and session bound it."""
    for name, side, price in (("mc-1", BUY, "100"), ("mc-2", BUY, "101"), ("mc-3", SELL, "9000")):
        alpha.new(name, side, "1", price)
        alpha.expect(t11=name, t150="0")
    bravo.new("mc-other", BUY, "1", "100")
    bravo.expect(t11="mc-other", t150="0")
    alpha.mass_cancel("mass-1", "1", (55, "ETH-USD"), (54, BUY))
    report = alpha.expect(t35="r", t11="mass-1")
    assert values(report, 530, 531, 533, 55, 54) == ["1", "1", "2", "ETH-USD", "1"]
    assert text(report, 20001) == text(report, 37) != ""
    before = [message for message in alpha.reports if text(message, 150) == "4" and text(message, 97) == ""]
    assert {text(message, 11) for message in before} == {"mc-1", "mc-2"}
    assert {(text(message, 39), text(message, 58)) for message in before} == {("4", "mass cancel request")}
    alpha.mass_cancel("mass-2", "7", (1, "ALPHA-1"))
    report = alpha.expect(t35="r", t11="mass-2")
    assert values(report, 530, 531, 533, 1) == ["7", "7", "1", "ALPHA-1"]
    assert state(alpha.expect(t11="mc-3", t150="4")) == ("4", "4", "0.0000", "0.0000")
    alpha.mass_cancel("mass-3", "7")
    assert text(alpha.expect(t35="r", t11="mass-3"), 533) == "0"
    bravo.status("mc-other", BUY)
    assert state(bravo.expect(t11="mc-other", t150="I")) == ("I", "0", "0.0000", "1.0000")


def test_a_mass_cancel_that_cannot_be_is_refused(alpha: Trader) -> None:
    """531=0 and 532 say why; every order stays."""
    alpha.new("stays", BUY, "1", "100")
    alpha.expect(t11="stays", t150="0")
    for clordid, request, filters, code in (
        ("bad-1", "3", [], "0"),
        ("bad-2", "1", [(55, "NOPE")], "1"),
        ("bad-3", "7", [(1, "BRAVO-1")], "99"),
    ):
        alpha.mass_cancel(clordid, request, *filters)
        report = alpha.expect(t35="r", t11=clordid)
        assert values(report, 530, 531, 532) == [request, "0", code]
    alpha.mass_cancel("bad-4", "1")
    assert text(alpha.expect(t35="j", t379="bad-4"), 380) == "5"
    assert text(alpha.canceled("stays"), 39) == "4"


def test_a_busted_trade_is_taken_back_on_both_sides(standing_venue: Venue, alpha: Trader, bravo: Trader) -> None:
    """Trade Cancel with ExecRefID; CumQty goes back, LeavesQty does not come back; the status knows it too."""
    alpha.new("b-sell", SELL, "2", "2000")
    alpha.expect(t11="b-sell", t150="0")
    bravo.new("b-buy", BUY, "0.5", "2000")
    sold, bought = alpha.expect(t11="b-sell", t150="F"), bravo.expect(t11="b-buy", t150="F")
    trade_id = int(text(sold, 17).split("-")[1].removesuffix("M"))
    standing_venue.operate(TradeBust(trade_id, 0, b"test", b"fat finger"), TradeBusted)
    taken, given = alpha.expect(t11="b-sell", t150="H"), bravo.expect(t11="b-buy", t150="H")
    assert (text(taken, 19), text(given, 19)) == (text(sold, 17), text(bought, 17))
    assert state(taken) == ("H", "0", "0.0000", "1.5000")
    assert state(given) == ("H", "4", "0.0000", "0.0000")
    assert values(given, 31, 32, 6, 58) == ["2000.00", "0.5000", "0", "trade busted: fat finger"]
    assert text(given, 137) == f"-{text(bought, 137)}"
    alpha.status("b-sell", SELL)
    assert state(alpha.expect(t11="b-sell", t150="I")) == ("I", "0", "0.0000", "1.5000")


def test_a_gateway_that_died_knows_stops_busts_and_mass_cancels(
    standing_venue: Venue, alpha: Trader, bravo: Trader
) -> None:
    """kill -9: what happened meanwhile is reported afterwards, nothing twice, and the orders are as they were."""
    number = int(trade(bravo, alpha, "2000", "died").split("-")[1])
    alpha.new("d-stop", BUY, "1", order_type="3", extra=[(99, "2100"), (8000, "O")])
    alpha.expect(t11="d-stop", t150="0")
    bravo.new("d-ice", SELL, "2", "2050", extra=[(111, "0.5")])
    bravo.expect(t11="d-ice", t150="0")
    alpha.settle()
    bravo.settle()
    standing_venue.gateway.kill9()
    standing_venue.operate(TradeBust(number, 0, b"test", b"while away"), TradeBusted)
    standing_venue.gateway.start()
    alpha.relogon()
    bravo.relogon()
    assert text(alpha.expect(t11="died-b", t150="H"), 19).endswith(f"-{number}T")
    assert text(bravo.expect(t11="died-s", t150="H"), 19).endswith(f"-{number}M")
    alpha.status("d-stop", BUY)
    assert values(alpha.expect(t11="d-stop", t150="I"), 39, 40, 99, 636, 8000) == [*("0", "3", "2100.00", "N", "O")]
    bravo.status("d-ice", SELL)
    assert values(bravo.expect(t11="d-ice", t150="I"), 39, 111, 151) == ["0", "0.5000", "2.0000"]
    alpha.mass_cancel("d-mass", "7")
    assert text(alpha.expect(t35="r", t11="d-mass"), 533) == "1"
    assert text(alpha.expect(t11="d-stop", t150="4"), 39) == "4"
    alpha.settle()
    ours = ("died-b", "died-s", "d-stop", "d-ice")
    assert not [text(report, 17) for report in alpha.reports + bravo.reports if text(report, 11) in ours]


def test_a_kill_switch_cancels_and_blocks(standing_venue: Venue, alpha: Trader) -> None:
    """Open orders are Canceled with 378=8; new ones and replaces are rejected; cancels work; released, trading goes on.

    Another session is not touched.
    """
    alpha.new("k-1", BUY, "1", "100")
    alpha.expect(t11="k-1", t150="0")
    standing_venue.operate(KillSwitchSet(ALPHA, KillScope.SESSION, 1, b"test", b"runaway"), KillSwitchChanged)
    killed = alpha.expect(t11="k-1", t150="4")
    assert (text(killed, 378), text(killed, 58)) == ("8", "kill switch engaged")
    alpha.new("k-2", BUY, "1", "100")
    assert text(alpha.expect(t11="k-2", t150="8"), 103) == "0"
    alpha.mass_cancel("k-mass", "7")
    assert text(alpha.expect(t35="r", t11="k-mass"), 533) == "0"
    standing_venue.operate(KillSwitchSet(ALPHA, KillScope.SESSION, 0, b"test", b"fixed"), KillSwitchChanged)
    alpha.new("k-3", BUY, "1", "100")
    alpha.expect(t11="k-3", t150="0")


def test_a_market_makers_protection_trips(standing_venue: Venue, alpha: Trader, bravo: Trader) -> None:
    """The second fill within the window cancels its other quotes and rejects new ones until the operator resets it."""
    for number, price in enumerate(("60002.0", "60001.0", "60000.0")):
        bravo.new(f"q-{number}", BUY, "0.01", price, symbol="BTC-USD")
        bravo.expect(t11=f"q-{number}", t150="0")
    alpha.new("hit", SELL, "0.02", "60001.0", symbol="BTC-USD")
    assert state(alpha.expect(t11="hit", t150="F", t39="2")) == ("F", "2", "0.02000", "0.00000")
    tripped = bravo.expect(t11="q-2", t150="4")
    assert (text(tripped, 378), text(tripped, 58)) == ("8", "market-maker protection tripped")
    bravo.new("q-3", BUY, "0.01", "60000.0", symbol="BTC-USD")
    blocked = bravo.expect(t11="q-3", t150="8")
    assert (text(blocked, 103), "protection" in text(blocked, 58)) == ("0", True)
    reset = MarketMakerProtectionReset(BRAVO_ACCOUNT, BTC_USD, b"test", b"")
    standing_venue.operate(reset, MarketMakerProtectionChanged, lambda changed: not changed.tripped)
    bravo.new("q-4", BUY, "0.01", "60000.0", symbol="BTC-USD")
    bravo.expect(t11="q-4", t150="0")


def test_a_price_band_stops_what_would_trade_beyond_it(standing_venue: Venue, alpha: Trader, bravo: Trader) -> None:
    """Ten per cent around the reference price: within it trades, what reaches beyond is Canceled with 378=8."""
    reference_price(standing_venue, 60_000, BTC_USD, 10)
    bravo.new("bid-in", BUY, "0.01", "55000.0", symbol="BTC-USD")
    bravo.new("bid-out", BUY, "0.01", "50000.0", symbol="BTC-USD")
    bravo.expect(t11="bid-out", t150="0")
    alpha.new("through", SELL, "0.02", "50000.0", symbol="BTC-USD")
    assert state(alpha.expect(t11="through", t150="F")) == ("F", "1", "0.01000", "0.01000")
    stopped = alpha.expect(t11="through", t150="4")
    assert (state(stopped), text(stopped, 378)) == (("4", "4", "0.01000", "0.00000"), "8")
    assert "price band" in text(stopped, 58)
    reference_price(standing_venue, 0, BTC_USD)


def test_an_order_above_the_accounts_limit_is_rejected(alpha: Trader) -> None:
    """103=3 with words; the limit is the account's own."""
    alpha.new("big", BUY, "6", "100.0", symbol="BTC-USD")
    rejected = alpha.expect(t11="big", t150="8")
    assert text(rejected, 103) == "3"
    assert "account's limit" in text(rejected, 58)
