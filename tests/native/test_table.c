/* Slot pool, key table, mix and fee arithmetic by themselves. */
#include <string.h>

#include "arena.h"
#include "expect.h"
#include "money.h"
#include "pool.h"
#include "table.h"

static struct arena arena;
static struct pool pool;
static struct table table;

static void lay_out(uint32_t capacity) {
    pool_lay_out(&pool, &arena, capacity);
    table_lay_out(&table, &arena, capacity);
}

static void set_up(uint32_t capacity) {
    arena_unmap(&arena);
    lay_out(capacity);
    EXPECT(arena_map(&arena));
    lay_out(capacity);
    pool_fill(&pool);
}

static void slots_come_out_from_zero_and_last_freed_first(void) {
    set_up(4);
    EXPECT(pool_take(&pool) == 0 && pool_take(&pool) == 1 && pool_take(&pool) == 2);
    pool_give_back(&pool, 1);
    pool_give_back(&pool, 0);
    EXPECT(pool_take(&pool) == 0 && pool_take(&pool) == 1 && pool_take(&pool) == 3 && pool_empty(&pool));
}

static void take_key(uint32_t session, uint64_t key, uint32_t order) {
    struct table_entry *place = table_seek(&table, session, key);
    EXPECT(!table_holds(&table, place));
    table_put(&table, place, session, key, order);
}

static uint64_t key_of(uint64_t number) {
    return mix_finish(number);
}

static void keys_are_found_until_the_day_is_over(void) {
    enum { KEYS = 1000 };
    set_up(KEYS);
    table_start(&table, 12345);
    for (uint32_t i = 1; i <= KEYS; i++) {
        EXPECT(table_find(&table, 1, key_of(i)) == NULL);
        take_key(1, key_of(i), i);
    }
    for (uint32_t i = 1; i <= KEYS; i++) {
        EXPECT(table_find(&table, 1, key_of(i))->order == i && table_find(&table, 2, key_of(i)) == NULL);
    }
    EXPECT(table.count == KEYS);
    table_clear(&table);
    EXPECT(table.count == 0);
    for (uint32_t i = 1; i <= KEYS; i++) {
        EXPECT(table_find(&table, 1, key_of(i)) == NULL);
        take_key(1, key_of(i), 0);
    }
    EXPECT(table.count == KEYS && table_find(&table, 1, key_of(1))->order == 0);
}

static void keys_that_fall_on_one_place_are_told_apart(void) {
    enum { KEYS = 12 };
    set_up(KEYS);
    table_start(&table, 1);
    const uint64_t last = UINT64_MAX - KEYS; /* with this seed all of these begin in the last line and go round */
    for (uint32_t i = 1; i <= KEYS; i++) {
        EXPECT(table_place(&table, last + i) == table.places - TABLE_LINE);
        take_key(i % 3, last + i, i);
    }
    for (uint32_t i = 1; i <= KEYS; i++) {
        EXPECT(table_find(&table, i % 3, last + i)->order == i && table_find(&table, 3, last + i) == NULL);
    }
}

static void a_day_tag_that_comes_again_shows_nothing_old(void) {
    set_up(4);
    table_start(&table, 99);
    take_key(1, 7, 1);
    for (uint32_t day = 0; day < UINT16_MAX; day++) {
        table_clear(&table);
        EXPECT(table_find(&table, 1, 7) == NULL);
    }
    EXPECT(table.day == 1);
}

static void mix_gives_the_specified_values(void) {
    const uint64_t words[4] = {1, 2, 3, 4};
    const uint64_t odd[3] = {1, 2, UINT64_MAX};
    const u128 even_mix = mix128(words, 4);
    const u128 odd_mix = mix128(odd, 3);
    /* What mix128 of the reference core (engine/book_hash.py) gives. */
    EXPECT(mix128(words, 0) == 0);
    EXPECT((uint64_t)even_mix == UINT64_C(0xE05DCA117AF2D4DB) &&
           (uint64_t)(even_mix >> 64) == UINT64_C(0x413339267B68B706));
    EXPECT((uint64_t)odd_mix == UINT64_C(0xE5045645C76A6B60) &&
           (uint64_t)(odd_mix >> 64) == UINT64_C(0x3692F4C634781CB9));
}

