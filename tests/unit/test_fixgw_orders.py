"""FIX 4.4 Appendix D on synthetic events: what a client is told at each step of an order's life.

Scenarios carry the appendix's letters. Pending states (150=A, 6, E) are optional there and not sent.
"""

from __future__ import annotations

import pytest

from engine.wire.messages import (
    AnyMessage,
    CancelRejected,
    DayEnded,
    OrderAccepted,
    OrderCanceled,
    OrderRejected,
    OrderReplaced,
    OrderStatus,
    OrderType,
    Reason,
    RequestKind,
    Side,
    TimeInForce,
    Trade,
)
from fixgw import reports
from fixgw.orders import Leg, OrderView
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
        self.told: list[dict[str, str]] = []
        self.order_id = 1 << 32

    def _tell(self, event: AnyMessage) -> None:
        for session, leg in self.view.apply(event):
            _, text = reports.report(event, leg, self.view, self.reference)
            if session == ALPHA:
                self.told.append(fields_of(text))

    def _next(self) -> int:
        self.sequence += 1
        return self.sequence

    def accept(self, lots: int, clordid: str = "X", order_id: int = 1 << 32, session: int = ALPHA) -> Story:
        """A new limit order rests."""
        price, account, side = PRICE, 11, Side.SELL if session == ALPHA else Side.BUY
        kind = (OrderType.LIMIT, TimeInForce.DAY)
        event = OrderAccepted(
            *(
                self._next(),
                1,
                0,
                1,
                1,
                session,
                1,
                self.sequence,
                order_id,
                price,
                lots,
                lots,
                account,
                3,
                side,
                *kind,
            ),
            *(0, clordid.encode(), b""),
        )
        self._tell(event)
        return self

    def fill(self, lots: int, leaves: int, price: int = PRICE) -> Story:
        """ALPHA's order is the maker; BRAVO's taker is accepted first."""
        taker = (2 << 32) + self.sequence
        self.accept(lots, f"b{self.sequence}", taker, BRAVO)
        self._tell(
            Trade(
                *(self._next(), 1, 0, 1, 1, self.sequence, price, lots, price * lots, MAKER_FEE, TAKER_FEE),
                *(self.order_id, taker, leaves, 0, 11, 21, ALPHA, BRAVO, 3, Side.BUY),
            )
        )
        return self

    def cancel(
        self, cum: int, clordid: str = "Y", orig: str = "X", reason: Reason = Reason.CANCELED_BY_CLIENT
    ) -> Story:
        """The engine took the order out of the book."""
        asked = reason is Reason.CANCELED_BY_CLIENT
        event = OrderCanceled(
            *(self._next(), 1, 0, 1, 1, ALPHA, 1, self.sequence if asked else 0, self.order_id, PRICE, 0, cum, 11, 3),
            *(Side.SELL, 1, reason, clordid.encode() if asked else b"", orig.encode()),
        )
        self._tell(event)
        return self

    def replace(self, lots: int, cum: int, clordid: str = "Y", orig: str = "X", price: int = PRICE) -> Story:
        """The engine replaced the order; below CumQty it is filled at CumQty."""
        quantity = max(lots, cum)
        leaves = quantity - cum
        event = OrderReplaced(
            *(self._next(), 1, 0, 1, 1, ALPHA, 1, self.sequence, self.order_id, price, quantity, cum, leaves, leaves),
            *(PRICE, leaves, 11, 3, Side.SELL, 0, clordid.encode(), orig.encode(), b""),
        )
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
        (Reason.EXPIRED_END_OF_DAY, "C", "C"),
    ],
)
def test_unasked_ends_say_why(reason: Reason, exec_type: str, status: str) -> None:
    """E and I: without a request there is no OrigClOrdID, and Text gives the reason."""
    told = Story().accept(10000).cancel(0, reason=reason).told[-1]
    assert (told["150"], told["39"], told["11"], told.get("41"), told["151"]) == (
        exec_type,
        status,
        "X",
        None,
        "0.0000",
    )
    assert told["58"]


def test_f_rejected_order() -> None:
    """F: ExecType and OrdStatus Rejected with OrdRejReason, and the order's own words."""
    story = Story()
    story._tell(
        OrderRejected(
            *(1, 1, 0, 1, 1, ALPHA, 1, 1, PRICE, 10000, 11, 3, Side.BUY, OrderType.LIMIT, TimeInForce.DAY, 0),
            *(Reason.INSUFFICIENT_FUNDS, b"X", b"453=1\x01448=P"),
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
            *(Reason.POSS_RESEND_DUPLICATE, b"X", b""),
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
