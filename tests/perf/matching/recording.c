/* Recording a workload: what recording.h promises, by the same calls that the engine's loop makes. */
#define _GNU_SOURCE
#include "recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "frame.h"
#include "mewl.h"

enum { CLORDID_ROOM = 36, BYTES_PER_MESSAGE = 320, SET_UP_MESSAGES = 4096, PAGES_PER_SIDE = 1 << 18 };

static void *reserve(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        market_fail("no memory for the recording");
    }
    (void)madvise(memory, size, MADV_HUGEPAGE);
    (void)madvise(memory, size, MADV_DONTDUMP); /* so that the kernel keeps it a mapping of its own: see market_warm */
    return memory;
}

static void *must_calloc(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (memory == NULL) {
        market_fail("no memory for the recording");
    }
    return memory;
}

/* ---- what the events say ---- */

static void make_live(struct recording *recording, uint32_t number) {
    struct placed *order = &recording->orders[number];
    if (order->live_place == 0 && number >= recording->live_from) {
        recording->live[recording->live_count++] = number;
        order->live_place = recording->live_count;
    }
}

static void end_live(struct recording *recording, uint32_t number) {
    struct placed *order = &recording->orders[number];
    order->leaves_lots = 0;
    if (order->live_place != 0) {
        const uint32_t moved = recording->live[--recording->live_count];
        recording->live[order->live_place - 1] = moved;
        recording->orders[moved].live_place = order->live_place;
        order->live_place = 0;
    }
}

static void set_leaves(struct recording *recording, uint32_t number, int64_t leaves_lots) {
    if (leaves_lots == 0) {
        end_live(recording, number);
        return;
    }
    recording->orders[number].leaves_lots = leaves_lots;
    make_live(recording, number);
}

static uint32_t number_of(const struct recording *recording, uint64_t order_id) {
    const uint32_t number = recording->number_of_slot[(uint32_t)order_id];
    if (number == 0 || recording->orders[number].order_id != order_id) {
        market_fail("an event names an order that was never accepted");
    }
    return number;
}

static void on_trade(struct recording *recording, const struct wire_trade *trade) {
    const uint32_t maker = number_of(recording, trade->maker_order_id);
    const uint32_t taker = number_of(recording, trade->taker_order_id);
    recording->trade_hash =
        mewl_mix(recording->trade_hash, maker, taker, (uint64_t)trade->price_ticks, (uint64_t)trade->quantity_lots);
    recording->trades++;
    recording->orders[maker].cum_lots += trade->quantity_lots;
    recording->orders[taker].cum_lots += trade->quantity_lots;
    set_leaves(recording, maker, trade->maker_leaves_lots);
}

/* True when it was a trade. */
static bool on_event(struct recording *recording, const uint8_t *message) {
    const struct wire_header *header = (const void *)message;
    const void *block = message + sizeof *header;
    switch (header->template_id) {
    case WIRE_ORDER_ACCEPTED: {
        const struct wire_order_accepted *accepted = block;
        recording->number_of_slot[(uint32_t)accepted->order_id] = recording->subject;
        recording->orders[recording->subject].order_id = accepted->order_id;
        set_leaves(recording, recording->subject, accepted->rested_lots);
        return false;
    }
    case WIRE_ORDER_REPLACED: {
        const struct wire_order_replaced *replaced = block;
        const uint32_t number = number_of(recording, replaced->order_id);
        recording->orders[number].price_ticks = (uint32_t)replaced->price_ticks;
        set_leaves(recording, number, replaced->rested_lots);
        return false;
    }
    case WIRE_ORDER_CANCELED:
        end_live(recording, number_of(recording, ((const struct wire_order_canceled *)block)->order_id));
        return false;
    case WIRE_ORDER_REJECTED:
    case WIRE_CANCEL_REJECTED:
        recording->rejected++;
        return false;
    case WIRE_COMMAND_REFUSED:
        market_fail("the market cannot be set up");
    case WIRE_TRADE:
        on_trade(recording, block);
        return true;
    default:
        return false;
    }
}

/* ---- one message ---- */

static void learn(struct recording *recording, const uint8_t *message, uint32_t size, uint32_t index) {
    size_t written = 0;
    uint32_t events = 0;
    uint32_t fills = 0;
    const uint64_t sequence = (uint64_t)index + 2;
    const uint8_t role = recording->messages[index].role;
    if (core_check(recording->core, role, message, size).verdict != CORE_APPLY ||
        core_apply(recording->core, sequence, 1, sequence, message, size, recording->out, recording->out_size, &written,
                   &events) != CORE_OK) {
        market_fail("a command is not applied");
    }
    for (size_t at = 0; at < written;) {
        const struct frame_entry *entry = (const void *)(recording->out + at);
        fills += on_event(recording, recording->out + at + sizeof *entry);
        at += frame_entry_size(entry->size);
    }
    recording->fills[index] = (uint16_t)(fills > UINT16_MAX ? UINT16_MAX : fills);
    recording->messages[index].pending = core_pending(recording->core);
}

