/* Who owns what: every change of a balance goes through balance_move or asset_credit, which keep the hash in step. */
#include "account.h"

#include "arena.h"
#include "venue_assert.h"

void accounts_lay_out(struct accounts *accounts, struct arena *arena, uint32_t account_capacity,
                      uint32_t asset_capacity) {
    const uint64_t rows = (uint64_t)account_capacity + 1;
    const uint64_t columns = (uint64_t)asset_capacity + 1;
    accounts->accounts = arena_take(arena, rows, sizeof(struct account));
    accounts->assets = arena_take(arena, columns, sizeof(struct asset));
    accounts->balances = arena_take(arena, rows * columns, sizeof(struct balance));
    accounts->account_capacity = account_capacity;
    accounts->asset_capacity = asset_capacity;
}

const struct account *account_find(const struct accounts *accounts, uint32_t id) {
    if (id == 0 || id > accounts->account_capacity || accounts->accounts[id].participant == 0) {
        return NULL;
    }
    return &accounts->accounts[id];
}

const struct asset *asset_find(const struct accounts *accounts, uint32_t id) {
    if (id == 0 || id > accounts->asset_capacity || !accounts->assets[id].defined) {
        return NULL;
    }
    return &accounts->assets[id];
}

u128 account_mix(const struct accounts *accounts, uint32_t id) {
    const struct account *account = &accounts->accounts[id];
    if (account->participant == 0) {
        return 0;
    }
    uint64_t words[7] = {RECORD_ACCOUNT, id, account->participant, account->kind, account->enabled};
    mix_text(&words[5], account->name, 2);
    return mix128(words, 7);
}

u128 asset_mix(const struct accounts *accounts, uint32_t id) {
    const struct asset *asset = &accounts->assets[id];
    if (!asset->defined) {
        return 0;
    }
    uint64_t words[5] = {RECORD_ASSET, id, asset->decimals, (uint64_t)asset->total_units};
    mix_text(&words[4], asset->symbol, 1);
    return mix128(words, 5);
}

u128 balance_mix(const struct accounts *accounts, uint32_t account, uint32_t asset) {
    const struct balance *balance = balance_of(accounts, account, asset);
    if (balance->available_units == 0 && balance->reserved_units == 0) {
        return 0;
    }
    const uint64_t words[5] = {RECORD_BALANCE, account, asset, (uint64_t)balance->available_units,
                               (uint64_t)balance->reserved_units};
    return mix128(words, 5);
}

void account_define(struct accounts *accounts, uint32_t id, const struct account *content) {
    accounts->hash -= account_mix(accounts, id);
    accounts->accounts[id] = *content;
    accounts->hash += account_mix(accounts, id);
}

void asset_define(struct accounts *accounts, uint32_t id, const struct asset *content) {
    accounts->hash -= asset_mix(accounts, id);
    accounts->assets[id] = *content;
    accounts->hash += asset_mix(accounts, id);
}

void balance_move(struct accounts *accounts, uint32_t account, uint32_t asset, int64_t available_delta,
                  int64_t reserved_delta) {
    struct balance *balance = balance_of(accounts, account, asset);
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
    const u128 mix = balance_mix(accounts, account, asset);
    accounts->hash += mix - ((u128)balance->mix_high << 64 | balance->mix_low);
    balance->mix_low = (uint64_t)mix;
    balance->mix_high = (uint64_t)(mix >> 64);
}

bool asset_credit(struct accounts *accounts, uint32_t account, uint32_t asset, int64_t amount_units) {
    struct asset content = accounts->assets[asset];
    if (__builtin_add_overflow(content.total_units, amount_units, &content.total_units)) {
        return false;
    }
    asset_define(accounts, asset, &content);
    balance_move(accounts, account, asset, amount_units, 0);
    return true;
}
