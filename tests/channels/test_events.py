"""Which method takes which event."""

import pytest

from sock.channels import Channel, intercept, on
from sock.channels.channel import events_of

pytestmark = pytest.mark.one_form


class Base(Channel):
    @on("a")
    @on("b")
    def first(self, payload: dict[str, int]): ...

    @intercept("news")
    def news(self, payload: dict[str, str]): ...

    def join(self, topic: str, params: list[int]): ...


def test_a_method_may_take_several_events():
    events = events_of(Base)
    assert {event: one.name for event, one in events.pushed.items()} == {
        "a": "first",
        "b": "first",
    }
    assert events.pushed["a"].payload.kind == dict[str, int]
    assert events.intercepted["news"].payload.kind == dict[str, str]
    assert events.params.kind == list[int]


def test_a_subclass_has_the_events_of_its_base_and_may_take_one_over():
    class Below(Base):
        @on("b")
        def second(self, payload: int): ...

        def first(self, payload: str): ...

    events = events_of(Below)
    assert {event: one.name for event, one in events.pushed.items()} == {
        "a": "first",
        "b": "second",
    }
    assert events.pushed["a"].payload.kind is str  # of the method that is called
    assert events_of(Base).pushed["a"].payload.kind == dict[str, int]


def test_a_decorator_without_an_event_is_refused_with_a_hint():
    with pytest.raises(TypeError, match=r"@on\('new_msg'\)"):
        on(lambda self, payload: None)
    with pytest.raises(TypeError, match="not 7"):
        on(7)


@pytest.mark.parametrize("decorator", [on, intercept])
def test_an_event_of_the_protocol_is_refused(decorator):
    with pytest.raises(ValueError, match="of the protocol itself"):
        decorator("phx_join")


def test_a_payload_that_json_cannot_be_told_from_is_refused_when_the_class_is_made():
    with pytest.raises(TypeError):

        class Wrong(Channel):
            @on("a")
            def a(self, payload: dict[str, int] | dict[str, str]): ...


def test_a_type_that_is_defined_further_down_is_found_when_it_is_needed():
    class Early(Channel):
        @on("a")
        def a(self, payload: "Later"): ...  # noqa: F821

    with pytest.raises(NameError):
        events_of(Early)
    globals()["Later"] = dict[str, float]
    try:
        assert events_of(Early).pushed["a"].payload.kind == dict[str, float]
    finally:
        del globals()["Later"]
