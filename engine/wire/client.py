"""How a daemon follows the engine: every event once, in order, whatever ZeroMQ loses; and how it sends commands.

EngineEvents keeps one invariant: `poll` hands out events with contiguous sequence numbers starting at the position it
was given. Live frames come from
the events socket; whatever is missing (late join, lost frame, cut-off, engine restart) is fetched from the replay
socket. The caller never sees a gap. A frame that is not whole, of an older epoch than the engine's, doubled or out of
order counts as lost: sequence and epoch tell, and replay heals.
Not thread-safe: one thread owns one instance (ZeroMQ sockets must not be shared).
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import zmq

from engine.wire.endpoints import EngineEndpoints
from engine.wire.frame import Frame, FrameError, FrameKind, decode_frame, encode_frame
from engine.wire.messages import (
    BY_TEMPLATE,
    HEADER,
    AnyMessage,
    CutOff,
    EpochStarted,
    Gap,
    Heartbeat,
    Hello,
    HelloAck,
    Refused,
    ReplayRequest,
    Role,
    decode,
)

SILENCE_MS = 1000  # no frame for so long means the live leg is dead: say Hello again (heartbeats come every 100 ms)
HELLO_RETRY_MS = 20  # after a Hello that found no engine connected
NEVER_MS = -math.inf
REPLAY_TIMEOUT_MS = 1000
REPLAY_BYTES = 1 << 18
RECEIVE_HIGH_WATER = 10_000  # frames
HELD_FRAMES_MAX = 256


class Diverged(Exception):
    """This consumer saw events the engine never made durable (or another engine's): it must drop its state and start
    from sequence 1.
    """


@dataclass(frozen=True, slots=True)
class Answer:
    """A Gap or Refused answer to a command sent with the same routing id, outside the event sequence."""

    message: Gap | Refused


@dataclass(frozen=True, slots=True)
class EngineRestarted:
    """The engine runs under a new epoch: commands without a verdict must be sent again."""

    epoch: int


class EngineEvents:
    """One consumer's position in the event stream.

    `next_sequence`: the event `poll` gives next. `last_epoch`: epoch of the one before (0 at the very start). A
    consumer that persists its
    position passes both back at the next start. A next_sequence of 0 means "whatever comes from now on".
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        endpoints: EngineEndpoints,
        role: Role,
        consumer: str,
        *,
        next_sequence: int = 1,
        last_epoch: int = 0,
    ) -> None:
        self._context = context
        self._endpoints = endpoints
        self._role = role
        self._consumer = consumer.encode()
        self.next_sequence = next_sequence
        self.last_epoch = last_epoch
        self.engine_epoch = 0
        self.gaps = 0  # times the live leg skipped events
        self.bad_frames = 0  # neither whole nor of a kind that belongs there: dropped as if they had been lost
        self.stale_frames = 0  # of an epoch that is over: dropped
        self._live = False
        self._behind = True  # events up to _target must come from replay
        self._target = 0
        self._held: deque[Frame] = deque()  # live frames beyond our position, in sequence, for when replay reaches them
        self._heard_ms = NEVER_MS
        self._events_socket = self._connect(endpoints.events)
        self._replay_socket = self._connect(endpoints.replay)
        self._replay_asked_ms: float | None = None
        self._replay_from = 0  # what the last request asked for

    def _connect(self, endpoint: str) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.DEALER)
        socket.setsockopt(zmq.ROUTING_ID, self._consumer)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVHWM, RECEIVE_HIGH_WATER)
        socket.setsockopt(zmq.IMMEDIATE, 1)
        socket.setsockopt(zmq.RECONNECT_IVL, 20)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 200)
        socket.connect(endpoint)
        return socket

    def close(self) -> None:
        self._events_socket.close(0)
        self._replay_socket.close(0)

    @property
    def sockets(self) -> tuple[zmq.Socket[bytes], zmq.Socket[bytes]]:
        """For a caller's own zmq.Poller; call poll(0) when either is readable, and at least every 100 ms."""
        return self._events_socket, self._replay_socket

    @property
    def caught_up(self) -> bool:
        """True when the live leg is up and nothing known is missing."""
        return self._live and not self._behind

    def poll(self, timeout_ms: int) -> list[memoryview | Answer | EngineRestarted]:
        """Waits up to timeout_ms for something and returns all of it: events as undecoded SBE messages in sequence
        order, answers, restarts.

        Raises Diverged when the engine says our past is not its past. An empty list means nothing came; keep calling,
        that is what keeps
        the connection alive.
        """
        now_ms = time.monotonic() * 1000
        # A caller that was away longer than that has frames waiting: it was silent, not the engine.
        if now_ms - self._heard_ms > SILENCE_MS and not (self._live and self._events_socket.poll(0)):
            self._say_hello(now_ms)
        if self._behind and self._live:
            self._ask_replay(now_ms)
        out: list[memoryview | Answer | EngineRestarted] = []
        if zmq.select([self._events_socket, self._replay_socket], [], [], timeout_ms / 1000)[0]:
            self._drain_live(out)
            self._drain_replay(out)
        return out

    def _say_hello(self, now_ms: float) -> None:
        self._live = False
        self._behind = True
        self._held.clear()
        hello = Hello(self._role, 0, self.last_epoch, self.next_sequence, self._consumer)
        sent = self._send(self._events_socket, hello)
        self._heard_ms = now_ms if sent else now_ms - SILENCE_MS + HELLO_RETRY_MS

    def _ask_replay(self, now_ms: float) -> None:
        if self._replay_asked_ms is not None and now_ms - self._replay_asked_ms < REPLAY_TIMEOUT_MS:
            return
        if self._send(self._replay_socket, ReplayRequest(self.next_sequence, self.last_epoch, REPLAY_BYTES)):
            self._replay_asked_ms = now_ms
            self._replay_from = self.next_sequence

    @staticmethod
    def _send(socket: zmq.Socket[bytes], message: Hello | ReplayRequest) -> bool:
        try:
            socket.send(encode_frame(FrameKind.CONTROL, [message.encode()]), zmq.DONTWAIT)
        except zmq.Again:
            return False
        return True

    def _receive(self, socket: zmq.Socket[bytes]) -> Iterator[Frame]:
        """Whole frames that wait; what is none of ours or cut short is as good as lost."""
        while True:
            try:
                data = socket.recv(zmq.DONTWAIT)
            except zmq.Again:
                return
            try:
                yield decode_frame(data)
            except FrameError:
                self.bad_frames += 1

    def _drain_live(self, out: list[memoryview | Answer | EngineRestarted]) -> None:
        for frame in self._receive(self._events_socket):
            if frame.kind is FrameKind.CONTROL:
                for message in self._control_messages(frame):
                    self._on_control(message, out)
            elif frame.kind is FrameKind.EVENTS and self._live:
                if frame.epoch < self.engine_epoch:
                    self.stale_frames += 1
                    continue
                self._heard_ms = time.monotonic() * 1000
                self._see_epoch(frame.epoch, out)
                self._take(frame, out)

    def _control_messages(self, frame: Frame) -> list[AnyMessage]:
        try:
            return [decode(view) for view in frame.messages]
        except ValueError:
            self.bad_frames += 1
            return []

    def _on_control(self, message: AnyMessage, out: list[memoryview | Answer | EngineRestarted]) -> None:
        if isinstance(message, HelloAck | Heartbeat) and self._is_over(message):
            self.stale_frames += 1
            return
        if isinstance(message, HelloAck) or (self._live and isinstance(message, Heartbeat)):
            # Before the HelloAck a heartbeat proves nothing: a lost HelloAck has to be asked for again. Answers prove
            # nothing ever: an engine that has started anew gives them to whoever sends, also to who never said Hello.
            self._heard_ms = time.monotonic() * 1000
        if isinstance(message, HelloAck):
            if message.diverged or (self.last_epoch == 0 and self.next_sequence > message.live_sequence):
                raise Diverged(f"events before {self.next_sequence} are not the engine's")
            self._live = True
            self.next_sequence = self.next_sequence or message.live_sequence
            self._target = message.live_sequence
            self._behind = self.next_sequence < message.live_sequence
            self._see_epoch(message.epoch, out)
        elif isinstance(message, Heartbeat):
            self._see_epoch(message.epoch, out)
            if message.next_sequence > self.next_sequence and self._live:
                self._know_of(message.next_sequence)
        elif isinstance(message, CutOff):
            self._live = False
            self._heard_ms = NEVER_MS  # Hello at the next poll
        elif isinstance(message, Gap | Refused):
            out.append(Answer(message))

    def _is_over(self, message: HelloAck | Heartbeat) -> bool:
        """Whether it comes from an epoch before the one we know. An engine that lost its past begins at a low epoch
        again: it says that ours is not its own, or we have none that could contradict.
        """
        if isinstance(message, HelloAck) and (message.diverged or self.last_epoch == 0):
            return False
        return message.epoch < self.engine_epoch

    def _see_epoch(self, epoch: int, out: list[memoryview | Answer | EngineRestarted]) -> None:
        if self.engine_epoch not in (0, epoch):
            out.append(EngineRestarted(epoch))
        self.engine_epoch = epoch

    def _know_of(self, end: int) -> None:
        """There are events up to `end` (exclusive) that we lack."""
        if not self._behind:
            self.gaps += 1
        self._behind = True
        self._target = max(self._target, end)

    def _take(self, frame: Frame, out: list[memoryview | Answer | EngineRestarted]) -> None:
        """Appends the events that are new; a frame from beyond our position waits for replay to reach it."""
        end = frame.first_sequence + len(frame.messages)
        if frame.first_sequence > self.next_sequence:
            self._know_of(end)
            self._hold(frame)
            return
        fresh = frame.messages[self.next_sequence - frame.first_sequence :]
        if not fresh:
            return
        if self.last_epoch not in (0, event_epoch(fresh[0])) and template_of(fresh[0]) != EpochStarted.TEMPLATE_ID:
            raise Diverged(f"event {self.next_sequence} is of an epoch that began before it: not after our past")
        out.extend(fresh)
        self.next_sequence += len(fresh)
        self.last_epoch = event_epoch(fresh[-1])
        if self._behind and self.next_sequence >= self._target:
            self._behind = False

    def _hold(self, frame: Frame) -> None:
        """Without this, replay would run after a steady stream for ever: each answer is older than the live frames."""
        last = self._held[-1] if self._held else frame
        follows = last is frame or last.first_sequence + len(last.messages) == frame.first_sequence
        if not follows or len(self._held) == HELD_FRAMES_MAX:
            self._held.clear()
        self._held.append(frame)

    def _drain_replay(self, out: list[memoryview | Answer | EngineRestarted]) -> None:
        for frame in self._receive(self._replay_socket):
            if frame.kind is not FrameKind.REPLAY:
                self._on_replay_refused(frame)
                continue
            if frame.first_sequence == self._replay_from:
                self._replay_asked_ms = None
            self._take(frame, out)
            while self._held and self._held[0].first_sequence <= self.next_sequence:
                self._take(self._held.popleft(), out)
            if not frame.messages:
                # Nothing durable there yet: ask again after a pause instead of in a tight loop.
                self._replay_asked_ms = time.monotonic() * 1000 - REPLAY_TIMEOUT_MS + 20

    def _on_replay_refused(self, frame: Frame) -> None:
        """Something else than a replay: raises Diverged when the engine says that our past is not its past."""
        for view in frame.messages if frame.kind is FrameKind.CONTROL else ():
            answer = decode(view)
            if isinstance(answer, HelloAck) and answer.diverged:
                raise Diverged(f"event {self.next_sequence - 1} of epoch {self.last_epoch} is not the engine's")
        self.bad_frames += 1  # the request did not arrive whole: it is made again when the answer is overdue


