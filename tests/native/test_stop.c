/* Stops: dormant until a trade or the reference price reaches them, then takers, in slices that stay within a part. */
#include <string.h>

#include "expect.h"
#include "venue.h"

static struct venue venue;

static void set_up(void) {
    venue_close(&venue);
    venue = venue_open();
    for (uint32_t account = ALICE; account <= BOB; account++) {
        venue_credit(&venue, account, USD, 1000000000);
        venue_credit(&venue, account, BTC, 1000000000);
    }
}

static struct ticket stop(uint8_t side, int64_t stop_price_ticks) {
    return (struct ticket){.session = 1,
                           .account = ALICE,
                           .side = side,
                           .order_type = WIRE_ORDER_TYPE_STOP,
                           .time_in_force = WIRE_TIME_IN_FORCE_DAY,
                           .quantity_lots = 1,
                           .stop_price_ticks = stop_price_ticks};
}

static struct ticket stop_limit(uint8_t side, int64_t stop_price_ticks, int64_t price_ticks) {
    struct ticket ticket = stop(side, stop_price_ticks);
    ticket.order_type = WIRE_ORDER_TYPE_STOP_LIMIT;
    ticket.price_ticks = price_ticks;
    return ticket;
}

static uint64_t place(struct ticket ticket) {
    const uint64_t order_id = venue_order(&venue, ticket);
    EXPECT(order_id != 0 && venue.events == 1 && !core_pending(venue.core));
    return order_id;
}

/* Two of BOB's orders trade one lot at this price. */
static void trade_at(int64_t price_ticks) {
    venue_limit(&venue, BOB, WIRE_SIDE_BUY, price_ticks, 1);
    venue_limit(&venue, BOB, WIRE_SIDE_SELL, price_ticks, 1);
    EXPECT(event_template(&venue, 1) == WIRE_TRADE);
}

static const struct wire_order_triggered *triggered(uint32_t number) {
    return event_block(&venue, number, WIRE_ORDER_TRIGGERED);
}

static uint16_t cancel_reason(uint32_t number) {
    return ((const struct wire_order_canceled *)event_block(&venue, number, WIRE_ORDER_CANCELED))->reason;
}

static void set_reference(int64_t price_ticks) {
    const struct wire_reference_price_set set = {.instrument = 1, .price_ticks = price_ticks, .operator = "ops"};
    EXPECT(venue_send(&venue, WIRE_REFERENCE_PRICE_SET, &set, sizeof set).verdict == CORE_APPLY);
}

static void a_stop_is_dormant_until_a_trade_reaches_it(void) {
    set_up();
    const uint64_t order_id = place(stop(WIRE_SIDE_BUY, 105));
    const struct wire_order_accepted *accepted = event_block(&venue, 0, WIRE_ORDER_ACCEPTED);
    EXPECT(accepted->working == 0 && accepted->rested_lots == 0 && accepted->displayed_lots == 0);
    EXPECT(accepted->price_ticks == 115 && accepted->stop_price_ticks == 105); /* protection of 10 ticks */
    EXPECT(core_book(venue.core, 1, WIRE_SIDE_BUY, NULL, 0) == 0);
    trade_at(104);
    EXPECT(!core_pending(venue.core));
    venue_limit(&venue, BOB, WIRE_SIDE_SELL, 110, 1);
    trade_at(105);
    EXPECT(core_pending(venue.core));
    venue_continue(&venue);
    EXPECT(venue.events == 2 && triggered(0)->order_id == order_id && triggered(0)->stop_price_ticks == 105);
    EXPECT(triggered(0)->leaves_lots == 1 && triggered(0)->rested_lots == 0);
    const struct wire_trade *trade = event_block(&venue, 1, WIRE_TRADE);
    EXPECT(trade->price_ticks == 110 && trade->taker_order_id == order_id && !core_pending(venue.core));
}

static void a_stop_that_finds_nobody_is_canceled(void) {
    set_up();
    place(stop(WIRE_SIDE_SELL, 95));
    trade_at(90);
    venue_continue(&venue);
    EXPECT(venue.events == 2 && cancel_reason(1) == WIRE_REASON_CANCELED_IMMEDIATE_OR_CANCEL);
    EXPECT(reserved(&venue, ALICE, BTC) == 0 && !core_pending(venue.core));
}

static void a_stop_limit_rests_and_says_so(void) {
    set_up();
    struct ticket ticket = stop_limit(WIRE_SIDE_BUY, 105, 107);
    ticket.quantity_lots = 9;
    ticket.display_lots = 4;
    place(ticket);
    venue_limit(&venue, BOB, WIRE_SIDE_SELL, 107, 2);
    trade_at(105);
    venue_continue(&venue);
    EXPECT(venue.events == 2 && triggered(0)->leaves_lots == 9);
    EXPECT(triggered(0)->rested_lots == 7 && triggered(0)->displayed_lots == 4);
    EXPECT(core_book(venue.core, 1, WIRE_SIDE_BUY, NULL, 0) == 1);
}

