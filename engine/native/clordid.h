/* ClOrdIDs: what makes one sound, and the key that a used one is known by (docs/ENGINE.md section 6). */
#ifndef VENUE_CLORDID_H
#define VENUE_CLORDID_H

#include "book.h"
#include "mix.h"

enum { CLORDID_FIRST = 0x21, CLORDID_LAST = 0x7e };

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* The words of a ClOrdID, NUL-padded. */
struct clordid_words {
    uint64_t words[CLORDID_WORDS];
};

static inline struct clordid_words clordid_words(const char text[CLORDID_SIZE]) {
    struct clordid_words clordid;
    uint32_t last = 0; /* a word of its own: a store of half a word would hold up the load of the whole */
    memcpy(clordid.words, text, CLORDID_SIZE - sizeof last);
    memcpy(&last, text + CLORDID_SIZE - sizeof last, sizeof last);
    clordid.words[CLORDID_WORDS - 1] = last;
    return clordid;
}

/* What is wrong with eight bytes of a ClOrdID that come after those of `before`, 0 when nothing: a byte outside
   CLORDID_FIRST..CLORDID_LAST that is no NUL, or a byte after a NUL. A byte above 0x7f disturbs its neighbours' bits,
   but has then been found wrong itself. */
static inline uint64_t wrong_bytes(uint64_t word, uint64_t before) {
    const uint64_t high = EACH_BYTE(0x80);
    const uint64_t present = (word + EACH_BYTE(0x7f)) & high;
    const uint64_t may_follow = present << 8 | (((before >> 56) + 0x7f) & 0x80);
    const uint64_t below = present & ~(word + EACH_BYTE(0x80 - CLORDID_FIRST));
    const uint64_t beyond = ((word + EACH_BYTE(0x7f - CLORDID_LAST)) | word) & high;
    return below | beyond | (present & ~may_follow);
}

/* At least one good byte, and then only NULs; most are short. */
static inline bool clordid_sound(const struct clordid_words *clordid) {
    const uint64_t *words = clordid->words;
    const uint64_t start = UINT64_C(1) << 56; /* as if a byte stood before the first */
    uint64_t wrong = wrong_bytes(words[0], start) | wrong_bytes(words[1], words[0]);
    if ((words[2] | words[3] | words[4]) != 0) {
        wrong |= wrong_bytes(words[2], words[1]) | wrong_bytes(words[3], words[2]) | wrong_bytes(words[4], words[3]);
    }
    return wrong == 0 && words[0] != 0;
}

/* What a used ClOrdID is known by. Where it stands in the table is drawn from this with a random factor, so it needs no
   finishing. */
static inline uint64_t clordid_words_key(uint32_t session, const struct clordid_words *clordid) {
    const uint64_t words[1 + CLORDID_WORDS] = {session,           clordid->words[0], clordid->words[1],
                                               clordid->words[2], clordid->words[3], clordid->words[4]};
    const u128 sum = mix_sum(words, 1 + CLORDID_WORDS);
    return (uint64_t)sum ^ (uint64_t)(sum >> 64);
}

#endif
