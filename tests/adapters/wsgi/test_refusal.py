"""A refusal is sent from the event loop, and is the last that its connection hears."""

from __future__ import annotations

import socket
import urllib.request

from sock import Refuse
from sock.adapters.wsgi import wsgi
from tests.adapters.peers import HANDSHAKE

BOUND = 15.0


def full(_):
    raise Refuse(409, "no room\n", {"X-Room": "full"})


def test_nothing_behind_a_refused_handshake_is_read_as_a_request(werkzeug, reactor_kind):
    """[S14.4]"""
    with werkzeug(wsgi(full)) as port, socket.create_connection(("127.0.0.1", port)) as peer:
        peer.settimeout(BOUND)
        peer.sendall(HANDSHAKE + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        received = b""
        while bits := peer.recv(4096):
            received += bits
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 409 Conflict"
    assert {b"X-Room: full", b"Content-Length: 8", b"Connection: close"} <= set(lines)
    assert body == b"no room\n"


def test_peers_that_stay_when_they_were_refused_hold_up_no_worker(gunicorn):
    server = gunicorn("--worker-class", "sync")
    refused = HANDSHAKE.replace(b"GET / ", b"GET /rooms/red ").replace(b": 13", b": 8")
    peers = []
    try:
        for _ in range(30):  # gunicorn would wait for two seconds for each of them
            peers.append(socket.create_connection(("127.0.0.1", server.port), BOUND))
            peers[-1].sendall(refused)
            assert peers[-1].recv(100).startswith(b"HTTP/1.1 426 ")
        url = f"http://127.0.0.1:{server.port}/pid"
        with urllib.request.urlopen(url, timeout=BOUND) as answer:
            assert answer.status == 200
    finally:
        for peer in peers:
            peer.close()
