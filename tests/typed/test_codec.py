"""The codec: what is decoded, what is refused and how it is explained, and what is encoded."""

import copy
import pickle
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypedDict

import msgspec
import pydantic
import pytest

from sock import InvalidData, InvalidMessage
from sock.typed import Codec

pytestmark = pytest.mark.one_form


class Line(msgspec.Struct):
    author: str
    text: str


class Say(msgspec.Struct, tag="say"):
    text: str


class Move(msgspec.Struct, tag="move"):
    x: int
    y: float = 0.0


class Tree(msgspec.Struct):
    child: "Tree | None" = None


class Closed(msgspec.Struct, forbid_unknown_fields=True):
    a: int


@dataclass
class Point:
    x: int
    y: int


class Entry(TypedDict):
    key: str
    at: datetime


class User(pydantic.BaseModel):
    name: Annotated[str, pydantic.Field(min_length=2)]
    age: int = 0


class Cat(pydantic.BaseModel):
    kind: Literal["cat"]


class Dog(pydantic.BaseModel):
    kind: Literal["dog"]
    name: str


Animal = Annotated[Cat | Dog, pydantic.Field(discriminator="kind")]


class Post(msgspec.Struct):
    user: User
    text: str


def refused(kind, data):
    with pytest.raises(InvalidMessage) as caught:
        Codec(kind).decode(data)
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "value", "data"),
    [
        (Line, Line("ada", "hi"), b'{"author":"ada","text":"hi"}'),
        (Say | Move, Move(1, 2.5), b'{"type":"move","x":1,"y":2.5}'),
        (Say | Move | None, None, b"null"),
        (Point, Point(1, 2), b'{"x":1,"y":2}'),
        (list[Point], [Point(1, 2)], b'[{"x":1,"y":2}]'),
        (
            Entry,
            {"key": "a", "at": datetime(2026, 1, 2, tzinfo=UTC)},
            b'{"key":"a","at":"2026-01-02T00:00:00Z"}',
        ),
        (str, "grüße", '"grüße"'.encode()),
        (dict[str, list[int]], {"a": [1]}, b'{"a":[1]}'),
        (int, 10**30, b"1000000000000000000000000000000"),
        (Any, {"a": [1, None, "x"]}, b'{"a":[1,null,"x"]}'),
        (User, User(name="ada", age=36), b'{"name":"ada","age":36}'),
        (Animal, Dog(kind="dog", name="rex"), b'{"kind":"dog","name":"rex"}'),
        (Cat | Dog, Cat(kind="cat"), b'{"kind":"cat"}'),
        (list[User], [User(name="ada")], b'[{"name":"ada","age":0}]'),
        (Post, Post(User(name="ada"), "hi"), b'{"user":{"name":"ada","age":0},"text":"hi"}'),
    ],
)
def test_a_value_is_encoded_and_decoded_to_an_equal_one(kind, value, data):
    codec = Codec(kind)
    assert codec.encode(value) == data
    assert codec.decode(data) == value
    assert codec.decode(data.decode()) == value


@pytest.mark.parametrize(
    ("kind", "data", "told"),
    [
        (Line, '{"author":1,"text":"x"}', "$.author: expected `str`, got `int`"),
        (Line, '{"author":"ada"}', "$: object missing required field `text`"),
        (Line, "[]", "$: expected `object`, got `array`"),
        (list[Line], '[{"author":"a","text":7}]', "$[0].text: expected `str`, got `int`"),
        (Say | Move, '{"text":"x"}', "$: object missing required field `type`"),
        (Say | Move, '{"type":"fly"}', "$.type: invalid value 'fly'"),
        (Closed, '{"a":1,"b":2}', "$: object contains unknown field `b`"),
        (int, "1.5", "$: expected `int`, got `float`"),
        (float, "1e999", "$: number out of range"),
        (Any, "-1e999", "$: number out of range"),
        (int, "9" * 5000, "$: integer value out of range"),
        (User, '{"name":"a"}', "$.name: string should have at least 2 characters"),
        (User, '{"age":1}', "$.name: field required"),
        (
            Post,
            '{"user":{"name":"a"},"text":"x"}',
            "$.user: $.name: string should have at least 2 characters",
        ),
    ],
)
def test_data_of_another_type_is_refused_with_the_name_of_the_field(kind, data, told):
    assert refused(kind, data) == told


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("", "Input data was truncated"),
        ("hello", "JSON is malformed: invalid character (byte 0)"),
        ('{"author":"ada","text":NaN}', "JSON is malformed: invalid character (byte 23)"),
        ('{"author":"a","text":"b"} {}', "JSON is malformed: trailing characters (byte 27)"),
        (b'{"author":"\xff","text":""}', "JSON is not UTF-8"),
        ('{"author":"\ud800","text":""}', "JSON is not UTF-8"),
    ],
)
def test_what_is_no_json_is_refused(data, told):
    assert refused(Line, data) == told


@pytest.mark.parametrize("data", ["", "hello", '{"name":"ada"} {}', b'{"name":"\xff"}'])
def test_what_is_no_json_is_refused_by_pydantic_too(data):
    assert refused(User, data).startswith("Invalid JSON: ")


