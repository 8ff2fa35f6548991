"""`sock publish` and `sock subscribe`, with a real Redis."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from tests.broker import free_port, redis_server

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def server():
    with redis_server() as broker:
        yield broker.start()


class Subscriber:
    """The command in a process of its own."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sock", "subscribe", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while "listening" not in self.process.stderr.readline():
            assert self.process.poll() is None

    def rest(self):
        """Return what it prints until its end, and its exit code."""
        output, errors = self.process.communicate(timeout=60)
        return output.splitlines(), errors, self.process.returncode


def test_what_is_published_is_shown_one_line_each_and_cannot_steer_the_terminal(server, invoke):
    subscriber = Subscriber(server.url, "room", "other", "--count", "4")
    assert invoke("publish", server.url, "room", "hello").exit_code == 0
    invoke("publish", server.url, "other", "--json", '{"a": [1, 2]}')
    invoke("publish", server.url, "room", input="two\nlines \x1b[1m\n")
    invoke("publish", server.url, "room", "--binary", input=b"\xff\n")
    assert subscriber.rest() == (
        ["room: hello", 'other: {"a":[1,2]}', "room: two\\nlines \\x1b[1m", "room: b'\\xff\\n'"],
        "",
        0,
    )


def test_as_json_each_message_is_an_object_and_lines_are_messages(server, invoke):
    subscriber = Subscriber(server.url, "room", "--json", "--count", "5")
    invoke("publish", server.url, "room", "--lines", input="a\nb\r\n\n")
    invoke("publish", server.url, "room", "--json", "[1]")
    invoke("publish", server.url, "room", "--binary", input=b"\x00")
    lines, _, code = subscriber.rest()
    shown = [tuple(json.loads(line).values()) for line in lines]
    assert shown == [
        ("room", "text", "a"),
        ("room", "text", "b"),
        ("room", "text", ""),
        ("room", "json", [1]),
        ("room", "binary", "AA=="),
    ]
    assert code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_without_a_word(server, number):
    subscriber = Subscriber(server.url, "room")
    subscriber.process.send_signal(number)
    assert subscriber.rest() == ([], "", 0)


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (("publish", "kafka://x", "room", "x"), "redis: (extra redis)", 2),
        (("publish", "memory:", "room", "x"), "reaches no other process", 2),
        (("publish", "room"), "say TOPIC too: sock publish URL TOPIC [MESSAGE]", 2),
        (("subscribe",), "say URL too: sock subscribe URL TOPIC...", 2),
        (("subscribe", "memory:", "room"), "reaches no other process", 2),
        (("publish", "redis://x", "", "x"), "at least one character", 2),
        (("publish", "redis://x", "room", "--json", "{"), "no JSON", 2),
        (("publish", "redis://x", "room", "--json", "--binary", "{"), "one of both", 2),
        (("publish", "redis://x", "room", "--lines", "x"), "no MESSAGE beside it", 2),
        (("publish", f"redis://:secret@127.0.0.1:{free_port()}", "room", "x"), "refused", 1),
        (("subscribe", "host:/proc/nowhere", "room"), "/proc/nowhere", 1),
    ],
)
def test_what_is_wrong_is_one_line_that_says_what_to_do(invoke, arguments, says, code):
    result = invoke(*arguments)
    assert says in result.output
    assert result.output.startswith("sock: ")
    assert result.output.splitlines()[1:] in ([], [result.output.splitlines()[-1]])
    assert "secret" not in result.output
    assert result.exit_code == code


def test_text_that_is_no_utf_8_is_refused(invoke):
    result = invoke("publish", "redis://x", "room", input=b"\xff")
    assert (result.output, result.exit_code) == (
        "sock: the message is no UTF-8: --binary sends any bytes.\n",
        2,
    )
