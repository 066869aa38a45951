"""One history of commands through the core by each compiler and flag: the same events, the same state hash."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.property.commands import CAPACITY
from tests.property.drawn import RandomSource
from tests.property.pair import Pair, Recorder

NATIVE = Path(__file__).resolve().parents[2] / "engine" / "native"
HERE = Path(__file__).resolve().parent
COMMANDS = 6_000
SEED = 11
SANITIZERS = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
BUILDS = {
    "gcc -O0": ["gcc", "-O0"],
    "gcc -O3": ["gcc", "-O3", "-march=native"],
    "gcc ASan UBSan": ["gcc", *SANITIZERS],
    "clang -O2": ["clang", "-O2"],
}
#: What is not the core: threads, files and sockets.
NOT_THE_CORE = {
    "answers",
    "doorbell",
    "eventlog",
    "journal",
    "loop",
    "publisher",
    "record",
    "epochs",
    "replay",
    "retrace",
    "ring",
    "stamp",
    "zmq_table",
}


@pytest.mark.timeout(600)
def test_every_build_gives_the_same_events_and_hash(tmp_path: Path) -> None:
    """gcc -O0, -O3 and with sanitizers, and clang where there is one, agree with the reference to the last byte."""
    history = tmp_path / "history.commands"
    state_hash, events = _record(history)
    here = {name: command for name, command in BUILDS.items() if shutil.which(command[0])}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # each thread waits for a compiler
        programs = [tmp_path / re.sub(r"\W+", "_", name) for name in here]
        said = dict(zip(here, pool.map(_replayed, here.values(), [history] * len(here), programs), strict=True))
    for name in BUILDS:
        print(f"{name}: {said.get(name, 'not here')}")
        assert name not in said or f" {events} events hash {state_hash:032x} " in said[name], name
    assert len(said) >= 3
    assert len(set(said.values())) == 1, said


def _record(path: Path) -> tuple[int, int]:
    """Commands drawn and applied to both cores, and recorded; the state hash and the number of events they end with."""
    source = RandomSource(SEED)
    recorder = Recorder(path, CAPACITY)
    pair = Pair(CAPACITY, source, hash_every=500, audit_every=2_000, recorder=recorder)
    queue = source.everything()
    for _ in range(COMMANDS):
        pair.send(*(queue.pop(0) if queue else source.draw()))
    recorder.close()
    return pair.reference.state_hash(), pair.core.event_sequence


def _replayed(command: list[str], history: Path, program: Path) -> str:
    """What the replaying program of this build prints."""
    sources = [str(path) for path in NATIVE.glob("*.c") if path.stem not in {*NOT_THE_CORE, "_native"}]
    flags = ["-std=c11", "-w", f"-I{NATIVE}", str(HERE / "replay_core.c"), *sources, "-o", str(program)]
    subprocess.run([*command, *flags], check=True, timeout=300)
    run = subprocess.run([str(program), str(history)], capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout.strip()
