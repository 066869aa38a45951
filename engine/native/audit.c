/* core_audit: the whole state scanned from scratch and held against everything that is kept in step while commands run.

   Returns the source line of the first invariant that does not hold, so that a failing test says where to look. */
#include <string.h>

#include "match.h"
#include "phase.h"
#include "stop.h"
#include "timer.h"

#define HOLDS(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            return __LINE__;                                                                                           \
        }                                                                                                              \
    } while (0)

/* Goes on only while what is called finds nothing wrong. */
#define SOUND(call)                                                                                                    \
    do {                                                                                                               \
        const int line = (call);                                                                                       \
        if (line != 0) {                                                                                               \
            return line;                                                                                               \
        }                                                                                                              \
    } while (0)

/* Sums found on the way. */
struct tally {
    uint32_t orders;
    uint32_t pages;
    uint32_t expiries;
    uint32_t retired;
};

/* One of an instrument's six ladders. */
struct ladder_place {
    const struct ladder *ladder;
    uint32_t instrument;
    uint32_t kind;
    uint32_t orders; /* found in it */
};

static bool mark(uint64_t *bits, uint32_t number) {
    const uint64_t bit = UINT64_C(1) << (number % 64);
    const bool fresh = (bits[number / 64] & bit) == 0;
    bits[number / 64] |= bit;
    return fresh;
}

static bool marked(const uint64_t *bits, uint32_t number) {
    return (bits[number / 64] >> (number % 64) & 1) != 0;
}

static int audit_terms(const struct core *core, uint32_t index, struct tally *tally) {
    const struct order *order = &core->books.orders[index];
    const struct order_terms *terms = order_terms(&core->books, index);
    const bool dormant = (order->flags & ORDER_DORMANT) != 0;
    HOLDS(((order->flags & ORDER_ICEBERG) != 0) == (terms->display_lots > 0));
    if ((order->flags & ORDER_ICEBERG) != 0) {
        HOLDS(dormant ? terms->displayed_lots == 0
                      : terms->displayed_lots > 0 && terms->displayed_lots <= order->leaves_lots &&
                            terms->displayed_lots <= terms->display_lots);
    }
    HOLDS((order->time_in_force == WIRE_TIME_IN_FORCE_GOOD_TILL_DATE) == (terms->expire_ns != 0));
    HOLDS(order_is_stop(order_type(order)) == (terms->stop_price_ticks != 0));
    if (terms->expire_ns != 0) {
        HOLDS(terms->expiry_place >= 1 && terms->expiry_place <= core->timers.count);
        HOLDS(core->timers.heap[terms->expiry_place] == index);
        tally->expiries++;
    }
    return 0;
}

/* What is true of an order wherever it stands; counts it. */
static int audit_order(const struct core *core, uint32_t index, uint32_t instrument, struct tally *tally) {
    const struct order *order = &core->books.orders[index];
    const struct wire_instrument_set *listing = &core->instruments.instruments[instrument].content;
    HOLDS(mark(core->audit.seen, index));
    HOLDS(order->instrument == instrument && (order->side == WIRE_SIDE_BUY || order->side == WIRE_SIDE_SELL));
    HOLDS(order->leaves_lots > 0 && order->cum_lots >= 0 && order->generation > 0 && order->fee_remainder < 1000000);
    HOLDS((order->flags & ORDER_LISTED) != 0);
    HOLDS(session_find(&core->sessions, order->session) != NULL);
    HOLDS(account_find(&core->accounts, order->account) != NULL);
    HOLDS(marked(core->auction_orders.open, index) == auction_only(order->time_in_force));
    SOUND(audit_terms(core, index, tally));
    const uint64_t key = clordid_key(order->session, core->books.details[index].clordid);
    const struct table_entry *entry = table_find(&core->used, order->session, key);
    HOLDS(entry != NULL ? entry->order == index : core->pending.kind == PENDING_END_OF_DAY);
    const uint32_t asset = order->side == WIRE_SIDE_BUY ? listing->quote : listing->base;
    core->audit.reserved_units[balance_number(&core->accounts, order->account, asset)] +=
        present_reservation(core, index);
    core->audit.open_lots[exposure_number(&core->accounts, order->account, instrument) * 2 + order->side - 1] +=
        order->leaves_lots;
    core->audit.session_orders[order->session]++;
    core->audit.account_orders[order->account]++;
    tally->orders++;
    return 0;
}

