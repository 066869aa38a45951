"""The gateway daemon: follow the engine, settle what the last life left, then open the port; on SIGTERM refuse new
orders, log clients out, end.

The port opens only after every event is known and every stored report is accounted for.
"""

from __future__ import annotations

import sys
import threading
import time

from cfg.daemon import Life, run
from cfg.model import VenueConfig
from engine.wire.endpoints import EngineEndpoints, counters_path
from fixgw.gateway import Gateway
from fixgw.link import EngineLink
from fixgw.metrics import Metrics
from fixgw.policy import Client, LogonPolicy
from fixgw.reference import Reference
from fixgw.session_quickfix import QuickfixEngine

DRAIN_S = 10  # how long commands without a verdict are waited for


class GatewayService:
    """A cfg.daemon.Service."""

    def __init__(self, config: VenueConfig, life: Life) -> None:
        self._life = life
        settings = config.fixgw
        accounts = {account.id: account for account in config.accounts}
        clients = {session.id: Client.of(session, accounts) for session in config.sessions}
        life.state_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
        reference = Reference(config.accounts)
        metrics = Metrics(counters_path(config.paths.run_dir, life.name))
        self._gateway = Gateway(
            clients, LogonPolicy(settings), reference, metrics, life.log, settings.max_pending_commands
        )
        self._sessions = QuickfixEngine(settings, list(clients.values()), life.state_dir, self._gateway)
        self._link = self._gateway.connect(
            self._sessions,
            lambda: EngineLink(
                settings.id,
                EngineEndpoints(config.paths.run_dir),
                self._sessions,
                clients,
                life.state_dir,
                reference,
                metrics,
                life.log,
                settings.engine_timeout_ms,
            ),
        )
        self._open = False
        self._drainer: threading.Thread | None = None

    def start(self) -> None:
        self._life.status("waiting for the engine")
        self._link.start()
        while not self._link.ready.wait(0.1):
            if self._link.failure is not None:
                raise self._link.failure
            if self._life.stop_requested:
                return
            self._life.status("following the engine's events")
        self._sessions.start()
        self._open = True

    def progress(self) -> int:
        return self._link.turns

    def drain(self) -> None:
        self._gateway.draining = True
        self._drainer = threading.Thread(target=self._drain, name="drain", daemon=True)
        self._drainer.start()

    def _drain(self) -> None:
        """Verdicts first, then Logouts: a client that leaves knows what became of its orders."""
        deadline_s = time.monotonic() + DRAIN_S
        while not self._link.pending_empty() and time.monotonic() < deadline_s and not self._link.join(0.02):
            pass
        self._close_port()
        self._link.stop()

    def _close_port(self) -> None:
        if self._open:
            self._open = False
            self._sessions.stop()

    def stop(self) -> None:
        if self._drainer is not None:
            self._drainer.join()
        self._close_port()
        self._link.stop()

    def wait(self, timeout_s: float) -> bool:
        ended = self._link.join(timeout_s)
        if ended and self._link.failure is not None:
            raise self._link.failure
        return ended


def main() -> int:
    """Entry point of venue-fixgw."""
    return run("fixgw", GatewayService)


if __name__ == "__main__":
    sys.exit(main())
