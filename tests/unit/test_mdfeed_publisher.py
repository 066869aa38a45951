"""From one engine command to one transaction: which messages, in which order, with which values."""

from __future__ import annotations

import pytest

from engine.wire import messages as wire
from mdfeed.book import BookError, FeedMessage, Market, TradeStatistics
from mdfeed.packets import read_message
from mdfeed.publisher import Event, FeedState, refill_id, session_id
from mdfeed.schema.messages import (
    AuctionIndicative,
    AuctionUncrossed,
    DayStatistics,
    InstrumentDefinition,
    InstrumentPhase,
    OrderAdd,
    OrderDelete,
    OrderExecute,
    OrderModify,
    Phase,
    PhaseCause,
    ReferencePrice,
    SessionStart,
    Side,
    TickBand,
    Trade,
    TradeBust,
    TradingState,
    TradingStatus,
)
from mdfeed.snapshot import Loader, dump
from tests.fixtures.fix_mdfeed import everything_of

HEAD = {"command_sequence": 9, "time_ns": 77, "epoch": 1}
CLIENT = {"session": 1, "session_epoch": 1, "client_seq": 1}
ORDER = {"instrument": 1, "account": 4, "side": int(Side.BUY)}


class Commands:
    """Numbers the events of commands and gives what the feed makes of each command; a market follows it."""

    def __init__(self, phase: int = Phase.CONTINUOUS) -> None:
        self.state = FeedState()
        self.market = Market()
        self.send(wire.AssetDefined(0, 1, 77, 1, 0, 1, 8, b"BTC"), wire.AssetDefined(0, 1, 77, 1, 0, 2, 2, b"USD"))
        self.send(defined(phase))

    def send(self, *events: Event) -> list[FeedMessage]:
        """One command part with these events."""
        messages: list[FeedMessage] = []
        for place, event in enumerate(events, 1):
            last = int(place == len(events))
            numbered = event._replace(sequence=self.state.event_sequence + 1, last_in_command=last)
            made = self.state.apply(numbered)
            assert not made or last, "nothing leaves before the command is complete"
            messages += made
        self.market.apply_transaction(messages)
        return messages

    @property
    def depth(self) -> list[tuple[int, int, int]]:
        """Side, price and visible lots of every order, in priority order."""
        return [(order.side, order.price_ticks, order.quantity_lots) for order in self.market.books[1].orders()]


def defined(phase: int) -> wire.InstrumentDefined:
    return wire.InstrumentDefined(
        sequence=0,
        last_in_command=0,
        instrument=1,
        base=1,
        quote=2,
        tick_units=10,
        lot_units=100,
        price_min_ticks=1,
        price_max_ticks=1000,
        quantity_max_lots=1000,
        notional_max_units=10**9,
        protection_ticks=5,
        maker_fee_ppm=-20,
        taker_fee_ppm=50,
        tick_exponent=2,
        lot_exponent=6,
        tick_mantissa=1,
        lot_mantissa=1,
        symbol=b"BTC/USD",
        quantity_min_lots=1,
        notional_min_units=3,
        static_band_ppm=100_000,
        dynamic_band_ppm=50_000,
        volatility_auction_ms=5_000,
        initial_phase=phase,
        **HEAD,
    )


def kinds(messages: list[FeedMessage]) -> list[str]:
    """Names of the messages."""
    return [type(message).__name__ for message in messages]


def accepted(displayed_lots: int, order_id: int = 5, **fields: int) -> wire.OrderAccepted:
    order = wire.OrderAccepted(
        sequence=0,
        last_in_command=0,
        order_id=order_id,
        price_ticks=100,
        quantity_lots=10,
        rested_lots=displayed_lots,
        displayed_lots=displayed_lots,
        working=1,
        order_type=2,
        time_in_force=1,
        poss_resend=0,
        clordid=b"A",
        echo=b"secret desk",
        **HEAD,
        **CLIENT,
        **ORDER,
    )
    return order._replace(**fields)  # type: ignore[arg-type]


