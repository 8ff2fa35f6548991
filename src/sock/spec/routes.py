"""Applications that are made of others by the path: `Routes` and `mount`."""

# Annotations are evaluated, so that get_type_hints reads them under the name sock.Routes.
from collections.abc import Awaitable, Iterable, Mapping
from functools import partial
from typing import final

from .application import Composed, Inner, check_app, lifespan_of, options_of
from .lifespan import joined
from .options import Options, check_of_connection
from .request import Request
from .template import Template
from .upgrade import Answer, App, Response, Upgrade, change_upgrade


@final
class Routes(Composed):
    """An application that is chosen by the path.

    The first template that matches calls its application, with the values of its parameters in
    `request.path_params`. If none matches, the answer is 404.

    A template is compared with the whole path, decoded. `{name}` matches one or more characters
    other than a slash, `{name:path}` any characters, and `{name:int}`, `{name:float}` and
    `{name:uuid}` values that are converted. A slash at the end counts.

    Its lifespan enters those of the applications, in order, and leaves them in reverse. The options
    of an application are laid over those of the host, for the connections of its template.

    Args:
        routes: from templates to applications, in the order in which they are tried.

    Raises:
        ValueError: a template is wrong or never reached, or an application has options that only a
            server has.
        TypeError: what stands behind a template is not an application.

    >>> def room(request: Request) -> Response:
    ...     return Response(200, request.path_params["room"])
    >>> app = Routes({"/rooms/{room}": room, "/healthz": lambda _: Response(204)})
    >>> app(Request("GET", "/rooms/7")).body
    '7'
    >>> app(Request("GET", "/rooms")).status
    404
    """

    __slots__ = ("_routes",)

    _routes: tuple[tuple[Template, App, Options | None], ...]

    def __init__(self, routes: Mapping[str, App], /) -> None:
        self._routes = tuple(_route(text, app) for text, app in routes.items())
        shapes: dict[str, Template] = {}
        for template, _, _ in self._routes:
            first = shapes.setdefault(template.shape, template)
            if first is not template:
                raise ValueError(
                    f"the template {template.text!r} is never reached: {first.text!r} comes first,"
                    " and matches the same paths"
                )
        super().__init__(joined(lifespan_of(app) for _, app, _ in self._routes), None)

    def __call__(self, request: Request, /) -> Answer | Awaitable[Answer]:
        """Call the application of the first template that matches."""
        path = request.path
        for template, app, options in self._routes:
            values = template.match(path)
            if values is not None:
                if values:
                    request.path_params = {**request.path_params, **values}
                answer = app(request)
                if options is None:
                    return answer
                return change_upgrade(answer, partial(_with_options, options))
        return _not_found()

    def answering(self, path: str | None) -> Inner | None:
        """Return the application of the first template that matches."""
        if path is None:
            return None
        return next(
            (
                Inner(app, path, options)
                for template, app, options in self._routes
                if template.match(path) is not None
            ),
            None,
        )

    def parts(self) -> Iterable[tuple[str, App]]:
        """Return the applications behind their templates."""
        return tuple((template.text, app) for template, app, _ in self._routes)

    def __repr__(self) -> str:
        shown = ", ".join(f"{template.text!r}: {app!r}" for template, app, _ in self._routes)
        return f"Routes({{{shown}}})"


def mount(prefix: str, app: App) -> "Mount":
    """Return an application that serves `app` below a prefix of the path; elsewhere it answers 404.

    The application sees the rest of the path in `request.path`, at least a slash, and the prefix at
    the end of `request.root_path`. `request.target` stays as it came.

    Args:
        prefix: such as "/chat": decoded, with a slash at its beginning and none at its end.
        app: a callable that takes a request and returns an answer, such as `Routes`.

    Raises:
        ValueError: the prefix has another form.
        TypeError: `app` cannot be called.

    >>> def where(request: Request) -> Response:
    ...     return Response(200, f"{request.root_path} {request.path}")
    >>> mount("/chat", where)(Request("GET", "/chat/rooms/7")).body
    '/chat /rooms/7'
    """
    return Mount(prefix, app)


@final
class Mount(Composed):
    """An application below a prefix of the path. Made by `mount`."""

    __slots__ = ("app", "prefix")

    app: App
    prefix: str

    def __init__(self, prefix: str, app: App) -> None:
        _check_prefix(prefix)
        check_app(app, f"below {prefix!r}:")
        super().__init__(lifespan_of(app), options_of(app))
        self.prefix = prefix
        self.app = app

    def __call__(self, request: Request, /) -> Answer | Awaitable[Answer]:
        """Call the application, if the path has the prefix."""
        rest = self._rest(request.path)
        if rest is None:
            return _not_found()
        request.root_path += self.prefix
        request.path = rest
        return self.app(request)

    def answering(self, path: str | None) -> Inner | None:
        """Return the application, if the path has the prefix."""
        rest = None if path is None else self._rest(path)
        return None if rest is None else Inner(self.app, rest)

    def parts(self) -> Iterable[tuple[str, App]]:
        """Return the application behind its prefix."""
        return ((self.prefix, self.app),)

    def _rest(self, path: str) -> str | None:
        """Return the path behind the prefix; None if it has another beginning."""
        rest = path[len(self.prefix) :]
        if not path.startswith(self.prefix) or (rest and not rest.startswith("/")):
            return None
        return rest or "/"

    def __repr__(self) -> str:
        return f"mount({self.prefix!r}, {self.app!r})"


def _route(text: str, app: App) -> tuple[Template, App, Options | None]:
    template = Template(text)
    check_app(app, f"behind {text!r}:")
    options = options_of(app)
    if options is not None:
        try:
            check_of_connection(options, f"the options of {text!r}")
        except ValueError as error:
            hint = "give them to the whole: Application(Routes({…}), options=…)"
            raise ValueError(f"{error}; {hint}") from None
    return template, app, options


def _with_options(options: Options, upgrade: Upgrade) -> Upgrade:
    """Lay the options of a route below those of the handler's class and of the upgrade."""
    for more in (upgrade.handler.options, upgrade.options):
        if more is not None:
            options = more.over(options)
    return upgrade.replace(options=options)


def _not_found() -> Response:
    return Response(404, "nothing here\n")


def _check_prefix(prefix: str) -> None:
    if not prefix.startswith("/") or prefix.endswith("/"):
        raise ValueError(
            "a prefix is like '/chat', with a slash at its beginning and none at its end, not"
            f" {prefix!r}"
        )
    if Template(prefix).match(prefix) != {}:
        raise ValueError(f"the prefix {prefix!r} has a parameter, and only Routes know those")
