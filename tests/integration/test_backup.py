"""A backup of a venue that trades, and the venue made of it: the same state, and settlement that ends in agreement."""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from engine.inspect import events_from
from engine.wire.client import template_of
from engine.wire.messages import Trade
from ops import venuectl
from tests.fixtures.fix_engine import EngineDaemon, wait_for
from tests.fixtures.fix_settlement import SettlementVenue

WAIT_S = 120.0
pytestmark = pytest.mark.timeout(600)


def ctl(cfg_dir: Path, *arguments: str) -> Result:
    """Runs one command as an operator would."""
    result = CliRunner().invoke(venuectl.main, ["--cfg", str(cfg_dir), *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def good(cfg_dir: Path, *arguments: str) -> str:
    """The output of a command that must succeed."""
    result = ctl(cfg_dir, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(cfg_dir: Path, *arguments: str) -> str:
    """The one line of a command that must be refused."""
    result = ctl(cfg_dir, *arguments)
    assert result.exit_code == 1, result.output
    return result.stderr.splitlines()[-1]


def funded(make_venue: Callable[..., SettlementVenue]) -> SettlementVenue:
    """A venue that settles, with both traders' deposits credited."""
    venue = make_venue()
    venue.start()
    venue.fund()
    venue.wait(lambda: venue.count("SELECT count(*) FROM deposit WHERE state = 'credited'") == 4, "the credits", WAIT_S)
    return venue


def trades_of(venue: SettlementVenue) -> int:
    """How many trades the engine's events hold."""
    return sum(template_of(event) == Trade.TEMPLATE_ID for event in events_from(venue.config, 1))


def trade_until(venue: SettlementVenue, done: threading.Event) -> None:
    """Trades one fill after the other until told to end."""
    for seed in itertools.count(2):
        if done.is_set():
            return
        venue.trade(1, seed)


def lose_everything(venue: SettlementVenue) -> None:
    """The host is gone: processes, state and what the node had not mined yet."""
    venue.kill9()
    venue.close_traders()
    venue.engine.kill9()
    shutil.rmtree(venue.engine.state_dir)
    venue.chain.request("anvil_dropAllTransactions")
    venue.chain.request("evm_setAutomine", True)


def restored(venue: SettlementVenue, backup: Path, database_url: str, *options: str) -> dict[str, object]:
    """Restores into the empty state_dir and a new ledger, and starts all; the manifest."""
    venue.use_database(database_url)
    good(venue.engine.cfg_dir, "restore", str(backup), *options)
    venue.engine.start()
    venue.start()
    manifest: dict[str, object] = orjson.loads((backup / "manifest.json").read_bytes())
    return manifest


def test_a_venue_goes_on_from_a_backup_taken_while_it_traded(
    make_venue: Callable[..., SettlementVenue], new_database: Callable[..., str], tmp_path: Path
) -> None:
    """The state hash at the backup's command is the backup's; every fill becomes final; three records agree."""
    venue = funded(make_venue)
    venue.trade(4)
    venue.wait_exact(4)
    venue.chain.request("evm_setAutomine", False)  # what is sent from now on is lost with the host
    backup, done = tmp_path / "backup", threading.Event()
    trading = threading.Thread(target=trade_until, args=(venue, done))
    trading.start()
    wait_for(lambda: trades_of(venue) > 4, "a trade")
    said = good(venue.engine.cfg_dir, "backup", str(backup))
    done.set()
    trading.join()
    traded = trades_of(venue)
    lose_everything(venue)
    manifest = restored(venue, backup, new_database())
    assert f"hash {manifest['state_hash']}" in said
    hashed = good(venue.engine.cfg_dir, "state-hash", "--at", str(manifest["command"])).split()
    assert hashed == ["command", str(manifest["command"]), "event", str(manifest["event"]), "hash", hashed[5]]
    assert hashed[5] == manifest["state_hash"]
    kept = trades_of(venue)
    assert 4 < kept <= traded
    venue.wait_exact(kept)
    venue.resume_traders()
    venue.trade(5, seed=3)
    venue.wait_exact(kept + 5)


def test_the_lost_hosts_journal_makes_a_restore_complete(
    make_venue: Callable[..., SettlementVenue], new_database: Callable[..., str], tmp_path: Path
) -> None:
    """With the segments that survived nothing is lost: settlement goes on though the chain went past the backup."""
    venue = funded(make_venue)
    venue.trade(3)
    venue.wait_exact(3)
    backup, survived = tmp_path / "backup", tmp_path / "survived"
    good(venue.engine.cfg_dir, "backup", str(backup))
    venue.trade(6, seed=2)
    venue.wait_exact(9)
    venue.engine.stop()
    shutil.copytree(venue.engine.journal_dir, survived)
    before = good(venue.engine.cfg_dir, "state-hash").split()
    venue.close_traders()
    venue.kill9()
    shutil.rmtree(venue.engine.state_dir)
    venue.use_database(new_database())
    said = good(venue.engine.cfg_dir, "restore", str(backup), "--journal", str(survived))
    assert f"to command {before[1]}, event {before[3]}, hash {before[5]}" in said
    venue.engine.start()
    venue.start()
    venue.wait_exact(9)


def test_a_restore_behind_the_chain_stops_settlement(
    make_venue: Callable[..., SettlementVenue], new_database: Callable[..., str], tmp_path: Path
) -> None:
    """Fills after the backup were settled on chain and are lost here: nothing is settled over them."""
    venue = funded(make_venue)
    venue.trade(3)
    venue.wait_exact(3)
    backup = tmp_path / "backup"
    good(venue.engine.cfg_dir, "backup", str(backup))
    venue.trade(4, seed=2)
    venue.wait_exact(7)
    lose_everything(venue)
    restored(venue, backup, new_database())
    venue.resume_traders()
    venue.trade(3, seed=3)
    stops = "SELECT count(*) FROM stop WHERE reason = 'the vault settled a batch that is not ours'"
    venue.wait(lambda: venue.count(stops) == 1, "settlement to stop")
    assert venue.count("SELECT count(*) FROM chain_tx WHERE signed_at > (SELECT min(raised_at) FROM stop)") == 0
    assert not venue.reconciled().matched


def test_a_backup_of_a_stopped_venue_holds_its_last_word(
    make_engine: Callable[..., EngineDaemon], tmp_path: Path
) -> None:
    """A venue without a ledger, stopped cleanly: the restored engine knows that it was, and has the same state."""
    engine = make_engine()
    assert engine.stop() == 0
    before = good(engine.cfg_dir, "state-hash")
    good(engine.cfg_dir, "backup", str(tmp_path / "backup"))
    shutil.rmtree(engine.state_dir)
    engine.state_dir.mkdir()
    good(engine.cfg_dir, "restore", str(tmp_path / "backup"))
    assert good(engine.cfg_dir, "state-hash") == before
    assert "stopped cleanly" in good(engine.cfg_dir, "journal", "verify")
    engine.start()
    assert '"unclean": true' not in engine.log.lower()
    assert before.split()[5] == good(engine.cfg_dir, "state-hash", "--at", before.split()[1]).split()[5]


@pytest.fixture
def stopped(make_engine: Callable[..., EngineDaemon], tmp_path: Path) -> tuple[EngineDaemon, Path]:
    """An engine that was stopped, and its backup."""
    engine = make_engine()
    engine.stop()
    good(engine.cfg_dir, "backup", str(tmp_path / "backup"))
    return engine, tmp_path / "backup"


def test_nothing_is_overwritten(stopped: tuple[EngineDaemon, Path]) -> None:
    """Neither a directory with files in it by a backup, nor a state_dir with files by a restore."""
    engine, backup = stopped
    assert refused(engine.cfg_dir, "backup", str(backup)) == f"{backup} is not empty"
    assert "is within state_dir" in refused(engine.cfg_dir, "backup", str(engine.state_dir / "backup"))
    assert f"{engine.state_dir} is not empty" in refused(engine.cfg_dir, "restore", str(backup))
    assert "stopped cleanly" in good(engine.cfg_dir, "journal", "verify")


def test_every_file_of_a_backup_is_for_its_owner_alone(stopped: tuple[EngineDaemon, Path]) -> None:
    """Files 0600, directories 0700: order flow and password hashes are in it; the operator's key is not."""
    _engine, backup = stopped
    modes = {path.stat().st_mode & 0o777 for path in backup.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (backup, *backup.rglob("*")) if path.is_dir()} == {0o700}
    assert not [path for path in backup.rglob("*") if "key" in path.name]


def test_a_file_that_changed_is_named_and_nothing_is_restored(stopped: tuple[EngineDaemon, Path]) -> None:
    """Each file of the backup in turn with one flipped bit, or missing: refused by name, state_dir stays empty."""
    engine, backup = stopped
    shutil.rmtree(engine.state_dir)
    names = list(orjson.loads((backup / "manifest.json").read_bytes())["files"])
    assert len(names) >= 5
    for name in names:
        path = backup / name
        whole = path.read_bytes()
        if whole:
            path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
            assert refused(engine.cfg_dir, "restore", str(backup)) == f"{path} is not what was backed up"
        path.unlink()
        assert refused(engine.cfg_dir, "restore", str(backup)) == f"{path} is missing"
        path.write_bytes(whole)
        assert not engine.state_dir.exists()
    good(engine.cfg_dir, "restore", str(backup))


def test_a_backup_that_was_cut_short_is_none(stopped: tuple[EngineDaemon, Path]) -> None:
    """The manifest comes last: without it nothing counts."""
    engine, backup = stopped
    shutil.rmtree(engine.state_dir)
    (backup / "manifest.json").unlink()
    assert refused(engine.cfg_dir, "restore", str(backup)) == f"{backup} is no complete backup: it has no manifest.json"


def test_segments_of_another_history_are_refused(
    stopped: tuple[EngineDaemon, Path], make_engine: Callable[..., EngineDaemon]
) -> None:
    """--journal takes only what goes on where the backup ends."""
    engine, backup = stopped
    other = make_engine()
    other.stop()
    shutil.rmtree(engine.state_dir)
    said = refused(engine.cfg_dir, "restore", str(backup), "--journal", str(other.journal_dir))
    assert said.endswith("does not go on where the backup ends: it is of another history")
    assert not engine.state_dir.exists()


def test_a_ledger_is_never_restored_over_another(make_venue: Callable[..., SettlementVenue], tmp_path: Path) -> None:
    """The database that cfg names already holds a ledger: refused, and nothing is put in place."""
    venue = make_venue()
    venue.start()
    venue.wait(lambda: venue.count("SELECT count(*) FROM block") > 0, "blocks in the ledger", WAIT_S)
    good(venue.engine.cfg_dir, "backup", str(tmp_path / "backup"))
    venue.kill9()
    venue.engine.kill9()
    shutil.rmtree(venue.engine.state_dir)
    blocks = venue.count("SELECT count(*) FROM block")
    said = refused(venue.engine.cfg_dir, "restore", str(tmp_path / "backup"))
    assert said == "the database already holds a ledger: restore into an empty one"
    assert not venue.engine.state_dir.exists()
    assert venue.count("SELECT count(*) FROM block") == blocks
