/* Everything the core knows, and the commands that change it.

   One thread owns it; only core_apply changes it, and only by the rules of docs/ENGINE.md. */
#ifndef VENUE_STATE_H
#define VENUE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "api.h"
#include "arena.h"
#include "book.h"
#include "event.h"
#include "instrument.h"
#include "message.h"
#include "session.h"
#include "table.h"
#include "trades.h"

enum {
    RULES_VERSION = 2,
    NOTIONAL_BITS = 61,
    BASE_BITS = 62,
    FEE_PPM_MAX = 999999,
    EXPONENT_MAX = 18,
    EVENTS_PER_PART_MAX = 65536,
    EVENTS_PER_PART_UNSET = 9, /* E before the first LimitsSet */
    EVENTS_OF_CLOSING = 8,     /* S = E - 8 */
    VISITS = 4096,
    PROTECTIONS = 1024,
    PROTECTION_FILLS = 64,
    INDICATIVE_NS = 250000000
};

enum pending_kind {
    PENDING_NONE = 0,
    PENDING_END_OF_DAY = 1,
    PENDING_CHECKPOINT = 2,
    PENDING_CANCEL = 3,
    PENDING_UNCROSS = 4,
    PENDING_PURGE = 5,
    PENDING_ACTIVATE = 6,
    PENDING_STOPS = 7,
    PENDING_STATISTICS = 8
};

/* The job at work; all 0 when there is none. The first six are hashed. */
struct pending {
    uint64_t kind;
    uint64_t position;
    uint64_t count;
    uint64_t a;
    uint64_t b;
    uint64_t c;
    /* Cancel: the rest of its filter, and who asked. */
    uint64_t client_seq;
    uint32_t session_epoch;
    uint16_t reason;
    uint8_t side;
    uint8_t reserved;
    char clordid[CLORDID_SIZE];
    uint32_t reserved_end;
};

/* Market-maker protection of an (account, instrument); index 0 is none. */
struct protection {
    uint32_t account; /* 0: this place is free */
    uint32_t instrument;
    uint32_t max_fills;
    uint32_t window_ms;
    uint32_t tripped;
    uint32_t times;  /* remembered */
    uint32_t oldest; /* place of the oldest in time_ns, a ring of max_fills */
    uint32_t reserved;
    uint64_t time_ns[PROTECTION_FILLS];
    uint64_t mix_low; /* its part in the hash as of the last state hash */
    uint64_t mix_high;
};

struct tripped_pair {
    uint32_t account;
    uint32_t instrument;
};

/* Protections and the queue of those that tripped in this command and wait for their Cancel job. */
struct protections {
    struct protection *protections; /* 1..PROTECTIONS */
    struct tripped_pair *tripped;   /* 0..tripped_count - 1, first come first; at most PROTECTIONS */
    struct dirty dirty;             /* by index of protection */
    uint32_t tripped_count;
    u128 hash; /* of the protections, as of the last state hash */
};

/* Which instrument's time comes first: a tree of maxima over the instruments, root at 1. A time is kept negated
   (mod 2^64), so that 0 is none and the greatest is the earliest. */
struct alarms {
    uint64_t *nodes;
};

/* Heap of GoodTillDate orders, and the instruments' times (timer.h). */
struct timers {
    uint32_t *heap; /* order indices from place 1, least (expire_ns, order_id) first */
    uint32_t count;
    uint32_t leaves; /* of each tree: a power of two */
    struct alarms ends;
    struct alarms schedules;
    struct alarms indicatives;
};

/* Open AtTheOpening and AtTheClose orders (phase.h). */
struct auction_orders {
    uint64_t *open;   /* bit per order index */
    uint64_t words;   /* of `open` */
    uint32_t *counts; /* per instrument, parked orders too */
    uint32_t *parked; /* per instrument, those in its parked list */
};

/* What an iceberg has hidden yet, while a taker's quantity is counted. */
struct hidden {
    uint32_t index;
    int64_t lots;
};

struct core {
    /* what every command touches, first */
    struct event_writer events;
    uint64_t command_sequence;
    uint64_t time_ns; /* of the command at work */
    uint32_t traded;  /* instrument that traded in this part, 0: none */
    uint32_t election;
    struct pending pending;
    struct wire_limits_set limits;
    bool limits_known;
    uint8_t venue_state;
    uint8_t killed; /* the venue's kill switch */
    uint32_t epoch;
    uint32_t day;
    struct accounts accounts;
    struct sessions sessions;
    struct instruments instruments;
    struct books books;
    struct table used; /* ClOrdIDs of this trading day */
    u128 used_hash;
    struct trades trades;
    struct protections protections;
    struct timers timers;
    struct auction_orders auction_orders;
    struct hidden *hidden; /* as many as a command may have fills */
    int64_t uncross_lots;  /* volume of the uncross at work: what its closing event says */
    uint64_t last_deposit_seq;
    uint64_t last_checkpoint;
    uint64_t last_transfer_seq;
    uint64_t last_batch;
    uint64_t final_batch;
    struct arena arena;
    struct core_capacity capacity;
    struct audit_scratch {
        int64_t *reserved_units; /* like accounts.balances */
        int64_t *open_lots;      /* two per exposure: buy, sell */
        uint32_t *session_orders;
        uint32_t *account_orders;
        uint64_t *seen; /* bit per order index */
    } audit;
};

/* E and S of docs/ENGINE.md section 2. */
static inline uint32_t part_events(const struct core *core) {
    return core->limits_known ? core->limits.max_events_per_part : EVENTS_PER_PART_UNSET;
}

