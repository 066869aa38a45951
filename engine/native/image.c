/* Images of cores: the values of struct core, then every run of pages of the arena that holds anything but zeros. */
#define _GNU_SOURCE
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "arena.h"
#include "crc32c.h"
#include "mix.h"
#include "pace.h"
#include "state.h"

/* What build.py makes of the text of the records; 0 in a build by hand. */
#ifndef VENUE_LAYOUT
#define VENUE_LAYOUT 0
#endif

enum {
    IMAGE_VERSION = 1,
    PAGE = 4096,
    CHUNK_PAGES = 256,
    PAGES_PER_LOOK = 512,
    CORE_WORDS = sizeof(struct core) / sizeof(uint64_t),
    CORE_BYTES = (sizeof(struct core) + 63) / 64 * 64 /* what it takes of the arena */
};
_Static_assert(sizeof(struct core) % sizeof(uint64_t) == 0, "struct core is whole words");

struct chunk_head {
    uint64_t offset; /* in the arena; END for the last, which has no bytes */
    uint32_t size;
    uint32_t crc32c; /* of the bytes; of all heads before it in the last one */
};
_Static_assert(sizeof(struct chunk_head) == 16, "chunk head is 16 bytes");
static const uint64_t END = UINT64_MAX;

/* struct core as words, so that where it holds pointers can be told. */
union words {
    struct core core;
    uint64_t words[CORE_WORDS];
};

/* Words that differ between the two are pointers into the arena. */
struct layout {
    union words without_memory;
    union words with_memory;
    uint64_t used;
};

static void measure(struct layout *layout, const struct core *core) {
    struct arena nowhere = {0};
    struct arena memory = {.base = core->arena.base, .size = core->arena.size};
    memset(layout, 0, sizeof *layout);
    (void)arena_take(&nowhere, 1, sizeof(struct core));
    (void)arena_take(&memory, 1, sizeof(struct core));
    core_lay_out(&layout->without_memory.core, &nowhere, &core->capacity);
    core_lay_out(&layout->with_memory.core, &memory, &core->capacity);
    layout->used = memory.used;
}

static bool is_pointer(const struct layout *layout, size_t word) {
    return layout->without_memory.words[word] != layout->with_memory.words[word];
}

uint64_t core_layout(const struct core *core) {
    struct layout layout;
    measure(&layout, core);
    uint64_t digest = mix_finish((uint64_t)IMAGE_VERSION << 32 | RULES_VERSION);
    digest = mix_finish(digest ^ (uint64_t)VENUE_LAYOUT);
    digest = mix_finish(digest ^ sizeof(struct core));
    digest = mix_finish(digest ^ layout.used);
    for (size_t word = 0; word < CORE_WORDS; word++) {
        if (is_pointer(&layout, word)) {
            digest = mix_finish(digest ^ word);
            digest = mix_finish(digest ^ (layout.with_memory.words[word] - (uintptr_t)core->arena.base));
        }
    }
    return digest;
}

struct core_capacity core_capacity(const struct core *core) {
    return core->capacity;
}

/* ---- writing ---- */

struct writer {
    const struct core *core;
    int file;
    int pagemap; /* -1: every page is looked at */
    uint32_t crc;
    uint64_t written;
    uint64_t queued;
};

static bool write_parts(struct writer *writer, struct iovec *parts, int count) {
    while (count > 0) {
        const ssize_t done = writev(writer->file, parts, count);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            errno = done == 0 ? ENOSPC : errno;
            return false;
        }
        writer->written += (uint64_t)done;
        writer->queued += (uint64_t)done;
        size_t left = (size_t)done;
        for (; count > 0 && left >= parts->iov_len; parts++, count--) {
            left -= parts->iov_len;
        }
        if (count > 0) {
            parts->iov_base = (uint8_t *)parts->iov_base + left;
            parts->iov_len -= left;
        }
    }
    return true;
}

