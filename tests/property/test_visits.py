"""Slices that end because of what they looked at: both cores with more orders open than one slice may look at."""

from __future__ import annotations

from engine.book import Capacity
from engine.wire.messages import Continue, EndOfDay, LimitsSet, OrderCanceled, Phase, Role, TimeInForce
from tests.property.commands import CommandSource
from tests.property.pair import Pair

VISITS_PER_SLICE = 4_096
ORDERS = VISITS_PER_SLICE + 40
CAPACITY = Capacity(
    orders=ORDERS + 8, price_pages=8, clordids=2 * ORDERS + 64, accounts=8, assets=4, instruments=3, sessions=4
)
LIMITS = LimitsSet(
    max_orders=CAPACITY.orders,
    max_price_pages=8,
    max_open_orders_per_session=CAPACITY.orders,
    max_clordids=CAPACITY.clordids,
    max_fills_per_command=3,
    max_events_per_part=64,
)


def parts(pair: Pair, command: tuple[Role, bytes]) -> list[int]:
    """How many orders each part of a command canceled, in both cores alike."""
    canceled = [pair.apply(command[1])]
    while pair.reference.pending:
        canceled.append(pair.apply(Continue().encode()))
    return [sum(isinstance(event, OrderCanceled) for event in part) for part in canceled]


def test_slices_end_after_so_many_visits() -> None:
    """Orders that a walk passes over count as visits: in mass cancels, at the end of a day and in a purge."""
    source = CommandSource()
    pair = Pair(CAPACITY, source, hash_every=1_000, audit_every=10**6)
    for role, message in source.setup(LIMITS):
        pair.send(role, message)
    pair.send(*source.credit(4, 3, 10**9))
    pair.send(*source.set_phase(1, Phase.OPENING_AUCTION))
    pair.send(*source.set_phase(2, Phase.OPENING_AUCTION))
    opening = {"time_in_force": TimeInForce.AT_THE_OPENING, "price_ticks": 60}
    pair.send(*source.new_order(3, instrument=2, **opening))
    for _ in range(ORDERS):
        pair.send(*source.new_order(3, **opening))
    pair.hash_every = 1
    # Latest first: the one order on instrument 2 is the last that is looked at.
    day_before = parts(pair, (Role.ADMIN, EndOfDay(source.day + 1, b"operator").encode()))
    assert day_before == [0, 0, 0]
    assert parts(pair, source.operator_cancel(instrument=2)) == [0, 1]
    pair.send(*source.new_order(3, instrument=2, **opening))
    # By slot: it has taken slot 0 again, so it goes first, and then the purge passes over all the others.
    assert parts(pair, source.set_phase(2, Phase.CLOSED)) == [0, 1, 0]
    assert pair.reference.orders_in_use == ORDERS
    pair.audit()
