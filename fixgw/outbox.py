"""Reports on their way to one session's message store: each exactly once, or again under its own id when the store
has lost it.

Used by the link's thread alone, but for `hold`. While held (a Logon is in progress) reports queue here, so that none
slips between a store reset and the Logon's answer.
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
        self._complete_from_store()
        self._unconfirmed: dict[ReportKey, str] = dict.fromkeys(self._log.unconfirmed, "")
        self._lost = self._log.lost
        self.resent = 0  # reports sent again with PossResend

    def _complete_from_store(self) -> None:
        """What the store holds and the log does not was handed over right before a crash."""
        first = self._log.last_outbound
        if first >= self._sessions.next_outgoing(self._session):
            self._log.renumbered()  # the store is behind what it once held: it was lost or wiped
            first = 0
        for number, text in self._sessions.stored(self._session, first + 1):
            fields = fields_of(text)
            key = ReportKey.parse(fields.get("17") or fields.get("20001") or "")
            if key is not None and (not self._log.knows(key) or key in self._log.lost):
                self._log.loaded(number, key)

    def compact(self) -> None:
        """Forget what is confirmed; only at start, and after the refusals that are confirmed were forgotten."""
        self._log.compact()

    def wants(self, key: ReportKey) -> bool:
        """Whether the text of this report is still of use: not handed over yet, or not confirmed."""
        return not self._log.knows(key) or key in self._unconfirmed

    def knows(self, key: ReportKey) -> bool:
        """Whether the report was handed over, now or in an earlier life."""
        return self._log.knows(key)

    def push(self, key: ReportKey | None, text: str) -> None:
        """Hand over now, or when released; at start a report that was handed over before only gets its text back."""
        if key is not None and self._log.knows(key):
            if key in self._unconfirmed:
                self._unconfirmed[key] = text
            return
        self._queue.append((key, text, text))
        self._drain()

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
        self._unconfirmed[key] = text
        if len(self._unconfirmed) > UNCONFIRMED_MAX:
            del self._unconfirmed[next(iter(self._unconfirmed))]

    def hold(self) -> bool:
        """Queue from now on; False when a report is on its way this moment. The one method for any thread."""
        self._held = True  # written before `_sending` is read, as `_drain` does it the other way round
        return not self._sending

    def release(self) -> None:
        """Send again what the store lost, then everything queued."""
        owed = [(key, text) for key, text in self._unconfirmed.items() if key in self._lost and text]
        self._queue.extendleft((key, text, with_poss_resend(text)) for key, text in reversed(owed))
        self.resent += len(owed)
        self._lost = set()
        self._held = False
        self._drain()

    def confirm(self) -> None:
        """The client reads: what was handed over so far need not be sent again."""
        if self._unconfirmed and not self._held:
            self._log.confirmed()
            self._unconfirmed.clear()

    def reset(self) -> None:
        """The client had the store wiped: what it never confirmed goes out again once released."""
        self._log.renumbered()
        self._lost = set(self._unconfirmed)

    def close(self) -> None:
        self._log.close()
