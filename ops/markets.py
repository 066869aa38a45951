"""What the public feed says of every instrument now: state, phase, prices and the statistics of the day.

Taken from a snapshot by the reference client, so an operator sees what subscribers see.
"""

from __future__ import annotations

import time
from decimal import Decimal
from typing import NamedTuple

from cfg.model import VenueConfig
from engine.wire.messages import Phase, TradingState
from mdfeed.client import Book, FeedClient, Status

SNAPSHOT_TIMEOUT_S = 3.0


class MarketsUnknown(Exception):
    """The feed gave no snapshot in time."""


class Market(NamedTuple):
    """One instrument as an operator reads it: decimal text, empty where there is nothing to say."""

    symbol: str
    state: str
    phase: str
    reference: str
    last: str
    open: str
    high: str
    low: str
    vwap: str
    volume: str
    trades: int
    bid: str
    ask: str
    indicative: str


def markets(config: VenueConfig) -> list[Market]:
    """Every instrument that the feed knows, by id. Raises MarketsUnknown."""
    deadline = time.monotonic() + SNAPSHOT_TIMEOUT_S
    # Always bound, whatever [mdfeed] says: an address to bind, like tcp://*:9900, is none to connect to.
    publish, snapshot = (f"ipc://{config.paths.run_dir / 'mdfeed' / name}.sock" for name in ("publish", "snapshot"))
    with FeedClient(publish, snapshot, config.mdfeed.channel_id) as client:
        while client.status is not Status.LIVE:
            if time.monotonic() > deadline:
                raise MarketsUnknown(f"no snapshot from {snapshot} within {SNAPSHOT_TIMEOUT_S:.0f} s")
            for _event in client.poll(50):
                pass
        return [_market(book) for _, book in sorted(client.market.books.items())]


def _market(book: Book) -> Market:
    definition, statistics = book.definition, book.statistics
    tick = Decimal(definition.tick_mantissa).scaleb(-definition.tick_exponent)
    lot = Decimal(definition.lot_mantissa).scaleb(-definition.lot_exponent)

    def price(ticks: int | None) -> str:
        return f"{ticks * tick:f}" if ticks else ""

    vwap = tick * statistics.turnover / statistics.volume_lots if statistics.volume_lots else None
    bid, ask = book.best_bid, book.best_ask
    indicative = book.indicative
    return Market(
        symbol=book.symbol,
        state=_word(TradingState(book.state).name),
        phase=_word(Phase(book.phase).name),
        reference=price(book.reference.price_ticks if book.reference else None),
        last=price(statistics.last_ticks),
        open=price(statistics.open_ticks),
        high=price(statistics.high_ticks),
        low=price(statistics.low_ticks),
        vwap="" if vwap is None else f"{vwap.quantize(tick):f}",
        volume=f"{statistics.volume_lots * lot:f}",
        trades=statistics.trades,
        bid=price(bid.price_ticks if bid else None),
        ask=price(ask.price_ticks if ask else None),
        indicative=price(indicative.price_ticks) if indicative else "",
    )


def _word(name: str) -> str:
    return name.lower().replace("_", "-")