def trade(quantity_lots: int, maker: tuple[int, int, int], taker: tuple[int, int, int], **fields: int) -> wire.Trade:
    """`maker` and `taker`: order id, leaves and displayed lots after the trade; the taker buys."""
    made = wire.Trade(
        sequence=0,
        last_in_command=0,
        trade_id=31,
        price_ticks=99,
        quantity_lots=quantity_lots,
        notional_units=quantity_lots * 990,
        maker_fee_units=0,
        taker_fee_units=0,
        maker_order_id=maker[0],
        taker_order_id=taker[0],
        maker_leaves_lots=maker[1],
        taker_leaves_lots=taker[1],
        maker_account=2,
        taker_account=4,
        maker_session=2,
        taker_session=1,
        instrument=1,
        taker_side=Side.BUY,
        maker_displayed_lots=maker[2],
        taker_displayed_lots=taker[2],
        **HEAD,
    )
    return made._replace(**fields)


def offer(displayed_lots: int, order_id: int = 3, price_ticks: int = 99) -> wire.OrderAccepted:
    """A sell order that rests."""
    return accepted(displayed_lots, order_id, side=Side.SELL, price_ticks=price_ticks)


def replaced(old: int, leaves: int, displayed: int, *, priority_kept: int, order_id: int = 5) -> wire.OrderReplaced:
    """`old` and `displayed`: visible lots before and once the command is over."""
    return wire.OrderReplaced(
        sequence=0,
        last_in_command=0,
        order_id=order_id,
        price_ticks=101,
        quantity_lots=10,
        cum_lots=10 - leaves,
        leaves_lots=leaves,
        rested_lots=displayed,
        old_price_ticks=100,
        old_leaves_lots=10,
        priority_kept=priority_kept,
        clordid=b"B",
        orig_clordid=b"A",
        displayed_lots=displayed,
        old_displayed_lots=old,
        working=1,
        echo=b"",
        **HEAD,
        **CLIENT,
        **ORDER,
    )


def canceled(displayed_lots: int, order_id: int = 5) -> wire.OrderCanceled:
    """Of a resting order, unless nothing of it was displayed."""
    return wire.OrderCanceled(
        sequence=0,
        last_in_command=0,
        order_id=order_id,
        price_ticks=100,
        canceled_lots=6,
        cum_lots=4,
        was_resting=int(displayed_lots > 0),
        displayed_lots=displayed_lots,
        reason=wire.Reason.CANCELED_IMMEDIATE_OR_CANCEL,
        clordid=b"",
        orig_clordid=b"A",
        **HEAD,
        **CLIENT,
        **ORDER,
    )


def triggered(order_id: int, displayed_lots: int, side: Side = Side.BUY) -> wire.OrderTriggered:
    return wire.OrderTriggered(
        sequence=0,
        last_in_command=0,
        session=1,
        session_epoch=1,
        order_id=order_id,
        price_ticks=99,
        leaves_lots=10,
        cum_lots=0,
        rested_lots=displayed_lots,
        displayed_lots=displayed_lots,
        stop_price_ticks=99,
        account=4,
        instrument=1,
        side=side,
        order_type=4,
        time_in_force=1,
        clordid=b"S",
        **HEAD,
    )


def refilled(order_id: int, displayed_lots: int, leaves_lots: int) -> wire.OrderRefilled:
    return wire.OrderRefilled(
        sequence=0,
        last_in_command=0,
        order_id=order_id,
        price_ticks=99,
        displayed_lots=displayed_lots,
        leaves_lots=leaves_lots,
        session=2,
        account=2,
        instrument=1,
        side=Side.SELL,
        **HEAD,
    )


