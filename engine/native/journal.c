/* The journal thread: group commit of appended records on preallocated segments, and the preparer of the next segment.
 */
#define _GNU_SOURCE
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "counters.h"
#include "fatal.h"
#include "frame.h"

enum {
    MESSAGE_MAX = 1 << 16,
    BATCH_MAX = 4 << 20, /* bytes of one commit: bounds how long the first command of it waits */
    IDLE_MS = 100,
    PREPARE_MS = 500,
    ZERO_BYTES = 1 << 20,
};
static const char spare_name[] = "next.tmp";

struct commit_record {
    struct record_header header;
    struct record_commit body;
};
struct segment_record {
    struct record_header header;
    struct record_segment body;
};

bool journal_init(struct journal *journal, const struct journal_options *options, uint64_t ring_bytes,
                  struct doorbell *readers, uint64_t *counters) {
    *journal = (struct journal){
        .options = *options,
        .readers = readers,
        .counters = counters,
        .written = options->sequence,
        .durable = options->sequence,
        .released = options->sequence,
        .noted = options->sequence,
        .spare = -1,
        .preparing = 1,
    };
    return ring_init(&journal->ring, ring_bytes) && doorbell_init(&journal->bell) && doorbell_init(&journal->wanted);
}

void journal_free(struct journal *journal) {
    ring_free(&journal->ring);
    doorbell_free(&journal->bell);
    doorbell_free(&journal->wanted);
    if (journal->options.segment >= 0) {
        close(journal->options.segment);
    }
    if (journal->spare >= 0) {
        close(journal->spare);
        unlinkat(journal->options.directory, spare_name, 0);
    }
}

uint8_t *journal_slot(const struct journal *journal) {
    if (ring_space(&journal->ring, journal->at) < sizeof(struct record_header) + MESSAGE_MAX) {
        return NULL;
    }
    return ring_at(&journal->ring, journal->at) + sizeof(struct record_header);
}

void journal_append(struct journal *journal, uint64_t sequence, uint64_t time_ns, uint32_t epoch, uint8_t role,
                    uint16_t size) {
    uint8_t *record = ring_at(&journal->ring, journal->at);
    const size_t padded = frame_padded(size);
    const struct record_header header = {
        .length = (uint32_t)(sizeof header + padded),
        .sequence = sequence,
        .time_ns = time_ns,
        .epoch = epoch,
        .role = role,
        .kind = RECORD_COMMAND,
        .size = size,
    };
    memcpy(record, &header, sizeof header);
    memset(record + sizeof header + size, 0, padded - size);
    journal->at += header.length;
    ring_publish(&journal->ring, journal->at);
}

uint64_t journal_released(const struct journal *journal) {
    return __atomic_load_n(&journal->released, __ATOMIC_ACQUIRE);
}

static void release(struct journal *journal, uint64_t sequence) {
    __atomic_store_n(&journal->released, sequence, __ATOMIC_RELEASE);
    counter_set(journal->counters, COUNTER_RELEASED_SEQUENCE, sequence);
    doorbell_ring(journal->readers);
}

static void sync_segment(struct journal *journal) {
    if (fdatasync(journal->options.segment) != 0) {
        fatal("engine.journal_sync_failed");
    }
    journal->synced_ns = clock_ns(CLOCK_MONOTONIC);
    journal->durable_ns = clock_ns(CLOCK_REALTIME);
    __atomic_store_n(&journal->durable, journal->written, __ATOMIC_RELEASE);
    counter_set(journal->counters, COUNTER_DURABLE_SEQUENCE, journal->written);
}

/* A new entry in the directory is durable only once the directory is. */
static void begin_segment(struct journal *journal, uint64_t first_sequence) {
    if (journal->options.segment >= 0) {
        if (journal->options.durability != JOURNAL_NONE) {
            sync_segment(journal);
        }
        close(journal->options.segment);
    }
    int spare;
    while ((spare = __atomic_load_n(&journal->spare, __ATOMIC_ACQUIRE)) < 0) {
        counter_add(journal->counters, COUNTER_SEGMENT_WAITS, 1);
        doorbell_ring(&journal->wanted);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    char name[32];
    snprintf(name, sizeof name, "%020" PRIu64 ".vj", first_sequence);
    if (renameat(journal->options.directory, spare_name, journal->options.directory, name) != 0 ||
        fsync(journal->options.directory) != 0) {
        fatal("engine.journal_segment_failed");
    }
    /* Not before the file has its own name: the preparer begins by emptying whatever bears the spare's. */
    __atomic_store_n(&journal->spare, -1, __ATOMIC_RELEASE);
    journal->options.segment = spare;
    journal->options.segment_size = journal->options.segment_bytes;
    journal->options.offset = 0;
    doorbell_ring(&journal->wanted);
    counter_add(journal->counters, COUNTER_SEGMENTS, 1);
}

static void write_all(struct journal *journal, struct iovec *parts, int count) {
    while (count > 0) {
        const ssize_t done = pwritev(journal->options.segment, parts, count, (off_t)journal->options.offset);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            fatal("engine.journal_write_failed");
        }
        journal->options.offset += (uint64_t)done;
        counter_add(journal->counters, COUNTER_JOURNAL_BYTES, (uint64_t)done);
        size_t left = (size_t)done;
        for (; count > 0 && left >= parts->iov_len; parts++, count--) {
            left -= parts->iov_len;
        }
        if (count > 0) {
            parts->iov_base = (uint8_t *)parts->iov_base + left;
            parts->iov_len -= left;
        }
    }
}

