"""Frames between engine and gateway lost, doubled, late and cut: one verdict each, every event once and in order."""

from __future__ import annotations

import copy
import itertools
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

import pytest

from engine.wire.client import event_sequence
from engine.wire.messages import OrderAccepted, OrderCanceled, Trade
from ops.fix_client import FixClientError, LogonRefused, text
from ops.toml_edit import Edit, apply
from tests.fixtures.fault_proxy import FaultProxy, Faults
from tests.fixtures.fix_engine import EngineClient, EngineDaemon, wait_for
from tests.fixtures.fix_gateway import GatewayDaemon, Trader, Venue

SEEDS = range(3)
ORDERS = 120


@contextmanager
def faulty_venue(engine: EngineDaemon, seed: int) -> Iterator[tuple[Venue, FaultProxy]]:
    """A gateway that reaches the engine through faults alone; everybody else is connected directly."""
    print("seed", seed)
    proxy = FaultProxy(engine.directory / "p", engine.endpoints, seed, Faults(0.15, 0.15, 0.15, 0.15))
    behind = copy.copy(engine)
    behind.cfg_dir, behind.run_dir = engine.directory / "cfg-p", proxy.run_dir
    shutil.copytree(engine.cfg_dir, behind.cfg_dir)
    path = behind.cfg_dir / "venue.toml"
    path.write_text(apply(path.read_text(), [Edit("paths", {"run_dir": str(proxy.run_dir)})]))
    venue = Venue(engine, GatewayDaemon(behind, {"engine_timeout_ms": 500}))
    try:
        venue.fund()
        venue.gateway.start()
        yield venue, proxy
    finally:
        venue.close()
        proxy.close()


def trade(random: Random, traders: list[Trader], names: Iterator[int], orders: int) -> set[str]:
    """Orders of both sides around one price, and cancels of some; every one's ClOrdID."""
    sent: dict[int, list[tuple[str, str]]] = {0: [], 1: []}
    clordids = set()
    for _ in range(orders):
        who = random.randrange(2)
        clordid = f"o{next(names)}"
        if sent[who] and random.random() < 0.2:
            orig, side = random.choice(sent[who])
            traders[who].cancel(clordid, orig, side)
        else:
            side = random.choice("12")
            sent[who].append((clordid, side))
            traders[who].new(clordid, side, "0.01", str(random.randint(48, 52)))
        clordids.add(clordid)
        for trader in traders:
            trader.reports += trader.fix.poll(0.005)  # so that frames are many and not long
    return clordids


def settled(trader: Trader) -> None:
    """Returns when everything that the trader sent has been answered; it logs on again if it has to."""
    while True:
        try:
            return trader.settle()
        except FixClientError:
            trader.relogon()


