/* One table says how long each command's block is and whether varData follows; everything else is malformed. */
#include "message.h"

#define SHAPE(template, length, varies)                                                                                \
    [template] = {(uint64_t)(length) | (uint64_t)(template) << 16 | (uint64_t)WIRE_SCHEMA_ID << 32, length, varies}

const struct message_shape MESSAGE_SHAPES[MESSAGE_SHAPES_COUNT] = {
    SHAPE(WIRE_EPOCH_START, sizeof(struct wire_epoch_start), false),
    SHAPE(WIRE_LIMITS_SET, sizeof(struct wire_limits_set), false),
    SHAPE(WIRE_ASSET_SET, sizeof(struct wire_asset_set), false),
    SHAPE(WIRE_INSTRUMENT_SET, sizeof(struct wire_instrument_set), false),
    SHAPE(WIRE_ACCOUNT_SET, sizeof(struct wire_account_set), false),
    SHAPE(WIRE_SESSION_SET, sizeof(struct wire_session_set), false),
    SHAPE(WIRE_CREDIT, sizeof(struct wire_credit), false),
    SHAPE(WIRE_TRADING_STATE_SET, sizeof(struct wire_trading_state_set), false),
    SHAPE(WIRE_END_OF_DAY, sizeof(struct wire_end_of_day), false),
    SHAPE(WIRE_CONTINUE, 0, false),
    SHAPE(WIRE_CHECKPOINT, sizeof(struct wire_checkpoint), false),
    SHAPE(WIRE_SETTLEMENT_STATUS, sizeof(struct wire_settlement_status), false),
    SHAPE(WIRE_SESSION_ATTACH, sizeof(struct wire_session_attach), false),
    SHAPE(WIRE_NEW_ORDER, sizeof(struct wire_new_order), true),
    SHAPE(WIRE_CANCEL_ORDER, sizeof(struct wire_cancel_order), false),
    SHAPE(WIRE_REPLACE_ORDER, sizeof(struct wire_replace_order), true),
    SHAPE(WIRE_STATE_HASH, sizeof(struct wire_state_hash), false),
    SHAPE(WIRE_MASS_CANCEL, sizeof(struct wire_mass_cancel), false),
    SHAPE(WIRE_PHASE_SET, sizeof(struct wire_phase_set), false),
    SHAPE(WIRE_SCHEDULE_SET, sizeof(struct wire_schedule_set), false),
    SHAPE(WIRE_REFERENCE_PRICE_SET, sizeof(struct wire_reference_price_set), false),
    SHAPE(WIRE_TICK_BAND_SET, sizeof(struct wire_tick_band_set), false),
    SHAPE(WIRE_FEE_SCHEDULE_SET, sizeof(struct wire_fee_schedule_set), false),
    SHAPE(WIRE_RISK_LIMITS_SET, sizeof(struct wire_risk_limits_set), false),
    SHAPE(WIRE_MARKET_MAKER_PROTECTION_SET, sizeof(struct wire_market_maker_protection_set), false),
    SHAPE(WIRE_MARKET_MAKER_PROTECTION_RESET, sizeof(struct wire_market_maker_protection_reset), false),
    SHAPE(WIRE_KILL_SWITCH_SET, sizeof(struct wire_kill_switch_set), false),
    SHAPE(WIRE_OPERATOR_CANCEL, sizeof(struct wire_operator_cancel), false),
    SHAPE(WIRE_TRANSFER, sizeof(struct wire_transfer), false),
    SHAPE(WIRE_TRADE_BUST, sizeof(struct wire_trade_bust), false),
    SHAPE(WIRE_CLOCK_TICK, 0, false),
};

/* varData of exactly `size` bytes. */
static bool read_echo(const uint8_t *bytes, uint32_t size, struct echo *echo) {
    uint16_t length = 0;
    if (size < sizeof length) {
        return false;
    }
    memcpy(&length, bytes, sizeof length);
    *echo = (struct echo){.bytes = bytes + sizeof length, .size = length};
    return length <= WIRE_DATA_MAX && size == sizeof length + length;
}

bool message_read_any(const uint8_t *bytes, uint32_t size, union command *copy, struct message *message) {
    struct wire_header header;
    *message = (struct message){.command = copy};
    if (size < sizeof header) {
        return false;
    }
    memcpy(&header, bytes, sizeof header);
    message->template_id = header.template_id;
    if (header.schema_id != WIRE_SCHEMA_ID || header.template_id >= MESSAGE_SHAPES_COUNT) {
        return false;
    }
    const struct message_shape *shape = &MESSAGE_SHAPES[header.template_id];
    const uint32_t rest = size - (uint32_t)sizeof header;
    if (shape->head == 0 || header.block_length < shape->block_length || rest < header.block_length) {
        return false;
    }
    const uint8_t *block = bytes + sizeof header;
    memcpy(copy, block, shape->block_length);
    if (shape->echo) {
        return read_echo(block + header.block_length, rest - header.block_length, &message->echo);
    }
    return rest == header.block_length;
}
