"""What `sock check` does: reads the options, has the server tried, and writes the reports."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from sock.cli.failure import CANNOT_START, NOT_THERE, fail
from sock.cli.find import find, problem_of_app
from sock.cli.make import check_factory
from sock.testing.wire import Target

from .choice import UnknownName, chosen
from .files import as_json, as_junit
from .hosts import NotStarted
from .report import print_report, say
from .trial import NothingToTry, Trial
from .watch import can_watch

if TYPE_CHECKING:
    from .choice import Choice
    from .finding import Finding

INTERRUPTED: Final = 130
"""The exit code after Ctrl-C."""


def start(target: str | None, **settings: Any) -> None:
    """Try a server, print the report, and end the process with its exit code.

    Args:
        target: a URL, or MODULE:APP.
        settings: the options of the command.
    """
    try:
        choice = chosen(settings["sections"], settings["only"])
    except UnknownName as error:
        fail(str(error), NOT_THERE)
    if settings["listed"]:
        _list(choice)
        return
    if target is None:
        fail("say what to try: sock check ws://HOST:PORT/PATH, or MODULE:APP.", NOT_THERE)
    trial = Trial(choice, settings["seed"], settings["patience"])
    quiet = settings["json_file"] == "-"
    if not quiet:
        trial.told = _Progress()
    run = _url_trial if target.startswith(("ws:", "wss:", "http:", "https:")) else _app_trial
    interrupted = False
    try:
        run(trial, target, settings)
    except KeyboardInterrupt:
        interrupted = True
    if not quiet:
        _clear()
        print_report(
            trial.ordered(),
            verbose=settings["verbose"],
            watched=trial.watched,
            seconds=trial.seconds,
            seed=trial.seed,
        )
    _write_files(trial, _named(target, settings), settings)
    if interrupted:
        say("stopped by Ctrl-C: this is what was found until then.")
        sys.exit(INTERRUPTED)
    sys.exit(1 if trial.fell else 0)


def _url_trial(trial: Trial, url: str, settings: dict[str, Any]) -> None:
    if not trial.choice.wire:
        fail("the statements need an application: sock check MODULE:APP.", NOT_THERE)
    try:
        target = Target.of(
            url,
            ca=settings["ca"],
            insecure=settings["insecure"],
            headers=dict(map(_field, settings["headers"])),
        )
        loopback = target.is_loopback()
    except ValueError as error:
        fail(f"{error}.", NOT_THERE)
    except OSError as error:
        fail(f"{url!r} cannot be tried: {error}.", CANNOT_START)
    if not loopback and not settings["owned"]:
        fail(
            f"{target.host!r} is not this machine. The cases flood and attack a server: give"
            " --i-own-this-host if it is yours.",
            NOT_THERE,
        )
    pid = settings["pid"]
    if pid is not None and not can_watch(pid):
        fail(f"--pid {pid}: there is no such process that could be watched.", NOT_THERE)
    try:
        asyncio.run(trial.try_url(target, pid))
    except NothingToTry as error:
        fail(str(error), CANNOT_START)


def _app_trial(trial: Trial, app: str, settings: dict[str, Any]) -> None:
    folder = Path(settings["app_dir"]).resolve()
    factory = settings["factory"]
    found = find(app, folder)  # a wrong name is told at once, with a similar one
    if factory:
        check_factory(found, app)
    elif (problem := problem_of_app(found)) is not None:
        fail(f"{app!r} is not an application: {problem}.", NOT_THERE)
    if not settings["path"].startswith("/"):
        fail(f"--path {settings['path']}: a path begins with '/'.", NOT_THERE)
    try:
        asyncio.run(trial.try_app(app, settings["host"], folder, settings["path"], factory=factory))
    except NotStarted as error:
        fail(f"{app!r} does not start in {settings['host']}:\n{error}", CANNOT_START)
    except NothingToTry as error:
        fail(f"{error} Does --path name where {app!r} takes WebSockets?", CANNOT_START)


def _field(header: str) -> tuple[str, str]:
    name, colon, value = header.partition(":")
    if not colon or not name.strip():
        fail(f"--header {header!r} is not of the form 'NAME: VALUE'.", NOT_THERE)
    return name.strip(), value.strip()


def _named(target: str, settings: dict[str, Any]) -> str:
    return target if "://" in target else f"{target} in {settings['host']}"


def _write_files(trial: Trial, target: str, settings: dict[str, Any]) -> None:
    findings = trial.ordered()
    if settings["json_file"] is not None:
        text = as_json(
            target,
            findings,
            watched=trial.watched,
            seconds=trial.seconds,
            seed=trial.seed,
        )
        if settings["json_file"] == "-":
            click.echo(text)
        else:
            Path(settings["json_file"]).write_text(text + "\n", encoding="utf-8")
    if settings["junit"] is not None:
        settings["junit"].write_text(
            as_junit(target, findings, seconds=trial.seconds), encoding="utf-8"
        )


def _list(choice: Choice) -> None:
    for case in choice.wire:
        say(f"{case.number:6} {case.level.value:6} {case.title}  {case.rfc}")
    for one in choice.statements:
        level = "MUST" if one.required else "SHOULD"
        say(f"{one.name}  {level}  {' '.join(one.statements)}")


class _Progress:
    """Counts on a terminal, so that a person sees that it goes on."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, _: Finding) -> None:
        self._count += 1
        if sys.stderr.isatty():
            click.echo(f"\r{self._count} cases …", nl=False, err=True)


def _clear() -> None:
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
