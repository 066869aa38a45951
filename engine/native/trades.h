/* The last trades, remembered so that an operator can bust one: a ring of max_bustable_trades. */
#ifndef VENUE_TRADES_H
#define VENUE_TRADES_H

#include <stdint.h>

#include "mix.h"
#include "venue_assert.h"

struct arena;

struct remembered_trade {
    uint64_t trade_id;
    int64_t quantity_lots;
    int64_t notional_units;
    int64_t buyer_fee_units;
    int64_t seller_fee_units;
    uint64_t buyer_order_id;
    uint64_t seller_order_id;
    uint32_t price_ticks;
    uint32_t buyer_account;
    uint32_t seller_account;
    uint16_t instrument;
    uint16_t buyer_session;
    uint16_t seller_session;
    uint8_t taker_side;
    uint8_t busted;
    uint32_t reserved;
    uint64_t mix_low; /* its part in the hash; meaningless while it is not hashed */
    uint64_t mix_high;
};
_Static_assert(sizeof(struct remembered_trade) == 96, "a remembered trade is one and a half cache lines");

/* Trades are numbered from 0 as they come; number n lies at ring[n % capacity]. first <= hashed <= end always. */
struct trades {
    struct remembered_trade *ring;
    uint32_t capacity;
    uint32_t first_place; /* first % capacity */
    uint32_t end_place;   /* end % capacity */
    uint64_t first;       /* oldest remembered */
    uint64_t hashed;      /* the oldest remembered that is not yet in `hash` */
    uint64_t end;
    u128 hash; /* as of the last state hash, without what was forgotten since */
};

void trades_lay_out(struct trades *trades, struct arena *arena, uint32_t capacity);

static inline void trades_forget_oldest(struct trades *trades) {
    if (trades->first < trades->hashed) {
        const struct remembered_trade *oldest = &trades->ring[trades->first_place];
        trades->hash -= (u128)oldest->mix_high << 64 | oldest->mix_low;
    } else {
        trades->hashed++;
    }
    trades->first++;
    trades->first_place = trades->first_place + 1 == trades->capacity ? 0 : trades->first_place + 1;
}

/* Where the next trade is written, all fields but the mix: the oldest is forgotten when `max` (at least 1) are
 * remembered. */
static inline struct remembered_trade *trades_next(struct trades *trades, uint32_t max) {
    VENUE_ASSERT(max >= 1 && max <= trades->capacity, "as many trades are remembered as there is room for");
    if (trades->end - trades->first >= max) {
        trades_forget_oldest(trades);
    }
    struct remembered_trade *trade = &trades->ring[trades->end_place];
    /* The ring is longer than the caches: what comes four trades later is asked for now. */
    __builtin_prefetch(trade + 4, 1);
    __builtin_prefetch((const uint8_t *)(trade + 5) - 1, 1);
    trades->end++;
    trades->end_place = trades->end_place + 1 == trades->capacity ? 0 : trades->end_place + 1;
    return trade;
}

/* The limit has changed: forgets the oldest beyond `max`. */
void trades_keep(struct trades *trades, uint32_t max);

/* The remembered trade of this id, NULL when there is none. */
struct remembered_trade *trades_find(const struct trades *trades, uint64_t trade_id);

/* Marks it busted; the hash follows. */
void trades_bust(struct trades *trades, struct remembered_trade *trade);

/* Brings `hash` in step. */
void trades_rehash(struct trades *trades);

u128 trade_mix(const struct remembered_trade *trade);

#endif
