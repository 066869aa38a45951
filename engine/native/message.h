/* Reading a command: an SBE message of any bytes at any address becomes a checked view, or nothing.

   Nothing outside `size` bytes is ever read. The fields are read where they are when they are aligned, else from a
   copy. */
#ifndef VENUE_MESSAGE_H
#define VENUE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wire.h"

/* varData that goes from a command to its event unread. */
struct echo {
    const uint8_t *bytes;
    uint16_t size;
};

/* The first fields of NewOrder, CancelOrder, ReplaceOrder and MassCancel. */
struct client_command {
    uint32_t session;
    uint32_t session_epoch;
    uint32_t generation;
    uint32_t gateway;
    uint64_t client_seq;
    uint64_t prev_client_seq;
};
_Static_assert(
    offsetof(struct wire_new_order, prev_client_seq) == offsetof(struct client_command, prev_client_seq) &&
        offsetof(struct wire_cancel_order, prev_client_seq) == offsetof(struct client_command, prev_client_seq) &&
        offsetof(struct wire_replace_order, prev_client_seq) == offsetof(struct client_command, prev_client_seq) &&
        offsetof(struct wire_mass_cancel, prev_client_seq) == offsetof(struct client_command, prev_client_seq),
    "client commands start alike");

/* Blocks of all commands. */
union command {
    struct client_command client;
    struct wire_epoch_start epoch_start;
    struct wire_limits_set limits_set;
    struct wire_asset_set asset_set;
    struct wire_instrument_set instrument_set;
    struct wire_account_set account_set;
    struct wire_session_set session_set;
    struct wire_credit credit;
    struct wire_trading_state_set trading_state_set;
    struct wire_end_of_day end_of_day;
    struct wire_checkpoint checkpoint;
    struct wire_settlement_status settlement_status;
    struct wire_session_attach session_attach;
    struct wire_new_order new_order;
    struct wire_cancel_order cancel_order;
    struct wire_replace_order replace_order;
    struct wire_state_hash state_hash;
    struct wire_mass_cancel mass_cancel;
    struct wire_phase_set phase_set;
    struct wire_schedule_set schedule_set;
    struct wire_reference_price_set reference_price_set;
    struct wire_tick_band_set tick_band_set;
    struct wire_fee_schedule_set fee_schedule_set;
    struct wire_risk_limits_set risk_limits_set;
    struct wire_market_maker_protection_set market_maker_protection_set;
    struct wire_market_maker_protection_reset market_maker_protection_reset;
    struct wire_kill_switch_set kill_switch_set;
    struct wire_operator_cancel operator_cancel;
    struct wire_transfer transfer;
    struct wire_trade_bust trade_bust;
};

/* A whole command. `command` points into the message, or into `copy`. */
struct message {
    const union command *command;
    struct echo echo;
    uint16_t template_id;
};

/* What a command of our own version looks like: its header without the version, and whether varData follows. 0: none of
 * ours. */
struct message_shape {
    uint64_t head; /* block length, template, schema: six bytes of the header */
    uint16_t block_length;
    bool echo;
};

enum { MESSAGE_SHAPES_COUNT = WIRE_CLOCK_TICK + 1 };
extern const struct message_shape MESSAGE_SHAPES[MESSAGE_SHAPES_COUNT];

/* The same for bytes that are not aligned, for a newer writer's longer blocks, and for what is no command. */
bool message_read_any(const uint8_t *bytes, uint32_t size, union command *copy, struct message *message);

/* False when the bytes are not exactly one command; template_id is set to what its header says, 0 when there is none.
   `copy` is used when the bytes are not aligned to 8. A newer writer's further fields are skipped. */
static inline bool message_read(const uint8_t *bytes, uint32_t size, union command *copy, struct message *message) {
    uint64_t header = 0;
    uint16_t length = 0;
    if (size < sizeof header || (uintptr_t)bytes % _Alignof(union command) != 0) {
        return message_read_any(bytes, size, copy, message);
    }
    memcpy(&header, bytes, sizeof header);
    const uint64_t head = header & UINT64_C(0xffffffffffff);
    const uint16_t template_id = (uint16_t)(header >> 16);
    /* Template 0 wraps round: it is no command, and its head of zeros is no message's. */
    if ((uint16_t)(template_id - 1U) >= MESSAGE_SHAPES_COUNT - 1 || head != MESSAGE_SHAPES[template_id].head) {
        return message_read_any(bytes, size, copy, message);
    }
    const struct message_shape *shape = &MESSAGE_SHAPES[template_id];
    const uint32_t whole = (uint32_t)sizeof header + shape->block_length;
    message->command = (const void *)(bytes + sizeof header);
    message->template_id = template_id;
    if (!shape->echo || size < whole + sizeof length) {
        message->echo = (struct echo){0};
        return !shape->echo && size == whole;
    }
    memcpy(&length, bytes + whole, sizeof length);
    message->echo = (struct echo){.bytes = bytes + whole + sizeof length, .size = length};
    return length <= WIRE_DATA_MAX && size == whole + sizeof length + length;
}

/* True for NewOrder, CancelOrder, ReplaceOrder and MassCancel. */
static inline bool message_is_client(uint16_t template_id) {
    return (template_id >= WIRE_NEW_ORDER && template_id <= WIRE_REPLACE_ORDER) || template_id == WIRE_MASS_CANCEL;
}

#endif
