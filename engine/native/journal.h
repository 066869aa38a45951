/* The command journal's writing side: the hot thread appends records to a ring, the journal thread makes them durable
   in groups.

   Nothing above `released` may leave the engine. A write or sync that fails ends the process at once: after it nobody
   knows what the disk holds. */
#ifndef VENUE_JOURNAL_H
#define VENUE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "doorbell.h"
#include "record.h"
#include "ring.h"

/* cffi-begin */
enum journal_durability { JOURNAL_SYNC = 0, JOURNAL_INTERVAL = 1, JOURNAL_NONE = 2 };
enum journal_close { JOURNAL_OPEN = 0, JOURNAL_CLOSE_CLEAN = 1, JOURNAL_CLOSE_UNCLEAN = 2 };

struct journal_options {
    int directory;          /* open directory that holds the segments */
    int segment;            /* last segment, open for writing; -1: there is none */
    uint64_t offset;        /* where the next record goes in it; 0: it has no SEGMENT record yet */
    uint64_t sequence;      /* of the last command */
    uint64_t segment_size;  /* of the last segment */
    uint64_t segment_bytes; /* of segments to come */
    uint32_t crc;
    uint32_t commit_interval_us;
    uint8_t durability;
    char venue[16];
    uint8_t cfg_sha256[32];
};
/* cffi-end */

struct journal {
    struct ring ring;
    struct doorbell bell;     /* rung by the hot thread */
    struct doorbell wanted;   /* rung when the spare segment has been taken */
    struct doorbell *readers; /* rung when `released` has grown */
    uint64_t *counters;
    struct journal_options options;
    uint64_t at;         /* hot thread: where its next record goes in the ring */
    uint64_t durable_ns; /* journal thread: wall clock when the last sync returned */
    uint64_t noted;      /* journal thread: watermark of the last COMMIT written */
    uint64_t synced_ns;  /* journal thread: when it last synced */
    uint64_t written;    /* journal thread: last command written, synced or not */
    uint32_t epoch;      /* for SEGMENT records */
    int spare;           /* a zero-filled segment in waiting, -1 while there is none; only a preparer may change -1 */
    int closing;         /* enum journal_close */
    int preparing;       /* 0 ends the preparer */
    _Alignas(64) uint64_t durable;
    uint64_t released;
};

bool journal_init(struct journal *journal, const struct journal_options *options, uint64_t ring_bytes,
                  struct doorbell *readers, uint64_t *counters);
void journal_free(struct journal *journal);

/* Hot thread. Where a message of up to 64 KiB may be put, NULL while the ring has no room for one. */
uint8_t *journal_slot(const struct journal *journal);
/* Makes the message in the slot the next record. */
void journal_append(struct journal *journal, uint64_t sequence, uint64_t time_ns, uint32_t epoch, uint8_t role,
                    uint16_t size);

/* Greatest command sequence whose events may leave. */
uint64_t journal_released(const struct journal *journal);

/* The journal thread; returns once closed and all is written. The preparer thread; keeps one segment in waiting. */
void journal_run(struct journal *journal);
void journal_prepare(struct journal *journal);
void journal_close(struct journal *journal, enum journal_close how);

#endif
