/* A binary heap of GoodTillDate orders and three trees over the instruments: every change costs the logarithm of what
   there is, and the earliest time is read at once. */
#include "timer.h"

#include "match.h"
#include "phase.h"

static const uint64_t SECOND_NS = 1000000000;
static const uint64_t DAY_NS = UINT64_C(86400) * 1000000000;

void timers_lay_out(struct timers *timers, struct arena *arena, uint32_t orders, uint32_t instruments) {
    uint32_t leaves = 1;
    while (leaves <= instruments) {
        leaves *= 2;
    }
    timers->leaves = leaves;
    timers->heap = arena_take(arena, (uint64_t)orders + 1, sizeof(uint32_t));
    timers->ends.nodes = arena_take(arena, (uint64_t)leaves * 2, sizeof(uint64_t));
    timers->schedules.nodes = arena_take(arena, (uint64_t)leaves * 2, sizeof(uint64_t));
    timers->indicatives.nodes = arena_take(arena, (uint64_t)leaves * 2, sizeof(uint64_t));
}

/* The heap. */

static bool expires_before(const struct books *books, uint32_t one, uint32_t other) {
    const uint64_t one_ns = books->terms[one].expire_ns;
    const uint64_t other_ns = books->terms[other].expire_ns;
    return one_ns < other_ns || (one_ns == other_ns && order_id(books, one) < order_id(books, other));
}

static void put(struct core *core, uint32_t place, uint32_t index) {
    core->timers.heap[place] = index;
    core->books.terms[index].expiry_place = place;
}

/* Moves an order from where there is room for it to where it belongs. */
static void settle(struct core *core, uint32_t place, uint32_t index) {
    const uint32_t *heap = core->timers.heap;
    while (place > 1 && expires_before(&core->books, index, heap[place / 2])) {
        put(core, place, heap[place / 2]);
        place /= 2;
    }
    for (;;) {
        uint32_t child = place * 2;
        if (child < core->timers.count && expires_before(&core->books, heap[child + 1], heap[child])) {
            child++;
        }
        if (child > core->timers.count || !expires_before(&core->books, heap[child], index)) {
            break;
        }
        put(core, place, heap[child]);
        place = child;
    }
    put(core, place, index);
}

void expiry_add(struct core *core, uint32_t index) {
    if (core->books.terms[index].expiry_place == 0) {
        core->timers.count++;
        settle(core, core->timers.count, index);
    }
}

void expiry_remove(struct core *core, uint32_t index) {
    const uint32_t place = core->books.terms[index].expiry_place;
    if (place == 0) {
        return;
    }
    const uint32_t last = core->timers.heap[core->timers.count];
    core->timers.count--;
    core->books.terms[index].expiry_place = 0;
    if (last != index) {
        settle(core, place, last);
    }
}

void expiry_moved(struct core *core, uint32_t index) {
    const uint32_t place = core->books.terms[index].expiry_place;
    VENUE_ASSERT(place != 0, "an open order with another expiry is in the heap");
    settle(core, place, index);
}

/* The trees. */

static uint64_t earlier_of(const uint64_t *nodes, uint32_t node) {
    return nodes[node * 2] > nodes[node * 2 + 1] ? nodes[node * 2] : nodes[node * 2 + 1];
}

static void alarm_set(const struct alarms *alarms, uint32_t leaves, uint32_t instrument, uint64_t time_ns) {
    uint64_t *nodes = alarms->nodes;
    uint32_t node = leaves + instrument;
    nodes[node] = 0 - time_ns;
    for (node /= 2; node > 0; node /= 2) {
        const uint64_t earlier = earlier_of(nodes, node);
        if (nodes[node] == earlier) {
            return;
        }
        nodes[node] = earlier;
    }
}

static bool alarm_due(uint64_t node, uint64_t time_ns) {
    return node != 0 && 0 - node <= time_ns;
}

/* The lowest instrument whose time has come; 0 when there is none. */
static uint32_t alarm_first_due(const struct core *core, const struct alarms *alarms) {
    uint32_t node = 1;
    if (!alarm_due(alarms->nodes[node], core->time_ns)) {
        return 0;
    }
    while (node < core->timers.leaves) {
        node = alarm_due(alarms->nodes[node * 2], core->time_ns) ? node * 2 : node * 2 + 1;
    }
    return node - core->timers.leaves;
}

void timer_changed(struct core *core, uint32_t id) {
    const struct instrument *instrument = &core->instruments.instruments[id];
    alarm_set(&core->timers.ends, core->timers.leaves, id, instrument->end_ns);
    alarm_set(&core->timers.schedules, core->timers.leaves, id, instrument->next_schedule_ns);
    alarm_set(&core->timers.indicatives, core->timers.leaves, id, instrument->indicative_ns);
}

bool timers_in_step(const struct core *core) {
    const struct timers *timers = &core->timers;
    for (uint32_t id = 1; id <= core->instruments.capacity; id++) {
        const struct instrument *instrument = &core->instruments.instruments[id];
        if (timers->ends.nodes[timers->leaves + id] != 0 - instrument->end_ns ||
            timers->schedules.nodes[timers->leaves + id] != 0 - instrument->next_schedule_ns ||
            timers->indicatives.nodes[timers->leaves + id] != 0 - instrument->indicative_ns) {
            return false;
        }
    }
    for (uint32_t node = 1; node < timers->leaves; node++) {
        if (timers->ends.nodes[node] != earlier_of(timers->ends.nodes, node) ||
            timers->schedules.nodes[node] != earlier_of(timers->schedules.nodes, node) ||
            timers->indicatives.nodes[node] != earlier_of(timers->indicatives.nodes, node)) {
            return false;
        }
    }
    return true;
}

