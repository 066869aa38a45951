/* NewOrder, CancelOrder and ReplaceOrder: judged in the order of reasons that docs/ENGINE.md section 6 gives, then
   carried out.

   A request changes nothing before its last reason to refuse is past, except that its ClOrdID is used up. */
#include "clordid.h"
#include "match.h"
#include "plain.h"
#include "stake.h"
#include "stop.h"
#include "tick.h"
#include "timer.h"

bool clordid_valid(const char text[CLORDID_SIZE]) {
    const struct clordid_words clordid = clordid_words(text);
    return clordid_sound(&clordid);
}

uint64_t clordid_key(uint32_t session, const char text[CLORDID_SIZE]) {
    const struct clordid_words clordid = clordid_words(text);
    return clordid_words_key(session, &clordid);
}

/* A place in the table of used ClOrdIDs, or why there is none. */
struct claim {
    struct table_entry *entry;
    uint16_t reason;
};

/* Uses a ClOrdID up for the trading day. */
static inline struct claim claim_clordid(struct core *core, uint32_t session, const char *text) {
    const struct clordid_words clordid = clordid_words(text);
    if (!clordid_sound(&clordid)) {
        return (struct claim){.reason = WIRE_REASON_INVALID_CL_ORD_ID};
    }
    const uint64_t key = clordid_words_key(session, &clordid);
    struct table_entry *entry = table_seek(&core->used, session, key);
    if (table_holds(&core->used, entry)) {
        return (struct claim){.reason = WIRE_REASON_DUPLICATE_CL_ORD_ID};
    }
    if (core->used.count >= core->limits.max_clordids) {
        return (struct claim){.reason = WIRE_REASON_CL_ORD_ID_TABLE_FULL};
    }
    table_put(&core->used, entry, session, key, 0);
    core->used_hash += table_mix(session, key);
    return (struct claim){.entry = entry};
}

void clordid_keep(struct core *core, uint32_t order_index) {
    const uint32_t session = core->books.orders[order_index].session;
    const uint64_t key = clordid_key(session, core->books.details[order_index].clordid);
    struct table_entry *entry = table_seek(&core->used, session, key);
    if (!table_holds(&core->used, entry)) {
        table_put(&core->used, entry, session, key, order_index);
        core->used_hash += table_mix(session, key);
    }
}

static inline bool blocked(const struct core *core, const struct account *account, const struct session *session) {
    return (account->killed | session->killed | core->killed | core->accounts.killed[account->participant]) != 0;
}

static inline bool market_closed(const struct core *core, const struct instrument *instrument) {
    return !states_open(core, instrument) || instrument->phase == WIRE_PHASE_HALT ||
           instrument->phase == WIRE_PHASE_CLOSED;
}

/* When an order of some type and time in force may enter. */
enum entry {
    ENTRY_NEVER = 0,  /* no such combination */
    ENTRY_ANY,        /* in every phase, working */
    ENTRY_CONTINUOUS, /* there only */
    ENTRY_OPENING,    /* PreOpen and OpeningAuction */
    ENTRY_CLOSE,      /* parked, but working in the ClosingAuction */
    ENTRY_STOP        /* in every phase, dormant */
};

enum { TIMES_IN_FORCE = 8, ORDER_TYPES = 6 };

static const uint8_t ENTRIES[ORDER_TYPES][TIMES_IN_FORCE] = {
    [WIRE_ORDER_TYPE_LIMIT] = {[WIRE_TIME_IN_FORCE_DAY] = ENTRY_ANY,
                               [WIRE_TIME_IN_FORCE_GOOD_TILL_CANCEL] = ENTRY_ANY,
                               [WIRE_TIME_IN_FORCE_GOOD_TILL_DATE] = ENTRY_ANY,
                               [WIRE_TIME_IN_FORCE_IMMEDIATE_OR_CANCEL] = ENTRY_CONTINUOUS,
                               [WIRE_TIME_IN_FORCE_FILL_OR_KILL] = ENTRY_CONTINUOUS,
                               [WIRE_TIME_IN_FORCE_AT_THE_OPENING] = ENTRY_OPENING,
                               [WIRE_TIME_IN_FORCE_AT_THE_CLOSE] = ENTRY_CLOSE},
    [WIRE_ORDER_TYPE_MARKET] = {[WIRE_TIME_IN_FORCE_DAY] = ENTRY_CONTINUOUS,
                                [WIRE_TIME_IN_FORCE_IMMEDIATE_OR_CANCEL] = ENTRY_CONTINUOUS,
                                [WIRE_TIME_IN_FORCE_FILL_OR_KILL] = ENTRY_CONTINUOUS,
                                [WIRE_TIME_IN_FORCE_AT_THE_OPENING] = ENTRY_OPENING,
                                [WIRE_TIME_IN_FORCE_AT_THE_CLOSE] = ENTRY_CLOSE},
    [WIRE_ORDER_TYPE_MARKET_TO_LIMIT] = {[WIRE_TIME_IN_FORCE_DAY] = ENTRY_CONTINUOUS,
                                         [WIRE_TIME_IN_FORCE_GOOD_TILL_CANCEL] = ENTRY_CONTINUOUS,
                                         [WIRE_TIME_IN_FORCE_GOOD_TILL_DATE] = ENTRY_CONTINUOUS,
                                         [WIRE_TIME_IN_FORCE_IMMEDIATE_OR_CANCEL] = ENTRY_CONTINUOUS,
                                         [WIRE_TIME_IN_FORCE_FILL_OR_KILL] = ENTRY_CONTINUOUS},
    [WIRE_ORDER_TYPE_STOP] = {[WIRE_TIME_IN_FORCE_DAY] = ENTRY_STOP,
                              [WIRE_TIME_IN_FORCE_GOOD_TILL_CANCEL] = ENTRY_STOP,
                              [WIRE_TIME_IN_FORCE_GOOD_TILL_DATE] = ENTRY_STOP},
    [WIRE_ORDER_TYPE_STOP_LIMIT] = {[WIRE_TIME_IN_FORCE_DAY] = ENTRY_STOP,
                                    [WIRE_TIME_IN_FORCE_GOOD_TILL_CANCEL] = ENTRY_STOP,
                                    [WIRE_TIME_IN_FORCE_GOOD_TILL_DATE] = ENTRY_STOP},
};

