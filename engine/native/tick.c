/* A band without a price on tick above (or below) leads to the next band: no search takes more steps than there are
   bands. */
#include "tick.h"

#include "level.h"

/* Where the next band above a tick begins; above TICK_MAX when there is none. */
static uint32_t next_band_from(const struct instrument *instrument, uint32_t tick) {
    int64_t next = TICK_MAX + 1;
    for (uint32_t i = 0; i < TICK_BANDS; i++) {
        const int64_t from_ticks = instrument->tick_bands[i].from_ticks;
        if (from_ticks > tick && from_ticks < next) {
            next = from_ticks;
        }
    }
    return (uint32_t)next;
}

uint32_t tick_at_or_below(const struct instrument *instrument, uint32_t tick) {
    const struct tick_band *band = tick_band_at(instrument, tick);
    while (band != NULL) {
        const uint32_t multiple = tick - tick % (uint32_t)band->tick_step;
        if (multiple >= band->from_ticks) {
            return multiple;
        }
        tick = (uint32_t)band->from_ticks - 1;
        band = tick_band_at(instrument, tick);
    }
    return tick;
}

uint32_t tick_at_or_above(const struct instrument *instrument, uint32_t tick) {
    while (tick <= TICK_MAX) {
        const struct tick_band *band = tick_band_at(instrument, tick);
        const uint32_t step = band == NULL ? 1 : (uint32_t)band->tick_step;
        const uint32_t multiple = (tick + step - 1) / step * step;
        const uint32_t next = next_band_from(instrument, tick);
        if (multiple < next) {
            return multiple;
        }
        tick = next;
    }
    return TICK_MAX + 1;
}
