/* Linear probing; an entry of another day's tag is a free place. */
#include "table.h"

#include <string.h>

#include "arena.h"
#include "venue_assert.h"

void table_lay_out(struct table *table, struct arena *arena, uint32_t capacity) {
    table->places = (uint64_t)capacity + capacity / 4 + 4;
    table->entries = arena_take(arena, table->places, sizeof(struct table_entry));
    table->capacity = capacity;
}

void table_start(struct table *table, uint64_t seed) {
    table->seed = seed | 1;
    table->day = 1;
    table->count = 0;
}

struct table_entry *table_seek(const struct table *table, uint32_t session, uint64_t key) {
    uint64_t place = table_place(table, key);
    for (;;) {
        struct table_entry *entry = &table->entries[place];
        if (entry->day != table->day || (entry->key == key && entry->session == session)) {
            return entry;
        }
        place++;
        if (place == table->places) {
            place = 0;
        }
    }
}

const struct table_entry *table_find(const struct table *table, uint32_t session, uint64_t key) {
    const struct table_entry *entry = table_seek(table, session, key);
    return table_holds(table, entry) ? entry : NULL;
}

void table_put(struct table *table, struct table_entry *entry, uint32_t session, uint64_t key, uint32_t order) {
    VENUE_ASSERT(table->count < table->capacity && entry->day != table->day, "a free place of a table that is not full");
    *entry = (struct table_entry){.key = key, .order = order, .session = (uint16_t)session, .day = table->day};
    table->count++;
}

void table_clear(struct table *table) {
    table->count = 0;
    table->day++;
    if (table->day == 0) { /* every tag has been some day's: after 179 years of trading days */
        memset(table->entries, 0, table->places * sizeof(struct table_entry));
        table->day = 1;
    }
}
