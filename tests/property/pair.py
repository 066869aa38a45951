"""The C core and the reference side by side: every command goes to both, and any difference is an error at once."""

from __future__ import annotations

from collections import Counter

from engine.book import Capacity, Event, ReferenceCore, Verdict
from engine.core import Core
from engine.wire.messages import Continue, Credited, Role, StateHash
from tests.property.commands import CommandSource
from tests.property.soundness import assert_sound


class Pair:
    """Two cores in lock-step. `hash_every`: state hashes are compared after every that many applied commands."""

    def __init__(self, capacity: Capacity, source: CommandSource, hash_every: int = 1) -> None:
        self.capacity = capacity
        self.source = source
        self.hash_every = hash_every
        self.reference = ReferenceCore(capacity)
        self.core = Core(capacity)
        self.sequence = 0
        self.credited: Counter[int] = Counter()
        self.verdicts: Counter[Verdict] = Counter()
        self.events: Counter[str] = Counter()

    def send(self, role: Role, message: bytes) -> list[Event]:
        """Checks the message with both, applies it if it passed, and finishes the work it left pending."""
        ours, theirs = self.reference.check(role, message), self.core.check(role, message)
        assert _fields(ours) == _fields(theirs), f"check by {role!r} of {message.hex()}"
        self.verdicts[ours.verdict] += 1
        if ours.verdict != Verdict.APPLY:
            return []
        events = self.apply(message)
        while self.reference.pending:
            events += self.apply(Continue().encode())
        return events

    def apply(self, message: bytes) -> list[Event]:
        """Applies one command to both and compares events, pending work and, when due, the state."""
        self.sequence += 1
        stamp = self.sequence, self.source.epoch, self.sequence * 1_000
        ours = self.reference.apply(*stamp, message)
        theirs = self.core.apply(*stamp, message)
        assert [event.encode() for event in ours] == [bytes(event) for event in theirs], f"events of {message.hex()}"
        assert self.reference.pending == self.core.pending
        self.source.observe(ours)
        for event in ours:
            self.events[type(event).__name__] += 1
            if isinstance(event, Credited):
                self.credited[event.asset] += event.amount_units
        if self.sequence % self.hash_every == 0:
            self.compare_state()
        return ours

    def compare_state(self) -> None:
        """Equal state hashes, every invariant of both cores, and a StateHash command that both agree with."""
        state_hash = self.reference.state_hash()
        assert state_hash == self.core.state_hash(), "state hash"
        assert self.core.audit() == 0, "the C core's own invariants"
        assert_sound(self.reference, self.credited)

    def journal_hash(self) -> None:
        """What the loop does now and then: the leader's hash as a command, which each core compares with its own."""
        state_hash = self.reference.state_hash()
        self.apply(StateHash(low=state_hash % 2**64, high=state_hash >> 64).encode())


def _fields(check: object) -> tuple[int, ...]:
    """The fields of struct core_check, whichever class carries them."""
    names = ("verdict", "reason", "template_id", "session", "session_epoch", "client_seq", "last_client_seq")
    return tuple(int(getattr(check, name)) for name in names)
