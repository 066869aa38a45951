/* Reference data and session commands: what the engine daemon, settlement and operators set, and nothing that matches.
 */
#include <string.h>

#include "state.h"
#include "timer.h"

enum { BAND_PPM_MAX = 999999, DAY_MS = 86400000 };

void refuse_command(struct core *core, uint16_t template_id, uint8_t role, uint64_t reference, uint16_t reason) {
    struct wire_command_refused *event = event_begin(&core->events, WIRE_COMMAND_REFUSED, sizeof *event);
    event->reference = reference;
    event->template_id = template_id;
    event->reason = reason;
    event->role = role;
}

static void refuse_reference(struct core *core, uint16_t template_id, uint32_t id, uint16_t reason) {
    refuse_command(core, template_id, WIRE_ROLE_INTERNAL, id, reason);
}

void apply_epoch_start(struct core *core, const struct wire_epoch_start *command) {
    VENUE_ASSERT(command->rules_version == RULES_VERSION, "the journal was written under the rules of this program");
    core->epoch = command->epoch;
    if (command->unclean != 0 && core->venue_state == WIRE_TRADING_STATE_OPEN) {
        core->venue_state = WIRE_TRADING_STATE_CANCEL_ONLY;
    }
    struct wire_epoch_started *event = event_begin(&core->events, WIRE_EPOCH_STARTED, sizeof *event);
    event->started_epoch = command->epoch;
    event->rules_version = command->rules_version;
    event->unclean = command->unclean;
    memcpy(event->venue, command->venue, sizeof event->venue);
    memcpy(event->cfg_sha256, command->cfg_sha256, sizeof event->cfg_sha256);
}

static bool fits(uint32_t limit, uint32_t capacity) {
    return limit >= 1 && limit <= capacity;
}

void apply_limits_set(struct core *core, const struct wire_limits_set *command) {
    if (!fits(command->max_orders, core->capacity.orders) ||
        !fits(command->max_price_pages, core->capacity.price_pages) ||
        !fits(command->max_clordids, core->capacity.clordids) || command->max_bustable_trades > core->capacity.trades) {
        refuse_reference(core, WIRE_LIMITS_SET, 0, WIRE_REASON_CAPACITY_EXCEEDED);
        return;
    }
    if (command->max_fills_per_command < 1 ||
        (uint64_t)command->max_fills_per_command * 3 + 16 > command->max_events_per_part ||
        command->max_events_per_part > EVENTS_PER_PART_MAX) {
        refuse_reference(core, WIRE_LIMITS_SET, 0, WIRE_REASON_INVALID_REFERENCE);
        return;
    }
    core->limits = *command;
    core->limits_known = true;
    trades_keep(&core->trades, command->max_bustable_trades);
    struct wire_limits_defined *event = event_begin(&core->events, WIRE_LIMITS_DEFINED, sizeof *event);
    event->max_orders = command->max_orders;
    event->max_price_pages = command->max_price_pages;
    event->max_open_orders_per_session = command->max_open_orders_per_session;
    event->max_clordids = command->max_clordids;
    event->max_fills_per_command = command->max_fills_per_command;
    event->max_events_per_part = command->max_events_per_part;
    event->max_open_orders_per_account = command->max_open_orders_per_account;
    event->max_bustable_trades = command->max_bustable_trades;
}

void apply_asset_set(struct core *core, const struct wire_asset_set *command) {
    const struct asset *known = asset_find(&core->accounts, command->asset);
    if (command->asset == 0 || command->asset > core->capacity.assets || command->decimals > 9 ||
        (known != NULL && known->decimals != command->decimals)) {
        refuse_reference(core, WIRE_ASSET_SET, command->asset, WIRE_REASON_INVALID_REFERENCE);
        return;
    }
    struct asset content = {.defined = true, .decimals = command->decimals};
    content.total_units = known == NULL ? 0 : known->total_units;
    memcpy(content.symbol, command->symbol, sizeof content.symbol);
    asset_define(&core->accounts, command->asset, &content);
    struct wire_asset_defined *event = event_begin(&core->events, WIRE_ASSET_DEFINED, sizeof *event);
    event->asset = command->asset;
    event->decimals = command->decimals;
    memcpy(event->symbol, command->symbol, sizeof event->symbol);
}

