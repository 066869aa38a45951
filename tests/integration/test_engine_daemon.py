"""The engine daemon over its real sockets: commands in, events out, and what it refuses."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import psutil
import pytest
import zmq

from engine.wire.client import event_sequence, template_of
from engine.wire.frame import Frame, FrameKind, decode_frame, encode_frame
from engine.wire.messages import (
    Credit,
    Credited,
    CutOff,
    Gap,
    Hello,
    NewOrder,
    OrderAccepted,
    OrderRejected,
    Reason,
    Refused,
    ReplayRequest,
    Role,
    Side,
    Trade,
    TradingState,
    TradingStateSet,
    decode,
)
from tests.fixtures.fix_engine import (
    ALPHA_ACCOUNT,
    BRAVO,
    BRAVO_ACCOUNT,
    ETH,
    USD,
    EngineClient,
    EngineDaemon,
    wait_for,
)

MakeEngine = Callable[..., EngineDaemon]
MakeClient = Callable[..., EngineClient]
MILLION = 1_000_000 * 10**6


def test_an_order_that_crosses_trades(engine_daemon: EngineDaemon, engine_client: MakeClient) -> None:
    """Two funded sessions: the second's order meets the first's, and both see the trade with dense event numbers."""
    alpha = engine_client(engine_daemon, "alpha")
    bravo = engine_client(engine_daemon, "bravo", BRAVO)
    alpha.credit(ALPHA_ACCOUNT, USD, MILLION, 1)
    alpha.credit(BRAVO_ACCOUNT, ETH, 10**10, 2)
    alpha.attach()
    bravo.attach()
    alpha.poll_until(lambda: sum(isinstance(e, Credited) for e in alpha.decoded()) == 2, "both credits")

    alpha.send(alpha.gateway, [alpha.order(Side.BUY, 200_000, 5, echo=b"parties")])
    alpha.poll_until(lambda: any(isinstance(e, OrderAccepted) for e in alpha.decoded()), "the bid in the book")
    bravo.send(bravo.gateway, [bravo.order(Side.SELL, 199_000, 3, account=BRAVO_ACCOUNT)])

    for client in (alpha, bravo):
        client.poll_until(partial(traded, client), "the trade")
        (trade,) = (event for event in client.decoded() if isinstance(event, Trade))
        assert (trade.price_ticks, trade.quantity_lots) == (200_000, 3)
        assert [event_sequence(message) for message in client.raw] == list(range(1, len(client.raw) + 1))
    assert alpha.raw == bravo.raw


def funded(daemon: EngineDaemon, client: EngineClient) -> EngineClient:
    """The client with money on its account and its session attached."""
    client.credit(ALPHA_ACCOUNT, USD, MILLION, 1)
    client.attach()
    client.poll_until(lambda: any(isinstance(e, Credited) for e in client.decoded()), "the credit")
    return client


def traded(client: EngineClient) -> bool:
    """Whether a trade has arrived."""
    return any(isinstance(event, Trade) for event in client.decoded())


def answered(client: EngineClient, count: int) -> bool:
    """Whether so many answers have arrived."""
    return len(client.answers) == count


def reached(client: EngineClient, next_sequence: int) -> bool:
    """Whether every event before next_sequence has arrived."""
    return client.events.next_sequence >= next_sequence


def rejects(client: EngineClient) -> int:
    """How many OrderRejected have arrived, without decoding everything again."""
    return sum(template_of(message) == OrderRejected.TEMPLATE_ID for message in client.raw)


def test_a_command_on_the_wrong_socket_is_refused(engine_daemon: EngineDaemon, engine_client: MakeClient) -> None:
    """A Credit from a gateway and a halt from settlement get Refused(WrongRole); nothing is journaled."""
    client = engine_client(engine_daemon)
    client.caught_up()
    before = engine_daemon.counter("sequence")
    credit = Credit(ALPHA_ACCOUNT, USD, MILLION, 1, 1, bytes(32)).encode()
    halt = TradingStateSet(0, TradingState.HALTED, b"nobody", b"no right to").encode()

    client.send(client.gateway, [credit])
    client.poll_until(lambda: len(client.answers) == 1, "the first refusal")
    client.send(client.settlement, [halt])
    client.poll_until(lambda: len(client.answers) == 2, "the second refusal")

    assert client.answers == [
        Refused(Reason.WRONG_ROLE, Credit.TEMPLATE_ID, 0, 0),
        Refused(Reason.WRONG_ROLE, TradingStateSet.TEMPLATE_ID, 0, 0),
    ]
    assert engine_daemon.counter("sequence") == before


def test_a_frame_that_is_not_whole_is_refused_whole(engine_daemon: EngineDaemon, engine_client: MakeClient) -> None:
    """Cut short, garbled, empty or of two parts: Refused(Malformed), nothing of it is applied, the engine goes on."""
    client = funded(engine_daemon, engine_client(engine_daemon))
    good = encode_frame(FrameKind.COMMANDS, [client.order(Side.BUY, 100, 1)])
    wrong_count = bytearray(good)
    wrong_count[6] = 2
    events_kind = bytearray(good)
    events_kind[4] = FrameKind.EVENTS
    beyond = bytearray(good)
    beyond[32:36] = (1 << 19).to_bytes(4, "little")
    bad = [
        good[:-1],
        good[:31],
        b"",
        b"\xff" * 4096,
        bytes(wrong_count),
        bytes(events_kind),
        bytes(beyond),
        good + good,
    ]
    before = engine_daemon.counter("sequence")
    with client.context.socket(zmq.DEALER) as raw:
        raw.setsockopt(zmq.ROUTING_ID, b"client")
        raw.setsockopt(zmq.LINGER, 0)
        client.gateway.close()
        raw.connect(engine_daemon.endpoints.gateway)
        for number, frame in enumerate(bad, 1):
            raw.send(frame)
            client.poll_until(partial(answered, client, number), "the refusal")
        raw.send_multipart([good, good])
        client.poll_until(lambda: len(client.answers) == len(bad) + 1, "the refusal of two parts")
        assert {answer.reason for answer in client.answers if isinstance(answer, Refused)} == {Reason.MALFORMED}
        assert engine_daemon.counter("malformed") == len(bad) + 1
        assert engine_daemon.counter("sequence") == before

        raw.send(good)
        client.poll_until(lambda: any(isinstance(e, OrderAccepted) for e in client.decoded()), "the good frame's order")


def test_a_message_cut_short_inside_a_whole_frame_is_refused_alone(
    engine_daemon: EngineDaemon, engine_client: MakeClient
) -> None:
    """The entry that is no message of ours is Refused(Malformed); the order behind it in the same frame is accepted."""
    client = funded(engine_daemon, engine_client(engine_daemon))
    order = client.order(Side.BUY, 100, 1)
    client.send(client.gateway, [order[:40], order])
    client.poll_until(lambda: any(isinstance(e, OrderAccepted) for e in client.decoded()), "the order")
    client.poll_until(lambda: len(client.answers) == 1, "the refusal")
    assert client.answers == [Refused(Reason.MALFORMED, NewOrder.TEMPLATE_ID, 0, 0)]


def test_a_gap_in_client_sequence_is_told_and_nothing_is_applied(
    engine_daemon: EngineDaemon, engine_client: MakeClient
) -> None:
    """Orders 2 and 3 without 1: one Gap(last = 0) for the frame; sent again from 1 all three are accepted once."""
    client = funded(engine_daemon, engine_client(engine_daemon))
    orders = [client.order(Side.BUY, 100, 1) for _ in range(3)]
    client.send(client.gateway, orders[1:])
    client.poll_until(lambda: len(client.answers) == 1, "the gap")
    assert client.answers == [Gap(client.session, client.session_epoch, 2, 0)]

    client.send(client.gateway, orders)
    client.send(client.gateway, orders)
    client.poll_until(lambda: engine_daemon.counter("duplicates") >= 3, "the duplicates to be dropped")
    client.caught_up()
    client.poll_until(lambda: sum(isinstance(e, OrderAccepted) for e in client.decoded()) == 3, "three orders")
    assert engine_daemon.counter("gaps") == 2


def test_a_second_engine_on_the_same_directory_is_refused(
    engine_daemon: EngineDaemon, engine_client: MakeClient
) -> None:
    """It exits with code 3 and its reason; the first one keeps its sockets and serves on."""
    first = engine_daemon.process
    engine_daemon.spawn()
    assert engine_daemon.wait_exit() == 3
    assert "daemon.already_running" in engine_daemon.log
    engine_daemon.process = first
    funded(engine_daemon, engine_client(engine_daemon))


def received_under_load(consumer: zmq.Socket[bytes], client: EngineClient) -> Frame:
    """The consumer's next frame; while there is none, the client keeps the events flowing."""
    for _ in range(20_000):
        if consumer.poll(1):
            return decode_frame(consumer.recv())
        client.send(client.gateway, [client.order(Side.BUY, 1, 0)])
        client.poll(0)
    raise AssertionError("nothing in 20,000 orders")


