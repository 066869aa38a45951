"""Finds the comment of a configuration key in the TOML files shipped with this package: they are the manual.

A key's comment is the run of `#` lines right above its first appearance in its table. A line that begins with `#|` is
TOML that is switched off: an example of a table that is not shipped.
"""

from __future__ import annotations

import re
from importlib.resources import files

from cfg.load import TABLES

_HEADER = re.compile(r"\[{1,2}([\w.]+)\]{1,2}$")
_SWITCHED_OFF = "#| "
_ASSIGNMENT = re.compile(r"(\w+) *= *(.+)$")


def documented_keys() -> dict[str, str]:
    """Every "table.key" of the shipped files with its comment and shipped value, in the order of the files."""
    entries: dict[str, str] = {}
    for file in TABLES:
        table, comment = "", list[str]()
        for written in (files("cfg") / file).read_text(encoding="utf-8").splitlines():
            line = written.removeprefix(_SWITCHED_OFF)
            if line.startswith("#"):
                comment.append(line.removeprefix("#").removeprefix(" "))
                continue
            if header := _HEADER.match(line):
                table = header[1]
            elif assignment := _ASSIGNMENT.match(line):
                entry = "\n".join([f"{table}.{assignment[1]} = {assignment[2]}   ({file})", *comment])
                entries.setdefault(f"{table}.{assignment[1]}", entry)
            comment = []
    return entries


def explain(key: str) -> list[str]:
    """The entries of "table.key", of "key" in any table, or of a whole "table"."""
    return [
        entry
        for name, entry in documented_keys().items()
        if key in (name, name.rpartition(".")[2]) or name.startswith(f"{key}.")
    ]
