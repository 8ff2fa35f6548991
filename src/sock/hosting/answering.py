"""From a request to its 101, or to its response, for a host that reads and writes the frames.

A host that gives its socket away has `Takeover` for this.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from sock.spec import Response
from sock.wire import handshake

from .asking import accept_or_respond, ask_catching_errors
from .members import Members

if TYPE_CHECKING:
    from sock.spec import App, Options, Request, Upgrade
    from sock.wire.deflate import Agreement


class Accepted(NamedTuple):
    """A connection that was accepted.

    Attributes:
        upgrade: the application's answer: the `handler`, and the `subprotocol` and the `headers`
            for a host whose server makes the 101.
        options: all limits of the connection.
        head: the 101, as bytes, with everything that was agreed, for a host that sends it itself.
        agreement: how messages are compressed, as the `head` tells the peer; None if they are not.
    """

    upgrade: Upgrade
    options: Options
    head: bytes
    agreement: Agreement | None


async def answer_request(
    app: App, request: Request, options: Options, *, compresses: bool = True
) -> Accepted | Response:
    """Check a handshake, ask the application, and accept or refuse.

    Everything that goes wrong is reported, and its response is returned.

    Args:
        app: the application; a Sock class is one.
        request: the request as it came, with its body.
        options: the host's, laid over those of the application (`options_of_host`).
        compresses: whether the host compresses messages where the options ask for it. If not, the
            101 agrees on no compression, whatever they say.
    """
    key = ""

    def check_handshake() -> None:
        nonlocal key
        key = handshake.check(request)
        Members.of(asyncio.get_running_loop()).check_not_draining()

    upgrading = handshake.asks_to_upgrade(request)
    answer = await ask_catching_errors(
        app, request, check_handshake, upgrading=upgrading, options=options
    )
    if isinstance(answer, Response):
        return answer
    accepted = accept_or_respond(request, key, answer, options, compresses=compresses)
    if isinstance(accepted, Response):
        return accepted
    acceptance, all_options = accepted
    return Accepted(answer, all_options, acceptance.head, acceptance.agreement)
