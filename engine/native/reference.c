/* Reference data and session commands: what the engine daemon, settlement and operators set, and nothing that matches.
 */
#include <string.h>

#include "state.h"

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
        !fits(command->max_clordids, core->capacity.clordids)) {
        refuse_reference(core, WIRE_LIMITS_SET, 0, WIRE_REASON_CAPACITY_EXCEEDED);
        return;
    }
    if (command->max_fills_per_command < 1 ||
        (uint64_t)command->max_fills_per_command + 4 > command->max_events_per_part ||
        command->max_events_per_part > EVENTS_PER_PART_MAX) {
        refuse_reference(core, WIRE_LIMITS_SET, 0, WIRE_REASON_INVALID_REFERENCE);
        return;
    }
    core->limits = *command;
    core->limits_known = true;
    struct wire_limits_defined *event = event_begin(&core->events, WIRE_LIMITS_DEFINED, sizeof *event);
    event->max_orders = command->max_orders;
    event->max_price_pages = command->max_price_pages;
    event->max_open_orders_per_session = command->max_open_orders_per_session;
    event->max_clordids = command->max_clordids;
    event->max_fills_per_command = command->max_fills_per_command;
    event->max_events_per_part = command->max_events_per_part;
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
    return content;
}

static bool within_bits(int64_t a, int64_t b, int64_t c, int bits) {
    const u128 most = (u128)1 << bits;
    const u128 product = (u128)(uint64_t)a * (uint64_t)b;
    return product <= most && product * (uint64_t)c <= most;
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
           listing->protection_ticks >= 0 && listing->maker_fee_ppm <= FEE_PPM_MAX &&
           listing->taker_fee_ppm <= FEE_PPM_MAX && listing->tick_exponent <= EXPONENT_MAX &&
           listing->lot_exponent <= EXPONENT_MAX && listing->tick_mantissa >= 1 && listing->lot_mantissa >= 1;
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
}

void apply_instrument_set(struct core *core, const struct wire_instrument_set *command) {
    const struct instrument *known = instrument_find(&core->instruments, command->instrument);
    if (command->instrument == 0 || command->instrument > core->capacity.instruments ||
        !instrument_sound(core, command) || (known != NULL && !instrument_compatible(&known->content, command))) {
        refuse_reference(core, WIRE_INSTRUMENT_SET, command->instrument, WIRE_REASON_INVALID_REFERENCE);
        return;
    }
    const struct instrument content = {
        .content = instrument_content(command),
        .state = known == NULL ? WIRE_TRADING_STATE_OPEN : known->state,
    };
    instrument_define(&core->instruments, command->instrument, &content);
    emit_instrument_defined(core, command);
}

static bool account_sound(const struct core *core, const struct wire_account_set *command) {
    const struct account *known = account_find(&core->accounts, command->account);
    const uint32_t fee_account = core->accounts.fee_account;
    const bool second_fee =
        command->kind == WIRE_ACCOUNT_KIND_FEE && fee_account != 0 && fee_account != command->account;
    return command->account >= 1 && command->account <= core->capacity.accounts &&
           command->kind >= WIRE_ACCOUNT_KIND_CLIENT && command->kind <= WIRE_ACCOUNT_KIND_LENDER && !second_fee &&
           command->participant >= 1 && command->enabled <= 1 &&
           (known == NULL || (known->kind == command->kind && known->participant == command->participant));
}

void apply_account_set(struct core *core, const struct wire_account_set *command) {
    if (!account_sound(core, command)) {
        refuse_reference(core, WIRE_ACCOUNT_SET, command->account, WIRE_REASON_INVALID_REFERENCE);
        return;
    }
    struct account content = {.participant = command->participant, .kind = command->kind, .enabled = command->enabled};
    memcpy(content.name, command->name, sizeof content.name);
    account_define(&core->accounts, command->account, &content);
    if (command->kind == WIRE_ACCOUNT_KIND_FEE) {
        core->accounts.fee_account = command->account;
    }
    struct wire_account_defined *event = event_begin(&core->events, WIRE_ACCOUNT_DEFINED, sizeof *event);
    event->account = command->account;
    event->participant = command->participant;
    event->kind = command->kind;
    event->enabled = command->enabled;
    memcpy(event->name, command->name, sizeof event->name);
}

static bool session_sound(const struct core *core, const struct wire_session_set *command) {
    const struct session *known = session_find(&core->sessions, command->session);
    return command->session >= 1 && command->session <= core->capacity.sessions && command->participant >= 1 &&
           command->enabled <= 1 &&
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
    const struct instrument *known = instrument_find(&core->instruments, command->instrument);
    if (known == NULL) {
        return WIRE_REASON_UNKNOWN_INSTRUMENT;
    }
    struct instrument content = *known;
    content.state = command->state;
    instrument_define(&core->instruments, command->instrument, &content);
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
