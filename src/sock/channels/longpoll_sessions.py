"""The long-poll sessions of one event loop.

Each is a live connection like any other: a `Bridge` whose wire is made of requests. So a handler,
its ref, its mailbox, the drain and `terminate` are what they are over WebSocket.

    a session ends
    ----------------------------------------------------------
    when no GET has come for one and a half windows
    as any connection ends: a Stop, a crash, a slow peer, 1012
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

from sock.hosting.members import Members
from sock.live import Bridge
from sock.loop import Reactor

from .longpoll_wire import PollWire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sock.spec import Options, Request, Sock

    from .message import Frame

_PATIENCE: Final = 1.5
"""Windows without a GET after which a session ends."""


class Told(NamedTuple):
    """What a request is answered with."""

    status: int
    """As in HTTP, but in the body of the answer."""
    messages: list[str]
    """Frames for the client."""


GONE: Final = Told(410, [])
"""The answer to a request whose session has ended meanwhile."""


@final
class Session:
    """A session.

    Args:
        wire: made of the requests of the session.
        bridge: the live connection.
        now: the time of the loop, in seconds.
    """

    __slots__ = ("bridge", "heard", "task", "wire")

    task: asyncio.Task[None]
    """Runs the bridge."""

    def __init__(self, wire: PollWire, bridge: Bridge, now: float) -> None:
        self.wire = wire
        self.bridge = bridge
        self.heard = now
        """When a GET has come."""


@final
class Sessions:
    """The sessions of the running event loop.

    Args:
        window: seconds for which a GET waits.
        max_sessions: how many there may be.
    """

    def __init__(self, window: float, max_sessions: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._window = window
        self._max_sessions = max_sessions
        self._sessions: dict[str, Session] = {}

    @property
    def is_full(self) -> bool:
        """Whether no session may begin: there are too many, or the server stops."""
        return len(self._sessions) >= self._max_sessions or Members.of(self._loop).draining

    def __contains__(self, name: object) -> bool:
        return name in self._sessions

    def begin(self, request: Request, handler: Sock[Any], options: Options) -> str:
        """Begin a session, and return its name, which nobody can guess.

        Args:
            request: of the client.
            handler: gets the callbacks.
            options: all limits.
        """
        name = secrets.token_urlsafe(16)
        wire = PollWire()
        bridge = Bridge(Reactor.of(self._loop), wire, request, handler, options)
        session = Session(wire, bridge, self._loop.time())
        self._sessions[name] = session
        session.task = self._loop.create_task(self._run(name, session))
        self._loop.call_later(_PATIENCE * self._window, self._look, name, session)
        return name

    async def post(self, name: str, frames: Iterable[Frame]) -> Told | None:
        """Give frames to a session; return None if there is no such session.

        Returns:
            200; 408 if it takes longer than a window; 410 if the session ends.
        """
        session = self._sessions.get(name)
        if session is None:
            return None
        try:
            async with asyncio.timeout(self._window):
                lives = await session.wire.post(frames)
        except TimeoutError:
            return Told(408, [])
        return Told(200, []) if lives else GONE

    async def poll(self, name: str) -> Told | None:
        """Take what was sent; return None if there is no such session.

        Returns:
            200; 204 if nothing is sent for a window; 410 if the session ends.
        """
        session = self._sessions.get(name)
        if session is None:
            return None
        session.heard = self._loop.time()
        messages = await session.wire.poll(self._window)
        session.heard = self._loop.time()
        if messages is None:
            return GONE
        return Told(200 if messages else 204, messages)

    async def end(self) -> None:
        """End all sessions: the server has stopped."""
        tasks = [session.task for session in self._sessions.values()]
        for session in list(self._sessions.values()):
            session.bridge.shutdown(0)
        if tasks:
            await asyncio.wait(tasks, timeout=_PATIENCE)

    async def _run(self, name: str, session: Session) -> None:
        try:
            await Members.of(self._loop).run(session.bridge)
        finally:
            session.wire.end()
            del self._sessions[name]

    def _look(self, name: str, session: Session) -> None:
        """End a session whose client has not come for a while, or look again later."""
        if session.task.done():
            return
        due = session.heard + _PATIENCE * self._window
        if self._loop.time() >= due:
            session.bridge.abort()
        else:
            self._loop.call_at(due, self._look, name, session)
