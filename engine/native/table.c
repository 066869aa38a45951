/* Linear probing; an entry of another day's tag is a free place. */
#include "table.h"

#include <string.h>

#include "arena.h"

void table_lay_out(struct table *table, struct arena *arena, uint32_t capacity) {
    table->places = (((uint64_t)capacity + capacity / 8 * 3) / TABLE_LINE + 2) * TABLE_LINE;
    table->entries = arena_take(arena, table->places, sizeof(struct table_entry));
    table->capacity = capacity;
}

void table_start(struct table *table, uint64_t seed) {
    table->seed = seed | 1;
    table->day = 1;
    table->count = 0;
}

const struct table_entry *table_find(const struct table *table, uint32_t session, uint64_t key) {
    const struct table_entry *entry = table_seek(table, session, key);
    return table_holds(table, entry) ? entry : NULL;
}

void table_clear(struct table *table) {
    table->count = 0;
    table->day++;
    if (table->day == 0) { /* every tag has been some day's: after 179 years of trading days */
        memset(table->entries, 0, table->places * sizeof(struct table_entry));
        table->day = 1;
    }
}
