"""A Sock that stands in front of another one, and sees its messages."""

from __future__ import annotations

from collections.abc import Awaitable
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from .errors import HandlerError
from .halt import stop_in
from .handler import Sock
from .own_callback import own_callback
from .passed_messages import PassedMessages, passed_call
from .passing import pass_result, pass_stop
from .result import Stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from .message import Message, Ping, Pong
    from .reason import Reason
    from .ref import Ref
    from .result import Returned

Incoming: TypeAlias = str | bytes | Stop | None
"""What becomes of a message of the peer: the same or another one, nothing, or the end."""

_LOOKED_UP: Final = ("handle_in", "handle_control", "handle_info", "terminate")
"""The callbacks that a host leaves out where a handler has none of its own."""


class Wrapper(Sock[Any, Any, Any]):
    """A Sock in front of another one. It sees whole messages, in whatever form they were returned.

    A subclass overrides `incoming`, `outgoing` or both. Wrappers stand in front of each other in
    any order: the outermost sees first what the peer has sent, and last what is sent to the peer.

    A wrapper takes the messages that the other Sock takes, has the callbacks that it has, and has
    its options: behind a wrapper, a `TextSock` refuses binary messages as it does without. A
    wrapper may also override callbacks, and call those of the other Sock by `super()`.

    Args:
        handler: the Sock that it stands in front of.

    Raises:
        TypeError: it is not a Sock, but for instance a class in place of its instance.

    >>> class Loud(Wrapper):
    ...     def outgoing(self, message):
    ...         return message.upper() if isinstance(message, str) else message
    >>> class Echo(Sock):
    ...     def handle_in(self, message):
    ...         return [message, b"bytes"]
    >>> Loud(Echo(Request())).handle_in("hi")
    ['HI', b'bytes']
    """

    handler: Sock[Any, Any, Any]
    """The Sock that the wrapper stands in front of."""

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Refuse options.

        Raises:
            TypeError: the class has an attribute `options`.
        """
        if cls.options is not None:
            raise TypeError(
                f"{cls.__name__} cannot have options: a Wrapper has those of the Sock that it"
                " stands in front of. Give options to the application, or to an Upgrade"
            )
        super().__init_subclass__(**arguments)

    def __init__(self, handler: Sock[Any, Any, Any], /) -> None:
        _check(type(self), handler)
        self.handler = handler
        kind = type(self)
        # A host asks this object, and not its class ([S20.10]). No attribute is a method that is
        # bound to this object, because that would keep it alive until the garbage collector runs.
        mine = vars(self)
        mine["options"] = handler.options
        if kind.accepts is Sock.accepts:
            mine["accepts"] = handler.accepts
        self.__accepted = handler.accepts
        self.__sees_outgoing = kind.outgoing is not Wrapper.outgoing
        self.__init = _callback(handler, "init")
        self.__handle_in = _callback(handler, "handle_in")
        self.__handle_control = _callback(handler, "handle_control")
        self.__handle_info = _callback(handler, "handle_info")
        for name in _LOOKED_UP:
            if getattr(kind, name) is getattr(Wrapper, name) and self.__leaves_out(name):
                mine[name] = _callback(handler, name)

    def incoming(self, message: Any, /) -> Incoming | Awaitable[Incoming]:
        """See a message from the peer, before the other Sock does. It may be a coroutine.

        Args:
            message: `str` or `bytes`.

        Returns:
            The message for the other Sock, which may be another one; None to swallow it; or a Stop
            to end the connection.
        """
        return cast("Incoming", message)

    def outgoing(self, message: Any, /) -> Message | Stop | None:
        """See a message for the peer, before it is sent. It may not be a coroutine.

        Args:
            message: as the other Sock has given it: `str`, `bytes`, `Text`, `Prepared`, `Ping` …

        Returns:
            The message that is sent, which may be another one; None to send nothing; or a Stop to
            end the connection in its place.
        """
        return cast("Message", message)

    def init(self, ref: Ref[Any], /) -> Returned:
        """Begin the other Sock."""
        return cast("Returned", self.__call(self.__init, ref))

    def handle_in(self, message: Any, /) -> Returned:
        """Show a message to `incoming`, and give what it returns to the other Sock."""
        taken: Any = self.incoming(message)
        try:
            return cast("Returned", self.__take(taken))
        finally:
            del taken  # a Stop may have an exception, which refers to this frame

    def handle_control(self, frame: Ping | Pong, /) -> Returned:
        """Give a ping or a pong to the other Sock."""
        return cast("Returned", self.__call(self.__handle_control, frame))

    def handle_info(self, info: Any, /) -> Returned:
        """Give an info to the other Sock, which pushes it if it has no `handle_info`."""
        return cast("Returned", self.__call(self.__handle_info, info))

    def terminate(self, reason: Reason, /) -> None | Awaitable[None]:
        """End the other Sock."""
        return self.handler.terminate(reason)

    def __leaves_out(self, name: str) -> bool:
        """Tell whether the wrapper has nothing to do in a callback, or the other Sock lacks it."""
        if name == "terminate":
            return True
        if name == "handle_info" and self.__sees_outgoing:
            return False  # where the other Sock lacks it, it pushes infos, and these are seen
        if own_callback(self.handler, name) is None:
            return True
        sees_incoming = name == "handle_in" and type(self).incoming is not Wrapper.incoming
        return not (self.__sees_outgoing or sees_incoming)

    def __call(self, callback: Callable[[Any], Any], argument: Any) -> Any:
        """Call the other Sock, and show the messages of its result to `outgoing`."""
        if not self.__sees_outgoing:
            return callback(argument)
        return passed_call(callback, argument, self.outgoing)

    def __passed(self) -> Callable[[Any], Any]:  # pyright: ignore[reportUnusedFunction] - by short_way
        """Return a function that does what `handle_in` does, and that this object must not keep."""
        passed = PassedMessages(
            None if type(self).incoming is Wrapper.incoming else self.incoming,
            short_way(self.__handle_in),
            self.outgoing if self.__sees_outgoing else None,
            self.__accepted,
            self.__take,
        )
        return passed.handle_in

    def __take(self, taken: Any) -> Any:
        """Carry out what `incoming` has returned."""
        if isinstance(taken, self.__accepted):
            return self.__call(self.__handle_in, taken)
        if taken is None or isinstance(taken, Stop):
            return taken
        if isinstance(taken, Awaitable):
            return self.__take_later(cast("Awaitable[Any]", taken))
        wanted = " or ".join(kind.__name__ for kind in self.__accepted)
        raise HandlerError(
            f"{type(self).__qualname__}.incoming returned {type(taken).__name__!r}:"
            f" {inner_class(self).__qualname__} takes {wanted}. None swallows the message, and a"
            " Stop ends the connection"
        )

    async def __take_later(self, taken: Awaitable[Any]) -> Any:
        return self.__take(await taken)


def short_way(callback: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a shorter way to do what a callback `handle_in` does, if it is a wrapper's.

    For hosts, which call this once for each connection. Three calls are left of those of a wrapper
    (bench, echo-16: a wrapper that only looks costs a third of what it did).
    """
    method: Any = callback
    if type(method) is MethodType and method.__func__ is Wrapper.handle_in:
        wrapper: Any = method.__self__
        return cast("Callable[[Any], Any]", wrapper._Wrapper__passed())  # noqa: SLF001 - of this module
    return callback


