/* Speed of the core on a simple mixed load: half resting limit orders, a quarter cancels by OrderID, a quarter IOC
   orders that trade with one or two makers. Includes check, apply, events and state hash; excludes transport, journal,
   CRC and publishing, and one in three commands to warm up. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "expect.h"
#include "state.h"
#include "venue.h"

enum { BATCH = 1024, WARM_BATCHES = 400, TIMED_BATCHES = 800, PRICES = 200, MIDDLE = 50000, REMEMBERED = 1 << 12 };

struct prepared {
    uint8_t role;
    uint32_t size;
    _Alignas(8) uint8_t bytes[192];
};

static struct core *core;
static struct prepared batch[BATCH];
static _Alignas(8) uint8_t out[1 << 20];
static uint64_t sequence;
static uint64_t client_seq;
static uint64_t random_state = 1;

/* Processor time of this thread: what else the machine does is not the core's. */
static uint64_t now_ns(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

static uint32_t draw(uint32_t below) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % below;
}

static void prepare(struct prepared *prepared, uint8_t role, uint16_t template_id, const void *block,
                    uint16_t block_size) {
    prepared->role = role;
    prepared->size = build_message(prepared->bytes, template_id, block, block_size);
}

static uint32_t run(const struct prepared *prepared) {
    size_t written = 0;
    uint32_t events = 0;
    EXPECT(core_check(core, prepared->role, prepared->bytes, prepared->size).verdict == CORE_APPLY);
    sequence++;
    EXPECT(core_apply(core, sequence, 1, sequence, prepared->bytes, prepared->size, out, sizeof out, &written,
                      &events) == CORE_OK);
    return events;
}

static void send(uint8_t role, uint16_t template_id, const void *block, uint16_t block_size) {
    struct prepared prepared;
    prepare(&prepared, role, template_id, block, block_size);
    EXPECT(run(&prepared) == 1);
}

static void set_up(void) {
    const struct core_capacity capacity = {1 << 20, 1 << 12, 1 << 20, 64, 8, 8, 16};
    const struct wire_limits_set limits = {1 << 20, 1 << 12, 1 << 20, 1 << 20, 256, 1024};
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

static void prepare_order(struct prepared *prepared, uint8_t side, uint8_t time_in_force, int64_t price_ticks,
                          int64_t quantity_lots) {
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
    prepare(prepared, WIRE_ROLE_GATEWAY, WIRE_NEW_ORDER, &order, sizeof order);
}

static void prepare_cancel(struct prepared *prepared, uint64_t id, uint8_t side) {
    const struct wire_cancel_order cancel = {.session = 1,
                                             .session_epoch = 1,
                                             .generation = 1,
                                             .gateway = 1,
                                             .client_seq = client_seq + 1,
                                             .prev_client_seq = client_seq,
                                             .order_id = id,
                                             .side = side,
                                             .clordid = "cancel"};
    client_seq++;
    prepare(prepared, WIRE_ROLE_GATEWAY, WIRE_CANCEL_ORDER, &cancel, sizeof cancel);
}

/* Orders to cancel are those that rested in earlier batches; some have traded since, as with real clients. */
static uint64_t ids[REMEMBERED];
static uint8_t sides[REMEMBERED];

static void prepare_batch(void) {
    for (uint32_t i = 0; i < BATCH; i++) {
        const uint8_t side = (uint8_t)(1 + draw(2));
        const int64_t away = 1 + draw(PRICES);
        const uint32_t place = draw(REMEMBERED);
        if (i % 4 < 2) {
            const int64_t price_ticks = side == WIRE_SIDE_BUY ? MIDDLE - away : MIDDLE + away;
            prepare_order(&batch[i], side, WIRE_TIME_IN_FORCE_DAY, price_ticks, 10);
        } else if (i % 4 == 2 && ids[place] != 0) {
            prepare_cancel(&batch[i], ids[place], sides[place]);
            ids[place] = 0;
        } else {
            const int64_t price_ticks = side == WIRE_SIDE_BUY ? MIDDLE + PRICES : MIDDLE - PRICES;
            prepare_order(&batch[i], side, WIRE_TIME_IN_FORCE_IMMEDIATE_OR_CANCEL, price_ticks, 8);
        }
    }
}

/* Remembers orders near the touch of both sides. */
static void remember(void) {
    static struct core_order_view views[REMEMBERED];
    for (uint8_t side = WIRE_SIDE_BUY; side <= WIRE_SIDE_SELL; side++) {
        const uint32_t count = core_book(core, 1, side, views, REMEMBERED);
        for (uint32_t i = 0; i < REMEMBERED / 8; i++) {
            const uint32_t place = draw(REMEMBERED);
            if (count > 0) {
                ids[place] = views[draw(count < REMEMBERED ? count : REMEMBERED)].order_id;
                sides[place] = side;
            }
        }
    }
}

int main(void) {
    uint64_t elapsed_ns = 0;
    uint64_t events = 0;
    set_up();
    for (uint32_t round = 0; round < WARM_BATCHES + TIMED_BATCHES; round++) {
        prepare_batch();
        const uint64_t start_ns = now_ns();
        uint64_t written = 0;
        for (uint32_t i = 0; i < BATCH; i++) {
            written += run(&batch[i]);
        }
        if (round >= WARM_BATCHES) {
            elapsed_ns += now_ns() - start_ns;
            events += written;
        }
        if (round % 4 == 0) {
            remember();
        }
    }
    const uint64_t commands = (uint64_t)BATCH * TIMED_BATCHES;
    (void)printf("%llu commands, %llu events, %u orders open at the end: %llu ns per command\n",
                 (unsigned long long)commands, (unsigned long long)events, core_orders_in_use(core),
                 (unsigned long long)(elapsed_ns / commands));
    EXPECT(core_audit(core) == 0);
    core_free(core);
    return 0;
}
