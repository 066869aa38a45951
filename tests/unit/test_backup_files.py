"""Which files of a running venue go into a backup, and in which order they are copied."""

from __future__ import annotations

from pathlib import Path

from cfg.load import load
from cfg.model import Paths, VenueConfig
from ops.backup import store_files

ROOT = Path(__file__).resolve().parents[2]
STORE = "fixgw/store/FIX.4.4-VENUE-ALPHA"


def venue_with(state_dir: Path, *names: str, key: str = "") -> VenueConfig:
    """The shipped configuration with these files in its state_dir, one of which may be the operator's key."""
    for name in names:
        path = state_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    config = load(ROOT / "cfg")
    settlement = config.settlement.model_copy(update={"operator_key_file": str(state_dir / key) if key else ""})
    paths = Paths(state_dir=state_dir, run_dir=state_dir / "run")
    return config.model_copy(update={"paths": paths, "settlement": settlement})


def names_of(config: VenueConfig) -> list[str]:
    """What is copied, below state_dir, in its order."""
    return [str(path.relative_to(config.paths.state_dir)) for path in store_files(config)]


def test_a_message_is_copied_as_counted_only_with_its_text_and_its_verdict(tmp_path: Path) -> None:
    """A gateway that goes on writes verdict, text, index, numbers, log: they are copied the other way round."""
    verdicts = ("fixgw/forwarded", "fixgw/refused")
    texts = (f"{STORE}.seqnums", f"{STORE}.header", f"{STORE}.body")
    config = venue_with(tmp_path, *verdicts, *texts, "fixgw/delivered-1")
    assert names_of(config) == ["fixgw/delivered-1", *texts, *verdicts]


def test_neither_journals_nor_the_database_nor_the_operators_key_are_among_them(tmp_path: Path) -> None:
    """Journals and ledger are copied by steps of their own; the key never is, wherever it lies."""
    config = venue_with(
        tmp_path,
        *("engine/journal/1.vj", "engine/events/1.ve", "postgres/data/PG_VERSION", "settlement/database_url"),
        *("settlement/signer", "mdfeed/state"),
        key="settlement/signer",
    )
    assert names_of(config) == ["mdfeed/state"]
