/* Accounts, assets, the balances of every (account, asset) pair, and what an account has at stake on an instrument.

   available and reserved are never negative, and their sum over all accounts is the asset's total, which only a credit
   changes. */
#ifndef VENUE_ACCOUNT_H
#define VENUE_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "dirty.h"
#include "mix.h"
#include "venue_assert.h"

struct arena;

/* One cache line. */
struct account {
    uint32_t participant; /* 0: not defined */
    uint32_t stp_key;
    uint8_t kind;
    uint8_t enabled;
    uint8_t stp_mode;
    uint8_t fee_tier;
    uint8_t killed;
    uint8_t dirty; /* marked in dirty_accounts */
    uint8_t reserved[2];
    uint32_t open_orders;
    uint32_t newest_order; /* index of the open order accepted last; the others follow by order_details.account_older */
    char name[16];
    uint64_t mix_low; /* this record's part in the hash as of the last state hash */
    uint64_t mix_high;
    uint64_t reserved_end;
};
_Static_assert(sizeof(struct account) == 64, "an account is a cache line");

struct asset {
    int64_t total_units;
    bool defined;
    uint8_t decimals;
    char symbol[8];
};

struct balance {
    int64_t available_units;
    int64_t reserved_units;
};

/* What an account has at stake on an instrument, and its limits there: one cache line. */
struct exposure {
    int64_t position_lots; /* bought - sold */
    int64_t open_buy_lots; /* leaves of open orders */
    int64_t open_sell_lots;
    int64_t max_order_lots; /* limits: 0 is none */
    int64_t max_order_notional_units;
    int64_t max_position_lots;
    uint32_t max_distance_ppm;
    uint32_t protection; /* index of struct protection; 0: none */
    uint8_t limited;     /* any of the limits is set */
    uint8_t dirty;       /* marked in dirty_exposures */
    uint8_t reserved[6];
};
_Static_assert(sizeof(struct exposure) == 64, "an exposure is one cache line");

/* Ids are 1..capacity. Balances and exposures are dense matrices: rows by account. */
struct accounts {
    struct account *accounts;
    struct asset *assets;
    struct balance *balances;
    struct exposure *exposures;
    u128 *balance_mixes;  /* like balances: parts in the hash as of the last state hash */
    u128 *exposure_mixes; /* like exposures */
    uint8_t *killed;      /* per participant id */
    struct dirty dirty_accounts;
    struct dirty dirty_balances;
    struct dirty dirty_exposures;
    uint32_t account_capacity;
    uint32_t asset_capacity;
    uint32_t instrument_capacity;
    uint32_t highest;     /* account id defined so far */
    uint32_t fee_account; /* 0 until it is defined */
    u128 hash;            /* of assets, risk limits and killed participants always; of the rest as of the last hash */
};

void accounts_lay_out(struct accounts *accounts, struct arena *arena, uint32_t account_capacity,
                      uint32_t asset_capacity, uint32_t instrument_capacity);

/* NULL when the id is out of range or not defined. */
static inline struct account *account_find(const struct accounts *accounts, uint32_t id) {
    if (id == 0 || id > accounts->account_capacity || accounts->accounts[id].participant == 0) {
        return NULL;
    }
    return &accounts->accounts[id];
}

static inline const struct asset *asset_find(const struct accounts *accounts, uint32_t id) {
    if (id == 0 || id > accounts->asset_capacity || !accounts->assets[id].defined) {
        return NULL;
    }
    return &accounts->assets[id];
}

/* The account's record is hashed again: call after any change of its fields. */
static inline void account_changed(const struct accounts *accounts, uint32_t id) {
    struct account *account = &accounts->accounts[id];
    if (account->dirty == 0) {
        account->dirty = 1;
        dirty_mark(&accounts->dirty_accounts, id);
    }
}

/* Puts new content under a valid id; the hash follows at once. */
void asset_define(struct accounts *accounts, uint32_t id, const struct asset *content);

/* The pair's balance; ids must be in range. */
static inline uint64_t balance_number(const struct accounts *accounts, uint32_t account, uint32_t asset) {
    return (uint64_t)account * (accounts->asset_capacity + 1U) + asset;
}

static inline struct balance *balance_of(const struct accounts *accounts, uint32_t account, uint32_t asset) {
    return &accounts->balances[balance_number(accounts, account, asset)];
}

/* Moves money in or out of a pair; aborts when a part would become negative. */
static inline void balance_move(const struct accounts *accounts, uint32_t account, uint32_t asset,
                                int64_t available_delta, int64_t reserved_delta) {
    const uint64_t number = balance_number(accounts, account, asset);
    struct balance *balance = &accounts->balances[number];
    int64_t available_units = 0;
    int64_t reserved_units = 0;
    VENUE_ASSERT(!__builtin_add_overflow(balance->available_units, available_delta, &available_units) &&
                     available_units >= 0,
                 "available is never negative");
    VENUE_ASSERT(!__builtin_add_overflow(balance->reserved_units, reserved_delta, &reserved_units) &&
                     reserved_units >= 0,
                 "reserved is never negative");
    balance->available_units = available_units;
    balance->reserved_units = reserved_units;
    dirty_mark(&accounts->dirty_balances, number);
}

/* New money from the chain; false when the total would not fit 63 bits, and nothing has changed then. */
bool asset_credit(struct accounts *accounts, uint32_t account, uint32_t asset, int64_t amount_units);

/* The pair's exposure; ids must be in range. */
static inline uint64_t exposure_number(const struct accounts *accounts, uint32_t account, uint32_t instrument) {
    return (uint64_t)account * (accounts->instrument_capacity + 1U) + instrument;
}

static inline struct exposure *exposure_of(const struct accounts *accounts, uint32_t account, uint32_t instrument) {
    return &accounts->exposures[exposure_number(accounts, account, instrument)];
}

/* The pair's position and open lots are hashed again (limits are not part of it): call after any change of them. */
static inline void exposure_changed(const struct accounts *accounts, uint32_t account, uint32_t instrument) {
    struct exposure *exposure = exposure_of(accounts, account, instrument);
    if (exposure->dirty == 0) {
        exposure->dirty = 1;
        dirty_mark(&accounts->dirty_exposures, exposure_number(accounts, account, instrument));
    }
}

/* Sets the limits of an exposure (limits' reserved bytes do not count); the hash follows at once. */
struct wire_risk_limits_set;
void risk_limits_define(struct accounts *accounts, const struct wire_risk_limits_set *limits);

/* Engages or releases a participant's switch; the hash follows at once. */
void participant_kill(struct accounts *accounts, uint32_t participant, uint8_t killed);

/* Brings `hash` in step with everything marked dirty. */
void accounts_rehash(struct accounts *accounts);

/* Record mixes, for the audit too; 0 for what has no record. */
u128 account_mix(const struct accounts *accounts, uint32_t id);
u128 asset_mix(const struct accounts *accounts, uint32_t id);
u128 balance_mix(const struct accounts *accounts, uint32_t account, uint32_t asset);
u128 exposure_mix(const struct accounts *accounts, uint32_t account, uint32_t instrument);
u128 risk_limits_mix(const struct accounts *accounts, uint32_t account, uint32_t instrument);
u128 participant_mix(const struct accounts *accounts, uint32_t participant);

#endif
