"""Batches are a pure function of events: cut, netting, leaves and tree, and the scale from engine units to tokens."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_utils.crypto import keccak

from engine.wire.messages import Side, Trade, TradeBusted, Transferred
from settlement.batches import (
    BUST_PREIMAGE,
    EMPTY_LEAF,
    PREIMAGE,
    TRANSFER_PREIMAGE,
    Batch,
    BatchCutter,
    BatchLimits,
    Instrument,
    Item,
    Movement,
    bust_movements,
    bust_preimage,
    leaf_of,
    merkle_proof,
    merkle_root,
    movements,
    preimage,
    transfer_movements,
    transfer_preimage,
    vault_legs,
)
from settlement.vault import Leg, VaultError

ETH_USD = Instrument(base=2, quote=1, lot_units=10_000)
FEE = 1
LIMITS = BatchLimits(legs=8, age_ns=1_000, notional_units=0, gross_units={1: 10**12, 2: 10**12})
VAULT = bytes(range(20))


def trade(
    sequence: int,
    time_ns: int = 0,
    *,
    maker: int = 11,
    taker: int = 21,
    lots: int = 1,
    notional: int = 1_000,
    **rest: int,
) -> Trade:
    """A trade with small numbers; the taker buys."""
    fields = {
        "sequence": sequence,
        "command_sequence": sequence,
        "time_ns": time_ns,
        "epoch": 1,
        "last_in_command": 1,
        "trade_id": sequence,
        "price_ticks": 10,
        "quantity_lots": lots,
        "notional_units": notional,
        "maker_fee_units": 2,
        "taker_fee_units": 5,
        "maker_order_id": 1,
        "taker_order_id": 2,
        "maker_leaves_lots": 0,
        "taker_leaves_lots": 0,
        "maker_account": maker,
        "taker_account": taker,
        "maker_session": 1,
        "taker_session": 2,
        "instrument": 1,
        "taker_side": Side.BUY,
        **rest,
    }
    return Trade(**fields)


def bust_of(one: Trade, sequence: int, *, guarantor: int = 0) -> TradeBusted:
    """The bust of a trade; a guarantor stands in for its seller."""
    bought = one.taker_side == Side.BUY
    buyer, seller = (one.taker_account, one.maker_account) if bought else (one.maker_account, one.taker_account)
    maker_fee, taker_fee = one.maker_fee_units, one.taker_fee_units
    return TradeBusted(
        *(sequence, sequence, 5, 1, 1, one.trade_id, one.price_ticks, one.quantity_lots, one.notional_units),
        *((taker_fee, maker_fee) if bought else (maker_fee, taker_fee)),
        *(buyer, seller, buyer, guarantor or seller, one.maker_order_id, one.taker_order_id),
        *(1, 2, one.instrument, one.taker_side),
        operator=b"op",
        reason_text=b"why",
    )


TRANSFER = Transferred(9, 9, 5, 1, 1, 1, 31, 21, 1, 500, 0, 0, b"op")
BUST_UNBOUND = {"maker_order_id", "taker_order_id", "maker_session", "taker_session", "taker_side", "reason_text"}


def fed(cutter: BatchCutter, *trades: Trade) -> list[Batch]:
    """What feeding these trades cuts."""
    cut = []
    for one in trades:
        moved = movements(one, ETH_USD, FEE)
        leaf = leaf_of(preimage(1, VAULT, one, EMPTY_LEAF))
        item = Item(one.sequence, one.time_ns, moved, ETH_USD.quote, one.notional_units, leaf)
        cut += [cutter.pass_time(one.sequence, one.time_ns), cutter.add(item)]
    return [batch for batch in cut if batch is not None]


def test_a_trade_moves_base_quote_and_fees() -> None:
    """The buyer pays notional and its fee, the seller gets notional less its fee, the venue gets both."""
    assert movements(trade(1, lots=3), ETH_USD, FEE) == [
        Movement(21, 2, 30_000),
        Movement(11, 2, -30_000),
        Movement(21, 1, -1_005),
        Movement(11, 1, 998),
        Movement(FEE, 1, 7),
    ]


def test_fees_follow_maker_and_taker_not_buyer_and_seller() -> None:
    """When the taker sells, the buyer pays the maker's fee."""
    moved = movements(trade(1, taker_side=Side.SELL), ETH_USD, FEE)
    assert Movement(11, 1, -1_002) in moved and Movement(21, 1, 995) in moved


