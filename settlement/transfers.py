"""What the ledger knows that an operator must know of transfers: the last number, what each was, who can be settled.

Reads only. The ledger may be behind the engine: what it has not taken in yet stands in the events after `sequence`.
"""

from __future__ import annotations

from typing import NamedTuple

import psycopg

from cfg.model import VenueConfig
from settlement.database import NoLedger, connect, find_url


class Position(NamedTuple):
    """`transfer_seq` of the last transfer among events up to `sequence`; whether the account is known to the vault."""

    transfer_seq: int
    sequence: int
    has_vault_account: bool


class Terms(NamedTuple):
    """What one transfer was; `operator` as the ledger writes it."""

    from_account: int
    to_account: int
    asset: int
    units: int
    operator: str


def position(config: VenueConfig, account: int) -> Position:
    """Where transfers stand, and whether `account` can be settled with. Raises NoLedger when nobody can say."""
    try:
        with connect(find_url(config), "venuectl-transfer") as connection:
            row = connection.execute(
                "SELECT coalesce(max(transfer_seq), 0), (SELECT sequence FROM cursor WHERE name = 'events'), "
                "EXISTS (SELECT FROM chain_account WHERE account = %s AND NOT suspense) FROM transfer",
                (account,),
            ).fetchone()
    except psycopg.Error as error:
        raise NoLedger(str(error).strip().splitlines()[0]) from error
    assert row is not None, "an aggregate has a row"
    return Position(*row)


def terms_of(config: VenueConfig, transfer_seq: int) -> Terms | None:
    """What the ledger says that transfer was, None when it has not taken it in. Raises NoLedger."""
    try:
        with connect(find_url(config), "venuectl-transfer") as connection:
            row = connection.execute(
                "SELECT from_account, to_account, asset, units, operator FROM transfer WHERE transfer_seq = %s",
                (transfer_seq,),
            ).fetchone()
    except psycopg.Error as error:
        raise NoLedger(str(error).strip().splitlines()[0]) from error
    return None if row is None else Terms(*row)
