"""The verbs of venuectl that change the venue: each one journaled command with operator and reason, and its verdict.

What the configuration shows to be wrong is refused here, before anything is sent; the engine judges the rest.
"""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import wraps
from typing import Any, NoReturn

import click

from cfg.constants import INT64_MAX
from cfg.model import Account, Asset, Instrument, VenueConfig
from engine import inspect
from engine.wire.client import template_of
from engine.wire.messages import (
    AnyMessage,
    AuctionUncrossed,
    CommandRefused,
    DayEnded,
    EndOfDay,
    KillScope,
    KillSwitchChanged,
    KillSwitchSet,
    MarketMakerProtectionChanged,
    MarketMakerProtectionReset,
    MassCanceled,
    OperatorCancel,
    Phase,
    PhaseCause,
    PhaseChanged,
    PhaseSet,
    Reason,
    ReferencePriceChanged,
    ReferencePriceSet,
    Side,
    TradeBust,
    TradeBusted,
    TradingState,
    TradingStateChanged,
    TradingStateSet,
    Transfer,
    Transferred,
)
from ops.admin import send_admin
from ops.failure import fail
from settlement.database import NoLedger
from settlement.transfers import Terms, position, terms_of

OPERATOR_BYTES_MAX, REASON_BYTES_MAX = 16, 48
DAYS_AHEAD_MAX = timedelta(days=7)  # a mistyped year would block every day until then
#: A volatility auction is a price band's to begin.
PHASES = {p.name.lower().replace("_", "-"): p for p in Phase if p is not Phase.VOLATILITY_AUCTION}


def journaled(verb: Callable[..., None]) -> Callable[..., None]:
    """Adds --reason and --operator, which the verb gets as the bytes that are journaled."""

    @click.option("--reason", required=True, help=f"journaled with the command, at most {REASON_BYTES_MAX} bytes")
    @click.option("--operator", default=getpass.getuser, help="journaled with the command; default: your login name")
    @wraps(verb)
    def with_words(*arguments: Any, reason: str, operator: str, **options: Any) -> None:
        words = (("--reason", reason, REASON_BYTES_MAX), ("--operator", operator, OPERATOR_BYTES_MAX))
        said, who = (_journaled_text(*word) for word in words)
        verb(*arguments, reason=said, operator=who, **options)

    return with_words


def _journaled_text(option: str, text: str, bytes_max: int) -> bytes:
    """What was typed, as it is journaled; ends the program when it says nothing or does not fit."""
    if not text.isprintable() or not text.strip():
        fail(f"{option} must be text that can be read")
    typed = text.encode()
    if len(typed) > bytes_max:
        fail(f"{option} is longer than {bytes_max} bytes")
    return typed


@click.command()
@click.argument("state", type=click.Choice([s.name.lower().replace("_", "-") for s in TradingState]))
@click.option("--instrument", "symbol", help="one instrument; default: the whole venue")
@journaled
@click.pass_obj
def state(config: VenueConfig, state: str, symbol: str | None, reason: bytes, operator: bytes) -> None:
    """Set the trading state of the venue or one instrument."""
    instrument = 0 if symbol is None else _instrument(config, symbol).id
    value = TradingState[state.upper().replace("-", "_")]
    command = TradingStateSet(instrument, value, operator, reason)
    send_admin(
        config,
        command.encode(),
        lambda e: isinstance(e, TradingStateChanged) and e[5:] == command,
        _refusal_of(TradingStateSet.TEMPLATE_ID, instrument),
    )
    click.echo(f"{symbol or 'venue'} is {state}")


@click.command()
@click.argument("symbol")
@click.argument("phase", type=click.Choice(list(PHASES)))
@click.option(
    "--for", "seconds", type=click.IntRange(1, 86_400), help="of an auction: it ends by itself after so many seconds"
)
@journaled
@click.pass_obj
def phase(config: VenueConfig, symbol: str, phase: str, seconds: int | None, reason: bytes, operator: bytes) -> None:
    """Begin another market phase of SYMBOL; an auction that ends by it trades."""
    instrument = _instrument(config, symbol)
    value = PHASES[phase]
    if seconds is not None and not phase.endswith("-auction"):
        fail("--for is for auctions: no other phase ends by itself")
    end_ns = 0 if seconds is None else time.time_ns() + seconds * 10**9
    command = PhaseSet(instrument.id, value, end_ns, operator, reason)
    changes: list[PhaseChanged] = []

    def is_done(event: AnyMessage) -> bool:
        ours = (instrument.id, value, PhaseCause.OPERATOR, operator)
        if isinstance(event, PhaseChanged) and (event.instrument, event.phase, event.cause, event.operator) == ours:
            changes.append(event)
            return value is not Phase.CONTINUOUS
        return bool(changes) and isinstance(event, AuctionUncrossed) and event.instrument == instrument.id

    verdict = send_admin(config, command.encode(), is_done, _refusal_of(PhaseSet.TEMPLATE_ID, instrument.id))
    until = f" until {_time_text(end_ns)}" if end_ns else ""
    click.echo(f"{symbol} is {phase}{until}, was {_word(Phase(changes[0].previous))}")
    if isinstance(verdict, AuctionUncrossed) and verdict.trades:
        price, volume = verdict.price_ticks * instrument.tick_size, verdict.volume_lots * instrument.lot_size
        click.echo(f"the auction traded {volume} at {price} in {verdict.trades} trades")


