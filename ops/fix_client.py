"""A FIX 4.4 client on simplefix and one socket: the institutions of the demo and the conformance tests, written apart
from the gateway.

It keeps its side of the session: sequence numbers, every application message it sent (to send again when asked), gap
fill, heartbeats.
A message handed to `send` is never lost by this side: if the line is down, the counterparty asks for it after the next
Logon.
"""

from __future__ import annotations

import select
import socket
import time

import simplefix

SOCKET_TIMEOUT_S = 5.0
LOGON_TIMEOUT_S = 10.0
LIVELINESS = 2.5  # heartbeat intervals of silence after which the line is dead
Fields = list[tuple[int, str]]


class FixClientError(Exception):
    """The line is down or the counterparty ended the session; log on again or give up."""


class LogonRefused(FixClientError):
    """The counterparty answered the Logon with a Logout or closed the line."""


class FixClient:
    """One session as initiator. `next_out` and `next_in` survive reconnects; nothing else is kept between processes."""

    def __init__(
        self,
        host: str,
        port: int,
        sender: str,
        target: str,
        password: str,
        *,
        heartbeat_s: int = 10,
        username: str = "",
    ) -> None:
        self.address = (host, port)
        self.sender = sender
        self.target = target
        self.username = username or sender
        self.password = password
        self.heartbeat_s = heartbeat_s
        self.next_out = 1
        self.next_in = 1
        self.logged_on = False
        self.sent: dict[
            int, tuple[str, str, Fields]
        ] = {}  # application messages by MsgSeqNum: type, SendingTime, fields
        self._socket: socket.socket | None = None
        self._parser = simplefix.FixParser()
        self._resend_asked = 0  # next_in when we last asked for a resend
        self._sent_at = self._heard_at = 0.0
        self._test_answered = ""
        self.resends = 0  # ResendRequests sent or answered: none while nothing was lost

    # -- what the application calls

    def connect(self) -> None:
        """Opens the line, without logging on; FixClientError if nobody answers."""
        self.close()
        try:
            self._socket = socket.create_connection(self.address, SOCKET_TIMEOUT_S)
        except OSError as error:
            raise FixClientError(f"cannot connect: {error}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._parser = simplefix.FixParser()
        self._sent_at = self._heard_at = time.monotonic()

    def logon(self, *, reset: bool = False, extra: Fields | None = None) -> list[simplefix.FixMessage]:
        """Connects and logs on; returns messages that came along. LogonRefused carries the Text of the Logout."""
        self.connect()
        if reset:
            self.next_out = self.next_in = 1
            self.sent.clear()
        self._resend_asked = 0
        fields = [(98, "0"), (108, str(self.heartbeat_s)), *([(141, "Y")] if reset else [])]
        self._send("A", [*fields, (553, self.username), (554, self.password), *(extra or [])])
        deadline = time.monotonic() + LOGON_TIMEOUT_S
        delivered = []
        while not self.logged_on:
            if time.monotonic() > deadline:
                self.close()
                raise FixClientError("no answer to the Logon")
            try:
                delivered += self.poll(0.1)
            except LogonRefused:
                raise
            except FixClientError as error:
                raise LogonRefused(str(error)) from error
        return delivered

    def send(self, message_type: str, fields: Fields) -> int:
        """Sends an application message and keeps it; returns its MsgSeqNum. FixClientError if the line is down: it is
        kept all the same.
        """
        return self._send(message_type, fields, keep=True)

    def poll(self, timeout_s: float) -> list[simplefix.FixMessage]:
        """Waits up to timeout_s; returns application messages and session Rejects in sequence order, each once."""
        if self._socket is None:
            raise FixClientError("not connected")
        delivered = []
        if select.select([self._socket], [], [], timeout_s)[0]:
            try:
                data = self._socket.recv(65536)
            except OSError as error:
                self.close()
                raise FixClientError(f"line lost: {error}") from error
            if not data:
                self.close()
                raise FixClientError("the counterparty closed the line")
            self._heard_at = time.monotonic()
            self._parser.append_buffer(data)
        while (message := self._parser.get_message()) is not None:
            if self._accept(message):
                delivered.append(message)
        self._keep_alive()
        return delivered

    def round_trip(self, timeout_s: float) -> list[simplefix.FixMessage]:
        """A TestRequest and everything that comes before its answer: all that the counterparty had sent until then."""
        mark = f"T{self.next_out}"
        self._send("1", [(112, mark)])
        delivered = []
        deadline = time.monotonic() + timeout_s
        while self._test_answered != mark:
            if time.monotonic() > deadline:
                raise FixClientError("no answer to the TestRequest")
            delivered += self.poll(0.05)
        return delivered

    def logout(self, timeout_s: float = 5.0) -> None:
        """Says Logout, waits for the answer, closes."""
        if self._socket is None:
            return
        try:
            self._send("5", [])
            deadline = time.monotonic() + timeout_s
            while time.monotonic() < deadline:
                self.poll(0.1)
        except FixClientError:
            pass
        self.close()

    def close(self) -> None:
        """Drops the line as a crash would."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self.logged_on = False

    def send_raw(self, data: bytes) -> None:
        """Bytes as they are, for tests of what a gateway must refuse."""
        assert self._socket is not None, "not connected"
        self._socket.sendall(data)

    # -- the session

    def encode(
        self, message_type: str, fields: Fields, *, seq: int, sending_time: str = "", poss_dup: str = ""
    ) -> bytes:
        """One message; `poss_dup` is the OrigSendingTime of a message sent again."""
        message = simplefix.FixMessage()
        message.append_pair(8, "FIX.4.4", header=True)
        message.append_pair(35, message_type, header=True)
        message.append_pair(49, self.sender, header=True)
        message.append_pair(56, self.target, header=True)
        message.append_pair(34, seq, header=True)
        if poss_dup:
            message.append_pair(43, "Y", header=True)
        message.append_pair(52, sending_time or utc_timestamp(), header=True)
        if poss_dup:
            message.append_pair(122, poss_dup, header=True)
        for tag, value in fields:
            message.append_pair(tag, value)
        encoded: bytes = message.encode()
        return encoded

    def _send(self, message_type: str, fields: Fields, *, keep: bool = False) -> int:
        seq, sending_time = self.next_out, utc_timestamp()
        self.next_out += 1
        if keep:
            self.sent[seq] = (message_type, sending_time, fields)
        self._write(self.encode(message_type, fields, seq=seq, sending_time=sending_time))
        return seq

    def _write(self, data: bytes) -> None:
        if self._socket is None:
            raise FixClientError("not connected")
        try:
            self._socket.sendall(data)
        except OSError as error:
            self.close()
            raise FixClientError(f"line lost: {error}") from error
        self._sent_at = time.monotonic()

    def _accept(self, message: simplefix.FixMessage) -> bool:
        """Sequence rules and session messages; True for what the application must see."""
        kind, seq = text(message, 35), int(text(message, 34) or 0)
        if kind == "4" and text(message, 123) != "Y":
            self.next_in = int(text(message, 36))
            return False
        if kind == "A":
            self.logged_on = True
            if text(message, 141) == "Y":
                self.next_in = seq
        if (
            kind == "5" and not self.logged_on
        ):  # a refusal is read whatever its number: there is no session to resend in
            self.close()
            raise LogonRefused(f"Logout: {text(message, 58)}")
        if seq > self.next_in:
            if (
                kind == "2"
            ):  # answered even across a gap, or both sides could wait for ever (FIX 4.4 vol. 2, ResendRequest)
                self._resend(int(text(message, 7)), int(text(message, 16)))
            if self._resend_asked != self.next_in:
                self._resend_asked = self.next_in
                self.resends += 1
                self._send("2", [(7, str(self.next_in)), (16, "0")])
            return False
        if seq < self.next_in:
            if text(message, 43) == "Y":
                return False
            self.close()
            raise FixClientError(f"MsgSeqNum {seq} is below the expected {self.next_in}: {text(message, 58)}")
        self.next_in = int(text(message, 36)) if kind == "4" else seq + 1
        if kind == "1":
            self._send("0", [(112, text(message, 112))])
        elif kind == "0":
            self._test_answered = text(message, 112) or self._test_answered
        elif kind == "2":
            self._resend(int(text(message, 7)), int(text(message, 16)))
        elif kind == "5":
            self.close()
            raise FixClientError(f"Logout: {text(message, 58)}")
        return kind not in "A01245"

    def _resend(self, begin: int, end: int) -> None:
        """Application messages again with PossDupFlag, everything else as one gap fill."""
        self.resends += 1
        last = end or self.next_out - 1
        seq = begin
        while seq <= last:
            if seq in self.sent:
                message_type, sending_time, fields = self.sent[seq]
                self._write(self.encode(message_type, fields, seq=seq, poss_dup=sending_time))
                seq += 1
                continue
            after = next((s for s in range(seq, last + 1) if s in self.sent), last + 1)
            self._write(self.encode("4", [(123, "Y"), (36, str(after))], seq=seq, poss_dup=utc_timestamp()))
            seq = after

    def _keep_alive(self) -> None:
        now = time.monotonic()
        if not self.logged_on or self._socket is None:
            return
        if now - self._heard_at > self.heartbeat_s * LIVELINESS:
            self.close()
            raise FixClientError("nothing heard for too long")
        if now - self._sent_at > self.heartbeat_s:
            self._send("0", [])


def text(message: simplefix.FixMessage, tag: int) -> str:
    """A field as text, empty when it is absent."""
    value = message.get(tag)
    return "" if value is None else value.decode()


def utc_timestamp() -> str:
    """UTCTimestamp of now in microseconds (FIX 4.4 vol. 1)."""
    now_ns = time.time_ns()
    return time.strftime("%Y%m%d-%H:%M:%S", time.gmtime(now_ns // 10**9)) + f".{now_ns // 1000 % 10**6:06d}"
