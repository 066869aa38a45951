/* The arena's memory is an anonymous mapping: zeroed by the kernel, and pages that are never touched cost nothing. */
#define _GNU_SOURCE
#include "arena.h"

#include <string.h>
#include <sys/mman.h>

#include "venue_assert.h"

enum { CACHE_LINE = 64, LARGE_PAGE = 1 << 21 };

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

void arena_sparse(struct arena *arena) {
    const size_t edge = (arena->used + LARGE_PAGE - 1) & ~(size_t)(LARGE_PAGE - 1);
    arena->overflow = arena->overflow || edge < arena->used;
    arena->used = edge;
    arena->sparse = edge;
}

bool arena_map(struct arena *arena) {
    VENUE_ASSERT(arena->base == NULL, "an arena is mapped once");
    if (arena->overflow || arena->used == 0 || arena->used > SIZE_MAX - LARGE_PAGE) {
        return false;
    }
    const size_t size = arena->used + LARGE_PAGE; /* to begin at the edge of a large page */
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return false;
    }
    arena->mapping = memory;
    arena->mapping_size = size;
    arena->base = (uint8_t *)(((uintptr_t)memory + LARGE_PAGE - 1) & ~(uintptr_t)(LARGE_PAGE - 1));
    arena->size = arena->used;
    /* Books and tables are read all over the place: fewer, larger pages where the kernel has them. */
    if (arena->sparse > 0) {
        (void)madvise(arena->base, arena->sparse, MADV_HUGEPAGE);
    }
    arena->used = 0;
    return true;
}

void arena_unmap(struct arena *arena) {
    if (arena->base != NULL) {
        (void)munmap(arena->mapping, arena->mapping_size);
    }
    *arena = (struct arena){0};
}

void arena_clear(const struct arena *arena) {
    /* Private pages that are given back read as zeros; locked ones can't be. */
    if (madvise(arena->base, arena->size, MADV_DONTNEED) != 0) {
        memset(arena->base, 0, arena->size);
    }
}
