"""venuectl journal archive and prune: complete command segments to another place, and out of the journal when nothing
needs them there any more.

A segment leaves the journal only when its copy in the archive is the same to the byte and no start of the engine could
ever ask for it: it lies wholly below the older of the two snapshots that are kept. Event segments are never removed.
"""

from __future__ import annotations

import fcntl
import filecmp
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from cfg.model import VenueConfig
from engine import inspect
from engine.inspect import Segment, prove_segment
from engine.journal import segments
from engine.snapshot import Snapshot
from ops.failure import fail
from ops.files import copy_durably, make_private, sync_directory
from ops.journal import readable

#: More than the record that begins a segment.
HEAD_BYTES = 4096


@contextmanager
def retention_lock(config: VenueConfig, *, alone: bool) -> Iterator[None]:
    """Held while segments are removed (alone) or copied (beside others who copy)."""
    descriptor = os.open(inspect.journal_directory(config).parent / "retention.lock", os.O_RDWR | os.O_CREAT, 0o640)
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            fail("another backup, archive or prune is at work on this journal")
        yield
    finally:
        os.close(descriptor)


def _archive_of(config: VenueConfig, directory: Path | None) -> Path:
    if directory is None and not config.paths.archive_dir:
        fail("name a directory, or set paths.archive_dir")
    target = (directory or Path(config.paths.archive_dir)).resolve()
    if target.is_relative_to(config.paths.state_dir.resolve()):
        fail(f"{target} is within state_dir: an archive there would be the journal itself, or be lost with it")
    return target


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), required=False)
@click.pass_obj
def archive(config: VenueConfig, directory: Path | None) -> None:
    """Copy complete command segments to DIRECTORY (default: paths.archive_dir), each proved record by record.

    Ended early, it goes on where it was when called again. The segment that the engine writes to stays.
    """
    target = _archive_of(config, directory)
    with readable(config), retention_lock(config, alone=False):
        copied = _archive(config, target)
    total = len(segments(target))
    click.echo(f"{copied} segments copied, {total} in {target}")


def _archive(config: VenueConfig, target: Path) -> int:
    make_private(target)
    for unfinished in target.glob("*.tmp"):
        unfinished.unlink()
    copied = 0
    before: Segment | None = None
    for path in segments(inspect.journal_directory(config))[:-1]:
        copy = target / path.name
        if copy.exists():
            if not _begins_alike(copy, path):
                fail(f"{copy} is not a copy of {path}: archive to another directory")
            before = None
            continue
        earlier = segments(target)[-1:]
        if before is None and earlier:
            before = prove_segment(earlier[0])
        follows = before is not None and before.last + 1 == int(path.stem)
        before = prove_segment(path, before if follows else None)
        _copy(before, copy)
        copied += 1
        click.echo(f"{path.name}: commands {before.first}..{before.last}")
    return copied


def _begins_alike(copy: Path, path: Path) -> bool:
    """The head of a segment names venue and time and chains it to all before; `prune` compares the rest."""
    with copy.open("rb") as one, path.open("rb") as other:
        return copy.stat().st_size == path.stat().st_size and one.read(HEAD_BYTES) == other.read(HEAD_BYTES)


def _copy(proved: Segment, copy: Path) -> None:
    unfinished = copy.with_suffix(".tmp")
    copy_durably(proved.path, unfinished)
    again = prove_segment(unfinished)
    if (again.first, again.last, again.end, again.crc) != (proved.first, proved.last, proved.end, proved.crc):
        fail(f"the copy of {proved.path} is not what was copied: look at the disk below {copy.parent}")
    unfinished.rename(copy)
    sync_directory(copy.parent)


@click.command()
@click.option("--archive", "directory", type=click.Path(path_type=Path), help="default: paths.archive_dir")
@click.pass_obj
def prune(config: VenueConfig, directory: Path | None) -> None:
    """Remove command segments that are archived and wholly below the older of the two kept snapshots.

    Says what stays and why; exit code 1 when a segment stays that could go if it were archived.
    """
    target = _archive_of(config, directory)
    with readable(config), retention_lock(config, alone=True):
        floor = _floor(config)
        paths = segments(inspect.journal_directory(config))
        removable = [path for path in paths if int(path.stem) < floor.position.segment]
        if not removable:
            click.echo(
                f"nothing to remove: a start from the older snapshot, of command {floor.sequence}, needs every segment"
            )
            return
        kept = [path for path in removable if not _is_archived(path, target)]
        going = removable[: removable.index(kept[0])] if kept else removable
        if going:
            _require_events(config, floor)
        for path in going:
            path.unlink()
            click.echo(f"removed {path.name}")
        sync_directory(inspect.journal_directory(config))
    if kept:
        fail(f"{kept[0].name} stays, and what follows it: no equal copy in {target}; run `venuectl journal archive`")


def _floor(config: VenueConfig) -> Snapshot:
    """The older of the two newest snapshots."""
    found = inspect.snapshots(config)
    if len(found) < 2:
        fail(f"nothing may be removed: {len(found)} valid snapshots, and two must be kept (venue-engine --follow)")
    return found[1]


def _is_archived(path: Path, target: Path) -> bool:
    """Whether another file, not a link to this one, has the same bytes."""
    copy = target / path.name
    return copy.exists() and not copy.samefile(path) and filecmp.cmp(path, copy, shallow=False)


def _require_events(config: VenueConfig, floor: Snapshot) -> None:
    """Without their commands the events of the past can't be written again: all must be stored, whole and on disk."""
    stored = sum(1 for _ in inspect.events_from(config, 1, floor.event_sequence))
    if stored < floor.event_sequence:
        directory = inspect.events_directory(config)
        fail(f"nothing may be removed: {directory} holds {stored} of the {floor.event_sequence} events of the snapshot")
    for path in inspect.events_directory(config).iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    sync_directory(inspect.events_directory(config))
