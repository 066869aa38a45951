"""What the reference core lets pass and in which order: sessions, roles, reference data, end of day, checkpoints."""

from __future__ import annotations

import pytest

from engine.book import Divergence, ReferenceCore, Verdict, mix128
from engine.book_records import state_hash_from_scratch
from engine.wire.messages import (
    HEADER,
    AccountKind,
    AccountSet,
    AnyMessage,
    AssetSet,
    CheckpointBalance,
    CheckpointEnded,
    CommandRefused,
    DayEnded,
    EpochStart,
    LimitsSet,
    OrderAccepted,
    OrderCanceled,
    OrderRejected,
    Reason,
    Role,
    SessionAttached,
    SettlementState,
    StateHash,
    StatisticsRecorded,
    TimeInForce,
    TradingState,
    TradingStateChanged,
)
from tests.fixtures.fix_core import LIMITS, SMALL_PARTS, Venue, only
from tests.property.commands import ACCOUNTS, ASSETS, CAPACITY, INSTRUMENTS, SESSIONS


def test_applied_command_is_a_duplicate_and_a_hole_is_a_gap(venue: Venue) -> None:
    """At or below the last client_seq: dropped. Not following the last one: Gap, which names it. Nothing changes."""
    order = venue.source.new_order(1)
    venue.do(order)
    before = venue.core.state_hash()
    assert venue.check(order).verdict == Verdict.DUPLICATE
    gap = venue.check(venue.source.new_order(1, 1))
    assert (gap.verdict, gap.session, gap.client_seq, gap.last_client_seq) == (Verdict.GAP, 1, 3, 1)
    assert venue.core.state_hash() == before


def test_new_generation_fences_off_the_old_one(venue: Venue) -> None:
    """After another attach the older gateway's commands are stale; with a reset even its epoch is wrong."""
    stale = venue.source.new_order(1)
    attached = only(SessionAttached, venue.do(venue.source.attach(1)))
    assert (attached.generation, attached.session_epoch) == (2, 1)
    assert venue.check(stale).reason == Reason.STALE_GENERATION
    venue.do(venue.source.new_order(1))
    attached = only(SessionAttached, venue.do(venue.source.attach(1, reset=1)))
    assert (attached.generation, attached.session_epoch, attached.last_client_seq) == (3, 2, 0)
    assert venue.check(stale).reason == Reason.WRONG_EPOCH


def test_attach_sent_twice_is_a_duplicate(venue: Venue) -> None:
    """The same token from the same gateway again is the same attach; another gateway's is not."""
    venue.do(venue.source.attach(1, token=99))
    assert venue.check(venue.source.attach(1, token=99)).verdict == Verdict.DUPLICATE
    assert venue.check(venue.source.attach(1, token=99, gateway=8)).verdict == Verdict.APPLY


def test_unknown_disabled_and_unattached_sessions_are_refused(venue: Venue) -> None:
    """Each with its own reason, before anything of the order is looked at."""
    assert venue.check(venue.source.new_order(4)).reason == Reason.UNKNOWN_SESSION
    assert venue.check(venue.source.attach(4)).reason == Reason.UNKNOWN_SESSION
    venue.do((Role.INTERNAL, SESSIONS[0]._replace(session=4, comp_id=b"FOUR").encode()))
    assert venue.check(venue.source.new_order(4)).reason == Reason.NOT_ATTACHED
    venue.do((Role.INTERNAL, SESSIONS[0]._replace(enabled=0).encode()))
    assert venue.check(venue.source.new_order(1)).reason == Reason.SESSION_DISABLED
    assert venue.check(venue.source.attach(1)).reason == Reason.SESSION_DISABLED


def test_a_role_sends_only_its_own_commands(venue: Venue) -> None:
    """Orders come from gateways, credits from settlement, halts from admin; a reader sends nothing."""
    commands = [
        (Role.GATEWAY, venue.source.new_order(1)),
        (Role.SETTLEMENT, venue.source.credit(2, 1, 5)),
        (Role.ADMIN, venue.source.trading_state(0, TradingState.HALTED)),
    ]
    for owner, (_, message) in commands:
        for role in (Role.GATEWAY, Role.SETTLEMENT, Role.ADMIN, Role.READER):
            expected = Reason.NONE if role == owner else Reason.WRONG_ROLE
            assert venue.check((role, message)).reason == expected
        assert venue.check((Role.INTERNAL, message)).verdict == Verdict.APPLY
    assert venue.check((Role.ADMIN, LIMITS._replace(max_orders=2).encode())).reason == Reason.WRONG_ROLE


