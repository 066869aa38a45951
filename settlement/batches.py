"""Cuts the engine's fills into settlement batches: netted legs, a Merkle root, and a range of event sequences each.

The cut is a pure function of the event stream and the limits: the same events in any portions give the same batches, so
a restart can neither lose, repeat nor shift a fill. Ranges are contiguous over all event sequences, not only fills.

A fill's leaf is keccak256(0x00 || preimage). The preimage is, big-endian and packed: chain id (32 bytes), vault (20),
epoch, sequence, trade_id, time_ns, maker_order_id, taker_order_id (u64 each), price_ticks, quantity_lots,
notional_units, maker_fee_units, taker_fee_units (i64 each), instrument, maker_account, taker_account (u32 each),
taker_side (u8), and the leaf of the fill before it (32; zeros before the first), so that an omission in the middle
shows. The tree above the leaves is the one Vault.vy describes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from eth_utils.crypto import keccak

from engine.wire.messages import Side, Trade
from settlement.vault import Leg, VaultError

PREIMAGE = Struct(">32s20s6Q5q3IB32s")
EMPTY_LEAF = bytes(32)
NS_PER_MS = 1_000_000


class Instrument(NamedTuple):
    """What a fill needs to know of its instrument."""

    base: int
    quote: int
    lot_units: int


class Movement(NamedTuple):
    """Engine units that a fill adds to an account in one asset; negative takes away."""

    account: int
    asset: int
    units: int


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """When a batch is full. `gross_units` per asset is what one batch may debit on the vault."""

    legs: int
    age_ns: int
    notional_units: int
    gross_units: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Batch:
    """A cut batch: the fills among events first_seq..last_seq. `legs`: (asset, account) -> engine units, never 0."""

    id: int
    first_seq: int
    last_seq: int
    root: bytes
    fills: int
    first_fill_ns: int
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


def preimage(chain_id: int, vault: bytes, trade: Trade, previous_leaf: bytes) -> bytes:
    """The bytes a fill's leaf commits to; longer than 64, so that no inner node can pass for a leaf."""
    return PREIMAGE.pack(
        *(chain_id.to_bytes(32, "big"), vault),
        *(trade.epoch, trade.sequence, trade.trade_id, trade.time_ns, trade.maker_order_id, trade.taker_order_id),
        *(trade.price_ticks, trade.quantity_lots, trade.notional_units, trade.maker_fee_units, trade.taker_fee_units),
        *(trade.instrument, trade.maker_account, trade.taker_account, trade.taker_side, previous_leaf),
    )


def leaf_of(preimage_bytes: bytes) -> bytes:
    """The leaf of a fill."""
    return keccak(b"\x00" + preimage_bytes)


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """The tree from its leaves, padded to a power of two, up to the root."""
    assert leaves, "a batch has at least one fill"
    width = 1 << (len(leaves) - 1).bit_length()
    levels = [[*leaves, *[EMPTY_LEAF] * (width - len(leaves))]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([keccak(b"\x01" + below[i] + below[i + 1]) for i in range(0, len(below), 2)])
    return levels


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Root of the fills tree; the root of one leaf is that leaf."""
    return _levels(leaves)[-1][0]


def merkle_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Siblings of leaf `index` from the leaves upwards, as Vault.verify takes them."""
    return [level[(index >> height) ^ 1] for height, level in enumerate(_levels(leaves)[:-1])]


def vault_legs(
    legs: Mapping[tuple[int, int], int], account_numbers: Mapping[int, int], token_scales: Mapping[int, int]
) -> list[Leg]:
    """The batch's legs as the vault counts them: its account numbers, the token's smallest unit.

    Raises VaultError for an account that has none: it never deposited, so it cannot have traded.
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
    """The batch that is open now. Feed it every event in order: `pass_time`, then `add` if the event is a fill."""

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
        self.first_fill_ns = 0

    @property
    def fills(self) -> int:
        """Fills in the open batch."""
        return len(self._leaves)

    def pass_time(self, sequence: int, time_ns: int) -> Batch | None:
        """An event happened: cuts before it when the oldest fill is too old by then."""
        if not self._leaves or time_ns - self.first_fill_ns <= self._limits.age_ns:
            return None
        return self._cut(sequence - 1)

    def add(self, trade: Trade, moved: Sequence[Movement], quote: int, leaf: bytes) -> Batch | None:
        """Takes a fill into the open batch; cuts before it when it does not fit."""
        full = None if not self._leaves or self._fits(trade, moved, quote) else self._cut(trade.sequence - 1)
        if not self._leaves:
            self.first_fill_ns = trade.time_ns
        for account, asset, units in moved:
            key = (asset, account)
            self._nets[key] = self._nets.get(key, 0) + units
            if units < 0:
                self._gross[asset] = self._gross.get(asset, 0) - units
        self._notionals[quote] = self._notionals.get(quote, 0) + trade.notional_units
        self._leaves.append(leaf)
        return full

    def _fits(self, trade: Trade, moved: Sequence[Movement], quote: int) -> bool:
        keys = {(asset, account) for account, asset, _ in moved}
        if len(keys | self._nets.keys()) > self._limits.legs:
            return False
        notional = self._notionals.get(quote, 0) + trade.notional_units
        if 0 < self._limits.notional_units < notional:
            return False
        # Netting only lowers what the vault sees debited, so the sum before netting stays within its limit too.
        gross = dict(self._gross)
        for _, asset, units in moved:
            gross[asset] = gross.get(asset, 0) + max(-units, 0)
        return all(gross[asset] <= self._limits.gross_units[asset] for asset in gross)

    def _cut(self, last_seq: int) -> Batch:
        batch = Batch(
            id=self._id,
            first_seq=self._first_seq,
            last_seq=last_seq,
            root=merkle_root(self._leaves),
            fills=len(self._leaves),
            first_fill_ns=self.first_fill_ns,
            legs={key: units for key, units in sorted(self._nets.items()) if units},
        )
        self._id += 1
        self._first_seq = last_seq + 1
        self._clear()
        return batch
