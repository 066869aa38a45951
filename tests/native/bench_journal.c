/* How long a commit of the real journal thread takes: pwritev + fdatasync as it is, or pwritev2 with RWF_DSYNC instead.
 *
 * Usage: bench_journal fdatasync|dsync COMMITS RECORDS, in the directory to measure. Libc's two calls are replaced here
 * for the second way; everything else is the engine's own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clock.h"
#include "expect.h"
#include "journal.h"
#include "wire.h"

enum { SIZE = 208, RING = 1 << 24, SEGMENT = 64 << 20 };

static struct journal journal;
static uint64_t counters[64];
static int dsync;

/* A COMMIT that follows a batch is written alone, and not synced. */
ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset) {
    return pwritev2(file, parts, count, offset, dsync && count > 1 ? RWF_DSYNC : 0);
}

int fdatasync(int file) {
    int (*call)(int);
    void *symbol = dlsym(RTLD_NEXT, "fdatasync");
    memcpy(&call, &symbol, sizeof call);
    return dsync && file == journal.options.segment ? 0 : call(file);
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

static int ascending(const void *left, const void *right) {
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* One commit: `records` commands, handed over together, until all are released. */
static uint64_t commit(uint64_t *sequence, uint64_t records) {
    for (uint64_t i = 0; i < records; i++) {
        uint8_t *slot = journal_slot(&journal);
        EXPECT(slot != NULL);
        memset(slot, 'c', SIZE);
        *sequence += 1;
        journal_append(&journal, *sequence, *sequence, 1, WIRE_ROLE_GATEWAY, SIZE);
    }
    const uint64_t begun_ns = clock_ns(CLOCK_MONOTONIC);
    doorbell_ring(&journal.bell);
    while (journal_released(&journal) < *sequence) {
        sched_yield();
    }
    return clock_ns(CLOCK_MONOTONIC) - begun_ns;
}

int main(int count, char **arguments) {
    EXPECT(count == 4);
    dsync = strcmp(arguments[1], "dsync") == 0;
    const uint64_t commits = strtoull(arguments[2], NULL, 10);
    const uint64_t records = strtoull(arguments[3], NULL, 10);
    struct doorbell readers;
    EXPECT(doorbell_init(&readers));
    const struct journal_options options = {.directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                            .segment = -1,
                                            .segment_bytes = SEGMENT,
                                            .nonce = 7,
                                            .durability = JOURNAL_SYNC};
    EXPECT(journal_init(&journal, &options, RING, &readers, counters));
    pthread_t threads[2];
    EXPECT(pthread_create(&threads[0], NULL, run_journal, NULL) == 0);
    EXPECT(pthread_create(&threads[1], NULL, run_preparer, NULL) == 0);
    uint64_t *times_ns = calloc(commits, sizeof *times_ns);
    EXPECT(times_ns != NULL);
    uint64_t sequence = 0;
    commit(&sequence, 1); /* the first segment is made for it */
    while (__atomic_load_n(&journal.spare, __ATOMIC_ACQUIRE) < 0) {
        sched_yield(); /* and the next one, so that nothing else is written meanwhile */
    }
    for (uint64_t i = 0; i < commits; i++) {
        times_ns[i] = commit(&sequence, records);
    }
    qsort(times_ns, commits, sizeof *times_ns, ascending);
    for (int part = 0; part < 3; part++) {
        static const unsigned PER_MILLE[] = {500, 990, 1000};
        const uint64_t rank = commits * PER_MILLE[part] / 1000;
        printf("%.0f ", (double)times_ns[rank > 0 ? rank - 1 : 0] / 1000);
    }
    printf("\n");
    journal_close(&journal, JOURNAL_CLOSE_UNCLEAN);
    pthread_join(threads[0], NULL);
    __atomic_store_n(&journal.preparing, 0, __ATOMIC_RELEASE);
    doorbell_ring(&journal.wanted);
    pthread_join(threads[1], NULL);
    journal_free(&journal);
    doorbell_free(&readers);
    free(times_ns);
    return 0;
}
