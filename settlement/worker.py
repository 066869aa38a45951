"""Brings cut batches onto the chain: sign, commit the bytes, send, offer the same bytes again until mined.

A transaction leaves this process only after its bytes and nonce are committed, and a nonce belongs to one batch for
ever; so whatever dies, whatever the node forgets, the same transaction or a dearer form of it is offered again, and at
most one of them can be mined. That it was mined, and that this is final, only settlement/blocks.py decides.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from cfg.model import Settlement
from settlement.batches import vault_legs
from settlement.chain import Answer, Chain, ChainUnavailable, Header
from settlement.crash import crash_point
from settlement.database import Connection, raise_stop, standing_stops
from settlement.deposits import Bindings
from settlement.vault import VaultError, gas_limit, pack_legs, settle_batch_calldata

GWEI = 10**9
#: Batches on their way at a time; each waits for the one before it, so more would only cost bumps.
IN_FLIGHT_MAX = 8
#: The batch that all others wait for pays more when it is not mined within so many blocks.
BUMP_AFTER_BLOCKS = 6
CREDENTIAL = "operator-key"


class KeyRefused(Exception):
    """The operator's key is missing, readable by others, or not a key."""


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """What a transaction may pay. In wei per gas; `bump_percent` is what a replacement adds."""

    cap_wei: int
    tip_wei: int
    bump_percent: int

    @classmethod
    def of(cls, settings: Settlement) -> FeePolicy:
        """The policy of a configuration."""
        return cls(settings.max_fee_per_gas_gwei * GWEI, settings.priority_fee_gwei * GWEI, settings.fee_bump_percent)

    def first(self, base_fee_wei: int) -> tuple[int, int]:
        """(max fee, tip) of a batch's first transaction: room for the base fee to double."""
        return min(2 * base_fee_wei + self.tip_wei, self.cap_wei), self.tip_wei

    def bumped(self, max_fee_wei: int, tip_wei: int, base_fee_wei: int) -> tuple[int, int] | None:
        """(max fee, tip) of a replacement; None at the cap, where what remains is below what nodes accept as one."""
        raised = [-(-wei * (100 + self.bump_percent) // 100) for wei in (max_fee_wei, tip_wei)]
        max_fee = min(max(raised[0], 2 * base_fee_wei + raised[1]), self.cap_wei)
        tip = min(raised[1], max_fee)
        # Nodes take a replacement only when both are at least a tenth higher.
        if 10 * max_fee < 11 * max_fee_wei or 10 * tip < 11 * tip_wei:
            return None
        return max_fee, tip


def operator_key(settings: Settlement) -> LocalAccount:
    """The key that signs batches, from operator_key_file or systemd's credential. Raises KeyRefused.

    The file must belong to us and be closed to everybody else; it holds 64 hexadecimal digits.
    """
    path = _key_path(settings)
    try:
        status = path.stat()
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyRefused(f"operator key {path} cannot be read: {error}") from error
    if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077:
        raise KeyRefused(f"operator key {path} must be a file that only its owner can read (mode 0600)")
    digits = text.removeprefix("0x")
    try:
        key = bytes.fromhex(digits)
        account: LocalAccount = Account.from_key(key)
    except Exception as error:  # noqa: BLE001 - eth_account raises many kinds, and none may print the key
        raise KeyRefused(f"operator key {path} is not a private key ({type(error).__name__})") from None
    return account


def _key_path(settings: Settlement) -> Path:
    if settings.operator_key_file:
        return Path(settings.operator_key_file)
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise KeyRefused("no operator key: set settlement.operator_key_file, or pass systemd's credential operator-key")
    return Path(directory) / CREDENTIAL


@dataclass(slots=True)
class Sent:
    """What one tick did."""

    signed: int = 0
    offered: int = 0
    bumped: int = 0
    at_cap: bool = False
    refused: dict[int, str] = field(default_factory=dict)
    stops: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Transaction:
    """The newest signed form of a batch's transaction."""

    batch: int
    state: str
    signer: bytes
    nonce: int
    hash: bytes
    raw: bytes
    max_fee_wei: int
    tip_wei: int
    signed_at_block: int


class Broadcaster:
    """Owns the operator's nonces."""

    def __init__(
        self,
        connection: Connection,
        chain: Chain,
        key: LocalAccount,
        chain_id: int,
        fees: FeePolicy,
        bindings: Bindings,
    ) -> None:
        self._connection = connection
        self._chain = chain
        self._key = key
        self._signer = bytes.fromhex(key.address[2:])
        self._chain_id = chain_id
        self._fees = fees
        self._bindings = bindings

    def tick(self, head: Header) -> Sent:
        """Signs what is cut, offers what is not mined, raises the fee of what is stuck. Raises ChainUnavailable.

        Does nothing while settlement is stopped. The ledger must be level with the chain at `head`: a batch that the
        chain has and the ledger does not know of yet would be signed again and revert.
        """
        done = Sent()
        if standing_stops(self._connection):
            return done
        pending = self._pending()
        unsigned = self._unsigned(IN_FLIGHT_MAX - len(pending))
        if not pending and not unsigned:
            return done
        if self._chain.read(lambda client: client.paused()):
            done.refused[pending[0].batch if pending else unsigned[0]] = "the vault is paused"
            if pending:
                self._is_mined(pending[0], head, Answer.OTHER, done)
            return done
        for batch in unsigned:
            try:
                pending.append(self._sign_first(batch, head))
            except VaultError as error:
                if self._credits_are_ahead():
                    done.refused[batch] = f"waits for deposits to be final: {error}"
                    return done
                detail = f"batch {batch}: {error}"
                raise_stop(self._connection, "a batch cannot be expressed", detail)
                done.stops.append(detail)
                return done
            done.signed += 1
        for index, transaction in enumerate(pending):
            answer, text = self._offer(transaction, done)
            if index == 0:
                self._care_for_first(transaction, answer, head, done)
                if done.stops:
                    break  # the others could only revert too
            if text and answer is not Answer.ACCEPTED:
                done.refused[transaction.batch] = text
        return done

    def _pending(self) -> list[_Transaction]:
        rows = self._connection.execute(
            "SELECT DISTINCT ON (batch.id) batch.id, state::text, signer, nonce, hash, raw, max_fee_wei, tip_wei, "
            "signed_at_block FROM batch JOIN chain_tx ON chain_tx.batch = batch.id WHERE state IN ('cut', 'sent') "
            "ORDER BY batch.id, max_fee_wei DESC, tip_wei DESC"
        )
        return [
            _Transaction(row[0], row[1], bytes(row[2]), row[3], bytes(row[4]), bytes(row[5]), *row[6:])
            for row in rows.fetchall()
        ]

    def _unsigned(self, limit: int) -> list[int]:
        rows = self._connection.execute(
            "SELECT id FROM batch WHERE state IN ('cut', 'sent') AND NOT EXISTS "
            "(SELECT FROM nonce_slot WHERE nonce_slot.batch = batch.id) ORDER BY id LIMIT %s",
            (max(limit, 0),),
        )
        return [row[0] for row in rows.fetchall()]

    def _credits_are_ahead(self) -> bool:
        """Whether accounts may still be unknown because deposits behind credits are not final for us yet."""
        row = self._connection.execute(
            "SELECT EXISTS (SELECT FROM credit WHERE NOT EXISTS (SELECT FROM deposit "
            "WHERE deposit.deposit_seq = credit.deposit_seq AND state = 'credited'))"
        ).fetchone()
        return row == (True,)

    def _next_nonce(self) -> int:
        row = self._connection.execute(
            "SELECT max(nonce) FROM nonce_slot WHERE signer = %s", (self._signer,)
        ).fetchone()
        assert row is not None
        # The chain is asked once in the key's life here; from then on the ledger counts.
        return self._chain.transaction_count(self._key.address) if row[0] is None else int(row[0]) + 1

    def _sign_first(self, batch: int, head: Header) -> _Transaction:
        nonce = self._next_nonce()
        max_fee, tip = self._fees.first(head.base_fee_wei)
        transaction = self._signed(batch, "cut", nonce, max_fee, tip, head.number)
        with self._connection.transaction():
            self._connection.execute(
                "INSERT INTO nonce_slot (signer, nonce, batch) VALUES (%s, %s, %s)", (self._signer, nonce, batch)
            )
            self._store(transaction)
            crash_point("sign.before_commit")
        crash_point("sign.after_commit")
        return transaction

    def _signed(self, batch: int, state: str, nonce: int, max_fee: int, tip: int, block: int) -> _Transaction:
        call, gas = self._call(batch)
        signed = self._key.sign_transaction(
            {
                "chainId": self._chain_id,
                "type": 2,
                "nonce": nonce,
                "gas": gas,
                "maxFeePerGas": max_fee,
                "maxPriorityFeePerGas": min(tip, max_fee),
                "value": 0,
                "to": self._chain.vault,
                "data": call,
            }
        )
        return _Transaction(
            *(batch, state, self._signer, nonce, bytes(signed.hash), bytes(signed.raw_transaction)),
            *(max_fee, min(tip, max_fee), block),
        )

    def _call(self, batch: int) -> tuple[bytes, int]:
        """Calldata and gas of a batch, from the ledger."""
        row = self._connection.execute("SELECT first_seq, last_seq, root FROM batch WHERE id = %s", (batch,)).fetchone()
        assert row is not None, "signed only what is cut"
        legs = self._connection.execute("SELECT asset, account, units FROM batch_leg WHERE batch = %s", (batch,))
        numbers = self._connection.execute("SELECT account, account_no FROM chain_account WHERE NOT suspense")
        packed = pack_legs(
            vault_legs(
                {(asset, account): units for asset, account, units in legs.fetchall()},
                dict(numbers.fetchall()),
                self._bindings.token_scales,
            )
        )
        return settle_batch_calldata(batch, row[0], row[1], bytes(row[2]), packed), gas_limit(len(packed))

    def _store(self, transaction: _Transaction) -> None:
        self._connection.execute(
            "INSERT INTO chain_tx (hash, signer, nonce, batch, raw, max_fee_wei, tip_wei, signed_at_block) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                *(transaction.hash, transaction.signer, transaction.nonce, transaction.batch, transaction.raw),
                *(transaction.max_fee_wei, transaction.tip_wei, transaction.signed_at_block),
            ),
        )

    def _offer(self, transaction: _Transaction, done: Sent) -> tuple[Answer, str]:
        answer, text = self._chain.send(transaction.raw)
        done.offered += 1
        crash_point("send.before_mark")
        with self._connection.transaction():
            self._connection.execute(
                "UPDATE chain_tx SET sends = sends + 1, last_answer = %s WHERE hash = %s",
                (text, transaction.hash),
            )
            if answer is Answer.ACCEPTED and transaction.state == "cut":
                self._connection.execute("UPDATE batch SET state = 'sent' WHERE id = %s", (transaction.batch,))
                self._connection.execute(
                    "INSERT INTO batch_history (batch, state, transaction_hash) VALUES (%s, 'sent', %s)",
                    (transaction.batch, transaction.hash),
                )
        crash_point("send.after_mark")
        return answer, text

    def _care_for_first(self, transaction: _Transaction, answer: Answer, head: Header, done: Sent) -> None:
        """The oldest batch not mined, which all others wait for: mined after all, or failed, or too cheap?"""
        if self._is_mined(transaction, head, answer, done):
            return
        waited = head.number - transaction.signed_at_block >= BUMP_AFTER_BLOCKS
        if transaction.signer != self._signer or not (answer is Answer.UNDERPRICED or waited):
            return
        fees = self._fees.bumped(transaction.max_fee_wei, transaction.tip_wei, head.base_fee_wei)
        if fees is None:
            done.at_cap = True
            return
        replacement = self._signed(transaction.batch, transaction.state, transaction.nonce, *fees, head.number)
        with self._connection.transaction():
            self._store(replacement)
            crash_point("bump.before_commit")
        crash_point("bump.after_commit")
        done.bumped += 1
        self._offer(replacement, done)

    def _is_mined(self, transaction: _Transaction, head: Header, answer: Answer, done: Sent) -> bool:
        """Looks for a receipt of every form of the transaction; one that failed stops settlement."""
        hashes = self._connection.execute(
            "SELECT hash FROM chain_tx WHERE signer = %s AND nonce = %s", (transaction.signer, transaction.nonce)
        )
        for (transaction_hash,) in hashes.fetchall():
            receipt = self._chain.receipt(bytes(transaction_hash))
            if receipt is None:
                continue
            if not receipt.succeeded and not self._is_settled(transaction.batch):
                self._stop_reverted(transaction.batch, bytes(transaction_hash), receipt.block_number, done)
            return True
        if answer is Answer.NONCE_TOO_LOW and not self._is_settled(transaction.batch):
            self._stop_if_nonce_is_gone(transaction, head, done)
        return False

    def _is_settled(self, batch: int) -> bool:
        """Whether somebody else brought the batch onto the chain; then our failed copy did no harm."""
        return self._chain.read(lambda client: client.last_batch()) >= batch

    def _stop_reverted(self, batch: int, transaction_hash: bytes, block_number: int, done: Sent) -> None:
        call, gas = self._call(batch)
        question = {
            "from": self._key.address,
            "to": "0x" + self._chain.vault.hex(),
            "gas": hex(gas),
            "data": "0x" + call.hex(),
        }
        reason = self._chain.revert_reason(question, block_number - 1)
        detail = f"batch {batch}: transaction 0x{transaction_hash.hex()} reverted in block {block_number}: {reason}"
        raise_stop(self._connection, "a batch reverted", detail)
        done.stops.append(detail)

    def _stop_if_nonce_is_gone(self, transaction: _Transaction, head: Header, done: Sent) -> None:
        """A nonce used by a transaction we do not know can never settle this batch; certain only when that is final."""
        row = self._connection.execute("SELECT sequence FROM cursor WHERE name = 'final_block'").fetchone()
        assert row is not None
        try:
            used = self._chain.transaction_count("0x" + transaction.signer.hex(), min(row[0], head.number))
        except ChainUnavailable:
            return  # the node does not keep that state: ask again when there is a newer final block
        if used > transaction.nonce:
            detail = f"batch {transaction.batch}: nonce {transaction.nonce} was used by a transaction not from here"
            raise_stop(self._connection, "the operator key is used elsewhere", detail)
            done.stops.append(detail)
