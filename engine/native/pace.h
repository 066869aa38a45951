/* Puts much on a disk little by little: whoever else syncs on it queues behind a few MiB and no more. */
#ifndef VENUE_PACE_H
#define VENUE_PACE_H

#include <stdint.h>

enum { PACE_BYTES = 4 << 20 };

/* What has been written in this range is on its way and has arrived; only paces, so an error is for the sync to tell.
 */
void pace_range(int file, uint64_t offset, uint64_t size);

/* cffi-begin */
/* All of a file's data to the disk; -1 with errno. */
int pace_sync(int file);
/* cffi-end */

#endif
