"""The shim itself: what it lets through unchanged, what it does to calls, and what of them it calls durable."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.faults.power_cut import Disk, Untracked, restore_durable
from tests.faults.shim import Call, Fault, Kind, Shim, disk_full, power_cut, slow_sync, sync_error, write_error
from tests.fixtures.fix_engine import wait_for

SEEDS = range(40)
PRELUDE = """
import errno, json, os, sys, time
from pathlib import Path
here = Path(sys.argv[1])
def put(name, data, at=0, flags=os.O_CREAT | os.O_RDWR):
    file = os.open(here / name, flags, 0o640)
    os.pwrite(file, data, at)
    return file
def sync_directory(name="."):
    file = os.open(here / name, os.O_RDONLY)
    os.fsync(file)
    os.close(file)
def outcome(call):
    try:
        return call()
    except OSError as error:
        return errno.errorcode[error.errno]
"""


@pytest.fixture
def shim(tmp_path: Path) -> Shim:
    """A shim over an empty directory."""
    (tmp_path / "disk").mkdir()
    return Shim(tmp_path / "disk", tmp_path / "control", tmp_path / "log")


def start(shim: Shim, program: str) -> subprocess.Popen[bytes]:
    """A program under the shim."""
    environment = dict(os.environ, **shim.environment())
    command = [sys.executable, "-c", PRELUDE + program, str(shim.directory)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)


def run(shim: Shim, program: str, code: int = 0) -> Any:
    """What a program under the shim printed as JSON before it ended with this code."""
    process = start(shim, program)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == code
    return json.loads(out) if out else None


def images(shim: Shim) -> list[dict[str, bytes | None]]:
    """What a power cut may leave, for many seeds."""
    disk = Disk(shim.log)
    return [disk.cut(seed)[0] for seed in SEEDS]


def test_what_programs_see_is_what_the_log_tells(shim: Shim) -> None:
    """Every way a file is changed is in the log: replayed, it gives the directory as it is."""
    run(
        shim,
        """
file = put("a", b"x" * 5000, 100)
os.writev(file, [b"one", b"two"])
os.lseek(file, 0, os.SEEK_END)
os.write(file, b"at the end")
os.ftruncate(file, 4000)
os.pwritev(file, [bytes(4096), b"tail"], 8192)
os.close(os.open(here / "b", os.O_CREAT | os.O_WRONLY))
appended = os.open(here / "b", os.O_WRONLY | os.O_APPEND)
os.write(appended, b"first")
os.write(appended, b"second")
os.posix_fallocate(appended, 0, 20000)
os.mkdir(here / "d")
os.rename(here / "a", here / "d" / "a")
os.link(here / "b", here / "d" / "b")
put("gone", b"data")
os.unlink(here / "gone")
os.truncate(here / "b", 15000)
with open(here / "text", "w") as text: text.write("through Python")
put("text", b"T", flags=os.O_RDWR | os.O_TRUNC)
os.chdir(here)
os.rename("text", "renamed")
""",
    )
    seen = Disk(shim.log).seen()
    found = {path for path in shim.directory.rglob("*") if path.is_file()}
    assert seen == {path.relative_to(shim.directory).as_posix(): path.read_bytes() for path in found}
    assert set(seen) == {"b", "d/a", "d/b", "renamed"}


def test_what_lies_outside_the_directory_is_let_alone(shim: Shim) -> None:
    """Faults for everything do not hit a file beside the directory, nor pipes; the log holds nothing of it."""
    shim.inject(Fault(Kind.FAIL, Call.CREATE | Call.WRITE | Call.SYNC | Call.RENAME, error=errno.EIO))
    run(
        shim,
        """
file = os.open(here.parent / "beside", os.O_CREAT | os.O_RDWR, 0o640)
os.write(file, b"untouched")
os.fsync(file)
os.rename(here.parent / "beside", here.parent / "disk-too")
print(json.dumps(outcome(lambda: put("inside", b""))))
""",
    )
    assert (shim.directory.parent / "disk-too").read_bytes() == b"untouched"
    assert Disk(shim.log).seen() == {}


def test_synced_data_under_a_synced_name_survives_every_cut(shim: Shim) -> None:
    """fsync of the file and of its directory: there with every seed; what came later is there with some only."""
    run(
        shim,
        """
