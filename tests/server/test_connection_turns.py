"""The HTTP phase keeps to the turn's time: one peer's requests do not hold up the others.

A turn has no time at all here, so each stops as soon as it may; what is left waits its turn.
"""

from __future__ import annotations

import asyncio

import pytest

import sock
from sock import Options, Response
from sock.loop import Reactor

pytestmark = pytest.mark.usefixtures("reactor_kind", "loop_kind")

MANY = 200


def get(target: str, *, last: bool = False) -> bytes:
    close = "Connection: close\r\n" if last else ""
    return f"GET {target} HTTP/1.1\r\nHost: a\r\n{close}\r\n".encode()


@pytest.fixture
def impatient():
    """Let no turn of this loop have any time."""

    def impatient() -> None:
        Reactor.of(asyncio.get_running_loop()).max_turn_nanoseconds = -1

    return impatient


def asking(order: list[str], *, later: bool):
    def now(request):
        order.append(request.path)
        return Response(200, request.path)

    async def soon(request):
        await asyncio.sleep(0)
        return now(request)

    return soon if later else now


@pytest.mark.parametrize("later", [False, True], ids=["a function", "a coroutine"])
def test_pipelined_requests_leave_the_others_their_turn(run_async, connect, impatient, later):
    order = []

    async def act():
        async with sock.serve(asking(order, later=later)) as server:
            impatient()
            async with await connect(server) as many, await connect(server) as other:
                for one in (many, other):  # both are accepted, and have been read
                    one.send(get("/first"))
                    await one.answer()
                many.send(get("/many") * (MANY - 1) + get("/many", last=True))
                other.send(get("/other", last=True))
                assert (await other.answer()).body == b"/other"
                for _ in range(MANY):
                    assert (await many.answer()).body == b"/many"
                assert await many.rest() == b""

    run_async(act())
    assert order.count("/many") == MANY
    assert order.index("/other") < 20


def test_what_many_pipeline_is_answered_a_request_a_turn_each(run_async, connect, impatient):
    order = []

    async def act():
        async with sock.serve(asking(order, later=False)) as server:
            impatient()
            clients = [await connect(server) for _ in range(4)]
            for number, client in enumerate(clients):
                client.send(get(f"/{number}") * MANY)
                client.finish()
            for client in clients:
                assert (await client.rest()).count(b"HTTP/1.1 200") == MANY
                client.hang_up()

    run_async(act())
    # Nobody is a quarter of his own requests ahead of anybody.
    half = order[: 2 * MANY]
    assert min(half.count(f"/{number}") for number in range(4)) > MANY / 4


def test_a_body_of_tiny_chunks_leaves_the_others_their_turn(run_async, connect, impatient):
    order = []

    async def act():
        async with sock.serve(asking(order, later=False)) as server:
            impatient()
            async with await connect(server) as many, await connect(server) as other:
                for one in (many, other):
                    one.send(get("/first"))
                    await one.answer()
                head = b"POST /many HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                many.send(head + b"1\r\nx\r\n" * 2000 + b"0\r\n\r\n")
                other.send(get("/other"))
                await other.answer()
                await many.answer()

    run_async(act())
    assert order[2:] == ["/other", "/many"]


def test_fin_behind_pipelined_requests_ends_none_of_them(run_async, connect, impatient):
    async def act():
        async with sock.serve(asking([], later=False)) as server:
            impatient()
            async with await connect(server) as client:
                client.send(get("/a") * MANY)
                client.finish()
                assert (await client.rest()).count(b"HTTP/1.1 200") == MANY

    run_async(act())


def test_a_drain_answers_one_request_of_those_that_wait(run_async, connect, impatient):
    order = []

    async def act():
        async with sock.serve(asking(order, later=False)) as server:
            impatient()
            async with await connect(server) as client:
                client.send(get("/first"))
                await client.answer()
                client.send(get("/a") * MANY)
                while len(order) < 3:
                    await asyncio.sleep(0)
                await server.drain()
                assert b"Connection: close" in await client.rest()

    run_async(act())
    assert len(order) < MANY


def test_what_comes_while_a_connection_waits_for_its_turn_is_bounded(run_async, connect, impatient):
    async def act():
        options = Options(max_head_size=4096)
        async with sock.serve(asking([], later=False), options=options) as server:
            impatient()
            async with await connect(server) as client:
                count = 5_000
                client.send(get("/a") * count)
                client.finish()
                assert (await client.rest()).count(b"HTTP/1.1 200") == count

    run_async(act())
