/* Matching: the taker trades at the makers' prices, best price first, oldest order first (docs/ENGINE.md section 6).

   Every trade moves exactly what it takes: base from seller to buyer, quote from buyer to seller, fees to the fee
   account. What a taker gains and gives is booked once for all its trades, what a maker does at once. */
#include "match.h"

#include "listed.h"
#include "phase.h"
#include "queue.h"
#include "stop.h"
#include "timer.h"

static inline const struct wire_instrument_set *listing_of(const struct core *core, const struct order *order) {
    return &core->instruments.instruments[order->instrument].content;
}

int64_t present_reservation(const struct core *core, uint32_t index) {
    const struct order *order = &core->books.orders[index];
    return reservation(listing_of(core, order), order, order->price_ticks, order->leaves_lots);
}

/* ---- open orders ---- */

void exposure_open_move(struct core *core, uint32_t index, int64_t lots) {
    move_open_lots(core, &core->books.orders[index], lots);
}

void list_elsewhere(struct core *core, uint32_t index) {
    if (core->books.orders[index].time_in_force == WIRE_TIME_IN_FORCE_GOOD_TILL_DATE) {
        expiry_add(core, index);
    } else {
        auction_order_opened(core, index);
    }
}

void unlist_elsewhere(struct core *core, uint32_t index) {
    if (core->books.orders[index].time_in_force == WIRE_TIME_IN_FORCE_GOOD_TILL_DATE) {
        expiry_remove(core, index);
    } else {
        auction_order_closed(core, index);
    }
}

void order_list(struct core *core, uint32_t index) {
    list_order(core, &core->books.orders[index], index);
}

void order_unlist(struct core *core, uint32_t index) {
    unlist_order(core, &core->books.orders[index], index);
}

void book_touched(struct core *core, uint32_t instrument_id) {
    struct instrument *instrument = &core->instruments.instruments[instrument_id];
    if (call_phase(instrument->phase) && instrument->indicative_ns == 0) {
        instrument->indicative_ns = core->time_ns + INDICATIVE_NS;
        market_changed(&core->instruments, instrument_id);
        timer_changed(core, instrument_id);
    }
}

static inline void leave_book(struct core *core, const struct order *order, uint32_t index) {
    queue_leave(&core->books, book_side(&core->books, order->instrument, order->side), order->price_ticks, index);
    book_touched(core, order->instrument);
}

void take_out(struct core *core, uint32_t index) {
    const struct order *order = &core->books.orders[index];
    if ((order->flags & ORDER_DORMANT) != 0) {
        dormant_leave(core, index);
    } else {
        leave_book(core, order, index);
    }
}

static inline struct rested let_rest(struct core *core, struct order *order, uint32_t index) {
    order->flags &= (uint8_t)~ORDER_DORMANT;
    order->priority = core->command_sequence;
    order_changed(&core->books, index);
    list_order(core, order, index);
    queue_join(&core->books, book_side(&core->books, order->instrument, order->side), order->price_ticks, index);
    book_touched(core, order->instrument);
    if ((order->flags & ORDER_ICEBERG) != 0) {
        struct order_terms *terms = &core->books.terms[index];
        terms->displayed_lots = terms->display_lots < order->leaves_lots ? terms->display_lots : order->leaves_lots;
        return (struct rested){.rested_lots = order->leaves_lots, .displayed_lots = terms->displayed_lots};
    }
    return (struct rested){.rested_lots = order->leaves_lots, .displayed_lots = order->leaves_lots};
}

struct rested rest(struct core *core, uint32_t index) {
    return let_rest(core, &core->books.orders[index], index);
}

/* ---- leaving ---- */

/* All that the order holds goes back, and its slot is free. It stands nowhere. */
static inline void close_order(struct core *core, struct order *order, uint32_t index) {
    const struct wire_instrument_set *listing = listing_of(core, order);
    const int64_t held_units = reservation(listing, order, order->price_ticks, order->leaves_lots);
    unlist_order(core, order, index);
    balance_move(&core->accounts, order->account, reserved_asset(listing, order->side), held_units, -held_units);
    order_free(&core->books, index);
}

static inline void emit_canceled(struct core *core, const struct order *order, uint32_t index,
                                 struct cancel_cause cause, bool was_resting) {
    struct wire_order_canceled *event = event_raw(&core->events, WIRE_ORDER_CANCELED, sizeof *event);
    event->session = order->session;
    event->session_epoch = core->sessions.sessions[order->session].session_epoch;
    event->client_seq = cause.client_seq;
    event->order_id = order_id(&core->books, index);
    event->price_ticks = order->price_ticks;
    event->canceled_lots = order->leaves_lots;
    event->cum_lots = order->cum_lots;
    event->account = order->account;
    event->instrument = order->instrument;
    event->side = order->side;
    event->was_resting = was_resting;
    event->reason = cause.reason;
    if (cause.clordid != NULL) {
        memcpy(event->clordid, cause.clordid, sizeof event->clordid);
    } else {
        memset(event->clordid, 0, sizeof event->clordid);
    }
    memcpy(event->orig_clordid, core->books.details[index].clordid, sizeof event->orig_clordid);
    memset(event->reserved19, 0, sizeof event->reserved19);
    event->displayed_lots = was_resting ? order_displayed(&core->books, index) : 0;
    event->order_type = order_type(order);
    event->time_in_force = order->time_in_force;
    memset(event->reserved_end, 0, sizeof event->reserved_end);
}

