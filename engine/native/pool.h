/* A fixed set of slots 0..capacity-1, handed out last-freed-first; the first ones out are 0, 1, 2 ...

   The order slots come out in is part of the venue's rules (docs/ENGINE.md section 6): OrderIDs are made of them. */
#ifndef VENUE_POOL_H
#define VENUE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "venue_assert.h"

struct arena;

struct pool {
    uint32_t *stack; /* free slots, the next one out last */
    uint32_t free_count;
    uint32_t capacity;
};

/* Takes memory for `capacity` slots; `pool_fill` makes all of them free. */
void pool_lay_out(struct pool *pool, struct arena *arena, uint32_t capacity);
void pool_fill(struct pool *pool);

static inline bool pool_empty(const struct pool *pool) {
    return pool->free_count == 0;
}

static inline uint32_t pool_take(struct pool *pool) {
    VENUE_ASSERT(pool->free_count > 0, "a slot is taken only while one is free");
    return pool->stack[--pool->free_count];
}

static inline void pool_give_back(struct pool *pool, uint32_t slot) {
    VENUE_ASSERT(pool->free_count < pool->capacity && slot < pool->capacity, "only a taken slot is given back");
    pool->stack[pool->free_count++] = slot;
}

#endif
