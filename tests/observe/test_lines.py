"""What the log says of each event."""

from __future__ import annotations

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
)
from sock.observe.lines import loggable_target

REQUEST = Request("GET", "/rooms/7?x=1", client=("127.0.0.1", 5000))
REQUEST.id = "a1b2"
TRAFFIC = {"received_messages": 3, "received_bytes": 20, "sent_messages": 1, "sent_bytes": 5}

CUT = {
    "connections": 1,
    "held_by": "callback",
    "handler": "Chat",
    "place": "Chat.handle_in",
    "seconds": 29.02,
    "pending": 0,
    "request": REQUEST,
}


def failed():
    try:
        raise RuntimeError("on purpose")
    except RuntimeError as error:
        return {"request": REQUEST, "error": error, "place": "Chat.handle_in"}


def closed(reason, code=1011, dropped=0, seconds=1.5):
    told = {"code": code, "reason": reason, "dropped": dropped, "seconds": seconds, **TRAFFIC}
    return ("connection.closed", {"request": REQUEST, **told})


@pytest.mark.parametrize("event", ["callback.failed", "handshake.failed"])
def test_what_an_application_raises_is_logged_once_with_its_traceback(lines, event):
    error = failed()
    got = lines((event, error), closed(Failed(error["error"])))
    assert (
        "error    a1b2 127.0.0.1:5000 GET /rooms/7?x=***: Chat.handle_in raised RuntimeError"
        in got[0]
    )
    assert got[1] == "Traceback (most recent call last):"
    assert got[-1] == "RuntimeError: on purpose"
    assert len([line for line in got if "on purpose" in line and "raise" not in line]) == 1


def test_a_channel_that_crashes_is_logged_with_its_topic_which_is_quoted(lines):
    event, told = "channel.crashed", {**failed(), "topic": "room:1\n12:00:00 forged"}
    [line, *trace] = lines((event, told))
    assert "Chat.handle_in raised RuntimeError on 'room:1\\n12:00:00 forged'" in line
    assert trace[-1] == "RuntimeError: on purpose"


def test_a_refused_handshake_is_a_line_and_no_crash(lines):
    fields = {"request": REQUEST, "status": 403, "detail": "the origin 'x' is not let in"}
    [line] = lines(("handshake.refused", fields))
    assert line.endswith(
        "info     a1b2 127.0.0.1:5000 GET /rooms/7?x=*** refused with 403: the origin 'x' is not"
        " let in"
    )


def test_what_becomes_of_tls_is_one_line_each(lines):
    got = lines(
        ("tls.failed", {"client": ("::1", 5), "detail": "it does not speak TLS"}),
        ("tls.reloaded", {"certificates": 2}),
        ("tls.unchanged", {"error": ValueError("'a.pem' cannot be read")}),
    )
    assert [line.split("  ", 1)[1].strip() for line in got] == [
        "[::1]:5 refused, TLS: it does not speak TLS",
        "read again: 2 certificates",
        "the certificates stay as they are: 'a.pem' cannot be read",
    ]


@pytest.mark.parametrize(
    ("event", "fields", "text"),
    [
        (
            "tls.unexpected",
            {"client": ("::1", 5)},
            (
                "[::1]:5 speaks TLS, but this port speaks plain HTTP: clients say http:// or ws://,"
                " or the server is given --certificate and --key"
            ),
        ),
        (
            "forwarded.ignored",
            {"client": ("192.0.2.1", 5), "fields": ["x-forwarded-for"], "trusted": False},
            (
                "192.0.2.1:5 has sent x-forwarded-for, which are ignored: the client is not"
                " trusted; if it is a proxy of yours, name it in --forwarded-allow-ips"
            ),
        ),
        (
            "forwarded.ignored",
            {"client": None, "fields": ["forwarded", "x-forwarded-for"], "trusted": True},
            (
                "- has sent forwarded, x-forwarded-for, which are ignored: the two kinds contradict"
                " each other; let the proxy remove the one that it does not set"
            ),
        ),
    ],
)
def test_what_strangers_can_cause_is_shown_once_an_hour(lines, event, fields, text):
    [line] = lines(*[(event, fields)] * 3)
    assert line.split("  ", 1)[1].strip() == f"{text} (this line comes once an hour)"
    for shown in lines(*[(event, fields)] * 3, level="debug")[1:]:
        assert shown.split(" ", 2)[1:] == ["debug", f"   {text}"]


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
    traffic = "received 3 messages (20 bytes), sent 1 message (5 bytes)"
    assert line.endswith(f"{text}, lived 1.500 s, {traffic}")


