/* Appends entries and their offsets to the event journal, or proves that they are there already. */
#define _GNU_SOURCE
#include "eventlog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32c.h"
#include "disk.h"
#include "fatal.h"
#include "frame.h"

enum { OFFSETS_MAX = 512 }; /* index entries per write */

void eventlog_init(struct eventlog *log, int directory, uint64_t segment_bytes) {
    *log = (struct eventlog){
        .directory = directory,
        .data = -1,
        .index = -1,
        .written = -1,
        .segment_bytes = segment_bytes,
        .next_sequence = 1,
        .comparing = true,
    };
}

static _Noreturn void failed(int file) {
    fatal_file("engine.event_journal_failed", file);
}

static void unmap(struct eventlog *log) {
    if (log->stored != NULL) {
        munmap((void *)(uintptr_t)log->stored, log->stored_size);
    }
    if (log->stored_index != NULL) {
        munmap((void *)(uintptr_t)log->stored_index, log->stored_index_size);
    }
    log->stored = NULL;
    log->stored_index = NULL;
    log->stored_size = 0;
    log->stored_index_size = 0;
}

static void close_segment(struct eventlog *log) {
    unmap(log);
    if ((log->data >= 0 && close(log->data) != 0) || (log->index >= 0 && close(log->index) != 0)) {
        failed(log->directory);
    }
    log->data = -1;
    log->index = -1;
}

void eventlog_free(struct eventlog *log) {
    close_segment(log);
    if (log->written >= 0) {
        close(log->written);
    }
    log->written = -1;
}

static int open_part(const struct eventlog *log, const char *suffix, int flags) {
    char name[32];
    snprintf(name, sizeof name, "%020" PRIu64 ".%s", log->next_sequence, suffix);
    return openat(log->directory, name, O_RDWR | O_APPEND | O_CLOEXEC | flags, 0640);
}

/* The open segment, full now, begins its way to the disk, and the pages of the one before, which has had the time for
   it, are free again: writing on takes memory that is at hand instead of ever more of it. Advice only: who fails to
   take it loses nothing. */
static void give_back_pages(struct eventlog *log) {
    if (log->written >= 0) {
        (void)posix_fadvise(log->written, 0, 0, POSIX_FADV_DONTNEED);
        close(log->written);
    }
    log->written = log->data < 0 ? -1 : fcntl(log->data, F_DUPFD_CLOEXEC, 0);
    if (log->written >= 0) {
        (void)sync_file_range(log->written, 0, 0, SYNC_FILE_RANGE_WRITE);
    }
}

/* False when there is no room for new files: the old ones stay open. */
static bool begin_segment(struct eventlog *log) {
    const int data = open_part(log, "ve", O_CREAT | O_TRUNC);
    const int index = data < 0 ? -1 : open_part(log, "idx", O_CREAT | O_TRUNC);
    if (index < 0) {
        if (!disk_full(errno)) {
            failed(log->directory);
        }
        if (data >= 0) {
            close(data);
        }
        return false;
    }
    give_back_pages(log);
    close_segment(log);
    log->data = data;
    log->index = index;
    log->first_sequence = log->next_sequence;
    log->offset = 0;
    return true;
}

static void *mapped(int file, uint64_t *size) {
    struct stat status;
    if (fstat(file, &status) != 0) {
        failed(file);
    }
    *size = (uint64_t)status.st_size;
    if (*size == 0) {
        return NULL;
    }
    void *memory = mmap(NULL, *size, PROT_READ, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) {
        failed(file);
    }
    return memory;
}

/* The stored segment that begins with next_sequence; false when there is none. */
static bool open_stored(struct eventlog *log) {
    int data = open_part(log, "ve", 0);
    if (data < 0 && errno == ENOENT) {
        return false;
    }
    close_segment(log);
    log->data = data;
    log->index = open_part(log, "idx", O_CREAT);
    if (log->data < 0 || log->index < 0) {
        failed(log->directory);
    }
    log->stored = mapped(log->data, &log->stored_size);
    log->stored_index = mapped(log->index, &log->stored_index_size);
    log->first_sequence = log->next_sequence;
    log->offset = 0;
    return true;
}

static void stop_comparing(struct eventlog *log) {
    unmap(log);
    log->comparing = false;
}

