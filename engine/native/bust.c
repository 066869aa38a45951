/* TradeBust: the economics of a remembered trade reversed (docs/ENGINE.md section 5); orders and statistics stay.

   Every amount is judged before any of them moves, and what one gives another gets: totals do not change. */
#include "money.h"
#include "state.h"

enum { MOVES = 3 };

/* What an account gets (or gives, below 0) of one asset. */
struct move {
    uint32_t account;
    i128 units;
};

/* Accounts that stand in for the two sides. */
struct sides {
    uint32_t buyer;
    uint32_t seller;
};

static bool covers(const struct core *core, uint32_t account, uint32_t asset, int64_t units) {
    return balance_of(&core->accounts, account, asset)->available_units >= units;
}

/* The account itself if it covers what it must give back, else the guarantor, else 0. */
static uint32_t who_covers(const struct core *core, uint32_t account, uint32_t guarantor, uint32_t asset,
                           int64_t units) {
    if (covers(core, account, asset, units)) {
        return account;
    }
    return guarantor != 0 && covers(core, guarantor, asset, units) ? guarantor : 0;
}

/* Quote that moves: the buyer side gets its money and its fee back, the seller side gives what it got, the fee account
 * gives both fees. */
static void quote_moves(const struct core *core, const struct remembered_trade *trade, const struct sides *sides,
                        struct move moves[MOVES]) {
    moves[0] = (struct move){sides->buyer, (i128)trade->notional_units + trade->buyer_fee_units};
    moves[1] = (struct move){sides->seller, (i128)trade->seller_fee_units - trade->notional_units};
    moves[2] = (struct move){core->accounts.fee_account, -((i128)trade->buyer_fee_units + trade->seller_fee_units)};
    for (int i = 1; i < MOVES; i++) {
        for (int j = 0; j < i; j++) {
            if (moves[j].account == moves[i].account) {
                moves[j].units += moves[i].units;
                moves[i].units = 0;
                break;
            }
        }
    }
}

/* What the moves leave the fee account with is not below 0. */
static bool fee_account_covers(const struct core *core, uint32_t quote, const struct move moves[MOVES]) {
    i128 left = balance_of(&core->accounts, core->accounts.fee_account, quote)->available_units;
    for (int i = 0; i < MOVES; i++) {
        left += moves[i].account == core->accounts.fee_account ? moves[i].units : 0;
    }
    return left >= 0;
}

static uint16_t judge(const struct core *core, const struct wire_trade_bust *command,
                      const struct remembered_trade *trade, struct sides *sides) {
    if (trade == NULL) {
        return WIRE_REASON_UNKNOWN_TRADE;
    }
    if (trade->busted != 0) {
        return WIRE_REASON_ALREADY_BUSTED;
    }
    if (command->guarantor != 0 && account_find(&core->accounts, command->guarantor) == NULL) {
        return WIRE_REASON_UNKNOWN_ACCOUNT;
    }
    const uint8_t kind = command->guarantor != 0 ? core->accounts.accounts[command->guarantor].kind : 0;
    if (kind == WIRE_ACCOUNT_KIND_FEE || kind == WIRE_ACCOUNT_KIND_SUSPENSE) {
        return WIRE_REASON_INVALID_REFERENCE;
    }
    const struct wire_instrument_set *listing = &core->instruments.instruments[trade->instrument].content;
    sides->buyer = who_covers(core, trade->buyer_account, command->guarantor, listing->base,
                              trade->quantity_lots * listing->lot_units);
    sides->seller = who_covers(core, trade->seller_account, command->guarantor, listing->quote,
                               trade->notional_units - trade->seller_fee_units);
    if (sides->buyer == 0 || sides->seller == 0) {
        return WIRE_REASON_CANNOT_COVER;
    }
    struct move moves[MOVES];
    quote_moves(core, trade, sides, moves);
    return fee_account_covers(core, listing->quote, moves) ? WIRE_REASON_NONE : WIRE_REASON_CANNOT_COVER;
}

static void reverse(struct core *core, const struct remembered_trade *trade, const struct sides *sides) {
    const struct wire_instrument_set *listing = &core->instruments.instruments[trade->instrument].content;
    const int64_t base_units = trade->quantity_lots * listing->lot_units;
    struct move moves[MOVES];
    quote_moves(core, trade, sides, moves);
    balance_move(&core->accounts, sides->buyer, listing->base, -base_units, 0);
    balance_move(&core->accounts, sides->seller, listing->base, base_units, 0);
    for (int gives = 1; gives >= 0; gives--) { /* who gives first: no sum ever passes the asset's total */
        for (int i = 0; i < MOVES; i++) {
            if ((moves[i].units < 0) == (gives == 1) && moves[i].units != 0) {
                balance_move(&core->accounts, moves[i].account, listing->quote, (int64_t)moves[i].units, 0);
            }
        }
    }
    exposure_of(&core->accounts, trade->buyer_account, trade->instrument)->position_lots -= trade->quantity_lots;
    exposure_of(&core->accounts, trade->seller_account, trade->instrument)->position_lots += trade->quantity_lots;
    exposure_changed(&core->accounts, trade->buyer_account, trade->instrument);
    exposure_changed(&core->accounts, trade->seller_account, trade->instrument);
}

void apply_trade_bust(struct core *core, const struct wire_trade_bust *command) {
    struct remembered_trade *trade = trades_find(&core->trades, command->trade_id);
    struct sides sides = {0};
    const uint16_t reason = judge(core, command, trade, &sides);
    if (reason != WIRE_REASON_NONE) {
        refuse_command(core, WIRE_TRADE_BUST, WIRE_ROLE_ADMIN, command->trade_id, reason);
        return;
    }
    reverse(core, trade, &sides);
    trades_bust(&core->trades, trade);
    const bool taker_buys = trade->taker_side == WIRE_SIDE_BUY;
    struct wire_trade_busted *event = event_begin(&core->events, WIRE_TRADE_BUSTED, sizeof *event);
    event->trade_id = trade->trade_id;
    event->price_ticks = trade->price_ticks;
    event->quantity_lots = trade->quantity_lots;
    event->notional_units = trade->notional_units;
    event->buyer_fee_units = trade->buyer_fee_units;
    event->seller_fee_units = trade->seller_fee_units;
    event->buyer_account = trade->buyer_account;
    event->seller_account = trade->seller_account;
    event->buyer_side_account = sides.buyer;
    event->seller_side_account = sides.seller;
    event->maker_order_id = taker_buys ? trade->seller_order_id : trade->buyer_order_id;
    event->taker_order_id = taker_buys ? trade->buyer_order_id : trade->seller_order_id;
    event->maker_session = taker_buys ? trade->seller_session : trade->buyer_session;
    event->taker_session = taker_buys ? trade->buyer_session : trade->seller_session;
    event->instrument = trade->instrument;
    event->taker_side = trade->taker_side;
    memcpy(event->operator, command->operator, sizeof event->operator);
    memcpy(event->reason_text, command->reason_text, sizeof event->reason_text);
}
