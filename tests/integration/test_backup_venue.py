"""Backup and restore of the whole venue: gateway, feed, engine, settlement, with the clients that were there before."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from ops import venuectl
from ops.fix_client import text
from ops.local import ROOT
from tests.fixtures.fix_venue import RunningVenue


def good(venue: RunningVenue, *arguments: str) -> str:
    """The output of a command that must succeed."""
    result = CliRunner().invoke(venuectl.main, ["--cfg", str(venue.venue.cfg_dir), *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.timeout(600)
def test_clients_go_on_after_the_venue_was_restored(running_venue: RunningVenue, tmp_path: Path) -> None:
    """Same books and session numbers, the client's resting order can be filled, and three records agree."""
    alpha, bravo = running_venue.trader("ALPHA"), running_venue.trader("BRAVO")
    alpha.new("resting", "1", "2", "1900.00")
    order_id = text(alpha.expect(t11="resting", t150="0"), 37)
    alpha.new("resting-too", "2", "1", "2500.00")
    alpha.expect(t11="resting-too", t150="0")
    book = good(running_venue, "book", "ETH-USD").splitlines()[1:]
    backup = tmp_path / "backup"
    good(running_venue, "backup", str(backup))
    files = orjson.loads((backup / "manifest.json").read_bytes())["files"]
    assert {name.split("/")[1] for name in files if name.startswith("state/")} >= {"engine", "fixgw", "mdfeed"}
    assert any(name.endswith(".body") for name in files), "the message stores are in it"
    assert {"ledger/fill.copy", "ledger/chain_tx.copy", "cfg/venue.toml"} <= set(files)
    assert not [name for name in files if "quickfix.cfg" in name or "key" in name]

    for trader in (alpha, bravo):
        trader.fix.close()
    venue = running_venue.venue
    assert venue.stop() == []
    for lost in ("state", "postgres"):
        shutil.rmtree(venue.directory / lost)
    venue.postgres.start()
    good(running_venue, "restore", str(backup))
    venue.postgres.stop()

    venue.start()
    assert good(running_venue, "book", "ETH-USD").splitlines()[1:] == book
    bravo = running_venue.trader("BRAVO")
    alpha = running_venue.trader("ALPHA")
    bravo.new("taker", "2", "2", "1900.00")
    bravo.expect(t11="taker", t150="F", t39="2")
    assert text(alpha.expect(t11="resting", t150="F", t39="2"), 37) == order_id
    command = [sys.executable, "-m", "settlement.reconcile", "--cfg", str(venue.cfg_dir), "--wait", "90"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "engine = ledger = vault" in done.stdout
