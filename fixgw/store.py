"""What the gateway itself must remember across a crash: three kinds of append-only record files, each record with its
length and checksum.

A record is whole or it is not there: the tail that a crash tore is cut at the next start. `append` survives a killed
process; with `sync` also a power
loss.

* `forwarded`: commands handed to the engine's transport. They stay pending until the engine's verdict, also over our
  own restarts.
* `refused`: the gateway's own verdicts, synced before they are sent: a message judged once is never judged again.
* `delivered-N`: which reports went into the message store of session N. Between event, store and this file nothing is
  atomic; so at start the file is
  completed from the store itself (a stored report carries its ReportID), and a report that neither knows is written
  again from the event.
  A report that was handed over but is gone from the store (a reset or lost store) and that the client has shown no
  sign of life after is sent
  again with PossResend(97)=Y and its original ExecID.
"""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Iterable
from pathlib import Path
from struct import Struct

from engine.wire.messages import decode
from fixgw.reports import ReportKey
from fixgw.translate import Command

RECORD = Struct("<II")  # size, crc32 of the payload
RECORD_MAX = 1 << 16
REFUSED = Struct("<IIQ")  # session, session epoch, MsgSeqNum; then the text
DELIVERED = Struct("<cQBIQc")  # kind, outbound MsgSeqNum, key: refusal 1 or correction 2, epoch, number, leg
REFUSAL, CORRECTION = 1, 2
DELIVERY, CONFIRMED, RENUMBERED = b"D", b"C", b"R"
NO_KEY = ReportKey(False, 0, 0)


class RecordLog:
    """An append-only file of checked records; appends are thread-safe."""

    def __init__(self, path: Path) -> None:
        """Opens or creates it and cuts a torn tail; OSError when that is impossible."""
        self._path = path
        self._lock = threading.Lock()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self.records = self.read()
        self._end = sum(RECORD.size + len(record) for record in self.records)
        os.ftruncate(self._file, self._end)

    def read(self) -> list[bytes]:
        """Every whole record up to the first that is none."""
        with self._path.open("rb") as file:
            data = file.read()
        records = []
        offset = 0
        while offset + RECORD.size <= len(data):
            size, checksum = RECORD.unpack_from(data, offset)
            payload = data[offset + RECORD.size : offset + RECORD.size + size]
            if size > RECORD_MAX or len(payload) < size or zlib.crc32(payload) != checksum:
                break
            records.append(payload)
            offset += RECORD.size + size
        return records

    def append(self, payload: bytes, *, sync: bool = False) -> None:
        """Writes one record with one write; OSError means it is not written: the next one takes its place."""
        record = RECORD.pack(len(payload), zlib.crc32(payload)) + payload
        with self._lock:
            if os.pwrite(self._file, record, self._end) != len(record):
                raise OSError(f"{self._path}: short write")
            if sync:
                os.fdatasync(self._file)
            self._end += len(record)

    def rewrite(self, payloads: Iterable[bytes]) -> None:
        """Replaces the whole content in one step."""
        fresh = self._path.with_suffix(".new")
        with self._lock:
            with fresh.open("wb") as file:
                for payload in payloads:
                    file.write(RECORD.pack(len(payload), zlib.crc32(payload)) + payload)
                file.flush()
                os.fsync(file.fileno())
                end = file.tell()
            fresh.replace(self._path)
            directory = os.open(self._path.parent, os.O_RDONLY)
            os.fsync(directory)
            os.close(directory)
            os.close(self._file)
            self._file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
            self._end = end

    def close(self) -> None:
        os.close(self._file)


def _place(key: ReportKey) -> tuple[int, int, str]:
    """Where the report of an event stands among the others."""
    return key.epoch, key.number, key.leg


class ForwardedLog:
    """Commands handed over, as encoded, by (session, session epoch, client_seq); a caller says which are still open."""

    def __init__(self, path: Path) -> None:
        self._log = RecordLog(path)

    def read(self) -> dict[tuple[int, int, int], Command]:
        """All that the file holds, in the order they were handed over."""
        commands = {}
        for record in self._log.read():
            command = decode(record)
            assert isinstance(command, Command)
            commands[command.session, command.session_epoch, command.client_seq] = command
        return commands

    def append(self, command: Command) -> None:
        self._log.append(command.encode())

    def keep(self, commands: Iterable[Command]) -> None:
        """Forget all but these."""
        self._log.rewrite(command.encode() for command in commands)

    def close(self) -> None:
        self._log.close()


class RefusedLog:
    """The gateway's own verdicts by (session, session epoch, MsgSeqNum)."""

    def __init__(self, path: Path) -> None:
        self._log = RecordLog(path)
        self.texts: dict[tuple[int, int, int], str] = {}
        self.reload()

    def reload(self) -> None:
        """`texts` as the file has them now."""
        for record in self._log.read():
            self.texts[REFUSED.unpack_from(record)] = record[REFUSED.size :].decode("utf-8", "surrogateescape")

    def append(self, session: int, key: ReportKey, text: str) -> None:
        """Durable when it returns."""
        self._log.append(self._pack(session, key.epoch, key.number, text), sync=True)

    @staticmethod
    def _pack(session: int, epoch: int, number: int, text: str) -> bytes:
        return REFUSED.pack(session, epoch, number) + text.encode("utf-8", "surrogateescape")

    def keep(self, places: Iterable[tuple[int, int, int]]) -> None:
        """Forget all but these."""
        self.texts = {place: self.texts[place] for place in places}
        self._log.rewrite(self._pack(*place, text) for place, text in self.texts.items())

    def close(self) -> None:
        self._log.close()


