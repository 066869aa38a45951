/* The limits of an account on an instrument, held against what an order asks (docs/ENGINE.md section 6). */
#ifndef VENUE_STAKE_H
#define VENUE_STAKE_H

#include "account.h"
#include "instrument.h"
#include "money.h"

/* What an order asks of the limits of its account: `more_lots` is what it adds to the open lots. */
struct stake {
    int64_t price_ticks;
    int64_t quantity_lots;
    int64_t notional_units;
    int64_t more_lots;
    uint8_t side;
};

static inline bool beyond_position(const struct exposure *exposure, const struct stake *stake) {
    if (exposure->max_position_lots == 0 || stake->more_lots <= 0) {
        return false;
    }
    const i128 position = exposure->position_lots;
    const i128 reach = stake->side == WIRE_SIDE_BUY ? position + exposure->open_buy_lots + stake->more_lots
                                                    : exposure->open_sell_lots + (i128)stake->more_lots - position;
    return reach > exposure->max_position_lots;
}

static inline bool too_far(const struct instrument *instrument, const struct exposure *exposure, int64_t price_ticks) {
    const int64_t guide = guide_ticks(instrument);
    const int64_t distance = price_ticks > guide ? price_ticks - guide : guide - price_ticks;
    return exposure->max_distance_ppm > 0 && guide != 0 && distance * PPM > guide * exposure->max_distance_ppm;
}

static inline uint16_t judge_stake(const struct instrument *instrument, const struct exposure *exposure,
                                   const struct stake *stake) {
    if (__builtin_expect(!exposure->limited, 1)) {
        return WIRE_REASON_NONE;
    }
    if (too_far(instrument, exposure, stake->price_ticks)) {
        return WIRE_REASON_PRICE_TOO_FAR;
    }
    if (exposure->max_order_lots > 0 && stake->quantity_lots > exposure->max_order_lots) {
        return WIRE_REASON_ORDER_QUANTITY_LIMIT;
    }
    if (exposure->max_order_notional_units > 0 && stake->notional_units > exposure->max_order_notional_units) {
        return WIRE_REASON_ORDER_NOTIONAL_LIMIT;
    }
    return beyond_position(exposure, stake) ? WIRE_REASON_POSITION_LIMIT : WIRE_REASON_NONE;
}

#endif
