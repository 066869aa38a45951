/* Shapes of our own: one that keeps its locality while the book grows, and hostile ones.

   Each draws from its own generator with a fixed seed, so the same name and sizes are the same commands everywhere. */
#include <stdio.h>
#include <string.h>

#include "workload.h"

enum {
    MIDDLE = 1 << 23,
    WINDOW = 375,        /* ticks on each side that the steady mix trades in */
    ACTIVE = 1000,       /* orders of the steady mix */
    PER_LEVEL = 10,      /* orders on a level behind it, on average */
    FAR = 500000,        /* ticks between the touch and the next price when it flickers */
    TICKS_PER_PAGE = 64, /* a level this far from the next needs a page of its own */
    SPARE = 4096
};

struct shape {
    struct recording *recording;
    uint64_t random;
    uint32_t next; /* order number */
};

static uint32_t draw(struct shape *shape, uint32_t below) {
    shape->random = shape->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(((shape->random >> 32) * below) >> 32);
}

static uint32_t user(struct shape *shape) {
    return 1 + draw(shape, USERS);
}

static uint8_t side(struct shape *shape) {
    return (uint8_t)(WIRE_SIDE_BUY + draw(shape, 2));
}

static uint32_t away(uint8_t side, uint32_t ticks) {
    return side == WIRE_SIDE_BUY ? MIDDLE - ticks : MIDDLE + ticks;
}

/* Returns the order's number. */
static uint32_t place(struct shape *shape, struct ticket ticket) {
    ticket.user = user(shape);
    ticket.instrument = 1;
    record_order(shape->recording, shape->next, &ticket);
    return shape->next++;
}

static uint32_t rest(struct shape *shape, uint8_t of_side, uint32_t price_ticks, int64_t quantity_lots) {
    return place(shape, (struct ticket){.side = of_side,
                                        .order_type = WIRE_ORDER_TYPE_LIMIT,
                                        .time_in_force = WIRE_TIME_IN_FORCE_GOOD_TILL_CANCEL,
                                        .price_ticks = price_ticks,
                                        .quantity_lots = quantity_lots});
}

static void take(struct shape *shape, uint8_t of_side, uint32_t price_ticks, int64_t quantity_lots) {
    (void)place(shape, (struct ticket){.side = of_side,
                                       .order_type = WIRE_ORDER_TYPE_LIMIT,
                                       .time_in_force = WIRE_TIME_IN_FORCE_IMMEDIATE_OR_CANCEL,
                                       .price_ticks = price_ticks,
                                       .quantity_lots = quantity_lots});
}

static uint32_t drawn_live(struct shape *shape) {
    return shape->recording->live[draw(shape, shape->recording->live_count)];
}

/* Cancels everything in random order. */
static void cancel_shuffled(struct shape *shape) {
    while (shape->recording->live_count > 0) {
        record_cancel(shape->recording, drawn_live(shape));
    }
}

/* ---- the same traffic in front of ever more orders ---- */

static void steady_order(struct shape *shape) {
    const uint8_t of_side = side(shape);
    (void)rest(shape, of_side, away(of_side, 1 + draw(shape, WINDOW)), 1 + draw(shape, 100));
}

static void steady_move(struct shape *shape) {
    const uint32_t number = drawn_live(shape);
    const struct placed *order = &shape->recording->orders[number];
    const uint32_t was = order->price_ticks > MIDDLE ? order->price_ticks - MIDDLE : MIDDLE - order->price_ticks;
    const uint32_t moved = 1 + (was - 1 + WINDOW + draw(shape, 41) - 20) % WINDOW;
    const uint32_t ticks = moved == was ? 1 + moved % WINDOW : moved;
    record_replace(shape->recording, number, away(order->side, ticks), order->leaves_lots);
}

static void steady_command(struct shape *shape) {
    const uint32_t choice = draw(shape, 100);
    const uint32_t live = shape->recording->live_count;
    if (live < ACTIVE / 2 || (choice < 15 && live < ACTIVE)) {
        steady_order(shape);
    } else if (choice < 15) {
        record_cancel(shape->recording, drawn_live(shape));
    } else if (choice < 18) {
        const uint8_t of_side = side(shape);
        take(shape, of_side, of_side == WIRE_SIDE_BUY ? MIDDLE + WINDOW : MIDDLE - WINDOW, 1 + draw(shape, 6));
    } else {
        steady_move(shape);
    }
}

