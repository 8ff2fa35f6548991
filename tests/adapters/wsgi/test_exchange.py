"""What is given to a WSGI server."""

from __future__ import annotations

import pytest

from sock import Response
from sock.adapters.wsgi.exchange import headers_for_peer, send, status_line, with_headers

pytestmark = pytest.mark.one_form


class Server:
    """The response of gunicorn's, whose method `start_response` is."""

    def __init__(self):
        self.told = None
        self.closes = False

    def start_response(self, status, headers):
        self.told = status, headers

    def force_close(self):
        self.closes = True


@pytest.mark.parametrize("last", [False, True])
def test_a_response_has_its_length_and_ends_the_connection_if_it_is_the_last(last):
    server = Server()
    response = Response(200, "Jürgen", {"X-Name": "Jürgen"})
    assert send(response, "GET", server.start_response, last=last) == ["Jürgen".encode()]
    status, headers = server.told
    assert status == "200 OK"
    # PEP 3333: each character stands for a byte.
    assert ("X-Name", "J\xc3\xbcrgen") in headers
    assert ("Content-Length", "7") in headers
    assert server.closes is last


def test_the_answer_to_head_has_no_content_but_its_length():
    server = Server()
    assert send(Response(200, "abc"), "HEAD", server.start_response, last=False) == []
    assert ("Content-Length", "3") in server.told[1]


def test_a_status_without_a_phrase_gets_one():
    assert (status_line(404), status_line(299)) == ("404 Not Found", "299 Unknown")


def test_what_describes_the_content_of_a_framework_is_left_out():
    pairs = [("Content-Type", "text/html"), ("content-length", "0"), ("Set-Cookie", "a=b")]
    assert headers_for_peer(pairs) == (("Set-Cookie", "a=b"),)
    response = with_headers(Response(403, "no", {"X-A": "b"}), headers_for_peer(pairs))
    assert response.headers == (("X-A", "b"), ("Set-Cookie", "a=b"))
