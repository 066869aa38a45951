"""Money in the reference core: reservations, fees and fills worked out by hand, and credits."""

from __future__ import annotations

from engine.wire.messages import CommandRefused, Credited, OrderAccepted, Reason, Role, Side, Trade
from tests.fixtures.fix_core import Venue, only
from tests.property.commands import FEE_ACCOUNT, INSTRUMENTS

BASE, QUOTE = 1, 3
ALICE, BOB = 2, 4


def test_buyer_reserves_notional_and_the_higher_fee_rounded_up(venue: Venue) -> None:
    """5 lots at 63: 63 x 5 x 10 = 3,150; fee at the higher rate 1,500 ppm = 4.725, so 5; together 3,155 of 12,000."""
    venue.buy(5, 63)
    assert venue.core.balance(ALICE, QUOTE) == (12_000 - 3_155, 3_155)


def test_reservation_covers_the_maker_rate_when_that_is_higher(venue: Venue) -> None:
    """Instrument 2 takes 333,333 ppm from makers, nothing from takers: 50 x 3 x 1 = 150 needs 49.99995 more."""
    venue.buy(3, 50, instrument=2)
    assert venue.core.balance(ALICE, QUOTE)[1] == 150 + 50


def test_seller_reserves_base(venue: Venue) -> None:
    """3 lots are 300 units of base; the fee comes out of the proceeds."""
    venue.sell(3, 63)
    assert venue.core.balance(BOB, BASE) == (2_200, 300)
    assert venue.core.balance(BOB, QUOTE) == (12_000, 0)


def test_fill_pays_both_sides_and_the_fee_account(venue: Venue) -> None:
    """Bob rests 3 at 62; Alice buys 5 at 63 and gets 3 at 62.

    Notional 62 x 3 x 10 = 1,860. Maker fee 700 ppm = 1.302, so 2. Taker fee 1,500 ppm = 2.79, so 3.
    Alice pays 1,863 and holds 2 lots at 63 reserved: 1,260 + ceil((2.79 + 1.89) - 3 paid), which is 1,262.
    """
    venue.sell(3, 62)
    trade = only(Trade, venue.buy(5, 63))
    assert (trade.notional_units, trade.maker_fee_units, trade.taker_fee_units) == (1_860, 2, 3)
    assert venue.core.balance(BOB, BASE) == (2_200, 0)
    assert venue.core.balance(BOB, QUOTE) == (12_000 + 1_858, 0)
    assert venue.core.balance(FEE_ACCOUNT, QUOTE) == (5, 0)
    assert venue.core.balance(ALICE, BASE) == (2_500 + 300, 0)
    assert venue.core.balance(ALICE, QUOTE) == (12_000 - 1_863 - 1_262, 1_262)


def test_fee_is_rounded_once_per_order_not_per_fill(venue: Venue) -> None:
    """Three fills of 620 at 1,500 ppm are 0.93 each: fees so far 1, 2, 3 and not more; as one of 1,860 it is 3 as well.

    The makers, each an order of its own, pay ceil(0.434) = 1 each.
    """
    for _ in range(3):
        venue.sell(1, 62)
    fills = [event for event in venue.buy(3, 62) if isinstance(event, Trade)]
    assert [fill.taker_fee_units for fill in fills] == [1, 1, 1]
    assert [fill.maker_fee_units for fill in fills] == [1, 1, 1]
    venue.buy(3, 62)  # now a maker at 700 ppm: 0.434, 0.868, 1.302 so far
    fills = [event for _ in range(3) for event in venue.sell(1, 62) if isinstance(event, Trade)]
    assert [fill.maker_fee_units for fill in fills] == [1, 0, 1]


