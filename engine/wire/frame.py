"""Frames: what one ZeroMQ message between daemons holds, and what the event journal holds.

A frame is a 32-byte header and `count` entries; an entry is (size u32, crc32c u32) and one SBE message, padded with
zeros to a multiple of 8.
The header repeats the frame's whole length, so a truncated frame is always seen. Event entries are byte-identical in
the engine's ring,
in the event journal, in live frames and in replay frames. crc32c is 0 where nobody computed it (frames between
processes of one host).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

MAGIC = 0x314E4556  # "VEN1"
FRAME_HEADER = Struct("<IBBHIIQQ")  # magic, kind, flags, count, length, epoch, first_sequence, sent_ns
ENTRY_HEADER = Struct("<II")  # size of the SBE message, crc32c of it or 0
FRAME_MAX = 1 << 20  # bytes; a longer frame is malformed
COUNT_MAX = 1024  # entries in one command frame


class FrameKind(IntEnum):
    """What the entries of a frame are."""

    COMMANDS = 1  # gateway, settlement or admin to engine; first_sequence is unused
    EVENTS = 2  # engine to consumers, live; first_sequence is that of the first event
    REPLAY = 3  # answer to a ReplayRequest
    CONTROL = 4  # Hello, HelloAck, Heartbeat, Gap, Refused, CutOff, ReplayRequest


class FrameError(ValueError):
    """The bytes are not a whole frame; nothing of them may be used."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A checked frame: `messages` are views of the SBE messages, without entry headers or padding."""

    kind: FrameKind
    epoch: int
    first_sequence: int
    sent_ns: int
    messages: list[memoryview]


def encode_frame(
    kind: FrameKind, messages: Iterable[bytes], *, epoch: int = 0, first_sequence: int = 0, sent_ns: int = 0
) -> bytes:
    """Builds one frame from encoded SBE messages; ValueError when it would exceed FRAME_MAX or COUNT_MAX."""
    parts = []
    count = 0
    for message in messages:
        parts += [ENTRY_HEADER.pack(len(message), 0), message, bytes(-len(message) % 8)]
        count += 1
    body = b"".join(parts)
    length = FRAME_HEADER.size + len(body)
    if length > FRAME_MAX or count > COUNT_MAX:
        raise ValueError(f"frame of {count} entries and {length} bytes is over the limit")
    return FRAME_HEADER.pack(MAGIC, kind, 0, count, length, epoch, first_sequence, sent_ns) + body


def decode_frame(buffer: bytes | memoryview) -> Frame:
    """Checks magic, kind, length, count and every entry's bounds; FrameError says which failed."""
    view = memoryview(buffer)
    if len(view) < FRAME_HEADER.size:
        raise FrameError(f"frame of {len(view)} bytes is shorter than its header")
    magic, kind, _flags, count, length, epoch, first_sequence, sent_ns = FRAME_HEADER.unpack_from(view)
    if magic != MAGIC or kind not in FrameKind._value2member_map_:
        raise FrameError(f"not a frame of ours: magic {magic:#x}, kind {kind}")
    if length != len(view):
        raise FrameError(f"frame says {length} bytes, {len(view)} arrived")
    messages = list(entries(view[FRAME_HEADER.size :]))
    if len(messages) != count:
        raise FrameError(f"frame says {count} entries, {len(messages)} found")
    return Frame(FrameKind(kind), epoch, first_sequence, sent_ns, messages)


def entries(body: memoryview) -> Iterator[memoryview]:
    """The SBE messages of a run of entries; FrameError at the first entry that does not fit."""
    offset = 0
    while offset < len(body):
        if len(body) - offset < ENTRY_HEADER.size:
            raise FrameError("entry header cut short")
        size, _checksum = ENTRY_HEADER.unpack_from(body, offset)
        start = offset + ENTRY_HEADER.size
        offset = start + size + -size % 8
        if size < 8 or offset > len(body):
            raise FrameError(f"entry of {size} bytes does not fit its frame")
        yield body[start : start + size]
