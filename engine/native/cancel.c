/* The Cancel job: open orders that match a filter, account by account, the latest accepted first (docs/ENGINE.md
   section 6), and the commands that start it.

   Nothing else is applied between its slices, so the order it goes on with is still open when the next slice begins. */
#include "match.h"

/* Whose orders are canceled; 0 is any. */
struct filter {
    uint32_t account;
    uint32_t session;
    uint32_t participant;
    uint32_t instrument;
    uint8_t side;
    uint16_t reason;
};

/* The client that asked. */
struct asker {
    uint32_t session_epoch;
    uint64_t client_seq;
    const char *clordid; /* NULL: no client asked */
};

static uint32_t low_half(uint64_t pair) {
    return (uint32_t)pair;
}

static uint32_t high_half(uint64_t pair) {
    return (uint32_t)(pair >> 32);
}

static struct filter filter_of(const struct pending *pending) {
    return (struct filter){
        .account = low_half(pending->b),
        .session = low_half(pending->c),
        .participant = high_half(pending->c),
        .instrument = high_half(pending->b),
        .side = pending->side,
        .reason = pending->reason,
    };
}

static bool order_matches(const struct order *order, const struct filter *filter) {
    return (filter->session == 0 || order->session == filter->session) &&
           (filter->instrument == 0 || order->instrument == filter->instrument) &&
           (filter->side == 0 || order->side == filter->side);
}

static void emit_mass_canceled(struct core *core) {
    const struct pending *pending = &core->pending;
    const struct filter filter = filter_of(pending);
    struct wire_mass_canceled *event = event_begin(&core->events, WIRE_MASS_CANCELED, sizeof *event);
    event->session = filter.session;
    event->session_epoch = pending->session_epoch;
    event->client_seq = pending->client_seq;
    event->canceled_orders = pending->count;
    event->account = filter.account;
    event->instrument = filter.instrument;
    event->side = filter.side;
    event->reason = filter.reason;
    memcpy(event->clordid, pending->clordid, sizeof event->clordid);
}

/* The account's first order to look at, 0 when none of its orders can match. */
static uint32_t first_order(const struct core *core, uint32_t account_id, uint32_t participant) {
    const struct account *account = account_find(&core->accounts, account_id);
    if (account == NULL || (participant != 0 && account->participant != participant)) {
        return 0;
    }
    return account->newest_order;
}

void cancel_go_on(struct core *core) {
    struct pending *pending = &core->pending;
    const struct filter filter = filter_of(pending);
    const uint32_t participant =
        filter.session != 0 ? core->sessions.sessions[filter.session].participant : filter.participant;
    const uint64_t last = filter.account != 0 ? filter.account : core->accounts.highest;
    const uint32_t most = slice_events(core);
    uint32_t next = pending->a == 0 ? 0 : low_half(pending->a) + 1;
    uint32_t canceled = 0;
    for (uint32_t visits = 0; canceled < most && visits < VISITS; visits++) {
        if (next == 0) {
            if (pending->position > last) {
                emit_mass_canceled(core);
                job_over(core);
                return;
            }
            next = first_order(core, (uint32_t)pending->position, participant);
        } else {
            const uint32_t index = next;
            next = core->books.details[index].account_older;
            if (order_matches(&core->books.orders[index], &filter)) {
                cancel_open_order(core, index, (struct cancel_cause){.reason = filter.reason});
                canceled++;
                pending->count++;
            }
        }
        if (next == 0) {
            pending->position++;
        }
    }
    pending->a = next == 0 ? 0 : order_id(&core->books, next);
}

