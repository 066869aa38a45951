"""Brings a core back to what its journal says: newest snapshot that holds, replay of the rest, torn tail cut.

What a COMMIT called durable is never dropped: damage at or below a known watermark ends the start. A snapshot only
saves time: one that cannot be believed is passed over, and the journal says the same, only later.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import snapshot as snapshots
from engine._native import ffi, lib
from engine.journal import (
    COMMAND_SUFFIX,
    RESTORE,
    CommandJournal,
    Torn,
    map_segment,
    require_our_rules,
    segment_head,
    segments,
    torn_tail,
)
from engine.snapshot import Snapshot, Unusable
from engine.wire.messages import StateHash, decode

#: Records per call into C: between two calls progress is told and a stop request seen.
RECORDS_PER_CALL = 65_536
THROUGH_ALL = 2**64 - 1
ZERO_BYTES = 1 << 20
#: More than a clean stop writes last, and all of the page that a disk writes.
PAGE_BYTES = 4096
#: In the directory of events: a reader met an event that is not whole, and the text says which.
EVENTS_DAMAGED = "damaged"


class RecoveryError(Exception):
    """The engine must not start on this journal; the text says what an operator has to look at."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """Where the journal ends: `cursor` (struct record_cursor *), the segment to go on in or None, and how it ended.

    `snapshot`: command of the one the replay began behind, 0 if at the beginning; `passed_over`: newer ones, and why.
    """

    cursor: Any
    segment: Path | None
    clean: bool
    cut: Torn | None
    events_rewritten_from: int
    snapshot: int
    passed_over: list[str]


def recover(
    replay: Any,
    journal_directory: Path,
    events_directory: Path,
    snapshots_directory: Path,
    *,
    venue: str,
    on_progress: Callable[[str], None],
) -> Recovered:
    """Replays everything into the core of `replay` (struct replay *).

    Raises Damaged, OtherRules or RecoveryError, having changed nothing of value.

    `venue`: whose journal it must be. Events are stored only once their commands are durable, in every mode: events
    without their commands prove a loss.
    on_progress gets a line now and then and may raise to give up.
    """
    passed_over: list[str] = []
    paths = segments(journal_directory)
    mark = events_directory / EVENTS_DAMAGED
    if mark.exists() and begins_whole(paths):
        passed_over.append(f"{snapshots_directory}: {mark.read_text()}")
        begun = None
    else:
        begun = load_newest(replay, journal_directory, snapshots_directory, venue, passed_over, on_progress)
    require_our_venue(paths, venue)
    if begun is None:
        require_beginning(journal_directory, paths, passed_over)
        cursor, loaded = ffi.new("struct record_cursor *"), 0
    else:
        cursor, loaded = begun[1], begun[0].sequence
        paths = [path for path in paths if int(path.stem) >= begun[0].position.segment]
    _secure(journal_directory, paths)
    cut, last = _replay_segments(replay, cursor, paths, on_progress)
    _refuse_loss(snapshots_directory, journal_directory, venue, cursor.sequence)
    lost = lib.replay_events_excess(replay)
    if lost:
        raise RecoveryError(
            f"{events_directory} holds events of command {lost}, but {journal_directory} ends at {cursor.sequence}: "
            f"durable commands are missing. {RESTORE}; or delete the event journal to accept the loss"
        )
    if cut is not None and cut.offset > 0:
        _zero_from(cut)
    # A segment without records bears the name of a command that may have been lost with the end of the one before it.
    for path in paths if last is None else paths[paths.index(last) + 1 :]:
        path.unlink()
    _sync(journal_directory)
    lib.replay_settle_events(replay)
    mark.unlink(missing_ok=True)
    clean = cut is None and (last is None or bool(cursor.clean))
    rewritten = lib.replay_events_cut(replay)
    return Recovered(cursor, last if cursor.offset else None, clean, cut, rewritten, loaded, passed_over)


def begins_whole(paths: list[Path]) -> bool:
    """Whether these segments give every event there ever was."""
    return bool(paths) and int(paths[0].stem) == 1


def mark_events_damaged(events_directory: Path, reason: str) -> None:
    """Has the next start replay the whole journal: behind a snapshot it would not see the damage, let alone mend it."""
    mark = events_directory / EVENTS_DAMAGED
    with mark.open("w") as file:
        file.write(reason)
        file.flush()
        os.fsync(file.fileno())
    snapshots.sync_directory(events_directory)


def load_newest(
    replay: Any,
    journal_directory: Path,
    snapshots_directory: Path,
    venue: str,
    passed_over: list[str],
    on_progress: Callable[[str], None],
) -> tuple[Snapshot, Any] | None:
    """The newest snapshot that holds, loaded, and the cursor behind it; adds the others and why to `passed_over`."""
    for path in snapshots.newest_first(snapshots_directory):
        try:
            snapshot = snapshots.read(path)
            snapshots.require_fit(snapshot, venue, replay.core)
            cursor = stand_behind(snapshot, journal_directory)
            if not lib.replay_resume_events(replay, snapshot.event_sequence):
                raise Unusable(f"the event journal does not hold event {snapshot.event_sequence}")
            on_progress(f"loading the snapshot of command {snapshot.sequence}")
            snapshots.load(path, snapshot, replay.core)
        except Unusable as error:
            passed_over.append(f"{path}: {error}")
            lib.replay_reset(replay)
            continue
        take_over(replay, snapshot)
        return snapshot, cursor
    return None


def take_over(replay: Any, snapshot: Snapshot) -> None:
    """What a replay learns besides the core's state."""
    for first_sequence, epoch in snapshot.epochs:
        lib.epochs_add(ffi.addressof(replay, "epochs"), first_sequence, epoch)
    replay.recovery_closed = snapshot.recovery_closed


