"""Derives the C header and the Python codecs from an SBE 1.0 schema, so that the XML alone says what a layout is.

Usage: python -m engine.wire.generate [--check]. Both schemas of the venue pass through here: internal
(engine/wire/core.xml) and public (mdfeed/schema/feed.xml). The subset is small on purpose: fixed blocks, enums, char
and byte arrays, at most one trailing varData. Offsets must be natural and blocks a multiple of 8, so that the C struct
is the message (SBE 1.0 sections 2.3 and 3.3).
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "{http://fixprotocol.io/2016/sbe}"
C_TYPES = {
    "uint8": ("uint8_t", "B", 1),
    "uint16": ("uint16_t", "H", 2),
    "uint32": ("uint32_t", "I", 4),
    "uint64": ("uint64_t", "Q", 8),
    "int32": ("int32_t", "i", 4),
    "int64": ("int64_t", "q", 8),
    "char": ("char", "s", 1),
}


class SchemaError(Exception):
    """The schema uses something outside the subset, or a layout that a C struct can't mirror."""


@dataclass(frozen=True)
class Field:
    """One field of a block: `length` is 0 for a number, the array length for text and bytes."""

    name: str
    primitive: str
    length: int
    offset: int
    type_name: str
    since_version: int  # a field that came later has a default in Python: 0 is "not given"

    @property
    def size(self) -> int:
        return C_TYPES[self.primitive][2] * max(self.length, 1)


@dataclass(frozen=True)
class Message:
    name: str
    template_id: int
    block_length: int
    description: str
    fields: tuple[Field, ...]
    data: str | None


@dataclass(frozen=True)
class Enumeration:
    name: str
    primitive: str
    description: str
    values: tuple[tuple[str, int, str], ...]


@dataclass(frozen=True)
class Schema:
    schema_id: int
    version: int
    path: str
    enums: tuple[Enumeration, ...]
    messages: tuple[Message, ...]
    max_data: int


@dataclass(frozen=True)
class Target:
    """One schema and the files derived from it."""

    xml: Path
    header: Path | None
    python: Path
    c_prefix: str


TARGETS = (
    Target(ROOT / "engine/wire/core.xml", ROOT / "engine/native/wire.h", ROOT / "engine/wire/messages.py", "wire"),
    Target(ROOT / "mdfeed/schema/feed.xml", None, ROOT / "mdfeed/schema/messages.py", "feed"),
)


def snake(name: str) -> str:
    """NewOrder -> new_order, ClOrdID -> cl_ord_id."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def read_schema(path: Path) -> Schema:
    """Parses and checks one schema; SchemaError names the message whose layout a C struct can't mirror."""
    root = ElementTree.parse(path).getroot()
    types: dict[str, tuple[str, int]] = {}
    enums: list[Enumeration] = []
    max_data = 0
    for node in root.iterfind("types/*"):
        name = node.attrib["name"]
        if node.tag == "type":
            types[name] = (node.attrib["primitiveType"], int(node.get("length", "0")))
        elif node.tag == "enum":
            values = tuple(
                (v.attrib["name"], int(v.text or ""), v.get("description", "")) for v in node.iterfind("validValue")
            )
            enums.append(Enumeration(name, node.attrib["encodingType"], node.get("description", ""), values))
            types[name] = (node.attrib["encodingType"], 0)
        elif name == "varData":
            length = node.find("type[@name='length']")
            assert length is not None
            max_data = int(length.get("maxValue", "65535"))
    messages = tuple(_read_message(node, types) for node in root.iterfind(f"{NAMESPACE}message"))
    return Schema(
        int(root.attrib["id"]),
        int(root.attrib["version"]),
        path.relative_to(ROOT).as_posix(),
        tuple(enums),
        messages,
        max_data,
    )


def _read_message(node: ElementTree.Element, types: dict[str, tuple[str, int]]) -> Message:
    name = node.attrib["name"]
    fields = []
    end = 0
    for child in node.iterfind("field"):
        primitive, length = types[child.attrib["type"]]
        since_version = int(child.get("sinceVersion", "1"))
        field = Field(
            child.attrib["name"], primitive, length, int(child.attrib["offset"]), child.attrib["type"], since_version
        )
        if field.offset < end or field.offset % C_TYPES[primitive][2]:
            raise SchemaError(f"{name}.{field.name}: offset {field.offset} overlaps or is not aligned")
        end = field.offset + field.size
        fields.append(field)
    block_length = int(node.attrib["blockLength"])
    if block_length % 8 or block_length < end or block_length - end >= 8:
        raise SchemaError(f"{name}: blockLength {block_length} is not {end} rounded up to 8")
    data = node.find("data")
    return Message(
        name,
        int(node.attrib["id"]),
        block_length,
        node.get("description", ""),
        tuple(fields),
        None if data is None else data.attrib["name"],
    )


