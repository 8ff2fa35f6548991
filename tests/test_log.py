"""What the log says of each event, in both forms."""

from __future__ import annotations

import json
import logging

import pytest

from sock import (
    Failed,
    MailboxFull,
    Normal,
    PeerTooSlow,
    ProtocolError,
    Remote,
    Request,
    Shutdown,
    TimedOut,
    log,
    telemetry,
)

REQUEST = Request("GET", "/rooms/7?x=1", client=("127.0.0.1", 5000))


@pytest.fixture
def lines(capsys):
    """Emit events, and return the lines that are shown."""

    def lines(*events, level="info", form="text", access=False):
        with log.shown(level, form, access=access), log.logged():
            for event, fields in events:
                telemetry.emit(event, **fields)
        shown = capsys.readouterr()
        assert shown.out == ""
        return shown.err.splitlines()

    return lines


def failed():
    try:
        raise RuntimeError("on purpose")
    except RuntimeError as error:
        return {"request": REQUEST, "error": error, "place": "Chat.handle_in"}


def closed(reason, code=1011, dropped=0):
    return (
        "connection.closed",
        {"request": REQUEST, "code": code, "reason": reason, "dropped": dropped},
    )


@pytest.mark.parametrize("event", ["callback.failed", "handshake.failed"])
def test_what_an_application_raises_is_logged_once_with_its_traceback(lines, event):
    error = failed()
    got = lines((event, error), closed(Failed(error["error"])))
    assert "error    127.0.0.1:5000 GET /rooms/7?x=1: Chat.handle_in raised RuntimeError" in got[0]
    assert got[1] == "Traceback (most recent call last):"
    assert got[-1] == "RuntimeError: on purpose"
    assert len([line for line in got if "on purpose" in line and "raise" not in line]) == 1


def test_a_refused_handshake_is_a_line_and_no_crash(lines):
    fields = {"request": REQUEST, "status": 403, "detail": "the origin 'x' is not let in"}
    [line] = lines(("handshake.refused", fields))
    assert line.endswith(
        "info     127.0.0.1:5000 GET /rooms/7?x=1 refused with 403: the origin 'x' is not let in"
    )


def test_what_is_no_request_is_shown_only_for_debugging(lines):
    event = ("request.refused", {"client": ("::1", 5), "status": 400, "detail": "not HTTP"})
    assert lines(event) == []
    [line] = lines(event, level="debug")
    assert line.endswith("debug    [::1]:5 refused with 400: not HTTP")
    [line] = lines(("request.refused", {**event[1], "client": None}), level="debug")
    assert " - refused" in line


@pytest.mark.parametrize(
    ("reason", "level", "text"),
    [
        (
            Failed(ProtocolError("unmasked (RFC 6455 §5.1)")),
            "info",
            "after ProtocolError: unmasked (RFC 6455 §5.1)",
        ),
        (Failed(MailboxFull()), "warning", "after MailboxFull"),
        (Failed(PeerTooSlow()), "warning", "after PeerTooSlow"),
    ],
)
def test_an_end_worth_a_look_is_shown_without_the_access_log(lines, reason, level, text):
    for access in (False, True):
        [line] = lines(closed(reason), access=access)
        assert f" {level} " in line
        assert text in line


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Normal(), "closed 1000 normal"),
        (Remote(1000, ""), "closed 1000 by the peer, 1000"),
        (Remote(4000, "a\nb"), "closed 1000 by the peer, 4000 'a\\nb'"),
        (Shutdown(), "closed 1000 shutdown"),
        (TimedOut(), "closed 1000 timedout"),
        (Failed(RuntimeError("x")), "closed 1000 after RuntimeError"),
    ],
)
def test_an_ordinary_end_is_in_the_access_log_only(lines, reason, text):
    assert lines(closed(reason, 1000)) == []
    [line] = lines(closed(reason, 1000), access=True)
    assert line.endswith(text)


def test_what_was_dropped_is_counted(lines):
    [line] = lines(closed(Remote(1006), None, dropped=3), access=True)
    assert line.endswith("closed by the peer, 1006, 3 messages dropped")


