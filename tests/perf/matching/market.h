/* A core with the venue that the benchmark trades on: its capacity and limits, and the messages of its reference data.

   Real fees on every trade, accounts that can pay whatever the files ask, sessions that share the accounts out. With
   `limited`, every account has every risk limit on every instrument, and every instrument its price band: all of them
   looked at with each order, none ever reached. */
#ifndef MATCHING_MARKET_H
#define MATCHING_MARKET_H

#include <stdbool.h>
#include <stdint.h>

#include "api.h"
#include "wire.h"

enum {
    USERS = 1000,
    SESSIONS = 64,
    FILLS_MAX = 4096,                /* of one command */
    EVENTS_MAX = 3 * FILLS_MAX + 16, /* of one part, the least that the rules allow */
    TICK_MAX_OF_MARKET = (1 << 24) - 1,
    BUSTABLE_TRADES = 1 << 16,
    FEE_ACCOUNT = 1,
    QUOTE = 1
};

/* Account and session of a user 1..USERS of a workload file. */
static inline uint32_t account_of(uint32_t user) {
    return FEE_ACCOUNT + user;
}

static inline uint32_t session_of(uint32_t user) {
    return 1 + (user - 1) % SESSIONS;
}

/* What a workload needs room for. */
struct room {
    uint32_t orders;
    uint32_t price_pages;
    uint32_t clordids;
    uint32_t instruments;
    bool limited;
};

/* A core with this much room; LimitsSet has been applied to it as command 1. Ends the process when memory is short. */
struct core *market_open(const struct room *room);

/* Has the kernel give all of the core's memory now, as it has to a venue that has been up for a while: what is timed
   then meets no page for the first time. */
void market_warm(struct core *core);

/* Calls `take` with every message that sets the market up, in order; they are commands 2 and on. */
typedef void market_take(void *context, uint8_t role, uint16_t template_id, const void *block, uint16_t block_size);
void market_set_up(const struct room *room, market_take *take, void *context);

/* An SBE message of this block, with an empty echo where the template has one; returns its size. */
uint32_t market_message(uint8_t *message, uint16_t template_id, const void *block, uint16_t block_size);

/* Ends the process with a message: a benchmark that did not do its work has no numbers. */
__attribute__((noreturn)) void market_fail(const char *what);

#endif