/* An order of this ladder stands where its state says. */
static int audit_standing(const struct core *core, uint32_t index, uint32_t tick, const struct ladder_place *place) {
    const struct order *order = &core->books.orders[index];
    if (place->kind <= LADDER_SELL) {
        HOLDS((order->flags & ORDER_DORMANT) == 0 && order->price_ticks == tick && order->side == place->kind + 1);
        HOLDS(may_rest(order_type(order), order->time_in_force));
    } else {
        HOLDS((order->flags & ORDER_DORMANT) != 0 && order_is_stop(order_type(order)));
        HOLDS(stop_ladder_of(core, index) == place->ladder && core->books.terms[index].stop_price_ticks == tick);
    }
    return 0;
}

static int audit_level(const struct core *core, uint32_t tick, struct ladder_place *place, struct tally *tally) {
    const struct level *level = ladder_level(&core->books.pages, place->ladder, tick);
    int64_t quantity_lots = 0;
    uint64_t priority = 0;
    uint32_t previous = 0;
    HOLDS(level->head != 0);
    for (uint32_t index = level->head; index != 0; index = core->books.orders[index].next) {
        const struct order *order = &core->books.orders[index];
        HOLDS(order->previous == previous && order->priority >= priority);
        SOUND(audit_standing(core, index, tick, place));
        SOUND(audit_order(core, index, place->instrument, tally));
        quantity_lots += order->leaves_lots;
        priority = order->priority;
        previous = index;
        place->orders++;
    }
    HOLDS(level->tail == previous);
    HOLDS(level->quantity_lots == quantity_lots);
    return 0;
}

/* Pages, bitmaps and best price of a ladder, and every level in it. */
static int audit_ladder(const struct core *core, struct ladder_place *place, struct tally *tally) {
    const struct ladder *ladder = place->ladder;
    const struct page_pool *pool = &core->books.pages;
    uint32_t best = 0;
    for (uint32_t word = 0; word < PAGES_PER_LADDER / 64; word++) {
        const uint64_t middle = ladder->middle[word / 64];
        HOLDS((ladder->bottom[word] != 0) == ((middle >> (word % 64) & 1) != 0));
        HOLDS((middle != 0) == ((ladder->top >> (word / 64) & 1) != 0));
        for (uint64_t pages = ladder->bottom[word]; pages != 0; pages &= pages - 1) {
            const uint32_t number = word * 64 + (uint32_t)__builtin_ctzll(pages);
            const uint32_t page = ladder->page[number];
            HOLDS(page != 0 && page <= core->capacity.price_pages && pool->occupied[page] != 0);
            tally->pages++;
            for (uint64_t levels = pool->occupied[page]; levels != 0; levels &= levels - 1) {
                const uint32_t tick = number * LEVELS_PER_PAGE + (uint32_t)__builtin_ctzll(levels);
                best = best == 0 || ladder->highest_first ? tick : best;
                SOUND(audit_level(core, tick, place, tally));
            }
        }
    }
    HOLDS(ladder->best_tick == best);
    return 0;
}

static int audit_parked(const struct core *core, uint32_t id, struct tally *tally) {
    const struct instrument *instrument = &core->instruments.instruments[id];
    uint64_t priority = 0;
    uint32_t previous = 0;
    uint32_t parked = 0;
    for (uint32_t index = instrument->parked_head; index != 0; index = core->books.orders[index].next) {
        const struct order *order = &core->books.orders[index];
        HOLDS(order->previous == previous && order->priority >= priority && order_is_parked(order));
        HOLDS(order->time_in_force == WIRE_TIME_IN_FORCE_AT_THE_CLOSE);
        SOUND(audit_order(core, index, id, tally));
        priority = order->priority;
        previous = index;
        parked++;
    }
    HOLDS(instrument->parked_tail == previous);
    HOLDS(core->auction_orders.parked[id] == parked);
    return 0;
}

static int audit_books(const struct core *core, struct tally *tally) {
    for (uint32_t id = 1; id <= core->capacity.instruments; id++) {
        const struct instrument *instrument = instrument_find(&core->instruments, id);
        if (instrument == NULL) {
            continue;
        }
        uint32_t stops = 0;
        for (uint32_t kind = 0; kind < LADDER_KINDS; kind++) {
            struct ladder_place place = {.ladder = ladder_at(&core->books, id, kind), .instrument = id, .kind = kind};
            SOUND(audit_ladder(core, &place, tally));
            stops += kind <= LADDER_SELL ? 0 : place.orders;
        }
        HOLDS(instrument->stops == stops);
        SOUND(audit_parked(core, id, tally));
        const uint32_t bid = book_side(&core->books, id, WIRE_SIDE_BUY)->best_tick;
        const uint32_t offer = book_side(&core->books, id, WIRE_SIDE_SELL)->best_tick;
        HOLDS(instrument->phase != WIRE_PHASE_CONTINUOUS || core->pending.kind == PENDING_UNCROSS || bid == 0 ||
              offer == 0 || bid < offer);
    }
    HOLDS(tally->orders == core->books.in_use);
    HOLDS(tally->pages == core->books.pages.in_use);
    HOLDS(tally->expiries == core->timers.count);
    HOLDS(core->books.pages.free.free_count + tally->pages == core->capacity.price_pages);
    return 0;
}

