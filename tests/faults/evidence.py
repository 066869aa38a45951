"""What a fault round leaves behind, as data: who said what to whom, read from files that no two parties share.

Nothing here judges: tests.faults.checker does, on these records alone, so that a test can falsify them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from engine.wire.messages import AccountDefined, AccountKind, AnyMessage, InstrumentDefined
from tests.faults.load import CONNECTED, LINE_LOST, SENDING, TAKEN
from tests.faults.watcher import LENGTH

Pair = tuple[int, int]  # account, asset
Fix = dict[str, str]  # a FIX message by tag; of a repeating group its last entry
REQUESTS = frozenset("DFGq")
#: Header and trailer fields that may differ when a message is sent again.
TRANSPORT_TAGS = frozenset(("8", "9", "10", "34", "43", "52", "97", "122"))


@dataclass
class Client:
    """One FIX client's own record: requests in the order they were first sent, and what its application was given."""

    name: str
    session: int
    account: int
    requests: list[Fix] = field(default_factory=list)
    received: list[Fix] = field(default_factory=list)
    lines_lost: list[str] = field(default_factory=list)
    connects: int = 0


class Command(NamedTuple):
    """A command of the journal, decoded."""

    sequence: int
    epoch: int
    message: AnyMessage


class FeedBook(NamedTuple):
    """One instrument as a subscriber has it: (side, price_ticks, quantity_lots, public order id) by priority."""

    orders: list[tuple[int, int, int, int]]
    volume_lots: int
    trades: int


class Fill(NamedTuple):
    """A fill as the ledger has it."""

    sequence: int
    instrument: int
    maker_account: int
    taker_account: int
    price_ticks: int
    quantity_lots: int


@dataclass
class Evidence:
    """Everything the parties say after a round, the venue at rest. Balances are in engine units.

    `books` are the engine's as a replay of the command journal gives them, by instrument, shaped like the feed's.
    `engine` holds available and reserved money together, `vault` what the contract owes.
    """

    clients: list[Client]
    commands: list[Command]
    events: list[AnyMessage]
    event_bytes: list[bytes]  # the event journal
    replayed_bytes: list[bytes]  # what the command journal gives when it is replayed
    tapped_bytes: list[bytes]  # what a reader was sent live
    state_hash: int  # of the replay
    journaled_hashes: list[tuple[int, int, int]]  # command sequence, hash as journaled, hash as replayed
    books: dict[int, list[tuple[int, int, int, int]]]
    feed: dict[int, FeedBook]
    feed_trades: list[tuple[int, int, int, int]]  # trade id, instrument, price_ticks, quantity_lots
    feed_resynchronized: int
    feed_crossed: int
    deposits: dict[Pair, int]
    engine: dict[Pair, int]
    ledger: dict[Pair, int]
    ledger_fills: list[Fill]
    vault: dict[Pair, int]
    reference_hash: int | None = None  # of a replay by engine.book, when there was time for one
    reference_bytes: list[bytes] | None = None

    @cached_property
    def listings(self) -> dict[int, InstrumentDefined]:
        """What the engine says of each instrument."""
        return {event.instrument: event for event in self.events if isinstance(event, InstrumentDefined)}

    @cached_property
    def fee_account(self) -> int:
        """The account that collects fees."""
        accounts = (event for event in self.events if isinstance(event, AccountDefined))
        return next(event.account for event in accounts if event.kind == AccountKind.FEE)


def fix_of(raw: bytes) -> Fix:
    """The fields of a FIX message."""
    text = raw.decode("utf-8", "surrogateescape")
    return dict(pair.split("=", 1) for pair in text.split("\x01") if "=" in pair)


class ClientReader:
    """Reads a client's record file as far as it is written, again and again."""

    def __init__(self, path: Path, client: Client) -> None:
        self.client = client
        self._path = path
        self._offset = 0
        self._seen: set[int] = set()

    def read(self) -> None:
        """Takes in the lines that are new."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        whole = data.rfind(b"\n") + 1
        self._offset += whole
        for line in data[:whole].splitlines():
            kind, _, payload = line.split(b" ", 2)
            self._take(kind.decode(), payload)

    def _take(self, kind: str, payload: bytes) -> None:
        if kind == SENDING:
            message = fix_of(payload)
            number = int(message["34"])
            if message["35"] in REQUESTS and number not in self._seen:
                self._seen.add(number)
                self.client.requests.append(message)
        elif kind == TAKEN:
            self.client.received.append(fix_of(payload))
        elif kind == LINE_LOST:
            self.client.lines_lost.append(payload.decode(errors="replace"))
        elif kind == CONNECTED:
            self.client.connects += 1


class TapReader:
    """Reads the file of events that the watcher writes."""

    def __init__(self, path: Path) -> None:
        self.messages: list[bytes] = []
        self._path = path
        self._offset = 0

    def read(self) -> None:
        """Takes in the whole messages that are new."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        at = 0
        while at + LENGTH.size <= len(data):
            (size,) = LENGTH.unpack_from(data, at)
            if at + LENGTH.size + size > len(data):
                break
            self.messages.append(data[at + LENGTH.size : at + LENGTH.size + size])
            at += LENGTH.size + size
        self._offset += at


def units(amount: Decimal, decimals: int) -> int | None:
    """Whole units of 10^-decimals; None when the amount is finer than that."""
    scaled = amount.scaleb(decimals)
    whole = int(scaled)
    return whole if whole == scaled else None
