"""Which options count, for a host and for each of its connections.

[S19.2] The options of a row are laid over those of the rows above it:

    whose options they are   where they are given
    -----------------------  ----------------------------------------
    nobody's: the defaults   `Options()`
    the application's        its attribute `options`
    the host's               an argument of `serve`, `asgi` and so on
    the handler's class's    the class attribute `options`
    one connection's         `Upgrade(handler, options=…)`
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sock.spec import HandlerError, Options, Sock
from sock.spec.application import handler_class, laid_over, options_of
from sock.spec.options import check_of_connection
from sock.spec.wrapper import inner_class

if TYPE_CHECKING:
    from sock.spec import Upgrade


def options_of_host(app: object, given: Options | None) -> Options:
    """Return the options that a host has for an application, before the application has answered.

    Where the application is a Sock class, the options of that class are among them: it is known
    then which handler will answer.

    Args:
        app: the application.
        given: the options that the host was given; None for none.

    Raises:
        TypeError: one of them is no Options.
        ValueError: they contradict each other, or a Sock class has options that only a server has.
    """
    carried = options_of(app)
    options = carried if given is None else laid_over(given, carried)
    options = Options() if options is None else options
    kind = handler_class(app)
    return options if kind is None else under_class(kind, options)


def options_of_connection(answer: Sock[Any, Any, Any] | Upgrade, host_options: Options) -> Options:
    """Return the options of a connection: the host's, under those of the class and the upgrade.

    Raises:
        HandlerError: the handler's class has options that only a server has, or the options
            contradict each other.
    """
    try:
        # The handler is asked, and not its class: a wrapper has the options of the one behind it.
        if isinstance(answer, Sock):
            return under_class(answer, host_options)
        options = under_class(answer.handler, host_options)
        return options if answer.options is None else answer.options.over(options)
    except (TypeError, ValueError) as error:
        raise HandlerError(str(error)) from error


def under_class(
    owner: Sock[Any, Any, Any] | type[Sock[Any, Any, Any]], options: Options
) -> Options:
    """Return options with those of a Sock class laid over them.

    Args:
        owner: the class, or a handler of it.
        options: of the host.

    Raises:
        TypeError: the attribute `options` of the class is no Options.
        ValueError: they have fields that only a server has, or contradict the others.
    """
    own = owner.options
    if own is None:
        return options
    # The class checks this when it is made, but the attribute may have been set after that.
    kind = owner if isinstance(owner, type) else inner_class(owner)
    check_of_connection(own, f"{kind.__name__}.options")
    return own.over(options)
