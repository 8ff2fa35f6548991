"""The command line: `sock run MODULE:APP`.

Exit codes: 0 after a clean stop; 1 when the server cannot start, such as for a port in use; 2 when
something in the command does not exist: a module, an application, an option.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sock import __version__, native

from .check import check
from .leaving import end_process
from .options import check_variables, option_declarations
from .run import start
from .sections import OneLineGroup, SectionCommand, WholeNumber, name_of, option

if TYPE_CHECKING:
    from collections.abc import Callable

_APPLICATION = "The application"
_LISTENING = "Where it listens"
_LOG = "The log"
_LIMITS = "Limits (a SIZE is in bytes, or has a unit, as 4MiB; none is no limit)"
_ASGI = "For ASGI applications only, which uvicorn runs"


def _limits(function: Callable[..., Any]) -> Callable[..., Any]:
    """Declare an option for each field of `Options`."""
    for field, name, settings in reversed(option_declarations()):
        function = option(_LIMITS, name, field, **settings)(function)
    return function


@click.group(cls=OneLineGroup, context_settings={"help_option_names": ["-h", "--help"]})
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
      sock run chat:app                    serve the app of chat.py
      sock run --help                      all there is to say about that
      sock check ws://127.0.0.1:8000/      what does this server do wrong?
      sock check --help                    all there is to say about that
    """  # noqa: D301 - click looks for the backspace itself


main.add_command(check)


@main.command(cls=SectionCommand, context_settings={"max_content_width": 100})
@click.argument("target", metavar="MODULE:APP")
@option(
    _APPLICATION,
    "--factory",
    default=False,
    is_flag=True,
    help="APP is called without arguments and makes the application. It may be a coroutine"
    " function, or return an async context manager that yields the application.",
)
@option(
    _APPLICATION,
    "--app-dir",
    default=".",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False),
    help="Folder in which MODULE is looked for first.",
)
@option(
    _APPLICATION,
    "--health",
    metavar="PATH",
    help="Path that the server itself answers, with 200, and with 503 while it is stopping.",
)
@option(
    _LISTENING,
    "--host",
    default="127.0.0.1",
    help="Name or address to listen on; 0.0.0.0 is every interface.",
)
@option(
    _LISTENING,
    "--port",
    default=8000,
    metavar="NUMBER",
    type=WholeNumber(0, 65535),
    help="Port to listen on; 0 picks a free one.",
)
@option(
    _LISTENING,
    "--loop",
    default="auto",
    type=click.Choice(["auto", "asyncio", "uvloop"]),
    metavar="LOOP",
    help="auto, asyncio or uvloop; auto is uvloop when it is installed.",
)
@option(
    _LOG,
    "--log-level",
    default="info",
    metavar="LEVEL",
    type=click.Choice(["debug", "info", "warning", "error", "critical"]),
    help="The lowest level that is shown: debug, info, warning, error or critical.",
)
@option(
    _LOG,
    "--log-format",
    default="text",
    type=click.Choice(["text", "json"]),
    metavar="FORMAT",
    help="text, or json, which is one object a line.",
)
@option(
    _LOG,
    "--access-log",
    default=False,
    is_flag=True,
    help="A line for each answer, and for each connection's beginning and end.",
)
@option(
    _LOG,
    "--log-query",
    default=False,
    is_flag=True,
    help="Show the values in query strings, tokens among them, in place of ***.",
)
@option(
    _LOG,
    "--debug",
    default=False,
    is_flag=True,
    help="Name callbacks that block the event loop.",
)
@option(
    _LIMITS,
    "--options",
    metavar="MODULE:OPTIONS",
    help="All limits at once, from an Options in a module; those below are laid over it.",
)
@_limits
@option(
    _ASGI,
    "--workers",
    default=1,
    metavar="NUMBER",
    type=WholeNumber(1),
    help="Number of processes.",
)
@option(
    _ASGI,
    "--reload",
    default=False,
    is_flag=True,
    help="Start again when a file changes.",
)
@option(
    _ASGI,
    "--reload-dir",
    multiple=True,
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False),
    default_in_words="that of --app-dir",
    help="Folder that --reload watches; may be given more than once.",
)
@option(
    _ASGI,
    "--certificate",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Speak TLS with this certificate, in PEM.",
)
@option(
    _ASGI,
    "--key",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The key of --certificate, which it needs, if it is not in the same file.",
)
@option(
    _ASGI,
    "--root-path",
    default="",
    help="Path under which a proxy shows the application, such as /chat.",
)
@option(
    _ASGI,
    "--forwarded-allow-ips",
    metavar="IPS",
    default_in_words="127.0.0.1",
    help="Proxies whose X-Forwarded-For and -Proto are believed, with commas between; * is all.",
)
@option(
    _ASGI,
    "--uds",
    metavar="PATH",
    help="Listen on a Unix socket, for a proxy on this machine, in place of host and port.",
)
@click.pass_context
def run(context: click.Context, /, target: str, **settings: Any) -> None:
    """Serve the application APP of the module MODULE.

    \b
      sock run chat:app                       chat.py is here, app is in it
      sock run games.chess:Chess --port 0     a Sock class, on a free port
      sock run chat:make_app --factory        what make_app() returns
      SOCK_PORT=9000 sock run chat:app        each option is a variable too:
                                              --max-head-size is SOCK_MAX_HEAD_SIZE

    An ASGI application (FastAPI, Starlette, Django …) is run by uvicorn, which needs the extra
    `uvicorn`; the Socks in it have their own wire there.

    SIGTERM and Ctrl-C stop it: nothing more is accepted, what is under way is finished, and clients
    are told to come back (1012). A second one ends it at once.
    """  # noqa: D301 - as above
    threads_before = frozenset(threading.enumerate())
    check_variables(str(one.envvar) for one in context.command.params if one.envvar)
    limits = {field: settings.pop(field) for field, _, _ in option_declarations()}
    sources = {str(one.name): name_of(one, context) for one in context.command.params}
    try:
        start(target, limits, sources, threads_before, **settings)
    except SystemExit as ended:
        end_process(ended.code if isinstance(ended.code, int) else 0, threads_before)
        raise
    except Exception as error:
        end_process(1, threads_before, error)
        raise
    end_process(0, threads_before)
