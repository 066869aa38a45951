/* core_check: what the loop must do with a message before it is journaled, and what replay must ask before it applies
 * one; reads state and changes nothing. */
#include <string.h>

#include "state.h"

static bool from_gateway(uint8_t role) {
    return role == WIRE_ROLE_GATEWAY || role == WIRE_ROLE_INTERNAL;
}

static bool role_may_send(uint8_t role, uint16_t template_id) {
    switch (template_id) {
    case WIRE_SESSION_ATTACH:
        return from_gateway(role);
    case WIRE_CREDIT:
    case WIRE_CHECKPOINT:
    case WIRE_SETTLEMENT_STATUS:
        return role == WIRE_ROLE_SETTLEMENT || role == WIRE_ROLE_INTERNAL;
    case WIRE_TRADING_STATE_SET:
    case WIRE_END_OF_DAY:
    case WIRE_PHASE_SET:
    case WIRE_REFERENCE_PRICE_SET:
    case WIRE_MARKET_MAKER_PROTECTION_RESET:
    case WIRE_KILL_SWITCH_SET:
    case WIRE_OPERATOR_CANCEL:
    case WIRE_TRANSFER:
    case WIRE_TRADE_BUST:
        return role == WIRE_ROLE_ADMIN || role == WIRE_ROLE_INTERNAL;
    default:
        return role == WIRE_ROLE_INTERNAL;
    }
}

static void refuse(struct core_check *result, uint16_t reason) {
    result->verdict = CORE_REFUSED;
    result->reason = reason;
}

/* The session, or NULL after refusing. */
static const struct session *usable_session(const struct core *core, uint32_t id, struct core_check *result) {
    const struct session *session = session_find(&core->sessions, id);
    if (session == NULL) {
        refuse(result, WIRE_REASON_UNKNOWN_SESSION);
        return NULL;
    }
    if (!session->enabled) {
        refuse(result, WIRE_REASON_SESSION_DISABLED);
        return NULL;
    }
    return session;
}

static void check_client(const struct core *core, const struct client_command *command, struct core_check *result) {
    const struct session *session = usable_session(core, command->session, result);
    if (session == NULL) {
        return;
    }
    if (session->generation == 0) {
        refuse(result, WIRE_REASON_NOT_ATTACHED);
        return;
    }
    if (command->session_epoch != session->session_epoch) {
        refuse(result, WIRE_REASON_WRONG_EPOCH);
        return;
    }
    if (command->generation != session->generation || command->gateway != session->gateway) {
        refuse(result, WIRE_REASON_STALE_GENERATION);
        return;
    }
    result->last_client_seq = session->last_client_seq;
    if (command->client_seq <= session->last_client_seq) {
        result->verdict = CORE_DUPLICATE;
    } else if (command->prev_client_seq != session->last_client_seq) {
        result->verdict = CORE_GAP;
    }
}

static void check_session_attach(const struct core *core, const struct wire_session_attach *command,
                                 struct core_check *result) {
    const struct session *session = usable_session(core, command->session, result);
    if (session != NULL && session->generation > 0 && session->token == command->token &&
        session->gateway == command->gateway && session->gateway_instance == command->gateway_instance) {
        result->verdict = CORE_DUPLICATE;
    }
}

/* Deposits, checkpoints and transfers come one after the other. */
static void check_next(uint64_t last, uint64_t number, struct core_check *result) {
    if (number <= last) {
        result->verdict = CORE_DUPLICATE;
    } else if (number != last + 1) {
        refuse(result, WIRE_REASON_OUT_OF_SEQUENCE);
    }
}

static void check_settlement_status(const struct core *core, const struct wire_settlement_status *command,
                                    struct core_check *result) {
    switch (command->state) {
    case WIRE_SETTLEMENT_STATE_CUT:
        check_next(core->last_batch, command->batch, result);
        return;
    case WIRE_SETTLEMENT_STATE_SENT:
    case WIRE_SETTLEMENT_STATE_MINED:
        if (command->batch <= core->final_batch) {
            result->verdict = CORE_DUPLICATE;
        } else if (command->batch > core->last_batch) {
            refuse(result, WIRE_REASON_OUT_OF_SEQUENCE);
        }
        return;
    case WIRE_SETTLEMENT_STATE_FINAL:
        if (command->batch > core->last_batch) {
            refuse(result, WIRE_REASON_OUT_OF_SEQUENCE); /* never cut */
            return;
        }
        check_next(core->final_batch, command->batch, result);
        return;
    default:
        return; /* apply refuses it with an event */
    }
}

