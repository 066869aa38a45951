"""Follows the chain block by block and projects it into the ledger: deposits seen, batches mined, what became final.

What is recorded as seen or mined is always a function of the recorded blocks, which are one hash-linked line. A reorg
takes back the blocks it orphaned and with them everything they said. Final is what lies at or below a block the chain
calls final; final never goes back, and a chain that tries stops settlement.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from settlement.chain import Chain, ChainUnavailable, Header
from settlement.crash import crash_point
from settlement.database import Connection, raise_stop
from settlement.deposits import Bindings, accept_final_deposits, is_countable, record_deposit
from settlement.ledger import settle
from settlement.vault import Deposit, SettledBatch

#: Blocks written in one transaction while catching up.
PORTION_BLOCKS = 64
#: Blocks kept below the final one, to explain what was seen; deeper ones are of no use.
KEPT_BLOCKS = 256


@dataclass(frozen=True, slots=True)
class Finality:
    """When a block is final: by the chain's tag, or by depth."""

    by_tag: bool
    depth: int


@dataclass(slots=True)
class Advance:
    """What one look at the chain changed. `level`: the ledger now knows all that the chain said up to its head."""

    level: bool = False
    blocks: int = 0
    reorg_depth: int = 0
    final_block: int = 0
    finalised: list[int] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Seen:
    header: Header
    deposits: list[Deposit]
    batches: list[SettledBatch]


