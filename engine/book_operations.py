"""What operators and settlement do to the reference core's money and orders: credits, transfers, busts, kill switches.

The sum of an asset over all accounts changes by Credit alone; whatever else moves it takes as much as it gives.
"""

from __future__ import annotations

from engine.book_jobs import start, start_cancel
from engine.book_orders import valid_clordid
from engine.book_state import INT64_MAX, CancelFilter, Job, JobKind, RememberedTrade, State
from engine.wire.messages import (
    AccountKind,
    CancelRejected,
    Checkpoint,
    Credit,
    Credited,
    EndOfDay,
    KillScope,
    KillSwitchChanged,
    KillSwitchSet,
    MarketMakerProtectionChanged,
    MarketMakerProtectionReset,
    MassCancel,
    OperatorCancel,
    OrderStatus,
    Reason,
    RequestKind,
    Role,
    SettlementState,
    SettlementStatus,
    SettlementStatusChanged,
    Side,
    TradeBust,
    TradeBusted,
    Transfer,
    Transferred,
)

# Money.


def credit(state: State, command: Credit) -> None:
    """New money from the chain; a refused deposit keeps its number for the corrected one."""
    if command.account not in state.accounts:
        fault = Reason.UNKNOWN_ACCOUNT
    elif command.asset not in state.assets:
        fault = Reason.UNKNOWN_ASSET
    elif command.amount_units < 1 or state.totals.get(command.asset, 0) + command.amount_units > INT64_MAX:
        fault = Reason.INVALID_AMOUNT
    else:
        fault = Reason.NONE
    if fault:
        state.refuse(command, command.deposit_seq, fault, Role.SETTLEMENT)
        return
    state.move(command.account, command.asset, command.amount_units)
    state.totals[command.asset] = state.totals.get(command.asset, 0) + command.amount_units
    state.settings.mix = None
    state.last_deposit_seq = command.deposit_seq
    state.emit(
        Credited(
            *state.head(),
            account=command.account,
            asset=command.asset,
            amount_units=command.amount_units,
            available_units=state.balance(command.account, command.asset)[0],
            deposit_seq=command.deposit_seq,
            block_number=command.block_number,
            transaction_hash=command.transaction_hash,
        )
    )


def transfer(state: State, command: Transfer) -> None:
    """A credit line drawn or paid back."""
    fault = _transfer_fault(state, command)
    if fault:
        state.refuse(command, command.transfer_seq, fault, Role.ADMIN)
        return
    state.move(command.from_account, command.asset, -command.amount_units)
    state.move(command.to_account, command.asset, command.amount_units)
    state.last_transfer_seq = command.transfer_seq
    state.emit(
        Transferred(
            *state.head(),
            transfer_seq=command.transfer_seq,
            from_account=command.from_account,
            to_account=command.to_account,
            asset=command.asset,
            amount_units=command.amount_units,
            from_available_units=state.balance(command.from_account, command.asset)[0],
            to_available_units=state.balance(command.to_account, command.asset)[0],
            operator=command.operator,
        )
    )


def _transfer_fault(state: State, command: Transfer) -> Reason:
    from_account, to_account = state.accounts.get(command.from_account), state.accounts.get(command.to_account)
    if from_account is None or to_account is None:
        return Reason.UNKNOWN_ACCOUNT
    if command.asset not in state.assets:
        return Reason.UNKNOWN_ASSET
    kinds = from_account.definition.kind, to_account.definition.kind
    if command.from_account == command.to_account or AccountKind.LENDER not in kinds or AccountKind.SUSPENSE in kinds:
        return Reason.INVALID_REFERENCE
    if command.amount_units < 1:
        return Reason.INVALID_AMOUNT
    if state.balance(command.from_account, command.asset)[0] < command.amount_units:
        return Reason.INSUFFICIENT_FUNDS
    return Reason.NONE


def bust_trade(state: State, command: TradeBust) -> None:
    """Takes a trade's money and positions back, or nothing at all. Orders and statistics stay as they are."""
    fault = _bust_fault(state, command)
    sides = _bust_sides(state, command) if not fault else None
    if sides is None:
        state.refuse(command, command.trade_id, fault or Reason.CANNOT_COVER, Role.ADMIN)
        return
    trade = state.trades[command.trade_id]
    _move_back(state, trade, *sides)
    trade.busted, trade.mix = True, None
    maker_is_buyer = trade.taker_side == Side.SELL
    buyer, seller = (trade.buyer_order_id, trade.buyer_session), (trade.seller_order_id, trade.seller_session)
    maker, taker = (buyer, seller) if maker_is_buyer else (seller, buyer)
    state.emit(
        TradeBusted(
            *state.head(),
            trade_id=trade.trade_id,
            price_ticks=trade.price_ticks,
            quantity_lots=trade.quantity_lots,
            notional_units=trade.notional_units,
            buyer_fee_units=trade.buyer_fee_units,
            seller_fee_units=trade.seller_fee_units,
            buyer_account=trade.buyer_account,
            seller_account=trade.seller_account,
            buyer_side_account=sides[0],
            seller_side_account=sides[1],
            maker_order_id=maker[0],
            taker_order_id=taker[0],
            maker_session=maker[1],
            taker_session=taker[1],
            instrument=trade.instrument,
            taker_side=trade.taker_side,
            operator=command.operator,
            reason_text=command.reason_text,
        )
    )


