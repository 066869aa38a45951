"""Inbound FIX messages become exactly the command they say, or a refusal that names what is wrong."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from cfg.model import Account
from engine.wire.messages import (
    AccountDefined,
    AccountKind,
    AssetDefined,
    CancelOrder,
    InstrumentDefined,
    MassCancel,
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
from fixgw.session_quickfix import DICTIONARY
from fixgw.tagvalue import fields_of, parties_of, utc_timestamp, with_poss_resend
from fixgw.translate import Refusal, StatusRequest

CLIENT = Client(1, "ALPHA", "", {"ALPHA-1": 11, "ALPHA-2": 12}, 11)
KEY = ReportKey(True, 2, 7)


def reference() -> Reference:
    """ETH-USD in cents and ten-thousandths; ALPHA-1 names account 11, which has a self-trade key; 12 has none."""
    accounts = [Account(id=11, participant=1, name="ALPHA-1", kind="client")]
    tables = Reference(accounts)
    tables.apply(AssetDefined(1, 1, 0, 1, 1, 1, 6, b"USD"))
    for account, stp_key in ((11, 7), (12, 0)):
        tables.apply(AccountDefined(3, 3, 0, 1, 1, account, 1, AccountKind.CLIENT, 1, b"A", stp_key, 0, 0))
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
        1, 0, 0, 0, 7, 0, 200025, 15000, 11, 3, Side.BUY, OrderType.LIMIT, TimeInForce.DAY, 0, b"a1", 123
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", TimeInForce.DAY),
        ("1", TimeInForce.GOOD_TILL_CANCEL),
        ("2", TimeInForce.AT_THE_OPENING),
        ("3", TimeInForce.IMMEDIATE_OR_CANCEL),
        ("4", TimeInForce.FILL_OR_KILL),
        ("6", TimeInForce.GOOD_TILL_DATE),
        ("7", TimeInForce.AT_THE_CLOSE),
    ],
)
def test_every_supported_time_in_force(value: str, expected: int) -> None:
    """TimeInForce(59) 0, 1, 2, 3, 4, 6 and 7 map one to one."""
    command = judged(order(t59=value, t432="20260102" if value == "6" else ""))
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
        ({"t44": "2000.251"}, "103", "99", "Price(44) 2000.251 is not a multiple of 0.01"),
        ({"t38": "1.00001"}, "103", "13", "OrderQty(38) 1.00001 is not a multiple of 0.0001"),
        ({"t38": "1e3"}, "103", "13", "is not a decimal number"),
        ({"t44": "1" * 40}, "103", "99", "too many digits"),
        ({"t44": "900000000000000000.01"}, "103", "99", "too large"),
        ({"t40": "P"}, "103", "11", "unsupported OrdType(40): 1, 2, 3, 4, K are taken"),
        ({"t59": "5"}, "103", "11", "unsupported TimeInForce(59): 0, 1, 2, 3, 4, 6, 7 are taken"),
        ({"t54": "5"}, "103", "11", "unsupported Side(54): 1, 2 are taken"),
        ({"t40": "1"}, "103", "11", "Price(44) is not allowed with OrdType(40) 1"),
        ({"t40": "K"}, "103", "11", "Price(44) is not allowed with OrdType(40) K"),
        ({"t99": "9"}, "103", "11", "StopPx(99) is allowed with OrdType(40) 3 and 4 only"),
        ({"t40": "4", "t99": "9.001"}, "103", "99", "StopPx(99) 9.001 is not a multiple of 0.01"),
        ({"t40": "4", "t99": "0"}, "103", "99", "StopPx(99) must be above 0"),
        ({"t20002": "1"}, "103", "11", "StopTrigger(20002) is allowed with OrdType(40) 3 and 4 only"),
        ({"t40": "4", "t99": "9", "t20002": "3"}, "103", "11", "unsupported StopTrigger(20002): 1, 2 are taken"),
        ({"t8000": "X"}, "103", "11", "unsupported SelfTradePrevention(8000): N, O, B, D are taken"),
        ({"t8000": "N", "t1": "ALPHA-2"}, "103", "11", "SelfTradePrevention(8000) has no effect: the venue gave the "),
        ({"t18": "G"}, "103", "11", "unsupported ExecInst(18): only 6 is taken"),
        ({"t18": "6 G"}, "103", "11", "unsupported ExecInst(18): only 6 is taken"),
        ({"t111": "0"}, "103", "13", "MaxFloor(111) must be above 0"),
        ({"t111": "ten"}, "103", "13", "MaxFloor(111) 'ten' is not a decimal number"),
        ({"t111": "0.00001"}, "103", "13", "MaxFloor(111) 0.00001 is not a multiple of 0.0001"),
        ({"t110": "1e1"}, "103", "13", "MinQty(110) '1e1' is not a decimal number"),
        ({"t59": "6", "t126": "20260102"}, "103", "11", "ExpireTime(126): 20260102 is not YYYYMMDD-HH:MM:SS"),
        ({"t59": "6", "t126": "20260230-00:00:00"}, "103", "11", "ExpireTime(126): "),
        ({"t59": "6", "t126": "22630101-00:00:00"}, "103", "11", "is not between 1970 and 2262"),
        ({"t59": "6", "t432": "99991231"}, "103", "11", "is not between 1970 and 2262"),
        ({"t59": "6", "t432": "00000101"}, "103", "11", "ExpireDate(432): "),
        ({"t59": "6", "t432": "19691230"}, "103", "11", "is not between 1970 and 2262"),
        ({"t59": "6", "t432": "2026010"}, "103", "11", "ExpireDate(432): 2026010 is not YYYYMMDD"),
        ({"t59": "6", "t126": "20260102-00:00:00", "t432": "20260102"}, "103", "11", "exclude each other"),
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


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"t44": ""}, "Price(44) is required with OrdType(40) 2"),
        ({"t40": "4", "t99": "9", "t44": ""}, "Price(44) is required with OrdType(40) 4"),
        ({"t40": "3", "t44": ""}, "StopPx(99) is required with OrdType(40) 3"),
        ({"t40": "4"}, "StopPx(99) is required with OrdType(40) 4"),
        ({"t59": "6"}, "ExpireTime(126) or ExpireDate(432) is required with TimeInForce(59) 6"),
    ],
)
def test_a_field_that_the_others_require_is_a_business_reject(changes: dict[str, str], words: str) -> None:
    """35=j with 380=5, the reference to the message and its ClOrdID; the Text names the field."""
    fields = refused(order(**changes))
    assert (fields["35"], fields["380"], fields["45"], fields["372"], fields["379"]) == ("j", "5", "7", "D", "a1")
    assert fields["58"] == words


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"t40": "3", "t44": "", "t99": "1990.50"},
            {"order_type": OrderType.STOP, "price_ticks": 0, "stop_price_ticks": 199050, "trigger": 0},
        ),
        (
            {"t40": "4", "t99": "1990.50", "t20002": "2"},
            {"order_type": OrderType.STOP_LIMIT, "price_ticks": 200025, "stop_price_ticks": 199050, "trigger": 2},
        ),
        ({"t40": "K", "t44": ""}, {"order_type": OrderType.MARKET_TO_LIMIT, "price_ticks": 0}),
        ({"t111": "0.5", "t110": "0.25"}, {"display_lots": 5000, "min_lots": 2500}),
        ({"t110": "0"}, {"min_lots": 0}),
        ({"t18": "6"}, {"post_only": 1}),
        ({"t8000": "N"}, {"stp_mode": 1}),
        ({"t8000": "O"}, {"stp_mode": 2}),
        ({"t8000": "B"}, {"stp_mode": 3}),
        ({"t8000": "D"}, {"stp_mode": 4}),
        ({"t59": "6", "t126": "20260102-03:04:05"}, {"expire_ns": 1_767_323_045_000_000_000}),
        ({"t59": "6", "t126": "20260102-03:04:05.006"}, {"expire_ns": 1_767_323_045_006_000_000}),
        ({"t59": "6", "t126": "20260102-03:04:05.000006"}, {"expire_ns": 1_767_323_045_000_006_000}),
        ({"t59": "6", "t432": "20260101"}, {"expire_ns": 1_767_312_000_000_000_000}),
        ({}, {"stop_price_ticks": 0, "display_lots": 0, "min_lots": 0, "expire_ns": 0, "stp_mode": 0, "post_only": 0}),
    ],
)
def test_the_terms_of_an_order_arrive_as_they_were_said(changes: dict[str, str], expected: dict[str, int]) -> None:
    """Stops, display and minimum quantity, post-only, self-trade prevention; a date means the end of that UTC day."""
    command = judged(order(**changes))
    assert isinstance(command, NewOrder), command
    assert {name: getattr(command, name) for name in expected} == expected
    assert NewOrder.decode(command.encode()) == command


def test_a_replace_carries_every_term_that_can_change() -> None:
    """Price, OrderQty, StopPx, MaxFloor and ExpireTime; the OrdType goes along so that the engine can compare it."""
    common = {"t11": "c1", "t41": "a1", "t55": "ETH-USD", "t54": "1", "t38": "2"}
    replace = judged(text("G", **common, t40="4", t44="10", t99="9.5", t111="1", t432="20260101"))
    assert isinstance(replace, ReplaceOrder)
    assert (replace.price_ticks, replace.stop_price_ticks, replace.display_lots) == (1000, 950, 10000)
    assert (replace.expire_ns, replace.order_type) == (1_767_312_000_000_000_000, OrderType.STOP_LIMIT)
    stop = judged(text("G", **common, t40="3", t99="9.5"))
    assert isinstance(stop, ReplaceOrder)
    assert (stop.price_ticks, stop.stop_price_ticks, stop.order_type) == (0, 950, OrderType.STOP)
    left_over = judged(text("G", **common, t40="K", t44="10"))
    assert isinstance(left_over, ReplaceOrder)
    assert (left_over.price_ticks, left_over.order_type) == (1000, OrderType.MARKET_TO_LIMIT)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"t530": "7"}, (0, 0, 0)),
        ({"t530": "7", "t54": "2", "t1": "ALPHA-2"}, (12, 0, 2)),
        ({"t530": "1", "t55": "ETH-USD"}, (0, 3, 0)),
    ],
)
def test_a_mass_cancel_says_whose_orders_go(changes: dict[str, str], expected: tuple[int, int, int]) -> None:
    """530=7 all, 1 of a security; Account and Side narrow it, and without Account it is every account."""
    command = judged(text("q", t11="m1", t60="20260102-03:04:05", **changes))
    assert command == MassCancel(1, 0, 0, 0, 7, 0, *expected, b"m1", 123)


@pytest.mark.parametrize(
    ("changes", "reason", "words"),
    [
        ({"t530": "3"}, "0", "unsupported MassCancelRequestType(530)"),
        ({"t530": "7", "t55": "ETH-USD"}, "99", "Symbol(55) is not allowed"),
        ({"t530": "1", "t55": "NOPE"}, "1", "unknown symbol NOPE"),
        ({"t530": "7", "t54": "5"}, "99", "unsupported Side(54)"),
        ({"t530": "7", "t1": "BRAVO-1"}, "99", "account BRAVO-1"),
        ({"t530": "7", "t11": "a b"}, "99", "ClOrdID must be"),
    ],
)
def test_a_bad_mass_cancel_is_answered_with_r(changes: dict[str, str], reason: str, words: str) -> None:
    """An Order Mass Cancel Report with 531=0, 532, its own words and a Text; nothing is canceled."""
    sent = {"t11": "m1", **changes}
    answer = refused(text("q", **sent))
    assert (answer["35"], answer["531"], answer["532"], answer["20001"]) == ("r", "0", reason, "R2-7")
    assert (answer["11"], answer["530"], answer.get("55")) == (sent["t11"], sent["t530"], sent.get("t55"))
    assert words in answer["58"]


def test_a_mass_cancel_of_a_security_needs_one() -> None:
    """35=j with 380=5 that names Symbol."""
    answer = refused(text("q", t11="m1", t530="1"))
    assert (answer["35"], answer["380"]) == ("j", "5")
    assert "Symbol(55)" in answer["58"]


def test_cancel_and_replace_name_their_order() -> None:
    """F and G carry OrigClOrdID, OrderID if given, and the replace its new price and quantity."""
    common = {"t11": "c1", "t41": "a1", "t55": "ETH-USD", "t54": "1"}
    assert judged(text("F", **common)) == CancelOrder(1, 0, 0, 0, 7, 0, 0, 3, Side.BUY, b"c1", b"a1", 123)
    replace = judged(text("G", **common, t37="4294967296", t38="2", t40="2", t44="10"))
    assert replace == ReplaceOrder(1, 0, 0, 0, 7, 0, 1 << 32, 1000, 20000, 3, Side.BUY, b"c1", b"a1", 123, order_type=2)


@pytest.mark.parametrize(
    ("message_type", "changes", "words"),
    [
        ("F", {"t55": "NONE"}, "unknown symbol"),
        ("F", {"t37": "12x"}, "unknown OrderID"),
        ("G", {"t40": "1"}, "Price(44) is not allowed with OrdType(40) 1"),
        ("G", {"t40": "P"}, "unsupported OrdType(40)"),
        ("G", {"t44": "0.001"}, "not a multiple"),
        ("G", {"t99": "9"}, "StopPx(99) is allowed"),
        ("G", {"t111": "0"}, "MaxFloor(111) must be above 0"),
        ("G", {"t432": "soon"}, "ExpireDate(432): soon is not YYYYMMDD"),
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


def test_every_reason_of_the_wire_has_its_row_and_words() -> None:
    """The table is complete, names no reason that is gone, and its codes are those of the dictionary."""
    assert set(REASONS) == set(Reason) - {Reason.NONE}
    assert all(row.text for row in REASONS.values())
    dictionary = ElementTree.parse(DICTIONARY).getroot()
    for tag, codes in (
        (103, {row.ord_rej_reason for row in REASONS.values()}),
        (102, {row.cxl_rej_reason for row in REASONS.values()}),
        (532, {row.mass_cancel_rej_reason for row in REASONS.values()}),
    ):
        known = {value.get("enum") for value in dictionary.iterfind(f"fields/field[@number='{tag}']/value")}
        assert {str(code) for code in codes} <= known


def test_report_ids_read_back() -> None:
    """What a crash leaves in the message store names the report it was."""
    for key in (ReportKey(False, 3, 1234), ReportKey(False, 3, 1234, "M"), ReportKey(True, 1, 9)):
        assert ReportKey.parse(key.text()) == key
    assert [ReportKey.parse(junk) for junk in ("", "S1-5", "1-", "x-1", "1-M")] == [None] * 5


def test_timestamps_have_microseconds_and_poss_resend_stands_behind_the_type() -> None:
    """UTCTimestamp of an event, and the mark of a report that is sent again."""
    assert utc_timestamp(1_767_323_045_000_006_999) == "20260102-03:04:05.000006"
    assert with_poss_resend("35=8\x0111=a\x01") == "35=8\x0197=Y\x0111=a\x01"
