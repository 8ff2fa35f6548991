"""Long poll with phoenix.js, and over several workers."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

import sock
from tests.channels.clients.served import app
from tests.needed import needed, node_folder

pytestmark = pytest.mark.one_form

CLIENT = Path(__file__).parent / "clients" / "longpoll.cjs"


@pytest.mark.parametrize(
    ("package", "mode"), [("phoenix", "poll"), ("phoenix", "fallback"), ("phoenix-1.8.9", "poll")]
)
def test_phoenix_js_polls_where_no_websocket_opens(run_async, package, mode):
    script = node_folder() / "node_modules" / package / "priv/static/phoenix.cjs.js"

    async def main():
        async with sock.serve(app, port=0) as server:
            process = await asyncio.create_subprocess_exec(
                *[needed("node"), CLIENT, script, f"{server.url}/socket", mode],
                stdout=asyncio.subprocess.PIPE,
            )
            output, _ = await process.communicate()
        return json.loads(output)

    seen = run_async(main())
    assert [one for one in seen if one != "open"] == [
        ["join", "ok", {"token": "s3cret/+?", "transport": "longpoll", "name": "ada"}],
        ["join", "error", {"reason": "unauthorized"}],
        ["echoed", True],
        ["size", "ok", {"size": 3}],
        ["shout", {"text": "é"}],
        ["shout", "ok", {}],
        ["unknown", "error", {"reason": "unmatched event"}],
        "rejoined",
        "left",
        ["phx:fallback:LongPoll"] if mode == "fallback" else [],
    ]


def connect(port):
    """Return a connection, and the worker that has accepted it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("OPTIONS", "/socket/longpoll")
    response = connection.getresponse()
    response.read()
    return connection, int(response.headers["X-Pid"])


@contextlib.contextmanager
def connections_to_both(port):
    """Open a connection to each of two workers, of which the second one is ready later."""
    found = {}
    deadline = time.monotonic() + 30
    with contextlib.ExitStack() as stack:
        while len(found) < 2:
            connection, pid = connect(port)
            stack.enter_context(contextlib.closing(connection))
            found.setdefault(pid, connection)
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield tuple(found.values())


def test_a_session_is_reached_through_any_worker():
    arguments = ["run", "tests.channels.clients.served:with_pid", "--port", "0", "--workers", "2"]
    command = [sys.executable, "-m", "sock", *arguments]
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        stack.callback(server.terminate)
        lines = (re.search(r":(\d+)$", line) for line in server.stderr)
        port = next(int(found[1]) for found in lines if found)
        workers = stack.enter_context(connections_to_both(port))
        token = ""

        def ask(worker, method, body=None):
            kind = {"Content-Type": "application/x-ndjson"} if body else {}
            target = f"/socket/longpoll?vsn=2.0.0&token={token}"
            workers[worker].request(method, target, body, kind)
            return json.loads(workers[worker].getresponse().read())

        token = ask(0, "GET")["token"]
        assert ask(1, "POST", '["1","1","room:1","phx_join",{}]') == {"status": 200}
        assert '"ok"' in ask(0, "GET")["messages"][0]
        for number in range(10):
            frame = f'["1","{number}","room:1","echo",{{"n":{number}}}]'
            assert ask(number % 2, "POST", frame) == {"status": 200}
            assert f'{{"n":{number}}}' in ask(number % 3 % 2, "GET")["messages"][0]