def render_header(schema: Schema, prefix: str) -> str:
    """C11 header: one enum per SBE enum, one struct per non-empty block, size and offset of every field asserted."""
    upper = prefix.upper()
    lines = [
        f"/* Generated from {schema.path} by engine/wire/generate.py: the wire's blocks as C structs, layout asserted.",
        "   Do not edit. */",
        "/* clang-format off */",
        f"#ifndef VENUE_{upper}_H",
        f"#define VENUE_{upper}_H",
        "",
        "#include <stddef.h>",
        "#include <stdint.h>",
        "",
        "enum {",
        f"  {upper}_SCHEMA_ID = {schema.schema_id},",
        f"  {upper}_SCHEMA_VERSION = {schema.version},",
        f"  {upper}_DATA_MAX = {schema.max_data},",
        "};",
        "",
        "/* SBE 1.0 section 3.1: precedes every block. */",
        f"struct {prefix}_header {{",
        "  uint16_t block_length;",
        "  uint16_t template_id;",
        "  uint16_t schema_id;",
        "  uint16_t version;",
        "};",
        f'_Static_assert(sizeof(struct {prefix}_header) == 8, "SBE message header is 8 bytes");',
        "",
    ]
    for enum in schema.enums:
        lines += [f"/* {enum.description}. */", f"enum {prefix}_{snake(enum.name)} {{"]
        lines += [f"  {upper}_{snake(enum.name).upper()}_{snake(n).upper()} = {value}," for n, value, _ in enum.values]
        lines += ["};", ""]
    lines.append(f"enum {prefix}_template {{")
    lines += [f"  {upper}_{snake(m.name).upper()} = {m.template_id}," for m in schema.messages]
    lines += ["};", ""]
    for message in schema.messages:
        lines += _render_struct(message, prefix)
    lines += ["#endif", ""]
    return "\n".join(lines)


def _render_struct(message: Message, prefix: str) -> list[str]:
    struct = f"struct {prefix}_{snake(message.name)}"
    if not message.fields:
        return []
    note = f"{message.description}." if message.description else f"{message.name}."
    lines = [f"/* {note} */", f"{struct} {{"]
    checks = []
    end = 0
    for index, field in enumerate(message.fields):
        if field.offset > end:
            lines.append(f"  uint8_t reserved{index}[{field.offset - end}];")
        array = f"[{field.length}]" if field.length else ""
        lines.append(f"  {C_TYPES[field.primitive][0]} {field.name}{array};")
        checks.append(f'_Static_assert(offsetof({struct}, {field.name}) == {field.offset}, "SBE offset");')
        end = field.offset + field.size
    if message.block_length > end:
        lines.append(f"  uint8_t reserved_end[{message.block_length - end}];")
    size = f'_Static_assert(sizeof({struct}) == {message.block_length}, "SBE blockLength");'
    return [*lines, "};", size, *checks, ""]


def _format(message: Message) -> str:
    """struct format of the block, gaps as pad bytes."""
    out = "<"
    end = 0
    for field in message.fields:
        out += f"{field.offset - end}x" if field.offset > end else ""
        out += f"{field.length}s" if field.length else C_TYPES[field.primitive][1]
        end = field.offset + field.size
    return out + (f"{message.block_length - end}x" if message.block_length > end else "")


def render_python(schema: Schema) -> str:
    """Python codecs: an IntEnum per enum, a NamedTuple per message with encode and decode."""
    lines = [
        f'"""Generated from {schema.path} by engine/wire/generate.py: one NamedTuple per SBE message. Do not edit.',
        "",
        "encode() gives the SBE header, the block and the varData, unpadded; decode() skips by blockLength, so a newer",
        "writer's longer block still reads.",
        'Text fields are bytes without their NUL padding; enums arrive as plain ints."""',
        "",
        "# ruff: noqa: E501",
        "# fmt: off",
        "",
        "from __future__ import annotations",
        "",
        "from enum import IntEnum",
        "from struct import Struct\nfrom struct import error as StructError",
        "from typing import ClassVar, NamedTuple",
        "",
        f"SCHEMA_ID = {schema.schema_id}",
        f"SCHEMA_VERSION = {schema.version}",
        f"DATA_MAX = {schema.max_data}",
        'HEADER = Struct("<HHHH")',
        'DATA_LENGTH = Struct("<H")',
        "",
        "",
    ]
    for enum in schema.enums:
        lines += [f"class {enum.name}(IntEnum):", f'    """{enum.description}."""', ""]
        for name, value, description in enum.values:
            lines.append(f"    {snake(name).upper()} = {value}" + (f"  # {description}" if description else ""))
        lines += ["", ""]
    for message in schema.messages:
        lines += _render_class(message, schema)
    names = ", ".join(f"{m.template_id}: {m.name}" for m in schema.messages)
    union = " | ".join(m.name for m in schema.messages)
    lines += [
        f"AnyMessage = {union}",
        f"BY_TEMPLATE: dict[int, type[AnyMessage]] = {{{names}}}",
        "",
        "",
        "def decode(buffer: bytes | memoryview, offset: int = 0) -> AnyMessage:",
        '    """Decodes the message at `offset` by its templateId; ValueError if unknown or bytes are missing."""',
        "    if len(buffer) - offset < HEADER.size:",
        '        raise ValueError("message cut short")',
        "    block_length, template_id, schema_id, _ = HEADER.unpack_from(buffer, offset)",
        "    if schema_id != SCHEMA_ID or template_id not in BY_TEMPLATE:",
        '        raise ValueError(f"unknown schema {schema_id} or template {template_id}")',
        "    message = BY_TEMPLATE[template_id]",
        "    if block_length < message.BLOCK_LENGTH or len(buffer) - offset < HEADER.size + block_length:",
        '        raise ValueError(f"{message.__name__} cut short")',
        "    try:",
        "        return message.decode(buffer, offset)",
        "    except StructError as error:  # a length of varData without its bytes, or none",
        '        raise ValueError(f"{message.__name__} cut short") from error',
        "",
    ]
    return "\n".join(lines)


