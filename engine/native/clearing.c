/* The walk: both sides are consumed from their best prices inwards, and then looked at around where they meet. */
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

/* The highest tick with more to buy than to sell; it may be one below the lowest offer.

   Both sides are taken from their best level inwards, always the side that has less so far, until what comes next
   would not trade: only levels that trade are visited, and one more on each side. */
static struct interest turning_point(const struct crossed_book *book) {
    uint32_t bid = book->bids->best_tick;
    uint32_t offer = book->offers->best_tick;
    int64_t bid_lots = lots_at(book, book->bids, bid);
    int64_t offer_lots = lots_at(book, book->offers, offer);
    for (;;) {
        const uint32_t next_bid = bid_lots <= offer_lots ? ladder_below(book->pages, book->bids, bid) : bid;
        const uint32_t next_offer = offer_lots <= bid_lots ? ladder_above(book->pages, book->offers, offer) : offer;
        const int64_t more_bids = next_bid != bid ? lots_at(book, book->bids, next_bid) : 0;
        if (next_offer == 0 || next_bid < next_offer) {
            const uint32_t tick = next_bid >= offer ? next_bid : offer - 1;
            return (struct interest){
                .tick = tick,
                .bid_lots = bid_lots + (next_bid == tick ? more_bids : 0),
                .offer_lots = tick < offer ? offer_lots - lots_at(book, book->offers, offer) : offer_lots,
            };
        }
        if (next_offer != offer) {
            offer_lots += lots_at(book, book->offers, next_offer);
        }
        bid_lots += more_bids;
        bid = next_bid;
        offer = next_offer;
    }
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
