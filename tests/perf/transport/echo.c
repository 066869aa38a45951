/* The echo's three threads; the rings and doorbells between them are the engine's own. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "doorbell.h"
#include "frame.h"
#include "ring.h"
#include "transport.h"
#include "zmq_table.h"

enum {
    COMMAND_RING_BYTES = 1 << 24,
    EVENT_RING_BYTES = 1 << 26,
    FRAMES_PER_TURN = 64,
    PUBLISHED_BYTES_MAX = 1 << 16,
    PEER_MAX = 64,
    POLL_MS = 100,
    RECORD_HEADER = 32, /* what the journal puts before a command */
};

struct echo {
    void *gateway;
    void *events;
    struct ring commands;
    struct ring answers;
    struct doorbell handed; /* rung for the thread that hands over */
    struct doorbell ready;  /* rung for the thread that sends */
    uint64_t command_at;
    uint64_t answer_at;
    uint64_t sequence;
    uint64_t time_ns; /* when it took the command at work */
    uint64_t event_sequence;
    uint64_t spin_ns;
    uint32_t entry_bytes;
    uint8_t peer[PEER_MAX];
    size_t peer_size;
    _Alignas(64) uint64_t released;
    uint8_t frame[sizeof(struct frame_header) + PUBLISHED_BYTES_MAX + FRAME_COUNT_MAX];
};

/* What stands at the head of every answer. */
struct answer_head {
    struct frame_entry entry;
    struct frame_event event;
};

struct echo *echo_new(void *gateway, void *events, uint32_t entry_bytes, uint32_t spin_us) {
    struct echo *echo = aligned_alloc(64, (sizeof *echo + 63) / 64 * 64);
    if (echo == NULL) {
        return NULL;
    }
    memset(echo, 0, sizeof *echo);
    echo->gateway = gateway;
    echo->events = events;
    echo->entry_bytes = entry_bytes;
    echo->spin_ns = spin_us * UINT64_C(1000);
    const bool good = entry_bytes >= sizeof(struct answer_head) && entry_bytes <= FRAME_COUNT_MAX &&
                      ring_init(&echo->commands, COMMAND_RING_BYTES) && ring_init(&echo->answers, EVENT_RING_BYTES) &&
                      doorbell_init(&echo->handed) && doorbell_init(&echo->ready);
    return good ? echo : NULL; /* an echo that can't be made ends its process: nothing to give back */
}

/* ---- the thread that receives ---- */

static void wait_for_room(struct echo *echo) {
    while (ring_space(&echo->commands, echo->command_at) < FRAME_MAX ||
           ring_space(&echo->answers, echo->answer_at) < FRAME_MAX) {
        doorbell_ring(&echo->handed);
        doorbell_ring(&echo->ready);
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
    }
}

static void answer(struct echo *echo, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *at = ring_at(&echo->answers, echo->answer_at);
        const struct answer_head head = {
            .entry = {.size = echo->entry_bytes - (uint32_t)sizeof(struct frame_entry)},
            .event = {.sequence = ++echo->event_sequence, .command_sequence = echo->sequence, .time_ns = echo->time_ns},
        };
        memcpy(at, &head, sizeof head);
        memset(at + sizeof head, (int)count, echo->entry_bytes - sizeof head);
        echo->answer_at += echo->entry_bytes;
    }
    ring_publish(&echo->answers, echo->answer_at);
}

static void on_frame(struct echo *echo, const uint8_t *bytes, size_t size) {
    if (frame_check(bytes, size, FRAME_COMMANDS) < 0) {
        return;
    }
    for (size_t at = sizeof(struct frame_header); at < size;) {
        struct frame_entry entry;
        memcpy(&entry, bytes + at, sizeof entry);
        wait_for_room(echo);
        uint8_t *record = ring_at(&echo->commands, echo->command_at);
        echo->sequence++;
        echo->time_ns = clock_ns(CLOCK_REALTIME);
        memset(record, 0, RECORD_HEADER);
        memcpy(record, &echo->sequence, sizeof echo->sequence);
        memcpy(record + RECORD_HEADER, bytes + at + sizeof entry, entry.size);
        echo->command_at += RECORD_HEADER + frame_padded(entry.size);
        ring_publish(&echo->commands, echo->command_at);
        answer(echo, echo->sequence % 2 == 1 ? 1 : 2);
        at += frame_entry_size(entry.size);
    }
    doorbell_ring(&echo->handed);
}

static bool receive(struct echo *echo) {
    union zmq_message part;
    zmq.msg_init(&part);
    if (zmq.msg_recv(&part, echo->gateway, ZMQ_DONTWAIT) < 0) {
        zmq.msg_close(&part);
        return false;
    }
    echo->peer_size = zmq.msg_size(&part) <= PEER_MAX ? zmq.msg_size(&part) : 0;
    memcpy(echo->peer, zmq.msg_data(&part), echo->peer_size);
    while (zmq.msg_more(&part) != 0 && zmq.msg_recv(&part, echo->gateway, ZMQ_DONTWAIT) >= 0) {
        if (zmq.msg_more(&part) == 0) {
            on_frame(echo, zmq.msg_data(&part), zmq.msg_size(&part));
        }
    }
    zmq.msg_close(&part);
    return true;
}

