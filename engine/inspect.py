"""Looks into a venue through its journals alone: the state after any event, and where a command stands in them.

Reads files only, so it works beside a running engine and after one died; it never writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cfg.model import VenueConfig
from engine._native import lib
from engine.book import Capacity
from engine.core import Core
from engine.journal import CommandJournal, EventJournal, Record, require_our_rules
from engine.wire.client import event_sequence
from engine.wire.frame import ENTRY_HEADER


@dataclass(frozen=True)
class State:
    """A core rebuilt from the command journal, after command `command_sequence` and event `event_sequence`."""

    core: Core
    command_sequence: int
    event_sequence: int


def capacity(config: VenueConfig) -> Capacity:
    """The pools this configuration gives an engine."""
    engine = config.engine
    return Capacity(
        orders=engine.max_orders,
        price_pages=engine.max_price_pages,
        clordids=engine.max_clordids,
        accounts=engine.max_accounts,
        assets=engine.max_assets,
        instruments=engine.max_instruments,
        sessions=engine.max_sessions,
        trades=engine.max_bustable_trades,
    )


def rebuild(config: VenueConfig, through_event: int = 0) -> State:
    """Replays the command journal up to the command that yields event `through_event` (0: to its end).

    The tail that a running engine is just writing ends the reading like the journal's end. Raises Damaged where a
    record below the durable watermark can't be proved, Divergence where the journal's own state hash differs,
    OtherRules for a journal that means something else to the program that wrote it.
    """
    core = Core(capacity(config))
    sequence = 0
    for record in CommandJournal(config.paths.state_dir / "engine" / "journal"):
        if record.kind != lib.RECORD_COMMAND:
            continue
        if through_event and core.event_sequence >= through_event:
            break
        require_our_rules(record.path, record.message)
        core.apply(record.sequence, record.epoch, record.time_ns, record.message)
        sequence = record.sequence
    return State(core, sequence, core.event_sequence)


def events(config: VenueConfig) -> EventJournal:
    """The engine's event journal."""
    return EventJournal(config.paths.state_dir / "engine" / "events")


def events_from(config: VenueConfig, first: int) -> Iterator[bytes]:
    """The events from number `first` to the journal's present end, in order."""
    journal = events(config)
    while True:
        data, count = journal.entries(first, 2**63, 1 << 20)
        if count == 0:
            return
        offset = 0
        for _ in range(count):
            size, _checksum = ENTRY_HEADER.unpack_from(data, offset)
            start = offset + ENTRY_HEADER.size
            yield data[start : start + size]
            offset = start + size + -size % 8
        first += count


def event(config: VenueConfig, sequence: int) -> bytes | None:
    """One event by its sequence, None when the journal doesn't hold it."""
    data, count = events(config).entries(sequence, sequence, 1 << 16)
    if count == 0:
        return None
    size = int.from_bytes(data[:4], "little")
    message = data[8 : 8 + size]
    return message if event_sequence(message) == sequence else None


@dataclass(frozen=True)
class Journaled:
    """A command's record, and when the journal said that it was durable (0: not yet)."""

    record: Record
    durable_ns: int


def command(config: VenueConfig, sequence: int) -> Journaled | None:
    """The record of one command and the time of the first COMMIT whose watermark covers it."""
    found: Record | None = None
    for record in CommandJournal(config.paths.state_dir / "engine" / "journal"):
        if record.kind == lib.RECORD_COMMAND and record.sequence == sequence:
            found = record
        elif found and record.kind == lib.RECORD_COMMIT and record.sequence >= sequence:
            return Journaled(found, record.time_ns)
    return None if found is None else Journaled(found, 0)
