/* The load: orders encoded ahead into one block of memory, then sent and counted. */
#define _GNU_SOURCE
#include "transport.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "frame.h"
#include "zmq_table.h"

struct order_entry {
    struct frame_entry entry;
    struct wire_header header;
    struct wire_new_order order;
    uint16_t echo_size;
    uint8_t padding[6];
};
_Static_assert(sizeof(struct order_entry) ==
                   sizeof(struct frame_entry) + sizeof(struct wire_header) + sizeof(struct wire_new_order) + 8,
               "an order's entry has no hole");
enum { MESSAGE_BYTES = sizeof(struct wire_header) + sizeof(struct wire_new_order) + sizeof(uint16_t) };

const char *transport_load_zmq(const char *path) {
    return zmq_table_load(path);
}

uint32_t load_command_bytes(void) {
    return sizeof(struct order_entry);
}

/* The next order: an even one rests, an odd one fills it. */
static void encode_order(struct load *load, struct order_entry *at) {
    const uint64_t client_seq = ++load->client_seq;
    const bool rests = client_seq % 2 == 1;
    *at = (struct order_entry){
        .entry = {.size = MESSAGE_BYTES},
        .header = {sizeof(struct wire_new_order), WIRE_NEW_ORDER, WIRE_SCHEMA_ID, WIRE_SCHEMA_VERSION},
        .order = {.session = load->session,
                  .session_epoch = load->session_epoch,
                  .generation = load->generation,
                  .gateway = load->gateway,
                  .client_seq = client_seq,
                  .prev_client_seq = client_seq - 1,
                  .account = load->account,
                  .instrument = load->instrument,
                  .price_ticks = load->price_ticks,
                  .quantity_lots = 1,
                  .side = rests ? WIRE_SIDE_BUY : WIRE_SIDE_SELL,
                  .order_type = WIRE_ORDER_TYPE_LIMIT,
                  .time_in_force = WIRE_TIME_IN_FORCE_DAY},
    };
    char digits[24];
    const int length = snprintf(digits, sizeof digits, "B%llu", (unsigned long long)client_seq);
    memcpy(at->order.clordid, digits, (size_t)length);
}

static uint32_t events_of(uint64_t first_client_seq, uint32_t count) {
    /* OrderAccepted of each, and the Trade of every second. */
    return count + (uint32_t)((first_client_seq + count - 1) / 2 - (first_client_seq - 1) / 2);
}

static size_t frame_bytes(uint32_t batch) {
    return sizeof(struct frame_header) + (size_t)batch * sizeof(struct order_entry);
}

static uint8_t *encode_frames(struct load *load, uint32_t frames, uint32_t batch) {
    const size_t size = frame_bytes(batch);
    uint8_t *memory = batch <= FRAME_COUNT_MAX && size <= FRAME_MAX ? malloc(frames * size) : NULL;
    for (uint32_t i = 0; memory != NULL && i < frames; i++) {
        uint8_t *frame = memory + i * size;
        const struct frame_header header = {
            .magic = FRAME_MAGIC, .kind = FRAME_COMMANDS, .count = (uint16_t)batch, .length = (uint32_t)size};
        memcpy(frame, &header, sizeof header);
        for (uint32_t j = 0; j < batch; j++) {
            encode_order(load, (struct order_entry *)(void *)(frame + sizeof header) + j);
        }
    }
    return memory;
}

/* Events of the frame that has come: 0 for a heartbeat, -1 when there is none (errno), -2 for what should not come:
   a refusal, a gap, no frame. */
static int receive(struct load *load, int flags) {
    union zmq_message part;
    zmq.msg_init(&part);
    if (zmq.msg_recv(&part, load->events, flags) < 0) {
        zmq.msg_close(&part);
        return -1;
    }
    struct frame_header header = {0};
    struct {
        struct frame_entry entry;
        struct wire_header message;
        uint64_t sequences[2];
        uint64_t time_ns;
    } first = {0};
    const size_t size = zmq.msg_size(&part);
    const uint8_t *bytes = zmq.msg_data(&part);
    if (size >= sizeof header + sizeof first) {
        memcpy(&header, bytes, sizeof header);
        memcpy(&first, bytes + sizeof header, sizeof first);
    }
    zmq.msg_close(&part);
    if (header.magic != FRAME_MAGIC || header.length != size) {
        return -2;
    }
    if (header.kind != FRAME_EVENTS) {
        return first.message.template_id == WIRE_HEARTBEAT ? 0 : -2;
    }
    load->stamped_ns = first.time_ns;
    load->framed_ns = header.sent_ns;
    load->bytes_received += size - sizeof header;
    load->events_received += header.count;
    load->frames_received++;
    return header.count;
}

static bool send_frame(const struct load *load, const uint8_t *frame, size_t size, int flags) {
    return zmq.send(load->commands, frame, size, flags) >= 0;
}

uint64_t load_run(struct load *load, uint32_t frames, uint32_t batch, uint32_t window) {
    const uint64_t first = load->client_seq + 1;
    uint8_t *memory = encode_frames(load, frames, batch);
    if (memory == NULL) {
        return 0;
    }
    const size_t size = frame_bytes(batch);
    const uint64_t all = events_of(first, frames * batch);
    const uint64_t allowed = (uint64_t)window * batch * 3 / 2;
    uint64_t due = 0;
    uint64_t here = 0;
    uint32_t sent = 0;
    bool good = true;
    const uint64_t begun_ns = clock_ns(CLOCK_MONOTONIC);
    while (good && here < all) {
        while (sent < frames && due - here < allowed) {
            if (!send_frame(load, memory + sent * size, size, ZMQ_DONTWAIT)) {
                good = errno == EAGAIN;
                break;
            }
            due += events_of(first + (uint64_t)sent * batch, batch);
            sent++;
        }
        const int events = good ? receive(load, 0) : -1;
        good = events >= 0;
        here += good ? (uint64_t)events : 0;
    }
    const uint64_t taken_ns = clock_ns(CLOCK_MONOTONIC) - begun_ns;
    free(memory);
    return good ? taken_ns : 0;
}

int load_ping_pong(struct load *load, uint32_t count, uint64_t *taken, uint64_t *stages) {
    const uint64_t first = load->client_seq + 1;
    uint8_t *memory = encode_frames(load, count, 1);
    bool good = memory != NULL;
    for (uint32_t i = 0; good && i < count; i++) {
        const uint64_t due = events_of(first + i, 1);
        const uint64_t sent_ns = clock_ns(CLOCK_REALTIME); /* the clock that the engine stamps by */
        const uint64_t begun_ns = clock_ns(CLOCK_MONOTONIC);
        good = send_frame(load, memory + i * frame_bytes(1), frame_bytes(1), 0);
        for (uint64_t here = 0; good && here < due;) {
            const int events = receive(load, 0);
            good = events >= 0;
            if (good && events > 0 && here == 0) {
                stages[3 * i] = load->stamped_ns - sent_ns;
                stages[3 * i + 1] = load->framed_ns - load->stamped_ns;
                stages[3 * i + 2] = clock_ns(CLOCK_REALTIME) - load->framed_ns;
            }
            here += good ? (uint64_t)events : 0;
        }
        taken[i] = clock_ns(CLOCK_MONOTONIC) - begun_ns;
    }
    free(memory);
    return good;
}
