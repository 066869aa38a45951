"""How a node is waited for: not at the cost of the engine's events, and without mistaking one failure for another."""

from __future__ import annotations

import threading

import pytest

from settlement.chain import Chain, ChainUnavailable

VAULT = "0x" + "11" * 20


def chain() -> Chain:
    """A chain whose node is never reached: the questions asked here do not need it."""
    return Chain(["http://127.0.0.1:1"], VAULT)


def test_other_work_goes_on_while_a_node_hangs() -> None:
    """`meanwhile` is called until the answer is there; this answer comes only when it was."""
    asked, released = chain(), threading.Event()
    asked.meanwhile = released.set
    assert asked.read(lambda client: released.wait(30))


def test_a_node_that_fails_is_an_expected_error_and_is_counted() -> None:
    """Whatever the node or the line does wrong becomes ChainUnavailable."""
    asked = chain()
    with pytest.raises(ChainUnavailable, match="ConnectionError"):
        asked.read(lambda client: client.last_batch())
    assert asked.errors == 1


def test_a_failure_of_the_other_work_is_not_the_nodes() -> None:
    """A damaged frame of events (a ValueError) while a node is waited for is not taken for a chain that is away."""
    asked, ended = chain(), threading.Event()

    def meanwhile() -> None:
        ended.set()
        raise ValueError("a damaged frame")

    asked.meanwhile = meanwhile
    with pytest.raises(ValueError, match="a damaged frame"):
        asked.read(lambda client: ended.wait(30))
    assert asked.errors == 0
