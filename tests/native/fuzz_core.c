/* Fuzzing of the command decoder and the core: any bytes become commands, and what core_check lets pass is applied, as
   the loop would do it.

   The entry point is libFuzzer's; where there is no clang, fuzz_driver.c calls it. Each input starts from a market with
   four funded accounts; every failed assertion of the core, every finding of a sanitizer and every broken invariant
   (core_audit) ends the process. Wrong contents of EpochStart and StateHash are never sent: they stop a core on
   purpose. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "frame.h"
#include "wire.h"

enum { SESSIONS = 3, MESSAGE_MAX = 1024, COMMANDS_MAX = 2000, AUDIT_EVERY = 64 };

/* Where a field lies, and which values it mostly takes: base + a byte of the input modulo range. */
struct field {
    uint16_t offset;
    uint8_t size;
    int64_t base;
    uint8_t range;
};

struct recipe {
    uint16_t template_id;
    uint16_t block_size;
    uint8_t role;
    uint8_t client; /* starts with the chain of a client command */
    uint8_t data;   /* ends with varData */
    const struct field *fields;
    size_t field_count;
};

#define FIELD(type, name, base, range) {offsetof(struct type, name), sizeof(((struct type *)0)->name), base, range}
#define RECIPE(id, type, role, client, data, fields)                                                                   \
    {id, sizeof(struct type), role, client, data, fields, sizeof(fields) / sizeof((fields)[0])}

