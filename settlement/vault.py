"""Client of the vault contract: reads, event decoding, and the calldata of a batch.

Amounts here are the token's smallest unit, as on chain; scaling to engine units is the caller's. `Vault.vy` defines the
layout of a leg, the hash chain and the fills tree; what this file packs must equal what the contract reads, bit by bit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3 import Web3
from web3.types import BlockIdentifier, LogReceipt

from settlement import contracts

ACCOUNT_BITS = 48
ACCOUNT_MAX = (1 << ACCOUNT_BITS) - 1
ASSET_MAX = (1 << 16) - 1
KEY_SHIFT = 192
SIGN_BIT = 1 << 191
AMOUNT_MAX = SIGN_BIT - 1
UINT256_MAX = (1 << 256) - 1
FEE_ACCOUNT = 1

# EIP-7825 caps a transaction at 2**24 gas; a leg that creates its balance costs 23,000, so this bound never runs dry.
GAS_PER_BATCH = 150_000
GAS_PER_LEG = 26_000
GAS_MAX = 16_700_000
LEGS_MAX = (GAS_MAX - GAS_PER_BATCH) // GAS_PER_LEG
KEYS_PER_READ = 1024

SETTLE_BATCH_SELECTOR = keccak(text="settle_batch(uint256,uint256,uint256,bytes32,uint256[])")[:4]
DEPOSITED_TOPIC = keccak(text="Deposited(uint256,uint256,address,uint256,uint256)")
BATCH_SETTLED_TOPIC = keccak(text="BatchSettled(uint256,uint256,uint256,bytes32,bytes32,bytes32)")
# Words before the legs: batch_id, first_seq, last_seq, fills_root, offset of the array.
LEGS_OFFSET = (5 * 32).to_bytes(32, "big")


class VaultError(Exception):
    """A batch that the contract would refuse, or a log that is not what was asked for."""


class Leg(NamedTuple):
    """Net change of one balance in a batch, in the token's smallest unit; never zero."""

    asset: int
    account_no: int
    amount: int


@dataclass(frozen=True)
class ListedAsset:
    """An asset as the contract knows it; immutable once listed."""

    token: ChecksumAddress
    decimals: int
    unit_scale: int
    batch_limit: int


@dataclass(frozen=True)
class Deposit:
    """A `Deposited` event with its place on the chain. `deposit_seq` is contiguous from 1 per vault."""

    deposit_seq: int
    account_no: int
    depositor: ChecksumAddress
    asset: int
    amount: int
    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    log_index: int


@dataclass(frozen=True)
class SettledBatch:
    """A `BatchSettled` event with its place on the chain."""

    batch_id: int
    first_seq: int
    last_seq: int
    fills_root: bytes
    legs_hash: bytes
    chain_head: bytes
    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    log_index: int


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def pack_legs(legs: Iterable[Leg]) -> list[int]:
    """The legs as the contract's words, in the one order it accepts.

    Raises VaultError for what it would revert on without knowing balances: two legs on one balance, a zero amount, an
    asset whose legs do not sum to zero, a field out of range, more legs than a transaction's gas allows.
    """
    words: list[int] = []
    sums: dict[int, int] = {}
    for asset, account_no, amount in legs:
        if not 1 <= asset <= ASSET_MAX or not 1 <= account_no <= ACCOUNT_MAX:
            raise VaultError(f"leg names asset {asset}, account {account_no}: out of range")
        if amount == 0 or abs(amount) > AMOUNT_MAX:
            raise VaultError(f"leg of asset {asset}, account {account_no} has amount {amount}: zero or out of range")
        sign = SIGN_BIT if amount < 0 else 0
        words.append((asset << ACCOUNT_BITS | account_no) << KEY_SHIFT | sign | abs(amount))
        sums[asset] = sums.get(asset, 0) + amount
    words.sort()
    if len(words) > LEGS_MAX:
        raise VaultError(f"{len(words)} legs; a transaction's gas allows {LEGS_MAX}")
    for before, after in pairwise(words):
        if before >> KEY_SHIFT == after >> KEY_SHIFT:
            key = after >> KEY_SHIFT
            raise VaultError(f"two legs of asset {key >> ACCOUNT_BITS}, account {key & ACCOUNT_MAX}")
    unbalanced = {asset: total for asset, total in sums.items() if total != 0}
    if unbalanced:
        raise VaultError(f"legs do not sum to zero: {unbalanced}")
    return words


def unpack_leg(word: int) -> Leg:
    """The leg a word of `pack_legs` stands for."""
    key = word >> KEY_SHIFT
    amount = word & AMOUNT_MAX
    return Leg(key >> ACCOUNT_BITS, key & ACCOUNT_MAX, -amount if word & SIGN_BIT else amount)


