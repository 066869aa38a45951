/* Matching: the taker trades at the makers' prices, best price first, oldest order first (docs/ENGINE.md section 6).

   Every trade moves exactly what it takes: base from seller to buyer, quote from buyer to seller, fees to the fee
   account. */
#include "money.h"
#include "state.h"

static const struct wire_instrument_set *listing_of(const struct core *core, uint32_t index) {
    return &core->instruments.instruments[core->books.orders[index].instrument].content;
}

int64_t order_reservation(const struct core *core, uint32_t index, int64_t price_ticks, int64_t leaves_lots) {
    const struct order_details *details = &core->books.details[index];
    return reservation_units(listing_of(core, index), details->side, price_ticks, leaves_lots,
                             core->books.orders[index].fee_accumulated,
                             higher_ppm(details->maker_ppm, details->taker_ppm));
}

static int64_t present_reservation(const struct core *core, uint32_t index) {
    const struct order *order = &core->books.orders[index];
    return order_reservation(core, index, order->price_ticks, order->leaves_lots);
}

void order_reserve(struct core *core, uint32_t index, int64_t reserved_units) {
    struct order *order = &core->books.orders[index];
    const struct wire_instrument_set *listing = listing_of(core, index);
    const uint32_t asset = core->books.details[index].side == WIRE_SIDE_BUY ? listing->quote : listing->base;
    const int64_t more = reserved_units - order->reserved_units;
    VENUE_ASSERT(reserved_units >= 0, "a reservation is never negative");
    if (more != 0) {
        balance_move(&core->accounts, order->account, asset, -more, more);
        order->reserved_units = reserved_units;
    }
}

void take_out(struct core *core, uint32_t index) {
    book_remove(&core->books, index);
    struct session *session = session_find(&core->sessions, core->books.details[index].session);
    VENUE_ASSERT(session != NULL && session->open_orders > 0, "a resting order counts in its session");
    session->open_orders--;
}

static void emit_canceled(struct core *core, uint32_t index, struct cancel_cause cause, bool was_resting) {
    const struct order *order = &core->books.orders[index];
    const struct order_details *details = &core->books.details[index];
    struct wire_order_canceled *event = event_begin(&core->events, WIRE_ORDER_CANCELED, sizeof *event);
    event->session = details->session;
    event->session_epoch = core->sessions.sessions[details->session].session_epoch;
    event->client_seq = cause.client_seq;
    event->order_id = order_id(&core->books, index);
    event->price_ticks = order->price_ticks;
    event->canceled_lots = order->leaves_lots;
    event->cum_lots = order->cum_lots;
    event->account = order->account;
    event->instrument = order->instrument;
    event->side = details->side;
    event->was_resting = was_resting;
    event->reason = cause.reason;
    if (cause.clordid != NULL) {
        memcpy(event->clordid, cause.clordid, sizeof event->clordid);
    }
    memcpy(event->orig_clordid, details->clordid, sizeof event->orig_clordid);
}

void cancel_resting(struct core *core, uint32_t index, struct cancel_cause cause) {
    emit_canceled(core, index, cause, true);
    take_out(core, index);
    session_changed(&core->sessions, core->books.details[index].session);
    order_reserve(core, index, 0);
    order_free(&core->books, index);
}

void cancel_taker(struct core *core, uint32_t index, uint16_t reason) {
    emit_canceled(core, index, (struct cancel_cause){.reason = reason}, false);
    order_reserve(core, index, 0);
    order_free(&core->books, index);
}

/* Adds a fill's fee to the order's account of fees; returns what this fill pays. */
static int64_t charge_fee(struct order *order, uint32_t rate_ppm, int64_t notional) {
    const u128 paid = fee_owed(order->fee_accumulated);
    order->fee_accumulated += (u128)rate_ppm * (uint64_t)notional;
    const u128 fee = fee_owed(order->fee_accumulated) - paid;
    VENUE_ASSERT(fee <= (uint64_t)notional, "a fee below 100 % never exceeds its notional");
    return (int64_t)fee;
}

