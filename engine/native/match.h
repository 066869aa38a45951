/* What happens to orders: reserving, resting, trading, canceling (docs/ENGINE.md section 6). Orders are named by their
   index. */
#ifndef VENUE_MATCH_H
#define VENUE_MATCH_H

#include "money.h"
#include "state.h"

/* What of a taker stands in the book once it has been matched. */
struct rested {
    int64_t rested_lots;
    int64_t displayed_lots;
};

/* Why an order is canceled, and who asked for this very order. */
struct cancel_cause {
    uint64_t client_seq; /* 0 when nobody asked */
    const char *clordid; /* of the request; NULL when nobody asked */
    uint16_t reason;
};

/* An open order in whatever place: OrderCanceled, out of its place, money back, slot free. */
void cancel_open_order(struct core *core, uint32_t index, struct cancel_cause cause);

/* An order that stands nowhere: a taker, or one that has just left its place. OrderCanceled, money back, slot free. */
void cancel_taker(struct core *core, uint32_t index, uint16_t reason);

/* What the order must hold at this price and with these leaves. */
static inline int64_t reservation(const struct wire_instrument_set *listing, const struct order *order,
                                  int64_t price_ticks, int64_t leaves_lots) {
    return reservation_units(listing, order->side, price_ticks, leaves_lots, order->fee_remainder,
                             higher_ppm(order->maker_ppm, order->taker_ppm));
}

static inline uint32_t reserved_asset(const struct wire_instrument_set *listing, uint8_t side) {
    return side == WIRE_SIDE_BUY ? listing->quote : listing->base;
}

/* What the order holds now. */
int64_t present_reservation(const struct core *core, uint32_t index);

/* True when an order would need a page beyond the limit to stand at this tick of the ladder. */
static inline bool ladder_full(const struct core *core, const struct ladder *ladder, uint32_t tick) {
    return !ladder_has_page(ladder, tick) && core->books.pages.in_use >= core->limits.max_price_pages;
}

/* Whether a taker comes from a request, where its page was looked at on entry, or is a stop that was triggered. */
enum arrival { ARRIVAL_REQUEST, ARRIVAL_TRIGGERED };

/* Continuous: trades the order, which stands nowhere, against the opposite side, then lets what is left rest or cancels
   it; a band may trip and change the phase. The order may be closed afterwards. */
struct rested match(struct core *core, uint32_t index, enum arrival arrival);

/* The same for a new order: FillOrKill must get all, any order at least `min_lots`, or it is canceled before it trades.
 */
struct rested match_new(struct core *core, uint32_t index, int64_t min_lots);

/* A replace has left a working order nothing more to trade: out of the book, money back, slot free; no event. */
void close_replaced(struct core *core, uint32_t index);

/* Lets an order that stands nowhere join the back of its level: not dormant any more, priority = this command,
   displayed_lots = min(D, leaves). Lists it when it was not yet. */
struct rested rest(struct core *core, uint32_t index);

/* Lists an order as open in its session, account and exposure (no effect when it is), newest first; the opposite. Who
   changes leaves of a listed order calls exposure_open_move. */
void order_list(struct core *core, uint32_t index);
void order_unlist(struct core *core, uint32_t index);
void exposure_open_move(struct core *core, uint32_t index, int64_t lots);

/* Takes an open order out of book, stop ladder or parked list; it stays open and listed, its leaves and flags as they
   are. */
void take_out(struct core *core, uint32_t index);

/* A trade between two working orders in an uncross, with its event; a filled order is closed. Levels, exposures,
   money, statistics, and the memory of trades follow. Icebergs: displayed := min(displayed, leaves), no refill. */
void trade_in_auction(struct core *core, uint32_t buyer, uint32_t seller, uint32_t price_ticks, int64_t quantity_lots);

/* OrderRefilled of the order as it stands. */
void emit_refilled(struct core *core, uint32_t index);

/* In a call phase, what changes in the book asks for an indicative 250 ms later if none is asked for. Called by rest,
   take_out and whoever else changes a book. */
void book_touched(struct core *core, uint32_t instrument);

#endif
