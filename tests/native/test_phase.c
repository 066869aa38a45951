/* Phases and call auctions: what may enter, one price for all, slices with the book shut, and who leaves afterwards. */
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

static void set_phase_until(uint8_t phase, uint64_t end_ns) {
    const struct wire_phase_set set = {
        .instrument = 1, .phase = phase, .end_ns = end_ns, .operator = "ops", .reason_text = "test"};
    EXPECT(venue_send(&venue, WIRE_PHASE_SET, &set, sizeof set).verdict == CORE_APPLY);
}

static void set_phase(uint8_t phase) {
    set_phase_until(phase, 0);
}

/* Time goes on to `time_ns`, and a ClockTick is applied there. */
static void tick_at(uint64_t time_ns) {
    venue.time_ns = time_ns - 1000;
    EXPECT(venue_send(&venue, WIRE_CLOCK_TICK, NULL, 0).verdict == CORE_APPLY);
}

static uint64_t order(uint32_t account, uint8_t side, uint8_t time_in_force, int64_t price_ticks,
                      int64_t quantity_lots) {
    return venue_order(&venue, (struct ticket){.session = account == BOB ? 2 : 1,
                                               .account = account,
                                               .side = side,
                                               .order_type = WIRE_ORDER_TYPE_LIMIT,
                                               .time_in_force = time_in_force,
                                               .price_ticks = price_ticks,
                                               .quantity_lots = quantity_lots});
}

static uint64_t day_order(uint32_t account, uint8_t side, int64_t price_ticks, int64_t quantity_lots) {
    const uint64_t order_id = order(account, side, WIRE_TIME_IN_FORCE_DAY, price_ticks, quantity_lots);
    EXPECT(order_id != 0);
    return order_id;
}

static const struct wire_phase_changed *phase_changed(uint32_t number) {
    return event_block(&venue, number, WIRE_PHASE_CHANGED);
}

static const struct wire_trade *trade(uint32_t number) {
    return event_block(&venue, number, WIRE_TRADE);
}

static const struct wire_auction_uncrossed *uncrossed(uint32_t number) {
    return event_block(&venue, number, WIRE_AUCTION_UNCROSSED);
}

static const struct wire_order_canceled *canceled(uint32_t number) {
    return event_block(&venue, number, WIRE_ORDER_CANCELED);
}

static void an_impossible_phase_is_refused(void) {
    set_up();
    struct wire_phase_set set = {.instrument = 2, .phase = WIRE_PHASE_HALT};
    EXPECT(venue_send(&venue, WIRE_PHASE_SET, &set, sizeof set).verdict == CORE_APPLY);
    EXPECT(refusal(&venue) == WIRE_REASON_UNKNOWN_INSTRUMENT);
    set_phase(0);
    EXPECT(refusal(&venue) == WIRE_REASON_INVALID_STATE);
    set_phase(8);
    EXPECT(refusal(&venue) == WIRE_REASON_INVALID_STATE);
    set_phase_until(WIRE_PHASE_HALT, venue.time_ns + 1000000);
    EXPECT(refusal(&venue) == WIRE_REASON_INVALID_STATE);
    set_phase_until(WIRE_PHASE_OPENING_AUCTION, venue.time_ns + 1000); /* the time of this very command */
    EXPECT(refusal(&venue) == WIRE_REASON_INVALID_STATE);
    const struct wire_trading_state_set halt = {.state = WIRE_TRADING_STATE_HALTED};
    EXPECT(venue_send(&venue, WIRE_TRADING_STATE_SET, &halt, sizeof halt).verdict == CORE_APPLY);
    set_phase(WIRE_PHASE_CONTINUOUS);
    EXPECT(refusal(&venue) == WIRE_REASON_INVALID_STATE);
    const struct wire_command_refused *refused = event_block(&venue, 0, WIRE_COMMAND_REFUSED);
    EXPECT(refused->reference == 1 && refused->template_id == WIRE_PHASE_SET && refused->role == WIRE_ROLE_ADMIN);
}

