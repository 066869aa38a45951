"""A configuration is accepted whole or refused with everything that is wrong, named by file and key."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cfg.explain import documented_keys
from cfg.load import ConfigError, load
from cfg.model import (
    Account,
    Asset,
    Engine,
    FeeTier,
    FixGateway,
    Follower,
    InstrumentTable,
    Log,
    MarketData,
    MarketMakerProtection,
    Participant,
    Paths,
    RiskLimit,
    ScheduleEntry,
    Session,
    Settlement,
    Table,
    TickBand,
    Venue,
)

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "cfg"
FILES = ("venue.toml", "instruments.toml", "participants.toml")


@pytest.fixture
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shipped configuration that a test may break, in a directory short enough for sockets below it."""
    copy = tmp_path_factory.mktemp("v") / "cfg"
    copy.mkdir()
    for file in FILES:
        shutil.copy(SHIPPED / file, copy / file)
    return copy


def edit(directory: Path, file: str, old: str, new: str) -> None:
    """Replace the first `old` of a file; a test that replaces nothing would prove nothing."""
    text = (directory / file).read_text()
    assert old in text, f"{file} has no {old!r}"
    (directory / file).write_text(text.replace(old, new, 1))


def errors_of(directory: Path) -> list[str]:
    """What the loader reports about a directory that it must refuse."""
    with pytest.raises(ConfigError) as refused:
        load(directory)
    return refused.value.errors