void cancel_open_order(struct core *core, uint32_t index, struct cancel_cause cause) {
    struct order *order = &core->books.orders[index];
    const bool dormant = (order->flags & ORDER_DORMANT) != 0;
    emit_canceled(core, order, index, cause, !dormant);
    if (dormant) {
        dormant_leave(core, index);
    } else {
        leave_book(core, order, index);
    }
    close_order(core, order, index);
}

void cancel_taker(struct core *core, uint32_t index, uint16_t reason) {
    struct order *order = &core->books.orders[index];
    emit_canceled(core, order, index, (struct cancel_cause){.reason = reason}, false);
    close_order(core, order, index);
}

void close_replaced(struct core *core, uint32_t index) {
    struct order *order = &core->books.orders[index];
    leave_book(core, order, index);
    close_order(core, order, index);
}

/* ---- trading ---- */

/* A taker at work, and what of it is not booked yet. */
struct taking {
    struct order *taker;
    uint64_t taker_id;
    uint32_t index;
    uint32_t limit_ticks; /* within its price and the bands */
    struct instrument *instrument;
    struct ladder *makers;
    struct level *level; /* of the maker at work */
    uint32_t level_ticks;
    uint32_t beyond;    /* first order of the level after it, if the taker may get there; index 0: none */
    int64_t held_units; /* reserved for it as booked */
    int64_t lots;
    int64_t notional_units;
    int64_t fee_units;
    int64_t fee_account_units;
    uint32_t first_ticks; /* of its trades; 0: none yet */
    uint32_t last_ticks;
    uint32_t trades;
    uint32_t steps;
    uint32_t stp_key; /* 0: may trade with anybody */
    uint8_t stp_mode;
    bool triggered;
};

/* One trade as the money sees it. */
struct fill {
    int64_t price_ticks;
    int64_t quantity_lots;
    int64_t notional_units;
    int64_t maker_fee_units;
    int64_t taker_fee_units;
};

static inline const struct exposure *move_position(struct core *core, const struct order *order, uint8_t side,
                                                   int64_t lots, int64_t open_lots) {
    struct exposure *exposure = exposure_of(&core->accounts, order->account, order->instrument);
    const bool buys = side == WIRE_SIDE_BUY;
    int64_t *open = buys ? &exposure->open_buy_lots : &exposure->open_sell_lots;
    /* Wraps only after transfers of more than there is; then too both cores say the same. */
    exposure->position_lots = (int64_t)((uint64_t)exposure->position_lots + (uint64_t)(buys ? lots : -lots));
    *open -= open_lots;
    INVARIANT(*open >= 0, "open lots are the leaves of open orders");
    exposure_changed(&core->accounts, order->account, order->instrument);
    return exposure;
}

/* Statistics and triggers of trades between two prices, the first and the last. */
static inline void count_trades(struct core *core, struct instrument *instrument, uint32_t first_ticks,
                                uint32_t last_ticks, uint64_t trades, int64_t lots, int64_t notional_units) {
    const uint32_t high = first_ticks > last_ticks ? first_ticks : last_ticks;
    const uint32_t low = first_ticks < last_ticks ? first_ticks : last_ticks;
    if (instrument->trades == 0) {
        instrument->open_ticks = first_ticks;
        instrument->high_ticks = high;
        instrument->low_ticks = low;
    } else {
        instrument->high_ticks = high > instrument->high_ticks ? high : instrument->high_ticks;
        instrument->low_ticks = low < instrument->low_ticks ? low : instrument->low_ticks;
    }
    instrument->trades += trades;
    instrument->volume_lots += (uint64_t)lots;
    instrument->turnover_high +=
        __builtin_add_overflow(instrument->turnover_low, (uint64_t)notional_units, &instrument->turnover_low);
    instrument->last_ticks = last_ticks;
    instrument->trigger_high = high > instrument->trigger_high ? high : instrument->trigger_high;
    if (instrument->trigger_low == 0 || low < instrument->trigger_low) {
        instrument->trigger_low = low;
    }
    core->traded = instrument->content.instrument;
    market_changed(&core->instruments, instrument->content.instrument);
}

/* Books what the taker has gained and given since the last time. */
static void book_taker(struct core *core, struct taking *taking) {
    const struct order *taker = taking->taker;
    const struct wire_instrument_set *listing = &taking->instrument->content;
    struct accounts *accounts = &core->accounts;
    if (taking->trades == 0) {
        return;
    }
    const int64_t held_units = reservation(listing, taker, taker->price_ticks, taker->leaves_lots);
    const int64_t released_units = taking->held_units - held_units;
    const int64_t base_units = taking->lots * listing->lot_units;
    if (taker->side == WIRE_SIDE_BUY) {
        const int64_t spent_units = taking->notional_units + taking->fee_units;
        INVARIANT(released_units >= spent_units, "a reservation covers what its order can cost");
        balance_move(accounts, taker->account, listing->quote, released_units - spent_units, -released_units);
        balance_move(accounts, taker->account, listing->base, base_units, 0);
    } else {
        INVARIANT(released_units == base_units, "a seller reserves exactly its leaves");
        balance_move(accounts, taker->account, listing->base, 0, -base_units);
        balance_move(accounts, taker->account, listing->quote, taking->notional_units - taking->fee_units, 0);
    }
    if (taking->fee_account_units != 0) {
        balance_move(accounts, accounts->fee_account, listing->quote, taking->fee_account_units, 0);
    }
    move_position(core, taker, taker->side, taking->lots, (taker->flags & ORDER_LISTED) != 0 ? taking->lots : 0);
    count_trades(core, taking->instrument, taking->first_ticks, taking->last_ticks, taking->trades, taking->lots,
                 taking->notional_units);
    taking->held_units = held_units;
    taking->lots = 0;
    taking->notional_units = 0;
    taking->fee_units = 0;
    taking->fee_account_units = 0;
    taking->first_ticks = 0;
    taking->trades = 0;
}

