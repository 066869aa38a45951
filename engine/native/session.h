/* FIX sessions as the engine knows them: who may command, from which attachment, and up to which number commands were
 * applied. */
#ifndef VENUE_SESSION_H
#define VENUE_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "dirty.h"
#include "mix.h"

struct arena;

/* What commands look at comes first: one cache line. */
struct session {
    uint32_t participant; /* 0: not defined */
    uint32_t session_epoch;
    uint32_t generation; /* 0 until the first SessionAttach */
    uint32_t gateway;
    uint64_t last_client_seq;
    uint32_t open_orders;
    uint8_t enabled;
    uint8_t killed;
    uint8_t dirty; /* marked in sessions.dirty */
    uint8_t reserved;
    uint64_t gateway_instance;
    uint64_t token;
    uint64_t mix_low; /* this record's part in the hash as of the last state hash */
    uint64_t mix_high;
    char comp_id[32];
    uint64_t reserved_end[4];
};
_Static_assert(sizeof(struct session) == 128, "a session is two cache lines");

/* Ids are 1..capacity, at most 65,535: orders keep them in 16 bits. */
struct sessions {
    struct session *sessions;
    struct dirty dirty;
    uint32_t capacity;
    u128 hash; /* as of the last state hash */
};

void sessions_lay_out(struct sessions *sessions, struct arena *arena, uint32_t capacity);

/* NULL when the id is out of range or not defined. */
static inline struct session *session_find(const struct sessions *sessions, uint32_t id) {
    if (id == 0 || id > sessions->capacity || sessions->sessions[id].participant == 0) {
        return NULL;
    }
    return &sessions->sessions[id];
}

/* The session's record is hashed again: call after any change of its fields. */
static inline void session_changed(const struct sessions *sessions, uint32_t id) {
    struct session *session = &sessions->sessions[id];
    if (session->dirty == 0) {
        session->dirty = 1;
        dirty_mark(&sessions->dirty, id);
    }
}

/* Brings `hash` in step with everything marked dirty. */
void sessions_rehash(struct sessions *sessions);

u128 session_mix(const struct sessions *sessions, uint32_t id);

#endif
