/* The price ladder by itself: occupied ticks are found across every border, and pages come back when they empty. */
#include <stdlib.h>

#include "arena.h"
#include "expect.h"
#include "level.h"

static struct arena arena;
static struct page_pool pages;
static struct ladder *bids;
static struct ladder *offers;

static void lay_out(uint32_t capacity) {
    pages_lay_out(&pages, &arena, capacity);
    bids = arena_take(&arena, 1, sizeof *bids);
    offers = arena_take(&arena, 1, sizeof *offers);
}

static void set_up(uint32_t capacity) {
    arena_unmap(&arena);
    lay_out(capacity);
    EXPECT(arena_map(&arena));
    lay_out(capacity);
    pool_fill(&pages.free);
    bids->highest_first = true;
}

static void put(struct ladder *ladder, uint32_t tick) {
    struct level *level = ladder_open(&pages, ladder, tick);
    level->head = tick;
    level->tail = tick;
}

static void take(struct ladder *ladder, uint32_t tick) {
    *ladder_level(&pages, ladder, tick) = (struct level){0};
    ladder_close(&pages, ladder, tick);
}

/* Borders of words, pages, words of pages and words of those words, up to the last tick there is. */
static const uint32_t BORDERS[] = {1,       2,       63,      64,      65,       127,      128,      4095,
                                   4096,    4097,    262143,  262144,  262145,   524287,   524288,   1048576,
                                   8388607, 8388608, 8388609, 8650751, 16777152, 16777213, 16777214, TICK_MAX};
enum { BORDER_COUNT = sizeof BORDERS / sizeof BORDERS[0] };

static void finds_next_and_previous_across_every_border(void) {
    set_up(64);
    for (uint32_t i = 0; i < BORDER_COUNT; i++) {
        put(offers, BORDERS[i]);
    }
    EXPECT(ladder_above(&pages, offers, TICK_MAX) == 0 && ladder_below(&pages, offers, 1) == 0);
    for (uint32_t i = 0; i + 1 < BORDER_COUNT; i++) {
        EXPECT(ladder_above(&pages, offers, BORDERS[i]) == BORDERS[i + 1]);
        EXPECT(ladder_below(&pages, offers, BORDERS[i + 1]) == BORDERS[i]);
    }
}

static void finds_the_neighbour_of_any_two_borders(void) {
    set_up(64);
    for (uint32_t i = 0; i < BORDER_COUNT; i++) {
        for (uint32_t j = i + 1; j < BORDER_COUNT; j++) {
            put(bids, BORDERS[i]);
            put(bids, BORDERS[j]);
            EXPECT(bids->best_tick == BORDERS[j] && ladder_next(&pages, bids, BORDERS[j]) == BORDERS[i]);
            EXPECT(ladder_above(&pages, bids, BORDERS[i]) == BORDERS[j]);
            take(bids, BORDERS[j]);
            EXPECT(bids->best_tick == BORDERS[i]);
            take(bids, BORDERS[i]);
            EXPECT(bids->best_tick == 0 && bids->top == 0 && pages.in_use == 0);
        }
    }
}

static void best_price_follows_both_sides(void) {
    set_up(64);
    put(bids, 100);
    put(bids, 5000);
    put(bids, 200);
    put(offers, 9000);
    put(offers, 6000);
    put(offers, 7000);
    EXPECT(bids->best_tick == 5000 && offers->best_tick == 6000);
    take(bids, 5000);
    take(offers, 6000);
    EXPECT(bids->best_tick == 200 && offers->best_tick == 7000);
    take(bids, 100);
    take(offers, 9000);
    EXPECT(bids->best_tick == 200 && offers->best_tick == 7000);
}

static void pages_are_reused_when_they_empty(void) {
    set_up(2);
    put(bids, 64);
    put(bids, 127);
    put(offers, 64);
    EXPECT(pages.in_use == 2 && pool_empty(&pages.free));
    take(bids, 64);
    EXPECT(pages.in_use == 2 && ladder_has_page(bids, 127));
    take(bids, 127);
    EXPECT(pages.in_use == 1 && !ladder_has_page(bids, 127));
    for (uint32_t tick = 1; tick < TICK_MAX; tick += 1000003) {
        put(bids, tick);
        EXPECT(pages.in_use == 2);
        take(bids, tick);
    }
    EXPECT(offers->best_tick == 64 && ladder_above(&pages, offers, 64) == 0);
}

static void random_ticks_agree_with_a_plain_array(void) {
    static uint8_t occupied[1 << 16];
    set_up(1024);
    uint64_t random = 42;
    for (int step = 0; step < 200000; step++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const uint32_t tick = 1 + (uint32_t)(random >> 33) % ((1 << 16) - 1);
        if (occupied[tick] != 0) {
            take(offers, tick);
        } else {
            put(offers, tick);
        }
        occupied[tick] ^= 1;
        if (step % 50 == 0) {
            uint32_t above = tick + 1;
            uint32_t below = tick - 1;
            while (above < sizeof occupied && occupied[above] == 0) {
                above++;
            }
            while (below > 0 && occupied[below] == 0) {
                below--;
            }
            EXPECT(ladder_above(&pages, offers, tick) == (above == sizeof occupied ? 0 : above));
            EXPECT(ladder_below(&pages, offers, tick) == below);
        }
    }
}

int main(void) {
    RUN(finds_next_and_previous_across_every_border);
    RUN(finds_the_neighbour_of_any_two_borders);
    RUN(best_price_follows_both_sides);
    RUN(pages_are_reused_when_they_empty);
    RUN(random_ticks_agree_with_a_plain_array);
    arena_unmap(&arena);
    return 0;
}
