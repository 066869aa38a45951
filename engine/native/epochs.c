/* A growing array, searched from its end: who asks mostly asks for the present. */
#include "epochs.h"

#include <stdlib.h>
#include <string.h>

#include "fatal.h"
#include "frame.h"

void epochs_add(struct epochs *epochs, uint64_t first_sequence, uint32_t epoch) {
    if (epochs->count == epochs->room) {
        const uint32_t more = epochs->room * 2 + 64;
        struct epoch_range *ranges = realloc(epochs->ranges, more * sizeof *ranges);
        if (ranges == NULL) {
            fatal("engine.out_of_memory");
        }
        epochs->ranges = ranges;
        epochs->room = more;
    }
    epochs->ranges[epochs->count++] = (struct epoch_range){first_sequence, epoch};
}

void epochs_free(struct epochs *epochs) {
    free(epochs->ranges);
    *epochs = (struct epochs){0};
}

void epochs_learn(struct epochs *epochs, const uint8_t *entries, size_t size) {
    for (size_t at = 0; at < size;) {
        struct frame_entry entry;
        struct frame_event event;
        memcpy(&entry, entries + at, sizeof entry);
        memcpy(&event, entries + at + sizeof entry, sizeof event);
        if (event.header.template_id == WIRE_EPOCH_STARTED) {
            epochs_add(epochs, event.sequence, event.epoch);
        }
        at += frame_entry_size(entry.size);
    }
}

uint32_t epochs_of(const struct epochs *epochs, uint64_t sequence) {
    for (uint32_t i = epochs->count; i > 0; i--) {
        if (epochs->ranges[i - 1].first_sequence <= sequence) {
            return epochs->ranges[i - 1].epoch;
        }
    }
    return 0;
}

uint32_t epochs_last(const struct epochs *epochs) {
    return epochs->count > 0 ? epochs->ranges[epochs->count - 1].epoch : 0;
}
