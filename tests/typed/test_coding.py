"""What a host calls in the place of a callback: how iterators end."""

import asyncio

import pytest

from sock import HandlerError, JsonSock, Stream, testing

pytestmark = pytest.mark.one_form


class Number(JsonSock[None, int, int]):
    ended = ()

    def __init__(self, request):
        self.ended = []


class Counts(Number):
    def handle_in(self, message):
        return self.count()

    async def count(self):
        try:
            for number in range(1000):
                yield number
                await asyncio.sleep(1)
        finally:
            self.ended.append("count")


class Streams(Counts):
    def handle_in(self, message):
        self.stream = Stream(self.count())
        return self.stream


@pytest.mark.parametrize("kind", [Counts, Streams])
def test_a_generator_is_closed_when_the_peer_has_gone(kind):
    with testing.open(kind) as session:
        session.receive("1")
        session.advance(2.5)
        assert session.pushed() == ["0", "1", "2"]
        handler = session.handler
        session.close()
        assert handler.ended == ["count"]


def test_a_stream_can_be_cancelled():
    with testing.open(Streams) as session:
        session.receive("1")
        session.handler.stream.cancel()
        assert session.handler.stream.done
        session.receive("2")
        assert session.pushed() == ["0", "0"]


@pytest.mark.parametrize("wrong", [None, "text", [1], Stream], ids=str)
def test_an_item_that_cannot_be_sent_ends_with_1011(wrong):
    class Wrong(Number):
        async def handle_in(self, message):
            yield 1
            yield wrong

    with testing.open(Wrong) as session:
        session.receive("1")
        assert (session.pushed(), session.code) == (["1"], 1011)
        assert isinstance(session.error, HandlerError)
        assert "Wrong.handle_in" in str(session.error)


def test_an_iterator_that_raises_ends_with_its_own_exception():
    class Fails(Number):
        async def handle_in(self, message):
            yield 1
            raise LookupError("a bug")

    with testing.open(Fails) as session:
        session.receive("1")
        assert (session.pushed(), session.code) == (["1"], 1011)
        assert isinstance(session.error, LookupError)