/* What a buyer must hold; nothing more once it is filled, which is what most makers are. */
static inline int64_t buyer_holds(const struct wire_instrument_set *listing, const struct order *order,
                                  int64_t leaves_lots) {
    const int32_t rate_ppm = higher_ppm(order->maker_ppm, order->taker_ppm);
    return leaves_lots == 0 ? 0
                            : reservation_units(listing, WIRE_SIDE_BUY, order->price_ticks, leaves_lots,
                                                order->fee_remainder, rate_ppm);
}

/* `side` is the maker's. */
static inline void settle_maker(struct core *core, const struct wire_instrument_set *listing, struct order *maker,
                                uint8_t side, uint32_t remainder, const struct fill *fill) {
    struct accounts *accounts = &core->accounts;
    const int64_t base_units = fill->quantity_lots * listing->lot_units;
    if (side == WIRE_SIDE_BUY) {
        const int64_t before_units = buyer_holds(listing, maker, maker->leaves_lots + fill->quantity_lots);
        maker->fee_remainder = remainder;
        const int64_t released_units = before_units - buyer_holds(listing, maker, maker->leaves_lots);
        const int64_t spent_units = fill->notional_units + fill->maker_fee_units;
        INVARIANT(released_units >= spent_units, "a reservation covers what its order can cost");
        balance_move(accounts, maker->account, listing->quote, released_units - spent_units, -released_units);
        balance_move(accounts, maker->account, listing->base, base_units, 0);
    } else {
        maker->fee_remainder = remainder;
        balance_move(accounts, maker->account, listing->base, 0, -base_units);
        balance_move(accounts, maker->account, listing->quote, fill->notional_units - fill->maker_fee_units, 0);
    }
}

/* A rebate is cut by what the fee account lacks; the maker's remainder then stays what it was. */
static void cut_rebate(const struct core *core, const struct taking *taking, const struct order *maker,
                       struct fill *fill, uint32_t *remainder) {
    const struct accounts *accounts = &core->accounts;
    const int64_t available_units =
        balance_of(accounts, accounts->fee_account, taking->instrument->content.quote)->available_units +
        taking->fee_account_units;
    const int64_t after_units = available_units + fill->maker_fee_units + fill->taker_fee_units;
    if (after_units < 0) {
        fill->maker_fee_units -= after_units;
        *remainder = maker->fee_remainder;
    }
}

static inline void remember_trade(struct core *core, const struct order *buyer, uint64_t buyer_id,
                                  const struct order *seller, uint64_t seller_id, const struct fill *fill,
                                  uint8_t taker_side) {
    if (core->limits.max_bustable_trades == 0) {
        return;
    }
    struct remembered_trade *trade = trades_next(&core->trades, core->limits.max_bustable_trades);
    const bool taker_buys = taker_side == WIRE_SIDE_BUY;
    trade->trade_id = core->events.sequence;
    trade->quantity_lots = fill->quantity_lots;
    trade->notional_units = fill->notional_units;
    trade->buyer_fee_units = taker_buys ? fill->taker_fee_units : fill->maker_fee_units;
    trade->seller_fee_units = taker_buys ? fill->maker_fee_units : fill->taker_fee_units;
    trade->buyer_order_id = buyer_id;
    trade->seller_order_id = seller_id;
    trade->price_ticks = (uint32_t)fill->price_ticks;
    trade->buyer_account = buyer->account;
    trade->seller_account = seller->account;
    trade->instrument = buyer->instrument;
    trade->buyer_session = buyer->session;
    trade->seller_session = seller->session;
    trade->taker_side = taker_side;
    trade->busted = 0;
}

/* What shows of both orders once they have traded. */
struct shown {
    int64_t maker_lots;
    int64_t taker_lots;
    uint8_t auction;
};

static inline void emit_trade(struct core *core, const struct order *taker, uint64_t taker_id,
                              const struct order *maker, uint64_t maker_id, const struct fill *fill,
                              struct shown shown) {
    struct wire_trade *event = event_raw(&core->events, WIRE_TRADE, sizeof *event);
    event_expect(&core->events);
    event->trade_id = core->events.sequence;
    event->price_ticks = fill->price_ticks;
    event->quantity_lots = fill->quantity_lots;
    event->notional_units = fill->notional_units;
    event->maker_fee_units = fill->maker_fee_units;
    event->taker_fee_units = fill->taker_fee_units;
    event->maker_order_id = maker_id;
    event->taker_order_id = taker_id;
    event->maker_leaves_lots = maker->leaves_lots;
    event->taker_leaves_lots = taker->leaves_lots;
    event->maker_account = maker->account;
    event->taker_account = taker->account;
    event->maker_session = maker->session;
    event->taker_session = taker->session;
    event->instrument = maker->instrument;
    event->taker_side = taker->side;
    memset(event->reserved21, 0, sizeof event->reserved21);
    event->maker_displayed_lots = shown.maker_lots;
    event->taker_displayed_lots = shown.taker_lots;
    event->auction = shown.auction;
    memset(event->reserved_end, 0, sizeof event->reserved_end);
}

