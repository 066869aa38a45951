"""The C core and the reference side by side: every command goes to both, and any difference is an error at once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from struct import Struct

from engine.book import Capacity, Event, ReferenceCore, Verdict
from engine.core import Core
from engine.wire.messages import (
    BY_TEMPLATE,
    AuctionUncrossed,
    CancelRejected,
    CheckpointBalance,
    CommandRefused,
    Continue,
    Credited,
    DayEnded,
    MassCanceled,
    OrderCanceled,
    OrderRejected,
    OrderTriggered,
    PhaseCause,
    PhaseChanged,
    Reason,
    Role,
    StateHash,
    StatisticsRecorded,
    TimeInForce,
    Trade,
)
from tests.property.commands import CommandSource
from tests.property.soundness import assert_sound

CONTINUE = Continue().encode()
EVENT_NAMES = {kind: f"event {kind.__name__}" for kind in BY_TEMPLATE.values()}
REASON_NAMES = {int(reason): f"reason {reason.name}" for reason in Reason}
#: Sizes of the pools, then one of these per applied command, its message and zeros up to a multiple of 8.
RECORD_CAPACITY = Struct("<8I")
RECORD_COMMAND = Struct("<QII")  # time_ns, epoch, size of the message


class Recorder:
    """Writes applied commands to a file at once, so that they are there even when the C core aborts."""

    def __init__(self, path: Path, capacity: Capacity) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb", buffering=0)
        self._file.write(
            RECORD_CAPACITY.pack(
                capacity.orders,
                capacity.price_pages,
                capacity.clordids,
                capacity.accounts,
                capacity.assets,
                capacity.instruments,
                capacity.sessions,
                capacity.trades,
            )
        )

    def note(self, time_ns: int, epoch: int, message: bytes) -> None:
        self._file.write(RECORD_COMMAND.pack(time_ns, epoch, len(message)) + message + bytes(-len(message) % 8))

    def close(self) -> None:
        self._file.close()


class Pair:
    """Two cores in lock-step, each command stamped with the source's time.

    State hashes are compared after every `hash_every` applied commands, all invariants of both cores after every
    `audit_every`. `reached` counts what the commands brought about: verdicts, reasons, events, jobs, phases.
    """

    def __init__(
        self,
        capacity: Capacity,
        source: CommandSource,
        hash_every: int = 1,
        audit_every: int = 1,
        recorder: Recorder | None = None,
    ) -> None:
        self.capacity = capacity
        self.source = source
        self.hash_every = hash_every
        self.audit_every = audit_every
        self.recorder = recorder
        self.reference = ReferenceCore(capacity)
        self.core = Core(capacity)
        self.sequence = 0
        self.credited: Counter[int] = Counter()
        self.reached: Counter[str] = Counter()

    def send(self, role: Role, message: bytes) -> list[Event]:
        """Checks the message with both, applies it if it passed, and finishes the work it left pending."""
        ours, theirs = self.reference.check(role, message), self.core.check(role, message)
        assert ours == theirs, f"check by {role!r} of {message.hex()}: {ours} and {theirs}"
        if ours.verdict != Verdict.APPLY:
            self.reached[f"verdict {Verdict(ours.verdict).name}"] += 1
            if ours.verdict == Verdict.REFUSED:
                self.reached[f"reason {Reason(ours.reason).name}"] += 1
            return []
        events = self.apply(message)
        while self.reference.pending:
            events += self.apply(CONTINUE)
        return events

    def apply(self, message: bytes) -> list[Event]:
        """Applies one command to both and compares events, pending work, the next timer and, when due, the state."""
        self.sequence += 1
        source = self.source
        if self.recorder is not None:
            self.recorder.note(source.time_ns, source.epoch, message)
        ours = self.reference.apply(self.sequence, source.epoch, source.time_ns, message)
        theirs = self.core.apply(self.sequence, source.epoch, source.time_ns, message)
        if b"".join([event.encode() for event in ours]) != b"".join(theirs):
            raise AssertionError(f"events of {message.hex()}:\n{_differences(ours, theirs)}")
        assert self.reference.pending == self.core.pending, "pending"
        timer = self.reference.next_timer_ns()
        assert timer == self.core.next_timer_ns(), f"next timer {timer} and {self.core.next_timer_ns()}"
        source.next_timer_ns = timer
        if ours:
            source.observe(ours)
            self._count(message is CONTINUE, ours)
        if self.sequence % self.hash_every == 0:
            self.compare_hash()
        if self.sequence % self.audit_every == 0:
            self.audit()
        return ours

    def compare_hash(self) -> None:
        """Equal state hashes."""
        ours, theirs = self.reference.state_hash(), self.core.state_hash()
        assert ours == theirs, f"state hash {ours:032x} and {theirs:032x}"

    def audit(self) -> None:
        """Every invariant of both cores."""
        line = self.core.audit()
        assert line == 0, f"the C core's own invariants: line {line} of its audit"
        assert_sound(self.reference, self.credited)

    def journal_hash(self) -> None:
        """What the loop does now and then: the leader's hash as a command, which each core compares with its own."""
        state_hash = self.reference.state_hash()
        self.apply(StateHash(low=state_hash % 2**64, high=state_hash >> 64).encode())

    def _count(self, continued: bool, events: list[Event]) -> None:
        reached = self.reached
        for event in events:
            reached[EVENT_NAMES[type(event)]] += 1
            match event:
                case OrderRejected() | OrderCanceled() | CancelRejected() | CommandRefused():
                    reached[REASON_NAMES[event.reason]] += 1
                case Credited():
                    self.credited[event.asset] += event.amount_units
                case PhaseChanged():
                    reached[f"phase {event.previous} to {event.phase}"] += 1
                    reached[f"cause {PhaseCause(event.cause).name}"] += 1
                case Trade():
                    if event.maker_fee_units < 0:
                        reached["rebate"] += 1
                    if event.auction:
                        reached["auction trade"] += 1
                case _:
                    pass
        if continued:
            for job in {_job(event) for event in events}:
                reached[f"continued {job}"] += 1


