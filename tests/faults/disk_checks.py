"""What must hold after a fault of the disk or the clock, judged from the independent record; each check lists breaches.

An empty list is a pass. A check never asks the engine what it believes: it compares the record with what the engine
serves and stores.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path

from engine._native import lib

from engine.book import Capacity, Divergence, ReferenceCore
from engine.journal import CommandJournal, Damaged, EventJournal
from engine.wire.client import event_epoch, template_of
from engine.wire.messages import CancelOrder, EpochStarted, NewOrder, ReplaceOrder, Role, decode
from tests.faults.disk_engine import FaultyEngine, Load, Record
from tests.faults.durable_times import durable_times
from tests.faults.shim.oplog import Op, read

#: Pools of the shipped configuration, as far as an empty reference core needs them.
CAPACITY = Capacity(
    orders=262_144,
    price_pages=65_536,
    clordids=1_048_576,
    accounts=4_096,
    assets=64,
    instruments=256,
    sessions=256,
    trades=65_536,
)
#: How much later than it should a thread may come to its turn on a busy host: added to the bound of `interval`.
SCHEDULING_NS = 250_000_000


def in_common(before: Sequence[bytes], after: Sequence[bytes]) -> int:
    """How many events both begin with."""
    differing = (number for number, (one, other) in enumerate(zip(before, after, strict=False)) if one != other)
    return next(differing, min(len(before), len(after)))


def nothing_lost(before: Record, after: Sequence[bytes]) -> list[str]:
    """Every event seen before the fault is there again, byte for byte and in its place."""
    kept = in_common(before.events, after)
    if kept == len(before.events):
        return []
    lost = decode(before.events[kept])
    found = decode(after[kept]) if kept < len(after) else "nothing"
    return [f"lost {len(before.events) - kept} acknowledged events, the first {lost}; in its place {found}"]


def loss_is_bounded(before: Record, after: Sequence[bytes], cut_ns: int, bound_ns: int) -> list[str]:
    """What was lost is an end of the stream, no older than the bound when the power went; a new epoch follows."""
    kept = in_common(before.events, after)
    if kept == len(before.events):
        return []
    breaches = []
    age_ns = cut_ns - before.times_ns[kept]
    if age_ns > bound_ns:
        breaches.append(
            f"lost an event seen {age_ns / 1e6:.1f} ms before the cut, the bound is {bound_ns / 1e6:.1f} ms"
        )
    if kept == len(after) or template_of(after[kept]) != EpochStarted.TEMPLATE_ID:
        breaches.append(f"event {kept + 1} is another than before, and no new epoch begins with it")
    elif event_epoch(after[kept]) <= event_epoch(before.events[kept]):
        breaches.append(f"event {kept + 1} was replaced within its epoch")
    return breaches


def answered_early(log: Path, record: Record, allowed_ns: int = 0) -> list[str]:
    """No event came before its command was durable, or no earlier than allowed; judged since the log was begun."""
    times_ns = durable_times(log)
    begun_ns = next(read(log)).time_ns
    breaches = []
    for event, seen_ns in zip(record.events, record.times_ns, strict=True):
        command = command_of(event)
        if seen_ns < begun_ns or command not in times_ns:
            continue  # judged by an earlier log; or lost, which the checks of loss judge
        durable_ns = times_ns[command]
        if (durable_ns is None and not allowed_ns) or (durable_ns is not None and seen_ns + allowed_ns < durable_ns):
            breaches.append(command)
    if not breaches:
        return []
    return [f"{len(breaches)} events came before their commands were durable, the first of command {breaches[0]}"]


def command_of(event: bytes) -> int:
    """Sequence of the command that an event comes from."""
    return int.from_bytes(event[16:24], "little")


def interval_bound_ns(log: Path, commit_interval_us: int) -> int:
    """The interval, the longest sync of a command segment in this run, and what scheduling may cost."""
    longest_ns = 0
    begun_ns: dict[tuple[int, int], int] = {}
    for entry in read(log):
        key = entry.thread, entry.file
        if entry.op == Op.SYNC_BEGIN and entry.path.endswith(".vj"):
            begun_ns[key] = entry.time_ns
        elif entry.op == Op.SYNC_END and key in begun_ns:
            longest_ns = max(longest_ns, entry.time_ns - begun_ns.pop(key))
    return commit_interval_us * 1_000 + longest_ns + SCHEDULING_NS


def every_command_once(load: Load) -> list[str]:
    """Each command of each session has exactly one verdict, in the order in which they were sent."""
    breaches = []
    for session in load.sessions.values():
        expected = list(range(1, len(session.sent) + 1))
        if session.verdicts != expected:
            wrong = next(n for n in count(1) if session.verdicts[n - 1 : n] != expected[n - 1 : n])
            breaches.append(
                f"session {session.number}: {len(session.sent)} commands, {len(session.verdicts)} verdicts; the first "
                f"that differs is number {wrong}: {session.verdicts[wrong - 1 : wrong]}"
            )
    return breaches


def unasked_answers(load: Load) -> list[str]:
    """No command of this load deserves a Refused."""
    return [f"{len(load.unasked)} commands were refused, the first: {load.unasked[0]}"] if load.unasked else []


def journal_holds_what_was_sent(engine: FaultyEngine, load: Load) -> list[str]:
    """After a clean stop the journal has each session's commands once, in order, byte for byte, and ends clean."""
    journal = CommandJournal(engine.journal_dir)
    journaled: dict[int, list[bytes]] = {number: [] for number in load.sessions}
    try:
        for record in journal:
            if record.kind == lib.RECORD_COMMAND and record.role == Role.GATEWAY:
                message = decode(record.message)
                if isinstance(message, NewOrder | CancelOrder | ReplaceOrder):
                    journaled[message.session].append(record.message)
    except Damaged as damage:
        return [f"the journal of a clean stop is damaged: {damage}"]
    if not journal.clean:
        return [f"the journal of a clean stop does not end clean: torn {journal.torn}"]
    return [
        f"session {number}: sent {len(load.sessions[number].sent)} commands, the journal has {len(commands)}, "
        f"{in_common(load.sessions[number].sent, commands)} in common"
        for number, commands in journaled.items()
        if commands != load.sessions[number].sent
    ]