struct wire_instrument_set instrument_content(const struct wire_instrument_set *command) {
    struct wire_instrument_set content = *command;
    memset(content.reserved3, 0, sizeof content.reserved3);
    memset(content.reserved14, 0, sizeof content.reserved14);
    memset(content.reserved_end, 0, sizeof content.reserved_end);
    return content;
}

static bool within_bits(int64_t a, int64_t b, int64_t c, int bits) {
    const u128 most = (u128)1 << bits;
    const u128 product = (u128)(uint64_t)a * (uint64_t)b;
    return product <= most && product * (uint64_t)c <= most;
}

/* Rates of one tier by themselves. */
static bool rates_sound(int32_t maker_ppm, int32_t taker_ppm) {
    return taker_ppm >= 0 && taker_ppm <= FEE_PPM_MAX && maker_ppm >= -FEE_PPM_MAX && maker_ppm <= FEE_PPM_MAX;
}

/* The fee rule: no rebate of any tier is above the fee of any tier, with `maker_ppm` and `taker_ppm` as those of
 * `tier`. */
static bool fee_rule_holds(const struct instrument *known, uint32_t tier, int32_t maker_ppm, int32_t taker_ppm) {
    int32_t lowest_maker = maker_ppm;
    int32_t lowest_taker = taker_ppm;
    for (uint32_t other = 0; known != NULL && other < FEE_TIERS; other++) {
        const struct fee_tier *rates = &known->fee_tiers[other];
        if (other == tier || (other != 0 && !rates->defined)) {
            continue;
        }
        const int32_t maker = other == 0 ? known->content.maker_fee_ppm : rates->maker_ppm;
        const int32_t taker = other == 0 ? known->content.taker_fee_ppm : rates->taker_ppm;
        lowest_maker = maker < lowest_maker ? maker : lowest_maker;
        lowest_taker = taker < lowest_taker ? taker : lowest_taker;
    }
    return lowest_maker + lowest_taker >= 0;
}

static bool phase_settable(uint8_t phase) {
    return phase <= WIRE_PHASE_VOLATILITY_AUCTION && phase != WIRE_PHASE_VOLATILITY_AUCTION;
}

static bool protections_sound(const struct wire_instrument_set *listing) {
    return listing->quantity_min_lots >= 0 && listing->quantity_min_lots <= listing->quantity_max_lots &&
           listing->notional_min_units >= 0 && listing->notional_min_units <= listing->notional_max_units &&
           listing->protection_ticks >= 0 && listing->static_band_ppm <= BAND_PPM_MAX &&
           listing->dynamic_band_ppm <= BAND_PPM_MAX && listing->volatility_auction_ms <= DAY_MS &&
           phase_settable(listing->initial_phase);
}

/* Values that make sense by themselves; products stay within what money arithmetic assumes. */
static bool instrument_sound(const struct core *core, const struct wire_instrument_set *listing) {
    return asset_find(&core->accounts, listing->base) != NULL && asset_find(&core->accounts, listing->quote) != NULL &&
           listing->base != listing->quote && listing->tick_units >= 1 && listing->lot_units >= 1 &&
           listing->price_min_ticks >= 1 && listing->price_min_ticks <= listing->price_max_ticks &&
           listing->price_max_ticks <= TICK_MAX && listing->quantity_max_lots >= 1 &&
           within_bits(listing->quantity_max_lots, listing->lot_units, 1, BASE_BITS) &&
           within_bits(listing->quantity_max_lots, listing->tick_units, listing->price_max_ticks, NOTIONAL_BITS) &&
           listing->notional_max_units >= 1 && listing->notional_max_units <= INT64_C(1) << NOTIONAL_BITS &&
           rates_sound(listing->maker_fee_ppm, listing->taker_fee_ppm) && listing->tick_exponent <= EXPONENT_MAX &&
           listing->lot_exponent <= EXPONENT_MAX && listing->tick_mantissa >= 1 && listing->lot_mantissa >= 1 &&
           protections_sound(listing);
}