/* One fill as the money sees it. */
struct fill {
    int64_t quantity_lots;
    int64_t notional;
    int64_t buyer_fee;
    int64_t seller_fee;
};

static void settle_buyer(struct core *core, uint32_t index, const struct fill *fill) {
    struct order *order = &core->books.orders[index];
    const struct wire_instrument_set *listing = listing_of(core, index);
    const int64_t reserved_units = present_reservation(core, index);
    const int64_t released = order->reserved_units - reserved_units;
    const int64_t spent = fill->notional + fill->buyer_fee;
    VENUE_ASSERT(released >= spent, "a reservation covers what its order can cost");
    order->reserved_units = reserved_units;
    balance_move(&core->accounts, order->account, listing->quote, released - spent, -released);
    balance_move(&core->accounts, order->account, listing->base, fill->quantity_lots * listing->lot_units, 0);
}

static void settle_seller(struct core *core, uint32_t index, const struct fill *fill) {
    struct order *order = &core->books.orders[index];
    const struct wire_instrument_set *listing = listing_of(core, index);
    const int64_t delivered = fill->quantity_lots * listing->lot_units;
    order->reserved_units -= delivered;
    VENUE_ASSERT(order->reserved_units == present_reservation(core, index), "a seller reserves exactly its leaves");
    balance_move(&core->accounts, order->account, listing->base, 0, -delivered);
    balance_move(&core->accounts, order->account, listing->quote, fill->notional - fill->seller_fee, 0);
}

static void settle(struct core *core, uint32_t buyer, uint32_t seller, const struct fill *fill) {
    settle_buyer(core, buyer, fill);
    settle_seller(core, seller, fill);
    const int64_t fees = fill->buyer_fee + fill->seller_fee;
    if (fees != 0) {
        const uint32_t fee_account = core->accounts.fee_account;
        VENUE_ASSERT(fee_account != 0, "orders are taken only while a fee account exists");
        balance_move(&core->accounts, fee_account, listing_of(core, buyer)->quote, fees, 0);
    }
}

static void emit_trade(struct core *core, uint32_t taker, uint32_t maker, const struct fill *fill) {
    const struct books *books = &core->books;
    const uint8_t taker_side = books->details[taker].side;
    const bool taker_buys = taker_side == WIRE_SIDE_BUY;
    struct wire_trade *event = event_begin(&core->events, WIRE_TRADE, sizeof *event);
    event->trade_id = core->events.sequence;
    event->price_ticks = books->orders[maker].price_ticks;
    event->quantity_lots = fill->quantity_lots;
    event->notional_units = fill->notional;
    event->maker_fee_units = taker_buys ? fill->seller_fee : fill->buyer_fee;
    event->taker_fee_units = taker_buys ? fill->buyer_fee : fill->seller_fee;
    event->maker_order_id = order_id(books, maker);
    event->taker_order_id = order_id(books, taker);
    event->maker_leaves_lots = books->orders[maker].leaves_lots;
    event->taker_leaves_lots = books->orders[taker].leaves_lots;
    event->maker_account = books->orders[maker].account;
    event->taker_account = books->orders[taker].account;
    event->maker_session = books->details[maker].session;
    event->taker_session = books->details[taker].session;
    event->instrument = books->orders[maker].instrument;
    event->taker_side = taker_side;
}

static void close_filled_maker(struct core *core, uint32_t maker) {
    take_out(core, maker);
    session_changed(&core->sessions, core->books.details[maker].session);
    order_free(&core->books, maker);
}

