/* Records of the command journal: layout, sealing, and a cursor that believes only what it can prove.

   Every record's CRC-32C continues from the CRC of the record before it, across segments. A COMMIT carries the CRC
   before it in its body, so it can be proved by itself even when what precedes it is damaged: that is how damage below
   a known watermark is told from a torn tail. */
#ifndef VENUE_RECORD_H
#define VENUE_RECORD_H

#include <stdint.h>

enum { RECORD_VERSION = 1 };

struct record_header {
    uint32_t length;   /* of header, body and padding */
    uint32_t crc32c;   /* over the record with this field 0, continued from the previous record's */
    uint64_t sequence; /* COMMAND: its own; COMMIT: the durable watermark; SEGMENT: of the first command in it */
    uint64_t time_ns;
    uint32_t epoch;
    uint8_t role;
    uint8_t kind;
    uint16_t size; /* of the SBE message of a COMMAND, without padding */
};
_Static_assert(sizeof(struct record_header) == 32, "record header is 32 bytes");

struct record_segment {
    uint32_t version;
    uint32_t previous_crc;
    char venue[16];
    uint8_t cfg_sha256[32];
    uint8_t durability; /* enum journal_durability in force when the segment was begun */
    uint8_t reserved[7];
};
_Static_assert(sizeof(struct record_segment) == 64, "segment body is 64 bytes");

struct record_commit {
    uint32_t previous_crc;
    uint32_t clean; /* 1: written last by a clean stop */
};
_Static_assert(sizeof(struct record_commit) == 8, "commit body is 8 bytes");

/* Sets length and CRC of a record whose body and padding follow the header; returns the CRC for the next one. */
uint32_t record_seal(struct record_header *record, uint32_t body_size, uint32_t previous_crc);

/* cffi-begin */
enum record_kind { RECORD_SEGMENT = 1, RECORD_COMMAND = 2, RECORD_COMMIT = 3 };
enum record_status { RECORD_FOUND = 0, RECORD_END = 1, RECORD_DAMAGED = 2 };

/* A position in one segment and what has been proved up to it; carried from segment to segment by changing data, size
 * and offset. */
struct record_cursor {
    const uint8_t *data;
    uint64_t size;
    uint64_t offset;
    uint64_t sequence; /* of the last command */
    uint64_t time_ns;  /* of the last command */
    uint64_t durable;  /* greatest watermark seen */
    uint32_t epoch;
    uint32_t crc;
    uint8_t started; /* 0 before the first SEGMENT, which then sets sequence and crc */
    uint8_t clean;   /* the last record was the COMMIT of a clean stop */
    uint8_t durability;
};

struct record_view {
    uint64_t offset;
    uint64_t sequence;
    uint64_t time_ns;
    uint32_t epoch;
    uint32_t length;
    uint8_t role;
    uint8_t kind;
    uint16_t size;
    const uint8_t *body;
};

/* The next record; the cursor moves only when it is FOUND. END: nothing but zeros follow. */
int record_next(struct record_cursor *cursor, struct record_view *view);

/* The greatest watermark in any COMMIT that is whole by itself at or after `offset`, 0 if there is none. */
uint64_t record_watermark(const uint8_t *data, uint64_t size, uint64_t offset);

/* What lies ahead in a journal that is being written. */
struct record_ahead {
    uint64_t durable;  /* the greatest watermark in the COMMITs found, each of them proved by itself */
    uint64_t sequence; /* of the last command found, proved or not */
    uint64_t time_ns;  /* of the same */
    uint64_t offset;   /* where the walk ended */
};

/* Walks over the records of one segment from `offset` on without proving them, until a watermark is `enough` or no
   record follows; `ahead` only grows. */
void record_look_ahead(const uint8_t *data, uint64_t size, uint64_t offset, uint64_t enough,
                       struct record_ahead *ahead);
/* cffi-end */

#endif
