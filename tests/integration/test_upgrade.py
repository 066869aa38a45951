"""Rehearsal of another build on a real journal: one that agrees, one with other rules, one that goes astray."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from click.testing import CliRunner, Result

from engine.journal import RULES_VERSION
from engine.wire.messages import Side
from ops import venuectl
from tests.fixtures.fix_engine import ALPHA_ACCOUNT, ETH, ROOT, USD, EngineClient, EngineDaemon, wait_for
from tests.fixtures.fix_follower import FollowerDaemon

PACKAGES = ("cfg", "engine", "fixgw", "mdfeed", "settlement", "ops")
METADATA = ("setup.cfg", "setup.py", "pyproject.toml", "README.md", "LICENSE")
#: The wrong build mixes its state hash with another key.
MIX, KEY, OTHER_KEY = "engine/native/mix.c", "0xE220A8397B1DCDAF", "0xE220A8397B1DCDAE"


def built(directory: Path, file: str = "", old: str = "", new: str = "") -> Path:
    """A wheel of this tree, compiled without optimisation, with `old` replaced in one file."""
    source = directory / "source"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("*.so", "_native.c", "*.new"))
    for name in METADATA:
        shutil.copy(ROOT / name, source)
    for path, before, after in (("engine/native/build.py", '"-O3"', '"-O0"'), (file, old, new)):
        if path:
            text = (source / path).read_text()
            assert before in text
            (source / path).write_text(text.replace(before, after))
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--disable-pip-version-check", "-w", str(directory), str(source)], check=True)
    (wheel,) = directory.glob("*.whl")
    return wheel


def rewritten(wheel: Path, directory: Path, file: str, old: str, new: str) -> Path:
    """The wheel with `old` replaced in one of its Python files."""
    directory.mkdir()
    other = directory / wheel.name
    with ZipFile(wheel) as reading, ZipFile(other, "w", ZIP_DEFLATED) as writing:
        for item in reading.infolist():
            data = reading.read(item)
            if item.filename == file:
                assert old.encode() in data
                data = data.replace(old.encode(), new.encode())
            writing.writestr(item, data)
    return other


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This tree as another compiler's flags make it."""
    return built(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def traded(
    make_engine: Callable[..., EngineDaemon],
    engine_client: Callable[..., EngineClient],
    make_follower: Callable[..., FollowerDaemon],
) -> EngineDaemon:
    """A running engine with a few orders, past stops and so state hashes, and a snapshot that its follower took."""
    engine = make_engine()
    client = engine_client(engine)
    client.credit(ALPHA_ACCOUNT, USD, 10**12, 1)
    client.credit(ALPHA_ACCOUNT, ETH, 10**12, 2)
    client.attach()
    client.send(client.gateway, [client.order(side, 200_000, 5) for side in (Side.BUY, Side.SELL) for _ in range(20)])
    client.poll_until(lambda: engine.counter("durable_sequence") == engine.counter("sequence"), "all to be durable")
    client.close()
    follower = make_follower(engine, snapshot_every_s=1)
    follower.start()
    wait_for(lambda: restarted(engine) and bool(follower.snapshots()), "a snapshot")
    assert follower.stop() == 0
    return engine


def restarted(engine: EngineDaemon) -> bool:
    """A clean stop journals a state hash, behind which a snapshot may be taken once one is due."""
    assert engine.stop() == 0
    engine.restart()
    return True


def check(engine: EngineDaemon, wheel: Path) -> Result:
    """What venuectl says of a wheel."""
    result = CliRunner().invoke(venuectl.main, ["--cfg", str(engine.cfg_dir), "upgrade", "check", str(wheel)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.timeout(600)
def test_a_build_that_agrees_is_shown_to(traded: EngineDaemon, wheel: Path) -> None:
    """Other compiler flags, the same state at every StateHash and the same events, beside the running engine."""
    result = check(traded, wheel)
    assert result.exit_code == 0, result.output
    assert " state hashes, " in result.stdout
    assert " 0 state hashes, " not in result.stdout
    assert "and the state at the end are equal" in result.stdout
    assert traded.process is not None and traded.process.poll() is None


@pytest.mark.timeout(600)
def test_a_build_with_other_rules_is_named_as_such(traded: EngineDaemon, wheel: Path, tmp_path: Path) -> None:
    """Exit code 1, both rules_versions, and where it could start from."""
    rules = f"RULES_VERSION = {RULES_VERSION}"
    other = rewritten(wheel, tmp_path / "other", "engine/journal.py", rules, f"RULES_VERSION = {RULES_VERSION + 1}")
    result = check(traded, other)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"has rules_version {RULES_VERSION + 1}, this release {RULES_VERSION}" in result.stderr


@pytest.mark.timeout(600)
def test_a_build_that_goes_astray_is_found_out(traded: EngineDaemon, tmp_path: Path) -> None:
    """Another state hash after the same commands: exit code 1, with the command it was journaled at."""
    result = check(traded, built(tmp_path, MIX, KEY, OTHER_KEY))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "does not replay this journal" in result.stderr
    assert "the state hash journaled there is not the one the replay arrives at" in result.stderr


def test_what_is_no_wheel_of_the_venue_is_refused(traded: EngineDaemon, tmp_path: Path) -> None:
    """Neither another package nor another file is installed."""
    with ZipFile(tmp_path / "other-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("other/__init__.py", "")
    (tmp_path / "text.whl").write_text("no archive")
    for name, says in (("other-1.0-py3-none-any.whl", "is no wheel of the venue"), ("text.whl", "is no wheel")):
        result = check(traded, tmp_path / name)
        assert (result.exit_code, result.stdout) == (1, "")
        assert says in result.stderr
