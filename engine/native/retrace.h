/* Retraces the past: applies journaled commands to a core of the reader's own, and compares the events with those
   stored.

   It writes nothing and waits for nobody, so the past can be asked beside a running engine. What it is given to read
   may grow meanwhile; it never believes a record or an entry that is not whole. */
#ifndef VENUE_RETRACE_H
#define VENUE_RETRACE_H

#include <stddef.h>
#include <stdint.h>

#include "api.h"
#include "record.h"

/* cffi-begin */
enum retrace_status {
    RETRACE_MORE = 0,        /* as many records as were asked for */
    RETRACE_END = 1,         /* nothing but zeros follow in this segment */
    RETRACE_NO_RECORD = 2,   /* something else follows */
    RETRACE_REACHED = 3,     /* the last command or event that was asked for */
    RETRACE_HASH = 4,        /* a StateHash has been applied: it is that of the state */
    RETRACE_STORED_END = 5,  /* no whole entry follows in `stored`: give the next ones, or none */
    RETRACE_STORED_BAD = 6,  /* the next stored entry is damaged */
    RETRACE_EVENT_OTHER = 7, /* the next stored event is whole and another one */
    RETRACE_STATE_OTHER = 8, /* a StateHash is not that of the state */
    RETRACE_POOLS = 9        /* a command that was accepted with larger pools than these */
};

struct retrace {
    struct core *core;
    uint64_t sequence;        /* last command applied; those up to it are passed over */
    uint64_t time_ns;         /* its stamp */
    uint32_t epoch;           /* its epoch */
    uint64_t through_command; /* the last to apply */
    uint64_t through_event;   /* ends after the command that yields it; 0: through_command alone says */
    const uint8_t *stored;    /* entries of the event journal, from the next event on; NULL: nothing is compared */
    uint64_t stored_size;
    uint64_t stored_offset;
    uint64_t events_equal; /* events found as stored */
    uint8_t *out;          /* 8-byte aligned, core_output_max() at least */
    uint64_t out_size;
    uint64_t out_used; /* of the last command's events */
    uint64_t out_compared;
    uint8_t hash_applied; /* the last command was a StateHash, and nobody has been told */
};

/* Looks at up to `max` records; enum retrace_status. Goes on where it ended when called again. */
int retrace_run(struct retrace *retrace, struct record_cursor *cursor, uint32_t max);

/* Proves up to `max` records and applies none: RETRACE_MORE, RETRACE_END or RETRACE_NO_RECORD. */
int retrace_prove(struct record_cursor *cursor, uint32_t max);
/* cffi-end */

#endif
