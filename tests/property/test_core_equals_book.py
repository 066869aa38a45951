"""The C core against the reference: the same commands must give the same verdicts, bytes of events and state hash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from engine.book import Capacity, Divergence, Event, Verdict
from engine.core import Core
from engine.wire import messages
from engine.wire.messages import (
    AccountKind,
    AccountSet,
    CommandRefused,
    Continue,
    FeeScheduleSet,
    InstrumentSet,
    LimitsSet,
    MarketMakerProtectionSet,
    OrderAccepted,
    OrderRejected,
    OrderType,
    Phase,
    PhaseCause,
    Reason,
    RiskLimitsSet,
    Role,
    ScheduleSet,
    SessionAttach,
    SessionSet,
    Side,
    StateHash,
    TickBandSet,
    TimeInForce,
)
from tests.property.bulk import COMMANDS_PER_EPISODE
from tests.property.commands import ACCOUNTS, CAPACITY, INSTRUMENTS, TINY_LIMITS, Command, CommandSource
from tests.property.drawn import ODD_CLORDIDS, ODD_PRICES, ODD_QUANTITIES, RandomSource
from tests.property.pair import Pair

BULK_COMMANDS = int(os.environ.get("VENUE_BULK_COMMANDS", "1000000"))
BULK_SEED = int(os.environ.get("VENUE_BULK_SEED", "20260101"))
BULK_PROCESSES = 2
BULK_SECONDS_MAX = int(os.environ.get("VENUE_BULK_SECONDS_MAX", "2400"))
#: Reasons no command can bring about: None is none, Overloaded is the loop's.
SELDOM = 10**9
NEVER_GIVEN = {Reason.NONE, Reason.OVERLOADED}
EVENTS = [kind.__name__ for kind in messages.BY_TEMPLATE.values() if kind.TEMPLATE_ID >= 100]
JOBS = ("EndOfDay", "Checkpoint", "Cancel", "Uncross", "Purge", "Activate", "Stops", "Statistics")
#: Every one of these is brought about at least this often by every million commands.
REACHED_MIN = 20


def _expected() -> list[str]:
    """All that a bulk run must bring about."""
    names = [f"event {name}" for name in EVENTS]
    names += [f"reason {reason.name}" for reason in Reason if reason not in NEVER_GIVEN]
    names += [f"verdict {verdict.name}" for verdict in Verdict if verdict != Verdict.APPLY]
    names += [f"continued {job}" for job in JOBS]
    names += [f"cause {cause.name}" for cause in PhaseCause]
    names += [f"phase 3 to {phase}" for phase in Phase] + [f"phase {phase} to 3" for phase in Phase]
    return [*names, "rebate", "auction trade"]


@pytest.mark.timeout(BULK_SECONDS_MAX + 60)
def test_bulk_commands_give_equal_events_and_state(tmp_path: Path) -> None:
    """Many seeded commands: events byte-equal and state hash equal after each, and everything there is was reached."""
    episodes = max(BULK_COMMANDS // COMMANDS_PER_EPISODE, 1)
    shares = [episodes // BULK_PROCESSES + (number < episodes % BULK_PROCESSES) for number in range(BULK_PROCESSES)]
    print(f"VENUE_BULK_SEED={BULK_SEED} VENUE_BULK_COMMANDS={BULK_COMMANDS}: {shares} episodes")
    runs = []
    for number, share in enumerate(shares):
        seed = BULK_SEED + sum(shares[:number])
        command = [sys.executable, "-m", "tests.property.bulk", "--seed", str(seed), "--episodes", str(share)]
        command += ["--out", str(tmp_path / f"{number}.json")]
        runs.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True) if share else None)
    reached: Counter[str] = Counter()
    for number, run in enumerate(runs):
        if run is not None:
            _, said = run.communicate(timeout=BULK_SECONDS_MAX)
            assert run.returncode == 0, f"exit status {run.returncode}\n{said}"
            reached += Counter(json.loads((tmp_path / f"{number}.json").read_text(encoding="utf-8")))
    least = REACHED_MIN * BULK_COMMANDS // 1_000_000
    seldom = {name: reached[name] for name in _expected() if reached[name] < max(least, 1)}
    assert not seldom or BULK_COMMANDS < 1_000_000, (
        f"a generator that seldom reaches these is no test of them: {seldom}"
    )


sessions = st.sampled_from((1, 1, 2, 3, 4, 0))
accounts = st.sampled_from((2, 2, 3, 4, 6, 1, 5))
prices = st.sampled_from((62, 63, 64, 65, 127, 128, 10, *ODD_PRICES))
quantities = st.sampled_from((1, 2, 3, 5, 8, *ODD_QUANTITIES))
sides = st.sampled_from((1, 2, 1, 2, 0, 3))
clordids = st.sampled_from((None, None, None, b"C1", b"C2", b"C3", b"C4", *ODD_CLORDIDS))
instruments = st.sampled_from((1, 1, 2, 0, 3))
skips = st.sampled_from((0, 0, 0, 0, 0, 1))
echoes = st.sampled_from((b"", b"desk", bytes(512)))
seeds = st.integers(0, 2**16)


class CoresMachine(RuleBasedStateMachine):
    """Hypothesis chooses commands by hand, so that what fails comes out as a short, readable list of steps."""

    def __init__(self) -> None:
        super().__init__()
        self.source = RandomSource(0)
        self.pair = Pair(CAPACITY, self.source, audit_every=SELDOM)
        self.last: Command = (Role.INTERNAL, Continue().encode())
        for role, message in self.source.everything():
            self.pair.send(role, message)  # the same for every example: looked at once, at its end
        self.pair.audit()
        self.pair.audit_every = 1

    def send(self, command: Command) -> None:
        self.source.time_ns += 1_000
        self.last = command
        self.pair.send(*command)

    def teardown(self) -> None:
        self.pair.audit()

    @rule(
        session=sessions,
        account=accounts,
        instrument=instruments,
        side=sides,
        order_type=st.sampled_from((2, 2, 2, 1, 3, 4, 5, 0)),
        time_in_force=st.sampled_from((1, 2, 3, 4, 5, 6, 7, 0)),
        price=prices,
        quantity=quantities,
        clordid=clordids,
        poss_resend=st.sampled_from((0, 0, 1)),
        echo=echoes,
        skip=skips,
        terms=st.fixed_dictionaries(
            {},
            optional={
                "stop_price_ticks": st.sampled_from((60, 63, 64, 66, 0, -1)),
                "display_lots": st.sampled_from((1, 2, 3, -1)),
                "min_lots": st.sampled_from((1, 2, 5, -1)),
                "trigger": st.sampled_from((1, 2, 3)),
                "stp_mode": st.sampled_from((1, 2, 3, 4, 5)),
                "post_only": st.sampled_from((1, 255)),
            },
        ),
        later_ns=st.sampled_from((0, 0, 1, 1_000_000, 10**9)),
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
        terms: dict[str, int],
        later_ns: int,
    ) -> None:
        """Any order, most of them refused for some reason."""
        expire_ns = self.source.time_ns + later_ns if later_ns or time_in_force == TimeInForce.GOOD_TILL_DATE else 0
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
                clordid=self.source.fresh_clordid() if clordid is None else clordid,
                poss_resend=poss_resend,
                echo=echo,
                expire_ns=expire_ns,
                **terms,
            )
        )

    @rule(
        taker=st.sampled_from((1, 2)),
        maker_price=st.integers(62, 66),
        price=st.integers(62, 66),
        quantity=st.integers(1, 6),
        time_in_force=st.sampled_from((1, 2, 3, 4)),
        display=st.sampled_from((0, 0, 1, 2)),
        least=st.sampled_from((0, 0, 1, 3)),
        mode=st.sampled_from((0, 0, 1, 2, 3, 4)),
        same=st.booleans(),
    )
    def maker_and_taker(
        self,
        taker: int,
        maker_price: int,
        price: int,
        quantity: int,
        time_in_force: int,
        display: int,
        least: int,
        mode: int,
        same: bool,
    ) -> None:
        """Two sound orders that often meet, of one participant or of two."""
        maker = {"side": 3 - taker, "price_ticks": maker_price, "quantity_lots": 4, "display_lots": display}
        self.send(self.source.new_order(2 if same else 3, account=3 if same else 4, **maker))
        least = 0 if time_in_force == TimeInForce.FILL_OR_KILL else min(least, quantity)
        order = {"side": taker, "price_ticks": price, "quantity_lots": quantity, "time_in_force": time_in_force}
        self.send(self.source.new_order(1, min_lots=least, stp_mode=mode, **order))

    @rule(
        makers=st.integers(2, 6),
        quantity=st.integers(2, 8),
        time_in_force=st.sampled_from((1, 3, 4)),
        display=st.sampled_from((0, 0, 1)),
    )
    def wall_of_small_makers(self, makers: int, quantity: int, time_in_force: int, display: int) -> None:
        """A taker that may meet more makers than one command may fill."""
        for number in range(makers):
            session = 2 + number % 2
            lots = 2 if display else 1
            self.send(
                self.source.new_order(
                    session, side=2, account=session + 1, time_in_force=2, quantity_lots=lots, display_lots=display
                )
            )
        self.send(self.source.new_order(1, quantity_lots=quantity, time_in_force=time_in_force))

    @rule(
        side=st.sampled_from((1, 2)),
        aways=st.lists(st.integers(1, 3), min_size=1, max_size=5),
        kind=st.sampled_from((OrderType.STOP, OrderType.STOP_LIMIT)),
        trigger=st.sampled_from((1, 1, 2)),
    )
    def stops(self, side: int, aways: list[int], kind: int, trigger: int) -> None:
        """Stops beyond the price they watch."""
        watched = self.source.reference_price if trigger == 2 else self.source.last_price
        base = watched[1] or 64
        for away in aways:
            stop = base + away if side == Side.BUY else base - away
            fields = {"order_type": kind, "stop_price_ticks": stop, "price_ticks": stop, "trigger": trigger}
            self.send(self.source.new_order(1, side=side, quantity_lots=2, **fields))

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
        price=st.sampled_from((None, None, 62, 63, 64, 65, 128, *ODD_PRICES)),
        quantity=quantities,
        clordid=clordids,
        display=st.sampled_from((0, 0, 1, 2, -1)),
        stop=st.sampled_from((0, 0, 60, 63, 66, 68)),
    )
    def replace(
        self,
        index: int,
        by_id: bool,
        right_side: bool,
        price: int | None,
        quantity: int,
        clordid: bytes | None,
        display: int,
        stop: int,
    ) -> None:
        session, fields = self.target(index, by_id, right_side)
        order = self.source.open.get(int(fields["order_id"]))
        named = self.source.fresh_clordid() if clordid is None else clordid
        fields |= {"display_lots": display, "stop_price_ticks": stop if order is None or order.stop_price_ticks else 0}
        kept = order.price_ticks if order is not None else 63
        fields |= {"price_ticks": kept if price is None else price, "quantity_lots": quantity}
        self.send(self.source.replace_order(session, clordid=named, **fields))

    def target(self, index: int, by_id: bool, right_side: bool) -> tuple[int, dict[str, int | bytes]]:
        """A session and an order of its that is open, or one that is over or never was."""
        open_orders = list(self.source.open.values())
        if index >= len(open_orders):
            known = self.source.order_ids
            return 1 + index % 3, {"side": 1, "order_id": known[index % len(known)] if by_id else 0}
        order = open_orders[index]
        return order.session, {
            "side": order.side if right_side else 3 - order.side,
            "order_id": order.order_id if by_id else 0,
            "orig_clordid": order.clordid,
        }

    @rule(session=sessions, account=st.sampled_from((0, 0, 2, 4, 9)), instrument=instruments, side=st.integers(0, 3))
    def mass_cancel(self, session: int, account: int, instrument: int, side: int) -> None:
        self.send(self.source.mass_cancel(session, account=account, instrument=instrument, side=side))

    @rule(session=sessions, reset=st.sampled_from((0, 0, 1, 255)), token=st.sampled_from((None, 0, 1, 2)))
    def attach(self, session: int, reset: int, token: int | None) -> None:
        self.send(self.source.attach(session, reset, token))

    @rule(
        account=st.integers(0, 8),
        asset=st.integers(0, 5),
        amount=st.sampled_from((1, 1_000, 0, -1, 2**62, 2**63 - 1)),
        ahead=st.sampled_from((1, 1, 0, 2)),
    )
    def credit(self, account: int, asset: int, amount: int, ahead: int) -> None:
        self.send(self.source.credit(account, asset, amount, self.source.deposit_seq + ahead))

    @rule(
        pair=st.sampled_from(((7, 2), (2, 7), (1, 7), (2, 3), (7, 7), (7, 0))),
        asset=st.integers(0, 4),
        amount=st.sampled_from((1, 500, 12_000, 0, -1, 2**63 - 1)),
    )
    def transfer(self, pair: tuple[int, int], asset: int, amount: int) -> None:
        self.send(self.source.transfer(*pair, asset, amount))

    @rule(back=st.integers(1, 6), guarantor=st.sampled_from((0, 0, 7, 6, 1, 5)))
    def bust(self, back: int, guarantor: int) -> None:
        trades = self.source.trades
        self.send(self.source.bust(trades[-min(back, len(trades))], guarantor))

    @rule(instrument=st.sampled_from((0, 1, 2, 3, 4)), state=st.sampled_from((1, 1, 1, 2, 3, 4, 0, 5)))
    def trading_state(self, instrument: int, state: int) -> None:
        self.send(self.source.trading_state(instrument, state))

    @rule(
        instrument=st.sampled_from((1, 1, 2, 0)),
        phase=st.sampled_from((1, 2, 3, 3, 3, 4, 5, 6, 7, 0, 8)),
        later_ns=st.sampled_from((0, 0, 1, 5_000, 10**6)),
    )
    def phase(self, instrument: int, phase: int, later_ns: int) -> None:
        end_ns = self.source.time_ns + later_ns if later_ns else 0
        self.send(self.source.set_phase(instrument, phase, end_ns))

    @rule(instrument=st.sampled_from((1, 1, 2, 0)), price=st.sampled_from((0, 60, 63, 64, 65, 67, 301, -1)))
    def reference_price(self, instrument: int, price: int) -> None:
        self.send(self.source.set_reference_price(instrument, price))

    @rule(wait=st.sampled_from((0, 1_000, 250_000_000, 10**9)), to_timer=st.booleans())
    def clock(self, wait: int, to_timer: bool) -> None:
        """Time passes, as long as it takes or to the very instant in which something is due."""
        due = self.source.next_timer_ns
        if to_timer and due < self.source.time_ns + 10**11:
            self.source.time_ns = max(self.source.time_ns, due - 1_000)
        else:
            self.source.time_ns += wait
        self.send(self.source.clock_tick())

    @rule(scope=st.integers(0, 5), id_=st.sampled_from((0, 1, 2, 3, 4, 9)), engaged=st.sampled_from((0, 1, 1, 2)))
    def kill_switch(self, scope: int, id_: int, engaged: int) -> None:
        self.send(self.source.kill_switch(scope, id_, engaged))

    @rule(account=st.integers(0, 5), session=st.integers(0, 4), instrument=st.integers(0, 3), side=st.integers(0, 3))
    def operator_cancel(self, account: int, session: int, instrument: int, side: int) -> None:
        self.send(self.source.operator_cancel(account, session, instrument, side))

    @rule(account=st.sampled_from((2, 3, 4)), fills=st.sampled_from((0, 1, 2)), window_ms=st.sampled_from((1, 60_000)))
    def protection(self, account: int, fills: int, window_ms: int) -> None:
        self.send((Role.INTERNAL, MarketMakerProtectionSet(account, 1, fills, window_ms).encode()))

    @rule(
        account=st.sampled_from((2, 3, 4)), mode=st.integers(0, 4), key=st.sampled_from((0, 5)), tier=st.integers(0, 2)
    )
    def account(self, account: int, mode: int, key: int, tier: int) -> None:
        known = ACCOUNTS[account - 1]
        self.send((Role.INTERNAL, known._replace(stp_key=key, stp_mode=mode, fee_tier=tier).encode()))

    @rule(ahead=st.sampled_from((1, 1, 0)))
    def end_of_day(self, ahead: int) -> None:
        self.send(self.source.end_of_day(ahead))

    @rule(ahead=st.sampled_from((1, 1, 0, 2)))
    def checkpoint(self, ahead: int) -> None:
        self.send(self.source.checkpoint_after(ahead))

    @rule(batch=st.integers(0, 4), state=st.integers(0, 5), span=st.sampled_from(((1, 2), (1, 2), (5, 5), (2, 1))))
    def settlement_status(self, batch: int, state: int, span: tuple[int, int]) -> None:
        self.send(self.source.settlement_status(batch, state, *span))

    @rule(seed=seeds)
    def reference_data(self, seed: int) -> None:
        self.source.random.seed(seed)
        self.send(self.source.draw_reference_data())

    @rule(seed=seeds)
    def damaged(self, seed: int) -> None:
        self.source.random.seed(seed)
        self.send(self.source.draw_damaged())

    @rule(seed=seeds)
    def corrupted(self, seed: int) -> None:
        self.source.random.seed(seed)
        self.send(self.source.draw_corrupted())

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
        for command in list(self.source.repairs.values()):
            self.send(command)


CoresMachine.TestCase.settings = settings(
    max_examples=int(os.environ.get("VENUE_PROPERTY_EXAMPLES", "500")),
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
TestCoresAgree = pytest.mark.timeout(1800)(CoresMachine.TestCase)


def test_books_and_balances_read_back_equal() -> None:
    """What the C core shows of books and balances is what the reference holds."""
    source = RandomSource(BULK_SEED + 1)
    pair = Pair(CAPACITY, source, hash_every=1_000, audit_every=1_000)
    for role, message in source.everything():
        pair.send(role, message)
    seen = 0
    names = ("order_id", "priority", "price_ticks", "leaves_lots", "account", "session")
    for _ in range(2_000):
        pair.send(*source.draw())
        for instrument in INSTRUMENTS:
            for side in (1, 2):
                ours = pair.reference.book(instrument.instrument, side)
                theirs = pair.core.book(instrument.instrument, side)
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
    source = CommandSource()
    pair = Pair(CAPACITY, source)
    missing = [limits, fee_account] = TINY_LIMITS.encode(), ACCOUNTS[0].encode()
    pair.send(*source.checkpoint_after())
    pair.send(*source.end_of_day())
    pair.send(*source.clock_tick())
    for role, message in source.setup():
        if message not in missing:
            pair.send(role, message)
    assert _reason(pair.send(*source.new_order(1))) == Reason.CL_ORD_ID_TABLE_FULL
    pair.send(*source.checkpoint_after())
    assert pair.reached["event CheckpointBalance"] == 9
    pair.send(*source.end_of_day())
    pair.send(*source.set_phase(1, Phase.OPENING_AUCTION))
    assert _refusal(pair.send(*source.set_phase(1, Phase.CONTINUOUS))) == Reason.INVALID_STATE
    pair.send(Role.INTERNAL, limits)
    assert _reason(pair.send(*source.new_order(1))) == Reason.MARKET_NOT_OPEN
    pair.send(Role.INTERNAL, fee_account)
    pair.send(*source.set_phase(1, Phase.CONTINUOUS))
    (accepted,) = pair.send(*source.new_order(1))
    assert isinstance(accepted, OrderAccepted)


def test_first_attach_of_all_zeros_is_no_duplicate() -> None:
    """A session nobody attached to has no token, so token 0 is new to it, and known from then on."""
    source = CommandSource()
    pair = Pair(CAPACITY, source)
    zeros = Role.GATEWAY, SessionAttach(4, 0, 0, 0, 0).encode()
    pair.send(*zeros)
    pair.send(Role.INTERNAL, SessionSet(4, 1, 1, b"FOUR").encode())
    pair.send(*source.new_order(4))
    assert len(pair.send(*zeros)) == 1
    assert pair.send(*zeros) == []


def test_no_run_of_equal_bytes_is_a_command() -> None:
    """Zeros, ones, and the header of each template without a body or with a body of zeros: both judge them alike."""
    pair = Pair(CAPACITY, CommandSource())
    for role in Role:
        for byte in (0, 1, 0x47, 0x80, 0xFF):
            for size in range(40):
                assert pair.send(role, bytes([byte]) * size) == []
        for template_id in range(150):
            for block_length in (0, 8, 144):
                header = messages.HEADER.pack(block_length, template_id, messages.SCHEMA_ID, messages.SCHEMA_VERSION)
                for message in (header, header + bytes(block_length + 1)):
                    ours, theirs = pair.reference.check(role, message), pair.core.check(role, message)
                    assert (ours.verdict, ours.reason) == (theirs.verdict, theirs.reason), (role, message)
    assert set(pair.reached) == {"verdict REFUSED", "reason MALFORMED"}


def test_jobs_longer_than_a_slice_may_look_end_alike() -> None:
    """Thousands of orders, accounts and protected pairs: walks that are cut by visits, not by events, go on alike."""
    capacity = Capacity(
        orders=6_000, price_pages=64, clordids=9_000, accounts=9_000, assets=3, instruments=40, sessions=4, trades=8
    )
    source = CommandSource()
    pair = Pair(capacity, source, hash_every=500, audit_every=100_000)
    for role, message in source.setup(LimitsSet(6_000, 64, 6_000, 9_000, 1, 19, 0, 8)):
        pair.send(role, message)
    for number in range(8, 8_800, 7):
        pair.send(Role.INTERNAL, AccountSet(number, 3, AccountKind.CLIENT, 1, b"many").encode())
    for account in (2, 4):
        pair.send(*source.credit(account, 3, 10**9))
        pair.send(*source.credit(account, 1, 10**9))
    for number in range(4_500):
        tif = TimeInForce.AT_THE_CLOSE if number % 2 else TimeInForce.GOOD_TILL_CANCEL
        pair.send(*source.new_order(1, account=2, price_ticks=20 + number % 9, time_in_force=tif))
    before = pair.sequence
    pair.send(*source.operator_cancel(account=2, side=Side.SELL))
    assert pair.sequence - before == 2, "4,500 orders are looked at in two slices"
    before = pair.sequence
    pair.send(*source.mass_cancel(1, side=Side.SELL))
    pair.send(*source.operator_cancel(side=Side.SELL))
    assert pair.sequence - before == 4 + 4, "all 8,800 ids up to the highest, and every order"
    before = pair.sequence
    pair.send(*source.end_of_day())
    assert pair.sequence - before == 3, "slots in two slices, then the statistics"
    for instrument in range(3, 40):
        listed = INSTRUMENTS[0]._replace(instrument=instrument)
        pair.send(Role.INTERNAL, listed.encode())
        pair.send(*source.new_order(3, instrument=instrument, side=Side.SELL))
        pair.send(*source.new_order(1, instrument=instrument))
    before = pair.sequence
    pair.send(*source.end_of_day())
    assert pair.sequence - before > 5, "statistics of 37 instruments, 11 in a slice"
    refused: list[CommandRefused] = []
    for number in range(1, 1_030):
        protection = MarketMakerProtectionSet(1 + 7 * (number // 30 + 1), 3 + number % 30, 1, 1)
        refused = [
            event for event in pair.send(Role.INTERNAL, protection.encode()) if isinstance(event, CommandRefused)
        ]
    assert [event.reason for event in refused] == [Reason.CAPACITY_EXCEEDED], "at most 1,024 pairs are protected"
    pair.audit()


def test_reference_data_of_every_kind_is_refused_alike_at_its_bounds() -> None:
    """Each field of each kind of reference data, one by one at and beyond its bounds."""
    source = CommandSource()
    pair = Pair(CAPACITY, source)
    for role, message in source.setup():
        pair.send(role, message)
    plain: tuple[Any, ...] = (
        INSTRUMENTS[0],
        TINY_LIMITS,
        ACCOUNTS[1],
        ScheduleSet(1, 1, 100, 3),
        TickBandSet(1, 1, 50, 2, 1),
        FeeScheduleSet(1, 1, 100, 200),
        RiskLimitsSet(2, 1, 5, 5_000, 50, 100_000),
        MarketMakerProtectionSet(2, 1, 2, 1_000),
        SessionSet(1, 1, 1, b"ALICE"),
    )
    tried = 0
    for message in plain:
        for name, value in message._asdict().items():
            if isinstance(value, bytes):
                continue
            for odd in (0, 1, 2, value + 1, 7, 8, 9, 255, 65_536, 86_400, 999_999, 10**6, 2**24, 2**61, -1, 2**63 - 1):
                try:
                    changed = message._replace(**{name: odd}).encode()
                except Exception:  # does not fit the field
                    continue
                pair.send(Role.INTERNAL, changed)
                pair.send(Role.INTERNAL, message.encode())
                tried += 1
    assert tried > 600
    assert isinstance(plain[0], InstrumentSet)


def _reason(events: list[Event]) -> int:
    (event,) = events
    assert isinstance(event, OrderRejected)
    return event.reason


def _refusal(events: list[Event]) -> int:
    (event,) = events
    assert isinstance(event, CommandRefused)
    return event.reason


def test_wrong_state_hash_is_a_divergence_in_both() -> None:
    """A StateHash that is not the core's own is reported by both, and neither changes."""
    source = CommandSource()
    pair = Pair(CAPACITY, source)
    for role, message in source.setup():
        pair.send(role, message)
    before = pair.reference.state_hash()
    wrong = StateHash(low=1, high=2).encode()
    for core in (pair.reference, pair.core):
        with pytest.raises(Divergence):
            core.apply(pair.sequence + 1, 1, source.time_ns, wrong)
    assert isinstance(pair.core, Core)
    assert pair.reference.state_hash() == pair.core.state_hash() == before
