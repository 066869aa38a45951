/* core_audit: the whole state scanned from scratch and held against everything that is kept in step while commands run.

   Returns the source line of the first invariant that does not hold, so that a failing test says where to look. */
#include <string.h>

#include "money.h"
#include "state.h"

#define HOLDS(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            return __LINE__;                                                                                           \
        }                                                                                                              \
    } while (0)

/* Sums found on the way. */
struct tally {
    u128 orders_hash;
    uint32_t orders;
    uint32_t pages;
    uint32_t retired;
};

static bool mark(uint64_t *bits, uint32_t number) {
    const uint64_t bit = UINT64_C(1) << (number % 64);
    const bool fresh = (bits[number / 64] & bit) == 0;
    bits[number / 64] |= bit;
    return fresh;
}

static int audit_order(const struct core *core, uint32_t index, uint32_t instrument, uint8_t side,
                       struct tally *tally) {
    const struct order *order = &core->books.orders[index];
    const struct order_details *details = &core->books.details[index];
    const struct wire_instrument_set *listing = &core->instruments.instruments[instrument].content;
    const uint32_t asset = side == WIRE_SIDE_BUY ? listing->quote : listing->base;
    HOLDS(mark(core->audit.seen, index));
    HOLDS(order->instrument == instrument && details->side == side);
    HOLDS(order->leaves_lots > 0 && order->cum_lots >= 0 && order->generation > 0);
    HOLDS(may_rest(details->order_type, details->time_in_force));
    const bool day = (core->books.day_orders[index / 64] >> (index % 64) & 1) != 0;
    HOLDS(day == (details->time_in_force == WIRE_TIME_IN_FORCE_DAY));
    HOLDS(table_find(&core->books.open, details->key) == index);
    HOLDS(order->reserved_units == order_reservation(core, index, order->price_ticks, order->leaves_lots));
    HOLDS(session_find(&core->sessions, details->session) != NULL);
    core->audit.open_orders[details->session]++;
    core->audit.reserved_units[(uint64_t)order->account * (core->capacity.assets + 1U) + asset] +=
        order->reserved_units;
    const u128 mix = order_mix(&core->books, index);
    HOLDS(mix == details->mix);
    tally->orders_hash += mix;
    tally->orders++;
    return 0;
}

static int audit_level(const struct core *core, const struct ladder *ladder, uint32_t tick, uint32_t instrument,
                       struct tally *tally) {
    const struct level *level = ladder_level(&core->books.pages, ladder, tick);
    int64_t quantity_lots = 0;
    uint64_t priority = 0;
    uint32_t previous = 0;
    HOLDS(level->head != 0);
    for (uint32_t index = level->head; index != 0; index = core->books.orders[index].next) {
        const struct order *order = &core->books.orders[index];
        HOLDS(order->previous == previous && order->price_ticks == tick);
        HOLDS(core->books.details[index].priority > priority);
        const int line = audit_order(core, index, instrument, (uint8_t)ladder->side, tally);
        if (line != 0) {
            return line;
        }
        quantity_lots += order->leaves_lots;
        priority = core->books.details[index].priority;
        previous = index;
    }
    HOLDS(level->tail == previous);
    HOLDS(level->quantity_lots == quantity_lots);
    return 0;
}

/* Pages, bitmaps and best price of a side, and every level in it. */
static int audit_side(const struct core *core, uint32_t instrument, uint8_t side, struct tally *tally) {
    const struct ladder *ladder = book_side(&core->books, instrument, side);
    const struct page_pool *pool = &core->books.pages;
    uint32_t best = 0;
    HOLDS(ladder->side == side);
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
                best = best == 0 || side == WIRE_SIDE_BUY ? tick : best;
                const int line = audit_level(core, ladder, tick, instrument, tally);
                if (line != 0) {
                    return line;
                }
            }
        }
    }
    HOLDS(ladder->best_tick == best);
    return 0;
}

static int audit_books(const struct core *core, struct tally *tally) {
    for (uint32_t instrument = 1; instrument <= core->capacity.instruments; instrument++) {
        if (instrument_find(&core->instruments, instrument) == NULL) {
            continue;
        }
        for (uint8_t side = WIRE_SIDE_BUY; side <= WIRE_SIDE_SELL; side++) {
            const int line = audit_side(core, instrument, side, tally);
            if (line != 0) {
                return line;
            }
        }
        const uint32_t bid = book_side(&core->books, instrument, WIRE_SIDE_BUY)->best_tick;
        const uint32_t offer = book_side(&core->books, instrument, WIRE_SIDE_SELL)->best_tick;
        HOLDS(bid == 0 || offer == 0 || bid < offer);
    }
    HOLDS(tally->orders == core->books.in_use && tally->orders == core->books.open.count);
    HOLDS(tally->pages == core->books.pages.in_use);
    HOLDS(core->books.pages.free.free_count + tally->pages == core->capacity.price_pages);
    return 0;
}

