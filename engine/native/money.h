/* Fee and reservation arithmetic (docs/ENGINE.md section 5): exact integers, rounded up once per order and not once per
 * fill. */
#ifndef VENUE_MONEY_H
#define VENUE_MONEY_H

#include <stdint.h>

#include "mix.h"
#include "venue_assert.h"
#include "wire.h"

enum { PPM = 1000000 };

/* A rate, below 2^20, times this and a remainder stay within 63 bits. */
static const int64_t NOTIONAL_SHORT = INT64_C(1) << 42;

__extension__ typedef __int128 i128;

static inline int32_t higher_ppm(int32_t maker_ppm, int32_t taker_ppm) {
    return maker_ppm > taker_ppm ? maker_ppm : taker_ppm;
}

/* What a fill pays, and the remainder of the order after it. */
struct fee {
    int64_t units; /* negative: a rebate */
    uint32_t remainder;
};

/* Fee of a further rate x notional for an order with remainder R. */
static inline struct fee fee_of(uint32_t remainder, int32_t rate_ppm, int64_t notional) {
    int64_t whole = 0;
    int64_t left = 0;
    if (__builtin_expect(notional <= NOTIONAL_SHORT && rate_ppm >= 0, 1)) {
        const uint64_t sum = remainder + (uint64_t)rate_ppm * (uint64_t)notional;
        whole = (int64_t)(sum / PPM);
        left = (int64_t)(sum % PPM);
    } else {
        /* In two steps, so that 64 bits hold everything whatever the notional: rate x (whole millions) needs no
         * division. */
        const int64_t sum = (int64_t)remainder + rate_ppm * (notional % PPM);
        left = sum % PPM;
        whole = rate_ppm * (notional / PPM) + sum / PPM;
        const int64_t below = left >> 63; /* -1 for a rebate's remainder */
        left += below & PPM;
        whole += below;
    }
    return (struct fee){.units = whole + (left != 0) - (remainder != 0), .remainder = (uint32_t)left};
}

/* price x quantity x tick size; the listing rules keep it within 61 bits. */
static inline int64_t notional_units(int64_t price_ticks, int64_t quantity_lots, int64_t tick_units) {
    int64_t notional = 0;
    VENUE_ASSERT(!__builtin_mul_overflow(price_ticks, quantity_lots, &notional) &&
                     !__builtin_mul_overflow(notional, tick_units, &notional) && notional >= 0,
                 "listing rules keep a notional within 63 bits");
    return notional;
}

/* What an order with these leaves must hold: a seller its base; a buyer, in quote, its notional and the most its fees
   can become. `rate_ppm` is the higher of its two rates: never negative, by the fee rule. */
static inline int64_t reservation_units(const struct wire_instrument_set *listing, uint8_t side, int64_t price_ticks,
                                        int64_t leaves_lots, uint32_t remainder, int32_t rate_ppm) {
    /* Both, and then a choice without a branch: sides come as they like, and a wrong guess costs more. */
    const int64_t base_units = leaves_lots * listing->lot_units;
    const int64_t notional = notional_units(price_ticks, leaves_lots, listing->tick_units);
    const int64_t quote_units = notional + fee_of(remainder, rate_ppm, notional).units;
    const int64_t chosen = -(int64_t)(side != WIRE_SIDE_SELL);
    return base_units ^ ((base_units ^ quote_units) & chosen);
}

#endif