def reduced(order_id: int, displayed_lots: int, *, was_resting: int) -> wire.OrderReduced:
    return wire.OrderReduced(
        sequence=0,
        last_in_command=0,
        order_id=order_id,
        price_ticks=99,
        reduced_lots=4,
        leaves_lots=6,
        cum_lots=0,
        displayed_lots=displayed_lots,
        was_resting=was_resting,
        reason=wire.Reason.CANCELED_SELF_TRADE,
        clordid=b"A",
        session=2,
        session_epoch=1,
        account=2,
        instrument=1,
        side=Side.SELL,
        **HEAD,
    )


def phase(phase: Phase, previous: Phase, cause: PhaseCause = PhaseCause.OPERATOR, end_ns: int = 0) -> wire.PhaseChanged:
    return wire.PhaseChanged(0, 9, 77, 1, 0, 1, phase, previous, cause, end_ns, b"operator", b"private reason")


def uncrossed(price_ticks: int, volume_lots: int, trades: int) -> wire.AuctionUncrossed:
    return wire.AuctionUncrossed(0, 9, 77, 1, 0, 1, Phase.CONTINUOUS, price_ticks, volume_lots, -1, trades)


def epoch_started(*, unclean: int) -> wire.EpochStarted:
    return wire.EpochStarted(0, 1, 77, 1, 0, 1, 1, unclean, b"VENUE", bytes(32))


def test_an_order_that_trades_and_rests_executes_first_and_is_added_with_what_rests() -> None:
    """Execution, trade, then the add with what is visible and the command as priority; the last one is flagged."""
    commands = Commands()
    commands.send(offer(4))
    messages = commands.send(accepted(6), trade(4, (3, 0, 0), (5, 6, 0)))
    assert messages == [
        OrderExecute(1, 0, Side.SELL, 6, 77, 3, trade_id=31, price_ticks=99, executed_lots=4, leaves_lots=0),
        Trade(1, 0, Side.BUY, 6, 77, trade_id=31, price_ticks=99, quantity_lots=4),
        OrderAdd(1, 1, Side.BUY, 5, 77, order_id=5, priority=9, price_ticks=100, quantity_lots=6),
    ]


def test_a_remainder_that_never_rested_is_in_no_message() -> None:
    """An immediate-or-cancel order shows as its executions only."""
    commands = Commands()
    commands.send(offer(6))
    messages = commands.send(accepted(0), trade(4, (3, 2, 2), (5, 6, 0)), canceled(0))
    assert kinds(messages) == ["OrderExecute", "Trade"]
    assert messages[-1].flags == 1
    assert commands.send(accepted(0), canceled(0)) == []


def test_a_cancel_of_a_resting_order_deletes_it() -> None:
    """One OrderDelete, and that is the whole transaction."""
    commands = Commands()
    commands.send(accepted(6))
    assert commands.send(canceled(6)) == [OrderDelete(1, 1, Side.BUY, 5, 77, order_id=5)]


def test_a_replace_shows_as_what_it_does_to_the_book() -> None:
    """Priority kept: modify. Lost: delete, executions, add. Down to what is filled already: delete."""
    commands = Commands()
    commands.send(accepted(10))
    commands.send(offer(20, price_ticks=101))
    assert commands.send(replaced(10, 7, 7, priority_kept=1)) == [OrderModify(1, 1, Side.BUY, 6, 77, 5, 7)]
    assert commands.send(replaced(7, 7, 7, priority_kept=1)) == [], "another expiry is not public"
    moved = commands.send(replaced(7, 10, 6, priority_kept=0)._replace(price_ticks=98), canceled(20, order_id=3))
    assert kinds(moved) == ["OrderDelete", "OrderDelete", "OrderAdd"]
    assert moved[-1] == OrderAdd(1, 1, Side.BUY, 8, 77, 5, 9, 98, 6)
    commands.send(offer(9))
    gone = commands.send(replaced(6, 4, 0, priority_kept=0), trade(4, (3, 5, 5), (5, 0, 0)))
    assert kinds(gone) == ["OrderDelete", "OrderExecute", "Trade"]
    commands.send(accepted(8)._replace(price_ticks=90))
    assert kinds(commands.send(replaced(8, 0, 0, priority_kept=1))) == ["OrderDelete"]
    assert commands.depth == [(Side.SELL, 99, 5)]


