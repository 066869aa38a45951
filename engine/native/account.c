/* Who owns what and what is at stake; what changes with every trade is marked and hashed later, what an operator sets
   is hashed at once. */
#include "account.h"

#include "arena.h"
#include "wire.h"

void accounts_lay_out(struct accounts *accounts, struct arena *arena, uint32_t account_capacity,
                      uint32_t asset_capacity, uint32_t instrument_capacity) {
    const uint64_t rows = (uint64_t)account_capacity + 1;
    const uint64_t assets = (uint64_t)asset_capacity + 1;
    const uint64_t instruments = (uint64_t)instrument_capacity + 1;
    accounts->accounts = arena_take(arena, rows, sizeof(struct account));
    accounts->assets = arena_take(arena, assets, sizeof(struct asset));
    accounts->killed = arena_take(arena, rows, sizeof(uint8_t));
    accounts->balances = arena_take(arena, rows * assets, sizeof(struct balance));
    accounts->balance_mixes = arena_take(arena, rows * assets, sizeof(u128));
    accounts->exposures = arena_take(arena, rows * instruments, sizeof(struct exposure));
    accounts->exposure_mixes = arena_take(arena, rows * instruments, sizeof(u128));
    dirty_lay_out(&accounts->dirty_accounts, arena, rows);
    dirty_lay_out(&accounts->dirty_balances, arena, rows * assets);
    dirty_lay_out(&accounts->dirty_exposures, arena, rows * instruments);
    accounts->account_capacity = account_capacity;
    accounts->asset_capacity = asset_capacity;
    accounts->instrument_capacity = instrument_capacity;
}

u128 account_mix(const struct accounts *accounts, uint32_t id) {
    const struct account *account = &accounts->accounts[id];
    if (account->participant == 0) {
        return 0;
    }
    uint64_t words[8] = {RECORD_ACCOUNT,
                         mix_pair(id, account->participant),
                         mix_pair(account->kind, account->enabled),
                         mix_pair(account->stp_key, account->stp_mode),
                         mix_pair(account->fee_tier, account->killed),
                         account->open_orders};
    mix_text(&words[6], account->name, 2);
    return mix128(words, 8);
}

u128 asset_mix(const struct accounts *accounts, uint32_t id) {
    const struct asset *asset = &accounts->assets[id];
    if (!asset->defined) {
        return 0;
    }
    uint64_t words[4] = {RECORD_ASSET, mix_pair(id, asset->decimals), (uint64_t)asset->total_units};
    mix_text(&words[3], asset->symbol, 1);
    return mix128(words, 4);
}

u128 balance_mix(const struct accounts *accounts, uint32_t account, uint32_t asset) {
    const struct balance *balance = balance_of(accounts, account, asset);
    if (balance->available_units == 0 && balance->reserved_units == 0) {
        return 0;
    }
    const uint64_t words[4] = {RECORD_BALANCE, mix_pair(account, asset), (uint64_t)balance->available_units,
                               (uint64_t)balance->reserved_units};
    return mix128(words, 4);
}

u128 exposure_mix(const struct accounts *accounts, uint32_t account, uint32_t instrument) {
    const struct exposure *exposure = exposure_of(accounts, account, instrument);
    if (exposure->position_lots == 0 && exposure->open_buy_lots == 0 && exposure->open_sell_lots == 0) {
        return 0;
    }
    const uint64_t words[5] = {RECORD_EXPOSURE, mix_pair(account, instrument), (uint64_t)exposure->position_lots,
                               (uint64_t)exposure->open_buy_lots, (uint64_t)exposure->open_sell_lots};
    return mix128(words, 5);
}

u128 risk_limits_mix(const struct accounts *accounts, uint32_t account, uint32_t instrument) {
    const struct exposure *exposure = exposure_of(accounts, account, instrument);
    if (!exposure->limited) {
        return 0;
    }
    const uint64_t words[6] = {RECORD_RISK_LIMITS,
                               mix_pair(account, instrument),
                               (uint64_t)exposure->max_order_lots,
                               (uint64_t)exposure->max_order_notional_units,
                               (uint64_t)exposure->max_position_lots,
                               exposure->max_distance_ppm};
    return mix128(words, 6);
}

