"""What the readers of a journal believe to be durable, and what they show of it while it grows."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfg.load import load
from cfg.model import Paths, VenueConfig
from engine.inspect import CommandTail, commands, durable_sequence, end_of_command, journal_directory, prove_segment
from engine.journal import CommandJournal, Damaged
from tests.unit.test_journal import Writer, store, three_batches

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def config(tmp_path: Path) -> VenueConfig:
    """The shipped configuration with an empty journal below tmp_path, and no engine running."""
    venue = load(ROOT / "cfg").model_copy(update={"paths": Paths(state_dir=tmp_path, run_dir=tmp_path / "run")})
    journal_directory(venue).mkdir(parents=True)
    return venue


def shown(config: VenueConfig, first: int = 1, last: int = 0) -> list[int]:
    """Sequences of the commands that a reader is given."""
    return [record.sequence for record in commands(config, first, last)]


def test_only_what_a_commit_calls_durable_is_shown(config: VenueConfig) -> None:
    """Command 5 is whole in the file, but nothing says that it was synced."""
    store(journal_directory(config), three_batches().data)
    assert durable_sequence(config) == 4
    assert shown(config) == [1, 2, 3, 4]
    assert shown(config, 2, 3) == [2, 3]
    assert shown(config, 3, 99) == [3, 4]
    assert shown(config, 5) == []


def test_the_watermark_is_found_in_an_earlier_segment(config: VenueConfig) -> None:
    """A segment that was begun and has no record yet says nothing; the one before it does."""
    writer = three_batches()
    writer.commit(5)
    store(journal_directory(config), writer.data)
    store(journal_directory(config), b"", first=6)
    assert durable_sequence(config) == 5
    assert shown(config) == [1, 2, 3, 4, 5]


def test_an_empty_journal_has_nothing_durable(config: VenueConfig) -> None:
    """Neither before the first segment nor before its first record."""
    assert durable_sequence(config) == 0
    store(journal_directory(config), b"")
    assert durable_sequence(config) == 0
    assert shown(config) == []


def test_damage_below_the_watermark_is_never_read_past(config: VenueConfig) -> None:
    """In the newest segment it is seen at once, in an earlier one when the walk comes to it."""
    writer = three_batches()
    writer.commit(5)
    whole = writer.data
    directory = journal_directory(config)
    first = store(directory, whole)
    hit = [record.offset for record in CommandJournal(directory) if record.offset <= 150][-1]
    spoiled = bytearray(whole)
    spoiled[150] ^= 1
    store(directory, bytes(spoiled))
    with pytest.raises(Damaged) as caught:
        durable_sequence(config)
    assert (caught.value.path, caught.value.offset) == (first, hit)
    writer.data = b""
    writer.segment()
    writer.commit(5)
    writer.command()
    writer.commit(6)
    store(directory, writer.data, first=6)
    assert durable_sequence(config) == 6
    with pytest.raises(Damaged):
        shown(config)


def test_a_tail_gives_each_command_once_it_is_durable(config: VenueConfig) -> None:
    """Not when it is written but when a later COMMIT covers it, across segments, and each once."""
    directory = journal_directory(config)
    writer = Writer()
    writer.segment()
    writer.commit(0)
    writer.command()
    path = store(directory, writer.data)
    tail = CommandTail(config, 1)
    assert list(tail.poll()) == []
    seen = []
    for _ in range(3):
        at = len(writer.data)
        writer.commit(writer.sequence)
        writer.command()
        append(path, at, writer.data[at:])
        seen += [record.sequence for record in tail.poll()]
    assert seen == [1, 2, 3]
    writer.data = b""
    writer.segment()
    writer.commit(4)
    writer.command()
    store(directory, writer.data, first=5)
    assert [record.sequence for record in tail.poll()] == [4]
    assert tail.durable == 4


def append(path: Path, offset: int, data: bytes) -> None:
    """As the engine writes: into the zeros of a segment that readers may have mapped."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def test_a_half_written_record_is_waited_for(config: VenueConfig) -> None:
    """A tail that meets a record while it is written shows it when it is whole."""
    directory = journal_directory(config)
    writer = three_batches()
    path = store(directory, writer.data)
    tail = CommandTail(config, 1)
    assert [record.sequence for record in tail.poll()] == [1, 2, 3, 4]
    at = len(writer.data)
    writer.commit(5)
    append(path, at, writer.data[at:-5])
    assert list(tail.poll()) == []
    append(path, at, writer.data[at:])
    assert [record.sequence for record in tail.poll()] == [5]


def test_a_journal_can_be_cut_behind_any_command(config: VenueConfig) -> None:
    """What lies before the end of a command, with the COMMITs after it, is a whole journal that ends there."""
    writer = three_batches()
    path = store(journal_directory(config), writer.data)
    for command in range(1, 6):
        cut = path.with_name(f"{1:020d}.cut")
        cut.write_bytes(path.read_bytes()[: end_of_command(path, command)])
        proved = prove_segment(cut)
        assert (proved.first, proved.last, proved.end) == (1, command, cut.stat().st_size)


def test_a_segment_is_proved_to_follow_another(config: VenueConfig) -> None:
    """By sequence and chain: the same segment behind another past is Damaged."""
    directory = journal_directory(config)
    writer = three_batches()
    before = prove_segment(store(directory, writer.data))
    writer.data = b""
    writer.segment()
    writer.commit(5)
    writer.command()
    following = store(directory, writer.data, first=6)
    assert prove_segment(following, before).last == 6
    other = Writer()
    other.segment()
    other.commit(0)
    for _ in range(5):
        other.command()
    with pytest.raises(Damaged):
        prove_segment(following, prove_segment(store(directory, other.data)))
