/* What becomes due by the clock: GoodTillDate expiries, ends of auctions, schedules, indicatives (docs/ENGINE.md section
 * 7, ClockTick). */
#ifndef VENUE_TIMER_H
#define VENUE_TIMER_H

#include "state.h"

void timers_lay_out(struct timers *timers, struct arena *arena, uint32_t orders);

/* An open GoodTillDate order enters the heap (its terms' expire_ns set), leaves it, or has another expire_ns. */
void expiry_add(struct core *core, uint32_t index);
void expiry_remove(struct core *core, uint32_t index);
void expiry_moved(struct core *core, uint32_t index);

/* One of the instrument's end_ns, next_schedule_ns or indicative_ns has changed. */
static inline void timer_changed(struct core *core) {
    core->timers.stale = true;
}

/* The least t > time of the instrument's schedule; 0 when it has none. */
uint64_t schedule_next_ns(const struct instrument *instrument, uint64_t time_ns);

#endif
