"""RFC 6455 §4.2: what a refusal says, and requests that are almost like the usual ones."""

import pytest

from sock import HandlerError, HandshakeError, Options, Request, Sock, Upgrade
from sock.wire.handshake import accept, check, check_origin, notable

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
GOOD = (
    ("Host", "example.com"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", KEY),
    ("Sec-WebSocket-Version", "13"),
)


def new_request(*added, without=(), method="GET", version="1.1"):
    """A good request, with some fields left out and others added."""
    pairs = [*((name, value) for name, value in GOOD if name not in without), *added]
    raw = [(name.encode(), value.encode()) for name, value in pairs]
    return Request(method, "/", raw, http_version=version)


def replaced(name, value, **more):
    return new_request((name, value), without=(name,), **more)


# --- what a refusal says --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "status", "named", "section"),
    [
        (new_request(method="POST"), 400, "'POST'", "RFC 6455 §4.2.1"),
        (new_request(version="1.0"), 400, "'1.0'", "RFC 6455 §4.2.1"),
        (replaced("Upgrade", "h2c"), 426, "Upgrade", "RFC 6455 §4.2.1"),
        (replaced("Connection", "close"), 426, "Connection", "RFC 6455 §4.2.1"),
        (replaced("Sec-WebSocket-Version", "8"), 426, "'8'", "RFC 6455 §4.4"),
        (
            new_request(without=("Sec-WebSocket-Version",)),
            400,
            "0 fields of Sec-WebSocket-Version",
            "RFC 6455 §4.2.1",
        ),
        (
            new_request(("Sec-WebSocket-Key", KEY)),
            400,
            "2 fields of Sec-WebSocket-Key",
            "RFC 6455 §4.2.1",
        ),
        (replaced("Sec-WebSocket-Key", "short"), 400, "Sec-WebSocket-Key", "RFC 6455 §4.2.1"),
        (
            new_request(("Transfer-Encoding", "chunked")),
            400,
            "Transfer-Encoding",
            "RFC 9110 §9.3.1",
        ),
        (new_request(("Content-Length", "5")), 400, "body", "RFC 9110 §9.3.1"),
        (new_request(("Host", "example.org")), 400, "example.com, example.org", "RFC 9112 §3.2"),
        (
            new_request(("Sec-WebSocket-Protocol", "a b")),
            400,
            "Sec-WebSocket-Protocol",
            "RFC 6455 §4.1",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refusal_names_the_fault_and_ends_with_the_section(request_, status, named, section):
    with pytest.raises(HandshakeError) as caught:
        check(request_)
    assert caught.value.status == status
    assert named in caught.value.detail
    assert caught.value.detail.endswith(f"({section})")


@pytest.mark.parametrize(
    "request_",
    [
        replaced("Upgrade", "h2c"),
        replaced("Connection", "close"),
        replaced("Sec-WebSocket-Version", "8"),
    ],
    ids=["Upgrade", "Connection", "Sec-WebSocket-Version"],
)
def test_every_426_says_which_protocol_and_version_there_is(request_):
    """RFC 6455 §4.2.2, RFC 9110 §7.8, §15.5.22."""
    with pytest.raises(HandshakeError) as caught:
        check(request_)
    assert caught.value.headers == (
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
    )


def test_two_origins_are_refused_with_the_section():
    request = new_request(("Origin", "http://a.com"), ("Origin", "http://b.com"))
    with pytest.raises(HandshakeError, match=r"Origin .*\(RFC 6454 §7\.3\)$"):
        check_origin(request, ())


@pytest.mark.parametrize(
    "name",
    [
        "connection",
        "content-length",
        "expect",
        "host",
        "origin",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "transfer-encoding",
        "upgrade",
    ],
)
def test_each_field_that_decides_a_handshake_is_found(name):
    assert notable([(name.upper().encode(), b" value ")]) == {name: ["value"]}


def test_a_value_of_a_hundred_characters_is_quoted_whole_and_a_longer_one_is_cut():
    for size, quoted in ((100, "'" + "X" * 100 + "'"), (101, "'" + "X" * 100 + "…'")):
        with pytest.raises(HandshakeError) as caught:
            check(new_request(method="X" * size))
        assert quoted in caught.value.detail


# --- origins --------------------------------------------------------------------------------


def test_a_function_among_the_origins_gets_the_request():
    asked = []
    request = new_request(("Origin", "https://app.com"))
    check_origin(request, (lambda origin, request: asked.append((origin, request)) is None,))
    assert asked == [("https://app.com", request)]


@pytest.mark.parametrize("host", ["[2600::1]", "[2600::1]:8000", "2600.example"])
def test_a_host_on_the_internet_tells_of_no_proxy(host):
    """[S14.2]"""
    request = new_request(("Host", host), ("Origin", "https://app.com"), without=("Host",))
    with pytest.raises(HandshakeError) as caught:
        check_origin(request, ())
    assert "proxy" not in caught.value.detail


@pytest.mark.parametrize("host", ["app.localhost:8000", "app.local", "app.internal"])
def test_a_host_with_an_internal_name_suggests_a_proxy(host):
    """[S14.2] RFC 6761 §6.3, RFC 6762 §3."""
    request = new_request(("Host", host), ("Origin", "https://app.com"), without=("Host",))
    with pytest.raises(HandshakeError, match="proxy"):
        check_origin(request, ())


# --- the answer -----------------------------------------------------------------------------


class Quiet(Sock):
    """A handler for the upgrade."""


def accepted(request, **upgrade):
    return accept(request, KEY, Upgrade(Quiet(request), **upgrade), Options())


@pytest.mark.parametrize("offered", ["a , b", " a\t,b", "b,a"])
def test_a_subprotocol_may_be_offered_with_space_around_it(offered):
    """RFC 9110 §5.6.1.1."""
    request = new_request(("Sec-WebSocket-Protocol", offered))
    assert check(request) == KEY
    assert b"\r\nSec-WebSocket-Protocol: a\r\n" in accepted(request, subprotocol="a").head


def test_the_error_about_a_subprotocol_names_it_without_the_token_in_it():
    with pytest.raises(HandlerError, match="'chat'"):
        accepted(new_request(), subprotocol="chat")
    with pytest.raises(HandlerError, match=r"'bearer\.\*\*\*'"):
        accepted(new_request(), subprotocol="bearer.4fd1")


def test_the_error_about_a_reserved_header_ends_with_the_section():
    with pytest.raises(HandlerError, match=r"Connection .*\(RFC 6455 §4\.2\.2\)$"):
        accepted(new_request(), headers={"Connection": "x"})


def test_a_connection_keeps_none_of_the_fields_that_decided_its_handshake():
    request = new_request()
    check(request)
    assert request.notable is not None
    accepted(request)
    assert request.notable is None
