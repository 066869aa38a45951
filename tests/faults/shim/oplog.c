/* Appends entries to the log by raw system calls, which no wrapper of ours sees. */
#define _GNU_SOURCE
#include "oplog.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PARTS_MAX = 64 };
static int log_file = -1;

void oplog_open(void) {
    const char *path = getenv("VENUE_FAULT_LOG");
    log_file = path == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (log_file < 0) {
        dprintf(STDERR_FILENO, "the fault shim has no log to write to\n");
        abort();
    }
}

/* parts[0] is left free for the header. A log with a hole would prove things that are not so. */
static void append(struct oplog_entry *entry, struct iovec *parts, int count) {
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    entry->time_ns = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
    entry->thread = (uint32_t)syscall(SYS_gettid);
    parts[0] = (struct iovec){entry, sizeof *entry};
    uint64_t length = 0;
    for (int i = 0; i < count; i++) {
        length += parts[i].iov_len;
    }
    entry->length = (uint32_t)length;
    if (syscall(SYS_writev, log_file, parts, count) != (long)length) {
        dprintf(STDERR_FILENO, "the fault shim cannot write its log\n");
        abort();
    }
}

static struct iovec text(const char *path) {
    return (struct iovec){(void *)(uintptr_t)path, strlen(path)};
}

void oplog_name(enum oplog_kind kind, uint64_t file, const char *path, const char *other) {
    struct iovec parts[3] = {{0}, text(path), text(other)};
    append(&(struct oplog_entry){.kind = (uint16_t)kind, .path_size = (uint16_t)parts[1].iov_len, .file = file}, parts,
           3);
}

void oplog_size(enum oplog_kind kind, uint64_t file, uint64_t size) {
    struct iovec parts[1];
    append(&(struct oplog_entry){.kind = (uint16_t)kind, .file = file, .size = size}, parts, 1);
}

void oplog_sync(enum oplog_kind kind, uint64_t file, const char *path, int result) {
    struct iovec parts[2] = {{0}, text(path)};
    append(
        &(struct oplog_entry){
            .kind = (uint16_t)kind, .path_size = (uint16_t)parts[1].iov_len, .file = file, .result = result},
        parts, 2);
}

void oplog_cut(const char *path) {
    oplog_sync(OPLOG_CUT, 0, path, 0);
}

static bool zeros(const struct iovec *parts, int count, uint64_t size) {
    for (int i = 0; i < count && size > 0; i++) {
        const uint8_t *bytes = parts[i].iov_base;
        const uint64_t length = parts[i].iov_len < size ? parts[i].iov_len : size;
        if (length > 0 && (bytes[0] != 0 || memcmp(bytes, bytes + 1, length - 1) != 0)) {
            return false;
        }
        size -= length;
    }
    return true;
}

void oplog_write(uint64_t file, uint64_t offset, const struct iovec *parts, int count, uint64_t size) {
    struct oplog_entry entry = {.kind = OPLOG_WRITE, .file = file, .offset = offset, .size = size};
    struct iovec logged[PARTS_MAX + 1];
    if (zeros(parts, count, size)) {
        entry.kind = OPLOG_ZEROS;
        append(&entry, logged, 1);
        return;
    }
    int used = 1;
    uint64_t left = size;
    for (int i = 0; i < count && left > 0; i++) {
        if (used > PARTS_MAX) {
            dprintf(STDERR_FILENO, "the fault shim knows writes of at most %d parts\n", PARTS_MAX);
            abort();
        }
        logged[used] = parts[i];
        logged[used].iov_len = parts[i].iov_len < left ? parts[i].iov_len : left;
        left -= logged[used].iov_len;
        used++;
    }
    append(&entry, logged, used);
}
