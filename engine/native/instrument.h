/* Instruments: what is traded, its ticks, lots, fees and limits, its market phase, and its statistics of the day. */
#ifndef VENUE_INSTRUMENT_H
#define VENUE_INSTRUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dirty.h"
#include "mix.h"
#include "wire.h"

struct arena;

enum { TICK_BANDS = 8, FEE_TIERS = 8, SCHEDULE_ENTRIES = 8 };

/* Price and quantity steps from a price on; from_ticks 0: not defined. */
struct tick_band {
    int64_t from_ticks;
    int64_t tick_step;
    int64_t lot_step;
};

/* Rates of a tier; tier 0 is never defined here: its rates are the listing's. */
struct fee_tier {
    int32_t maker_ppm;
    int32_t taker_ppm;
    bool defined;
};

/* phase 0: not defined. */
struct schedule_entry {
    uint32_t second_of_day;
    uint8_t phase;
};

/* What a call auction would do now, as last told. */
struct indicative {
    int64_t price_ticks;
    int64_t volume_lots;
    int64_t surplus_lots;
};

struct instrument {
    struct wire_instrument_set content; /* content.instrument = 0: not defined; reserved bytes are 0 */
    /* market: record 12 */
    uint8_t state; /* wire TradingState */
    uint8_t phase; /* wire Phase */
    uint8_t bands; /* number of tick bands defined: 0 means everything is on tick and on lot */
    uint8_t reserved[5];
    uint32_t last_ticks;      /* of the last trade ever; 0: none */
    uint32_t reference_ticks; /* 0: none */
    uint32_t trigger_high;    /* highest and lowest trade since the stops were last looked at; 0: none */
    uint32_t trigger_low;
    uint64_t end_ns;
    uint64_t next_schedule_ns;
    uint64_t indicative_ns;
    struct indicative indicative;
    /* statistics of the trading day; all 0 while it has no trade */
    uint64_t trades;
    uint32_t open_ticks;
    uint32_t high_ticks;
    uint32_t low_ticks;
    uint32_t parked_head; /* at-the-close orders before their auction, by priority; order indices */
    uint32_t parked_tail;
    uint32_t stops; /* orders in the four stop ladders: nothing can be elected while it is 0 */
    uint64_t volume_lots;
    uint64_t turnover_low;
    uint64_t turnover_high;
    struct tick_band tick_bands[TICK_BANDS]; /* band - 1 */
    struct fee_tier fee_tiers[FEE_TIERS];    /* by tier */
    struct schedule_entry schedule[SCHEDULE_ENTRIES];
    uint64_t mix_low; /* of the market record, as of the last state hash */
    uint64_t mix_high;
};

/* Ids are 1..capacity, at most 65,535: orders keep them in 16 bits. */
struct instruments {
    struct instrument *instruments;
    struct dirty dirty; /* market records */
    uint32_t capacity;
    u128 hash; /* of listings, tick bands, tiers and schedules always; of markets as of the last state hash */
};

void instruments_lay_out(struct instruments *instruments, struct arena *arena, uint32_t capacity);

/* NULL when the id is out of range or not defined. */
static inline struct instrument *instrument_find(const struct instruments *instruments, uint32_t id) {
    if (id == 0 || id > instruments->capacity || instruments->instruments[id].content.instrument == 0) {
        return NULL;
    }
    return &instruments->instruments[id];
}

/* The market record is hashed again: call after any change of state, phase, prices, times or statistics. */
static inline void market_changed(const struct instruments *instruments, uint32_t id) {
    dirty_mark(&instruments->dirty, id);
}

/* Put new content under a valid id (for the last three: band, tier and entry in range); the hash follows at once.
   Content that means "removed" is stored all zero. */
void listing_define(struct instruments *instruments, uint32_t id, const struct wire_instrument_set *content);
void tick_band_define(struct instruments *instruments, uint32_t id, uint32_t band, const struct tick_band *content);
void fee_tier_define(struct instruments *instruments, uint32_t id, uint32_t tier, const struct fee_tier *content);
void schedule_define(struct instruments *instruments, uint32_t id, uint32_t entry,
                     const struct schedule_entry *content);

/* The steps that hold at this price; NULL where there is no band. */
const struct tick_band *tick_band_at(const struct instrument *instrument, int64_t price_ticks);

static inline bool on_tick(const struct instrument *instrument, int64_t price_ticks) {
    if (instrument->bands == 0) {
        return true;
    }
    const struct tick_band *band = tick_band_at(instrument, price_ticks);
    return band == NULL || price_ticks % band->tick_step == 0;
}

static inline bool on_lot(const struct instrument *instrument, int64_t price_ticks, int64_t quantity_lots) {
    if (instrument->bands == 0) {
        return true;
    }
    const struct tick_band *band = tick_band_at(instrument, price_ticks);
    return band == NULL || quantity_lots % band->lot_step == 0;
}

/* Reference price, else last trade price, else 0. */
static inline uint32_t guide_ticks(const struct instrument *instrument) {
    return instrument->reference_ticks != 0 ? instrument->reference_ticks : instrument->last_ticks;
}

static inline bool call_phase(uint8_t phase) {
    return phase == WIRE_PHASE_OPENING_AUCTION || phase == WIRE_PHASE_CLOSING_AUCTION ||
           phase == WIRE_PHASE_VOLATILITY_AUCTION;
}

struct rates {
    int32_t maker_ppm;
    int32_t taker_ppm;
};

/* The rates of a tier, those of tier 0 while it is not defined. */
static inline struct rates instrument_rates(const struct instrument *instrument, uint8_t fee_tier) {
    const struct fee_tier *tier = &instrument->fee_tiers[fee_tier];
    return (struct rates){
        .maker_ppm = tier->defined ? tier->maker_ppm : instrument->content.maker_fee_ppm,
        .taker_ppm = tier->defined ? tier->taker_ppm : instrument->content.taker_fee_ppm,
    };
}

/* Brings `hash` in step with everything marked dirty. */
void instruments_rehash(struct instruments *instruments);

/* Record mixes, for the audit too; 0 for what has no record. */
u128 listing_mix(const struct instruments *instruments, uint32_t id);
u128 market_mix(const struct instruments *instruments, uint32_t id);
u128 tick_band_mix(const struct instruments *instruments, uint32_t id, uint32_t band);
u128 fee_tier_mix(const struct instruments *instruments, uint32_t id, uint32_t tier);
u128 schedule_mix(const struct instruments *instruments, uint32_t id, uint32_t entry);

#endif
