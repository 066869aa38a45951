"""A real engine daemon on a disk in our hands, a load of several sessions, and an independent record of both sides.

The record holds what was sent and every event as it came, with the time of its coming: it takes nothing on trust from
the journals that it is later compared with.
"""

from __future__ import annotations

import random
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import zmq

from engine.wire.client import Answer, CommandChannel, EngineEvents
from engine.wire.messages import (
    AnyMessage,
    CancelOrder,
    CancelRejected,
    Credit,
    Gap,
    NewOrder,
    OrderAccepted,
    OrderCanceled,
    OrderRejected,
    OrderReplaced,
    OrderType,
    Refused,
    ReplaceOrder,
    Role,
    SessionAttach,
    SessionAttached,
    Side,
    TimeInForce,
    Trade,
    TradingState,
    TradingStateSet,
    decode,
)
from ops.toml_edit import Value
from tests.faults.shim import Shim
from tests.fixtures.fix_engine import (
    ALPHA_ACCOUNT,
    BRAVO_ACCOUNT,
    ETH,
    ETH_USD,
    EXIT_TIMEOUT_S,
    READY_TIMEOUT_S,
    USD,
    EngineDaemon,
    wait_for,
)

#: Sessions 1 and 2 are the shipped configuration's; 3 and 4 trade the same two accounts.
ACCOUNT_OF = {1: ALPHA_ACCOUNT, 2: BRAVO_ACCOUNT, 3: ALPHA_ACCOUNT, 4: BRAVO_ACCOUNT}
FUNDS = 10**15
FRAME_MAX, BEHIND_MAX = 40, 2_000
MIDDLE_TICKS, SPREAD_TICKS = 200_000, 30
VERDICTS = OrderAccepted | OrderRejected | OrderReplaced | OrderCanceled | CancelRejected


