"""Builds engine._native: the C core and the engine's loop as one extension module, through cffi in API mode.

The Python-visible interface is exactly what stands between the cffi markers of the headers: C and Python read one
declaration. `python engine/native/build.py` builds in place for development; setup.py takes `ffi` from here.
"""

from __future__ import annotations

import re
import shutil
import sysconfig
from pathlib import Path

from cffi import FFI

MODULE = "engine._native"
ROOT = Path(__file__).resolve().parents[2]
NATIVE = Path("engine", "native")  # relative: setuptools refuses absolute sources
HEADERS = (
    "api.h",
    "crc32c.h",
    "counters.h",
    "record.h",
    "journal.h",
    "eventlog.h",
    "stamp.h",
    "zmq_table.h",
    "loop.h",
    "retrace.h",
)
# Python's own headers do not compile under -Wconversion; as system headers they may do as they like.
FLAGS = [
    "-std=c11",
    "-O3",
    "-march=native",  # built on the host that runs it; events and state hash are the same from any build
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Wconversion",
    "-Werror",
    f"-isystem{sysconfig.get_path('include')}",
]
# What cffi generates is not ours to clean up; our own sources are compiled with everything on.
PREAMBLE = "\n".join(
    f'#pragma GCC diagnostic ignored "-W{warning}"'
    for warning in ("conversion", "sign-conversion", "shadow", "unused-parameter", "missing-field-initializers")
)


def declarations(header: str) -> str:
    """What stands between the cffi markers of a header."""
    return "\n".join(re.findall(r"/\* cffi-begin \*/(.*?)/\* cffi-end \*/", header, re.DOTALL))


def builder(base: Path) -> FFI:
    """The extension, with paths of sources starting at `base`."""
    ffi = FFI()
    headers = [name for name in HEADERS if (ROOT / NATIVE / name).exists()]
    for name in headers:
        ffi.cdef(declarations((ROOT / NATIVE / name).read_text(encoding="utf-8")))
    ffi.set_source(
        MODULE,
        "\n".join([PREAMBLE, *(f'#include "{name}"' for name in headers)]),
        sources=sorted(str(base / NATIVE / path.name) for path in (ROOT / NATIVE).glob("*.c")),
        depends=sorted(str(base / NATIVE / path.name) for path in (ROOT / NATIVE).glob("*.h")),
        include_dirs=[str(base / NATIVE)],
        extra_compile_args=FLAGS,
        libraries=["pthread", "dl"],
    )
    return ffi


ffi = builder(Path())

if __name__ == "__main__":
    objects = ROOT / "build" / "native"
    built = Path(builder(ROOT).compile(tmpdir=str(objects)))
    # Renamed into place: writing over a module that a running process has mapped would kill it.
    fresh = ROOT / "engine" / f".{built.name}.new"
    shutil.copy2(built, fresh)
    fresh.replace(ROOT / "engine" / built.name)
    print(f"engine/{built.name}")