def test_an_iceberg_shows_its_visible_part_and_each_next_one_under_a_new_id() -> None:
    """One taker goes through two parts of an iceberg and leaves a third behind the younger order; hidden lots are on
    no message, and the last id is the one to delete.
    """
    commands = Commands()
    commands.send(offer(3)._replace(quantity_lots=700, display_lots=3, rested_lots=700))
    commands.send(offer(2, order_id=4)._replace(command_sequence=10))
    messages = commands.send(
        accepted(0)._replace(command_sequence=11),
        *(trade(3, (3, 697, 0), (5, 6, 0)), refilled(3, 3, 697)._replace(command_sequence=11)),
        trade(2, (4, 0, 0), (5, 4, 0)),
        *(trade(3, (3, 694, 0), (5, 1, 0)), refilled(3, 3, 694)._replace(command_sequence=11)),
        trade(1, (3, 693, 2), (5, 0, 0)),
    )
    part = ["OrderExecute", "Trade", "OrderAdd"]
    assert kinds(messages) == [*part, "OrderExecute", "Trade", *part, "OrderExecute", "Trade"]
    orders = [message.order_id for message in messages if isinstance(message, OrderExecute | OrderAdd)]
    first, second = orders[1], orders[4]
    assert orders == [3, first, 4, first, second, second] and len({3, first, second}) == 3
    assert [message.priority for message in messages if isinstance(message, OrderAdd)] == [11, 11]
    assert commands.depth == [(Side.SELL, 99, 2)]
    assert not any(value in (694, 697, 700) for message in messages for value in message)
    assert commands.send(canceled(2, order_id=3)) == [OrderDelete(1, 1, Side.BUY, 13, 77, second)]


def test_an_iceberg_that_is_moved_keeps_the_id_it_is_known_by() -> None:
    """Replaced after a refill it is deleted and added under the refill's id: its first id would tell who it was."""
    commands = Commands()
    commands.send(offer(3))
    commands.send(accepted(0), trade(3, (3, 30, 0), (5, 0, 0)), refilled(3, 3, 30))
    public = refill_id(7)
    changed = replaced(3, 20, 3, priority_kept=0, order_id=3)._replace(side=Side.SELL)
    delete, add = commands.send(changed)
    assert isinstance(delete, OrderDelete) and isinstance(add, OrderAdd)
    assert (delete.order_id, add.order_id) == (public, public)


def test_the_ids_of_refills_never_meet_order_ids() -> None:
    """Whatever the event sequence: an id of its own, 64 bits, with a slot part no OrderID has."""
    sequences = [1, 2, 2**31 - 1, 2**31, 2**31 + 1, 2**32, 2**62 - 1]
    ids = [refill_id(sequence) for sequence in sequences]
    assert len(set(ids)) == len(ids) and max(ids) < 2**64
    assert all(id_ & 0xFFFFFFFF >= 2**31 for id_ in ids)


def test_dormant_orders_are_in_no_message() -> None:
    """A stop's acceptance, replacement and cancel say nothing in public."""
    commands = Commands()
    assert commands.send(accepted(0, working=0)) == []
    assert commands.send(replaced(0, 10, 0, priority_kept=1)._replace(working=0)) == []
    assert commands.send(canceled(0)) == []


def test_stops_of_one_part_enter_the_book_one_after_the_other() -> None:
    """What the first leaves in the book is added before the second trades with it."""
    commands = Commands()
    messages = commands.send(
        triggered(7, 6, Side.SELL),
        triggered(8, 2),
        trade(6, (7, 0, 0), (8, 4, 0)),
        triggered(9, 0),
        canceled(0, order_id=9),
    )
    assert kinds(messages) == ["OrderAdd", "OrderExecute", "Trade", "OrderAdd"]
    assert commands.depth == [(Side.BUY, 99, 2)]


