/* What the clock makes due: expiries by time and OrderID, the schedule of the day, and the time the loop is asked for.
 */
#include <string.h>

#include "expect.h"
#include "venue.h"

static struct venue venue;
static const uint64_t SECOND_NS = 1000000000;
static const uint64_t DAY_NS = UINT64_C(86400) * 1000000000;

static void set_up(void) {
    venue_close(&venue);
    venue = venue_open();
    venue_credit(&venue, ALICE, USD, 1000000000);
}

static void tick_at(uint64_t time_ns) {
    venue.time_ns = time_ns - 1000;
    EXPECT(venue_send(&venue, WIRE_CLOCK_TICK, NULL, 0).verdict == CORE_APPLY);
}

static uint64_t dated(uint64_t expire_ns, uint8_t order_type, int64_t stop_price_ticks) {
    return venue_order(&venue, (struct ticket){.session = 1,
                                               .account = ALICE,
                                               .side = WIRE_SIDE_BUY,
                                               .order_type = order_type,
                                               .time_in_force = WIRE_TIME_IN_FORCE_GOOD_TILL_DATE,
                                               .price_ticks = 10,
                                               .quantity_lots = 1,
                                               .expire_ns = expire_ns,
                                               .stop_price_ticks = stop_price_ticks});
}

static uint64_t good_till(uint64_t expire_ns) {
    const uint64_t order_id = dated(expire_ns, WIRE_ORDER_TYPE_LIMIT, 0);
    EXPECT(order_id != 0);
    return order_id;
}

static const struct wire_order_canceled *expired(uint32_t number) {
    const struct wire_order_canceled *event = event_block(&venue, number, WIRE_ORDER_CANCELED);
    EXPECT(event->reason == WIRE_REASON_EXPIRED_GOOD_TILL_DATE && event->client_seq == 0);
    return event;
}

static void schedule(uint32_t entry, uint32_t second_of_day, uint8_t phase) {
    const struct wire_schedule_set set = {
        .instrument = 1, .entry = entry, .second_of_day = second_of_day, .phase = phase};
    EXPECT(venue_send(&venue, WIRE_SCHEDULE_SET, &set, sizeof set).verdict == CORE_APPLY);
    EXPECT(venue.events == 1 && event_template(&venue, 0) == WIRE_SCHEDULE_DEFINED);
}

static const struct wire_phase_changed *phase_changed(uint8_t phase) {
    const struct wire_phase_changed *event = event_block(&venue, 0, WIRE_PHASE_CHANGED);
    EXPECT(event->phase == phase && event->cause == WIRE_PHASE_CAUSE_SCHEDULE && event->end_ns == 0);
    return event;
}

static void a_date_that_has_passed_is_refused(void) {
    set_up();
    EXPECT(dated(venue.time_ns + 1000, WIRE_ORDER_TYPE_LIMIT, 0) == 0); /* the time of this very command */
    EXPECT(refusal(&venue) == WIRE_REASON_INVALID_EXPIRY);
}

static void orders_expire_by_date_then_by_order_id(void) {
    set_up();
    const uint64_t base_ns = venue.time_ns + SECOND_NS;
    const uint64_t third = good_till(base_ns + 2);
    const uint64_t first = good_till(base_ns);
    const uint64_t fourth = good_till(base_ns + 2);
    const uint64_t dormant = dated(base_ns + 1, WIRE_ORDER_TYPE_STOP, 100);
    const uint64_t later = good_till(base_ns + 3);
    EXPECT(core_next_timer(venue.core) == base_ns);
    tick_at(base_ns - 1);
    EXPECT(venue.events == 0);
    tick_at(base_ns + 1002);
    EXPECT(venue.events == 5);
    EXPECT(expired(0)->order_id == first && expired(0)->was_resting == 1);
    EXPECT(expired(1)->order_id == dormant && expired(1)->was_resting == 0);
    EXPECT(expired(2)->order_id == third && expired(3)->order_id == fourth && expired(4)->order_id == later);
    EXPECT(core_next_timer(venue.core) == 0 && reserved(&venue, ALICE, USD) == 0);
}

