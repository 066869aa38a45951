"""What makes long runs of the reference core quick changes nothing about it."""

from __future__ import annotations

from hashlib import blake2b
from random import Random

import pytest

from engine import book_records, book_state
from engine.book import ReferenceCore, Verdict
from engine.book_hash import mix128, mix_sum
from engine.book_records import state_hash_from_scratch
from engine.wire.messages import Continue
from tests.property.commands import CAPACITY
from tests.property.drawn import RandomSource
from tests.property.quick import compiled

COMMANDS = 2_500
CONTINUE = Continue().encode()


def test_the_mix_in_c_is_the_mix() -> None:
    """Tuples of every length, with words at the bounds of what a word may be."""
    mix = compiled()
    random = Random(20260101)
    for number in range(20_000):
        kinds = random.getrandbits(64), -random.getrandbits(63), random.getrandbits(8), 2**64 - 1, -(2**63), -1, 0
        words = tuple(random.choice(kinds) for _ in range(number % 128))
        assert mix.mix128(words) == mix128(words)
        assert mix.mix_sum(words) == mix_sum(words)


@pytest.mark.parametrize("words", [[1, 2], (1, "2"), (0,) * 129, (1.0,)])
def test_the_mix_in_c_takes_tuples_of_integers_only(words: object) -> None:
    """Anything else is a programmer's error, not a hash."""
    with pytest.raises(TypeError):
        compiled().mix128(words)


def _told(seed: int) -> bytes:
    """What a core says to the commands drawn from the seed; its hash as kept up is the one from scratch each time."""
    core, source, said = ReferenceCore(CAPACITY), RandomSource(seed), blake2b()
    queue = source.everything()
    sequence = 0
    for _ in range(COMMANDS):
        role, message = queue.pop(0) if queue else source.draw()
        if core.check(role, message).verdict != Verdict.APPLY:
            continue
        while True:
            sequence += 1
            events = core.apply(sequence, source.epoch, source.time_ns, message)
            source.observe(events)
            source.next_timer_ns = core.next_timer_ns()
            said.update(b"".join(event.encode() for event in events))
            assert core.state_hash() == state_hash_from_scratch(core)
            said.update(core.state_hash().to_bytes(16))
            if not core.pending:
                break
            message = CONTINUE
    return said.digest()


def test_a_quick_core_says_what_a_plain_one_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same events and hashes for thousands of commands, each hash also computed in plain Python from scratch."""
    plain = _told(7)
    mix = compiled()
    monkeypatch.setattr(book_records, "mix", mix.mix128)
    monkeypatch.setattr(book_state, "mix128", mix.mix128)
    monkeypatch.setattr(book_state, "mix_sum", mix.mix_sum)
    assert _told(7) == plain
