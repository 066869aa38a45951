"""Following the engine over scripted sockets: whatever is lost, late or reordered, events come once and in order."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
import zmq

from engine.wire import client
from engine.wire.client import Answer, Diverged, EngineEvents, EngineRestarted, event_sequence
from engine.wire.endpoints import EngineEndpoints
from engine.wire.frame import FrameKind, decode_frame, encode_frame
from engine.wire.messages import (
    AnyMessage,
    CutOff,
    DayEnded,
    EpochStarted,
    Gap,
    Heartbeat,
    Hello,
    HelloAck,
    Refused,
    ReplayRequest,
    Role,
    decode,
)

DEADLINE_S = 20.0


def event(sequence: int, epoch: int) -> bytes:
    """Some event; the first of an epoch after the first one must be made by `epoch_started`."""
    return DayEnded(sequence, sequence, 0, epoch, 1, 0, 0).encode()


def epoch_started(sequence: int, epoch: int) -> bytes:
    """The event with which an epoch begins."""
    return EpochStarted(sequence, sequence, 0, epoch, 1, epoch, 1, 0, b"", bytes(32)).encode()


class Clock:
    """Stands in for the client's `time`: it moves when the test says so."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which consumers measure silence."""
    stands_still = Clock()
    monkeypatch.setattr(client, "time", SimpleNamespace(monotonic=stands_still.monotonic))
    return stands_still


class Script:
    """An engine's events and replay sockets without the engine, and one consumer of them."""

    def __init__(self, directory: Path, *, next_sequence: int = 1, last_epoch: int = 0) -> None:
        (directory / "engine").mkdir()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._endpoints = EngineEndpoints(directory)
        self.live, self.replay = self._router(), self._router()
        self.consumer = EngineEvents(
            self._context, self._endpoints, Role.READER, "me", next_sequence=next_sequence, last_epoch=last_epoch
        )
        self.sequences: list[int] = []
        self.restarts: list[int] = []

    def _router(self) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.ROUTER)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        return socket

    def bind(self) -> None:
        """The engine is there."""
        self.live.bind(self._endpoints.events)
        self.replay.bind(self._endpoints.replay)

    def connected(self) -> None:
        """Returns when the consumer's live leg is connected; it has polled nothing meanwhile."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            assert time.monotonic() < deadline, "the consumer never connected"
            try:
                self.control(Heartbeat(1, 1, 0))
                assert self.consumer.sockets[0].poll(int(DEADLINE_S * 1000)), "the heartbeat did not arrive"
                return
            except zmq.ZMQError as error:
                assert error.errno == zmq.EHOSTUNREACH
            self.live.poll(5)

    def close(self) -> None:
        """Closes every socket."""
        self.consumer.close()
        self.live.close(0)
        self.replay.close(0)
        self._context.term()

    def poll(self, timeout_ms: int = 5) -> None:
        """One poll of the consumer."""
        for item in self.consumer.poll(timeout_ms):
            if isinstance(item, EngineRestarted):
                self.restarts.append(item.epoch)
            elif not isinstance(item, Answer):
                self.sequences.append(event_sequence(item))

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Polls until the condition holds; fails the test at the deadline."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, f"waited {DEADLINE_S} s in vain for {what}"
            self.poll()

    def asked(self, socket: zmq.Socket[bytes]) -> AnyMessage:
        """What the consumer says next on this socket."""
        self.until(lambda: bool(socket.poll(0)), "the consumer to ask")
        _peer, data = socket.recv_multipart()
        (message,) = decode_frame(data).messages
        return decode(message)

    def hello(self) -> Hello:
        """The consumer's next Hello."""
        hello = self.asked(self.live)
        assert isinstance(hello, Hello)
        return hello

    def greet(self, live_sequence: int, *, epoch: int = 1, diverged: int = 0) -> None:
        """Takes the next Hello and acknowledges it."""
        self.hello()
        self.control(HelloAck(epoch, diverged, live_sequence, 1))

    def control(self, message: HelloAck | Heartbeat | CutOff | Gap) -> None:
        """A control frame on the live leg."""
        self.live.send_multipart([b"me", encode_frame(FrameKind.CONTROL, [message.encode()])])

    def events(self, *messages: bytes, epoch: int = 1) -> None:
        """A live frame."""
        frame = encode_frame(FrameKind.EVENTS, messages, epoch=epoch, first_sequence=event_sequence(messages[0]))
        self.live.send_multipart([b"me", frame])

    def replayed(self, *messages: bytes) -> ReplayRequest:
        """Takes the next ReplayRequest and answers with these events."""
        request = self.asked(self.replay)
        assert isinstance(request, ReplayRequest)
        first = event_sequence(messages[0]) if messages else request.from_sequence
        frame = encode_frame(FrameKind.REPLAY, messages, first_sequence=first)
        self.replay.send_multipart([b"me", frame])
        return request


