/* The price ladder of one side of one instrument: levels by tick, found, opened and closed in a bounded number of
   steps.

   Levels live in pages of 64 neighbouring ticks taken from one pool; a page without an order goes back at once, all
   zero. Bitmaps over levels, pages, words and words of words lead from one occupied tick to the next whatever the gap.
   Ticks are 1..2^24 - 1. */
#ifndef VENUE_LEVEL_H
#define VENUE_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

#include "pool.h"
#include "venue_assert.h"
#include "wire.h"

enum { LEVELS_PER_PAGE = 64, PAGES_PER_LADDER = 1 << 18, TICK_MAX = (1 << 24) - 1 };

/* Orders of one price, first come first; head and tail are order indices, 0 when there is none. */
struct level {
    uint32_t head;
    uint32_t tail;
    int64_t quantity_lots; /* sum of the leaves of its orders, hidden lots too */
};

struct level_page {
    struct level levels[LEVELS_PER_PAGE];
};

/* Pages of all ladders; page numbers start at 1, so that a zeroed ladder has none. */
struct page_pool {
    struct level_page *pages;
    uint64_t *occupied; /* per page: bit i is set while level i holds an order */
    struct pool free;
    uint32_t in_use;
};

struct ladder {
    uint32_t best_tick; /* the first in priority order; 0 when the ladder is empty */
    bool highest_first; /* which way priority goes: bids, and stops that sell */
    uint64_t top;       /* which words of `middle` are not 0 */
    uint64_t middle[PAGES_PER_LADDER / 64 / 64];
    uint64_t bottom[PAGES_PER_LADDER / 64]; /* which pages hold an order */
    uint32_t page[PAGES_PER_LADDER];
};

void pages_lay_out(struct page_pool *pool, struct arena *arena, uint32_t capacity);

/* True when the page of this tick holds an order. */
static inline bool ladder_has_page(const struct ladder *ladder, uint32_t tick) {
    return ladder->page[tick / LEVELS_PER_PAGE] != 0;
}

/* The level of an occupied tick. */
static inline struct level *ladder_level(const struct page_pool *pool, const struct ladder *ladder, uint32_t tick) {
    const uint32_t page = ladder->page[tick / LEVELS_PER_PAGE];
    VENUE_ASSERT(page != 0, "an occupied tick has a page");
    return &pool->pages[page].levels[tick % LEVELS_PER_PAGE];
}

/* Next occupied tick strictly above or below; 0 when there is none. */
uint32_t ladder_above(const struct page_pool *pool, const struct ladder *ladder, uint32_t tick);
uint32_t ladder_below(const struct page_pool *pool, const struct ladder *ladder, uint32_t tick);

/* Next occupied tick in priority order. */
uint32_t ladder_next(const struct page_pool *pool, const struct ladder *ladder, uint32_t tick);

/* Gives a page of the ladder without an order a page of the pool, or back. */
void ladder_take_page(struct page_pool *pool, struct ladder *ladder, uint32_t number);
void ladder_release_page(struct page_pool *pool, struct ladder *ladder, uint32_t number);

static inline uint64_t ladder_bit(uint32_t number) {
    return UINT64_C(1) << (number % 64);
}

/* The level of a tick that an order is about to join; takes a page when there is none. */
static inline struct level *ladder_open(struct page_pool *pool, struct ladder *ladder, uint32_t tick) {
    VENUE_ASSERT(tick >= 1 && tick <= TICK_MAX, "orders rest at ticks inside the ladder");
    const uint32_t number = tick / LEVELS_PER_PAGE;
    uint32_t page = ladder->page[number];
    if (page == 0) {
        ladder_take_page(pool, ladder, number);
        page = ladder->page[number];
    }
    pool->occupied[page] |= ladder_bit(tick);
    const uint32_t reversed = 0U - (uint32_t)ladder->highest_first;
    const uint32_t best_tick = ladder->best_tick;
    ladder->best_tick = (best_tick == 0) | ((tick ^ reversed) < (best_tick ^ reversed)) ? tick : best_tick;
    return &pool->pages[page].levels[tick % LEVELS_PER_PAGE];
}

/* An order has left the level of this tick. If it was the last, the level, which must be all zero then, is closed:
   whether it was is as good as random, so no branch depends on that alone. */
static inline void ladder_left(struct page_pool *pool, struct ladder *ladder, uint32_t tick,
                               const struct level *level) {
    const bool empty = level->head == 0;
    VENUE_ASSERT((level->head != 0) | ((level->tail == 0) & (level->quantity_lots == 0)),
                 "a closed level holds nothing");
    const uint32_t number = tick / LEVELS_PER_PAGE;
    const uint32_t page = ladder->page[number];
    const uint64_t left = pool->occupied[page] & ~((uint64_t)empty << (tick % LEVELS_PER_PAGE));
    pool->occupied[page] = left;
    if (__builtin_expect(left == 0, 0)) {
        ladder_release_page(pool, ladder, number);
    }
    if (__builtin_expect(empty & (tick == ladder->best_tick), 0)) {
        ladder->best_tick = ladder_next(pool, ladder, tick);
    }
}

/* The last order has left this tick. */
static inline void ladder_close(struct page_pool *pool, struct ladder *ladder, uint32_t tick) {
    const struct level *level = ladder_level(pool, ladder, tick);
    VENUE_ASSERT(level->head == 0, "only a level without orders is closed");
    ladder_left(pool, ladder, tick, level);
}

#endif
