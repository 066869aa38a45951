"""A whole venue made to be hurt: real daemons, two FIX clients and a watcher as processes, and how it comes to rest.

Everything lives below one directory and ends with this process. `rest` returns only when nothing is on its way any
more, and `evidence` then reads what every party knows; neither judges.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import psycopg

from cfg.model import VenueConfig
from engine.inspect import events_from
from engine.journal import Damaged
from engine.wire.client import template_of
from engine.wire.counters import read_counters
from engine.wire.endpoints import counters_path
from engine.wire.messages import OrderCanceled, Trade, decode
from ops.demo import DEPOSIT_WHOLE, MARKETS, PASSWORDS
from ops.local import ROOT, LocalVenue, Ports, VenueError, depositors
from ops.toml_edit import Edit, Value
from settlement.chain import ChainUnavailable
from settlement.child import log_tail, setpriv_command
from settlement.database import Connection, connect, standing_stops
from settlement.deploy import deposit_all
from settlement.reconcile import pending_work
from tests.faults.checker import acknowledged_and_lost
from tests.faults.collect import EngineRecords, feed_books, ledger_balances, ledger_fills, vault_balances
from tests.faults.evidence import Client, ClientReader, Evidence, Pair, TapReader
from tests.faults.shim import Shim
from tests.faults.shim.oplog import write_base

#: The chain mines seldom by itself, so that four blocks outlast a dump of its state; a venue at rest mines at will.
BLOCK_TIME_S = 0.5
BLOCKS_AT_ONCE = 4
RATE_PER_S = 15
FUND_TIMEOUT_S = 60.0
REST_TIMEOUT_S = 45.0
POLL_S = 0.05
SEGMENT_BYTES = 1 << 20
EDITS = [
    Edit("engine", {"max_orders": 16_384, "max_clordids": 65_536, "max_price_pages": 4_096}),
    Edit("settlement", {"batch_max_age_ms": 200, "checkpoint_interval_ms": 300, "poll_ms": 50}),
    Edit("mdfeed", {"heartbeat_ms": 200}),
    Edit("follower", {"snapshot_every_s": 1}),
]


class NotAtRest(Exception):
    """The venue did not come to rest in time: something is stuck, and the text says what."""


class Load(NamedTuple):
    """How much a venue had to do."""

    requests: int
    trades: int
    engine_starts: int


class Companion:
    """A process that is told things by lines on stdin and answers by lines on stdout; dies with us."""

    def __init__(self, name: str, module: str, arguments: list[str], log: Path) -> None:
        self.name = name
        self._log = log
        command = [setpriv_command(), "--pdeathsig", "KILL", "--", sys.executable, "-m", module, *arguments]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                cwd="/",
                start_new_session=True,
            )
        self._buffer = b""

    def say(self, line: str) -> None:
        """One line to it; VenueError when it is gone."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise VenueError(f"{self.name} is gone:\n{log_tail(self._log)}") from error

    def hear(self, word: str, timeout_s: float) -> bytes:
        """The next line that begins with `word`; VenueError when it dies, NotAtRest when it keeps silent."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + timeout_s
        while True:
            while b"\n" in self._buffer:
                line, self._buffer = self._buffer.split(b"\n", 1)
                if line.startswith(word.encode()):
                    return line
            left = deadline - time.monotonic()
            if left <= 0:
                raise NotAtRest(f"{self.name} did not answer {word} within {timeout_s:.0f} s")
            if select.select([self._process.stdout], [], [], left)[0]:
                data = os.read(self._process.stdout.fileno(), 1 << 20)
                if not data:
                    raise VenueError(f"{self.name} ended:\n{log_tail(self._log)}")
                self._buffer += data

    def stop(self) -> None:
        """Lets it end, or ends it."""
        with suppress(VenueError):
            self.say("stop")
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()


class FaultVenue:
    """One venue with its load and its witnesses. Use as a context manager: leaving it ends every process."""

    def __init__(self, directory: Path, seed: int, say: Callable[[str], None], values: dict[str, Value]) -> None:
        """`values`: keys of [engine] that differ."""
        engine = Edit("engine", {"segment_bytes": SEGMENT_BYTES, **values})
        self.directory = directory
        self.seed = seed
        self.venue = LocalVenue(directory, Ports.free(), say, [*EDITS, engine], BLOCK_TIME_S)
        # Under the shim lies the engine's directory alone: the other daemons' disks are real.
        self.state_dir = directory.absolute() / "state" / "engine"
        self.state_dir.mkdir(parents=True)
        self.shim = Shim(self.state_dir, directory / "shim.control", directory / "shim.log")
        self.venue.environments["engine"] = self.shim.environment()
        self.deposits: dict[Pair, int] = {}
        self.clients: dict[str, Companion] = {}
        self._readers: list[ClientReader] = []
        self._watcher: Companion | None = None
        self._tap = TapReader(directory / "events.tap")
        self._records: EngineRecords | None = None
        self._database: Connection | None = None
        self._mined_for = -1  # the block settlement was at when we mined last
        self._joins = 0  # snapshots that the subscriber began with

    @property
    def config(self) -> VenueConfig:
        assert self.venue.config is not None, "the venue has started"
        return self.venue.config

    def __enter__(self) -> FaultVenue:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ---- start and end ----

    def start(self) -> None:
        """The venue, its money, its clients; VenueError when a part does not come up."""
        self.venue.start()
        self.venue.start_daemon("follower")
        self.venue.await_ready("follower")
        self._records = EngineRecords(self.config)
        self._fund()
        self._watcher = Companion("watcher", "tests.faults.watcher", self._watcher_arguments(), self._log("watcher"))
        self.until(lambda: self._watched()["status"] == "LIVE", FUND_TIMEOUT_S, "the subscriber's first books")
        self._joins = self._watched()["resynchronized"]
        markets = self.directory / "markets.json"
        markets.write_bytes(orjson.dumps([asdict(market) for market in MARKETS]))
        for session in self.config.sessions:
            self._start_client(session.id, session.comp_id, session.accounts[0], markets)
        self._all_clients("flush")  # answered once they are logged on

    def _log(self, name: str) -> Path:
        return self.venue.log_dir / f"{name}.log"

    def _watcher_arguments(self) -> list[str]:
        feed = self.config.mdfeed
        (self.directory / "events.tap").touch()
        return [
            *("--publish", feed.publish[0], "--snapshot", feed.snapshot, "--channel", str(feed.channel_id)),
            *("--run-dir", str(self.config.paths.run_dir), "--tap", str(self.directory / "events.tap")),
        ]

    def _start_client(self, session: int, name: str, account: int, markets: Path) -> None:
        record = self.directory / f"{name}.record"
        record.touch()
        account_name = next(a.name for a in self.config.accounts if a.id == account)
        arguments = [
            *("--port", str(self.config.fixgw.port), "--sender", name, "--password", PASSWORDS[name]),
            *("--account", account_name, "--seed", str(self.seed * 100 + session)),
            *("--markets", str(markets), "--record", str(record)),
        ]
        self.clients[name] = Companion(name, "tests.faults.load", arguments, self._log(name))
        self._readers.append(ClientReader(record, Client(name, session, account)))

    def _fund(self) -> None:
        """Deposits on chain for everybody; returns when the engine's journal has all credits."""
        assert self.venue.deployment is not None
        whole = {self.config.asset(symbol): amount for symbol, amount in DEPOSIT_WHOLE.items()}
        each = {asset.id: amount * 10**asset.token_decimals for asset, amount in whole.items()}
        keys = [key for _account, key in depositors(self.config)]
        deposit_all(self.venue.chain.rpc_url, self.venue.deployment.vault, dict.fromkeys(keys, each))
        for account, _key in depositors(self.config):
            self.deposits |= {(account, asset.id): n * 10**asset.decimals for asset, n in whole.items()}

        def credited() -> bool:
            self.mine()
            self.records.read()
            return self.records.balances() == self.deposits

        self.until(credited, FUND_TIMEOUT_S, "the credits of the deposits")

    def stop(self) -> list[str]:
        """Ends clients and watcher, then the venue; names the daemons that did not end cleanly."""
        for companion in (*self.clients.values(), *([self._watcher] if self._watcher else [])):
            companion.stop()
        self.clients.clear()
        self._watcher = None
        if self._database is not None:
            self._database.close()
            self._database = None
        return self.venue.stop()

    # ---- what faults are made of ----

    @property
    def records(self) -> EngineRecords:
        """The engine's journals as far as they were read."""
        assert self._records is not None, "the venue has started"
        return self._records

    def until(self, done: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Waits for a condition; NotAtRest when it does not come about."""
        deadline = time.monotonic() + timeout_s
        while not done():
            if time.monotonic() > deadline:
                raise NotAtRest(f"{what}: not within {timeout_s:.0f} s")
            time.sleep(POLL_S)

    def pause(self, seconds: float) -> None:
        """Lets the venue run; hears what daemons say, so that no READY gets lost."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for daemon in self.venue.daemons.values():
                daemon.heard()
            time.sleep(min(POLL_S, max(deadline - time.monotonic(), 0)))

    def rewritten(self) -> None:
        """Tells the shim that somebody else changed files of the dead engine: what is there now is on the disk."""
        write_base(self.shim.log, self.state_dir)

    def ended(self, name: str, patience_s: float) -> bool:
        """Whether the daemon ends by itself within that time."""
        deadline = time.monotonic() + patience_s
        while self.venue.daemons[name].process.poll() is None:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def pid(self, name: str) -> int:
        """Process of a daemon."""
        return self.venue.daemons[name].process.pid

    def counter(self, daemon: str, name: str) -> int:
        """A counter as the daemon's counters file says now, also of a dead daemon."""
        return read_counters(counters_path(self.config.paths.run_dir, daemon)).values[name]

    def mine(self) -> None:
        """Enough blocks to make the others final, once for each time that settlement followed the chain a little."""
        with suppress(OSError, ValueError, psycopg.OperationalError), self.ledger() as ledger:
            (followed,) = ledger.execute("SELECT coalesce(max(number), 0) FROM block").fetchone() or (0,)
            if followed != self._mined_for:
                self.venue.chain.request("anvil_mine", hex(BLOCKS_AT_ONCE))
                self._mined_for = followed

    def trade(self, rate_per_s: int = RATE_PER_S) -> None:
        """Lets every client trade at this rate."""
        for client in self.clients.values():
            client.say(f"trade {rate_per_s}")

    # ---- rest ----

    def rest(self) -> None:
        """Returns when every request is answered, every report delivered, every trade settled and final."""
        self._all_clients("rest")
        published = self.counter("engine", "published_sequence")
        self.until(
            lambda: self.counter("fixgw", "event_sequence") >= published,
            REST_TIMEOUT_S,
            f"the gateway's reports up to event {published}",
        )
        self._all_clients("flush")
        self._all_clients("status")
        self._await_settlement()
        durable = self.counter("engine", "durable_sequence")
        self.until(
            lambda: self.counter("follower", "followed_sequence") >= durable,
            REST_TIMEOUT_S,
            f"the follower at command {durable}",
        )

    def _all_clients(self, word: str) -> None:
        for client in self.clients.values():
            client.say(word)
        left = {name: int(client.hear(word, REST_TIMEOUT_S).split()[1]) for name, client in self.clients.items()}
        if any(left.values()) and word != "rest":  # each request without a verdict is named by the checker
            raise NotAtRest(f"{word}: not answered in time: {left}")

    def _await_settlement(self) -> None:
        """What comes after the trading's last event are settlement's own commands, without end."""
        waiting: list[str] = ["not asked yet"]
        last = self.counter("engine", "published_sequence")

        def settled() -> bool:
            self.mine()
            with suppress(psycopg.OperationalError), self.ledger() as ledger:
                waiting[:] = pending_work(ledger) + [f"{why}: {detail}" for why, detail in standing_stops(ledger)]
                (behind,) = ledger.execute("SELECT sequence FROM cursor WHERE name = 'events'").fetchone() or (0,)
                if behind < last:
                    waiting.append(f"the ledger is at event {behind} of {last}")
            return not waiting

        try:
            self.until(settled, REST_TIMEOUT_S, "settlement")
        except NotAtRest as error:
            raise NotAtRest(f"{error}: {'; '.join(waiting)}") from None

    @contextmanager
    def ledger(self) -> Iterator[Connection]:
        """The ledger's database; a broken connection is forgotten, so that the next call makes a new one."""
        try:
            if self._database is None:
                self._database = connect(self.config.settlement.database_url, "faults")
            yield self._database
        except psycopg.OperationalError:
            if self._database is not None:
                self._database.close()
            self._database = None
            raise

    # ---- what everybody knows ----

    def load(self) -> Load:
        """What the venue went through so far."""
        trades = sum(isinstance(event, Trade) for event in self.records.events) if self._records else 0
        requests = sum(len(reader.client.requests) for reader in self._readers)
        return Load(requests, trades, self._records.epochs if self._records else 0)

    def evidence(self, *, from_scratch: bool = False) -> Evidence:
        """All records of a venue at rest; NotReadable or NotAtRest when a party does not get there.

        From scratch: both journals are read anew from their first record, and the reference replays them too.
        """
        if from_scratch:
            self._records = EngineRecords(self.config)
        while True:
            self.records.read()
            for reader in self._readers:
                reader.read()
            books = self.records.books()
            seen = self._await_watcher(books)
            self._tap.read()
            if not self._went_on():
                break
            self._all_clients("flush")
        count = len(self.records.event_bytes)
        with self.ledger() as ledger:
            money = ledger_balances(ledger)
            fills = ledger_fills(ledger)
            try:
                vault = vault_balances(ledger, self.config)
            except (ChainUnavailable, OSError) as error:
                raise NotAtRest(f"the chain does not answer: {error}") from error
        reference_bytes, reference_hash = self.records.by_reference() if from_scratch else (None, None)
        return Evidence(
            clients=[reader.client for reader in self._readers],
            commands=self.records.commands,
            events=self.records.events,
            event_bytes=self.records.event_bytes,
            replayed_bytes=self.records.replayed,
            tapped_bytes=self._tap.messages[:count],
            state_hash=self.records.core.state_hash(),
            journaled_hashes=self.records.hashes,
            books=books,
            feed=feed_books(seen),
            feed_trades=[tuple(trade) for trade in seen["trades"]],
            feed_resynchronized=seen["resynchronized"] - self._joins,
            feed_crossed=seen["crossed"],
            deposits=self.deposits,
            engine=self.records.balances(),
            ledger=money,
            ledger_fills=fills,
            vault=vault,
            reference_hash=reference_hash,
            reference_bytes=reference_bytes,
        )

    def _went_on(self) -> bool:
        """Whether an order expired while the records were read: then they are of different moments."""
        unread = events_from(self.config, len(self.records.event_bytes) + 1)
        try:
            return any(template_of(raw) == OrderCanceled.TEMPLATE_ID for raw in unread)
        except Damaged:  # a write met halfway; what stays damaged the next read tells
            return True

    def lines_lost(self) -> list[str]:
        """Every time a client lost its line, or was refused one, and why."""
        for reader in self._readers:
            reader.read()
        return [f"{reader.client.name}: {why}" for reader in self._readers for why in reader.client.lines_lost]

    def acknowledged_and_lost(self) -> list[str]:
        """Of a dead engine: what its disk does not know any more and a client was told."""
        disk = EngineRecords(self.config)
        disk.read_commands()
        for reader in self._readers:
            reader.read()
        return acknowledged_and_lost([reader.client for reader in self._readers], map(decode, disk.replayed))

    def _await_watcher(self, books: dict[int, list[tuple[int, int, int, int]]]) -> dict[str, Any]:
        """What the watcher saw once it has every event and its books are the engine's, or at the deadline as it is."""
        last = len(self.records.event_bytes)
        deadline = time.monotonic() + 10.0
        while True:
            seen = self._watched()
            found = {instrument: book.orders for instrument, book in feed_books(seen).items()}
            whole = seen["next_event"] > last and seen["status"] == "LIVE" and found == books
            if whole or time.monotonic() > deadline:
                return seen
            time.sleep(POLL_S)

    def _watched(self) -> dict[str, Any]:
        """What the watcher has seen until now."""
        assert self._watcher is not None, "the venue has started"
        self._watcher.say("books")
        seen: dict[str, Any] = orjson.loads(self._watcher.hear("{", 10.0))
        return seen
