/* Replays a journal directory through the core and prints what came of it: the same from every compiler, every flag
   and every machine, or the engine is not deterministic.

   Usage: replay_journal DIRECTORY ORDERS PAGES CLORDIDS ACCOUNTS ASSETS INSTRUMENTS SESSIONS TRADES. Every record is
   proved, every journaled state hash compared. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api.h"
#include "crc32c.h"
#include "record.h"
#include "wire.h"

enum { OUT_BYTES = 17 << 20 };

struct outcome {
    uint64_t commands;
    uint64_t events;
    uint64_t hashes;
    uint32_t digest; /* of every byte of every event */
};

static _Noreturn void fail(const char *what, uint64_t command) {
    (void)fprintf(stderr, "%s after command %" PRIu64 "\n", what, command);
    exit(1);
}

/* The segment that begins with this command; false when there is none. */
static bool map_segment(const char *directory, uint64_t first, struct record_cursor *cursor) {
    char path[4096];
    struct stat status;
    (void)snprintf(path, sizeof path, "%s/%020" PRIu64 ".vj", directory, first);
    const int file = open(path, O_RDONLY);
    if (file < 0) {
        return false;
    }
    if (cursor->data != NULL) {
        (void)munmap((void *)(uintptr_t)cursor->data, cursor->size);
    }
    if (fstat(file, &status) != 0) {
        fail("a segment cannot be read", cursor->sequence);
    }
    cursor->size = (uint64_t)status.st_size;
    cursor->data = mmap(NULL, cursor->size, PROT_READ, MAP_PRIVATE, file, 0);
    cursor->offset = 0;
    (void)close(file);
    return cursor->data != MAP_FAILED;
}

static void apply(struct core *core, const struct record_view *record, uint8_t *out, struct outcome *outcome) {
    size_t written = 0;
    uint32_t events = 0;
    if (core_apply(core, record->sequence, record->epoch, record->time_ns, record->body, record->size, out, OUT_BYTES,
                   &written, &events) != CORE_OK) {
        fail("the journaled state hash is not the state's", record->sequence);
    }
    const uint16_t template_id = (uint16_t)(record->body[2] | record->body[3] << 8);
    outcome->hashes += template_id == WIRE_STATE_HASH;
    outcome->digest = crc32c(outcome->digest, out, written);
    outcome->events += events;
    outcome->commands++;
}

static uint32_t number(const char *text) {
    return (uint32_t)strtoul(text, NULL, 10);
}

int main(int count, char **arguments) {
    if (count != 10) {
        (void)fprintf(stderr, "usage: %s DIRECTORY and eight capacities\n", arguments[0]);
        return 2;
    }
    char **pools = arguments + 2;
    const struct core_capacity capacity = {number(pools[0]), number(pools[1]), number(pools[2]), number(pools[3]),
                                           number(pools[4]), number(pools[5]), number(pools[6]), number(pools[7])};
    struct core *core = core_new(&capacity);
    uint8_t *out = aligned_alloc(64, OUT_BYTES);
    if (core == NULL || out == NULL) {
        (void)fprintf(stderr, "no memory\n");
        return 2;
    }
    struct record_cursor cursor = {0};
    struct record_view record;
    struct outcome outcome = {0};
    uint64_t first = 0;
    while (cursor.sequence + 1 != first && map_segment(arguments[1], cursor.sequence + 1, &cursor)) {
        int status;
        first = cursor.sequence + 1;
        while ((status = record_next(&cursor, &record)) == RECORD_FOUND) {
            if (record.kind == RECORD_COMMAND) {
                apply(core, &record, out, &outcome);
            }
        }
        if (status != RECORD_END) {
            fail("something that is no record", cursor.sequence);
        }
    }
    uint64_t hash[2];
    core_hash(core, hash);
    (void)printf("%" PRIu64 " commands %" PRIu64 " events %" PRIu64 " state hashes, hash %016" PRIx64 "%016" PRIx64
                 " events' CRC %08" PRIx32 " audit %d\n",
                 outcome.commands, outcome.events, outcome.hashes, hash[1], hash[0], outcome.digest, core_audit(core));
    core_free(core);
    free(out);
    return 0;
}
