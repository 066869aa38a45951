"""Writes the engine's events into the ledger: fills, busts, transfers, credits, reference data, checkpoints, and the
batches they cut.

One transaction per portion of events holds all of it and the cursor, so that death at any moment leaves a ledger that
is exactly the effect of the events up to its cursor; what is delivered again changes nothing. Amounts are engine units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.wire.client import event_epoch, event_sequence, template_of
from engine.wire.messages import (
    HEADER,
    AccountDefined,
    AccountKind,
    AssetDefined,
    CheckpointBalance,
    CheckpointEnded,
    CommandRefused,
    Credited,
    InstrumentDefined,
    SettlementStatusChanged,
    Trade,
    TradeBusted,
    Transferred,
)
from settlement.batches import (
    EMPTY_LEAF,
    Batch,
    BatchCutter,
    BatchLimits,
    Instrument,
    Item,
    Movement,
    bust_movements,
    bust_preimage,
    leaf_of,
    movements,
    preimage,
    transfer_movements,
    transfer_preimage,
)
from settlement.crash import crash_point
from settlement.database import Connection, LedgerError, raise_stop
from settlement.reconcile import compare_checkpoint

CHAIN_ACCOUNT = 0
STATE_FINAL = 4

COPY_FILLS = (
    "COPY incoming_fill (epoch, trade_id, sequence, time_ns, instrument, taker_side, maker_account, taker_account, "
    "maker_order_id, taker_order_id, price_ticks, quantity_lots, notional_units, maker_fee_units, taker_fee_units, "
    "leaf) FROM STDIN"
)
INSERT_BUST = (
    "INSERT INTO bust (trade_id, epoch, sequence, time_ns, instrument, price_ticks, quantity_lots, notional_units, "
    "buyer_fee_units, seller_fee_units, buyer_account, seller_account, buyer_side_account, seller_side_account, "
    "operator, reason, leaf) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
INSERT_TRANSFER = (
    "INSERT INTO transfer (transfer_seq, epoch, sequence, time_ns, from_account, to_account, asset, units, operator, "
    "leaf) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
#: taker_side 1 is a taker that bought.
CONTRADICTED_BUST = (
    "SELECT bust.sequence, trade_id FROM bust JOIN fill USING (trade_id) WHERE trade_id = ANY(%s) AND "
    "(bust.instrument, bust.price_ticks, bust.quantity_lots, bust.notional_units, buyer_account, seller_account, "
    "buyer_fee_units, seller_fee_units) IS DISTINCT FROM "
    "(fill.instrument, fill.price_ticks, fill.quantity_lots, fill.notional_units, "
    "CASE taker_side WHEN 1 THEN taker_account ELSE maker_account END, "
    "CASE taker_side WHEN 1 THEN maker_account ELSE taker_account END, "
    "CASE taker_side WHEN 1 THEN taker_fee_units ELSE maker_fee_units END, "
    "CASE taker_side WHEN 1 THEN maker_fee_units ELSE taker_fee_units END) LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """What the events' effect depends on besides the events: which vault the leaves name, and when a batch is full."""

    chain_id: int
    vault: bytes
    limits: BatchLimits


@dataclass(slots=True)
class Ingested:
    """What a portion of events did."""

    events: int = 0
    fills: int = 0
    busts: int = 0
    transfers: int = 0
    credits: int = 0
    batches: list[Batch] = field(default_factory=list)
    refused: list[CommandRefused] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Rows:
    """Rows of a portion, collected before anything is written."""

    fills: list[tuple[object, ...]] = field(default_factory=list)
    busts: list[tuple[object, ...]] = field(default_factory=list)
    transfers: list[tuple[object, ...]] = field(default_factory=list)
    entries: list[tuple[str, str, int, int]] = field(default_factory=list)
    postings: list[tuple[int, int, int, int, str, int]] = field(default_factory=list)
    credits: list[Credited] = field(default_factory=list)
    statuses: list[SettlementStatusChanged] = field(default_factory=list)
    checkpoint_balances: list[CheckpointBalance] = field(default_factory=list)
    checkpoint_ended: CheckpointEnded | None = None

    def entry(self, kind: str, ref: str, sequence: int, time_ns: int, bucket: str, moved: Sequence[Movement]) -> None:
        self.entries.append((kind, ref, sequence, time_ns))
        for line, (account, asset, units) in enumerate(moved):
            self.postings.append((sequence, line, account, asset, bucket, units))


