/* What becomes due by the clock: GoodTillDate expiries, ends of auctions, schedules, indicatives (docs/ENGINE.md
 * section 7, ClockTick). */
#ifndef VENUE_TIMER_H
#define VENUE_TIMER_H

#include "state.h"

void timers_lay_out(struct timers *timers, struct arena *arena, uint32_t orders, uint32_t instruments);

/* An open GoodTillDate order enters the heap (its terms' expire_ns set), leaves it, or has another expire_ns. The first
   two are called by order_list and order_unlist, for orders with ORDER_TERMS and an expire_ns; without effect when it
   is in the heap, or not in it. */
void expiry_add(struct core *core, uint32_t index);
void expiry_remove(struct core *core, uint32_t index);
void expiry_moved(struct core *core, uint32_t index);

/* Call after a change of the instrument's end_ns, next_schedule_ns or indicative_ns (market_changed is called by
 * whoever changes them). */
void timer_changed(struct core *core, uint32_t instrument);

/* The earliest time of all, 0 when there is none. */
uint64_t timer_next_ns(const struct core *core);

/* True when the trees say what the instruments say; for the audit. */
bool timers_in_step(const struct core *core);

/* The least t > time of the instrument's schedule; 0 when it has none. */
uint64_t schedule_next_ns(const struct instrument *instrument, uint64_t time_ns);

#endif
