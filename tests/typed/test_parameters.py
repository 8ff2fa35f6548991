"""The types in the brackets of a generic class."""

from typing import Any, Generic, TypeVar

import pytest

from sock import JsonSock
from sock.typed.parameters import parameters_of

pytestmark = pytest.mark.one_form

T = TypeVar("T")
U = TypeVar("U")


class Plain(JsonSock[None, int, str]): ...


class Child(Plain): ...


class Quoted(JsonSock[None, "list[Later]", "str"]): ...


class Own(JsonSock[T, list[U], U | None], Generic[T, U]): ...


class Closed(Own[int, str]): ...


class Mixed(Closed, Generic[T]): ...


class Later: ...


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Plain, (type(None), int, str)),
        (Child, (type(None), int, str)),
        (Quoted, (type(None), list[Later], str)),
        (Closed, (int, list[str], str | None)),
        (Mixed, (int, list[str], str | None)),
    ],
)
def test_the_types_are_found_through_all_classes_between(kind, expected):
    assert parameters_of(kind, JsonSock) == expected


def test_a_parameter_that_nothing_is_given_for_is_any():
    class Bare(JsonSock): ...

    class Infos(JsonSock[int]): ...

    assert parameters_of(Bare, JsonSock) == (Any, Any, Any)
    assert parameters_of(Infos, JsonSock) == (int, Any, Any)


def test_a_name_that_is_not_defined_is_an_error():
    class Unknown(JsonSock[None, "Nowhere", int]): ...

    with pytest.raises(NameError, match="Nowhere"):
        parameters_of(Unknown, JsonSock)