static inline bool entry_allowed(uint8_t entry, uint8_t phase) {
    switch (entry) {
    case ENTRY_CONTINUOUS:
        return phase == WIRE_PHASE_CONTINUOUS;
    case ENTRY_OPENING:
        return phase == WIRE_PHASE_PRE_OPEN || phase == WIRE_PHASE_OPENING_AUCTION;
    default:
        return true;
    }
}

/* Day, GoodTillCancel and GoodTillDate: what lives until somebody or the clock ends it. */
static inline bool lasting(uint8_t time_in_force) {
    return time_in_force == WIRE_TIME_IN_FORCE_DAY || time_in_force == WIRE_TIME_IN_FORCE_GOOD_TILL_CANCEL ||
           time_in_force == WIRE_TIME_IN_FORCE_GOOD_TILL_DATE;
}

static inline bool may_hide(uint8_t type, uint8_t time_in_force) {
    return lasting(time_in_force) && (type == WIRE_ORDER_TYPE_LIMIT || type == WIRE_ORDER_TYPE_STOP_LIMIT ||
                                      type == WIRE_ORDER_TYPE_MARKET_TO_LIMIT);
}

/* What a good new order comes in with. */
struct terms {
    struct instrument *instrument;
    struct account *account;
    struct session *session;
    struct exposure *exposure;
    int64_t price_ticks;
    int64_t reserved_units;
    int32_t maker_ppm;
    int32_t taker_ppm;
    uint8_t entry;
    bool dormant;
    bool plain; /* and neither a stop nor GoodTillDate */
};

static inline uint16_t judge_parties(const struct core *core, const struct wire_new_order *command,
                                     struct terms *terms) {
    terms->instrument = instrument_find(&core->instruments, command->instrument);
    if (terms->instrument == NULL) {
        return WIRE_REASON_UNKNOWN_INSTRUMENT;
    }
    terms->account = account_find(&core->accounts, command->account);
    if (terms->account == NULL) {
        return WIRE_REASON_UNKNOWN_ACCOUNT;
    }
    terms->exposure = exposure_of(&core->accounts, command->account, command->instrument);
    if (terms->account->participant != terms->session->participant ||
        terms->account->kind == WIRE_ACCOUNT_KIND_SUSPENSE) {
        return WIRE_REASON_ACCOUNT_NOT_PERMITTED;
    }
    if (!terms->account->enabled) {
        return WIRE_REASON_ACCOUNT_DISABLED;
    }
    if (blocked(core, terms->account, terms->session)) {
        return WIRE_REASON_KILL_SWITCH;
    }
    return market_closed(core, terms->instrument) ? WIRE_REASON_MARKET_NOT_OPEN : WIRE_REASON_NONE;
}

static inline bool time_in_force_valid(const struct wire_new_order *command, uint8_t entry) {
    if (command->post_only != 0 &&
        (command->order_type != WIRE_ORDER_TYPE_LIMIT || !lasting(command->time_in_force) || command->min_lots != 0)) {
        return false;
    }
    return entry != ENTRY_NEVER;
}

static inline bool expiry_valid(const struct core *core, const struct wire_new_order *command) {
    return command->time_in_force == WIRE_TIME_IN_FORCE_GOOD_TILL_DATE ? command->expire_ns > core->time_ns
                                                                       : command->expire_ns == 0;
}

static inline uint16_t judge_kind(const struct core *core, const struct wire_new_order *command, struct terms *terms) {
    if (command->side != WIRE_SIDE_BUY && command->side != WIRE_SIDE_SELL) {
        return WIRE_REASON_INVALID_SIDE;
    }
    if (command->order_type < WIRE_ORDER_TYPE_MARKET || command->order_type > WIRE_ORDER_TYPE_MARKET_TO_LIMIT) {
        return WIRE_REASON_INVALID_ORDER_TYPE;
    }
    const uint8_t entry =
        command->time_in_force < TIMES_IN_FORCE ? ENTRIES[command->order_type][command->time_in_force] : ENTRY_NEVER;
    const uint8_t phase = terms->instrument->phase;
    terms->entry = entry;
    terms->dormant = false;
    terms->plain = plain_fields(command) && entry - 1U < ENTRY_STOP - 1U &&
                   command->time_in_force != WIRE_TIME_IN_FORCE_GOOD_TILL_DATE;
    if (terms->plain) {
        terms->dormant = entry == ENTRY_CLOSE && phase != WIRE_PHASE_CLOSING_AUCTION;
        return entry_allowed(entry, phase) ? WIRE_REASON_NONE : WIRE_REASON_PHASE_NOT_ALLOWED;
    }
    if (!time_in_force_valid(command, entry)) {
        return WIRE_REASON_INVALID_TIME_IN_FORCE;
    }
    if (command->stp_mode > WIRE_SELF_TRADE_PREVENTION_DECREMENT) {
        return WIRE_REASON_INVALID_SELF_TRADE_PREVENTION;
    }
    if (!expiry_valid(core, command)) {
        return WIRE_REASON_INVALID_EXPIRY;
    }
    terms->dormant = entry == ENTRY_STOP || (entry == ENTRY_CLOSE && phase != WIRE_PHASE_CLOSING_AUCTION);
    return entry_allowed(entry, phase) ? WIRE_REASON_NONE : WIRE_REASON_PHASE_NOT_ALLOWED;
}

static inline bool price_in_range(const struct wire_instrument_set *listing, int64_t price_ticks) {
    return price_ticks >= listing->price_min_ticks && price_ticks <= listing->price_max_ticks;
}

static inline uint16_t judge_quantity(const struct wire_instrument_set *listing, int64_t quantity_lots) {
    if (quantity_lots < 1 || quantity_lots > listing->quantity_max_lots) {
        return WIRE_REASON_INVALID_QUANTITY;
    }
    return quantity_lots < listing->quantity_min_lots ? WIRE_REASON_QUANTITY_TOO_SMALL : WIRE_REASON_NONE;
}

static inline bool stop_price_valid(const struct wire_new_order *command, const struct terms *terms) {
    if (terms->entry != ENTRY_STOP) {
        return command->stop_price_ticks == 0 && command->trigger == 0;
    }
    return command->trigger <= WIRE_STOP_TRIGGER_REFERENCE_PRICE &&
           price_in_range(&terms->instrument->content, command->stop_price_ticks) &&
           on_tick(terms->instrument, command->stop_price_ticks) &&
           !would_trigger_at_once(terms->instrument, command->side, command->trigger, command->stop_price_ticks);
}

