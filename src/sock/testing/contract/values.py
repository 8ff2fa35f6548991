"""Section 13: values that refuse what cannot be sent, and what stands for a callback left out.

These cases run in the host's process: a host that brings values of its own is tried too.
"""

# ruff: noqa: D103, ARG002 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sock.spec import (
    Options,
    Ping,
    Pong,
    Refuse,
    Remote,
    Response,
    Sock,
    Stop,
    Upgrade,
)
from sock.testing.client import End

from .case import case
from .subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sock.spec import Ref, Request

    from .talk import Talk

    Faults = Callable[[], Iterator[str]]

_FINE: Final = "fine"


def _tells(faults: Faults) -> Callable[[Request], Subject]:
    """Return an application whose Sock looks for faults, and pushes those that it finds."""

    class Tells(Subject):
        def init(self, ref: Ref[Any], /) -> Any:
            super().init(ref)
            return "; ".join(faults()) or _FINE

    return Tells


async def _is_fine(talk: Talk) -> None:
    client = await talk.open()
    await talk.hears(client, _FINE)
    await talk.says_goodbye(client)


def _takes(kind: Any, *arguments: Any, **named: Any) -> bool:
    """Tell whether a value is made of these arguments, and not refused."""
    try:
        kind(*arguments, **named)
    except (TypeError, ValueError):
        return False
    return True


# S13.1, S13.2

_TRAVEL: Final = (*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999)
_STAY: Final = (-1, 0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65536)


def _stops() -> Iterator[str]:
    for code in _TRAVEL:
        if not _takes(Stop, code):
            yield f"Stop({code}) is refused"
    for code in _STAY:
        if _takes(Stop, code):
            yield f"Stop({code}) is not refused"
    if Stop(4000, "é" * 62).detail != "é" * 61:
        yield "a detail is not cut between two characters"
    if (Stop().code, Stop(error=LookupError()).code) != (1000, 1011):
        yield "the code that is not given is wrong"
    if Exception not in Stop.__mro__:
        yield "a Stop is no exception"
    if Stop(4000, "a") != Stop(4000, "a") or Stop(4000, "a") == Stop(4000, "b"):
        yield "two Stops are not compared by their fields"


@case(_tells(_stops), ["S13.1"])
async def a_stop_refuses_what_may_not_be_said(talk: Talk) -> None:
    await _is_fine(talk)


def _controls() -> Iterator[str]:
    for kind in (Ping, Pong):
        if not _takes(kind, bytes(125)):
            yield f"a {kind.__name__} of 125 bytes is refused"
        if _takes(kind, bytes(126)):
            yield f"a {kind.__name__} of 126 bytes is not refused"


@case(_tells(_controls), ["S13.2"])
async def a_control_frame_refuses_more_than_125_bytes(talk: Talk) -> None:
    await _is_fine(talk)


# S13.3, S13.10

_BAD_HEADERS: Final = (
    ("X-Name", "a\r\nX-Other: b"),
    ("X-Name", "a\nb"),
    ("X-Name", "a\0b"),
    ("X-Name: a\r\nX-Other", "b"),
    ("X Name", "a"),
    ("", "a"),
)
_NOT_UNICODE: Final = ("X-Name", "\ud800")


def _kinds_with_headers() -> dict[str, Callable[[tuple[str, str]], bool]]:
    return {
        "Response": lambda header: _takes(Response, headers=[header]),
        "Refuse": lambda header: _takes(Refuse, headers=[header]),
        "Upgrade": lambda header: _takes(Upgrade, Sock(_NO_REQUEST), headers=[header]),
    }


_NO_REQUEST: Any = None  # a Sock itself does not look at its request


def _headers() -> Iterator[str]:
    for name, takes in _kinds_with_headers().items():
        if not takes(("X-Name", "é\tb")):
            yield f"{name} refuses a header that can be sent"
        for header in _BAD_HEADERS:
            if takes(header):
                yield f"{name} takes the header {header}"
    for bad in ("", "a b", "a,b", "é"):
        if _takes(Upgrade, Sock(_NO_REQUEST), subprotocol=bad):
            yield f"Upgrade takes the subprotocol {bad!r}"


