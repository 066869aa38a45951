/* The ClOrdIDs of this trading day: 16 bytes each, by open addressing in memory of fixed size; at most two thirds of
   it are ever full.

   An entry is of the trading day whose tag it carries; any other tag means a free place, so a new day empties the table
   by a new tag. Within a day nothing is ever taken out: an entry outlives its order, and names an open order only while
   the slot it points to holds an open order of this session with this very ClOrdID. Where a key stands depends on a
   random seed, so that nobody can choose ClOrdIDs that all fall on the same place; nothing the venue computes depends
   on it. */
#ifndef VENUE_TABLE_H
#define VENUE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "mix.h"
#include "venue_assert.h"

struct arena;

struct table_entry {
    uint64_t key;
    uint32_t order; /* index of the order that took this ClOrdID; 0: the request was refused */
    uint16_t session;
    uint16_t day; /* tag; 0 is never today's */
};
_Static_assert(sizeof(struct table_entry) == 16, "four entries are one cache line");

struct table {
    struct table_entry *entries;
    uint64_t places;
    uint64_t seed; /* odd */
    uint32_t count;
    uint32_t capacity;
    uint16_t day;
};

void table_lay_out(struct table *table, struct arena *arena, uint32_t capacity);
void table_start(struct table *table, uint64_t seed);

enum { TABLE_LINE = 4 };

/* The first place to look at: the first of a line. */
static inline uint64_t table_place(const struct table *table, uint64_t key) {
    return (uint64_t)(((u128)(key * table->seed) * (table->places / TABLE_LINE)) >> 64) * TABLE_LINE;
}

/* The place of (session, key): its entry, or the free place where it belongs. A line is looked at as a whole: where in
   it a search ends is as good as random, and no branch should depend on that. */
static inline struct table_entry *table_seek(const struct table *table, uint32_t session, uint64_t key) {
    uint64_t place = table_place(table, key);
    for (;;) {
        struct table_entry *line = &table->entries[place];
        uint32_t ends = 0; /* bit per entry: it is the one, or free */
        for (uint32_t i = 0; i < TABLE_LINE; i++) {
            const bool is_free = line[i].day != table->day;
            const bool is_it = (line[i].key == key) & (line[i].session == session);
            ends |= (uint32_t)(is_free | is_it) << i;
        }
        if (__builtin_expect(ends != 0, 1)) {
            return &line[__builtin_ctz(ends)];
        }
        place += TABLE_LINE;
        if (place == table->places) {
            place = 0;
        }
    }
}

static inline bool table_holds(const struct table *table, const struct table_entry *entry) {
    return entry->day == table->day;
}

/* The entry, or NULL. */
const struct table_entry *table_find(const struct table *table, uint32_t session, uint64_t key);

/* Fills the free place that table_seek found. */
static inline void table_put(struct table *table, struct table_entry *entry, uint32_t session, uint64_t key,
                             uint32_t order) {
    VENUE_ASSERT(table->count < table->capacity && entry->day != table->day,
                 "a free place of a table that is not full");
    *entry = (struct table_entry){.key = key, .order = order, .session = (uint16_t)session, .day = table->day};
    table->count++;
}

/* A new trading day: all entries are gone. */
void table_clear(struct table *table);

/* The part of an entry in the state hash. */
static inline u128 table_mix(uint32_t session, uint64_t key) {
    return (u128)mix_finish(key + session) << 64 | key;
}

#endif