/* The worst price an order without one accepts; both bounds are computed without leaving 63 bits. */
static int64_t protection_price(const struct wire_instrument_set *listing, uint8_t side, int64_t from_ticks) {
    if (side == WIRE_SIDE_BUY) {
        const int64_t room = listing->price_max_ticks - from_ticks;
        return from_ticks + (listing->protection_ticks < room ? listing->protection_ticks : room);
    }
    const int64_t room = from_ticks - listing->price_min_ticks;
    return from_ticks - (listing->protection_ticks < room ? listing->protection_ticks : room);
}

static inline uint16_t judge_sent_price(const struct instrument *instrument, int64_t price_ticks) {
    if (!price_in_range(&instrument->content, price_ticks)) {
        return WIRE_REASON_PRICE_OUT_OF_RANGE;
    }
    return on_tick(instrument, price_ticks) ? WIRE_REASON_NONE : WIRE_REASON_PRICE_NOT_ON_TICK;
}

/* The price of an order for an auction only that was sent without one: it rests, so it is on tick. */
static int64_t auction_price_of(const struct instrument *instrument, uint8_t side, uint32_t guide) {
    const int64_t worst = protection_price(&instrument->content, side, guide);
    const int64_t tick = side == WIRE_SIDE_BUY ? tick_at_or_below(instrument, (uint32_t)worst)
                                               : tick_at_or_above(instrument, (uint32_t)worst);
    return price_in_range(&instrument->content, tick) ? tick : worst;
}

/* The price of an order that was sent without one. */
static uint16_t judge_own_price(const struct core *core, const struct wire_new_order *command, struct terms *terms) {
    const struct wire_instrument_set *listing = &terms->instrument->content;
    if (command->order_type == WIRE_ORDER_TYPE_STOP) {
        terms->price_ticks = protection_price(listing, command->side, command->stop_price_ticks);
        return WIRE_REASON_NONE;
    }
    if (terms->entry != ENTRY_CONTINUOUS) {
        const uint32_t guide = guide_ticks(terms->instrument);
        if (guide == 0) {
            return WIRE_REASON_NO_REFERENCE_PRICE;
        }
        terms->price_ticks = auction_price_of(terms->instrument, command->side, guide);
        return WIRE_REASON_NONE;
    }
    const uint32_t best = book_side(&core->books, command->instrument, opposite(command->side))->best_tick;
    const bool to_limit = command->order_type == WIRE_ORDER_TYPE_MARKET_TO_LIMIT;
    terms->price_ticks = to_limit ? best : protection_price(listing, command->side, best);
    return best == 0 ? WIRE_REASON_NO_LIQUIDITY : WIRE_REASON_NONE;
}

static inline uint16_t judge_price(const struct core *core, const struct wire_new_order *command, struct terms *terms) {
    if (command->order_type == WIRE_ORDER_TYPE_LIMIT || command->order_type == WIRE_ORDER_TYPE_STOP_LIMIT) {
        terms->price_ticks = command->price_ticks;
        return judge_sent_price(terms->instrument, command->price_ticks);
    }
    return judge_own_price(core, command, terms);
}

static inline bool display_valid(const struct instrument *instrument, int64_t price_ticks, int64_t display_lots,
                                 uint8_t type, uint8_t time_in_force) {
    return display_lots == 0 ||
           (display_lots > 0 && on_lot(instrument, price_ticks, display_lots) && may_hide(type, time_in_force));
}

static inline bool min_lots_valid(const struct wire_new_order *command, const struct terms *terms) {
    if (command->min_lots < 0 || command->min_lots > command->quantity_lots) {
        return false;
    }
    return command->min_lots == 0 ||
           (terms->instrument->phase == WIRE_PHASE_CONTINUOUS && terms->entry != ENTRY_STOP &&
            (lasting(command->time_in_force) || command->time_in_force == WIRE_TIME_IN_FORCE_IMMEDIATE_OR_CANCEL));
}

static inline uint16_t judge_size(const struct wire_new_order *command, const struct terms *terms) {
    const struct wire_instrument_set *listing = &terms->instrument->content;
    if (!on_lot(terms->instrument, terms->price_ticks, command->quantity_lots)) {
        return WIRE_REASON_QUANTITY_NOT_ON_LOT;
    }
    if (!terms->plain && !display_valid(terms->instrument, terms->price_ticks, command->display_lots,
                                        command->order_type, command->time_in_force)) {
        return WIRE_REASON_INVALID_DISPLAY_QUANTITY;
    }
    if (!terms->plain && !min_lots_valid(command, terms)) {
        return WIRE_REASON_INVALID_MIN_QUANTITY;
    }
    const int64_t notional = notional_units(terms->price_ticks, command->quantity_lots, listing->tick_units);
    if (notional > listing->notional_max_units) {
        return WIRE_REASON_NOTIONAL_TOO_LARGE;
    }
    return notional < listing->notional_min_units ? WIRE_REASON_NOTIONAL_TOO_SMALL : WIRE_REASON_NONE;
}

static inline uint16_t judge_limits(const struct wire_new_order *command, const struct terms *terms) {
    const struct stake stake = {
        .price_ticks = terms->price_ticks,
        .quantity_lots = command->quantity_lots,
        .notional_units =
            notional_units(terms->price_ticks, command->quantity_lots, terms->instrument->content.tick_units),
        .more_lots = command->quantity_lots,
        .side = command->side,
    };
    return judge_stake(terms->instrument, terms->exposure, &stake);
}

static inline bool would_trade(const struct core *core, const struct instrument *instrument, uint8_t side,
                               int64_t price_ticks) {
    return instrument->phase == WIRE_PHASE_CONTINUOUS &&
           crosses(side, (uint32_t)price_ticks,
                   book_side(&core->books, instrument->content.instrument, opposite(side))->best_tick);
}

