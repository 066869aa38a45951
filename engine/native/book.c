/* Price-time priority: intrusive lists per level, first come first, best level first. */
#include "book.h"

#include "arena.h"
#include "venue_assert.h"

void books_lay_out(struct books *books, struct arena *arena, uint32_t orders, uint32_t price_pages,
                   uint32_t instruments) {
    books->orders = arena_take(arena, (uint64_t)orders + 1, sizeof(struct order));
    books->details = arena_take(arena, (uint64_t)orders + 1, sizeof(struct order_details));
    books->day_orders = arena_take(arena, (uint64_t)orders / 64 + 1, sizeof(uint64_t));
    books->ladders = arena_take(arena, ((uint64_t)instruments + 1) * 2, sizeof(struct ladder));
    pages_lay_out(&books->pages, arena, price_pages);
    pool_lay_out(&books->slots, arena, orders);
    table_lay_out(&books->open, arena, orders);
    books->capacity = orders;
}

void books_start(struct books *books, uint32_t instruments) {
    pool_fill(&books->slots);
    pool_fill(&books->pages.free);
    for (uint32_t instrument = 1; instrument <= instruments; instrument++) {
        book_side(books, instrument, WIRE_SIDE_BUY)->side = WIRE_SIDE_BUY;
        book_side(books, instrument, WIRE_SIDE_SELL)->side = WIRE_SIDE_SELL;
    }
}

u128 generation_mix(uint32_t slot, uint32_t generation) {
    if (generation == 0) {
        return 0;
    }
    const uint64_t words[3] = {RECORD_GENERATION, slot, generation};
    return mix128(words, 3);
}

u128 order_mix(const struct books *books, uint32_t index) {
    const struct order *order = &books->orders[index];
    const struct order_details *details = &books->details[index];
    uint64_t words[23] = {RECORD_ORDER,
                          order_id(books, index),
                          details->session,
                          order->account,
                          order->instrument,
                          details->side,
                          details->order_type,
                          details->time_in_force,
                          order->price_ticks,
                          (uint64_t)(order->cum_lots + order->leaves_lots),
                          (uint64_t)order->leaves_lots,
                          (uint64_t)order->cum_lots,
                          details->priority,
                          (uint64_t)order->reserved_units,
                          details->maker_ppm,
                          details->taker_ppm,
                          (uint64_t)order->fee_accumulated,
                          (uint64_t)(order->fee_accumulated >> 64)};
    memcpy(&words[18], details->clordid, sizeof details->clordid);
    return mix128(words, 23);
}

void order_changed(struct books *books, uint32_t index) {
    struct order_details *details = &books->details[index];
    const u128 mix = order_mix(books, index);
    books->hash += mix - details->mix;
    details->mix = mix;
}

uint32_t order_take(struct books *books) {
    const uint32_t slot = pool_take(&books->slots);
    struct order *order = &books->orders[slot + 1];
    VENUE_ASSERT(order->leaves_lots == 0 && order->generation < UINT32_MAX, "a free slot has a generation left");
    books->hash -= generation_mix(slot, order->generation);
    order->generation++;
    books->hash += generation_mix(slot, order->generation);
    books->in_use++;
    return slot + 1;
}

void order_free(struct books *books, uint32_t index) {
    struct order *order = &books->orders[index];
    struct order_details *details = &books->details[index];
    VENUE_ASSERT(order->reserved_units == 0, "a closed order holds no money");
    books->hash -= details->mix;
    details->mix = 0;
    order->leaves_lots = 0;
    books->in_use--;
    if (order->generation < UINT32_MAX) {
        pool_give_back(&books->slots, index - 1);
    }
}

static void mark_day_order(struct books *books, uint32_t index) {
    if (books->details[index].time_in_force == WIRE_TIME_IN_FORCE_DAY) {
        books->day_orders[index / 64] |= UINT64_C(1) << (index % 64);
    }
}

