"""What is counted of the messages: the payloads as the application sees them."""

import pytest

from sock import Ping, Pong, Prepared, Text
from sock.wire.traffic import RECEIVED, SENT, BothWays, Traffic
from sock.wire.writer import Writer

TEXT = "grüße"  # 7 bytes in UTF-8


def counts(one):
    return one.messages, one.payload_bytes


def test_a_traffic_counts_messages_and_their_bytes():
    traffic = Traffic()
    traffic.add(5)
    traffic.add(0)
    assert counts(traffic) == (2, 5)


def test_what_a_connection_counts_the_process_counts_too():
    before = counts(RECEIVED), counts(SENT)
    traffic = BothWays()
    traffic.received(5)
    traffic.sent(7)
    traffic.sent(0)
    assert traffic.figures() == (1, 5, 2, 7)
    assert counts(RECEIVED) == (before[0][0] + 1, before[0][1] + 5)
    assert counts(SENT) == (before[1][0] + 2, before[1][1] + 7)


@pytest.mark.parametrize("step", [None, 1])
@pytest.mark.parametrize("size", [7, 125, 126, 70_000])
def test_a_message_is_counted_with_its_payload_when_it_is_complete(new_parser, peer, size, step):
    parser = new_parser()
    before = counts(RECEIVED)
    peer.feed(parser, peer.frame(0x82, bytes(size)) + peer.frame(0x81, TEXT.encode())[:-1], step)
    assert counts(parser) == (1, size)
    assert counts(RECEIVED) == (before[0] + 1, before[1] + size)


def test_a_message_is_counted_before_it_is_delivered(new_parser, peer):
    parser, seen = new_parser(), []
    parser.feed(peer.frame(0x81, b"hello"), lambda event: seen.append(counts(parser)) or True)
    assert seen == [(1, 5)]


def test_fragments_are_one_message_and_control_frames_are_none(new_parser, peer):
    parser = new_parser()
    frames = (peer.frame(0x01, b"gr"), peer.frame(0x89, b"ping"), peer.frame(0x80, b"uen"))
    peer.feed(parser, b"".join(frames))
    assert counts(parser) == (1, 5)


def test_what_a_server_sends_to_a_client_in_this_process_is_not_counted_for_the_process(
    new_parser, peer
):
    parser = new_parser(masked=False)
    before = counts(RECEIVED)
    peer.feed(parser, peer.frame(0x81, b"hello", None))
    assert counts(parser) == (1, 5)
    assert counts(RECEIVED) == before
    before = counts(SENT)
    Writer(mask=lambda: bytes(4)).push(bytearray(), "hello")
    assert counts(SENT) == before


@pytest.mark.parametrize(
    ("message", "size"),
    [
        ("hello", 5),
        (TEXT, 7),
        (b"\x00" * 70_000, 70_000),
        (bytearray(3), 3),
        (memoryview(bytes(8)).cast("I"), 8),
        (Text(TEXT.encode()), 7),
        (Prepared(TEXT), 7),
        (Prepared(bytes(200)), 200),
    ],
)
def test_a_message_of_every_type_is_counted_with_its_payload_when_it_is_pushed(message, size):
    writer = Writer()
    before = counts(SENT)
    writer.push(bytearray(), message)
    writer.push(bytearray(), message)
    assert counts(writer) == (2, 2 * size)
    assert counts(SENT) == (before[0] + 2, before[1] + 2 * size)


@pytest.mark.parametrize("message", [Ping(b"x"), Pong(b"x")])
def test_a_control_frame_that_is_pushed_is_not_counted(message):
    writer = Writer()
    writer.push(bytearray(), message)
    assert counts(writer) == (0, 0)


def test_a_message_that_cannot_be_encoded_is_not_counted():
    writer = Writer()
    with pytest.raises(UnicodeEncodeError):
        writer.push(bytearray(), "\ud800")
    assert counts(writer) == (0, 0)
