/* The core as its callers see it: memory taken once, one command in, its events out, and a few questions about the
 * state. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/random.h>

#include "phase.h"
#include "state.h"
#include "stop.h"
#include "timer.h"

enum { OUTPUT_MIN = 64 * 1024, OUTPUT_AHEAD = 4, OUTPUT_LINES = 6 };

/* Pairs of account and instrument up to which large pages are worth it for all of them: 80 bytes each. */
enum { PAIRS_DENSE_MAX = 3 << 19 };

/* What is touched densely comes first; what is addressed sparsely, and would waste large pages, after it. */
void core_lay_out(struct core *core, struct arena *arena, const struct core_capacity *capacity) {
    const uint32_t clordids = capacity->clordids > capacity->orders ? capacity->clordids : capacity->orders;
    books_lay_out(&core->books, arena, capacity->orders, capacity->price_pages);
    table_lay_out(&core->used, arena, clordids);
    sessions_lay_out(&core->sessions, arena, capacity->sessions);
    instruments_lay_out(&core->instruments, arena, capacity->instruments);
    trades_lay_out(&core->trades, arena, capacity->trades);
    const bool few_pairs = ((uint64_t)capacity->accounts + 1) * (capacity->instruments + 1U) <= PAIRS_DENSE_MAX;
    if (!few_pairs) {
        arena_sparse(arena);
    }
    accounts_lay_out(&core->accounts, arena, capacity->accounts, capacity->assets, capacity->instruments);
    if (few_pairs) {
        arena_sparse(arena);
    }
    books_lay_out_sparse(&core->books, arena, capacity->instruments);
    protections_lay_out(&core->protections, arena);
    timers_lay_out(&core->timers, arena, capacity->orders, capacity->instruments);
    auction_orders_lay_out(&core->auction_orders, arena, capacity->orders, capacity->instruments);
    core->hidden = arena_take(arena, EVENTS_PER_PART_MAX / 3, sizeof(struct hidden));
    const uint64_t pairs = ((uint64_t)capacity->accounts + 1) * ((uint64_t)capacity->assets + 1);
    const uint64_t exposures = ((uint64_t)capacity->accounts + 1) * ((uint64_t)capacity->instruments + 1);
    core->audit.reserved_units = arena_take(arena, pairs, sizeof(int64_t));
    core->audit.open_lots = arena_take(arena, exposures * 2, sizeof(int64_t));
    core->audit.session_orders = arena_take(arena, (uint64_t)capacity->sessions + 1, sizeof(uint32_t));
    core->audit.account_orders = arena_take(arena, (uint64_t)capacity->accounts + 1, sizeof(uint32_t));
    core->audit.seen = arena_take(arena, (uint64_t)capacity->orders / 64 + 1, sizeof(uint64_t));
}

static bool within(uint32_t capacity, uint32_t least, uint32_t most) {
    return capacity >= least && capacity <= most;
}

static bool capacity_sound(const struct core_capacity *capacity) {
    const uint32_t most = UINT32_C(1) << 31;
    return within(capacity->orders, 1, most) && within(capacity->price_pages, 1, most) &&
           within(capacity->clordids, 1, most) && within(capacity->accounts, 1, most) &&
           within(capacity->assets, 1, most) && within(capacity->instruments, 1, UINT16_MAX) &&
           within(capacity->sessions, 1, UINT16_MAX) && within(capacity->trades, 0, most);
}

/* Zeroed and laid out it becomes the core before the first command. */
static void start(struct core *core, const struct core_capacity *capacity, uint64_t seed) {
    core->capacity = *capacity;
    core->venue_state = WIRE_TRADING_STATE_OPEN;
    table_start(&core->used, seed);
    books_start(&core->books);
}

struct core *core_new(const struct core_capacity *capacity) {
    struct arena arena = {0};
    struct core measured = {0};
    uint64_t seed = 0;
    if (!capacity_sound(capacity) || getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
        return NULL;
    }
    (void)arena_take(&arena, 1, sizeof(struct core));
    core_lay_out(&measured, &arena, capacity);
    if (!arena_map(&arena)) {
        return NULL;
    }
    struct core *core = arena_take(&arena, 1, sizeof(struct core));
    core_lay_out(core, &arena, capacity);
    core->arena = arena;
    start(core, capacity, seed);
    return core;
}

