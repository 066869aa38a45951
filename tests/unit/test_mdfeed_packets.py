"""Packets and messages as bytes: what is whole is read, anything else refused; an independent decoder agrees."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest
import sbe

from engine.wire import generate
from mdfeed.packets import PACKET_MAX, Line, PacketError, pack, read, read_message
from mdfeed.schema import messages
from mdfeed.schema.messages import BY_TEMPLATE, AnyMessage, OrderDelete, PacketType

LINE = Line(channel=0x0102, session_id=0x1122334455667788)
SEQUENCED = range(1, 40)


def some_message(template_id: int, random: Random) -> AnyMessage:
    """A message of that template with a value of full width in every field."""
    kind = BY_TEMPLATE[template_id]
    schema = generate.read_schema(Path(messages.__file__).with_name("feed.xml"))
    layout = next(m for m in schema.messages if m.template_id == template_id)
    enums = {enum.name: [value for _, value, _ in enum.values] for enum in schema.enums}
    values: list[int | bytes] = []
    for field in layout.fields:
        if field.type_name in enums:
            values.append(random.choice(enums[field.type_name]))
        elif field.length:
            values.append(bytes(random.choices(b"ABCDEFXYZ-/", k=field.length)))
        else:
            values.append(random.getrandbits(8 * field.size - (field.primitive[0] == "i" or field.size == 1)))
    return kind(*values)  # type: ignore[arg-type]


def plain_schema(path: Path) -> str:
    """feed.xml for PyPI's sbe 0.4.3, which ignores the offsets of fields and can't read byte arrays.

    Gaps become fields, byte arrays become ASCII of the same size; where everything lies still comes from the XML alone.
    """
    root = ElementTree.parse(path).getroot()
    types = root.find("types")
    assert types is not None
    widths = {"uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8, "int32": 4, "int64": 8, "char": 1}
    sizes: dict[str, int] = {}
    for node in types:
        primitive = node.get("primitiveType") or node.get("encodingType")
        if primitive:
            sizes[node.attrib["name"]] = widths[primitive] * int(node.get("length", "1"))
        if node.get("length"):
            node.set("primitiveType", "char")
    for size in range(1, 9):
        ElementTree.SubElement(types, "type", name=f"gap{size}", primitiveType="char", length=str(size))
    for message in root.iterfind(f"{generate.NAMESPACE}message"):
        fields: list[ElementTree.Element] = []
        end = 0
        places = [(int(field.attrib["offset"]), field) for field in message.findall("field")]
        for offset, field in [*places, (int(message.attrib["blockLength"]), None)]:
            if offset > end:
                fields.append(ElementTree.Element("field", name="gap", id="0", type=f"gap{offset - end}"))
            if field is not None:
                fields.append(field)
                end = offset + sizes[field.attrib["type"]]
        message[:] = fields
    return ElementTree.tostring(root, encoding="unicode")


@pytest.mark.parametrize("template_id", sorted(BY_TEMPLATE))
def test_an_independent_decoder_reads_every_template(template_id: int, root: Path) -> None:
    """PyPI's sbe, given the public XML, reads our bytes to the values that we wrote, field by field."""
    schema = sbe.Schema.parse(StringIO(plain_schema(root / "mdfeed" / "schema" / "feed.xml")))
    random = Random(template_id)
    for _ in range(20):
        message = some_message(template_id, random)
        decoded = schema.decode(message.encode())
        assert decoded.message_name == type(message).__name__
        assert set(decoded.value) - {"gap"} == set(message._fields)
        enums = enum_fields(root, template_id)
        for name in message._fields:
            value = decoded.value[name]
            if name in enums:
                value = enums[name][value]
            assert comparable(value) == comparable(getattr(message, name)), name


def enum_fields(root: Path, template_id: int) -> dict[str, dict[str, int]]:
    """For each field of the message that is an enum, its names and numbers: sbe gives names."""
    tree = ElementTree.parse(root / "mdfeed" / "schema" / "feed.xml").getroot()
    enums = {
        enum.attrib["name"]: {value.attrib["name"]: int(value.text or "") for value in enum}
        for enum in tree.iterfind("types/enum")
    }
    (message,) = (
        node for node in tree.iterfind(f"{generate.NAMESPACE}message") if node.attrib["id"] == str(template_id)
    )
    fields = {field.attrib["name"]: field.attrib["type"] for field in message.iterfind("field")}
    return {name: enums[kind] for name, kind in fields.items() if kind in enums}