static void an_auction_trades_everyone_at_one_price(void) {
    set_up();
    set_phase(WIRE_PHASE_OPENING_AUCTION);
    EXPECT(venue.events == 1 && phase_changed(0)->previous == WIRE_PHASE_CONTINUOUS);
    EXPECT(phase_changed(0)->cause == WIRE_PHASE_CAUSE_OPERATOR && strcmp(phase_changed(0)->operator, "ops") == 0);
    const uint64_t first_sell = day_order(BOB, WIRE_SIDE_SELL, 100, 4);
    const uint64_t buy = day_order(ALICE, WIRE_SIDE_BUY, 110, 6);
    const uint64_t second_sell = day_order(BOB, WIRE_SIDE_SELL, 105, 5);
    EXPECT(venue.events == 1 && core_book(venue.core, 1, WIRE_SIDE_SELL, NULL, 0) == 2);
    set_phase(WIRE_PHASE_CONTINUOUS);
    EXPECT(venue.events == 5 && !core_pending(venue.core));
    EXPECT(trade(1)->price_ticks == 105 && trade(1)->quantity_lots == 4 && trade(1)->auction == 1);
    EXPECT(trade(1)->maker_order_id == first_sell && trade(1)->taker_order_id == buy);
    EXPECT(trade(1)->taker_side == WIRE_SIDE_BUY && trade(1)->maker_fee_units == 5 && trade(1)->taker_fee_units == 5);
    EXPECT(trade(2)->maker_order_id == buy && trade(2)->taker_order_id == second_sell);
    EXPECT(trade(2)->price_ticks == 105 && trade(2)->taker_leaves_lots == 3 && trade(2)->taker_displayed_lots == 3);
    EXPECT(uncrossed(3)->price_ticks == 105 && uncrossed(3)->volume_lots == 6 && uncrossed(3)->surplus_lots == -3);
    EXPECT(uncrossed(3)->trades == 2 && uncrossed(3)->phase == WIRE_PHASE_CONTINUOUS);
    const struct wire_reference_price_changed *reference = event_block(&venue, 4, WIRE_REFERENCE_PRICE_CHANGED);
    EXPECT(reference->price_ticks == 105 && reference->operator[0] == '\0');
    EXPECT(reserved(&venue, ALICE, USD) == 0);
}

static void an_auction_without_a_cross_says_so(void) {
    set_up();
    set_phase(WIRE_PHASE_OPENING_AUCTION);
    day_order(ALICE, WIRE_SIDE_BUY, 99, 1);
    day_order(BOB, WIRE_SIDE_SELL, 100, 1);
    set_phase(WIRE_PHASE_CONTINUOUS);
    EXPECT(venue.events == 2 && uncrossed(1)->price_ticks == 0 && uncrossed(1)->volume_lots == 0);
    EXPECT(uncrossed(1)->surplus_lots == 0 && uncrossed(1)->trades == 0 && !core_pending(venue.core));
}

static void an_uncross_goes_on_in_slices_at_the_price_of_the_first(void) {
    set_up();
    set_phase(WIRE_PHASE_OPENING_AUCTION);
    for (int64_t i = 0; i < 12; i++) {
        day_order(BOB, WIRE_SIDE_SELL, 100 + i, 1);
        day_order(ALICE, WIRE_SIDE_BUY, 122 - i, 1);
    }
    set_phase(WIRE_PHASE_CONTINUOUS); /* S / 4 is 5 trades a slice */
    EXPECT(venue.events == 6 && core_pending(venue.core) && trade(5)->price_ticks == 111);
    venue_continue(&venue);
    EXPECT(venue.events == 5 && core_pending(venue.core));
    venue_continue(&venue);
    EXPECT(venue.events == 4 && !core_pending(venue.core));
    EXPECT(uncrossed(2)->trades == 12 && uncrossed(2)->volume_lots == 12 && uncrossed(2)->price_ticks == 111);
    EXPECT(trade(1)->price_ticks == 111 && core_orders_in_use(venue.core) == 0);
}

