/* The short way for what nearly every request is: a limit order that comes to rest without a trade, moves to another
   price or size, or is canceled by its OrderID, in Continuous.

   Everything the rules ask is looked at before anything is changed. Whatever is not usual, and every reason to refuse,
   is left to order.c as if nobody had looked: order.c is the rules, and what is done here is what it would do. */
#include "plain.h"

#include "clordid.h"
#include "listed.h"
#include "match.h"
#include "queue.h"
#include "stake.h"

/* An order with none of these has no terms of its own, and stands in the book. */
enum { ORDER_UNUSUAL = ORDER_DORMANT | ORDER_POST_ONLY | ORDER_TRIGGER_REFERENCE | ORDER_TERMS | ORDER_ICEBERG };

/* Conditions are gathered as numbers that are 0 when all is usual: one branch for many, and it is always the same. */
static inline uint32_t unusual_market(const struct core *core, const struct instrument *instrument) {
    return (uint32_t)((core->venue_state ^ WIRE_TRADING_STATE_OPEN) | (instrument->state ^ WIRE_TRADING_STATE_OPEN) |
                      (instrument->phase ^ WIRE_PHASE_CONTINUOUS) | instrument->bands |
                      (core->accounts.fee_account == 0));
}

static inline uint32_t unusual_owner(const struct core *core, const struct account *account,
                                     const struct session *session) {
    return (uint32_t)(account->killed | session->killed | core->killed | core->accounts.killed[account->participant] |
                      (account->enabled ^ 1));
}

static inline uint32_t unusual_price(const struct wire_instrument_set *listing, int64_t price_ticks) {
    return (uint32_t)(price_ticks < listing->price_min_ticks) | (uint32_t)(price_ticks > listing->price_max_ticks);
}

static inline uint32_t unusual_quantity(const struct wire_instrument_set *listing, int64_t quantity_lots) {
    return (uint32_t)(quantity_lots < 1) | (uint32_t)(quantity_lots < listing->quantity_min_lots) |
           (uint32_t)(quantity_lots > listing->quantity_max_lots);
}

static inline bool usual_entry(const struct core *core, const struct table_entry *entry) {
    return !table_holds(&core->used, entry) && core->used.count < core->limits.max_clordids;
}

static inline bool would_cross(const struct core *core, uint32_t instrument, uint8_t side, int64_t price_ticks) {
    return crosses(side, (uint32_t)price_ticks, book_side(&core->books, instrument, opposite(side))->best_tick);
}

/* The order that an OrderID names, as found by order.c; NULL when it is not open, another session's, or has anything
 * rare about it. */
static inline struct order *usual_order(const struct core *core, uint32_t session, uint64_t id) {
    const uint32_t slot = (uint32_t)id;
    if (slot >= core->capacity.orders) {
        return NULL;
    }
    struct order *order = &core->books.orders[slot + 1];
    const uint32_t unusual = (uint32_t)(order->generation ^ (id >> 32)) | (uint32_t)(id >> 32 == 0) |
                             (uint32_t)(order->leaves_lots == 0) | (order->session ^ session) |
                             (order->flags & (uint32_t)ORDER_UNUSUAL) | (order_type(order) ^ WIRE_ORDER_TYPE_LIMIT) |
                             (uint32_t)kept_elsewhere(order->time_in_force);
    return unusual == 0 ? order : NULL;
}

/* ---- new orders ---- */

static inline bool usual_kind(const struct wire_new_order *command) {
    return (command->side == WIRE_SIDE_BUY || command->side == WIRE_SIDE_SELL) &&
           command->order_type == WIRE_ORDER_TYPE_LIMIT &&
           (command->time_in_force == WIRE_TIME_IN_FORCE_DAY ||
            command->time_in_force == WIRE_TIME_IN_FORCE_GOOD_TILL_CANCEL) &&
           plain_fields(command);
}

static inline bool room_for_one(const struct core *core, const struct account *account, const struct session *session,
                                const struct ladder *ladder, uint32_t tick) {
    const struct wire_limits_set *limits = &core->limits;
    const uint32_t of_account = limits->max_open_orders_per_account;
    return session->open_orders < limits->max_open_orders_per_session &&
           (of_account == 0 || account->open_orders < of_account) && core->books.in_use < limits->max_orders &&
           !pool_empty(&core->books.slots) && !ladder_full(core, ladder, tick);
}