@click.command(name="reference-price")
@click.argument("symbol")
@click.argument("price")
@journaled
@click.pass_obj
def reference_price(config: VenueConfig, symbol: str, price: str, reason: bytes, operator: bytes) -> None:
    """Set the reference price of SYMBOL, which bands, fat-finger limits and reference stops look at, or "none"."""
    instrument = _instrument(config, symbol)
    ticks = 0 if price == "none" else _whole(price, Fraction(instrument.tick_size), f"{symbol}'s tick_size")
    event = send_admin(
        config,
        ReferencePriceSet(instrument.id, ticks, operator, reason).encode(),
        lambda e: isinstance(e, ReferencePriceChanged) and (e[5], e[6], e[9]) == (instrument.id, ticks, operator),
        _refusal_of(ReferencePriceSet.TEMPLATE_ID, instrument.id),
    )
    assert isinstance(event, ReferencePriceChanged)
    band = ""
    if event.high_ticks:
        band = f", trades from {event.low_ticks * instrument.tick_size} to {event.high_ticks * instrument.tick_size}"
    click.echo(f"reference price of {symbol} is {price}{band}")


@click.command()
@click.argument("action", type=click.Choice(["engage", "release"]))
@click.option("--account", help="name or id")
@click.option("--session", help="its CompID")
@click.option("--participant", help="name or id")
@click.option("--venue", is_flag=True, help="everybody")
@journaled
@click.pass_obj
def kill(
    config: VenueConfig,
    action: str,
    account: str | None,
    session: str | None,
    participant: str | None,
    venue: bool,
    reason: bytes,
    operator: bytes,
) -> None:
    """Engage or release the kill switch of one account, session, participant or of the whole venue.

    Engaging cancels every open order in its reach and blocks new ones; releasing lets new ones in again.
    """
    if sum((account is not None, session is not None, participant is not None, venue)) != 1:
        fail("name exactly one of --account, --session, --participant, --venue")
    scope, number, words = KillScope.VENUE, 0, "the venue"
    if account is not None:
        scope, number, words = KillScope.ACCOUNT, _account(config, account).id, f"account {account}"
    elif session is not None:
        scope, number, words = KillScope.SESSION, _session(config, session), f"session {session}"
    elif participant is not None:
        scope, number, words = KillScope.PARTICIPANT, _participant(config, participant), f"participant {participant}"
    engaged = action == "engage"
    command = KillSwitchSet(number, scope, int(engaged), operator, reason)
    changes: list[KillSwitchChanged] = []

    def is_done(event: AnyMessage) -> bool:
        if isinstance(event, KillSwitchChanged) and event[5:] == command:
            changes.append(event)
            return not engaged
        return bool(changes) and isinstance(event, MassCanceled) and event.reason == Reason.CANCELED_KILL_SWITCH

    verdict = send_admin(config, command.encode(), is_done, _refusal_of(KillSwitchSet.TEMPLATE_ID, number))
    if isinstance(verdict, MassCanceled):
        click.echo(f"kill switch of {words} is engaged, {verdict.canceled_orders} orders cancelled")
    else:
        click.echo(f"kill switch of {words} is released")


@click.command()
@click.option("--account", help="name or id")
@click.option("--session", help="its CompID")
@click.option("--instrument", "symbol")
@click.option("--side", type=click.Choice(["buy", "sell"]))
@click.option("--all", "everything", is_flag=True, help="without any other filter: every open order of the venue")
@journaled
@click.pass_obj
def cancel(
    config: VenueConfig,
    account: str | None,
    session: str | None,
    symbol: str | None,
    side: str | None,
    everything: bool,
    reason: bytes,
    operator: bytes,
) -> None:
    """Cancel every open order that fits all the filters given."""
    if everything == any(given is not None for given in (account, session, symbol, side)):
        fail("name what to cancel by --account, --session, --instrument or --side, or else --all")
    wanted = (
        0 if account is None else _account(config, account).id,
        0 if session is None else _session(config, session),
        0 if symbol is None else _instrument(config, symbol).id,
        0 if side is None else Side[side.upper()].value,
    )
    event = send_admin(
        config,
        OperatorCancel(*wanted, operator, reason).encode(),
        lambda e: (
            isinstance(e, MassCanceled)
            and e.reason == Reason.CANCELED_BY_OPERATOR
            and (e.account, e.session, e.instrument, e.side) == wanted
        ),
        lambda e: e.template_id == OperatorCancel.TEMPLATE_ID and e.reference in wanted,
    )
    assert isinstance(event, MassCanceled)
    click.echo(f"{event.canceled_orders} orders cancelled")


