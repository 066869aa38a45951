"""Brings a core back to what its journal says: replay, cut a torn tail, refuse damage, rebuild the event journal.

What a COMMIT called durable is never dropped: damage at or below a known watermark ends the start.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine._native import ffi, lib
from engine.journal import CommandJournal, Torn, map_segment, require_our_rules, segments, torn_tail

#: Records per call into C: between two calls progress is told and a stop request seen.
RECORDS_PER_CALL = 65_536
THROUGH_ALL = 2**64 - 1
ZERO_BYTES = 1 << 20
#: Header of a record, and where a SEGMENT's body names the venue (record.h).
VENUE_AT, VENUE_SIZE = 32 + 8, 16


class RecoveryError(Exception):
    """The engine must not start on this journal; the text says what an operator has to look at."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """Where the journal ends: `cursor` (struct record_cursor *), the segment to go on in or None, and how it ended."""

    cursor: Any
    segment: Path | None
    clean: bool
    cut: Torn | None
    events_rewritten_from: int


def recover(
    replay: Any,
    journal_directory: Path,
    events_directory: Path,
    *,
    venue: str,
    sync: bool,
    on_progress: Callable[[str], None],
) -> Recovered:
    """Replays everything into the core of `replay` (struct replay *).

    Raises Damaged, OtherRules or RecoveryError, having changed nothing of value.

    `venue`: whose journal it must be. `sync`: events are released only when durable, so that events without their
    commands prove a loss.
    on_progress gets a line now and then and may raise to give up.
    """
    cursor = ffi.new("struct record_cursor *")
    paths = segments(journal_directory)
    if paths and int(paths[0].stem) != 1:
        raise RecoveryError(
            f"{paths[0]}: the journal begins with command {int(paths[0].stem)} and there is no snapshot: "
            "restore the earlier segments"
        )
    _require_our_rules(journal_directory)
    cut, last = _replay_segments(replay, cursor, paths, venue, on_progress)
    lost = lib.replay_events_excess(replay)
    if lost and sync and cursor.durability == lib.JOURNAL_SYNC:
        raise RecoveryError(
            f"{events_directory} holds events of command {lost}, but {journal_directory} ends at {cursor.sequence}: "
            "acknowledged commands are missing; restore the journal, or delete the event journal to accept the loss"
        )
    if cut is not None and cut.offset > 0:
        _zero_from(cut)
    # A segment without records bears the name of a command that may have been lost with the end of the one before it.
    for path in paths if last is None else paths[paths.index(last) + 1 :]:
        path.unlink()
    if last is not None and (cut is not None or not cursor.clean):
        _rewrite(last)
    _sync(journal_directory)
    lib.replay_settle_events(replay)
    clean = cut is None and (last is None or bool(cursor.clean))
    return Recovered(cursor, last if cursor.offset else None, clean, cut, lib.replay_events_cut(replay))


def _replay_segments(
    replay: Any, cursor: Any, paths: list[Path], venue: str, on_progress: Callable[[str], None]
) -> tuple[Torn | None, Path | None]:
    """Replays them all; returns where they are torn, if they are, and the last one with a record in it."""
    last: Path | None = None
    total = sum(path.stat().st_size for path in paths) or 1
    done = 0
    for path in paths:
        data = map_segment(path)
        buffer = ffi.from_buffer(data)
        cursor.data, cursor.size, cursor.offset = buffer, len(data), 0
        while (status := lib.replay_run(replay, cursor, THROUGH_ALL, RECORDS_PER_CALL)) == lib.REPLAY_MORE:
            on_progress(f"replaying {100 * (done + cursor.offset) // total} %")
        if cursor.offset:
            last = path
            _check_venue(path, data, venue)
        if status == lib.REPLAY_DAMAGED:
            return torn_tail(cursor, paths[paths.index(path) :]), last
        if status != lib.REPLAY_END:
            raise RecoveryError(_divergence(status, cursor, path))
        done += len(data)
    return None, last


def _require_our_rules(journal_directory: Path) -> None:
    """OtherRules unless the first epoch is ours; no later one can be of other rules, for none would have begun here."""
    for record in CommandJournal(journal_directory):
        if record.kind == lib.RECORD_COMMAND:
            require_our_rules(record.path, record.message)
            return


def _check_venue(path: Path, segment: mmap.mmap | bytes, venue: str) -> None:
    """RecoveryError unless the segment's first record, proved by now, names this venue."""
    found = segment[VENUE_AT : VENUE_AT + VENUE_SIZE].rstrip(b"\0").decode(errors="replace")
    if found != venue:
        raise RecoveryError(f"{path} is the journal of venue {found}, not of {venue}")


def _divergence(status: int, cursor: Any, path: Path) -> str:
    where = f"{path}: command {cursor.sequence}"
    return {
        lib.REPLAY_STATE_DIVERGED: f"{where}: the state hash journaled there is not the one the replay arrives at",
        lib.REPLAY_EVENTS_DIVERGED: f"{where}: the event journal holds other events than the replay gives",
        lib.REPLAY_POOLS_TOO_SMALL: f"{where}: was accepted with larger pools than [engine] now has in max_orders, "
        "max_price_pages, max_clordids, max_accounts, max_assets, max_instruments, max_sessions or "
        "max_bustable_trades: raise it again",
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


def _rewrite(path: Path) -> None:
    """A failed sync leaves pages that later syncs take for written: what was read just now may be in memory only."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        for at in range(0, os.fstat(descriptor).st_size, ZERO_BYTES):
            os.pwrite(descriptor, os.pread(descriptor, ZERO_BYTES, at), at)
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
