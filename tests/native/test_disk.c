/* The journal on a disk that fails, fills up or takes its time: libc's calls are replaced here, the threads are the
 * engine's own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "counters.h"
#include "eventlog.h"
#include "expect.h"
#include "fatal.h"
#include "frame.h"
#include "journal.h"
#include "wire.h"

enum { SEGMENT = 1 << 16, RING = 1 << 17, SIZE = 600, DEADLINE_S = 60 };

/* What the next calls of a kind return: 0 the truth, else this errno. */
static int write_error;  /* pwritev and write */
static int sync_error;   /* fdatasync of a segment */
static int room_error;   /* posix_fallocate */
static int rename_error; /* renameat */
static int sync_held;    /* fdatasync waits while this is set */
static int syncs;

static struct journal journal;
static struct doorbell readers;
static uint64_t counters[64];
static pthread_t threads[3];

static int load(const int *value) {
    return __atomic_load_n(value, __ATOMIC_ACQUIRE);
}

static void set(int *value, int to) {
    __atomic_store_n(value, to, __ATOMIC_RELEASE);
}

static void *real(const char *name) {
    return dlsym(RTLD_NEXT, name);
}

static int failed(int error) {
    errno = error;
    return -1;
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset) {
    ssize_t (*call)(int, const struct iovec *, int, off_t);
    void *symbol = real("pwritev");
    memcpy(&call, &symbol, sizeof call);
    const int error = load(&write_error);
    return error != 0 ? failed(error) : call(file, parts, count, offset);
}

/* A disk that fills up takes a part of what it is given. */
ssize_t write(int file, const void *bytes, size_t size) {
    ssize_t (*call)(int, const void *, size_t);
    void *symbol = real("write");
    memcpy(&call, &symbol, sizeof call);
    const int error = size > 64 ? load(&write_error) : 0;
    if (error != 0 && size > 200) {
        return call(file, bytes, 100);
    }
    return error != 0 ? failed(error) : call(file, bytes, size);
}

int fdatasync(int file) {
    int (*call)(int);
    void *symbol = real("fdatasync");
    memcpy(&call, &symbol, sizeof call);
    if (file == journal.options.segment) {
        __atomic_add_fetch(&syncs, 1, __ATOMIC_ACQ_REL);
        while (load(&sync_held) != 0) {
            sched_yield();
        }
    }
    const int error = file == journal.options.segment ? load(&sync_error) : 0;
    return error != 0 ? failed(error) : call(file);
}

int posix_fallocate(int file, off_t offset, off_t size) {
    int (*call)(int, off_t, off_t);
    void *symbol = real("posix_fallocate");
    memcpy(&call, &symbol, sizeof call);
    const int error = load(&room_error);
    return error != 0 ? error : call(file, offset, size);
}

int renameat(int old_directory, const char *old_name, int new_directory, const char *new_name) {
    int (*call)(int, const char *, int, const char *);
    void *symbol = real("renameat");
    memcpy(&call, &symbol, sizeof call);
    const int error = load(&rename_error);
    return error != 0 ? failed(error) : call(old_directory, old_name, new_directory, new_name);
}

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

static void *run_syncer(void *unused) {
    (void)unused;
    journal_sync(&journal);
    return NULL;
}

static char scratch[32];

static void start(uint8_t durability, uint32_t commit_interval_us) {
    strcpy(scratch, "disk-XXXXXX");
    EXPECT(mkdtemp(scratch) != NULL && doorbell_init(&readers));
    const struct journal_options options = {.directory = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                            .segment = -1,
                                            .segment_bytes = SEGMENT,
                                            .nonce = 7,
                                            .durability = durability,
                                            .commit_interval_us = commit_interval_us};
    memset(counters, 0, sizeof counters);
    set(&syncs, 0);
    EXPECT(journal_init(&journal, &options, RING, &readers, counters));
    EXPECT(pthread_create(&threads[0], NULL, run_journal, NULL) == 0);
    EXPECT(pthread_create(&threads[1], NULL, run_syncer, NULL) == 0);
    EXPECT(pthread_create(&threads[2], NULL, run_preparer, NULL) == 0);
}

static void stop(void) {
    journal_close(&journal, JOURNAL_CLOSE_CLEAN);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    __atomic_store_n(&journal.preparing, 0, __ATOMIC_RELEASE);
    doorbell_ring(&journal.wanted);
    pthread_join(threads[2], NULL);
    const int directory = journal.options.directory;
    journal_free(&journal);
    doorbell_free(&readers);
    close(directory);
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", scratch);
    EXPECT(system(command) == 0);
}

static void append(uint64_t first, uint64_t last) {
    for (uint64_t sequence = first; sequence <= last; sequence++) {
        uint8_t *slot = journal_slot(&journal);
        EXPECT(slot != NULL);
        memset(slot, 'c', SIZE);
        journal_append(&journal, sequence, sequence, 1, WIRE_ROLE_GATEWAY, SIZE);
    }
    doorbell_ring(&journal.bell);
}

