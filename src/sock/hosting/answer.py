"""What an application's answer comes to, whichever of our hosts has asked for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast

from sock.spec import HandlerError, Options, Response, Sock, Stop, Upgrade
from sock.spec.application import handler_class, laid_over, options_of
from sock.spec.options import check_of_connection
from sock.wire import handshake

if TYPE_CHECKING:
    from sock.spec import Request


WITHOUT_CONTENT: Final = frozenset((204, 205, 304))
"""Statuses of answers that have no content. RFC 9110 §15.3.5, §15.3.6, §15.4.5."""


def content_of(response: Response) -> bytes:
    """Return the content of an ordinary answer, as the answer to a GET: none where none may be."""
    if response.status in WITHOUT_CONTENT:
        return b""
    return response.body.encode() if isinstance(response.body, str) else response.body


def has_length(status: int) -> bool:
    """Tell whether an answer says the length of its content.

    RFC 9110 §8.6: "A server MUST NOT send a Content-Length header field in any response with a
    status code of … 204"; that of a 304 would be another answer's. A 205 says 0 (§15.3.6).
    """
    return status not in {204, 304}


def content_type_of(response: Response) -> str | None:
    """Return the type to give to an answer that has content, and does not say of which type."""
    if not response.body or response.status in WITHOUT_CONTENT:
        return None
    if any(name.lower() == "content-type" for name, _ in response.headers):
        return None
    text = isinstance(response.body, str)
    return "text/plain; charset=utf-8" if text else "application/octet-stream"


def runs(task: asyncio.Task[Any] | None) -> bool:
    """Tell whether a task is being run, or its coroutine is being closed from outside.

    A GeneratorExit is the application's own in the first case only.
    """
    # Documented, for event loops: it does not raise where none runs.
    loop = asyncio._get_running_loop()  # noqa: SLF001
    return task is not None and loop is not None and asyncio.current_task(loop) is task


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
        "an application answers with a Sock, an Upgrade or a Response,"
        f" not {_in_words(cast('object', answered))}{hint}"
    )


def _in_words(answered: object) -> str:
    """Say what something is, and not what is in it: it may be anything, and ends in the log."""
    if answered is None or isinstance(answered, type):
        return repr(answered)
    return repr(type(answered).__name__)


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
    request: Request,
    key: str,
    upgrade: Upgrade,
    base: Options,
    *,
    shown: Request | None = None,
) -> tuple[handshake.Acceptance, Options]:
    """Return the 101 for an upgrade, and the limits of the connection.

    Args:
        request: one that `handshake.check` found valid.
        key: what it returned.
        upgrade: the application's answer.
        base: the host's limits, which those of the handler's class and of the upgrade are laid
            over.
        shown: the request as the application was asked with it, where middleware may have changed
            it, such as its Host behind a proxy: the Origin is compared with that one's. None where
            it is the same.

    Raises:
        HandshakeError: another site's page asks (403).
        HandlerError: the application chose what is not its to choose.
    """
    options = limits(upgrade, base)
    handshake.check_origin(request if shown is None else shown, options.origins)
    return handshake.accept(request, key, upgrade, options), options
