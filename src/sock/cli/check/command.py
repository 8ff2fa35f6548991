"""`sock check`: tries any WebSocket server, and says what it does wrong.

Exit codes: 0 when every MUST held; 1 when one fell, or nothing could be tried; 2 when something in
the command does not exist; 130 after Ctrl-C.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from sock.cli.sections import SectionCommand, WholeNumber, options_of_app, plain_option

from .hosts import HOSTS

_WHICH: Final = "Which cases"
_URL: Final = "A server at a URL"
_APP: Final = "An application MODULE:APP"
_REPORT: Final = "The report"


@click.command(cls=SectionCommand, context_settings={"max_content_width": 100})
@click.argument("target", metavar="URL|MODULE:APP", required=False)
@plain_option(
    _WHICH,
    "--section",
    "sections",
    multiple=True,
    metavar="NAME",
    help="Only this section; may be given more than once. --list names them.",
)
@plain_option(
    _WHICH,
    "--only",
    multiple=True,
    metavar="ID",
    help="Only this case, such as 4.26, or the cases of a statement, such as S7.5; may be given"
    " more than once.",
)
@plain_option(
    _WHICH, "--list", "listed", is_flag=True, default=False, help="Show the cases, and try nothing."
)
@plain_option(
    _WHICH,
    "--seed",
    default=1,
    metavar="NUMBER",
    type=WholeNumber(0),
    help="What makes the mutated bytes the same again.",
)
@plain_option(
    _URL,
    "--ca",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="For wss: trust the certificates in this file, in PEM.",
)
@plain_option(
    _URL, "--insecure", is_flag=True, default=False, help="For wss: take any certificate."
)
@plain_option(
    _URL,
    "--header",
    "headers",
    multiple=True,
    metavar="'NAME: VALUE'",
    help="Send this field with each handshake, such as a cookie; may be given more than once.",
)
@plain_option(
    _URL,
    "--pid",
    metavar="NUMBER",
    type=WholeNumber(1),
    help="Watch the memory, descriptors and CPU of the server's process, and report what grows.",
)
@plain_option(
    _URL,
    "--i-own-this-host",
    "owned",
    is_flag=True,
    default=False,
    help="Try a server that is not on this machine. It gets floods and attacks: do this to your own"
    " only.",
)
@plain_option(
    _APP,
    "--host",
    default="sock",
    metavar="NAME",
    type=click.Choice(list(HOSTS)),
    help=f"Start it in this host: {', '.join(HOSTS)}.",
)
@plain_option(
    _APP,
    "--path",
    default="/",
    metavar="PATH",
    help="Where the application takes WebSockets, with a query if it needs one.",
)
@options_of_app(_APP)
@plain_option(
    _REPORT,
    "--verbose",
    "-v",
    is_flag=True,
    default=False,
    help="Show each recommendation and each case that was left out.",
)
@plain_option(
    _REPORT,
    "--json",
    "json_file",
    metavar="FILE",
    help="Write all results as JSON; - is the standard output, and then nothing else is printed.",
)
@plain_option(
    _REPORT,
    "--junit",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all results as JUnit's XML.",
)
@plain_option(
    _REPORT,
    "--patience",
    default=3.0,
    metavar="SECONDS",
    type=click.FloatRange(0.1, 30),
    help="How long to wait for whatever must come.",
)
def check(target: str | None, **settings: Any) -> None:
    """Try a WebSocket server, and say what it does wrong.

    \b
      sock check ws://127.0.0.1:8000/     a running server of any make: best an echo
      sock check chat:app                 starts the app of chat.py, and adds the specification
      sock check chat:app --host uvicorn  the same in another host
      sock check chat:make --factory      what make() returns
      sock check --list --section close   what there is to try, without trying it

    At a URL, an echo server gets all cases of the wire: bytes that are right, wrong, too many and
    too slow, each with the paragraph of its RFC. Cases that need an echo are left out where no
    message comes back.

    MODULE:APP is started in a process of its own. The application gets the cases that need no echo,
    an echo in the same host the others, and the suite's own application the statements of the
    specification.

    A MUST that falls makes the exit code 1. A SHOULD is reported only. It takes three minutes at
    most, and sends about 40 MB. Ctrl-C stops it, and prints what was found.
    """  # noqa: D301 - click looks for the backspace itself
    # All that tries anything is imported here, so that `sock run` starts as fast as without it.
    from .run import start

    start(target, **settings)