def test_a_rebate_is_paid_by_the_fee_account_to_the_maker() -> None:
    """A maker's fee below 0 is added to what the maker gets and taken from what the venue gets."""
    moved = movements(trade(1, maker_fee_units=-3, taker_fee_units=5), ETH_USD, FEE)
    assert Movement(11, 1, 1_003) in moved and Movement(21, 1, -1_005) in moved and Movement(FEE, 1, 2) in moved
    moved = movements(trade(1, maker_fee_units=-3, taker_fee_units=2), ETH_USD, FEE)
    assert Movement(FEE, 1, -1) in moved


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
@pytest.mark.parametrize("maker_fee", [2, -2, 0])
def test_a_bust_undoes_what_the_trade_moved(side: Side, maker_fee: int) -> None:
    """Trade and bust of the same accounts cancel out in every balance; with rebates too."""
    one = trade(1, lots=3, taker_side=side, maker_fee_units=maker_fee)
    sums: dict[tuple[int, int], int] = {}
    for account, asset, units in (
        *movements(one, ETH_USD, FEE),
        *bust_movements(bust_of(one, 2), ETH_USD, FEE),
    ):
        sums[account, asset] = sums.get((account, asset), 0) + units
    assert set(sums.values()) == {0} and len(sums) == 5 - (maker_fee == -5)


def test_a_guarantor_gives_for_the_side_that_cannot() -> None:
    """The seller keeps the proceeds; the guarantor pays them back and gets the base."""
    moved = bust_movements(bust_of(trade(1, lots=3), 2, guarantor=31), ETH_USD, FEE)
    assert moved == [
        Movement(21, 2, -30_000),
        Movement(31, 2, 30_000),
        Movement(21, 1, 1_005),
        Movement(31, 1, -998),
        Movement(FEE, 1, -7),
    ]


def test_busts_and_transfers_are_legs_of_the_open_batch() -> None:
    """What was busted stays in its batch; the reversing legs are in a later one, netted with all else."""
    cutter = BatchCutter(LIMITS, 1, 1)
    one = trade(1)
    fed(cutter, one)
    first = cutter.pass_time(8, 10**9)
    for sequence, moved, notional in (
        (8, bust_movements(bust_of(one, 8), ETH_USD, FEE), 1_000),
        (9, transfer_movements(TRANSFER), 0),
    ):
        assert cutter.add(Item(sequence, 10**9, moved, 1, notional, keccak(bytes([sequence])))) is None
    second = cutter.pass_time(10, 2 * 10**9)
    assert first is not None and second is not None
    assert (second.first_seq, second.last_seq, second.leaves) == (8, 9, 2)
    assert second.legs == {
        (1, FEE): -7,
        (1, 11): -998,
        (1, 21): 1_505,
        (1, 31): -500,
        (2, 11): 10_000,
        (2, 21): -10_000,
    }
    undone = {key: first.legs.get(key, 0) + second.legs.get(key, 0) for key in first.legs | second.legs}
    assert {key: units for key, units in undone.items() if units} == {(1, 21): 500, (1, 31): -500}


def test_nothing_is_moved_by_zero() -> None:
    """A movement of nothing is left out: a posting of zero is refused by the ledger."""
    moved = movements(trade(1, notional=2, maker_fee_units=2, taker_fee_units=0), ETH_USD, FEE)
    assert Movement(11, 1, 0) not in moved
    assert sum(units for _, asset, units in moved if asset == 1) == 0


def test_a_batch_is_cut_before_the_fill_that_would_have_too_many_legs() -> None:
    """Legs are bounded by the balances touched; the fill that does not fit opens the next batch."""
    cutter = BatchCutter(replace(LIMITS, legs=5), 1, 1)
    cut = fed(cutter, trade(3), trade(4), trade(9, maker=31), trade(12, maker=31))
    assert [(batch.id, batch.first_seq, batch.last_seq, batch.leaves) for batch in cut] == [(1, 1, 8, 2)]
    assert cutter.leaves == 2


def test_a_batch_is_cut_by_the_first_event_past_its_age() -> None:
    """Age is event time of any event since the oldest fill; that event belongs to the next batch."""
    cutter = BatchCutter(LIMITS, 1, 1)
    assert cutter.pass_time(1, 10**9) is None
    assert fed(cutter, trade(2, 10**9)) == []
    assert cutter.pass_time(3, 10**9 + 1_000) is None
    batch = cutter.pass_time(4, 10**9 + 1_001)
    assert batch is not None and (batch.first_seq, batch.last_seq) == (1, 3)
    assert cutter.pass_time(5, 2 * 10**9) is None
    (following,) = fed(cutter, trade(7, 2 * 10**9), trade(9, 3 * 10**9))
    assert (following.id, following.first_seq, following.last_seq) == (2, 4, 8)


def test_a_batch_is_cut_before_its_notional_is_exceeded() -> None:
    """batch_max_notional bounds the notional of a batch in each quote asset."""
    cutter = BatchCutter(replace(LIMITS, notional_units=2_500), 1, 1)
    cut = fed(cutter, trade(1), trade(2), trade(3))
    assert [(batch.last_seq, batch.leaves) for batch in cut] == [(2, 2)]


