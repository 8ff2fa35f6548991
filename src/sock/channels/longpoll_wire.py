"""The wire of a long-poll session: what a `Bridge` asks of another server, made of requests.

    a request         what it does
    ----------------  --------------------------------------------------------------------------
    POST with frames  gives each to the bridge, and waits until the bridge asks for the next one
    GET               takes all that was sent; waits, if there is nothing
    a second GET      sends the first one away with nothing

What nobody fetches waits here up to `MAX_UNFETCHED` bytes, and then in the bridge, which bounds it
as it bounds what waits for any slow peer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, final

from sock.live.server_wire import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sock.spec import Message

    from .message import Frame

MAX_UNFETCHED: Final = 1 << 16
"""Bytes of frames that one GET takes; it may be one frame more."""


@final
class PollWire:
    """The wire of a long-poll session."""

    passes_control_frames = False

    __slots__ = ("_given", "_handled", "_posting", "_size", "_unfetched", "_waiting", "over")

    def __init__(self) -> None:
        self.over = False
        """Whether the session has ended."""
        self._posting = asyncio.Lock()
        self._given: deque[Frame] = deque()
        self._handled: asyncio.Future[None] | None = None  # a POST waits for it
        self._unfetched: list[str] = []
        self._size = 0
        # Each has at most one that waits: the bridge for a frame or for room, and a GET.
        self._waiting: dict[str, asyncio.Future[None]] = {}

    # For requests.

    async def post(self, frames: Iterable[Frame]) -> bool:
        """Give frames to the bridge, one after the other; tell whether the session lives.

        To cancel it takes back the frame that the bridge has not asked for.
        """
        async with self._posting:
            for frame in frames:
                if self.over:
                    return False
                self._given.append(frame)
                self._handled = asyncio.get_running_loop().create_future()
                self._wake("receive")
                try:
                    await self._handled
                finally:
                    self._handled = None
                    self._given.clear()
        return not self.over

    async def poll(self, seconds: float) -> list[str] | None:
        """Return what was sent, when there is something; None when the session has ended.

        Args:
            seconds: to wait; then nothing is returned.
        """
        self._wake("poll")  # an earlier one, whose client has gone
        if not self._unfetched and not self.over:
            turn = asyncio.get_running_loop().create_future()
            self._waiting["poll"] = turn
            try:
                async with asyncio.timeout(seconds):
                    await turn
            except TimeoutError:
                return []
            finally:
                if self._waiting.get("poll") is turn:
                    del self._waiting["poll"]
        found, self._unfetched = self._unfetched, []
        self._size = 0
        self._wake("send")
        return None if self.over and not found else found

    # For the bridge.

    async def receive(self) -> Frame:
        """Return the next frame. Those before it have been handled."""
        if self._handled is not None and not self._handled.done() and not self._given:
            self._handled.set_result(None)
        while not self._given:
            await self._wait("receive")
        return self._given.popleft()

    async def send(self, message: Message, /) -> None:
        """Keep a message until it is fetched, and wait for room if there is none.

        A binary one is dropped: a client would take it for text, and break.

        Raises:
            ConnectionError: the session has ended.
        """
        text = plain(message)
        if not isinstance(text, str):
            return
        while self._size > MAX_UNFETCHED and not self.over:
            await self._wait("send")
        if self.over:
            raise ConnectionError("the session has ended")
        self._unfetched.append(text)
        self._size += len(text)
        self._wake("poll")

    async def close(self, code: int | None, detail: str, /) -> None:  # noqa: ARG002 - a bridge says it, and there is no way to pass it on
        """End the session. A GET still fetches what was sent before."""
        self.end()

    def end(self) -> None:
        """End the session, and let all go on that wait."""
        self.over = True
        if self._handled is not None and not self._handled.done():
            self._handled.set_result(None)
        for name in list(self._waiting):
            self._wake(name)

    async def _wait(self, name: str) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting[name] = turn
        await turn

    def _wake(self, name: str) -> None:
        turn = self._waiting.pop(name, None)
        if turn is not None and not turn.done():
            turn.set_result(None)
