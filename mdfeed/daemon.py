"""venue-mdfeed: follows the engine's events, publishes them as the public feed, answers snapshot and replay requests.

One thread owns every socket. At start it rebuilds feed, books and replay history from event 1 before it is ready, so
that nothing has to be saved; it publishes only what comes after. A slow subscriber loses its own packets at its own
high-water mark, nobody else's.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import zmq

from cfg.daemon import Life, Service, run
from cfg.model import VenueConfig
from engine.wire import messages as wire
from engine.wire.client import Diverged, EngineEvents, EngineRestarted
from engine.wire.counters import Counters
from engine.wire.endpoints import EngineEndpoints, counters_path
from engine.wire.messages import Role
from mdfeed import server
from mdfeed.book import Market
from mdfeed.continuity import Continuity, Position, chained
from mdfeed.history import History
from mdfeed.packets import SOURCE_LOST, Body, Line, pack
from mdfeed.published import PublishedLog, Sent
from mdfeed.publisher import Event, FeedState, session_id
from mdfeed.schema.messages import PacketType

PUBLISH_HIGH_WATER = 10_000  # packets per subscriber, 14 MB
ANSWER_HIGH_WATER = 1_000
REQUEST_SIZE_MAX = 4_096  # bytes of one frame that a subscriber may send; libzmq cuts off who sends more
HANDSHAKE_MS = 5_000
TURN_MS = 20
BUSY_TURN_MS = 1
COUNTERS = (
    "turns",
    "events",
    "event_sequence",
    "messages",
    "sequence",
    "packets_published",
    "heartbeats",
    "sessions_disowned",
    "engine_gaps",
    "engine_restarts",
    "engine_lost",
    "replay_available_from",
    *server.COUNTERS,
)


class Feed:
    """One session of the feed in memory: what event 1 to now have made."""

    def __init__(self, channel: int, replay_packets_max: int) -> None:
        self.state = FeedState()
        self.market = Market()
        self.history = History(replay_packets_max)
        self.chain = 0
        self.line: Line | None = None
        self._channel = channel

    def begin(self, first_event: bytes, salt: int) -> None:
        """Names the session; the first event must come next."""
        self.line = Line(self._channel, session_id(self._channel, first_event, salt))

    def apply(self, event: Event) -> list[bytes]:
        """The encoded messages that the event completes, already in books and chain."""
        messages = self.state.apply(event)
        if not messages:
            return []
        self.market.apply_transaction(messages)
        encoded = [message.encode() for message in messages]
        self.chain = chained(self.chain, encoded)
        assert self.market.sequence == self.state.sequence
        return encoded

    def keep(self, messages: Sequence[bytes]) -> list[Body]:
        """Packs messages that follow what history holds, and holds them."""
        bodies = list(pack(self.history.next_sequence, messages))
        for body in bodies:
            self.history.append(body)
        return bodies


class Disowned(Exception):
    """The engine's history is not the one that was published: the next session needs another id."""


