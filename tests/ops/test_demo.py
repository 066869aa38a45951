"""make demo, in this process and with few orders: every party agrees; and it says so when one does not.

Each tampered run changes what one party knows, nothing in the venue: a demo that cannot fail would prove nothing.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from engine.wire.messages import Trade
from ops import demo
from ops.audit import Audit
from ops.demo import BLOCK_TIME_S, EDITS, Demo, Outcome
from ops.local import LocalVenue, Ports

ORDERS = 60
Meddle = Callable[[Demo, Audit], None]


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path (those of sockets are limited), removed at the end."""
    path = Path(tempfile.mkdtemp(prefix="venue-demo-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


def run(directory: Path, meddle: Meddle | None = None) -> Outcome:
    """One whole demo."""
    with LocalVenue(directory, Ports.free(), print, EDITS, BLOCK_TIME_S) as venue:
        return Demo(venue, ORDERS, seed=3, say=print).run(meddle)


def test_every_party_agrees(directory: Path) -> None:
    """Clients' records, engine, feed, ledger and chain are equal; trades were made, settled and one order traced."""
    outcome = run(directory)
    assert outcome.differences == []
    trades, batches = outcome.facts["trades"], outcome.facts["batches final"]
    assert isinstance(trades, int) and trades > ORDERS // 4
    assert isinstance(batches, int) and batches > 0
    assert outcome.facts["new orders"] == 2 * ORDERS + mistakes(directory)
    assert outcome.facts["checkpoints equal"], "the engine's checkpoints were compared"
    assert "final" in outcome.trace


def mistakes(directory: Path) -> int:
    """New orders beyond those asked for: the deliberate mistakes of both institutions."""
    requests = [orjson.loads((directory / f"{name}.json").read_bytes())["requests"] for name in ("ALPHA", "BRAVO")]
    ours = ("limit", "market", "ioc", "fok", "cancel", "replace", "status")
    return sum(count for each in requests for kind, count in each.items() if kind not in ours)


def test_a_demo_with_tampered_records_fails(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost fill, a wrong fee account, an order missing from the feed's books: each is named in the differences."""

    def wrong_fee_account(_demo: Demo, audit: Audit) -> None:
        audit.fee_account += 1

    read = demo.Institution.record

    def without_a_fill(institution: demo.Institution) -> dict[str, object]:
        record = read(institution)
        if institution.name == "ALPHA":
            record["fills"].popitem()
        return record

    compare = Demo._compare_books

    def without_an_order(self: Demo, subscriber: object, out: Path, through: Path, audit: Audit) -> None:
        subscriber.terminate()  # type: ignore[attr-defined]
        through.write_text(str(audit.last_public_event))
        subscriber.wait(30)  # type: ignore[attr-defined]
        report = orjson.loads(out.read_bytes())
        next(book for book in report["books"].values() if book).pop()
        out.write_bytes(orjson.dumps(report))
        compare(self, subscriber, out, through, audit)  # type: ignore[arg-type]

    monkeypatch.setattr(demo.Institution, "record", without_a_fill)
    monkeypatch.setattr(Demo, "_compare_books", without_an_order)
    differences = "\n".join(run(directory, wrong_fee_account).differences)
    assert "checkpoint" in differences
    assert "ALPHA asset" in differences
    assert "BRAVO asset" not in differences
    assert "feed [" in differences


def test_an_engine_event_that_the_audit_did_not_get_is_named(directory: Path) -> None:
    """An audit that misses one trade between the two contradicts the checkpoint and both institutions."""
    dropped: list[int] = []

    def drop_a_trade(_demo: Demo, audit: Audit) -> None:
        add = audit._add_trade

        def lossy(trade: Trade) -> None:
            if dropped or trade.maker_account == trade.taker_account:
                add(trade)
            else:
                dropped.append(trade.sequence)

        audit._add_trade = lossy  # type: ignore[method-assign]

    differences = "\n".join(run(directory, drop_a_trade).differences)
    assert dropped
    for party in ("checkpoint", "ALPHA asset", "BRAVO asset"):
        assert party in differences