def test_a_batch_is_cut_before_the_vault_would_refuse_its_debits() -> None:
    """Debits before netting stay within the asset's limit, so netted ones do too."""
    cutter = BatchCutter(replace(LIMITS, gross_units={1: 2_500, 2: 10**12}), 1, 1)
    cut = fed(cutter, trade(1), trade(2), trade(3))
    assert [batch.leaves for batch in cut] == [2]


def test_legs_net_and_drop_zeros() -> None:
    """Buying and selling the same amount leaves only fees."""
    cutter = BatchCutter(LIMITS, 1, 1)
    fed(cutter, trade(1), trade(2, taker_side=Side.SELL))
    batch = cutter.pass_time(3, 10**9)
    assert batch is not None
    assert batch.legs == {(1, FEE): 14, (1, 11): -4, (1, 21): -10}


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 9])
def test_every_proof_leads_to_the_root(count: int) -> None:
    """Siblings from merkle_proof hash up to merkle_root by the rule Vault.verify follows."""
    leaves = [keccak(bytes([number])) for number in range(count)]
    root = merkle_root(leaves)
    for index, leaf in enumerate(leaves):
        node, position = leaf, index
        for sibling in merkle_proof(leaves, index):
            node = keccak(b"\x01" + (node + sibling if position % 2 == 0 else sibling + node))
            position //= 2
        assert node == root


def test_a_leaf_commits_to_every_field_and_to_the_leaf_before() -> None:
    """Any other chain, vault, fill or previous leaf gives another leaf; the preimage is longer than a node."""
    one = trade(7, 9)
    base = preimage(1, VAULT, one, EMPTY_LEAF)
    assert len(base) == PREIMAGE.size > 64
    others = [
        preimage(2, VAULT, one, EMPTY_LEAF),
        preimage(1, bytes(20), one, EMPTY_LEAF),
        preimage(1, VAULT, one, keccak(b"")),
    ]
    unbound = {"command_sequence", "last_in_command", "maker_leaves_lots", "taker_leaves_lots"}
    unbound |= {"maker_session", "taker_session", "maker_displayed_lots", "taker_displayed_lots", "auction"}
    for name in set(one._fields) - unbound:
        value = Side.SELL if name == "taker_side" else getattr(one, name) + 1
        others.append(preimage(1, VAULT, one._replace(**{name: value}), EMPTY_LEAF))
    assert base not in others


def test_leaves_of_busts_and_transfers_commit_to_every_field_that_moves_money() -> None:
    """Any other chain, vault, bust, transfer or previous leaf gives another leaf, and lengths tell kinds apart."""
    bust = bust_of(trade(7, 9), 8)
    others = {bust_preimage(1, VAULT, bust, EMPTY_LEAF)}
    of_no_trade = {"command_sequence", "last_in_command", "operator"}
    for name in set(bust._fields) - BUST_UNBOUND - of_no_trade:
        others.add(bust_preimage(1, VAULT, bust._replace(**{name: getattr(bust, name) + 1}), EMPTY_LEAF))
    assert len(others) == 1 + len(set(bust._fields) - BUST_UNBOUND - of_no_trade)
    transfers = {transfer_preimage(1, VAULT, TRANSFER, EMPTY_LEAF)}
    bound = set(TRANSFER._fields) - of_no_trade - {"from_available_units", "to_available_units"}
    for name in bound:
        transfers.add(transfer_preimage(1, VAULT, TRANSFER._replace(**{name: getattr(TRANSFER, name) + 1}), EMPTY_LEAF))
    assert len(transfers) == 1 + len(bound)
    assert bust_preimage(1, VAULT, bust, keccak(b"")) != bust_preimage(1, VAULT, bust, EMPTY_LEAF)
    assert transfer_preimage(1, VAULT, TRANSFER, keccak(b"")) != transfer_preimage(1, VAULT, TRANSFER, EMPTY_LEAF)
    assert len({PREIMAGE.size, BUST_PREIMAGE.size, TRANSFER_PREIMAGE.size}) == 3


def test_legs_are_scaled_to_token_units_exactly() -> None:
    """One engine unit of 10^-8 is 10^10 units of a token with 18 decimals."""
    legs = {(1, FEE): 7, (2, 11): -30_000}
    assert vault_legs(legs, {FEE: 1, 11: 4}, {1: 1, 2: 10**10}) == [Leg(1, 1, 7), Leg(2, 4, -300_000_000_000_000)]


def test_an_account_without_a_vault_account_cannot_be_settled() -> None:
    """A leg of an account that never deposited is an error before anything is signed."""
    with pytest.raises(VaultError, match="account 11 has no account"):
        vault_legs({(2, 11): 1}, {FEE: 1}, {2: 1})