static const struct field new_order_fields[] = {
    FIELD(wire_new_order, account, 2, 4),       FIELD(wire_new_order, instrument, 1, 2),
    FIELD(wire_new_order, side, 1, 2),          FIELD(wire_new_order, order_type, 1, 5),
    FIELD(wire_new_order, time_in_force, 1, 7), FIELD(wire_new_order, price_ticks, 60, 8),
    FIELD(wire_new_order, quantity_lots, 1, 8), FIELD(wire_new_order, stop_price_ticks, 0, 70),
    FIELD(wire_new_order, display_lots, 0, 4),  FIELD(wire_new_order, min_lots, 0, 4),
    FIELD(wire_new_order, trigger, 0, 3),       FIELD(wire_new_order, stp_mode, 0, 5),
    FIELD(wire_new_order, post_only, 0, 2),
};
/* The order that most often is accepted: a plain limit order. */
static const struct field limit_order_fields[] = {
    FIELD(wire_new_order, account, 2, 4),       FIELD(wire_new_order, instrument, 1, 2),
    FIELD(wire_new_order, side, 1, 2),          FIELD(wire_new_order, order_type, 2, 1),
    FIELD(wire_new_order, time_in_force, 1, 4), FIELD(wire_new_order, price_ticks, 60, 8),
    FIELD(wire_new_order, quantity_lots, 1, 8), FIELD(wire_new_order, stp_mode, 0, 5),
};
static const struct field iceberg_fields[] = {
    FIELD(wire_new_order, account, 2, 4),        FIELD(wire_new_order, instrument, 1, 2),
    FIELD(wire_new_order, side, 1, 2),           FIELD(wire_new_order, order_type, 2, 1),
    FIELD(wire_new_order, time_in_force, 1, 2),  FIELD(wire_new_order, price_ticks, 60, 8),
    FIELD(wire_new_order, quantity_lots, 3, 12), FIELD(wire_new_order, display_lots, 1, 3),
};
static const struct field stop_fields[] = {
    FIELD(wire_new_order, account, 2, 4),       FIELD(wire_new_order, instrument, 1, 2),
    FIELD(wire_new_order, side, 1, 2),          FIELD(wire_new_order, order_type, 3, 2),
    FIELD(wire_new_order, time_in_force, 1, 2), FIELD(wire_new_order, price_ticks, 60, 8),
    FIELD(wire_new_order, quantity_lots, 1, 4), FIELD(wire_new_order, stop_price_ticks, 60, 8),
    FIELD(wire_new_order, trigger, 0, 3),
};
static const struct field cancel_fields[] = {
    FIELD(wire_cancel_order, instrument, 0, 3),
    FIELD(wire_cancel_order, side, 1, 2),
};
static const struct field replace_fields[] = {
    FIELD(wire_replace_order, instrument, 0, 2),       FIELD(wire_replace_order, side, 1, 2),
    FIELD(wire_replace_order, price_ticks, 60, 8),     FIELD(wire_replace_order, quantity_lots, 1, 10),
    FIELD(wire_replace_order, stop_price_ticks, 0, 1), FIELD(wire_replace_order, display_lots, 0, 3),
};
static const struct field mass_cancel_fields[] = {
    FIELD(wire_mass_cancel, account, 0, 5),
    FIELD(wire_mass_cancel, instrument, 0, 3),
    FIELD(wire_mass_cancel, side, 0, 3),
};
static const struct field attach_fields[] = {
    FIELD(wire_session_attach, session, 1, SESSIONS),
    FIELD(wire_session_attach, token, 1, 200),
    FIELD(wire_session_attach, reset, 0, 2),
};
static const struct field credit_fields[] = {
    FIELD(wire_credit, account, 1, 6),
    FIELD(wire_credit, asset, 1, 3),
    FIELD(wire_credit, amount_units, 0, 255),
};
static const struct field trading_state_fields[] = {
    FIELD(wire_trading_state_set, instrument, 0, 3),
    FIELD(wire_trading_state_set, state, 1, 4),
};
static const struct field end_of_day_fields[] = {FIELD(wire_end_of_day, day, 1, 255)};
static const struct field checkpoint_fields[] = {FIELD(wire_checkpoint, checkpoint, 1, 4)};
static const struct field settlement_fields[] = {
    FIELD(wire_settlement_status, batch, 1, 4),
    FIELD(wire_settlement_status, state, 1, 4),
};
static const struct field phase_fields[] = {
    FIELD(wire_phase_set, instrument, 1, 2),
    FIELD(wire_phase_set, phase, 1, 7),
    FIELD(wire_phase_set, end_ns, 0, 1),
};
static const struct field schedule_fields[] = {
    FIELD(wire_schedule_set, instrument, 1, 2),
    FIELD(wire_schedule_set, entry, 1, 8),
    FIELD(wire_schedule_set, second_of_day, 0, 255),
    FIELD(wire_schedule_set, phase, 0, 7),
};
static const struct field reference_price_fields[] = {
    FIELD(wire_reference_price_set, instrument, 1, 2),
    FIELD(wire_reference_price_set, price_ticks, 60, 8),
};
static const struct field tick_band_fields[] = {
    FIELD(wire_tick_band_set, instrument, 1, 2),  FIELD(wire_tick_band_set, band, 1, 8),
    FIELD(wire_tick_band_set, from_ticks, 0, 70), FIELD(wire_tick_band_set, tick_step, 1, 3),
    FIELD(wire_tick_band_set, lot_step, 1, 2),
};
static const struct field fee_schedule_fields[] = {
    FIELD(wire_fee_schedule_set, instrument, 1, 2),
    FIELD(wire_fee_schedule_set, tier, 1, 7),
    FIELD(wire_fee_schedule_set, maker_fee_ppm, -100, 200),
    FIELD(wire_fee_schedule_set, taker_fee_ppm, 0, 255),
};
static const struct field risk_limits_fields[] = {
    FIELD(wire_risk_limits_set, account, 2, 4),
    FIELD(wire_risk_limits_set, instrument, 1, 2),
    FIELD(wire_risk_limits_set, max_order_lots, 0, 9),
    FIELD(wire_risk_limits_set, max_position_lots, 0, 20),
};
static const struct field protection_fields[] = {
    FIELD(wire_market_maker_protection_set, account, 2, 4),
    FIELD(wire_market_maker_protection_set, instrument, 1, 2),
    FIELD(wire_market_maker_protection_set, max_fills, 0, 4),
    FIELD(wire_market_maker_protection_set, window_ms, 1, 255),
};
static const struct field protection_reset_fields[] = {
    FIELD(wire_market_maker_protection_reset, account, 2, 4),
    FIELD(wire_market_maker_protection_reset, instrument, 1, 2),
};
static const struct field kill_switch_fields[] = {
    FIELD(wire_kill_switch_set, id, 0, 6),
    FIELD(wire_kill_switch_set, scope, 1, 4),
    FIELD(wire_kill_switch_set, engaged, 0, 2),
};
static const struct field operator_cancel_fields[] = {
    FIELD(wire_operator_cancel, account, 0, 6),
    FIELD(wire_operator_cancel, session, 0, 4),
    FIELD(wire_operator_cancel, instrument, 0, 3),
    FIELD(wire_operator_cancel, side, 0, 3),
};
static const struct field transfer_fields[] = {
    FIELD(wire_transfer, from_account, 1, 6),
    FIELD(wire_transfer, to_account, 1, 6),
    FIELD(wire_transfer, asset, 1, 3),
    FIELD(wire_transfer, amount_units, 0, 255),
};
static const struct field bust_fields[] = {
    FIELD(wire_trade_bust, trade_id, 0, 1),
    FIELD(wire_trade_bust, guarantor, 0, 7),
};
static const struct field limits_fields[] = {
    FIELD(wire_limits_set, max_orders, 8, 57),
    FIELD(wire_limits_set, max_price_pages, 1, 16),
    FIELD(wire_limits_set, max_open_orders_per_session, 1, 60),
    FIELD(wire_limits_set, max_clordids, 1, 255),
    FIELD(wire_limits_set, max_fills_per_command, 1, 4),
    FIELD(wire_limits_set, max_events_per_part, 19, 30),
    FIELD(wire_limits_set, max_open_orders_per_account, 0, 60),
    FIELD(wire_limits_set, max_bustable_trades, 0, 33),
};
static const struct field account_fields[] = {
    FIELD(wire_account_set, account, 2, 4),  FIELD(wire_account_set, participant, 1, 2),
    FIELD(wire_account_set, kind, 1, 1),     FIELD(wire_account_set, enabled, 1, 1),
    FIELD(wire_account_set, stp_key, 0, 3),  FIELD(wire_account_set, stp_mode, 0, 5),
    FIELD(wire_account_set, fee_tier, 0, 8),
};
static const struct field session_fields[] = {
    FIELD(wire_session_set, session, 1, SESSIONS + 1),
    FIELD(wire_session_set, participant, 1, 3),
    FIELD(wire_session_set, enabled, 0, 2),
};
static const struct field asset_fields[] = {
    FIELD(wire_asset_set, asset, 1, 4),
    FIELD(wire_asset_set, decimals, 0, 11),
};
/* What may change of an instrument; the rest is filled in (usual_instrument). */
static const struct field instrument_fields[] = {
    FIELD(wire_instrument_set, instrument, 1, 3),         FIELD(wire_instrument_set, protection_ticks, 0, 6),
    FIELD(wire_instrument_set, maker_fee_ppm, -100, 200), FIELD(wire_instrument_set, taker_fee_ppm, 100, 255),
    FIELD(wire_instrument_set, quantity_min_lots, 0, 3),  FIELD(wire_instrument_set, static_band_ppm, 0, 2),
    FIELD(wire_instrument_set, dynamic_band_ppm, 0, 2),   FIELD(wire_instrument_set, volatility_auction_ms, 0, 3),
    FIELD(wire_instrument_set, initial_phase, 0, 7),
};