def gas_limit(leg_count: int) -> int:
    """Gas for a batch of `leg_count` legs, enough even if every leg creates its balance."""
    if not 0 <= leg_count <= LEGS_MAX:
        raise VaultError(f"{leg_count} legs; a transaction's gas allows {LEGS_MAX}")
    return GAS_PER_BATCH + GAS_PER_LEG * leg_count


def settle_batch_calldata(
    batch_id: int, first_seq: int, last_seq: int, fills_root: bytes, packed_legs: Sequence[int]
) -> bytes:
    """Calldata of `settle_batch`; `packed_legs` come from `pack_legs`.

    Packed by hand: an ABI encoder takes 2 to 30 ms for 500 legs, this 0.1 ms. A test holds it equal to eth_abi.
    """
    if not 1 <= batch_id <= UINT256_MAX or not 1 <= first_seq <= last_seq <= UINT256_MAX:
        raise VaultError(f"batch {batch_id} covers {first_seq}..{last_seq}")
    if len(fills_root) != 32 or not any(fills_root):
        raise VaultError("the fills root must be 32 bytes and not all zero")
    return b"".join(
        (
            SETTLE_BATCH_SELECTOR,
            *(_word(batch_id), _word(first_seq), _word(last_seq), fills_root, LEGS_OFFSET, _word(len(packed_legs))),
            *map(_word, packed_legs),
        )
    )


def legs_hash(packed_legs: Sequence[int]) -> bytes:
    """keccak256(abi.encode(uint256[])), as the contract publishes it."""
    return keccak(b"".join((_word(32), _word(len(packed_legs)), *map(_word, packed_legs))))


def genesis_chain_head(chain_id: int, vault: ChecksumAddress) -> bytes:
    """The hash chain before the first batch."""
    return keccak(_word(chain_id) + bytes(12) + bytes.fromhex(vault[2:]))


def next_chain_head(
    head: bytes, batch_id: int, first_seq: int, last_seq: int, fills_root: bytes, legs_digest: bytes
) -> bytes:
    """The hash chain after a batch; `legs_digest` comes from `legs_hash`."""
    return keccak(b"".join((head, _word(batch_id), _word(first_seq), _word(last_seq), fills_root, legs_digest)))


def _data_words(log: LogReceipt, topic: bytes, count: int) -> list[bytes]:
    if bytes(log["topics"][0]) != topic or len(log["data"]) != 32 * count:
        raise VaultError(f"log {log['logIndex']} of block {log['blockNumber']} is not the expected event")
    data = bytes(log["data"])
    return [data[32 * index : 32 * index + 32] for index in range(count)]


def decode_deposit(log: LogReceipt) -> Deposit:
    """The deposit a `Deposited` log stands for. Raises VaultError for any other log."""
    asset, amount = (int.from_bytes(word, "big") for word in _data_words(log, DEPOSITED_TOPIC, 2))
    _, deposit_seq, account_no, depositor = log["topics"]
    return Deposit(
        deposit_seq=int.from_bytes(deposit_seq, "big"),
        account_no=int.from_bytes(account_no, "big"),
        depositor=Web3.to_checksum_address(bytes(depositor)[12:]),
        asset=asset,
        amount=amount,
        block_number=log["blockNumber"],
        block_hash=bytes(log["blockHash"]),
        transaction_hash=bytes(log["transactionHash"]),
        log_index=log["logIndex"],
    )


def decode_batch_settled(log: LogReceipt) -> SettledBatch:
    """The batch a `BatchSettled` log stands for. Raises VaultError for any other log."""
    first_seq, last_seq, fills_root, legs_digest, chain_head = _data_words(log, BATCH_SETTLED_TOPIC, 5)
    return SettledBatch(
        batch_id=int.from_bytes(log["topics"][1], "big"),
        first_seq=int.from_bytes(first_seq, "big"),
        last_seq=int.from_bytes(last_seq, "big"),
        fills_root=fills_root,
        legs_hash=legs_digest,
        chain_head=chain_head,
        block_number=log["blockNumber"],
        block_hash=bytes(log["blockHash"]),
        transaction_hash=bytes(log["transactionHash"]),
        log_index=log["logIndex"],
    )


