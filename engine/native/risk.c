/* Limits of an account on an instrument, market-maker protection, and credit lines (docs/ENGINE.md sections 3, 5 and
   6).

   A protection remembers the times of an account's last max_fills fills as maker. It has tripped from the fill that
   makes them too many until the operator resets it. */
#include "arena.h"
#include "state.h"

enum { DISTANCE_PPM_MAX = 10000000, WINDOW_MS_MAX = 3600000 };

/* The pair of a reference command is defined; refuses the command otherwise. */
static bool pair_named(struct core *core, uint16_t template_id, uint32_t account, uint32_t instrument) {
    if (account_find(&core->accounts, account) != NULL && instrument_find(&core->instruments, instrument) != NULL) {
        return true;
    }
    refuse_command(core, template_id, WIRE_ROLE_INTERNAL, account, WIRE_REASON_INVALID_REFERENCE);
    return false;
}

void apply_risk_limits_set(struct core *core, const struct wire_risk_limits_set *command) {
    if (!pair_named(core, WIRE_RISK_LIMITS_SET, command->account, command->instrument)) {
        return;
    }
    if (command->max_order_lots < 0 || command->max_order_notional_units < 0 || command->max_position_lots < 0 ||
        command->max_distance_ppm > DISTANCE_PPM_MAX) {
        refuse_command(core, WIRE_RISK_LIMITS_SET, WIRE_ROLE_INTERNAL, command->account, WIRE_REASON_INVALID_REFERENCE);
        return;
    }
    risk_limits_define(&core->accounts, command);
    struct wire_risk_limits_defined *event = event_begin(&core->events, WIRE_RISK_LIMITS_DEFINED, sizeof *event);
    event->account = command->account;
    event->instrument = command->instrument;
    event->max_order_lots = command->max_order_lots;
    event->max_order_notional_units = command->max_order_notional_units;
    event->max_position_lots = command->max_position_lots;
    event->max_distance_ppm = command->max_distance_ppm;
}

void protections_lay_out(struct protections *protections, struct arena *arena) {
    protections->protections = arena_take(arena, PROTECTIONS + 1, sizeof(struct protection));
    protections->tripped = arena_take(arena, PROTECTIONS, sizeof(struct tripped_pair));
    dirty_lay_out(&protections->dirty, arena, PROTECTIONS + 1);
}

u128 protection_mix(const struct protection *protection) {
    if (protection->max_fills == 0) {
        return 0;
    }
    uint64_t words[4 + PROTECTION_FILLS] = {RECORD_PROTECTION, mix_pair(protection->account, protection->instrument),
                                            mix_pair(protection->max_fills, protection->window_ms),
                                            mix_pair(protection->tripped, protection->times)};
    for (uint32_t i = 0; i < protection->times; i++) {
        words[4 + i] = protection->time_ns[(protection->oldest + i) % protection->max_fills];
    }
    return mix128(words, 4 + (size_t)protection->times);
}

u128 tripped_mix(const struct protections *protections) {
    u128 hash = 0;
    for (uint32_t i = 0; i < protections->tripped_count; i++) {
        const struct tripped_pair *pair = &protections->tripped[i];
        const uint64_t words[3] = {RECORD_TRIPPED, mix_pair(i, 0), mix_pair(pair->account, pair->instrument)};
        hash += mix128(words, 3);
    }
    return hash;
}

void protections_rehash(struct protections *protections) {
    uint64_t group = 0;
    uint64_t number = 0;
    while (dirty_take(&protections->dirty, &group, &number)) {
        struct protection *protection = &protections->protections[number];
        const u128 mix = protection_mix(protection);
        protections->hash += mix - ((u128)protection->mix_high << 64 | protection->mix_low);
        protection->mix_low = (uint64_t)mix;
        protection->mix_high = (uint64_t)(mix >> 64);
    }
}

static void forget_fills(struct protection *protection) {
    protection->times = 0;
    protection->oldest = 0;
}

/* A free place; 0 when there is none. */
static uint32_t free_protection(const struct protections *protections) {
    for (uint32_t number = 1; number <= PROTECTIONS; number++) {
        if (protections->protections[number].max_fills == 0) {
            return number;
        }
    }
    return 0;
}

/* Puts the protection in force, or ends it; a reason when it can't. */
static uint16_t set_protection(struct core *core, const struct wire_market_maker_protection_set *command) {
    if (command->max_fills > PROTECTION_FILLS ||
        (command->max_fills != 0 && (command->window_ms < 1 || command->window_ms > WINDOW_MS_MAX))) {
        return WIRE_REASON_INVALID_REFERENCE;
    }
    struct exposure *exposure = exposure_of(&core->accounts, command->account, command->instrument);
    uint32_t number = exposure->protection;
    if (number == 0 && command->max_fills != 0) {
        number = free_protection(&core->protections);
        if (number == 0) {
            return WIRE_REASON_CAPACITY_EXCEEDED;
        }
    }
    if (number != 0) {
        struct protection *protection = &core->protections.protections[number];
        protection->account = command->account;
        protection->instrument = command->instrument;
        protection->max_fills = command->max_fills;
        protection->window_ms = command->window_ms;
        protection->tripped = command->max_fills == 0 ? 0 : protection->tripped;
        forget_fills(protection);
        dirty_mark(&core->protections.dirty, number);
        exposure->protection = command->max_fills == 0 ? 0 : number;
    }
    return WIRE_REASON_NONE;
}

