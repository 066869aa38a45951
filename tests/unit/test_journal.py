"""The journal reader against a journal written here byte by byte: what it proves, what it calls torn, what damaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from struct import Struct, pack

import pytest
from engine._native import ffi, lib

from engine.journal import CommandJournal, Damaged, EventJournal, OtherFormat, segment_head
from engine.wire.frame import ENTRY_HEADER
from engine.wire.messages import Checkpoint, CheckpointEnded, NewOrder, OrderType, Role, Side, TimeInForce

HEADER = Struct("<IIQQIBBH")
SEGMENT_BODY = Struct("<II16s32sQB7x")
COMMIT_BODY = Struct("<IIQ")
VERSION = 2
NONCE = 0x1122334455667788
SEGMENT, COMMAND, COMMIT = 1, 2, 3


def crc32c(crc: int, data: bytes) -> int:
    """CRC-32C bit by bit, from its definition (RFC 3720 appendix B.4)."""
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@dataclass
class Writer:
    """Builds segments as the engine does; `offsets` says where each record of the present segment begins."""

    data: bytes = b""
    crc: int = 0
    sequence: int = 0

    def record(self, kind: int, sequence: int, body: bytes, size: int = 0) -> None:
        """One sealed record."""
        body += bytes(-len(body) % 8)
        length = HEADER.size + len(body)
        fields = (sequence, 1000 + sequence, 1, Role.SETTLEMENT, kind, size)
        self.crc = crc32c(self.crc, HEADER.pack(length, 0, *fields) + body)
        self.data += HEADER.pack(length, self.crc, *fields) + body

    def segment(self) -> None:
        """The head of a segment."""
        self.record(SEGMENT, self.sequence + 1, SEGMENT_BODY.pack(VERSION, self.crc, b"VENUE", bytes(32), NONCE, 0))

    def commit(self, durable: int, *, clean: bool = False) -> None:
        """The head of a batch."""
        self.record(COMMIT, durable, COMMIT_BODY.pack(self.crc, clean, NONCE))

    def command(self, message: bytes = b"") -> None:
        """The next command, a Checkpoint unless a message is given."""
        self.sequence += 1
        message = message or Checkpoint(self.sequence).encode()
        self.record(COMMAND, self.sequence, message, len(message))


def three_batches() -> Writer:
    """Commands 1, 2 | 3, 4 | 5; the last COMMIT calls 4 durable."""
    writer = Writer()
    writer.segment()
    for durable, count in ((0, 2), (2, 2), (4, 1)):
        writer.commit(durable)
        for _ in range(count):
            writer.command()
    return writer


def store(directory: Path, data: bytes, first: int = 1, size: int = 4096) -> Path:
    """A zero-filled segment with these bytes at its begin."""
    path = directory / f"{first:020d}.vj"
    path.write_bytes(data + bytes(size - len(data)))
    return path


def read(directory: Path) -> CommandJournal:
    """The journal after reading all of it."""
    journal = CommandJournal(directory)
    for _ in journal:
        continue
    return journal


@pytest.mark.parametrize(
    ("data", "crc"), [(b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43)]
)
def test_crc32c_gives_the_published_values(data: bytes, crc: int) -> None:
    """RFC 3720 appendix B.4 and the check value; in two pieces the same."""
    assert lib.crc32c(0, data, len(data)) == crc == crc32c(0, data)
    half = len(data) // 2
    assert lib.crc32c(lib.crc32c(0, data[:half], half), data[half:], len(data) - half) == crc


def test_records_come_out_as_they_were_written(tmp_path: Path) -> None:
    """Every command with its sequence, time, role and message, over two segments; the watermark is the greatest."""
    writer = three_batches()
    store(tmp_path, writer.data)
    writer.data = b""
    writer.segment()
    writer.commit(5)
    writer.command()
    writer.commit(6, clean=True)
    store(tmp_path, writer.data, first=6)
    journal = CommandJournal(tmp_path)
    commands = [record for record in journal if record.kind == COMMAND]
    assert [(c.sequence, c.time_ns, c.role) for c in commands] == [(n, 1000 + n, Role.SETTLEMENT) for n in range(1, 7)]
    assert [c.message for c in commands] == [Checkpoint(n).encode() for n in range(1, 7)]
    assert (journal.sequence, journal.durable, journal.clean, journal.torn) == (6, 6, True, None)


def test_every_flipped_bit_below_the_watermark_is_damage_and_above_it_a_torn_tail(tmp_path: Path) -> None:
    """Each byte of the journal in turn: the reading ends right before the record it is in."""
    data = three_batches().data
    path = store(tmp_path, data)
    records = list(CommandJournal(tmp_path))
    for at in range(len(data)):
        hit = [record for record in records if record.offset <= at][-1]
        before = max((r.sequence for r in records if r.kind == COMMAND and r.offset < hit.offset), default=0)
        flipped = bytearray(data)
        flipped[at] ^= 1 << at % 8
        store(tmp_path, bytes(flipped))
        journal = CommandJournal(tmp_path)
        # The COMMIT that calls 4 durable proves damage only while it is whole itself.
        last_commit = [record for record in records if record.kind == COMMIT][-1]
        if hit.offset < last_commit.offset and before < 4:
            with pytest.raises(Damaged) as caught:
                list(journal)
            assert (caught.value.path, caught.value.offset) == (path, hit.offset)
        else:
            list(journal)
            assert journal.torn is not None
            assert journal.torn.offset == hit.offset
        assert journal.sequence == before


def test_a_tail_that_ends_anywhere_is_torn_there(tmp_path: Path) -> None:
    """Cut at every length within the last batch: the commands before it are read, the rest is torn."""
    data = three_batches().data
    store(tmp_path, data)
    records = list(CommandJournal(tmp_path))
    last = records[-1]
    # The record ends in zeros of its own, and what was never written is zero too.
    end = len(data.rstrip(b"\0"))
    for length in range(last.offset + 1, end):
        store(tmp_path, data[:length])
        journal = read(tmp_path)
        assert journal.sequence == 4
        assert journal.torn is not None
        assert journal.torn.offset == last.offset
    store(tmp_path, data[:end])
    assert read(tmp_path).sequence == 5


def order_with(echo: bytes) -> bytes:
    """An order in whose echo a client has had its own bytes journaled."""
    return NewOrder(
        *(1, 1, 1, 1, 1, 0, 100, 1, 11, 1, Side.BUY, OrderType.LIMIT, TimeInForce.DAY, 0, b"A", 0), echo=echo
    ).encode()


def forged_commit(durable: int, nonce: int) -> bytes:
    """A COMMIT that is whole by itself, as anybody can make one who knows the format."""
    writer = Writer(crc=77)
    writer.record(COMMIT, durable, COMMIT_BODY.pack(77, 0, nonce))
    return writer.data


def read_with_forged_commit(directory: Path, shift: int, nonce: int) -> CommandJournal:
    """A journal whose torn last record is an order with a forged COMMIT, `shift` bytes into its echo."""
    writer = three_batches()
    writer.command(order_with(bytes(shift) + forged_commit(10**6, nonce) + b"end"))
    store(directory, writer.data[:-8])
    return read(directory)


@pytest.mark.parametrize("nonce", [0, 1, NONCE ^ 1])
def test_a_commit_in_a_client_s_bytes_proves_nothing(tmp_path: Path, nonce: int) -> None:
    """A torn tail that holds an order with a forged COMMIT is still a torn tail: a client does not know the nonce."""
    for shift in range(8):
        journal = read_with_forged_commit(tmp_path, shift, nonce)
        assert journal.torn is not None
        assert (journal.sequence, journal.torn.offset) == (5, len(three_batches().data))


def test_only_the_nonce_tells_a_forged_commit_from_a_true_one(tmp_path: Path) -> None:
    """The same bytes with the journal's nonce, where a record may begin, are believed."""
    believed = 0
    for shift in range(8):
        try:
            read_with_forged_commit(tmp_path, shift, NONCE)
        except Damaged as error:
            assert "command 1000000 was durable" in str(error)
            believed += 1
    assert believed == 1


