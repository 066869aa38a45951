/* mix128: the specified hash of one canonical record (docs/ENGINE.md section 7).

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
};

static inline uint64_t mix_finish(uint64_t lane) {
    lane ^= lane >> 30;
    lane *= UINT64_C(0xBF58476D1CE4E5B9);
    lane ^= lane >> 27;
    lane *= UINT64_C(0x94D049BB133111EB);
    return lane ^ (lane >> 31);
}

static inline u128 mix128(const uint64_t *words, size_t count) {
    uint64_t a = UINT64_C(0x9E3779B97F4A7C15) ^ count;
    uint64_t b = UINT64_C(0xC2B2AE3D27D4EB4F) ^ count;
    for (size_t i = 0; i < count; i++) {
        a = (a ^ words[i]) * UINT64_C(0xBF58476D1CE4E5B9);
        a ^= a >> 32;
        b = (b ^ words[i]) * UINT64_C(0x94D049BB133111EB);
        b ^= b >> 29;
    }
    return (u128)mix_finish(b) << 64 | mix_finish(a);
}

/* Text fields enter a record as little-endian words; `text` holds whole words, NUL-padded. */
static inline void mix_text(uint64_t *words, const char *text, size_t count) {
    memcpy(words, text, count * sizeof(uint64_t));
}

#endif