def test_damaged_messages_are_malformed(venue: Venue) -> None:
    """Every truncation, bytes after the end, another schema, a short block, an event in place of a command."""
    role, message = venue.source.new_order(1, echo=b"12345")
    block_length, template_id, schema_id, version = HEADER.unpack_from(message)
    body = message[HEADER.size :]
    damaged = [message[:size] for size in range(len(message))]
    damaged.append(message + b"\0")
    damaged.append(HEADER.pack(block_length, template_id, schema_id + 1, version) + body)
    damaged.append(HEADER.pack(block_length - 8, template_id, schema_id, version) + body)
    damaged.append(HEADER.pack(block_length, 110, schema_id, version) + body)
    damaged.append(message[: -len(b"12345") - 2] + (513).to_bytes(2, "little") + bytes(513))
    for bad in damaged:
        assert venue.check((role, bad)).reason == Reason.MALFORMED
    longer = HEADER.pack(block_length + 8, template_id, schema_id, version + 1)
    newer = longer + body[:block_length] + bytes(8) + body[block_length:]
    assert venue.check((role, newer)).verdict == Verdict.APPLY


def test_deposits_and_checkpoints_come_without_holes(venue: Venue) -> None:
    """Seen before is a duplicate, a hole is out of sequence."""
    last = venue.source.deposit_seq
    for number, verdict, reason in [
        (last, Verdict.DUPLICATE, Reason.NONE),
        (last + 1, Verdict.APPLY, Reason.NONE),
        (last + 2, Verdict.REFUSED, Reason.OUT_OF_SEQUENCE),
    ]:
        check = venue.check(venue.source.credit(2, 1, 5, deposit_seq=number))
        assert (check.verdict, check.reason) == (verdict, reason)
    assert venue.check(venue.source.checkpoint_after(2)).reason == Reason.OUT_OF_SEQUENCE
    assert venue.check(venue.source.checkpoint_after(0)).verdict == Verdict.DUPLICATE


def test_settlement_batches_are_cut_and_finished_in_order(venue: Venue) -> None:
    """Cut and Final are dense; Sent and Mined may repeat between them; what is final stays final."""
    status = venue.source.settlement_status
    cut, sent, mined, final = SettlementState
    assert venue.check(status(1, sent)).reason == Reason.OUT_OF_SEQUENCE
    venue.do(status(1, cut))
    venue.do(status(2, cut))
    assert venue.check(status(2, cut)).verdict == Verdict.DUPLICATE
    assert venue.check(status(4, cut)).reason == Reason.OUT_OF_SEQUENCE
    venue.do(status(1, sent))
    venue.do(status(1, sent))
    assert venue.check(status(2, final)).reason == Reason.OUT_OF_SEQUENCE
    venue.do(status(1, final))
    assert venue.check(status(1, mined)).verdict == Verdict.DUPLICATE
    assert only(CommandRefused, venue.do(status(2, sent, first=9, last=8))).reason == Reason.INVALID_STATE
    assert only(CommandRefused, venue.do(status(9, 5))).reference == 9


def test_day_orders_expire_in_slices_and_clordids_are_free_again(venue: Venue) -> None:
    """Twelve DAY orders, eleven per slice; then the day's statistics with DayEnded; GTC orders and their names stay."""
    venue.set(SMALL_PARTS._replace(max_open_orders_per_session=16))
    keeper = only(OrderAccepted, venue.buy(1, 60, time_in_force=TimeInForce.GOOD_TILL_CANCEL))
    for _ in range(12):
        venue.buy(1, 61)
    first = venue.do(venue.source.end_of_day())
    assert [type(event) for event in first] == [OrderCanceled] * 11
    assert first[-1].last_in_command == 1
    assert [type(event) for event in venue.proceed()] == [OrderCanceled]
    assert only(DayEnded, venue.proceed()).expired_orders == 12
    assert not venue.core.pending
    assert venue.proceed() == []
    canceled = first[0]
    assert isinstance(canceled, OrderCanceled)
    assert (canceled.reason, canceled.client_seq, canceled.clordid) == (Reason.EXPIRED_END_OF_DAY, 0, b"")
    assert [order.order_id for order in venue.core.book(1, 1)] == [keeper.order_id]
    assert only(OrderAccepted, venue.buy(1, 61, clordid=canceled.orig_clordid))
    assert only(OrderRejected, venue.buy(1, 61, clordid=keeper.clordid)).reason == Reason.DUPLICATE_CL_ORD_ID


def test_slice_that_fills_up_exactly_looks_no_further(venue: Venue) -> None:
    """Eleven DAY orders fill a slice; the next finds that there is none left, the one after ends the day."""
    venue.set(SMALL_PARTS._replace(max_open_orders_per_session=16))
    for _ in range(11):
        venue.buy(1, 61)
    assert len(venue.do(venue.source.end_of_day())) == 11
    assert venue.proceed() == []
    assert only(DayEnded, venue.proceed()).expired_orders == 11