def comparable(value: object) -> object:
    """Text as bytes."""
    return value.encode() if isinstance(value, str) else value


def test_every_message_of_the_sequence_starts_with_the_same_fields(root: Path) -> None:
    """Templates 1..39 begin with instrument and flags and carry event sequence and time at fixed places, for ever."""
    tree = ElementTree.parse(root / "mdfeed" / "schema" / "feed.xml").getroot()
    for node in tree.iterfind("{http://fixprotocol.io/2016/sbe}message"):
        places = {field.attrib["name"]: field.attrib["offset"] for field in node.iterfind("field")}
        if int(node.attrib["id"]) in SEQUENCED:
            assert (places["instrument"], places["flags"]) == ("0", "4"), node.attrib["name"]
            assert (places["event_sequence"], places["time_ns"]) == ("8", "16"), node.attrib["name"]


def test_packets_are_read_back_as_written() -> None:
    """Messages cut into packets come out in order, under contiguous sequences, and none is over 1,400 bytes."""
    random = Random(1)
    raw = [some_message(random.choice(sorted(BY_TEMPLATE)), random).encode() for _ in range(500)]
    packets = [LINE.packet(PacketType.INCREMENTAL, body, 99) for body in pack(41, raw)]
    sequence = 41
    seen: list[bytes] = []
    for data in packets:
        packet = read(data)
        assert packet.first_sequence == sequence
        assert (packet.channel, packet.session_id, packet.send_time_ns) == (0x0102, LINE.session_id, 99)
        assert len(data) <= PACKET_MAX
        sequence += len(packet.messages)
        seen += packet.messages
    assert seen == raw
    assert max(map(len, packets)) > PACKET_MAX - 130, "packets are filled"


def test_the_channel_comes_first_in_network_order() -> None:
    """A subscription to the two bytes of a channel gets that channel's packets."""
    assert LINE.empty(PacketType.HEARTBEAT, 1, 0)[:2] == b"\x01\x02"


def test_nothing_but_a_whole_packet_is_read() -> None:
    """Every prefix of a packet, a longer one, and each wrong structural byte is refused; no other exception escapes."""
    raw = [OrderDelete(1, 1, 1, 5, 6, 7).encode()] * 3
    (body,) = pack(9, raw)
    good = LINE.packet(PacketType.INCREMENTAL, body, 0)
    assert len(read(good).messages) == 3
    for length in range(len(good)):
        with pytest.raises(PacketError):
            read(good[:length])
    for bad in (
        good + b"\0",
        good + good,
        good[:2] + b"\0" + good[3:],  # type
        good[:2] + b"\x63" + good[3:],
        good[:3] + b"\x02" + good[4:],  # version
        good[:4] + b"\x04\x00" + good[6:],  # count
        good[:16] + b"\xff" * 8 + good[24:],  # first_sequence
        good[:32] + b"\x07\x00" + good[34:],  # length of an entry
        good[:38] + b"\x47\x00" + good[40:],  # schema id
        bytes(PACKET_MAX + 1),
    ):
        with pytest.raises(PacketError):
            read(bad)


def test_random_bytes_are_refused_without_surprise() -> None:
    """Noise of any length is a PacketError, and a message of noise is None, a PacketError or a value."""
    random = Random(3)
    for _ in range(3_000):
        with pytest.raises(PacketError):
            read(random.randbytes(random.randrange(200)))
        try:
            read_message(random.randbytes(4) + b"\x48\x00" + random.randbytes(random.randrange(2, 90)))
        except PacketError:
            continue


def test_a_template_of_the_future_is_skipped_and_a_longer_block_is_read() -> None:
    """Schemas only grow: an unknown template reads as None, a block with fields appended as what we know of it."""
    known = OrderDelete(1, 1, 1, 5, 6, 7).encode()
    assert read_message(known[:2] + b"\x27\x00" + known[4:]) is None
    longer = (len(known) - 8 + 8).to_bytes(2, "little") + known[2:6] + b"\x02\x00" + known[8:] + b"\xaa" * 8
    assert read_message(longer) == OrderDelete(1, 1, 1, 5, 6, 7)
    with pytest.raises(PacketError):
        read_message(known[:-1])


def test_the_codecs_are_what_the_schema_generates(root: Path) -> None:
    """mdfeed/schema/messages.py is not edited and not stale."""
    path = root / "mdfeed" / "schema" / "messages.py"
    assert generate.outputs()[path] == path.read_text()