@pytest.fixture
def make_script() -> Iterator[Callable[..., Script]]:
    """Makes scripts in short directories (socket paths are limited); their sockets are not bound yet."""
    made: list[tuple[Script, Path]] = []

    def make(**position: int) -> Script:
        directory = Path(tempfile.mkdtemp(prefix="venue-client-"))
        made.append((Script(directory, **position), directory))
        return made[-1][0]

    yield make
    for script, directory in made:
        script.close()
        shutil.rmtree(directory)


@pytest.fixture
def script(make_script: Callable[..., Script]) -> Script:
    """A consumer that starts at event 1 of an engine that is there."""
    made = make_script()
    made.bind()
    return made


def caught_up(script: Script) -> None:
    """Returns when the consumer says that it has everything."""
    script.until(lambda: script.consumer.caught_up, "catching up")


def test_a_lost_frame_is_replayed_and_what_came_after_it_is_not_lost(script: Script) -> None:
    """Event 2 is missing from the live leg: it comes by replay, then the live frames that arrived meanwhile."""
    script.greet(1)
    script.events(event(1, 1))
    script.events(event(3, 1))
    script.events(event(4, 1))
    script.until(lambda: script.sequences == [1], "event 1")
    assert script.replayed(event(2, 1)).from_sequence == 2
    caught_up(script)
    assert script.sequences == [1, 2, 3, 4]
    assert script.consumer.gaps == 1


def test_a_heartbeat_tells_of_a_lost_last_frame(script: Script) -> None:
    """Nothing follows the lost frame but a heartbeat that names a later event: it is asked for."""
    script.greet(1)
    script.control(Heartbeat(1, 3, 0))
    assert script.replayed(event(1, 1), event(2, 1)).from_sequence == 1
    caught_up(script)
    assert script.sequences == [1, 2]


def test_a_steady_stream_does_not_keep_a_late_consumer_behind(script: Script) -> None:
    """Live frames arrive before the answer to the ReplayRequest: they count when replay reaches them, once."""
    script.greet(11)
    script.until(lambda: bool(script.replay.poll(0)), "a ReplayRequest")
    for sequence in range(11, 21):
        script.events(event(sequence, 1))
    script.until(lambda: not script.consumer.sockets[0].poll(50), "the live frames to be read")
    script.replayed(*(event(sequence, 1) for sequence in range(1, 11)))
    caught_up(script)
    assert not script.replay.poll(50)
    assert script.sequences == list(range(1, 21))


def test_a_frame_lost_behind_a_lost_frame_is_replayed_too(script: Script) -> None:
    """Events 2 and 4 are missing: what is held does not bridge the second gap."""
    script.greet(1)
    for sequence in (1, 3, 5):
        script.events(event(sequence, 1))
    script.replayed(event(2, 1))
    assert script.replayed(event(3, 1), event(4, 1)).from_sequence == 3
    caught_up(script)
    assert script.sequences == [1, 2, 3, 4, 5]


def test_more_live_frames_than_are_held_come_by_replay(script: Script) -> None:
    """While replay is awaited only so many live frames are kept: what was let go is asked for."""
    last = 11 + client.HELD_FRAMES_MAX * 3
    script.greet(11)
    script.until(lambda: bool(script.replay.poll(0)), "a ReplayRequest")
    for sequence in range(11, last + 1):
        script.events(event(sequence, 1))
        script.poll(0)
    script.until(lambda: not script.consumer.sockets[0].poll(50), "the live frames to be read")
    while not script.consumer.caught_up:
        first = script.consumer.next_sequence
        script.replayed(*(event(sequence, 1) for sequence in range(first, min(first + 100, last + 1))))
        script.until(lambda n=first: script.consumer.next_sequence > n, "the answer")  # type: ignore[misc]
    assert script.sequences == list(range(1, last + 1))


