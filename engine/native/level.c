/* Ladders, pages and their bitmaps. A bit is set exactly while what it stands for holds an order. */
#include "level.h"

#include "arena.h"
#include "venue_assert.h"

void pages_lay_out(struct page_pool *pool, struct arena *arena, uint32_t capacity) {
    pool->pages = arena_take(arena, (uint64_t)capacity + 1, sizeof(struct level_page));
    pool->occupied = arena_take(arena, (uint64_t)capacity + 1, sizeof(uint64_t));
    pool_lay_out(&pool->free, arena, capacity);
    pool->in_use = 0;
}

static uint64_t bit(uint32_t number) {
    return UINT64_C(1) << (number % 64);
}

/* Bits strictly above / below this one in its word. */
static uint64_t bits_above(uint32_t number) {
    return ~UINT64_C(1) << (number % 64);
}

static uint64_t bits_below(uint32_t number) {
    return bit(number) - 1;
}

static uint32_t lowest(uint64_t word) {
    return (uint32_t)__builtin_ctzll(word);
}

static uint32_t highest(uint64_t word) {
    return 63U - (uint32_t)__builtin_clzll(word);
}

struct level *ladder_open(struct page_pool *pool, struct ladder *ladder, uint32_t tick) {
    VENUE_ASSERT(tick >= 1 && tick <= TICK_MAX, "orders rest at ticks inside the ladder");
    const uint32_t number = tick / LEVELS_PER_PAGE;
    uint32_t page = ladder->page[number];
    if (page == 0) {
        page = pool_take(&pool->free) + 1;
        pool->in_use++;
        ladder->page[number] = page;
        ladder->bottom[number / 64] |= bit(number);
        ladder->middle[number / 64 / 64] |= bit(number / 64);
        ladder->top |= bit(number / 64 / 64);
    }
    pool->occupied[page] |= bit(tick);
    const uint32_t reversed = 0U - (uint32_t)ladder->highest_first;
    const uint32_t best_tick = ladder->best_tick;
    ladder->best_tick = (best_tick == 0) | ((tick ^ reversed) < (best_tick ^ reversed)) ? tick : best_tick;
    return &pool->pages[page].levels[tick % LEVELS_PER_PAGE];
}

static void release_page(struct page_pool *pool, struct ladder *ladder, uint32_t number) {
    pool_give_back(&pool->free, ladder->page[number] - 1);
    pool->in_use--;
    ladder->page[number] = 0;
    ladder->bottom[number / 64] &= ~bit(number);
    if (ladder->bottom[number / 64] != 0) {
        return;
    }
    ladder->middle[number / 64 / 64] &= ~bit(number / 64);
    if (ladder->middle[number / 64 / 64] == 0) {
        ladder->top &= ~bit(number / 64 / 64);
    }
}

void ladder_close(struct page_pool *pool, struct ladder *ladder, uint32_t tick) {
    const struct level *level = ladder_level(pool, ladder, tick);
    VENUE_ASSERT(level->head == 0 && level->tail == 0 && level->quantity_lots == 0, "a closed level holds nothing");
    const uint32_t number = tick / LEVELS_PER_PAGE;
    const uint32_t page = ladder->page[number];
    pool->occupied[page] &= ~bit(tick);
    if (pool->occupied[page] == 0) {
        release_page(pool, ladder, number);
    }
    if (tick == ladder->best_tick) {
        ladder->best_tick = ladder_next(pool, ladder, tick);
    }
}

/* The next page that holds an order strictly above; 0 when there is none (page 0 is above nothing). */
static uint32_t page_above(const struct ladder *ladder, uint32_t number) {
    uint32_t word = number / 64;
    uint64_t found = ladder->bottom[word] & bits_above(number);
    if (found == 0) {
        uint32_t group = word / 64;
        uint64_t words = ladder->middle[group] & bits_above(word);
        if (words == 0) {
            const uint64_t groups = ladder->top & bits_above(group);
            if (groups == 0) {
                return 0;
            }
            group = lowest(groups);
            words = ladder->middle[group];
        }
        word = group * 64 + lowest(words);
        found = ladder->bottom[word];
    }
    return word * 64 + lowest(found);
}

/* The next page that holds an order strictly below; PAGES_PER_LADDER when there is none. */
static uint32_t page_below(const struct ladder *ladder, uint32_t number) {
    uint32_t word = number / 64;
    uint64_t found = ladder->bottom[word] & bits_below(number);
    if (found == 0) {
        uint32_t group = word / 64;
        uint64_t words = ladder->middle[group] & bits_below(word);
        if (words == 0) {
            const uint64_t groups = ladder->top & bits_below(group);
            if (groups == 0) {
                return PAGES_PER_LADDER;
            }
            group = highest(groups);
            words = ladder->middle[group];
        }
        word = group * 64 + highest(words);
        found = ladder->bottom[word];
    }
    return word * 64 + highest(found);
}

uint32_t ladder_above(const struct page_pool *pool, const struct ladder *ladder, uint32_t tick) {
    uint32_t number = tick / LEVELS_PER_PAGE;
    uint64_t found = pool->occupied[ladder->page[number]] & bits_above(tick);
    if (found == 0) {
        number = page_above(ladder, number);
        if (number == 0) {
            return 0;
        }
        found = pool->occupied[ladder->page[number]];
    }
    return number * LEVELS_PER_PAGE + lowest(found);
}

uint32_t ladder_below(const struct page_pool *pool, const struct ladder *ladder, uint32_t tick) {
    uint32_t number = tick / LEVELS_PER_PAGE;
    uint64_t found = pool->occupied[ladder->page[number]] & bits_below(tick);
    if (found == 0) {
        number = page_below(ladder, number);
        if (number == PAGES_PER_LADDER) {
            return 0;
        }
        found = pool->occupied[ladder->page[number]];
    }
    return number * LEVELS_PER_PAGE + highest(found);
}

uint32_t ladder_next(const struct page_pool *pool, const struct ladder *ladder, uint32_t tick) {
    return ladder->highest_first ? ladder_below(pool, ladder, tick) : ladder_above(pool, ladder, tick);
}
