"""The C core alone, in processor time: by its own C benchmark, and from Python beside the reference book.

Both implementations get the same commands in the same order; events are built by both and read by nobody.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from engine.book import Capacity, ReferenceCore, Verdict
from engine.core import Core
from engine.wire.messages import (
    AccountKind,
    AccountSet,
    AssetSet,
    Credit,
    InstrumentSet,
    LimitsSet,
    NewOrder,
    OrderType,
    Role,
    SessionAttach,
    SessionSet,
    Side,
    TimeInForce,
)
from tests.perf.report import ROOT, machine, publish, row

REPETITIONS = 5
COMMANDS = 3_000
MIDDLE_TICKS, AWAY_TICKS = 50_000, 200
CAPACITY = Capacity(orders=8_192, price_pages=512, clordids=16_384, accounts=8, assets=4, instruments=4, sessions=4)
ABOUT = (
    "Processor time per command, check and apply together. core in C: tests/native/bench_core.c, half resting orders, "
    "a quarter cancels, a quarter orders that trade. core from Python: two thirds resting orders, one third that "
    "trade, each command through cffi; baseline: engine/book.py with the same commands. Excluded: transport, journal, "
    "publishing."
)


def set_up() -> list[tuple[Role, bytes]]:
    """Reference data, one funded account and its session."""
    return [
        (Role.INTERNAL, LimitsSet(8_192, 512, 8_192, 16_384, 256, 1_024).encode()),
        (Role.INTERNAL, AssetSet(asset=1, decimals=8, symbol=b"BASE").encode()),
        (Role.INTERNAL, AssetSet(asset=2, decimals=6, symbol=b"QUOTE").encode()),
        (
            Role.INTERNAL,
            InstrumentSet(
                instrument=1,
                base=1,
                quote=2,
                tick_units=1,
                lot_units=1,
                price_min_ticks=1,
                price_max_ticks=1_000_000,
                quantity_max_lots=1_000_000,
                notional_max_units=1 << 50,
                protection_ticks=100,
                maker_fee_ppm=100,
                taker_fee_ppm=300,
                tick_mantissa=1,
                lot_mantissa=1,
                tick_exponent=0,
                lot_exponent=0,
                symbol=b"BASE-QUOTE",
            ).encode(),
        ),
        (Role.INTERNAL, AccountSet(account=1, participant=1, kind=AccountKind.FEE, enabled=1, name=b"fees").encode()),
        (Role.INTERNAL, AccountSet(account=2, participant=1, kind=AccountKind.CLIENT, enabled=1, name=b"c").encode()),
        (Role.INTERNAL, SessionSet(session=1, participant=1, enabled=1, comp_id=b"S").encode()),
        (Role.GATEWAY, SessionAttach(session=1, gateway=1, gateway_instance=1, token=1, reset=0).encode()),
        (Role.SETTLEMENT, Credit(2, 1, 1 << 60, 1, 1, bytes(32)).encode()),
        (Role.SETTLEMENT, Credit(2, 2, 1 << 60, 2, 1, bytes(32)).encode()),
    ]


def orders(seed: int) -> list[tuple[Role, bytes]]:
    """Two orders that rest away from the middle, then one that trades through it; random sides and prices."""
    dice = Random(seed)
    made = []
    for number in range(1, COMMANDS + 1):
        trades = number % 3 == 0
        side = dice.choice((Side.BUY, Side.SELL))
        away = AWAY_TICKS if trades else -dice.randint(1, AWAY_TICKS)
        message = NewOrder(
            session=1,
            session_epoch=1,
            generation=1,
            gateway=1,
            client_seq=number,
            prev_client_seq=number - 1,
            price_ticks=MIDDLE_TICKS + (away if side == Side.BUY else -away),
            quantity_lots=15 if trades else 10,
            account=2,
            instrument=1,
            side=side,
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL if trades else TimeInForce.DAY,
            poss_resend=0,
            clordid=str(number).encode(),
            received_ns=0,
            echo=b"",
        )
        made.append((Role.GATEWAY, message.encode()))
    return made


def nanoseconds_per_command(make: Callable[[Capacity], Core | ReferenceCore], seed: int) -> tuple[float, int]:
    """Processor time of one fresh core per order, and its state hash at the end."""
    core = make(CAPACITY)
    sequence = 0
    for role, message in set_up():
        sequence += 1
        assert core.check(role, message).verdict == Verdict.APPLY
        core.apply(sequence, 1, sequence, message)
    commands = orders(seed)
    begun_ns = time.thread_time_ns()
    for role, message in commands:
        sequence += 1
        core.check(role, message)
        core.apply(sequence, 1, sequence, message)
    return (time.thread_time_ns() - begun_ns) / len(commands), core.state_hash()


def native() -> float:
    """What tests/native/bench_core.c says, in nanoseconds per command."""
    command = [
        "make",
        "--no-print-directory",
        "-C",
        str(ROOT / "tests" / "native"),
        "bench",
        f"PYTHON={sys.executable}",
    ]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+) ns per command", output)
    assert found, output
    return float(found[1])


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        facts = machine(Path(name))
    in_c, from_python, reference = [], [], []
    for seed in range(REPETITIONS):
        in_c.append(native())
        ours, our_hash = nanoseconds_per_command(Core, seed)
        theirs, their_hash = nanoseconds_per_command(ReferenceCore, seed)
        assert our_hash == their_hash, "both did the same"
        from_python.append(ours)
        reference.append(theirs)
    rows = [
        row("core in C", "processor time", "ns/command", in_c),
        row("core from Python", "processor time", "ns/command", from_python, reference),
    ]
    publish("core", ABOUT, facts, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
