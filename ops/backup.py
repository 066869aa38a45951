"""venuectl backup and restore: the whole venue in plain files, consistent though it was running, and a venue from them.

The ledger is copied first, then what gateway and feed know, then the events, and the command journal last, up to a
durable command that is not before any of them. So nobody in the copy knows of a command that the copy lacks. The backup
counts once its manifest is there: it is written last, after the copied journal was replayed.
"""

from __future__ import annotations

import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

import cfg
from cfg.model import Paths, VenueConfig
from engine import inspect
from engine.journal import RULES_VERSION, CommandJournal, Damaged, OtherRules, segments
from engine.retrace import RetraceError, State, state_at
from ops.archive import retention_lock
from ops.failure import fail
from ops.files import copy_durably, make_private, sha256_of, sync_directory
from ops.journal import command_of, last_event, readable
from settlement import backup as ledger_backup
from settlement.backup import LedgerCopy, Table
from settlement.database import LedgerError

MANIFEST = "manifest.json"
FORMAT = 1
DURABLE_TIMEOUT_S = 30.0
POLL_S = 0.02
#: Below state_dir, and copied by steps of their own.
ENGINE, LEDGER_SERVER = "engine", "postgres"
#: Made anew by whoever needs them.
LEFT_OUT_NAMES = frozenset({"database_url", "retention.lock", "quickfix.cfg"})
LEFT_OUT_SUFFIXES = frozenset({".tmp", ".new", ".lock"})
#: What a follower leaves for an operator to look at.
DIVERGED = "diverged-"
#: Of a gateway that runs on while it is copied, these first, in this order; its verdicts (`forwarded`, `refused`) after
#: them. So a copied store may only hold more than the copied delivery log says, a message is counted only when its text
#: is there, and counted as received only when what became of it is there.
GATEWAY_ORDER = ("delivered-*", "*.seqnums", "*.header", "*.body")
NOT_INCLUDED = ("the operator's key", "the password of a database that cfg does not name", "archived segments")


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.pass_context
def backup(context: click.Context, directory: Path) -> None:
    """Copy the venue, running or not, into DIRECTORY, which must be empty: journals, snapshots, message stores, feed
    state, ledger, cfg, and a manifest with the SHA-256 of every file.

    The operator's key is not in it. cfg is, with its password hashes: files are readable by their owner alone.
    """
    config: VenueConfig = context.obj
    target = directory.absolute()
    if target.resolve().is_relative_to(config.paths.state_dir.resolve()):
        fail(f"{target} is within state_dir: what is lost with it is no backup")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        fail(f"{target} is not empty")
    with readable(config), retention_lock(config, alone=False), _all_or_nothing(target):
        manifest = _Backup(config, target, context.find_root().params["directory"]).run()
    click.echo(
        f"backup of {manifest['venue']} up to command {manifest['command']}, event {manifest['event']}, "
        f"hash {manifest['state_hash']}: {len(manifest['files'])} files in {target}"
    )
    click.echo(f"not in it: {', '.join(NOT_INCLUDED)}")


@contextmanager
def _all_or_nothing(target: Path) -> Iterator[None]:
    """Empties the directory again when the backup fails."""
    try:
        yield
    except BaseException:
        for path in target.iterdir() if target.exists() else ():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise


class _Backup:
    """One backup on its way."""

    def __init__(self, config: VenueConfig, target: Path, cfg_directory: Path) -> None:
        self._config = config
        self._source = config.paths.state_dir
        self._target = target
        self._cfg_directory = cfg_directory
        self._files: dict[str, dict[str, object]] = {}

    def run(self) -> dict[str, Any]:
        """Everything, in the order that makes it consistent; returns the manifest."""
        make_private(self._target)
        ledger = self._copy_ledger()
        for path in sorted(self._cfg_directory.glob("*.toml")):
            self._copy(path, f"cfg/{path.name}")
        for path in store_files(self._config):
            self._copy_if_there(path, f"state/{path.relative_to(self._source)}")
        command = self._copy_events()
        durable = self._copy_commands(command)
        state = self._replayed(durable)
        if ledger is not None and ledger.sequence > state.event_sequence:
            fail(f"the ledger knows event {ledger.sequence}, the journal ends at {state.event_sequence}")
        manifest = self._manifest(state, ledger)
        unfinished = self._target / f"{MANIFEST}.tmp"
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        for directory in sorted({path.parent for path in self._target.rglob("*")}):
            sync_directory(directory)
        unfinished.rename(self._target / MANIFEST)
        sync_directory(self._target)
        return manifest

    def _copy_ledger(self) -> LedgerCopy | None:
        directory = self._target / "ledger"
        make_private(directory)
        try:
            with ledger_backup.serving(self._config) as url:
                copy = None if url is None else ledger_backup.dump(url, directory)
        except LedgerError as error:
            fail(str(error))
        for path in sorted(directory.iterdir()):
            self._note(path, sha256_of(path))
        return copy

    def _copy_events(self) -> int:
        """The stored events; returns the command that the last of them follows from."""
        paths = inspect.event_segments(self._config)
        if not paths:
            return 0
        last = last_event(self._config)
        for path in paths[:-1]:
            for part in (path, path.with_suffix(".idx")):
                self._copy(part, f"state/{part.relative_to(self._source)}")
        first = int(paths[-1].stem)
        if last < first:
            return 0
        place = inspect.events(self._config).place(last)
        message = inspect.event(self._config, last)
        if place is None or message is None:
            fail(f"event {last} cannot be read: `venuectl journal verify` says what to do")
        end = place[1] + 8 + len(message) + -len(message) % 8
        self._copy(paths[-1], f"state/{paths[-1].relative_to(self._source)}", end)
        index = paths[-1].with_suffix(".idx")
        self._copy(index, f"state/{index.relative_to(self._source)}", 8 * (last - first + 1))
        return command_of(message)

    def _copy_commands(self, command: int) -> int:
        """The command journal up to its durable end, once that covers `command`; returns that end."""
        deadline = time.monotonic() + DURABLE_TIMEOUT_S
        while (durable := inspect.durable_sequence(self._config)) < command:
            if time.monotonic() > deadline:
                fail(
                    f"events of command {command} are out, but the journal is durable to {durable} only: with "
                    'durability = "none" the venue must be stopped cleanly before a backup'
                )
            time.sleep(POLL_S)
        for path in segments(inspect.journal_directory(self._config)):
            if int(path.stem) > durable + 1:
                break
            if end := inspect.end_of_command(path, durable):
                self._copy(path, f"state/{path.relative_to(self._source)}", end)
        return durable

    def _replayed(self, durable: int) -> State:
        """The state that the copy leads to: it is proved before it is called a backup."""
        return state_at(_below(self._config, self._target / "state"), command=durable, known_durable=durable)

    def _copy_if_there(self, path: Path, name: str) -> None:
        """A file that its owner has replaced or removed meanwhile is not missed."""
        try:
            self._copy(path, name)
        except FileNotFoundError:
            (self._target / name).unlink(missing_ok=True)

    def _copy(self, path: Path, name: str, size: int | None = None) -> None:
        target = self._target / name
        make_private(target.parent)
        self._note(target, copy_durably(path, target, size))

    def _note(self, path: Path, sha256: str) -> None:
        self._files[str(path.relative_to(self._target))] = {"size": path.stat().st_size, "sha256": sha256}

    def _manifest(self, state: State, ledger: LedgerCopy | None) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "venue": self._config.venue.id,
            "version": cfg.__version__,
            "rules_version": RULES_VERSION,
            "cfg_sha256": self._config.sha256,
            "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "epoch": state.epoch,
            "command": state.command_sequence,
            "event": state.event_sequence,
            "time_ns": state.time_ns,
            "state_hash": f"{state.core.state_hash():032x}",
            "ledger": None if ledger is None else _ledger_as_json(ledger),
            "not_included": NOT_INCLUDED,
            "files": self._files,
        }