static const struct recipe recipes[] = {
    RECIPE(WIRE_NEW_ORDER, wire_new_order, WIRE_ROLE_GATEWAY, 1, 1, limit_order_fields),
    RECIPE(WIRE_NEW_ORDER, wire_new_order, WIRE_ROLE_GATEWAY, 1, 1, limit_order_fields),
    RECIPE(WIRE_NEW_ORDER, wire_new_order, WIRE_ROLE_GATEWAY, 1, 1, limit_order_fields),
    RECIPE(WIRE_NEW_ORDER, wire_new_order, WIRE_ROLE_GATEWAY, 1, 1, limit_order_fields),
    RECIPE(WIRE_NEW_ORDER, wire_new_order, WIRE_ROLE_GATEWAY, 1, 1, limit_order_fields),
    RECIPE(WIRE_NEW_ORDER, wire_new_order, WIRE_ROLE_GATEWAY, 1, 1, limit_order_fields),
    RECIPE(WIRE_NEW_ORDER, wire_new_order, WIRE_ROLE_GATEWAY, 1, 1, iceberg_fields),
    RECIPE(WIRE_NEW_ORDER, wire_new_order, WIRE_ROLE_GATEWAY, 1, 1, iceberg_fields),
    RECIPE(WIRE_NEW_ORDER, wire_new_order, WIRE_ROLE_GATEWAY, 1, 1, stop_fields),
    RECIPE(WIRE_NEW_ORDER, wire_new_order, WIRE_ROLE_GATEWAY, 1, 1, stop_fields),
    RECIPE(WIRE_NEW_ORDER, wire_new_order, WIRE_ROLE_GATEWAY, 1, 1, new_order_fields),
    RECIPE(WIRE_NEW_ORDER, wire_new_order, WIRE_ROLE_GATEWAY, 1, 1, new_order_fields),
    RECIPE(WIRE_CANCEL_ORDER, wire_cancel_order, WIRE_ROLE_GATEWAY, 1, 0, cancel_fields),
    RECIPE(WIRE_CANCEL_ORDER, wire_cancel_order, WIRE_ROLE_GATEWAY, 1, 0, cancel_fields),
    RECIPE(WIRE_REPLACE_ORDER, wire_replace_order, WIRE_ROLE_GATEWAY, 1, 1, replace_fields),
    RECIPE(WIRE_REPLACE_ORDER, wire_replace_order, WIRE_ROLE_GATEWAY, 1, 1, replace_fields),
    RECIPE(WIRE_MASS_CANCEL, wire_mass_cancel, WIRE_ROLE_GATEWAY, 1, 0, mass_cancel_fields),
    RECIPE(WIRE_SESSION_ATTACH, wire_session_attach, WIRE_ROLE_GATEWAY, 0, 0, attach_fields),
    RECIPE(WIRE_CREDIT, wire_credit, WIRE_ROLE_SETTLEMENT, 0, 0, credit_fields),
    RECIPE(WIRE_TRADING_STATE_SET, wire_trading_state_set, WIRE_ROLE_ADMIN, 0, 0, trading_state_fields),
    RECIPE(WIRE_END_OF_DAY, wire_end_of_day, WIRE_ROLE_ADMIN, 0, 0, end_of_day_fields),
    RECIPE(WIRE_CHECKPOINT, wire_checkpoint, WIRE_ROLE_SETTLEMENT, 0, 0, checkpoint_fields),
    RECIPE(WIRE_SETTLEMENT_STATUS, wire_settlement_status, WIRE_ROLE_SETTLEMENT, 0, 0, settlement_fields),
    RECIPE(WIRE_PHASE_SET, wire_phase_set, WIRE_ROLE_ADMIN, 0, 0, phase_fields),
    RECIPE(WIRE_PHASE_SET, wire_phase_set, WIRE_ROLE_ADMIN, 0, 0, phase_fields),
    RECIPE(WIRE_SCHEDULE_SET, wire_schedule_set, WIRE_ROLE_INTERNAL, 0, 0, schedule_fields),
    RECIPE(WIRE_REFERENCE_PRICE_SET, wire_reference_price_set, WIRE_ROLE_ADMIN, 0, 0, reference_price_fields),
    RECIPE(WIRE_TICK_BAND_SET, wire_tick_band_set, WIRE_ROLE_INTERNAL, 0, 0, tick_band_fields),
    RECIPE(WIRE_FEE_SCHEDULE_SET, wire_fee_schedule_set, WIRE_ROLE_INTERNAL, 0, 0, fee_schedule_fields),
    RECIPE(WIRE_RISK_LIMITS_SET, wire_risk_limits_set, WIRE_ROLE_INTERNAL, 0, 0, risk_limits_fields),
    RECIPE(WIRE_MARKET_MAKER_PROTECTION_SET, wire_market_maker_protection_set, WIRE_ROLE_INTERNAL, 0, 0,
           protection_fields),
    RECIPE(WIRE_MARKET_MAKER_PROTECTION_RESET, wire_market_maker_protection_reset, WIRE_ROLE_ADMIN, 0, 0,
           protection_reset_fields),
    RECIPE(WIRE_KILL_SWITCH_SET, wire_kill_switch_set, WIRE_ROLE_ADMIN, 0, 0, kill_switch_fields),
    RECIPE(WIRE_OPERATOR_CANCEL, wire_operator_cancel, WIRE_ROLE_ADMIN, 0, 0, operator_cancel_fields),
    RECIPE(WIRE_TRANSFER, wire_transfer, WIRE_ROLE_ADMIN, 0, 0, transfer_fields),
    RECIPE(WIRE_TRADE_BUST, wire_trade_bust, WIRE_ROLE_ADMIN, 0, 0, bust_fields),
    RECIPE(WIRE_LIMITS_SET, wire_limits_set, WIRE_ROLE_INTERNAL, 0, 0, limits_fields),
    RECIPE(WIRE_ACCOUNT_SET, wire_account_set, WIRE_ROLE_INTERNAL, 0, 0, account_fields),
    RECIPE(WIRE_SESSION_SET, wire_session_set, WIRE_ROLE_INTERNAL, 0, 0, session_fields),
    RECIPE(WIRE_ASSET_SET, wire_asset_set, WIRE_ROLE_INTERNAL, 0, 0, asset_fields),
    RECIPE(WIRE_INSTRUMENT_SET, wire_instrument_set, WIRE_ROLE_INTERNAL, 0, 0, instrument_fields),
    {WIRE_CLOCK_TICK, 0, WIRE_ROLE_INTERNAL, 0, 0, NULL, 0},
    {WIRE_CLOCK_TICK, 0, WIRE_ROLE_INTERNAL, 0, 0, NULL, 0},
};
enum { RECIPES = sizeof recipes / sizeof recipes[0] };

