/* Orders and the queues they stand in: slots, price-time priority, the state an order is in.

   Order index = slot + 1; index 0 means none. Between commands an order is open exactly when its leaves are above 0;
   then it stands in one place: working in a level of its book, dormant in a level of a stop ladder, or dormant in the
   parked list of its instrument. Books know nothing of money. */
#ifndef VENUE_BOOK_H
#define VENUE_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "dirty.h"
#include "level.h"
#include "mix.h"
#include "pool.h"

/* The first three as in the state hash (docs/ENGINE.md section 8); the others never leave the core. */
enum order_flags {
    ORDER_DORMANT = 1,
    ORDER_POST_ONLY = 2,
    ORDER_TRIGGER_REFERENCE = 4,
    ORDER_TERMS = 8,    /* its order_terms count; otherwise they are left over from another order */
    ORDER_ICEBERG = 16, /* display_lots > 0 */
    ORDER_LISTED = 32,  /* counts as open in its session, account and exposure: not so a taker that has yet to rest */
    ORDER_DIRTY = 64,   /* marked in books.dirty */
    ORDER_NEW = 128,    /* its slot was taken since the last state hash: the generation record is another */
    ORDER_HASHED_FLAGS = ORDER_DORMANT | ORDER_POST_ONLY | ORDER_TRIGGER_REFERENCE
};

/* What matching touches: one cache line. */
struct order {
    uint32_t next; /* towards younger orders of its level or list */
    uint32_t previous;
    uint32_t generation; /* of the slot; survives the order */
    uint32_t price_ticks;
    int64_t leaves_lots; /* 0: the slot is free */
    int64_t cum_lots;
    uint64_t priority;
    uint32_t account;
    uint32_t fee_remainder; /* R: sum over the fills of rate in ppm x notional, mod 10^6 */
    int32_t maker_ppm;
    int32_t taker_ppm;
    uint16_t instrument;
    uint16_t session;
    uint8_t side;
    uint8_t kind; /* order type + stp_mode as sent x 8 */
    uint8_t time_in_force;
    uint8_t flags; /* enum order_flags */
};
_Static_assert(sizeof(struct order) == 64, "an order is one cache line");

enum { CLORDID_SIZE = 36, CLORDID_WORDS = 5 };

/* What only reports, hashing and mass cancels need: one cache line. */
struct order_details {
    uint64_t mix_low; /* of the order's records, as of the last state hash */
    uint64_t mix_high;
    uint32_t account_newer; /* the open orders of an account, by acceptance; order indices */
    uint32_t account_older;
    char clordid[CLORDID_SIZE];
    uint32_t hashed_generation; /* of the slot, as of the last state hash; 0: not taken by then */
};
_Static_assert(sizeof(struct order_details) == 64, "an order's details are one cache line");

/* What few orders have; touched only while ORDER_TERMS is set. */
struct order_terms {
    int64_t display_lots;   /* 0: all of it shows */
    int64_t displayed_lots; /* icebergs: what shows now; 0 while dormant */
    uint64_t expire_ns;     /* GoodTillDate */
    uint32_t stop_price_ticks;
    uint32_t expiry_place; /* in the heap of timer.h, from 1; 0: not in it */
};
_Static_assert(sizeof(struct order_terms) == 32, "two orders' terms are one cache line");

/* Six ladders per instrument. */
enum ladder_kind {
    LADDER_BUY = 0, /* side - 1 */
    LADDER_SELL = 1,
    LADDER_STOP_BUY_LAST = 2, /* 2 + (reference ? 2 : 0) + side - 1 */
    LADDER_STOP_SELL_LAST = 3,
    LADDER_STOP_BUY_REFERENCE = 4,
    LADDER_STOP_SELL_REFERENCE = 5,
    LADDER_KINDS = 6
};

struct books {
    struct order *orders;          /* by order index */
    struct order_details *details; /* by order index */
    struct order_terms *terms;     /* by order index */
    struct ladder *ladders;        /* LADDER_KINDS per instrument */
    struct page_pool pages;
    struct pool slots;
    struct dirty dirty; /* by order index */
    uint32_t capacity;
    uint32_t in_use;
    uint32_t slots_used; /* different slots ever taken: those below this number */
    u128 hash;           /* of order, terms and slot generation records, as of the last state hash */
};

void books_lay_out(struct books *books, struct arena *arena, uint32_t orders, uint32_t price_pages);
/* Ladders and terms: what is touched here and there. */
void books_lay_out_sparse(struct books *books, struct arena *arena, uint32_t instruments);
void books_start(struct books *books);

/* An instrument is listed: its six ladders know their direction. */
void books_define(const struct books *books, uint32_t instrument);

static inline struct ladder *ladder_at(const struct books *books, uint32_t instrument, uint32_t kind) {
    return &books->ladders[(uint64_t)instrument * LADDER_KINDS + kind];
}

static inline struct ladder *book_side(const struct books *books, uint32_t instrument, uint8_t side) {
    return ladder_at(books, instrument, side - 1U);
}

