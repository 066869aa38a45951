/* The tick table of an instrument as a line of prices: the nearest price on tick, found without visiting those between.

   Steps count from 0 and not from where their band begins; a price below the first band is always on tick. */
#ifndef VENUE_TICK_H
#define VENUE_TICK_H

#include <stdint.h>

#include "instrument.h"

/* The nearest price on tick at or below, whatever the instrument's range; 0 when there is none. */
uint32_t tick_at_or_below(const struct instrument *instrument, uint32_t tick);

/* The nearest price on tick at or above; above TICK_MAX when there is none. */
uint32_t tick_at_or_above(const struct instrument *instrument, uint32_t tick);

#endif
