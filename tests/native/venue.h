/* A core to test with: reference data set up, commands built and sent as a loop would, every invariant audited after
   each.

   Assets: 1 BTC, 2 USD. Accounts: 1 fees (participant 8), 2 and 3 of participant 1, 4 of participant 2. Sessions: 1 of
   participant 1, 2 of participant 2, attached. Instrument 1: BTC/USD, 1 lot = 10 units, 1 tick x lot = 5 units, fees of
   1,000 and 2,000 ppm. */
#ifndef TEST_VENUE_H
#define TEST_VENUE_H

#include <stdint.h>

#include "api.h"
#include "event.h"
#include "state.h"
#include "wire.h"

enum { BTC = 1, USD = 2, FEES = 1, ALICE = 2, ALICE_TOO = 3, BOB = 4, TICK_UNITS = 5, LOT_UNITS = 10 };

struct venue {
    struct core *core;
    uint8_t *out;
    size_t out_size;
    size_t written;
    uint32_t events; /* of the last command */
    uint64_t sequence;
    uint64_t client_seq[3]; /* per session */
    uint64_t deposit_seq;
    uint64_t clordids; /* given out by fresh_clordid */
    uint64_t time_ns;  /* of the last command; the next one comes a microsecond later */
};

/* Orders' fields that tests choose; the rest is filled in. */
struct ticket {
    uint32_t session;
    uint32_t account;
    uint8_t side;
    uint8_t order_type;
    uint8_t time_in_force;
    int64_t price_ticks;
    int64_t quantity_lots;
    const char *clordid; /* NULL: a fresh one */
    int64_t stop_price_ticks;
    int64_t display_lots;
    int64_t min_lots;
    uint64_t expire_ns;
    uint32_t instrument; /* 0: the first */
    uint8_t trigger;
    uint8_t stp_mode;
    uint8_t post_only;
};

/* Capacity: 256 orders, 16 pages, 4,096 ClOrdIDs. Limits: as large, 128 open orders per session, 4 fills, 28 events per
 * part: S is 20. */
struct venue venue_open(void);
void venue_close(struct venue *venue);

/* Builds the message, has it checked by the template's own role, and applies it when that passes. Returns the check. */
struct core_check venue_send(struct venue *venue, uint16_t template_id, const void *block, uint16_t block_size);

/* The message with header and, for orders, an empty echo; returns its size. */
uint32_t build_message(uint8_t *message, uint16_t template_id, const void *block, uint16_t block_size);

/* Applies bytes that need no check. */
void venue_apply(struct venue *venue, const uint8_t *message, uint32_t size);

/* The next slice of what is pending; EXPECTs that something is. */
void venue_continue(struct venue *venue);

/* Sends an order; returns its OrderID, 0 when it was rejected. */
uint64_t venue_order(struct venue *venue, struct ticket ticket);
void venue_limit(struct venue *venue, uint32_t account, uint8_t side, int64_t price_ticks, int64_t quantity_lots);
void venue_cancel(struct venue *venue, uint32_t session, uint8_t side, uint64_t order_id);
void venue_replace(struct venue *venue, uint32_t session, uint8_t side, uint64_t order_id, int64_t price_ticks,
                   int64_t quantity_lots);
void venue_credit(struct venue *venue, uint32_t account, uint32_t asset, int64_t amount_units);
void venue_limits(struct venue *venue, struct wire_limits_set limits);
struct wire_limits_set venue_default_limits(void);
struct wire_instrument_set venue_default_instrument(void);

/* The i-th event of the last command: its template, and its block after checking that it is of that template. */
uint16_t event_template(const struct venue *venue, uint32_t number);
const void *event_block(const struct venue *venue, uint32_t number, uint16_t template_id);

/* Reason of the last command's single event, an OrderRejected, CancelRejected or CommandRefused. */
uint16_t refusal(const struct venue *venue);

int64_t available(const struct venue *venue, uint32_t account, uint32_t asset);
int64_t reserved(const struct venue *venue, uint32_t account, uint32_t asset);
int same_hash(const uint64_t a[2], const uint64_t b[2]);

#endif
