"""Line coverage of the C core by its C tests and by recorded commands of the property tests' driver, file by file.

Usage: python -m tests.native.coverage. Prints a line per file of engine/native; the exit status is 1 if the files of
the core together, or one of them, are below what is asked of them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.native.test_builds import NOT_THE_CORE
from tests.property.bulk import run_episode
from tests.property.quick import make_quick

ROOT = Path(__file__).resolve().parents[2]
NATIVE = ROOT / "engine" / "native"
HERE = Path(__file__).resolve().parent
SCRATCH = ROOT / "build" / "coverage"
#: What ends a process is not run by tests of one that goes on; checksums are the journal's, pacing is the follower's.
OTHERS = NOT_THE_CORE | {"crc32c", "fatal", "pace", "venue_assert"}
SEEDS = (1, 2)
COMMANDS = 15_000
TOGETHER_MIN_PERCENT, EACH_MIN_PERCENT = 95.0, 85.0


def main() -> int:
    """Builds with gcov's counters, runs everything, adds up."""
    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir(parents=True)
    sources = sorted(path for path in NATIVE.glob("*.c") if path.name != "_native.c")
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # each thread waits for a compiler
        objects = list(pool.map(_compiled, sources))
    fixture = _compiled(HERE / "venue.c")
    for test in sorted(HERE.glob("test_*.c")):
        _run([str(_linked(test, [*objects, fixture]))])
    replay = _linked(HERE / "replay_core.c", objects)
    make_quick()
    for seed in SEEDS:
        run_episode(seed, COMMANDS, hash_every=1_000)
        _run([str(replay), str(Path("build", "differential", f"{seed}.commands").resolve())])
    return _summary(sources)


def _compiled(source: Path) -> Path:
    target = SCRATCH / f"{source.stem}.o"
    flags = ["-std=c11", "-w", "-O0", "--coverage", f"-I{NATIVE}", f"-I{HERE}"]
    _run(["gcc", *flags, "-c", str(source), "-o", str(target)])
    return target


def _linked(source: Path, objects: list[Path]) -> Path:
    program = SCRATCH / source.stem
    linked = [str(_compiled(source)), *map(str, objects)]
    _run(["gcc", "--coverage", *linked, "-o", str(program), "-lpthread", "-ldl"])
    return program


def _run(command: list[str]) -> str:
    run = subprocess.run(command, cwd=SCRATCH, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise SystemExit(f"{' '.join(command)[:200]}: exit status {run.returncode}\n{run.stdout[-2000:]}{run.stderr}")
    return run.stdout


def _summary(sources: list[Path]) -> int:
    executed = lines = 0
    low = []
    for source in sources:
        of_core = source.stem not in OTHERS
        report = json.loads(_run(["gcov", "--json-format", "--stdout", str(SCRATCH / f"{source.stem}.gcda")]))
        counts = {
            line["line_number"]: line["count"]
            for file in report["files"]
            if Path(file["file"]).name == source.name
            for line in file["lines"]
        }
        if not counts:
            continue  # nothing but checks at compile time
        reached = sum(count > 0 for count in counts.values())
        percent = 100 * reached / max(len(counts), 1)
        missed = [number for number, count in sorted(counts.items()) if count == 0]
        note = f"  lines {missed[:12]}" if of_core and missed else "" if of_core else "  (not the core: daemon tests)"
        print(f"{source.name:16} {reached:5} of {len(counts):5} lines {percent:6.1f} %{note}")
        if of_core:
            executed, lines = executed + reached, lines + len(counts)
            low += [source.name] if percent < EACH_MIN_PERCENT else []
    together = 100 * executed / lines
    print(f"the core: {executed} of {lines} lines, {together:.1f} %; below {EACH_MIN_PERCENT} %: {low or 'no file'}")
    return 1 if together < TOGETHER_MIN_PERCENT or low else 0


if __name__ == "__main__":
    sys.exit(main())