def check(directory: Path) -> subprocess.CompletedProcess[str]:
    """Run `python -m cfg check` as an operator would."""
    command = [sys.executable, "-m", "cfg", "check", str(directory)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_the_shipped_configuration_loads_with_exact_derived_units() -> None:
    """The shipped files are valid as they stand, and ticks, lots and units come out whole."""
    config = load(SHIPPED)
    ethereum, bitcoin = config.instrument("ETH-USD"), config.instrument("BTC-USD")
    assert (ethereum.tick_units, ethereum.lot_units) == (1, 10_000)
    assert (bitcoin.tick_units, bitcoin.lot_units) == (1, 1_000)
    assert (ethereum.price_min_ticks, ethereum.price_max_ticks) == (1, 10_000_000)
    assert ethereum.quantity_max_lots == 100_000_000
    assert ethereum.notional_max_units == 10_000_000 * 10**6
    assert config.asset("ETH").token_scale == 10**10
    assert config.fee_account.name == "VENUE-FEE"
    assert config.suspense_account.name == "SUSPENSE"


def test_the_follower_stays_off_the_hot_cpu(directory: Path) -> None:
    """A follower pinned to the matching thread's CPU would share its core: refused by file and key."""
    edit(directory, "venue.toml", "hot_cpu = -1", "hot_cpu = 1")
    edit(directory, "venue.toml", "[follower]\n", "[follower]\ncpu = 1\n")
    edit(directory, "venue.toml", "\ncpu = -1\n", "\n")
    assert errors_of(directory) == ["venue.toml: follower.cpu: must differ from engine.hot_cpu (got 1)"]


def test_relative_paths_are_relative_to_the_directory_of_the_files(directory: Path) -> None:
    """Whoever starts a daemon from wherever gets the same directories."""
    config = load(directory)
    assert config.paths.run_dir == directory.parent / "var" / "run"
    assert config.paths.state_dir == directory.parent / "var" / "state"


def test_everything_wrong_is_reported_at_once(directory: Path) -> None:
    """Broken types, ranges, unknown keys, references and sums in all three files come out at once, by file and key."""
    edit(directory, "venue.toml", "spin_us = 30", "spin_us = 51")
    edit(directory, "venue.toml", 'durability = "sync"', 'durability = "later"')
    edit(directory, "venue.toml", "port = 9878", 'port = "9878"\nports = 3')
    edit(directory, "instruments.toml", 'base = "ETH"', 'base = "DOGE"')
    edit(directory, "instruments.toml", 'tick_size = "0.1"', 'tick_size = "0.03"')
    edit(directory, "instruments.toml", "taker_fee_ppm = 500", "taker_fee_ppm = 1000000")
    edit(directory, "participants.toml", "accounts = [11]", "accounts = [21, 77]")
    edit(directory, "participants.toml", 'comp_id = "BRAVO"', 'comp_id = "ALPHA"')
    found = "\n".join(errors_of(directory))
    for start in (
        "venue.toml: engine.spin_us: ",
        "venue.toml: engine.durability: ",
        "venue.toml: fixgw.port: ",
        "venue.toml: fixgw.ports: there is no such key",
        "instruments.toml: instrument[0].taker_fee_ppm: ",
        "instruments.toml: instrument[1].price_max: must be a multiple of tick_size",
        "participants.toml: session[0].accounts: account 21 belongs to participant 2, not 1",
        "participants.toml: session[0].accounts: there is no [[account]] with id 77",
        "participants.toml: session[1].comp_id: 'ALPHA' is already used by session[0]",
    ):
        assert re.search(rf"^{re.escape(start)}", found, re.MULTILINE), f"{start!r} is not among:\n{found}"


def test_check_prints_every_error_and_exits_2(directory: Path) -> None:
    """The command line shows all errors on stderr, nothing on stdout, and exits 2; a good one shows its sha256."""
    good = check(directory)
    assert good.returncode == 0
    assert re.fullmatch(r"[0-9a-f]{64}\n", good.stdout)
    edit(directory, "venue.toml", "spin_us = 30", "spin_us = 3")
    (directory / "instruments.toml").write_text("[[asset]\n")
    (directory / "participants.toml").unlink()
    bad = check(directory)
    assert bad.returncode == 2
    assert bad.stdout == ""
    assert [line.split(": ")[:2] for line in bad.stderr.splitlines()] == [
        ["venue.toml", "engine.spin_us"],
        ["instruments.toml", "-"],
        ["participants.toml", "-"],
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "error"),
    [
        ("venue.toml", "[engine]", "[motor]", "venue.toml: motor: there is no such table or key"),
        ("venue.toml", 'id = "VENUE"', 'id = "A VENUE"', "venue.toml: venue.id: "),
        ("venue.toml", "hot_cpu = -1\n", "hot_cpu = 2\n", ""),
        ("venue.toml", "housekeeping_cpu = -1", "housekeeping_cpu = -2", "venue.toml: engine.housekeeping_cpu: "),
        ("venue.toml", '"../var/run"', f'"/{"r" * 75}"', "venue.toml: paths.run_dir: "),
        (
            "venue.toml",
            'snapshot = "tcp://127.0.0.1:9901"',
            'snapshot = "tcp://127.0.0.1:9900"',
            "venue.toml: mdfeed.snapshot: ",
        ),
        (
            "venue.toml",
            'snapshot = "tcp://127.0.0.1:9901"',
            'snapshot = "tcp://127.0.0.1:99010"',
            "venue.toml: mdfeed.snapshot: ",
        ),
        (
            "venue.toml",
            "max_fills_per_command = 256",
            "max_fills_per_command = 337",
            "venue.toml: engine: max_events_per_part must be at least 1027",
        ),
        (
            "venue.toml",
            "max_open_orders_per_account = 0",
            "max_open_orders_per_account = 262145",
            "venue.toml: engine: max_open_orders_per_account is greater than max_orders",
        ),
        (
            "venue.toml",
            "max_bustable_trades = 65536",
            "max_bustable_trades = 0",
            "venue.toml: engine.max_bustable_trades: ",
        ),
        (
            "participants.toml",
            "id = 9",
            "id = 4096",
            "participants.toml: participant[2].id: 4096 must be less than engine.max_accounts",
        ),
        (
            "participants.toml",
            'stp_mode = "none"',
            'stp_mode = "decrement"',
            "participants.toml: account[0]: stp_mode has no effect without an stp_key",
        ),
        ("participants.toml", "fee_tier = 0", "fee_tier = 8", "participants.toml: account[0].fee_tier: "),
        (
            "venue.toml",
            "batch_max_notional = 0",
            "batch_max_notional = 7",
            "instruments.toml: instrument[0].notional_max",
        ),
        ("venue.toml", "max_accounts = 4096", "max_accounts = 21", "participants.toml: account[1].id: 21 must be less"),
        ("instruments.toml", "decimals = 6", "decimals = 10", "instruments.toml: asset[0].decimals: "),
        ("instruments.toml", "token_decimals = 18", "token_decimals = 7", "instruments.toml: asset[1]: token_decimals"),
        ("instruments.toml", "id = 3", "id = 2", "instruments.toml: asset[2].id: 2 is already used by asset[1]"),
        ("instruments.toml", 'tick_size = "0.01"', "tick_size = 0.01", "instruments.toml: instrument[0].tick_size: "),
        ("instruments.toml", 'tick_size = "0.01"', 'tick_size = "0"', "instruments.toml: instrument[0].tick_size: "),
        (
            "instruments.toml",
            'lot_size = "0.0001"',
            'lot_size = "0.00001"',
            "instruments.toml: instrument[0].tick_size: ",
        ),
        (
            "instruments.toml",
            'quantity_max = "10000"',
            'quantity_max = "100000000"',
            "instruments.toml: instrument[0].quantity_max: price_max x quantity_max with its fee overflows int64",
        ),
        (
            "instruments.toml",
            '"100000000000000"',
            '"10000000000000"',
            "instruments.toml: instrument[0].notional_max: with its fee must be less than USD's batch_gross_limit",
        ),
        (
            "instruments.toml",
            "maker_fee_ppm = 200",
            "maker_fee_ppm = -501",
            "instruments.toml: instrument[0].maker_fee_ppm: the greatest rebate (501) is more than the lowest",
        ),
        ("instruments.toml", "maker_fee_ppm = 200", "maker_fee_ppm = -500", ""),
        (
            "instruments.toml",
            'price_max = "100000.00"',
            'price_max = "167772.16"',
            "instruments.toml: instrument[0].price_max: is more than 16777215 ticks",
        ),
        (
            "venue.toml",
            'archive_dir = ""',
            'archive_dir = "../var/state/archive"',
            "venue.toml: paths.archive_dir: ",
        ),
        (
            "instruments.toml",
            'quantity_min = "0"',
            'quantity_min = "0.00015"',
            "instruments.toml: instrument[0].quantity_min: must be a multiple of lot_size",
        ),
        (
            "instruments.toml",
            'notional_min = "0"',
            'notional_min = "10000001"',
            "instruments.toml: instrument[0].notional_min: is greater than notional_max",
        ),
        (
            "instruments.toml",
            'initial_phase = "continuous"',
            'initial_phase = "volatility-auction"',
            "instruments.toml: instrument[0].initial_phase: ",
        ),
        ("participants.toml", "participant = 1", "participant = 3", "participants.toml: account[0].participant: "),
        (
            "participants.toml",
            'kind = "fee"',
            'kind = "client"',
            "participants.toml: account: exactly one account of kind",
        ),
        (
            "participants.toml",
            "id = 21",
            "id = 11",
            "participants.toml: account[1].id: 11 is already used by account[0]",
        ),
        (
            "participants.toml",
            "accounts = [11]",
            "accounts = [1]",
            "participants.toml: session[0].accounts: account 1 ",
        ),
        ("participants.toml", "$argon2id$", "$argon2i$", "participants.toml: session[0].password_hash: "),
        (
            "participants.toml",
            'comp_id = "ALPHA"',
            f'comp_id = "{"A" * 33}"',
            "participants.toml: session[0].comp_id: ",
        ),
    ],
)
def test_each_rule_is_reported_under_its_file_and_key(
    directory: Path, file: str, old: str, new: str, error: str
) -> None:
    """One broken value gives an error that starts with its file and key; a legal change gives none."""
    edit(directory, file, old, new)
    if not error:
        load(directory)
        return
    found = errors_of(directory)
    assert [line for line in found if line.startswith(error)], found


