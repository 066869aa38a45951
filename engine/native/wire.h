/* Generated from engine/wire/core.xml by engine/wire/generate.py: the wire's blocks as C structs, layout asserted.
   Do not edit. */
/* clang-format off */
#ifndef VENUE_WIRE_H
#define VENUE_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum {
  WIRE_SCHEMA_ID = 71,
  WIRE_SCHEMA_VERSION = 2,
  WIRE_DATA_MAX = 512,
};

/* SBE 1.0 section 3.1: precedes every block. */
struct wire_header {
  uint16_t block_length;
  uint16_t template_id;
  uint16_t schema_id;
  uint16_t version;
};
_Static_assert(sizeof(struct wire_header) == 8, "SBE message header is 8 bytes");

/* The endpoint a command came in by; the engine accepts only that role's templates there. */
enum wire_role {
  WIRE_ROLE_INTERNAL = 0,
  WIRE_ROLE_GATEWAY = 1,
  WIRE_ROLE_SETTLEMENT = 2,
  WIRE_ROLE_ADMIN = 3,
  WIRE_ROLE_READER = 4,
  WIRE_ROLE_FEED = 5,
};

/* FIX tag 54. */
enum wire_side {
  WIRE_SIDE_BUY = 1,
  WIRE_SIDE_SELL = 2,
};

/* FIX tag 40. */
enum wire_order_type {
  WIRE_ORDER_TYPE_MARKET = 1,
  WIRE_ORDER_TYPE_LIMIT = 2,
  WIRE_ORDER_TYPE_STOP = 3,
  WIRE_ORDER_TYPE_STOP_LIMIT = 4,
  WIRE_ORDER_TYPE_MARKET_TO_LIMIT = 5,
};

/* FIX tag 59 (Day is 0 there). */
enum wire_time_in_force {
  WIRE_TIME_IN_FORCE_DAY = 1,
  WIRE_TIME_IN_FORCE_GOOD_TILL_CANCEL = 2,
  WIRE_TIME_IN_FORCE_IMMEDIATE_OR_CANCEL = 3,
  WIRE_TIME_IN_FORCE_FILL_OR_KILL = 4,
  WIRE_TIME_IN_FORCE_GOOD_TILL_DATE = 5,
  WIRE_TIME_IN_FORCE_AT_THE_OPENING = 6,
  WIRE_TIME_IN_FORCE_AT_THE_CLOSE = 7,
};

/* What an account is for; exactly one is Fee. */
enum wire_account_kind {
  WIRE_ACCOUNT_KIND_CLIENT = 1,
  WIRE_ACCOUNT_KIND_FEE = 2,
  WIRE_ACCOUNT_KIND_SUSPENSE = 3,
  WIRE_ACCOUNT_KIND_LENDER = 4,
};

/* Ordered by severity: the stricter of venue and instrument applies. */
enum wire_trading_state {
  WIRE_TRADING_STATE_OPEN = 1,
  WIRE_TRADING_STATE_CANCEL_ONLY = 2,
  WIRE_TRADING_STATE_HALTED = 3,
  WIRE_TRADING_STATE_CLOSED = 4,
};

/* Life of a settlement batch on chain. */
enum wire_settlement_state {
  WIRE_SETTLEMENT_STATE_CUT = 1,
  WIRE_SETTLEMENT_STATE_SENT = 2,
  WIRE_SETTLEMENT_STATE_MINED = 3,
  WIRE_SETTLEMENT_STATE_FINAL = 4,
};

/* Status of the order a request named, as the engine knows it. */
enum wire_order_status {
  WIRE_ORDER_STATUS_UNKNOWN = 0,
  WIRE_ORDER_STATUS_OPEN = 1,
  WIRE_ORDER_STATUS_CLOSED = 2,
};

/* Which request a CancelRejected answers (FIX tag 434). */
enum wire_request_kind {
  WIRE_REQUEST_KIND_CANCEL = 1,
  WIRE_REQUEST_KIND_REPLACE = 2,
  WIRE_REQUEST_KIND_MASS_CANCEL = 3,
};

/* Market phase of one instrument. */
enum wire_phase {
  WIRE_PHASE_PRE_OPEN = 1,
  WIRE_PHASE_OPENING_AUCTION = 2,
  WIRE_PHASE_CONTINUOUS = 3,
  WIRE_PHASE_HALT = 4,
  WIRE_PHASE_CLOSING_AUCTION = 5,
  WIRE_PHASE_CLOSED = 6,
  WIRE_PHASE_VOLATILITY_AUCTION = 7,
};

/* Why the phase changed. */
enum wire_phase_cause {
  WIRE_PHASE_CAUSE_OPERATOR = 1,
  WIRE_PHASE_CAUSE_SCHEDULE = 2,
  WIRE_PHASE_CAUSE_PRICE_BAND = 3,
  WIRE_PHASE_CAUSE_AUCTION_END = 4,
};

/* What happens when two orders of one stp_key would trade; the taker's mode wins. */
enum wire_self_trade_prevention {
  WIRE_SELF_TRADE_PREVENTION_NONE = 0,
  WIRE_SELF_TRADE_PREVENTION_CANCEL_NEWEST = 1,
  WIRE_SELF_TRADE_PREVENTION_CANCEL_OLDEST = 2,
  WIRE_SELF_TRADE_PREVENTION_CANCEL_BOTH = 3,
  WIRE_SELF_TRADE_PREVENTION_DECREMENT = 4,
};

/* Which price triggers a stop order. */
enum wire_stop_trigger {
  WIRE_STOP_TRIGGER_LAST_TRADE = 1,
  WIRE_STOP_TRIGGER_REFERENCE_PRICE = 2,
};

/* Whom a kill switch blocks. */
enum wire_kill_scope {
  WIRE_KILL_SCOPE_ACCOUNT = 1,
  WIRE_KILL_SCOPE_SESSION = 2,
  WIRE_KILL_SCOPE_PARTICIPANT = 3,
  WIRE_KILL_SCOPE_VENUE = 4,
};

/* Why something was refused, canceled or expired; fixgw maps it to FIX, one table. */
enum wire_reason {
  WIRE_REASON_NONE = 0,
  WIRE_REASON_DUPLICATE_CL_ORD_ID = 1,
  WIRE_REASON_POSS_RESEND_DUPLICATE = 2,
  WIRE_REASON_CL_ORD_ID_TABLE_FULL = 3,
  WIRE_REASON_UNKNOWN_INSTRUMENT = 4,
  WIRE_REASON_UNKNOWN_ACCOUNT = 5,
  WIRE_REASON_ACCOUNT_NOT_PERMITTED = 6,
  WIRE_REASON_ACCOUNT_DISABLED = 7,
  WIRE_REASON_MARKET_NOT_OPEN = 8,
  WIRE_REASON_INVALID_SIDE = 9,
  WIRE_REASON_INVALID_ORDER_TYPE = 10,
  WIRE_REASON_INVALID_TIME_IN_FORCE = 11,
  WIRE_REASON_INVALID_QUANTITY = 12,
  WIRE_REASON_PRICE_OUT_OF_RANGE = 13,
  WIRE_REASON_NO_LIQUIDITY = 14,
  WIRE_REASON_NOTIONAL_TOO_LARGE = 15,
  WIRE_REASON_TOO_MANY_OPEN_ORDERS = 16,
  WIRE_REASON_ORDER_POOL_FULL = 17,
  WIRE_REASON_BOOK_FULL = 18,
  WIRE_REASON_INSUFFICIENT_FUNDS = 19,
  WIRE_REASON_UNKNOWN_ORDER = 20,
  WIRE_REASON_TOO_LATE_TO_CANCEL = 21,
  WIRE_REASON_ORDER_MISMATCH = 22,
  WIRE_REASON_INVALID_CL_ORD_ID = 23,
  WIRE_REASON_CANCELED_BY_CLIENT = 40,
  WIRE_REASON_CANCELED_IMMEDIATE_OR_CANCEL = 41,
  WIRE_REASON_CANCELED_FILL_OR_KILL = 42,
  WIRE_REASON_CANCELED_MAX_FILLS = 43,
  WIRE_REASON_EXPIRED_END_OF_DAY = 44,
  WIRE_REASON_MALFORMED = 60,
  WIRE_REASON_WRONG_ROLE = 61,
  WIRE_REASON_UNKNOWN_SESSION = 62,
  WIRE_REASON_SESSION_DISABLED = 63,
  WIRE_REASON_NOT_ATTACHED = 64,
  WIRE_REASON_STALE_GENERATION = 65,
  WIRE_REASON_WRONG_EPOCH = 66,
  WIRE_REASON_OUT_OF_SEQUENCE = 67,
  WIRE_REASON_UNKNOWN_ASSET = 68,
  WIRE_REASON_INVALID_AMOUNT = 69,
  WIRE_REASON_INVALID_REFERENCE = 70,
  WIRE_REASON_CAPACITY_EXCEEDED = 71,
  WIRE_REASON_INVALID_STATE = 72,
  WIRE_REASON_OVERLOADED = 73,
  WIRE_REASON_KILL_SWITCH = 24,
  WIRE_REASON_MARKET_MAKER_PROTECTION = 25,
  WIRE_REASON_PHASE_NOT_ALLOWED = 26,
  WIRE_REASON_PRICE_NOT_ON_TICK = 27,
  WIRE_REASON_QUANTITY_NOT_ON_LOT = 28,
  WIRE_REASON_QUANTITY_TOO_SMALL = 29,
  WIRE_REASON_NOTIONAL_TOO_SMALL = 30,
  WIRE_REASON_PRICE_TOO_FAR = 31,
  WIRE_REASON_ORDER_QUANTITY_LIMIT = 32,
  WIRE_REASON_ORDER_NOTIONAL_LIMIT = 33,
  WIRE_REASON_POSITION_LIMIT = 34,
  WIRE_REASON_TOO_MANY_OPEN_ORDERS_OF_ACCOUNT = 35,
  WIRE_REASON_POST_ONLY_WOULD_TRADE = 36,
  WIRE_REASON_INVALID_STOP_PRICE = 37,
  WIRE_REASON_INVALID_DISPLAY_QUANTITY = 38,
  WIRE_REASON_INVALID_MIN_QUANTITY = 39,
  WIRE_REASON_EXPIRED_GOOD_TILL_DATE = 45,
  WIRE_REASON_CANCELED_MIN_QUANTITY = 46,
  WIRE_REASON_CANCELED_SELF_TRADE = 47,
  WIRE_REASON_CANCELED_MARKET_MAKER_PROTECTION = 48,
  WIRE_REASON_CANCELED_KILL_SWITCH = 49,
  WIRE_REASON_CANCELED_MASS_CANCEL = 50,
  WIRE_REASON_CANCELED_AUCTION_ONLY = 51,
  WIRE_REASON_CANCELED_PRICE_BAND = 52,
  WIRE_REASON_INVALID_EXPIRY = 53,
  WIRE_REASON_NO_REFERENCE_PRICE = 54,
  WIRE_REASON_CANCELED_BY_OPERATOR = 55,
  WIRE_REASON_INVALID_SELF_TRADE_PREVENTION = 56,
  WIRE_REASON_UNKNOWN_TRADE = 74,
  WIRE_REASON_ALREADY_BUSTED = 75,
  WIRE_REASON_CANNOT_COVER = 76,
};

