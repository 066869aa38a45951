/* The log of every change below the directory, in the order in which the changes became visible to other processes.

   A write is logged after it happened, a sync before it begins and after it returned: what the log calls durable is
   durable. One entry is one write(2) with O_APPEND, so that threads and processes can share the file. */
#ifndef VENUE_FAULT_OPLOG_H
#define VENUE_FAULT_OPLOG_H

#include <stdint.h>
#include <sys/uio.h>

enum oplog_kind {
    OPLOG_CREATE = 1,   /* path is a new, empty file */
    OPLOG_MKDIR = 2,    /* path is a new directory */
    OPLOG_WRITE = 3,    /* data at offset */
    OPLOG_ZEROS = 4,    /* size zeros at offset */
    OPLOG_TRUNCATE = 5, /* to size */
    OPLOG_EXTEND = 6,   /* to size, if it was shorter */
    OPLOG_SYNC_BEGIN = 7,
    OPLOG_SYNC_END = 8, /* of the same thread's SYNC_BEGIN of the file; result 0 or the error */
    OPLOG_RENAME = 9,   /* data is the new path */
    OPLOG_UNLINK = 10,
    OPLOG_LINK = 11,      /* data is the new path */
    OPLOG_UNTRACKED = 12, /* path is changed from now on by means that are not logged */
    OPLOG_CUT = 13,       /* the process dies now */
};

struct oplog_entry {
    uint32_t length; /* of this header, the path and the data */
    uint16_t kind;
    uint16_t path_size;
    uint64_t file; /* inode */
    uint64_t offset;
    uint64_t size;
    uint64_t time_ns; /* CLOCK_MONOTONIC */
    uint32_t thread;
    int32_t result;
};
_Static_assert(sizeof(struct oplog_entry) == 48, "laid out as tests/faults/shim/oplog.py reads it");

/* Opens the file named in VENUE_FAULT_LOG; aborts the process without one. */
void oplog_open(void);

void oplog_name(enum oplog_kind kind, uint64_t file, const char *path, const char *other);
void oplog_size(enum oplog_kind kind, uint64_t file, uint64_t size);
void oplog_sync(enum oplog_kind kind, uint64_t file, const char *path, int result);
void oplog_write(uint64_t file, uint64_t offset, const struct iovec *parts, int count, uint64_t size);
void oplog_cut(const char *path);

#endif