/* Every slot is open, free or retired, and exactly one of them. */
static int audit_slots(const struct core *core, struct tally *tally) {
    const struct books *books = &core->books;
    u128 hash = 0;
    uint32_t auction_orders = 0;
    uint32_t counted = 0;
    for (uint32_t index = 1; index <= core->capacity.orders; index++) {
        hash += slot_mix(books, index);
        auction_orders += marked(core->auction_orders.open, index) && marked(core->audit.seen, index);
        HOLDS((books->orders[index].generation > 0) == (index <= books->slots_used));
        HOLDS((books->orders[index].leaves_lots > 0) == marked(core->audit.seen, index));
    }
    for (uint32_t id = 1; id <= core->capacity.instruments; id++) {
        counted += core->auction_orders.counts[id];
    }
    HOLDS(auction_orders == counted);
    for (uint32_t i = 0; i < books->slots.free_count; i++) {
        const uint32_t slot = books->slots.stack[i];
        HOLDS(slot < core->capacity.orders && mark(core->audit.seen, slot + 1));
    }
    for (uint32_t index = 1; index <= core->capacity.orders; index++) {
        if (!marked(core->audit.seen, index)) {
            HOLDS(books->orders[index].generation == UINT32_MAX && books->orders[index].leaves_lots == 0);
            tally->retired++;
        }
    }
    HOLDS(tally->orders + books->slots.free_count + tally->retired == core->capacity.orders);
    HOLDS(hash == books->hash);
    return 0;
}

static int audit_money(const struct core *core) {
    for (uint32_t asset = 1; asset <= core->capacity.assets; asset++) {
        int64_t total = 0;
        for (uint32_t account = 1; account <= core->capacity.accounts; account++) {
            const struct balance *balance = balance_of(&core->accounts, account, asset);
            HOLDS(balance->available_units >= 0);
            HOLDS(balance->reserved_units ==
                  core->audit.reserved_units[balance_number(&core->accounts, account, asset)]);
            HOLDS(!__builtin_add_overflow(total, balance->available_units, &total));
            HOLDS(!__builtin_add_overflow(total, balance->reserved_units, &total));
        }
        HOLDS(total == core->accounts.assets[asset].total_units);
    }
    return 0;
}

/* An account's open orders, the latest accepted first. */
static int audit_account_list(const struct core *core, uint32_t account) {
    uint32_t orders = 0;
    uint32_t newer = 0;
    for (uint32_t index = core->accounts.accounts[account].newest_order; index != 0;
         index = core->books.details[index].account_older) {
        HOLDS(core->books.details[index].account_newer == newer && core->books.orders[index].account == account);
        HOLDS(core->books.orders[index].leaves_lots > 0 && orders < core->books.in_use);
        newer = index;
        orders++;
    }
    HOLDS(orders == core->audit.account_orders[account]);
    HOLDS(orders == core->accounts.accounts[account].open_orders);
    return 0;
}

static int audit_exposure(const struct core *core, uint32_t account, uint32_t instrument) {
    const struct exposure *exposure = exposure_of(&core->accounts, account, instrument);
    const int64_t *open_lots = &core->audit.open_lots[exposure_number(&core->accounts, account, instrument) * 2];
    HOLDS(exposure->open_buy_lots == open_lots[0] && exposure->open_sell_lots == open_lots[1]);
    if (exposure->protection != 0) {
        const struct protection *protection = &core->protections.protections[exposure->protection];
        HOLDS(exposure->protection <= PROTECTIONS && protection->max_fills > 0);
        HOLDS(protection->account == account && protection->instrument == instrument);
        HOLDS(protection->times <= protection->max_fills && protection->oldest < protection->max_fills);
    }
    return 0;
}

static int audit_accounts(const struct core *core) {
    u128 hash = 0;
    for (uint32_t asset = 1; asset <= core->capacity.assets; asset++) {
        hash += asset_mix(&core->accounts, asset);
    }
    for (uint32_t account = 1; account <= core->capacity.accounts; account++) {
        SOUND(audit_account_list(core, account));
        hash += account_mix(&core->accounts, account) + participant_mix(&core->accounts, account);
        for (uint32_t asset = 1; asset <= core->capacity.assets; asset++) {
            hash += balance_mix(&core->accounts, account, asset);
        }
        for (uint32_t instrument = 1; instrument <= core->capacity.instruments; instrument++) {
            SOUND(audit_exposure(core, account, instrument));
            hash += exposure_mix(&core->accounts, account, instrument) +
                    risk_limits_mix(&core->accounts, account, instrument);
        }
    }
    HOLDS(hash == core->accounts.hash);
    return 0;
}

