"""docs/MARKETDATA.md against the code: tables are the schema's, limits the code's, and the example decodes."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from engine.wire import generate
from mdfeed import client, daemon, packets, receiver, server
from mdfeed.book import Market
from mdfeed.packets import Line, pack, read, read_message
from mdfeed.schema.messages import InstrumentDefinition, OrderAdd, OrderExecute, PacketType, Trade


def document(root: Path) -> str:
    """The document's text."""
    return (root / "docs" / "MARKETDATA.md").read_text()


def message_tables(root: Path) -> str:
    """Every message and enum of feed.xml as the document shows them."""
    tree = ElementTree.parse(root / "mdfeed" / "schema" / "feed.xml").getroot()
    types = {node.attrib["name"]: node for node in tree.iterfind("types/*")}
    lines = []
    for message in tree.iterfind(f"{generate.NAMESPACE}message"):
        head = (
            f"### {message.attrib['name']} (template {message.attrib['id']}, block of {message.attrib['blockLength']})"
        )
        lines += [head, "", message.attrib["description"] + ".", "", "| offset | field | type |", "|---:|---|---|"]
        for field in message.iterfind("field"):
            kind = types[field.attrib["type"]]
            primitive = kind.get("primitiveType") or kind.attrib["encodingType"]
            length = f"[{kind.attrib['length']}]" if kind.get("length") else ""
            named = f" {kind.attrib['name']}" if kind.tag == "enum" else ""
            lines.append(f"| {field.attrib['offset']} | {field.attrib['name']} | {primitive}{length}{named} |")
        lines.append("")
    for enum in tree.iterfind("types/enum"):
        lines += [f"### {enum.attrib['name']}", "", enum.attrib["description"] + ".", "", "| value | name | meaning |"]
        lines.append("|---:|---|---|")
        for value in enum.iterfind("validValue"):
            lines.append(f"| {value.text} | {value.attrib['name']} | {value.get('description', '')} |")
        lines.append("")
    return "\n".join(lines)


def example_rows(root: Path) -> list[tuple[int, bytes, str, str]]:
    """Rows of the worked example: offset, bytes, field, value."""
    section = document(root).split("## Worked example")[1]
    rows = re.findall(r"^\| (\d+) \| `([0-9a-f ]+)` \| (\w+) \| ([^|]*?) \|$", section, re.MULTILINE)
    return [(int(offset), bytes.fromhex(data), field, value) for offset, data, field, value in rows]


def test_the_message_tables_are_the_schemas(root: Path) -> None:
    """Every message, field, offset, type and enum value of feed.xml stands in the document, and nothing else."""
    assert document(root).split("## Messages\n\n")[1].split("## Worked example")[0] == message_tables(root) + "\n"


def test_the_worked_example_decodes_byte_by_byte(root: Path) -> None:
    """Each row of the example lies where it says, has the value it says, and together they are a packet that reads."""
    rows = example_rows(root)
    data = b""
    for offset, part, field, value in rows:
        assert offset == len(data), f"{field} is not at {offset}"
        data += part
        if value.isdigit():
            order = "big" if field == "channel_id" else "little"
            assert int.from_bytes(part, order) == int(value), field  # type: ignore[arg-type]
    packet = read(data)
    assert (packet.channel, packet.type, packet.first_sequence) == (1, PacketType.INCREMENTAL, 7)
    execute, trade = (read_message(message) for message in packet.messages)
    assert isinstance(execute, OrderExecute) and isinstance(trade, Trade)
    market = Market()
    market.sequence = 6
    market.define(InstrumentDefinition(1, 0, 1, 2, 4, 1, 0, 1, 1, 1, 10, 9, 0, 0, 0, b"ETH-USD", b"ETH", b"USD", 9))
    market.apply(OrderAdd(1, 1, execute.side, 30, 1, execute.order_id, 12, execute.price_ticks, 5))
    market.sequence = 6
    market.apply_transaction([execute, trade])
    (resting,) = market.books[1].orders()
    assert resting.quantity_lots == execute.leaves_lots == 3
    assert market.sequence == 8
    (body,) = pack(7, [execute.encode(), trade.encode()])
    again = Line(1, packet.session_id).packet(PacketType.INCREMENTAL, body, packet.send_time_ns)
    assert again == data, "the publisher would send these very bytes"


def test_the_limits_are_the_codes(root: Path) -> None:
    """Every limit named in the document has the value that the code has."""
    limits = {
        "packet bytes": packets.PACKET_MAX,
        "request bytes": server.REQUEST_BYTES_MAX,
        "packets per replay answer": server.REPLAY_PACKETS_PER_REQUEST,
        "bytes of all answers under way": server.ANSWER_BYTES_MAX,
        "seconds a client may leave an answer unread": server.UNREAD_NS_MAX // 10**9,
        "packets queued per subscriber": daemon.PUBLISH_HIGH_WATER,
        "packets buffered by the client": receiver.BUFFERED_PACKETS_MAX,
        "packets queued by the client": client.RECEIVE_HIGH_WATER,
        "replays that fail before the client takes a snapshot": receiver.REPLAYS_BEFORE_SNAPSHOT,
        "clients it takes to use up the request rate": server.CLIENT_SHARE,
    }
    rows = re.findall(r"^\| ([\w ]+) \| ([\d,]+)(?: [^|]*)? \|$", document(root).split("## Limits")[1], re.MULTILINE)
    assert {name: int(value.replace(",", "")) for name, value in rows} == limits
