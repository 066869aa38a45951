"""Reads every party's records of a venue at rest: files of clients and engine, a subscriber, the ledger, the contract.

What was read once is kept: journals only grow, and a final look from scratch (`fresh`) proves that they only grew.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from engine._native import lib

from cfg.model import VenueConfig
from engine import inspect
from engine.book import Divergence, ReferenceCore
from engine.core import Core
from engine.journal import CommandJournal, Damaged
from engine.wire.messages import AnyMessage, EpochStart, OrderRefilled, Side, StateHash, decode
from mdfeed.publisher import refill_id
from settlement.database import Connection
from settlement.vault import VaultClient
from tests.faults.evidence import Command, FeedBook, Fill, Pair

READ_TIMEOUT_S = 10.0
READ_PAUSE_S = 0.02


class NotReadable(Exception):
    """A record of the venue at rest could not be read; the text says which."""


class EngineRecords:
    """Both journals of an engine and a replay of the one that is the truth."""

    def __init__(self, config: VenueConfig) -> None:
        self.config = config
        self.core = Core(inspect.capacity(config))
        self.commands: list[Command] = []
        self.raw: list[tuple[int, int, int, bytes]] = []  # of each command: sequence, epoch, time, message
        self.replayed: list[bytes] = []
        self.event_bytes: list[bytes] = []
        self.events: list[AnyMessage] = []
        self.hashes: list[tuple[int, int, int]] = []
        self.diverged = ""

    def read(self) -> None:
        """Takes in what both journals have by now, the events as far as the commands read."""
        self.read_commands()
        self._until(self._read_events, "the event journal")

    def read_commands(self) -> None:
        """Takes in and replays the commands alone."""
        self._until(self._read_commands, "the command journal")

    @staticmethod
    def _until(attempt: Callable[[], str], what: str) -> None:
        """Reading beside a running engine may meet a write halfway: that is over in a moment."""
        deadline = time.monotonic() + READ_TIMEOUT_S
        while why := attempt():
            if time.monotonic() > deadline:
                raise NotReadable(f"{what}: {why}")
            time.sleep(READ_PAUSE_S)

    def _read_commands(self) -> str:
        known = self.commands[-1].sequence if self.commands else 0
        try:
            for record in CommandJournal(self.config.paths.state_dir / "engine" / "journal"):
                if record.kind == lib.RECORD_COMMAND and record.sequence > known and not self.diverged:
                    self._apply(record.sequence, record.epoch, record.time_ns, record.message)
        except Damaged as error:
            return str(error)
        return ""

    def _apply(self, sequence: int, epoch: int, time_ns: int, raw: bytes) -> None:
        message = decode(raw)
        self.commands.append(Command(sequence, epoch, message))
        self.raw.append((sequence, epoch, time_ns, raw))
        if isinstance(message, StateHash):
            self.hashes.append((sequence, message.high << 64 | message.low, self.core.state_hash()))
        try:
            self.replayed += self.core.apply(sequence, epoch, time_ns, raw)
        except Divergence as error:
            self.diverged = str(error)

    def _read_events(self) -> str:
        try:
            for raw in inspect.events_from(self.config, len(self.event_bytes) + 1):
                if len(self.event_bytes) == self.core.event_sequence:
                    break
                self.event_bytes.append(raw)
                self.events.append(decode(raw))
        except Damaged as error:
            return str(error)
        last, found = self.core.event_sequence, len(self.event_bytes)
        return "" if found == last or self.diverged else f"ends at event {found}, the commands give {last}"

    def books(self) -> dict[int, list[tuple[int, int, int, int]]]:
        """What the market may see of the replayed books, in the feed's terms."""
        shown = {event.order_id: refill_id(event.sequence) for event in self.events if isinstance(event, OrderRefilled)}
        return {
            instrument.id: [
                (int(side), o.price_ticks, o.displayed_lots, shown.get(o.order_id, o.order_id))
                for side in Side
                for o in self.core.book(instrument.id, side)
            ]
            for instrument in self.config.instruments
        }

    def balances(self) -> dict[Pair, int]:
        """Available and reserved money of every account by the replay; nothing where there is none."""
        pairs = [(account.id, asset.id) for account in self.config.accounts for asset in self.config.assets]
        return {pair: sum(self.core.balance(*pair)) for pair in pairs if sum(self.core.balance(*pair))}

    def by_reference(self) -> tuple[list[bytes], int]:
        """The same commands through engine.book: the bytes of their events, and the state hash afterwards."""
        reference = ReferenceCore(inspect.capacity(self.config))
        events: list[bytes] = []
        for sequence, epoch, time_ns, raw in self.raw:
            events += [event.encode() for event in reference.apply(sequence, epoch, time_ns, raw)]
        return events, reference.state_hash()

    @property
    def epochs(self) -> int:
        """How often the engine was started."""
        return sum(isinstance(command.message, EpochStart) for command in self.commands)


def feed_books(seen: dict[str, object]) -> dict[int, FeedBook]:
    """The books of a watcher's answer."""
    books = seen["books"]
    assert isinstance(books, dict)
    return {
        int(instrument): FeedBook([tuple(o) for o in book["orders"]], book["volume_lots"], book["trades"])
        for instrument, book in books.items()
    }


def ledger_balances(connection: Connection) -> dict[Pair, int]:
    """All money of each account in the ledger, settled or not."""
    rows = connection.execute(
        "SELECT account, asset, sum(amount) FROM posting WHERE account <> 0 GROUP BY account, asset"
    ).fetchall()
    return {(account, asset): int(amount) for account, asset, amount in rows if amount}


def ledger_fills(connection: Connection) -> list[Fill]:
    """Every fill in the ledger."""
    rows = connection.execute(
        "SELECT sequence, instrument, maker_account, taker_account, price_ticks, quantity_lots FROM fill"
    ).fetchall()
    return [Fill(*row) for row in rows]


def vault_balances(connection: Connection, config: VenueConfig) -> dict[Pair, int]:
    """What the contract owes each account at its newest block, in engine units."""
    vault = VaultClient(config.settlement.rpc_urls[0], config.settlement.vault_address)
    owners: dict[int, int] = dict(connection.execute("SELECT account_no, account FROM chain_account").fetchall())
    scales = {asset.id: asset.token_scale for asset in config.assets}
    numbers = range(1, vault.account_count() + 1)
    balances: dict[Pair, int] = {}
    for (number, asset), amount in vault.balances_of([(n, a) for n in numbers for a in scales]).items():
        if amount:
            pair = owners.get(number, -number), asset
            assert amount % scales[asset] == 0, "the vault takes whole engine units only"
            balances[pair] = balances.get(pair, 0) + amount // scales[asset]
    return balances