static void steady(struct shape *shape, uint32_t count, uint32_t resting) {
    const uint32_t levels = resting / PER_LEVEL / 2 + 1;
    for (uint32_t i = ACTIVE; i < resting; i++) {
        const uint8_t of_side = side(shape);
        (void)rest(shape, of_side, away(of_side, WINDOW + 1 + draw(shape, levels)), 1 + draw(shape, 100));
    }
    recording_live_only_new(shape->recording);
    for (uint32_t i = 0; i < ACTIVE; i++) {
        steady_order(shape);
    }
    recording_start_timed(shape->recording);
    for (uint32_t i = 0; i < count; i++) {
        steady_command(shape);
    }
}

/* ---- hostile ---- */

/* One order on each of ever more levels, none of which shares a page with another, then all of them canceled. */
static void level_flood(struct shape *shape, uint32_t count, uint32_t resting) {
    (void)resting;
    recording_start_timed(shape->recording);
    const uint32_t levels = count / 2;
    for (uint32_t i = 0; i < levels; i++) {
        const uint8_t of_side = (uint8_t)(WIRE_SIDE_BUY + i % 2);
        (void)rest(shape, of_side, away(of_side, MIDDLE - TICKS_PER_PAGE - i / 2 * TICKS_PER_PAGE), 1);
    }
    cancel_shuffled(shape);
}

/* The best offer comes and goes before a gap of half a million ticks, by trade and by cancel. */
static void flicker(struct shape *shape, uint32_t count, uint32_t resting) {
    for (uint32_t i = 0; i < resting; i++) {
        (void)rest(shape, WIRE_SIDE_SELL, MIDDLE + FAR + draw(shape, 1000), 10);
        (void)rest(shape, WIRE_SIDE_BUY, MIDDLE - FAR - draw(shape, 1000), 10);
    }
    recording_start_timed(shape->recording);
    for (uint32_t i = 0; i < count / 4; i++) {
        const uint32_t number = rest(shape, WIRE_SIDE_SELL, MIDDLE + 1, 1);
        record_cancel(shape->recording, number);
        (void)rest(shape, WIRE_SIDE_BUY, MIDDLE - 1, 1);
        take(shape, WIRE_SIDE_SELL, MIDDLE - 1, 1);
    }
}

/* All orders of a book leave it one by one, from anywhere in queues a thousand long. */
static void cancel_storm(struct shape *shape, uint32_t count, uint32_t resting) {
    (void)resting;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t of_side = side(shape);
        (void)rest(shape, of_side, away(of_side, 1 + draw(shape, count / 2000 + 1)), 1 + draw(shape, 100));
    }
    recording_start_timed(shape->recording);
    cancel_shuffled(shape);
}

/* Clients who ask for orders that are gone, never were, or are another's, by OrderID and by ClOrdIDs that differ in one
   character. */
static void id_patterns(struct shape *shape, uint32_t count, uint32_t resting) {
    for (uint32_t i = 0; i < resting; i++) {
        const uint8_t of_side = side(shape);
        (void)rest(shape, of_side, away(of_side, 1 + draw(shape, 100000)), 1);
    }
    recording_start_timed(shape->recording);
    for (uint32_t i = 0; i < count; i++) {
        const struct placed *order = &shape->recording->orders[1 + draw(shape, resting)];
        char clordid[33];
        (void)snprintf(clordid, sizeof clordid, "%032u", draw(shape, 1 << 20));
        const uint64_t ids[4] = {order->order_id, order->order_id + (UINT64_C(1) << 32),
                                 (uint64_t)draw(shape, UINT32_MAX) << 32 | draw(shape, UINT32_MAX), 0};
        const uint32_t asker = i % 4 == 0 ? 1 + order->user % USERS : order->user;
        record_cancel_by(shape->recording, asker, order->side, ids[i % 4], ids[i % 4] == 0 ? clordid : "");
    }
}

/* One order takes as many others as a command may, again and again. */
static void longest_sweep(struct shape *shape, uint32_t count, uint32_t resting) {
    (void)resting;
    recording_start_timed(shape->recording);
    for (uint32_t done = 0; done < count; done += FILLS_MAX + 2) {
        for (uint32_t i = 0; i < FILLS_MAX + 1; i++) {
            (void)rest(shape, WIRE_SIDE_SELL, MIDDLE + i * 2, 1);
        }
        take(shape, WIRE_SIDE_BUY, MIDDLE + FILLS_MAX * 2, FILLS_MAX * 2);
        record_cancel(shape->recording, drawn_live(shape));
    }
}

