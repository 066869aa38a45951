/* FIX sessions as the engine knows them: who may command, from which attachment, and up to which number commands were
 * applied. */
#ifndef VENUE_SESSION_H
#define VENUE_SESSION_H

#include <stdint.h>

#include "mix.h"

struct arena;

struct session {
    uint32_t participant; /* 0: not defined */
    uint32_t session_epoch;
    uint32_t generation; /* 0 until the first SessionAttach */
    uint32_t gateway;
    uint64_t gateway_instance;
    uint64_t token;
    uint64_t last_client_seq;
    uint32_t open_orders;
    uint8_t enabled;
    char comp_id[32];
    uint64_t mix_low; /* this record's part in the hash */
    uint64_t mix_high;
};

/* Ids are 1..capacity. */
struct sessions {
    struct session *sessions;
    uint32_t capacity;
    u128 hash;
};

void sessions_lay_out(struct sessions *sessions, struct arena *arena, uint32_t capacity);

/* NULL when the id is out of range or not defined. */
struct session *session_find(const struct sessions *sessions, uint32_t id);

/* Brings the hash in step after a change of the session's fields. */
void session_changed(struct sessions *sessions, uint32_t id);

u128 session_mix(const struct sessions *sessions, uint32_t id);

#endif
