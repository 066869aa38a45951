/* The auction price against its definition: every candidate of small random books looked at one by one. */
#include <stdlib.h>

#include "arena.h"
#include "clearing.h"
#include "expect.h"
#include "level.h"
#include "tick.h"

enum { TICKS = 160, PAGES = 64 };

static struct arena arena;
static struct page_pool pages;
static struct ladder *bids;
static struct ladder *offers;
static struct instrument instrument;
static int64_t bid_lots[TICKS + 1];
static int64_t offer_lots[TICKS + 1];
static uint32_t base; /* tick 1 of the arrays is base + spread on the ladders, the next one spread further */
static uint32_t spread;
static uint64_t random_state = 7;

static uint32_t draw(uint32_t below) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % below;
}

static void lay_out(void) {
    pages_lay_out(&pages, &arena, PAGES);
    bids = arena_take(&arena, 1, sizeof *bids);
    offers = arena_take(&arena, 1, sizeof *offers);
}

static void set_up(uint32_t first_tick) {
    arena_unmap(&arena);
    lay_out();
    EXPECT(arena_map(&arena));
    lay_out();
    pool_fill(&pages.free);
    bids->highest_first = true;
    instrument = (struct instrument){.content = {.instrument = 1, .price_min_ticks = 1, .price_max_ticks = TICK_MAX}};
    memset(bid_lots, 0, sizeof bid_lots);
    memset(offer_lots, 0, sizeof offer_lots);
    base = first_tick - 1;
    spread = 1;
}

/* The ladders' tick of one of the arrays. */
static uint32_t at(uint32_t tick) {
    return base + tick * spread;
}

static void put(struct ladder *ladder, int64_t *lots, uint32_t tick, int64_t quantity_lots) {
    struct level *level = ladder_open(&pages, ladder, at(tick));
    level->head = 1;
    level->tail = 1;
    level->quantity_lots += quantity_lots;
    lots[tick] += quantity_lots;
}

static void bid(uint32_t tick, int64_t quantity_lots) {
    put(bids, bid_lots, tick, quantity_lots);
}

static void offer(uint32_t tick, int64_t quantity_lots) {
    put(offers, offer_lots, tick, quantity_lots);
}

static void clear(struct ladder *ladder, int64_t *lots) {
    for (uint32_t tick = 1; tick <= TICKS; tick++) {
        if (lots[tick] != 0) {
            *ladder_level(&pages, ladder, at(tick)) = (struct level){0};
            ladder_close(&pages, ladder, at(tick));
            lots[tick] = 0;
        }
    }
}

static void band(uint32_t number, int64_t from_ticks, int64_t tick_step) {
    instrument.tick_bands[number] = (struct tick_band){from_ticks, tick_step, 1};
    instrument.bands++;
}

/* Guide price by array tick; 0: none. */
static struct indicative price(uint32_t guide) {
    const struct crossed_book book = {&pages, bids, offers, &instrument};
    struct indicative found = clearing_price(&book, guide == 0 ? 0 : at(guide));
    found.price_ticks = found.price_ticks == 0 ? 0 : (found.price_ticks - base) / spread;
    return found;
}

static void expect_price(uint32_t guide, int64_t price_ticks, int64_t volume_lots, int64_t surplus_lots) {
    const struct indicative found = price(guide);
    EXPECT(found.price_ticks == price_ticks && found.volume_lots == volume_lots && found.surplus_lots == surplus_lots);
}

static bool candidate(uint32_t tick) {
    return on_tick(&instrument, at(tick)) || bid_lots[tick] != 0 || offer_lots[tick] != 0;
}

static int64_t magnitude(int64_t number) {
    return number < 0 ? -number : number;
}

