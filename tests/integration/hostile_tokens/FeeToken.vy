# pragma version 0.4.3
"""
@title FeeToken
@notice Keeps one percent of every transfer, so less arrives than was sent.
"""

decimals: public(uint8)
balanceOf: public(HashMap[address, uint256])


@deploy
def __init__():
    self.decimals = 6


@external
def mint(to: address, amount: uint256):
    self.balanceOf[to] += amount


@external
def transferFrom(sender: address, to: address, amount: uint256) -> bool:
    self.balanceOf[sender] -= amount
    self.balanceOf[to] += amount - amount // 100
    return True
