"""What venue-md prints: prices and quantities with their places, phase, auction, band, day and busts."""

from __future__ import annotations

import json

from mdfeed.book import Market
from mdfeed.ladder import as_json, as_text, status_lines
from mdfeed.schema.messages import (
    AuctionIndicative,
    AuctionUncrossed,
    InstrumentDefinition,
    InstrumentPhase,
    OrderAdd,
    Phase,
    PhaseCause,
    ReferencePrice,
    Side,
    Trade,
    TradeBust,
    TradingState,
)

NOON_NS = 1_790_000_000 // 86_400 * 86_400 * 10**9 + 12 * 3_600 * 10**9


def crossed_market() -> Market:
    """ETH-USD in its opening auction: a bid of 3 at 20.10 against an offer of 5 at 20.00."""
    market = Market()
    market.apply(
        InstrumentDefinition(
            instrument=1,
            flags=1,
            state=TradingState.OPEN,
            tick_exponent=2,
            lot_exponent=1,
            event_sequence=1,
            time_ns=NOON_NS,
            tick_mantissa=1,
            lot_mantissa=1,
            price_min_ticks=1,
            price_max_ticks=9_999,
            quantity_max_lots=99,
            protection_ticks=5,
            maker_fee_ppm=0,
            taker_fee_ppm=0,
            symbol=b"ETH-USD",
            base=b"ETH",
            quote=b"USD",
            notional_max_units=10**9,
            phase=Phase.PRE_OPEN,
        )
    )
    end_ns = NOON_NS + 90 * 10**9
    market.apply_transaction(
        [InstrumentPhase(1, 1, Phase.OPENING_AUCTION, Phase.PRE_OPEN, PhaseCause.SCHEDULE, 2, NOON_NS, end_ns)]
    )
    market.apply_transaction([OrderAdd(1, 1, Side.BUY, 3, NOON_NS, 1, 3, 2010, 30)])
    market.apply_transaction([OrderAdd(1, 1, Side.SELL, 4, NOON_NS, 2, 4, 2000, 50)])
    market.apply_transaction([AuctionIndicative(1, 1, 5, NOON_NS, 2005, 30, -20)])
    return market


def test_an_auction_under_way_is_shown_with_its_price_and_surplus() -> None:
    """Phase with its end, that the book is crossed and why, and what would trade now."""
    market = crossed_market()
    assert status_lines(market.books[1]) == [
        "ETH-USD  open  opening-auction until 12:01:30  crossed: orders are being collected",
        "indicative 3.0 @ 20.05, sell surplus 2.0",
    ]
    market.apply_transaction([AuctionIndicative(1, 1, 6, NOON_NS, 0, 0, 0)])
    assert status_lines(market.books[1])[1] == "indicative nothing would trade"


def test_after_the_uncross_the_day_band_and_bust_are_shown() -> None:
    """Reference price with its band, prices and volume of the day, and the last bust."""
    market = crossed_market()
    book = market.books[1]
    book.execute(1, 30, 0)
    book.execute(2, 30, 20)
    for message in (
        InstrumentPhase(1, 0, Phase.CONTINUOUS, Phase.OPENING_AUCTION, PhaseCause.AUCTION_END, 7, NOON_NS, 0),
        Trade(1, 0, Side.NONE, 8, NOON_NS, 8, 2005, 30),
        AuctionUncrossed(1, 0, 9, NOON_NS, 2005, 30, -20, 1),
        ReferencePrice(1, 1, 10, NOON_NS, 2005, 1905, 2105),
        Trade(1, 1, Side.BUY, 11, NOON_NS, 11, 2000, 10),
        TradeBust(1, 1, 12, NOON_NS, 11, 2000, 10),
    ):
        market.apply(message)
    assert status_lines(book) == [
        "ETH-USD  open  continuous",
        "last auction 3.0 @ 20.05, sell surplus 2.0",
        "reference 20.05  band 19.05 .. 21.05",
        "open 20.05  high 20.05  low 20.00  last 20.00  vwap 20.03  volume 4.0  trades 2",
        "busted trade 11: 1.0 @ 20.00",
    ]


def test_text_and_json_show_the_same_market() -> None:
    """Both name phase and auction; JSON stays in ticks and lots."""
    market = crossed_market()
    text = as_text(market, [market.books[1]], 5)
    assert "opening-auction" in text and "indicative 3.0 @ 20.05" in text
    assert text.splitlines()[-1].split() == ["1", "3.0", "20.10", "|", "20.00", "5.0", "1"]
    (book,) = json.loads(json.dumps(as_json(market, [market.books[1]], 5)))["books"]
    assert (book["phase"], book["crossed"], book["auction"], book["bust"]) == ("opening-auction", True, None, None)
    assert book["indicative"] == {"price_ticks": 2005, "volume_lots": 30, "surplus_lots": -20}
    assert book["statistics"]["trades"] == 0
