/* The instrument table; every change goes through instrument_define, which keeps the hash in step. */
#include "instrument.h"

#include <stddef.h>

#include "arena.h"

void instruments_lay_out(struct instruments *instruments, struct arena *arena, uint32_t capacity) {
    instruments->instruments = arena_take(arena, (uint64_t)capacity + 1, sizeof(struct instrument));
    instruments->capacity = capacity;
}

const struct instrument *instrument_find(const struct instruments *instruments, uint32_t id) {
    if (id == 0 || id > instruments->capacity || instruments->instruments[id].content.instrument == 0) {
        return NULL;
    }
    return &instruments->instruments[id];
}

u128 instrument_mix(const struct instruments *instruments, uint32_t id) {
    const struct wire_instrument_set *content = &instruments->instruments[id].content;
    if (content->instrument == 0) {
        return 0;
    }
    uint64_t words[20] = {RECORD_INSTRUMENT,
                          id,
                          content->base,
                          content->quote,
                          instruments->instruments[id].state,
                          (uint64_t)content->tick_units,
                          (uint64_t)content->lot_units,
                          (uint64_t)content->price_min_ticks,
                          (uint64_t)content->price_max_ticks,
                          (uint64_t)content->quantity_max_lots,
                          (uint64_t)content->notional_max_units,
                          (uint64_t)content->protection_ticks,
                          (uint64_t)content->maker_fee_ppm,
                          (uint64_t)content->taker_fee_ppm,
                          content->tick_exponent,
                          content->lot_exponent,
                          (uint64_t)content->tick_mantissa,
                          (uint64_t)content->lot_mantissa};
    mix_text(&words[18], content->symbol, 2);
    return mix128(words, 20);
}

void instrument_define(struct instruments *instruments, uint32_t id, const struct instrument *content) {
    instruments->hash -= instrument_mix(instruments, id);
    instruments->instruments[id] = *content;
    instruments->hash += instrument_mix(instruments, id);
}
