"""What a case is, and what its side of the conversation is made of."""

from __future__ import annotations

import asyncio
import json
import re
import unittest
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final
from urllib.parse import quote, urlsplit
from uuid import uuid4

from sock.spec import Options, ProtocolError, Upgrade
from sock.testing.client import Client, End, Happening
from sock.wire.frame import Close

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sock.spec import Answer, Request, Sock

Conversation: TypeAlias = "Callable[[Talk], Awaitable[None]]"
Drain: TypeAlias = Callable[[], Awaitable[object]]
"""Asks the host to stop gracefully; the conversation goes on meanwhile."""

_REMOTE: Final = re.compile(r"Remote\(.*\)")

_SHORTLY: Final = 0.3
"""Seconds for the end of TCP, where a host ends it in a way of its own."""

LIMITS: Final = {
    "control": "neither sends nor sees pings and pongs",
    "detail": "does not pass on all that is in a Close frame, or that there was none",
    "codes": "lets an application say no codes but 1000, 1011 and 3000 to 4999",
    "early": "loses what comes together with the handshake",
    "empty": "sends no empty messages",
    "ends": "does not notice that the peer has ended or reset TCP",
    "farewell": "does not tell its application that the peer has said Close",
    "headers": "puts no headers of the application's on its 101",
    "responses": "gives no ordinary answer of the application's",
    "idle": "does not tell when bytes were received",
    "buffer": "does not tell what waits to be sent",
    "pressure": "does not hold back a peer or a handler",
    "close": "answers a Close in a way of its own, or ends TCP so",
    "violations": "answers what breaks the protocol by itself",
    "drain": "is not told here how to stop",
    "handshake": "judges by itself what is a valid handshake, and answers it",
    "options": "has settings of its own for compression and fragments",
    "text": "loses, or sends otherwise, what is no ASCII in a header field",
}
"""What a host may declare that it cannot do."""


class Failure(AssertionError):
    """The host does not do what the contract says."""


class Enough(Exception):
    """All was seen that this host lets be seen."""


class Skipped(unittest.SkipTest):
    """The host has declared that it cannot do it. Under pytest and unittest, a skipped test."""


@final
@dataclass(frozen=True, slots=True)
class Case:
    """One thing that every host must do.

    Args:
        name: what it is, also the path at which its Sock is.
        rules: the sections of the specification that it proves: 1 to 12 are the rules of the
            contract, 14 the handshake, 16 codes and reasons, 17 options.
        answer: the application of this case.
        conversation: the peer's side.
        needs: of `LIMITS`, what a host must be able to do for it.
    """

    name: str
    rules: tuple[int, ...]
    answer: Callable[[Request], Answer | Awaitable[Answer]]
    conversation: Conversation
    needs: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.name


registered: Final[list[Case]] = []
"""The cases that `case` has made, in the order of the modules."""


def case(
    answer: Callable[[Request], Answer | Awaitable[Answer]] | type[Sock[Any, Any]],
    rules: Iterable[int],
    *,
    needs: Iterable[str] = (),
    options: Options | None = None,
) -> Callable[[Conversation], Conversation]:
    """Register the case whose conversation is decorated; its name becomes the case's.

    Args:
        answer: the application of this case, such as a Sock class.
        rules: which it proves.
        needs: what a host must be able to do.
        options: limits of this connection.
    """

    def upgrade(request: Request) -> Answer | Awaitable[Answer]:
        made: Any = answer(request)
        return made if options is None else Upgrade(made, options=options)

    def register(conversation: Conversation) -> Conversation:
        name = getattr(conversation, "__name__", "")
        registered.append(Case(name, tuple(rules), upgrade, conversation, frozenset(needs)))
        return conversation

    return register


@final
class Talk:
    """One run of a case, from the peer's side. An async context manager that hangs up at its end.

    Args:
        url: of the host, such as "ws://127.0.0.1:8000".
        case: what is talked about.
        drain: asks the host to stop gracefully.
        patience: seconds to wait for whatever is waited for.
        limits: what the host declares that it cannot do: what follows from it is no failure.
    """

    def __init__(
        self,
        url: str,
        case: Case,
        drain: Drain | None,
        patience: float,
        limits: Collection[str] = (),
    ) -> None:
        self._url = url.rstrip("/")
        self._case = case
        self._drain = drain
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
    def address(self) -> tuple[str, int]:
        """Host and port of the host under test."""
        parts = urlsplit(self._url)
        return parts.hostname or "", parts.port or 80

    @property
    def target(self) -> str:
        """The target of a request for the case's Sock."""
        return f"{urlsplit(self._url).path}/contract/{self._case.name}?run={self._run}"

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
        return await self._connect(f"contract/{self._case.name}", **options)

    async def hears(self, client: Client, *expected: Happening) -> None:
        """Receive exactly this."""
        for one in expected:
            if one is End.FIN and "close" in self._limits:
                await self._left_alone(client)
                continue
            try:
                heard = await client.receive()
            except TimeoutError:
                raise Failure(f"nothing came, but {one!r} was to come") from None
            except ProtocolError as error:
                raise Failure(f"the host broke the protocol: {error}") from None
            if one is End.FIN:
                client.hang_up()  # as a peer does that has nothing more to say
            _compare(heard, one, "what came")

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
            await client.send_close(heard.answer)
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

    async def peek(self) -> list[str]:
        """Return what the journal holds now."""
        return list(await self._asked("journal?now=1"))

    async def until(self, record: str) -> None:
        """Wait until the journal holds this."""
        async with asyncio.timeout(self._patience):
            while record not in await self.peek():  # noqa: ASYNC110 - another process may have it
                await asyncio.sleep(0.01)

    async def journal(self, *expected: str, reader: Client | None = None) -> None:
        """Wait until the run is over, and find exactly this in its journal.

        Args:
            expected: the records.
            reader: made by `reader`; None for a new one.
        """
        reader = reader or await self.reader()
        told = await self._told(reader)
        wanted = list(expected)
        if "detail" in self._limits:  # all that is certain is whose doing it was
            told, wanted = ([_REMOTE.sub("Remote", one) for one in all_] for all_ in (told, wanted))
        _compare(told, wanted, "the journal")

    async def reader(self) -> Client:
        """Connect for the journal: for a host that soon accepts nothing more."""
        return await self._connect("journal")

    def drain(self) -> asyncio.Future[object]:
        """Ask the host to stop gracefully; return what tells that it has."""
        if self._drain is None:
            raise Skipped(f"the host {LIMITS['drain']}")
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


async def _awaited(drain: Drain) -> object:
    return await drain()


def _compare(found: object, expected: object, what: str) -> None:
    if found != expected:
        raise Failure(f"{what} is {found!r}, not {expected!r}")
