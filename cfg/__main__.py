"""`python -m cfg check DIR` proves a configuration; `python -m cfg explain KEY` prints what a key means."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cfg.explain import explain
from cfg.load import ConfigError, load

EXIT_INVALID = 2


def check(directory: Path) -> int:
    """Print every error and return 2, or print the configuration's sha256 and return 0."""
    try:
        config = load(directory)
    except ConfigError as error:
        print("\n".join(error.errors), file=sys.stderr)
        return EXIT_INVALID
    print(config.sha256)
    return 0


def show(key: str) -> int:
    """Print the comment of every key of that name, or return 2 if there is none."""
    entries = explain(key)
    if not entries:
        print(f"there is no key {key!r}; keys are written like engine.spin_us or instrument.tick_size", file=sys.stderr)
        return EXIT_INVALID
    print("\n\n".join(entries))
    return 0


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m cfg", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    check_parser = verbs.add_parser("check", help="prove the configuration in DIR")
    check_parser.add_argument("directory", type=Path, metavar="DIR")
    explain_parser = verbs.add_parser("explain", help="print what KEY means")
    explain_parser.add_argument("key", metavar="KEY")
    options = parser.parse_args(arguments)
    return check(options.directory) if options.verb == "check" else show(options.key)


if __name__ == "__main__":
    sys.exit(main())