def test_statistics_of_a_day_are_recorded_and_start_again(venue: Venue) -> None:
    """Open, high, low, last, volume and turnover of the instruments that traded; the last price alone goes on."""
    for price in (63, 65, 62, 64):
        venue.sell(2, price, time_in_force=TimeInForce.GOOD_TILL_CANCEL)
        venue.buy(1 if price == 64 else 2, price)
    recorded = only(StatisticsRecorded, venue.all(venue.source.end_of_day()))
    prices = recorded.open_ticks, recorded.high_ticks, recorded.low_ticks, recorded.last_ticks
    assert (recorded.instrument, *prices) == (1, 63, 65, 62, 64)
    assert (recorded.volume_lots, recorded.trades) == (7, 4)
    assert (recorded.turnover_low, recorded.turnover_high) == (10 * (2 * 63 + 2 * 65 + 2 * 62 + 64), 0)
    assert venue.core.instruments[1].last_ticks == 64
    assert [type(event) for event in venue.all(venue.source.end_of_day())] == [DayEnded]
    venue.buy(1, 64)
    assert only(StatisticsRecorded, venue.all(venue.source.end_of_day())).open_ticks == 64


def test_a_day_ends_once(venue: Venue) -> None:
    """The same or an earlier day is refused."""
    venue.all(venue.source.end_of_day())
    assert venue.check(venue.source.end_of_day(0)).reason == Reason.INVALID_STATE


def test_checkpoint_emits_every_balance_in_order(venue: Venue) -> None:
    """Twelve funded pairs by account and asset: eleven fill the first slice, the last one and the end come after."""
    venue.set(SMALL_PARTS, AccountSet(5, 2, AccountKind.SUSPENSE, 1, b"suspense"))
    for asset in (1, 2, 3):
        venue.do(venue.source.credit(5, asset, 1))
    venue.buy(1, 60)
    first = venue.do(venue.source.checkpoint_after())
    assert (len(first), venue.core.pending) == (11, True)
    events = [*first, *venue.proceed()]
    balances = [event for event in events if isinstance(event, CheckpointBalance)]
    assert [(event.account, event.asset) for event in balances] == [(a, b) for a in (2, 3, 4, 5) for b in (1, 2, 3)]
    assert (balances[2].available_units, balances[2].reserved_units) == (12_000 - 601, 601)
    assert only(CheckpointEnded, events).balances == 12


def test_unclean_start_allows_cancels_only(venue: Venue) -> None:
    """After an unclean stop an open venue waits for the operator; a stricter state stays as it is."""
    unclean = (Role.INTERNAL, EpochStart(2, 2, 1, b"TEST", bytes(32)).encode())
    venue.do(unclean)
    assert venue.core.venue_state == TradingState.CANCEL_ONLY
    venue.do(venue.source.trading_state(0, TradingState.CLOSED))
    venue.do(unclean)
    assert venue.core.venue_state == TradingState.CLOSED


def test_trading_state_of_unknown_instrument_or_value_is_refused(venue: Venue) -> None:
    """Refused on record, with the instrument as reference."""
    refused = only(CommandRefused, venue.do(venue.source.trading_state(3, TradingState.OPEN)))
    assert (refused.reason, refused.reference, refused.role) == (Reason.UNKNOWN_INSTRUMENT, 3, Role.ADMIN)
    assert only(CommandRefused, venue.do(venue.source.trading_state(3, 5))).reason == Reason.INVALID_STATE
    assert only(TradingStateChanged, venue.do(venue.source.trading_state(1, TradingState.HALTED))).instrument == 1


def test_reference_data_already_set_is_a_duplicate(venue: Venue) -> None:
    """The daemon sends all of it at every start; only changes are journaled."""
    for command in (LIMITS, *ASSETS, *INSTRUMENTS, *ACCOUNTS, *SESSIONS):
        assert venue.check((Role.INTERNAL, command.encode())).verdict == Verdict.DUPLICATE


