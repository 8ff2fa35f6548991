"""Section 20: applications that are made of others, and those that are chosen by the path."""

# ruff: noqa: D103, ARG002 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from sock.spec import (
    Application,
    Options,
    Refuse,
    Response,
    Routes,
    Upgrade,
    around,
    mount,
)

from .case import case
from .subject import Subject
from .wrappers import First, Gives, Sees, equal
from .wrapping import Texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.spec import App, Request, Sock

    from .talk import Talk


def _answers(request: Request) -> Response:
    if "refuse" in request.query:
        raise Refuse(401)
    return Response(418, "short and stout")


@case(around(_answers, Sees), ["S20.12"], needs=["responses"])
async def a_response_passes_a_wrapper(talk: Talk) -> None:
    client = await talk.ask()
    equal(client.head.status, 418)


_OFFERED: Final = {"Sec-WebSocket-Protocol": "chat.v1, chat.v2"}


async def _later(request: Request) -> Upgrade:
    await asyncio.sleep(0)
    return Upgrade(Gives(request), subprotocol="chat.v2")


@case(around(_later, First), ["S20.12"], needs=["acceptance"])
async def an_upgrade_that_is_awaited_is_wrapped(talk: Talk) -> None:
    client = await talk.open(headers=_OFFERED)
    equal(client.head.headers.get("sec-websocket-protocol"), "chat.v2")
    await client.send("m")
    await talk.hears(client, "m11")
    await talk.says_goodbye(client)


def _changed(request: Request) -> Upgrade:
    return Upgrade(Gives(request), subprotocol="chat.v1").replace(subprotocol="chat.v2")


@case(_changed, ["S20.13"])
async def a_changed_copy_of_an_upgrade_is_accepted(talk: Talk) -> None:
    client = await talk.open(headers=_OFFERED)
    equal(client.head.headers.get("sec-websocket-protocol"), "chat.v2")
    await talk.says_goodbye(client)


class _Where(Subject):
    """Says where it is."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.request = request

    def handle_in(self, message: Any, /) -> Any:
        request, ref = self.request, self.run.refs[0]
        params = {name: value for name, value in request.path_params.items() if name in "abn"}
        return [request.path, str(params), str(ref.request.path_params == request.path_params)]


_ROUTES: Final = Routes(
    {
        "/contract": _answers,
        "/{a}": _answers,
        "/{n:int}/{b}": _answers,
        "/{a}/{b}/": _answers,
        "/{a}/{b}": _Where,
        "/{c:path}": _answers,
    }
)


@case(_ROUTES, ["S20.14", "S20.15"])
async def the_first_template_that_matches_answers(talk: Talk) -> None:
    client = await talk.open()
    await client.send("where")
    name = "the_first_template_that_matches_answers"
    await talk.hears(client, f"/contract/{name}", f"{{'a': 'contract', 'b': '{name}'}}", "True")
    await talk.says_goodbye(client)


@case(Routes({"/contract": _Where, "/contract/": _Where}), ["S20.14"], needs=["responses"])
async def where_no_template_matches_it_is_404(talk: Talk) -> None:
    client = await talk.ask()
    equal(client.head.status, 404)


class _Mounted(_Where):
    def handle_in(self, message: Any, /) -> list[str]:
        # Below whatever this host has mounted the whole application.
        root = self.request.root_path
        return [root[-len("/contract") :], self.request.path, str("?" in self.request.target)]


@case(mount("/contract", _Mounted), ["S20.17"])
async def a_prefix_moves_to_the_root_path(talk: Talk) -> None:
    client = await talk.open()
    await client.send("where")
    await talk.hears(client, "/contract", "/a_prefix_moves_to_the_root_path", "True")
    await talk.says_goodbye(client)


@case(mount("/contr", _Mounted), ["S20.17"], needs=["responses"])
async def a_prefix_ends_at_a_slash(talk: Talk) -> None:
    client = await talk.ask()
    equal(client.head.status, 404)


def _limited(app: Callable[[Request], Sock[Any, Any, Any]], size: int) -> Routes:
    options = Options(max_message_size=size)
    return Routes({"/{rest:path}": Application(app, options=options)})


@case(_limited(Gives, 5), ["S20.19"])
async def the_options_of_a_route_count(talk: Talk) -> None:
    client = await talk.open()
    await client.send("01234", "012345")
    await talk.hears(client, "01234")
    talk.is_code(await client.receive(), 1009)
    client.hang_up()
    await talk.until("terminate Failed(MessageTooBig)")


@case(_limited(Texts, 5), ["S20.19"])
async def the_options_of_the_class_are_over_those_of_its_route(talk: Talk) -> None:
    client = await talk.open()
    await client.send("0123456789")
    await talk.hears(client, "0123456789")
    await talk.says_goodbye(client)


class _Path(_Where):
    def handle_in(self, message: Any, /) -> str:
        return f"{self.request.root_path}{self.request.path}"


@case(_Path, ["S20.20"])
async def the_root_path_and_the_path_are_the_path_of_the_target(talk: Talk) -> None:
    client = await talk.open()
    await client.send("where")
    await talk.hears(client, talk.target.partition("?")[0])
    await talk.says_goodbye(client)


@case(around(Gives, Sees), ["S20.16"], needs=["responses"])
async def a_page_of_another_site_makes_no_handler_behind_a_route(talk: Talk) -> None:
    client = await talk.ask(headers={"Origin": "https://other.example"})
    equal(client.head.status, 403)
    equal(await talk.peek(), [])


KNOWN_CLASSES: Final[dict[str, App]] = {
    "a_page_of_another_site_makes_no_handler_behind_a_route": around(Gives, Sees)
}
"""The cases whose Sock class a host must find behind routes: they have routes of their own."""
