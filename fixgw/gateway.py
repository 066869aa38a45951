"""What happens to a Logon and to an application message: judged, translated, then forwarded or refused; runs on the
session engine's threads.

A message is judged once: what cannot be forwarded is refused durably before the session engine counts it as received;
what was forwarded is never refused
here any more. If judging raises, nothing was handed over and the client gets 35=j.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from structlog.typing import FilteringBoundLogger

from engine.wire.messages import CancelOrder, MassCancel
from fixgw import reports, translate
from fixgw.link import EngineLink
from fixgw.metrics import Metrics
from fixgw.policy import Client, LogonPolicy
from fixgw.reasons import GATEWAY_STOPPING, VENUE_NOT_AVAILABLE, FixReason
from fixgw.reference import Reference
from fixgw.reports import ReportKey
from fixgw.session import Logon, SessionEngine
from fixgw.tagvalue import fields_of
from fixgw.translate import Command, Refusal, StatusRequest

COUNTER_OF = {"D": "in_new_order", "F": "in_cancel", "G": "in_replace", "H": "in_status", "q": "in_mass_cancel"}
NOT_AVAILABLE = "venue not available"
STORE_LOST = "the gateway has no record of this session's messages: log on with ResetSeqNumFlag=Y"


class Gateway:
    """Implements SessionCallbacks."""

    def __init__(
        self,
        clients: Mapping[int, Client],
        policy: LogonPolicy,
        reference: Reference,
        metrics: Metrics,
        log: FilteringBoundLogger,
        max_pending_commands: int,
    ) -> None:
        self._clients = clients
        self._policy = policy
        self._reference = reference
        self._metrics = metrics
        self._log = log
        self._max_pending_commands = max_pending_commands
        self._seen = dict.fromkeys(clients, 0)  # last MsgSeqNum judged in the session's present epoch
        self._epochs = dict.fromkeys(clients, 1)
        self._judged: dict[int, Logon] = {}
        self._errors: set[str] = set()
        self._sessions: SessionEngine
        self._link: EngineLink
        self.draining = False

    def connect(self, sessions: SessionEngine, link: Callable[[], EngineLink]) -> EngineLink:
        """Close the circle: the session engine calls us, the link needs the session engine."""
        self._sessions = sessions
        self._link = link()
        return self._link

    # ---- Logon ----

    def on_reset_asked(self, logon: Logon) -> str | None:
        refusal = self._judge(logon)
        if refusal is None and not self._link.hold(logon.session):
            self._link.release(logon.session)
            refusal = "session is busy, log on again"
        if refusal is not None:
            self._refuse_logon(logon, refusal)
            return refusal
        self._judged[logon.session] = logon
        return None

    def _judge(self, logon: Logon) -> str | None:
        refusal = self._policy.judge(logon, self._clients[logon.session])
        if refusal is None and self.draining:
            return GATEWAY_STOPPING.text
        if refusal is None and not self._link.available:
            return NOT_AVAILABLE
        if refusal is None and not logon.reset and self._link.needs_reset(logon.session):
            return STORE_LOST
        return refusal

    def on_logon(self, logon: Logon) -> str | None:
        refusal = self._accept_or_refuse(logon)
        if refusal is not None:
            self._refuse_logon(logon, refusal)
        return refusal

    def _accept_or_refuse(self, logon: Logon) -> str | None:
        judged = self._judged.pop(logon.session, None) == logon  # moments ago, by `on_reset_asked`
        if not judged:
            if (refusal := self._judge(logon)) is not None:
                return refusal
            self._link.hold(logon.session)
        try:
            attached = self._link.attach(logon.session, reset=logon.reset)
        except (TimeoutError, PermissionError) as error:
            return str(error) or NOT_AVAILABLE
        if attached.session_epoch != self._epochs[logon.session]:
            self._epochs[logon.session] = attached.session_epoch
            self._seen[logon.session] = 0
        if logon.reset:
            return None
        expected = max(attached.last_client_seq, self._seen[logon.session]) + 1
        if expected > self._sessions.next_incoming(logon.session):
            self._sessions.set_next_incoming(logon.session, expected)
            if logon.msg_seq_num < expected:
                return f"MsgSeqNum too low, expecting {expected} but received {logon.msg_seq_num}"
        return None

    def _refuse_logon(self, logon: Logon, refusal: str) -> None:
        self._metrics.add("logon_failures")
        self._log.warning("fix.logon.refused", comp_id=self._clients[logon.session].comp_id, reason=refusal)

    def on_logged_on(self, session: int) -> None:
        self._link.release(session)
        self._link.tell_state(session)
        self._metrics.add("logons")
        self._metrics.add("logged_on")
        self._log.info("fix.session.logon", comp_id=self._clients[session].comp_id)

    def on_logon_failed(self, session: int) -> None:
        self._link.release(session)

    def on_logout(self, session: int) -> None:
        self._link.release(session)
        self._metrics.set("logged_on", sum(self._sessions.is_logged_on(one) for one in self._clients))
        self._log.info("fix.session.logout", comp_id=self._clients[session].comp_id)

    def on_alive(self, session: int) -> None:
        self._link.confirm(session)

    def on_unknown_peer(self, sender_comp_id: str) -> None:
        self._metrics.add("unknown_peers")
        self._metrics.add("logon_failures")
        self._log.warning("fix.logon.refused", comp_id=sender_comp_id[:64], reason="unknown CompID")

    # ---- application messages ----

    def on_message(self, session: int, text: str) -> None:
        received_ns = time.time_ns()
        fields = fields_of(text)
        self._metrics.add(COUNTER_OF.get(fields["35"], "in_other"))
        msg_seq_num = int(fields["34"])
        if msg_seq_num <= self._seen[session]:
            self._metrics.add("in_duplicate")
            return
        epoch = self._epochs[session]
        key = ReportKey(True, epoch, msg_seq_num)
        outcome = translate.message(text, self._clients[session], self._reference, key, received_ns)
        if isinstance(outcome, StatusRequest):
            self._link.ask_status(session, outcome)
        elif isinstance(outcome, Refusal):
            self._refuse(session, key, outcome.text)
        elif (reason := self._why_not(outcome)) is not None:
            self._refuse(session, key, translate.refusal_of(text, fields, key, reason, received_ns))
        elif self._link.in_flight >= self._max_pending_commands:
            self._metrics.add("refused_overload")
            overload = f"max_pending_commands {self._max_pending_commands} reached"
            self._refuse(session, key, reports.business_reject(fields, key, translate.NOT_AVAILABLE, overload))
        else:
            self._link.forward(session, outcome._replace(session_epoch=epoch))
        self._seen[session] = msg_seq_num

    def _why_not(self, command: Command) -> FixReason | None:
        """Why a good command can't be handed over now."""
        if self.draining and not isinstance(command, CancelOrder | MassCancel):
            return GATEWAY_STOPPING
        if not self._link.available:
            self._metrics.add("refused_unavailable")
            return VENUE_NOT_AVAILABLE
        return None

    def _refuse(self, session: int, key: ReportKey, text: str) -> None:
        self._metrics.add("rejects")
        self._link.refuse(session, key, text)

    def on_message_failed(self, session: int, text: str) -> None:
        fields = fields_of(text)
        key = ReportKey(True, self._epochs[session], int(fields["34"]))
        answer = reports.business_reject(fields, key, translate.NOT_AVAILABLE, "the message could not be processed")
        self._refuse(session, key, answer)
        self._seen[session] = key.number

    def on_callback_error(self, callback: str, error: BaseException) -> None:
        self._metrics.add("callback_errors")
        kind = f"{callback}: {type(error).__name__}"
        if kind not in self._errors:
            self._errors.add(kind)
            self._log.error("fix.callback.failed", callback=callback, error=repr(error), exc_info=error)
