"""Asking an application about a request: one set of rules, which every host follows.

    step               what is found                                        what is answered
    -----------------  ---------------------------------------------------  ---------------------
    `call`             the request asks to upgrade, and `check_handshake`   400, 426, 503 …
                       of the host finds fault with it
    `call`             the request does not ask to upgrade, and the         426
                       application is a Sock class
    `call`             the request comes from a page of another site, and   403
                       the application is a Sock class
    the application    it raises `Refuse`                                   what the `Refuse` says
    the application    it raises anything else                              500 without details
    `check_answer`     the answer is no Sock, Upgrade or Response           500 without details
    `check_answer`     a Sock or an Upgrade answers a request that does     426
                       not ask to upgrade
    `check_answer`     the answer is a Response                             that Response
    `accept_upgrade`   the request comes from a page of another site,       403
                       which the options of the connection do not list
    `accept_upgrade`   the application has chosen options, a subprotocol    500 without details
                       or a header that it may not choose
    `accept_upgrade`   nothing of the above                                 101

"The application is a Sock class" means: for the path of this request, behind all that is around it.
The rows are followed from the top. The application is called after the first three: so a Sock class
makes no handler for a request that is refused anyway. Any other application may answer a request
from another site with words of its own, or with an `Upgrade` that lists the origin.

`refused` and `failed` word the answers, and report them to telemetry.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeGuard, final

from sock import telemetry
from sock.spec import (
    HandlerError,
    HandshakeError,
    Options,
    Refuse,
    Response,
    Sock,
    Stop,
    Upgrade,
)
from sock.spec.application import depends_on_path, handler_class, routed_class
from sock.wire import handshake

from .options import options_of_connection, under_class

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from sock.spec import App, Request
    from sock.spec.origin import Listed


async def ask(
    app: App,
    request: Request,
    check_handshake: Callable[[], object],
    *,
    upgrading: bool,
    options: Options,
) -> Upgrade | Response:
    """Return what the application answers.

    Args:
        app: the application; a Sock class is one.
        request: the request as it came.
        check_handshake: raises a HandshakeError for a handshake that the host refuses.
        upgrading: whether the request asks for a WebSocket connection.
        options: the host's.

    Raises:
        Refuse: the application refuses.
        HandshakeError: the request is refused.
        HandlerError: the answer is no Sock, Upgrade or Response.
        Exception: whatever else the application raises.
    """
    answer = call(
        app,
        request,
        check_handshake,
        upgrading=upgrading,
        sock_class=is_sock_class(app),
        options=options,
    )
    if must_await(answer):
        answer = await answer
    checked = check_answer(answer, upgrading=upgrading)
    return Upgrade(checked) if isinstance(checked, Sock) else checked


async def ask_catching_errors(
    app: App,
    request: Request,
    check_handshake: Callable[[], object],
    *,
    upgrading: bool,
    options: Options,
) -> Upgrade | Response:
    """Return what the application answers, or the response to what it has raised.

    The arguments are those of `ask`. What cancels or closes this is raised: it is the host's.
    """
    asked = ask(app, request, check_handshake, upgrading=upgrading, options=options)
    awaited = AwaitedAnswer(asked)
    try:
        answer: Upgrade | Response = await awaited
    except (Refuse, HandshakeError) as refusal:
        return refused(request, refusal)
    except GeneratorExit as error:
        if awaited.closed:  # nobody waits for it any more
            raise
        return failed(request, error)
    except Exception as error:  # noqa: BLE001 - an application may raise anything
        return failed(request, error)
    else:
        return answer


@final
class AwaitedAnswer:
    """Awaits the answer of an application, and knows whether that was closed from outside.

    An application may raise GeneratorExit, and has failed then as by anything else. A coroutine
    that is closed before it has answered, with its loop or by a host that cannot wait, gets the
    same exception.

    Args:
        answer: the awaitable that the application has returned.
    """

    __slots__ = ("_answer", "closed")

    def __init__(self, answer: Awaitable[Any]) -> None:
        self._answer = answer
        self.closed = False
        """Whether it was closed while it was awaited."""

    def __await__(self) -> Generator[Any, Any, Any]:
        """Await the answer step by step: only what comes from outside is raised at the `yield`."""
        steps = _awaited(self._answer)
        given: Any = None
        raised: BaseException | None = None
        while True:
            try:
                waits_for = steps.send(given) if raised is None else steps.throw(raised)
            except StopIteration as done:
                return done.value
            try:
                given, raised = (yield waits_for), None
            except GeneratorExit:
                self.closed = True
                steps.close()
                raise
            except BaseException as error:  # noqa: BLE001 - such as a cancellation
                raised = error


async def _awaited(answer: Awaitable[Any]) -> Any:
    return await answer


def call(
    app: App,
    request: Request,
    check_handshake: Callable[[], object],
    *,
    upgrading: bool,
    sock_class: bool | None,
    options: Options,
) -> Any:
    """Check what is checked before the application is called, and call it.

    Args:
        app: the application.
        request: the request as it came.
        check_handshake: raises a HandshakeError for a handshake that the host refuses.
        upgrading: whether the request asks for a WebSocket connection.
        sock_class: whether the application is a Sock class; None where that depends on the path.
        options: the host's.

    Returns:
        The answer, or an awaitable of it; `must_await` tells them apart.

    Raises:
        Refuse: the application refuses.
        HandshakeError: the request is refused.
        Exception: whatever else the application raises.
    """
    if upgrading:
        check_handshake()
    if sock_class is None:
        kind, of_route = routed_class(app, request.path)
        if kind is not None:
            sock_class = True
            options = under_class(kind, options if of_route is None else of_route.over(options))
    if sock_class:
        if not upgrading:
            raise _websocket_only()
        handshake.check_origin(request, options.origins)
    return app(request)


def must_await(answer: object) -> bool:
    """Tell whether what an application has returned is an awaitable of its answer."""
    # The first test is for speed: isawaitable takes half a microsecond (bench, sock connect).
    return not isinstance(answer, (Sock, Upgrade, Response)) and inspect.isawaitable(answer)


def check_answer(answer: object, *, upgrading: bool) -> Sock[Any, Any, Any] | Upgrade | Response:
    """Return what an application has answered, when it is an answer to this request.

    A bare Sock stands for `Upgrade(sock)`. To make that one takes a while, so it is not made where
    nobody needs it (bench, sock connect).

    Args:
        answer: what the application has answered.
        upgrading: whether the request asks for a WebSocket connection.

    Raises:
        HandlerError: it is no Sock, Upgrade or Response.
        HandshakeError: the answer is a connection, for which the request does not ask.
    """
    if isinstance(answer, Response):
        return answer
    if not _is_connection(answer):
        raise HandlerError(
            "an application answers with a Sock, an Upgrade or a Response, and this one has"
            f" answered with {_described(answer)}"
        )
    if not upgrading:
        raise _websocket_only()
    return answer


def accept_upgrade(
    request: Request,
    key: str,
    answer: Sock[Any, Any, Any] | Upgrade,
    host_options: Options,
    *,
    seen_request: Request | None = None,
    checked_origins: tuple[Listed, ...] | None = None,
    compresses: bool = True,
) -> tuple[handshake.Acceptance, Options]:
    """Return the 101 for an upgrade, and the options of the connection.

    Args:
        request: one that `handshake.check` found valid.
        key: what `handshake.check` returned for it.
        answer: the application's.
        host_options: under those of the handler's class and of the upgrade.
        seen_request: the request as the application has seen it, where middleware may have changed
            it, such as the Host behind a proxy. The Origin is compared with the Host in this one.
            None where it is the same request.
        checked_origins: the origins with which `call` has compared the Origin already; it is not
            compared with the same ones again. None for none.
        compresses: whether the host compresses messages where the options ask for it. If not, the
            101 agrees on no compression, whatever they say.

    Raises:
        HandshakeError: a page of another site asks (403).
        HandlerError: the application chose something that is not for it to choose.
    """
    options = options_of_connection(answer, host_options)
    upgrade = answer if isinstance(answer, Upgrade) else None
    if checked_origins is None or options.origins is not checked_origins:
        handshake.check_origin(request if seen_request is None else seen_request, options.origins)
    agreeable = options if compresses else Options(compression=False).over(options)
    return handshake.accept(request, key, upgrade, agreeable), options


def accept_or_respond(
    request: Request,
    key: str,
    upgrade: Upgrade,
    host_options: Options,
    *,
    compresses: bool = True,
) -> tuple[handshake.Acceptance, Options] | Response:
    """Do as `accept_upgrade` does, or return the response that has to be sent in its place."""
    try:
        return accept_upgrade(request, key, upgrade, host_options, compresses=compresses)
    except HandshakeError as refusal:
        return refused(request, refusal)
    except HandlerError as error:
        return failed(request, error)


def check_not_stopping(*, draining: bool) -> None:
    """Refuse a new connection while a host sends the others away.

    Raises:
        HandshakeError: the host is draining (503).
    """
    if draining:
        raise stopping()


def stopping() -> HandshakeError:
    """Return the refusal of a host that is stopping."""
    return HandshakeError(503, "the server is stopping", [("Retry-After", "1")])


def refused(request: Request, refusal: Refuse | HandshakeError) -> Response:
    """Report a refusal, which is no crash, and return the response to it."""
    if isinstance(refusal, Refuse):
        response, detail = refusal.response, "by the application"
    else:
        response, detail = response_to(refusal), refusal.detail
    telemetry.emit("handshake.refused", request=request, status=response.status, detail=detail)
    return response


def response_to(refusal: HandshakeError) -> Response:
    """Return the response to a request that the host refuses. `refused` reports it as well."""
    return Response(refusal.status, refusal.detail + "\n", refusal.headers)


def failed(request: Request, error: BaseException) -> Response:
    """Report what an application has raised, and return the response to it, without details."""
    telemetry.emit("handshake.failed", request=request, error=_reported(error))
    return internal_server_error()


def internal_server_error() -> Response:
    """Return the response of a host that has failed. It says nothing of the cause."""
    return Response(500, "internal server error\n")


def is_sock_class(app: object) -> bool | None:
    """Tell whether an application is a Sock class, which answers with connections only.

    None says that this depends on the path: the application has routes.
    """
    return None if depends_on_path(app) else handler_class(app) is not None


def _is_connection(answer: object) -> TypeGuard[Sock[Any, Any, Any] | Upgrade]:
    return isinstance(answer, (Sock, Upgrade))


def _websocket_only() -> HandshakeError:
    return HandshakeError(426, "this address speaks WebSocket only (RFC 6455 §4.2.1)")


def _described(answer: object) -> str:
    """Name the type of an answer. Its content may be anything, and does not belong in a log."""
    if answer is None:
        return "None"
    if not isinstance(answer, type):
        return f"a {type(answer).__name__!r}"
    if issubclass(answer, Sock):
        return f"the class {answer.__name__}: did you mean {answer.__name__}(request)?"
    return f"the class {answer.__name__}"


def _reported(error: BaseException) -> BaseException:
    """Return the error that is reported for one that was raised.

    [S6.9] A Stop ends a connection, and before the 101 there is none to end.
    """
    if not isinstance(error, Stop):
        return error
    explanation = HandlerError(
        "a Stop was raised during the handshake, and it is for a live connection: "
        "raise Refuse there, which answers with an HTTP status"
    )
    explanation.__cause__ = error
    return explanation