def test_self_trade_prevention_shows_only_what_it_takes_from_the_visible_part() -> None:
    """A resting order reduced: OrderModify if its visible part shrank; a taker reduced: nothing."""
    commands = Commands()
    commands.send(offer(10))
    messages = commands.send(accepted(0), reduced(3, 6, was_resting=1), canceled(0))
    assert messages == [OrderModify(1, 1, Side.SELL, 6, 77, order_id=3, quantity_lots=6)]
    assert commands.send(accepted(0), reduced(3, 6, was_resting=1), reduced(5, 0, was_resting=0)) == []


def test_an_auction_trade_takes_visible_lots_of_both_orders() -> None:
    """Both sides execute what they showed, hidden lots go first, and nobody was the aggressor."""
    commands = Commands(Phase.OPENING_AUCTION)
    commands.send(accepted(10))
    commands.send(offer(3)._replace(quantity_lots=8, rested_lots=8, display_lots=3))
    assert commands.market.books[1].crossed and commands.market.books[1].may_be_crossed
    first = commands.send(
        phase(Phase.CONTINUOUS, Phase.OPENING_AUCTION), trade(4, (5, 6, 6), (3, 4, 3), auction=1, taker_side=Side.SELL)
    )
    assert kinds(first) == ["InstrumentPhase", "OrderExecute", "Trade"], "only hidden lots of the iceberg traded"
    assert isinstance(first[2], Trade) and first[2].aggressor_side == Side.NONE
    book = commands.market.books[1]
    assert (book.uncrossing, book.crossed) == (True, True), "the uncross goes on with the next command"
    done = commands.send(trade(4, (5, 2, 2), (3, 0, 0), auction=1, taker_side=Side.SELL), uncrossed(99, 8, 2))
    assert kinds(done) == ["OrderExecute", "OrderExecute", "Trade", "AuctionUncrossed"]
    assert [message.executed_lots for message in done if isinstance(message, OrderExecute)] == [4, 3]
    assert commands.depth == [(Side.BUY, 100, 2)]
    assert not book.may_be_crossed


def test_only_continuous_trading_needs_an_uncrossed_book() -> None:
    """Crossing orders are taken while orders are collected; crossed after the uncross is a contradiction."""
    commands = Commands(Phase.PRE_OPEN)
    commands.send(accepted(10))
    commands.send(offer(3))
    commands.send(phase(Phase.HALT, Phase.PRE_OPEN))
    assert commands.market.books[1].crossed
    with pytest.raises(BookError, match="crossed"):
        commands.send(phase(Phase.CONTINUOUS, Phase.HALT), uncrossed(0, 0, 0))


