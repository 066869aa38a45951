/* What a test tells the shim while the daemon runs: faults in the slots of a shared file, and a step of the clock.

   The test writes a slot and sets `armed` last; only the counts are written here. Layout as in tests/faults/shim. */
#ifndef VENUE_FAULT_CONTROL_H
#define VENUE_FAULT_CONTROL_H

#include <stddef.h>
#include <stdint.h>

enum { CONTROL_VERSION = 1, FAULT_SLOTS = 16, FAULT_PATTERN_MAX = 64 };
enum fault_kind { FAULT_FAIL = 1, FAULT_SHORT = 2, FAULT_DELAY = 3, FAULT_CUT = 4 };
enum fault_call {
    CALL_CREATE = 1,
    CALL_WRITE = 2,
    CALL_SYNC = 4,
    CALL_ALLOCATE = 8,
    CALL_TRUNCATE = 16,
    CALL_RENAME = 32,
    CALL_UNLINK = 64,
};

struct fault {
    uint32_t armed;
    uint32_t kind;
    uint32_t calls; /* mask of enum fault_call */
    int32_t error;
    uint64_t after_calls; /* so many matching calls pass first */
    uint64_t after_bytes; /* so many bytes of matching writes pass first */
    uint64_t times;       /* so many calls are hit then; 0: every one */
    uint64_t amount;      /* SHORT: bytes a write may have; DELAY: microseconds */
    uint64_t seen;
    uint64_t bytes;
    uint64_t hits;
    char pattern[FAULT_PATTERN_MAX]; /* fnmatch(3) of the path below the directory */
};

struct control {
    uint32_t version;
    uint32_t reserved;
    int64_t clock_offset_ns;
    struct fault faults[FAULT_SLOTS];
};
_Static_assert(sizeof(struct fault) == 72 + FAULT_PATTERN_MAX, "laid out as tests/faults/shim packs it");

/* Maps the file named in VENUE_FAULT_CONTROL; aborts the process without one, for a test that injects nothing proves
 * nothing. */
void control_open(void);

/* What is to happen to a call of `size` bytes (0 unless it is a write) on a path: returns the error it fails with or 0,
   having waited for a DELAY; lowers *size for a write that is to be short; does not return from a CUT. */
int control_strike(enum fault_call call, const char *path, size_t *size);

int64_t control_clock_offset_ns(void);

#endif
