"""What may silence Sock's loggers, and what may not."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import logging.config
import signal

import pytest
import websockets

from sock import telemetry
from sock.observe import log, loggers

REFUSED = {"version": 1, "root": {"handlers": []}}
FILE = """
[loggers]
keys=root
[handlers]
keys=
[formatters]
keys=
[logger_root]
handlers=
"""


@pytest.fixture(autouse=True)
def _as_before():
    root = logging.getLogger()
    everybody = [logging.getLogger(name) for name in list(root.manager.loggerDict)]
    before = [
        (one, one.level, one.propagate, list(one.handlers), one.disabled)
        for one in (root, *everybody)
    ]
    yield
    logging.disable(logging.NOTSET)
    for one, level, propagate, handlers, disabled in before:
        one.setLevel(level)
        one.propagate, one.handlers, one.disabled = propagate, handlers, disabled


@pytest.mark.parametrize("name", ["sock", "sock.access"])
@pytest.mark.parametrize(
    "configure",
    [
        lambda: logging.config.dictConfig(REFUSED),
        lambda: logging.config.fileConfig(io.StringIO(FILE)),
    ],
    ids=["dictConfig", "fileConfig"],
)
def test_a_configuration_that_does_not_name_a_logger_does_not_disable_it(name, configure):
    other = logging.getLogger("somebody.elses")
    configure()
    assert other.disabled
    assert not logging.getLogger(name).disabled


def test_a_logger_that_was_disabled_before_is_enabled_when_it_is_kept():
    other = logging.getLogger("disabled.before")
    logging.config.dictConfig(REFUSED)
    assert other.disabled
    assert loggers.never_disabled("disabled.before") is other
    assert not other.disabled
    assert type(other).__name__ == "Logger"


def test_a_program_that_silences_the_logger_is_obeyed(capsys):
    logger = logging.getLogger("sock")
    with log.on_stderr("info", "text", access=False), log.subscribed():
        logger.disabled = True
        telemetry.emit("server.draining", connections=1)
        logger.disabled = False
        logger.setLevel(logging.CRITICAL)
        telemetry.emit("server.draining", connections=1)
        logger.setLevel(logging.INFO)
        logging.disable(logging.CRITICAL)
        telemetry.emit("server.draining", connections=1)
    assert capsys.readouterr().err == ""


def test_the_level_and_the_handlers_that_a_program_has_given_stay(capsys):
    logger, kept = logging.getLogger("sock"), io.StringIO()
    logging.config.dictConfig(
        {
            "version": 1,
            "handlers": {"own": {"class": "logging.StreamHandler", "stream": kept}},
            "loggers": {"sock": {"level": "WARNING", "handlers": ["own"]}},
        }
    )
    with log.on_stderr("debug", "json", access=False), log.subscribed():
        telemetry.emit("server.draining", connections=1)
        telemetry.emit("server.stopped", connections=1)
        log.announce(["http://127.0.0.1:8000"])
    assert logger.level == logging.WARNING
    assert kept.getvalue() == "stopped, 1 connections cut\nlistening on http://127.0.0.1:8000\n"
    assert '"urls": ["http://127.0.0.1:8000"]' in capsys.readouterr().err


def test_a_configuration_of_sock_does_not_turn_the_access_log_on():
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "loggers": {"sock": {"level": "DEBUG", "handlers": []}},
        }
    )
    assert not loggers.access_log_enabled()


def test_a_configuration_of_sock_does_not_turn_the_access_log_off():
    with log.on_stderr("info", "text", access=True):
        logging.config.dictConfig(
            {"version": 1, "disable_existing_loggers": False, "loggers": {"sock": {}}}
        )
        assert logging.getLogger("sock.access").level == logging.NOTSET
        assert loggers.access_log_enabled()
        logging.disable(logging.CRITICAL)
        assert not loggers.access_log_enabled()
    assert not loggers.access_log_enabled()


def test_the_level_or_a_handler_of_its_own_turns_the_access_log_on():
    access = logging.getLogger("sock.access")
    access.setLevel(logging.INFO)
    assert loggers.access_log_enabled()
    access.setLevel(logging.WARNING)
    assert not loggers.access_log_enabled()
    access.setLevel(logging.NOTSET)
    logging.getLogger("sock").setLevel(logging.INFO)
    access.addHandler(logging.NullHandler())
    assert loggers.access_log_enabled()


# In programs of their own: a configuration is the process', and pytest has one.

APPLICATION = """
{before}
import sock

