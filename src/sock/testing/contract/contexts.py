"""Contexts: whatever runs for a connection sees and sets that connection's context variables."""

# ruff: noqa: D103 - the name of a case is its sentence
from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary
from weakref import ref as ref_to

from sock.spec import Stop, Stream

from .case import case
from .subject import Run, Subject
from .verdict import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sock.spec import Answer, Reason, Ref, Request

    from .talk import Talk

_user: ContextVar[str] = ContextVar("user", default="nobody")


class _Tells(Subject):
    """Tells what it sees, wherever it is asked to look."""

    def init(self, ref: Ref[Any], /) -> str:
        super().init(ref)
        ref.add_done_callback(lambda: self.note(f"done {_user.get()}"))
        self.ref = ref
        return _user.get()

    def handle_in(self, message: str, /) -> Any:
        match message:
            case "plain":
                return _user.get()
            case "coroutine":
                return self.waits()
            case "generator":
                return self.items()
            case "stream":
                return Stream(self.items())
            case "task":
                self.ref.spawn(self.sends())
            case "leave":
                return Stop()
            case _:
                _user.set(message)
        return None

    async def waits(self) -> str:
        before = _user.get()
        await asyncio.sleep(0)
        return f"{before} {_user.get()}"

    async def items(self) -> AsyncIterator[str]:
        yield _user.get()
        await asyncio.sleep(0)
        yield _user.get()

    async def sends(self) -> None:
        self.ref.send(f"task {_user.get()}")

    def handle_info(self, info: str, /) -> str:
        return f"{info} {_user.get()}"

    def terminate(self, reason: Reason, /) -> None:
        self.note(f"last {_user.get()}")
        super().terminate(reason)


def _logs_in(request: Request) -> Answer:
    """Do what middleware does: note who asks, in the context of the request."""
    if user := request.headers.get("x-user"):
        _user.set(user)
    return _Tells(request)


async def _sees(talk: Talk, client: Any, user: str) -> None:
    """Find the user wherever code of the connection runs."""
    await client.send("plain", "coroutine")
    await talk.hears(client, user, f"{user} {user}")
    await client.send("generator")
    await talk.hears(client, user, user)
    await client.send("stream")
    await talk.hears(client, user, user)
    await client.send("task")
    await talk.hears(client, f"task {user} {user}")


@case(_logs_in, ["S18.1", "S18.2", "S18.4"])
async def a_connection_has_the_context_that_it_was_accepted_in(talk: Talk) -> None:
    ada = await talk.open(headers={"X-User": "ada"})
    bob = await talk.open(headers={"X-User": "bob"})
    stranger = await talk.open()
    for client, user in ((ada, "ada"), (bob, "bob"), (stranger, "nobody")):
        await talk.hears(client, user)
    for _ in range(2):
        for client, user in ((bob, "bob"), (stranger, "nobody"), (ada, "ada")):
            await _sees(talk, client, user)
    await talk.post("from outside")  # by a connection that has another context
    await talk.hears(ada, "from outside ada")
    await ada.send("leave")
    await talk.is_closed(ada, 1000)
    await talk.until("done ada")
    if "last ada" not in await talk.peek():
        raise Failure("terminate has run in another context")


@case(_Tells, ["S18.3"])
async def what_a_callback_sets_is_seen_by_its_own_connection_only(talk: Talk) -> None:
    ada, bob = await talk.open(), await talk.open()
    for client in (ada, bob):
        await talk.hears(client, "nobody")
    await ada.send("ada", "plain")
    await talk.hears(ada, "ada")
    await _sees(talk, bob, "nobody")
    await _sees(talk, ada, "ada")
    await bob.send("bob")
    await _sees(talk, ada, "ada")
    await _sees(talk, bob, "bob")
    await _sees(talk, await _third(talk), "nobody")


async def _third(talk: Talk) -> Any:
    client = await talk.open()
    await talk.hears(client, "nobody")
    return client


class _HoldsItsTask(Subject):
    """Holds the task that it is run in, and looks whether another connection holds the same."""

    async def handle_info(self, how: str, /) -> None:
        task = asyncio.current_task()
        for owner, held in _held.setdefault(self.run, []):
            if held() is task and owner is not self:
                self.note("another connection holds this task")
        _held[self.run].append((self, (lambda: task) if how == "strongly" else ref_to(task)))
        self.note(f"holds it {how}")


_held: WeakKeyDictionary[Run, list[tuple[object, Callable[[], object]]]] = WeakKeyDictionary()


@case(_HoldsItsTask, ["S18.6"])
async def a_task_that_somebody_holds_is_lent_to_no_other_connection(talk: Talk) -> None:
    clients = [await talk.open() for _ in range(4)]
    for how in ("strongly", "weakly"):
        await talk.send_all(how)
        async with asyncio.timeout(talk.patience):
            while (await talk.peek()).count(f"holds it {how}") < len(clients):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.01)
    if "another connection holds this task" in await talk.peek():
        raise Failure("two connections were run in one task, although one of them held it")