static void append(struct recording *recording, uint8_t role, uint16_t template_id, const void *block,
                   uint16_t block_size) {
    const uint32_t index = recording->count;
    uint8_t *message = recording->bytes + recording->size;
    if (index == recording->capacity || recording->size + BYTES_PER_MESSAGE > recording->bytes_reserved) {
        market_fail("the recording is longer than planned");
    }
    const uint32_t size = market_message(message, template_id, block, block_size);
    recording->messages[index] =
        (struct recorded){.place = (uint32_t)(recording->size / 8), .size = (uint16_t)size, .role = role};
    recording->size += frame_padded(size);
    recording->count++;
    learn(recording, message, size, index);
}

/* The message, and every Continue that it leads to, as the engine's loop sends them. */
static void record(struct recording *recording, uint8_t role, uint16_t template_id, const void *block,
                   uint16_t block_size) {
    append(recording, role, template_id, block, block_size);
    while (core_pending(recording->core)) {
        append(recording, WIRE_ROLE_INTERNAL, WIRE_CONTINUE, NULL, 0);
    }
}

static void record_reference(void *context, uint8_t role, uint16_t template_id, const void *block,
                             uint16_t block_size) {
    record(context, role, template_id, block, block_size);
}

/* Short and never the same twice, as a client that counts in base 36 would have them. */
static void name_clordid(struct recording *recording, char clordid[CLORDID_ROOM]) {
    static const char DIGITS[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    uint64_t rest = ++recording->clordids;
    memset(clordid, 0, CLORDID_ROOM);
    for (int place = 7; place >= 0; place--, rest /= 36) {
        clordid[place] = DIGITS[rest % 36];
    }
}

/* ---- commands ---- */

static void count_command(struct recording *recording) {
    recording->commands += recording->timed_at != 0;
}

static void send_order(struct recording *recording, uint32_t number, const struct ticket *ticket) {
    const uint32_t session = session_of(ticket->user);
    struct wire_new_order command = {.session = session,
                                     .session_epoch = 1,
                                     .generation = 1,
                                     .gateway = 1,
                                     .client_seq = recording->client_seq[session] + 1,
                                     .prev_client_seq = recording->client_seq[session],
                                     .price_ticks = ticket->price_ticks,
                                     .quantity_lots = ticket->quantity_lots,
                                     .account = account_of(ticket->user),
                                     .instrument = ticket->instrument,
                                     .side = ticket->side,
                                     .order_type = ticket->order_type,
                                     .time_in_force = ticket->time_in_force,
                                     .stop_price_ticks = ticket->stop_price_ticks,
                                     .display_lots = ticket->display_lots};
    recording->client_seq[session]++;
    name_clordid(recording, command.clordid);
    recording->subject = number;
    recording->orders[number] = (struct placed){.price_ticks = ticket->price_ticks,
                                                .user = ticket->user,
                                                .instrument = ticket->instrument,
                                                .side = ticket->side};
    record(recording, WIRE_ROLE_GATEWAY, WIRE_NEW_ORDER, &command, sizeof command);
}

void record_order(struct recording *recording, uint32_t number, const struct ticket *ticket) {
    if (number >= recording->orders_capacity) {
        market_fail("an order number is higher than planned");
    }
    recording->orders_used = number + 1;
    count_command(recording);
    send_order(recording, number, ticket);
}

static void send_cancel(struct recording *recording, uint32_t user, uint8_t side, uint64_t order_id,
                        const char *orig_clordid) {
    const uint32_t session = session_of(user);
    struct wire_cancel_order command = {.session = session,
                                        .session_epoch = 1,
                                        .generation = 1,
                                        .gateway = 1,
                                        .client_seq = recording->client_seq[session] + 1,
                                        .prev_client_seq = recording->client_seq[session],
                                        .order_id = order_id,
                                        .side = side};
    recording->client_seq[session]++;
    name_clordid(recording, command.clordid);
    memcpy(command.orig_clordid, orig_clordid, strnlen(orig_clordid, sizeof command.orig_clordid));
    record(recording, WIRE_ROLE_GATEWAY, WIRE_CANCEL_ORDER, &command, sizeof command);
}

void record_cancel(struct recording *recording, uint32_t number) {
    const struct placed *order = &recording->orders[number];
    count_command(recording);
    send_cancel(recording, order->user, order->side, order->order_id, "");
}

void record_cancel_by(struct recording *recording, uint32_t user, uint8_t side, uint64_t order_id,
                      const char *orig_clordid) {
    count_command(recording);
    send_cancel(recording, user, side, order_id, orig_clordid);
}

void record_mass_cancel(struct recording *recording, uint32_t user) {
    const uint32_t session = session_of(user);
    struct wire_mass_cancel command = {.session = session,
                                       .session_epoch = 1,
                                       .generation = 1,
                                       .gateway = 1,
                                       .client_seq = recording->client_seq[session] + 1,
                                       .prev_client_seq = recording->client_seq[session]};
    recording->client_seq[session]++;
    count_command(recording);
    name_clordid(recording, command.clordid);
    record(recording, WIRE_ROLE_GATEWAY, WIRE_MASS_CANCEL, &command, sizeof command);
}

static void replace_by_two(struct recording *recording, uint32_t number, int64_t leaves_lots) {
    const struct placed *order = &recording->orders[number];
    const struct ticket ticket = {.user = order->user,
                                  .instrument = order->instrument,
                                  .side = order->side,
                                  .order_type = WIRE_ORDER_TYPE_LIMIT,
                                  .time_in_force = WIRE_TIME_IN_FORCE_GOOD_TILL_CANCEL,
                                  .price_ticks = order->price_ticks,
                                  .quantity_lots = leaves_lots};
    recording->two_messages += recording->timed_at != 0;
    send_cancel(recording, order->user, order->side, order->order_id, "");
    send_order(recording, number, &ticket);
}

void record_replace(struct recording *recording, uint32_t number, uint32_t price_ticks, int64_t leaves_lots) {
    const struct placed *order = &recording->orders[number];
    const uint32_t session = session_of(order->user);
    count_command(recording);
    if (price_ticks == order->price_ticks && leaves_lots <= order->leaves_lots) {
        replace_by_two(recording, number, leaves_lots);
        return;
    }
    struct wire_replace_order command = {.session = session,
                                         .session_epoch = 1,
                                         .generation = 1,
                                         .gateway = 1,
                                         .client_seq = recording->client_seq[session] + 1,
                                         .prev_client_seq = recording->client_seq[session],
                                         .order_id = order->order_id,
                                         .price_ticks = price_ticks,
                                         .quantity_lots = order->cum_lots + leaves_lots,
                                         .side = order->side};
    recording->client_seq[session]++;
    name_clordid(recording, command.clordid);
    recording->subject = number;
    record(recording, WIRE_ROLE_GATEWAY, WIRE_REPLACE_ORDER, &command, sizeof command);
}

/* ---- from begin to end ---- */

static uint32_t set_up_messages(uint32_t instruments) {
    return 2 * (USERS + 1) * (instruments + QUOTE) + SET_UP_MESSAGES;
}

void recording_open(struct recording *recording, const struct room *room, uint32_t messages, uint32_t orders) {
    const uint32_t capacity = messages + set_up_messages(room->instruments);
    *recording = (struct recording){.core = market_open(room),
                                    .room = *room,
                                    .bytes_reserved = (size_t)capacity * BYTES_PER_MESSAGE,
                                    .capacity = capacity,
                                    .orders_capacity = orders + 1,
                                    .live_from = 1};
    recording->bytes = reserve(recording->bytes_reserved);
    recording->messages = must_calloc((size_t)capacity + LOOKAHEAD, sizeof *recording->messages);
    recording->fills = must_calloc(capacity, sizeof *recording->fills);
    recording->orders = must_calloc((size_t)orders + 1, sizeof *recording->orders);
    recording->live = must_calloc((size_t)orders + 1, sizeof *recording->live);
    recording->number_of_slot = must_calloc(room->orders, sizeof *recording->number_of_slot);
    recording->out_size = core_output_max(recording->core);
    recording->out = aligned_alloc(64, (recording->out_size + 63) & ~(size_t)63);
    if (recording->out == NULL) {
        market_fail("no memory for the recording");
    }
    market_set_up(room, record_reference, recording);
    recording->prefill_at = recording->count;
}

void recording_live_only_new(struct recording *recording) {
    for (uint32_t i = 0; i < recording->live_count; i++) {
        recording->orders[recording->live[i]].live_place = 0;
    }
    recording->live_count = 0;
    recording->live_from = recording->orders_used;
}

static uint32_t pages_used(const struct recording *recording) {
    uint8_t *seen = must_calloc((size_t)recording->room.instruments * 2 + 2, PAGES_PER_SIDE);
    uint32_t pages = 0;
    for (uint32_t number = 1; number < recording->orders_used; number++) {
        const struct placed *order = &recording->orders[number];
        const size_t side = (size_t)order->instrument * 2 + (order->side == WIRE_SIDE_SELL);
        uint8_t *page = &seen[side * PAGES_PER_SIDE + order->price_ticks / 64];
        pages += order->leaves_lots > 0 && *page == 0;
        *page |= order->leaves_lots > 0;
    }
    free(seen);
    return pages;
}

void recording_start_timed(struct recording *recording) {
    recording->timed_at = recording->count;
    recording->prefill_resting = core_orders_in_use(recording->core);
    recording->prefill_pages = pages_used(recording);
}

void recording_finish(struct recording *recording) {
    if (core_audit(recording->core) != 0) {
        market_fail("the core that the workload was recorded on is broken");
    }
    core_hash(recording->core, recording->hash);
    recording->events = core_event_sequence(recording->core);
    core_free(recording->core);
    recording->core = NULL;
    for (uint32_t i = 0; i < LOOKAHEAD; i++) { /* so that looking ahead needs no end */
        recording->messages[recording->count + i] = recording->messages[recording->count - 1];
    }
    free(recording->orders);
    free(recording->live);
    free(recording->number_of_slot);
    free(recording->out);
    recording->orders = NULL;
    recording->live = NULL;
    recording->number_of_slot = NULL;
    recording->out = NULL;
}