void book_rest(struct books *books, uint32_t index, uint64_t priority) {
    struct order *order = &books->orders[index];
    struct order_details *details = &books->details[index];
    struct ladder *ladder = book_side(books, order->instrument, details->side);
    struct level *level = ladder_open(&books->pages, ladder, order->price_ticks);
    order->next = 0;
    order->previous = level->tail;
    if (level->tail == 0) {
        level->head = index;
    } else {
        books->orders[level->tail].next = index;
    }
    level->tail = index;
    VENUE_ASSERT(order->leaves_lots > 0 &&
                     !__builtin_add_overflow(level->quantity_lots, order->leaves_lots, &level->quantity_lots),
                 "funds bound the quantity of a level");
    details->priority = priority;
    table_insert(&books->open, details->key, index);
    mark_day_order(books, index);
}

void book_remove(struct books *books, uint32_t index) {
    struct order *order = &books->orders[index];
    struct order_details *details = &books->details[index];
    struct ladder *ladder = book_side(books, order->instrument, details->side);
    struct level *level = ladder_level(&books->pages, ladder, order->price_ticks);
    if (order->previous == 0) {
        VENUE_ASSERT(level->head == index, "an order without a predecessor heads its level");
        level->head = order->next;
    } else {
        books->orders[order->previous].next = order->next;
    }
    if (order->next == 0) {
        VENUE_ASSERT(level->tail == index, "an order without a successor ends its level");
        level->tail = order->previous;
    } else {
        books->orders[order->next].previous = order->previous;
    }
    order->next = 0;
    order->previous = 0;
    level->quantity_lots -= order->leaves_lots;
    VENUE_ASSERT(level->quantity_lots >= 0 && (level->head != 0 || level->quantity_lots == 0),
                 "a level's quantity is the sum of its orders");
    if (level->head == 0) {
        ladder_close(&books->pages, ladder, order->price_ticks);
    }
    table_remove(&books->open, details->key);
    books->day_orders[index / 64] &= ~(UINT64_C(1) << (index % 64));
}

void book_reduce(struct books *books, uint32_t index, int64_t lots) {
    struct order *order = &books->orders[index];
    const struct ladder *ladder = book_side(books, order->instrument, books->details[index].side);
    struct level *level = ladder_level(&books->pages, ladder, order->price_ticks);
    order->leaves_lots -= lots;
    level->quantity_lots -= lots;
    VENUE_ASSERT(lots >= 0 && order->leaves_lots >= 0 && level->quantity_lots >= 0, "quantities never go below zero");
}

void book_rename(struct books *books, uint32_t index, const uint64_t clordid[CLORDID_WORDS], u128 key) {
    struct order_details *details = &books->details[index];
    table_remove(&books->open, details->key);
    memcpy(details->clordid, clordid, sizeof details->clordid);
    details->key = key;
    table_insert(&books->open, key, index);
}

uint32_t book_first(const struct books *books, uint32_t instrument, uint8_t side) {
    const struct ladder *ladder = book_side(books, instrument, side);
    if (ladder->best_tick == 0) {
        return 0;
    }
    return ladder_level(&books->pages, ladder, ladder->best_tick)->head;
}

uint32_t book_next(const struct books *books, uint32_t index) {
    const struct order *order = &books->orders[index];
    if (order->next != 0) {
        return order->next;
    }
    const struct ladder *ladder = book_side(books, order->instrument, books->details[index].side);
    const uint32_t tick = ladder_next(&books->pages, ladder, order->price_ticks);
    return tick == 0 ? 0 : ladder_level(&books->pages, ladder, tick)->head;
}

uint32_t book_next_day_order(const struct books *books, uint64_t index) {
    const uint64_t words = (uint64_t)books->capacity / 64 + 1;
    uint64_t word = index / 64;
    if (word >= words) {
        return 0;
    }
    uint64_t found = books->day_orders[word] & (~UINT64_C(0) << (index % 64));
    while (found == 0) {
        word++;
        if (word >= words) {
            return 0;
        }
        found = books->day_orders[word];
    }
    return (uint32_t)(word * 64 + (uint64_t)__builtin_ctzll(found));
}
