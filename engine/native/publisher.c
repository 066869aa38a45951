/* The publisher thread: one turn answers Hellos, sends answers, publishes what became released or durable, and
 * otherwise keeps consumers warm. */
#define _GNU_SOURCE
#include "publisher.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "counters.h"
#include "fatal.h"
#include "venue_assert.h"
#include "zmq_table.h"

static const uint64_t heartbeat_ns = 100000000U;
static const uint64_t retry_after_ns = 50000000U;
enum { HELLOS_PER_TURN = 64, ANSWERS_PER_TURN = 256 };

struct control_frame {
    struct frame_header header;
    struct frame_entry entry;
    uint8_t message[sizeof(struct wire_header) + 32];
};

bool publisher_init(struct publisher *publisher, struct ring *events, struct answers *answers,
                    const struct journal *journal, struct eventlog *log, struct epochs *epochs, uint64_t *counters) {
    *publisher = (struct publisher){
        .events = events,
        .answers = answers,
        .journal = journal,
        .log = log,
        .epochs = epochs,
        .counters = counters,
    };
    return doorbell_init(&publisher->bell);
}

void publisher_free(struct publisher *publisher) {
    doorbell_free(&publisher->bell);
}

/* Epoch of an event that somebody may have got, 0 if there is none. */
static uint32_t epoch_of(const struct publisher *publisher, uint64_t sequence) {
    return sequence == 0 || sequence > publisher->announced ? 0 : epochs_of(publisher->epochs, sequence);
}

enum sent { SENT, SLOW, GONE };

