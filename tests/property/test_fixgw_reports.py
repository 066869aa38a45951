"""What clients are told against the reference core: whatever random commands do, every order of the core is the order
its client knows.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from engine.book import ReferenceCore
from engine.wire.messages import AssetDefined, InstrumentDefined, StopTrigger
from fixgw import reports
from fixgw.orders import OPEN, OrderView
from fixgw.reference import Listing, Reference
from fixgw.tagvalue import fields_of
from tests.fixtures.fix_mdfeed import Venue

STEPS = 4_000
SEEDS = (31, 32, 33)
#: ExecTypes of the random market: every one that docs/FIX.md lists, but the status a client asks for.
EXEC_TYPES = {"0", "F", "D", "4", "5", "H", "8", "C"}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_client_knows_its_orders_as_the_core_does(seed: int) -> None:
    """After every part each open order of the core is open to the client, with the same terms, leaves and executions.

    Every report holds OrderQty = CumQty + LeavesQty + what was busted; no id is given twice.
    """
    venue, view, reference = Venue(seed), OrderView(), Reference(())
    told: Counter[str] = Counter()
    ids: set[str] = set()
    trades: dict[str, dict[str, str]] = {}
    for events in venue.steps(STEPS):
        for event in events:
            if isinstance(event, InstrumentDefined | AssetDefined):
                reference.apply(event)
            for _, leg in view.apply(event):
                key, text = reports.report(event, leg, view, reference)
                fields = fields_of(text)
                told[fields.get("150") or fields["35"]] += 1
                assert key.text() == fields.get("17", fields.get("20001"))
                assert key.text() not in ids
                ids.add(key.text())
                if fields["35"] == "8" and fields["37"] != reports.NONE:
                    _check_arithmetic(fields, view, reference)
                if fields.get("150") == reports.TRADE:
                    trades[fields["17"]] = fields
                if fields.get("150") == reports.TRADE_CANCEL:
                    _check_bust(fields, trades[fields["19"]])
        _check_orders(view, venue.core)
    print(sorted(told.items()), sorted(venue.reached.items()))
    assert set(told) >= EXEC_TYPES | {"9", "r"}


def _check_bust(bust: dict[str, str], trade: dict[str, str]) -> None:
    """A bust takes back what its trade's report to the same side said, the fee included."""
    assert [bust[tag] for tag in ("37", "31", "32", "54")] == [trade[tag] for tag in ("37", "31", "32", "54")]
    assert Decimal(bust.get("137", "0")) == -Decimal(trade.get("137", "0"))


def _check_arithmetic(fields: dict[str, str], view: OrderView, reference: Reference) -> None:
    order = view._by_id[int(fields["37"])]
    quantity, cum, leaves = (Decimal(fields[tag]) for tag in ("38", "14", "151"))
    assert min(cum, leaves) >= 0
    if fields["39"] in OPEN:
        assert quantity == cum + leaves + order.busted_lots * _lot(reference.listings[order.instrument])
        assert (fields["39"] == "0") == (cum == 0)
    else:
        assert leaves == 0
        assert fields["39"] != "2" or cum == quantity
    assert (Decimal(fields["6"]) > 0) == (cum > 0)


def _lot(listing: Listing) -> Decimal:
    return Decimal(listing.lot_mantissa).scaleb(-listing.lot_exponent)


def _check_orders(view: OrderView, core: ReferenceCore) -> None:
    told = {
        order.order_id: (
            *(order.session, order.clordid, order.account, order.instrument, order.side, order.order_type),
            *(order.time_in_force, order.price_ticks, order.leaves_lots, order.cum_lots + order.busted_lots),
            *(order.display_lots, order.stop_price_ticks, order.trigger == StopTrigger.REFERENCE_PRICE),
            *(order.expire_ns, bool(order.post_only), order.stp_mode, order.working),
        )
        for order in view._by_id.values()
        if order.status in OPEN
    }
    held = {
        order.order_id: (
            *(order.session, order.clordid, order.account, order.instrument, order.side, order.order_type),
            *(order.time_in_force, order.price_ticks, order.leaves_lots, order.cum_lots),
            *(order.display_lots, order.stop_price_ticks, order.by_reference),
            *(order.expire_ns, bool(order.post_only), order.stp_mode, not order.dormant),
        )
        for order in core.orders.values()
    }
    assert told == held
