/* core_check on bytes of any kind: nothing malformed passes, nothing outside the message is read, nothing changes. */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "venue.h"

static struct venue venue;

static const struct {
    uint16_t template_id;
    uint16_t block_size;
} COMMANDS[] = {
    {WIRE_EPOCH_START, sizeof(struct wire_epoch_start)},
    {WIRE_LIMITS_SET, sizeof(struct wire_limits_set)},
    {WIRE_ASSET_SET, sizeof(struct wire_asset_set)},
    {WIRE_INSTRUMENT_SET, sizeof(struct wire_instrument_set)},
    {WIRE_ACCOUNT_SET, sizeof(struct wire_account_set)},
    {WIRE_SESSION_SET, sizeof(struct wire_session_set)},
    {WIRE_CREDIT, sizeof(struct wire_credit)},
    {WIRE_TRADING_STATE_SET, sizeof(struct wire_trading_state_set)},
    {WIRE_END_OF_DAY, sizeof(struct wire_end_of_day)},
    {WIRE_CONTINUE, 0},
    {WIRE_CHECKPOINT, sizeof(struct wire_checkpoint)},
    {WIRE_SETTLEMENT_STATUS, sizeof(struct wire_settlement_status)},
    {WIRE_SESSION_ATTACH, sizeof(struct wire_session_attach)},
    {WIRE_NEW_ORDER, sizeof(struct wire_new_order)},
    {WIRE_CANCEL_ORDER, sizeof(struct wire_cancel_order)},
    {WIRE_REPLACE_ORDER, sizeof(struct wire_replace_order)},
    {WIRE_STATE_HASH, sizeof(struct wire_state_hash)},
    {WIRE_MASS_CANCEL, sizeof(struct wire_mass_cancel)},
    {WIRE_PHASE_SET, sizeof(struct wire_phase_set)},
    {WIRE_SCHEDULE_SET, sizeof(struct wire_schedule_set)},
    {WIRE_REFERENCE_PRICE_SET, sizeof(struct wire_reference_price_set)},
    {WIRE_TICK_BAND_SET, sizeof(struct wire_tick_band_set)},
    {WIRE_FEE_SCHEDULE_SET, sizeof(struct wire_fee_schedule_set)},
    {WIRE_RISK_LIMITS_SET, sizeof(struct wire_risk_limits_set)},
    {WIRE_MARKET_MAKER_PROTECTION_SET, sizeof(struct wire_market_maker_protection_set)},
    {WIRE_MARKET_MAKER_PROTECTION_RESET, sizeof(struct wire_market_maker_protection_reset)},
    {WIRE_KILL_SWITCH_SET, sizeof(struct wire_kill_switch_set)},
    {WIRE_OPERATOR_CANCEL, sizeof(struct wire_operator_cancel)},
    {WIRE_TRANSFER, sizeof(struct wire_transfer)},
    {WIRE_TRADE_BUST, sizeof(struct wire_trade_bust)},
    {WIRE_CLOCK_TICK, 0},
};
enum { COMMAND_COUNT = sizeof COMMANDS / sizeof COMMANDS[0] };

static void set_up(void) {
    venue_close(&venue);
    venue = venue_open();
    venue_credit(&venue, ALICE, USD, 1000000);
    venue_limit(&venue, ALICE, WIRE_SIDE_BUY, 10, 1);
}

/* Checks a copy in memory of exactly this size and at an odd address, so that a sanitizer sees any read outside. */
static struct core_check check_exact(uint8_t role, const uint8_t *message, uint32_t size) {
    uint8_t *copy = malloc(size + 1U);
    EXPECT(copy != NULL);
    memcpy(copy + 1, message, size);
    const struct core_check check = core_check(venue.core, role, copy + 1, size);
    free(copy);
    return check;
}

static bool malformed(struct core_check check) {
    return check.verdict == CORE_REFUSED && check.reason == WIRE_REASON_MALFORMED;
}

static void every_truncated_command_is_malformed(void) {
    set_up();
    uint8_t message[1024];
    const uint8_t block[512] = {0};
    uint64_t before[2];
    uint64_t after[2];
    core_hash(venue.core, before);
    for (uint32_t i = 0; i < COMMAND_COUNT; i++) {
        const uint32_t size = build_message(message, COMMANDS[i].template_id, block, COMMANDS[i].block_size);
        EXPECT(!malformed(check_exact(WIRE_ROLE_INTERNAL, message, size)));
        for (uint32_t cut = 0; cut < size; cut++) {
            const struct core_check check = check_exact(WIRE_ROLE_INTERNAL, message, cut);
            EXPECT(malformed(check) && check.session == 0);
            EXPECT(check.template_id == (cut < 8 ? 0 : COMMANDS[i].template_id));
        }
        message[size] = 0;
        EXPECT(malformed(check_exact(WIRE_ROLE_INTERNAL, message, size + 1)));
    }
    core_hash(venue.core, after);
    EXPECT(same_hash(before, after) && core_audit(venue.core) == 0);
}

