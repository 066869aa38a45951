# pragma version 0.4.3
"""
@title ReentrantToken
@notice While the vault takes a deposit, deposits again and moves the tokens only in that inner call. A vault that let
        the inner call in would measure the one transfer twice and credit twice what it holds.
"""

decimals: public(uint8)
balanceOf: public(HashMap[address, uint256])
asset: uint256
inside: bool
refused: public(bool)


@deploy
def __init__():
    self.decimals = 6


@external
def set_asset(asset: uint256):
    self.asset = asset


@external
def transferFrom(sender: address, to: address, amount: uint256) -> bool:
    if self.inside:
        self.balanceOf[to] += amount
        return True
    self.inside = True
    success: bool = raw_call(
        msg.sender,
        abi_encode(self.asset, amount, method_id=method_id("deposit(uint256,uint256)")),
        revert_on_failure=False,
    )
    self.inside = False
    self.refused = not success
    if not success:
        self.balanceOf[to] += amount
    return True