def stored_events_are_those_seen(engine: FaultyEngine, load: Load) -> list[str]:
    """The event journal begins with every event seen."""
    stored = list(EventJournal(engine.events_dir))
    kept = in_common(load.seen, stored)
    return (
        [] if kept == len(load.seen) else [f"event {kept + 1} was seen otherwise than it is stored, or is not stored"]
    )


def reference_agrees(engine: FaultyEngine) -> list[str]:
    """The journaled commands give the reference core the stored events and every journaled state hash."""
    core, events = ReferenceCore(CAPACITY), EventJournal(engine.events_dir)
    stored = iter(events)
    for record in CommandJournal(engine.journal_dir):
        if record.kind != lib.RECORD_COMMAND:
            continue
        try:
            applied = core.apply(record.sequence, record.epoch, record.time_ns, record.message)
        except Divergence as divergence:
            return [f"the reference core diverges at command {record.sequence}: {divergence}"]
        for event in applied:
            if next(stored, b"") != event.encode():
                return [f"the reference core gives another event for command {record.sequence}: {event}"]
    return [f"an event beyond the journal's is stored: {decode(more)}" for more in stored]


def stamps_never_go_back(engine: FaultyEngine) -> list[str]:
    """Times of the journaled commands rise or stay."""
    last_ns = 0
    for record in CommandJournal(engine.journal_dir):
        if record.kind != lib.RECORD_COMMAND:
            continue
        if record.time_ns < last_ns:
            return [f"command {record.sequence} is stamped {record.time_ns}, the one before {last_ns}"]
        last_ns = record.time_ns
    return []
