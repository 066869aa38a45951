"""Packets: what one ZeroMQ frame (later a datagram) of the feed holds, at most 1,400 bytes.

A packet is a 32-byte header and `count` entries; an entry is (length u16) and one SBE message. The first two bytes
are the channel, big-endian, so that a subscription prefix selects it; all else is little-endian. Entries fill the
packet exactly, so that a truncated or padded packet is always seen. Message bytes per (session, sequence) never
change; packet cuts and send times may.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from struct import Struct

from mdfeed.schema.messages import BY_TEMPLATE, HEADER, SCHEMA_ID, AnyMessage, PacketType, decode

PACKET_MAX = 1400
VERSION = 1
CHANNEL = Struct(">H")
# After the channel: type u8, version u8, count u16, flags u16, session_id u64, first_sequence u64, send_time_ns u64.
REST = Struct("<BBHHQQQ")
PACKET_HEADER_SIZE = CHANNEL.size + REST.size
LENGTH = Struct("<H")
SEQUENCE_MAX = 2**63 - 1

#: Packet flag bit 0: the publisher has lost the engine, so silence does not mean that nothing happens.
SOURCE_LOST = 1

assert PACKET_HEADER_SIZE == 32, "docs/MARKETDATA.md says 32"


class PacketError(ValueError):
    """The bytes are not a whole packet of this format; nothing of them may be used."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A checked packet; `messages` are its undecoded SBE messages, the first of which has `first_sequence`."""

    channel: int
    type: PacketType
    flags: int
    session_id: int
    first_sequence: int
    send_time_ns: int
    messages: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """What of a packet is the same each time it is sent: its sequence and its entries."""

    first_sequence: int
    count: int
    entries: bytes

    @property
    def next_sequence(self) -> int:
        return self.first_sequence + self.count


def entry(message: bytes) -> bytes:
    """One message with its length before it; the schema's largest message fits a packet many times."""
    assert PACKET_HEADER_SIZE + LENGTH.size + len(message) <= PACKET_MAX
    return LENGTH.pack(len(message)) + message


def pack(first_sequence: int, messages: Iterable[bytes]) -> Iterator[Body]:
    """Cuts consecutive messages into as few packet bodies as they fit."""
    parts: list[bytes] = []
    size = PACKET_HEADER_SIZE
    for message in messages:
        part = entry(message)
        if size + len(part) > PACKET_MAX:
            yield Body(first_sequence, len(parts), b"".join(parts))
            first_sequence += len(parts)
            parts, size = [], PACKET_HEADER_SIZE
        parts.append(part)
        size += len(part)
    if parts:
        yield Body(first_sequence, len(parts), b"".join(parts))


@dataclass(frozen=True, slots=True)
class Line:
    """The channel and session that packets are sent under."""

    channel: int
    session_id: int

    def packet(self, type_: PacketType, body: Body, send_time_ns: int, flags: int = 0) -> bytes:
        """The bytes to send."""
        rest = REST.pack(type_, VERSION, body.count, flags, self.session_id, body.first_sequence, send_time_ns)
        return CHANNEL.pack(self.channel) + rest + body.entries

    def empty(self, type_: PacketType, next_sequence: int, send_time_ns: int, flags: int = 0) -> bytes:
        """A packet without messages: Heartbeat or EndOfSession."""
        return self.packet(type_, Body(next_sequence, 0, b""), send_time_ns, flags)


def read(data: bytes) -> Packet:
    """Checks header, count and every entry's bounds and schema; PacketError says what is wrong."""
    if not PACKET_HEADER_SIZE <= len(data) <= PACKET_MAX:
        raise PacketError(f"packet of {len(data)} bytes")
    type_, version, count, flags, session_id, first_sequence, send_time_ns = REST.unpack_from(data, CHANNEL.size)
    if version != VERSION:
        raise PacketError(f"packet of version {version}, this is a reader of {VERSION}")
    if type_ not in PacketType._value2member_map_:
        raise PacketError(f"packet of unknown type {type_}")
    messages = tuple(_entries(data))
    if len(messages) != count:
        raise PacketError(f"packet says {count} messages, {len(messages)} found")
    if first_sequence + count > SEQUENCE_MAX:
        raise PacketError(f"sequence {first_sequence} is beyond any feed")
    (channel,) = CHANNEL.unpack_from(data)
    return Packet(channel, PacketType(type_), flags, session_id, first_sequence, send_time_ns, messages)


def _entries(data: bytes) -> Iterator[bytes]:
    offset = PACKET_HEADER_SIZE
    while offset < len(data):
        if len(data) - offset < LENGTH.size + HEADER.size:
            raise PacketError("entry cut short")
        (length,) = LENGTH.unpack_from(data, offset)
        start = offset + LENGTH.size
        offset = start + length
        if length < HEADER.size or offset > len(data):
            raise PacketError(f"entry of {length} bytes does not fit its packet")
        (schema_id,) = LENGTH.unpack_from(data, start + 4)
        if schema_id != SCHEMA_ID:
            raise PacketError(f"message of schema {schema_id}")
        yield data[start:offset]


def read_message(message: bytes) -> AnyMessage | None:
    """Decodes one message; None for a template newer than this reader (skip it), PacketError when bytes are missing."""
    (template_id,) = LENGTH.unpack_from(message, 2)
    if template_id not in BY_TEMPLATE:
        return None
    try:
        return decode(message)
    except ValueError as error:
        raise PacketError(str(error)) from None
