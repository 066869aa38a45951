"""The C core against the reference: the same commands must give the same verdicts, bytes of events and state hash."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from engine.book import Divergence, Event, Verdict
from engine.wire.messages import (
    Continue,
    OrderAccepted,
    OrderRejected,
    Reason,
    Role,
    SessionAttach,
    SessionSet,
    StateHash,
)
from tests.property.commands import (
    ACCOUNTS,
    CAPACITY,
    INSTRUMENTS,
    ODD_CLORDIDS,
    ODD_PRICES,
    ODD_QUANTITIES,
    TINY_LIMITS,
    CommandSource,
)
from tests.property.pair import Pair

BULK_COMMANDS = int(os.environ.get("VENUE_BULK_COMMANDS", "20000"))
BULK_SEED = int(os.environ.get("VENUE_BULK_SEED", "20260101"))
EVENTS_EXPECTED = {
    "EpochStarted",
    "LimitsDefined",
    "AssetDefined",
    "InstrumentDefined",
    "AccountDefined",
    "SessionDefined",
    "SessionAttached",
    "OrderAccepted",
    "OrderRejected",
    "OrderReplaced",
    "OrderCanceled",
    "CancelRejected",
    "Trade",
    "Credited",
    "CommandRefused",
    "TradingStateChanged",
    "DayEnded",
    "CheckpointBalance",
    "CheckpointEnded",
    "SettlementStatusChanged",
}

sessions = st.sampled_from((1, 1, 2, 3, 4, 0))
prices = st.sampled_from((62, 63, 64, 65, 127, 128, 10, *ODD_PRICES))
quantities = st.sampled_from((1, 2, 3, 5, 8, *ODD_QUANTITIES))
sides = st.sampled_from((1, 2, 1, 2, 0, 3))
clordids = st.sampled_from((None, None, None, b"C1", b"C2", b"C3", b"C4", *ODD_CLORDIDS))
instruments = st.sampled_from((1, 1, 2, 0, 3))
skips = st.sampled_from((0, 0, 0, 0, 0, 1))
echoes = st.sampled_from((b"", b"desk", bytes(512)))


class CoresMachine(RuleBasedStateMachine):
    """Hypothesis chooses commands by hand, so that what fails comes out as a short, readable list of steps."""

    def __init__(self) -> None:
        super().__init__()
        self.source = CommandSource(0)
        self.pair = Pair(CAPACITY, self.source)
        self.last: tuple[Role, bytes] = (Role.INTERNAL, Continue().encode())
        for role, message in self.source.setup():
            self.pair.send(role, message)

    def send(self, command: tuple[Role, bytes]) -> None:
        self.last = command
        self.pair.send(*command)

    @rule(
        session=sessions,
        account=st.sampled_from((2, 2, 3, 4, 1, 5)),
        instrument=instruments,
        side=sides,
        order_type=st.sampled_from((2, 2, 2, 1, 0)),
        time_in_force=st.sampled_from((1, 2, 3, 4, 0)),
        price=prices,
        quantity=quantities,
        clordid=clordids,
        poss_resend=st.sampled_from((0, 0, 1)),
        echo=echoes,
        skip=skips,
    )
    def new_order(
        self,
        session: int,
        account: int,
        instrument: int,
        side: int,
        order_type: int,
        time_in_force: int,
        price: int,
        quantity: int,
        clordid: bytes | None,
        poss_resend: int,
        echo: bytes,
        skip: int,
    ) -> None:
        named = self.source.fresh_clordid() if clordid is None else clordid
        self.send(
            self.source.new_order(
                session,
                skip,
                account=account,
                instrument=instrument,
                side=side,
                order_type=order_type,
                time_in_force=time_in_force,
                price_ticks=price,
                quantity_lots=quantity,
                clordid=named,
                poss_resend=poss_resend,
                echo=echo,
            )
        )

    @rule(
        taker=st.sampled_from((1, 2)),
        maker_price=st.sampled_from((62, 63, 64)),
        price=st.sampled_from((62, 63, 64)),
        quantity=st.integers(1, 4),
        time_in_force=st.sampled_from((1, 2, 3, 4)),
    )
    def maker_and_taker(self, taker: int, maker_price: int, price: int, quantity: int, time_in_force: int) -> None:
        """Two sound orders that often meet."""
        self.send(self.source.new_order(3, side=3 - taker, price_ticks=maker_price, quantity_lots=2))
        self.send(
            self.source.new_order(1, side=taker, price_ticks=price, quantity_lots=quantity, time_in_force=time_in_force)
        )

    @rule(makers=st.integers(2, 5), quantity=st.integers(2, 8), time_in_force=st.sampled_from((1, 3, 4)))
    def wall_of_small_makers(self, makers: int, quantity: int, time_in_force: int) -> None:
        """A taker that may meet more makers than one command may fill."""
        for number in range(makers):
            session = 2 + number % 2
            self.send(self.source.new_order(session, side=2, account=session + 1, time_in_force=2))
        self.send(self.source.new_order(1, quantity_lots=quantity, time_in_force=time_in_force))

    @rule(
        index=st.integers(0, 15), by_id=st.booleans(), right_side=st.sampled_from((True, True, False)), clordid=clordids
    )
    def cancel(self, index: int, by_id: bool, right_side: bool, clordid: bytes | None) -> None:
        session, fields = self.target(index, by_id, right_side)
        named = self.source.fresh_clordid() if clordid is None else clordid
        self.send(self.source.cancel_order(session, clordid=named, **fields))

    @rule(
        index=st.integers(0, 15),
        by_id=st.booleans(),
        right_side=st.sampled_from((True, True, False)),
        price=prices,
        quantity=quantities,
        clordid=clordids,
    )
    def replace(
        self, index: int, by_id: bool, right_side: bool, price: int, quantity: int, clordid: bytes | None
    ) -> None:
        session, fields = self.target(index, by_id, right_side)
        named = self.source.fresh_clordid() if clordid is None else clordid
        self.send(
            self.source.replace_order(session, clordid=named, price_ticks=price, quantity_lots=quantity, **fields)
        )

    def target(self, index: int, by_id: bool, right_side: bool) -> tuple[int, dict[str, int | bytes]]:
        """A session and an order of its that rests, or one that is over or never was."""
        resting = list(self.source.open.values())
        if index >= len(resting):
            known = self.source.order_ids
            return 1 + index % 3, {"side": 1, "order_id": known[index % len(known)] if by_id else 0}
        order = resting[index]
        return order.session, {
            "side": order.side if right_side else 3 - order.side,
            "order_id": order.order_id if by_id else 0,
            "orig_clordid": order.clordid,
        }

    @rule(session=sessions, reset=st.sampled_from((0, 0, 1, 255)), token=st.sampled_from((None, 0, 1, 2)))
    def attach(self, session: int, reset: int, token: int | None) -> None:
        self.send(self.source.attach(session, reset, token))

    @rule(
        account=st.integers(0, 6),
        asset=st.integers(0, 5),
        amount=st.sampled_from((1, 1_000, 0, -1, 2**62, 2**63 - 1)),
        ahead=st.sampled_from((1, 1, 0, 2)),
    )
    def credit(self, account: int, asset: int, amount: int, ahead: int) -> None:
        self.send(self.source.credit(account, asset, amount, self.source.deposit_seq + ahead))

    @rule(instrument=st.sampled_from((0, 1, 2, 3, 4)), state=st.sampled_from((1, 1, 1, 2, 3, 4, 0, 5)))
    def trading_state(self, instrument: int, state: int) -> None:
        self.send(self.source.trading_state(instrument, state))

    @rule(ahead=st.sampled_from((1, 1, 0)))
    def end_of_day(self, ahead: int) -> None:
        self.send(self.source.end_of_day(ahead))

    @rule(ahead=st.sampled_from((1, 1, 0, 2)))
    def checkpoint(self, ahead: int) -> None:
        self.send(self.source.checkpoint_after(ahead))

    @rule(batch=st.integers(0, 4), state=st.integers(0, 5), span=st.sampled_from(((1, 2), (1, 2), (5, 5), (2, 1))))
    def settlement_status(self, batch: int, state: int, span: tuple[int, int]) -> None:
        self.send(self.source.settlement_status(batch, state, *span))

    @rule(seed=st.integers(0, 2**16))
    def reference_data(self, seed: int) -> None:
        self.source.random.seed(seed)
        self.send(self.source.draw_reference_data())

    @rule(seed=st.integers(0, 2**16))
    def damaged(self, seed: int) -> None:
        self.source.random.seed(seed)
        self.send(self.source.draw_damaged())

    @rule()
    def same_again(self) -> None:
        self.pair.send(*self.last)

    @rule()
    def continue_nothing(self) -> None:
        self.send((Role.INTERNAL, Continue().encode()))

    @rule()
    def state_hash(self) -> None:
        self.pair.journal_hash()

    @precondition(lambda self: self.source.repairs)
    @rule()
    def repair(self) -> None:
        self.send(next(iter(self.source.repairs.values())))


CoresMachine.TestCase.settings = settings(
    max_examples=int(os.environ.get("VENUE_PROPERTY_EXAMPLES", "60")),
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
TestCoresAgree = CoresMachine.TestCase


def test_bulk_commands_give_equal_events_and_state() -> None:
    """Many seeded commands: every event byte-equal, the state hash equal every hundred commands and at the end."""
    print(f"VENUE_BULK_SEED={BULK_SEED} VENUE_BULK_COMMANDS={BULK_COMMANDS}")
    source = CommandSource(BULK_SEED)
    pair = Pair(CAPACITY, source, hash_every=100)
    for role, message in source.setup():
        pair.send(role, message)
    for number in range(BULK_COMMANDS):
        pair.send(*source.draw())
        if number % 500 == 0:
            pair.journal_hash()
    pair.compare_state()
    assert set(pair.events) == EVENTS_EXPECTED
    assert set(pair.verdicts) == set(Verdict)
    assert pair.events["Trade"] > BULK_COMMANDS // 40


def test_books_and_balances_read_back_equal() -> None:
    """What the C core shows of books and balances is what the reference holds."""
    source = CommandSource(BULK_SEED + 1)
    pair = Pair(CAPACITY, source, hash_every=1_000)
    for role, message in source.setup():
        pair.send(role, message)
    seen = 0
    for _ in range(2_000):
        pair.send(*source.draw())
        for instrument in INSTRUMENTS:
            for side in (1, 2):
                ours = pair.reference.book(instrument.instrument, side)
                theirs = pair.core.book(instrument.instrument, side)
                names = ("order_id", "priority", "price_ticks", "leaves_lots", "account", "session")
                assert [[getattr(order, name) for name in names] for order in ours] == [
                    [getattr(order, name) for name in names] for order in theirs
                ]
                seen += len(ours)
        for account in range(1, CAPACITY.accounts + 1):
            for asset in range(1, CAPACITY.assets + 1):
                assert pair.reference.balance(account, asset) == tuple(pair.core.balance(account, asset))
    assert seen > 2_000


def test_states_before_everything_is_set_are_equal() -> None:
    """Without limits, a fee account or an attached session both cores refuse alike and go on alike."""
    source = CommandSource(BULK_SEED)
    pair = Pair(CAPACITY, source)
    missing = [limits, fee_account] = TINY_LIMITS.encode(), ACCOUNTS[0].encode()
    pair.send(*source.checkpoint_after())
    pair.send(*source.end_of_day())
    for role, message in source.setup():
        if message not in missing:
            pair.send(role, message)
    assert _reason(pair.send(*source.new_order(1))) == Reason.CL_ORD_ID_TABLE_FULL
    pair.send(*source.checkpoint_after())
    assert pair.events["CheckpointBalance"] == 9
    pair.send(*source.end_of_day())
    pair.send(Role.INTERNAL, limits)
    assert _reason(pair.send(*source.new_order(1))) == Reason.MARKET_NOT_OPEN
    pair.send(Role.INTERNAL, fee_account)
    (accepted,) = pair.send(*source.new_order(1))
    assert isinstance(accepted, OrderAccepted)


def test_first_attach_of_all_zeros_is_no_duplicate() -> None:
    """A session nobody attached to has no token, so token 0 is new to it, and known from then on."""
    source = CommandSource(BULK_SEED)
    pair = Pair(CAPACITY, source)
    zeros = Role.GATEWAY, SessionAttach(4, 0, 0, 0, 0).encode()
    pair.send(*zeros)
    pair.send(Role.INTERNAL, SessionSet(4, 1, 1, b"FOUR").encode())
    pair.send(*source.new_order(4))
    assert len(pair.send(*zeros)) == 1
    assert pair.send(*zeros) == []


def _reason(events: list[Event]) -> int:
    (event,) = events
    assert isinstance(event, OrderRejected)
    return event.reason


def test_wrong_state_hash_is_a_divergence_in_both() -> None:
    """A StateHash that is not the core's own is reported by both, and neither changes."""
    source = CommandSource(BULK_SEED)
    pair = Pair(CAPACITY, source)
    for role, message in source.setup():
        pair.send(role, message)
    before = pair.reference.state_hash()
    wrong = StateHash(low=1, high=2).encode()
    for core in (pair.reference, pair.core):
        with pytest.raises(Divergence):
            core.apply(pair.sequence + 1, 1, 1, wrong)
    assert pair.reference.state_hash() == pair.core.state_hash() == before
