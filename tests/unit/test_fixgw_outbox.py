"""What the gateway remembers across a crash: torn files are cut, reports go out once, lost ones again by id."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from engine.wire.messages import CancelOrder, MassCancel, NewOrder, ReplaceOrder, Side
from fixgw.orders import OrderView
from fixgw.outbox import Outbox
from fixgw.reasons import SESSION_WAS_RESET
from fixgw.reports import ReportKey, refused_command
from fixgw.session import SessionEngine
from fixgw.store import ForwardedLog, RecordLog, RefusedLog
from fixgw.tagvalue import fields_of
from fixgw.translate import Command
from tests.unit.test_fixgw_translate import reference


class MemoryStore:
    """The storing half of a session engine: what `send` got, by MsgSeqNum from 1."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def send(self, session: int, text: str) -> None:
        """Keeps it under the next number."""
        self.texts.append(text)

    def next_outgoing(self, session: int) -> int:
        """One more than is stored."""
        return len(self.texts) + 1

    def stored(self, session: int, first_msg_seq_num: int) -> Iterator[tuple[int, str]]:
        """From that number on."""
        yield from ((n, t) for n, t in enumerate(self.texts, 1) if n >= first_msg_seq_num)

    @property
    def told(self) -> list[str]:
        """ExecIDs in order, a possible resend with a star."""
        parsed = [fields_of(text) for text in self.texts]
        return [fields["17"] + ("*" if fields.get("97") == "Y" else "") for fields in parsed]


def key(number: int, leg: str = "", epoch: int = 1) -> ReportKey:
    """An event report's key."""
    return ReportKey(False, epoch, number, leg)


def text(one: ReportKey) -> str:
    """A report that carries its key."""
    return f"35=8\x0117={one.text()}\x01"


def outbox(path: Path, store: MemoryStore, *replayed: ReportKey) -> Outbox:
    """A gateway's start: the log, the store, then these reports derived again from events."""
    engine: SessionEngine = store  # type: ignore[assignment]
    box = Outbox(1, path, engine)
    box.compact()
    if box.is_blank:
        box.begin(1)
    for one in replayed:
        if box.wants(one):
            box.push(one, text(one))
    box.release()
    return box


def test_a_torn_record_is_cut_and_the_rest_stays(tmp_path: Path) -> None:
    """Any cut inside the last record leaves all before it."""
    path = tmp_path / "log"
    log = RecordLog(path)
    for payload in (b"one", b"two", b"three"):
        log.append(payload)
    whole = path.read_bytes()
    for cut in range(1, len(b"three") + 9):
        path.write_bytes(whole[:-cut])
        assert RecordLog(path).records == [b"one", b"two"]
        assert path.read_bytes() == whole[: -len(b"three") - 8]


def test_a_rewritten_log_keeps_appending(tmp_path: Path) -> None:
    """Compaction is one step and the log goes on behind it."""
    log = RecordLog(tmp_path / "log")
    log.append(b"old")
    log.rewrite([b"new"])
    log.append(b"newer")
    assert RecordLog(tmp_path / "log").records == [b"new", b"newer"]


COMMANDS: list[Command] = [
    NewOrder(1, 2, 0, 0, 7, 0, 1000, 5, 11, 3, Side.BUY, 2, 6, 0, b"n", 123, 990, 1, 1, 10**18, 2, 4, 1, b"453=1"),
    CancelOrder(1, 2, 0, 0, 8, 0, 0, 3, Side.BUY, b"c", b"n", 123),
    ReplaceOrder(1, 2, 0, 0, 9, 0, 0, 1000, 5, 3, Side.BUY, b"g", b"n", 123, 990, 1, 10**18, 4),
    MassCancel(1, 2, 0, 0, 10, 0, 11, 3, Side.BUY, b"m", 123),
]


