/* Work in several parts: end of day and checkpoints yield bounded parts, and nothing else is applied in between. */
#include <string.h>

#include "expect.h"
#include "venue.h"

static struct venue venue;

static void set_up(int day_orders) {
    venue_close(&venue);
    venue = venue_open();
    venue_credit(&venue, ALICE, USD, 1000000);
    for (int i = 0; i < day_orders; i++) {
        venue_limit(&venue, ALICE, WIRE_SIDE_BUY, 10 + i % 3, 1);
    }
}

static void start_end_of_day(uint32_t day) {
    const struct wire_end_of_day end = {.day = day, .operator = "ops"};
    EXPECT(venue_send(&venue, WIRE_END_OF_DAY, &end, sizeof end).verdict == CORE_APPLY);
}

static void go_on(void) {
    EXPECT(core_pending(venue.core));
    EXPECT(venue_send(&venue, WIRE_CONTINUE, NULL, 0).verdict == CORE_APPLY);
}

static uint32_t day_ended(uint32_t number) {
    return ((const struct wire_day_ended *)event_block(&venue, number, WIRE_DAY_ENDED))->expired_orders;
}

static void day_orders_expire_by_slot_in_bounded_parts(void) {
    set_up(16); /* 7 expiries fit a part */
    start_end_of_day(20260101);
    EXPECT(venue.events == 7);
    for (uint32_t i = 0; i < 7; i++) {
        const struct wire_order_canceled *event = event_block(&venue, i, WIRE_ORDER_CANCELED);
        EXPECT(event->reason == WIRE_REASON_EXPIRED_END_OF_DAY && event->order_id == (UINT64_C(1) << 32 | i));
    }
    go_on();
    EXPECT(venue.events == 7 && core_pending(venue.core));
    go_on();
    EXPECT(venue.events == 3 && day_ended(2) == 16 && !core_pending(venue.core));
    EXPECT(core_orders_in_use(venue.core) == 0 && reserved(&venue, ALICE, USD) == 0);
}

static void a_part_that_fills_up_exactly_ends_in_the_next(void) {
    set_up(7);
    start_end_of_day(1);
    EXPECT(venue.events == 7);
    go_on();
    EXPECT(venue.events == 1 && day_ended(0) == 7);
}

static void an_order_good_till_cancel_stays_and_holds_its_clordid(void) {
    set_up(2);
    const struct ticket ticket = {.session = 1,
                                  .account = ALICE,
                                  .side = WIRE_SIDE_BUY,
                                  .order_type = WIRE_ORDER_TYPE_LIMIT,
                                  .time_in_force = WIRE_TIME_IN_FORCE_GOOD_TILL_CANCEL,
                                  .price_ticks = 10,
                                  .quantity_lots = 1,
                                  .clordid = "stays"};
    EXPECT(venue_order(&venue, ticket) != 0);
    start_end_of_day(1);
    EXPECT(venue.events == 3 && day_ended(2) == 2 && core_orders_in_use(venue.core) == 1);
    EXPECT(venue_order(&venue, ticket) == 0 && refusal(&venue) == WIRE_REASON_DUPLICATE_CL_ORD_ID);
    struct ticket again = ticket;
    again.clordid = "C1"; /* used yesterday */
    EXPECT(venue_order(&venue, again) != 0);
}

static void a_day_that_does_not_grow_is_refused(void) {
    set_up(0);
    start_end_of_day(5);
    EXPECT(venue.events == 1 && day_ended(0) == 0);
    const struct wire_end_of_day end = {.day = 5};
    const struct core_check check = venue_send(&venue, WIRE_END_OF_DAY, &end, sizeof end);
    EXPECT(check.verdict == CORE_REFUSED && check.reason == WIRE_REASON_INVALID_STATE);
}

static void a_checkpoint_lists_every_balance_once(void) {
    set_up(0);
    struct wire_limits_set limits = venue_default_limits();
    limits.max_fills_per_command = 1;
    limits.max_events_per_part = 5; /* 4 balances fit a part */
    venue_limits(&venue, limits);
    for (uint32_t account = 1; account <= 4; account++) {
        venue_credit(&venue, account, BTC, account * 10);
    }
    venue_credit(&venue, BOB, USD, 7); /* with 1,000,000 USD of ALICE: 6 pairs */
    const struct wire_checkpoint checkpoint = {.checkpoint = 1};
    EXPECT(venue_send(&venue, WIRE_CHECKPOINT, &checkpoint, sizeof checkpoint).verdict == CORE_APPLY);
    static const uint32_t pairs[6][2] = {{1, BTC}, {2, BTC}, {2, USD}, {3, BTC}, {4, BTC}, {4, USD}};
    EXPECT(venue.events == 4 && core_pending(venue.core));
    for (uint32_t i = 0; i < 4; i++) {
        const struct wire_checkpoint_balance *event = event_block(&venue, i, WIRE_CHECKPOINT_BALANCE);
        EXPECT(event->account == pairs[i][0] && event->asset == pairs[i][1]);
    }
    go_on();
    EXPECT(venue.events == 3 && !core_pending(venue.core));
    const struct wire_checkpoint_balance *last = event_block(&venue, 1, WIRE_CHECKPOINT_BALANCE);
    EXPECT(last->account == 4 && last->asset == USD && last->available_units == 7);
    const struct wire_checkpoint_ended *ended = event_block(&venue, 2, WIRE_CHECKPOINT_ENDED);
    EXPECT(ended->balances == 6 && ended->checkpoint == 1);
}

static void continue_with_nothing_pending_changes_nothing(void) {
    set_up(1);
    uint64_t before[2];
    uint64_t after[2];
    core_hash(venue.core, before);
    EXPECT(venue_send(&venue, WIRE_CONTINUE, NULL, 0).verdict == CORE_APPLY);
    core_hash(venue.core, after);
    EXPECT(venue.events == 0 && same_hash(before, after));
}

static void a_state_hash_that_differs_is_reported(void) {
    set_up(1);
    uint64_t hash[2];
    core_hash(venue.core, hash);
    const struct wire_state_hash ours = {.low = hash[0], .high = hash[1]};
    const struct wire_state_hash theirs = {.low = hash[0] ^ 1, .high = hash[1]};
    uint8_t message[64];
    uint32_t size = build_message(message, WIRE_STATE_HASH, &ours, sizeof ours);
    venue_apply(&venue, message, size);
    EXPECT(venue.events == 0);
    size = build_message(message, WIRE_STATE_HASH, &theirs, sizeof theirs);
    venue.sequence++;
    EXPECT(core_apply(venue.core, venue.sequence, 1, 1, message, size, venue.out, venue.out_size, &venue.written,
                      &venue.events) == CORE_DIVERGED);
}

int main(void) {
    RUN(day_orders_expire_by_slot_in_bounded_parts);
    RUN(a_part_that_fills_up_exactly_ends_in_the_next);
    RUN(an_order_good_till_cancel_stays_and_holds_its_clordid);
    RUN(a_day_that_does_not_grow_is_refused);
    RUN(a_checkpoint_lists_every_balance_once);
    RUN(continue_with_nothing_pending_changes_nothing);
    RUN(a_state_hash_that_differs_is_reported);
    venue_close(&venue);
    return 0;
}
