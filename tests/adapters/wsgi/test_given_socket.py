"""Which servers give their sockets away, and the one clear error of those that do not."""

from __future__ import annotations

import io
import socket
import ssl

import pytest

from sock.adapters.wsgi.given_socket import GivenSocket

pytestmark = pytest.mark.one_form


def problem(**environ):
    return GivenSocket({"SERVER_SOFTWARE": "some/1.0", **environ}).problem


@pytest.mark.parametrize("key", ["gunicorn.socket", "werkzeug.socket"])
def test_a_socket_in_the_environ_can_be_taken(key):
    with socket.socket() as sock:
        assert problem(**{key: sock}) == ""


def test_a_server_that_hides_its_socket_is_named_with_one_that_does_not():
    told = problem(SERVER_SOFTWARE="waitress")
    assert told.startswith("waitress does not give its socket away")
    assert "gunicorn" in told
    with pytest.raises(RuntimeError, match="waitress does not give"):
        GivenSocket({"SERVER_SOFTWARE": "waitress"}).check()


def test_tls_that_the_server_speaks_itself_is_named():
    left, right = socket.socketpair()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    tls = context.wrap_socket(left, do_handshake_on_connect=False)
    with tls, right:
        assert "end TLS in a proxy" in problem(**{"gunicorn.socket": tls})


def test_a_process_for_each_request_is_named():
    with socket.socket() as sock:
        told = problem(**{"werkzeug.socket": sock, "wsgi.multiprocess": True})
        assert "a process for each request" in told
        assert problem(**{"gunicorn.socket": sock, "wsgi.multiprocess": True}) == ""


def test_a_socket_of_gevent_is_named():
    class GreenSocket:
        pass

    GreenSocket.__module__ = "gevent._socket3"
    told = problem(**{"gunicorn.socket": GreenSocket()}, **{"wsgi.input": io.BytesIO()})
    assert "runs under gevent" in told
    assert "sync or gthread" in told
