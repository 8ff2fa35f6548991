"""`upgrade` and `wsgi` on werkzeug, as WSGI applications."""

from __future__ import annotations

import http.client
import socket
import threading
import urllib.error
import urllib.request
from contextlib import asynccontextmanager

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sock import Application, Remote, Response, Sock, Upgrade
from sock.adapters.wsgi import HOST, upgrade, wsgi
from tests.adapters.peers import HANDSHAKE

BOUND = 15.0


class Echo(Sock):
    def handle_in(self, message):
        return message


def test_a_sock_class_is_a_wsgi_application(werkzeug, connect, reactor_kind):
    with werkzeug(wsgi(Echo)) as port:
        client = connect(f"ws://127.0.0.1:{port}/")
        client.send("hello")
        assert client.recv(timeout=BOUND) == "hello"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=BOUND)
        assert (refused.value.status, refused.value.read()[:12]) == (426, b"this address")
        refused.value.close()


def test_upgrade_is_called_where_any_wsgi_application_answers(werkzeug, connect, reactor_kind):
    def application(environ, start_response):
        if environ["PATH_INFO"] == "/no":
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"ordinary"]
        answer = upgrade(environ, Echo(None), subprotocol="b", headers={"X-Room": "red"})
        return answer(environ, start_response)

    with werkzeug(application) as port:
        client = connect(f"ws://127.0.0.1:{port}/", subprotocols=["a", "b"])
        assert client.subprotocol == "b"
        assert client.response.headers["X-Room"] == "red"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/no", timeout=BOUND) as answer:
            assert answer.read() == b"ordinary"
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://127.0.0.1:{port}/", subprotocols=["b"], origin="https://evil.example")
        assert refused.value.response.status_code == 403


def test_bytes_that_come_with_the_handshake_are_not_lost(werkzeug, reactor_kind):
    """[S1.10]"""
    with werkzeug(wsgi(Echo)) as port, socket.create_connection(("127.0.0.1", port)) as peer:
        peer.settimeout(BOUND)
        peer.sendall(HANDSHAKE + b"\x81\x82\0\0\0\0hi")
        received = b""
        while not received.endswith(b"\x81\x02hi"):
            bits = peer.recv(4096)
            assert bits, received
            received += bits


def test_a_lifespan_is_left_behind_the_drain(werkzeug, connect, background):
    """[S19.5]"""
    steps = []

    class Notes(Echo):
        def init(self, ref):
            return ref.request.state["name"]

        def terminate(self, reason):
            steps.append(reason)

    @asynccontextmanager
    async def lifespan():
        yield {"name": "of the lifespan"}
        steps.append("left")

    with werkzeug(wsgi(Application(lambda _: Notes(None), lifespan=lifespan))) as port:
        client = connect(f"ws://127.0.0.1:{port}/")
        assert client.recv(timeout=BOUND) == "of the lifespan"
        ending = threading.Thread(target=background.end_of_process)
        ending.start()
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=BOUND)
        assert closed.value.rcvd.code == 1012
        ending.join(BOUND)
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://127.0.0.1:{port}/")
        assert refused.value.response.status_code == 503
    assert [str(step) for step in steps] == ["Shutdown()", "left"]


def test_a_lifespan_that_fails_is_a_500_and_reported(werkzeug, connect, events):
    @asynccontextmanager
    async def lifespan():
        raise LookupError("no database")
        yield

    with werkzeug(wsgi(Application(Echo, lifespan=lifespan))) as port:
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://127.0.0.1:{port}/")
        assert refused.value.response.status_code == 500
    [error] = [fields["error"] for event, fields in events if event == "handshake.failed"]
    assert str(error) == "no database"


def test_an_ordinary_request_has_its_body_and_its_head(werkzeug):
    def app(request):
        return Response(201, request.body[::-1], {"X-Method": request.method})

    with werkzeug(wsgi(app)) as port:
        url = f"http://127.0.0.1:{port}/"
        with urllib.request.urlopen(url, b"hello", timeout=BOUND) as answer:
            assert (answer.status, answer.read(), answer.headers["X-Method"]) == (
                201,
                b"olleh",
                "POST",
            )
        asking = http.client.HTTPConnection("127.0.0.1", port, timeout=BOUND)
        asking.request("HEAD", "/")
        answer = asking.getresponse()
        assert (answer.status, answer.headers["X-Method"], answer.read()) == (201, "HEAD", b"")
        asking.close()


def test_an_application_sees_its_host(werkzeug, connect, says_host):
    """[S0.3] [S0.8]"""
    assert HOST.name == "wsgi"
    assert not {"S5.3", "S7.8", "S11.1", "S19.4"} & HOST.declared
    with werkzeug(wsgi(says_host)) as port:
        assert '"wsgi"' in connect(f"ws://127.0.0.1:{port}/").recv(timeout=BOUND)


def test_a_peer_that_leaves_before_the_101_is_no_error(werkzeug, events, reactor_kind):
    """[S1.8]"""
    done = threading.Event()
    ended = []

    class Notes(Echo):
        def terminate(self, reason):
            ended.append(reason)

    def application(environ, start_response):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
        try:
            return upgrade(environ, Notes(None))(environ, start_response)
        finally:
            done.set()

    with werkzeug(application) as port:
        peer = socket.create_connection(("127.0.0.1", port))
        peer.sendall(HANDSHAKE)
        assert done.wait(BOUND)
    assert set(ended) <= {Remote(1006)}
    assert not [event for event, _ in events if event.endswith("failed")]


def test_an_upgrade_may_choose_as_on_any_host(werkzeug, connect):
    def app(_):
        return Upgrade(Echo(None), headers={"X-A": "b"})

    with werkzeug(wsgi(app)) as port:
        assert connect(f"ws://127.0.0.1:{port}/").response.headers["X-A"] == "b"