def inner_class(handler: Sock[Any, Any, Any]) -> type[Sock[Any, Any, Any]]:
    """Return the class of the handler behind all wrappers, for names and reports. For hosts."""
    while isinstance(handler, Wrapper):
        handler = handler.handler
    return type(handler)


def pass_message_from_outside(handler: Sock[Any, Any, Any], message: Message) -> Any:
    """Return a message that no callback has given, as the wrappers of a handler let it pass.

    For hosts. It comes from `Whole`. Returns what a callback may return.
    """
    if not isinstance(handler, Wrapper):
        return message
    return pass_result(pass_message_from_outside(handler.handler, message), handler.outgoing)


def pass_stop_from_outside(
    handler: Sock[Any, Any, Any], stop: Stop, *, spawned: bool = False
) -> Stop:
    """Return a Stop that no callback has given, as the wrappers of a handler let it pass.

    For hosts. It comes from `Ref.stop`, which takes messages, or from a spawned task: that belongs
    to the handler, so where the handler's messages are values, those of the Stop are values too. If
    a wrapper raises an exception, that is the error of the Stop that is returned, and so is the
    error of a value that cannot be sent.
    """
    try:
        if isinstance(handler, Wrapper):
            stop = pass_stop_from_outside(handler.handler, stop, spawned=spawned)
            return pass_stop(stop, handler.outgoing)
        coded = handler.coded if spawned else None
        return stop if coded is None else coded(_same, "spawn")(stop)
    except Exception as error:  # noqa: BLE001 - outgoing may raise anything
        return stop_in(error) or Stop(error=error)


def _same(stop: Stop) -> Stop:
    return stop


def _callback(handler: Sock[Any, Any, Any], name: str) -> Callable[[Any], Any]:
    """Return what a host calls for a callback of the other Sock, also if that is Sock's own."""
    return own_callback(handler, name) or cast("Callable[[Any], Any]", getattr(handler, name))


def _check(kind: type, handler: Any) -> None:
    if isinstance(handler, Sock):
        return
    if isinstance(handler, type):
        hint = f"the class {handler.__name__}: did you mean {handler.__name__}(request)?"
    else:
        hint = f"{type(handler).__name__!r}. For an application: around(app, {kind.__name__})"
    raise TypeError(f"{kind.__name__} stands in front of a Sock, and not of {hint}")