static void seal_segment(struct journal *journal, struct segment_record *record, uint64_t first_sequence) {
    *record = (struct segment_record){
        .header = {.sequence = first_sequence, .epoch = journal->epoch, .kind = RECORD_SEGMENT},
        .body = {.version = RECORD_VERSION,
                 .previous_crc = journal->options.crc,
                 .durability = journal->options.durability},
    };
    memcpy(record->body.venue, journal->options.venue, sizeof record->body.venue);
    memcpy(record->body.cfg_sha256, journal->options.cfg_sha256, sizeof record->body.cfg_sha256);
    journal->options.crc = record_seal(&record->header, sizeof record->body, journal->options.crc);
}

static void seal_commit(struct journal *journal, struct commit_record *record, bool clean) {
    *record = (struct commit_record){
        .header = {.sequence = journal->durable,
                   .time_ns = journal->durable_ns,
                   .epoch = journal->epoch,
                   .kind = RECORD_COMMIT},
        .body = {.previous_crc = journal->options.crc, .clean = clean},
    };
    journal->options.crc = record_seal(&record->header, sizeof record->body, journal->options.crc);
    journal->noted = journal->durable;
}

static uint64_t room(const struct journal *journal) {
    const uint64_t taken = journal->options.offset == 0 ? sizeof(struct segment_record) : journal->options.offset;
    const uint64_t needed = taken + sizeof(struct commit_record);
    const bool fits = journal->options.segment >= 0 && journal->options.segment_size > needed;
    return fits ? journal->options.segment_size - needed : 0;
}

/* Writes SEGMENT (in a new segment), COMMIT and the records in [tail, tail + size), chained in this order. */
static void write_batch(struct journal *journal, uint64_t tail, uint64_t size, bool clean) {
    struct segment_record segment;
    struct commit_record commit;
    struct iovec parts[3];
    int count = 0;
    if (journal->options.offset == 0) {
        seal_segment(journal, &segment, journal->written + 1);
        parts[count++] = (struct iovec){&segment, sizeof segment};
    }
    seal_commit(journal, &commit, clean);
    parts[count++] = (struct iovec){&commit, sizeof commit};
    for (uint64_t at = tail; at < tail + size;) {
        struct record_header *record = (struct record_header *)(void *)ring_at(&journal->ring, at);
        journal->options.crc = record_seal(record, record->size, journal->options.crc);
        journal->written = record->sequence;
        journal->epoch = record->epoch;
        at += record->length;
    }
    if (size > 0) {
        parts[count++] = (struct iovec){ring_at(&journal->ring, tail), size};
    }
    write_all(journal, parts, count);
    ring_release(&journal->ring, tail + size);
}

/* The longest run of whole records that fits both the segment and one commit. */
static uint64_t batch_size(const struct journal *journal, uint64_t tail, uint64_t head) {
    const uint64_t fits = room(journal);
    const uint64_t limit = fits < BATCH_MAX ? fits : BATCH_MAX;
    uint64_t size = 0;
    while (tail + size < head) {
        const struct record_header *record =
            (const struct record_header *)(const void *)ring_at(&journal->ring, tail + size);
        if (size + record->length > limit) {
            break;
        }
        size += record->length;
    }
    return size;
}

