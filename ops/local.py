"""A whole venue on this host's loopback: database, development chain and every daemon as processes of their own.

Everything lives below one directory and ends with this process. A daemon counts as started when it said READY=1 to us,
exactly as it
would to systemd; the order of starting and stopping is that of the units: the door opens last and closes first.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cfg.constants import DRAIN_TIMEOUT_S
from cfg.load import load
from cfg.model import VenueConfig
from ops.toml_edit import Edit, apply
from settlement.child import log_tail, spawn
from settlement.deploy import (
    FIRST_DEPOSITOR_INDEX,
    AssetListing,
    Deployment,
    address_of,
    deploy_development,
    development_key,
)
from settlement.devchain import DevChain
from settlement.postgres import Postgres

ROOT = Path(__file__).resolve().parents[1]
START_ORDER = ("settlement", "engine", "mdfeed", "fixgw")
STOP_ORDER = ("fixgw", "engine", "follower", "mdfeed", "settlement")
MODULES = {name: f"{name}.daemon" for name in START_ORDER}
#: What starts each; the follower is started by those who want one.
COMMANDS = {
    **{name: ("-m", module) for name, module in MODULES.items()},
    "follower": ("-m", "engine.daemon", "--follow"),
}
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = DRAIN_TIMEOUT_S + 5  # a daemon that gives up draining says so before it is killed


class VenueError(Exception):
    """A part of the local venue could not start or ended unasked; the text shows its last words."""


@dataclass(frozen=True)
class Ports:
    """Loopback ports of one local venue."""

    fix: int
    publish: int
    snapshot: int
    chain: int

    @staticmethod
    def free() -> Ports:
        """Four ports nobody listens on now."""
        sockets = [socket.socket() for _ in range(4)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        ports = [int(s.getsockname()[1]) for s in sockets]
        for s in sockets:
            s.close()
        return Ports(*ports)

    @staticmethod
    def documented() -> Ports:
        """The ports the README names; VenueError if one is taken."""
        ports = Ports(fix=9878, publish=9900, snapshot=9901, chain=8545)
        for port in (ports.fix, ports.publish, ports.snapshot, ports.chain):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError as error:
                    raise VenueError(f"port {port} is taken: {error}") from error
        return ports


@dataclass
class Daemon:
    """One running daemon and the socket it reports to."""

    process: subprocess.Popen[bytes]
    log: Path
    notify: socket.socket
    ready: bool = False
    status: str = ""

    def heard(self) -> None:
        """Takes in what the daemon told us since the last call."""
        with suppress(BlockingIOError):
            while True:
                for line in self.notify.recv(4096).decode(errors="replace").splitlines():
                    key, _, value = line.partition("=")
                    self.ready = self.ready or (key == "READY" and value == "1")
                    self.status = value if key == "STATUS" else self.status


@dataclass
class LocalVenue:
    """The venue in `directory`: cfg/, state/, run/, log/, chain/ and postgres/ below it survive for the next start.

    `say` gets one line per step. Use as a context manager: leaving it stops everything.
    """

    directory: Path
    ports: Ports
    say: Callable[[str], None]
    #: Values for the generated cfg that differ from the shipped files.
    edits: list[Edit] = field(default_factory=list)
    block_time_s: float = 1
    #: Environment variables that a daemon, by its name, gets beside ours.
    environments: dict[str, dict[str, str]] = field(default_factory=dict)
    daemons: dict[str, Daemon] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.directory = self.directory.absolute()
        self.cfg_dir = self.directory / "cfg"
        self.log_dir = self.directory / "log"
        self.chain = DevChain(self.directory / "chain", self.ports.chain, ROOT, self.block_time_s)
        self.postgres = Postgres(self.directory / "postgres")
        self.deployment: Deployment | None = None
        self.config: VenueConfig | None = None

    def __enter__(self) -> LocalVenue:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Database, chain, contracts (first time only), configuration, then the daemons; VenueError if one fails."""
        for path in (self.directory, self.log_dir):
            path.mkdir(parents=True, exist_ok=True)
        self.say("starting PostgreSQL")
        database_url = self.postgres.start()
        self.say("starting the development chain")
        self.chain.start()
        self.deployment = self._deploy()
        self._configure(database_url, self.deployment)
        for name in START_ORDER[:-1]:
            self.start_daemon(name)
        for name in START_ORDER[:-1]:
            self.await_ready(name)
        self.start_daemon(START_ORDER[-1])  # the door opens when everything behind it serves
        self.await_ready(START_ORDER[-1])

    def _deploy(self) -> Deployment:
        """Tokens and vault, with the institutions' wallets endowed; once per directory."""
        saved = self.directory / "deployment.json"
        if saved.exists():
            return Deployment.load(saved)
        self.say("deploying tokens and vault")
        shipped = load(ROOT / "cfg")
        listings = [
            AssetListing(a.id, a.symbol, a.token_decimals, a.decimals, a.batch_gross_limit * a.token_scale)
            for a in shipped.assets
        ]
        endowment = {a.id: ENDOWMENT_WHOLE * 10**a.token_decimals for a in shipped.assets}
        keys = [key for _account, key in depositors(shipped)]
        deployment = deploy_development(self.chain.rpc_url, listings, dict.fromkeys(keys, endowment))
        deployment.save(saved)
        return deployment

    def _configure(self, database_url: str, deployment: Deployment) -> None:
        """Writes cfg/ from the shipped files with this venue's addresses; validates it as any operator's would be."""
        shipped = load(ROOT / "cfg")
        self.cfg_dir.mkdir(exist_ok=True)
        key_file = self.directory / "operator.key"
        if not key_file.exists():
            key_file.touch(mode=0o600)
            key_file.write_text(deployment.operator_key + "\n")
        venue = [
            Edit("paths", {"state_dir": str(self.directory / "state"), "run_dir": str(self.directory / "run")}),
            Edit("engine", {"resume_after_recovery": "automatic", **_pinning()}),
            Edit("fixgw", {"port": self.ports.fix}),
            Edit(
                "mdfeed",
                {
                    "publish": [f"tcp://127.0.0.1:{self.ports.publish}"],
                    "snapshot": f"tcp://127.0.0.1:{self.ports.snapshot}",
                },
            ),
            Edit(
                "settlement",
                {
                    "database_url": database_url,
                    "rpc_urls": [self.chain.rpc_url],
                    "chain_id": deployment.chain_id,
                    "vault_address": deployment.vault,
                    "operator_key_file": str(key_file),
                },
            ),
            *self.edits,
        ]
        assets = [
            Edit("asset", {"token_address": deployment.tokens[asset.id]}, ("id", asset.id)) for asset in shipped.assets
        ]
        accounts = [
            Edit("account", {"chain_address": address_of(key)}, ("id", account)) for account, key in depositors(shipped)
        ]
        accounts.append(Edit("account", {"chain_address": deployment.fee_owner}, ("id", shipped.fee_account.id)))
        for file, edits in (("venue", venue), ("instruments", assets), ("participants", accounts)):
            text = apply((ROOT / "cfg" / f"{file}.toml").read_text(), edits)
            (self.cfg_dir / f"{file}.toml").write_text(text)
        self.config = load(self.cfg_dir)

    def start_daemon(self, name: str) -> Daemon:
        """Starts one daemon, without waiting for it."""
        self.say(f"starting {name}")
        notify_path = self.directory / f"{name}.notify"
        notify_path.unlink(missing_ok=True)
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(str(notify_path))
        notify.setblocking(False)
        log = self.log_dir / f"{name}.log"
        command = [sys.executable, *COMMANDS[name], "--cfg", str(self.cfg_dir)]
        ours = {"NOTIFY_SOCKET": str(notify_path), "PYTHONPATH": str(ROOT)}
        environment = {**os.environ, **ours, **self.environments.get(name, {})}
        daemon = Daemon(spawn(command, log, "KILL", environment=environment), log, notify)
        self.daemons[name] = daemon
        return daemon

    def await_ready(self, name: str, timeout_s: float = START_TIMEOUT_S) -> None:
        """Waits until the daemon serves; VenueError with the end of its log if it dies or takes too long."""
        daemon = self.daemons[name]
        deadline = time.monotonic() + timeout_s
        while not daemon.ready:
            for each in self.daemons.values():
                each.heard()  # a socket that nobody reads fills up, and then its daemon's READY is lost
            code = daemon.process.poll()
            if code is not None:
                raise VenueError(f"{name} ended with {code}:\n{log_tail(daemon.log)}")
            if time.monotonic() > deadline:
                raise VenueError(f"{name} not ready after {timeout_s:.0f} s ({daemon.status}):\n{log_tail(daemon.log)}")
            time.sleep(0.01)

    def kill9(self, name: str) -> None:
        """kill -9 of one daemon, as a crash would end it."""
        daemon = self.daemons.pop(name)
        daemon.process.kill()
        daemon.process.wait()
        daemon.notify.close()

    def dead(self) -> str | None:
        """Name of a daemon that ended unasked, if any."""
        return next((name for name, d in self.daemons.items() if d.process.poll() is not None), None)

    def require_alive(self) -> None:
        """VenueError with the end of the log of a daemon that ended unasked."""
        if name := self.dead():
            raise VenueError(f"{name} ended unasked:\n{log_tail(self.daemons[name].log)}")

    def stop(self) -> list[str]:
        """Drains in stop order, then chain and database; returns the daemons that did not end cleanly."""
        unclean = []
        for name in STOP_ORDER:
            daemon = self.daemons.pop(name, None)
            if daemon is None:
                continue
            self.say(f"stopping {name}")
            daemon.process.send_signal(signal.SIGTERM)
            try:
                code = daemon.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                daemon.process.kill()
                code = daemon.process.wait()
            if code != 0:
                unclean.append(f"{name} (exit {code})")
            daemon.notify.close()
        for server in (self.chain, self.postgres):
            with suppress(Exception):
                server.stop()
        for path in self.directory.glob("*.notify"):
            path.unlink()
        return unclean


def _pinning() -> dict[str, int]:
    """The hot thread on the last CPU we may use and the engine's others on the first; nothing pinned where there is
    one.
    """
    allowed = sorted(os.sched_getaffinity(0))
    return {"hot_cpu": allowed[-1], "housekeeping_cpu": allowed[0]} if len(allowed) > 1 else {}


#: What each institution's wallet holds of every asset, in whole coins, before it deposits.
ENDOWMENT_WHOLE = 100_000_000


def depositor_key(index: int) -> str:
    """Key of the index-th depositor's wallet; anvil's public test keys."""
    return development_key(FIRST_DEPOSITOR_INDEX + index)


def depositors(config: VenueConfig) -> list[tuple[int, str]]:
    """(account id, wallet key) of everyone who deposits on this venue: the clients, then the lenders."""
    accounts = [account.id for kind in ("client", "lender") for account in config.accounts if account.kind == kind]
    return [(account, depositor_key(index)) for index, account in enumerate(accounts)]


def fresh(directory: Path) -> Path:
    """An empty directory: what was there is removed."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory
