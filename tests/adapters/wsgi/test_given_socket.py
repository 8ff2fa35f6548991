"""Which servers give their sockets away, and the one clear error of those that do not."""

from __future__ import annotations

import contextlib
import io
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from sock import Sock
from sock.adapters.wsgi import wsgi
from sock.adapters.wsgi.given_socket import GivenSocket

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(60)]

ROOT = Path(__file__).parents[3]
BOUND = 20.0
REMEDY = "use gunicorn with --worker-class sync or gthread"


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


class Echo(Sock):
    def handle_in(self, message):
        return message


@contextlib.contextmanager
def waitress():
    made = pytest.importorskip("waitress").create_server(wsgi(Echo), host="127.0.0.1", port=0)
    thread = threading.Thread(target=made.run)
    thread.start()
    yield made.effective_port
    made.trigger.pull_trigger(made.close)
    thread.join(BOUND)
    made.task_dispatcher.shutdown()


@contextlib.contextmanager
def cheroot():
    made = pytest.importorskip("cheroot.wsgi").Server(("127.0.0.1", 0), wsgi(Echo))
    made.prepare()
    thread = threading.Thread(target=made.serve)
    thread.start()
    yield made.bind_addr[1]
    made.stop()
    thread.join(BOUND)


@pytest.mark.parametrize(("serving", "name"), [(waitress, "waitress"), (cheroot, "Cheroot")])
def test_a_server_in_python_that_hides_its_socket_is_named(
    background, caplog, connect, serving, name
):
    with serving() as port, pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{port}/")
    assert refused.value.response.status_code == 500
    [line] = [one for one in caplog.text.splitlines() if "does not give its socket away" in one]
    assert name in line
    assert REMEDY in line


@pytest.fixture
def served(tmp_path):
    """Start a server in a process; return its port, and what it has said when that was read."""
    with contextlib.ExitStack() as ends:

        def start(*command, port=r"127\.0\.0\.1:(\d+)"):
            log = tmp_path / "log"
            with log.open("wb") as out:
                process = subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
                    stdout=out,
                    stderr=subprocess.STDOUT,
                )
            ends.callback(process.wait, BOUND)
            ends.callback(process.terminate)
            deadline = time.monotonic() + BOUND
            while (found := re.search(port, log.read_text())) is None:
                assert time.monotonic() < deadline, log.read_text()
                assert process.poll() is None, log.read_text()
                time.sleep(0.02)
            return int(found[1]), log.read_text

        yield start


GRANIAN = """
import sys
from granian import Granian
from granian.constants import Interfaces
import socket
with socket.create_server(("127.0.0.1", 0)) as probe:
    port = probe.getsockname()[1]
Granian("tests.adapters.wsgi.application:app", port=port, interface=Interfaces.WSGI).serve()
"""

EVENTLET = """
import eventlet
eventlet.monkey_patch()
from eventlet import wsgi
from tests.adapters.wsgi.application import app
wsgi.server(eventlet.listen(("127.0.0.1", 0)), app)
"""


@pytest.mark.parametrize(
    ("package", "program", "told"),
    [
        ("granian", GRANIAN, "Granian does not give its socket away"),
        ("eventlet", EVENTLET, "runs under gevent or eventlet"),
    ],
)
def test_a_server_of_another_kind_that_hides_its_socket_is_named(
    served, connect, package, program, told
):
    pytest.importorskip(package)
    port, said = served(sys.executable, "-W", "ignore", "-c", program)
    deadline = time.monotonic() + BOUND
    while True:  # granian tells its port before it listens
        try:
            with pytest.raises(InvalidStatus) as refused:
                connect(f"ws://127.0.0.1:{port}/rooms/red")
            break
        except OSError:
            assert time.monotonic() < deadline, said()
            time.sleep(0.05)
    assert refused.value.response.status_code == 500
    [line] = [one for one in said().splitlines() if told in one]
    assert REMEDY in line