def test_a_consumer_that_does_not_read_is_cut_off_and_catches_up(
    engine_daemon: EngineDaemon, engine_client: MakeClient
) -> None:
    """Its queue fills, it is cut off, others get everything; told once it reads, under load; replay closes the gap."""
    fast = funded(engine_daemon, engine_client(engine_daemon, "fast"))
    with fast.context.socket(zmq.DEALER) as slow:
        slow.setsockopt(zmq.ROUTING_ID, b"slow")
        slow.setsockopt(zmq.LINGER, 0)
        slow.setsockopt(zmq.RCVHWM, 1)
        slow.connect(engine_daemon.endpoints.events)
        slow.send(encode_frame(FrameKind.CONTROL, [Hello(Role.READER, 0, 0, 1, b"slow").encode()]))
        wait_for(lambda: engine_daemon.counter("consumers") == 2, "the Hello")
        while engine_daemon.counter("cut_off") == 0:
            expected = fast.events.next_sequence + 1
            # Rejected for its quantity: one event with an echo, one frame, no funds needed.
            fast.send(fast.gateway, [fast.order(Side.BUY, 1, 0, echo=bytes(512))])
            fast.poll_until(partial(reached, fast, expected), "the verdict")
            assert expected < 20_000, "a consumer that never reads was never cut off"
        assert fast.events.gaps == 0

        seen: list[bytes] = []
        while not isinstance(last := decode((frame := received_under_load(slow, fast)).messages[0]), CutOff):
            seen += [bytes(message) for message in frame.messages if frame.kind is FrameKind.EVENTS]
    first, next_sequence = event_sequence(seen[0]), event_sequence(seen[-1]) + 1
    assert next_sequence < last.next_sequence <= fast.events.next_sequence
    assert seen == fast.raw[first - 1 : next_sequence - 1]
    again = engine_client(engine_daemon, "slow")
    again.events.next_sequence, again.events.last_epoch = next_sequence, 1
    again.caught_up()
    fast.poll_until(partial(reached, fast, again.events.next_sequence), "what the other one has")
    assert again.raw == fast.raw[next_sequence - 1 : again.events.next_sequence - 1]


