"""`Endpoint`: the application that serves sockets. Any host of Sock runs it.

a request for a socket                        what is answered
--------------------------------------------  ------------------------------------------
from a page of another site (1)               403
with a token that cannot be decoded           403
with subprotocols, none of which is known     403
with a version that nobody speaks             403
and `connect` raises `Refuse`                 what that says
and `connect` raises `TokenError`             403
otherwise                                     101, with "phoenix" if that was offered

(1) where the endpoint lists origins; else the host looks at them, behind `connect`
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

from sock.spec import Options, Refuse, Response, Upgrade
from sock.spec.options import check_of_connection
from sock.spec.template import Template
from sock.wire import handshake

from .auth_token import chosen_subprotocol, split_token
from .broadcaster import DISCONNECT, Broadcaster
from .channel import events_of
from .limits import Limits
from .longpoll import LongPoll
from .mux import Mux
from .params import decode_params, version_of
from .serializer import V1, V2
from .socket import ConnectInfo, Socket
from .token import TokenError
from .websocket import WebSocket

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import AsyncGenerator, Awaitable, Iterator, Mapping, Sequence

    from sock.pubsub import PubSub
    from sock.spec import Answer, Request, Sock
    from sock.spec.origin import OriginCheck

    from .params import Params
    from .serializer import Serializer

SERIALIZERS: Final[tuple[Serializer, ...]] = (V1(), V2())
"""Those that a socket speaks, unless it is told otherwise."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A socket with settings of its own, in the place of a class of sockets.

    Args:
        socket: the class.
        origins: the sites whose pages may connect, as `Options.origins`; None leaves that to the
            host.
        auth_token: whether a token among the subprotocols is taken; None for what the endpoint
            says.
        subprotocols: those that may be agreed on, beside "phoenix".
        path: of WebSocket, below that of the socket.
        poll_path: of long poll, below that of the socket; None for none.
        serializers: the first that speaks the version of the client counts.
    """

    socket: type[Socket]
    origins: str | OriginCheck | Sequence[str | OriginCheck] | None = None
    auth_token: bool | None = None
    subprotocols: Sequence[str] = ()
    path: str = "/websocket"
    poll_path: str | None = "/longpoll"
    serializers: Sequence[Serializer] = SERIALIZERS


class _Route(NamedTuple):
    template: Template
    mount: Mount
    options: Options
    polls: bool
    """Whether it is that of long poll."""


@final
class Endpoint:
    """An application that serves sockets, to which clients connect.

    Its lifespan begins the pubsub. It answers 404 to all paths but those of its sockets.

    Args:
        sockets: classes of sockets, or a `Mount` of one, by their paths, such as "/socket". The
            client appends "/websocket" itself. A path may have parameters: "/ws/{user_id}".
        pubsub: carries broadcasts, here and to other processes: one of `str` and `bytes`.
        auth_token: whether a client may send a token among its subprotocols, as `authToken` of
            phoenix.js does; it is `info.auth_token` in `Socket.connect`.
        max_channels: topics that a client may have joined on one connection.
        max_waiting: events that may wait for one channel.
        join_timeout: seconds for which a join may take; None for no limit.
        poll_timeout: seconds for which a request of long poll waits for something to come. Its
            session ends when no request came for half as long again.
        max_poll_sessions: connections over long poll in one process.
        options: limits of the connections, laid over those of the host. Over long poll those of the
            host are not known: what is not given here is the default.

    Raises:
        TypeError: what stands behind a path is no class of sockets, or the pubsub has a declared
            type.
        ValueError: a path is wrong, or the options have fields that only a server has.
    """

    pubsub: PubSub[str | bytes]
    """Carries the broadcasts."""
    sockets: dict[str, Mount]
    """The sockets, by their paths."""

    def __init__(
        self,
        sockets: Mapping[str, type[Socket] | Mount],
        /,
        *,
        pubsub: PubSub[str | bytes],
        auth_token: bool = False,
        max_channels: int = 100,
        max_waiting: int = 256,
        join_timeout: float | None = 30.0,
        poll_timeout: float = 10.0,
        max_poll_sessions: int = 10_000,
        options: Options | None = None,
    ) -> None:
        if options is not None:
            check_of_connection(options, "the options of an Endpoint")
        if pubsub.kind is not None:
            raise TypeError(
                f"an Endpoint needs a PubSub of str and bytes, and not one of {pubsub.kind!r}:"
                " PubSub() without a type"
            )
        self.pubsub = pubsub
        self.sockets = {path: _mount(path, one) for path, one in sockets.items()}
        self._auth_token = auth_token
        self._limits = Limits(max_channels, max_waiting, join_timeout)
        self._broadcaster = Broadcaster(pubsub)
        self._long_poll = LongPoll(pubsub, poll_timeout, max_poll_sessions)
        self._routes = [
            route for path, one in self.sockets.items() for route in _routes(path, one, options)
        ]

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Begin the pubsub, and end it behind the drain. For hosts.

        Raises:
            NameError: the annotation of a payload has a name that is not defined.
        """
        for mount in self.sockets.values():
            for kind in mount.socket.channels.values():
                events_of(kind)  # all is defined by now: better here than in the first join
        async with self.pubsub:
            try:
                yield
            finally:
                await self._long_poll.end()

    def __call__(self, request: Request, /) -> Answer | Awaitable[Answer]:
        """Answer a request: with a connection, or with 404."""
        path = request.path
        for route in self._routes:
            values = route.template.match(path)
            if values is not None:
                if route.polls:
                    connect = partial(self._connect_poll, route, request, values)
                    return self._long_poll.answer(request, route.options, connect)
                return self._connect(route, request, values)
        return Response(404, "nothing here\n")

    # To the clients.

    async def broadcast(self, topic: str, event: str, payload: Any = None) -> None:
        """Send an event to all that have joined a topic, in all processes.

        Args:
            topic: the topic. One that is the `id` of sockets ends them with the event
                "disconnect".
            event: its name.
            payload: a mapping, a struct or bytes; None is an empty mapping.

        Raises:
            TypeError: the payload cannot be sent.
            ValueError: the topic is empty or too long.
            BackendDown: other processes cannot be reached.
        """
        await self._broadcaster.broadcast(topic, event, payload)

    def broadcast_soon(
        self, topic: str, event: str, payload: Any = None
    ) -> concurrent.futures.Future[None]:
        """Do the same without waiting: from any thread.

        Returns:
            A future, which ends as `broadcast` would. It need not be looked at.

        Raises:
            TypeError, ValueError: as for `broadcast`.
            RuntimeError: the pubsub has begun in no event loop.
        """
        return self._broadcaster.broadcast_soon(topic, event, payload)

    async def disconnect(self, name: str) -> None:
        """End all connections whose `Socket.id` is this name, in all processes, with 1001.

        Raises:
            BackendDown: other processes cannot be reached.
        """
        await self.broadcast(name, DISCONNECT)

    # The handshake.

    def _connect(
        self, route: _Route, request: Request, values: Mapping[str, Any]
    ) -> Answer | Awaitable[Answer]:
        mount = route.mount
        if mount.origins is not None:
            handshake.check_origin(request, route.options.origins)
        token, others = split_token(request.subprotocols)
        subprotocol = chosen_subprotocol(others, mount.subprotocols)
        handler, connected = self._handler(route, request, values, token, "websocket")
        upgrade = Upgrade(handler, subprotocol=subprotocol, options=route.options)
        return upgrade if connected is None else _connected(connected, upgrade)

    async def _connect_poll(
        self, route: _Route, request: Request, values: Mapping[str, Any]
    ) -> Sock[Any]:
        token = request.headers.get("x-phoenix-authtoken")
        handler, connected = self._handler(route, request, values, token, "longpoll")
        if connected is not None:
            await connected
        return handler

    def _handler(
        self,
        route: _Route,
        request: Request,
        values: Mapping[str, Any],
        token: str | None,
        transport: str,
    ) -> tuple[Sock[Any], Awaitable[None] | None]:
        """Return the handler of a connection, and what is left to await of letting it in.

        Raises:
            Refuse: nobody speaks the version of the client, or `connect` refuses.
        """
        mount = route.mount
        if not (self._auth_token if mount.auth_token is None else mount.auth_token):
            token = None
        params: Params = {**decode_params(request.target.partition("?")[2]), **values}
        serializer = _serializer(mount.serializers, params)
        socket = new_socket(mount.socket)
        mux = Mux(socket, serializer, self._broadcaster, self._limits, request)
        try:
            connected = socket.connect(params, ConnectInfo(request, token, transport))
        except TokenError as error:
            raise Refuse(403) from error
        return WebSocket(mux), None if connected is None else _refused(connected)