/* What a gateway, settlement and operators would remember. */
struct run {
    struct core *core;
    uint8_t *out;
    size_t out_size;
    uint64_t sequence;
    uint64_t time_ns;
    uint64_t deposit_seq;
    uint64_t transfer_seq;
    uint64_t clordids;
    uint64_t last_trade;
    uint64_t last_order;
    uint32_t day;
    uint32_t generation[SESSIONS + 1];
    uint32_t session_epoch[SESSIONS + 1];
    uint64_t client_seq[SESSIONS + 1];
};

struct input {
    const uint8_t *bytes;
    size_t left;
};

static uint8_t take(struct input *input) {
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->bytes++;
}

static void require(int condition) {
    if (!condition) {
        abort();
    }
}

static void learn_attached(struct run *run, const uint8_t *message) {
    struct wire_session_attached attached;
    memcpy(&attached, message + sizeof(struct wire_header), sizeof attached);
    if (attached.session <= SESSIONS) {
        run->generation[attached.session] = attached.generation;
        run->session_epoch[attached.session] = attached.session_epoch;
        run->client_seq[attached.session] = attached.last_client_seq;
    }
}

/* Reads the events of one apply, which must fill exactly what was written. */
static void learn(struct run *run, size_t written, uint32_t events) {
    size_t offset = 0;
    for (uint32_t number = 0; number < events; number++) {
        struct frame_entry entry;
        struct wire_header header;
        memcpy(&entry, run->out + offset, sizeof entry);
        const uint8_t *message = run->out + offset + sizeof entry;
        memcpy(&header, message, sizeof header);
        if (header.template_id == WIRE_SESSION_ATTACHED) {
            learn_attached(run, message);
        } else if (header.template_id == WIRE_TRADE) {
            memcpy(&run->last_trade, message + sizeof header, sizeof run->last_trade);
        } else if (header.template_id == WIRE_ORDER_ACCEPTED) {
            memcpy(&run->last_order, message + sizeof header + offsetof(struct wire_order_accepted, order_id),
                   sizeof run->last_order);
        } else if (header.template_id == WIRE_CREDITED) {
            run->deposit_seq++;
        } else if (header.template_id == WIRE_TRANSFERRED) {
            run->transfer_seq++;
        }
        offset += frame_entry_size(entry.size);
    }
    require(offset == written);
}