def test_with_its_first_record_gone_every_commit_counts(tmp_path: Path) -> None:
    """Where the nonce cannot be read any more, damage is never taken for a torn tail."""
    writer = three_batches()
    data = bytearray(writer.data)
    data[40] ^= 1
    store(tmp_path, bytes(data))
    with pytest.raises(Damaged, match="archive or a backup"):
        read(tmp_path)


def test_a_segment_says_who_wrote_it(tmp_path: Path) -> None:
    """Venue, first sequence and epoch come from the first record; a torn one says nothing."""
    path = store(tmp_path, three_batches().data)
    head = segment_head(path)
    assert head is not None
    assert (head.venue, head.first_sequence, head.epoch, head.nonce) == ("VENUE", 1, 1, NONCE)
    path.write_bytes(b"\1" + path.read_bytes()[1:])
    assert segment_head(path) is None


@pytest.mark.parametrize("version", [1, 3])
def test_a_journal_of_another_format_is_refused_not_cut(tmp_path: Path, version: int) -> None:
    """An older or newer record format is named as such, with what to do; it is no torn tail."""
    writer = Writer()
    writer.record(SEGMENT, 1, pack("<II", version, 0) + bytes(200))
    path = store(tmp_path, writer.data)
    with pytest.raises(OtherFormat, match=f"{path}: record format {version}, .* start with an empty state_dir"):
        read(tmp_path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda w: setattr(w, "sequence", w.sequence + 1),
        lambda w: setattr(w, "sequence", w.sequence - 1),
        lambda w: setattr(w, "crc", w.crc ^ 1),
    ],
    ids=["skipped", "repeated", "other chain"],
)
def test_a_record_that_does_not_follow_is_not_believed(tmp_path: Path, spoil: Callable[[Writer], None]) -> None:
    """A record that is whole in itself but has the wrong sequence or chain ends the reading before it."""
    writer = three_batches()
    end = len(writer.data)
    spoil(writer)
    writer.command()
    store(tmp_path, writer.data)
    journal = read(tmp_path)
    assert journal.sequence == 5
    assert journal.torn is not None
    assert journal.torn.offset == end


