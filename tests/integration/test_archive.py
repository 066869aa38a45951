"""Segments archived and pruned under a live engine and its follower: the past stays askable, the engine startable."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.journal import segments
from engine.snapshot import Unusable, directory_of, newest_first, read
from engine.wire.messages import Side
from ops import venuectl
from ops.toml_edit import Edit, apply
from tests.fixtures.fix_engine import ALPHA_ACCOUNT, ROOT, USD, EngineClient, EngineDaemon, wait_for

#: A state hash is journaled every 4,096 commands, and a snapshot may follow each.
ORDERS = 4_500
SNAPSHOTS_S = 120
FRAME_ORDERS = 500


def ctl(engine: EngineDaemon, *arguments: str) -> Result:
    """Runs one command as an operator would."""
    result = CliRunner().invoke(venuectl.main, ["--cfg", str(engine.cfg_dir), *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def good(engine: EngineDaemon, *arguments: str) -> str:
    """The output of a command that must succeed."""
    result = ctl(engine, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(engine: EngineDaemon, *arguments: str) -> str:
    """The last line of a command that must be refused."""
    result = ctl(engine, *arguments)
    assert result.exit_code == 1, result.output
    return result.stderr.splitlines()[-1]


@pytest.fixture
def archived_to(make_engine: Callable[..., EngineDaemon], tmp_path: Path) -> EngineDaemon:
    """An engine whose cfg names an archive and a follower that snapshots often."""
    engine = make_engine()
    venue = engine.cfg_dir / "venue.toml"
    edits = [
        Edit("paths", {"archive_dir": str(tmp_path / "archive")}),
        Edit("follower", {"snapshot_every_commands": 4_096, "snapshot_every_s": 1}),
    ]
    venue.write_text(apply(venue.read_text(), edits))
    engine.restart()
    return engine


@contextmanager
def followed(engine: EngineDaemon) -> Iterator[None]:
    """The engine's follower runs meanwhile."""
    command = [sys.executable, "-m", "engine.daemon", "--follow", "--cfg", str(engine.cfg_dir)]
    with engine.log_path.open("ab") as log:
        follower = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=log, stderr=log)
    try:
        yield
    finally:
        follower.terminate()
        follower.wait(30)


