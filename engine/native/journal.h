/* The command journal's writing side: the hot thread appends records to a ring, the journal thread writes them in
   groups, and they are synced by itself (sync) or behind it by the syncer (interval, none).

   Nothing above `released` may leave the engine, and nothing above `durable` may reach a reader that cannot take it
   back. A write or sync that fails ends the process at once, for after it nobody knows what the disk holds; a disk
   that is full is waited for. */
#ifndef VENUE_JOURNAL_H
#define VENUE_JOURNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "doorbell.h"
#include "record.h"
#include "ring.h"

/* cffi-begin */
enum journal_durability { JOURNAL_SYNC = 0, JOURNAL_INTERVAL = 1, JOURNAL_NONE = 2 };
/* Why intake is paused. */
enum journal_state { JOURNAL_RUNNING = 0, JOURNAL_DISK_FULL = 1, JOURNAL_SLOW_DISK = 2 };
enum journal_close { JOURNAL_OPEN = 0, JOURNAL_CLOSE_CLEAN = 1, JOURNAL_CLOSE_UNCLEAN = 2 };

struct journal_options {
    int directory;          /* open directory that holds the segments */
    int segment;            /* last segment, open for writing; -1: there is none */
    uint64_t offset;        /* where the next record goes in it; 0: it has no SEGMENT record yet */
    uint64_t sequence;      /* of the last command */
    uint64_t segment_size;  /* of the last segment */
    uint64_t segment_bytes; /* of segments to come */
    uint64_t nonce;         /* of this journal; not 0 */
    uint64_t age_max_ns;    /* a command that waits longer for the disk pauses intake */
    uint32_t crc;
    uint32_t epoch; /* of the last command */
    uint32_t commit_interval_us;
    uint8_t durability;
    char venue[16];
    uint8_t cfg_sha256[32];
};
/* cffi-end */

struct journal {
    struct ring ring;
    struct doorbell bell;     /* rung by the hot thread, and by the syncer when `durable` has grown */
    struct doorbell wanted;   /* rung when the spare segment has been taken */
    struct doorbell dirty;    /* rung when there is something to sync */
    struct doorbell *readers; /* rung when `released` or `durable` has grown */
    uint64_t *counters;
    struct journal_options options;
    pthread_mutex_t syncing; /* held to sync the segment, and to change it */
    uint64_t at;             /* hot thread: where its next record goes in the ring */
    uint64_t durable_ns;     /* wall clock when the last sync returned */
    uint64_t noted;          /* journal thread: watermark of the last COMMIT written */
    uint32_t epoch;          /* journal thread: of the last record sealed */
    int spare;     /* a zero-filled segment in waiting, -1 while there is none; only a preparer may change -1 */
    int closing;   /* enum journal_close */
    int preparing; /* 0 ends the preparer */
    int no_spare;  /* there is no room for the next segment */
    int no_room;   /* there is no room for what is being written */
    int hurry;     /* the next sync is wanted at once */
    _Alignas(64) uint64_t written; /* last command written, synced or not */
    uint64_t durable;
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

/* Any thread. Greatest command sequence whose events may leave, and which is on the disk for good. */
uint64_t journal_released(const struct journal *journal);
uint64_t journal_durable(const struct journal *journal);
/* Any thread. Whether the disk has no room for what comes next. */
bool journal_full(const struct journal *journal);
/* Any thread. In interval and none: sync what is written without waiting for its time. */
void journal_hurry(struct journal *journal);

/* The journal thread; returns once closed and all is written, or cannot be for want of room. */
void journal_run(struct journal *journal);
/* The preparer thread; keeps one segment in waiting. */
void journal_prepare(struct journal *journal);
/* The syncer thread; returns once closed, in sync mode at once. */
void journal_sync(struct journal *journal);
void journal_close(struct journal *journal, enum journal_close how);

#endif