class BlockFollower:
    """One walk along the chain, resumed from the ledger."""

    def __init__(
        self, connection: Connection, chain: Chain, finality: Finality, deploy_block: int, bindings: Bindings
    ) -> None:
        self._connection = connection
        self._chain = chain
        self._finality = finality
        self._deploy_block = deploy_block
        self._bindings = bindings
        row = connection.execute("SELECT sequence FROM cursor WHERE name = 'final_block'").fetchone()
        assert row is not None
        self.final_block: int = row[0]

    def advance(self, head: Header, events_complete: bool) -> Advance:
        """Follows the chain towards `head`, one portion of blocks at most, then looks at what is final.

        `events_complete`: the ledger holds every batch and credit that were ever sent. Before, as when a lost ledger is
        rebuilt, an unknown batch is waited for, and so is finality: whom a deposit was credited to stands in the
        events. Raises ChainUnavailable.
        """
        done = Advance(final_block=self.final_block)
        if self._is_behind_us(head):
            return done
        tip = self._common_tip(head, done)
        if done.stops:
            return done
        start = self._deploy_block if tip is None else tip[0] + 1
        seen = self._look_at(range(start, min(head.number, start + PORTION_BLOCKS - 1) + 1), tip)
        if not events_complete:
            seen = self._until_unknown_batch(seen)
        seen = self._until_uncountable_deposit(seen, done)
        if seen:
            self._record(seen, done)
        if events_complete:
            self._finalise(done)
        done.final_block = self.final_block
        done.level = self._tip() == (head.number, head.hash)
        return done

    def _is_behind_us(self, head: Header) -> bool:
        """Whether the node only lags: its newest block is an older one of ours."""
        tip = self._tip()
        if tip is None or head.number >= tip[0]:
            return False
        ours = self._connection.execute("SELECT hash FROM block WHERE number = %s", (head.number,)).fetchone()
        return head.number < self.final_block or (ours is not None and bytes(ours[0]) == head.hash)

    def _until_unknown_batch(self, seen: list[_Seen]) -> list[_Seen]:
        row = self._connection.execute("SELECT coalesce(max(id), 0) FROM batch").fetchone()
        assert row is not None
        for index, block in enumerate(seen):
            if any(batch.batch_id > row[0] for batch in block.batches):
                return seen[:index]
        return seen

    def _until_uncountable_deposit(self, seen: list[_Seen], done: Advance) -> list[_Seen]:
        """Blocks before one whose deposit cfg cannot count: passing it would lose the deposit and all after it."""
        for index, block in enumerate(seen):
            for deposit in block.deposits:
                if is_countable(self._bindings, deposit):
                    continue
                amount = f"{deposit.amount} of asset {deposit.asset}"
                detail = f"deposit {deposit.deposit_seq} of {amount} is not what cfg lists: correct cfg and restart"
                raise_stop(self._connection, "deposit cannot be counted", detail)
                done.stops.append(detail)
                return seen[:index]
        return seen

    def _tip(self) -> tuple[int, bytes] | None:
        row = self._connection.execute("SELECT number, hash FROM block ORDER BY number DESC LIMIT 1").fetchone()
        return (row[0], bytes(row[1])) if row else None

    def _common_tip(self, head: Header, done: Advance) -> tuple[int, bytes] | None:
        """The newest recorded block that is still on the chain; what lies above it is taken back."""
        tip = self._tip()
        while tip is not None:
            header = self._chain.header(tip[0])
            if header is not None and header.hash == tip[1]:
                return tip
            if header is None and tip[0] <= head.number:
                # A newer head without the block below it is no reorganisation: two nodes answer behind one address.
                raise ChainUnavailable(f"the node's newest block is {head.number}, but it does not show block {tip[0]}")
            if tip[0] <= self.final_block:
                detail = f"block {tip[0]} was final as 0x{tip[1].hex()} and is not on the chain any more"
                raise_stop(self._connection, "reorganised beyond finality", detail)
                done.stops.append(detail)
                return tip
            self._take_back(tip)
            done.reorg_depth += 1
            tip = self._tip()
        return None

    def _take_back(self, block: tuple[int, bytes]) -> None:
        with self._connection.transaction():
            self._connection.execute("DELETE FROM block WHERE hash = %s", (block[1],))
            self._connection.execute(
                "UPDATE deposit SET state = 'orphaned' WHERE block_hash = %s AND state = 'seen'", (block[1],)
            )
            # Without a nonce it was another's transaction that settled it: then ours is still to be signed.
            self._connection.execute(
                "WITH back AS (UPDATE batch SET block_number = NULL, block_hash = NULL, transaction_hash = NULL, "
                "state = CASE WHEN EXISTS (SELECT FROM nonce_slot WHERE batch = batch.id) THEN 'sent'::batch_state "
                "ELSE 'cut'::batch_state END WHERE block_hash = %s AND state = 'mined' RETURNING id, state) "
                "INSERT INTO batch_history (batch, state) SELECT id, state FROM back ORDER BY id",
                (block[1],),
            )
            crash_point("blocks.before_commit")
        crash_point("blocks.after_commit")

    def _look_at(self, numbers: range, tip: tuple[int, bytes] | None) -> list[_Seen]:
        """Headers and logs of these blocks, as far as they link to one another and the node answers."""
        seen: list[_Seen] = []
        parent = None if tip is None else tip[1]
        for number in numbers:
            try:
                header = self._chain.header(number)
                if header is None or (parent is not None and header.parent != parent):
                    break  # the chain changed under us: the next look finds where
                seen.append(_Seen(header, *self._chain.vault_events(header.hash)))
            except ChainUnavailable:
                if not seen:
                    raise
                break  # a node that fails now and then is still followed
            parent = header.hash
        return seen

    def _record(self, seen: list[_Seen], done: Advance) -> None:
        with self._connection.transaction():
            for block in seen:
                self._connection.execute(
                    "INSERT INTO block (number, hash, parent) VALUES (%s, %s, %s)",
                    (block.header.number, block.header.hash, block.header.parent),
                )
                for deposit in block.deposits:
                    record_deposit(self._connection, self._bindings, deposit)
                for batch in block.batches:
                    done.stops += self._mine(batch)
            crash_point("blocks.before_commit")
        crash_point("blocks.after_commit")
        done.blocks += len(seen)

    def _mine(self, settled: SettledBatch) -> list[str]:
        """The chain says a batch is settled: it must be ours, to the byte."""
        row = self._connection.execute(
            "SELECT first_seq, last_seq, root, state FROM batch WHERE id = %s", (settled.batch_id,)
        ).fetchone()
        found = (settled.first_seq, settled.last_seq, settled.fills_root)
        if row is None or (row[0], row[1], bytes(row[2])) != found:
            detail = (
                f"batch {settled.batch_id} on chain covers {settled.first_seq}..{settled.last_seq} with root "
                f"0x{settled.fills_root.hex()}; the ledger has "
                + ("no such batch" if row is None else f"{row[0]}..{row[1]} with root 0x{bytes(row[2]).hex()}")
            )
            raise_stop(self._connection, "the vault settled a batch that is not ours", detail)
            return [detail]
        self._connection.execute(
            "UPDATE batch SET state = 'mined', block_number = %s, block_hash = %s, transaction_hash = %s WHERE id = %s",
            (settled.block_number, settled.block_hash, settled.transaction_hash, settled.batch_id),
        )
        self._connection.execute(
            "INSERT INTO batch_history (batch, state, transaction_hash, block_number) VALUES (%s, 'mined', %s, %s)",
            (settled.batch_id, settled.transaction_hash, settled.block_number),
        )
        return []

    def _final_header(self) -> Header | None:
        if self._finality.by_tag:
            return self._chain.header("finalized")
        tip = self._tip()
        if tip is None or tip[0] < self._finality.depth:
            return None
        return self._chain.header(tip[0] - self._finality.depth)

    def _finalise(self, done: Advance) -> None:
        """Everything at or below the final block that we have recorded becomes final, in one transaction."""
        header = self._final_header()
        if header is None or header.number <= self.final_block:
            return
        ours = self._connection.execute("SELECT hash FROM block WHERE number = %s", (header.number,)).fetchone()
        if ours is None or bytes(ours[0]) != header.hash:
            return  # not followed so far yet, or on another line: the next look decides
        with self._connection.transaction():
            batches = self._connection.execute(
                "UPDATE batch SET state = 'final' WHERE state = 'mined' AND block_number <= %s RETURNING id",
                (header.number,),
            ).fetchall()
            done.finalised = sorted(row[0] for row in batches)
            for batch in done.finalised:
                settle(self._connection, batch, time.time_ns())
            self._connection.execute(
                "INSERT INTO batch_history (batch, state, transaction_hash, block_number) "
                "SELECT id, state, transaction_hash, block_number FROM batch WHERE id = ANY(%s) ORDER BY id",
                (done.finalised,),
            )
            done.stops += accept_final_deposits(self._connection, self._bindings, header.number)
            self._connection.execute("UPDATE cursor SET sequence = %s WHERE name = 'final_block'", (header.number,))
            self._connection.execute("DELETE FROM block WHERE number < %s", (header.number - KEPT_BLOCKS,))
            crash_point("final.before_commit")
        crash_point("final.after_commit")
        self.final_block = header.number
