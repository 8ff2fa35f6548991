"""What of a request may be put into words."""

from __future__ import annotations

import pytest

from sock import Request, Response, Upgrade
from sock.spec.masking import (
    looks_like_a_token,
    masked_header,
    masked_headers,
    masked_subprotocol,
    masked_target,
)
from sock.spec.request import Headers

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/chat", "/chat"),
        ("/chat?", "/chat?"),
        ("*", "*"),
        ("", ""),
        ("/chat?token=abc&name=ada", "/chat?token=***&name=***"),
        ("/chat?token=", "/chat?token=***"),
        ("/chat?token=a=b?c", "/chat?token=***"),
        ("/chat?a=1&&b=2", "/chat?a=***&&b=***"),
        # What is no pair may be the token itself, with the padding of base64.
        ("/chat?s3cret", "/chat?***"),
        (f"/chat?{JWT}", "/chat?***"),
        ("/chat?=s3cret", "/chat?***"),
        ("/chat?8fJ2kQx0Zr5TnV7bYw3s==", "/chat?***"),
        ("/chat%3Ftoken=abc", "/chat%3Ftoken=***"),
        ("/chat?a=b#token=c", "/chat?a=***"),
        ("http://example.com/chat?token=abc", "http://example.com/chat?token=***"),
        ("http://ada:s3cret@example.com/", "http://***@example.com/"),
        ("/@ada?x=1", "/@ada?x=***"),
    ],
)
def test_a_target_is_shown_without_values(target, shown):
    assert masked_target(target) == shown


@pytest.mark.parametrize(
    "subprotocol",
    [
        "chat",
        "chat.v2",
        "v12.stomp",
        "graphql-transport-ws",
        "actioncable-unsupported",
        "base64.binary.k8s.io",
        "v4.pipe.k8s.io",
        "bearer",
        "wamp.2.json.batched",
        "soap",
    ],
)
def test_a_subprotocol_that_is_a_name_is_shown(subprotocol):
    assert masked_subprotocol(subprotocol) == subprotocol


@pytest.mark.parametrize(
    ("subprotocol", "shown"),
    [
        (JWT, "***"),
        ("bearer.4fd1", "bearer.***"),
        ("base64url.bearer.authorization.k8s.io.bm9z", "base64url.bearer.***"),
        (f"access_token.{JWT}", "access_token.***"),
        ("openai-insecure.8fJ2kQx0Zr5TnV7bYw3s", "openai-insecure.***"),
        ("0123456789abcdef0123456789abcdef", "***"),
        ("9b2f7c1e-6d55-4f6e-9c31-0a7f3a1d2b4c", "***"),
        ("a" * 32, "***"),
    ],
)
def test_a_token_in_a_subprotocol_is_not_shown(subprotocol, shown):
    assert masked_subprotocol(subprotocol) == shown


def test_a_part_of_a_token_looks_like_one_too():
    assert looks_like_a_token("eyJhbGciOiJIUzI1NiJ9")
    assert not looks_like_a_token("a name with spaces in it")


def test_headers_are_shown_without_their_secrets():
    assert masked_header("AUTHORIZATION", "Bearer 4fd1") == "***"
    assert masked_header("Sec-WebSocket-Protocol", f"chat, bearer, {JWT}") == "chat, bearer, ***"
    assert masked_headers([("Set-Cookie", "a=b"), ("Host", "a")]) == (
        ("Set-Cookie", "***"),
        ("Host", "a"),
    )


def test_what_is_made_of_a_request_shows_no_secret():
    assert repr(Request("GET", "/?token=s3cret")) == "Request('GET', '/?token=***')"
    headers = Headers([("Cookie", "session=4fd1"), ("Accept", "*/*")])
    assert repr(headers) == "Headers([('cookie', '***'), ('accept', '*/*')])"
    assert repr(Response(204, headers={"Set-Cookie": "session=4fd1"})) == (
        "Response(204, b'', (('Set-Cookie', '***'),))"
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: Response(200, "", {"Set-Cookie": b"4fd1"}),
        lambda: Response(200, {"token": "4fd1"}),
        lambda: Upgrade(None, subprotocol="bearer.4fd1"),
    ],
)
def test_what_is_refused_is_not_quoted_with_its_secrets(make):
    with pytest.raises((TypeError, ValueError)) as refused:
        make()
    assert "4fd1" not in str(refused.value)
