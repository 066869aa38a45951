/* Reading a command: an SBE message of any bytes at any address becomes a checked view, or nothing.

   Nothing outside `size` bytes is ever read, and fields are read from an aligned copy of the block. */
#ifndef VENUE_MESSAGE_H
#define VENUE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

/* varData that goes from a command to its event unread. */
struct echo {
    const uint8_t *bytes;
    uint16_t size;
};

struct message {
    uint16_t template_id;
    const uint8_t *block;
    struct echo echo;
};

/* The first fields of NewOrder, CancelOrder and ReplaceOrder. */
struct client_command {
    uint32_t session;
    uint32_t session_epoch;
    uint32_t generation;
    uint32_t gateway;
    uint64_t client_seq;
    uint64_t prev_client_seq;
};
_Static_assert(offsetof(struct wire_new_order, prev_client_seq) == offsetof(struct client_command, prev_client_seq) &&
                   offsetof(struct wire_cancel_order, prev_client_seq) ==
                       offsetof(struct client_command, prev_client_seq) &&
                   offsetof(struct wire_replace_order, prev_client_seq) ==
                       offsetof(struct client_command, prev_client_seq),
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
};

/* False when the bytes are not exactly one command; template_id is set to what its header says, 0 when there is none.
 */
bool message_read(const uint8_t *bytes, uint32_t size, struct message *message);

/* Copies the block's fields that we know; a newer writer's further fields are skipped. */
void message_block(const struct message *message, union command *command);

/* True for NewOrder, CancelOrder and ReplaceOrder. */
bool message_is_client(uint16_t template_id);

#endif
