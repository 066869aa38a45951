"""The settlement daemon: one thread that follows the engine's events and the chain, and moves money between the two.

It may die at any moment: all it knows is in the ledger, and every step is taken from there. A database or chain that is
away is waited for; a disagreement between engine, ledger and chain is recorded as a stop, which only an operator ends.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import psycopg
import zmq
from eth_account.signers.local import LocalAccount

from cfg.daemon import Life, run
from cfg.model import VenueConfig
from engine.wire.client import Answer, CommandChannel, Diverged, EngineEvents, EngineRestarted
from engine.wire.counters import Counters
from engine.wire.endpoints import EngineEndpoints, counters_path
from engine.wire.messages import CommandRefused, Credit, Role
from settlement.batches import BatchLimits
from settlement.blocks import BlockFollower, Finality
from settlement.chain import Chain, ChainMismatch, ChainUnavailable, Header
from settlement.database import (
    AnotherWorker,
    Connection,
    LedgerError,
    bind,
    connect,
    given_url,
    lock_worker,
    migrate,
    publish_url,
    raise_stop,
    standing_stops,
)
from settlement.deposits import Bindings, bind_fee_account
from settlement.ledger import Ledger, LedgerSettings
from settlement.outbox import Outbox, Pace, monotonic_ms
from settlement.postgres import Postgres
from settlement.reconcile import compare_chain
from settlement.vault import FEE_ACCOUNT, VaultClient
from settlement.worker import Broadcaster, FeePolicy, operator_key

COMPONENT = "settlement"
EVENTS_POLL_MS = 20
BACKOFF_FIRST_S, BACKOFF_LAST_S = 0.1, 5.0
#: The database needs a moment to notice that the worker before us has died.
LOCK_PATIENCE_S = 10.0
JOIN_S = 20.0
CHAIN_RETRY_MS = 1_000

RUNNING, DATABASE_AWAY, CHAIN_AWAY, STOPPED = 0, 1, 2, 3

COUNTERS = (
    "state",
    "events",
    "fills",
    "credits",
    "batches_cut",
    "batches_sent",
    "batches_mined",
    "batches_final",
    "events_seq",
    "filled_seq",
    "batched_seq",
    "settled_seq",
    "final_seq",
    "oldest_unsettled_ns",
    "next_nonce",
    "offers",
    "bumps",
    "head_block",
    "head_time_s",
    "final_block",
    "reorgs",
    "reorg_depth_max",
    "rpc_errors",
    "db_errors",
    "reconciliations",
    "reconcile_breaks",
    "stops",
    "engine_refusals",
    "checkpoint",
    "busts",
    "transfers",
)


class ConfigurationIncomplete(Exception):
    """The configuration names no vault or no token: there is nothing to settle on."""


def require_complete(config: VenueConfig) -> None:
    """Raises ConfigurationIncomplete unless the vault and every token have an address."""
    missing = [f"asset {asset.symbol}: token_address" for asset in config.assets if not asset.token_address]
    if not config.settlement.vault_address:
        missing.insert(0, "settlement.vault_address")
    if missing:
        raise ConfigurationIncomplete(f"not set: {', '.join(missing)}; deploy the contracts first")


def verify_chain(chain: Chain, config: VenueConfig, operator: str) -> None:
    """The chain must be the one that cfg describes. Raises ChainMismatch, or ChainUnavailable when nobody answers."""

    def question(client: VaultClient) -> list[str]:
        wrong = []
        chain_id = client.web3.eth.chain_id
        if chain_id != config.settlement.chain_id:
            return [f"chain id is {chain_id}, cfg says {config.settlement.chain_id}"]
        if not client.web3.eth.get_code(client.address):
            return [f"there is no contract at {client.address}"]
        on_chain = client.operator()
        if on_chain.lower() != operator.lower():
            wrong.append(f"the vault's operator is {on_chain}, our key is {operator}")
        listed_count = client.asset_count()
        for asset in config.assets:
            if asset.id > listed_count:
                wrong.append(f"asset {asset.symbol} ({asset.id}) is not listed in the vault")
                continue
            listed = client.asset(asset.id)
            expected = (asset.token_address.lower(), asset.token_decimals, asset.token_scale)
            found = (listed.token.lower(), listed.decimals, listed.unit_scale)
            if expected != found:
                wrong.append(f"asset {asset.symbol}: cfg says token, decimals, scale {expected}, the vault {found}")
            if listed.batch_limit < asset.batch_gross_limit * asset.token_scale:
                wrong.append(f"asset {asset.symbol}: the vault's batch limit is below batch_gross_limit")
        return wrong

    wrong = chain.read(question)
    if wrong:
        raise ChainMismatch("; ".join(wrong))


class _ChainSide:
    """What needs the chain, made once it answered and proved to be ours."""

    def __init__(self, connection: Connection, chain: Chain, config: VenueConfig, key: LocalAccount) -> None:
        verify_chain(chain, config, key.address)
        number, block_hash = chain.deploy_block()
        bind(connection, config.settlement.chain_id, chain.vault, number, block_hash)
        fee_owner = chain.read(lambda client: client.owner_of_account(FEE_ACCOUNT))
        bind_fee_account(connection, FEE_ACCOUNT, bytes.fromhex(fee_owner[2:]), config.fee_account.id)
        bindings = Bindings.of(config)
        settings = config.settlement
        finality = Finality(settings.finality == "finalized", settings.finality_depth)
        self.follower = BlockFollower(connection, chain, finality, number, bindings)
        self.broadcaster = Broadcaster(connection, chain, key, settings.chain_id, FeePolicy.of(settings), bindings)
        self.reconciled_block = 0


class SettlementService:
    """The service that cfg.daemon runs."""

    def __init__(self, config: VenueConfig, life: Life) -> None:
        self._config = config
        self._life = life
        self._log = life.log
        self._server: Postgres | None = None
        self._url = ""
        self._key: LocalAccount | None = None
        self._progress = 0
        self._ending = threading.Event()
        self._ended = threading.Event()
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._context: zmq.Context[Any] = zmq.Context()
        self._counters = Counters(counters_path(config.paths.run_dir, COMPONENT), COUNTERS)
        self._chain: Chain | None = None
        self._said: dict[str, str] = {}
        self._refusals = 0

    # Called by the watching thread.

    def start(self) -> None:
        require_complete(self._config)
        self._key = operator_key(self._config.settlement)
        self._chain = Chain(self._config.settlement.rpc_urls, self._config.settlement.vault_address)
        self._url = given_url(self._config)
        if not self._url:
            # Started by the main thread: the server lives as long as the thread that started it.
            self._server = Postgres(self._config.paths.state_dir / "postgres")
            self._url = self._server.start()
            publish_url(self._config, self._url)
        self._prepare_database()
        self._refuse_wrong_chain()
        self._thread = threading.Thread(target=self._run, name="settlement")
        self._thread.start()

    def _prepare_database(self) -> None:
        """The schema, and the certainty that nobody else works on it, before we call ourselves ready."""
        while True:
            try:
                with connect(self._url, "venue-settlement-start") as connection:
                    steps = migrate(connection)
                    _lock_patiently(connection, self._ending)
                self._log.info("ledger.ready", migrations_applied=steps)
                return
            except psycopg.OperationalError as error:
                if self._life.stop_requested:
                    raise
                self._say("database", f"away: {_first_line(error)}")
                self._life.status("waiting for the database")
                self._ending.wait(1.0)

    def _refuse_wrong_chain(self) -> None:
        """A wrong chain is refused at start; one that does not answer is waited for while we work."""
        assert self._chain is not None and self._key is not None
        try:
            verify_chain(self._chain, self._config, self._key.address)
        except ChainUnavailable as error:
            self._say("chain", f"away: {_first_line(error)}")

    def progress(self) -> int:
        return self._progress

    def drain(self) -> None:
        self._ending.set()

    def stop(self) -> None:
        self._ending.set()
        if self._thread is not None:
            self._thread.join(JOIN_S)
        self._context.destroy(0)
        if self._server is not None:
            self._server.stop()

    def wait(self, timeout_s: float) -> bool:
        if self._server is not None and not self._server.alive and not self._ending.is_set():
            self._log.error("database.died", action="starting it again")
            self._server.stop()
            self._url = self._server.start()
            publish_url(self._config, self._url)
        if not self._ended.wait(timeout_s):
            return False
        if self._failure is not None:
            raise self._failure
        return True

    # The working thread.

    def _run(self) -> None:
        backoff_s = BACKOFF_FIRST_S
        try:
            while not self._ending.is_set():
                self._progress += 1
                started_s = time.monotonic()
                try:
                    with connect(self._url, "venue-settlement") as connection:
                        _lock_patiently(connection, self._ending)
                        self._say("database", "here")
                        self._serve(connection)
                except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                    self._counters.add("db_errors")
                    self._counters.set("state", DATABASE_AWAY)
                    self._say("database", f"away: {_first_line(error)}")
                    # Long service before the loss means that the next attempt is a first one.
                    lasted = time.monotonic() - started_s > BACKOFF_LAST_S
                    backoff_s = BACKOFF_FIRST_S if lasted else min(2 * backoff_s, BACKOFF_LAST_S)
                    self._ending.wait(backoff_s)
        except BaseException as error:  # noqa: BLE001 - carried to the watching thread, which ends the process with it
            self._failure = error
        finally:
            self._ended.set()

    def _serve(self, connection: Connection) -> None:
        """Works until the end is asked for. Everything here is rebuilt from the ledger when the database was away."""
        assert self._chain is not None
        settings = self._config.settlement
        limits = BatchLimits(
            legs=settings.batch_max_legs,
            age_ns=settings.batch_max_age_ms * 1_000_000,
            notional_units=settings.batch_max_notional,
            gross_units={asset.id: asset.batch_gross_limit for asset in self._config.assets},
        )
        ledger = Ledger(connection, LedgerSettings(settings.chain_id, self._chain.vault, limits))
        endpoints = EngineEndpoints(self._config.paths.run_dir)
        events = EngineEvents(
            *(self._context, endpoints, Role.SETTLEMENT, COMPONENT),
            next_sequence=ledger.sequence + 1,
            last_epoch=ledger.epoch,
        )
        commands = CommandChannel(self._context, endpoints.settlement, COMPONENT)
        outbox = Outbox(connection, commands.send, Pace(settings.checkpoint_interval_ms, settings.batch_max_age_ms))
        self._log.info("settlement.resumed", sequence=ledger.sequence, open_leaves=ledger.cutter.leaves)
        try:
            _Turns(self, connection, ledger, events, outbox).run()
        except Diverged as error:
            raise_stop(connection, "the engine's past is not ours", str(error))
            raise LedgerError(f"the engine does not know events that this ledger holds: {error}") from error
        finally:
            events.close()
            commands.close()

    def _say(self, subject: str, text: str) -> None:
        """Logs a state when it changes, not every time it is found so."""
        if self._said.get(subject) == text:
            return
        self._said[subject] = text
        level = self._log.warning if text not in ("here", "none") else self._log.info
        level(f"settlement.{subject}", state=text)


class _Turns:
    """The loop over one database connection: events as they come, chain and outbox every poll_ms."""

    def __init__(
        self, service: SettlementService, connection: Connection, ledger: Ledger, events: EngineEvents, outbox: Outbox
    ) -> None:
        self._service = service
        self._config = service._config
        self._log = service._log
        self._counters = service._counters
        self._connection = connection
        self._ledger = ledger
        self._events = events
        self._outbox = outbox
        self._chain_side: _ChainSide | None = None
        self._chain_asked_again_ms = 0
        #: Set when the events were caught up with once: every later batch and credit begins in this ledger.
        self._events_complete = False
        self._logged_stops: set[str] = set()
        assert service._chain is not None
        service._chain.meanwhile = self._while_the_chain_is_asked

    def run(self) -> None:
        """Until the end is asked for; then one more look at everything, so that what is due is done."""
        poll_ms = self._config.settlement.poll_ms
        next_tick_ms = 0
        while True:
            last_turn = self._service._ending.is_set()
            self._service._progress += 1
            self._take_events(EVENTS_POLL_MS)
            now_ms = monotonic_ms()
            if now_ms >= next_tick_ms or last_turn:
                next_tick_ms = now_ms + poll_ms
                self._tick()
            if last_turn:
                return

    def _while_the_chain_is_asked(self) -> None:
        self._service._progress += 1
        self._take_events(0)

    def _take_events(self, timeout_ms: int) -> None:
        events: list[memoryview | bytes] = []
        for item in self._events.poll(timeout_ms):
            if isinstance(item, EngineRestarted):
                self._log.info("settlement.engine_restarted", epoch=item.epoch)
                self._outbox.forget()
            elif isinstance(item, Answer):
                self._counters.add("engine_refusals")
                self._service._say("refusal", repr(item.message))
            else:
                events.append(item)
        if not events:
            return
        done = self._ledger.ingest(events)
        self._counters.add("events", done.events)
        self._counters.add("fills", done.fills)
        self._counters.add("busts", done.busts)
        self._counters.add("transfers", done.transfers)
        self._counters.add("credits", done.credits)
        for batch in done.batches:
            self._log.info(
                *("settlement.batch_cut",),
                batch=batch.id,
                first_seq=batch.first_seq,
                last_seq=batch.last_seq,
                leaves=batch.leaves,
                legs=len(batch.legs),
            )
        for refused in done.refused:
            self._on_refused(refused)
        self._stop_for("reconciliation with the engine", done.stops)

    def _on_refused(self, refused: CommandRefused) -> None:
        if refused.role != Role.SETTLEMENT:
            return
        self._counters.add("engine_refusals")
        self._log.error(
            "settlement.command_refused",
            template=refused.template_id,
            reference=refused.reference,
            reason=refused.reason,
        )
        if refused.template_id == Credit.TEMPLATE_ID:
            self._outbox.refused_deposit = refused.reference

    def _stop_for(self, what: str, stops: Sequence[str]) -> None:
        for detail in stops:
            if detail in self._logged_stops:
                continue  # its cause is found again at every look
            self._logged_stops.add(detail)
            self._counters.add("reconcile_breaks")
            self._log.error("settlement.stopped", what=what, detail=detail)

    def _tick(self) -> None:
        stopped = standing_stops(self._connection)
        self._counters.set("stops", len(stopped))
        self._service._say("stops", "; ".join(f"{reason}: {detail}" for reason, detail in stopped) or "none")
        state = STOPPED if stopped else RUNNING
        try:
            if monotonic_ms() >= self._chain_asked_again_ms:
                self._tick_chain()
                self._service._say("chain", "here")
            else:
                state = state or CHAIN_AWAY
        except ChainUnavailable as error:
            state = state or CHAIN_AWAY
            # A node that hangs costs its timeout each time; what the engine is told must not wait for it at every tick.
            self._chain_asked_again_ms = monotonic_ms() + CHAIN_RETRY_MS
            self._service._say("chain", f"away: {_first_line(error)}")
        assert self._service._chain is not None
        self._counters.set("rpc_errors", self._service._chain.errors)
        self._outbox.tick(open_batch_since_ns=self._ledger.cutter.first_leaf_ns)
        self._count()
        self._counters.set("state", state)

    def _tick_chain(self) -> None:
        chain, key = self._service._chain, self._service._key
        assert chain is not None and key is not None
        if self._chain_side is None:
            self._chain_side = _ChainSide(self._connection, chain, self._config, key)
        head = chain.head()
        self._counters.set("head_block", head.number)
        self._counters.set("head_time_s", head.time_s)
        self._events_complete = self._events_complete or self._events.caught_up
        advance = self._chain_side.follower.advance(head, self._events_complete)
        if advance.reorg_depth:
            self._counters.add("reorgs")
            self._counters.set("reorg_depth_max", max(advance.reorg_depth, self._counters.get("reorg_depth_max")))
            self._log.warning("settlement.reorg", depth=advance.reorg_depth, head=head.number)
        for batch in advance.finalised:
            self._log.info("settlement.batch_final", batch=batch, block=advance.final_block)
        self._stop_for("following the chain", advance.stops)
        self._counters.set("final_block", advance.final_block)
        if advance.level:
            self._broadcast(head)
        if advance.final_block > self._chain_side.reconciled_block:
            self._reconcile(chain)

    def _broadcast(self, head: Header) -> None:
        assert self._chain_side is not None
        sent = self._chain_side.broadcaster.tick(head)
        self._counters.add("offers", sent.offered)
        self._counters.add("bumps", sent.bumped)
        self._stop_for("broadcast", sent.stops)
        texts = "; ".join(f"batch {batch}: {text}" for batch, text in sent.refused.items())
        self._service._say("offer", texts or "none")
        if sent.at_cap:
            self._service._say("fee", "a transaction waits at the fee cap")

    def _reconcile(self, chain: Chain) -> None:
        assert self._chain_side is not None
        scales = {asset.id: asset.token_scale for asset in self._config.assets}
        comparison = compare_chain(self._connection, chain, scales)
        if comparison.not_comparable:
            return
        self._chain_side.reconciled_block = comparison.block
        self._counters.add("reconciliations")
        if comparison.differences:
            detail = "; ".join(comparison.differences)
            raise_stop(self._connection, "ledger and vault differ", detail)
            self._stop_for("reconciliation with the vault", [detail])

    def _count(self) -> None:
        """Gauges from the ledger, so that a restart shows what is, not what this process has seen."""
        row = self._connection.execute(
            "SELECT (SELECT coalesce(max(id), 0) FROM batch), (SELECT coalesce(max(last_seq), 0) FROM batch), "
            "(SELECT sequence FROM cursor WHERE name = 'checkpoint'), "
            "(SELECT coalesce(max(nonce) + 1, 0) FROM nonce_slot)"
        ).fetchone()
        assert row is not None
        cut, batched_seq, checkpoint, next_nonce = row
        moving = self._connection.execute(
            "SELECT id, first_seq, first_leaf_ns, state::text FROM batch WHERE state <> 'final' ORDER BY id"
        ).fetchall()
        not_mined = [batch for batch in moving if batch[3] != "mined"]
        not_sent = [batch for batch in moving if batch[3] == "cut"]
        gauges = {
            "batches_cut": cut,
            "batches_sent": not_sent[0][0] - 1 if not_sent else cut,
            "batches_mined": not_mined[0][0] - 1 if not_mined else cut,
            "batches_final": moving[0][0] - 1 if moving else cut,
            "events_seq": self._ledger.sequence,
            "filled_seq": self._ledger.last_leaf_seq,
            "batched_seq": batched_seq,
            "settled_seq": not_mined[0][1] - 1 if not_mined else batched_seq,
            "final_seq": moving[0][1] - 1 if moving else batched_seq,
            "oldest_unsettled_ns": moving[0][2] if moving else self._ledger.cutter.first_leaf_ns,
            "next_nonce": next_nonce,
            "checkpoint": checkpoint,
        }
        for name, value in gauges.items():
            self._counters.set(name, value)


def _lock_patiently(connection: Connection, ending: threading.Event) -> None:
    """Waits out a worker that has just died; a living one is not waited for. Raises AnotherWorker."""
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            lock_worker(connection)
            return
        except AnotherWorker:
            if time.monotonic() > deadline or ending.is_set():
                raise
            ending.wait(0.1)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of venue-settlement."""
    return run(COMPONENT, SettlementService, arguments)


if __name__ == "__main__":
    sys.exit(main())
