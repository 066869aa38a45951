"""The real feed daemon behind the real engine, seen by the reference client: kills, garbage, slow readers."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
import zmq

from cfg.load import load
from engine.book import Capacity, ReferenceCore
from engine.journal import CommandJournal
from engine.wire.counters import read_counters
from engine.wire.endpoints import counters_path
from engine.wire.messages import (
    CancelOrder,
    EndOfDay,
    NewOrder,
    OrderRefilled,
    PhaseSet,
    Side,
    TradeBust,
    TradingState,
    TradingStateSet,
    decode,
)
from mdfeed import ladder
from mdfeed.client import Book, FeedClient, FeedEvent, Status, Transaction
from mdfeed.continuity import Continuity
from mdfeed.packets import CHANNEL, read
from mdfeed.publisher import refill_id
from mdfeed.schema.messages import PacketType, Phase, ReplayRequest, SnapshotRequest
from mdfeed.schema.messages import Side as PublicSide
from ops.toml_edit import Edit, Value, apply
from tests.fixtures.fix_engine import (
    ALPHA_ACCOUNT,
    BRAVO,
    BRAVO_ACCOUNT,
    ETH,
    ETH_USD,
    ROOT,
    USD,
    EngineClient,
    EngineDaemon,
    wait_for,
)
from tests.fixtures.fix_gateway import free_port
from tests.fixtures.fix_mdfeed import Books, books_of_core, books_of_market

MakeClient = Callable[..., EngineClient]
PUBLISH, SNAPSHOT = f"tcp://127.0.0.1:{free_port()}", f"tcp://127.0.0.1:{free_port()}"
HEARTBEAT_MS = 100
MILLION = 1_000_000 * 10**6
TIMEOUT_S = 30.0


class FeedDaemon:
    """venue-mdfeed as a process, on the configuration of an engine."""

    def __init__(self, engine: EngineDaemon) -> None:
        self.engine = engine
        venue = engine.cfg_dir / "venue.toml"
        values: dict[str, Value] = {"publish": [PUBLISH], "snapshot": SNAPSHOT, "heartbeat_ms": HEARTBEAT_MS}
        venue.write_text(apply(venue.read_text(), [Edit("mdfeed", values)]))
        self.log = engine.directory / "mdfeed.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until it serves."""
        ready = self._ready_lines()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mdfeed.daemon", "--cfg", str(self.engine.cfg_dir)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_for(lambda: not self.running or self._ready_lines() > ready, "the feed to be ready", TIMEOUT_S)
        assert self.running, self.log.read_text()

    def _ready_lines(self) -> int:
        return self.log.read_text().count("daemon.ready") if self.log.exists() else 0

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill9(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(TIMEOUT_S)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(TIMEOUT_S)

    def counter(self, name: str) -> int:
        return read_counters(counters_path(self.engine.run_dir, "mdfeed")).values[name]


class Traders:
    """Two funded sessions that trade at random; `truth` replays the engine's journal through the reference core."""

    def __init__(self, engine: EngineDaemon, make_client: MakeClient, seed: int) -> None:
        self.engine = engine
        self.random = Random(seed)
        self.alpha = make_client(engine, "alpha")
        self.bravo = make_client(engine, "bravo", BRAVO)
        self.alpha.credit(ALPHA_ACCOUNT, USD, MILLION, 1)
        self.alpha.credit(BRAVO_ACCOUNT, ETH, 10**10, 2)
        self.alpha.credit(ALPHA_ACCOUNT, ETH, 10**10, 3)
        self.alpha.credit(BRAVO_ACCOUNT, USD, MILLION, 4)
        self.alpha.attach()
        self.bravo.attach()

    def trade(self, orders: int) -> None:
        """That many orders and some cancels; returns when the engine has answered all of them."""
        for _ in range(orders):
            client, account = self.random.choice(((self.alpha, ALPHA_ACCOUNT), (self.bravo, BRAVO_ACCOUNT)))
            side = self.random.choice((Side.BUY, Side.SELL))
            price = 200_000 + self.random.randrange(-20, 20) + (-8 if side == Side.BUY else 8)
            lots = self.random.randrange(1, 9)
            iceberg = self.random.random() < 0.2
            message = client.order(side, price, 6 * lots if iceberg else lots, account=account)
            messages = [_changed(message, display_lots=lots) if iceberg else message]
            if self.random.random() < 0.3 and client.client_seq > 5:
                messages.append(self._cancel(client))
            client.send(client.gateway, messages)
        for client in (self.alpha, self.bravo):
            client.poll_until(lambda c=client: self._last_answered(c), "the last verdict")  # type: ignore[misc]

    def _cancel(self, client: EngineClient) -> bytes:
        previous, client.client_seq = client.client_seq, client.client_seq + 1
        target = self.random.randrange(1, previous)
        return CancelOrder(
            session=client.session,
            session_epoch=client.session_epoch,
            generation=client.generation,
            gateway=1,
            client_seq=client.client_seq,
            prev_client_seq=previous,
            order_id=0,
            instrument=0,
            side=0,
            clordid=f"{client.session}-{client.client_seq}".encode(),
            orig_clordid=f"{client.session}-{target}".encode(),
            received_ns=0,
        ).encode()

    @staticmethod
    def _last_answered(client: EngineClient) -> bool:
        assert not client.answers, "a command was refused"
        return any(
            getattr(event, "session", 0) == client.session and getattr(event, "client_seq", 0) == client.client_seq
            for event in client.decoded()
        )

    def truth(self) -> tuple[ReferenceCore, dict[int, int]]:
        """The state that the journal says the engine has, and the public ids of refilled icebergs."""
        pools = load(self.engine.cfg_dir).engine
        core = ReferenceCore(
            Capacity(
                orders=pools.max_orders,
                price_pages=pools.max_price_pages,
                clordids=pools.max_clordids,
                accounts=pools.max_accounts,
                assets=pools.max_assets,
                instruments=pools.max_instruments,
                sessions=pools.max_sessions,
                trades=pools.max_bustable_trades,
            )
        )
        public_ids: dict[int, int] = {}
        for record in CommandJournal(self.engine.journal_dir):
            if record.message:
                for event in core.apply(record.sequence, record.epoch, record.time_ns, record.message):
                    if isinstance(event, OrderRefilled):
                        public_ids[event.order_id] = refill_id(event.sequence)
        return core, public_ids

    def books(self) -> tuple[int, Books]:
        """Event sequence and books of the engine now."""
        core, public_ids = self.truth()
        return core.event_sequence, books_of_core(core, public_ids)


def _changed(message: bytes, **fields: int) -> bytes:
    """A NewOrder with other values."""
    order = decode(message)
    assert isinstance(order, NewOrder)
    return order._replace(**fields).encode()  # type: ignore[arg-type]


@pytest.fixture
def feed_daemon(engine_daemon: EngineDaemon) -> Iterator[FeedDaemon]:
    """A feed that serves, behind an engine that is READY."""
    feed = FeedDaemon(engine_daemon)
    feed.start()
    yield feed
    if feed.running:
        feed.kill9()


@pytest.fixture
def traders(engine_daemon: EngineDaemon, engine_client: MakeClient) -> Traders:
    """Two funded sessions."""
    return Traders(engine_daemon, engine_client, seed=4)


@pytest.fixture
def feed_client() -> Iterator[FeedClient]:
    """A subscriber over tcp, as anybody's."""
    with FeedClient(PUBLISH, SNAPSHOT) as client:
        yield client


def take(client: FeedClient, condition: Callable[[], bool], what: str) -> list[FeedEvent]:
    """Iterates the client until the condition holds."""
    seen: list[FeedEvent] = []

    def done() -> bool:
        seen.extend(client.poll(10))
        return condition()

    wait_for(done, f"{what}; {client.status}, {client.statistics}", TIMEOUT_S)
    return seen


def messages_sent(feed: FeedDaemon) -> int:
    return feed.counter("sequence")


def assert_equal_to_engine(client: FeedClient, traders: Traders, feed: FeedDaemon) -> None:
    """Waits until the feed has seen all events and the client all messages; then the books must be the core's."""
    event_sequence, books = traders.books()
    wait_for(lambda: feed.counter("event_sequence") >= event_sequence, "the feed to see every event", TIMEOUT_S)
    last = messages_sent(feed)
    take(client, lambda: client.status is Status.LIVE and client.market.sequence >= last, f"message {last}")
    assert books_of_market(client.market) == books
    assert sum(len(orders) for _, _, orders in books.values()) > 10, "books worth comparing"


def sequences(events: list[FeedEvent]) -> list[int]:
    """Every message sequence that was applied."""
    transactions = [event for event in events if isinstance(event, Transaction)]
    return [n for t in transactions for n in range(t.first_sequence, t.last_sequence + 1)]


def test_a_subscribers_books_equal_the_engines(
    feed_daemon: FeedDaemon, traders: Traders, feed_client: FeedClient
) -> None:
    """Orders through the real engine end as the same books, orders and priorities in a subscriber."""
    take(feed_client, lambda: feed_client.status is Status.LIVE, "joining")
    traders.trade(300)
    assert_equal_to_engine(feed_client, traders, feed_daemon)
    book = feed_client.book("ETH-USD")
    assert book.best_bid and book.best_ask and book.best_bid.price_ticks < book.best_ask.price_ticks
    assert book.last_trade is not None
    assert feed_client.statistics.snapshots == 1


def test_kill_9_and_restart_change_no_sequence_number(
    feed_daemon: FeedDaemon, traders: Traders, feed_client: FeedClient
) -> None:
    """A killed and restarted publisher goes on with the same session and numbers: none is missing, none twice."""
    take(feed_client, lambda: feed_client.status is Status.LIVE, "joining")
    first = feed_client.market.sequence + 1
    seen: list[FeedEvent] = []
    traders.trade(120)
    seen += take(feed_client, lambda: feed_client.market.sequence > first, "some messages")
    session = feed_client.session_id
    for _ in range(2):
        feed_daemon.kill9()
        traders.trade(60)
        feed_daemon.start()
        traders.trade(60)
    event_sequence, books = traders.books()
    wait_for(lambda: feed_daemon.counter("event_sequence") >= event_sequence, "every event", TIMEOUT_S)
    last = messages_sent(feed_daemon)
    seen += take(feed_client, lambda: feed_client.market.sequence >= last, "every message")
    assert sequences(seen) == list(range(first, last + 1))
    assert feed_client.session_id == session
    assert feed_client.statistics.snapshots == 1, "what was missed came by replay"
    assert books_of_market(feed_client.market) == books


def test_replayed_bytes_equal_published_bytes_after_a_restart(feed_daemon: FeedDaemon, traders: Traders) -> None:
    """What a restarted publisher replays is byte for byte what the killed one published."""
    published: dict[int, bytes] = {}
    with zmq.Context() as context, context.socket(zmq.SUB) as subscriber:
        subscriber.setsockopt(zmq.SUBSCRIBE, CHANNEL.pack(1))
        subscriber.connect(PUBLISH)
        assert subscriber.poll(10_000), "a heartbeat shows that the subscription has arrived"
        traders.trade(100)
        last = _settled(traders, feed_daemon)
        while max(published, default=0) < last:
            assert subscriber.poll(10_000)
            packet = read(subscriber.recv())
            published.update(enumerate(packet.messages, packet.first_sequence))
    feed_daemon.kill9()
    feed_daemon.start()
    replayed = _replay(feed_daemon, min(published), last)
    assert {n: replayed[n] for n in published} == published


def _settled(traders: Traders, feed: FeedDaemon) -> int:
    """The last message once the feed has seen every event."""
    event_sequence, _ = traders.books()
    wait_for(lambda: feed.counter("event_sequence") >= event_sequence, "every event", TIMEOUT_S)
    return messages_sent(feed)


def _replay(feed: FeedDaemon, first: int, last: int) -> dict[int, bytes]:
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.connect(f"ipc://{feed.engine.run_dir}/mdfeed/snapshot.sock")
        dealer.send(SnapshotRequest(1, 0).encode())
        assert dealer.poll(10_000)
        session_id = read(dealer.recv_multipart()[1]).session_id
        while read(dealer.recv_multipart()[1]).type != PacketType.ANSWER:
            pass
        dealer.send(ReplayRequest(2, session_id, first, last).encode())
        replayed: dict[int, bytes] = {}
        while (packet := read(dealer.recv_multipart()[1])).type == PacketType.REPLAY:
            replayed.update(enumerate(packet.messages, packet.first_sequence))
        return replayed


def test_late_joiners_take_a_snapshot(feed_daemon: FeedDaemon, traders: Traders) -> None:
    """Joining while orders flow, one after another, each subscriber ends with the engine's books."""
    for _ in range(3):
        traders.trade(80)
        with FeedClient(PUBLISH, SNAPSHOT) as client:
            take(client, lambda c=client: c.status is Status.LIVE, "joining")  # type: ignore[misc]
            traders.trade(20)
            assert_equal_to_engine(client, traders, feed_daemon)


def test_garbage_on_every_port_leaves_the_daemon_up(
    feed_daemon: FeedDaemon, traders: Traders, feed_client: FeedClient
) -> None:
    """Noise as ZeroMQ messages and as raw bytes, oversized and wrong requests: counted or cut off, never fatal."""
    random = Random(9)
    traders.trade(60)
    with zmq.Context() as context:
        for kind in (zmq.DEALER, zmq.REQ, zmq.PUSH, zmq.SUB):
            with context.socket(kind) as noisy:
                noisy.setsockopt(zmq.LINGER, 0)
                noisy.connect(SNAPSHOT)
                for _ in range(200 if kind == zmq.DEALER else 1):
                    with suppress(zmq.Again, zmq.ZMQError):
                        noisy.send_multipart([random.randbytes(random.randrange(400)) for _ in range(2)], zmq.DONTWAIT)
        with context.socket(zmq.DEALER) as big:
            big.setsockopt(zmq.LINGER, 0)
            big.connect(SNAPSHOT)
            big.send(bytes(1 << 20))
        with context.socket(zmq.DEALER) as dealer:
            dealer.setsockopt(zmq.LINGER, 0)
            dealer.connect(SNAPSHOT)
            for request in (b"", b"x", random.randbytes(24), SnapshotRequest(5, 0).encode() + b"\0"):
                dealer.send(request)
                assert dealer.poll(10_000), "a clear answer to garbage"
                packet = read(dealer.recv_multipart()[1])
                assert packet.type == PacketType.ANSWER
    for endpoint in (PUBLISH, SNAPSHOT):
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", int(endpoint.rsplit(":", 1)[1]))) as raw:
                raw.sendall(random.randbytes(3_000))
    assert_equal_to_engine(feed_client, traders, feed_daemon)
    assert feed_daemon.running
    assert feed_daemon.counter("requests_malformed") >= 4


def test_a_subscriber_that_never_reads_disturbs_nobody(
    feed_daemon: FeedDaemon, traders: Traders, feed_client: FeedClient
) -> None:
    """Stuck subscribers and requesters only lose their own packets; another one sees every message."""
    take(feed_client, lambda: feed_client.status is Status.LIVE, "joining")
    with zmq.Context() as context, context.socket(zmq.SUB) as stuck, context.socket(zmq.DEALER) as greedy:
        for quiet in (stuck, greedy):
            quiet.setsockopt(zmq.RCVHWM, 1)
            quiet.setsockopt(zmq.LINGER, 0)
        stuck.setsockopt(zmq.SUBSCRIBE, b"")
        stuck.connect(PUBLISH)
        greedy.connect(SNAPSHOT)
        for request_id in range(30):
            greedy.send(SnapshotRequest(request_id, 0).encode())
        traders.trade(200)
        assert_equal_to_engine(feed_client, traders, feed_daemon)
    assert feed_client.statistics.gaps == 0
    assert feed_daemon.counter("requests_rate_limited") + feed_daemon.counter("requests_rejected") > 0


def test_status_and_end_of_day_reach_subscribers(
    feed_daemon: FeedDaemon, traders: Traders, feed_client: FeedClient
) -> None:
    """A halt shows on the instrument and the end of day empties the books of DAY orders."""
    traders.trade(50)
    admin = traders.alpha
    admin.send(admin.admin, [TradingStateSet(ETH_USD, TradingState.HALTED, b"test", b"halt").encode()])
    take(
        feed_client,
        lambda: ETH_USD in feed_client.market.books and feed_client.book("ETH-USD").state == TradingState.HALTED,
        "the halt",
    )
    assert len(feed_client.book("ETH-USD")) > 0
    admin.send(admin.admin, [EndOfDay(20_300_101, b"test").encode()])
    take(feed_client, lambda: feed_client.market.day == 20_300_101, "the end of the day")
    assert len(feed_client.book("ETH-USD")) == 0


def test_an_auction_and_a_bust_reach_subscribers(
    feed_daemon: FeedDaemon, traders: Traders, feed_client: FeedClient
) -> None:
    """Orders collected and crossed, the indicative price by the engine's clock, the uncross, and its trade undone."""
    alpha, bravo = traders.alpha, traders.bravo

    def wait(condition: Callable[[Book], bool], what: str) -> Book:
        take(feed_client, lambda: ETH_USD in market_books() and condition(market_books()[ETH_USD]), what)
        return market_books()[ETH_USD]

    def market_books() -> dict[int, Book]:
        return feed_client.market.books

    def set_phase(phase: Phase) -> None:
        alpha.send(alpha.admin, [PhaseSet(ETH_USD, phase, 0, b"test", b"auction").encode()])

    set_phase(Phase.PRE_OPEN)
    wait(lambda book: book.phase == Phase.PRE_OPEN, "the pre-open phase")
    alpha.send(alpha.gateway, [alpha.order(Side.BUY, 200_010, 5)])
    bravo.send(bravo.gateway, [bravo.order(Side.SELL, 200_000, 3, account=BRAVO_ACCOUNT)])
    book = wait(lambda book: book.crossed, "crossed orders")
    assert book.may_be_crossed and feed_client.statistics.book_errors == 0
    set_phase(Phase.OPENING_AUCTION)
    book = wait(lambda book: book.indicative is not None and book.indicative.volume_lots == 3, "an indicative price")
    assert book.indicative is not None and book.indicative.surplus_lots == 2
    set_phase(Phase.CONTINUOUS)
    book = wait(lambda book: book.auction is not None, "the uncross")
    assert book.auction is not None and book.last_trade is not None and book.reference is not None
    assert (book.auction.volume_lots, book.auction.trades, book.may_be_crossed) == (3, 1, False)
    assert book.last_trade.aggressor_side == PublicSide.NONE
    assert book.reference.price_ticks == book.auction.price_ticks == book.statistics.last_ticks
    assert [level.quantity_lots for level in book.bids()] == [2] and not book.asks()
    trade_id = book.last_trade_id
    alpha.send(alpha.admin, [TradeBust(trade_id, 0, b"test", b"erroneous").encode()])
    book = wait(lambda book: book.bust is not None, "the bust")
    assert book.bust is not None and book.bust.trade_id == trade_id and book.statistics.trades == 1


def test_the_end_is_announced_and_the_engines_silence_is_shown(
    feed_daemon: FeedDaemon, traders: Traders, feed_client: FeedClient
) -> None:
    """Without the engine the feed says so in its heartbeats; told to stop, it says goodbye and exits cleanly."""
    traders.trade(10)
    take(feed_client, lambda: feed_client.status is Status.LIVE, "joining")
    feed_daemon.engine.kill9()
    take(feed_client, lambda: feed_client.status is Status.SOURCE_LOST, "the loss of the engine")
    feed_daemon.engine.start()
    take(feed_client, lambda: feed_client.status is Status.LIVE, "the engine's return")
    assert feed_client.market.epoch == 2, "the engine's second start is in the feed"
    assert feed_daemon.stop() == 0
    take(feed_client, lambda: feed_client.status is Status.ENDED, "the goodbye")


def test_the_async_iterator_gives_the_same(feed_daemon: FeedDaemon, traders: Traders) -> None:
    """`async for` joins and follows without blocking its event loop."""
    traders.trade(40)
    last = _settled(traders, feed_daemon)

    async def follow() -> Books:
        with FeedClient(PUBLISH, SNAPSHOT) as client:
            async for _ in client:
                if client.market.sequence >= last:
                    return books_of_market(client.market)
        raise AssertionError("the iterator ended")

    async def both() -> tuple[Books, int]:
        turns = 0
        never = asyncio.Event()

        async def other() -> None:
            nonlocal turns
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(never.wait(), 0.001)
                turns += 1

        task = asyncio.create_task(other())
        books = await asyncio.wait_for(follow(), TIMEOUT_S)
        task.cancel()
        return books, turns

    books, turns = asyncio.run(both())
    assert books == traders.books()[1]
    assert turns > 0, "another task ran meanwhile"


def test_venue_md_prints_one_snapshot(
    feed_daemon: FeedDaemon, traders: Traders, capsys: pytest.CaptureFixture[str]
) -> None:
    """venue-md --once and --json show the book that the core has; wrong symbols and absent feeds are said."""
    traders.trade(60)
    _settled(traders, feed_daemon)
    where = ["--cfg", str(feed_daemon.engine.cfg_dir)]
    assert ladder.main([*where, "--json", "ETH-USD"]) == 0
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    _, books = traders.books()
    orders = books[ETH_USD][2]
    bids = sorted({price for side, _, _, price, _ in orders if side == Side.BUY}, reverse=True)[:10]
    assert [level["price_ticks"] for level in shown["books"][0]["bids"]] == bids
    assert shown["books"][0]["tick"] == "0.01"
    assert ladder.main([*where, "--once"]) == 0
    text = capsys.readouterr().out
    assert "ETH-USD" in text and f"{bids[0] // 100}.{bids[0] % 100:02}" in text
    assert ladder.main([*where, "--once", "NO-SUCH"]) == 2
    assert "NO-SUCH" in capsys.readouterr().err
    nowhere = ["--publish", "tcp://127.0.0.1:18898", "--snapshot", "tcp://127.0.0.1:18899", "--timeout-ms", "200"]
    assert ladder.main([*nowhere, "--once"]) == 1
    assert "no feed at" in capsys.readouterr().err


def test_a_past_that_is_not_the_engines_opens_another_session(
    feed_daemon: FeedDaemon, traders: Traders, feed_client: FeedClient
) -> None:
    """A publisher whose regenerated messages differ from what it published disowns that session, once and for good."""
    traders.trade(60)
    take(feed_client, lambda: feed_client.status is Status.LIVE, "joining")
    last = _settled(traders, feed_daemon)
    old = feed_client.session_id
    feed_daemon.kill9()
    continuity = Continuity(feed_daemon.engine.state_dir / "mdfeed" / "continuity")
    published = continuity.published
    assert published is not None and (published.session_id, published.sequence) == (old, last)
    continuity.record(dataclasses.replace(published, chain=published.chain ^ 1))
    continuity.close()
    feed_daemon.start()
    take(feed_client, lambda: feed_client.session_id != old, "another session")
    assert_equal_to_engine(feed_client, traders, feed_daemon)
    new = feed_client.session_id
    assert feed_daemon.counter("sessions_disowned") == 1
    feed_daemon.kill9()
    feed_daemon.start()
    assert_equal_to_engine(feed_client, traders, feed_daemon)
    assert feed_client.session_id == new
    assert feed_daemon.counter("sessions_disowned") == 0


def test_an_engine_with_another_history_is_followed_from_its_beginning(
    feed_daemon: FeedDaemon, traders: Traders, feed_client: FeedClient
) -> None:
    """When the running publisher is told that its events are not the engine's, it starts over as a new session."""
    traders.trade(60)
    take(feed_client, lambda: feed_client.status is Status.LIVE, "joining")
    old = feed_client.session_id
    engine = feed_daemon.engine
    engine.kill9()
    shutil.rmtree(engine.state_dir / "engine")
    engine.start()
    take(feed_client, lambda: feed_client.session_id != old, "another session")
    take(feed_client, lambda: feed_client.status is Status.LIVE, "its snapshot")
    assert [len(book) for book in feed_client.market.books.values()] == [0, 0]
    assert feed_daemon.running


def test_a_publisher_without_its_state_directory_goes_on_with_the_same_feed(
    feed_daemon: FeedDaemon, traders: Traders, feed_client: FeedClient
) -> None:
    """All it has on disk is deleted while it is dead: same session, same numbers, same bytes, from the engine alone."""
    take(feed_client, lambda: feed_client.status is Status.LIVE, "joining")
    traders.trade(60)
    before = _settled(traders, feed_daemon)
    session = feed_client.session_id
    seen = take(feed_client, lambda: feed_client.market.sequence >= before, "every message")
    feed_daemon.kill9()
    shutil.rmtree(feed_daemon.engine.state_dir / "mdfeed")
    traders.trade(60)
    feed_daemon.start()
    after = _settled(traders, feed_daemon)
    seen += take(feed_client, lambda: feed_client.market.sequence >= after, "every message")
    assert sequences(seen) == list(range(sequences(seen)[0], after + 1))
    assert feed_client.session_id == session
    assert_equal_to_engine(feed_client, traders, feed_daemon)


@pytest.mark.parametrize("feed_dies", [False, True])
def test_an_engine_that_lost_its_last_events_makes_the_feed_open_another_session(
    feed_daemon: FeedDaemon, traders: Traders, feed_client: FeedClient, tmp_path: Path, feed_dies: bool
) -> None:
    """What was published of the lost events is disowned: subscribers take a snapshot of what the engine has."""
    traders.trade(120)
    take(feed_client, lambda: feed_client.status is Status.LIVE, "joining")
    _settled(traders, feed_daemon)
    engine = feed_daemon.engine
    shutil.copytree(engine.state_dir / "engine", tmp_path / "kept")
    traders.trade(60)
    last = _settled(traders, feed_daemon)
    take(feed_client, lambda: feed_client.market.sequence >= last, "every message")
    old = feed_client.session_id
    engine.kill9()
    if feed_dies:
        feed_daemon.kill9()
    shutil.rmtree(engine.state_dir / "engine")
    shutil.copytree(tmp_path / "kept", engine.state_dir / "engine")
    engine.start()
    if feed_dies:
        feed_daemon.start()
    take(feed_client, lambda: feed_client.session_id != old, "another session")
    take(feed_client, lambda: feed_client.status is Status.LIVE, "its snapshot")
    assert_equal_to_engine(feed_client, traders, feed_daemon)


def test_a_second_daemon_is_refused(feed_daemon: FeedDaemon) -> None:
    """The pid file keeps a second publisher from stealing the sockets of the first."""
    command = [sys.executable, "-m", "mdfeed.daemon", "--cfg", str(feed_daemon.engine.cfg_dir)]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=TIMEOUT_S, check=False)
    assert second.returncode == 3
    assert feed_daemon.running


def test_nothing_waits_forever_when_told_to_stop_before_the_engine_is_there(engine_daemon: EngineDaemon) -> None:
    """A feed that still waits for the engine ends when asked to."""
    engine_daemon.kill9()
    feed = FeedDaemon(engine_daemon)
    with feed.log.open("ab") as log:
        feed.process = subprocess.Popen(
            [sys.executable, "-m", "mdfeed.daemon", "--cfg", str(engine_daemon.cfg_dir)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    wait_for(lambda: "daemon.starting" in feed.log.read_text(), "the start", TIMEOUT_S)
    killer = threading.Timer(TIMEOUT_S, feed.process.kill)
    killer.start()
    feed.process.terminate()
    assert feed.process.wait() >= 0, "ended by itself"
    killer.cancel()
