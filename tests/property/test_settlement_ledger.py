"""Random fills through the real ledger: zero-sum, netted legs equal to the sum of fills, and portions never matter."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.wire.messages import (
    AccountDefined,
    AccountKind,
    AssetDefined,
    CheckpointBalance,
    CheckpointEnded,
    Credited,
    InstrumentDefined,
    Side,
    Trade,
    TradeBusted,
    Transferred,
)
from settlement.batches import BatchLimits
from settlement.database import Connection, LedgerError, connect, migrate, standing_stops
from settlement.ledger import Ledger, LedgerSettings

FEE, TRADERS, GUARANTOR = 1, (11, 12, 13, 14), 15
USD, ETH, BTC = 1, 2, 3
LOT_UNITS = {1: 10_000, 2: 1_000}
BASE = {1: ETH, 2: BTC}
SETTINGS = LedgerSettings(31337, bytes(20), BatchLimits(9, 50, 0, {USD: 10**15, ETH: 10**12, BTC: 10**12}))


def genesis() -> list[bytes]:
    """Events 1..: assets, accounts and instruments."""
    made: list[bytes] = []

    def stamp() -> tuple[int, int, int, int, int]:
        return len(made) + 1, len(made) + 1, 0, 1, 1

    for asset, decimals, symbol in ((USD, 6, b"USD"), (ETH, 8, b"ETH"), (BTC, 8, b"BTC")):
        made.append(AssetDefined(*stamp(), asset, decimals, symbol).encode())
    for number in LOT_UNITS:
        base, lot_units = BASE[number], LOT_UNITS[number]
        limits = (1, 10**6, 10**6, 10**12, 1, 200, 500, 2, 4, 1, 1)
        instrument = InstrumentDefined(*(*stamp(), number, base, USD, 1, lot_units, *limits), symbol=b"X")
        made.append(instrument.encode())
    made.append(AccountDefined(*stamp(), FEE, 9, AccountKind.FEE, 1, b"FEE").encode())
    for account in (*TRADERS, GUARANTOR):
        made.append(AccountDefined(*stamp(), account, 1, AccountKind.CLIENT, 1, b"T").encode())
    return made


def random_stream(dice: random.Random, count: int) -> tuple[list[bytes], dict[tuple[int, int], int]]:
    """Events with credits, trades, busts and transfers, and what each balance is by plain addition, apart from the code
    under test.
    """
    events = genesis()
    balances: dict[tuple[int, int], int] = {}
    time_ns = 0

    def add(account: int, asset: int, units: int) -> None:
        balances[account, asset] = balances.get((account, asset), 0) + units

    for deposit_seq in range(1, 2 * len(TRADERS) + 1):
        account, asset, units = dice.choice(TRADERS), dice.choice((USD, ETH, BTC)), dice.randint(1, 10**12)
        sequence = len(events) + 1
        parts = (sequence, sequence, time_ns, 1, 1, account, asset, units, 0, deposit_seq, 1, bytes(32))
        events.append(Credited(*parts).encode())
        add(account, asset, units)
    trades: list[Trade] = []
    transfers = 0
    for _ in range(count):
        time_ns += dice.choice((0, 1, 30, 200))
        sequence = len(events) + 1
        kind = dice.choices(("trade", "bust", "transfer"), (8, 1 if trades else 0, 1))[0]
        if kind == "transfer":
            transfers += 1
            giver, taker = dice.sample(TRADERS, 2)
            asset, units = dice.choice((USD, ETH, BTC)), dice.randint(1, 10**9)
            numbers = (sequence, sequence, time_ns, 1, 1, transfers, giver, taker, asset, units, 0, 0)
            events.append(Transferred(*numbers, operator=b"op\xff").encode())
            add(giver, asset, -units)
            add(taker, asset, units)
            continue
        if kind == "bust":
            busted = trades.pop(dice.randrange(len(trades)))
            buyer, seller, buyer_fee, seller_fee = sides(busted)
            givers = dice.choice(((buyer, seller), (GUARANTOR, seller), (buyer, GUARANTOR), (GUARANTOR, GUARANTOR)))
            parts_of_bust = (
                *(sequence, sequence, time_ns, 1, 1, busted.trade_id, 1, busted.quantity_lots, busted.notional_units),
                *(buyer_fee, seller_fee, buyer, seller, *givers, 1, 2, 1, 2, busted.instrument, busted.taker_side),
            )
            events.append(TradeBusted(*parts_of_bust, b"op", b"why").encode())
            move(add, busted, givers[0], givers[1], -1)
            continue
        instrument, taker_side = dice.choice((1, 2)), dice.choice((Side.BUY, Side.SELL))
        maker, taker = dice.choice(TRADERS), dice.choice(TRADERS)
        lots, notional = dice.randint(1, 10**6), dice.randint(1, 10**9)
        maker_fee, taker_fee = dice.randint(-notional, notional), dice.randint(0, notional)
        trade = Trade(
            *(sequence, sequence, time_ns, 1, 1, sequence, 1, lots, notional, maker_fee, taker_fee),
            *(2**63 + sequence, 2, 0, 0, maker, taker, 1, 2, instrument, taker_side),
        )
        trades.append(trade)
        events.append(trade.encode())
        buyer, seller, _, _ = sides(trade)
        move(add, trade, buyer, seller, 1)
    return events, {key: units for key, units in balances.items() if units}


def sides(trade: Trade) -> tuple[int, int, int, int]:
    """Buyer, seller, the buyer's fee and the seller's."""
    if trade.taker_side == Side.BUY:
        return trade.taker_account, trade.maker_account, trade.taker_fee_units, trade.maker_fee_units
    return trade.maker_account, trade.taker_account, trade.maker_fee_units, trade.taker_fee_units


def move(add: Callable[[int, int, int], None], trade: Trade, buyer: int, seller: int, sign: int) -> None:
    """A trade's effect on these two sides, or with sign -1 its bust's, by plain addition."""
    _, _, buyer_fee, seller_fee = sides(trade)
    base_units = trade.quantity_lots * LOT_UNITS[trade.instrument]
    add(buyer, BASE[trade.instrument], sign * base_units)
    add(seller, BASE[trade.instrument], -sign * base_units)
    add(buyer, USD, -sign * (trade.notional_units + buyer_fee))
    add(seller, USD, sign * (trade.notional_units - seller_fee))
    add(FEE, USD, sign * (buyer_fee + seller_fee))


def contents(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Everything the events determine."""
    questions = {
        "fill": "SELECT * FROM fill ORDER BY sequence",
        "batch": "SELECT id, first_seq, last_seq, root, leaves, first_leaf_ns FROM batch ORDER BY id",
        "bust": "SELECT * FROM bust ORDER BY sequence",
        "transfer": "SELECT * FROM transfer ORDER BY sequence",
        "leg": "SELECT * FROM batch_leg ORDER BY batch, asset, account",
        "balance": "SELECT * FROM balance ORDER BY account, asset, bucket",
        "posting": "SELECT ref, line, account, asset, bucket, amount FROM posting JOIN entry ON entry.id = entry "
        "ORDER BY entry.sequence, line",
        "cursor": "SELECT * FROM cursor ORDER BY name",
    }
    return {name: connection.execute(question.encode()).fetchall() for name, question in questions.items()}


