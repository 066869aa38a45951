"""Reports on their way to one session's message store: each exactly once, or again under its own id when the store
has lost it.

Used by the link's thread alone, but for `hold`. While held (a Logon is in progress) reports queue here, so that none
slips between a store reset and the Logon's answer. Without any record of what was handed over (a new gateway, a lost
disk) nothing goes out before the session has begun a new numbering; then the day's reports go out marked PossResend.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path

from fixgw.reports import ReportKey
from fixgw.session import SessionEngine
from fixgw.store import DeliveryLog
from fixgw.tagvalue import fields_of, with_poss_resend

UNCONFIRMED_MAX = 10_000  # reports kept to be sent again after a reset; older ones are recovered by OrderStatusRequest


class Outbox:
    """Born held: `release` after the start's replay opens it."""

    def __init__(self, session: int, path: Path, sessions: SessionEngine) -> None:
        self._session = session
        self._sessions = sessions
        self._log = DeliveryLog(path)
        self._queue: deque[tuple[ReportKey | None, str, str]] = deque()
        self._held = True
        self._sending = False
        self.needs_reset = False  # the client's numbering can't go on from our store
        self._forgotten: ReportKey | None = None  # the last report of an event that a blank store let go
        self._complete_from_store()
        self._unconfirmed: dict[ReportKey, str] = dict.fromkeys(self._log.unconfirmed, "")
        self._lost = self._log.lost
        self.resent = 0  # reports sent again with PossResend

    def _complete_from_store(self) -> None:
        """What the store holds and the log does not was handed over right before a crash."""
        first = self._log.last_outbound
        if first >= self._sessions.next_outgoing(self._session):
            self._log.renumbered(self._log.session_epoch)  # behind what it once held: it was lost, or wiped half-way
            self.needs_reset = True
            first = 0
        for number, text in self._sessions.stored(self._session, first + 1):
            fields = fields_of(text)
            key = ReportKey.parse(fields.get("17") or fields.get("20001") or "")
            if key is not None and (not self._log.knows(key) or key in self._log.lost):
                self._log.loaded(number, key)

    def compact(self) -> None:
        """Forget what is confirmed; only at start, and after the refusals that are confirmed were forgotten."""
        self._log.compact()

    @property
    def watermark(self) -> tuple[int, int]:
        """Engine epoch and sequence of the last event whose report was handed over, zeros for none."""
        return self._log.watermark[:2]

    @property
    def session_epoch(self) -> int:
        """The session's epoch when the store's numbering began, 0 while no numbering is known."""
        return self._log.session_epoch

    @property
    def is_blank(self) -> bool:
        """Whether nothing is known of what the session was ever sent."""
        return self._log.empty

    def begin(self, session_epoch: int) -> None:
        """A session without a past: its numbering begins."""
        self._log.renumbered(session_epoch)

    def end_of_day(self) -> None:
        """What blank stores owe goes back to here."""
        while self.is_blank and self._unconfirmed:
            self._forget_oldest()

    def wants(self, key: ReportKey) -> bool:
        """Whether the text of this report is still of use: not handed over yet, or not confirmed."""
        return not self._log.knows(key) or key in self._unconfirmed

    def knows(self, key: ReportKey) -> bool:
        """Whether the report was handed over, now or in an earlier life."""
        return self._log.knows(key)

    def push(self, key: ReportKey | None, text: str, *, maybe_told: bool = False) -> None:
        """Hand over now, or when released; at start a report that was handed over before only gets its text back.

        `maybe_told`: another gateway may have told it, so it goes out marked PossResend.
        """
        if key is not None and self._log.knows(key):
            if key in self._unconfirmed:
                self._unconfirmed[key] = text
            return
        if self.is_blank:
            if key is not None:
                self._remember(key, text)
            return
        self._queue.append((key, text, with_poss_resend(text) if maybe_told else text))
        self._drain()

    def push_first(self, corrections: list[tuple[ReportKey, str]]) -> None:
        """Ahead of everything that waits; only while held."""
        unknown = [(key, text, text) for key, text in corrections if not self._log.knows(key)]
        self._queue.extendleft(reversed(unknown))

    def forget_queued(self) -> None:
        """Hold, and drop the reports of events that wait: the engine lost some, the others are derived again."""
        self._held = True
        self._queue = deque(entry for entry in self._queue if entry[0] is None or not entry[0].ordered)

    def _remember(self, key: ReportKey, text: str) -> None:
        self._unconfirmed[key] = text
        if len(self._unconfirmed) > UNCONFIRMED_MAX:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        oldest = next(iter(self._unconfirmed))
        del self._unconfirmed[oldest]
        if self.is_blank and oldest.ordered:
            self._forgotten = oldest

    def _drain(self) -> None:
        """Hands over until the queue is empty or somebody holds."""
        while self._queue:
            self._sending = True
            try:
                if self._held:
                    return
                self._send(*self._queue[0])
                self._queue.popleft()
            finally:
                self._sending = False

    def _send(self, key: ReportKey | None, text: str, marked: str) -> None:
        outbound = self._sessions.next_outgoing(self._session)
        self._sessions.send(self._session, marked)
        if key is None:
            return
        self._log.delivered(outbound, key)
        self._remember(key, text)

    def hold(self) -> bool:
        """Queue from now on; False when a report is on its way this moment. The one method for any thread."""
        self._held = True  # written before `_sending` is read, as `_drain` does it the other way round
        return not self._sending

    def release(self) -> None:
        """Send again what the store lost, then everything queued."""
        if self.is_blank:
            return
        owed = [(key, text) for key, text in self._unconfirmed.items() if key in self._lost and text]
        self._queue.extendleft((key, text, with_poss_resend(text)) for key, text in reversed(owed))
        self.resent += len(owed)
        self._lost = set()
        self._held = False
        self._drain()

    def confirm(self) -> None:
        """The client reads: what was handed over so far need not be sent again."""
        if self._unconfirmed and not self._held and not self.is_blank:
            self._log.confirmed()
            self._unconfirmed.clear()

    def reset(self, session_epoch: int) -> None:
        """The client had the store wiped: what it never confirmed goes out again once released."""
        if self.is_blank:
            self._log.assume(self._forgotten, self._unconfirmed)
        self._log.renumbered(session_epoch)
        self.needs_reset = False
        self._lost = set(self._unconfirmed)

    def close(self) -> None:
        self._log.close()