static int audit_sessions(const struct core *core) {
    u128 hash = 0;
    for (uint32_t id = 1; id <= core->capacity.sessions; id++) {
        HOLDS(core->sessions.sessions[id].open_orders == core->audit.session_orders[id]);
        hash += session_mix(&core->sessions, id);
    }
    HOLDS(hash == core->sessions.hash);
    return 0;
}

static int audit_instruments(const struct core *core) {
    u128 hash = 0;
    for (uint32_t id = 1; id <= core->capacity.instruments; id++) {
        hash += listing_mix(&core->instruments, id) + market_mix(&core->instruments, id);
        for (uint32_t i = 0; i < TICK_BANDS; i++) {
            hash += tick_band_mix(&core->instruments, id, i + 1) + schedule_mix(&core->instruments, id, i + 1) +
                    fee_tier_mix(&core->instruments, id, i);
        }
    }
    HOLDS(hash == core->instruments.hash);
    return 0;
}
_Static_assert(TICK_BANDS == SCHEDULE_ENTRIES && TICK_BANDS == FEE_TIERS, "one walk visits all three");

static int audit_clordids(const struct core *core) {
    u128 hash = 0;
    uint32_t used = 0;
    for (uint64_t place = 0; place < core->used.places; place++) {
        const struct table_entry *entry = &core->used.entries[place];
        if (table_holds(&core->used, entry)) {
            hash += table_mix(entry->session, entry->key);
            used++;
        }
    }
    HOLDS(hash == core->used_hash && used == core->used.count);
    return 0;
}

static int audit_trades_and_protections(const struct core *core) {
    const struct trades *trades = &core->trades;
    u128 hash = 0;
    uint64_t trade_id = 0;
    HOLDS(trades->first <= trades->end && trades->end - trades->first <= core->limits.max_bustable_trades);
    for (uint64_t number = trades->first; number < trades->end; number++) {
        const struct remembered_trade *trade = &trades->ring[number % trades->capacity];
        HOLDS(trade->trade_id > trade_id);
        trade_id = trade->trade_id;
        hash += trade_mix(trade);
    }
    HOLDS(hash == trades->hash);
    hash = 0;
    for (uint32_t number = 1; number <= PROTECTIONS; number++) {
        hash += protection_mix(&core->protections.protections[number]);
    }
    HOLDS(hash == core->protections.hash);
    return 0;
}

/* The least (expire_ns, order_id) is on top, and so on down. */
static int audit_timers(const struct core *core) {
    for (uint32_t place = 2; place <= core->timers.count; place++) {
        const uint32_t above = core->timers.heap[place / 2];
        const uint32_t below = core->timers.heap[place];
        const uint64_t above_ns = core->books.terms[above].expire_ns;
        const uint64_t below_ns = core->books.terms[below].expire_ns;
        HOLDS(above_ns < below_ns ||
              (above_ns == below_ns && order_id(&core->books, above) < order_id(&core->books, below)));
    }
    HOLDS(timers_in_step(core));
    return 0;
}

int core_audit(struct core *core) {
    const uint64_t pairs = ((uint64_t)core->capacity.accounts + 1) * ((uint64_t)core->capacity.assets + 1);
    const uint64_t exposures = ((uint64_t)core->capacity.accounts + 1) * ((uint64_t)core->capacity.instruments + 1);
    uint64_t state_hash[2];
    core_hash(core, state_hash); /* brings every part of the hash in step */
    memset(core->audit.reserved_units, 0, pairs * sizeof(int64_t));
    memset(core->audit.open_lots, 0, exposures * 2 * sizeof(int64_t));
    memset(core->audit.session_orders, 0, ((uint64_t)core->capacity.sessions + 1) * sizeof(uint32_t));
    memset(core->audit.account_orders, 0, ((uint64_t)core->capacity.accounts + 1) * sizeof(uint32_t));
    memset(core->audit.seen, 0, ((uint64_t)core->capacity.orders / 64 + 1) * sizeof(uint64_t));
    struct tally tally = {0};
    SOUND(audit_books(core, &tally));
    SOUND(audit_slots(core, &tally));
    SOUND(audit_timers(core));
    SOUND(audit_money(core));
    SOUND(audit_accounts(core));
    SOUND(audit_sessions(core));
    SOUND(audit_instruments(core));
    SOUND(audit_clordids(core));
    return audit_trades_and_protections(core);
}
