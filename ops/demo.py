"""make demo: a whole venue on loopback, two institutions trading over FIX, everything settled on chain and compared to
the unit.

Five parties that share no state are held against each other: the institutions' own records of their FIX reports, the
engine's events,
a subscriber's books, the ledger and the chain. Any disagreement is printed and makes the exit code 1.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import zmq

from cfg.model import VenueConfig
from engine.retrace import state_at
from engine.wire.counters import read_counters
from engine.wire.endpoints import EngineEndpoints, counters_path
from engine.wire.messages import Side
from ops import trace as tracing
from ops import venuectl
from ops.audit import Audit
from ops.local import ROOT, LocalVenue, Ports, VenueError, depositors, fresh
from ops.market_day import SYMBOL, Desk, MarketDay
from ops.toml_edit import Edit
from ops.trader import Market
from settlement.child import log_tail, spawn
from settlement.deploy import deposit_all

CREDIT_TIMEOUT_S = 60.0
CATCH_UP_TIMEOUT_S = 60.0
TRADING_TIMEOUT_S = 300.0
FINALITY_TIMEOUT_S = 120.0
#: What each institution deposits of every asset, in whole coins.
DEPOSIT_WHOLE = {"USD": 5_000_000, "ETH": 1_000, "BTC": 50}
MARKETS = (
    Market("ETH-USD", "0.01", "0.0001", "3000.00", 20_000),
    Market("BTC-USD", "0.1", "0.00001", "60000.0", 20_000),
)
PASSWORDS = {"ALPHA": "alpha-development-only", "BRAVO": "bravo-development-only"}
#: Events that only the market day by hand can bring about, and each of them must.
MARKET_DAY = (
    *("PhaseChanged", "AuctionIndicative", "AuctionUncrossed", "OrderRefilled", "OrderTriggered", "TradeBusted"),
    "MassCanceled",
)
#: Small batches and short waits, so that a run of a minute shows many of each.
BLOCK_TIME_S = 0.25
EDITS = [
    Edit("settlement", {"batch_max_age_ms": 1_000, "checkpoint_interval_ms": 1_000, "poll_ms": 100}),
    Edit("mdfeed", {"heartbeat_ms": 200}),
]


@dataclass
class Outcome:
    """What a run came to; `differences` is empty when every party agrees."""

    differences: list[str] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)
    reconciliation: str = ""
    trace: str = ""


@dataclass
class Institution:
    """One client process and the file it writes its record to."""

    name: str
    account: int
    process: subprocess.Popen[bytes]
    out: Path
    log: Path

    @property
    def done(self) -> bool:
        """Whether it has sent everything and got every answer, or died."""
        return self.out.with_suffix(".done").exists() or self.process.poll() is not None

    def record(self) -> dict[str, Any]:
        """Its record; VenueError when it died without one."""
        if not self.out.exists():
            raise VenueError(f"{self.name} left no record:\n{log_tail(self.log)}")
        record: dict[str, Any] = orjson.loads(self.out.read_bytes())
        return record


class Demo:
    """One run. `meddle` is called while the institutions trade: the crash test kills daemons there."""

    def __init__(
        self, venue: LocalVenue, orders: int, seed: int, say: Callable[[str], None], *, rate_per_s: int = 0
    ) -> None:
        """`orders` and `rate_per_s` (0: as fast as answers come) are each institution's."""
        self.venue = venue
        self.orders = orders
        self.rate_per_s = rate_per_s
        self.seed = seed
        self.say = say
        self.outcome = Outcome()
        self._by_hand: dict[str, dict[str, list[str]]] = {}
        self._busted = ""

    @property
    def config(self) -> VenueConfig:
        assert self.venue.config is not None, "the venue has started"
        return self.venue.config

    def run(self, meddle: Callable[[Demo, Audit], None] | None = None) -> Outcome:
        """Starts the venue, trades, waits for finality, compares everything and stops; raises VenueError when a part
        fails.
        """
        started = time.monotonic()
        self.venue.start()
        with self._audit() as audit:
            self._deposit(audit)
            self.outcome.facts["seconds until trading"] = round(time.monotonic() - started, 1)
            subscriber, out, through = self._start_subscriber()
            institutions = [self._start_institution(session.comp_id) for session in self.config.sessions]
            if meddle is not None:
                meddle(self, audit)
            self._await_trading(institutions, audit)
            self._market_day(institutions, audit)
            self._compare_books(subscriber, out, through, audit)
            self._compare_records(institutions, audit)
            self._await_finality(audit)
            self._reconcile()
            self._trace(institutions)
            self.outcome.differences += audit.differences
            self.outcome.facts |= {
                "events": audit.sequence,
                "engine epochs": audit.epoch,
                "trades": len(audit.trades),
                "batches final": audit.batches_final,
                "checkpoints equal": audit.checkpoints,
            }
        self.outcome.differences += [f"{name} did not stop cleanly" for name in self.venue.stop()]
        self.outcome.facts["seconds in all"] = round(time.monotonic() - started, 1)
        return self.outcome

    @contextmanager
    def _audit(self) -> Iterator[Audit]:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        audit = Audit(context, EngineEndpoints(self.config.paths.run_dir), self.config.fee_account.id)
        try:
            yield audit
        finally:
            audit.close()
            context.term()

    def until(self, audit: Audit, done: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Follows the engine until `done`; VenueError when a daemon dies or time runs out."""
        deadline = time.monotonic() + timeout_s
        while not done():
            audit.poll(50)
            self.venue.require_alive()
            if time.monotonic() > deadline:
                raise VenueError(f"{what}: not within {timeout_s:.0f} s (event {audit.sequence})")

    def _catch_up(self, audit: Audit) -> None:
        self.until(audit, lambda: audit.caught_up, CATCH_UP_TIMEOUT_S, "catching up with the engine")

    def _deposit(self, audit: Audit) -> None:
        """Every institution deposits every asset on chain; trading starts when the engine has credited all of it."""
        self.say("depositing on chain; the engine credits when the blocks are final")
        assert self.venue.deployment is not None
        whole = {self.config.asset(symbol): amount for symbol, amount in DEPOSIT_WHOLE.items()}
        each = {asset.id: amount * 10**asset.token_decimals for asset, amount in whole.items()}
        amounts = {key: each for _account, key in depositors(self.config)}
        expected = len(deposit_all(self.venue.chain.rpc_url, self.venue.deployment.vault, amounts))
        self.until(audit, lambda: len(audit.credits) == expected, CREDIT_TIMEOUT_S, "credits of the deposits")

    def _start_subscriber(self) -> tuple[subprocess.Popen[bytes], Path, Path]:
        out, through = self.venue.directory / "books.json", self.venue.directory / "books.through"
        command = [
            *(sys.executable, "-m", "ops.subscriber"),
            *("--publish", self.config.mdfeed.publish[0], "--snapshot", self.config.mdfeed.snapshot),
            *("--channel", str(self.config.mdfeed.channel_id), "--through", str(through), "--out", str(out)),
        ]
        return self._spawn(command, "subscriber"), out, through

    def _start_institution(self, name: str) -> Institution:
        self.say(f"{name} logs on and trades")
        session = next(s for s in self.config.sessions if s.comp_id == name)
        account = next(a for a in self.config.accounts if a.id == session.accounts[0])
        markets = self.venue.directory / "markets.json"
        markets.write_bytes(orjson.dumps([asdict(market) for market in MARKETS]))
        out = self.venue.directory / f"{name}.json"
        command = [
            *(sys.executable, "-m", "ops.trader", "--port", str(self.config.fixgw.port), "--sender", name),
            *("--password", PASSWORDS[name], "--account", account.name, "--orders", str(self.orders)),
            *("--rate", str(self.rate_per_s), "--seed", str(self.seed + session.id)),
            *("--markets", str(markets), "--out", str(out)),
        ]
        process = self._spawn(command, name)
        return Institution(name, account.id, process, out, self.venue.log_dir / f"{name}.log")

    def _spawn(self, command: list[str], name: str) -> subprocess.Popen[bytes]:
        return spawn(command, self.venue.log_dir / f"{name}.log", "KILL", environment=_environment())

    def _await_trading(self, institutions: list[Institution], audit: Audit) -> None:
        shown = time.monotonic()

        def done() -> bool:
            nonlocal shown
            if time.monotonic() - shown > 5:
                shown = time.monotonic()
                self.say(f"  {audit.counts['OrderAccepted']:,} orders accepted, {len(audit.trades):,} trades")
            return all(institution.done for institution in institutions)

        self.until(audit, done, TRADING_TIMEOUT_S, "trading")
        self._catch_up(audit)
        gateway = counters_path(self.config.paths.run_dir, "fixgw")
        reported = partial(_has_reported, gateway, audit.sequence)
        self.until(audit, reported, CATCH_UP_TIMEOUT_S, "the gateway's reports")
        for institution in institutions:
            institution.process.terminate()
        self.until(
            audit,
            lambda: all(institution.process.poll() is not None for institution in institutions),
            CATCH_UP_TIMEOUT_S,
            "the institutions' records",
        )

    def _market_day(self, institutions: list[Institution], audit: Audit) -> None:
        """The deeper side of the core, by hand: what must have happened is counted in the engine's events."""
        self.say(f"a market day on {SYMBOL}: auction, iceberg, stop, halt and bust")
        desks = {}
        for institution in institutions:
            record = institution.record()
            numbers = record["next_out"], record["next_in"]
            desks[institution.name] = Desk(self.config, institution.name, PASSWORDS[institution.name], *numbers)
        day = MarketDay(self.config, desks["ALPHA"], desks["BRAVO"], self._venuectl)
        day.run()
        published = read_counters(counters_path(self.config.paths.run_dir, "engine")).values["published_sequence"]
        self.until(audit, lambda: audit.sequence >= published, CATCH_UP_TIMEOUT_S, "the events of the market day")
        self._by_hand = {name: desk.fills for name, desk in desks.items()}
        self._busted = day.busted
        happened = {name: audit.counts[name] for name in MARKET_DAY}
        self.outcome.differences += [f"market day: no {name}" for name, count in happened.items() if not count]
        self.outcome.facts["market day"] = happened

    def _venuectl(self, *arguments: str) -> str:
        """What an operator would type; VenueError when it is refused."""
        said, refused = io.StringIO(), io.StringIO()
        with redirect_stdout(said), redirect_stderr(refused):
            try:
                venuectl.main(["--cfg", str(self.venue.cfg_dir), *arguments], standalone_mode=False)
            except SystemExit as error:
                if error.code:
                    raise VenueError(f"venuectl {' '.join(arguments)}: {refused.getvalue().strip()}") from error
        for line in said.getvalue().splitlines():
            self.say(f"  venuectl {' '.join(arguments[:3])}: {line}")
        return said.getvalue()

    def _compare_books(self, subscriber: subprocess.Popen[bytes], out: Path, through: Path, audit: Audit) -> None:
        """The subscriber's books against the engine's own, order by order, after the same event."""
        self.say("comparing the subscriber's books with the engine's")
        through.write_text(str(audit.last_public_event))
        subscriber.terminate()
        try:
            subscriber.wait(30)
        except subprocess.TimeoutExpired:
            subscriber.kill()
        if not out.exists():
            raise VenueError(f"the subscriber left no books:\n{log_tail(self.venue.log_dir / 'subscriber.log')}")
        report = orjson.loads(out.read_bytes())
        if not report["reached"] or report["crossed"]:
            self.outcome.differences.append(f"subscriber: reached={report['reached']} crossed={report['crossed']}")
        core = state_at(self.config).core
        compared = 0
        for instrument in self.config.instruments:
            engine_book = [
                [side, o.price_ticks, o.displayed_lots, audit.public_ids.get(o.order_id, o.order_id)]
                for side in (Side.BUY, Side.SELL)
                for o in core.book(instrument.id, side)
            ]
            feed_book = report["books"].get(instrument.symbol, [])
            compared += len(engine_book)
            if sorted(feed_book) != sorted(engine_book):
                self.outcome.differences.append(f"{instrument.symbol}: feed {feed_book} engine {engine_book}")
        self.outcome.facts |= {"feed transactions": report["transactions"], "resting orders compared": compared}

    def _compare_records(self, institutions: list[Institution], audit: Audit) -> None:
        """Each institution's own record against the engine: every request answered once, position from its fills =
        engine balance.
        """
        self.say("comparing the institutions' own records with the engine's balances")
        requests: Counter[str] = Counter()
        for institution in institutions:
            record = institution.record()
            requests.update(record["requests"])
            for problem in ("unanswered", "answered_twice", "problems"):
                if record[problem]:
                    self.outcome.differences.append(f"{institution.name} {problem}: {record[problem][:5]}")
            if institution.process.returncode != 0:
                self.outcome.differences.append(f"{institution.name} ended with {institution.process.returncode}")
            by_hand = self._by_hand[institution.name]
            self._compare_position(institution, [*record["fills"].values(), *by_hand.values()], audit)
        self.outcome.facts["requests"] = dict(requests)
        self.outcome.facts["new orders"] = sum(
            requests[k] for k in requests if k not in ("cancel", "replace", "status")
        )
        self.outcome.facts["reconnects"] = sum(i.record()["reconnects"] for i in institutions)

    def _compare_position(self, institution: Institution, fills: Any, audit: Audit) -> None:
        expected = {self.config.asset(s).id: w * 10 ** self.config.asset(s).decimals for s, w in DEPOSIT_WHOLE.items()}
        for symbol, side, quantity, price, fee, _clordid in fills:
            instrument = self.config.instrument(symbol)
            base, quote = instrument.base_asset, instrument.quote_asset
            sign = 1 if side == "1" else -1
            expected[base.id] += sign * _units(Decimal(quantity), base.decimals)
            expected[quote.id] -= sign * _units(Decimal(quantity) * Decimal(price), quote.decimals)
            expected[quote.id] -= _units(Decimal(fee), quote.decimals)
        for asset, units in expected.items():
            engine = audit.balances[institution.account, asset]
            if engine != units:
                self.outcome.differences.append(
                    f"{institution.name} asset {asset}: {units} by its own fills, {engine} by the engine"
                )

    def _await_finality(self, audit: Audit) -> None:
        self.say(f"waiting until {len(audit.trades):,} trades are final on chain")
        self.until(audit, lambda: not audit.unsettled_trades, FINALITY_TIMEOUT_S, "finality of every trade")

    def _reconcile(self) -> None:
        """What an operator would run; it waits until nothing is on its way."""
        self.say("reconciling engine, ledger and vault")
        command = [sys.executable, "-m", "settlement.reconcile", "--cfg", str(self.venue.cfg_dir)]
        result = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
        self.outcome.reconciliation = result.stdout + result.stderr
        if result.returncode != 0:
            self.outcome.differences.append(f"reconciliation: exit code {result.returncode}, see the table")

    def _trace(self, institutions: list[Institution]) -> None:
        clordid = next((i.record()["traced"] for i in institutions if i.record()["traced"]), None)
        if clordid is None:
            self.outcome.differences.append("no order was filled: nothing to trace")
            return
        life = tracing.trace(self.config, clordid)
        self.outcome.trace = life.as_text()
        self.outcome.differences += [f"trace of {clordid} lacks {hop}" for hop in life.missing]
        seen = {hop.name for hop in tracing.trace(self.config, self._busted).hops}
        lacking = {"triggered", "trade", "final", "busted", "bust final"} - seen
        self.outcome.differences += [f"trace of {self._busted} lacks {hop}" for hop in sorted(lacking)]


def _has_reported(gateway: Path, sequence: int) -> bool:
    """Whether the gateway has handed the reports of all events up to `sequence` to its sessions."""
    return read_counters(gateway).values["event_sequence"] >= sequence


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _units(amount: Decimal, decimals: int) -> int:
    """Whole units; a client's arithmetic must be exact too."""
    scaled = amount.scaleb(decimals)
    assert scaled == scaled.to_integral_value(), f"{amount} is finer than 10^-{decimals}"
    return int(scaled)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the whole venue once, for real, and compare everyone's accounts.")
    parser.add_argument("--orders", type=int, default=600, help="new orders of each institution")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dir", type=Path, default=ROOT / "var" / "demo", help="emptied first; kept afterwards")
    options = parser.parse_args()
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:5.1f} s] {text}", flush=True)

    try:
        with LocalVenue(fresh(options.dir), Ports.free(), say, EDITS, BLOCK_TIME_S) as venue:
            outcome = Demo(venue, options.orders, options.seed, say).run()
    except VenueError as error:
        print(f"\nFAILED: {error}", file=sys.stderr)
        return 1
    print(f"\n{outcome.reconciliation}\n{outcome.trace}\n")
    for name, fact in outcome.facts.items():
        print(f"  {name:26} {fact}")
    if outcome.differences:
        print("\nDIFFERENCES:\n  " + "\n  ".join(outcome.differences))
        return 1
    print("\nEvery party agrees: clients' records = engine = feed = ledger = chain.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
