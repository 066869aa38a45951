"""The session engine on the quickfix library: its acceptor, store and validation, and a guard around its callbacks.

No Python exception ever reaches the library from a callback (it would end the process), except RejectLogon from
fromAdmin. Messages cross once each way: `toString()` in, a preformatted text out. A Logon with ResetSeqNumFlag=Y is
judged in the log hook, the only place that runs before the library wipes its store: refused, it finds its session
disabled and changes nothing. What the library cannot do is listed in docs/FIX.md.
"""

from __future__ import annotations

import functools
import ipaddress
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import quickfix as fix

from cfg.model import FixGateway
from fixgw.policy import Client
from fixgw.session import Logon, SessionCallbacks, SessionEngineError, StoreFailed
from fixgw.tagvalue import SOH, fields_of

BEGIN_STRING = "FIX.4.4"
DICTIONARY = Path(__file__).with_name("dictionary") / "FIX44.venue.xml"
LOGON_MARK = f"{SOH}35=A{SOH}"
UNKNOWN_PEER_MARK = "Session not found for incoming message: "
_FIX44_MESSAGE_TYPES = (
    "0 1 2 3 4 5 6 7 8 9 A B C D E F G H J K L M N P Q R S T V W X Y Z a b c d e f g h i j k l m n o p q r s t u v w x "
    "y z AA AB AC AD AE AF AG AH AI AJ AK AL AM AN AO AP AQ AR AS AT AU AV AW AX AY AZ BA BB BC BD BE BF BG BH"
)
#: MsgTypes of FIX 4.4: one of these that is not in our dictionary gets 35=j, anything else 35=3 (FIX 4.4 volume 2).
FIX44_MESSAGE_TYPES = frozenset(_FIX44_MESSAGE_TYPES.split())
EXIT_WITHOUT_VERDICT = 1
INVALID_MESSAGE_TYPE, UNSUPPORTED_MESSAGE_TYPE = "11", 3


def _settings_text(gateway: FixGateway, clients: Sequence[Client], store_dir: Path) -> str:
    """The library's settings file; everything it can check, it checks."""
    bind = gateway.bind
    lines = [
        "[DEFAULT]",
        "ConnectionType=acceptor",
        f"BeginString={BEGIN_STRING}",
        f"SenderCompID={gateway.comp_id}",
        f"SocketAcceptPort={gateway.port}",
        "SocketReuseAddress=Y",
        "SocketNodelay=Y",
        f"FileStorePath={store_dir}",
        "UseDataDictionary=Y",
        f"DataDictionary={DICTIONARY}",
        "ValidateFieldsOutOfOrder=Y",
        "ValidateFieldsHaveValues=Y",
        "ValidateUserDefinedFields=Y",
        "ValidateLengthAndChecksum=Y",
        "AllowUnknownMsgFields=N",
        "CheckCompID=Y",
        "CheckLatency=Y",
        "MaxLatency=120",
        "TimestampPrecision=6",
        "PersistMessages=Y",
        "ResetOnLogon=N",
        "ResetOnLogout=N",
        "ResetOnDisconnect=N",
        "NonStopSession=Y",
    ]
    if bind != "0.0.0.0":
        lines.append(f"AllowedRemoteAddresses={bind}")
    for client in clients:
        lines += ["[SESSION]", f"TargetCompID={client.comp_id}"]
    return "\n".join(lines) + "\n"


def _check_bind(bind: str) -> None:
    """The library listens on every interface: only what can be made true by its address list is accepted."""
    if bind == "0.0.0.0":
        return
    try:
        loopback = ipaddress.IPv4Address(bind).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise SessionEngineError(
            f"fixgw.bind {bind!r}: the quickfix session engine takes 0.0.0.0, or a loopback address such as 127.0.0.1"
        )


def _logon_of(session: int, text: str) -> Logon:
    fields = fields_of(text)
    heartbeat = fields.get("108", "")
    sequence = fields.get("34", "")
    return Logon(
        session,
        int(sequence) if sequence.isdecimal() else 0,
        fields.get("553", ""),
        fields.get("554", ""),
        int(heartbeat) if heartbeat.isascii() and heartbeat.isdecimal() else None,
        fields.get("141") == "Y",
    )


def _guarded(method: Callable[..., None]) -> Callable[..., None]:
    """Keeps every exception from the library, which would end the process.

    RejectLogon is the library's own and passes.
    """

    @functools.wraps(method)
    def call(self: Any, *arguments: Any) -> None:
        try:
            method(self, *arguments)
        except fix.RejectLogon:
            raise
        except BaseException as error:  # noqa: BLE001
            self._owner.callbacks.on_callback_error(method.__name__, error)

    return call


