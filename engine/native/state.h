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

enum {
    RULES_VERSION = 1,
    NOTIONAL_BITS = 61,
    BASE_BITS = 62,
    FEE_PPM_MAX = 999999,
    EXPONENT_MAX = 18,
    EVENTS_PER_PART_MAX = 65536
};

enum pending_kind { PENDING_NONE = 0, PENDING_END_OF_DAY = 1, PENDING_CHECKPOINT = 2 };

/* Work that goes on with the next Continue. */
struct pending {
    uint64_t kind;
    uint64_t position;
    uint64_t count;
};

struct core {
    struct arena arena;
    struct core_capacity capacity;
    struct accounts accounts;
    struct sessions sessions;
    struct instruments instruments;
    struct books books;
    struct table used; /* keys of the ClOrdIDs of this trading day */
    u128 used_hash;
    struct wire_limits_set limits;
    bool limits_known;
    uint8_t venue_state;
    uint32_t epoch;
    uint32_t day;
    uint64_t command_sequence;
    uint64_t last_deposit_seq;
    uint64_t last_checkpoint;
    uint64_t last_batch;
    uint64_t final_batch;
    struct pending pending;
    struct event_writer events;
    struct audit_scratch {
        int64_t *reserved_units; /* like accounts.balances */
        uint32_t *open_orders;   /* per session */
        uint64_t *seen;          /* bit per order index */
    } audit;
};

/* Handlers, each for a command that core_check let pass. */
void apply_epoch_start(struct core *core, const struct wire_epoch_start *command);
void apply_limits_set(struct core *core, const struct wire_limits_set *command);
void apply_asset_set(struct core *core, const struct wire_asset_set *command);
void apply_instrument_set(struct core *core, const struct wire_instrument_set *command);
void apply_account_set(struct core *core, const struct wire_account_set *command);
void apply_session_set(struct core *core, const struct wire_session_set *command);
void apply_credit(struct core *core, const struct wire_credit *command);
void apply_trading_state_set(struct core *core, const struct wire_trading_state_set *command);
void apply_settlement_status(struct core *core, const struct wire_settlement_status *command);
void apply_session_attach(struct core *core, const struct wire_session_attach *command);
void apply_end_of_day(struct core *core, const struct wire_end_of_day *command);
void apply_checkpoint(struct core *core, const struct wire_checkpoint *command);
void apply_continue(struct core *core);
void apply_new_order(struct core *core, const struct wire_new_order *command, struct echo echo);
void apply_cancel_order(struct core *core, const struct wire_cancel_order *command);
void apply_replace_order(struct core *core, const struct wire_replace_order *command, struct echo echo);

/* CommandRefused. */
void refuse_command(struct core *core, uint16_t template_id, uint8_t role, uint64_t reference, uint16_t reason);

/* Content as it is kept: reserved bytes do not count. */
struct wire_instrument_set instrument_content(const struct wire_instrument_set *command);

/* Closes an order: event, money back, out of the book, slot free. The first for an order that rests, the second for a
 * taker. */
struct cancel_cause {
    uint64_t client_seq; /* 0 when nobody asked */
    const char *clordid; /* of the request; NULL when nobody asked */
    uint16_t reason;
};
void cancel_resting(struct core *core, uint32_t index, struct cancel_cause cause);
void cancel_taker(struct core *core, uint32_t index, uint16_t reason);

/* Gives reserved money back or takes more, so that the order holds exactly `reserved_units`. */
void order_reserve(struct core *core, uint32_t index, int64_t reserved_units);

/* What the order would have to hold at this price and with these leaves. */
int64_t order_reservation(const struct core *core, uint32_t index, int64_t price_ticks, int64_t leaves_lots);

/* Takes the order out of the book; its session has one open order less. */
void take_out(struct core *core, uint32_t index);

/* Trades the taker against the opposite side, then lets it rest or cancels what is left. Returns the lots that rest. */
int64_t match(struct core *core, uint32_t taker);

/* Hash of limits and globals, which are not kept in step but hashed when asked for. */
u128 limits_mix(const struct core *core);
u128 globals_mix(const struct core *core);
u128 clordid_mix(u128 key);

#endif