static bool fee_is(uint32_t remainder, int32_t rate_ppm, int64_t notional, int64_t units, uint32_t after) {
    const struct fee fee = fee_of(remainder, rate_ppm, notional);
    return fee.units == units && fee.remainder == after;
}

static void fees_round_up_once_per_order(void) {
    EXPECT(fee_is(0, 1, 0, 0, 0) && fee_is(0, 1, 1, 1, 1) && fee_is(1, 1, 1, 0, 2) && fee_is(0, 1, PPM, 1, 0));
    /* Ten fills of a third of a unit each pay 4 units together, not 10. */
    uint32_t remainder = 0;
    int64_t paid_units = 0;
    for (int i = 0; i < 10; i++) {
        const struct fee fee = fee_of(remainder, 333333, 1);
        paid_units += fee.units;
        remainder = fee.remainder;
    }
    EXPECT(paid_units == 4 && remainder == 333330);
}

static void rebates_round_towards_the_venue_and_back(void) {
    EXPECT(fee_is(0, -1, 1, 0, 999999) && fee_is(0, -1, PPM, -1, 0) && fee_is(0, -1, PPM + 1, -1, 999999));
    EXPECT(fee_is(999999, -999999, 1, -1, 0)); /* the rounding of before is given back */
    EXPECT(fee_is(999999, 1, 1, 0, 0));
}

static void large_notionals_give_the_same_fee_as_by_parts(void) {
    const int64_t small = INT64_C(1) << 42; /* a 64-bit division does */
    const int32_t rates[] = {1, 999999, -1, -999999, 123457, -123457};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        const struct fee whole = fee_of(31, rates[i], small * 3);
        struct fee part = {.remainder = 31};
        int64_t units = 0;
        for (int j = 0; j < 3; j++) {
            part = fee_of(part.remainder, rates[i], small);
            units += part.units;
        }
        EXPECT(whole.units == units && whole.remainder == part.remainder);
    }
}

static void reservations_cover_the_highest_notional(void) {
    const struct wire_instrument_set listing = {.tick_units = 1, .lot_units = 1};
    const int64_t most = INT64_C(1) << 61;
    EXPECT(reservation_units(&listing, WIRE_SIDE_BUY, 1, most, 0, 999999) == most + fee_of(0, 999999, most).units);
    EXPECT(fee_of(0, 999999, most).units == most - most / PPM); /* 2^61 is no multiple of 10^6: rounded up */
    EXPECT(reservation_units(&listing, WIRE_SIDE_SELL, 1, most, 0, 999999) == most);
    EXPECT(reservation_units(&listing, WIRE_SIDE_BUY, 3, 0, 12345, 500) == 0);
    /* 100 x 1 unit at 1 ppm: 100 ppm of a unit, rounded up to 1; nothing more once a fill has paid that unit. */
    EXPECT(reservation_units(&listing, WIRE_SIDE_BUY, 1, 100, 0, 1) == 101);
    EXPECT(reservation_units(&listing, WIRE_SIDE_BUY, 1, 100, 1, 1) == 100);
}

int main(void) {
    RUN(slots_come_out_from_zero_and_last_freed_first);
    RUN(keys_are_found_until_the_day_is_over);
    RUN(keys_that_fall_on_one_place_are_told_apart);
    RUN(a_day_tag_that_comes_again_shows_nothing_old);
    RUN(mix_gives_the_specified_values);
    RUN(fees_round_up_once_per_order);
    RUN(rebates_round_towards_the_venue_and_back);
    RUN(large_notionals_give_the_same_fee_as_by_parts);
    RUN(reservations_cover_the_highest_notional);
    arena_unmap(&arena);
    return 0;
}