u128 participant_mix(const struct accounts *accounts, uint32_t participant) {
    const uint64_t words[2] = {RECORD_PARTICIPANT, participant};
    return accounts->killed[participant] != 0 ? mix128(words, 2) : 0;
}

void asset_define(struct accounts *accounts, uint32_t id, const struct asset *content) {
    accounts->hash -= asset_mix(accounts, id);
    accounts->assets[id] = *content;
    accounts->hash += asset_mix(accounts, id);
}

void risk_limits_define(struct accounts *accounts, const struct wire_risk_limits_set *limits) {
    struct exposure *exposure = exposure_of(accounts, limits->account, limits->instrument);
    accounts->hash -= risk_limits_mix(accounts, limits->account, limits->instrument);
    exposure->max_order_lots = limits->max_order_lots;
    exposure->max_order_notional_units = limits->max_order_notional_units;
    exposure->max_position_lots = limits->max_position_lots;
    exposure->max_distance_ppm = limits->max_distance_ppm;
    exposure->limited = limits->max_order_lots != 0 || limits->max_order_notional_units != 0 ||
                        limits->max_position_lots != 0 || limits->max_distance_ppm != 0;
    accounts->hash += risk_limits_mix(accounts, limits->account, limits->instrument);
}

void participant_kill(struct accounts *accounts, uint32_t participant, uint8_t killed) {
    accounts->hash -= participant_mix(accounts, participant);
    accounts->killed[participant] = killed;
    accounts->hash += participant_mix(accounts, participant);
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

static void rehash_accounts(struct accounts *accounts) {
    uint64_t group = 0;
    uint64_t id = 0;
    while (dirty_take(&accounts->dirty_accounts, &group, &id)) {
        struct account *account = &accounts->accounts[id];
        const u128 mix = account_mix(accounts, (uint32_t)id);
        accounts->hash += mix - ((u128)account->mix_high << 64 | account->mix_low);
        account->mix_low = (uint64_t)mix;
        account->mix_high = (uint64_t)(mix >> 64);
        account->dirty = 0;
    }
}

static void rehash_balance(struct accounts *accounts, uint64_t number) {
    const uint64_t columns = (uint64_t)accounts->asset_capacity + 1;
    const u128 mix = balance_mix(accounts, (uint32_t)(number / columns), (uint32_t)(number % columns));
    accounts->hash += mix - accounts->balance_mixes[number];
    accounts->balance_mixes[number] = mix;
}

static void rehash_balances(struct accounts *accounts) {
    uint64_t group = 0;
    uint64_t batch[DIRTY_BATCH];
    uint32_t count = DIRTY_BATCH;
    while (count == DIRTY_BATCH) {
        count = dirty_take_batch(&accounts->dirty_balances, &group, batch);
        for (uint32_t i = 0; i < count; i++) {
            __builtin_prefetch(&accounts->balances[batch[i]]);
            __builtin_prefetch(&accounts->balance_mixes[batch[i]], 1);
        }
        for (uint32_t i = 0; i < count; i++) {
            rehash_balance(accounts, batch[i]);
        }
    }
}

static void rehash_exposure(struct accounts *accounts, uint64_t number) {
    const uint64_t columns = (uint64_t)accounts->instrument_capacity + 1;
    const u128 mix = exposure_mix(accounts, (uint32_t)(number / columns), (uint32_t)(number % columns));
    accounts->hash += mix - accounts->exposure_mixes[number];
    accounts->exposure_mixes[number] = mix;
    accounts->exposures[number].dirty = 0;
}

static void rehash_exposures(struct accounts *accounts) {
    uint64_t group = 0;
    uint64_t batch[DIRTY_BATCH];
    uint32_t count = DIRTY_BATCH;
    while (count == DIRTY_BATCH) {
        count = dirty_take_batch(&accounts->dirty_exposures, &group, batch);
        for (uint32_t i = 0; i < count; i++) {
            __builtin_prefetch(&accounts->exposures[batch[i]], 1);
            __builtin_prefetch(&accounts->exposure_mixes[batch[i]], 1);
        }
        for (uint32_t i = 0; i < count; i++) {
            rehash_exposure(accounts, batch[i]);
        }
    }
}

void accounts_rehash(struct accounts *accounts) {
    rehash_accounts(accounts);
    rehash_balances(accounts);
    rehash_exposures(accounts);
}
