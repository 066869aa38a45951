"""make venue: the whole venue on loopback, kept running for real clients until Ctrl-C; the next start continues where
it stopped.

The institutions of cfg/participants.toml are funded once, on the development chain. Everything lives below var/venue.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable

from ops.local import ROOT, LocalVenue, Ports, VenueError, depositors
from settlement.deploy import deposit_all

#: What each institution deposits of every asset at the first start, in whole coins.
FUNDING_WHOLE = 100_000
WATCH_S = 1.0


def main() -> int:
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:5.1f} s] {text}", flush=True)

    directory = ROOT / "var" / "venue"
    first_start = not (directory / "funded").exists()
    try:
        with LocalVenue(directory, Ports.documented(), say) as venue:
            venue.start()
            venue.start_daemon("follower")
            if first_start:
                _fund(venue, say)
                (directory / "funded").touch()
            venue.await_ready("follower")
            _describe(venue)
            while not stopping.wait(WATCH_S):
                venue.require_alive()
            unclean = venue.stop()
    except VenueError as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    if unclean:
        print(f"did not stop cleanly: {', '.join(unclean)}", file=sys.stderr)
    return 1 if unclean else 0


def _fund(venue: LocalVenue, say: Callable[[str], None]) -> None:
    assert venue.config is not None and venue.deployment is not None
    say("funding the institutions on chain; the engine credits when the blocks are final")
    each = {asset.id: FUNDING_WHOLE * 10**asset.token_decimals for asset in venue.config.assets}
    keys = [key for _account, key in depositors(venue.config)]
    deposit_all(venue.chain.rpc_url, venue.deployment.vault, dict.fromkeys(keys, each))


def _describe(venue: LocalVenue) -> None:
    assert venue.config is not None
    config = venue.config
    logins = ", ".join(f"{s.comp_id} / {s.comp_id.lower()}-development-only" for s in config.sessions)
    print(f"""
The venue is open.
  FIX 4.4      {config.fixgw.bind}:{config.fixgw.port}, TargetCompID {config.fixgw.comp_id}; {logins}
  market data  {config.mdfeed.publish[0]}, snapshots {config.mdfeed.snapshot}; try: .venv/bin/venue-md
  operate      .venv/bin/venuectl status
  logs         {venue.log_dir}
Ctrl-C stops it; the next `make venue` continues with the same books, ledger and chain.
""")


if __name__ == "__main__":
    sys.exit(main())
