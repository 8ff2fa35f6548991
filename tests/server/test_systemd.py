"""systemd's protocols, with a small parent that speaks them; the server is a real process."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from sock.server import systemd

pytestmark = pytest.mark.one_form

BOUND = 30
APP = """
from sock import Response

def app(request):
    return Response(200, "here")
"""
# What systemd does between fork and exec: the sockets begin at descriptor 3, and the variables name
# the process that they are for.
EXECUTE = """
import fcntl, os, sys
count = int(sys.argv[1])
numbers = [fcntl.fcntl(int(one), fcntl.F_DUPFD, 100) for one in sys.argv[2:2 + count]]
for place, number in enumerate(numbers, 3):
    os.dup2(number, place)
os.environ["LISTEN_PID"] = os.environ["WATCHDOG_PID"] = str(os.getpid())
os.execv(sys.executable, [sys.executable, "-m", "sock", "run", "app:app", *sys.argv[2 + count:]])
"""


class Parent:
    """systemd, as far as one service needs it."""

    def __init__(self, folder) -> None:
        (folder / "app.py").write_text(APP)
        self._folder = folder
        self._told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._told.bind(str(folder / "notify"))
        self._told.settimeout(BOUND)
        self.process = None

    def start(self, *options, sockets=(), names="", **variables) -> None:
        numbers = [one.fileno() for one in sockets]
        variables |= {"NOTIFY_SOCKET": str(self._folder / "notify")}
        if sockets:
            variables |= {"LISTEN_FDS": str(len(sockets)), "LISTEN_FDNAMES": names}
        self.process = subprocess.Popen(
            [sys.executable, "-c", EXECUTE, str(len(numbers)), *map(str, numbers), *options],
            cwd=self._folder,
            env={**os.environ, **variables},
            pass_fds=numbers,
            stderr=subprocess.PIPE,
            text=True,
        )

    def hear(self) -> str:
        """Return what the service says next."""
        return self._told.recv(4096).decode()

    def stop(self) -> str:
        """Stop the service, and return what it has written."""
        self.process.send_signal(signal.SIGTERM)
        _, written = self.process.communicate(timeout=BOUND)
        return written

    def close(self) -> None:
        self._told.close()
        if self.process is not None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def parent(tmp_path):
    with contextlib.closing(Parent(tmp_path)) as parent:
        yield parent


def answer_of(address) -> str:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(BOUND)
        client.connect(address)
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        return client.makefile("r").read()


def test_the_service_says_that_it_is_ready_and_that_it_stops(parent):
    parent.start("--port", "0")
    assert parent.hear() == "READY=1"
    written = parent.stop()
    assert parent.hear() == "STOPPING=1"
    assert parent.process.returncode == 0
    assert "listening on http://127.0.0.1:" in written


def test_a_supervisor_says_that_it_reloads_and_that_it_is_ready_again(parent, tmp_path):
    parent.start("--port", "0", "--workers", "1", "--control", str(tmp_path / "control"))
    assert parent.hear() == "READY=1"
    for answer in ("there", None):  # None: the new code is broken, and the old worker goes on
        before = time.monotonic_ns() // 1000
        code = "def app(:" if answer is None else APP.replace("here", answer)
        (tmp_path / "app.py").write_text(code)
        parent.process.send_signal(signal.SIGHUP)
        began = re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", parent.hear())
        assert before <= int(began[1]) <= time.monotonic_ns() // 1000
        assert parent.hear() == "READY=1"
    written = parent.stop()
    assert parent.hear() == "STOPPING=1"
    assert parent.process.returncode == 0
    assert written.count("reload: all workers are replaced") == 2
    assert written.count("reload failed: worker 0 did not start") == 1


def test_sockets_of_a_socket_unit_are_served_and_connections_that_waited_too(parent, tmp_path):
    path = str(tmp_path / "here")
    with socket.create_server(("127.0.0.1", 0)) as web, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(path)
        unix.listen()
        with socket.create_connection(web.getsockname()) as early:
            early.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            parent.start("--bind", "systemd", sockets=[web, unix], names="web:unix")
            assert parent.hear() == "READY=1"
            assert early.makefile("r").read().endswith("here")
        assert answer_of(web.getsockname()).endswith("here")
        assert answer_of(path).endswith("here")
        port = web.getsockname()[1]
        assert f"listening on http://127.0.0.1:{port}, unix:{path}\n" in parent.stop()
        assert (tmp_path / "here").exists()  # it is systemd's


def test_sockets_are_taken_by_their_names(parent):
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        parent.start("--bind", "systemd:two", sockets=[one, two], names="one:two")
        assert parent.hear() == "READY=1"
        assert f"listening on http://127.0.0.1:{two.getsockname()[1]}\n" in parent.stop()


def test_a_name_that_no_socket_has_is_one_line(parent):
    with socket.create_server(("127.0.0.1", 0)) as one:
        parent.start("--bind", "systemd:web", sockets=[one], names="one")
        _, written = parent.process.communicate(timeout=BOUND)
    assert parent.process.returncode == 1
    assert written == ("sock: systemd has handed over no socket named 'web', but these: one.\n")


def test_signs_of_life_are_given_from_the_event_loop(parent):
    parent.start("--port", "0", WATCHDOG_USEC="100000")
    assert {parent.hear() for _ in range(6)} == {"READY=1", "WATCHDOG=1"}
    parent.stop()


class TestVariables:
    @pytest.fixture(autouse=True)
    def told(self, monkeypatch, tmp_path):
        for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID", "WATCHDOG_USEC"):
            monkeypatch.delenv(name, raising=False)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(str(tmp_path / "notify"))
            told.settimeout(BOUND)
            monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
            yield told

    def test_sockets_for_another_process_are_none(self, monkeypatch):
        monkeypatch.setenv("LISTEN_FDS", "2")
        assert systemd.listening_descriptors() == []
        monkeypatch.setenv("LISTEN_PID", str(os.getppid()))
        assert systemd.listening_descriptors() == []
        monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
        assert systemd.listening_descriptors() == [(3, "unknown"), (4, "unknown")]
        monkeypatch.setenv("LISTEN_FDNAMES", "web:admin")
        assert systemd.listening_descriptors() == [(3, "web"), (4, "admin")]
        monkeypatch.setenv("LISTEN_FDS", "many")
        assert systemd.listening_descriptors() == []

    def test_a_sign_of_life_is_due_in_half_of_the_time(self, monkeypatch):
        assert systemd.watchdog_interval() is None
        monkeypatch.setenv("WATCHDOG_USEC", "30000000")
        assert systemd.watchdog_interval() == 15
        monkeypatch.setenv("WATCHDOG_PID", str(os.getppid()))
        assert systemd.watchdog_interval() is None

    @pytest.mark.parametrize("value", ["", "0", "x", "-1"])
    def test_a_time_that_is_none_asks_for_nothing(self, monkeypatch, value):
        monkeypatch.setenv("WATCHDOG_USEC", value)
        assert systemd.watchdog_interval() is None

    def test_a_reload_says_when_it_began(self, told):
        systemd.tell_reloading()
        assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", told.recv(100).decode())

    def test_where_nobody_listens_nothing_fails(self, monkeypatch, tmp_path):
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
        systemd.tell_ready()
        monkeypatch.setenv("NOTIFY_SOCKET", "@sock-nobody")
        systemd.tell_ready()
        monkeypatch.delenv("NOTIFY_SOCKET")
        systemd.tell_ready()