def test_commands_handed_over_are_pending_after_a_crash(tmp_path: Path) -> None:
    """Every kind of command with every field, by session, epoch and MsgSeqNum; `keep` forgets the others."""
    log = ForwardedLog(tmp_path / "forwarded")
    for command in COMMANDS:
        log.append(command)
    again = ForwardedLog(tmp_path / "forwarded")
    assert again.read() == {(1, 2, command.client_seq): command for command in COMMANDS}
    again.keep(COMMANDS[3:])
    assert list(ForwardedLog(tmp_path / "forwarded").read().values()) == COMMANDS[3:]


def test_a_command_that_never_came_through_is_refused_in_its_own_words() -> None:
    """8 for an order, 9 for a cancel and a replace, r for a mass cancel, under the key of its message."""
    answers = [
        fields_of(refused_command(command, ReportKey(True, 2, 7), SESSION_WAS_RESET, 0, OrderView(), reference()))
        for command in COMMANDS
    ]
    assert [answer["35"] for answer in answers] == ["8", "9", "9", "r"]
    assert [answer["11"] for answer in answers] == ["n", "c", "g", "m"]
    assert {tag: answers[0][tag] for tag in ("99", "111", "110", "18", "20002", "8000")} == {
        "99": "9.90",
        "111": "0.0001",
        "110": "0.0001",
        "18": "6",
        "20002": "2",
        "8000": "D",
    }
    assert [answers[3][tag] for tag in ("530", "531", "532", "1", "55", "54", "20001")] == [
        *("1", "0", "99", "ALPHA-1", "ETH-USD", "1", "R2-7")
    ]


def test_refusals_survive_and_can_be_forgotten(tmp_path: Path) -> None:
    """A verdict is read back under its session, epoch and MsgSeqNum."""
    log = RefusedLog(tmp_path / "refused")
    log.append(1, ReportKey(True, 2, 3), "35=j\x0158=é\x01")
    log.append(1, ReportKey(True, 2, 4), "35=9\x01")
    again = RefusedLog(tmp_path / "refused")
    assert again.texts == {(1, 2, 3): "35=j\x0158=é\x01", (1, 2, 4): "35=9\x01"}
    again.keep([(1, 2, 4)])
    assert RefusedLog(tmp_path / "refused").texts == {(1, 2, 4): "35=9\x01"}


def test_reports_go_out_once_over_a_restart(tmp_path: Path) -> None:
    """Replayed events that were handed over before are not handed over again; both legs of a self-trade are."""
    store = MemoryStore()
    outbox(tmp_path / "d", store, key(1), key(2, "M"))
    outbox(tmp_path / "d", store, key(1), key(2, "M"), key(2, "T"), key(3))
    assert store.told == ["1-1", "1-2M", "1-2T", "1-3"]


def test_a_crash_between_store_and_log_doubles_nothing(tmp_path: Path) -> None:
    """What the store holds and the log does not is learned from the store at start."""
    store = MemoryStore()
    outbox(tmp_path / "d", store, key(1))
    store.send(1, text(key(2)))
    store.send(1, "35=8\x0117=S1-9\x01")
    outbox(tmp_path / "d", store, key(1), key(2), key(3))
    assert store.told == ["1-1", "1-2", "S1-9", "1-3"]


def test_a_lost_store_makes_unconfirmed_reports_go_out_again_marked(tmp_path: Path) -> None:
    """Same ExecID, PossResend; what the client showed to have read stays unsent."""
    store = MemoryStore()
    box = outbox(tmp_path / "d", store, key(1), key(2))
    box.confirm()
    box.push(key(3), text(key(3)))
    box.push(key(4), text(key(4)))
    store.texts.clear()
    outbox(tmp_path / "d", store, key(1), key(2), key(3), key(4), key(5))
    assert store.told == ["1-3*", "1-4*", "1-5"]
    outbox(tmp_path / "d", store, key(1), key(2), key(3), key(4), key(5), key(6))
    assert store.told == ["1-3*", "1-4*", "1-5", "1-6"]


def test_a_reset_by_the_client_sends_unconfirmed_reports_again_after_the_logon(tmp_path: Path) -> None:
    """Held while the Logon is answered; then the marked ones first."""
    store = MemoryStore()
    box = outbox(tmp_path / "d", store, key(1))
    box.confirm()
    box.push(key(2), text(key(2)))
    box.hold()
    box.push(key(3), text(key(3)))
    store.texts.clear()
    box.reset(2)
    assert store.told == []
    box.release()
    assert store.told == ["1-2*", "1-3"]


