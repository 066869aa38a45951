/* Dormant orders wait in order of price and time, so that looking whether one is elected is four comparisons. */
#include "stop.h"

#include "match.h"
#include "queue.h"

struct ladder *stop_ladder_of(const struct core *core, uint32_t index) {
    const struct order *order = &core->books.orders[index];
    const bool reference = (order->flags & ORDER_TRIGGER_REFERENCE) != 0;
    return stop_ladder(&core->books, order->instrument, order->side, reference);
}

static void park(struct core *core, uint32_t index) {
    struct order *order = &core->books.orders[index];
    struct instrument *instrument = instrument_of(core, index);
    order->next = 0;
    order->previous = instrument->parked_tail;
    if (instrument->parked_tail == 0) {
        instrument->parked_head = index;
    } else {
        core->books.orders[instrument->parked_tail].next = index;
    }
    instrument->parked_tail = index;
    core->auction_orders.parked[order->instrument]++;
}

static void unpark(struct core *core, uint32_t index) {
    struct order *order = &core->books.orders[index];
    struct instrument *instrument = instrument_of(core, index);
    VENUE_ASSERT((order->previous == 0) == (instrument->parked_head == index) &&
                     (order->next == 0) == (instrument->parked_tail == index),
                 "only the ends of the parked list have no neighbour");
    if (order->previous == 0) {
        instrument->parked_head = order->next;
    } else {
        core->books.orders[order->previous].next = order->next;
    }
    if (order->next == 0) {
        instrument->parked_tail = order->previous;
    } else {
        core->books.orders[order->next].previous = order->previous;
    }
    order->next = 0;
    order->previous = 0;
    core->auction_orders.parked[order->instrument]--;
}

void dormant_join(struct core *core, uint32_t index) {
    struct order *order = &core->books.orders[index];
    order->flags |= ORDER_DORMANT;
    order->priority = core->command_sequence;
    if ((order->flags & ORDER_ICEBERG) != 0) {
        order_terms_own(&core->books, index)->displayed_lots = 0;
    }
    if (order_is_stop(order_type(order))) {
        queue_join(&core->books, stop_ladder_of(core, index), core->books.terms[index].stop_price_ticks, index);
        instrument_of(core, index)->stops++;
    } else {
        park(core, index);
    }
    order_changed(&core->books, index);
    order_list(core, index);
}

void dormant_leave(struct core *core, uint32_t index) {
    if (!order_is_stop(order_type(&core->books.orders[index]))) {
        unpark(core, index);
        return;
    }
    queue_leave(&core->books, stop_ladder_of(core, index), core->books.terms[index].stop_price_ticks, index);
    instrument_of(core, index)->stops--;
}

void dormant_reduce(struct core *core, uint32_t index, int64_t lots) {
    if (order_is_stop(order_type(&core->books.orders[index]))) {
        const struct ladder *ladder = stop_ladder_of(core, index);
        const uint32_t tick = core->books.terms[index].stop_price_ticks;
        ladder_level(&core->books.pages, ladder, tick)->quantity_lots -= lots;
    }
}

/* The first of a ladder of buys when prices have been as high as `high_ticks`, of sells when as low as `low_ticks`; 0
 * when there is no price, or it elects none. */
static uint32_t elected_buy(const struct core *core, const struct ladder *ladder, uint32_t high_ticks) {
    return ladder->best_tick != 0 && ladder->best_tick <= high_ticks ? queue_first(&core->books, ladder) : 0;
}

static uint32_t elected_sell(const struct core *core, const struct ladder *ladder, uint32_t low_ticks) {
    return low_ticks != 0 && ladder->best_tick >= low_ticks ? queue_first(&core->books, ladder) : 0;
}

uint32_t stop_first_elected(const struct core *core, uint32_t id) {
    const struct instrument *instrument = &core->instruments.instruments[id];
    if (instrument->stops == 0) {
        return 0;
    }
    uint32_t index = elected_buy(core, ladder_at(&core->books, id, LADDER_STOP_BUY_LAST), instrument->trigger_high);
    if (index == 0) {
        index = elected_sell(core, ladder_at(&core->books, id, LADDER_STOP_SELL_LAST), instrument->trigger_low);
    }
    if (index == 0) {
        index = elected_buy(core, ladder_at(&core->books, id, LADDER_STOP_BUY_REFERENCE), instrument->reference_ticks);
    }
    if (index == 0) {
        index =
            elected_sell(core, ladder_at(&core->books, id, LADDER_STOP_SELL_REFERENCE), instrument->reference_ticks);
    }
    return index;
}