static bool limits_equal(const struct core *core, const struct wire_limits_set *command) {
    return core->limits_known && memcmp(&core->limits, command, sizeof *command) == 0;
}

static bool asset_equal(const struct core *core, const struct wire_asset_set *command) {
    const struct asset *asset = asset_find(&core->accounts, command->asset);
    return asset != NULL && asset->decimals == command->decimals &&
           memcmp(asset->symbol, command->symbol, sizeof asset->symbol) == 0;
}

static bool instrument_equal(const struct core *core, const struct wire_instrument_set *command) {
    const struct instrument *instrument = instrument_find(&core->instruments, command->instrument);
    const struct wire_instrument_set content = instrument_content(command);
    return instrument != NULL && memcmp(&instrument->content, &content, sizeof content) == 0;
}

static bool account_equal(const struct core *core, const struct wire_account_set *command) {
    const struct account *account = account_find(&core->accounts, command->account);
    return account != NULL && account->participant == command->participant && account->kind == command->kind &&
           account->enabled == command->enabled && account->stp_key == command->stp_key &&
           account->stp_mode == command->stp_mode && account->fee_tier == command->fee_tier &&
           memcmp(account->name, command->name, sizeof account->name) == 0;
}

static bool session_equal(const struct core *core, const struct wire_session_set *command) {
    const struct session *session = session_find(&core->sessions, command->session);
    return session != NULL && session->participant == command->participant && session->enabled == command->enabled &&
           memcmp(session->comp_id, command->comp_id, sizeof session->comp_id) == 0;
}

/* Of the next five: ids, entry and band must be such that apply would not refuse them for these. */
static bool schedule_equal(const struct core *core, const struct wire_schedule_set *command) {
    const struct instrument *instrument = instrument_find(&core->instruments, command->instrument);
    if (instrument == NULL || command->entry < 1 || command->entry > SCHEDULE_ENTRIES) {
        return false;
    }
    const struct schedule_entry *entry = &instrument->schedule[command->entry - 1];
    return entry->phase == command->phase && (command->phase == 0 || entry->second_of_day == command->second_of_day);
}

static bool tick_band_equal(const struct core *core, const struct wire_tick_band_set *command) {
    const struct instrument *instrument = instrument_find(&core->instruments, command->instrument);
    if (instrument == NULL || command->band < 1 || command->band > TICK_BANDS) {
        return false;
    }
    const struct tick_band *band = &instrument->tick_bands[command->band - 1];
    return band->from_ticks == command->from_ticks &&
           (command->from_ticks == 0 || (band->tick_step == command->tick_step && band->lot_step == command->lot_step));
}

static bool fee_schedule_equal(const struct core *core, const struct wire_fee_schedule_set *command) {
    const struct instrument *instrument = instrument_find(&core->instruments, command->instrument);
    if (instrument == NULL || command->tier < 1 || command->tier >= FEE_TIERS) {
        return false;
    }
    const struct fee_tier *tier = &instrument->fee_tiers[command->tier];
    return tier->defined && tier->maker_ppm == command->maker_fee_ppm && tier->taker_ppm == command->taker_fee_ppm;
}

static bool pair_defined(const struct core *core, uint32_t account, uint32_t instrument) {
    return account_find(&core->accounts, account) != NULL && instrument_find(&core->instruments, instrument) != NULL;
}

static bool risk_limits_equal(const struct core *core, const struct wire_risk_limits_set *command) {
    if (!pair_defined(core, command->account, command->instrument)) {
        return false;
    }
    const struct exposure *exposure = exposure_of(&core->accounts, command->account, command->instrument);
    return exposure->max_order_lots == command->max_order_lots &&
           exposure->max_order_notional_units == command->max_order_notional_units &&
           exposure->max_position_lots == command->max_position_lots &&
           exposure->max_distance_ppm == command->max_distance_ppm;
}

static bool protection_equal(const struct core *core, const struct wire_market_maker_protection_set *command) {
    if (!pair_defined(core, command->account, command->instrument)) {
        return false;
    }
    const uint32_t number = exposure_of(&core->accounts, command->account, command->instrument)->protection;
    const struct protection *protection = &core->protections.protections[number];
    if (number == 0 || command->max_fills == 0) {
        return number == 0 && command->max_fills == 0;
    }
    return protection->max_fills == command->max_fills && protection->window_ms == command->window_ms;
}

