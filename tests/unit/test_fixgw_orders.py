"""FIX 4.4 Appendix D on synthetic events: what a client is told at each step of an order's life.

Scenarios carry the appendix's letters. Pending states (150=A, 6, E) are optional there and not sent.
"""

from __future__ import annotations

from typing import Any

import pytest

from engine.wire.messages import (
    AnyMessage,
    CancelRejected,
    DayEnded,
    EpochStarted,
    LimitsDefined,
    MassCanceled,
    OrderAccepted,
    OrderCanceled,
    OrderReduced,
    OrderRejected,
    OrderReplaced,
    OrderStatus,
    OrderTriggered,
    OrderType,
    Reason,
    RequestKind,
    Side,
    TimeInForce,
    Trade,
    TradeBusted,
)
from fixgw import reports
from fixgw.orders import Leg, OrderView, Status
from fixgw.reasons import REASONS, UNSOLICITED
from fixgw.tagvalue import fields_of
from tests.unit.test_fixgw_translate import reference

ALPHA, BRAVO = 1, 2
PRICE = 1000
MAKER_FEE, TAKER_FEE = 10, 25


class Story:
    """Feeds events of one client order to a view and keeps what ALPHA is told."""

    def __init__(self) -> None:
        self.view = OrderView()
        self.reference = reference()
        self.sequence = 0
        self.epoch = 1
        self.told: list[dict[str, str]] = []
        self.order_id = 1 << 32
        self.events: list[AnyMessage] = []

    def _tell(self, event: AnyMessage) -> None:
        self.events.append(event)
        for session, leg in self.view.apply(event):
            _, text = reports.report(event, leg, self.view, self.reference)
            if session == ALPHA:
                self.told.append(fields_of(text))

    def _next(self) -> int:
        self.sequence += 1
        return self.sequence

    def accept(
        self, lots: int, clordid: str = "X", order_id: int = 1 << 32, session: int = ALPHA, **terms: Any
    ) -> Story:
        """A new limit order rests, or one with other terms."""
        event = OrderAccepted(
            sequence=self._next(),
            command_sequence=1,
            time_ns=0,
            epoch=self.epoch,
            last_in_command=1,
            session=session,
            session_epoch=1,
            client_seq=self.sequence,
            order_id=order_id,
            price_ticks=PRICE,
            quantity_lots=lots,
            rested_lots=lots,
            account=11,
            instrument=3,
            side=Side.SELL if session == ALPHA else Side.BUY,
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.DAY,
            poss_resend=0,
            clordid=clordid.encode(),
            working=1,
        )
        self._tell(event._replace(**terms))
        return self

    def start_engine(self, epoch: int, max_bustable_trades: int = 100) -> Story:
        """The engine begins an epoch and says how many trades it remembers."""
        self.epoch = epoch
        self._tell(EpochStarted(self._next(), 1, 0, epoch, 0, epoch, 2, 0, b"venue", bytes(32)))
        self._tell(LimitsDefined(self._next(), 1, 0, epoch, 1, 9, 9, 9, 9, 9, 9, 9, max_bustable_trades))
        return self

    def trigger(self) -> Story:
        """ALPHA's stop reached its price."""
        order = self.view.find(ALPHA, self.order_id, b"")
        assert order is not None
        self._tell(
            OrderTriggered(
                *(self._next(), 1, 0, self.epoch, 1, ALPHA, 1, self.order_id, order.price_ticks, order.leaves_lots, 0),
                *(order.leaves_lots, order.leaves_lots, order.stop_price_ticks, 11, 3, order.side),
                *(order.order_type, order.time_in_force, order.clordid),
            )
        )
        return self

    def reduce(self, lots: int, leaves: int, cum: int = 0) -> Story:
        """Self-trade prevention took lots away from ALPHA's order."""
        self._tell(
            OrderReduced(
                *(self._next(), 1, 0, self.epoch, 1, ALPHA, 1, self.order_id, PRICE, lots, leaves, cum, leaves),
                *(11, 3, Side.SELL, 1, Reason.CANCELED_SELF_TRADE, b"X"),
            )
        )
        return self

    def bust(self, trade_id: int, lots: int, price: int = PRICE, text: bytes = b"wrong price") -> Story:
        """The operator takes back one of ALPHA's fills, in which it sold to BRAVO."""
        trade = next(event for event in self.events if isinstance(event, Trade) and event.sequence == trade_id)
        self._tell(
            TradeBusted(
                *(self._next(), 1, 0, self.epoch, 1, trade_id, price, lots, price * lots, TAKER_FEE, MAKER_FEE),
                *(21, 11, 21, 11, trade.maker_order_id, trade.taker_order_id, ALPHA, BRAVO, 3, Side.BUY),
                *(b"operator", text),
            )
        )
        return self

    def mass_canceled(self, client_seq: int, orders: int, *filters: int) -> Story:
        """A mass cancel of ALPHA, or of an operator (client_seq 0), is over; filters: account, instrument, side."""
        account, instrument, side = filters
        self._tell(
            MassCanceled(
                *(self._next(), 1, 0, self.epoch, 1, ALPHA, 1, client_seq, orders, account, instrument, side),
                *(Reason.CANCELED_MASS_CANCEL, b"M" if client_seq else b""),
            )
        )
        return self

    def fill(self, lots: int, leaves: int, price: int = PRICE, **terms: Any) -> Story:
        """ALPHA's order is the maker; BRAVO's taker is accepted first."""
        taker = (2 << 32) + self.sequence
        self.accept(lots, f"b{self.sequence}", taker, BRAVO)
        self._tell(
            Trade(
                *(self._next(), 1, 0, 1, 1, self.sequence, price, lots, price * lots, MAKER_FEE, TAKER_FEE),
                *(self.order_id, taker, leaves, 0, 11, 21, ALPHA, BRAVO, 3, Side.BUY),
            )._replace(epoch=self.epoch, **terms)
        )
        return self

    def cancel(
        self, cum: int, clordid: str = "Y", orig: str = "X", reason: Reason = Reason.CANCELED_BY_CLIENT
    ) -> Story:
        """The engine took the order out of the book."""
        asked = reason is Reason.CANCELED_BY_CLIENT  # only then a request is named
        event = OrderCanceled(
            *(self._next(), 1, 0, 1, 1, ALPHA, 1, self.sequence if asked else 0, self.order_id, PRICE, 0, cum, 11, 3),
            *(Side.SELL, 1, reason, clordid.encode() if asked else b"", orig.encode()),
        )
        self._tell(event)
        return self

    def replace(
        self, lots: int, cum: int, clordid: str = "Y", orig: str = "X", price: int = PRICE, **terms: Any
    ) -> Story:
        """The engine replaced the order; below CumQty it is filled at CumQty."""
        quantity = max(lots, cum)
        leaves = quantity - cum
        event = OrderReplaced(
            *(self._next(), 1, 0, 1, 1, ALPHA, 1, self.sequence, self.order_id, price, quantity, cum, leaves, leaves),
            *(PRICE, leaves, 11, 3, Side.SELL, 0, clordid.encode(), orig.encode()),
            working=1,
        )._replace(**terms)
        self._tell(event)
        return self

    def reject_request(self, reason: Reason, request: RequestKind, orig: str = "X", order_id: int = 0) -> Story:
        """The engine refused a cancel or replace."""
        event = CancelRejected(
            *(self._next(), 1, 0, 1, 1, ALPHA, 1, self.sequence, order_id, reason, request, OrderStatus.CLOSED),
            *(b"Y", orig.encode()),
        )
        self._tell(event)
        return self

    @property
    def lines(self) -> list[str]:
        """What was told, as the appendix prints it: 35 11 41 150 39 38/14/151/32."""
        return [
            " ".join(
                [told["35"], told["11"], told.get("41", "-"), told.get("150", "-"), told["39"]]
                + ([_lots(told.get(str(tag), "")) for tag in (38, 14, 151, 32)] if told["35"] == "8" else [told["102"]])
            )
            for told in self.told
        ]