static void apply(struct run *run, const uint8_t *message, uint32_t size) {
    size_t written = 0;
    uint32_t events = 0;
    const size_t room = core_output_max(run->core);
    if (room > run->out_size) {
        free(run->out);
        run->out = aligned_alloc(64, (room + 63) / 64 * 64);
        run->out_size = room;
        require(run->out != NULL);
    }
    run->sequence++;
    require(core_apply(run->core, run->sequence, 1, run->time_ns, message, size, run->out, run->out_size, &written,
                       &events) == CORE_OK);
    learn(run, written, events);
}

static void send(struct run *run, uint8_t role, const uint8_t *message, uint32_t size) {
    struct wire_header header = {0};
    for (unsigned stage = 0; stage < 3; stage++) {
        core_prefetch(run->core, message, size, stage);
    }
    const struct core_check check = core_check(run->core, role, message, size);
    if (check.verdict != CORE_APPLY) {
        return;
    }
    memcpy(&header, message, sizeof header);
    if (header.template_id == WIRE_EPOCH_START || header.template_id == WIRE_STATE_HASH) {
        return;
    }
    if (check.session >= 1 && check.session <= SESSIONS) {
        run->client_seq[check.session] = check.client_seq;
    }
    apply(run, message, size);
    const struct wire_header more = {0, WIRE_CONTINUE, WIRE_SCHEMA_ID, WIRE_SCHEMA_VERSION};
    for (unsigned parts = 0; core_pending(run->core); parts++) {
        require(parts < 100000);
        apply(run, (const uint8_t *)&more, sizeof more);
    }
}

