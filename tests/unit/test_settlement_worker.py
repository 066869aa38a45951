"""What the worker decides without a chain: what a node's words mean, what a replacement pays, which keys it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfg.model import Settlement
from settlement.chain import Answer, classify
from settlement.worker import GWEI, FeePolicy, KeyRefused, operator_key

POLICY = FeePolicy(cap_wei=200 * GWEI, tip_wei=GWEI, bump_percent=25)
KEY = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("transaction already imported", Answer.ACCEPTED),
        ("already known", Answer.ACCEPTED),
        ("nonce too low: next nonce 5, tx nonce 4", Answer.NONCE_TOO_LOW),
        ("replacement transaction underpriced", Answer.UNDERPRICED),
        ("max fee per gas less than block base fee", Answer.UNDERPRICED),
        ("insufficient funds for gas * price + value", Answer.NO_GAS_MONEY),
        ("execution timeout", Answer.OTHER),
    ],
)
def test_a_nodes_words_are_understood(text: str, answer: Answer) -> None:
    """Texts of geth and anvil mean the same to us."""
    assert classify(text) is answer


def test_a_replacement_pays_at_least_a_quarter_more() -> None:
    """Both fields rise by the percentage, rounded up, and at least to twice the base fee."""
    assert POLICY.bumped(10 * GWEI, GWEI, 1) == (12_500_000_000, 1_250_000_000)
    max_fee, tip = POLICY.bumped(10 * GWEI, GWEI, 50 * GWEI) or (0, 0)
    assert (max_fee, tip) == (101_250_000_000, 1_250_000_000)


def test_no_transaction_pays_more_than_the_cap() -> None:
    """First and replacement stay at the cap; a replacement that nodes would refuse is not made at all."""
    assert POLICY.first(10**12) == (200 * GWEI, GWEI)
    assert POLICY.bumped(170 * GWEI, GWEI, 0) == (200 * GWEI, 1_250_000_000)
    assert POLICY.bumped(190 * GWEI, GWEI, 0) is None
    assert POLICY.bumped(200 * GWEI, GWEI, 10**12) is None


@pytest.mark.parametrize("tip", [0, 1, 2, 7])
def test_small_tips_are_still_replaced_by_valid_ones(tip: int) -> None:
    """Rounding never makes a replacement that is less than a tenth dearer."""
    bumped = POLICY.bumped(GWEI, tip, 0)
    assert bumped is not None
    assert 10 * bumped[1] >= 11 * tip


def key_file(tmp_path: Path, text: str, mode: int) -> Settlement:
    """Settings that name a key file."""
    path = tmp_path / "key"
    path.touch(mode=mode)
    path.write_text(text)
    return Settlement(operator_key_file=str(path))


def test_a_key_only_its_owner_can_read_is_taken(tmp_path: Path) -> None:
    """Hexadecimal digits, with or without 0x, in a 0600 file."""
    key = operator_key(key_file(tmp_path, "0x" + KEY + "\n", 0o600))
    assert key.address == "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        (KEY, 0o640, "0600"),
        (KEY, 0o604, "0600"),
        ("no key", 0o600, "is not a private key"),
        ("", 0o600, "not a private"),
    ],
)
def test_a_key_that_is_open_or_broken_is_refused(tmp_path: Path, text: str, mode: int, message: str) -> None:
    """Others may not read it, and it must be a key; the error never shows what is in the file."""
    with pytest.raises(KeyRefused, match=message) as refused:
        operator_key(key_file(tmp_path, text, mode))
    assert not text or text not in str(refused.value)


def test_without_a_key_settlement_refuses_to_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No file and no credential: the error names both."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(KeyRefused, match="operator_key_file"):
        operator_key(Settlement())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(KeyRefused, match="cannot be read"):
        operator_key(Settlement())
