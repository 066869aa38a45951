/* The session table; fields are changed in place by the commands and hashed once per command by session_changed. */
#include "session.h"

#include <stddef.h>

#include "arena.h"

void sessions_lay_out(struct sessions *sessions, struct arena *arena, uint32_t capacity) {
    sessions->sessions = arena_take(arena, (uint64_t)capacity + 1, sizeof(struct session));
    sessions->capacity = capacity;
}

struct session *session_find(const struct sessions *sessions, uint32_t id) {
    if (id == 0 || id > sessions->capacity || sessions->sessions[id].participant == 0) {
        return NULL;
    }
    return &sessions->sessions[id];
}

u128 session_mix(const struct sessions *sessions, uint32_t id) {
    const struct session *session = &sessions->sessions[id];
    if (session->participant == 0) {
        return 0;
    }
    uint64_t words[15] = {RECORD_SESSION,         id,
                          session->participant,   session->enabled,
                          session->session_epoch, session->generation,
                          session->gateway,       session->gateway_instance,
                          session->token,         session->last_client_seq,
                          session->open_orders};
    mix_text(&words[11], session->comp_id, 4);
    return mix128(words, 15);
}

void session_changed(struct sessions *sessions, uint32_t id) {
    struct session *session = &sessions->sessions[id];
    const u128 mix = session_mix(sessions, id);
    sessions->hash += mix - ((u128)session->mix_high << 64 | session->mix_low);
    session->mix_low = (uint64_t)mix;
    session->mix_high = (uint64_t)(mix >> 64);
}
