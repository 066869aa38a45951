"""Money in the reference core: reservations, fees and fills worked out by hand, and credits."""

from __future__ import annotations

from engine.wire.messages import (
    AccountKind,
    AccountSet,
    CommandRefused,
    Credited,
    FeeScheduleSet,
    OrderAccepted,
    Reason,
    Role,
    Side,
    Trade,
    TradeBusted,
    Transferred,
)
from tests.fixtures.fix_core import LIMITS, Venue, only
from tests.property.commands import ACCOUNTS, FEE_ACCOUNT, INSTRUMENTS, LENDER

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


# Fee tiers and rebates.


def test_account_pays_the_rates_of_its_tier(venue: Venue) -> None:
    """Tier 2 takes for nothing; a tier that is not defined is tier 0."""
    venue.set(FeeScheduleSet(1, 2, 700, 0), ACCOUNTS[1]._replace(fee_tier=2), ACCOUNTS[3]._replace(fee_tier=5))
    venue.sell(3, 62)
    trade = only(Trade, venue.buy(3, 62))
    assert (trade.maker_fee_units, trade.taker_fee_units) == (2, 0)


def test_maker_rebate_is_paid_out_of_the_fees(venue: Venue) -> None:
    """-500 ppm of 62 x 3 x 10 = 1,860 is -0.93: rounded in the venue's favour per order, so 0 now, -1 after twice that.

    The taker's 1,500 ppm are 2.79: 3 each time.
    """
    venue.set(INSTRUMENTS[0]._replace(maker_fee_ppm=-500))
    venue.sell(6, 62)
    fees = [only(Trade, venue.buy(3, 62)) for _ in range(2)]
    assert [(trade.maker_fee_units, trade.taker_fee_units) for trade in fees] == [(0, 3), (-1, 3)]
    assert venue.core.balance(FEE_ACCOUNT, QUOTE) == (5, 0)
    assert venue.core.balance(BOB, QUOTE) == (12_000 + 3_721, 0)


def test_rebate_that_nobody_can_pay_is_cut(venue: Venue) -> None:
    """A bid accepted at -1,500 ppm meets a taker whose tier is free: the fee account holds 0 and gives 0."""
    venue.set(INSTRUMENTS[0]._replace(maker_fee_ppm=-1_500))
    mine = only(OrderAccepted, venue.buy(6, 62))
    venue.set(INSTRUMENTS[0]._replace(maker_fee_ppm=0), FeeScheduleSet(1, 1, 0, 0), ACCOUNTS[3]._replace(fee_tier=1))
    trade = only(Trade, venue.sell(3, 62))
    assert (trade.maker_fee_units, trade.taker_fee_units) == (0, 0)
    assert venue.core.orders[mine.order_id & 0xFFFF_FFFF].remainder == 0
    assert venue.core.balance(FEE_ACCOUNT, QUOTE) == (0, 0)
    venue.do(venue.source.credit(FEE_ACCOUNT, QUOTE, 1))
    assert only(Trade, venue.sell(3, 62)).maker_fee_units == -1


def test_rates_that_could_cost_the_venue_money_are_refused(venue: Venue) -> None:
    """The lowest maker rate plus the lowest taker rate of all tiers must not be negative."""
    venue.set(FeeScheduleSet(1, 1, -1_500, 1_500))
    for command in (FeeScheduleSet(1, 2, 0, 1_499), INSTRUMENTS[0]._replace(taker_fee_ppm=1_499)):
        refused = only(CommandRefused, venue.do((Role.INTERNAL, command.encode())))
        assert refused.reason == Reason.INVALID_REFERENCE


# Credit lines and busts.


def lending(venue: Venue, units: int) -> None:
    venue.set(AccountSet(LENDER, 5, AccountKind.LENDER, 1, b"lender"))
    venue.do(venue.source.credit(LENDER, QUOTE, units))


def test_transfer_draws_on_a_lender_and_pays_back(venue: Venue) -> None:
    """The same units change hands; the event says what both have then."""
    lending(venue, 100)
    drawn = only(Transferred, venue.do(venue.source.transfer(LENDER, ALICE, QUOTE, 60)))
    assert (drawn.from_available_units, drawn.to_available_units) == (40, 12_060)
    assert only(Transferred, venue.do(venue.source.transfer(ALICE, LENDER, QUOTE, 60))).to_available_units == 100