static void icebergs_take_part_with_all_they_have(void) {
    set_up();
    set_phase(WIRE_PHASE_OPENING_AUCTION);
    venue_order(&venue, (struct ticket){.session = 2,
                                        .account = BOB,
                                        .side = WIRE_SIDE_SELL,
                                        .order_type = WIRE_ORDER_TYPE_LIMIT,
                                        .time_in_force = WIRE_TIME_IN_FORCE_DAY,
                                        .price_ticks = 100,
                                        .quantity_lots = 10,
                                        .display_lots = 4});
    day_order(ALICE, WIRE_SIDE_BUY, 100, 7);
    set_phase(WIRE_PHASE_CONTINUOUS);
    EXPECT(trade(1)->quantity_lots == 7 && trade(1)->maker_leaves_lots == 3 && trade(1)->maker_displayed_lots == 3);
    EXPECT(uncrossed(2)->volume_lots == 7 && uncrossed(2)->surplus_lots == -3);
}

static void orders_for_the_opening_leave_after_it(void) {
    set_up();
    EXPECT(order(ALICE, WIRE_SIDE_BUY, WIRE_TIME_IN_FORCE_AT_THE_OPENING, 100, 1) == 0);
    EXPECT(refusal(&venue) == WIRE_REASON_PHASE_NOT_ALLOWED);
    set_phase(WIRE_PHASE_PRE_OPEN);
    uint64_t ids[21];
    for (uint32_t i = 0; i < 21; i++) {
        ids[i] = order(ALICE, WIRE_SIDE_BUY, WIRE_TIME_IN_FORCE_AT_THE_OPENING, 100, 1);
        EXPECT(ids[i] != 0);
    }
    day_order(ALICE, WIRE_SIDE_BUY, 100, 1);
    set_phase(WIRE_PHASE_OPENING_AUCTION);
    set_phase(WIRE_PHASE_CONTINUOUS);
    EXPECT(venue.events == 2 && core_pending(venue.core)); /* phase and uncross; the purge is to come */
    venue_continue(&venue);
    EXPECT(venue.events == 20 && core_pending(venue.core)); /* S */
    for (uint32_t i = 0; i < 20; i++) {
        EXPECT(canceled(i)->order_id == ids[i] && canceled(i)->reason == WIRE_REASON_CANCELED_AUCTION_ONLY);
        EXPECT(canceled(i)->was_resting == 1 && canceled(i)->client_seq == 0);
    }
    venue_continue(&venue);
    EXPECT(venue.events == 1 && canceled(0)->order_id == ids[20] && !core_pending(venue.core));
    EXPECT(core_orders_in_use(venue.core) == 1);
}

static void a_purge_leaves_other_instruments_alone(void) {
    set_up();
    struct wire_instrument_set other = venue_default_instrument();
    other.instrument = 2;
    other.initial_phase = WIRE_PHASE_PRE_OPEN;
    EXPECT(venue_send(&venue, WIRE_INSTRUMENT_SET, &other, sizeof other).verdict == CORE_APPLY);
    set_phase(WIRE_PHASE_PRE_OPEN);
    struct ticket ticket = {.session = 1,
                            .account = ALICE,
                            .side = WIRE_SIDE_BUY,
                            .order_type = WIRE_ORDER_TYPE_LIMIT,
                            .time_in_force = WIRE_TIME_IN_FORCE_AT_THE_OPENING,
                            .price_ticks = 100,
                            .quantity_lots = 1,
                            .instrument = 2};
    EXPECT(venue_order(&venue, ticket) != 0);
    ticket.instrument = 1;
    const uint64_t ours = venue_order(&venue, ticket);
    set_phase(WIRE_PHASE_CONTINUOUS);
    venue_continue(&venue);
    EXPECT(venue.events == 1 && canceled(0)->order_id == ours && core_orders_in_use(venue.core) == 1);
}

