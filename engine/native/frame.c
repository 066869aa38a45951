/* Judges the bytes of a frame; reads nothing beyond them. */
#include "frame.h"

#include <string.h>

int frame_check(const uint8_t *bytes, size_t size, uint8_t kind) {
    struct frame_header header;
    if (size < sizeof header || size > FRAME_MAX) {
        return -1;
    }
    memcpy(&header, bytes, sizeof header);
    if (header.magic != FRAME_MAGIC || header.kind != kind || header.length != size || header.count > FRAME_COUNT_MAX) {
        return -1;
    }
    int count = 0;
    for (size_t offset = sizeof header; offset < size; count++) {
        struct frame_entry entry;
        if (size - offset < sizeof entry) {
            return -1;
        }
        memcpy(&entry, bytes + offset, sizeof entry);
        if (entry.size < sizeof(struct wire_header) || entry.size > FRAME_MAX ||
            frame_entry_size(entry.size) > size - offset) {
            return -1;
        }
        offset += frame_entry_size(entry.size);
    }
    return count == header.count ? count : -1;
}
