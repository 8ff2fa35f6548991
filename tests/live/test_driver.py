"""Coroutines, generators and streams, run as tasks."""

from __future__ import annotations

import asyncio

from sock import Failed, Remote, Shutdown, Sock, Stop, Stream
from sock.wire.frame import Close


class Base(Sock):
    def __init__(self, request):
        self.told = []
        self.reasons = []

    def init(self, ref):
        self.ref = ref

    def terminate(self, reason):
        self.reasons.append(reason)


def answered(run, open_link, kind, count=1):
    """Send "go", and return the next events."""

    async def scenario():
        connection = await open_link(kind)
        connection.peer.send("go")
        events = [await connection.peer.next() for _ in range(count)]
        connection.peer.writer.close()
        await connection.over()
        return events, connection.handler

    return run(scenario())


def test_anything_that_can_be_awaited_is_a_promise(run, open_link):
    class Promises(Base):
        def handle_in(self, message):
            future = asyncio.get_running_loop().create_future()
            future.set_result("from a future")
            return future

    assert answered(run, open_link, Promises)[0] == ["from a future"]


def test_any_async_iterator_is_pushed_item_by_item_and_needs_no_aclose(run, open_link):
    class Countdown:
        left = 3

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.left:
                raise StopAsyncIteration
            self.left -= 1
            return f"{self.left}"

    class Counts(Base):
        def handle_in(self, message):
            return Countdown()

    assert answered(run, open_link, Counts, 3)[0] == ["2", "1", "0"]


def test_a_generator_may_stop_the_connection_and_its_finally_runs(run, open_link):
    class Stops(Base):
        async def handle_in(self, message):
            try:
                yield "last"
                yield Stop(4000)
                yield "never"
            finally:
                self.told.append("closed")

    events, handler = answered(run, open_link, Stops, 2)
    assert events == ["last", Close(4000, "")]
    assert handler.told == ["closed"]


def test_the_finally_of_a_generator_may_await(run, open_link):
    class Cleans(Base):
        async def handle_in(self, message):
            try:
                yield Stop(4000)
            finally:
                await asyncio.sleep(0)
                self.told.append("closed")

    assert answered(run, open_link, Cleans)[1].told == ["closed"]


def test_a_stream_that_was_cancelled_before_it_was_returned_is_not_run(run, open_link):
    class Cancels(Base):
        async def tokens(self):
            self.told.append("run")
            yield "never"

        def handle_in(self, message):
            stream = Stream(self.tokens())
            stream.cancel()
            return stream

        def handle_info(self, info):
            return "still here"

    async def scenario():
        connection = await open_link(Cancels)
        connection.peer.send("go")
        await connection.peer.until_pong()
        connection.handler.ref.send(None)
        assert await connection.peer.next() == "still here"
        assert connection.handler.told == []
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_an_exception_in_a_stream_ends_the_connection(run, open_link):
    class Raises(Base):
        async def tokens(self):
            yield "one"
            raise ValueError

        def handle_in(self, message):
            return Stream(self.tokens())

    events, handler = answered(run, open_link, Raises, 2)
    assert events == ["one", Close(1011, "")]
    assert isinstance(handler.reasons[0], Failed)


def test_a_coroutine_that_somebody_else_cancels_has_failed(run, open_link):
    class Cancelled(Base):
        async def handle_in(self, message):
            asyncio.current_task().cancel()
            await asyncio.sleep(0)

    events, handler = answered(run, open_link, Cancelled)
    assert events == [Close(1011, "")]
    assert isinstance(handler.reasons[0].error, asyncio.CancelledError)


def test_what_the_loop_cancels_in_a_drain_has_not_failed(run, open_link):
    """A second Ctrl-C, say: the loop cancels all that is left, and the code stays 1012."""

    class Waits(Base):
        async def handle_in(self, message):
            self.task = asyncio.current_task()
            await asyncio.Event().wait()

    async def scenario():
        connection = await open_link(Waits)
        connection.peer.send("go")
        while not hasattr(connection.handler, "task"):
            await asyncio.sleep(0)
        connection.link.shutdown(30.0)
        connection.handler.task.cancel()
        close = await connection.peer.next()
        assert (type(close), close.code) == (Close, 1012)
        connection.peer.close(1012)
        await connection.over()
        assert connection.handler.reasons == [Shutdown()]

    run(scenario())


def test_a_callback_that_swallows_its_cancellation_is_abandoned_and_told(run, open_link, events):
    class Stubborn(Base):
        async def handle_in(self, message):
            while True:
                try:
                    await self.ended.wait()
                except asyncio.CancelledError:
                    continue
                return

    async def scenario():
        connection = await open_link(Stubborn, close_timeout=0.1)
        connection.handler.ended = asyncio.Event()
        connection.peer.send("go")
        await connection.peer.until_pong()
        connection.peer.writer.close()
        await connection.over()
        assert connection.handler.reasons == [Remote(1006)]
        connection.handler.ended.set()
        for _ in range(5):
            await asyncio.sleep(0)

    run(scenario())
    assert [event for event, _ in events].count("callback.abandoned") == 1


def test_a_coroutine_has_a_task_and_a_timeout_of_its_own(run, open_link):
    class Impatient(Base):
        async def handle_in(self, message):
            try:
                async with asyncio.timeout(0):
                    await asyncio.Event().wait()
            except TimeoutError:
                return "too late"

    assert answered(run, open_link, Impatient)[0] == ["too late"]


def test_a_coroutine_that_does_not_suspend_costs_no_turn_of_the_loop(run, open_link):
    class Quick(Base):
        async def handle_in(self, message):
            self.told.append(message)
            return message

    async def scenario():
        connection = await open_link(Quick)
        connection.peer.send(*(f"{n}" for n in range(100)))
        turns = 0
        while len(connection.handler.told) < 100:
            await asyncio.sleep(0)
            turns += bool(connection.handler.told)
        # Mostly one, that in which they have come; on a busy machine its time may be up before.
        assert turns < 50
        assert [await connection.peer.next() for _ in range(100)] == [f"{n}" for n in range(100)]
        connection.link.abort()
        await connection.over()

    run(scenario())