static void a_purge_that_fills_its_slice_ends_in_the_next(void) {
    set_up();
    set_phase(WIRE_PHASE_PRE_OPEN);
    for (uint32_t i = 0; i < 20; i++) {
        EXPECT(order(ALICE, WIRE_SIDE_BUY, WIRE_TIME_IN_FORCE_AT_THE_OPENING, 100, 1) != 0);
    }
    set_phase(WIRE_PHASE_CLOSED); /* no auction was on: the purge begins at once */
    EXPECT(venue.events == 21 && core_pending(venue.core));
    venue_continue(&venue);
    EXPECT(venue.events == 0 && !core_pending(venue.core) && core_orders_in_use(venue.core) == 0);
}

static void orders_for_the_close_wait_for_its_auction(void) {
    set_up();
    const uint64_t sell = order(BOB, WIRE_SIDE_SELL, WIRE_TIME_IN_FORCE_AT_THE_CLOSE, 100, 2);
    EXPECT(((const struct wire_order_accepted *)event_block(&venue, 0, WIRE_ORDER_ACCEPTED))->working == 0);
    const uint64_t buy = order(ALICE, WIRE_SIDE_BUY, WIRE_TIME_IN_FORCE_AT_THE_CLOSE, 100, 3);
    EXPECT(core_book(venue.core, 1, WIRE_SIDE_BUY, NULL, 0) == 0 && core_orders_in_use(venue.core) == 2);
    set_phase(WIRE_PHASE_CLOSING_AUCTION);
    EXPECT(venue.events == 3 && !core_pending(venue.core));
    const struct wire_order_triggered *triggered = event_block(&venue, 1, WIRE_ORDER_TRIGGERED);
    EXPECT(triggered->order_id == sell && triggered->rested_lots == 2 && triggered->displayed_lots == 2);
    EXPECT(triggered->stop_price_ticks == 0);
    EXPECT(((const struct wire_order_triggered *)event_block(&venue, 2, WIRE_ORDER_TRIGGERED))->order_id == buy);
    set_phase(WIRE_PHASE_CLOSED);
    EXPECT(venue.events == 4 && trade(1)->quantity_lots == 2 && uncrossed(2)->surplus_lots == 1);
    EXPECT(uncrossed(2)->phase == WIRE_PHASE_CLOSED);
    venue_continue(&venue);
    EXPECT(venue.events == 1 && canceled(0)->order_id == buy && canceled(0)->canceled_lots == 1);
    EXPECT(!core_pending(venue.core) && core_orders_in_use(venue.core) == 0);
}

static void parked_orders_activate_by_priority(void) {
    set_up();
    uint64_t ids[4];
    for (uint32_t i = 0; i < 4; i++) {
        ids[i] = order(ALICE, WIRE_SIDE_BUY, WIRE_TIME_IN_FORCE_AT_THE_CLOSE, 100, 2);
    }
    venue_cancel(&venue, 1, WIRE_SIDE_BUY, ids[1]); /* from the middle of the list */
    EXPECT(canceled(0)->was_resting == 0 && canceled(0)->displayed_lots == 0);
    venue_replace(&venue, 1, WIRE_SIDE_BUY, ids[0], 101, 2); /* another price: to the back */
    venue_replace(&venue, 1, WIRE_SIDE_BUY, ids[2], 100, 1); /* less: keeps its place */
    set_phase(WIRE_PHASE_CLOSING_AUCTION);
    EXPECT(venue.events == 4);
    static const uint32_t turns[3] = {2, 3, 0};
    for (uint32_t i = 0; i < 3; i++) {
        const struct wire_order_triggered *triggered = event_block(&venue, i + 1, WIRE_ORDER_TRIGGERED);
        EXPECT(triggered->order_id == ids[turns[i]] && triggered->rested_lots == (i == 0 ? 1 : 2));
    }
}

