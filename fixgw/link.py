"""The gateway's one thread that talks to the engine: commands out in order, events in, reports derived from them.

What it keeps true: a command handed over stays pending until the engine's verdict and is sent again in order after
every gap, silence or restart; the
engine drops what it has already applied. Everything here is rebuilt from events and from `fixgw.store`: at the start,
and again when the engine comes back without events that were followed here (possible only where durability is not
sync). What clients were told of such events is then taken back (fixgw.corrections). Other threads only put work on its
queue.
"""

from __future__ import annotations

import os
import queue
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import zmq
from structlog.typing import FilteringBoundLogger

from engine.wire.client import Answer, CommandChannel, Diverged, EngineEvents, EngineRestarted, template_of
from engine.wire.endpoints import EngineEndpoints
from engine.wire.messages import (
    AccountDefined,
    AnyMessage,
    AssetDefined,
    CancelRejected,
    DayEnded,
    EpochStarted,
    Gap,
    InstrumentDefined,
    LimitsDefined,
    MassCanceled,
    OrderAccepted,
    OrderCanceled,
    OrderReduced,
    OrderRejected,
    OrderReplaced,
    OrderTriggered,
    Reason,
    Refused,
    Role,
    SessionAttach,
    SessionAttached,
    Trade,
    TradeBusted,
    TradingState,
    TradingStateChanged,
    decode,
)
from fixgw import corrections, reports
from fixgw.metrics import Metrics
from fixgw.orders import Leg, OrderView
from fixgw.outbox import Outbox
from fixgw.reasons import SESSION_WAS_RESET, FixReason, reason_of
from fixgw.reference import Reference
from fixgw.reports import ReportKey
from fixgw.session import SessionEngine
from fixgw.store import ForwardedLog, RefusedLog
from fixgw.translate import Command, StatusRequest

Verdict = OrderAccepted | OrderRejected | OrderReplaced | OrderCanceled | MassCanceled | CancelRejected
FRAME_COMMANDS = 256  # commands in one frame to the engine
TICK_MS = 50
RESEND_PAUSE_MS = 20
ATTACH_RETRY_MS = 200
AVAILABLE_MS = 500  # grace after silence was noticed: a short catch-up is no outage
FOLLOWED = frozenset(
    event.TEMPLATE_ID
    for event in (
        EpochStarted,
        LimitsDefined,
        AssetDefined,
        InstrumentDefined,
        AccountDefined,
        SessionAttached,
        OrderAccepted,
        OrderRejected,
        OrderReplaced,
        OrderCanceled,
        OrderTriggered,
        OrderReduced,
        MassCanceled,
        CancelRejected,
        Trade,
        TradeBusted,
        TradingStateChanged,
        DayEnded,
    )
)
#: Refusals after which a command can still be applied: it goes out again under the present generation.
PASSING = frozenset((Reason.OVERLOADED, Reason.STALE_GENERATION, Reason.NOT_ATTACHED, Reason.WRONG_EPOCH))


@dataclass(frozen=True, slots=True)
class Attachment:
    """What the engine said when it attached a session."""

    session_epoch: int
    last_client_seq: int


@dataclass(slots=True)
class _Attach:
    token: int
    reset: bool
    future: Future[Attachment]
    next_send_ms: int = 0

    def is_awaited(self) -> bool:
        """Whether a result may be set now; asked once: from then on who waits can't give up in between any more."""
        return self.future.set_running_or_notify_cancel()


@dataclass(slots=True)
class SessionLink:
    """One session as the engine knows it, and its commands without a verdict; written by the link's thread only."""

    session: int
    outbox: Outbox
    epoch: int = 1
    generation: int = 0  # 0: not attached by this process
    owner: int = 0  # gateway that attached it last
    applied: int = 0  # last client_seq with a verdict in this epoch
    engine_last: int = 0  # last client_seq the engine says it has applied
    pending: dict[int, Command] = field(default_factory=dict)
    waiting: list[tuple[int, StatusRequest]] = field(default_factory=list)  # (last pending number before it, request)
    attach: _Attach | None = None
    resend: bool = False
    resend_not_before_ms: int = 0
    progress_ms: int = 0
    waits_since_ms: int = 0  # since when there has been a pending command, or the last verdict
    known_epoch: int = 0  # the session's epoch before the engine lost it; the next one must be above
    hold_ticket: int = 0  # a release counts only for the hold it was meant for
    hold_until_ms: int = 0
    was_ours: bool = False  # when the engine came back without its last events


