"""The verbs of venuectl that look into the past: the state after any durable command, replayed in a core of its own.

Reads files only: the running engine is never asked and never slowed.
"""

from __future__ import annotations

import sys
import time

import click
import orjson

from cfg.model import VenueConfig
from engine.journal import RULES_VERSION
from engine.retrace import Progress, State, state_at
from ops.failure import fail
from ops.journal import readable

PROGRESS_S = 1.0
_AT = click.option("--at", "command", type=click.IntRange(min=1), help="command sequence; default: the last durable")
_AT_EVENT = click.option("--at-event", "event", type=click.IntRange(min=1), help="the command that gave this event")


@click.command()
@click.argument("symbol")
@_AT
@_AT_EVENT
@click.pass_obj
def book(config: VenueConfig, symbol: str, command: int | None, event: int | None) -> None:
    """The engine's own book of SYMBOL, now or after any command of the past, order by order."""
    try:
        instrument = config.instrument(symbol)
    except KeyError:
        fail(f"no instrument {symbol} in the configuration")
    state = _state(config, command, event)
    click.echo(f"{symbol} after command {state.command_sequence}, event {state.event_sequence}")
    for side, word in ((2, "sell"), (1, "buy")):
        orders = state.core.book(instrument.id, side)
        for order in reversed(orders) if side == 2 else orders:
            price = order.price_ticks * instrument.tick_size
            hidden = order.displayed_lots < order.leaves_lots
            shown = f", shows {order.displayed_lots * instrument.lot_size}" if hidden else ""
            quantity = order.leaves_lots * instrument.lot_size
            click.echo(f"  {word:4} {price:>14} x {quantity:<12} order {order.order_id}{shown}")


@click.command(name="state-hash")
@_AT
@_AT_EVENT
@click.pass_obj
def state_hash(config: VenueConfig, command: int | None, event: int | None) -> None:
    """State hash of the engine, now or after any command of the past."""
    state = _state(config, command, event)
    click.echo(f"command {state.command_sequence} event {state.event_sequence} hash {state.core.state_hash():032x}")


def _state(config: VenueConfig, command: int | None, event: int | None) -> State:
    if command and event:
        fail("--at and --at-event say the same thing twice: give one of them")
    with readable(config):
        return state_at(config, command=command or 0, event=event or 0)


@click.command()
@click.option("--to", "command", type=click.IntRange(min=1), help="command sequence; default: the last durable")
@click.option("--verify", is_flag=True, help="from the first command on, and every stored event byte for byte")
@click.option("--json", "as_json", is_flag=True, help="a JSON line for each StateHash and one at the end")
@click.pass_obj
def replay(config: VenueConfig, command: int | None, verify: bool, as_json: bool) -> None:
    """Replay the journal into a core of its own and compare the state at every StateHash with it."""
    shown = _Shown(as_json)
    with readable(config):
        state = state_at(config, command=command or 0, compare_events=verify, on_progress=shown.tell)
    shown.end(state, verify)


class _Shown:
    """Says how far a replay is: to people now and then, to programs at each StateHash."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._began_s = self._told_s = time.monotonic()

    def tell(self, progress: Progress) -> None:
        """How far it is."""
        if self._as_json:
            if progress.state_hash is not None:
                _line({"sequence": progress.sequence, "hash": f"{progress.state_hash:032x}"})
        elif time.monotonic() - self._told_s >= PROGRESS_S:
            self._told_s = time.monotonic()
            percent = 100 * progress.sequence // max(progress.last, 1)
            click.echo(f"command {progress.sequence} of {progress.last}, {percent} %", err=True)

    def end(self, state: State, verify: bool) -> None:
        """What came out."""
        hashed = f"{state.core.state_hash():032x}"
        if self._as_json:
            _line(
                {
                    "end": state.command_sequence,
                    "event": state.event_sequence,
                    "hash": hashed,
                    "hashes": state.hashes,
                    "events": state.events_equal,
                    "rules_version": RULES_VERSION,
                }
            )
            return
        began = f"snapshot {state.began_at}" if state.began_at else "the first command"
        compared = ""
        if verify:
            missing = state.event_sequence - state.stored_through
            rest = f", {missing} are not stored yet" if missing else ""
            compared = f", {state.events_equal} events as stored{rest}"
        click.echo(
            f"replayed from {began} to command {state.command_sequence} in {time.monotonic() - self._began_s:.1f} s: "
            f"{state.hashes} state hashes equal{compared}; event {state.event_sequence} hash {hashed}"
        )


def _line(value: dict[str, object]) -> None:
    sys.stdout.write(orjson.dumps(value).decode() + "\n")