/* True when the order may come to need a page beyond the limit. */
static inline bool no_page_left(const struct core *core, const struct wire_new_order *command,
                                const struct terms *terms) {
    if (terms->entry == ENTRY_STOP) {
        const bool reference = command->trigger == WIRE_STOP_TRIGGER_REFERENCE_PRICE;
        return ladder_full(core, stop_ladder(&core->books, command->instrument, command->side, reference),
                           (uint32_t)command->stop_price_ticks);
    }
    return !terms->dormant && may_rest(command->order_type, command->time_in_force) &&
           ladder_full(core, book_side(&core->books, command->instrument, command->side), (uint32_t)terms->price_ticks);
}

static inline uint16_t judge_room(const struct core *core, const struct wire_new_order *command, struct terms *terms) {
    const struct wire_instrument_set *listing = &terms->instrument->content;
    const uint32_t of_account = core->limits.max_open_orders_per_account;
    if (terms->session->open_orders >= core->limits.max_open_orders_per_session) {
        return WIRE_REASON_TOO_MANY_OPEN_ORDERS;
    }
    if (of_account != 0 && terms->account->open_orders >= of_account) {
        return WIRE_REASON_TOO_MANY_OPEN_ORDERS_OF_ACCOUNT;
    }
    if (core->books.in_use >= core->limits.max_orders || pool_empty(&core->books.slots)) {
        return WIRE_REASON_ORDER_POOL_FULL;
    }
    if (no_page_left(core, command, terms)) {
        return WIRE_REASON_BOOK_FULL;
    }
    const struct rates rates = instrument_rates(terms->instrument, terms->account->fee_tier);
    terms->maker_ppm = rates.maker_ppm;
    terms->taker_ppm = rates.taker_ppm;
    terms->reserved_units = reservation_units(listing, command->side, terms->price_ticks, command->quantity_lots, 0,
                                              higher_ppm(terms->maker_ppm, terms->taker_ppm));
    if (balance_of(&core->accounts, command->account, reserved_asset(listing, command->side))->available_units <
        terms->reserved_units) {
        return WIRE_REASON_INSUFFICIENT_FUNDS;
    }
    return WIRE_REASON_NONE;
}

/* The first reason against the order, after its ClOrdID. */
static inline uint16_t judge_new_order(const struct core *core, const struct wire_new_order *command,
                                       struct terms *terms) {
    uint16_t reason = judge_parties(core, command, terms);
    if (reason == WIRE_REASON_NONE) {
        reason = judge_kind(core, command, terms);
    }
    if (reason == WIRE_REASON_NONE && protection_tripped(core, terms->exposure)) {
        reason = WIRE_REASON_MARKET_MAKER_PROTECTION;
    }
    if (reason == WIRE_REASON_NONE) {
        reason = judge_quantity(&terms->instrument->content, command->quantity_lots);
    }
    if (reason == WIRE_REASON_NONE && !terms->plain && !stop_price_valid(command, terms)) {
        reason = WIRE_REASON_INVALID_STOP_PRICE;
    }
    if (reason == WIRE_REASON_NONE) {
        reason = judge_price(core, command, terms);
    }
    if (reason == WIRE_REASON_NONE) {
        reason = judge_size(command, terms);
    }
    if (reason == WIRE_REASON_NONE) {
        reason = judge_limits(command, terms);
    }
    if (reason == WIRE_REASON_NONE && command->post_only != 0 &&
        would_trade(core, terms->instrument, command->side, terms->price_ticks)) {
        reason = WIRE_REASON_POST_ONLY_WOULD_TRADE;
    }
    if (reason == WIRE_REASON_NONE) {
        reason = judge_room(core, command, terms);
    }
    return reason;
}

static void reject_order(struct core *core, const struct wire_new_order *command, struct echo echo, uint16_t reason) {
    struct wire_order_rejected *event = event_raw_echo(&core->events, WIRE_ORDER_REJECTED, sizeof *event, echo);
    memset((uint8_t *)event + EVENT_HEAD, 0, sizeof *event - EVENT_HEAD);
    event->session = command->session;
    event->session_epoch = command->session_epoch;
    event->client_seq = command->client_seq;
    event->price_ticks = command->price_ticks;
    event->quantity_lots = command->quantity_lots;
    event->account = command->account;
    event->instrument = command->instrument;
    event->side = command->side;
    event->order_type = command->order_type;
    event->time_in_force = command->time_in_force;
    event->poss_resend = command->poss_resend;
    event->reason = reason;
    memcpy(event->clordid, command->clordid, sizeof event->clordid);
    event->stop_price_ticks = command->stop_price_ticks;
    event->display_lots = command->display_lots;
    event->min_lots = command->min_lots;
    event->expire_ns = command->expire_ns;
    event->trigger = command->trigger;
    event->stp_mode = command->stp_mode;
    event->post_only = command->post_only;
}

/* What only few orders have. */
static void enter_terms(struct core *core, const struct wire_new_order *command, uint32_t index,
                        const struct terms *terms) {
    struct order *order = &core->books.orders[index];
    if (command->post_only != 0) {
        order->flags |= ORDER_POST_ONLY;
    }
    if (command->display_lots < command->quantity_lots) {
        order_set_display(&core->books, index, command->display_lots);
    }
    if (command->expire_ns != 0) {
        order_terms_own(&core->books, index)->expire_ns = command->expire_ns;
    }
    if (terms->entry == ENTRY_STOP) {
        order_terms_own(&core->books, index)->stop_price_ticks = (uint32_t)command->stop_price_ticks;
        if (command->trigger == WIRE_STOP_TRIGGER_REFERENCE_PRICE) {
            order->flags |= ORDER_TRIGGER_REFERENCE;
        }
    }
}

/* Takes a slot for the order and its money from available. */
static inline uint32_t enter_order(struct core *core, const struct wire_new_order *command, const struct terms *terms) {
    const struct wire_instrument_set *listing = &terms->instrument->content;
    const uint32_t index = order_take(&core->books);
    struct order *order = &core->books.orders[index];
    order->price_ticks = (uint32_t)terms->price_ticks;
    order->leaves_lots = command->quantity_lots;
    order->cum_lots = 0;
    order->priority = core->command_sequence;
    order->account = command->account;
    order->fee_remainder = 0;
    order->maker_ppm = terms->maker_ppm;
    order->taker_ppm = terms->taker_ppm;
    order->instrument = (uint16_t)command->instrument;
    order->session = (uint16_t)command->session;
    order->side = command->side;
    order->kind = (uint8_t)(command->order_type | command->stp_mode << 3);
    order->time_in_force = command->time_in_force;
    memcpy(core->books.details[index].clordid, command->clordid, CLORDID_SIZE);
    if (!terms->plain) {
        enter_terms(core, command, index, terms);
    }
    balance_move(&core->accounts, command->account, reserved_asset(listing, command->side), -terms->reserved_units,
                 terms->reserved_units);
    return index;
}

