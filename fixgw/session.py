"""The boundary between FIX sessions (bytes, sequence numbers, heartbeats) and the gateway (orders and reports).

A session engine owns sockets, stores and the FIX session layer; it knows nothing of orders. The gateway knows nothing
of sockets. Nothing outside
`fixgw/session_*` knows which engine runs. Sessions are named by their configured id. Application messages cross the
boundary as FIX text: inbound the
whole message, outbound the part from 35= to the last body field, without BeginString, BodyLength, CompIDs, MsgSeqNum,
SendingTime and CheckSum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


class StoreFailed(Exception):
    """A message could not be stored for its client: nothing may go on as if it had been."""


class SessionEngineError(Exception):
    """The session engine cannot start; the text says why."""


@dataclass(frozen=True, slots=True)
class Logon:
    """What a Logon says about itself, before anybody believed it."""

    session: int
    msg_seq_num: int
    username: str
    password: str
    heartbeat_s: int | None  # None when missing or not a number
    reset: bool


class SessionCallbacks(Protocol):
    """What a session engine calls, from its own threads; each may raise, and that must not end the process."""

    def on_reset_asked(self, logon: Logon) -> str | None:
        """A Logon with ResetSeqNumFlag=Y, before anything changes: None to go on, else the text of the refusal.

        Must not wait for anything that may wait for this session.
        """

    def on_logon(self, logon: Logon) -> str | None:
        """Every valid Logon: judge it and attach it to the engine. None to accept, else the text of the refusal."""

    def on_logged_on(self, session: int) -> None:
        """The Logon has been answered: reports may go out."""

    def on_logon_failed(self, session: int) -> None:
        """A Logon that was asked for came to nothing."""

    def on_logout(self, session: int) -> None:
        """The session is logged out or its connection is gone."""

    def on_alive(self, session: int) -> None:
        """The client sent a Heartbeat, TestRequest or Logout: it reads what we send."""

    def on_message(self, session: int, text: str) -> None:
        """An application message in MsgSeqNum order, once it returns counted as received.

        Redelivered after a crash before that.
        """

    def on_message_failed(self, session: int, text: str) -> None:
        """`on_message` raised for this message: answer it as well as possible. If this raises too, the process ends."""

    def on_unknown_peer(self, sender_comp_id: str) -> None:
        """Somebody tried to log on with CompIDs that no session has; the connection is closed."""

    def on_callback_error(self, callback: str, error: BaseException) -> None:
        """A callback raised; count it, log it once."""


class SessionEngine(Protocol):
    """What the gateway asks of a session engine; all methods but start and stop are thread-safe."""

    def start(self) -> None:
        """Open the port; SessionEngineError when that fails. Sessions exist and can store messages before it."""

    def stop(self) -> None:
        """Log every client out, close every connection and the port."""

    def send(self, session: int, text: str) -> None:
        """Store an application message under the next outbound MsgSeqNum and send it if the client is logged on.

        StoreFailed otherwise.
        """

    def next_outgoing(self, session: int) -> int:
        """MsgSeqNum of the next message to the client."""

    def next_incoming(self, session: int) -> int:
        """MsgSeqNum expected from the client."""

    def set_next_incoming(self, session: int, msg_seq_num: int) -> None:
        """Expect this MsgSeqNum next, because all before it is known to have been received."""

    def stored(self, session: int, first_msg_seq_num: int) -> Iterator[tuple[int, str]]:
        """Stored outbound messages from that number on, below the next one, as (MsgSeqNum, text); only before
        `start`.
        """

    def disconnect(self, session: int, text: str) -> None:
        """Log the client out with this text."""

    def is_logged_on(self, session: int) -> bool:
        """Whether the client is logged on now."""
