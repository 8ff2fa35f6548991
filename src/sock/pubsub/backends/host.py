"""`host:`: all workers of one server on one machine, each connected with each, over Unix sockets.

    a file in the folder  is the socket of one member, where the others connect

    over a connection, the one that has connected says  with          and the member
    --------------------------------------------------  ------------  --------------------------
    HELLO                                               its file      connects back, if it has not
    SUBSCRIBE, UNSUBSCRIBE                              a topic       sends it what it publishes
    ASK                                                 a number      answers with DONE
    the member says                                     with
    MESSAGE                                             a message     what it has published
    LOST                                                a topic       left it out: too much waits
    DONE                                                a number      all that came before is done

Each member has one connection to each other one, and gets over it what that one publishes. So it is
the publisher that filters by topic, and a worker without listeners gets nothing. At most
`MAX_UNSENT` bytes wait for a member that reads slowly; further messages are left out, and the
member is told so.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import stat
import struct
from typing import TYPE_CHECKING, Final, cast, final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .backend import Receiver

HELLO: Final = 1
SUBSCRIBE: Final = 2
UNSUBSCRIBE: Final = 3
ASK: Final = 4
MESSAGE: Final = 5
LOST: Final = 6
DONE: Final = 7

MAX_UNSENT: Final = 8 * 1024 * 1024
"""Bytes that may wait for a member that reads slowly."""

MAX_FRAME: Final = 256 * 1024 * 1024
"""Bytes of one frame. No member sends a longer one."""

_MAX_LOST: Final = 1000
"""Topics with lost messages that a slow member is told one by one. Where there are more, it is told
that every topic may have lost some."""

_TIMEOUT: Final = 2.0
"""Seconds for another member to answer; its event loop may be blocked."""

_PAUSE: Final = 0.005
"""Seconds between two looks at whether a member may be read again."""

_HEAD: Final = struct.Struct("!IB")  # the size of what follows it, and what it is
_TOPIC: Final = struct.Struct("!H")  # the size of the topic before a message


def packed(kind: int, data: bytes = b"") -> bytes:
    """Return a frame."""
    return _HEAD.pack(len(data), kind) + data


def packed_message(kind: int, topic: str, data: bytes) -> bytes:
    """Return a frame with a message on a topic."""
    name = topic.encode()
    size = _TOPIC.size + len(name) + len(data)
    return b"".join((_HEAD.pack(size, kind), _TOPIC.pack(len(name)), name, data))


def opened_message(data: bytes) -> tuple[str, bytes]:
    """Return the topic and the message of a frame.

    Raises:
        ValueError: it has no topic, or a part of one only.
    """
    if len(data) < _TOPIC.size:
        raise ValueError("a frame without a topic")
    begin = _TOPIC.size
    end = begin + _TOPIC.unpack_from(data)[0]
    if end > len(data):
        raise ValueError("a frame with a part of a topic")
    return data[begin:end].decode(), data[end:]


@final
class Wire(asyncio.Protocol):
    """One connection: frames in both directions.

    Args:
        took: is called with each frame.
        ended: is called when the connection is over.
    """

    def __init__(
        self, took: Callable[[Wire, int, bytes], None], ended: Callable[[Wire], None]
    ) -> None:
        self.topics: set[str] = set()
        """What the other side has subscribed to."""
        self.asked: dict[int, asyncio.Future[None]] = {}
        """What was asked, and not answered yet."""
        self._took = took
        self._ended = ended
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._lost: set[str] | None = set()  # None: of more topics than are told one by one
        self._blocked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # Not every loop's transports are of that class: uvloop's are not.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=MAX_UNSENT // 2, low=MAX_UNSENT // 8)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - of asyncio
        """End: nothing more is answered."""
        self._transport = None
        for asked in self.asked.values():
            if not asked.done():
                asked.set_result(None)
        self._ended(self)

    def data_received(self, data: bytes) -> None:
        """Take all frames that are complete."""
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= _HEAD.size:
            size, kind = _HEAD.unpack_from(buffer, at)
            if size > MAX_FRAME:
                self.close()
                return
            end = at + _HEAD.size + size
            if len(buffer) < end:
                break
            self._took(self, kind, bytes(buffer[at + _HEAD.size : end]))
            at = end
        del buffer[:at]

    def send(self, frame: bytes) -> None:
        """Send a frame."""
        if self._transport is not None:
            self._transport.write(frame)

    def send_message(self, topic: str, frame: bytes) -> None:
        """Send a frame with a message, unless too much waits: then the topic is noted."""
        transport = self._transport
        if transport is None:
            return
        if transport.get_write_buffer_size() + len(frame) > MAX_UNSENT:
            if self._lost is not None:
                self._lost.add(topic)
                if len(self._lost) > _MAX_LOST:
                    self._lost = None
        else:
            if not self._blocked and self._lost != set():
                self.resume_writing()
            transport.write(frame)

    def pause_writing(self) -> None:
        """Note that the other side reads slowly."""
        self._blocked = True

    def resume_writing(self) -> None:
        """Tell what was left out, as the other side reads again."""
        self._blocked = False
        lost, self._lost = self._lost, set()
        for topic in ("",) if lost is None else sorted(lost):
            self.send(packed(LOST, topic.encode()))

    def pause(self) -> None:
        """Read nothing for a while."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._transport is not None:
            self._transport.resume_reading()

    def close(self) -> None:
        """End the connection when all was sent."""
        if self._transport is not None:
            self._transport.close()


