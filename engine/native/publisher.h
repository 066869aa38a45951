/* The publisher thread: durable events to the event journal and then to every live consumer, and answers to whom they
   concern. In interval and none gateways and feed get events as soon as they are released: they can take them back.

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
    bool early; /* gets what is released, durable or not */
    bool cut;   /* no longer served; still to be told */
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
    struct epochs *epochs; /* of the events that somebody may have got */
    bool runs_ahead;       /* events may be released before they are durable */
    uint64_t announced_at; /* in the ring: what lies before has gone to early consumers */
    uint64_t announced;    /* the last event there; never below `published` */
    uint64_t spoke_ns[2];  /* when a frame last went to every durable consumer, every early one */
    uint64_t told_ns;      /* when those cut off were last tried */
    uint64_t retry_ns;     /* when to try again to store, while `full` */
    int full;              /* the disk has no room for the event journal */
    int closing;
    _Alignas(64) uint64_t published; /* last event stored and sent */
    uint8_t frame[sizeof(struct frame_header) + PUBLISHED_BYTES_MAX + ENTRY_MAX];
};

bool publisher_init(struct publisher *publisher, struct ring *events, struct answers *answers,
                    const struct journal *journal, struct eventlog *log, struct epochs *epochs, uint64_t *counters);
void publisher_free(struct publisher *publisher);

/* Any thread. Whether the disk has no room for the event journal. */
bool publisher_full(const struct publisher *publisher);

/* The publisher thread; returns once closed and everything durable is published, or cannot be for want of room. */
void publisher_run(struct publisher *publisher);
void publisher_close(struct publisher *publisher);

#endif
