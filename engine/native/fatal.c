/* The last words of the process, written to stderr as one JSON line. */
#define _GNU_SOURCE
#include "fatal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Noreturn void fatal(const char *what) {
    dprintf(STDERR_FILENO,
            "{\"level\": \"critical\", \"event\": \"%s\", \"component\": \"engine\", \"reason\": \"%s\"}\n", what,
            strerror(errno));
    _exit(1);
}

_Noreturn void fatal_file(const char *what, int file) {
    const int cause = errno;
    char link[32];
    char path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    const ssize_t size = readlink(link, path, sizeof path - 1);
    path[size < 0 ? 0 : size] = 0;
    dprintf(STDERR_FILENO,
            "{\"level\": \"critical\", \"event\": \"%s\", \"component\": \"engine\", \"file\": \"%s\", \"errno\": %d, "
            "\"reason\": \"%s\"}\n",
            what, path, cause, strerror(cause));
    _exit(FATAL_EXIT_DISK);
}