/* A later segment left behind would one day stand between newer ones. */
static void drop_later_segments(const struct eventlog *log) {
    int directory = openat(log->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = directory < 0 ? NULL : fdopendir(directory);
    if (listing == NULL) {
        failed(log->directory);
    }
    const struct dirent *item;
    while ((item = readdir(listing)) != NULL) {
        char *suffix;
        const uint64_t first_sequence = strtoull(item->d_name, &suffix, 10);
        const bool ours = strcmp(suffix, ".ve") == 0 || strcmp(suffix, ".idx") == 0;
        if (ours && first_sequence > log->first_sequence && unlinkat(log->directory, item->d_name, 0) != 0) {
            failed(log->directory);
        }
    }
    closedir(listing);
}

/* Drops what the open segment holds from next_sequence on. */
static void shorten(const struct eventlog *log) {
    const uint64_t index_size = (log->next_sequence - log->first_sequence) * sizeof(uint64_t);
    if (ftruncate(log->data, (off_t)log->offset) != 0 || ftruncate(log->index, (off_t)index_size) != 0) {
        failed(log->data);
    }
}

/* Drops everything stored from next_sequence on. */
static void cut(struct eventlog *log) {
    shorten(log);
    drop_later_segments(log);
    /* Events of commands that were lost must not come back at a power cut: others take their numbers. */
    if (fsync(log->data) != 0 || fsync(log->index) != 0 || fsync(log->directory) != 0) {
        failed(log->data);
    }
    stop_comparing(log);
}

/* The stored entry at the present position if it is whole, else NULL. */
static const uint8_t *stored_entry(const struct eventlog *log, size_t *size) {
    struct frame_entry entry;
    const uint64_t left = log->stored_size - log->offset;
    if (log->stored == NULL || left < sizeof entry) {
        return NULL;
    }
    const uint8_t *stored = log->stored + log->offset;
    memcpy(&entry, stored, sizeof entry);
    if (entry.size < sizeof(struct frame_event) || entry.size > FRAME_MAX || frame_entry_size(entry.size) > left ||
        crc32c(0, stored + sizeof entry, entry.size) != entry.crc32c) {
        return NULL;
    }
    *size = frame_entry_size(entry.size);
    return stored;
}

static bool index_agrees(const struct eventlog *log) {
    const uint64_t position = log->next_sequence - log->first_sequence;
    return (position + 1) * sizeof(uint64_t) <= log->stored_index_size && log->stored_index[position] == log->offset;
}

/* First sequence of the stored segment that `sequence` stands in if it is stored; 0 when there is none. */
static uint64_t segment_of(const struct eventlog *log, uint64_t sequence) {
    int directory = openat(log->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = directory < 0 ? NULL : fdopendir(directory);
    if (listing == NULL) {
        fatal("engine.event_journal_failed");
    }
    uint64_t found = 0;
    const struct dirent *item;
    while ((item = readdir(listing)) != NULL) {
        char *suffix;
        const uint64_t first_sequence = strtoull(item->d_name, &suffix, 10);
        if (strcmp(suffix, ".ve") == 0 && first_sequence <= sequence && first_sequence > found) {
            found = first_sequence;
        }
    }
    closedir(listing);
    return found;
}

/* Moves behind event `last` of the segment just opened; false when it is not there. */
static bool pass_over(struct eventlog *log, uint64_t last) {
    const uint64_t position = last - log->first_sequence;
    if ((position + 1) * sizeof(uint64_t) > log->stored_index_size || log->stored_index[position] > log->stored_size) {
        return false;
    }
    log->offset = log->stored_index[position];
    size_t size = 0;
    struct frame_event event;
    const uint8_t *stored = stored_entry(log, &size);
    if (stored == NULL) {
        return false;
    }
    memcpy(&event, stored + sizeof(struct frame_entry), sizeof event);
    log->offset += size;
    log->next_sequence = last + 1;
    return event.sequence == last;
}

void eventlog_rewind(struct eventlog *log) {
    eventlog_free(log);
    eventlog_init(log, log->directory, log->segment_bytes);
}

bool eventlog_resume(struct eventlog *log, uint64_t last) {
    log->next_sequence = segment_of(log, last);
    if (log->next_sequence != 0 && open_stored(log) && pass_over(log, last)) {
        return true;
    }
    eventlog_rewind(log);
    return false;
}

/* One regenerated entry against the stored one: equal, different (diverged), or stored no more (comparing ends). */
static enum eventlog_status compare(struct eventlog *log, const uint8_t *entry, size_t size) {
    if (log->offset == log->stored_size && !open_stored(log)) {
        if (log->data < 0 && !begin_segment(log)) {
            return EVENTLOG_FULL;
        }
        cut(log);
        return EVENTLOG_GOOD;
    }
    size_t stored_size = 0;
    const uint8_t *stored = stored_entry(log, &stored_size);
    if (stored == NULL || !index_agrees(log)) {
        log->cut_sequence = log->next_sequence;
        cut(log);
        return EVENTLOG_GOOD;
    }
    if (stored_size != size || memcmp(stored, entry, size) != 0) {
        return EVENTLOG_DIVERGED;
    }
    log->offset += size;
    log->next_sequence++;
    return EVENTLOG_GOOD;
}

/* False when there is no room; part of it may have been written. */
static bool write_whole(int file, const void *bytes, size_t size) {
    const uint8_t *next = bytes;
    while (size > 0) {
        const ssize_t done = write(file, next, size);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0 && disk_full(errno)) {
            return false;
        }
        if (done <= 0) {
            failed(file);
        }
        next += done;
        size -= (size_t)done;
    }
    return true;
}

/* Writes where each entry of a run begins, and counts them; false when there is no room. */
static bool write_index(const struct eventlog *log, const uint8_t *entries, size_t size, uint64_t *entry_count) {
    uint64_t offsets[OFFSETS_MAX];
    size_t count = 0;
    for (size_t at = 0; at < size;) {
        struct frame_entry entry;
        memcpy(&entry, entries + at, sizeof entry);
        offsets[count++] = log->offset + at;
        at += frame_entry_size(entry.size);
        if (count == OFFSETS_MAX || at == size) {
            if (!write_whole(log->index, offsets, count * sizeof *offsets)) {
                return false;
            }
            *entry_count += count;
            count = 0;
        }
    }
    return true;
}

static enum eventlog_status store(struct eventlog *log, const uint8_t *entries, size_t size) {
    uint64_t count = 0;
    if (log->offset > 0 && log->offset + size > log->segment_bytes && !begin_segment(log)) {
        return EVENTLOG_FULL;
    }
    if (!write_whole(log->data, entries, size) || !write_index(log, entries, size, &count)) {
        shorten(log);
        return EVENTLOG_FULL;
    }
    log->next_sequence += count;
    log->offset += size;
    return EVENTLOG_GOOD;
}

void eventlog_seal(uint8_t *entries, size_t size) {
    for (size_t at = 0; at < size;) {
        struct frame_entry entry;
        memcpy(&entry, entries + at, sizeof entry);
        entry.crc32c = crc32c(0, entries + at + sizeof entry, entry.size);
        memcpy(entries + at, &entry, sizeof entry);
        at += frame_entry_size(entry.size);
    }
}

enum eventlog_status eventlog_append(struct eventlog *log, uint8_t *entries, size_t size) {
    size_t done = 0;
    eventlog_seal(entries, size);
    while (done < size && log->comparing) {
        struct frame_entry entry;
        memcpy(&entry, entries + done, sizeof entry);
        const enum eventlog_status status = compare(log, entries + done, frame_entry_size(entry.size));
        if (status != EVENTLOG_GOOD) {
            return status;
        }
        if (log->comparing) {
            done += frame_entry_size(entry.size);
        }
    }
    return done < size ? store(log, entries + done, size - done) : EVENTLOG_GOOD;
}

uint64_t eventlog_excess(struct eventlog *log) {
    if (!log->comparing || (log->offset == log->stored_size && !open_stored(log))) {
        return 0;
    }
    size_t size = 0;
    const uint8_t *stored = stored_entry(log, &size);
    if (stored == NULL) {
        return 0;
    }
    struct frame_event event;
    memcpy(&event, stored + sizeof(struct frame_entry), sizeof event);
    return event.command_sequence;
}

void eventlog_settle(struct eventlog *log) {
    if (!log->comparing) {
        return;
    }
    if (log->data < 0 && !begin_segment(log)) {
        failed(log->directory);
    }
    cut(log);
}