static void trade(struct core *core, uint32_t taker_index, uint32_t maker_index) {
    struct order *taker = &core->books.orders[taker_index];
    struct order *maker = &core->books.orders[maker_index];
    const bool taker_buys = core->books.details[taker_index].side == WIRE_SIDE_BUY;
    const int64_t quantity_lots = taker->leaves_lots < maker->leaves_lots ? taker->leaves_lots : maker->leaves_lots;
    const int64_t notional =
        notional_units(maker->price_ticks, quantity_lots, listing_of(core, maker_index)->tick_units);
    book_reduce(&core->books, maker_index, quantity_lots);
    maker->cum_lots += quantity_lots;
    taker->leaves_lots -= quantity_lots;
    taker->cum_lots += quantity_lots;
    const int64_t maker_fee = charge_fee(maker, core->books.details[maker_index].maker_ppm, notional);
    const int64_t taker_fee = charge_fee(taker, core->books.details[taker_index].taker_ppm, notional);
    const struct fill fill = {
        .quantity_lots = quantity_lots,
        .notional = notional,
        .buyer_fee = taker_buys ? taker_fee : maker_fee,
        .seller_fee = taker_buys ? maker_fee : taker_fee,
    };
    settle(core, taker_buys ? taker_index : maker_index, taker_buys ? maker_index : taker_index, &fill);
    emit_trade(core, taker_index, maker_index, &fill);
    if (maker->leaves_lots == 0) {
        close_filled_maker(core, maker_index);
    } else {
        order_changed(&core->books, maker_index);
    }
}

/* True when the first max_fills_per_command orders at crossing prices can fill the whole order. */
static bool fillable(const struct core *core, uint32_t taker_index) {
    const struct order *taker = &core->books.orders[taker_index];
    const uint8_t side = core->books.details[taker_index].side;
    int64_t missing = taker->leaves_lots;
    uint32_t maker = book_first(&core->books, taker->instrument, opposite(side));
    for (uint32_t seen = 0; missing > 0 && seen < core->limits.max_fills_per_command; seen++) {
        if (maker == 0 || !crosses(side, taker->price_ticks, core->books.orders[maker].price_ticks)) {
            return false;
        }
        missing -= core->books.orders[maker].leaves_lots;
        maker = book_next(&core->books, maker);
    }
    return missing <= 0;
}

static void rest(struct core *core, uint32_t index) {
    const struct order *order = &core->books.orders[index];
    struct session *session = session_find(&core->sessions, core->books.details[index].session);
    VENUE_ASSERT(session != NULL, "an order has a session");
    session->open_orders++;
    book_rest(&core->books, index, core->events.command_sequence);
    order_changed(&core->books, index);
    const uint32_t bid = book_side(&core->books, order->instrument, WIRE_SIDE_BUY)->best_tick;
    const uint32_t offer = book_side(&core->books, order->instrument, WIRE_SIDE_SELL)->best_tick;
    VENUE_ASSERT(bid == 0 || offer == 0 || bid < offer, "a book is never crossed");
}

int64_t match(struct core *core, uint32_t taker_index) {
    struct order *taker = &core->books.orders[taker_index];
    const struct order_details *details = &core->books.details[taker_index];
    const struct ladder *makers = book_side(&core->books, taker->instrument, opposite(details->side));
    if (details->time_in_force == WIRE_TIME_IN_FORCE_FILL_OR_KILL && !fillable(core, taker_index)) {
        cancel_taker(core, taker_index, WIRE_REASON_CANCELED_FILL_OR_KILL);
        return 0;
    }
    uint32_t fills = 0;
    while (taker->leaves_lots > 0 && crosses(details->side, taker->price_ticks, makers->best_tick)) {
        if (fills == core->limits.max_fills_per_command) {
            cancel_taker(core, taker_index, WIRE_REASON_CANCELED_MAX_FILLS);
            return 0;
        }
        trade(core, taker_index, ladder_level(&core->books.pages, makers, makers->best_tick)->head);
        fills++;
    }
    if (taker->leaves_lots == 0) {
        order_free(&core->books, taker_index);
        return 0;
    }
    if (!may_rest(details->order_type, details->time_in_force)) {
        cancel_taker(core, taker_index, WIRE_REASON_CANCELED_IMMEDIATE_OR_CANCEL);
        return 0;
    }
    rest(core, taker_index);
    return taker->leaves_lots;
}
