"""What the engine must still be told: credits, the progress of batches, checkpoints. All of it derived from the ledger.

A command is sent again until the event that confirms it is in the ledger; the engine drops what it knows. So nothing is
lost with a socket, an engine or this process, and nothing needs to be remembered here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from engine.wire.messages import Checkpoint, SettlementState, SettlementStatus
from settlement.crash import crash_point
from settlement.database import Connection, standing_stops
from settlement.deposits import credits_due

#: Commands without a confirmation are sent again after so long.
RESEND_MS = 1_000
COMMANDS_MAX = 64
#: A checkpoint that is only there to let event time pass comes no more often than this.
NUDGE_MS = 200

STATES = {
    "cut": SettlementState.CUT,
    "sent": SettlementState.SENT,
    "mined": SettlementState.MINED,
    "final": SettlementState.FINAL,
}


def monotonic_ms() -> int:
    """The clock that paces sending again."""
    return time.monotonic_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How often checkpoints are asked for, and how old an open batch may grow before time must pass."""

    checkpoint_interval_ms: int
    batch_age_ms: int


class Outbox:
    """Sends what is due; `send` takes one frame's messages and says whether the engine's socket took them."""

    def __init__(
        self,
        connection: Connection,
        send: Callable[[list[bytes]], bool],
        pace: Pace,
        clock_ms: Callable[[], int] = monotonic_ms,
    ) -> None:
        self._connection = connection
        self._send = send
        self._pace = pace
        self._clock_ms = clock_ms
        self._sent_ms: dict[Hashable, int] = {}
        self._checkpoint_ms = clock_ms()
        #: A credit the engine refused; sending it again would journal the same refusal for ever.
        self.refused_deposit = 0

    def forget(self) -> None:
        """The engine restarted: what it has not confirmed it may not have got, so everything is due at once."""
        self._sent_ms.clear()
        self.refused_deposit = 0

    def tick(self, *, open_batch_since_ns: int) -> int:
        """Sends what is due now; returns how many commands. While settlement is stopped, no credit is sent."""
        now_ms = self._clock_ms()
        sent = self._flush("credit", self._credits(), now_ms)
        sent += self._flush("status", self._statuses(), now_ms)
        if self._checkpoint_is_due(now_ms, open_batch_since_ns) and self._send([self._next_checkpoint()]):
            self._checkpoint_ms = now_ms
            sent += 1
        return sent

    def _flush(self, kind: str, messages: dict[Hashable, bytes], now_ms: int) -> int:
        """Sends all of one kind in order as soon as one of them is due: the engine takes them only in order."""
        self._sent_ms = {key: at for key, at in self._sent_ms.items() if now_ms - at < RESEND_MS}
        if all(key in self._sent_ms for key in messages):
            return 0
        crash_point(f"{kind}.before_send")
        if not self._send(list(messages.values())):
            return 0
        crash_point(f"{kind}.after_send")
        self._sent_ms.update(dict.fromkeys(messages, now_ms))
        return len(messages)

    def _credits(self) -> dict[Hashable, bytes]:
        due = credits_due(self._connection, COMMANDS_MAX)
        # Asked here and not once per tick: what the chain said a moment ago may have been the reason to stop.
        if not due or due[0].deposit_seq == self.refused_deposit or standing_stops(self._connection):
            return {}
        return {("credit", credit.deposit_seq): credit.encode() for credit in due}

    def _statuses(self) -> dict[Hashable, bytes]:
        """Cut and Final of every batch, in order; Sent and Mined of those that are there now."""
        rows = self._connection.execute(
            "SELECT id, first_seq, last_seq, state::text, told, coalesce(block_number, 0), coalesce(transaction_hash, "
            "(SELECT hash FROM chain_tx WHERE batch = batch.id ORDER BY max_fee_wei DESC LIMIT 1), %s) FROM batch "
            "WHERE state <> 'final' OR told <> %s ORDER BY id LIMIT %s",
            (bytes(32), SettlementState.FINAL, COMMANDS_MAX),
        ).fetchall()
        messages: dict[Hashable, bytes] = {}
        for batch, first_seq, last_seq, name, told, block_number, transaction_hash in rows:
            state = STATES[name]
            if told == 0:
                cut = SettlementStatus(batch, first_seq, last_seq, 0, SettlementState.CUT, bytes(32))
                messages["cut", batch] = cut.encode()
            if state is not SettlementState.CUT and told != state:
                status = SettlementStatus(batch, first_seq, last_seq, block_number, state, bytes(transaction_hash))
                messages[name, batch, block_number] = status.encode()
        return messages

    def _checkpoint_is_due(self, now_ms: int, open_batch_since_ns: int) -> bool:
        elapsed_ms = now_ms - self._checkpoint_ms
        if elapsed_ms >= self._pace.checkpoint_interval_ms:
            return True
        # A batch is cut by the first event after its age is reached; on a quiet venue we must cause that event.
        age_ms = (time.time_ns() - open_batch_since_ns) // 1_000_000 if open_batch_since_ns else 0
        return age_ms > self._pace.batch_age_ms and elapsed_ms >= NUDGE_MS

    def _next_checkpoint(self) -> bytes:
        row = self._connection.execute("SELECT sequence FROM cursor WHERE name = 'checkpoint'").fetchone()
        assert row is not None
        return Checkpoint(row[0] + 1).encode()
