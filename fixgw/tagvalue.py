"""FIX tag=value text taken apart and put together; pure functions on str.

Text is what the session engine hands over: UTF-8 with surrogateescape, fields ended by SOH.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

SOH = "\x01"
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
