"""What a payload is decoded into."""

from dataclasses import dataclass
from typing import Any

import pytest

from sock import InvalidMessage
from sock.channels.payload_type import PayloadType, annotation_of

pytestmark = pytest.mark.one_form


@dataclass
class Point:
    x: int


@pytest.mark.parametrize("kind", [Any, object])
def test_without_a_type_any_payload_is_taken(kind):
    payload = PayloadType(kind)
    assert payload.decode(b'{"a":[1]}', binary=False) == {"a": [1]}
    assert payload.decode(b"\x00", binary=True) == b"\x00"


def test_a_declared_type_is_decoded_and_takes_no_binary():
    payload = PayloadType(Point | None)
    assert payload.decode(b'{"x":1}', binary=False) == Point(1)
    with pytest.raises(InvalidMessage, match="expected `int`"):
        payload.decode(b'{"x":"1"}', binary=False)
    with pytest.raises(InvalidMessage, match="got a binary payload"):
        payload.decode(b'{"x":1}', binary=True)


def test_bytes_are_a_binary_payload_only():
    payload = PayloadType(bytes)
    assert payload.decode(b"ab", binary=True) == b"ab"
    with pytest.raises(InvalidMessage, match="got JSON"):
        payload.decode(b'"YWI="', binary=False)


def test_a_union_with_bytes_takes_both():
    payload = PayloadType(Point | bytes)
    assert payload.decode(b'{"x":1}', binary=False) == Point(1)
    assert payload.decode(b"ab", binary=True) == b"ab"


def test_a_type_that_json_cannot_be_told_from_is_refused():
    with pytest.raises(TypeError):
        PayloadType(Point | dict[str, int])


def test_an_annotation_in_quotes_is_looked_up_also_in_the_functions_around():
    inner = dict[str, int]

    def at_module(self, payload: "Point"): ...

    def enclosed(self, payload: "inner"):
        return inner

    assert annotation_of(at_module, 1) is Point
    assert annotation_of(enclosed, 1) == dict[str, int]


def test_no_annotation_and_no_parameter_are_any():
    assert annotation_of(lambda self, payload: None, 1) is Any
    assert annotation_of(lambda self: None, 1) is Any


def test_a_name_that_is_not_defined_is_told():
    def missing(self, payload: "Nowhere"): ...  # noqa: F821

    with pytest.raises(NameError, match="Nowhere"):
        annotation_of(missing, 1)


def test_a_variable_around_it_that_is_not_assigned_yet_does_no_harm():
    def make():
        def method(self, payload: "Point"):
            return later

        found = annotation_of(method, 1)
        later = 1
        return found

    assert make() is Point
