/* Speed of the core on a simple mixed load, one command per call: 50 % resting limit orders, 25 % cancels by OrderID,
   25 % IOC orders that trade with one or more makers. Excludes transport, journal, CRC and publishing; includes check,
   events and state hash. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "expect.h"
#include "state.h"

enum { COMMANDS = 2000000, PRICES = 200, MIDDLE = 50000 };

static uint64_t now_ns(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

static struct core *core;
static _Alignas(8) uint8_t out[1 << 20];
static uint64_t sequence;
static uint32_t events;

static void send(uint8_t role, uint16_t template_id, const void *block, uint16_t block_size) {
    uint8_t message[512];
    const struct wire_header header = {block_size, template_id, WIRE_SCHEMA_ID, WIRE_SCHEMA_VERSION};
    uint32_t size = (uint32_t)sizeof header + block_size;
    size_t written = 0;
    memcpy(message, &header, sizeof header);
    memcpy(message + sizeof header, block, block_size);
    if (template_id == WIRE_NEW_ORDER) {
        memset(message + size, 0, 2);
        size += 2;
    }
    EXPECT(core_check(core, role, message, size).verdict == CORE_APPLY);
    sequence++;
    EXPECT(core_apply(core, sequence, 1, sequence, message, size, out, sizeof out, &written, &events) == CORE_OK);
}

static void set_up(void) {
    const struct core_capacity capacity = {1 << 20, 1 << 12, 1 << 22, 64, 8, 8, 16};
    const struct wire_limits_set limits = {1 << 20, 1 << 12, 1 << 20, 1 << 22, 256, 1024};
    const struct wire_asset_set base = {.asset = 1, .decimals = 8};
    const struct wire_asset_set quote = {.asset = 2, .decimals = 6};
    const struct wire_instrument_set instrument = {.instrument = 1,
                                                   .base = 1,
                                                   .quote = 2,
                                                   .tick_units = 1,
                                                   .lot_units = 1,
                                                   .price_min_ticks = 1,
                                                   .price_max_ticks = 1000000,
                                                   .quantity_max_lots = 1000000,
                                                   .notional_max_units = INT64_C(1) << 50,
                                                   .protection_ticks = 100,
                                                   .maker_fee_ppm = 100,
                                                   .taker_fee_ppm = 300,
                                                   .tick_mantissa = 1,
                                                   .lot_mantissa = 1};
    core = core_new(&capacity);
    EXPECT(core != NULL);
    send(WIRE_ROLE_INTERNAL, WIRE_LIMITS_SET, &limits, sizeof limits);
    send(WIRE_ROLE_INTERNAL, WIRE_ASSET_SET, &base, sizeof base);
    send(WIRE_ROLE_INTERNAL, WIRE_ASSET_SET, &quote, sizeof quote);
    send(WIRE_ROLE_INTERNAL, WIRE_INSTRUMENT_SET, &instrument, sizeof instrument);
    for (uint32_t account = 1; account <= 2; account++) {
        const struct wire_account_set set = {.account = account,
                                             .participant = 1,
                                             .kind = account == 1 ? WIRE_ACCOUNT_KIND_FEE : WIRE_ACCOUNT_KIND_CLIENT,
                                             .enabled = 1};
        send(WIRE_ROLE_INTERNAL, WIRE_ACCOUNT_SET, &set, sizeof set);
    }
    const struct wire_session_set session = {.session = 1, .participant = 1, .enabled = 1};
    const struct wire_session_attach attach = {.session = 1, .gateway = 1, .token = 1};
    send(WIRE_ROLE_INTERNAL, WIRE_SESSION_SET, &session, sizeof session);
    send(WIRE_ROLE_GATEWAY, WIRE_SESSION_ATTACH, &attach, sizeof attach);
    for (uint32_t asset = 1; asset <= 2; asset++) {
        const struct wire_credit credit = {
            .account = 2, .asset = asset, .amount_units = INT64_C(1) << 60, .deposit_seq = asset};
        send(WIRE_ROLE_SETTLEMENT, WIRE_CREDIT, &credit, sizeof credit);
    }
}

static uint64_t random_state = 1;

static uint32_t draw(uint32_t below) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % below;
}

static uint64_t client_seq;

static void send_order(uint8_t side, uint8_t time_in_force, int64_t price_ticks, int64_t quantity_lots) {
    struct wire_new_order order = {.session = 1,
                                   .session_epoch = 1,
                                   .generation = 1,
                                   .gateway = 1,
                                   .client_seq = client_seq + 1,
                                   .prev_client_seq = client_seq,
                                   .price_ticks = price_ticks,
                                   .quantity_lots = quantity_lots,
                                   .account = 2,
                                   .instrument = 1,
                                   .side = side,
                                   .order_type = WIRE_ORDER_TYPE_LIMIT,
                                   .time_in_force = time_in_force};
    client_seq++;
    (void)snprintf(order.clordid, sizeof order.clordid, "%016llx", (unsigned long long)client_seq);
    send(WIRE_ROLE_GATEWAY, WIRE_NEW_ORDER, &order, sizeof order);
}

static void send_cancel(uint64_t order_id, uint8_t side) {
    const struct wire_cancel_order cancel = {.session = 1,
                                             .session_epoch = 1,
                                             .generation = 1,
                                             .gateway = 1,
                                             .client_seq = client_seq + 1,
                                             .prev_client_seq = client_seq,
                                             .order_id = order_id,
                                             .side = side,
                                             .clordid = "cancel"};
    client_seq++;
    send(WIRE_ROLE_GATEWAY, WIRE_CANCEL_ORDER, &cancel, sizeof cancel);
}

static uint64_t accepted_id(void) {
    return ((const struct wire_order_accepted *)(const void *)(out + sizeof(struct frame_entry) +
                                                               sizeof(struct wire_header)))
        ->order_id;
}

int main(void) {
    enum { REMEMBERED = 1 << 12 };
    static uint64_t ids[REMEMBERED];
    static uint8_t sides[REMEMBERED];
    set_up();
    uint64_t count = 0;
    const uint64_t start = now_ns();
    for (uint32_t i = 0; i < COMMANDS; i++) {
        const uint32_t kind = i % 4;
        const uint8_t side = (uint8_t)(1 + draw(2));
        const int64_t away = 1 + draw(PRICES);
        const uint32_t place = draw(REMEMBERED);
        if (kind < 2) {
            send_order(side, WIRE_TIME_IN_FORCE_DAY, side == WIRE_SIDE_BUY ? MIDDLE - away : MIDDLE + away, 10);
            ids[place] = accepted_id();
            sides[place] = side;
        } else if (kind == 2 && ids[place] != 0) {
            send_cancel(ids[place], sides[place]);
        } else {
            send_order(side, WIRE_TIME_IN_FORCE_IMMEDIATE_OR_CANCEL,
                       side == WIRE_SIDE_BUY ? MIDDLE + PRICES : MIDDLE - PRICES, 12);
        }
        count += events;
    }
    const uint64_t elapsed = now_ns() - start;
    (void)printf("%d commands, %llu events, %u orders open at the end: %llu ns per command\n", COMMANDS,
                 (unsigned long long)count, core_orders_in_use(core), (unsigned long long)(elapsed / COMMANDS));
    EXPECT(core_audit(core) == 0);
    core_free(core);
    return 0;
}