enum wire_template {
  WIRE_HELLO = 1,
  WIRE_HELLO_ACK = 2,
  WIRE_HEARTBEAT = 3,
  WIRE_GAP = 4,
  WIRE_REFUSED = 5,
  WIRE_CUT_OFF = 6,
  WIRE_REPLAY_REQUEST = 7,
  WIRE_EPOCH_START = 10,
  WIRE_LIMITS_SET = 11,
  WIRE_ASSET_SET = 12,
  WIRE_INSTRUMENT_SET = 13,
  WIRE_ACCOUNT_SET = 14,
  WIRE_SESSION_SET = 15,
  WIRE_CREDIT = 16,
  WIRE_TRADING_STATE_SET = 17,
  WIRE_END_OF_DAY = 18,
  WIRE_CONTINUE = 19,
  WIRE_CHECKPOINT = 20,
  WIRE_SETTLEMENT_STATUS = 21,
  WIRE_SESSION_ATTACH = 22,
  WIRE_NEW_ORDER = 23,
  WIRE_CANCEL_ORDER = 24,
  WIRE_REPLACE_ORDER = 25,
  WIRE_STATE_HASH = 26,
  WIRE_MASS_CANCEL = 27,
  WIRE_PHASE_SET = 28,
  WIRE_SCHEDULE_SET = 29,
  WIRE_REFERENCE_PRICE_SET = 30,
  WIRE_TICK_BAND_SET = 31,
  WIRE_FEE_SCHEDULE_SET = 32,
  WIRE_RISK_LIMITS_SET = 33,
  WIRE_MARKET_MAKER_PROTECTION_SET = 34,
  WIRE_MARKET_MAKER_PROTECTION_RESET = 35,
  WIRE_KILL_SWITCH_SET = 36,
  WIRE_OPERATOR_CANCEL = 37,
  WIRE_TRANSFER = 38,
  WIRE_TRADE_BUST = 39,
  WIRE_CLOCK_TICK = 40,
  WIRE_EPOCH_STARTED = 100,
  WIRE_LIMITS_DEFINED = 101,
  WIRE_ASSET_DEFINED = 102,
  WIRE_INSTRUMENT_DEFINED = 103,
  WIRE_ACCOUNT_DEFINED = 104,
  WIRE_SESSION_DEFINED = 105,
  WIRE_SESSION_ATTACHED = 106,
  WIRE_ORDER_ACCEPTED = 110,
  WIRE_ORDER_REJECTED = 111,
  WIRE_ORDER_REPLACED = 112,
  WIRE_ORDER_CANCELED = 113,
  WIRE_CANCEL_REJECTED = 114,
  WIRE_TRADE = 115,
  WIRE_ORDER_TRIGGERED = 116,
  WIRE_ORDER_REFILLED = 117,
  WIRE_ORDER_REDUCED = 118,
  WIRE_MASS_CANCELED = 119,
  WIRE_CREDITED = 120,
  WIRE_COMMAND_REFUSED = 121,
  WIRE_TRADING_STATE_CHANGED = 122,
  WIRE_DAY_ENDED = 123,
  WIRE_CHECKPOINT_BALANCE = 124,
  WIRE_CHECKPOINT_ENDED = 125,
  WIRE_SETTLEMENT_STATUS_CHANGED = 126,
  WIRE_PHASE_CHANGED = 127,
  WIRE_AUCTION_INDICATIVE = 128,
  WIRE_AUCTION_UNCROSSED = 129,
  WIRE_REFERENCE_PRICE_CHANGED = 130,
  WIRE_SCHEDULE_DEFINED = 131,
  WIRE_TICK_BAND_DEFINED = 132,
  WIRE_FEE_SCHEDULE_DEFINED = 133,
  WIRE_RISK_LIMITS_DEFINED = 134,
  WIRE_MARKET_MAKER_PROTECTION_DEFINED = 135,
  WIRE_MARKET_MAKER_PROTECTION_CHANGED = 136,
  WIRE_KILL_SWITCH_CHANGED = 137,
  WIRE_TRANSFERRED = 138,
  WIRE_TRADE_BUSTED = 139,
  WIRE_STATISTICS_RECORDED = 140,
};

/* consumer to events socket: send me live events; last_epoch is the epoch of event from_sequence - 1 as the consumer saw it (0: none). In durability interval and none Gateway and Feed get events before they are durable, all others never do. */
struct wire_hello {
  uint8_t role;
  uint8_t diverged;
  uint8_t reserved2[2];
  uint32_t last_epoch;
  uint64_t from_sequence;
  char consumer[16];
};
_Static_assert(sizeof(struct wire_hello) == 32, "SBE blockLength");
_Static_assert(offsetof(struct wire_hello, role) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_hello, diverged) == 1, "SBE offset");
_Static_assert(offsetof(struct wire_hello, last_epoch) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_hello, from_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_hello, consumer) == 16, "SBE offset");

/* live events start at live_sequence; fetch [from_sequence, live_sequence) by ReplayRequest. diverged: the consumer saw events this engine never made durable; it must drop its state. */
struct wire_hello_ack {
  uint32_t epoch;
  uint8_t diverged;
  uint8_t reserved2[3];
  uint64_t live_sequence;
  uint64_t first_sequence;
};
_Static_assert(sizeof(struct wire_hello_ack) == 24, "SBE blockLength");
_Static_assert(offsetof(struct wire_hello_ack, epoch) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_hello_ack, diverged) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_hello_ack, live_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_hello_ack, first_sequence) == 16, "SBE offset");

/* publisher to consumer when idle; next_sequence is the next event to come. */
struct wire_heartbeat {
  uint32_t epoch;
  uint8_t reserved1[4];
  uint64_t next_sequence;
  uint64_t time_ns;
};
_Static_assert(sizeof(struct wire_heartbeat) == 24, "SBE blockLength");
_Static_assert(offsetof(struct wire_heartbeat, epoch) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_heartbeat, next_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_heartbeat, time_ns) == 16, "SBE offset");

/* command not applied: its prev_client_seq is not the last applied one. */
struct wire_gap {
  uint32_t session;
  uint32_t session_epoch;
  uint64_t client_seq;
  uint64_t last_client_seq;
};
_Static_assert(sizeof(struct wire_gap) == 24, "SBE blockLength");
_Static_assert(offsetof(struct wire_gap, session) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_gap, session_epoch) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_gap, client_seq) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_gap, last_client_seq) == 16, "SBE offset");

/* command not applied and not journaled. */
struct wire_refused {
  uint16_t reason;
  uint16_t template_id;
  uint32_t session;
  uint64_t client_seq;
};
_Static_assert(sizeof(struct wire_refused) == 16, "SBE blockLength");
_Static_assert(offsetof(struct wire_refused, reason) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_refused, template_id) == 2, "SBE offset");
_Static_assert(offsetof(struct wire_refused, session) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_refused, client_seq) == 8, "SBE offset");

/* publisher to slow consumer: you are cut off; catch up from the replay socket and send Hello again. */
struct wire_cut_off {
  uint32_t epoch;
  uint8_t reserved1[4];
  uint64_t next_sequence;
};
_Static_assert(sizeof(struct wire_cut_off) == 16, "SBE blockLength");
_Static_assert(offsetof(struct wire_cut_off, epoch) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_cut_off, next_sequence) == 8, "SBE offset");

/* answered by one Replay frame (possibly empty) whose first event is from_sequence, or by a HelloAck with diverged = 1 when event from_sequence - 1 is not of last_epoch (0: not checked). */
struct wire_replay_request {
  uint64_t from_sequence;
  uint32_t last_epoch;
  uint32_t max_bytes;
};
_Static_assert(sizeof(struct wire_replay_request) == 16, "SBE blockLength");
_Static_assert(offsetof(struct wire_replay_request, from_sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_replay_request, last_epoch) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_replay_request, max_bytes) == 12, "SBE offset");

/* first command of every engine start; unclean makes the venue CancelOnly until an operator resumes it. */
struct wire_epoch_start {
  uint32_t epoch;
  uint32_t rules_version;
  uint8_t unclean;
  uint8_t reserved3[7];
  char venue[16];
  uint8_t cfg_sha256[32];
};
_Static_assert(sizeof(struct wire_epoch_start) == 64, "SBE blockLength");
_Static_assert(offsetof(struct wire_epoch_start, epoch) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_epoch_start, rules_version) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_epoch_start, unclean) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_epoch_start, venue) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_epoch_start, cfg_sha256) == 32, "SBE offset");