def _render_class(message: Message, schema: Schema) -> list[str]:
    header = f"{message.block_length}, {message.template_id}, {schema.schema_id}, {schema.version}"
    description = f": {message.description}" if message.description else ""
    lines = [f"class _{message.name}Fields(NamedTuple):"]
    for field in message.fields:
        default = "" if field.since_version <= 1 else ' = b""' if field.length else " = 0"
        lines.append(f"    {field.name}: {'bytes' if field.length else 'int'}{default}")
    if message.data:
        later = any(field.since_version > 1 for field in message.fields)
        lines.append(f"    {message.data}: bytes" + (' = b""' if later else ""))
    struct = f"_{snake(message.name).upper()}"
    values = "".join(f"self.{f.name}, " for f in message.fields).rstrip(", ")
    targets = ", ".join(f.name for f in message.fields)
    results = [f"{f.name}{_STRIP.get(f.primitive, '') if f.length else ''}" for f in message.fields]
    if not message.fields:
        lines.append("    pass")
    lines += [
        "",
        "",
        f"class {message.name}(_{message.name}Fields):",
        f'    """Template {message.template_id}, block of {message.block_length} bytes{description}."""',
        "",
        "    __slots__ = ()",
        f"    TEMPLATE_ID: ClassVar[int] = {message.template_id}",
        f"    BLOCK_LENGTH: ClassVar[int] = {message.block_length}",
        "",
        "    def encode(self) -> bytes:",
        f'        """The SBE message{"; ValueError if the data is too long" if message.data else ""}."""',
    ]
    packed = f"{struct}.pack({header}{', ' + values if values else ''})"
    if message.data:
        lines += [
            f"        if len(self.{message.data}) > DATA_MAX:",
            f'            raise ValueError("{message.name}.{message.data} longer than DATA_MAX")',
            f"        return {packed} + DATA_LENGTH.pack(len(self.{message.data})) + self.{message.data}",
        ]
    else:
        lines.append(f"        return {packed}")
    lines += [
        "",
        "    @classmethod",
        f"    def decode(cls, buffer: bytes | memoryview, offset: int = 0) -> {message.name}:",
        '        """Reads the message whose SBE header is at `offset`; struct.error or ValueError if it is cut."""',
    ]
    if message.fields:
        unpack = f"(block_length, _, _, _, {targets}) = {struct}.unpack_from(buffer, offset)"
        lines.append(f"        {unpack if message.data else unpack.replace('(block_length, _, _, _,', '(_, _, _, _,')}")
    if message.data:
        lines += [
            "        start = offset + HEADER.size + block_length",
            "        (length,) = DATA_LENGTH.unpack_from(buffer, start)",
            "        start += DATA_LENGTH.size",
            "        if len(buffer) < start + length:",
            f'            raise ValueError("{message.name}.{message.data} cut short")',
        ]
        results.append("bytes(buffer[start : start + length])")
    lines += [
        f"        return cls({', '.join(results)})",
        "",
        "",
        f'{struct} = Struct("<HHHH{_format(message)[1:]}")',
        "",
        "",
    ]
    return lines


_STRIP = {"char": '.rstrip(b"\\0")'}


def outputs() -> dict[Path, str]:
    """Every derived file and what it should hold."""
    files: dict[Path, str] = {}
    for target in TARGETS:
        if not target.xml.exists():
            continue
        schema = read_schema(target.xml)
        files[target.python] = render_python(schema)
        if target.header:
            files[target.header] = render_header(schema, target.c_prefix)
    return files


def main() -> int:
    stale = [path for path, text in outputs().items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv:
        for path in stale:
            sys.stderr.write(f"{path.relative_to(ROOT)} is stale: run python -m engine.wire.generate\n")
        return 1 if stale else 0
    for path in stale:
        path.write_text(outputs()[path])
        sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