void emit_refilled(struct core *core, uint32_t index) {
    const struct order *order = &core->books.orders[index];
    struct wire_order_refilled *event = event_begin(&core->events, WIRE_ORDER_REFILLED, sizeof *event);
    event->order_id = order_id(&core->books, index);
    event->price_ticks = order->price_ticks;
    event->displayed_lots = order_displayed(&core->books, index);
    event->leaves_lots = order->leaves_lots;
    event->session = order->session;
    event->account = order->account;
    event->instrument = order->instrument;
    event->side = order->side;
}

/* Nothing shows of the iceberg any more: the next part shows, at the back of its level. */
static void refill(struct core *core, struct order *maker, uint32_t index) {
    struct books *books = &core->books;
    struct order_terms *terms = &books->terms[index];
    struct ladder *ladder = book_side(books, maker->instrument, maker->side);
    terms->displayed_lots = terms->display_lots < maker->leaves_lots ? terms->display_lots : maker->leaves_lots;
    queue_leave(books, ladder, maker->price_ticks, index);
    maker->priority = core->command_sequence;
    queue_join(books, ladder, maker->price_ticks, index);
    emit_refilled(core, index);
}

static inline void close_filled(struct core *core, struct order *maker, uint32_t index) {
    queue_leave(&core->books, book_side(&core->books, maker->instrument, maker->side), maker->price_ticks, index);
    unlist_order(core, maker, index);
    order_free(&core->books, index);
}

/* The filled maker leaves the front of the best level. */
static inline void close_front(struct core *core, struct taking *taking, struct order *maker, uint32_t index) {
    queue_pop(&core->books, taking->makers, taking->level, index);
    unlist_order(core, maker, index);
    order_free(&core->books, index);
}

/* Takes the lots off both orders and the level; what then shows of the maker. */
static inline int64_t take_lots(struct core *core, const struct taking *taking, struct order *maker,
                                uint32_t maker_index, int64_t quantity_lots) {
    struct order *taker = taking->taker;
    maker->leaves_lots -= quantity_lots;
    taking->level->quantity_lots -= quantity_lots;
    INVARIANT(maker->leaves_lots >= 0 && taking->level->quantity_lots >= 0, "quantities never go below zero");
    maker->cum_lots += quantity_lots;
    taker->leaves_lots -= quantity_lots;
    taker->cum_lots += quantity_lots;
    order_changed(&core->books, maker_index);
    if ((maker->flags & ORDER_ICEBERG) == 0) {
        return maker->leaves_lots;
    }
    core->books.terms[maker_index].displayed_lots -= quantity_lots;
    return core->books.terms[maker_index].displayed_lots;
}

/* One trade of a taker with the first order of the best level. Compiled once for each side of the maker: what depends
   on it is much. */
static inline __attribute__((always_inline)) void trade(struct core *core, struct taking *taking, struct order *maker,
                                                        uint32_t maker_index, uint8_t maker_side) {
    struct order *taker = taking->taker;
    const struct wire_instrument_set *listing = &taking->instrument->content;
    const int64_t shown_lots = order_displayed(&core->books, maker_index);
    const int64_t quantity_lots = taker->leaves_lots < shown_lots ? taker->leaves_lots : shown_lots;
    const int64_t notional = notional_units(maker->price_ticks, quantity_lots, listing->tick_units);
    const struct fee maker_fee = fee_of(maker->fee_remainder, maker->maker_ppm, notional);
    const struct fee taker_fee = fee_of(taker->fee_remainder, taker->taker_ppm, notional);
    uint32_t maker_remainder = maker_fee.remainder;
    struct fill fill = {
        .price_ticks = maker->price_ticks,
        .quantity_lots = quantity_lots,
        .notional_units = notional,
        .maker_fee_units = maker_fee.units,
        .taker_fee_units = taker_fee.units,
    };
    if (__builtin_expect(maker_fee.units < 0, 0)) {
        cut_rebate(core, taking, maker, &fill, &maker_remainder);
    }
    taker->fee_remainder = taker_fee.remainder;
    const struct shown shown = {.maker_lots = take_lots(core, taking, maker, maker_index, quantity_lots)};
    settle_maker(core, listing, maker, maker_side, maker_remainder, &fill);
    const uint32_t protection = move_position(core, maker, maker_side, quantity_lots, quantity_lots)->protection;
    taking->lots += quantity_lots;
    taking->notional_units += notional;
    taking->fee_units += fill.taker_fee_units;
    taking->fee_account_units += fill.maker_fee_units + fill.taker_fee_units;
    taking->first_ticks = taking->trades == 0 ? maker->price_ticks : taking->first_ticks;
    taking->last_ticks = maker->price_ticks;
    taking->trades++;
    const uint64_t maker_id = order_id(&core->books, maker_index);
    emit_trade(core, taker, taking->taker_id, maker, maker_id, &fill, shown);
    if (maker_side == WIRE_SIDE_SELL) {
        remember_trade(core, taker, taking->taker_id, maker, maker_id, &fill, WIRE_SIDE_BUY);
    } else {
        remember_trade(core, maker, maker_id, taker, taking->taker_id, &fill, WIRE_SIDE_SELL);
    }
    if (__builtin_expect(protection != 0, 0)) {
        protection_on_fill(core, protection);
    }
    if (maker->leaves_lots == 0) {
        close_front(core, taking, maker, maker_index);
    } else if (shown.maker_lots == 0) {
        refill(core, maker, maker_index);
    }
}

