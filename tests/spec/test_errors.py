import copy
import pickle
import typing

import pytest

import sock
from sock import (
    HandlerError,
    HandshakeError,
    InvalidData,
    InvalidMessage,
    MailboxFull,
    MessageTooBig,
    PeerTooSlow,
    ProtocolError,
    SockError,
    UnsupportedData,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [(ProtocolError, 1002), (UnsupportedData, 1003), (InvalidData, 1007), (MessageTooBig, 1009)],
)
def test_what_the_peer_did_wrong_has_a_close_code(error, code):
    assert error.code == code
    assert issubclass(error, ProtocolError)


@pytest.mark.parametrize(
    "error", [ProtocolError, HandshakeError, HandlerError, MailboxFull, PeerTooSlow]
)
def test_every_error_is_a_sock_error(error):
    assert error.__bases__ == (SockError,)


def test_a_refusal_is_no_error():
    assert not issubclass(sock.Refuse, SockError)


def test_a_handshake_error_says_what_the_answer_is():
    error = HandshakeError(426, "version 8, not 13", [("Sec-WebSocket-Version", "13")])
    assert (error.status, error.detail) == (426, "version 8, not 13")
    assert error.headers == (("Sec-WebSocket-Version", "13"),)
    assert str(error) == "version 8, not 13"


def test_a_handshake_error_needs_no_headers():
    assert HandshakeError(400, "no Host").headers == ()


@pytest.mark.parametrize("again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])  # noqa: S301 - our own
def test_a_handshake_error_can_be_copied_and_pickled(again):
    error = again(HandshakeError(426, "version", [("Sec-WebSocket-Version", "13")]))
    assert type(error) is HandshakeError
    assert (error.status, error.detail) == (426, "version")
    assert error.headers == (("Sec-WebSocket-Version", "13"),)
    assert str(error) == "version"


def test_a_handshake_error_matches_by_status_and_detail():
    match HandshakeError(403, "another site"):
        case HandshakeError(403, detail):
            assert detail == "another site"


def test_the_annotations_of_an_error_can_be_read():
    assert typing.get_type_hints(ProtocolError)["code"] == typing.ClassVar[sock.CloseCode]


@pytest.mark.parametrize(("path", "text"), [("$.author", "$.author: no str"), ("", "no str")])
def test_an_invalid_message_names_its_field_and_can_be_copied_and_pickled(path, text):
    error = InvalidMessage("no str", path)
    for again in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own
        assert (str(again), again.why, again.path) == (text, "no str", path)