class QuickfixEngine:
    """A SessionEngine (see fixgw.session) on quickfix's ThreadedSocketAcceptor and FileStore."""

    def __init__(
        self, gateway: FixGateway, clients: Sequence[Client], state_dir: Path, callbacks: SessionCallbacks
    ) -> None:
        _check_bind(gateway.bind)
        bad = [client.comp_id for client in clients if "/" in client.comp_id + gateway.comp_id]
        if bad:
            raise SessionEngineError(f"CompIDs are file names to the quickfix engine: no '/' in {', '.join(bad)}")
        self.callbacks = callbacks
        self._store_dir = state_dir / "store"
        self._store_dir.mkdir(parents=True, exist_ok=True)
        self._gateway = gateway
        self._comp_ids = {client.session: client.comp_id for client in clients}
        self._session_of = {client.comp_id: client.session for client in clients}
        self._ids = {c.session: fix.SessionID(BEGIN_STRING, gateway.comp_id, c.comp_id) for c in clients}
        self._dictionary = fix.DataDictionary(str(DICTIONARY))
        settings_file = state_dir / "quickfix.cfg"
        settings_file.write_text(_settings_text(gateway, clients, self._store_dir), encoding="utf-8")
        settings = fix.SessionSettings(str(settings_file))
        self._application = _Application(self)
        self._logs = _LogFactory(self)
        self._store = fix.FileStoreFactory(settings)
        try:
            self._acceptor = fix.ThreadedSocketAcceptor(self._application, self._store, settings, self._logs)
        except (fix.ConfigError, fix.RuntimeError) as error:
            raise SessionEngineError(f"quickfix refuses its settings: {error}") from error

    def start(self) -> None:
        try:
            self._acceptor.start()
        except (fix.ConfigError, fix.RuntimeError) as error:
            raise SessionEngineError(f"cannot listen on port {self._gateway.port}: {error}") from error

    def stop(self) -> None:
        self._acceptor.stop()

    def send(self, session: int, text: str) -> None:
        try:
            stored = fix.Session.sendToTarget(self._message(text), self._ids[session])
        except fix.Exception as error:
            raise StoreFailed(f"session {self._comp_ids[session]}: {error}") from error
        if not stored:
            raise StoreFailed(f"session {self._comp_ids[session]}: the message store refused a message")

    def _message(self, text: str) -> Any:
        whole = f"8={BEGIN_STRING}{SOH}9=0{SOH}{text}10=000{SOH}"
        if f"{SOH}453=" in text or f"{SOH}136=" in text:
            return fix.Message(whole, self._dictionary, False)  # the dictionary keeps group members together
        return fix.Message(whole, False)

    def session(self, session: int) -> Any:
        """The library's session object."""
        return fix.Session.lookupSession(self._ids[session])

    def session_of(self, session_id: Any) -> int:
        """Our number of a library SessionID."""
        return self._session_of[session_id.getTargetCompID().getValue()]

    def next_outgoing(self, session: int) -> int:
        return int(self.session(session).getExpectedSenderNum())

    def next_incoming(self, session: int) -> int:
        return int(self.session(session).getExpectedTargetNum())

    def set_next_incoming(self, session: int, msg_seq_num: int) -> None:
        self.session(session).setNextTargetMsgSeqNum(msg_seq_num)

    def is_logged_on(self, session: int) -> bool:
        return bool(self.session(session).isLoggedOn())

    def disconnect(self, session: int, text: str) -> None:
        self.session(session).logout(text)

    def stored(self, session: int, first_msg_seq_num: int) -> Iterator[tuple[int, str]]:
        """Reads FileStore's two files: "number,offset,size " entries in .header, message bytes in .body.

        An entry at or above the next number was cut short by a crash: its message was never sent, and the next one
        gets its number.
        """
        stem = f"{BEGIN_STRING}-{self._gateway.comp_id}-{self._comp_ids[session]}"
        header, body = self._store_dir / f"{stem}.header", self._store_dir / f"{stem}.body"
        next_outgoing = self.next_outgoing(session)
        places: dict[int, tuple[int, int]] = {}
        for entry in header.read_text().split() if header.exists() else ():
            number, offset, size = (int(part) for part in entry.split(","))
            if first_msg_seq_num <= number < next_outgoing:
                places[number] = (offset, size)
        if not places:
            return
        with body.open("rb") as file:
            for number in sorted(places):
                offset, size = places[number]
                file.seek(offset)
                yield number, file.read(size).decode("utf-8", "surrogateescape")


