"""Market phases of the reference core (section 7): operator, schedule and clock, and what each new phase brings.

Time is the command's; what is due waits for the ClockTick that the loop sends when next_timer_ns says so.
"""

from __future__ import annotations

from engine.book_auction import after_uncross, auction_result, set_reference_price
from engine.book_jobs import elected_stop, start
from engine.book_state import CALL_PHASES, SECOND_NS, Instrument, Job, JobKind, State
from engine.wire.messages import (
    AuctionIndicative,
    Phase,
    PhaseCause,
    PhaseSet,
    Reason,
    ReferencePriceSet,
    Role,
    TradingState,
    TradingStateChanged,
    TradingStateSet,
)

DAY_NS = 86_400 * SECOND_NS


def set_phase(state: State, command: PhaseSet) -> None:
    """An operator's phase."""
    instrument = state.instruments.get(command.instrument)
    if instrument is None:
        state.refuse(command, command.instrument, Reason.UNKNOWN_INSTRUMENT, Role.ADMIN)
        return
    good_end = command.end_ns == 0 or (command.phase in CALL_PHASES and command.end_ns > state.stamp.time_ns)
    known = Phase.PRE_OPEN <= command.phase <= Phase.VOLATILITY_AUCTION
    if not known or not good_end or (command.phase == Phase.CONTINUOUS and not state.tradable(instrument)):
        state.refuse(command, command.instrument, Reason.INVALID_STATE, Role.ADMIN)
        return
    instrument.next_schedule_ns = next_scheduled_ns(instrument, state.stamp.time_ns)
    enter_phase(
        state, instrument, command.phase, PhaseCause.OPERATOR, command.end_ns, command.operator, command.reason_text
    )


def enter_phase(
    state: State,
    instrument: Instrument,
    phase: int,
    cause: PhaseCause,
    end_ns: int = 0,
    operator: bytes = b"",
    reason_text: bytes = b"",
) -> None:
    """A new phase and the job it brings: trading what was collected, or letting at-the-close orders in."""
    id_, previous = instrument.definition.instrument, instrument.phase
    state.change_phase(instrument, phase, cause, end_ns, operator, reason_text)
    job: Job | None = None
    if phase == Phase.CONTINUOUS or (phase == Phase.CLOSED and previous in CALL_PHASES and state.tradable(instrument)):
        job = Job(JobKind.UNCROSS, position=id_)
    elif phase == Phase.CLOSED:
        job = after_uncross(state, id_)
    elif phase == Phase.CLOSING_AUCTION and previous != phase and instrument.parked:
        job = Job(JobKind.ACTIVATE, position=id_)
    if job:
        start(state, job)


def set_trading_state(state: State, command: TradingStateSet) -> None:
    """Halts and resumes the venue (instrument 0) or one instrument; phases go on by themselves."""
    instrument = state.instruments.get(command.instrument)
    if not TradingState.OPEN <= command.state <= TradingState.CLOSED:
        state.refuse(command, command.instrument, Reason.INVALID_STATE, Role.ADMIN)
        return
    if command.instrument == 0:
        state.venue_state = command.state
    elif instrument:
        instrument.state = command.state
    else:
        state.refuse(command, command.instrument, Reason.UNKNOWN_INSTRUMENT, Role.ADMIN)
        return
    state.emit(TradingStateChanged(*state.head(), *command))


def set_operator_reference_price(state: State, command: ReferencePriceSet) -> None:
    """The price that bands, distances and reference stops look at; 0 for none."""
    instrument = state.instruments.get(command.instrument)
    if instrument is None:
        state.refuse(command, command.instrument, Reason.UNKNOWN_INSTRUMENT, Role.ADMIN)
        return
    definition = instrument.definition
    if command.price_ticks and not definition.price_min_ticks <= command.price_ticks <= definition.price_max_ticks:
        state.refuse(command, command.instrument, Reason.PRICE_OUT_OF_RANGE, Role.ADMIN)
        return
    set_reference_price(state, instrument, command.price_ticks, command.operator)
    if instrument.phase == Phase.CONTINUOUS and state.tradable(instrument) and elected_stop(instrument):
        state.election = command.instrument


# What time brings.


def next_timer_ns(state: State) -> int:
    """When the next ClockTick is due, 0 when none is."""
    times = [expire_ns for expire_ns, _ in state.expiries.islice(0, 1)]
    for instrument in state.instruments.values():
        times += (instrument.end_ns, instrument.next_schedule_ns, instrument.indicative_ns)
    return min(filter(None, times), default=0)


def clock_tick(state: State) -> None:
    """Does one due thing: expiries, an auction's end, a schedule entry or an indicative price, in this order."""
    now_ns = state.stamp.time_ns
    if _expire_orders(state, now_ns):
        return
    by_id = sorted(state.instruments.items())
    for _, instrument in by_id:
        if 0 < instrument.end_ns <= now_ns:
            _end_auction(state, instrument, now_ns)
            return
    for _, instrument in by_id:
        if 0 < instrument.next_schedule_ns <= now_ns:
            _follow_schedule(state, instrument, now_ns)
            return
    for _, instrument in by_id:
        if 0 < instrument.indicative_ns <= now_ns:
            _announce_indicative(state, instrument)
            return


def _expire_orders(state: State, now_ns: int) -> bool:
    """GoodTillDate orders, the earliest expiry first; whether there was one."""
    due = [order for key, order in state.expiries.items()[: state.events_per_slice] if key[0] <= now_ns]
    for order in due:
        state.cancel(order, Reason.EXPIRED_GOOD_TILL_DATE)
    return bool(due)


def _end_auction(state: State, instrument: Instrument, now_ns: int) -> None:
    phase = Phase.CLOSED if instrument.phase == Phase.CLOSING_AUCTION else Phase.CONTINUOUS
    if phase == Phase.CONTINUOUS and not state.tradable(instrument):
        instrument.end_ns = now_ns + SECOND_NS
        return
    enter_phase(state, instrument, phase, PhaseCause.AUCTION_END)


def _follow_schedule(state: State, instrument: Instrument, now_ns: int) -> None:
    midnight_ns = now_ns - now_ns % DAY_NS
    last_due: list[tuple[int, int, int]] = []
    for entry in instrument.schedule.values():
        due_ns = midnight_ns + entry.second_of_day * SECOND_NS
        last_due.append((due_ns if due_ns <= now_ns else due_ns - DAY_NS, entry.entry, entry.phase))
    _, _, phase = max(last_due)
    if phase == Phase.CONTINUOUS and not state.tradable(instrument):
        instrument.next_schedule_ns = now_ns + SECOND_NS
        return
    instrument.next_schedule_ns = next_scheduled_ns(instrument, now_ns)
    enter_phase(state, instrument, phase, PhaseCause.SCHEDULE)


def next_scheduled_ns(instrument: Instrument, now_ns: int) -> int:
    """When the next entry of the daily schedule is due, 0 without any entry."""
    midnight_ns = now_ns - now_ns % DAY_NS
    times = [midnight_ns + entry.second_of_day * SECOND_NS for entry in instrument.schedule.values()]
    return min((due_ns if due_ns > now_ns else due_ns + DAY_NS for due_ns in times), default=0)


def _announce_indicative(state: State, instrument: Instrument) -> None:
    """What an uncross would give now, if that is news."""
    instrument.indicative_ns = 0
    result = auction_result(instrument)
    if result != instrument.indicative:
        instrument.indicative = result
        id_ = instrument.definition.instrument
        state.emit(AuctionIndicative(*state.head(), id_, instrument.phase, *result))
