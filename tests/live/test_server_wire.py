"""What a `Bridge` asks of a WebSocket connection in another server."""

import pytest

from sock import Ping, Prepared
from sock.live.server_wire import snapshot


class Shouts(str):
    """Says of itself what is not so."""

    __slots__ = ()

    def __str__(self):
        return self.upper()


@pytest.mark.parametrize("message", ["text", b"bytes", Ping(b"1"), Prepared("p")])
def test_a_message_that_cannot_change_is_kept_itself(message):
    assert snapshot(message) is message


@pytest.mark.parametrize("kind", [bytearray, lambda data: memoryview(bytearray(data))])
def test_a_buffer_is_kept_as_it_was(kind):
    buffer = kind(b"first")
    kept = snapshot(buffer)
    buffer[:] = b"later"
    assert kept == b"first"
    assert type(kept) is bytes


def test_a_subclass_is_kept_as_what_it_holds():
    kept = snapshot(Shouts("quiet"))
    assert type(kept) is str
    assert kept == "quiet"
