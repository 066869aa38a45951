"""An institution's trading client: one FIX session, random but reproducible orders, and its own record of every answer.

It shares no code with the venue but its FIX client. Its record is judged independently afterwards: every request
answered exactly once,
and the position that follows from its fills alone.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from types import FrameType

import orjson
import simplefix

from ops.fix_client import FixClient, FixClientError, text, utc_timestamp

WINDOW = 24  # requests without an answer at any time
RECONNECT_S = 60.0
ANSWER_S = 60.0
VERDICTS = {"D": {"0", "8"}, "F": {"4"}, "G": {"5"}}  # ExecTypes that answer each kind of request; a 9 answers F and G
FINAL_STATES = {"2", "4", "8", "C"}  # OrdStatus Filled, Canceled, Rejected, Expired


@dataclass(frozen=True)
class Market:
    """What the client must know of an instrument: decimal text, as in the venue's instrument list."""

    symbol: str
    tick: str
    lot: str
    price: str
    quantity_lots: int


@dataclass
class Order:
    """An order as the client sees it from its reports."""

    clordid: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal | None
    rests: bool = False  # a limit order that stays in the book
    order_id: str = ""
    status: str = ""
    cum: Decimal = Decimal(0)


@dataclass
class Record:
    """What the client knows for sure; written as JSON for whoever judges."""

    sender: str
    seed: int
    requests: Counter[str] = field(default_factory=Counter)  # by kind
    reports: Counter[str] = field(default_factory=Counter)  # by MsgType and ExecType
    rejects: Counter[str] = field(default_factory=Counter)  # by Text
    fills: dict[str, list[str]] = field(default_factory=dict)  # ExecID -> symbol, side, quantity, price, fee, ClOrdID
    unanswered: list[str] = field(default_factory=list)
    answered_twice: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    reconnects: int = 0
    open_orders: int = 0
    traced: str = ""  # the last order that rested and was filled
    next_out: int = 0  # MsgSeqNums with which whoever has the session after us goes on
    next_in: int = 0


