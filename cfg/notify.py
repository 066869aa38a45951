"""Tells the service manager how we are (sd_notify(3)), without a dependency; does nothing when nobody listens.

A watchdog ping is sent only for this process (WATCHDOG_PID) and only when the caller has seen progress.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


class Notifier:
    """A datagram socket to $NOTIFY_SOCKET, and how often its owner wants to hear from us."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _socket_address(environment.get("NOTIFY_SOCKET", ""))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self.watchdog_interval_s = _watchdog_interval_s(environment)

    def ready(self, status: str) -> None:
        """Start-up is over: the service does its work."""
        self._send(f"READY=1\nSTATUS={_one_line(status)}")

    def status(self, text: str) -> None:
        """One line about what the process is doing, shown by `systemctl status`."""
        self._send(f"STATUS={_one_line(text)}")

    def watchdog(self) -> None:
        """The working loop has moved since the last call."""
        self._send("WATCHDOG=1")

    def stopping(self, status: str) -> None:
        """A clean stop has begun."""
        self._send(f"STOPPING=1\nSTATUS={_one_line(status)}")

    def extend_timeout(self, seconds: int) -> None:
        """Start or stop needs this much longer from now on."""
        self._send(f"EXTEND_TIMEOUT_USEC={seconds * 1_000_000}")

    def close(self) -> None:
        """Release the socket."""
        self._socket.close()

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError:
            # A service manager that is gone or slow must not stop a daemon that works.
            return


def _socket_address(path: str) -> bytes | None:
    if path.startswith("@"):
        return b"\0" + os.fsencode(path[1:])
    return os.fsencode(path) if path.startswith("/") else None


def _watchdog_interval_s(environment: Mapping[str, str]) -> float | None:
    """Half of the time after which we are killed; None when no watchdog is meant for this process."""
    interval_us = environment.get("WATCHDOG_USEC", "")
    pid = environment.get("WATCHDOG_PID", str(os.getpid()))
    if not interval_us.isdigit() or int(interval_us) == 0 or pid != str(os.getpid()):
        return None
    return int(interval_us) / 2_000_000


def _one_line(text: str) -> str:
    return text.replace("\n", " ")
