"""Settlement end to end on a real engine, PostgreSQL and chain: every fill final once, and three records equal."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest
from web3 import Web3

from ops.toml_edit import Edit, Value
from settlement.database import clear_stops, raise_stop
from settlement.deploy import Sender, encode_call
from settlement.postgres import Postgres
from settlement.trace import trace_fill
from tests.fixtures.fix_engine import ALPHA_ACCOUNT, BRAVO_ACCOUNT, ROOT
from tests.fixtures.fix_settlement import ETH, USD, SettlementVenue

MakeVenue = Callable[..., SettlementVenue]
CREDITS = "SELECT count(*) FROM credit"


def funded(venue: SettlementVenue, credits: int = 4) -> SettlementVenue:
    """The venue with its traders funded and credited."""
    venue.fund()
    venue.wait(lambda: venue.count(CREDITS) == credits, "the deposits to be credited")
    return venue


def test_fills_become_final_batches_and_three_records_agree(make_venue: MakeVenue) -> None:
    """Deposits are credited, fills posted, batches settled on chain; engine, ledger and vault are equal to the unit."""
    venue = make_venue()
    venue.start()
    funded(venue)
    venue.trade(40)
    report = venue.wait_exact(40)
    assert {(line.account, line.asset) for line in report.lines} >= {
        (ALPHA_ACCOUNT, USD),
        (ALPHA_ACCOUNT, ETH),
        (BRAVO_ACCOUNT, USD),
        (BRAVO_ACCOUNT, ETH),
        (venue.config.fee_account.id, USD),
    }
    assert all(line.engine == line.ledger == line.ledger_available == line.vault for line in report.lines)
    assert venue.count("SELECT max(id) FROM batch") >= 1
    assert venue.counter("reconcile_breaks") == 0
    assert venue.counter("final_seq") == venue.counter("batched_seq") >= venue.counter("filled_seq") > 0
    # The engine has learned of every batch's end by an event, in order.
    venue.wait(lambda: venue.count("SELECT count(*) FROM batch WHERE told <> 4") == 0, "the engine to be told")
    with venue.ledger() as connection:
        row = connection.execute("SELECT max(trade_id) FROM fill").fetchone()
        assert row is not None
        hops = [hop.name for hop in trace_fill(connection, row[0])]
    assert hops == ["matched", "posted", "cut", "signed", "sent", "mined", "final"]
    assert venue.stop() == 0


def test_an_unknown_depositor_is_credited_to_suspense(make_venue: MakeVenue) -> None:
    """A deposit from an address that cfg does not bind goes to suspense, and those after it are credited."""
    venue = make_venue()
    venue.start()
    venue.deposit(venue.stranger_key, USD, 77)
    funded(venue, credits=5)
    suspense = venue.config.suspense_account.id
    assert venue.count(f"SELECT amount FROM balance WHERE account = {suspense}") == 77
    venue.wait_exact(0)


def test_batches_survive_a_reorganisation(make_venue: MakeVenue) -> None:
    """Blocks with settled batches are orphaned and their transactions dropped: the same bytes are offered again."""
    venue = make_venue()
    venue.start()
    funded(venue)
    venue.trade(10)
    mined = "SELECT count(*) FROM batch WHERE state = 'mined'"
    venue.wait(lambda: venue.count(mined) > 0, "a mined batch", mine=False)
    venue.chain.request("anvil_reorg", 2, [])
    venue.wait(lambda: venue.counter("reorgs") > 0, "the reorganisation to be seen")
    venue.wait_exact(10)
    assert venue.count("SELECT count(*) FROM batch_history WHERE state = 'mined'") > venue.count(
        "SELECT count(*) FROM batch"
    )
    assert venue.count("SELECT count(*) FROM nonce_slot") == venue.count("SELECT count(*) FROM batch")


def test_a_deposit_that_is_orphaned_is_never_credited(make_venue: MakeVenue) -> None:
    """A deposit is credited only when final; one that a reorganisation takes away before that leaves nothing."""
    venue = make_venue()
    venue.start()
    venue.deposit(venue.alpha_key, USD, 5)
    venue.wait(lambda: venue.count("SELECT count(*) FROM deposit") == 1, "the deposit to be seen", mine=False)
    venue.chain.request("anvil_reorg", 2, [])
    orphaned = "SELECT count(*) FROM deposit WHERE state = 'orphaned'"
    venue.wait(lambda: venue.count(orphaned) == 1, "the deposit to be orphaned")
    venue.deposit(venue.alpha_key, USD, 7)
    venue.wait(lambda: venue.count(CREDITS) == 1, "the credit")
    assert venue.count("SELECT units FROM credit") == 7
    venue.wait_exact(0)


def test_a_wiped_mempool_is_filled_again(make_venue: MakeVenue) -> None:
    """Transactions the node forgot are offered again until they are mined."""
    venue = make_venue()
    venue.start()
    funded(venue)
    venue.chain.request("evm_setAutomine", False)
    venue.trade(20)
    sent = "SELECT count(*) FROM batch WHERE state = 'sent'"
    venue.wait(lambda: venue.count(sent) > 0, "a batch to be sent", mine=False)
    venue.chain.request("anvil_dropAllTransactions")
    venue.wait_exact(20)


def test_a_base_fee_above_our_offer_is_outbid(make_venue: MakeVenue) -> None:
    """When the base fee rises above what was signed, the same nonce is signed again for more."""
    venue = make_venue()
    venue.start()
    funded(venue)
    venue.chain.request("evm_setAutomine", False)
    venue.trade(4)
    sent = "SELECT count(*) FROM batch WHERE state = 'sent'"
    venue.wait(lambda: venue.count(sent) > 0, "a batch to be sent", mine=False)
    venue.chain.request("anvil_setNextBlockBaseFeePerGas", hex(20 * 10**9))
    venue.wait_exact(4)
    assert venue.count("SELECT count(*) FROM chain_tx") > venue.count("SELECT count(*) FROM nonce_slot")
    assert venue.count("SELECT count(*) FROM nonce_slot") == venue.count("SELECT count(*) FROM batch")


def test_a_second_worker_is_refused(make_venue: MakeVenue) -> None:
    """A worker on the same ledger, even from other directories, does not start; the first goes on."""
    venue = make_venue()
    venue.start()
    funded(venue)
    first = venue.daemon
    elsewhere = {key: str(venue.directory / f"{key}2") for key in ("run_dir", "state_dir")}
    venue.edit("venue.toml", [Edit("paths", elsewhere)])
    venue.start()
    venue.wait(venue.ended, "the second worker to give up", mine=False)
    assert venue.daemon is not None and venue.daemon.returncode == 1
    assert "another worker" in venue.log
    venue.daemon = first
    venue.trade(2)
    venue.wait_exact(2)


def test_the_database_may_die_and_come_back(make_venue: MakeVenue, postgres: Postgres) -> None:
    """PostgreSQL killed in the middle of trading and restarted: settlement waits, resumes and is exact."""
    venue = make_venue(postgres.start())
    venue.start()
    funded(venue)
    venue.trade(10)
    venue.wait(lambda: venue.count("SELECT count(*) FROM fill") > 0, "the first fill to be posted")
    postgres.kill9()
    venue.trade(10, seed=2)
    venue.wait(lambda: venue.counter("db_errors") > 0, "the loss to be noticed", mine=False)
    assert not venue.ended()
    venue.database_url = postgres.start()
    venue.wait_exact(20)


def test_a_server_of_our_own_is_started_again_when_it_dies(make_venue: MakeVenue) -> None:
    """Without a database named the daemon runs PostgreSQL below state_dir; killed -9, it is back with everything."""
    venue = make_venue("")
    venue.start()
    funded(venue)
    venue.trade(4)
    venue.wait(lambda: venue.count("SELECT count(*) FROM fill") > 0, "the first fill to be posted")
    pid_file = venue.engine.state_dir / "postgres" / "data" / "postmaster.pid"
    os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)
    venue.wait(lambda: venue.log.count("database.died") == 1, "the death to be noticed", mine=False)
    venue.wait(lambda: venue.log.count('"state":"here","event":"settlement.database"') == 2, "the server", mine=False)
    venue.trade(4, seed=2)
    venue.wait_exact(8)
    assert venue.stop() == 0
    assert not pid_file.exists()


def test_a_lost_ledger_is_rebuilt_from_the_engine_and_the_chain(make_venue: MakeVenue, postgres: Postgres) -> None:
    """On an empty database the events give the same batches again; those on the vault are found there, not sent."""
    venue = make_venue()
    venue.start()
    funded(venue)
    # More blocks than one look at the chain takes in: the ledger knows the batches long before it finds them there.
    venue.chain.request("anvil_mine", hex(300))
    venue.trade(12)
    venue.wait_exact(12)
    batches = venue.count("SELECT count(*) FROM batch")
    assert venue.stop() == 0
    venue.database_url = postgres.start()
    venue.edit("venue.toml", [Edit("settlement", {"database_url": venue.database_url})])
    venue.start()
    venue.wait_exact(12)
    assert venue.count("SELECT count(*) FROM batch") == batches
    assert venue.count("SELECT count(*) FROM chain_tx") == 0
    assert venue.count("SELECT count(*) FROM stop") == 0
    venue.trade(3, seed=9)
    venue.wait_exact(15)


@pytest.mark.parametrize(
    ("table", "values", "message"),
    [
        ("settlement", {"vault_address": ""}, "settlement.vault_address"),
        ("settlement", {"chain_id": 1}, "chain id is 31337"),
        ("settlement", {"vault_address": "0x" + "77" * 20}, "there is no contract"),
        ("settlement", {"operator_key_file": "absent"}, "cannot be read"),
    ],
)
def test_what_does_not_fit_together_is_refused_at_start(
    make_venue: MakeVenue, table: str, values: dict[str, Value], message: str
) -> None:
    """Another chain, no vault, no key: the daemon ends with a clear reason and has touched nothing."""
    venue = make_venue()
    venue.edit("venue.toml", [Edit(table, values)])
    venue.start()
    venue.wait(venue.ended, "the daemon to refuse", mine=False)
    assert venue.daemon is not None and venue.daemon.returncode == 1
    assert message in venue.log
    assert venue.count("SELECT count(*) FROM identity") == 0


def test_the_command_compares_and_says_what_differs(make_venue: MakeVenue) -> None:
    """python -m settlement.reconcile exits 0 with a table when the records agree, 1 naming the balance when not."""
    venue = make_venue()
    venue.start()
    funded(venue)
    venue.trade(2)
    venue.wait_exact(2)
    assert venue.stop() == 0
    agreed = _compare(venue)
    assert agreed.returncode == 0, agreed.stderr
    assert "engine = ledger = vault: 5 balances equal to the unit" in agreed.stdout
    _forge(venue)
    differing = _compare(venue)
    assert differing.returncode == 1
    assert f"DIFFERS account {ALPHA_ACCOUNT}, asset {USD}" in differing.stdout


def _compare(venue: SettlementVenue) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "settlement.reconcile", "--cfg", str(venue.engine.cfg_dir), "--wait", "0"]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)


def _forge(venue: SettlementVenue) -> None:
    """Gives ALPHA one unit that neither engine nor vault know."""
    with venue.ledger() as connection, connection.transaction():
        row = connection.execute(
            "INSERT INTO entry (kind, ref, time_ns) VALUES ('deposit', 'forged', 0) RETURNING id"
        ).fetchone()
        assert row is not None
        connection.execute(
            "INSERT INTO posting VALUES (%s, 0, %s, %s, 'available', 1), (%s, 1, 0, %s, 'available', -1)",
            (row[0], ALPHA_ACCOUNT, USD, row[0], USD),
        )


def test_the_chain_may_be_away(make_venue: MakeVenue) -> None:
    """While no node answers, fills are still posted and batches cut; they settle when it is back."""
    venue = make_venue()
    venue.start()
    funded(venue)
    venue.chain.stop()
    venue.trade(6)
    venue.wait(lambda: venue.count("SELECT count(*) FROM batch") > 0, "a batch to be cut", mine=False)
    assert venue.counter("rpc_errors") > 0
    venue.chain.start()
    venue.wait_exact(6)


def test_a_node_that_hangs_does_not_hold_up_events(make_venue: MakeVenue) -> None:
    """While a call to a node that accepts and never answers is still open, fills are posted all the same."""
    venue = make_venue()
    venue.start()
    funded(venue)
    venue.chain.stop()
    with socket.create_server(("127.0.0.1", venue.chain.port)) as node:
        node.settimeout(30)
        call, _ = node.accept()
        with call:
            given_up = venue.counter("rpc_errors")
            venue.trade(3)
            venue.wait(lambda: venue.count("SELECT count(*) FROM fill") == 3, "the fills to be posted", mine=False)
            assert venue.counter("rpc_errors") == given_up
    venue.chain.start()
    venue.wait_exact(3)


def test_settlement_killed_and_restarted_is_exact(make_venue: MakeVenue) -> None:
    """kill -9 of the daemon between two bursts of trades loses and repeats nothing."""
    venue = make_venue()
    venue.start()
    funded(venue)
    venue.trade(10)
    venue.wait(lambda: venue.count("SELECT count(*) FROM batch") > 0, "a batch to be cut")
    venue.kill9()
    venue.trade(10, seed=3)
    venue.start()
    venue.wait_exact(20)


def test_the_engine_killed_and_restarted_is_followed_exactly(make_venue: MakeVenue) -> None:
    """kill -9 of the engine: settlement resumes at the event after the last it has."""
    venue = make_venue()
    venue.start()
    funded(venue)
    venue.trade(10)
    venue.wait(lambda: venue.count("SELECT count(*) FROM fill") == 10, "the fills to be posted")
    venue.engine.kill9()
    venue.engine.start()
    venue.wait_exact(10)
    assert venue.count("SELECT epoch FROM cursor WHERE name = 'events'") == 2


def test_a_ledger_that_differs_from_the_engine_stops_settlement(make_venue: MakeVenue) -> None:
    """Money that is in the ledger alone is found at the next checkpoint; no batch goes out without an operator."""
    venue = make_venue()
    venue.start()
    funded(venue)
    _forge(venue)
    stops = "SELECT count(*) FROM stop WHERE reason = 'ledger and engine differ' AND cleared_at IS NULL"
    venue.wait(lambda: venue.count(stops) == 1, "the difference to be found")
    venue.wait(lambda: venue.counter("state") == 3, "the stopped state")
    assert venue.counter("reconcile_breaks") > 0
    venue.trade(4)
    venue.wait(lambda: venue.count("SELECT count(*) FROM batch") > 0, "a batch to be cut")
    venue.kill9()
    venue.start()
    venue.wait(lambda: venue.counter("state") == 3, "the stop to outlive a restart")
    assert venue.count("SELECT count(*) FROM chain_tx") == 0
    assert not venue.reconciled().matched


def test_an_operator_ends_a_stop(make_venue: MakeVenue) -> None:
    """After an operator cleared the stop, settlement goes on where it stood."""
    venue = make_venue()
    venue.start()
    funded(venue)
    with venue.ledger() as connection:
        raise_stop(connection, "drill", "an operator practises")
    venue.wait(lambda: venue.counter("state") == 3, "the stopped state")
    venue.trade(4)
    venue.wait(lambda: venue.count("SELECT count(*) FROM batch") > 0, "a batch to be cut")
    with venue.ledger() as connection:
        assert clear_stops(connection, "test", "the drill is over") == 1
    venue.wait_exact(4)


def test_a_batch_that_reverts_stops_settlement(make_venue: MakeVenue) -> None:
    """A transaction that fails on chain is not skipped or repeated: settlement stops and says why."""
    venue = make_venue()
    venue.start()
    funded(venue)
    venue.chain.request("evm_setAutomine", False)
    venue.trade(2)
    sent = "SELECT count(*) FROM batch WHERE state = 'sent'"
    venue.wait(lambda: venue.count(sent) > 0, "a batch to be sent", mine=False)
    venue.kill9()
    venue.chain.request("anvil_dropAllTransactions")
    # Between signing and mining the guardian pauses: the transaction is valid and reverts.
    _pause_then_resend(venue)
    venue.start()
    stops = "SELECT count(*) FROM stop WHERE reason = 'a batch reverted'"
    venue.wait(lambda: venue.count(stops) == 1, "the stop")
    assert "paused" in venue.log


def _pause_then_resend(venue: SettlementVenue) -> None:
    web3 = Web3(Web3.HTTPProvider(venue.chain.rpc_url))
    with venue.ledger() as connection:
        rows = connection.execute("SELECT raw FROM chain_tx ORDER BY nonce").fetchall()
    guardian = Sender(web3, venue.deployment.guardian_key)
    guardian.send(web3.to_checksum_address(venue.deployment.vault), encode_call("Vault", "pause"))
    venue.chain.request("evm_mine")
    for (raw,) in rows:
        web3.eth.send_raw_transaction(bytes(raw))
    venue.chain.request("evm_mine")


def test_a_ledger_of_another_chain_is_refused(make_venue: MakeVenue) -> None:
    """A ledger that belongs to another vault does not follow this one."""
    venue = make_venue()
    venue.start()
    funded(venue)
    assert venue.stop() == 0
    other = make_venue(venue.database_url)
    other.start()
    other.wait(other.ended, "the daemon to refuse", mine=False)
    assert other.daemon is not None and other.daemon.returncode == 1
    assert "this ledger belongs to another" in other.log or "does not know events" in other.log