file = put("kept", b"k" * 10000)
os.fsync(file)
sync_directory()
os.pwrite(file, b"later" * 1000, 10000)
os.kill(os.getpid(), 9)
""",
        -signal.SIGKILL,
    )
    found = [image["kept"] or b"" for image in images(shim)]
    assert all(content[:10000] == b"k" * 10000 for content in found)
    assert {10000, 15000} <= {len(content) for content in found}
    assert any(len(content) == 15000 and content[10000:] != b"later" * 1000 for content in found)


def test_unsynced_pages_are_lost_singly_and_torn(shim: Shim) -> None:
    """Of a write over three pages some seed loses only the first, and some seed tears a page between sectors."""
    run(
        shim,
        """
file = put("pages", b"o" * 12288)
os.fsync(file)
sync_directory()
os.pwrite(file, b"n" * 12288, 0)
""",
    )
    found = [image["pages"] or b"" for image in images(shim)]
    pages = {tuple(content[at : at + 4096] for at in range(0, 12288, 4096)) for content in found}
    old, new = b"o" * 4096, b"n" * 4096
    assert {(old, old, old), (new, new, new)} <= pages
    assert any(first == old and new in rest for first, *rest in pages)
    sectors = {content[at : at + 512] for content in found for at in range(0, 12288, 512)}
    assert sectors == {b"o" * 512, b"n" * 512}
    assert any(page not in (old, new) for content in pages for page in content)


def test_a_name_is_durable_only_once_its_directory_is(shim: Shim) -> None:
    """A synced file is lost with its name; an unsynced rename leaves the old name or the new one, never none."""
    run(
        shim,
        """
os.fsync(put("named", b"n"))
os.fsync(put("before", b"b"))
sync_directory()
os.rename(here / "before", here / "after")
os.fsync(put("unnamed", b"u"))
os.mkdir(here / "d")
os.fsync(put("d/inside", b"i"))
sync_directory("d")
""",
    )
    names = {frozenset(image) for image in images(shim)}
    assert all("named" in found for found in names)
    assert all(len(found & {"before", "after"}) == 1 for found in names)
    assert {"unnamed" in found for found in names} == {True, False}
    assert {"d/inside" in found for found in names} == {True, False}
    assert all("d" in found for found in names if "d/inside" in found)


def test_a_failed_sync_leaves_pages_clean_that_are_not_on_the_disk(shim: Shim) -> None:
    """EIO once; the next sync succeeds and saves nothing of the failed one, but a page written again is saved."""
    hit = shim.inject(sync_error("f"))
    got = run(
        shim,
        """
file = put("f", bytes(8192))
print(json.dumps([outcome(lambda: os.fsync(file)), outcome(lambda: os.pwrite(file, b"a" * 8192, 0)),
                  outcome(lambda: os.fsync(file))]))
sync_directory()
""",
    )
    assert (got, shim.hits(hit)) == (["EIO", 8192, None], 1)
    assert {image["f"] for image in images(shim)} == {b"a" * 8192}
    shim.clear()
    shim.inject(sync_error("f"))
    run(
        shim,
        """
file = put("f", b"b" * 8192)
outcome(lambda: os.fsync(file))
os.pwrite(file, b"c", 4096)
os.fsync(file)
""",
    )
    found = [image["f"] or b"" for image in images(shim)]
    assert {content[4096:] for content in found} == {b"c" + b"b" * 4095}
    assert {b"a" * 4096, b"b" * 4096} <= {content[:4096] for content in found}


def test_writes_through_o_dsync_are_durable_and_fail_as_syncs(shim: Shim) -> None:
    """A file open with O_DSYNC needs no fsync; a sync fault hits its writes."""
    flags = "os.O_CREAT | os.O_RDWR | os.O_DSYNC"
    run(shim, f'put("f", b"data", flags={flags})\nsync_directory()')
    assert {image["f"] for image in images(shim)} == {b"data"}
    shim.inject(sync_error("f"))
    assert run(shim, f'print(json.dumps(outcome(lambda: put("f", b"lost", flags={flags}))))') == "EIO"
    assert {b"data", b"lost"} <= {image["f"] for image in images(shim)}


def test_a_disk_that_fills_takes_the_bytes_that_fit(shim: Shim) -> None:
    """The write across the border is short, the next is ENOSPC, and so is everything that needs room; others work."""
    shim.inject(disk_full("full*", after_bytes=1000))
    got = run(
        shim,
        """
