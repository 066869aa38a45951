/* Which records have changed since the last state hash: a bit per record, and a bit per 64 of those, so that the hash
   looks at what has changed and at little else. */
#ifndef VENUE_DIRTY_H
#define VENUE_DIRTY_H

#include <stdbool.h>
#include <stdint.h>

struct arena;

struct dirty {
    uint64_t *bits;
    uint64_t *groups; /* bit i of groups[g]: bits[64 g + i] is not 0 */
    uint64_t group_count;
};

void dirty_lay_out(struct dirty *dirty, struct arena *arena, uint64_t records);

/* The record is hashed again with the next state hash. */
static inline void dirty_mark(const struct dirty *dirty, uint64_t record) {
    const uint64_t word = record / 64;
    const uint64_t bit = UINT64_C(1) << (record % 64);
    if ((dirty->bits[word] & bit) == 0) {
        dirty->bits[word] |= bit;
        dirty->groups[word / 64] |= UINT64_C(1) << (word % 64);
    }
}

static inline bool dirty_marked(const struct dirty *dirty, uint64_t record) {
    return (dirty->bits[record / 64] >> (record % 64) & 1) != 0;
}

/* Takes one marked record out of the set; false when there is none. `group` starts at 0 and belongs to the walk. */
bool dirty_take(const struct dirty *dirty, uint64_t *group, uint64_t *record);

/* Records taken at once, so that the memory of all of them comes before the first is hashed. */
enum { DIRTY_BATCH = 32 };

/* Takes up to DIRTY_BATCH marked records; fewer than that were the last ones. */
uint32_t dirty_take_batch(const struct dirty *dirty, uint64_t *group, uint64_t records[DIRTY_BATCH]);

#endif