static void cancel_start(struct core *core, const struct filter *filter, const struct asker *asker) {
    job_is(core, PENDING_CANCEL, filter->account != 0 ? filter->account : 1, 0);
    struct pending *pending = &core->pending;
    pending->b = mix_pair(filter->account, filter->instrument);
    pending->c = mix_pair(filter->session, filter->participant);
    pending->side = filter->side;
    pending->reason = filter->reason;
    pending->session_epoch = asker->session_epoch;
    pending->client_seq = asker->client_seq;
    if (asker->clordid != NULL) {
        memcpy(pending->clordid, asker->clordid, sizeof pending->clordid);
    }
    cancel_go_on(core);
}

void cancel_start_tripped(struct core *core) {
    struct protections *protections = &core->protections;
    VENUE_ASSERT(protections->tripped_count > 0, "a protection waits");
    const struct tripped_pair pair = protections->tripped[0];
    protections->tripped_count--;
    memmove(protections->tripped, protections->tripped + 1, protections->tripped_count * sizeof pair);
    const struct filter filter = {
        .account = pair.account, .instrument = pair.instrument, .reason = WIRE_REASON_CANCELED_MARKET_MAKER_PROTECTION};
    cancel_start(core, &filter, &(struct asker){0});
}

static uint16_t judge_mass_cancel(const struct core *core, const struct wire_mass_cancel *command) {
    if (!clordid_valid(command->clordid)) {
        return WIRE_REASON_INVALID_CL_ORD_ID;
    }
    if (command->instrument != 0 && instrument_find(&core->instruments, command->instrument) == NULL) {
        return WIRE_REASON_UNKNOWN_INSTRUMENT;
    }
    if (command->account != 0) {
        const struct account *account = account_find(&core->accounts, command->account);
        if (account == NULL) {
            return WIRE_REASON_UNKNOWN_ACCOUNT;
        }
        if (account->participant != core->sessions.sessions[command->session].participant) {
            return WIRE_REASON_ACCOUNT_NOT_PERMITTED;
        }
    }
    return command->side <= WIRE_SIDE_SELL ? WIRE_REASON_NONE : WIRE_REASON_INVALID_SIDE;
}

static void reject_mass_cancel(struct core *core, const struct wire_mass_cancel *command, uint16_t reason) {
    struct wire_cancel_rejected *event = event_begin(&core->events, WIRE_CANCEL_REJECTED, sizeof *event);
    event->session = command->session;
    event->session_epoch = command->session_epoch;
    event->client_seq = command->client_seq;
    event->reason = reason;
    event->request = WIRE_REQUEST_KIND_MASS_CANCEL;
    event->order_status = WIRE_ORDER_STATUS_UNKNOWN;
    memcpy(event->clordid, command->clordid, sizeof event->clordid);
}

void apply_mass_cancel(struct core *core, const struct wire_mass_cancel *command) {
    count_command(core, command->session, command->client_seq);
    const uint16_t reason = judge_mass_cancel(core, command);
    if (reason != WIRE_REASON_NONE) {
        reject_mass_cancel(core, command, reason);
        return;
    }
    const struct filter filter = {
        .account = command->account,
        .session = command->session,
        .instrument = command->instrument,
        .side = command->side,
        .reason = WIRE_REASON_CANCELED_MASS_CANCEL,
    };
    const struct asker asker = {
        .session_epoch = command->session_epoch, .client_seq = command->client_seq, .clordid = command->clordid};
    cancel_start(core, &filter, &asker);
}

void apply_operator_cancel(struct core *core, const struct wire_operator_cancel *command) {
    uint16_t reason = WIRE_REASON_NONE;
    uint64_t reference = 0;
    if (command->session != 0 && session_find(&core->sessions, command->session) == NULL) {
        reason = WIRE_REASON_UNKNOWN_SESSION;
        reference = command->session;
    } else if (command->account != 0 && account_find(&core->accounts, command->account) == NULL) {
        reason = WIRE_REASON_UNKNOWN_ACCOUNT;
        reference = command->account;
    } else if (command->instrument != 0 && instrument_find(&core->instruments, command->instrument) == NULL) {
        reason = WIRE_REASON_UNKNOWN_INSTRUMENT;
        reference = command->instrument;
    } else if (command->side > WIRE_SIDE_SELL) {
        reason = WIRE_REASON_INVALID_SIDE;
        reference = command->side;
    }
    if (reason != WIRE_REASON_NONE) {
        refuse_command(core, WIRE_OPERATOR_CANCEL, WIRE_ROLE_ADMIN, reference, reason);
        return;
    }
    const struct filter filter = {
        .account = command->account,
        .session = command->session,
        .instrument = command->instrument,
        .side = command->side,
        .reason = WIRE_REASON_CANCELED_BY_OPERATOR,
    };
    cancel_start(core, &filter, &(struct asker){0});
}

