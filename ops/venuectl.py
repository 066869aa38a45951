"""venuectl: what operators type. Reads cfg, counters, journals and ledger; changes the venue only by journaled admin
commands.
"""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import click
import orjson
import zmq
from rich.console import Console
from rich.table import Table

from cfg.load import ConfigError, load
from cfg.model import VenueConfig
from engine.inspect import State, rebuild
from engine.journal import Damaged
from engine.journal import main as read_journal
from engine.wire.client import Answer, CommandChannel, EngineEvents
from engine.wire.counters import read_counters
from engine.wire.endpoints import EngineEndpoints, counters_path
from engine.wire.messages import (
    AnyMessage,
    CommandRefused,
    DayEnded,
    EndOfDay,
    Reason,
    Refused,
    Role,
    TradingState,
    TradingStateChanged,
    TradingStateSet,
    decode,
)
from ops import trace as tracing

DAEMONS = ("engine", "fixgw", "mdfeed", "settlement")
ANSWER_TIMEOUT_S = 10.0
DAYS_AHEAD_MAX = timedelta(days=7)  # a mistyped year would block every day until then


def fail(message: str) -> NoReturn:
    """One clear line on stderr, exit code 1."""
    click.echo(message, err=True)
    sys.exit(1)


@click.group()
@click.option("--cfg", "directory", type=click.Path(path_type=Path), default=Path("var/venue/cfg"), show_default=True)
@click.pass_context
def main(context: click.Context, directory: Path) -> None:
    """Operate the venue whose configuration is in --cfg."""
    try:
        context.obj = load(directory)
    except ConfigError as error:
        click.echo("\n".join(error.errors), err=True)
        sys.exit(2)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="print every counter as JSON")
@click.pass_obj
def status(config: VenueConfig, as_json: bool) -> None:
    """Every daemon: alive or not, for how long, and its counters. Exit code 1 when one is down."""
    report = {name: _daemon_status(config, name) for name in DAEMONS}
    if as_json:
        click.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    else:
        _print_status(report)
    sys.exit(0 if all(r["state"] == "up" for r in report.values()) else 1)


def _daemon_status(config: VenueConfig, name: str) -> dict[str, object]:
    try:
        snapshot = read_counters(counters_path(config.paths.run_dir, name))
    except (OSError, ValueError) as error:
        return {"state": "never started", "why": str(error), "counters": {}}
    alive = _alive(snapshot.pid)
    return {
        "state": "up" if alive else "down",
        "pid": snapshot.pid,
        "up_s": (time.time_ns() - snapshot.start_ns) // 10**9 if alive else 0,
        "counters": snapshot.values,
    }


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _print_status(report: dict[str, dict[str, object]]) -> None:
    table = Table(title="venue")
    for column in ("daemon", "state", "pid", "up s", "counters that are not 0"):
        table.add_column(column)
    for name, row in report.items():
        counters = row["counters"]
        assert isinstance(counters, dict)
        shown = "  ".join(f"{key}={value:,}" for key, value in counters.items() if value)
        table.add_row(name, str(row["state"]), str(row.get("pid", "")), str(row.get("up_s", "")), shown)
    Console().print(table)


@main.command()
@click.argument("clordid")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def trace(config: VenueConfig, clordid: str, as_json: bool) -> None:
    """The life of one order: FIX in, command, durable, matched, report out, feed, trade, posting, batch, transaction,
    block, final.
    """
    try:
        life = tracing.trace(config, clordid)
    except tracing.TraceError as error:
        fail(str(error))
    click.echo(orjson.dumps(life.as_json(), option=orjson.OPT_INDENT_2) if as_json else life.as_text())


@main.command()
@click.argument("symbol")
@click.option("--at", "sequence", type=click.IntRange(min=1), help="event sequence; default: the journal's end")
@click.pass_obj
def book(config: VenueConfig, symbol: str, sequence: int | None) -> None:
    """The engine's own book of SYMBOL, rebuilt from the command journal, order by order."""
    try:
        instrument = config.instrument(symbol)
    except KeyError:
        fail(f"no instrument {symbol} in the configuration")
    state = _rebuilt(config, sequence)
    click.echo(f"{symbol} after event {state.event_sequence}")
    for side, word in ((2, "sell"), (1, "buy")):
        orders = state.core.book(instrument.id, side)
        for order in reversed(orders) if side == 2 else orders:
            price = order.price_ticks * instrument.tick_size
            click.echo(f"  {word:4} {price:>14} x {order.leaves_lots * instrument.lot_size:<12} order {order.order_id}")


