/* Applies records of the journal to a private core, one call per thousands of them, and compares what comes out. */
#include "retrace.h"

#include <stdbool.h>
#include <string.h>

#include "crc32c.h"
#include "frame.h"

/* The rest of the last command's events against the stored ones; RETRACE_MORE when none is left. */
static int compare_rest(struct retrace *retrace) {
    while (retrace->stored != NULL && retrace->out_compared < retrace->out_used) {
        const uint8_t *ours = retrace->out + retrace->out_compared;
        const uint8_t *theirs = retrace->stored + retrace->stored_offset;
        const uint64_t left = retrace->stored_size - retrace->stored_offset;
        struct frame_entry entry;
        struct frame_entry stored;
        memcpy(&entry, ours, sizeof entry);
        if (left < sizeof stored) {
            return RETRACE_STORED_END;
        }
        memcpy(&stored, theirs, sizeof stored);
        if (stored.size < sizeof(struct frame_event) || stored.size > FRAME_MAX) {
            return RETRACE_STORED_BAD;
        }
        if (frame_entry_size(stored.size) > left) {
            return RETRACE_STORED_END;
        }
        if (crc32c(0, theirs + sizeof stored, stored.size) != stored.crc32c) {
            return RETRACE_STORED_BAD;
        }
        if (stored.size != entry.size || memcmp(theirs + sizeof stored, ours + sizeof entry, entry.size) != 0) {
            return RETRACE_EVENT_OTHER;
        }
        const uint64_t size = frame_entry_size(entry.size);
        retrace->out_compared += size;
        retrace->stored_offset += size;
        retrace->events_equal++;
    }
    return RETRACE_MORE;
}

/* What is left to say of the last command. */
static int finish(struct retrace *retrace) {
    const int compared = compare_rest(retrace);
    if (compared != RETRACE_MORE || !retrace->hash_applied) {
        return compared;
    }
    retrace->hash_applied = 0;
    return RETRACE_HASH;
}

static bool reached(const struct retrace *retrace) {
    return retrace->sequence >= retrace->through_command ||
           (retrace->through_event != 0 && core_event_sequence(retrace->core) >= retrace->through_event);
}

static bool is_state_hash(const struct record_view *record) {
    uint16_t template_id;
    memcpy(&template_id, record->body + offsetof(struct wire_header, template_id), sizeof template_id);
    return template_id == WIRE_STATE_HASH;
}

static int apply(struct retrace *retrace, const struct record_view *record) {
    if (!core_pools_hold(retrace->core, record->body, record->size) ||
        core_output_max(retrace->core) > retrace->out_size) {
        return RETRACE_POOLS;
    }
    size_t written = 0;
    uint32_t events = 0;
    if (core_apply(retrace->core, record->sequence, record->epoch, record->time_ns, record->body, record->size,
                   retrace->out, retrace->out_size, &written, &events) != CORE_OK) {
        return RETRACE_STATE_OTHER;
    }
    retrace->sequence = record->sequence;
    retrace->time_ns = record->time_ns;
    retrace->epoch = record->epoch;
    retrace->out_used = written;
    retrace->out_compared = 0;
    retrace->hash_applied = is_state_hash(record);
    return finish(retrace);
}

int retrace_run(struct retrace *retrace, struct record_cursor *cursor, uint32_t max) {
    const int finished = finish(retrace);
    if (finished != RETRACE_MORE) {
        return finished;
    }
    for (uint32_t i = 0; i < max; i++) {
        if (reached(retrace)) {
            return RETRACE_REACHED;
        }
        struct record_view record;
        const int status = record_next(cursor, &record);
        if (status != RECORD_FOUND) {
            return status == RECORD_END ? RETRACE_END : RETRACE_NO_RECORD;
        }
        if (record.kind == RECORD_COMMAND && record.sequence > retrace->sequence) {
            const int applied = apply(retrace, &record);
            if (applied != RETRACE_MORE) {
                return applied;
            }
        }
    }
    return RETRACE_MORE;
}

int retrace_prove(struct record_cursor *cursor, uint32_t max) {
    for (uint32_t i = 0; i < max; i++) {
        struct record_view record;
        const int status = record_next(cursor, &record);
        if (status != RECORD_FOUND) {
            return status == RECORD_END ? RETRACE_END : RETRACE_NO_RECORD;
        }
    }
    return RETRACE_MORE;
}
