"""The answers of routes in gunicorn's workers: they need no thread, and their end is a drain."""

from __future__ import annotations

import os
import signal
import socket
import time
import urllib.request

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(90)]

BOUND = 20.0


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=BOUND) as answer:
        return answer.read().decode()


def told(client):
    return client.recv(timeout=BOUND)


def end_of(client):
    """Read to the end, and return the code that came, 1006 for none."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            client.recv(timeout=BOUND)
    return 1006 if closed.value.rcvd is None else closed.value.rcvd.code


@pytest.fixture(params=["sync", "gthread"])
def worker(request):
    """Give the arguments for each worker that hosts Socks."""
    return ["--worker-class", request.param]


def test_a_worker_holds_many_connections_and_answers_others(gunicorn, connect, worker):
    server = gunicorn(*worker)
    url = f"ws://127.0.0.1:{server.port}/rooms/red?user=ada"
    clients = [connect(url) for _ in range(30)]
    assert told(clients[0]).startswith("red ada 1 /rooms/red ")
    assert clients[0].response.headers["X-After"] == "request"
    assert "session=" in clients[0].response.headers["Set-Cookie"]
    for client in clients[1:]:
        told(client)
    clients[7].send("hello")
    assert told(clients[7]) == "hello"
    assert get(server.port, "/tell/everybody") == "30"
    assert [told(client) for client in clients] == ["everybody"] * 30
    clients[3].send("raise")
    assert end_of(clients[3]) == 1011
    server.signal()
    assert {end_of(client) for client in clients if client is not clients[3]} == {1012}
    assert server.stop() == 0
    assert "LookupError" in server.output
    assert "Error handling request" not in server.output


def test_a_route_refuses_as_flask_does_and_by_refuse(gunicorn, connect):
    server = gunicorn("--worker-class", "gthread")
    for path, status in (("closed", 409), ("secret", 401), ("none/of/these", 404)):
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://127.0.0.1:{server.port}/rooms/{path}")
        assert refused.value.response.status_code == status
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{server.port}/rooms/red", origin="https://evil.example")
    assert refused.value.response.status_code == 403
    assert refused.value.response.headers["X-After"] == "request"


def test_a_reload_says_1012_to_all_and_the_new_worker_takes_them_back(gunicorn, connect, worker):
    server = gunicorn(*worker, "--workers", "2")
    url = f"ws://127.0.0.1:{server.port}/rooms/red"
    clients = [connect(url) for _ in range(20)]
    old = {told(client).split()[-1] for client in clients}
    server.signal(signal.SIGHUP)
    assert {end_of(client) for client in clients} == {1012}
    server.wait_for(r"Worker exiting \(pid: (\d+)\)")
    assert told(connect(url)).split()[-1] not in old


def test_a_worker_that_has_had_its_requests_says_1012(gunicorn, connect, worker):
    server = gunicorn(*worker, "--max-requests", "3")
    client = connect(f"ws://127.0.0.1:{server.port}/rooms/red")
    first = told(client).split()[-1]
    assert get(server.port, "/pid") == get(server.port, "/pid") == first
    assert end_of(client) == 1012
    deadline = time.monotonic() + BOUND
    while get(server.port, "/pid") == first:
        assert time.monotonic() < deadline


def test_peers_of_a_worker_that_is_killed_lose_tcp_and_others_nothing(gunicorn, connect):
    server = gunicorn()
    client = connect(f"ws://127.0.0.1:{server.port}/rooms/red")
    os.kill(int(told(client).split()[-1]), signal.SIGKILL)
    assert end_of(client) == 1006
    assert told(connect(f"ws://127.0.0.1:{server.port}/rooms/red")).startswith("red ")


def test_the_drain_does_not_wait_for_the_requests_of_other_threads(gunicorn, connect):
    server = gunicorn("--worker-class", "gthread", "--threads", "2")
    client = connect(f"ws://127.0.0.1:{server.port}/rooms/red")
    told(client)
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(b"GET /pid HTTP/1.1\r\nHost: a\r\n")
        client.send("a thread has the head that is not complete")
        told(client)
        server.signal()
        assert end_of(client) == 1012
        slow.sendall(b"\r\n")
        assert slow.recv(100).startswith(b"HTTP/1.1 200 ")


def test_a_green_worker_is_named_and_refused(gunicorn, connect):
    pytest.importorskip("gevent")
    server = gunicorn("--worker-class", "gevent")
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{server.port}/rooms/red")
    assert refused.value.response.status_code == 500
    assert "runs under gevent" in server.output
    assert "gunicorn with --worker-class sync or gthread" in server.output


def test_tls_that_gunicorn_ends_itself_is_refused_and_named(gunicorn, connect, tls):
    server = gunicorn("--certfile", str(tls.path), "--keyfile", str(tls.path))
    with pytest.raises(InvalidStatus) as refused:
        connect(f"wss://127.0.0.1:{server.port}/rooms/red", ssl=tls.client)
    assert refused.value.response.status_code == 500
    assert "end TLS in a proxy" in server.output
