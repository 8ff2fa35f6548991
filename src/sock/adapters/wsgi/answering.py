"""The answer of a route to a request to upgrade: it is judged at once, and carried out later.

what happens                               what is done
-----------------------------------------  -----------------------------------------------------
the route makes it; the server does not    RuntimeError
give its socket away
… the handshake is not valid, or a page    its `refusal` is the response
of another site asks
… and nothing is wrong                     nothing yet: the framework does its after-request work
the server calls it                        the loop takes the connection over, with the headers
                                           of the framework's response on the 101
… and the server is stopping, or no        the response to that is sent
descriptor is left
… and the peer has gone                    nothing is sent
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, final

from sock.hosting.asking import accept_upgrade, refused
from sock.hosting.takeover import Takeover
from sock.loop import Reactor
from sock.observe import log
from sock.spec import HandshakeError, Options
from sock.wire import handshake

from .background import Background
from .environment import request_of
from .exchange import send_nothing, with_headers
from .given_socket import GivenSocket
from .refusal import refuse, send_from_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sock.spec import Request, Response, Upgrade

    from .environment import Environ, StartResponse
    from .exchange import Headers


@final
class Answer:
    """The answer to a request to upgrade, as a WSGI application that is called once.

    Args:
        environ: of the request.
        upgrade: the route's answer.
        path_params: what the framework's router has found in the path.
        trusts_origin: tells whether the framework trusts the page that asks, by settings of its
            own; False leaves that to the option `origins`. It raises a HandshakeError for a page
            that may not connect.

    Raises:
        TypeError: it is no environ of a WSGI request.
        RuntimeError: the server does not give its socket away.
        HandlerError: the route has chosen what it may not choose.
    """

    def __init__(
        self,
        environ: Environ,
        upgrade: Upgrade,
        *,
        path_params: Mapping[str, Any] | None = None,
        trusts_origin: Callable[[Request], bool] | None = None,
    ) -> None:
        self.request = request_of(environ, route=True)
        log.attach()
        if path_params:
            self.request.path_params = path_params
        self.refusal: Response | None = None
        """The response in place of the 101; None as long as nothing is wrong."""
        self._upgrade = upgrade
        self._given = GivenSocket(environ)
        self._given.correct_addresses(self.request)
        if handshake.asks_to_upgrade(self.request):
            # First, because some servers that keep their sockets report every request as HTTP/1.0.
            self._given.check()
        try:
            key = handshake.check(self.request)
            if trusts_origin is not None and trusts_origin(self.request):
                self._upgrade = _with_any_origin(upgrade)
            accept_upgrade(self.request, key, self._upgrade, Options())
        except HandshakeError as refusal:
            self.refusal = refused(self.request, refusal)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:  # noqa: ARG002 - WSGI's
        """Take the connection over, or send the response in its place."""
        return self.carry_out(start_response)

    def carry_out(self, start_response: StartResponse, headers: Headers = ()) -> Iterable[bytes]:
        """Take the connection over, or send the response in its place.

        Args:
            start_response: the server's.
            headers: of the framework's response, which are sent with the 101.
        """
        response: Response | None
        try:
            if self.refusal is None:
                response = self.begin(headers)
            else:
                response = with_headers(self.refusal, headers)
        except ConnectionResetError:
            response = None
        if response is None:
            return send_nothing(self._given, start_response)
        return refuse(response, self.request.method, self._given, start_response)

    def begin(self, headers: Headers = ()) -> Response | None:
        """Take the connection over; return the response that has to be sent if that cannot be done.

        Args:
            headers: of the framework's response, which are sent with the 101.

        Raises:
            ConnectionResetError: the peer has gone.
        """
        upgrade = self._upgrade.replace(headers=(*self._upgrade.headers, *headers))

        async def begin() -> Response | None:
            reactor = Reactor.of(asyncio.get_running_loop())
            takeover = Takeover(
                reactor, self.request, lambda connect: self._given.take(reactor, connect)
            )
            return takeover.begin_or_respond(upgrade, Options())

        try:
            return Background.of_process().call(begin)
        except HandshakeError as refusal:  # the process is about to end
            return refused(self.request, refusal)

    def refuse(self, headers: Headers = ()) -> bool:
        """Send the refusal from the event loop; tell whether that can be done.

        Args:
            headers: of the framework's response, which are sent too.
        """
        assert self.refusal is not None, "this is for a request that was refused"
        return send_from_loop(with_headers(self.refusal, headers), self._given)

    def end(self) -> None:
        """Note that the server has ended its work on this request."""
        self._given.end()


def _with_any_origin(upgrade: Upgrade) -> Upgrade:
    """Return an upgrade for a page that was judged already."""
    any_origin = Options(origins="*")
    options = any_origin if upgrade.options is None else any_origin.over(upgrade.options)
    return upgrade.replace(options=options)