class VaultClient:
    """Reads one vault over JSON-RPC. `block` is a number, a tag or a block hash; the hash pins one fork.

    Reads of a block whose state the node no longer has raise web3's Web3RPCError. The contract object is built once:
    web3 keeps what it builds.
    """

    def __init__(self, rpc_url: str, address: str, timeout_s: float = 10) -> None:
        self.web3 = Web3(Web3.HTTPProvider(rpc_url, request_kwargs={"timeout": timeout_s}))
        self.address = Web3.to_checksum_address(address)
        self._contract = self.web3.eth.contract(address=self.address, abi=contracts.load("Vault").abi)

    def _read(self, name: str, block: BlockIdentifier, *arguments: Any) -> Any:
        return self._contract.get_function_by_name(name)(*arguments).call(block_identifier=block)

    def last_batch(self, block: BlockIdentifier = "latest") -> int:
        """Id of the last batch settled; 0 before the first."""
        return int(self._read("last_batch", block))

    def last_seq(self, block: BlockIdentifier = "latest") -> int:
        """Last event sequence settled; 0 before the first batch."""
        return int(self._read("last_seq", block))

    def last_deposit(self, block: BlockIdentifier = "latest") -> int:
        """Sequence of the last deposit; 0 before the first."""
        return int(self._read("last_deposit", block))

    def chain_head(self, block: BlockIdentifier = "latest") -> bytes:
        """Head of the hash chain over batches."""
        return bytes(self._read("chain_head", block))

    def root_of(self, batch_id: int, block: BlockIdentifier = "latest") -> bytes:
        """Fills root of a batch; 32 zero bytes if it is not settled."""
        return bytes(self._read("root_of", block, batch_id))

    def paused(self, block: BlockIdentifier = "latest") -> bool:
        """Whether deposits and settlement are stopped."""
        return bool(self._read("paused", block))

    def operator(self, block: BlockIdentifier = "latest") -> ChecksumAddress:
        """The address whose batches the vault accepts."""
        return Web3.to_checksum_address(self._read("operator", block))

    def asset_count(self, block: BlockIdentifier = "latest") -> int:
        """Highest asset id listed."""
        return int(self._read("asset_count", block))

    def asset(self, asset: int, block: BlockIdentifier = "latest") -> ListedAsset:
        """What the contract pins about an asset. Raises VaultError if it is not listed."""
        token, decimals, unit_scale, batch_limit = self._read("assets", block, asset)
        if unit_scale == 0:
            raise VaultError(f"asset {asset} is not listed in {self.address}")
        return ListedAsset(token, decimals, unit_scale, batch_limit)

    def account_count(self, block: BlockIdentifier = "latest") -> int:
        """Highest account number opened."""
        return int(self._read("account_count", block))

    def account_of(self, owner: str, block: BlockIdentifier = "latest") -> int:
        """Account number of an address; 0 if it has none."""
        return int(self._read("account_of", block, Web3.to_checksum_address(owner)))

    def owner_of_account(self, account_no: int, block: BlockIdentifier = "latest") -> ChecksumAddress:
        """Address of an account; the zero address if it does not exist."""
        return Web3.to_checksum_address(self._read("owner_of_account", block, account_no))

    def balance_of(self, account_no: int, asset: int, block: BlockIdentifier = "latest") -> int:
        """One balance, in the token's smallest unit."""
        return int(self._read("balance_of", block, account_no, asset))

    def balances_of(
        self, pairs: Sequence[tuple[int, int]], block: BlockIdentifier = "latest"
    ) -> dict[tuple[int, int], int]:
        """Balances of (account_no, asset) pairs, 1,024 per call; pass a block hash or number when there are more."""
        keys = [asset << ACCOUNT_BITS | account_no for account_no, asset in pairs]
        found: list[int] = []
        for start in range(0, len(keys), KEYS_PER_READ):
            found += self._read("balances_of", block, keys[start : start + KEYS_PER_READ])
        return dict(zip(pairs, found, strict=True))

    def total(self, asset: int, block: BlockIdentifier = "latest") -> int:
        """Sum of all balances of an asset."""
        return int(self._read("total", block, asset))

    def solvent(self, asset: int, block: BlockIdentifier = "latest") -> bool:
        """Whether the vault holds at least the total it owes of an asset."""
        return bool(self._read("solvent", block, asset))

    def verify(
        self, root: bytes, preimage: bytes, index: int, proof: Sequence[bytes], block: BlockIdentifier = "latest"
    ) -> bool:
        """Whether the contract accepts the fill as leaf `index` under `root`."""
        return bool(self._read("verify", block, root, preimage, index, list(proof)))

    def deposits(self, block_hash: bytes) -> list[Deposit]:
        """Deposits of one block, in order; by hash, so that a reorganised block never yields another's logs."""
        return [decode_deposit(log) for log in self._logs(block_hash, DEPOSITED_TOPIC)]

    def batches(self, block_hash: bytes) -> list[SettledBatch]:
        """Batches settled in one block, in order."""
        return [decode_batch_settled(log) for log in self._logs(block_hash, BATCH_SETTLED_TOPIC)]

    def _logs(self, block_hash: bytes, topic: bytes) -> list[LogReceipt]:
        return self.web3.eth.get_logs(
            {
                "address": self.address,
                "blockHash": HexBytes(block_hash),
                "topics": [Web3.to_hex(topic)],
            }
        )
