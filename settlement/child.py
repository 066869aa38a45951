"""Starts the servers we run for development as child processes that cannot outlive us.

The kernel sends a child its death signal when the *thread* that started it ends, so a chain or database is started from
a thread that lives as long as it is needed (in practice the main one).
"""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path


class ChildError(Exception):
    """A development server could not be found, started or stopped; the text says which and shows its last words."""


def setpriv_command() -> str:
    """Path of util-linux's setpriv, through which every child is started."""
    path = shutil.which("setpriv", path="/usr/bin:/bin:/usr/sbin:/sbin")
    if path is None:
        raise ChildError("setpriv not found: install util-linux")
    return path


def spawn(
    command: Sequence[str | Path],
    log: Path,
    death_signal: str,
    privileges: Sequence[str] = (),
    environment: dict[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Starts `command` in a session of its own, output appended to `log`.

    `death_signal` ("KILL", "INT") reaches the child if we die.
    `privileges` are setpriv options that lower the child's rights. The pid is the command's own: setpriv execs it.
    Paths in `command` must be absolute: the child runs in /, which even an unprivileged one may read.
    """
    argv = [setpriv_command(), "--pdeathsig", death_signal, *privileges, "--", *map(str, command)]
    with log.open("ab") as output:
        # A session of its own keeps a terminal's Ctrl-C from stopping it before those who still use it.
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd="/",
            start_new_session=True,
        )


def log_tail(log: Path, lines: int = 15) -> str:
    """The last lines of a child's log, for an error message."""
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) or "(empty log)"