/* The rule as docs/ENGINE.md has it, over all candidates. */
static struct indicative by_definition(uint32_t guide) {
    int64_t buys[TICKS + 2] = {0};
    int64_t sells[TICKS + 2] = {0};
    int64_t volume = 0;
    int64_t surplus = INT64_MAX;
    bool above = true;
    bool below = true;
    uint32_t chosen = 0;
    for (uint32_t tick = TICKS; tick >= 1; tick--) {
        buys[tick] = buys[tick + 1] + bid_lots[tick];
    }
    for (uint32_t tick = 1; tick <= TICKS; tick++) {
        sells[tick] = sells[tick - 1] + offer_lots[tick];
        const int64_t here = buys[tick] < sells[tick] ? buys[tick] : sells[tick];
        volume = candidate(tick) && here > volume ? here : volume;
    }
    for (uint32_t tick = 1; tick <= TICKS; tick++) {
        const int64_t here = buys[tick] < sells[tick] ? buys[tick] : sells[tick];
        if (candidate(tick) && here == volume && magnitude(buys[tick] - sells[tick]) < surplus) {
            surplus = magnitude(buys[tick] - sells[tick]);
        }
    }
    if (volume == 0) {
        return (struct indicative){0};
    }
    bool best[TICKS + 1] = {false};
    for (uint32_t tick = 1; tick <= TICKS; tick++) {
        const int64_t here = buys[tick] < sells[tick] ? buys[tick] : sells[tick];
        best[tick] = candidate(tick) && here == volume && magnitude(buys[tick] - sells[tick]) == surplus;
        above = above && (!best[tick] || buys[tick] > sells[tick]);
        below = below && (!best[tick] || buys[tick] < sells[tick]);
    }
    for (uint32_t tick = 1; tick <= TICKS; tick++) {
        if (!best[tick]) {
            continue;
        }
        const bool nearer = guide != 0 && magnitude((int64_t)tick - guide) <= magnitude((int64_t)chosen - guide);
        if (chosen == 0 || above || (!below && nearer)) {
            chosen = tick;
        }
    }
    return (struct indicative){chosen, volume, buys[chosen] - sells[chosen]};
}

static void nothing_trades_unless_the_sides_cross(void) {
    set_up(1);
    expect_price(0, 0, 0, 0);
    bid(10, 5);
    expect_price(0, 0, 0, 0);
    offer(11, 5);
    expect_price(10, 0, 0, 0);
}

static void the_volume_comes_first(void) {
    set_up(1);
    bid(12, 3);
    bid(10, 4);
    offer(9, 2);
    offer(11, 4);
    expect_price(0, 11, 3, -3); /* 9 and 10 would trade 2 */
}

static void then_the_least_surplus(void) {
    set_up(1);
    bid(12, 5);
    bid(10, 3);
    offer(9, 5);
    offer(13, 9);
    expect_price(9, 11, 5, 0); /* 9 and 10 too would trade 5, with 3 left over */
}

static void pressure_to_buy_takes_the_highest_price(void) {
    set_up(1);
    bid(20, 9);
    offer(10, 5);
    expect_price(10, 20, 5, 4);
}

static void pressure_to_sell_takes_the_lowest_price(void) {
    set_up(1);
    bid(20, 5);
    offer(10, 9);
    expect_price(20, 10, 5, -4);
}

static void a_balance_follows_the_guide_price(void) {
    set_up(1);
    bid(20, 5);
    offer(10, 5);
    expect_price(0, 10, 5, 0);
    expect_price(15, 15, 5, 0);
    expect_price(5, 10, 5, 0);
    expect_price(99, 20, 5, 0);
}

static void of_two_equally_near_the_higher_is_taken(void) {
    set_up(1);
    bid(20, 5);
    offer(10, 5);
    band(0, 1, 5);
    band(1, 11, 9); /* on tick: 10, 18 */
    expect_price(14, 18, 5, 0);
    expect_price(13, 10, 5, 0);
}

static void surplus_on_either_side_follows_the_guide_price(void) {
    set_up(1);
    bid(15, 5);
    bid(14, 2);
    offer(13, 5);
    offer(15, 2);
    expect_price(0, 13, 5, 2); /* 13 and 14 leave 2 to buy, 15 leaves 2 to sell */
    expect_price(14, 14, 5, 2);
    expect_price(15, 15, 5, -2);
    expect_price(100, 15, 5, -2);
}

static void a_price_off_tick_counts_when_an_order_stands_there(void) {
    set_up(1);
    bid(17, 5);
    offer(13, 5);
    band(0, 1, 100);
    expect_price(16, 17, 5, 0);
    expect_price(14, 13, 5, 0);
}