static inline struct wire_order_accepted *emit_accepted(struct core *core, const struct wire_new_order *command,
                                                        struct echo echo, uint32_t index, const struct terms *terms) {
    struct wire_order_accepted *event = event_raw_echo(&core->events, WIRE_ORDER_ACCEPTED, sizeof *event, echo);
    event->session = command->session;
    event->session_epoch = command->session_epoch;
    event->client_seq = command->client_seq;
    event->order_id = order_id(&core->books, index);
    event->price_ticks = terms->price_ticks;
    event->quantity_lots = command->quantity_lots;
    event->rested_lots = 0;
    event->account = command->account;
    event->instrument = command->instrument;
    event->side = command->side;
    event->order_type = command->order_type;
    event->time_in_force = command->time_in_force;
    event->poss_resend = command->poss_resend;
    memcpy(event->clordid, command->clordid, sizeof event->clordid);
    event->stop_price_ticks = command->stop_price_ticks;
    event->display_lots = command->display_lots;
    event->min_lots = command->min_lots;
    event->expire_ns = command->expire_ns;
    event->trigger = command->trigger;
    event->stp_mode = command->stp_mode;
    event->post_only = command->post_only;
    event->working = !terms->dormant;
    memset(event->reserved27, 0, sizeof event->reserved27);
    event->displayed_lots = 0;
    return event;
}

void count_command(struct core *core, uint32_t session_id, uint64_t client_seq) {
    struct session *session = session_find(&core->sessions, session_id);
    VENUE_ASSERT(session != NULL && client_seq > session->last_client_seq,
                 "a client command is of a known session and newer than its last");
    session->last_client_seq = client_seq;
    session_changed(&core->sessions, session_id);
}

/* A new order that is accepted: into the stops, the parked list or the book, or matched first. */
static inline void place_order(struct core *core, uint32_t index, const struct terms *terms, int64_t min_lots,
                               struct wire_order_accepted *event) {
    if (terms->dormant) {
        dormant_join(core, index);
        return;
    }
    const struct rested rested =
        terms->instrument->phase == WIRE_PHASE_CONTINUOUS ? match_new(core, index, min_lots) : rest(core, index);
    event->rested_lots = rested.rested_lots;
    event->displayed_lots = rested.displayed_lots;
}

void apply_new_order(struct core *core, const struct wire_new_order *command, struct echo echo) {
    count_command(core, command->session, command->client_seq);
    if (__builtin_expect(plain_new_order(core, command, echo), 1)) {
        return;
    }
    struct terms terms;
    terms.session = &core->sessions.sessions[command->session];
    const struct claim claim = claim_clordid(core, command->session, command->clordid);
    uint16_t reason = claim.reason;
    if (reason == WIRE_REASON_DUPLICATE_CL_ORD_ID && command->poss_resend != 0) {
        reason = WIRE_REASON_POSS_RESEND_DUPLICATE;
    }
    if (reason == WIRE_REASON_NONE) {
        reason = judge_new_order(core, command, &terms);
    }
    if (reason != WIRE_REASON_NONE) {
        reject_order(core, command, echo, reason);
        return;
    }
    const uint32_t index = enter_order(core, command, &terms);
    claim.entry->order = index;
    place_order(core, index, &terms, command->min_lots, emit_accepted(core, command, echo, index, &terms));
}

/* The order a request names, or why there is none. */
struct found {
    uint32_t index; /* 0: none */
    uint16_t reason;
};

static inline struct found find_by_id(const struct core *core, uint32_t session, uint64_t id) {
    const uint32_t generation = (uint32_t)(id >> 32);
    const uint32_t slot = (uint32_t)id;
    if (slot >= core->capacity.orders || generation == 0) {
        return (struct found){.reason = WIRE_REASON_UNKNOWN_ORDER};
    }
    const struct order *order = &core->books.orders[slot + 1];
    if (generation > order->generation) {
        return (struct found){.reason = WIRE_REASON_UNKNOWN_ORDER};
    }
    if (generation < order->generation || order->leaves_lots == 0) {
        return (struct found){.reason = WIRE_REASON_TOO_LATE_TO_CANCEL};
    }
    if (order->session != session) {
        return (struct found){.reason = WIRE_REASON_UNKNOWN_ORDER};
    }
    return (struct found){.index = slot + 1};
}

/* An entry names an open order only while the order at its place has this session and this very ClOrdID. */
static struct found find_by_clordid(const struct core *core, uint32_t session, const char text[CLORDID_SIZE]) {
    const struct table_entry *entry = table_find(&core->used, session, clordid_key(session, text));
    if (entry == NULL) {
        return (struct found){.reason = WIRE_REASON_UNKNOWN_ORDER};
    }
    const struct order *order = &core->books.orders[entry->order]; /* index 0 is never open */
    if (order->leaves_lots > 0 && order->session == session &&
        memcmp(core->books.details[entry->order].clordid, text, CLORDID_SIZE) == 0) {
        return (struct found){.index = entry->order};
    }
    return (struct found){.reason = WIRE_REASON_TOO_LATE_TO_CANCEL};
}

/* What CancelOrder and ReplaceOrder have in common. */
struct request {
    uint32_t session;
    uint32_t session_epoch;
    uint64_t client_seq;
    uint64_t order_id;
    uint32_t instrument;
    uint8_t side;
    uint8_t order_type; /* 0: not given */
    uint8_t kind;       /* wire RequestKind */
    const char *clordid;
    const char *orig_clordid;
};

static inline struct found find_order(const struct core *core, const struct request *request) {
    struct found found = request->order_id != 0 ? find_by_id(core, request->session, request->order_id)
                                                : find_by_clordid(core, request->session, request->orig_clordid);
    if (found.index != 0) {
        const struct order *order = &core->books.orders[found.index];
        if ((request->instrument != 0 && request->instrument != order->instrument) || request->side != order->side ||
            (request->order_type != 0 && request->order_type != order_type(order))) {
            found.reason = WIRE_REASON_ORDER_MISMATCH;
        }
    }
    return found;
}