void echo_receive(struct echo *echo) {
    uint64_t busy_ns = clock_ns(CLOCK_MONOTONIC);
    for (;;) {
        int frames = 0;
        while (frames < FRAMES_PER_TURN && receive(echo)) {
            frames++;
        }
        const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
        if (frames > 0) {
            busy_ns = now_ns;
        } else if (now_ns - busy_ns > echo->spin_ns) {
            struct zmq_poll_item item = {.socket = echo->gateway, .events = ZMQ_POLLIN};
            zmq.poll(&item, 1, POLL_MS);
            busy_ns = clock_ns(CLOCK_MONOTONIC);
        }
    }
}

/* ---- the thread that stands where the journal stands ---- */

void echo_hand_over(struct echo *echo) {
    for (;;) {
        const uint64_t head = ring_head(&echo->commands);
        if (head != ring_tail(&echo->commands)) {
            uint64_t sequence = 0;
            for (uint64_t at = ring_tail(&echo->commands); at < head;) {
                const uint8_t *record = ring_at(&echo->commands, at);
                memcpy(&sequence, record, sizeof sequence);
                at += RECORD_HEADER + frame_padded(load_command_bytes() - sizeof(struct frame_entry));
            }
            ring_release(&echo->commands, head);
            __atomic_store_n(&echo->released, sequence, __ATOMIC_RELEASE);
            doorbell_ring(&echo->ready);
            continue;
        }
        doorbell_announce(&echo->handed);
        if (ring_head(&echo->commands) == ring_tail(&echo->commands)) {
            doorbell_block(&echo->handed, POLL_MS);
        }
        doorbell_awake(&echo->handed);
    }
}

/* ---- the thread that sends ---- */

static size_t next_run(const struct echo *echo, struct frame_header *header) {
    const uint64_t released = __atomic_load_n(&echo->released, __ATOMIC_ACQUIRE);
    const uint64_t tail = ring_tail(&echo->answers);
    const uint64_t head = ring_head(&echo->answers);
    size_t size = 0;
    while (tail + size < head && size < PUBLISHED_BYTES_MAX && header->count < FRAME_COUNT_MAX) {
        struct answer_head first;
        memcpy(&first, ring_at(&echo->answers, tail + size), sizeof first);
        if (first.event.command_sequence > released) {
            break;
        }
        header->count++;
        size += echo->entry_bytes;
    }
    return size;
}

static bool send_next(struct echo *echo) {
    struct frame_header header = {.magic = FRAME_MAGIC, .kind = FRAME_EVENTS, .sent_ns = clock_ns(CLOCK_REALTIME)};
    const size_t size = next_run(echo, &header);
    if (size == 0) {
        return false;
    }
    const uint64_t tail = ring_tail(&echo->answers);
    header.length = (uint32_t)(sizeof header + size);
    memcpy(echo->frame, &header, sizeof header);
    memcpy(echo->frame + sizeof header, ring_at(&echo->answers, tail), size);
    ring_release(&echo->answers, tail + size);
    if (zmq.send(echo->events, echo->peer, echo->peer_size, ZMQ_SNDMORE) >= 0) {
        zmq.send(echo->events, echo->frame, header.length, 0);
    }
    return true;
}

/* A Hello comes back as it is: then its sender is known to the socket, and nothing sent to it is dropped. */
static bool greet(struct echo *echo) {
    union zmq_message part;
    zmq.msg_init(&part);
    const bool some = zmq.msg_recv(&part, echo->events, ZMQ_DONTWAIT) >= 0;
    for (bool more = some; more;) {
        more = zmq.msg_more(&part) != 0;
        zmq.send(echo->events, zmq.msg_data(&part), zmq.msg_size(&part), more ? ZMQ_SNDMORE : 0);
        more = more && zmq.msg_recv(&part, echo->events, ZMQ_DONTWAIT) >= 0;
    }
    zmq.msg_close(&part);
    return some;
}

void echo_send(struct echo *echo) {
    for (;;) {
        if (greet(echo) || send_next(echo)) {
            continue;
        }
        struct zmq_poll_item items[2] = {
            {.socket = echo->events, .events = ZMQ_POLLIN},
            {.file = echo->ready.file, .events = ZMQ_POLLIN},
        };
        struct frame_header header = {0};
        doorbell_announce(&echo->ready);
        if (next_run(echo, &header) == 0) {
            zmq.poll(items, 2, POLL_MS);
        }
        doorbell_awake(&echo->ready);
    }
}
