"""Templates of paths."""

from __future__ import annotations

import time
from uuid import UUID

import pytest

from sock.spec.template import Template

A_UUID = "12345678-1234-1234-1234-1234567890ab"


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("/", "/", {}),
        ("/healthz", "/healthz", {}),
        ("/rooms/{room}", "/rooms/7", {"room": "7"}),
        ("/rooms/{room:str}", "/rooms/7", {"room": "7"}),
        ("/rooms/{room}/seats/{seat}", "/rooms/a b/seats/é", {"room": "a b", "seat": "é"}),
        ("/rooms/{room}/", "/rooms/7/", {"room": "7"}),
        ("/user-{name}.json", "/user-ada.l.json", {"name": "ada.l"}),
        ("/n/{n:int}", "/n/007", {"n": 7}),
        ("/n/{n:float}", "/n/1.5", {"n": 1.5}),
        ("/n/{n:float}", "/n/2", {"n": 2.0}),
        ("/n/{n:uuid}", f"/n/{A_UUID}", {"n": UUID(A_UUID)}),
        ("/n/{n:uuid}", f"/n/{A_UUID.replace('-', '')}", {"n": UUID(A_UUID)}),
        ("/files/{path:path}", "/files/a/b", {"path": "a/b"}),
        ("/files/{path:path}", "/files/", {"path": ""}),
        ("/files{path:path}", "/files", {"path": ""}),
        ("/files/{path:path}/edit", "/files/a/edit/edit", {"path": "a/edit"}),
        ("/{kind}/{path:path}/{last}", "/a/b/c/d", {"kind": "a", "path": "b/c", "last": "d"}),
        ("/lines/{line}", "/lines/a\nb", {"line": "a\nb"}),
        ("/files/{path:path}", "/files/a\nb", {"path": "a\nb"}),
    ],
)
def test_it_finds_the_values_in_a_path(template, path, values):
    assert Template(template).match(path) == values


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/", "/a"),
        ("/rooms", "/rooms/"),
        ("/rooms/", "/rooms"),
        ("/rooms/{room}", "/rooms/"),
        ("/rooms/{room}", "/rooms/7/"),
        ("/rooms/{room}", "/rooms/a/b"),
        ("/rooms/{room}", "/rooms//"),
        ("/rooms/{room}", "//rooms/7"),
        ("/Rooms", "/rooms"),
        ("/a.c", "/abc"),
        ("/rooms", "/rooms\n"),
        ("/n/{n:int}", "/n/-7"),
        ("/n/{n:int}", "/n/٧"),
        ("/n/{n:int}", "/n/" + "9" * 5000),
        ("/n/{n:float}", "/n/1."),
        ("/n/{n:uuid}", "/n/1234"),
        ("/", "*"),
    ],
)
def test_a_path_that_differs_in_anything_does_not_match(template, path):
    assert Template(template).match(path) is None


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("", "does not begin with a slash"),
        ("rooms", "does not begin with a slash"),
        ("{path:path}", "does not begin with a slash"),
        ("/rooms/{room", "a brace has no partner: write {name}"),
        ("/rooms/room}", "a brace has no partner"),
        ("/rooms/{{room}}", "a brace has no partner"),
        ("/rooms/{}", "{} has no name"),
        ("/rooms/{:int}", "{:int} has no name: write {name} or {name:int}"),
        ("/rooms/{a-b}", "{a-b} has no name"),
        ("/rooms/{room:integer}", "no converter 'integer': there are str, int, float, uuid, path"),
        ("/rooms/{room:}", "no converter ''"),
        ("/{a}/{a}", "two parameters 'a': give them different names"),
        ("/{a}{b}", "a segment has two parameters"),
        ("/{name}.{ending}", "a segment has two parameters"),
        ("/{a:path}/{b:path}", "two parameters of the kind path"),
        ("/rooms?name={name}", "it has a query, which is no part of a path: see request.query"),
        ("/rooms#{name}", "it has a query"),
        ("/caf%C3%A9", "'%C3' is encoded: write the character that it means"),
    ],
)
def test_a_mistake_is_refused_with_what_to_do(template, told):
    with pytest.raises(ValueError, match=r"the template .* is wrong: ") as refused:
        Template(template)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    "template",
    [
        "/{a}.x/{b}.x/{c}.x/y",
        "/{p:path}/{a}/{b}.x/{c}/y",
        "/{p:path}.x/y",
        "/{n:float}.5/y",
    ],
)
def test_a_path_that_was_made_to_take_long_does_not(template):
    matched = Template(template).match
    for path in ("/" + "." * 200_000, "/a.x" * 50_000, "/." * 100_000, "/" + "1." * 100_000):
        begun = time.process_time()
        assert matched(path) is None
        assert time.process_time() - begun < 1
