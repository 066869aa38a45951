/* A bounded byte ring from one writing thread to one reading thread.

   The memory is mapped twice in a row, so that any run of up to `size` bytes is contiguous for both sides.
   Positions only grow; the writer never passes tail + size, the reader never passes head. */
#ifndef VENUE_RING_H
#define VENUE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
    uint8_t *memory;
    uint64_t size;
    _Alignas(64) uint64_t head; /* written by the writer: bytes before it may be read */
    _Alignas(64) uint64_t tail; /* written by the reader: bytes before it may be overwritten */
};

/* `size` is a power of two and a multiple of the page; false with errno when the memory can't be had. */
bool ring_init(struct ring *ring, uint64_t size);
void ring_free(struct ring *ring);

/* Writer: bytes that fit now; where they go (from the unpublished position `at`, at or after head); make them readable.
 */
uint64_t ring_space(const struct ring *ring, uint64_t at);
uint8_t *ring_at(const struct ring *ring, uint64_t at);
void ring_publish(struct ring *ring, uint64_t head);

/* Reader: how far it may read; give bytes before `tail` back. */
uint64_t ring_head(const struct ring *ring);
uint64_t ring_tail(const struct ring *ring);
void ring_release(struct ring *ring, uint64_t tail);

#endif
