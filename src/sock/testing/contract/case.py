"""What a case is, and what its side of the conversation is made of."""

from __future__ import annotations

import asyncio
import json
import unittest
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final
from urllib.parse import quote
from uuid import uuid4

from sock.spec import Options, ProtocolError, Upgrade
from sock.testing.client import Client, End, Happening
from sock.wire.codec import Close

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sock.spec import Answer, Request, Sock

Conversation: TypeAlias = "Callable[[Talk], Awaitable[None]]"
Drain: TypeAlias = Callable[[], Awaitable[object]]
"""Asks the host to stop gracefully; the conversation goes on meanwhile."""

LIMITS: Final = {
    "control": "neither sends nor sees pings and pongs",
    "detail": "does not pass on the text of a Close frame",
    "options": "has no limits for one connection",
    "responses": "gives no ordinary answer of the application's",
    "pressure": "does not hold back a peer or a handler",
    "close": "answers a Close by itself, or ends TCP in a way of its own",
    "drain": "is not told here how to stop",
}
"""What a host may declare that it cannot do."""


class Failure(AssertionError):
    """The host does not do what the contract says."""


class Skipped(unittest.SkipTest):
    """The host has declared that it cannot do it. Under pytest and unittest, a skipped test."""


@final
@dataclass(frozen=True, slots=True)
class Case:
    """One thing that every host must do.

    Args:
        name: what it is, also the path at which its Sock is.
        rules: the numbers of the rules of the contract that it proves.
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
        wanted = {*needs} if options is None else {*needs, "options"}
        registered.append(Case(name, tuple(rules), upgrade, conversation, frozenset(wanted)))
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
    """

    def __init__(self, url: str, case: Case, drain: Drain | None, patience: float) -> None:
        self._url = url.rstrip("/")
        self._case = case
        self._drain = drain
        self._patience = patience
        self._run = uuid4().hex
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Talk:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    # The case's own connection.

    async def open(self, **options: Any) -> Client:
        """Connect to the case's Sock; see `Client.connect` for the options."""
        client = await self.ask(**options)
        _compare(client.head.status, 101, "the status")
        return client

    async def ask(self, **options: Any) -> Client:
        """Connect to the case's Sock, whatever the answer is."""
        return await self._connect(f"contract/{self._case.name}", **options)

    async def hears(self, client: Client, *expected: Happening) -> None:
        """Receive exactly this."""
        for one in expected:
            try:
                heard = await client.receive()
            except TimeoutError:
                raise Failure(f"nothing came, but {one!r} was to come") from None
            except ProtocolError as error:
                raise Failure(f"the host broke the protocol: {error}") from None
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
        if not isinstance(heard, Close):
            raise Failure(f"{heard!r} came, but a Close with {code} was to come")
        _compare(heard.code, code, "the code of the Close")
        if detail is not None:
            _compare(heard.detail, detail, "the detail of the Close")
        if answer:
            await client.send_close(heard.answer)
        await self.hears(client, End.FIN)

    async def says_goodbye(self, client: Client) -> None:
        """Close as a peer does, and have it answered."""
        await client.send_close(1000, "bye")
        await self.is_closed(client, 1000, answer=False)

    # The host's process.

    async def release(self) -> None:
        """Let go what waits in the case's Sock."""
        client = await self._connect("release")
        await self.is_closed(client, 1000)

    async def post(self, info: str) -> bool:
        """Send an info to the case's Sock; return whether its ref is closed."""
        return bool(await self._asked(f"post?info={quote(info)}"))

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
        _compare(await self._told(reader), list(expected), "the journal")

    async def reader(self) -> Client:
        """Connect for the journal: for a host that soon accepts nothing more."""
        return await self._connect("journal")

    def drain(self) -> asyncio.Future[object]:
        """Ask the host to stop gracefully; return what tells that it has."""
        if self._drain is None:
            raise Skipped(f"the host {LIMITS['drain']}")
        return asyncio.ensure_future(_awaited(self._drain))

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
