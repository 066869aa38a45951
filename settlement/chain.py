"""JSON-RPC to the chain: reads with fail-over between endpoints, raw sends with the node's answer put into one word.

Nothing here remembers anything; what a node says is believed only by its block hashes (settlement/blocks.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TypeVar

from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import BlockNotFound, TransactionNotFound, Web3Exception
from web3.providers.rpc import HTTPProvider
from web3.types import BlockData, BlockIdentifier, RPCEndpoint

from settlement.vault import Deposit, SettledBatch, VaultClient

T = TypeVar("T")

TIMEOUT_S = 5
#: How long a node is waited for before `meanwhile` gets a turn, and then another.
MEANWHILE_S = 0.02
#: Blocks per request when looking for the vault's first log; providers limit ranges.
LOG_RANGE_BLOCKS = 10_000


class ChainUnavailable(Exception):
    """No endpoint answered, or one answered with an error; ask again later."""


class ChainMismatch(Exception):
    """The chain is not the one the configuration describes; never solved by trying again."""


class Answer(Enum):
    """What a node said to a raw transaction."""

    ACCEPTED = "accepted"
    NONCE_TOO_LOW = "nonce too low"
    UNDERPRICED = "underpriced"
    NO_GAS_MONEY = "no gas money"
    OTHER = "other"


#: Texts of geth, anvil and their kin, lower case; the first that is found decides.
_ANSWERS: tuple[tuple[str, Answer], ...] = (
    ("already imported", Answer.ACCEPTED),
    ("already known", Answer.ACCEPTED),
    ("known transaction", Answer.ACCEPTED),
    ("nonce too low", Answer.NONCE_TOO_LOW),
    ("nonce is too low", Answer.NONCE_TOO_LOW),
    ("underpriced", Answer.UNDERPRICED),
    ("less than block base fee", Answer.UNDERPRICED),
    ("below base fee", Answer.UNDERPRICED),
    ("insufficient funds", Answer.NO_GAS_MONEY),
)


def classify(error: str) -> Answer:
    """The one word for a node's error text; geth and anvil give no stable codes."""
    lowered = error.lower()
    return next((answer for text, answer in _ANSWERS if text in lowered), Answer.OTHER)


@dataclass(frozen=True, slots=True)
class Header:
    """A block as far as we follow it."""

    number: int
    hash: bytes
    parent: bytes
    base_fee_wei: int
    time_s: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a transaction was mined, and how it ended."""

    block_number: int
    block_hash: bytes
    succeeded: bool


class Chain:
    """The endpoints of one chain, tried in order; a call that fails moves on to the next endpoint and raises.

    A node is asked from a thread of its own, and `meanwhile` is called in the caller's for as long as it thinks: so one
    that hangs holds up the chain, but not the engine's events. What `meanwhile` raises ends the call as it is.
    """

    def __init__(self, rpc_urls: Sequence[str], vault: str, timeout_s: float = TIMEOUT_S) -> None:
        self._clients = [VaultClient(url, vault, timeout_s) for url in rpc_urls]
        for client in self._clients:
            # web3 would retry inside the call for seconds; our loop has other work and comes back by itself.
            assert isinstance(client.web3.provider, HTTPProvider)
            client.web3.provider.exception_retry_configuration = None  # type: ignore[assignment]
        self._current = 0
        self._asking = ThreadPoolExecutor(1, "chain")
        self.errors = 0
        self.meanwhile: Callable[[], None] = lambda: None

    @property
    def vault(self) -> bytes:
        """The vault's address as 20 bytes."""
        return bytes.fromhex(self._clients[0].address[2:])

    def read(self, question: Callable[[VaultClient], T]) -> T:
        """Asks the current endpoint. Raises ChainUnavailable with its error."""
        answer = self._asking.submit(question, self._clients[self._current])
        while not wait((answer,), MEANWHILE_S).done:
            self.meanwhile()
        try:
            return answer.result()
        except (OSError, Web3Exception, ValueError) as error:
            self.errors += 1
            self._current = (self._current + 1) % len(self._clients)
            raise ChainUnavailable(f"{type(error).__name__}: {error}") from error

    def header(self, block: BlockIdentifier) -> Header | None:
        """A header by number, tag or hash; None if there is none."""

        def question(client: VaultClient) -> BlockData | None:
            try:
                return client.web3.eth.get_block(block)
            except BlockNotFound:
                return None

        found = self.read(question)
        if found is None:
            return None
        return Header(
            number=int(found["number"]),
            hash=bytes(found["hash"]),
            parent=bytes(found["parentHash"]),
            base_fee_wei=int(found.get("baseFeePerGas", 0)),
            time_s=int(found["timestamp"]),
        )

    def head(self) -> Header:
        """The newest block."""
        found = self.header("latest")
        if found is None:
            raise ChainUnavailable("the node has no latest block")
        return found

    def vault_events(self, block_hash: bytes) -> tuple[list[Deposit], list[SettledBatch]]:
        """What the vault logged in one block; by hash, so that a reorganised block never yields another's logs."""
        return self.read(lambda client: (client.deposits(block_hash), client.batches(block_hash)))

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """The receipt of a mined transaction; None while it is not mined."""

        def question(client: VaultClient) -> Receipt | None:
            try:
                found = client.web3.eth.get_transaction_receipt(HexBytes(transaction_hash))
            except TransactionNotFound:
                return None
            return Receipt(int(found["blockNumber"]), bytes(found["blockHash"]), found["status"] == 1)

        return self.read(question)

    def transaction_count(self, address: str, block: BlockIdentifier = "latest") -> int:
        """The next nonce of an address; never `pending`, which counts stuck transactions and cannot heal a gap."""
        checksum = Web3.to_checksum_address(address)
        return int(self.read(lambda client: client.web3.eth.get_transaction_count(checksum, block)))

    def send(self, raw: bytes) -> tuple[Answer, str]:
        """Offers signed bytes to the node: its answer, and its own words. Raises ChainUnavailable."""

        def question(client: VaultClient) -> tuple[Answer, str]:
            reply = client.web3.provider.make_request(RPCEndpoint("eth_sendRawTransaction"), [Web3.to_hex(raw)])
            if "error" not in reply:
                return Answer.ACCEPTED, ""
            error = reply["error"]
            text = str(error.get("message", error))
            return classify(text), text

        return self.read(question)

    def revert_reason(self, raw_call: dict[str, str], block_number: int) -> str:
        """Why a call reverts at a block, for the operator; a text about why not when the node cannot tell."""

        def question(client: VaultClient) -> str:
            reply = client.web3.provider.make_request(RPCEndpoint("eth_call"), [raw_call, hex(block_number)])
            return str(reply.get("error", "the same call succeeds now"))

        try:
            return self.read(question)
        except ChainUnavailable as error:
            return f"unknown ({error})"

    def deploy_block(self) -> tuple[int, bytes]:
        """Number and hash of the block of the vault's first log: its constructor's. Raises ChainMismatch if none."""
        head = self.head()
        for start in range(0, head.number + 1, LOG_RANGE_BLOCKS):
            end = min(start + LOG_RANGE_BLOCKS - 1, head.number)
            if (found := self.read(partial(_first_log, start=start, end=end))) is not None:
                return found
        raise ChainMismatch("there is no vault at settlement.vault_address")


def _first_log(client: VaultClient, *, start: int, end: int) -> tuple[int, bytes] | None:
    logs = client.web3.eth.get_logs({"address": client.address, "fromBlock": start, "toBlock": end})
    return (int(logs[0]["blockNumber"]), bytes(logs[0]["blockHash"])) if logs else None
