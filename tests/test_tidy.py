"""House style as ordinary tests: what a reviewer would otherwise have to say again and again.

Each test looks at every file git knows or would add, and lists all offenders with their lines.
"""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINE_LENGTH_MAX = 120
PACKAGES = ("cfg/", "engine/", "fixgw/", "mdfeed/", "settlement/", "ops/")
#: What people run in a terminal may print, and a daemon whose configuration is refused has no log level yet.
MAY_PRINT = ("ops/", "cfg/__main__.py", "cfg/daemon.py", "mdfeed/ladder.py")
#: Generators and compilers of artefacts talk to the build.
BUILD_FILES = {"build.py", "generate.py"}
#: Money is whole numbers here: these files hold prices, quantities and balances.
NO_FLOAT = ("engine/", "fixgw/translate", "settlement/ledger", "settlement/batch", "mdfeed/book")
BINARY_SUFFIXES = {".png", ".ico", ".gz", ".bin", ".woff2"}


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the repository, as git sees it: tracked, or new and not ignored."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    paths = [ROOT / name for name in listing.decode().split("\0") if name]
    return tuple(path for path in paths if path.is_file())


def name_of(path: Path) -> str:
    """The path as a reader of the repository writes it."""
    return path.relative_to(ROOT).as_posix()


def files(*suffixes: str) -> list[Path]:
    """The files with one of these suffixes."""
    return [path for path in tracked() if path.suffix in suffixes]


@cache
def text_of(path: Path) -> str:
    """The file's text; a file that is not UTF-8 fails the test that reads it."""
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(text_of(path), filename=name_of(path))


def matches(paths: list[Path], pattern: str) -> list[str]:
    """Every line of `paths` that `pattern` is found in, as file:line: text."""
    found = re.compile(pattern)
    return [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if found.search(line)
    ]


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """Every call in a Python file as its line and the dotted name that is called."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def python_tests() -> list[Path]:
    """Every Python file below tests/."""
    return [path for path in files(".py") if name_of(path).startswith("tests/")]


def test_every_python_file_opens_with_a_sentence_that_says_what_it_is() -> None:
    """A Python file's docstring starts with a sentence; only an empty __init__.py has nothing to say."""
    silent = [
        name_of(path)
        for path in files(".py")
        if text_of(path).strip() and not re.match(r"\S[^\n]{15,}", ast.get_docstring(tree_of(path)) or "")
    ]
    assert silent == []


def test_every_c_file_opens_with_a_comment_that_says_what_it_is() -> None:
    """A C source or header starts with a comment of at least a sentence."""
    silent = [
        name_of(path) for path in files(".c", ".h") if not re.match(r"/[*/]\s*(\*\s*)?\S[^\n]{15,}", text_of(path))
    ]
    assert silent == []


def test_no_module_is_a_drawer_for_leftovers() -> None:
    """No file or package is called utils, helpers, common, misc or the like."""
    drawers = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert [name_of(path) for path in tracked() if drawers & {path.stem, *path.relative_to(ROOT).parts}] == []


def test_only_commands_print() -> None:
    """print() is for what people run in a terminal; everything else logs."""
    printing = [
        f"{name_of(path)}:{line}"
        for path in files(".py")
        if name_of(path).startswith(PACKAGES) and not name_of(path).startswith(MAY_PRINT)
        if path.name not in BUILD_FILES
        for line, called in calls(path)
        if called == "print"
    ]
    assert printing == []


def test_money_is_never_a_float() -> None:
    """No float() and no float literal or annotation where prices, quantities and balances are computed."""
    floats = []
    for path in files(".py"):
        if not name_of(path).startswith(NO_FLOAT) or path.name == "daemon.py":
            continue
        floats += [f"{name_of(path)}:{line}" for line, called in calls(path) if called == "float"]
    floats += [
        line
        for line in matches(
            [path for path in files(".c", ".h") if name_of(path).startswith(NO_FLOAT)], r"\b(float|double)\s"
        )
        if not re.search(r":\s*(/?\*|//)", line)
    ]
    assert floats == []


def _sleeps(tree: ast.AST) -> set[int]:
    """The lines of a syntax tree that sleep."""
    return {
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep", "asyncio.sleep")
    }


def test_no_test_sleeps() -> None:
    """A test waits for a condition with a deadline; only a loop that looks at the clock may sleep between two looks."""
    sleeping = []
    for path in python_tests():
        loops = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.While)]
        polling = {line for loop in loops if "monotonic" in ast.unparse(loop) for line in _sleeps(loop)}
        sleeping += [f"{name_of(path)}:{line}" for line in _sleeps(tree_of(path)) - polling]
    assert sleeping == []


def test_nothing_is_left_to_do_in_a_comment() -> None:
    """What is missing is in the issues or in the README's status, not in a comment."""
    markers = "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"))
    assert (
        matches(files(".py", ".c", ".h", ".md", ".toml", ".cfg", ".sql", ".vy", ".service"), rf"\b({markers})\b") == []
    )


def test_no_path_of_one_machine_is_written_down() -> None:
    """Paths are relative, configured or standard: nobody else has our home directory."""
    private = "|".join(("/work" + "/", "/home" + "/", "/tmp" + "/h-", "/root" + "/", "/Users" + "/"))
    assert matches([path for path in tracked() if path.suffix not in BINARY_SUFFIXES], rf"(?<![\w.])({private})") == []


def test_every_test_says_what_behaviour_it_holds() -> None:
    """A test function's docstring states the behaviour, starting on its first line."""
    silent = [
        f"{name_of(path)}:{node.lineno}: {node.name}"
        for path in python_tests()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        if not (ast.get_docstring(node) or "").strip()
    ]
    assert silent == []


def test_lines_are_short_enough_to_read_side_by_side() -> None:
    """No line of code is longer than 120 characters."""
    suffixes = (".py", ".c", ".h", ".cfg", ".toml", ".sql", ".vy")
    written = [path for path in files(*suffixes) if "Generated from" not in text_of(path)[:200]]
    paths = [*written, ROOT / "Makefile", ROOT / ".ci" / "run", ROOT / ".ci" / "step"]
    assert matches(paths, rf"^.{{{LINE_LENGTH_MAX + 1},}}$") == []


def test_every_relative_link_of_a_document_resolves() -> None:
    """A link to a file of ours leads to a file of ours; a link to a line or a heading leads to its file."""
    broken = []
    for path in files(".md"):
        for target in re.findall(r"\]\(([^)\s]+)\)", text_of(path)):
            if re.match(r"[a-z]+:", target) or target.startswith("#"):
                continue
            if not (path.parent / target.partition("#")[0]).exists():
                broken.append(f"{name_of(path)}: {target}")
    assert broken == []


def _entry_points() -> list[str]:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    lines = settings["options.entry_points"]["console_scripts"].split("\n")
    return [line.partition("=")[2].strip() for line in lines if line.strip()]


@pytest.mark.parametrize("entry_point", _entry_points())
def test_every_command_of_the_package_exists(entry_point: str) -> None:
    """Each console entry point of setup.cfg names a module of ours and a function that it defines."""
    module_name, _, function = entry_point.partition(":")
    source = ROOT / Path(*module_name.split(".")).with_suffix(".py")
    assert source.is_file(), f"there is no module {module_name}"
    defined = {node.name for node in tree_of(source).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert function in defined
