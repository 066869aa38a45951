/* The walk: both sides are taken page by page from their best prices inwards, then tick by tick in the page in which
   they meet. */
#include "clearing.h"

#include "tick.h"
#include "venue_assert.h"

static bool occupied(const struct crossed_book *book, const struct ladder *ladder, uint32_t tick) {
    const uint32_t page = ladder->page[tick / LEVELS_PER_PAGE];
    return (book->pages->occupied[page] >> (tick % LEVELS_PER_PAGE) & 1) != 0; /* page 0 stays empty */
}

static int64_t lots_at(const struct crossed_book *book, const struct ladder *ladder, uint32_t tick) {
    return occupied(book, ladder, tick) ? ladder_level(book->pages, ladder, tick)->quantity_lots : 0;
}

/* The nearest occupied tick at or below, or at or above; 0 when there is none. */
static uint32_t occupied_at_or_below(const struct crossed_book *book, const struct ladder *ladder, uint32_t tick) {
    return occupied(book, ladder, tick) ? tick : ladder_below(book->pages, ladder, tick);
}

static uint32_t occupied_at_or_above(const struct crossed_book *book, const struct ladder *ladder, uint32_t tick) {
    return tick == 0 ? ladder_above(book->pages, ladder, 0) : ladder_above(book->pages, ladder, tick - 1);
}

/* What would buy and what would sell at a price. */
struct interest {
    uint32_t tick;
    int64_t bid_lots;
    int64_t offer_lots;
};

static int64_t volume_of(struct interest interest) {
    return interest.bid_lots < interest.offer_lots ? interest.bid_lots : interest.offer_lots;
}

static int64_t surplus_of(struct interest interest) {
    return interest.bid_lots - interest.offer_lots;
}

/* The same at the nearest candidate below: no order stands between. */
static struct interest interest_below(const struct crossed_book *book, struct interest from, uint32_t tick) {
    if (tick < from.tick) {
        from.bid_lots += lots_at(book, book->bids, tick);
    }
    from.tick = tick;
    return from;
}

/* The same at the nearest candidate above. */
static struct interest interest_above(const struct crossed_book *book, struct interest from, uint32_t tick) {
    from.bid_lots -= lots_at(book, book->bids, from.tick);
    from.offer_lots += lots_at(book, book->offers, tick);
    from.tick = tick;
    return from;
}

/* The nearest candidate at or below a tick, 0 when there is none; at or above one, TICK_MAX + 1 when there is none. */
static uint32_t candidate_at_or_below(const struct crossed_book *book, uint32_t tick) {
    const uint32_t bid = occupied_at_or_below(book, book->bids, tick);
    const uint32_t offer = occupied_at_or_below(book, book->offers, tick);
    const uint32_t order = bid > offer ? bid : offer;
    const uint32_t on_tick = tick_at_or_below(book->instrument, tick);
    return order > on_tick ? order : on_tick;
}

static uint32_t candidate_at_or_above(const struct crossed_book *book, uint32_t tick) {
    const uint32_t bid = occupied_at_or_above(book, book->bids, tick);
    const uint32_t offer = occupied_at_or_above(book, book->offers, tick);
    uint32_t candidate = tick_at_or_above(book->instrument, tick);
    candidate = bid != 0 && bid < candidate ? bid : candidate;
    return offer != 0 && offer < candidate ? offer : candidate;
}

static uint32_t page_of(uint32_t tick) {
    return tick / LEVELS_PER_PAGE;
}

static uint32_t first_tick(uint32_t page) {
    return page * LEVELS_PER_PAGE;
}

static uint32_t last_tick(uint32_t page) {
    return first_tick(page) + LEVELS_PER_PAGE - 1;
}

/* Leaves in a page of a side; empty levels are all zero, so all are added without a look at which are occupied. */
static int64_t page_lots(const struct crossed_book *book, const struct ladder *ladder, uint32_t page) {
    int64_t lots = 0;
    if (ladder->page[page] != 0) {
        const struct level *levels = book->pages->pages[ladder->page[page]].levels;
        for (uint32_t i = 0; i < LEVELS_PER_PAGE; i++) {
            lots += levels[i].quantity_lots;
        }
    }
    return lots;
}

/* The page in which the sides meet: bids of the pages above it and offers of those below it. */
struct meeting {
    uint32_t page;
    int64_t bid_lots;
    int64_t offer_lots;
};

/* Both sides are taken from their best page inwards, always the side that has less with its present page.

   With bids B of the pages down to one and offers A of the pages up to another below it: if B <= A no tick of the
   bids' page has more to buy than to sell, for at each of them at most B would buy and at least A sell; otherwise all
   ticks of the offers' page have. So a page is left only when the turning point is not in it. */