static inline void emit_accepted(struct core *core, const struct wire_new_order *command, struct echo echo,
                                 uint32_t index) {
    struct wire_order_accepted *event = event_raw_echo(&core->events, WIRE_ORDER_ACCEPTED, sizeof *event, echo);
    event->session = command->session;
    event->session_epoch = command->session_epoch;
    event->client_seq = command->client_seq;
    event->order_id = order_id(&core->books, index);
    event->price_ticks = command->price_ticks;
    event->quantity_lots = command->quantity_lots;
    event->rested_lots = command->quantity_lots;
    event->account = command->account;
    event->instrument = command->instrument;
    event->side = command->side;
    event->order_type = command->order_type;
    event->time_in_force = command->time_in_force;
    event->poss_resend = command->poss_resend;
    memcpy(event->clordid, command->clordid, sizeof event->clordid);
    event->stop_price_ticks = 0;
    event->display_lots = 0;
    event->min_lots = 0;
    event->expire_ns = 0;
    event->trigger = 0;
    event->stp_mode = 0;
    event->post_only = 0;
    event->working = 1;
    memset(event->reserved27, 0, sizeof event->reserved27);
    event->displayed_lots = command->quantity_lots;
}

/* The order in its slot, listed and in its level. */
static inline uint32_t enter_plain(struct core *core, const struct wire_new_order *command, struct rates rates,
                                   struct ladder *ladder) {
    const uint32_t index = order_take(&core->books);
    struct order *order = &core->books.orders[index];
    order->price_ticks = (uint32_t)command->price_ticks;
    order->leaves_lots = command->quantity_lots;
    order->cum_lots = 0;
    order->priority = core->command_sequence;
    order->account = command->account;
    order->fee_remainder = 0;
    order->maker_ppm = rates.maker_ppm;
    order->taker_ppm = rates.taker_ppm;
    order->instrument = (uint16_t)command->instrument;
    order->session = (uint16_t)command->session;
    order->side = command->side;
    order->kind = command->order_type;
    order->time_in_force = command->time_in_force;
    memcpy(core->books.details[index].clordid, command->clordid, CLORDID_SIZE);
    list_order(core, order, index);
    queue_join(&core->books, ladder, order->price_ticks, index);
    return index;
}

bool plain_new_order(struct core *core, const struct wire_new_order *command, struct echo echo) {
    const struct session *session = &core->sessions.sessions[command->session];
    const struct instrument *instrument = instrument_find(&core->instruments, command->instrument);
    const struct account *account = account_find(&core->accounts, command->account);
    if (instrument == NULL || account == NULL || !usual_kind(command)) {
        return false;
    }
    const struct wire_instrument_set *listing = &instrument->content;
    const struct exposure *exposure = exposure_of(&core->accounts, command->account, command->instrument);
    const struct clordid_words clordid = clordid_words(command->clordid);
    const uint32_t unusual =
        unusual_market(core, instrument) | unusual_owner(core, account, session) |
        (account->participant ^ session->participant) | (uint32_t)(account->kind == WIRE_ACCOUNT_KIND_SUSPENSE) |
        unusual_price(listing, command->price_ticks) | unusual_quantity(listing, command->quantity_lots) |
        (uint32_t)!clordid_sound(&clordid) | (uint32_t)protection_tripped(core, exposure);
    if (unusual != 0) {
        return false;
    }
    const struct stake stake = {
        .price_ticks = command->price_ticks,
        .quantity_lots = command->quantity_lots,
        .notional_units = notional_units(command->price_ticks, command->quantity_lots, listing->tick_units),
        .more_lots = command->quantity_lots,
        .side = command->side,
    };
    struct ladder *ladder = book_side(&core->books, command->instrument, command->side);
    if (stake.notional_units > listing->notional_max_units || stake.notional_units < listing->notional_min_units ||
        judge_stake(instrument, exposure, &stake) != WIRE_REASON_NONE ||
        would_cross(core, command->instrument, command->side, command->price_ticks) ||
        !room_for_one(core, account, session, ladder, (uint32_t)command->price_ticks)) {
        return false;
    }
    const struct rates rates = instrument_rates(instrument, account->fee_tier);
    const uint32_t asset = reserved_asset(listing, command->side);
    const int64_t reserved_units =
        reservation_units(listing, command->side, command->price_ticks, command->quantity_lots, 0,
                          higher_ppm(rates.maker_ppm, rates.taker_ppm));
    const uint64_t key = clordid_words_key(command->session, &clordid);
    struct table_entry *entry = table_seek(&core->used, command->session, key);
    if (!usual_entry(core, entry) ||
        balance_of(&core->accounts, command->account, asset)->available_units < reserved_units) {
        return false;
    }
    const uint32_t index = enter_plain(core, command, rates, ladder);
    table_put(&core->used, entry, command->session, key, index);
    core->used_hash += table_mix(command->session, key);
    balance_move(&core->accounts, command->account, asset, -reserved_units, reserved_units);
    emit_accepted(core, command, echo, index);
    return true;
}

