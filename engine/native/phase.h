/* Market phases, call auctions and what they do to orders (docs/ENGINE.md section 7). */
#ifndef VENUE_PHASE_H
#define VENUE_PHASE_H

#include "state.h"

/* Who changes a phase; the operator's text is empty for the rest. */
struct phase_change {
    uint32_t instrument;
    uint8_t phase;
    uint8_t cause;
    uint64_t end_ns;
    const char *operator;    /* 16 bytes, or NULL */
    const char *reason_text; /* 48 bytes, or NULL */
};

/* PhaseChanged, and what the new phase starts. The change must be allowed. */
void phase_change(struct core *core, const struct phase_change *change);

/* A price band has stopped a taker and volatility_auction_ms > 0: phase VolatilityAuction. */
void phase_trip_band(struct core *core, uint32_t instrument);

/* The reference price is another: ReferencePriceChanged; `operator` is NULL after an auction. */
void reference_price_is(struct core *core, uint32_t instrument, uint32_t price_ticks, const char *operator);

/* Jobs: the first slice at once (a purge only if there is something to purge), and further ones. Uncross and Purge are
   in auction.c, Activate in phase.c. */
void uncross_start(struct core *core, uint32_t instrument);
void uncross_go_on(struct core *core);
void purge_start(struct core *core, uint32_t instrument);
void purge_go_on(struct core *core);
void activate_go_on(struct core *core);

/* Auction price, volume and surplus as orders stand now; all 0 when nothing would trade. */
struct indicative auction_price(const struct core *core, uint32_t instrument);

void auction_orders_lay_out(struct auction_orders *orders, struct arena *arena, uint32_t capacity,
                            uint32_t instruments);

/* Orders that an auction's end purges. */
static inline bool auction_only(uint8_t time_in_force) {
    return time_in_force == WIRE_TIME_IN_FORCE_AT_THE_OPENING || time_in_force == WIRE_TIME_IN_FORCE_AT_THE_CLOSE;
}

/* An auction_only order is open from here on, or no more: called by order_list and order_unlist for those orders, once
 * each. */
void auction_order_opened(struct core *core, uint32_t index);
void auction_order_closed(struct core *core, uint32_t index);

#endif
