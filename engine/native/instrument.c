/* The instrument table; listings, bands, tiers and schedules are hashed as they are defined, the market when asked. */
#include "instrument.h"

#include "arena.h"

void instruments_lay_out(struct instruments *instruments, struct arena *arena, uint32_t capacity) {
    instruments->instruments = arena_take(arena, (uint64_t)capacity + 1, sizeof(struct instrument));
    dirty_lay_out(&instruments->dirty, arena, (uint64_t)capacity + 1);
    instruments->capacity = capacity;
}

u128 listing_mix(const struct instruments *instruments, uint32_t id) {
    const struct wire_instrument_set *content = &instruments->instruments[id].content;
    if (content->instrument == 0) {
        return 0;
    }
    uint64_t words[20] = {RECORD_INSTRUMENT,
                          mix_pair(id, content->base),
                          mix_pair(content->quote, content->initial_phase),
                          (uint64_t)content->tick_units,
                          (uint64_t)content->lot_units,
                          (uint64_t)content->price_min_ticks,
                          (uint64_t)content->price_max_ticks,
                          (uint64_t)content->quantity_max_lots,
                          (uint64_t)content->notional_max_units,
                          (uint64_t)content->protection_ticks,
                          mix_pair((uint32_t)content->maker_fee_ppm, (uint32_t)content->taker_fee_ppm),
                          mix_pair(content->tick_exponent, content->lot_exponent),
                          (uint64_t)content->tick_mantissa,
                          (uint64_t)content->lot_mantissa};
    mix_text(&words[14], content->symbol, 2);
    words[16] = (uint64_t)content->quantity_min_lots;
    words[17] = (uint64_t)content->notional_min_units;
    words[18] = mix_pair(content->static_band_ppm, content->dynamic_band_ppm);
    words[19] = content->volatility_auction_ms;
    return mix128(words, 20);
}

u128 market_mix(const struct instruments *instruments, uint32_t id) {
    const struct instrument *instrument = &instruments->instruments[id];
    if (instrument->content.instrument == 0) {
        return 0;
    }
    const uint64_t words[16] = {RECORD_MARKET,
                                mix_pair(id, instrument->state),
                                mix_pair(instrument->phase, (uint32_t)instrument->trades),
                                mix_pair(instrument->last_ticks, instrument->reference_ticks),
                                mix_pair(instrument->trigger_high, instrument->trigger_low),
                                instrument->end_ns,
                                instrument->next_schedule_ns,
                                instrument->indicative_ns,
                                (uint64_t)instrument->indicative.price_ticks,
                                (uint64_t)instrument->indicative.volume_lots,
                                (uint64_t)instrument->indicative.surplus_lots,
                                mix_pair(instrument->open_ticks, instrument->high_ticks),
                                instrument->low_ticks,
                                instrument->volume_lots,
                                instrument->turnover_low,
                                instrument->turnover_high};
    return mix128(words, 16);
}

u128 tick_band_mix(const struct instruments *instruments, uint32_t id, uint32_t band) {
    const struct tick_band *content = &instruments->instruments[id].tick_bands[band - 1];
    const uint64_t words[5] = {RECORD_TICK_BAND, mix_pair(id, band), (uint64_t)content->from_ticks,
                               (uint64_t)content->tick_step, (uint64_t)content->lot_step};
    return content->from_ticks != 0 ? mix128(words, 5) : 0;
}

u128 fee_tier_mix(const struct instruments *instruments, uint32_t id, uint32_t tier) {
    const struct fee_tier *content = &instruments->instruments[id].fee_tiers[tier];
    const uint64_t words[3] = {RECORD_FEE_TIER, mix_pair(id, tier),
                               mix_pair((uint32_t)content->maker_ppm, (uint32_t)content->taker_ppm)};
    return content->defined ? mix128(words, 3) : 0;
}

u128 schedule_mix(const struct instruments *instruments, uint32_t id, uint32_t entry) {
    const struct schedule_entry *content = &instruments->instruments[id].schedule[entry - 1];
    const uint64_t words[3] = {RECORD_SCHEDULE, mix_pair(id, entry), mix_pair(content->second_of_day, content->phase)};
    return content->phase != 0 ? mix128(words, 3) : 0;
}

void listing_define(struct instruments *instruments, uint32_t id, const struct wire_instrument_set *content) {
    instruments->hash -= listing_mix(instruments, id);
    instruments->instruments[id].content = *content;
    instruments->hash += listing_mix(instruments, id);
    market_changed(instruments, id);
}

void tick_band_define(struct instruments *instruments, uint32_t id, uint32_t band, const struct tick_band *content) {
    struct instrument *instrument = &instruments->instruments[id];
    instruments->hash -= tick_band_mix(instruments, id, band);
    instrument->tick_bands[band - 1] = *content;
    instruments->hash += tick_band_mix(instruments, id, band);
    instrument->bands = 0;
    for (uint32_t i = 0; i < TICK_BANDS; i++) {
        instrument->bands = (uint8_t)(instrument->bands + (instrument->tick_bands[i].from_ticks != 0));
    }
}

void fee_tier_define(struct instruments *instruments, uint32_t id, uint32_t tier, const struct fee_tier *content) {
    instruments->hash -= fee_tier_mix(instruments, id, tier);
    instruments->instruments[id].fee_tiers[tier] = *content;
    instruments->hash += fee_tier_mix(instruments, id, tier);
}

void schedule_define(struct instruments *instruments, uint32_t id, uint32_t entry,
                     const struct schedule_entry *content) {
    instruments->hash -= schedule_mix(instruments, id, entry);
    instruments->instruments[id].schedule[entry - 1] = *content;
    instruments->hash += schedule_mix(instruments, id, entry);
}

const struct tick_band *tick_band_at(const struct instrument *instrument, int64_t price_ticks) {
    const struct tick_band *best = NULL;
    for (uint32_t i = 0; i < TICK_BANDS; i++) {
        const struct tick_band *band = &instrument->tick_bands[i];
        if (band->from_ticks != 0 && band->from_ticks <= price_ticks &&
            (best == NULL || band->from_ticks >= best->from_ticks)) {
            best = band;
        }
    }
    return best;
}

void instruments_rehash(struct instruments *instruments) {
    uint64_t group = 0;
    uint64_t id = 0;
    while (dirty_take(&instruments->dirty, &group, &id)) {
        struct instrument *instrument = &instruments->instruments[id];
        const u128 mix = market_mix(instruments, (uint32_t)id);
        instruments->hash += mix - ((u128)instrument->mix_high << 64 | instrument->mix_low);
        instrument->mix_low = (uint64_t)mix;
        instrument->mix_high = (uint64_t)(mix >> 64);
    }
}
