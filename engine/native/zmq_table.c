/* Fills the table of libzmq's functions with dlsym; refuses a library that is not loaded, too old or incomplete. */
#define _GNU_SOURCE
#include "zmq_table.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

struct zmq_table zmq;

/* ISO C has no cast from object to function pointer; POSIX says that the bytes are the same. */
static bool find(void *library, const char *name, void *slot) {
    void *symbol = dlsym(library, name);
    memcpy(slot, &symbol, sizeof symbol);
    return symbol != NULL;
}

const char *zmq_table_load(const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    if (library == NULL) {
        return "this libzmq is not loaded in the process";
    }
    const bool complete =
        find(library, "zmq_version", &zmq.version) && find(library, "zmq_msg_init", &zmq.msg_init) &&
        find(library, "zmq_msg_close", &zmq.msg_close) && find(library, "zmq_msg_recv", &zmq.msg_recv) &&
        find(library, "zmq_msg_data", &zmq.msg_data) && find(library, "zmq_msg_size", &zmq.msg_size) &&
        find(library, "zmq_msg_more", &zmq.msg_more) && find(library, "zmq_send", &zmq.send) &&
        find(library, "zmq_poll", &zmq.poll);
    if (!complete) {
        return "libzmq lacks a function the engine needs";
    }
    int major = 0;
    int minor = 0;
    int patch = 0;
    zmq.version(&major, &minor, &patch);
    if (major != 4 || minor < 3) {
        return "libzmq 4.3 or a later 4.x is needed";
    }
    return NULL;
}
