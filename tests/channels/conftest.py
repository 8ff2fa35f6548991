"""An endpoint for one class of channels, and clients of it that send frames as they like."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from sock import telemetry, testing
from sock.channels import Channel, Endpoint, Socket
from sock.pubsub import PubSub


class Raw:
    """A client that sends frames, and shows those that come, as values."""

    def __init__(self, session: testing.Session[Any]) -> None:
        self.session = session

    def say(self, *frames: Any) -> list[Any]:
        """Send frames, and return what comes then. Bytes and text go as they are."""
        self.session.receive(
            *(one if isinstance(one, (str, bytes)) else json.dumps(one) for one in frames)
        )
        return self.heard()

    def heard(self) -> list[Any]:
        return [one if isinstance(one, bytes) else json.loads(one) for one in self.session.pushed()]


class Served:
    """An endpoint with one class of channels, and its clients."""

    def __init__(self, stack: ExitStack, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._stack = stack

    def raw(self, query: str = "vsn=2.0.0", path: str = "/socket", **how: Any) -> Raw:
        """Connect."""
        target = f"{path}/websocket?{query}"
        return Raw(self._stack.enter_context(testing.open(self.endpoint, target, **how)))


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Serve a class of channels below "room:*", or a mapping of them."""
    with ExitStack() as stack:

        def make(channels: Any, socket: type[Socket] = Socket, **options: Any) -> Served:
            if isinstance(channels, type) and issubclass(channels, Channel):
                channels = {"room:*": channels}
            kind = type("UserSocket", (socket,), {"channels": channels})
            endpoint = Endpoint({"/socket": kind}, pubsub=PubSub("memory:"), **options)
            return Served(stack, endpoint)

        yield make


@pytest.fixture
def events() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """What telemetry is told of channels."""
    found: list[tuple[str, dict[str, Any]]] = []

    def note(event, fields):
        if event.startswith("channel."):
            found.append((event, dict(fields)))

    unsubscribe = telemetry.subscribe(note)
    yield found
    unsubscribe()
