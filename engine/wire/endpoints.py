"""Where the daemons meet: one ZeroMQ ipc socket per role, named from the run directory.

Authority goes by endpoint: the engine accepts a command only on the socket of the role that may send it (DESIGN
section 2, rule 11).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.wire.messages import (
    CancelOrder,
    Checkpoint,
    Credit,
    EndOfDay,
    KillSwitchSet,
    MarketMakerProtectionReset,
    MassCancel,
    NewOrder,
    OperatorCancel,
    PhaseSet,
    ReferencePriceSet,
    ReplaceOrder,
    Role,
    SessionAttach,
    SettlementStatus,
    TradeBust,
    TradingStateSet,
    Transfer,
)

# Templates each role may send; reference data, EpochStart, Continue, ClockTick and StateHash come only from the engine
# daemon itself (Role.INTERNAL).
ALLOWED: dict[Role, frozenset[int]] = {
    Role.GATEWAY: frozenset(m.TEMPLATE_ID for m in (SessionAttach, NewOrder, CancelOrder, ReplaceOrder, MassCancel)),
    Role.SETTLEMENT: frozenset(m.TEMPLATE_ID for m in (Credit, Checkpoint, SettlementStatus)),
    Role.ADMIN: frozenset(
        m.TEMPLATE_ID
        for m in (
            *(TradingStateSet, EndOfDay, PhaseSet, ReferencePriceSet, MarketMakerProtectionReset),
            *(KillSwitchSet, OperatorCancel, Transfer, TradeBust),
        )
    ),
}


@dataclass(frozen=True)
class EngineEndpoints:
    """ipc:// endpoints of the engine below `run_dir`; peers connect, the engine binds.

    gateway, settlement, admin: the engine's ROUTER sockets for commands; peers use DEALER with a routing id. Nothing
    is ever sent back on them.
    events: ROUTER; consumers use DEALER *with the same routing id as on their command socket*, send Hello, get
    HelloAck, EVENTS frames,
    Heartbeat, CutOff, and the Gap and Refused answers to their commands.
    replay: ROUTER; ReplayRequest -> one REPLAY frame.
    """

    run_dir: Path

    def _endpoint(self, name: str) -> str:
        return f"ipc://{self.run_dir / 'engine' / name}.sock"

    @property
    def gateway(self) -> str:
        return self._endpoint("gateway")

    @property
    def settlement(self) -> str:
        return self._endpoint("settlement")

    @property
    def admin(self) -> str:
        return self._endpoint("admin")

    @property
    def events(self) -> str:
        return self._endpoint("events")

    @property
    def replay(self) -> str:
        return self._endpoint("replay")


def counters_path(run_dir: Path, daemon: str) -> Path:
    """The mmap'd counters file of one daemon (engine.wire.counters)."""
    return run_dir / daemon / "counters"
