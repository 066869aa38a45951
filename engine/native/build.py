"""Builds engine._native: the C core and the engine's loop as one extension module, through cffi in API mode.

The Python-visible interface is exactly what stands between the cffi markers of the headers: C and Python read one
declaration. `python engine/native/build.py` builds in place for development; setup.py takes `ffi` from here.
"""

from __future__ import annotations

import hashlib
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
    "image.h",
    "pace.h",
    "crc32c.h",
    "counters.h",
    "record.h",
    "journal.h",
    "eventlog.h",
    "epochs.h",
    "replay.h",
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


# Definitions at the beginning of a line, to the brace that closes them.
STRUCT = re.compile(r"^(?:struct|union) (\w+) \{\n(.*?)^\}", re.DOTALL | re.MULTILINE)
ENUM = re.compile(r"^enum[^;{]*\{.*?\}", re.DOTALL | re.MULTILINE)


def declarations(header: str) -> str:
    """What stands between the cffi markers of a header."""
    return "\n".join(re.findall(r"/\* cffi-begin \*/(.*?)/\* cffi-end \*/", header, re.DOTALL))


def layout(directory: Path) -> int:
    """64 bits over the text of every record that `struct core` is made of, and of the enums beside them.

    An image of a core is for builds with the same number (image.h). Sizes alone would not show that two fields of one
    type have changed places. Comments and white space do not count, nor do enums of the wire, which has its version.
    """
    structs: dict[str, str] = {}
    enums: list[str] = []
    for name, text in sorted(_included(directory, "state.h").items()):
        structs.update(STRUCT.findall(text))
        enums += [] if name == "wire.h" else ENUM.findall(text)
    reached: dict[str, str] = {}
    waiting = ["core"]
    while waiting:
        struct = waiting.pop()
        if struct in structs and struct not in reached:
            reached[struct] = structs[struct]
            waiting += re.findall(r"\b(?:struct|union) (\w+)", structs[struct])
    text = "".join([f"{struct}{{{body}}}" for struct, body in sorted(reached.items())] + enums)
    return int.from_bytes(hashlib.sha256(re.sub(r"\s+", " ", text).encode()).digest()[:8], "little")


def _included(directory: Path, first: str) -> dict[str, str]:
    """The header and all that it includes, without comments."""
    found: dict[str, str] = {}
    waiting = [first]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = re.sub(r"/\*.*?\*/", "", (directory / name).read_text(encoding="utf-8"), flags=re.DOTALL)
            waiting += re.findall(r'^#include "(\w+\.h)"', found[name], re.MULTILINE)
    return found


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
        define_macros=[("VENUE_LAYOUT", f"{layout(ROOT / NATIVE):#x}")],
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
