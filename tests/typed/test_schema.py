"""Schemas of declared types; what AsyncAPI's parser says of them is in tests/cli/schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import pydantic
import pytest

from sock.typed.schema import describe, draft_7

pytestmark = pytest.mark.one_form


@dataclass
class Line:
    author: str


class Say(msgspec.Struct, tag="say"):
    """What is said.

    And more of it.
    """

    line: Line


class Tagged(msgspec.Struct, tag="tagged"):
    pass


class Model(pydantic.BaseModel):
    size: int = 3

    @pydantic.computed_field
    @property
    def twice(self) -> int:
        return 2 * self.size


class Holder(msgspec.Struct):
    model: Model


def described(kind, *, written=False):
    [schema], components = describe([(kind, written)])
    return schema, components


def test_what_types_have_in_common_is_described_once():
    schemas, components = describe([(Say, False), (list[Line], True)])
    assert schemas == [
        {"$ref": "#/components/schemas/Say"},
        {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
    ]
    assert set(components) == {"Say", "Line"}


def test_a_docstring_is_the_description_without_its_indentation():
    assert described(Say)[1]["Say"]["description"] == "What is said.\n\nAnd more of it."


def test_a_union_by_tags_is_its_members():
    schema, _ = described(Say | Tagged)
    assert schema == {
        "anyOf": [{"$ref": "#/components/schemas/Say"}, {"$ref": "#/components/schemas/Tagged"}]
    }


def test_a_tuple_is_written_in_draft_7():
    assert described(tuple[int, str])[0] == {
        "type": "array",
        "minItems": 2,
        "maxItems": 2,
        "items": [{"type": "integer"}, {"type": "string"}],
        "additionalItems": False,
    }


def test_a_reference_stands_alone_in_draft_7():
    assert draft_7({"$ref": "#/x", "description": "an x"}) == {
        "allOf": [{"$ref": "#/x"}],
        "description": "an x",
    }


def test_what_are_no_keywords_stays():
    properties = {"discriminator": {"type": "string"}, "prefixItems": {"enum": [{"$ref": 1}, 2]}}
    assert draft_7({"properties": properties}) == {"properties": properties}


def test_a_model_that_is_not_written_as_it_is_read_has_two_schemas():
    schemas, components = describe([(Model, False), (Model, True)])
    assert [one["$ref"].rpartition("/")[2] for one in schemas] == ["Model-Input", "Model-Output"]
    assert "twice" not in components["Model-Input"]["properties"]
    assert "twice" in components["Model-Output"]["properties"]


def test_models_and_other_types_keep_their_order():
    schemas, _ = describe([(int, False), (Model, False), (str, True), (Model | None, False)])
    assert schemas[0] == {"type": "integer"}
    assert schemas[1] == {"$ref": "#/components/schemas/Model"}
    assert schemas[2] == {"type": "string"}
    assert schemas[3]["anyOf"][1] == {"type": "null"}


def test_a_model_in_a_struct_is_described():
    _, components = described(Holder)
    assert components["Holder"]["properties"]["model"] == {"$ref": "#/components/schemas/Model"}
    assert components["Model"]["properties"]["size"]["type"] == "integer"


def test_any_value_has_an_empty_schema():
    assert described(Any)[0] == {}


def test_types_of_one_name_are_refused():
    class Line(pydantic.BaseModel):
        other: int

    with pytest.raises(TypeError, match="two types are called 'Line': rename one of them"):
        describe([(Say, False), (Line | None, False)])


def test_a_type_without_a_schema_is_refused():
    for kind in (complex, list[complex]):
        with pytest.raises(TypeError, match="there is no JSON Schema for complex"):
            described(kind)
