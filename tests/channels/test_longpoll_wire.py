"""The wire of a session, as a bridge uses it."""

from __future__ import annotations

import asyncio

import pytest

from sock import Prepared, Text
from sock.channels.longpoll_wire import MAX_UNFETCHED, PollWire

pytestmark = pytest.mark.one_form


def test_a_frame_is_handled_when_the_next_one_is_asked_for(run_async):
    async def main():
        wire = PollWire()
        posted = asyncio.create_task(wire.post(["a", b"b"]))
        assert [await wire.receive(), await wire.receive()] == ["a", b"b"]
        await asyncio.sleep(0)
        assert not posted.done()
        asked = asyncio.create_task(wire.receive())
        assert await posted
        asked.cancel()

    run_async(main())


def test_a_post_that_gives_up_takes_its_frame_back(run_async):
    async def main():
        wire = PollWire()
        posted = asyncio.create_task(wire.post(["a"]))
        await asyncio.sleep(0)
        posted.cancel()
        await asyncio.wait({posted})
        later = asyncio.create_task(wire.post(["b"]))
        assert await wire.receive() == "b"
        wire.end()
        assert not await later

    run_async(main())


def test_all_kinds_of_text_are_kept_and_binary_is_dropped(run_async):
    async def main():
        wire = PollWire()
        for message in ("a", Text(b"b"), Prepared("c"), b"d", Prepared(b"e")):
            await wire.send(message)
        assert await wire.poll(1) == ["a", "b", "c"]

    run_async(main())


def test_sending_waits_for_room(run_async):
    async def main():
        wire = PollWire()
        await wire.send("x" * (MAX_UNFETCHED + 1))
        sending = asyncio.create_task(wire.send("more"))
        await asyncio.sleep(0)
        assert not sending.done()
        assert len((await wire.poll(1))[0]) == MAX_UNFETCHED + 1
        assert await wire.poll(1) == ["more"]

    run_async(main())


def test_the_end_lets_all_go_on(run_async):
    async def main():
        wire = PollWire()
        await wire.send("x" * (MAX_UNFETCHED + 1))
        sending = asyncio.create_task(wire.send("more"))
        posting = asyncio.create_task(wire.post(["a"]))
        await asyncio.sleep(0)
        await wire.close(1012, "")
        assert not await posting
        with pytest.raises(ConnectionError):
            await sending
        assert len((await wire.poll(1))[0]) == MAX_UNFETCHED + 1
        assert await wire.poll(1) is None

    run_async(main())