def test_a_crash_after_a_reset_does_not_forget_what_was_to_be_sent_again(tmp_path: Path) -> None:
    """The log remembers the renumbering: unconfirmed reports of the old numbering are still owed."""
    store = MemoryStore()
    box = outbox(tmp_path / "d", store, key(1), key(2))
    box.hold()
    store.texts.clear()
    box.reset(2)
    outbox(tmp_path / "d", store, key(1), key(2), key(3))
    assert store.told == ["1-1*", "1-2*", "1-3"]


def test_a_confirmed_refusal_is_known_until_it_is_forgotten(tmp_path: Path) -> None:
    """Refusals have no order: each is remembered by its own key."""
    store = MemoryStore()
    refusal = ReportKey(True, 1, 5)
    box = outbox(tmp_path / "d", store, refusal, key(1))
    box.confirm()
    assert not box.wants(refusal)
    assert box.wants(ReportKey(True, 1, 4))


def test_numbers_that_a_later_epoch_gives_again_are_new_reports(tmp_path: Path) -> None:
    """The engine lost events 3 and 4, which were reported; event 3 of the next epoch is another one."""
    store = MemoryStore()
    outbox(tmp_path / "d", store, key(2), key(3), key(4))
    outbox(tmp_path / "d", store, key(2), key(3, epoch=2))
    assert store.told == ["1-2", "1-3", "1-4", "2-3"]


def test_a_correction_goes_out_once_and_before_what_waits(tmp_path: Path) -> None:
    """Its key is that of the lost report, but it is another report; it is remembered over a restart."""
    store = MemoryStore()
    outbox(tmp_path / "d", store, key(2), key(3))
    correction = key(3)._replace(correction=True)
    for _ in range(2):
        box = Outbox(1, tmp_path / "d", store)  # type: ignore[arg-type]
        box.push(key(3, epoch=2), text(key(3, epoch=2)))
        box.push_first([(correction, text(correction))])
        box.release()
    assert store.told == ["1-2", "1-3", "X1-3", "2-3"]


def test_a_blank_store_owes_the_day_and_waits_for_a_new_numbering(tmp_path: Path) -> None:
    """Nothing goes out into a numbering that the client can't follow; then the day's reports, marked, once."""
    store = MemoryStore()
    box = Outbox(1, tmp_path / "d", store)  # type: ignore[arg-type]
    box.push(key(1), text(key(1)))
    box.end_of_day()
    box.push(key(2), text(key(2)))
    box.release()
    box.confirm()
    assert store.told == []
    box.hold()
    box.reset(2)
    box.push(key(3), text(key(3)))
    box.release()
    assert store.told == ["1-2*", "1-3"]
    outbox(tmp_path / "d", store, key(1), key(2), key(3), key(4))
    assert store.told == ["1-2*", "1-3", "1-4"]


def test_a_crash_after_the_reset_of_a_blank_store_forgets_nothing(tmp_path: Path) -> None:
    """Killed before the day's reports went out: they do at the next start, and older ones don't."""
    store = MemoryStore()
    box = Outbox(1, tmp_path / "d", store)  # type: ignore[arg-type]
    box.push(key(1), text(key(1)))
    box.end_of_day()
    box.push(key(2), text(key(2)))
    box.reset(2)
    outbox(tmp_path / "d", store, key(1), key(2), key(3))
    assert store.told == ["1-2*", "1-3"]


def test_a_record_that_could_not_be_written_whole_leaves_no_hole(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    """A full disk takes half a record: an error, and the next record stands in its place."""
    log = RecordLog(tmp_path / "log")
    log.append(b"one")
    write = os.pwrite
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", lambda file, data, offset: write(file, data[:9], offset))
        with pytest.raises(OSError, match="short write"):
            log.append(b"two")
    log.append(b"3")
    assert RecordLog(tmp_path / "log").records == [b"one", b"3"]