static void a_stop_that_would_trigger_at_once_is_refused(void) {
    set_up();
    trade_at(100);
    EXPECT(venue_order(&venue, stop(WIRE_SIDE_BUY, 100)) == 0 && refusal(&venue) == WIRE_REASON_INVALID_STOP_PRICE);
    EXPECT(venue_order(&venue, stop(WIRE_SIDE_SELL, 100)) == 0 && refusal(&venue) == WIRE_REASON_INVALID_STOP_PRICE);
    place(stop(WIRE_SIDE_BUY, 101));
    place(stop(WIRE_SIDE_SELL, 99));
}

static void elected_stops_go_by_kind_price_and_time(void) {
    set_up();
    const uint64_t high_sell = place(stop_limit(WIRE_SIDE_SELL, 99, 99));
    const uint64_t low_sell = place(stop_limit(WIRE_SIDE_SELL, 98, 98));
    const uint64_t high_buy = place(stop_limit(WIRE_SIDE_BUY, 102, 10));
    const uint64_t low_buy = place(stop_limit(WIRE_SIDE_BUY, 101, 10));
    const uint64_t later_buy = place(stop_limit(WIRE_SIDE_BUY, 101, 10));
    venue_limit(&venue, BOB, WIRE_SIDE_BUY, 103, 1);
    venue_limit(&venue, BOB, WIRE_SIDE_BUY, 97, 1);
    const struct ticket sweep = {.session = 2,
                                 .account = BOB,
                                 .side = WIRE_SIDE_SELL,
                                 .order_type = WIRE_ORDER_TYPE_LIMIT,
                                 .time_in_force = WIRE_TIME_IN_FORCE_IMMEDIATE_OR_CANCEL,
                                 .price_ticks = 97,
                                 .quantity_lots = 2};
    EXPECT(venue_order(&venue, sweep) != 0 && venue.events == 3); /* trades at 103 and at 97 */
    venue_continue(&venue);
    EXPECT(venue.events == 5 && !core_pending(venue.core));
    const uint64_t turns[5] = {low_buy, later_buy, high_buy, high_sell, low_sell};
    for (uint32_t i = 0; i < 5; i++) {
        EXPECT(triggered(i)->order_id == turns[i] && triggered(i)->rested_lots == 1);
    }
}

static void the_reference_price_elects_its_own_stops(void) {
    set_up();
    struct ticket ticket = stop_limit(WIRE_SIDE_BUY, 105, 10);
    const uint64_t by_trade = place(ticket);
    ticket.trigger = WIRE_STOP_TRIGGER_REFERENCE_PRICE;
    const uint64_t buy = place(ticket);
    ticket = stop_limit(WIRE_SIDE_SELL, 90, 200);
    ticket.trigger = WIRE_STOP_TRIGGER_REFERENCE_PRICE;
    const uint64_t sell = place(ticket);
    set_reference(104);
    EXPECT(venue.events == 1 && !core_pending(venue.core));
    set_reference(105);
    venue_continue(&venue);
    EXPECT(venue.events == 1 && triggered(0)->order_id == buy && !core_pending(venue.core));
    set_reference(90);
    venue_continue(&venue);
    EXPECT(venue.events == 1 && triggered(0)->order_id == sell && !core_pending(venue.core));
    trade_at(105);
    venue_continue(&venue);
    EXPECT(triggered(0)->order_id == by_trade);
}

static void prices_of_earlier_commands_elect_nothing(void) {
    set_up();
    trade_at(120);
    trade_at(90);
    trade_at(100);
    place(stop(WIRE_SIDE_BUY, 110));
    place(stop(WIRE_SIDE_SELL, 95));
    trade_at(100);
    EXPECT(!core_pending(venue.core));
    trade_at(94);
    venue_continue(&venue);
    EXPECT(triggered(0)->side == WIRE_SIDE_SELL);
    place(stop(WIRE_SIDE_SELL, 93));
    trade_at(94);
    EXPECT(!core_pending(venue.core));
}

static void a_cascade_goes_on_in_bounded_parts(void) {
    enum { STOPS = 60 };
    set_up();
    for (int64_t i = 0; i < STOPS; i++) {
        place(stop(WIRE_SIDE_BUY, 101 + i)); /* each lifts the offer that triggers the next */
    }
    for (int64_t i = 0; i < STOPS; i++) {
        venue_limit(&venue, BOB, WIRE_SIDE_SELL, 102 + i, 1);
    }
    trade_at(101);
    uint32_t found = 0;
    uint32_t parts = 0;
    for (; core_pending(venue.core); parts++) {
        venue_continue(&venue);
        EXPECT(venue.events <= 28);
        for (uint32_t i = 0; i < venue.events; i++) {
            found += event_template(&venue, i) == WIRE_ORDER_TRIGGERED;
        }
    }
    EXPECT(found == STOPS && parts > STOPS / 10 && core_orders_in_use(venue.core) == 0);
}