def test_a_missing_segment_is_damage(tmp_path: Path) -> None:
    """The second segment is gone: the third does not follow the first, and its COMMIT proves the loss."""
    writer = three_batches()
    store(tmp_path, writer.data)
    for first in (6, 7):
        writer.data = b""
        writer.segment()
        writer.commit(writer.sequence)
        writer.command()
        store(tmp_path, writer.data, first)
    (tmp_path / f"{6:020d}.vj").unlink()
    with pytest.raises(Damaged, match=f"{7:020d}.vj: offset 0: "):
        read(tmp_path)


def test_a_journal_may_begin_with_a_later_segment(tmp_path: Path) -> None:
    """Older segments may have been archived: the first that is there begins the chain by its own word."""
    writer = three_batches()
    writer.data = b""
    writer.segment()
    writer.commit(5)
    writer.command()
    store(tmp_path, writer.data, 6)
    assert read(tmp_path).sequence == 6


def event(sequence: int) -> bytes:
    """A small event."""
    return CheckpointEnded(sequence, sequence, 0, 1, 1, sequence, 0).encode()


def store_events(directory: Path, first: int, last: int) -> None:
    """One segment of the event journal with its index."""
    data, index = b"", b""
    for sequence in range(first, last + 1):
        message = event(sequence)
        index += len(data).to_bytes(8, "little")
        data += ENTRY_HEADER.pack(len(message), crc32c(0, message)) + message
    (directory / f"{first:020d}.ve").write_bytes(data)
    (directory / f"{first:020d}.idx").write_bytes(index)


def messages(entries: bytes) -> list[bytes]:
    """The messages of a run of entries of `event`s."""
    size = ENTRY_HEADER.size + len(event(1))
    return [entries[at + ENTRY_HEADER.size : at + size] for at in range(0, len(entries), size)]


