"""What a seed means: which fault hits the venue in which round, when, and with what luck.

The same seed and kinds give the same rounds; only how the daemons are timed between them differs from run to run.
Each kind comes once before any comes twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random

ROUNDS_PER_VENUE = 25


@dataclass(frozen=True, slots=True)
class Round:
    """One fault under load. `before_s` the load runs before it; `luck` seeds whatever the fault itself draws."""

    number: int
    venue: int
    kind: str
    before_s: float
    after_s: float
    luck: int


def rounds(seed: int, kinds: Sequence[str]) -> Iterator[Round]:
    """Rounds without end."""
    random = Random(seed)
    deck: list[str] = []
    for number in count():
        if not deck:
            deck = list(kinds)
            random.shuffle(deck)
        yield Round(
            number=number,
            venue=number // ROUNDS_PER_VENUE,
            kind=deck.pop(),
            before_s=random.uniform(0.2, 1.0),
            after_s=random.uniform(0.2, 0.6),
            luck=random.getrandbits(32),
        )