class Ledger:
    """The ledger's position in the event stream and the batch that is open there, both rebuilt from the database.

    After any exception from `ingest` the object is ahead of the database: open a new one.
    """

    def __init__(self, connection: Connection, settings: LedgerSettings) -> None:
        """Raises LedgerError when what is recorded contradicts itself."""
        self._connection = connection
        self._settings = settings
        self.sequence, self.epoch = self._cursor()
        self._instruments = {
            number: Instrument(base, quote, lot_units)
            for number, base, quote, lot_units in connection.execute(
                "SELECT id, base, quote, lot_units FROM instrument"
            )
        }
        fee = connection.execute("SELECT id FROM account WHERE kind = 'fee'").fetchone()
        self._fee_account: int | None = fee[0] if fee else None
        last = connection.execute("SELECT id, last_seq FROM batch ORDER BY id DESC LIMIT 1").fetchone()
        batch, last_seq = last if last else (0, 0)
        self.cutter = BatchCutter(settings.limits, batch + 1, last_seq + 1)
        self.last_leaf_seq = 0
        self._last_leaf = self._leaf_before(last_seq + 1)
        self._refill(last_seq + 1)
        connection.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS incoming_fill (LIKE fill) ON COMMIT DELETE ROWS;"
            "CREATE TEMPORARY TABLE IF NOT EXISTS incoming_entry "
            "(kind entry_kind, ref text, sequence bigint, time_ns bigint) ON COMMIT DELETE ROWS;"
            "CREATE TEMPORARY TABLE IF NOT EXISTS incoming_posting "
            "(sequence bigint, line smallint, account integer, asset integer, bucket bucket, amount numeric(78, 0)) "
            "ON COMMIT DELETE ROWS"
        )

    def _cursor(self) -> tuple[int, int]:
        row = self._connection.execute("SELECT sequence, epoch FROM cursor WHERE name = 'events'").fetchone()
        assert row is not None, "the migration puts it there"
        return row[0], row[1]

    def _leaf_before(self, sequence: int) -> bytes:
        row = self._connection.execute(
            "SELECT sequence, leaf FROM settleable WHERE sequence < %s ORDER BY sequence DESC LIMIT 1", (sequence,)
        ).fetchone()
        if row is None:
            return EMPTY_LEAF
        self.last_leaf_seq = row[0]
        return bytes(row[1])

    def _refill(self, first_seq: int) -> None:
        """Gives the cutter what no batch holds yet; it fills one only when the limits were lowered since."""
        moved: dict[int, list[Movement]] = {}
        postings = self._connection.execute(
            "SELECT sequence, account, asset, amount FROM entry JOIN posting ON posting.entry = entry.id "
            "WHERE sequence >= %s AND kind IN ('fill', 'bust', 'transfer') ORDER BY sequence, line",
            (first_seq,),
        )
        for sequence, account, asset, units in postings.fetchall():
            moved.setdefault(sequence, []).append(Movement(account, asset, units))
        rows = self._connection.execute(
            "SELECT sequence, time_ns, instrument, notional_units, leaf FROM settleable WHERE sequence >= %s "
            "ORDER BY sequence",
            (first_seq,),
        )
        for sequence, time_ns, instrument, notional_units, leaf in rows.fetchall():
            quote = 0 if instrument is None else self._instrument(sequence, instrument).quote
            item = Item(sequence, time_ns, moved.get(sequence, []), quote, notional_units, bytes(leaf))
            if (batch := self._add(item)) is not None:
                with self._connection.transaction():
                    self._write_batch(batch)

    def _instrument(self, sequence: int, instrument: int) -> Instrument:
        if instrument not in self._instruments:
            raise LedgerError(f"event {sequence} names instrument {instrument}, which no event defined")
        return self._instruments[instrument]

    def _fees_to(self, sequence: int) -> int:
        if self._fee_account is None:
            raise LedgerError(f"event {sequence} moves fees before any event defined the fee account")
        return self._fee_account

    def _add(self, item: Item) -> Batch | None:
        self._last_leaf = item.leaf
        self.last_leaf_seq = item.sequence
        return self.cutter.add(item)

    def ingest(self, events: Sequence[memoryview | bytes]) -> Ingested:
        """Applies events in order; those at or below the cursor are known and skipped.

        A portion ends at each CheckpointEnded, so that the balances compared there are those of that very event. Raises
        LedgerError for a gap or for events that contradict the ledger, psycopg.Error when the database fails.
        """
        done = Ingested()
        portion: list[memoryview | bytes] = []
        for event in events:
            if event_sequence(event) <= self.sequence + len(portion):
                continue
            if event_sequence(event) != self.sequence + len(portion) + 1:
                raise LedgerError(f"event {event_sequence(event)} follows {self.sequence + len(portion)}: a gap")
            portion.append(event)
            if template_of(event) == CheckpointEnded.TEMPLATE_ID:
                self._apply(portion, done)
                portion = []
        if portion:
            self._apply(portion, done)
        return done

    def _apply(self, portion: Sequence[memoryview | bytes], done: Ingested) -> None:
        before = len(done.batches)
        with self._connection.transaction():
            rows = _Rows()
            for event in portion:
                self._take(event, rows, done)
            self._write(rows)
            for batch in done.batches[before:]:
                self._write_batch(batch)
            if rows.checkpoint_ended is not None:
                done.stops += self._end_checkpoint(rows.checkpoint_ended)
            done.stops += contradicted_credits(self._connection, [credit.deposit_seq for credit in rows.credits])
            self._write_statuses(rows.statuses)
            moved = self._connection.execute(
                "UPDATE cursor SET sequence = %s, epoch = %s WHERE name = 'events' AND sequence = %s",
                (event_sequence(portion[-1]), event_epoch(portion[-1]), self.sequence),
            )
            if moved.rowcount != 1:
                raise LedgerError("the ledger's cursor moved without us: another worker writes here")
            crash_point("ingest.before_commit")
        crash_point("ingest.after_commit")
        self.sequence, self.epoch = event_sequence(portion[-1]), event_epoch(portion[-1])
        done.events += len(portion)
        done.fills += len(rows.fills)
        done.busts += len(rows.busts)
        done.transfers += len(rows.transfers)
        done.credits += len(rows.credits)

    def _take(self, event: memoryview | bytes, rows: _Rows, done: Ingested) -> None:
        sequence = event_sequence(event)
        time_ns = int.from_bytes(event[HEADER.size + 16 : HEADER.size + 24], "little")
        if (batch := self.cutter.pass_time(sequence, time_ns)) is not None:
            done.batches.append(batch)
        template = template_of(event)
        if template == Trade.TEMPLATE_ID:
            self._take_trade(Trade.decode(event), rows, done)
        elif template == TradeBusted.TEMPLATE_ID:
            self._take_bust(TradeBusted.decode(event), rows, done)
        elif template == Transferred.TEMPLATE_ID:
            self._take_transfer(Transferred.decode(event), rows, done)
        elif template == Credited.TEMPLATE_ID:
            self._take_credit(Credited.decode(event), rows)
        elif template == SettlementStatusChanged.TEMPLATE_ID:
            rows.statuses.append(SettlementStatusChanged.decode(event))
        elif template == CheckpointBalance.TEMPLATE_ID:
            rows.checkpoint_balances.append(CheckpointBalance.decode(event))
        elif template == CheckpointEnded.TEMPLATE_ID:
            rows.checkpoint_ended = CheckpointEnded.decode(event)
        elif template == CommandRefused.TEMPLATE_ID:
            done.refused.append(CommandRefused.decode(event))
        elif template == AssetDefined.TEMPLATE_ID:
            self._define_asset(AssetDefined.decode(event))
        elif template == InstrumentDefined.TEMPLATE_ID:
            self._define_instrument(InstrumentDefined.decode(event))
        elif template == AccountDefined.TEMPLATE_ID:
            self._define_account(AccountDefined.decode(event))

    def _take_trade(self, trade: Trade, rows: _Rows, done: Ingested) -> None:
        instrument = self._instrument(trade.sequence, trade.instrument)
        moved = movements(trade, instrument, self._fees_to(trade.sequence))
        leaf = leaf_of(preimage(self._settings.chain_id, self._settings.vault, trade, self._last_leaf))
        item = Item(trade.sequence, trade.time_ns, moved, instrument.quote, trade.notional_units, leaf)
        self._take_item(item, "fill", f"fill:{trade.epoch}-{trade.trade_id}", rows, done)
        rows.fills.append(
            (
                *(trade.epoch, trade.trade_id, trade.sequence, trade.time_ns, trade.instrument, trade.taker_side),
                *(trade.maker_account, trade.taker_account, trade.maker_order_id, trade.taker_order_id),
                *(trade.price_ticks, trade.quantity_lots, trade.notional_units),
                *(trade.maker_fee_units, trade.taker_fee_units, leaf),
            )
        )

    def _take_bust(self, bust: TradeBusted, rows: _Rows, done: Ingested) -> None:
        instrument = self._instrument(bust.sequence, bust.instrument)
        moved = bust_movements(bust, instrument, self._fees_to(bust.sequence))
        leaf = leaf_of(bust_preimage(self._settings.chain_id, self._settings.vault, bust, self._last_leaf))
        item = Item(bust.sequence, bust.time_ns, moved, instrument.quote, bust.notional_units, leaf)
        self._take_item(item, "bust", f"bust:{bust.trade_id}", rows, done)
        rows.busts.append(
            (
                *(bust.trade_id, bust.epoch, bust.sequence, bust.time_ns, bust.instrument),
                *(bust.price_ticks, bust.quantity_lots, bust.notional_units),
                *(bust.buyer_fee_units, bust.seller_fee_units, bust.buyer_account, bust.seller_account),
                *(bust.buyer_side_account, bust.seller_side_account),
                *(_text(bust.operator), _text(bust.reason_text), leaf),
            )
        )

    def _take_transfer(self, transfer: Transferred, rows: _Rows, done: Ingested) -> None:
        moved = transfer_movements(transfer)
        leaf = leaf_of(transfer_preimage(self._settings.chain_id, self._settings.vault, transfer, self._last_leaf))
        item = Item(transfer.sequence, transfer.time_ns, moved, transfer.asset, 0, leaf)
        self._take_item(item, "transfer", f"transfer:{transfer.transfer_seq}", rows, done)
        rows.transfers.append(
            (
                *(transfer.transfer_seq, transfer.epoch, transfer.sequence, transfer.time_ns),
                *(transfer.from_account, transfer.to_account, transfer.asset, transfer.amount_units),
                *(_text(transfer.operator), leaf),
            )
        )

    def _take_item(self, item: Item, kind: str, ref: str, rows: _Rows, done: Ingested) -> None:
        if (batch := self._add(item)) is not None:
            done.batches.append(batch)
        rows.entry(kind, ref, item.sequence, item.time_ns, "unsettled", item.moved)

    @staticmethod
    def _take_credit(credit: Credited, rows: _Rows) -> None:
        rows.credits.append(credit)
        moved = [
            Movement(credit.account, credit.asset, credit.amount_units),
            Movement(CHAIN_ACCOUNT, credit.asset, -credit.amount_units),
        ]
        rows.entry("deposit", f"deposit:{credit.deposit_seq}", credit.sequence, credit.time_ns, "available", moved)

    def _define_asset(self, asset: AssetDefined) -> None:
        self._connection.execute(
            "INSERT INTO asset (id, symbol, decimals) VALUES (%s, %s, %s) "
            "ON CONFLICT (id) DO UPDATE SET symbol = excluded.symbol",
            (asset.asset, asset.symbol.decode(), asset.decimals),
        )

    def _define_instrument(self, instrument: InstrumentDefined) -> None:
        self._connection.execute(
            "INSERT INTO instrument (id, symbol, base, quote, lot_units, tick_units) VALUES (%s, %s, %s, %s, %s, %s) "
            "ON CONFLICT (id) DO UPDATE SET symbol = excluded.symbol",
            (
                *(instrument.instrument, instrument.symbol.decode(), instrument.base, instrument.quote),
                *(instrument.lot_units, instrument.tick_units),
            ),
        )
        self._instruments[instrument.instrument] = Instrument(instrument.base, instrument.quote, instrument.lot_units)

    def _define_account(self, account: AccountDefined) -> None:
        kind = AccountKind(account.kind)
        self._connection.execute(
            "INSERT INTO account (id, kind, participant, name) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT (id) DO UPDATE SET name = excluded.name",
            (account.account, kind.name.lower(), account.participant, account.name.decode()),
        )
        if kind is AccountKind.FEE:
            self._fee_account = account.account

    def _write(self, rows: _Rows) -> None:
        cursor = self._connection.cursor()
        if rows.entries:
            with cursor.copy("COPY incoming_entry (kind, ref, sequence, time_ns) FROM STDIN") as copy:
                for entry in rows.entries:
                    copy.write_row(entry)
            with cursor.copy(
                "COPY incoming_posting (sequence, line, account, asset, bucket, amount) FROM STDIN"
            ) as copy:
                for posting in rows.postings:
                    copy.write_row(posting)
            # No conflict clause: the cursor has dropped what is known, so an entry that exists is a contradiction.
            cursor.execute(
                "WITH made AS (INSERT INTO entry (kind, ref, sequence, time_ns) "
                "SELECT kind, ref, sequence, time_ns FROM incoming_entry ORDER BY sequence RETURNING id, sequence) "
                "INSERT INTO posting (entry, line, account, asset, bucket, amount) "
                "SELECT made.id, line, account, asset, bucket, amount FROM incoming_posting JOIN made USING (sequence)"
            )
        if rows.fills:
            with cursor.copy(COPY_FILLS) as copy:
                for fill in rows.fills:
                    copy.write_row(fill)
            cursor.execute("INSERT INTO fill SELECT * FROM incoming_fill ORDER BY sequence")
        if rows.busts:
            cursor.executemany(INSERT_BUST, rows.busts)
            self._refuse_other_busts([bust[0] for bust in rows.busts])
        if rows.transfers:
            cursor.executemany(INSERT_TRANSFER, rows.transfers)
        if rows.credits:
            cursor.executemany(
                "INSERT INTO credit (deposit_seq, sequence, account, asset, units, block_number, transaction_hash) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [
                    (
                        *(credit.deposit_seq, credit.sequence, credit.account, credit.asset, credit.amount_units),
                        *(credit.block_number, credit.transaction_hash),
                    )
                    for credit in rows.credits
                ],
            )
        if rows.checkpoint_balances:
            cursor.executemany(
                "INSERT INTO checkpoint_balance (checkpoint, account, asset, units) VALUES (%s, %s, %s, %s)",
                [
                    (
                        balance.checkpoint,
                        balance.account,
                        balance.asset,
                        balance.available_units + balance.reserved_units,
                    )
                    for balance in rows.checkpoint_balances
                ],
            )

    def _refuse_other_busts(self, trade_ids: list[object]) -> None:
        """A bust takes back what its fill gave, to the unit, or the events contradict the ledger."""
        row = self._connection.execute(CONTRADICTED_BUST, (trade_ids,)).fetchone()
        if row is not None:
            raise LedgerError(f"event {row[0]} busts trade {row[1]} with other terms than the trade had")

    def _write_batch(self, batch: Batch) -> None:
        cursor = self._connection.cursor()
        cursor.execute(
            "INSERT INTO batch (id, first_seq, last_seq, root, leaves, first_leaf_ns) VALUES (%s, %s, %s, %s, %s, %s)",
            (batch.id, batch.first_seq, batch.last_seq, batch.root, batch.leaves, batch.first_leaf_ns),
        )
        with cursor.copy("COPY batch_leg (batch, asset, account, units) FROM STDIN") as copy:
            for (asset, account), units in batch.legs.items():
                copy.write_row((batch.id, asset, account, units))
        cursor.execute("INSERT INTO batch_history (batch, state) VALUES (%s, 'cut')", (batch.id,))

    def _write_statuses(self, statuses: Sequence[SettlementStatusChanged]) -> None:
        if statuses:
            self._connection.cursor().executemany(
                "UPDATE batch SET told = %s WHERE id = %s AND told <> %s",
                [(status.state, status.batch, STATE_FINAL) for status in statuses],
            )

    def _end_checkpoint(self, ended: CheckpointEnded) -> list[str]:
        differences = compare_checkpoint(self._connection, ended.checkpoint)
        received = self._connection.execute(
            "SELECT count(*) FROM checkpoint_balance WHERE checkpoint = %s", (ended.checkpoint,)
        ).fetchone()
        assert received is not None
        if received[0] != ended.balances:
            differences.append(f"the engine emitted {ended.balances} balances, {received[0]} arrived")
        self._connection.execute(
            "INSERT INTO checkpoint (number, sequence, matched) VALUES (%s, %s, %s)",
            (ended.checkpoint, ended.sequence, not differences),
        )
        self._connection.execute("UPDATE cursor SET sequence = %s WHERE name = 'checkpoint'", (ended.checkpoint,))
        if not differences:
            # The last one stays for whoever wants to compare again; one that did not match stays as evidence.
            self._connection.execute(
                "DELETE FROM checkpoint_balance USING checkpoint "
                "WHERE checkpoint_balance.checkpoint = number AND matched AND number < %s",
                (ended.checkpoint,),
            )
            return []
        detail = f"checkpoint {ended.checkpoint} at event {ended.sequence}: " + "; ".join(differences)
        raise_stop(self._connection, "ledger and engine differ", detail)
        return [detail]