def ledger_balances(connection: Connection) -> dict[tuple[int, int], int]:
    """available + unsettled of everybody but the chain's contra account."""
    rows = connection.execute(
        "SELECT account, asset, sum(amount) FROM balance WHERE account <> 0 GROUP BY 1, 2 HAVING sum(amount) <> 0"
    )
    return {(account, asset): units for account, asset, units in rows.fetchall()}


@pytest.fixture
def new_ledger(new_database: Callable[..., str]) -> Callable[[], Connection]:
    """Makes migrated ledgers in databases of their own."""

    def make() -> Connection:
        connection = connect(new_database(), "test")
        migrate(connection)
        return connection

    return make


@pytest.mark.parametrize("seed", [int.from_bytes(os.urandom(4), "big") for _ in range(4)])
def test_portions_deaths_and_redelivery_do_not_change_the_ledger(
    new_ledger: Callable[[], Connection], seed: int
) -> None:
    """One gulp, or small portions with known events before each and a new start between them: the same ledger."""
    dice = random.Random(seed)
    events, balances = random_stream(dice, 120)
    at_once, in_portions = new_ledger(), new_ledger()
    Ledger(at_once, SETTINGS).ingest(events)
    start = 0
    while start < len(events):
        end = min(start + dice.randint(1, 25), len(events))
        again = max(start - dice.randint(0, 10), 0)
        Ledger(in_portions, SETTINGS).ingest(events[again:end])
        start = end
    Ledger(in_portions, SETTINGS).ingest(events)
    assert contents(in_portions) == contents(at_once), f"seed {seed}"
    assert ledger_balances(at_once) == balances, f"seed {seed}"
    sums = at_once.execute("SELECT asset, sum(amount) FROM posting GROUP BY asset").fetchall()
    assert all(total == 0 for _, total in sums)


