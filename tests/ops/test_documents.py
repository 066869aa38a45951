"""The documents name functions, files and commands; each must exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PLACE = re.compile(r"`([\w/]+\.(?:py|c|vy)):(\w+)`")
README_LINES_MAX = 150


def places(root: Path) -> list[tuple[str, str]]:
    found = []
    for document in (root / "docs").rglob("*.md"):
        found += PLACE.findall(document.read_text())
    return found


def test_every_function_the_documents_name_exists(root: Path) -> None:
    """`file:function` in a document leads to a definition in that file."""
    named = places(root)
    assert len(named) >= 15, "ARCHITECTURE.md names the path of an order"
    for file, function in named:
        source = (root / file).read_text()
        defined = re.search(rf"^\s*(?:def|class) {function}\b|^[a-z].*[ *]{function}\(", source, re.MULTILINE)
        assert defined, f"{file} defines no {function}"


def test_the_readme_is_short(root: Path) -> None:
    """The README stays within what one reads before trying."""
    assert len((root / "README.md").read_text().splitlines()) <= README_LINES_MAX


@pytest.mark.parametrize("target", ["demo", "test", "venue", "bench", "lint", "clean", "help"])
def test_the_commands_the_readme_and_contributors_use_are_targets(root: Path, target: str) -> None:
    """Every make target that documents name is in the Makefile."""
    assert re.search(rf"^{target}:", (root / "Makefile").read_text(), re.MULTILINE)