static void a_date_may_be_put_off_or_brought_forward(void) {
    set_up();
    const uint64_t base_ns = venue.time_ns + SECOND_NS;
    const uint64_t first = good_till(base_ns + 10);
    const uint64_t second = good_till(base_ns + 20);
    uint64_t dates_ns[] = {base_ns + 30, base_ns + 5, base_ns + 20};
    for (uint32_t i = 0; i < 3; i++) {
        struct wire_replace_order replace = {.session = 1,
                                             .session_epoch = 1,
                                             .generation = 1,
                                             .gateway = 1,
                                             .client_seq = venue.client_seq[1] + 1,
                                             .prev_client_seq = venue.client_seq[1],
                                             .order_id = first,
                                             .price_ticks = 10,
                                             .quantity_lots = 1,
                                             .side = WIRE_SIDE_BUY,
                                             .expire_ns = dates_ns[i]};
        (void)snprintf(replace.clordid, sizeof replace.clordid, "R%u", i);
        venue.client_seq[1]++;
        EXPECT(venue_send(&venue, WIRE_REPLACE_ORDER, &replace, sizeof replace).verdict == CORE_APPLY);
        const struct wire_order_replaced *replaced = event_block(&venue, 0, WIRE_ORDER_REPLACED);
        EXPECT(replaced->priority_kept == 1 && replaced->expire_ns == dates_ns[i]);
        EXPECT(core_next_timer(venue.core) == (dates_ns[i] < base_ns + 20 ? dates_ns[i] : base_ns + 20));
    }
    tick_at(base_ns + 1000);
    EXPECT(expired(0)->order_id == first && expired(1)->order_id == second);
}

static void expiries_come_in_bounded_parts(void) {
    set_up();
    const uint64_t base_ns = venue.time_ns + SECOND_NS;
    for (uint64_t i = 0; i < 25; i++) {
        good_till(base_ns + i % 7);
    }
    tick_at(base_ns + 1000);
    EXPECT(venue.events == 20 && !core_pending(venue.core)); /* S; the next ClockTick goes on */
    EXPECT(core_next_timer(venue.core) != 0 && core_next_timer(venue.core) < venue.time_ns);
    tick_at(venue.time_ns + 1000);
    EXPECT(venue.events == 5 && core_next_timer(venue.core) == 0);
}

static void the_next_timer_is_the_earliest_of_random_dates(void) {
    enum { ORDERS = 100 };
    uint64_t ids[ORDERS] = {0};
    uint64_t dates_ns[ORDERS] = {0};
    uint64_t random = 11;
    set_up();
    const uint64_t base_ns = venue.time_ns + 1000 * SECOND_NS;
    for (uint32_t step = 0; step < 2000; step++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const uint32_t i = (uint32_t)(random >> 33) % ORDERS;
        const uint64_t date_ns = base_ns + (random >> 40) % 64;
        if (ids[i] == 0) {
            ids[i] = good_till(date_ns);
            dates_ns[i] = date_ns;
        } else {
            venue_cancel(&venue, 1, WIRE_SIDE_BUY, ids[i]);
            ids[i] = 0;
        }
        uint64_t earliest_ns = 0;
        for (uint32_t j = 0; j < ORDERS; j++) {
            if (ids[j] != 0 && (earliest_ns == 0 || dates_ns[j] < earliest_ns)) {
                earliest_ns = dates_ns[j];
            }
        }
        EXPECT(core_next_timer(venue.core) == earliest_ns);
    }
    uint64_t last_ns = 0;
    uint64_t last_id = 0;
    for (venue.time_ns = base_ns + SECOND_NS; core_next_timer(venue.core) != 0;) {
        tick_at(venue.time_ns + 1000);
        for (uint32_t i = 0; i < venue.events; i++) {
            const uint64_t id = expired(i)->order_id;
            uint32_t j = 0;
            while (ids[j] != id) {
                j++;
            }
            EXPECT(dates_ns[j] > last_ns || (dates_ns[j] == last_ns && id > last_id));
            last_ns = dates_ns[j];
            last_id = id;
        }
    }
    EXPECT(core_orders_in_use(venue.core) == 0);
}

static void the_schedule_sets_phases_day_after_day(void) {
    set_up();
    venue.time_ns = 100 * DAY_NS;
    schedule(1, 28800, WIRE_PHASE_OPENING_AUCTION);
    schedule(2, 32400, WIRE_PHASE_CONTINUOUS);
    schedule(3, 61200, WIRE_PHASE_CLOSED);
    const uint64_t open_ns = 100 * DAY_NS + 28800 * SECOND_NS;
    EXPECT(core_next_timer(venue.core) == open_ns);
    tick_at(open_ns);
    EXPECT(venue.events == 1 && phase_changed(WIRE_PHASE_OPENING_AUCTION)->previous == WIRE_PHASE_CONTINUOUS);
    tick_at(venue.time_ns + SECOND_NS); /* the first indicative */
    const uint64_t start_ns = 100 * DAY_NS + 32400 * SECOND_NS;
    EXPECT(core_next_timer(venue.core) == start_ns);
    tick_at(start_ns);
    EXPECT(venue.events == 2 && phase_changed(WIRE_PHASE_CONTINUOUS)->previous == WIRE_PHASE_OPENING_AUCTION);
    tick_at(100 * DAY_NS + 61200 * SECOND_NS);
    EXPECT(phase_changed(WIRE_PHASE_CLOSED) != NULL && core_next_timer(venue.core) == open_ns + DAY_NS);
}