/* ---- replaces ---- */

static inline void emit_replaced(struct core *core, const struct wire_replace_order *command, struct echo echo,
                                 const struct order *order, uint32_t index) {
    const int64_t leaves_lots = command->quantity_lots - order->cum_lots;
    struct wire_order_replaced *event = event_raw_echo(&core->events, WIRE_ORDER_REPLACED, sizeof *event, echo);
    event->session = command->session;
    event->session_epoch = command->session_epoch;
    event->client_seq = command->client_seq;
    event->order_id = command->order_id;
    event->price_ticks = command->price_ticks;
    event->quantity_lots = command->quantity_lots;
    event->cum_lots = order->cum_lots;
    event->leaves_lots = leaves_lots;
    event->rested_lots = leaves_lots;
    event->old_price_ticks = order->price_ticks;
    event->old_leaves_lots = order->leaves_lots;
    event->account = order->account;
    event->instrument = order->instrument;
    event->side = order->side;
    event->priority_kept = 0;
    memset(event->reserved20, 0, sizeof event->reserved20);
    memcpy(event->clordid, command->clordid, sizeof event->clordid);
    memcpy(event->orig_clordid, core->books.details[index].clordid, sizeof event->orig_clordid);
    memset(event->reserved22, 0, sizeof event->reserved22);
    event->stop_price_ticks = 0;
    event->display_lots = 0;
    event->expire_ns = 0;
    event->displayed_lots = leaves_lots;
    event->old_displayed_lots = order->leaves_lots;
    event->working = 1;
    memset(event->reserved_end, 0, sizeof event->reserved_end);
}

/* The order goes to the back of the level of its new price. */
static inline void move_plain(struct core *core, struct ladder *ladder, struct order *order, uint32_t index,
                              uint32_t price_ticks, int64_t leaves_lots) {
    queue_leave(&core->books, ladder, order->price_ticks, index);
    move_open_lots(core, order, leaves_lots - order->leaves_lots);
    order->leaves_lots = leaves_lots;
    order->price_ticks = price_ticks;
    order->priority = core->command_sequence;
    order_changed(&core->books, index);
    queue_join(&core->books, ladder, price_ticks, index);
}

/* Nothing but price and quantity is asked for, and what the request says of the order is true of it. */
static inline bool usual_replace(const struct wire_replace_order *command, const struct order *order) {
    const uint64_t rare = (uint64_t)command->stop_price_ticks | (uint64_t)command->display_lots | command->expire_ns;
    return rare == 0 && command->side == order->side &&
           (command->instrument == 0 || command->instrument == order->instrument) &&
           (command->order_type == 0 || command->order_type == WIRE_ORDER_TYPE_LIMIT);
}