@case(_tells(_headers), ["S13.3"])
async def answers_refuse_headers_that_could_begin_another(talk: Talk) -> None:
    await _is_fine(talk)


def _surrogates() -> Iterator[str]:
    for name, takes in _kinds_with_headers().items():
        if takes(_NOT_UNICODE):
            yield f"{name} takes a header with a lone surrogate"


@case(_tells(_surrogates), ["S13.10"])
async def answers_refuse_headers_that_have_no_form_in_utf_8(talk: Talk) -> None:
    await _is_fine(talk)


# S13.4

_OUT_OF_RANGE: Final[tuple[dict[str, Any], ...]] = (
    {"max_message_size": 0},
    {"max_fragments": -1},
    {"max_read_ahead": None},
    {"max_mailbox": 0},
    {"close_timeout": None},
    {"idle_timeout": 0},
    {"send_timeout": float("nan")},
    {"ping_interval": 60},
    {"ping_interval": 5, "idle_timeout": 5},
    {"origins": "no origin"},
)
_OF_SERVERS: Final[tuple[dict[str, Any], ...]] = (
    {"handshake_timeout": 5},
    {"max_head_size": 5000},
    {"max_body_size": 5000},
    {"max_connections": 5},
    {"max_connections_per_ip": 5},
    {"handshake_rate_per_ip": 5},
    {"drain_timeout": 5},
    {"drain_batch": 5},
    {"drain_interval": 5},
)


def _options() -> Iterator[str]:
    for given in _OUT_OF_RANGE:
        if _takes(Options, **given):
            yield f"Options({given}) is not refused"
    for given in _OF_SERVERS:
        if _takes(Upgrade, Sock(_NO_REQUEST), options=Options(**given)):
            yield f"Upgrade takes {given}"
    laid = Options(idle_timeout=6).over(Options(ping_interval=20))
    if laid.ping_interval != 2:
        yield f"a ping_interval of 20 becomes {laid.ping_interval} within an idle_timeout of 6"


@case(_tells(_options), ["S13.4"])
async def options_refuse_what_no_host_can_keep(talk: Talk) -> None:
    await _is_fine(talk)


# S13.8


def _remotes() -> Iterator[str]:
    for code, said in ((1000, 1000), (4001, 4001), (1005, 1000), (1006, 1011), (1015, 1011)):
        stop = Remote(code, "why").stop()
        if (stop.code, stop.detail, stop.error) != (said, "why", None):
            yield f"Remote({code}, 'why').stop() is {stop!r}"


@case(_tells(_remotes), ["S13.8"])
async def a_remote_makes_the_stop_that_tells_another_peer(talk: Talk) -> None:
    await _is_fine(talk)


# S13.6: what a class leaves out.


class _SendsANumber(Subject):
    def handle_in(self, message: str, /) -> None:
        self.run.refs[0].send(7)


@case(_SendsANumber, ["S13.6", "S6.3"])
async def an_info_that_nobody_takes_and_that_is_no_message_breaks_the_contract(talk: Talk) -> None:
    client = await talk.open()
    await client.send("go")
    await talk.is_closed(client, 1011, "")
    await talk.journal("made", "init", "terminate Failed(HandlerError)")


class _Least(Sock[Any, Any, Any]):
    """A Sock with one callback: what is left out does nothing."""

    def handle_in(self, message: str, /) -> str:
        return message


@case(_Least, ["S13.6"])
async def a_class_may_leave_out_all_that_it_does_not_need(talk: Talk) -> None:
    client = await talk.open()
    await client.send("echo")
    await talk.hears(client, "echo")
    await client.send_close(1000)
    talk.is_answer(await client.receive(), 1000)
    await talk.hears(client, End.FIN)
