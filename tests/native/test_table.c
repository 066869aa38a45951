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

static u128 key_of(uint64_t number) {
    return mix128(&number, 1);
}

static void keys_are_found_until_they_are_removed(void) {
    enum { KEYS = 1000 };
    set_up(KEYS);
    table.seed[0] = 1;
    table.seed[1] = 2;
    for (uint64_t i = 1; i <= KEYS; i++) {
        table_insert(&table, key_of(i), i);
    }
    for (uint64_t i = 1; i <= KEYS; i += 2) {
        table_remove(&table, key_of(i));
    }
    for (uint64_t i = 1; i <= KEYS; i++) {
        EXPECT(table_find(&table, key_of(i)) == (i % 2 == 1 ? 0 : i));
    }
    EXPECT(table.count == KEYS / 2);
    table_clear(&table);
    EXPECT(table.count == 0 && table_find(&table, key_of(2)) == 0);
}

/* With this seed all keys whose low half is the seed's stand at one place, so every probe and every shift is exercised.
 */
static void colliding_keys_survive_removal_in_any_order(void) {
    enum { KEYS = 12 };
    set_up(KEYS);
    table.seed[0] = 77;
    for (uint64_t skip = 1; skip < KEYS; skip++) {
        for (uint64_t i = 1; i <= KEYS; i++) {
            table_insert(&table, (u128)i << 64 | 77, i);
        }
        table_remove(&table, (u128)skip << 64 | 77);
        for (uint64_t i = 1; i <= KEYS; i++) {
            EXPECT(table_find(&table, (u128)i << 64 | 77) == (i == skip ? 0 : i));
        }
        table_clear(&table);
    }
    table.seed[0] = 0;
}

static void mix_gives_the_specified_values(void) {
    const uint64_t none[1] = {0};
    const uint64_t three[3] = {1, 2, UINT64_MAX};
    const u128 empty = mix128(none, 0);
    const u128 full = mix128(three, 3);
    /* What mix128 of the reference core (engine/book.py) gives. */
    EXPECT((uint64_t)empty == UINT64_C(0xE220A8397B1DCDAF) && (uint64_t)(empty >> 64) == UINT64_C(0x68850AC74E2E5A26));
    EXPECT((uint64_t)full == UINT64_C(0x7838E40FB26410FC) && (uint64_t)(full >> 64) == UINT64_C(0x90F6C802ADC6C024));
}

static void fees_round_up_once_per_order(void) {
    EXPECT(fee_owed(0) == 0 && fee_owed(1) == 1 && fee_owed(PPM) == 1 && fee_owed(PPM + 1) == 2);
    /* Ten fills of a third of a unit each owe 4 units together, not 10. */
    EXPECT(fee_owed((u128)333333 * 10) == 4);
    /* Beyond 64 bits the slow division gives the same as by parts. */
    const u128 wide = (u128)UINT64_MAX * PPM;
    EXPECT(fee_owed(wide) == UINT64_MAX && fee_owed(wide + 1) == (u128)UINT64_MAX + 1);
    EXPECT(fee_owed((u128)UINT64_MAX - 999999) == (UINT64_MAX - 999999) / PPM + 1);
    EXPECT(fee_owed((u128)UINT64_MAX - 5) == UINT64_MAX / PPM + 1);
}

static void reservations_cover_the_highest_notional(void) {
    const struct wire_instrument_set listing = {.tick_units = 1, .lot_units = 1};
    const int64_t most = INT64_C(1) << 61;
    EXPECT(reservation_units(&listing, WIRE_SIDE_BUY, 1, most, 0, 999999) ==
           most + (int64_t)fee_owed((u128)999999 * (uint64_t)most));
    EXPECT(reservation_units(&listing, WIRE_SIDE_SELL, 1, most, 0, 999999) == most);
    EXPECT(reservation_units(&listing, WIRE_SIDE_BUY, 3, 0, 12345, 500) == 0);
    /* 100 x 1 unit at 1 ppm: 100 ppm of a unit, rounded up to 1; nothing more once a fill has paid that unit. */
    EXPECT(reservation_units(&listing, WIRE_SIDE_BUY, 1, 100, 0, 1) == 101);
    EXPECT(reservation_units(&listing, WIRE_SIDE_BUY, 1, 100, 1, 1) == 100);
}

int main(void) {
    RUN(slots_come_out_from_zero_and_last_freed_first);
    RUN(keys_are_found_until_they_are_removed);
    RUN(colliding_keys_survive_removal_in_any_order);
    RUN(mix_gives_the_specified_values);
    RUN(fees_round_up_once_per_order);
    RUN(reservations_cover_the_highest_notional);
    arena_unmap(&arena);
    return 0;
}