bool plain_replace(struct core *core, const struct wire_replace_order *command, struct echo echo) {
    struct order *order = usual_order(core, command->session, command->order_id);
    if (order == NULL || !usual_replace(command, order)) {
        return false;
    }
    const uint32_t index = (uint32_t)command->order_id + 1;
    const struct session *session = &core->sessions.sessions[command->session];
    const struct account *account = &core->accounts.accounts[order->account];
    const struct instrument *instrument = &core->instruments.instruments[order->instrument];
    const struct wire_instrument_set *listing = &instrument->content;
    const struct exposure *exposure = exposure_of(&core->accounts, order->account, order->instrument);
    const struct clordid_words clordid = clordid_words(command->clordid);
    const int64_t leaves_lots = command->quantity_lots - order->cum_lots;
    const bool in_place = command->price_ticks == order->price_ticks && leaves_lots <= order->leaves_lots;
    const uint32_t unusual = unusual_market(core, instrument) | unusual_owner(core, account, session) |
                             unusual_price(listing, command->price_ticks) |
                             unusual_quantity(listing, command->quantity_lots) | (uint32_t)!clordid_sound(&clordid) |
                             (uint32_t)protection_tripped(core, exposure) | (uint32_t)in_place |
                             (uint32_t)(leaves_lots <= 0);
    if (unusual != 0) {
        return false;
    }
    const uint32_t price_ticks = (uint32_t)command->price_ticks;
    const struct stake stake = {
        .price_ticks = command->price_ticks,
        .quantity_lots = command->quantity_lots,
        .notional_units = notional_units(price_ticks, leaves_lots, listing->tick_units),
        .more_lots = leaves_lots - order->leaves_lots,
        .side = order->side,
    };
    struct ladder *ladder = book_side(&core->books, order->instrument, order->side);
    if (stake.notional_units > listing->notional_max_units ||
        notional_units(price_ticks, command->quantity_lots, listing->tick_units) < listing->notional_min_units ||
        judge_stake(instrument, exposure, &stake) != WIRE_REASON_NONE ||
        would_cross(core, order->instrument, order->side, price_ticks) ||
        (core->books.pages.in_use >= core->limits.max_price_pages && !ladder_has_page(ladder, price_ticks))) {
        return false;
    }
    const uint32_t asset = reserved_asset(listing, order->side);
    const int64_t more_units = reservation(listing, order, price_ticks, leaves_lots) -
                               reservation(listing, order, order->price_ticks, order->leaves_lots);
    const uint64_t key = clordid_words_key(command->session, &clordid);
    struct table_entry *entry = table_seek(&core->used, command->session, key);
    if (!usual_entry(core, entry) || balance_of(&core->accounts, order->account, asset)->available_units < more_units) {
        return false;
    }
    table_put(&core->used, entry, command->session, key, index);
    core->used_hash += table_mix(command->session, key);
    emit_replaced(core, command, echo, order, index);
    memcpy(core->books.details[index].clordid, command->clordid, CLORDID_SIZE);
    balance_move(&core->accounts, order->account, asset, -more_units, more_units);
    move_plain(core, ladder, order, index, price_ticks, leaves_lots);
    return true;
}

/* ---- cancels ---- */

static inline void emit_canceled(struct core *core, const struct wire_cancel_order *command, const struct order *order,
                                 uint32_t index) {
    struct wire_order_canceled *event = event_raw(&core->events, WIRE_ORDER_CANCELED, sizeof *event);
    event->session = order->session;
    event->session_epoch = command->session_epoch;
    event->client_seq = command->client_seq;
    event->order_id = command->order_id;
    event->price_ticks = order->price_ticks;
    event->canceled_lots = order->leaves_lots;
    event->cum_lots = order->cum_lots;
    event->account = order->account;
    event->instrument = order->instrument;
    event->side = order->side;
    event->was_resting = 1;
    event->reason = WIRE_REASON_CANCELED_BY_CLIENT;
    memcpy(event->clordid, command->clordid, sizeof event->clordid);
    memcpy(event->orig_clordid, core->books.details[index].clordid, sizeof event->orig_clordid);
    memset(event->reserved19, 0, sizeof event->reserved19);
    event->displayed_lots = order->leaves_lots;
    event->order_type = WIRE_ORDER_TYPE_LIMIT;
    event->time_in_force = order->time_in_force;
    memset(event->reserved_end, 0, sizeof event->reserved_end);
}

bool plain_cancel(struct core *core, const struct wire_cancel_order *command) {
    const struct clordid_words clordid = clordid_words(command->clordid);
    struct order *order = usual_order(core, command->session, command->order_id);
    if (order == NULL || !clordid_sound(&clordid) || command->side != order->side ||
        (command->instrument != 0 && command->instrument != order->instrument)) {
        return false;
    }
    const uint32_t index = (uint32_t)command->order_id + 1;
    const struct instrument *instrument = &core->instruments.instruments[order->instrument];
    if (instrument->phase != WIRE_PHASE_CONTINUOUS) {
        return false; /* a call phase's indicative may be asked for */
    }
    const struct wire_instrument_set *listing = &instrument->content;
    const int64_t held_units = reservation(listing, order, order->price_ticks, order->leaves_lots);
    emit_canceled(core, command, order, index);
    queue_leave(&core->books, book_side(&core->books, order->instrument, order->side), order->price_ticks, index);
    unlist_order(core, order, index);
    balance_move(&core->accounts, order->account, reserved_asset(listing, order->side), held_units, -held_units);
    order_free(&core->books, index);
    return true;
}
