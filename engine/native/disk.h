/* What an error of the disk means: no room is a state that passes, anything else ends the process. */
#ifndef VENUE_DISK_H
#define VENUE_DISK_H

#include <errno.h>
#include <stdbool.h>

/* The disk, a quota or a limit on the size of files is exhausted: nothing was lost, and it may be tried again. */
static inline bool disk_full(int error) {
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

#endif
