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
