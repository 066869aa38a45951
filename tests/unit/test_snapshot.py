"""A snapshot's header and file: any byte that is wrong is noticed, and any word of it that does not fit is said."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cfg.daemon import Life
from cfg.load import load
from cfg.model import VenueConfig
from cfg.notify import Notifier
from engine import snapshot
from engine.core import Core
from engine.follow import COUNTERS, Follower
from engine.inspect import capacity, journal_directory
from engine.recovery import stand_behind
from engine.snapshot import HEADER, Snapshot, Unusable
from engine.wire.counters import Counters
from ops.toml_edit import Edit, apply
from tests.fixtures.fix_follower import SMALL_POOLS
from tests.fixtures.made_journal import make_journal

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = 6_000


@dataclass
class Past:
    """A journal, the only snapshot of it, and a core that the snapshot fits."""

    config: VenueConfig
    path: Path
    good: Snapshot
    core: Core

    def use(self, path: Path) -> Snapshot:
        """All that a start asks of a snapshot, in its order."""
        found = snapshot.read(path)
        snapshot.require_fit(found, self.config.venue.id, self.core.handle)
        stand_behind(found, journal_directory(self.config))
        snapshot.load(path, found, self.core.handle)
        return found


@pytest.fixture(scope="module")
def past() -> Iterator[Past]:
    """Six thousand commands and the follower's snapshot of them."""
    directory = Path(tempfile.mkdtemp(prefix="venue-snap-"))
    cfg_dir = directory / "cfg"
    shutil.copytree(ROOT / "cfg", cfg_dir, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    venue = cfg_dir / "venue.toml"
    paths = {"state_dir": str(directory / "state"), "run_dir": str(directory / "run")}
    edits = [Edit("paths", paths), Edit("engine", SMALL_POOLS), Edit("follower", {"snapshot_every_commands": 4_096})]
    venue.write_text(apply(venue.read_text(), edits))
    config = load(cfg_dir)
    make_journal(config, directory / "state" / "engine", COMMANDS, 200)
    life = Life("follower", "", config, Notifier({}))
    follower = Follower(config, life, Counters(directory / "counters", COUNTERS))
    follower.open()
    while follower.turn():
        continue
    follower.close()
    (path,) = snapshot.newest_first(snapshot.directory_of(config.paths.state_dir))
    yield Past(config, path, snapshot.read(path), Core(capacity(config)))
    shutil.rmtree(directory)


def copy_with(past: Past, tmp_path: Path, at: int, bits: int) -> Path:
    """The snapshot with a byte changed."""
    data = bytearray(past.path.read_bytes())
    data[at] ^= bits
    copy = tmp_path / past.path.name
    copy.write_bytes(data)
    return copy


def test_a_snapshot_holds_what_the_journal_leads_to(past: Past) -> None:
    """Read back, it fits, stands in the journal, loads, and says which command and event it is of."""
    found = past.use(past.path)
    assert found == past.good == snapshot.verify(past.path)
    assert (found.sequence, found.epoch, found.venue) == (4_096, 1, past.config.venue.id)
    assert found.epochs == ((1, 1),)
    assert past.core.event_sequence == found.event_sequence
    assert past.core.state_hash() == found.state_hash


@pytest.mark.parametrize("at", range(HEADER.size + 16))
def test_any_byte_of_the_header_is_checked(past: Past, tmp_path: Path, at: int) -> None:
    """The header's own checksum, or its magic or version, notices every changed byte."""
    with pytest.raises(Unusable):
        snapshot.read(copy_with(past, tmp_path, at, 0x10))


def test_any_byte_of_the_image_is_checked(past: Past, tmp_path: Path) -> None:
    """Without loading it and when loading it: the damage is told, or the core is as new."""
    size = past.path.stat().st_size
    for at in (HEADER.size + 16, HEADER.size + 40, size // 3, size // 2, size - 16, size - 8, size - 1):
        damaged = copy_with(past, tmp_path, at, 1)
        with pytest.raises(Unusable, match="damaged at offset"):
            snapshot.verify(damaged)
        with pytest.raises(Unusable, match="is damaged"):
            past.use(damaged)
        assert past.core.event_sequence == 0
    short = tmp_path / "short.vs"
    short.write_bytes(past.path.read_bytes()[:-1])
    with pytest.raises(Unusable, match="damaged at offset"):
        snapshot.verify(short)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"venue": "OTHER"}, "is of venue OTHER"),
        ({"rules_version": 1}, "is of rules_version 1, this program has"),
        ({"layout": 1}, "another layout of records"),
        ({"capacity": (1, 2, 3, 4, 5, 6, 7, 8)}, "is of other pools: max_orders was 1, "),
        ({"sequence": 4_095}, "another record than command 4095"),
        ({"state_hash": 1}, "is not its state hash"),
        ({"event_sequence": 1}, "another event sequence"),
    ],
)
def test_a_header_that_does_not_fit_says_what_does_not(
    past: Past, tmp_path: Path, change: dict[str, object], why: str
) -> None:
    """Well sealed but of something else: not used, with the reason."""
    past.use(past.path)
    other = dataclasses.replace(past.good, **change)  # type: ignore[arg-type]
    path = snapshot.write(tmp_path, past.path.name, other, past.core.handle)
    with pytest.raises(Unusable, match=why):
        past.use(path)


@pytest.mark.parametrize("name", ["segment", "record_offset", "offset", "previous_crc", "crc"])
def test_a_position_that_the_journal_does_not_have_is_not_believed(past: Past, tmp_path: Path, name: str) -> None:
    """The record must stand at its place, in its segment, with the chain as it was."""
    past.use(past.path)
    position = past.good.position
    moved = dataclasses.replace(position, **{name: getattr(position, name) + 8})
    other = dataclasses.replace(past.good, position=moved)
    path = snapshot.write(tmp_path, past.path.name, other, past.core.handle)
    with pytest.raises(Unusable, match=r"journal|record"):
        past.use(path)


def test_a_snapshot_of_another_state_than_it_says_is_not_believed(past: Past, tmp_path: Path) -> None:
    """Everything sealed and in its place, but the image of an empty core: the hash, taken anew, tells."""
    path = snapshot.write(tmp_path, past.path.name, past.good, Core(capacity(past.config)).handle)
    with pytest.raises(Unusable, match="another state than its hash says"):
        past.use(path)


def test_two_are_kept_and_what_a_kill_left_is_removed(past: Past, tmp_path: Path) -> None:
    """tidy leaves the two latest commands and nothing half written; other files are not its own."""
    for sequence in (1, 2, 10):
        snapshot.write(tmp_path, dataclasses.replace(past.good, sequence=sequence).name, past.good, past.core.handle)
    (tmp_path / f"{11:020d}.vs.tmp").write_bytes(b"half")
    (tmp_path / "diverged-00000000000000000001.vs").write_bytes(b"kept")
    snapshot.tidy(tmp_path)
    assert [int(path.stem) for path in snapshot.newest_first(tmp_path)] == [10, 2]
    assert len(list(tmp_path.iterdir())) == 3


def test_a_disk_that_refuses_leaves_no_file(past: Past, tmp_path: Path) -> None:
    """An error while writing is raised, and neither name nor half a file is there."""
    (tmp_path / past.path.name).mkdir()
    with pytest.raises(IsADirectoryError):
        snapshot.write(tmp_path, past.path.name, past.good, past.core.handle)
    assert [path.name for path in tmp_path.iterdir()] == [past.path.name]
