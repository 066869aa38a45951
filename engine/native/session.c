/* The session table; fields are changed in place by the commands, marked by session_changed and hashed when asked. */
#include "session.h"

#include "arena.h"

void sessions_lay_out(struct sessions *sessions, struct arena *arena, uint32_t capacity) {
    sessions->sessions = arena_take(arena, (uint64_t)capacity + 1, sizeof(struct session));
    dirty_lay_out(&sessions->dirty, arena, (uint64_t)capacity + 1);
    sessions->capacity = capacity;
}

u128 session_mix(const struct sessions *sessions, uint32_t id) {
    const struct session *session = &sessions->sessions[id];
    if (session->participant == 0) {
        return 0;
    }
    uint64_t words[12] = {RECORD_SESSION,
                          mix_pair(id, session->participant),
                          mix_pair(session->enabled, session->killed),
                          mix_pair(session->session_epoch, session->generation),
                          mix_pair(session->gateway, session->open_orders),
                          session->gateway_instance,
                          session->token,
                          session->last_client_seq};
    mix_text(&words[8], session->comp_id, 4);
    return mix128(words, 12);
}

void sessions_rehash(struct sessions *sessions) {
    uint64_t group = 0;
    uint64_t id = 0;
    while (dirty_take(&sessions->dirty, &group, &id)) {
        struct session *session = &sessions->sessions[id];
        const u128 mix = session_mix(sessions, (uint32_t)id);
        sessions->hash += mix - ((u128)session->mix_high << 64 | session->mix_low);
        session->mix_low = (uint64_t)mix;
        session->mix_high = (uint64_t)(mix >> 64);
        session->dirty = 0;
    }
}