static uint32_t build(uint8_t *message, uint16_t template_id, const void *block, uint16_t block_size, int data) {
    const struct wire_header header = {block_size, template_id, WIRE_SCHEMA_ID, WIRE_SCHEMA_VERSION};
    memcpy(message, &header, sizeof header);
    memcpy(message + sizeof header, block, block_size);
    uint32_t size = (uint32_t)sizeof header + block_size;
    if (data) {
        message[size++] = 0;
        message[size++] = 0;
    }
    return size;
}

static struct wire_instrument_set usual_instrument(uint32_t instrument) {
    return (struct wire_instrument_set){
        .instrument = instrument,
        .base = instrument == 1 ? 1 : 2,
        .quote = 3,
        .tick_units = 10,
        .lot_units = 100,
        .price_min_ticks = 2,
        .price_max_ticks = 300,
        .quantity_max_lots = 30,
        .notional_max_units = 90000,
        .protection_ticks = 2,
        .maker_fee_ppm = -200,
        .taker_fee_ppm = 1500,
        .tick_exponent = 1,
        .lot_exponent = 6,
        .tick_mantissa = 1,
        .lot_mantissa = 1,
    };
}

static void send_internal(struct run *run, uint16_t template_id, const void *block, uint16_t size) {
    _Alignas(8) uint8_t message[MESSAGE_MAX];
    send(run, WIRE_ROLE_INTERNAL, message, build(message, template_id, block, size, 0));
}

static void open_market(struct run *run) {
    _Alignas(8) uint8_t message[MESSAGE_MAX];
    const struct wire_epoch_start start = {.epoch = 1, .rules_version = 2};
    apply(run, message, build(message, WIRE_EPOCH_START, &start, sizeof start, 0));
    const struct wire_limits_set limits = {.max_orders = 64,
                                           .max_price_pages = 16,
                                           .max_open_orders_per_session = 60,
                                           .max_clordids = 256,
                                           .max_fills_per_command = 3,
                                           .max_events_per_part = 25,
                                           .max_bustable_trades = 32};
    send_internal(run, WIRE_LIMITS_SET, &limits, sizeof limits);
    for (uint32_t asset = 1; asset <= 3; asset++) {
        const struct wire_asset_set set = {.asset = asset, .decimals = 6};
        send_internal(run, WIRE_ASSET_SET, &set, sizeof set);
    }
    for (uint32_t instrument = 1; instrument <= 2; instrument++) {
        const struct wire_instrument_set set = usual_instrument(instrument);
        send_internal(run, WIRE_INSTRUMENT_SET, &set, sizeof set);
    }
    for (uint32_t account = 1; account <= 6; account++) {
        const struct wire_account_set set = {.account = account,
                                             .participant = account == 1 || account == 6 ? 3 : (account - 2) / 2 + 1,
                                             .kind = account == 1   ? WIRE_ACCOUNT_KIND_FEE
                                                     : account == 6 ? WIRE_ACCOUNT_KIND_LENDER
                                                                    : WIRE_ACCOUNT_KIND_CLIENT,
                                             .enabled = 1};
        send_internal(run, WIRE_ACCOUNT_SET, &set, sizeof set);
    }
    for (uint32_t session = 1; session <= SESSIONS; session++) {
        const struct wire_session_set set = {.session = session, .participant = session == 3 ? 2 : 1, .enabled = 1};
        send_internal(run, WIRE_SESSION_SET, &set, sizeof set);
        const struct wire_session_attach attach = {.session = session, .gateway = 7, .token = session};
        send_internal(run, WIRE_SESSION_ATTACH, &attach, sizeof attach);
    }
    for (uint32_t account = 2; account <= 6; account++) {
        for (uint32_t asset = 1; asset <= 3; asset++) {
            const struct wire_credit credit = {
                .account = account, .asset = asset, .amount_units = 20000, .deposit_seq = run->deposit_seq + 1};
            send_internal(run, WIRE_CREDIT, &credit, sizeof credit);
        }
    }
}

