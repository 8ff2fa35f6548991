"""The command line: `sock run MODULE:APP`.

Exit codes: 0 after a clean stop; 1 when the server cannot start, such as for a port in use; 2 when
what was asked for is not there: a module, an application, an option.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import importlib.util
import inspect
import pkgutil
import socket
import ssl
import sys
import traceback
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.core import ParameterSource

from sock import Options, Sock, __version__, native

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import ModuleType, TracebackType

    from .server.run import LogFormat, Loop

_CANNOT_START = 1
_NOT_THERE = 2

_RELOAD_DRAIN = 2.0
"""Seconds of a stop with --reload: one for what is under way, uvicorn's adapter keeps the other."""


def _option(name: str, **settings: Any) -> Callable[[Any], Any]:
    """Declare an option that is a variable too."""
    variable = "SOCK_" + name.removeprefix("--").replace("-", "_").upper()
    return click.option(name, envvar=variable, show_envvar=True, **settings)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    __version__,
    prog_name="sock",
    message=f"%(prog)s %(version)s, {native.describe()}",
)
def main() -> None:
    """Serve WebSocket applications.

    An application is any callable that takes a request and answers it with a Sock, an Upgrade or a
    Response; so a Sock class is one.

    \b
      sock run chat:app       serve the app of chat.py
      sock run --help         all there is to say about that
    """  # noqa: D301 - click looks for the backspace itself


@main.command(context_settings={"show_default": True})
@click.argument("target", metavar="MODULE:APP")
@_option(
    "--host",
    default="127.0.0.1",
    help="Name or address to listen on; 0.0.0.0 is every interface.",
)
@_option(
    "--port",
    default=8000,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 picks a free one.",
)
@_option(
    "--factory",
    is_flag=True,
    help="APP is a function without arguments that returns the application.",
)
@_option(
    "--app-dir",
    default=".",
    type=click.Path(exists=True, file_okay=False),
    help="Folder in which MODULE is looked for first.",
)
@_option(
    "--drain-timeout",
    default=30.0,
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    help="How long a stop may take before connections are cut; 2 with --reload, if not given.",
)
@_option(
    "--loop",
    default="auto",
    type=click.Choice(["auto", "asyncio", "uvloop"]),
    help="Event loop; auto is uvloop when it is installed.",
)
@_option(
    "--log-level",
    default="info",
    type=click.Choice(["debug", "info", "warning", "error", "critical"]),
    help="The lowest level that is shown.",
)
@_option(
    "--log-format",
    default="text",
    type=click.Choice(["text", "json"]),
    help="json is one object a line.",
)
@_option(
    "--access-log",
    is_flag=True,
    help="A line for each answer, and for each connection's beginning and end.",
)
@_option(
    "--log-query",
    is_flag=True,
    help="Show the values in query strings, tokens among them, in place of ***.",
)
@_option(
    "--debug",
    is_flag=True,
    help="Name callbacks that block the event loop.",
)
@_option(
    "--workers",
    default=1,
    type=click.IntRange(1),
    help="Number of processes. ASGI applications only.",
)
@_option(
    "--reload",
    is_flag=True,
    help="Start again when a file changes. ASGI applications only.",
)
@_option(
    "--reload-dir",
    multiple=True,
    type=click.Path(exists=True, file_okay=False),
    show_default="that of --app-dir",
    help="Folder that --reload watches; may be given more than once.",
)
@_option(
    "--certificate",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Speak TLS with this certificate, in PEM. ASGI applications only.",
)
@_option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The key of --certificate, which it needs, if it is not in the same file.",
)
@_option(
    "--root-path",
    default="",
    show_default=False,
    help="Path under which a proxy shows the application, such as /chat. ASGI applications only.",
)
@_option(
    "--forwarded-allow-ips",
    metavar="IPS",
    show_default="127.0.0.1",
    help="Proxies whose X-Forwarded-For and -Proto are believed, with commas between; * is all."
    " ASGI applications only.",
)
@_option(
    "--uds",
    metavar="PATH",
    help="Listen on a Unix socket, for a proxy on this machine, in place of host and port. ASGI"
    " applications only.",
)
def run(
    target: str,
    host: str,
    port: int,
    factory: bool,
    app_dir: str,
    drain_timeout: float,
    loop: Loop,
    log_level: str,
    log_format: LogFormat,
    access_log: bool,
    log_query: bool,
    debug: bool,
    workers: int,
    reload: bool,
    certificate: Path | None,
    key: Path | None,
    **of_uvicorn: Any,
) -> None:
    """Serve the application APP of the module MODULE.

    \b
      sock run chat:app                       chat.py is here, app is in it
      sock run games.chess:Chess --port 0     a Sock class, on a free port
      sock run chat:make_app --factory        what make_app() returns
      SOCK_PORT=9000 sock run chat:app        each option is a variable too

    An ASGI application (FastAPI, Starlette, Django …) is run by uvicorn, which needs the extra
    `uvicorn`; the Socks in it have their own wire there.

    SIGTERM and Ctrl-C stop it: nothing more is accepted, what is under way is finished, and clients
    are told to come back (1012). A second one ends it at once.
    """  # noqa: D301 - as above
    if loop == "uvloop" and importlib.util.find_spec("uvloop") is None:
        _fail(
            "uvloop is not installed: pip install 'sockpy[uvloop]', or --loop asyncio",
            _CANNOT_START,
        )
    if key and not certificate:
        _fail("--key is that of a certificate: say --certificate too.", _NOT_THERE)
    folder = Path(app_dir).resolve()
    found = _find(target, folder)
    # Each process makes its own application. In this one it would be one too many.
    unmade = factory and (reload or workers > 1)
    if factory:
        _check_factory(found, target)
        found = found if unmade else _make(found, target)
    if not unmade and (problem := _problem_of_app(found)) is not None:
        _fail(f"{target!r} is no application: {problem}.", _NOT_THERE)
    if unmade or _is_asgi(found):
        try:
            from .adapters.launch import run as launch
        except ImportError as error:
            _fail(f"{target!r} is an ASGI application, and {error}", _CANNOT_START)
        if certificate:
            _try_certificate(certificate, key)
        if not of_uvicorn["uds"]:
            with _listening(host, port):
                asyncio.run(_try_listening(host, port))
        source = click.get_current_context().get_parameter_source("drain_timeout")
        if reload and source is ParameterSource.DEFAULT:
            drain_timeout = _RELOAD_DRAIN
        launch(
            target,
            found,
            app_dir=folder,
            factory=factory,
            host=host,
            port=port,
            drain_timeout=drain_timeout,
            loop=loop,
            log_level=log_level,
            log_format=log_format,
            access_log=access_log,
            log_query=log_query,
            debug=debug,
            workers=workers,
            reload=reload,
            certificate=certificate,
            key=key,
            **of_uvicorn,
        )
        return
    wanted = {"workers": workers > 1, "reload": reload, "certificate": certificate, **of_uvicorn}
    for name, given in wanted.items():
        if given:
            _fail(
                f"--{name.replace('_', '-')} is for ASGI applications only, which uvicorn runs;"
                f" {target!r} is none. sock.asgi(app) makes it one.",
                _NOT_THERE,
            )
    from .server import run as serve

    with _listening(host, port):
        serve(
            found,
            host=host,
            port=port,
            options=Options(drain_timeout=drain_timeout),
            loop=loop,
            log_level=log_level,
            log_format=log_format,
            access_log=access_log,
            log_query=log_query,
            debug=debug,
        )


