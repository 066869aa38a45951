"""venue-md: shows live books in a terminal, or prints one snapshot as text or JSON.

It is an ordinary subscriber on the reference client: what it shows is what any subscriber can know.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cfg.load import ConfigError, load
from mdfeed.client import Book, FeedClient, Level, Market, Status, Transaction
from mdfeed.schema.messages import Side, Trade, TradingState

EXIT_CLEAN, EXIT_NO_FEED, EXIT_USAGE = 0, 1, 2
TAPE_LENGTH = 12
READY = (Status.LIVE, Status.SOURCE_LOST, Status.ENDED)


def price_text(book: Book, price_ticks: int) -> str:
    """Ticks as a decimal with the tick's own number of places."""
    definition = book.definition
    return f"{Decimal(price_ticks * definition.tick_mantissa).scaleb(-definition.tick_exponent):f}"


def quantity_text(book: Book, quantity_lots: int) -> str:
    """Lots as a decimal with the lot's own number of places."""
    definition = book.definition
    return f"{Decimal(quantity_lots * definition.lot_mantissa).scaleb(-definition.lot_exponent):f}"


def state_name(state: int) -> str:
    """A trading state as people read it."""
    known = state in TradingState._value2member_map_
    return TradingState(state).name.lower().replace("_", "-") if known else f"state {state}"


def as_json(market: Market, books: Sequence[Book], depth: int) -> dict[str, Any]:
    """The market for programs: integers in ticks and lots, and what one of them is worth."""
    return {
        "venue": market.venue.decode("ascii", "replace"),
        "state": state_name(market.state),
        "sequence": market.sequence,
        "event_sequence": market.event_sequence,
        "time_ns": market.time_ns,
        "books": [
            {
                "symbol": book.symbol,
                "instrument": book.definition.instrument,
                "state": state_name(book.state),
                "tick": price_text(book, 1),
                "lot": quantity_text(book, 1),
                "orders": len(book),
                "bids": [level._asdict() for level in book.bids(depth)],
                "asks": [level._asdict() for level in book.asks(depth)],
                "last_trade_id": book.last_trade_id,
            }
            for book in books
        ],
    }


def as_text(market: Market, books: Sequence[Book], depth: int) -> str:
    """The market for people, one block per instrument."""
    lines = [
        f"{market.venue.decode('ascii', 'replace')}  {state_name(market.state)}  message {market.sequence}"
        f"  event {market.event_sequence}"
    ]
    for book in books:
        lines += ["", f"{book.symbol}  {state_name(book.state)}  {len(book)} orders"]
        lines.append(f"{'orders':>7} {'quantity':>16} {'bid':>14} | {'ask':<14} {'quantity':<16} {'orders':<7}")
        bids, asks = book.bids(depth), book.asks(depth)
        for row in range(max(len(bids), len(asks))):
            bid = _cells(book, bids[row]) if row < len(bids) else ("", "", "")
            ask = _cells(book, asks[row]) if row < len(asks) else ("", "", "")
            line = f"{bid[2]:>7} {bid[1]:>16} {bid[0]:>14} | {ask[0]:<14} {ask[1]:<16} {ask[2]:<7}"
            lines.append(line.rstrip())
    return "\n".join(lines)


def _cells(book: Book, level: Level) -> tuple[str, str, str]:
    return price_text(book, level.price_ticks), quantity_text(book, level.quantity_lots), str(level.orders)


def _table(book: Book, depth: int) -> Table:
    table = Table(title=f"{book.symbol}  {state_name(book.state)}", expand=True)
    for name in ("orders", "quantity", "bid"):
        table.add_column(name, justify="right", style="green")
    for name in ("ask", "quantity", "orders"):
        table.add_column(name, justify="left", style="red")
    bids, asks = book.bids(depth), book.asks(depth)
    for row in range(depth):
        bid = _cells(book, bids[row])[::-1] if row < len(bids) else ("", "", "")
        ask = _cells(book, asks[row]) if row < len(asks) else ("", "", "")
        table.add_row(*bid, *ask)
    return table


