/* Orders through the whole core: priority, prices, limits, money; the audit runs after every command. */
#include <string.h>

#include "expect.h"
#include "venue.h"

enum { BUY = WIRE_SIDE_BUY, SELL = WIRE_SIDE_SELL };

static struct venue venue;

static void set_up(void) {
    venue_close(&venue);
    venue = venue_open();
    venue_credit(&venue, ALICE, USD, INT64_C(1) << 40);
    venue_credit(&venue, BOB, BTC, INT64_C(1) << 40);
}

static struct ticket alice(uint8_t side, uint8_t order_type, uint8_t time_in_force, int64_t price, int64_t quantity) {
    return (struct ticket){.session = 1,
                           .account = ALICE,
                           .side = side,
                           .order_type = order_type,
                           .time_in_force = time_in_force,
                           .price_ticks = price,
                           .quantity_lots = quantity};
}

static struct ticket limit(int64_t price, int64_t quantity) {
    return alice(BUY, WIRE_ORDER_TYPE_LIMIT, WIRE_TIME_IN_FORCE_DAY, price, quantity);
}

static const struct wire_trade *trade(uint32_t number) {
    return event_block(&venue, number, WIRE_TRADE);
}

static const struct wire_order_canceled *canceled(uint32_t number) {
    return event_block(&venue, number, WIRE_ORDER_CANCELED);
}

static const struct wire_order_accepted *accepted(void) {
    return event_block(&venue, 0, WIRE_ORDER_ACCEPTED);
}

static void best_price_first_then_oldest_first(void) {
    set_up();
    venue_limit(&venue, BOB, SELL, 101, 1);
    venue_limit(&venue, BOB, SELL, 100, 2);
    venue_limit(&venue, BOB, SELL, 100, 3);
    struct core_order_view book[4];
    EXPECT(core_book(venue.core, 1, SELL, book, 4) == 3);
    EXPECT(book[0].leaves_lots == 2 && book[1].leaves_lots == 3 && book[2].price_ticks == 101);
    EXPECT(venue_order(&venue, limit(101, 6)) != 0);
    EXPECT(venue.events == 4 && accepted()->rested_lots == 0);
    EXPECT(trade(1)->price_ticks == 100 && trade(1)->quantity_lots == 2 && trade(1)->maker_leaves_lots == 0);
    EXPECT(trade(2)->price_ticks == 100 && trade(2)->quantity_lots == 3 && trade(2)->taker_leaves_lots == 1);
    EXPECT(trade(3)->price_ticks == 101 && trade(3)->quantity_lots == 1 && trade(3)->taker_side == BUY);
    EXPECT(core_orders_in_use(venue.core) == 0);
}

static void a_fill_moves_money_exactly(void) {
    set_up();
    const int64_t alice_usd = available(&venue, ALICE, USD);
    venue_limit(&venue, BOB, SELL, 100, 3);
    EXPECT(reserved(&venue, BOB, BTC) == 3 * LOT_UNITS);
    EXPECT(venue_order(&venue, limit(110, 3)) != 0);
    /* 100 x 3 x 5 = 1,500; taker 2,000 ppm = 3, maker 1,000 ppm = 1.5, rounded up to 2. */
    EXPECT(trade(1)->notional_units == 1500 && trade(1)->taker_fee_units == 3 && trade(1)->maker_fee_units == 2);
    EXPECT(available(&venue, ALICE, USD) == alice_usd - 1503 && reserved(&venue, ALICE, USD) == 0);
    EXPECT(available(&venue, BOB, USD) == 1498 && available(&venue, FEES, USD) == 5);
    EXPECT(available(&venue, ALICE, BTC) == 30 && reserved(&venue, BOB, BTC) == 0);
}

static void many_small_fills_pay_the_fee_of_one_big_fill(void) {
    set_up();
    EXPECT(venue_order(&venue, limit(1, 10)) != 0);
    int64_t maker_fees = 0;
    for (int i = 0; i < 10; i++) {
        venue_limit(&venue, BOB, SELL, 1, 1);
        maker_fees += trade(1)->maker_fee_units;
    }
    /* 10 fills of 5 units at 1,000 ppm: 0.05 units in all, one unit paid once. */
    EXPECT(maker_fees == 1 && reserved(&venue, ALICE, USD) == 0);
}