def test_rates_are_fixed_at_acceptance(venue: Venue) -> None:
    """Raising the fees afterwards does not touch an order that is already in the book."""
    venue.sell(3, 62)
    dearer = INSTRUMENTS[0]._replace(maker_fee_ppm=100_000, taker_fee_ppm=200_000)
    venue.do((Role.INTERNAL, dearer.encode()))
    trade = only(Trade, venue.buy(3, 62))
    assert (trade.maker_fee_units, trade.taker_fee_units) == (2, 372)


def test_price_improvement_goes_back_to_the_buyer(venue: Venue) -> None:
    """Bid 70, filled at 60: nothing stays reserved, and the buyer paid 600 + 1."""
    venue.sell(1, 60)
    venue.buy(1, 70)
    assert venue.core.balance(ALICE, QUOTE) == (12_000 - 601, 0)


def test_cancel_returns_the_whole_reservation(venue: Venue) -> None:
    """Whatever is still reserved comes back with the cancel."""
    mine = only(OrderAccepted, venue.buy(5, 63))
    venue.do(venue.source.cancel_order(1, order_id=mine.order_id))
    assert venue.core.balance(ALICE, QUOTE) == (12_000, 0)


def test_replace_reserves_only_the_difference(venue: Venue) -> None:
    """14 lots at 62 reserve 8,680 + 14; moving to 64 needs 280 more, not another 8,974, so 12,000 are enough."""
    mine = only(OrderAccepted, venue.buy(14, 62))
    assert venue.core.balance(ALICE, QUOTE)[1] == 8_680 + 14
    venue.do(venue.source.replace_order(1, order_id=mine.order_id, price_ticks=64, quantity_lots=14))
    assert venue.core.balance(ALICE, QUOTE) == (12_000 - 8_974, 8_960 + 14)


def test_account_may_trade_with_itself_and_pays_both_fees(venue: Venue) -> None:
    """Nothing moves between its own balances except the fees to the fee account."""
    venue.sell(3, 62, session=1)
    venue.buy(3, 62, session=1)
    assert venue.core.balance(ALICE, BASE) == (2_500, 0)
    assert venue.core.balance(ALICE, QUOTE) == (12_000 - 5, 0)
    assert venue.core.balance(FEE_ACCOUNT, QUOTE) == (5, 0)


def test_credit_adds_to_available(venue: Venue) -> None:
    """A deposit is available at once, and the event says what there is now."""
    credited = only(Credited, venue.do(venue.source.credit(ALICE, BASE, 7)))
    assert (credited.amount_units, credited.available_units) == (7, 2_507)
    assert venue.core.total(BASE) == 3 * 2_500 + 7


def test_refused_credit_keeps_its_number_for_the_corrected_one(venue: Venue) -> None:
    """Unknown account, unknown asset, amounts below 1 or beyond 63 bits; the next deposit has the same number."""
    number = venue.source.deposit_seq + 1

    def reason(account: int, asset: int, amount: int) -> int:
        refused = only(CommandRefused, venue.do(venue.source.credit(account, asset, amount)))
        assert (refused.reference, refused.role) == (number, Role.SETTLEMENT)
        return refused.reason

    assert reason(5, BASE, 0) == Reason.UNKNOWN_ACCOUNT
    assert reason(ALICE, 4, 0) == Reason.UNKNOWN_ASSET
    assert reason(ALICE, BASE, 0) == Reason.INVALID_AMOUNT
    assert reason(ALICE, BASE, 2**63 - 1) == Reason.INVALID_AMOUNT
    credited = only(Credited, venue.do(venue.source.credit(ALICE, BASE, 2**63 - 1 - 7_500)))
    assert credited.deposit_seq == number


def test_side_of_reservation_follows_the_order(venue: Venue) -> None:
    """Buying and selling at once reserves quote for the one and base for the other."""
    venue.buy(1, 60)
    venue.sell(1, 70, session=1)
    assert venue.core.balance(ALICE, QUOTE) == (12_000 - 601, 601)
    assert venue.core.balance(ALICE, BASE) == (2_400, 100)
    assert venue.levels(Side.BUY) == [(60, 1)]
