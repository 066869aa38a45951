"""The life of one fill in settlement, hop by hop with its time, for whoever asks what became of it."""

from __future__ import annotations

from typing import NamedTuple

from settlement.database import Connection


class Hop(NamedTuple):
    """One step: what happened, when (ns since the epoch, UTC), and what names it."""

    name: str
    time_ns: int
    detail: str


_NS = "(extract(epoch FROM {}) * 1000000000)::bigint"


def trace_fill(connection: Connection, trade_id: int) -> list[Hop]:
    """Hops of the fill so far, oldest first: matched, posted, cut, signed, sent, mined, final; empty for no such fill.

    A step that a reorg undid and that happened again appears as often as it happened.
    """
    row = connection.execute(
        "SELECT fill.sequence, fill.time_ns, entry.id, " + _NS.format("entry.posted_at") + ", fill.leaf FROM fill "
        "JOIN entry ON entry.sequence = fill.sequence WHERE trade_id = %s",
        (trade_id,),
    ).fetchone()
    if row is None:
        return []
    sequence, time_ns, entry, posted_ns, leaf = row
    hops = [
        Hop("matched", time_ns, f"event {sequence}"),
        Hop("posted", posted_ns, f"entry {entry}, leaf 0x{bytes(leaf).hex()}"),
    ]
    batch = connection.execute(
        "SELECT id, first_seq, last_seq FROM batch WHERE %s BETWEEN first_seq AND last_seq", (sequence,)
    ).fetchone()
    if batch is None:
        return hops
    rows = connection.execute(
        "SELECT " + _NS.format("at") + ", state::text, transaction_hash, block_number FROM batch_history "
        "WHERE batch = %(batch)s UNION ALL SELECT " + _NS.format("signed_at") + ", 'signed', hash, NULL FROM chain_tx "
        "WHERE batch = %(batch)s ORDER BY 1",
        {"batch": batch[0]},
    ).fetchall()
    for at_ns, state, transaction_hash, block_number in rows:
        detail = f"batch {batch[0]} ({batch[1]}..{batch[2]})"
        if transaction_hash is not None:
            detail += f", transaction 0x{bytes(transaction_hash).hex()}"
        if block_number is not None:
            detail += f", block {block_number}"
        hops.append(Hop(state, at_ns, detail))
    return hops