#: One right row of each table that belongs to an instrument, and of each for an account in an instrument.
OF_AN_INSTRUMENT = """[[instrument.tick_band]]
from_price = "5000.00"
tick = "0.5"
lot = "0.001"
[[instrument.fee_tier]]
tier = 1
maker_fee_ppm = -200
taker_fee_ppm = 300
[[instrument.schedule]]
time = "08:00:00"
phase = "opening-auction"
"""
OF_A_PAIR = """[[risk_limit]]
account = 11
instrument = "ETH-USD"
max_order_quantity = "10"
[[market_maker_protection]]
account = 11
instrument = "ETH-USD"
max_fills = 20
window_ms = 1000
"""


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        (OF_AN_INSTRUMENT, ""),
        (OF_AN_INSTRUMENT.replace('"5000.00"', '"5000.005"'), "tick_band[0].from_price: must be a multiple of tick"),
        (OF_AN_INSTRUMENT.replace('"0.5"', '"0.015"'), "tick_band[0].tick: must be a multiple of tick_size"),
        (OF_AN_INSTRUMENT.replace('"0.001"', '"10000.1"'), "tick_band[0].lot: is greater than quantity_max"),
        (OF_AN_INSTRUMENT.replace("tier = 1", "tier = 0"), "fee_tier[0].tier: "),
        (OF_AN_INSTRUMENT.replace("= -200", "= -301"), "maker_fee_ppm: the greatest rebate (301) is more than"),
        (OF_AN_INSTRUMENT.replace("= -200", "= 301"), "fee_tier[0].maker_fee_ppm: is greater than taker_fee_ppm"),
        (OF_AN_INSTRUMENT.replace('"08:00:00"', '"24:00:00"'), "schedule[0].time: a time of day in quotes"),
        (OF_AN_INSTRUMENT.replace('"opening-auction"', '"lunch"'), "schedule[0].phase: "),
        (2 * OF_AN_INSTRUMENT, "tick_band[1].from_price: 5000.00 is already used by tick_band[0]"),
        (2 * OF_AN_INSTRUMENT, "fee_tier[1].tier: 1 is already used by instrument[1].fee_tier[0]"),
        (2 * OF_AN_INSTRUMENT, "schedule[1].time: 08:00:00 is already used by schedule[0]"),
        (9 * OF_AN_INSTRUMENT, "schedule: Tuple should have at most 8 items"),
    ],
)
def test_tables_of_an_instrument_are_proved_with_it(directory: Path, rows: str, error: str) -> None:
    """Steps are whole, rows are told apart, and a rebate of any tier is covered by the lowest taker fee."""
    path = directory / "instruments.toml"
    path.write_text(path.read_text() + rows)
    if not error:
        instrument = load(directory).instruments[-1]
        assert instrument.ticks(instrument.tick_band[0].from_price) == 50_000
        assert instrument.schedule[0].second_of_day == 8 * 3_600
        return
    start = f"instruments.toml: instrument[1].{error}"
    assert [line for line in errors_of(directory) if line.startswith(start)], errors_of(directory)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("account = 11", "account = 11", ""),
        ("account = 11", "account = 12", "risk_limit[0].account: there is no [[account]] with id 12"),
        ('"ETH-USD"', '"DOGE-USD"', "risk_limit[0].instrument: there is no [[instrument]] with symbol 'DOGE-USD'"),
        ('max_order_quantity = "10"', "", "risk_limit[0]: limits nothing"),
        ('= "10"', '= "0.00005"', "risk_limit[0].max_order_quantity: must be a multiple of lot_size of ETH-USD"),
        ("max_order_quantity", "max_order_size", "risk_limit[0].max_order_size: there is no such key"),
        ("max_fills = 20", "max_fills = 65", "market_maker_protection[0].max_fills: "),
        (
            "[[market_maker_protection]]",
            f"{OF_A_PAIR}[[market_maker_protection]]",
            "risk_limit[1]: account 11 and 'ETH-USD' already have risk_limit[",
        ),
    ],
)
def test_tables_of_a_pair_name_an_account_and_an_instrument(directory: Path, old: str, new: str, error: str) -> None:
    """Risk limits and protections refer to what there is, in whole lots, once for each pair."""
    path = directory / "participants.toml"
    path.write_text(path.read_text() + OF_A_PAIR.replace(old, new, 1))
    if not error:
        config = load(directory)
        assert config.risk_limits[0].max_order_quantity == 10
        assert config.protections[0].window_ms == 1_000
        return
    assert [line for line in errors_of(directory) if line.startswith(f"participants.toml: {error}")], errors_of(
        directory
    )


