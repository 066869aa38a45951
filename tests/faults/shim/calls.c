/* The calls of the C library that change files or read the wall clock, as a daemon under test sees them.

   Each strikes the armed faults first, does the real thing by a raw system call, and logs what came of it; calls on
   files outside the directory do the real thing only. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "oplog.h"

#define EXPORT __attribute__((visibility("default")))
enum { NS_PER_S = 1000000000, NS_PER_US = 1000, IOV_MAX_SEEN = 64 };

static char directory[PATH_MAX];
static size_t directory_size;
static int (*real_clock_gettime)(clockid_t, struct timespec *);
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void open_once(void) {
    const char *named = getenv("VENUE_FAULT_DIR");
    if (named == NULL || named[0] != '/' || strlen(named) >= sizeof directory) {
        dprintf(STDERR_FILENO, "the fault shim has no directory to watch\n");
        abort();
    }
    strcpy(directory, named);
    directory_size = strlen(directory);
    void *found = dlsym(RTLD_NEXT, "clock_gettime");
    memcpy(&real_clock_gettime, &found, sizeof found);
    control_open();
    oplog_open();
}

static void ready(void) {
    pthread_once(&once, open_once);
}

__attribute__((constructor)) static void begin(void) {
    ready();
}

/* ---- which file a call is about ---- */

struct target {
    bool inside;
    bool exists;
    uint64_t file;
    char path[PATH_MAX]; /* below the directory; "" is the directory itself */
};

static void take_path(struct target *target, const char *whole) {
    if (strncmp(whole, directory, directory_size) != 0 ||
        (whole[directory_size] != '/' && whole[directory_size] != '\0')) {
        return;
    }
    target->inside = true;
    strcpy(target->path, whole + directory_size + (whole[directory_size] == '/'));
}

static bool path_of(int file, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    const long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = '\0';
    return length > 0;
}

static bool by_file(int file, struct target *target) {
    struct stat status;
    char whole[PATH_MAX];
    target->inside = false;
    ready();
    const int error = errno;
    if (fstat(file, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) && path_of(file, whole)) {
        target->exists = true;
        target->file = status.st_ino;
        take_path(target, whole);
    }
    errno = error;
    return target->inside;
}

