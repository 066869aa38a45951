"""The replay server: who lacks events asks here and gets entries of the event journal, the bytes that went out live.

A thread of its own, never the hot one; it serves only what was published, and only to whom its past is the journal's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import zmq
from structlog.typing import FilteringBoundLogger

from engine.journal import Damaged, EventJournal
from engine.sockets import Socket
from engine.wire.client import event_epoch
from engine.wire.frame import ENTRY_HEADER, FRAME_HEADER, MAGIC, FrameError, FrameKind, decode_frame, encode_frame
from engine.wire.messages import HelloAck, Reason, Refused, ReplayRequest, decode

REPLAY_BYTES_MAX = 1 << 18
POLL_MS = 100


class ReplayServer:
    """Answers each ReplayRequest with one REPLAY frame until closed.

    A request after an event that is another one here is answered by HelloAck(diverged=1), a bad one by
    Refused(Malformed).
    """

    def __init__(
        self,
        socket: Socket,
        journal: EventJournal,
        published: Callable[[], int],
        on_replay: Callable[[], None],
        on_damage: Callable[[str], None],
        log: FilteringBoundLogger,
    ) -> None:
        """`on_damage` is told of each request that met a published event which is not whole."""
        self._socket = socket
        self._journal = journal
        self._published = published
        self._on_replay = on_replay
        self._on_damage = on_damage
        self._log = log
        self._open = True
        self._last_reason = ""
        self._thread = threading.Thread(target=self._run, name="replay", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; the socket is its maker's to close."""
        self._open = False
        self._thread.join()

    def _run(self) -> None:
        while self._open:
            if self._socket.poll(POLL_MS):
                parts = self._socket.recv_multipart()
                self._send(parts[0], self._answer(parts[1:]))

    def _send(self, peer: bytes, frame: bytes) -> None:
        try:
            self._socket.send_multipart([peer, frame], zmq.DONTWAIT)
        except zmq.ZMQError as error:
            # Gone or not reading: it asks again if it still wants it.
            if error.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                raise

    def _answer(self, parts: list[bytes]) -> bytes:
        request = _request(parts)
        if request is None:
            refused = Refused(Reason.MALFORMED, ReplayRequest.TEMPLATE_ID, 0, 0)
            return encode_frame(FrameKind.CONTROL, [refused.encode()])
        self._on_replay()
        bytes_max = min(request.max_bytes or REPLAY_BYTES_MAX, REPLAY_BYTES_MAX)
        published = self._published()
        try:
            if self._is_diverged(request, published):
                reset = HelloAck(0, 1, published + 1, 1)
                return encode_frame(FrameKind.CONTROL, [reset.encode()])
            entries, count = self._journal.entries(request.from_sequence, published, bytes_max)
        except Damaged as error:
            self._complain(str(error))
            self._on_damage(str(error))
            entries, count = b"", 0
        except OSError as error:
            self._complain(str(error))
            entries, count = b"", 0
        return replay_frame(request.from_sequence, entries, count)

    def _is_diverged(self, request: ReplayRequest, published: int) -> bool:
        """Whether the event before the requested ones is of another epoch than the consumer says. One that is not
        stored yet says nothing: the Hello settles it.
        """
        before = request.from_sequence - 1
        if request.last_epoch == 0 or not 0 < before <= published:
            return False
        entry, count = self._journal.entries(before, before, ENTRY_HEADER.size)
        return count == 1 and event_epoch(entry[ENTRY_HEADER.size :]) != request.last_epoch

    def _complain(self, reason: str) -> None:
        """Each distinct reason in a row once: who gets nothing asks again many times a second."""
        if reason != self._last_reason:
            self._log.error("engine.replay_failed", reason=reason)
        self._last_reason = reason


def _request(parts: list[bytes]) -> ReplayRequest | None:
    try:
        (data,) = parts
        (message,) = decode_frame(data).messages
        request = decode(message)
    except (ValueError, FrameError):
        return None
    return request if isinstance(request, ReplayRequest) and request.from_sequence > 0 else None


def replay_frame(first_sequence: int, entries: bytes, count: int) -> bytes:
    """A REPLAY frame around entries that are already in their final form."""
    length = FRAME_HEADER.size + len(entries)
    header = FRAME_HEADER.pack(MAGIC, FrameKind.REPLAY, 0, count, length, 0, first_sequence, time.time_ns())
    return header + entries