@pytest.mark.parametrize("kind", [Any, Tree, Line, User])
@pytest.mark.parametrize("data", ["[" * 200_000, '{"child":' * 200_000])
def test_json_that_is_nested_too_deeply_is_refused(kind, data):
    assert "JSON" in refused(kind, data) or refused(kind, data).startswith("$: expected `object`")


def test_unknown_fields_may_be_deep_only_within_the_limit():
    data = '{"author":"a","text":"b","more":%s}'
    assert Codec(Line).decode(data % ("[" * 100 + "]" * 100)) == Line("a", "b")
    assert refused(Line, data % ("[" * 100_000 + "]" * 100_000)) == "JSON is nested too deeply"


@pytest.mark.parametrize(("kind", "make"), [(Line, Line), (Entry | None, None), (Any, None)])
def test_the_last_of_two_equal_keys_counts(kind, make):
    at = "2026-01-02T00:00:00Z"
    data = f'{{"author":"a","text":"b","key":"k","at":"{at}","author":"c","key":"l"}}'
    value = Codec(kind).decode(data)
    if make is Line:
        assert value == Line("c", "b")
    else:
        assert value["key"] == "l"


def test_the_last_of_two_equal_keys_counts_for_pydantic_too():
    assert Codec(User).decode('{"name":"ada","name":"bob"}').name == "bob"


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Say | Move, '{"type":"%s"}'),
        (Literal["a", "b"], '"%s"'),
        (Closed, '{"a":1,"%s":2}'),
        (dict[str, int], '{"%s":"a"}'),
        (User, '{"name":"ada","age":"%s"}'),
        (dict[str, User], '{"%s":1}'),
    ],
)
def test_a_long_word_of_the_peer_is_not_told_in_full(kind, data):
    told = refused(kind, data % ("Z" * 10_000))
    assert len(told) <= 150
    assert told.count("Z") <= 80


def test_a_long_path_is_cut_at_its_beginning():
    told = refused(Tree, '{"child":' * 50 + "7" + "}" * 50)
    assert told.startswith("…child.child")
    assert told.endswith(".child: expected `object | null`, got `int`")
    assert len(told.encode()) <= 123


def test_an_error_says_where_and_why_and_can_be_copied():
    with pytest.raises(InvalidMessage) as caught:
        Codec(Line).decode('{"author":1,"text":"x"}')
    error = caught.value
    assert isinstance(error, InvalidData)
    assert (error.path, error.why) == ("$.author", "expected `str`, got `int`")
    assert error.code == 1007
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own
        assert (twin.path, twin.why, str(twin)) == (error.path, error.why, str(error))


def test_an_exception_of_the_type_itself_is_not_taken_for_a_mistake_of_the_peer():
    class Broken(msgspec.Struct):
        a: int

        def __post_init__(self):
            raise LookupError("a bug")

    with pytest.raises(LookupError):
        Codec(Broken).decode('{"a":1}')


def test_a_check_in_the_type_refuses_with_its_own_words():
    class Positive(msgspec.Struct):
        a: int

        def __post_init__(self):
            if self.a < 0:
                raise ValueError("a is negative")

    assert refused(Positive, '{"a":-1}') == "$: a is negative"


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        (Line, {"author": "a"}, "'dict' is not Line"),
        (Move | Say, 7, "'int' is not Move | Say"),
        (list[int], (1, 2), "'tuple' is not list[int]"),
        (User, Line("a", "b"), "'Line' is not User"),
    ],
)
def test_a_value_of_another_type_is_not_encoded(kind, value, told):
    with pytest.raises(TypeError) as caught:
        Codec(kind).encode(value)
    assert str(caught.value) == told


def circle():
    items = []
    items.append(items)
    return items


@pytest.mark.parametrize(
    "value",
    [object(), {(1, 2): 3}, {"a": len}, "\ud800", circle()],
    ids=lambda one: type(one).__name__,
)
def test_what_json_cannot_say_is_not_encoded(value):
    with pytest.raises(TypeError, match="cannot be written as JSON"):
        Codec(Any).encode(value)


def test_a_subclass_of_a_model_is_written_with_all_its_fields():
    class Admin(User):
        level: int = 1

    assert Codec(User).encode(Admin(name="ada")) == b'{"name":"ada","age":0,"level":1}'


def test_a_union_that_json_cannot_tell_apart_is_refused_when_the_codec_is_made():
    with pytest.raises(TypeError, match="union"):
        Codec(Line | Closed)


def test_models_and_structs_in_one_union_are_refused_when_the_codec_is_made():
    with pytest.raises(TypeError, match="make all of them models, or none"):
        Codec(User | Line)


def test_a_class_that_json_cannot_be_decoded_into_is_named():
    with pytest.raises(NotImplementedError, match="Codec is a type"):
        Codec(Codec).decode("{}")


def test_msgspec_that_is_missing_is_named_with_the_extra_to_install():
    script = (
        "import sys; sys.modules['msgspec'] = None\n"
        "from sock.typed import Codec\n"
        "try: Codec(int)\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "msgspec is not installed: pip install 'sockpy[typed]'\n"


def test_importing_the_room_imports_neither_msgspec_nor_pydantic():
    script = (
        "import sys, sock.typed\n"
        "print({'msgspec', 'pydantic'} & {name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