uint64_t timer_next_ns(const struct core *core) {
    const struct timers *timers = &core->timers;
    uint64_t earliest = timers->count == 0 ? 0 : 0 - core->books.terms[timers->heap[1]].expire_ns;
    const uint64_t roots[] = {timers->ends.nodes[1], timers->schedules.nodes[1], timers->indicatives.nodes[1]};
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        earliest = roots[i] > earliest ? roots[i] : earliest;
    }
    return 0 - earliest;
}

/* The schedule. */

uint64_t schedule_next_ns(const struct instrument *instrument, uint64_t time_ns) {
    const uint64_t midnight_ns = time_ns - time_ns % DAY_NS;
    uint64_t next_ns = 0;
    for (uint32_t i = 0; i < SCHEDULE_ENTRIES; i++) {
        const struct schedule_entry *entry = &instrument->schedule[i];
        uint64_t due_ns = midnight_ns + entry->second_of_day * SECOND_NS;
        due_ns += due_ns <= time_ns ? DAY_NS : 0;
        if (entry->phase != 0 && (next_ns == 0 || due_ns < next_ns)) {
            next_ns = due_ns;
        }
    }
    return next_ns;
}

/* The phase of the entry that was due last, the highest of several due at once. */
static uint8_t phase_due(const struct instrument *instrument, uint64_t time_ns) {
    const uint64_t into_day_ns = time_ns % DAY_NS;
    uint64_t shortest_ns = DAY_NS;
    uint8_t phase = 0;
    for (uint32_t i = 0; i < SCHEDULE_ENTRIES; i++) {
        const struct schedule_entry *entry = &instrument->schedule[i];
        const uint64_t second_ns = entry->second_of_day * SECOND_NS;
        const uint64_t ago_ns = into_day_ns - second_ns + (second_ns > into_day_ns ? DAY_NS : 0);
        if (entry->phase != 0 && ago_ns <= shortest_ns) {
            shortest_ns = ago_ns;
            phase = entry->phase;
        }
    }
    VENUE_ASSERT(phase != 0, "an instrument with a next entry has one");
    return phase;
}

/* ClockTick. */

static bool expiry_due(const struct core *core) {
    return core->timers.count > 0 && core->books.terms[core->timers.heap[1]].expire_ns <= core->time_ns;
}

static void expire_orders(struct core *core) {
    for (uint32_t expired = 0; expired < slice_events(core) && expiry_due(core); expired++) {
        cancel_open_order(core, core->timers.heap[1],
                          (struct cancel_cause){.reason = WIRE_REASON_EXPIRED_GOOD_TILL_DATE});
    }
}

static bool phase_possible(const struct core *core, const struct instrument *instrument, uint8_t phase) {
    return phase != WIRE_PHASE_CONTINUOUS || states_open(core, instrument);
}

static void end_auction(struct core *core, uint32_t id) {
    struct instrument *instrument = &core->instruments.instruments[id];
    const uint8_t phase = instrument->phase == WIRE_PHASE_CLOSING_AUCTION ? WIRE_PHASE_CLOSED : WIRE_PHASE_CONTINUOUS;
    if (!phase_possible(core, instrument, phase)) {
        instrument->end_ns = core->time_ns + SECOND_NS;
        market_changed(&core->instruments, id);
        timer_changed(core, id);
        return;
    }
    phase_change(core, &(struct phase_change){.instrument = id, .phase = phase, .cause = WIRE_PHASE_CAUSE_AUCTION_END});
}

static void follow_schedule(struct core *core, uint32_t id) {
    struct instrument *instrument = &core->instruments.instruments[id];
    const uint8_t phase = phase_due(instrument, core->time_ns);
    if (!phase_possible(core, instrument, phase)) {
        instrument->next_schedule_ns = core->time_ns + SECOND_NS;
        market_changed(&core->instruments, id);
        timer_changed(core, id);
        return;
    }
    instrument->next_schedule_ns = schedule_next_ns(instrument, core->time_ns);
    phase_change(core, &(struct phase_change){.instrument = id, .phase = phase, .cause = WIRE_PHASE_CAUSE_SCHEDULE});
}

static void tell_indicative(struct core *core, uint32_t id) {
    struct instrument *instrument = &core->instruments.instruments[id];
    const struct indicative now = auction_price(core, id);
    const struct indicative *last = &instrument->indicative;
    instrument->indicative_ns = 0;
    market_changed(&core->instruments, id);
    timer_changed(core, id);
    if (now.price_ticks == last->price_ticks && now.volume_lots == last->volume_lots &&
        now.surplus_lots == last->surplus_lots) {
        return;
    }
    instrument->indicative = now;
    struct wire_auction_indicative *event = event_begin(&core->events, WIRE_AUCTION_INDICATIVE, sizeof *event);
    event->instrument = id;
    event->phase = instrument->phase;
    event->price_ticks = now.price_ticks;
    event->volume_lots = now.volume_lots;
    event->surplus_lots = now.surplus_lots;
}

void apply_clock_tick(struct core *core) {
    uint32_t instrument = 0;
    if (expiry_due(core)) {
        expire_orders(core);
    } else if ((instrument = alarm_first_due(core, &core->timers.ends)) != 0) {
        end_auction(core, instrument);
    } else if ((instrument = alarm_first_due(core, &core->timers.schedules)) != 0) {
        follow_schedule(core, instrument);
    } else if ((instrument = alarm_first_due(core, &core->timers.indicatives)) != 0) {
        tell_indicative(core, instrument);
    }
}
