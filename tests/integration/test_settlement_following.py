"""Follower, broadcaster and outbox on a real vault and ledger: what they must not do before they know enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from eth_account import Account
from web3.types import BlockIdentifier

from engine.wire.messages import (
    AccountDefined,
    AccountKind,
    AssetDefined,
    Credit,
    Credited,
    InstrumentDefined,
    Side,
    Trade,
)
from settlement.batches import BatchLimits
from settlement.blocks import Advance, BlockFollower, Finality
from settlement.chain import Chain, ChainUnavailable, Header
from settlement.database import Connection, clear_stops, connect, migrate, raise_stop, standing_stops
from settlement.deploy import address_of
from settlement.deposits import Bindings, bind_fee_account
from settlement.ledger import Ledger, LedgerSettings
from settlement.outbox import Outbox, Pace
from settlement.vault import FEE_ACCOUNT
from settlement.worker import GWEI, Broadcaster, FeePolicy, Sent
from tests.fixtures.fix_chain import VaultOnChain

FEE, SUSPENSE, ALICE, BOB = 1, 2, 11, 12
BTC, USD = 1, 2
SCALES = {BTC: 10**10, USD: 1}
NEVER = Pace(checkpoint_interval_ms=3_600_000, batch_age_ms=3_600_000)
FINAL_AFTER_BLOCKS = 8  # more than this chain needs


class ForgetfulChain(Chain):
    """A chain behind an address that two nodes share: one of them does not have the block `forgotten` yet."""

    forgotten = -1

    def header(self, block: BlockIdentifier) -> Header | None:
        return None if block == self.forgotten else super().header(block)


@dataclass
class Desk:
    """One ledger beside one vault, without daemon or engine: the test says what happens in which order."""

    vault: VaultOnChain
    connection: Connection
    chain: ForgetfulChain
    bindings: Bindings

    def __post_init__(self) -> None:
        self.ledger = Ledger(
            self.connection,
            LedgerSettings(31337, self.chain.vault, BatchLimits(500, 10, 0, {BTC: 10**12, USD: 10**12})),
        )
        self.sent: list[bytes] = []
        self._sequence = 0
        number, _ = self.chain.deploy_block()
        self._deploy_block = number
        bind_fee_account(self.connection, FEE_ACCOUNT, bytes(20), FEE)
        self._define()

    def _define(self) -> None:
        for asset, decimals, symbol in ((BTC, 8, b"BTC"), (USD, 6, b"USD")):
            self.ledger.ingest([AssetDefined(*self._stamp(), asset, decimals, symbol).encode()])
        limits = (1, 10**6, 10**6, 10**12, 1, 200, 500, BTC, USD, 1, 1)
        instrument = InstrumentDefined(*self._stamp(), 1, BTC, USD, 1, 1_000, *limits, symbol=b"BTC-USD")
        self.ledger.ingest([instrument.encode()])
        kinds = ((FEE, AccountKind.FEE), (SUSPENSE, AccountKind.SUSPENSE))
        for account, kind in (*kinds, (ALICE, AccountKind.CLIENT), (BOB, AccountKind.CLIENT)):
            self.ledger.ingest([AccountDefined(*self._stamp(), account, 1, kind, 1, b"A").encode()])

    def _stamp(self, time_ns: int = 0) -> tuple[int, int, int, int, int]:
        self._sequence += 1
        return self._sequence, self._sequence, time_ns, 1, 1

    def credited(self, deposit_seq: int, account: int, asset: int, units: int) -> None:
        """The engine's event that it credited a deposit."""
        row = self.connection.execute(
            "SELECT block_number, transaction_hash FROM deposit WHERE deposit_seq = %s", (deposit_seq,)
        ).fetchone()
        block, transaction = row if row else (1, bytes(32))
        event = Credited(*self._stamp(), account, asset, units, 0, deposit_seq, block, bytes(transaction))
        self.ledger.ingest([event.encode()])

    def batch(self) -> None:
        """The events of one trade, of Alice who buys from Bob, and of a later one that cuts its batch."""
        for time_ns in (self._sequence * 1_000, self._sequence * 1_000 + 500):
            stamp = self._stamp(time_ns)
            amounts = (stamp[0], 1, 5, 1_000, 1, 1)
            event = Trade(*stamp, *amounts, 1, 2, 0, 0, BOB, ALICE, 1, 2, 1, Side.BUY)
            self.ledger.ingest([event.encode()])

    def mine(self, blocks: int) -> None:
        """Blocks in which nothing happens."""
        self.vault.chain.request("anvil_mine", hex(blocks))

    def follower(self) -> BlockFollower:
        """A follower as a daemon that starts now would have."""
        return BlockFollower(self.connection, self.chain, Finality(True, 1), self._deploy_block, self.bindings)

    def follow(self, *, events_complete: bool = True) -> Advance:
        """Follows the chain to where there is nothing new; the last look."""
        follower = self.follower()
        done = follower.advance(self.chain.head(), events_complete)
        while done.blocks:
            done = follower.advance(self.chain.head(), events_complete)
        return done

    def broadcast(self) -> Sent:
        """One tick of the broadcaster."""
        key = Account.from_key(self.vault.deployment.operator_key)
        fees = FeePolicy(200 * GWEI, GWEI, 25)
        return Broadcaster(self.connection, self.chain, key, 31337, fees, self.bindings).tick(self.chain.head())

    def outbox(self) -> Outbox:
        """An outbox whose frames are collected."""

        def send(messages: list[bytes]) -> bool:
            self.sent += messages
            return True

        return Outbox(self.connection, send, NEVER)

    def number(self, question: str) -> int:
        """One number from the ledger."""
        row = self.connection.execute(question.encode()).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def desk(vault: VaultOnChain, new_database: Callable[..., str]) -> Desk:
    """An empty ledger that has defined everything, and a vault nobody deposited in."""
    connection = connect(new_database(), "test")
    migrate(connection)
    accounts = {
        bytes.fromhex(address_of(key)[2:]): account for key, account in ((vault.alice_key, ALICE), (vault.bob_key, BOB))
    }
    chain = ForgetfulChain([vault.chain.rpc_url], vault.deployment.vault)
    return Desk(vault, connection, chain, Bindings(accounts, SUSPENSE, SCALES))


