/* The ring of remembered trades; what is forgotten before it was ever hashed costs nothing. */
#include "trades.h"

#include <stddef.h>

#include "arena.h"

void trades_lay_out(struct trades *trades, struct arena *arena, uint32_t capacity) {
    trades->ring = arena_take(arena, (uint64_t)capacity + 1, sizeof(struct remembered_trade));
    trades->capacity = capacity;
}

u128 trade_mix(const struct remembered_trade *trade) {
    const uint64_t words[12] = {RECORD_TRADE,
                                trade->trade_id,
                                mix_pair(trade->price_ticks, trade->instrument),
                                (uint64_t)trade->quantity_lots,
                                (uint64_t)trade->notional_units,
                                (uint64_t)trade->buyer_fee_units,
                                (uint64_t)trade->seller_fee_units,
                                mix_pair(trade->buyer_account, trade->seller_account),
                                trade->buyer_order_id,
                                trade->seller_order_id,
                                mix_pair(trade->buyer_session, trade->seller_session),
                                mix_pair(trade->taker_side, trade->busted)};
    return mix128(words, 12);
}

static struct remembered_trade *at(const struct trades *trades, uint64_t number) {
    return &trades->ring[number % trades->capacity];
}

void trades_keep(struct trades *trades, uint32_t max) {
    while (trades->end - trades->first > max) {
        trades_forget_oldest(trades);
    }
}

struct remembered_trade *trades_find(const struct trades *trades, uint64_t trade_id) {
    uint64_t low = trades->first; /* trade_ids rise with the numbers */
    uint64_t high = trades->end;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (at(trades, middle)->trade_id < trade_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < trades->end && at(trades, low)->trade_id == trade_id ? at(trades, low) : NULL;
}

/* Unlike the others' this mix is kept per trade: what is forgotten leaves the hash with the mix it came in by. */
static void hash_trade(struct trades *trades, struct remembered_trade *trade) {
    const u128 mix = trade_mix(trade);
    trades->hash += mix;
    trade->mix_low = (uint64_t)mix;
    trade->mix_high = (uint64_t)(mix >> 64);
}

void trades_bust(struct trades *trades, struct remembered_trade *trade) {
    trades_rehash(trades);
    trades->hash -= trade_mix(trade);
    trade->busted = 1;
    hash_trade(trades, trade);
}

void trades_rehash(struct trades *trades) {
    for (; trades->hashed < trades->end; trades->hashed++) {
        hash_trade(trades, at(trades, trades->hashed));
    }
}
