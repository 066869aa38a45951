/* The doorbell: a flag that says whether anybody sleeps, and an eventfd to wake it. */
#define _GNU_SOURCE
#include "doorbell.h"

#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool doorbell_init(struct doorbell *bell) {
    bell->sleeping = 0;
    bell->file = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return bell->file >= 0;
}

void doorbell_free(struct doorbell *bell) {
    if (bell->file >= 0) {
        close(bell->file);
    }
    bell->file = -1;
}

void doorbell_ring(struct doorbell *bell) {
    /* Orders our work before the look at `sleeping`; the sleeper's fence orders the other way round. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&bell->sleeping, __ATOMIC_RELAXED) != 0 &&
        __atomic_exchange_n(&bell->sleeping, 0, __ATOMIC_RELAXED) != 0) {
        const uint64_t one = 1;
        /* It can only fail when the counter is full, and then the sleeper is being woken anyway. */
        (void)!write(bell->file, &one, sizeof one);
    }
}

void doorbell_announce(struct doorbell *bell) {
    __atomic_store_n(&bell->sleeping, 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void doorbell_awake(struct doorbell *bell) {
    __atomic_store_n(&bell->sleeping, 0, __ATOMIC_RELAXED);
    uint64_t count;
    (void)!read(bell->file, &count, sizeof count);
}

void doorbell_block(struct doorbell *bell, int timeout_ms) {
    struct pollfd poll_file = {.fd = bell->file, .events = POLLIN};
    poll(&poll_file, 1, timeout_ms);
}