def test_a_lost_hello_ack_is_asked_for_again_whatever_else_is_heard(script: Script, clock: Clock) -> None:
    """Heartbeats without a HelloAck do not keep the consumer from saying Hello again."""
    script.connected()
    script.hello()
    for _ in range(12):
        clock.now_s += 0.1
        script.control(Heartbeat(1, 1, 0))
        script.until(lambda: not script.consumer.sockets[0].poll(0), "the heartbeat to be read")
        script.poll()
    script.greet(1)
    caught_up(script)


def test_answers_alone_do_not_keep_a_consumer_from_saying_hello(script: Script, clock: Clock) -> None:
    """An engine that started anew answers who sends to it; only a Hello makes the sender a consumer again."""
    script.connected()
    script.greet(1)
    caught_up(script)
    for _ in range(12):
        clock.now_s += 0.1
        script.control(Gap(1, 1, 9, 4))
        script.until(lambda: not script.consumer.sockets[0].poll(0), "the answer to be read")
        script.poll()
    assert script.hello().from_sequence == 1


def test_a_caller_that_was_away_loses_nothing_that_waits_for_it(script: Script, clock: Clock) -> None:
    """A pause of the consumer's own with frames in the queue is no silence of the engine: no Hello, no replay."""
    script.connected()
    script.greet(1)
    caught_up(script)
    script.events(event(1, 1))
    assert script.consumer.sockets[0].poll(10_000)
    clock.now_s += 5
    script.poll()
    assert script.sequences == [1]
    assert script.consumer.caught_up
    assert not script.live.poll(50)
    clock.now_s += 5
    script.hello()


def test_a_hello_without_an_engine_is_said_again_soon(make_script: Callable[..., Script], clock: Clock) -> None:
    """The engine comes up right after the first attempt: the consumer does not wait a whole second for the next."""
    script = make_script()
    script.poll(0)
    script.bind()
    script.connected()
    clock.now_s += 0.1
    script.hello()


def test_cut_off_means_hello_and_replay(script: Script) -> None:
    """Told that it was cut off, the consumer says where it stands and fetches the rest."""
    script.greet(1)
    script.events(event(1, 1))
    script.control(CutOff(1, 4))
    script.until(lambda: script.sequences == [1], "event 1")
    assert script.hello().from_sequence == 2
    script.control(HelloAck(1, 0, 4, 1))
    script.replayed(event(2, 1), event(3, 1))
    caught_up(script)
    assert script.sequences == [1, 2, 3]


def test_a_new_epoch_is_told_without_waiting_for_a_heartbeat(script: Script) -> None:
    """Greeted before the engine began its epoch, and no pause in the events since: the first of them tells."""
    script.greet(2, epoch=1)
    script.replayed(event(1, 1))
    caught_up(script)
    script.events(epoch_started(2, 2), event(3, 2), epoch=2)
    script.until(lambda: script.sequences == [1, 2, 3], "the events")
    assert script.restarts == [2]


def test_a_past_that_is_not_the_engines_is_diverged(make_script: Callable[..., Script]) -> None:
    """Said by the HelloAck, or plain from a position beyond the engine's own end."""
    for position, diverged in (({"next_sequence": 5, "last_epoch": 1}, 1), ({"next_sequence": 50}, 0)):
        script = make_script(**position)
        script.bind()
        script.greet(9, diverged=diverged)
        with pytest.raises(Diverged):
            script.until(lambda: False, "Diverged")


def test_replay_of_another_history_is_diverged(make_script: Callable[..., Script]) -> None:
    """An answer from an engine that lost our past: events of a later epoch that did not begin with EpochStarted."""
    script = make_script(next_sequence=5, last_epoch=1)
    script.bind()
    script.greet(9, epoch=3)
    script.replayed(event(5, 1), epoch_started(6, 2), event(7, 2))
    script.until(lambda: script.sequences == [5, 6, 7], "an epoch that began in order")
    script.replayed(event(8, 3))
    with pytest.raises(Diverged, match="event 8"):
        script.until(lambda: False, "Diverged")