@click.group()
def protection() -> None:
    """Market-maker protections."""


@protection.command(name="reset")
@click.argument("account")
@click.argument("symbol")
@journaled
@click.pass_obj
def protection_reset(config: VenueConfig, account: str, symbol: str, reason: bytes, operator: bytes) -> None:
    """Let ACCOUNT quote SYMBOL again after its protection has tripped."""
    pair = _account(config, account).id, _instrument(config, symbol).id
    send_admin(
        config,
        MarketMakerProtectionReset(*pair, operator, reason).encode(),
        lambda e: isinstance(e, MarketMakerProtectionChanged) and e[5:] == (*pair, 0, operator),
        _refusal_of(MarketMakerProtectionReset.TEMPLATE_ID, pair[0]),
    )
    click.echo(f"protection of {account} in {symbol} is reset")


@click.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.argument("symbol", metavar="ASSET")
@click.argument("amount")
@click.option("--seq", type=click.IntRange(min=1), help="number of the transfer; the same number moves money only once")
@journaled
@click.pass_obj
def transfer(
    config: VenueConfig,
    source: str,
    target: str,
    symbol: str,
    amount: str,
    seq: int | None,
    reason: bytes,
    operator: bytes,
) -> None:
    """Draw on a credit line or pay it back: AMOUNT of ASSET goes between two accounts, one of them a lender's."""
    giver, taker, asset = _settleable(config, source), _settleable(config, target), _asset(config, symbol)
    if "lender" not in (giver.kind, taker.kind):
        fail(f"neither {source} nor {target} is an account of kind 'lender'")
    units = _whole(amount, Fraction(1, 10**asset.decimals), f"{symbol}'s unit (10^-{asset.decimals})")
    if units > asset.batch_gross_limit:
        fail(f"{amount} is more than one settlement batch may debit of {symbol}: transfer it in parts")
    last, newest = _transfers(config, taker)
    number = last + 1 if seq is None else seq
    if number <= last:
        wanted = Terms(giver.id, taker.id, asset.id, units, operator.decode(errors="replace"))
        _fail_as_made(config, number, newest.get(number), wanted)
    event = send_admin(
        config,
        Transfer(number, giver.id, taker.id, asset.id, units, operator, reason).encode(),
        lambda e: (
            isinstance(e, Transferred)
            and (e.transfer_seq, e.from_account, e.to_account, e.asset, e.amount_units)
            == (number, giver.id, taker.id, asset.id, units)
        ),
        _refusal_of(Transfer.TEMPLATE_ID, number),
        f"the engine did not answer: run it again with --seq {number}, which moves the money once at most",
    )
    assert isinstance(event, Transferred)
    left, there = (_amount_text(value, asset) for value in (event.from_available_units, event.to_available_units))
    click.echo(f"transfer {number}: {amount} {symbol}; available to {source} now {left}, to {target} {there}")


def _transfers(config: VenueConfig, taker: Account) -> tuple[int, dict[int, Terms]]:
    """Number of the last transfer, and those that the ledger has not taken in yet; ends the program when `taker` cannot
    be settled with.
    """
    try:
        known = position(config, taker.id)
    except NoLedger as error:
        fail(f"no transfer without the ledger: {error}")
    if not known.has_vault_account:
        fail(f"{taker.name} has never deposited: without an account in the vault nothing can be settled to it")
    newest = {}
    for message in inspect.events_from(config, known.sequence + 1):
        if template_of(message) == Transferred.TEMPLATE_ID:
            event = Transferred.decode(message)
            who = event.operator.decode(errors="replace")
            terms = Terms(event.from_account, event.to_account, event.asset, event.amount_units, who)
            newest[event.transfer_seq] = terms
    return max(known.transfer_seq, *newest, 0), newest


def _fail_as_made(config: VenueConfig, number: int, made: Terms | None, wanted: Terms) -> NoReturn:
    """Ends the program with what the transfer of that number was: nobody must take another one for their own."""
    try:
        made = made or terms_of(config, number)
    except NoLedger as error:
        fail(f"no transfer without the ledger: {error}")
    assert made is not None, "the ledger or the events after it hold every transfer"
    accounts = {account.id: account.name for account in config.accounts}
    asset = next((asset for asset in config.assets if asset.id == made.asset), None)
    amount = f"{_amount_text(made.units, asset)} {asset.symbol}" if asset else f"{made.units} units"
    giver, taker = (accounts.get(account, str(account)) for account in (made.from_account, made.to_account))
    said = f"{amount} from {giver} to {taker} by {made.operator}"
    if made == wanted:
        fail(f"transfer {number} has been made: {said}")
    fail(f"transfer {number} was another one, yours is not made: {said}")