void core_reset(struct core *core) {
    struct arena arena = core->arena;
    const struct core_capacity capacity = core->capacity;
    const uint64_t seed = core->used.seed;
    arena_clear(&arena);
    arena.used = 0;
    (void)arena_take(&arena, 1, sizeof(struct core));
    core_lay_out(core, &arena, &capacity);
    core->arena = arena;
    start(core, &capacity, seed);
}

void core_free(struct core *core) {
    if (core != NULL) {
        struct arena arena = core->arena; /* the core itself lives in it */
        arena_unmap(&arena);
    }
}

static int compare_hash(struct core *core, const struct wire_state_hash *command) {
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
    case WIRE_SCHEDULE_SET:
        apply_schedule_set(core, &command->schedule_set);
        break;
    case WIRE_TICK_BAND_SET:
        apply_tick_band_set(core, &command->tick_band_set);
        break;
    case WIRE_FEE_SCHEDULE_SET:
        apply_fee_schedule_set(core, &command->fee_schedule_set);
        break;
    case WIRE_RISK_LIMITS_SET:
        apply_risk_limits_set(core, &command->risk_limits_set);
        break;
    case WIRE_MARKET_MAKER_PROTECTION_SET:
        apply_market_maker_protection_set(core, &command->market_maker_protection_set);
        break;
    case WIRE_MARKET_MAKER_PROTECTION_RESET:
        apply_market_maker_protection_reset(core, &command->market_maker_protection_reset);
        break;
    case WIRE_MASS_CANCEL:
        apply_mass_cancel(core, &command->mass_cancel);
        break;
    case WIRE_OPERATOR_CANCEL:
        apply_operator_cancel(core, &command->operator_cancel);
        break;
    case WIRE_KILL_SWITCH_SET:
        apply_kill_switch_set(core, &command->kill_switch_set);
        break;
    case WIRE_TRANSFER:
        apply_transfer(core, &command->transfer);
        break;
    case WIRE_TRADE_BUST:
        apply_trade_bust(core, &command->trade_bust);
        break;
    case WIRE_PHASE_SET:
        apply_phase_set(core, &command->phase_set);
        break;
    case WIRE_REFERENCE_PRICE_SET:
        apply_reference_price_set(core, &command->reference_price_set);
        break;
    case WIRE_CLOCK_TICK:
        apply_clock_tick(core);
        break;
    case WIRE_STATE_HASH:
        return compare_hash(core, &command->state_hash);
    default:
        VENUE_ASSERT(false, "every command has a handler");
    }
    return CORE_OK;
}

/* The next events mostly go right after these, into memory that nobody has touched for long. */
static inline void expect_output(const uint8_t *cursor) {
    for (size_t line = OUTPUT_AHEAD; line < OUTPUT_AHEAD + OUTPUT_LINES; line++) {
        __builtin_prefetch(cursor + line * 64, 1);
    }
}

int core_apply(struct core *core, uint64_t sequence, uint32_t epoch, uint64_t time_ns, const uint8_t *message,
               uint32_t size, uint8_t *out, size_t out_size, size_t *written, uint32_t *events) {
    struct event_writer *writer = &core->events;
    struct message view;
    union command copy;
    VENUE_ASSERT(message_read(message, size, &copy, &view), "only whole commands are applied");
    VENUE_ASSERT(sequence == core->command_sequence + 1, "command sequences are dense");
    VENUE_ASSERT(!core_pending(core) || view.template_id == WIRE_CONTINUE,
                 "pending work is finished before anything else");
    VENUE_ASSERT((uintptr_t)out % 8 == 0 && out_size >= core_output_max(core), "events are written aligned, and fit");
    core->command_sequence = sequence;
    core->time_ns = time_ns;
    core->traded = 0;
    writer->start = out;
    writer->cursor = out;
    writer->end = out + out_size;
    writer->last = NULL;
    writer->count = 0;
    writer->command_sequence = sequence;
    writer->epoch = epoch;
    writer->time_ns = time_ns;
    const int result = dispatch(core, view.template_id, view.command, view.echo);
    if (core->traded != 0 && core->pending.kind == PENDING_NONE) {
        stops_at_end_of_part(core);
    }
    if (writer->last != NULL) {
        writer->last->last_in_command = 1;
    }
    *written = (size_t)(writer->cursor - out);
    *events = writer->count;
    expect_output(writer->cursor);
    return result;
}

