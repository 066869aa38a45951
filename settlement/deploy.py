"""Deploys a vault with test tokens on a development chain, and makes the deposits of its clients.

Only for a chain whose keys are public: it refuses any chain but anvil's. Every transaction is signed here with an
explicit nonce, so a contract's address is known before it is mined and a whole deployment fits in one block.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth_account import Account
from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak
from web3 import Web3
from web3.exceptions import TransactionNotFound
from web3.types import TxReceipt

from settlement import contracts
from settlement.devchain import CHAIN_ID, MNEMONIC
from settlement.vault import UINT256_MAX, Deposit, decode_deposit

RECEIPT_TIMEOUT_S = 30
TIP_WEI = 10**9
DEPLOY_GAS = 5_000_000
CALL_GAS = 400_000

OWNER_INDEX = 0
OPERATOR_INDEX = 1
GUARDIAN_INDEX = 2
FEE_INDEX = 3
FIRST_DEPOSITOR_INDEX = 4


class DeployError(Exception):
    """A deployment or deposit that was refused by us or reverted on chain."""


@dataclass(frozen=True)
class AssetListing:
    """A test token to deploy and list. `batch_limit` is in the token's smallest unit; ids must be 1, 2, 3, ..."""

    asset: int
    symbol: str
    decimals: int
    engine_decimals: int
    batch_limit: int


@dataclass(frozen=True)
class Deployment:
    """A vault ready for use. `deploy_block_hash` is the chain's fingerprint: no other chain has that block."""

    chain_id: int
    vault: ChecksumAddress
    tokens: dict[int, ChecksumAddress]
    owner_key: str
    operator_key: str
    operator: ChecksumAddress
    guardian_key: str
    fee_owner: ChecksumAddress
    deploy_block_number: int
    deploy_block_hash: str

    def save(self, path: Path) -> None:
        """Writes the deployment as JSON readable by us alone: it holds the role keys."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Deployment":
        """Reads what `save` wrote."""
        fields = json.loads(path.read_text())
        return cls(**{**fields, "tokens": {int(asset): token for asset, token in fields["tokens"].items()}})


def development_key(index: int) -> str:
    """Private key number `index` of anvil's public mnemonic; anvil funds 0 to 9 with gas money at genesis.

    Numbers 0 to 3 are the owner, operator, guardian and fee owner of `deploy_development`; use 4 and up for depositors.
    """
    Account.enable_unaudited_hdwallet_features()
    return Web3.to_hex(Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}").key)


def address_of(key: str) -> ChecksumAddress:
    """Address of a private key."""
    return Web3.to_checksum_address(Account.from_key(key).address)


class Sender:
    """Sends one key's transactions with nonces counted here, from the chain's latest at the start.

    Nothing else may send with that key meanwhile.
    """

    def __init__(self, web3: Web3, key: str) -> None:
        self.web3 = web3
        self._account = Account.from_key(key)
        self._chain_id = web3.eth.chain_id
        self.nonce = int(web3.eth.get_transaction_count(self._account.address, "latest"))

    @property
    def address(self) -> ChecksumAddress:
        return Web3.to_checksum_address(self._account.address)

    def send(self, to: ChecksumAddress | None, data: bytes, gas: int = CALL_GAS) -> bytes:
        """Signs and sends one transaction; `to` None creates a contract. Returns its hash without waiting."""
        base_fee = int(self.web3.eth.get_block("latest")["baseFeePerGas"])
        transaction: dict[str, Any] = {
            "chainId": self._chain_id,
            "type": 2,
            "nonce": self.nonce,
            "gas": gas,
            "maxFeePerGas": 2 * base_fee + TIP_WEI,
            "maxPriorityFeePerGas": TIP_WEI,
            "value": 0,
            "data": data,
        }
        if to is not None:
            transaction["to"] = to
        signed = self._account.sign_transaction(transaction)
        self.web3.eth.send_raw_transaction(signed.raw_transaction)
        self.nonce += 1
        return bytes(signed.hash)

    def created_address(self) -> ChecksumAddress:
        """Address the next `send(None, ...)` will create."""
        digest = keccak(rlp.encode([bytes.fromhex(self.address[2:]), self.nonce]))
        return Web3.to_checksum_address(digest[12:])


def wait_for_receipt(web3: Web3, transaction_hash: bytes, what: str, timeout_s: float = RECEIPT_TIMEOUT_S) -> TxReceipt:
    """The receipt of a mined, successful transaction. Raises DeployError if it reverts or is not mined in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            receipt = web3.eth.get_transaction_receipt(Web3.to_hex(transaction_hash))
        except TransactionNotFound:
            if time.monotonic() > deadline:
                raise DeployError(f"{what}: not mined within {timeout_s} s") from None
            time.sleep(0.05)
            continue
        if receipt["status"] != 1:
            raise DeployError(f"{what}: reverted in block {receipt['blockNumber']}")
        return receipt


def encode_call(contract: str, name: str, *arguments: Any) -> bytes:
    """Calldata of one function of a committed contract ("Vault", "Token")."""
    built = Web3().eth.contract(abi=contracts.load(contract).abi)
    return bytes.fromhex(built.encode_abi(name, args=list(arguments))[2:])