static void a_reservation_returns_to_zero_whatever_ends_the_order(void) {
    set_up();
    const int64_t before = available(&venue, ALICE, USD);
    uint64_t id = venue_order(&venue, limit(777, 13));
    EXPECT(reserved(&venue, ALICE, USD) == 777 * 13 * 5 + 102); /* fee of 50,505 at 2,000 ppm, rounded up */
    venue_replace(&venue, 1, BUY, id, 778, 20);
    venue_replace(&venue, 1, BUY, id, 778, 7);
    EXPECT(reserved(&venue, ALICE, USD) == 778 * 7 * 5 + 55);
    venue_cancel(&venue, 1, BUY, id);
    EXPECT(canceled(0)->canceled_lots == 7 && canceled(0)->was_resting == 1);
    EXPECT(available(&venue, ALICE, USD) == before && reserved(&venue, ALICE, USD) == 0);
    id = venue_order(&venue, alice(BUY, WIRE_ORDER_TYPE_LIMIT, WIRE_TIME_IN_FORCE_IMMEDIATE_OR_CANCEL, 777, 13));
    EXPECT(id != 0 && canceled(1)->reason == WIRE_REASON_CANCELED_IMMEDIATE_OR_CANCEL);
    EXPECT(available(&venue, ALICE, USD) == before);
}

static void less_at_the_same_price_keeps_priority_and_all_else_loses_it(void) {
    set_up();
    struct core_order_view book[2];
    const uint64_t first = venue_order(&venue, limit(100, 5));
    const uint64_t second = venue_order(&venue, limit(100, 5));
    venue_replace(&venue, 1, BUY, first, 100, 4);
    EXPECT(core_book(venue.core, 1, BUY, book, 2) == 2 && book[0].order_id == first && book[0].leaves_lots == 4);
    venue_replace(&venue, 1, BUY, first, 100, 5);
    EXPECT(core_book(venue.core, 1, BUY, book, 2) == 2 && book[0].order_id == second);
    venue_replace(&venue, 1, BUY, second, 99, 5);
    EXPECT(core_book(venue.core, 1, BUY, book, 2) == 2 && book[0].order_id == first);
}

static void a_replace_below_what_is_filled_ends_the_order(void) {
    set_up();
    const uint64_t id = venue_order(&venue, limit(100, 5));
    venue_limit(&venue, BOB, SELL, 100, 3);
    venue_replace(&venue, 1, BUY, id, 90, 3);
    const struct wire_order_replaced *event = event_block(&venue, 0, WIRE_ORDER_REPLACED);
    EXPECT(event->quantity_lots == 3 && event->leaves_lots == 0 && event->rested_lots == 0 && event->price_ticks == 90);
    EXPECT(core_orders_in_use(venue.core) == 0 && reserved(&venue, ALICE, USD) == 0);
    venue_cancel(&venue, 1, BUY, id);
    EXPECT(refusal(&venue) == WIRE_REASON_TOO_LATE_TO_CANCEL);
}

static void a_replace_that_crosses_trades(void) {
    set_up();
    venue_limit(&venue, BOB, SELL, 101, 2);
    const uint64_t id = venue_order(&venue, limit(100, 5));
    venue_replace(&venue, 1, BUY, id, 101, 5);
    const struct wire_order_replaced *event = event_block(&venue, 0, WIRE_ORDER_REPLACED);
    EXPECT(event->leaves_lots == 5 && event->rested_lots == 3 && event->priority_kept == 0);
    EXPECT(trade(1)->taker_order_id == id && trade(1)->quantity_lots == 2);
}

