/* A set of 128-bit keys with a value each, by open addressing in memory of fixed size; at most half of it is ever full.

   Where a key stands depends on a random seed, so that nobody can choose ClOrdIDs that all fall on the same place.
   Nothing that the venue computes depends on it: the order of the entries is never looked at. */
#ifndef VENUE_TABLE_H
#define VENUE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "mix.h"

struct arena;

struct table_entry {
    uint64_t low;
    uint64_t high;
    uint64_t value; /* 0: the place is free */
};

struct table {
    struct table_entry *entries;
    uint64_t mask; /* places - 1, places a power of two */
    uint64_t seed[2];
    uint32_t count;
    uint32_t capacity;
};

void table_lay_out(struct table *table, struct arena *arena, uint32_t capacity);

/* The value of a key, 0 when it is not in the table. */
uint64_t table_find(const struct table *table, u128 key);

/* The key must not be in the table; `value` is not 0. */
void table_insert(struct table *table, u128 key, uint64_t value);

/* The key must be in the table. */
void table_remove(struct table *table, u128 key);

void table_clear(struct table *table);

#endif