def _lots(text: str) -> str:
    return str(int(text.replace(".", ""))) if text else "-"


def test_a1a_filled_order() -> None:
    """A.1.a: New, partial fills, filled."""
    story = Story().accept(10000).fill(2000, 8000).fill(1000, 7000).fill(7000, 0)
    assert story.lines == [
        "8 X - 0 0 10000 0 10000 -",
        "8 X - F 1 10000 2000 8000 2000",
        "8 X - F 1 10000 3000 7000 1000",
        "8 X - F 2 10000 10000 0 7000",
    ]


def test_b1a_cancel_of_a_zero_filled_order() -> None:
    """B.1.a: the cancel's ClOrdID on the Canceled report, OrigClOrdID the order's."""
    assert Story().accept(10000).cancel(0).lines[-1] == "8 Y X 4 4 10000 0 0 -"


def test_b1b_cancel_of_a_part_filled_order_with_executions_while_it_is_active() -> None:
    """B.1.b: fills before the verdict carry the old ClOrdID; CumQty stays on the Canceled report."""
    story = Story().accept(10000).fill(2000, 8000).fill(5000, 3000).cancel(7000)
    assert story.lines[1:] == [
        "8 X - F 1 10000 2000 8000 2000",
        "8 X - F 1 10000 7000 3000 5000",
        "8 Y X 4 4 10000 7000 0 -",
    ]


