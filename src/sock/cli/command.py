"""The command line: `sock run MODULE:APP`.

Exit codes: 0 after a clean stop; 1 when the server cannot start, such as for a port in use; 2 when
something in the command does not exist: a module, an application, an option.
"""

from __future__ import annotations

import threading
from typing import Any

import click

from sock import __version__, native

from .check import check
from .control import ctl
from .declared import options_of_run
from .leaving import end_process
from .options import check_variables, option_declarations
from .run import start
from .schema import schema
from .sections import OneLineGroup, SectionCommand, name_of
from .topics import publish, subscribe


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
      sock ctl status                      what do the workers of my server do?
      sock schema chat:app                 which messages does my application take and send?
      sock publish redis://localhost room:7 hello    send to all that listen to a topic
      sock subscribe redis://localhost room:7        see what they get
    """  # noqa: D301 - click looks for the backspace itself


main.add_command(check)
main.add_command(ctl)
main.add_command(schema)
main.add_command(publish)
main.add_command(subscribe)


@main.command(cls=SectionCommand, context_settings={"max_content_width": 100})
@click.argument("target", metavar="MODULE:APP")
@options_of_run
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
