/* Writes the two journals of an engine that has had so many commands: the bytes that it would have written itself.

   Usage: make_journal PRELUDE DIRECTORY VENUE COMMANDS DEPTH SEGMENT_BYTES. PRELUDE is a file of tests/property/pair.py
   with the first epoch, reference data of the shipped configuration, money and two attached sessions. Then half of the
   commands are orders that rest, a quarter cancels, a quarter orders that trade, around DEPTH open orders; a state hash
   every 4,096 commands and a clean stop at the end. The same arguments give the same bytes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "eventlog.h"
#include "expect.h"
#include "frame.h"
#include "journal.h"
#include "record.h"
#include "wire.h"

enum { NONCE = 7 };
enum {
    EVENTS_ROOM = 17 << 20,
    EVENTS_PER_WRITE = 1 << 18,
    BATCH = 256,
    HASH_EVERY = 4096,
    SESSIONS = 2,
    REMEMBERED = 1 << 14,
    MIDDLE_TICKS = 200000,
    PRICES = 400,
    NS_PER_COMMAND = 1000
};
static const uint32_t accounts[SESSIONS] = {11, 21}; /* of the shipped configuration's first two sessions */

struct client {
    uint64_t seq;
    uint64_t ids[REMEMBERED];
    uint8_t sides[REMEMBERED];
};

static struct core *core;
static struct eventlog events_log;
static struct client clients[SESSIONS];
static uint8_t *segment;
static uint8_t *events;
static size_t events_used;
static uint64_t offset;
static uint64_t sequence;
static uint64_t time_ns = UINT64_C(1700000000000000000);
static uint32_t chain_crc;
static int journal_directory;
static uint64_t segment_bytes;
static const char *venue;
static uint64_t random_state = 1;

static uint32_t draw(uint32_t below) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % below;
}

static void put_record(struct record_header header, const void *body, uint32_t size) {
    struct record_header *record = (void *)(segment + offset);
    *record = header;
    memcpy(record + 1, body, size);
    memset((uint8_t *)(record + 1) + size, 0, frame_padded(size) - size);
    chain_crc = record_seal(record, size, chain_crc);
    offset += record->length;
}

static void put_commit(bool clean) {
    const struct record_commit body = {.previous_crc = chain_crc, .clean = clean, .nonce = NONCE};
    put_record((struct record_header){.sequence = sequence, .time_ns = time_ns, .epoch = 1, .kind = RECORD_COMMIT},
               &body, sizeof body);
}

static uint64_t segment_first = 1;

static void begin_segment(void) {
    struct record_segment body = {
        .version = RECORD_VERSION, .previous_crc = chain_crc, .nonce = NONCE, .durability = JOURNAL_SYNC};
    (void)snprintf(body.venue, sizeof body.venue, "%s", venue);
    memset(segment, 0, segment_bytes);
    offset = 0;
    segment_first = sequence + 1;
    put_record((struct record_header){.sequence = segment_first, .epoch = 1, .kind = RECORD_SEGMENT}, &body,
               sizeof body);
}

static void write_segment(void) {
    char name[32];
    (void)snprintf(name, sizeof name, "%020" PRIu64 ".vj", segment_first);
    const int file = openat(journal_directory, name, O_WRONLY | O_CREAT | O_EXCL, 0640);
    EXPECT(file >= 0);
    for (size_t done = 0; done < segment_bytes;) {
        const ssize_t step = write(file, segment + done, segment_bytes - done);
        EXPECT(step > 0);
        done += (size_t)step;
    }
    EXPECT(close(file) == 0);
}

static void flush_events(void) {
    EXPECT(eventlog_append(&events_log, events, events_used) == EVENTLOG_GOOD);
    events_used = 0;
}

/* Remembers what rests, so that it can be cancelled. */
static void remember(const uint8_t *entries, size_t size) {
    for (size_t at = 0; at < size;) {
        struct frame_entry entry;
        struct wire_header header;
        memcpy(&entry, entries + at, sizeof entry);
        memcpy(&header, entries + at + sizeof entry, sizeof header);
        if (header.template_id == WIRE_ORDER_ACCEPTED) {
            struct wire_order_accepted accepted;
            memcpy(&accepted, entries + at + sizeof entry + sizeof header, sizeof accepted);
            struct client *client = &clients[accepted.session - 1];
            const uint32_t place = draw(REMEMBERED);
            client->ids[place] = accepted.order_id;
            client->sides[place] = accepted.side;
        }
        at += frame_entry_size(entry.size);
    }
}

static void command(uint8_t role, const void *message, uint32_t size) {
    size_t written = 0;
    uint32_t count = 0;
    const uint8_t verdict = core_check(core, role, message, size).verdict;
    if (verdict == CORE_DUPLICATE) {
        return;
    }
    EXPECT(verdict == CORE_APPLY && !core_pending(core));
    if (offset + 4 * sizeof(struct record_header) + size + 256 > segment_bytes) {
        write_segment();
        begin_segment();
        put_commit(false);
    }
    sequence++;
    time_ns += NS_PER_COMMAND;
    put_record((struct record_header){.sequence = sequence,
                                      .time_ns = time_ns,
                                      .epoch = 1,
                                      .role = role,
                                      .kind = RECORD_COMMAND,
                                      .size = (uint16_t)size},
               message, size);
    EXPECT(core_apply(core, sequence, 1, time_ns, message, size, events + events_used, EVENTS_ROOM - events_used,
                      &written, &count) == CORE_OK);
    remember(events + events_used, written);
    events_used += written;
    if (events_used >= EVENTS_PER_WRITE) {
        flush_events();
    }
}