def test_b1c_filled_before_the_cancel() -> None:
    """B.1.c and B.1.e: the cancel is too late, 9 says so and that the order is filled."""
    story = Story().accept(10000).fill(10000, 0).reject_request(Reason.TOO_LATE_TO_CANCEL, RequestKind.CANCEL)
    assert story.lines[-1] == "9 Y X - 2 0"
    assert story.told[-1]["37"] == str(1 << 32)


def test_b1f_cancel_of_an_unknown_order() -> None:
    """B.1.f: OrdStatus Rejected, OrderID NONE, CxlRejReason unknown order."""
    story = Story().reject_request(Reason.UNKNOWN_ORDER, RequestKind.CANCEL, orig="Z")
    assert story.lines == ["9 Y Z - 8 1"]
    assert (story.told[0]["37"], story.told[0]["434"]) == ("NONE", "1")


def test_c1a_replace_up_of_a_zero_filled_order() -> None:
    """C.1.a: Replaced with OrdStatus New, then fills under the new ClOrdID."""
    story = Story().accept(10000).replace(11000, 0).fill(1000, 10000)
    assert story.lines[1:] == ["8 Y X 5 0 11000 0 11000 -", "8 Y - F 1 11000 1000 10000 1000"]


def test_c1b_replace_up_of_a_part_filled_order_with_execution_while_it_is_pending() -> None:
    """C.1.b: the fill in between is under the old ClOrdID and quantity."""
    story = Story().accept(10000).fill(1000, 9000).fill(100, 8900).replace(12000, 1100).fill(10900, 0)
    assert story.lines[2:] == [
        "8 X - F 1 10000 1100 8900 100",
        "8 Y X 5 1 12000 1100 10900 -",
        "8 Y - F 2 12000 12000 0 10900",
    ]


def test_c1c_replace_of_a_filled_order() -> None:
    """C.1.c: our engine does not reopen a filled order; 9 with the order's status."""
    story = Story().accept(10000).fill(10000, 0).reject_request(Reason.TOO_LATE_TO_CANCEL, RequestKind.REPLACE)
    assert story.lines[-1] == "9 Y X - 2 0"
    assert story.told[-1]["434"] == "2"