void apply_market_maker_protection_set(struct core *core, const struct wire_market_maker_protection_set *command) {
    if (!pair_named(core, WIRE_MARKET_MAKER_PROTECTION_SET, command->account, command->instrument)) {
        return;
    }
    const uint16_t reason = set_protection(core, command);
    if (reason != WIRE_REASON_NONE) {
        refuse_command(core, WIRE_MARKET_MAKER_PROTECTION_SET, WIRE_ROLE_INTERNAL, command->account, reason);
        return;
    }
    struct wire_market_maker_protection_defined *event =
        event_begin(&core->events, WIRE_MARKET_MAKER_PROTECTION_DEFINED, sizeof *event);
    event->account = command->account;
    event->instrument = command->instrument;
    event->max_fills = command->max_fills;
    event->window_ms = command->window_ms;
}

static void emit_protection_changed(struct core *core, const struct protection *protection, const char *operator) {
    struct wire_market_maker_protection_changed *event =
        event_begin(&core->events, WIRE_MARKET_MAKER_PROTECTION_CHANGED, sizeof *event);
    event->account = protection->account;
    event->instrument = protection->instrument;
    event->tripped = (uint8_t)protection->tripped;
    if (operator != NULL) {
        memcpy(event->operator, operator, sizeof event->operator);
    }
}

static void trip(struct core *core, struct protection *protection) {
    struct protections *protections = &core->protections;
    protection->tripped = 1;
    forget_fills(protection);
    emit_protection_changed(core, protection, NULL);
    VENUE_ASSERT(protections->tripped_count < PROTECTIONS, "a protection trips once");
    protections->tripped[protections->tripped_count++] =
        (struct tripped_pair){.account = protection->account, .instrument = protection->instrument};
}

void protection_on_fill(struct core *core, uint32_t number) {
    struct protection *protection = &core->protections.protections[number];
    if (protection->tripped != 0) {
        return;
    }
    if (protection->times < protection->max_fills) {
        protection->time_ns[(protection->oldest + protection->times) % protection->max_fills] = core->time_ns;
        protection->times++;
    } else {
        protection->time_ns[protection->oldest] = core->time_ns;
        protection->oldest = (protection->oldest + 1) % protection->max_fills;
    }
    dirty_mark(&core->protections.dirty, number);
    const uint64_t window_ns = (uint64_t)protection->window_ms * 1000000;
    if (protection->times == protection->max_fills &&
        core->time_ns - protection->time_ns[protection->oldest] <= window_ns) {
        trip(core, protection);
    }
}

void apply_market_maker_protection_reset(struct core *core, const struct wire_market_maker_protection_reset *command) {
    const bool defined = account_find(&core->accounts, command->account) != NULL &&
                         instrument_find(&core->instruments, command->instrument) != NULL;
    const uint32_t number =
        defined ? exposure_of(&core->accounts, command->account, command->instrument)->protection : 0;
    struct protection *protection = &core->protections.protections[number];
    if (number == 0 || protection->tripped == 0) {
        refuse_command(core, WIRE_MARKET_MAKER_PROTECTION_RESET, WIRE_ROLE_ADMIN, command->account,
                       WIRE_REASON_INVALID_STATE);
        return;
    }
    protection->tripped = 0;
    dirty_mark(&core->protections.dirty, number);
    emit_protection_changed(core, protection, command->operator);
}

static uint16_t judge_transfer(const struct core *core, const struct wire_transfer *command) {
    const struct account *from = account_find(&core->accounts, command->from_account);
    const struct account *to = account_find(&core->accounts, command->to_account);
    if (from == NULL || to == NULL) {
        return WIRE_REASON_UNKNOWN_ACCOUNT;
    }
    if (asset_find(&core->accounts, command->asset) == NULL) {
        return WIRE_REASON_UNKNOWN_ASSET;
    }
    if (from == to || (from->kind != WIRE_ACCOUNT_KIND_LENDER && to->kind != WIRE_ACCOUNT_KIND_LENDER) ||
        from->kind == WIRE_ACCOUNT_KIND_SUSPENSE || to->kind == WIRE_ACCOUNT_KIND_SUSPENSE) {
        return WIRE_REASON_INVALID_REFERENCE;
    }
    if (command->amount_units < 1) {
        return WIRE_REASON_INVALID_AMOUNT;
    }
    if (balance_of(&core->accounts, command->from_account, command->asset)->available_units < command->amount_units) {
        return WIRE_REASON_INSUFFICIENT_FUNDS;
    }
    return WIRE_REASON_NONE;
}

void apply_transfer(struct core *core, const struct wire_transfer *command) {
    VENUE_ASSERT(command->transfer_seq == core->last_transfer_seq + 1, "transfers are applied one after the other");
    const uint16_t reason = judge_transfer(core, command);
    if (reason != WIRE_REASON_NONE) {
        refuse_command(core, WIRE_TRANSFER, WIRE_ROLE_ADMIN, command->transfer_seq, reason);
        return;
    }
    core->last_transfer_seq = command->transfer_seq;
    balance_move(&core->accounts, command->from_account, command->asset, -command->amount_units, 0);
    balance_move(&core->accounts, command->to_account, command->asset, command->amount_units, 0);
    struct wire_transferred *event = event_begin(&core->events, WIRE_TRANSFERRED, sizeof *event);
    event->transfer_seq = command->transfer_seq;
    event->from_account = command->from_account;
    event->to_account = command->to_account;
    event->asset = command->asset;
    event->amount_units = command->amount_units;
    event->from_available_units = balance_of(&core->accounts, command->from_account, command->asset)->available_units;
    event->to_available_units = balance_of(&core->accounts, command->to_account, command->asset)->available_units;
    memcpy(event->operator, command->operator, sizeof event->operator);
}