/* ROUTER_MANDATORY makes the first part say whether the peer is there (EHOSTUNREACH) and has room (EAGAIN). */
static enum sent send_to(const struct publisher *publisher, const struct peer *peer, const void *bytes, size_t size) {
    if (zmq.send(publisher->socket, peer->id, peer->size, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
        return errno == EAGAIN ? SLOW : GONE;
    }
    return zmq.send(publisher->socket, bytes, size, ZMQ_DONTWAIT) < 0 ? SLOW : SENT;
}

static enum sent send_control(struct publisher *publisher, const struct peer *peer, uint16_t template_id,
                              const void *block, uint16_t block_length) {
    struct control_frame frame = {0};
    const struct wire_header header = {block_length, template_id, WIRE_SCHEMA_ID, WIRE_SCHEMA_VERSION};
    const uint32_t size = (uint32_t)sizeof header + block_length;
    memcpy(frame.message, &header, sizeof header);
    memcpy(frame.message + sizeof header, block, block_length);
    frame.entry.size = size;
    frame.header = (struct frame_header){
        .magic = FRAME_MAGIC,
        .kind = FRAME_CONTROL,
        .count = 1,
        .length = (uint32_t)(sizeof frame.header + frame_entry_size(size)),
        .epoch = epochs_last(publisher->epochs),
        .sent_ns = clock_ns(CLOCK_REALTIME),
    };
    return send_to(publisher, peer, &frame, frame.header.length);
}

static void remove_consumer(struct publisher *publisher, uint32_t position) {
    publisher->consumers[position] = publisher->consumers[--publisher->consumer_count];
    counter_set(publisher->counters, COUNTER_CONSUMERS, publisher->consumer_count);
}

static uint32_t find_consumer(const struct publisher *publisher, const struct peer *peer) {
    uint32_t position = 0;
    while (position < publisher->consumer_count &&
           (publisher->consumers[position].peer.size != peer->size ||
            memcmp(publisher->consumers[position].peer.id, peer->id, peer->size) != 0)) {
        position++;
    }
    return position;
}

/* The event that a consumer of this kind gets next. */
static uint64_t next_for(const struct publisher *publisher, bool early) {
    return (early ? publisher->announced : publisher->published) + 1;
}

/* Sends a frame to every live consumer of one kind; who is slow is cut off, who is gone is forgotten. */
static void send_to_all(struct publisher *publisher, bool early, const void *bytes, size_t size) {
    for (uint32_t i = publisher->consumer_count; i > 0; i--) {
        struct consumer *consumer = &publisher->consumers[i - 1];
        if (consumer->cut || consumer->early != early) {
            continue;
        }
        switch (send_to(publisher, &consumer->peer, bytes, size)) {
        case SENT:
            break;
        case SLOW:
            consumer->cut = true;
            counter_add(publisher->counters, COUNTER_CUT_OFF, 1);
            break;
        case GONE:
            remove_consumer(publisher, i - 1);
            break;
        }
    }
    publisher->spoke_ns[early] = clock_ns(CLOCK_MONOTONIC);
}

/* Who was cut off is told once its queue has room again, however busy the others are, and then forgotten until it says
 * Hello. */
static void tell_cut_off(struct publisher *publisher, uint64_t now_ns) {
    if (now_ns - publisher->told_ns < heartbeat_ns) {
        return;
    }
    publisher->told_ns = now_ns;
    for (uint32_t i = publisher->consumer_count; i > 0; i--) {
        const struct consumer *consumer = &publisher->consumers[i - 1];
        const struct wire_cut_off block = {.epoch = epochs_last(publisher->epochs),
                                           .next_sequence = next_for(publisher, consumer->early)};
        if (consumer->cut && send_control(publisher, &consumer->peer, WIRE_CUT_OFF, &block, sizeof block) != SLOW) {
            remove_consumer(publisher, i - 1);
        }
    }
}

static void send_heartbeat(struct publisher *publisher, bool early) {
    struct {
        struct frame_header frame;
        struct frame_entry entry;
        struct wire_header header;
        struct wire_heartbeat block;
    } beat = {
        .frame = {.magic = FRAME_MAGIC,
                  .kind = FRAME_CONTROL,
                  .count = 1,
                  .length = sizeof beat,
                  .epoch = epochs_last(publisher->epochs),
                  .sent_ns = clock_ns(CLOCK_REALTIME)},
        .entry = {.size = sizeof beat.header + sizeof beat.block},
        .header = {sizeof beat.block, WIRE_HEARTBEAT, WIRE_SCHEMA_ID, WIRE_SCHEMA_VERSION},
        .block = {.epoch = epochs_last(publisher->epochs),
                  .next_sequence = next_for(publisher, early),
                  .time_ns = clock_ns(CLOCK_REALTIME)},
    };
    send_to_all(publisher, early, &beat, sizeof beat);
}

/* Each kind of consumer hears something now and then, however busy the other kind is. */
static void keep_warm(struct publisher *publisher, uint64_t now_ns) {
    for (int early = 0; early <= (publisher->runs_ahead ? 1 : 0); early++) {
        if (now_ns - publisher->spoke_ns[early] >= heartbeat_ns) {
            send_heartbeat(publisher, early == 1);
        }
    }
}

static void refuse(struct publisher *publisher, const struct peer *peer, enum wire_reason reason,
                   uint16_t template_id) {
    const struct wire_refused block = {.reason = (uint16_t)reason, .template_id = template_id};
    send_control(publisher, peer, WIRE_REFUSED, &block, sizeof block);
}

static void greet(struct publisher *publisher, const struct peer *peer, const struct wire_hello *hello) {
    const uint32_t position = find_consumer(publisher, peer);
    if (position == CONSUMERS_MAX) {
        refuse(publisher, peer, WIRE_REASON_OVERLOADED, WIRE_HELLO);
        return;
    }
    const bool reversible = hello->role == WIRE_ROLE_GATEWAY || hello->role == WIRE_ROLE_FEED;
    const bool early = publisher->runs_ahead && reversible;
    const bool knows_a_past = hello->last_epoch != 0 && hello->from_sequence > 1;
    const struct wire_hello_ack block = {
        .epoch = epochs_last(publisher->epochs),
        .diverged = knows_a_past && epoch_of(publisher, hello->from_sequence - 1) != hello->last_epoch,
        .live_sequence = next_for(publisher, early),
        .first_sequence = 1,
    };
    if (send_control(publisher, peer, WIRE_HELLO_ACK, &block, sizeof block) != SENT) {
        return;
    }
    publisher->consumers[position] = (struct consumer){.peer = *peer, .early = early};
    if (position == publisher->consumer_count) {
        publisher->consumer_count++;
    }
    counter_set(publisher->counters, COUNTER_CONSUMERS, publisher->consumer_count);
}

static void on_frame(struct publisher *publisher, const struct peer *peer, const uint8_t *bytes, size_t size) {
    struct {
        struct frame_entry entry;
        struct wire_header header;
        struct wire_hello hello;
    } only;
    const size_t at = sizeof(struct frame_header);
    if (frame_check(bytes, size, FRAME_CONTROL) != 1 || size < at + sizeof only) {
        refuse(publisher, peer, WIRE_REASON_MALFORMED, 0);
        return;
    }
    memcpy(&only, bytes + at, sizeof only);
    if (only.header.template_id != WIRE_HELLO || only.header.schema_id != WIRE_SCHEMA_ID ||
        only.header.block_length < sizeof only.hello) {
        refuse(publisher, peer, WIRE_REASON_MALFORMED, only.header.template_id);
        return;
    }
    greet(publisher, peer, &only.hello);
}

/* One message of the events socket; false when there is none. */
static bool receive(struct publisher *publisher) {
    union zmq_message part;
    struct peer peer = {0};
    zmq.msg_init(&part);
    if (zmq.msg_recv(&part, publisher->socket, ZMQ_DONTWAIT) < 0) {
        zmq.msg_close(&part);
        return false;
    }
    const size_t id_size = zmq.msg_size(&part);
    peer.size = (uint8_t)(id_size <= PEER_ID_MAX ? id_size : 0);
    memcpy(peer.id, zmq.msg_data(&part), peer.size);
    int parts = 1;
    while (zmq.msg_more(&part) != 0 && zmq.msg_recv(&part, publisher->socket, ZMQ_DONTWAIT) >= 0) {
        parts++;
        if (parts == 2 && peer.size > 0 && zmq.msg_more(&part) == 0) {
            on_frame(publisher, &peer, zmq.msg_data(&part), zmq.msg_size(&part));
        }
    }
    zmq.msg_close(&part);
    return true;
}

static void send_answers(struct publisher *publisher) {
    struct answer answer;
    for (int i = 0; i < ANSWERS_PER_TURN && answers_take(publisher->answers, &answer); i++) {
        send_control(publisher, &answer.peer, answer.header.template_id, &answer.block, answer.header.block_length);
    }
}

/* Bytes of the entries in [at, end) that go into one frame, none of a command above `last_command`, and what they are.
 */
static size_t next_run(const struct publisher *publisher, uint64_t at, uint64_t end, uint64_t last_command,
                       struct frame_header *header) {
    size_t size = 0;
    while (at + size < end && size < PUBLISHED_BYTES_MAX && header->count < FRAME_COUNT_MAX) {
        struct frame_entry entry;
        struct frame_event event;
        const uint8_t *bytes = ring_at(publisher->events, at + size);
        memcpy(&entry, bytes, sizeof entry);
        memcpy(&event, bytes + sizeof entry, sizeof event);
        if (event.command_sequence > last_command) {
            break;
        }
        VENUE_ASSERT(frame_entry_size(entry.size) <= ENTRY_MAX, "an event fits the publisher's frame");
        if (header->count++ == 0) {
            header->first_sequence = event.sequence;
        }
        header->epoch = event.epoch;
        size += frame_entry_size(entry.size);
    }
    return size;
}

/* The next frame of released events for early consumers. */
static size_t next_announced(const struct publisher *publisher, struct frame_header *header) {
    if (!publisher->runs_ahead) {
        return 0;
    }
    /* Released first: what it names was put into the ring before. */
    const uint64_t released = journal_released(publisher->journal);
    return next_run(publisher, publisher->announced_at, ring_head(publisher->events), released, header);
}

/* The next frame of durable events, none of which an early consumer still has to get. */
static size_t next_published(const struct publisher *publisher, struct frame_header *header) {
    const uint64_t durable = journal_durable(publisher->journal);
    const uint64_t end = publisher->runs_ahead ? publisher->announced_at : ring_head(publisher->events);
    return next_run(publisher, ring_tail(publisher->events), end, durable, header);
}

/* Makes the publisher's frame of a run. */
static void make_frame(struct publisher *publisher, struct frame_header *header, const uint8_t *entries, size_t size) {
    header->magic = FRAME_MAGIC;
    header->kind = FRAME_EVENTS;
    header->sent_ns = clock_ns(CLOCK_REALTIME);
    header->length = (uint32_t)(sizeof *header + size);
    memcpy(publisher->frame, header, sizeof *header);
    memcpy(publisher->frame + sizeof *header, entries, size);
}

/* Notes a run that nobody has got yet. */
static void note_run(struct publisher *publisher, const struct frame_header *header, const uint8_t *entries,
                     size_t size) {
    epochs_learn(publisher->epochs, entries, size);
    publisher->announced = header->first_sequence + header->count - 1;
}

/* Sends one frame of released events to early consumers; false when there are none. */
static bool announce(struct publisher *publisher) {
    struct frame_header header = {0};
    const size_t size = next_announced(publisher, &header);
    if (size == 0) {
        return false;
    }
    uint8_t *entries = ring_at(publisher->events, publisher->announced_at);
    eventlog_seal(entries, size);
    publisher->announced_at += size;
    note_run(publisher, &header, entries, size);
    make_frame(publisher, &header, entries, size);
    send_to_all(publisher, true, publisher->frame, header.length);
    return true;
}

/* False when the disk has no room for them: tried again after a while. */
static bool store(struct publisher *publisher, uint8_t *entries, size_t size) {
    const enum eventlog_status status = eventlog_append(publisher->log, entries, size);
    if (status == EVENTLOG_DIVERGED) {
        errno = EILSEQ;
        fatal("engine.event_journal_diverged");
    }
    const bool full = status == EVENTLOG_FULL;
    __atomic_store_n(&publisher->full, full ? 1 : 0, __ATOMIC_RELAXED);
    publisher->retry_ns = full ? clock_ns(CLOCK_MONOTONIC) + retry_after_ns : 0;
    return !full;
}

static bool may_store(const struct publisher *publisher) {
    return publisher->full == 0 || clock_ns(CLOCK_MONOTONIC) >= publisher->retry_ns;
}

/* Stores and sends one frame of durable events; false when there are none, or no room for them. */
static bool publish(struct publisher *publisher) {
    const uint64_t tail = ring_tail(publisher->events);
    struct frame_header header = {0};
    const size_t size = may_store(publisher) ? next_published(publisher, &header) : 0;
    if (size == 0) {
        return false;
    }
    uint8_t *entries = ring_at(publisher->events, tail);
    /* Stored before sent, so that replay never lacks what a consumer has seen. */
    if (!store(publisher, entries, size)) {
        return false;
    }
    if (!publisher->runs_ahead) {
        note_run(publisher, &header, entries, size);
    }
    make_frame(publisher, &header, entries, size);
    ring_release(publisher->events, tail + size);
    const uint64_t last = header.first_sequence + header.count - 1;
    __atomic_store_n(&publisher->published, last, __ATOMIC_RELEASE);
    counter_set(publisher->counters, COUNTER_PUBLISHED_SEQUENCE, last);
    send_to_all(publisher, false, publisher->frame, header.length);
    return true;
}

bool publisher_full(const struct publisher *publisher) {
    return __atomic_load_n(&publisher->full, __ATOMIC_RELAXED) != 0;
}

static bool has_work(const struct publisher *publisher) {
    struct frame_header header = {0};
    return !answers_empty(publisher->answers) || next_announced(publisher, &header) > 0 ||
           (may_store(publisher) && next_published(publisher, &header) > 0) ||
           __atomic_load_n(&publisher->closing, __ATOMIC_ACQUIRE) != 0;
}

/* How long nobody has to hear from us, rounded up. */
static long warm_ms(const struct publisher *publisher) {
    const uint64_t *spoke_ns = publisher->spoke_ns;
    const uint64_t oldest_ns = publisher->runs_ahead && spoke_ns[1] < spoke_ns[0] ? spoke_ns[1] : spoke_ns[0];
    const uint64_t silent_ns = clock_ns(CLOCK_MONOTONIC) - oldest_ns;
    return silent_ns >= heartbeat_ns ? 0 : (long)((heartbeat_ns - silent_ns) / 1000000U) + 1;
}

static void idle(struct publisher *publisher) {
    struct zmq_poll_item items[2] = {
        {.socket = publisher->socket, .events = ZMQ_POLLIN},
        {.file = publisher->bell.file, .events = ZMQ_POLLIN},
    };
    doorbell_announce(&publisher->bell);
    if (!has_work(publisher)) {
        const long retry_ms = (long)(retry_after_ns / 1000000U);
        const long quiet_ms = warm_ms(publisher);
        zmq.poll(items, 2, publisher->full != 0 && retry_ms < quiet_ms ? retry_ms : quiet_ms);
    }
    doorbell_awake(&publisher->bell);
}

void publisher_run(struct publisher *publisher) {
    for (;;) {
        counter_add(publisher->counters, COUNTER_PUBLISHER_TURNS, 1);
        /* Read first: who closes has released everything before. */
        const int closing = __atomic_load_n(&publisher->closing, __ATOMIC_ACQUIRE);
        int hellos = 0;
        while (hellos < HELLOS_PER_TURN && receive(publisher)) {
            hellos++;
        }
        send_answers(publisher);
        const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
        tell_cut_off(publisher, now_ns);
        keep_warm(publisher, now_ns);
        const bool announced = announce(publisher);
        if (publish(publisher) || announced) {
            continue;
        }
        if (closing != 0) {
            return;
        }
        idle(publisher);
    }
}

void publisher_close(struct publisher *publisher) {
    __atomic_store_n(&publisher->closing, 1, __ATOMIC_RELEASE);
    doorbell_ring(&publisher->bell);
}
