/* Wakes one thread that has nothing to do; costs a load when it is busy and one eventfd write when it sleeps.

   The sleeper announces itself, looks for work once more and only then blocks, so no ring is ever missed. */
#ifndef VENUE_DOORBELL_H
#define VENUE_DOORBELL_H

#include <stdbool.h>

struct doorbell {
    int file; /* readable when rung: may stand in a zmq_poll */
    int sleeping;
};

bool doorbell_init(struct doorbell *bell);
void doorbell_free(struct doorbell *bell);

/* Any thread, after it has published its work. */
void doorbell_ring(struct doorbell *bell);

/* Sleeper: say so, then check for work, then block on `file`, then say it's over. */
void doorbell_announce(struct doorbell *bell);
void doorbell_awake(struct doorbell *bell);

/* Blocks until rung or for timeout_ms; between announce and awake. */
void doorbell_block(struct doorbell *bell, int timeout_ms);

#endif
