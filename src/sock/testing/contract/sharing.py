"""Section 10: refs that several hold: which are equal, other threads, and `send_all`."""

# ruff: noqa: D103, ARG002 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sock.live.ref import send_all

from .case import case
from .refs import Keeps, open_two

if TYPE_CHECKING:
    from .talk import Talk

# Identity, and threads


class _Compares(Keeps):
    def handle_in(self, message: str, /) -> str:
        mine, other = self.ref, self.other
        return f"{mine == mine} {mine == other} {len({mine, other, self.run.refs[0]})}"  # noqa: PLR0124 - the very question


@case(_Compares, ["S10.9"])
async def refs_compare_by_identity_and_can_be_hashed(talk: Talk) -> None:
    client, _ = await open_two(talk)
    await client.send("compare")
    await talk.hears(client, "True False 2")


class _InThreads(Keeps):
    """Uses its ref in another thread."""

    async def handle_in(self, message: str, /) -> Any:
        return await asyncio.to_thread(getattr(self, message))

    def look(self) -> str:
        ref = self.ref
        return f"{ref.closed} {ref.pending} {ref.request.query['run'] == self.run_name}"

    def stop(self) -> str:
        self.ref.stop(4001)
        return "dropped, as the callback is cancelled"

    @property
    def run_name(self) -> str:
        return self.ref.request.query["run"]


@case(_InThreads, ["S10.10"])
async def a_ref_can_be_read_and_stopped_in_any_thread(talk: Talk) -> None:
    client = await talk.open()
    await client.send("look")
    await talk.hears(client, "False 0 True")
    await client.send("stop")
    await talk.is_closed(client, 4001)


class _Limited(Keeps):
    """Does in another thread what may be limited to the event loop's."""

    async def handle_in(self, message: str, /) -> str | None:
        try:
            await asyncio.to_thread(getattr(self, message))
        except RuntimeError as error:
            return message if str(error) else "refused without a word"
        return None  # so it has to work

    def send_after(self) -> None:
        self.ref.send_after(0.01, "send_after")

    def spawn(self) -> None:
        self.ref.spawn(self.work())

    async def work(self) -> None:
        self.ref.send("spawn")

    def handle_info(self, info: str, /) -> str:
        return info


@case(_Limited, ["S10.14"])
async def what_is_for_the_event_loop_works_in_another_thread_or_says_so(talk: Talk) -> None:
    client = await talk.open()
    for what in ("send_after", "spawn"):
        await client.send(what)
        await talk.hears(client, what)


# send_all


class _Elsewhere:
    """A ref of another host."""

    def __init__(self, refs: set[Any]) -> None:
        self.refs = refs
        self.got: list[Any] = []

    def send(self, info: Any, /) -> None:
        self.got.append(info)
        self.refs.clear()  # what the iterable holds later does not count


class _SendsAll(Keeps):
    def handle_in(self, message: str, /) -> str:
        self.info = {"info": message}
        refs: set[Any] = set(self.run.refs)
        elsewhere = _Elsewhere(refs)
        refs.add(elsewhere)
        send_all(refs, self.info)
        return f"{elsewhere.got == [self.info]}"

    def handle_info(self, info: Any, /) -> str:
        return f"{info == {'info': 'message'}}"


@case(_SendsAll, ["S10.13"])
async def send_all_reaches_the_refs_of_other_hosts_and_all_that_there_were(talk: Talk) -> None:
    one, other = await open_two(talk)
    await one.send("message")
    await talk.hears(one, "True", "True")
    await talk.hears(other, "True")