/* What resting orders and reservations rely on never changes. */
static bool instrument_compatible(const struct wire_instrument_set *old, const struct wire_instrument_set *listing) {
    return old->base == listing->base && old->quote == listing->quote && old->tick_units == listing->tick_units &&
           old->lot_units == listing->lot_units && old->tick_mantissa == listing->tick_mantissa &&
           old->lot_mantissa == listing->lot_mantissa && old->tick_exponent == listing->tick_exponent &&
           old->lot_exponent == listing->lot_exponent && listing->price_min_ticks <= old->price_min_ticks &&
           listing->price_max_ticks >= old->price_max_ticks;
}

static void emit_instrument_defined(struct core *core, const struct wire_instrument_set *listing) {
    struct wire_instrument_defined *event = event_begin(&core->events, WIRE_INSTRUMENT_DEFINED, sizeof *event);
    event->instrument = listing->instrument;
    event->base = listing->base;
    event->quote = listing->quote;
    event->tick_units = listing->tick_units;
    event->lot_units = listing->lot_units;
    event->price_min_ticks = listing->price_min_ticks;
    event->price_max_ticks = listing->price_max_ticks;
    event->quantity_max_lots = listing->quantity_max_lots;
    event->notional_max_units = listing->notional_max_units;
    event->protection_ticks = listing->protection_ticks;
    event->maker_fee_ppm = listing->maker_fee_ppm;
    event->taker_fee_ppm = listing->taker_fee_ppm;
    event->tick_exponent = listing->tick_exponent;
    event->lot_exponent = listing->lot_exponent;
    event->tick_mantissa = listing->tick_mantissa;
    event->lot_mantissa = listing->lot_mantissa;
    memcpy(event->symbol, listing->symbol, sizeof event->symbol);
    event->quantity_min_lots = listing->quantity_min_lots;
    event->notional_min_units = listing->notional_min_units;
    event->static_band_ppm = listing->static_band_ppm;
    event->dynamic_band_ppm = listing->dynamic_band_ppm;
    event->volatility_auction_ms = listing->volatility_auction_ms;
    event->initial_phase = listing->initial_phase;
}

void apply_instrument_set(struct core *core, const struct wire_instrument_set *command) {
    const uint32_t id = command->instrument;
    const struct instrument *known = instrument_find(&core->instruments, id);
    if (id == 0 || id > core->capacity.instruments || !instrument_sound(core, command) ||
        !fee_rule_holds(known, 0, command->maker_fee_ppm, command->taker_fee_ppm) ||
        (known != NULL && !instrument_compatible(&known->content, command))) {
        refuse_reference(core, WIRE_INSTRUMENT_SET, id, WIRE_REASON_INVALID_REFERENCE);
        return;
    }
    const struct wire_instrument_set content = instrument_content(command);
    const bool fresh = known == NULL;
    listing_define(&core->instruments, id, &content);
    if (fresh) {
        struct instrument *instrument = &core->instruments.instruments[id];
        instrument->state = WIRE_TRADING_STATE_OPEN;
        instrument->phase = command->initial_phase != 0 ? command->initial_phase : (uint8_t)WIRE_PHASE_CONTINUOUS;
        market_changed(&core->instruments, id);
        books_define(&core->books, id);
    }
    emit_instrument_defined(core, command);
}

/* The listed instrument of a reference command; NULL after refusing. */
static struct instrument *listed(struct core *core, uint16_t template_id, uint32_t reference, uint32_t instrument) {
    struct instrument *found = instrument_find(&core->instruments, instrument);
    if (found == NULL) {
        refuse_reference(core, template_id, reference, WIRE_REASON_INVALID_REFERENCE);
    }
    return found;
}

