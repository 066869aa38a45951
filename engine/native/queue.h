/* Joining and leaving the queue of a level: the same for books and stop ladders. */
#ifndef VENUE_QUEUE_H
#define VENUE_QUEUE_H

#include "book.h"

/* Puts the order at the back of the level of `tick`. Its priority must be set, and not before that of those before it. */
static inline void queue_join(struct books *books, struct ladder *ladder, uint32_t tick, uint32_t index) {
    struct order *order = &books->orders[index];
    struct level *level = ladder_open(&books->pages, ladder, tick);
    order->next = 0;
    order->previous = level->tail;
    if (level->tail == 0) {
        level->head = index;
    } else {
        struct order *last = &books->orders[level->tail];
        INVARIANT(last->priority <= order->priority, "within a level priority is by sequence");
        last->next = index;
    }
    level->tail = index;
    level->quantity_lots += order->leaves_lots;
    INVARIANT(order->leaves_lots > 0 && level->quantity_lots > 0, "funds bound the quantity of a level");
}

static inline void queue_leave(struct books *books, struct ladder *ladder, uint32_t tick, uint32_t index) {
    const struct order *order = &books->orders[index];
    struct level *level = ladder_level(&books->pages, ladder, tick);
    if (order->previous == 0) {
        INVARIANT(level->head == index, "an order without a predecessor heads its level");
        level->head = order->next;
    } else {
        books->orders[order->previous].next = order->next;
    }
    if (order->next == 0) {
        INVARIANT(level->tail == index, "an order without a successor ends its level");
        level->tail = order->previous;
    } else {
        books->orders[order->next].previous = order->previous;
    }
    level->quantity_lots -= order->leaves_lots;
    INVARIANT(level->quantity_lots >= 0 && (level->head != 0 || level->quantity_lots == 0),
              "a level's quantity is the sum of its orders");
    if (level->head == 0) {
        ladder_close(&books->pages, ladder, tick);
    }
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
