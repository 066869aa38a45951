/* The benchmark's venue: what market.h promises. */
#define _GNU_SOURCE
#include "market.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14; older headers do not name it */
#endif

enum { FEE_PARTICIPANT = SESSIONS + 1, MESSAGE_ROOM = 1024 };

static const int64_t FUNDS_UNITS = INT64_C(1) << 52;
static const uint32_t BAND_PPM = 999999;       /* from nothing to twice the last price */
static const uint32_t DISTANCE_PPM = 10000000; /* up to eleven times the last price */
static const int64_t POSITION_LOTS = INT64_C(1) << 40;

void market_fail(const char *what) {
    (void)fprintf(stderr, "matching benchmark: %s\n", what);
    exit(1);
}

uint32_t market_message(uint8_t *message, uint16_t template_id, const void *block, uint16_t block_size) {
    const struct wire_header header = {block_size, template_id, WIRE_SCHEMA_ID, WIRE_SCHEMA_VERSION};
    const uint16_t echo_size = 0;
    uint32_t size = sizeof header;
    memcpy(message, &header, sizeof header);
    if (block_size > 0) {
        memcpy(message + size, block, block_size);
    }
    size += block_size;
    if (template_id == WIRE_NEW_ORDER || template_id == WIRE_REPLACE_ORDER) {
        memcpy(message + size, &echo_size, sizeof echo_size);
        size += (uint32_t)sizeof echo_size;
    }
    return size;
}

static void limit(struct core *core, const struct room *room) {
    const struct wire_limits_set limits = {.max_orders = room->orders,
                                           .max_price_pages = room->price_pages,
                                           .max_open_orders_per_session = room->orders,
                                           .max_clordids = room->clordids,
                                           .max_fills_per_command = FILLS_MAX,
                                           .max_events_per_part = EVENTS_MAX,
                                           .max_bustable_trades = BUSTABLE_TRADES};
    _Alignas(8) uint8_t message[MESSAGE_ROOM];
    uint8_t *out = aligned_alloc(64, 1 << 24);
    size_t written = 0;
    uint32_t events = 0;
    const uint32_t size = market_message(message, WIRE_LIMITS_SET, &limits, sizeof limits);
    if (out == NULL || core_check(core, WIRE_ROLE_INTERNAL, message, size).verdict != CORE_APPLY ||
        core_apply(core, 1, 1, 1, message, size, out, 1 << 24, &written, &events) != CORE_OK) {
        market_fail("the limits are not accepted");
    }
    const uint16_t template_id = ((const struct wire_header *)(const void *)(out + 8))->template_id;
    free(out);
    if (template_id != WIRE_LIMITS_DEFINED) {
        market_fail("the limits are refused");
    }
}

struct core *market_open(const struct room *room) {
    const struct core_capacity capacity = {
        .orders = room->orders,
        .price_pages = room->price_pages,
        .clordids = room->clordids,
        .accounts = account_of(USERS),
        .assets = room->instruments + QUOTE,
        .instruments = room->instruments,
        .sessions = SESSIONS,
        .trades = BUSTABLE_TRADES,
    };
    struct core *core = core_new(&capacity);
    if (core == NULL) {
        market_fail("no memory for a core");
    }
    limit(core, room);
    return core;
}

