/* Writing events: entries straight into the caller's buffer, numbered densely.

   An event begins with its head filled in and its block zeroed; or not zeroed (event_raw), then the caller writes every
   byte of it. The last event of a command is marked when the command is over. */
#ifndef VENUE_EVENT_H
#define VENUE_EVENT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "frame.h"
#include "message.h"
#include "venue_assert.h"

enum { EVENT_LINES_AHEAD = 8 };

struct event_writer {
    uint8_t *start;
    uint8_t *cursor;
    uint8_t *end;
    struct frame_event *last;
    uint64_t sequence; /* of the last event ever written */
    uint64_t command_sequence;
    uint64_t time_ns;
    uint32_t epoch;
    uint32_t count; /* of this command */
};

/* Starts an event of `size` message bytes of which `block_length` are its block; returns the block, of which only what
 * follows the head is the caller's to write. Padding after the message is zero. */
static inline void *event_raw_sized(struct event_writer *events, uint16_t template_id, uint16_t block_length,
                                    uint32_t size) {
    struct frame_entry *entry = (void *)events->cursor;
    const size_t whole = frame_entry_size(size);
    const uint64_t nothing = 0;
    VENUE_ASSERT((size_t)(events->end - events->cursor) >= whole, "a command's events fit core_output_max");
    memcpy(events->cursor + whole - sizeof nothing, &nothing, sizeof nothing);
    *entry = (struct frame_entry){.size = size};
    struct frame_event *event = (void *)(events->cursor + sizeof *entry);
    event->header = (struct wire_header){
        .block_length = block_length,
        .template_id = template_id,
        .schema_id = WIRE_SCHEMA_ID,
        .version = WIRE_SCHEMA_VERSION,
    };
    event->sequence = ++events->sequence;
    event->command_sequence = events->command_sequence;
    event->time_ns = events->time_ns;
    const uint64_t epoch_and_zeros = events->epoch; /* last_in_command and what is reserved after it */
    memcpy(&event->epoch, &epoch_and_zeros, sizeof epoch_and_zeros);
    events->last = event;
    events->count++;
    events->cursor += whole;
    return (uint8_t *)event + sizeof(struct wire_header);
}

static inline void *event_raw(struct event_writer *events, uint16_t template_id, uint16_t block_length) {
    return event_raw_sized(events, template_id, block_length, (uint32_t)sizeof(struct wire_header) + block_length);
}

/* Asks for the memory of the next events of a command that has many: three lines, as many as an event takes. */
static inline void event_expect(const struct event_writer *events) {
    for (size_t line = EVENT_LINES_AHEAD; line < EVENT_LINES_AHEAD + 3; line++) {
        __builtin_prefetch(events->cursor + line * 64, 1);
    }
}

/* Head of an event within its block: sequence to last_in_command. */
enum { EVENT_HEAD = sizeof(struct frame_event) - sizeof(struct wire_header) };

static inline void *event_begin(struct event_writer *events, uint16_t template_id, uint16_t block_length) {
    uint8_t *block = event_raw(events, template_id, block_length);
    memset(block + EVENT_HEAD, 0, (size_t)block_length - EVENT_HEAD);
    return block;
}

/* An event that ends with the command's varData; its block is not zeroed. */
static inline void *event_raw_echo(struct event_writer *events, uint16_t template_id, uint16_t block_length,
                                   struct echo echo) {
    const uint32_t least = (uint32_t)(sizeof(struct wire_header) + block_length + sizeof echo.size);
    if (echo.size == 0) {
        uint8_t *block = event_raw_sized(events, template_id, block_length, least);
        memset(block + block_length, 0, sizeof echo.size);
        return block;
    }
    uint8_t *block = event_raw_sized(events, template_id, block_length, least + echo.size);
    memcpy(block + block_length, &echo.size, sizeof echo.size);
    memcpy(block + block_length + sizeof echo.size, echo.bytes, echo.size);
    return block;
}

#endif
