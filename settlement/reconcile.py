"""Compares the three records of the same money, unit by unit: the engine's balances, the ledger, and the vault.

    python -m settlement.reconcile --cfg DIR [--wait SECONDS]     one comparison of all three; exit 1 says what differs

Engine and ledger are compared at a checkpoint: what the engine holds (available + reserved) is what the ledger holds
(available + unsettled) after the same event. Ledger and vault are compared at a final block: the ledger's available
money is what the vault owes each account there. Integers, no tolerance; a difference stops settlement.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from cfg.load import ConfigError, load
from cfg.model import VenueConfig
from settlement.chain import Chain, ChainUnavailable
from settlement.database import Connection, NoLedger, connect, find_url, standing_stops
from settlement.vault import VaultClient

POLL_S = 0.1


def compare_checkpoint(connection: Connection, checkpoint: int) -> list[str]:
    """What differs between the engine's balances at a checkpoint and the ledger as it stands; empty when equal."""
    rows = connection.execute(
        "SELECT account, asset, coalesce(engine.units, 0), coalesce(ledger.units, 0) FROM "
        "(SELECT account, asset, units FROM checkpoint_balance WHERE checkpoint = %s) AS engine FULL JOIN "
        "(SELECT account, asset, sum(amount) AS units FROM balance WHERE account <> 0 GROUP BY account, asset) "
        "AS ledger "
        "USING (account, asset) WHERE coalesce(engine.units, 0) <> coalesce(ledger.units, 0) ORDER BY account, asset",
        (checkpoint,),
    ).fetchall()
    return [f"account {row[0]}, asset {row[1]}: engine {row[2]}, ledger {row[3]} units" for row in rows]


