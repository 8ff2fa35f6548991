"""Schemas as types, by the table of the module; that they compile is in `test_command.py`."""

from __future__ import annotations

import pytest

from sock.cli.schema.conversation import Conversation, Message
from sock.cli.schema.typescript import typescript

pytestmark = pytest.mark.one_form


def type_of(schema, **components):
    message = Message("x", None, is_sent=False)
    message.schema = schema
    lines = typescript([Conversation("A", "/", {}, "", [message])], components, "a:A")
    return lines.partition("export type ToA = ")[2].partition(";\n\n")[0]


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        ({}, "unknown"),
        (True, "unknown"),
        (False, "never"),
        ({"type": "integer"}, "number"),
        ({"type": ["string", "null"]}, "string | null"),
        ({"enum": ["a", 3, None]}, '"a" | 3 | null'),
        ({"const": 'say "hi"'}, '"say \\"hi\\""'),
        ({"type": "array"}, "unknown[]"),
        ({"type": "array", "items": {"enum": [1, 2]}}, "(1 | 2)[]"),
        ({"type": "array", "items": [{"type": "string"}], "minItems": 1}, "[string, ...unknown[]]"),
        ({"type": "array", "items": [{"type": "string"}], "additionalItems": False}, "[string?]"),
        ({"type": "object"}, "{ [key: string]: unknown }"),
        ({"type": "object", "additionalProperties": {"type": "null"}}, "{ [key: string]: null }"),
        ({"allOf": [{"$ref": "#/components/schemas/B"}]}, "B"),
        ({"allOf": [{"$ref": "#/components/schemas/B"}, {"enum": [1, 2]}]}, "B & (1 | 2)"),
        ({"oneOf": [{"type": "string"}, {"type": "string"}]}, "string"),
        (
            {"type": "object", "properties": {"a b": {}, "c": {"type": "null"}}, "required": ["c"]},
            '{\n  "a b"?: unknown;\n  c: null;\n}',
        ),
    ],
)
def test_a_schema_is_written_by_the_table(schema, written):
    assert type_of(schema, B={"type": "string"}) == written


def test_names_become_those_of_types():
    components = {name: {} for name in ("a-b", "A_b", "string", "7", "Box[int]", "ToA")}
    lines = typescript([Conversation("A", "/", {}, "", [])], components, "a:A").splitlines()
    assert [line for line in lines if line.startswith("export")] == [
        "export type AB = unknown;",
        "export type A_b = unknown;",
        "export type String = unknown;",
        "export type _7 = unknown;",
        "export type BoxInt = unknown;",
        "export type ToA = unknown;",
        "export type ToA2 = never;",
        "export type FromA = never;",
    ]


def test_a_description_is_a_comment_that_it_cannot_end(printed):
    assert "/** A part.\n *\n * It may have a part * / itself.\n */\n" in printed(
        "alone:Desk", "--typescript"
    )
