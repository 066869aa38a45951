/* What stands between the hot thread and the disk: rings, doorbell, frames, journal writer and event journal by
 * themselves. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "answers.h"
#include "counters.h"
#include "crc32c.h"
#include "eventlog.h"
#include "expect.h"
#include "frame.h"
#include "journal.h"
#include "ring.h"

enum { RING = 1 << 17, SEGMENT = 1 << 16, COMMANDS = 20000, ITEMS = 200000 };

static uint64_t counters[64];

static int open_scratch(char *path) {
    EXPECT(mkdtemp(path) != NULL);
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    EXPECT(directory >= 0);
    return directory;
}

/* ---- ring ---- */

static struct ring ring;

static void *write_items(void *unused) {
    (void)unused;
    uint64_t at = 0;
    for (uint64_t item = 0; item < ITEMS;) {
        const uint64_t size = 8 * (1 + item % 37);
        if (ring_space(&ring, at) < size) {
            continue;
        }
        for (uint64_t i = 0; i < size; i += 8) {
            memcpy(ring_at(&ring, at) + i, &item, 8);
        }
        at += size;
        item++;
        ring_publish(&ring, at);
    }
    return NULL;
}

static void a_ring_carries_every_byte_in_order(void) {
    EXPECT(ring_init(&ring, 4096));
    pthread_t writer;
    EXPECT(pthread_create(&writer, NULL, write_items, NULL) == 0);
    for (uint64_t item = 0; item < ITEMS; item++) {
        const uint64_t size = 8 * (1 + item % 37);
        const uint64_t tail = ring_tail(&ring);
        while (ring_head(&ring) - tail < size) {
            continue;
        }
        for (uint64_t i = 0; i < size; i += 8) {
            uint64_t found;
            memcpy(&found, ring_at(&ring, tail) + i, 8);
            EXPECT(found == item);
        }
        ring_release(&ring, tail + size);
    }
    pthread_join(writer, NULL);
    EXPECT(ring_space(&ring, ring_head(&ring)) == 4096);
    ring_free(&ring);
}

static void a_run_across_the_end_of_the_ring_is_contiguous(void) {
    EXPECT(ring_init(&ring, 4096));
    memset(ring_at(&ring, 4000), 0x5A, 4096);
    EXPECT(ring_at(&ring, 4096)[0] == 0x5A && ring_at(&ring, 4000 + 4095)[0] == 0x5A);
    EXPECT(ring_at(&ring, 0) == ring_at(&ring, 8192));
    ring_free(&ring);
}

/* ---- answers ---- */

static void answers_are_bounded(void) {
    static struct answers answers;
    struct answer answer = {.header.template_id = WIRE_GAP};
    for (uint64_t i = 0; i < ANSWERS_SIZE; i++) {
        answer.block.gap.client_seq = i;
        EXPECT(answers_put(&answers, &answer));
    }
    EXPECT(!answers_put(&answers, &answer));
    for (uint64_t i = 0; i < ANSWERS_SIZE; i++) {
        EXPECT(answers_take(&answers, &answer) && answer.block.gap.client_seq == i);
    }
    EXPECT(answers_empty(&answers) && !answers_take(&answers, &answer));
}

/* ---- frames ---- */

static size_t make_frame(uint8_t *bytes, uint16_t count, uint32_t message_size) {
    size_t size = sizeof(struct frame_header);
    for (int i = 0; i < count; i++) {
        const struct frame_entry entry = {.size = message_size};
        memcpy(bytes + size, &entry, sizeof entry);
        size += frame_entry_size(message_size);
    }
    const struct frame_header header = {
        .magic = FRAME_MAGIC, .kind = FRAME_COMMANDS, .count = count, .length = (uint32_t)size};
    memcpy(bytes, &header, sizeof header);
    return size;
}

static void a_frame_is_whole_or_nothing(void) {
    static uint8_t bytes[4096];
    const size_t size = make_frame(bytes, 3, 13);
    EXPECT(frame_check(bytes, size, FRAME_COMMANDS) == 3);
    EXPECT(frame_check(bytes, size, FRAME_CONTROL) == -1);
    /* On the heap with its exact size, so that the sanitizer sees a read beyond a frame that was cut short. */
    for (size_t less = 0; less < size; less++) {
        uint8_t *cut = malloc(less + 1);
        memcpy(cut, bytes, less);
        EXPECT(frame_check(cut, less, FRAME_COMMANDS) == -1);
        if (less >= sizeof(struct frame_header)) {
            const uint32_t length = (uint32_t)less;
            memcpy(cut + offsetof(struct frame_header, length), &length, sizeof length);
            EXPECT(frame_check(cut, less, FRAME_COMMANDS) == -1);
        }
        free(cut);
    }
}

