/* Applies a file of recorded commands (tests/property/pair.py writes it) and prints what came of it: the same from
   every compiler and every flag, or the core is not deterministic.

   Usage: replay_core FILE. The file: eight u32 of capacity; then per command u64 time_ns, u32 epoch, u32 size, the
   message, zeros up to a multiple of 8. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "wire.h"

struct head {
    uint64_t time_ns;
    uint32_t epoch;
    uint32_t size;
};

static uint64_t fnv(uint64_t digest, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        digest = (digest ^ bytes[i]) * UINT64_C(0x100000001B3);
    }
    return digest;
}

static uint8_t *read_all(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(2);
    }
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = aligned_alloc(64, (*size + 63) / 64 * 64);
    if (bytes == NULL || fread(bytes, 1, *size, file) != *size) {
        perror(path);
        exit(2);
    }
    (void)fclose(file);
    return bytes;
}

int main(int count, char **arguments) {
    if (count != 2) {
        (void)fprintf(stderr, "usage: %s FILE\n", arguments[0]);
        return 2;
    }
    size_t size = 0;
    uint8_t *bytes = read_all(arguments[1], &size);
    struct core_capacity capacity;
    memcpy(&capacity, bytes, sizeof capacity);
    struct core *core = core_new(&capacity);
    const size_t room = (size_t)16 * 1024 * 1024;
    uint8_t *out = aligned_alloc(64, room);
    if (core == NULL || out == NULL) {
        (void)fprintf(stderr, "no memory\n");
        return 2;
    }
    uint64_t commands = 0;
    uint64_t events = 0;
    uint64_t digest = UINT64_C(0xCBF29CE484222325);
    uint64_t hash[2];
    for (size_t offset = sizeof capacity; offset < size;) {
        struct head head;
        size_t written = 0;
        uint32_t made = 0;
        memcpy(&head, bytes + offset, sizeof head);
        const uint8_t *message = bytes + offset + sizeof head;
        for (unsigned stage = 0; stage < 3; stage++) {
            core_prefetch(core, message, head.size, stage);
        }
        if (core_check(core, WIRE_ROLE_INTERNAL, message, head.size).verdict != CORE_APPLY) {
            (void)fprintf(stderr, "command %llu does not pass the check\n", (unsigned long long)commands + 1);
            return 1;
        }
        if (core_apply(core, ++commands, head.epoch, head.time_ns, message, head.size, out, room, &written, &made) !=
            CORE_OK) {
            (void)fprintf(stderr, "command %llu: state hash differs\n", (unsigned long long)commands);
            return 1;
        }
        events += made;
        const struct core_check again = core_check(core, WIRE_ROLE_INTERNAL, message, head.size);
        digest = fnv(digest, &again.verdict, 1);
        digest = fnv(digest, out, written);
        if (commands % 64 == 0) { /* the hash as of many states, not only of the last */
            core_hash(core, hash);
            digest = fnv(digest, (const uint8_t *)hash, sizeof hash);
        }
        offset += sizeof head + (head.size + 7U) / 8 * 8;
    }
    core_hash(core, hash);
    (void)printf("%llu commands %llu events hash %016llx%016llx digest %016llx audit %d\n",
                 (unsigned long long)commands, (unsigned long long)events, (unsigned long long)hash[1],
                 (unsigned long long)hash[0], (unsigned long long)digest, core_audit(core));
    core_free(core);
    free(out);
    free(bytes);
    return 0;
}
