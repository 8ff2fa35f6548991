"""uWSGI: its connections are taken by their descriptors, where its options let that be."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.needed import SYSTEM_PATH, needed

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(90)]

ROOT = Path(__file__).parents[3]
BOUND = 20.0
PYTHON = "uwsgi_python{}{}".format(*sys.version_info)


@pytest.fixture
def uwsgi(tmp_path):
    """Start uWSGI with these options; return its process, its port, and what it says."""
    program = needed("uwsgi_python3", "uwsgi-plugin-python3")
    if shutil.which(PYTHON, path=SYSTEM_PATH) is None:
        pytest.skip(f"uWSGI has another Python here than {sys.version.split()[0]}")
    started = []

    def start(*options, app="tests.adapters.wsgi.application:app"):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        log = tmp_path / f"uwsgi-{len(started)}.log"
        paths = (ROOT / "src", ROOT, sysconfig.get_path("purelib"))
        with log.open("wb") as out:
            process = subprocess.Popen(
                [
                    *(program, "--master", "--die-on-term", "--single-interpreter"),
                    *("--disable-logging", *(one.format(port=port) for one in options)),
                    *("--module", app),
                ],
                cwd=tmp_path,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))},
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(process)

        def said():
            return log.read_text(errors="replace")

        def wait_for(pattern):
            deadline = time.monotonic() + BOUND
            while (found := re.search(pattern, said())) is None:
                assert time.monotonic() < deadline, said()
                assert process.poll() is None, said()
                time.sleep(0.02)
            return found[1]

        wait_for(r"spawned uWSGI worker (\d)")
        return process, port, said

    yield start
    for process in started:
        process.terminate()
        try:
            process.wait(BOUND)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def end_of(client):
    """Read to the end, and return the code that came, 1006 for none."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            client.recv(timeout=BOUND)
    return 1006 if closed.value.rcvd is None else closed.value.rcvd.code


def let_it_finish():
    """Give uWSGI time to finish with the last request: it tells nobody when it has.

    A worker that a stop finds in a request ends without its drain, as `ON_UWSGI` declares.
    """
    time.sleep(0.5)


SOCKET = ("--http-socket", "127.0.0.1:{port}", "--enable-threads")
ROUTER = ("--plugin", "http", "--http", "127.0.0.1:{port}", "--enable-threads")


def test_one_process_holds_many_connections_and_each_hears_of_its_end(uwsgi, connect):
    process, port, said = uwsgi(*SOCKET)
    clients = [connect(f"ws://127.0.0.1:{port}/rooms/red?user=ada") for _ in range(10)]
    for number, client in enumerate(clients):
        assert client.recv(timeout=BOUND).startswith("red ada 1 /rooms/red ")
        assert "session=" in client.response.headers["Set-Cookie"]
        client.send(f"hello {number}")
        assert client.recv(timeout=BOUND) == f"hello {number}"
    let_it_finish()
    process.terminate()
    assert {end_of(client) for client in clients} == {1012}
    assert process.wait(BOUND) == 0
    assert "SIGPIPE" not in said()


def test_a_signal_to_all_processes_as_by_a_terminal_is_one_end(uwsgi, connect):
    process, port, said = uwsgi(*SOCKET)
    client = connect(f"ws://127.0.0.1:{port}/rooms/red")
    client.recv(timeout=BOUND)
    let_it_finish()
    os.killpg(process.pid, signal.SIGINT)
    assert end_of(client) == 1012
    assert process.wait(BOUND) == 0
    assert "Traceback" not in said()


def test_a_reload_says_1012_and_the_new_worker_takes_them_back(uwsgi, connect):
    process, port, _ = uwsgi(*SOCKET)
    client = connect(f"ws://127.0.0.1:{port}/rooms/red")
    first = client.recv(timeout=BOUND).split()[-1]
    process.send_signal(signal.SIGHUP)
    assert end_of(client) == 1012
    assert connect(f"ws://127.0.0.1:{port}/rooms/red").recv(timeout=BOUND).split()[-1] != first


def test_the_router_passes_connections_on_where_it_is_told_to(uwsgi, connect):
    _, port, _ = uwsgi(*ROUTER, "--http-websockets")
    client = connect(f"ws://127.0.0.1:{port}/rooms/red")
    assert client.recv(timeout=BOUND).startswith("red ")
    client.send("hello")
    assert client.recv(timeout=BOUND) == "hello"


@pytest.mark.parametrize(
    ("options", "missing"), [(SOCKET[:2], "--enable-threads"), (ROUTER, "--http-websockets")]
)
def test_an_option_that_is_missing_is_named(uwsgi, connect, options, missing):
    _, port, said = uwsgi(*options)
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{port}/rooms/red")
    assert refused.value.response.status_code == 500
    [line] = [one for one in said().splitlines() if one.startswith("RuntimeError")]
    assert f"start it with {missing}" in line