/* Reference data that is already set. */
static bool changes_nothing(const struct core *core, uint16_t template_id, const union command *command) {
    switch (template_id) {
    case WIRE_LIMITS_SET:
        return limits_equal(core, &command->limits_set);
    case WIRE_ASSET_SET:
        return asset_equal(core, &command->asset_set);
    case WIRE_INSTRUMENT_SET:
        return instrument_equal(core, &command->instrument_set);
    case WIRE_ACCOUNT_SET:
        return account_equal(core, &command->account_set);
    case WIRE_SESSION_SET:
        return session_equal(core, &command->session_set);
    case WIRE_SCHEDULE_SET:
        return schedule_equal(core, &command->schedule_set);
    case WIRE_TICK_BAND_SET:
        return tick_band_equal(core, &command->tick_band_set);
    case WIRE_FEE_SCHEDULE_SET:
        return fee_schedule_equal(core, &command->fee_schedule_set);
    case WIRE_RISK_LIMITS_SET:
        return risk_limits_equal(core, &command->risk_limits_set);
    case WIRE_MARKET_MAKER_PROTECTION_SET:
        return protection_equal(core, &command->market_maker_protection_set);
    default:
        return false;
    }
}

static void check_content(const struct core *core, uint16_t template_id, const union command *command,
                          struct core_check *result) {
    switch (template_id) {
    case WIRE_SESSION_ATTACH:
        check_session_attach(core, &command->session_attach, result);
        return;
    case WIRE_CREDIT:
        check_next(core->last_deposit_seq, command->credit.deposit_seq, result);
        return;
    case WIRE_CHECKPOINT:
        check_next(core->last_checkpoint, command->checkpoint.checkpoint, result);
        return;
    case WIRE_TRANSFER:
        check_next(core->last_transfer_seq, command->transfer.transfer_seq, result);
        return;
    case WIRE_SETTLEMENT_STATUS:
        check_settlement_status(core, &command->settlement_status, result);
        return;
    case WIRE_END_OF_DAY:
        if (command->end_of_day.day <= core->day) {
            refuse(result, WIRE_REASON_INVALID_STATE);
        }
        return;
    default:
        if (changes_nothing(core, template_id, command)) {
            result->verdict = CORE_DUPLICATE;
        }
    }
}

struct core_check core_check(const struct core *core, uint8_t role, const uint8_t *message, uint32_t size) {
    struct core_check result = {.verdict = CORE_APPLY};
    struct message view;
    union command copy;
    const bool whole = message_read(message, size, &copy, &view);
    result.template_id = view.template_id;
    if (!whole) {
        refuse(&result, WIRE_REASON_MALFORMED);
        return result;
    }
    if (message_is_client(view.template_id)) {
        result.session = view.command->client.session;
        result.session_epoch = view.command->client.session_epoch;
        result.client_seq = view.command->client.client_seq;
        if (from_gateway(role)) {
            check_client(core, &view.command->client, &result);
        } else {
            refuse(&result, WIRE_REASON_WRONG_ROLE);
        }
        return result;
    }
    if (view.template_id == WIRE_SESSION_ATTACH) {
        result.session = view.command->session_attach.session;
    }
    if (!role_may_send(role, view.template_id)) {
        refuse(&result, WIRE_REASON_WRONG_ROLE);
    } else {
        check_content(core, view.template_id, view.command, &result);
    }
    return result;
}

bool core_pools_hold(const struct core *core, const uint8_t *message, uint32_t size) {
    const struct core_capacity *capacity = &core->capacity;
    struct message view;
    union command copy;
    if (!message_read(message, size, &copy, &view)) {
        return true;
    }
    const union command *command = view.command;
    switch (view.template_id) {
    case WIRE_LIMITS_SET:
        return command->limits_set.max_orders <= capacity->orders &&
               command->limits_set.max_price_pages <= capacity->price_pages &&
               command->limits_set.max_clordids <= capacity->clordids &&
               command->limits_set.max_bustable_trades <= capacity->trades;
    case WIRE_ASSET_SET:
        return command->asset_set.asset <= capacity->assets;
    case WIRE_INSTRUMENT_SET:
        return command->instrument_set.instrument <= capacity->instruments;
    case WIRE_ACCOUNT_SET:
        return command->account_set.account <= capacity->accounts &&
               command->account_set.participant <= capacity->accounts;
    case WIRE_SESSION_SET:
        return command->session_set.session <= capacity->sessions &&
               command->session_set.participant <= capacity->accounts;
    default:
        return true;
    }
}