@pytest.mark.parametrize("seed", [int.from_bytes(os.urandom(4), "big") for _ in range(2)])
def test_legs_are_the_sum_of_the_postings_in_their_range(new_ledger: Callable[[], Connection], seed: int) -> None:
    """Batches cover all events without gap, and each leg is what the postings of its range add up to."""
    events, _ = random_stream(random.Random(seed), 150)
    connection = new_ledger()
    Ledger(connection, SETTINGS).ingest(events)
    ranges = connection.execute("SELECT first_seq, last_seq FROM batch ORDER BY id").fetchall()
    assert len(ranges) > 3, f"seed {seed}"
    assert ranges[0][0] == 1
    assert all(before[1] + 1 == after[0] for before, after in pairwise(ranges))
    differing = connection.execute(
        "SELECT * FROM (SELECT batch.id, asset, account, sum(amount) AS units FROM batch JOIN entry "
        "ON sequence BETWEEN first_seq AND last_seq AND kind IN ('fill', 'bust', 'transfer') "
        "JOIN posting ON posting.entry = entry.id "
        "GROUP BY 1, 2, 3 HAVING sum(amount) <> 0) AS summed FULL JOIN batch_leg "
        "ON batch_leg.batch = summed.id AND batch_leg.asset = summed.asset AND batch_leg.account = summed.account "
        "WHERE summed.units IS DISTINCT FROM batch_leg.units"
    ).fetchall()
    assert differing == [], f"seed {seed}"


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(-3, 3)), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_only_entries_that_sum_to_zero_can_be_posted(
    shared_ledger: Connection, lines: list[tuple[int, int, int]]
) -> None:
    """The database itself refuses an entry that does not sum to zero in each asset, or that posts nothing."""
    sums: dict[int, int] = {}
    for _, asset, amount in lines:
        sums[asset] = sums.get(asset, 0) + amount
    sound = not any(sums.values()) and all(amount for _, _, amount in lines)
    accounts = (0, FEE, 11, 12)
    rows = [(line, accounts[who], asset, amount) for line, (who, asset, amount) in enumerate(lines)]
    try:
        with shared_ledger.transaction():
            entry = shared_ledger.execute(
                "INSERT INTO entry (kind, ref, time_ns) VALUES ('fill', gen_random_uuid()::text, 0) RETURNING id"
            ).fetchone()
            assert entry is not None
            placeholders = ", ".join(["(%s, %s, %s, %s, 'available', %s)"] * len(rows))
            values = [
                value for line, account, asset, amount in rows for value in (entry[0], line, account, asset, amount)
            ]
            shared_ledger.execute(f"INSERT INTO posting VALUES {placeholders}".encode(), values)
        posted = True
    except (psycopg.errors.IntegrityConstraintViolation, psycopg.errors.CheckViolation):
        posted = False
    assert posted == sound


@pytest.fixture(scope="module")
def shared_ledger(new_database: Callable[..., str]) -> Connection:
    """One ledger with reference data for all examples."""
    connection = connect(new_database(), "test")
    migrate(connection)
    Ledger(connection, SETTINGS).ingest(genesis())
    return connection


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE posting SET amount = amount + 1",
        "DELETE FROM posting",
        "TRUNCATE posting",
        "UPDATE entry SET time_ns = 1",
        "DELETE FROM fill",
        "UPDATE credit SET units = units + 1",
        "DELETE FROM nonce_slot",
        "UPDATE bust SET trade_id = trade_id",
        "DELETE FROM transfer",
    ],
)
def test_what_is_posted_cannot_be_changed(shared_ledger: Connection, statement: str) -> None:
    """Journal, fills, credits and nonces are append-only: a mistake is corrected by a new entry."""
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="append-only"):
        shared_ledger.execute(statement.encode())


