/* One table says how long each command's block is and whether varData follows; everything else is malformed. */
#include "message.h"

#include <string.h>

struct shape {
    uint16_t block_length;
    bool command;
    bool echo;
};

static const struct shape SHAPES[] = {
    [WIRE_EPOCH_START] = {sizeof(struct wire_epoch_start), true, false},
    [WIRE_LIMITS_SET] = {sizeof(struct wire_limits_set), true, false},
    [WIRE_ASSET_SET] = {sizeof(struct wire_asset_set), true, false},
    [WIRE_INSTRUMENT_SET] = {sizeof(struct wire_instrument_set), true, false},
    [WIRE_ACCOUNT_SET] = {sizeof(struct wire_account_set), true, false},
    [WIRE_SESSION_SET] = {sizeof(struct wire_session_set), true, false},
    [WIRE_CREDIT] = {sizeof(struct wire_credit), true, false},
    [WIRE_TRADING_STATE_SET] = {sizeof(struct wire_trading_state_set), true, false},
    [WIRE_END_OF_DAY] = {sizeof(struct wire_end_of_day), true, false},
    [WIRE_CONTINUE] = {0, true, false},
    [WIRE_CHECKPOINT] = {sizeof(struct wire_checkpoint), true, false},
    [WIRE_SETTLEMENT_STATUS] = {sizeof(struct wire_settlement_status), true, false},
    [WIRE_SESSION_ATTACH] = {sizeof(struct wire_session_attach), true, false},
    [WIRE_NEW_ORDER] = {sizeof(struct wire_new_order), true, true},
    [WIRE_CANCEL_ORDER] = {sizeof(struct wire_cancel_order), true, false},
    [WIRE_REPLACE_ORDER] = {sizeof(struct wire_replace_order), true, true},
    [WIRE_STATE_HASH] = {sizeof(struct wire_state_hash), true, false},
    [WIRE_MASS_CANCEL] = {sizeof(struct wire_mass_cancel), true, false},
    [WIRE_PHASE_SET] = {sizeof(struct wire_phase_set), true, false},
    [WIRE_SCHEDULE_SET] = {sizeof(struct wire_schedule_set), true, false},
    [WIRE_REFERENCE_PRICE_SET] = {sizeof(struct wire_reference_price_set), true, false},
    [WIRE_TICK_BAND_SET] = {sizeof(struct wire_tick_band_set), true, false},
    [WIRE_FEE_SCHEDULE_SET] = {sizeof(struct wire_fee_schedule_set), true, false},
    [WIRE_RISK_LIMITS_SET] = {sizeof(struct wire_risk_limits_set), true, false},
    [WIRE_MARKET_MAKER_PROTECTION_SET] = {sizeof(struct wire_market_maker_protection_set), true, false},
    [WIRE_MARKET_MAKER_PROTECTION_RESET] = {sizeof(struct wire_market_maker_protection_reset), true, false},
    [WIRE_KILL_SWITCH_SET] = {sizeof(struct wire_kill_switch_set), true, false},
    [WIRE_OPERATOR_CANCEL] = {sizeof(struct wire_operator_cancel), true, false},
    [WIRE_TRANSFER] = {sizeof(struct wire_transfer), true, false},
    [WIRE_TRADE_BUST] = {sizeof(struct wire_trade_bust), true, false},
    [WIRE_CLOCK_TICK] = {0, true, false},
};

enum { SHAPE_COUNT = sizeof SHAPES / sizeof SHAPES[0] };

static bool read_echo(const uint8_t *bytes, uint32_t size, struct echo *echo) {
    uint16_t length = 0;
    if (size < sizeof length) {
        return false;
    }
    memcpy(&length, bytes, sizeof length);
    *echo = (struct echo){.bytes = bytes + sizeof length, .size = length};
    return length <= WIRE_DATA_MAX && size == sizeof length + length;
}

bool message_read(const uint8_t *bytes, uint32_t size, union command *copy, struct message *message) {
    struct wire_header header;
    message->template_id = 0;
    message->echo = (struct echo){0};
    if (size < sizeof header) {
        return false;
    }
    memcpy(&header, bytes, sizeof header);
    message->template_id = header.template_id;
    if (header.schema_id != WIRE_SCHEMA_ID || header.template_id >= SHAPE_COUNT) {
        return false;
    }
    const struct shape *shape = &SHAPES[header.template_id];
    const uint32_t rest = size - (uint32_t)sizeof header;
    if (!shape->command || header.block_length < shape->block_length || rest < header.block_length) {
        return false;
    }
    const uint8_t *block = bytes + sizeof header;
    if ((uintptr_t)block % _Alignof(union command) == 0) {
        message->command = (const void *)block;
    } else {
        memcpy(copy, block, shape->block_length);
        message->command = copy;
    }
    if (shape->echo) {
        return read_echo(block + header.block_length, rest - header.block_length, &message->echo);
    }
    return rest == header.block_length;
}
