"""The ledger's PostgreSQL: where it is, how it is opened, migrated and bound to one chain and one worker.

Migrations only go forward; one that was applied and then changed is refused. A connection hands out numeric as int: the
only place where the database's numbers become ours.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import conninfo
from psycopg.adapt import Buffer, Loader

from cfg.model import VenueConfig
from settlement.postgres import require_durable

Connection = psycopg.Connection[tuple[Any, ...]]

MIGRATIONS = Path(__file__).parent / "migrations"
URL_FILE = "database_url"
#: Taken by the one worker of a ledger for as long as its connection lives.
WORKER_LOCK = 0x5645_4E55_4531
MIGRATION_LOCK = WORKER_LOCK + 1
#: A worker whose host vanished must not hold the lock for hours (TCP only).
KEEPALIVES: Mapping[str, int] = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}


class LedgerError(Exception):
    """The ledger cannot be used as it is; the text says why. Never solved by trying again."""


class NoLedger(LedgerError):
    """Nobody has said where the ledger is."""


class AnotherWorker(LedgerError):
    """Another process works on this ledger."""


class _WholeNumber(Loader):
    """numeric as int; a fraction in the ledger would be an error in the ledger."""

    def load(self, data: Buffer) -> int:
        return int(bytes(data))


def given_url(config: VenueConfig) -> str:
    """The database the operator named: settlement.database_url, else DATABASE_URL; empty when it is ours to run."""
    return config.settlement.database_url or os.environ.get("DATABASE_URL", "")


def url_file(config: VenueConfig) -> Path:
    """Where the daemon that runs a server of its own writes that server's url."""
    return config.paths.state_dir / "settlement" / URL_FILE


def find_url(config: VenueConfig) -> str:
    """The ledger's url for whoever reads it beside the daemon. Raises NoLedger."""
    url = given_url(config)
    if url:
        return url
    try:
        return url_file(config).read_text().strip()
    except FileNotFoundError:
        raise NoLedger(
            "no settlement.database_url, no DATABASE_URL, and the settlement daemon never ran here"
        ) from None


def publish_url(config: VenueConfig, url: str) -> None:
    """Lets others of this user find the server we run; the url may hold its password."""
    path = url_file(config)
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(url + "\n")
    fresh.replace(path)


def connect(url: str, application: str) -> Connection:
    """An autocommit connection: every transaction is written as a block. Raises psycopg.OperationalError when away."""
    connection: Connection = psycopg.connect(
        conninfo.make_conninfo(url, application_name=application, connect_timeout=5, **KEEPALIVES), autocommit=True
    )
    connection.adapters.register_loader("numeric", _WholeNumber)
    return connection


def _migrations() -> list[tuple[int, str, str, str]]:
    """(number, name, checksum, text) in order."""
    found = []
    for path in sorted(MIGRATIONS.glob("[0-9][0-9][0-9][0-9]_*.sql")):
        text = path.read_text()
        found.append((int(path.name[:4]), path.name, hashlib.sha256(text.encode()).hexdigest(), text))
    return found


def applied_migrations(connection: Connection) -> dict[int, str]:
    """Number -> SHA-256 of every step that was taken."""
    return dict(connection.execute("SELECT number, sha256 FROM migration").fetchall())


def migrate(connection: Connection, through: int = 9999) -> int:
    """Brings the schema to this build's version, or to step `through`, in a transaction; returns the steps taken.

    Raises LedgerError when an applied step was changed, or the ledger is newer than this build.
    """
    require_durable(connection)
    known = _migrations()
    taken = 0
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migration (number integer PRIMARY KEY, name text NOT NULL, "
            "sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
        )
        applied = applied_migrations(connection)
        unknown = applied.keys() - {number for number, *_ in known}
        if unknown:
            raise LedgerError(f"the ledger has migration {max(unknown)}, which this build does not know")
        for number, name, sha256, text in known:
            if number > through:
                break
            if number in applied:
                if applied[number] != sha256:
                    raise LedgerError(f"migration {name} was changed after it was applied")
                continue
            connection.execute(text.encode())
            connection.execute(
                "INSERT INTO migration (number, name, sha256) VALUES (%s, %s, %s)", (number, name, sha256)
            )
            taken += 1
    return taken


def lock_worker(connection: Connection) -> None:
    """Makes this connection the ledger's worker while it lives. Raises AnotherWorker."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (WORKER_LOCK,)).fetchone()
    if row != (True,):
        raise AnotherWorker("another worker holds this ledger")


def bind(
    connection: Connection, chain_id: int, vault: bytes, deploy_block_number: int, deploy_block_hash: bytes
) -> None:
    """Ties the ledger to its cluster and chain at first use and holds it to them ever after. Raises LedgerError.

    The vault's deployment block is the chain's fingerprint: two development chains may share their genesis.
    """
    row = connection.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
    assert row is not None, "a server knows its identifier"
    ours = (row[0], chain_id, vault, deploy_block_number, deploy_block_hash)
    with connection.transaction():
        connection.execute(
            "INSERT INTO identity (system_identifier, chain_id, vault, deploy_block_number, deploy_block_hash) "
            "VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            ours,
        )
        bound = connection.execute(
            "SELECT system_identifier, chain_id, vault, deploy_block_number, deploy_block_hash FROM identity"
        ).fetchone()
    names = ("database cluster", "chain id", "vault", "vault's deployment block", "vault's deployment block hash")
    assert bound is not None
    for name, recorded, found in zip(names, bound, ours, strict=True):
        if recorded != found:
            raise LedgerError(
                f"this ledger belongs to another {name}: recorded {_text(recorded)}, found {_text(found)}"
            )


def _text(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def raise_stop(connection: Connection, reason: str, detail: str) -> bool:
    """Records that settlement must stop; True when this reason was not already standing."""
    inserted = connection.execute(
        "INSERT INTO stop (reason, detail) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING id", (reason, detail)
    ).fetchone()
    return inserted is not None


def standing_stops(connection: Connection) -> list[tuple[str, str]]:
    """(reason, detail) of every stop no operator has cleared."""
    rows = connection.execute("SELECT reason, detail FROM stop WHERE cleared_at IS NULL ORDER BY id").fetchall()
    return [(reason, detail) for reason, detail in rows]


def clear_stops(connection: Connection, operator: str, because: str) -> int:
    """An operator's word that settlement may go on; returns how many stops it ended."""
    return connection.execute(
        "UPDATE stop SET cleared_at = clock_timestamp(), cleared_by = %s, cleared_because = %s "
        "WHERE cleared_at IS NULL",
        (operator, because),
    ).rowcount
