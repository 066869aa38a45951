"""What the loop must do with a message before it is sequenced (section 1 of docs/ENGINE.md). Changes nothing."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple, cast

from engine.book_messages import ClientCommand, Command, ReferenceData, parse
from engine.book_reference import is_set
from engine.book_state import State
from engine.wire.endpoints import ALLOWED
from engine.wire.messages import (
    HEADER,
    Checkpoint,
    Credit,
    EndOfDay,
    Reason,
    Role,
    SessionAttach,
    SettlementState,
    SettlementStatus,
    Transfer,
)


class Verdict(IntEnum):
    """What the loop must do with a message: apply it, drop it, answer Gap, or answer Refused."""

    APPLY = 0
    DUPLICATE = 1
    GAP = 2
    REFUSED = 3


class Check(NamedTuple):
    """struct core_check of engine/native/api.h."""

    verdict: Verdict
    reason: int = Reason.NONE
    template_id: int = 0
    session: int = 0
    session_epoch: int = 0
    client_seq: int = 0
    last_client_seq: int = 0


def check(state: State, role: int, message: bytes) -> Check:
    """Judges a message that came in by `role`."""
    template_id = HEADER.unpack_from(message)[1] if len(message) >= HEADER.size else 0
    command = parse(message)
    if command is None:
        return Check(Verdict.REFUSED, Reason.MALFORMED, template_id)
    if role != Role.INTERNAL and template_id not in ALLOWED.get(cast(Role, role), ()):
        return _refused(command, Reason.WRONG_ROLE)
    if isinstance(command, ClientCommand):
        return _check_client(state, command)
    return _check_other(state, command)


def _check_client(state: State, command: ClientCommand) -> Check:
    session = state.sessions.get(command.session)
    if session is None:
        return _refused(command, Reason.UNKNOWN_SESSION)
    if not session.definition.enabled:
        return _refused(command, Reason.SESSION_DISABLED)
    if session.generation == 0:
        return _refused(command, Reason.NOT_ATTACHED)
    if command.session_epoch != session.session_epoch:
        return _refused(command, Reason.WRONG_EPOCH)
    if command.generation != session.generation or command.gateway != session.gateway:
        return _refused(command, Reason.STALE_GENERATION)
    if command.client_seq <= session.last_client_seq:
        return _verdict(command, Verdict.DUPLICATE, session.last_client_seq)
    if command.prev_client_seq != session.last_client_seq:
        return _verdict(command, Verdict.GAP, session.last_client_seq)
    return _verdict(command, Verdict.APPLY, session.last_client_seq)


def _check_other(state: State, command: Command) -> Check:
    match command:
        case SessionAttach():
            return _check_attach(state, command)
        case Credit():
            return _dense(command, command.deposit_seq, state.last_deposit_seq)
        case Checkpoint():
            return _dense(command, command.checkpoint, state.last_checkpoint)
        case Transfer():
            return _dense(command, command.transfer_seq, state.last_transfer_seq)
        case SettlementStatus():
            return _check_settlement(state, command)
        case EndOfDay() if command.day <= state.day:
            return _refused(command, Reason.INVALID_STATE)
    if isinstance(command, ReferenceData) and is_set(state, command):
        return _verdict(command, Verdict.DUPLICATE)
    return _verdict(command, Verdict.APPLY)


def _check_attach(state: State, command: SessionAttach) -> Check:
    session = state.sessions.get(command.session)
    if session is None:
        return _refused(command, Reason.UNKNOWN_SESSION)
    if not session.definition.enabled:
        return _refused(command, Reason.SESSION_DISABLED)
    asked = (command.token, command.gateway, command.gateway_instance)
    if session.generation and asked == (session.token, session.gateway, session.gateway_instance):
        return _verdict(command, Verdict.DUPLICATE)
    return _verdict(command, Verdict.APPLY)


def _check_settlement(state: State, command: SettlementStatus) -> Check:
    """Batches are cut in sequence and become final in sequence; in between Sent and Mined may repeat."""
    batch = command.batch
    if not SettlementState.CUT <= command.state <= SettlementState.FINAL:
        return _verdict(command, Verdict.APPLY)  # apply refuses it, so that the refusal is on record
    if batch <= state.final_batch or (command.state == SettlementState.CUT and batch <= state.last_batch):
        return _verdict(command, Verdict.DUPLICATE)
    if command.state == SettlementState.CUT:
        in_sequence = batch == state.last_batch + 1
    elif command.state == SettlementState.FINAL:
        in_sequence = batch == state.final_batch + 1 and batch <= state.last_batch
    else:
        in_sequence = batch <= state.last_batch
    return _verdict(command, Verdict.APPLY) if in_sequence else _refused(command, Reason.OUT_OF_SEQUENCE)


def _refused(command: Command, reason: Reason) -> Check:
    return _verdict(command, Verdict.REFUSED, reason=reason)


def _verdict(command: Command, verdict: Verdict, last_client_seq: int = 0, reason: Reason = Reason.NONE) -> Check:
    """A Check that says which command it is about, so that the loop can answer its sender."""
    if isinstance(command, SessionAttach):
        return Check(verdict, reason, command.TEMPLATE_ID, command.session)
    if not isinstance(command, ClientCommand):
        return Check(verdict, reason, command.TEMPLATE_ID)
    where = command.session, command.session_epoch, command.client_seq
    return Check(verdict, reason, command.TEMPLATE_ID, *where, last_client_seq)


def _dense(command: Credit | Checkpoint | Transfer, number: int, last: int) -> Check:
    """These are numbered without holes; seen before is no fault, a hole is."""
    if number <= last:
        return _verdict(command, Verdict.DUPLICATE)
    if number != last + 1:
        return _refused(command, Reason.OUT_OF_SEQUENCE)
    return _verdict(command, Verdict.APPLY)
