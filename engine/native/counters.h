/* Slots of the engine's counters file: each is written by one thread and read by anybody, also when the engine hangs.
 */
#ifndef VENUE_COUNTERS_H
#define VENUE_COUNTERS_H

#include <stdint.h>

/* cffi-begin */
enum counter {
    COUNTER_LOOP_TURNS,
    COUNTER_LOOP_NS_MAX,
    COUNTER_COMMANDS,
    COUNTER_DUPLICATES,
    COUNTER_GAPS,
    COUNTER_REFUSED,
    COUNTER_MALFORMED,
    COUNTER_ANSWERS_DROPPED,
    COUNTER_RING_FULL_WAITS,
    COUNTER_SEQUENCE,
    COUNTER_EVENTS,
    COUNTER_EVENT_SEQUENCE,
    COUNTER_EPOCH,
    COUNTER_VENUE_STATE,
    COUNTER_ORDERS,
    COUNTER_CLOCK_JUMPS,
    COUNTER_JOURNAL_STATE, /* enum journal_state */
    COUNTER_JOURNAL_STATE_CHANGES,
    COUNTER_INTAKE_PAUSED_NS,
    COUNTER_JOURNAL_TURNS,
    COUNTER_COMMITS,
    COUNTER_COMMIT_NS_MAX,
    COUNTER_SYNCS,
    COUNTER_SYNC_NS_MAX,
    COUNTER_DURABLE_SEQUENCE,
    COUNTER_RELEASED_SEQUENCE,
    COUNTER_JOURNAL_BYTES,
    COUNTER_SEGMENTS,
    COUNTER_SEGMENT_WAITS,
    COUNTER_PUBLISHER_TURNS,
    COUNTER_PUBLISHED_SEQUENCE,
    COUNTER_CONSUMERS,
    COUNTER_CUT_OFF,
    COUNTER_REPLAYS
};
/* cffi-end */

static inline void counter_set(uint64_t *counters, enum counter counter, uint64_t value) {
    __atomic_store_n(&counters[counter], value, __ATOMIC_RELAXED);
}

/* Only for the counter's own thread. */
static inline void counter_add(uint64_t *counters, enum counter counter, uint64_t amount) {
    counter_set(counters, counter, counters[counter] + amount);
}

static inline void counter_raise(uint64_t *counters, enum counter counter, uint64_t value) {
    if (value > counters[counter]) {
        counter_set(counters, counter, value);
    }
}

#endif
