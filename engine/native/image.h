/* The whole state of a core as bytes: written page by page, read into a core of the same layout at any address.

   Nothing is known here about records. Pointers stand in struct core alone and come only from laying out the arena, so
   a second layout tells where they are; everything else is copied. What is read is believed only after its checksums
   have been compared; the caller then compares the state hash and audits the core. */
#ifndef VENUE_IMAGE_H
#define VENUE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "api.h"

/* cffi-begin */
/* Differs between two cores when an image of one is not one of the other: other records, rules or capacities. */
uint64_t core_layout(const struct core *core);
struct core_capacity core_capacity(const struct core *core);

/* Between two commands: writes the image at the file's present position, in chunks that carry a CRC-32C each. The last
   one's covers `crc` (of whatever the caller wrote before) and all heads of chunks, and so everything. Returns bytes
   written, -1 with errno. Writes little by little, so that whoever shares the disk does not queue behind it. */
int64_t image_write(const struct core *core, int file, uint32_t crc);

/* Offset of the first byte that is damaged or missing in an image, -1 when it is whole; needs no core. */
int64_t image_damage(const uint8_t *image, uint64_t size, uint32_t crc);

/* The core becomes what was written. False when the image is damaged or of another layout: then the core is as new. */
bool image_read(struct core *core, const uint8_t *image, uint64_t size, uint32_t crc);
/* cffi-end */

#endif
