"""What uvicorn's HTTP protocols hand on: the head as they have read it, and what is behind it."""

from __future__ import annotations

import pytest

from sock import HandshakeError, Response
from sock.adapters.uvicorn.head import (
    behind_the_head,
    bytes_of,
    origin_form,
    with_one_upgrade,
)

PAIRS = [(b"host", b"here"), (b"x-last", b"a b")]
HEAD = b"GET / HTTP/1.1\r\nHost: here\r\nX-Last:  a b \r\n\r\n"


class Zttp:
    """What uvicorn's protocol with zttp has of a head: its fields, and its own call."""

    headers = PAIRS
    found = None

    def data_received(self, data):
        self.found = behind_the_head(self)


def behind(data):
    reader = Zttp()
    reader.data_received(data)
    return reader.found


@pytest.mark.parametrize("cut", range(len(HEAD)))
def test_what_is_behind_a_head_is_found_wherever_its_last_piece_begins(cut):
    assert behind(HEAD[cut:] + b"\x81\x82 frame \r\n\r\n") == b"\x81\x82 frame \r\n\r\n"


@pytest.mark.parametrize("before", [b"body\r\n\r\nmore", b"GET /a HTTP/1.1\r\nHost: there\r\n\r\n"])
def test_what_came_before_the_head_in_one_piece_is_not_taken_for_it(before):
    assert behind(before + HEAD + b"frame") == b"frame"


def test_where_the_head_is_not_found_nothing_is_behind_it():
    assert behind(b"none of it") == b""
    assert behind_the_head(Zttp()) == b""
    assert behind_the_head(None) == b""


def test_a_target_in_origin_form_is_left_as_it_is():
    assert origin_form(HEAD) is HEAD


def test_a_target_in_absolute_form_becomes_path_and_host():
    head = b"GET http://there:81/a?b HTTP/1.1\r\nHost: here\r\nhost: too\r\nX: y\r\n\r\n"
    assert origin_form(head) == b"GET /a?b HTTP/1.1\r\nhost: there:81\r\nX: y\r\n\r\n"


@pytest.mark.parametrize("target", [b"*", b"here:80", b"ftp://here/", b"http://here/#a"])
def test_a_target_in_another_form_is_refused(target):
    with pytest.raises(HandshakeError) as refused:
        origin_form(b"GET " + target + b" HTTP/1.1\r\nHost: here\r\n\r\n")
    assert refused.value.status == 400


def test_a_response_has_its_length_and_ends_the_connection():
    assert bytes_of(Response(503, "é", {"Retry-After": "1"})) == (
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
        b"\xc3\xa9"
    )


PLAIN = b"GET / HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nX: y\r\n\r\n"


def test_a_head_that_names_one_upgrade_is_left_as_it_is():
    assert with_one_upgrade(PLAIN) is PLAIN


@pytest.mark.parametrize(
    "lists",
    [
        b"Upgrade: h2c\r\nConnection: Upgrade\r\nupgrade: websocket",
        b"Upgrade: , websocket,\r\nConnection: Upgrade",
        b"Upgrade: websocket\r\nConnection: keep-alive\r\nConnection: Upgrade",
    ],
)
def test_a_head_with_a_longer_list_gets_one_upgrade(lists):
    """[S14.12]"""
    head = b"GET / HTTP/1.1\r\n" + lists + b"\r\nX: y\r\n\r\n"
    one = b"upgrade: websocket\r\nconnection: Upgrade\r\nX: y\r\n\r\n"
    assert with_one_upgrade(head) == b"GET / HTTP/1.1\r\n" + one