static void a_reference_price_is_of_a_known_instrument_and_in_its_range(void) {
    set_up();
    struct wire_reference_price_set set = {.instrument = 2, .price_ticks = 100};
    EXPECT(venue_send(&venue, WIRE_REFERENCE_PRICE_SET, &set, sizeof set).verdict == CORE_APPLY);
    EXPECT(refusal(&venue) == WIRE_REASON_UNKNOWN_INSTRUMENT);
    set.instrument = 1;
    static const int64_t beyond[] = {-1, 100001, INT64_MAX, INT64_MIN};
    for (uint32_t i = 0; i < 4; i++) {
        set.price_ticks = beyond[i];
        EXPECT(venue_send(&venue, WIRE_REFERENCE_PRICE_SET, &set, sizeof set).verdict == CORE_APPLY);
        EXPECT(refusal(&venue) == WIRE_REASON_PRICE_OUT_OF_RANGE);
    }
    set.price_ticks = 0;
    EXPECT(venue_send(&venue, WIRE_REFERENCE_PRICE_SET, &set, sizeof set).verdict == CORE_APPLY);
    EXPECT(venue.events == 1 && event_template(&venue, 0) == WIRE_REFERENCE_PRICE_CHANGED);
}

static void parked_orders_activate_in_slices(void) {
    set_up();
    for (uint32_t i = 0; i < 20; i++) {
        EXPECT(order(ALICE, WIRE_SIDE_BUY, WIRE_TIME_IN_FORCE_AT_THE_CLOSE, 100 - i % 3, 1) != 0);
    }
    set_phase(WIRE_PHASE_CLOSING_AUCTION); /* S / 2 is 10 orders a slice */
    EXPECT(venue.events == 11 && core_pending(venue.core));
    venue_continue(&venue);
    EXPECT(venue.events == 10 && !core_pending(venue.core)); /* over with the last one */
    EXPECT(core_book(venue.core, 1, WIRE_SIDE_BUY, NULL, 0) == 20);
}

static void a_parked_order_without_room_in_the_book_is_canceled(void) {
    set_up();
    EXPECT(order(ALICE, WIRE_SIDE_BUY, WIRE_TIME_IN_FORCE_AT_THE_CLOSE, 100, 1) != 0);
    struct wire_limits_set limits = venue_default_limits();
    limits.max_price_pages = 1;
    venue_limits(&venue, limits);
    day_order(ALICE, WIRE_SIDE_BUY, 5000, 1);
    set_phase(WIRE_PHASE_CLOSING_AUCTION);
    EXPECT(venue.events == 3 && canceled(2)->reason == WIRE_REASON_BOOK_FULL && canceled(2)->was_resting == 0);
    EXPECT(!core_pending(venue.core) && core_orders_in_use(venue.core) == 1);
}

static void closing_purges_parked_orders_but_reopening_does_not(void) {
    set_up();
    EXPECT(order(ALICE, WIRE_SIDE_BUY, WIRE_TIME_IN_FORCE_AT_THE_CLOSE, 100, 1) != 0);
    set_phase(WIRE_PHASE_HALT);
    set_phase(WIRE_PHASE_CONTINUOUS);
    EXPECT(venue.events == 2 && !core_pending(venue.core) && core_orders_in_use(venue.core) == 1);
    set_phase(WIRE_PHASE_CLOSED);
    EXPECT(venue.events == 2 && canceled(1)->was_resting == 0 && !core_pending(venue.core));
}

static void no_auction_ends_in_trades_while_trading_is_halted(void) {
    set_up();
    set_phase(WIRE_PHASE_CLOSING_AUCTION);
    day_order(ALICE, WIRE_SIDE_BUY, 100, 1);
    day_order(BOB, WIRE_SIDE_SELL, 100, 1);
    const struct wire_trading_state_set halt = {.instrument = 1, .state = WIRE_TRADING_STATE_HALTED};
    EXPECT(venue_send(&venue, WIRE_TRADING_STATE_SET, &halt, sizeof halt).verdict == CORE_APPLY);
    set_phase(WIRE_PHASE_CLOSED);
    EXPECT(venue.events == 1 && core_orders_in_use(venue.core) == 2);
}