@main.command(name="state-hash")
@click.option("--at", "sequence", type=click.IntRange(min=1), help="event sequence; default: the journal's end")
@click.pass_obj
def state_hash(config: VenueConfig, sequence: int | None) -> None:
    """State hash of the engine, from its command journal."""
    state = _rebuilt(config, sequence)
    click.echo(f"command {state.command_sequence} event {state.event_sequence} hash {state.core.state_hash():032x}")


def _rebuilt(config: VenueConfig, sequence: int | None) -> State:
    """The state after that event; ends the program with a clear line when the journal has no such state."""
    if not (config.paths.state_dir / "engine" / "journal").is_dir():
        fail(f"no command journal below {config.paths.state_dir}")
    try:
        state = rebuild(config, through_event=sequence or 0)
    except Damaged as error:
        fail(f"the command journal is damaged: {error}")
    if sequence and state.event_sequence < sequence:
        fail(f"the journal ends at event {state.event_sequence}")
    return state


@main.command()
@click.argument("action", type=click.Choice(["print", "verify"]))
@click.option("--events", is_flag=True, help="the event journal; default: the command journal")
@click.pass_obj
def journal(config: VenueConfig, action: str, events: bool) -> None:
    """Print or verify the engine's journal; exit code 1 when it is damaged."""
    directory = config.paths.state_dir / "engine" / ("events" if events else "journal")
    if not directory.is_dir():
        fail(f"no journal at {directory}")
    sys.exit(read_journal([action, str(directory)]))


@main.command()
@click.argument("state", type=click.Choice([s.name.lower().replace("_", "-") for s in TradingState]))
@click.option("--instrument", "symbol", help="one instrument; default: the whole venue")
@click.option("--reason", required=True, help="journaled with the command, at most 48 bytes")
@click.pass_obj
def state(config: VenueConfig, state: str, symbol: str | None, reason: str) -> None:
    """Set the trading state of the venue or one instrument."""
    try:
        instrument = 0 if symbol is None else config.instrument(symbol).id
    except KeyError:
        fail(f"no instrument {symbol} in the configuration")
    if len(reason.encode()) > 48:
        fail("--reason is longer than 48 bytes")
    value = TradingState[state.upper().replace("-", "_")]
    command = TradingStateSet(instrument, value, _operator(), reason.encode())
    _send_admin(
        config,
        command.encode(),
        lambda e: isinstance(e, TradingStateChanged) and e[5:] == command,
        lambda e: e.template_id == TradingStateSet.TEMPLATE_ID and e.reference == instrument,
    )
    click.echo(f"{symbol or 'venue'} is {state}")


@main.command(name="end-of-day")
@click.argument("day", type=int)
@click.pass_obj
def end_of_day(config: VenueConfig, day: int) -> None:
    """End trading day DAY (yyyymmdd): DAY orders expire, ClOrdIDs may be used again."""
    try:
        date = datetime.strptime(f"{day:08}", "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        fail(f"{day} is no date like 20261123")
    if date > datetime.now(UTC) + DAYS_AHEAD_MAX:
        fail(f"{day} is more than {DAYS_AHEAD_MAX.days} days ahead: no earlier day could be ended after it")
    event = _send_admin(
        config,
        EndOfDay(day, _operator()).encode(),
        lambda e: isinstance(e, DayEnded) and e.day == day,
        lambda e: e.template_id == EndOfDay.TEMPLATE_ID and e.reference == day,
    )
    assert isinstance(event, DayEnded)
    click.echo(f"day {day} ended, {event.expired_orders} orders expired")


def _operator() -> bytes:
    return getpass.getuser().encode()[:16]


def _send_admin(
    config: VenueConfig,
    command: bytes,
    is_done: Callable[[AnyMessage], bool],
    is_refused: Callable[[CommandRefused], bool],
) -> AnyMessage:
    """Sends one admin command and waits for its event; ends the program with a clear line if there is none."""
    endpoints = EngineEndpoints(config.paths.run_dir)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    name = f"ctl-{os.getpid()}"
    events = EngineEvents(context, endpoints, Role.ADMIN, name, next_sequence=0)
    channel = CommandChannel(context, endpoints.admin, name)
    deadline = time.monotonic() + ANSWER_TIMEOUT_S
    sent = False
    try:
        while time.monotonic() < deadline:
            for item in events.poll(50):
                if isinstance(item, memoryview):
                    event = decode(item)
                    if sent and is_done(event):
                        return event
                    if sent and isinstance(event, CommandRefused) and is_refused(event):
                        fail(f"refused: {Reason(event.reason).name}")
                elif isinstance(item, Answer) and isinstance(item.message, Refused):
                    fail(f"refused: {Reason(item.message.reason).name}")
            if not sent and events.caught_up:
                sent = channel.send([command])
        fail("the engine did not answer" if sent else "the engine is not there")
    finally:
        events.close()
        channel.close()
        context.term()


if __name__ == "__main__":
    main()
