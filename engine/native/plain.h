/* The short way for the usual request (plain.c). Both say false, and have changed nothing, when it is not one: then
   order.c judges it from the start. */
#ifndef VENUE_PLAIN_H
#define VENUE_PLAIN_H

#include "state.h"

bool plain_new_order(struct core *core, const struct wire_new_order *command, struct echo echo);
bool plain_replace(struct core *core, const struct wire_replace_order *command, struct echo echo);
bool plain_cancel(struct core *core, const struct wire_cancel_order *command);

/* True when no field is set that few orders have: what is said about those fields then holds without a look. Bytes of
 * reserve count as set. */
static inline bool plain_fields(const struct wire_new_order *command) {
    uint64_t flags = 0;
    memcpy(&flags, (const uint8_t *)command + offsetof(struct wire_new_order, trigger), sizeof flags);
    return ((uint64_t)command->stop_price_ticks | (uint64_t)command->display_lots | (uint64_t)command->min_lots |
            command->expire_ns | flags) == 0;
}

#endif
