"""venuectl journal: prints, proves, searches and follows what the engine wrote, beside it or after it.

Reads files only, never above the durable watermark: what is shown here can't be lost any more.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from cfg.model import VenueConfig
from engine import inspect
from engine.journal import CommandJournal, Damaged, OtherRules, Record
from engine.retrace import RetraceError
from engine.wire.client import event_sequence, template_of
from engine.wire.messages import BY_TEMPLATE, HEADER, AnyMessage, StateHash, decode
from ops.failure import fail
from ops.record_text import RecordText

FOLLOW_POLL_S = 0.05
#: How often a tail that the engine may be writing is looked at again before it is called damaged.
LOOKS = 5


@contextmanager
def readable(config: VenueConfig) -> Iterator[None]:
    """Ends the program with one clear line when the journals cannot be read."""
    if not inspect.journal_directory(config).is_dir():
        fail(f"no command journal below {config.paths.state_dir}")
    try:
        yield
    except Damaged as error:
        fail(f"the journal is damaged: {error}")
    except (OtherRules, RetraceError) as error:
        fail(str(error))


@click.group()
def journal() -> None:
    """Print, prove, search, follow, archive or prune the engine's journals."""


_EVENTS = click.option("--events", is_flag=True, help="the event journal; default: the command journal")
_SEQUENCE = click.IntRange(min=1)


@journal.command(name="print")
@click.option("--from", "first", type=_SEQUENCE, default=1, help="first sequence; default: the first there is")
@click.option("--to", "last", type=_SEQUENCE, help="last sequence; default: the last durable one")
@_EVENTS
@click.pass_obj
def print_(config: VenueConfig, first: int, last: int | None, events: bool) -> None:
    """One line per record, from --from to --to."""
    text = RecordText(config)
    with readable(config):
        if events:
            for message in _durable_events(config, first, last or 2**63):
                click.echo(text.event(decode(message)))
        else:
            for record in inspect.commands(config, first, last or 0):
                click.echo(text.command(record))


def _durable_events(config: VenueConfig, first: int, last: int = 2**63) -> Iterator[bytes]:
    """The stored events whose commands are durable."""
    durable = inspect.durable_sequence(config)
    for message in inspect.events_from(config, first, last):
        if command_of(message) > durable:
            return
        yield message


def command_of(event: bytes | memoryview) -> int:
    """Sequence of the command that an event follows from."""
    return int.from_bytes(event[HEADER.size + 8 : HEADER.size + 16], "little")


@journal.command()
@_EVENTS
@click.pass_obj
def verify(config: VenueConfig, events: bool) -> None:
    """Prove every record of both journals (--events: of the event journal only); exit code 1 when one is damaged.

    The archive, where there is one, is read for what has left the journal.
    """
    with readable(config):
        good = events or _verify_commands(config)
        good = _verify_events(config) and good
    if not good:
        raise SystemExit(1)


def _verify_commands(config: VenueConfig) -> bool:
    try:
        walk, state = _proved(config)
    except Damaged as error:
        click.echo(f"DAMAGED {error}\n{_command_remedy(config, error)}", err=True)
        return False
    segments = inspect.command_segments(config)
    first = int(segments[0].stem) if segments else 0
    hashed = "none" if state is None else f"{state[0]} {state[1].high:016x}{state[1].low:016x}"
    click.echo(
        f"commands {first}..{walk.sequence} in {len(segments)} segments: every record proved; "
        f"durable to {walk.durable}; last state hash: {hashed}; {_ending(config, walk)}"
    )
    return True


def _proved(config: VenueConfig) -> tuple[CommandJournal, tuple[int, StateHash] | None]:
    """The whole journal walked, and its last StateHash; a tail that is being written is looked at again."""
    looks = 0
    while True:
        looks += 1
        walk = CommandJournal(inspect.journal_directory(config), *inspect.archives(config))
        state: tuple[int, StateHash] | None = None
        try:
            for record in walk:
                if record.message and template_of(record.message) == StateHash.TEMPLATE_ID:
                    state = record.sequence, StateHash.decode(record.message)
        except Damaged:
            if looks == LOOKS or not inspect.engine_alive(config):
                raise
        else:
            if walk.torn is None or looks == LOOKS or not inspect.engine_alive(config):
                return walk, state
        time.sleep(FOLLOW_POLL_S)


