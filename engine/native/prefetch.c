/* core_prefetch: asks for the cache lines that a command will touch, in three steps ahead of it.

   It only guesses: ids are held against the sizes of the tables before an address is made of them, nothing is changed,
   and a guess that is wrong costs a line of cache. */
#include <string.h>

#include "clordid.h"
#include "match.h"

static void fetch(const void *address) {
    __builtin_prefetch(address, 1);
    __asm__ volatile(""
                     :
                     : "r"(address)); /* or the compiler takes a function that only prefetches for one without effect */
}

static void fetch_slot(const struct books *books, uint32_t index) {
    fetch(&books->orders[index]);
    fetch(&books->details[index]);
}

static uint32_t named_slot(const struct core *core, uint64_t id) {
    const uint32_t slot = (uint32_t)id;
    return id != 0 && slot < core->capacity.orders ? slot + 1 : 0;
}

/* Where a ClOrdID stands, or will. */
static inline struct table_entry *place_of(const struct core *core, uint32_t session, const char *text) {
    const struct clordid_words clordid = clordid_words(text);
    return &core->used.entries[table_place(&core->used, clordid_words_key(session, &clordid))];
}

static inline void fetch_clordid(const struct core *core, uint32_t session, const char *text) {
    fetch(place_of(core, session, text));
}

/* The order that a ClOrdID belongs to, as far as its first place tells. */
static uint32_t named_order(const struct core *core, uint32_t session, const char *text) {
    const struct table_entry *entry = place_of(core, session, text);
    return entry->order <= core->capacity.orders ? entry->order : 0;
}

/* The ladder of a side, NULL when there is none or the tick lies outside. */
static const struct ladder *ladder_for(const struct core *core, uint32_t instrument, uint8_t side, int64_t tick) {
    if (instrument == 0 || instrument > core->capacity.instruments ||
        (side != WIRE_SIDE_BUY && side != WIRE_SIDE_SELL) || tick < 1 || tick > TICK_MAX) {
        return NULL;
    }
    return book_side(&core->books, instrument, side);
}

/* What is asked of an instrument in every case, and its two best prices. */
static void fetch_market(const struct core *core, uint32_t instrument_id) {
    const struct instrument *instrument = &core->instruments.instruments[instrument_id];
    for (size_t offset = 0; offset <= offsetof(struct instrument, state); offset += 64) {
        fetch((const uint8_t *)instrument + offset);
    }
    fetch(instrument->fee_tiers);
    fetch(book_side(&core->books, instrument_id, WIRE_SIDE_BUY));
    fetch(book_side(&core->books, instrument_id, WIRE_SIDE_SELL));
}

static void fetch_page(const struct ladder *ladder, int64_t tick) {
    fetch(&ladder->page[tick / LEVELS_PER_PAGE]);
}

static const struct level *level_for(const struct core *core, const struct ladder *ladder, int64_t tick) {
    const uint32_t page = ladder != NULL ? ladder->page[tick / LEVELS_PER_PAGE] : 0;
    return page != 0 ? &core->books.pages.pages[page].levels[tick % LEVELS_PER_PAGE] : NULL;
}

static void fetch_level(const struct core *core, const struct ladder *ladder, int64_t tick) {
    const struct level *level = level_for(core, ladder, tick);
    if (level != NULL) {
        fetch(level);
        fetch(&core->books.pages.occupied[ladder->page[tick / LEVELS_PER_PAGE]]);
    }
}

static void fetch_tail(const struct core *core, const struct ladder *ladder, int64_t tick) {
    const struct level *level = level_for(core, ladder, tick);
    if (level != NULL) {
        fetch(&core->books.orders[level->tail]);
    }
}

static void fetch_account(const struct core *core, uint32_t account, uint32_t instrument) {
    if (account <= core->capacity.accounts && instrument <= core->capacity.instruments) {
        fetch(&core->accounts.accounts[account]);
        const struct wire_instrument_set *listing = &core->instruments.instruments[instrument].content;
        fetch(balance_of(&core->accounts, account, listing->base));
        fetch(balance_of(&core->accounts, account, listing->quote));
        fetch(exposure_of(&core->accounts, account, instrument));
    }
}

/* The order that a new one of the account will be linked to. */
static void fetch_newest(const struct core *core, uint32_t account) {
    if (account <= core->capacity.accounts) {
        fetch(&core->books.details[core->accounts.accounts[account].newest_order]);
    }
}

