/* NewOrder, CancelOrder and ReplaceOrder: judged in the order of reasons that docs/ENGINE.md section 6 gives, then
   carried out.

   A request changes nothing before its last reason to refuse is past, except that its ClOrdID is used up. */
#include "money.h"
#include "state.h"

enum { CLORDID_FIRST = 0x21, CLORDID_LAST = 0x7e };

/* A ClOrdID as words, and the key of it with its session. */
struct clordid {
    uint64_t words[CLORDID_WORDS];
    u128 key;
};

static struct clordid clordid_of(uint32_t session, const char *text) {
    uint64_t words[1 + CLORDID_WORDS] = {session};
    struct clordid clordid;
    memcpy(&words[1], text, CLORDID_SIZE);
    memcpy(clordid.words, &words[1], sizeof clordid.words);
    clordid.key = mix128(words, 1 + CLORDID_WORDS);
    return clordid;
}

static bool clordid_valid(const char *text) {
    size_t length = 0;
    while (length < CLORDID_SIZE && text[length] >= CLORDID_FIRST && text[length] <= CLORDID_LAST) {
        length++;
    }
    if (length == 0) {
        return false;
    }
    while (length < CLORDID_SIZE && text[length] == '\0') {
        length++;
    }
    return length == CLORDID_SIZE;
}

u128 clordid_mix(u128 key) {
    const uint64_t words[3] = {RECORD_CLORDID, (uint64_t)key, (uint64_t)(key >> 64)};
    return mix128(words, 3);
}

/* Uses a ClOrdID up for the trading day; a reason when it can't be used. */
static uint16_t claim_clordid(struct core *core, const char *text, const struct clordid *clordid) {
    if (!clordid_valid(text)) {
        return WIRE_REASON_INVALID_CL_ORD_ID;
    }
    if (table_find(&core->used, clordid->key) != 0 || table_find(&core->books.open, clordid->key) != 0) {
        return WIRE_REASON_DUPLICATE_CL_ORD_ID;
    }
    if (core->used.count >= core->limits.max_clordids) {
        return WIRE_REASON_CL_ORD_ID_TABLE_FULL;
    }
    table_insert(&core->used, clordid->key, 1);
    core->used_hash += clordid_mix(clordid->key);
    return WIRE_REASON_NONE;
}

static bool market_open(const struct core *core, const struct instrument *instrument) {
    return core->accounts.fee_account != 0 && core->venue_state == WIRE_TRADING_STATE_OPEN &&
           instrument->state == WIRE_TRADING_STATE_OPEN;
}

/* True when resting there would need a page beyond the limit. */
static bool book_full(const struct core *core, uint32_t instrument, uint8_t side, uint32_t price_ticks) {
    return !ladder_has_page(book_side(&core->books, instrument, side), price_ticks) &&
           core->books.pages.in_use >= core->limits.max_price_pages;
}

/* What a good new order comes in with. */
struct terms {
    const struct instrument *instrument;
    int64_t price_ticks;
    int64_t reserved_units;
};

static uint16_t judge_parties(const struct core *core, const struct wire_new_order *command, struct terms *terms) {
    terms->instrument = instrument_find(&core->instruments, command->instrument);
    if (terms->instrument == NULL) {
        return WIRE_REASON_UNKNOWN_INSTRUMENT;
    }
    const struct account *account = account_find(&core->accounts, command->account);
    if (account == NULL) {
        return WIRE_REASON_UNKNOWN_ACCOUNT;
    }
    if (account->participant != core->sessions.sessions[command->session].participant) {
        return WIRE_REASON_ACCOUNT_NOT_PERMITTED;
    }
    if (!account->enabled) {
        return WIRE_REASON_ACCOUNT_DISABLED;
    }
    return market_open(core, terms->instrument) ? WIRE_REASON_NONE : WIRE_REASON_MARKET_NOT_OPEN;
}

static bool time_in_force_valid(const struct wire_new_order *command) {
    if (command->order_type == WIRE_ORDER_TYPE_MARKET &&
        command->time_in_force == WIRE_TIME_IN_FORCE_GOOD_TILL_CANCEL) {
        return false;
    }
    return command->time_in_force >= WIRE_TIME_IN_FORCE_DAY &&
           command->time_in_force <= WIRE_TIME_IN_FORCE_FILL_OR_KILL;
}

