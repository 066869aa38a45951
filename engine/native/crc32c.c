/* CRC-32C by the CPU's own instruction where it has one, else by a table; both give the same number. */
#include "crc32c.h"

#include <stdbool.h>
#include <string.h>

static const uint32_t polynomial = 0x82F63B78U;

static uint32_t by_table(uint32_t crc, const uint8_t *bytes, size_t size) {
    static uint32_t table[256];
    static bool ready;
    if (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) {
        /* Two threads may fill it at once: both write the same values. */
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t remainder = byte;
            for (int bit = 0; bit < 8; bit++) {
                remainder = (remainder >> 1) ^ ((remainder & 1U) != 0 ? polynomial : 0U);
            }
            __atomic_store_n(&table[byte], remainder, __ATOMIC_RELAXED);
        }
        __atomic_store_n(&ready, true, __ATOMIC_RELEASE);
    }
    for (size_t i = 0; i < size; i++) {
        crc = (crc >> 8) ^ table[(crc ^ bytes[i]) & 0xFFU];
    }
    return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *bytes, size_t size) {
    uint64_t wide = crc;
    for (; size >= 8; size -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; size > 0; size--, bytes++) {
        crc = __builtin_ia32_crc32qi(crc, *bytes);
    }
    return crc;
}
#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t size) {
#ifdef __x86_64__
    if (__builtin_cpu_supports("sse4.2")) {
        return ~by_instruction(~crc, data, size);
    }
#endif
    return ~by_table(~crc, data, size);
}