def test_phase_auction_band_bust_and_statistics_are_public() -> None:
    """Each event becomes its message, and the book remembers the last of each kind."""
    commands = Commands(Phase.PRE_OPEN)
    change = commands.send(phase(Phase.OPENING_AUCTION, Phase.PRE_OPEN, PhaseCause.SCHEDULE, 500))
    assert change == [InstrumentPhase(1, 1, Phase.OPENING_AUCTION, Phase.PRE_OPEN, PhaseCause.SCHEDULE, 4, 77, 500)]
    indicative = commands.send(wire.AuctionIndicative(0, 9, 77, 1, 0, 1, Phase.OPENING_AUCTION, 99, 8, -1))
    assert indicative == [AuctionIndicative(1, 1, 5, 77, price_ticks=99, volume_lots=8, surplus_lots=-1)]
    book = commands.market.books[1]
    assert [book.indicative] == indicative
    commands.send(phase(Phase.CONTINUOUS, Phase.OPENING_AUCTION))
    assert (book.indicative, book.uncrossing) == (None, True)
    assert commands.send(uncrossed(99, 8, 2)) == [AuctionUncrossed(1, 1, 7, 77, 99, 8, -1, 2)]
    reference = commands.send(wire.ReferencePriceChanged(0, 9, 77, 1, 0, 1, 99, 90, 108, b"operator"))
    assert reference == [ReferencePrice(1, 1, 8, 77, price_ticks=99, low_ticks=90, high_ticks=108)]
    band = commands.send(wire.TickBandDefined(0, 9, 77, 1, 0, 1, 2, 50, 5, 10))
    assert band == [TickBand(1, 1, 2, 9, 77, from_ticks=50, tick_step=5, lot_step=10)]
    commands.send(offer(4))
    commands.send(accepted(0), trade(4, (3, 0, 0), (5, 0, 0)))
    bust = commands.send(busted(31))
    assert bust == [TradeBust(1, 1, 13, 77, trade_id=31, price_ticks=99, quantity_lots=4)]
    assert book.statistics == TradeStatistics(99, 99, 99, 99, 4, 396, 1), "a bust changes no statistics"
    (day,) = commands.send(wire.StatisticsRecorded(0, 9, 77, 1, 0, 1, 20260101, 99, 99, 99, 99, 4, 3960, 0, 1))
    assert day == DayStatistics(1, 1, 14, 77, 20260101, 99, 99, 99, 99, 4, 396, 0, 1), "turnover in ticks x lots"
    assert book.statistics == TradeStatistics(last_ticks=99) and book.day == day
    assert (book.phase_change, book.auction is not None, book.tick_bands) == (book.phase_change, True, {2: band[0]})
    with pytest.raises(BookError, match="the day had 2 trades"):
        commands.send(wire.StatisticsRecorded(0, 9, 77, 1, 0, 1, 20260102, 99, 99, 99, 99, 4, 3960, 0, 2))


def busted(trade_id: int) -> wire.TradeBusted:
    return wire.TradeBusted(
        sequence=0,
        last_in_command=0,
        trade_id=trade_id,
        price_ticks=99,
        quantity_lots=4,
        notional_units=3960,
        buyer_fee_units=1,
        seller_fee_units=1,
        buyer_account=4,
        seller_account=2,
        buyer_side_account=4,
        seller_side_account=2,
        maker_order_id=3,
        taker_order_id=5,
        maker_session=2,
        taker_session=1,
        instrument=1,
        taker_side=Side.BUY,
        operator=b"operator",
        reason_text=b"private reason",
        **HEAD,
    )


def test_a_snapshot_holds_phase_auction_reference_busts_and_statistics() -> None:
    """A market loaded from a snapshot equals the publisher's in everything a book knows, mid-auction too."""
    commands = Commands(Phase.PRE_OPEN)
    commands.send(accepted(10))
    commands.send(offer(3))
    commands.send(phase(Phase.CLOSING_AUCTION, Phase.PRE_OPEN, PhaseCause.OPERATOR, 900))
    commands.send(wire.AuctionIndicative(0, 9, 77, 1, 0, 1, Phase.CLOSING_AUCTION, 99, 3, 7))
    commands.send(wire.ReferencePriceChanged(0, 9, 77, 1, 0, 1, 99, 90, 108, b""))
    commands.send(wire.TickBandDefined(0, 9, 77, 1, 0, 1, 2, 50, 1, 1))
    assert everything_of(loaded(commands.market)) == everything_of(commands.market)
    commands.send(
        phase(Phase.CONTINUOUS, Phase.CLOSING_AUCTION),
        trade(3, (5, 7, 7), (3, 0, 0), auction=1, price_ticks=2**63 - 1, taker_side=Side.SELL),
    )
    assert loaded(commands.market).books[1].uncrossing
    commands.send(uncrossed(99, 3, 1))
    commands.send(busted(31))
    again = loaded(commands.market)
    assert everything_of(again) == everything_of(commands.market)
    book = again.books[1]
    assert book.statistics.turnover == 3 * (2**63 - 1) > 2**64 and book.bust and book.auction and not book.uncrossing


