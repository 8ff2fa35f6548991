"""An application whose handlers are wrapped: `around(app, Log)`."""

# Annotations are evaluated, so that get_type_hints reads them under the name sock.around.
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeAlias, final

from .application import Composed, Inner, check_app, lifespan_of, options_of
from .handler import Sock
from .request import Request
from .upgrade import Answer, App, Upgrade, change_upgrade
from .wrapper import Wrapper

MakeWrapper: TypeAlias = Callable[[Sock[Any, Any, Any]], Sock[Any, Any, Any]]
"""Puts a wrapper in front of a handler: a class of wrappers, or a function that makes one."""


def around(app: App, wrapper: MakeWrapper) -> "Around":
    """Return an application like `app`, with a wrapper in front of each of its handlers.

    It has the lifespan and the options of `app`. A `Response` and a `Refuse` pass untouched.

    Args:
        app: a callable that takes a request and returns an answer, such as a Sock class.
        wrapper: a subclass of `Wrapper`, or a function that takes a handler and returns the one
            that stands in front of it: `functools.partial(Limit, per_second=10)`.

    Raises:
        TypeError: one of them is something else.

    >>> class Quiet(Wrapper):
    ...     def outgoing(self, message):
    ...         return None
    >>> class Echo(Sock):
    ...     def handle_in(self, message):
    ...         return message
    >>> app = around(Echo, Quiet)
    >>> app(Request()).handler.handle_in("hi")
    """
    return Around(app, wrapper)


@final
class Around(Composed):
    """An application with a wrapper in front of each of its handlers. Made by `around`."""

    __slots__ = ("app", "wrapper")

    app: App
    wrapper: MakeWrapper

    def __init__(self, app: App, wrapper: MakeWrapper) -> None:
        check_app(app)
        _check_wrapper(wrapper)
        super().__init__(lifespan_of(app), options_of(app))
        self.app = app
        self.wrapper = wrapper

    def __call__(self, request: Request, /) -> Answer | Awaitable[Answer]:
        """Call the application, and wrap the handler that it answers with."""
        return change_upgrade(self.app(request), self._wrapped)

    def answering(self, path: str | None) -> Inner | None:
        """Return the application in it."""
        return Inner(self.app, path)

    def parts(self) -> Iterable[tuple[str, App]]:
        """Return the application in it."""
        return (("", self.app),)

    def _wrapped(self, upgrade: Upgrade) -> Upgrade:
        return upgrade.replace(handler=self.wrapper(upgrade.handler))

    def __repr__(self) -> str:
        return f"around({self.app!r}, {self.wrapper!r})"


def _check_wrapper(wrapper: Any) -> None:
    kind = wrapper if isinstance(wrapper, type) else Wrapper
    if issubclass(kind, Sock) and not issubclass(kind, Wrapper):
        raise TypeError(
            f"{kind.__name__} stands in front of no other Sock: derive it from sock.Wrapper"
        )
    if not callable(wrapper):
        raise TypeError(
            "a wrapper is called with a handler, for each connection: give the class, and not"
            f" {wrapper!r}"
        )