static void any_bytes_are_judged_without_reading_beyond_them(void) {
    srand(7);
    for (int round = 0; round < 200000; round++) {
        uint8_t frame[256] = {0};
        size_t size = make_frame(frame, (uint16_t)(rand() % 4), (uint32_t)(8 + rand() % 40));
        for (int flips = rand() % 4; flips > 0; flips--) {
            frame[(size_t)rand() % size] ^= (uint8_t)(1U << rand() % 8);
        }
        uint8_t *copy = malloc(size);
        memcpy(copy, frame, size);
        const int count = frame_check(copy, size, FRAME_COMMANDS);
        EXPECT(count >= -1 && count < 4);
        free(copy);
    }
}

/* ---- command journal ---- */

static struct journal journal;

static void *run_journal(void *unused) {
    (void)unused;
    journal_run(&journal);
    return NULL;
}

static void *run_preparer(void *unused) {
    (void)unused;
    journal_prepare(&journal);
    return NULL;
}

static uint16_t size_of(uint64_t sequence) {
    return (uint16_t)(8 + sequence % 600);
}

/* Appends `count` commands behind the journal's end and closes it; returns after the threads have. */
static void write_commands(struct journal_options *options, uint64_t count, enum journal_close how) {
    struct doorbell readers;
    EXPECT(doorbell_init(&readers));
    EXPECT(journal_init(&journal, options, RING, &readers, counters));
    pthread_t writer;
    pthread_t preparer;
    EXPECT(pthread_create(&writer, NULL, run_journal, NULL) == 0);
    EXPECT(pthread_create(&preparer, NULL, run_preparer, NULL) == 0);
    for (uint64_t sequence = options->sequence + 1; sequence <= options->sequence + count;) {
        uint8_t *slot = journal_slot(&journal);
        if (slot == NULL) {
            doorbell_ring(&journal.bell);
            continue;
        }
        memset(slot, (int)(sequence % 251), size_of(sequence));
        journal_append(&journal, sequence, sequence * 10, 1, WIRE_ROLE_GATEWAY, size_of(sequence));
        EXPECT(journal_released(&journal) <= sequence);
        sequence++;
    }
    journal_close(&journal, how);
    pthread_join(writer, NULL);
    EXPECT(journal_released(&journal) == options->sequence + count);
    __atomic_store_n(&journal.preparing, 0, __ATOMIC_RELEASE);
    doorbell_ring(&journal.wanted);
    pthread_join(preparer, NULL);
    journal_free(&journal);
    doorbell_free(&readers);
}

/* Reads every segment from the one that begins with `first` on and checks each command. */
static void read_commands(int directory, uint64_t first, struct record_cursor *cursor) {
    struct record_view view;
    for (;;) {
        char name[32];
        snprintf(name, sizeof name, "%020" PRIu64 ".vj", first);
        int file = openat(directory, name, O_RDONLY | O_CLOEXEC);
        if (file < 0) {
            return;
        }
        const uint8_t *data = mmap(NULL, SEGMENT, PROT_READ, MAP_SHARED, file, 0);
        EXPECT(data != MAP_FAILED);
        cursor->data = data;
        cursor->size = SEGMENT;
        cursor->offset = 0;
        int status;
        while ((status = record_next(cursor, &view)) == RECORD_FOUND) {
            if (view.kind == RECORD_COMMAND) {
                EXPECT(view.size == size_of(view.sequence) && view.time_ns == view.sequence * 10);
                EXPECT(view.body[0] == view.sequence % 251 && view.body[view.size - 1] == view.sequence % 251);
            } else if (view.kind == RECORD_COMMIT && view.sequence > 0) {
                EXPECT(view.time_ns > 0); /* also in the first one of a writer, which notes what it was opened on */
            }
        }
        EXPECT(status == RECORD_END);
        munmap((void *)(uintptr_t)data, SEGMENT);
        close(file);
        first = cursor->sequence + 1;
    }
}

static void what_is_appended_is_read_back_over_many_segments(void) {
    for (uint8_t durability = JOURNAL_SYNC; durability <= JOURNAL_NONE; durability++) {
        char path[] = "journal-XXXXXX";
        int directory = open_scratch(path);
        struct journal_options options = {.directory = directory,
                                          .segment = -1,
                                          .segment_bytes = SEGMENT,
                                          .nonce = 7,
                                          .durability = durability,
                                          .commit_interval_us = 100};
        const uint64_t count = durability == JOURNAL_SYNC ? COMMANDS / 10 : COMMANDS;
        write_commands(&options, count, JOURNAL_CLOSE_CLEAN);
        struct record_cursor cursor = {0};
        read_commands(directory, 1, &cursor);
        EXPECT(cursor.sequence == count && cursor.durable == count && cursor.clean == 1);
        char command[64];
        snprintf(command, sizeof command, "rm -r %s", path);
        EXPECT(system(command) == 0);
        close(directory);
    }
}

