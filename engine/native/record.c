/* Seals journal records and walks them again, proving each one before it is shown. */
#include "record.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "crc32c.h"
#include "frame.h"

enum { BODY = sizeof(struct record_header), CRC_AT = offsetof(struct record_header, crc32c) };

static uint32_t crc_of(const uint8_t *record, uint32_t length, uint32_t previous_crc) {
    static const uint8_t zero[sizeof(uint32_t)];
    uint32_t crc = crc32c(previous_crc, record, CRC_AT);
    crc = crc32c(crc, zero, sizeof zero);
    return crc32c(crc, record + CRC_AT + sizeof zero, length - CRC_AT - sizeof zero);
}

uint32_t record_seal(struct record_header *record, uint32_t body_size, uint32_t previous_crc) {
    record->length = (uint32_t)(BODY + frame_padded(body_size));
    record->crc32c = crc_of((const uint8_t *)record, record->length, previous_crc);
    return record->crc32c;
}

static bool zeros(const uint8_t *bytes, uint64_t size) {
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

static bool segment_fits(const struct record_cursor *cursor, const struct record_header *header, const uint8_t *body) {
    struct record_segment segment;
    if (header->length != BODY + sizeof segment || cursor->offset != 0 || header->sequence == 0) {
        return false;
    }
    memcpy(&segment, body, sizeof segment);
    if (segment.version != RECORD_VERSION || segment.nonce == 0 ||
        (cursor->nonce != 0 && segment.nonce != cursor->nonce)) {
        return false;
    }
    return cursor->started == 0 || (segment.previous_crc == cursor->crc && header->sequence == cursor->sequence + 1);
}

static bool commit_fits(const struct record_cursor *cursor, const struct record_header *header, const uint8_t *body) {
    struct record_commit commit;
    if (header->length != BODY + sizeof commit || cursor->offset == 0 || header->sequence > cursor->sequence) {
        return false;
    }
    memcpy(&commit, body, sizeof commit);
    return commit.previous_crc == cursor->crc && (cursor->nonce == 0 || commit.nonce == cursor->nonce);
}

static bool command_fits(const struct record_cursor *cursor, const struct record_header *header) {
    return cursor->offset != 0 && header->sequence == cursor->sequence + 1 &&
           header->size >= sizeof(struct wire_header) && header->length == BODY + frame_padded(header->size);
}

/* Whether a record of this place and kind may stand here, its CRC aside. */
static bool fits(const struct record_cursor *cursor, const struct record_header *header, const uint8_t *body) {
    switch (header->kind) {
    case RECORD_SEGMENT:
        return segment_fits(cursor, header, body);
    case RECORD_COMMIT:
        return commit_fits(cursor, header, body);
    case RECORD_COMMAND:
        return command_fits(cursor, header);
    default:
        return false;
    }
}

static void accept(struct record_cursor *cursor, const struct record_header *header, const uint8_t *body) {
    cursor->clean = 0;
    if (header->kind == RECORD_SEGMENT) {
        struct record_segment segment;
        memcpy(&segment, body, sizeof segment);
        cursor->durability = segment.durability;
        cursor->nonce = segment.nonce;
        cursor->sequence = header->sequence - 1;
        cursor->started = 1;
    } else if (header->kind == RECORD_COMMIT) {
        struct record_commit commit;
        memcpy(&commit, body, sizeof commit);
        cursor->clean = commit.clean == 1;
        cursor->durable = header->sequence > cursor->durable ? header->sequence : cursor->durable;
    } else {
        cursor->sequence = header->sequence;
        cursor->time_ns = header->time_ns;
        cursor->epoch = header->epoch;
    }
    cursor->crc = header->crc32c;
    cursor->offset += header->length;
}

int record_next(struct record_cursor *cursor, struct record_view *view) {
    const uint8_t *record = cursor->data + cursor->offset;
    const uint64_t left = cursor->size - cursor->offset;
    struct record_header header;
    if (left < sizeof header) {
        return zeros(record, left) ? RECORD_END : RECORD_DAMAGED;
    }
    memcpy(&header, record, sizeof header);
    if (header.length == 0) {
        return zeros(record, left) ? RECORD_END : RECORD_DAMAGED;
    }
    if (header.length < BODY || header.length > left || header.length % 8 != 0 ||
        !fits(cursor, &header, record + BODY)) {
        return RECORD_DAMAGED;
    }
    /* A journal may begin with a later segment once older ones are archived: then its own word starts the chain. */
    uint32_t previous_crc = cursor->crc;
    if (cursor->started == 0) {
        memcpy(&previous_crc, record + BODY + offsetof(struct record_segment, previous_crc), sizeof previous_crc);
    }
    if (crc_of(record, header.length, previous_crc) != header.crc32c) {
        return RECORD_DAMAGED;
    }
    *view = (struct record_view){
        .offset = cursor->offset,
        .sequence = header.sequence,
        .time_ns = header.time_ns,
        .epoch = header.epoch,
        .length = header.length,
        .role = header.role,
        .kind = header.kind,
        .size = header.size,
        .body = record + BODY,
    };
    accept(cursor, &header, record + BODY);
    return RECORD_FOUND;
}

uint64_t record_watermark(const uint8_t *data, uint64_t size, uint64_t offset, uint64_t nonce) {
    enum { LENGTH = BODY + sizeof(struct record_commit) };
    uint64_t watermark = 0;
    for (offset = frame_padded(offset); offset + LENGTH <= size; offset += 8) {
        struct record_header header;
        struct record_commit commit;
        memcpy(&header, data + offset, sizeof header);
        if (header.length != LENGTH || header.kind != RECORD_COMMIT) {
            continue;
        }
        memcpy(&commit, data + offset + BODY, sizeof commit);
        const bool ours = nonce == 0 || commit.nonce == nonce;
        if (ours && crc_of(data + offset, LENGTH, commit.previous_crc) == header.crc32c &&
            header.sequence > watermark) {
            watermark = header.sequence;
        }
    }
    return watermark;
}

void record_look_ahead(const uint8_t *data, uint64_t size, uint64_t offset, uint64_t nonce, uint64_t enough,
                       struct record_ahead *ahead) {
    struct record_header header;
    while (size - offset >= sizeof header && ahead->durable < enough) {
        memcpy(&header, data + offset, sizeof header);
        if (header.length < sizeof header || header.length > size - offset || header.length % 8 != 0) {
            break;
        }
        if (header.kind == RECORD_COMMIT && header.length == BODY + sizeof(struct record_commit)) {
            struct record_commit commit;
            memcpy(&commit, data + offset + BODY, sizeof commit);
            const bool proved = (nonce == 0 || commit.nonce == nonce) &&
                                crc_of(data + offset, header.length, commit.previous_crc) == header.crc32c;
            ahead->durable = proved && header.sequence > ahead->durable ? header.sequence : ahead->durable;
        } else if (header.kind == RECORD_COMMAND) {
            ahead->sequence = header.sequence;
            ahead->time_ns = header.time_ns;
        }
        offset += header.length;
    }
    ahead->offset = offset;
}

uint32_t record_read_head(const uint8_t *data, uint64_t size, struct record_head *head) {
    enum { FIXED = 2 * sizeof(uint32_t), LENGTH_MAX = 4096 };
    struct record_header header;
    struct record_segment segment = {0};
    *head = (struct record_head){0};
    if (size < BODY + FIXED) {
        return 0;
    }
    memcpy(&header, data, sizeof header);
    memcpy(&segment, data + BODY, FIXED);
    if (header.kind != RECORD_SEGMENT || header.length < BODY + FIXED || header.length > LENGTH_MAX ||
        header.length > size || crc_of(data, header.length, segment.previous_crc) != header.crc32c) {
        return 0;
    }
    head->version = segment.version;
    if (segment.version == RECORD_VERSION && header.length == BODY + sizeof segment) {
        memcpy(&segment, data + BODY, sizeof segment);
        head->first_sequence = header.sequence;
        head->nonce = segment.nonce;
        head->epoch = header.epoch;
        head->durability = segment.durability;
        memcpy(head->venue, segment.venue, sizeof head->venue);
        memcpy(head->cfg_sha256, segment.cfg_sha256, sizeof head->cfg_sha256);
    }
    return segment.version;
}
