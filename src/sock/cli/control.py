"""The command `sock ctl`: what an operator asks a running server with workers, and tells it."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from .failure import CANNOT_START, NOT_THERE, fail
from .sections import OneLineGroup, SectionCommand, WholeNumber
from .tables import seconds_in_words, size_in_words, table

_FAILED: Final = CANNOT_START
"""The exit code when there is no server, or when it could not do what it was told."""

_CONNECT_TIMEOUT: Final = 5.0
"""Seconds for a server to take our connection. Its answer may take as long as a drain."""

_json = click.option(
    "--json", "as_json", is_flag=True, help="The answer of the server, as one object of JSON."
)


@click.group(cls=OneLineGroup, name="ctl")
@click.option(
    "--control",
    metavar="PATH",
    type=click.Path(path_type=Path),
    envvar="SOCK_CONTROL",
    help="Control socket of the server, as given to sock run; not needed where this user runs one"
    " server only.",
)
@click.pass_context
def ctl(context: click.Context, /, control: Path | None) -> None:
    """Ask a server with workers, or tell it something.

    \b
      sock ctl status          its workers, their connections and their memory
      sock ctl reload          replace all workers, one after the other; no connection is refused
      sock ctl workers 4       have four workers
      sock ctl connections     the live connections
      sock ctl stop ID         close one of them, with 1012
      sock ctl drain           stop the server, as SIGTERM does
    """  # noqa: D301 - click looks for the backspace itself
    context.obj = control


@ctl.command(cls=SectionCommand)
@_json
@click.pass_obj
def status(control: Path | None, /, *, as_json: bool) -> None:
    """Show the workers of a server."""
    answer = _asked(control, ask="status")
    if as_json:
        _show_json(answer)
        return
    count = len(answer["slots"])
    click.echo(f"sock {answer['pid']} at {', '.join(answer['urls'])}")
    click.echo(
        f"up {seconds_in_words(answer['age'])}, {count} worker{'' if count == 1 else 's'},"
        f" {answer['reloads']} reload{'' if answer['reloads'] == 1 else 's'}\n"
    )
    rows = [
        (
            str(one["slot"]),
            str(one["pid"]),
            one["state"],
            seconds_in_words(one["age"]),
            str(one["connections"]),
            str(one["received"]),
            str(one["sent"]),
            size_in_words(one["memory"]),
            f"{one['lag'] * 1000:.0f} ms",
            str(one["starts"]),
        )
        for one in sorted(answer["workers"], key=lambda one: (one["slot"], one["age"]))
    ]
    heads = (
        "slot", "pid", "state", "age", "connections", "received", "sent", "memory", "lag", "starts",
    )  # fmt: skip
    click.echo(table(heads, rows, right={0, 1, 4, 5, 6, 7, 8, 9}))
    for slot in answer["slots"]:
        if slot["state"] in {"waiting", "empty"}:
            click.echo(f"slot {slot['slot']} has no worker now: its last one has died")


@ctl.command(cls=SectionCommand)
@click.pass_obj
def reload(control: Path | None, /) -> None:
    """Replace all workers, one by one; wait until it is done."""
    problem = _asked(control, ask="reload")["problem"]
    if problem is not None:
        fail(f"the reload has failed: {problem}. The server's log says why.", _FAILED)
    click.echo("all workers are new")


@ctl.command(cls=SectionCommand)
@click.pass_obj
def drain(control: Path | None, /) -> None:
    """Stop the server, as SIGTERM does."""
    _asked(control, ask="drain")
    click.echo("the server is stopping")


@ctl.command(cls=SectionCommand)
@click.argument("count", metavar="NUMBER", type=WholeNumber(1, 1000))
@click.pass_obj
def workers(control: Path | None, /, count: int) -> None:
    """Have so many workers; wait until those that go have drained."""
    got = _asked(control, ask="workers", count=count)["count"]
    click.echo(f"{got} worker{'' if got == 1 else 's'}")


@ctl.command(cls=SectionCommand)
@click.option(
    "--limit", default=100, metavar="NUMBER", type=WholeNumber(1, 10000), help="How many at most."
)
@_json
@click.pass_obj
def connections(control: Path | None, /, limit: int, *, as_json: bool) -> None:
    """Show live connections."""
    answer = _asked(control, ask="connections", limit=limit)
    if as_json:
        _show_json(answer)
        return
    rows = [
        (
            one["id"],
            str(one["pid"]),
            seconds_in_words(one["age"]),
            _client(one["client"]),
            one["handler"],
            one["path"],
        )
        for one in answer["connections"]
    ]
    click.echo(table(("id", "pid", "age", "client", "handler", "path"), rows, right={1}))
    if answer["total"] > len(rows):
        click.echo(f"… {answer['total'] - len(rows)} more: --limit shows more of them")


@ctl.command(cls=SectionCommand)
@click.argument("connection", metavar="ID")
@click.pass_obj
def stop(control: Path | None, /, connection: str) -> None:
    """Close one connection with 1012, after the work under way."""
    if not _asked(control, ask="stop", connection=connection)["found"]:
        fail(f"there is no connection {connection!r}: sock ctl connections lists them.", _FAILED)
    click.echo(f"{connection} is closing")


def _asked(control: Path | None, **question: Any) -> dict[str, Any]:
    """Ask the server, and return its answer."""
    path = control or _only_one()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(_CONNECT_TIMEOUT)
        try:
            sock.connect(str(path))
            sock.settimeout(None)
            sock.sendall(json.dumps(question).encode() + b"\n")
            line = sock.makefile("rb").readline()
        except FileNotFoundError:
            fail(
                f"there is no control socket {str(path)!r}: a server makes it that was given"
                " --workers and the same --control.",
                _FAILED,
            )
        except OSError as error:
            _fail_to_reach(path, error.strerror or str(error))
    if not line:
        _fail_to_reach(path, "it has ended without an answer")
    answer: dict[str, Any] = json.loads(line)
    if not answer.get("ok"):
        fail(f"the server at {str(path)!r} refuses: {answer.get('error')}.", _FAILED)
    return answer


def _fail_to_reach(path: Path, why: str) -> NoReturn:
    fail(f"no server answers at {str(path)!r}: {why}.", _FAILED)


def _only_one() -> Path:
    """Return the control socket of the only server that this user runs."""
    from sock.server.supervisor.control import default_folder

    folder = default_folder()
    found = [path for path in sorted(folder.glob("*.sock")) if _answers(path)]
    if not found:
        fail(
            f"this user runs no server with workers: there is no control socket in {str(folder)!r}."
            " --control PATH names the control socket of another server.",
            _FAILED,
        )
    if len(found) > 1:
        paths = ", ".join(map(str, found))
        fail(f"several servers run here: name one of them with --control: {paths}", NOT_THERE)
    return found[0]


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(_CONNECT_TIMEOUT)
        try:
            sock.connect(str(path))
        except OSError:  # of a server that was killed
            return False
    return True


def _client(address: list[Any] | None) -> str:
    if address is None:
        return "-"
    from sock.server.address import TcpAddress

    return str(TcpAddress(*address))


def _show_json(answer: dict[str, Any]) -> None:
    click.echo(json.dumps({name: value for name, value in answer.items() if name != "ok"}))
