/* Fee and reservation arithmetic (docs/ENGINE.md section 5): exact integers, rounded up once per order and not once per
 * fill. */
#ifndef VENUE_MONEY_H
#define VENUE_MONEY_H

#include <stdint.h>

#include "mix.h"
#include "venue_assert.h"
#include "wire.h"

enum { PPM = 1000000 };

static inline uint32_t higher_ppm(uint32_t maker_ppm, uint32_t taker_ppm) {
    return maker_ppm > taker_ppm ? maker_ppm : taker_ppm;
}

/* Fee owed on accumulated rate x notional: ceil(accumulated / 10^6). */
static inline u128 fee_owed(u128 accumulated) {
    const u128 rounded = accumulated + (PPM - 1);
    if (__builtin_expect(rounded >> 64 == 0, 1)) {
        return (uint64_t)rounded / PPM; /* a multiplication, where 128 bits would be a slow division */
    }
    return rounded / PPM;
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
   can become. `accumulated` is rate x notional of its fills so far, `rate_ppm` the higher of its two rates. */
static inline int64_t reservation_units(const struct wire_instrument_set *listing, uint8_t side, int64_t price_ticks,
                                        int64_t leaves_lots, u128 accumulated, uint32_t rate_ppm) {
    if (side == WIRE_SIDE_SELL) {
        return leaves_lots * listing->lot_units;
    }
    const int64_t notional = notional_units(price_ticks, leaves_lots, listing->tick_units);
    const u128 fee = fee_owed(accumulated + (u128)rate_ppm * (uint64_t)notional) - fee_owed(accumulated);
    VENUE_ASSERT(fee + (uint64_t)notional <= INT64_MAX, "listing rules keep a reservation within 63 bits");
    return notional + (int64_t)fee;
}

#endif
