/* Changes of phase: who asks for one, what is said, and which jobs the new phase starts.

   A phase only changes while no other job is at work; what it starts is finished before the next command. */
#include "phase.h"

#include "match.h"
#include "money.h"
#include "stop.h"
#include "timer.h"

enum { ACTIVATE_DIVISOR = 2, NS_PER_MS = 1000000 }; /* S / 2 parked orders fit a slice */

static void phase_changed(struct core *core, const struct phase_change *change, uint8_t previous) {
    struct wire_phase_changed *event = event_begin(&core->events, WIRE_PHASE_CHANGED, sizeof *event);
    event->instrument = change->instrument;
    event->phase = change->phase;
    event->previous = previous;
    event->cause = change->cause;
    event->end_ns = change->end_ns;
    if (change->operator != NULL) {
        memcpy(event->operator, change->operator, sizeof event->operator);
        memcpy(event->reason_text, change->reason_text, sizeof event->reason_text);
    }
}

/* A call phase tells what its auction would do, 250 ms after it has begun for the first time. */
static void set_phase(struct core *core, const struct phase_change *change) {
    struct instrument *instrument = &core->instruments.instruments[change->instrument];
    if (!call_phase(change->phase)) {
        instrument->indicative_ns = 0;
    } else if (change->phase != instrument->phase) {
        instrument->indicative = (struct indicative){0};
        instrument->indicative_ns = core->time_ns + INDICATIVE_NS;
    }
    instrument->phase = change->phase;
    instrument->end_ns = change->end_ns;
    market_changed(&core->instruments, change->instrument);
    timer_changed(core, change->instrument);
}

/* A parked order takes part in the auction from here on, if the book has room for it. */
static void activate(struct core *core, uint32_t index) {
    const struct order *order = &core->books.orders[index];
    dormant_wake(core, index);
    struct wire_order_triggered *event = order_triggered(core, index);
    if (ladder_full(core, book_side(&core->books, order->instrument, order->side), order->price_ticks)) {
        cancel_taker(core, index, WIRE_REASON_BOOK_FULL);
        return;
    }
    const struct rested rested = rest(core, index);
    event->rested_lots = rested.rested_lots;
    event->displayed_lots = rested.displayed_lots;
}

void activate_go_on(struct core *core) {
    const struct instrument *instrument = &core->instruments.instruments[core->pending.position];
    for (uint32_t orders = 0; orders < slice_events(core) / ACTIVATE_DIVISOR; orders++) {
        activate(core, instrument->parked_head);
        if (instrument->parked_head == 0) {
            job_over(core);
            return;
        }
    }
}

static void activate_start(struct core *core, uint32_t id) {
    if (core->instruments.instruments[id].parked_head != 0) {
        job_is(core, PENDING_ACTIVATE, id, 0);
        activate_go_on(core);
    }
}

void phase_change(struct core *core, const struct phase_change *change) {
    const struct instrument *instrument = &core->instruments.instruments[change->instrument];
    const uint8_t previous = instrument->phase;
    set_phase(core, change);
    phase_changed(core, change, previous);
    if (change->phase == WIRE_PHASE_CONTINUOUS) {
        uncross_start(core, change->instrument);
    } else if (change->phase == WIRE_PHASE_CLOSED && call_phase(previous) && states_open(core, instrument)) {
        uncross_start(core, change->instrument);
    } else if (change->phase == WIRE_PHASE_CLOSED) {
        purge_start(core, change->instrument);
    } else if (change->phase == WIRE_PHASE_CLOSING_AUCTION && previous != WIRE_PHASE_CLOSING_AUCTION) {
        activate_start(core, change->instrument);
    }
}

