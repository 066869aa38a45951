"""venuectl journal and replay on a real engine's files: found, followed, proved, and what to do about damage."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from engine._native import lib

from engine.journal import EVENT_SUFFIX, segments
from engine.wire.frame import ENTRY_HEADER
from engine.wire.messages import OrderAccepted, Side, Trade
from ops import venuectl
from tests.fixtures.fix_engine import (
    ALPHA,
    ALPHA_ACCOUNT,
    BRAVO,
    BRAVO_ACCOUNT,
    ETH,
    ROOT,
    USD,
    EngineClient,
    EngineDaemon,
    wait_for,
)


def ctl(engine: EngineDaemon, *arguments: str) -> Result:
    """Runs one command as an operator would."""
    result = CliRunner().invoke(venuectl.main, ["--cfg", str(engine.cfg_dir), *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def good(engine: EngineDaemon, *arguments: str) -> list[str]:
    """The output of a command that must succeed."""
    result = ctl(engine, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def damaged(engine: EngineDaemon, *arguments: str) -> str:
    """What a command says that must find damage: exit code 1."""
    result = ctl(engine, *arguments)
    assert result.exit_code == 1, result.output
    return result.stderr


@pytest.fixture
def traded(
    make_engine: Callable[..., EngineDaemon], engine_client: Callable[..., EngineClient]
) -> tuple[EngineDaemon, list[object]]:
    """An engine where BRAVO took three lots of ALPHA's five, and every event it gave."""
    engine = make_engine()
    alpha, bravo = engine_client(engine, "alpha", ALPHA), engine_client(engine, "bravo", BRAVO)
    alpha.credit(ALPHA_ACCOUNT, USD, 10**12, 1)
    alpha.credit(BRAVO_ACCOUNT, ETH, 10**12, 2)
    for client in (alpha, bravo):
        client.attach()
    alpha.send(alpha.gateway, [alpha.order(Side.BUY, 200_000, 5)])
    alpha.poll_until(lambda: any(isinstance(event, OrderAccepted) for event in alpha.decoded()), "the order")
    bravo.send(bravo.gateway, [bravo.order(Side.SELL, 200_000, 3, account=BRAVO_ACCOUNT)])
    alpha.poll_until(lambda: any(isinstance(event, Trade) for event in alpha.decoded()), "the trade")
    return engine, list(alpha.decoded())


def one(events: list[object], kind: type[OrderAccepted] | type[Trade], session: int = ALPHA) -> OrderAccepted | Trade:
    """The one event of this kind, of that session."""
    (found,) = [e for e in events if isinstance(e, kind) and (isinstance(e, Trade) or e.session == session)]
    return found


def test_grep_finds_by_every_field(traded: tuple[EngineDaemon, list[object]]) -> None:
    """Session, ClOrdID, OrderID, account, instrument, template and time; each command before its events."""
    engine, events = traded
    order = one(events, OrderAccepted)
    assert isinstance(order, OrderAccepted)

    def kinds(*arguments: str) -> list[str]:
        lines = good(engine, "journal", "grep", *arguments)
        return [line.split(" epoch 1 ")[1].replace("GATEWAY ", "").split()[0] for line in lines]

    assert kinds("--clordid", "1-1") == ["NewOrder", "OrderAccepted"]
    assert kinds("--order-id", str(order.order_id)) == ["OrderAccepted", "Trade"]
    assert kinds("--session", "ALPHA", "--template", "neworder") == ["NewOrder"]
    assert kinds("--session", "1", "--account", "ALPHA-1", "--no-commands") == ["OrderAccepted", "Trade"]
    assert kinds("--account", "BRAVO-1", "--no-events", "--instrument", "ETH-USD", "--session", "BRAVO") == ["NewOrder"]
    assert kinds("--account", "21", "--template", "Trade") == ["Trade"]
    early, late = "2000-01-01T00:00:00", "2100-01-01T00:00:00+00:00"
    assert kinds("--since", early, "--until", late, "--clordid", "1-1") == ["NewOrder", "OrderAccepted"]
    for outside in (("--until", early), ("--since", late)):
        result = ctl(engine, "journal", "grep", "--clordid", "1-1", *outside)
        assert (result.exit_code, result.output) == (1, "")


def test_print_gives_the_range_that_was_asked_for(traded: tuple[EngineDaemon, list[object]]) -> None:
    """One line per record, by sequence, with names for ids and enums."""
    engine, events = traded
    trade = one(events, Trade)
    (line,) = good(engine, "journal", "print", "--events", "--from", str(trade.sequence), "--to", str(trade.sequence))
    assert line.startswith(f"event {trade.sequence} of command {trade.command_sequence} ")
    assert " Trade " in line and " instrument=1(ETH-USD) " in line and " taker_side=SELL " in line
    assert " maker_account=11(ALPHA-1) " in line and " taker_account=21(BRAVO-1) " in line
    lines = good(engine, "journal", "print", "--from", "2", "--to", "4")
    assert [line.split()[1] for line in lines] == ["2", "3", "4"]
    assert len(good(engine, "journal", "print")) >= trade.command_sequence


