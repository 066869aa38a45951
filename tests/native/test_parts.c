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

static uint32_t day_ended(uint32_t number) {
    return ((const struct wire_day_ended *)event_block(&venue, number, WIRE_DAY_ENDED))->expired_orders;
}

static void day_orders_expire_by_slot_in_bounded_parts(void) {
    set_up(45); /* 20 expiries fit a slice */
    start_end_of_day(20260101);
    EXPECT(venue.events == 20);
    for (uint32_t i = 0; i < 20; i++) {
        const struct wire_order_canceled *event = event_block(&venue, i, WIRE_ORDER_CANCELED);
        EXPECT(event->reason == WIRE_REASON_EXPIRED_END_OF_DAY && event->order_id == (UINT64_C(1) << 32 | i));
    }
    venue_continue(&venue);
    EXPECT(venue.events == 20 && core_pending(venue.core));
    venue_continue(&venue);
    EXPECT(venue.events == 5 && core_pending(venue.core)); /* statistics come next */
    venue_continue(&venue);
    EXPECT(venue.events == 1 && day_ended(0) == 45 && !core_pending(venue.core));
    EXPECT(core_orders_in_use(venue.core) == 0 && reserved(&venue, ALICE, USD) == 0);
}

static void a_slice_that_fills_up_exactly_ends_in_the_next(void) {
    set_up(20);
    start_end_of_day(1);
    EXPECT(venue.events == 20);
    venue_continue(&venue);
    EXPECT(venue.events == 0 && core_pending(venue.core));
    venue_continue(&venue);
    EXPECT(venue.events == 1 && day_ended(0) == 20);
}

static void a_day_with_trades_is_recorded_and_begins_anew(void) {
    set_up(0);
    venue_credit(&venue, BOB, BTC, 1000000);
    venue_limit(&venue, ALICE, WIRE_SIDE_BUY, 12, 2);
    venue_limit(&venue, ALICE, WIRE_SIDE_BUY, 10, 2);
    venue_limit(&venue, BOB, WIRE_SIDE_SELL, 10, 3);
    start_end_of_day(7);
    EXPECT(venue.events == 1); /* ALICE's last lot */
    venue_continue(&venue);
    const struct wire_statistics_recorded *day = event_block(&venue, 0, WIRE_STATISTICS_RECORDED);
    EXPECT(day->instrument == 1 && day->day == 7 && day->open_ticks == 12 && day->high_ticks == 12);
    EXPECT(day->low_ticks == 10 && day->last_ticks == 10 && day->volume_lots == 3 && day->trades == 2);
    EXPECT(day->turnover_low == (12 * 2 + 10) * TICK_UNITS && day->turnover_high == 0 && day_ended(1) == 1);
    start_end_of_day(8);
    venue_continue(&venue);
    EXPECT(venue.events == 1 && day_ended(0) == 0); /* nothing traded: no statistics */
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
    EXPECT(venue.events == 2 && core_orders_in_use(venue.core) == 1);
    venue_continue(&venue);
    EXPECT(day_ended(0) == 2);
    EXPECT(venue_order(&venue, ticket) == 0 && refusal(&venue) == WIRE_REASON_DUPLICATE_CL_ORD_ID);
    struct ticket again = ticket;
    again.clordid = "C1"; /* used yesterday */
    EXPECT(venue_order(&venue, again) != 0);
}

static void a_day_that_does_not_grow_is_refused(void) {
    set_up(0);
    start_end_of_day(5);
    venue_continue(&venue);
    EXPECT(venue.events == 1 && day_ended(0) == 0);
    const struct wire_end_of_day end = {.day = 5};
    const struct core_check check = venue_send(&venue, WIRE_END_OF_DAY, &end, sizeof end);
    EXPECT(check.verdict == CORE_REFUSED && check.reason == WIRE_REASON_INVALID_STATE);
}

static void a_checkpoint_lists_every_balance_once(void) {
    set_up(0);
    struct wire_limits_set limits = venue_default_limits();
    limits.max_fills_per_command = 1;
    limits.max_events_per_part = 19; /* 11 balances fit a slice */
    venue_limits(&venue, limits);
    for (uint32_t account = 5; account <= 8; account++) {
        const struct wire_account_set set = {
            .account = account, .participant = 3, .kind = WIRE_ACCOUNT_KIND_CLIENT, .enabled = 1};
        EXPECT(venue_send(&venue, WIRE_ACCOUNT_SET, &set, sizeof set).verdict == CORE_APPLY);
    }
    for (uint32_t account = 1; account <= 8; account++) {
        venue_credit(&venue, account, BTC, account * 10);
    }
    for (uint32_t account = 4; account <= 8; account++) {
        venue_credit(&venue, account, USD, account);
    }
    const struct wire_checkpoint checkpoint = {.checkpoint = 1};
    EXPECT(venue_send(&venue, WIRE_CHECKPOINT, &checkpoint, sizeof checkpoint).verdict == CORE_APPLY);
    /* With 1,000,000 USD of ALICE: 14 pairs. */
    static const uint32_t pairs[14][2] = {{1, BTC}, {2, BTC}, {2, USD}, {3, BTC}, {4, BTC}, {4, USD}, {5, BTC},
                                          {5, USD}, {6, BTC}, {6, USD}, {7, BTC}, {7, USD}, {8, BTC}, {8, USD}};
    EXPECT(venue.events == 11 && core_pending(venue.core));
    for (uint32_t i = 0; i < 11; i++) {
        const struct wire_checkpoint_balance *event = event_block(&venue, i, WIRE_CHECKPOINT_BALANCE);
        EXPECT(event->account == pairs[i][0] && event->asset == pairs[i][1]);
    }
    venue_continue(&venue);
    EXPECT(venue.events == 4 && !core_pending(venue.core));
    for (uint32_t i = 11; i < 14; i++) {
        const struct wire_checkpoint_balance *event = event_block(&venue, i - 11, WIRE_CHECKPOINT_BALANCE);
        EXPECT(event->account == pairs[i][0] && event->asset == pairs[i][1]);
        EXPECT(event->available_units == (pairs[i][1] == USD ? pairs[i][0] : pairs[i][0] * 10));
    }
    const struct wire_checkpoint_ended *ended = event_block(&venue, 3, WIRE_CHECKPOINT_ENDED);
    EXPECT(ended->balances == 14 && ended->checkpoint == 1);
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
    RUN(a_slice_that_fills_up_exactly_ends_in_the_next);
    RUN(a_day_with_trades_is_recorded_and_begins_anew);
    RUN(an_order_good_till_cancel_stays_and_holds_its_clordid);
    RUN(a_day_that_does_not_grow_is_refused);
    RUN(a_checkpoint_lists_every_balance_once);
    RUN(continue_with_nothing_pending_changes_nothing);
    RUN(a_state_hash_that_differs_is_reported);
    venue_close(&venue);
    return 0;
}
