"""The private PostgreSQL keeps what it acknowledged, refuses unsafe settings and leaves nothing behind or open."""

import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest

from settlement.postgres import Postgres, PostgresError, find_binaries
from tests.fixtures.fix_chain import wait_until

MAKE_ROWS = "CREATE TABLE row AS SELECT generate_series(1, 10000) AS number"


def count_rows(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM row").fetchone()
    assert row is not None
    return int(row[0])


def run(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())


def test_commits_survive_a_killed_server(postgres: Postgres) -> None:
    """After kill -9 of the postmaster the same directory starts again with every committed row."""
    run(postgres.start(), MAKE_ROWS)
    postgres.kill9()
    assert count_rows(postgres.start()) == 10_000


def test_the_server_is_durable_and_runs_unprivileged(postgres: Postgres) -> None:
    """Durability is on, no socket is open to the network, and the server is not root."""
    with psycopg.connect(postgres.start()) as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            assert connection.execute("SELECT current_setting(%s)", (name,)).fetchone() == ("on",)
        assert connection.execute("SELECT current_setting('listen_addresses')").fetchone() == ("",)
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
    assert psutil.Process(postgres.pid).uids().effective != 0


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_could_lose_commits_is_refused(postgres: Postgres, setting: str) -> None:
    """One durability setting off in the data directory: start fails by name and no server is left running."""
    url = postgres.start()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
    postgres.stop()
    with pytest.raises(PostgresError, match=f"{setting} = off"):
        postgres.start()
    with pytest.raises(PostgresError, match="not running"):
        _ = postgres.pid
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_parent_directories_keep_their_modes(tmp_path: Path) -> None:
    """Below a directory closed to others the server runs unprivileged and no parent is opened for it."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    parents = {path: stat.S_IMODE(path.stat().st_mode) for path in (closed, *closed.parents)}
    server = Postgres(closed / "pg")
    try:
        run(server.start(), MAKE_ROWS)
        assert psutil.Process(server.pid).uids().effective != 0
        server.kill9()
        assert count_rows(server.start()) == 10_000
    finally:
        server.stop()
    assert {path: stat.S_IMODE(path.stat().st_mode) for path in parents} == parents
    assert stat.S_IMODE((closed / "pg" / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((closed / "pg" / "socket").stat().st_mode) == 0o700


def test_the_server_ends_with_its_parent_and_its_data_is_clean(tmp_path: Path, root: Path) -> None:
    """kill -9 of the process that started it stops the server, and the next start finds the rows."""
    program = (
        "import os, signal, sys, psycopg; from pathlib import Path; from settlement.postgres import Postgres;"
        "server = Postgres(Path(sys.argv[1])); connection = psycopg.connect(server.start(), autocommit=True);"
        "connection.execute(sys.argv[2]); print(server.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    directory = tmp_path / "closed" / "pg"
    directory.parent.mkdir(mode=0o700)
    command = [sys.executable, "-c", program, str(directory), MAKE_ROWS]
    parent = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=False)
    assert parent.returncode == -signal.SIGKILL
    # Not waited for: a start while the old server still ends is what happens after a crash.
    server = Postgres(directory)
    try:
        assert count_rows(server.start()) == 10_000
    finally:
        server.stop()
    wait_until(lambda: not psutil.pid_exists(int(parent.stdout)), "the orphaned server to end")


def test_a_directory_in_use_is_refused(postgres: Postgres) -> None:
    """A second server on the same data is refused, and the first goes on."""
    url = postgres.start()
    run(url, MAKE_ROWS)
    with pytest.raises(PostgresError, match=r"postmaster\.pid"):
        Postgres(postgres.directory).start(timeout_s=1)
    assert count_rows(url) == 10_000


def test_a_path_too_long_for_a_socket_uses_loopback_with_a_password(tmp_path: Path) -> None:
    """Below a deep directory clients get a TCP url; without its password nobody gets in."""
    server = Postgres(tmp_path / ("deep" * 25))
    try:
        url = server.start()
        run(url, MAKE_ROWS)
        password = psycopg.conninfo.conninfo_to_dict(url)["password"]
        assert isinstance(password, str)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url.replace(password, "wrong"))
        assert stat.S_IMODE((server.directory / "password").stat().st_mode) == 0o600
        server.kill9()
        assert count_rows(server.start()) == 10_000
    finally:
        server.stop()


def test_a_creation_cut_short_begins_again(postgres: Postgres) -> None:
    """Half a data directory from an interrupted first start is not taken for a server."""
    unfinished = postgres.directory / "data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("15\n")
    run(postgres.start(), MAKE_ROWS)
    assert not unfinished.exists()


def test_data_of_another_version_is_refused() -> None:
    """Data no installed server can read is an error that names the version."""
    with pytest.raises(PostgresError, match="PostgreSQL 7"):
        find_binaries("7")
    assert (find_binaries() / "postgres").exists()


def test_each_test_has_a_database_of_its_own(new_database: Callable[..., str]) -> None:
    """Databases of one server share nothing but their template."""
    template = new_database()
    run(template, MAKE_ROWS)
    name = psycopg.conninfo.conninfo_to_dict(template)["dbname"]
    first, second = new_database(template=name), new_database(template=name)
    run(first, "DELETE FROM row")
    assert (count_rows(first), count_rows(second)) == (0, 10_000)


def test_the_environment_does_not_reach_the_server(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """PG* variables of the caller move neither the data nor the port."""
    monkeypatch.setenv("PGDATA", "/nonexistent")
    monkeypatch.setenv("PGPORT", "1")
    url = postgres.start()
    run(url, MAKE_ROWS)
    assert count_rows(url) == 10_000