static void a_market_order_is_clamped_to_the_price_range(void) {
    set_up();
    const struct ticket market = alice(BUY, WIRE_ORDER_TYPE_MARKET, WIRE_TIME_IN_FORCE_DAY, 0, 1);
    EXPECT(venue_order(&venue, market) == 0 && refusal(&venue) == WIRE_REASON_NO_LIQUIDITY);
    venue_limit(&venue, BOB, SELL, 500, 1);
    EXPECT(venue_order(&venue, market) != 0 && accepted()->price_ticks == 510);
    venue_limit(&venue, BOB, SELL, 99995, 1);
    EXPECT(venue_order(&venue, market) != 0 && accepted()->price_ticks == 100000);
    struct wire_instrument_set wide = venue_default_instrument();
    wide.protection_ticks = INT64_MAX;
    EXPECT(venue_send(&venue, WIRE_INSTRUMENT_SET, &wide, sizeof wide).verdict == CORE_APPLY);
    venue_limit(&venue, BOB, SELL, 7, 1);
    EXPECT(venue_order(&venue, market) != 0 && accepted()->price_ticks == 100000);
    EXPECT(venue_order(&venue, limit(9, 2)) != 0);
    struct ticket sell = alice(SELL, WIRE_ORDER_TYPE_MARKET, WIRE_TIME_IN_FORCE_DAY, 0, 1);
    EXPECT(venue_order(&venue, sell) != 0 && accepted()->price_ticks == 1 && trade(1)->price_ticks == 9);
}

static void fill_or_kill_fills_in_full_or_not_at_all(void) {
    set_up();
    const uint8_t kill = WIRE_TIME_IN_FORCE_FILL_OR_KILL;
    for (int64_t i = 0; i < 5; i++) {
        venue_limit(&venue, BOB, SELL, 100 + 64 * (i / 2), 2);
    }
    EXPECT(venue_order(&venue, alice(BUY, WIRE_ORDER_TYPE_LIMIT, kill, 163, 5)) != 0);
    EXPECT(venue.events == 2 && canceled(1)->reason == WIRE_REASON_CANCELED_FILL_OR_KILL);
    /* Ten lots stand there, but only four orders may trade in one command. */
    EXPECT(venue_order(&venue, alice(BUY, WIRE_ORDER_TYPE_LIMIT, kill, 1000, 9)) != 0);
    EXPECT(venue.events == 2 && canceled(1)->reason == WIRE_REASON_CANCELED_FILL_OR_KILL);
    EXPECT(venue_order(&venue, alice(BUY, WIRE_ORDER_TYPE_LIMIT, kill, 1000, 8)) != 0);
    EXPECT(venue.events == 5 && trade(4)->taker_leaves_lots == 0);
}

static void fills_per_command_are_bounded(void) {
    set_up();
    for (int i = 0; i < 6; i++) {
        venue_limit(&venue, BOB, SELL, 100, 1);
    }
    EXPECT(venue_order(&venue, limit(100, 10)) != 0);
    EXPECT(venue.events == 6 && canceled(5)->reason == WIRE_REASON_CANCELED_MAX_FILLS);
    EXPECT(canceled(5)->canceled_lots == 6 && canceled(5)->cum_lots == 4 && accepted()->rested_lots == 0);
    EXPECT(core_orders_in_use(venue.core) == 2 && reserved(&venue, ALICE, USD) == 0);
    /* Exactly as many fills as allowed, and the rest may rest when nothing crosses any more. */
    venue_limit(&venue, BOB, SELL, 100, 1);
    venue_limit(&venue, BOB, SELL, 100, 1);
    EXPECT(venue_order(&venue, limit(100, 10)) != 0);
    EXPECT(venue.events == 5 && accepted()->rested_lots == 6);
}

static void a_full_page_limit_refuses_a_new_page_only(void) {
    set_up();
    struct wire_limits_set limits = venue_default_limits();
    limits.max_price_pages = 4;
    venue_limits(&venue, limits);
    for (int64_t page = 1; page <= 4; page++) {
        EXPECT(venue_order(&venue, limit(page * 64, 1)) != 0);
    }
    EXPECT(venue_order(&venue, limit(5 * 64, 1)) == 0 && refusal(&venue) == WIRE_REASON_BOOK_FULL);
    const uint64_t id = venue_order(&venue, limit(4 * 64 + 63, 1));
    EXPECT(id != 0);
    venue_replace(&venue, 1, BUY, id, 5 * 64, 1);
    EXPECT(refusal(&venue) == WIRE_REASON_BOOK_FULL);
    /* An order that cannot rest needs no page. */
    const struct ticket passing = alice(BUY, WIRE_ORDER_TYPE_LIMIT, WIRE_TIME_IN_FORCE_IMMEDIATE_OR_CANCEL, 5 * 64, 1);
    EXPECT(venue_order(&venue, passing) != 0);
    /* The page of a price is free again once its last order is gone, and not before. */
    venue_cancel(&venue, 1, BUY, id);
    EXPECT(venue_order(&venue, limit(5 * 64, 1)) == 0 && refusal(&venue) == WIRE_REASON_BOOK_FULL);
    venue_cancel(&venue, 1, BUY, UINT64_C(1) << 32 | 3);
    EXPECT(venue_order(&venue, limit(5 * 64, 1)) != 0);
}