static uint16_t judge_kind(const struct wire_new_order *command, const struct wire_instrument_set *listing) {
    if (command->side != WIRE_SIDE_BUY && command->side != WIRE_SIDE_SELL) {
        return WIRE_REASON_INVALID_SIDE;
    }
    if (command->order_type != WIRE_ORDER_TYPE_MARKET && command->order_type != WIRE_ORDER_TYPE_LIMIT) {
        return WIRE_REASON_INVALID_ORDER_TYPE;
    }
    if (!time_in_force_valid(command)) {
        return WIRE_REASON_INVALID_TIME_IN_FORCE;
    }
    if (command->quantity_lots < 1 || command->quantity_lots > listing->quantity_max_lots) {
        return WIRE_REASON_INVALID_QUANTITY;
    }
    return WIRE_REASON_NONE;
}

static bool price_in_range(const struct wire_instrument_set *listing, int64_t price_ticks) {
    return price_ticks >= listing->price_min_ticks && price_ticks <= listing->price_max_ticks;
}

/* The worst price a market order accepts; both bounds are computed without leaving 63 bits. */
static int64_t protection_price(const struct wire_instrument_set *listing, uint8_t side, int64_t best_ticks) {
    if (side == WIRE_SIDE_BUY) {
        const int64_t room = listing->price_max_ticks - best_ticks;
        return best_ticks + (listing->protection_ticks < room ? listing->protection_ticks : room);
    }
    const int64_t room = best_ticks - listing->price_min_ticks;
    return best_ticks - (listing->protection_ticks < room ? listing->protection_ticks : room);
}

static uint16_t judge_price(const struct core *core, const struct wire_new_order *command, struct terms *terms) {
    const struct wire_instrument_set *listing = &terms->instrument->content;
    if (command->order_type == WIRE_ORDER_TYPE_LIMIT) {
        terms->price_ticks = command->price_ticks;
        if (!price_in_range(listing, command->price_ticks)) {
            return WIRE_REASON_PRICE_OUT_OF_RANGE;
        }
    } else {
        const uint32_t best = book_side(&core->books, command->instrument, opposite(command->side))->best_tick;
        if (best == 0) {
            return WIRE_REASON_NO_LIQUIDITY;
        }
        terms->price_ticks = protection_price(listing, command->side, best);
    }
    const int64_t notional = notional_units(terms->price_ticks, command->quantity_lots, listing->tick_units);
    return notional > listing->notional_max_units ? WIRE_REASON_NOTIONAL_TOO_LARGE : WIRE_REASON_NONE;
}

static uint16_t judge_room(const struct core *core, const struct wire_new_order *command, struct terms *terms) {
    const struct wire_instrument_set *listing = &terms->instrument->content;
    if (core->sessions.sessions[command->session].open_orders >= core->limits.max_open_orders_per_session) {
        return WIRE_REASON_TOO_MANY_OPEN_ORDERS;
    }
    if (core->books.in_use >= core->limits.max_orders || pool_empty(&core->books.slots)) {
        return WIRE_REASON_ORDER_POOL_FULL;
    }
    if (may_rest(command->order_type, command->time_in_force) &&
        book_full(core, command->instrument, command->side, (uint32_t)terms->price_ticks)) {
        return WIRE_REASON_BOOK_FULL;
    }
    terms->reserved_units = reservation_units(listing, command->side, terms->price_ticks, command->quantity_lots, 0,
                                              higher_ppm((uint32_t)listing->maker_fee_ppm, (uint32_t)listing->taker_fee_ppm));
    const uint32_t asset = command->side == WIRE_SIDE_BUY ? listing->quote : listing->base;
    if (balance_of(&core->accounts, command->account, asset)->available_units < terms->reserved_units) {
        return WIRE_REASON_INSUFFICIENT_FUNDS;
    }
    return WIRE_REASON_NONE;
}

