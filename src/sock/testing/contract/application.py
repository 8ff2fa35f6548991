"""Section 19: what an application brings with it, and how options are laid over each other.

The application of the suite is a `functools.partial` of one that has a lifespan and options, so
that every host under test has something to look for.
"""

# ruff: noqa: D103 - the name of a case is its sentence
from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Options, Response, Upgrade

from .case import case
from .raw import asked, exchange, has_status, requested
from .subject import Subject
from .talk import DRAIN_BOUND
from .verdict import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sock.spec import Reason, Request

    from .talk import Talk

_CARRIED: Final = "https://carried.example"
_OF_CLASS: Final = "https://class.example"
_OF_UPGRADE: Final = "https://upgrade.example"

OPTIONS: Final = Options(origins=[_CARRIED], handshake_timeout=3, drain_timeout=DRAIN_BOUND)
"""The options that the application of the suite carries."""

_PATIENCE: Final = 2.0  # seconds for those who want to know that the lifespan was left

_LONG: Final = 0.3  # seconds that the last callback takes

_KEY: Final = "suite.lifespan"


class _Lifespan:
    """What is known of the lifespan of the suite's application, in the host's process."""

    def __init__(self) -> None:
        self.entered = 0
        """How often it is entered at this moment."""
        self.loops: list[asyncio.AbstractEventLoop] = []
        """The event loops in which it is entered at this moment."""
        self.task: asyncio.Task[Any] | None = None
        self.yielded: dict[str, Any] = {}
        self.drained = False
        """Whether the connection that wants to be told has ended."""
        self.waiting: list[int] = []
        """The ports of cases that want to be told when the lifespan is left."""


_lifespan = _Lifespan()


@asynccontextmanager
async def lifespan() -> AsyncGenerator[dict[str, Any]]:
    """Note that it was entered; tell those who wait when it is left."""
    loop = asyncio.get_running_loop()
    _lifespan.entered += 1
    _lifespan.loops.append(loop)
    _lifespan.task = asyncio.current_task()
    _lifespan.waiting.clear()
    _lifespan.drained = False
    _lifespan.yielded = {_KEY: "mine"}
    try:
        yield _lifespan.yielded
    finally:
        _lifespan.entered -= 1
        _lifespan.loops.remove(loop)
        same = asyncio.current_task() is _lifespan.task
        for port in _lifespan.waiting:
            await _tell(
                port, f"left in the same task: {same}, behind the drain: {_lifespan.drained}"
            )


async def _tell(port: int, text: str) -> None:
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(text.encode())
            await writer.drain()
            writer.close()


# S19.1, S19.2: options.


async def _lets_in(talk: Talk, **expected: int) -> None:
    origins = {"carried": _CARRIED, "of_class": _OF_CLASS, "of_upgrade": _OF_UPGRADE}
    for whose, status in expected.items():
        client = await talk.ask(headers={"Origin": origins[whose]})
        if client.head.status != status:
            raise Failure(f"the origin {origins[whose]} gets {client.head.status}, not {status}")


@case(Subject, ["S19.1", "S19.2"])
async def the_options_that_the_application_carries_count(talk: Talk) -> None:
    await _lets_in(talk, carried=101, of_class=403, of_upgrade=403)


class _HasOptions(Subject):
    options = Options(origins=[_OF_CLASS])


@case(_HasOptions, ["S19.2"])
async def the_options_of_the_class_are_laid_over_those_of_the_application(talk: Talk) -> None:
    await _lets_in(talk, carried=403, of_class=101, of_upgrade=403)


@case(
    lambda request: Upgrade(_HasOptions(request), options=Options(origins=[_OF_UPGRADE])),
    ["S19.2", "S17.1"],
)
async def the_options_of_the_upgrade_are_laid_over_all(talk: Talk) -> None:
    await _lets_in(talk, carried=403, of_class=403, of_upgrade=101)


@case(lambda request: Upgrade(_HasOptions(request), options=Options(max_mailbox=7)), ["S19.2"])
async def options_are_laid_over_each_other_field_by_field(talk: Talk) -> None:
    await _lets_in(talk, carried=403, of_class=101)


# S19.3


def _with_bad_options(options: Any) -> type[Subject]:
    made = type("Bad", (Subject,), {})
    setattr(made, "options", options)  # noqa: B010 - behind the back of the class, and type checkers
    return made


@case(
    lambda request: _with_bad_options(
        Options(max_connections=5) if "server" in request.query else {"max_mailbox": 5}
    )(request),
    ["S19.3"],
    needs=["responses"],
)
async def options_that_a_class_may_not_have_break_the_contract(talk: Talk) -> None:
    has_status(await asked(talk), 500)
    has_status(await asked(talk, line="GET {}&server=1 HTTP/1.1"), 500)
    if "init" in (records := await talk.peek()):
        raise Failure(f"the Sock was live: {records}")


