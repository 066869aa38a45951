"""Inbound FIX messages become exactly the command they say, or a refusal that names what is wrong."""

from __future__ import annotations

import pytest

from cfg.model import Account
from engine.wire.messages import (
    AssetDefined,
    CancelOrder,
    InstrumentDefined,
    NewOrder,
    OrderType,
    Reason,
    ReplaceOrder,
    Side,
    TimeInForce,
)
from fixgw import translate
from fixgw.decimals import NotOnGrid, quotient_text, to_steps, to_text
from fixgw.policy import Client
from fixgw.reasons import REASONS
from fixgw.reference import Reference
from fixgw.reports import ReportKey
from fixgw.tagvalue import fields_of, parties_of, utc_timestamp, with_poss_resend
from fixgw.translate import Refusal, StatusRequest

CLIENT = Client(1, "ALPHA", "", {"ALPHA-1": 11, "ALPHA-2": 12}, 11)
KEY = ReportKey(True, 2, 7)


def reference() -> Reference:
    """ETH-USD in cents and ten-thousandths; ACC-1 names account 11."""
    accounts = [Account(id=11, participant=1, name="ALPHA-1", kind="client")]
    tables = Reference(accounts)
    tables.apply(AssetDefined(1, 1, 0, 1, 1, 1, 6, b"USD"))
    tables.apply(
        InstrumentDefined(2, 2, 0, 1, 1, 3, 2, 1, 1, 1, 1, 10**6, 10**6, 10**9, 10, 0, 0, 2, 4, 1, 1, b"ETH-USD")
    )
    return tables


def text(message_type: str, **fields: str) -> str:
    """A message as the session engine hands it over; t44="1" sets tag 44."""
    pairs = [f"{name.removeprefix('t')}={value}" for name, value in fields.items()]
    return "\x01".join(["8=FIX.4.4", "9=1", f"35={message_type}", "34=7", "49=ALPHA", *pairs, "10=000", ""])


def order(**changes: str) -> str:
    """A good limit order with changes; an empty value takes a field away."""
    fields = {
        "t11": "a1",
        "t55": "ETH-USD",
        "t54": "1",
        "t60": "20260102-03:04:05",
        "t38": "1.5",
        "t40": "2",
        "t44": "2000.25",
    }
    fields.update(changes)
    return text("D", **{name: value for name, value in fields.items() if value})


def judged(message: str) -> translate.Command | Refusal | StatusRequest:
    """What `translate.message` makes of it."""
    return translate.message(message, CLIENT, reference(), KEY, 123)


def refused(message: str) -> dict[str, str]:
    """The fields of the refusal it gets."""
    outcome = judged(message)
    assert isinstance(outcome, Refusal), outcome
    return fields_of(outcome.text)


def test_a_limit_order_becomes_ticks_and_lots() -> None:
    """Price and quantity arrive as whole steps, defaults are the session's account and Day."""
    command = judged(order())
    assert command == NewOrder(
        1, 0, 0, 0, 7, 0, 200025, 15000, 11, 3, Side.BUY, OrderType.LIMIT, TimeInForce.DAY, 0, b"a1", 123, b""
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0", TimeInForce.DAY), ("1", TimeInForce.GOOD_TILL_CANCEL), ("3", TimeInForce.IMMEDIATE_OR_CANCEL), ("4", 4)],
)
def test_every_supported_time_in_force(value: str, expected: int) -> None:
    """TimeInForce(59) 0, 1, 3 and 4 map one to one."""
    command = judged(order(t59=value))
    assert isinstance(command, NewOrder)
    assert command.time_in_force == expected


def test_a_market_order_has_no_price_and_a_poss_resend_says_so() -> None:
    """OrdType 1 carries price 0; PossResend(97) is passed on to the engine's dedup."""
    command = judged(order(t40="1", t44="", t97="Y", t54="2", t1="ALPHA-2"))
    assert isinstance(command, NewOrder)
    assert (command.price_ticks, command.order_type, command.poss_resend) == (0, OrderType.MARKET, 1)
    assert (command.side, command.account) == (Side.SELL, 12)


def test_parties_travel_as_they_stand() -> None:
    """The whole group, and nothing after it, is the opaque echo."""
    group = "453=2\x01448=X\x01447=D\x01452=1\x01448=Y\x01447=D\x01452=3"
    message = order().replace("\x0154=1", f"\x01{group}\x0154=1")
    command = judged(message)
    assert isinstance(command, NewOrder)
    assert command.echo.decode() == group
    assert parties_of(order()) == ""


@pytest.mark.parametrize(
    ("changes", "tag", "value", "words"),
    [
        ({"t55": "DOGE-USD"}, "103", "1", "unknown symbol DOGE-USD"),
        ({"t44": "2000.251"}, "103", "99", "Price 2000.251 is not a multiple of 0.01"),
        ({"t38": "1.00001"}, "103", "13", "OrderQty 1.00001 is not a multiple of 0.0001"),
        ({"t38": "1e3"}, "103", "13", "is not a decimal number"),
        ({"t44": "1" * 40}, "103", "99", "too many digits"),
        ({"t44": "900000000000000000.01"}, "103", "99", "too large"),
        ({"t40": "3"}, "103", "11", "unsupported OrdType"),
        ({"t59": "6"}, "103", "11", "unsupported TimeInForce"),
        ({"t54": "5"}, "103", "11", "unsupported Side"),
        ({"t40": "1"}, "103", "11", "a market order has no Price"),
        ({"t1": "BRAVO-1"}, "103", "15", "account BRAVO-1 is not one of this session"),
        ({"t11": "x" * 37}, "103", "99", "ClOrdID must be"),
        ({"t11": "a b"}, "103", "99", "ClOrdID must be"),
    ],
)
def test_a_bad_order_is_rejected_with_the_reason(changes: dict[str, str], tag: str, value: str, words: str) -> None:
    """An Execution Report with 150=8, the client's own words and a Text that says what is wrong; nothing is rounded."""
    fields = refused(order(**changes))
    assert (fields["35"], fields["150"], fields["39"], fields[tag]) == ("8", "8", "8", value)
    assert words in fields["58"]
    assert fields["17"] == "R2-7"
    assert fields["11"] == changes.get("t11", "a1")