/* The core lies at the beginning of its one mapping. */
void market_warm(struct core *core) {
    char line[256];
    const uintptr_t begin = (uintptr_t)core;
    uintptr_t from = 0;
    uintptr_t until = 0;
    FILE *file = fopen("/proc/self/maps", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &until) == 2 && from <= begin && begin < until) {
            (void)madvise(core, until - begin, MADV_POPULATE_WRITE);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static void set_up_assets(const struct room *room, market_take *take, void *context) {
    for (uint32_t asset = QUOTE; asset <= QUOTE + room->instruments; asset++) {
        const struct wire_asset_set set = {.asset = asset, .decimals = 6};
        take(context, WIRE_ROLE_INTERNAL, WIRE_ASSET_SET, &set, sizeof set);
    }
    for (uint32_t instrument = 1; instrument <= room->instruments; instrument++) {
        const struct wire_instrument_set set = {.instrument = instrument,
                                                .base = QUOTE + instrument,
                                                .quote = QUOTE,
                                                .tick_units = 100,
                                                .lot_units = 1000,
                                                .price_min_ticks = 1,
                                                .price_max_ticks = TICK_MAX_OF_MARKET,
                                                .quantity_max_lots = 1 << 20,
                                                .notional_max_units = INT64_C(1) << 50,
                                                .protection_ticks = 100,
                                                .maker_fee_ppm = 100,
                                                .taker_fee_ppm = 300,
                                                .tick_mantissa = 1,
                                                .lot_mantissa = 1,
                                                .dynamic_band_ppm = room->limited ? BAND_PPM : 0};
        take(context, WIRE_ROLE_INTERNAL, WIRE_INSTRUMENT_SET, &set, sizeof set);
    }
}

static void set_up_owners(market_take *take, void *context) {
    const struct wire_account_set fees = {
        .account = FEE_ACCOUNT, .participant = FEE_PARTICIPANT, .kind = WIRE_ACCOUNT_KIND_FEE, .enabled = 1};
    take(context, WIRE_ROLE_INTERNAL, WIRE_ACCOUNT_SET, &fees, sizeof fees);
    for (uint32_t user = 1; user <= USERS; user++) {
        const struct wire_account_set set = {.account = account_of(user),
                                             .participant = session_of(user),
                                             .kind = WIRE_ACCOUNT_KIND_CLIENT,
                                             .enabled = 1};
        take(context, WIRE_ROLE_INTERNAL, WIRE_ACCOUNT_SET, &set, sizeof set);
    }
    for (uint32_t session = 1; session <= SESSIONS; session++) {
        const struct wire_session_set set = {.session = session, .participant = session, .enabled = 1, .comp_id = "B"};
        const struct wire_session_attach attach = {
            .session = session, .gateway = 1, .gateway_instance = 1, .token = session};
        take(context, WIRE_ROLE_INTERNAL, WIRE_SESSION_SET, &set, sizeof set);
        take(context, WIRE_ROLE_GATEWAY, WIRE_SESSION_ATTACH, &attach, sizeof attach);
    }
}

static void fund(uint32_t instruments, market_take *take, void *context) {
    uint64_t deposit_seq = 0;
    for (uint32_t user = 1; user <= USERS; user++) {
        for (uint32_t asset = QUOTE; asset <= QUOTE + instruments; asset++) {
            const struct wire_credit credit = {
                .account = account_of(user), .asset = asset, .amount_units = FUNDS_UNITS, .deposit_seq = ++deposit_seq};
            take(context, WIRE_ROLE_SETTLEMENT, WIRE_CREDIT, &credit, sizeof credit);
        }
    }
}

static void set_up_limits(uint32_t instruments, market_take *take, void *context) {
    for (uint32_t user = 1; user <= USERS; user++) {
        for (uint32_t instrument = 1; instrument <= instruments; instrument++) {
            const struct wire_risk_limits_set set = {.account = account_of(user),
                                                     .instrument = instrument,
                                                     .max_order_lots = 1 << 20,
                                                     .max_order_notional_units = INT64_C(1) << 50,
                                                     .max_position_lots = POSITION_LOTS,
                                                     .max_distance_ppm = DISTANCE_PPM};
            take(context, WIRE_ROLE_INTERNAL, WIRE_RISK_LIMITS_SET, &set, sizeof set);
        }
    }
}

void market_set_up(const struct room *room, market_take *take, void *context) {
    set_up_assets(room, take, context);
    set_up_owners(take, context);
    fund(room->instruments, take, context);
    if (room->limited) {
        set_up_limits(room->instruments, take, context);
    }
}