static inline uint32_t slice_events(const struct core *core) {
    return part_events(core) - EVENTS_OF_CLOSING;
}

/* A job becomes the one at work; the last one is over. */
static inline void job_is(struct core *core, enum pending_kind kind, uint64_t position, uint64_t count) {
    core->pending = (struct pending){.kind = kind, .position = position, .count = count};
}

static inline void job_over(struct core *core) {
    core->pending = (struct pending){0};
}

static inline struct instrument *instrument_of(const struct core *core, uint32_t order_index) {
    return &core->instruments.instruments[core->books.orders[order_index].instrument];
}

/* Venue and instrument are Open and a Fee account is defined: what Continuous and an uncross need. */
static inline bool states_open(const struct core *core, const struct instrument *instrument) {
    return core->accounts.fee_account != 0 && core->venue_state == WIRE_TRADING_STATE_OPEN &&
           instrument->state == WIRE_TRADING_STATE_OPEN;
}

/* Handlers, each for a command that core_check let pass. By file: reference.c, part.c, cancel.c, risk.c, bust.c,
   order.c, phase.c, timer.c. */
void apply_epoch_start(struct core *core, const struct wire_epoch_start *command);
void apply_limits_set(struct core *core, const struct wire_limits_set *command);
void apply_asset_set(struct core *core, const struct wire_asset_set *command);
void apply_instrument_set(struct core *core, const struct wire_instrument_set *command);
void apply_account_set(struct core *core, const struct wire_account_set *command);
void apply_session_set(struct core *core, const struct wire_session_set *command);
void apply_schedule_set(struct core *core, const struct wire_schedule_set *command);
void apply_tick_band_set(struct core *core, const struct wire_tick_band_set *command);
void apply_fee_schedule_set(struct core *core, const struct wire_fee_schedule_set *command);
void apply_risk_limits_set(struct core *core, const struct wire_risk_limits_set *command);
void apply_market_maker_protection_set(struct core *core, const struct wire_market_maker_protection_set *command);
void apply_credit(struct core *core, const struct wire_credit *command);
void apply_trading_state_set(struct core *core, const struct wire_trading_state_set *command);
void apply_settlement_status(struct core *core, const struct wire_settlement_status *command);
void apply_session_attach(struct core *core, const struct wire_session_attach *command);

void apply_end_of_day(struct core *core, const struct wire_end_of_day *command);
void apply_checkpoint(struct core *core, const struct wire_checkpoint *command);
void apply_continue(struct core *core);
/* Further slices: part.c. */
void end_of_day_go_on(struct core *core);
void checkpoint_go_on(struct core *core);
void statistics_go_on(struct core *core);

void apply_mass_cancel(struct core *core, const struct wire_mass_cancel *command);
void apply_operator_cancel(struct core *core, const struct wire_operator_cancel *command);
void apply_kill_switch_set(struct core *core, const struct wire_kill_switch_set *command);
/* cancel.c: the first of `tripped` becomes a Cancel job and runs its first slice; a further slice. */
void cancel_start_tripped(struct core *core);
void cancel_go_on(struct core *core);

void apply_market_maker_protection_reset(struct core *core, const struct wire_market_maker_protection_reset *command);
void apply_transfer(struct core *core, const struct wire_transfer *command);
void apply_trade_bust(struct core *core, const struct wire_trade_bust *command);
/* risk.c: a fill of a maker whose exposure has a protection: remembers its time and trips it when it is due, with its
   event. `number` is exposure.protection. */
void protection_on_fill(struct core *core, uint32_t number);
static inline bool protection_tripped(const struct core *core, const struct exposure *exposure) {
    return exposure->protection != 0 && core->protections.protections[exposure->protection].tripped != 0;
}
void protections_lay_out(struct protections *protections, struct arena *arena);
void protections_rehash(struct protections *protections);
u128 protection_mix(const struct protection *protection);
u128 tripped_mix(const struct protections *protections);

void apply_new_order(struct core *core, const struct wire_new_order *command, struct echo echo);
void apply_cancel_order(struct core *core, const struct wire_cancel_order *command);
void apply_replace_order(struct core *core, const struct wire_replace_order *command, struct echo echo);
/* order.c: what every client command does first. */
void count_command(struct core *core, uint32_t session, uint64_t client_seq);
bool clordid_valid(const char text[CLORDID_SIZE]);
uint64_t clordid_key(uint32_t session, const char text[CLORDID_SIZE]);
/* Adds a ClOrdID that must not be there yet: of an order that outlives the end of the day. */
void clordid_keep(struct core *core, uint32_t order_index);

void apply_phase_set(struct core *core, const struct wire_phase_set *command);
void apply_reference_price_set(struct core *core, const struct wire_reference_price_set *command);
void apply_clock_tick(struct core *core);

/* CommandRefused. */
void refuse_command(struct core *core, uint16_t template_id, uint8_t role, uint64_t reference, uint16_t reason);

/* Content as it is kept: reserved bytes do not count. */
struct wire_instrument_set instrument_content(const struct wire_instrument_set *command);

/* Points everything at its place in the arena behind struct core itself; touches none of that memory. The one place
   where a pointer of struct core is set: images rely on it (image.h). */
void core_lay_out(struct core *core, struct arena *arena, const struct core_capacity *capacity);

/* As it was when it was made; the seed of the ClOrdIDs stays. */
void core_reset(struct core *core);

/* Hash of limits and globals, which are not kept in step but hashed when asked for. */
u128 limits_mix(const struct core *core);
u128 globals_mix(const struct core *core);

#endif
