/* The end of a call auction: everyone trades at one price, then orders that were for auctions only leave.

   Both go on in slices with the book shut, so that the price of the first slice holds to the last. */
#include "clearing.h"
#include "match.h"
#include "phase.h"
#include "queue.h"

enum { TRADES_DIVISOR = 4 }; /* S / 4 trades fit a slice */

void auction_orders_lay_out(struct auction_orders *orders, struct arena *arena, uint32_t capacity,
                            uint32_t instruments) {
    orders->words = (uint64_t)capacity / 64 + 1;
    orders->open = arena_take(arena, orders->words, sizeof(uint64_t));
    orders->counts = arena_take(arena, (uint64_t)instruments + 1, sizeof(uint32_t));
    orders->parked = arena_take(arena, (uint64_t)instruments + 1, sizeof(uint32_t));
}

void auction_order_opened(struct core *core, uint32_t index) {
    core->auction_orders.open[index / 64] |= UINT64_C(1) << (index % 64);
    core->auction_orders.counts[core->books.orders[index].instrument]++;
}

void auction_order_closed(struct core *core, uint32_t index) {
    core->auction_orders.open[index / 64] &= ~(UINT64_C(1) << (index % 64));
    core->auction_orders.counts[core->books.orders[index].instrument]--;
}

/* The first open order for auctions only at or after this index; 0 when there is none. */
static uint32_t next_auction_order(const struct auction_orders *orders, uint64_t index) {
    uint64_t word = index / 64;
    uint64_t found = word < orders->words ? orders->open[word] & (~UINT64_C(0) << (index % 64)) : 0;
    while (found == 0) {
        if (++word >= orders->words) {
            return 0;
        }
        found = orders->open[word];
    }
    return (uint32_t)(word * 64 + (uint64_t)__builtin_ctzll(found));
}

struct indicative auction_price(const struct core *core, uint32_t instrument) {
    const struct crossed_book book = {
        .pages = &core->books.pages,
        .bids = book_side(&core->books, instrument, WIRE_SIDE_BUY),
        .offers = book_side(&core->books, instrument, WIRE_SIDE_SELL),
        .instrument = &core->instruments.instruments[instrument],
    };
    return clearing_price(&book, guide_ticks(book.instrument));
}

/* Parked orders wait for the next closing auction unless the market closes. */
static bool purges_parked(const struct core *core, uint32_t instrument) {
    return core->instruments.instruments[instrument].phase == WIRE_PHASE_CLOSED;
}

static bool something_to_purge(const struct core *core, uint32_t instrument) {
    const uint32_t parked = core->auction_orders.parked[instrument];
    return core->auction_orders.counts[instrument] > (purges_parked(core, instrument) ? 0 : parked);
}

/* The last job of a change of phase is over: stops are looked at when the part ends, whether it traded or not, as if
   the last trade were one of this part. So no stop that lapsed when a band tripped lies dormant beyond the last price.
 */
static void auction_over(struct core *core, uint32_t id) {
    struct instrument *instrument = &core->instruments.instruments[id];
    const uint32_t last = instrument->last_ticks;
    job_over(core);
    core->traded = id;
    if (last != 0) {
        instrument->trigger_high = last > instrument->trigger_high ? last : instrument->trigger_high;
        instrument->trigger_low =
            instrument->trigger_low == 0 || last < instrument->trigger_low ? last : instrument->trigger_low;
        market_changed(&core->instruments, id);
    }
}

static void uncross_over(struct core *core) {
    const struct pending uncross = core->pending;
    const uint32_t id = (uint32_t)uncross.position;
    struct instrument *instrument = &core->instruments.instruments[id];
    struct wire_auction_uncrossed *event = event_begin(&core->events, WIRE_AUCTION_UNCROSSED, sizeof *event);
    event->instrument = id;
    event->phase = instrument->phase;
    event->price_ticks = (int64_t)uncross.a;
    event->volume_lots = core->uncross_lots;
    event->surplus_lots = (int64_t)uncross.c;
    event->trades = uncross.count;
    if (uncross.a != 0) {
        reference_price_is(core, id, (uint32_t)uncross.a, NULL);
    }
    if (something_to_purge(core, id)) {
        job_is(core, PENDING_PURGE, id, 0);
    } else {
        auction_over(core, id);
    }
}

/* The oldest buyer at the best price trades with the oldest such seller. */
static void uncross_step(struct core *core) {
    struct pending *uncross = &core->pending;
    const uint32_t id = (uint32_t)uncross->position;
    const uint32_t buyer = queue_first(&core->books, book_side(&core->books, id, WIRE_SIDE_BUY));
    const uint32_t seller = queue_first(&core->books, book_side(&core->books, id, WIRE_SIDE_SELL));
    VENUE_ASSERT(buyer != 0 && seller != 0, "an uncross finds the volume it has promised");
    const int64_t bid_lots = core->books.orders[buyer].leaves_lots;
    const int64_t offer_lots = core->books.orders[seller].leaves_lots;
    const int64_t quantity_lots = bid_lots < offer_lots ? bid_lots : offer_lots;
    VENUE_ASSERT((uint64_t)quantity_lots <= uncross->b, "an uncross trades no more than its volume");
    trade_in_auction(core, buyer, seller, (uint32_t)uncross->a, quantity_lots);
    uncross->b -= (uint64_t)quantity_lots;
    uncross->count++;
}

void uncross_go_on(struct core *core) {
    for (uint32_t trades = 0; core->pending.b > 0; trades++) {
        if (trades == slice_events(core) / TRADES_DIVISOR) {
            return;
        }
        uncross_step(core);
    }
    uncross_over(core);
}

void uncross_start(struct core *core, uint32_t instrument) {
    const struct indicative price = auction_price(core, instrument);
    job_is(core, PENDING_UNCROSS, instrument, 0);
    core->pending.a = (uint64_t)price.price_ticks;
    core->pending.b = (uint64_t)price.volume_lots;
    core->pending.c = (uint64_t)price.surplus_lots;
    core->uncross_lots = price.volume_lots;
    uncross_go_on(core);
}

static bool purges(const struct core *core, uint32_t instrument, uint32_t index) {
    const struct order *order = &core->books.orders[index];
    return order->instrument == instrument && ((order->flags & ORDER_DORMANT) == 0 || purges_parked(core, instrument));
}

void purge_go_on(struct core *core) {
    const uint32_t instrument = (uint32_t)core->pending.position;
    uint64_t slot = core->pending.count;
    uint32_t cancels = 0;
    for (uint32_t visits = 0; cancels < slice_events(core) && visits < VISITS; visits++) {
        const uint32_t index = next_auction_order(&core->auction_orders, slot + 1);
        if (index == 0) {
            auction_over(core, instrument);
            return;
        }
        slot = index;
        if (purges(core, instrument, index)) {
            cancel_open_order(core, index, (struct cancel_cause){.reason = WIRE_REASON_CANCELED_AUCTION_ONLY});
            cancels++;
        }
    }
    core->pending.count = slot;
}

void purge_start(struct core *core, uint32_t instrument) {
    if (something_to_purge(core, instrument)) {
        job_is(core, PENDING_PURGE, instrument, 0);
        purge_go_on(core);
    }
}
