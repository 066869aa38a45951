"""What a fault round's public sees, as a process: a subscriber with its own books, and a reader of the engine's events.

The books come from the feed alone through the reference client; every event that reaches the reader is appended to a
file as it came. `books` on stdin is answered by one line of JSON, `stop` ends the process.
"""

from __future__ import annotations

import argparse
import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from struct import Struct

import orjson
import zmq

from engine.wire.client import EngineEvents
from engine.wire.endpoints import EngineEndpoints
from engine.wire.messages import Role
from mdfeed.client import FeedClient, Resynchronized, Transaction
from mdfeed.schema.messages import Trade

#: In the file of events each one is preceded by its length.
LENGTH = Struct("<I")
TURN_MS = 10


class Watcher:
    """Follows both streams for as long as stdin is open."""

    def __init__(self, feed: FeedClient, events: EngineEvents, tap: Path) -> None:
        self._feed = feed
        self._events = events
        self._tap = tap.open("ab", buffering=0)
        self._trades: list[tuple[int, int, int, int]] = []
        self._resynchronized = 0
        self._crossed = 0
        self._buffer = b""

    def run(self) -> None:
        while True:
            self._follow()
            for line in self._lines():
                if line == b"stop":
                    return
                sys.stdout.buffer.write(orjson.dumps(self._seen()) + b"\n")
                sys.stdout.buffer.flush()

    def _follow(self) -> None:
        for event in self._feed.poll(TURN_MS):
            if isinstance(event, Resynchronized):
                self._resynchronized += 1
            elif isinstance(event, Transaction):
                self._trades += [
                    (m.trade_id, m.instrument, m.price_ticks, m.quantity_lots)
                    for m in event.messages
                    if isinstance(m, Trade)
                ]
                books = self._feed.market.books.values()
                self._crossed += sum(book.crossed and not book.may_be_crossed for book in books)
        messages = [item for item in self._events.poll(0) if isinstance(item, memoryview)]
        self._tap.write(b"".join(LENGTH.pack(len(message)) + message for message in messages))

    def _lines(self) -> Iterator[bytes]:
        if not select.select([0], [], [], 0)[0]:
            return
        data = os.read(0, 4096)
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        yield from lines or ([b"stop"] if not data else [])

    def _seen(self) -> dict[str, object]:
        """Books order by order with what was traded today, and every trade the feed has told."""
        market = self._feed.market
        return {
            "status": self._feed.status.name,
            "event_sequence": market.event_sequence,
            "next_event": self._events.next_sequence,
            "resynchronized": self._resynchronized,
            "crossed": self._crossed,
            "trades": self._trades,
            "books": {
                str(book.definition.instrument): {
                    "orders": [[o.side, o.price_ticks, o.quantity_lots, o.order_id] for o in book.orders()],
                    "volume_lots": book.statistics.volume_lots,
                    "trades": book.statistics.trades,
                }
                for book in market.books.values()
            },
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--publish", required=True)
    parser.add_argument("--snapshot", required=True)
    parser.add_argument("--channel", type=int, required=True)
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--tap", type=Path, required=True, help="file the engine's events are appended to")
    options = parser.parse_args()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    events = EngineEvents(context, EngineEndpoints(options.run_dir), Role.READER, "watcher")
    with FeedClient(options.publish, options.snapshot, options.channel) as feed:
        Watcher(feed, events, options.tap).run()
    events.close()
    context.term()
    return 0


if __name__ == "__main__":
    sys.exit(main())
