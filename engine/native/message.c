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

bool message_read(const uint8_t *bytes, uint32_t size, struct message *message) {
    struct wire_header header;
    *message = (struct message){0};
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
    message->block = bytes + sizeof header;
    if (shape->echo) {
        return read_echo(message->block + header.block_length, rest - header.block_length, &message->echo);
    }
    return rest == header.block_length;
}

void message_block(const struct message *message, union command *command) {
    memcpy(command, message->block, SHAPES[message->template_id].block_length);
}

bool message_is_client(uint16_t template_id) {
    return template_id == WIRE_NEW_ORDER || template_id == WIRE_CANCEL_ORDER || template_id == WIRE_REPLACE_ORDER;
}