void apply_fee_schedule_set(struct core *core, const struct wire_fee_schedule_set *command) {
    const struct instrument *instrument = listed(core, WIRE_FEE_SCHEDULE_SET, command->instrument, command->instrument);
    if (instrument == NULL) {
        return;
    }
    if (command->tier < 1 || command->tier >= FEE_TIERS ||
        !rates_sound(command->maker_fee_ppm, command->taker_fee_ppm) ||
        !fee_rule_holds(instrument, command->tier, command->maker_fee_ppm, command->taker_fee_ppm)) {
        refuse_reference(core, WIRE_FEE_SCHEDULE_SET, command->instrument, WIRE_REASON_INVALID_REFERENCE);
        return;
    }
    const struct fee_tier content = {
        .maker_ppm = command->maker_fee_ppm, .taker_ppm = command->taker_fee_ppm, .defined = true};
    fee_tier_define(&core->instruments, command->instrument, command->tier, &content);
    struct wire_fee_schedule_defined *event = event_begin(&core->events, WIRE_FEE_SCHEDULE_DEFINED, sizeof *event);
    event->instrument = command->instrument;
    event->tier = command->tier;
    event->maker_fee_ppm = command->maker_fee_ppm;
    event->taker_fee_ppm = command->taker_fee_ppm;
}

static bool tick_band_sound(const struct instrument *instrument, const struct wire_tick_band_set *command) {
    if (command->band < 1 || command->band > TICK_BANDS || command->from_ticks < 0 || command->from_ticks > TICK_MAX) {
        return false;
    }
    return command->from_ticks == 0 ||
           (command->tick_step >= 1 && command->tick_step <= TICK_MAX && command->lot_step >= 1 &&
            command->lot_step <= instrument->content.quantity_max_lots);
}

void apply_tick_band_set(struct core *core, const struct wire_tick_band_set *command) {
    const struct instrument *instrument = listed(core, WIRE_TICK_BAND_SET, command->instrument, command->instrument);
    if (instrument == NULL) {
        return;
    }
    if (!tick_band_sound(instrument, command)) {
        refuse_reference(core, WIRE_TICK_BAND_SET, command->instrument, WIRE_REASON_INVALID_REFERENCE);
        return;
    }
    struct tick_band content = {0};
    if (command->from_ticks != 0) {
        content = (struct tick_band){
            .from_ticks = command->from_ticks, .tick_step = command->tick_step, .lot_step = command->lot_step};
    }
    tick_band_define(&core->instruments, command->instrument, command->band, &content);
    struct wire_tick_band_defined *event = event_begin(&core->events, WIRE_TICK_BAND_DEFINED, sizeof *event);
    event->instrument = command->instrument;
    event->band = command->band;
    event->from_ticks = command->from_ticks;
    event->tick_step = command->tick_step;
    event->lot_step = command->lot_step;
}

void apply_schedule_set(struct core *core, const struct wire_schedule_set *command) {
    struct instrument *instrument = listed(core, WIRE_SCHEDULE_SET, command->instrument, command->instrument);
    if (instrument == NULL) {
        return;
    }
    if (command->entry < 1 || command->entry > SCHEDULE_ENTRIES || command->second_of_day >= DAY_MS / 1000 ||
        !phase_settable(command->phase)) {
        refuse_reference(core, WIRE_SCHEDULE_SET, command->instrument, WIRE_REASON_INVALID_REFERENCE);
        return;
    }
    struct schedule_entry content = {0};
    if (command->phase != 0) {
        content = (struct schedule_entry){.second_of_day = command->second_of_day, .phase = command->phase};
    }
    schedule_define(&core->instruments, command->instrument, command->entry, &content);
    instrument->next_schedule_ns = schedule_next_ns(instrument, core->time_ns);
    market_changed(&core->instruments, command->instrument);
    timer_changed(core, command->instrument);
    struct wire_schedule_defined *event = event_begin(&core->events, WIRE_SCHEDULE_DEFINED, sizeof *event);
    event->instrument = command->instrument;
    event->entry = command->entry;
    event->second_of_day = command->second_of_day;
    event->phase = command->phase;
}