class CommandChannel:
    """Sends commands on the socket of one role. At-least-once by the caller: what has no verdict is sent again, the
    engine drops duplicates.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str, routing_id: str) -> None:
        self._socket = context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.ROUTING_ID, routing_id.encode())
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.IMMEDIATE, 1)  # never queue into a pipe to an engine that is gone
        self._socket.setsockopt(zmq.RECONNECT_IVL, 20)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 200)
        self._socket.connect(endpoint)

    def send(self, messages: list[bytes]) -> bool:
        """One frame of commands; False when the engine is away or its queue is full: nothing was handed over."""
        try:
            self._socket.send(encode_frame(FrameKind.COMMANDS, messages), zmq.DONTWAIT)
        except zmq.Again:
            return False
        return True

    def close(self) -> None:
        self._socket.close(0)


def event_sequence(message: memoryview | bytes) -> int:
    """Sequence of an undecoded event: every event's block starts with it."""
    return int.from_bytes(message[HEADER.size : HEADER.size + 8], "little")


def event_epoch(message: memoryview | bytes) -> int:
    """Epoch of an undecoded event."""
    return int.from_bytes(message[HEADER.size + 24 : HEADER.size + 28], "little")


def template_of(message: memoryview | bytes) -> int:
    """templateId of an undecoded message; KeyError-free: 0 when it isn't one of ours."""
    template = int.from_bytes(message[2:4], "little")
    return template if template in BY_TEMPLATE else 0
