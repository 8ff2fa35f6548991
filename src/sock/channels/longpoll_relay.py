"""Requests for long-poll sessions that another process has: they are passed on through the pubsub.

A process listens to one topic of its own, whose name is in the names of its sessions.

    from    to      what                            then
    ------  ------  ------------------------------  ------------------------------------------------
    asker   owner   Ask: poll, or post with frames  wait; after `PATIENCE` the session is gone
    owner   asker   Heard: it is under way          wait for as long as a request may take
    owner   asker   Answer: status and messages     answer the client

The owner does the same as for a request of its own. Requests that wait are bounded: one more is
answered as if its session were gone, and its client connects again.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any, Final, final

from sock.pubsub import BackendDown

from .longpoll_sessions import GONE, Told

try:
    from msgspec import Struct, msgpack
except ImportError as error:
    raise ImportError("msgspec is not installed: pip install 'sockpy[channels]'") from error

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.pubsub import PubSub

    from .longpoll_sessions import Sessions
    from .message import Frame

PATIENCE: Final = 2.0
"""Seconds for which the owner of a session may be silent."""

MAX_ASKED: Final = 1000
"""Requests of a process that wait for another one."""

_PREFIX: Final = "longpoll:"


class Ask(Struct, tag="ask", array_like=True):
    """A request for a session of another process."""

    sender: str
    number: int
    session: str
    frames: list[Any] | None
    """Of a POST, each a `str` or `bytes`; None for a GET."""


class Heard(Struct, tag="heard", array_like=True):
    """The session is there, and the request is under way."""

    number: int


class Answer(Struct, tag="answer", array_like=True):
    """What the request is answered with."""

    number: int
    status: int
    messages: list[str]


_ENCODE: Final = msgpack.Encoder().encode
_DECODE: Final = msgpack.Decoder(Ask | Heard | Answer).decode


@final
class _Asked:
    """A request that waits for another process."""

    __slots__ = ("answer", "heard")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.heard: asyncio.Future[None] = loop.create_future()
        self.answer: asyncio.Future[Told] = loop.create_future()


@final
class _Listener:
    """What the pubsub takes for the address of a connection, to listen to a topic.

    Args:
        take: called with each message.
    """

    closed = False
    pending = 0

    def __init__(self, take: Callable[[Any], None]) -> None:
        self.send = take

    def add_done_callback(self, callback: Callable[[], None], /) -> None:
        """Call a function at the end, which is that of the pubsub itself."""


@final
class Relay:
    """Passes on requests to other processes, and answers theirs, in the running event loop.

    Args:
        pubsub: reaches the other processes.
        sessions: of this loop.
        window: seconds for which a request may take.
    """

    def __init__(self, pubsub: PubSub[str | bytes], sessions: Sessions, window: float) -> None:
        self.name = secrets.token_urlsafe(9)
        """Of this process and loop."""
        self._pubsub = pubsub
        self._sessions = sessions
        self._window = window
        self._loop = asyncio.get_running_loop()
        self._asked: dict[int, _Asked] = {}
        self._number = 0
        self._answering: set[asyncio.Task[None]] = set()
        self._listener: Any = _Listener(self._take)
        self._begun: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Listen to what other processes ask and answer.

        Raises:
            BackendDown: the backend is away; the next request tries again.
        """
        begun = self._begun
        if begun is None:
            listening = self._pubsub.subscribe(_PREFIX + self.name, self._listener)
            begun = self._begun = self._loop.create_task(listening)
        try:
            await asyncio.shield(begun)
        except BackendDown:
            if self._begun is begun:  # else another request has begun again
                self._begun = None
            raise

    async def ask(self, owner: str, session: str, frames: list[Frame] | None) -> Told | None:
        """Have the owner of a session answer a request; return None if nobody has it.

        Args:
            owner: the name of a process.
            session: the name of a session.
            frames: of a POST; None for a GET.
        """
        if len(self._asked) >= MAX_ASKED:
            return None
        self._number += 1
        number = self._number
        asked = self._asked[number] = _Asked(self._loop)
        try:
            await self._tell(owner, Ask(self.name, number, session, frames))
            async with asyncio.timeout(PATIENCE):
                await asked.heard
            async with asyncio.timeout(self._window + PATIENCE):
                return await asked.answer
        except (TimeoutError, BackendDown):
            return None
        finally:
            del self._asked[number]

    async def _tell(self, process: str, message: Ask | Heard | Answer) -> None:
        await self._pubsub.broadcast(_PREFIX + process, _ENCODE(message))

    def _take(self, data: Any) -> None:
        try:
            message = _DECODE(data)
        except (ValueError, TypeError):  # of another version of this program
            return
        if isinstance(message, Ask):
            if message.session in self._sessions and len(self._answering) < MAX_ASKED:
                task = self._loop.create_task(self._answer(message))
                self._answering.add(task)
                task.add_done_callback(self._answering.discard)
            return
        asked = self._asked.get(message.number)
        if asked is None:
            return
        if not asked.heard.done():
            asked.heard.set_result(None)
        if isinstance(message, Answer) and not asked.answer.done():
            asked.answer.set_result(Told(message.status, message.messages))

    async def _answer(self, ask: Ask) -> None:
        try:
            await self._tell(ask.sender, Heard(ask.number))
            if ask.frames is None:
                told = await self._sessions.poll(ask.session)
            else:
                told = await self._sessions.post(ask.session, ask.frames)
            await self._tell(ask.sender, Answer(ask.number, *(told or GONE)))
        except BackendDown:
            return  # the asker no longer waits
