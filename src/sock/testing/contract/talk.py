"""The peer's side of a case: what it says to the host under test, and what it must find."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from typing import Any, Final, TypeAlias, final
from urllib.parse import quote, urlsplit
from uuid import uuid4

from sock.spec import Pong, ProtocolError
from sock.testing.client import Client, End, Happening
from sock.wire.frame import Close

from .limits import LIMITS
from .reports import private_text
from .verdict import Enough, Failure, Skipped

Drain: TypeAlias = Callable[[], Awaitable[object]]
"""Asks the host to stop gracefully; the conversation goes on meanwhile."""

DRAIN_BOUND: Final = 2.0
"""Seconds that a host under test has for its drain: cases wait for the bound to pass."""

_REMOTE: Final = re.compile(r"Remote\(.*\)")

_SHORTLY: Final = 0.3
"""Seconds for the end of TCP, where a host ends it in a way of its own."""


@final
class Talk:
    """One run of a case, from the peer's side. An async context manager that hangs up at its end.

    Args:
        url: of the host, such as "ws://127.0.0.1:8000".
        name: of the case.
        drain: asks the host to stop gracefully.
        meet: waits until every case that needs the same drain is ready for it.
        patience: seconds to wait for whatever is waited for.
        limits: what the host declares that it cannot do: what follows from it is no failure.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        drain: Drain | None,
        meet: Callable[[], Awaitable[object]] | None,
        patience: float,
        limits: Collection[str] = (),
    ) -> None:
        self._url = url.rstrip("/")
        self._name = name
        self._drain = drain
        self._meet = meet
        self._patience = patience
        self._limits = frozenset(limits)
        self._run = uuid4().hex
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Talk:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    @property
    def patience(self) -> float:
        """Seconds to wait for whatever is waited for."""
        return self._patience

    @property
    def run(self) -> str:
        """What marks this run: it is in the target of each of its requests."""
        return self._run

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the host under test."""
        parts = urlsplit(self._url)
        return parts.hostname or "", parts.port or 80

    @property
    def target(self) -> str:
        """The target of a request for the case's Sock."""
        return f"{self.path}?run={self._run}"

    @property
    def path(self) -> str:
        """The path of that target, which a report may name: values in a query are masked."""
        return f"{urlsplit(self._url).path}/contract/{self._name}"

    async def idle(self) -> Client:
        """Connect to a Sock that does nothing."""
        return await self._connect("idle")

    def hello(self) -> bytes:
        """Return the bytes of a valid opening handshake for the case's Sock."""
        host, port = self.address
        lines = (
            f"GET {self.target} HTTP/1.1",
            f"Host: {host}:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",  # RFC 6455 §1.3
        )
        return "\r\n".join((*lines, "", "")).encode()

    # The case's own connection.

    async def open(self, **options: Any) -> Client:
        """Connect to the case's Sock; see `Client.connect` for the options."""
        client = await self.ask(**options)
        _compare(client.head.status, 101, "the status")
        return client

    async def ask(self, **options: Any) -> Client:
        """Connect to the case's Sock, whatever the answer is."""
        if "early" in self._limits:
            options.pop("early", None)
        return await self._connect(f"contract/{self._name}", **options)

    async def hears(self, client: Client, *expected: Happening) -> None:
        """Receive exactly this."""
        for one in expected:
            if one is End.FIN and "close" in self._limits:
                await self._left_alone(client)
                continue
            heard = await _received(client, one)
            if one is End.FIN:
                client.hang_up()  # as a peer does that has nothing more to say
            _compare(heard, one, "what came")

    async def hears_beside(self, client: Client, pong: Pong, *expected: Happening) -> None:
        """Receive exactly this, and one pong: in any place, as [S2.12] lets a host choose it."""
        wanted = [*expected, pong]
        heard: list[Happening] = []
        while wanted:
            one = await _received(client, wanted[0])
            heard.append(one)
            if one not in (wanted[0], pong) or one not in wanted:
                raise Failure(f"what came is {heard!r}, not {expected!r} and {pong!r}")
            wanted.remove(one)

    async def after(self, client: Client, repeated: str) -> Happening:
        """Return what comes behind any number of these, which must end in time."""
        async with asyncio.timeout(self._patience):
            while (heard := await client.receive()) == repeated:
                pass
        return heard

    async def is_closed(
        self, client: Client, code: int, detail: str | None = None, *, answer: bool = True
    ) -> None:
        """Receive the host's Close, answer it, and see TCP end.

        Args:
            client: the connection.
            code: of the Close.
            detail: of the Close; None for any.
            answer: whether to answer: not if it is an answer itself.
        """
        try:
            heard = await client.receive()
        except TimeoutError:
            raise Failure(f"nothing came, but a Close with {code} was to come") from None
        heard = self.is_code(heard, code, answer=not answer)
        if detail is not None and "detail" not in self._limits:
            _compare(heard.detail, detail, "the detail of the Close")
        if answer:
            try:
                await client.send_close(heard.answer)
            except ConnectionError:
                if "close" not in self._limits:  # the word for a host that may reset TCP at once
                    raise
        await self.hears(client, End.FIN)

    def is_code(self, heard: Happening, code: int, *, answer: bool = False) -> Close:
        """Take what came as a Close with this code."""
        if not isinstance(heard, Close):
            raise Failure(f"{heard!r} came, but a Close with {code} was to come")
        if not self._may_say(heard.code, code, answer=answer):
            _compare(heard.code, code, "the code of the Close")
        return heard

    async def is_cut(self, client: Client, *, within: float) -> None:
        """Read nothing for so many seconds; then see TCP end before all was read.

        A server with its own wire does that in its own time.
        """
        if self._limits & {"close", "violations"}:
            return
        await asyncio.sleep(within)  # whoever reads in this time is not cut
        heard = await client.receive()
        if not isinstance(heard, End):
            raise Failure(f"{type(heard).__name__} came whole, but TCP was to end before")

    def is_answer(self, heard: Happening, code: int) -> None:
        """Take what came as the answer to a Close of ours."""
        if not isinstance(heard, Close) or not (
            heard.code == code or self._may_say(heard.code, code, answer=True)
        ):
            raise Failure(f"{heard!r} came, but the Close with {code} was to be answered")

    async def says_goodbye(self, client: Client) -> None:
        """Close as a peer does, and have it answered."""
        await client.send_close(1000, "bye")
        if "farewell" in self._limits:
            raise Enough
        await self.is_closed(client, 1000, answer=False)

    # The host's process.

    async def release(self) -> None:
        """Let go what waits in the case's Sock."""
        client = await self._connect("release")
        await self.is_closed(client, 1000)

    async def post(self, info: str) -> bool:
        """Send an info to the case's Sock; return whether its ref is closed."""
        return bool(await self._asked(f"post?info={quote(info)}"))

    async def stop(self, code: int, detail: str = "", *, thread: bool = False) -> bool:
        """Stop the case's Sock by its ref; return whether that is closed."""
        where = "&thread=1" if thread else ""
        return bool(await self._asked(f"stop?code={code}&detail={quote(detail)}{where}"))

    async def send_all(self, info: str, *, thread: bool = False) -> None:
        """Send an info to all Socks of this run."""
        await self._asked(f"send_all?info={quote(info)}" + ("&thread=1" if thread else ""))

    async def pending(self) -> int:
        """Return how many bytes wait for the peer of the case's Sock."""
        return int(await self._asked("pending"))

    async def reports(self, about: str | None = None, *, ever: bool = False) -> list[str]:
        """Return what the host has reported since the run began.

        Args:
            about: a text that a report must contain; None for that of the exceptions that
                `Run.error` makes.
            ever: whether those before the run count too.
        """
        text = private_text(self._run) if about is None else about
        since = "&ever=1" if ever else ""
        return list(await self._asked(f"reports?about={quote(text)}{since}"))

    async def silent(self, about: str) -> None:
        """Find that the host has reported no error about this."""
        bad = [text for text in await self.reports(about) if text.startswith(("ERROR", "CRITICAL"))]
        if bad:
            raise Failure(f"the host has reported what is no error: {bad}")

    async def reported(self, *words: str, about: str | None = None) -> None:
        """Find exactly one report, and all of these words in it.

        Args:
            words: such as the name of a callback.
            about: as for `reports`.
        """
        async with asyncio.timeout(self._patience):
            while not (found := await self.reports(about)):  # noqa: ASYNC110 - as in `until`
                await asyncio.sleep(0.01)
        if len(found) != 1:
            raise Failure(f"it was reported {len(found)} times: {found}")
        if missing := [word for word in words if word not in found[0]]:
            raise Failure(f"the report lacks {', '.join(missing)}: {found[0]}")

    async def peek(self) -> list[str]:
        """Return what the journal holds now."""
        return list(await self._asked("journal?now=1"))

    async def until(self, record: str) -> None:
        """Wait until the journal holds this."""
        async with asyncio.timeout(self._patience):
            while record not in await self.peek():  # noqa: ASYNC110 - another process may have it
                await asyncio.sleep(0.01)

    async def until_closed(self) -> None:
        """Wait until the ref of the case's Sock is closed: the end has begun."""
        async with asyncio.timeout(self._patience):
            while not await self._asked("closed"):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)

    async def journal(
        self, *expected: str, reader: Client | None = None, any_order: bool = False
    ) -> None:
        """Wait until the run is over, and find exactly this in its journal.

        Args:
            expected: the records.
            reader: made by `reader`; None for a new one.
            any_order: whether their order does not matter.
        """
        reader = reader or await self.reader()
        told = await self._told(reader)
        wanted = list(expected)
        if "detail" in self._limits:  # all that is certain is whose doing it was
            told, wanted = ([_REMOTE.sub("Remote", one) for one in all_] for all_ in (told, wanted))
        if any_order:
            told, wanted = sorted(told), sorted(wanted)
        _compare(told, wanted, "the journal")

    async def reader(self) -> Client:
        """Connect for the journal: for a host that soon accepts nothing more."""
        return await self._connect("journal")

    async def drain(self) -> asyncio.Future[object]:
        """Ask the host to stop gracefully; return what tells that it has."""
        if self._drain is None:
            raise Skipped(f"the host {LIMITS['drain']}")
        if self._meet is not None:
            await self._meet()
        return asyncio.ensure_future(_awaited(self._drain))

    async def _left_alone(self, client: Client) -> None:
        """Wait for the end of TCP in whatever way, and hang up where it does not come."""
        try:
            async with asyncio.timeout(_SHORTLY):
                heard = await client.receive()
        except TimeoutError:
            heard = End.FIN
        client.hang_up()
        if not isinstance(heard, End):
            raise Failure(f"what came is {heard!r}, behind the Close")

    def _may_say(self, said: int, expected: int, *, answer: bool) -> bool:
        """Tell whether a host that has declared its limits may say this code."""
        if answer:
            return "close" in self._limits
        usual = expected == 1000 or 3000 <= expected <= 4999
        return "codes" in self._limits and not usual and said == 1011

    async def _asked(self, service: str) -> Any:
        return await self._told(await self._connect(service))

    async def _told(self, client: Client) -> Any:
        heard = await client.receive()
        if not isinstance(heard, str):
            raise Failure(f"{heard!r} came, but the journal was to come")
        await self.is_closed(client, 1000)
        return json.loads(heard)

    async def _connect(self, path: str, **options: Any) -> Client:
        mark = "&" if "?" in path else "?"
        url = f"{self._url}/{path}{mark}run={self._run}"
        client = await Client.connect(url, patience=self._patience, **options)
        return await self._stack.enter_async_context(client)


async def _received(client: Client, expected: Happening) -> Happening:
    try:
        return await client.receive()
    except TimeoutError:
        raise Failure(f"nothing came, but {expected!r} was to come") from None
    except ProtocolError as error:
        raise Failure(f"the host broke the protocol: {error}") from None


async def _awaited(drain: Drain) -> object:
    return await drain()


def _compare(found: object, expected: object, what: str) -> None:
    if found != expected:
        raise Failure(f"{what} is {found!r}, not {expected!r}")