def check(venue: Venue, traders: list[Trader], clordids: set[str]) -> None:
    """Reports are those of the engine's events, each once; every request has one verdict."""
    auditor = EngineClient(venue.engine, "auditor")
    auditor.caught_up()
    events = auditor.decoded()
    auditor.close()
    accepted = Counter(e.clordid.decode() for e in events if isinstance(e, OrderAccepted))
    assert set(accepted.values()) <= {1}
    reports = [message for trader in traders for message in trader.reports if text(message, 35) == "8"]
    exec_ids = Counter((text(message, 56), text(message, 17)) for message in reports if text(message, 150) != "I")
    assert {exec_id: times for exec_id, times in exec_ids.items() if times > 1} == {}
    news = {text(message, 11) for message in reports if text(message, 150) == "0"}
    assert news == set(accepted)
    fills = {text(message, 17) for message in reports if text(message, 150) == "F"}
    expected = {f"{e.epoch}-{e.sequence}{leg}" for e in events if isinstance(e, Trade) for leg in "MT"}
    assert fills == expected
    canceled = {text(message, 17) for message in reports if text(message, 150) == "4"}
    assert canceled == {f"{e.epoch}-{e.sequence}" for e in events if isinstance(e, OrderCanceled)}
    refused = [text(m, 11) for trader in traders for m in trader.reports if text(m, 35) == "9" or text(m, 150) == "8"]
    verdicts = Counter([*news, *refused, *(text(m, 11) for m in reports if text(m, 150) == "4")])
    assert {clordid: verdicts[clordid] for clordid in clordids} == dict.fromkeys(clordids, 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_commands_get_one_verdict_and_events_one_report_through_a_faulty_transport(
    engine_daemon: EngineDaemon, seed: int
) -> None:
    """Two clients trade while every socket of the gateway loses, doubles, delays and cuts frames, and is severed."""
    with faulty_venue(engine_daemon, seed) as (venue, proxy):
        traders = [venue.trader("ALPHA").relogon(), venue.trader("BRAVO").relogon()]
        names = itertools.count()
        random = Random(seed)
        clordids: set[str] = set()
        for _ in range(3):
            clordids |= trade(random, traders, names, ORDERS // 3)
            proxy.sever()
        for trader in traders:
            settled(trader)
        proxy.calm()
        for trader in traders:
            settled(trader)
        print(proxy.counts)
        assert all(proxy.counts[fault] for fault in ("lost", "doubled", "late", "cut", "severed"))
        check(venue, traders, clordids)
        assert "fix.link.failed" not in venue.gateway.log


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_a_follower_through_a_faulty_transport_sees_every_event_once_and_in_order(
    make_engine: Callable[..., EngineDaemon], engine_client: Callable[..., EngineClient], seed: int
) -> None:
    """Also over a kill -9 of the engine: what it has is what a follower with a whole line has, byte for byte."""
    print("seed", seed)
    engine = make_engine()
    proxy = FaultProxy(engine.directory / "p", engine.endpoints, seed, Faults(0.15, 0.15, 0.15, 0.15))
    behind = copy.copy(engine)
    behind.endpoints = proxy.endpoints
    direct, far = engine_client(engine, "direct"), engine_client(behind, "far")
    try:
        for deposit in range(1, 81):
            direct.credit(11, 1, 1, deposit)
            direct.poll_until(lambda n=deposit: credited(direct) == n, "the deposit")  # type: ignore[misc]
            far.poll(0)
            if deposit % 10 == 0:
                far.poll_until(lambda: len(far.raw) >= len(direct.raw), "the events so far", 60)
            if deposit == 40:
                engine.kill9()
                engine.start()
            if deposit % 40 == 20:
                proxy.sever()
        far.poll_until(lambda: len(far.raw) == len(direct.raw), "the events", 60)
        assert far.raw == direct.raw
        assert [event_sequence(event) for event in far.raw] == list(range(1, len(far.raw) + 1))
        print(proxy.counts)
        assert sum(proxy.counts[fault] for fault in ("lost", "doubled", "late", "cut")) > 15 and proxy.counts["severed"]
    finally:
        proxy.close()


def test_while_the_engine_takes_nothing_in_what_was_handed_over_waits_and_the_rest_is_refused(
    engine_daemon: EngineDaemon,
) -> None:
    """Heard of, but no verdict for engine_timeout_ms, as with a full disk: new requests are refused with a reason,
    Logons too; the session stays; when the engine goes on, those that waited get their one verdict.
    """
    with faulty_venue(engine_daemon, 0) as (venue, proxy):
        proxy.calm()
        alpha = venue.trader("ALPHA").relogon()
        alpha.new("first", "1", "0.01", "50")
        alpha.expect(t11="first", t150="0")
        proxy.take_no_commands()
        waiting = {f"w{number}" for number in range(20)}
        for clordid in sorted(waiting):
            alpha.new(clordid, "1", "0.01", "50")
        wait_for(lambda: venue.gateway.counter("engine_available") == 0, "the gateway to see that nothing is taken")
        alpha.new("late", "1", "0.01", "50")
        assert "venue not available" in text(alpha.expect(t11="late", t150="8"), 58)
        alpha.cancel("late-f", "first", "1")
        assert "venue not available" in text(alpha.expect(t35="9", t11="late-f"), 58)
        with pytest.raises(LogonRefused, match="venue not available"):
            venue.trader("BRAVO").logon()
        proxy.take_commands()
        for clordid in waiting:
            alpha.expect(t11=clordid, t150="0")
        wait_for(lambda: venue.gateway.counter("engine_available") == 1, "the gateway to see that all is well")
        assert text(alpha.canceled("first"), 39) == "4"
        assert venue.gateway.counter("logons") == 1
        alpha.settle()
        assert [text(m, 11) for m in alpha.reports if text(m, 150) == "0"] == []


def credited(client: EngineClient) -> int:
    """Deposits that the client has seen."""
    return sum(type(event).__name__ == "Credited" for event in client.decoded())
