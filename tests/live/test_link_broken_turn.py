"""A turn that cannot be finished: the connection ends, in order where that is possible."""

import gc

import pytest

from sock import Remote, Sock, telemetry
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
