"""Section 3: whose pages may connect."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from . import raw
from .case import Section
from .connection import Answer, described
from .fell import Fell

if TYPE_CHECKING:
    from .probe import Probe

SECTION: Final = Section(
    3,
    "origins",
    "Origin: whose pages may connect",
    "Browsers send the user's cookies with a handshake from any page. Where the Origin is not"
    " looked at, every site can talk to this server in the name of its visitor.",
)
should = SECTION.should


async def _answered(probe: Probe, *origins: str) -> Answer:
    lines = [f"Origin: {origin.format(host=probe.target.authority)}" for origin in origins]
    _, answer = await probe.ask(raw.request(probe.target, {}, *lines))
    if not isinstance(answer, Answer):
        raise Fell("an answer", described(answer))
    return answer


@should("RFC 6455 §10.2", "A client that is no browser, and sends no Origin, is let in.")
async def _none(probe: Probe) -> None:
    await probe.open()


@should("RFC 6455 §10.2", "A page of the server's own site is let in.")
async def _own(probe: Probe) -> None:
    answer = await _answered(probe, probe.target.origin)
    if answer.status != 101:
        raise Fell("status 101", described(answer))


async def _foreign(origin: str, probe: Probe) -> None:
    answer = await _answered(probe, origin)
    if answer.status != 403:
        raise Fell("status 403", described(answer))


_FOREIGN: Final = (
    ("A page of another site is refused with 403.", "https://other.example"),
    ("A page without an origin is refused.", "null"),
    ("A site whose name begins with the server's is refused.", "http://{host}.other.example"),
    ("A site whose name ends with the server's is refused.", "http://other-{host}"),
    ("The server's name before an @ does not help.", "http://{host}@other.example"),
    ("The server's name in a path does not help.", "http://other.example/{host}"),
    ("An Origin that is none is refused.", "other"),
    ("An empty Origin is refused.", ""),
)

for _title, _origin in _FOREIGN:
    should("RFC 6455 §10.2, §4.2.2", _title)(partial(_foreign, _origin))


@should("RFC 6454 §7.3", "Two Origins are refused.")
async def _two(probe: Probe) -> None:
    answer = await _answered(probe, probe.target.origin, "https://other.example")
    probe.is_refused(answer)