/* The first reason against the order, after its ClOrdID. */
static uint16_t judge_new_order(const struct core *core, const struct wire_new_order *command, struct terms *terms) {
    uint16_t reason = judge_parties(core, command, terms);
    if (reason == WIRE_REASON_NONE) {
        reason = judge_kind(command, &terms->instrument->content);
    }
    if (reason == WIRE_REASON_NONE) {
        reason = judge_price(core, command, terms);
    }
    if (reason == WIRE_REASON_NONE) {
        reason = judge_room(core, command, terms);
    }
    return reason;
}

static void reject_order(struct core *core, const struct wire_new_order *command, struct echo echo, uint16_t reason) {
    struct wire_order_rejected *event = event_begin_echo(&core->events, WIRE_ORDER_REJECTED, sizeof *event, echo);
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
}

/* Takes a slot for the order and its money from available. */
static uint32_t enter_order(struct core *core, const struct wire_new_order *command, const struct clordid *clordid,
                            const struct terms *terms) {
    const struct wire_instrument_set *listing = &terms->instrument->content;
    const uint32_t index = order_take(&core->books);
    struct order *order = &core->books.orders[index];
    struct order_details *details = &core->books.details[index];
    order->price_ticks = (uint32_t)terms->price_ticks;
    order->leaves_lots = command->quantity_lots;
    order->cum_lots = 0;
    order->fee_accumulated = 0;
    order->account = command->account;
    order->instrument = command->instrument;
    details->session = command->session;
    details->maker_ppm = (uint32_t)listing->maker_fee_ppm;
    details->taker_ppm = (uint32_t)listing->taker_fee_ppm;
    details->side = command->side;
    details->order_type = command->order_type;
    details->time_in_force = command->time_in_force;
    memcpy(details->clordid, clordid->words, sizeof details->clordid);
    details->key = clordid->key;
    order_reserve(core, index, terms->reserved_units);
    return index;
}

static struct wire_order_accepted *emit_accepted(struct core *core, const struct wire_new_order *command,
                                                 struct echo echo, uint32_t index) {
    struct wire_order_accepted *event = event_begin_echo(&core->events, WIRE_ORDER_ACCEPTED, sizeof *event, echo);
    event->session = command->session;
    event->session_epoch = command->session_epoch;
    event->client_seq = command->client_seq;
    event->order_id = order_id(&core->books, index);
    event->price_ticks = core->books.orders[index].price_ticks;
    event->quantity_lots = command->quantity_lots;
    event->account = command->account;
    event->instrument = command->instrument;
    event->side = command->side;
    event->order_type = command->order_type;
    event->time_in_force = command->time_in_force;
    event->poss_resend = command->poss_resend;
    memcpy(event->clordid, command->clordid, sizeof event->clordid);
    return event;
}

/* What every client command does first. */
static void count_command(struct core *core, uint32_t session_id, uint64_t client_seq) {
    struct session *session = session_find(&core->sessions, session_id);
    VENUE_ASSERT(session != NULL && client_seq > session->last_client_seq,
                 "a client command is of a known session and newer than its last");
    session->last_client_seq = client_seq;
}

void apply_new_order(struct core *core, const struct wire_new_order *command, struct echo echo) {
    count_command(core, command->session, command->client_seq);
    const struct clordid clordid = clordid_of(command->session, command->clordid);
    struct terms terms = {0};
    uint16_t reason = claim_clordid(core, command->clordid, &clordid);
    if (reason == WIRE_REASON_DUPLICATE_CL_ORD_ID && command->poss_resend != 0) {
        reason = WIRE_REASON_POSS_RESEND_DUPLICATE;
    }
    if (reason == WIRE_REASON_NONE) {
        reason = judge_new_order(core, command, &terms);
    }
    if (reason == WIRE_REASON_NONE) {
        const uint32_t index = enter_order(core, command, &clordid, &terms);
        struct wire_order_accepted *event = emit_accepted(core, command, echo, index);
        event->rested_lots = match(core, index);
    } else {
        reject_order(core, command, echo, reason);
    }
    session_changed(&core->sessions, command->session);
}

/* The order a request names, or why there is none. */
struct found {
    uint32_t index; /* 0: none */
    uint16_t reason;
};

static struct found find_by_id(const struct core *core, uint32_t session, uint64_t id) {
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
    if (core->books.details[slot + 1].session != session) {
        return (struct found){.reason = WIRE_REASON_UNKNOWN_ORDER};
    }
    return (struct found){.index = slot + 1};
}

