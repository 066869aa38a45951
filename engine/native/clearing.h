/* The price of a call auction, found from the two sides of a book as they stand.

   It maximises the volume, then leaves the least surplus, then follows the pressure, then the guide price
   (docs/ENGINE.md section 7). */
#ifndef VENUE_CLEARING_H
#define VENUE_CLEARING_H

#include <stdint.h>

#include "instrument.h"
#include "level.h"

/* What the price is made from. */
struct crossed_book {
    const struct page_pool *pages;
    const struct ladder *bids;
    const struct ladder *offers;
    const struct instrument *instrument;
};

/* All 0 when nothing would trade; `guide` is 0 when there is none.

   Bound: every page of 64 ticks that trades at the price is added up once, then one page is walked tick by tick; empty
   pages, and those too far from the other side to trade, are never visited. A page takes some 20 ns from
   the cache, 200 ns from memory. */
struct indicative clearing_price(const struct crossed_book *book, uint32_t guide);

#endif
