/* Orders and the books they rest in: slots, price-time priority, and finding an order by OrderID or ClOrdID.

   Order index = slot + 1; index 0 means none. Between commands an order is open exactly when it rests in a book, its
   leaves are above 0, its ClOrdID is in `open`, and the quantity of its level includes its leaves. Books know nothing
   of money. */
#ifndef VENUE_BOOK_H
#define VENUE_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "level.h"
#include "mix.h"
#include "pool.h"
#include "table.h"

/* What matching touches: one cache line. */
struct order {
    uint32_t next; /* towards younger orders of its level */
    uint32_t previous;
    uint32_t generation; /* of the slot; survives the order */
    uint32_t price_ticks;
    int64_t leaves_lots; /* 0: the slot is free */
    int64_t cum_lots;
    u128 fee_accumulated; /* sum over the fills of rate in ppm x notional */
    int64_t reserved_units;
    uint32_t account;
    uint32_t instrument;
};
_Static_assert(sizeof(struct order) == 64, "an order is one cache line");

enum { CLORDID_SIZE = 36, CLORDID_WORDS = 5 };

/* What only reports and hashing need. */
struct order_details {
    uint32_t session;
    uint32_t maker_ppm;
    uint32_t taker_ppm;
    uint8_t side;
    uint8_t order_type;
    uint8_t time_in_force;
    uint8_t reserved;
    uint64_t priority;
    uint64_t clordid[CLORDID_WORDS]; /* NUL-padded text */
    u128 key;                        /* of (session, ClOrdID) */
    u128 mix;                        /* this record's part in the hash; 0 while it has none */
};

struct books {
    struct order *orders;          /* by order index */
    struct order_details *details; /* by order index */
    struct ladder *ladders;        /* two per instrument */
    uint64_t *day_orders;          /* bit per order index: rests with time in force Day */
    struct page_pool pages;
    struct pool slots;
    struct table open; /* key of (session, ClOrdID) -> order index */
    uint32_t capacity;
    uint32_t in_use;
    u128 hash; /* of all order and slot generation records */
};

void books_lay_out(struct books *books, struct arena *arena, uint32_t orders, uint32_t price_pages,
                   uint32_t instruments);
void books_start(struct books *books, uint32_t instruments);

static inline struct ladder *book_side(const struct books *books, uint32_t instrument, uint8_t side) {
    return &books->ladders[(uint64_t)instrument * 2 + (side - 1U)];
}

static inline uint8_t opposite(uint8_t side) {
    return side == WIRE_SIDE_BUY ? WIRE_SIDE_SELL : WIRE_SIDE_BUY;
}

/* True when an order of `side` with limit `price_ticks` trades against the opposite price `other_ticks` (0: there is
 * none). */
static inline bool crosses(uint8_t side, uint32_t price_ticks, uint32_t other_ticks) {
    return other_ticks != 0 && (side == WIRE_SIDE_BUY ? other_ticks <= price_ticks : other_ticks >= price_ticks);
}

/* Only a limit order that lives beyond its own command ever stands in the book. */
static inline bool may_rest(uint8_t order_type, uint8_t time_in_force) {
    return order_type == WIRE_ORDER_TYPE_LIMIT &&
           (time_in_force == WIRE_TIME_IN_FORCE_DAY || time_in_force == WIRE_TIME_IN_FORCE_GOOD_TILL_CANCEL);
}

static inline uint64_t order_id(const struct books *books, uint32_t index) {
    return (uint64_t)books->orders[index].generation << 32 | (index - 1);
}

/* Takes a slot in its next generation; the caller fills the order in. */
uint32_t order_take(struct books *books);

/* Frees the slot; a slot in its last generation is never taken again. */
void order_free(struct books *books, uint32_t index);

/* Puts the order at the back of its level. */
void book_rest(struct books *books, uint32_t index, uint64_t priority);

/* Takes the order out of its level and out of `open`; the slot stays taken. */
void book_remove(struct books *books, uint32_t index);

/* Lowers the leaves of a resting order; it keeps its place, and stays in the book even with nothing left. */
void book_reduce(struct books *books, uint32_t index, int64_t lots);

/* Gives a resting order another ClOrdID. */
void book_rename(struct books *books, uint32_t index, const uint64_t clordid[CLORDID_WORDS], u128 key);

/* Brings the hash in step after a change of an open order. */
void order_changed(struct books *books, uint32_t index);

/* The order after this one in priority order on its side; 0 when it is the last. */
uint32_t book_next(const struct books *books, uint32_t index);

/* The first order of a side in priority order; 0 when the side is empty. */
uint32_t book_first(const struct books *books, uint32_t instrument, uint8_t side);

/* First resting Day order at or after this index; 0 when there is none. */
uint32_t book_next_day_order(const struct books *books, uint64_t index);

u128 order_mix(const struct books *books, uint32_t index);
u128 generation_mix(uint32_t slot, uint32_t generation);

#endif
