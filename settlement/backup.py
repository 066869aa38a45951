"""A copy of the ledger as it is after one event, in plain files, and a new ledger from such a copy.

One repeatable-read transaction sees every table at the same moment, so the copy's cursor says exactly which events it
holds. Loading is one transaction too; before it commits the sums are proved again, and the new ledger is bound to its
own database cluster, which is why a ledger that was merely copied is refused and one that was restored is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from cfg.model import VenueConfig
from settlement.database import (
    Connection,
    LedgerError,
    applied_migrations,
    connect,
    given_url,
    migrate,
    url_file,
)
from settlement.postgres import Postgres, PostgresError

APPLICATION = "venue-backup"
SERVER_DIRECTORY = "postgres"

_TABLES = (
    "SELECT relname, array(SELECT attname::text FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0 "
    "AND NOT attisdropped ORDER BY attnum) FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
)
_REFERENCES = (
    "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint "
    "WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND conrelid <> confrelid"
)
_IDENTITY_COLUMNS = (
    "SELECT attrelid::regclass::text, attname::text FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
    "WHERE attidentity <> '' AND relnamespace = 'public'::regnamespace AND relkind = 'r'"
)
#: What must be empty in a ledger that is whole.
_PROOFS = (
    ("entries do not sum to zero", "SELECT 1 FROM posting GROUP BY entry, asset HAVING sum(amount) <> 0"),
    (
        "balances are not the sums of their postings",
        "SELECT 1 FROM (SELECT account, asset, bucket, sum(amount) AS amount FROM posting "
        "GROUP BY account, asset, bucket) AS posted FULL JOIN balance USING (account, asset, bucket) "
        "WHERE coalesce(posted.amount, 0) <> coalesce(balance.amount, 0)",
    ),
)


class Table(NamedTuple):
    """One table of a copy: its file is `name`.copy, in PostgreSQL's text format for COPY."""

    name: str
    columns: tuple[str, ...]
    rows: int


class LedgerCopy(NamedTuple):
    """What a copy holds: the events up to `sequence`, under these migrations (number -> SHA-256)."""

    sequence: int
    migrations: dict[int, str]
    tables: tuple[Table, ...]


@contextmanager
def serving(config: VenueConfig) -> Iterator[str | None]:
    """The url of the venue's ledger; a server of our own that does not run is started meanwhile. None: no ledger.

    Raises LedgerError when the server cannot be reached.
    """
    url = given_url(config) or _answering(config)
    data = config.paths.state_dir / SERVER_DIRECTORY
    if url or not (data / "data").exists():
        yield url or None
        return
    with _own_server(data) as url:
        yield url


@contextmanager
def new_server(config: VenueConfig, directory: Path) -> Iterator[str]:
    """The url of the database that takes a restored ledger: the one cfg names, else of a new server in `directory`."""
    if url := given_url(config):
        yield url
        return
    with _own_server(directory / SERVER_DIRECTORY) as url:
        yield url


@contextmanager
def _own_server(directory: Path) -> Iterator[str]:
    server = Postgres(directory)
    try:
        url = server.start()
    except PostgresError as error:
        raise LedgerError(str(error)) from error
    try:
        yield url
    finally:
        server.stop()


def _answering(config: VenueConfig) -> str:
    """The url of the server that the settlement daemon runs, empty when it does not run now."""
    try:
        url = url_file(config).read_text().strip()
        with connect(url, APPLICATION):
            return url
    except (FileNotFoundError, psycopg.OperationalError):
        return ""


def dump(url: str, directory: Path) -> LedgerCopy | None:
    """Copies the ledger into `directory`, one file per table; None when there is none in this database yet."""
    try:
        with connect(url, APPLICATION) as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            if not _exists(connection):
                return None
            tables = tuple(
                Table(name, tuple(columns), _copy_out(connection, name, columns, directory))
                for name, columns in connection.execute(_TABLES).fetchall()
            )
            return LedgerCopy(_cursor(connection), applied_migrations(connection), tables)
    except psycopg.Error as error:
        raise LedgerError(f"the ledger cannot be read: {_first_line(error)}") from error