static uint8_t status_of(struct found found) {
    if (found.reason == WIRE_REASON_TOO_LATE_TO_CANCEL) {
        return WIRE_ORDER_STATUS_CLOSED;
    }
    return found.index != 0 ? WIRE_ORDER_STATUS_OPEN : WIRE_ORDER_STATUS_UNKNOWN;
}

static void reject_request(struct core *core, const struct request *request, struct found found) {
    struct wire_cancel_rejected *event = event_begin(&core->events, WIRE_CANCEL_REJECTED, sizeof *event);
    event->session = request->session;
    event->session_epoch = request->session_epoch;
    event->client_seq = request->client_seq;
    event->order_id = found.index != 0 ? order_id(&core->books, found.index) : request->order_id;
    event->reason = found.reason;
    event->request = request->kind;
    event->order_status = status_of(found);
    memcpy(event->clordid, request->clordid, sizeof event->clordid);
    memcpy(event->orig_clordid, request->orig_clordid, sizeof event->orig_clordid);
}

void apply_cancel_order(struct core *core, const struct wire_cancel_order *command) {
    count_command(core, command->session, command->client_seq);
    if (__builtin_expect(plain_cancel(core, command), 1)) {
        return;
    }
    const struct request request = {
        .session = command->session,
        .session_epoch = command->session_epoch,
        .client_seq = command->client_seq,
        .order_id = command->order_id,
        .instrument = command->instrument,
        .side = command->side,
        .kind = WIRE_REQUEST_KIND_CANCEL,
        .clordid = command->clordid,
        .orig_clordid = command->orig_clordid,
    };
    struct found found = {.reason = WIRE_REASON_INVALID_CL_ORD_ID};
    if (clordid_valid(command->clordid)) {
        found = find_order(core, &request);
    }
    if (found.reason != WIRE_REASON_NONE) {
        reject_request(core, &request, found);
        return;
    }
    cancel_open_order(core, found.index,
                      (struct cancel_cause){
                          .client_seq = command->client_seq,
                          .clordid = command->clordid,
                          .reason = WIRE_REASON_CANCELED_BY_CLIENT,
                      });
}

/* What a good replace changes the order to, and what it is judged by. */
struct replacement {
    struct order *order;
    struct instrument *instrument;
    const struct order_terms *terms; /* as they are */
    const struct exposure *exposure;
    int64_t price_ticks;
    int64_t leaves_lots; /* 0 when nothing is left to trade */
    int64_t more_units;  /* than it holds now */
    int64_t display_lots;
    uint64_t expire_ns;
    uint32_t index;
    uint32_t stop_price_ticks;
};

static inline void look_up(const struct core *core, uint32_t index, struct replacement *replacement) {
    struct order *order = &core->books.orders[index];
    replacement->index = index;
    replacement->order = order;
    replacement->instrument = &core->instruments.instruments[order->instrument];
    replacement->terms = order_terms(&core->books, index);
    replacement->exposure = exposure_of(&core->accounts, order->account, order->instrument);
}

static bool stop_price_of_replace_valid(const struct wire_replace_order *command,
                                        const struct replacement *replacement) {
    const struct order *order = replacement->order;
    const struct instrument *instrument = replacement->instrument;
    if ((order->flags & ORDER_DORMANT) == 0 || !order_is_stop(order_type(order)) ||
        !price_in_range(&instrument->content, command->stop_price_ticks) ||
        !on_tick(instrument, command->stop_price_ticks)) {
        return false;
    }
    const uint8_t trigger = (order->flags & ORDER_TRIGGER_REFERENCE) != 0 ? WIRE_STOP_TRIGGER_REFERENCE_PRICE
                                                                          : WIRE_STOP_TRIGGER_LAST_TRADE;
    return command->stop_price_ticks == replacement->terms->stop_price_ticks ||
           !would_trigger_at_once(instrument, order->side, trigger, command->stop_price_ticks);
}

/* Whether the request may be looked at at all. */
static inline uint16_t judge_moment(const struct core *core, const struct wire_replace_order *command,
                                    const struct replacement *replacement) {
    const struct order *order = replacement->order;
    const struct account *account = &core->accounts.accounts[order->account];
    if (!account->enabled) {
        return WIRE_REASON_ACCOUNT_DISABLED;
    }
    if (blocked(core, account, &core->sessions.sessions[order->session])) {
        return WIRE_REASON_KILL_SWITCH;
    }
    if (market_closed(core, replacement->instrument)) {
        return WIRE_REASON_MARKET_NOT_OPEN;
    }
    if (command->expire_ns != 0 &&
        (order->time_in_force != WIRE_TIME_IN_FORCE_GOOD_TILL_DATE || command->expire_ns <= core->time_ns)) {
        return WIRE_REASON_INVALID_EXPIRY;
    }
    return protection_tripped(core, replacement->exposure) ? WIRE_REASON_MARKET_MAKER_PROTECTION : WIRE_REASON_NONE;
}

static inline uint16_t judge_new_price(const struct wire_replace_order *command, struct replacement *replacement) {
    const struct order *order = replacement->order;
    const uint8_t type = order_type(order);
    if (__builtin_expect(type == WIRE_ORDER_TYPE_MARKET, 0)) {
        replacement->price_ticks = order->price_ticks;
        return WIRE_REASON_NONE;
    }
    if (__builtin_expect(type == WIRE_ORDER_TYPE_STOP, 0)) {
        replacement->price_ticks =
            protection_price(&replacement->instrument->content, order->side, replacement->stop_price_ticks);
        return WIRE_REASON_NONE;
    }
    replacement->price_ticks = command->price_ticks;
    return judge_sent_price(replacement->instrument, command->price_ticks);
}

/* The terms that it would have; 0 as sent leaves one as it is. */
static inline void fill_in_terms(const struct wire_replace_order *command, struct replacement *replacement) {
    const struct order_terms *terms = replacement->terms;
    const int64_t cum_lots = replacement->order->cum_lots;
    replacement->stop_price_ticks =
        command->stop_price_ticks != 0 ? (uint32_t)command->stop_price_ticks : terms->stop_price_ticks;
    replacement->display_lots = command->display_lots != 0 ? command->display_lots : terms->display_lots;
    replacement->expire_ns = command->expire_ns != 0 ? command->expire_ns : terms->expire_ns;
    replacement->leaves_lots = command->quantity_lots > cum_lots ? command->quantity_lots - cum_lots : 0;
    if (replacement->leaves_lots == 0) { /* nothing goes on under the new terms */
        replacement->display_lots = terms->display_lots;
        replacement->expire_ns = terms->expire_ns;
    }
}