def _ending(config: VenueConfig, walk: CommandJournal) -> str:
    if walk.torn is not None:
        place = f"torn tail at {walk.torn.path} offset {walk.torn.offset}"
        return f"{place}: it was never durable, the engine cuts it at its next start; nothing to do"
    if walk.clean:
        return "stopped cleanly"
    return "the engine is running" if inspect.engine_alive(config) else "no clean stop at the end"


def _command_remedy(config: VenueConfig, damage: Damaged) -> str:
    archived = [place / damage.path.name for place in inspect.archives(config)]
    copy = next((path for path in archived if path.exists() and path != damage.path), None)
    keep = "What to do: stop the engine and keep a copy of its directory. "
    if copy is not None:
        return keep + f"Put the archived segment {copy} in place of {damage.path} and verify again."
    return keep + (
        "Acknowledged commands are unreadable here: restore the newest backup; `venuectl restore --journal DIR` adds "
        "whole segments of an archive to it. The engine refuses to start on this journal."
    )


def _verify_events(config: VenueConfig) -> bool:
    segments = inspect.event_segments(config)
    if not segments:
        click.echo("events: none stored; the engine writes them again from the commands at its next start")
        return True
    first = int(segments[0].stem)
    last = command = 0
    try:
        if first != 1:
            raise Damaged(segments[0], 0, "the event journal does not begin with event 1")
        for message in inspect.events_from(config, first):
            last, command = event_sequence(message), command_of(message)
    except Damaged as error:
        click.echo(f"DAMAGED {error}\n{_event_remedy(config, error)}", err=True)
        return False
    rest = _unindexed_bytes(config, last)
    tail = f"; {rest} bytes after the last whole event, which the engine writes again at its next start" if rest else ""
    click.echo(
        f"events {first}..{last} in {len(segments)} segments: every one whole, up to those of command {command}{tail}"
    )
    return True


def _unindexed_bytes(config: VenueConfig, last: int) -> int:
    """Bytes behind event `last`, where no engine is about to finish them."""
    if inspect.engine_alive(config):
        return 0
    place = inspect.events(config).place(last)
    if place is None:
        return inspect.event_segments(config)[-1].stat().st_size
    with place[0].open("rb") as file:
        file.seek(place[1])
        size = int.from_bytes(file.read(4), "little")
    return place[0].stat().st_size - (place[1] + 8 + size + -size % 8)


def _event_remedy(config: VenueConfig, damage: Damaged) -> str:
    if inspect.first_command(config) == 1:
        return (
            f"What to do: nothing is lost. Stop the engine, delete {damage.path.name} and all later files in "
            f"{damage.path.parent}: the engine writes them again from the commands at its next start."
        )
    return (
        "What to do: the commands of old events have been pruned and are not in archive_dir: put them back, or the "
        "event segments of a backup, before the engine is started again."
    )


def _time(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """Nanoseconds since the epoch of what was typed: ISO 8601, UTC unless it says otherwise."""
    if value is None:
        return None
    try:
        stamp = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value} is no time like 2026-11-23T08:30:00", context, parameter) from None
    stamp = stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=UTC)
    return int(stamp.timestamp()) * 10**9 + stamp.microsecond * 1000


@journal.command()
@click.option("--session", help="its CompID or id")
@click.option("--clordid", help="ClOrdID or OrigClOrdID")
@click.option("--order-id", type=_SEQUENCE, help="as in tag 37")
@click.option("--account", help="name or id")
@click.option("--instrument", "symbol", help="its symbol")
@click.option("--template", help="name of a command or event, like NewOrder")
@click.option("--since", callback=_time, help="from this time on, UTC: 2026-11-23T08:30:00")
@click.option("--until", callback=_time, help="before this time")
@click.option("--commands/--no-commands", default=True, help="search the command journal")
@click.option("--events/--no-events", default=True, help="search the event journal")
@click.pass_obj
def grep(config: VenueConfig, /, commands: bool, events: bool, **wanted: Any) -> None:
    """Commands and events, in order, that fit all the filters; exit code 1 when there is none."""
    fits = _Filter(config, **wanted)
    text = RecordText(config)
    found = False
    with readable(config):
        for item in _merged(config, commands, events):
            if line := fits.line(item, text):
                found = True
                click.echo(line)
    if not found:
        raise SystemExit(1)


def _merged(config: VenueConfig, commands: bool, events: bool) -> Iterator[Record | bytes]:
    """Each command before its events."""
    journals = [each(config) for each, asked in ((_numbered_commands, commands), (_numbered_events, events)) if asked]
    for _sequence, item in heapq.merge(*journals, key=lambda numbered: numbered[0]):
        yield item