def new_socket(kind: type[Socket]) -> Socket:
    """Return a socket of a class, with empty `assigns`."""
    from types import SimpleNamespace

    socket = kind()
    socket.assigns = SimpleNamespace()
    return socket


async def _refused(connected: Awaitable[None]) -> None:
    """Let a client in, and refuse one whose token is not good."""
    try:
        await connected
    except TokenError as error:
        raise Refuse(403) from error


async def _connected(connected: Awaitable[None], upgrade: Upgrade) -> Answer:
    await connected
    return upgrade


def _serializer(serializers: Sequence[Serializer], params: Params) -> Serializer:
    version = version_of(params)
    for one in serializers:
        if version is not None and one.accepts(version):
            return one
    raise Refuse(403)


def _mount(path: str, mounted: object) -> Mount:
    if isinstance(mounted, type) and issubclass(mounted, Socket):
        return Mount(socket=mounted)
    if isinstance(mounted, Mount):
        return mounted
    raise TypeError(f"behind {path!r} stands {mounted!r}, which is no class of sockets")


def _routes(path: str, mount: Mount, options: Options | None) -> Iterator[_Route]:
    laid = Options() if options is None else options
    if mount.socket.options is not None:
        laid = mount.socket.options.over(laid)
    if mount.origins is not None:
        laid = Options(origins=mount.origins).over(laid)
    below = path.rstrip("/")
    yield _Route(Template(below + mount.path), mount, laid, polls=False)
    if mount.poll_path is not None:
        yield _Route(Template(below + mount.poll_path), mount, laid, polls=True)
