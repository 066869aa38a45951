/* The preparer against the journal thread at the moment a segment changes hands: whatever the preparer does between the
 * two halves of that, it never touches a segment that is in use. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"
#include "journal.h"
#include "wire.h"

enum { SEGMENT = 1 << 16, COMMANDS = 300 };

static struct journal journal;
static uint64_t counters[64];
static int handovers;

/* Instead of libc's: lets the preparer take a whole turn before the new segment gets its name. */
int renameat(int old_directory, const char *old_name, int new_directory, const char *new_name) {
    int (*real)(int, const char *, int, const char *);
    void *symbol = dlsym(RTLD_NEXT, "renameat");
    memcpy(&real, &symbol, sizeof real);
    while (__atomic_load_n(&journal.wanted.sleeping, __ATOMIC_ACQUIRE) == 0) {
        sched_yield();
    }
    doorbell_ring(&journal.wanted);
    while (__atomic_load_n(&journal.wanted.sleeping, __ATOMIC_ACQUIRE) == 0) {
        sched_yield();
    }
    handovers++;
    return real(old_directory, old_name, new_directory, new_name);
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

/* Sequence of the last command that can be read back from the segments in order. */
static uint64_t last_readable(int directory) {
    struct record_cursor cursor = {0};
    struct record_view view;
    uint64_t first = 0;
    while (first != cursor.sequence + 1) {
        first = cursor.sequence + 1;
        char name[32];
        snprintf(name, sizeof name, "%020" PRIu64 ".vj", first);
        const int file = openat(directory, name, O_RDONLY | O_CLOEXEC);
        if (file < 0) {
            break;
        }
        static uint8_t data[SEGMENT];
        EXPECT(pread(file, data, SEGMENT, 0) == SEGMENT);
        cursor.data = data;
        cursor.size = SEGMENT;
        cursor.offset = 0;
        while (record_next(&cursor, &view) == RECORD_FOUND) {
            continue;
        }
        close(file);
    }
    return cursor.sequence;
}

static void the_preparer_never_touches_a_segment_in_use(void) {
    char path[] = "segments-XXXXXX";
    EXPECT(mkdtemp(path) != NULL);
    struct doorbell readers;
    EXPECT(doorbell_init(&readers));
    struct journal_options options = {.directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                      .segment = -1,
                                      .segment_bytes = SEGMENT,
                                      .nonce = 7,
                                      .durability = JOURNAL_NONE};
    EXPECT(journal_init(&journal, &options, 1 << 17, &readers, counters));
    pthread_t writer;
    pthread_t preparer;
    EXPECT(pthread_create(&writer, NULL, run_journal, NULL) == 0);
    EXPECT(pthread_create(&preparer, NULL, run_preparer, NULL) == 0);
    for (uint64_t sequence = 1; sequence <= COMMANDS;) {
        uint8_t *slot = journal_slot(&journal);
        if (slot == NULL) {
            doorbell_ring(&journal.bell);
            continue;
        }
        memset(slot, 'c', 600);
        journal_append(&journal, sequence, sequence, 1, WIRE_ROLE_GATEWAY, 600);
        sequence++;
    }
    journal_close(&journal, JOURNAL_CLOSE_CLEAN);
    pthread_join(writer, NULL);
    __atomic_store_n(&journal.preparing, 0, __ATOMIC_RELEASE);
    doorbell_ring(&journal.wanted);
    pthread_join(preparer, NULL);
    EXPECT(handovers >= 3);
    EXPECT(last_readable(options.directory) == COMMANDS);
    journal_free(&journal);
    doorbell_free(&readers);
    close(options.directory);
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", path);
    EXPECT(system(command) == 0);
}

int main(void) {
    EXPECT(chdir(getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp") == 0);
    RUN(the_preparer_never_touches_a_segment_in_use);
    return 0;
}