static struct meeting meet(const struct crossed_book *book) {
    uint32_t bid_page = page_of(book->bids->best_tick);
    uint32_t offer_page = page_of(book->offers->best_tick);
    struct meeting meeting = {.page = bid_page};
    int64_t bid_lots = page_lots(book, book->bids, bid_page);
    int64_t offer_lots = page_lots(book, book->offers, offer_page);
    while (bid_page > offer_page) {
        if (meeting.bid_lots + bid_lots <= meeting.offer_lots + offer_lots) {
            const uint32_t next = page_of(ladder_below(book->pages, book->bids, first_tick(bid_page)));
            meeting.bid_lots += bid_lots;
            bid_page = next > offer_page ? next : offer_page;
            bid_lots = page_lots(book, book->bids, bid_page);
            meeting.page = bid_page;
        } else {
            const uint32_t next = ladder_above(book->pages, book->offers, last_tick(offer_page));
            meeting.offer_lots += offer_lots;
            offer_page = next != 0 && page_of(next) < bid_page ? page_of(next) : bid_page;
            offer_lots = page_lots(book, book->offers, offer_page);
        }
    }
    return meeting;
}

/* The highest tick with more to buy than to sell; it may be one below the page in which the sides meet. */
static struct interest turning_point(const struct crossed_book *book) {
    const struct meeting meeting = meet(book);
    struct interest interest = {
        .tick = last_tick(meeting.page),
        .bid_lots = meeting.bid_lots + lots_at(book, book->bids, last_tick(meeting.page)),
        .offer_lots = meeting.offer_lots + page_lots(book, book->offers, meeting.page),
    };
    while (interest.bid_lots <= interest.offer_lots && interest.tick >= first_tick(meeting.page) && interest.tick > 0) {
        interest.offer_lots -= lots_at(book, book->offers, interest.tick);
        interest.tick--;
        interest.bid_lots += lots_at(book, book->bids, interest.tick);
    }
    return interest;
}

/* The lowest tick down to which buy and sell interest are as at this one. */
static uint32_t alike_down_to(const struct crossed_book *book, uint32_t tick) {
    const uint32_t offer = occupied_at_or_below(book, book->offers, tick);
    const uint32_t bid = ladder_below(book->pages, book->bids, tick);
    return offer > bid ? offer : bid + 1;
}

/* The highest tick up to which buy and sell interest are as at this one. */
static uint32_t alike_up_to(const struct crossed_book *book, uint32_t tick) {
    const uint32_t bid = occupied_at_or_above(book, book->bids, tick);
    const uint32_t offer = ladder_above(book->pages, book->offers, tick);
    return offer != 0 && offer <= bid ? offer - 1 : bid;
}

/* The candidate of `low`..`high` nearest to the guide price: the higher of two, the lowest without a guide. */
static uint32_t nearest_to_guide(const struct crossed_book *book, uint32_t low, uint32_t high, uint32_t guide) {
    if (guide <= low) {
        return candidate_at_or_above(book, low);
    }
    if (guide >= high) {
        return candidate_at_or_below(book, high);
    }
    const uint32_t below = candidate_at_or_below(book, guide);
    const uint32_t above = candidate_at_or_above(book, guide);
    if (above > high) {
        return below;
    }
    return below < low || above - guide <= guide - below ? above : below;
}

static struct indicative priced(uint32_t tick, struct interest interest) {
    return (struct indicative){
        .price_ticks = tick, .volume_lots = volume_of(interest), .surplus_lots = surplus_of(interest)};
}

struct indicative clearing_price(const struct crossed_book *book, uint32_t guide) {
    const uint32_t lowest_offer = book->offers->best_tick;
    const uint32_t highest_bid = book->bids->best_tick;
    if (lowest_offer == 0 || highest_bid < lowest_offer) {
        return (struct indicative){0};
    }
    const struct interest turn = turning_point(book);
    const uint32_t below = candidate_at_or_below(book, turn.tick);
    const uint32_t above = candidate_at_or_above(book, turn.tick + 1);
    struct interest lower = {0};
    struct interest upper = {0};
    if (below >= lowest_offer) {
        lower = interest_below(book, turn, below);
    }
    if (above <= highest_bid) {
        upper = interest_above(book, turn, above);
    }
    const int64_t lower_volume = volume_of(lower);
    const int64_t upper_volume = volume_of(upper);
    const int64_t lower_surplus = surplus_of(lower);
    const int64_t upper_surplus = surplus_of(upper);
    if (lower_volume > upper_volume || (lower_volume == upper_volume && lower_surplus < -upper_surplus)) {
        return priced(below, lower);
    }
    uint32_t tick = above;
    if (lower_volume == upper_volume && lower_surplus == -upper_surplus) {
        tick = nearest_to_guide(book, alike_down_to(book, below), alike_up_to(book, above), guide);
    } else if (upper_surplus == 0) {
        tick = nearest_to_guide(book, above, alike_up_to(book, above), guide);
    }
    return priced(tick, tick <= turn.tick ? lower : upper);
}
