"""What an application's answer comes to, whichever of our hosts has asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sock.spec import HandlerError, Options, Response, Sock, Stop, Upgrade
from sock.spec.application import handler_class, laid_over, options_of
from sock.spec.options import check_of_connection
from sock.wire import handshake

if TYPE_CHECKING:
    from sock.spec import Request


def only_upgrades(app: object) -> bool:
    """Tell whether an application is a Sock class: it makes nothing but connections."""
    return handler_class(app) is not None


def base_of(app: object, given: Options | None) -> Options:
    """Return the limits that a host has for an application, before it has answered.

    Each lies over the one before: the defaults, what the application carries, what the host was
    given; and, where the application is a Sock class, what that class says.

    Args:
        app: that is hosted.
        given: to the host; None for nothing.

    Raises:
        TypeError: one of them is no Options.
        ValueError: they contradict each other, or a class has options of a server.
    """
    carried = options_of(app)
    base = carried if given is None else laid_over(given, carried)
    kind = handler_class(app)
    base = Options() if base is None else base
    return base if kind is None else _own(kind, base)


def limits(upgrade: Upgrade, base: Options) -> Options:
    """Return the limits of a connection: the host's, under the handler's class, under the upgrade.

    Raises:
        HandlerError: the class has `options` that are none of a connection, or they contradict each
            other.
    """
    try:
        options = _own(type(upgrade.handler), base)
        return options if upgrade.options is None else upgrade.options.over(options)
    except (TypeError, ValueError) as error:
        raise HandlerError(str(error)) from error


def _own(kind: type[Sock[Any, Any]], base: Options) -> Options:
    """Return a base under what a Sock class says."""
    if kind.options is None:
        return base
    check_of_connection(kind.options, f"{kind.__name__}.options")  # set after the class was made
    return kind.options.over(base)


def taken(answered: Any) -> Upgrade | Response:
    """Return an answer as one of its two kinds: a bare Sock means `Upgrade(sock)`.

    Raises:
        HandlerError: it is no answer.
    """
    if isinstance(answered, Sock):
        return Upgrade(cast("Sock[Any, Any]", answered))
    if isinstance(answered, (Upgrade, Response)):
        return answered
    made = isinstance(answered, type) and issubclass(answered, Sock)
    hint = f": {answered.__name__}(request)?" if made else ""
    raise HandlerError(
        f"an application answers with a Sock, an Upgrade or a Response, not {answered!r}{hint}"
    )


def explained(error: BaseException) -> BaseException:
    """Return what is told of an application that has raised: with what it meant, where that helps.

    [S6.9] A Stop ends a connection, and there is none before the 101.
    """
    if not isinstance(error, Stop):
        return error
    misplaced = HandlerError(
        "a Stop was raised during the handshake, and it is for a live connection: "
        "raise Refuse there, which answers with an HTTP status"
    )
    misplaced.__cause__ = error
    return misplaced


def accepted(
    request: Request, key: str, upgrade: Upgrade, base: Options
) -> tuple[handshake.Acceptance, Options]:
    """Return the 101 for an upgrade, and the limits of the connection.

    Args:
        request: one that `handshake.check` found valid.
        key: what it returned.
        upgrade: the application's answer.
        base: the host's limits, which those of the handler's class and of the upgrade are laid
            over.

    Raises:
        HandshakeError: another site's page asks (403).
        HandlerError: the application chose what is not its to choose.
    """
    options = limits(upgrade, base)
    handshake.check_origin(request, options.origins)
    return handshake.accept(request, key, upgrade, options), options