/* ---- self-trade prevention ---- */

static void emit_reduced(struct core *core, uint32_t index, int64_t lots, bool was_resting) {
    const struct order *order = &core->books.orders[index];
    struct wire_order_reduced *event = event_begin(&core->events, WIRE_ORDER_REDUCED, sizeof *event);
    event->session = order->session;
    event->session_epoch = core->sessions.sessions[order->session].session_epoch;
    event->order_id = order_id(&core->books, index);
    event->price_ticks = order->price_ticks;
    event->reduced_lots = lots;
    event->leaves_lots = order->leaves_lots;
    event->cum_lots = order->cum_lots;
    event->displayed_lots = was_resting ? order_displayed(&core->books, index) : 0;
    event->account = order->account;
    event->instrument = order->instrument;
    event->side = order->side;
    event->was_resting = was_resting;
    event->reason = WIRE_REASON_CANCELED_SELF_TRADE;
    memcpy(event->clordid, core->books.details[index].clordid, sizeof event->clordid);
}

/* Takes lots off an order without a trade: with less to trade it holds less money. */
static void reduce(struct core *core, uint32_t index, int64_t lots, bool resting) {
    struct order *order = &core->books.orders[index];
    const struct wire_instrument_set *listing = listing_of(core, order);
    const int64_t before_units = present_reservation(core, index);
    if (resting) {
        queue_reduce(&core->books, book_side(&core->books, order->instrument, order->side), order->price_ticks, index,
                     lots);
        if ((order->flags & ORDER_ICEBERG) != 0 && core->books.terms[index].displayed_lots > order->leaves_lots) {
            core->books.terms[index].displayed_lots = order->leaves_lots;
        }
    } else {
        order->leaves_lots -= lots;
    }
    if ((order->flags & ORDER_LISTED) != 0) {
        move_open_lots(core, order, -lots);
    }
    const int64_t less_units = before_units - present_reservation(core, index);
    balance_move(&core->accounts, order->account, reserved_asset(listing, order->side), less_units, -less_units);
    order_changed(&core->books, index);
    emit_reduced(core, index, lots, resting);
}

/* False when the taker is closed. */
static bool decrement(struct core *core, struct taking *taking, uint32_t maker_index) {
    const int64_t maker_lots = core->books.orders[maker_index].leaves_lots;
    const int64_t taker_lots = taking->taker->leaves_lots;
    const int64_t lots = maker_lots < taker_lots ? maker_lots : taker_lots;
    if (maker_lots == lots) {
        cancel_open_order(core, maker_index, (struct cancel_cause){.reason = WIRE_REASON_CANCELED_SELF_TRADE});
    } else {
        reduce(core, maker_index, lots, true);
    }
    if (taker_lots == lots) {
        cancel_taker(core, taking->index, WIRE_REASON_CANCELED_SELF_TRADE);
        return false;
    }
    reduce(core, taking->index, lots, false);
    taking->held_units = present_reservation(core, taking->index);
    return true;
}

/* Taker and maker may not trade with each other. False when the taker is closed. */
static bool prevent_self_trade(struct core *core, struct taking *taking, uint32_t maker_index) {
    const struct cancel_cause cause = {.reason = WIRE_REASON_CANCELED_SELF_TRADE};
    book_taker(core, taking);
    switch (taking->stp_mode) {
    case WIRE_SELF_TRADE_PREVENTION_CANCEL_NEWEST:
        cancel_taker(core, taking->index, cause.reason);
        return false;
    case WIRE_SELF_TRADE_PREVENTION_CANCEL_OLDEST:
        cancel_open_order(core, maker_index, cause);
        return true;
    case WIRE_SELF_TRADE_PREVENTION_CANCEL_BOTH:
        cancel_open_order(core, maker_index, cause);
        cancel_taker(core, taking->index, cause.reason);
        return false;
    default:
        return decrement(core, taking, maker_index);
    }
}

static inline bool is_self(const struct core *core, const struct taking *taking, const struct order *maker) {
    return taking->stp_key != 0 && core->accounts.accounts[maker->account].stp_key == taking->stp_key;
}

/* ---- a taker's way ---- */

/* The tighter of a price and a band of `ppm` around `middle_ticks`, 0: none. */
static uint32_t within_band(uint8_t side, uint32_t limit_ticks, uint32_t middle_ticks, uint32_t ppm) {
    if (ppm == 0 || middle_ticks == 0) {
        return limit_ticks;
    }
    const uint32_t width = (uint32_t)((uint64_t)middle_ticks * ppm / PPM);
    if (side == WIRE_SIDE_BUY) {
        return middle_ticks + width < limit_ticks ? middle_ticks + width : limit_ticks;
    }
    return middle_ticks - width > limit_ticks ? middle_ticks - width : limit_ticks;
}

