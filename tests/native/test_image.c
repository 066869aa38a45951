/* Images of cores: what is written is read, at another address, and only as a whole. */
#define _GNU_SOURCE
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "expect.h"
#include "venue.h"

enum { CRC_BEFORE = 77 };

struct image {
    uint8_t *bytes;
    uint64_t size;
};

static struct image image_of(const struct core *core) {
    const int file = memfd_create("image", MFD_CLOEXEC);
    struct image image = {0};
    EXPECT(file >= 0);
    const int64_t written = image_write(core, file, CRC_BEFORE);
    EXPECT(written > 0);
    image.size = (uint64_t)written;
    image.bytes = malloc(image.size);
    EXPECT(image.bytes != NULL && pread(file, image.bytes, image.size, 0) == written);
    EXPECT(close(file) == 0);
    return image;
}

static struct venue busy(void) {
    struct venue venue = venue_open();
    venue_credit(&venue, ALICE, USD, INT64_C(1) << 40);
    venue_credit(&venue, BOB, BTC, INT64_C(1) << 40);
    for (int64_t i = 0; i < 40; i++) {
        venue_limit(&venue, i % 2 == 0 ? ALICE : BOB, (uint8_t)(1 + i % 2), i % 3 == 0 ? 100 : 90 + i % 21, 5);
    }
    return venue;
}

static struct core *fresh_like(const struct core *core) {
    const struct core_capacity capacity = core_capacity(core);
    struct core *other = core_new(&capacity);
    EXPECT(other != NULL && core_layout(other) == core_layout(core));
    return other;
}

static void what_is_written_is_read(void) {
    struct venue venue = busy();
    const struct image image = image_of(venue.core);
    struct core *other = fresh_like(venue.core);
    uint64_t ours[2];
    uint64_t theirs[2];
    EXPECT(image_damage(image.bytes, image.size, CRC_BEFORE) == -1);
    EXPECT(image_read(other, image.bytes, image.size, CRC_BEFORE));
    core_hash(venue.core, ours);
    core_hash(other, theirs);
    EXPECT(same_hash(ours, theirs) && core_audit(other) == 0);
    EXPECT(core_event_sequence(other) == core_event_sequence(venue.core));
    struct core *mine = venue.core;
    venue.core = other; /* goes on with the image */
    venue_limit(&venue, ALICE, 1, 120, 3);
    EXPECT(core_audit(venue.core) == 0);
    core_free(mine);
    venue_close(&venue);
    free(image.bytes);
}

static void every_flipped_byte_is_noticed(void) {
    struct venue venue = busy();
    const struct image image = image_of(venue.core);
    struct core *other = fresh_like(venue.core);
    struct core *untouched = fresh_like(venue.core);
    uint64_t empty[2];
    uint64_t found[2];
    core_hash(untouched, empty);
    for (uint64_t at = 0; at < image.size; at += 1 + image.size / 300) {
        image.bytes[at] ^= 0x20;
        EXPECT(image_damage(image.bytes, image.size, CRC_BEFORE) >= 0);
        EXPECT(!image_read(other, image.bytes, image.size, CRC_BEFORE));
        EXPECT(!image_read(other, image.bytes, at, CRC_BEFORE));
        core_hash(other, found);
        EXPECT(same_hash(empty, found));
        image.bytes[at] ^= 0x20;
    }
    EXPECT(!image_read(other, image.bytes, image.size, CRC_BEFORE + 1));
    EXPECT(image_read(other, image.bytes, image.size, CRC_BEFORE));
    core_free(other);
    core_free(untouched);
    venue_close(&venue);
    free(image.bytes);
}

static void other_pools_are_another_layout(void) {
    struct venue venue = busy();
    const struct image image = image_of(venue.core);
    struct core_capacity capacity = core_capacity(venue.core);
    capacity.trades++;
    struct core *other = core_new(&capacity);
    EXPECT(other != NULL && core_layout(other) != core_layout(venue.core));
    EXPECT(!image_read(other, image.bytes, image.size, CRC_BEFORE) && core_event_sequence(other) == 0);
    core_free(other);
    venue_close(&venue);
    free(image.bytes);
}

static void a_disk_without_room_is_an_error(void) {
    struct venue venue = busy();
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    EXPECT(full >= 0 && image_write(venue.core, full, 0) == -1 && errno == ENOSPC);
    EXPECT(close(full) == 0);
    venue_close(&venue);
}

int main(void) {
    RUN(what_is_written_is_read);
    RUN(every_flipped_byte_is_noticed);
    RUN(other_pools_are_another_layout);
    RUN(a_disk_without_room_is_an_error);
    return 0;
}
