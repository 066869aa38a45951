/* The event journal: every durable event as an entry, in segments with an index of offsets, the only source of replay.

   It holds nothing that the command journal does not imply: at start the regenerated events are compared with what is
   stored, damage is cut off and written again, and a stored event that is whole but different is a divergence. The
   engine never syncs it: it can be deleted as long as the commands are all there. Who writes a snapshot syncs the
   events up to it, for a start behind it does not look at them again. */
#ifndef VENUE_EVENTLOG_H
#define VENUE_EVENTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* cffi-begin */
enum eventlog_status { EVENTLOG_GOOD = 0, EVENTLOG_DIVERGED = 1, EVENTLOG_FULL = 2 };
/* cffi-end */

struct eventlog {
    int directory;
    int data;
    int index;
    int written; /* the segment before, -1 while there is none: its pages are given back with the next one */
    uint64_t segment_bytes;
    uint64_t next_sequence;
    uint64_t first_sequence; /* of the open segment */
    uint64_t offset;         /* in the open segment */
    const uint8_t *stored;   /* the open segment's bytes while they are being compared, else NULL */
    uint64_t stored_size;
    const uint64_t *stored_index;
    uint64_t stored_index_size;
    bool comparing;
    uint64_t cut_sequence; /* first stored event that was damaged and written again, 0 if none */
};

/* Takes the open directory of the segments; starts by comparing from event 1. */
void eventlog_init(struct eventlog *log, int directory, uint64_t segment_bytes);
void eventlog_free(struct eventlog *log);

/* Before the first append: goes on behind event `last`, as if everything up to it had been compared. False when the log
   does not hold that event whole; then it still starts at event 1. */
bool eventlog_resume(struct eventlog *log, uint64_t last);
/* Starts by comparing from event 1 again. */
void eventlog_rewind(struct eventlog *log);

/* Fills in the CRC of every entry of a run. */
void eventlog_seal(uint8_t *entries, size_t size);

/* Seals a run that begins with event next_sequence, and stores or compares it. FULL: the disk has no room for it;
 * nothing of what had to be stored was, and it may be tried again. */
enum eventlog_status eventlog_append(struct eventlog *log, uint8_t *entries, size_t size);

/* After the last regenerated event: command sequence of the first whole event stored beyond it, 0 if there is none. */
uint64_t eventlog_excess(struct eventlog *log);
/* Ends comparing: cuts what is stored beyond. */
void eventlog_settle(struct eventlog *log);

#endif
