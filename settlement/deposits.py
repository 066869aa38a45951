"""Takes deposits from the vault's logs to the engine's Credit: seen, final, bound to an account, credited once.

deposit_seq comes contiguous from the contract and the engine accepts only last + 1, so every final deposit is credited,
that of an unknown depositor to the suspense account. Which account a vault account stands for is fixed when its first
deposit is final; a later change of cfg does not move money.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cfg.constants import INT64_MAX
from cfg.model import VenueConfig
from engine.wire.messages import Credit
from settlement.database import Connection, raise_stop
from settlement.ledger import contradicted_credits
from settlement.vault import Deposit


@dataclass(frozen=True, slots=True)
class Bindings:
    """What cfg says about the chain's addresses and tokens. Addresses are 20 bytes; scales are token units per unit."""

    accounts: Mapping[bytes, int]
    suspense_account: int
    token_scales: Mapping[int, int]

    @classmethod
    def of(cls, config: VenueConfig) -> Bindings:
        """The bindings a configuration makes."""
        return cls(
            accounts={
                bytes.fromhex(account.chain_address[2:]): account.id
                for account in config.accounts
                if account.chain_address
            },
            suspense_account=config.suspense_account.id,
            token_scales={asset.id: asset.token_scale for asset in config.assets},
        )


def is_countable(bindings: Bindings, deposit: Deposit) -> bool:
    """Whether a deposit is of an asset that cfg lists, and a whole number of engine units that the engine can hold."""
    scale = bindings.token_scales.get(deposit.asset)
    return scale is not None and deposit.amount % scale == 0 and 0 < deposit.amount // scale <= INT64_MAX


def record_deposit(connection: Connection, bindings: Bindings, deposit: Deposit) -> None:
    """Records a countable deposit of a block that is on the chain now."""
    connection.execute(
        "INSERT INTO deposit (block_hash, log_index, block_number, transaction_hash, deposit_seq, account_no, "
        "depositor, asset, token_amount, units) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "
        "ON CONFLICT (block_hash, log_index) DO UPDATE SET state = 'seen' WHERE deposit.state = 'orphaned'",
        (
            *(deposit.block_hash, deposit.log_index, deposit.block_number, deposit.transaction_hash),
            *(deposit.deposit_seq, deposit.account_no, bytes.fromhex(deposit.depositor[2:]), deposit.asset),
            *(deposit.amount, deposit.amount // bindings.token_scales[deposit.asset]),
        ),
    )


def bind_fee_account(connection: Connection, account_no: int, address: bytes, account: int) -> None:
    """The fee account exists on chain from genesis, so that fees can be settled before anybody deposits to it."""
    connection.execute(
        "INSERT INTO chain_account (account_no, address, account, suspense) VALUES (%s, %s, %s, false) "
        "ON CONFLICT DO NOTHING",
        (account_no, address, account),
    )


def accept_final_deposits(connection: Connection, bindings: Bindings, final_block: int) -> list[str]:
    """Binds every deposit at or below the final block to its account, in order. Inside the caller's transaction."""
    rows = connection.execute(
        "SELECT deposit_seq, account_no, depositor FROM deposit WHERE state = 'seen' AND block_number <= %s "
        "ORDER BY deposit_seq",
        (final_block,),
    ).fetchall()
    row = connection.execute(
        "SELECT coalesce(max(deposit_seq), 0) FROM deposit WHERE state >= 'final' AND state <> 'orphaned'"
    ).fetchone()
    assert row is not None
    accepted: int = row[0]
    for deposit_seq, account_no, depositor in rows:
        if deposit_seq != accepted + 1:
            detail = f"deposit {deposit_seq} became final after deposit {accepted}"
            raise_stop(connection, "deposits are not contiguous", detail)
            return [detail]
        account = _bind(connection, bindings, deposit_seq, account_no, bytes(depositor))
        connection.execute(
            "UPDATE deposit SET state = 'final', account = %s WHERE deposit_seq = %s AND state = 'seen'",
            (account, deposit_seq),
        )
        accepted = deposit_seq
    return contradicted_credits(connection, [deposit_seq for deposit_seq, *_ in rows])


def _bind(connection: Connection, bindings: Bindings, deposit_seq: int, account_no: int, depositor: bytes) -> int:
    """The account a vault account stands for, decided at its first deposit.

    When the engine has credited the deposit already (a ledger rebuilt from its events), that decision stands.
    """
    row = connection.execute("SELECT account FROM chain_account WHERE account_no = %s", (account_no,)).fetchone()
    if row is not None:
        return int(row[0])
    credit = connection.execute("SELECT account FROM credit WHERE deposit_seq = %s", (deposit_seq,)).fetchone()
    account = credit[0] if credit else bindings.accounts.get(depositor, bindings.suspense_account)
    taken = connection.execute("SELECT 1 FROM chain_account WHERE account = %s AND NOT suspense", (account,)).fetchone()
    if taken is not None:
        # cfg moved an account to a new address: legs can name only one, so the new address waits for an operator.
        account = bindings.suspense_account
    connection.execute(
        "INSERT INTO chain_account (account_no, address, account, suspense) VALUES (%s, %s, %s, %s)",
        (account_no, depositor, account, account == bindings.suspense_account),
    )
    return int(account)


def credits_due(connection: Connection, limit: int) -> list[Credit]:
    """Credits the engine has not confirmed by an event yet, in the order it accepts them."""
    rows = connection.execute(
        "SELECT deposit.account, deposit.asset, deposit.units, deposit_seq, deposit.block_number, "
        "deposit.transaction_hash FROM deposit WHERE state = 'final' "
        "AND NOT EXISTS (SELECT FROM credit WHERE credit.deposit_seq = deposit.deposit_seq) "
        "ORDER BY deposit_seq LIMIT %s",
        (limit,),
    )
    return [Credit(row[0], row[1], row[2], row[3], row[4], bytes(row[5])) for row in rows.fetchall()]
