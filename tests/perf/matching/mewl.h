/* The workload file's format: commands of a neutral matching-engine workload, the same for every engine that runs it.

   Little endian, no padding: a header of 128 bytes, then n_total commands of 32 bytes, of which the first n_prefill
   build the starting book and are not timed. What every driver must do (price-time priority, maker's price):
     ADD      a new order; oids are dense from 1 and never used again. It matches while it crosses; what is left rests
              (GTC) or goes (IOC).
     CANCEL   takes a resting order out; nothing when it does not rest.
     REPLACE  a resting order gets this price and open quantity under the same oid, goes to the back of the level and
              may trade as taker; nothing when it does not rest.
     REDUCE   open quantity less qty, priority kept; at 0 the order is gone.
     EXECUTE  of book building files only.
   Folding every fill in order with mewl_mix gives trade_hash: so a driver proves that it did the work. */
#ifndef MEWL_H
#define MEWL_H

#include <stdint.h>

#define MEWL_MAGIC UINT64_C(0x31304C57454D454D)

enum { OP_ADD = 1, OP_CANCEL = 2, OP_REPLACE = 3, OP_REDUCE = 4, OP_EXECUTE = 5 };
enum { TIF_GTC = 0, TIF_IOC = 1, TIF_FOK = 2 };

typedef struct {
    uint64_t oid;
    int32_t price; /* ticks, above 0 */
    uint32_t qty;
    uint32_t sym; /* 0..nsym-1 */
    uint8_t op;
    uint8_t side; /* 0 buy, 1 sell; of every command */
    uint8_t tif;
    uint8_t flags; /* bit 0: prefill */
    uint32_t user; /* account 1..1000 */
    uint32_t aux;
} mewl_cmd;

typedef struct {
    uint64_t magic;
    uint32_t version, rec_size;
    uint64_t n_total, n_prefill;
    uint32_t nsym, max_oid;
    int32_t pmin, pmax;
    uint64_t seed;
    uint64_t n_trades, trade_qty, trade_hash; /* of the whole file, prefill too */
    uint64_t resting_end, peak_resting;
    uint64_t peak_levels_side;
    uint64_t msgs_trading; /* timed commands with a trade */
    char name[16];
} mewl_hdr;

static inline uint64_t mewl_mix(uint64_t hash, uint64_t maker, uint64_t taker, uint64_t price, uint64_t qty) {
    hash ^= maker ^ (taker << 21 | taker >> 43) ^ (price << 40) ^ (qty << 13);
    hash *= UINT64_C(0x9E3779B97F4A7C15);
    hash ^= hash >> 29;
    return hash;
}

#endif
