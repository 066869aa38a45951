"""venuectl upgrade check: what another build makes of this venue's journal, before it is installed.

The wheel goes into a virtual environment of its own, on top of the packages that are installed here, and replays the
journal in a process of its own; this build replays it too. Both must give the same state at every StateHash and at the
end, and the same events to the byte. Nothing of the running venue is touched.
"""

from __future__ import annotations

import site
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, NoReturn
from zipfile import BadZipFile, ZipFile

import click
import orjson

from cfg.model import VenueConfig
from engine.journal import RULES_VERSION
from engine.retrace import Progress, state_at
from ops.failure import fail
from ops.journal import readable

PROBE = "import cfg, engine.journal as j; print(cfg.__version__, j.RULES_VERSION, j.__file__)"
ERROR_LINES = 12


class Build(NamedTuple):
    """Another build, installed by itself."""

    python: Path
    version: str
    rules_version: int


@click.group()
def upgrade() -> None:
    """Rehearse another release."""


@upgrade.command()
@click.argument("wheel", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_context
def check(context: click.Context, wheel: Path) -> None:
    """Replay the journal under the build in WHEEL and compare every state hash and every event with this build's.

    Works while the venue runs; exit code 1 when the new build would not go on exactly where this one stops.
    """
    config: VenueConfig = context.obj
    with installed(wheel) as build:
        if build.rules_version != RULES_VERSION:
            fail(
                f"{wheel.name} (venue {build.version}) has rules_version {build.rules_version}, this release "
                f"{RULES_VERSION}: it refuses this journal by design. It starts from a snapshot that this release "
                "takes at the boundary, not from these segments"
            )
        click.echo(f"{wheel.name}: venue {build.version}, rules_version {build.rules_version}", err=True)
        ours = _Ours(config)
        events = _compare(build, context.find_root().params["directory"].absolute(), wheel, ours)
    click.echo(
        f"{wheel.name}: {ours.last} commands replayed; {len(ours.hashes)} state hashes, {events} events and the state "
        f"at the end are equal: {ours.end}"
    )


class _Ours:
    """What this build makes of the journal: hashes at every StateHash, and at the end."""

    def __init__(self, config: VenueConfig) -> None:
        self.hashes: dict[int, str] = {}
        with readable(config):
            # Comparing events makes it begin where the other build does, and not at the newest snapshot.
            state = state_at(config, compare_events=True, on_progress=self._take)
        self.last = state.command_sequence
        self.end = f"{state.core.state_hash():032x}"

    def _take(self, progress: Progress) -> None:
        if progress.state_hash is not None:
            self.hashes[progress.sequence] = f"{progress.state_hash:032x}"


@contextmanager
def installed(wheel: Path) -> Iterator[Build]:
    """The wheel in a virtual environment of its own that sees the packages of this one behind it."""
    _require_venue(wheel)
    with tempfile.TemporaryDirectory(prefix="venue-upgrade-") as directory:
        place = Path(directory)
        _run([sys.executable, "-m", "venv", "--without-pip", directory], "a virtual environment cannot be made")
        python = place / "bin" / "python"
        install = ["--python", str(python), "install", "--no-deps", "--no-index", "--quiet", str(wheel.absolute())]
        _run([sys.executable, "-m", "pip", "--disable-pip-version-check", *install], f"{wheel} cannot be installed")
        packages = next(place.glob("lib/python*/site-packages"))
        # Only their directories: an editable install of this release among them must not come before the wheel.
        (packages / "current-packages.pth").write_text("\n".join(site.getsitepackages()) + "\n")
        said = _run([str(python), "-I", "-c", PROBE], f"{wheel} does not start").split(maxsplit=2)
        if not Path(said[2].strip()).is_relative_to(place.resolve()):
            fail(f"{wheel} was not what Python found, but {said[2].strip()}")
        yield Build(python, said[0], int(said[1]))


def _require_venue(wheel: Path) -> None:
    try:
        with ZipFile(wheel) as archive:
            names = archive.namelist()
    except BadZipFile:
        fail(f"{wheel} is no wheel")
    if "engine/journal.py" not in names or "ops/venuectl.py" not in names:
        fail(f"{wheel} is no wheel of the venue")


def _run(command: list[str], failure: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        fail(f"{failure}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _compare(build: Build, cfg_directory: Path, wheel: Path, ours: _Ours) -> int:
    """Replays under the other build and stops at the first difference; returns how many events were equal."""
    verb = ["replay", "--to", str(ours.last), "--verify", "--json"]
    command = [str(build.python), "-I", "-m", "ops.venuectl", "--cfg", str(cfg_directory), *verb]
    expected = iter(ours.hashes.items())
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            for line in process.stdout:
                said: dict[str, Any] = orjson.loads(line)
                at, wanted = (ours.last, ours.end) if "end" in said else next(expected, (0, "none"))
                if (said.get("end", said.get("sequence")), said["hash"]) != (at, wanted):
                    _fail_apart(wheel, said, at, wanted)
                if "end" not in said:
                    continue
                if left := next(expected, None):
                    fail(f"{wheel.name} passed over the StateHash at command {left[0]}")
                return int(said["events"])
        finally:
            process.kill()
        errors = process.stderr.read().strip().splitlines()[-ERROR_LINES:]
    return fail(f"{wheel.name} does not replay this journal: " + "\n".join(errors))


def _fail_apart(wheel: Path, said: dict[str, Any], at: int, wanted: str) -> NoReturn:
    where = said.get("end", said.get("sequence"))
    fail(f"{wheel.name} has state {said['hash']} after command {where}; this release has {wanted} after {at}")