/* True when the best price is better for the taker than the band of `ppm` around `middle_ticks`, 0: none, allows. */
static bool beyond_band(uint8_t side, uint32_t best_ticks, uint32_t middle_ticks, uint32_t ppm) {
    if (ppm == 0 || middle_ticks == 0 || best_ticks == 0) {
        return false;
    }
    const uint32_t width = (uint32_t)((uint64_t)middle_ticks * ppm / PPM);
    return side == WIRE_SIDE_BUY ? best_ticks < middle_ticks - width : best_ticks > middle_ticks + width;
}

/* Filled in where it is: a copy of so wide a struct would wait for the narrow stores it is made of. */
static inline void start_taking(struct core *core, uint32_t index, struct taking *taking) {
    struct order *taker = &core->books.orders[index];
    struct instrument *instrument = &core->instruments.instruments[taker->instrument];
    const struct wire_instrument_set *listing = &instrument->content;
    const struct account *account = &core->accounts.accounts[taker->account];
    taking->taker = taker;
    taking->taker_id = order_id(&core->books, index);
    taking->index = index;
    taking->limit_ticks = taker->price_ticks;
    taking->instrument = instrument;
    taking->makers = book_side(&core->books, taker->instrument, opposite(taker->side));
    taking->level = NULL;
    taking->level_ticks = 0;
    taking->beyond = 0;
    taking->held_units = 0;
    taking->lots = 0;
    taking->notional_units = 0;
    taking->fee_units = 0;
    taking->fee_account_units = 0;
    taking->first_ticks = 0;
    taking->last_ticks = 0;
    taking->trades = 0;
    taking->steps = 0;
    taking->triggered = false;
    if ((listing->static_band_ppm | listing->dynamic_band_ppm) != 0) {
        taking->limit_ticks =
            within_band(taker->side, taking->limit_ticks, instrument->reference_ticks, listing->static_band_ppm);
        taking->limit_ticks =
            within_band(taker->side, taking->limit_ticks, instrument->last_ticks, listing->dynamic_band_ppm);
        const uint32_t best = taking->makers->best_tick;
        if (beyond_band(taker->side, best, instrument->reference_ticks, listing->static_band_ppm) ||
            beyond_band(taker->side, best, instrument->last_ticks, listing->dynamic_band_ppm)) {
            taking->limit_ticks = taker->side == WIRE_SIDE_BUY ? 0 : UINT32_MAX; /* nothing crosses */
        }
    }
    taking->stp_mode = order_stp_mode(taker) != 0 ? order_stp_mode(taker) : account->stp_mode;
    taking->stp_key = taking->stp_mode != WIRE_SELF_TRADE_PREVENTION_NONE ? account->stp_key : 0;
}

/* What counting has found so far. */
struct count {
    int64_t lots;
    int64_t wanted_lots;
    uint32_t steps;
    uint32_t hidden; /* icebergs of this level that have more to show */
    bool over;
};

static void count_shown(const struct core *core, struct count *count, uint32_t index, int64_t shown_lots,
                        int64_t hidden_lots) {
    count->steps++;
    count->lots += shown_lots;
    count->over = count->lots >= count->wanted_lots || count->steps == core->limits.max_fills_per_command;
    if (hidden_lots > 0) {
        core->hidden[count->hidden++] = (struct hidden){.index = index, .lots = hidden_lots};
    }
}

/* The orders of a level as they stand. */
static void count_level(const struct core *core, const struct taking *taking, struct count *count, uint32_t head) {
    for (uint32_t index = head; index != 0 && !count->over; index = core->books.orders[index].next) {
        const struct order *maker = &core->books.orders[index];
        if (!is_self(core, taking, maker)) {
            const int64_t shown_lots = order_displayed(&core->books, index);
            count_shown(core, count, index, shown_lots, maker->leaves_lots - shown_lots);
        } else if (taking->stp_mode == WIRE_SELF_TRADE_PREVENTION_CANCEL_OLDEST) {
            count_shown(core, count, index, 0, 0);
        } else {
            count->over = true;
        }
    }
}

/* What its icebergs show after that, round by round. */
static void count_refills(const struct core *core, struct count *count) {
    while (count->hidden > 0 && !count->over) {
        const uint32_t round = count->hidden;
        count->hidden = 0;
        for (uint32_t i = 0; i < round && !count->over; i++) {
            const struct hidden hidden = core->hidden[i];
            const int64_t display_lots = core->books.terms[hidden.index].display_lots;
            const int64_t shown_lots = display_lots < hidden.lots ? display_lots : hidden.lots;
            count_shown(core, count, hidden.index, shown_lots, hidden.lots - shown_lots);
        }
    }
}

/* True when matching would trade this much. */
static bool obtainable(const struct core *core, const struct taking *taking, int64_t wanted_lots) {
    const struct ladder *makers = taking->makers;
    struct count count = {.wanted_lots = wanted_lots};
    uint32_t tick = makers->best_tick;
    while (!count.over && crosses(taking->taker->side, taking->limit_ticks, tick)) {
        count_level(core, taking, &count, ladder_level(&core->books.pages, makers, tick)->head);
        count_refills(core, &count);
        count.hidden = 0;
        tick = ladder_next(&core->books.pages, makers, tick);
    }
    return count.lots >= wanted_lots;
}

/* The order that stands first after a level; 0 when there is none. */
static uint32_t first_beyond(const struct core *core, const struct ladder *makers, uint32_t tick) {
    const uint32_t next = ladder_next(&core->books.pages, makers, tick);
    return next == 0 ? 0 : ladder_level(&core->books.pages, makers, next)->head;
}