file = os.open(here / "full", os.O_CREAT | os.O_RDWR, 0o640)
print(json.dumps([outcome(lambda: os.write(file, bytes(600))), outcome(lambda: os.write(file, bytes(600))),
    outcome(lambda: os.write(file, b"x")), outcome(lambda: os.posix_fallocate(file, 0, 4096)),
    outcome(lambda: os.open(here / "full-2", os.O_CREAT | os.O_RDWR)),
    outcome(lambda: os.write(put("other", b""), b"ok"))]))
""",
    )
    assert got == [600, 400, "ENOSPC", "ENOSPC", "ENOSPC", 2]


def test_faults_wait_for_their_turn_and_strike_their_number(shim: Shim) -> None:
    """after_calls lets calls pass, times ends the fault, SHORT shortens, a cleared fault is none."""
    shim.inject(Fault(Kind.FAIL, Call.WRITE, error=errno.EIO, after_calls=1, times=2))
    shim.inject(Fault(Kind.SHORT, Call.WRITE, amount=3))
    got = run(
        shim, 'file = put("f", b"")\nprint(json.dumps([outcome(lambda: os.write(file, b"12345")) for _ in range(4)]))'
    )
    assert got == ["EIO", "EIO", 3, 3]
    shim.clear()
    shim.inject(write_error(after_calls=2))
    got = run(
        shim, 'file = put("f", b"")\nprint(json.dumps([outcome(lambda: os.write(file, b"12345")) for _ in range(3)]))'
    )
    assert got == [5, "EIO", "EIO"]


def test_a_slow_sync_ends_with_the_fault(shim: Shim) -> None:
    """A delay of an hour keeps the caller until the fault is cleared."""
    hit = shim.inject(slow_sync(3_600_000_000))
    process = start(shim, 'os.fsync(put("f", b"1"))\nPath(here, "done").touch()')
    wait_for(lambda: shim.hits(hit) == 1, "the sync")
    assert not (shim.directory / "done").exists()
    shim.clear()
    process.communicate(timeout=60)
    assert (shim.directory / "done").exists()


def test_the_wall_clock_steps_and_the_monotonic_one_does_not(shim: Shim) -> None:
    """Every reading of the wall clock is off by the step, forwards and backwards, in nanoseconds."""
    program = "print(json.dumps([time.time_ns(), time.time(), time.clock_gettime_ns(0), time.monotonic_ns()]))"
    for hours in (-3, 5):
        shim.step_clock(hours * 3600 * 10**9)
        wall_ns, wall_s, clock_ns, monotonic_ns = run(shim, program)
        now_s = time.time() + hours * 3600
        assert [round((now_s - found) / 600) for found in (wall_ns / 1e9, wall_s, clock_ns / 1e9)] == [0, 0, 0]
        assert round((time.monotonic() - monotonic_ns / 1e9) / 600) == 0


@pytest.mark.parametrize(
    ("fault", "written"),
    [
        (power_cut(Call.WRITE, "f", after_calls=2), 2),
        (power_cut(Call.SYNC, "f"), 3),
        (power_cut(Call.WRITE, "f", after_bytes=5), 2),
    ],
)
def test_a_power_cut_comes_at_its_call(shim: Shim, fault: Fault, written: int) -> None:
    """The process dies before the call; the disk is restored and the log begins anew from it."""
    shim.inject(fault)
    run(
        shim,
        """
file = os.open(here / "f", os.O_CREAT | os.O_RDWR, 0o640)
for number in range(3):
    os.write(file, b"abc"[number : number + 1] * 3)
os.fsync(file)
""",
        -signal.SIGKILL,
    )
    size = {2: 6 if not fault.after_bytes else 5, 3: 9}[written]
    assert len(Disk(shim.log).seen()["f"]) == size
    loss = restore_durable(shim.log, shim.directory, seed=7)
    found = {path.name: path.read_bytes() for path in shim.directory.iterdir()}
    assert Disk(shim.log).seen() == found
    assert {image.get("f") for image in images(shim)} == {found.get("f")}
    assert 0 < loss.cut_ns < time.monotonic_ns()


@pytest.mark.parametrize(
    "program",
    [
        "import mmap\nmmap.mmap(put('changed', b'12'), 2)[0:1] = b'x'",
        "os.copy_file_range(put('f', b'12'), put('changed', b''), 2, 0)",
    ],
)
def test_changes_that_are_not_logged_are_not_guessed(shim: Shim, program: str) -> None:
    """A file written through a shared mapping or by an in-kernel copy makes the log refuse to speak."""
    run(shim, program)
    with pytest.raises(Untracked, match="changed"):
        Disk(shim.log)