static struct found find_by_clordid(const struct core *core, uint32_t session, const char *text) {
    const u128 key = clordid_of(session, text).key;
    const uint32_t index = (uint32_t)table_find(&core->books.open, key);
    if (index != 0) {
        return (struct found){.index = index};
    }
    const bool was_used = table_find(&core->used, key) != 0;
    return (struct found){.reason = was_used ? WIRE_REASON_TOO_LATE_TO_CANCEL : WIRE_REASON_UNKNOWN_ORDER};
}

/* What CancelOrder and ReplaceOrder have in common. */
struct request {
    uint32_t session;
    uint32_t session_epoch;
    uint64_t client_seq;
    uint64_t order_id;
    uint32_t instrument;
    uint8_t side;
    uint8_t kind; /* wire RequestKind */
    const char *clordid;
    const char *orig_clordid;
};

static struct found find_order(const struct core *core, const struct request *request) {
    struct found found = request->order_id != 0 ? find_by_id(core, request->session, request->order_id)
                                                : find_by_clordid(core, request->session, request->orig_clordid);
    if (found.index != 0) {
        const bool other_instrument =
            request->instrument != 0 && request->instrument != core->books.orders[found.index].instrument;
        if (other_instrument || request->side != core->books.details[found.index].side) {
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
    count_command(core, command->session, command->client_seq);
    struct found found = {.reason = WIRE_REASON_INVALID_CL_ORD_ID};
    if (clordid_valid(command->clordid)) {
        found = find_order(core, &request);
    }
    if (found.reason == WIRE_REASON_NONE) {
        const struct cancel_cause cause = {
            .client_seq = command->client_seq,
            .clordid = command->clordid,
            .reason = WIRE_REASON_CANCELED_BY_CLIENT,
        };
        cancel_resting(core, found.index, cause);
    } else {
        reject_request(core, &request, found);
        session_changed(&core->sessions, command->session);
    }
}

/* What a good replace changes the order to. */
struct replacement {
    int64_t price_ticks;
    int64_t leaves_lots; /* 0 when nothing is left to trade */
    int64_t reserved_units;
};

static uint16_t judge_replace(const struct core *core, const struct wire_replace_order *command, uint32_t index,
                              struct replacement *replacement) {
    const struct order *order = &core->books.orders[index];
    const struct instrument *instrument = &core->instruments.instruments[order->instrument];
    const struct wire_instrument_set *listing = &instrument->content;
    const uint8_t side = core->books.details[index].side;
    if (!market_open(core, instrument)) {
        return WIRE_REASON_MARKET_NOT_OPEN;
    }
    if (command->quantity_lots < 1 || command->quantity_lots > listing->quantity_max_lots) {
        return WIRE_REASON_INVALID_QUANTITY;
    }
    if (!price_in_range(listing, command->price_ticks)) {
        return WIRE_REASON_PRICE_OUT_OF_RANGE;
    }
    const int64_t leaves = command->quantity_lots > order->cum_lots ? command->quantity_lots - order->cum_lots : 0;
    if (notional_units(command->price_ticks, leaves, listing->tick_units) > listing->notional_max_units) {
        return WIRE_REASON_NOTIONAL_TOO_LARGE;
    }
    *replacement = (struct replacement){
        .price_ticks = command->price_ticks,
        .leaves_lots = leaves,
        .reserved_units = order_reservation(core, index, command->price_ticks, leaves),
    };
    if (leaves == 0) {
        return WIRE_REASON_NONE;
    }
    const uint32_t price_ticks = (uint32_t)command->price_ticks;
    if (price_ticks / LEVELS_PER_PAGE != order->price_ticks / LEVELS_PER_PAGE &&
        book_full(core, order->instrument, side, price_ticks)) {
        return WIRE_REASON_BOOK_FULL;
    }
    const uint32_t asset = side == WIRE_SIDE_BUY ? listing->quote : listing->base;
    if (replacement->reserved_units - order->reserved_units >
        balance_of(&core->accounts, order->account, asset)->available_units) {
        return WIRE_REASON_INSUFFICIENT_FUNDS;
    }
    return WIRE_REASON_NONE;
}

/* OrderReplaced of the order as it stands; what it will become is in `replacement`. */
static struct wire_order_replaced *emit_replaced(struct core *core, const struct wire_replace_order *command,
                                                 struct echo echo, uint32_t index,
                                                 const struct replacement *replacement) {
    const struct order *order = &core->books.orders[index];
    const struct order_details *details = &core->books.details[index];
    struct wire_order_replaced *event = event_begin_echo(&core->events, WIRE_ORDER_REPLACED, sizeof *event, echo);
    event->session = command->session;
    event->session_epoch = command->session_epoch;
    event->client_seq = command->client_seq;
    event->order_id = order_id(&core->books, index);
    event->price_ticks = replacement->price_ticks;
    event->quantity_lots = order->cum_lots + replacement->leaves_lots;
    event->cum_lots = order->cum_lots;
    event->leaves_lots = replacement->leaves_lots;
    event->rested_lots = replacement->leaves_lots;
    event->old_price_ticks = order->price_ticks;
    event->old_leaves_lots = order->leaves_lots;
    event->account = order->account;
    event->instrument = order->instrument;
    event->side = details->side;
    event->priority_kept = 1;
    memcpy(event->clordid, command->clordid, sizeof event->clordid);
    memcpy(event->orig_clordid, details->clordid, sizeof event->orig_clordid);
    return event;
}

/* The order leaves its place, takes its new terms and comes in as a taker. */
static void requeue(struct core *core, uint32_t index, const struct clordid *clordid,
                    const struct replacement *replacement, struct wire_order_replaced *event) {
    struct order *order = &core->books.orders[index];
    struct order_details *details = &core->books.details[index];
    take_out(core, index);
    order->price_ticks = (uint32_t)replacement->price_ticks;
    order->leaves_lots = replacement->leaves_lots;
    memcpy(details->clordid, clordid->words, sizeof details->clordid);
    details->key = clordid->key;
    order_reserve(core, index, replacement->reserved_units);
    event->priority_kept = 0;
    event->rested_lots = match(core, index);
}

static void carry_out_replace(struct core *core, const struct wire_replace_order *command, struct echo echo,
                              uint32_t index, const struct clordid *clordid, const struct replacement *replacement) {
    struct order *order = &core->books.orders[index];
    struct wire_order_replaced *event = emit_replaced(core, command, echo, index, replacement);
    if (replacement->leaves_lots == 0) {
        take_out(core, index);
        order_reserve(core, index, 0);
        order_free(&core->books, index);
        return;
    }
    if (replacement->price_ticks != order->price_ticks || replacement->leaves_lots > order->leaves_lots) {
        requeue(core, index, clordid, replacement, event);
        return;
    }
    book_reduce(&core->books, index, order->leaves_lots - replacement->leaves_lots);
    book_rename(&core->books, index, clordid->words, clordid->key);
    order_reserve(core, index, replacement->reserved_units);
    order_changed(&core->books, index);
}

void apply_replace_order(struct core *core, const struct wire_replace_order *command, struct echo echo) {
    const struct request request = {
        .session = command->session,
        .session_epoch = command->session_epoch,
        .client_seq = command->client_seq,
        .order_id = command->order_id,
        .instrument = command->instrument,
        .side = command->side,
        .kind = WIRE_REQUEST_KIND_REPLACE,
        .clordid = command->clordid,
        .orig_clordid = command->orig_clordid,
    };
    count_command(core, command->session, command->client_seq);
    const struct clordid clordid = clordid_of(command->session, command->clordid);
    struct replacement replacement = {0};
    struct found found = {.reason = claim_clordid(core, command->clordid, &clordid)};
    if (found.reason == WIRE_REASON_NONE) {
        found = find_order(core, &request);
    }
    if (found.reason == WIRE_REASON_NONE) {
        found.reason = judge_replace(core, command, found.index, &replacement);
    }
    if (found.reason == WIRE_REASON_NONE) {
        carry_out_replace(core, command, echo, found.index, &clordid, &replacement);
    } else {
        reject_request(core, &request, found);
    }
    session_changed(&core->sessions, command->session);
}