static bool account_sound(const struct core *core, const struct wire_account_set *command) {
    const struct account *known = account_find(&core->accounts, command->account);
    const uint32_t fee_account = core->accounts.fee_account;
    const bool second_fee =
        command->kind == WIRE_ACCOUNT_KIND_FEE && fee_account != 0 && fee_account != command->account;
    return command->account >= 1 && command->account <= core->capacity.accounts &&
           command->kind >= WIRE_ACCOUNT_KIND_CLIENT && command->kind <= WIRE_ACCOUNT_KIND_LENDER && !second_fee &&
           command->participant >= 1 && command->participant <= core->capacity.accounts && command->enabled <= 1 &&
           command->stp_mode <= WIRE_SELF_TRADE_PREVENTION_DECREMENT && command->fee_tier < FEE_TIERS &&
           (known == NULL || (known->kind == command->kind && known->participant == command->participant));
}

void apply_account_set(struct core *core, const struct wire_account_set *command) {
    if (!account_sound(core, command)) {
        refuse_reference(core, WIRE_ACCOUNT_SET, command->account, WIRE_REASON_INVALID_REFERENCE);
        return;
    }
    struct account *account = &core->accounts.accounts[command->account];
    account->participant = command->participant;
    account->kind = command->kind;
    account->enabled = command->enabled;
    account->stp_key = command->stp_key;
    account->stp_mode = command->stp_mode;
    account->fee_tier = command->fee_tier;
    memcpy(account->name, command->name, sizeof account->name);
    account_changed(&core->accounts, command->account);
    if (command->account > core->accounts.highest) {
        core->accounts.highest = command->account;
    }
    if (command->kind == WIRE_ACCOUNT_KIND_FEE) {
        core->accounts.fee_account = command->account;
    }
    struct wire_account_defined *event = event_begin(&core->events, WIRE_ACCOUNT_DEFINED, sizeof *event);
    event->account = command->account;
    event->participant = command->participant;
    event->kind = command->kind;
    event->enabled = command->enabled;
    event->stp_key = command->stp_key;
    event->stp_mode = command->stp_mode;
    event->fee_tier = command->fee_tier;
    memcpy(event->name, command->name, sizeof event->name);
}

static bool session_sound(const struct core *core, const struct wire_session_set *command) {
    const struct session *known = session_find(&core->sessions, command->session);
    return command->session >= 1 && command->session <= core->capacity.sessions && command->participant >= 1 &&
           command->participant <= core->capacity.accounts && command->enabled <= 1 &&
           (known == NULL || (known->participant == command->participant &&
                              memcmp(known->comp_id, command->comp_id, sizeof known->comp_id) == 0));
}

void apply_session_set(struct core *core, const struct wire_session_set *command) {
    if (!session_sound(core, command)) {
        refuse_reference(core, WIRE_SESSION_SET, command->session, WIRE_REASON_INVALID_REFERENCE);
        return;
    }
    struct session *session = &core->sessions.sessions[command->session];
    if (session->participant == 0) {
        session->participant = command->participant;
        session->session_epoch = 1;
        memcpy(session->comp_id, command->comp_id, sizeof session->comp_id);
    }
    session->enabled = command->enabled;
    session_changed(&core->sessions, command->session);
    struct wire_session_defined *event = event_begin(&core->events, WIRE_SESSION_DEFINED, sizeof *event);
    event->session = command->session;
    event->participant = command->participant;
    event->enabled = command->enabled;
    memcpy(event->comp_id, command->comp_id, sizeof event->comp_id);
}

void apply_session_attach(struct core *core, const struct wire_session_attach *command) {
    struct session *session = session_find(&core->sessions, command->session);
    VENUE_ASSERT(session != NULL, "only a known session is attached");
    session->generation++;
    session->gateway = command->gateway;
    session->gateway_instance = command->gateway_instance;
    session->token = command->token;
    if (command->reset != 0) {
        session->session_epoch++;
        session->last_client_seq = 0;
    }
    session_changed(&core->sessions, command->session);
    struct wire_session_attached *event = event_begin(&core->events, WIRE_SESSION_ATTACHED, sizeof *event);
    event->session = command->session;
    event->session_epoch = session->session_epoch;
    event->generation = session->generation;
    event->gateway = session->gateway;
    event->gateway_instance = session->gateway_instance;
    event->token = session->token;
    event->last_client_seq = session->last_client_seq;
}