static void slots_are_reused_in_a_new_generation(void) {
    set_up();
    const uint64_t first = venue_order(&venue, limit(100, 1));
    const uint64_t second = venue_order(&venue, limit(100, 1));
    EXPECT(first == UINT64_C(1) << 32 && second == (UINT64_C(1) << 32 | 1));
    venue_cancel(&venue, 1, BUY, first);
    venue_cancel(&venue, 1, BUY, second);
    EXPECT(venue_order(&venue, limit(100, 1)) == (UINT64_C(2) << 32 | 1));
    venue_cancel(&venue, 1, BUY, second);
    EXPECT(refusal(&venue) == WIRE_REASON_TOO_LATE_TO_CANCEL);
    venue_cancel(&venue, 1, BUY, UINT64_C(3) << 32 | 1);
    EXPECT(refusal(&venue) == WIRE_REASON_UNKNOWN_ORDER);
    venue_cancel(&venue, 1, BUY, UINT64_C(1) << 32 | 256);
    EXPECT(refusal(&venue) == WIRE_REASON_UNKNOWN_ORDER);
    venue_cancel(&venue, 2, BUY, UINT64_C(2) << 32 | 1);
    EXPECT(refusal(&venue) == WIRE_REASON_UNKNOWN_ORDER);
    venue_cancel(&venue, 1, SELL, UINT64_C(2) << 32 | 1);
    EXPECT(refusal(&venue) == WIRE_REASON_ORDER_MISMATCH);
}

static void a_slot_in_its_last_generation_is_retired(void) {
    set_up();
    struct books *books = &venue.core->books;
    books->orders[1].generation = UINT32_MAX - 1; /* as after four thousand million orders in slot 0 */
    const uint64_t last = venue_order(&venue, limit(100, 1));
    EXPECT(last == (uint64_t)UINT32_MAX << 32);
    venue_cancel(&venue, 1, BUY, last);
    EXPECT(venue_order(&venue, limit(100, 1)) == (UINT64_C(1) << 32 | 1));
    venue_cancel(&venue, 1, BUY, last);
    EXPECT(refusal(&venue) == WIRE_REASON_TOO_LATE_TO_CANCEL);
}

static void the_order_pool_refuses_when_it_is_full(void) {
    set_up();
    struct wire_limits_set limits = venue_default_limits();
    limits.max_orders = 2;
    venue_limits(&venue, limits);
    EXPECT(venue_order(&venue, limit(100, 1)) != 0 && venue_order(&venue, limit(100, 1)) != 0);
    EXPECT(venue_order(&venue, limit(100, 1)) == 0 && refusal(&venue) == WIRE_REASON_ORDER_POOL_FULL);
    limits.max_open_orders_per_session = 2;
    venue_limits(&venue, limits);
    EXPECT(venue_order(&venue, limit(100, 1)) == 0 && refusal(&venue) == WIRE_REASON_TOO_MANY_OPEN_ORDERS);
}

static void an_order_without_funds_changes_no_balance(void) {
    set_up();
    const int64_t funds = available(&venue, ALICE, USD);
    EXPECT(venue_order(&venue, limit(100000, 1000000)) != 0);
    EXPECT(venue_order(&venue, limit(100000, 1000000)) != 0);
    EXPECT(venue_order(&venue, limit(100000, 1000000)) == 0 && refusal(&venue) == WIRE_REASON_INSUFFICIENT_FUNDS);
    EXPECT(available(&venue, ALICE, USD) + reserved(&venue, ALICE, USD) == funds);
}

