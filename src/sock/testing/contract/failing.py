"""Section 6: what is raised, what is reported of it, and what happens then."""

# ruff: noqa: D103, ARG002 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Stop, Stream, Upgrade

from .case import case
from .subject import Subject
from .verdict import Enough, Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sock.spec import Reason, Request

    from .subject import Run
    from .talk import Talk


class _Raises(Subject):
    """Raises where a message says."""

    def handle_in(self, message: str, /) -> Any:
        match message:
            case "plain":
                raise self.run.error()
            case "coroutine":
                return self.works()
            case "generator":
                return self.items()
            case "stream":
                return Stream(self.items())
            case "task":
                self.run.refs[-1].spawn(self.works())
            case _:
                self.note(message)
        return None

    async def works(self) -> None:
        await asyncio.sleep(0)
        raise self.run.error()

    async def items(self) -> AsyncIterator[str]:
        await asyncio.sleep(0)
        if not self.run.released.is_set():  # which nobody does here
            raise self.run.error()
        yield "nothing"


async def _is_reported_once(talk: Talk, kind: str, *words: str) -> None:
    client = await talk.open()
    await client.send(kind, "late")
    await talk.is_closed(client, 1011, "")
    await talk.journal("made", "init", "terminate Failed(LookupError)")
    await talk.reported("Traceback", *words)


@case(_Raises, ["S6.1", "S6.2", "S6.4"])
async def what_a_plain_callback_raises_is_reported_once(talk: Talk) -> None:
    await _is_reported_once(talk, "plain", "handle_in")


@case(_Raises, ["S6.1", "S6.2", "S6.4"])
async def what_a_coroutine_raises_is_reported_once(talk: Talk) -> None:
    await _is_reported_once(talk, "coroutine", "handle_in")


@case(_Raises, ["S6.1", "S6.2", "S6.4"])
async def what_a_generator_raises_is_reported_once(talk: Talk) -> None:
    await _is_reported_once(talk, "generator", "handle_in")


class _Reports(_Raises):
    def handle_in(self, message: str, /) -> Any:
        if message == "late":
            return None
        return super().handle_in(message)


@case(_Reports, ["S6.1", "S6.2"])
async def what_a_stream_or_a_task_raises_is_reported_once(talk: Talk) -> None:
    for kind in ("stream", "task"):
        client = await talk.open()
        await client.send(kind)
        await talk.is_closed(client, 1011, "")
    await _reported_times(talk, 2)


async def _reported_times(talk: Talk, times: int) -> None:
    found: list[str] = []
    async with asyncio.timeout(talk.patience):
        while len(found) < times:
            found = await talk.reports()
    if len(found) != times:
        raise Failure(f"{times} exceptions were reported {len(found)} times: {found}")