@click.command()
@click.argument("trade_id", type=click.IntRange(min=1))
@click.option("--guarantor", help="account (name or id) that gives for a side that cannot")
@journaled
@click.pass_obj
def bust(config: VenueConfig, trade_id: int, guarantor: str | None, reason: bytes, operator: bytes) -> None:
    """Reverse the economics of trade TRADE_ID; no order comes back. Refused when a side cannot give it back."""
    number = 0 if guarantor is None else _settleable(config, guarantor).id
    event = send_admin(
        config,
        TradeBust(trade_id, number, operator, reason).encode(),
        lambda e: isinstance(e, TradeBusted) and e.trade_id == trade_id,
        _refusal_of(TradeBust.TEMPLATE_ID, trade_id),
    )
    assert isinstance(event, TradeBusted)
    instrument = next(i for i in config.instruments if i.id == event.instrument)
    terms = f"{event.quantity_lots * instrument.lot_size} {instrument.symbol} at "
    terms += f"{event.price_ticks * instrument.tick_size}"
    click.echo(f"trade {trade_id} is busted: {terms}")


@click.command(name="end-of-day")
@click.argument("day", type=int)
@click.option("--operator", default=getpass.getuser, help="journaled with the command; default: your login name")
@click.pass_obj
def end_of_day(config: VenueConfig, day: int, operator: str) -> None:
    """End trading day DAY (yyyymmdd): DAY orders expire, ClOrdIDs may be used again, statistics begin anew."""
    try:
        date = datetime.strptime(f"{day:08}", "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        fail(f"{day} is no date like 20261123")
    if date > datetime.now(UTC) + DAYS_AHEAD_MAX:
        fail(f"{day} is more than {DAYS_AHEAD_MAX.days} days ahead: no earlier day could be ended after it")
    event = send_admin(
        config,
        EndOfDay(day, operator.encode()[:OPERATOR_BYTES_MAX]).encode(),
        lambda e: isinstance(e, DayEnded) and e.day == day,
        _refusal_of(EndOfDay.TEMPLATE_ID, day),
    )
    assert isinstance(event, DayEnded)
    click.echo(f"day {day} ended, {event.expired_orders} orders expired")


VERBS: tuple[click.Command, ...] = (
    *(state, phase, reference_price, kill, cancel, protection, transfer, bust, end_of_day),
)


def _refusal_of(template_id: int, reference: int) -> Callable[[CommandRefused], bool]:
    return lambda event: (event.template_id, event.reference) == (template_id, reference)


def _instrument(config: VenueConfig, symbol: str) -> Instrument:
    try:
        return config.instrument(symbol)
    except KeyError:
        fail(f"no instrument {symbol} in the configuration")


def _asset(config: VenueConfig, symbol: str) -> Asset:
    try:
        return config.asset(symbol)
    except KeyError:
        fail(f"no asset {symbol} in the configuration")


def _account(config: VenueConfig, name: str) -> Account:
    found = next((account for account in config.accounts if name in (account.name, str(account.id))), None)
    return found or fail(f"no account {name} in the configuration")


def _settleable(config: VenueConfig, name: str) -> Account:
    """An account whose money may be moved: in the vault, suspense is many depositors', and no leg can name it."""
    account = _account(config, name)
    if account.kind == "suspense":
        fail(f"{name} holds money of unknown depositors: it is nobody's to move, and settlement would stop at it")
    return account


def _session(config: VenueConfig, comp_id: str) -> int:
    found = next((session.id for session in config.sessions if session.comp_id == comp_id), None)
    return found or fail(f"no session {comp_id} in the configuration")


def _participant(config: VenueConfig, name: str) -> int:
    found = next((each.id for each in config.participants if name in (each.name, str(each.id))), None)
    return found or fail(f"no participant {name} in the configuration")


def _whole(text: str, step: Fraction, of: str) -> int:
    """An amount or price that was typed, in steps; ends the program when it is none above 0 or not whole."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        fail(f"{text} is no number")
    if not number.is_finite() or number <= 0:
        fail(f"{text} is not greater than 0")
    steps = Fraction(number) / step
    if steps.denominator != 1:
        fail(f"{text} is not a multiple of {of}")
    if steps > INT64_MAX:
        fail(f"{text} is too large")
    return int(steps)


def _amount_text(units: int, asset: Asset) -> str:
    return f"{Decimal(units).scaleb(-asset.decimals):f}"


def _word(phase: Phase) -> str:
    return phase.name.lower().replace("_", "-")


def _time_text(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // 10**9, UTC).strftime("%H:%M:%S UTC")
