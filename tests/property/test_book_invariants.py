"""The reference core by itself under random commands: money conserved, books uncrossed, everything reached."""

from __future__ import annotations

from collections import Counter

import pytest

from engine.book import ReferenceCore, Verdict
from engine.wire.messages import Continue, Credited, Role, Trade
from tests.property.commands import CAPACITY
from tests.property.drawn import RandomSource
from tests.property.soundness import assert_sound

COMMANDS = 4_000
CONTINUES_MAX = 200


@pytest.mark.parametrize("seed", [1, 2])
def test_every_state_is_sound(seed: int) -> None:
    """After each of many random commands, and between the parts of a job, the state is sound."""
    print(f"seed {seed}")
    core, source = ReferenceCore(CAPACITY), RandomSource(seed)
    credited: Counter[int] = Counter()
    trades = continues = 0
    queue = source.everything()
    for sequence in range(1, COMMANDS):
        if core.pending:
            role, message = Role.INTERNAL, Continue().encode()
            continues += 1
            assert continues < CONTINUES_MAX, "a job comes to its end"
        else:
            continues = 0
            role, message = queue.pop(0) if queue else source.draw()
        if core.check(role, message).verdict != Verdict.APPLY:
            continue
        events = core.apply(sequence, source.epoch, source.time_ns, message)
        source.observe(events)
        source.next_timer_ns = core.next_timer_ns()
        credited.update({event.asset: event.amount_units for event in events if isinstance(event, Credited)})
        trades += sum(isinstance(event, Trade) for event in events)
        assert_sound(core, credited)
    assert trades > COMMANDS // 50
