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

    A step that a reorg undid and that happened again appears as often as it happened. The hops of its bust, if it was
    busted, follow with "bust" before their names.
    """
    fill = connection.execute("SELECT sequence, time_ns, leaf FROM fill WHERE trade_id = %s", (trade_id,)).fetchone()
    if fill is None:
        return []
    sequence, time_ns, leaf = fill
    hops = [Hop("matched", time_ns, f"event {sequence}"), *_settlement(connection, sequence, bytes(leaf))]
    bust = connection.execute(
        "SELECT sequence, time_ns, leaf, operator, reason FROM bust WHERE trade_id = %s", (trade_id,)
    ).fetchone()
    if bust is None:
        return hops
    sequence, time_ns, leaf, operator, reason = bust
    hops.append(Hop("busted", time_ns, f"event {sequence} by {operator}: {reason}"))
    later = _settlement(connection, sequence, bytes(leaf))
    return hops + [Hop(f"bust {hop.name}", hop.time_ns, hop.detail) for hop in later]


def _settlement(connection: Connection, sequence: int, leaf: bytes) -> list[Hop]:
    """What became of the money that the event of that sequence moved."""
    entry = connection.execute(
        "SELECT id, " + _NS.format("posted_at") + " FROM entry WHERE sequence = %s", (sequence,)
    ).fetchone()
    assert entry is not None, "written together with the fill or bust"
    hops = [Hop("posted", entry[1], f"entry {entry[0]}, leaf 0x{leaf.hex()}")]
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
