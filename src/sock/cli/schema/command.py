"""`sock schema`: prints what an application and its clients say to each other.

Exit codes: 0; 1 when a type has no schema, or the module cannot be imported; 2 when something in
the command does not exist, or the application has no declared types.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any, Final

import click

from sock.cli.failure import CANNOT_START, NOT_THERE, fail
from sock.cli.find import find, is_asgi
from sock.cli.make import check_factory, make, needs_event_loop
from sock.cli.sections import SectionCommand, options_of_app, plain_option

_APP: Final = "The application MODULE:APP"
_PRINTED: Final = "What is printed"


@click.command(cls=SectionCommand, context_settings={"max_content_width": 100})
@click.argument("target", metavar="MODULE:APP")
@plain_option(
    _PRINTED,
    "--typescript",
    "as_typescript",
    is_flag=True,
    default=False,
    help="Print types for a client in TypeScript, in place of AsyncAPI.",
)
@plain_option(
    _PRINTED,
    "--title",
    metavar="TEXT",
    default=None,
    default_in_words="MODULE:APP",
    help="Title of the document.",
)
@plain_option(
    _PRINTED,
    "--app-version",
    metavar="TEXT",
    default="0.0.0",
    help="Version of the application, which the document must have.",
)
@options_of_app(_APP)
def schema(
    target: str,
    *,
    as_typescript: bool,
    title: str | None,
    app_version: str,
    factory: bool,
    app_dir: str,
) -> None:
    """Print what an application and its clients say to each other, by its declared types.

    \b
      sock schema chat:app > chat.json                   AsyncAPI 3.0, as JSON
      sock schema chat:app --typescript > chat.ts        types for a client
      sock schema chat:Chat                              one JsonSock
      sock schema chat:endpoint --typescript             channels, for phoenix.js

    The types are those of each JsonSock that the application answers with, and of the channels of
    an Endpoint. Nothing is served, and no lifespan is entered.
    """  # noqa: D301 - click looks for the backspace itself
    # What describes types is imported here, so that `sock run` starts as fast as without it.
    from .asyncapi import asyncapi
    from .conversation import describe_all
    from .found import conversations_of
    from .typescript import typescript

    app = _application(target, Path(app_dir).resolve(), factory=factory)
    try:
        conversations = conversations_of(app)
        components = describe_all(conversations)
    except (TypeError, NameError, ImportError) as error:
        fail(f"{target!r}: {error}.", CANNOT_START)
    if not conversations:
        hint = (
            "An ASGI application does not say which handlers it has: name a JsonSock"
            if is_asgi(app)
            else "Name a JsonSock"
        )
        fail(f"{target!r} has no declared types. {hint}: sock schema MODULE:CLASS.", NOT_THERE)
    if as_typescript:
        printed = typescript(conversations, components, target)
    else:
        named = title or target
        document = asyncapi(conversations, components, title=named, version=app_version)
        printed = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    sys.stdout.write(printed)


def _application(target: str, folder: Path, *, factory: bool) -> Any:
    found = find(target, folder)
    if factory:
        check_factory(found, target)
        found = make(found, target)
        if needs_event_loop(found):
            if inspect.iscoroutine(found):
                found.close()
            fail(
                f"{target!r} makes the application in an event loop, and there is none here: name a"
                " JsonSock.",
                NOT_THERE,
            )
    if not callable(found):
        fail(f"{target!r} is of type {type(found).__name__}, and no application.", NOT_THERE)
    return found