static void put(uint8_t *block, const struct field *field, int64_t value) {
    memcpy(block + field->offset, &value, field->size); /* little-endian */
}

/* The start of every client command; their first fields are the same. */
static void chain(struct run *run, uint8_t *block, uint32_t session) {
    const uint32_t words[4] = {session, run->session_epoch[session], run->generation[session], 7};
    const uint64_t numbers[2] = {run->client_seq[session] + 1, run->client_seq[session]};
    memcpy(block, words, sizeof words);
    memcpy(block + sizeof words, numbers, sizeof numbers);
}

/* A ClOrdID of its own, or now and then one that was used before. */
static void name(struct run *run, char clordid[36], uint8_t choice) {
    const uint64_t number = choice < 8 && run->clordids > choice ? run->clordids - choice : ++run->clordids;
    memset(clordid, 0, 36);
    for (unsigned place = 0; place < 16; place++) {
        clordid[place] = (char)('A' + (number >> 4 * place & 15));
    }
}

/* What is right only for this very moment. */
static void complete(struct run *run, const struct recipe *recipe, uint8_t *block, struct input *input) {
    const uint8_t choice = take(input);
    if (recipe->client) {
        chain(run, block, 1 + choice % SESSIONS);
    }
    switch (recipe->template_id) {
    case WIRE_NEW_ORDER: {
        struct wire_new_order *order = (struct wire_new_order *)block;
        name(run, order->clordid, take(input));
        if (order->time_in_force == WIRE_TIME_IN_FORCE_GOOD_TILL_DATE) {
            order->expire_ns = run->time_ns + 1000000U * choice;
        }
        order->account = (choice % SESSIONS == 2 ? 4U : 2U) + order->account % 2;
        break;
    }
    case WIRE_CANCEL_ORDER: {
        struct wire_cancel_order *cancel = (struct wire_cancel_order *)block;
        name(run, cancel->clordid, 255);
        cancel->order_id = run->last_order - take(input) % 8;
        break;
    }
    case WIRE_REPLACE_ORDER: {
        struct wire_replace_order *replace = (struct wire_replace_order *)block;
        name(run, replace->clordid, take(input));
        replace->order_id = run->last_order - take(input) % 8;
        break;
    }
    case WIRE_MASS_CANCEL:
        name(run, ((struct wire_mass_cancel *)block)->clordid, 255);
        break;
    case WIRE_CREDIT:
        ((struct wire_credit *)block)->deposit_seq = run->deposit_seq + 1;
        ((struct wire_credit *)block)->amount_units *= 97;
        break;
    case WIRE_TRANSFER:
        ((struct wire_transfer *)block)->transfer_seq = run->transfer_seq + 1;
        break;
    case WIRE_TRADE_BUST:
        ((struct wire_trade_bust *)block)->trade_id = run->last_trade - take(input) % 4;
        break;
    case WIRE_END_OF_DAY:
        ((struct wire_end_of_day *)block)->day = ++run->day;
        break;
    case WIRE_PHASE_SET: {
        struct wire_phase_set *phase = (struct wire_phase_set *)block;
        const int is_call = phase->phase == 2 || phase->phase == 5 || phase->phase == 7;
        phase->end_ns = is_call && choice % 2 ? run->time_ns + 1000000U * (choice + 1U) : 0;
        break;
    }
    case WIRE_INSTRUMENT_SET: {
        const struct wire_instrument_set *drawn = (struct wire_instrument_set *)block;
        struct wire_instrument_set set = usual_instrument(drawn->instrument);
        set.protection_ticks = drawn->protection_ticks;
        set.maker_fee_ppm = drawn->maker_fee_ppm;
        set.taker_fee_ppm = drawn->taker_fee_ppm;
        set.quantity_min_lots = drawn->quantity_min_lots;
        set.static_band_ppm = drawn->static_band_ppm * 20000;
        set.dynamic_band_ppm = drawn->dynamic_band_ppm * 30000;
        set.volatility_auction_ms = drawn->volatility_auction_ms * 50;
        set.initial_phase = drawn->initial_phase;
        memcpy(block, &set, sizeof set);
        break;
    }
    default:
        break;
    }
}