def funded(desk: Desk) -> Desk:
    """The desk with a deposit of each trader final, credited and known to be."""
    desk.vault.deposit(desk.vault.alice_key, USD, 10**9)
    desk.vault.deposit(desk.vault.bob_key, BTC, 10**8 * SCALES[BTC])
    desk.mine(FINAL_AFTER_BLOCKS)
    desk.follow()
    desk.credited(1, ALICE, USD, 10**9)
    desk.credited(2, BOB, BTC, 10**8)
    return desk


def test_a_batch_is_settled_once_and_final(desk: Desk) -> None:
    """The whole way of one batch through these parts, as the yardstick for what the other tests leave out."""
    funded(desk).batch()
    assert desk.follow().level
    assert desk.broadcast().signed == 1
    desk.mine(FINAL_AFTER_BLOCKS)
    assert desk.follow().finalised == [] and desk.number("SELECT count(*) FROM batch WHERE state = 'final'") == 1
    assert desk.broadcast() == Sent()


def test_the_ledger_is_level_only_with_the_newest_block(desk: Desk) -> None:
    """After a long absence many portions of blocks are followed first; until then nothing may be sent."""
    funded(desk)
    desk.mine(200)
    follower = desk.follower()
    first = follower.advance(desk.chain.head(), True)
    assert first.blocks > 0 and not first.level
    assert desk.follow().level


def test_a_deposit_is_bound_only_when_the_events_are_known(desk: Desk) -> None:
    """A rebuilt ledger learns from the events whom a deposit was credited to, not from a cfg that may have changed."""
    desk.vault.deposit(desk.vault.alice_key, USD, 77)
    desk.mine(FINAL_AFTER_BLOCKS)
    desk.follow(events_complete=False)
    assert desk.number("SELECT count(*) FROM deposit WHERE state = 'seen'") == 1
    desk.credited(1, SUSPENSE, USD, 77)
    desk.follow()
    assert desk.number("SELECT account FROM deposit WHERE state = 'credited'") == SUSPENSE
    assert standing_stops(desk.connection) == []


