/* Work that one command starts and Continue commands finish: the end of the trading day, and checkpoints.

   A part yields a bounded number of events; between parts nothing else is applied, so the work sees one unchanging
   state. */
#include "state.h"

/* Expiries or balances that one part may hold beside its closing event. */
static uint64_t part_size(const struct core *core) {
    return core->limits.max_events_per_part > 1 ? core->limits.max_events_per_part - 1 : 1;
}

static void suspend(struct core *core, enum pending_kind kind, uint64_t position, uint64_t count) {
    core->pending = (struct pending){.kind = kind, .position = position, .count = count};
}

static void expire_day_orders(struct core *core, uint64_t slot, uint64_t expired) {
    for (uint64_t emitted = 0; emitted < part_size(core); emitted++) {
        const uint32_t index = book_next_day_order(&core->books, slot + 1);
        if (index == 0) {
            core->pending = (struct pending){0};
            struct wire_day_ended *event = event_begin(&core->events, WIRE_DAY_ENDED, sizeof *event);
            event->day = core->day;
            event->expired_orders = (uint32_t)expired;
            return;
        }
        cancel_resting(core, index, (struct cancel_cause){.reason = WIRE_REASON_EXPIRED_END_OF_DAY});
        slot = index;
        expired++;
    }
    suspend(core, PENDING_END_OF_DAY, slot, expired);
}

void apply_end_of_day(struct core *core, const struct wire_end_of_day *command) {
    VENUE_ASSERT(command->day > core->day, "trading days only move on");
    core->day = command->day;
    table_clear(&core->used);
    core->used_hash = 0;
    expire_day_orders(core, 0, 0);
}

/* The next pair at or after this one that holds anything; false when there is none. */
static bool next_balance(const struct core *core, uint32_t *account, uint32_t *asset) {
    for (; *account <= core->capacity.accounts; (*account)++, *asset = 1) {
        for (; *asset <= core->capacity.assets; (*asset)++) {
            const struct balance *balance = balance_of(&core->accounts, *account, *asset);
            if (balance->available_units != 0 || balance->reserved_units != 0) {
                return true;
            }
        }
    }
    return false;
}

static void emit_balance(struct core *core, uint32_t account, uint32_t asset) {
    const struct balance *balance = balance_of(&core->accounts, account, asset);
    struct wire_checkpoint_balance *event = event_begin(&core->events, WIRE_CHECKPOINT_BALANCE, sizeof *event);
    event->checkpoint = core->last_checkpoint;
    event->available_units = balance->available_units;
    event->reserved_units = balance->reserved_units;
    event->account = account;
    event->asset = asset;
}

static void emit_balances(struct core *core, uint64_t position, uint64_t count) {
    uint32_t account = (uint32_t)(position >> 32);
    uint32_t asset = (uint32_t)position;
    for (uint64_t emitted = 0; emitted < part_size(core); emitted++) {
        if (!next_balance(core, &account, &asset)) {
            core->pending = (struct pending){0};
            struct wire_checkpoint_ended *event = event_begin(&core->events, WIRE_CHECKPOINT_ENDED, sizeof *event);
            event->checkpoint = core->last_checkpoint;
            event->balances = count;
            return;
        }
        emit_balance(core, account, asset);
        asset++;
        count++;
    }
    suspend(core, PENDING_CHECKPOINT, (uint64_t)account << 32 | asset, count);
}

void apply_checkpoint(struct core *core, const struct wire_checkpoint *command) {
    VENUE_ASSERT(command->checkpoint == core->last_checkpoint + 1, "checkpoints come one after the other");
    core->last_checkpoint = command->checkpoint;
    emit_balances(core, (uint64_t)1 << 32 | 1, 0);
}

void apply_continue(struct core *core) {
    const struct pending pending = core->pending;
    if (pending.kind == PENDING_END_OF_DAY) {
        expire_day_orders(core, pending.position, pending.count);
    } else if (pending.kind == PENDING_CHECKPOINT) {
        emit_balances(core, pending.position, pending.count);
    }
}
