"""Replays one journal by the core as each compiler and flag builds it (tests/native/replay_journal.c)."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

from engine.book import Capacity
from tests.native.test_builds import NATIVE, NOT_THE_CORE

HERE = Path(__file__).resolve().parent
#: Where there is no clang, gcc's own extremes stand for two compilers.
WITH_CLANG = {"gcc -O2": ["gcc", "-O2"], "clang -O3": ["clang", "-O3", "-march=native"]}
GCC_ONLY = {"gcc -O0": ["gcc", "-O0"], "gcc -O3": ["gcc", "-O3", "-march=native"]}


def builds() -> dict[str, list[str]]:
    """The builds that this machine can make."""
    return WITH_CLANG if shutil.which("clang") else GCC_ONLY


def replayed_by_each(journal: Path, capacity: Capacity, scratch: Path) -> Iterator[tuple[str, str]]:
    """(name of the build, what its replay printed), each built afresh below `scratch`."""
    sources = [path for path in NATIVE.glob("*.c") if path.stem not in {*NOT_THE_CORE, "_native"}]
    sources += [NATIVE / "record.c", HERE / "replay_journal.c"]
    pools = [str(pool) for pool in astuple(capacity)]
    for name, command in builds().items():
        program = scratch / re.sub(r"\W+", "_", name)
        flags = ["-std=c11", "-w", f"-I{NATIVE}", *map(str, sources), "-o", str(program)]
        subprocess.run([*command, *flags], check=True, timeout=300)
        run = subprocess.run([str(program), str(journal), *pools], capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise AssertionError(f"{name}: {run.stdout}{run.stderr}")
        yield name, run.stdout.strip()