/* Slots that the next new orders will take, if as many are freed as are taken. */
static void fetch_free_slot(const struct core *core, uint32_t depth) {
    const struct pool *slots = &core->books.slots;
    if (slots->free_count > depth) {
        fetch_slot(&core->books, slots->stack[slots->free_count - 1 - depth] + 1);
    }
}

/* Where an open order stands: its level and its neighbours. */
static void fetch_place(const struct core *core, uint32_t index) {
    const struct order *order = &core->books.orders[index];
    if (order->leaves_lots == 0) {
        return;
    }
    fetch_market(core, order->instrument);
    fetch_level(core, book_side(&core->books, order->instrument, order->side), order->price_ticks);
    fetch(&core->books.orders[order->next]);
    fetch(&core->books.orders[order->previous]);
    fetch(&core->books.details[core->books.details[index].account_newer]);
    fetch(&core->books.details[core->books.details[index].account_older]);
    fetch_account(core, order->account, order->instrument);
}

static void prefetch_new_order(const struct core *core, const struct wire_new_order *command, unsigned stage) {
    const struct ladder *ladder = ladder_for(core, command->instrument, command->side, command->price_ticks);
    if (stage == 0) {
        fetch_clordid(core, command->session, command->clordid);
        if (ladder != NULL) {
            fetch_market(core, command->instrument);
            fetch_page(ladder, command->price_ticks);
        }
        fetch_account(core, command->account, command->instrument);
    } else if (stage == 1) {
        fetch_level(core, ladder, command->price_ticks);
        fetch_free_slot(core, 4);
        fetch_newest(core, command->account);
    } else {
        fetch_tail(core, ladder, command->price_ticks);
    }
}

static void prefetch_cancel_order(const struct core *core, const struct wire_cancel_order *command, unsigned stage) {
    if (stage == 0) {
        fetch_slot(&core->books, named_slot(core, command->order_id));
        if (command->order_id == 0) {
            fetch_clordid(core, command->session, command->orig_clordid);
        }
    } else if (command->order_id != 0) {
        if (stage == 1) {
            fetch_place(core, named_slot(core, command->order_id));
        }
    } else if (stage == 1) {
        fetch_slot(&core->books, named_order(core, command->session, command->orig_clordid));
    } else {
        fetch_place(core, named_order(core, command->session, command->orig_clordid));
    }
}

static void prefetch_replace_order(const struct core *core, const struct wire_replace_order *command, unsigned stage) {
    const uint32_t index = named_slot(core, command->order_id);
    if (stage == 0) {
        fetch_clordid(core, command->session, command->clordid);
        fetch_slot(&core->books, index);
        if (command->order_id == 0) {
            fetch_clordid(core, command->session, command->orig_clordid);
        }
        return;
    }
    const struct ladder *ladder =
        ladder_for(core, core->books.orders[index].instrument, command->side, command->price_ticks);
    if (stage == 1) {
        fetch_level(core, ladder, command->price_ticks);
        if (index != 0) {
            fetch_place(core, index);
        } else {
            fetch_slot(&core->books, named_order(core, command->session, command->orig_clordid));
        }
    } else {
        fetch_tail(core, ladder, command->price_ticks);
    }
}

/* Only what is needed not to read past the end: this is a guess, core_check looks closer. */
void core_prefetch(const struct core *core, const uint8_t *message, uint32_t size, unsigned stage) {
    struct wire_header header;
    if (size < sizeof header + sizeof(struct wire_cancel_order) || (uintptr_t)message % _Alignof(union command) != 0) {
        return;
    }
    memcpy(&header, message, sizeof header);
    const union command *command = (const void *)(message + sizeof header);
    if (header.template_id == WIRE_CANCEL_ORDER) {
        prefetch_cancel_order(core, &command->cancel_order, stage);
    } else if (header.template_id == WIRE_NEW_ORDER && size >= sizeof header + sizeof(struct wire_new_order)) {
        prefetch_new_order(core, &command->new_order, stage);
    } else if (header.template_id == WIRE_REPLACE_ORDER && size >= sizeof header + sizeof(struct wire_replace_order)) {
        prefetch_replace_order(core, &command->replace_order, stage);
    }
}
