import pytest

from sock import Pong
from sock.testing import Close, End
from sock.testing.wire import Fell
from sock.testing.wire.connection import QUIET, Answer, Connection, described

from .conftest import serving

pytestmark = pytest.mark.one_form


@pytest.fixture
def heard(run_async):
    """Let a server say bytes, and return what the connection makes of them."""

    def heard(data, *, count=1, answer=False):
        async def main():
            async def serve(reader, writer):
                writer.write(data)
                await writer.drain()
                if not answer:
                    await reader.read(1)

            async with serving(serve) as target:
                connection = await Connection.connect(target, 1.5)
                try:
                    if answer:
                        return await connection.read_answer()
                    return [await connection.receive() for _ in range(count)]
                finally:
                    connection.hang_up()

        return run_async(main())

    return heard


def test_messages_and_control_frames_are_read(heard):
    data = b"\x01\x01a\x8a\x01p\x80\x01b" + b"\x82\x01\xff" + b"\x88\x05\x03\xe8bye"
    assert heard(data, count=5) == [Pong(b"p"), "ab", b"\xff", Close(1000, "bye"), QUIET]


def test_pings_of_the_server_are_passed_over(heard):
    assert heard(b"\x89\x00\x81\x01a") == ["a"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x81\x81mask\x00", "without a mask"),
        (b"\x81\x7e\x00\x01a", "fewest bytes"),
        (b"\xc1\x01a", "reserved bits"),
        (b"\x83\x00", "opcodes"),
        (b"\x80\x00", "fragments of one message"),
        (b"\x01\x01a\x81\x01b", "fragments of one message"),
        (b"\x09\x00", "control frame"),
        (b"\x88\x01\x03", "whole code"),
        (b"\x88\x02\x03\xed", "may be sent"),
        (b"\x88\x03\x03\xe8\xff", "UTF-8"),
        (b"\x81\x01\xff", "UTF-8"),
        (b"\x81\x7f" + bytes((0, 0, 1, 0, 0, 0, 0, 0)), "at most"),
    ],
)
def test_what_no_server_may_send_falls(heard, data, expected):
    with pytest.raises(Fell, match=expected):
        heard(data)


def test_a_frame_behind_a_close_falls(heard):
    with pytest.raises(Fell, match="nothing behind"):
        heard(b"\x88\x00\x81\x00", count=2)


def test_an_answer_is_read(heard):
    answer = heard(b"HTTP/1.1 426 No\r\nA: b \r\na: c\r\n\r\n", answer=True)
    assert answer == Answer(426, (("a", "b"), ("a", "c")))
    assert (answer.get("a"), answer.get("b"), answer.get_all("a")) == ("b, c", None, ["b", "c"])


def test_the_end_of_tcp_is_no_answer(heard):
    assert heard(b"", answer=True) is End.FIN


@pytest.mark.parametrize("data", [b"nonsense\r\n\r\n", b"HTTP/1.1 "])
def test_what_is_no_answer_falls(heard, data):
    with pytest.raises(Fell, match=r"status line|head of an answer"):
        heard(data, answer=True)


def test_a_server_that_is_not_there_falls(run_async):
    from sock.testing.wire import Target

    with pytest.raises(Fell, match="accept a connection"):
        run_async(Connection.connect(Target("127.0.0.1", 1), 0.5))


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (b"\0", "the binary message b'\\x00'"),
        (Pong(b"a"), "a pong with b'a'"),
        (Close(1001, "gone"), "a Close with 1001 'gone'"),
        (End.RESET, "a reset of TCP"),
        (Answer(404, ()), "status 404"),
        (QUIET, "nothing; the connection stays open"),
    ],
)
def test_what_a_server_says_is_put_into_words(one, words):
    assert described(one) == words