class Trader:
    """Sends `orders` new orders among cancels, replaces, status requests and deliberate mistakes."""

    def __init__(
        self, client: FixClient, markets: list[Market], orders: int, seed: int, account: str, rate_per_s: int
    ) -> None:
        self.client = client
        self.markets = markets
        self.orders_left = orders
        self.random = Random(seed)
        self.account = account
        self.rate_per_s = rate_per_s
        self.record = Record(client.sender, seed)
        self.pending: set[str] = set()  # ClOrdIDs of requests without a verdict
        self.asked: dict[str, str] = {}  # ClOrdID of every request -> its MsgType
        self.answered: dict[str, str] = {}  # ClOrdID -> what identifies its verdict
        self.orders: dict[str, Order] = {}  # by current ClOrdID
        self.chain: dict[str, str] = {}  # ClOrdID of a replace -> ClOrdID it replaces
        self.stopping = False
        self.step = 0
        self.next_id = 1
        self._started = time.monotonic()
        self._answer_deadline = self._started + ANSWER_S

    # -- sending

    def run(self, done: Path) -> Record:
        """Trades until all orders are sent and answered, then listens until told to stop; `done` marks the time
        between.
        """
        self._connect()
        self._started = time.monotonic()
        while self._trading() or not self.stopping:
            if not self._trading() and not done.exists():
                done.touch()
            try:
                while self.orders_left and len(self.pending) < WINDOW and self._may_act():
                    self._act()
                self._receive(self.client.poll(0.05))
            except FixClientError:
                self.record.reconnects += 1
                self._connect()
        self._receive(self.client.round_trip(ANSWER_S))
        self.record.unanswered = sorted(self.pending)
        self.record.open_orders = sum(1 for order in self.orders.values() if order.status not in FINAL_STATES)
        self.client.logout()
        self.record.next_out, self.record.next_in = self.client.next_out, self.client.next_in
        return self.record

    def _trading(self) -> bool:
        """Orders to send or answers to come, and the last message is not too long ago."""
        return bool(self.orders_left or self.pending) and time.monotonic() < self._answer_deadline

    def _receive(self, messages: list[simplefix.FixMessage]) -> None:
        for message in messages:
            self._on_message(message)

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def _connect(self) -> None:
        deadline = time.monotonic() + RECONNECT_S
        while True:
            try:
                self._receive(self.client.logon())
                self._answer_deadline = time.monotonic() + ANSWER_S
                return
            except FixClientError as error:
                if time.monotonic() > deadline:
                    raise FixClientError(f"no logon within {RECONNECT_S:.0f} s: {error}") from error
                time.sleep(0.1)

    def _may_act(self) -> bool:
        """Keeps to the rate, if there is one."""
        return not self.rate_per_s or self.step < (time.monotonic() - self._started) * self.rate_per_s

    def _act(self) -> None:
        self.step += 1
        open_orders = [
            o for o in self.orders.values() if o.rests and o.status in ("0", "1") and o.clordid not in self.pending
        ]
        choice = self.random.random()
        if open_orders and choice < 0.16:
            self._cancel(self.random.choice(open_orders))
        elif open_orders and choice < 0.28:
            self._replace(self.random.choice(open_orders))
        elif open_orders and choice < 0.31:
            self._ask_status(self.random.choice(open_orders))
        elif choice < 0.34:
            self._send_mistake()
        else:
            self._new()

    def _new_id(self, prefix: str) -> str:
        self.next_id += 1
        return f"{self.record.sender}-{prefix}{self.next_id}"

    def _fair(self, market: Market) -> Decimal:
        """The price both institutions believe in: the same slow wave for all, with a little noise of one's own."""
        tick = Decimal(market.tick)
        wave = (self.step // 20) % 40
        return Decimal(market.price) + tick * ((wave if wave < 20 else 40 - wave) + self.random.randint(-6, 6))

    def _new(self) -> None:
        market = self.random.choice(self.markets)
        side = self.random.choice("12")
        quantity = Decimal(market.lot) * self.random.randint(1, market.quantity_lots)
        kind = self.random.choices(("limit", "market", "ioc", "fok"), (70, 12, 12, 6))[0]
        price = None if kind == "market" else self._fair(market)
        tif = {"limit": self.random.choice("01"), "market": "3", "ioc": "3", "fok": "4"}[kind]
        self._send_new(market.symbol, side, quantity, price, tif, kind)
        self.orders_left -= 1

    def _send_new(self, symbol: str, side: str, quantity: Decimal, price: Decimal | None, tif: str, kind: str) -> None:
        order = Order(self._new_id("N"), symbol, side, quantity, price, rests=tif in "01")
        fields: list[tuple[int, str]] = [
            (11, order.clordid),
            (1, self.account),
            (55, symbol),
            (54, side),
            (60, utc_timestamp()),
            (38, f"{quantity:f}"),
            (40, "1" if price is None else "2"),
            *([] if price is None else [(44, f"{price:f}")]),
            (59, tif),
        ]
        self.orders[order.clordid] = order
        self._request("D", order.clordid, kind, fields)

    def _cancel(self, order: Order) -> None:
        clordid = self._new_id("C")
        by_order_id = [(37, order.order_id)] if self.random.random() < 0.5 else []
        fields = [
            (11, clordid),
            (41, order.clordid),
            *by_order_id,
            (55, order.symbol),
            (54, order.side),
            (60, utc_timestamp()),
        ]
        self._request("F", clordid, "cancel", fields)

    def _replace(self, order: Order) -> None:
        market = next(m for m in self.markets if m.symbol == order.symbol)
        clordid = self._new_id("R")
        self.chain[clordid] = order.clordid
        quantity = max(order.quantity + Decimal(market.lot) * self.random.randint(-5, 5), Decimal(market.lot))
        price = order.price if self.random.random() < 0.4 else self._fair(market)
        fields: list[tuple[int, str]] = [
            (11, clordid),
            (41, order.clordid),
            (55, order.symbol),
            (54, order.side),
            (60, utc_timestamp()),
            (38, f"{quantity:f}"),
            (40, "2"),
            (44, f"{price:f}"),
        ]
        self._request("G", clordid, "replace", fields)

    def _ask_status(self, order: Order) -> None:
        self.record.requests["status"] += 1
        self.client.send("H", [(11, order.clordid), (55, order.symbol), (54, order.side)])

    def _send_mistake(self) -> None:
        """What a venue must refuse: an unknown instrument, an order nobody could pay, a price between ticks."""
        market = self.random.choice(self.markets)
        tick, lot = Decimal(market.tick), Decimal(market.lot)
        mistake = self.random.choice(("unknown", "unfunded", "tick"))
        if mistake == "unknown":
            self._send_new("NO-SUCH", "1", lot, Decimal(market.price), "1", mistake)
        elif mistake == "unfunded":
            self._send_new(market.symbol, "2", lot * 10_000_000, Decimal(market.price), "1", mistake)
        else:
            self._send_new(market.symbol, "1", lot, Decimal(market.price) + tick / 2, "1", mistake)

    def _request(self, message_type: str, clordid: str, kind: str, fields: list[tuple[int, str]]) -> None:
        self.record.requests[kind] += 1
        self.pending.add(clordid)
        self.asked[clordid] = message_type
        self.client.send(message_type, fields)

    # -- answers

    def _on_message(self, message: simplefix.FixMessage) -> None:
        self._answer_deadline = time.monotonic() + ANSWER_S
        kind = text(message, 35)
        if kind == "8":
            self._on_report(message)
        elif kind == "9":
            self.record.reports["9"] += 1
            self.record.rejects[text(message, 58)] += 1
            self._verdict(text(message, 11), f"9 {text(message, 37)} {text(message, 102)}")
        elif kind in "3j":
            self.record.reports[kind] += 1
            self.record.problems.append(f"{kind}: {text(message, 58)}")

    def _on_report(self, message: simplefix.FixMessage) -> None:
        exec_type, exec_id, clordid = text(message, 150), text(message, 17), text(message, 11)
        if exec_type == "F":
            self._on_fill(message, exec_id, clordid)
        elif exec_type in VERDICTS.get(self.asked.get(clordid, ""), ()):
            self._verdict(clordid, exec_id)
            if exec_type == "8":
                self.record.rejects[text(message, 58)] += 1
        self.record.reports[f"8/{exec_type}"] += 1
        self._update(message, clordid, exec_type)

    def _on_fill(self, message: simplefix.FixMessage, exec_id: str, clordid: str) -> None:
        fee = text(message, 137) or "0"
        fill = [text(message, t) for t in (55, 54, 32, 31)] + [fee, clordid]
        known = self.record.fills.setdefault(exec_id, fill)
        if known != fill:
            self.record.problems.append(f"ExecID {exec_id} came with two contents: {known} and {fill}")

    def _update(self, message: simplefix.FixMessage, clordid: str, exec_type: str) -> None:
        """Brings the client's view of the order to what the report says."""
        if exec_type == "5":
            original = self.chain.get(clordid, text(message, 41))
            order = self.orders.pop(original, None)
            if order is not None:
                order.clordid = clordid
                self.orders[clordid] = order
        order = self.orders.get(clordid) or self.orders.get(text(message, 41))
        if order is None:
            return
        cum = Decimal(text(message, 14) or "0")
        if cum < order.cum:
            return  # an old report, sent again
        order.cum = cum
        order.status = text(message, 39)
        order.order_id = text(message, 37)
        if exec_type in ("0", "5"):
            order.quantity = Decimal(text(message, 38))
            order.price = Decimal(text(message, 44)) if message.get(44) else order.price
        if order.status == "2" and order.rests:
            self.record.traced = order.clordid

    def _verdict(self, clordid: str, mark: str) -> None:
        """The one answer to a request; if it comes again (resent after a crash) it must be the same one."""
        if clordid not in self.asked:
            self.record.problems.append(f"verdict on {clordid}, which was never asked")
        self.pending.discard(clordid)
        first = self.answered.setdefault(clordid, mark)
        if first != mark:
            self.record.answered_twice.append(f"{clordid}: {first} and {mark}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--sender", required=True)
    parser.add_argument("--target", default="VENUE")
    parser.add_argument("--password", required=True)
    parser.add_argument("--account", required=True)
    parser.add_argument("--orders", type=int, default=600)
    parser.add_argument("--rate", type=int, default=0, help="requests per second; 0: as fast as answers come")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--markets", type=Path, required=True, help="JSON list of markets")
    parser.add_argument("--out", type=Path, required=True, help="where the record is written")
    options = parser.parse_args()
    markets = [Market(**m) for m in orjson.loads(options.markets.read_bytes())]
    client = FixClient(options.host, options.port, options.sender, options.target, options.password)
    trader = Trader(client, markets, options.orders, options.seed, options.account, options.rate)
    signal.signal(signal.SIGTERM, trader.stop)
    record = trader.run(options.out.with_suffix(".done"))
    options.out.write_bytes(orjson.dumps(vars(record), option=orjson.OPT_INDENT_2))
    return 1 if record.unanswered or record.answered_twice or record.problems else 0


if __name__ == "__main__":
    sys.exit(main())