static void a_second_writer_continues_where_the_first_ended(void) {
    char path[] = "journal-XXXXXX";
    int directory = open_scratch(path);
    struct journal_options options = {.directory = directory, .segment = -1, .segment_bytes = SEGMENT, .nonce = 7};
    write_commands(&options, 10, JOURNAL_CLOSE_UNCLEAN);
    struct record_cursor cursor = {0};
    read_commands(directory, 1, &cursor);
    EXPECT(cursor.sequence == 10 && cursor.clean == 0);
    options.segment = openat(directory, "00000000000000000001.vj", O_RDWR | O_CLOEXEC);
    options.offset = cursor.offset;
    options.sequence = cursor.sequence;
    options.segment_size = SEGMENT;
    options.crc = cursor.crc;
    write_commands(&options, 500, JOURNAL_CLOSE_CLEAN);
    cursor = (struct record_cursor){0};
    read_commands(directory, 1, &cursor);
    EXPECT(cursor.sequence == 510 && cursor.durable == 510 && cursor.clean == 1);
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", path);
    EXPECT(system(command) == 0);
    close(directory);
}

/* ---- event journal ---- */

static size_t make_event(uint8_t *at, uint64_t sequence) {
    const struct frame_entry entry = {.size = sizeof(struct frame_event) + 8};
    const struct frame_event event = {.sequence = sequence, .command_sequence = sequence / 2, .last_in_command = 1};
    memset(at, 0, frame_entry_size(entry.size));
    memcpy(at, &entry, sizeof entry);
    memcpy(at + sizeof entry, &event, sizeof event);
    return frame_entry_size(entry.size);
}

/* Appends events in runs of three up to `last`. */
static enum eventlog_status append_events(struct eventlog *log, uint64_t last) {
    while (log->next_sequence <= last) {
        uint8_t run[1024];
        size_t size = 0;
        const uint64_t first = log->next_sequence;
        for (uint64_t sequence = first; sequence < first + 3 && sequence <= last; sequence++) {
            size += make_event(run + size, sequence);
        }
        const enum eventlog_status status = eventlog_append(log, run, size);
        if (status != EVENTLOG_GOOD) {
            return status;
        }
    }
    return EVENTLOG_GOOD;
}

static off_t size_in(int directory, const char *name) {
    struct stat status;
    return fstatat(directory, name, &status, 0) == 0 ? status.st_size : -1;
}

static void an_event_journal_is_compared_cut_and_continued(void) {
    char path[] = "events-XXXXXX";
    int directory = open_scratch(path);
    struct eventlog log;
    eventlog_init(&log, directory, 1024);
    EXPECT(eventlog_excess(&log) == 0);
    eventlog_settle(&log);
    EXPECT(append_events(&log, 100) == EVENTLOG_GOOD);
    eventlog_free(&log);
    const off_t first_size = size_in(directory, "00000000000000000001.ve");
    EXPECT(first_size > 0 && first_size <= 1024);
    EXPECT(size_in(directory, "00000000000000000019.ve") > 0);

    /* Fewer events than are stored: the rest is excess, and cut. */
    eventlog_init(&log, directory, 1024);
    EXPECT(append_events(&log, 7) == EVENTLOG_GOOD && log.comparing);
    EXPECT(eventlog_excess(&log) == 4);
    eventlog_settle(&log);
    EXPECT(size_in(directory, "00000000000000000019.ve") == -1);
    EXPECT(append_events(&log, 50) == EVENTLOG_GOOD && log.cut_sequence == 0);
    eventlog_free(&log);

    /* A flipped byte is damage: written again from there. */
    int file = openat(directory, "00000000000000000001.ve", O_RDWR | O_CLOEXEC);
    EXPECT(pwrite(file, "X", 1, 120) == 1);
    close(file);
    eventlog_init(&log, directory, 1024);
    EXPECT(append_events(&log, 50) == EVENTLOG_GOOD);
    EXPECT(log.cut_sequence == 3 && !log.comparing);
    eventlog_free(&log);

    /* A whole event that is another one is a divergence. */
    uint8_t other[128];
    make_event(other, 2);
    other[sizeof(struct frame_entry) + 8] = 99;
    const uint32_t crc = crc32c(0, other + 8, sizeof(struct frame_event) + 8);
    memcpy(other + 4, &crc, sizeof crc);
    file = openat(directory, "00000000000000000001.ve", O_RDWR | O_CLOEXEC);
    const size_t size = frame_entry_size(sizeof(struct frame_event) + 8);
    EXPECT(pwrite(file, other, size, (off_t)size) == (ssize_t)size);
    close(file);
    eventlog_init(&log, directory, 1024);
    EXPECT(append_events(&log, 50) == EVENTLOG_DIVERGED);
    eventlog_free(&log);
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", path);
    EXPECT(system(command) == 0);
    close(directory);
}

int main(void) {
    EXPECT(chdir(getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp") == 0);
    RUN(a_ring_carries_every_byte_in_order);
    RUN(a_run_across_the_end_of_the_ring_is_contiguous);
    RUN(answers_are_bounded);
    RUN(a_frame_is_whole_or_nothing);
    RUN(any_bytes_are_judged_without_reading_beyond_them);
    RUN(what_is_appended_is_read_back_over_many_segments);
    RUN(a_second_writer_continues_where_the_first_ended);
    RUN(an_event_journal_is_compared_cut_and_continued);
    return 0;
}