/* limits that can cause a reject. */
struct wire_limits_set {
  uint32_t max_orders;
  uint32_t max_price_pages;
  uint32_t max_open_orders_per_session;
  uint32_t max_clordids;
  uint32_t max_fills_per_command;
  uint32_t max_events_per_part;
  uint32_t max_open_orders_per_account;
  uint32_t max_bustable_trades;
};
_Static_assert(sizeof(struct wire_limits_set) == 32, "SBE blockLength");
_Static_assert(offsetof(struct wire_limits_set, max_orders) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_limits_set, max_price_pages) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_limits_set, max_open_orders_per_session) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_limits_set, max_clordids) == 12, "SBE offset");
_Static_assert(offsetof(struct wire_limits_set, max_fills_per_command) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_limits_set, max_events_per_part) == 20, "SBE offset");
_Static_assert(offsetof(struct wire_limits_set, max_open_orders_per_account) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_limits_set, max_bustable_trades) == 28, "SBE offset");

/* AssetSet. */
struct wire_asset_set {
  uint32_t asset;
  uint8_t decimals;
  uint8_t reserved2[3];
  char symbol[8];
};
_Static_assert(sizeof(struct wire_asset_set) == 16, "SBE blockLength");
_Static_assert(offsetof(struct wire_asset_set, asset) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_asset_set, decimals) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_asset_set, symbol) == 8, "SBE offset");

/* notional_units = price_ticks x quantity_lots x tick_units; base units = lots x lot_units; tick size = tick_mantissa x 10^-tick_exponent. */
struct wire_instrument_set {
  uint32_t instrument;
  uint32_t base;
  uint32_t quote;
  uint8_t reserved3[4];
  int64_t tick_units;
  int64_t lot_units;
  int64_t price_min_ticks;
  int64_t price_max_ticks;
  int64_t quantity_max_lots;
  int64_t notional_max_units;
  int64_t protection_ticks;
  int32_t maker_fee_ppm;
  int32_t taker_fee_ppm;
  uint8_t tick_exponent;
  uint8_t lot_exponent;
  uint8_t reserved14[6];
  int64_t tick_mantissa;
  int64_t lot_mantissa;
  char symbol[16];
  int64_t quantity_min_lots;
  int64_t notional_min_units;
  uint32_t static_band_ppm;
  uint32_t dynamic_band_ppm;
  uint32_t volatility_auction_ms;
  uint8_t initial_phase;
  uint8_t reserved_end[3];
};
_Static_assert(sizeof(struct wire_instrument_set) == 152, "SBE blockLength");
_Static_assert(offsetof(struct wire_instrument_set, instrument) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, base) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, quote) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, tick_units) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, lot_units) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, price_min_ticks) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, price_max_ticks) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, quantity_max_lots) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, notional_max_units) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, protection_ticks) == 64, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, maker_fee_ppm) == 72, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, taker_fee_ppm) == 76, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, tick_exponent) == 80, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, lot_exponent) == 81, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, tick_mantissa) == 88, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, lot_mantissa) == 96, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, symbol) == 104, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, quantity_min_lots) == 120, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, notional_min_units) == 128, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, static_band_ppm) == 136, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, dynamic_band_ppm) == 140, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, volatility_auction_ms) == 144, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_set, initial_phase) == 148, "SBE offset");

/* AccountSet. */
struct wire_account_set {
  uint32_t account;
  uint32_t participant;
  uint8_t kind;
  uint8_t enabled;
  uint8_t reserved4[6];
  char name[16];
  uint32_t stp_key;
  uint8_t stp_mode;
  uint8_t fee_tier;
  uint8_t reserved_end[2];
};
_Static_assert(sizeof(struct wire_account_set) == 40, "SBE blockLength");
_Static_assert(offsetof(struct wire_account_set, account) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_account_set, participant) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_account_set, kind) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_account_set, enabled) == 9, "SBE offset");
_Static_assert(offsetof(struct wire_account_set, name) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_account_set, stp_key) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_account_set, stp_mode) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_account_set, fee_tier) == 37, "SBE offset");

/* SessionSet. */
struct wire_session_set {
  uint32_t session;
  uint32_t participant;
  uint8_t enabled;
  uint8_t reserved3[7];
  char comp_id[32];
};
_Static_assert(sizeof(struct wire_session_set) == 48, "SBE blockLength");
_Static_assert(offsetof(struct wire_session_set, session) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_session_set, participant) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_session_set, enabled) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_session_set, comp_id) == 16, "SBE offset");

/* settlement: a final deposit; deposit_seq must be last + 1. */
struct wire_credit {
  uint32_t account;
  uint32_t asset;
  int64_t amount_units;
  uint64_t deposit_seq;
  uint64_t block_number;
  uint8_t transaction_hash[32];
};
_Static_assert(sizeof(struct wire_credit) == 64, "SBE blockLength");
_Static_assert(offsetof(struct wire_credit, account) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_credit, asset) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_credit, amount_units) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_credit, deposit_seq) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_credit, block_number) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_credit, transaction_hash) == 32, "SBE offset");

/* admin: instrument 0 is the whole venue. */
struct wire_trading_state_set {
  uint32_t instrument;
  uint8_t state;
  uint8_t reserved2[3];
  char operator[16];
  char reason_text[48];
};
_Static_assert(sizeof(struct wire_trading_state_set) == 72, "SBE blockLength");
_Static_assert(offsetof(struct wire_trading_state_set, instrument) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_trading_state_set, state) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_trading_state_set, operator) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_trading_state_set, reason_text) == 24, "SBE offset");

/* admin: DAY orders expire, ClOrdIDs may be used again; day is yyyymmdd and must grow. */
struct wire_end_of_day {
  uint32_t day;
  uint8_t reserved1[4];
  char operator[16];
};
_Static_assert(sizeof(struct wire_end_of_day) == 24, "SBE blockLength");
_Static_assert(offsetof(struct wire_end_of_day, day) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_end_of_day, operator) == 8, "SBE offset");

/* settlement: emit every balance; checkpoint must be last + 1. */
struct wire_checkpoint {
  uint64_t checkpoint;
};
_Static_assert(sizeof(struct wire_checkpoint) == 8, "SBE blockLength");
_Static_assert(offsetof(struct wire_checkpoint, checkpoint) == 0, "SBE offset");

/* settlement: progress of a batch. */
struct wire_settlement_status {
  uint64_t batch;
  uint64_t first_sequence;
  uint64_t last_sequence;
  uint64_t block_number;
  uint8_t state;
  uint8_t reserved5[7];
  uint8_t transaction_hash[32];
};
_Static_assert(sizeof(struct wire_settlement_status) == 72, "SBE blockLength");
_Static_assert(offsetof(struct wire_settlement_status, batch) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_settlement_status, first_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_settlement_status, last_sequence) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_settlement_status, block_number) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_settlement_status, state) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_settlement_status, transaction_hash) == 40, "SBE offset");

/* gateway: fence older generations; reset starts a new session epoch; same token again is a duplicate. */
struct wire_session_attach {
  uint32_t session;
  uint32_t gateway;
  uint64_t gateway_instance;
  uint64_t token;
  uint8_t reset;
  uint8_t reserved_end[7];
};
_Static_assert(sizeof(struct wire_session_attach) == 32, "SBE blockLength");
_Static_assert(offsetof(struct wire_session_attach, session) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_session_attach, gateway) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_session_attach, gateway_instance) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_session_attach, token) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_session_attach, reset) == 24, "SBE offset");

/* price_ticks is ignored for Market, Stop and MarketToLimit; 0 in stop_price_ticks, display_lots, min_lots, expire_ns, stp_mode: not given; received_ns: when the gateway read the message off its socket, opaque to the core. */
struct wire_new_order {
  uint32_t session;
  uint32_t session_epoch;
  uint32_t generation;
  uint32_t gateway;
  uint64_t client_seq;
  uint64_t prev_client_seq;
  int64_t price_ticks;
  int64_t quantity_lots;
  uint32_t account;
  uint32_t instrument;
  uint8_t side;
  uint8_t order_type;
  uint8_t time_in_force;
  uint8_t poss_resend;
  char clordid[36];
  uint64_t received_ns;
  int64_t stop_price_ticks;
  int64_t display_lots;
  int64_t min_lots;
  uint64_t expire_ns;
  uint8_t trigger;
  uint8_t stp_mode;
  uint8_t post_only;
  uint8_t reserved_end[5];
};
_Static_assert(sizeof(struct wire_new_order) == 144, "SBE blockLength");
_Static_assert(offsetof(struct wire_new_order, session) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, session_epoch) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, generation) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, gateway) == 12, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, client_seq) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, prev_client_seq) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, price_ticks) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, quantity_lots) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, account) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, instrument) == 52, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, side) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, order_type) == 57, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, time_in_force) == 58, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, poss_resend) == 59, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, clordid) == 60, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, received_ns) == 96, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, stop_price_ticks) == 104, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, display_lots) == 112, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, min_lots) == 120, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, expire_ns) == 128, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, trigger) == 136, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, stp_mode) == 137, "SBE offset");
_Static_assert(offsetof(struct wire_new_order, post_only) == 138, "SBE offset");

/* by order_id if not 0, else by orig_clordid; instrument 0 = not given. */
struct wire_cancel_order {
  uint32_t session;
  uint32_t session_epoch;
  uint32_t generation;
  uint32_t gateway;
  uint64_t client_seq;
  uint64_t prev_client_seq;
  uint64_t order_id;
  uint32_t instrument;
  uint8_t side;
  uint8_t reserved9[3];
  char clordid[36];
  char orig_clordid[36];
  uint64_t received_ns;
};
_Static_assert(sizeof(struct wire_cancel_order) == 128, "SBE blockLength");
_Static_assert(offsetof(struct wire_cancel_order, session) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_order, session_epoch) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_order, generation) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_order, gateway) == 12, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_order, client_seq) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_order, prev_client_seq) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_order, order_id) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_order, instrument) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_order, side) == 44, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_order, clordid) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_order, orig_clordid) == 84, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_order, received_ns) == 120, "SBE offset");