def test_an_account_or_address_is_bound_only_once(directory: Path) -> None:
    """One address for two accounts is refused whatever its letters' case, and so is one account with two addresses."""
    text = (directory / "participants.toml").read_text()
    first, second = "0x" + "aB" * 20, "0x" + "AB" * 20
    text = text.replace('chain_address = ""', f'chain_address = "{first}"', 1)
    text = text.replace('chain_address = ""', f'chain_address = "{second}"', 1)
    (directory / "participants.toml").write_text(text)
    assert [line.partition(": ")[2].partition(":")[0] for line in errors_of(directory)] == ["account[1].chain_address"]
    edit(directory, "participants.toml", "id = 21", "id = 11")
    edit(directory, "participants.toml", second, "0x" + "cd" * 20)
    assert any("account 11 is bound to two addresses" in line for line in errors_of(directory))


def test_a_broken_row_is_not_also_reported_as_unknown(directory: Path) -> None:
    """A reference to a row that has an error of its own leads to that one error only."""
    edit(directory, "instruments.toml", "token_decimals = 6", "token_decimals = 5")
    assert len(errors_of(directory)) == 1


def test_secrets_are_not_shown_in_errors(directory: Path) -> None:
    """A rejected password hash or database URL is named but not printed."""
    edit(directory, "participants.toml", 'password_hash = "$argon2id$v=19', 'password_hash = "hunter2$v=19')
    edit(directory, "venue.toml", 'database_url = ""', "database_url = 31337007")
    found = "\n".join(errors_of(directory))
    assert "password_hash" in found and "database_url" in found
    assert "hunter2" not in found and "31337007" not in found


