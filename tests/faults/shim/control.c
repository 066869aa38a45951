/* Decides for each call of the daemon whether an armed fault hits it. */
#define _GNU_SOURCE
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "oplog.h"

static struct control *control;

void control_open(void) {
    const char *path = getenv("VENUE_FAULT_CONTROL");
    const int file = path == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    void *memory = file < 0
                       ? MAP_FAILED
                       : (void *)syscall(SYS_mmap, NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED || ((struct control *)memory)->version != CONTROL_VERSION) {
        dprintf(STDERR_FILENO, "the fault shim has no control file of version %d\n", CONTROL_VERSION);
        abort();
    }
    close(file);
    control = memory;
}

int64_t control_clock_offset_ns(void) {
    return __atomic_load_n(&control->clock_offset_ns, __ATOMIC_RELAXED);
}

static bool armed(const struct fault *fault) {
    return __atomic_load_n(&fault->armed, __ATOMIC_ACQUIRE) != 0;
}

static uint64_t count(uint64_t *counter, uint64_t amount) {
    return __atomic_fetch_add(counter, amount, __ATOMIC_RELAXED);
}

/* Whether the call is one of those the fault hits; `size` may be lowered to the border of after_bytes. */
static bool hits(struct fault *fault, enum fault_call call, const char *path, size_t *size) {
    if (!armed(fault) || (fault->calls & (uint32_t)call) == 0 || fnmatch(fault->pattern, path, 0) != 0) {
        return false;
    }
    if (fault->after_bytes > 0) {
        const uint64_t before = count(&fault->bytes, *size);
        if (before < fault->after_bytes) {
            const uint64_t left = fault->after_bytes - before;
            *size = *size < left ? *size : (size_t)left;
            return false;
        }
    }
    if (count(&fault->seen, 1) < fault->after_calls) {
        return false;
    }
    uint64_t before = __atomic_load_n(&fault->hits, __ATOMIC_RELAXED);
    do {
        if (fault->times != 0 && before >= fault->times) {
            return false;
        }
    } while (
        !__atomic_compare_exchange_n(&fault->hits, &before, before + 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return true;
}

/* Ends with the fault or after its time; looks every millisecond. */
static void delay(const struct fault *fault) {
    const struct timespec millisecond = {.tv_nsec = 1000000};
    for (uint64_t waited_us = 0; waited_us < fault->amount && armed(fault); waited_us += 1000) {
        syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &millisecond, NULL);
    }
}

static _Noreturn void cut(const char *path) {
    oplog_cut(path);
    for (;;) {
        syscall(SYS_kill, getpid(), SIGKILL);
    }
}

int control_strike(enum fault_call call, const char *path, size_t *size) {
    int error = 0;
    for (int i = 0; i < FAULT_SLOTS; i++) {
        struct fault *fault = &control->faults[i];
        if (!hits(fault, call, path, size)) {
            continue;
        }
        switch ((enum fault_kind)fault->kind) {
        case FAULT_FAIL:
            error = error != 0 ? error : fault->error;
            break;
        case FAULT_SHORT:
            *size = *size < fault->amount ? *size : (size_t)fault->amount;
            break;
        case FAULT_DELAY:
            delay(fault);
            break;
        case FAULT_CUT:
            cut(path);
        }
    }
    return error;
}