def _bust_fault(state: State, command: TradeBust) -> Reason:
    trade = state.trades.get(command.trade_id)
    if trade is None:
        return Reason.UNKNOWN_TRADE
    if trade.busted:
        return Reason.ALREADY_BUSTED
    if command.guarantor and command.guarantor not in state.accounts:
        return Reason.UNKNOWN_ACCOUNT
    if not command.guarantor:
        return Reason.NONE
    if state.accounts[command.guarantor].definition.kind in (AccountKind.FEE, AccountKind.SUSPENSE):
        return Reason.INVALID_REFERENCE
    return Reason.NONE


def _bust_sides(state: State, command: TradeBust) -> tuple[int, int] | None:
    """Who gives back for the buyer and for the seller: itself, else the guarantor; None when somebody can't."""
    trade = state.trades[command.trade_id]
    definition = state.instruments[trade.instrument].definition
    proceeds_units = trade.notional_units - trade.seller_fee_units

    def who_covers(account: int, asset: int, units: int) -> int | None:
        candidates = (account, command.guarantor) if command.guarantor else (account,)
        return next((id_ for id_ in candidates if state.balance(id_, asset)[0] >= units), None)

    buyer_side = who_covers(trade.buyer_account, definition.base, trade.quantity_lots * definition.lot_units)
    seller_side = who_covers(trade.seller_account, definition.quote, proceeds_units)
    if buyer_side is None or seller_side is None:
        return None
    assert state.fee_account is not None, "it got the fees of this trade"
    left_units = state.balance(state.fee_account, definition.quote)[0]
    left_units -= trade.buyer_fee_units + trade.seller_fee_units
    if buyer_side == state.fee_account:
        left_units += trade.notional_units + trade.buyer_fee_units
    if seller_side == state.fee_account:
        left_units -= proceeds_units
    return (buyer_side, seller_side) if left_units >= 0 else None


def _move_back(state: State, trade: RememberedTrade, buyer_side: int, seller_side: int) -> None:
    assert state.fee_account is not None
    definition = state.instruments[trade.instrument].definition
    base_units = trade.quantity_lots * definition.lot_units
    state.move(buyer_side, definition.base, -base_units)
    state.move(seller_side, definition.base, base_units)
    state.move(buyer_side, definition.quote, trade.notional_units + trade.buyer_fee_units)
    state.move(seller_side, definition.quote, trade.seller_fee_units - trade.notional_units)
    state.move(state.fee_account, definition.quote, -trade.buyer_fee_units - trade.seller_fee_units)
    state.exposure_of(trade.buyer_account, trade.instrument).position_lots -= trade.quantity_lots
    state.exposure_of(trade.seller_account, trade.instrument).position_lots += trade.quantity_lots


def settlement_status(state: State, command: SettlementStatus) -> None:
    known = SettlementState.CUT <= command.state <= SettlementState.FINAL
    if not known or command.first_sequence > command.last_sequence:
        state.refuse(command, command.batch, Reason.INVALID_STATE, Role.SETTLEMENT)
        return
    state.last_batch = max(state.last_batch, command.batch)
    if command.state == SettlementState.FINAL:
        state.final_batch = command.batch
    state.emit(SettlementStatusChanged(*state.head(), *command[:5], command.transaction_hash))


def begin_checkpoint(state: State, command: Checkpoint) -> None:
    state.last_checkpoint = command.checkpoint
    start(state, Job(JobKind.CHECKPOINT))


def begin_end_of_day(state: State, command: EndOfDay) -> None:
    state.day = command.day
    state.forget_clordids()
    start(state, Job(JobKind.END_OF_DAY))


# Cancels by the many, and what blocks new business.


