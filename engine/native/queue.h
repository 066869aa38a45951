/* Joining and leaving the queue of a level: the same for books and stop ladders. */
#ifndef VENUE_QUEUE_H
#define VENUE_QUEUE_H

#include "book.h"

/* Puts the order at the back of the level of `tick`. Its priority must be set, and not before that of those before it.
 */
static inline void queue_join(struct books *books, struct ladder *ladder, uint32_t tick, uint32_t index) {
    struct order *order = &books->orders[index];
    struct level *level = ladder_open(&books->pages, ladder, tick);
    order->next = 0;
    order->previous = level->tail;
    struct order *last = &books->orders[level->tail]; /* index 0: no order, its priority is 0 */
    INVARIANT(last->priority <= order->priority, "within a level priority is by sequence");
    uint32_t *link = level->tail == 0 ? &level->head : &last->next; /* a choice of addresses needs no branch */
    *link = index;
    level->tail = index;
    level->quantity_lots += order->leaves_lots;
    INVARIANT(order->leaves_lots > 0 && level->quantity_lots > 0, "funds bound the quantity of a level");
}

static inline void queue_leave(struct books *books, struct ladder *ladder, uint32_t tick, uint32_t index) {
    const struct order *order = &books->orders[index];
    struct level *level = ladder_level(&books->pages, ladder, tick);
    uint32_t *ahead = order->previous == 0 ? &level->head : &books->orders[order->previous].next;
    uint32_t *behind = order->next == 0 ? &level->tail : &books->orders[order->next].previous;
    INVARIANT(*ahead == index && *behind == index, "an order and its neighbours, or its level's ends, name each other");
    *ahead = order->next;
    *behind = order->previous;
    level->quantity_lots -= order->leaves_lots;
    INVARIANT(level->quantity_lots >= 0 && (level->head != 0 || level->quantity_lots == 0),
              "a level's quantity is the sum of its orders");
    ladder_left(&books->pages, ladder, tick, level);
}

/* Takes the first order, which has no leaves any more, out of the best level. */
static inline void queue_pop(struct books *books, struct ladder *ladder, struct level *level, uint32_t index) {
    const uint32_t next = books->orders[index].next;
    INVARIANT(level->head == index && books->orders[index].previous == 0, "only the first order is popped");
    level->head = next;
    if (next != 0) {
        books->orders[next].previous = 0;
        return;
    }
    level->tail = 0;
    INVARIANT(level->quantity_lots == 0, "a level's quantity is the sum of its orders");
    ladder_close(&books->pages, ladder, ladder->best_tick);
}

/* Lowers the leaves of an order in the queue; it keeps its place, and stays even with nothing left. */
static inline void queue_reduce(struct books *books, const struct ladder *ladder, uint32_t tick, uint32_t index,
                                int64_t lots) {
    struct order *order = &books->orders[index];
    struct level *level = ladder_level(&books->pages, ladder, tick);
    order->leaves_lots -= lots;
    level->quantity_lots -= lots;
    INVARIANT(lots >= 0 && order->leaves_lots >= 0 && level->quantity_lots >= 0, "quantities never go below zero");
}

#endif