/* Overwrites part of the message with something senseless. */
static void damage(uint8_t *message, uint32_t *size, struct input *input) {
    const uint8_t kind = take(input);
    const uint32_t at = take(input) % *size;
    switch (kind % 4) {
    case 0:
        message[at] = take(input);
        break;
    case 1: {
        const uint64_t odd[6] = {0, UINT64_MAX, INT64_MAX, (uint64_t)INT64_MIN, 1, UINT32_MAX};
        const uint64_t value = odd[take(input) % 6];
        const size_t width = at / 8 * 8 + 8 <= *size ? 8 : *size - at / 8 * 8;
        memcpy(message + at / 8 * 8, &value, width);
        break;
    }
    case 2:
        *size = at;
        break;
    default:
        message[*size] = take(input);
        *size += 1;
        break;
    }
}

static void step(struct run *run, struct input *input) {
    _Alignas(8) uint8_t message[MESSAGE_MAX] = {0};
    const uint8_t choice = take(input);
    run->time_ns += choice % 5 == 0 ? 1000000U * take(input) : 1000;
    if (choice >= 248) { /* bytes as they are */
        const uint8_t role = take(input) % 5;
        uint32_t size = take(input);
        for (uint32_t i = 0; i < size; i++) {
            message[i] = take(input);
        }
        send(run, role, message, size);
        return;
    }
    const struct recipe *recipe = &recipes[choice % RECIPES];
    _Alignas(8) uint8_t block[512] = {0};
    for (size_t i = 0; i < recipe->field_count; i++) {
        const struct field *field = &recipe->fields[i];
        put(block, field, field->base + take(input) % field->range);
    }
    complete(run, recipe, block, input);
    uint32_t size = build(message, recipe->template_id, block, recipe->block_size, recipe->data);
    const uint8_t spoil = take(input);
    for (uint8_t i = 0; i < spoil % 16 && spoil >= 240; i++) {
        if (size > 0) {
            damage(message, &size, input);
        }
    }
    send(run, spoil == 239 ? (uint8_t)(spoil % 5) : recipe->role, message, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct core_capacity capacity = {.orders = 64,
                                           .price_pages = 16,
                                           .clordids = 256,
                                           .accounts = 8,
                                           .assets = 4,
                                           .instruments = 3,
                                           .sessions = 4,
                                           .trades = 32};
    struct run run = {.core = core_new(&capacity), .time_ns = UINT64_C(1767225600000000000)};
    struct input input = {data, size};
    uint64_t hash[2];
    require(run.core != NULL);
    open_market(&run);
    for (unsigned commands = 0; input.left > 0 && commands < COMMANDS_MAX; commands++) {
        step(&run, &input);
        if (commands % AUDIT_EVERY == 0) {
            require(core_audit(run.core) == 0);
        }
    }
    require(core_audit(run.core) == 0);
    core_hash(run.core, hash);
    core_free(run.core);
    free(run.out);
    return 0;
}