def stand_behind(snapshot: Snapshot, journal_directory: Path) -> Any:
    """A cursor behind the snapshot's StateHash; Unusable unless the journal has it there. `data` is still to be set."""
    position = snapshot.position
    path = journal_directory / f"{position.segment:020d}{COMMAND_SUFFIX}"
    try:
        data = map_segment(path)
    except OSError as error:
        raise Unusable(f"its segment of the journal, {path.name}, is not there") from error
    cursor, view = ffi.new("struct record_cursor *"), ffi.new("struct record_view *")
    cursor.data, cursor.size = ffi.from_buffer(data), len(data)
    if lib.record_next(cursor, view) != lib.RECORD_FOUND or position.offset > len(data):
        raise Unusable(f"its segment of the journal, {path.name}, is not whole")
    cursor.offset, cursor.sequence = position.record_offset, snapshot.sequence - 1
    cursor.crc, cursor.durable = position.previous_crc, snapshot.durable
    if lib.record_next(cursor, view) != lib.RECORD_FOUND or (cursor.offset, cursor.crc) != (
        position.offset,
        position.crc,
    ):
        raise Unusable(f"{path.name} has another record than command {snapshot.sequence} at its place")
    hashed = decode(bytes(ffi.buffer(view.body, view.size)))
    if not isinstance(hashed, StateHash) or hashed.high << 64 | hashed.low != snapshot.state_hash:
        raise Unusable(f"command {snapshot.sequence} of the journal is not its state hash")
    return cursor


def require_beginning(journal_directory: Path, paths: list[Path], passed_over: list[str]) -> None:
    """RecoveryError unless the journal can be replayed from command 1; OtherRules unless by us."""
    if paths and int(paths[0].stem) != 1:
        tried = f" ({'; '.join(passed_over)})" if passed_over else ""
        raise RecoveryError(
            f"{paths[0]}: the journal begins with command {int(paths[0].stem)} and no snapshot covers what came "
            f"before{tried}: restore the earlier segments from the archive, or a snapshot"
        )
    _require_our_rules(journal_directory)


def _refuse_loss(snapshots_directory: Path, journal_directory: Path, venue: str, end: int) -> None:
    """RecoveryError when a whole snapshot is of a command beyond the journal's end: they are made of durable ones."""
    for path in snapshots.newest_first(snapshots_directory):
        if int(path.stem) <= end:
            return
        try:
            snapshot = snapshots.verify(path)
        except Unusable:
            continue
        if snapshot.venue == venue:
            raise RecoveryError(
                f"{path} is of command {snapshot.sequence}, but {journal_directory} ends at {end}: acknowledged "
                "commands are missing; restore the journal, or delete snapshots and event journal to accept the loss"
            )


