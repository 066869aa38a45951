/* The core as its callers see it: memory taken once, one command in, its events out, and a few questions about the
 * state. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/random.h>

#include "state.h"

enum { OUTPUT_MIN = 64 * 1024 };

static void lay_out(struct core *core, struct arena *arena, const struct core_capacity *capacity) {
    accounts_lay_out(&core->accounts, arena, capacity->accounts, capacity->assets);
    sessions_lay_out(&core->sessions, arena, capacity->sessions);
    instruments_lay_out(&core->instruments, arena, capacity->instruments);
    books_lay_out(&core->books, arena, capacity->orders, capacity->price_pages, capacity->instruments);
    table_lay_out(&core->used, arena, capacity->clordids);
    const uint64_t pairs = ((uint64_t)capacity->accounts + 1) * ((uint64_t)capacity->assets + 1);
    core->audit.reserved_units = arena_take(arena, pairs, sizeof(int64_t));
    core->audit.open_orders = arena_take(arena, (uint64_t)capacity->sessions + 1, sizeof(uint32_t));
    core->audit.seen = arena_take(arena, (uint64_t)capacity->orders / 64 + 1, sizeof(uint64_t));
}

static bool capacity_sound(const struct core_capacity *capacity) {
    const uint32_t most = UINT32_C(1) << 31;
    return capacity->orders >= 1 && capacity->orders <= most && capacity->price_pages >= 1 &&
           capacity->price_pages <= most && capacity->clordids >= 1 && capacity->clordids <= most &&
           capacity->accounts >= 1 && capacity->accounts <= most && capacity->assets >= 1 && capacity->assets <= most &&
           capacity->instruments >= 1 && capacity->instruments <= most && capacity->sessions >= 1 &&
           capacity->sessions <= most;
}

struct core *core_new(const struct core_capacity *capacity) {
    struct arena arena = {0};
    struct core measured = {0};
    uint64_t seed[2];
    if (!capacity_sound(capacity) || getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
        return NULL;
    }
    (void)arena_take(&arena, 1, sizeof(struct core));
    lay_out(&measured, &arena, capacity);
    if (!arena_map(&arena)) {
        return NULL;
    }
    struct core *core = arena_take(&arena, 1, sizeof(struct core));
    lay_out(core, &arena, capacity);
    core->arena = arena;
    core->capacity = *capacity;
    core->venue_state = WIRE_TRADING_STATE_OPEN;
    memcpy(core->used.seed, seed, sizeof seed);
    memcpy(core->books.open.seed, seed, sizeof seed);
    books_start(&core->books, capacity->instruments);
    return core;
}

void core_free(struct core *core) {
    if (core != NULL) {
        struct arena arena = core->arena; /* the core itself lives in it */
        arena_unmap(&arena);
    }
}

static int compare_hash(const struct core *core, const struct wire_state_hash *command) {
    uint64_t hash[2];
    core_hash(core, hash);
    return hash[0] == command->low && hash[1] == command->high ? CORE_OK : CORE_DIVERGED;
}

static int dispatch(struct core *core, uint16_t template_id, const union command *command, struct echo echo) {
    switch (template_id) {
    case WIRE_NEW_ORDER:
        apply_new_order(core, &command->new_order, echo);
        break;
    case WIRE_CANCEL_ORDER:
        apply_cancel_order(core, &command->cancel_order);
        break;
    case WIRE_REPLACE_ORDER:
        apply_replace_order(core, &command->replace_order, echo);
        break;
    case WIRE_SESSION_ATTACH:
        apply_session_attach(core, &command->session_attach);
        break;
    case WIRE_CREDIT:
        apply_credit(core, &command->credit);
        break;
    case WIRE_SETTLEMENT_STATUS:
        apply_settlement_status(core, &command->settlement_status);
        break;
    case WIRE_TRADING_STATE_SET:
        apply_trading_state_set(core, &command->trading_state_set);
        break;
    case WIRE_END_OF_DAY:
        apply_end_of_day(core, &command->end_of_day);
        break;
    case WIRE_CHECKPOINT:
        apply_checkpoint(core, &command->checkpoint);
        break;
    case WIRE_CONTINUE:
        apply_continue(core);
        break;
    case WIRE_EPOCH_START:
        apply_epoch_start(core, &command->epoch_start);
        break;
    case WIRE_LIMITS_SET:
        apply_limits_set(core, &command->limits_set);
        break;
    case WIRE_ASSET_SET:
        apply_asset_set(core, &command->asset_set);
        break;
    case WIRE_INSTRUMENT_SET:
        apply_instrument_set(core, &command->instrument_set);
        break;
    case WIRE_ACCOUNT_SET:
        apply_account_set(core, &command->account_set);
        break;
    case WIRE_SESSION_SET:
        apply_session_set(core, &command->session_set);
        break;
    case WIRE_STATE_HASH:
        return compare_hash(core, &command->state_hash);
    default:
        VENUE_ASSERT(false, "every command has a handler");
    }
    return CORE_OK;
}

