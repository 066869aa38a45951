/* core_check: what the loop must do with a message before it is journaled, and what replay must ask before it applies
 * one; reads state and changes nothing. */
#include <string.h>

#include "state.h"

static bool role_may_send(uint8_t role, uint16_t template_id) {
    switch (template_id) {
    case WIRE_SESSION_ATTACH:
    case WIRE_NEW_ORDER:
    case WIRE_CANCEL_ORDER:
    case WIRE_REPLACE_ORDER:
        return role == WIRE_ROLE_GATEWAY || role == WIRE_ROLE_INTERNAL;
    case WIRE_CREDIT:
    case WIRE_CHECKPOINT:
    case WIRE_SETTLEMENT_STATUS:
        return role == WIRE_ROLE_SETTLEMENT || role == WIRE_ROLE_INTERNAL;
    case WIRE_TRADING_STATE_SET:
    case WIRE_END_OF_DAY:
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

/* Deposits and checkpoints come one after the other. */
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
           account->enabled == command->enabled && memcmp(account->name, command->name, sizeof account->name) == 0;
}

static bool session_equal(const struct core *core, const struct wire_session_set *command) {
    const struct session *session = session_find(&core->sessions, command->session);
    return session != NULL && session->participant == command->participant && session->enabled == command->enabled &&
           memcmp(session->comp_id, command->comp_id, sizeof session->comp_id) == 0;
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
    union command command;
    const bool whole = message_read(message, size, &view);
    result.template_id = view.template_id;
    if (!whole) {
        refuse(&result, WIRE_REASON_MALFORMED);
        return result;
    }
    message_block(&view, &command);
    const bool from_client = message_is_client(view.template_id);
    if (from_client) {
        result.session = command.client.session;
        result.session_epoch = command.client.session_epoch;
        result.client_seq = command.client.client_seq;
    } else if (view.template_id == WIRE_SESSION_ATTACH) {
        result.session = command.session_attach.session;
    }
    if (!role_may_send(role, view.template_id)) {
        refuse(&result, WIRE_REASON_WRONG_ROLE);
    } else if (from_client) {
        check_client(core, &command.client, &result);
    } else {
        check_content(core, view.template_id, &command, &result);
    }
    return result;
}

bool core_pools_hold(const struct core *core, const uint8_t *message, uint32_t size) {
    const struct core_capacity *capacity = &core->capacity;
    struct message view;
    union command command;
    if (!message_read(message, size, &view)) {
        return true;
    }
    message_block(&view, &command);
    switch (view.template_id) {
    case WIRE_LIMITS_SET:
        return command.limits_set.max_orders <= capacity->orders &&
               command.limits_set.max_price_pages <= capacity->price_pages &&
               command.limits_set.max_clordids <= capacity->clordids;
    case WIRE_ASSET_SET:
        return command.asset_set.asset <= capacity->assets;
    case WIRE_INSTRUMENT_SET:
        return command.instrument_set.instrument <= capacity->instruments;
    case WIRE_ACCOUNT_SET:
        return command.account_set.account <= capacity->accounts;
    case WIRE_SESSION_SET:
        return command.session_set.session <= capacity->sessions;
    default:
        return true;
    }
}
