/* Slots of orders, their records in the state hash, and walking a ladder in priority order. */
#include "book.h"

#include "arena.h"
#include "queue.h"
#include "venue_assert.h"

void books_lay_out(struct books *books, struct arena *arena, uint32_t orders, uint32_t price_pages) {
    books->orders = arena_take(arena, (uint64_t)orders + 1, sizeof(struct order));
    books->details = arena_take(arena, (uint64_t)orders + 1, sizeof(struct order_details));
    dirty_lay_out(&books->dirty, arena, (uint64_t)orders + 1);
    pages_lay_out(&books->pages, arena, price_pages);
    pool_lay_out(&books->slots, arena, orders);
    books->capacity = orders;
}

void books_lay_out_sparse(struct books *books, struct arena *arena, uint32_t instruments) {
    books->terms = arena_take(arena, (uint64_t)books->capacity + 1, sizeof(struct order_terms));
    books->ladders = arena_take(arena, ((uint64_t)instruments + 1) * LADDER_KINDS, sizeof(struct ladder));
}

void books_start(struct books *books) {
    pool_fill(&books->slots);
    pool_fill(&books->pages.free);
}

void books_define(const struct books *books, uint32_t instrument) {
    ladder_at(books, instrument, LADDER_BUY)->highest_first = true;
    ladder_at(books, instrument, LADDER_STOP_SELL_LAST)->highest_first = true;
    ladder_at(books, instrument, LADDER_STOP_SELL_REFERENCE)->highest_first = true;
}

const struct order_terms *order_terms(const struct books *books, uint32_t index) {
    static const struct order_terms none = {0};
    return (books->orders[index].flags & ORDER_TERMS) != 0 ? &books->terms[index] : &none;
}

struct order_terms *order_terms_own(const struct books *books, uint32_t index) {
    struct order *order = &books->orders[index];
    if ((order->flags & ORDER_TERMS) == 0) {
        order->flags |= ORDER_TERMS;
        books->terms[index] = (struct order_terms){0};
    }
    return &books->terms[index];
}

void order_set_display(const struct books *books, uint32_t index, int64_t display_lots) {
    struct order *order = &books->orders[index];
    if (display_lots > 0) {
        order_terms_own(books, index)->display_lots = display_lots;
        order->flags |= ORDER_ICEBERG;
    }
}

uint32_t queue_first(const struct books *books, const struct ladder *ladder) {
    return ladder->best_tick == 0 ? 0 : ladder_level(&books->pages, ladder, ladder->best_tick)->head;
}

uint32_t queue_next(const struct books *books, const struct ladder *ladder, uint32_t tick, uint32_t index) {
    const uint32_t next = books->orders[index].next;
    if (next != 0) {
        return next;
    }
    const uint32_t next_tick = ladder_next(&books->pages, ladder, tick);
    return next_tick == 0 ? 0 : ladder_level(&books->pages, ladder, next_tick)->head;
}

static u128 order_mix(const struct books *books, uint32_t index) {
    const struct order *order = &books->orders[index];
    const uint32_t stp_and_flags = (order->flags & ORDER_HASHED_FLAGS) | (uint32_t)order_stp_mode(order) << 3;
    const uint32_t kind =
        order->side | (uint32_t)order_type(order) << 8 | (uint32_t)order->time_in_force << 16 | stp_and_flags << 24;
    uint64_t words[14] = {RECORD_ORDER,
                          order_id(books, index),
                          mix_pair(order->session, order->account),
                          mix_pair(order->instrument, kind),
                          mix_pair(order->price_ticks, order->fee_remainder),
                          (uint64_t)order->leaves_lots,
                          (uint64_t)order->cum_lots,
                          order->priority,
                          mix_pair((uint32_t)order->maker_ppm, (uint32_t)order->taker_ppm)};
    memcpy(&words[9], books->details[index].clordid, CLORDID_SIZE);
    return mix128(words, 14);
}

static u128 terms_mix(const struct books *books, uint32_t index) {
    const struct order *order = &books->orders[index];
    const struct order_terms *terms = order_terms(books, index);
    const bool shows_part = (order->flags & ORDER_ICEBERG) != 0 && (order->flags & ORDER_DORMANT) == 0;
    const uint64_t words[6] = {RECORD_TERMS,
                               order_id(books, index),
                               (uint64_t)terms->display_lots,
                               shows_part ? (uint64_t)terms->displayed_lots : 0,
                               terms->stop_price_ticks,
                               terms->expire_ns};
    return (words[2] | words[3] | words[4] | words[5]) != 0 ? mix128(words, 6) : 0;
}

static u128 open_order_mix(const struct books *books, uint32_t index) {
    const struct order *order = &books->orders[index];
    if (order->leaves_lots == 0) {
        return 0;
    }
    const u128 mix = order_mix(books, index);
    return (order->flags & ORDER_TERMS) != 0 ? mix + terms_mix(books, index) : mix;
}

static u128 generation_mix(uint32_t index, uint32_t generation) {
    const uint64_t words[2] = {RECORD_GENERATION, mix_pair(index - 1, generation)};
    return generation != 0 ? mix128(words, 2) : 0;
}

u128 slot_mix(const struct books *books, uint32_t index) {
    return open_order_mix(books, index) + generation_mix(index, books->orders[index].generation);
}

static void rehash_slot(struct books *books, uint32_t index) {
    struct order *order = &books->orders[index];
    struct order_details *details = &books->details[index];
    const u128 mix = open_order_mix(books, index);
    books->hash += mix - ((u128)details->mix_high << 64 | details->mix_low);
    details->mix_low = (uint64_t)mix;
    details->mix_high = (uint64_t)(mix >> 64);
    if ((order->flags & ORDER_NEW) != 0) {
        books->hash += generation_mix(index, order->generation) - generation_mix(index, details->hashed_generation);
        details->hashed_generation = order->generation;
    }
    order->flags &= (uint8_t)~(ORDER_DIRTY | ORDER_NEW);
}

void books_rehash(struct books *books) {
    uint64_t group = 0;
    uint64_t batch[DIRTY_BATCH];
    uint32_t count = DIRTY_BATCH;
    while (count == DIRTY_BATCH) {
        count = dirty_take_batch(&books->dirty, &group, batch);
        for (uint32_t i = 0; i < count; i++) {
            __builtin_prefetch(&books->orders[batch[i]], 1);
            __builtin_prefetch(&books->details[batch[i]], 1);
        }
        for (uint32_t i = 0; i < count; i++) {
            rehash_slot(books, (uint32_t)batch[i]);
        }
    }
}
