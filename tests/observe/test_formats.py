"""The two forms of a line."""

from __future__ import annotations

import json
import logging
import os

import pytest

from sock import Remote, Request
from sock.observe.formats import formatter

REQUEST = Request("GET", "/rooms/7?x=1", client=("127.0.0.1", 5000))


def record(message, *args, name="shop.orders", level=logging.INFO, **extra):
    return logging.getLogger(name).makeRecord(
        name, level, "file.py", 1, message, args, extra.pop("exc_info", None), extra=extra or None
    )


def test_json_has_one_object_a_line(lines):
    error = RuntimeError("on purpose")
    traffic = {"received_messages": 3, "received_bytes": 20, "sent_messages": 1, "sent_bytes": 5}
    closed = {"code": 1011, "reason": Remote(4000, "bye"), "dropped": 0, "seconds": 2.25}
    got = [
        json.loads(line)
        for line in lines(
            ("callback.failed", {"request": REQUEST, "error": error, "place": "Chat.handle_in"}),
            ("connection.closed", {"request": REQUEST, **closed, **traffic}),
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
    assert {one["id"] for one in got} == {REQUEST.id}
    assert got[1].items() >= traffic.items()
    assert got[0]["traceback"].startswith("RuntimeError")
    assert got[0]["place"] == "Chat.handle_in"
    assert (got[1]["code"], got[1]["reason"], got[1]["seconds"]) == (1011, "Remote", 2.25)
    assert (got[2]["status"], got[2]["target"], got[2]["client"]) == (
        404,
        "/rooms/7?x=***",
        "127.0.0.1:5000",
    )
    assert all(one["time"].endswith("Z") for one in got)


def test_a_line_of_the_application_names_its_logger():
    line = formatter("text").format(record("sold %d", 3, level=logging.WARNING))
    assert line.endswith(" warning  shop.orders: sold 3")
    told = json.loads(formatter("json").format(record("sold %d", 3)))
    assert (told["level"], told["event"], told["message"]) == ("info", "shop.orders", "sold 3")


def test_what_the_application_adds_to_a_record_is_in_json_and_replaces_nothing():
    told = json.loads(formatter("json").format(record("sold", item="tea", level_=1, time="noon")))
    assert told["item"] == "tea"
    assert told["time"].endswith("Z")


def test_a_line_names_its_process_unless_it_is_about_another_one(lines):
    assert json.loads(formatter("json").format(record("sold")))["pid"] == os.getpid()
    worker = {"slot": 0, "pid": 1, "seconds": 0.5}
    begun = {"connections": 0, "seconds": 30.0}
    about_one, about_none = lines(
        ("worker.ready", worker), ("server.draining", begun), form="json", access=False
    )
    assert json.loads(about_one)["pid"] == 1
    assert json.loads(about_none)["pid"] == os.getpid()


def test_what_json_cannot_have_is_in_words():
    cycle = {}
    cycle["self"] = cycle
    told = json.loads(formatter("json").format(record("sold", item=cycle, by=object)))
    assert told["message"] == "sold"
    assert "{...}" in told["item"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_and_a_stack_are_part_of_the_line(form):
    try:
        raise RuntimeError("on purpose")
    except RuntimeError as error:
        made = record("failed", exc_info=(RuntimeError, error, error.__traceback__))
    made.stack_info = "Stack (most recent call last):\n  here"
    line = formatter(form).format(made)
    assert "RuntimeError: on purpose" in line
    assert "Stack (most recent call last):" in line
    assert form == "text" or "\n" not in line
