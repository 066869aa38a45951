/* The time a command is stamped with: the wall clock, never backwards, and never across a jump of it.

   A jump is a change of wall clock minus monotonic clock between two looks; idle time is none. */
#ifndef VENUE_STAMP_H
#define VENUE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

/* cffi-begin */
struct stamp {
    uint64_t last_ns;    /* last stamp given */
    uint64_t looked_ns;  /* wall clock at the last look */
    int64_t offset_ns;   /* wall clock minus monotonic clock at the last look */
    int64_t jump_max_ns; /* a greater change of that offset is a jump */
};

/* Starts from the last stamp of the journal; false when the wall clock is more than jump_max_ns behind it. */
bool stamp_init(struct stamp *stamp, uint64_t last_ns, int64_t jump_max_ns, uint64_t wall_ns, uint64_t monotonic_ns);

/* Looks at both clocks; false when the wall clock jumped: no command may be stamped any more. */
bool stamp_look(struct stamp *stamp, uint64_t wall_ns, uint64_t monotonic_ns);

/* The stamp for a command that arrived at wall_ns; the last one again when that is a jump away from the last look. */
uint64_t stamp_next(struct stamp *stamp, uint64_t wall_ns);
/* cffi-end */

#endif
