"""The core on the neutral workload files: a book of standard containers gives the trades to expect."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "tests" / "perf" / "matching"
BUILT = ROOT / "build" / "matching"
COMMANDS = 50_000

pytestmark = pytest.mark.native


@pytest.fixture(scope="module")
def programs() -> None:
    """The generator and our driver."""
    make = ["make", "--no-print-directory", "--silent", "-C", str(SOURCES)]
    subprocess.run([*make, str(BUILT / "generate"), str(BUILT / "core_driver")], check=True)


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize("name", ["A", "D"])
def test_the_trades_of_a_workload_are_the_file_s(name: str, tmp_path: Path) -> None:
    """Every trade has the file's maker, taker, price and quantity, in order; played again it ends in the same state."""
    path = tmp_path / f"{name}.mewl"
    generate = [str(BUILT / "generate"), name, str(path), str(COMMANDS), "7"]
    subprocess.run(generate, check=True, stdout=subprocess.DEVNULL)
    driver = [str(BUILT / "core_driver"), "file", str(path)]
    played = subprocess.run(driver, input="throughput\n", capture_output=True, text=True, check=False)
    assert (played.returncode, played.stderr) == (0, "")


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize(
    "shape",
    [
        "steady",
        "level_flood",
        "flicker",
        "cancel_storm",
        "id_patterns",
        "longest_sweep",
        "iceberg_refills",
        "stop_cascade",
        "mass_cancel",
    ],
)
def test_a_hostile_shape_leaves_every_invariant_whole(shape: str) -> None:
    """Played twice, the state is the same both times and the audit finds nothing."""
    driver = [str(BUILT / "core_driver"), "shape", shape, "20000", "2000"]
    played = subprocess.run(driver, input="throughput\n", capture_output=True, text=True, check=False)
    assert (played.returncode, played.stderr) == (0, "")
