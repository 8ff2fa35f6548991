"""What a user is told when it cannot go on: one line, and an exit code."""

from __future__ import annotations

import contextlib
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

if TYPE_CHECKING:
    from types import TracebackType

CANNOT_START: Final = 1
"""The exit code when the server cannot start, such as for a port in use."""

NOT_THERE: Final = 2
"""The exit code when what was asked for is not there: a module, an application, an option."""

_HERE: Final = str(Path(__file__).parent.parent)


def fail(message: str, code: int) -> NoReturn:
    """Say what is wrong, and end with an exit code."""
    click.echo(f"sock: {message}", err=True)
    sys.exit(code)


def show_own(error: BaseException) -> None:
    """Show the traceback of a user's code, from his first line on."""
    shown: TracebackType | None = error.__traceback__
    while shown is not None and _is_ours(shown.tb_frame.f_code.co_filename):
        shown = shown.tb_next
    traceback.print_exception(type(error), error, shown)


def _is_ours(file: str) -> bool:
    return file.startswith(_HERE) or "importlib" in file or file == contextlib.__file__
