"""A turn that cannot be finished: the connection ends, in order where that is possible."""

import asyncio
import gc

import pytest

from sock import Options, Remote, Request, Sock, telemetry
from sock.live import Link
from sock.wire.frame import Close


class Notes(Sock):
    """Echoes, and keeps why it ended."""

    def __init__(self, request):
        self.reasons = []

    def init(self, ref):
        self.ref = ref

    def handle_in(self, message):
        return message

    def terminate(self, reason):
        self.reasons.append(reason)


@pytest.mark.parametrize("native", [True], ids=["epoll"], indirect=True)
def test_memory_that_is_wanting_anywhere_ends_the_connection_or_is_not_missed(run, open_link):
    """Whichever allocation of a turn fails: all is answered, or the connection is over."""
    testcapi = pytest.importorskip("_testcapi")

    async def scenario():
        for nth in range(40):
            connection = await open_link(Notes, max_send_buffer=None)
            link = connection.link
            connection.handler.ref.send("x" * 1_000_000)
            gc.disable()
            testcapi.set_nomemory(nth, nth + 1)
            try:
                link.turn()
            except MemoryError:
                pass
            finally:
                testcapi.remove_mem_hooks()
                gc.enable()
            connection.handler.ref.send("next")
            events = []
            while (event := await connection.peer.next()) is not None:
                events.append(event)
                if event == "next" or isinstance(event, Close):
                    break
            connection.peer.writer.transport.abort()
            await connection.over()
            if "next" in events:
                assert events == ["x" * 1_000_000, "next"], nth
                assert connection.handler.reasons == [Remote(1006)]
            else:
                assert len(connection.handler.reasons) == 1, nth

    run(scenario())


def test_a_subscriber_that_raises_costs_no_connection_its_end(run, open_link, capsys):
    """Rules 6 and 8, also when a log cannot say what was raised."""

    class Unspeakable(Exception):
        def __repr__(self):
            raise LookupError("no words for it")

        __str__ = __repr__

    class Raises(Notes):
        def handle_in(self, message):
            raise Unspeakable

    def speaks(event, fields):
        if event == "callback.failed":
            repr(fields["error"])

    async def scenario():
        connection = await open_link(Raises)
        connection.peer.send("one")
        close = await connection.peer.next()
        assert (type(close), close.code) == (Close, 1011)
        connection.peer.close(1011)
        await connection.over()
        assert [type(reason.error) for reason in connection.handler.reasons] == [Unspeakable]

    unsubscribe = telemetry.subscribe(speaks)
    try:
        run(scenario())
    finally:
        unsubscribe()
    assert "no words for it" in capsys.readouterr().err


def test_a_turn_that_cannot_be_finished_after_the_end_raises_its_own_error(run, pair, reactor):
    """The life cycle is over then, and has nobody to tell; TCP is cut all the same."""

    class FailsToClose:
        """Stands before the pipe: at first there is no memory for closing it."""

        def __init__(self, pipe):
            self._pipe = pipe
            self._failed = False

        def __getattr__(self, name):
            return getattr(self._pipe, name)

        def close(self):
            if self._failed:
                self._pipe.close()
            else:
                self._failed = True
                raise MemoryError("no memory for closing")

    async def scenario():
        over = asyncio.Event()
        handler = Notes(Request())

        def connect(pipe):
            return Link(
                reactor(),
                FailsToClose(pipe),
                Request(),
                handler,
                Options(),
                on_over=lambda link: over.set(),
            )

        pipe, link, peer = await pair(connect)
        link.begin(b"")
        pipe.pause()  # the test gives the link what the peer would have sent
        with pytest.raises(MemoryError, match="no memory for closing"):
            link.received(b"\x88\x82\0\0\0\0\x03\xe8")
        assert handler.reasons == [Remote(1000)]
        assert await peer.next() == Close(1000, "")
        await asyncio.wait_for(over.wait(), 10)

    run(scenario())
