"""How a command of venuectl ends when it cannot do what it was asked: one clear line on stderr, exit code 1."""

from __future__ import annotations

import sys
from typing import NoReturn

import click


def fail(message: str) -> NoReturn:
    """Says why and ends the program."""
    click.echo(message, err=True)
    sys.exit(1)
