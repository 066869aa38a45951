/* Frames between daemons as C structs: engine/wire/frame.py says what they mean; layouts asserted here. */
#ifndef VENUE_FRAME_H
#define VENUE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "wire.h"

enum { FRAME_MAGIC = 0x314E4556, FRAME_MAX = 1 << 20, FRAME_COUNT_MAX = 1024 };
enum frame_kind { FRAME_COMMANDS = 1, FRAME_EVENTS = 2, FRAME_REPLAY = 3, FRAME_CONTROL = 4 };

struct frame_header {
    uint32_t magic;
    uint8_t kind;
    uint8_t flags;
    uint16_t count;
    uint32_t length; /* of the whole frame */
    uint32_t epoch;
    uint64_t first_sequence;
    uint64_t sent_ns;
};
_Static_assert(sizeof(struct frame_header) == 32, "frame header is 32 bytes");

struct frame_entry {
    uint32_t size; /* of the SBE message that follows; padded with zeros to a multiple of 8 */
    uint32_t crc32c;
};
_Static_assert(sizeof(struct frame_entry) == 8, "entry header is 8 bytes");

/* What every event starts with. */
struct frame_event {
    struct wire_header header;
    uint64_t sequence;
    uint64_t command_sequence;
    uint64_t time_ns;
    uint32_t epoch;
    uint8_t last_in_command;
    uint8_t reserved[3];
};
_Static_assert(sizeof(struct frame_event) == 40, "the head of an event is 40 bytes");

static inline size_t frame_padded(size_t size) {
    return (size + 7U) & ~(size_t)7U;
}

/* Bytes that an entry with a message of `size` takes. */
static inline size_t frame_entry_size(uint32_t size) {
    return sizeof(struct frame_entry) + frame_padded(size);
}

/* Number of entries of a whole frame of this kind, or -1 when the bytes are not one: nothing of it may be used then. */
int frame_check(const uint8_t *bytes, size_t size, uint8_t kind);

#endif