def load(url: str, directory: Path, copy: LedgerCopy) -> None:
    """Makes the ledger of a copy in a database without one. Raises LedgerError; the database then still holds none."""
    try:
        with connect(url, APPLICATION) as connection:
            _require_unused(connection)
            # By itself: what a migration adds to a type can be used only once it is committed.
            migrate(connection, through=max(copy.migrations))
            if (ours := applied_migrations(connection)) != copy.migrations:
                raise LedgerError(f"this build's migrations are {ours}, those of the copy {copy.migrations}")
            with connection.transaction():
                _fill(connection, directory, copy)
                _prove(connection, copy)
                connection.execute(
                    "UPDATE identity SET system_identifier = (SELECT system_identifier FROM pg_control_system())"
                )
    except psycopg.Error as error:
        raise LedgerError(f"the ledger cannot be restored: {_first_line(error)}") from error


def require_no_ledger(url: str) -> None:
    """Raises LedgerError unless a ledger can be restored into this database."""
    try:
        with connect(url, APPLICATION) as connection:
            _require_unused(connection)
    except psycopg.Error as error:
        raise LedgerError(f"the database does not answer: {_first_line(error)}") from error


def _require_unused(connection: Connection) -> None:
    """A schema that nobody has written to is as good as none: a restore that was cut short leaves one."""
    if not _exists(connection):
        return
    used = connection.execute(
        "SELECT EXISTS (SELECT FROM identity) OR EXISTS (SELECT FROM entry) OR EXISTS (SELECT FROM block) "
        "OR EXISTS (SELECT FROM cursor WHERE sequence > 0)"
    ).fetchone()
    if used != (False,):
        raise LedgerError("the database already holds a ledger: restore into an empty one")


def _exists(connection: Connection) -> bool:
    row = connection.execute("SELECT to_regclass('public.cursor') IS NOT NULL").fetchone()
    return row == (True,)


def _cursor(connection: Connection) -> int:
    row = connection.execute("SELECT sequence FROM cursor WHERE name = 'events'").fetchone()
    assert row is not None, "the migration puts it there"
    return int(row[0])


def _copy_statement(table: str, columns: tuple[str, ...] | list[str], direction: str) -> sql.Composed:
    return sql.SQL("COPY {} ({}) " + direction).format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )


def _copy_out(connection: Connection, table: str, columns: list[str], directory: Path) -> int:
    cursor = connection.cursor()
    path = directory / f"{table}.copy"
    path.touch(mode=0o600, exist_ok=False)
    with path.open("wb") as file, cursor.copy(_copy_statement(table, columns, "TO STDOUT")) as rows:
        for data in rows:
            file.write(data)
    return cursor.rowcount


def _fill(connection: Connection, directory: Path, copy: LedgerCopy) -> None:
    """Every row as it was, in an order that the references between tables allow; no trigger of ours runs."""
    order = _in_order(connection, [table.name for table in copy.tables])
    tables = {table.name: table for table in copy.tables}
    for name in order:
        connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(name)))
    for name in reversed(order):  # what a migration has put there is in the copy too
        connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
    for name in order:
        cursor = connection.cursor()
        with (
            (directory / f"{name}.copy").open("rb") as file,
            cursor.copy(_copy_statement(name, tables[name].columns, "FROM STDIN")) as rows,
        ):
            while data := file.read(1 << 20):
                rows.write(data)
    for table, column in connection.execute(_IDENTITY_COLUMNS).fetchall():
        connection.execute(
            sql.SQL("SELECT setval(pg_get_serial_sequence({}, {}), max({})) FROM {}").format(
                sql.Literal(table), sql.Literal(column), sql.Identifier(column), sql.Identifier(table)
            )
        )
    for name in order:
        connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(sql.Identifier(name)))


def _in_order(connection: Connection, tables: list[str]) -> list[str]:
    """Each table after those that its rows refer to."""
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(tables, ()))
    for table, referred in connection.execute(_REFERENCES).fetchall():
        sorter.add(table, referred)
    return list(sorter.static_order())


def _prove(connection: Connection, copy: LedgerCopy) -> None:
    for table in copy.tables:
        row: Any = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table.name))).fetchone()
        if row[0] != table.rows:
            raise LedgerError(f"table {table.name} has {row[0]} rows, the copy was of {table.rows}")
    for what, question in _PROOFS:
        if connection.execute(question.encode()).fetchone() is not None:
            raise LedgerError(f"the copy is no whole ledger: {what}")
    if (found := _cursor(connection)) != copy.sequence:
        raise LedgerError(f"the copy's cursor is at event {found}, not {copy.sequence}")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
