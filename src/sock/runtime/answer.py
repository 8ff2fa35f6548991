"""What an application's answer comes to, whichever of our hosts has asked for it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, cast

from sock.spec import HandlerError, Response, Sock, Upgrade
from sock.wire import handshake

if TYPE_CHECKING:
    from sock.spec import Options, Request


def only_upgrades(app: object) -> bool:
    """Tell whether an application is a Sock class: it makes nothing but connections."""
    while isinstance(app, functools.partial):
        app = app.func
    return isinstance(app, type) and issubclass(app, Sock)


def taken(answered: Any) -> Upgrade | Response:
    """Return an answer as one of its two kinds: a bare Sock means `Upgrade(sock)`.

    Raises:
        HandlerError: it is no answer.
    """
    if isinstance(answered, Sock):
        return Upgrade(cast("Sock[Any, Any]", answered))
    if isinstance(answered, (Upgrade, Response)):
        return answered
    raise HandlerError(
        f"an application answers with a Sock, an Upgrade or a Response, not {_in_words(answered)}"
    )


def _in_words(answered: object) -> str:
    """Say what something is, and not what is in it: it may be anything, and ends in the log."""
    if answered is None or isinstance(answered, type):
        return repr(answered)
    return f"a {type(answered).__name__!r}"


def accepted(
    request: Request, key: str, upgrade: Upgrade, base: Options
) -> tuple[handshake.Acceptance, Options]:
    """Return the 101 for an upgrade, and the limits of the connection.

    Args:
        request: one that `handshake.check` found valid.
        key: what it returned.
        upgrade: the application's answer.
        base: the host's limits, which those of the upgrade are laid over.

    Raises:
        HandshakeError: another site's page asks (403).
        HandlerError: the application chose what is not its to choose.
    """
    options = base if upgrade.options is None else upgrade.options.over(base)
    handshake.check_origin(request, options.origins)
    return handshake.accept(request, key, upgrade, options), options