def test_a_deposit_that_cfg_cannot_count_is_not_passed(desk: Desk) -> None:
    """Settlement stops before its block; once cfg lists the asset, that deposit and the one after it are taken."""
    whole, desk.bindings = desk.bindings, replace(desk.bindings, token_scales={BTC: SCALES[BTC]})
    desk.vault.deposit(desk.vault.alice_key, USD, 5)
    desk.vault.deposit(desk.vault.bob_key, BTC, SCALES[BTC])
    desk.mine(FINAL_AFTER_BLOCKS)
    stopped = desk.follow()
    assert stopped.stops and not stopped.level
    assert [reason for reason, _ in standing_stops(desk.connection)] == ["deposit cannot be counted"]
    desk.bindings = whole
    clear_stops(desk.connection, "test", "cfg lists the asset now")
    desk.follow()
    assert desk.number("SELECT count(*) FROM deposit WHERE state = 'final'") == 2
    assert standing_stops(desk.connection) == []


def test_a_node_that_lacks_a_block_below_its_head_is_no_reorganisation(desk: Desk) -> None:
    """Nothing is taken back for it: the node is asked again later."""
    funded(desk)
    before = desk.number("SELECT count(*) FROM block")
    desk.chain.forgotten = desk.number("SELECT max(number) FROM block")
    desk.mine(1)
    with pytest.raises(ChainUnavailable, match="does not show block"):
        desk.follow()
    assert desk.number("SELECT count(*) FROM block") == before


def test_nothing_is_signed_or_offered_while_settlement_is_stopped(desk: Desk) -> None:
    """A stop holds from the moment it is recorded, whoever found the reason."""
    funded(desk).batch()
    raise_stop(desk.connection, "drill", "found while the tick was under way")
    assert desk.broadcast() == Sent()
    assert desk.number("SELECT count(*) FROM chain_tx") == 0
    clear_stops(desk.connection, "test", "over")
    assert desk.broadcast().signed == 1


def test_no_credit_is_sent_while_settlement_is_stopped(desk: Desk) -> None:
    """What the chain says in this very tick may be the reason: a deposit that was final and is gone."""
    desk.vault.deposit(desk.vault.alice_key, USD, 5)
    desk.mine(FINAL_AFTER_BLOCKS)
    desk.follow()
    outbox = desk.outbox()
    raise_stop(desk.connection, "drill", "found while the tick was under way")
    outbox.tick(open_batch_since_ns=0)
    assert desk.sent == []
    clear_stops(desk.connection, "test", "over")
    outbox.tick(open_batch_since_ns=0)
    assert [Credit.decode(message).deposit_seq for message in desk.sent] == [1]


def test_a_refused_credit_holds_up_only_itself(desk: Desk) -> None:
    """It is not sent again and again, but one refused in the past and credited since does not block those after it."""
    for units in (5, 7):
        desk.vault.deposit(desk.vault.alice_key, USD, units)
    desk.mine(FINAL_AFTER_BLOCKS)
    desk.follow()
    outbox = desk.outbox()
    outbox.refused_deposit = 1
    outbox.tick(open_batch_since_ns=0)
    assert desk.sent == []
    desk.credited(1, ALICE, USD, 5)
    outbox.tick(open_batch_since_ns=0)
    assert [Credit.decode(message).deposit_seq for message in desk.sent] == [2]


def test_a_batch_waits_for_the_deposits_behind_its_accounts(desk: Desk) -> None:
    """Credits of a rebuilt ledger may be ahead of its final block: no reason to stop, and settled when they are not."""
    desk.vault.deposit(desk.vault.alice_key, USD, 10**9)
    desk.vault.deposit(desk.vault.bob_key, BTC, 10**8 * SCALES[BTC])
    desk.mine(FINAL_AFTER_BLOCKS)
    desk.follow(events_complete=False)
    desk.credited(1, ALICE, USD, 10**9)
    desk.credited(2, BOB, BTC, 10**8)
    desk.batch()
    waiting = desk.broadcast()
    assert waiting.signed == 0 and "waits for deposits" in waiting.refused[1]
    assert standing_stops(desk.connection) == []
    desk.follow()
    assert desk.broadcast().signed == 1