/* Everything up to the size that the order would have; fills in the replacement's terms. */
static inline uint16_t judge_terms(const struct wire_replace_order *command, struct replacement *replacement) {
    const struct order *order = replacement->order;
    const struct instrument *instrument = replacement->instrument;
    const struct wire_instrument_set *listing = &instrument->content;
    uint16_t reason = judge_quantity(listing, command->quantity_lots);
    if (reason != WIRE_REASON_NONE) {
        return reason;
    }
    if (command->stop_price_ticks != 0 && !stop_price_of_replace_valid(command, replacement)) {
        return WIRE_REASON_INVALID_STOP_PRICE;
    }
    fill_in_terms(command, replacement);
    reason = judge_new_price(command, replacement);
    if (reason != WIRE_REASON_NONE) {
        return reason;
    }
    if (!on_lot(instrument, replacement->price_ticks, command->quantity_lots)) {
        return WIRE_REASON_QUANTITY_NOT_ON_LOT;
    }
    if (!display_valid(instrument, replacement->price_ticks, command->display_lots, order_type(order),
                       order->time_in_force)) {
        return WIRE_REASON_INVALID_DISPLAY_QUANTITY;
    }
    if (notional_units(replacement->price_ticks, replacement->leaves_lots, listing->tick_units) >
        listing->notional_max_units) {
        return WIRE_REASON_NOTIONAL_TOO_LARGE;
    }
    return notional_units(replacement->price_ticks, command->quantity_lots, listing->tick_units) <
                   listing->notional_min_units
               ? WIRE_REASON_NOTIONAL_TOO_SMALL
               : WIRE_REASON_NONE;
}

static inline bool no_page_for_replacement(const struct core *core, const struct replacement *replacement) {
    const struct order *order = replacement->order;
    const struct ladder *ladder = book_side(&core->books, order->instrument, order->side);
    uint32_t from = order->price_ticks;
    uint32_t to = (uint32_t)replacement->price_ticks;
    if ((order->flags & ORDER_DORMANT) != 0) {
        if (order_is_parked(order)) {
            return false;
        }
        ladder = stop_ladder_of(core, replacement->index);
        from = replacement->terms->stop_price_ticks;
        to = replacement->stop_price_ticks;
    }
    return from / LEVELS_PER_PAGE != to / LEVELS_PER_PAGE && ladder_full(core, ladder, to);
}

/* What only an order that goes on must pass. */
static inline uint16_t judge_going_on(const struct core *core, const struct wire_replace_order *command,
                                      const struct replacement *replacement) {
    const struct order *order = replacement->order;
    const struct wire_instrument_set *listing = &replacement->instrument->content;
    const struct stake stake = {
        .price_ticks = replacement->price_ticks,
        .quantity_lots = command->quantity_lots,
        .notional_units = notional_units(replacement->price_ticks, replacement->leaves_lots, listing->tick_units),
        .more_lots = replacement->leaves_lots - order->leaves_lots,
        .side = order->side,
    };
    const uint16_t reason = judge_stake(replacement->instrument, replacement->exposure, &stake);
    if (reason != WIRE_REASON_NONE) {
        return reason;
    }
    if ((order->flags & ORDER_POST_ONLY) != 0 &&
        would_trade(core, replacement->instrument, order->side, replacement->price_ticks)) {
        return WIRE_REASON_POST_ONLY_WOULD_TRADE;
    }
    if (no_page_for_replacement(core, replacement)) {
        return WIRE_REASON_BOOK_FULL;
    }
    return replacement->more_units >
                   balance_of(&core->accounts, order->account, reserved_asset(listing, order->side))->available_units
               ? WIRE_REASON_INSUFFICIENT_FUNDS
               : WIRE_REASON_NONE;
}

static inline uint16_t judge_replace(const struct core *core, const struct wire_replace_order *command,
                                     struct replacement *replacement) {
    const struct order *order = replacement->order;
    const struct wire_instrument_set *listing = &replacement->instrument->content;
    uint16_t reason = judge_moment(core, command, replacement);
    if (reason == WIRE_REASON_NONE) {
        reason = judge_terms(command, replacement);
    }
    if (reason != WIRE_REASON_NONE) {
        return reason;
    }
    replacement->more_units = reservation(listing, order, replacement->price_ticks, replacement->leaves_lots) -
                              reservation(listing, order, order->price_ticks, order->leaves_lots);
    return replacement->leaves_lots == 0 ? WIRE_REASON_NONE : judge_going_on(core, command, replacement);
}

/* OrderReplaced of the order as it stands; what it will become is in `replacement`. */
static inline struct wire_order_replaced *emit_replaced(struct core *core, const struct wire_replace_order *command,
                                                        struct echo echo, const struct replacement *replacement) {
    const struct order *order = replacement->order;
    const bool dormant = (order->flags & ORDER_DORMANT) != 0;
    struct wire_order_replaced *event = event_raw_echo(&core->events, WIRE_ORDER_REPLACED, sizeof *event, echo);
    event->session = command->session;
    event->session_epoch = command->session_epoch;
    event->client_seq = command->client_seq;
    event->order_id = order_id(&core->books, replacement->index);
    event->price_ticks = replacement->price_ticks;
    event->quantity_lots = order->cum_lots + replacement->leaves_lots;
    event->cum_lots = order->cum_lots;
    event->leaves_lots = replacement->leaves_lots;
    event->rested_lots = 0;
    event->old_price_ticks = order->price_ticks;
    event->old_leaves_lots = order->leaves_lots;
    event->account = order->account;
    event->instrument = order->instrument;
    event->side = order->side;
    event->priority_kept = 1;
    memset(event->reserved20, 0, sizeof event->reserved20);
    memcpy(event->clordid, command->clordid, sizeof event->clordid);
    memcpy(event->orig_clordid, core->books.details[replacement->index].clordid, sizeof event->orig_clordid);
    memset(event->reserved22, 0, sizeof event->reserved22);
    event->stop_price_ticks = replacement->stop_price_ticks;
    event->display_lots = replacement->display_lots;
    event->expire_ns = replacement->expire_ns;
    event->displayed_lots = 0;
    event->old_displayed_lots = dormant ? 0 : order_displayed(&core->books, replacement->index);
    event->working = !dormant;
    memset(event->reserved_end, 0, sizeof event->reserved_end);
    return event;
}