/* Every slot is open, free or retired, and exactly one of them. */
static int audit_slots(const struct core *core, struct tally *tally) {
    const struct books *books = &core->books;
    for (uint32_t i = 0; i < books->slots.free_count; i++) {
        const uint32_t slot = books->slots.stack[i];
        HOLDS(slot < core->capacity.orders && mark(core->audit.seen, slot + 1));
    }
    for (uint32_t index = 1; index <= core->capacity.orders; index++) {
        const struct order *order = &books->orders[index];
        tally->orders_hash += generation_mix(index - 1, order->generation);
        if ((core->audit.seen[index / 64] >> (index % 64) & 1) == 0) {
            HOLDS(order->generation == UINT32_MAX && order->leaves_lots == 0);
            tally->retired++;
        }
    }
    HOLDS(tally->orders + books->slots.free_count + tally->retired == core->capacity.orders);
    HOLDS(tally->orders_hash == books->hash);
    return 0;
}

static int audit_money(const struct core *core) {
    u128 hash = 0;
    for (uint32_t asset = 1; asset <= core->capacity.assets; asset++) {
        int64_t total = 0;
        for (uint32_t account = 1; account <= core->capacity.accounts; account++) {
            const struct balance *balance = balance_of(&core->accounts, account, asset);
            const uint64_t pair = (uint64_t)account * (core->capacity.assets + 1U) + asset;
            HOLDS(balance->available_units >= 0);
            HOLDS(balance->reserved_units == core->audit.reserved_units[pair]);
            HOLDS(!__builtin_add_overflow(total, balance->available_units, &total));
            HOLDS(!__builtin_add_overflow(total, balance->reserved_units, &total));
            hash += balance_mix(&core->accounts, account, asset);
        }
        HOLDS(total == core->accounts.assets[asset].total_units);
        hash += asset_mix(&core->accounts, asset);
    }
    for (uint32_t account = 1; account <= core->capacity.accounts; account++) {
        hash += account_mix(&core->accounts, account);
    }
    HOLDS(hash == core->accounts.hash);
    return 0;
}

static int audit_sessions(const struct core *core) {
    u128 hash = 0;
    for (uint32_t id = 1; id <= core->capacity.sessions; id++) {
        HOLDS(core->sessions.sessions[id].open_orders == core->audit.open_orders[id]);
        hash += session_mix(&core->sessions, id);
    }
    HOLDS(hash == core->sessions.hash);
    return 0;
}

static int audit_instruments_and_clordids(const struct core *core) {
    u128 hash = 0;
    uint32_t used = 0;
    for (uint32_t id = 1; id <= core->capacity.instruments; id++) {
        hash += instrument_mix(&core->instruments, id);
    }
    HOLDS(hash == core->instruments.hash);
    hash = 0;
    for (uint64_t place = 0; place <= core->used.mask; place++) {
        const struct table_entry *entry = &core->used.entries[place];
        if (entry->value != 0) {
            hash += clordid_mix((u128)entry->high << 64 | entry->low);
            used++;
        }
    }
    HOLDS(hash == core->used_hash && used == core->used.count);
    return 0;
}

int core_audit(const struct core *core) {
    const uint64_t pairs = ((uint64_t)core->capacity.accounts + 1) * ((uint64_t)core->capacity.assets + 1);
    memset(core->audit.reserved_units, 0, pairs * sizeof(int64_t));
    memset(core->audit.open_orders, 0, ((uint64_t)core->capacity.sessions + 1) * sizeof(uint32_t));
    memset(core->audit.seen, 0, ((uint64_t)core->capacity.orders / 64 + 1) * sizeof(uint64_t));
    struct tally tally = {0};
    int line = audit_books(core, &tally);
    if (line == 0) {
        line = audit_slots(core, &tally);
    }
    if (line == 0) {
        line = audit_money(core);
    }
    if (line == 0) {
        line = audit_sessions(core);
    }
    if (line == 0) {
        line = audit_instruments_and_clordids(core);
    }
    return line;
}
