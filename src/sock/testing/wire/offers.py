"""Section 9: what is agreed on when a client offers permessage-deflate."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from . import raw
from .case import Section
from .connection import Answer, described
from .fell import Fell, Skipped
from .probe import parameters_of

if TYPE_CHECKING:
    from .probe import Probe

SECTION: Final = Section(
    9,
    "offers",
    "Compression: what is agreed on",
    "The two ends compress in different ways, and each message after that is garbage.",
)
must = SECTION.must

_NAME: Final = "permessage-deflate"


async def _agreed(probe: Probe, *offers: str) -> dict[str, str | None] | None:
    """Return the parameters that were agreed on; None if the server declines."""
    lines = [f"Sec-WebSocket-Extensions: {offer}" for offer in offers]
    _, answer = await probe.ask(raw.request(probe.target, {}, *lines))
    if not isinstance(answer, Answer):
        raise Fell("an answer", described(answer))
    if answer.status != 101:
        if 400 <= answer.status < 500:
            return None
        raise Fell("status 101, or 4xx", described(answer))
    named = answer.get("sec-websocket-extensions")
    return None if not named else parameters_of(named)


async def _needed(probe: Probe, *offers: str) -> dict[str, str | None]:
    found = await _agreed(probe, *offers)
    if found is None:
        raise Skipped(f"the server declines {', '.join(offers)!r}")
    return found


@must("RFC 7692 §7.1", "An offer without parameters gets a valid answer.", "compression")
async def _plain(probe: Probe) -> None:
    await _needed(probe, _NAME)


@must(
    "RFC 7692 §7.1.2.2", "The client's window is not limited unless it offers that.", "compression"
)
async def _client_window(probe: Probe) -> None:
    found = await _needed(probe, _NAME)
    if "client_max_window_bits" in found:
        raise Fell("no client_max_window_bits", f"client_max_window_bits={found}")


@must(
    "RFC 7692 §7.1.2.2", "The offer of client_max_window_bits gets a valid answer.", "compression"
)
async def _client_window_offered(probe: Probe) -> None:
    await _needed(probe, f"{_NAME}; client_max_window_bits")


async def _client_bits(bits: int, probe: Probe) -> None:
    found = await _needed(probe, f"{_NAME}; client_max_window_bits={bits}")
    value = found.get("client_max_window_bits")
    if value is not None and int(value) > bits:
        raise Fell(f"client_max_window_bits of {bits} at most", value)


for _bits in (9, 15):
    must(
        "RFC 7692 §7.1.2.2",
        f"The offer of client_max_window_bits={_bits} is an upper bound.",
        "compression",
    )(partial(_client_bits, _bits))


async def _server_bits(bits: int, probe: Probe) -> None:
    found = await _needed(probe, f"{_NAME}; server_max_window_bits={bits}")
    value = found.get("server_max_window_bits")
    if value is None or int(value) > bits:
        raise Fell(f"server_max_window_bits of {bits} at most, or no compression", str(value))


for _bits in (8, 9, 10, 12):
    must(
        "RFC 7692 §7.1.2.1",
        f"The offer of server_max_window_bits={_bits} is agreed on, or declined.",
        "compression",
    )(partial(_server_bits, _bits))


@must(
    "RFC 7692 §7.1.1.1",
    "The offer of server_no_context_takeover is agreed on, or declined.",
    "compression",
)
async def _no_takeover(probe: Probe) -> None:
    found = await _needed(probe, f"{_NAME}; server_no_context_takeover")
    if "server_no_context_takeover" not in found:
        raise Fell("server_no_context_takeover", f"{found or 'no parameters'}")


@must(
    "RFC 7692 §7.1.1.2",
    "The offer of client_no_context_takeover gets a valid answer.",
    "compression",
)
async def _client_no_takeover(probe: Probe) -> None:
    await _needed(probe, f"{_NAME}; client_no_context_takeover")


@must("RFC 6455 §9.1", "A quoted value is the value.", "compression")
async def _quoted(probe: Probe) -> None:
    found = await _needed(probe, f'{_NAME}; server_max_window_bits="10"')
    value = found.get("server_max_window_bits")
    if value is None or int(value) > 10:
        raise Fell("server_max_window_bits of 10 at most", str(value))


@must("RFC 6455 §9.1", "Spaces around the parameters do not count.", "compression")
async def _spaces(probe: Probe) -> None:
    found = await _needed(
        probe, f" {_NAME} ;  server_no_context_takeover ; client_max_window_bits "
    )
    if "server_no_context_takeover" not in found:
        raise Fell("server_no_context_takeover", f"{found or 'no parameters'}")


async def _declined(parameters: str, probe: Probe) -> None:
    found = await _agreed(probe, f"{_NAME}; {parameters}")
    if found is not None:
        raise Fell("the offer to be declined", f"it was agreed on, with {found or 'no parameters'}")


for _parameters in (
    "check",
    "check=1",
    "server_max_window_bits=7",
    "server_max_window_bits=16",
    "server_max_window_bits=010",
    "server_max_window_bits",
    "server_max_window_bits=ten",
    "client_max_window_bits=16",
    "client_max_window_bits=7",
    "client_no_context_takeover=1",
    "server_no_context_takeover=true",
    "server_no_context_takeover; server_no_context_takeover",
    "server_max_window_bits=10; server_max_window_bits=11",
):
    must("RFC 7692 §7.1", f"The offer with {_parameters} is declined.", "compression")(
        partial(_declined, _parameters)
    )


async def _second(offers: tuple[str, ...], probe: Probe) -> None:
    found = await _agreed(probe, *offers)
    if found is None:
        probe.remark("the second offer to be taken", "compression was declined")
    elif "server_no_context_takeover" not in found:
        raise Fell(
            "the answer to the second offer, server_no_context_takeover",
            f"{found or 'no parameters'}",
        )


_BAD: Final = f"{_NAME}; server_max_window_bits=99"
_GOOD: Final = f"{_NAME}; server_no_context_takeover"

must("RFC 7692 §5, §7.1", "Of two offers in a line the invalid one is not taken.", "compression")(
    partial(_second, (f"{_BAD}, {_GOOD}",))
)
must(
    "RFC 7692 §5, §7.1", "Of two offers in two lines the invalid one is not taken.", "compression"
)(partial(_second, (_BAD, _GOOD)))


@must("RFC 7692 §5", "Of two good offers one is taken.", "compression")
async def _one(probe: Probe) -> None:
    await _needed(probe, f"{_NAME}; client_max_window_bits, {_NAME}")


@must("RFC 6455 §9.1", "Beside an extension that is not known, the offer is taken.", "compression")
async def _beside(probe: Probe) -> None:
    found = await _agreed(probe, f"x-check-unknown; a=1, {_NAME}")
    if found is None:
        probe.remark("permessage-deflate to be agreed on", "it was declined")
