"""Decimal text of FIX to and from whole ticks, lots and units, in integers only.

The grid of a number is mantissa x 10^-exponent: a price that is not a whole number of ticks has no integer and is
refused, never rounded.
"""

from __future__ import annotations

import re

_DECIMAL = re.compile(r"(-?)0*([0-9]*)(?:\.([0-9]*))?")
DIGITS_MAX = 18  # whole and fractional digits each: what the grid makes of them is checked against int64 again
STEPS_MAX = 2**62


class NotOnGrid(ValueError):
    """The text is no decimal number, not a multiple of the step, or absurdly large; the message says which."""


def to_steps(text: str, mantissa: int, exponent: int, what: str) -> int:
    """How many steps of mantissa x 10^-exponent the decimal `text` is; NotOnGrid when that is not whole."""
    match = _DECIMAL.fullmatch(text)
    if match is None or not re.search(r"[0-9]", text):
        raise NotOnGrid(f"{what} {text!r} is not a decimal number")
    sign, whole, fraction = match[1], match[2], (match[3] or "").rstrip("0")
    if len(whole) > DIGITS_MAX or len(fraction) > DIGITS_MAX:
        raise NotOnGrid(f"{what} {text} has too many digits")
    if len(fraction) > exponent:
        raise NotOnGrid(f"{what} {text} is not a multiple of {to_text(mantissa, exponent)}")
    scaled = int(whole or "0") * 10**exponent + int((fraction or "0").ljust(exponent, "0")[:exponent] or "0")
    steps, rest = divmod(scaled, mantissa)
    if rest:
        raise NotOnGrid(f"{what} {text} is not a multiple of {to_text(mantissa, exponent)}")
    if steps > STEPS_MAX:
        raise NotOnGrid(f"{what} {text} is too large")
    return int(-steps if sign else steps)


def to_text(value: int, exponent: int) -> str:
    """value x 10^-exponent as decimal text with exactly `exponent` decimals."""
    if exponent == 0:
        return str(value)
    sign, magnitude = ("-", -value) if value < 0 else ("", value)
    return f"{sign}{magnitude // 10**exponent}.{magnitude % 10**exponent:0{exponent}d}"


def quotient_text(numerator: int, denominator: int, exponent: int) -> str:
    """numerator / denominator x 10^-exponent, rounded half up to four decimals more than the grid has, trailing
    zeros cut.
    """
    extra = 4
    scaled = (2 * numerator * 10**extra + denominator) // (2 * denominator)
    text = to_text(scaled, exponent + extra)
    return text.rstrip("0").rstrip(".")
