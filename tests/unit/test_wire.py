"""The wire: derived files fresh, messages round-trip, an independent SBE decoder agrees, garbage is told apart."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from io import StringIO
from random import Random
from struct import error as StructError
from typing import Any

import pytest
import sbe

from engine.wire import generate, messages
from engine.wire.frame import FRAME_HEADER, FRAME_MAX, MAGIC, FrameError, FrameKind, decode_frame, encode_frame
from engine.wire.messages import BY_TEMPLATE, DATA_MAX, HEADER, AnyMessage, NewOrder, decode

PATH = generate.ROOT / "engine/wire/core.xml"
SCHEMA = generate.read_schema(PATH)
TEMPLATES = sorted(BY_TEMPLATE)
FIELDS = {message.template_id: message for message in SCHEMA.messages}
ENUMS = {enum.name: {value: name for name, value, _ in enum.values} for enum in SCHEMA.enums}


def filled(template_id: int, random: Random) -> AnyMessage:
    """A message whose every field holds its own, unlikely value."""
    layout = FIELDS[template_id]
    values: dict[str, Any] = {}
    for field in layout.fields:
        if field.primitive == "char":
            values[field.name] = bytes(
                random.randrange(0x21, 0x7F) for _ in range(random.randrange(1, field.length + 1))
            )
        elif field.length:
            values[field.name] = random.randbytes(field.length)
        elif field.type_name in ENUMS:
            values[field.name] = random.choice(list(ENUMS[field.type_name]))
        else:
            values[field.name] = number(field.primitive, random)
    if layout.data:
        values[layout.data] = random.randbytes(random.choice((0, 1, 37, DATA_MAX)))
    return BY_TEMPLATE[template_id](**values)


def number(primitive: str, random: Random) -> int:
    bits = int(primitive.lstrip("uint"))
    return (
        random.getrandbits(bits) if primitive.startswith("u") else random.randrange(-(2 ** (bits - 1)), 2 ** (bits - 1))
    )


def test_derived_files_are_fresh() -> None:
    """What generate would write now is what is committed, for every schema there is."""
    stale = [path for path, text in generate.outputs().items() if not path.exists() or path.read_text() != text]
    assert stale == []
    assert generate.ROOT / "engine/native/wire.h" in generate.outputs()


@pytest.mark.parametrize("template_id", TEMPLATES)
def test_every_message_round_trips(template_id: int) -> None:
    """decode gives back what encode was given, with the size the schema says."""
    random = Random(template_id)
    for _ in range(20):
        message = filled(template_id, random)
        encoded = message.encode()
        assert decode(encoded) == message
        data = FIELDS[template_id].data
        tail = 2 + len(getattr(message, data)) if data else 0
        assert len(encoded) == HEADER.size + FIELDS[template_id].block_length + tail


@pytest.mark.parametrize("template_id", TEMPLATES)
def test_every_truncated_message_is_refused(template_id: int) -> None:
    """No prefix of a message decodes."""
    encoded = filled(template_id, Random(template_id)).encode()
    for size in range(len(encoded)):
        with pytest.raises((ValueError, StructError)):
            decode(encoded[:size])


def test_longer_block_of_newer_writer_still_reads() -> None:
    """Fields appended by a newer version are skipped; data after the block is found."""
    message = filled(NewOrder.TEMPLATE_ID, Random(1))
    encoded = message.encode()
    block = NewOrder.BLOCK_LENGTH
    newer = HEADER.pack(block + 16, NewOrder.TEMPLATE_ID, messages.SCHEMA_ID, 2)
    newer += encoded[8 : 8 + block] + b"\xaa" * 16 + encoded[8 + block :]
    assert decode(newer) == message


def test_unknown_schema_and_template_are_refused() -> None:
    """Bytes of another schema or an unknown template are named in the error."""
    encoded = NewOrder.TEMPLATE_ID.to_bytes(2, "little")
    with pytest.raises(ValueError, match="schema 72"):
        decode(b"\x70\0" + encoded + b"\x48\0\1\0" + bytes(200))
    with pytest.raises(ValueError, match="template 9999"):
        decode(HEADER.pack(8, 9999, messages.SCHEMA_ID, 1) + bytes(8))


def test_data_over_the_limit_is_not_encoded() -> None:
    """An echo over DATA_MAX is the caller's mistake and never reaches a wire."""
    message = NewOrder.decode(filled(NewOrder.TEMPLATE_ID, Random(2)).encode())._replace(echo=bytes(DATA_MAX + 1))
    with pytest.raises(ValueError, match="longer than DATA_MAX"):
        message.encode()


