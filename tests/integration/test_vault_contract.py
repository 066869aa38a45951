"""The committed vault on a real EVM: what it accepts moves exactly what it says, what it refuses changes nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak
from web3 import Web3
from web3.exceptions import ContractLogicError

from settlement.contracts.build import compile_contract
from settlement.deploy import DeployError, Sender, address_of, development_key, encode_call, wait_for_receipt
from settlement.devchain import DevChain
from settlement.vault import (
    FEE_ACCOUNT,
    LEGS_MAX,
    Leg,
    gas_limit,
    genesis_chain_head,
    legs_hash,
    next_chain_head,
    pack_legs,
    settle_batch_calldata,
)
from tests.fixtures.fix_chain import BASE, QUOTE, VaultOnChain, await_dump, deploy_vault, wait_until

ROOT = keccak(b"fills")
ALICE, BOB = 2, 3
BTC = 10**18
USD = 10**6
HOSTILE_TOKENS = Path(__file__).parent / "hostile_tokens"

# Alice buys 2 BTC from Bob at 30,000; each pays a fee of 3.
TRADE = (
    Leg(1, ALICE, 2 * BTC),
    Leg(1, BOB, -2 * BTC),
    Leg(2, ALICE, -60_003 * USD),
    Leg(2, BOB, 59_997 * USD),
    Leg(2, FEE_ACCOUNT, 6 * USD),
)


@pytest.fixture
def funded(vault: VaultOnChain) -> VaultOnChain:
    """Alice has 100,000 USD, Bob 10 BTC."""
    vault.deposit(vault.alice_key, QUOTE.asset, 100_000 * USD)
    vault.deposit(vault.bob_key, BASE.asset, 10 * BTC)
    return vault


def state_of(vault: VaultOnChain) -> dict[str, Any]:
    """Everything a refused transaction must leave alone."""
    client = vault.client
    pairs = [(account, asset) for account in range(1, 5) for asset in (1, 2)]
    return {
        "balances": client.balances_of(pairs),
        "totals": (client.total(1), client.total(2)),
        "batch": (client.last_batch(), client.last_seq(), client.chain_head()),
        "deposits": (client.last_deposit(), client.account_count()),
    }


def refusal(vault: VaultOnChain, key: str, data: bytes) -> str:
    """Why the vault refuses the call; the transaction is sent for real as well, and must revert without any effect."""
    web3 = vault.client.web3
    before = state_of(vault)
    with pytest.raises(ContractLogicError) as refused:
        web3.eth.call({"from": address_of(key), "to": vault.client.address, "data": Web3.to_hex(data)})
    sent = Sender(web3, key).send(vault.client.address, data, gas=2_000_000)
    with pytest.raises(DeployError, match="reverted"):
        wait_for_receipt(web3, sent, "refused call")
    assert state_of(vault) == before
    return str(refused.value)


def transact(vault: VaultOnChain, key: str, data: bytes, gas: int = 400_000) -> Any:
    """Sends a call that must succeed."""
    web3 = vault.client.web3
    return wait_for_receipt(web3, Sender(web3, key).send(vault.client.address, data, gas), "call")


def settle(vault: VaultOnChain, batch_id: int, first_seq: int, last_seq: int, legs: tuple[Leg, ...]) -> Any:
    data = settle_batch_calldata(batch_id, first_seq, last_seq, ROOT, pack_legs(legs))
    return transact(vault, vault.deployment.operator_key, data, gas_limit(len(legs)))


def batch(words: list[int], batch_id: int = 1, first_seq: int = 1, last_seq: int = 9, root: bytes = ROOT) -> bytes:
    """Calldata with whatever words and numbers, right or wrong."""
    return encode_call("Vault", "settle_batch", batch_id, first_seq, last_seq, root, words)


def raw_leg(asset: int, account_no: int, amount: int) -> int:
    """A leg's word without pack_legs' checks."""
    return (asset << 48 | account_no) << 192 | (1 << 191 if amount < 0 else 0) | abs(amount)


def test_a_new_vault_knows_its_roles_assets_and_fee_account(vault: VaultOnChain) -> None:
    """Assets as listed, the fee account number 1, nothing settled, the hash chain bound to chain and address."""
    client, deployment = vault.client, vault.deployment
    assert client.asset_count() == 2
    assert client.asset(1).token == deployment.tokens[1]
    assert client.asset(1).unit_scale == 10**10
    assert client.asset(2).unit_scale == 1
    assert client.account_of(deployment.fee_owner) == FEE_ACCOUNT
    assert client.owner_of_account(FEE_ACCOUNT) == deployment.fee_owner
    assert (client.account_count(), client.last_batch(), client.last_seq(), client.last_deposit()) == (1, 0, 0, 0)
    assert client.chain_head() == genesis_chain_head(deployment.chain_id, deployment.vault)


def test_deposits_are_numbered_without_gaps_and_open_accounts(vault: VaultOnChain) -> None:
    """Deposit and account numbers are contiguous; a second deposit of an address uses the same account."""
    made = [
        vault.deposit(vault.alice_key, 2, 5 * USD),
        vault.deposit(vault.bob_key, 1, 3 * BTC),
        vault.deposit(vault.alice_key, 2, 7 * USD),
    ]
    assert [deposit.deposit_seq for deposit in made] == [1, 2, 3]
    assert [deposit.account_no for deposit in made] == [ALICE, BOB, ALICE]
    assert [deposit.depositor for deposit in made] == [
        address_of(vault.alice_key),
        address_of(vault.bob_key),
        address_of(vault.alice_key),
    ]
    assert vault.client.balances_of([(ALICE, 2), (BOB, 1), (ALICE, 1)]) == {
        (ALICE, 2): 12 * USD,
        (BOB, 1): 3 * BTC,
        (ALICE, 1): 0,
    }
    assert (vault.client.total(1), vault.client.total(2)) == (3 * BTC, 12 * USD)
    assert vault.client.solvent(1)
    assert vault.client.solvent(2)
    assert vault.client.deposits(made[1].block_hash) == [made[1]]


def test_a_batch_moves_exactly_its_legs(funded: VaultOnChain) -> None:
    """Balances change by the legs, totals do not change, and root, ranges and hash chain are recorded."""
    receipt = settle(funded, 1, 1, 4, TRADE)
    client = funded.client
    assert client.balances_of([(FEE_ACCOUNT, 2), (ALICE, 1), (ALICE, 2), (BOB, 1), (BOB, 2)]) == {
        (FEE_ACCOUNT, 2): 6 * USD,
        (ALICE, 1): 2 * BTC,
        (ALICE, 2): 39_997 * USD,
        (BOB, 1): 8 * BTC,
        (BOB, 2): 59_997 * USD,
    }
    assert (client.total(1), client.total(2)) == (10 * BTC, 100_000 * USD)
    assert (client.last_batch(), client.last_seq(), client.root_of(1)) == (1, 4, ROOT)
    digest = legs_hash(pack_legs(TRADE))
    genesis = genesis_chain_head(funded.deployment.chain_id, funded.deployment.vault)
    assert client.chain_head() == next_chain_head(genesis, 1, 1, 4, ROOT, digest)
    (event,) = client.batches(bytes(receipt["blockHash"]))
    assert (event.batch_id, event.first_seq, event.last_seq) == (1, 1, 4)
    assert (event.fills_root, event.legs_hash, event.chain_head) == (ROOT, digest, client.chain_head())


def test_batches_continue_where_the_last_one_ended(funded: VaultOnChain) -> None:
    """The next range is accepted, also without legs; the same batch again is not."""
    settle(funded, 1, 1, 4, TRADE)
    settle(funded, 2, 5, 5, ())
    settle(funded, 3, 6, 90, (Leg(1, ALICE, -BTC), Leg(1, BOB, BTC)))
    assert (funded.client.last_batch(), funded.client.last_seq()) == (3, 90)
    again = batch(pack_legs(TRADE), batch_id=1, first_seq=1, last_seq=4)
    assert "batch: not the next id" in refusal(funded, funded.deployment.operator_key, again)


UNIT_TRADE = pack_legs([Leg(1, ALICE, 1), Leg(1, BOB, -1)])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (batch(UNIT_TRADE, batch_id=2), "batch: not the next id"),
        (batch(UNIT_TRADE, batch_id=0), "batch: not the next id"),
        (batch(UNIT_TRADE, first_seq=2), "batch: sequence gap"),
        (batch(UNIT_TRADE, first_seq=0), "batch: sequence gap"),
        (batch(UNIT_TRADE, last_seq=0), "batch: empty range"),
        (batch(UNIT_TRADE, root=bytes(32)), "batch: no root"),
        (batch(UNIT_TRADE[::-1]), "legs: not ascending"),
        (batch([raw_leg(1, ALICE, 1), raw_leg(1, ALICE, -1)]), "legs: not ascending"),
        (batch([raw_leg(2, ALICE, -1), raw_leg(2, BOB, 1), *UNIT_TRADE]), "legs: not ascending"),
        (batch([raw_leg(0, ALICE, 1), raw_leg(0, BOB, -1)]), "legs: not ascending"),
        (batch([raw_leg(1, ALICE, 2), raw_leg(1, BOB, -1)]), "legs: not zero-sum"),
        (batch([raw_leg(1, BOB, -1), raw_leg(2, BOB, 1)]), "legs: not zero-sum"),
        (batch([*UNIT_TRADE, raw_leg(2, ALICE, -1)]), "legs: not zero-sum"),
        (batch([raw_leg(1, BOB, -1), raw_leg(1, 4, 1)]), "legs: unknown account"),
        (batch([raw_leg(1, 0, 1), raw_leg(1, BOB, -1)]), "legs: unknown account"),
        (batch([raw_leg(3, ALICE, 1), raw_leg(3, BOB, -1)]), "legs: unknown asset"),
        (batch([raw_leg(1, ALICE, 0), raw_leg(1, BOB, 0)]), "legs: zero amount"),
        (batch([raw_leg(1, ALICE, 10 * BTC + 1), raw_leg(1, BOB, -10 * BTC - 1)]), "legs: overdraft"),
        (batch([raw_leg(1, ALICE, -1), raw_leg(1, BOB, 1)]), "legs: overdraft"),
    ],
)
def test_a_wrong_batch_reverts_and_changes_nothing(funded: VaultOnChain, data: bytes, reason: str) -> None:
    """Each guard of settle_batch refuses what it is there for."""
    assert reason in refusal(funded, funded.deployment.operator_key, data)


def test_a_batch_over_the_asset_limit_reverts(vault: VaultOnChain) -> None:
    """The gross debit of an asset may reach its batch limit and not exceed it by one unit."""
    vault.deposit(vault.alice_key, 1, 10_000 * BTC)
    vault.deposit(vault.bob_key, 1, BTC)
    over = BASE.batch_limit + 1
    data = batch([raw_leg(1, ALICE, -over), raw_leg(1, BOB, over)])
    assert "legs: over batch limit" in refusal(vault, vault.deployment.operator_key, data)
    settle(vault, 1, 1, 1, (Leg(1, ALICE, -BASE.batch_limit), Leg(1, BOB, BASE.batch_limit)))


def test_only_the_operator_settles(funded: VaultOnChain) -> None:
    """Neither owner, guardian nor a client may settle."""
    deployment = funded.deployment
    for key in (deployment.owner_key, deployment.guardian_key, funded.alice_key):
        assert "caller: not operator" in refusal(funded, key, batch(UNIT_TRADE))


def test_a_pause_stops_settlement_and_deposits_until_the_owner_ends_it(funded: VaultOnChain) -> None:
    """The guardian may pause and not unpause; the operator and clients may do neither."""
    deployment = funded.deployment
    pause, unpause = encode_call("Vault", "pause"), encode_call("Vault", "unpause")
    for key in (deployment.operator_key, funded.alice_key):
        assert "caller: not guardian or owner" in refusal(funded, key, pause)
    transact(funded, deployment.guardian_key, pause)
    assert funded.client.paused()
    assert "paused" in refusal(funded, deployment.operator_key, batch(UNIT_TRADE))
    assert "paused" in refusal(funded, funded.alice_key, encode_call("Vault", "deposit", 2, USD))
    assert "caller: not owner" in refusal(funded, deployment.guardian_key, unpause)
    transact(funded, deployment.owner_key, unpause)
    settle(funded, 1, 1, 4, TRADE)


@pytest.mark.parametrize(
    ("asset", "amount", "reason"),
    [
        (1, 0, "amount: not whole engine units"),
        (1, 10**10 - 1, "amount: not whole engine units"),
        (1, BTC + 1, "amount: not whole engine units"),
        (0, BTC, "asset: unknown"),
        (3, BTC, "asset: unknown"),
        (1, 2**63 * 10**10, "amount: beyond the engine's range"),
        (1, 1_000_001 * BTC, "balance: too low"),
    ],
)
def test_a_wrong_deposit_reverts_and_changes_nothing(vault: VaultOnChain, asset: int, amount: int, reason: str) -> None:
    """A deposit the engine could not count, or the token does not cover, is refused and opens no account."""
    assert reason in refusal(vault, vault.alice_key, encode_call("Vault", "deposit", asset, amount))


def test_roles_are_three_keys_and_ownership_changes_in_two_steps(vault: VaultOnChain) -> None:
    """The owner alone appoints; no key holds two roles; a new owner has to accept."""
    deployment = vault.deployment
    newcomer = development_key(6)
    offer = encode_call("Vault", "transfer_ownership", address_of(newcomer))
    for name in ("set_operator", "set_guardian", "transfer_ownership"):
        call = encode_call("Vault", name, address_of(newcomer))
        assert "caller: not owner" in refusal(vault, deployment.operator_key, call)
    shared = encode_call("Vault", "set_operator", address_of(deployment.guardian_key))
    assert "role: shared key" in refusal(vault, deployment.owner_key, shared)
    nobody = encode_call("Vault", "set_guardian", "0x" + "00" * 20)
    assert "role: zero" in refusal(vault, deployment.owner_key, nobody)

    transact(vault, deployment.owner_key, offer)
    accept = encode_call("Vault", "accept_ownership")
    assert "caller: not pending owner" in refusal(vault, deployment.guardian_key, accept)
    transact(vault, newcomer, accept)
    assert "caller: not owner" in refusal(vault, deployment.owner_key, offer)
    transact(vault, newcomer, encode_call("Vault", "set_operator", address_of(deployment.owner_key)))


def test_a_replaced_operator_can_no_longer_settle(funded: VaultOnChain) -> None:
    """set_operator takes effect at once, for the old key and the new."""
    newcomer = development_key(6)
    transact(funded, funded.deployment.owner_key, encode_call("Vault", "set_operator", address_of(newcomer)))
    assert "caller: not operator" in refusal(funded, funded.deployment.operator_key, batch(UNIT_TRADE))
    transact(funded, newcomer, batch(UNIT_TRADE))


def deploy_hostile(vault: VaultOnChain, name: str) -> Any:
    """A token from hostile_tokens, listed as asset 3."""
    artefact = compile_contract(HOSTILE_TOKENS / f"{name}.vy")
    web3 = vault.client.web3
    owner = Sender(web3, vault.deployment.owner_key)
    address = owner.created_address()
    wait_for_receipt(web3, owner.send(None, bytes.fromhex(artefact["bytecode"][2:]), 2_000_000), f"deploy {name}")
    transact(vault, vault.deployment.owner_key, encode_call("Vault", "list_asset", 3, address, 6, 6, 10**12))
    return web3.eth.contract(address=address, abi=artefact["abi"])


def call_token(vault: VaultOnChain, token: Any, name: str, *arguments: Any) -> None:
    web3 = vault.client.web3
    data = bytes.fromhex(token.encode_abi(name, args=list(arguments))[2:])
    wait_for_receipt(web3, Sender(web3, vault.deployment.owner_key).send(token.address, data), name)


def test_a_token_that_keeps_a_fee_cannot_be_deposited(vault: VaultOnChain) -> None:
    """What arrives counts: a deposit of which less arrives reverts as a whole."""
    token = deploy_hostile(vault, "FeeToken")
    call_token(vault, token, "mint", address_of(vault.alice_key), 1_000)
    reason = refusal(vault, vault.alice_key, encode_call("Vault", "deposit", 3, 1_000))
    assert "token: another amount arrived" in reason
    assert token.functions.balanceOf(vault.client.address).call() == 0


def test_a_token_that_deposits_again_inside_a_deposit_is_credited_once(vault: VaultOnChain) -> None:
    """The inner deposit is refused, so one transfer is never counted twice."""
    token = deploy_hostile(vault, "ReentrantToken")
    call_token(vault, token, "set_asset", 3)
    vault.deposit(vault.alice_key, 3, 1_000)
    assert token.functions.refused().call() is True
    assert vault.client.total(3) == token.functions.balanceOf(vault.client.address).call() == 1_000
    assert vault.client.account_of(token.address) == 0


@pytest.mark.parametrize(
    ("asset", "decimals", "engine_decimals", "batch_limit", "reason"),
    [
        (2, 6, 6, 1, "asset: not the next id"),
        (4, 6, 6, 1, "asset: not the next id"),
        (3, 18, 6, 1, "decimals: differ from token"),
        (3, 6, 7, 1, "engine decimals: too many"),
        (3, 6, 6, 0, "batch limit: zero"),
    ],
)
def test_a_wrong_listing_reverts(
    vault: VaultOnChain, asset: int, decimals: int, engine_decimals: int, batch_limit: int, reason: str
) -> None:
    """Venue and contract must count assets and decimals alike; nothing is assumed."""
    owner = Sender(vault.client.web3, vault.deployment.owner_key)
    token = owner.created_address()
    code = bytes.fromhex(compile_contract(HOSTILE_TOKENS / "FeeToken.vy")["bytecode"][2:])
    wait_for_receipt(vault.client.web3, owner.send(None, code, 2_000_000), "deploy token")
    call = encode_call("Vault", "list_asset", asset, token, decimals, engine_decimals, batch_limit)
    assert reason in refusal(vault, vault.deployment.owner_key, call)
    assert vault.client.asset_count() == 2


def test_a_token_is_listed_once_and_by_the_owner_only(vault: VaultOnChain) -> None:
    """The same token under two ids would count its balance twice."""
    deployment = vault.deployment
    again = encode_call("Vault", "list_asset", 3, deployment.tokens[1], 18, 8, 1)
    assert "token: already listed" in refusal(vault, deployment.owner_key, again)
    assert "caller: not owner" in refusal(vault, deployment.operator_key, again)
    no_code = encode_call("Vault", "list_asset", 3, address_of(vault.alice_key), 18, 8, 1)
    assert "token: no code" in refusal(vault, deployment.owner_key, no_code)


def fills_tree(preimages: list[bytes]) -> list[list[bytes]]:
    """All levels of the fills tree as Vault.vy defines it, leaves first."""
    level = [keccak(b"\x00" + preimage) for preimage in preimages]
    while len(level) & (len(level) - 1):
        level.append(bytes(32))
    levels = [level]
    while len(level) > 1:
        level = [keccak(b"\x01" + level[at] + level[at + 1]) for at in range(0, len(level), 2)]
        levels.append(level)
    return levels


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_every_fill_of_a_tree_verifies_at_its_place_only(vault: VaultOnChain, count: int) -> None:
    """A fill verifies with its own proof and index, not with another index, root, fill or a shortened proof."""
    preimages = [bytes([number]) * 80 for number in range(1, count + 1)]
    levels = fills_tree(preimages)
    root = levels[-1][0]
    verify = vault.client.verify
    for index, preimage in enumerate(preimages):
        proof = [level[(index >> depth) ^ 1] for depth, level in enumerate(levels[:-1])]
        assert verify(root, preimage, index, proof)
        assert not verify(root, preimage, index + (1 << len(proof)), proof)
        assert not verify(keccak(root), preimage, index, proof)
        assert not verify(root, preimage + b"\x00", index, proof)
        if proof:
            assert not verify(root, preimage, index ^ 1, proof)
            assert not verify(root, preimage, index >> 1, proof[1:])


def test_an_inner_node_does_not_pass_for_a_fill(vault: VaultOnChain) -> None:
    """Two child hashes are 64 bytes: no preimage that short is a fill, so a proof cannot start above the leaves."""
    levels = fills_tree([bytes([number]) * 80 for number in range(4)])
    children = levels[0][0] + levels[0][1]
    assert not vault.client.verify(levels[-1][0], children, 0, [levels[1][1]])
    alone = bytes(64)
    assert not vault.client.verify(keccak(b"\x00" + alone), alone, 0, [])


def test_the_largest_batch_fits_its_gas_limit(vault: VaultOnChain) -> None:
    """A batch of the most legs we send, every one of which creates a balance, stays within the gas we give it."""
    web3 = vault.client.web3
    vault.deposit(vault.alice_key, 1, 1_000 * BTC)
    open_accounts(vault, LEGS_MAX - 1)
    legs = (Leg(1, ALICE, 1 - LEGS_MAX), *(Leg(1, ALICE + 1 + number, 1) for number in range(LEGS_MAX - 1)))
    receipt = settle(vault, 1, 1, 1, legs)
    assert receipt["gasUsed"] <= gas_limit(LEGS_MAX)
    assert vault.client.balance_of(ALICE + LEGS_MAX - 1, 1) == 1
    assert sum(vault.client.balances_of([(number, 1) for number in range(1, ALICE + LEGS_MAX)]).values()) == 1_000 * BTC
    assert web3.eth.get_block("latest")["gasUsed"] == receipt["gasUsed"]


def open_accounts(vault: VaultOnChain, count: int) -> None:
    """Raises account_count in storage: hundreds of depositors would only slow the test."""
    web3 = vault.client.web3
    counted = vault.client.account_count()
    for slot in range(64):
        position = Web3.to_hex(slot.to_bytes(32, "big"))
        stored = web3.eth.get_storage_at(vault.client.address, slot)
        if int.from_bytes(stored, "big") != counted:
            continue
        vault.chain.request(
            "anvil_setStorageAt", vault.client.address, position, Web3.to_hex((counted + count).to_bytes(32, "big"))
        )
        if vault.client.account_count() == counted + count:
            return
        vault.chain.request("anvil_setStorageAt", vault.client.address, position, Web3.to_hex(stored))
    raise AssertionError("account_count is in none of the first slots")


def test_settled_state_survives_a_killed_chain(new_dev_chain: Callable[[float | None], DevChain]) -> None:
    """After kill -9 of the node a restart finds vault, balances, events as they were, and settles on."""
    chain = new_dev_chain(0.2)
    chain.start()
    vault = deploy_vault(chain)
    vault.deposit(vault.alice_key, 2, 100_000 * USD)
    made = vault.deposit(vault.bob_key, 1, 10 * BTC)
    receipt = settle(vault, 1, 1, 4, TRADE)
    before = state_of(vault)
    settled_in = receipt["blockNumber"]
    web3 = vault.client.web3
    wait_until(lambda: int(web3.eth.get_block("finalized")["number"]) >= settled_in, "the batch to be final")
    await_dump(chain, settled_in)
    chain.kill9()
    chain.start()
    assert state_of(vault) == before
    assert vault.client.deposits(made.block_hash) == [made]
    settle(vault, 2, 5, 5, (Leg(1, ALICE, -BTC), Leg(1, BOB, BTC)))
