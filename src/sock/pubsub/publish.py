"""`publish`: one message from a process without an event loop, such as a job or a shell."""

from __future__ import annotations

import asyncio
import os
import secrets
from typing import TYPE_CHECKING, Any, Final, cast, final

from .backends.choice import VARIABLE, backend_of, chosen_url, masked, publisher_of
from .backends.together import cancelled
from .envelope import VERSION, Envelope, coder
from .gap import BackendDown
from .payload import Payloads
from .topic import check_topic

if TYPE_CHECKING:
    from .backends.choice import MakeBackend

TIMEOUT: Final = 5.0
"""Seconds for the backend to be reached, and to take a message."""

_SENDER: Final = secrets.token_bytes(8)


def publish(url: str | None, topic: str, message: Any, /, *, kind: type[Any] | None = None) -> None:
    """Send a message to all that listen to a topic, from a process without an event loop.

    This is for a view of Django, a job of Celery, cron, a shell. It returns when the backend has
    the message. Connections with Redis are kept for the next one; other backends are connected
    anew. In an event loop, use `PubSub.broadcast`.

    Args:
        url: names the backend, as for `PubSub`: `redis://…`, `nats://…`, or `host:/a/folder`. None
            is the variable `SOCK_PUBSUB`.
        topic: a name of at most 1,024 bytes.
        message: of the type that the PubSub on the other side declares.
        kind: that type, where the one of the message does not tell, such as a union. None is the
            type of the message.

    Raises:
        TypeError: the message is not of the type, or the topic is no `str`.
        ValueError: the topic is empty or too long, or the address reaches no other process.
        ImportError: the backend, or the type, needs an extra that is not installed.
        BackendDown: the backend has not taken the message.
        RuntimeError: an event loop runs in this thread, and would be blocked.

    >>> publish("memory:", "room:7", "hello")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: 'memory:' reaches no other process: ...
    """
    declared: Any = kind
    if kind is None and not isinstance(message, str | bytes):
        declared = cast("Any", type(message))
    payload_kind, payload = Payloads(declared).encode(message)
    publish_payload(url, topic, payload_kind, payload)


def publish_payload(url: str | None, topic: str, kind: int, payload: bytes) -> None:
    """Do the same with a message that is encoded already.

    Args:
        url: as for `publish`.
        topic: as for `publish`.
        kind: of the payload.
        payload: the message as bytes.

    Raises:
        ValueError, ImportError, BackendDown, RuntimeError: as for `publish`.
    """
    check_topic(topic)
    given, url = url, chosen_url(url)
    make = backend_of(url)
    if make is None:
        why = f"{masked(url)!r} reaches no other process"
        if given is None and VARIABLE not in os.environ:
            why = f"no address is given, and {VARIABLE} is not set"
        raise ValueError(
            f"{why}: name a broker, such as redis://localhost, or a folder, such as host:/run/chat"
        )
    _check_no_loop()
    data = coder().encode(Envelope(VERSION, _SENDER, 0, topic, kind, payload))
    send = publisher_of(url)
    try:
        if send is not None:
            send(topic, data)
        else:
            asyncio.run(_publish(make, topic, data))
    except BackendDown as error:
        raise BackendDown(f"{masked(url)}: {error}") from error.__cause__


def check_backend(url: str) -> None:
    """Connect with a backend, and let go of it again.

    Raises:
        BackendDown: it is not there, or refuses this account.
    """
    make = backend_of(url)
    if make is not None:
        try:
            asyncio.run(_reach(make))
        except BackendDown as error:
            raise BackendDown(f"{masked(url)}: {error}") from error.__cause__


@final
class _Reached:
    """Gets to know whether a backend is there, and nothing else."""

    behind = False

    def __init__(self) -> None:
        self.told: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def begun(self) -> None:
        """Hear that it has begun."""

    def received(self, topic: str, data: bytes, /) -> None:
        """Drop what comes."""

    def gap(self, topic: str | None = None, /) -> None:
        """Miss nothing."""

    def refused(self, topic: str, error: Exception, /) -> None:
        """Listen to nothing."""

    def connected(self) -> None:
        """Hear that it is there."""
        if not self.told.done():
            self.told.set_result(None)

    def down(self, error: Exception, retry: float, /) -> None:  # noqa: ARG002 - of Receiver
        """Hear that it is not."""
        if not self.told.done():
            down = BackendDown(str(error))
            down.__cause__ = error
            self.told.set_exception(down)


async def _reach(make: MakeBackend) -> None:
    await _publish(make, "", None)


async def _publish(make: MakeBackend, topic: str, data: bytes | None) -> None:
    backend = make()
    reached = _Reached()
    running = asyncio.ensure_future(backend.run(reached))
    try:
        async with asyncio.timeout(TIMEOUT):
            await asyncio.wait({running, reached.told}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
            reached.told.result()
            given = None if data is None else backend.publish(topic, data)
            if given is not None:
                await given
    except OSError as error:  # TimeoutError is one
        why = "it does not answer" if isinstance(error, TimeoutError) else str(error)
        raise BackendDown(why) from error
    finally:
        await cancelled(running)


def _check_no_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "an event loop runs in this thread, and publish would block it: await PubSub.broadcast"
    )
