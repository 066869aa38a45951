/* The functions of the libzmq that pyzmq has already loaded, found at run time.

   No header and no second libzmq are needed: sockets made in Python are used here. A socket handed to C is not touched
   by Python again. */
#ifndef VENUE_ZMQ_TABLE_H
#define VENUE_ZMQ_TABLE_H

#include <stddef.h>
#include <stdint.h>

enum { ZMQ_DONTWAIT = 1, ZMQ_SNDMORE = 2, ZMQ_POLLIN = 1 };

/* zmq.h of 4.3: 64 opaque bytes, aligned as a pointer. */
union zmq_message {
    unsigned char bytes[64];
    void *alignment;
};

struct zmq_poll_item {
    void *socket;
    int file;
    short events;
    short happened;
};

struct zmq_table {
    void (*version)(int *major, int *minor, int *patch);
    int (*msg_init)(union zmq_message *message);
    int (*msg_close)(union zmq_message *message);
    int (*msg_recv)(union zmq_message *message, void *socket, int flags);
    void *(*msg_data)(union zmq_message *message);
    size_t (*msg_size)(const union zmq_message *message);
    int (*msg_more)(const union zmq_message *message);
    int (*send)(void *socket, const void *data, size_t size, int flags);
    int (*poll)(struct zmq_poll_item *items, int count, long timeout_ms);
};

/* Filled by zmq_table_load, constant afterwards. */
extern struct zmq_table zmq;

/* cffi-begin */
/* Fills the table from the shared object at `path`, which must be loaded already; NULL, or what is wrong. */
const char *zmq_table_load(const char *path);
/* cffi-end */

#endif