def test_what_was_dropped_is_counted(lines):
    [line] = lines(closed(Remote(1006), None, dropped=3), access=True)
    assert "closed by the peer, 1006, lived 1.500 s, received" in line
    assert line.endswith("sent 1 message (5 bytes), 3 messages dropped")


def test_the_access_log_has_answers_and_upgrades(lines):
    answered = ("request.answered", {"request": REQUEST, "status": 404, "size": 120})
    opened = ("connection.opened", {"request": REQUEST})
    assert lines(answered, opened) == []
    first, second = lines(answered, opened, access=True)
    assert first.endswith("GET /rooms/7?x=*** 404 120")
    assert second.endswith("GET /rooms/7?x=*** 101")


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
        (
            "server.blocked",
            {"seconds": 2.0, "place": "Chat.handle_in", "where": "chat.py:7"},
            "warning  Chat.handle_in (chat.py:7) blocks the event loop, so the stop cannot begin;",
        ),
        (
            "drain.cut",
            CUT,
            "warning  cut 1 connection: Chat.handle_in had not ended after 29.0 s (a1b2 127.0.0.1:",
        ),
        (
            "drain.cut",
            CUT | {"connections": 3, "held_by": "stream", "place": "Chat.init"},
            "cut 3 connections: a stream of Chat.init had not ended after 29.0 s (one of them:",
        ),
        (
            "drain.cut",
            CUT | {"held_by": "task", "place": ""},
            "a task that Chat has spawned had not ended after 29.0 s",
        ),
        (
            "drain.cut",
            CUT | {"held_by": "peer", "seconds": None, "pending": 80},
            "the peer had not taken 80 bytes",
        ),
        (
            "drain.cut",
            CUT | {"held_by": "peer", "seconds": None},
            "the peer had not closed its side",
        ),
        (
            "drain.cut",
            CUT | {"held_by": "application", "seconds": None},
            "the application had not answered the request",
        ),
        (
            "drain.cut",
            CUT | {"held_by": "peer", "seconds": None, "request": None},
            "cut 1 connection: the peer had not closed its side",
        ),
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


TOKEN = Request("GET", "/chat?token=s3cret&room=7", client=("127.0.0.1", 5000))
ALL = [
    ("handshake.refused", {"request": TOKEN, "status": 403, "detail": "no"}),
    ("handshake.failed", {"request": TOKEN, "error": RuntimeError("on purpose")}),
    ("request.answered", {"request": TOKEN, "status": 404, "size": 120}),
    ("connection.opened", {"request": TOKEN}),
    ("callback.failed", {"request": TOKEN, "error": RuntimeError("x"), "place": "Chat.init"}),
    ("callback.abandoned", {"request": TOKEN, "place": "Chat.handle_in"}),
    (
        "connection.closed",
        {
            "request": TOKEN,
            "code": 1000,
            "reason": Normal(),
            "dropped": 0,
            "seconds": 1.0,
            **TRAFFIC,
        },
    ),
]


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_line_says_the_values_of_a_query_string(lines, form):
    """[S6.10]"""
    said = "\n".join(lines(*ALL, form=form, access=True, level="debug"))
    assert said.count("/chat?token=***&room=***") >= len(ALL)
    assert "s3cret" not in said


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_host_that_is_asked_to_says_the_values_of_a_query_string(lines, form, monkeypatch):
    """[S6.10]"""
    asked = lines(*ALL, form=form, access=True, query=True)
    assert "\n".join(asked).count("/chat?token=s3cret&room=7") >= len(ALL)
    assert loggable_target("/?a=b") == "/?a=***"
    monkeypatch.setenv("SOCK_LOG_QUERY", "1")
    assert "s3cret" in lines(ALL[0])[0]
    monkeypatch.setenv("SOCK_LOG_QUERY", "0")
    assert "s3cret" not in lines(ALL[0])[0]
