"""Section 0: what a host says about itself, to an application that asks at run time."""

# ruff: noqa: D103 - the name of a case is its sentence
from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from sock.hosting.declarable import DECLARABLE
from sock.spec import Host

from .case import case
from .subject import Subject
from .verdict import Enough, Failure

if TYPE_CHECKING:
    from sock.spec import Ping, Pong, Ref, Request

    from .talk import Talk

_VERSION: Final = re.compile(r"\d+\.\d+")
_DECLARABLE: Final = frozenset[str]().union(*DECLARABLE.values())


class _Tells(Subject):
    """Tells what it has been told of its host."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.host: Any = request.host
        self.run.hosts.append(self.host)

    def init(self, ref: Ref[Any], /) -> str:
        super().init(ref)
        told = {
            "is a Host": isinstance(self.host, Host),
            "name": self.host.name,
            "specification": self.host.specification,
            "declared": sorted(self.host.declared),
            "is a frozenset": isinstance(self.host.declared, frozenset),
            "the same": all(host is self.host for host in self.run.hosts),
        }
        return json.dumps(told)


async def _told(talk: Talk) -> dict[str, Any]:
    heard = await (await talk.open()).receive()
    if not isinstance(heard, str):
        raise Failure(f"{heard!r} came, but the host was to be told")
    told: dict[str, Any] = json.loads(heard)
    return told


@case(_Tells, ["S0.8"])
async def every_request_has_the_same_host_with_its_name(talk: Talk) -> None:
    await _told(talk)
    told = await _told(talk)
    if not (told["is a Host"] and told["is a frozenset"] and told["name"]):
        raise Failure(f"the host of the request is {told}")
    if not told["the same"]:
        raise Failure("two requests that are treated alike have two hosts")


@case(_Tells, ["S0.7", "S0.8"])
async def the_host_says_which_version_of_the_specification_it_follows(talk: Talk) -> None:
    version = (await _told(talk))["specification"]
    if not isinstance(version, str) or _VERSION.fullmatch(version) is None:
        raise Failure(f"the version is {version!r}, and not two numbers")


@case(_Tells, ["S0.3", "S0.5"])
async def what_the_host_declares_may_be_declared(talk: Talk) -> None:
    declared = set((await _told(talk))["declared"])
    if wrong := declared - _DECLARABLE:
        raise Failure(f"{', '.join(sorted(wrong))} may not be declared")


class _NeedsControl(_Tells):
    """Has a callback that some hosts cannot call."""

    def handle_control(self, frame: Ping | Pong, /) -> None:
        self.note(f"told of {frame!r}")


@case(_NeedsControl, ["S0.4"])
async def a_handler_that_needs_what_is_declared_is_warned_of_once(talk: Talk) -> None:
    declared = (await _told(talk))["declared"]
    if "S5.3" not in declared:
        raise Enough  # it needs nothing that this host lacks
    await _told(talk)
    # Once for each class, as long as the process lives: an earlier run counts too.
    found = await talk.reports("_NeedsControl", ever=True)
    if len(found) != 1:
        raise Failure(
            f"a class that needs handle_control was warned of {len(found)} times: {found}"
        )