static void a_stop_canceled_while_dormant_shows_it_was_not_in_the_book(void) {
    set_up();
    const uint64_t order_id = place(stop(WIRE_SIDE_BUY, 105));
    venue_cancel(&venue, 1, WIRE_SIDE_BUY, order_id);
    const struct wire_order_canceled *canceled = event_block(&venue, 0, WIRE_ORDER_CANCELED);
    EXPECT(canceled->was_resting == 0 && canceled->canceled_lots == 1 && reserved(&venue, ALICE, USD) == 0);
    trade_at(105);
    EXPECT(!core_pending(venue.core) && core_orders_in_use(venue.core) == 0);
}

static const struct wire_order_replaced *replaced(void) {
    return event_block(&venue, 0, WIRE_ORDER_REPLACED);
}

static void a_stop_that_asks_for_more_goes_to_the_back(void) {
    set_up();
    struct ticket ticket = stop_limit(WIRE_SIDE_BUY, 105, 50);
    ticket.quantity_lots = 3;
    const uint64_t first = place(ticket);
    const uint64_t second = place(ticket);
    const uint64_t third = place(ticket);
    venue_replace(&venue, 1, WIRE_SIDE_BUY, third, 49, 2); /* another price, the same stop price: it keeps its place */
    EXPECT(replaced()->priority_kept == 1 && replaced()->working == 0 && replaced()->rested_lots == 0);
    EXPECT(replaced()->old_displayed_lots == 0 && replaced()->stop_price_ticks == 105);
    venue_replace(&venue, 1, WIRE_SIDE_BUY, first, 50, 4);
    EXPECT(replaced()->priority_kept == 0 && replaced()->leaves_lots == 4);
    trade_at(105);
    venue_continue(&venue);
    EXPECT(triggered(0)->order_id == second && triggered(1)->order_id == third && triggered(2)->order_id == first);
    EXPECT(triggered(1)->price_ticks == 49 && triggered(1)->rested_lots == 2 && triggered(2)->rested_lots == 4);
}

static void elections_lapse_when_a_triggered_stop_trips_the_band(void) {
    set_up();
    struct wire_instrument_set instrument = venue_default_instrument();
    instrument.dynamic_band_ppm = 20000;
    instrument.volatility_auction_ms = 1000;
    EXPECT(venue_send(&venue, WIRE_INSTRUMENT_SET, &instrument, sizeof instrument).verdict == CORE_APPLY);
    trade_at(1000);
    const uint64_t first = place(stop_limit(WIRE_SIDE_BUY, 1010, 1100));
    place(stop_limit(WIRE_SIDE_BUY, 1010, 1100));
    venue_limit(&venue, BOB, WIRE_SIDE_SELL, 1050, 5); /* more than 2 % above 1010 */
    trade_at(1010);
    venue_continue(&venue);
    EXPECT(venue.events == 2 && triggered(0)->order_id == first && triggered(0)->rested_lots == 1);
    const struct wire_phase_changed *changed = event_block(&venue, 1, WIRE_PHASE_CHANGED);
    EXPECT(changed->phase == WIRE_PHASE_VOLATILITY_AUCTION && changed->cause == WIRE_PHASE_CAUSE_PRICE_BAND);
    EXPECT(changed->end_ns == venue.time_ns + 1000000000 && !core_pending(venue.core));
    EXPECT(core_orders_in_use(venue.core) == 3 && core_book(venue.core, 1, WIRE_SIDE_BUY, NULL, 0) == 1);
}

int main(void) {
    RUN(a_stop_is_dormant_until_a_trade_reaches_it);
    RUN(a_stop_that_finds_nobody_is_canceled);
    RUN(a_stop_limit_rests_and_says_so);
    RUN(a_stop_that_would_trigger_at_once_is_refused);
    RUN(elected_stops_go_by_kind_price_and_time);
    RUN(the_reference_price_elects_its_own_stops);
    RUN(prices_of_earlier_commands_elect_nothing);
    RUN(a_cascade_goes_on_in_bounded_parts);
    RUN(a_stop_canceled_while_dormant_shows_it_was_not_in_the_book);
    RUN(a_stop_that_asks_for_more_goes_to_the_back);
    RUN(elections_lapse_when_a_triggered_stop_trips_the_band);
    venue_close(&venue);
    return 0;
}
