"""An application whose messages are of all kinds, and what Node's tools say of what is printed."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.needed import node_folder

SHOP = '''
from __future__ import annotations

import datetime
import enum
from functools import partial
from typing import Annotated, Any, Generic, Literal, Required, TypedDict, TypeVar

import msgspec
import pydantic

from sock import Answer, Application, JsonSock, Request, Response, Routes, Upgrade, Wrapper
from sock import TextSock, around, mount

Value = TypeVar("Value")

class Kind(enum.Enum):
    small = "s"
    large = "l"

class Part(msgspec.Struct):
    """A part.

    It may have a part */ itself.
    """
    size: int
    inner: Part | None = None

class Order(msgspec.Struct, tag="order", forbid_unknown_fields=True):
    text: str
    when: datetime.datetime
    kind: Kind
    place: tuple[int, str]
    parts: list[Part | None]
    by_name: dict[str, Part] = {}
    word: Literal["x", 3] = "x"
    count: Annotated[int, msgspec.Meta(ge=0, description="how many")] = 0
    numbers: tuple[int, ...] = ()
    anything: Any = None

class go_on(msgspec.Struct, tag="go", rename={"where_to": "where-to"}):
    where_to: str

class Point(msgspec.Struct, array_like=True):
    x: int
    y: int = 0

class Box(msgspec.Struct, Generic[Value]):
    it: Value

class Row(TypedDict, total=False):
    key: Required[int]
    note: str

class Model(pydantic.BaseModel):
    size: int = 3
    pair: tuple[int, str]

    @pydantic.computed_field
    @property
    def twice(self) -> int:
        return 2 * self.size

class New(pydantic.BaseModel):
    kind: Literal["new"]
    model: Model = pydantic.Field(description="the model")

class Old(pydantic.BaseModel):
    kind: Literal["old"]

class Desk(JsonSock[None, Order | go_on, Point | Row | None]):
    """Takes orders."""

class Numbers(JsonSock[None, list[int] | str, int | Box[Row]]): ...

class Models(JsonSock[None, Annotated[New | Old, pydantic.Field(discriminator="kind")], New]): ...

class Untyped(JsonSock): ...

class Plain(TextSock): ...

class Quiet(Wrapper): ...

class Wrong(JsonSock[None, int, "Missing"]): ...

def of_code(request: Request) -> Answer:
    return Upgrade((lambda: Models(request))())

async def annotated(request: Request) -> Numbers | Response: ...

class Callable:
    def __call__(self, request: Request) -> Numbers: ...

callable_object = Callable()

def plain(request: Request) -> Response: ...

def make():
    return app

async def make_later():
    return app

async def asgi(scope, receive, send): ...

app = Application(around(Routes({
    "/desk/{room}/{number:int}": Desk,
    "/numbers": annotated,
    "/models": mount("/all", of_code),
    "/untyped": partial(Untyped),
    "/plain": plain,
}), Quiet))
'''


@pytest.fixture
def shop(folder):
    (folder / "alone.py").write_text(SHOP)
    return folder


@pytest.fixture
def printed(shop, invoke):
    """Return what the command prints."""

    def printed(*arguments):
        result = invoke("schema", *arguments)
        assert result.exit_code == 0, result.stderr
        return result.output

    return printed


@pytest.fixture
def document(printed):
    return lambda *arguments: json.loads(printed(*arguments))


PARSE = """
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";
const { document, diagnostics } = await new Parser().parse(readFileSync(0, "utf8"));
const addresses = document ? document.channels().all().map((one) => one.address()) : null;
console.log(JSON.stringify({ addresses, wrong: diagnostics.filter((one) => one.severity === 0) }));
"""


@pytest.fixture
def asyncapi_says():
    """Return what AsyncAPI's own parser says of a document."""

    def says(text):
        done = subprocess.run(
            ["node", "--input-type=module", "--eval", PARSE],
            cwd=node_folder(),
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return says


@pytest.fixture
def tsc_says(tmp_path):
    """Return what the compiler of TypeScript says of modules, by their names."""

    def says(**modules):
        folder = node_folder()
        (tmp_path / "node_modules").symlink_to(folder / "node_modules")
        for name, text in modules.items():
            (tmp_path / f"{name}.ts").write_text(text)
        command = [folder / "node_modules/.bin/tsc", "--noEmit", "--strict", "--target", "es2022"]
        command += ["--module", "nodenext", *(f"{name}.ts" for name in modules)]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout + done.stderr

    return says
