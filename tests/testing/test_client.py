import sys

import pytest

import sock
from sock import Ping, Pong, Response, Sock, Stop
from sock.testing import Client, Close, End, frame


class Echo(Sock):
    def handle_in(self, message):
        return Stop(4000) if message == "stop" else message


def app(request):
    return Echo(request) if request.path == "/" else Response(404, "nothing here")


@pytest.fixture
def talk(run_async):
    """Run a conversation with the echo, over a real socket."""

    def run(conversation, path="/", **options):
        async def main():
            async with sock.serve(app, port=0) as server:
                url = f"ws://127.0.0.1:{server.port}{path}"
                async with await Client.connect(url, **options) as client:
                    return await conversation(client)

        return run_async(main())

    return run


def test_it_sends_and_receives(talk):
    async def conversation(client):
        await client.send("hello", b"\0", Ping(b"p"))
        return [await client.receive() for _ in range(3)]

    assert talk(conversation) == ["hello", b"\0", Pong(b"p")]


def test_messages_may_come_with_the_request(talk):
    async def conversation(client):
        return [await client.receive() for _ in range(2)]

    assert talk(conversation, early=("one", "two")) == ["one", "two"]


def test_it_hears_the_close_and_the_end_of_tcp(talk):
    async def conversation(client):
        await client.send("stop")
        heard = [await client.receive()]
        await client.send_close(4000)
        return [*heard, await client.receive(), await client.receive()]

    assert talk(conversation) == [Close(4000, ""), End.FIN, End.FIN]


def test_bytes_may_be_split_anywhere(talk):
    async def conversation(client):
        for byte in frame(1, b"hello"):
            await client.send_bytes(bytes([byte]))
        return await client.receive()

    assert talk(conversation) == "hello"


def test_what_does_not_come_is_a_timeout(talk):
    async def conversation(client):
        client.patience = 0.01
        await client.receive()

    with pytest.raises(TimeoutError):
        talk(conversation)


def test_it_reads_an_ordinary_answer(talk):
    async def conversation(client):
        return client.head.status, await client.body()

    assert talk(conversation, "/other") == (404, b"nothing here")


def test_only_ws_urls_are_taken(run_async):
    with pytest.raises(ValueError, match="wss://"):
        run_async(Client.connect("wss://127.0.0.1/"))


def test_nobody_there_is_an_error(run_async):
    with pytest.raises(OSError, match=r"refused|Connect"):
        run_async(Client.connect("ws://127.0.0.1:1/"))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts segments")
def test_it_counts_the_segments_in_which_a_host_has_sent(talk):
    async def conversation(client):
        before = client.segments
        await client.send("one", "two")  # answered in one turn, and so in one write
        await client.receive()
        await client.receive()
        at_once = client.segments
        for text in ("three", "four"):
            await client.send(text)
            await client.receive()
        return at_once - before, client.segments - at_once

    assert talk(conversation) == (1, 2)