/* Why a deposit can't be credited; credits it when nothing stands against it. */
static uint16_t credit(struct core *core, const struct wire_credit *command) {
    if (account_find(&core->accounts, command->account) == NULL) {
        return WIRE_REASON_UNKNOWN_ACCOUNT;
    }
    if (asset_find(&core->accounts, command->asset) == NULL) {
        return WIRE_REASON_UNKNOWN_ASSET;
    }
    if (command->amount_units < 1 ||
        !asset_credit(&core->accounts, command->account, command->asset, command->amount_units)) {
        return WIRE_REASON_INVALID_AMOUNT;
    }
    return WIRE_REASON_NONE;
}

void apply_credit(struct core *core, const struct wire_credit *command) {
    VENUE_ASSERT(command->deposit_seq == core->last_deposit_seq + 1, "deposits are applied one after the other");
    const uint16_t reason = credit(core, command);
    if (reason != WIRE_REASON_NONE) {
        refuse_command(core, WIRE_CREDIT, WIRE_ROLE_SETTLEMENT, command->deposit_seq, reason);
        return;
    }
    core->last_deposit_seq = command->deposit_seq;
    struct wire_credited *event = event_begin(&core->events, WIRE_CREDITED, sizeof *event);
    event->account = command->account;
    event->asset = command->asset;
    event->amount_units = command->amount_units;
    event->available_units = balance_of(&core->accounts, command->account, command->asset)->available_units;
    event->deposit_seq = command->deposit_seq;
    event->block_number = command->block_number;
    memcpy(event->transaction_hash, command->transaction_hash, sizeof event->transaction_hash);
}

static uint16_t set_trading_state(struct core *core, const struct wire_trading_state_set *command) {
    if (command->state < WIRE_TRADING_STATE_OPEN || command->state > WIRE_TRADING_STATE_CLOSED) {
        return WIRE_REASON_INVALID_STATE;
    }
    if (command->instrument == 0) {
        core->venue_state = command->state;
        return WIRE_REASON_NONE;
    }
    struct instrument *instrument = instrument_find(&core->instruments, command->instrument);
    if (instrument == NULL) {
        return WIRE_REASON_UNKNOWN_INSTRUMENT;
    }
    instrument->state = command->state;
    market_changed(&core->instruments, command->instrument);
    return WIRE_REASON_NONE;
}

void apply_trading_state_set(struct core *core, const struct wire_trading_state_set *command) {
    const uint16_t reason = set_trading_state(core, command);
    if (reason != WIRE_REASON_NONE) {
        refuse_command(core, WIRE_TRADING_STATE_SET, WIRE_ROLE_ADMIN, command->instrument, reason);
        return;
    }
    struct wire_trading_state_changed *event = event_begin(&core->events, WIRE_TRADING_STATE_CHANGED, sizeof *event);
    event->instrument = command->instrument;
    event->state = command->state;
    memcpy(event->operator, command->operator, sizeof event->operator);
    memcpy(event->reason_text, command->reason_text, sizeof event->reason_text);
}

void apply_settlement_status(struct core *core, const struct wire_settlement_status *command) {
    if (command->state < WIRE_SETTLEMENT_STATE_CUT || command->state > WIRE_SETTLEMENT_STATE_FINAL ||
        command->first_sequence > command->last_sequence) {
        refuse_command(core, WIRE_SETTLEMENT_STATUS, WIRE_ROLE_SETTLEMENT, command->batch, WIRE_REASON_INVALID_STATE);
        return;
    }
    if (command->batch > core->last_batch) {
        core->last_batch = command->batch;
    }
    if (command->state == WIRE_SETTLEMENT_STATE_FINAL) {
        core->final_batch = command->batch;
    }
    struct wire_settlement_status_changed *event =
        event_begin(&core->events, WIRE_SETTLEMENT_STATUS_CHANGED, sizeof *event);
    event->batch = command->batch;
    event->first_sequence = command->first_sequence;
    event->last_sequence = command->last_sequence;
    event->block_number = command->block_number;
    event->state = command->state;
    memcpy(event->transaction_hash, command->transaction_hash, sizeof event->transaction_hash);
}
