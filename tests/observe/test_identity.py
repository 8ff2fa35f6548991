"""The id of a connection in the lines of the application, on our own server and under uvicorn."""

from __future__ import annotations

import contextvars
import json
import logging

import pytest
import websockets

import sock
from sock import Request, testing
from sock.observe import ConnectionId, identify
from sock.observe.formats import formatter

pytestmark = pytest.mark.one_form


def test_the_lines_of_an_application_name_the_connection_they_are_written_for(caplog):
    def line(form):
        record = logging.LogRecord("shop", logging.INFO, "", 0, "sold", (), None)
        return formatter(form).format(record)

    class Named(sock.TextSock):
        def init(self, ref):
            self.id = ref.request.id
            identify(ref.request)

        async def handle_in(self, text):
            return line(text)

    with testing.open(Named) as ada, testing.open(Named) as bob:
        for session in (ada, bob, ada):
            session.receive("text")
            session.receive("json")
            text, json_line = session.pushed()
            assert text[13:] == f"info     {session.handler.id} shop: sold"
            assert json.loads(json_line)["id"] == session.handler.id
    assert line("text")[13:] == "info     shop: sold"
    assert "id" not in json.loads(line("json"))


def test_a_formatter_of_ones_own_gets_the_id_from_a_filter():
    def shown():
        record = logging.LogRecord("shop", logging.INFO, "", 0, "sold", (), None)
        assert ConnectionId().filter(record)
        return logging.Formatter("%(connection_id)s %(message)s").format(record)

    class Named(sock.TextSock):
        def handle_in(self, text):
            identify(self.request)
            return shown()

        def __init__(self, request):
            self.request = request

    with testing.open(Named) as session:
        session.receive("")
        assert session.pushed() == [f"{session.handler.request.id} sold"]
    assert shown() == "- sold"


def test_an_id_that_middleware_has_taken_from_a_field_stays_one_word(caplog):
    record = logging.LogRecord("shop", logging.INFO, "", 0, "sold", (), None)

    def line():
        request = Request()
        request.id = "a b\n" + 200 * "c"
        identify(request)
        return formatter("text").format(record)

    shown = contextvars.copy_context().run(line)
    assert shown[13:].startswith("info     a_b\\nccc")
    assert len(shown) < 170


SERVED = """
import asyncio
import logging
import sock
from sock.observe import identify

log = logging.getLogger("shop")

class Sells(sock.Sock):
    def init(self, ref):
        identify(ref.request)

    async def handle_in(self, message):
        log.info("asked for %s", message)
        await asyncio.sleep(0)
        await asyncio.to_thread(log.info, "sold %s", message)
        return "done"

app = sock.asgi(Sells)
"""


@pytest.mark.parametrize("host", ["Sells", "app"])
def test_one_id_leads_from_the_handshake_to_the_end(program, run_async, host):
    served = program(SERVED, "--log-format", "json", "--access-log", run=host)

    async def act():
        for goods in ("tea", "milk"):
            async with websockets.connect(f"ws://127.0.0.1:{served.port}/") as client:
                await client.send(goods)
                await client.recv()

    run_async(act())
    ids = {}
    for line in map(json.loads, served.stop()):
        if "id" in line:
            ids.setdefault(line["id"], []).append(line["event"])
    whole = ["connection.opened", "shop", "shop", "connection.closed"]
    assert list(ids.values()) == [whole, whole]