static void wait_for_disk(struct writer *writer) {
    if (writer->queued >= PACE_BYTES) {
        pace_range(writer->file, 0, 0); /* to the end of the file */
        writer->queued = 0;
    }
}

static bool write_chunk(struct writer *writer, uint64_t offset, const void *bytes, uint32_t size) {
    struct chunk_head head = {.offset = offset, .size = size, .crc32c = crc32c(0, bytes, size)};
    struct iovec parts[2] = {{&head, sizeof head}, {(void *)(uintptr_t)bytes, size}};
    writer->crc = crc32c(writer->crc, &head, sizeof head);
    wait_for_disk(writer);
    return write_parts(writer, parts, 2);
}

static bool write_values(struct writer *writer) {
    struct layout layout;
    union words values;
    measure(&layout, writer->core);
    memcpy(&values.core, writer->core, sizeof values.core);
    for (size_t word = 0; word < CORE_WORDS; word++) {
        values.words[word] = is_pointer(&layout, word) ? 0 : values.words[word];
    }
    values.core.arena = (struct arena){0};
    values.core.events.start = NULL;
    values.core.events.cursor = NULL;
    values.core.events.end = NULL;
    values.core.events.last = NULL;
    return write_chunk(writer, 0, &values, sizeof values);
}

static bool zeros(const uint8_t *bytes, size_t size) {
    uint64_t found = 0;
    for (size_t at = 0; at < size; at += sizeof found) {
        uint64_t word;
        memcpy(&word, bytes + at, sizeof word);
        found |= word;
    }
    return found == 0;
}

/* Which of the pages from `start` on were ever touched: looking at the others would cost a page fault each. */
static void look(const struct writer *writer, const uint8_t *start, size_t pages, bool *touched) {
    enum { PRESENT = 63, SWAPPED = 62 };
    uint64_t entries[PAGES_PER_LOOK];
    const size_t size = pages * sizeof *entries;
    const off_t place = (off_t)((uintptr_t)start / PAGE * sizeof *entries);
    const bool known = writer->pagemap >= 0 && pread(writer->pagemap, entries, size, place) == (ssize_t)size;
    for (size_t i = 0; i < pages; i++) {
        touched[i] = !known || (entries[i] >> PRESENT & 1) != 0 || (entries[i] >> SWAPPED & 1) != 0;
    }
}

/* Writes what is not zero of up to PAGES_PER_LOOK pages; the first begins at `offset` if that is inside it. */
static bool write_pages(struct writer *writer, uint64_t offset, uint64_t end) {
    const uint8_t *base = writer->core->arena.base;
    const uint64_t first = offset / PAGE;
    const size_t pages = (size_t)((end + PAGE - 1) / PAGE - first);
    bool touched[PAGES_PER_LOOK];
    uint64_t begun = offset; /* of the run at hand, which ends at `at` */
    uint64_t at = offset;
    look(writer, base + first * PAGE, pages, touched);
    for (size_t i = 0; i < pages; i++) {
        const uint64_t next = (first + i + 1) * PAGE < end ? (first + i + 1) * PAGE : end;
        const bool something = touched[i] && !zeros(base + at, (size_t)(next - at));
        if (begun < at && (!something || at - begun >= (uint64_t)CHUNK_PAGES * PAGE)) {
            if (!write_chunk(writer, begun, base + begun, (uint32_t)(at - begun))) {
                return false;
            }
            begun = at;
        }
        begun = something ? begun : next;
        at = next;
    }
    return begun == at || write_chunk(writer, begun, base + begun, (uint32_t)(at - begun));
}

static bool write_arena(struct writer *writer) {
    const uint64_t used = writer->core->arena.size;
    for (uint64_t at = CORE_BYTES; at < used;) {
        const uint64_t looked = (at / PAGE + PAGES_PER_LOOK) * PAGE;
        const uint64_t end = looked < used ? looked : used;
        if (!write_pages(writer, at, end)) {
            return false;
        }
        at = end;
    }
    return true;
}

