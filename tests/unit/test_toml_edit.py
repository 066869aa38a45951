"""Editing commented TOML: values change, comments stay, what isn't there is an error."""

from __future__ import annotations

import tomllib

import pytest

from ops.toml_edit import Edit, apply

TEXT = """# top
[venue]
# the name
name = "old"  # trailing
[[account]]
id = 1
address = ""
[[account]]
id = 2
# where
address = ""
"""


def test_a_value_of_a_table_changes_and_comments_stay() -> None:
    """Only the value's line is written anew."""
    edited = apply(TEXT, [Edit("venue", {"name": 'new "quoted"'})])
    assert tomllib.loads(edited)["venue"]["name"] == 'new "quoted"'
    assert "# the name" in edited and edited.startswith("# top")


def test_the_row_of_an_array_is_found_by_its_key() -> None:
    """`where` picks one row; the others keep their values."""
    rows = tomllib.loads(apply(TEXT, [Edit("account", {"address": "0x1"}, ("id", 2))]))["account"]
    assert [row["address"] for row in rows] == ["", "0x1"]


@pytest.mark.parametrize(
    "edit", [Edit("nothing", {"a": 1}), Edit("venue", {"missing": 1}), Edit("account", {"address": ""}, ("id", 3))]
)
def test_an_edit_of_what_is_not_there_is_an_error(edit: Edit) -> None:
    """A misspelt table, key or row raises instead of doing nothing."""
    with pytest.raises(KeyError):
        apply(TEXT, [edit])
