/* CRC-32C (Castagnoli, RFC 3720 appendix B.4): what journal records and event entries are checked with. */
#ifndef VENUE_CRC32C_H
#define VENUE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* cffi-begin */
/* Continues from `crc` (0 to begin), so crc32c(crc32c(0, a), b) is the CRC of a followed by b. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);
/* cffi-end */

#endif
