/* Instruments: what is traded, its ticks, lots and limits, and whether trading in it is open. */
#ifndef VENUE_INSTRUMENT_H
#define VENUE_INSTRUMENT_H

#include <stdint.h>

#include "mix.h"
#include "wire.h"

struct arena;

struct instrument {
    struct wire_instrument_set content; /* content.instrument = 0: not defined */
    uint8_t state;                      /* wire TradingState */
};

/* Ids are 1..capacity. */
struct instruments {
    struct instrument *instruments;
    uint32_t capacity;
    u128 hash;
};

void instruments_lay_out(struct instruments *instruments, struct arena *arena, uint32_t capacity);

/* NULL when the id is out of range or not defined. */
const struct instrument *instrument_find(const struct instruments *instruments, uint32_t id);

/* Puts new content under a valid id; the hash follows. */
void instrument_define(struct instruments *instruments, uint32_t id, const struct instrument *content);

u128 instrument_mix(const struct instruments *instruments, uint32_t id);

#endif