class Fails(sock.Sock):
    def handle_in(self, message):
        {later}
        raise RuntimeError("on purpose")

{after}
"""
CONFIGURE = {
    "dictConfig": "import logging.config; logging.config.dictConfig({'version': 1})",
    "fileConfig": f"import io, logging.config; logging.config.fileConfig(io.StringIO({FILE!r}))",
}
TIMES = ("before", "later", "after")

BY_ITSELF = """
import asyncio, signal, sys

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with sock.serve(Fails) as server:
        print(server.url, file=sys.stderr, flush=True)
        await stop.wait()

asyncio.run(main())
"""


async def connected(port):
    """Connect as soon as somebody is there: uvicorn's workers are later than their address."""
    while True:
        try:
            return await websockets.connect(f"ws://127.0.0.1:{port}/")
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)


async def fail(port):
    client = await connected(port)
    await client.send("x")
    with pytest.raises(websockets.ConnectionClosed):
        await client.recv()


def source(configure, when):
    parts = dict.fromkeys(TIMES, "") | {when: CONFIGURE[configure]}
    existing = "import logging; logging.getLogger('sock'); logging.getLogger('sock.access')\n"
    return existing + APPLICATION.format(**parts)


@pytest.mark.parametrize("when", TIMES)
@pytest.mark.parametrize("configure", list(CONFIGURE))
def test_sock_run_says_its_address_and_its_tracebacks_however_logging_is_configured(
    program, run_async, configure, when
):
    served = program(source(configure, when), run="Fails")
    run_async(fail(served.port))
    said = served.stop()
    assert said.count("RuntimeError: on purpose") == 1
    assert said[-1].endswith("stopped")


@pytest.mark.parametrize("when", TIMES)
@pytest.mark.parametrize("configure", list(CONFIGURE))
def test_a_program_that_serves_says_its_tracebacks_however_logging_is_configured(
    program, run_async, configure, when
):
    served = program(source(configure, when) + BY_ITSELF, command=["served.py"])
    run_async(fail(served.port))
    assert served.stop().count("RuntimeError: on purpose") == 1


AS_ASGI = """
app = sock.asgi(Fails)
served = app

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        {configure}
    await served(scope, receive, send)
"""


@pytest.mark.parametrize("when", [*TIMES, "lifespan"])
@pytest.mark.parametrize("more", [(), ("--workers", "2")])
def test_under_uvicorn_sock_run_says_the_same_however_logging_is_configured(
    program, run_async, when, more
):
    pytest.importorskip("uvicorn")
    configure = CONFIGURE["dictConfig"]
    asgi = AS_ASGI.format(configure=configure if when == "lifespan" else "pass")
    before = source("dictConfig", when) if when in TIMES else source("dictConfig", "unused")
    served = program(before + asgi, *more)
    run_async(fail(served.port))
    assert served.stop().count("RuntimeError: on purpose") == 1


UVICORN = ("-m", "uvicorn", "served:app", "--ws", "sock.adapters.uvicorn:SockProtocol")


@pytest.mark.parametrize("disabling", [True, False])
def test_on_uvicorn_itself_tracebacks_are_said_however_logging_is_configured(
    program, run_async, tmp_path, disabling
):
    pytest.importorskip("uvicorn")
    config = {
        "version": 1,
        "disable_existing_loggers": disabling,
        "handlers": {"stderr": {"class": "logging.StreamHandler"}},
        "loggers": {"uvicorn.error": {"handlers": ["stderr"], "level": "INFO"}},
    }
    (tmp_path / "log.json").write_text(json.dumps(config))
    served = program(
        source("dictConfig", "later") + "app = sock.asgi(Fails)",
        *("--port", "0", "--log-config", "log.json"),
        command=UVICORN,
    )
    run_async(fail(served.port))
    assert served.stop(-signal.SIGTERM).count("RuntimeError: on purpose") == 1


def test_a_task_that_nobody_awaits_is_told_of_however_logging_is_configured(program, run_async):
    later = """import asyncio, logging.config
        logging.config.dictConfig({'version': 1})
        async def fail(): raise ValueError("in a task")
        asyncio.ensure_future(fail())"""
    served = program(APPLICATION.format(before="", later=later, after=""), run="Fails")
    run_async(fail(served.port))
    assert "ValueError: in a task" in served.stop()
