/* Linear probing with backward-shift removal: no tombstones, so a long day does not make look-ups slower. */
#include "table.h"

#include <string.h>

#include "arena.h"
#include "venue_assert.h"

void table_lay_out(struct table *table, struct arena *arena, uint32_t capacity) {
    uint64_t places = 16;
    while (places < 2 * (uint64_t)capacity) {
        places *= 2;
    }
    table->entries = arena_take(arena, places, sizeof(struct table_entry));
    table->mask = places - 1;
    table->capacity = capacity;
    table->count = 0;
}

/* Both halves of the key are hidden by the seed before they meet in one multiplication. */
static uint64_t home_of(const struct table *table, uint64_t low, uint64_t high) {
    const u128 product = (u128)(low ^ table->seed[0]) * (high ^ table->seed[1]);
    return ((uint64_t)product ^ (uint64_t)(product >> 64)) & table->mask;
}

/* The place of the key, or the free place where it would go. */
static uint64_t place_of(const struct table *table, uint64_t low, uint64_t high) {
    uint64_t place = home_of(table, low, high);
    for (;;) {
        const struct table_entry *entry = &table->entries[place];
        if (entry->value == 0 || (entry->low == low && entry->high == high)) {
            return place;
        }
        place = (place + 1) & table->mask;
    }
}

uint64_t table_find(const struct table *table, u128 key) {
    return table->entries[place_of(table, (uint64_t)key, (uint64_t)(key >> 64))].value;
}

void table_insert(struct table *table, u128 key, uint64_t value) {
    struct table_entry *entry = &table->entries[place_of(table, (uint64_t)key, (uint64_t)(key >> 64))];
    VENUE_ASSERT(entry->value == 0 && value != 0, "a key is in a table once");
    VENUE_ASSERT(table->count < table->capacity, "limits keep a table from overflowing");
    *entry = (struct table_entry){.low = (uint64_t)key, .high = (uint64_t)(key >> 64), .value = value};
    table->count++;
}

void table_remove(struct table *table, u128 key) {
    uint64_t hole = place_of(table, (uint64_t)key, (uint64_t)(key >> 64));
    VENUE_ASSERT(table->entries[hole].value != 0, "a key that is removed is in the table");
    table->count--;
    for (uint64_t place = (hole + 1) & table->mask; table->entries[place].value != 0;
         place = (place + 1) & table->mask) {
        const struct table_entry *entry = &table->entries[place];
        const uint64_t home = home_of(table, entry->low, entry->high);
        /* An entry may move back only as far as its home. */
        if (((place - home) & table->mask) >= ((place - hole) & table->mask)) {
            table->entries[hole] = *entry;
            hole = place;
        }
    }
    table->entries[hole] = (struct table_entry){0};
}

void table_clear(struct table *table) {
    memset(table->entries, 0, (table->mask + 1) * sizeof(struct table_entry));
    table->count = 0;
}
