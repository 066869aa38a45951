/* The test venue: what venue.h promises, by the same calls that the engine's loop makes. */
#include "venue.h"

#include <string.h>

#include "expect.h"

static const struct core_capacity CAPACITY = {.orders = 256,
                                              .price_pages = 16,
                                              .clordids = 4096,
                                              .accounts = 8,
                                              .assets = 4,
                                              .instruments = 3,
                                              .sessions = 3,
                                              .trades = 16};

static uint8_t role_of(uint16_t template_id) {
    switch (template_id) {
    case WIRE_SESSION_ATTACH:
    case WIRE_NEW_ORDER:
    case WIRE_CANCEL_ORDER:
    case WIRE_REPLACE_ORDER:
    case WIRE_MASS_CANCEL:
        return WIRE_ROLE_GATEWAY;
    case WIRE_CREDIT:
    case WIRE_CHECKPOINT:
    case WIRE_SETTLEMENT_STATUS:
        return WIRE_ROLE_SETTLEMENT;
    case WIRE_TRADING_STATE_SET:
    case WIRE_END_OF_DAY:
        return WIRE_ROLE_ADMIN;
    default:
        return WIRE_ROLE_INTERNAL;
    }
}

uint32_t build_message(uint8_t *message, uint16_t template_id, const void *block, uint16_t block_size) {
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

void venue_apply(struct venue *venue, const uint8_t *message, uint32_t size) {
    const size_t room = core_output_max(venue->core);
    if (room > venue->out_size) {
        free(venue->out);
        venue->out = malloc(room);
        EXPECT(venue->out != NULL);
        venue->out_size = room;
    }
    venue->sequence++;
    venue->time_ns += 1000;
    const int result = core_apply(venue->core, venue->sequence, 1, venue->time_ns, message, size, venue->out,
                                  venue->out_size, &venue->written, &venue->events);
    EXPECT(result == CORE_OK);
    EXPECT(core_audit(venue->core) == 0);
}

struct core_check venue_send(struct venue *venue, uint16_t template_id, const void *block, uint16_t block_size) {
    uint8_t message[1024];
    const uint32_t size = build_message(message, template_id, block, block_size);
    const struct core_check check = core_check(venue->core, role_of(template_id), message, size);
    venue->events = 0;
    if (check.verdict == CORE_APPLY) {
        venue_apply(venue, message, size);
    }
    return check;
}

void venue_continue(struct venue *venue) {
    EXPECT(core_pending(venue->core));
    EXPECT(venue_send(venue, WIRE_CONTINUE, NULL, 0).verdict == CORE_APPLY);
}

static void set_up(struct venue *venue, uint16_t template_id, const void *block, uint16_t block_size, uint16_t event) {
    EXPECT(venue_send(venue, template_id, block, block_size).verdict == CORE_APPLY);
    EXPECT(venue->events == 1 && event_template(venue, 0) == event);
}

struct wire_limits_set venue_default_limits(void) {
    return (struct wire_limits_set){.max_orders = 256,
                                    .max_price_pages = 16,
                                    .max_open_orders_per_session = 128,
                                    .max_clordids = 4096,
                                    .max_fills_per_command = 4,
                                    .max_events_per_part = 28,
                                    .max_bustable_trades = 16};
}

void venue_limits(struct venue *venue, struct wire_limits_set limits) {
    set_up(venue, WIRE_LIMITS_SET, &limits, sizeof limits, WIRE_LIMITS_DEFINED);
}

struct wire_instrument_set venue_default_instrument(void) {
    return (struct wire_instrument_set){.instrument = 1,
                                        .base = BTC,
                                        .quote = USD,
                                        .tick_units = TICK_UNITS,
                                        .lot_units = LOT_UNITS,
                                        .price_min_ticks = 1,
                                        .price_max_ticks = 100000,
                                        .quantity_max_lots = 1000000,
                                        .notional_max_units = INT64_C(1) << 50,
                                        .protection_ticks = 10,
                                        .maker_fee_ppm = 1000,
                                        .taker_fee_ppm = 2000,
                                        .tick_mantissa = 1,
                                        .lot_mantissa = 1,
                                        .symbol = "BTC/USD"};
}

static void define_assets(struct venue *venue) {
    const struct wire_asset_set btc = {.asset = BTC, .decimals = 8, .symbol = "BTC"};
    const struct wire_asset_set usd = {.asset = USD, .decimals = 6, .symbol = "USD"};
    set_up(venue, WIRE_ASSET_SET, &btc, sizeof btc, WIRE_ASSET_DEFINED);
    set_up(venue, WIRE_ASSET_SET, &usd, sizeof usd, WIRE_ASSET_DEFINED);
}

static void define_account(struct venue *venue, uint32_t account, uint32_t participant, uint8_t kind) {
    const struct wire_account_set set = {
        .account = account, .participant = participant, .kind = kind, .enabled = 1, .name = "test"};
    set_up(venue, WIRE_ACCOUNT_SET, &set, sizeof set, WIRE_ACCOUNT_DEFINED);
}

static void define_session(struct venue *venue, uint32_t session, uint32_t participant) {
    const struct wire_session_set set = {
        .session = session, .participant = participant, .enabled = 1, .comp_id = "TEST"};
    const struct wire_session_attach attach = {.session = session, .gateway = 1, .gateway_instance = 7, .token = 11};
    set_up(venue, WIRE_SESSION_SET, &set, sizeof set, WIRE_SESSION_DEFINED);
    set_up(venue, WIRE_SESSION_ATTACH, &attach, sizeof attach, WIRE_SESSION_ATTACHED);
}

struct venue venue_open(void) {
    struct venue venue = {.core = core_new(&CAPACITY)};
    const struct wire_instrument_set instrument = venue_default_instrument();
    EXPECT(venue.core != NULL);
    venue_limits(&venue, venue_default_limits());
    define_assets(&venue);
    set_up(&venue, WIRE_INSTRUMENT_SET, &instrument, sizeof instrument, WIRE_INSTRUMENT_DEFINED);
    define_account(&venue, FEES, 8, WIRE_ACCOUNT_KIND_FEE);
    define_account(&venue, ALICE, 1, WIRE_ACCOUNT_KIND_CLIENT);
    define_account(&venue, ALICE_TOO, 1, WIRE_ACCOUNT_KIND_CLIENT);
    define_account(&venue, BOB, 2, WIRE_ACCOUNT_KIND_CLIENT);
    define_session(&venue, 1, 1);
    define_session(&venue, 2, 2);
    return venue;
}

void venue_close(struct venue *venue) {
    core_free(venue->core);
    free(venue->out);
    *venue = (struct venue){0};
}

static void name_clordid(struct venue *venue, char clordid[CLORDID_SIZE], const char *given) {
    char text[CLORDID_SIZE + 1] = {0};
    if (given == NULL) {
        venue->clordids++;
        (void)snprintf(text, sizeof text, "C%llu", (unsigned long long)venue->clordids);
    } else {
        (void)snprintf(text, sizeof text, "%s", given);
    }
    memcpy(clordid, text, CLORDID_SIZE);
}

/* The head of the session's next client command. */
static void fill_client(struct venue *venue, uint32_t session, struct client_command *client) {
    *client = (struct client_command){
        .session = session,
        .session_epoch = 1,
        .generation = 1,
        .gateway = 1,
        .client_seq = venue->client_seq[session] + 1,
        .prev_client_seq = venue->client_seq[session],
    };
    venue->client_seq[session]++;
}

uint64_t venue_order(struct venue *venue, struct ticket ticket) {
    struct wire_new_order order = {
        .price_ticks = ticket.price_ticks,
        .quantity_lots = ticket.quantity_lots,
        .account = ticket.account,
        .instrument = ticket.instrument == 0 ? 1 : ticket.instrument,
        .side = ticket.side,
        .order_type = ticket.order_type,
        .time_in_force = ticket.time_in_force,
        .stop_price_ticks = ticket.stop_price_ticks,
        .display_lots = ticket.display_lots,
        .min_lots = ticket.min_lots,
        .expire_ns = ticket.expire_ns,
        .trigger = ticket.trigger,
        .stp_mode = ticket.stp_mode,
        .post_only = ticket.post_only,
    };
    struct client_command client;
    fill_client(venue, ticket.session, &client);
    memcpy(&order, &client, sizeof client);
    name_clordid(venue, order.clordid, ticket.clordid);
    EXPECT(venue_send(venue, WIRE_NEW_ORDER, &order, sizeof order).verdict == CORE_APPLY);
    if (event_template(venue, 0) == WIRE_ORDER_REJECTED) {
        return 0;
    }
    return ((const struct wire_order_accepted *)event_block(venue, 0, WIRE_ORDER_ACCEPTED))->order_id;
}

void venue_limit(struct venue *venue, uint32_t account, uint8_t side, int64_t price_ticks, int64_t quantity_lots) {
    const struct ticket ticket = {
        .session = account == BOB ? 2 : 1,
        .account = account,
        .side = side,
        .order_type = WIRE_ORDER_TYPE_LIMIT,
        .time_in_force = WIRE_TIME_IN_FORCE_DAY,
        .price_ticks = price_ticks,
        .quantity_lots = quantity_lots,
    };
    EXPECT(venue_order(venue, ticket) != 0);
}

void venue_cancel(struct venue *venue, uint32_t session, uint8_t side, uint64_t order_id) {
    struct wire_cancel_order cancel = {.order_id = order_id, .side = side};
    struct client_command client;
    fill_client(venue, session, &client);
    memcpy(&cancel, &client, sizeof client);
    name_clordid(venue, cancel.clordid, NULL);
    EXPECT(venue_send(venue, WIRE_CANCEL_ORDER, &cancel, sizeof cancel).verdict == CORE_APPLY);
}

void venue_replace(struct venue *venue, uint32_t session, uint8_t side, uint64_t order_id, int64_t price_ticks,
                   int64_t quantity_lots) {
    struct wire_replace_order replace = {
        .order_id = order_id, .price_ticks = price_ticks, .quantity_lots = quantity_lots, .side = side};
    struct client_command client;
    fill_client(venue, session, &client);
    memcpy(&replace, &client, sizeof client);
    name_clordid(venue, replace.clordid, NULL);
    EXPECT(venue_send(venue, WIRE_REPLACE_ORDER, &replace, sizeof replace).verdict == CORE_APPLY);
}

void venue_credit(struct venue *venue, uint32_t account, uint32_t asset, int64_t amount_units) {
    const struct wire_credit credit = {
        .account = account, .asset = asset, .amount_units = amount_units, .deposit_seq = venue->deposit_seq + 1};
    EXPECT(venue_send(venue, WIRE_CREDIT, &credit, sizeof credit).verdict == CORE_APPLY);
    if (event_template(venue, 0) == WIRE_CREDITED) {
        venue->deposit_seq++;
    }
}

static const struct frame_event *event_at(const struct venue *venue, uint32_t number) {
    const uint8_t *cursor = venue->out;
    EXPECT(number < venue->events);
    for (uint32_t i = 0; i < number; i++) {
        cursor += frame_entry_size(((const struct frame_entry *)(const void *)cursor)->size);
    }
    return (const struct frame_event *)(const void *)(cursor + sizeof(struct frame_entry));
}

uint16_t event_template(const struct venue *venue, uint32_t number) {
    return event_at(venue, number)->header.template_id;
}

const void *event_block(const struct venue *venue, uint32_t number, uint16_t template_id) {
    const struct frame_event *event = event_at(venue, number);
    EXPECT(event->header.template_id == template_id);
    EXPECT(event->last_in_command == (number + 1 == venue->events));
    return (const uint8_t *)event + sizeof event->header;
}

uint16_t refusal(const struct venue *venue) {
    EXPECT(venue->events == 1);
    switch (event_template(venue, 0)) {
    case WIRE_ORDER_REJECTED:
        return ((const struct wire_order_rejected *)event_block(venue, 0, WIRE_ORDER_REJECTED))->reason;
    case WIRE_CANCEL_REJECTED:
        return ((const struct wire_cancel_rejected *)event_block(venue, 0, WIRE_CANCEL_REJECTED))->reason;
    default:
        return ((const struct wire_command_refused *)event_block(venue, 0, WIRE_COMMAND_REFUSED))->reason;
    }
}

int64_t available(const struct venue *venue, uint32_t account, uint32_t asset) {
    int64_t balance[2];
    core_balance(venue->core, account, asset, balance);
    return balance[0];
}

int64_t reserved(const struct venue *venue, uint32_t account, uint32_t asset) {
    int64_t balance[2];
    core_balance(venue->core, account, asset, balance);
    return balance[1];
}

int same_hash(const uint64_t a[2], const uint64_t b[2]) {
    return a[0] == b[0] && a[1] == b[1];
}