def test_the_access_log_has_answers_and_upgrades(lines):
    answered = ("request.answered", {"request": REQUEST, "status": 404, "size": 120})
    opened = ("connection.opened", {"request": REQUEST})
    assert lines(answered, opened) == []
    first, second = lines(answered, opened, access=True)
    assert first.endswith("GET /rooms/7?x=1 404 120")
    assert second.endswith("GET /rooms/7?x=1 101")


@pytest.mark.parametrize(
    ("event", "fields", "text"),
    [
        (
            "callback.slow",
            {"seconds": 0.25, "place": "Chat.handle_in", "where": "chat.py:7"},
            "warning  Chat.handle_in blocked the event loop for 250 ms (chat.py:7); asyncio",
        ),
        (
            "callback.abandoned",
            {"request": REQUEST, "place": "Chat.handle_in"},
            "Chat.handle_in did not end when it was cancelled",
        ),
        (
            "accept.paused",
            {"error": OSError(24, "Too many open files"), "seconds": 1.0},
            "accepting nothing for 1 s: Too many open files",
        ),
        (
            "server.draining",
            {"connections": 3, "seconds": 30.0},
            "info     stopping, 3 connections, 30 s at most",
        ),
        ("server.draining", {"connections": 1}, "info     stopping, 1 connection"),
        ("server.stopped", {"connections": 0}, "info     stopped"),
        ("server.stopped", {"connections": 2}, "warning  stopped, 2 connections cut"),
    ],
)
def test_what_happens_to_the_server_is_a_line(lines, event, fields, text):
    [line] = lines((event, fields))
    assert text in line


def test_an_event_that_is_not_known_is_passed_over(lines):
    assert lines(("something.else", {})) == []


def test_a_target_cannot_begin_a_line_of_its_own(lines):
    request = Request("GET", "/\n12:00:00 forged")
    [line] = lines(("handshake.refused", {"request": request, "status": 403, "detail": "no"}))
    assert "\\n12:00:00 forged" in line


def test_json_has_one_object_a_line(lines):
    got = [
        json.loads(line)
        for line in lines(
            ("callback.failed", failed()),
            closed(Remote(4000, "bye")),
            ("request.answered", {"request": REQUEST, "status": 404, "size": 120}),
            form="json",
            access=True,
        )
    ]
    assert [one["event"] for one in got] == [
        "callback.failed",
        "connection.closed",
        "request.answered",
    ]
    assert [one["level"] for one in got] == ["error", "info", "info"]
    assert got[0]["traceback"].startswith("Traceback")
    assert got[0]["place"] == "Chat.handle_in"
    assert (got[1]["code"], got[1]["reason"]) == (1011, "Remote")
    assert (got[2]["status"], got[2]["target"], got[2]["client"]) == (
        404,
        "/rooms/7?x=1",
        "127.0.0.1:5000",
    )
    assert all(one["time"].endswith("Z") for one in got)


@pytest.mark.parametrize("level", log.LEVELS)
def test_where_it_listens_is_said_whatever_the_level(capsys, level):
    with log.shown(level, "text", access=False):
        log.announce("http://127.0.0.1:8000")
    assert "http://127.0.0.1:8000" in capsys.readouterr().err


def test_two_servers_of_a_process_make_one_line(lines):
    with log.logged():
        assert len(lines(("server.draining", {"connections": 1}))) == 1
        assert len(lines(("server.draining", {"connections": 1}))) == 1


def test_nothing_is_logged_when_no_server_is_there(caplog, monkeypatch):
    monkeypatch.setattr(telemetry, "_subscribers", ())  # an adapter's stays for good
    with caplog.at_level(logging.DEBUG, "sock"):
        telemetry.emit("server.draining", connections=1)
    assert caplog.records == []


def test_the_loggers_are_left_as_they_were():
    logger = logging.getLogger("sock")
    before = (logger.level, logger.propagate, list(logger.handlers))
    with log.shown("debug", "json", access=True):
        assert not logger.propagate
    assert (logger.level, logger.propagate, list(logger.handlers)) == before


def test_what_asyncio_says_has_the_same_form(capsys, monkeypatch):
    logger = logging.getLogger("asyncio")
    monkeypatch.setattr(logger, "propagate", False)  # as where nobody has configured logging
    with log.shown("info", "json", access=False):
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
