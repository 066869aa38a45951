"""Reads the three TOML files of a directory into one VenueConfig, or raises one error that lists everything wrong.

Each table is validated by itself and each rule is tried on whatever is valid, so one broken key hides no other.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from cfg import rules
from cfg.model import (
    Account,
    Asset,
    Engine,
    FixGateway,
    Follower,
    Instrument,
    InstrumentTable,
    Log,
    MarketData,
    MarketMakerProtection,
    Participant,
    Paths,
    RiskLimit,
    Session,
    Settlement,
    Table,
    Venue,
    VenueConfig,
)
from cfg.rules import INSTRUMENTS_FILE, PARTICIPANTS_FILE, VENUE_FILE, Breach, Row

M = TypeVar("M", bound=Table)

TABLES: Mapping[str, frozenset[str]] = {
    VENUE_FILE: frozenset({"venue", "paths", "log", "engine", "follower", "fixgw", "mdfeed", "settlement"}),
    INSTRUMENTS_FILE: frozenset({"asset", "instrument"}),
    PARTICIPANTS_FILE: frozenset({"participant", "account", "session", "risk_limit", "market_maker_protection"}),
}


class ConfigError(Exception):
    """Everything wrong with a configuration, one `file: key: message` line each."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = list(errors)


class _Reader:
    """Collects valid tables and, for the others, every error."""

    def __init__(self, directory: Path) -> None:
        self.breaches: list[Breach] = []
        self._files = {file: self._parse(directory, file) for file in TABLES}

    def _parse(self, directory: Path, file: str) -> dict[str, Any] | None:
        try:
            text = (directory / file).read_text(encoding="utf-8")
            content = tomllib.loads(text)
        except OSError as error:
            self.breaches.append((file, "-", f"cannot be read: {error.strerror} ({directory / file})"))
        except UnicodeDecodeError as error:
            self.breaches.append((file, "-", f"is not UTF-8: {error.reason} at byte {error.start}"))
        except tomllib.TOMLDecodeError as error:
            self.breaches.append((file, "-", f"is not TOML: {error}"))
        else:
            for name in content.keys() - TABLES[file]:
                self.breaches.append((file, name, "there is no such table or key"))
            return content
        return None

    def _validate(self, model: type[M], file: str, key: str, value: object) -> M | None:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                message = str(detail["msg"]).removeprefix("Value error, ")
                self.breaches.append((file, _key(key, detail["loc"]), _shown(message, detail)))
            return None

    def table(self, file: str, name: str, model: type[M]) -> M | None:
        """The one table of that name; an absent table is one of defaults."""
        content = self._files[file]
        return None if content is None else self._validate(model, file, name, content.get(name, {}))

    def _array(self, file: str, name: str) -> list[object]:
        content = self._files[file]
        value = [] if content is None else content.get(name, [])
        return value if isinstance(value, list) else []

    def rows(self, file: str, name: str, model: type[M]) -> list[Row[M]]:
        """The valid tables of an array; an array without any is an error."""
        if self._files[file] is not None and not self._array(file, name):
            self.breaches.append((file, name, f"at least one [[{name}]] is needed"))
        return self.optional_rows(file, name, model)

    def optional_rows(self, file: str, name: str, model: type[M]) -> list[Row[M]]:
        """The valid tables of an array that may be absent; what is no array of tables is an error."""
        content = self._files[file]
        if content is not None and not isinstance(content.get(name, []), list):
            self.breaches.append((file, name, f"is written as [[{name}]]"))
        array = self._array(file, name)
        found = []
        for index, value in enumerate(array):
            table = self._validate(model, file, f"{name}[{index}]", value)
            if table is not None:
                found.append(Row(f"{name}[{index}]", table))
        return found

    def declared(self, file: str, name: str, field: str) -> set[object]:
        """What an array calls its rows, broken rows included, so that a broken row is not also reported as unknown."""
        values = [row.get(field) for row in self._array(file, name) if isinstance(row, dict)]
        return {value for value in values if isinstance(value, str | int)}

    def complete(self, file: str, name: str, rows: Sequence[Row[M]]) -> bool:
        """Whether every row of the array was valid, so that an absence in `rows` is an absence in the file."""
        return self._files[file] is not None and len(rows) == len(self._array(file, name))

    def readable(self, file: str) -> bool:
        """Whether the file parsed, so that a name missing from it is truly missing."""
        return self._files[file] is not None


