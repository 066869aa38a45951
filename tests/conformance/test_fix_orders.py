"""Orders over FIX as docs/FIX.md states them: every flow from an independent client to the real engine and back."""

from __future__ import annotations

import pytest
import simplefix

from engine.wire.messages import TradingState
from ops.fix_client import text
from tests.fixtures.fix_gateway import Trader, Venue


def state(message: simplefix.FixMessage) -> tuple[str, ...]:
    """ExecType, OrdStatus, CumQty, LeavesQty of an Execution Report."""
    return tuple(text(message, tag) for tag in (150, 39, 14, 151))


def test_two_orders_trade(alpha: Trader, bravo: Trader) -> None:
    """New, then Trade on both sides with price, liquidity, fee and one TradeID; Parties and Account come back."""
    parties = [(453, "1"), (448, "DESK7"), (447, "D"), (452, "11")]
    alpha.new("sell", "2", "1.5", "2000.00", extra=[(1, "ALPHA-1"), *parties])
    assert state(alpha.expect(t11="sell", t150="0")) == ("0", "0", "0.0000", "1.5000")
    bravo.new("buy", "1", "1", "2000.00")
    assert state(bravo.expect(t11="buy", t150="0")) == ("0", "0", "0.0000", "1.0000")
    maker, taker = alpha.expect(t11="sell", t150="F"), bravo.expect(t11="buy", t150="F")
    assert state(maker) == ("F", "1", "1.0000", "0.5000")
    assert state(taker) == ("F", "2", "1.0000", "0.0000")
    assert text(maker, 17).removesuffix("M") == text(taker, 17).removesuffix("T")
    assert [text(maker, tag) for tag in (31, 32, 6, 851, 137, 138, 1, 448)] == [
        *("2000.00", "1.0000", "2000", "1", "0.400000", "USD", "ALPHA-1", "DESK7")
    ]
    assert [text(taker, tag) for tag in (851, 137)] == ["2", "1.000000"]
    canceled = alpha.canceled("sell")
    assert state(canceled) == ("4", "4", "1.0000", "0.0000")
    assert (text(canceled, 11), text(canceled, 41)) == ("cancel-sell", "sell")


def test_replace_then_cancel_by_the_chain(alpha: Trader) -> None:
    """Replaced with the new ClOrdID, quantity and price; the next request names the newest ClOrdID."""
    alpha.new("r1", "1", "2", "1000")
    alpha.expect(t11="r1", t150="0")
    alpha.replace("r2", "r1", "1", "3", "1001")
    replaced = alpha.expect(t11="r2", t150="5")
    assert state(replaced) == ("5", "0", "0.0000", "3.0000")
    assert [text(replaced, tag) for tag in (41, 38, 44)] == ["r1", "3.0000", "1001.00"]
    assert text(alpha.canceled("r2"), 41) == "r2"


def test_immediate_or_cancel_fill_or_kill_and_market(alpha: Trader, bravo: Trader) -> None:
    """What does not trade at once is canceled and says so; a market order without a price level is rejected."""
    alpha.new("maker", "2", "1", "2100")
    alpha.expect(t11="maker", t150="0")
    bravo.new("fok", "1", "2", "2100", time_in_force="4")
    killed = bravo.expect(t11="fok", t150="4")
    assert state(killed) == ("4", "4", "0.0000", "0.0000")
    assert "fill-or-kill" in text(killed, 58)
    bravo.new("ioc", "1", "0.4", "2000", time_in_force="3")
    assert state(bravo.expect(t11="ioc", t150="4")) == ("4", "4", "0.0000", "0.0000")
    bravo.new("market", "1", "3")
    assert state(bravo.expect(t11="market", t150="F")) == ("F", "1", "1.0000", "2.0000")
    assert state(bravo.expect(t11="market", t150="4")) == ("4", "4", "1.0000", "0.0000")
    assert text(alpha.expect(t11="maker", t150="F"), 39) == "2"
    bravo.new("nobody", "1", "1")
    rejected = bravo.expect(t11="nobody", t150="8")
    assert (text(rejected, 103), text(rejected, 39)) == ("99", "8")
    assert "no opposite order" in text(rejected, 58)


@pytest.mark.parametrize(
    ("clordid", "arguments", "reason", "words"),
    [
        ("no-symbol", ("1", "1", "100", "NOPE"), "1", "unknown symbol NOPE"),
        ("no-funds", ("1", "400", "24000", "ETH-USD"), "3", "available balance"),
        ("off-tick", ("1", "1", "100.001", "ETH-USD"), "99", "not a multiple of 0.01"),
        ("off-lot", ("1", "0.00001", "100", "ETH-USD"), "13", "not a multiple of 0.0001"),
        ("zero", ("1", "0", "100", "ETH-USD"), "13", "OrderQty"),
        ("huge", ("1", "9999", "90000", "ETH-USD"), "3", "maximum"),
        ("negative", ("1", "1", "-5", "ETH-USD"), "99", "Price is outside"),
    ],
)
def test_an_order_that_cannot_be_is_rejected_and_changes_nothing(
    alpha: Trader, clordid: str, arguments: tuple[str, str, str, str], reason: str, words: str
) -> None:
    """150=8, 39=8 with OrdRejReason and a Text, whether gateway or engine refused; the session trades on."""
    side, quantity, price, symbol = arguments
    alpha.new(clordid, side, quantity, price, symbol=symbol)
    rejected = alpha.expect(t35="8", t11=clordid)
    assert state(rejected) == ("8", "8", "0", "0")
    assert text(rejected, 103) == reason
    assert words in text(rejected, 58)
    alpha.settle()