@pytest.mark.parametrize(
    ("requested", "line"),
    [
        (8000, "8 Y X 5 1 8000 7000 1000 -"),
        (7000, "8 Y X 5 2 7000 7000 0 -"),
        (6000, "8 Y X 5 2 7000 7000 0 -"),
    ],
)
def test_c3_replace_down_above_at_and_below_cum_qty(requested: int, line: str) -> None:
    """C.3.a-c: down to CumQty or below, OrderQty becomes CumQty and the order is filled, ExecType Replaced."""
    assert Story().accept(10000).fill(7000, 3000).replace(requested, 7000).lines[-1] == line


def test_d2_chained_replaces() -> None:
    """D.2: each replace names its predecessor; an older ClOrdID of the chain still finds the order."""
    story = Story().accept(10000).replace(8000, 0, "Y", "X").replace(6000, 0, "Z", "Y").cancel(0, "W", "Z")
    assert story.lines[1:] == [
        "8 Y X 5 0 8000 0 8000 -",
        "8 Z Y 5 0 6000 0 6000 -",
        "8 W Z 4 4 6000 0 0 -",
    ]
    assert story.view.find(ALPHA, 0, b"X") is story.view.find(ALPHA, 0, b"Z")


@pytest.mark.parametrize(
    ("reason", "exec_type", "status"),
    [
        (Reason.CANCELED_IMMEDIATE_OR_CANCEL, "4", "4"),
        (Reason.CANCELED_FILL_OR_KILL, "4", "4"),
        (Reason.CANCELED_MAX_FILLS, "4", "4"),
        (Reason.CANCELED_MIN_QUANTITY, "4", "4"),
        (Reason.CANCELED_SELF_TRADE, "4", "4"),
        (Reason.CANCELED_MARKET_MAKER_PROTECTION, "4", "4"),
        (Reason.CANCELED_KILL_SWITCH, "4", "4"),
        (Reason.CANCELED_MASS_CANCEL, "4", "4"),
        (Reason.CANCELED_PRICE_BAND, "4", "4"),
        (Reason.CANCELED_BY_OPERATOR, "4", "4"),
        (Reason.BOOK_FULL, "4", "4"),
        (Reason.EXPIRED_END_OF_DAY, "C", "C"),
        (Reason.EXPIRED_GOOD_TILL_DATE, "C", "C"),
        (Reason.CANCELED_AUCTION_ONLY, "C", "C"),
    ],
)
def test_unasked_ends_say_why(reason: Reason, exec_type: str, status: str) -> None:
    """E and I: without a request there is no OrigClOrdID, and Text gives the reason.

    Expired is what TimeInForce ended, but for immediate-or-cancel and fill-or-kill; 378 marks what the venue did.
    """
    told = Story().accept(10000).cancel(0, reason=reason).told[-1]
    assert (told["150"], told["39"], told["11"], told.get("41"), told["151"]) == (
        exec_type,
        status,
        "X",
        None,
        "0.0000",
    )
    assert told["58"] == REASONS[reason].text
    assert told.get("378") == ("8" if reason in UNSOLICITED else None)


def test_f_rejected_order() -> None:
    """F: ExecType and OrdStatus Rejected with OrdRejReason, and the order's own words."""
    story = Story()
    story._tell(
        OrderRejected(
            *(1, 1, 0, 1, 1, ALPHA, 1, 1, PRICE, 10000, 11, 3, Side.BUY, OrderType.LIMIT, TimeInForce.DAY, 0),
            *(Reason.INSUFFICIENT_FUNDS, b"X"),
            echo=b"453=1\x01448=P",
        )
    )
    told = story.told[0]
    assert (told["150"], told["39"], told["103"], told["37"]) == ("8", "8", "3", "NONE")
    assert (told["44"], told["38"], told["1"], told["448"], told["17"]) == ("10.00", "1.0000", "ALPHA-1", "P", "1-1")