/* quantity_lots is the new OrderQty including what is already filled; 0 in stop_price_ticks, display_lots, expire_ns: unchanged; order_type: 0 = not given, otherwise it must be the order's. */
struct wire_replace_order {
  uint32_t session;
  uint32_t session_epoch;
  uint32_t generation;
  uint32_t gateway;
  uint64_t client_seq;
  uint64_t prev_client_seq;
  uint64_t order_id;
  int64_t price_ticks;
  int64_t quantity_lots;
  uint32_t instrument;
  uint8_t side;
  uint8_t reserved11[3];
  char clordid[36];
  char orig_clordid[36];
  uint64_t received_ns;
  int64_t stop_price_ticks;
  int64_t display_lots;
  uint64_t expire_ns;
  uint8_t order_type;
  uint8_t reserved_end[7];
};
_Static_assert(sizeof(struct wire_replace_order) == 176, "SBE blockLength");
_Static_assert(offsetof(struct wire_replace_order, session) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_replace_order, session_epoch) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_replace_order, generation) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_replace_order, gateway) == 12, "SBE offset");
_Static_assert(offsetof(struct wire_replace_order, client_seq) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_replace_order, prev_client_seq) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_replace_order, order_id) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_replace_order, price_ticks) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_replace_order, quantity_lots) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_replace_order, instrument) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_replace_order, side) == 60, "SBE offset");
_Static_assert(offsetof(struct wire_replace_order, clordid) == 64, "SBE offset");
_Static_assert(offsetof(struct wire_replace_order, orig_clordid) == 100, "SBE offset");
_Static_assert(offsetof(struct wire_replace_order, received_ns) == 136, "SBE offset");
_Static_assert(offsetof(struct wire_replace_order, stop_price_ticks) == 144, "SBE offset");
_Static_assert(offsetof(struct wire_replace_order, display_lots) == 152, "SBE offset");
_Static_assert(offsetof(struct wire_replace_order, expire_ns) == 160, "SBE offset");
_Static_assert(offsetof(struct wire_replace_order, order_type) == 168, "SBE offset");

/* loop: state hash of the leader before this command; replay refuses to go on when its own differs. */
struct wire_state_hash {
  uint64_t low;
  uint64_t high;
};
_Static_assert(sizeof(struct wire_state_hash) == 16, "SBE blockLength");
_Static_assert(offsetof(struct wire_state_hash, low) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_state_hash, high) == 8, "SBE offset");

/* client: cancels the open orders of this session that match; 0 in account, instrument or side matches all. */
struct wire_mass_cancel {
  uint32_t session;
  uint32_t session_epoch;
  uint32_t generation;
  uint32_t gateway;
  uint64_t client_seq;
  uint64_t prev_client_seq;
  uint32_t account;
  uint32_t instrument;
  uint8_t side;
  uint8_t reserved9[3];
  char clordid[36];
  uint64_t received_ns;
};
_Static_assert(sizeof(struct wire_mass_cancel) == 88, "SBE blockLength");
_Static_assert(offsetof(struct wire_mass_cancel, session) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_mass_cancel, session_epoch) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_mass_cancel, generation) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_mass_cancel, gateway) == 12, "SBE offset");
_Static_assert(offsetof(struct wire_mass_cancel, client_seq) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_mass_cancel, prev_client_seq) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_mass_cancel, account) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_mass_cancel, instrument) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_mass_cancel, side) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_mass_cancel, clordid) == 44, "SBE offset");
_Static_assert(offsetof(struct wire_mass_cancel, received_ns) == 80, "SBE offset");

/* admin: end_ns other than 0 ends an auction by itself at that time. */
struct wire_phase_set {
  uint32_t instrument;
  uint8_t phase;
  uint8_t reserved2[3];
  uint64_t end_ns;
  char operator[16];
  char reason_text[48];
};
_Static_assert(sizeof(struct wire_phase_set) == 80, "SBE blockLength");
_Static_assert(offsetof(struct wire_phase_set, instrument) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_phase_set, phase) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_phase_set, end_ns) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_phase_set, operator) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_phase_set, reason_text) == 32, "SBE offset");

/* reference data: entry 1..8 of the daily schedule in seconds after midnight UTC; phase 0 removes it. */
struct wire_schedule_set {
  uint32_t instrument;
  uint32_t entry;
  uint32_t second_of_day;
  uint8_t phase;
  uint8_t reserved_end[3];
};
_Static_assert(sizeof(struct wire_schedule_set) == 16, "SBE blockLength");
_Static_assert(offsetof(struct wire_schedule_set, instrument) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_schedule_set, entry) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_schedule_set, second_of_day) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_schedule_set, phase) == 12, "SBE offset");

/* admin: the price that bands, fat-finger limits and reference stops look at. */
struct wire_reference_price_set {
  uint32_t instrument;
  uint8_t reserved1[4];
  int64_t price_ticks;
  char operator[16];
  char reason_text[48];
};
_Static_assert(sizeof(struct wire_reference_price_set) == 80, "SBE blockLength");
_Static_assert(offsetof(struct wire_reference_price_set, instrument) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_reference_price_set, price_ticks) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_reference_price_set, operator) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_reference_price_set, reason_text) == 32, "SBE offset");

/* reference data: band 1..8 of the tick and lot table; from_ticks 0 removes it. */
struct wire_tick_band_set {
  uint32_t instrument;
  uint32_t band;
  int64_t from_ticks;
  int64_t tick_step;
  int64_t lot_step;
};
_Static_assert(sizeof(struct wire_tick_band_set) == 32, "SBE blockLength");
_Static_assert(offsetof(struct wire_tick_band_set, instrument) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_tick_band_set, band) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_tick_band_set, from_ticks) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_tick_band_set, tick_step) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_tick_band_set, lot_step) == 24, "SBE offset");

/* reference data: rates of a fee tier 1..7 on one instrument; tier 0 is the instrument itself. */
struct wire_fee_schedule_set {
  uint32_t instrument;
  uint32_t tier;
  int32_t maker_fee_ppm;
  int32_t taker_fee_ppm;
};
_Static_assert(sizeof(struct wire_fee_schedule_set) == 16, "SBE blockLength");
_Static_assert(offsetof(struct wire_fee_schedule_set, instrument) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_fee_schedule_set, tier) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_fee_schedule_set, maker_fee_ppm) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_fee_schedule_set, taker_fee_ppm) == 12, "SBE offset");

/* reference data: limits of an account on one instrument; 0 is no limit. */
struct wire_risk_limits_set {
  uint32_t account;
  uint32_t instrument;
  int64_t max_order_lots;
  int64_t max_order_notional_units;
  int64_t max_position_lots;
  uint32_t max_distance_ppm;
  uint8_t reserved_end[4];
};
_Static_assert(sizeof(struct wire_risk_limits_set) == 40, "SBE blockLength");
_Static_assert(offsetof(struct wire_risk_limits_set, account) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_risk_limits_set, instrument) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_risk_limits_set, max_order_lots) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_risk_limits_set, max_order_notional_units) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_risk_limits_set, max_position_lots) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_risk_limits_set, max_distance_ppm) == 32, "SBE offset");

/* reference data: trips at max_fills fills as maker within window_ms; max_fills 0 is none. */
struct wire_market_maker_protection_set {
  uint32_t account;
  uint32_t instrument;
  uint32_t max_fills;
  uint32_t window_ms;
};
_Static_assert(sizeof(struct wire_market_maker_protection_set) == 16, "SBE blockLength");
_Static_assert(offsetof(struct wire_market_maker_protection_set, account) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_set, instrument) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_set, max_fills) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_set, window_ms) == 12, "SBE offset");

/* admin: the account may quote again. */
struct wire_market_maker_protection_reset {
  uint32_t account;
  uint32_t instrument;
  char operator[16];
  char reason_text[48];
};
_Static_assert(sizeof(struct wire_market_maker_protection_reset) == 72, "SBE blockLength");
_Static_assert(offsetof(struct wire_market_maker_protection_reset, account) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_reset, instrument) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_reset, operator) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_reset, reason_text) == 24, "SBE offset");

/* admin: blocks new orders and cancels all open ones of the scope; id 0 for the venue. */
struct wire_kill_switch_set {
  uint32_t id;
  uint8_t scope;
  uint8_t engaged;
  uint8_t reserved3[2];
  char operator[16];
  char reason_text[48];
};
_Static_assert(sizeof(struct wire_kill_switch_set) == 72, "SBE blockLength");
_Static_assert(offsetof(struct wire_kill_switch_set, id) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_kill_switch_set, scope) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_kill_switch_set, engaged) == 5, "SBE offset");
_Static_assert(offsetof(struct wire_kill_switch_set, operator) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_kill_switch_set, reason_text) == 24, "SBE offset");

/* admin: cancels the open orders that match; 0 matches all. */
struct wire_operator_cancel {
  uint32_t account;
  uint32_t session;
  uint32_t instrument;
  uint8_t side;
  uint8_t reserved4[3];
  char operator[16];
  char reason_text[48];
};
_Static_assert(sizeof(struct wire_operator_cancel) == 80, "SBE blockLength");
_Static_assert(offsetof(struct wire_operator_cancel, account) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_operator_cancel, session) == 4, "SBE offset");
_Static_assert(offsetof(struct wire_operator_cancel, instrument) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_operator_cancel, side) == 12, "SBE offset");
_Static_assert(offsetof(struct wire_operator_cancel, operator) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_operator_cancel, reason_text) == 32, "SBE offset");