static void message(uint8_t role, uint16_t template_id, const void *block, uint16_t size) {
    _Alignas(8) uint8_t bytes[256] = {0};
    const struct wire_header header = {size, template_id, WIRE_SCHEMA_ID, WIRE_SCHEMA_VERSION};
    const uint32_t echo = template_id == WIRE_NEW_ORDER ? 2 : 0; /* an empty one */
    memcpy(bytes, &header, sizeof header);
    memcpy(bytes + sizeof header, block, size);
    command(role, bytes, (uint32_t)sizeof header + size + echo);
}

static void order(uint32_t session, bool trades, int64_t quantity_lots) {
    struct client *client = &clients[session - 1];
    const uint8_t side = (uint8_t)(1 + draw(2));
    const int64_t away = trades ? PRICES : -1 - (int64_t)draw(PRICES);
    struct wire_new_order block = {
        .session = session,
        .session_epoch = 1,
        .generation = 1,
        .gateway = 1,
        .client_seq = client->seq + 1,
        .prev_client_seq = client->seq,
        .price_ticks = MIDDLE_TICKS + (side == WIRE_SIDE_BUY ? away : -away),
        .quantity_lots = quantity_lots,
        .account = accounts[session - 1],
        .instrument = 1,
        .side = side,
        .order_type = WIRE_ORDER_TYPE_LIMIT,
        .time_in_force = trades ? WIRE_TIME_IN_FORCE_IMMEDIATE_OR_CANCEL : WIRE_TIME_IN_FORCE_DAY,
    };
    client->seq++;
    (void)snprintf(block.clordid, sizeof block.clordid, "%" PRIx64, client->seq);
    message(WIRE_ROLE_GATEWAY, WIRE_NEW_ORDER, &block, sizeof block);
}

static void cancel(uint32_t session) {
    struct client *client = &clients[session - 1];
    const uint32_t place = draw(REMEMBERED);
    const struct wire_cancel_order block = {.session = session,
                                            .session_epoch = 1,
                                            .generation = 1,
                                            .gateway = 1,
                                            .client_seq = client->seq + 1,
                                            .prev_client_seq = client->seq,
                                            .order_id = client->ids[place],
                                            .side = client->sides[place] != 0 ? client->sides[place] : 1,
                                            .clordid = "cancel"};
    client->seq++;
    client->ids[place] = 0;
    message(WIRE_ROLE_GATEWAY, WIRE_CANCEL_ORDER, &block, sizeof block);
}

static void state_hash(void) {
    uint64_t hash[2];
    core_hash(core, hash);
    const struct wire_state_hash block = {.low = hash[0], .high = hash[1]};
    message(WIRE_ROLE_INTERNAL, WIRE_STATE_HASH, &block, sizeof block);
}

static uint8_t *read_all(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    EXPECT(file != NULL && fseek(file, 0, SEEK_END) == 0);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = aligned_alloc(64, (*size + 63) / 64 * 64);
    EXPECT(bytes != NULL && fread(bytes, 1, *size, file) == *size && fclose(file) == 0);
    return bytes;
}

static void prelude(const uint8_t *bytes, size_t size) {
    struct head {
        uint64_t time_ns;
        uint32_t epoch;
        uint32_t size;
    } head;
    for (size_t at = sizeof(struct core_capacity); at < size; at += sizeof head + frame_padded(head.size)) {
        memcpy(&head, bytes + at, sizeof head);
        command(WIRE_ROLE_INTERNAL, bytes + at + sizeof head, head.size);
    }
}

static int below(const char *directory, const char *name) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    const int file = open(path, O_RDONLY | O_DIRECTORY);
    EXPECT(file >= 0);
    return file;
}

int main(int count, char **arguments) {
    if (count != 7) {
        (void)fprintf(stderr, "usage: %s PRELUDE DIRECTORY VENUE COMMANDS DEPTH SEGMENT_BYTES\n", arguments[0]);
        return 2;
    }
    size_t size = 0;
    uint8_t *first = read_all(arguments[1], &size);
    struct core_capacity capacity;
    memcpy(&capacity, first, sizeof capacity);
    venue = arguments[3];
    const uint64_t commands = strtoull(arguments[4], NULL, 10);
    const uint32_t depth = (uint32_t)strtoul(arguments[5], NULL, 10);
    segment_bytes = strtoull(arguments[6], NULL, 10);
    core = core_new(&capacity);
    segment = malloc(segment_bytes);
    events = aligned_alloc(64, EVENTS_ROOM);
    EXPECT(core != NULL && segment != NULL && events != NULL);
    journal_directory = below(arguments[2], "journal");
    eventlog_init(&events_log, below(arguments[2], "events"), segment_bytes);
    eventlog_settle(&events_log);
    begin_segment();
    prelude(first, size);
    while (sequence + 1 < commands) {
        if (sequence % BATCH == 0) {
            put_commit(false);
        }
        if (sequence % HASH_EVERY == HASH_EVERY - 1) {
            state_hash();
            continue;
        }
        const uint32_t session = 1 + draw(SESSIONS);
        const uint32_t kind = draw(4);
        if (kind < 2) {
            order(session, false, 10);
        } else if (kind == 2) {
            cancel(session);
        } else {
            order(session, true, core_orders_in_use(core) < depth ? 5 : 15);
        }
    }
    state_hash();
    put_commit(true);
    write_segment();
    flush_events();
    eventlog_free(&events_log);
    uint64_t hash[2];
    core_hash(core, hash);
    (void)printf("%" PRIu64 " commands %" PRIu64 " events hash %016" PRIx64 "%016" PRIx64 " open %u\n", sequence,
                 core_event_sequence(core), hash[1], hash[0], core_orders_in_use(core));
    core_free(core);
    free(events);
    free(segment);
    free(first);
    return 0;
}
