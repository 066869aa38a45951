"""Work that may not fit one part (section 2): one job at a time, a slice per Continue, nothing in between.

A slice takes the job at work and returns what is at work after it. A slice that has reached its bound ends right there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.book_auction import (
    VISITS_PER_SLICE,
    activate_slice,
    emit_triggered,
    patch_triggered,
    purge_slice,
    uncross_slice,
)
from engine.book_matching import enter_triggered
from engine.book_state import (
    CancelFilter,
    Instrument,
    Job,
    JobKind,
    Order,
    State,
    Statistics,
    clordid_key,
)
from engine.wire.messages import (
    CheckpointBalance,
    CheckpointEnded,
    DayEnded,
    MassCanceled,
    Phase,
    Reason,
    StatisticsRecorded,
    TimeInForce,
)

EVENTS_PER_STEP = 3
EVENTS_BESIDES_STEPS = 8
BUY_STOPS, SELL_STOPS, BUY_REFERENCE_STOPS, SELL_REFERENCE_STOPS = 2, 3, 4, 5


def start(state: State, job: Job) -> None:
    """The command that starts a job runs its first slice at once."""
    state.job = job
    run_slice(state)


def run_slice(state: State) -> None:
    assert state.job is not None
    state.job = SLICES[state.job.kind](state, state.job)


def continue_work(state: State) -> None:
    """One more slice of what is at work; then tripped protections in turn, then the stops of an election."""
    if state.job:
        run_slice(state)
    elif state.tripped:
        account, instrument = state.tripped.popleft()
        reason = Reason.CANCELED_MARKET_MAKER_PROTECTION
        start_cancel(state, CancelFilter(reason, account=account, instrument=instrument))
    elif state.election:
        start(state, Job(JobKind.STOPS, position=state.election))


def end_part(state: State) -> None:
    """Whatever traded may have reached stop prices; they are looked at when no job is at work any more."""
    if state.job or not state.look_for_stops:
        return
    instrument = state.instruments[state.look_for_stops]
    if instrument.phase == Phase.CONTINUOUS and elected_stop(instrument):
        state.election = state.look_for_stops
    else:
        instrument.trigger_high_ticks = instrument.trigger_low_ticks = 0


# Stops.


def elected_stop(instrument: Instrument) -> Order | None:
    """The stop whose turn it is, of those whose price has been reached; None when there is none."""
    high_ticks, low_ticks = instrument.trigger_high_ticks, instrument.trigger_low_ticks
    reference_ticks = instrument.reference_ticks
    for ladder, reached_ticks in (
        (BUY_STOPS, high_ticks),
        (SELL_STOPS, low_ticks),
        (BUY_REFERENCE_STOPS, reference_ticks),
        (SELL_REFERENCE_STOPS, reference_ticks),
    ):
        stop_ticks = instrument.ladders[ladder].best_ticks()
        if stop_ticks is None or not reached_ticks:
            continue
        buying = ladder in (BUY_STOPS, BUY_REFERENCE_STOPS)
        if stop_ticks <= reached_ticks if buying else stop_ticks >= reached_ticks:
            return instrument.ladders[ladder].first()
    return None


def _stops_slice(state: State, job: Job) -> Job | None:
    """Triggers stop after stop; each may trade and so elect others."""
    instrument = state.instruments[job.position]
    room = state.events_per_part - EVENTS_PER_STEP * state.limits.max_fills_per_command - EVENTS_BESIDES_STEPS
    while instrument.phase == Phase.CONTINUOUS:
        order = elected_stop(instrument)
        if order is None:
            break
        if len(state.events) > room:
            return job
        state.leave(order)
        place = len(state.events)
        emit_triggered(state, order, order.stop_price_ticks)
        enter_triggered(state, order)
        patch_triggered(state, place, order)
        if state.tripped:
            return None  # the election stays: quotes are pulled before the next stop
    instrument.trigger_high_ticks = instrument.trigger_low_ticks = 0
    state.election = 0
    return None


# Cancels by the many.


def start_cancel(state: State, wanted: CancelFilter) -> None:
    start(state, Job(JobKind.CANCEL, position=wanted.account or 1, filter=wanted))


def _cancel_slice(state: State, job: Job) -> Job | None:
    """Walks accounts in ascending order, and in each its orders, the latest first; every one looked at is a visit."""
    assert job.filter is not None
    canceled = 0
    last_account = job.filter.account or max(state.accounts, default=0)
    for visits, order in enumerate(_walk(state, job, last_account), 1):
        if order is not None and job.filter.takes(order):
            state.cancel(order, job.filter.reason)
            canceled += 1
            job.count += 1
        if canceled == state.events_per_slice or visits == VISITS_PER_SLICE:
            return job
    _emit_mass_canceled(state, job.filter, job.count)
    return None


def _walk(state: State, job: Job, last_account: int) -> Iterator[Order | None]:
    """What is looked at from where the job stands: None for an account, then its orders. Moves the job along."""
    assert job.filter is not None
    while job.walk or job.position <= last_account:
        if job.walk:
            order = state.orders[job.walk.pop() & 0xFFFF_FFFF]
        else:
            order = None
            if _may_hold_orders(state, job.filter, job.position):
                job.walk = list(state.accounts[job.position].orders)
        if not job.walk:
            job.position += 1
        yield order


def _may_hold_orders(state: State, wanted: CancelFilter, id_: int) -> bool:
    """Whether an account's orders have to be looked at; only the participant's own, if the filter names one."""
    account = state.accounts.get(id_)
    if account is None:
        return False
    participant = wanted.participant
    if wanted.session:
        participant = state.sessions[wanted.session].definition.participant
    return id_ == wanted.account or participant in (0, account.definition.participant)


def _emit_mass_canceled(state: State, wanted: CancelFilter, canceled_orders: int) -> None:
    state.emit(
        MassCanceled(
            *state.head(),
            session=wanted.session,
            session_epoch=wanted.session_epoch,
            client_seq=wanted.client_seq,
            canceled_orders=canceled_orders,
            account=wanted.account,
            instrument=wanted.instrument,
            side=wanted.side,
            reason=wanted.reason,
            clordid=wanted.clordid,
        )
    )


# The end of the day, and a checkpoint.


def _end_of_day_slice(state: State, job: Job) -> Job | None:
    """Expires Day orders by slot; the others' present ClOrdIDs stay taken."""
    expired = 0
    for visits, slot in enumerate(range(job.position, len(state.generations)), 1):
        job.position = slot + 1
        order = state.orders.get(slot)
        if order and order.time_in_force == TimeInForce.DAY:
            state.cancel(order, Reason.EXPIRED_END_OF_DAY)
            expired += 1
            job.count += 1
        elif order:
            state.use_clordid(order.session, clordid_key(order.session, order.clordid))
        if expired == state.events_per_slice or visits == VISITS_PER_SLICE:
            return job
    return Job(JobKind.STATISTICS, position=1, count=job.count)


