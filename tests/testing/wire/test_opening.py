import pytest

from sock.testing.wire.opening import SECTION

pytestmark = pytest.mark.one_form


def test_our_server_accepts_every_right_handshake(holds):
    assert holds(SECTION) == []


@pytest.mark.parametrize(
    ("attributes", "number"),
    [
        ({"status": lambda self, head: 200}, 1),
        ({"token": lambda self, key: b"AAAAAAAAAAAAAAAAAAAAAAAAAAA="}, 2),
        ({"extra": b"Sec-WebSocket-Extensions: permessage-deflate\r\n"}, 5),
        ({"extra": b"Sec-WebSocket-Protocol: chat\r\n"}, 6),
        ({"extra": b"Content-Length: 0\r\n"}, 8),
        ({"status": lambda self, head: 101 if b"Upgrade: websocket" in head else 400}, 9),
    ],
    ids=["no 101", "a wrong token", "an extension", "a subprotocol", "a length", "any case"],
)
def test_a_server_falls_that_answers_otherwise(verdicts, naive, attributes, number):
    broken = type("Broken", (naive,), attributes)()
    assert verdicts(SECTION, broken, number) == {f"1.{number}": "fell"}
    assert verdicts(SECTION, naive(), number) == {f"1.{number}": "held"}