FIRST = INSTRUMENTS[0]
REFUSED_REFERENCE_DATA: list[AnyMessage] = [
    LIMITS._replace(max_fills_per_command=5),
    LIMITS._replace(max_events_per_part=27),
    LIMITS._replace(max_events_per_part=65_537),
    LIMITS._replace(max_fills_per_command=0),
    AssetSet(0, 2, b"NONE"),
    AssetSet(CAPACITY.assets + 1, 2, b"MUCH"),
    AssetSet(4, 10, b"FINE"),
    ASSETS[0]._replace(decimals=7),
    FIRST._replace(base=4),
    FIRST._replace(base=FIRST.quote),
    FIRST._replace(tick_units=20),
    FIRST._replace(lot_units=1),
    FIRST._replace(lot_mantissa=2),
    FIRST._replace(price_min_ticks=3),
    FIRST._replace(price_max_ticks=299),
    FIRST._replace(price_max_ticks=2**24),
    FIRST._replace(quantity_max_lots=2**61 // (300 * 10) + 1),
    FIRST._replace(notional_max_units=2**61 + 1),
    FIRST._replace(protection_ticks=-1),
    FIRST._replace(taker_fee_ppm=1_000_000),
    FIRST._replace(instrument=3, tick_exponent=19),
    FIRST._replace(instrument=3, lot_units=2**62, quantity_max_lots=2),
    ACCOUNTS[1]._replace(kind=2),
    ACCOUNTS[1]._replace(participant=2),
    ACCOUNTS[1]._replace(enabled=2),
    ACCOUNTS[0]._replace(account=5),
    ACCOUNTS[1]._replace(account=5, kind=5),
    SESSIONS[0]._replace(comp_id=b"OTHER"),
    SESSIONS[0]._replace(participant=2),
    SESSIONS[0]._replace(session=4, participant=0),
]


@pytest.mark.parametrize("command", REFUSED_REFERENCE_DATA)
def test_inconsistent_reference_data_is_refused_and_changes_nothing(venue: Venue, command: AnyMessage) -> None:
    """Refused as a whole with InvalidReference, naming what it was about."""
    before = list(venue.core.assets.items()), list(venue.core.accounts.items()), venue.core.limits
    listed = [instrument.definition for instrument in venue.core.instruments.values()]
    refused = only(CommandRefused, venue.do((Role.INTERNAL, command.encode())))
    assert (refused.reason, refused.template_id) == (Reason.INVALID_REFERENCE, command.TEMPLATE_ID)
    assert refused.reference == (
        0 if isinstance(command, LimitsSet) else int.from_bytes(command.encode()[8:12], "little")
    )
    assert (list(venue.core.assets.items()), list(venue.core.accounts.items()), venue.core.limits) == before
    assert [instrument.definition for instrument in venue.core.instruments.values()] == listed


def test_limits_beyond_the_pools_are_refused(venue: Venue) -> None:
    """A host whose pools are smaller than a limit says so."""
    beyond = {"max_orders": 49}, {"max_price_pages": 25}, {"max_clordids": 257}, {"max_bustable_trades": 1_025}
    for change in (*beyond, {"max_orders": 0}):
        refused = only(CommandRefused, venue.do((Role.INTERNAL, LIMITS._replace(**change).encode())))
        assert refused.reason == Reason.CAPACITY_EXCEEDED


def test_state_hash_is_compared(venue: Venue) -> None:
    """A journaled hash that is ours passes without an event; any other is a divergence."""
    own = venue.core.state_hash()
    assert venue.do((Role.INTERNAL, StateHash(own % 2**64, own >> 64).encode())) == []
    with pytest.raises(Divergence):
        venue.do((Role.INTERNAL, StateHash(own % 2**64 ^ 1, own >> 64).encode()))


def test_state_hash_depends_on_every_kind_of_state(venue: Venue) -> None:
    """Each command that changes something changes the hash."""
    seen = {venue.core.state_hash()}
    commands = [
        venue.source.credit(2, 1, 1),
        venue.source.trading_state(2, TradingState.HALTED),
        venue.source.attach(1, token=5),
        (Role.INTERNAL, AssetSet(4, 1, b"FOUR").encode()),
        (Role.INTERNAL, FIRST._replace(protection_ticks=9).encode()),
        (Role.INTERNAL, ACCOUNTS[2]._replace(name=b"renamed").encode()),
        (Role.INTERNAL, SESSIONS[1]._replace(enabled=0).encode()),
        (Role.INTERNAL, LIMITS._replace(max_orders=9).encode()),
        venue.source.settlement_status(1, SettlementState.CUT),
    ]
    for command in commands:
        venue.do(command)
        seen.add(venue.core.state_hash())
    venue.buy(1, 60)
    seen.add(venue.core.state_hash())
    assert len(seen) == len(commands) + 2


def test_mix_of_known_words_is_fixed() -> None:
    """The mix is part of the rules: these values never change within rules_version 2."""
    assert mix128((1, 2, 3)) == 0x4BB3826A84A0EB294CF3BAF880848A0E
    assert len({mix128(()), mix128((0,)), mix128((0, 0)), mix128((1, 2)), mix128((2, 1))}) == 5
    assert mix128((-1,)) == mix128((2**64 - 1,))


def test_an_empty_core_hashes_its_globals_alone() -> None:
    """A core nobody told anything holds one record: type 9 with venue_state Open."""
    assert ReferenceCore(CAPACITY).state_hash() == mix128((9, 0, 0, 1, *[0] * 13))


def test_remembered_mixes_change_nothing(venue: Venue) -> None:
    """The state hash is the same whether records were seen before or not."""
    venue.buy(3, 62, display_lots=1)
    venue.sell(1, 62)
    before = venue.core.state_hash()
    assert before == venue.core.state_hash() == state_hash_from_scratch(venue.core)
