/* The arena's memory is an anonymous mapping: zeroed by the kernel, and pages that are never touched cost nothing. */
#define _GNU_SOURCE
#include "arena.h"

#include <sys/mman.h>

#include "venue_assert.h"

enum { CACHE_LINE = 64 };

void *arena_take(struct arena *arena, uint64_t count, size_t element_size) {
    size_t bytes = 0;
    size_t end = 0;
    if (__builtin_mul_overflow(count, element_size, &bytes) || __builtin_add_overflow(bytes, CACHE_LINE - 1, &bytes)) {
        arena->overflow = true;
        return NULL;
    }
    bytes &= ~(size_t)(CACHE_LINE - 1);
    if (__builtin_add_overflow(arena->used, bytes, &end)) {
        arena->overflow = true;
        return NULL;
    }
    const size_t start = arena->used;
    arena->used = end;
    if (arena->base == NULL) {
        return NULL;
    }
    VENUE_ASSERT(end <= arena->size, "the second layout of an arena takes what the first measured");
    return arena->base + start;
}

bool arena_map(struct arena *arena) {
    VENUE_ASSERT(arena->base == NULL, "an arena is mapped once");
    if (arena->overflow || arena->used == 0) {
        return false;
    }
    void *memory = mmap(NULL, arena->used, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return false;
    }
    /* Books and tables are read all over the place: fewer, larger pages where the kernel has them. */
    (void)madvise(memory, arena->used, MADV_HUGEPAGE);
    arena->base = memory;
    arena->size = arena->used;
    arena->used = 0;
    return true;
}

void arena_unmap(struct arena *arena) {
    if (arena->base != NULL) {
        (void)munmap(arena->base, arena->size);
    }
    *arena = (struct arena){0};
}
