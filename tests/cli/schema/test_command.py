"""`sock schema`: what it prints holds before AsyncAPI's parser and TypeScript's compiler."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.one_form

CLIENT = """
import type { FromDesk, FromModels, Go_on, ToDesk, ToModels, ToNumbers } from "./messages.js";

export const sent: ToDesk[] = [
  { type: "go", "where-to": "home" },
  { type: "order", text: "t", when: "2026-01-01", kind: "s", place: [1, "a"], parts: [null] },
];
export const numbers: ToNumbers = [1, 2];
export const model: ToModels = { kind: "new", model: { pair: [1, "a"] } };
export const got = (message: FromModels): number => message.model.twice;
export const point = (message: FromDesk): number | undefined =>
  Array.isArray(message) ? message[1] : message.key;
"""


def test_the_document_holds_before_the_parser_of_asyncapi(printed, asyncapi_says):
    said = asyncapi_says(printed("alone:app"))
    assert said["wrong"] == []
    assert said["addresses"] == ["/desk/{room}/{number}", "/numbers", "/models/all", "/untyped"]


def test_the_types_hold_before_the_compiler_of_typescript(printed, tsc_says):
    assert tsc_says(messages=printed("alone:app", "--typescript"), client=CLIENT) == ""


def test_a_wrong_use_of_the_types_is_seen(printed, tsc_says):
    wrong = (
        'import type { ToDesk } from "./messages.js";\nexport const bad: ToDesk = { type: "go" };'
    )
    said = tsc_says(messages=printed("alone:Desk", "--typescript"), client=wrong)
    assert "client.ts(2,14)" in said
    assert "where-to" in said


def test_what_a_factory_makes_is_described(document):
    assert document("alone:make", "--factory") == {
        **document("alone:app"),
        "info": {"title": "alone:make", "version": "0.0.0"},
    }


def test_title_and_version_are_given(document):
    told = document("alone:Desk", "--title", "The desk", "--app-version", "1.2")
    assert told["info"] == {"title": "The desk", "version": "1.2"}


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["alone:plain"], 2, "'alone:plain' has no declared types. Name a JsonSock: sock schema"),
        (["alone:Plain"], 2, "'alone:Plain' has no declared types. Name a JsonSock: sock schema"),
        (["alone:asgi"], 2, "An ASGI application does not say which handlers it has: name a Json"),
        (["alone:Desc"], 2, "'alone' has no 'Desc'. Did you mean 'alone:Desk'?"),
        (["alone:Wrong"], 1, "'alone:Wrong': name 'Missing' is not defined."),
        (["alone:make_later", "--factory"], 2, "makes the application in an event loop, and there"),
        (["alone:Value"], 2, "'alone:Value' is of type TypeVar, and no application."),
        ([], 2, "say MODULE:APP too: sock schema MODULE:APP"),
    ],
)
def test_what_cannot_be_described_is_told_in_one_line(shop, invoke, arguments, code, told):
    result = invoke("schema", *arguments)
    assert (result.exit_code, result.output) == (code, result.stderr)
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
