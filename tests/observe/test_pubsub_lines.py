"""What the lines about topics say."""

import logging

import pytest

from sock.observe.pubsub_lines import described

pytestmark = pytest.mark.one_form


@pytest.mark.parametrize(
    ("event", "fields", "level", "text"),
    [
        (
            "pubsub.down",
            {"url": "redis://there", "error": OSError("refused"), "seconds": 1.0},
            logging.WARNING,
            "topics: redis://there is away, and is tried again and again: refused",
        ),
        ("pubsub.connected", {"url": "host:"}, logging.INFO, "topics: connected with host:"),
        ("pubsub.gap", {"topic": "a"}, logging.DEBUG, "topics: messages of 'a' may have been lost"),
    ],
)
def test_an_event_has_its_line(event, fields, level, text):
    assert described(event, fields)[:2] == (level, text)


def test_a_repeated_event_and_one_of_another_kind_have_none():
    fields = {"url": "host:", "topic": "a\nb", "error": ValueError("no envelope"), "count": 1}
    _, text, details = described("pubsub.rejected", fields)
    assert text == (
        "topics: what came from host: on 'a\\nb' was dropped: no envelope"
        " (from now on, such messages are counted and have no line)"
    )
    assert details["error"] == "no envelope"
    assert described("pubsub.rejected", fields | {"count": 2}) is None
    assert described("worker.ready", {}) is None