def _fail(message: str, code: int) -> NoReturn:
    click.echo(f"sock: {message}", err=True)
    sys.exit(code)


@contextlib.contextmanager
def _listening(host: str, port: int) -> Generator[None]:
    """Tell in one line why it cannot be listened there."""
    try:
        yield
    except OSError as error:
        problem = _problem_of_listening(error, host, port)
        if problem is None:
            raise
        _fail(problem, _CANNOT_START)


async def _try_listening(host: str, port: int) -> None:
    """Bind, and let go: uvicorn, which binds then, would tell a problem in its own way."""
    from .server.listener import bind

    for sock in await bind(host, port):
        sock.close()


def _try_certificate(certificate: Path, key: Path | None) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:  # an SSLError is one
        why = getattr(error, "reason", None) or error.strerror or error
        what = f"{str(certificate)!r} and {str(key)!r} are" if key else f"{str(certificate)!r} is"
        _fail(f"{what} no certificate with its key, in PEM: {why}", _CANNOT_START)


def _problem_of_listening(error: OSError, host: str, port: int) -> str | None:
    if isinstance(error, socket.gaierror):
        return f"no host named {host!r}: {error.strerror}"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use. --port 0 picks a free one."
    if error.errno == errno.EACCES:
        return f"port {port} of {host} is not allowed to this user. Try one above 1023."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine."
    return None


# Finding the application.


def _find(target: str, folder: Path) -> Any:
    module_name, _, name = target.partition(":")
    if module_name.endswith(".py"):
        better = ".".join(Path(module_name).with_suffix("").parts)
        _fail(f"{module_name!r} is a file. Did you mean '{better}:{name or 'app'}'?", _NOT_THERE)
    if not all(part.isidentifier() for part in module_name.split(".")):
        _fail(f"{module_name!r} is no name of a module. Say MODULE:APP.", _NOT_THERE)
    sys.path.insert(0, str(folder))
    module = _import(module_name, folder)
    if not name:
        _fail(f"{target!r} does not say which application. {_offer(module)}", _NOT_THERE)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            near = _nearest(part, found) if found is module else None
            hint = f"Did you mean '{module_name}:{near}'?" if near else _offer(module)
            _fail(f"{module_name!r} has no {name!r}. {hint}", _NOT_THERE)
        found = getattr(found, part)
    return found


