"""From one engine command to one transaction: which messages, in which order, with which values."""

from __future__ import annotations

from engine.wire import messages as wire
from mdfeed.book import FeedMessage
from mdfeed.publisher import Event, FeedState, session_id
from mdfeed.schema.messages import (
    OrderAdd,
    OrderDelete,
    OrderExecute,
    OrderModify,
    SessionStart,
    Side,
    Trade,
    TradingState,
    TradingStatus,
)

HEAD = {"command_sequence": 9, "time_ns": 77, "epoch": 1}
CLIENT = {"session": 1, "session_epoch": 1, "client_seq": 1}
ORDER = {"instrument": 1, "account": 4, "side": int(Side.BUY)}


class Commands:
    """Numbers the events of commands and gives what the feed makes of each command."""

    def __init__(self) -> None:
        self.state = FeedState()

    def send(self, *events: Event) -> list[FeedMessage]:
        """One command part with these events."""
        messages: list[FeedMessage] = []
        for place, event in enumerate(events, 1):
            last = int(place == len(events))
            numbered = event._replace(sequence=self.state.event_sequence + 1, last_in_command=last)
            made = self.state.apply(numbered)
            assert not made or last, "nothing leaves before the command is complete"
            messages += made
        return messages


def kinds(messages: list[FeedMessage]) -> list[str]:
    """Names of the messages."""
    return [type(message).__name__ for message in messages]


def accepted(rested_lots: int, order_id: int = 5) -> wire.OrderAccepted:
    return wire.OrderAccepted(
        sequence=0,
        last_in_command=0,
        order_id=order_id,
        price_ticks=100,
        quantity_lots=10,
        rested_lots=rested_lots,
        order_type=2,
        time_in_force=1,
        poss_resend=0,
        clordid=b"A",
        echo=b"secret desk",
        **HEAD,
        **CLIENT,
        **ORDER,
    )


def trade(maker_leaves_lots: int, taker_leaves_lots: int) -> wire.Trade:
    return wire.Trade(
        sequence=0,
        last_in_command=0,
        trade_id=31,
        price_ticks=99,
        quantity_lots=4,
        notional_units=396,
        maker_fee_units=0,
        taker_fee_units=0,
        maker_order_id=3,
        taker_order_id=5,
        maker_leaves_lots=maker_leaves_lots,
        taker_leaves_lots=taker_leaves_lots,
        maker_account=2,
        taker_account=4,
        maker_session=2,
        taker_session=1,
        instrument=1,
        taker_side=Side.BUY,
        **HEAD,
    )


def replaced(leaves_lots: int, rested_lots: int, *, priority_kept: int) -> wire.OrderReplaced:
    return wire.OrderReplaced(
        sequence=0,
        last_in_command=0,
        order_id=5,
        price_ticks=101,
        quantity_lots=10,
        cum_lots=10 - leaves_lots,
        leaves_lots=leaves_lots,
        rested_lots=rested_lots,
        old_price_ticks=100,
        old_leaves_lots=10,
        priority_kept=priority_kept,
        clordid=b"B",
        orig_clordid=b"A",
        echo=b"",
        **HEAD,
        **CLIENT,
        **ORDER,
    )


def canceled(*, was_resting: int) -> wire.OrderCanceled:
    return wire.OrderCanceled(
        sequence=0,
        last_in_command=0,
        order_id=5,
        price_ticks=100,
        canceled_lots=6,
        cum_lots=4,
        was_resting=was_resting,
        reason=wire.Reason.CANCELED_IMMEDIATE_OR_CANCEL,
        clordid=b"",
        orig_clordid=b"A",
        **HEAD,
        **CLIENT,
        **ORDER,
    )


def epoch_started(*, unclean: int) -> wire.EpochStarted:
    return wire.EpochStarted(0, 1, 77, 1, 0, 1, 1, unclean, b"VENUE", bytes(32))


def test_an_order_that_trades_and_rests_executes_first_and_is_added_with_what_rests() -> None:
    """Execution, trade, then the add with rested_lots and the command as priority; the last one is flagged."""
    messages = Commands().send(accepted(rested_lots=6), trade(0, 6))
    assert messages == [
        OrderExecute(1, 0, Side.SELL, 2, 77, 3, trade_id=31, price_ticks=99, executed_lots=4, leaves_lots=0),
        Trade(1, 0, Side.BUY, 2, 77, trade_id=31, price_ticks=99, quantity_lots=4),
        OrderAdd(1, 1, Side.BUY, 1, 77, order_id=5, priority=9, price_ticks=100, quantity_lots=6),
    ]


def test_a_remainder_that_never_rested_is_in_no_message() -> None:
    """An immediate-or-cancel order shows as its executions only."""
    messages = Commands().send(accepted(rested_lots=0), trade(2, 6), canceled(was_resting=0))
    assert kinds(messages) == ["OrderExecute", "Trade"]
    assert messages[-1].flags == 1
    assert Commands().send(accepted(rested_lots=0), canceled(was_resting=0)) == []


def test_a_cancel_of_a_resting_order_deletes_it() -> None:
    """One OrderDelete, and that is the whole transaction."""
    assert Commands().send(canceled(was_resting=1)) == [OrderDelete(1, 1, Side.BUY, 1, 77, order_id=5)]


def test_a_replace_shows_as_what_it_does_to_the_book() -> None:
    """Priority kept: modify. Lost: delete, executions, add. Down to what is filled already: delete."""
    assert Commands().send(replaced(7, 7, priority_kept=1)) == [OrderModify(1, 1, Side.BUY, 1, 77, 5, 7)]
    assert Commands().send(replaced(0, 0, priority_kept=1)) == [OrderDelete(1, 1, Side.BUY, 1, 77, 5)]
    moved = Commands().send(replaced(10, 6, priority_kept=0), trade(0, 6))
    assert kinds(moved) == ["OrderDelete", "OrderExecute", "Trade", "OrderAdd"]
    assert moved[-1] == OrderAdd(1, 1, Side.BUY, 1, 77, 5, 9, 101, 6)
    gone = Commands().send(replaced(4, 0, priority_kept=0), trade(2, 0))
    assert kinds(gone) == ["OrderDelete", "OrderExecute", "Trade"]


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
    messages = [*Commands().send(accepted(rested_lots=10)), *Commands().send(changed)]
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