def mass_cancel(state: State, command: MassCancel) -> None:
    """A client cancels its session's orders, all of them or those of an account, an instrument, a side."""
    state.take_client_seq(command.session, command.client_seq)
    fault = _mass_cancel_fault(state, command)
    if fault:
        state.emit(
            CancelRejected(
                *state.head(),
                session=command.session,
                session_epoch=command.session_epoch,
                client_seq=command.client_seq,
                order_id=0,
                reason=fault,
                request=RequestKind.MASS_CANCEL,
                order_status=OrderStatus.UNKNOWN,
                clordid=command.clordid,
                orig_clordid=b"",
            )
        )
        return
    wanted = CancelFilter(
        Reason.CANCELED_MASS_CANCEL,
        account=command.account,
        session=command.session,
        instrument=command.instrument,
        side=command.side,
        session_epoch=state.sessions[command.session].session_epoch,
        client_seq=command.client_seq,
        clordid=command.clordid,
    )
    start_cancel(state, wanted)


def _mass_cancel_fault(state: State, command: MassCancel) -> Reason:
    if not valid_clordid(command.clordid):
        return Reason.INVALID_CL_ORD_ID
    if command.instrument and command.instrument not in state.instruments:
        return Reason.UNKNOWN_INSTRUMENT
    account = state.accounts.get(command.account)
    if command.account and account is None:
        return Reason.UNKNOWN_ACCOUNT
    if account and account.definition.participant != state.sessions[command.session].definition.participant:
        return Reason.ACCOUNT_NOT_PERMITTED
    return Reason.INVALID_SIDE if command.side > Side.SELL else Reason.NONE


def operator_cancel(state: State, command: OperatorCancel) -> None:
    if command.session and command.session not in state.sessions:
        state.refuse(command, command.session, Reason.UNKNOWN_SESSION, Role.ADMIN)
    elif command.account and command.account not in state.accounts:
        state.refuse(command, command.account, Reason.UNKNOWN_ACCOUNT, Role.ADMIN)
    elif command.instrument and command.instrument not in state.instruments:
        state.refuse(command, command.instrument, Reason.UNKNOWN_INSTRUMENT, Role.ADMIN)
    elif command.side > Side.SELL:
        state.refuse(command, command.side, Reason.INVALID_SIDE, Role.ADMIN)
    else:
        start_cancel(
            state,
            CancelFilter(
                Reason.CANCELED_BY_OPERATOR,
                account=command.account,
                session=command.session,
                instrument=command.instrument,
                side=command.side,
            ),
        )


def set_kill_switch(state: State, command: KillSwitchSet) -> None:
    """Blocks new business of the scope and cancels what it has; releasing it only ends the block."""
    fault = _kill_switch_fault(state, command)
    if fault:
        state.refuse(command, command.id, fault, Role.ADMIN)
        return
    engaged, reason = command.engaged == 1, Reason.CANCELED_KILL_SWITCH
    match command.scope:
        case KillScope.ACCOUNT:
            state.accounts[command.id].killed, state.accounts[command.id].mix = engaged, None
            wanted = CancelFilter(reason, account=command.id)
        case KillScope.SESSION:
            state.sessions[command.id].killed, state.sessions[command.id].mix = engaged, None
            wanted = CancelFilter(reason, session=command.id)
        case KillScope.PARTICIPANT:
            (state.killed_participants.add if engaged else state.killed_participants.discard)(command.id)
            wanted = CancelFilter(reason, participant=command.id)
        case _:
            state.venue_killed = engaged
            wanted = CancelFilter(reason)
    state.emit(KillSwitchChanged(*state.head(), *command))
    if engaged:
        start_cancel(state, wanted)


def _kill_switch_fault(state: State, command: KillSwitchSet) -> Reason:
    if not KillScope.ACCOUNT <= command.scope <= KillScope.VENUE:
        return Reason.INVALID_STATE
    match command.scope:
        case KillScope.ACCOUNT:
            known = command.id in state.accounts
        case KillScope.SESSION:
            known = command.id in state.sessions
        case KillScope.PARTICIPANT:
            participants = {account.definition.participant for account in state.accounts.values()}
            known = command.id in participants | {session.definition.participant for session in state.sessions.values()}
        case _:
            known = command.id == 0
    if not known:
        return Reason.INVALID_REFERENCE
    return Reason.NONE if command.engaged in (0, 1) else Reason.INVALID_STATE


def reset_protection(state: State, command: MarketMakerProtectionReset) -> None:
    """The account may quote again."""
    protection = state.protections.get((command.account, command.instrument))
    if protection is None or not protection.tripped:
        state.refuse(command, command.account, Reason.INVALID_STATE, Role.ADMIN)
        return
    protection.tripped = False
    head = state.head()
    state.emit(MarketMakerProtectionChanged(*head, command.account, command.instrument, 0, command.operator))