def _import(name: str, folder: Path) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name != missing and not name.startswith(f"{missing}."):
            _show_own(error)
            _fail(f"{name!r} cannot be imported.", _CANNOT_START)
        parent, _, last = missing.rpartition(".")
        near = get_close_matches(last, _siblings(parent, folder), n=1)
        hint = ""
        if near:
            better = f"{parent}.{near[0]}" if parent else near[0]
            hint = f" Did you mean '{better}{name[len(missing) :]}'?"
        _fail(f"no module named {name!r}.{hint}", _NOT_THERE)
    except Exception as error:  # noqa: BLE001 - it is the user's code: whatever it raises is shown
        _show_own(error)
        _fail(f"{name!r} cannot be imported.", _CANNOT_START)


def _siblings(parent: str, folder: Path) -> set[str]:
    """Return the names of the modules in a package, or in the folder."""
    paths: list[str] = [str(folder)]
    if parent:
        paths = list(getattr(sys.modules.get(parent), "__path__", []))
    names = {module.name for module in pkgutil.iter_modules(paths)}
    for path in map(Path, paths):
        # Folders without an __init__ are packages too.
        if path.is_dir():
            names |= {inner.parent.name for inner in path.glob("*/*.py")}
    return names


def _check_factory(factory: Any, target: str) -> None:
    if not callable(factory):
        _fail(f"{target!r} is no factory: it cannot be called.", _NOT_THERE)
    if _accepts(factory, 0) is False:
        _fail(f"{target!r} is no factory: it cannot be called without arguments.", _NOT_THERE)


def _make(factory: Any, target: str) -> Any:
    try:
        return factory()
    except Exception as error:  # noqa: BLE001 - it is the user's code: whatever it raises is shown
        _show_own(error)
        _fail(f"{target!r} cannot make the application.", _CANNOT_START)


def _is_asgi(found: Any) -> bool:
    """Tell whether this is called with a scope and two callables: ASGI 3.

    A wrapper with `*args`, or without a signature, is one too, unless it is made of a Sock class:
    applications of our own say that they take a request.
    """
    if _takes_scope(found):
        return True
    inner: Any = getattr(found, "func", found)  # a partial's
    if isinstance(inner, type) or not callable(found):
        return False
    try:
        parameters = list(inspect.signature(found).parameters.values())
    except (TypeError, ValueError):
        return True
    return bool(parameters) and parameters[0].kind is inspect.Parameter.VAR_POSITIONAL


def _takes_scope(found: Any) -> bool:
    return not isinstance(found, type) and _accepts(found, 3) is True and not _accepts(found, 1)


def _problem_of_app(found: Any) -> str | None:
    if not callable(found):
        return f"it is of type {type(found).__name__} and cannot be called with a request"
    if _is_asgi(found):
        return None
    if isinstance(found, type) and not issubclass(found, Sock):
        return "it is a class, but no Sock"
    if _accepts(found, 1) is not False:
        return None
    if _accepts(found, 0):
        return "it takes no request. With --factory it is called to make the application"
    return "it does not take one request and nothing else"


def _accepts(function: Any, count: int) -> bool | None:
    """Tell whether a callable can be called with so many arguments; None when it does not say."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def _nearest(name: str, module: ModuleType) -> str | None:
    """Return the public name of a module that was probably meant."""
    spelled = {one.lower(): one for one in vars(module) if not one.startswith("_")}
    near = get_close_matches(name.lower(), spelled, n=1)
    return spelled[near[0]] if near else None


def _offer(module: ModuleType) -> str:
    names = _applications(module)
    if names:
        return f"It has these applications: {', '.join(names)}."
    return "It has no applications."


def _applications(module: ModuleType) -> list[str]:
    """Return the names that look like applications: callables first, then Sock classes."""
    public = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    functions = [name for name, value in public.items() if _looks_like_app(value, module)]
    classes = [
        name
        for name, value in public.items()
        if isinstance(value, type) and issubclass(value, Sock) and value.__module__ != "sock"
    ]
    return [*functions, *classes]


def _looks_like_app(value: Any, module: ModuleType) -> bool:
    if callable(value) and not inspect.isroutine(value) and _takes_scope(value):
        return True  # FastAPI() and its like
    if isinstance(value, type) or not callable(value) or _accepts(value, 1) is not True:
        return False
    if not inspect.isfunction(value):
        return type(value).__module__ not in {"typing", "builtins"}
    first = next(iter(inspect.signature(value).parameters.values()))
    takes_request = first.name == "request" or "Request" in str(first.annotation)
    return value.__module__ == module.__name__ and takes_request


def _show_own(error: BaseException) -> None:
    """Show the traceback of a user's code, from his first line on."""
    shown: TracebackType | None = error.__traceback__
    while shown is not None and (
        shown.tb_frame.f_code.co_filename == __file__
        or "importlib" in shown.tb_frame.f_code.co_filename
    ):
        shown = shown.tb_next
    traceback.print_exception(type(error), error, shown)
