"""A short market day by hand, between the demo's random trading and its final accounts: an auction, an iceberg, a stop
that triggers, a halt and a bust, with orders over FIX and the operator's commands by venuectl.

What each side ends up with is taken from its FIX reports alone, so that the demo can hold it against everybody else.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import simplefix

from cfg.model import VenueConfig
from ops.fix_client import FixClient, FixClientError, text, utc_timestamp
from ops.local import VenueError
from ops.markets import Market, MarketsUnknown, markets

REPORT_TIMEOUT_S = 20.0
SYMBOL = "ETH-USD"
NEW, FILL, REJECTED, TRADE_CANCEL = "0", "F", "8", "H"
FILLED = "2"
Venuectl = Callable[..., str]


class Desk:
    """One institution's orders of the day; `fills` are those of its reports, less what was busted."""

    def __init__(self, config: VenueConfig, comp_id: str, password: str, next_out: int, next_in: int) -> None:
        """`next_out`, `next_in`: where the program that had this session before us left off."""
        fix = config.fixgw
        self._fix = FixClient("127.0.0.1", fix.port, comp_id, fix.comp_id, password)
        self._fix.next_out, self._fix.next_in = next_out, next_in
        self._prefix = f"{comp_id}-day-"
        self._reports: list[simplefix.FixMessage] = []
        self.fills: dict[str, list[str]] = {}  # ExecID -> symbol, side, quantity, price, fee, ClOrdID

    def open(self) -> None:
        """Logs on, once the gateway has noticed that the program before us is gone."""
        deadline = time.monotonic() + REPORT_TIMEOUT_S
        while True:
            try:
                self._take(self._fix.logon())
                return
            except FixClientError as error:
                if time.monotonic() > deadline:
                    raise VenueError(f"no logon within {REPORT_TIMEOUT_S:.0f} s: {error}") from error
                time.sleep(0.1)

    def close(self) -> None:
        """Logs out."""
        self._fix.logout()

    def order(self, name: str, side: str, quantity: str, price: str = "", *, stop: str = "", show: str = "") -> str:
        """Sends a day order (limit with a price, else a stop) and returns its ClOrdID."""
        clordid = self._prefix + name
        order_type = ("4" if stop else "2") if price else "3"
        fields = [(11, clordid), (55, SYMBOL), (54, side), (60, utc_timestamp()), (38, quantity), (40, order_type)]
        fields += [(tag, value) for tag, value in ((44, price), (99, stop), (111, show)) if value]
        self._fix.send("D", fields)
        return clordid

    def expect(self, clordid: str, exec_type: str, status: str = "") -> simplefix.FixMessage:
        """The next report of that order with that ExecType and OrdStatus; VenueError when it does not come."""
        deadline = time.monotonic() + REPORT_TIMEOUT_S
        while True:
            for index, report in enumerate(self._reports):
                wanted = text(report, 11) == clordid and text(report, 150) == exec_type
                if wanted and status in ("", text(report, 39)):
                    return self._reports.pop(index)
            if time.monotonic() > deadline:
                raise VenueError(f"no report 150={exec_type} 39={status} of {clordid} within {REPORT_TIMEOUT_S:.0f} s")
            self._take(self._fix.poll(0.05))

    def _take(self, messages: list[simplefix.FixMessage]) -> None:
        for message in messages:
            # What the random trading left unreported may come here too; that program has accounted for it.
            if text(message, 35) != "8" or not text(message, 11).startswith(self._prefix):
                continue
            self._reports.append(message)
            if text(message, 150) == FILL:
                fill = [text(message, tag) for tag in (55, 54, 32, 31)]
                self.fills[text(message, 17)] = [*fill, text(message, 137) or "0", text(message, 11)]
            elif text(message, 150) == TRADE_CANCEL:
                del self.fills[text(message, 19)]