def _replay_segments(
    replay: Any, cursor: Any, paths: list[Path], on_progress: Callable[[str], None]
) -> tuple[Torn | None, Path | None]:
    """Replays them all, the first one from the cursor's offset on.

    Returns where they are torn, if they are, and the last one with a record in it.
    """
    last: Path | None = None
    total = sum(path.stat().st_size for path in paths) or 1
    done = 0
    for path in paths:
        data = map_segment(path)
        buffer = ffi.from_buffer(data)
        cursor.data, cursor.size = buffer, len(data)
        cursor.offset = cursor.offset if path == paths[0] else 0
        while (status := lib.replay_run(replay, cursor, THROUGH_ALL, RECORDS_PER_CALL)) == lib.REPLAY_MORE:
            on_progress(f"replaying {100 * (done + cursor.offset) // total} %")
        if cursor.offset:
            last = path
        if status == lib.REPLAY_DAMAGED:
            return torn_tail(cursor, paths[paths.index(path) :]), last
        if status != lib.REPLAY_END:
            raise RecoveryError(divergence(status, cursor, path))
        done += len(data)
    return None, last


def _require_our_rules(journal_directory: Path) -> None:
    """OtherRules unless the first epoch is ours; no later one can be of other rules, for none would have begun here."""
    for record in CommandJournal(journal_directory):
        if record.kind == lib.RECORD_COMMAND:
            require_our_rules(record.path, record.message)
            return


def require_our_venue(paths: list[Path], venue: str) -> None:
    """RecoveryError when a segment names another venue; OtherFormat when one is not of our format."""
    for path in paths:
        head = segment_head(path)
        if head is not None and head.venue != venue:
            raise RecoveryError(
                f"{path} is the journal of venue {head.venue}, not of {venue}: correct [venue] id or [paths] state_dir"
            )


def divergence(status: int, cursor: Any, path: Path) -> str:
    where = f"{path}: command {cursor.sequence}"
    return {
        lib.REPLAY_STATE_DIVERGED: f"{where}: the state hash journaled there is not the one the replay arrives at",
        lib.REPLAY_EVENTS_DIVERGED: f"{where}: the event journal holds other events than the replay gives",
        lib.REPLAY_POOLS_TOO_SMALL: f"{where}: was accepted with larger pools than [engine] now has in max_orders, "
        "max_price_pages, max_clordids, max_accounts, max_assets, max_instruments, max_sessions or "
        "max_bustable_trades: raise it again",
        lib.REPLAY_DISK_FULL: f"{where}: the disk has no room for the event journal: make room and start again",
        lib.REPLAY_RING_TOO_SMALL: f"{where}: the limits journaled so far need a larger event ring than this build has",
    }[status]


def _zero_from(cut: Torn) -> None:
    """What lay beyond the cut must never be taken for a record or a watermark again."""
    with cut.path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(cut.offset)
        for at in range(cut.offset, end, ZERO_BYTES):
            file.write(bytes(min(ZERO_BYTES, end - at)))
        file.flush()
        os.fsync(file.fileno())


def _secure(directory: Path, paths: list[Path]) -> None:
    """What is going to be replayed is on the disk before its events are stored: those without their commands would
    refuse the next start.

    A failed sync leaves pages that later syncs take for written: what is read may be in memory only. They are in the
    last segment, for none is begun before the one before it is synced; and a clean stop has synced all but its COMMIT.
    """
    if paths:
        end = _clean_end(paths[-1])
        _rewrite(paths[-1], max(0, end - PAGE_BYTES), end or paths[-1].stat().st_size)
    _sync(directory)


def _clean_end(path: Path) -> int:
    """Offset behind the COMMIT of a clean stop, 0 if the segment ends otherwise."""
    data = map_segment(path)
    cursor = ffi.new("struct record_cursor *")
    cursor.data, cursor.size = ffi.from_buffer(data), len(data)
    while (status := lib.retrace_prove(cursor, RECORDS_PER_CALL)) == lib.RETRACE_MORE:
        continue
    return int(cursor.offset) if status == lib.RETRACE_END and cursor.clean else 0


def _rewrite(path: Path, first: int, end: int) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        for at in range(first, end, ZERO_BYTES):
            os.pwrite(descriptor, os.pread(descriptor, min(ZERO_BYTES, end - at), at), at)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync(directory: Path) -> None:
    """A killed engine leaves records in the page cache that were read just now but may not be on the disk yet."""
    for path in (*segments(directory), directory):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
