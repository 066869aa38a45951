/* Accounts, assets and the balances of every (account, asset) pair.

   available and reserved are never negative, and their sum over all accounts is the asset's total, which only a credit
   changes. */
#ifndef VENUE_ACCOUNT_H
#define VENUE_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "mix.h"

struct arena;

struct account {
    uint32_t participant; /* 0: not defined */
    uint8_t kind;
    uint8_t enabled;
    char name[16];
};

struct asset {
    int64_t total_units;
    bool defined;
    uint8_t decimals;
    char symbol[8];
};

struct balance {
    int64_t available_units;
    int64_t reserved_units;
    uint64_t mix_low; /* this record's part in the hash, so that a change hashes once */
    uint64_t mix_high;
};

/* Ids are 1..capacity. */
struct accounts {
    struct account *accounts;
    struct asset *assets;
    struct balance *balances;
    uint32_t account_capacity;
    uint32_t asset_capacity;
    uint32_t fee_account; /* 0 until it is defined */
    u128 hash;            /* of all account, asset and balance records */
};

void accounts_lay_out(struct accounts *accounts, struct arena *arena, uint32_t account_capacity,
                      uint32_t asset_capacity);

/* NULL when the id is out of range or not defined. */
const struct account *account_find(const struct accounts *accounts, uint32_t id);
const struct asset *asset_find(const struct accounts *accounts, uint32_t id);

/* Put new content under a valid id; the hash follows. */
void account_define(struct accounts *accounts, uint32_t id, const struct account *content);
void asset_define(struct accounts *accounts, uint32_t id, const struct asset *content);

/* The pair's balance; ids must be in range. */
static inline struct balance *balance_of(const struct accounts *accounts, uint32_t account, uint32_t asset) {
    return &accounts->balances[(uint64_t)account * (accounts->asset_capacity + 1U) + asset];
}

/* Moves money in or out of a pair; aborts when a part would become negative. */
void balance_move(struct accounts *accounts, uint32_t account, uint32_t asset, int64_t available_delta,
                  int64_t reserved_delta);

/* New money from the chain; false when the total would not fit 63 bits, and nothing has changed then. */
bool asset_credit(struct accounts *accounts, uint32_t account, uint32_t asset, int64_t amount_units);

/* Record mixes, for the audit too; 0 for what has no record. */
u128 account_mix(const struct accounts *accounts, uint32_t id);
u128 asset_mix(const struct accounts *accounts, uint32_t id);
u128 balance_mix(const struct accounts *accounts, uint32_t account, uint32_t asset);

#endif