def test_a_possible_resend_of_a_known_order_is_told_its_status() -> None:
    """An order that was already answered is not rejected again: 150=I and where it stands."""
    story = Story().accept(10000).fill(4000, 6000)
    story._tell(
        OrderRejected(
            *(
                story._next(),
                1,
                0,
                1,
                1,
                ALPHA,
                1,
                9,
                PRICE,
                10000,
                11,
                3,
                Side.SELL,
                OrderType.LIMIT,
                TimeInForce.DAY,
                1,
            ),
            *(Reason.POSS_RESEND_DUPLICATE, b"X"),
        )
    )
    assert story.lines[-1] == "8 X - I 1 10000 4000 6000 -"


def test_a_trade_tells_price_liquidity_fee_and_average() -> None:
    """Maker and taker get their own fee, liquidity flag and ExecID; the TradeID is the number in both."""
    story = Story().accept(300).fill(100, 200, 1000).fill(100, 100, 1001).fill(100, 0, 1001)
    last = story.told[-1]
    assert (last["31"], last["851"], last["137"], last["138"], last["139"]) == ("10.01", "1", "0.000010", "USD", "4")
    assert last["6"] == "10.006667"
    assert last["17"].endswith("M")
    event = Trade(*(99, 1, 0, 1, 1, 99, 1, 1, 1, 0, 25, 1 << 32, 2 << 32, 0, 0, 11, 21, ALPHA, BRAVO, 3, Side.BUY))
    assert reports.key_of(event, Leg.TAKER).text() == "1-99T"


def test_closed_orders_are_forgotten_at_the_end_of_the_day() -> None:
    """An open order stays, a closed one is unknown the next day."""
    story = Story().accept(100, "open", 5 << 32).accept(100).cancel(0)
    assert story.view.apply(DayEnded(99, 1, 0, 1, 1, 20260102, 0)) == []
    assert story.view.find(ALPHA, 0, b"open") is not None
    assert story.view.find(ALPHA, 0, b"X") is None


def test_an_order_of_another_session_is_unknown() -> None:
    """OrderID of somebody else's order finds nothing."""
    story = Story().accept(100)
    assert story.view.find(ALPHA, 1 << 32, b"") is not None
    assert story.view.find(BRAVO, 1 << 32, b"") is None


def test_the_terms_of_an_order_are_in_every_report() -> None:
    """StopPx, MaxFloor, MinQty, ExecInst, ExpireTime, trigger and self-trade prevention come back as they were sent."""
    terms: dict[str, Any] = {
        "order_type": OrderType.STOP_LIMIT,
        "time_in_force": TimeInForce.GOOD_TILL_DATE,
        "stop_price_ticks": 990,
        "display_lots": 100,
        "min_lots": 50,
        "expire_ns": 1_767_312_000_000_000_000,
        "trigger": 2,
        "stp_mode": 4,
        "post_only": 1,
        "working": 0,
    }
    story = Story().accept(10000, **terms)
    story.cancel(0, reason=Reason.CANCELED_BY_OPERATOR)
    wanted = {
        "40": "4",
        "59": "6",
        "44": "10.00",
        "99": "9.90",
        "111": "0.0100",
        "110": "0.0050",
        "18": "6",
        "126": "20260102-00:00:00.000000",
        "20002": "2",
        "8000": "D",
    }
    for told in story.told:
        assert {tag: told.get(tag) for tag in wanted} == wanted
    story._tell(_rejected(**{name: value for name, value in terms.items() if name != "working"}))
    assert {tag: story.told[-1].get(tag) for tag in wanted} == wanted


def _rejected(**terms: Any) -> OrderRejected:
    return OrderRejected(
        *(90, 1, 0, 1, 1, ALPHA, 1, 1, PRICE, 10000, 11, 3, Side.SELL, OrderType.LIMIT, TimeInForce.DAY, 0),
        *(Reason.PHASE_NOT_ALLOWED, b"R"),
    )._replace(**terms)


