"""Busts that a guarantor stands in for: both cores, settlement's movements and the demo's audit move the same money.

Random commands hardly ever leave an account unable to give back what a trade gave it; here it is made so.
"""

from __future__ import annotations

from collections import Counter
from itertools import product
from pathlib import Path

import pytest
import zmq

from engine.book import Event
from engine.wire.endpoints import EngineEndpoints
from engine.wire.messages import CheckpointEnded, Role, Side, Trade, TradeBusted
from ops.audit import Audit
from settlement.batches import Instrument, bust_movements
from tests.fixtures.fix_core import LIMITS, only
from tests.property.commands import CAPACITY, FEE_ACCOUNT, LENDER, MORE_ACCOUNTS, CommandSource
from tests.property.pair import Pair

ALICE, BOB = 2, 4  # sessions 1 and 3
BASE, QUOTE = 1, 3
FUNDS = 100_000


def of_a_trade(pair: Pair, taker_side: Side) -> tuple[Trade, list[Event]]:
    """Alice sells three lots to Bob or buys them from him, always as the taker."""
    maker_side = Side.BUY if taker_side is Side.SELL else Side.SELL
    events = []
    for session, side in ((3, maker_side), (1, taker_side)):
        events += pair.send(*pair.source.new_order(session, side=side, quantity_lots=3, price_ticks=62))
    return only(Trade, events), events


@pytest.mark.parametrize(
    ("taker_side", "poor_buyer", "poor_seller"),
    [case for case in product((Side.BUY, Side.SELL), (True, False), (True, False)) if case[1] or case[2]],
)
def test_a_guarantor_gives_and_gets_in_place_of_a_side(
    taker_side: Side, poor_buyer: bool, poor_seller: bool, tmp_path: Path
) -> None:
    """A side that has lent everything away keeps what the trade gave it; equal in both cores, to the unit elsewhere."""
    pair = Pair(CAPACITY, CommandSource())
    events = [event for command in pair.source.setup(LIMITS) for event in pair.send(*command)]
    for account_set in MORE_ACCOUNTS:
        events += pair.send(Role.INTERNAL, account_set.encode())
    for asset in (BASE, QUOTE):
        events += pair.send(*pair.source.credit(LENDER, asset, FUNDS))
    trade, traded = of_a_trade(pair, taker_side)
    events += traded
    buyer, seller = (ALICE, BOB) if taker_side is Side.BUY else (BOB, ALICE)
    for account, asset, is_poor in ((buyer, BASE, poor_buyer), (seller, QUOTE, poor_seller)):
        if is_poor:
            all_of_it = pair.reference.balance(account, asset)[0]
            events += pair.send(*pair.source.transfer(account, LENDER, asset, all_of_it))
    pairs = list(product((ALICE, BOB, LENDER, FEE_ACCOUNT), (BASE, QUOTE)))
    before = {(account, asset): pair.reference.balance(account, asset)[0] for account, asset in pairs}
    bust = pair.send(*pair.source.bust(trade.trade_id, LENDER))
    events += bust
    busted = only(TradeBusted, bust)
    sides = LENDER if poor_buyer else buyer, LENDER if poor_seller else seller
    assert (busted.buyer_side_account, busted.seller_side_account) == sides
    moved = Counter[tuple[int, int]]()
    for account, asset, units in bust_movements(busted, Instrument(BASE, QUOTE, 100), FEE_ACCOUNT):
        moved[account, asset] += units
    after = {(account, asset): pair.reference.balance(account, asset)[0] for account, asset in pairs}
    assert {key: after[key] - before[key] for key in pairs} == {key: moved[key] for key in pairs}
    if poor_buyer:
        assert after[buyer, BASE] == 0, "the guarantor gave"
    events += pair.send(*pair.source.checkpoint_after())
    only(CheckpointEnded, events)
    with zmq.Context[zmq.Socket[bytes]]() as context:
        audit = Audit(context, EngineEndpoints(tmp_path), fee_account=FEE_ACCOUNT)
        for event in events:
            audit.take(memoryview(event.encode()))
        assert audit.differences == [] and audit.checkpoints == 1
        audit.close()