class FeedService:
    """The service cfg.daemon runs; see the module."""

    def __init__(self, config: VenueConfig, life: Life) -> None:
        self._settings = config.mdfeed
        self._run_dir = config.paths.run_dir
        self._life = life
        self._counters = Counters(counters_path(config.paths.run_dir, life.name), COUNTERS)
        self._continuity = Continuity(life.state_dir / "continuity")
        self._published = PublishedLog(life.state_dir / "published")
        published = self._continuity.published
        self._salt = published.salt if published else 0
        self._context = zmq.Context[Any]()
        self._feed = self._new_feed()
        self._follows = 0
        self._events = self._follow()
        self._publish = self._socket(zmq.PUB)
        self._requests = self._socket(zmq.ROUTER)
        self._server: server.RequestServer | None = None
        self._sent_ns = 0
        self._draining = threading.Event()
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def _socket(self, kind: int) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = self._context.socket(kind)
        socket.setsockopt(zmq.LINGER, 200)
        socket.setsockopt(zmq.MAXMSGSIZE, REQUEST_SIZE_MAX)
        socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        socket.setsockopt(zmq.HEARTBEAT_IVL, 5_000)
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 15_000)
        if kind == zmq.ROUTER:
            socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
            socket.setsockopt(zmq.SNDHWM, ANSWER_HIGH_WATER)
        else:
            socket.setsockopt(zmq.SNDHWM, PUBLISH_HIGH_WATER)
        return socket

    def _follow(self) -> EngineEvents:
        """Each time under another name: the engine's ROUTER ignores a name whose old connection it has not seen end."""
        self._follows += 1
        name = f"{self._life.name[:12]}.{self._follows}"
        return EngineEvents(self._context, EngineEndpoints(self._run_dir), Role.FEED, name)

    def _new_feed(self) -> Feed:
        return Feed(self._settings.channel_id, self._settings.replay_max_packets)

    # The life of the service; called by the main thread.

    def start(self) -> None:
        """Rebuilds the feed from event 1, then binds and starts the loop; raises when asked to stop before."""
        self._rebuild()
        for endpoint in (f"ipc://{self._life.run_dir / 'publish.sock'}", *self._settings.publish):
            self._publish.bind(endpoint)
        for endpoint in (f"ipc://{self._life.run_dir / 'snapshot.sock'}", self._settings.snapshot):
            self._requests.bind(endpoint)
        self._thread.start()

    def progress(self) -> int:
        return self._counters.get("turns")

    def drain(self) -> None:
        self._draining.set()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._events.close()
        self._publish.close()
        self._requests.close()
        self._context.term()
        self._continuity.close()
        self._published.close()

    def wait(self, timeout_s: float) -> bool:
        if not self._ended.wait(timeout_s):
            return False
        if self._error is not None:
            raise self._error
        return True

    # Recovery.

    def _rebuild(self) -> None:
        """Applies all the engine has; starts over under a new session id if that is not what was published before."""
        while (line := self._try_rebuild()) is None:
            pass
        feed = self._feed
        self._continuity.record(Position(self._salt, line.session_id, feed.state.sequence, feed.chain))
        self._server = server.RequestServer(
            self._requests,
            line,
            feed.market,
            feed.history,
            self._settings.snapshot_rate_per_s,
            self._counters.add,
        )
        self._show_position()
        self._life.log.info(
            "mdfeed.rebuilt",
            session_id=line.session_id,
            sequence=feed.state.sequence,
            event_sequence=feed.state.event_sequence,
        )

    def _try_rebuild(self) -> Line | None:
        """None when another session has to be begun."""
        try:
            line = self._catch_up()
            self._check_published(self._continuity.published, ended=True)
        except (Disowned, Diverged) as error:
            self._disown(str(error))
            return None
        return line

    def _catch_up(self) -> Line:
        """Reads until nothing known is missing; an engine that serves has at least started an epoch."""
        told_ns = 0
        while self._feed.line is None or not self._events.caught_up:
            if self._life.stop_requested:
                raise InterruptedError("asked to stop before the engine's events were read")
            self._counters.add("turns")
            self._feed.keep(self._take(TURN_MS))
            if time.monotonic_ns() - told_ns > 10**9:
                told_ns = time.monotonic_ns()
                self._life.status(f"reading events: {self._feed.state.event_sequence}")
        return self._feed.line

    def _disown(self, reason: str) -> None:
        """What we have or had published is not the engine's history any more: a new session from event 1."""
        self._salt += 1
        self._counters.add("sessions_disowned")
        self._life.log.warning("mdfeed.session_disowned", reason=reason, salt=self._salt)
        self._events.close()
        self._events = self._follow()
        self._feed = self._new_feed()
        self._continuity.record(Position(self._salt, 0, 0, 0))

    def _check_published(self, published: Position | None, *, ended: bool = False) -> None:
        """Raises Disowned where the regenerated feed differs from the position that was published."""
        feed = self._feed
        if published is None or published.session_id == 0 or feed.line is None:
            return
        if feed.line.session_id != published.session_id:
            return  # another engine history: its first event alone makes another session
        if feed.state.sequence == published.sequence and feed.chain != published.chain:
            raise Disowned(f"message {published.sequence} and those before it are not what was published")
        if ended and feed.state.sequence < published.sequence:
            raise Disowned(f"the engine's events end at message {feed.state.sequence} of {published.sequence}")

    # The loop; runs on its own thread from here on.

    def _run(self) -> None:
        try:
            while not self._stopping.is_set() and not self._draining.is_set():
                try:
                    self._turn()
                except Diverged as error:
                    self._disown(str(error))
                    self._rebuild()
            self._say_goodbye()
        except Exception as error:  # noqa: BLE001 - handed to `wait`, which ends the daemon with it
            self._error = error
        finally:
            self._ended.set()

    def _turn(self) -> None:
        assert self._server is not None
        self._counters.add("turns")
        zmq.select(
            [*self._events.sockets, self._requests], [], [], (BUSY_TURN_MS if self._server.busy else TURN_MS) / 1000
        )
        self._publish_messages(self._take(0))
        self._heartbeat()
        self._server.turn()

    def _take(self, timeout_ms: int) -> list[bytes]:
        """What the engine's new events make; checked against what was published before."""
        messages: list[bytes] = []
        events = 0
        for item in self._events.poll(timeout_ms):
            if isinstance(item, EngineRestarted):
                self._counters.add("engine_restarts")
                self._life.log.info("mdfeed.engine_restarted", epoch=item.epoch)
            elif isinstance(item, memoryview):
                events += 1
                messages += self._apply(item)
        if events:
            self._counters.add("events", events)
            self._counters.set("event_sequence", self._feed.state.event_sequence)
        return messages

    def _apply(self, data: memoryview) -> list[bytes]:
        feed = self._feed
        if feed.line is None:
            feed.begin(bytes(data), self._salt)
        event = wire.decode(data)
        assert isinstance(event, Event), f"{type(event).__name__} is not an event"
        messages = feed.apply(event)
        published = self._continuity.published
        if messages and published is not None and feed.state.sequence <= published.sequence:
            self._check_published(published)
        return messages

    def _publish_messages(self, messages: list[bytes]) -> None:
        if not messages:
            return
        feed = self._feed
        assert feed.line is not None
        self._continuity.record(Position(self._salt, feed.line.session_id, feed.state.sequence, feed.chain))
        bodies = feed.keep(messages)
        now_ns = time.time_ns()
        self._published.add(Sent(feed.line.session_id, bodies[0].first_sequence, now_ns))
        for body in bodies:
            self._publish.send(feed.line.packet(PacketType.INCREMENTAL, body, now_ns), zmq.DONTWAIT)
        self._sent_ns = time.monotonic_ns()
        self._counters.add("packets_published", len(bodies))
        self._counters.add("messages", len(messages))
        self._show_position()

    def _show_position(self) -> None:
        self._counters.set("sequence", self._feed.state.sequence)
        self._counters.set("replay_available_from", self._feed.history.available_from)
        self._counters.set("engine_gaps", self._events.gaps)

    def _heartbeat(self) -> None:
        """Silence is told apart from death: by us, and of the engine."""
        now_ns = time.monotonic_ns()
        if now_ns - self._sent_ns < self._settings.heartbeat_ms * 1_000_000:
            return
        self._counters.set("engine_lost", int(not self._events.caught_up))
        self._send_empty(PacketType.HEARTBEAT)
        self._counters.add("heartbeats")
        self._sent_ns = now_ns

    def _say_goodbye(self) -> None:
        """What the engine already sent goes out, then the end of the session."""
        self._publish_messages(self._take(0))
        self._send_empty(PacketType.END_OF_SESSION)

    def _send_empty(self, type_: PacketType) -> None:
        assert self._feed.line is not None
        flags = 0 if self._events.caught_up else SOURCE_LOST
        packet = self._feed.line.empty(type_, self._feed.history.next_sequence, time.time_ns(), flags)
        self._publish.send(packet, zmq.DONTWAIT)


def build(config: VenueConfig, life: Life) -> Service:
    """The service for cfg.daemon."""
    return FeedService(config, life)


def main() -> int:
    """Console entry point venue-mdfeed."""
    return run("mdfeed", build)


if __name__ == "__main__":
    sys.exit(main())
