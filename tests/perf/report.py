"""What every benchmark leaves: a table for people, var/bench/NAME.json for comparison, and the machine it ran on.

A value is the median of the repetitions and never shown without the least and the greatest of them.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import orjson
import zmq
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "var" / "bench"
QUANTILES = (("p50", 500), ("p99", 990), ("p99.9", 999))  # of 1,000


@dataclass(frozen=True)
class Row:
    """One measured quantity; `ratio` is value / baseline, `spread` the least and greatest repetition."""

    case: str
    metric: str
    value: float
    unit: str
    spread: tuple[float, float]
    baseline: float | None = None
    ratio: float | None = None


def row(case: str, metric: str, unit: str, values: Sequence[float], baseline: Sequence[float] | None = None) -> Row:
    """The median of the repetitions beside the baseline's median."""
    value = median(values)
    spread = (min(values), max(values))
    if not baseline:
        return Row(case, metric, value, unit, spread)
    base = median(baseline)
    return Row(case, metric, value, unit, spread, base, value / base)


def quantiles(sorted_ns: Sequence[int]) -> dict[str, float]:
    """Nearest-rank quantiles and the maximum, in microseconds; none that too few samples would make the maximum."""
    count = len(sorted_ns)
    found = {name: sorted_ns[count * part // 1000] for name, part in QUANTILES if count * (1000 - part) >= 1000}
    return {name: ns / 1000 for name, ns in {**found, "max": sorted_ns[-1]}.items()}


def latency_rows(
    case: str, runs: Sequence[Sequence[int]], baseline: Sequence[Sequence[int]] | None = None
) -> list[Row]:
    """One row per quantile from the nanoseconds of every repetition."""
    ours = [quantiles(sorted(run)) for run in runs]
    theirs = [quantiles(sorted(run)) for run in baseline or ()]
    return [row(case, name, "us", [q[name] for q in ours], [q[name] for q in theirs]) for name in ours[0]]


def machine(directory: Path) -> dict[str, object]:
    """What the numbers depend on; `directory` is where the benchmark wrote its files."""
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), platform.machine())
    return {
        "cpu": model,
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "libzmq": zmq.zmq_version(),
        "file system": _file_system(directory),
        "load average at the start": round(os.getloadavg()[0], 2),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _file_system(directory: Path) -> str:
    """Type of the mount that holds the directory."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    path = str(directory.resolve())
    under = [(point, kind) for point, kind in mounts if path == point or path.startswith(point.rstrip("/") + "/")]
    return max(under, key=lambda mount: len(mount[0]))[1]


def publish(name: str, about: str, facts: dict[str, object], rows: Sequence[Row]) -> None:
    """Prints the table and writes the JSON; `about` says what is measured and what is excluded."""
    table = Table(title=name, caption=about, caption_justify="left")
    for column in ("case", "metric", "value", "unit", "least .. greatest", "baseline", "ratio"):
        table.add_column(column, justify="left" if column in ("case", "metric", "unit") else "right")
    for each in rows:
        low, high = each.spread
        baseline = "" if each.baseline is None else f"{each.baseline:,.1f}"
        ratio = "" if each.ratio is None else f"{each.ratio:.2f}"
        shown = (f"{each.value:,.1f}", each.unit, f"{low:,.1f} .. {high:,.1f}", baseline, ratio)
        table.add_row(each.case, each.metric, *shown)
    console = Console(width=None if os.isatty(1) else 140)
    console.print(table)
    console.print("machine: " + ", ".join(f"{key} {value}" for key, value in facts.items()), highlight=False)
    OUT.mkdir(parents=True, exist_ok=True)
    report = {"name": name, "about": about, "machine": facts, "rows": [asdict(each) for each in rows]}
    (OUT / f"{name}.json").write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