def _key(table: str, location: tuple[int | str, ...]) -> str:
    return table + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)


def _shown(message: str, detail: Mapping[str, Any]) -> str:
    """The message with the offending value, except where there is none or where it may be a secret."""
    secret = bool({"password_hash", "database_url"} & set(detail["loc"]))
    if detail["type"] == "missing":
        return "is missing"
    if detail["type"] == "extra_forbidden":
        return "there is no such key"
    if secret or isinstance(detail["input"], dict | list):
        return message
    return f"{message} (got {detail['input']!r})"


def load(directory: Path) -> VenueConfig:
    """The configuration in `directory`; ConfigError lists all that is wrong.

    Relative paths in venue.toml are relative to the directory that holds it, whatever the working directory.
    """
    directory = directory.resolve()
    reader = _Reader(directory)
    venue = reader.table(VENUE_FILE, "venue", Venue)
    paths = reader.table(VENUE_FILE, "paths", Paths)
    log = reader.table(VENUE_FILE, "log", Log)
    engine = reader.table(VENUE_FILE, "engine", Engine)
    follower = reader.table(VENUE_FILE, "follower", Follower)
    fixgw = reader.table(VENUE_FILE, "fixgw", FixGateway)
    mdfeed = reader.table(VENUE_FILE, "mdfeed", MarketData)
    settlement = reader.table(VENUE_FILE, "settlement", Settlement)
    assets = reader.rows(INSTRUMENTS_FILE, "asset", Asset)
    listed = reader.rows(INSTRUMENTS_FILE, "instrument", InstrumentTable)
    participants = reader.rows(PARTICIPANTS_FILE, "participant", Participant)
    accounts = reader.rows(PARTICIPANTS_FILE, "account", Account)
    sessions = reader.rows(PARTICIPANTS_FILE, "session", Session)
    risk_limits = reader.optional_rows(PARTICIPANTS_FILE, "risk_limit", RiskLimit)
    protections = reader.optional_rows(PARTICIPANTS_FILE, "market_maker_protection", MarketMakerProtection)

    if paths is not None:
        paths = Paths(
            state_dir=_below(directory, paths.state_dir),
            run_dir=_below(directory, paths.run_dir),
            archive_dir=str(_below(directory, Path(paths.archive_dir))) if paths.archive_dir else "",
        )
        reader.breaches += rules.run_directory(paths.run_dir)
        reader.breaches += rules.archive_directory(paths)
    if settlement is not None and settlement.operator_key_file:
        key_file = _below(directory, Path(settlement.operator_key_file))
        settlement = settlement.model_copy(update={"operator_key_file": str(key_file)})
    if mdfeed is not None:
        reader.breaches += rules.feed_endpoints(mdfeed)
    if engine is not None and follower is not None:
        reader.breaches += rules.follower_cpu(engine, follower)
    if engine is not None:
        reader.breaches += rules.pools(engine, assets, listed, participants, accounts, sessions)
    if settlement is not None:
        reader.breaches += rules.batches(settlement, listed, assets)
    reader.breaches += _instrument_breaches(reader, assets, listed)
    reader.breaches += _participant_breaches(reader, participants, accounts, sessions)
    reader.breaches += _pair_breaches(reader, risk_limits, protections)
    reader.breaches += rules.risk_limits(risk_limits, listed, assets)

    if reader.breaches:
        order = list(TABLES)
        reader.breaches.sort(key=lambda breach: order.index(breach[0]))
        raise ConfigError([f"{file}: {key}: {message}" for file, key, message in reader.breaches])
    assert venue and paths and log and engine and follower, "a table was lost without an error"
    assert fixgw and mdfeed and settlement, "a table was lost without an error"
    by_symbol = {row.table.symbol: row.table for row in assets}
    return VenueConfig(
        venue=venue,
        paths=paths,
        log=log,
        engine=engine,
        follower=follower,
        fixgw=fixgw,
        mdfeed=mdfeed,
        settlement=settlement,
        assets=tuple(row.table for row in assets),
        instruments=tuple(_listed(row.table, by_symbol) for row in listed),
        participants=tuple(row.table for row in participants),
        accounts=tuple(row.table for row in accounts),
        sessions=tuple(row.table for row in sessions),
        risk_limits=tuple(row.table for row in risk_limits),
        protections=tuple(row.table for row in protections),
    )


