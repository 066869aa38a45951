"""The one table from the engine's reasons to what FIX says: OrdRejReason(103), CxlRejReason(102) and Text(58)."""

from __future__ import annotations

from typing import NamedTuple

from engine.wire.messages import Reason


class FixReason(NamedTuple):
    """How a refusal reads: on an Execution Report, on an Order Cancel Reject, and to a person."""

    ord_rej_reason: int
    cxl_rej_reason: int
    text: str


OTHER = 99
UNKNOWN_SYMBOL, EXCHANGE_CLOSED, EXCEEDS_LIMIT, UNKNOWN_ORDER, DUPLICATE_ORDER = 1, 2, 3, 5, 6
UNSUPPORTED_CHARACTERISTIC, INCORRECT_QUANTITY, UNKNOWN_ACCOUNT = 11, 13, 15
CXL_TOO_LATE, CXL_UNKNOWN_ORDER, CXL_EXCHANGE_OPTION, CXL_DUPLICATE = 0, 1, 2, 6

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
    Reason.UNKNOWN_INSTRUMENT: FixReason(UNKNOWN_SYMBOL, OTHER, "unknown symbol"),
    Reason.UNKNOWN_ACCOUNT: FixReason(UNKNOWN_ACCOUNT, OTHER, "unknown account"),
    Reason.ACCOUNT_NOT_PERMITTED: FixReason(UNKNOWN_ACCOUNT, OTHER, "account is not one of this session"),
    Reason.ACCOUNT_DISABLED: FixReason(UNKNOWN_ACCOUNT, OTHER, "account is disabled"),
    Reason.MARKET_NOT_OPEN: FixReason(
        EXCHANGE_CLOSED, CXL_EXCHANGE_OPTION, "market is not open: only cancels are taken"
    ),
    Reason.INVALID_SIDE: FixReason(UNSUPPORTED_CHARACTERISTIC, OTHER, "unsupported Side"),
    Reason.INVALID_ORDER_TYPE: FixReason(UNSUPPORTED_CHARACTERISTIC, OTHER, "unsupported OrdType"),
    Reason.INVALID_TIME_IN_FORCE: FixReason(
        UNSUPPORTED_CHARACTERISTIC, OTHER, "unsupported TimeInForce for this OrdType"
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
    Reason.ORDER_MISMATCH: FixReason(OTHER, OTHER, "Symbol or Side differs from the order's"),
    Reason.INVALID_CL_ORD_ID: FixReason(OTHER, OTHER, "ClOrdID must be 1 to 36 printable ASCII characters"),
    Reason.CANCELED_BY_CLIENT: FixReason(OTHER, OTHER, ""),
    Reason.CANCELED_IMMEDIATE_OR_CANCEL: FixReason(OTHER, OTHER, "remainder of an immediate-or-cancel order"),
    Reason.CANCELED_FILL_OR_KILL: FixReason(OTHER, OTHER, "fill-or-kill order could not be filled in full"),
    Reason.CANCELED_MAX_FILLS: FixReason(OTHER, OTHER, "max_fills_per_command reached: remainder canceled"),
    Reason.EXPIRED_END_OF_DAY: FixReason(OTHER, OTHER, "day order at the end of the trading day"),
    Reason.MALFORMED: FixReason(OTHER, OTHER, "the engine refused the message as malformed"),
    Reason.UNKNOWN_SESSION: FixReason(OTHER, OTHER, "the engine does not know this session"),
    Reason.SESSION_DISABLED: FixReason(OTHER, OTHER, "session is disabled"),
    Reason.WRONG_ROLE: FixReason(OTHER, OTHER, "the engine refused the message"),
}

#: Reasons the gateway gives by itself, when the message never reaches the engine.
VENUE_NOT_AVAILABLE = FixReason(OTHER, CXL_EXCHANGE_OPTION, "venue not available")
GATEWAY_STOPPING = FixReason(EXCHANGE_CLOSED, CXL_EXCHANGE_OPTION, "gateway is stopping: only cancels are taken")
SESSION_WAS_RESET = FixReason(OTHER, CXL_EXCHANGE_OPTION, "session was reset before the message reached the engine")


def reason_of(code: int) -> FixReason:
    """The table's row, or one that names the code: a newer engine may know reasons we do not."""
    return REASONS.get(code) or FixReason(OTHER, OTHER, f"refused by the engine, reason {code}")