static void a_longer_block_of_a_newer_writer_is_read(void) {
    set_up();
    uint8_t message[1024];
    const uint8_t block[512] = {0};
    for (uint32_t i = 0; i < COMMAND_COUNT; i++) {
        const uint16_t longer = (uint16_t)(COMMANDS[i].block_size + 8);
        const uint32_t size = build_message(message, COMMANDS[i].template_id, block, longer);
        EXPECT(!malformed(check_exact(WIRE_ROLE_INTERNAL, message, size)));
        if (COMMANDS[i].block_size > 0) {
            const uint16_t shorter = (uint16_t)(COMMANDS[i].block_size - 1);
            const uint32_t less = build_message(message, COMMANDS[i].template_id, block, shorter);
            EXPECT(malformed(check_exact(WIRE_ROLE_INTERNAL, message, less)));
        }
    }
}

static void what_is_no_command_of_ours_is_malformed(void) {
    set_up();
    uint8_t message[1024];
    const uint8_t block[512] = {0};
    for (uint32_t template_id = 0; template_id <= UINT16_MAX; template_id++) {
        const bool command = template_id >= WIRE_EPOCH_START && template_id <= WIRE_CLOCK_TICK;
        const uint32_t size = build_message(message, (uint16_t)template_id, block, 256);
        EXPECT(malformed(core_check(venue.core, WIRE_ROLE_INTERNAL, message, size)) == !command);
    }
    const uint32_t size = build_message(message, WIRE_CONTINUE, NULL, 0);
    message[4] = WIRE_SCHEMA_ID + 1;
    EXPECT(malformed(core_check(venue.core, WIRE_ROLE_INTERNAL, message, size)));
}

static void an_echo_is_at_most_512_bytes(void) {
    set_up();
    static uint8_t message[4096];
    const struct wire_new_order order = {.session = 1};
    const uint32_t size = build_message(message, WIRE_NEW_ORDER, &order, sizeof order);
    for (uint16_t echo = 0; echo < 600; echo++) {
        memcpy(message + size - 2, &echo, sizeof echo);
        EXPECT(malformed(check_exact(WIRE_ROLE_GATEWAY, message, size + echo)) == (echo > WIRE_DATA_MAX));
    }
}

static void each_role_may_send_its_own_templates(void) {
    set_up();
    uint8_t message[1024];
    const uint8_t block[512] = {0};
    static const uint16_t first[] = {WIRE_SESSION_ATTACH, WIRE_CREDIT, WIRE_TRADING_STATE_SET};
    for (uint8_t role = WIRE_ROLE_GATEWAY; role <= WIRE_ROLE_READER; role++) {
        uint32_t allowed = 0;
        for (uint32_t i = 0; i < COMMAND_COUNT; i++) {
            const uint32_t size = build_message(message, COMMANDS[i].template_id, block, COMMANDS[i].block_size);
            allowed += core_check(venue.core, role, message, size).reason != WIRE_REASON_WRONG_ROLE;
        }
        static const uint32_t expected[] = {0, 5, 3, 9, 0};
        EXPECT(allowed == expected[role]);
        if (role <= WIRE_ROLE_ADMIN) {
            const uint32_t size = build_message(message, first[role - 1], block, 200);
            EXPECT(core_check(venue.core, role, message, size).reason != WIRE_REASON_WRONG_ROLE);
        }
    }
}

static struct core_check check_client(struct wire_new_order order) {
    uint8_t message[256];
    const uint32_t size = build_message(message, WIRE_NEW_ORDER, &order, sizeof order);
    return core_check(venue.core, WIRE_ROLE_GATEWAY, message, size);
}

static void client_commands_are_fenced_and_sequenced(void) {
    set_up(); /* session 1 has sent client_seq 1 */
    struct wire_new_order order = {
        .session = 1, .session_epoch = 1, .generation = 1, .gateway = 1, .client_seq = 2, .prev_client_seq = 1};
    EXPECT(check_client(order).verdict == CORE_APPLY);
    order.client_seq = 9;
    EXPECT(check_client(order).verdict == CORE_APPLY);
    order.prev_client_seq = 8;
    EXPECT(check_client(order).verdict == CORE_GAP && check_client(order).last_client_seq == 1);
    order.client_seq = 1;
    EXPECT(check_client(order).verdict == CORE_DUPLICATE);
    order.generation = 2;
    EXPECT(check_client(order).reason == WIRE_REASON_STALE_GENERATION);
    order.generation = 1;
    order.gateway = 2;
    EXPECT(check_client(order).reason == WIRE_REASON_STALE_GENERATION);
    order.session_epoch = 2;
    EXPECT(check_client(order).reason == WIRE_REASON_WRONG_EPOCH);
    order.session = 3;
    EXPECT(check_client(order).reason == WIRE_REASON_UNKNOWN_SESSION && check_client(order).session == 3);
    order.session = UINT32_MAX;
    EXPECT(check_client(order).reason == WIRE_REASON_UNKNOWN_SESSION);
    const struct wire_session_set fresh = {.session = 3, .participant = 1, .enabled = 1};
    EXPECT(venue_send(&venue, WIRE_SESSION_SET, &fresh, sizeof fresh).verdict == CORE_APPLY);
    order.session = 3;
    EXPECT(check_client(order).reason == WIRE_REASON_NOT_ATTACHED);
    const struct wire_session_set off = {.session = 3, .participant = 1, .enabled = 0};
    EXPECT(venue_send(&venue, WIRE_SESSION_SET, &off, sizeof off).verdict == CORE_APPLY);
    EXPECT(check_client(order).reason == WIRE_REASON_SESSION_DISABLED);
}

