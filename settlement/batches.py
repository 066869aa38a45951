"""Cuts what moves money - fills, busts, transfers - into settlement batches: netted legs, a Merkle root, a range of
event sequences each.

The cut is a pure function of the event stream and the limits: the same events in any portions give the same batches, so
a restart can neither lose, repeat nor shift a leg. Ranges are contiguous over all event sequences. What is busted stays
in its batch; the bust is legs of its own, the other way round, in the batch that is open when it happens.

Each of them has a leaf, keccak256(0x00 || preimage). Preimages are big-endian and packed; each begins with chain id (32
bytes) and vault (20) and ends with the leaf before it (32; zeros before the first), so that an omission in the middle
shows. Between these stand
  fill      epoch, sequence, trade_id, time_ns, maker_order_id, taker_order_id (u64 each), price_ticks, quantity_lots,
            notional_units, maker_fee_units, taker_fee_units (i64 each), instrument, maker_account, taker_account (u32
            each), taker_side (u8);
  bust      epoch, sequence, trade_id, time_ns (u64 each), price_ticks, quantity_lots, notional_units, buyer_fee_units,
            seller_fee_units (i64 each), instrument, buyer_account, seller_account, buyer_side_account,
            seller_side_account (u32 each);
  transfer  epoch, sequence, transfer_seq, time_ns (u64 each), amount_units (i64), from_account, to_account, asset (u32
            each).
Their lengths differ, so none can pass for another. The tree above the leaves is the one Vault.vy describes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from eth_utils.crypto import keccak

from engine.wire.messages import Side, Trade, TradeBusted, Transferred
from settlement.vault import Leg, VaultError

PREIMAGE = Struct(">32s20s6Q5q3IB32s")
BUST_PREIMAGE = Struct(">32s20s4Q5q5I32s")
TRANSFER_PREIMAGE = Struct(">32s20s4Qq3I32s")
assert len({PREIMAGE.size, BUST_PREIMAGE.size, TRANSFER_PREIMAGE.size}) == 3, "told apart by their lengths"
EMPTY_LEAF = bytes(32)
NS_PER_MS = 1_000_000


class Instrument(NamedTuple):
    """What a fill needs to know of its instrument."""

    base: int
    quote: int
    lot_units: int


class Movement(NamedTuple):
    """Engine units that an event adds to an account in one asset; negative takes away."""

    account: int
    asset: int
    units: int


class Item(NamedTuple):
    """What one event asks of settlement: its movements and its leaf. `notional_units` count in asset `quote`."""

    sequence: int
    time_ns: int
    moved: Sequence[Movement]
    quote: int
    notional_units: int
    leaf: bytes


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """When a batch is full. `gross_units` per asset is what one batch may debit on the vault."""

    legs: int
    age_ns: int
    notional_units: int
    gross_units: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Batch:
    """A cut batch: what moved money among events first_seq..last_seq, one leaf each.

    `legs`: (asset, account) -> engine units, never 0.
    """

    id: int
    first_seq: int
    last_seq: int
    root: bytes
    leaves: int
    first_leaf_ns: int
    legs: dict[tuple[int, int], int]


def movements(trade: Trade, instrument: Instrument, fee_account: int) -> list[Movement]:
    """What a trade moves, without zeros; each asset sums to zero. A buyer pays its fee on top, a seller out of it."""
    maker_buys = trade.taker_side == Side.SELL
    buyer, seller = (
        (trade.maker_account, trade.taker_account) if maker_buys else (trade.taker_account, trade.maker_account)
    )
    buyer_fee, seller_fee = (
        (trade.maker_fee_units, trade.taker_fee_units) if maker_buys else (trade.taker_fee_units, trade.maker_fee_units)
    )
    base_units = trade.quantity_lots * instrument.lot_units
    moved = (
        Movement(buyer, instrument.base, base_units),
        Movement(seller, instrument.base, -base_units),
        Movement(buyer, instrument.quote, -(trade.notional_units + buyer_fee)),
        Movement(seller, instrument.quote, trade.notional_units - seller_fee),
        Movement(fee_account, instrument.quote, buyer_fee + seller_fee),
    )
    return [movement for movement in moved if movement.units]


def bust_movements(bust: TradeBusted, instrument: Instrument, fee_account: int) -> list[Movement]:
    """What a bust moves, without zeros: a trade's movements the other way round, each side by whoever gives for it."""
    base_units = bust.quantity_lots * instrument.lot_units
    moved = (
        Movement(bust.buyer_side_account, instrument.base, -base_units),
        Movement(bust.seller_side_account, instrument.base, base_units),
        Movement(bust.buyer_side_account, instrument.quote, bust.notional_units + bust.buyer_fee_units),
        Movement(bust.seller_side_account, instrument.quote, -(bust.notional_units - bust.seller_fee_units)),
        Movement(fee_account, instrument.quote, -(bust.buyer_fee_units + bust.seller_fee_units)),
    )
    return [movement for movement in moved if movement.units]


def transfer_movements(transfer: Transferred) -> list[Movement]:
    """What a transfer moves."""
    return [
        Movement(transfer.from_account, transfer.asset, -transfer.amount_units),
        Movement(transfer.to_account, transfer.asset, transfer.amount_units),
    ]


def preimage(chain_id: int, vault: bytes, trade: Trade, previous_leaf: bytes) -> bytes:
    """The bytes a fill's leaf commits to; longer than 64, so that no inner node can pass for a leaf."""
    return PREIMAGE.pack(
        *(chain_id.to_bytes(32, "big"), vault),
        *(trade.epoch, trade.sequence, trade.trade_id, trade.time_ns, trade.maker_order_id, trade.taker_order_id),
        *(trade.price_ticks, trade.quantity_lots, trade.notional_units, trade.maker_fee_units, trade.taker_fee_units),
        *(trade.instrument, trade.maker_account, trade.taker_account, trade.taker_side, previous_leaf),
    )


