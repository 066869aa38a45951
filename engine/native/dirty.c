/* Walking the bits; a group's bit is cleared with the last bit of its word. */
#include "dirty.h"

#include "arena.h"

void dirty_lay_out(struct dirty *dirty, struct arena *arena, uint64_t records) {
    const uint64_t words = records / 64 + 1;
    dirty->group_count = words / 64 + 1;
    dirty->bits = arena_take(arena, words, sizeof(uint64_t));
    dirty->groups = arena_take(arena, dirty->group_count, sizeof(uint64_t));
}

bool dirty_take(const struct dirty *dirty, uint64_t *group, uint64_t *record) {
    while (*group < dirty->group_count && dirty->groups[*group] == 0) {
        (*group)++;
    }
    if (*group == dirty->group_count) {
        return false;
    }
    const uint64_t word = *group * 64 + (uint64_t)__builtin_ctzll(dirty->groups[*group]);
    *record = word * 64 + (uint64_t)__builtin_ctzll(dirty->bits[word]);
    dirty->bits[word] &= dirty->bits[word] - 1;
    if (dirty->bits[word] == 0) {
        dirty->groups[*group] &= dirty->groups[*group] - 1;
    }
    return true;
}

uint32_t dirty_take_batch(const struct dirty *dirty, uint64_t *group, uint64_t records[DIRTY_BATCH]) {
    uint32_t count = 0;
    while (count < DIRTY_BATCH && dirty_take(dirty, group, &records[count])) {
        count++;
    }
    return count;
}