static void a_clordid_is_used_once_a_day(void) {
    set_up();
    struct ticket ticket = limit(100, 1);
    ticket.clordid = "same";
    EXPECT(venue_order(&venue, ticket) != 0);
    EXPECT(venue_order(&venue, ticket) == 0 && refusal(&venue) == WIRE_REASON_DUPLICATE_CL_ORD_ID);
    ticket.clordid = "a b";
    EXPECT(venue_order(&venue, ticket) == 0 && refusal(&venue) == WIRE_REASON_INVALID_CL_ORD_ID);
    ticket.clordid = "";
    EXPECT(venue_order(&venue, ticket) == 0 && refusal(&venue) == WIRE_REASON_INVALID_CL_ORD_ID);
    ticket.clordid = "123456789012345678901234567890123456";
    EXPECT(venue_order(&venue, ticket) != 0);
    struct wire_limits_set limits = venue_default_limits();
    limits.max_clordids = 2;
    venue_limits(&venue, limits);
    EXPECT(venue_order(&venue, limit(100, 1)) == 0 && refusal(&venue) == WIRE_REASON_CL_ORD_ID_TABLE_FULL);
}

static void an_account_may_trade_with_itself(void) {
    set_up();
    venue_credit(&venue, ALICE, BTC, 1000);
    const int64_t usd = available(&venue, ALICE, USD);
    venue_limit(&venue, ALICE, SELL, 100, 2);
    venue_limit(&venue, ALICE, BUY, 100, 2);
    EXPECT(trade(1)->maker_account == ALICE && trade(1)->taker_account == ALICE);
    EXPECT(available(&venue, ALICE, BTC) == 1000);
    EXPECT(available(&venue, ALICE, USD) == usd - available(&venue, FEES, USD));
}

static void a_closed_market_takes_cancels_only(void) {
    set_up();
    const uint64_t id = venue_order(&venue, limit(100, 1));
    struct wire_trading_state_set halt = {.instrument = 1, .state = WIRE_TRADING_STATE_HALTED};
    EXPECT(venue_send(&venue, WIRE_TRADING_STATE_SET, &halt, sizeof halt).verdict == CORE_APPLY);
    EXPECT(venue_order(&venue, limit(100, 1)) == 0 && refusal(&venue) == WIRE_REASON_MARKET_NOT_OPEN);
    venue_replace(&venue, 1, BUY, id, 100, 2);
    EXPECT(refusal(&venue) == WIRE_REASON_MARKET_NOT_OPEN);
    venue_cancel(&venue, 1, BUY, id);
    EXPECT(canceled(0)->reason == WIRE_REASON_CANCELED_BY_CLIENT);
    halt.instrument = 3;
    EXPECT(venue_send(&venue, WIRE_TRADING_STATE_SET, &halt, sizeof halt).verdict == CORE_APPLY);
    EXPECT(refusal(&venue) == WIRE_REASON_UNKNOWN_INSTRUMENT);
}

static void totals_stay_within_63_bits(void) {
    set_up();
    const int64_t room = INT64_MAX - (INT64_C(1) << 40);
    venue_credit(&venue, BOB, USD, room);
    EXPECT(event_template(&venue, 0) == WIRE_CREDITED && available(&venue, BOB, USD) == room);
    venue_credit(&venue, BOB, USD, 1);
    EXPECT(refusal(&venue) == WIRE_REASON_INVALID_AMOUNT);
    venue_credit(&venue, BOB, BTC, INT64_MIN);
    EXPECT(refusal(&venue) == WIRE_REASON_INVALID_AMOUNT);
    venue_credit(&venue, BOB, BTC, 1);
    EXPECT(event_template(&venue, 0) == WIRE_CREDITED);
}

/* The listing whose largest order is worth exactly 2^61 units, at the highest fees. */
static struct wire_instrument_set extreme_listing(void) {
    struct wire_instrument_set listing = venue_default_instrument();
    listing.instrument = 2;
    listing.tick_units = 1;
    listing.lot_units = 2;
    listing.price_max_ticks = 1;
    listing.quantity_max_lots = INT64_C(1) << 61;
    listing.notional_max_units = INT64_C(1) << 61;
    listing.maker_fee_ppm = 999999;
    listing.taker_fee_ppm = 999999;
    return listing;
}

static void set_listing(const struct wire_instrument_set *listing, uint16_t event) {
    EXPECT(venue_send(&venue, WIRE_INSTRUMENT_SET, listing, sizeof *listing).verdict == CORE_APPLY);
    EXPECT(event_template(&venue, 0) == event);
}