# S19.4 to S19.8: lifespan and state.


class _Looks(Subject):
    """Notes what the lifespan has left in the state, and changes it."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.request = request
        self.note(f"entered {_lifespan.entered}")
        self.note(f"state {request.state.get(_KEY)}")
        self.note(f"shared {request.state is _lifespan.yielded}")
        request.state[_KEY] = "changed"

    def init(self, ref: Any, /) -> None:
        super().init(ref)
        same = ref.request.state is self.request.state and self.request.state[_KEY] == "changed"
        self.note(f"the same {same}")


@case(_Looks, ["S19.4"], needs=["lifespan"])
async def the_lifespan_was_entered_once_before_the_host_accepts(talk: Talk) -> None:
    await talk.open()
    await talk.until("entered 1")


class _CountsInLoop(Subject):
    """Tells how often the lifespan is entered in the event loop that calls it."""

    def init(self, ref: Any, /) -> str:
        super().init(ref)
        return str(_lifespan.loops.count(asyncio.get_running_loop()))


@case(_CountsInLoop, ["S19.10"], needs=["lifespan"])
async def each_event_loop_that_calls_handlers_has_entered_the_lifespan(talk: Talk) -> None:
    for _ in range(8):  # a host may spread connections over processes and loops
        client = await talk.open()
        await talk.hears(client, "1")


@case(_Looks, ["S19.6"], needs=["lifespan"])
async def what_the_lifespan_yields_is_in_the_state_of_every_request(talk: Talk) -> None:
    for _ in range(2):
        await talk.open()
    async with asyncio.timeout(talk.patience):
        while (await talk.peek()).count("shared False") < 2:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
    if (await talk.peek()).count("state mine") != 2:
        raise Failure(f"the state of two requests was found so: {await talk.peek()}")


@case(_Looks, ["S19.8"])
async def the_state_is_one_dictionary_for_application_handler_and_ref(talk: Talk) -> None:
    await talk.open()
    await talk.until("the same True")


class _Awaits(Subject):
    """Has somebody told when the lifespan is left, and takes its time to end."""

    def handle_in(self, message: str, /) -> str:
        _lifespan.waiting.append(int(message))
        return "will be told"

    async def terminate(self, reason: Reason, /) -> None:
        await asyncio.sleep(_LONG)
        super().terminate(reason)
        _lifespan.drained = True


@case(_Awaits, ["S19.5"], needs=["drain", "lifespan"])
async def the_lifespan_is_left_behind_the_drain_in_the_task_that_entered_it(talk: Talk) -> None:
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        text = (await reader.read()).decode()
        writer.close()
        if not told.done():
            told.set_result(text)

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        client = await talk.open()
        await client.send(str(server.sockets[0].getsockname()[1]))
        await talk.hears(client, "will be told")
        drained = await talk.drain()
        await talk.is_closed(client, 1012)
        async with asyncio.timeout(talk.patience):
            if (text := await told) != "left in the same task: True, behind the drain: True":
                raise Failure(f"the lifespan was {text}")
        await drained


# S18.5, S19.9: requests one after the other, and one that is never complete.

_seen: ContextVar[str] = ContextVar("seen", default="nothing")


def _sets(request: Request) -> Response:
    before = _seen.get()
    _seen.set(f"what {request.query['run']} has set")
    return Response(200, f"{before} was set")


@case(_sets, ["S18.5"], needs=["requests"])
async def what_a_request_sets_the_next_one_does_not_see(talk: Talk) -> None:
    host, port = talk.address
    one = f"GET {talk.target} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    answer = await exchange(talk, one, one, one, pause=0.05, wait=True)
    has_status(answer, 200)
    if b"has set" in answer.behind or b"nothing was set" not in answer.behind:
        raise Failure(f"the answers to three requests are {answer.behind!r}")


def _reads_a_body(request: Request) -> Response:
    Subject(request)
    return Response(200, f"{len(request.body)} bytes")


@case(_reads_a_body, ["S19.9"], needs=["requests"])
async def a_request_whose_body_is_never_complete_does_not_reach_the_application(talk: Talk) -> None:
    line = "POST {} HTTP/1.1"
    has_status(await requested(talk, "Content-Length: 2", line=line, body=b"ab"), 200)
    before = await talk.peek()
    host, port = talk.address
    _, writer = await asyncio.open_connection(host, port)
    head = f"POST {talk.target} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 9\r\n\r\n"
    writer.write(head.encode() + b"abc")
    await asyncio.sleep(0.1)
    writer.write_eof()
    await asyncio.sleep(0.2)
    writer.transport.abort()
    await asyncio.sleep(0.1)
    if await talk.peek() != before:
        raise Failure("the application was asked about a request that is not complete")