/* The first order of the best level, which becomes the level at work. */
static inline uint32_t first_maker(const struct core *core, struct taking *taking) {
    const uint32_t tick = taking->makers->best_tick;
    taking->level = ladder_level(&core->books.pages, taking->makers, tick);
    if (tick != taking->level_ticks) {
        const bool goes_on = taking->taker->leaves_lots > taking->level->quantity_lots;
        taking->level_ticks = tick;
        taking->beyond = goes_on ? first_beyond(core, taking->makers, tick) : 0;
        __builtin_prefetch(&core->books.orders[taking->beyond], 1);
        __builtin_prefetch(&core->books.details[taking->beyond], 1);
    }
    return taking->level->head;
}

/* Asks for what a trade with the maker after this one will touch, and for the maker after that. These are guesses: an
   index that is not an order's any more costs a line of cache. */
static inline void expect_makers(const struct core *core, const struct taking *taking, const struct order *maker) {
    const struct order_details *details = core->books.details;
    const uint32_t next = maker->next != 0 ? maker->next : taking->beyond;
    const struct order *order = &core->books.orders[next];
    const struct wire_instrument_set *listing = &taking->instrument->content;
    __builtin_prefetch(&core->books.orders[order->next], 1);
    __builtin_prefetch(&details[order->next], 1);
    __builtin_prefetch(&details[details[next].account_newer], 1);
    __builtin_prefetch(&details[details[next].account_older], 1);
    __builtin_prefetch(&core->accounts.accounts[order->account], 1);
    __builtin_prefetch(exposure_of(&core->accounts, order->account, order->instrument), 1);
    __builtin_prefetch(balance_of(&core->accounts, order->account, listing->base), 1);
    __builtin_prefetch(balance_of(&core->accounts, order->account, listing->quote), 1);
}

/* Trades until the taker is done or nothing more crosses. False when the taker is closed. */
static inline bool trade_all(struct core *core, struct taking *taking) {
    struct order *taker = taking->taker;
    const uint32_t fee_account = core->accounts.fee_account;
    const bool taker_pays_itself = taker->account == fee_account;
    while (taker->leaves_lots > 0 && crosses(taker->side, taking->limit_ticks, taking->makers->best_tick)) {
        if (taking->steps == core->limits.max_fills_per_command) {
            book_taker(core, taking);
            cancel_taker(core, taking->index, WIRE_REASON_CANCELED_MAX_FILLS);
            return false;
        }
        taking->steps++;
        const uint32_t maker_index = first_maker(core, taking);
        struct order *maker = &core->books.orders[maker_index];
        if (taker->leaves_lots > maker->leaves_lots) {
            expect_makers(core, taking, maker);
        }
        if (!is_self(core, taking, maker)) {
            const bool of_fee_account = (maker->account == fee_account) | taker_pays_itself;
            if (taker->side == WIRE_SIDE_BUY) {
                trade(core, taking, maker, maker_index, WIRE_SIDE_SELL);
            } else {
                trade(core, taking, maker, maker_index, WIRE_SIDE_BUY);
            }
            if (__builtin_expect(of_fee_account, 0)) {
                book_taker(core, taking); /* the next rebate depends on it */
            }
        } else if (!prevent_self_trade(core, taking, maker_index)) {
            return false;
        }
    }
    book_taker(core, taking);
    return true;
}

/* What is left of a taker and cannot rest. */
static struct rested give_up(struct core *core, const struct taking *taking, uint16_t reason) {
    cancel_taker(core, taking->index, reason);
    return (struct rested){0};
}

/* Nobody has looked yet whether a triggered order has a page to rest on. */
static inline bool no_page_left(const struct core *core, const struct taking *taking) {
    const struct order *taker = taking->taker;
    return taking->triggered &&
           ladder_full(core, book_side(&core->books, taker->instrument, taker->side), taker->price_ticks);
}

/* What the price bands have stopped: an auction if the listing says so. */
static struct rested trip_band(struct core *core, const struct taking *taking) {
    const struct order *taker = taking->taker;
    const uint32_t instrument = taker->instrument;
    struct rested rested = {0};
    if (taking->instrument->content.volatility_auction_ms == 0) {
        return give_up(core, taking, WIRE_REASON_CANCELED_PRICE_BAND);
    }
    if (!may_rest(order_type(taker), taker->time_in_force)) {
        give_up(core, taking, WIRE_REASON_CANCELED_PRICE_BAND);
    } else if (no_page_left(core, taking)) {
        give_up(core, taking, WIRE_REASON_BOOK_FULL);
    } else {
        rested = rest(core, taking->index);
    }
    phase_trip_band(core, instrument);
    return rested;
}

/* The taker has traded what it can; what is left rests or is canceled. */
static inline struct rested end_taking(struct core *core, const struct taking *taking) {
    struct order *taker = taking->taker;
    if (taker->leaves_lots == 0) {
        unlist_order(core, taker, taking->index);
        order_free(&core->books, taking->index);
        return (struct rested){0};
    }
    if (__builtin_expect(crosses(taker->side, taker->price_ticks, taking->makers->best_tick), 0)) {
        return trip_band(core, taking);
    }
    if (!may_rest(order_type(taker), taker->time_in_force)) {
        return give_up(core, taking, WIRE_REASON_CANCELED_IMMEDIATE_OR_CANCEL);
    }
    if (no_page_left(core, taking)) {
        return give_up(core, taking, WIRE_REASON_BOOK_FULL);
    }
    const struct rested rested = let_rest(core, taker, taking->index);
    INVARIANT(!crosses(taker->side, taker->price_ticks, taking->makers->best_tick),
              "a book is not crossed in Continuous");
    return rested;
}

