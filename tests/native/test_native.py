"""The C tests as pytest cases: each RUN of a test_*.c is one case, and each program runs under the sanitizers too.

The Makefile beside this file builds the programs; one is run once per flavour and its report shared by its cases.
"""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
BUILT = HERE.parents[1] / "build" / "native-tests"
BUILD_SECONDS_MAX = 170
CASES = [
    (source.stem, name)
    for source in sorted(HERE.glob("test_*.c"))
    for name in re.findall(r"^\s*RUN\((\w+)\);", source.read_text(encoding="utf-8"), re.MULTILINE)
]


@cache
def report(flavour: str, program: str) -> str:
    """What the program printed, its errors included; built first if its sources have changed."""
    target = BUILT / flavour / program
    built = subprocess.run(
        ["make", f"-j{os.cpu_count() or 1}", "--no-print-directory", "-C", str(HERE), str(target)],
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS_MAX,
        check=False,
    )
    if built.returncode != 0:
        return built.stdout + built.stderr
    ran = subprocess.run([str(target)], capture_output=True, text=True, timeout=BUILD_SECONDS_MAX, check=False)
    return f"{ran.stdout}{ran.stderr}exit status {ran.returncode}\n"


@pytest.mark.parametrize(("program", "name"), CASES)
def test_c_behaviour_holds(program: str, name: str) -> None:
    """The C test function of this name ran and every expectation in it held."""
    lines = report("plain", program).splitlines()
    assert f"ok {name}" in lines, "\n".join(lines[-20:])


@pytest.mark.parametrize("program", sorted({program for program, _ in CASES}))
def test_c_programs_are_clean_under_sanitizers(program: str) -> None:
    """The whole program ends well with AddressSanitizer and UndefinedBehaviorSanitizer looking on."""
    lines = report("sanitize", program).splitlines()
    assert lines[-1] == "exit status 0", "\n".join(lines[-40:])
