"""One price for all viewers. The lifespan starts the one task that changes the price.

    sock run examples.prices:app --health /healthz

The lifespan is entered before anybody can connect, and left when the last connection is over. The
mapping that it yields is in the state of every request, so a test can put its own there.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from sock import Application, Options, Prepared, Reason, Ref, Request, Sock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

PAUSE = 0.5


class Market:
    """A price, and the connections that show it."""

    def __init__(self) -> None:
        self.price = 100.0
        self.watchers: set[Ref[Prepared]] = set()

    async def trade(self) -> None:
        """Change the price now and then, and send it to all."""
        while True:
            await asyncio.sleep(PAUSE)
            self.price += random.uniform(-1, 1)
            message = Prepared(f"{self.price:.2f}")  # encoded once, for all of them
            for ref in list(self.watchers):
                ref.send(message)


class Prices(Sock[Prepared]):
    """A viewer, which only receives. Without a `handle_in`, a message from it closes with 1003."""

    options = Options(max_mailbox=4)  # a viewer that lags by more prices is closed with 1013

    def __init__(self, request: Request) -> None:
        self.market: Market = request.state["market"]

    def init(self, ref: Ref[Prepared]) -> str:
        self.ref = ref
        self.market.watchers.add(ref)
        return f"{self.market.price:.2f}"

    def terminate(self, reason: Reason) -> None:
        self.market.watchers.discard(self.ref)


@asynccontextmanager
async def lifespan() -> AsyncGenerator[dict[str, Any]]:
    """Open the market, and close it after the last connection."""
    market = Market()
    trading = asyncio.create_task(market.trade())
    try:
        yield {"market": market}
    finally:
        trading.cancel()
        with suppress(asyncio.CancelledError):
            await trading


app = Application(Prices, lifespan=lifespan)