int core_apply(struct core *core, uint64_t sequence, uint32_t epoch, uint64_t time_ns, const uint8_t *message,
               uint32_t size, uint8_t *out, size_t out_size, size_t *written, uint32_t *events) {
    struct event_writer *writer = &core->events;
    struct message view;
    union command command;
    VENUE_ASSERT(message_read(message, size, &view), "only whole commands are applied");
    VENUE_ASSERT(sequence == core->command_sequence + 1, "command sequences are dense");
    VENUE_ASSERT(core->pending.kind == PENDING_NONE || view.template_id == WIRE_CONTINUE,
                 "pending work is finished before anything else");
    VENUE_ASSERT((uintptr_t)out % 8 == 0 && out_size >= core_output_max(core), "events are written aligned, and fit");
    core->command_sequence = sequence;
    writer->start = out;
    writer->cursor = out;
    writer->end = out + out_size;
    writer->last = NULL;
    writer->count = 0;
    writer->command_sequence = sequence;
    writer->epoch = epoch;
    writer->time_ns = time_ns;
    message_block(&view, &command);
    const int result = dispatch(core, view.template_id, &command, view.echo);
    if (writer->last != NULL) {
        writer->last->last_in_command = 1;
    }
    *written = (size_t)(writer->cursor - out);
    *events = writer->count;
    return result;
}

size_t core_output_max(const struct core *core) {
    /* The longest event carries varData and comes once per command; of all others OrderCanceled is the longest. */
    const size_t longest_once = sizeof(struct wire_order_replaced) + WIRE_DATA_MAX + 64;
    const size_t longest = frame_entry_size(sizeof(struct wire_header) + sizeof(struct wire_order_canceled));
    const size_t most = longest_once + longest * core->limits.max_events_per_part;
    return most < OUTPUT_MIN ? OUTPUT_MIN : most;
}

bool core_pending(const struct core *core) {
    return core->pending.kind != PENDING_NONE;
}

u128 limits_mix(const struct core *core) {
    const struct wire_limits_set *limits = &core->limits;
    if (!core->limits_known) {
        return 0;
    }
    const uint64_t words[7] = {RECORD_LIMITS,
                               limits->max_orders,
                               limits->max_price_pages,
                               limits->max_open_orders_per_session,
                               limits->max_clordids,
                               limits->max_fills_per_command,
                               limits->max_events_per_part};
    return mix128(words, 7);
}

u128 globals_mix(const struct core *core) {
    const uint64_t words[14] = {
        RECORD_GLOBALS,           core->epoch,           core->events.sequence,  core->day,          core->venue_state,
        core->last_deposit_seq,   core->last_checkpoint, core->last_batch,       core->final_batch,  core->books.in_use,
        core->books.pages.in_use, core->pending.kind,    core->pending.position, core->pending.count};
    return mix128(words, 14);
}

void core_hash(const struct core *core, uint64_t hash[2]) {
    const u128 sum = core->accounts.hash + core->sessions.hash + core->instruments.hash + core->books.hash +
                     core->used_hash + limits_mix(core) + globals_mix(core);
    hash[0] = (uint64_t)sum;
    hash[1] = (uint64_t)(sum >> 64);
}

uint64_t core_event_sequence(const struct core *core) {
    return core->events.sequence;
}

void core_balance(const struct core *core, uint32_t account, uint32_t asset, int64_t balance[2]) {
    balance[0] = 0;
    balance[1] = 0;
    if (account <= core->capacity.accounts && asset <= core->capacity.assets) {
        balance[0] = balance_of(&core->accounts, account, asset)->available_units;
        balance[1] = balance_of(&core->accounts, account, asset)->reserved_units;
    }
}

uint32_t core_book(const struct core *core, uint32_t instrument, uint8_t side, struct core_order_view *views,
                   uint32_t max) {
    uint32_t count = 0;
    if (instrument_find(&core->instruments, instrument) == NULL || (side != WIRE_SIDE_BUY && side != WIRE_SIDE_SELL)) {
        return 0;
    }
    for (uint32_t index = book_first(&core->books, instrument, side); index != 0;
         index = book_next(&core->books, index), count++) {
        if (count < max) {
            const struct order *order = &core->books.orders[index];
            views[count] = (struct core_order_view){
                .order_id = order_id(&core->books, index),
                .priority = core->books.details[index].priority,
                .price_ticks = order->price_ticks,
                .leaves_lots = order->leaves_lots,
                .account = order->account,
                .session = core->books.details[index].session,
            };
        }
    }
    return count;
}

uint8_t core_venue_state(const struct core *core) {
    return core->venue_state;
}

uint32_t core_orders_in_use(const struct core *core) {
    return core->books.in_use;
}
