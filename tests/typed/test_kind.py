"""What is known of a declared type."""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, NewType, TypedDict

import msgspec
import pytest

from sock.typed.kind import instances_of, members, name_of, parts

pytestmark = pytest.mark.one_form

Meters = NewType("Meters", float)


class Line(msgspec.Struct):
    text: str


class Entry(TypedDict):
    key: str


@dataclass
class Point:
    x: int


class Color(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Line, (Line,)),
        (Line | Point, (Line, Point)),
        (Line | Annotated[int | None, "meta"], (Line, int, type(None))),
        (None, (type(None),)),
        (Meters, (float,)),
        (list[int], (list[int],)),
    ],
)
def test_a_union_has_members_and_any_other_type_is_its_own(kind, expected):
    assert members(kind) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Line, "Line"),
        (Line | Point | None, "Line | Point | None"),
        (list[int], "list[int]"),
        (Annotated[int, msgspec.Meta(gt=0)], "int"),
        (Any, "Any"),
        (Literal["a", 1], "Literal['a', 1]"),
    ],
)
def test_a_type_is_named_as_it_is_written(kind, expected):
    assert name_of(kind) == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Line, Line("a")),
        (Line | None, None),
        (list[int], [1]),
        (Entry, {"key": "a"}),
        (float, 1),
        (Meters, 1.5),
        (Literal["a", 1], 1),
        (Color, Color.RED),
        (Any, object()),
        (object, object()),
    ],
)
def test_a_value_of_a_type_is_an_instance_of_its_classes(kind, value):
    assert isinstance(value, instances_of(kind))


@pytest.mark.parametrize(
    ("kind", "value"),
    [(Line, Point(1)), (Line, None), (list[int], (1,)), (Entry, []), (int, 1.5), (Literal["a"], 1)],
)
def test_a_value_of_another_type_is_an_instance_of_none(kind, value):
    assert not isinstance(value, instances_of(kind))


def test_the_parts_of_a_type_are_all_the_types_that_it_names():
    assert {Line, int, str} <= {
        part for part in parts(dict[str, list[Line | int]]) if isinstance(part, type)
    }