def test_a_gap_in_the_events_is_refused(new_ledger: Callable[[], Connection]) -> None:
    """An event that does not follow the cursor is an error and changes nothing."""
    events, _ = random_stream(random.Random(1), 3)
    connection = new_ledger()
    ledger = Ledger(connection, SETTINGS)
    ledger.ingest(events[:5])
    before = contents(connection)
    with pytest.raises(LedgerError, match="a gap"):
        ledger.ingest(events[6:])
    assert contents(connection) == before


TERMS = {"quantity_lots": 4, "notional_units": 99, "buyer_fee_units": 1, "buyer_account": 13, "instrument": 2}


@pytest.mark.parametrize("field", ["", *TERMS, "trade_id"])
def test_a_bust_must_have_the_terms_of_its_trade(new_ledger: Callable[[], Connection], field: str) -> None:
    """Another quantity, notional, fee, account, instrument or no such trade: refused whole; twice likewise."""
    events, _ = random_stream(random.Random(3), 0)
    sequence = len(events) + 1
    fill = (sequence, sequence, 0, 1, 1, sequence, 1, 5, 100, -1, 2, 1, 2, 0, 0, 11, 12, 1, 2, 1, Side.BUY)
    events.append(Trade(*fill).encode())
    before_the_sides = (sequence + 1, sequence + 1, 0, 1, 1, sequence, 1, 5, 100, 2, -1)
    bust = TradeBusted(*before_the_sides, 12, 11, 12, 11, 1, 2, 1, 2, 1, Side.BUY, b"op", b"why")
    if field:
        bust = TradeBusted(**{**bust._asdict(), field: TERMS.get(field, sequence - 1)})
    connection = new_ledger()
    ledger = Ledger(connection, SETTINGS)
    ledger.ingest(events)
    before = contents(connection)
    if not field:
        assert ledger.ingest([bust.encode()]).busts == 1
        again = bust._replace(sequence=sequence + 2).encode()
        with pytest.raises((LedgerError, psycopg.errors.UniqueViolation)):
            ledger.ingest([again])
        return
    with pytest.raises((LedgerError, psycopg.errors.ForeignKeyViolation)):
        ledger.ingest([bust.encode()])
    assert contents(connection) == before


@pytest.mark.parametrize("wrong_units", [0, 1])
def test_a_checkpoint_is_compared_at_its_own_event(new_ledger: Callable[[], Connection], wrong_units: int) -> None:
    """Equal balances pass although later trades follow in the same portion; one unit off stops settlement."""
    dice = random.Random(7)
    events, balances = random_stream(dice, 20)
    balances[11, USD] = balances.get((11, USD), 0) + wrong_units
    for (account, asset), units in sorted(balances.items()):
        sequence = len(events) + 1
        events.append(CheckpointBalance(sequence, 1, 0, 1, 0, 1, units, 0, account, asset).encode())
    sequence = len(events) + 1
    events.append(CheckpointEnded(sequence, 1, 0, 1, 1, 1, len(balances)).encode())
    sequence += 1
    parts = (sequence, sequence, 10**9, 1, 1, sequence, 1, 5, 100, 1, 1, 1, 2, 0, 0, 11, 12, 1, 2, 1, Side.BUY)
    events.append(Trade(*parts).encode())
    connection = new_ledger()
    done = Ledger(connection, SETTINGS).ingest(events)
    assert done.events == len(events)
    assert bool(done.stops) == bool(standing_stops(connection)) == bool(wrong_units)


def test_a_migration_changed_after_the_fact_is_refused(new_ledger: Callable[[], Connection]) -> None:
    """The checksum of an applied step is kept; a second run applies nothing."""
    connection = new_ledger()
    assert migrate(connection) == 0
    connection.execute("UPDATE migration SET sha256 = 'other'")
    with pytest.raises(LedgerError, match="changed after it was applied"):
        migrate(connection)
    connection.execute("INSERT INTO migration (number, name, sha256) VALUES (9999, 'later', '')")
    with pytest.raises(LedgerError, match="does not know"):
        migrate(connection)
