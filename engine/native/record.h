/* Records of the command journal: layout, sealing, and a cursor that believes only what it can prove.

   Every record's CRC-32C continues from the CRC of the record before it, across segments. A COMMIT carries the CRC
   before it in its body, so it can be proved by itself even when what precedes it is damaged: that is how damage below
   a known watermark is told from a torn tail. It also carries the journal's nonce, which never leaves these files:
   bytes that a client has had journaled cannot pass for a COMMIT. */
#ifndef VENUE_RECORD_H
#define VENUE_RECORD_H

#include <stdint.h>

/* cffi-begin */
/* Of any version: the header, the kind of a SEGMENT, and `version` and `previous_crc` at the begin of its body. */
enum { RECORD_VERSION = 2 };
/* cffi-end */

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
    uint64_t nonce;     /* the same in every segment of a journal, never 0 */
    uint8_t durability; /* enum journal_durability in force when the segment was begun */
    uint8_t reserved[7];
};
_Static_assert(sizeof(struct record_segment) == 72, "segment body is 72 bytes");

struct record_commit {
    uint32_t previous_crc;
    uint32_t clean; /* 1: written last by a clean stop */
    uint64_t nonce; /* the journal's */
};
_Static_assert(sizeof(struct record_commit) == 16, "commit body is 16 bytes");

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
    uint64_t nonce;    /* the journal's, 0 before the first SEGMENT */
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

/* The greatest watermark in any COMMIT that is whole by itself at or after `offset` and bears the nonce, 0 if there is
 * none. Nonce 0: the journal's is not known, so any COMMIT counts. */
uint64_t record_watermark(const uint8_t *data, uint64_t size, uint64_t offset, uint64_t nonce);

/* What lies ahead in a journal that is being written. */
struct record_ahead {
    uint64_t durable;  /* the greatest watermark in the COMMITs found, each of them proved by itself */
    uint64_t sequence; /* of the last command found, proved or not */
    uint64_t time_ns;  /* of the same */
    uint64_t offset;   /* where the walk ended */
};

/* Walks over the records of one segment from `offset` on without proving them, until a watermark is `enough` or no
   record follows; `ahead` only grows. Nonce 0: the journal's is not known yet, so any COMMIT counts. */
void record_look_ahead(const uint8_t *data, uint64_t size, uint64_t offset, uint64_t nonce, uint64_t enough,
                       struct record_ahead *ahead);

/* What a segment says about itself in its first record. */
struct record_head {
    uint64_t first_sequence;
    uint64_t nonce;
    uint32_t version;
    uint32_t epoch; /* of the first command in it */
    char venue[16];
    uint8_t cfg_sha256[32];
    uint8_t durability;
};

/* The format version of the segment, 0 when its first record is no whole SEGMENT of any version; the rest of `head` is
 * set only for our own version. */
uint32_t record_read_head(const uint8_t *data, uint64_t size, struct record_head *head);
/* cffi-end */

#endif