int64_t image_write(const struct core *core, int file, uint32_t crc) {
    struct writer writer = {.core = core, .file = file, .crc = crc};
    writer.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    bool good = write_values(&writer) && write_arena(&writer);
    if (good) {
        struct chunk_head last = {.offset = END, .crc32c = writer.crc};
        struct iovec part = {&last, sizeof last};
        good = write_parts(&writer, &part, 1);
    }
    const int cause = errno;
    if (writer.pagemap >= 0) {
        close(writer.pagemap);
    }
    errno = cause;
    return good ? (int64_t)writer.written : -1;
}

/* ---- reading ---- */

struct reader {
    const uint8_t *image;
    uint64_t size;
    uint64_t at; /* of the next head; of the damage, once there is any */
    uint32_t crc;
    bool ended; /* the last head has been read */
};

/* The next chunk's head and bytes; NULL at the end and at damage, which `ended` tells apart. */
static const uint8_t *next_chunk(struct reader *reader, struct chunk_head *head) {
    if (reader->size - reader->at < sizeof *head) {
        return NULL;
    }
    memcpy(head, reader->image + reader->at, sizeof *head);
    if (head->offset == END) {
        reader->ended = head->size == 0 && head->crc32c == reader->crc && reader->size - reader->at == sizeof *head;
        return NULL;
    }
    const uint8_t *bytes = reader->image + reader->at + sizeof *head;
    if (head->size > reader->size - reader->at - sizeof *head || crc32c(0, bytes, head->size) != head->crc32c) {
        return NULL;
    }
    reader->crc = crc32c(reader->crc, head, sizeof *head);
    reader->at += sizeof *head + head->size;
    return bytes;
}

int64_t image_damage(const uint8_t *image, uint64_t size, uint32_t crc) {
    struct reader reader = {.image = image, .size = size, .crc = crc};
    struct chunk_head head;
    while (next_chunk(&reader, &head) != NULL) {
    }
    return reader.ended ? -1 : (int64_t)reader.at;
}

static bool take_values(struct core *core, const struct chunk_head *head, const uint8_t *bytes) {
    struct layout layout;
    union words values;
    if (head->offset != 0 || head->size != sizeof values) {
        return false;
    }
    const struct arena arena = core->arena;
    const struct core_capacity capacity = core->capacity;
    memcpy(&values, bytes, sizeof values);
    if (memcmp(&values.core.capacity, &capacity, sizeof capacity) != 0) {
        return false;
    }
    measure(&layout, core);
    for (size_t word = 0; word < CORE_WORDS; word++) {
        values.words[word] = is_pointer(&layout, word) ? layout.with_memory.words[word] : values.words[word];
    }
    values.core.arena = arena;
    memcpy(core, &values.core, sizeof *core);
    return true;
}

static bool take_all(struct core *core, struct reader *reader) {
    struct chunk_head head;
    const uint8_t *bytes = next_chunk(reader, &head);
    if (bytes == NULL || !take_values(core, &head, bytes)) {
        return false;
    }
    while ((bytes = next_chunk(reader, &head)) != NULL) {
        if (head.offset < CORE_BYTES || head.offset > core->arena.size || head.size > core->arena.size - head.offset) {
            return false;
        }
        memcpy(core->arena.base + head.offset, bytes, head.size);
    }
    return reader->ended;
}

bool image_read(struct core *core, const uint8_t *image, uint64_t size, uint32_t crc) {
    struct reader reader = {.image = image, .size = size, .crc = crc};
    const struct arena arena = core->arena;
    const struct core_capacity capacity = core->capacity;
    const uint64_t seed = core->used.seed;
    arena_clear(&arena);
    core->arena = arena;
    core->capacity = capacity;
    if (take_all(core, &reader)) {
        return true;
    }
    core->used.seed = seed;
    core_reset(core);
    return false;
}