def _ledger_as_json(ledger: LedgerCopy) -> dict[str, object]:
    return {
        "event": ledger.sequence,
        "migrations": {str(number): sha256 for number, sha256 in ledger.migrations.items()},
        "tables": [table._asdict() for table in ledger.tables],
    }


def _ledger_of(manifest: dict[str, Any]) -> LedgerCopy | None:
    said = manifest["ledger"]
    if said is None:
        return None
    tables = tuple(Table(table["name"], tuple(table["columns"]), table["rows"]) for table in said["tables"])
    return LedgerCopy(said["event"], {int(number): sha for number, sha in said["migrations"].items()}, tables)


def store_files(config: VenueConfig) -> list[Path]:
    """What gateways, feed, settlement and snapshots keep, in the order to copy it in: every plain file but journals,
    database and the operator's key.
    """
    state_dir, key_file = config.paths.state_dir, Path(config.settlement.operator_key_file).resolve()
    found = []
    for path in sorted(state_dir.rglob("*")):
        parts = path.relative_to(state_dir).parts
        if parts[0] == LEDGER_SERVER or parts[:2] in ((ENGINE, "journal"), (ENGINE, "events")):
            continue
        if path.name in LEFT_OUT_NAMES or path.suffix in LEFT_OUT_SUFFIXES or path.name.startswith(DIVERGED):
            continue
        with suppress(FileNotFoundError):
            if stat.S_ISREG(path.lstat().st_mode) and path.resolve() != key_file:
                found.append(path)
    return sorted(found, key=_turn)


def _turn(path: Path) -> int:
    turns = (turn for turn, pattern in enumerate(GATEWAY_ORDER) if path.match(pattern))
    return next(turns, len(GATEWAY_ORDER))


def _below(config: VenueConfig, state_dir: Path) -> VenueConfig:
    """The same venue with its state in another place, and nothing running there."""
    return config.model_copy(update={"paths": Paths(state_dir=state_dir, run_dir=state_dir / "run")})


@click.command()
@click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--journal",
    "later",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="command segments that go on after the backup: an archive, or the journal directory of the lost host",
)
@click.pass_obj
def restore(config: VenueConfig, source: Path, later: Path | None) -> None:
    """Make the venue of a backup in the state_dir of --cfg, which must be empty, and its ledger.

    Nothing is put in place before every file is as the manifest says and the journal leads to the manifest's state.
    """
    manifest = _manifest_of(config, source)
    state_dir = config.paths.state_dir
    if state_dir.exists() and (not state_dir.is_dir() or any(state_dir.iterdir())):
        fail(f"{state_dir} is not empty: move it away, or restore with a cfg that names another state_dir")
    if state_dir.is_mount():
        fail(f"{state_dir} is a mount point: let state_dir be a directory below it")
    if inspect.engine_alive(config):
        fail(f"an engine runs below {config.paths.run_dir}: stop the venue first")
    staging = state_dir.with_name(f"{state_dir.name}.restoring")
    if staging.exists():
        fail(f"{staging} is left of a restore that was cut short: remove it")
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, staging, ignore_errors=True)
        state = _staged(config, source, manifest, staging, later)
        _restore_ledger(config, source, manifest, staging)
        _put_in_place(staging, state_dir)
    click.echo(
        f"restored {manifest['venue']} to command {state.command_sequence}, event {state.event_sequence}, "
        f"hash {state.core.state_hash():032x}, as of the backup of {manifest['taken_at']}"
    )
    if state.command_sequence > manifest["command"]:
        click.echo(f"{state.command_sequence - manifest['command']} commands are from {later}")


