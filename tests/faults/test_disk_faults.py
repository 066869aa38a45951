"""One round of every kind of disk and clock fault against the real engine, and proof that the checks can fail.

The long run is `python -m tests.faults.disk_rounds`; a seed that fails there fails here with the same number.
"""

from __future__ import annotations

import pytest

from engine.wire.messages import EpochStarted
from tests.faults import disk_checks as checks
from tests.faults.disk_engine import Record
from tests.faults.disk_rounds import KINDS, power_cut_without_sync, run_round

SEED = 4
SECOND_NS = 10**9


@pytest.mark.parametrize("kind", KINDS)
def test_a_round_of_every_kind_holds(kind: str) -> None:
    """Nothing acknowledged is lost, nothing is doubled, no answer is false, and every state is shown."""
    result = run_round(SEED, kind)
    print(result.line)
    assert result.breaches == []


@pytest.mark.parametrize("seed", range(1, 3))
def test_without_durability_the_same_checks_find_loss(seed: int) -> None:
    """durability = "none" under a power cut: a checker that stays silent here could not be believed elsewhere."""
    result = power_cut_without_sync(seed).result
    print(result.line)
    assert len(result.breaches) == 1
    assert result.breaches[0].startswith("lost ")


def epoch_started(epoch: int) -> bytes:
    """The first event of an epoch."""
    return EpochStarted(epoch, 1, 1, epoch, 1, epoch, 2, 1, b"VENUE", bytes(32)).encode()


def test_a_loss_within_the_bound_is_none_and_an_older_or_inner_one_is() -> None:
    """An end of the stream may go; an event older than the bound, or one that others follow, may not."""
    first, second, third = epoch_started(1), epoch_started(2), epoch_started(3)
    before = Record([first, second], [SECOND_NS, 2 * SECOND_NS])
    cut_ns = 2 * SECOND_NS + 100
    assert checks.loss_is_bounded(before, [first, second, third], cut_ns, 1) == []
    assert checks.loss_is_bounded(before, [first, third], cut_ns, 100) == []
    assert "ms before the cut" in checks.loss_is_bounded(before, [first, third], cut_ns, 99)[0]
    assert "no new epoch begins" in checks.loss_is_bounded(before, [first], cut_ns, 100)[0]
    assert "within its epoch" in checks.loss_is_bounded(before, [first, first], cut_ns, 100)[0]
    assert checks.nothing_lost(before, [first, second, third]) == []
    assert "lost 1 acknowledged" in checks.nothing_lost(before, [first, third])[0]