static void both_ends_of_the_ladder_are_prices(void) {
    set_up(1);
    bid(1, 3);
    offer(1, 5);
    expect_price(0, 1, 3, -2);
    set_up(TICK_MAX - TICKS + 1);
    bid(TICKS, 5);
    offer(TICKS, 3);
    expect_price(0, TICKS, 3, 2);
}

static void random_books_agree_with_the_definition(void) {
    for (uint32_t round = 0; round < 40; round++) {
        set_up(round % 3 == 0 ? 1 : round % 3 == 1 ? 4000 : TICK_MAX - TICKS + 1);
        for (uint32_t bands = round % 2 == 0 ? 0 : draw(TICK_BANDS); bands > 0; bands--) {
            band(bands, base + 1 + draw(TICKS), 1 + draw(round % 5 == 0 ? TICKS : 12));
        }
        for (uint32_t book = 0; book < 2000; book++) {
            const uint32_t width = 1 + draw(TICKS);
            for (uint32_t orders = draw(12); orders > 0; orders--) {
                bid(1 + draw(width), 1 + draw(4));
            }
            for (uint32_t orders = draw(12); orders > 0; orders--) {
                offer(TICKS - draw(width), 1 + draw(4));
            }
            const uint32_t guide = draw(TICKS + 1);
            const struct indicative expected = by_definition(guide);
            expect_price(guide, expected.price_ticks, expected.volume_lots, expected.surplus_lots);
            clear(bids, bid_lots);
            clear(offers, offer_lots);
        }
    }
}

/* Only multiples of the spread are on tick, so that the arrays hold every candidate: many pages, some far apart. */
static void random_books_over_many_pages_agree_with_the_definition(void) {
    static const uint32_t SPREADS[] = {7, 32, 63, 64, 65, 4096, 100000};
    for (uint32_t round = 0; round < sizeof SPREADS / sizeof SPREADS[0]; round++) {
        set_up(1);
        spread = SPREADS[round];
        band(0, 1, spread);
        for (uint32_t book = 0; book < 4000; book++) {
            const uint32_t width = 1 + draw(TICKS);
            for (uint32_t orders = draw(25); orders > 0; orders--) {
                bid(1 + draw(width), 1 + draw(4));
            }
            for (uint32_t orders = draw(25); orders > 0; orders--) {
                offer(TICKS - draw(width), 1 + draw(4));
            }
            const uint32_t guide = draw(TICKS + 1);
            const struct indicative expected = by_definition(guide);
            expect_price(guide, expected.price_ticks, expected.volume_lots, expected.surplus_lots);
            clear(bids, bid_lots);
            clear(offers, offer_lots);
        }
    }
}

static void the_nearest_tick_agrees_with_every_tick(void) {
    set_up(1);
    for (uint32_t round = 0; round < 500; round++) {
        memset(instrument.tick_bands, 0, sizeof instrument.tick_bands);
        instrument.bands = 0;
        for (uint32_t bands = draw(TICK_BANDS); bands > 0; bands--) {
            band(bands, 1 + draw(TICKS), 1 + draw(round % 5 == 0 ? 1000 : 12));
        }
        for (uint32_t tick = 1; tick <= TICKS; tick++) {
            uint32_t below = tick;
            uint32_t above = tick;
            while (below > 0 && !on_tick(&instrument, below)) {
                below--;
            }
            while (above <= 5000 && !on_tick(&instrument, above)) {
                above++;
            }
            EXPECT(tick_at_or_below(&instrument, tick) == below && tick_at_or_above(&instrument, tick) == above);
        }
    }
}

int main(void) {
    RUN(nothing_trades_unless_the_sides_cross);
    RUN(the_volume_comes_first);
    RUN(then_the_least_surplus);
    RUN(pressure_to_buy_takes_the_highest_price);
    RUN(pressure_to_sell_takes_the_lowest_price);
    RUN(a_balance_follows_the_guide_price);
    RUN(of_two_equally_near_the_higher_is_taken);
    RUN(surplus_on_either_side_follows_the_guide_price);
    RUN(a_price_off_tick_counts_when_an_order_stands_there);
    RUN(both_ends_of_the_ladder_are_prices);
    RUN(random_books_agree_with_the_definition);
    RUN(random_books_over_many_pages_agree_with_the_definition);
    RUN(the_nearest_tick_agrees_with_every_tick);
    arena_unmap(&arena);
    return 0;
}