def test_refused_transfer_keeps_its_number(venue: Venue) -> None:
    """Each fault in its order; the next good one has the same number."""
    lending(venue, 100)

    def reason(source: int, target: int, asset: int, amount: int) -> int:
        refused = only(CommandRefused, venue.do(venue.source.transfer(source, target, asset, amount)))
        assert (refused.reference, refused.role) == (1, Role.ADMIN)
        return refused.reason

    assert reason(LENDER, 5, QUOTE, 0) == Reason.UNKNOWN_ACCOUNT
    assert reason(LENDER, ALICE, 4, 0) == Reason.UNKNOWN_ASSET
    assert reason(ALICE, BOB, QUOTE, 0) == Reason.INVALID_REFERENCE
    assert reason(LENDER, LENDER, QUOTE, 0) == Reason.INVALID_REFERENCE
    assert reason(LENDER, ALICE, QUOTE, 0) == Reason.INVALID_AMOUNT
    assert reason(LENDER, ALICE, QUOTE, 101) == Reason.INSUFFICIENT_FUNDS
    assert only(Transferred, venue.do(venue.source.transfer(LENDER, ALICE, QUOTE, 100))).transfer_seq == 1


def test_bust_gives_everything_back(venue: Venue) -> None:
    """Both fees come back too, positions are reversed, and it can be done once."""
    venue.sell(3, 62)
    before = venue.core.balance(ALICE, QUOTE), venue.core.balance(ALICE, BASE)
    trade = only(Trade, venue.buy(3, 62))
    assert venue.core.exposure(ALICE, 1).position_lots == 3
    busted = only(TradeBusted, venue.do(venue.source.bust(trade.trade_id)))
    assert (busted.buyer_side_account, busted.seller_side_account) == (ALICE, BOB)
    assert (busted.buyer_fee_units, busted.seller_fee_units, busted.notional_units) == (3, 2, 1_860)
    assert (venue.core.balance(ALICE, QUOTE), venue.core.balance(ALICE, BASE)) == before
    assert venue.core.balance(BOB, BASE) == (2_500, 0)
    assert venue.core.balance(FEE_ACCOUNT, QUOTE) == (0, 0)
    assert (venue.core.exposure(ALICE, 1).position_lots, venue.core.exposure(BOB, 1).position_lots) == (0, 0)
    refused = only(CommandRefused, venue.do(venue.source.bust(trade.trade_id)))
    assert (refused.reason, refused.reference) == (Reason.ALREADY_BUSTED, trade.trade_id)


def test_bust_needs_cover_or_a_guarantor(venue: Venue) -> None:
    """Bob has reserved his proceeds: refused without, carried out with a guarantor who pays for him."""
    venue.sell(3, 62)
    trade = only(Trade, venue.buy(3, 62))
    venue.buy(14, 64, session=3)
    venue.buy(7, 64, session=3)
    assert venue.core.balance(BOB, QUOTE)[0] < 1_858
    assert only(CommandRefused, venue.do(venue.source.bust(trade.trade_id))).reason == Reason.CANNOT_COVER
    lending(venue, 1_857)
    assert only(CommandRefused, venue.do(venue.source.bust(trade.trade_id, LENDER))).reason == Reason.CANNOT_COVER
    venue.do(venue.source.credit(LENDER, QUOTE, 1))
    busted = only(TradeBusted, venue.do(venue.source.bust(trade.trade_id, LENDER)))
    assert (busted.buyer_side_account, busted.seller_side_account) == (ALICE, LENDER)
    assert (venue.core.balance(LENDER, QUOTE), venue.core.balance(LENDER, BASE)) == ((0, 0), (300, 0))
    assert venue.core.exposure(BOB, 1).position_lots == 0


def test_bust_says_why_it_can_not(venue: Venue) -> None:
    """No such trade, an unknown guarantor, the fee account as one; only the last eight trades are remembered."""
    done = []
    for _ in range(9):
        venue.sell(1, 62)
        done.append(only(Trade, venue.buy(1, 62)).trade_id)

    def reason(trade_id: int, guarantor: int = 0) -> int:
        return only(CommandRefused, venue.do(venue.source.bust(trade_id, guarantor))).reason

    assert reason(done[0]) == reason(1) == Reason.UNKNOWN_TRADE
    assert reason(done[1], 5) == Reason.UNKNOWN_ACCOUNT
    assert reason(done[1], FEE_ACCOUNT) == Reason.INVALID_REFERENCE
    venue.set(LIMITS._replace(max_bustable_trades=0))
    assert reason(done[-1]) == Reason.UNKNOWN_TRADE
