/* The jobs of the end of the trading day, its statistics, and checkpoints (docs/ENGINE.md section 6).

   A slice yields a bounded number of events; between slices nothing else is applied, so a job sees one unchanging
   state. */
#include "match.h"

static void expire_or_keep(struct core *core, uint32_t index) {
    if (core->books.orders[index].time_in_force == WIRE_TIME_IN_FORCE_DAY) {
        cancel_open_order(core, index, (struct cancel_cause){.reason = WIRE_REASON_EXPIRED_END_OF_DAY});
        core->pending.count++;
    } else {
        clordid_keep(core, index);
    }
}

void end_of_day_go_on(struct core *core) {
    struct pending *pending = &core->pending;
    const uint64_t full = pending->count + slice_events(core);
    for (uint32_t visits = 0; visits < VISITS && pending->count < full; visits++) {
        if (pending->position == core->books.slots_used) {
            job_is(core, PENDING_STATISTICS, 1, pending->count);
            return;
        }
        const uint32_t index = (uint32_t)pending->position + 1;
        pending->position++;
        if (core->books.orders[index].leaves_lots > 0) {
            expire_or_keep(core, index);
        }
    }
}

void apply_end_of_day(struct core *core, const struct wire_end_of_day *command) {
    VENUE_ASSERT(command->day > core->day, "trading days only move on");
    core->day = command->day;
    table_clear(&core->used);
    core->used_hash = 0;
    job_is(core, PENDING_END_OF_DAY, 0, 0);
    end_of_day_go_on(core);
}

static void record_statistics(struct core *core, uint32_t id) {
    struct instrument *instrument = &core->instruments.instruments[id];
    struct wire_statistics_recorded *event = event_begin(&core->events, WIRE_STATISTICS_RECORDED, sizeof *event);
    event->instrument = id;
    event->day = core->day;
    event->open_ticks = instrument->open_ticks;
    event->high_ticks = instrument->high_ticks;
    event->low_ticks = instrument->low_ticks;
    event->last_ticks = instrument->last_ticks;
    event->volume_lots = instrument->volume_lots;
    event->turnover_low = instrument->turnover_low;
    event->turnover_high = instrument->turnover_high;
    event->trades = instrument->trades;
    instrument->open_ticks = 0;
    instrument->high_ticks = 0;
    instrument->low_ticks = 0;
    instrument->volume_lots = 0;
    instrument->turnover_low = 0;
    instrument->turnover_high = 0;
    instrument->trades = 0;
    market_changed(&core->instruments, id);
}

void statistics_go_on(struct core *core) {
    struct pending *pending = &core->pending;
    for (uint32_t recorded = 0; recorded < slice_events(core);) {
        if (pending->position > core->instruments.capacity) {
            struct wire_day_ended *event = event_begin(&core->events, WIRE_DAY_ENDED, sizeof *event);
            event->day = core->day;
            event->expired_orders = (uint32_t)pending->count;
            job_over(core);
            return;
        }
        const uint32_t id = (uint32_t)pending->position;
        pending->position++;
        if (core->instruments.instruments[id].trades > 0) {
            record_statistics(core, id);
            recorded++;
        }
    }
}

/* The next pair at or after this one that holds anything; false when there is none. */
static bool next_balance(const struct core *core, uint32_t *account, uint32_t *asset) {
    for (; *account <= core->accounts.highest; (*account)++, *asset = 1) {
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

void checkpoint_go_on(struct core *core) {
    struct pending *pending = &core->pending;
    uint32_t account = (uint32_t)(pending->position >> 32);
    uint32_t asset = (uint32_t)pending->position;
    for (uint32_t emitted = 0; emitted < slice_events(core); emitted++) {
        if (!next_balance(core, &account, &asset)) {
            struct wire_checkpoint_ended *event = event_begin(&core->events, WIRE_CHECKPOINT_ENDED, sizeof *event);
            event->checkpoint = core->last_checkpoint;
            event->balances = pending->count;
            job_over(core);
            return;
        }
        emit_balance(core, account, asset);
        asset++;
        pending->count++;
    }
    pending->position = (uint64_t)account << 32 | asset;
}

void apply_checkpoint(struct core *core, const struct wire_checkpoint *command) {
    VENUE_ASSERT(command->checkpoint == core->last_checkpoint + 1, "checkpoints come one after the other");
    core->last_checkpoint = command->checkpoint;
    job_is(core, PENDING_CHECKPOINT, (uint64_t)1 << 32 | 1, 0);
    checkpoint_go_on(core);
}