static void an_uncross_elects_stops(void) {
    set_up();
    const uint64_t stop = venue_order(&venue, (struct ticket){.session = 1,
                                                              .account = ALICE,
                                                              .side = WIRE_SIDE_BUY,
                                                              .order_type = WIRE_ORDER_TYPE_STOP_LIMIT,
                                                              .time_in_force = WIRE_TIME_IN_FORCE_DAY,
                                                              .price_ticks = 50,
                                                              .quantity_lots = 1,
                                                              .stop_price_ticks = 100});
    set_phase(WIRE_PHASE_OPENING_AUCTION);
    EXPECT(order(ALICE, WIRE_SIDE_BUY, WIRE_TIME_IN_FORCE_AT_THE_OPENING, 100, 2) != 0);
    day_order(BOB, WIRE_SIDE_SELL, 100, 1);
    set_phase(WIRE_PHASE_CONTINUOUS);
    EXPECT(trade(1)->price_ticks == 100 && core_pending(venue.core));
    venue_continue(&venue); /* the purge; what the uncross has elected is kept */
    EXPECT(venue.events == 1 && canceled(0)->canceled_lots == 1 && core_pending(venue.core));
    venue_continue(&venue);
    EXPECT(venue.events == 1 && event_template(&venue, 0) == WIRE_ORDER_TRIGGERED);
    EXPECT(((const struct wire_order_triggered *)event_block(&venue, 0, WIRE_ORDER_TRIGGERED))->order_id == stop);
}

static void the_indicative_is_told_250_ms_after_a_change_and_only_if_it_differs(void) {
    set_up();
    EXPECT(core_next_timer(venue.core) == 0);
    set_phase(WIRE_PHASE_OPENING_AUCTION);
    uint64_t due_ns = venue.time_ns + 250000000;
    EXPECT(core_next_timer(venue.core) == due_ns);
    day_order(ALICE, WIRE_SIDE_BUY, 101, 3); /* does not put it off */
    EXPECT(core_next_timer(venue.core) == due_ns);
    tick_at(due_ns - 1);
    EXPECT(venue.events == 0 && core_next_timer(venue.core) == due_ns);
    tick_at(due_ns + 999);
    EXPECT(venue.events == 0 && core_next_timer(venue.core) == 0); /* nothing would trade, as was last told */
    day_order(BOB, WIRE_SIDE_SELL, 101, 5);
    due_ns = venue.time_ns + 250000000;
    EXPECT(core_next_timer(venue.core) == due_ns);
    tick_at(due_ns);
    EXPECT(venue.events == 1);
    const struct wire_auction_indicative *told = event_block(&venue, 0, WIRE_AUCTION_INDICATIVE);
    EXPECT(told->price_ticks == 101 && told->volume_lots == 3 && told->surplus_lots == -2);
    EXPECT(told->phase == WIRE_PHASE_OPENING_AUCTION && core_next_timer(venue.core) == 0);
    set_phase(WIRE_PHASE_OPENING_AUCTION); /* the same phase again: what was told still holds */
    EXPECT(phase_changed(0)->previous == WIRE_PHASE_OPENING_AUCTION && core_next_timer(venue.core) == 0);
    day_order(ALICE, WIRE_SIDE_BUY, 50, 3);
    tick_at(venue.time_ns + 250000000);
    EXPECT(venue.events == 0);
    day_order(ALICE, WIRE_SIDE_BUY, 50, 3);
    EXPECT(core_next_timer(venue.core) != 0);
    set_phase(WIRE_PHASE_CONTINUOUS);
    EXPECT(core_next_timer(venue.core) == 0);
}

