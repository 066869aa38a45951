"""venuectl: what operators type. Reads cfg, counters, journals and ledger; changes the venue only by journaled admin
commands.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.table import Table

from cfg.load import ConfigError, load
from cfg.model import VenueConfig
from engine.daemon import STATES as JOURNAL_STATES
from engine.wire.counters import read_counters
from engine.wire.endpoints import counters_path
from ops import archive, backup, control, past
from ops import trace as tracing
from ops.failure import fail
from ops.journal import journal
from ops.markets import Market, MarketsUnknown, markets
from ops.upgrade import upgrade

DAEMONS = ("engine", "fixgw", "mdfeed", "settlement")
#: Reported where it ever ran.
OPTIONAL_DAEMONS = ("follower",)


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
    """Every daemon: alive or not, for how long, and its counters; phase and statistics of every instrument, as the feed
    tells them. Exit code 1 when a daemon is down.
    """
    optional = [name for name in OPTIONAL_DAEMONS if counters_path(config.paths.run_dir, name).exists()]
    report = {name: _daemon_status(config, name) for name in (*DAEMONS, *optional)}
    up = all(r["state"] == "up" for r in report.values())
    try:
        found = markets(config) if report["mdfeed"]["state"] == "up" else []
    except MarketsUnknown as error:
        found = []
        click.echo(f"no word of the instruments: {error}", err=True)
    if as_json:
        everything = {"daemons": report, "instruments": {market.symbol: market._asdict() for market in found}}
        click.echo(orjson.dumps(everything, option=orjson.OPT_INDENT_2))
    else:
        _print_status(report)
        _print_markets(found)
    sys.exit(0 if up else 1)


def _daemon_status(config: VenueConfig, name: str) -> dict[str, object]:
    try:
        snapshot = read_counters(counters_path(config.paths.run_dir, name))
    except (OSError, ValueError) as error:
        return {"state": "never started", "why": str(error), "counters": {}}
    alive = _alive(snapshot.pid)
    row: dict[str, object] = {
        "state": "up" if alive else "down",
        "pid": snapshot.pid,
        "up_s": (time.time_ns() - snapshot.start_ns) // 10**9 if alive else 0,
        "counters": snapshot.values,
    }
    intake = JOURNAL_STATES[snapshot.values.get("journal_state", 0)][0]
    return row | {"intake": intake} if name == "engine" else row


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
        paused = row.get("intake", "running") != "running"
        state = f"{row['state']}, intake paused: {row['intake']}" if paused else str(row["state"])
        table.add_row(name, state, str(row.get("pid", "")), str(row.get("up_s", "")), shown)
    Console().print(table)


def _print_markets(found: list[Market]) -> None:
    if not found:
        return
    table = Table(title="instruments")
    for column in Market._fields:
        table.add_column(column.replace("_", " "))
    for market in found:
        table.add_row(*(str(value) for value in market))
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


for verb in (archive.archive, archive.prune):
    journal.add_command(verb)
for verb in (*control.VERBS, past.book, past.state_hash, past.replay, journal, backup.backup, backup.restore, upgrade):
    main.add_command(verb)


if __name__ == "__main__":
    main()