class _Application(fix.Application):  # type: ignore[misc]
    """The library's callbacks, each guarded; typed getters are avoided, they cost more than the whole message."""

    def __init__(self, owner: QuickfixEngine) -> None:
        super().__init__()
        self._owner = owner

    @_guarded
    def onCreate(self, session_id: Any) -> None:
        """Sessions are known from the configuration."""

    @_guarded
    def onLogon(self, session_id: Any) -> None:
        self._owner.callbacks.on_logged_on(self._owner.session_of(session_id))

    @_guarded
    def onLogout(self, session_id: Any) -> None:
        self._owner.callbacks.on_logout(self._owner.session_of(session_id))

    @_guarded
    def toAdmin(self, message: Any, session_id: Any) -> None:
        """A message type of FIX 4.4 that we do not trade is a business matter: j with 380=3, not Reject."""
        if message.getHeader().getField(35) != "3":
            return
        fields = fields_of(message.toString())
        if fields.get("373") == INVALID_MESSAGE_TYPE and fields.get("372") in FIX44_MESSAGE_TYPES:
            message.getHeader().setField(fix.MsgType("j"))
            message.removeField(373)
            message.setField(fix.BusinessRejectReason(UNSUPPORTED_MESSAGE_TYPE))
            message.setField(fix.Text("unsupported message type"))

    @_guarded
    def toApp(self, message: Any, session_id: Any) -> None:
        """Nothing to add: the text was complete."""

    @_guarded
    def fromAdmin(self, message: Any, session_id: Any) -> None:
        message_type = message.getHeader().getField(35)
        session = self._owner.session_of(session_id)
        if message_type == "A":
            refusal = "venue not available"
            try:
                refusal_or_none = self._owner.callbacks.on_logon(_logon_of(session, message.toString()))
                refusal = refusal_or_none or ""
            finally:
                if refusal:  # also when the callback raised: a Logon that was not attached is never accepted
                    self._owner.callbacks.on_logon_failed(session)
                    raise fix.RejectLogon(refusal)
        elif message_type in ("0", "1", "5"):
            self._owner.callbacks.on_alive(session)

    @_guarded
    def fromApp(self, message: Any, session_id: Any) -> None:
        text = message.toString()
        session = self._owner.session_of(session_id)
        try:
            self._owner.callbacks.on_message(session, text)
        except BaseException as error:  # noqa: BLE001
            self._owner.callbacks.on_callback_error("fromApp", error)
            self._answer_or_end(session, text)

    def _answer_or_end(self, session: int, text: str) -> None:
        """The library counts the message as received when we return: without a verdict on disk (it is full, say) the
        process ends instead, and the message is asked for again.
        """
        try:
            self._owner.callbacks.on_message_failed(session, text)
        except BaseException as error:  # noqa: BLE001
            self._owner.callbacks.on_callback_error("on_message_failed", error)
            os._exit(EXIT_WITHOUT_VERDICT)


class _SessionLog(fix.Log):  # type: ignore[misc]
    """Not a log: the one hook that sees a Logon before the library acts on it, and Logons of unknown CompIDs.

    The library holds the session's state lock around it: sending or waiting for another thread here would deadlock.
    """

    def __init__(self, owner: QuickfixEngine, session: int | None) -> None:
        super().__init__()
        self._owner = owner
        self._session = session

    @_guarded
    def onIncoming(self, text: str) -> None:
        if self._session is None or LOGON_MARK not in text[:80]:
            return
        session = self._owner.session(self._session)
        logon = _logon_of(self._session, text)
        if not logon.reset:
            session.logon()  # fromAdmin judges it; one that was refused before must not stay locked out
            return
        refusal: str | None = "not judged"
        try:
            refusal = self._owner.callbacks.on_reset_asked(logon)
        finally:
            if refusal is None:
                session.logon()
            else:
                session.logout()

    @_guarded
    def onOutgoing(self, text: str) -> None:
        """The store has it."""

    @_guarded
    def onEvent(self, text: str) -> None:
        if self._session is None and text.startswith(UNKNOWN_PEER_MARK):
            fields = fields_of(text.removeprefix(UNKNOWN_PEER_MARK))
            self._owner.callbacks.on_unknown_peer(fields.get("49", ""))

    @_guarded
    def clear(self) -> None:
        """Nothing is kept."""

    @_guarded
    def backup(self) -> None:
        """Nothing is kept."""


class _LogFactory(fix.LogFactory):  # type: ignore[misc]
    """Hands the library one hook per session, for ever.

    Each is disowned before it is returned: for an object that Python owns, SWIG's code frees a lock of its own on
    every return and
    uses it again on the next.
    """

    def __init__(self, owner: QuickfixEngine) -> None:
        super().__init__()
        self._owner = owner
        self._logs: list[_SessionLog] = []

    def create(self, *arguments: Any) -> _SessionLog:
        session = self._owner.session_of(arguments[0]) if arguments else None
        log = _SessionLog(self._owner, session)
        log.__disown__()
        self._logs.append(log)
        return log

    def destroy(self, log: Any) -> None:
        """They live as long as the process."""
