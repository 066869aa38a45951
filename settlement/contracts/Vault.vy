# pragma version 0.4.3
"""
@title Vault
@license Apache-2.0
@notice Holds the venue's deposits as internal balances and applies its netted fills to them, batch by batch.

        DEVELOPMENT VAULT: IT MUST NOT HOLD REAL MONEY YET. There is no withdrawal: request, delay and claim are only
        safe together with the engine's hold on the same money and arrive with it. Until then settle_batch is the only
        function that lowers a balance, and nothing moves a token out.

@dev Invariants
        * For every asset: token.balanceOf(vault) >= total(asset) == sum of balances (equality unless someone donates).
        * Deposits, batches and settled event sequences are contiguous from 1: nothing is applied twice or skipped.
        * Asset ids are contiguous from 1 and equal the venue's; account numbers are contiguous from 1 in order of first
          deposit, and number 1 is the venue's fee account.
        * Balances count the token's smallest unit. One engine unit is unit_scale = 10 ** (decimals - engine_decimals)
          of those; a deposit is a whole number of engine units, and an asset's total fits the engine's int64.

     Leg: one uint256, from the highest bit: asset (16) | account (48) | sign (1, set = debit) | amount > 0 (191). The
     top 64 bits are the balance's key. Legs ascend strictly by key: one leg per balance, one encoding per batch.

     Hash chain: chain_head starts as keccak256(abi.encode(chain id, vault)) and each batch makes it
     keccak256(abi.encode(chain_head, batch_id, first_seq, last_seq, fills_root, legs_hash)), where
     legs_hash = keccak256(abi.encode(legs)) with legs as uint256[]; every field is one 32-byte word.

     Fills tree (`verify`): leaf i belongs to the batch's i-th fill in event order, i from 0.
        leaf  = keccak256(0x00 || preimage), preimage longer than 64 bytes
        inner = keccak256(0x01 || left || right), children in position order (not sorted)
     Leaves are padded on the right with 32 zero bytes (a hash nobody can produce a preimage for) to the next power of
     two; the root of one leaf is that leaf. proof[k] is the sibling at level k from the leaf; bit k of the index is set
     when the node at that level is the right child, so the depth is len(proof) and index < 2 ** depth.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed

struct Asset:
    token: address
    decimals: uint256
    unit_scale: uint256
    batch_limit: uint256

event AssetListed:
    asset: indexed(uint256)
    token: indexed(address)
    decimals: uint256
    unit_scale: uint256
    batch_limit: uint256

event Deposited:
    deposit_seq: indexed(uint256)
    account_no: indexed(uint256)
    depositor: indexed(address)
    asset: uint256
    amount: uint256

event BatchSettled:
    batch_id: indexed(uint256)
    first_seq: uint256
    last_seq: uint256
    fills_root: bytes32
    legs_hash: bytes32
    chain_head: bytes32

event OwnerChangeStarted:
    owner: indexed(address)
    pending_owner: indexed(address)

event OwnerChanged:
    owner: indexed(address)

event OperatorChanged:
    operator: indexed(address)

event GuardianChanged:
    guardian: indexed(address)

event Paused:
    caller: indexed(address)

event Unpaused:
    caller: indexed(address)

ACCOUNT_BITS: constant(uint256) = 48
ACCOUNT_MASK: constant(uint256) = 2**48 - 1
ASSET_MAX: constant(uint256) = 2**16 - 1
KEY_SHIFT: constant(uint256) = 192
SIGN_BIT: constant(uint256) = 2**191
AMOUNT_MASK: constant(uint256) = 2**191 - 1
ENGINE_UNITS_MAX: constant(uint256) = 2**63 - 1
ENGINE_DECIMALS_MAX: constant(uint256) = 9
DECIMALS_MAX: constant(uint256) = 36
LEGS_MAX: constant(uint256) = 1024
KEYS_MAX: constant(uint256) = 1024
PREIMAGE_MAX: constant(uint256) = 1024
DEPTH_MAX: constant(uint256) = 32
FEE_ACCOUNT: constant(uint256) = 1

owner: public(address)
pending_owner: public(address)
operator: public(address)
guardian: public(address)
paused: public(bool)

asset_count: public(uint256)
assets: public(HashMap[uint256, Asset])
asset_of_token: public(HashMap[address, uint256])

account_count: public(uint256)
account_of: public(HashMap[address, uint256])
owner_of_account: public(HashMap[uint256, address])

# Key: asset << 48 | account_no, the top 64 bits of a leg; one hash finds the slot.
balances: HashMap[uint256, uint256]
total: public(HashMap[uint256, uint256])

last_deposit: public(uint256)
last_batch: public(uint256)
last_seq: public(uint256)
chain_head: public(bytes32)
root_of: public(HashMap[uint256, bytes32])


@deploy
def __init__(operator: address, guardian: address, fee_owner: address):
    """
    @param fee_owner Address of account 1, which receives the venue's fees and exists before any deposit.
    """
    self.owner = msg.sender
    self.operator = operator
    self.guardian = guardian
    self._require_three_keys()
    assert fee_owner != empty(address), "fee owner: zero"
    self._open_account(fee_owner)
    self.chain_head = keccak256(abi_encode(chain.id, self))
    log OwnerChanged(owner=msg.sender)
    log OperatorChanged(operator=operator)
    log GuardianChanged(guardian=guardian)


# Roles. One key must not hold two of them: a stolen operator key could otherwise also lift the pause that stops it.

@internal
@view
def _require_three_keys():
    owner: address = self.owner
    operator: address = self.operator
    guardian: address = self.guardian
    assert owner != empty(address) and operator != empty(address) and guardian != empty(address), "role: zero"
    assert owner != operator and owner != guardian and operator != guardian, "role: shared key"


@external
def transfer_ownership(new_owner: address):
    """
    @notice Names the next owner, who must accept; naming the zero address withdraws the offer.
    """
    assert msg.sender == self.owner, "caller: not owner"
    self.pending_owner = new_owner
    log OwnerChangeStarted(owner=msg.sender, pending_owner=new_owner)


@external
def accept_ownership():
    assert msg.sender == self.pending_owner, "caller: not pending owner"
    self.owner = msg.sender
    self.pending_owner = empty(address)
    self._require_three_keys()
    log OwnerChanged(owner=msg.sender)


@external
def set_operator(operator: address):
    assert msg.sender == self.owner, "caller: not owner"
    self.operator = operator
    self._require_three_keys()
    log OperatorChanged(operator=operator)


@external
def set_guardian(guardian: address):
    assert msg.sender == self.owner, "caller: not owner"
    self.guardian = guardian
    self._require_three_keys()
    log GuardianChanged(guardian=guardian)


@external
def pause():
    """
    @notice Stops deposits and settlement.
    """
    assert msg.sender == self.guardian or msg.sender == self.owner, "caller: not guardian or owner"
    self.paused = True
    log Paused(caller=msg.sender)


@external
def unpause():
    assert msg.sender == self.owner, "caller: not owner"
    self.paused = False
    log Unpaused(caller=msg.sender)


# Assets and deposits.

@external
def list_asset(
    asset: uint256, token: address, decimals: uint256, engine_decimals: uint256, batch_limit: uint256
) -> uint256:
    """
    @notice Lists a token under the venue's own asset id, for ever. Rebasing tokens must not be listed.
    @param asset The id the venue uses; must be the next one, so that both sides count alike.
    @param decimals What the venue believes; must equal token.decimals(): there is no default.
    @param engine_decimals The engine counts this asset in units of 10 ** -engine_decimals.
    @param batch_limit Most that one batch may debit in this asset, gross, in the token's smallest unit.
    """
    assert msg.sender == self.owner, "caller: not owner"
    assert asset == self.asset_count + 1 and asset <= ASSET_MAX, "asset: not the next id"
    assert token.is_contract, "token: no code"
    assert self.asset_of_token[token] == 0, "token: already listed"
    assert decimals <= DECIMALS_MAX, "decimals: too many"
    assert convert(staticcall IERC20Detailed(token).decimals(), uint256) == decimals, "decimals: differ from token"
    assert engine_decimals <= ENGINE_DECIMALS_MAX and engine_decimals <= decimals, "engine decimals: too many"
    assert batch_limit > 0, "batch limit: zero"
    unit_scale: uint256 = 10 ** (decimals - engine_decimals)
    self.asset_count = asset
    self.asset_of_token[token] = asset
    self.assets[asset] = Asset(token=token, decimals=decimals, unit_scale=unit_scale, batch_limit=batch_limit)
    log AssetListed(asset=asset, token=token, decimals=decimals, unit_scale=unit_scale, batch_limit=batch_limit)
    return asset


@internal
def _open_account(account_owner: address) -> uint256:
    account_no: uint256 = self.account_count + 1
    assert account_no <= ACCOUNT_MASK, "account: too many"
    self.account_count = account_no
    self.account_of[account_owner] = account_no
    self.owner_of_account[account_no] = account_owner
    return account_no


@external
@nonreentrant
def deposit(asset: uint256, amount: uint256) -> uint256:
    """
    @notice Takes tokens from the caller's allowance and credits the caller's account, opening it at the first deposit.
    @param amount In the token's smallest unit; a multiple of the asset's unit_scale.
    @return The caller's account number.
    """
    assert not self.paused, "paused"
    assert asset != 0 and asset <= self.asset_count, "asset: unknown"
    listed: Asset = self.assets[asset]
    assert amount > 0 and amount % listed.unit_scale == 0, "amount: not whole engine units"
    account_no: uint256 = self.account_of[msg.sender]
    if account_no == 0:
        account_no = self._open_account(msg.sender)
    new_total: uint256 = self.total[asset] + amount
    assert new_total <= ENGINE_UNITS_MAX * listed.unit_scale, "amount: beyond the engine's range"
    self.total[asset] = new_total
    self.balances[(asset << ACCOUNT_BITS) | account_no] += amount
    self.last_deposit += 1
    log Deposited(
        deposit_seq=self.last_deposit, account_no=account_no, depositor=msg.sender, asset=asset, amount=amount
    )

    # What arrived counts, not what the token says: a token that keeps a fee undoes everything above.
    held: uint256 = staticcall IERC20(listed.token).balanceOf(self)
    moved: bool = extcall IERC20(listed.token).transferFrom(msg.sender, self, amount, default_return_value=True)
    assert moved, "token: refused"
    assert staticcall IERC20(listed.token).balanceOf(self) == held + amount, "token: another amount arrived"
    return account_no


# Settlement.

@internal
@view
def _require_balanced(asset: uint256, debits: uint256, credits: uint256):
    assert debits == credits, "legs: not zero-sum"
    assert debits <= self.assets[asset].batch_limit, "legs: over batch limit"


@external
@nonreentrant
def settle_batch(
    batch_id: uint256, first_seq: uint256, last_seq: uint256, fills_root: bytes32, legs: DynArray[uint256, LEGS_MAX]
):
    """
    @notice Applies the net effect of the fills in events first_seq..last_seq, all of it or nothing.
    @dev Whatever is sent, by whom and how often, each event counts once: the next batch must continue where the last
         one ended. Legs may be empty, when fills cancel out; the range and the root still count.
    """
    assert msg.sender == self.operator, "caller: not operator"
    assert not self.paused, "paused"
    assert batch_id == self.last_batch + 1, "batch: not the next id"
    assert first_seq == self.last_seq + 1, "batch: sequence gap"
    assert last_seq >= first_seq, "batch: empty range"
    assert fills_root != empty(bytes32), "batch: no root"

    accounts: uint256 = self.account_count
    listed: uint256 = self.asset_count
    asset: uint256 = 0
    debits: uint256 = 0
    credits: uint256 = 0
    previous_key: uint256 = ACCOUNT_MASK  # the highest key of asset 0, which is none
    for leg: uint256 in legs:
        key: uint256 = leg >> KEY_SHIFT
        amount: uint256 = leg & AMOUNT_MASK
        account_no: uint256 = key & ACCOUNT_MASK
        assert key > previous_key, "legs: not ascending"
        assert account_no != 0 and account_no <= accounts, "legs: unknown account"
        assert amount != 0, "legs: zero amount"
        previous_key = key
        if key >> ACCOUNT_BITS != asset:
            self._require_balanced(asset, debits, credits)
            asset = key >> ACCOUNT_BITS
            assert asset <= listed, "legs: unknown asset"
            debits = 0
            credits = 0
        if leg & SIGN_BIT == 0:
            self.balances[key] += amount
            credits += amount
        else:
            balance: uint256 = self.balances[key]
            assert balance >= amount, "legs: overdraft"
            self.balances[key] = balance - amount
            debits += amount
    self._require_balanced(asset, debits, credits)

    legs_hash: bytes32 = keccak256(abi_encode(legs))
    head: bytes32 = keccak256(abi_encode(self.chain_head, batch_id, first_seq, last_seq, fills_root, legs_hash))
    self.last_batch = batch_id
    self.last_seq = last_seq
    self.root_of[batch_id] = fills_root
    self.chain_head = head
    log BatchSettled(
        batch_id=batch_id,
        first_seq=first_seq,
        last_seq=last_seq,
        fills_root=fills_root,
        legs_hash=legs_hash,
        chain_head=head,
    )


# Views.

@external
@view
def balance_of(account_no: uint256, asset: uint256) -> uint256:
    # Without the bound an oversized number would read another asset's balance.
    assert account_no <= ACCOUNT_MASK, "account: unknown"
    return self.balances[(asset << ACCOUNT_BITS) | account_no]


@external
@view
def balances_of(keys: DynArray[uint256, KEYS_MAX]) -> DynArray[uint256, KEYS_MAX]:
    """
    @notice Many balances in one call, hence of one block.
    @param keys asset << 48 | account_no each.
    """
    found: DynArray[uint256, KEYS_MAX] = []
    for key: uint256 in keys:
        found.append(self.balances[key])
    return found


@external
@view
def solvent(asset: uint256) -> bool:
    """
    @notice Whether the vault holds at least what it owes in this asset.
    """
    assert asset != 0 and asset <= self.asset_count, "asset: unknown"
    return staticcall IERC20(self.assets[asset].token).balanceOf(self) >= self.total[asset]


@external
@pure
def verify(root: bytes32, preimage: Bytes[PREIMAGE_MAX], index: uint256, proof: DynArray[bytes32, DEPTH_MAX]) -> bool:
    """
    @notice Whether the fill with this preimage is leaf `index` of the tree under `root`; see the top of the file.
    """
    if len(preimage) <= 64 or index >> len(proof) != 0:
        return False
    node: bytes32 = keccak256(concat(0x00, preimage))
    position: uint256 = index
    for sibling: bytes32 in proof:
        if position & 1 == 0:
            node = keccak256(concat(0x01, node, sibling))
        else:
            node = keccak256(concat(0x01, sibling, node))
        position >>= 1
    return node == root
