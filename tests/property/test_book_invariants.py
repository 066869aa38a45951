"""The reference core by itself under random commands: money conserved, books uncrossed."""

from __future__ import annotations

from collections import Counter

import pytest

from engine.book import ReferenceCore, Verdict
from engine.wire.messages import (
    CancelRejected,
    CommandRefused,
    Continue,
    Credited,
    OrderCanceled,
    OrderRejected,
    Reason,
    Role,
    Trade,
)
from tests.property.commands import CAPACITY, CommandSource
from tests.property.soundness import assert_sound

COMMANDS = 15_000
#: Reasons no state of the core gives: None is none, Overloaded is the loop's, the rest cannot be meant.
NEVER_GIVEN = {Reason.NONE, Reason.OVERLOADED}


@pytest.mark.parametrize("seed", [1, 2])
def test_every_state_is_sound_and_every_reason_is_reached(seed: int) -> None:
    """After each of many random commands the state is sound; together they made the core give each of its reasons."""
    print(f"seed {seed}")
    core, source = ReferenceCore(CAPACITY), CommandSource(seed)
    credited: Counter[int] = Counter()
    reasons: Counter[Reason] = Counter()
    trades = 0
    queue = source.setup()
    for sequence in range(1, COMMANDS):
        if core.pending:
            role, message = Role.INTERNAL, Continue().encode()
        else:
            role, message = queue.pop(0) if queue else source.draw()
        check = core.check(role, message)
        reasons[Reason(check.reason)] += 1
        if check.verdict != Verdict.APPLY:
            continue
        events = core.apply(sequence, source.epoch, sequence * 1_000, message)
        source.observe(events)
        for event in events:
            match event:
                case Credited():
                    credited[event.asset] += event.amount_units
                case OrderRejected() | OrderCanceled() | CancelRejected() | CommandRefused():
                    reasons[Reason(event.reason)] += 1
                case Trade():
                    trades += 1
                case _:
                    pass
        assert_sound(core, credited)
    print(sorted((reason.name, count) for reason, count in reasons.items()))
    assert trades > COMMANDS // 40
    assert set(Reason) - NEVER_GIVEN <= set(reasons), set(Reason) - NEVER_GIVEN - set(reasons)
