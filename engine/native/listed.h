/* Open orders as their session, account and exposure count them: who lists an order counts it in all three, once. */
#ifndef VENUE_LISTED_H
#define VENUE_LISTED_H

#include "state.h"

static inline void move_open_lots(struct core *core, const struct order *order, int64_t lots) {
    struct exposure *exposure = exposure_of(&core->accounts, order->account, order->instrument);
    int64_t *open = order->side == WIRE_SIDE_BUY ? &exposure->open_buy_lots : &exposure->open_sell_lots;
    *open += lots;
    INVARIANT(*open >= 0, "open lots are the leaves of open orders");
    exposure_changed(&core->accounts, order->account, order->instrument);
}

/* The times in force that somebody else keeps a list of. */
static inline bool kept_elsewhere(uint8_t time_in_force) {
    return time_in_force >= WIRE_TIME_IN_FORCE_GOOD_TILL_DATE;
}

void list_elsewhere(struct core *core, uint32_t index);
void unlist_elsewhere(struct core *core, uint32_t index);

static inline void join_account(struct core *core, const struct order *order, uint32_t index) {
    struct account *account = &core->accounts.accounts[order->account];
    struct order_details *details = core->books.details;
    details[index].account_newer = 0;
    details[index].account_older = account->newest_order;
    if (account->newest_order != 0) {
        details[account->newest_order].account_newer = index;
    }
    account->newest_order = index;
    account->open_orders++;
    account_changed(&core->accounts, order->account);
}

static inline void leave_account(struct core *core, const struct order *order, uint32_t index) {
    struct account *account = &core->accounts.accounts[order->account];
    struct order_details *details = core->books.details;
    const uint32_t newer = details[index].account_newer;
    const uint32_t older = details[index].account_older;
    if (newer == 0) {
        INVARIANT(account->newest_order == index, "the order without a newer one is the account's newest");
        account->newest_order = older;
    } else {
        details[newer].account_older = older;
    }
    if (older != 0) {
        details[older].account_newer = newer;
    }
    VENUE_ASSERT(account->open_orders > 0, "an open order counts in its account");
    account->open_orders--;
    account_changed(&core->accounts, order->account);
}

static inline void list_order(struct core *core, struct order *order, uint32_t index) {
    if ((order->flags & ORDER_LISTED) != 0) {
        return;
    }
    order->flags |= ORDER_LISTED;
    core->sessions.sessions[order->session].open_orders++;
    session_changed(&core->sessions, order->session);
    join_account(core, order, index);
    move_open_lots(core, order, order->leaves_lots);
    if (__builtin_expect(kept_elsewhere(order->time_in_force), 0)) {
        list_elsewhere(core, index);
    }
}

static inline void unlist_order(struct core *core, struct order *order, uint32_t index) {
    if ((order->flags & ORDER_LISTED) == 0) {
        return;
    }
    struct session *session = &core->sessions.sessions[order->session];
    VENUE_ASSERT(session->open_orders > 0, "an open order counts in its session");
    session->open_orders--;
    session_changed(&core->sessions, order->session);
    leave_account(core, order, index);
    if (order->leaves_lots != 0) {
        move_open_lots(core, order, -order->leaves_lots);
    }
    if (__builtin_expect(kept_elsewhere(order->time_in_force), 0)) {
        unlist_elsewhere(core, index);
    }
    order->flags &= (uint8_t)~ORDER_LISTED;
}

#endif