def test_events_are_found_by_sequence(tmp_path: Path) -> None:
    """From any sequence, whole entries up to the asked end, size or segment border; nothing where nothing is."""
    store_events(tmp_path, 1, 10)
    store_events(tmp_path, 11, 20)
    journal = EventJournal(tmp_path)
    size = ENTRY_HEADER.size + len(event(1))
    assert list(journal) == [event(n) for n in range(1, 21)]
    for first in range(1, 21):
        end = 10 if first <= 10 else 20
        entries, count = journal.entries(first, 20, 1 << 18)
        assert messages(entries) == [event(n) for n in range(first, end + 1)]
        assert count == end - first + 1
        assert journal.entries(first, first, 1 << 18)[1] == 1
        assert journal.entries(first, 20, 1)[1] == 1
        assert journal.entries(first, 20, 3 * size + 1)[1] == min(3, end - first + 1)
    assert journal.entries(21, 30, 1 << 18) == (b"", 0)
    assert journal.entries(5, 4, 1 << 18) == (b"", 0)
    store_events(tmp_path, 21, 25)
    assert journal.entries(21, 30, 1 << 18)[1] == 5


def test_a_damaged_event_is_not_served(tmp_path: Path) -> None:
    """A flipped bit in an event is found by its CRC, in a walk and in random access."""
    store_events(tmp_path, 1, 10)
    path = tmp_path / f"{1:020d}.ve"
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with pytest.raises(Damaged):
        list(EventJournal(tmp_path))
    with pytest.raises(Damaged):
        EventJournal(tmp_path).entries(1, 10, 1 << 18)


SECOND_NS = 10**9


@pytest.mark.parametrize(
    ("wall_step_ns", "monotonic_step_ns", "good"),
    [
        (60 * SECOND_NS, 60 * SECOND_NS, True),
        (5 * SECOND_NS, 0, True),
        (5 * SECOND_NS + 1, 0, False),
        (-5 * SECOND_NS, 0, True),
        (-5 * SECOND_NS - 1, 0, False),
        (0, 5 * SECOND_NS + 1, False),
    ],
)
def test_a_clock_step_is_told_from_time_that_passed(wall_step_ns: int, monotonic_step_ns: int, good: bool) -> None:
    """An idle minute is no step; a wall clock that moved more than the limit against the monotonic one is."""
    stamp = ffi.new("struct stamp *")
    start_ns = 1_000 * SECOND_NS
    assert lib.stamp_init(stamp, start_ns, 5 * SECOND_NS, start_ns, 77)
    assert lib.stamp_look(stamp, start_ns + wall_step_ns, 77 + monotonic_step_ns) is good


def test_stamps_never_go_backwards() -> None:
    """A small step back repeats the last stamp; a journal from the future is refused only beyond the limit."""
    stamp = ffi.new("struct stamp *")
    assert lib.stamp_init(stamp, 100 * SECOND_NS, 5 * SECOND_NS, 95 * SECOND_NS, 0)
    assert lib.stamp_next(stamp, 96 * SECOND_NS) == 100 * SECOND_NS
    assert lib.stamp_look(stamp, 99 * SECOND_NS, 4 * SECOND_NS)
    assert lib.stamp_next(stamp, 101 * SECOND_NS) == 101 * SECOND_NS
    assert lib.stamp_next(stamp, 99 * SECOND_NS) == 101 * SECOND_NS
    assert not lib.stamp_init(stamp, 100 * SECOND_NS, 5 * SECOND_NS, 95 * SECOND_NS - 1, 0)


def test_a_clock_step_between_two_looks_stamps_nothing() -> None:
    """The clock jumps in the middle of a turn: its commands repeat the last stamp, and the next look sees the jump."""
    stamp = ffi.new("struct stamp *")
    assert lib.stamp_init(stamp, 0, 5 * SECOND_NS, 100 * SECOND_NS, 0)
    assert lib.stamp_look(stamp, 110 * SECOND_NS, 10 * SECOND_NS)
    assert lib.stamp_next(stamp, 111 * SECOND_NS) == 111 * SECOND_NS
    assert lib.stamp_next(stamp, 3_711 * SECOND_NS) == 111 * SECOND_NS
    assert not lib.stamp_look(stamp, 3_711 * SECOND_NS, 11 * SECOND_NS)
