"""Journal records as lines for people: one per record, with names instead of numbers where cfg or schema has one.

A field is written as name=value, so that a line can be searched; an id keeps its number: account=11(ALPHA-1).
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum

from cfg.model import VenueConfig
from engine.journal import Record
from engine.wire import messages
from engine.wire.generate import TARGETS, read_schema
from engine.wire.messages import AnyMessage, Role, decode

#: What every event starts with is written in front of its name.
EVENT_HEAD = frozenset({"sequence", "command_sequence", "time_ns", "epoch", "last_in_command"})


def time_text(time_ns: int) -> str:
    """UTC to the nanosecond."""
    return f"{datetime.fromtimestamp(time_ns // 10**9, UTC):%Y-%m-%dT%H:%M:%S}.{time_ns % 10**9:09d}Z"


class RecordText:
    """Writes the records of one venue."""

    def __init__(self, config: VenueConfig) -> None:
        assets = {asset.id: asset.symbol for asset in config.assets}
        #: By the last word of a field's name.
        self._names: dict[str, dict[int, str]] = {
            "account": {account.id: account.name for account in config.accounts},
            "session": {session.id: session.comp_id for session in config.sessions},
            "instrument": {instrument.id: instrument.symbol for instrument in config.instruments},
            "participant": {participant.id: participant.name for participant in config.participants},
            **dict.fromkeys(("asset", "base", "quote"), assets),
        }
        self._enums: dict[tuple[str, str], type[IntEnum]] = {}
        for message in read_schema(TARGETS[0].xml).messages:
            for field in message.fields:
                kind = getattr(messages, field.type_name, None)
                if isinstance(kind, type) and issubclass(kind, IntEnum):
                    self._enums[message.name, field.name] = kind

    def command(self, record: Record) -> str:
        """Sequence, time, epoch, role, name and fields."""
        message = decode(record.message)
        head = f"command {record.sequence} {time_text(record.time_ns)} epoch {record.epoch} {Role(record.role).name}"
        return f"{head} {self._message(message, frozenset())}"

    def event(self, message: AnyMessage) -> str:
        """Sequence, that of its command, time, epoch, name and fields."""
        head = dict(zip(message._fields[:5], message[:5], strict=True))
        time_ns = head["time_ns"]
        assert isinstance(time_ns, int), "every event has these five fields first"
        said = f"event {head['sequence']!s} of command {head['command_sequence']!s}"
        return f"{said} {time_text(time_ns)} epoch {head['epoch']!s} {self._message(message, EVENT_HEAD)}"

    def _message(self, message: AnyMessage, left_out: frozenset[str]) -> str:
        kind = type(message).__name__
        fields = zip(message._fields, message, strict=True)
        return " ".join([kind, *(f"{k}={self._value(kind, k, v)}" for k, v in fields if k not in left_out)])

    def _value(self, kind: str, field: str, value: object) -> str:
        if isinstance(value, bytes):
            return bytes_text(value)
        assert isinstance(value, int)
        enum = self._enums.get((kind, field))
        if enum is not None:
            return enum(value).name if value in {member.value for member in enum} else str(value)
        name = self._names.get(field.rpartition("_")[2], {}).get(value)
        return str(value) if name is None else f"{value}({name})"


def bytes_text(value: bytes) -> str:
    """Text as it is where it can be read without doubt, else in hexadecimal digits."""
    try:
        text = value.decode("ascii")
    except UnicodeDecodeError:
        return f"0x{value.hex()}"
    if not text:
        return '""'
    if not text.isprintable():
        return f"0x{value.hex()}"
    return f'"{text}"' if " " in text else text