def creation_code(contract: str, *arguments: Any) -> bytes:
    """Data of the transaction that creates a committed contract with these constructor arguments."""
    artefact = contracts.load(contract)
    built = Web3().eth.contract(abi=artefact.abi, bytecode=artefact.bytecode)
    return bytes.fromhex(built.constructor(*arguments).data_in_transaction[2:])


def connect_development(rpc_url: str) -> Web3:
    """Web3 on a development chain. Raises DeployError for any other: the keys used here are public."""
    web3 = Web3(Web3.HTTPProvider(rpc_url, request_kwargs={"timeout": 10}))
    client = web3.client_version
    if web3.eth.chain_id != CHAIN_ID or not client.startswith("anvil"):
        raise DeployError(f"{rpc_url} is chain {web3.eth.chain_id} ({client}), not a development chain")
    return web3


def deploy_development(
    rpc_url: str,
    assets: Sequence[AssetListing],
    endowments: Mapping[str, Mapping[int, int]] | None = None,
) -> Deployment:
    """Deploys tokens and vault, lists the assets, and endows depositors.

    `endowments` maps a depositor's private key to asset id -> amount (smallest unit): it is minted to the key's
    address, which gives the vault an unlimited allowance. The address needs gas money: use development_key(4) to (9).
    """
    if [listing.asset for listing in assets] != list(range(1, len(assets) + 1)):
        raise DeployError("asset ids must be 1, 2, 3, ... in order")
    web3 = connect_development(rpc_url)
    owner = Sender(web3, development_key(OWNER_INDEX))
    operator_key, guardian_key = development_key(OPERATOR_INDEX), development_key(GUARDIAN_INDEX)
    fee_owner = address_of(development_key(FEE_INDEX))
    sent: list[tuple[str, bytes]] = []

    tokens: dict[int, ChecksumAddress] = {}
    for listing in assets:
        tokens[listing.asset] = owner.created_address()
        code = creation_code("Token", f"Test {listing.symbol}", listing.symbol, listing.decimals)
        sent.append((f"deploy {listing.symbol}", owner.send(None, code, DEPLOY_GAS)))
    vault = owner.created_address()
    code = creation_code("Vault", address_of(operator_key), address_of(guardian_key), fee_owner)
    vault_hash = owner.send(None, code, DEPLOY_GAS)
    sent.append(("deploy vault", vault_hash))
    for listing in assets:
        token = tokens[listing.asset]
        call = encode_call(
            "Vault", "list_asset", listing.asset, token, listing.decimals, listing.engine_decimals, listing.batch_limit
        )
        sent.append((f"list {listing.symbol}", owner.send(vault, call)))
    for key, amounts in (endowments or {}).items():
        sent += _endow(web3, owner, key, vault, tokens, amounts)

    receipts = {hash_: wait_for_receipt(web3, hash_, what) for what, hash_ in sent}
    created = receipts[vault_hash]
    assert created["contractAddress"] == vault, "a creation address follows from sender and nonce"
    return Deployment(
        chain_id=CHAIN_ID,
        vault=vault,
        tokens=tokens,
        owner_key=development_key(OWNER_INDEX),
        operator_key=operator_key,
        operator=address_of(operator_key),
        guardian_key=guardian_key,
        fee_owner=fee_owner,
        deploy_block_number=created["blockNumber"],
        deploy_block_hash=Web3.to_hex(created["blockHash"]),
    )


def _endow(
    web3: Web3,
    owner: Sender,
    key: str,
    vault: ChecksumAddress,
    tokens: Mapping[int, ChecksumAddress],
    amounts: Mapping[int, int],
) -> list[tuple[str, bytes]]:
    depositor = Sender(web3, key)
    if web3.eth.get_balance(depositor.address) == 0:
        raise DeployError(f"{depositor.address} has no gas money: use development_key(4) to development_key(9)")
    sent: list[tuple[str, bytes]] = []
    for asset, amount in amounts.items():
        mint = owner.send(tokens[asset], encode_call("Token", "mint", depositor.address, amount))
        approve = depositor.send(tokens[asset], encode_call("Token", "approve", vault, UINT256_MAX))
        sent += [(f"mint asset {asset}", mint), (f"approve asset {asset}", approve)]
    return sent


def deposit(rpc_url: str, key: str, vault: str, asset: int, amount: int) -> Deposit:
    """Deposits `amount` (smallest unit) from the allowance of `key`; waits until mined, returns what was recorded."""
    return deposit_all(rpc_url, vault, {key: {asset: amount}})[0]


def deposit_all(rpc_url: str, vault: str, amounts: Mapping[str, Mapping[int, int]]) -> list[Deposit]:
    """Many deposits at once, private key -> asset id -> amount (smallest unit): all are sent before the first is
    mined.
    """
    web3 = connect_development(rpc_url)
    address = Web3.to_checksum_address(vault)
    sent = []
    for key, assets in amounts.items():
        sender = Sender(web3, key)
        for asset, amount in assets.items():
            call = encode_call("Vault", "deposit", asset, amount)
            sent.append((f"deposit of {amount} of asset {asset}", sender.send(address, call)))
    receipts = [wait_for_receipt(web3, transaction, what) for what, transaction in sent]
    return [decode_deposit(log) for receipt in receipts for log in receipt["logs"] if log["address"] == address]