void phase_trip_band(struct core *core, uint32_t instrument) {
    const uint64_t length_ns =
        (uint64_t)core->instruments.instruments[instrument].content.volatility_auction_ms * NS_PER_MS;
    phase_change(core, &(struct phase_change){
                           .instrument = instrument,
                           .phase = WIRE_PHASE_VOLATILITY_AUCTION,
                           .cause = WIRE_PHASE_CAUSE_PRICE_BAND,
                           .end_ns = core->time_ns + length_ns,
                       });
}

static uint16_t judge_phase(const struct core *core, const struct wire_phase_set *command) {
    const struct instrument *instrument = instrument_find(&core->instruments, command->instrument);
    if (instrument == NULL) {
        return WIRE_REASON_UNKNOWN_INSTRUMENT;
    }
    if (command->phase < WIRE_PHASE_PRE_OPEN || command->phase > WIRE_PHASE_VOLATILITY_AUCTION) {
        return WIRE_REASON_INVALID_STATE;
    }
    if (command->end_ns != 0 && (!call_phase(command->phase) || command->end_ns <= core->time_ns)) {
        return WIRE_REASON_INVALID_STATE;
    }
    if (command->phase == WIRE_PHASE_CONTINUOUS && !states_open(core, instrument)) {
        return WIRE_REASON_INVALID_STATE;
    }
    return WIRE_REASON_NONE;
}

void apply_phase_set(struct core *core, const struct wire_phase_set *command) {
    const uint16_t reason = judge_phase(core, command);
    if (reason != WIRE_REASON_NONE) {
        refuse_command(core, WIRE_PHASE_SET, WIRE_ROLE_ADMIN, command->instrument, reason);
        return;
    }
    struct instrument *instrument = &core->instruments.instruments[command->instrument];
    instrument->next_schedule_ns = schedule_next_ns(instrument, core->time_ns);
    phase_change(core, &(struct phase_change){
                           .instrument = command->instrument,
                           .phase = command->phase,
                           .cause = WIRE_PHASE_CAUSE_OPERATOR,
                           .end_ns = command->end_ns,
                           .operator = command->operator,
                           .reason_text = command->reason_text,
                       });
}

void reference_price_is(struct core *core, uint32_t id, uint32_t price_ticks, const char *operator) {
    struct instrument *instrument = &core->instruments.instruments[id];
    instrument->reference_ticks = price_ticks;
    market_changed(&core->instruments, id);
    struct wire_reference_price_changed *event =
        event_begin(&core->events, WIRE_REFERENCE_PRICE_CHANGED, sizeof *event);
    event->instrument = id;
    event->price_ticks = price_ticks;
    if (instrument->content.static_band_ppm > 0 && price_ticks != 0) {
        const int64_t width = (int64_t)price_ticks * instrument->content.static_band_ppm / PPM;
        event->low_ticks = price_ticks - width;
        event->high_ticks = price_ticks + width;
    }
    if (operator != NULL) {
        memcpy(event->operator, operator, sizeof event->operator);
    }
}

void apply_reference_price_set(struct core *core, const struct wire_reference_price_set *command) {
    const struct instrument *instrument = instrument_find(&core->instruments, command->instrument);
    if (instrument == NULL) {
        refuse_command(core, WIRE_REFERENCE_PRICE_SET, WIRE_ROLE_ADMIN, command->instrument,
                       WIRE_REASON_UNKNOWN_INSTRUMENT);
        return;
    }
    if (command->price_ticks != 0 && (command->price_ticks < instrument->content.price_min_ticks ||
                                      command->price_ticks > instrument->content.price_max_ticks)) {
        refuse_command(core, WIRE_REFERENCE_PRICE_SET, WIRE_ROLE_ADMIN, command->instrument,
                       WIRE_REASON_PRICE_OUT_OF_RANGE);
        return;
    }
    reference_price_is(core, command->instrument, (uint32_t)command->price_ticks, command->operator);
    if (instrument->phase == WIRE_PHASE_CONTINUOUS && states_open(core, instrument) &&
        stop_elected(core, command->instrument)) {
        core->election = command->instrument;
    }
}
