"""What every test shares: a mark from its directory, fixtures by discovery, and a closing count per kind of test.

A test's kind is where it stands (tests/unit, tests/native ...), so that a count cannot claim what a mark forgot.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

KINDS = {
    "tests": "unit",
    "unit": "unit",
    "property": "property",
    "conformance": "conformance",
    "contracts": "conformance",
    "integration": "integration",
    "native": "native",
    "ops": "ops",
    "faults": "faults",
}

pytest_plugins = [f"tests.fixtures.{path.stem}" for path in sorted((ROOT / "tests" / "fixtures").glob("fix_*.py"))]

_kind_of: dict[str, str] = {}


def _kind(path: Path) -> str:
    folder = path.relative_to(ROOT).parts[1] if path.parent != ROOT / "tests" else "tests"
    if folder not in KINDS:
        raise pytest.UsageError(f"{path}: tests live in tests/<kind>, and {folder!r} is none of {', '.join(KINDS)}")
    return KINDS[folder]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test with the kind its directory says."""
    for item in items:
        kind = _kind(item.path)
        item.add_marker(kind)
        _kind_of[item.nodeid] = kind


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line that counts what passed of each kind, above pytest's own closing line."""
    passed = Counter(_kind_of[report.nodeid] for report in terminalreporter.stats.get("passed", []))
    counts = ", ".join(f"{passed[kind]} {kind}" for kind in dict.fromkeys(KINDS.values()))
    terminalreporter.write_line(f"passed: {counts}")


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the repository."""
    return ROOT
