"""What one turn of a lane does, seen from both of its ends: frames in, one write out."""

import asyncio
import time

import pytest

from sock import Prepared, Sock, Stop, Text
from sock.loop import MAX_TURN_NANOSECONDS


class Echo(Sock):
    def handle_in(self, message):
        return message


SIZES = [0, 1, 7, 8, 125, 126, 127, 8191, 8192, 8193, 65535, 65536, 200_000]


@pytest.mark.parametrize("kind", [str, bytes])
def test_a_message_of_any_size_comes_back(run, open_link, kind):
    async def scenario():
        connection = await open_link(Echo)
        for size in SIZES:
            message = "x" * size if kind is str else b"x" * size
            connection.peer.send(message)
            assert await connection.peer.next() == message
        connection.link.abort()
        await connection.over()

    run(scenario())


@pytest.mark.parametrize("message", ["é", "é" * 5000, "\U0001f600" * 3000, "a" * 9000 + "é"])
def test_text_that_is_not_ascii_comes_back(run, open_link, message):
    async def scenario():
        connection = await open_link(Echo)
        connection.peer.send(message)
        assert await connection.peer.next() == message
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_what_is_pushed_behind_a_large_payload_stays_behind_it(run, open_link):
    large = ["a" * 20_000, b"b" * 30_000, Prepared("c" * 9000), Text(b"d" * 9000)]

    class Pushes(Sock):
        def handle_in(self, message):
            return ["first", *large, "last"]

    async def scenario():
        connection = await open_link(Pushes)
        for _ in range(2):
            connection.peer.send("go")
        for _ in range(2):
            got = [await connection.peer.next() for _ in range(6)]
            assert got == ["first", "a" * 20_000, b"b" * 30_000, "c" * 9000, "d" * 9000, "last"]
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_all_answers_to_one_read_leave_in_order_also_when_some_are_large(run, open_link):
    async def scenario():
        connection = await open_link(Echo)
        messages = ["a", "b" * 10_000, "c", b"d" * 10_000, "e" * 10_000, "f"]
        connection.peer.send(*messages)
        assert [await connection.peer.next() for _ in messages] == messages
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_a_large_payload_leaves_before_the_close_behind_it(run, open_link):
    class Ends(Sock):
        def handle_in(self, message):
            return Stop(4000, "enough", messages=["x" * 100_000])

    async def scenario():
        connection = await open_link(Ends)
        connection.peer.send("go")
        assert await connection.peer.next() == "x" * 100_000
        assert (await connection.peer.next()).code == 4000
        connection.peer.close(4000)
        await connection.over()

    run(scenario())


async def promised(message):
    return [message]


RESULTS = {
    "str": lambda message: message,
    "text": lambda message: Text(message.encode()),
    "list": lambda message: [message],
    "bytearray": lambda message: bytearray(message.encode()),
    "coroutine": promised,
}


@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_a_turn_that_lasts_too_long_lets_the_loop_have_its_own(run, open_link, result):
    """Forty slow messages come in one read, and the loop's other work is not held up by all."""
    handled = []

    class Slow(Sock):
        def handle_in(self, message):
            end = time.perf_counter() + MAX_TURN_NANOSECONDS / 2e9
            while time.perf_counter() < end:
                pass
            handled.append(message)
            return result(message)

    async def scenario():
        connection = await open_link(Slow)
        messages = [str(number) for number in range(40)]
        connection.peer.send(*messages)
        waits = []
        while len(handled) < 40:
            before = len(handled)
            await asyncio.sleep(0)
            waits.append(len(handled) - before)
        assert max(waits) <= 10
        assert handled == messages
        answers = [await connection.peer.next() for _ in messages]
        assert [str(one, "utf-8") if isinstance(one, bytes) else one for one in answers] == messages
        connection.peer.send("and it reads on")
        assert await connection.peer.next() in ("and it reads on", b"and it reads on")
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_a_mailbox_of_slow_infos_lets_the_loop_have_its_own(run, open_link):
    handled = []

    class Slow(Sock):
        def init(self, ref):
            self.ref = ref

        def handle_info(self, info):
            end = time.perf_counter() + MAX_TURN_NANOSECONDS / 2e9
            while time.perf_counter() < end:
                pass
            handled.append(info)

    async def scenario():
        connection = await open_link(Slow)
        for number in range(40):
            connection.handler.ref.send(number)
        waits = []
        while len(handled) < 40:
            before = len(handled)
            await asyncio.sleep(0)
            waits.append(len(handled) - before)
        assert max(waits) <= 10
        assert handled == list(range(40))
        connection.link.abort()
        await connection.over()

    run(scenario())


@pytest.mark.parametrize("result", [None, []], ids=["none", "list"])
def test_peers_that_never_stop_are_served_in_turn(run, open_link, result):
    """Each message takes a whole turn of the loop, and each peer has the next one sent already."""
    served = []

    class Slow(Sock):
        def init(self, ref):
            self.number = len(served)
            served.append(0)

        def handle_in(self, message):
            end = time.perf_counter() + MAX_TURN_NANOSECONDS * 1.2e-9
            while time.perf_counter() < end:
                pass
            served[self.number] += 1
            return result

    async def scenario():
        connections = [await open_link(Slow) for _ in range(4)]
        for connection in connections:
            connection.peer.send(*["again"] * 200)
        while sum(served) < 40:
            await asyncio.sleep(0)
        assert min(served) >= 5
        for connection in connections:
            connection.link.abort()
            await connection.over()

    run(scenario())


def test_a_connection_that_fell_behind_can_close_and_be_closed(run, open_link):
    class Slow(Sock):
        def handle_in(self, message):
            end = time.perf_counter() + MAX_TURN_NANOSECONDS * 1.5e-9
            while time.perf_counter() < end:
                pass
            return Stop(4001) if message == "stop" else message

    async def scenario():
        connection = await open_link(Slow)
        connection.peer.send("a", "b", "stop", "c")
        assert [await connection.peer.next() for _ in range(2)] == ["a", "b"]
        assert (await connection.peer.next()).code == 4001
        connection.peer.close(4001)
        await connection.over()

    run(scenario())
