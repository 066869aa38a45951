/* One record after the other; the memory of commands to come is asked for ahead, as in the loop. */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "state.h"

enum {
    OUTPUT_BYTES = 32 << 20,    /* twice what core_output_max can be at most */
    GATHERED_BYTES = 256 << 10, /* of events written at a time */
    LOOK_AHEAD_STAGES = 3
};
static const int LOOK_AHEAD[LOOK_AHEAD_STAGES] = {16, 10, 5}; /* core_prefetch */

struct replay *replay_new(struct core *core) {
    struct replay *replay = calloc(1, sizeof *replay);
    uint8_t *out = aligned_alloc(64, OUTPUT_BYTES);
    if (replay == NULL || out == NULL) {
        free(replay);
        free(out);
        return NULL;
    }
    replay->core = core;
    replay->out = out;
    replay->out_size = OUTPUT_BYTES;
    return replay;
}

void replay_free(struct replay *replay) {
    epochs_free(&replay->epochs);
    free(replay->out);
    free(replay);
}

void replay_reset(struct replay *replay) {
    core_reset(replay->core);
    epochs_free(&replay->epochs);
    replay->recovery_closed = false;
    if (replay->log != NULL) {
        eventlog_rewind(replay->log);
    }
}

bool replay_resume_events(struct replay *replay, uint64_t event_sequence) {
    return replay->log == NULL || eventlog_resume(replay->log, event_sequence);
}

/* Remembers whose word on the whole venue's state was the last: only recovery's own may be taken back without an
 * operator. */
static void note_state(struct replay *replay, const struct record_view *record, uint8_t state_before) {
    struct wire_header header;
    memcpy(&header, record->body, sizeof header);
    if (header.template_id == WIRE_EPOCH_START && core_venue_state(replay->core) != state_before) {
        replay->recovery_closed = true;
    } else if (header.template_id == WIRE_TRADING_STATE_SET) {
        struct wire_trading_state_set block;
        memcpy(&block, record->body + sizeof header, sizeof block);
        replay->recovery_closed = replay->recovery_closed && block.instrument != 0;
    }
}

/* Stores what has been gathered; what is compared is compared at once, so that a difference is told where it is. */
static enum replay_status keep_events(struct replay *replay, uint64_t least) {
    static const enum replay_status STATUS[] = {
        [EVENTLOG_GOOD] = REPLAY_MORE,
        [EVENTLOG_DIVERGED] = REPLAY_EVENTS_DIVERGED,
        [EVENTLOG_FULL] = REPLAY_DISK_FULL,
    };
    if (replay->log == NULL) {
        replay->gathered = 0;
    }
    if (replay->gathered == 0 || replay->gathered < least) {
        return REPLAY_MORE;
    }
    const enum eventlog_status status = eventlog_append(replay->log, replay->out, replay->gathered);
    replay->gathered = 0;
    return STATUS[status];
}

static int replay_command(struct replay *replay, const struct record_view *record) {
    uint8_t *out = replay->out + replay->gathered;
    size_t written = 0;
    uint32_t events = 0;
    const uint8_t state_before = core_venue_state(replay->core);
    if (!core_pools_hold(replay->core, record->body, record->size)) {
        return REPLAY_POOLS_TOO_SMALL;
    }
    if (core_output_max(replay->core) > replay->out_size / 2) {
        return REPLAY_RING_TOO_SMALL;
    }
    if (core_apply(replay->core, record->sequence, record->epoch, record->time_ns, record->body, record->size, out,
                   replay->out_size - replay->gathered, &written, &events) != CORE_OK) {
        return REPLAY_STATE_DIVERGED;
    }
    epochs_learn(&replay->epochs, out, written);
    note_state(replay, record, state_before);
    replay->gathered += written;
    const bool storing = replay->log != NULL && !replay->log->comparing;
    return keep_events(replay, storing ? GATHERED_BYTES : 0);
}

static bool is_state_hash(const struct record_view *record) {
    struct wire_header header;
    memcpy(&header, record->body, sizeof header);
    return header.template_id == WIRE_STATE_HASH;
}

/* Asks for the memory of the record at `at`, proved or not; returns where the next one is. */
static uint64_t look_ahead(const struct replay *replay, const struct record_cursor *cursor, uint64_t at,
                           unsigned stage) {
    struct record_header header;
    if (at >= cursor->size || cursor->size - at < sizeof header) {
        return cursor->size;
    }
    memcpy(&header, cursor->data + at, sizeof header);
    if (header.length < sizeof header || header.length > cursor->size - at) {
        return cursor->size;
    }
    if (header.kind == RECORD_COMMAND && header.size <= header.length - sizeof header) {
        core_prefetch(replay->core, cursor->data + at + sizeof header, header.size, stage);
    }
    return at + header.length;
}

static int replay_records(struct replay *replay, struct record_cursor *cursor, uint64_t through, uint32_t max) {
    uint64_t ahead[LOOK_AHEAD_STAGES];
    for (unsigned stage = 0; stage < LOOK_AHEAD_STAGES; stage++) {
        ahead[stage] = cursor->offset;
        for (int i = 0; i < LOOK_AHEAD[stage]; i++) {
            ahead[stage] = look_ahead(replay, cursor, ahead[stage], stage);
        }
    }
    for (uint32_t i = 0; i < max; i++) {
        struct record_view record;
        const uint32_t previous_crc = cursor->crc;
        if (cursor->sequence >= through) {
            return REPLAY_REACHED;
        }
        const int status = record_next(cursor, &record);
        if (status != RECORD_FOUND) {
            return status == RECORD_END ? REPLAY_END : REPLAY_DAMAGED;
        }
        for (unsigned stage = 0; stage < LOOK_AHEAD_STAGES; stage++) {
            ahead[stage] = look_ahead(replay, cursor, ahead[stage], stage);
        }
        if (record.kind != RECORD_COMMAND) {
            continue;
        }
        const int replayed = replay_command(replay, &record);
        if (replayed != REPLAY_MORE) {
            return replayed;
        }
        if (replay->stop_at_hash && is_state_hash(&record)) {
            replay->hash_offset = record.offset;
            replay->hash_previous_crc = previous_crc;
            return REPLAY_HASHED;
        }
    }
    return REPLAY_MORE;
}

int replay_run(struct replay *replay, struct record_cursor *cursor, uint64_t through, uint32_t max) {
    const int status = replay_records(replay, cursor, through, max);
    const int kept = keep_events(replay, 0);
    return kept == REPLAY_MORE ? status : kept;
}

uint64_t replay_events_excess(struct replay *replay) {
    return eventlog_excess(replay->log);
}

void replay_settle_events(struct replay *replay) {
    eventlog_settle(replay->log);
}

uint64_t replay_events_cut(const struct replay *replay) {
    return replay->log->cut_sequence;
}