/* admin: credit line drawn or paid back; one side is a Lender account; transfer_seq must be last + 1. */
struct wire_transfer {
  uint64_t transfer_seq;
  uint32_t from_account;
  uint32_t to_account;
  uint32_t asset;
  uint8_t reserved4[4];
  int64_t amount_units;
  char operator[16];
  char reason_text[48];
};
_Static_assert(sizeof(struct wire_transfer) == 96, "SBE blockLength");
_Static_assert(offsetof(struct wire_transfer, transfer_seq) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_transfer, from_account) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_transfer, to_account) == 12, "SBE offset");
_Static_assert(offsetof(struct wire_transfer, asset) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_transfer, amount_units) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_transfer, operator) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_transfer, reason_text) == 48, "SBE offset");

/* admin: reverses the economics of a trade; guarantor 0: none. */
struct wire_trade_bust {
  uint64_t trade_id;
  uint32_t guarantor;
  uint8_t reserved2[4];
  char operator[16];
  char reason_text[48];
};
_Static_assert(sizeof(struct wire_trade_bust) == 80, "SBE blockLength");
_Static_assert(offsetof(struct wire_trade_bust, trade_id) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_trade_bust, guarantor) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_trade_bust, operator) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_trade_bust, reason_text) == 32, "SBE offset");

/* EpochStarted. */
struct wire_epoch_started {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t started_epoch;
  uint32_t rules_version;
  uint8_t unclean;
  uint8_t reserved8[7];
  char venue[16];
  uint8_t cfg_sha256[32];
};
_Static_assert(sizeof(struct wire_epoch_started) == 96, "SBE blockLength");
_Static_assert(offsetof(struct wire_epoch_started, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_epoch_started, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_epoch_started, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_epoch_started, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_epoch_started, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_epoch_started, started_epoch) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_epoch_started, rules_version) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_epoch_started, unclean) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_epoch_started, venue) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_epoch_started, cfg_sha256) == 64, "SBE offset");

/* LimitsDefined. */
struct wire_limits_defined {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t max_orders;
  uint32_t max_price_pages;
  uint32_t max_open_orders_per_session;
  uint32_t max_clordids;
  uint32_t max_fills_per_command;
  uint32_t max_events_per_part;
  uint32_t max_open_orders_per_account;
  uint32_t max_bustable_trades;
};
_Static_assert(sizeof(struct wire_limits_defined) == 64, "SBE blockLength");
_Static_assert(offsetof(struct wire_limits_defined, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_limits_defined, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_limits_defined, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_limits_defined, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_limits_defined, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_limits_defined, max_orders) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_limits_defined, max_price_pages) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_limits_defined, max_open_orders_per_session) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_limits_defined, max_clordids) == 44, "SBE offset");
_Static_assert(offsetof(struct wire_limits_defined, max_fills_per_command) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_limits_defined, max_events_per_part) == 52, "SBE offset");
_Static_assert(offsetof(struct wire_limits_defined, max_open_orders_per_account) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_limits_defined, max_bustable_trades) == 60, "SBE offset");

/* AssetDefined. */
struct wire_asset_defined {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t asset;
  uint8_t decimals;
  uint8_t reserved7[3];
  char symbol[8];
};
_Static_assert(sizeof(struct wire_asset_defined) == 48, "SBE blockLength");
_Static_assert(offsetof(struct wire_asset_defined, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_asset_defined, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_asset_defined, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_asset_defined, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_asset_defined, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_asset_defined, asset) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_asset_defined, decimals) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_asset_defined, symbol) == 40, "SBE offset");

/* InstrumentDefined. */
struct wire_instrument_defined {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t instrument;
  uint32_t base;
  uint32_t quote;
  uint8_t reserved8[4];
  int64_t tick_units;
  int64_t lot_units;
  int64_t price_min_ticks;
  int64_t price_max_ticks;
  int64_t quantity_max_lots;
  int64_t notional_max_units;
  int64_t protection_ticks;
  int32_t maker_fee_ppm;
  int32_t taker_fee_ppm;
  uint8_t tick_exponent;
  uint8_t lot_exponent;
  uint8_t reserved19[6];
  int64_t tick_mantissa;
  int64_t lot_mantissa;
  char symbol[16];
  int64_t quantity_min_lots;
  int64_t notional_min_units;
  uint32_t static_band_ppm;
  uint32_t dynamic_band_ppm;
  uint32_t volatility_auction_ms;
  uint8_t initial_phase;
  uint8_t reserved_end[3];
};
_Static_assert(sizeof(struct wire_instrument_defined) == 184, "SBE blockLength");
_Static_assert(offsetof(struct wire_instrument_defined, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, instrument) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, base) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, quote) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, tick_units) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, lot_units) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, price_min_ticks) == 64, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, price_max_ticks) == 72, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, quantity_max_lots) == 80, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, notional_max_units) == 88, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, protection_ticks) == 96, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, maker_fee_ppm) == 104, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, taker_fee_ppm) == 108, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, tick_exponent) == 112, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, lot_exponent) == 113, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, tick_mantissa) == 120, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, lot_mantissa) == 128, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, symbol) == 136, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, quantity_min_lots) == 152, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, notional_min_units) == 160, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, static_band_ppm) == 168, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, dynamic_band_ppm) == 172, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, volatility_auction_ms) == 176, "SBE offset");
_Static_assert(offsetof(struct wire_instrument_defined, initial_phase) == 180, "SBE offset");

/* AccountDefined. */
struct wire_account_defined {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t account;
  uint32_t participant;
  uint8_t kind;
  uint8_t enabled;
  uint8_t reserved9[6];
  char name[16];
  uint32_t stp_key;
  uint8_t stp_mode;
  uint8_t fee_tier;
  uint8_t reserved_end[2];
};
_Static_assert(sizeof(struct wire_account_defined) == 72, "SBE blockLength");
_Static_assert(offsetof(struct wire_account_defined, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_account_defined, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_account_defined, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_account_defined, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_account_defined, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_account_defined, account) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_account_defined, participant) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_account_defined, kind) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_account_defined, enabled) == 41, "SBE offset");
_Static_assert(offsetof(struct wire_account_defined, name) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_account_defined, stp_key) == 64, "SBE offset");
_Static_assert(offsetof(struct wire_account_defined, stp_mode) == 68, "SBE offset");
_Static_assert(offsetof(struct wire_account_defined, fee_tier) == 69, "SBE offset");

/* SessionDefined. */
struct wire_session_defined {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t session;
  uint32_t participant;
  uint8_t enabled;
  uint8_t reserved8[7];
  char comp_id[32];
};
_Static_assert(sizeof(struct wire_session_defined) == 80, "SBE blockLength");
_Static_assert(offsetof(struct wire_session_defined, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_session_defined, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_session_defined, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_session_defined, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_session_defined, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_session_defined, session) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_session_defined, participant) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_session_defined, enabled) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_session_defined, comp_id) == 48, "SBE offset");

/* SessionAttached. */
struct wire_session_attached {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t session;
  uint32_t session_epoch;
  uint32_t generation;
  uint32_t gateway;
  uint64_t gateway_instance;
  uint64_t token;
  uint64_t last_client_seq;
};
_Static_assert(sizeof(struct wire_session_attached) == 72, "SBE blockLength");
_Static_assert(offsetof(struct wire_session_attached, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_session_attached, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_session_attached, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_session_attached, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_session_attached, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_session_attached, session) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_session_attached, session_epoch) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_session_attached, generation) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_session_attached, gateway) == 44, "SBE offset");
_Static_assert(offsetof(struct wire_session_attached, gateway_instance) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_session_attached, token) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_session_attached, last_client_seq) == 64, "SBE offset");

/* precedes the trades of the same command; rested_lots is what is in the book once the command is over, displayed_lots what of it is visible; working 0: dormant (a stop, or at the close before its auction); price_ticks of Market, Stop and MarketToLimit is the limit the core gave it. */
struct wire_order_accepted {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t session;
  uint32_t session_epoch;
  uint64_t client_seq;
  uint64_t order_id;
  int64_t price_ticks;
  int64_t quantity_lots;
  int64_t rested_lots;
  uint32_t account;
  uint32_t instrument;
  uint8_t side;
  uint8_t order_type;
  uint8_t time_in_force;
  uint8_t poss_resend;
  char clordid[36];
  int64_t stop_price_ticks;
  int64_t display_lots;
  int64_t min_lots;
  uint64_t expire_ns;
  uint8_t trigger;
  uint8_t stp_mode;
  uint8_t post_only;
  uint8_t working;
  uint8_t reserved27[4];
  int64_t displayed_lots;
};
_Static_assert(sizeof(struct wire_order_accepted) == 176, "SBE blockLength");
_Static_assert(offsetof(struct wire_order_accepted, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, session) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, session_epoch) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, client_seq) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, order_id) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, price_ticks) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, quantity_lots) == 64, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, rested_lots) == 72, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, account) == 80, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, instrument) == 84, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, side) == 88, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, order_type) == 89, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, time_in_force) == 90, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, poss_resend) == 91, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, clordid) == 92, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, stop_price_ticks) == 128, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, display_lots) == 136, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, min_lots) == 144, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, expire_ns) == 152, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, trigger) == 160, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, stp_mode) == 161, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, post_only) == 162, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, working) == 163, "SBE offset");
_Static_assert(offsetof(struct wire_order_accepted, displayed_lots) == 168, "SBE offset");

