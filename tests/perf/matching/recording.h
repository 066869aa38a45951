/* A workload turned into the venue's own messages, learnt on a core of its own as it is recorded.

   OrderIDs are known only once an order is accepted, so every command is applied while it is recorded; whoever asks for
   the next command sees what became of the ones before. Cores are deterministic: what plays the recording must end in
   the very state that recording it ended in. */
#ifndef MATCHING_RECORDING_H
#define MATCHING_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "market.h"

enum { LOOKAHEAD = 16 }; /* messages that may be looked at before their turn */

/* One message and the endpoint that it comes in by. */
struct recorded {
    uint32_t place; /* x 8 bytes */
    uint16_t size;
    uint8_t role;
    uint8_t pending; /* the next message is the Continue that this one asks for */
};

/* What a workload chooses of a new order; 0 where it does not care. */
struct ticket {
    uint32_t user;
    uint32_t instrument;
    uint8_t side;
    uint8_t order_type;
    uint8_t time_in_force;
    uint32_t price_ticks;
    uint32_t stop_price_ticks;
    int64_t quantity_lots;
    int64_t display_lots;
};

/* An order of the workload, by its own number. */
struct placed {
    uint64_t order_id;
    int64_t leaves_lots; /* in the book; 0: it does not rest */
    int64_t cum_lots;
    uint32_t price_ticks;
    uint32_t live_place; /* in `live` + 1; 0: not there */
    uint32_t user;
    uint32_t instrument;
    uint8_t side;
};

struct recording {
    struct core *core; /* NULL once recording is over */
    struct room room;
    uint8_t *bytes;
    size_t size;
    size_t bytes_reserved;
    struct recorded *messages;
    uint16_t *fills; /* per message */
    uint32_t count;
    uint32_t capacity;
    uint32_t prefill_at; /* messages before: reference data */
    uint32_t timed_at;   /* messages before: not timed */
    uint32_t commands;   /* of the workload that are timed; one of them may take two messages */
    uint32_t two_messages;
    uint32_t rejected;
    uint32_t prefill_resting;
    uint32_t prefill_pages;
    uint64_t trades;
    uint64_t trade_hash;
    uint64_t hash[2]; /* the state's at the end */
    uint64_t events;  /* sequence of the last one */
    struct placed *orders;
    uint32_t orders_capacity;
    uint32_t orders_used;
    uint32_t *number_of_slot; /* order number by the low half of its OrderID */
    uint32_t *live;           /* numbers of the orders that rest, since live_only_new */
    uint32_t live_count;
    uint32_t live_from; /* orders before this number are left out of `live` */
    uint64_t client_seq[SESSIONS + 1];
    uint64_t clordids;
    uint32_t subject; /* number of the order the present command is about */
    uint8_t *out;
    size_t out_size;
};

/* Room for `messages` commands and `orders` order numbers; the market is set up. */
void recording_open(struct recording *recording, const struct room *room, uint32_t messages, uint32_t orders);

/* From here on commands are timed. */
void recording_start_timed(struct recording *recording);

/* Frees the core it learnt on and takes its last state for comparison. */
void recording_finish(struct recording *recording);

/* Order numbers are the caller's: dense, from 1, never used twice. */
void record_order(struct recording *recording, uint32_t number, const struct ticket *ticket);
void record_cancel(struct recording *recording, uint32_t number);
/* By OrigClOrdID or by an OrderID that need not exist: for clients who ask for what is not there. */
void record_cancel_by(struct recording *recording, uint32_t user, uint8_t side, uint64_t order_id,
                      const char *orig_clordid);
/* All open orders of the user's session. */
void record_mass_cancel(struct recording *recording, uint32_t user);
/* New price and open quantity, to the back of the level; as cancel and new order where the venue's rules would keep the
   place. */
void record_replace(struct recording *recording, uint32_t number, uint32_t price_ticks, int64_t leaves_lots);

/* Orders so far are left out of `live`. */
void recording_live_only_new(struct recording *recording);

static inline const uint8_t *recorded_bytes(const struct recording *recording, uint32_t index) {
    return recording->bytes + (size_t)recording->messages[index].place * 8;
}

#endif