bool stop_elected(const struct core *core, uint32_t instrument) {
    return stop_first_elected(core, instrument) != 0;
}

bool would_trigger_at_once(const struct instrument *instrument, uint8_t side, uint8_t trigger,
                           int64_t stop_price_ticks) {
    const uint32_t price =
        trigger == WIRE_STOP_TRIGGER_REFERENCE_PRICE ? instrument->reference_ticks : instrument->last_ticks;
    return price != 0 && (side == WIRE_SIDE_BUY ? price >= stop_price_ticks : price <= stop_price_ticks);
}

struct wire_order_triggered *order_triggered(struct core *core, uint32_t index) {
    const struct order *order = &core->books.orders[index];
    struct wire_order_triggered *event = event_begin(&core->events, WIRE_ORDER_TRIGGERED, sizeof *event);
    event->session = order->session;
    event->session_epoch = core->sessions.sessions[order->session].session_epoch;
    event->order_id = order_id(&core->books, index);
    event->price_ticks = order->price_ticks;
    event->leaves_lots = order->leaves_lots;
    event->cum_lots = order->cum_lots;
    event->stop_price_ticks = order_terms(&core->books, index)->stop_price_ticks;
    event->account = order->account;
    event->instrument = order->instrument;
    event->side = order->side;
    event->order_type = order_type(order);
    event->time_in_force = order->time_in_force;
    memcpy(event->clordid, core->books.details[index].clordid, sizeof event->clordid);
    return event;
}

void dormant_wake(struct core *core, uint32_t index) {
    dormant_leave(core, index);
    core->books.orders[index].flags &= (uint8_t)~ORDER_DORMANT;
    order_changed(&core->books, index);
}

static void trigger(struct core *core, uint32_t index) {
    dormant_wake(core, index);
    struct wire_order_triggered *event = order_triggered(core, index);
    const struct rested rested = match(core, index, ARRIVAL_TRIGGERED);
    event->rested_lots = rested.rested_lots;
    event->displayed_lots = rested.displayed_lots;
}

/* What one triggered order can yield at most: a trade, a refill and a tripped protection per fill, and what begins and
 * ends it. */
static bool part_has_room(const struct core *core) {
    return (uint64_t)core->events.count + 3 * (uint64_t)core->limits.max_fills_per_command + EVENTS_OF_CLOSING <=
           part_events(core);
}

static void forget_triggers(struct core *core, uint32_t id) {
    struct instrument *instrument = &core->instruments.instruments[id];
    if (instrument->trigger_high != 0) {
        instrument->trigger_high = 0;
        instrument->trigger_low = 0;
        market_changed(&core->instruments, id);
    }
}

void stops_go_on(struct core *core) {
    const uint32_t id = (uint32_t)core->pending.position;
    const struct instrument *instrument = &core->instruments.instruments[id];
    for (;;) {
        const uint32_t index = instrument->phase == WIRE_PHASE_CONTINUOUS ? stop_first_elected(core, id) : 0;
        if (index == 0) {
            forget_triggers(core, id);
            core->election = 0;
            job_over(core);
            return;
        }
        if (!part_has_room(core)) {
            return;
        }
        trigger(core, index);
        if (core->protections.tripped_count != 0) {
            job_over(core); /* the election stays: quotes are pulled before the next stop */
            return;
        }
    }
}

void stops_start(struct core *core) {
    job_is(core, PENDING_STOPS, core->election, 0);
    stops_go_on(core);
}

void stops_at_end_of_part(struct core *core) {
    const uint32_t id = core->traded;
    if (core->instruments.instruments[id].phase == WIRE_PHASE_CONTINUOUS && stop_elected(core, id)) {
        core->election = id;
    } else {
        forget_triggers(core, id);
    }
}