/* The last part of a path stays as it is, links in the directories before it are followed. */
static bool by_path(int at, const char *path, struct target *target) {
    struct stat status;
    char whole[PATH_MAX] = "";
    char folder[PATH_MAX] = "";
    target->inside = false;
    ready();
    const int error = errno;
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    if (path != NULL && strlen(path) < sizeof folder) {
        memcpy(folder, path, slash == NULL ? 0 : (size_t)(slash - path) + 1);
        const long parent = syscall(SYS_openat, at, folder[0] == '\0' ? "." : folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (parent >= 0 && path_of((int)parent, whole) && strlen(whole) + strlen(name) + 2 < sizeof whole) {
            strcat(strcat(whole, "/"), name);
            take_path(target, whole);
        }
        if (parent >= 0) {
            syscall(SYS_close, parent);
        }
        target->exists = fstatat(at, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
        target->file = target->exists ? status.st_ino : 0;
    }
    errno = error;
    return target->inside;
}

static int failed(int error) {
    errno = error;
    return -1;
}

/* Strikes a call that writes nothing: 0 to go on, -1 with errno set. */
static int strike(enum fault_call call, const struct target *target) {
    size_t size = 0;
    const int error = control_strike(call, target->path, &size);
    return error == 0 ? 0 : failed(error);
}

/* ---- open ---- */

static int open_file(int at, const char *path, int flags, mode_t mode) {
    struct target target;
    const bool changes = (flags & (O_CREAT | O_TRUNC)) != 0 && (flags & O_TMPFILE) != O_TMPFILE;
    if (!changes || !by_path(at, path, &target)) {
        return (int)syscall(SYS_openat, at, path, flags, mode);
    }
    if (!target.exists && strike(CALL_CREATE, &target) != 0) {
        return -1;
    }
    const int file = (int)syscall(SYS_openat, at, path, flags, mode);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0) {
        return file;
    }
    if (!target.exists) {
        oplog_name(OPLOG_CREATE, status.st_ino, target.path, "");
    } else if ((flags & O_TRUNC) != 0) {
        oplog_size(OPLOG_TRUNCATE, status.st_ino, 0);
    }
    return file;
}

static mode_t mode_of(int flags, va_list arguments) {
    return (flags & (O_CREAT | O_TMPFILE)) == 0 ? 0 : (mode_t)va_arg(arguments, int);
}

#define OPEN(name)                                                                                                     \
    EXPORT int name(const char *path, int flags, ...) {                                                                \
        va_list arguments;                                                                                             \
        va_start(arguments, flags);                                                                                    \
        const mode_t mode = mode_of(flags, arguments);                                                                 \
        va_end(arguments);                                                                                             \
        return open_file(AT_FDCWD, path, flags, mode);                                                                 \
    }
#define OPENAT(name)                                                                                                   \
    EXPORT int name(int at, const char *path, int flags, ...) {                                                        \
        va_list arguments;                                                                                             \
        va_start(arguments, flags);                                                                                    \
        const mode_t mode = mode_of(flags, arguments);                                                                 \
        va_end(arguments);                                                                                             \
        return open_file(at, path, flags, mode);                                                                       \
    }
OPEN(open)
OPEN(open64)
OPEN(__open_2)
OPEN(__open64_2)
OPENAT(openat)
OPENAT(openat64)
OPENAT(__openat_2)
OPENAT(__openat64_2)

EXPORT int creat(const char *path, mode_t mode) {
    return open_file(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

EXPORT int creat64(const char *path, mode_t mode) {
    return open_file(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* ---- write ---- */

/* A file that is open with O_DSYNC syncs in its writes: then faults of syncs hit them too. */
static bool writes_through(int file, int flags) {
    return (flags & (RWF_DSYNC | RWF_SYNC)) != 0 || (fcntl(file, F_GETFL) & O_DSYNC) != 0;
}

static size_t total(const struct iovec *parts, int count) {
    size_t size = 0;
    for (int i = 0; i < count; i++) {
        size += parts[i].iov_len;
    }
    return size;
}

/* The parts up to `size` bytes; returns how many. */
static int shorten(struct iovec *fewer, const struct iovec *parts, int count, size_t size) {
    int used = 0;
    for (; used < count && size > 0; used++) {
        fewer[used] = parts[used];
        fewer[used].iov_len = parts[used].iov_len < size ? parts[used].iov_len : size;
        size -= fewer[used].iov_len;
    }
    return used;
}

/* offset -1: where the file stands. */
static ssize_t really_write(int file, const struct iovec *parts, int count, off_t offset, int flags) {
    return offset < 0 ? syscall(SYS_writev, file, parts, count)
                      : syscall(SYS_pwritev2, file, parts, count, offset, 0L, flags);
}

static ssize_t write_parts(int file, const struct iovec *parts, int count, off_t offset, int flags) {
    struct target target;
    if (!by_file(file, &target)) {
        return really_write(file, parts, count, offset, flags);
    }
    if (count > IOV_MAX_SEEN) {
        dprintf(STDERR_FILENO, "the fault shim knows writes of at most %d parts\n", IOV_MAX_SEEN);
        abort();
    }
    struct iovec fewer[IOV_MAX_SEEN];
    size_t size = total(parts, count);
    const int error = control_strike(CALL_WRITE, target.path, &size);
    if (error != 0) {
        return failed(error);
    }
    count = shorten(fewer, parts, count, size);
    size_t none = 0;
    const bool through = writes_through(file, flags);
    const int sync_error = through ? control_strike(CALL_SYNC, target.path, &none) : 0;
    const ssize_t done = really_write(file, fewer, count, offset, flags);
    if (done <= 0) {
        return done;
    }
    const uint64_t at = (uint64_t)(offset < 0 ? lseek(file, 0, SEEK_CUR) - done : offset);
    oplog_write(target.file, at, fewer, count, (uint64_t)done);
    if (through) {
        oplog_sync(OPLOG_SYNC_BEGIN, target.file, target.path, 0);
        oplog_sync(OPLOG_SYNC_END, target.file, target.path, sync_error);
    }
    return sync_error == 0 ? done : failed(sync_error);
}

EXPORT ssize_t write(int file, const void *bytes, size_t size) {
    return write_parts(file, &(struct iovec){(void *)(uintptr_t)bytes, size}, 1, -1, 0);
}

EXPORT ssize_t writev(int file, const struct iovec *parts, int count) {
    return write_parts(file, parts, count, -1, 0);
}

EXPORT ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
    return write_parts(file, &(struct iovec){(void *)(uintptr_t)bytes, size}, 1, offset, 0);
}

EXPORT ssize_t pwrite64(int file, const void *bytes, size_t size, off_t offset) {
    return pwrite(file, bytes, size, offset);
}

EXPORT ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset) {
    return write_parts(file, parts, count, offset, 0);
}

EXPORT ssize_t pwritev64(int file, const struct iovec *parts, int count, off_t offset) {
    return write_parts(file, parts, count, offset, 0);
}

EXPORT ssize_t pwritev2(int file, const struct iovec *parts, int count, off_t offset, int flags) {
    return write_parts(file, parts, count, offset, flags);
}

EXPORT ssize_t pwritev64v2(int file, const struct iovec *parts, int count, off_t offset, int flags) {
    return write_parts(file, parts, count, offset, flags);
}

/* ---- sync ---- */

/* After an error the log has the pages neither durable nor waiting for the next sync, as Linux has them clean. */
static int sync_file(int file, long number) {
    struct target target;
    if (!by_file(file, &target)) {
        return (int)syscall(number, file);
    }
    oplog_sync(OPLOG_SYNC_BEGIN, target.file, target.path, 0);
    int result = strike(CALL_SYNC, &target);
    if (result == 0) {
        result = (int)syscall(number, file);
    }
    const int error = result == 0 ? 0 : errno;
    oplog_sync(OPLOG_SYNC_END, target.file, target.path, error);
    return result == 0 ? 0 : failed(error);
}

EXPORT int fsync(int file) {
    return sync_file(file, SYS_fsync);
}

EXPORT int fdatasync(int file) {
    return sync_file(file, SYS_fdatasync);
}

/* ---- size ---- */

static int truncate_file(int file, off_t size) {
    struct target target;
    const bool inside = by_file(file, &target);
    if (inside && strike(CALL_TRUNCATE, &target) != 0) {
        return -1;
    }
    const int result = (int)syscall(SYS_ftruncate, file, size);
    if (inside && result == 0) {
        oplog_size(OPLOG_TRUNCATE, target.file, (uint64_t)size);
    }
    return result;
}

EXPORT int ftruncate(int file, off_t size) {
    return truncate_file(file, size);
}

EXPORT int ftruncate64(int file, off_t size) {
    return truncate_file(file, size);
}

static int truncate_path(const char *path, off_t size) {
    const int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
    if (file < 0) {
        return -1;
    }
    const int result = truncate_file(file, size);
    const int error = errno;
    close(file);
    errno = error;
    return result;
}

EXPORT int truncate(const char *path, off_t size) {
    return truncate_path(path, size);
}

EXPORT int truncate64(const char *path, off_t size) {
    return truncate_path(path, size);
}

static int allocate(int file, int mode, off_t offset, off_t size) {
    struct target target;
    const bool inside = by_file(file, &target);
    if (inside && strike(CALL_ALLOCATE, &target) != 0) {
        return -1;
    }
    const int result = (int)syscall(SYS_fallocate, file, mode, offset, size);
    if (inside && result == 0 && mode == 0) {
        oplog_size(OPLOG_EXTEND, target.file, (uint64_t)(offset + size));
    } else if (inside && result == 0 && (mode & FALLOC_FL_KEEP_SIZE) == 0) {
        oplog_name(OPLOG_UNTRACKED, target.file, target.path, "");
    } else if (inside && result == 0 && (mode & FALLOC_FL_PUNCH_HOLE) != 0) {
        oplog_name(OPLOG_UNTRACKED, target.file, target.path, "");
    }
    return result;
}

EXPORT int fallocate(int file, int mode, off_t offset, off_t size) {
    return allocate(file, mode, offset, size);
}

EXPORT int fallocate64(int file, int mode, off_t offset, off_t size) {
    return allocate(file, mode, offset, size);
}

EXPORT int posix_fallocate(int file, off_t offset, off_t size) {
    return allocate(file, 0, offset, size) == 0 ? 0 : errno;
}

EXPORT int posix_fallocate64(int file, off_t offset, off_t size) {
    return posix_fallocate(file, offset, size);
}

/* ---- names ---- */

static int rename_path(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    struct target source;
    struct target target;
    const bool leaves = by_path(from_at, from, &source);
    const bool arrives = by_path(to_at, to, &target);
    if ((leaves && strike(CALL_RENAME, &source) != 0) || (arrives && strike(CALL_RENAME, &target) != 0)) {
        return -1;
    }
    const int result = (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
    if (result != 0) {
        return result;
    }
    if (leaves && arrives && flags == 0) {
        oplog_name(OPLOG_RENAME, source.file, source.path, target.path);
    } else if (leaves && !arrives) {
        oplog_name(OPLOG_UNLINK, source.file, source.path, "");
    } else if (leaves || arrives) {
        oplog_name(OPLOG_UNTRACKED, source.file, target.path, "");
    }
    return result;
}

EXPORT int rename(const char *from, const char *to) {
    return rename_path(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int renameat(int from_at, const char *from, int to_at, const char *to) {
    return rename_path(from_at, from, to_at, to, 0);
}

EXPORT int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    return rename_path(from_at, from, to_at, to, flags);
}

static int unlink_path(int at, const char *path, int flags) {
    struct target target;
    const bool inside = by_path(at, path, &target);
    if (inside && strike(CALL_UNLINK, &target) != 0) {
        return -1;
    }
    const int result = (int)syscall(SYS_unlinkat, at, path, flags);
    if (inside && result == 0) {
        oplog_name(OPLOG_UNLINK, target.file, target.path, "");
    }
    return result;
}

EXPORT int unlink(const char *path) {
    return unlink_path(AT_FDCWD, path, 0);
}

EXPORT int unlinkat(int at, const char *path, int flags) {
    return unlink_path(at, path, flags);
}

EXPORT int rmdir(const char *path) {
    return unlink_path(AT_FDCWD, path, AT_REMOVEDIR);
}

static int link_path(int from_at, const char *from, int to_at, const char *to, int flags) {
    struct target source;
    struct target target;
    const bool known = by_path(from_at, from, &source);
    const bool arrives = by_path(to_at, to, &target);
    if (arrives && strike(CALL_CREATE, &target) != 0) {
        return -1;
    }
    const int result = (int)syscall(SYS_linkat, from_at, from, to_at, to, flags);
    if (arrives && result == 0) {
        oplog_name(known ? OPLOG_LINK : OPLOG_UNTRACKED, source.file, known ? source.path : target.path,
                   known ? target.path : "");
    }
    return result;
}

EXPORT int link(const char *from, const char *to) {
    return link_path(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int linkat(int from_at, const char *from, int to_at, const char *to, int flags) {
    return link_path(from_at, from, to_at, to, flags);
}

static int make_directory(int at, const char *path, mode_t mode) {
    struct target target;
    const bool inside = by_path(at, path, &target);
    if (inside && !target.exists && strike(CALL_CREATE, &target) != 0) {
        return -1;
    }
    const int result = (int)syscall(SYS_mkdirat, at, path, mode);
    if (inside && result == 0 && by_path(at, path, &target)) {
        oplog_name(OPLOG_MKDIR, target.file, target.path, "");
    }
    return result;
}

EXPORT int mkdir(const char *path, mode_t mode) {
    return make_directory(AT_FDCWD, path, mode);
}

EXPORT int mkdirat(int at, const char *path, mode_t mode) {
    return make_directory(at, path, mode);
}

/* ---- what is seen but not followed ---- */

static void untracked(int file) {
    struct target target;
    if (by_file(file, &target)) {
        oplog_name(OPLOG_UNTRACKED, target.file, target.path, "");
    }
}

static void *map(void *address, size_t size, int protection, int flags, int file, off_t offset) {
    if (file >= 0 && (protection & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0) {
        untracked(file);
    }
    return (void *)syscall(SYS_mmap, address, size, protection, flags, file, offset);
}

EXPORT void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset) {
    return map(address, size, protection, flags, file, offset);
}

EXPORT void *mmap64(void *address, size_t size, int protection, int flags, int file, off_t offset) {
    return map(address, size, protection, flags, file, offset);
}

EXPORT ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t size, unsigned flags) {
    untracked(to);
    return syscall(SYS_copy_file_range, from, from_at, to, to_at, size, flags);
}

EXPORT ssize_t sendfile(int to, int from, off_t *offset, size_t size) {
    untracked(to);
    return syscall(SYS_sendfile, to, from, offset, size);
}

EXPORT ssize_t sendfile64(int to, int from, off64_t *offset, size_t size) {
    untracked(to);
    return syscall(SYS_sendfile, to, from, offset, size);
}

/* ---- the wall clock ---- */

static void step(struct timespec *time) {
    const int64_t offset_ns = control_clock_offset_ns();
    if (offset_ns == 0) {
        return;
    }
    const int64_t now_ns = (int64_t)time->tv_sec * NS_PER_S + time->tv_nsec + offset_ns;
    time->tv_sec = now_ns / NS_PER_S;
    time->tv_nsec = now_ns % NS_PER_S;
}

EXPORT int clock_gettime(clockid_t clock, struct timespec *time) {
    ready();
    const int result = real_clock_gettime(clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        step(time);
    }
    return result;
}

EXPORT int gettimeofday(struct timeval *restrict value, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *value = (struct timeval){now.tv_sec, now.tv_nsec / NS_PER_US};
    return 0;
}

EXPORT time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result != NULL) {
        *result = now.tv_sec;
    }
    return now.tv_sec;
}