/* A participant is known by its accounts and sessions. */
static bool participant_known(const struct core *core, uint32_t participant) {
    for (uint32_t id = 1; participant != 0 && id <= core->accounts.highest; id++) {
        if (core->accounts.accounts[id].participant == participant) {
            return true;
        }
    }
    for (uint32_t id = 1; participant != 0 && id <= core->sessions.capacity; id++) {
        if (core->sessions.sessions[id].participant == participant) {
            return true;
        }
    }
    return false;
}

static bool kill_target_known(const struct core *core, const struct wire_kill_switch_set *command) {
    switch (command->scope) {
    case WIRE_KILL_SCOPE_ACCOUNT:
        return account_find(&core->accounts, command->id) != NULL;
    case WIRE_KILL_SCOPE_SESSION:
        return session_find(&core->sessions, command->id) != NULL;
    case WIRE_KILL_SCOPE_PARTICIPANT:
        return participant_known(core, command->id);
    default:
        return command->id == 0;
    }
}

/* Sets the switch; what it cancels when it is engaged. */
static struct filter set_kill_switch(struct core *core, const struct wire_kill_switch_set *command) {
    struct filter filter = {.reason = WIRE_REASON_CANCELED_KILL_SWITCH};
    switch (command->scope) {
    case WIRE_KILL_SCOPE_ACCOUNT:
        core->accounts.accounts[command->id].killed = command->engaged;
        account_changed(&core->accounts, command->id);
        filter.account = command->id;
        break;
    case WIRE_KILL_SCOPE_SESSION:
        core->sessions.sessions[command->id].killed = command->engaged;
        session_changed(&core->sessions, command->id);
        filter.session = command->id;
        break;
    case WIRE_KILL_SCOPE_PARTICIPANT:
        participant_kill(&core->accounts, command->id, command->engaged);
        filter.participant = command->id;
        break;
    default:
        core->killed = command->engaged;
    }
    return filter;
}

void apply_kill_switch_set(struct core *core, const struct wire_kill_switch_set *command) {
    uint16_t reason = WIRE_REASON_NONE;
    if (command->scope < WIRE_KILL_SCOPE_ACCOUNT || command->scope > WIRE_KILL_SCOPE_VENUE) {
        reason = WIRE_REASON_INVALID_STATE;
    } else if (!kill_target_known(core, command)) {
        reason = WIRE_REASON_INVALID_REFERENCE;
    } else if (command->engaged > 1) {
        reason = WIRE_REASON_INVALID_STATE;
    }
    if (reason != WIRE_REASON_NONE) {
        refuse_command(core, WIRE_KILL_SWITCH_SET, WIRE_ROLE_ADMIN, command->id, reason);
        return;
    }
    const struct filter filter = set_kill_switch(core, command);
    struct wire_kill_switch_changed *event = event_begin(&core->events, WIRE_KILL_SWITCH_CHANGED, sizeof *event);
    event->id = command->id;
    event->scope = command->scope;
    event->engaged = command->engaged;
    memcpy(event->operator, command->operator, sizeof event->operator);
    memcpy(event->reason_text, command->reason_text, sizeof event->reason_text);
    if (command->engaged != 0) {
        cancel_start(core, &filter, &(struct asker){0});
    }
}