def _job(event: Event) -> str:
    """Which kind of work goes on, judged by what it yields."""
    match event:
        case OrderTriggered():
            return "Activate" if event.time_in_force == TimeInForce.AT_THE_CLOSE else "Stops"
        case OrderCanceled() if event.reason == Reason.CANCELED_AUCTION_ONLY:
            return "Purge"
        case OrderCanceled() if event.reason == Reason.EXPIRED_END_OF_DAY:
            return "EndOfDay"
        case MassCanceled():
            return "Cancel"
        case StatisticsRecorded() | DayEnded():
            return "Statistics"
        case AuctionUncrossed():
            return "Uncross"
        case CheckpointBalance():
            return "Checkpoint"
    return "other"


def _differences(ours: list[Event], theirs: list[bytes]) -> str:
    """The first event that differs, field by field."""
    for number, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
        if mine.encode() != other:
            if _template_of(other) != mine.TEMPLATE_ID:
                return f"event {number}: reference {mine}\nC core sent template {_template_of(other)}"
            decoded = type(mine).decode(other)
            fields = [
                f"{name}: reference {a!r}, C core {b!r}"
                for name, a, b in zip(mine._fields, mine, decoded, strict=True)
                if a != b
            ]
            return f"event {number} {mine}\n" + "\n".join(fields or ["only bytes that are reserved differ"])
    more = [str(event) for event in ours[len(theirs) :]] or [f"template {_template_of(e)}" for e in theirs[len(ours) :]]
    return f"{len(ours)} events of the reference, {len(theirs)} of the C core; the rest: {more}"


def _template_of(message: bytes) -> int:
    """The template of a message."""
    return int.from_bytes(message[2:4], "little")
