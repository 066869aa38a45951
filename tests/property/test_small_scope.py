"""Every sequence of a few operations on a tiny market, in both cores: nothing short is left to chance.

Three prices, two sides, two sizes and three orders that can be named. Sequences that lead to a state already seen
(equal but for the numbers that only count up) are not gone on with: what follows is the same.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from hashlib import blake2b

import pytest

from engine.book import Capacity, Event
from engine.wire.messages import AccountSet, LimitsSet, OrderAccepted, OrderType, Phase, Role, Side, TimeInForce
from tests.property.commands import ACCOUNTS, Command, CommandSource
from tests.property.pair import Pair

SECONDS = int(os.environ.get("VENUE_SMALL_SCOPE_SECONDS", "60"))
CAPACITY = Capacity(orders=3, price_pages=12, clordids=64, accounts=7, assets=3, instruments=2, sessions=3, trades=4)
LIMITS = LimitsSet(3, 12, 3, 64, 2, 22, 0, 4)
PRICES = (63, 64, 65)
SIZES = (1, 2)
FINGERPRINT_BYTES = 20
#: By position: what is done. Orders 0, 1, 2 are those of slots 0, 1, 2.
Operation = tuple[object, ...]


def _operations() -> Iterator[Operation]:
    for side in (Side.BUY, Side.SELL):
        for price in PRICES:
            for size in SIZES:
                yield "limit", side, price, size
        yield "ioc", side, PRICES[1], 2
        yield "fok", side, PRICES[1], 2
        yield "iceberg", side, PRICES[1], 2
        yield "stop", side, PRICES[1], 1
        yield "market", side, 2
    for slot in range(3):
        yield "cancel", slot
        for price in PRICES[:2]:
            for size in SIZES:
                yield "replace", slot, price, size
    yield ("auction",)
    yield ("continuous",)
    yield ("close",)


OPERATIONS = tuple(_operations())


class Market:
    """Both cores with a sequence of operations applied to them."""

    def __init__(self) -> None:
        self.source = CommandSource()
        self.pair = Pair(CAPACITY, self.source, hash_every=10**9, audit_every=10**9)
        self.slots: dict[int, tuple[int, int, int]] = {}  # slot: session, order_id, side
        for role, message in self.source.setup(LIMITS):
            self.pair.send(role, message)
        shared: AccountSet = ACCOUNTS[2]._replace(stp_key=5, stp_mode=4)
        for account in (ACCOUNTS[1]._replace(stp_key=5), shared):
            self.pair.send(Role.INTERNAL, account.encode())

    def do(self, operation: Operation) -> None:
        """The first order of a sequence is alice's, then alan's (they share a key), then bob's, and round again."""
        self.source.time_ns += 1_000
        command = self._command(*operation)
        if command is not None:
            self._learn(self.pair.send(*command))

    def _command(self, what: object, *rest: object) -> Command | None:
        match what, *rest:
            case "limit", int(side), int(price), int(size):
                return self._order(side, price, size)
            case "ioc", int(side), int(price), int(size):
                return self._order(side, price, size, time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL)
            case "fok", int(side), int(price), int(size):
                return self._order(side, price, size, time_in_force=TimeInForce.FILL_OR_KILL)
            case "iceberg", int(side), int(price), int(size):
                return self._order(side, price, size, display_lots=1)
            case "stop", int(side), int(price), int(size):
                return self._order(side, price, size, order_type=OrderType.STOP_LIMIT, stop_price_ticks=price)
            case "market", int(side), int(size):
                return self._order(side, 0, size, order_type=OrderType.MARKET)
            case "cancel", int(slot) if slot in self.slots:
                session, order_id, side = self.slots[slot]
                return self.source.cancel_order(session, order_id=order_id, side=side)
            case "replace", int(slot), int(price), int(size) if slot in self.slots:
                session, order_id, side = self.slots[slot]
                terms = {"side": side, "price_ticks": price, "quantity_lots": size}
                return self.source.replace_order(session, order_id=order_id, **terms)
            case "auction", *_:
                return self.source.set_phase(1, Phase.OPENING_AUCTION)
            case "continuous", *_:
                return self.source.set_phase(1, Phase.CONTINUOUS)
            case "close", *_:
                return self.source.end_of_day()
        return None

    def _order(self, side: int, price: int, size: int, **terms: int) -> Command:
        session = self.pair.sequence % 3 + 1
        terms |= {"side": side, "price_ticks": price, "quantity_lots": size}
        return self.source.new_order(session, account=session + 1, **terms)

    def _learn(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, OrderAccepted):
                self.slots[event.order_id & 0xFFFF] = event.session, event.order_id, event.side

    def fingerprint(self) -> bytes:
        """The state without what only counts up: order numbers by rank, no sequences, no times, no ClOrdIDs."""
        return blake2b(repr(self._state()).encode(), digest_size=FINGERPRINT_BYTES).digest()

    def _state(self) -> tuple[object, ...]:
        core = self.pair.reference
        instrument = core.instruments[1]
        orders = sorted(core.orders.values(), key=lambda order: (order.priority, order.order_id))
        return (
            tuple(
                (
                    order.slot,
                    order.session,
                    order.side,
                    order.order_type,
                    order.price_ticks,
                    order.leaves_lots,
                    order.cum_lots,
                    order.displayed_lots,
                    order.display_lots,
                    order.stop_price_ticks,
                    order.remainder,
                    order.standing,
                )
                for order in orders
            ),
            tuple(sorted((key, b.available_units, b.reserved_units) for key, b in core.balances.items())),
            instrument.phase,
            instrument.last_ticks,
            instrument.reference_ticks,
            tuple(sorted((slot, session, side) for slot, (session, _, side) in self.slots.items())),
            self.pair.sequence % 3,
        )


def _state_after(sequence: tuple[Operation, ...]) -> bytes:
    """Applies the sequence to a fresh market; what it does before its last operation was compared when it was new."""
    market = Market()
    for operation in sequence:
        market.do(operation)
    market.pair.compare_hash()
    market.pair.audit()
    return market.fingerprint()


@pytest.mark.timeout(SECONDS * 5 + 300)
def test_all_short_sequences_of_operations_agree() -> None:
    """Breadth first, every sequence as deep as the time allows; the cores agree after every operation of each."""
    deadline = time.monotonic() + SECONDS
    seen = {Market().fingerprint()}
    frontier: list[tuple[Operation, ...]] = [()]
    depth = tried = 0
    while frontier and time.monotonic() < deadline:
        following: list[tuple[Operation, ...]] = []
        complete = True
        for sequence in frontier:
            if time.monotonic() > deadline:
                complete = False
                break
            for operation in OPERATIONS:
                state = _state_after((*sequence, operation))
                tried += 1
                if state not in seen:
                    seen.add(state)
                    following.append((*sequence, operation))
        depth += complete
        frontier = following
        how_far = f"all of depth {depth}" if complete else f"all of depth {depth}, some of {depth + 1}"
        print(f"{how_far}: {tried:,} sequences tried, {len(seen):,} states")
    assert depth >= 2
    assert tried > len(OPERATIONS) ** 2 / 2
