"""All workers of one server on one machine."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import tempfile
from pathlib import Path

import pytest

from sock.pubsub import Gap, PubSub
from sock.pubsub.backends import host
from tests.pubsub.listening import Ref, in_loop, until

pytestmark = pytest.mark.one_form


@pytest.fixture
def folder():
    made = tempfile.mkdtemp()  # a path of pytest's own may be too long for a socket
    yield Path(made)
    shutil.rmtree(made)


def members(folder, number):
    return [PubSub(f"host:{folder}") for _ in range(number)]


def test_each_gets_all_of_four_publishers_in_order_and_none_twice(folder):
    async def body():
        async with contextlib.AsyncExitStack() as stack:
            four = [await stack.enter_async_context(one) for one in members(folder, 4)]
            refs = []
            for at, one in enumerate(four * 5):
                refs.append(Ref())
                await (one.attach if at % 2 else one.subscribe)("room", refs[-1])

            async def publish(which, one):
                for number in range(250):
                    await one.broadcast("room", f"{which} {number}")
                    if number % 50 == 0:
                        await asyncio.sleep(0)

            await asyncio.gather(*(publish(at, one) for at, one in enumerate(four)))
            await until(lambda: all(len(ref.heard) >= 1000 for ref in refs))
            for ref in refs:
                for which in range(4):
                    own = [text for text in ref.heard if text.startswith(f"{which} ")]
                    assert own == [f"{which} {number}" for number in range(250)]

    in_loop(body())


def test_a_subscription_is_live_when_it_returns_and_topics_are_filtered(folder):
    async def body():
        one, two = members(folder, 2)
        async with one, two:
            ref = Ref()
            for number in range(50):
                await one.subscribe(f"room {number}", ref)
                await two.broadcast(f"room {number}", str(number))
            await two.broadcast("elsewhere", "not for one")
            await until(lambda: len(ref.heard) == 50)
            assert ref.heard == [str(number) for number in range(50)]

    in_loop(body())


def test_members_come_and_go_and_one_that_was_killed_leaves_a_file_that_the_next_removes(folder):
    async def body():
        one, two, three = members(folder, 3)
        ref = Ref()
        stale = folder / "0123456789abcdef.sock"
        with socket.socket(socket.AF_UNIX) as killed:
            killed.bind(str(stale))
        async with one:
            await one.subscribe("room", ref)
            assert not stale.exists()
            async with two:
                await two.broadcast("room", "two")
            async with three:
                await three.broadcast("room", "three")
            await until(lambda: len(ref.heard) == 2)
            assert ref.heard == ["two", "three"]
        assert list(folder.iterdir()) == []

    in_loop(body())


def test_who_reads_too_slowly_is_told_of_the_gap_and_gets_what_comes_later(folder, monkeypatch):
    monkeypatch.setattr(host, "MAX_UNSENT", 100_000)

    async def body():
        one, two = members(folder, 2)
        async with one, two:
            ref = Ref()
            await one.subscribe("room", ref, gaps=True)
            for number in range(100):  # without a turn of the loop, so nobody reads
                two.broadcast_soon("room", f"{number} {'x' * 10_000}")
            await until(lambda: Gap("room") in ref.heard)
            two.broadcast_soon("room", "last 1")
            await until(lambda: "last 1" in ref.heard)
            numbers = [
                int(text.split()[0])
                for text in ref.heard
                if isinstance(text, str) and text[0] != "l"
            ]
            assert numbers == sorted(set(numbers))
            assert ref.heard[-1] == "last 1"

    in_loop(body())


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff" * 100,
        host.packed(99),
        host.packed(host.MESSAGE, b"\xff"),
        host.packed(host.MESSAGE, b"\x00\x09a"),
        host.packed(host.HELLO, b"../up.sock"),
        host.packed(host.SUBSCRIBE, b"\xff"),
    ],
)
def test_what_is_no_frame_ends_its_connection_and_disturbs_nobody(folder, garbage):
    async def body():
        (one,) = members(folder, 1)
        async with one:
            (path,) = folder.iterdir()
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(garbage)
            assert await reader.read() == b""
            writer.close()
            ref = Ref()
            await one.subscribe("room", ref)
            await one.broadcast("room", "goes on")
            assert ref.heard == ["goes on"]

    in_loop(body())


def test_a_folder_that_others_may_read_is_refused(folder):
    folder.chmod(0o755)
    with pytest.raises(PermissionError, match="alone"):
        host.check_folder(folder)