static void a_refused_attachment_names_its_session(void) {
    set_up();
    const struct wire_session_attach attach = {.session = 3, .gateway = 1, .token = 1};
    const struct core_check check = venue_send(&venue, WIRE_SESSION_ATTACH, &attach, sizeof attach);
    EXPECT(check.reason == WIRE_REASON_UNKNOWN_SESSION && check.session == 3);
}

static void attaching_again_fences_and_resets(void) {
    set_up();
    struct wire_session_attach attach = {.session = 1, .gateway = 1, .gateway_instance = 7, .token = 11};
    EXPECT(venue_send(&venue, WIRE_SESSION_ATTACH, &attach, sizeof attach).verdict == CORE_DUPLICATE);
    attach.token = 12;
    EXPECT(venue_send(&venue, WIRE_SESSION_ATTACH, &attach, sizeof attach).verdict == CORE_APPLY);
    const struct wire_session_attached *event = event_block(&venue, 0, WIRE_SESSION_ATTACHED);
    EXPECT(event->generation == 2 && event->session_epoch == 1 && event->last_client_seq == 1);
    attach.token = 13;
    attach.reset = 255;
    EXPECT(venue_send(&venue, WIRE_SESSION_ATTACH, &attach, sizeof attach).verdict == CORE_APPLY);
    event = event_block(&venue, 0, WIRE_SESSION_ATTACHED);
    EXPECT(event->generation == 3 && event->session_epoch == 2 && event->last_client_seq == 0);
}

static void deposits_come_one_after_the_other(void) {
    set_up();
    struct wire_credit credit = {.account = ALICE, .asset = USD, .amount_units = 1, .deposit_seq = 1};
    EXPECT(venue_send(&venue, WIRE_CREDIT, &credit, sizeof credit).verdict == CORE_DUPLICATE);
    credit.deposit_seq = 3;
    EXPECT(venue_send(&venue, WIRE_CREDIT, &credit, sizeof credit).reason == WIRE_REASON_OUT_OF_SEQUENCE);
    credit.deposit_seq = 2;
    credit.account = 7;
    EXPECT(venue_send(&venue, WIRE_CREDIT, &credit, sizeof credit).verdict == CORE_APPLY);
    EXPECT(refusal(&venue) == WIRE_REASON_UNKNOWN_ACCOUNT);
    credit.account = ALICE;
    EXPECT(venue_send(&venue, WIRE_CREDIT, &credit, sizeof credit).verdict == CORE_APPLY);
    EXPECT(event_template(&venue, 0) == WIRE_CREDITED);
}

static void random_bytes_change_nothing(void) {
    set_up();
    uint8_t message[1024];
    uint8_t block[512];
    uint64_t before[2];
    uint64_t after[2];
    core_hash(venue.core, before);
    srand(20260101);
    for (int round = 0; round < 20000; round++) {
        for (uint32_t i = 0; i < sizeof block; i++) {
            block[i] = (uint8_t)rand();
        }
        const uint32_t i = (uint32_t)rand() % COMMAND_COUNT;
        const uint32_t size = build_message(message, COMMANDS[i].template_id, block, COMMANDS[i].block_size);
        if (round % 2 == 0) {
            message[rand() % 8] ^= (uint8_t)(1 << rand() % 8);
        }
        (void)check_exact((uint8_t)(rand() % 6), message, (uint32_t)rand() % (size + 1));
        (void)check_exact((uint8_t)(rand() % 6), message, size);
    }
    core_hash(venue.core, after);
    EXPECT(same_hash(before, after));
}

static void a_capacity_that_cannot_be_had_gives_no_core(void) {
    const struct core_capacity none = {.orders = 1};
    const struct core_capacity all = {1U << 31, 1U << 31, 1U << 31, 1U << 31, 1U << 31, 65535, 65535, 1U << 31};
    EXPECT(core_new(&none) == NULL && core_new(&all) == NULL);
    core_free(NULL);
}

int main(void) {
    RUN(every_truncated_command_is_malformed);
    RUN(a_longer_block_of_a_newer_writer_is_read);
    RUN(what_is_no_command_of_ours_is_malformed);
    RUN(an_echo_is_at_most_512_bytes);
    RUN(each_role_may_send_its_own_templates);
    RUN(client_commands_are_fenced_and_sequenced);
    RUN(a_refused_attachment_names_its_session);
    RUN(attaching_again_fences_and_resets);
    RUN(deposits_come_one_after_the_other);
    RUN(random_bytes_change_nothing);
    RUN(a_capacity_that_cannot_be_had_gives_no_core);
    venue_close(&venue);
    return 0;
}