@dataclass(frozen=True, slots=True)
class _Forward:
    session: int
    command: Command


@dataclass(frozen=True, slots=True)
class _Report:
    session: int
    key: ReportKey | None
    text: str


@dataclass(frozen=True, slots=True)
class _Status:
    session: int
    request: StatusRequest


@dataclass(frozen=True, slots=True)
class _AttachAsked:
    session: int
    attach: _Attach


@dataclass(frozen=True, slots=True)
class _Release:
    session: int
    ticket: int


@dataclass(frozen=True, slots=True)
class _Confirm:
    session: int


@dataclass(frozen=True, slots=True)
class _TellState:
    session: int


_Work = _Forward | _Report | _Status | _AttachAsked | _Release | _Confirm | _TellState


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


class EngineLink:
    """Start it, wait for `ready`, then open the port. `failure` holds the error that ended it, if one did."""

    def __init__(
        self,
        gateway: int,
        endpoints: EngineEndpoints,
        sessions: SessionEngine,
        session_ids: Iterable[int],
        state_dir: Path,
        reference: Reference,
        metrics: Metrics,
        log: FilteringBoundLogger,
        engine_timeout_ms: int,
    ) -> None:
        self._gateway = gateway
        self._endpoints = endpoints
        self._instance = time.time_ns()
        self._sessions = sessions
        self._reference = reference
        self._metrics = metrics
        self._log = log
        self._engine_timeout_ms = engine_timeout_ms
        self._orders = OrderView()
        self.links = {
            session: SessionLink(session, Outbox(session, state_dir / f"delivered-{session}", sessions))
            for session in session_ids
        }
        self._forwarded = ForwardedLog(state_dir / "forwarded")
        self._refused = RefusedLog(state_dir / "refused")
        self._restored = self._forwarded.read()
        self._prune_refused()
        self._queue: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        self._in_flight = 0
        self._in_flight_lock = threading.Lock()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._missed_since_ms = 0  # when the engine was first found missing; 0 while it is there
        self._state = self._told_state = int(TradingState.OPEN)  # the venue's; the one that clients know of
        self._verdict_ms = 0  # when the last one came, for any session
        self._stalled = False  # the engine is heard of but gives no verdicts: it takes nothing in
        self._stop = False
        self.ready = threading.Event()
        self.failure: BaseException | None = None
        self.turns = 0
        self._begun = False
        self._thread = threading.Thread(target=self._run, name="engine-link", daemon=True)

    # ---- for other threads ----

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; commands without a verdict stay in `forwarded` for the next start."""
        self._stop = True
        self._ring()
        if self._thread.is_alive():
            self._thread.join()

    def join(self, timeout_s: float) -> bool:
        """Whether the thread has ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def available(self) -> bool:
        """Whether the engine is there, or missed for a moment only. Our own slowness is no absence of the engine."""
        missed_since_ms = self._missed_since_ms
        missed = missed_since_ms and _now_ms() - missed_since_ms > AVAILABLE_MS
        return self.ready.is_set() and not missed and not self._stalled

    @property
    def in_flight(self) -> int:
        """Commands without a verdict, the queued ones included, and nothing else."""
        return self._in_flight

    def forward(self, session: int, command: Command) -> None:
        """Take over a command: from here on it is pending, whatever dies."""
        self._forwarded.append(command)
        self._count_in_flight(1)
        self._put(_Forward(session, command))

    def _count_in_flight(self, change: int) -> None:
        with self._in_flight_lock:
            self._in_flight += change

    def refuse(self, session: int, key: ReportKey, text: str) -> None:
        """Give the gateway's own verdict: durable when this returns, sent soon after."""
        self._refused.append(session, key, text)
        self._put(_Report(session, key, text))

    def ask_status(self, session: int, request: StatusRequest) -> None:
        """Answer a status request after everything the session sent before it."""
        self._put(_Status(session, request))

    def needs_reset(self, session: int) -> bool:
        """Whether our message store can't go on with the client's numbering."""
        return self.links[session].outbox.needs_reset

    def attach(self, session: int, *, reset: bool) -> Attachment:
        """Have the engine attach the session; TimeoutError when it does not answer in time."""
        attach = _Attach(secrets.randbits(63) | 1, reset or bool(self.links[session].known_epoch), Future())
        self._put(_AttachAsked(session, attach))
        try:
            return attach.future.result(self._engine_timeout_ms / 1000)
        except TimeoutError:
            attach.future.cancel()
            raise

    def hold(self, session: int) -> bool:
        """Queue the session's reports until `release`; False when one is on its way this very moment. Never waits."""
        link = self.links[session]
        link.hold_ticket += 1
        link.hold_until_ms = _now_ms() + 2 * self._engine_timeout_ms
        return link.outbox.hold()

    def release(self, session: int) -> None:
        """Let reports go out again."""
        self._put(_Release(session, self.links[session].hold_ticket))

    def confirm(self, session: int) -> None:
        """The client gave a sign of life."""
        self._put(_Confirm(session))

    def tell_state(self, session: int) -> None:
        """Tell a client that has logged on if the venue is not open."""
        self._put(_TellState(session))

    def _put(self, work: _Work) -> None:
        self._queue.put(work)
        self._ring()

    def _ring(self) -> None:
        os.eventfd_write(self._bell, 1)

    # ---- the thread ----

    def _run(self) -> None:
        try:
            self._serve()
        except BaseException as error:  # noqa: BLE001
            self.failure = error
            self._log.error("fix.link.failed", error=repr(error), exc_info=error)

    def _serve(self) -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        name = f"fixgw-{self._gateway}"
        self._commands = CommandChannel(context, self._endpoints.gateway, name)
        self._events = EngineEvents(context, self._endpoints, Role.GATEWAY, name)
        try:
            while not self._stop:
                if self._bell in zmq.select([*self._events.sockets, self._bell], [], [], TICK_MS / 1000)[0]:
                    os.eventfd_read(self._bell)
                try:
                    self._take_events()
                except Diverged as error:
                    self._begin_again(str(error))
                    self._events.close()
                    self._events = EngineEvents(context, self._endpoints, Role.GATEWAY, name)
                self._take_work()
                self._tick()
                self.turns += 1
            self._take_work()
        finally:
            self._events.close()
            self._commands.close()
            context.term()
            self._forwarded.close()
            self._refused.close()
            for link in self.links.values():
                link.outbox.close()

    def _take_events(self) -> None:
        for item in self._events.poll(0):
            if isinstance(item, Answer):
                self._on_answer(item.message)
            elif isinstance(item, EngineRestarted):
                self._on_engine_restarted(item.epoch)
            elif template_of(item) in FOLLOWED:
                self._on_event(decode(item))
        if not self._events.caught_up:
            self._missed_since_ms = self._missed_since_ms or _now_ms()
            return
        self._missed_since_ms = 0
        self._tell_new_state()
        if not self.ready.is_set():
            self._finish_start()

    def _on_event(self, event: AnyMessage) -> None:
        if isinstance(event, InstrumentDefined | AssetDefined | AccountDefined):
            self._reference.apply(event)
        elif isinstance(event, SessionAttached):
            self._on_attached(event)
        else:
            for session, leg in self._orders.apply(event):
                self._report(event, session, leg)
            if isinstance(event, Verdict):
                self._on_verdict(event)
            elif isinstance(event, EpochStarted | TradingStateChanged):
                self._follow_state(event)
            elif isinstance(event, DayEnded):
                for link in self.links.values():
                    link.outbox.end_of_day()

    def _follow_state(self, event: EpochStarted | TradingStateChanged) -> None:
        """An unclean start makes an open venue cancel-only without an event of its own (docs/ENGINE.md section 3)."""
        if isinstance(event, TradingStateChanged):
            self._state = event.state if event.instrument == 0 else self._state
        elif event.unclean and self._state == TradingState.OPEN:
            self._state = TradingState.CANCEL_ONLY

    def _tell_new_state(self) -> None:
        """Whoever is logged on learns that the venue's state is another; what passed while catching up is nobody's
        business any more.
        """
        if self._state == self._told_state:
            return
        self._told_state = self._state
        for link in self.links.values():
            if self._begun and self._sessions.is_logged_on(link.session):
                link.outbox.push(None, reports.trading_status(self._state))

    def _report(self, event: AnyMessage, session: int, leg: Leg) -> None:
        """Hand over the report of an event, unless it was and the client has shown to be alive since.

        What happens while another gateway has the session may have been told there, or not: it is kept for the day
        the session comes back, marked PossResend.
        """
        link = self.links.get(session)
        if link is not None and link.outbox.wants(reports.key_of(event, leg)):
            key, text = reports.report(event, leg, self._orders, self._reference)
            link.outbox.push(key, text, maybe_told=link.owner != self._gateway)
            self._metrics.add("reports")

    def _on_verdict(self, event: Verdict) -> None:
        if not event.client_seq:
            return
        self._restored.pop((event.session, event.session_epoch, event.client_seq), None)
        link = self.links.get(event.session)
        if link is None or event.session_epoch != link.epoch:
            return
        link.applied = max(link.applied, event.client_seq)
        link.engine_last = max(link.engine_last, link.applied)
        self._settle(link, event.client_seq)
        link.progress_ms = link.waits_since_ms = self._verdict_ms = _now_ms()
        if link.waiting:
            self._answer_waiting(link)

    def _settle(self, link: SessionLink, client_seq: int) -> None:
        """The command has its verdict, if it was still without."""
        if link.pending.pop(client_seq, None) is not None:
            self._count_in_flight(-1)

    def _on_attached(self, event: SessionAttached) -> None:
        link = self.links.get(event.session)
        if link is None:
            return
        ours = event.gateway == self._gateway and event.gateway_instance == self._instance
        reset = event.session_epoch != link.epoch
        if reset:
            self._end_epoch(link)
            if ours and event.session_epoch > link.outbox.session_epoch:
                link.outbox.reset(event.session_epoch)
        link.epoch = event.session_epoch
        link.owner = event.gateway
        link.applied = link.engine_last = event.last_client_seq
        if not ours:
            if link.generation:
                self._fence(link)
            return
        link.generation = event.generation
        link.resend = bool(link.pending)
        if link.attach is None or link.attach.token != event.token:
            if reset and self.ready.is_set():
                self._sessions.disconnect(link.session, SESSION_WAS_RESET.text)
            return
        if event.session_epoch <= link.known_epoch:  # its numbers were used before the engine lost them: one further
            link.attach = _Attach(secrets.randbits(63) | 1, True, link.attach.future)
            return
        link.known_epoch = 0
        if link.attach.is_awaited():
            link.attach.future.set_result(Attachment(event.session_epoch, event.last_client_seq))
        link.attach = None

    def _fence(self, link: SessionLink) -> None:
        """Another gateway has the session: ours may do nothing in it any more."""
        link.generation = 0
        self._log.warning("fix.session.fenced", session=link.session, by_gateway=link.owner)
        self._sessions.disconnect(link.session, "session was attached by another gateway")

    def _end_epoch(self, link: SessionLink) -> None:
        """The session was reset: what has no verdict yet was never applied and never will be."""
        for command in list(link.pending.values()):
            self._refuse_pending(link, command, SESSION_WAS_RESET)
        link.waiting.clear()

    def _refuse_pending(self, link: SessionLink, command: Command, reason: FixReason) -> None:
        """A verdict of ours on a pending command that the engine has said it did not and will not apply."""
        self._settle(link, command.client_seq)
        self._refuse_command(link, command, reason)

    def _refuse_command(self, link: SessionLink, command: Command, reason: FixReason) -> None:
        key = ReportKey(True, command.session_epoch, command.client_seq)
        if link.outbox.knows(key) or (link.session, key.epoch, key.number) in self._refused.texts:
            return
        text = reports.refused_command(command, key, reason, time.time_ns(), self._orders, self._reference)
        self._refused.append(link.session, key, text)
        link.outbox.push(key, text)
        self._metrics.add("rejects")

    def _refuse_queued(self, link: SessionLink, command: Command) -> None:
        """The session was reset while the command was on its way to us: under its own epoch nobody takes it now."""
        self._count_in_flight(-1)
        self._refuse_command(link, command, SESSION_WAS_RESET)

    def _on_engine_restarted(self, epoch: int) -> None:
        self._log.info("fix.engine.restarted", epoch=epoch)
        for link in self.links.values():
            link.engine_last = link.applied
            link.resend = bool(link.pending)

    def _on_answer(self, message: Gap | Refused) -> None:
        link = self.links.get(message.session)
        if link is None:
            return
        if isinstance(message, Gap):
            if message.session_epoch == link.epoch:
                self._metrics.add("gaps")
                link.engine_last = max(message.last_client_seq, link.applied)
                link.resend = True
            return
        if message.template_id == SessionAttach.TEMPLATE_ID:
            attach, link.attach = link.attach, None
            if attach is not None and attach.is_awaited():
                attach.future.set_exception(PermissionError(reason_of(message.reason).text))
        elif message.reason in PASSING:
            link.resend = True
        elif (command := link.pending.get(message.client_seq)) is not None:
            self._log.error("fix.command.refused", session=link.session, reason=message.reason)
            self._refuse_pending(link, command, reason_of(message.reason))

    # ---- work of other threads ----

    def _take_work(self) -> None:
        if self._begun and not self.ready.is_set():
            return  # what the engine has and what not is being found out anew
        outgoing: list[bytes] = []
        touched: set[int] = set()
        while not self._queue.empty():
            work = self._queue.get()
            link = self.links[work.session]
            if isinstance(work, _Forward):
                if work.command.session_epoch != link.epoch:
                    self._refuse_queued(link, work.command)
                    continue
                if work.command.client_seq in link.pending or work.command.client_seq <= link.applied:
                    self._count_in_flight(-1)  # read back from `forwarded` before it came out of the queue
                    continue
                if not link.pending:
                    link.waits_since_ms = _now_ms()
                previous = next(reversed(link.pending), link.engine_last)
                link.pending[work.command.client_seq] = work.command
                if link.resend or not link.generation:
                    link.resend = True  # not before its elders
                    continue
                if not link.progress_ms or len(link.pending) == 1:
                    link.progress_ms = _now_ms()
                outgoing.append(self._encode(link, work.command, previous))
                touched.add(work.session)
                if len(outgoing) == FRAME_COMMANDS:
                    self._send(outgoing, touched)
                    outgoing, touched = [], set()
            else:
                self._do(link, work)
        if outgoing:
            self._send(outgoing, touched)

    def _do(self, link: SessionLink, work: _Work) -> None:
        if isinstance(work, _Report):
            link.outbox.push(work.key, work.text)
        elif isinstance(work, _Status):
            link.waiting.append((next(reversed(link.pending), 0), work.request))
            self._answer_waiting(link)
        elif isinstance(work, _AttachAsked):
            link.attach = work.attach
        elif isinstance(work, _Release):
            if work.ticket == link.hold_ticket:
                self._release(link)
        elif isinstance(work, _Confirm):
            link.outbox.confirm()
        elif isinstance(work, _TellState) and self._state != TradingState.OPEN:
            link.outbox.push(None, reports.trading_status(self._state))

    def _release(self, link: SessionLink) -> None:
        before = link.outbox.resent
        link.outbox.release()
        link.hold_until_ms = 0
        self._metrics.add("resends_possresend", link.outbox.resent - before)

    def _answer_waiting(self, link: SessionLink) -> None:
        oldest = next(iter(link.pending), None)
        while link.waiting and (oldest is None or link.waiting[0][0] < oldest):
            _, request = link.waiting.pop(0)
            link.outbox.push(None, self._status_text(link, request))

    def _status_text(self, link: SessionLink, request: StatusRequest) -> str:
        exec_id = f"S{link.epoch}-{request.msg_seq_num}"
        order = self._orders.find(link.session, request.order_id, request.clordid)
        if order is None:
            return reports.unknown_order_status(request.fields, exec_id, time.time_ns())
        extra = [(790, request.fields.get("790", ""))]
        return reports.execution(order, self._reference, exec_id, reports.ORDER_STATUS, time.time_ns(), extra)

    # ---- to the engine ----

    def _encode(self, link: SessionLink, command: Command, previous: int) -> bytes:
        return command._replace(
            session_epoch=link.epoch, generation=link.generation, gateway=self._gateway, prev_client_seq=previous
        ).encode()

    def _send(self, messages: list[bytes], sessions: Iterable[int]) -> None:
        if self._commands.send(messages):
            self._metrics.add("commands", len(messages))
            return
        for session in sessions:
            self.links[session].resend = True

    def _tick(self) -> None:
        now_ms = _now_ms()
        for link in self.links.values():
            if link.hold_until_ms and now_ms > link.hold_until_ms and self.ready.is_set():
                self._release(link)
            if link.attach is not None:
                self._tick_attach(link, link.attach, now_ms)
            if link.pending and self.ready.is_set():
                self._tick_pending(link, now_ms)
        waiting = [link.waits_since_ms for link in self.links.values() if link.pending and link.generation]
        longest_ms = now_ms - max(min(waiting), self._verdict_ms) if waiting else 0
        self._stalled = longest_ms > self._engine_timeout_ms
        self._metrics.set("engine_available", int(self.available))
        self._metrics.set("pending", sum(len(link.pending) for link in self.links.values()))
        self._metrics.set("event_sequence", self._events.next_sequence - 1)

    def _tick_attach(self, link: SessionLink, attach: _Attach, now_ms: int) -> None:
        if attach.future.cancelled():
            link.attach = None
        if attach.future.cancelled() or now_ms < attach.next_send_ms:
            return
        attach.next_send_ms = now_ms + ATTACH_RETRY_MS
        message = SessionAttach(link.session, self._gateway, self._instance, attach.token, int(attach.reset))
        self._commands.send([message.encode()])

    def _tick_pending(self, link: SessionLink, now_ms: int) -> None:
        if not link.generation:
            if link.attach is None and link.owner == self._gateway:
                self._attach_again(link)
            return
        if now_ms - link.progress_ms > self._engine_timeout_ms:
            link.engine_last = link.applied  # whatever else the engine once said it had, its event has not come
            link.resend = True
        if not link.resend or now_ms < link.resend_not_before_ms or not self._events.caught_up:
            return
        link.resend_not_before_ms = now_ms + RESEND_PAUSE_MS
        link.progress_ms = now_ms
        link.resend = False
        previous = link.engine_last
        batch: list[bytes] = []
        for number, command in link.pending.items():
            if number <= link.engine_last:
                continue  # applied: its verdict is on the way
            batch.append(self._encode(link, command, previous))
            previous = number
        self._metrics.add("commands_resent", len(batch))
        for start in range(0, len(batch), FRAME_COMMANDS):
            self._send(batch[start : start + FRAME_COMMANDS], (link.session,))

    @staticmethod
    def _attach_again(link: SessionLink) -> None:
        """Without a Logon that waits for it."""
        link.attach = _Attach(secrets.randbits(63) | 1, bool(link.known_epoch), Future())

    # ---- start ----

    def _begin_again(self, why: str) -> None:
        """The engine has lost events that we have followed: forget all that came of events, and follow from the first.

        Clients stay logged on; meanwhile they are told that the venue is not available.
        """
        self.ready.clear()
        self._log.warning("fix.engine.lost_events", reason=why)
        self._metrics.add("engine_losses")
        self._orders = OrderView()
        self._state = TradingState.OPEN
        self._restored = self._forwarded.read()
        self._refused.reload()
        for link in self.links.values():
            self._count_in_flight(-len(link.pending))
            link.pending.clear()
            link.waiting.clear()
            link.outbox.forget_queued()
            link.was_ours = link.was_ours or bool(link.generation)
            link.epoch, link.generation, link.owner = 1, 0, 0
            link.applied = link.engine_last = 0

    def _prune_refused(self) -> None:
        """Forget refusals that were delivered and confirmed, then what the delivery logs need no more."""
        kept = []
        for place in self._refused.texts:
            session, epoch, number = place
            link = self.links.get(session)
            if link is not None and link.outbox.wants(ReportKey(True, epoch, number)):
                kept.append(place)
        self._refused.keep(kept)
        for link in self.links.values():
            link.outbox.compact()

    def _finish_start(self) -> None:
        """All events are known: settle what the last life left behind, then let reports go out."""
        for (session, epoch, number), text in list(self._refused.texts.items()):
            self._restored.pop((session, epoch, number), None)
            self.links[session].outbox.push(ReportKey(True, epoch, number), text)
        for link in self.links.values():
            self._take_back(link)
        for command in self._restored.values():
            if command.session in self.links:
                self._restore(self.links[command.session], command)
        self._restored.clear()
        if not self._begun:
            self._begun = True
            self._forwarded.keep(command for link in self.links.values() for command in link.pending.values())
            for link in self.links.values():
                self._expect_inbound(link)
        for link in self.links.values():
            self._begin_numbering(link)
            self._take_up(link)
            if not link.hold_until_ms:
                self._release(link)
        self.ready.set()
        self._log.info("fix.link.ready", orders=len(self._orders), next_event=self._events.next_sequence)

    def _restore(self, link: SessionLink, command: Command) -> None:
        """A command that was handed over and has no verdict."""
        if command.session_epoch == link.epoch and command.client_seq > link.applied:
            link.pending[command.client_seq] = command
            link.waits_since_ms = _now_ms()
            self._count_in_flight(1)
            link.resend = True
        elif command.session_epoch < link.epoch:
            self._refuse_command(link, command, SESSION_WAS_RESET)

    def _take_back(self, link: SessionLink) -> None:
        """If events that the client was told of are not in the engine's history any more, tell it so."""
        if not link.outbox.watermark[0] or self._has_event(*link.outbox.watermark):
            return
        stored = [text for _, text in self._sessions.stored(link.session, 1)]
        lost = corrections.lost_reports(stored, self._has_event)
        now_ns = time.time_ns()
        found = corrections.corrections(link.session, lost, self._orders, self._reference, now_ns)
        self._log.warning("fix.reports.lost", session=link.session, reports=len(lost), corrections=len(found))
        link.outbox.push_first(found)
        answered = Counter(report.fields.get("11", "") for report in lost)
        for place, command in list(self._restored.items()):
            clordid = reports.text_of(command.clordid)
            if command.session == link.session and answered[clordid]:
                answered[clordid] -= 1  # its verdict was given and is now taken back: it does not go in again
                del self._restored[place]

    def _has_event(self, epoch: int, sequence: int) -> bool:
        """Whether it is in the engine's history: the number of a lost one comes again under a later epoch."""
        return sequence < self._events.next_sequence and self._orders.epoch_at(sequence) == epoch

    def _begin_numbering(self, link: SessionLink) -> None:
        """A blank store suits a session without a past; with one, the client has to begin again."""
        if link.outbox.is_blank and link.owner:
            link.outbox.needs_reset = True
        elif link.outbox.is_blank:
            link.outbox.begin(link.epoch)

    def _take_up(self, link: SessionLink) -> None:
        """After a loss: the session goes on under a generation, and in an epoch, that the engine knows."""
        if link.epoch < link.outbox.session_epoch:
            link.known_epoch = link.outbox.session_epoch
            link.generation = 0
            if link.was_ours:
                self._sessions.disconnect(link.session, SESSION_WAS_RESET.text)
        elif link.was_ours and not link.generation and link.owner not in (0, self._gateway):
            self._fence(link)
        elif link.was_ours and not link.generation:
            self._attach_again(link)
        link.was_ours = False

    def _expect_inbound(self, link: SessionLink) -> None:
        """A message with a verdict, ours or the engine's, or pending, was received, whatever the message store says."""
        refused = (n for session, epoch, n in self._refused.texts if (session, epoch) == (link.session, link.epoch))
        received = max(link.applied, next(reversed(link.pending), 0), *refused, 0)
        if received >= self._sessions.next_incoming(link.session):
            self._sessions.set_next_incoming(link.session, received + 1)

    def pending_empty(self) -> bool:
        """Whether every command has its verdict."""
        return self.in_flight == 0