static void commit(struct journal *journal, uint64_t tail, uint64_t head) {
    const uint64_t begun_ns = clock_ns(CLOCK_MONOTONIC);
    const uint64_t size = batch_size(journal, tail, head);
    if (size == 0) {
        begin_segment(journal, journal->written + 1);
        return;
    }
    write_batch(journal, tail, size, false);
    const uint64_t interval_ns = journal->options.commit_interval_us * UINT64_C(1000);
    if (journal->options.durability == JOURNAL_SYNC ||
        (journal->options.durability == JOURNAL_INTERVAL && begun_ns - journal->synced_ns >= interval_ns)) {
        sync_segment(journal);
    }
    release(journal, journal->written);
    counter_add(journal->counters, COUNTER_COMMITS, 1);
    counter_raise(journal->counters, COUNTER_COMMIT_NS_MAX, clock_ns(CLOCK_MONOTONIC) - begun_ns);
}

static bool has_work(const struct journal *journal) {
    return ring_head(&journal->ring) != ring_tail(&journal->ring) ||
           __atomic_load_n(&journal->closing, __ATOMIC_ACQUIRE) != JOURNAL_OPEN;
}

/* In interval mode what was written last must not stay unsynced because nothing follows it. */
static void idle(struct journal *journal) {
    /* Without a COMMIT after the last batch, damage to that batch could pass for a torn tail. It costs no sync. */
    if (journal->noted != journal->durable && room(journal) > 0) {
        write_batch(journal, ring_tail(&journal->ring), 0, false);
        return;
    }
    const bool late = journal->options.durability == JOURNAL_INTERVAL && journal->written != journal->durable;
    doorbell_announce(&journal->bell);
    if (!has_work(journal)) {
        doorbell_block(&journal->bell, late ? (int)(journal->options.commit_interval_us / 1000 + 1) : IDLE_MS);
    }
    doorbell_awake(&journal->bell);
    if (late && !has_work(journal)) {
        sync_segment(journal);
    }
}

static void finish(struct journal *journal, bool clean) {
    if (journal->options.segment >= 0 && journal->options.offset != 0) {
        sync_segment(journal);
        if (clean) {
            if (room(journal) == 0) {
                begin_segment(journal, journal->written + 1);
            }
            write_batch(journal, ring_tail(&journal->ring), 0, true);
            sync_segment(journal);
        }
    }
    release(journal, journal->written);
}

void journal_run(struct journal *journal) {
    for (;;) {
        counter_add(journal->counters, COUNTER_JOURNAL_TURNS, 1);
        /* Read before the ring: who closes has appended everything before. */
        const int closing = __atomic_load_n(&journal->closing, __ATOMIC_ACQUIRE);
        const uint64_t tail = ring_tail(&journal->ring);
        const uint64_t head = ring_head(&journal->ring);
        if (head != tail) {
            commit(journal, tail, head);
        } else if (closing != JOURNAL_OPEN) {
            finish(journal, closing == JOURNAL_CLOSE_CLEAN);
            return;
        } else {
            idle(journal);
        }
    }
}

void journal_close(struct journal *journal, enum journal_close how) {
    __atomic_store_n(&journal->closing, (int)how, __ATOMIC_RELEASE);
    doorbell_ring(&journal->bell);
}

/* A segment that is allocated and zero-filled before use makes a commit pure data: no metadata to sync. */
static int zero_filled(const struct journal *journal) {
    int file = openat(journal->options.directory, spare_name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    void *zeros = calloc(1, ZERO_BYTES);
    bool good = file >= 0 && zeros != NULL && posix_fallocate(file, 0, (off_t)journal->options.segment_bytes) == 0;
    for (uint64_t at = 0; good && at < journal->options.segment_bytes; at += ZERO_BYTES) {
        const uint64_t left = journal->options.segment_bytes - at;
        const size_t size = left < ZERO_BYTES ? (size_t)left : ZERO_BYTES;
        /* Synced piece by piece, so that commits on the same disk never queue behind a whole segment of zeros. Given up
         * at the end of the engine, which must not wait for it. */
        good = __atomic_load_n(&journal->preparing, __ATOMIC_ACQUIRE) != 0 &&
               pwrite(file, zeros, size, (off_t)at) == (ssize_t)size && fdatasync(file) == 0;
    }
    free(zeros);
    if (good && fsync(file) == 0) {
        return file;
    }
    if (file >= 0) {
        close(file);
    }
    return -1;
}

void journal_prepare(struct journal *journal) {
    while (__atomic_load_n(&journal->preparing, __ATOMIC_ACQUIRE) != 0) {
        if (__atomic_load_n(&journal->spare, __ATOMIC_ACQUIRE) < 0) {
            __atomic_store_n(&journal->spare, zero_filled(journal), __ATOMIC_RELEASE);
        }
        doorbell_announce(&journal->wanted);
        /* A spare that could not be made (disk full) is tried again after this long; meanwhile intake waits. */
        doorbell_block(&journal->wanted, PREPARE_MS);
        doorbell_awake(&journal->wanted);
    }
}
