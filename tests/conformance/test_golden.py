"""Worked examples from venues' rule books (tests/golden) against both cores: what the tables say is all that happens.

tests/golden/README.md explains the tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest

from engine.book import Capacity, ReferenceCore, Verdict
from engine.core import Core
from engine.wire.messages import (
    AccountKind,
    AccountSet,
    AnyMessage,
    AssetSet,
    AuctionUncrossed,
    CancelRejected,
    Continue,
    EpochStart,
    InstrumentSet,
    LimitsSet,
    OrderAccepted,
    OrderCanceled,
    OrderReduced,
    OrderRefilled,
    OrderRejected,
    OrderReplaced,
    OrderTriggered,
    OrderType,
    Phase,
    PhaseChanged,
    Reason,
    ReferencePriceChanged,
    Role,
    SessionSet,
    Side,
    TimeInForce,
    Trade,
    decode,
)
from tests.property.commands import CommandSource

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
CAPACITY = Capacity(orders=64, price_pages=64, clordids=256, accounts=8, assets=2, instruments=1, sessions=4, trades=64)
ACCOUNTS = {"A": 2, "B": 3, "C": 4, "D": 5}
ORDER_TYPES = {
    "limit": OrderType.LIMIT,
    "market": OrderType.MARKET,
    "market-to-limit": OrderType.MARKET_TO_LIMIT,
    "stop": OrderType.STOP,
    "stop-limit": OrderType.STOP_LIMIT,
}
SIDES = {"buy": Side.BUY, "sell": Side.SELL}
INSTRUMENT = InstrumentSet(
    instrument=1,
    base=1,
    quote=2,
    tick_units=1,
    lot_units=1,
    price_min_ticks=1,
    price_max_ticks=1_000_000,
    quantity_max_lots=1_000_000,
    notional_max_units=2**60,
    protection_ticks=1_000,
    maker_fee_ppm=0,
    taker_fee_ppm=0,
    tick_exponent=0,
    lot_exponent=0,
    tick_mantissa=1,
    lot_mantissa=1,
    symbol=b"EXAMPLE",
)


@dataclass
class Example:
    """One section of a file of tests/golden."""

    name: str
    source: str = ""
    rows: list[dict[str, str]] = field(default_factory=list)
    reference_price: int = 0
    uncross: str = ""
    left: str = ""


def examples() -> Iterator[Example]:
    """All sections with a table, in the order of the files."""
    for path in sorted(GOLDEN.glob("*.md")):
        for section in path.read_text(encoding="utf-8").split("\n## ")[1:]:
            yield _parsed(f"{path.stem}: {section.splitlines()[0]}", section)


def _parsed(name: str, section: str) -> Example:
    example = Example(name)
    source = re.search(r"^Source: (.+?)\n\n", section, re.MULTILINE | re.DOTALL)
    example.source = source.group(1) if source else ""
    table = [line for line in section.splitlines() if line.startswith("|")]
    names = _cells(table[0])
    example.rows = [dict(zip(names, _cells(line), strict=True)) for line in table[2:]]
    for line in section.splitlines():
        match line.partition(": "):
            case "Reference price", _, price:
                example.reference_price = int(price)
            case "Uncross", _, text:
                example.uncross = text
            case "Left", _, text:
                example.left = text
    return example


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


class Market:
    """One core with four funded participants and one instrument without fees; says in words what happens."""

    def __init__(self, core: Any) -> None:
        self.core = core
        self.source = CommandSource()
        self.instrument = INSTRUMENT
        self.names: dict[int, str] = {}
        self.ids: dict[str, int] = {}
        self.clordids: dict[str, bytes] = {}
        self.sequence = 0
        limits = LimitsSet(64, 64, 64, 256, 20, 100, 0, 64)
        start = EpochStart(epoch=1, rules_version=2, unclean=0, venue=b"GOLDEN", cfg_sha256=bytes(32))
        accounts = [AccountSet(1, 5, AccountKind.FEE, 1, b"fees")]
        accounts += [AccountSet(n, n - 1, AccountKind.CLIENT, 1, name.encode()) for name, n in ACCOUNTS.items()]
        sessions = [SessionSet(n, n, 1, b"SESSION%d" % n) for n in range(1, 5)]
        data: list[AnyMessage] = [start, limits, AssetSet(1, 0, b"BASE"), AssetSet(2, 0, b"QUOTE"), INSTRUMENT]
        for message in (*data, *accounts, *sessions):
            self.send((Role.INTERNAL, message.encode()))
        for session in range(1, 5):
            self.send(self.source.attach(session))
        for account in ACCOUNTS.values():
            for asset in (1, 2):
                self.send(self.source.credit(account, asset, 2**55))

    def send(self, command: tuple[Role, bytes]) -> list[AnyMessage]:
        """Applies the command and all Continues after it; a command that is refused at the door is a wrong table."""
        role, message = command
        check = self.core.check(role, message)
        assert check.verdict == Verdict.APPLY, f"{decode(message)}: {check}"
        events = self._apply(message)
        while self.core.pending:
            events += self._apply(Continue().encode())
        return events

    def _apply(self, message: bytes) -> list[AnyMessage]:
        self.sequence += 1
        events = self.core.apply(self.sequence, 1, self.source.time_ns + self.sequence, message)
        decoded: list[Any] = [decode(event) if isinstance(event, bytes) else event for event in events]
        self.source.observe(decoded)
        return decoded

    def step(self, row: dict[str, str]) -> list[str]:
        """What comes of one row."""
        events = self.send(self._command(row))
        for event in events:
            if isinstance(event, OrderAccepted):
                self.names[event.order_id] = row["order"]
                self.ids[row["order"]] = event.order_id
        return [text for event in events if (text := self._said(event, row["order"]))]

    def _command(self, row: dict[str, str]) -> tuple[Role, bytes]:
        command, _, argument = row["command"].partition(" ")
        more: dict[str, Any] = {
            name.strip(): int(value) for name, value in (pair.split("=") for pair in row["with"].split(",") if pair)
        }
        account = ACCOUNTS.get(row["who"], 0)
        match command:
            case "phase":
                return self.source.set_phase(1, Phase[re.sub(r"(?<!^)([A-Z])", r"_\1", argument).upper()])
            case "reference":
                return self.source.set_reference_price(1, int(argument))
            case "instrument":
                self.instrument = self.instrument._replace(**more)
                return Role.INTERNAL, self.instrument.encode()
            case "account":
                plain = AccountSet(account, account - 1, AccountKind.CLIENT, 1, row["who"].encode())
                return Role.INTERNAL, plain._replace(**more).encode()
        more |= {"side": SIDES[row["side"]], "instrument": 1}
        if command == "cancel":
            return self.source.cancel_order(account - 1, order_id=self.ids[row["order"]], **more)
        more |= {"price_ticks": int(row["price"] or 0), "quantity_lots": int(row["lots"])}
        if command == "replace":
            return self.source.replace_order(account - 1, order_id=self.ids[row["order"]], **more)
        kind = ORDER_TYPES[command]
        defaults = {"time_in_force": TimeInForce.DAY, "order_type": kind, "account": account}
        return self.source.new_order(account - 1, **{**defaults, **more})

    def _said(self, event: AnyMessage, order: str) -> str:
        """The event in the words of the tables; empty for what the tables leave out."""
        match event:
            case OrderAccepted():
                if not event.working:
                    return "waits"
                return _rests(event.rested_lots, event.displayed_lots) or "accepted"
            case OrderReplaced():
                kept = "kept" if event.priority_kept else "lost"
                return f"priority {kept} {_rests(event.rested_lots, event.displayed_lots)}".strip()
            case OrderRejected() | CancelRejected():
                return f"rejected {_camel(Reason(event.reason))}"
            case Trade():
                taker = self.names.get(event.taker_order_id, order)
                by = "" if taker == order else f"{taker}: "
                return f"{by}{event.quantity_lots} @ {event.price_ticks} with {self.names[event.maker_order_id]}"
            case OrderCanceled():
                name = self.names.get(event.order_id, order)
                return f"{name} canceled {event.canceled_lots} ({_camel(Reason(event.reason))})"
            case OrderReduced():
                name = self.names.get(event.order_id, order)
                return f"{name} reduced by {event.reduced_lots} to {event.leaves_lots}"
            case OrderRefilled():
                return f"{self.names[event.order_id]} shows {event.displayed_lots}"
            case OrderTriggered():
                return f"{self.names[event.order_id]} triggered"
            case PhaseChanged():
                return f"phase {_camel(Phase(event.phase))}"
            case ReferencePriceChanged():
                band = f" band {event.low_ticks} to {event.high_ticks}" if event.high_ticks else ""
                return f"reference {event.price_ticks}{band}"
            case AuctionUncrossed():
                return f"uncross {event.volume_lots} @ {event.price_ticks} surplus {event.surplus_lots}"
        return ""

    def left(self) -> str:
        """What stands in the book, in order of priority."""
        sides = []
        for name, side in SIDES.items():
            orders = [f"{order.leaves_lots} @ {order.price_ticks}" for order in self.core.book(1, side)]
            if orders:
                sides.append(f"{name} {', '.join(orders)}")
        return "; ".join(sides)


def _rests(rested: int, displayed: int) -> str:
    if rested == 0:
        return ""
    return f"rests {rested}" + (f" showing {displayed}" if displayed != rested else "")


def _camel(value: IntEnum) -> str:
    return "".join(word.capitalize() for word in value.name.split("_"))


def _run_ladder(market: Market, example: Example) -> None:
    """Everything bid and offered in an opening auction, which then uncrosses."""
    if example.reference_price:
        market.send(market.source.set_reference_price(1, example.reference_price))
    market.send(market.source.set_phase(1, Phase.OPENING_AUCTION))
    for row in example.rows:
        for side, who in (("sell", "B"), ("buy", "A")):
            if row[side]:
                order = {"order": f"{side} {row['price']}", "who": who, "command": "limit", "side": side}
                said = market.step({**order, "lots": row[side], "price": row["price"], "with": ""})
                assert said == [f"rests {row[side]}"]
    events = market.send(market.source.set_phase(1, Phase.CONTINUOUS))
    trades = [event for event in events if isinstance(event, Trade)]
    (uncrossed,) = [event for event in events if isinstance(event, AuctionUncrossed)]
    outcome = f"{uncrossed.volume_lots} @ {uncrossed.price_ticks}, surplus {uncrossed.surplus_lots}"
    assert (outcome if uncrossed.volume_lots else "nothing") == example.uncross
    assert sum(trade.quantity_lots for trade in trades) == uncrossed.volume_lots
    assert {trade.price_ticks for trade in trades} <= {uncrossed.price_ticks}


EXAMPLES = list(examples())


@pytest.mark.parametrize("core", [ReferenceCore, Core], ids=["reference", "C"])
@pytest.mark.parametrize("example", EXAMPLES, ids=[example.name for example in EXAMPLES])
def test_worked_example(example: Example, core: Callable[[Capacity], Any]) -> None:
    """Every step of the example has exactly the outcome of its table, and what is said to be left is left."""
    market = Market(core(CAPACITY))
    if "buy" in example.rows[0]:
        _run_ladder(market, example)
    else:
        for row in example.rows:
            assert "; ".join(market.step(row)) == row["outcome"], row
    assert market.left() == example.left


def test_every_example_names_its_source() -> None:
    """No example is without its source, and there are as many as were written."""
    assert len(EXAMPLES) >= 50
    assert [example.name for example in EXAMPLES if not example.source] == []