def loaded(market: Market) -> Market:
    """The market as a subscriber gets it."""
    loader = Loader()
    for message in dump(market):
        loader.take(read_message(message))
    return loader.market()


def test_the_definition_has_bands_minimums_and_the_phase() -> None:
    """A redefinition gives the present phase, not the initial one; a rebate is a negative fee."""
    commands = Commands(Phase.PRE_OPEN)
    commands.send(phase(Phase.CLOSED, Phase.PRE_OPEN))
    (definition,) = commands.send(defined(Phase.PRE_OPEN))
    assert isinstance(definition, InstrumentDefinition)
    assert definition.phase == Phase.CLOSED == commands.market.books[1].phase
    assert (definition.quantity_min_lots, definition.notional_min_units, definition.maker_fee_ppm) == (1, 3, -20)
    assert (definition.static_band_ppm, definition.dynamic_band_ppm) == (100_000, 50_000)
    assert definition.volatility_auction_ms == 5_000
    assert Commands(0).market.books[1].phase == Phase.CONTINUOUS


def test_events_that_contradict_the_feed_stop_it() -> None:
    """What an event says of an order before it is compared with what the feed made: crash over corrupt."""
    for wrong in (canceled(5), replaced(9, 7, 7, priority_kept=1), accepted(3)):
        commands = Commands()
        commands.send(accepted(6))
        with pytest.raises(AssertionError):
            commands.send(wrong)
    commands = Commands()
    commands.send(offer(6))
    with pytest.raises(AssertionError, match="visible"):
        commands.send(accepted(0), trade(4, (3, 3, 3), (5, 0, 0)))
    with pytest.raises(AssertionError, match="next part"):
        with_iceberg().send(accepted(0), trade(3, (3, 9, 0), (5, 0, 0)))


def with_iceberg() -> Commands:
    commands = Commands()
    commands.send(offer(3)._replace(quantity_lots=12, rested_lots=12, display_lots=3))
    return commands


def test_an_unclean_start_of_an_open_venue_says_cancel_only() -> None:
    """The engine has no event for it, so the feed must know the rule; a halted venue stays halted."""
    commands = Commands()
    (start,) = commands.send(epoch_started(unclean=0))
    assert isinstance(start, SessionStart) and start.state == TradingState.OPEN
    start, status = commands.send(epoch_started(unclean=1))
    assert isinstance(start, SessionStart) and start.state == TradingState.CANCEL_ONLY
    assert isinstance(status, TradingStatus)
    assert (status.instrument, status.state, status.previous_state) == (0, TradingState.CANCEL_ONLY, TradingState.OPEN)
    (again,) = commands.send(epoch_started(unclean=1))
    assert isinstance(again, SessionStart) and again.state == TradingState.CANCEL_ONLY


def test_nothing_private_reaches_the_public_bytes() -> None:
    """ClOrdIDs, echoes and operators' names appear in no message, and accounts in no field."""
    changed = wire.TradingStateChanged(0, 9, 77, 1, 1, 0, TradingState.HALTED, b"operator", b"private reason")
    messages = [*Commands().send(accepted(10)), *Commands().send(changed)]
    assert len(messages) == 2
    for message in messages:
        for private in (b"secret", b"operator", b"private"):
            assert private not in message.encode()
        assert not {"account", "session", "participant", "clordid"} & set(message._fields)


def test_the_session_id_names_channel_history_and_salt() -> None:
    """Same history, same id; another channel, first event or salt, another id; never 0."""
    first = epoch_started(unclean=0).encode()
    ids = [session_id(1, first, 0), session_id(2, first, 0), session_id(1, first, 1), session_id(1, first + b"x", 0)]
    assert len({*ids, 0}) == 5
    assert session_id(1, first, 0) == ids[0]
