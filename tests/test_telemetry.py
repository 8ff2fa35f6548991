import ast
import re
from pathlib import Path

import pytest

from sock import telemetry

SOURCE = Path(telemetry.__file__).parent
# The table at the head of the module: a name and its fields in each row.
# Its rows may go on in further lines.
EVENTS = dict(
    re.findall(r"^    (\w+\.\w+) +(\S.*(?:\n {26}.*)*)$", telemetry.__doc__, flags=re.MULTILINE)
)


@pytest.fixture
def subscribe():
    """Subscribe, and end what the test leaves subscribed."""
    ends = []

    def subscribing(subscriber):
        ends.append(telemetry.subscribe(subscriber))
        return ends[-1]

    yield subscribing
    for end in ends:
        end()


def emitted():
    """Return the events that the source emits, with the names of their fields and the place."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name("telemetry"), attr="emit"),
                    args=[ast.Constant(value=event)],
                    keywords=keywords,
                ):
                    yield event, {one.arg for one in keywords}, f"{path.name}:{node.lineno}"


def test_an_event_is_not_kept_for_those_who_subscribe_later(subscribe):
    telemetry.emit("server.started", urls=("http://127.0.0.1:1",))
    seen = []
    subscribe(lambda event, fields: seen.append(event))
    telemetry.emit("server.stopped", connections=0)
    assert seen == ["server.stopped"]


def test_a_subscriber_gets_every_event_with_its_fields(subscribe):
    seen = []
    subscribe(lambda event, fields: seen.append((event, dict(fields))))
    telemetry.emit("server.started", urls=("http://127.0.0.1:1",))
    telemetry.emit("server.stopped", connections=0)
    assert seen == [
        ("server.started", {"urls": ("http://127.0.0.1:1",)}),
        ("server.stopped", {"connections": 0}),
    ]


def test_subscribers_are_told_in_the_order_they_came(subscribe):
    seen = []
    subscribe(lambda event, fields: seen.append("first"))
    subscribe(lambda event, fields: seen.append("second"))
    telemetry.emit("server.stopped", connections=0)
    assert seen == ["first", "second"]


def test_a_subscription_that_has_ended_is_told_nothing(subscribe):
    seen = []
    subscribe(lambda event, fields: seen.append("stays"))
    unsubscribe = subscribe(lambda event, fields: seen.append("ends"))
    unsubscribe()
    unsubscribe()
    telemetry.emit("server.stopped", connections=0)
    assert seen == ["stays"]


def test_a_subscription_may_end_while_an_event_is_told(subscribe):
    seen = []

    def once(event, fields):
        seen.append("once")
        unsubscribe()

    unsubscribe = subscribe(once)
    subscribe(lambda event, fields: seen.append("other"))
    telemetry.emit("server.stopped", connections=0)
    telemetry.emit("server.stopped", connections=0)
    assert seen == ["once", "other", "other"]


def test_an_event_may_have_fields_of_any_name(subscribe):
    seen = []
    subscribe(lambda event, fields: seen.append(dict(fields)))
    telemetry.emit("server.started", event="x", self=1)
    assert seen == [{"event": "x", "self": 1}]


def test_the_table_names_events():
    assert {"server.started", "connection.opened", "connection.closed"} <= set(EVENTS)


def test_every_event_that_is_emitted_is_in_the_table_with_its_fields():
    unknown = {
        f"{place}: {event} {name}"
        for event, fields, place in emitted()
        for name in fields
        if name not in re.findall(r"\w+", EVENTS.get(event, ""))
    }
    assert unknown == set()
