"""The one table from the engine's reasons to what FIX says: OrdRejReason(103), CxlRejReason(102), Text(58) and
MassCancelRejectReason(532).

Every reason on the wire has its row; a test holds it to that.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.wire.messages import Reason

OTHER = 99
EXCHANGE_OPTION, UNKNOWN_SYMBOL, EXCHANGE_CLOSED, EXCEEDS_LIMIT, UNKNOWN_ORDER, DUPLICATE_ORDER = 0, 1, 2, 3, 5, 6
UNSUPPORTED_CHARACTERISTIC, INCORRECT_QUANTITY, UNKNOWN_ACCOUNT = 11, 13, 15
CXL_TOO_LATE, CXL_UNKNOWN_ORDER, CXL_EXCHANGE_OPTION, CXL_DUPLICATE = 0, 1, 2, 6
MASS_NOT_SUPPORTED, MASS_UNKNOWN_SECURITY = 0, 1


class FixReason(NamedTuple):
    """How a refusal reads: on an Execution Report, on an Order Cancel Reject, to a person, and on an Order Mass Cancel
    Report.
    """

    ord_rej_reason: int
    cxl_rej_reason: int
    text: str
    mass_cancel_rej_reason: int = OTHER


REASONS: dict[int, FixReason] = {
    Reason.DUPLICATE_CL_ORD_ID: FixReason(
        DUPLICATE_ORDER, CXL_DUPLICATE, "ClOrdID was used before in this trading day"
    ),
    Reason.POSS_RESEND_DUPLICATE: FixReason(
        DUPLICATE_ORDER, CXL_DUPLICATE, "possible resend of an order already answered"
    ),
    Reason.CL_ORD_ID_TABLE_FULL: FixReason(
        EXCEEDS_LIMIT, CXL_EXCHANGE_OPTION, "max_clordids of the trading day reached"
    ),
    Reason.UNKNOWN_INSTRUMENT: FixReason(UNKNOWN_SYMBOL, OTHER, "unknown symbol", MASS_UNKNOWN_SECURITY),
    Reason.UNKNOWN_ACCOUNT: FixReason(UNKNOWN_ACCOUNT, OTHER, "unknown account"),
    Reason.ACCOUNT_NOT_PERMITTED: FixReason(UNKNOWN_ACCOUNT, OTHER, "account is not one of this session"),
    Reason.ACCOUNT_DISABLED: FixReason(UNKNOWN_ACCOUNT, OTHER, "account is disabled"),
    Reason.MARKET_NOT_OPEN: FixReason(
        EXCHANGE_CLOSED, CXL_EXCHANGE_OPTION, "market is not open: only cancels are taken"
    ),
    Reason.INVALID_SIDE: FixReason(UNSUPPORTED_CHARACTERISTIC, OTHER, "unsupported Side"),
    Reason.INVALID_ORDER_TYPE: FixReason(UNSUPPORTED_CHARACTERISTIC, OTHER, "unsupported OrdType"),
    Reason.INVALID_TIME_IN_FORCE: FixReason(
        UNSUPPORTED_CHARACTERISTIC, OTHER, "unsupported TimeInForce for this OrdType, ExecInst or MinQty"
    ),
    Reason.INVALID_QUANTITY: FixReason(INCORRECT_QUANTITY, OTHER, "OrderQty is not between one lot and the maximum"),
    Reason.PRICE_OUT_OF_RANGE: FixReason(OTHER, OTHER, "Price is outside the allowed range"),
    Reason.NO_LIQUIDITY: FixReason(OTHER, OTHER, "no opposite order to price a market order with"),
    Reason.NOTIONAL_TOO_LARGE: FixReason(EXCEEDS_LIMIT, OTHER, "price x quantity is above the maximum"),
    Reason.TOO_MANY_OPEN_ORDERS: FixReason(EXCEEDS_LIMIT, OTHER, "max_open_orders_per_session reached"),
    Reason.ORDER_POOL_FULL: FixReason(EXCEEDS_LIMIT, CXL_EXCHANGE_OPTION, "the venue's max_orders is reached"),
    Reason.BOOK_FULL: FixReason(EXCEEDS_LIMIT, CXL_EXCHANGE_OPTION, "the venue's price levels are all in use"),
    Reason.INSUFFICIENT_FUNDS: FixReason(EXCEEDS_LIMIT, OTHER, "available balance does not cover the order"),
    Reason.UNKNOWN_ORDER: FixReason(UNKNOWN_ORDER, CXL_UNKNOWN_ORDER, "unknown order"),
    Reason.TOO_LATE_TO_CANCEL: FixReason(UNKNOWN_ORDER, CXL_TOO_LATE, "order is already filled, canceled or expired"),
    Reason.ORDER_MISMATCH: FixReason(OTHER, OTHER, "Symbol, Side or OrdType differs from the order's"),
    Reason.INVALID_CL_ORD_ID: FixReason(OTHER, OTHER, "ClOrdID must be 1 to 36 printable ASCII characters"),
    Reason.KILL_SWITCH: FixReason(
        EXCHANGE_OPTION, CXL_EXCHANGE_OPTION, "trading is blocked by a kill switch: only cancels are taken"
    ),
    Reason.MARKET_MAKER_PROTECTION: FixReason(
        EXCHANGE_OPTION, CXL_EXCHANGE_OPTION, "market-maker protection has tripped and is not reset yet"
    ),
    Reason.PHASE_NOT_ALLOWED: FixReason(
        UNSUPPORTED_CHARACTERISTIC, OTHER, "OrdType and TimeInForce are not taken in the present market phase"
    ),
    Reason.PRICE_NOT_ON_TICK: FixReason(OTHER, OTHER, "Price is not a multiple of the tick at that price"),
    Reason.QUANTITY_NOT_ON_LOT: FixReason(
        INCORRECT_QUANTITY, OTHER, "OrderQty is not a multiple of the lot at that price"
    ),
    Reason.QUANTITY_TOO_SMALL: FixReason(INCORRECT_QUANTITY, OTHER, "OrderQty is below the minimum"),
    Reason.NOTIONAL_TOO_SMALL: FixReason(OTHER, OTHER, "price x quantity is below the minimum"),
    Reason.PRICE_TOO_FAR: FixReason(
        EXCEEDS_LIMIT, OTHER, "Price is further from the reference price than the account may go"
    ),
    Reason.ORDER_QUANTITY_LIMIT: FixReason(EXCEEDS_LIMIT, OTHER, "OrderQty is above the account's limit"),
    Reason.ORDER_NOTIONAL_LIMIT: FixReason(EXCEEDS_LIMIT, OTHER, "price x quantity is above the account's limit"),
    Reason.POSITION_LIMIT: FixReason(EXCEEDS_LIMIT, OTHER, "the account's position could pass its limit"),
    Reason.TOO_MANY_OPEN_ORDERS_OF_ACCOUNT: FixReason(EXCEEDS_LIMIT, OTHER, "max_open_orders_per_account reached"),
    Reason.POST_ONLY_WOULD_TRADE: FixReason(OTHER, OTHER, "ExecInst 6: the order would have traded at entry"),
    Reason.INVALID_STOP_PRICE: FixReason(
        OTHER, OTHER, "StopPx is off the tick, out of range, would trigger at once, or the order is no waiting stop"
    ),
    Reason.INVALID_DISPLAY_QUANTITY: FixReason(
        INCORRECT_QUANTITY, OTHER, "MaxFloor is negative, off the lot, or on an order that can not rest"
    ),
    Reason.INVALID_MIN_QUANTITY: FixReason(
        INCORRECT_QUANTITY, OTHER, "MinQty is negative, above OrderQty, or on an order that does not trade at entry"
    ),
    Reason.INVALID_EXPIRY: FixReason(
        UNSUPPORTED_CHARACTERISTIC, OTHER, "ExpireTime must lie ahead, and belongs to TimeInForce 6 alone"
    ),
    Reason.NO_REFERENCE_PRICE: FixReason(OTHER, OTHER, "no reference price to price a market order in an auction with"),
    Reason.INVALID_SELF_TRADE_PREVENTION: FixReason(
        UNSUPPORTED_CHARACTERISTIC, OTHER, "unsupported SelfTradePrevention"
    ),
    Reason.CANCELED_BY_CLIENT: FixReason(OTHER, OTHER, "canceled on request"),
    Reason.CANCELED_IMMEDIATE_OR_CANCEL: FixReason(OTHER, OTHER, "remainder of an immediate-or-cancel order"),
    Reason.CANCELED_FILL_OR_KILL: FixReason(OTHER, OTHER, "fill-or-kill order could not be filled in full"),
    Reason.CANCELED_MAX_FILLS: FixReason(OTHER, OTHER, "max_fills_per_command reached: remainder canceled"),
    Reason.CANCELED_MIN_QUANTITY: FixReason(OTHER, OTHER, "less than MinQty could trade at entry"),
    Reason.CANCELED_SELF_TRADE: FixReason(OTHER, OTHER, "self-trade prevention"),
    Reason.CANCELED_MARKET_MAKER_PROTECTION: FixReason(OTHER, OTHER, "market-maker protection tripped"),
    Reason.CANCELED_KILL_SWITCH: FixReason(OTHER, OTHER, "kill switch engaged"),
    Reason.CANCELED_MASS_CANCEL: FixReason(OTHER, OTHER, "mass cancel request"),
    Reason.CANCELED_AUCTION_ONLY: FixReason(OTHER, OTHER, "the auction the order was for is over"),
    Reason.CANCELED_PRICE_BAND: FixReason(OTHER, OTHER, "a price band stopped trading"),
    Reason.CANCELED_BY_OPERATOR: FixReason(OTHER, OTHER, "canceled by the operator"),
    Reason.EXPIRED_END_OF_DAY: FixReason(OTHER, OTHER, "day order at the end of the trading day"),
    Reason.EXPIRED_GOOD_TILL_DATE: FixReason(OTHER, OTHER, "good-till-date order at its ExpireTime"),
    Reason.MALFORMED: FixReason(OTHER, OTHER, "the engine refused the message as malformed"),
    Reason.WRONG_ROLE: FixReason(OTHER, OTHER, "the engine refused the message"),
    Reason.UNKNOWN_SESSION: FixReason(OTHER, OTHER, "the engine does not know this session"),
    Reason.SESSION_DISABLED: FixReason(OTHER, OTHER, "session is disabled"),
    Reason.NOT_ATTACHED: FixReason(OTHER, CXL_EXCHANGE_OPTION, "session is not attached to the engine"),
    Reason.STALE_GENERATION: FixReason(OTHER, CXL_EXCHANGE_OPTION, "session was attached by another gateway"),
    Reason.WRONG_EPOCH: FixReason(OTHER, CXL_EXCHANGE_OPTION, "session was reset"),
    Reason.OVERLOADED: FixReason(OTHER, CXL_EXCHANGE_OPTION, "the engine is overloaded"),
}

#: Reasons that only ever answer settlement, operators and reference data: no client command gets one.
NOT_FOR_CLIENTS = frozenset(
    (
        Reason.OUT_OF_SEQUENCE,
        Reason.UNKNOWN_ASSET,
        Reason.INVALID_AMOUNT,
        Reason.INVALID_REFERENCE,
        Reason.CAPACITY_EXCEEDED,
        Reason.INVALID_STATE,
        Reason.UNKNOWN_TRADE,
        Reason.ALREADY_BUSTED,
        Reason.CANNOT_COVER,
    )
)
REASONS |= {reason: FixReason(OTHER, OTHER, "the engine refused the message") for reason in NOT_FOR_CLIENTS}

#: Ends of an order that the venue brought about against the order's own terms: told with ExecRestatementReason(378).
UNSOLICITED = frozenset(
    (
        Reason.CANCELED_MAX_FILLS,
        Reason.CANCELED_SELF_TRADE,
        Reason.CANCELED_MARKET_MAKER_PROTECTION,
        Reason.CANCELED_KILL_SWITCH,
        Reason.CANCELED_PRICE_BAND,
        Reason.CANCELED_BY_OPERATOR,
        Reason.BOOK_FULL,
    )
)
#: Ends that an order's TimeInForce brought about: Expired. Immediate-or-cancel and fill-or-kill are Canceled.
EXPIRIES = frozenset((Reason.EXPIRED_END_OF_DAY, Reason.EXPIRED_GOOD_TILL_DATE, Reason.CANCELED_AUCTION_ONLY))

#: Reasons the gateway gives by itself, when the message never reaches the engine.
VENUE_NOT_AVAILABLE = FixReason(OTHER, CXL_EXCHANGE_OPTION, "venue not available")
GATEWAY_STOPPING = FixReason(EXCHANGE_CLOSED, CXL_EXCHANGE_OPTION, "gateway is stopping: only cancels are taken")
SESSION_WAS_RESET = FixReason(OTHER, CXL_EXCHANGE_OPTION, "session was reset before the message reached the engine")


def reason_of(code: int) -> FixReason:
    """The table's row, or one that names the code: a newer engine may know reasons we do not."""
    return REASONS.get(code) or FixReason(OTHER, OTHER, f"refused by the engine, reason {code}")
