"""The engine daemon over its real sockets: commands in, events out, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable

from engine.wire.messages import (
    Credited,
    OrderAccepted,
    Side,
    Trade,
)
from tests.fixtures.fix_engine import (
    ALPHA_ACCOUNT,
    BRAVO,
    BRAVO_ACCOUNT,
    ETH,
    USD,
    EngineClient,
    EngineDaemon,
)

MakeEngine = Callable[..., EngineDaemon]
MakeClient = Callable[..., EngineClient]
MILLION = 1_000_000 * 10**6


def test_an_order_that_crosses_trades(engine_daemon: EngineDaemon, engine_client: MakeClient) -> None:
    """Two funded sessions: the second's order meets the first's, and both see the trade with dense event numbers."""
    alpha = engine_client(engine_daemon, "alpha")
    bravo = engine_client(engine_daemon, "bravo", BRAVO)
    alpha.credit(ALPHA_ACCOUNT, USD, MILLION, 1)
    alpha.credit(BRAVO_ACCOUNT, ETH, 10**10, 2)
    alpha.attach()
    bravo.attach()
    alpha.poll_until(lambda: sum(isinstance(e, Credited) for e in alpha.decoded()) == 2, "both credits")

    alpha.send(alpha.gateway, [alpha.order(Side.BUY, 200_000, 5, echo=b"parties")])
    alpha.poll_until(lambda: any(isinstance(e, OrderAccepted) for e in alpha.decoded()), "the bid in the book")
    bravo.send(bravo.gateway, [bravo.order(Side.SELL, 199_000, 3, account=BRAVO_ACCOUNT)])

    for client in (alpha, bravo):
        client.poll_until(lambda c=client: any(isinstance(e, Trade) for e in c.decoded()), "the trade")
        (trade,) = (event for event in client.decoded() if isinstance(event, Trade))
        assert (trade.price_ticks, trade.quantity_lots) == (200_000, 3)
        assert [event.sequence for event in client.decoded()] == list(range(1, len(client.raw) + 1))
    assert alpha.raw == bravo.raw
