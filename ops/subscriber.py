"""A market-data subscriber in a process of its own: builds books from the public feed alone and writes them down when
told to.

Used by the demo, which compares them with the engine's books order by order. On SIGTERM it waits until its feed is
live, writes and ends.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from types import FrameType

import orjson

from mdfeed.client import FeedClient, Status, Transaction

FINISH_S = 20.0


class Subscriber:
    """Follows the feed until asked to stop; counts what it saw."""

    def __init__(self, client: FeedClient) -> None:
        self.client = client
        self.transactions = 0
        self.trades = 0
        self.crossed = 0
        self._stop_at: float | None = None

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stop_at = time.monotonic()

    def run(self, through_event: Path) -> bool:
        """Follows until told to stop and the books are those after the event number in the file; False if that never
        came.
        """
        while True:
            for event in self.client.poll(50):
                if isinstance(event, Transaction) and self.client.status is Status.LIVE:
                    self.transactions += 1
                    books = self.client.market.books.values()
                    self.crossed += sum(book.crossed and not book.may_be_crossed for book in books)
            if self._stop_at is not None:
                wanted = int(through_event.read_text())
                if self.client.status is Status.LIVE and self.client.market.event_sequence >= wanted:
                    return True
                if time.monotonic() - self._stop_at > FINISH_S:
                    return False

    def report(self) -> dict[str, object]:
        """Books as lists of (side, price_ticks, quantity_lots, order id) in priority order, and what the client went
        through.
        """
        market = self.client.market
        return {
            "status": self.client.status.name,
            "event_sequence": market.event_sequence,
            "transactions": self.transactions,
            "crossed": self.crossed,
            "books": {
                book.symbol: [[o.side, o.price_ticks, o.quantity_lots, o.order_id] for o in book.orders()]
                for book in market.books.values()
            },
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--publish", required=True)
    parser.add_argument("--snapshot", required=True)
    parser.add_argument("--channel", type=int, default=1)
    parser.add_argument(
        "--through", type=Path, required=True, help="file with the event sequence to reach before ending"
    )
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    with FeedClient(options.publish, options.snapshot, options.channel) as client:
        subscriber = Subscriber(client)
        signal.signal(signal.SIGTERM, subscriber.stop)
        reached = subscriber.run(options.through)
        options.out.write_bytes(orjson.dumps({**subscriber.report(), "reached": reached}))
    return 0 if reached and not subscriber.crossed else 1


if __name__ == "__main__":
    sys.exit(main())