def _manifest_of(config: VenueConfig, source: Path) -> dict[str, Any]:
    """The manifest, after every file it names was found to be as it says."""
    try:
        manifest: dict[str, Any] = orjson.loads((source / MANIFEST).read_bytes())
    except FileNotFoundError:
        fail(f"{source} is no complete backup: it has no {MANIFEST}")
    except orjson.JSONDecodeError as error:
        fail(f"{source / MANIFEST} is damaged: {error}")
    if manifest.get("format") != FORMAT:
        fail(f"{source} has format {manifest.get('format')}, this program reads {FORMAT}")
    if manifest["venue"] != config.venue.id:
        fail(f"{source} is of venue {manifest['venue']}, cfg is of {config.venue.id}")
    if manifest["rules_version"] != RULES_VERSION:
        fail(
            f"{source} was taken under rules_version {manifest['rules_version']}, this program has {RULES_VERSION}: "
            "restore with the release that took it"
        )
    for name, said in manifest["files"].items():
        path = source / name
        if not path.is_file():
            fail(f"{path} is missing")
        if path.stat().st_size != said["size"] or sha256_of(path) != said["sha256"]:
            fail(f"{path} is not what was backed up")
    return manifest


def _staged(config: VenueConfig, source: Path, manifest: dict[str, Any], staging: Path, later: Path | None) -> State:
    """The files in their order below `staging`, and the state that they were proved to lead to."""
    for name in manifest["files"]:
        place, _, below = name.partition("/")
        if place == "state":
            make_private((staging / below).parent)
            copy_durably(source / name, staging / below)
    make_private(staging)
    staged = _below(config, staging)
    last = int(manifest["command"])
    try:
        state = state_at(staged, command=last, known_durable=last)
        if f"{state.core.state_hash():032x}" != manifest["state_hash"]:
            fail(f"the journal of {source} leads to another state than its manifest says")
        if later is not None:
            last = _extended(staged, later, last)
            state = state_at(staged, command=last, known_durable=last)
    except (Damaged, OtherRules, RetraceError) as error:
        fail(str(error))
    for directory in sorted({path.parent for path in staging.rglob("*")}):
        sync_directory(directory)
    return state


def _extended(staged: VenueConfig, later: Path, last: int) -> int:
    """Adds the segments that go on after command `last`, proved as one chain with those there; the new last command."""
    journal = inspect.journal_directory(staged)
    ours = segments(journal)
    end = ours[-1] if ours else None
    for path in segments(later):
        if end is not None and path.name < end.name:
            continue
        if end is not None and path.name == end.name:
            if not _goes_on(path, end):
                fail(f"{path} does not go on where the backup ends: it is of another history")
            end.unlink()
        copy_durably(path, journal / path.name)
    walk = CommandJournal(journal, first=last)
    for _ in walk:
        continue
    if walk.sequence < last:
        fail(f"the segments of {later} end at command {walk.sequence}, before the backup's {last}")
    return walk.sequence


def _goes_on(path: Path, begin: Path) -> bool:
    """Whether a file begins with all that another one holds."""
    size = begin.stat().st_size
    if path.stat().st_size < size:
        return False
    with path.open("rb") as longer, begin.open("rb") as shorter:
        while data := shorter.read(1 << 20):
            if longer.read(len(data)) != data:
                return False
    return True


def _restore_ledger(config: VenueConfig, source: Path, manifest: dict[str, Any], staging: Path) -> None:
    ledger = _ledger_of(manifest)
    if ledger is None:
        return
    try:
        with ledger_backup.new_server(config, staging) as url:
            ledger_backup.load(url, source / "ledger", ledger)
    except LedgerError as error:
        fail(str(error))


def _put_in_place(staging: Path, state_dir: Path) -> None:
    """One rename: the venue is there as a whole or not at all."""
    try:
        staging.rename(state_dir)  # over an empty directory, if there is one
    except OSError as error:
        fail(f"cannot put {state_dir} in place: {error}")
    sync_directory(state_dir.parent)