/* Icebergs that show one lot each: every fill but the last of one brings its next part to the back of the level. */
static void iceberg_refills(struct shape *shape, uint32_t count, uint32_t resting) {
    for (uint32_t i = 0; i < resting; i++) {
        (void)place(shape, (struct ticket){.side = WIRE_SIDE_SELL,
                                           .order_type = WIRE_ORDER_TYPE_LIMIT,
                                           .time_in_force = WIRE_TIME_IN_FORCE_GOOD_TILL_CANCEL,
                                           .price_ticks = MIDDLE,
                                           .quantity_lots = 1 << 20,
                                           .display_lots = 1});
    }
    recording_start_timed(shape->recording);
    for (uint32_t done = 0; done < count; done += FILLS_MAX) {
        take(shape, WIRE_SIDE_BUY, MIDDLE, FILLS_MAX * 2);
    }
}

/* Sell stops under each other, each of which trades at the price that triggers the next. */
static void stop_cascade(struct shape *shape, uint32_t count, uint32_t resting) {
    recording_start_timed(shape->recording);
    for (uint32_t done = 0; done < count; done += 2 * resting + 3) {
        (void)rest(shape, WIRE_SIDE_BUY, MIDDLE, 1);
        take(shape, WIRE_SIDE_SELL, MIDDLE, 1); /* the last price is above all stops again */
        for (uint32_t i = 1; i <= resting; i++) {
            (void)rest(shape, WIRE_SIDE_BUY, MIDDLE - i, 1);
            (void)place(shape, (struct ticket){.side = WIRE_SIDE_SELL,
                                               .order_type = WIRE_ORDER_TYPE_STOP,
                                               .time_in_force = WIRE_TIME_IN_FORCE_GOOD_TILL_CANCEL,
                                               .stop_price_ticks = MIDDLE - i,
                                               .quantity_lots = 1});
        }
        take(shape, WIRE_SIDE_SELL, MIDDLE - 1, 1);
    }
}

/* Sessions cancel all they have at once, each thousands of orders. */
static void mass_cancel(struct shape *shape, uint32_t count, uint32_t resting) {
    (void)count;
    for (uint32_t i = 0; i < resting; i++) {
        const uint8_t of_side = side(shape);
        (void)rest(shape, of_side, away(of_side, 1 + draw(shape, 100000)), 1);
    }
    recording_start_timed(shape->recording);
    for (uint32_t session = 1; session <= SESSIONS; session++) {
        record_mass_cancel(shape->recording, session);
    }
}

/* A thousand prices with a thousand orders each, to weigh a resting order where levels cost nothing. */
static void dense(struct shape *shape, uint32_t count, uint32_t resting) {
    for (uint32_t i = 0; i < resting; i++) {
        const uint8_t of_side = side(shape);
        (void)rest(shape, of_side, away(of_side, 1 + draw(shape, 500)), 1 + draw(shape, 100));
    }
    recording_start_timed(shape->recording);
    for (uint32_t i = 0; i < count; i++) {
        record_cancel(shape->recording, drawn_live(shape));
    }
}

static const struct {
    const char *name;
    void (*record)(struct shape *shape, uint32_t count, uint32_t resting);
} SHAPES[] = {
    {"steady", steady},
    {"level_flood", level_flood},
    {"flicker", flicker},
    {"cancel_storm", cancel_storm},
    {"id_patterns", id_patterns},
    {"longest_sweep", longest_sweep},
    {"iceberg_refills", iceberg_refills},
    {"stop_cascade", stop_cascade},
    {"mass_cancel", mass_cancel},
    {"dense", dense},
};

void shape_record(struct recording *recording, const char *name, uint32_t count, uint32_t resting) {
    const uint32_t messages = 2 * (count + resting) + SPARE * 4;
    const struct room room = {.orders = count + 2 * resting + SPARE,
                              .price_pages = count + 2 * resting + SPARE,
                              .clordids = messages,
                              .instruments = 1,
                              .limited = true};
    struct shape shape = {.recording = recording, .random = 42, .next = 1};
    recording_open(recording, &room, messages + count, messages);
    for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++) {
        if (strcmp(SHAPES[i].name, name) == 0) {
            SHAPES[i].record(&shape, count, resting);
            recording_finish(recording);
            return;
        }
    }
    market_fail("there is no shape of that name");
}