def test_the_digest_names_the_venue_and_not_the_host(directory: Path) -> None:
    """sha256 is the same for the same values in another directory, and another for another value."""
    digest = load(SHIPPED).sha256
    assert load(directory).sha256 == digest
    edit(directory, "venue.toml", "spin_us = 30", "spin_us = 31")
    assert load(directory).sha256 != digest


def test_every_key_is_documented_and_ships_with_its_default() -> None:
    """Each key of the model has a comment in the shipped files, and a key with a default is shipped at it."""
    config = load(SHIPPED)
    entries = documented_keys()
    tables: dict[str, type[Table]] = {
        "venue": Venue,
        "paths": Paths,
        "log": Log,
        "engine": Engine,
        "follower": Follower,
        "fixgw": FixGateway,
        "mdfeed": MarketData,
        "settlement": Settlement,
        "asset": Asset,
        "instrument": InstrumentTable,
        "instrument.tick_band": TickBand,
        "instrument.fee_tier": FeeTier,
        "instrument.schedule": ScheduleEntry,
        "participant": Participant,
        "account": Account,
        "session": Session,
        "risk_limit": RiskLimit,
        "market_maker_protection": MarketMakerProtection,
    }
    keys = {f"{name}.{field}" for name, model in tables.items() for field in model.model_fields} - tables.keys()
    assert entries.keys() == keys
    assert [key for key, entry in entries.items() if "\n" not in entry] == []
    for name in ("log", "engine", "fixgw", "mdfeed", "settlement"):
        table = getattr(config, name)
        assert table == type(table)(), f"[{name}] is not shipped at its defaults"


def test_explain_prints_the_comment_of_a_key_and_refuses_an_unknown_one() -> None:
    """`python -m cfg explain` answers from the shipped files; an unknown key exits 2."""
    command = [sys.executable, "-m", "cfg", "explain"]
    known = subprocess.run(
        [*command, "engine.spin_us"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    assert "microseconds" in known.stdout
    unknown = subprocess.run([*command, "spin"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "spin" in unknown.stderr