def _below(directory: Path, path: Path) -> Path:
    return (directory / path).resolve()


def _listed(table: InstrumentTable, by_symbol: Mapping[str, Asset]) -> Instrument:
    fields = {name: getattr(table, name) for name in InstrumentTable.model_fields}
    return Instrument.model_construct(**fields, base_asset=by_symbol[table.base], quote_asset=by_symbol[table.quote])


def _instrument_breaches(
    reader: _Reader, assets: Sequence[Row[Asset]], listed: Sequence[Row[InstrumentTable]]
) -> Iterator[Breach]:
    yield from rules.unique(INSTRUMENTS_FILE, "id", assets, lambda asset: asset.id)
    yield from rules.unique(INSTRUMENTS_FILE, "symbol", assets, lambda asset: asset.symbol)
    yield from rules.unique(INSTRUMENTS_FILE, "token_address", assets, lambda asset: asset.token_address.lower())
    yield from rules.unique(INSTRUMENTS_FILE, "id", listed, lambda instrument: instrument.id)
    yield from rules.unique(INSTRUMENTS_FILE, "symbol", listed, lambda instrument: instrument.symbol)
    yield from rules.listings(listed, assets, reader.declared(INSTRUMENTS_FILE, "asset", "symbol"))


def _participant_breaches(
    reader: _Reader,
    participants: Sequence[Row[Participant]],
    accounts: Sequence[Row[Account]],
    sessions: Sequence[Row[Session]],
) -> Iterator[Breach]:
    if not reader.readable(PARTICIPANTS_FILE):
        return
    participant_ids = reader.declared(PARTICIPANTS_FILE, "participant", "id")
    account_ids = reader.declared(PARTICIPANTS_FILE, "account", "id")
    yield from rules.participants(participants)
    yield from rules.unique(PARTICIPANTS_FILE, "id", accounts, lambda account: account.id)
    yield from rules.account_bindings(accounts)
    yield from rules.accounts(accounts, participant_ids, reader.complete(PARTICIPANTS_FILE, "account", accounts))
    yield from rules.unique(PARTICIPANTS_FILE, "id", sessions, lambda session: session.id)
    yield from rules.unique(PARTICIPANTS_FILE, "comp_id", sessions, lambda session: session.comp_id)
    yield from rules.sessions(sessions, accounts, account_ids, participant_ids)


def _pair_breaches(
    reader: _Reader, risk_limits: Sequence[Row[RiskLimit]], protections: Sequence[Row[MarketMakerProtection]]
) -> Iterator[Breach]:
    if not reader.readable(INSTRUMENTS_FILE):
        return
    accounts = reader.declared(PARTICIPANTS_FILE, "account", "id")
    instruments = reader.declared(INSTRUMENTS_FILE, "instrument", "symbol")
    yield from rules.pairs(risk_limits, accounts, instruments)
    yield from rules.pairs(protections, accounts, instruments)
    yield from rules.protections(protections)