def test_replay_gives_the_bytes_that_went_out_live(make_engine: MakeEngine, engine_client: MakeClient) -> None:
    """A consumer that comes late reads from the event journal, over several segments, exactly what the live one saw."""
    daemon = make_engine()
    live = funded(daemon, engine_client(daemon, "live"))
    for _ in range(60):
        live.send(live.gateway, [live.order(Side.BUY, 1, 0, echo=bytes(512)) for _ in range(60)])
    live.poll_until(lambda: rejects(live) == 3600, "the verdicts")
    assert live.events.gaps == 0
    assert len(list(daemon.events_dir.glob("*.ve"))) > 1
    late = engine_client(daemon, "late")
    late.caught_up()
    assert late.raw == live.raw


def test_a_bad_replay_request_is_refused(engine_daemon: EngineDaemon, engine_client: MakeClient) -> None:
    """Garbage and a request from event 0 get Refused(Malformed); from beyond the end, an empty frame."""
    client = engine_client(engine_daemon)
    with client.context.socket(zmq.DEALER) as raw:
        raw.setsockopt(zmq.RCVTIMEO, 10_000)
        raw.setsockopt(zmq.LINGER, 0)
        raw.connect(engine_daemon.endpoints.replay)
        for bad in (b"garbage", b"", encode_frame(FrameKind.CONTROL, [ReplayRequest(0, 0, 0).encode()])):
            raw.send(bad)
            (message,) = decode_frame(raw.recv()).messages
            assert decode(message) == Refused(Reason.MALFORMED, ReplayRequest.TEMPLATE_ID, 0, 0)
        raw.send(encode_frame(FrameKind.CONTROL, [ReplayRequest(10**9, 0, 0).encode()]))
        assert decode_frame(raw.recv()).messages == []
        raw.send(encode_frame(FrameKind.CONTROL, [ReplayRequest(1, 0, 0).encode()]))
        assert decode_frame(raw.recv()).first_sequence == 1


def test_an_idle_engine_rests(engine_daemon: EngineDaemon) -> None:
    """Without work the loop spins spin_us per poll, then sleeps: thousands of turns per second, not millions."""
    turns = engine_daemon.counter("loop_turns")
    publisher_turns = engine_daemon.counter("publisher_turns")
    wait_for(lambda: engine_daemon.counter("publisher_turns") > publisher_turns + 20, "a second of heartbeats")
    assert engine_daemon.counter("loop_turns") - turns < 100_000


def test_a_cpu_that_is_not_there_is_refused(engine_daemon: EngineDaemon) -> None:
    """hot_cpu outside the process's CPUs: a clear error and exit code 1, no abort inside libzmq."""
    engine_daemon.stop()
    engine_daemon.configure({"hot_cpu": 1023})
    engine_daemon.spawn()
    assert engine_daemon.wait_exit() == 1
    assert "hot_cpu = 1023: this process may use CPUs" in engine_daemon.log


def test_the_threads_run_where_cfg_says(make_engine: MakeEngine, engine_client: MakeClient) -> None:
    """hot_cpu holds exactly one thread of ours; the others are on housekeeping_cpu."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        pytest.skip("needs two CPUs")
    daemon = make_engine(hot_cpu=cpus[1], housekeeping_cpu=cpus[0])
    assert daemon.process is not None
    masks = [os.sched_getaffinity(thread.id) for thread in psutil.Process(daemon.process.pid).threads()]
    assert masks.count({cpus[1]}) == 1
    assert masks.count({cpus[0]}) == len(masks) - 1
    funded(daemon, engine_client(daemon))