def test_a_rejection_of_values_that_fix_has_no_word_for_is_told_without_them() -> None:
    """Whatever a gateway of another release sent: the report goes out and the gateway lives."""
    story = Story()
    story._tell(_rejected(order_type=99, time_in_force=99, trigger=99, stp_mode=99, side=9))
    told = story.told[0]
    assert (told["150"], told["54"]) == ("8", "9")
    assert not {"40", "59", "20002", "8000"} & set(told)


@pytest.mark.parametrize(
    ("order_type", "accepted_price", "rejected_price"),
    [
        (OrderType.MARKET, None, None),
        (OrderType.LIMIT, "10.00", "10.00"),
        (OrderType.STOP, None, None),
        (OrderType.STOP_LIMIT, "10.00", "10.00"),
        (OrderType.MARKET_TO_LIMIT, "10.00", None),
    ],
)
def test_price_is_told_where_it_is_a_limit(
    order_type: OrderType, accepted_price: str | None, rejected_price: str | None
) -> None:
    """A protection price is nobody's limit; a market order with left over as limit learns its limit when accepted."""
    story = Story().accept(100, order_type=order_type)
    story._tell(_rejected(order_type=order_type))
    assert [told.get("44") for told in story.told] == [accepted_price, rejected_price]
    assert story.told[0]["40"] == story.told[1]["40"] == reports.ORDER_TYPE[order_type]


def test_a_stop_waits_is_triggered_and_trades() -> None:
    """New with WorkingIndicator N, then Restated with Y when its price is reached, then trades like any order."""
    story = Story().accept(10000, order_type=OrderType.STOP_LIMIT, stop_price_ticks=990, working=0)
    story.trigger().fill(4000, 6000)
    assert [(told["150"], told["39"], told.get("636")) for told in story.told] == [
        ("0", "0", "N"),
        ("D", "0", "Y"),
        ("F", "1", None),
    ]
    assert (story.told[1]["378"], story.told[1]["58"]) == ("99", "stop price reached: the order is working")
    assert "636" not in Story().accept(10000).told[0]


def test_an_at_the_close_order_says_when_its_auction_begins() -> None:
    """Parked it is not working; OrderTriggered without a stop price is the beginning of the auction."""
    story = Story().accept(100, time_in_force=TimeInForce.AT_THE_CLOSE, working=0).trigger()
    assert [(told["150"], told["59"], told.get("636")) for told in story.told] == [("0", "7", "N"), ("D", "7", "Y")]
    assert story.told[1]["58"] == "the closing auction has begun: the order is working"


def test_a_waiting_stop_is_replaced_and_waits_on() -> None:
    """Replaced shows the new StopPx; a term the replace did not change stays."""
    story = Story().accept(10000, order_type=OrderType.STOP_LIMIT, stop_price_ticks=990, working=0)
    story.replace(8000, 0, stop_price_ticks=980, display_lots=500, working=0)
    assert [story.told[-1].get(tag) for tag in ("150", "99", "111", "636")] == ["5", "9.80", "0.0500", "N"]
    story.trigger().replace(7000, 0, "Z", "Y", display_lots=500)
    assert [story.told[-1].get(tag) for tag in ("150", "99", "111", "636")] == ["5", "9.80", "0.0500", "Y"]


def test_self_trade_prevention_takes_lots_away() -> None:
    """Restated, partial decline: OrderQty and LeavesQty go down together, CumQty stays."""
    story = Story().accept(10000).fill(2000, 8000).reduce(3000, 5000, 2000).fill(5000, 0)
    assert story.lines[2:] == ["8 X - D 1 7000 2000 5000 -", "8 X - F 2 7000 7000 0 5000"]
    assert (story.told[2]["378"], story.told[2]["58"]) == ("5", "self-trade prevention")