static void listings_beyond_the_arithmetic_are_refused(void) {
    set_up();
    struct wire_instrument_set listing = extreme_listing();
    listing.price_max_ticks = 2;
    set_listing(&listing, WIRE_COMMAND_REFUSED);
    listing = extreme_listing();
    listing.lot_units = 3;
    set_listing(&listing, WIRE_COMMAND_REFUSED);
    listing = extreme_listing();
    listing.tick_units = INT64_MAX;
    listing.price_max_ticks = TICK_MAX;
    set_listing(&listing, WIRE_COMMAND_REFUSED);
    listing = extreme_listing();
    listing.price_max_ticks = TICK_MAX + 1;
    listing.quantity_max_lots = 1;
    set_listing(&listing, WIRE_COMMAND_REFUSED);
    listing = extreme_listing();
    listing.maker_fee_ppm = 1000000;
    set_listing(&listing, WIRE_COMMAND_REFUSED);
    listing = extreme_listing();
    set_listing(&listing, WIRE_INSTRUMENT_DEFINED);
    listing.tick_units = 2;
    listing.quantity_max_lots = 1;
    set_listing(&listing, WIRE_COMMAND_REFUSED);
}

static void the_largest_order_trades_without_overflow(void) {
    venue_close(&venue);
    venue = venue_open();
    const struct wire_instrument_set listing = extreme_listing();
    const int64_t lots = INT64_C(1) << 61;
    set_listing(&listing, WIRE_INSTRUMENT_DEFINED);
    venue_credit(&venue, ALICE, USD, INT64_MAX);
    venue_credit(&venue, BOB, BTC, INT64_MAX);
    for (uint32_t session = 2; session >= 1; session--) {
        struct wire_new_order order = {.session = session,
                                       .session_epoch = 1,
                                       .generation = 1,
                                       .gateway = 1,
                                       .client_seq = 1,
                                       .price_ticks = 1,
                                       .quantity_lots = lots,
                                       .account = session == 2 ? BOB : ALICE,
                                       .instrument = 2,
                                       .side = session == 2 ? SELL : BUY,
                                       .order_type = WIRE_ORDER_TYPE_LIMIT,
                                       .time_in_force = WIRE_TIME_IN_FORCE_DAY,
                                       .clordid = "big"};
        EXPECT(venue_send(&venue, WIRE_NEW_ORDER, &order, sizeof order).verdict == CORE_APPLY);
    }
    EXPECT(venue.events == 2 && trade(1)->notional_units == lots && trade(1)->taker_leaves_lots == 0);
    EXPECT(available(&venue, ALICE, BTC) == INT64_C(1) << 62);
    EXPECT(available(&venue, ALICE, USD) + available(&venue, BOB, USD) + available(&venue, FEES, USD) == INT64_MAX);
}

int main(void) {
    RUN(best_price_first_then_oldest_first);
    RUN(a_fill_moves_money_exactly);
    RUN(many_small_fills_pay_the_fee_of_one_big_fill);
    RUN(a_reservation_returns_to_zero_whatever_ends_the_order);
    RUN(less_at_the_same_price_keeps_priority_and_all_else_loses_it);
    RUN(a_replace_below_what_is_filled_ends_the_order);
    RUN(a_replace_that_crosses_trades);
    RUN(a_market_order_is_clamped_to_the_price_range);
    RUN(fill_or_kill_fills_in_full_or_not_at_all);
    RUN(fills_per_command_are_bounded);
    RUN(a_full_page_limit_refuses_a_new_page_only);
    RUN(slots_are_reused_in_a_new_generation);
    RUN(a_slot_in_its_last_generation_is_retired);
    RUN(the_order_pool_refuses_when_it_is_full);
    RUN(an_order_without_funds_changes_no_balance);
    RUN(a_clordid_is_used_once_a_day);
    RUN(an_account_may_trade_with_itself);
    RUN(a_closed_market_takes_cancels_only);
    RUN(totals_stay_within_63_bits);
    RUN(listings_beyond_the_arithmetic_are_refused);
    RUN(the_largest_order_trades_without_overflow);
    venue_close(&venue);
    return 0;
}
