/* Replays the command journal into a core: what an engine does when it starts, and a follower all the time.

   Every record is proved before it is applied, every StateHash is compared. With an event journal the events are
   compared with what it holds, or stored where it holds nothing. */
#ifndef VENUE_REPLAY_H
#define VENUE_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api.h"
#include "epochs.h"
#include "eventlog.h"
#include "record.h"

/* cffi-begin */
enum replay_status {
    REPLAY_MORE = 0,
    REPLAY_END = 1,             /* nothing but zeros follow in this segment */
    REPLAY_DAMAGED = 2,         /* something follows that is no record */
    REPLAY_STATE_DIVERGED = 3,  /* the cursor's last record is a StateHash that is not the state's */
    REPLAY_EVENTS_DIVERGED = 4, /* the event journal holds another event than next */
    REPLAY_RING_TOO_SMALL = 5,
    REPLAY_POOLS_TOO_SMALL = 6,
    REPLAY_HASHED = 7,   /* the cursor's last record is a StateHash, and it is the state's; asked for by stop_at_hash */
    REPLAY_REACHED = 8,  /* the last command that was asked for */
    REPLAY_DISK_FULL = 9 /* no room to store the events */
};

struct eventlog;

struct replay {
    struct core *core;
    struct eventlog *log; /* NULL: events are made and dropped */
    struct epochs epochs;
    uint8_t *out;
    uint64_t out_size;
    uint64_t gathered;    /* bytes of events in `out`, yet to be stored */
    uint64_t hash_offset; /* of the StateHash that REPLAY_HASHED tells of, in its segment; and the CRC before it */
    uint32_t hash_previous_crc;
    bool stop_at_hash;
    bool recovery_closed; /* recovery itself last closed the venue, and no operator had a word on its state since */
};

/* One without an event journal; NULL when memory can't be had. */
struct replay *replay_new(struct core *core);
void replay_free(struct replay *replay);

/* Goes on as if events up to this one had been replayed and compared; false when the event journal does not hold it. */
bool replay_resume_events(struct replay *replay, uint64_t event_sequence);

/* Applies records from the cursor on: up to `max` of them, none of a command after `through`; enum replay_status. */
int replay_run(struct replay *replay, struct record_cursor *cursor, uint64_t through, uint32_t max);

/* After the last record: command sequence of the first event stored beyond the regenerated ones, 0 if none. */
uint64_t replay_events_excess(struct replay *replay);
/* After replay_events_excess: cuts those, from now on events are written. */
void replay_settle_events(struct replay *replay);
/* First stored event that was damaged and written again, 0 if none. */
uint64_t replay_events_cut(const struct replay *replay);

/* The core as new and nothing learnt: after a snapshot that could not be believed. */
void replay_reset(struct replay *replay);
/* cffi-end */

#endif
