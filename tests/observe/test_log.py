"""Where the log begins and ends, and what else of a program it shows."""

from __future__ import annotations

import json
import logging
import re

import pytest
import websockets

from sock import telemetry
from sock.observe import log


@pytest.mark.parametrize("level", log.LEVELS)
def test_where_it_listens_is_said_whatever_the_level(capsys, level):
    with log.on_stderr(level, "text", access=False):
        log.announce(["http://127.0.0.1:8000"])
    assert "http://127.0.0.1:8000" in capsys.readouterr().err


def test_two_servers_of_a_process_make_one_line(lines):
    with log.subscribed():
        assert len(lines(("server.draining", {"connections": 1}))) == 1
        assert len(lines(("server.draining", {"connections": 1}))) == 1


def test_events_are_logged_while_a_server_is_there_and_not_before_or_after(caplog, monkeypatch):
    monkeypatch.setattr(telemetry, "_subscribers", ())  # an adapter's stays for good
    monkeypatch.setattr(log, "_user_count", 0)
    monkeypatch.setattr(log, "_unsubscribe", None)
    with caplog.at_level(logging.DEBUG, "sock"):
        telemetry.emit("server.draining", connections=1)
        with log.subscribed():
            with log.subscribed():
                telemetry.emit("server.draining", connections=2)
            telemetry.emit("server.draining", connections=3)
        telemetry.emit("server.draining", connections=4)
    assert [record.fields["connections"] for record in caplog.records] == [2, 3]


def test_the_loggers_are_left_as_they_were():
    logger = logging.getLogger("sock")
    before = (logger.level, logger.propagate, list(logger.handlers))
    with log.on_stderr("debug", "json", access=True):
        assert not logger.propagate
    assert (logger.level, logger.propagate, list(logger.handlers)) == before


def test_what_asyncio_says_has_the_same_form(capsys, monkeypatch):
    logger = logging.getLogger("asyncio")
    monkeypatch.setattr(logger, "propagate", False)  # as where nobody has configured logging
    with log.on_stderr("info", "json", access=False):
        logger.warning("Executing %s took %.3f seconds", "<Handle Epoll.poll()>", 0.2)
        logger.warning("Executing %s took %.3f seconds", "<Handle theirs()>", 0.2)
        logger.error("Task exception was never retrieved")
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(one["level"], one["event"]) for one in told] == [
        ("warning", "asyncio"),
        ("error", "asyncio"),
    ]
    assert "theirs" in told[0]["message"]
    assert not logger.handlers
    assert not logger.filters


# In programs of their own: pytest has configured the root logger of this one.

TALKS = """
import logging
import re
import sock
{configure}
log = logging.getLogger("shop")

class Talks(sock.Sock):
    def handle_in(self, message):
        log.debug("debugging")
        log.info("sold %s", message, extra={{"item": "tea"}})
        log.warning("none left")
        return "done"

app = sock.asgi(Talks)
"""


async def talk(port):
    async with websockets.connect(f"ws://127.0.0.1:{port}/?token=s3cret") as client:
        await client.send("tea")
        await client.recv()


HOSTS = pytest.mark.parametrize("host", ["Talks", "app"])
"""Our own server, and uvicorn."""


@HOSTS
def test_the_applications_lines_are_shown_in_the_form_of_the_log(program, run_async, host):
    served = program(TALKS.format(configure=""), run=host)
    run_async(talk(served.port))
    said = served.stop()
    assert [line[13:] for line in said if "shop" in line] == [
        "info     shop: sold tea",
        "warning  shop: none left",
    ]
    assert all(re.match(r"\d\d:\d\d:\d\d\.\d{3} (info|warning) ", line) for line in said)


@HOSTS
@pytest.mark.parametrize("more", [(), ("--access-log",)])
def test_every_line_is_an_object_in_json(program, run_async, host, more):
    served = program(TALKS.format(configure=""), "--log-format", "json", *more, run=host)
    run_async(talk(served.port))
    told = [json.loads(line) for line in served.stop()]
    assert [one["message"] for one in told if one["event"] == "shop"] == ["sold tea", "none left"]
    assert [one["item"] for one in told if "item" in one] == ["tea"]
    assert [one["urls"] for one in told if one["event"] == "server.started"] == [
        [f"http://127.0.0.1:{served.port}"]
    ]
    of_the_connection = [one["event"] for one in told if one["event"].startswith("connection")]
    assert of_the_connection == (["connection.opened", "connection.closed"] if more else [])
    closed = [one for one in told if one["event"] == "connection.closed"]
    assert all(
        0 <= one["seconds"] < 30 and one["target"] == "/?token=***" and one["code"] == 1000
        for one in closed
    )
    assert "s3cret" not in served.said


@HOSTS
def test_the_level_is_that_of_the_applications_lines_too(program, run_async, host):
    served = program(TALKS.format(configure=""), "--log-level", "warning", run=host)
    run_async(talk(served.port))
    said = served.stop()
    assert [line[13:] for line in said if "shop" in line] == ["warning  shop: none left"]
    assert len(said) == 2  # and the address, whatever the level


@HOSTS
def test_a_program_that_has_configured_logging_keeps_what_it_has(program, run_async, host):
    configure = "logging.basicConfig(format='mine %(message)s', level='DEBUG')"
    served = program(TALKS.format(configure=configure), run=host)
    run_async(talk(served.port))
    said = served.stop()
    assert [line for line in said if line.startswith("mine ") and "asyncio" not in line][-3:] == [
        "mine debugging",
        "mine sold tea",
        "mine none left",
    ]
    assert not [line for line in said if "shop:" in line]


@HOSTS
def test_a_level_that_a_program_has_given_the_root_logger_stays(program, run_async, host):
    configure = "logging.getLogger().setLevel('DEBUG')"
    served = program(TALKS.format(configure=configure), run=host)
    run_async(talk(served.port))
    assert "debug    shop: debugging" in [line[13:] for line in served.stop()]


@HOSTS
def test_a_query_string_is_shown_where_that_is_asked_for(program, run_async, host):
    served = program(TALKS.format(configure=""), "--access-log", "--log-query", run=host)
    run_async(talk(served.port))
    assert "GET /?token=s3cret 101" in "\n".join(served.stop())


@HOSTS
def test_a_connection_and_a_refusal_are_one_line_each_for_what_happens(program, run_async, host):
    async def act():
        await talk(served.port)
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(
                f"ws://127.0.0.1:{served.port}/?token=s3cret",
                origin="https://evil.example",
                additional_headers={"Cookie": "session=4fd1", "Authorization": "Bearer 4fd1"},
                subprotocols=["bearer.4fd1"],
            )

    for level in ("info", "debug"):
        served = program(TALKS.format(configure=""), "--access-log", "--log-level", level, run=host)
        run_async(act())
        said = served.stop()
        lines = [line[13:] for line in said if "token=" in line and " debug " not in line]
        assert len([line for line in lines if "refused" in line or "403" in line]) == (
            1 if host == "app" else 2  # and the answer, in our server's access log
        )
        assert len([line for line in lines if line.endswith(" 101")]) == 1
        assert len([line for line in lines if " closed 1000 " in line]) == 1
        assert not [line for line in said if "accepted" in line or "connection open" in line]
        assert not [line for line in said if "connection rejected" in line]
        assert "s3cret" not in served.said
        assert "4fd1" not in served.said