def _text(typed: bytes) -> str:
    """What an operator typed, whatever bytes it is: neither half a character nor a NUL may stop the ledger."""
    return typed.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def contradicted_credits(connection: Connection, deposit_seqs: Sequence[int]) -> list[str]:
    """Marks final deposits as credited where the engine's credit says the same, and stops settlement where it does not.

    Looks at these numbers only; either side may come first, and what has no other side yet waits.
    """
    if not deposit_seqs:
        return []
    connection.execute(
        "UPDATE deposit SET state = 'credited' FROM credit WHERE deposit.deposit_seq = credit.deposit_seq "
        "AND deposit.state = 'final' AND credit.deposit_seq = ANY(%s) AND credit.account = deposit.account "
        "AND credit.asset = deposit.asset AND credit.units = deposit.units "
        "AND credit.transaction_hash = deposit.transaction_hash",
        (list(deposit_seqs),),
    )
    differing = connection.execute(
        "SELECT deposit_seq, credit.account, credit.asset, credit.units, deposit.account, deposit.asset, deposit.units "
        "FROM credit JOIN deposit USING (deposit_seq) WHERE deposit.state = 'final' AND deposit_seq = ANY(%s)",
        (list(deposit_seqs),),
    ).fetchall()
    stops = []
    for row in differing:
        detail = (
            f"deposit {row[0]}: the engine credited account {row[1]} with {row[3]} units of asset {row[2]}, "
            f"the chain says account {row[4]}, {row[6]} units of asset {row[5]}"
        )
        raise_stop(connection, "credit and deposit differ", detail)
        stops.append(detail)
    return stops


def settle(connection: Connection, batch: int, time_ns: int) -> None:
    """Posts a batch as final: what its events moved becomes available money. Inside the caller's transaction."""
    row = connection.execute(
        "INSERT INTO entry (kind, ref, time_ns) VALUES ('settle', %s, %s) RETURNING id", (f"batch:{batch}", time_ns)
    ).fetchone()
    assert row is not None
    connection.execute(
        "INSERT INTO posting (entry, line, account, asset, bucket, amount) "
        "SELECT %(entry)s, row_number() OVER (ORDER BY asset, account, bucket), account, asset, bucket, amount FROM ("
        "SELECT account, asset, 'available'::bucket, units FROM batch_leg WHERE batch = %(batch)s UNION ALL "
        "SELECT account, asset, 'unsettled'::bucket, -units FROM batch_leg WHERE batch = %(batch)s"
        ") AS moved (account, asset, bucket, amount)",
        {"entry": row[0], "batch": batch},
    )