def bust_preimage(chain_id: int, vault: bytes, bust: TradeBusted, previous_leaf: bytes) -> bytes:
    """The bytes a bust's leaf commits to."""
    return BUST_PREIMAGE.pack(
        *(chain_id.to_bytes(32, "big"), vault, bust.epoch, bust.sequence, bust.trade_id, bust.time_ns),
        *(bust.price_ticks, bust.quantity_lots, bust.notional_units, bust.buyer_fee_units, bust.seller_fee_units),
        *(bust.instrument, bust.buyer_account, bust.seller_account, bust.buyer_side_account, bust.seller_side_account),
        previous_leaf,
    )


def transfer_preimage(chain_id: int, vault: bytes, transfer: Transferred, previous_leaf: bytes) -> bytes:
    """The bytes a transfer's leaf commits to."""
    return TRANSFER_PREIMAGE.pack(
        *(chain_id.to_bytes(32, "big"), vault, transfer.epoch, transfer.sequence, transfer.transfer_seq),
        *(transfer.time_ns, transfer.amount_units, transfer.from_account, transfer.to_account, transfer.asset),
        previous_leaf,
    )


def leaf_of(preimage_bytes: bytes) -> bytes:
    """The leaf of a fill, a bust or a transfer."""
    return keccak(b"\x00" + preimage_bytes)


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """The tree from its leaves, padded to a power of two, up to the root."""
    assert leaves, "a batch has at least one leaf"
    width = 1 << (len(leaves) - 1).bit_length()
    levels = [[*leaves, *[EMPTY_LEAF] * (width - len(leaves))]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([keccak(b"\x01" + below[i] + below[i + 1]) for i in range(0, len(below), 2)])
    return levels


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Root of a batch's tree; the root of one leaf is that leaf."""
    return _levels(leaves)[-1][0]


def merkle_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Siblings of leaf `index` from the leaves upwards, as Vault.verify takes them."""
    return [level[(index >> height) ^ 1] for height, level in enumerate(_levels(leaves)[:-1])]


def vault_legs(
    legs: Mapping[tuple[int, int], int], account_numbers: Mapping[int, int], token_scales: Mapping[int, int]
) -> list[Leg]:
    """The batch's legs as the vault counts them: its account numbers, the token's smallest unit.

    Raises VaultError for an account that has none: it never deposited, so it cannot have traded, but it can have been
    lent something.
    """
    packed = []
    for (asset, account), units in legs.items():
        if account not in account_numbers:
            raise VaultError(f"account {account} has no account in the vault")
        if asset not in token_scales:
            raise VaultError(f"asset {asset} is not bound to a token")
        packed.append(Leg(asset, account_numbers[account], units * token_scales[asset]))
    return packed


class BatchCutter:
    """The batch that is open now. Feed it every event in order: `pass_time`, then `add` if the event moves money."""

    def __init__(self, limits: BatchLimits, batch_id: int, first_seq: int) -> None:
        self._limits = limits
        self._id = batch_id
        self._first_seq = first_seq
        self._clear()

    def _clear(self) -> None:
        self._nets: dict[tuple[int, int], int] = {}
        self._gross: dict[int, int] = {}
        self._notionals: dict[int, int] = {}
        self._leaves: list[bytes] = []
        self.first_leaf_ns = 0

    @property
    def leaves(self) -> int:
        """Fills, busts and transfers in the open batch."""
        return len(self._leaves)

    def pass_time(self, sequence: int, time_ns: int) -> Batch | None:
        """An event happened: cuts before it when the oldest leaf is too old by then."""
        if not self._leaves or time_ns - self.first_leaf_ns <= self._limits.age_ns:
            return None
        return self._cut(sequence - 1)

    def add(self, item: Item) -> Batch | None:
        """Takes an item into the open batch; cuts before it when it does not fit."""
        full = None if not self._leaves or self._fits(item) else self._cut(item.sequence - 1)
        if not self._leaves:
            self.first_leaf_ns = item.time_ns
        for account, asset, units in item.moved:
            key = (asset, account)
            self._nets[key] = self._nets.get(key, 0) + units
            if units < 0:
                self._gross[asset] = self._gross.get(asset, 0) - units
        self._notionals[item.quote] = self._notionals.get(item.quote, 0) + item.notional_units
        self._leaves.append(item.leaf)
        return full

    def _fits(self, item: Item) -> bool:
        keys = {(asset, account) for account, asset, _ in item.moved}
        if len(keys | self._nets.keys()) > self._limits.legs:
            return False
        notional = self._notionals.get(item.quote, 0) + item.notional_units
        if 0 < self._limits.notional_units < notional:
            return False
        # Netting only lowers what the vault sees debited, so the sum before netting stays within its limit too.
        gross = dict(self._gross)
        for _, asset, units in item.moved:
            gross[asset] = gross.get(asset, 0) + max(-units, 0)
        return all(gross[asset] <= self._limits.gross_units[asset] for asset in gross)

    def _cut(self, last_seq: int) -> Batch:
        batch = Batch(
            id=self._id,
            first_seq=self._first_seq,
            last_seq=last_seq,
            root=merkle_root(self._leaves),
            leaves=len(self._leaves),
            first_leaf_ns=self.first_leaf_ns,
            legs={key: units for key, units in sorted(self._nets.items()) if units},
        )
        self._id += 1
        self._first_seq = last_seq + 1
        self._clear()
        return batch