/* fields as the client sent them. */
struct wire_order_rejected {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t session;
  uint32_t session_epoch;
  uint64_t client_seq;
  int64_t price_ticks;
  int64_t quantity_lots;
  uint32_t account;
  uint32_t instrument;
  uint8_t side;
  uint8_t order_type;
  uint8_t time_in_force;
  uint8_t poss_resend;
  uint16_t reason;
  uint8_t reserved17[2];
  char clordid[36];
  uint8_t reserved18[4];
  int64_t stop_price_ticks;
  int64_t display_lots;
  int64_t min_lots;
  uint64_t expire_ns;
  uint8_t trigger;
  uint8_t stp_mode;
  uint8_t post_only;
  uint8_t reserved_end[5];
};
_Static_assert(sizeof(struct wire_order_rejected) == 160, "SBE blockLength");
_Static_assert(offsetof(struct wire_order_rejected, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, session) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, session_epoch) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, client_seq) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, price_ticks) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, quantity_lots) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, account) == 64, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, instrument) == 68, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, side) == 72, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, order_type) == 73, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, time_in_force) == 74, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, poss_resend) == 75, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, reason) == 76, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, clordid) == 80, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, stop_price_ticks) == 120, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, display_lots) == 128, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, min_lots) == 136, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, expire_ns) == 144, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, trigger) == 152, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, stp_mode) == 153, "SBE offset");
_Static_assert(offsetof(struct wire_order_rejected, post_only) == 154, "SBE offset");

/* leaves_lots before the trades of the same command; rested_lots after them. */
struct wire_order_replaced {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t session;
  uint32_t session_epoch;
  uint64_t client_seq;
  uint64_t order_id;
  int64_t price_ticks;
  int64_t quantity_lots;
  int64_t cum_lots;
  int64_t leaves_lots;
  int64_t rested_lots;
  int64_t old_price_ticks;
  int64_t old_leaves_lots;
  uint32_t account;
  uint32_t instrument;
  uint8_t side;
  uint8_t priority_kept;
  uint8_t reserved20[2];
  char clordid[36];
  char orig_clordid[36];
  uint8_t reserved22[4];
  int64_t stop_price_ticks;
  int64_t display_lots;
  uint64_t expire_ns;
  int64_t displayed_lots;
  int64_t old_displayed_lots;
  uint8_t working;
  uint8_t reserved_end[7];
};
_Static_assert(sizeof(struct wire_order_replaced) == 248, "SBE blockLength");
_Static_assert(offsetof(struct wire_order_replaced, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, session) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, session_epoch) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, client_seq) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, order_id) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, price_ticks) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, quantity_lots) == 64, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, cum_lots) == 72, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, leaves_lots) == 80, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, rested_lots) == 88, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, old_price_ticks) == 96, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, old_leaves_lots) == 104, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, account) == 112, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, instrument) == 116, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, side) == 120, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, priority_kept) == 121, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, clordid) == 124, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, orig_clordid) == 160, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, stop_price_ticks) == 200, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, display_lots) == 208, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, expire_ns) == 216, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, displayed_lots) == 224, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, old_displayed_lots) == 232, "SBE offset");
_Static_assert(offsetof(struct wire_order_replaced, working) == 240, "SBE offset");

/* client_seq 0 and clordid empty when nobody asked for this very order; orig_clordid is always the order's ClOrdID; was_resting 1 only if it was in the book, displayed_lots what was visible of it there. */
struct wire_order_canceled {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t session;
  uint32_t session_epoch;
  uint64_t client_seq;
  uint64_t order_id;
  int64_t price_ticks;
  int64_t canceled_lots;
  int64_t cum_lots;
  uint32_t account;
  uint32_t instrument;
  uint8_t side;
  uint8_t was_resting;
  uint16_t reason;
  char clordid[36];
  char orig_clordid[36];
  uint8_t reserved19[4];
  int64_t displayed_lots;
  uint8_t order_type;
  uint8_t time_in_force;
  uint8_t reserved_end[6];
};
_Static_assert(sizeof(struct wire_order_canceled) == 184, "SBE blockLength");
_Static_assert(offsetof(struct wire_order_canceled, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, session) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, session_epoch) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, client_seq) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, order_id) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, price_ticks) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, canceled_lots) == 64, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, cum_lots) == 72, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, account) == 80, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, instrument) == 84, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, side) == 88, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, was_resting) == 89, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, reason) == 90, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, clordid) == 92, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, orig_clordid) == 128, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, displayed_lots) == 168, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, order_type) == 176, "SBE offset");
_Static_assert(offsetof(struct wire_order_canceled, time_in_force) == 177, "SBE offset");

/* CancelRejected. */
struct wire_cancel_rejected {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t session;
  uint32_t session_epoch;
  uint64_t client_seq;
  uint64_t order_id;
  uint16_t reason;
  uint8_t request;
  uint8_t order_status;
  char clordid[36];
  char orig_clordid[36];
  uint8_t reserved_end[4];
};
_Static_assert(sizeof(struct wire_cancel_rejected) == 136, "SBE blockLength");
_Static_assert(offsetof(struct wire_cancel_rejected, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_rejected, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_rejected, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_rejected, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_rejected, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_rejected, session) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_rejected, session_epoch) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_rejected, client_seq) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_rejected, order_id) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_rejected, reason) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_rejected, request) == 58, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_rejected, order_status) == 59, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_rejected, clordid) == 60, "SBE offset");
_Static_assert(offsetof(struct wire_cancel_rejected, orig_clordid) == 96, "SBE offset");

/* trade_id = sequence; fees in quote units, paid by each side to the fee account, negative when received; in an auction both orders were in the book and maker is the older one; displayed_lots what is visible of each order in the book after the trade and before a refill. */
struct wire_trade {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint64_t trade_id;
  int64_t price_ticks;
  int64_t quantity_lots;
  int64_t notional_units;
  int64_t maker_fee_units;
  int64_t taker_fee_units;
  uint64_t maker_order_id;
  uint64_t taker_order_id;
  int64_t maker_leaves_lots;
  int64_t taker_leaves_lots;
  uint32_t maker_account;
  uint32_t taker_account;
  uint32_t maker_session;
  uint32_t taker_session;
  uint32_t instrument;
  uint8_t taker_side;
  uint8_t reserved21[3];
  int64_t maker_displayed_lots;
  int64_t taker_displayed_lots;
  uint8_t auction;
  uint8_t reserved_end[7];
};
_Static_assert(sizeof(struct wire_trade) == 160, "SBE blockLength");
_Static_assert(offsetof(struct wire_trade, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_trade, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_trade, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_trade, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_trade, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_trade, trade_id) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_trade, price_ticks) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_trade, quantity_lots) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_trade, notional_units) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_trade, maker_fee_units) == 64, "SBE offset");
_Static_assert(offsetof(struct wire_trade, taker_fee_units) == 72, "SBE offset");
_Static_assert(offsetof(struct wire_trade, maker_order_id) == 80, "SBE offset");
_Static_assert(offsetof(struct wire_trade, taker_order_id) == 88, "SBE offset");
_Static_assert(offsetof(struct wire_trade, maker_leaves_lots) == 96, "SBE offset");
_Static_assert(offsetof(struct wire_trade, taker_leaves_lots) == 104, "SBE offset");
_Static_assert(offsetof(struct wire_trade, maker_account) == 112, "SBE offset");
_Static_assert(offsetof(struct wire_trade, taker_account) == 116, "SBE offset");
_Static_assert(offsetof(struct wire_trade, maker_session) == 120, "SBE offset");
_Static_assert(offsetof(struct wire_trade, taker_session) == 124, "SBE offset");
_Static_assert(offsetof(struct wire_trade, instrument) == 128, "SBE offset");
_Static_assert(offsetof(struct wire_trade, taker_side) == 132, "SBE offset");
_Static_assert(offsetof(struct wire_trade, maker_displayed_lots) == 136, "SBE offset");
_Static_assert(offsetof(struct wire_trade, taker_displayed_lots) == 144, "SBE offset");
_Static_assert(offsetof(struct wire_trade, auction) == 152, "SBE offset");

/* a stop is triggered or an at-the-close order enters its auction; precedes its trades; rested_lots and displayed_lots are what its own matching left in the book. */
struct wire_order_triggered {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t session;
  uint32_t session_epoch;
  uint64_t order_id;
  int64_t price_ticks;
  int64_t leaves_lots;
  int64_t cum_lots;
  int64_t rested_lots;
  int64_t displayed_lots;
  int64_t stop_price_ticks;
  uint32_t account;
  uint32_t instrument;
  uint8_t side;
  uint8_t order_type;
  uint8_t time_in_force;
  uint8_t reserved19[1];
  char clordid[36];
};
_Static_assert(sizeof(struct wire_order_triggered) == 144, "SBE blockLength");
_Static_assert(offsetof(struct wire_order_triggered, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, session) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, session_epoch) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, order_id) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, price_ticks) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, leaves_lots) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, cum_lots) == 64, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, rested_lots) == 72, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, displayed_lots) == 80, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, stop_price_ticks) == 88, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, account) == 96, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, instrument) == 100, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, side) == 104, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, order_type) == 105, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, time_in_force) == 106, "SBE offset");
_Static_assert(offsetof(struct wire_order_triggered, clordid) == 108, "SBE offset");

/* an iceberg shows its next part, at the back of its level. */
struct wire_order_refilled {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint64_t order_id;
  int64_t price_ticks;
  int64_t displayed_lots;
  int64_t leaves_lots;
  uint32_t session;
  uint32_t account;
  uint32_t instrument;
  uint8_t side;
  uint8_t reserved_end[3];
};
_Static_assert(sizeof(struct wire_order_refilled) == 80, "SBE blockLength");
_Static_assert(offsetof(struct wire_order_refilled, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_order_refilled, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_order_refilled, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_order_refilled, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_order_refilled, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_order_refilled, order_id) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_order_refilled, price_ticks) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_order_refilled, displayed_lots) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_order_refilled, leaves_lots) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_order_refilled, session) == 64, "SBE offset");
_Static_assert(offsetof(struct wire_order_refilled, account) == 68, "SBE offset");
_Static_assert(offsetof(struct wire_order_refilled, instrument) == 72, "SBE offset");
_Static_assert(offsetof(struct wire_order_refilled, side) == 76, "SBE offset");