def test_an_auction_trade_has_no_liquidity_indicator() -> None:
    """Both orders were in the book: FIX 4.4 has no LastLiquidityInd for that."""
    story = Story().accept(100).fill(100, 0, auction=1)
    assert "851" not in story.told[-1]
    assert (story.told[-1]["150"], story.told[-1]["137"]) == ("F", "0.000010")


def test_j1_bust_of_a_fill_of_an_open_order() -> None:
    """Trade Cancel names the fill; CumQty and AvgPx go back, LeavesQty stays: the busted lots are not open again."""
    story = Story().start_engine(1).accept(10000).fill(2000, 8000, 1000).fill(2000, 6000, 1010)
    trade_id = story.sequence
    story.bust(trade_id, 2000, 1010)
    assert story.lines[-1] == "8 X - H 1 10000 2000 6000 2000"
    told = story.told[-1]
    assert (told["19"], told["31"], told["6"]) == (f"1-{trade_id}M", "10.10", "10")
    assert (told["17"], told["58"]) == (f"1-{story.sequence}M", "trade busted: wrong price")
    assert (told["137"], told["138"]) == ("-0.000010", "USD")
    story.fill(6000, 0, 1000).cancel(0, reason=Reason.CANCELED_BY_OPERATOR)
    assert story.lines[-2] == "8 X - F 4 10000 8000 0 6000"


def test_j1_bust_of_everything_leaves_an_open_order_new() -> None:
    """Nothing executed and still open: New; a replace then counts the busted lots as the engine does."""
    story = Story().start_engine(1).accept(10000).fill(4000, 6000)
    story.bust(story.sequence, 4000)
    assert story.lines[-1] == "8 X - H 0 10000 0 6000 4000"
    assert story.told[-1]["6"] == "0"
    story.replace(3000, 4000)
    assert story.lines[-1] == "8 Y X 5 4 4000 0 0 -"


@pytest.mark.parametrize(
    ("reason", "status"), [(None, "4"), (Reason.CANCELED_BY_CLIENT, "4"), (Reason.EXPIRED_END_OF_DAY, "C")]
)
def test_j1_bust_of_a_closed_order(reason: Reason | None, status: str) -> None:
    """A filled order becomes Canceled, with what is left of its executions; one that was closed stays as it was."""
    story = Story().start_engine(1).accept(10000).fill(4000, 6000)
    trade_id = story.sequence
    if reason is None:
        story.fill(6000, 0)
    else:
        story.cancel(4000, reason=reason)
    story.bust(trade_id, 4000)
    clordid = story.told[-1]["11"]
    assert story.lines[-1] == f"8 {clordid} - H {status} 10000 {6000 if reason is None else 0} 0 4000"


def test_both_sides_of_a_bust_are_told_each_its_own_fill_and_fee() -> None:
    """The maker's and the taker's report name their own ExecID; the buyer gets the buyer's fee back."""
    story = Story().start_engine(1).accept(10000).fill(4000, 6000)
    trade_id = story.sequence
    story.bust(trade_id, 4000)
    event = story.events[-1]
    told = [fields_of(reports.report(event, leg, story.view, story.reference)[1]) for leg in (Leg.MAKER, Leg.TAKER)]
    assert [(one["19"], one["54"], one["137"]) for one in told] == [
        (f"1-{trade_id}M", "2", "-0.000010"),
        (f"1-{trade_id}T", "1", "-0.000025"),
    ]
    assert [one["39"] for one in told] == ["0", "4"]


def test_a_bust_names_the_epoch_of_the_trade_not_its_own() -> None:
    """The engine was started again in between: ExecRefID is the ExecID the trade was reported under."""
    story = Story().start_engine(1).accept(10000).fill(4000, 6000)
    trade_id = story.sequence
    story.start_engine(2).bust(trade_id, 4000)
    assert (story.told[-2]["17"], story.told[-1]["19"]) == (f"1-{trade_id}M", f"1-{trade_id}M")
    assert story.told[-1]["17"].startswith("2-")


