/* Dormant orders: stops in their ladders, and at-the-close orders parked before their auction (docs/ENGINE.md section
   6). Orders are named by their index. */
#ifndef VENUE_STOP_H
#define VENUE_STOP_H

#include "state.h"

/* Sets ORDER_DORMANT and priority := this command; the order joins the back of its stop level, or of its instrument's
   parked list, and is listed (order_list). It stands nowhere before. displayed_lots := 0 in its terms. instrument.stops
   counts the former. */
void dormant_join(struct core *core, uint32_t index);

/* Takes a dormant order out of its ladder or list; ORDER_DORMANT stays set. */
void dormant_leave(struct core *core, uint32_t index);

/* A dormant order is about to have fewer leaves in its place: its level holds fewer lots. */
void dormant_reduce(struct core *core, uint32_t index, int64_t lots);

/* Leaving for good: it goes on as an order that stands nowhere, ORDER_DORMANT cleared. */
void dormant_wake(struct core *core, uint32_t index);

/* OrderTriggered of the order as it stands; what rests is filled in later. */
struct wire_order_triggered *order_triggered(struct core *core, uint32_t index);

/* The ladder a stop waits in. */
struct ladder *stop_ladder_of(const struct core *core, uint32_t index);

/* True when some stop of the instrument is elected by trigger_high, trigger_low or the reference price. */
bool stop_elected(const struct core *core, uint32_t instrument);

/* The order whose turn it is: buys by last trade, sells by last trade, buys by reference, sells by reference; 0: none.
 */
uint32_t stop_first_elected(const struct core *core, uint32_t instrument);

/* True when a stop with this side, trigger and price would be elected by the prices as they are: those are refused. */
bool would_trigger_at_once(const struct instrument *instrument, uint8_t side, uint8_t trigger,
                           int64_t stop_price_ticks);

/* The Stops job of the instrument in `election`: becomes the job at work and runs its first slice; a further slice. */
void stops_start(struct core *core);
void stops_go_on(struct core *core);

/* The end of a part (docs/ENGINE.md section 6): `core->traded` traded in it. Called when that is not 0 and no job is at
   work. */
void stops_at_end_of_part(struct core *core);

#endif