@pytest.mark.parametrize("events", [(), ("--events",)], ids=["commands", "events"])
def test_follow_shows_what_becomes_durable_until_it_is_interrupted(
    traded: tuple[EngineDaemon, list[object]],
    engine_client: Callable[..., EngineClient],
    tmp_path: Path,
    events: tuple[str, ...],
) -> None:
    """A credit that comes later appears, once; Ctrl-C ends it with exit code 0."""
    engine, _ = traded
    out = tmp_path / "out"
    command = [sys.executable, "-u", "-m", "ops.venuectl", "--cfg", str(engine.cfg_dir), "journal", "follow"]
    before = (len(good(engine, "journal", "print", *events)), str(len(good(engine, "journal", "print", *events)) + 1))
    with out.open("wb") as file:
        process = subprocess.Popen([*command, "--from", before[1], *events], cwd=ROOT, stdout=file, stderr=file)
    client = engine_client(engine, "later")
    client.credit(ALPHA_ACCOUNT, USD, 777, 3)
    wait_for(lambda: b"amount_units=777 " in out.read_bytes(), "the credit")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    lines = out.read_text().splitlines()
    assert sum("amount_units=777 " in line for line in lines) == 1
    assert lines[0].split()[1] == before[1]


def test_a_replay_compares_state_hashes_and_events(traded: tuple[EngineDaemon, list[object]]) -> None:
    """Beside the running engine up to any command; after its stop the journaled hash is among those compared."""
    engine, events = traded
    trade = one(events, Trade)
    (said,) = good(engine, "replay", "--to", str(trade.command_sequence), "--verify")
    assert said.startswith("replayed from the first command to command ")
    assert f"{trade.sequence} events as stored; event {trade.sequence} hash " in said
    assert engine.stop() == 0
    (said,) = good(engine, "replay", "--verify")
    assert ": 1 state hashes equal, " in said


def spoil(path: Path, offset: int) -> None:
    """One bit is another."""
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def test_damage_is_named_with_its_place_and_what_to_do(
    traded: tuple[EngineDaemon, list[object]], tmp_path: Path
) -> None:
    """A command below the watermark: exit code 1; verbs that would read it refuse; a whole copy heals it."""
    engine, _ = traded
    assert engine.stop() == 0
    (path,) = segments(engine.journal_dir)
    shutil.copy(path, tmp_path)
    spoil(path, 400)
    said = damaged(engine, "journal", "verify")
    assert said.startswith(f"DAMAGED {path}: offset ")
    assert "What to do: stop the engine" in said and "venuectl restore" in said
    for verb in (("state-hash",), ("replay",), ("journal", "print"), ("backup", str(tmp_path / "backup"))):
        assert "the journal is damaged" in damaged(engine, *verb)
    assert not list((tmp_path / "backup").iterdir()), "a backup that failed leaves nothing"
    shutil.copy(tmp_path / path.name, path)
    assert "stopped cleanly" in good(engine, "journal", "verify")[0]


def test_a_torn_tail_is_no_damage(traded: tuple[EngineDaemon, list[object]]) -> None:
    """Bytes that were never durable: exit code 0, with the place, and the engine starts."""
    engine, _ = traded
    engine.kill9()
    (path,) = segments(engine.journal_dir)
    data = path.read_bytes()
    end = len(data.rstrip(b"\0")) + 64
    end -= end % 8
    with path.open("r+b") as file:
        file.seek(end)
        file.write(b"torn")
    lines = good(engine, "journal", "verify")
    assert f"torn tail at {path} offset " in lines[0] and "nothing to do" in lines[0]
    engine.start()
    assert "torn" not in good(engine, "journal", "verify")[0]


def test_damaged_events_are_written_again_as_the_advice_says(traded: tuple[EngineDaemon, list[object]]) -> None:
    """The file is named; deleted, the engine makes it anew and all is whole."""
    engine, _ = traded
    assert engine.stop() == 0
    (path,) = segments(engine.events_dir, EVENT_SUFFIX)
    spoil(path, 100)
    said = damaged(engine, "journal", "verify", "--events")
    assert said.startswith(f"DAMAGED {path}: offset ")
    assert f"Stop the engine, delete {path.name} and all later files in {path.parent}" in said
    for left in engine.events_dir.iterdir():
        left.unlink()
    engine.start()
    assert "every one whole" in good(engine, "journal", "verify", "--events")[0]


def test_an_event_that_is_whole_but_another_one_is_found(traded: tuple[EngineDaemon, list[object]]) -> None:
    """Its checksum agrees, the commands do not lead to it: replay --verify names it."""
    engine, events = traded
    trade = one(events, Trade)
    assert engine.stop() == 0
    (path,) = segments(engine.events_dir, EVENT_SUFFIX)
    index = path.with_suffix(".idx").read_bytes()
    data = bytearray(path.read_bytes())
    offset = int.from_bytes(index[8 * (trade.sequence - 1) : 8 * trade.sequence], "little")
    size, _checksum = ENTRY_HEADER.unpack_from(data, offset)
    message = data[offset + 8 : offset + 8 + size]
    message[-1] ^= 1
    data[offset : offset + 8 + size] = ENTRY_HEADER.pack(size, lib.crc32c(0, bytes(message), size)) + message
    path.write_bytes(data)
    assert "every one whole" in good(engine, "journal", "verify", "--events")[0]
    assert f"gives another event {trade.sequence} than the one stored in {path}" in damaged(
        engine, "replay", "--verify"
    )
    assert good(engine, "replay"), "without --verify the events are not looked at"
