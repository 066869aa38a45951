"""Which reports of lost events are taken back, and how: each once, fills one by one, nothing filled by a correction."""

from __future__ import annotations

from fixgw.corrections import corrections, lost_reports
from fixgw.orders import Order, OrderView
from fixgw.reports import ReportKey
from fixgw.tagvalue import fields_of
from tests.unit.test_fixgw_translate import reference

LAST_KEPT = 10  # of epoch 1; what epoch 1 had above is lost


def has_event(epoch: int, sequence: int) -> bool:
    """Epoch 1 up to 10, then epoch 2."""
    return sequence <= LAST_KEPT if epoch == 1 else sequence > LAST_KEPT


def stored(exec_id: str, exec_type: str, order_id: int = 7) -> str:
    """A report as the message store has it."""
    fields = (
        f"35=8|34=5|37={order_id}|11=o{order_id}|17={exec_id}|150={exec_type}|39=1|55=ETH-USD|54=1|38=2|40=2|44=50|"
    )
    return (fields + "31=50|32=1|151=1|14=1|453=1|448=DESK|10=000|").replace("|", "\x01")


def taken_back(texts: list[str], orders: OrderView | None = None) -> list[dict[str, str]]:
    """The corrections of what is stored."""
    found = corrections(1, lost_reports(texts, has_event), orders or OrderView(), reference(), 0)
    assert [key.text() for key, _ in found] == [fields_of(text)["17"] for _, text in found]
    return [fields_of(text) for _, text in found]


def test_a_lost_order_is_canceled_and_each_of_its_fills_taken_back() -> None:
    """Two fills, two Trade Cancels that name them; the last one says that the order is gone. Parties come back."""
    texts = [stored("1-9", "0", 3), stored("1-11", "0"), stored("1-12M", "F"), stored("1-13M", "F")]
    found = taken_back([*texts, stored("2-14", "0", 9)])
    assert [(one["150"], one["17"], one["19"], one["39"]) for one in found] == [
        ("H", "X1-12M", "1-12M", "4"),
        ("H", "X1-13M", "1-13M", "4"),
    ]
    assert {(one["14"], one["151"], one["448"], one["11"]) for one in found} == {("0", "0", "DESK", "o7")}


def test_an_order_without_fills_has_one_correction() -> None:
    """Accepted, replaced, canceled, all lost: the last report is taken back, and with it all before."""
    texts = [stored("1-11", "0"), stored("1-12", "5"), stored("1-13", "4")]
    assert [(one["17"], one["150"]) for one in taken_back(texts)] == [("X1-13", "4")]


def test_what_was_taken_back_before_stays_so_and_a_second_loss_is_another_one() -> None:
    """The gateway died between the corrections: the others follow. A later loss of the same order is corrected, too."""
    texts = [stored("1-11", "0"), stored("1-12M", "F"), stored("1-13M", "F")]
    assert [one["17"] for one in taken_back([*texts, stored("X1-12M", "H")])] == ["X1-13M"]
    done = [*texts, stored("X1-12M", "H"), stored("X1-13M", "H")]
    assert taken_back(done) == []
    assert [one["17"] for one in taken_back([*done, stored("2-5M", "F")])] == ["X2-5M"]


def test_rejects_refusals_and_statuses_are_not_taken_back() -> None:
    """A request that was rejected has not been entered: that is still so."""
    cancel_reject = "35=9\x0134=5\x0137=7\x0111=c\x0120001=1-14\x01"
    texts = [stored("1-11", "8", 0), stored("R1-12", "8"), stored("S1-13", "I"), cancel_reject]
    assert taken_back(texts) == []
    assert [one.key for one in lost_reports(texts, has_event)] == [
        ReportKey(False, 1, 11),
        ReportKey(False, 1, 14),
    ]


def view(epoch: int) -> OrderView:
    """Order 7 rests, accepted in this epoch."""
    orders = OrderView()
    orders._by_id[7] = Order(7, 1, b"o7", 11, 3, 1, 2, 0, 5000, 200, 200, b"", epoch=epoch)
    return orders


def test_an_order_that_stands_is_restated_and_its_lost_fill_taken_back() -> None:
    """Its present state, from the engine; a lost cancel leaves it open."""
    (restated,) = taken_back([stored("1-11", "4")], view(1))
    assert [restated[tag] for tag in ("150", "39", "378")] == ["D", "0", "99"]
    (bust,) = taken_back([stored("1-11T", "F")], view(1))
    assert [bust[tag] for tag in ("150", "39", "19")] == ["H", "0", "1-11T"]


def test_an_order_id_given_again_is_another_order() -> None:
    """Order 7 of epoch 2 is not the lost one."""
    (canceled,) = taken_back([stored("1-11", "0")], view(2))
    assert [canceled[tag] for tag in ("150", "39", "151")] == ["4", "4", "0"]
