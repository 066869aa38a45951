"""The batch we pack by hand is the batch an ABI encoder would send, and only one the contract could accept."""

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from settlement import contracts
from settlement.contracts import build
from settlement.vault import (
    AMOUNT_MAX,
    GAS_MAX,
    LEGS_MAX,
    SETTLE_BATCH_SELECTOR,
    Leg,
    VaultError,
    gas_limit,
    genesis_chain_head,
    legs_hash,
    next_chain_head,
    pack_legs,
    settle_batch_calldata,
    unpack_leg,
)

ROOT = keccak(b"fills")


@st.composite
def balanced_legs(draw: st.DrawFn) -> list[Leg]:
    """Legs of up to three assets, each summing to zero, in any order."""
    legs: list[Leg] = []
    for asset in draw(st.lists(st.integers(1, 65_535), max_size=3, unique=True)):
        debits = draw(
            st.dictionaries(st.integers(2, 2**48 - 1), st.integers(1, AMOUNT_MAX // 8), min_size=1, max_size=6)
        )
        legs += [Leg(asset, account_no, -amount) for account_no, amount in debits.items()]
        legs.append(Leg(asset, 1, sum(debits.values())))
    return draw(st.permutations(legs))


@given(
    legs=balanced_legs(), batch_id=st.integers(1, 2**64), first_seq=st.integers(1, 2**63), width=st.integers(0, 9**9)
)
def test_calldata_equals_the_abi_encoding(legs: list[Leg], batch_id: int, first_seq: int, width: int) -> None:
    """Hand-packed calldata is byte for byte what eth_abi encodes for settle_batch."""
    packed = pack_legs(legs)
    types = ["uint256", "uint256", "uint256", "bytes32", "uint256[]"]
    encoded = encode(types, [batch_id, first_seq, first_seq + width, ROOT, packed])
    expected = SETTLE_BATCH_SELECTOR + encoded
    assert settle_batch_calldata(batch_id, first_seq, first_seq + width, ROOT, packed) == expected


@given(legs=balanced_legs())
def test_packed_legs_ascend_and_unpack_to_what_was_given(legs: list[Leg]) -> None:
    """Packing orders legs by (asset, account) and loses nothing."""
    unpacked = [unpack_leg(word) for word in pack_legs(legs)]
    assert unpacked == sorted(legs, key=lambda leg: (leg.asset, leg.account_no))


@given(legs=balanced_legs())
def test_legs_hash_equals_the_abi_encoding(legs: list[Leg]) -> None:
    """legs_hash is the hash of abi.encode(uint256[])."""
    packed = pack_legs(legs)
    assert legs_hash(packed) == keccak(encode(["uint256[]"], [packed]))


def test_chain_head_equals_the_abi_encoding() -> None:
    """The hash chain is over abi.encode of its fields, from the chain id and the vault's address."""
    vault = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
    genesis = genesis_chain_head(31337, vault)  # type: ignore[arg-type]
    assert genesis == keccak(encode(["uint256", "address"], [31337, vault]))
    types = ["bytes32", "uint256", "uint256", "uint256", "bytes32", "bytes32"]
    expected = keccak(encode(types, [genesis, 1, 1, 9, ROOT, legs_hash([])]))
    assert next_chain_head(genesis, 1, 1, 9, ROOT, legs_hash([])) == expected


@pytest.mark.parametrize(
    ("legs", "message"),
    [
        ([Leg(1, 1, 5), Leg(1, 2, -4)], "sum to zero"),
        ([Leg(1, 1, 5), Leg(2, 1, -5)], "sum to zero"),
        ([Leg(1, 1, 5), Leg(1, 1, 5), Leg(1, 2, -10)], "two legs of asset 1, account 1"),
        ([Leg(1, 1, 5), Leg(1, 1, -5)], "two legs of asset 1, account 1"),
        ([Leg(1, 1, 0)], "zero or out of range"),
        ([Leg(1, 1, AMOUNT_MAX + 1), Leg(1, 2, -AMOUNT_MAX - 1)], "zero or out of range"),
        ([Leg(0, 1, 1), Leg(0, 2, -1)], "out of range"),
        ([Leg(65_536, 1, 1), Leg(65_536, 2, -1)], "out of range"),
        ([Leg(1, 0, 1), Leg(1, 2, -1)], "out of range"),
        ([Leg(1, 2**48, 1), Leg(1, 2, -1)], "out of range"),
        ([Leg(1, 1, LEGS_MAX), *(Leg(1, 2 + n, -1) for n in range(LEGS_MAX))], "a transaction's gas allows"),
    ],
)
def test_legs_the_contract_would_refuse_are_refused(legs: list[Leg], message: str) -> None:
    """What would revert whatever the balances are is an error before anything is signed."""
    with pytest.raises(VaultError, match=message):
        pack_legs(legs)


@pytest.mark.parametrize(
    ("batch_id", "first_seq", "last_seq", "root"),
    [(0, 1, 1, ROOT), (1, 0, 1, ROOT), (1, 2, 1, ROOT), (1, 1, 1, bytes(32)), (1, 1, 1, b"short")],
)
def test_a_batch_the_contract_would_refuse_is_refused(
    batch_id: int, first_seq: int, last_seq: int, root: bytes
) -> None:
    """An impossible batch id, range or root is an error before anything is signed."""
    with pytest.raises(VaultError):
        settle_batch_calldata(batch_id, first_seq, last_seq, root, [])


def test_gas_limit_stays_below_the_transaction_cap() -> None:
    """The largest batch fits EIP-7825's 2**24 gas, and one leg more is refused."""
    assert gas_limit(2) == 202_000
    assert gas_limit(LEGS_MAX) <= GAS_MAX < 2**24
    with pytest.raises(VaultError):
        gas_limit(LEGS_MAX + 1)


def test_the_artefact_names_the_function_we_pack() -> None:
    """The selector is that of the committed contract, not only of our idea of it."""
    entry = next(entry for entry in contracts.load("Vault").abi if entry.get("name") == "settle_batch")
    types = ",".join(argument["type"] for argument in entry["inputs"])
    assert keccak(text=f"settle_batch({types})")[:4] == SETTLE_BATCH_SELECTOR


def test_committed_artefacts_are_the_compiled_sources() -> None:
    """Re-compiling the contracts gives the committed bytes."""
    assert build.check() == []
