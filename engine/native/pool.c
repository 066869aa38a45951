/* The stack of free slots at the start: 0 on top. */
#include "pool.h"

#include "arena.h"

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