def _tape_line(book: Book, trade: Trade) -> Text:
    buy = trade.aggressor_side == Side.BUY
    clock = datetime.fromtimestamp(trade.time_ns // 10**9, UTC).strftime("%H:%M:%S")
    what = f"{quantity_text(book, trade.quantity_lots)} @ {price_text(book, trade.price_ticks)}"
    return Text(f"{clock}  {book.symbol:<16} {'buy ' if buy else 'sell'} {what}", style="green" if buy else "red")


def _chosen(market: Market, symbols: Sequence[str]) -> list[Book]:
    """The books asked for; KeyError for a symbol that the venue does not have."""
    if not symbols:
        return sorted(market.books.values(), key=lambda book: book.definition.instrument)
    return [market.book(symbol) for symbol in symbols]


def _join(client: FeedClient, timeout_ms: int) -> bool:
    """Waits for a whole market."""
    deadline = time.monotonic_ns() + timeout_ms * 1_000_000
    while time.monotonic_ns() < deadline:
        for _ in client.poll(50):
            pass
        if client.status in READY:
            return True
    return False


def _follow(client: FeedClient, symbols: Sequence[str], depth: int) -> None:
    tape: deque[Text] = deque(maxlen=TAPE_LENGTH)
    with Live(console=Console(), auto_refresh=False, screen=True) as live:
        while True:
            for event in client.poll(100):
                if isinstance(event, Transaction):
                    trades = [message for message in event.messages if isinstance(message, Trade)]
                    tape.extendleft(_tape_line(client.market.books[trade.instrument], trade) for trade in trades)
            market = client.market
            head = Text(
                f"{market.venue.decode('ascii', 'replace')}  {state_name(market.state)}  {client.status.value}"
                f"  message {market.sequence}  recovered {client.statistics.gaps} gaps",
                style="bold",
            )
            tables = [_table(book, depth) for book in _chosen(market, symbols)] if market.books else []
            live.update(Group(head, *tables, *tape), refresh=True)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="venue-md", description="Shows the venue's books, live or once.")
    parser.add_argument("symbols", nargs="*", metavar="SYMBOL", help="instruments to show; all if none is named")
    parser.add_argument("--cfg", type=Path, metavar="DIR", help="take endpoints and channel from this configuration")
    parser.add_argument("--publish", default="tcp://127.0.0.1:9900", metavar="ENDPOINT", help="default %(default)s")
    parser.add_argument("--snapshot", default="tcp://127.0.0.1:9901", metavar="ENDPOINT", help="default %(default)s")
    parser.add_argument("--channel", type=int, default=1, metavar="N", help="default %(default)s")
    parser.add_argument("--depth", type=int, default=10, metavar="N", help="price levels shown, default %(default)s")
    parser.add_argument("--once", action="store_true", help="print one snapshot and end")
    parser.add_argument("--json", action="store_true", help="print one snapshot as JSON and end")
    parser.add_argument("--timeout-ms", type=int, default=5_000, metavar="MS", help="wait for the feed, %(default)s")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Console entry point venue-md; exit code 1 when no feed answers, 2 for a wrong request."""
    options = _parse(arguments)
    publish, snapshot, channel = options.publish, options.snapshot, options.channel
    if options.cfg is not None:
        try:
            settings = load(options.cfg).mdfeed
        except ConfigError as error:
            print(error, file=sys.stderr)
            return EXIT_USAGE
        channel, snapshot = settings.channel_id, settings.snapshot
        publish = settings.publish[0] if settings.publish else publish
    with FeedClient(publish, snapshot, channel) as client:
        if not _join(client, options.timeout_ms):
            print(f"no feed at {publish} with snapshots at {snapshot}: {client.status.value}", file=sys.stderr)
            return EXIT_NO_FEED
        try:
            books = _chosen(client.market, options.symbols)
        except KeyError as error:
            print(f"no instrument {error.args[0]}", file=sys.stderr)
            return EXIT_USAGE
        if options.json:
            print(json.dumps(as_json(client.market, books, options.depth)))
        elif options.once:
            print(as_text(client.market, books, options.depth))
        else:
            try:
                _follow(client, options.symbols, options.depth)
            except KeyboardInterrupt:
                pass
    return EXIT_CLEAN


if __name__ == "__main__":
    sys.exit(main())
