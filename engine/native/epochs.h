/* Which epoch an event was made in: a consumer that names another one has seen a past that is gone.

   Ranges rise; the last one goes on. One more with every start of the engine, so the list stays short. */
#ifndef VENUE_EPOCHS_H
#define VENUE_EPOCHS_H

#include <stddef.h>
#include <stdint.h>

/* cffi-begin */
/* Events from first_sequence on, up to the next range's, were made in this epoch. */
struct epoch_range {
    uint64_t first_sequence;
    uint32_t epoch;
};

struct epochs {
    struct epoch_range *ranges;
    uint32_t count;
    uint32_t room;
};

void epochs_add(struct epochs *epochs, uint64_t first_sequence, uint32_t epoch);
/* cffi-end */

void epochs_free(struct epochs *epochs);

/* Learns from every EpochStarted among these entries. */
void epochs_learn(struct epochs *epochs, const uint8_t *entries, size_t size);

/* The epoch of an event, 0 before the first; the present epoch. */
uint32_t epochs_of(const struct epochs *epochs, uint64_t sequence);
uint32_t epochs_last(const struct epochs *epochs);

#endif
