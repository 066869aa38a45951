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
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cfg.load import ConfigError, load
from mdfeed.client import Book, FeedClient, Latest, Level, Market, Status, Transaction
from mdfeed.schema.messages import AuctionIndicative, AuctionUncrossed, Phase, Side, Trade, TradeBust, TradingState

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


def phase_name(phase: int) -> str:
    """A market phase as people read it."""
    known = phase in Phase._value2member_map_
    return Phase(phase).name.lower().replace("_", "-") if known else f"phase {phase}"


def vwap_text(book: Book) -> str:
    """The day's average price by volume, cut to the tick's places; empty while nothing traded."""
    day, definition = book.statistics, book.definition
    if not day.volume_lots:
        return ""
    average = Decimal(day.turnover * definition.tick_mantissa // day.volume_lots)
    return f"{average.scaleb(-definition.tick_exponent):f}"


def status_lines(book: Book) -> list[str]:
    """What there is to say of an instrument beside its orders, a line each: phase, auction, reference, day, bust."""
    lines = [f"{book.symbol}  {state_name(book.state)}  {phase_name(book.phase)}{_phase_end(book)}"]
    if book.crossed:
        lines[0] += "  crossed: orders are being collected"
    if book.indicative is not None:
        lines.append(f"indicative {_auction_text(book, book.indicative)}")
    if book.auction is not None:
        lines.append(f"last auction {_auction_text(book, book.auction)}")
    if book.reference is not None and book.reference.price_ticks:
        lines.append(f"reference {price_text(book, book.reference.price_ticks)}{_band(book)}")
    day = book.statistics
    if day.trades:
        prices = (("open", day.open_ticks), ("high", day.high_ticks), ("low", day.low_ticks), ("last", day.last_ticks))
        shown = "  ".join(f"{name} {price_text(book, price)}" for name, price in prices)
        volume = quantity_text(book, day.volume_lots)
        lines.append(f"{shown}  vwap {vwap_text(book)}  volume {volume}  trades {day.trades}")
    if book.bust is not None:
        lines.append(_bust_text(book, book.bust))
    return lines


def _phase_end(book: Book) -> str:
    end_ns = book.phase_change.end_ns if book.phase_change is not None else 0
    return f" until {_clock(end_ns)}" if end_ns else ""


def _band(book: Book) -> str:
    reference = book.reference
    if reference is None or not reference.high_ticks:
        return ""
    return f"  band {price_text(book, reference.low_ticks)} .. {price_text(book, reference.high_ticks)}"


def _auction_text(book: Book, auction: AuctionIndicative | AuctionUncrossed) -> str:
    if not auction.price_ticks:
        return "nothing would trade" if isinstance(auction, AuctionIndicative) else "nothing traded"
    surplus = auction.surplus_lots
    side = "buy" if surplus > 0 else "sell"
    left = f", {side} surplus {quantity_text(book, abs(surplus))}" if surplus else ""
    return f"{quantity_text(book, auction.volume_lots)} @ {price_text(book, auction.price_ticks)}{left}"


def _bust_text(book: Book, bust: TradeBust) -> str:
    what = f"{quantity_text(book, bust.quantity_lots)} @ {price_text(book, bust.price_ticks)}"
    return f"busted trade {bust.trade_id}: {what}"


def _clock(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // 10**9, UTC).strftime("%H:%M:%S")


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
                "phase": phase_name(book.phase),
                "crossed": book.crossed,
                "indicative": _fields(book.indicative, "price_ticks", "volume_lots", "surplus_lots"),
                "auction": _fields(book.auction, "price_ticks", "volume_lots", "surplus_lots", "trades"),
                "reference": _fields(book.reference, "price_ticks", "low_ticks", "high_ticks"),
                "bust": _fields(book.bust, "trade_id", "price_ticks", "quantity_lots"),
                "statistics": asdict(book.statistics),
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


def _fields(message: Latest | None, *names: str) -> dict[str, int] | None:
    return None if message is None else {name: getattr(message, name) for name in names}


def as_text(market: Market, books: Sequence[Book], depth: int) -> str:
    """The market for people, one block per instrument."""
    lines = [
        f"{market.venue.decode('ascii', 'replace')}  {state_name(market.state)}  message {market.sequence}"
        f"  event {market.event_sequence}"
    ]
    for book in books:
        lines += ["", *status_lines(book), f"{len(book)} orders"]
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
    table = Table(title="\n".join(status_lines(book)), expand=True)
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


#: What the tape says of a trade by who started it, and its colour; nobody did in an auction.
AGGRESSORS = {Side.BUY: ("buy ", "green"), Side.SELL: ("sell", "red"), Side.NONE: ("auct", "cyan")}


def _tape_line(book: Book, message: Trade | TradeBust) -> Text:
    clock = _clock(message.time_ns)
    if isinstance(message, TradeBust):
        return Text(f"{clock}  {book.symbol:<16} {_bust_text(book, message)}", style="yellow")
    word, style = AGGRESSORS[Side(message.aggressor_side)]
    what = f"{quantity_text(book, message.quantity_lots)} @ {price_text(book, message.price_ticks)}"
    return Text(f"{clock}  {book.symbol:<16} {word} {what}", style=style)


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
                    lines = [message for message in event.messages if isinstance(message, Trade | TradeBust)]
                    tape.extendleft(_tape_line(client.market.books[line.instrument], line) for line in lines)
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