def test_a_reset_from_the_replay_socket_is_diverged(make_script: Callable[..., Script]) -> None:
    """The engine behind the replay socket has another event before ours: it says so instead of serving us."""
    script = make_script(next_sequence=5, last_epoch=1)
    script.bind()
    script.greet(9)
    request = script.asked(script.replay)
    assert isinstance(request, ReplayRequest)
    assert (request.from_sequence, request.last_epoch) == (5, 1)
    script.replay.send_multipart([b"me", encode_frame(FrameKind.CONTROL, [HelloAck(2, 1, 4, 1).encode()])])
    with pytest.raises(Diverged, match="event 4 of epoch 1"):
        script.until(lambda: False, "Diverged")


def test_whatever_comes_from_now_on_starts_at_the_live_end(make_script: Callable[..., Script]) -> None:
    """next_sequence 0: nothing of the past is asked for."""
    script = make_script(next_sequence=0)
    script.bind()
    script.greet(7)
    caught_up(script)
    script.events(event(7, 1))
    script.until(lambda: script.sequences == [7], "event 7")
    assert not script.replay.poll(0)


def test_frames_that_are_not_whole_count_as_lost(script: Script) -> None:
    """Cut short, with a foreign message inside, on either leg: counted, and replay brings what they held."""
    script.greet(1)
    whole = encode_frame(FrameKind.EVENTS, [event(1, 1)], epoch=1, first_sequence=1)
    for cut in (0, 1, 31, len(whole) - 1):
        script.live.send_multipart([b"me", whole[:cut]])
    script.live.send_multipart([b"me", encode_frame(FrameKind.CONTROL, [bytes(16)])])
    script.events(event(2, 1))
    script.until(lambda: bool(script.replay.poll(0)), "a ReplayRequest")
    script.replay.send_multipart([b"me", whole[:-8]])
    refused = encode_frame(FrameKind.CONTROL, [Refused(1, ReplayRequest.TEMPLATE_ID, 0, 0).encode()])
    script.replay.send_multipart([b"me", refused])
    script.replayed(event(1, 1))
    caught_up(script)
    assert script.sequences == [1, 2]
    assert script.consumer.bad_frames == 7


@pytest.mark.parametrize("seed", range(20))
def test_frames_doubled_dropped_and_out_of_order_come_out_once_and_in_order(script: Script, seed: int) -> None:
    """Forty frames, each lost, sent twice or late at random; whatever is asked for is replayed."""
    print("seed", seed)
    random = Random(seed)
    frames = [[sequence, sequence + 1] for sequence in range(1, 81, 2)]
    sent = [frame for frame in frames for _ in range(random.choice((0, 1, 1, 2)))]
    for place in range(len(sent) - 1):
        if random.random() < 0.3:
            sent[place], sent[place + 1] = sent[place + 1], sent[place]
    script.greet(1)
    for frame in sent:
        script.events(*(event(sequence, 1) for sequence in frame))
        script.poll(0)
    script.control(Heartbeat(1, 81, 0))
    script.until(lambda: not script.consumer.sockets[0].poll(0), "the frames to be read")
    deadline = time.monotonic() + DEADLINE_S
    while not script.consumer.caught_up or script.consumer.next_sequence < 81:
        assert time.monotonic() < deadline, f"stopped before event {script.consumer.next_sequence}"
        script.poll()
        if script.replay.poll(0):
            request = script.asked(script.replay)
            assert isinstance(request, ReplayRequest)
            first = request.from_sequence
            entries = [event(sequence, 1) for sequence in range(first, min(first + 7, 81))]
            answer = encode_frame(FrameKind.REPLAY, entries, first_sequence=first)
            script.replay.send_multipart([b"me", answer])
    assert script.sequences == list(range(1, 81))


def test_what_an_epoch_that_is_over_left_on_the_way_is_dropped(script: Script) -> None:
    """Events, heartbeat and HelloAck of epoch 1 arrive after epoch 2 began: no restart, no gap, no event from them."""
    script.greet(1, epoch=2)
    caught_up(script)
    script.events(epoch_started(1, 2), epoch=2)
    script.events(event(2, 1), epoch=1)
    script.control(Heartbeat(1, 9, 0))
    script.control(HelloAck(1, 0, 9, 1))
    script.events(event(2, 2), epoch=2)
    script.until(lambda: len(script.sequences) == 2, "the events")
    assert script.consumer.caught_up
    assert script.restarts == []
    assert script.consumer.stale_frames == 3
    assert script.consumer.last_epoch == 2
