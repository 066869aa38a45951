"""FIX tag=value text taken apart and put together; pure functions on str.

Text is what the session engine hands over: UTF-8 with surrogateescape, fields ended by SOH.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

SOH = "\x01"
SECOND_NS = 1_000_000_000
_TIMESTAMP = re.compile(r"([0-9]{8}-[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{3}|[0-9]{6}))?")
_DATE = re.compile(r"[0-9]{8}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PARTY_TAGS = frozenset(("448", "447", "452"))


def fields_of(text: str) -> dict[str, str]:
    """Every field by tag; of a tag in a repeating group the last entry wins, so read groups by `parties_of`."""
    fields = {}
    for field in text.split(SOH):
        tag, separator, value = field.partition("=")
        if separator:
            fields[tag] = value
    return fields


def parties_of(text: str) -> str:
    """The Parties group as it stands in the message, "453=1<SOH>448=...", or "" when there is none."""
    start = text.find(f"{SOH}453=")
    if start < 0:
        return ""
    parts = text[start + 1 :].split(SOH)
    end = 1
    while end < len(parts) and parts[end].partition("=")[0] in PARTY_TAGS:
        end += 1
    return SOH.join(parts[:end])


def body(message_type: str, fields: Iterable[tuple[int, str]], *, poss_resend: bool = False, group: str = "") -> str:
    """An outbound message from 35= on; fields with an empty value are left out, `group` is appended as it is."""
    parts = [f"35={message_type}"]
    if poss_resend:
        parts.append("97=Y")
    parts += [f"{tag}={value}" for tag, value in fields if value]
    if group:
        parts.append(group)
    return SOH.join(parts) + SOH


def with_poss_resend(text: str) -> str:
    """The same outbound message marked PossResend(97)."""
    message_type, separator, rest = text.partition(SOH)
    return f"{message_type}{separator}97=Y{SOH}{rest}"


def utc_timestamp(time_ns: int) -> str:
    """UTCTimestamp with microseconds, as in 20260102-03:04:05.000006."""
    seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
    return f"{time.strftime('%Y%m%d-%H:%M:%S', time.gmtime(seconds))}.{nanoseconds // 1000:06d}"


def timestamp_ns(text: str) -> int:
    """A UTCTimestamp with seconds, milliseconds or microseconds as ns since the epoch; ValueError if it is none."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError(f"{text} is not YYYYMMDD-HH:MM:SS with at most six decimals")
    moment = datetime.strptime(match[1], "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
    return _seconds(moment) * SECOND_NS + int((match[2] or "0").ljust(9, "0"))


def end_of_date_ns(text: str) -> int:
    """The midnight UTC that ends the day YYYYMMDD, as ns since the epoch; ValueError if there is no such day."""
    if _DATE.fullmatch(text) is None:
        raise ValueError(f"{text} is not YYYYMMDD")
    day = datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)
    return (_seconds(day) + 86_400) * SECOND_NS


def _seconds(moment: datetime) -> int:
    """Whole seconds since the epoch; moments here have no fraction."""
    return (moment - _EPOCH) // timedelta(seconds=1)