class _RaisesBesides(Subject):
    """Raises while a stream and a task of its own are under way."""

    def handle_in(self, message: str, /) -> Any:
        match message:
            case "stream":
                return Stream(self.items())
            case "task":
                self.run.refs[-1].spawn(self.works())
                return "spawned"
            case "raise":
                raise LookupError
            case _:
                self.note(message)
                return None

    async def items(self) -> AsyncIterator[str]:
        try:
            yield "item"
            await asyncio.Event().wait()
        finally:
            self.note("the stream ends")

    async def works(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.note("the task ends")


@case(_RaisesBesides, ["S6.4", "S4.8", "S7.13"])
async def an_exception_cancels_all_that_is_under_way_and_forgets_what_waits(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stream", "task")
    if {await client.receive(), await client.receive()} != {"item", "spawned"}:
        raise Failure("the stream and the task have not begun")
    await client.send("raise", "waits")
    await talk.is_closed(client, 1011)
    ends = "the stream ends", "the task ends"
    reason = "terminate Failed(LookupError)"
    await talk.journal("made", "init", *ends, reason, any_order=True)
    if (await talk.peek())[-1] != reason:
        raise Failure("terminate was not the last")


class _RaisesLate(Subject):
    """Raises when it is released."""

    async def handle_in(self, message: str, /) -> None:
        self.note(f"{message} begins")
        await self.run.released.wait()
        raise self.run.error()


@case(_RaisesLate, ["S6.6", "S7.2", "S7.3"])
async def an_exception_after_the_peer_has_gone_is_reported_and_changes_nothing(talk: Talk) -> None:
    client = await talk.open()
    await client.send("one", "two")
    await talk.until("one begins")
    await talk.says_goodbye(client)
    await talk.release()
    await talk.journal("made", "init", "one begins", "terminate Remote(1000, 'bye')")
    await talk.reported("Traceback", "handle_in")


class _Cancels(Subject):
    def handle_in(self, message: str, /) -> Any:
        match message:
            case "coroutine":
                return self.works()
            case "task":
                self.run.refs[-1].spawn(self.works())
                return "spawned"
            case _:
                return message

    async def works(self) -> None:
        await asyncio.sleep(0)
        raise asyncio.CancelledError


@case(_Cancels, ["S6.7"])
async def a_cancellation_that_the_host_has_not_asked_for_is_an_exception(talk: Talk) -> None:
    client = await talk.open()
    await client.send("coroutine")
    await talk.is_closed(client, 1011, "")
    await talk.journal("made", "init", "terminate Failed(CancelledError)")


@case(_Cancels, ["S6.7"])
async def a_spawned_task_may_be_cancelled_by_anyone(talk: Talk) -> None:
    client = await talk.open()
    await client.send("task")
    await talk.hears(client, "spawned")
    await asyncio.sleep(0.05)  # the task ends meanwhile
    await client.send("after")
    await talk.hears(client, "after")
    await talk.says_goodbye(client)
    await talk.journal("made", "init", "terminate Remote(1000, 'bye')")


# S6.9: a Stop that is raised where it no longer counts.


class _StopsTooLate(Subject):
    """Raises a Stop when it is cancelled, and one in `terminate`."""

    async def handle_in(self, message: str, /) -> None:
        self.note("begins")
        try:
            await asyncio.Event().wait()
        finally:
            raise Stop(4002, self.run.name)

    def terminate(self, reason: Reason, /) -> Any:
        super().terminate(reason)
        raise Stop(4003, self.run.name)


@case(_StopsTooLate, ["S6.9"])
async def a_stop_of_cancelled_code_or_of_terminate_is_ignored_without_a_report(talk: Talk) -> None:
    client = await talk.open()
    await client.send("work")
    await talk.until("begins")
    await talk.stop(4001)
    await talk.is_closed(client, 4001)
    await talk.journal("made", "init", "begins", "terminate Normal()")
    await talk.silent(talk.run)


class _KeepsItsStop(Subject):
    def handle_in(self, message: str, /) -> None:
        self.stop = Stop(4001, self.run.name)
        raise self.stop

    def terminate(self, reason: Reason, /) -> Any:
        self.note(f"traceback {self.stop.__traceback__}")
        super().terminate(reason)


@case(_KeepsItsStop, ["S6.9"])
async def a_raised_stop_is_no_error_and_keeps_no_traceback(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stop")
    await talk.is_closed(client, 4001)
    await talk.journal("made", "init", "traceback None", "terminate Normal()")
    await talk.silent(talk.run)


class _FailsOnPurpose(Subject):
    def handle_in(self, message: str, /) -> Any:
        return Stop(error=self.run.error())


@case(_FailsOnPurpose, ["S7.12", "S16.1"])
async def the_error_of_a_stop_is_reported_once_and_not_sent(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stop")
    await talk.is_closed(client, 1011, "")
    await talk.journal("made", "init", "terminate Failed(LookupError)")
    await talk.reported("handle_in")


# S6.10.

_HIDDEN: Final = "b2f5ff47436671b6e533d8dc3614845d"
_HEADERS: Final = {
    "Authorization": f"Bearer {_HIDDEN}",
    "Proxy-Authorization": f"Basic {_HIDDEN}",
    "Cookie": f"session={_HIDDEN}",
}


class _RaisesPlainly(Subject):
    """Raises something whose own text is nothing to hide."""

    def handle_in(self, message: str, /) -> Any:
        if message == "breach":
            return {message}
        raise LookupError("nothing to hide")


def _accepts(request: Request) -> Upgrade:
    return Upgrade(_RaisesPlainly(request))


@case(_accepts, ["S6.10"])
async def nothing_secret_of_a_request_is_in_the_log(talk: Talk) -> None:
    for message in ("raise", "breach"):
        client = await talk.open(headers=_HEADERS)
        await client.send(message)
        await talk.is_closed(client, 1011, "")
    await talk.until("terminate Failed(HandlerError)")
    if not await talk.reports("_RaisesPlainly"):
        raise Failure("nothing was reported")
    if found := await talk.reports(_HIDDEN):
        raise Failure(f"a secret of the request's is in the log: {found}")
    if found := await talk.reports(talk.run):
        raise Failure(f"a value in the query of the request's is in the log: {found}")


# S6.8

_exits: Final[dict[str, Run]] = {}
"""The runs of the cases whose SystemExit must not end the host under test, by its text."""


def _can_see_exits() -> bool:
    """Take what reaches the event loop away from it, if it is raised by one of these cases.

    Only asyncio's own loops can be looked into: they call `_run_once` for each of their turns.
    """
    loop: Any = asyncio.get_running_loop()
    if not isinstance(loop, asyncio.BaseEventLoop):
        return False
    if "_run_once" not in vars(loop):
        turn: Callable[[], None] = getattr(loop, "_run_once")  # noqa: B009 - it is not public

        def turn_without_exits() -> None:
            try:
                turn()
            except SystemExit as error:
                run = _exits.pop(str(error), None)
                if run is None:
                    raise
                run.records.append("the event loop was reached")

        vars(loop)["_run_once"] = turn_without_exits
    return True


class _Exits(Subject):
    """Exits the program, in the way that the message names."""

    def init(self, ref: Any, /) -> str:
        super().init(ref)
        return "seen" if _can_see_exits() else "not seen"

    def handle_in(self, message: str, /) -> Any:
        text = f"{message}: {self.run.error()}"
        _exits[text] = self.run
        if message == "coroutine":
            return self.later(text)
        raise SystemExit(text)

    async def later(self, text: str) -> None:
        await asyncio.sleep(0)
        raise SystemExit(text)


async def _exits_by(talk: Talk, how: str) -> None:
    client = await talk.open()
    if await client.receive() != "seen":
        raise Enough
    await client.send(how)
    await talk.is_closed(client, 1011, "")
    await talk.until("the event loop was reached")
    await talk.journal(
        *("made", "init", "terminate Failed(SystemExit)", "the event loop was reached"),
        any_order=True,
    )


@case(_Exits, ["S6.8"])
async def an_exit_in_a_callback_ends_the_connection_and_reaches_the_event_loop(talk: Talk) -> None:
    await _exits_by(talk, "callback")


@case(_Exits, ["S6.8"])
async def an_exit_in_a_coroutine_ends_the_connection_and_reaches_the_event_loop(talk: Talk) -> None:
    await _exits_by(talk, "coroutine")