#define UNTIL(condition)                                                                                               \
    do {                                                                                                               \
        const uint64_t until_ns = clock_ns(CLOCK_MONOTONIC) + DEADLINE_S * UINT64_C(1000000000);                       \
        while (!(condition)) {                                                                                         \
            EXPECT(clock_ns(CLOCK_MONOTONIC) < until_ns);                                                              \
            sched_yield();                                                                                             \
        }                                                                                                              \
    } while (0)

/* Runs `act` in a child and reads what it wrote to stderr; returns its exit status. */
static int in_child(void (*act)(void), char *said, size_t size) {
    int ends[2];
    EXPECT(pipe(ends) == 0);
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        act();
        _exit(0);
    }
    close(ends[1]);
    size_t read_so_far = 0;
    ssize_t done;
    while ((done = read(ends[0], said + read_so_far, size - 1 - read_so_far)) > 0) {
        read_so_far += (size_t)done;
    }
    said[read_so_far] = 0;
    close(ends[0]);
    int status = 0;
    EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void lose_a_sync(void) {
    start(JOURNAL_SYNC, 0);
    append(1, 1);
    UNTIL(journal_released(&journal) == 1);
    set(&sync_error, EIO);
    append(2, 2);
    UNTIL(journal_released(&journal) == 2);
}

static void lose_a_write(void) {
    start(JOURNAL_SYNC, 0);
    append(1, 1);
    UNTIL(journal_released(&journal) == 1);
    set(&write_error, EIO);
    append(2, 2);
    UNTIL(journal_released(&journal) == 2);
}

static void lose_a_name(void) {
    set(&rename_error, EIO);
    start(JOURNAL_NONE, 0);
    append(1, 1);
    UNTIL(journal_released(&journal) == 1);
}

static void lose_a_preparation(void) {
    set(&room_error, EIO);
    start(JOURNAL_NONE, 0);
    append(1, 1);
    UNTIL(journal_released(&journal) == 1);
}

static void lose_a_sync_behind(void) {
    start(JOURNAL_INTERVAL, 100);
    append(1, 1);
    UNTIL(journal_durable(&journal) == 1);
    set(&sync_error, EIO);
    append(2, 2);
    UNTIL(journal_durable(&journal) == 2);
}

