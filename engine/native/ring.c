/* The byte ring: two mappings of one anonymous file, two positions with acquire and release. */
#define _GNU_SOURCE
#include "ring.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static void *map(int file, void *where, size_t size, int flags) {
    return mmap(where, size, file < 0 ? PROT_NONE : PROT_READ | PROT_WRITE, flags, file, 0);
}

bool ring_init(struct ring *ring, uint64_t size) {
    *ring = (struct ring){.size = size};
    int file = memfd_create("venue-ring", MFD_CLOEXEC);
    if (file < 0) {
        return false;
    }
    uint8_t *memory = MAP_FAILED;
    if (ftruncate(file, (off_t)size) == 0) {
        memory = map(-1, NULL, 2 * size, MAP_PRIVATE | MAP_ANONYMOUS);
    }
    if (memory != MAP_FAILED && (map(file, memory, size, MAP_SHARED | MAP_FIXED | MAP_POPULATE) == MAP_FAILED ||
                                 map(file, memory + size, size, MAP_SHARED | MAP_FIXED) == MAP_FAILED)) {
        munmap(memory, 2 * size);
        memory = MAP_FAILED;
    }
    int cause = errno;
    close(file);
    errno = cause;
    if (memory == MAP_FAILED) {
        return false;
    }
    ring->memory = memory;
    return true;
}

void ring_free(struct ring *ring) {
    if (ring->memory != NULL) {
        munmap(ring->memory, 2 * ring->size);
    }
    ring->memory = NULL;
}

uint64_t ring_space(const struct ring *ring, uint64_t at) {
    return ring->size - (at - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE));
}

uint8_t *ring_at(const struct ring *ring, uint64_t at) {
    return ring->memory + (at & (ring->size - 1));
}

void ring_publish(struct ring *ring, uint64_t head) {
    __atomic_store_n(&ring->head, head, __ATOMIC_RELEASE);
}

uint64_t ring_head(const struct ring *ring) {
    return __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
}

uint64_t ring_tail(const struct ring *ring) {
    return __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);
}

void ring_release(struct ring *ring, uint64_t tail) {
    __atomic_store_n(&ring->tail, tail, __ATOMIC_RELEASE);
}