static void after_a_gap_only_the_entry_due_last_counts(void) {
    set_up();
    venue.time_ns = 100 * DAY_NS;
    schedule(1, 100, WIRE_PHASE_PRE_OPEN);
    schedule(2, 200, WIRE_PHASE_HALT);
    schedule(5, 200, WIRE_PHASE_OPENING_AUCTION); /* the same second: the highest number */
    schedule(3, 300, WIRE_PHASE_CLOSED);
    tick_at(107 * DAY_NS + 250 * SECOND_NS);
    EXPECT(venue.events == 1 && phase_changed(WIRE_PHASE_OPENING_AUCTION) != NULL);
    tick_at(venue.time_ns + SECOND_NS);
    EXPECT(core_next_timer(venue.core) == 107 * DAY_NS + 300 * SECOND_NS);
    tick_at(109 * DAY_NS + 50 * SECOND_NS); /* yesterday's last */
    EXPECT(phase_changed(WIRE_PHASE_CLOSED) != NULL);
    EXPECT(core_next_timer(venue.core) == 109 * DAY_NS + 100 * SECOND_NS);
}

static void a_removed_entry_is_not_waited_for(void) {
    set_up();
    venue.time_ns = 100 * DAY_NS;
    schedule(1, 100, WIRE_PHASE_PRE_OPEN);
    schedule(8, 200, WIRE_PHASE_HALT);
    schedule(1, 0, 0);
    EXPECT(core_next_timer(venue.core) == 100 * DAY_NS + 200 * SECOND_NS);
    schedule(8, 0, 0);
    EXPECT(core_next_timer(venue.core) == 0);
}

static void a_scheduled_start_is_tried_each_second_until_the_venue_is_open(void) {
    set_up();
    venue.time_ns = 100 * DAY_NS;
    schedule(1, 100, WIRE_PHASE_HALT);
    schedule(2, 200, WIRE_PHASE_CONTINUOUS);
    tick_at(100 * DAY_NS + 100 * SECOND_NS);
    const struct wire_trading_state_set halt = {.state = WIRE_TRADING_STATE_HALTED};
    EXPECT(venue_send(&venue, WIRE_TRADING_STATE_SET, &halt, sizeof halt).verdict == CORE_APPLY);
    const uint64_t start_ns = 100 * DAY_NS + 200 * SECOND_NS;
    tick_at(start_ns);
    EXPECT(venue.events == 0 && core_next_timer(venue.core) == start_ns + SECOND_NS);
    tick_at(start_ns + SECOND_NS);
    EXPECT(venue.events == 0 && core_next_timer(venue.core) == start_ns + 2 * SECOND_NS);
    const struct wire_trading_state_set open = {.state = WIRE_TRADING_STATE_OPEN};
    EXPECT(venue_send(&venue, WIRE_TRADING_STATE_SET, &open, sizeof open).verdict == CORE_APPLY);
    tick_at(start_ns + 2 * SECOND_NS);
    EXPECT(phase_changed(WIRE_PHASE_CONTINUOUS) != NULL);
    EXPECT(core_next_timer(venue.core) == 101 * DAY_NS + 100 * SECOND_NS);
}

static void one_tick_does_one_thing_expiries_first(void) {
    set_up();
    venue.time_ns = 100 * DAY_NS;
    schedule(1, 100, WIRE_PHASE_HALT);
    const uint64_t due_ns = 100 * DAY_NS + 100 * SECOND_NS;
    good_till(due_ns);
    tick_at(due_ns);
    EXPECT(venue.events == 1 && expired(0) != NULL && core_next_timer(venue.core) == due_ns);
    tick_at(due_ns + 1000);
    EXPECT(venue.events == 1 && phase_changed(WIRE_PHASE_HALT) != NULL);
    tick_at(due_ns + 2000);
    EXPECT(venue.events == 0);
}

int main(void) {
    RUN(a_date_that_has_passed_is_refused);
    RUN(orders_expire_by_date_then_by_order_id);
    RUN(a_date_may_be_put_off_or_brought_forward);
    RUN(expiries_come_in_bounded_parts);
    RUN(the_next_timer_is_the_earliest_of_random_dates);
    RUN(the_schedule_sets_phases_day_after_day);
    RUN(after_a_gap_only_the_entry_due_last_counts);
    RUN(a_removed_entry_is_not_waited_for);
    RUN(a_scheduled_start_is_tried_each_second_until_the_venue_is_open);
    RUN(one_tick_does_one_thing_expiries_first);
    venue_close(&venue);
    return 0;
}