/* Display, stop price and expiry become the new ones. */
static void take_rare_terms(struct core *core, const struct replacement *replacement) {
    order_set_display(&core->books, replacement->index, replacement->display_lots);
    struct order_terms *terms = order_terms_own(&core->books, replacement->index);
    terms->stop_price_ticks = replacement->stop_price_ticks;
    if (terms->expire_ns != replacement->expire_ns) {
        terms->expire_ns = replacement->expire_ns;
        expiry_moved(core, replacement->index);
    }
}

/* All terms become the new ones; leaves and money too. */
static inline void take_terms(struct core *core, const struct replacement *replacement) {
    struct order *order = replacement->order;
    const struct wire_instrument_set *listing = &replacement->instrument->content;
    order->price_ticks = (uint32_t)replacement->price_ticks;
    if (replacement->leaves_lots != order->leaves_lots) {
        exposure_open_move(core, replacement->index, replacement->leaves_lots - order->leaves_lots);
        order->leaves_lots = replacement->leaves_lots;
    }
    if ((replacement->display_lots | (int64_t)replacement->expire_ns | replacement->stop_price_ticks) != 0) {
        take_rare_terms(core, replacement);
    }
    if (replacement->more_units != 0) {
        balance_move(&core->accounts, order->account, reserved_asset(listing, order->side), -replacement->more_units,
                     replacement->more_units);
    }
    order_changed(&core->books, replacement->index);
}

/* The order leaves its place, takes its new terms and comes in as a taker, or rests outside Continuous. */
static inline void requeue(struct core *core, const struct replacement *replacement,
                           struct wire_order_replaced *event) {
    take_out(core, replacement->index);
    take_terms(core, replacement);
    event->priority_kept = 0;
    const struct rested rested = replacement->instrument->phase == WIRE_PHASE_CONTINUOUS
                                     ? match(core, replacement->index, ARRIVAL_REQUEST)
                                     : rest(core, replacement->index);
    event->rested_lots = rested.rested_lots;
    event->displayed_lots = rested.displayed_lots;
}

/* A dormant order keeps its place while what its place depends on is the same and it asks for no more. */
static void replace_dormant(struct core *core, const struct replacement *replacement,
                            struct wire_order_replaced *event) {
    const struct order *order = replacement->order;
    const uint32_t index = replacement->index;
    const bool same_place = order_is_parked(order)
                                ? replacement->price_ticks == order->price_ticks
                                : replacement->stop_price_ticks == replacement->terms->stop_price_ticks;
    if (same_place && replacement->leaves_lots <= order->leaves_lots) {
        dormant_reduce(core, index, order->leaves_lots - replacement->leaves_lots);
        take_terms(core, replacement);
        return;
    }
    dormant_leave(core, index);
    take_terms(core, replacement);
    dormant_join(core, index);
    event->priority_kept = 0;
}

/* Same price, no more lots: the order keeps its place. */
static inline void replace_in_place(struct core *core, const struct replacement *replacement,
                                    struct wire_order_replaced *event) {
    struct order *order = replacement->order;
    const int64_t less_lots = order->leaves_lots - replacement->leaves_lots;
    const struct ladder *ladder = book_side(&core->books, order->instrument, order->side);
    ladder_level(&core->books.pages, ladder, order->price_ticks)->quantity_lots -= less_lots;
    take_terms(core, replacement);
    if ((order->flags & ORDER_ICEBERG) != 0 &&
        core->books.terms[replacement->index].displayed_lots > order->leaves_lots) {
        core->books.terms[replacement->index].displayed_lots = order->leaves_lots;
    }
    book_touched(core, order->instrument);
    event->rested_lots = order->leaves_lots;
    event->displayed_lots = order_displayed(&core->books, replacement->index);
}

static inline void carry_out_replace(struct core *core, const struct wire_replace_order *command, struct echo echo,
                                     const struct replacement *replacement) {
    const struct order *order = replacement->order;
    struct wire_order_replaced *event = emit_replaced(core, command, echo, replacement);
    memcpy(core->books.details[replacement->index].clordid, command->clordid, CLORDID_SIZE);
    if (replacement->leaves_lots == 0) {
        close_replaced(core, replacement->index);
        return;
    }
    if (__builtin_expect((order->flags & ORDER_DORMANT) != 0, 0)) {
        replace_dormant(core, replacement, event);
        return;
    }
    const bool same_display = command->display_lots == 0 || command->display_lots == replacement->terms->display_lots;
    if (replacement->price_ticks == order->price_ticks && replacement->leaves_lots <= order->leaves_lots &&
        same_display) {
        replace_in_place(core, replacement, event);
        return;
    }
    requeue(core, replacement, event);
}

void apply_replace_order(struct core *core, const struct wire_replace_order *command, struct echo echo) {
    count_command(core, command->session, command->client_seq);
    if (__builtin_expect(plain_replace(core, command, echo), 1)) {
        return;
    }
    const struct request request = {
        .session = command->session,
        .session_epoch = command->session_epoch,
        .client_seq = command->client_seq,
        .order_id = command->order_id,
        .instrument = command->instrument,
        .side = command->side,
        .order_type = command->order_type,
        .kind = WIRE_REQUEST_KIND_REPLACE,
        .clordid = command->clordid,
        .orig_clordid = command->orig_clordid,
    };
    const struct claim claim = claim_clordid(core, command->session, command->clordid);
    struct replacement replacement;
    struct found found = {.reason = claim.reason};
    if (found.reason == WIRE_REASON_NONE) {
        found = find_order(core, &request);
    }
    if (found.reason == WIRE_REASON_NONE) {
        look_up(core, found.index, &replacement);
        found.reason = judge_replace(core, command, &replacement);
    }
    if (found.reason != WIRE_REASON_NONE) {
        reject_request(core, &request, found);
        return;
    }
    claim.entry->order = found.index;
    carry_out_replace(core, command, echo, &replacement);
}