def test_a_closed_order_is_kept_while_its_trade_can_be_busted() -> None:
    """Over the end of the day, and no longer than the engine remembers the trade; its ClOrdID is free at once."""
    story = Story().start_engine(1, max_bustable_trades=1).accept(10000).fill(10000, 0)
    trade_id = story.sequence
    story._tell(DayEnded(story._next(), 1, 0, 1, 1, 20260102, 0))
    assert story.view.find(ALPHA, 0, b"X") is None
    story.bust(trade_id, 10000)
    assert story.lines[-1] == "8 X - H 4 10000 0 0 10000"
    first, story.order_id = story.order_id, 9 << 32
    story.accept(100, "next", story.order_id).fill(100, 0)
    story._tell(DayEnded(story._next(), 1, 0, 1, 1, 20260103, 0))
    assert story.view.find(ALPHA, first, b"") is None
    kept = story.view.find(ALPHA, story.order_id, b"")
    assert kept is not None and kept.status is Status.FILLED


def test_an_operators_words_stay_one_field() -> None:
    """No byte of the operator's text can end the field and begin another."""
    story = Story().start_engine(1).accept(100).fill(100, 0)
    story.bust(story.sequence, 100, text=b"bad\x0139=2\xff")
    assert story.told[-1]["58"] == "trade busted: bad 39=2\ufffd"
    assert story.told[-1]["39"] == "4"


def test_a_mass_cancel_is_reported_after_its_cancels() -> None:
    """r with what was asked and how many orders went; an operator's or a kill switch's has no such report."""
    story = Story().accept(100).cancel(0, reason=Reason.CANCELED_MASS_CANCEL).mass_canceled(7, 1, 11, 3, 1)
    told = story.told[-1]
    assert {tag: told.get(tag) for tag in ("35", "11", "530", "531", "533", "1", "55", "54", "532")} == {
        "35": "r",
        "11": "M",
        "530": "1",
        "531": "1",
        "533": "1",
        "1": "ALPHA-1",
        "55": "ETH-USD",
        "54": "1",
        "532": None,
    }
    assert told["20001"] == told["37"] == f"1-{story.sequence}"
    everything = Story().mass_canceled(7, 0, 0, 0, 0).told[-1]
    assert [everything.get(tag) for tag in ("530", "531", "533", "1", "55", "54")] == ["7", "7", "0", None, None, None]
    assert Story().mass_canceled(0, 5, 11, 0, 0).told == []


def test_a_mass_cancel_that_the_engine_refuses_is_answered_with_r() -> None:
    """531=0 and 532; never an Order Cancel Reject, which has no such request."""
    story = Story()
    for reason, asked, code in ((Reason.UNKNOWN_INSTRUMENT, "1", "1"), (Reason.ACCOUNT_NOT_PERMITTED, "7", "99")):
        story.reject_request(reason, RequestKind.MASS_CANCEL, orig="")
        told = story.told[-1]
        assert [told.get(tag) for tag in ("35", "11", "530", "531", "532")] == ["r", "Y", asked, "0", code]
        assert told["58"] == REASONS[reason].text


def test_the_same_events_give_the_same_reports_again() -> None:
    """What a restarted gateway derives is word for word what the first one told."""
    story = Story().start_engine(1).accept(10000, order_type=OrderType.STOP_LIMIT, stop_price_ticks=990, working=0)
    story.trigger().fill(2000, 8000).reduce(1000, 7000, 2000).replace(8000, 2000)
    story.bust(next(event.sequence for event in story.events if isinstance(event, Trade)), 2000)
    story.cancel(2000, "Z", "Y").mass_canceled(9, 0, 0, 0, 0)
    again = Story()
    for event in story.events:
        again._tell(event)
    assert again.told == story.told
    assert len({told.get("17") or told["20001"] for told in story.told}) == len(story.told)
