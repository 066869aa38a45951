/* The slot stack: taking and giving back are one array access, whatever the load. */
#include "pool.h"

#include "arena.h"
#include "venue_assert.h"

void pool_lay_out(struct pool *pool, struct arena *arena, uint32_t capacity) {
    pool->stack = arena_take(arena, capacity, sizeof(uint32_t));
    pool->capacity = capacity;
    pool->free_count = 0;
}

void pool_fill(struct pool *pool) {
    for (uint32_t i = 0; i < pool->capacity; i++) {
        pool->stack[i] = pool->capacity - 1 - i;
    }
    pool->free_count = pool->capacity;
}

uint32_t pool_take(struct pool *pool) {
    VENUE_ASSERT(pool->free_count > 0, "limits keep a pool from running dry");
    return pool->stack[--pool->free_count];
}

void pool_give_back(struct pool *pool, uint32_t slot) {
    VENUE_ASSERT(pool->free_count < pool->capacity && slot < pool->capacity, "a slot is given back once");
    pool->stack[pool->free_count++] = slot;
}
