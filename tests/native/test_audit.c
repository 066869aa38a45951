/* The audit finds damage of every kind it looks for, and a broken invariant ends the process. */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "venue.h"

static struct venue venue;

static void set_up(void) {
    venue_close(&venue);
    venue = venue_open();
    venue_credit(&venue, ALICE, USD, 1000000);
    venue_credit(&venue, BOB, BTC, 1000000);
    venue_limit(&venue, ALICE, WIRE_SIDE_BUY, 100, 5);
    venue_limit(&venue, ALICE, WIRE_SIDE_BUY, 100, 5);
    venue_limit(&venue, ALICE, WIRE_SIDE_BUY, 99, 5);
    venue_limit(&venue, BOB, WIRE_SIDE_SELL, 200, 5);
    uint64_t hash[2];
    core_hash(venue.core, hash); /* every record is hashed: from here on any change of one is seen */
    EXPECT(core_audit(venue.core) == 0);
}

/* Changes one byte's lowest bit, expects the audit to see it, and puts it back. */
static void expect_found(void *field) {
    uint8_t *byte = field;
    *byte ^= 1;
    EXPECT(core_audit(venue.core) != 0);
    *byte ^= 1;
    EXPECT(core_audit(venue.core) == 0);
}

static void the_audit_sees_damaged_books(void) {
    set_up();
    struct books *books = &venue.core->books;
    struct ladder *bids = book_side(books, 1, WIRE_SIDE_BUY);
    expect_found(&ladder_level(&books->pages, bids, 100)->quantity_lots);
    expect_found(&bids->best_tick);
    expect_found(&bids->bottom[0]);
    expect_found(&bids->top);
    expect_found(&books->orders[1].leaves_lots);
    expect_found(&books->orders[2].previous);
    expect_found(&books->orders[1].price_ticks);
    expect_found(&books->orders[1].generation);
    expect_found(&books->orders[2].priority);
    expect_found(&books->orders[1].time_in_force);
    expect_found(&books->orders[1].flags);
    expect_found(&books->details[1].clordid);
    expect_found(&books->details[1].account_older);
    expect_found(&books->in_use);
    expect_found(&books->pages.in_use);
    expect_found(&books->slots.stack[0]);
    expect_found(&books->hash);
}

static void the_audit_sees_damaged_money_and_reference_data(void) {
    set_up();
    struct core *core = venue.core;
    expect_found(&core->books.orders[1].fee_remainder);
    expect_found(&core->books.orders[1].maker_ppm);
    expect_found(&balance_of(&core->accounts, ALICE, USD)->available_units);
    expect_found(&balance_of(&core->accounts, ALICE, USD)->reserved_units);
    expect_found(&core->accounts.assets[USD].total_units);
    expect_found(core->accounts.accounts[BOB].name);
    expect_found(&core->accounts.hash);
    expect_found(&core->sessions.sessions[1].open_orders);
    expect_found(&core->sessions.sessions[1].last_client_seq);
    expect_found(&core->instruments.instruments[1].content.notional_max_units);
    expect_found(&core->used.count);
    expect_found(&core->used_hash);
}

