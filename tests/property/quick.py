"""Makes the reference core quick enough for millions of commands, without changing a rule of it.

The mix behind its state hash is done in C (mix.c, written from docs/ENGINE.md and held to engine.book_hash by
test_quick.py), members of enums are found without Enum's detour, and the garbage collector stays out of the way. An
audit still mixes all records in plain Python. Where C can't be compiled, a line says so and it is merely slow.
"""

from __future__ import annotations

import enum
import gc
import os
import subprocess
import sys
import sysconfig
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from engine import book_records, book_state

SOURCE = Path(__file__).with_name("mix.c")
BUILD = Path("build", "quick")
GARBAGE_THRESHOLD = 100_000


def compiled() -> ModuleType:
    """mix.c as a module, compiled if it hasn't been. Raises OSError or CalledProcessError where that can't be done."""
    include = sysconfig.get_paths()["include"]
    key = sha256(SOURCE.read_bytes() + f"{sys.version} {include}".encode()).hexdigest()[:16]
    library = BUILD / f"mix-{key}.so"
    if not library.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        partial = library.with_suffix(f".{os.getpid()}")
        command = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-I{include}"]
        subprocess.run([*command, str(SOURCE), "-o", str(partial)], check=True, capture_output=True, text=True)
        partial.replace(library)
    spec = spec_from_file_location("mix", library)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_quick() -> None:
    """For the rest of this process."""
    try:
        mix = compiled()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"slow: the mix of the reference core could not be compiled: {error}", file=sys.stderr, flush=True)
    else:
        book_records.mix = mix.mix128
        vars(book_state).update(mix128=mix.mix128, mix_sum=mix.mix_sum)
    if hasattr(enum.EnumType, "__getattr__"):  # Python 3.11; 3.12 did away with it
        del enum.EnumType.__getattr__
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
