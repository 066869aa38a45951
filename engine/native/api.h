/* The core's interface: apply(command) -> events. Read by C and, through engine/native/build.py, by cffi.

   The core owns books, balances, risk and sessions; it does no I/O, reads no clock, allocates nothing after core_new
   and is driven by one thread. docs/ENGINE.md is its specification. Messages are SBE messages of engine/wire/core.xml
   (header first), sizes in bytes. */
#ifndef VENUE_API_H
#define VENUE_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* cffi-begin */
struct core;

/* Pool sizes; limits set by LimitsSet must fit them. Memory is taken once, in core_new. */
struct core_capacity {
    uint32_t orders;
    uint32_t price_pages;
    uint32_t clordids;
    uint32_t accounts;
    uint32_t assets;
    uint32_t instruments;
    uint32_t sessions;
    uint32_t trades; /* that can be remembered for a bust; may be 0 */
};

enum core_verdict { CORE_APPLY = 0, CORE_DUPLICATE = 1, CORE_GAP = 2, CORE_REFUSED = 3 };

struct core_check {
    uint8_t verdict;      /* enum core_verdict */
    uint16_t reason;      /* wire Reason when refused */
    uint16_t template_id; /* 0 when the message has no readable header */
    uint32_t session;     /* 0 when neither a client command nor SessionAttach */
    uint32_t session_epoch;
    uint64_t client_seq;
    uint64_t last_client_seq;
};

enum core_result { CORE_OK = 0, CORE_DIVERGED = 1 };

/* NULL when a capacity is 0 or above 2^31 (instruments, sessions: 65,535), or memory can't be had. Pages are given by
 * the kernel as they are first touched. */
struct core *core_new(const struct core_capacity *capacity);
void core_free(struct core *core);

/* What the loop must do with a message that came in by `role`; changes nothing. */
struct core_check core_check(const struct core *core, uint8_t role, const uint8_t *message, uint32_t size);

/* False for reference data that only an engine with larger pools can have journaled: replayed here it would be refused,
 * and history with it. */
bool core_pools_hold(const struct core *core, const uint8_t *message, uint32_t size);

/* Applies a checked message and writes its events at `out` as entries (u32 size, u32 crc32c = 0, SBE message, zero
   padding to 8). The message is read where it is if it is 8-byte aligned. `out` is 8-byte aligned; `out_size` must be
   at least core_output_max(), which LimitsSet changes. *written and *events are set. CORE_DIVERGED only for StateHash.
 */
int core_apply(struct core *core, uint64_t sequence, uint32_t epoch, uint64_t time_ns, const uint8_t *message,
               uint32_t size, uint8_t *out, size_t out_size, size_t *written, uint32_t *events);

/* Bytes that one core_apply can write at most under the present limits; never below 64 KiB, never above 16 MiB. */
size_t core_output_max(const struct core *core);

/* True while Continue must be the next command. */
bool core_pending(const struct core *core);

/* State hash: hash[0] low, hash[1] high. Looks at what has changed since it was last asked for, and remembers that it
 * did: not const. */
void core_hash(struct core *core, uint64_t hash[2]);

/* When a ClockTick is due next, 0 when nothing ever is. */
uint64_t core_next_timer(const struct core *core);

/* Asks the processor for the memory that a command will touch; changes nothing and may be given any bytes. Stage 0 some
   nine commands ahead, stage 1 six, stage 2 three: each builds on what the one before has brought, and nothing that was
   brought should have left the nearest cache again. */
void core_prefetch(const struct core *core, const uint8_t *message, uint32_t size, unsigned stage);

/* Sequence of the last event, 0 before the first. */
uint64_t core_event_sequence(const struct core *core);

/* Full scan that checks every invariant; returns 0 or the source line of the first one that fails (for tests and
 * checkpoints). */
int core_audit(struct core *core);

/* available_units, reserved_units of a pair; zeros when there is none. */
void core_balance(const struct core *core, uint32_t account, uint32_t asset, int64_t balance[2]);

struct core_order_view {
    uint64_t order_id;
    uint64_t priority;
    int64_t price_ticks;
    int64_t leaves_lots;
    int64_t displayed_lots; /* what the market sees of the leaves: less for an iceberg */
    uint32_t account;
    uint32_t session;
};

/* Copies up to `max` resting orders of one side in priority order; returns how many there are. */
uint32_t core_book(const struct core *core, uint32_t instrument, uint8_t side, struct core_order_view *views,
                   uint32_t max);

/* For counters. */
uint8_t core_venue_state(const struct core *core);
uint32_t core_orders_in_use(const struct core *core);
/* cffi-end */

#endif
