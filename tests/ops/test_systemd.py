"""The units parse without a warning, are as locked up as promised, and start and stop in the right order."""

from __future__ import annotations

import configparser
import itertools
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cfg.constants import DRAIN_TIMEOUT_S
from cfg.daemon import EXIT_CONFIG, EXIT_DIVERGED, EXIT_RUNNING
from engine.snapshot import directory_of

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "systemd"
#: Highest exposure of `systemd-analyze security`, times ten: 0 is locked up, 100 is open.
EXPOSURE_MAX = {
    "venue-engine.service": 10,
    "venue-follower.service": 10,
    "venue-fixgw@a.service": 15,
    "venue-mdfeed.service": 15,
    "venue-settlement.service": 15,
}
START_ORDER = ("venue-settlement.service", "venue-engine.service", "venue-mdfeed.service", "venue-fixgw@.service")

FOLLOWER = "venue-follower.service"

needs_systemd_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed on this machine"
)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with programs that exist here, so that `verify` has nothing to excuse."""
    copy = tmp_path / "systemd"
    shutil.copytree(SHIPPED, copy)
    for unit in copy.glob("*.service"):
        unit.write_text(re.sub(r"/opt/venue/bin/venue-\w+", "/bin/true", unit.read_text()))
    (copy / "venue-fixgw@a.service").write_text((copy / "venue-fixgw@.service").read_text())
    return copy


def analyze(units: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze on the copied units, drop-ins included."""
    return subprocess.run(
        ["systemd-analyze", *arguments],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def settings(unit: str) -> configparser.RawConfigParser:
    """A unit file as sections and keys; a key that is given twice keeps its last value."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(SHIPPED / unit)
    return parser


@needs_systemd_analyze
@pytest.mark.parametrize("unit", [*EXPOSURE_MAX, "venue.target", "venue-hot.slice"])
def test_a_unit_has_no_unknown_or_unparsable_key(units: Path, unit: str) -> None:
    """`systemd-analyze verify --recursive-errors=no` accepts the unit and says nothing about our files."""
    result = analyze(units, "verify", "--recursive-errors=no", str(units / unit))
    assert result.returncode == 0, result.stderr
    assert [line for line in result.stderr.splitlines() if "venue" in line] == []


@needs_systemd_analyze
def test_verify_would_notice_an_unknown_key(units: Path) -> None:
    """The check above bites: a misspelt key fails it."""
    unit = units / "venue-engine.service"
    unit.write_text(unit.read_text().replace("PrivateNetwork=", "PrivateNetwrok="))
    assert analyze(units, "verify", "--recursive-errors=no", str(unit)).returncode != 0


@needs_systemd_analyze
@pytest.mark.parametrize(("unit", "exposure_max"), EXPOSURE_MAX.items())
def test_a_unit_is_as_locked_up_as_promised(units: Path, unit: str, exposure_max: int) -> None:
    """`systemd-analyze security` rates the engine at most 1.0 and every other daemon at most 1.5."""
    result = analyze(
        units, "security", "--offline=true", "--no-pager", f"--threshold={exposure_max}", str(units / unit)
    )
    assert result.returncode == 0, result.stdout[-2_000:] + result.stderr


def test_the_door_opens_last_and_closes_first() -> None:
    """Each daemon starts after those it needs: settlement, engine, mdfeed, fixgw; systemd stops in reverse."""
    for earlier, later in itertools.pairwise(START_ORDER):
        assert earlier in settings(later)["Unit"]["After"].split()


@pytest.mark.parametrize("unit", [*START_ORDER, FOLLOWER])
def test_a_unit_is_fed_by_the_daemon_and_outwaits_its_drain(unit: str) -> None:
    """Readiness and watchdog come from the daemon itself, its configuration errors are final, the stop is no kill."""
    service = settings(unit)["Service"]
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) > 0
    assert int(service["TimeoutStopSec"]) > DRAIN_TIMEOUT_S
    final = [EXIT_CONFIG, EXIT_RUNNING, *([EXIT_DIVERGED] if unit == FOLLOWER else [])]
    assert service["RestartPreventExitStatus"] == " ".join(map(str, final))
    assert settings(unit)["Unit"]["PartOf"] == "venue.target"


def test_the_follower_is_the_engines_own_and_writes_beside_it() -> None:
    """It starts after the engine, as its user, with a runtime directory of its own and the snapshots to write."""
    follower, engine = settings(FOLLOWER), settings("venue-engine.service")
    assert "venue-engine.service" in follower["Unit"]["After"].split()
    assert follower["Service"]["User"] == engine["Service"]["User"]
    taken = {settings(unit)["Service"]["RuntimeDirectory"] for unit in START_ORDER}
    assert follower["Service"]["RuntimeDirectory"] not in taken
    state_dir = Path("/var/lib", engine["Service"]["StateDirectory"]).parent
    own, snapshots = follower["Service"]["StateDirectory"].split()
    assert Path("/var/lib", own) == state_dir / "follower"
    assert Path("/var/lib", snapshots) == directory_of(state_dir)
    assert follower["Service"]["ExecStart"] == f"{engine['Service']['ExecStart']} --follow"


def test_every_daemon_has_its_own_user_and_directories() -> None:
    """No two units share a user, a runtime directory or a state directory, and each user is declared."""
    services = [settings(unit)["Service"] for unit in START_ORDER]
    for key in ("User", "RuntimeDirectory", "StateDirectory"):
        assert len({service[key] for service in services}) == len(services)
    declared = re.findall(r"^u (\S+)", (SHIPPED / "sysusers.d" / "venue.conf").read_text(), re.MULTILINE)
    assert {service["User"] for service in services} == set(declared)


def test_every_program_a_unit_starts_is_installed_by_the_package() -> None:
    """ExecStart names a console entry point of setup.cfg and gives it a configuration directory."""
    package = configparser.ConfigParser()
    package.read(ROOT / "setup.cfg")
    commands = re.findall(r"^(\S+) =", package["options.entry_points"]["console_scripts"].strip(), re.MULTILINE)
    for unit in START_ORDER:
        program, *arguments = settings(unit)["Service"]["ExecStart"].split()
        assert Path(program).name in commands
        assert arguments[0] == "--cfg"
