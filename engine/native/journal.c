/* The journal thread: group commit of appended records on preallocated segments; the preparer of the next segment; the
 * syncer of what may be released before it is durable. */
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
#include "disk.h"
#include "fatal.h"
#include "frame.h"

enum {
    MESSAGE_MAX = 1 << 16,
    BATCH_MAX = 4 << 20, /* bytes of one commit: bounds how long the first command of it waits */
    IDLE_MS = 100,
    PREPARE_MS = 500,
    ZERO_BYTES = 1 << 20,
    NS_PER_MS = 1000000,
    ROOM_MS = 20,  /* between two attempts to write to a full disk */
    HURRY_MS = 10, /* how soon a sync that is wanted at once is begun */
};
static const char spare_name[] = "next.tmp";
/* Mode none promises nothing, but who reads only what is durable must get on. */
static const uint64_t none_interval_ns = 1000000000U;

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
        .epoch = options->epoch,
        .durable_ns = clock_ns(CLOCK_REALTIME), /* the start has synced what it opens the journal on */
        .spare = -1,
        .preparing = 1,
        .syncing = PTHREAD_MUTEX_INITIALIZER,
        .bell.file = -1,
        .wanted.file = -1,
        .dirty.file = -1,
    };
    return ring_init(&journal->ring, ring_bytes) && doorbell_init(&journal->bell) && doorbell_init(&journal->wanted) &&
           doorbell_init(&journal->dirty);
}