static inline struct rested take(struct core *core, struct taking *taking) {
    if (crosses(taking->taker->side, taking->limit_ticks, taking->makers->best_tick)) {
        taking->held_units = present_reservation(core, taking->index);
        order_changed(&core->books, taking->index);
        if (!trade_all(core, taking)) {
            return (struct rested){0};
        }
    }
    return end_taking(core, taking);
}

struct rested match(struct core *core, uint32_t index, enum arrival arrival) {
    struct taking taking;
    start_taking(core, index, &taking);
    taking.triggered = arrival == ARRIVAL_TRIGGERED;
    return take(core, &taking);
}

struct rested match_new(struct core *core, uint32_t index, int64_t min_lots) {
    struct taking taking;
    start_taking(core, index, &taking);
    const bool all = taking.taker->time_in_force == WIRE_TIME_IN_FORCE_FILL_OR_KILL;
    const int64_t wanted_lots = all ? taking.taker->leaves_lots : min_lots;
    if (__builtin_expect(wanted_lots > 0, 0) && !obtainable(core, &taking, wanted_lots)) {
        cancel_taker(core, index, all ? WIRE_REASON_CANCELED_FILL_OR_KILL : WIRE_REASON_CANCELED_MIN_QUANTITY);
        return (struct rested){0};
    }
    return take(core, &taking);
}

/* ---- auctions ---- */

/* The older order is the maker; at equal priority the buyer. Both pay their taker rate, which is no rebate. */
void trade_in_auction(struct core *core, uint32_t buyer_index, uint32_t seller_index, uint32_t price_ticks,
                      int64_t quantity_lots) {
    struct order *buyer = &core->books.orders[buyer_index];
    struct order *seller = &core->books.orders[seller_index];
    struct instrument *instrument = &core->instruments.instruments[buyer->instrument];
    const struct wire_instrument_set *listing = &instrument->content;
    const bool buyer_makes = buyer->priority <= seller->priority;
    const int64_t notional = notional_units(price_ticks, quantity_lots, listing->tick_units);
    const struct fee buyer_fee = fee_of(buyer->fee_remainder, buyer->taker_ppm, notional);
    const struct fee seller_fee = fee_of(seller->fee_remainder, seller->taker_ppm, notional);
    const uint32_t indices[2] = {buyer_index, seller_index};
    const struct fee fees[2] = {buyer_fee, seller_fee};
    int64_t shown_lots[2];
    for (int i = 0; i < 2; i++) {
        struct order *order = &core->books.orders[indices[i]];
        const struct fill side = {.price_ticks = price_ticks,
                                  .quantity_lots = quantity_lots,
                                  .notional_units = notional,
                                  .maker_fee_units = fees[i].units};
        queue_reduce(&core->books, book_side(&core->books, order->instrument, order->side), order->price_ticks,
                     indices[i], quantity_lots);
        order->cum_lots += quantity_lots;
        if ((order->flags & ORDER_ICEBERG) != 0 && core->books.terms[indices[i]].displayed_lots > order->leaves_lots) {
            core->books.terms[indices[i]].displayed_lots = order->leaves_lots;
        }
        shown_lots[i] = order_displayed(&core->books, indices[i]);
        settle_maker(core, listing, order, order->side, fees[i].remainder, &side);
        move_position(core, order, order->side, quantity_lots, quantity_lots);
        order_changed(&core->books, indices[i]);
    }
    balance_move(&core->accounts, core->accounts.fee_account, listing->quote, buyer_fee.units + seller_fee.units, 0);
    const struct fill fill = {
        .price_ticks = price_ticks,
        .quantity_lots = quantity_lots,
        .notional_units = notional,
        .maker_fee_units = buyer_makes ? buyer_fee.units : seller_fee.units,
        .taker_fee_units = buyer_makes ? seller_fee.units : buyer_fee.units,
    };
    const struct shown shown = {
        .maker_lots = shown_lots[buyer_makes ? 0 : 1], .taker_lots = shown_lots[buyer_makes ? 1 : 0], .auction = 1};
    const uint64_t buyer_id = order_id(&core->books, buyer_index);
    const uint64_t seller_id = order_id(&core->books, seller_index);
    if (buyer_makes) {
        emit_trade(core, seller, seller_id, buyer, buyer_id, &fill, shown);
    } else {
        emit_trade(core, buyer, buyer_id, seller, seller_id, &fill, shown);
    }
    remember_trade(core, buyer, buyer_id, seller, seller_id, &fill, buyer_makes ? WIRE_SIDE_SELL : WIRE_SIDE_BUY);
    count_trades(core, instrument, price_ticks, price_ticks, 1, quantity_lots, notional);
    for (int i = 0; i < 2; i++) { /* the maker first */
        const uint32_t index = indices[buyer_makes ? i : 1 - i];
        if (core->books.orders[index].leaves_lots == 0) {
            close_filled(core, &core->books.orders[index], index);
        }
    }
    book_touched(core, instrument->content.instrument);
}