/* self-trade prevention took lots away without a trade. */
struct wire_order_reduced {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t session;
  uint32_t session_epoch;
  uint64_t order_id;
  int64_t price_ticks;
  int64_t reduced_lots;
  int64_t leaves_lots;
  int64_t cum_lots;
  int64_t displayed_lots;
  uint32_t account;
  uint32_t instrument;
  uint8_t side;
  uint8_t was_resting;
  uint16_t reason;
  char clordid[36];
};
_Static_assert(sizeof(struct wire_order_reduced) == 136, "SBE blockLength");
_Static_assert(offsetof(struct wire_order_reduced, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_order_reduced, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_order_reduced, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_order_reduced, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_order_reduced, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_order_reduced, session) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_order_reduced, session_epoch) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_order_reduced, order_id) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_order_reduced, price_ticks) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_order_reduced, reduced_lots) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_order_reduced, leaves_lots) == 64, "SBE offset");
_Static_assert(offsetof(struct wire_order_reduced, cum_lots) == 72, "SBE offset");
_Static_assert(offsetof(struct wire_order_reduced, displayed_lots) == 80, "SBE offset");
_Static_assert(offsetof(struct wire_order_reduced, account) == 88, "SBE offset");
_Static_assert(offsetof(struct wire_order_reduced, instrument) == 92, "SBE offset");
_Static_assert(offsetof(struct wire_order_reduced, side) == 96, "SBE offset");
_Static_assert(offsetof(struct wire_order_reduced, was_resting) == 97, "SBE offset");
_Static_assert(offsetof(struct wire_order_reduced, reason) == 98, "SBE offset");
_Static_assert(offsetof(struct wire_order_reduced, clordid) == 100, "SBE offset");

/* after the last cancel of a mass cancel, kill switch, protection or operator cancel; client_seq 0 and session_epoch 0 unless a client asked. */
struct wire_mass_canceled {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t session;
  uint32_t session_epoch;
  uint64_t client_seq;
  uint64_t canceled_orders;
  uint32_t account;
  uint32_t instrument;
  uint8_t side;
  uint8_t reserved12[1];
  uint16_t reason;
  char clordid[36];
};
_Static_assert(sizeof(struct wire_mass_canceled) == 104, "SBE blockLength");
_Static_assert(offsetof(struct wire_mass_canceled, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_mass_canceled, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_mass_canceled, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_mass_canceled, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_mass_canceled, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_mass_canceled, session) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_mass_canceled, session_epoch) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_mass_canceled, client_seq) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_mass_canceled, canceled_orders) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_mass_canceled, account) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_mass_canceled, instrument) == 60, "SBE offset");
_Static_assert(offsetof(struct wire_mass_canceled, side) == 64, "SBE offset");
_Static_assert(offsetof(struct wire_mass_canceled, reason) == 66, "SBE offset");
_Static_assert(offsetof(struct wire_mass_canceled, clordid) == 68, "SBE offset");

/* Credited. */
struct wire_credited {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t account;
  uint32_t asset;
  int64_t amount_units;
  int64_t available_units;
  uint64_t deposit_seq;
  uint64_t block_number;
  uint8_t transaction_hash[32];
};
_Static_assert(sizeof(struct wire_credited) == 104, "SBE blockLength");
_Static_assert(offsetof(struct wire_credited, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_credited, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_credited, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_credited, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_credited, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_credited, account) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_credited, asset) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_credited, amount_units) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_credited, available_units) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_credited, deposit_seq) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_credited, block_number) == 64, "SBE offset");
_Static_assert(offsetof(struct wire_credited, transaction_hash) == 72, "SBE offset");

/* sequenced negative verdict on a command that is not an order; reference is its deposit_seq, checkpoint, id or day. */
struct wire_command_refused {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint64_t reference;
  uint16_t template_id;
  uint16_t reason;
  uint8_t role;
  uint8_t reserved_end[3];
};
_Static_assert(sizeof(struct wire_command_refused) == 48, "SBE blockLength");
_Static_assert(offsetof(struct wire_command_refused, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_command_refused, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_command_refused, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_command_refused, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_command_refused, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_command_refused, reference) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_command_refused, template_id) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_command_refused, reason) == 42, "SBE offset");
_Static_assert(offsetof(struct wire_command_refused, role) == 44, "SBE offset");

/* instrument 0 is the whole venue. */
struct wire_trading_state_changed {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t instrument;
  uint8_t state;
  uint8_t reserved7[3];
  char operator[16];
  char reason_text[48];
};
_Static_assert(sizeof(struct wire_trading_state_changed) == 104, "SBE blockLength");
_Static_assert(offsetof(struct wire_trading_state_changed, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_trading_state_changed, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_trading_state_changed, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_trading_state_changed, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_trading_state_changed, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_trading_state_changed, instrument) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_trading_state_changed, state) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_trading_state_changed, operator) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_trading_state_changed, reason_text) == 56, "SBE offset");

/* after the last expiry. */
struct wire_day_ended {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t day;
  uint32_t expired_orders;
};
_Static_assert(sizeof(struct wire_day_ended) == 40, "SBE blockLength");
_Static_assert(offsetof(struct wire_day_ended, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_day_ended, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_day_ended, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_day_ended, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_day_ended, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_day_ended, day) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_day_ended, expired_orders) == 36, "SBE offset");

/* CheckpointBalance. */
struct wire_checkpoint_balance {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint64_t checkpoint;
  int64_t available_units;
  int64_t reserved_units;
  uint32_t account;
  uint32_t asset;
};
_Static_assert(sizeof(struct wire_checkpoint_balance) == 64, "SBE blockLength");
_Static_assert(offsetof(struct wire_checkpoint_balance, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_checkpoint_balance, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_checkpoint_balance, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_checkpoint_balance, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_checkpoint_balance, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_checkpoint_balance, checkpoint) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_checkpoint_balance, available_units) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_checkpoint_balance, reserved_units) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_checkpoint_balance, account) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_checkpoint_balance, asset) == 60, "SBE offset");

/* CheckpointEnded. */
struct wire_checkpoint_ended {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint64_t checkpoint;
  uint64_t balances;
};
_Static_assert(sizeof(struct wire_checkpoint_ended) == 48, "SBE blockLength");
_Static_assert(offsetof(struct wire_checkpoint_ended, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_checkpoint_ended, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_checkpoint_ended, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_checkpoint_ended, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_checkpoint_ended, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_checkpoint_ended, checkpoint) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_checkpoint_ended, balances) == 40, "SBE offset");

/* SettlementStatusChanged. */
struct wire_settlement_status_changed {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint64_t batch;
  uint64_t first_sequence;
  uint64_t last_sequence;
  uint64_t block_number;
  uint8_t state;
  uint8_t reserved10[7];
  uint8_t transaction_hash[32];
};
_Static_assert(sizeof(struct wire_settlement_status_changed) == 104, "SBE blockLength");
_Static_assert(offsetof(struct wire_settlement_status_changed, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_settlement_status_changed, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_settlement_status_changed, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_settlement_status_changed, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_settlement_status_changed, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_settlement_status_changed, batch) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_settlement_status_changed, first_sequence) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_settlement_status_changed, last_sequence) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_settlement_status_changed, block_number) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_settlement_status_changed, state) == 64, "SBE offset");
_Static_assert(offsetof(struct wire_settlement_status_changed, transaction_hash) == 72, "SBE offset");

/* end_ns 0: no end of its own. */
struct wire_phase_changed {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t instrument;
  uint8_t phase;
  uint8_t previous;
  uint8_t cause;
  uint8_t reserved9[1];
  uint64_t end_ns;
  char operator[16];
  char reason_text[48];
};
_Static_assert(sizeof(struct wire_phase_changed) == 112, "SBE blockLength");
_Static_assert(offsetof(struct wire_phase_changed, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_phase_changed, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_phase_changed, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_phase_changed, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_phase_changed, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_phase_changed, instrument) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_phase_changed, phase) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_phase_changed, previous) == 37, "SBE offset");
_Static_assert(offsetof(struct wire_phase_changed, cause) == 38, "SBE offset");
_Static_assert(offsetof(struct wire_phase_changed, end_ns) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_phase_changed, operator) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_phase_changed, reason_text) == 64, "SBE offset");

/* price_ticks 0: nothing would trade; surplus_lots above 0: unfilled buy interest at that price. */
struct wire_auction_indicative {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t instrument;
  uint8_t phase;
  uint8_t reserved7[3];
  int64_t price_ticks;
  int64_t volume_lots;
  int64_t surplus_lots;
};
_Static_assert(sizeof(struct wire_auction_indicative) == 64, "SBE blockLength");
_Static_assert(offsetof(struct wire_auction_indicative, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_auction_indicative, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_auction_indicative, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_auction_indicative, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_auction_indicative, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_auction_indicative, instrument) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_auction_indicative, phase) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_auction_indicative, price_ticks) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_auction_indicative, volume_lots) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_auction_indicative, surplus_lots) == 56, "SBE offset");

/* after the last trade of the auction; price_ticks 0: nothing traded. */
struct wire_auction_uncrossed {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t instrument;
  uint8_t phase;
  uint8_t reserved7[3];
  int64_t price_ticks;
  int64_t volume_lots;
  int64_t surplus_lots;
  uint64_t trades;
};
_Static_assert(sizeof(struct wire_auction_uncrossed) == 72, "SBE blockLength");
_Static_assert(offsetof(struct wire_auction_uncrossed, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_auction_uncrossed, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_auction_uncrossed, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_auction_uncrossed, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_auction_uncrossed, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_auction_uncrossed, instrument) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_auction_uncrossed, phase) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_auction_uncrossed, price_ticks) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_auction_uncrossed, volume_lots) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_auction_uncrossed, surplus_lots) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_auction_uncrossed, trades) == 64, "SBE offset");