def test_an_account_of_somebody_else_is_rejected(alpha: Trader) -> None:
    """Entitlement: Account(1) must be one of the session's."""
    alpha.new("not-mine", "1", "1", "100", extra=[(1, "BRAVO-1")])
    rejected = alpha.expect(t11="not-mine", t150="8")
    assert (text(rejected, 103), text(rejected, 1)) == ("15", "BRAVO-1")


def test_a_used_clordid_is_rejected_and_a_possible_resend_is_answered_with_the_status(alpha: Trader) -> None:
    """103=6 for a plain repetition; with PossResend(97)=Y the order is not entered twice and its status comes back."""
    alpha.new("once", "1", "1", "100")
    order_id = text(alpha.expect(t11="once", t150="0"), 37)
    alpha.new("once", "1", "1", "100")
    assert text(alpha.expect(t11="once", t150="8"), 103) == "6"
    alpha.new("once", "1", "1", "100", poss_resend=True)
    status = alpha.expect(t11="once", t150="I")
    assert (text(status, 37), text(status, 39)) == (order_id, "0")
    assert text(alpha.canceled("once"), 39) == "4"


def test_cancel_of_what_is_not_open(alpha: Trader) -> None:
    """9 with CxlRejReason: unknown order, or too late with the order's real status."""
    alpha.cancel("x1", "never-was", "1")
    unknown = alpha.expect(t35="9", t11="x1")
    assert [text(unknown, tag) for tag in (102, 39, 37, 41, 434)] == ["1", "8", "NONE", "never-was", "1"]
    alpha.new("gone", "1", "1", "100")
    alpha.expect(t11="gone", t150="0")
    alpha.canceled("gone")
    alpha.cancel("x2", "gone", "1")
    late = alpha.expect(t35="9", t11="x2")
    assert [text(late, tag) for tag in (102, 39)] == ["0", "4"]
    assert text(late, 20001)


def test_status_is_answered_after_what_was_sent_before_it(alpha: Trader) -> None:
    """H right behind its D in one go sees the order; an unknown one gets 39=8."""
    alpha.new("asked", "1", "1", "100")
    alpha.status("asked", "1")
    alpha.expect(t11="asked", t150="0")
    assert state(alpha.expect(t11="asked", t150="I")) == ("I", "0", "0.0000", "1.0000")
    alpha.status("unasked", "1")
    unknown = alpha.expect(t11="unasked", t150="I")
    assert [text(unknown, tag) for tag in (39, 37, 103)] == ["8", "NONE", "5"]
    assert text(alpha.canceled("asked"), 39) == "4"


def test_day_orders_expire_and_others_stay(standing_venue: Venue, alpha: Trader) -> None:
    """End of day: 150=C for Day, nothing for good-till-cancel; a ClOrdID may then be used again."""
    alpha.new("day", "1", "1", "100")
    alpha.new("gtc", "1", "1", "100", time_in_force="1")
    alpha.expect(t11="gtc", t150="0")
    standing_venue.end_of_day(20260102)
    assert state(alpha.expect(t11="day", t150="C")) == ("C", "C", "0.0000", "0.0000")
    assert text(alpha.canceled("gtc"), 39) == "4"
    alpha.new("day", "1", "1", "100")
    alpha.expect(t11="day", t150="0", t39="0")
    alpha.canceled("day", "cancel-day-2")


def test_a_closed_market_takes_cancels_only(standing_venue: Venue, alpha: Trader) -> None:
    """103=2 for D, 102=2 for G, F and H work."""
    alpha.new("before", "1", "1", "100")
    alpha.expect(t11="before", t150="0")
    standing_venue.trading_state(TradingState.CANCEL_ONLY)
    standing_venue.operator.poll_until(
        lambda: any(type(event).__name__ == "TradingStateChanged" for event in standing_venue.operator.decoded()),
        "the state",
    )
    alpha.new("during", "1", "1", "100")
    assert text(alpha.expect(t11="during", t150="8"), 103) == "2"
    alpha.replace("during-g", "before", "1", "2", "100")
    assert text(alpha.expect(t35="9", t11="during-g"), 102) == "2"
    assert text(alpha.canceled("before"), 39) == "4"
    standing_venue.trading_state(TradingState.OPEN)
    count = len(standing_venue.operator.raw)
    standing_venue.operator.poll_until(lambda: len(standing_venue.operator.raw) > count, "the market to open")


def test_a_thousand_orders_in_one_breath_are_all_answered_in_order(alpha: Trader) -> None:
    """Pipelined orders: one New each, ExecIDs strictly rising."""
    for number in range(1000):
        alpha.new(f"burst-{number}", "1", "0.001", "50")
    numbers = [int(text(alpha.expect(t11=f"burst-{n}", t150="0"), 17).split("-")[1]) for n in range(1000)]
    assert numbers == sorted(set(numbers))
    for number in range(1000):
        alpha.cancel(f"end-{number}", f"burst-{number}", "1")
    for number in range(1000):
        alpha.expect(t11=f"end-{number}", t150="4")
