"""One FIX client of the fault rounds as a process: it trades until told to rest and writes down every message itself.

Its record is a file of its own, written before and after each socket call, so that it holds what the client knows even
when client or venue dies in between; tests.faults.checker holds the venue against it. Told what to do on stdin, one
word per line: trade RATE, rest, flush, status, drop, stop. Each answer is one line on stdout.
"""

from __future__ import annotations

import argparse
import os
import select
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import orjson
import simplefix

from ops.fix_client import Fields, FixClient, FixClientError, text, utc_timestamp
from ops.trader import FINAL_STATES, WINDOW, Market, Order, Trader

#: How long requests may stay unanswered once the venue is whole again: the checker then names each.
REST_TIMEOUT_S = 20.0
RECONNECT_PAUSE_S = 0.1
STATUS_ORDERS_MAX = 30
#: Kinds of lines of a record: what happened, when (CLOCK_MONOTONIC), and the message as it was on the line.
SENDING, SENT, TAKEN, PASSED_OVER, CONNECTED, LINE_LOST = "S", "s", "R", "r", "C", "X"


class RecordFile:
    """Append-only lines `kind time payload`; each survives the death of this process once its write returned."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)

    def add(self, kind: str, payload: bytes = b"") -> None:
        """Writes one line."""
        os.write(self._file, b"%s %d %s\n" % (kind.encode(), time.monotonic_ns(), payload))


class RecordingClient(FixClient):
    """A FIX client that writes down each message before it sends it, after it was sent, and when it has come."""

    def __init__(self, record: RecordFile, port: int, sender: str, password: str) -> None:
        super().__init__("127.0.0.1", port, sender, "VENUE", password)
        self._record = record

    def _write(self, data: bytes) -> None:
        self._record.add(SENDING, data)
        super()._write(data)
        self._record.add(SENT, str(len(data)).encode())

    def _accept(self, message: simplefix.FixMessage) -> bool:
        """As the client judges it: TAKEN goes to the application, PASSED_OVER is the session's or came out of turn."""
        taken = False
        try:
            taken = super()._accept(message)
            return taken
        finally:
            raw = b"".join(b"%s=%s\x01" % (tag, value) for tag, value in message.pairs)
            self._record.add(TAKEN if taken else PASSED_OVER, raw)


