"""Sets values in a commented TOML file without losing its comments, so that a generated configuration is still the
manual.

Only what our own files use: one `key = value` per line below a `[table]` or `[[table]]` header. Anything else raises.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import orjson

Value = str | int | bool | list[str] | list[int]


@dataclass(frozen=True)
class Edit:
    """Set keys of a table; `where` picks the row of a `[[table]]` by a key of it, like ("id", 11)."""

    table: str
    values: Mapping[str, Value]
    where: tuple[str, Value] | None = None


def render(value: Value) -> str:
    """A TOML value of one line; JSON's strings, integers, booleans and arrays of them are TOML's."""
    return orjson.dumps(value).decode()


def apply(text: str, edits: list[Edit]) -> str:
    """The text with every edit made; KeyError names a table, row or key that isn't there."""
    lines = text.splitlines()
    for edit in edits:
        start, end = _find(lines, edit)
        for key, value in edit.values.items():
            pattern = re.compile(rf"{re.escape(key)}\s*=")
            for i in range(start, end):
                if pattern.match(lines[i]):
                    lines[i] = f"{key} = {render(value)}"
                    break
            else:
                raise KeyError(f"{edit.table}.{key}")
    return "\n".join(lines) + "\n"


def _find(lines: list[str], edit: Edit) -> tuple[int, int]:
    """Line range of the table's body."""
    headers = [i for i, line in enumerate(lines) if line.startswith("[")] + [len(lines)]
    wanted = {f"[{edit.table}]", f"[[{edit.table}]]"}
    for start, end in pairwise(headers):
        if lines[start] not in wanted:
            continue
        if edit.where is None or f"{edit.where[0]} = {render(edit.where[1])}" in lines[start:end]:
            return start + 1, end
    raise KeyError(f"{edit.table} {edit.where or ''}")