class MarketDay:
    """The day's script. `venuectl` runs one operator command and returns what it said."""

    def __init__(self, config: VenueConfig, alpha: Desk, bravo: Desk, venuectl: Venuectl) -> None:
        self._config = config
        self._venuectl = venuectl
        self.alpha, self.bravo = alpha, bravo
        #: ClOrdID of the stop that triggers and whose trade is busted.
        self.busted = ""

    def run(self) -> None:
        """From the operator's clean book to orders that rest overnight; VenueError when something does not happen."""
        self._venuectl("cancel", "--instrument", SYMBOL, "--reason", "a clean book")
        for desk in (self.alpha, self.bravo):
            desk.open()
        self._auction()
        self._iceberg()
        self._stop()
        self._halt()
        self._bust()
        self._overnight()
        for desk in (self.alpha, self.bravo):
            desk.close()

    def _auction(self) -> None:
        self._venuectl("phase", SYMBOL, "opening-auction", "--reason", "the day begins")
        buy, sell = self.alpha.order("auction", "1", "2", "3001.00"), self.bravo.order("auction", "2", "2", "2999.00")
        self.alpha.expect(buy, NEW)
        self.bravo.expect(sell, NEW)
        self._await_indicative()
        self._venuectl("phase", SYMBOL, "continuous", "--reason", "the auction ends")
        self.alpha.expect(buy, FILL, FILLED)
        self.bravo.expect(sell, FILL, FILLED)

    def _await_indicative(self) -> None:
        """The feed shows at which price the crossed book would trade."""
        deadline = time.monotonic() + REPORT_TIMEOUT_S
        while not self._market().indicative:
            if time.monotonic() > deadline:
                raise VenueError(f"the feed shows no indicative price within {REPORT_TIMEOUT_S:.0f} s")
            time.sleep(0.05)

    def _market(self) -> Market:
        try:
            return next(market for market in markets(self._config) if market.symbol == SYMBOL)
        except MarketsUnknown as error:
            raise VenueError(f"feed: {error}") from error

    def _iceberg(self) -> None:
        """Three coins, one visible at a time; half a coin is left."""
        iceberg = self.bravo.order("iceberg", "2", "3", "3100.00", show="1")
        self.bravo.expect(iceberg, NEW)
        buy = self.alpha.order("takes-iceberg", "1", "2.5", "3100.00")
        self.alpha.expect(buy, FILL, FILLED)

    def _stop(self) -> None:
        """A trade at 3110 makes the stop a market order, which trades at 3110 too."""
        self.busted = self.alpha.order("stop", "1", "0.5", stop="3110.00")
        self.alpha.expect(self.busted, NEW)
        sell = self.bravo.order("meets-stop", "2", "1", "3110.00")
        self.bravo.expect(sell, NEW)
        buy = self.alpha.order("moves-price", "1", "1", "3110.00")
        self.alpha.expect(buy, FILL, FILLED)
        self.bravo.expect(sell, FILL, FILLED)

    def _halt(self) -> None:
        self._venuectl("phase", SYMBOL, "halt", "--reason", "news is pending")
        refused = self.alpha.order("while-halted", "1", "1", "2900.00")
        self.alpha.expect(refused, REJECTED)
        self._venuectl("phase", SYMBOL, "continuous", "--reason", "the news is out")

    def _bust(self) -> None:
        fill = self.alpha.expect(self.busted, FILL, FILLED)
        trade_id = text(fill, 17).partition("-")[2].rstrip("MT")
        self._venuectl("bust", trade_id, "--reason", "clearly erroneous price")
        self.alpha.expect(self.busted, TRADE_CANCEL)
        self.bravo.expect("BRAVO-day-meets-stop", TRADE_CANCEL)

    def _overnight(self) -> None:
        """Orders that stay: a plain one, an iceberg that shows a part, a stop that shows nothing."""
        for desk, clordid in (
            (self.alpha, self.alpha.order("bid", "1", "1", "2900.00")),
            (self.bravo, self.bravo.order("offer", "2", "2", "3200.00", show="0.5")),
            (self.alpha, self.alpha.order("stop-limit", "2", "1", "2790.00", stop="2800.00")),
        ):
            desk.expect(clordid, NEW)
