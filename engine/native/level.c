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

void ladder_take_page(struct page_pool *pool, struct ladder *ladder, uint32_t number) {
    ladder->page[number] = pool_take(&pool->free) + 1;
    pool->in_use++;
    ladder->bottom[number / 64] |= ladder_bit(number);
    ladder->middle[number / 64 / 64] |= ladder_bit(number / 64);
    ladder->top |= ladder_bit(number / 64 / 64);
}

void ladder_release_page(struct page_pool *pool, struct ladder *ladder, uint32_t number) {
    pool_give_back(&pool->free, ladder->page[number] - 1);
    pool->in_use--;
    ladder->page[number] = 0;
    ladder->bottom[number / 64] &= ~ladder_bit(number);
    if (ladder->bottom[number / 64] != 0) {
        return;
    }
    ladder->middle[number / 64 / 64] &= ~ladder_bit(number / 64);
    if (ladder->middle[number / 64 / 64] == 0) {
        ladder->top &= ~ladder_bit(number / 64 / 64);
    }
}

/* Bits strictly above / below this one in its word. */
static uint64_t bits_above(uint32_t number) {
    return ~UINT64_C(1) << (number % 64);
}

static uint64_t bits_below(uint32_t number) {
    return ladder_bit(number) - 1;
}

static uint32_t lowest(uint64_t word) {
    return (uint32_t)__builtin_ctzll(word);
}

static uint32_t highest(uint64_t word) {
    return 63U - (uint32_t)__builtin_clzll(word);
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