/* bounds are 0 when there is no static band. */
struct wire_reference_price_changed {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t instrument;
  uint8_t reserved6[4];
  int64_t price_ticks;
  int64_t low_ticks;
  int64_t high_ticks;
  char operator[16];
};
_Static_assert(sizeof(struct wire_reference_price_changed) == 80, "SBE blockLength");
_Static_assert(offsetof(struct wire_reference_price_changed, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_reference_price_changed, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_reference_price_changed, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_reference_price_changed, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_reference_price_changed, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_reference_price_changed, instrument) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_reference_price_changed, price_ticks) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_reference_price_changed, low_ticks) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_reference_price_changed, high_ticks) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_reference_price_changed, operator) == 64, "SBE offset");

/* ScheduleDefined. */
struct wire_schedule_defined {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t instrument;
  uint32_t entry;
  uint32_t second_of_day;
  uint8_t phase;
  uint8_t reserved_end[3];
};
_Static_assert(sizeof(struct wire_schedule_defined) == 48, "SBE blockLength");
_Static_assert(offsetof(struct wire_schedule_defined, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_schedule_defined, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_schedule_defined, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_schedule_defined, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_schedule_defined, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_schedule_defined, instrument) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_schedule_defined, entry) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_schedule_defined, second_of_day) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_schedule_defined, phase) == 44, "SBE offset");

/* TickBandDefined. */
struct wire_tick_band_defined {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t instrument;
  uint32_t band;
  int64_t from_ticks;
  int64_t tick_step;
  int64_t lot_step;
};
_Static_assert(sizeof(struct wire_tick_band_defined) == 64, "SBE blockLength");
_Static_assert(offsetof(struct wire_tick_band_defined, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_tick_band_defined, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_tick_band_defined, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_tick_band_defined, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_tick_band_defined, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_tick_band_defined, instrument) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_tick_band_defined, band) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_tick_band_defined, from_ticks) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_tick_band_defined, tick_step) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_tick_band_defined, lot_step) == 56, "SBE offset");

/* FeeScheduleDefined. */
struct wire_fee_schedule_defined {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t instrument;
  uint32_t tier;
  int32_t maker_fee_ppm;
  int32_t taker_fee_ppm;
};
_Static_assert(sizeof(struct wire_fee_schedule_defined) == 48, "SBE blockLength");
_Static_assert(offsetof(struct wire_fee_schedule_defined, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_fee_schedule_defined, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_fee_schedule_defined, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_fee_schedule_defined, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_fee_schedule_defined, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_fee_schedule_defined, instrument) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_fee_schedule_defined, tier) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_fee_schedule_defined, maker_fee_ppm) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_fee_schedule_defined, taker_fee_ppm) == 44, "SBE offset");

/* RiskLimitsDefined. */
struct wire_risk_limits_defined {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t account;
  uint32_t instrument;
  int64_t max_order_lots;
  int64_t max_order_notional_units;
  int64_t max_position_lots;
  uint32_t max_distance_ppm;
  uint8_t reserved_end[4];
};
_Static_assert(sizeof(struct wire_risk_limits_defined) == 72, "SBE blockLength");
_Static_assert(offsetof(struct wire_risk_limits_defined, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_risk_limits_defined, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_risk_limits_defined, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_risk_limits_defined, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_risk_limits_defined, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_risk_limits_defined, account) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_risk_limits_defined, instrument) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_risk_limits_defined, max_order_lots) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_risk_limits_defined, max_order_notional_units) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_risk_limits_defined, max_position_lots) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_risk_limits_defined, max_distance_ppm) == 64, "SBE offset");

/* MarketMakerProtectionDefined. */
struct wire_market_maker_protection_defined {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t account;
  uint32_t instrument;
  uint32_t max_fills;
  uint32_t window_ms;
};
_Static_assert(sizeof(struct wire_market_maker_protection_defined) == 48, "SBE blockLength");
_Static_assert(offsetof(struct wire_market_maker_protection_defined, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_defined, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_defined, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_defined, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_defined, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_defined, account) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_defined, instrument) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_defined, max_fills) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_defined, window_ms) == 44, "SBE offset");

/* tripped 1: quoting is blocked and the orders are cancelled; 0: reset. */
struct wire_market_maker_protection_changed {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t account;
  uint32_t instrument;
  uint8_t tripped;
  uint8_t reserved8[7];
  char operator[16];
};
_Static_assert(sizeof(struct wire_market_maker_protection_changed) == 64, "SBE blockLength");
_Static_assert(offsetof(struct wire_market_maker_protection_changed, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_changed, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_changed, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_changed, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_changed, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_changed, account) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_changed, instrument) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_changed, tripped) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_market_maker_protection_changed, operator) == 48, "SBE offset");

/* KillSwitchChanged. */
struct wire_kill_switch_changed {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t id;
  uint8_t scope;
  uint8_t engaged;
  uint8_t reserved8[2];
  char operator[16];
  char reason_text[48];
};
_Static_assert(sizeof(struct wire_kill_switch_changed) == 104, "SBE blockLength");
_Static_assert(offsetof(struct wire_kill_switch_changed, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_kill_switch_changed, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_kill_switch_changed, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_kill_switch_changed, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_kill_switch_changed, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_kill_switch_changed, id) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_kill_switch_changed, scope) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_kill_switch_changed, engaged) == 37, "SBE offset");
_Static_assert(offsetof(struct wire_kill_switch_changed, operator) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_kill_switch_changed, reason_text) == 56, "SBE offset");

/* Transferred. */
struct wire_transferred {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint64_t transfer_seq;
  uint32_t from_account;
  uint32_t to_account;
  uint32_t asset;
  uint8_t reserved9[4];
  int64_t amount_units;
  int64_t from_available_units;
  int64_t to_available_units;
  char operator[16];
};
_Static_assert(sizeof(struct wire_transferred) == 96, "SBE blockLength");
_Static_assert(offsetof(struct wire_transferred, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_transferred, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_transferred, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_transferred, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_transferred, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_transferred, transfer_seq) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_transferred, from_account) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_transferred, to_account) == 44, "SBE offset");
_Static_assert(offsetof(struct wire_transferred, asset) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_transferred, amount_units) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_transferred, from_available_units) == 64, "SBE offset");
_Static_assert(offsetof(struct wire_transferred, to_available_units) == 72, "SBE offset");
_Static_assert(offsetof(struct wire_transferred, operator) == 80, "SBE offset");

/* moves of the bust: the buyer side gives base back and gets notional + its fee, the seller side gives notional - its fee and gets base back, the fee account gives both fees back; each side is its own account or the guarantor. */
struct wire_trade_busted {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint64_t trade_id;
  int64_t price_ticks;
  int64_t quantity_lots;
  int64_t notional_units;
  int64_t buyer_fee_units;
  int64_t seller_fee_units;
  uint32_t buyer_account;
  uint32_t seller_account;
  uint32_t buyer_side_account;
  uint32_t seller_side_account;
  uint64_t maker_order_id;
  uint64_t taker_order_id;
  uint32_t maker_session;
  uint32_t taker_session;
  uint32_t instrument;
  uint8_t taker_side;
  uint8_t reserved21[3];
  char operator[16];
  char reason_text[48];
};
_Static_assert(sizeof(struct wire_trade_busted) == 192, "SBE blockLength");
_Static_assert(offsetof(struct wire_trade_busted, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, trade_id) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, price_ticks) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, quantity_lots) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, notional_units) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, buyer_fee_units) == 64, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, seller_fee_units) == 72, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, buyer_account) == 80, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, seller_account) == 84, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, buyer_side_account) == 88, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, seller_side_account) == 92, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, maker_order_id) == 96, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, taker_order_id) == 104, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, maker_session) == 112, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, taker_session) == 116, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, instrument) == 120, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, taker_side) == 124, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, operator) == 128, "SBE offset");
_Static_assert(offsetof(struct wire_trade_busted, reason_text) == 144, "SBE offset");

/* of the trading day that ends; 0 trades: all 0. */
struct wire_statistics_recorded {
  uint64_t sequence;
  uint64_t command_sequence;
  uint64_t time_ns;
  uint32_t epoch;
  uint8_t last_in_command;
  uint8_t reserved5[3];
  uint32_t instrument;
  uint32_t day;
  int64_t open_ticks;
  int64_t high_ticks;
  int64_t low_ticks;
  int64_t last_ticks;
  uint64_t volume_lots;
  uint64_t turnover_low;
  uint64_t turnover_high;
  uint64_t trades;
};
_Static_assert(sizeof(struct wire_statistics_recorded) == 104, "SBE blockLength");
_Static_assert(offsetof(struct wire_statistics_recorded, sequence) == 0, "SBE offset");
_Static_assert(offsetof(struct wire_statistics_recorded, command_sequence) == 8, "SBE offset");
_Static_assert(offsetof(struct wire_statistics_recorded, time_ns) == 16, "SBE offset");
_Static_assert(offsetof(struct wire_statistics_recorded, epoch) == 24, "SBE offset");
_Static_assert(offsetof(struct wire_statistics_recorded, last_in_command) == 28, "SBE offset");
_Static_assert(offsetof(struct wire_statistics_recorded, instrument) == 32, "SBE offset");
_Static_assert(offsetof(struct wire_statistics_recorded, day) == 36, "SBE offset");
_Static_assert(offsetof(struct wire_statistics_recorded, open_ticks) == 40, "SBE offset");
_Static_assert(offsetof(struct wire_statistics_recorded, high_ticks) == 48, "SBE offset");
_Static_assert(offsetof(struct wire_statistics_recorded, low_ticks) == 56, "SBE offset");
_Static_assert(offsetof(struct wire_statistics_recorded, last_ticks) == 64, "SBE offset");
_Static_assert(offsetof(struct wire_statistics_recorded, volume_lots) == 72, "SBE offset");
_Static_assert(offsetof(struct wire_statistics_recorded, turnover_low) == 80, "SBE offset");
_Static_assert(offsetof(struct wire_statistics_recorded, turnover_high) == 88, "SBE offset");
_Static_assert(offsetof(struct wire_statistics_recorded, trades) == 96, "SBE offset");

#endif