/* The longest of the events that a part may be full of. */
union many_events {
    struct wire_order_canceled canceled;
    struct wire_trade trade;
    struct wire_order_triggered triggered;
    struct wire_order_refilled refilled;
    struct wire_order_reduced reduced;
    struct wire_market_maker_protection_changed protection;
    struct wire_checkpoint_balance balance;
    struct wire_statistics_recorded statistics;
};

size_t core_output_max(const struct core *core) {
    /* What comes once per part: an event with varData, and closing events of which none is longer. */
    const size_t once = frame_entry_size(sizeof(struct wire_header) + sizeof(struct wire_order_replaced));
    const size_t many = frame_entry_size(sizeof(struct wire_header) + sizeof(union many_events));
    const size_t most = once * EVENTS_OF_CLOSING + WIRE_DATA_MAX + many * core->limits.max_events_per_part;
    return most < OUTPUT_MIN ? OUTPUT_MIN : most;
}

bool core_pending(const struct core *core) {
    return core->pending.kind != PENDING_NONE || core->protections.tripped_count != 0 || core->election != 0;
}

u128 limits_mix(const struct core *core) {
    const struct wire_limits_set *limits = &core->limits;
    const uint64_t words[5] = {RECORD_LIMITS, mix_pair(limits->max_orders, limits->max_price_pages),
                               mix_pair(limits->max_open_orders_per_session, limits->max_clordids),
                               mix_pair(limits->max_fills_per_command, limits->max_events_per_part),
                               mix_pair(limits->max_open_orders_per_account, limits->max_bustable_trades)};
    return core->limits_known ? mix128(words, 5) : 0;
}

u128 globals_mix(const struct core *core) {
    const struct pending *pending = &core->pending;
    const uint64_t words[17] = {RECORD_GLOBALS,
                                mix_pair(core->epoch, core->day),
                                core->events.sequence,
                                mix_pair(core->venue_state, core->killed),
                                core->last_deposit_seq,
                                core->last_checkpoint,
                                core->last_transfer_seq,
                                core->last_batch,
                                core->final_batch,
                                mix_pair(core->books.in_use, core->books.pages.in_use),
                                mix_pair(core->books.slots_used, core->used.count),
                                mix_pair((uint32_t)pending->kind, core->election),
                                pending->position,
                                pending->count,
                                pending->a,
                                pending->b,
                                pending->c};
    return mix128(words, 17);
}

void core_hash(struct core *core, uint64_t hash[2]) {
    accounts_rehash(&core->accounts);
    sessions_rehash(&core->sessions);
    instruments_rehash(&core->instruments);
    books_rehash(&core->books);
    trades_rehash(&core->trades);
    protections_rehash(&core->protections);
    const u128 sum = core->accounts.hash + core->sessions.hash + core->instruments.hash + core->books.hash +
                     core->trades.hash + core->protections.hash + tripped_mix(&core->protections) + core->used_hash +
                     limits_mix(core) + globals_mix(core);
    hash[0] = (uint64_t)sum;
    hash[1] = (uint64_t)(sum >> 64);
}

uint64_t core_next_timer(const struct core *core) {
    return timer_next_ns(core);
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
    const struct ladder *ladder = book_side(&core->books, instrument, side);
    for (uint32_t index = queue_first(&core->books, ladder); index != 0; count++) {
        const struct order *order = &core->books.orders[index];
        if (count < max) {
            views[count] = (struct core_order_view){
                .order_id = order_id(&core->books, index),
                .priority = order->priority,
                .price_ticks = order->price_ticks,
                .leaves_lots = order->leaves_lots,
                .displayed_lots = order_displayed(&core->books, index),
                .account = order->account,
                .session = order->session,
            };
        }
        index = queue_next(&core->books, ladder, order->price_ticks, index);
    }
    return count;
}

uint8_t core_venue_state(const struct core *core) {
    return core->venue_state;
}

uint32_t core_orders_in_use(const struct core *core) {
    return core->books.in_use;
}
