/* mix128: the specified hash of one canonical record (docs/ENGINE.md section 8).

   State hash = sum of the mixes of all records mod 2^128, so a record is taken out or put in without looking at the
   others. */
#ifndef VENUE_MIX_H
#define VENUE_MIX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "text and wire fields are read as little-endian words");

__extension__ typedef unsigned __int128 u128;

/* First word of a record. */
enum record_type {
    RECORD_ORDER = 1,
    RECORD_BALANCE = 2,
    RECORD_SESSION = 3,
    RECORD_ASSET = 4,
    RECORD_INSTRUMENT = 5,
    RECORD_ACCOUNT = 6,
    RECORD_CLORDID = 7,
    RECORD_LIMITS = 8,
    RECORD_GLOBALS = 9,
    RECORD_GENERATION = 10,
    RECORD_TERMS = 11,
    RECORD_MARKET = 12,
    RECORD_EXPOSURE = 13,
    RECORD_RISK_LIMITS = 14,
    RECORD_PROTECTION = 15,
    RECORD_TICK_BAND = 16,
    RECORD_FEE_TIER = 17,
    RECORD_SCHEDULE = 18,
    RECORD_PARTICIPANT = 19,
    RECORD_TRADE = 20,
    RECORD_TRIPPED = 21,
};

/* Words of the longest record: a protection with 64 times. */
enum { MIX_WORDS_MAX = 68 };

/* K of the specification: splitmix64 from 0. */
extern const uint64_t MIX_KEYS[MIX_WORDS_MAX];

static inline uint64_t mix_finish(uint64_t lane) {
    lane ^= lane >> 30;
    lane *= UINT64_C(0xBF58476D1CE4E5B9);
    lane ^= lane >> 27;
    lane *= UINT64_C(0x94D049BB133111EB);
    return lane ^ (lane >> 31);
}

/* Pairs of keyed words multiplied and summed. */
static inline u128 mix_sum(const uint64_t *words, size_t count) {
    u128 sum = 0;
#pragma GCC unroll 8
    for (size_t i = 0; i + 1 < count; i += 2) {
        sum += (u128)(words[i] + MIX_KEYS[i]) * (words[i + 1] + MIX_KEYS[i + 1]);
    }
    if (count % 2 != 0) {
        sum += (u128)(words[count - 1] + MIX_KEYS[count - 1]) * MIX_KEYS[count];
    }
    return sum;
}

static inline u128 mix128(const uint64_t *words, size_t count) {
    const u128 sum = mix_sum(words, count);
    const uint64_t low = mix_finish((uint64_t)sum ^ count);
    return (u128)mix_finish((uint64_t)(sum >> 64) ^ low) << 64 | low;
}

/* Two u32 as one word of a record. */
static inline uint64_t mix_pair(uint32_t low, uint32_t high) {
    return (uint64_t)high << 32 | low;
}

/* Text fields enter a record as little-endian words; `text` holds whole words, NUL-padded. */
static inline void mix_text(uint64_t *words, const char *text, size_t count) {
    memcpy(words, text, count * sizeof(uint64_t));
}

#endif