static void a_band_trip_reopens_by_auction(void) {
    set_up();
    struct wire_instrument_set instrument = venue_default_instrument();
    instrument.static_band_ppm = 100000;
    instrument.volatility_auction_ms = 2000;
    EXPECT(venue_send(&venue, WIRE_INSTRUMENT_SET, &instrument, sizeof instrument).verdict == CORE_APPLY);
    const struct wire_reference_price_set set = {.instrument = 1, .price_ticks = 1005};
    EXPECT(venue_send(&venue, WIRE_REFERENCE_PRICE_SET, &set, sizeof set).verdict == CORE_APPLY);
    const struct wire_reference_price_changed *reference = event_block(&venue, 0, WIRE_REFERENCE_PRICE_CHANGED);
    EXPECT(reference->low_ticks == 905 && reference->high_ticks == 1105);
    day_order(BOB, WIRE_SIDE_SELL, 1105, 1);
    day_order(BOB, WIRE_SIDE_SELL, 1106, 1);
    day_order(ALICE, WIRE_SIDE_BUY, 1200, 3);
    EXPECT(venue.events == 3 && trade(1)->price_ticks == 1105 && trade(1)->auction == 0);
    EXPECT(phase_changed(2)->phase == WIRE_PHASE_VOLATILITY_AUCTION);
    const uint64_t end_ns = venue.time_ns + 2000000000;
    EXPECT(phase_changed(2)->end_ns == end_ns && phase_changed(2)->operator[0] == '\0');
    tick_at(end_ns - 1); /* the indicative is due first, but not before the end of an auction */
    EXPECT(venue.events == 1 && event_template(&venue, 0) == WIRE_AUCTION_INDICATIVE);
    tick_at(end_ns + 1000);
    EXPECT(venue.events == 4 && phase_changed(0)->phase == WIRE_PHASE_CONTINUOUS);
    EXPECT(phase_changed(0)->cause == WIRE_PHASE_CAUSE_AUCTION_END && phase_changed(0)->end_ns == 0);
    EXPECT(trade(1)->price_ticks == 1200 && uncrossed(2)->surplus_lots == 1);
}

static void an_auction_that_cannot_end_tries_again_each_second(void) {
    set_up();
    const uint64_t end_ns = venue.time_ns + 5000;
    set_phase_until(WIRE_PHASE_OPENING_AUCTION, end_ns);
    const struct wire_trading_state_set halt = {.state = WIRE_TRADING_STATE_HALTED};
    EXPECT(venue_send(&venue, WIRE_TRADING_STATE_SET, &halt, sizeof halt).verdict == CORE_APPLY);
    EXPECT(core_next_timer(venue.core) == end_ns);
    tick_at(end_ns);
    EXPECT(venue.events == 0);
    tick_at(end_ns + 250000000); /* the indicative of nothing */
    EXPECT(venue.events == 0 && core_next_timer(venue.core) == end_ns + 1000000000);
    const struct wire_trading_state_set open = {.state = WIRE_TRADING_STATE_OPEN};
    EXPECT(venue_send(&venue, WIRE_TRADING_STATE_SET, &open, sizeof open).verdict == CORE_APPLY);
    tick_at(end_ns + 1000000000);
    EXPECT(venue.events == 2 && phase_changed(0)->phase == WIRE_PHASE_CONTINUOUS);
}

int main(void) {
    RUN(an_impossible_phase_is_refused);
    RUN(an_auction_trades_everyone_at_one_price);
    RUN(an_auction_without_a_cross_says_so);
    RUN(an_uncross_goes_on_in_slices_at_the_price_of_the_first);
    RUN(icebergs_take_part_with_all_they_have);
    RUN(orders_for_the_opening_leave_after_it);
    RUN(a_purge_leaves_other_instruments_alone);
    RUN(a_purge_that_fills_its_slice_ends_in_the_next);
    RUN(orders_for_the_close_wait_for_its_auction);
    RUN(parked_orders_activate_by_priority);
    RUN(a_reference_price_is_of_a_known_instrument_and_in_its_range);
    RUN(parked_orders_activate_in_slices);
    RUN(a_parked_order_without_room_in_the_book_is_canceled);
    RUN(closing_purges_parked_orders_but_reopening_does_not);
    RUN(no_auction_ends_in_trades_while_trading_is_halted);
    RUN(an_uncross_elects_stops);
    RUN(the_indicative_is_told_250_ms_after_a_change_and_only_if_it_differs);
    RUN(a_band_trip_reopens_by_auction);
    RUN(an_auction_that_cannot_end_tries_again_each_second);
    venue_close(&venue);
    return 0;
}