static void the_audit_sees_damaged_waiting_orders_and_timers(void) {
    set_up();
    struct ticket stop = {.session = 1,
                          .account = ALICE,
                          .side = WIRE_SIDE_BUY,
                          .order_type = WIRE_ORDER_TYPE_STOP_LIMIT,
                          .time_in_force = WIRE_TIME_IN_FORCE_GOOD_TILL_DATE,
                          .price_ticks = 90,
                          .quantity_lots = 4,
                          .stop_price_ticks = 120,
                          .display_lots = 2,
                          .expire_ns = UINT64_C(1) << 60};
    EXPECT(venue_order(&venue, stop) != 0);
    stop.expire_ns++;
    EXPECT(venue_order(&venue, stop) != 0);
    for (uint32_t i = 0; i < 2; i++) {
        EXPECT(venue_order(&venue, (struct ticket){.session = 1,
                                                   .account = ALICE,
                                                   .side = WIRE_SIDE_BUY,
                                                   .order_type = WIRE_ORDER_TYPE_LIMIT,
                                                   .time_in_force = WIRE_TIME_IN_FORCE_AT_THE_CLOSE,
                                                   .price_ticks = 90,
                                                   .quantity_lots = 4}) != 0);
    }
    struct core *core = venue.core;
    EXPECT(core_audit(core) == 0);
    struct ladder *stops = stop_ladder(&core->books, 1, WIRE_SIDE_BUY, false);
    struct order_terms *terms = &core->books.terms[5];
    struct instrument *instrument = &core->instruments.instruments[1];
    expect_found(&ladder_level(&core->books.pages, stops, 120)->quantity_lots);
    expect_found(&stops->best_tick);
    expect_found(&terms->stop_price_ticks);
    expect_found(&terms->display_lots);
    expect_found(&terms->displayed_lots);
    expect_found(&terms->expire_ns);
    expect_found(&terms->expiry_place);
    expect_found(&core->timers.heap[1]);
    expect_found(&core->timers.count);
    expect_found(core->timers.ends.nodes + 1);
    expect_found(core->timers.schedules.nodes + core->timers.leaves + 1);
    expect_found(core->timers.indicatives.nodes + core->timers.leaves / 2);
    expect_found(&instrument->stops);
    expect_found(&instrument->parked_head);
    expect_found(&instrument->parked_tail);
    expect_found(&instrument->trigger_high);
    expect_found(&instrument->end_ns);
    expect_found((uint8_t *)core->auction_orders.open + 1); /* order index 8 */
    expect_found(&core->auction_orders.counts[1]);
    expect_found(&core->auction_orders.parked[1]);
}

/* True when applying these bytes as the next command but `skipped` aborts the process. */
static bool aborts(const uint8_t *message, uint32_t size, uint64_t skipped) {
    (void)fflush(NULL);
    const pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        (void)fclose(stderr);
        size_t written = 0;
        uint32_t events = 0;
        (void)core_apply(venue.core, venue.sequence + 1 + skipped, 1, 1, message, size, venue.out, venue.out_size,
                         &written, &events);
        _exit(0);
    }
    int status = 0;
    EXPECT(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void what_check_would_refuse_is_never_applied(void) {
    set_up();
    uint8_t message[256];
    uint32_t size = build_message(message, WIRE_CONTINUE, NULL, 0);
    EXPECT(!aborts(message, size, 0));
    EXPECT(aborts(message, size, 1));
    EXPECT(aborts(message, size - 1, 0));
    const struct wire_epoch_start other_rules = {.epoch = 1, .rules_version = RULES_VERSION + 1};
    size = build_message(message, WIRE_EPOCH_START, &other_rules, sizeof other_rules);
    EXPECT(aborts(message, size, 0));
    const struct wire_credit early = {.account = ALICE, .asset = USD, .amount_units = 1, .deposit_seq = 9};
    size = build_message(message, WIRE_CREDIT, &early, sizeof early);
    EXPECT(aborts(message, size, 0));
    const struct wire_new_order stranger = {.session = 3, .client_seq = 1};
    size = build_message(message, WIRE_NEW_ORDER, &stranger, sizeof stranger);
    EXPECT(aborts(message, size, 0));
}

static void money_never_goes_below_zero(void) {
    set_up();
    balance_of(&venue.core->accounts, ALICE, USD)->reserved_units = 1; /* less than the order holds */
    uint8_t message[256];
    const struct wire_cancel_order cancel = {
        .session = 1, .client_seq = 99, .order_id = UINT64_C(1) << 32, .side = WIRE_SIDE_BUY, .clordid = "x"};
    const uint32_t size = build_message(message, WIRE_CANCEL_ORDER, &cancel, sizeof cancel);
    EXPECT(aborts(message, size, 0));
}

int main(void) {
    RUN(the_audit_sees_damaged_books);
    RUN(the_audit_sees_damaged_money_and_reference_data);
    RUN(the_audit_sees_damaged_waiting_orders_and_timers);
    RUN(what_check_would_refuse_is_never_applied);
    RUN(money_never_goes_below_zero);
    venue_close(&venue);
    return 0;
}