void journal_free(struct journal *journal) {
    ring_free(&journal->ring);
    doorbell_free(&journal->bell);
    doorbell_free(&journal->wanted);
    doorbell_free(&journal->dirty);
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

uint64_t journal_durable(const struct journal *journal) {
    return __atomic_load_n(&journal->durable, __ATOMIC_ACQUIRE);
}

bool journal_full(const struct journal *journal) {
    return __atomic_load_n(&journal->no_spare, __ATOMIC_RELAXED) != 0 ||
           __atomic_load_n(&journal->no_room, __ATOMIC_RELAXED) != 0;
}

void journal_hurry(struct journal *journal) {
    __atomic_store_n(&journal->hurry, 1, __ATOMIC_RELAXED);
}

static uint64_t written(const struct journal *journal) {
    return __atomic_load_n(&journal->written, __ATOMIC_ACQUIRE);
}

static bool is_open(const struct journal *journal) {
    return __atomic_load_n(&journal->closing, __ATOMIC_ACQUIRE) == JOURNAL_OPEN;
}

static void wait_ms(int time_ms) {
    nanosleep(&(struct timespec){.tv_nsec = time_ms * (long)NS_PER_MS}, NULL);
}

static void release(struct journal *journal, uint64_t sequence) {
    __atomic_store_n(&journal->released, sequence, __ATOMIC_RELEASE);
    counter_set(journal->counters, COUNTER_RELEASED_SEQUENCE, sequence);
    doorbell_ring(journal->readers);
}

/* Makes durable what has been written by now. The caller holds `syncing`. */
static void sync_held(struct journal *journal) {
    const uint64_t target = written(journal);
    const uint64_t begun_ns = clock_ns(CLOCK_MONOTONIC);
    if (fdatasync(journal->options.segment) != 0) {
        fatal_file("engine.journal_sync_failed", journal->options.segment);
    }
    __atomic_store_n(&journal->durable_ns, clock_ns(CLOCK_REALTIME), __ATOMIC_RELAXED);
    __atomic_store_n(&journal->durable, target, __ATOMIC_RELEASE);
    counter_set(journal->counters, COUNTER_DURABLE_SEQUENCE, target);
    counter_add(journal->counters, COUNTER_SYNCS, 1);
    counter_raise(journal->counters, COUNTER_SYNC_NS_MAX, clock_ns(CLOCK_MONOTONIC) - begun_ns);
}

static void sync_segment(struct journal *journal) {
    pthread_mutex_lock(&journal->syncing);
    sync_held(journal);
    pthread_mutex_unlock(&journal->syncing);
}

/* In every mode: later syncs are of another file, and `durable` would rise above what this one holds. */
static void end_segment(struct journal *journal) {
    if (journal->options.segment < 0) {
        return;
    }
    pthread_mutex_lock(&journal->syncing);
    sync_held(journal);
    (void)posix_fadvise(journal->options.segment, 0, 0, POSIX_FADV_DONTNEED); /* read again at a start only */
    if (close(journal->options.segment) != 0) {
        fatal_file("engine.journal_close_failed", journal->options.directory);
    }
    journal->options.segment = -1;
    pthread_mutex_unlock(&journal->syncing);
    doorbell_ring(journal->readers);
}

/* A new entry in the directory is durable only once the directory is. False when there was no room for a segment until
 * the journal was closed. */
static bool begin_segment(struct journal *journal, uint64_t first_sequence) {
    end_segment(journal);
    int spare;
    while ((spare = __atomic_load_n(&journal->spare, __ATOMIC_ACQUIRE)) < 0) {
        if (__atomic_load_n(&journal->no_spare, __ATOMIC_RELAXED) != 0 && !is_open(journal)) {
            return false;
        }
        counter_add(journal->counters, COUNTER_SEGMENT_WAITS, 1);
        counter_add(journal->counters, COUNTER_JOURNAL_TURNS, 1);
        doorbell_ring(&journal->wanted);
        wait_ms(1);
    }
    char name[32];
    snprintf(name, sizeof name, "%020" PRIu64 ".vj", first_sequence);
    if (renameat(journal->options.directory, spare_name, journal->options.directory, name) != 0 ||
        fsync(journal->options.directory) != 0) {
        fatal_file("engine.journal_segment_failed", journal->options.directory);
    }
    /* Not before the file has its own name: the preparer begins by emptying whatever bears the spare's. */
    __atomic_store_n(&journal->spare, -1, __ATOMIC_RELEASE);
    pthread_mutex_lock(&journal->syncing);
    journal->options.segment = spare;
    pthread_mutex_unlock(&journal->syncing);
    journal->options.segment_size = journal->options.segment_bytes;
    journal->options.offset = 0;
    doorbell_ring(&journal->wanted);
    counter_add(journal->counters, COUNTER_SEGMENTS, 1);
    return true;
}

/* False when there was no room until the journal was closed: what was not written was never released. */
static bool await_room(struct journal *journal) {
    if (!disk_full(errno)) {
        fatal_file("engine.journal_write_failed", journal->options.segment);
    }
    __atomic_store_n(&journal->no_room, 1, __ATOMIC_RELAXED);
    counter_add(journal->counters, COUNTER_JOURNAL_TURNS, 1);
    wait_ms(ROOM_MS);
    return is_open(journal);
}

static bool write_all(struct journal *journal, struct iovec *parts, int count) {
    while (count > 0) {
        ssize_t done = pwritev(journal->options.segment, parts, count, (off_t)journal->options.offset);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done == 0) {
            errno = EIO;
        }
        if (done <= 0) {
            if (!await_room(journal)) {
                return false;
            }
            continue;
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
    __atomic_store_n(&journal->no_room, 0, __ATOMIC_RELAXED);
    return true;
}

static void seal_segment(struct journal *journal, struct segment_record *record, uint64_t first_sequence) {
    *record = (struct segment_record){
        .header = {.sequence = first_sequence, .epoch = journal->epoch, .kind = RECORD_SEGMENT},
        .body = {.version = RECORD_VERSION,
                 .previous_crc = journal->options.crc,
                 .nonce = journal->options.nonce,
                 .durability = journal->options.durability},
    };
    memcpy(record->body.venue, journal->options.venue, sizeof record->body.venue);
    memcpy(record->body.cfg_sha256, journal->options.cfg_sha256, sizeof record->body.cfg_sha256);
    journal->options.crc = record_seal(&record->header, sizeof record->body, journal->options.crc);
}

static void seal_commit(struct journal *journal, struct commit_record *record, bool clean) {
    const uint64_t durable = journal_durable(journal);
    *record = (struct commit_record){
        .header = {.sequence = durable,
                   .time_ns = __atomic_load_n(&journal->durable_ns, __ATOMIC_RELAXED),
                   .epoch = journal->epoch,
                   .kind = RECORD_COMMIT},
        .body = {.previous_crc = journal->options.crc, .clean = clean, .nonce = journal->options.nonce},
    };
    journal->options.crc = record_seal(&record->header, sizeof record->body, journal->options.crc);
    journal->noted = durable;
}

static uint64_t room(const struct journal *journal) {
    const uint64_t taken = journal->options.offset == 0 ? sizeof(struct segment_record) : journal->options.offset;
    const uint64_t needed = taken + sizeof(struct commit_record);
    const bool fits = journal->options.segment >= 0 && journal->options.segment_size > needed;
    return fits ? journal->options.segment_size - needed : 0;
}

/* Writes SEGMENT (in a new segment), COMMIT and the records in [tail, tail + size), chained in this order. False when
 * there was no room for it until the journal was closed. */
static bool write_batch(struct journal *journal, uint64_t tail, uint64_t size, bool clean) {
    struct segment_record segment;
    struct commit_record commit;
    struct iovec parts[3];
    int count = 0;
    uint64_t last = journal->written;
    if (size > 0) {
        journal->epoch = ((const struct record_header *)(const void *)ring_at(&journal->ring, tail))->epoch;
    }
    if (journal->options.offset == 0) {
        seal_segment(journal, &segment, last + 1);
        parts[count++] = (struct iovec){&segment, sizeof segment};
    }
    seal_commit(journal, &commit, clean);
    parts[count++] = (struct iovec){&commit, sizeof commit};
    for (uint64_t at = tail; at < tail + size;) {
        struct record_header *record = (struct record_header *)(void *)ring_at(&journal->ring, at);
        journal->options.crc = record_seal(record, record->size, journal->options.crc);
        journal->epoch = record->epoch;
        last = record->sequence;
        at += record->length;
    }
    if (size > 0) {
        parts[count++] = (struct iovec){ring_at(&journal->ring, tail), size};
    }
    if (!write_all(journal, parts, count)) {
        return false;
    }
    __atomic_store_n(&journal->written, last, __ATOMIC_RELEASE);
    ring_release(&journal->ring, tail + size);
    return true;
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

/* In every mode the first batch of a start is, for it holds the EpochStart: were events of an epoch to leave before it
 * is sure to be on the disk, a power cut would have the next start give the same number to another history. */
static bool waits_for_sync(const struct journal *journal) {
    return journal->options.durability == JOURNAL_SYNC || journal_durable(journal) == journal->options.sequence;
}

/* False when the journal was closed while there was no room. */
static bool commit(struct journal *journal, uint64_t tail, uint64_t head) {
    const uint64_t begun_ns = clock_ns(CLOCK_MONOTONIC);
    const uint64_t size = batch_size(journal, tail, head);
    if (size == 0) {
        return begin_segment(journal, journal->written + 1);
    }
    if (!write_batch(journal, tail, size, false)) {
        return false;
    }
    if (waits_for_sync(journal)) {
        sync_segment(journal);
    } else {
        doorbell_ring(&journal->dirty);
    }
    release(journal, journal->written);
    counter_add(journal->counters, COUNTER_COMMITS, 1);
    counter_raise(journal->counters, COUNTER_COMMIT_NS_MAX, clock_ns(CLOCK_MONOTONIC) - begun_ns);
    return true;
}

/* Without a COMMIT after the last batch, damage to that batch could pass for a torn tail. It costs no sync. */
static bool owes_commit(const struct journal *journal) {
    return journal->noted != journal_durable(journal) && room(journal) > 0;
}

static bool has_work(const struct journal *journal) {
    return ring_head(&journal->ring) != ring_tail(&journal->ring) || !is_open(journal) || owes_commit(journal);
}

/* False when the journal was closed while there was no room. */
static bool idle(struct journal *journal) {
    if (owes_commit(journal)) {
        return write_batch(journal, ring_tail(&journal->ring), 0, false);
    }
    doorbell_announce(&journal->bell);
    if (!has_work(journal)) {
        doorbell_block(&journal->bell, IDLE_MS);
    }
    doorbell_awake(&journal->bell);
    return true;
}

static void finish(struct journal *journal, bool clean) {
    if (journal->options.segment >= 0 && journal->options.offset != 0) {
        sync_segment(journal);
        const bool fits = room(journal) > 0 || !clean || begin_segment(journal, journal->written + 1);
        if (clean && fits && write_batch(journal, ring_tail(&journal->ring), 0, true)) {
            sync_segment(journal);
        }
    }
    release(journal, journal->written);
}

void journal_run(struct journal *journal) {
    bool good = true;
    while (good) {
        counter_add(journal->counters, COUNTER_JOURNAL_TURNS, 1);
        /* Read before the ring: who closes has appended everything before. */
        const int closing = __atomic_load_n(&journal->closing, __ATOMIC_ACQUIRE);
        const uint64_t tail = ring_tail(&journal->ring);
        const uint64_t head = ring_head(&journal->ring);
        if (head != tail) {
            good = commit(journal, tail, head);
        } else if (closing != JOURNAL_OPEN) {
            finish(journal, closing == JOURNAL_CLOSE_CLEAN);
            return;
        } else {
            good = idle(journal);
        }
    }
}

/* ---- the syncer ---- */

static bool behind(const struct journal *journal) {
    return written(journal) != journal_durable(journal);
}

/* Until a command that was written at since_ns has to be synced, or somebody cannot wait for it. */
static void await_due(struct journal *journal, uint64_t since_ns) {
    const bool none = journal->options.durability == JOURNAL_NONE;
    const uint64_t due_ns = since_ns + (none ? none_interval_ns : journal->options.commit_interval_us * UINT64_C(1000));
    uint64_t now_ns;
    while (is_open(journal) && __atomic_exchange_n(&journal->hurry, 0, __ATOMIC_RELAXED) == 0 &&
           (now_ns = clock_ns(CLOCK_MONOTONIC)) < due_ns) {
        const uint64_t left_ns = due_ns - now_ns;
        const uint64_t most_ns = HURRY_MS * UINT64_C(1000000);
        nanosleep(&(struct timespec){.tv_nsec = (long)(left_ns < most_ns ? left_ns : most_ns)}, NULL);
    }
}

/* Blocks until something has been written that is not durable; returns when that was, or a moment later. */
static uint64_t await_dirty(struct journal *journal) {
    while (!behind(journal) && is_open(journal)) {
        doorbell_announce(&journal->dirty);
        if (!behind(journal) && is_open(journal)) {
            doorbell_block(&journal->dirty, IDLE_MS);
        }
        doorbell_awake(&journal->dirty);
    }
    return clock_ns(CLOCK_MONOTONIC);
}

void journal_sync(struct journal *journal) {
    if (journal->options.durability == JOURNAL_SYNC) {
        return;
    }
    uint64_t since_ns = 0;
    while (is_open(journal)) {
        /* What is still behind now was written after the last sync had begun. */
        since_ns = behind(journal) && since_ns != 0 ? since_ns : await_dirty(journal);
        await_due(journal, since_ns);
        since_ns = clock_ns(CLOCK_MONOTONIC);
        pthread_mutex_lock(&journal->syncing);
        if (behind(journal)) {
            sync_held(journal);
        }
        pthread_mutex_unlock(&journal->syncing);
        doorbell_ring(journal->readers);
        doorbell_ring(&journal->bell);
    }
}

void journal_close(struct journal *journal, enum journal_close how) {
    __atomic_store_n(&journal->closing, (int)how, __ATOMIC_RELEASE);
    doorbell_ring(&journal->bell);
    doorbell_ring(&journal->dirty);
}

/* ---- the preparer ---- */

/* Zeros in the whole file, on the disk; 0, errno, or ECANCELED when the engine ended meanwhile. */
static int fill(const struct journal *journal, int file, const void *zeros) {
    int error = posix_fallocate(file, 0, (off_t)journal->options.segment_bytes);
    for (uint64_t at = 0; error == 0 && at < journal->options.segment_bytes; at += ZERO_BYTES) {
        const uint64_t left = journal->options.segment_bytes - at;
        const size_t size = left < ZERO_BYTES ? (size_t)left : ZERO_BYTES;
        if (__atomic_load_n(&journal->preparing, __ATOMIC_ACQUIRE) == 0) {
            return ECANCELED;
        }
        const ssize_t done = pwrite(file, zeros, size, (off_t)at);
        if (done < 0) {
            return errno;
        }
        /* Synced piece by piece, so that commits on the same disk never queue behind a whole segment of zeros. */
        if (done < (ssize_t)size || fdatasync(file) != 0) {
            return done < (ssize_t)size ? ENOSPC : errno;
        }
    }
    return error != 0 || fsync(file) == 0 ? error : errno;
}

/* A segment that is allocated and zero-filled before use makes a commit pure data: no metadata to sync. */
static int zero_filled(struct journal *journal, const void *zeros) {
    const int file = openat(journal->options.directory, spare_name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    const int error = file < 0 ? errno : fill(journal, file, zeros);
    if (error != 0 && error != ECANCELED && error != EINTR && !disk_full(error)) {
        errno = error;
        fatal_file("engine.journal_prepare_failed", file < 0 ? journal->options.directory : file);
    }
    if (error != 0 && file >= 0) {
        close(file);
        /* Part of a segment would take the room that others wait for. */
        unlinkat(journal->options.directory, spare_name, 0);
    }
    __atomic_store_n(&journal->no_spare, disk_full(error) ? 1 : 0, __ATOMIC_RELAXED);
    return error == 0 ? file : -1;
}

void journal_prepare(struct journal *journal) {
    void *zeros = calloc(1, ZERO_BYTES);
    if (zeros == NULL) {
        fatal("engine.out_of_memory");
    }
    while (__atomic_load_n(&journal->preparing, __ATOMIC_ACQUIRE) != 0) {
        if (__atomic_load_n(&journal->spare, __ATOMIC_ACQUIRE) < 0) {
            __atomic_store_n(&journal->spare, zero_filled(journal, zeros), __ATOMIC_RELEASE);
        }
        doorbell_announce(&journal->wanted);
        /* A spare that could not be made is tried again after this long; meanwhile intake waits. */
        doorbell_block(&journal->wanted, PREPARE_MS);
        doorbell_awake(&journal->wanted);
    }
    free(zeros);
}
