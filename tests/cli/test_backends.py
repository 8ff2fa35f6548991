"""`--require-backend`: what the topics of an application need must be there."""

import signal

import pytest

from tests.broker import free_port, redis_server
from tests.server.supervisor.command import run
from tests.server.supervisor.conftest import Served

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]

APP = """
import sock
from sock.pubsub import PubSub

rooms = PubSub({url!r})

class App(sock.TextSock):
    async def init(self, ref):
        await rooms.subscribe("room", ref)
"""


def test_a_server_does_not_start_without_a_backend_that_is_required(tmp_path):
    port = free_port()
    (tmp_path / "chat.py").write_text(APP.format(url=f"redis://me:secret@127.0.0.1:{port}/0"))
    result = run(tmp_path, "chat:App", "--port", "0", "--require-backend")
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"sock: redis://me:***@127.0.0.1:{port}/0: ")
    assert line.endswith("Without --require-backend it is connected when it comes.")


def test_it_starts_where_the_backend_is_there(tmp_path):
    with redis_server() as server:
        server.start()
        (tmp_path / "chat.py").write_text(APP.format(url=server.url))
        served = Served(tmp_path, "chat:App", "--workers", "1", "--require-backend", count=1)
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(30) == 0