def test_a_limit_order_without_price_is_a_business_reject() -> None:
    """A conditionally required field: 35=j with 380=5, the reference to the message and its ClOrdID."""
    fields = refused(order(t44=""))
    assert (fields["35"], fields["380"], fields["45"], fields["372"], fields["379"]) == ("j", "5", "7", "D", "a1")


def test_cancel_and_replace_name_their_order() -> None:
    """F and G carry OrigClOrdID, OrderID if given, and the replace its new price and quantity."""
    common = {"t11": "c1", "t41": "a1", "t55": "ETH-USD", "t54": "1"}
    assert judged(text("F", **common)) == CancelOrder(1, 0, 0, 0, 7, 0, 0, 3, Side.BUY, b"c1", b"a1", 123)
    replace = judged(text("G", **common, t37="4294967296", t38="2", t40="2", t44="10"))
    assert replace == ReplaceOrder(1, 0, 0, 0, 7, 0, 1 << 32, 1000, 20000, 3, Side.BUY, b"c1", b"a1", 123, b"")


@pytest.mark.parametrize(
    ("message_type", "changes", "words"),
    [
        ("F", {"t55": "NONE"}, "unknown symbol"),
        ("F", {"t37": "12x"}, "unknown OrderID"),
        ("G", {"t40": "1"}, "OrdType of an open order is 2"),
        ("G", {"t44": "0.001"}, "not a multiple"),
    ],
)
def test_a_bad_cancel_or_replace_is_answered_with_9(message_type: str, changes: dict[str, str], words: str) -> None:
    """An Order Cancel Reject with CxlRejResponseTo, both ClOrdIDs and a Text."""
    fields = {"t11": "c1", "t41": "a1", "t55": "ETH-USD", "t54": "1", "t38": "2", "t40": "2", "t44": "10", **changes}
    answer = refused(text(message_type, **fields))
    assert (answer["35"], answer["434"]) == ("9", "1" if message_type == "F" else "2")
    assert (answer["11"], answer["41"], answer["39"], answer["20001"]) == ("c1", "a1", "8", "R2-7")
    assert words in answer["58"]


def test_a_status_request_keeps_its_place() -> None:
    """H is no command: it names an order and the message number it must wait for."""
    outcome = judged(text("H", t11="a1", t55="ETH-USD", t54="1"))
    assert isinstance(outcome, StatusRequest)
    assert (outcome.msg_seq_num, outcome.clordid, outcome.order_id) == (7, b"a1", 0)


@pytest.mark.parametrize(
    ("value", "mantissa", "exponent", "steps"),
    [
        ("100", 1, 2, 10000),
        ("0.05", 5, 2, 1),
        ("-1.50", 1, 2, -150),
        ("7", 1, 0, 7),
        ("1.10", 1, 1, 11),
        (".5", 5, 1, 1),
    ],
)
def test_decimals_become_steps_exactly(value: str, mantissa: int, exponent: int, steps: int) -> None:
    """Decimal text on the grid is a whole number of steps, trailing zeros do not matter."""
    assert to_steps(value, mantissa, exponent, "Price") == steps


@pytest.mark.parametrize("value", ["", ".", "-", "1,5", "1.005", "NaN", "0.03", "+1", " 1", "1 ", "٣"])
def test_what_is_not_on_the_grid_is_refused(value: str) -> None:
    """No rounding, no guessing."""
    with pytest.raises(NotOnGrid):
        to_steps(value, 5, 2, "Price")


def test_steps_become_text_with_the_grids_decimals() -> None:
    """Reports show as many decimals as the step has."""
    assert [to_text(5, 2), to_text(-5, 2), to_text(12345, 4), to_text(7, 0)] == ["0.05", "-0.05", "1.2345", "7"]


def test_an_average_is_rounded_half_up_four_places_beyond_the_tick() -> None:
    """AvgPx: exact where it can be, else half up."""
    assert quotient_text(100 * 3 + 200 * 1, 4, 2) == "1.25"
    assert quotient_text(100 * 1 + 101 * 2, 3, 2) == "1.006667"
    assert quotient_text(1, 8, 0) == "0.125"


def test_every_reason_of_the_engine_has_words() -> None:
    """The table covers each reason that can end an order or a request."""
    orders_and_requests = [reason for reason in Reason if 1 <= reason <= 44]
    assert [reason for reason in orders_and_requests if reason not in REASONS] == []


def test_report_ids_read_back() -> None:
    """What a crash leaves in the message store names the report it was."""
    for key in (ReportKey(False, 3, 1234), ReportKey(False, 3, 1234, "M"), ReportKey(True, 1, 9)):
        assert ReportKey.parse(key.text()) == key
    assert [ReportKey.parse(junk) for junk in ("", "S1-5", "1-", "x-1", "1-M")] == [None] * 5


def test_timestamps_have_microseconds_and_poss_resend_stands_behind_the_type() -> None:
    """UTCTimestamp of an event, and the mark of a report that is sent again."""
    assert utc_timestamp(1_767_323_045_000_006_999) == "20260102-03:04:05.000006"
    assert with_poss_resend("35=8\x0111=a\x01") == "35=8\x0197=Y\x0111=a\x01"