def _numbered_commands(config: VenueConfig) -> Iterator[tuple[int, Record | bytes]]:
    return ((record.sequence, record) for record in inspect.commands(config))


def _numbered_events(config: VenueConfig) -> Iterator[tuple[int, Record | bytes]]:
    return ((command_of(event), event) for event in _durable_events(config, 1))


class _Filter:
    """What grep was asked for; ends the program when cfg knows no such thing."""

    def __init__(
        self,
        config: VenueConfig,
        *,
        session: str | None,
        clordid: str | None,
        order_id: int | None,
        account: str | None,
        symbol: str | None,
        template: str | None,
        since: int | None,
        until: int | None,
    ) -> None:
        self._ids: dict[str, int] = {}
        if session is not None:
            self._ids["session"] = _id_of("session", session, {s.comp_id: s.id for s in config.sessions})
        if account is not None:
            self._ids["account"] = _id_of("account", account, {a.name: a.id for a in config.accounts})
        if symbol is not None:
            self._ids["instrument"] = _id_of("instrument", symbol, {i.symbol: i.id for i in config.instruments})
        if order_id is not None:
            self._ids["order_id"] = order_id
        self._clordid = None if clordid is None else clordid.encode()
        self._template = None if template is None else _template(template)
        self._since_ns, self._until_ns = since or 0, until or 2**64

    def line(self, item: Record | bytes, text: RecordText) -> str | None:
        """The line of a command or event that fits, None for one that does not."""
        raw = item.message if isinstance(item, Record) else item
        if self._template is not None and template_of(raw) != self._template:
            return None
        if self._clordid is not None and self._clordid not in raw:
            return None
        time_ns = (
            item.time_ns
            if isinstance(item, Record)
            else int.from_bytes(item[HEADER.size + 16 : HEADER.size + 24], "little")
        )
        if not self._since_ns <= time_ns < self._until_ns:
            return None
        message = decode(raw)
        if not self._fits(message):
            return None
        return text.command(item) if isinstance(item, Record) else text.event(message)

    def _fits(self, message: AnyMessage) -> bool:
        fields = list(zip(message._fields, message, strict=True))
        for word, wanted in self._ids.items():
            if not any(value == wanted for name, value in fields if name == word or name.endswith(f"_{word}")):
                return False
        return self._clordid is None or any(
            value == self._clordid for name, value in fields if name == "clordid" or name.endswith("_clordid")
        )


def _id_of(what: str, typed: str, known: dict[str, int]) -> int:
    if typed in known:
        return known[typed]
    return int(typed) if typed.isdigit() else fail(f"no {what} {typed} in the configuration")


def _template(name: str) -> int:
    found = next((number for number, kind in BY_TEMPLATE.items() if kind.__name__.lower() == name.lower()), None)
    return found if found is not None else fail(f"no command or event is called {name}")


@journal.command()
@click.option("--from", "first", type=_SEQUENCE, help="first sequence; default: what comes from now on")
@_EVENTS
@click.pass_obj
def follow(config: VenueConfig, first: int | None, events: bool) -> None:
    """Print each command, or event, once it is durable, until Ctrl-C."""
    text = RecordText(config)
    with readable(config):
        lines = _new_events(config, first, text) if events else _new_commands(config, first, text)
        try:
            for line in lines:
                click.echo(line)
        except KeyboardInterrupt:
            return


def _new_commands(config: VenueConfig, first: int | None, text: RecordText) -> Iterator[str]:
    tail = inspect.CommandTail(config, first or 0)
    while True:
        for record in tail.poll():
            yield text.command(record)
        time.sleep(FOLLOW_POLL_S)


def _new_events(config: VenueConfig, first: int | None, text: RecordText) -> Iterator[str]:
    tail = inspect.CommandTail(config)
    following = first or last_event(config) + 1
    while True:
        for _ in tail.poll():
            continue
        for message in inspect.events_from(config, following):
            if command_of(message) > tail.durable:
                break
            following += 1
            yield text.event(decode(message))
        time.sleep(FOLLOW_POLL_S)


def last_event(config: VenueConfig) -> int:
    """Number of the last stored event, 0 when none is."""
    segments = inspect.event_segments(config)
    if not segments:
        return 0
    index = Path(segments[-1]).with_suffix(".idx")
    return int(segments[-1].stem) - 1 + index.stat().st_size // 8
