"""The page "Logs": its configuration for uvicorn, in the real uvicorn."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest
import websockets

from tests.observe.conftest import program as program

pytestmark = pytest.mark.one_form

PAGE = Path(__file__).parents[2] / "docs/howto/logs.md"

SERVED = """
import logging
import sock

class Shop(sock.Sock):
    def handle_in(self, message):
        logging.getLogger("shop").info("sold %s", message, extra={"item": message})
        return "done"

app = sock.asgi(Shop)

if __name__ == "__main__":
    import uvicorn
    from sock.adapters.uvicorn import SockProtocol, log_config

    uvicorn.run(app, port=0, ws=SockProtocol, log_config=log_config())
"""


def configuration() -> str:
    return next(
        block
        for block in re.findall(r"^```json\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
        if "formatters" in block
    )


def test_the_file_of_the_page_is_what_the_function_returns(monkeypatch):
    log = pytest.importorskip("sock.adapters.uvicorn.log")
    monkeypatch.setattr(log.logging.getLogger(), "handlers", [])
    monkeypatch.setattr(log.logging.getLogger(), "level", log.logging.WARNING)
    assert json.loads(configuration()) == log.log_config()


BY_COMMAND = [
    "-m", "uvicorn", "served:app", "--port", "0", "--log-config", "logging.json",
    "--ws", "sock.adapters.uvicorn:SockProtocol",
]  # fmt: skip


@pytest.mark.parametrize("command", [BY_COMMAND, ["served.py"]], ids=["command", "program"])
def test_every_line_under_uvicorn_is_an_object(program, tmp_path, run_async, command):
    pytest.importorskip("uvicorn")
    (tmp_path / "logging.json").write_text(configuration())
    served = program(SERVED, command=command)

    async def act():
        async with websockets.connect(f"ws://127.0.0.1:{served.port}/?token=s3cret") as client:
            await client.send("tea")
            await client.recv()

    run_async(act())
    told = [json.loads(line) for line in served.stop(-signal.SIGTERM)]
    assert [one["item"] for one in told if one["event"] == "shop"] == ["tea"]
    ends = [one for one in told if one["event"] == "connection.closed"]
    assert [one["code"] for one in ends] == [1000]
    assert {"server.started", "connection.opened", "uvicorn.error"} <= {
        one["event"] for one in told
    }
    assert "s3cret" not in served.said