def _statistics_slice(state: State, job: Job) -> Job | None:
    """Records the day of every instrument that traded, and begins the next."""
    recorded = 0
    for id_ in range(job.position, state.capacity.instruments + 1):
        instrument = state.instruments.get(id_)
        if instrument is None or instrument.statistics.trades == 0:
            continue
        _emit_statistics(state, id_, instrument)
        instrument.statistics = Statistics()
        job.position = id_ + 1
        recorded += 1
        if recorded == state.events_per_slice:
            return job
    state.emit(DayEnded(*state.head(), day=state.day, expired_orders=job.count))
    return None


def _emit_statistics(state: State, id_: int, instrument: Instrument) -> None:
    day = instrument.statistics
    state.emit(
        StatisticsRecorded(
            *state.head(),
            instrument=id_,
            day=state.day,
            open_ticks=day.open_ticks,
            high_ticks=day.high_ticks,
            low_ticks=day.low_ticks,
            last_ticks=instrument.last_ticks,
            volume_lots=day.volume_lots,
            turnover_low=day.turnover_units % 2**64,
            turnover_high=day.turnover_units >> 64,
            trades=day.trades,
        )
    )


def _checkpoint_slice(state: State, job: Job) -> Job | None:
    """Emits every balance by account, then asset."""
    emitted = 0
    first = job.position >> 32, job.position & 0xFFFF_FFFF
    for account, asset in list(state.balances.irange(minimum=first)):
        available_units, reserved_units = state.balance(account, asset)
        if available_units == reserved_units == 0:
            continue
        head = state.head()
        state.emit(CheckpointBalance(*head, state.last_checkpoint, available_units, reserved_units, account, asset))
        job.position = (account << 32 | asset) + 1
        job.count += 1
        emitted += 1
        if emitted == state.events_per_slice:
            return job
    state.emit(CheckpointEnded(*state.head(), checkpoint=state.last_checkpoint, balances=job.count))
    return None


SLICES: dict[JobKind, Callable[[State, Job], Job | None]] = {
    JobKind.END_OF_DAY: _end_of_day_slice,
    JobKind.CHECKPOINT: _checkpoint_slice,
    JobKind.CANCEL: _cancel_slice,
    JobKind.UNCROSS: uncross_slice,
    JobKind.PURGE: purge_slice,
    JobKind.ACTIVATE: activate_slice,
    JobKind.STOPS: _stops_slice,
    JobKind.STATISTICS: _statistics_slice,
}
