"""The demo's audit against the reference core: sums of its own must agree with every checkpoint, whatever happened."""

from __future__ import annotations

from pathlib import Path

import pytest
import zmq

from engine.wire.endpoints import EngineEndpoints
from engine.wire.messages import AccountKind
from ops.audit import Audit
from tests.fixtures.fix_mdfeed import Venue

STEPS = 2_500


@pytest.mark.parametrize("seed", [31, 32, 33])
def test_the_audits_sums_agree_with_every_checkpoint(seed: int, tmp_path: Path) -> None:
    """Trades with rebates, busts and transfers between accounts included; of guarantors: test_guarantors."""
    venue = Venue(seed)
    with zmq.Context[zmq.Socket[bytes]]() as context:
        audit = Audit(context, EngineEndpoints(tmp_path), fee_account=1)
        for events in venue.steps(STEPS):
            for event in events:
                audit.take(memoryview(event.encode()))
        assert venue.core.accounts[1].definition.kind == AccountKind.FEE
        assert audit.differences == []
        assert audit.checkpoints > 1 and venue.reached["TradeBusted"] and venue.reached["Transferred"]
        audit.close()