@dataclass(slots=True)
class ChainComparison:
    """Ledger against vault at one final block. `comparable` is why it could not be done yet, or empty."""

    block: int
    not_comparable: str = ""
    compared: int = 0
    differences: list[str] = field(default_factory=list)
    #: (account, asset) -> token units on chain; account None is a vault account nobody in the ledger stands for.
    on_chain: dict[tuple[int | None, int], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _VaultBooks:
    """What the vault says at one block."""

    last_batch: int
    last_deposit: int
    balances: dict[tuple[int, int], int]  # (account_no, asset) -> token units
    totals: dict[int, int]
    held: dict[int, int]


def _read_vault(chain: Chain, block: int) -> _VaultBooks:
    def question(client: VaultClient) -> _VaultBooks:
        assets = range(1, client.asset_count(block) + 1)
        numbers = range(1, client.account_count(block) + 1)
        held = {}
        for asset in assets:
            call = {"to": client.asset(asset, block).token, "data": "0x70a08231" + client.address[2:].rjust(64, "0")}
            held[asset] = int.from_bytes(client.web3.eth.call(call, block), "big")  # type: ignore[arg-type]
        return _VaultBooks(
            last_batch=client.last_batch(block),
            last_deposit=client.last_deposit(block),
            balances=client.balances_of([(number, asset) for asset in assets for number in numbers], block),
            totals={asset: client.total(asset, block) for asset in assets},
            held=held,
        )

    return chain.read(question)


def compare_chain(connection: Connection, chain: Chain, token_scales: dict[int, int]) -> ChainComparison:
    """Compares at the ledger's final block. Raises ChainUnavailable when the node cannot answer for that block."""
    row = connection.execute("SELECT sequence FROM cursor WHERE name = 'final_block'").fetchone()
    assert row is not None
    done = ChainComparison(block=row[0])
    if done.block == 0:
        done.not_comparable = "no block is final yet"
        return done
    early = connection.execute(
        "SELECT count(*), min(block_number) FROM credit WHERE NOT EXISTS (SELECT FROM deposit "
        "WHERE deposit.deposit_seq = credit.deposit_seq AND state = 'credited')"
    ).fetchone()
    assert early is not None
    if early[0] and early[1] > done.block:
        done.not_comparable = f"{early[0]} credits are of blocks that are still to be followed"
        return done
    if early[0]:
        done.differences.append(f"{early[0]} credits have no deposit on the chain")
    _compare(connection, _read_vault(chain, done.block), token_scales, done)
    return done


def _compare(connection: Connection, vault: _VaultBooks, token_scales: dict[int, int], done: ChainComparison) -> None:
    owners: dict[int, int] = dict(connection.execute("SELECT account_no, account FROM chain_account").fetchall())
    for (number, asset), units in vault.balances.items():
        key = (owners.get(number), asset)
        done.on_chain[key] = done.on_chain.get(key, 0) + units
    expected: dict[tuple[int | None, int], int] = {}
    # A deposit that is final but not credited yet is on the chain's side only.
    for account, asset, units in connection.execute(
        "SELECT account, asset, amount FROM balance WHERE bucket = 'available' AND account <> 0 UNION ALL "
        "SELECT account, asset, units FROM deposit WHERE state = 'final'"
    ).fetchall():
        expected[account, asset] = expected.get((account, asset), 0) + units * token_scales[asset]
    for key in sorted(expected.keys() | done.on_chain.keys(), key=str):
        done.compared += 1
        if expected.get(key, 0) != done.on_chain.get(key, 0):
            done.differences.append(
                f"account {key[0]}, asset {key[1]}: ledger {expected.get(key, 0)}, "
                f"vault {done.on_chain.get(key, 0)} token units at block {done.block}"
            )
    for asset, total in vault.totals.items():
        summed = sum(units for (_, of), units in vault.balances.items() if of == asset)
        if summed != total:
            done.differences.append(f"asset {asset}: vault's total is {total}, its balances sum to {summed}")
        if vault.held[asset] < total:
            done.differences.append(f"asset {asset}: vault owes {total} and holds {vault.held[asset]} token units")
    row = connection.execute(
        "SELECT (SELECT coalesce(max(id), 0) FROM batch WHERE state = 'final'), "
        "(SELECT coalesce(max(deposit_seq), 0) FROM deposit WHERE state IN ('final', 'credited'))"
    ).fetchone()
    assert row is not None
    for what, ours, theirs in (("batch", row[0], vault.last_batch), ("deposit", row[1], vault.last_deposit)):
        if ours != theirs:
            done.differences.append(f"last {what}: ledger {ours}, vault {theirs} at block {done.block}")


@dataclass(frozen=True, slots=True)
class Line:
    """One balance as the three records have it, in engine units; None where a record cannot say."""

    account: int
    asset: int
    engine: int | None
    ledger: int
    ledger_available: int
    vault: int | None


@dataclass(slots=True)
class Report:
    """All three comparisons of a venue at rest."""

    checkpoint: int
    block: int
    lines: list[Line] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def matched(self) -> bool:
        """Whether all three records agree to the unit."""
        return not self.differences


def pending_work(connection: Connection) -> list[str]:
    """What is still on its way through settlement; empty when the venue's money is at rest."""
    questions = (
        (
            "fills, busts or transfers wait for a batch",
            "SELECT count(*) FROM settleable WHERE sequence > (SELECT coalesce(max(last_seq), 0) FROM batch)",
        ),
        ("batches are not final", "SELECT count(*) FROM batch WHERE state <> 'final'"),
        ("deposits are not credited", "SELECT count(*) FROM deposit WHERE state IN ('seen', 'final')"),
        (
            "credits are not found on the chain",
            "SELECT count(*) FROM credit WHERE NOT EXISTS (SELECT FROM deposit "
            "WHERE deposit.deposit_seq = credit.deposit_seq AND state = 'credited')",
        ),
        (
            "entries are newer than the last checkpoint",
            "SELECT count(*) FROM entry WHERE sequence > (SELECT coalesce(max(sequence), 0) FROM checkpoint)",
        ),
    )
    waiting = []
    for what, question in questions:
        row = connection.execute(question.encode()).fetchone()
        assert row is not None
        if row[0]:
            waiting.append(f"{row[0]} {what}")
    return waiting


def reconcile(connection: Connection, chain: Chain, config: VenueConfig) -> Report:
    """Compares engine, ledger and vault once, on a venue at rest (see pending_work). Raises ChainUnavailable."""
    scales = {asset.id: asset.token_scale for asset in config.assets}
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        row = connection.execute("SELECT coalesce(max(number), 0) FROM checkpoint").fetchone()
        assert row is not None
        report = Report(checkpoint=row[0], block=0)
        if report.checkpoint == 0:
            report.differences.append("the engine has journaled no checkpoint: nothing to compare the ledger with")
        else:
            report.differences += compare_checkpoint(connection, report.checkpoint)
        comparison = compare_chain(connection, chain, scales)
        report.block = comparison.block
        report.differences += comparison.differences
        if comparison.not_comparable:
            report.differences.append(f"vault not compared: {comparison.not_comparable}")
        report.differences += [
            f"settlement is stopped: {reason}: {detail}" for reason, detail in standing_stops(connection)
        ]
        report.differences += [f"still on its way: {what}" for what in pending_work(connection)]
        report.lines = _lines(connection, report.checkpoint, comparison, scales)
    return report


def _lines(connection: Connection, checkpoint: int, comparison: ChainComparison, scales: dict[int, int]) -> list[Line]:
    engine = {
        (account, asset): units
        for account, asset, units in connection.execute(
            "SELECT account, asset, units FROM checkpoint_balance WHERE checkpoint = %s", (checkpoint,)
        ).fetchall()
    }
    rows = connection.execute(
        "SELECT account, asset, sum(amount), coalesce(sum(amount) FILTER (WHERE bucket = 'available'), 0) FROM balance "
        "WHERE account <> 0 GROUP BY account, asset ORDER BY asset, account"
    ).fetchall()
    lines = []
    for account, asset, total, available in rows:
        tokens = comparison.on_chain.get((account, asset), 0)
        vault = tokens // scales[asset] if comparison.on_chain else None
        lines.append(Line(account, asset, engine.get((account, asset), 0), total, available, vault))
    return lines


def format_report(report: Report, config: VenueConfig) -> str:
    """The report as a table for a terminal."""
    accounts = {account.id: account.name for account in config.accounts}
    symbols = {asset.id: asset.symbol for asset in config.assets}
    out = [
        f"checkpoint {report.checkpoint}, final block {report.block}; amounts in engine units",
        f"{'account':<16} {'asset':<8} {'engine':>22} {'ledger':>22} {'vault':>22}",
    ]
    for line in report.lines:
        cells = [str(value) if value is not None else "?" for value in (line.engine, line.ledger, line.vault)]
        out.append(
            f"{accounts.get(line.account, str(line.account)):<16} {symbols.get(line.asset, str(line.asset)):<8} "
            + " ".join(f"{cell:>22}" for cell in cells)
        )
    if report.matched:
        out.append(f"engine = ledger = vault: {len(report.lines)} balances equal to the unit")
    out += [f"DIFFERS {difference}" for difference in report.differences]
    return "\n".join(out) + "\n"


def _when_at_rest(connection: Connection, chain: Chain, config: VenueConfig, wait_s: float) -> Report:
    """Reconciles once nothing is on its way, or at the deadline as things are then."""
    deadline = time.monotonic() + wait_s
    while True:
        late = time.monotonic() >= deadline
        if late or not pending_work(connection):
            try:
                return reconcile(connection, chain, config)
            except ChainUnavailable:
                # Also a node that has forgotten the state of that block: the next final block will do.
                if late:
                    raise
        time.sleep(POLL_S)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; exit 0 equal, 1 different or not at rest, 2 bad configuration or nothing to compare."""
    parser = argparse.ArgumentParser(
        prog="python -m settlement.reconcile", description="Compare engine, ledger, vault."
    )
    parser.add_argument("--cfg", type=Path, required=True, metavar="DIR", help="directory of the three TOML files")
    parser.add_argument("--wait", type=float, default=60, metavar="SECONDS", help="wait for the venue to be at rest")
    options = parser.parse_args(arguments)
    try:
        config = load(options.cfg)
        chain = Chain(config.settlement.rpc_urls, config.settlement.vault_address)
        with connect(find_url(config), "venue-reconcile") as connection:
            report = _when_at_rest(connection, chain, config, options.wait)
    except ConfigError as error:
        sys.stderr.write("\n".join(error.errors) + "\n")
        return 2
    except (NoLedger, ChainUnavailable, psycopg.OperationalError, ValueError) as error:
        sys.stderr.write(f"cannot compare: {error}\n")
        return 2
    sys.stdout.write(format_report(report, config))
    return 0 if report.matched else 1


if __name__ == "__main__":
    sys.exit(main())