class LoadTrader(Trader):
    """Orders without end, with mass cancels, icebergs and stops among them, while `trading`."""

    def __init__(self, client: FixClient, markets: list[Market], seed: int, account: str, record: RecordFile) -> None:
        super().__init__(client, markets, orders=0, seed=seed, account=account, rate_per_s=0)
        self._file = record
        self.trading = False
        self.stopping = False
        self.asked_status: set[str] = set()
        self._due_s = 0.0

    def turn(self) -> None:
        """A little trading and listening; FixClientError when the line is down."""
        while self.trading and len(self.pending) < WINDOW and time.monotonic() > self._due_s:
            self._due_s = max(self._due_s + 1 / self.rate_per_s, time.monotonic() - 1)
            self._act()
        self._receive(self.client.poll(0.01))

    def trade(self, rate_per_s: int) -> None:
        """Begins, or goes on, at this rate."""
        self.rate_per_s = rate_per_s
        self.trading = True
        self._due_s = time.monotonic()

    def log_on(self) -> bool:
        """One attempt."""
        self._file.add(CONNECTED)
        try:
            self._receive(self.client.logon())
        except FixClientError as error:
            self.lost(error)
            return False
        return True

    def lost(self, error: FixClientError) -> None:
        """Notes the end of a line."""
        self.client.close()
        self._file.add(LINE_LOST, str(error).encode())

    def ask_statuses(self) -> None:
        """A status request for orders that may still be open, the newest first; each answer names what it answers."""
        self.asked_status.clear()
        open_orders = [order for order in self.orders.values() if order.status not in FINAL_STATES]
        for order in open_orders[-STATUS_ORDERS_MAX:]:
            self.next_id += 1
            mark = f"H{self.next_id}"
            self.asked_status.add(mark)
            self.client.send("H", [(11, order.clordid), (55, order.symbol), (54, order.side), (790, mark)])

    def _act(self) -> None:
        if self.random.random() < 0.006:
            self.step += 1
            self._mass_cancel()
        else:
            super()._act()

    def _mass_cancel(self) -> None:
        clordid = self._new_id("Q")
        market = self.random.choice(self.markets)
        fields: Fields = [(11, clordid), (530, "1"), (55, market.symbol), (60, utc_timestamp())]
        self._request("q", clordid, "mass cancel", fields)

    def _send_new(self, symbol: str, side: str, quantity: Decimal, price: Decimal | None, tif: str, kind: str) -> None:
        """As any order; now and then one that hides most of itself, must not take, waits for a price or expires."""
        if kind != "limit" or self.random.random() > 0.3 or price is None:
            super()._send_new(symbol, side, quantity, price, tif, kind)
            return
        market = next(market for market in self.markets if market.symbol == symbol)
        order = Order(self._new_id("N"), symbol, side, quantity, price, rests=True)
        fields: Fields = [(11, order.clordid), (1, self.account), (55, symbol), (54, side), (60, utc_timestamp())]
        fields += [(38, f"{quantity:f}"), (44, f"{price:f}"), *self._special(market, side, quantity, price, tif)]
        self.orders[order.clordid] = order
        self._request("D", order.clordid, kind, fields)

    def _special(self, market: Market, side: str, quantity: Decimal, price: Decimal, tif: str) -> Fields:
        """OrdType, TimeInForce and what goes with them."""
        manner = self.random.choice(("iceberg", "post-only", "stop", "expiring"))
        if manner == "iceberg":
            shown = Decimal(market.lot) * max(1, int(quantity / Decimal(market.lot)) // 3)
            return [(40, "2"), (59, tif), (111, f"{shown:f}")]
        if manner == "post-only":
            return [(40, "2"), (59, tif), (18, "6")]
        if manner == "stop":
            away = Decimal(market.tick) * self.random.randint(1, 8)
            return [(40, "4"), (59, tif), (99, f"{price + away if side == '1' else price - away:f}")]
        expires_s = time.time() + self.random.uniform(0.3, 4)
        expire_time = time.strftime("%Y%m%d-%H:%M:%S", time.gmtime(expires_s)) + f".{int(expires_s * 1000) % 1000:03d}"
        return [(40, "2"), (59, "6"), (126, expire_time)]

    def _on_message(self, message: simplefix.FixMessage) -> None:
        super()._on_message(message)
        kind = text(message, 35)
        if kind == "r":
            self._verdict(text(message, 11), text(message, 20001))
        elif kind == "j" and text(message, 379):
            self.pending.discard(text(message, 379))
        elif text(message, 150) == "I":
            self.asked_status.discard(text(message, 790))


class Load:
    """What the process does: obeys stdin, keeps the line up, trades."""

    def __init__(self, trader: LoadTrader) -> None:
        self.trader = trader
        self._buffer = b""
        self._waiting: tuple[str, float] | None = None  # what was asked for, and until when we try

    def run(self) -> None:
        """Until told to stop, or until nobody holds the other end of stdin any more."""
        while not self.trader.stopping:
            for words in self._commands(0.0 if self.trader.client.logged_on else RECONNECT_PAUSE_S):
                self._obey(words)
            if not self.trader.client.logged_on and not self.trader.log_on():
                self._give_up_late()
                continue
            try:
                self.trader.turn()
                self._serve()
            except FixClientError as error:
                self.trader.lost(error)
        if self.trader.client.logged_on:
            self.trader.client.logout(1.0)
        self._say("stopped")

    def _commands(self, timeout_s: float) -> Iterator[list[str]]:
        if not select.select([0], [], [], timeout_s)[0]:
            return
        data = os.read(0, 4096)
        if not data:
            self.trader.stopping = True
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            yield line.decode().split()

    def _obey(self, words: list[str]) -> None:
        if words[0] == "trade":
            self.trader.trade(int(words[1]))
            self._say("trading")
        elif words[0] == "drop":
            self.trader.lost(FixClientError("dropped by the client"))
            self._say("dropped")
        elif words[0] == "stop":
            self.trader.stopping = True
        else:
            self.trader.trading = False
            self._waiting = words[0], time.monotonic() + REST_TIMEOUT_S

    def _serve(self) -> None:
        """Does what was asked for as far as it is due; FixClientError leaves it to be done on the next line."""
        if self._waiting is None:
            return
        wanted, _ = self._waiting
        if wanted == "rest":
            if self.trader.pending:
                self._give_up_late()
                return
        elif wanted == "flush":
            for message in self.trader.client.round_trip(REST_TIMEOUT_S):
                self.trader._on_message(message)
        else:
            self.trader.ask_statuses()
            deadline = time.monotonic() + REST_TIMEOUT_S
            while self.trader.asked_status and time.monotonic() < deadline:
                self.trader._receive(self.trader.client.poll(0.02))
        self._done(len(self.trader.asked_status) if wanted == "status" else 0)

    def _give_up_late(self) -> None:
        if self._waiting is not None and time.monotonic() > self._waiting[1]:
            self._done(max(len(self.trader.pending), 1))

    def _done(self, left: int) -> None:
        """Says what was asked for, and how much of it could not be had."""
        assert self._waiting is not None
        self._say(f"{self._waiting[0]} {left}")
        self._waiting = None

    @staticmethod
    def _say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--sender", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--account", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--markets", type=Path, required=True, help="JSON list of markets")
    parser.add_argument("--record", type=Path, required=True, help="where every message is written down")
    options = parser.parse_args()
    record = RecordFile(options.record)
    markets = [Market(**market) for market in orjson.loads(options.markets.read_bytes())]
    client = RecordingClient(record, options.port, options.sender, options.password)
    Load(LoadTrader(client, markets, options.seed, options.account, record)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