static inline struct ladder *stop_ladder(const struct books *books, uint32_t instrument, uint8_t side, bool reference) {
    const uint32_t first = reference ? LADDER_STOP_BUY_REFERENCE : LADDER_STOP_BUY_LAST;
    return ladder_at(books, instrument, first + side - 1U);
}

static inline uint8_t opposite(uint8_t side) {
    return (uint8_t)(WIRE_SIDE_BUY + WIRE_SIDE_SELL - side);
}

/* True when an order of `side` with limit `price_ticks` trades against the opposite price `other_ticks` (0: there is
 * none). */
static inline bool crosses(uint8_t side, uint32_t price_ticks, uint32_t other_ticks) {
    const uint32_t reversed = 0U - (uint32_t)(side != WIRE_SIDE_BUY); /* no branch: sides come as they like */
    return (other_ticks != 0) & ((other_ticks ^ reversed) <= (price_ticks ^ reversed));
}

static inline uint8_t order_type(const struct order *order) {
    return order->kind & 7U;
}

static inline uint8_t order_stp_mode(const struct order *order) {
    return order->kind >> 3;
}

static inline bool order_is_stop(uint8_t type) {
    return type == WIRE_ORDER_TYPE_STOP || type == WIRE_ORDER_TYPE_STOP_LIMIT;
}

/* Parked: at the close, before its auction. Any other dormant order waits in a stop ladder. */
static inline bool order_is_parked(const struct order *order) {
    return (order->flags & ORDER_DORMANT) != 0 && !order_is_stop(order_type(order));
}

/* True for an order that may stand in the book: unless it is IOC, FOK, Market with Day, or a Stop. */
static inline bool may_rest(uint8_t type, uint8_t time_in_force) {
    return time_in_force != WIRE_TIME_IN_FORCE_IMMEDIATE_OR_CANCEL &&
           time_in_force != WIRE_TIME_IN_FORCE_FILL_OR_KILL && type != WIRE_ORDER_TYPE_STOP &&
           !(type == WIRE_ORDER_TYPE_MARKET && time_in_force == WIRE_TIME_IN_FORCE_DAY);
}

static inline uint64_t order_id(const struct books *books, uint32_t index) {
    return (uint64_t)books->orders[index].generation << 32 | (index - 1);
}

/* The order's terms; all zero when it has none. */
const struct order_terms *order_terms(const struct books *books, uint32_t index);

/* The order's own terms to be written to, zeroed when it had none; ORDER_TERMS is set. */
struct order_terms *order_terms_own(const struct books *books, uint32_t index);

/* Sets display_lots and ORDER_ICEBERG with it; displayed_lots is set by whoever lets the order rest. */
void order_set_display(const struct books *books, uint32_t index, int64_t display_lots);

/* What shows of a working order. */
static inline int64_t order_displayed(const struct books *books, uint32_t index) {
    const struct order *order = &books->orders[index];
    return (order->flags & ORDER_ICEBERG) != 0 ? books->terms[index].displayed_lots : order->leaves_lots;
}

/* The order is hashed again: call after any change of an open order. */
static inline void order_changed(const struct books *books, uint32_t index) {
    struct order *order = &books->orders[index];
    if ((order->flags & ORDER_DIRTY) == 0) {
        order->flags |= ORDER_DIRTY;
        dirty_mark(&books->dirty, index);
    }
}

/* Takes a slot in its next generation; the caller fills the order in, all fields but generation, and flags only by way
 * of `flags = ORDER_DIRTY | ...`. The slot is marked dirty. */
static inline uint32_t order_take(struct books *books) {
    const uint32_t slot = pool_take(&books->slots);
    const uint32_t index = slot + 1;
    struct order *order = &books->orders[index];
    VENUE_ASSERT(order->leaves_lots == 0 && order->generation < UINT32_MAX, "a free slot has a generation left");
    order_changed(books, index);
    order->flags = ORDER_DIRTY | ORDER_NEW;
    order->generation++;
    books->in_use++;
    if (slot >= books->slots_used) {
        books->slots_used = slot + 1;
    }
    return index;
}

/* Frees the slot; a slot in its last generation is never taken again. */
static inline void order_free(struct books *books, uint32_t index) {
    struct order *order = &books->orders[index];
    VENUE_ASSERT((order->flags & ORDER_LISTED) == 0, "a closed order is nowhere counted as open");
    order_changed(books, index);
    order->leaves_lots = 0;
    books->in_use--;
    if (order->generation < UINT32_MAX) {
        pool_give_back(&books->slots, index - 1);
    }
}

/* The order after this one in priority order in a ladder, `tick` being its level; 0 when it is the last. */
uint32_t queue_next(const struct books *books, const struct ladder *ladder, uint32_t tick, uint32_t index);

/* The first order of a ladder in priority order; 0 when it is empty. */
uint32_t queue_first(const struct books *books, const struct ladder *ladder);

/* Brings `hash` in step with everything marked dirty. */
void books_rehash(struct books *books);

/* Sum of the mixes of all records of a slot: its order's, if one is open, and its generation's. */
u128 slot_mix(const struct books *books, uint32_t index);

#endif
