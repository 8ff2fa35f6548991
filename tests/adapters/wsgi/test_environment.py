"""An environ becomes a request."""

from __future__ import annotations

import io

import pytest

from sock import HandshakeError
from sock.adapters.wsgi import HOST
from sock.adapters.wsgi.environment import body_of, request_of, server_of

pytestmark = pytest.mark.one_form


def environ_of(**changed):
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(b"hello"),
    } | changed


def test_the_path_is_what_the_router_has_left_and_the_target_is_as_it_came():
    request = request_of(
        environ_of(
            SCRIPT_NAME="/chat",
            PATH_INFO="/rooms/J\xc3\xbcrgen",
            QUERY_STRING="a=b",
            RAW_URI="/chat/rooms/J%C3%BCrgen?a=b",
        ),
        route=False,
    )
    assert (request.root_path, request.path) == ("/chat", "/rooms/Jürgen")
    assert request.target == "/chat/rooms/J%C3%BCrgen?a=b"
    assert request.query == {"a": "b"}


def test_a_server_that_does_not_tell_the_target_gets_one_that_says_the_same():
    environ = environ_of(SCRIPT_NAME="/a", PATH_INFO="/b c", QUERY_STRING="d")
    assert request_of(environ, route=False).target == "/a/b%20c?d"


def test_uwsgi_declares_what_it_loses_beside_what_every_server_declares():
    ordinary = request_of(environ_of(), route=True).host
    on_uwsgi = request_of(environ_of(**{"uwsgi.version": b"2.0"}), route=True).host
    assert request_of(environ_of(), route=False).host == HOST
    assert ordinary is not None
    assert on_uwsgi is not None
    assert on_uwsgi.declared - ordinary.declared == {"S1.10", "S7.8", "S7.14", "S7.16"}


def test_fields_that_have_no_comma_are_told_apart_where_a_server_has_joined_them():
    environ = environ_of(HTTP_SEC_WEBSOCKET_VERSION="13,8", HTTP_X_LIST="a,b", CONTENT_LENGTH="")
    assert request_of(environ, route=False).raw_headers == [
        (b"Sec-Websocket-Version", b"13"),
        (b"Sec-Websocket-Version", b"8"),
        (b"X-List", b"a,b"),
    ]


@pytest.mark.parametrize("character", "\0\r\n")
def test_a_field_that_could_begin_another_is_refused(character):
    with pytest.raises(HandshakeError, match="NUL or a line break") as refused:
        request_of(environ_of(HTTP_X=f"a{character}b"), route=False)
    assert refused.value.status == 400


def test_only_an_environ_has_a_request():
    with pytest.raises(TypeError, match=r"takes the environ of a WSGI request.*builtins\.str"):
        request_of("a string", route=False)
    with pytest.raises(TypeError, match="environ"):
        request_of({"type": "websocket"}, route=False)


@pytest.mark.parametrize(
    ("changed", "limit", "expected"),
    [
        ({}, 10, b""),
        ({"CONTENT_LENGTH": "3"}, 10, b"hel"),
        ({"wsgi.input_terminated": True}, 10, b"hello"),
        ({"wsgi.input_terminated": True}, 4, 413),
        ({"CONTENT_LENGTH": "5"}, 4, 413),
        ({"CONTENT_LENGTH": "-1"}, 4, 400),
        ({"CONTENT_LENGTH": "6"}, 10, ConnectionResetError),
    ],
)
def test_a_body_is_read_to_its_end_and_to_its_limit(changed, limit, expected):
    environ = environ_of(**changed)
    request = request_of(environ, route=False)
    if isinstance(expected, bytes):
        assert body_of(environ, request, limit) == expected
    elif isinstance(expected, int):
        with pytest.raises(HandshakeError) as refused:
            body_of(environ, request, limit)
        assert refused.value.status == expected
    else:
        with pytest.raises(expected):
            body_of(environ, request, limit)


def test_a_server_is_known_by_its_name():
    assert server_of(environ_of(SERVER_SOFTWARE="waitress")) == "waitress"
    assert server_of(environ_of(**{"uwsgi.version": b"2"})) == "uWSGI"
    assert server_of(environ_of(**{"mod_wsgi.version": (5, 0)})) == "mod_wsgi"
    assert server_of(environ_of()) == "this server"
