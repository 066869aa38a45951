/* What the core is driven with: workload files, and shapes made up to find what a command may cost at worst. */
#ifndef MATCHING_WORKLOAD_H
#define MATCHING_WORKLOAD_H

#include "recording.h"

/* Records a workload file; ends the process unless its trades are the very ones that the file asks for. */
void workload_record(struct recording *recording, const char *path, bool limited);

/* Records a shape of our own: about `count` timed commands while about `resting` orders stand in the book. Ends the
   process when there is no shape of that name. */
void shape_record(struct recording *recording, const char *name, uint32_t count, uint32_t resting);

#endif
