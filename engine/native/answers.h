/* Gap and Refused answers on their way from the hot thread to the publisher, with the routing id of the peer they go
   to.

   Bounded: when it is full an answer is dropped and counted; peers ask again. One thread puts, one takes. */
#ifndef VENUE_ANSWERS_H
#define VENUE_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

enum { PEER_ID_MAX = 63, ANSWERS_SIZE = 1024 };

/* A ZeroMQ routing id; peers with a longer one are not served. */
struct peer {
    uint8_t size;
    uint8_t id[PEER_ID_MAX];
};

struct answer {
    struct peer peer;
    struct wire_header header;
    union {
        struct wire_gap gap;
        struct wire_refused refused;
    } block;
};

struct answers {
    struct answer slots[ANSWERS_SIZE];
    _Alignas(64) uint64_t put;
    _Alignas(64) uint64_t taken;
};

/* False when full. */
bool answers_put(struct answers *answers, const struct answer *answer);
/* False when empty. */
bool answers_take(struct answers *answers, struct answer *answer);
bool answers_empty(const struct answers *answers);

#endif
