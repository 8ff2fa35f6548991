"""A folder with applications, and the command run in it: in this process, or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from sock import cli

CHAT = """
import functools

import sock

class Chat(sock.TextSock):
    def handle_in(self, message):
        return message

class Desk(sock.TextSock):
    def __init__(self, request, user):
        self.user = user

class Room:
    pass

def app(request):
    if request.path == "/ws":
        return Chat(request)
    return sock.Response(200, "the page")

def make_app():
    return app

def make_nothing():
    return 7

def make_error():
    raise RuntimeError("no database")

def two(one, other):
    pass

def slug(text):
    return text

made = functools.partial(Chat)

LIMIT = 7
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with applications, in which the command runs."""
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "chat.py").write_text(CHAT)
    (tmp_path / "examples" / "needs.py").write_text("import no_such_thing_at_all\n")
    (tmp_path / "examples" / "wrong.py").write_text("def app(:\n")
    (tmp_path / "examples" / "raises.py").write_text("raise RuntimeError('no database')\n")
    (tmp_path / "examples" / "empty.py").write_text("")
    (tmp_path / "alone.py").write_text(CHAT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    ours = _take_modules()
    yield tmp_path
    _take_modules()
    sys.modules.update(ours)


def _take_modules():
    """Take the modules out whose names the folder has too."""
    names = [
        name for name in sys.modules if name.partition(".")[0] in {"examples", "alone", "chat"}
    ]
    return {name: sys.modules.pop(name) for name in names}


@pytest.fixture
def invoke(folder):
    """Run the command in this process."""
    return lambda *arguments, **options: CliRunner().invoke(cli.main, [*arguments], **options)


@pytest.fixture
def served(monkeypatch):
    """Take what the server is told, in place of serving."""
    calls = []
    monkeypatch.setattr("sock.server.run", lambda app, **arguments: calls.append((app, arguments)))
    return calls


@pytest.fixture
def command(folder):
    """Start the command as a process; end it with the test."""
    started = []

    def command(*arguments, **variables):
        process = subprocess.Popen(
            [sys.executable, "-m", "sock", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **variables},
        )
        started.append(process)
        return process

    yield command
    for process in started:
        process.kill()
        process.communicate()
