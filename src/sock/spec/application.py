"""An application with its lifespan and its options."""

# Annotations are evaluated, so that get_type_hints reads them under the name sock.Application.
import functools
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, TypeAlias, cast, final

from .handler import Sock
from .options import Options
from .request import Request
from .upgrade import Answer, App
from .wrapper import Wrapper

Lifespan: TypeAlias = Callable[[], AbstractAsyncContextManager[Mapping[str, Any] | None]]
"""A callable without arguments that returns an async context manager; each server enters one."""


class Inner(NamedTuple):
    """The application that answers in the place of another one, and what it is given."""

    app: object
    path: str | None
    """The path that it sees; None if that of the request is not known."""
    options: Options | None = None
    """What is laid over the options of the host, under those of the handler's class."""


class Composed(ABC):
    """An application that is made of others: `Application`, `around`, `Routes`, `mount`.

    Args:
        lifespan: that a host enters for all of it.
        options: that belong to it.
    """

    __slots__ = ("lifespan", "options")

    lifespan: Lifespan | None
    options: Options | None

    def __init__(self, lifespan: Lifespan | None, options: Options | None) -> None:
        self.lifespan = lifespan
        self.options = options

    @abstractmethod
    def answering(self, path: str | None) -> Inner | None:
        """Return the application that answers, one step further in. For hosts.

        Args:
            path: of the request; None for whatever it may be.

        Returns:
            None, if no application answers, or if that depends on the path.
        """
        ...

    @abstractmethod
    def parts(self) -> Iterable[tuple[str, App]]:
        """Return the applications in it, each behind the template of the paths that reach it.

        The template is empty if the path plays no part.
        """
        ...


@final
class Application(Composed):
    """An application with a lifespan and options that belong to it.

    It is called like the application itself. A host reads the lifespan and the options as
    attributes of any application, so a function may have them too. If one of them is not given
    here, that of the application itself counts.

    Args:
        app: a callable that takes a request and returns an answer, such as a Sock class.
        lifespan: entered before the host accepts, left after its drain. A mapping that it yields is
            copied into the `state` of every request. If it raises, the server does not start.
        options: limits. The options of the host are laid over them, then those of the handler's
            class, then those of an `Upgrade`.

    Raises:
        TypeError: an argument has the wrong type.

    >>> class Echo(Sock):
    ...     def handle_in(self, message: str | bytes) -> str | bytes:
    ...         return message
    >>> Application(Echo, options=Options(idle_timeout=300)).options
    Options(idle_timeout=300)
    """

    __slots__ = ("app",)

    app: App

    def __init__(
        self, app: App, *, lifespan: Lifespan | None = None, options: Options | None = None
    ) -> None:
        check_app(app)
        own = options_of(app)
        super().__init__(
            lifespan_of(app) if lifespan is None else _checked_lifespan(lifespan),
            own if options is None else laid_over(options, own),
        )
        self.app = app

    def __call__(self, request: Request, /) -> Answer | Awaitable[Answer]:
        """Call the application."""
        return self.app(request)

    def answering(self, path: str | None) -> Inner | None:
        """Return the application in it."""
        return Inner(self.app, path)

    def parts(self) -> Iterable[tuple[str, App]]:
        """Return the application in it."""
        return (("", self.app),)

    def __repr__(self) -> str:
        return f"Application({self.app!r})"


def lifespan_of(app: object) -> Lifespan | None:
    """Return the lifespan of an application; None if it has none. For hosts.

    Raises:
        TypeError: its attribute `lifespan` is not a function that returns a context manager.
    """
    return _checked_lifespan(_carried(app, "lifespan"))


def options_of(app: object) -> Options | None:
    """Return the options of an application; None if it has none. For hosts.

    The options of a Sock class do not count here: they belong to the handler, and are laid over
    those of the host.

    Raises:
        TypeError: its attribute `options` is not an Options.
    """
    return _checked_options(_carried(app, "options"))


def handler_class(app: object) -> type[Sock[Any, Any, Any]] | None:
    """Return the Sock class if the application is one; None if it may give other answers too.

    A partial is looked through, and an application that is made of others. For hosts.
    """
    return routed_class(app, None)[0]


def routed_class(
    app: object, path: str | None
) -> tuple[type[Sock[Any, Any, Any]] | None, Options | None]:
    """Return the Sock class that answers for a path, and the options of its route. For hosts.

    Args:
        app: the application.
        path: of a request; None for all paths.

    Returns:
        None for the class, if the application for this path may give other answers too. None for
        the options, if no route has some.
    """
    inner, options = _innermost(app, path)
    return (cast("type[Sock[Any, Any, Any]]", inner) if _is_sock(inner) else None), options


def depends_on_path(app: object) -> bool:
    """Tell whether the path of a request decides which application answers. For hosts."""
    return isinstance(_innermost(app, None)[0], Composed)


def check_app(app: object, where: str = "") -> None:
    """Refuse what is not an application.

    Args:
        app: is called with a request.
        where: names its place in the error, with a colon at the end.

    Raises:
        TypeError: it cannot be called, or it is a class of wrappers.
    """
    where = where and f"{where} "
    if not callable(app):
        raise TypeError(f"{where}an application is called with a request, and {app!r} cannot be")
    if isinstance(app, type) and issubclass(app, Wrapper):
        name = app.__name__
        raise TypeError(f"{where}{name} is a wrapper, and no application: around(app, {name})")


def laid_over(options: object, base: Options | None) -> Options:
    """Return the options laid over a base, or the options alone if there is no base.

    Raises:
        TypeError: they are not an Options.
    """
    given = _checked_options(options)
    assert given is not None, "no caller passes None"
    return given if base is None else given.over(base)


def _carried(app: object, name: str) -> Any:
    """Return an attribute of an application, or of the function inside of a functools.partial."""
    while True:
        found: Any = None if _is_sock(app) and name == "options" else getattr(app, name, None)
        if found is not None or not isinstance(app, functools.partial):
            return found
        app = cast("functools.partial[object]", app).func


def _innermost(app: object, path: str | None) -> tuple[object, Options | None]:
    """Return the application that answers, behind all that is around it, and its route's options.

    If none answers, or if that depends on the path, it is the one that would choose.
    """
    options: Options | None = None
    while True:
        if isinstance(app, functools.partial):
            app = cast("functools.partial[object]", app).func
            continue
        if not isinstance(app, Composed):
            return app, options
        inner = app.answering(path)
        if inner is None:
            return app, options
        app, path = inner.app, inner.path
        if inner.options is not None:
            options = laid_over(inner.options, options)


def _is_sock(app: object) -> bool:
    return isinstance(app, type) and issubclass(app, Sock)


def _checked_lifespan(lifespan: Any) -> Lifespan | None:
    # A context manager that contextlib has made could be called too, as a decorator.
    if lifespan is not None and (not callable(lifespan) or hasattr(lifespan, "__aenter__")):
        hint = ": it has been called already" if hasattr(lifespan, "__aenter__") else ""
        raise TypeError(
            "a lifespan is called without arguments and returns an async context manager, which"
            f" {lifespan!r} does not{hint}"
        )
    return cast("Lifespan | None", lifespan)


def _checked_options(options: Any) -> Options | None:
    if options is not None and not isinstance(options, Options):
        raise TypeError(f"options are an Options, not {type(options).__name__!r}")
    return options
