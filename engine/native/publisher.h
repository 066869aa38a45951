/* The publisher thread: released events to the event journal and then to every live consumer, and answers to whom they
   concern.

   It never waits for a consumer: who cannot take a frame is cut off, told so as soon as possible, and catches up from
   the replay socket. */
#ifndef VENUE_PUBLISHER_H
#define VENUE_PUBLISHER_H

#include <stdbool.h>
#include <stdint.h>

#include "answers.h"
#include "doorbell.h"
#include "epochs.h"
#include "eventlog.h"
#include "frame.h"
#include "journal.h"
#include "ring.h"

enum {
    CONSUMERS_MAX = 64,
    PUBLISHED_BYTES_MAX = 1 << 16, /* of entries in one frame */
    ENTRY_MAX = 1 << 14,
};

struct consumer {
    struct peer peer;
    bool cut; /* no longer served; still to be told */
};

struct publisher {
    struct ring *events;
    struct answers *answers;
    const struct journal *journal;
    struct eventlog *log;
    uint64_t *counters;
    struct doorbell bell;
    void *socket;
    struct consumer consumers[CONSUMERS_MAX];
    uint32_t consumer_count;
    struct epochs *epochs; /* of the published events */
    uint64_t spoke_ns;     /* when a frame last went to every live consumer */
    uint64_t told_ns;      /* when those cut off were last tried */
    int closing;
    _Alignas(64) uint64_t published; /* last event stored and sent */
    uint8_t frame[sizeof(struct frame_header) + PUBLISHED_BYTES_MAX + ENTRY_MAX];
};

bool publisher_init(struct publisher *publisher, struct ring *events, struct answers *answers,
                    const struct journal *journal, struct eventlog *log, struct epochs *epochs, uint64_t *counters);
void publisher_free(struct publisher *publisher);

/* The publisher thread; returns once closed and everything released is published. */
void publisher_run(struct publisher *publisher);
void publisher_close(struct publisher *publisher);

#endif