class FaultyEngine(EngineDaemon):
    """An engine in a directory of its own whose state directory lies under the shim."""

    def __init__(self, values: dict[str, Value]) -> None:
        super().__init__(Path(tempfile.mkdtemp(prefix="venue-disk-")), values)
        self.state_dir.mkdir()
        self.shim = Shim(self.state_dir, self.directory / "control", self.directory / "oplog")
        self.environment = self.shim.environment()

    def configure(self, values: dict[str, Value]) -> None:
        """As shipped, with these values of [engine] and two sessions more."""
        super().configure(values)
        path = self.cfg_dir / "participants.toml"
        shipped = path.read_text()
        blocks = re.findall(r"^\[\[session\]\]\n(?:(?!\[\[).*\n)*", shipped, re.MULTILINE)
        more = [
            re.sub(
                r'^comp_id = "',
                f'comp_id = "MORE-{number}-',
                re.sub(r"^id = \d+", f"id = {number}", block, flags=re.M),
                flags=re.M,
            )
            for number, block in zip((3, 4), blocks, strict=True)
        ]
        path.write_text("\n".join([shipped, *more]))

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def try_start(self, timeout_s: float = READY_TIMEOUT_S) -> bool:
        """Starts; whether it became READY rather than ended before."""
        self.spawn()
        deadline = time.monotonic() + timeout_s
        self._notify.settimeout(0.05)
        while self.running:
            with suppress(TimeoutError):
                if b"READY=1" in self._notify.recv(4096).splitlines():
                    return True
            assert time.monotonic() < deadline, f"the engine is not ready:\n{self.log}"
        self.wait_exit()
        return False

    def start_refused(self) -> str:
        """Starts, expects the process to end by itself with an error, and returns what it logged meanwhile."""
        before = len(self.log)
        self.spawn()
        code = self.wait_exit()
        assert code not in (0, None), f"the engine started on a state it must refuse:\n{self.log[before:]}"
        return self.log[before:]

    def ended(self) -> int:
        """The exit code of a process that is expected to end (negative: the signal)."""
        wait_for(lambda: not self.running, "the engine to end", EXIT_TIMEOUT_S)
        return self.wait_exit()

    def remove(self) -> None:
        """Ends the process and removes its directory."""
        self.close()
        shutil.rmtree(self.directory, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Record:
    """Events in order and when each came (CLOCK_MONOTONIC)."""

    events: list[bytes]
    times_ns: list[int]


@dataclass(slots=True)
class SessionRecord:
    """One session's commands in client_seq order (the first is 1), and what of them has been answered."""

    number: int
    generation: int = 0
    session_epoch: int = 1
    sent: list[bytes] = field(default_factory=list)
    orders: list[tuple[bytes, Side]] = field(default_factory=list)
    verdicts: list[int] = field(default_factory=list)

    @property
    def missing(self) -> int:
        """The first client_seq without a verdict."""
        return len(self.verdicts) + 1


class Load:
    """Orders, cancels and replaces of four sessions that trade with each other; the same for the same seed."""

    def __init__(self, engine: FaultyEngine, seed: int) -> None:
        self._engine = engine
        self._chance = random.Random(seed)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._connections = 0
        self.sessions = {number: SessionRecord(number) for number in ACCOUNT_OF}
        self.seen: list[bytes] = []
        self.seen_ns: list[int] = []
        self.trades = 0
        self.unasked: list[AnyMessage] = []
        self._connect()

    def close(self) -> None:
        """Closes every socket."""
        self._disconnect()
        self._context.term()

    @property
    def commands(self) -> int:
        """How many client commands have been made."""
        return sum(len(session.sent) for session in self.sessions.values())

    def begin(self) -> None:
        """Money on the accounts and the sessions attached, all of it durable."""
        self.unsynced_begin()
        reached = self._engine.counter("sequence")
        self.until(lambda: self._engine.counter("durable_sequence") >= reached, "a durable beginning")

    def unsynced_begin(self) -> None:
        """The same where nothing is made durable."""
        credits = [(ALPHA_ACCOUNT, USD), (ALPHA_ACCOUNT, ETH), (BRAVO_ACCOUNT, USD), (BRAVO_ACCOUNT, ETH)]
        for number, (account, asset) in enumerate(credits, 1):
            self._hand_over(self._settlement, [Credit(account, asset, FUNDS, number, 1, bytes(32)).encode()])
        for number in self.sessions:
            self._hand_over(self._gateway, [SessionAttach(number, 1, 1, number, 0).encode()])
        self.until(lambda: all(session.generation for session in self.sessions.values()), "the sessions attached")

    def resume(self) -> None:
        """The operator opens the market again."""
        message = TradingStateSet(0, TradingState.OPEN, b"operator", b"the clock was looked at").encode()
        self._hand_over(self._admin, [message])
        self.until(lambda: self._engine.counter("venue_state") == TradingState.OPEN, "an open market")

    def step(self) -> None:
        """One frame of some session, unless too much is unanswered; then takes in what has come."""
        session = self.sessions[self._chance.choice(list(ACCOUNT_OF))]
        if len(session.sent) - len(session.verdicts) < BEHIND_MAX:
            frame = [self._command(session) for _ in range(self._chance.randint(1, FRAME_MAX))]
            self._gateway.send(frame)
        self.poll(0 if self._chance.random() < 0.7 else 1)

    def rejoin(self) -> Record:
        """After a restart: takes the stream from event 1 as a new consumer; returns what had been seen before."""
        before = Record(self.seen, self.seen_ns)
        self._disconnect()
        self.seen, self.seen_ns, self.trades = [], [], 0
        for session in self.sessions.values():
            session.verdicts = []
        self._connect()
        epoch = self._engine.counter("epoch")
        self.until(
            lambda: self._events.engine_epoch == epoch and self._events.caught_up, f"the stream of epoch {epoch}"
        )
        return before

    def settle(self, timeout_s: float = 60.0) -> None:
        """Sends again whatever has no verdict until everything has one: at least once, as a gateway does."""
        deadline = time.monotonic() + timeout_s
        while waiting := [session for session in self.sessions.values() if session.missing <= len(session.sent)]:
            assert time.monotonic() < deadline, f"no verdict in {timeout_s} s for {_first_missing(waiting)}"
            for session in waiting:
                first = session.missing - 1
                for at in range(first, len(session.sent), FRAME_MAX):
                    self._gateway.send(session.sent[at : at + FRAME_MAX])
            goal = time.monotonic() + 2.0
            while time.monotonic() < goal and any(session.missing <= len(session.sent) for session in waiting):
                self.poll(20)

    def poll(self, timeout_ms: int) -> None:
        """Takes in what arrives within timeout_ms."""
        for item in self._events.poll(timeout_ms):
            if isinstance(item, Answer):
                # A Gap follows from a frame that was lost with the engine; what is sent again closes it.
                if isinstance(item.message, Refused):
                    self.unasked.append(item.message)
                assert isinstance(item.message, Gap | Refused)
            elif isinstance(item, memoryview):
                self._note(bytes(item))

    def until(self, condition: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
        """Polls until the condition holds; AssertionError at the deadline."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"waited {timeout_s} s in vain for {what}"
            self.poll(5)

    def _note(self, message: bytes) -> None:
        self.seen.append(message)
        self.seen_ns.append(time.monotonic_ns())
        event = decode(message)
        if isinstance(event, VERDICTS) and event.client_seq:
            self.sessions[event.session].verdicts.append(event.client_seq)
        elif isinstance(event, SessionAttached):
            session = self.sessions[event.session]
            session.generation, session.session_epoch = event.generation, event.session_epoch
        elif isinstance(event, Trade):
            self.trades += 1

    def _connect(self) -> None:
        self._connections += 1
        name = f"load-{self._connections}"
        self._events = EngineEvents(self._context, self._engine.endpoints, Role.GATEWAY, name)
        self._gateway = CommandChannel(self._context, self._engine.endpoints.gateway, name)
        self._settlement = CommandChannel(self._context, self._engine.endpoints.settlement, name)
        self._admin = CommandChannel(self._context, self._engine.endpoints.admin, name)

    def _disconnect(self) -> None:
        self._events.close()
        self._gateway.close()
        self._settlement.close()
        self._admin.close()

    def _hand_over(self, channel: CommandChannel, messages: list[bytes]) -> None:
        self.until(lambda: channel.send(messages), "the engine to take a frame")

    def _command(self, session: SessionRecord) -> bytes:
        kind = self._chance.random()
        message = self._order(session) if kind < 0.75 or not session.orders else self._change(session, kind < 0.9)
        session.sent.append(message)
        return message

    def _order(self, session: SessionRecord) -> bytes:
        side = Side.BUY if self._chance.random() < 0.5 else Side.SELL
        client_seq = len(session.sent) + 1
        clordid = f"{session.number}-{client_seq}".encode()
        session.orders.append((clordid, side))
        return NewOrder(
            session=session.number,
            session_epoch=session.session_epoch,
            generation=session.generation,
            gateway=1,
            client_seq=client_seq,
            prev_client_seq=client_seq - 1,
            price_ticks=MIDDLE_TICKS + self._chance.randint(-SPREAD_TICKS, SPREAD_TICKS),
            quantity_lots=self._chance.randint(1, 20),
            account=ACCOUNT_OF[session.number],
            instrument=ETH_USD,
            side=side,
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.DAY,
            poss_resend=0,
            clordid=clordid,
            received_ns=0,
            echo=bytes(self._chance.choices(range(1, 256), k=self._chance.choice((0, 20, 400)))),
        ).encode()

    def _change(self, session: SessionRecord, cancels: bool) -> bytes:
        client_seq = len(session.sent) + 1
        original, side = self._chance.choice(session.orders[-50:])
        clordid = f"{session.number}-{client_seq}".encode()
        place = session.number, session.session_epoch, session.generation, 1, client_seq, client_seq - 1
        if cancels:
            return CancelOrder(*place, 0, ETH_USD, side, clordid, original, 0).encode()
        session.orders.append((clordid, side))
        price_ticks = MIDDLE_TICKS + self._chance.randint(-SPREAD_TICKS, SPREAD_TICKS)
        quantity_lots = self._chance.randint(1, 20)
        return ReplaceOrder(*place, 0, price_ticks, quantity_lots, ETH_USD, side, clordid, original, 0).encode()


def _first_missing(sessions: list[SessionRecord]) -> str:
    return ", ".join(f"session {session.number} client_seq {session.missing}" for session in sessions)