class DeliveryLog:
    """Which reports of one session went into its message store.

    `watermark`: the last event report handed over, by (engine epoch, sequence, leg); events come in order, so all
    before it were too. An engine that lost its last events gives their numbers again, under a later epoch.
    `session_epoch`: the epoch of the session in which the store's numbering began, 0 while no numbering is known.
    `unconfirmed`: handed over since the client's last sign of life. `lost`: those of them that the store no longer
    holds.
    """

    def __init__(self, path: Path) -> None:
        self._log = RecordLog(path)
        self._entries: list[tuple[int, ReportKey]] = []
        self._confirmed_to = 0
        self._numbering_from = 0
        self.session_epoch = 0
        for record in self._log.records:
            kind, outbound, what, epoch, number, leg = DELIVERED.unpack(record)
            if kind == DELIVERY:
                key = ReportKey(what == REFUSAL, epoch, number, leg.rstrip(b"\0").decode(), what == CORRECTION)
                self._entries.append((outbound, key))
            elif kind == CONFIRMED:
                self._confirmed_to = len(self._entries)
            else:
                self._numbering_from = len(self._entries)
                self.session_epoch = epoch
        self.watermark = max((_place(key) for _, key in self._entries if key.ordered), default=(0, 0, ""))
        self.unordered = {key for _, key in self._entries if not key.ordered}

    @property
    def unconfirmed(self) -> list[ReportKey]:
        """In the order they were first handed over."""
        return list(dict.fromkeys(key for _, key in self._entries[self._confirmed_to :]))

    @property
    def lost(self) -> set[ReportKey]:
        """Unconfirmed and not handed over again since the numbering began anew."""
        return set(self.unconfirmed) - {key for _, key in self._entries[self._numbering_from :]}

    @property
    def last_outbound(self) -> int:
        """The last outbound MsgSeqNum known of the present numbering, 0 for none."""
        present = self._entries[self._numbering_from :]
        return present[-1][0] if present else 0

    def knows(self, key: ReportKey) -> bool:
        """Whether the report was ever handed over."""
        return _place(key) <= self.watermark if key.ordered else key in self.unordered

    def delivered(self, outbound: int, key: ReportKey) -> None:
        """The report is in the message store, at this number or a little above."""
        if key.ordered:
            self.watermark = max(self.watermark, _place(key))
        else:
            self.unordered.add(key)
        self._append(DELIVERY, outbound, key)

    def loaded(self, outbound: int, key: ReportKey) -> None:
        """As `delivered`, for what is found in the store at start."""
        self.delivered(outbound, key)
        self._entries.append((outbound, key))

    def assume(self, confirmed: ReportKey | None, unconfirmed: Iterable[ReportKey]) -> None:
        """Of an empty log: what an unknown store is taken to have held."""
        if confirmed is not None:
            self.delivered(0, confirmed)
            self.confirmed()
        for key in unconfirmed:
            self.delivered(0, key)

    def confirmed(self) -> None:
        """The client gave a sign of life after all deliveries so far."""
        self._append(CONFIRMED, 0, NO_KEY)

    def renumbered(self, session_epoch: int) -> None:
        """The message store began anew at 1."""
        self._numbering_from = len(self._entries)
        self.session_epoch = session_epoch
        self._append(RENUMBERED, 0, NO_KEY._replace(epoch=session_epoch))

    @property
    def empty(self) -> bool:
        """Whether it says nothing of any numbering: it is new, or the one before was lost."""
        return not (self.session_epoch or self._entries)

    def compact(self) -> None:
        """Forget what is confirmed, but for the watermark; only at start, before anything is delivered."""
        confirmed, rest = self._entries[: self._confirmed_to], self._entries[self._confirmed_to :]
        newest = [entry for entry in confirmed if entry[1].ordered and _place(entry[1]) == self.watermark][-1:]
        split = max(self._numbering_from - self._confirmed_to, 0)
        renumbered = self._pack(RENUMBERED, 0, NO_KEY._replace(epoch=self.session_epoch))
        records = [renumbered, *(self._pack(DELIVERY, *entry) for entry in newest)]
        records.append(self._pack(CONFIRMED, 0, NO_KEY))
        records += [self._pack(DELIVERY, *entry) for entry in rest[:split]]
        if split:
            records.append(renumbered)
        records += [self._pack(DELIVERY, *entry) for entry in rest[split:]]
        self._log.rewrite(records)
        self._entries = newest + rest
        self._confirmed_to = len(newest)
        self._numbering_from = len(newest) + split if split else 0

    def _append(self, kind: bytes, outbound: int, key: ReportKey) -> None:
        self._log.append(self._pack(kind, outbound, key))

    @staticmethod
    def _pack(kind: bytes, outbound: int, key: ReportKey) -> bytes:
        what = REFUSAL if key.refusal else CORRECTION if key.correction else 0
        return DELIVERED.pack(kind, outbound, what, key.epoch, key.number, key.leg.encode() or b"\0")

    def close(self) -> None:
        self._log.close()
