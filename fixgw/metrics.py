"""The gateway's counters, safe to raise from any of its threads; any process reads them from the counters file."""

from __future__ import annotations

import threading
from pathlib import Path

from engine.wire.counters import Counters

NAMES = (
    "logons",
    "logon_failures",
    "unknown_peers",
    "logged_on",
    "in_new_order",
    "in_cancel",
    "in_replace",
    "in_status",
    "in_mass_cancel",
    "in_other",
    "in_duplicate",
    "reports",
    "rejects",
    "refused_unavailable",
    "refused_overload",
    "commands",
    "commands_resent",
    "pending",
    "engine_available",
    "event_sequence",
    "gaps",
    "resends_possresend",
    "engine_losses",
    "callback_errors",
)


class Metrics:
    """Thread-safe over engine.wire.counters.Counters."""

    def __init__(self, path: Path) -> None:
        self._counters = Counters(path, NAMES)
        self._lock = threading.Lock()

    def add(self, name: str, amount: int = 1) -> None:
        with self._lock:
            self._counters.add(name, amount)

    def set(self, name: str, value: int) -> None:
        with self._lock:
            self._counters.set(name, value)

    def get(self, name: str) -> int:
        return self._counters.get(name)