def trade(client: EngineClient, orders: int) -> None:
    """Orders that rest and are bought away, so that the book stays small."""
    for _ in range(orders // FRAME_ORDERS):
        sides = (Side.BUY, Side.SELL) * (FRAME_ORDERS // 2)
        client.send(client.gateway, [client.order(side, 1_000, 1) for side in sides])
    client.poll_until(lambda: _answered(client) == client.client_seq, "every order's verdict", 60)


def _answered(client: EngineClient) -> int:
    """client_seq of the newest verdict."""
    return max((getattr(event, "client_seq", 0) for event in client.decoded()[-20:]), default=0)


@pytest.fixture
def busy(archived_to: EngineDaemon, engine_client: Callable[..., EngineClient]) -> EngineDaemon:
    """An engine that has traded until a segment lay below both of its follower's snapshots; the follower has ended."""
    client = engine_client(archived_to)
    client.credit(ALPHA_ACCOUNT, USD, 10**12, 1)
    client.attach()
    deadline = time.monotonic() + SNAPSHOTS_S
    with followed(archived_to):
        while not _has_old_segment(archived_to):
            assert time.monotonic() < deadline, f"no two snapshots after {SNAPSHOTS_S} s:\n{archived_to.log[-4000:]}"
            trade(client, ORDERS)
    return archived_to


def _has_old_segment(engine: EngineDaemon) -> bool:
    """Whether both snapshots begin behind the first segment."""
    kept = newest_first(directory_of(engine.state_dir))
    try:
        return len(kept) == 2 and read(kept[1]).position.segment > 1
    except Unusable:
        return False  # removed just now: there is a newer one


@pytest.mark.timeout(300)
def test_what_is_archived_and_below_both_snapshots_leaves_the_journal(busy: EngineDaemon, tmp_path: Path) -> None:
    """The engine starts from what is left, to the same state; the past is read from the archive."""
    archive = tmp_path / "archive"
    early = good(busy, "state-hash", "--at", "3000")
    whole = segments(busy.journal_dir)
    assert "run `venuectl journal archive`" in refused(busy, "journal", "prune")
    assert segments(busy.journal_dir) == whole, "nothing leaves the journal that is not in the archive"
    assert good(busy, "journal", "archive").endswith(
        f"{len(whole) - 1} segments copied, {len(whole) - 1} in {archive}\n"
    )
    assert good(busy, "journal", "archive").startswith("0 segments copied"), "a second time there is nothing to do"
    said = good(busy, "journal", "prune")
    left = segments(busy.journal_dir)
    assert 0 < len(left) < len(whole)
    assert said.splitlines() == [f"removed {path.name}" for path in whole if path not in left]
    older = int(newest_first(directory_of(busy.state_dir))[1].stem)
    assert int(left[0].stem) <= older, "the older snapshot's own state hash stays"
    assert good(busy, "state-hash", "--at", "3000") == early
    assert "every record proved" in good(busy, "journal", "verify")
    assert busy.stop() == 0
    before = good(busy, "state-hash").split()
    shutil.rmtree(archive)
    busy.start()
    assert good(busy, "state-hash", "--at", before[1]).split() == before
    assert "set archive_dir to where the earlier segments are" in refused(busy, "state-hash", "--at", "3000")
    said = good(busy, "replay", "--verify")
    assert said.startswith(f"replayed from snapshot {older} ") and " events as stored" in said


@pytest.mark.timeout(300)
def test_a_backup_of_a_pruned_venue_starts(busy: EngineDaemon, tmp_path: Path) -> None:
    """The snapshot that the journal needs is in the backup too, and the restored engine goes on from it."""
    good(busy, "journal", "archive")
    good(busy, "journal", "prune")
    good(busy, "backup", str(tmp_path / "backup"))
    assert busy.stop() == 0
    shutil.rmtree(busy.state_dir)
    shutil.rmtree(tmp_path / "archive")
    restored = good(busy, "restore", str(tmp_path / "backup")).split()
    busy.start()
    command, state_hash = restored[restored.index("command") + 1].rstrip(","), restored[restored.index("hash") + 1]
    assert good(busy, "state-hash", "--at", command).split()[5] == state_hash.rstrip(",")


def test_the_journal_is_no_archive_of_itself(busy: EngineDaemon, tmp_path: Path) -> None:
    """A directory that is the journal, or links to its segments, holds no copy: nothing is removed because of it."""
    before = segments(busy.journal_dir)
    for verb in (("archive",), ("prune", "--archive")):
        assert "is within state_dir" in refused(busy, "journal", *verb, str(busy.journal_dir))
    links = tmp_path / "links"
    links.mkdir()
    for path in before:
        (links / path.name).symlink_to(path)
    assert "no equal copy" in refused(busy, "journal", "prune", "--archive", str(links))
    assert segments(busy.journal_dir)[: len(before)] == before


def test_nothing_is_pruned_without_two_snapshots(archived_to: EngineDaemon) -> None:
    """A venue without a follower keeps its whole journal."""
    assert refused(archived_to, "journal", "prune").startswith("nothing may be removed: 0 valid snapshots")


def test_an_archive_of_another_venue_is_refused(
    make_engine: Callable[..., EngineDaemon], engine_client: Callable[..., EngineClient], tmp_path: Path
) -> None:
    """Segments bear the same names everywhere: one that is not a copy of ours ends the archiving, untouched."""
    engine = make_engine()
    client = engine_client(engine)
    client.credit(ALPHA_ACCOUNT, USD, 10**12, 1)
    client.attach()
    trade(client, 6_000)
    wait_for(lambda: len(segments(engine.journal_dir)) >= 2, "a second segment")
    archive = tmp_path / "archive"
    good(engine, "journal", "archive", str(archive))
    copy = segments(archive)[0]
    assert copy.stat().st_mode & 0o777 == 0o600
    assert copy.read_bytes() == (engine.journal_dir / copy.name).read_bytes()
    other = bytearray(copy.read_bytes())
    other[100] ^= 1
    copy.write_bytes(other)
    assert "is not a copy of" in refused(engine, "journal", "archive", str(archive))
    assert copy.read_bytes() == other


def test_an_archiving_that_was_cut_short_goes_on(
    make_engine: Callable[..., EngineDaemon], engine_client: Callable[..., EngineClient], tmp_path: Path
) -> None:
    """What a kill left half copied is copied again; a whole copy is not."""
    engine = make_engine()
    client = engine_client(engine)
    client.credit(ALPHA_ACCOUNT, USD, 10**12, 1)
    client.attach()
    trade(client, 12_000)
    wait_for(lambda: len(segments(engine.journal_dir)) >= 3, "a third segment")
    archive = tmp_path / "archive"
    good(engine, "journal", "archive", str(archive))
    second = segments(archive)[1]
    half = second.with_suffix(".tmp")
    second.rename(half)
    half.write_bytes(half.read_bytes()[:5_000])
    said = good(engine, "journal", "archive", str(archive)).splitlines()
    assert said[0].startswith(second.name)
    assert said[-1].startswith("1 segments copied")
    assert not list(archive.glob("*.tmp"))