static void an_error_of_the_disk_ends_the_process_and_names_the_file(void) {
    char said[1024];
    const struct {
        void (*act)(void);
        const char *event;
        const char *file;
    } cases[] = {
        {lose_a_sync, "engine.journal_sync_failed", "00000000000000000001.vj"},
        {lose_a_write, "engine.journal_write_failed", "00000000000000000001.vj"},
        {lose_a_name, "engine.journal_segment_failed", "disk-"},
        {lose_a_preparation, "engine.journal_prepare_failed", "next.tmp"},
        {lose_a_sync_behind, "engine.journal_sync_failed", "00000000000000000001.vj"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        EXPECT(in_child(cases[i].act, said, sizeof said) == FATAL_EXIT_DISK);
        EXPECT(strstr(said, cases[i].event) != NULL && strstr(said, cases[i].file) != NULL);
        EXPECT(strstr(said, "\"errno\": 5") != NULL);
    }
}

static void a_full_disk_is_waited_for_and_nothing_is_released_meanwhile(void) {
    start(JOURNAL_SYNC, 0);
    append(1, 10);
    UNTIL(journal_released(&journal) == 10);
    EXPECT(!journal_full(&journal));
    set(&write_error, ENOSPC);
    append(11, 20);
    UNTIL(journal_full(&journal));
    EXPECT(journal_released(&journal) == 10 && journal_durable(&journal) == 10);
    set(&write_error, 0);
    UNTIL(journal_durable(&journal) == 20);
    EXPECT(!journal_full(&journal));
    stop();
}

static void no_room_for_the_next_segment_is_known_before_this_one_is_full(void) {
    start(JOURNAL_NONE, 0);
    UNTIL(__atomic_load_n(&journal.spare, __ATOMIC_ACQUIRE) >= 0);
    set(&room_error, EDQUOT);
    append(1, 10);
    UNTIL(journal_full(&journal));
    UNTIL(journal_released(&journal) == 10); /* this one has room */
    EXPECT(faccessat(journal.options.directory, "next.tmp", F_OK, 0) != 0);
    set(&room_error, 0);
    UNTIL(!journal_full(&journal));
    stop();
}

static void a_full_disk_does_not_keep_the_engine_from_stopping(void) {
    start(JOURNAL_SYNC, 0);
    append(1, 1);
    UNTIL(journal_released(&journal) == 1);
    set(&write_error, ENOSPC);
    append(2, 2);
    UNTIL(journal_full(&journal));
    stop(); /* returns */
    EXPECT(journal.released == 1 && journal.durable == 1);
    set(&write_error, 0);

    set(&room_error, ENOSPC);
    start(JOURNAL_SYNC, 0);
    append(1, 1);
    UNTIL(journal_full(&journal));
    stop();
    EXPECT(journal.released == 0 && journal.durable == 0);
    set(&room_error, 0);
}

static void begin(uint8_t durability, uint32_t commit_interval_us) {
    start(durability, commit_interval_us);
    append(1, 1);
    UNTIL(journal_released(&journal) == 1 && journal_durable(&journal) == 1);
}

static void the_begin_of_an_epoch_is_durable_before_it_is_released(uint8_t durability) {
    start(durability, 1000);
    set(&sync_held, 1);
    append(1, 1);
    UNTIL(load(&syncs) == 1);
    EXPECT(journal_released(&journal) == 0);
    set(&sync_held, 0);
    UNTIL(journal_released(&journal) == 1);
    EXPECT(journal_durable(&journal) == 1);
    stop();
}

static void the_begin_of_an_epoch_is_durable_before_it_is_released_in_every_mode(void) {
    the_begin_of_an_epoch_is_durable_before_it_is_released(JOURNAL_SYNC);
    the_begin_of_an_epoch_is_durable_before_it_is_released(JOURNAL_INTERVAL);
    the_begin_of_an_epoch_is_durable_before_it_is_released(JOURNAL_NONE);
}

static void what_is_released_is_synced_behind_it(void) {
    begin(JOURNAL_INTERVAL, 1000);
    const int before = load(&syncs);
    set(&sync_held, 1);
    append(2, 2);
    UNTIL(journal_released(&journal) == 2);
    UNTIL(load(&syncs) == before + 1);
    append(3, 3); /* while the sync of the one before is under way */
    UNTIL(journal_released(&journal) == 3);
    EXPECT(journal_durable(&journal) == 1);
    set(&sync_held, 0);
    UNTIL(journal_durable(&journal) == 3);
    EXPECT(load(&syncs) >= before + 2);
    stop();
}

static void none_syncs_when_somebody_waits(void) {
    begin(JOURNAL_NONE, 0);
    append(2, 2);
    UNTIL(journal_released(&journal) == 2);
    journal_hurry(&journal);
    UNTIL(journal_durable(&journal) == 2);
    stop();
}

static size_t make_event(uint8_t *at, uint64_t sequence) {
    const struct frame_entry entry = {.size = sizeof(struct frame_event) + 8};
    const struct frame_event event = {.sequence = sequence, .command_sequence = sequence, .last_in_command = 1};
    memset(at, 0, frame_entry_size(entry.size));
    memcpy(at, &entry, sizeof entry);
    memcpy(at + sizeof entry, &event, sizeof event);
    return frame_entry_size(entry.size);
}

static void a_run_of_events_without_room_is_stored_later_as_a_whole(void) {
    strcpy(scratch, "disk-XXXXXX");
    EXPECT(mkdtemp(scratch) != NULL);
    const int directory = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint8_t run[1024];
    struct eventlog log;
    eventlog_init(&log, directory, 1 << 20);
    EXPECT(eventlog_excess(&log) == 0);
    eventlog_settle(&log);
    size_t size = 0;
    for (uint64_t sequence = 1; sequence <= 8; sequence++) {
        size += make_event(run + size, sequence);
    }
    EXPECT(eventlog_append(&log, run, size) == EVENTLOG_GOOD);
    const uint64_t offset = log.offset;
    size = 0;
    for (uint64_t sequence = 9; sequence <= 16; sequence++) {
        size += make_event(run + size, sequence);
    }
    set(&write_error, ENOSPC);
    EXPECT(eventlog_append(&log, run, size) == EVENTLOG_FULL);
    EXPECT(lseek(log.data, 0, SEEK_END) == (off_t)offset && log.next_sequence == 9);
    set(&write_error, 0);
    EXPECT(eventlog_append(&log, run, size) == EVENTLOG_GOOD && log.next_sequence == 17);
    eventlog_free(&log);
    eventlog_init(&log, directory, 1 << 20);
    EXPECT(eventlog_append(&log, run, 0) == EVENTLOG_GOOD && eventlog_excess(&log) == 1);
    eventlog_free(&log);
    close(directory);
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", scratch);
    EXPECT(system(command) == 0);
}

int main(void) {
    EXPECT(chdir(getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp") == 0);
    RUN(an_error_of_the_disk_ends_the_process_and_names_the_file);
    RUN(a_full_disk_is_waited_for_and_nothing_is_released_meanwhile);
    RUN(no_room_for_the_next_segment_is_known_before_this_one_is_full);
    RUN(a_full_disk_does_not_keep_the_engine_from_stopping);
    RUN(the_begin_of_an_epoch_is_durable_before_it_is_released_in_every_mode);
    RUN(what_is_released_is_synced_behind_it);
    RUN(none_syncs_when_somebody_waits);
    RUN(a_run_of_events_without_room_is_stored_later_as_a_whole);
    return 0;
}
