"""The mix behind the state hash (docs/ENGINE.md section 8): 128 bits of a record's 64-bit words.

The sum of all records' mixes does not depend on their order, so equal states hash equally whatever built them.
"""

from __future__ import annotations

from functools import lru_cache
from struct import unpack

MASK_64 = 2**64 - 1
MASK_128 = 2**128 - 1
WORDS_MAX = 128  # the longest record is a protection with 64 fill times
CACHED = 4_096


def finish(x: int) -> int:
    """The end of splitmix64: every bit of the input reaches every bit of the result."""
    x ^= x >> 30
    x = x * 0xBF58476D1CE4E5B9 & MASK_64
    x ^= x >> 27
    x = x * 0x94D049BB133111EB & MASK_64
    return x ^ x >> 31


KEYS = tuple(finish((i + 1) * 0x9E3779B97F4A7C15 & MASK_64) for i in range(WORDS_MAX))


def mix_sum(words: tuple[int, ...]) -> int:
    """Pairs of keyed words multiplied and summed mod 2^128; negative words as two's complement."""
    total = 0
    for j in range(0, len(words) - 1, 2):
        total += (words[j] + KEYS[j] & MASK_64) * (words[j + 1] + KEYS[j + 1] & MASK_64)
    if len(words) % 2:
        total += (words[-1] + KEYS[len(words) - 1] & MASK_64) * KEYS[len(words)]
    return total & MASK_128


def mix128(words: tuple[int, ...]) -> int:
    """The sum of the words, both halves finished."""
    total = mix_sum(words)
    low, high = total & MASK_64, total >> 64
    a = finish(low ^ len(words))
    return a | finish(high ^ a) << 64


def used_clordid_mix(session: int, key: int) -> int:
    """The part of a used ClOrdID, of which only the key is kept."""
    return key | finish(key + session & MASK_64) << 64


@lru_cache(maxsize=CACHED)
def text_words(text: bytes, size: int) -> tuple[int, ...]:
    """Text as little-endian 64-bit words, NUL-padded to `size` bytes."""
    return unpack(f"<{size // 8}Q", text.ljust(size, b"\0"))


def pair(a: int, b: int) -> int:
    """Two 32-bit values in one word, negative ones as two's complement."""
    return a & 0xFFFF_FFFF | (b & 0xFFFF_FFFF) << 32
