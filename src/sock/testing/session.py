"""A connection for a test: the real link, and a peer that the test controls, without a network."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast, final, overload

from sock import telemetry
from sock.engine import Phase
from sock.hosting import asking
from sock.hosting.options import options_of_host
from sock.live import Link
from sock.loop import FOREVER, Reactor
from sock.spec import (
    CloseCode,
    HandshakeError,
    Ping,
    Pong,
    ProtocolError,
    Refuse,
    Request,
    Response,
    Sock,
)
from sock.spec.application import lifespan_of
from sock.spec.message import MESSAGE_TYPES
from sock.wire import handshake
from sock.wire.frame import Close

from . import clock, lifespan, values
from .peer import Heard, Peer
from .pipe import Pipe
from .request import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from types import TracebackType

    from sock.engine import Cause
    from sock.spec import App, Compression, Message, Options, Reason, Ref, Upgrade
    from sock.typed import JsonSock

# Covariant: a session with a `Chat` is one with a `JsonSock[Any, In, Out]`.
HandlerT_co = TypeVar("HandlerT_co", bound=Sock[Any, Any, Any], covariant=True)
InT = TypeVar("InT")
OutT = TypeVar("OutT")
ResultT = TypeVar("ResultT")

_FINAL = frozenset({Phase.ENDING, Phase.TERMINATING, Phase.OVER})
_NOT_OPEN = (
    "the session is not open: use it in a with statement, `with testing.open(…) as session:`, or"
    " take the pytest fixture open_session"
)
_LEAVING = 1000.0  # virtual seconds: more than all the bounds of an end together


@final
class Session(Generic[HandlerT_co]):
    """A live connection and its peer. Made by `testing.open`, used as a context manager.

    Entering makes the handshake. Every method acts, and then lets the program run until it has
    nothing left to do; every property lets it run so far before it answers. Time passes in
    `advance` only. Sessions that are open at the same time share one event loop, so one connection
    can send to another.

    The lifespan of an application is entered with its first open session, and left with the last.
    The items that it yields are in the `state` of the request; those that the test has put there
    stay.

    Leaving closes as the tab of a browser does (1001), and waits for the end of the connection.
    Then it raises the exception that a callback has raised, if there was one: a handler that fails
    fails its test. A test that expects the exception reads `error` or `reason`, and nothing is
    raised.

    Args:
        app: the application.
        request: asks for a connection, or for an ordinary answer.
        options: the limits of the host.
        compression: what the peer offers; None for nothing.
        pongs: whether the peer answers pings.
    """

    def __init__(
        self,
        app: App,
        request: Request,
        *,
        options: Options | None = None,
        compression: Compression | None = None,
        pongs: bool = False,
    ) -> None:
        if not request.host.name:  # it was not made by `testing.request`
            request.host = HOST
        self.request = request
        """The request of the peer."""
        self.response: Response | None = None
        """The ordinary answer; None when there is a connection."""
        self._app = app
        self._options = options_of_host(app, options)
        self._peer = Peer(request, compression=compression)
        self._pongs = pongs
        self._entered = False
        self._clock: clock.Clock | None = None
        self._lifespan: lifespan.SharedLifespan | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._pipe: Pipe | None = None
        self._link: Link | None = None
        self._handler: Any = None
        self._heard: list[Heard] = []
        self._pushed = 0  # how many of these `pushed` has returned
        self._sent = 0  # how many of these `sent` has returned
        self._closing = False  # whether the peer has sent a Close frame
        self._over = False
        self._cause: Cause | None = None  # why it has ended, once it is over
        self._errors: list[BaseException] = []
        self._expected: set[int] = set()  # the ids of the errors that the test has read
        self._broken: ProtocolError | None = None

    def __enter__(self) -> Self:
        self._entered = True
        self._clock = clock.borrow()
        self._unsubscribe = telemetry.subscribe(self._note)
        try:
            self._enter_lifespan(self._clock)
            self._clock.run(self._ask())
            self._raise_broken()
        except BaseException:
            self._let_go()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._leave()
        finally:
            self._let_go()
        unexpected = [one for one in self._errors if id(one) not in self._expected]
        # A peer that breaks the protocol is no fault of the handler.
        unexpected = [one for one in unexpected if not isinstance(one, ProtocolError)]
        if error is not None:
            for one in unexpected:
                trace_text = "".join(traceback.format_exception(one))
                error.add_note(f"Meanwhile the handler has raised:\n{trace_text}")
        elif unexpected:
            raise unexpected[0]
        else:
            self._raise_broken()

    # The peer, and the network.

    @overload
    def receive(self, *messages: Message) -> None: ...

    @overload
    def receive(
        self: Session[JsonSock[Any, InT, Any]],  # the session of a JsonSock
        *messages: Message | InT,
    ) -> None: ...

    def receive(self, *messages: Any) -> None:
        """Let the peer send messages and control frames, in one piece.

        Where the handler is a `JsonSock`, it sends values too, as JSON. A `str` is a message, and
        goes as it is.

        Raises:
            TypeError: the value is not of the type that the handler takes.
        """
        if not all(isinstance(one, MESSAGE_TYPES) for one in messages):
            handler = self.handler
            messages = tuple(values.as_message(handler, one) for one in messages)
        self.receive_bytes(self._peer.encoded(*messages))

    def receive_bytes(self, data: bytes) -> None:
        """Let the peer send any bytes; `testing.frame` makes some."""
        self._live_pipe().send(data)
        self._settle()

    def close(self, code: int | None = CloseCode.NORMAL, detail: str = "") -> None:
        """Let the peer send a Close frame, with any code; None for an empty one."""
        self._closing = True
        self.receive_bytes(self._peer.closing(code, detail))

    def lose(self) -> None:
        """Lose the TCP connection."""
        self._live_pipe().lose()
        self._settle()

    def end(self) -> None:
        """Let the peer end its direction (FIN), without a Close."""
        self._live_pipe().end()
        self._settle()

    def block(self) -> None:
        """Let the peer take nothing from now on: pushed messages wait in the send buffer."""
        self._live_pipe().block()
        self._settle()

    def unblock(self) -> None:
        """Let the peer take the bytes that wait, and all that come later."""
        self._live_pipe().unblock()
        self._settle()

    # The program, and time.

    def info(self, info: Any) -> None:
        """Send an info to the connection, as `Ref.send` does."""
        self.ref.send(info)
        self._settle()

    def shutdown(self, timeout: float | None = None) -> None:
        """Drain the connection: the work under way may finish within `timeout` seconds.

        None stands for `Options.drain_timeout`.
        """
        link = self._live_link()
        bound = self._options.drain_timeout if timeout is None else timeout
        self._running().call_soon(link.shutdown, bound)
        self._settle()

    def advance(self, seconds: float) -> None:
        """Let time pass, for all open sessions."""
        self._running().advance(seconds)
        self._raise_broken()

    def run(self, coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Run a coroutine of the program, such as a broadcast, and return its result."""
        if self._clock is None:
            coroutine.close()  # else Python would warn, besides, that it was never awaited
        result = self._running().run(coroutine)
        self._settle()
        return result

    # What has happened.

    def pushed(self) -> list[str | bytes]:
        """Return the pushed messages that the peer has received since the last call.

        Control frames are not among them; `sent` has those.
        """
        self._settle()
        heard, self._pushed = self._heard[self._pushed :], len(self._heard)
        return [one for one in heard if isinstance(one, (str, bytes))]

    def pushed_values(self: Session[JsonSock[Any, Any, OutT]]) -> list[OutT]:
        """Return what `pushed` returns, decoded into the type that a `JsonSock` sends.

        Raises:
            TypeError: the handler is no `JsonSock`.
            InvalidMessage: one of the messages is not of the type, such as a `Text` that is wrong.
        """
        decode = values.decoder_of(self.handler)
        return [decode(one) for one in self.pushed()]

    def sent(self) -> list[Heard]:
        """Return the messages and control frames that the peer has received since the last call."""
        self._settle()
        heard, self._sent = self._heard[self._sent :], len(self._heard)
        return heard

    @property
    def handler(self) -> HandlerT_co:
        """The Sock."""
        self._live_link()
        return cast("HandlerT_co", self._handler)

    @property
    def ref(self) -> Ref[Any]:
        """The address of the connection."""
        return self._live_link().ref

    @property
    def reason(self) -> Reason | None:
        """Why the connection has ended, as `terminate` gets it; None while it has not."""
        self._settle()
        life = self._live_link().lifecycle
        cause = self._cause or life.cause
        if life.phase not in _FINAL or cause is None:
            return None
        self._expect()
        return cause.reason

    @property
    def error(self) -> BaseException | None:
        """The first exception that a callback has raised or given to `Stop`; None for none.

        A test that reads it expects it: leaving the session does not raise it then.
        """
        self._settle()
        self._expect()
        return self._errors[0] if self._errors else None

    @property
    def code(self) -> int | None:
        """The code of the host's Close: 1005 for none, 1006 for TCP lost before it; else None."""
        self._settle()
        if self._peer.close is not None:
            return self._peer.close.code
        return int(CloseCode.ABNORMAL_CLOSURE) if self._live_pipe().lost else None

    @property
    def detail(self) -> str:
        """The text in the host's Close frame; empty while there is none."""
        self._settle()
        return "" if self._peer.close is None else self._peer.close.detail

    @property
    def closed(self) -> bool:
        """Whether everything is over: `terminate` has ended, and TCP is closed."""
        self._settle()
        return self._ended()

    @property
    def unread(self) -> int:
        """The number of bytes that the peer has sent and the host does not read yet."""
        self._settle()
        return self._live_pipe().unread

    @property
    def unsent(self) -> int:
        """The number of bytes that the host has written and the peer has not taken."""
        self._settle()
        return self._live_pipe().pending

    @property
    def writes(self) -> int:
        """How often the host has written, the 101 included."""
        self._settle()
        return self._live_pipe().writes

    @property
    def head(self) -> Mapping[str, str]:
        """The header fields of the 101."""
        self._live_link()
        assert self._peer.head is not None, "the 101 is the first that a link sends"
        return self._peer.head.headers

    def __repr__(self) -> str:
        state = "closed" if self._over else "open" if self._link else "refused"
        if not self._entered:
            state = "not open"
        return f"<Session {state} {self.request.target}>"

    # The handshake.

    def _enter_lifespan(self, running: clock.Clock) -> None:
        if (found := lifespan_of(self._app)) is not None:
            self._lifespan = lifespan.enter(found, running)
            for name, value in self._lifespan.state.items():
                self.request.state.setdefault(name, value)  # the items of the test stay

    async def _ask(self) -> None:
        request = self.request
        key = ""

        def check() -> None:
            nonlocal key
            key = handshake.check(request)

        try:
            answer = await asking.ask(
                self._app,
                request,
                check,
                upgrading=handshake.asks_to_upgrade(request),
                options=self._options,
            )
            if isinstance(answer, Response):
                self.response = answer
            else:
                self._begin(key, answer)
        except (Refuse, HandshakeError) as refusal:
            self.response = asking.refused(request, refusal)

    def _begin(self, key: str, upgrade: Upgrade) -> None:
        acceptance, options = asking.accept_upgrade(self.request, key, upgrade, self._options)
        reactor = Reactor.of(self._running())
        # No turn takes too long, as time passes in `advance` only.
        reactor.max_turn_nanoseconds = FOREVER
        request = self.request
        self._pipe = Pipe(reactor, request.client, request.server, self._arrived)
        self._handler = upgrade.handler
        self._link = Link(
            reactor,
            self._pipe,
            request,
            upgrade.handler,
            options,
            agreement=acceptance.agreement,
            on_over=self._note_over,
        )
        self._link.begin(acceptance.head)

    # Internal.

    def _arrived(self, data: bytes) -> None:
        """Receive bytes of the host, and answer the frames that a peer must answer."""
        try:
            heard = self._peer.feed(data)
        except ProtocolError as error:
            self._broken = error
            return
        self._heard += heard
        pipe = self._live_pipe()
        for one in heard:
            if isinstance(one, Close) and not self._closing:
                # RFC 6455 §5.5.1: "the endpoint MUST send a Close frame in response."
                self._closing = True
                pipe.send(self._peer.closing(one.answer))
            elif isinstance(one, Ping) and self._pongs:
                pipe.send(self._peer.encoded(Pong(one.payload)))

    def _note(self, event: str, fields: Mapping[str, Any]) -> None:
        if event == "callback.failed" and fields["request"] is self.request:
            self._errors.append(fields["error"])

    def _note_over(self, link: Link) -> None:
        self._over = True
        self._cause = link.lifecycle.cause

    def _expect(self) -> None:
        self._expected.update(map(id, self._errors))

    def _settle(self) -> None:
        if not self._entered:
            raise RuntimeError(_NOT_OPEN)
        if self._clock is not None:  # else the session has been left, and nothing changes
            self._clock.run_until_idle()
        self._raise_broken()

    def _raise_broken(self) -> None:
        if self._broken is not None:
            broken, self._broken = self._broken, None
            broken.add_note("The host has broken the protocol, not the peer.")
            raise broken

    def _running(self) -> clock.Clock:
        if self._clock is None:
            raise RuntimeError(_NOT_OPEN)
        return self._clock

    def _live_link(self) -> Link:
        if self._link is None:
            if not self._entered:
                raise RuntimeError(_NOT_OPEN)
            raise RuntimeError(f"there is no connection: the answer was {self.response!r}")
        return self._link

    def _live_pipe(self) -> Pipe:
        self._live_link()
        assert self._pipe is not None, "made with the link"
        return self._pipe

    def _leave(self) -> None:
        if self.closed:
            return
        pipe = self._live_pipe()
        if pipe.blocked or self._closing:
            pipe.lose()
        else:
            self.close(CloseCode.GOING_AWAY)
        # The end of this connection is bounded, but time may pass only when no other session is
        # open: they share it.
        if not (clock.shared() or self._ended()):
            self._running().advance(_LEAVING)

    def _ended(self) -> bool:
        return self._link is None or self._over

    def _let_go(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        if self._clock is not None:
            running, self._clock = self._clock, None
            entered, self._lifespan = self._lifespan, None
            try:
                if entered is not None:
                    lifespan.leave(entered, running)
            finally:
                clock.give_back()