def test_template_and_field_ids_are_unique() -> None:
    """No id is used twice, in the schema or within a message."""
    root = ElementTree.parse(PATH).getroot()
    templates = list(root.iterfind(f"{generate.NAMESPACE}message"))
    ids = [int(message.attrib["id"]) for message in templates]
    assert len(ids) == len(set(ids)) == len(BY_TEMPLATE)
    for message in templates:
        fields = [child.attrib["id"] for child in message]
        assert len(fields) == len(set(fields)), message.attrib["name"]


# The independent decoder: PyPI's sbe, which reads the same XML and shares no code with ours. Version 0.4.3 knows no
# field offsets, no arrays of numbers and no data, so it is given our XML with gaps as named fields and a hash as four
# numbers; sizes and places still come from the XML alone.


def plain_schema() -> str:
    """core.xml in the part of SBE that the sbe package reads, with the same bytes."""
    root = ElementTree.parse(PATH).getroot()
    types = root.find("types")
    assert types is not None
    sizes = {"uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8, "int32": 4, "int64": 8, "char": 1}
    size_of: dict[str, int] = {}
    for node in types:
        primitive = node.get("primitiveType") or node.get("encodingType")
        if primitive:
            size_of[node.attrib["name"]] = sizes[primitive] * int(node.get("length", "1"))
    for size in range(1, 9):
        ElementTree.SubElement(types, "type", name=f"gap{size}", primitiveType="char", length=str(size))
    for message in root.iterfind(f"{generate.NAMESPACE}message"):
        fields: list[ElementTree.Element] = []
        end = 0
        for field in message.findall("field"):
            fields += gap(int(field.attrib["offset"]) - end)
            fields += quarters(field) if field.attrib["type"] == "Hash32" else [field]
            end = int(field.attrib["offset"]) + size_of[field.attrib["type"]]
        fields += gap(int(message.attrib["blockLength"]) - end)
        message[:] = fields
    return ElementTree.tostring(root, encoding="unicode")


def gap(size: int) -> list[ElementTree.Element]:
    return [ElementTree.Element("field", name="gap", id="0", type=f"gap{size}")] if size else []


def quarters(field: ElementTree.Element) -> list[ElementTree.Element]:
    name = field.attrib["name"]
    return [ElementTree.Element("field", name=f"{name}{index}", id="0", type="u64") for index in range(4)]


@pytest.fixture(scope="module")
def independent() -> Any:
    """The independent decoder of our schema."""
    return sbe.Schema.parse(StringIO(plain_schema()))


@pytest.mark.parametrize("template_id", TEMPLATES)
def test_independent_decoder_reads_every_field(independent: Any, template_id: int) -> None:
    """Every field of every template has the value the independent decoder finds in our bytes."""
    layout, random = FIELDS[template_id], Random(1_000 + template_id)
    for _ in range(5):
        message = filled(template_id, random)
        encoded = message.encode()
        theirs = independent.decode(encoded)
        assert theirs.message_name == type(message).__name__
        assert theirs.header == {
            "blockLength": layout.block_length,
            "templateId": template_id,
            "schemaId": messages.SCHEMA_ID,
            "version": messages.SCHEMA_VERSION,
        }
        theirs.value.pop("gap", None)
        assert theirs.value == as_independent(message, layout)
        if layout.data:
            data = getattr(message, layout.data)
            assert encoded[HEADER.size + layout.block_length :] == len(data).to_bytes(2, "little") + data


def as_independent(message: AnyMessage, layout: generate.Message) -> dict[str, Any]:
    """Our values in the terms of the sbe package: enums by name, text as str, a hash in quarters."""
    expected: dict[str, Any] = {}
    for field in layout.fields:
        value = getattr(message, field.name)
        if field.type_name in ENUMS:
            expected[field.name] = ENUMS[field.type_name][value]
        elif field.primitive == "char":
            expected[field.name] = value.decode("ascii")
        elif field.length:
            for index in range(4):
                expected[f"{field.name}{index}"] = int.from_bytes(value[8 * index : 8 * index + 8], "little")
        else:
            expected[field.name] = value
    return expected


# Frames.


def three_messages() -> list[bytes]:
    random = Random(5)
    return [filled(template_id, random).encode() for template_id in (NewOrder.TEMPLATE_ID, 19, 115)]


def test_frame_round_trips() -> None:
    """A frame gives back its kind, numbers and messages, without padding."""
    frame = decode_frame(encode_frame(FrameKind.EVENTS, three_messages(), epoch=3, first_sequence=2**40, sent_ns=9))
    assert (frame.kind, frame.epoch, frame.first_sequence, frame.sent_ns) == (FrameKind.EVENTS, 3, 2**40, 9)
    assert [bytes(message) for message in frame.messages] == three_messages()


def test_every_truncated_or_extended_frame_is_refused() -> None:
    """No prefix of a frame is a frame, and neither is a frame with bytes after it."""
    encoded = encode_frame(FrameKind.COMMANDS, three_messages())
    for size in range(len(encoded)):
        with pytest.raises(FrameError):
            decode_frame(encoded[:size])
    with pytest.raises(FrameError, match="arrived"):
        decode_frame(encoded + b"\0")


def header_damages() -> Iterator[tuple[int, int, str]]:
    """Every bit of the header fields that say how to read the frame, and what the error must speak of."""
    for bit in range(32):
        yield bit // 8, bit % 8, "not a frame of ours"
    for bit in range(8):
        yield 4, bit, "not a frame of ours"
    for bit in range(16):
        yield 6 + bit // 8, bit % 8, "entries"
    for bit in range(32):
        yield 8 + bit // 8, bit % 8, "frame says"


@pytest.mark.parametrize(("byte", "bit", "says"), list(header_damages()))
def test_flipped_header_bit_is_refused_or_another_valid_kind(byte: int, bit: int, says: str) -> None:
    """A flipped bit of magic, count or length is always refused; of kind, unless it names another kind."""
    encoded = bytearray(encode_frame(FrameKind.COMMANDS, three_messages()))
    encoded[byte] ^= 1 << bit
    if byte == 4 and encoded[4] in list(FrameKind):
        assert decode_frame(bytes(encoded)).kind == encoded[4]
        return
    with pytest.raises(FrameError, match=says):
        decode_frame(bytes(encoded))


def test_garbage_raises_only_frame_errors() -> None:
    """Random bytes, and random bytes behind a right header, never raise anything else and never loop."""
    random = Random(20260101)
    for _ in range(3_000):
        body = random.randbytes(random.randrange(200))
        with pytest.raises(FrameError):
            decode_frame(body)
        header = FRAME_HEADER.pack(MAGIC, 1, 0, 1, FRAME_HEADER.size + len(body), 1, 1, 1)
        try:
            decode_frame(header + body)
        except FrameError:
            continue


def test_entry_longer_than_its_frame_is_refused() -> None:
    """An entry size that points beyond the frame, or below a message header, is an error."""
    encoded = bytearray(encode_frame(FrameKind.EVENTS, three_messages()))
    for size in (0, 7, len(encoded), 2**32 - 1):
        encoded[32:36] = size.to_bytes(4, "little")
        with pytest.raises(FrameError, match="does not fit"):
            decode_frame(bytes(encoded))


def test_oversized_frame_is_not_built() -> None:
    """More bytes than FRAME_MAX or more entries than COUNT_MAX are refused when the frame is built."""
    with pytest.raises(ValueError, match="over the limit"):
        encode_frame(FrameKind.EVENTS, [bytes(FRAME_MAX)])
    with pytest.raises(ValueError, match="over the limit"):
        encode_frame(FrameKind.EVENTS, [bytes(8)] * 1025)


@pytest.mark.parametrize("template_id", sorted(BY_TEMPLATE))
def test_a_message_of_every_length_too_short_is_a_value_error(template_id: int) -> None:
    """Whoever decodes what a peer sent relies on it: a replay thread died of a NewOrder without its varData."""
    message = BY_TEMPLATE[template_id]
    block = message.BLOCK_LENGTH
    whole = HEADER.pack(block, template_id, messages.SCHEMA_ID, 2) + bytes(block)
    for size in range(len(whole)):
        with pytest.raises(ValueError, match="cut short"):
            decode(whole[:size])
    if hasattr(message, "echo"):
        with pytest.raises(ValueError, match="cut short"):
            decode(whole)
