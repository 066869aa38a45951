/* One block of zeroed memory that everything of the core lives in; it is taken once and never grows.

   Laying out is done twice by the same code: first without memory to learn the size, then with it. */
#ifndef VENUE_ARENA_H
#define VENUE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena {
    uint8_t *base; /* NULL while measuring */
    void *mapping;
    size_t mapping_size;
    size_t used;
    size_t size;
    size_t sparse; /* from here on small pages do */
    bool overflow;
};

/* `count` zeroed elements on a cache line of their own; NULL while measuring or when the size overflows. */
void *arena_take(struct arena *arena, uint64_t count, size_t element_size);

/* What is taken from here on is touched here and there: large pages would waste most of their memory. */
void arena_sparse(struct arena *arena);

/* Takes memory for what was measured and starts over; false when it can't be had. */
bool arena_map(struct arena *arena);
void arena_unmap(struct arena *arena);

/* All of it is zero again. */
void arena_clear(const struct arena *arena);

#endif
