"""With which code a socket is closed, whatever its channels are. None of them is 1000."""

from __future__ import annotations

import pytest

from sock import InvalidData, ProtocolError, Remote, Shutdown, TimedOut
from sock.channels import Channel, Closed, Draining
from tests.channels.conftest import Raw

pytestmark = pytest.mark.one_form

JOIN = ["1", "1", "room:1", "phx_join", {}]
HEARTBEAT = [None, "2", "phoenix", "heartbeat", {}]


class Room(Channel):
    ended = []

    def terminate(self, reason):
        self.ended.append(reason)


@pytest.fixture
def client(serve):
    """A client that has joined a channel."""
    Room.ended.clear()
    client: Raw = serve(Room).raw()
    client.say(JOIN)
    return client


def masked(first, payload):
    return bytes((first, 0x80 | len(payload), 0, 0, 0, 0)) + payload


@pytest.mark.parametrize(
    ("frame", "code", "error"),
    [
        (masked(0x81, b'["1","2","room:1","\xff",{}]'), 1007, InvalidData),
        (masked(0xC1, b"[]"), 1002, ProtocolError),
    ],
)
def test_what_breaks_the_wire_ends_the_socket_and_its_channels(client, frame, code, error):
    client.session.receive_bytes(frame)
    assert client.session.code == code
    [reason] = Room.ended
    assert type(reason) is Closed
    assert type(reason.reason.error) is error


def test_a_socket_that_says_nothing_is_timed_out_and_heartbeats_keep_it(client):
    for _ in range(5):
        client.session.advance(40)
        assert len(client.say(HEARTBEAT)) == 1
    client.session.advance(60)
    client.session.advance(1)
    assert client.session.code == 3008
    assert Room.ended == [Closed(TimedOut())]


def test_a_socket_without_channels_is_drained_too(serve):
    client = serve(Room).raw()
    client.session.shutdown()
    assert client.session.code == 1012


def test_a_drain_says_nothing_of_the_channels_and_then_1012(client):
    client.session.shutdown()
    assert (client.heard(), client.session.code) == ([], 1012)
    assert Room.ended == [Draining()]
    assert isinstance(client.session.reason, Shutdown)


def test_a_client_that_closes_ends_its_channels(client):
    client.session.close(1000)
    assert Room.ended == [Closed(Remote(1000))]