@final
class Host:
    """The backend of one event loop: a member of the folder.

    Args:
        folder: where the sockets are; it is this user's alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = secrets.token_hex(8)
        self._receiver: Receiver | None = None
        self._topics: set[str] = set()
        self._publishers: dict[str, Wire] = {}  # by file: what they publish comes over these
        self._listeners: dict[Wire, str] = {}  # the others: what is published here goes to these
        self._known: dict[str, asyncio.Event] = {}  # by file: whether its first topics are known
        self._numbers = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, receiver: Receiver, /) -> None:
        """Be a member until this is cancelled.

        Raises:
            OSError: the folder or the socket cannot be made.
        """
        self._receiver = receiver
        loop = asyncio.get_running_loop()
        check_folder(self._folder)
        path = self._folder / f"{self._name}.sock"
        server = await loop.create_unix_server(self._made, str(path))
        try:
            others = [one.name for one in self._folder.glob("*.sock") if one.name != path.name]
            await asyncio.gather(*map(self._connect, others))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TIMEOUT):
                    for name in list(self._publishers):
                        await self._knows(name).wait()
            receiver.connected()
            await asyncio.Event().wait()
        finally:
            server.close()
            path.unlink(missing_ok=True)
            for task in self._tasks:
                task.cancel()
            for wire in [*self._publishers.values(), *self._listeners]:
                wire.close()

    async def subscribe(self, topic: str, /) -> None:
        """Get the messages of a topic. It returns when all members know of that."""
        self._topics.add(topic)
        await self._ask(list(self._publishers.values()), packed(SUBSCRIBE, topic.encode()))

    def unsubscribe(self, topic: str, /) -> None:
        """Get the messages of a topic no longer."""
        self._topics.discard(topic)
        for wire in self._publishers.values():
            wire.send(packed(UNSUBSCRIBE, topic.encode()))

    def publish(self, topic: str, data: bytes, /) -> None:
        """Send bytes to all members that have subscribed to a topic."""
        frame = None
        for wire in self._listeners:
            if topic in wire.topics:
                frame = frame or packed_message(MESSAGE, topic, data)
                wire.send_message(topic, frame)

    # Others.

    async def _connect(self, name: str) -> None:
        """Connect with another member, and tell it the topics whose messages it has to send."""
        if name in self._publishers:
            return
        wire = self._publishers[name] = Wire(self._took, self._ended)
        path = self._folder / name
        try:
            loop = asyncio.get_running_loop()
            await loop.create_unix_connection(lambda: wire, str(path))
        except OSError:  # its process was killed, and has left the file behind
            del self._publishers[name]
            path.unlink(missing_ok=True)
            return
        wire.send(packed(HELLO, f"{self._name}.sock".encode()))
        for topic in self._topics:
            wire.send(packed(SUBSCRIBE, topic.encode()))
        await self._ask([wire])

    async def _ask(self, wires: list[Wire], frame: bytes = b"") -> None:
        """Send a frame, and wait until all members have handled it."""
        self._numbers += 1
        number = self._numbers
        loop = asyncio.get_running_loop()
        for wire in wires:
            wire.asked[number] = loop.create_future()
            wire.send(frame + packed(ASK, number.to_bytes(8, "big")))
        waiting = [wire.asked[number] for wire in wires]
        try:
            if waiting:
                await asyncio.wait(waiting, timeout=_TIMEOUT)
        finally:
            for wire in wires:
                wire.asked.pop(number, None)

    def _made(self) -> Wire:
        return Wire(self._took, self._ended)

    def _took(self, wire: Wire, kind: int, data: bytes) -> None:
        receiver = self._receiver
        assert receiver is not None, "run has set it"
        try:
            match kind:
                case _ if kind == ASK:
                    wire.send(packed(DONE, data))
                    if wire in self._listeners:
                        self._knows(self._listeners[wire]).set()
                case _ if kind == HELLO:
                    self._greet(wire, data.decode())
                case _ if kind == SUBSCRIBE:
                    wire.topics.add(data.decode())
                case _ if kind == UNSUBSCRIBE:
                    wire.topics.discard(data.decode())
                case _ if kind == DONE:
                    asked = wire.asked.get(int.from_bytes(data, "big"))
                    if asked is not None and not asked.done():
                        asked.set_result(None)
                case _ if kind == MESSAGE:
                    receiver.received(*opened_message(data))
                    if receiver.behind:
                        self._wait_for_room(wire)
                case _ if kind == LOST:
                    receiver.gap(data.decode() or None)
                case _:
                    wire.close()
        except ValueError:  # no frame of ours
            wire.close()

    def _greet(self, wire: Wire, name: str) -> None:
        """Take note of another member, and connect back."""
        if not name.endswith(".sock") or "/" in name:
            raise ValueError("no name of a member")
        self._listeners[wire] = name
        if name not in self._publishers:
            task = asyncio.get_running_loop().create_task(self._connect(name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _knows(self, name: str) -> asyncio.Event:
        return self._known.setdefault(name, asyncio.Event())

    def _wait_for_room(self, wire: Wire) -> None:
        """Read nothing more of a member until the fan-outs have come on."""
        assert self._receiver is not None, "run has set it"
        if self._receiver.behind:
            wire.pause()
            asyncio.get_running_loop().call_later(_PAUSE, self._wait_for_room, wire)
        else:
            wire.resume()

    def _ended(self, wire: Wire) -> None:
        name = self._listeners.pop(wire, None)
        if name is not None:
            self._known.pop(name, asyncio.Event()).set()
        for file in [file for file, one in self._publishers.items() if one is wire]:
            del self._publishers[file]


def check_folder(folder: Path) -> None:
    """Make a folder, or see that the one that is there is this user's alone.

    Raises:
        OSError: it is not, or it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} must be a folder that is this user's alone (0700)")
